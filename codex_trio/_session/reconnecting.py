"""`ReconnectingConnection`: successive connections to one server, with the interface of `Connection`.

It knows nothing about turns. A request that is in flight when the connection is lost raises an error and is never sent
again. A request that is sent while disconnected waits for the next connection.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Protocol
from weakref import WeakValueDictionary

import trio

from .._wire.messages import ServerRequest
from ..abc import Transport
from ..errors import CodexError, CodexTimeoutError, CodexTransportError
from .connection import Connection, ConnectionOwner, PendingRequest

_logger = logging.getLogger("codex_trio")

_INITIAL_PAUSE, _MAX_PAUSE = 0.1, 5.0  # seconds between attempts, before jitter


class ReconnectionOwner(ConnectionOwner, Protocol):
    """The additional methods that a `ReconnectingConnection` calls. Deadlines are on Trio's clock."""

    def on_disconnect(self) -> None:
        """Handle a disconnect that is not final. Called in the reader task, so it must neither block nor raise."""
        ...

    async def handshake(self, connection: Connection) -> object:
        """Send `initialize` on a new connection."""
        ...

    async def restore(self, connection: Connection, deadline: float) -> object:
        """Restore subscriptions, before requests may be sent on the new connection."""
        ...

    async def catch_up(self, connection: Connection, deadline: float) -> object:
        """Read the missed events from history, while requests may already be sent."""
        ...

    def drop_causes(self, loss: CodexTransportError) -> bool:
        """Abandon the requests during which the last connections were lost. Return whether there were any."""
        ...


class ReconnectingConnection:
    """Sends requests, notifications and responses over the current connection, and reconnects when it is lost.

    Args:
        transport: The transport. The caller opens it the first time; this class opens it again to reconnect.
        owner: Handles the server's messages, and prepares new connections.
        reconnect_timeout: Seconds from a disconnect until `owner.catch_up` must have returned. A permanent error ends the
            attempts immediately.

    Attributes:
        reconnects: Whether another connection follows a lost one. Always true here.
        on_delta: The owner's method. `Connection` calls it directly, because there is a call for each delta.
        on_notification: The owner's method, also called directly.
    """

    reconnects = True

    def __init__(self, transport: Transport, owner: ReconnectionOwner, *, reconnect_timeout: float) -> None:
        self._transport = transport
        self._owner = owner
        self.on_delta = owner.on_delta
        self.on_notification = owner.on_notification
        self._reconnect_timeout = reconnect_timeout
        self._scope = trio.CancelScope()
        self._done = trio.Event()
        self._connected = trio.Event()
        self._connected.set()
        self._is_initialized = False  # the first connection; before that, a disconnect is final
        self._was_greeted = False  # whether the server answered `initialize` in the current attempt
        self._lost = trio.Event()  # set when the current connection is lost
        self._connection_error: CodexTransportError | None = None  # the final one
        self._last_error: CodexTransportError | None = None  # why there is no connection now
        # Unanswered server requests of the current connection, by `id()`. The references are weak, because many
        # requests are never answered: their turn ends first.
        self._asked: WeakValueDictionary[int, ServerRequest] = WeakValueDictionary()
        self._discarded_before = 0
        self._connection = Connection(transport, self)

    def set_initialized(self) -> None:
        """Record that the first connection was initialized. After this, reconnect when a connection is lost."""
        self._is_initialized = True

    def start(self, nursery: trio.Nursery) -> None:
        """Start the task that runs the connection the caller has opened, and the later connections."""
        nursery.start_soon(self._run, name="codex_trio keeps the connection")

    async def aclose(self) -> None:
        """Stop reconnecting, and close the current connection.

        Call this only after `start`. It does not wake pending requests; `fail` does.
        """
        self._scope.cancel()
        with trio.CancelScope(shield=True):  # bounded by the transport's grace times
            await self._done.wait()

    # --- the interface of `Connection`

    async def request(self, method: str, params: Mapping[str, Any] | None = None, *, timeout: float) -> Any:
        """Send a request and return its result. See `send_request`."""
        return await self.send_request(PendingRequest(method, params), timeout=timeout)

    @trio.lowlevel.enable_ki_protection
    async def send_request(self, call: PendingRequest, *, timeout: float, bypass_limit: bool = False) -> Any:
        """Wait for a connection, then send a request as `Connection.send_request` does. `timeout` includes the wait."""
        deadline = trio.current_time() + timeout
        while True:
            await self._wait_connected(call, deadline)
            try:
                return await self._connection.send_request(
                    call, timeout=deadline - trio.current_time(), bypass_limit=bypass_limit
                )
            except CodexTransportError:
                if call.was_sent or self._connection_error is not None:  # a request that was not sent is safe to repeat
                    raise

    async def _wait_connected(self, call: PendingRequest, deadline: float) -> None:
        with trio.move_on_at(deadline):
            if not self._connected.is_set():
                await self._connected.wait()
            self.raise_if_closed()
            return
        raise CodexTimeoutError(
            f"{call.method}: it was not sent, because the connection was lost and has not come back in time: "
            f"{self._last_error}"
        )

    async def wait_connected(self) -> None:
        """Wait until there is a connection, or until the last connection has ended."""
        await trio.lowlevel.checkpoint()
        while not self._connected.is_set():  # a disconnect in the same tick replaces the event, so check again
            await self._connected.wait()

    def notify(self, method: str, params: Mapping[str, Any] | None = None) -> None:
        """Send a notification. Raises the error of the lost connection while disconnected."""
        self.raise_if_closed()
        self._connection.notify(method, params)

    def respond(self, request: ServerRequest, result: Any) -> None:
        """Respond to a server request. Does nothing if its connection was lost: the server repeats the request."""
        if id(request) in self._asked:
            self._connection.respond(request, result)
            self._asked.pop(id(request), None)  # last: if the result cannot be sent, the request stays open

    def respond_error(self, request: ServerRequest, code: int, message: str) -> None:
        """Respond to a server request with an error. Does nothing if its connection was lost."""
        if self._asked.pop(id(request), None) is not None:
            self._connection.respond_error(request, code, message)

    async def flush(self) -> None:
        """Wait until the transport has all messages sent so far, or the current connection has ended."""
        await self._connection.flush()

    def raise_if_closed(self) -> None:
        """If the connection has ended for good, raise its error as a new exception."""
        if self._connection_error is not None:
            raise self._connection_error.fresh()

    def fail(self, error: CodexTransportError) -> None:
        """End the connection for good. All pending and later requests raise `error`. Idempotent."""
        if self._connection_error is not None:
            return
        self._connection_error = error  # first: `_connection.fail` calls `on_closed`, which must not reconnect
        self._owner.on_closed(error)  # before any waiter wakes
        self._connection.fail(error)
        self._connected.set()
        self._scope.cancel()

    @property
    def is_closed(self) -> bool:
        """Whether the connection has ended for good."""
        return self._connection_error is not None

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection, or the last connection has ended."""
        return self._connected.is_set()

    @property
    def requests_in_flight(self) -> int:
        """The number of sent requests without a response."""
        return self._connection.requests_in_flight

    @property
    def requests_waiting(self) -> int:
        """The number of requests that wait for a slot."""
        return self._connection.requests_waiting

    @property
    def discarded_messages(self) -> int:
        """The number of messages that were discarded, on all connections."""
        return self._discarded_before + self._connection.discarded_messages

    # --- called by the current connection, in its reader task

    def on_request(self, request: ServerRequest) -> None:
        """Record that a request belongs to the current connection, and pass it to the owner."""
        self._asked[id(request)] = request
        self._owner.on_request(request)

    def on_closed(self, error: CodexTransportError) -> None:
        """Handle the loss of the current connection."""
        if self._connection_error is not None:
            return
        self._asked.clear()
        self._lost.set()
        if not self._is_initialized:
            self.fail(error)
        else:
            self._last_error = error
            if self._connected.is_set():  # otherwise it was lost while being restored; requests wait for the event
                self._connected = trio.Event()
            self._owner.on_disconnect()

    # --- the task

    @trio.lowlevel.enable_ki_protection
    async def _run(self) -> None:
        try:
            with self._scope:
                await self._serve(self._run_first)
                while self._connection_error is None:
                    await self._reconnect()
        finally:
            self._done.set()

    async def _run_first(self) -> None:
        self._connection.start(self._nursery)
        await self._lost.wait()

    async def _reconnect(self) -> None:
        # A new connection does not extend the deadline until `catch_up` has returned, because each connection may be
        # lost during the same request.
        deadline = trio.current_time() + self._reconnect_timeout
        pause = _INITIAL_PAUSE
        while self._connection_error is None:
            remaining = max(0.0, deadline - trio.current_time())
            await trio.sleep(min(random.uniform(0.5, 1.5) * pause, remaining))
            if trio.current_time() >= deadline:
                if not self._go_on_without_causes():
                    self._give_up(
                        f"it could not be reached again within {self._reconnect_timeout:g} s, reconnect_timeout"
                    )
                    return
                deadline = trio.current_time() + self._reconnect_timeout
            failure = await self._try(deadline)
            if failure is None:
                return
            pause = min(2 * pause, _MAX_PAUSE)
            if isinstance(failure, CodexTransportError) and failure.is_permanent:
                self._give_up(f"it is no use to try again: {failure}", is_permanent=True)

    async def _try(self, deadline: float) -> CodexError | None:
        was_greeted, self._was_greeted = self._was_greeted, False
        failure = await self._serve(partial(self._connect_once, deadline))
        if not self._was_greeted and trio.current_time() >= deadline:  # the attempt had no time for the handshake
            self._was_greeted = was_greeted
        return failure

    def _go_on_without_causes(self) -> bool:
        assert self._last_error is not None
        # If the server did not answer `initialize`, the connection was not lost because of a request of the owner.
        return self._was_greeted and self._owner.drop_causes(self._last_error)

    def _give_up(self, why: str, *, is_permanent: bool = False) -> None:
        last_error = self._last_error
        assert last_error is not None
        error = CodexTransportError(
            f"{last_error} (and {why})",
            returncode=last_error.returncode,
            stderr_tail=last_error.stderr_tail,
            is_permanent=is_permanent,
        )
        error.__cause__ = last_error
        self.fail(error)

    async def _serve(self, body: Callable[[], Awaitable[object]]) -> CodexError | None:
        """Run `body`, then close the transport. Return the error if `body` raised a `CodexError`."""
        async with trio.open_nursery() as self._nursery:
            try:
                await body()
            except CodexError as exc:
                _logger.debug("%s could not be reached again: %s", self._transport.describe(), exc)
                self._connection.fail(CodexTransportError(f"the connection was given up: {exc}"))
                return exc
            else:
                return None
            finally:
                with trio.CancelScope(shield=True):  # bounded by the transport's grace times
                    await self._transport.aclose()
                self._nursery.cancel_scope.cancel()

    async def _connect_once(self, deadline: float) -> None:
        """Reconnect once, and return when the new connection is lost.

        Raises:
            CodexError: The server could not be reached, or the connection was lost before `catch_up` had finished.
        """
        with trio.move_on_at(min(deadline, trio.current_time() + self._transport.connect_timeout)) as scope:
            await self._transport.open(self._nursery)
            self._discarded_before += self._connection.discarded_messages
            self._connection, self._lost = Connection(self._transport, self), trio.Event()
            self._connection.start(self._nursery)
            await self._owner.handshake(self._connection)
            self._was_greeted = True
        if scope.cancelled_caught:
            raise CodexTransportError(f"{self._transport.describe()} did not answer in time")
        await self._owner.restore(self._connection, deadline)
        self._connection.raise_if_closed()
        # Only now may requests be sent: a turn that starts on a thread without a subscription would send no events.
        self._connected.set()
        await self._owner.catch_up(self._connection, deadline)
        if not self._lost.is_set():
            self._last_error = None
        await self._lost.wait()
