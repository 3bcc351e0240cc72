"""The consumers of a turn that `chat` and `stream` return. Objects, no generators: `break` leaves nothing open."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Generic, Self, TypeVar

import trio
from msgspec.structs import replace

from ._session.turn import Turn
from ._session.turn_manager import TurnManager
from .errors import CodexError
from .events import (
    Event,
    StepCompleted,
    TurnCompleted,
)
from .models import (
    ChatResult,
    ConversationStep,
)

_logger = logging.getLogger("codex_trio")


T = TypeVar("T")


class TurnStream(Generic[T]):
    """What there is of one turn, as it comes. The base of `StepStream` and `EventStream`."""

    def __init__(
        self,
        begin: Callable[[], Awaitable[Turn]],
        manager: TurnManager,
        *,
        patience: float,
    ) -> None:
        self._begin = begin
        self._manager = manager
        self._patience = patience
        self._ready: deque[T] = deque()
        self._turn: Turn | None = None
        self._is_over = False  # no step will come
        self._has_ended = False  # because the turn is through, and every step was delivered
        self._is_stepping = False
        self._token: trio.lowlevel.TrioToken | None = None

    @property
    def thread_id(self) -> str | None:
        """The thread of the turn; `None` before the turn has begun."""
        return None if self._turn is None else self._turn.thread_id

    @property
    def turn_id(self) -> str | None:
        """The turn; `None` before it has begun."""
        return None if self._turn is None else self._turn.turn_id

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        """Wait for the next one.

        Raises:
            CodexTurnInactiveError: The turn went quiet; it runs on, and `continuation` picks it up in a new stream.
            CodexTurnFailedError, CodexTurnInterruptedError: The turn ended so.
            CodexTransportError: The server was lost; `continuation` is set once the turn had begun.
            CodexThreadBusyError: Another turn of this client runs on the thread.
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
            self._turn = await self._begin()
            if self._is_over:  # another task closed it meanwhile
                self._turn.release_consumer()
                self._manager.interrupt_soon(self._turn)
                raise trio.ClosedResourceError("this stream was closed before its turn had begun")
            self._ready += self._first(self._turn)
        while not self._ready:
            found = await self._take(self._turn)
            if found is None:
                self._ready += await self._last(self._turn)
                if not self._ready:
                    self._has_ended = True
                    raise StopAsyncIteration
            else:
                self._ready += found
        return self._ready.popleft()

    def _first(self, turn: Turn) -> Sequence[T]:
        """Return what an earlier reader of the turn has left."""
        raise NotImplementedError

    async def _take(self, turn: Turn) -> Sequence[T] | None:
        """Wait for what comes; `None` at the end of the turn."""
        raise NotImplementedError

    async def _last(self, turn: Turn) -> Sequence[T]:
        """Return what only the turn's end told; nothing if all of it was delivered. Raises how the turn ended."""
        raise NotImplementedError

    def _leave(self, exc: BaseException) -> None:
        # Whatever leaves a step ends the stream. Only a turn that is handed out, ended or lost may stay as it is.
        if self._turn is not None and not self._is_over:
            self._turn.release_consumer()
            if isinstance(exc, (CodexError, StopAsyncIteration)):
                if self._turn.ended.is_set():
                    self._manager.forget(self._turn)
            else:
                self._manager.interrupt_soon(self._turn)
        self._is_over = True

    @trio.lowlevel.enable_ki_protection
    async def aclose(self) -> None:
        """Interrupt the turn if it has not ended, and wait, bounded, until it is stopped. Idempotent.

        Cancellation: The interrupt goes out all the same, in the background.
        """
        self._drop()
        if self._turn is not None and self._turn.left is not None:
            await self._turn.left.wait()
        else:
            await trio.lowlevel.checkpoint()

    async def __aenter__(self) -> Self:
        await trio.lowlevel.checkpoint()
        return self

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
        # A finalizer runs anywhere, so what it wants done is done in the Trio run that the stream belongs to.
        if not self._is_over and self._turn is not None and self._token is not None:
            self._is_over = True
            self._turn.release_consumer()
            try:
                self._token.run_sync_soon(self._manager.interrupt_soon, self._turn)
            except trio.RunFinishedError:
                _logger.debug("a stream was dropped after its Trio run had ended")


class StepStream(TurnStream[ConversationStep]):
    """The finished steps of one turn, as they come: ``async for step in client.chat(...)``.

    The turn begins with the first step asked for. The stream ends when the turn has completed; it raises
    `CodexTurnFailedError` or `CodexTurnInterruptedError` when the turn ended otherwise. Dropping it early (`break`,
    `return`, an exception) interrupts the turn; ``async with client.chat(...) as stream:`` also waits for that.

    Cancellation: A step that is cancelled interrupts the turn, in the background; the stream is over then.

    Example:
        ``async for step in client.chat("Fix the tests"): print(step.step_type, step.text)``
    """

    def _first(self, turn: Turn) -> Sequence[ConversationStep]:
        return turn.take_collected()

    async def _take(self, turn: Turn) -> Sequence[ConversationStep] | None:
        return await turn.next_steps(self._patience, "chat")

    async def _last(self, turn: Turn) -> Sequence[ConversationStep]:
        steps = await turn.finish(self._manager.read_history)
        if not steps:
            turn.result()
        return steps


class EventStream(TurnStream[Event]):
    """Everything of one turn, as it happens: ``async for event in client.stream(...)``.

    It begins, ends and is dropped as a `StepStream` is. Its last event is `TurnCompleted`; of a turn that ended
    otherwise there is none, and the stream raises. Deltas that were not read in time come as one; no text is lost.

    Cancellation: An event that is cancelled interrupts the turn, in the background; the stream is over then.

    Example:
        ``async for event in client.stream("Hello"): print(event)``
    """

    def __init__(
        self,
        begin: Callable[[], Awaitable[Turn]],
        manager: TurnManager,
        *,
        patience: float,
        complete: Callable[[ChatResult], ChatResult],
    ) -> None:
        super().__init__(begin, manager, patience=patience)
        self._complete = complete
        self._steps: list[ConversationStep] = []
        self._was_told = False

    def _first(self, turn: Turn) -> Sequence[Event]:
        return self._noting([StepCompleted(step) for step in turn.take_collected()])

    async def _take(self, turn: Turn) -> Sequence[Event] | None:
        events = await turn.next_events(self._patience)
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
