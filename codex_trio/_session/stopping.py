"""`Stopping`: the part of `Lifecycle` that stops turns, be they wanted no more or by a caller's wish."""

from __future__ import annotations

import logging

import trio

from .._wire import methods
from ..errors import CodexError, CodexProtocolError, CodexTimeoutError, CodexTransportError
from .connection import (
    Call,
    Connection,
)
from .lookup import Lookup, is_not_running
from .reconnecting import Link
from .registry import Router
from .turn import Turn

_logger = logging.getLogger("codex_trio")

# All in seconds.
STOP_PATIENCE = 10.0  # for a turn that nobody wants any more to end
_START_PATIENCE = 1.0  # for `turn/started`, before which an interrupt is refused
_INTERRUPT_PATIENCE = 2.0  # for the answer to an interrupt: some versions leave it out
_REFUSED_FIRST, _REFUSED_MOST = 0.02, 0.5  # between interrupts that were refused


class Stopping(Lookup):
    """Stops turns over one connection; which that is, and whose tasks, is the lifecycle's."""

    _connection: Connection | Link
    _router: Router

    def abandon(self, turn: Turn) -> None:
        """Stop a turn that nobody wants any more, if need be again, in the background; the next turn waits for that."""
        if turn.ended.is_set():
            self._router.forget(turn)
            return
        if self._is_closed or (turn.left is not None and not turn.left.is_set()):
            return
        place = self._router.place(turn.thread_id)
        if place.leaving is None:
            place.leaving = trio.Event()
        turn.left = place.leaving
        self._nursery.start_soon(self._stop_unwanted, turn, name=f"codex_trio stops {turn.turn_id}")

    @trio.lowlevel.enable_ki_protection
    async def _stop_unwanted(self, turn: Turn) -> None:
        try:
            with trio.move_on_after(STOP_PATIENCE):
                await self._interrupt(turn)
                await turn.ended.wait()
        except CodexError as exc:
            _logger.debug("turn %s could not be stopped: %s", turn.turn_id, exc)
        finally:
            if turn.ended.is_set():
                self._router.forget(turn)
            elif turn.is_unwanted:
                turn.keep_nothing()
            self._router.clear(turn)

    @trio.lowlevel.enable_ki_protection
    async def stop(self, turn: Turn) -> None:
        """Interrupt a turn and wait for its end.

        Raises:
            CodexProtocolError: The server will not, for another reason than that the turn does not run.

        Cancellation: The interrupt may have been sent.
        """
        attempt = _Stop()
        self._nursery.start_soon(self._run_stop, turn, attempt, name=f"codex_trio cancels {turn.turn_id}")
        try:
            await attempt.done.wait()
        finally:
            attempt.scope.cancel()
        if attempt.error is not None:
            try:
                raise attempt.error
            finally:
                del attempt  # else the error would keep itself alive, and the frames that it passes

    @trio.lowlevel.enable_ki_protection
    async def _run_stop(self, turn: Turn, attempt: _Stop) -> None:
        try:
            with attempt.scope:
                await self._interrupt(turn)
                await turn.ended.wait()
        except CodexProtocolError as exc:
            attempt.error = exc.with_traceback(None)  # whose frames would keep the error alive
        finally:
            attempt.done.set()

    async def _interrupt(self, turn: Turn) -> None:
        """Interrupt until the server has accepted it, or the turn has ended."""
        with trio.move_on_after(_START_PATIENCE):
            await turn.started.wait()
        delay = _REFUSED_FIRST
        while not turn.ended.is_set():
            refusal = await self._interrupt_once(turn)
            if refusal is None:
                return
            # Said of a turn that has not started yet, and of one that has ended but not told so yet.
            if not is_not_running(refusal):
                raise refusal
            with trio.move_on_after(delay):
                await turn.ended.wait()
            delay = min(2 * delay, _REFUSED_MOST)

    async def interrupt(self, thread_id: str, turn_id: str, *, timeout: float) -> None:
        """Send one `turn/interrupt`, past the line of waiting requests, and wait for the answer.

        Args:
            thread_id: The turn's thread.
            turn_id: The turn; of a review of ours, the id that its events have will do.
            timeout: Seconds.
        """
        turn = self._router.find(turn_id)
        running_id = turn.running_id if turn is not None and turn.thread_id == thread_id else turn_id
        call = Call(methods.TURN_INTERRUPT, {"threadId": thread_id, "turnId": running_id})
        await self._connection.perform(call, timeout=timeout, urgent=True)

    async def _interrupt_once(self, turn: Turn) -> CodexProtocolError | None:
        refusal: CodexProtocolError | None = None

        @trio.lowlevel.enable_ki_protection
        async def ask() -> None:
            nonlocal refusal
            try:
                while True:
                    try:
                        await self.interrupt(turn.thread_id, turn.running_id, timeout=_INTERRUPT_PATIENCE)
                        break
                    except (CodexTransportError, CodexTimeoutError):
                        # Else there will be another connection, or is one already, which has not heard of it.
                        if self._connection.is_lost or not isinstance(self._connection, Link):
                            raise
            except CodexProtocolError as exc:
                refusal = exc
            except CodexError as exc:
                _logger.debug("turn/interrupt: %s", exc)  # the end of the turn, or of the connection, is what counts
            nursery.cancel_scope.cancel()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            await turn.ended.wait()
            nursery.cancel_scope.cancel()
        return refusal


class _Stop:
    """One caller's wish that a turn be stopped."""

    def __init__(self) -> None:
        self.scope = trio.CancelScope()
        self.done = trio.Event()
        self.error: CodexProtocolError | None = None
