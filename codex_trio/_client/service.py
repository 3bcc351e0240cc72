"""`Service`: everything that runs for one client, from the first byte to the last.

It is one task of the owner's nursery. The tasks within live in a nursery of its own, under a scope that is shielded while
the client is open: a cancelled body can still talk to the server in its clean-up. The scope ends when the owner has left.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

import trio

from .. import _handlers
from .._connection import Connection
from .._protocol.asks import RefusedError
from .._protocol.messages import ServerRequest
from .._turn import Turn
from ..abc import Transport
from ..errors import CodexTransportError
from .lifecycle import Lifecycle
from .link import Link
from .restoring import Restorer
from .router import Router

_LEAVING_PATIENCE = 2.0  # seconds for open turns to be interrupted when the client closes


@dataclass(frozen=True, slots=True)
class Parts:
    """What an opened client is made of."""

    connection: Connection | Link
    router: Router
    lifecycle: Lifecycle


class Service:
    """The running parts of a client.

    Args:
        transport: Not yet open.
        greet: Shakes hands on a connection; the client is open when it has returned for the first time.
        request_timeout: Seconds.
        reconnect_timeout: Seconds to look for another connection after a loss; `None`: a loss is final.

    Attributes:
        parts: `None` until messages flow; stays when they no longer do.
        server_requests: How many requests of the server were taken.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        greet: Callable[[Connection | Link], Awaitable[object]],
        request_timeout: float,
        reconnect_timeout: float | None = None,
    ) -> None:
        self._transport = transport
        self._greet = greet
        self._reconnect_timeout = reconnect_timeout
        self._request_timeout = request_timeout
        self._scope = trio.CancelScope()
        self._is_started = False
        self._has_opened_transport = False
        self._ready = trio.Event()
        self._closing = trio.Event()
        self._closed = trio.Event()
        self._failure: Exception | None = None
        self.parts: Parts | None = None
        self.server_requests = 0

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
        self._is_started = True
        self._owner = nursery
        nursery.start_soon(self._serve, name=f"codex_trio serves {self._transport.describe()}")
        try:
            await self._ready.wait()
        except BaseException:
            self._scope.cancel()
            with trio.CancelScope(shield=True):  # bounded by the transport's grace times
                await self._closed.wait()
            raise
        if self._failure is not None:
            raise self._failure
        if follows_nursery:
            nursery.start_soon(self._follow, name="codex_trio waits for its nursery's end")

    async def close(self) -> None:
        """Close, bounded by the grace times. Idempotent.

        Cancellation: The closing goes on, in the nursery.
        """
        self._closing.set()
        if self._is_started:
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
            self._ready.set()
            self._closed.set()

    async def _run(self, nursery: trio.Nursery) -> None:
        self._tasks = nursery
        try:
            try:
                parts = await self._open(nursery)
            except Exception as exc:
                self._failure = exc
                return
            self._scope.shield = True
            self._ready.set()
            await self._closing.wait()
            await parts.lifecycle.close(_LEAVING_PATIENCE)
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
            await self._greet(parts.connection)
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
        router = Router(on_idle=lambda turn: lifecycle.reconcile(turn))
        connection = self._make_connection(router, lambda: lifecycle)
        lifecycle = Lifecycle(connection, router, nursery, request_timeout=self._request_timeout)
        return Parts(connection, router, lifecycle)

    def _make_connection(self, router: Router, lifecycle: Callable[[], Lifecycle]) -> Connection | Link:
        if self._reconnect_timeout is None:
            return Connection(
                self._transport, on_notice=router.route, on_request=self._take_request, on_lost=router.lose
            )
        restorer = Restorer(
            router,
            reconcile=lambda turn: lifecycle().reconcile(turn),
            abandon=lambda turn: lifecycle().abandon(turn),
            request_timeout=self._request_timeout,
        )
        return Link(
            self._transport,
            on_notice=router.route,
            on_request=self._take_request,
            on_lost=router.lose,
            on_gap=restorer.suspend,
            greet=self._greet,
            restore=restorer.restore,
            catch_up=restorer.catch_up,
            patience=self._reconnect_timeout,
        )

    # --- what the server asks

    def _take_request(self, request: ServerRequest) -> None:
        assert self.parts is not None
        self.server_requests += 1
        turn = self.parts.router.note_request(request, trio.current_time())
        # Shielded, so that a refusal reaches the server while a cancelled body cleans up.
        self._tasks.start_soon(self._answer, request, turn, name=f"codex_trio answers {request.method}")

    @trio.lowlevel.enable_ki_protection
    async def _answer(self, request: ServerRequest, turn: Turn | None) -> None:
        assert self.parts is not None
        try:
            result = await _handlers.answer(request.method, request.params)
        except RefusedError as refusal:
            self.parts.connection.refuse(request, refusal.code, str(refusal))
        else:
            self.parts.connection.respond(request, result)
        finally:
            if turn is not None:
                turn.pay(trio.current_time())


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
