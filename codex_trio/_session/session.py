"""`Session`: everything that runs for one client while it is open.

A session is one task of the owner's nursery. Its own tasks run in an inner nursery, in a scope that is shielded while
the client is open. So a cancelled body can still send requests in its clean-up. The scope ends when the client is
closed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

import trio

from .._options import check_timeout
from .._wire import methods
from .._wire.messages import Notice, ServerRequest
from ..abc import Transport
from ..errors import CodexTransportError
from ..models import ChatContinuation, InitializeResult
from .connection import Connection, PendingRequest
from .handlers import Handlers
from .reconnecting import ReconnectingConnection
from .recovery import Recovery
from .registry import TurnRegistry
from .request_handler import ServerRequestTasks
from .suspects import LossCounter
from .turn import Turn, TurnRequest
from .turn_manager import TurnManager
from .versions import log_untested_version

_SHUTDOWN_INTERRUPT_TIMEOUT = 2.0  # seconds for open turns to be interrupted when the client closes
_FLUSH_TIMEOUT = 0.5  # seconds to send the last messages, such as the responses to server requests


class Session:
    """The connection, tables and tasks of one client.

    Args:
        transport: A transport that is not open yet.
        handlers: The handlers for server requests.
        client_info: The ``clientInfo`` of `initialize`.
        request_timeout: Seconds for a request.
        inactivity_timeout: Seconds without an event of a turn, after which waiting for the turn fails.
        is_experimental: Whether to enable the server's experimental API.
        reconnect_timeout: Seconds to reconnect after the connection is lost. `None` to never reconnect.

    Attributes:
        handlers: The handlers for server requests.
        request_timeout: Seconds for a request.
        inactivity_timeout: Seconds without an event of a turn, unless a call has its own timeout.
        is_experimental: Whether the server's experimental API is enabled.
        server: The last result of `initialize`.
        connection: The connection to the server.
        registry: The turns and their threads.
        turn_manager: Starts and interrupts turns.
        recovery: Resumes turns, and reads missed events from history after a disconnect.
        requests: Runs a task for each server request.
    """

    def __init__(
        self,
        transport: Transport,
        handlers: Handlers,
        *,
        client_info: Mapping[str, str],
        request_timeout: float,
        inactivity_timeout: float,
        is_experimental: bool,
        reconnect_timeout: float | None = None,
    ) -> None:
        self._transport = transport
        self._client_info = client_info
        self.handlers = handlers
        self.request_timeout = request_timeout
        self.inactivity_timeout = inactivity_timeout
        self.is_experimental = is_experimental
        self.server: InitializeResult | None = None
        self._scope = trio.CancelScope()
        self._is_started = False
        self._is_entered = False
        self._has_opened_transport = False
        self._ready = trio.Event()
        self._closing = trio.Event()
        self._closed = trio.Event()
        self._failure: Exception | None = None
        self.registry = TurnRegistry(self)
        # Of the connection's calls this is by far the most frequent, so there is no method of this class in between.
        self.on_delta = self.registry.route_delta
        self.connection: Connection | ReconnectingConnection = (
            Connection(transport, self)
            if reconnect_timeout is None
            else ReconnectingConnection(transport, self, reconnect_timeout=reconnect_timeout)
        )
        suspects = LossCounter()
        self.turn_manager = TurnManager(
            self.connection,
            self.registry,
            suspects=suspects,
            request_timeout=request_timeout,
            tool_registry=handlers.tool_registry,
        )
        self.recovery = Recovery(self.turn_manager, self.registry, suspects, request_timeout=request_timeout)
        self.requests = ServerRequestTasks(handlers, self.connection, self.registry, self.turn_manager)

    # --- called by the connection, in its reader task. Must neither block nor raise.

    def on_notification(self, notification: Notice, now: float) -> None:
        """Deliver a notification to its turn, to listeners of its method, or to all notification streams."""
        # Pending requests first: the end of a turn withdraws its requests.
        self.requests.watch(notification)
        self.registry.route(notification, now)

    def on_request(self, request: ServerRequest) -> None:
        """Start a task that responds to a server request."""
        self.requests.take(request)

    def on_disconnect(self) -> None:
        """Pause the turns and drop pending server requests, which the server repeats on the next connection."""
        self.registry.suspend()
        self.requests.suspend()

    def on_closed(self, error: CodexTransportError) -> None:
        """End the turns and drop pending server requests, because the connection has ended for good."""
        self.registry.fail(error)
        self.requests.fail(error)

    # --- called by a `ReconnectingConnection`, in its task

    async def handshake(self, connection: Connection | ReconnectingConnection) -> None:
        """Initialize the server. The caller limits the time."""
        await self.initialize(connection, timeout=math.inf)

    async def restore(self, connection: Connection, deadline: float) -> None:
        """Resubscribe to the threads, before requests may be sent."""
        await self.recovery.restore(connection, deadline)

    async def catch_up(self, connection: Connection, deadline: float) -> None:
        """Read the missed events of all turns from history, while requests may already be sent."""
        await self.recovery.catch_up(connection, deadline)

    def drop_causes(self, loss: CodexTransportError) -> bool:
        """Abandon the requests during which connections were repeatedly lost. Return whether there were any."""
        return self.recovery.drop_causes(loss)

    # --- called by the registry, in the reader task

    def on_thread_idle(self, turn: Turn) -> None:
        """Look in history for the end of a turn whose thread is idle."""
        self.turn_manager.reconcile_soon(turn)

    def on_turn_known(self) -> None:
        """Find the turns of server requests that came before their turn was known."""
        self.requests.attach_turns()

    def on_events_dropped(self, turn: Turn) -> None:
        """Read the dropped events of a turn from history."""
        self.recovery.recover_soon(turn)

    # --- for the public classes

    def require_open(self) -> None:
        """Check that the client is open.

        Raises:
            CodexTransportError: The client is not open, or its connection was lost.
        """
        if not self._has_opened_transport:
            raise CodexTransportError(
                "this client could not be opened; make a new one"
                if self._closed.is_set()
                else "this client is not open yet: use `async with`, or start(nursery)"
            )
        self.connection.raise_if_closed()

    async def initialize(
        self,
        connection: Connection | ReconnectingConnection,
        params: Mapping[str, Any] | None = None,
        *,
        timeout: float,
    ) -> InitializeResult:
        """Send `initialize` and `initialized`, and return the server's description of itself.

        Args:
            connection: A new connection.
            params: The params of `initialize`. `None` for those of this client.
            timeout: Seconds.
        """
        if params is None:
            capabilities = {"experimentalApi": self.is_experimental}
            params = {"clientInfo": self._client_info, "capabilities": capabilities}
        result = await connection.request(methods.INITIALIZE, params, timeout=timeout)
        connection.notify(methods.INITIALIZED)
        server = InitializeResult.from_wire(result)
        # Do not repeat the log message each time the client reconnects.
        if self.server is None or self.server.user_agent != server.user_agent:
            log_untested_version(server)
        self.server = server
        return server

    async def request(self, method: str, params: Mapping[str, Any] | None = None) -> Any:
        """Check that the client is open, then send a request and return its result."""
        self.require_open()
        return await self.turn_manager.request(method, params)

    async def start_turn(self, thread_id: str | None, request: TurnRequest) -> Turn:
        """Start a turn, on a new thread or on `thread_id`, and become its consumer. See `TurnManager.start_turn`."""
        self.require_open()
        return await self.turn_manager.start_turn(thread_id, request)

    async def resume_turn(self, continuation: ChatContinuation, *, wants_deltas: bool = False) -> Turn:
        """Become the consumer of the turn of a continuation. See `Recovery.resume_turn`."""
        self.require_open()
        turn = await self.recovery.resume_turn(continuation, wants_deltas=wants_deltas)
        if not turn.ended.is_set():  # the event for its end, or for its idle thread, may have been missed
            self.turn_manager.reconcile_soon(turn)
        return turn

    def inactivity_seconds(self, timeout: float | None) -> float:
        """Check an `inactivity_timeout` and return it in seconds. `None` stands for the client's."""
        return self.inactivity_timeout if timeout is None else check_timeout(timeout, "inactivity_timeout")

    async def send_urgently(self, call: PendingRequest, *, timeout: float | None = None) -> Any:
        """Send a request immediately, ignoring the limit of requests in flight.

        Args:
            call: The request.
            timeout: Seconds. `None` for the client's `request_timeout`.
        """
        self.require_open()
        seconds = self.request_timeout if timeout is None else timeout
        return await self.turn_manager.send_urgently(call, timeout=seconds)

    # --- `async with`: the session opens a nursery and is its owner

    async def enter(self) -> None:
        """Open the client in a new nursery, which `leave` closes. For errors and cancellation, see `open`.

        Raises:
            RuntimeError: The client is already in an `async with`.
        """
        if self._closed.is_set():
            raise CodexTransportError("this client was closed; make a new one")
        if self._is_entered:
            raise RuntimeError("this client is in an `async with` already; each needs a client of its own")
        self._is_entered = True
        self._manager: AbstractAsyncContextManager[trio.Nursery] = trio.open_nursery(strict_exception_groups=True)
        self._nursery = await self._manager.__aenter__()
        try:
            await self.open(self._nursery, follows_nursery=False)
        except BaseException as exc:
            await self._leave_nursery(exc)
            raise

    async def leave(self, exc: BaseException | None) -> None:
        """Close the client, then exit the nursery with the body's exception."""
        try:
            with trio.CancelScope(shield=True):  # bounded by the grace times
                await self.close()
        finally:
            await self._leave_nursery(exc)

    async def _leave_nursery(self, exc: BaseException | None) -> None:
        # The nursery does not see the body's exception, because it would wrap it in a group. But if a task of the
        # nursery crashed and the body was cancelled because of this, the nursery must catch the cancellation.
        body_error = None if exc is None else _without_cancelled(exc)
        try:
            if exc is not None and body_error is None and self._nursery.cancel_scope.cancel_called:
                await self._manager.__aexit__(type(exc), exc, exc.__traceback__)
            else:
                await self._manager.__aexit__(None, None, None)
        except BaseExceptionGroup as group:
            crash = _without_cancelled(group)
        else:
            return
        if crash is None:
            return
        if body_error is None:
            raise _only(crash)
        body_error.add_note(f"codex_trio: besides, a background task failed: {_only(crash)!r}")
        if body_error is not exc:
            # `raise` sets the context to `exc`, of which `body_error` is a copy without the cancellations.
            context = body_error.__context__
            try:
                raise body_error
            finally:
                body_error.__context__ = context

    # --- opening and closing

    async def open(self, nursery: trio.Nursery, *, follows_nursery: bool) -> None:
        """Start the session in `nursery`, and return when the server has answered `initialize`. Idempotent.

        Args:
            nursery: The owner's nursery.
            follows_nursery: Whether to close the client when `nursery` is cancelled. Otherwise only `close` does.

        Raises:
            CodexTransportError: The client could not be opened. No task or process is left behind.

        Cancellation: The client is closed, and no task or process is left behind.
        """
        if self._is_started:
            await self._ready.wait()
            if self._failure is not None:
                raise CodexTransportError("this client could not be opened; make a new one") from self._failure
            self.require_open()
            return
        if self._closing.is_set():
            raise CodexTransportError("this client was closed; make a new one")
        self._owner = nursery
        nursery.start_soon(self._serve, name=f"codex_trio serves {self._transport.describe()}")
        self._is_started = True
        try:
            await self._ready.wait()
        except BaseException:
            self._scope.cancel()
            with trio.CancelScope(shield=True):  # bounded by the transport's grace times
                await self._closed.wait()
            raise
        if self._failure is not None:
            raise self._failure
        if self._closed.is_set():  # its nursery was cancelled, or `close` was called
            self.require_open()
        if follows_nursery:
            nursery.start_soon(self._follow, name="codex_trio waits for its nursery's end")

    @trio.lowlevel.enable_ki_protection
    async def close(self) -> None:
        """Close the client. The timeouts of this module and of the transport limit the time. Idempotent.

        Cancellation: The client still closes, in the background.
        """
        self._closing.set()
        if self._is_started:
            if not self._ready.is_set():
                self._scope.cancel()  # do not wait until the client is open
            await self._closed.wait()
        else:
            await trio.lowlevel.checkpoint()

    async def _follow(self) -> None:
        try:
            await self._closed.wait()
        finally:
            self._closing.set()

    @trio.lowlevel.enable_ki_protection
    async def _serve(self) -> None:
        try:
            with self._scope:
                async with trio.open_nursery() as nursery:
                    await self._run(nursery)
                    nursery.cancel_scope.cancel()
        except BaseException:
            # A bug in this package, or `open` was cancelled. The other tasks of the nursery are cancelled, as for any
            # crash in it.
            self._owner.cancel_scope.cancel()
            self.connection.fail(CodexTransportError("a background task of this client failed"))
            raise
        finally:
            self._closed.set()
            self._ready.set()
            # This has no effect if the connection has already ended.
            self.connection.fail(CodexTransportError("this client could not be opened; make a new one"))

    async def _run(self, nursery: trio.Nursery) -> None:
        try:
            try:
                await self._open(nursery)
            except Exception as exc:
                self._failure = exc
                return
            self._scope.shield = True
            self._ready.set()
            await self._closing.wait()
            # Handlers are cancelled first, so that they send nothing else. Interrupts and the last messages still need
            # the connection, so it ends after them.
            self.requests.close()
            await self.turn_manager.close(_SHUTDOWN_INTERRUPT_TIMEOUT)
            with trio.move_on_after(_FLUSH_TIMEOUT):
                await self.connection.flush()
            self.connection.fail(CodexTransportError("this client was closed"))
        finally:
            if self._has_opened_transport:
                await self.connection.aclose()
                await self._transport.aclose()

    async def _open(self, nursery: trio.Nursery) -> None:
        with trio.move_on_after(self._transport.connect_timeout):
            await self._transport.open(nursery)
            self._has_opened_transport = True
            # Before the connection: its reader may need these nurseries for the first message.
            self.turn_manager.start(nursery)
            self.requests.start(self._owner)
            self.connection.start(nursery)
            try:
                await self.handshake(self.connection)
            except CodexTransportError as exc:
                raise exc.fresh(note=" (before it had answered `initialize`: is it an app-server?)") from exc.__cause__
            self.connection.set_initialized()
            return
        tail = self._transport.stderr_tail
        raise CodexTransportError(
            f"{self._transport.describe()} did not answer `initialize` within {self._transport.connect_timeout:g} s "
            "(connect_timeout): is it an app-server?" + (tail.strip() and f" Its last words:\n{tail.strip()[-500:]}"),
            stderr_tail=tail,
        )


def _without_cancelled(exc: BaseException) -> BaseException | None:
    """Return `exc` without its `trio.Cancelled` exceptions: `exc` itself if it has none, `None` if it has no others."""
    if isinstance(exc, trio.Cancelled):
        return None
    if isinstance(exc, BaseExceptionGroup) and exc.subgroup(trio.Cancelled) is not None:
        rest: BaseExceptionGroup[BaseException] | None = exc.split(trio.Cancelled)[1]
        return rest  # a copy; a group without cancellations is returned unchanged
    return exc


def _only(exc: BaseException) -> BaseException:
    """Return the only exception in a group, or the group if it has several."""
    while isinstance(exc, BaseExceptionGroup) and len(exc.exceptions) == 1:
        exc = exc.exceptions[0]
    return exc
