"""`ReconnectingConnection`: successive connections to one server, with the interface of one. Knows nothing about turns.

A request that was in flight when a connection was lost raises, and is never sent again. A request that is sent while there
is no connection waits for the next one.
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
from .connection import (
    Connection,
    ConnectionOwner,
    PendingRequest,
)

_logger = logging.getLogger("codex_trio")

_INITIAL_PAUSE, _MAX_PAUSE = 0.1, 5.0  # seconds between attempts


class ReconnectionOwner(ConnectionOwner, Protocol):
    """What a `ReconnectingConnection` also calls. Deadlines are in Trio's time."""

    def on_disconnect(self) -> None:
        """Handle the loss of a connection that another one is to follow. Called in the reader."""
        ...

    async def handshake(self, connection: Connection) -> object:
        """Initialize the server on a new connection."""
        ...

    async def restore(self, connection: Connection, deadline: float) -> object:
        """Prepare the connection for calls."""
        ...

    async def catch_up(self, connection: Connection, deadline: float) -> object:
        """Find out what was missed, while calls go on already."""
        ...

    def drop_causes(self, loss: CodexTransportError) -> bool:
        """Abandon the requests that the last connections were lost over. Return whether there were any."""
        ...


class ReconnectingConnection:
    """Calls, notifications and answers, over whatever connection there is. Has the interface of `Connection`.

    Args:
        transport: Opened for the first time by the caller, and from then on by the link.
        owner: Gets what the server sends, and prepares new connections.
        patience: Seconds that it may take from a loss until all of that is done. A permanent error ends it at once.
    """

    reconnects = True

    def __init__(self, transport: Transport, owner: ReconnectionOwner, *, patience: float) -> None:
        self._transport = transport
        self._owner = owner
        self.on_delta = owner.on_delta  # called for each delta, so without a method of this class in between
        self.on_notification = owner.on_notification
        self._patience = patience
        self._scope = trio.CancelScope()
        self._done = trio.Event()
        self._connected = trio.Event()
        self._connected.set()
        self._is_initialized = False  # the first connection: before that, a loss is final
        self._was_greeted = False  # by the server, in the present attempt
        self._lost = trio.Event()  # the present connection is
        self._loss: CodexTransportError | None = None  # for good
        self._last_error: CodexTransportError | None = None  # why there is no connection at present
        # By identity: those of the present connection that want an answer. Many never get one, as their turn ends before.
        self._asked: WeakValueDictionary[int, ServerRequest] = WeakValueDictionary()
        self._discarded_before = 0
        self._connection = Connection(transport, self)

    def set_initialized(self) -> None:
        """Note that the first connection was initialized. From now on, another one follows a lost one."""
        self._is_initialized = True

    def start(self, nursery: trio.Nursery) -> None:
        """Start to serve the connection that the caller has opened, and those after it."""
        nursery.start_soon(self._run, name="codex_trio keeps the connection")

    async def aclose(self) -> None:
        """Look for no further connection, and let go of the present one. `lose` has been called, or `start` has not."""
        self._scope.cancel()
        with trio.CancelScope(shield=True):  # bounded by the transport's grace times
            await self._done.wait()

    # --- as a connection

    async def request(self, method: str, params: Mapping[str, Any] | None = None, *, timeout: float) -> Any:
        """Call the server, and return the result. See `send_request`."""
        return await self.send_request(PendingRequest(method, params), timeout=timeout)

    @trio.lowlevel.enable_ki_protection
    async def send_request(self, call: PendingRequest, *, timeout: float, bypass_limit: bool = False) -> Any:
        """Send a request as `Connection.send_request` does, once there is a connection. `timeout` includes the wait."""
        deadline = trio.current_time() + timeout
        while True:
            await self._wait_connected(call, deadline)
            try:
                return await self._connection.send_request(
                    call, timeout=deadline - trio.current_time(), bypass_limit=bypass_limit
                )
            except CodexTransportError:
                if call.was_sent or self._loss is not None:
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
        """Wait until there is a connection, or will be none any more."""
        await trio.lowlevel.checkpoint()
        while not self._connected.is_set():  # looked at anew after each wait: a loss in the same tick makes another one
            await self._connected.wait()

    def notify(self, method: str, params: Mapping[str, Any] | None = None) -> None:
        """Send a notification. While there is no connection, this raises why."""
        self.raise_if_closed()
        self._connection.notify(method, params)

    def respond(self, request: ServerRequest, result: Any) -> None:
        """Answer a request of the server, unless its connection is gone: it is asked again on the next one."""
        if id(request) in self._asked:
            self._connection.respond(request, result)
            self._asked.pop(id(request), None)  # not before: what cannot be sent raises, and leaves the request open

    def respond_error(self, request: ServerRequest, code: int, message: str) -> None:
        """Answer with an error, likewise."""
        if self._asked.pop(id(request), None) is not None:
            self._connection.respond_error(request, code, message)

    async def flush(self) -> None:
        """Wait until the transport has all that was sent so far, or the present connection has ended."""
        await self._connection.flush()

    def raise_if_closed(self) -> None:
        """Raise the final loss, if there was one, as an error of the caller's own."""
        if self._loss is not None:
            raise self._loss.fresh()

    def lose(self, error: CodexTransportError) -> None:
        """End it for good: every waiter and every later call gets `error`."""
        if self._loss is not None:
            return
        self._loss = error
        self._owner.on_closed(error)
        self._connection.lose(error)
        self._connected.set()
        self._scope.cancel()

    @property
    def is_lost(self) -> bool:
        """Whether it has ended for good."""
        return self._loss is not None

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection, or will be none any more."""
        return self._connected.is_set()

    @property
    def requests_in_flight(self) -> int:
        """How many requests the server has not answered."""
        return self._connection.requests_in_flight

    @property
    def requests_waiting(self) -> int:
        """How many requests wait for their place."""
        return self._connection.requests_waiting

    @property
    def discarded_messages(self) -> int:
        """How many messages of all connections were skipped."""
        return self._discarded_before + self._connection.discarded_messages

    # --- from the present connection

    def on_request(self, request: ServerRequest) -> None:
        """Note that a request came over the present connection, and pass it on."""
        self._asked[id(request)] = request
        self._owner.on_request(request)

    def on_closed(self, error: CodexTransportError) -> None:
        """Handle the loss of the present connection."""
        if self._loss is not None:
            return
        self._asked.clear()
        self._lost.set()
        if not self._is_initialized:
            self.lose(error)
        else:
            self._last_error = error
            if self._connected.is_set():  # else it was lost before it came up, and there are those who wait for that
                self._connected = trio.Event()
            self._owner.on_disconnect()

    # --- the task

    @trio.lowlevel.enable_ki_protection
    async def _run(self) -> None:
        try:
            with self._scope:
                await self._serve(self._run_first)
                while self._loss is None:
                    await self._reconnect()
        finally:
            self._done.set()

    async def _run_first(self) -> None:
        self._connection.start(self._nursery)
        await self._lost.wait()

    async def _reconnect(self) -> None:
        # The deadline is for catching up, not for connecting: each connection may be lost over the same request again.
        deadline = trio.current_time() + self._patience
        pause = _INITIAL_PAUSE
        while self._loss is None:
            left = max(0.0, deadline - trio.current_time())
            await trio.sleep(min(random.uniform(0.5, 1.5) * pause, left))
            if trio.current_time() >= deadline:
                if not self._go_on_without_causes():
                    self._give_up(f"it could not be reached again within {self._patience:g} s, reconnect_timeout")
                    return
                deadline = trio.current_time() + self._patience
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
        return self._was_greeted and self._owner.drop_causes(self._last_error)

    def _give_up(self, why: str, *, is_permanent: bool = False) -> None:
        gap = self._last_error
        assert gap is not None
        error = CodexTransportError(
            f"{gap} (and {why})",
            returncode=gap.returncode,
            stderr_tail=gap.stderr_tail,
            is_permanent=is_permanent,
        )
        error.__cause__ = gap
        self.lose(error)

    async def _serve(self, body: Callable[[], Awaitable[object]]) -> CodexError | None:
        """Run `body` and let go of the connection after it; return why it could not be made good, if so."""
        async with trio.open_nursery() as self._nursery:
            try:
                await body()
            except CodexError as exc:
                _logger.debug("%s could not be reached again: %s", self._transport.describe(), exc)
                self._connection.lose(CodexTransportError(f"the connection was given up: {exc}"))
                return exc
            else:
                return None
            finally:
                with trio.CancelScope(shield=True):  # bounded by the transport's grace times
                    await self._transport.aclose()
                self._nursery.cancel_scope.cancel()

    async def _connect_once(self, deadline: float) -> None:
        """Make a connection, and return when it has been lost again.

        Raises:
            CodexError: It could not be made, or was lost before what was missed was known.
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
        self._connected.set()
        await self._owner.catch_up(self._connection, deadline)
        if not self._lost.is_set():
            self._last_error = None
        await self._lost.wait()
