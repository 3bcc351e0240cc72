"""The streams that `chat` and `stream` return.

They are objects, not async generators, so nothing stays open after a `break`.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Generic, Self, TypeVar

import trio
from msgspec.structs import replace

from ._public_call import public_call
from ._session.turn import Turn
from ._session.turn_manager import TurnManager
from .errors import CodexError
from .events import Event, StepCompleted, TurnCompleted
from .models import ChatResult, ConversationStep

_logger = logging.getLogger("codex_trio")


T = TypeVar("T")


class TurnStream(Generic[T]):
    """Base class of `StepStream` and `EventStream`: an async iterator over the steps or events of one turn."""

    # Ctrl-C may prevent the constructor from ending. Then the finalizer has nothing to do.
    _is_over = True

    def __init__(
        self,
        start_turn: Callable[[], Awaitable[Turn]],
        manager: TurnManager,
        *,
        inactivity_timeout: float,
    ) -> None:
        self._start_turn = start_turn
        self._manager = manager
        self._inactivity_timeout = inactivity_timeout
        self._ready: deque[T] = deque()
        self._turn: Turn | None = None
        self._has_ended = False  # the turn has completed, and every step was delivered
        self._is_stepping = False
        self._token: trio.lowlevel.TrioToken | None = None
        self._is_over = False  # no further step will be delivered

    @property
    def thread_id(self) -> str | None:
        """Id of the turn's thread. `None` before the turn has started."""
        return None if self._turn is None else self._turn.thread_id

    @property
    def turn_id(self) -> str | None:
        """Id of the turn. `None` before the turn has started."""
        return None if self._turn is None else self._turn.turn_id

    def __aiter__(self) -> Self:
        return self

    @public_call
    async def __anext__(self) -> T:
        """Wait for the next step or event.

        Raises:
            CodexTurnInactiveError: The turn had no events for the inactivity timeout. The turn still runs; pass the
                error's `continuation` to `chat` or `stream` for a new stream.
            CodexTurnFailedError, CodexTurnInterruptedError: The turn failed or was interrupted.
            CodexTransportError: The connection was lost. `continuation` is set if the turn had started.
            CodexThreadBusyError: Another turn of this client is running on the thread.
            trio.BusyResourceError: Another task is waiting for a step.
            trio.ClosedResourceError: The stream was closed, or an earlier step raised.
        """
        if self._is_stepping:
            raise trio.BusyResourceError("another task is waiting for a step of this stream")
        self._is_stepping = True
        try:
            await trio.lowlevel.checkpoint()
            return await self._step()
        except BaseException as exc:
            self._leave(exc)
            raise
        finally:
            self._is_stepping = False

    async def _step(self) -> T:
        if self._is_over:
            if self._has_ended:
                raise StopAsyncIteration
            raise trio.ClosedResourceError("this stream was left before its turn was through; it has no further steps")
        if self._turn is None:
            self._token = trio.lowlevel.current_trio_token()
            self._turn = await self._start_turn()
            if self._is_over:  # another task closed the stream while the turn was starting
                self._turn.release_consumer()
                self._manager.interrupt_soon(self._turn)
                raise trio.ClosedResourceError("this stream was closed before its turn had begun")
            self._ready += self._first(self._turn)
        while not self._ready:
            received = await self._take(self._turn)
            if received is None:
                self._ready += await self._last(self._turn)
                if not self._ready:
                    self._has_ended = True
                    raise StopAsyncIteration
            else:
                self._ready += received
        return self._ready.popleft()

    def _first(self, turn: Turn) -> Sequence[T]:
        """Return the steps that an earlier consumer of the turn received but did not deliver."""
        raise NotImplementedError

    async def _take(self, turn: Turn) -> Sequence[T] | None:
        """Wait for the next steps or events, and return them. Return `None` at the end of the turn."""
        raise NotImplementedError

    async def _last(self, turn: Turn) -> Sequence[T]:
        """Return the steps or events known only after the turn's end; empty if everything was delivered.

        Raises:
            CodexTurnFailedError, CodexTurnInterruptedError: The turn failed or was interrupted.
        """
        raise NotImplementedError

    def _leave(self, exc: BaseException) -> None:
        # Any exception from a step ends the stream. The turn is interrupted, unless it has ended, its connection was
        # lost, or its continuation was handed out: in these cases, the exception is a CodexError or StopAsyncIteration.
        if self._turn is not None and not self._is_over:
            self._turn.release_consumer()
            if isinstance(exc, (CodexError, StopAsyncIteration)):
                if self._turn.ended.is_set():
                    self._manager.forget(self._turn)
            else:
                self._manager.interrupt_soon(self._turn)
        self._is_over = True

    @public_call
    async def aclose(self) -> None:
        """Interrupt the turn if it has not ended, and wait for a limited time until it has stopped. Idempotent.

        Cancellation: The interrupt is still sent, in the background.
        """
        self._drop()
        if self._turn is not None and self._turn.left is not None:
            await self._turn.left.wait()
        else:
            await trio.lowlevel.checkpoint()

    @public_call
    async def __aenter__(self) -> Self:
        await trio.lowlevel.checkpoint()
        return self

    @public_call
    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def _drop(self) -> None:
        if not self._is_over:
            self._is_over = True
            if self._turn is not None:
                self._turn.release_consumer()
                self._manager.interrupt_soon(self._turn)

    def __del__(self) -> None:
        # A finalizer may run in any thread, so it schedules the interrupt in the Trio run that the stream belongs to.
        if not self._is_over and self._turn is not None and self._token is not None:
            self._is_over = True
            self._turn.release_consumer()
            try:
                self._token.run_sync_soon(self._manager.interrupt_soon, self._turn)
            except trio.RunFinishedError:
                _logger.debug("a stream was dropped after its Trio run had ended")


class StepStream(TurnStream[ConversationStep]):
    """A stream of the finished steps of one turn: ``async for step in client.chat(...)``.

    The turn starts when the first step is requested. The stream ends when the turn has completed. If the turn failed or
    was interrupted, the stream raises `CodexTurnFailedError` or `CodexTurnInterruptedError`. Dropping the stream early
    (`break`, `return`, an exception) interrupts the turn. ``async with client.chat(...) as stream:`` also waits until
    the turn has stopped.

    Cancellation: Cancelling the wait for a step ends the stream, and interrupts the turn in the background.

    Example:
        ``async for step in client.chat("Fix the tests"): print(step.step_type, step.text)``
    """

    def _first(self, turn: Turn) -> Sequence[ConversationStep]:
        return turn.take_collected()

    async def _take(self, turn: Turn) -> Sequence[ConversationStep] | None:
        return await turn.next_steps(self._inactivity_timeout, "chat")

    async def _last(self, turn: Turn) -> Sequence[ConversationStep]:
        steps = await turn.finish(self._manager.read_history)
        if not steps:
            turn.result()
        return steps


class EventStream(TurnStream[Event]):
    """A stream of all events of one turn: ``async for event in client.stream(...)``.

    The stream starts, ends and is dropped like a `StepStream`. The last event is `TurnCompleted`. If the turn failed or
    was interrupted, the stream raises instead. Unread deltas are joined into one event, and no text is lost.

    Cancellation: Cancelling the wait for an event ends the stream, and interrupts the turn in the background.

    Example:
        ``async for event in client.stream("Hello"): print(event)``
    """

    def __init__(
        self,
        start_turn: Callable[[], Awaitable[Turn]],
        manager: TurnManager,
        *,
        inactivity_timeout: float,
        complete: Callable[[ChatResult], ChatResult],
    ) -> None:
        super().__init__(start_turn, manager, inactivity_timeout=inactivity_timeout)
        self._complete = complete
        self._steps: list[ConversationStep] = []
        self._was_told = False

    def _first(self, turn: Turn) -> Sequence[Event]:
        return self._noting([StepCompleted(step) for step in turn.take_collected()])

    async def _take(self, turn: Turn) -> Sequence[Event] | None:
        events = await turn.next_events(self._inactivity_timeout)
        return None if events is None else self._noting(events)

    async def _last(self, turn: Turn) -> Sequence[Event]:
        if self._was_told:
            return []
        if steps := await turn.finish(self._manager.read_history):
            return self._noting([StepCompleted(step) for step in steps])
        self._was_told = True
        return [TurnCompleted(self._complete(replace(turn.result(), steps=tuple(self._steps))))]

    def _noting(self, events: Sequence[Event]) -> Sequence[Event]:
        self._steps += [event.step for event in events if isinstance(event, StepCompleted)]
        return events
