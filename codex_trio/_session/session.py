"""`Service`: everything that runs for one client, from the first byte to the last.

It is one task of the owner's nursery. The tasks within live in a nursery of its own, under a scope that is shielded while
the client is open: a cancelled body can still talk to the server in its clean-up. The scope ends when the owner has left.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TypedDict

import msgspec
import trio

from .._wire.messages import (
    Delta,
    Notice,
    ServerRequest,
)
from ..abc import Transport
from ..errors import CodexTransportError
from .attaching import follow
from .connection import Connection
from .handlers import Handlers
from .reconnecting import Link
from .recovery import Restorer
from .registry import Router
from .request_handler import Answering
from .suspects import Suspects
from .turn_manager import Lifecycle

_LEAVING_PATIENCE = 2.0  # seconds for open turns to be interrupted when the client closes
_FLUSHING_PATIENCE = 0.5  # seconds for the last messages, a refusal among them, to go out


class _Wires(TypedDict):
    on_delta: Callable[[Delta, float], bool]
    on_notice: Callable[[Notice, float], None]
    on_request: Callable[[ServerRequest], None]
    on_lost: Callable[[CodexTransportError], None]


class Parts(msgspec.Struct, frozen=True):
    """What an opened client is made of."""

    connection: Connection | Link
    router: Router
    lifecycle: Lifecycle
    answering: Answering


class Service:
    """The running parts of a client.

    Args:
        transport: Not yet open.
        handlers: Answer what the server asks.
        greet: Shakes hands on a connection; the client is open when it has returned for the first time.
        request_timeout: Seconds.
        reconnect_timeout: Seconds to look for another connection after a loss; `None`: a loss is final.

    Attributes:
        parts: `None` until messages flow; stays when they no longer do.
    """

    def __init__(
        self,
        transport: Transport,
        handlers: Handlers,
        *,
        greet: Callable[[Connection | Link], Awaitable[object]],
        request_timeout: float,
        reconnect_timeout: float | None = None,
    ) -> None:
        self._transport = transport
        self._greet = greet
        self._reconnect_timeout = reconnect_timeout
        self._request_timeout = request_timeout
        self.handlers = handlers
        self._scope = trio.CancelScope()
        self._is_started = False
        self._is_entered = False
        self._has_opened_transport = False
        self._ready = trio.Event()
        self._closing = trio.Event()
        self._closed = trio.Event()
        self._failure: Exception | None = None
        self.parts: Parts | None = None

    def live_parts(self) -> Parts:
        """Return the parts of a client that is open.

        Raises:
            CodexTransportError: It is not, or lost its server.
        """
        if self.parts is None:
            raise CodexTransportError(
                "this client could not be opened; make a new one"
                if self._closed.is_set()
                else "this client is not open yet: use `async with`, or start(nursery)"
            )
        self.parts.connection.raise_if_lost()
        return self.parts

    # --- a nursery of its own

    async def enter(self) -> None:
        """Open in a nursery that `leave` closes. Raises and is cancelled as `open` is."""
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
        """Close, and leave the nursery with whatever left the body."""
        try:
            with trio.CancelScope(shield=True):  # bounded by the grace times
                await self.close()
        finally:
            await self._leave_nursery(exc)

    async def _leave_nursery(self, exc: BaseException | None) -> None:
        # The body's exception is kept out of the nursery, which would wrap it in a group. But if a task of the nursery
        # has crashed, and the body was cancelled for it, the nursery must see that.
        mine = None if exc is None else _without_cancelled(exc)
        try:
            if exc is not None and mine is None and self._nursery.cancel_scope.cancel_called:
                await self._manager.__aexit__(type(exc), exc, exc.__traceback__)
            else:
                await self._manager.__aexit__(None, None, None)
        except BaseExceptionGroup as group:
            crash = _without_cancelled(group)
        else:
            return
        if crash is None:
            return
        if mine is None:
            raise _only(crash)
        mine.add_note(f"codex_trio: besides, a background task failed: {_only(crash)!r}")
        if mine is not exc:
            context = mine.__context__
            try:
                raise mine
            finally:
                mine.__context__ = context

    # --- opening and closing

    async def open(self, nursery: trio.Nursery, *, follows_nursery: bool) -> None:
        """Run in `nursery`, and return once the server has answered. Idempotent.

        Args:
            follows_nursery: Close when `nursery` is cancelled; else only `close` does.

        Raises:
            CodexTransportError: It could not be opened. Nothing is left behind.

        Cancellation: Nothing is left behind.
        """
        if self._is_started:
            await self._ready.wait()
            if self._failure is not None:
                raise CodexTransportError("this client could not be opened; make a new one") from self._failure
            self.live_parts()
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
        if self._closed.is_set():  # its nursery was cancelled meanwhile, or `close` called
            self.live_parts()
        if follows_nursery:
            nursery.start_soon(self._follow, name="codex_trio waits for its nursery's end")

    @trio.lowlevel.enable_ki_protection
    async def close(self) -> None:
        """Close, bounded by the grace times. Idempotent.

        Cancellation: The closing goes on, in the nursery.
        """
        self._closing.set()
        if self._is_started:
            if not self._ready.is_set():
                self._scope.cancel()  # what is still being opened is not waited for
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
            # A bug of ours, or a cancelled opening. Whoever is in the nursery learns of it as of any crash there.
            self._owner.cancel_scope.cancel()
            if self.parts is not None:
                self.parts.connection.lose(CodexTransportError("a background task of this client failed"))
            raise
        finally:
            self._closed.set()
            self._ready.set()
            if self.parts is not None:
                self.parts.connection.lose(CodexTransportError("this client could not be opened; make a new one"))

    async def _run(self, nursery: trio.Nursery) -> None:
        try:
            try:
                parts = await self._open(nursery)
            except Exception as exc:
                self._failure = exc
                return
            self._scope.shield = True
            self._ready.set()
            await self._closing.wait()
            parts.answering.close()
            await parts.lifecycle.close(_LEAVING_PATIENCE)
            with trio.move_on_after(_FLUSHING_PATIENCE):
                await parts.connection.flush()
            parts.connection.lose(CodexTransportError("this client was closed"))
        finally:
            if self.parts is not None and isinstance(self.parts.connection, Link):
                await self.parts.connection.aclose()
            if self._has_opened_transport:
                await self._transport.aclose()

    async def _open(self, nursery: trio.Nursery) -> Parts:
        with trio.move_on_after(self._transport.connect_timeout):
            await self._transport.open(nursery)
            self._has_opened_transport = True
            self.parts = parts = self._make_parts(nursery)
            parts.connection.start(nursery)
            try:
                await self._greet(parts.connection)
            except CodexTransportError as exc:
                raise exc.fresh(note=" (before it had answered `initialize`: is it an app-server?)") from exc.__cause__
            if isinstance(parts.connection, Link):
                parts.connection.is_open = True
            return parts
        tail = self._transport.stderr_tail
        raise CodexTransportError(
            f"{self._transport.describe()} did not answer `initialize` within {self._transport.connect_timeout:g} s "
            "(connect_timeout): is it an app-server?" + (tail.strip() and f" Its last words:\n{tail.strip()[-500:]}"),
            stderr_tail=tail,
        )

    def _make_parts(self, nursery: trio.Nursery) -> Parts:
        def lose(error: CodexTransportError) -> None:
            router.lose(error)
            answering.lose(error)

        def suspend() -> None:
            router.suspend()
            answering.suspend()

        router = Router(
            on_idle=lambda turn: lifecycle.reconcile(turn),
            on_bound=lambda turn: answering.adopt(),
            on_dropped=lambda turn: restorer.recover_soon(turn),
            on_origin=lambda: answering.adopt(),
            watch=lambda notice: answering.watch(notice),
        )
        suspects = Suspects()
        restorer = Restorer(
            router,
            reconcile=lambda turn: lifecycle.reconcile(turn),
            abandon=lambda turn: lifecycle.abandon(turn),
            start_soon=lambda async_fn: lifecycle.start_soon(async_fn),
            ask=lambda method, params: lifecycle.request(method, params),
            follow=lambda turn: follow(lifecycle, router, turn),
            suspects=suspects,
            request_timeout=self._request_timeout,
        )
        wires = _Wires(
            on_delta=router.route_delta,
            on_notice=router.route,
            on_request=lambda request: answering.take(request),
            on_lost=lose,
        )
        connection: Connection | Link
        if self._reconnect_timeout is None:
            connection = Connection(self._transport, **wires)
        else:
            connection = Link(
                self._transport,
                **wires,
                on_gap=suspend,
                greet=self._greet,
                restore=restorer.restore,
                catch_up=restorer.catch_up,
                drop_causes=restorer.drop_causes,
                patience=self._reconnect_timeout,
            )
        lifecycle = Lifecycle(
            connection,
            router,
            nursery,
            suspects=suspects,
            request_timeout=self._request_timeout,
            tool_registry=self.handlers.tool_registry,
        )
        answering = Answering(self.handlers, connection, router, lifecycle, self._owner)
        return Parts(connection, router, lifecycle, answering)


def _without_cancelled(exc: BaseException) -> BaseException | None:
    """Return `exc` without the cancellations in it: itself if there are none, `None` if it is nothing else."""
    if isinstance(exc, trio.Cancelled):
        return None
    if isinstance(exc, BaseExceptionGroup) and exc.subgroup(trio.Cancelled) is not None:
        rest: BaseExceptionGroup[BaseException] | None = exc.split(trio.Cancelled)[1]
        return rest  # a copy, which is why a group without cancellations is not split
    return exc


def _only(exc: BaseException) -> BaseException:
    """Return the one exception in a group, or the group if there are more."""
    while isinstance(exc, BaseExceptionGroup) and len(exc.exceptions) == 1:
        exc = exc.exceptions[0]
    return exc
