"""Both ends of a scripted connection, and the server requests sent through it. Knows nothing about threads and turns."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
import trio

from ...abc import Transport
from ...errors import CodexTransportError
from .._wire_shapes import Message, dump_message


class PendingServerRequest:
    """A server request until a client responds to it.

    Attributes:
        id: The request id. Ids count from 0 for the whole server.
        method: The method.
        params: The params.
        raw: The encoded message.
        connection: The only connection that got the request; `None` if all subscribers of a thread did.
        answer: The client's response, the whole message; `None` until then.
    """

    def __init__(self, ask_id: int, method: str, params: Message, connection: ServerConnection | None) -> None:
        self.id = ask_id
        self.method = method
        self.params = params
        self.raw = dump_message({"method": method, "id": ask_id, "params": params})
        self.connection = connection
        self.answer: Message | None = None
        self._settled = trio.Event()

    async def wait(self) -> Message:
        """Wait for the client's response. Return the whole message, with a ``result`` or an ``error``.

        Raises:
            CodexTransportError: The connection ended first.
        """
        await self._settled.wait()
        if self.answer is None:
            raise CodexTransportError(f"the connection ended before the client responded to {self.method}")
        return self.answer

    def _settle(self, answer: Message | None) -> None:
        self.answer = answer
        self._settled.set()


class ServerRequestTable:
    """All server requests. The first response to each counts, from any connection."""

    def __init__(self) -> None:
        self.answers: list[Message] = []
        self._count = 0
        self._pending: dict[int, PendingServerRequest] = {}

    def open(
        self, method: str, params: Mapping[str, Any], connection: ServerConnection | None = None
    ) -> PendingServerRequest:
        """Register a request; the caller sends its bytes."""
        ask = PendingServerRequest(self._count, method, dict(params), connection)
        self._count += 1
        self._pending[ask.id] = ask
        return ask

    def resolve(self, message: Message) -> None:
        """Handle a client's response. A late or unknown response is ignored, as the real server does."""
        ask_id = message["id"]
        ask = self._pending.pop(ask_id, None) if isinstance(ask_id, int) else None
        if ask is not None:
            self.answers.append(message)
            ask._settle(message)

    def drop(self, ask: PendingServerRequest) -> None:
        """Drop a request. A task that waits for its response gets an error."""
        if self._pending.pop(ask.id, None) is not None:
            ask._settle(None)

    def drop_all(self, connection: ServerConnection) -> None:
        """Drop the requests that only this connection got."""
        for ask in [ask for ask in self._pending.values() if ask.connection is connection]:
            self.drop(ask)


class ServerConnection:
    """The server's end of one connection.

    Attributes:
        is_initialized: Whether the client was initialized on this connection.
        is_experimental: Whether the client has the `experimentalApi` capability.
        opted_out: Methods of notifications that the client does not want.
        subscriptions: Ids of the threads whose events are sent here.
        ended: The error that ended the connection; `None` while it is open.
    """

    def __init__(
        self,
        nursery: trio.Nursery,
        asks: ServerRequestTable,
        on_message: Callable[[ServerConnection, bytes], None],
        on_end: Callable[[ServerConnection], None],
    ) -> None:
        self.is_initialized = False
        self.is_experimental = False
        self.opted_out: frozenset[str] = frozenset()
        self.subscriptions: set[str] = set()
        self.ended: CodexTransportError | None = None
        self._nursery = nursery
        self._asks = asks
        self._on_message = on_message
        self._on_end = on_end
        self._queue: deque[bytes] = deque()
        self._arrived = trio.Event()
        self._readable = trio.Event()
        self._readable.set()
        self._is_writing = True
        self._task_scopes: set[trio.CancelScope] = set()
        self._task_ended = trio.Event()

    def send(self, message: Mapping[str, Any]) -> None:
        """Send any message to the client. Does nothing if the connection has ended."""
        self.send_bytes(dump_message(message))

    def send_bytes(self, raw: bytes) -> None:
        """Send one message unchanged. It does not have to be JSON."""
        self._enqueue((raw,))

    def notify(self, method: str, raws: Iterable[bytes]) -> None:
        """Send notifications of one method, unless the client has opted out of them."""
        if method not in self.opted_out:
            self._enqueue(raws)

    def ask_nowait(self, method: str, params: Mapping[str, Any] | None = None) -> PendingServerRequest:
        """Send a server request without waiting for the response."""
        ask = self._asks.open(method, params or {}, self)
        if self.ended is None:
            self.send_bytes(ask.raw)
        else:
            self._asks.drop(ask)
        return ask

    async def ask(self, method: str, params: Mapping[str, Any] | None = None) -> Message:
        """Send a server request and return the client's response, the whole message.

        Raises:
            CodexTransportError: The connection ended first.

        Cancellation: The request stays sent; a response is still recorded.
        """
        return await self.ask_nowait(method, params).wait()

    def drop(self, returncode: int | None = None, stderr: str = "") -> None:
        """End the connection. The client receives the messages that were sent before, and then an error."""
        if returncode is None:
            reason = "the scripted app-server closed the connection"
        else:
            reason = f"the scripted app-server exited with code {returncode}"
        self._end(CodexTransportError(reason, returncode=returncode, stderr_tail=stderr))

    def pause_reading(self) -> None:
        """Block the client's `send`, like a full pipe."""
        self._readable = trio.Event()

    def resume_reading(self) -> None:
        """Undo `pause_reading`."""
        self._readable.set()

    def pause_writing(self) -> None:
        """Hold back messages to the client until `resume_writing`, or until the connection ends."""
        self._is_writing = False

    def resume_writing(self) -> None:
        """Deliver the messages that were held back, all at once and in order."""
        self._is_writing = True
        self._arrived.set()

    def discard_queued(self, *, keep: Callable[[Message], bool] | None = None) -> int:
        """Discard messages that the client has not received, as when they are lost with the connection.

        Args:
            keep: Takes a message and returns whether to keep it. By default all are discarded.

        Returns:
            The number of discarded messages.

        Example:
            ``connection.pause_writing(); call.proceed(); connection.discard_queued(); connection.drop()``
        """
        kept = [] if keep is None else [raw for raw in self._queue if keep(msgspec.json.decode(raw))]
        discarded = len(self._queue) - len(kept)
        self._queue = deque(kept)
        return discarded

    def start(self, async_fn: Callable[..., Awaitable[object]], *args: Any) -> None:
        """Run a task. It is cancelled when the connection ends."""
        scope = trio.CancelScope()
        self._task_scopes.add(scope)
        self._nursery.start_soon(self._run, scope, async_fn, args)

    async def _run(
        self, scope: trio.CancelScope, async_fn: Callable[..., Awaitable[object]], args: Sequence[Any]
    ) -> None:
        try:
            with scope:
                await async_fn(*args)
        finally:
            self._task_scopes.discard(scope)
            self._task_ended.set()
            self._task_ended = trio.Event()

    async def receive(self, messages: Sequence[bytes]) -> None:
        """Handle messages from the client. If cancelled, none of them is handled."""
        await trio.lowlevel.checkpoint()
        while self.ended is None and not self._readable.is_set():
            await self._readable.wait()
        for raw in messages:
            if self.ended is not None:
                raise self.ended.fresh()
            self._on_message(self, bytes(raw))

    async def next_batch(self) -> list[bytes]:
        """Wait for queued messages, and return all of them."""
        await trio.lowlevel.checkpoint()
        while self.ended is None and not (self._queue and self._is_writing):
            self._arrived = trio.Event()
            await self._arrived.wait()
        if not self._queue:
            assert self.ended is not None
            raise self.ended.fresh()
        batch = list(self._queue)
        self._queue.clear()
        return batch

    async def close(self) -> None:
        """End the connection from the client's side, and wait until its tasks have ended."""
        self._end(CodexTransportError("the connection was closed by its client"))
        self._queue.clear()
        with trio.CancelScope(shield=True):
            while self._task_scopes:
                await self._task_ended.wait()

    def _enqueue(self, messages: Iterable[bytes]) -> None:
        # Unbounded: the real server also keeps all messages that its client does not read.
        if self.ended is None:
            self._queue.extend(messages)
            self._arrived.set()

    def _end(self, error: CodexTransportError) -> None:
        if self.ended is not None:
            return
        self.ended = error
        for scope in self._task_scopes:
            scope.cancel()
        self._arrived.set()
        self._readable.set()
        self._asks.drop_all(self)
        self._on_end(self)


class ScriptedTransport(Transport):
    """The client's end of a scripted connection. Made by `ScriptedAppServer.transport`.

    Attributes:
        connection: The server's end while open, else `None`.
    """

    def __init__(self, connect: Callable[[trio.Nursery], Awaitable[ServerConnection]]) -> None:
        self.connection: ServerConnection | None = None
        self._connect = connect
        self._busy: set[str] = set()

    async def open(self, nursery: trio.Nursery) -> None:
        """Make a new connection to the server."""
        if self.connection is not None:
            raise RuntimeError("this transport is open already")
        self.connection = await self._connect(nursery)

    async def send(self, messages: Sequence[bytes]) -> None:
        """Send messages to the server.

        Cancellation: None of the messages was sent.
        """
        with self._alone_in("send") as connection:
            await connection.receive(messages)

    async def receive(self) -> Sequence[bytes]:
        """Wait for messages from the server, and return all of them."""
        with self._alone_in("receive") as connection:
            return await connection.next_batch()

    async def aclose(self) -> None:
        """End the connection and its tasks."""
        connection, self.connection = self.connection, None
        if connection is not None:
            await connection.close()
        await trio.lowlevel.checkpoint()

    def describe(self) -> str:
        """Return the server's name for messages."""
        return "scripted app-server"

    @contextmanager
    def _alone_in(self, name: str) -> Iterator[ServerConnection]:
        if name in self._busy:
            raise trio.BusyResourceError(f"two tasks call {name} of one transport at the same time")
        if self.connection is None:
            raise CodexTransportError("the transport of the scripted app-server is not open")
        self._busy.add(name)
        try:
            yield self.connection
        finally:
            self._busy.discard(name)
