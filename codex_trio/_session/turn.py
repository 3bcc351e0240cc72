"""`Turn`: one turn, fed by the reader and read by one consumer at a time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal

import trio

from .._wire import methods
from .._wire.messages import Notice
from .._wire.turn_state import (
    TurnAccumulator,
    is_complete,
)
from ..errors import CodexThreadBusyError, CodexTurnInterruptedError
from ..events import Event, StepCompleted
from ..models import CancelResult, ChatContinuation, ChatResult, CompletionSource, ConversationStep
from .connection import yield_to_reader
from .deltas import PendingDelta, events_of
from .failure import Failure, as_raised, failed_error, inactive_error
from .inbox import Received, TurnInbox
from .turn_history import (
    EndFromHistory,
    FromHistory,
)

_EVENTS_AT_ONCE = 256  # unread ones are taken without a pause, but not for ever

Mode = Literal["chat_once", "chat"]
ReadHistory = Callable[["Turn"], Awaitable[Mapping[str, Any] | None]]


class Turn(TurnInbox):
    """A turn that this client started, or took up.

    Args:
        alive_at: When the server last spoke of it, in Trio's time.
        method: What it was asked for with.
        wants_deltas: Its consumer does.
        on_dropped: See `TurnInbox`.
        continuation: Where its consumer was before. What has happened since is missing, see `pause_delivery`.

    Attributes:
        running_id: What an interrupt must call it: a review runs under an id of its own.
        left: Set once nobody wants the turn: fires when it is off the server, or given up.
        has_consumer: Whether a consumer reads its events.
        is_handed_out: A continuation is out there, so the turn may run on without a consumer.
        reconciling: Of the last look at its true state.
        find_unfinished: Asks the server for the turn's open items; set while events may not have reported all of them.
            To be called once.
    """

    def __init__(
        self,
        thread_id: str,
        turn_id: str,
        *,
        last_activity: float,
        method: str = methods.TURN_START,
        wants_deltas: bool = False,
        on_dropped: Callable[[int], None],
        continuation: ChatContinuation | None = None,
    ) -> None:
        super().__init__(thread_id, last_activity=last_activity, wants_deltas=wants_deltas, on_dropped=on_dropped)
        self.turn_id = turn_id
        self.interrupt_id = turn_id
        self.method = method
        self.left: trio.Event | None = None
        self.has_continuation = False
        self.thread_is_idle = False
        self.reconcile_scope: trio.CancelScope | None = None
        self.find_unfinished: Callable[[], Awaitable[None]] | None = None
        self._raised: Failure | None = None
        self._is_read = False  # the consumer has seen the end
        self.has_consumer = False
        self._quiet_since = self._left_at = last_activity  # when its consumer's last wait ended
        self._source: CompletionSource = "turn_completed"
        self._fold = TurnAccumulator(thread_id, turn_id)
        self._cursor = 0
        self._steps: list[ConversationStep] = []  # what `chat_once` has gathered, across continuations
        self._events: list[Mapping[str, Any]] = []
        if continuation is not None:
            self._cursor = continuation.cursor
            self._fold.delivered.update(dict.fromkeys(continuation.seen))
            self.pause_delivery()

    def fail(self, error: BaseException) -> Failure | None:
        """Take what a handler raised, for the consumer to raise; `None` if the turn has none."""
        if not self.has_consumer or self._is_read:
            return None
        if self._raised is not None and not self._raised.resolved.is_set():
            self._raised.error.add_note(f"codex_trio: besides, another handler of the turn raised {error!r}")
            return self._raised
        self._raised = Failure(as_raised(error))
        if not self.ended.is_set():
            self._send.send_nowait(self._raised)  # wakes the consumer
        return self._raised

    @property
    def is_incomplete(self) -> bool:
        """Whether not all of it can be read here: the connection was lost before its end, or it was given up."""
        return self._loss is not None or self.is_discarding

    def raise_if_closed(self, mode: Mode) -> None:
        """Raise the loss of the connection, if it came before the turn's end."""
        if self._loss is not None:
            raise self._loss.fresh(self.continuation(mode))

    def continuation(self, mode: Mode) -> ChatContinuation:
        """Return where the consumer is."""
        take_collected = {step.item_id for step in self._steps}
        seen = tuple(item_id for item_id in self._fold.delivered if item_id not in take_collected)
        return ChatContinuation(self.thread_id, self.turn_id, self._cursor, mode, seen)

    def acquire_consumer(self, *, wants_deltas: bool = False) -> None:
        """Become the turn's consumer.

        Raises:
            CodexThreadBusyError: It has one.
        """
        if self.has_consumer:
            raise CodexThreadBusyError(
                f"turn {self.turn_id} is being consumed by another task; a turn has one consumer at a time",
                thread_id=self.thread_id,
                turn_id=self.turn_id,
            )
        self.has_consumer = True
        self.has_continuation = False
        self._quiet_since = self._left_at = trio.current_time()
        self.skips_deltas = not wants_deltas and not self.ended.is_set()

    def release_consumer(self) -> None:
        """Let go of the turn; what is unread stays."""
        self.has_consumer = False
        if self._raised is not None:
            self._raised.resolved.set()

    @property
    def is_abandoned(self) -> bool:
        """Whether it runs on with nobody to consume it, now or later."""
        return not (self.has_consumer or self.has_continuation or self.ended.is_set())

    async def next_steps(self, patience: float, mode: Mode) -> list[ConversationStep] | None:
        """Wait for the next event; return the steps that it completes, `None` at the end of the turn.

        Raises:
            CodexTurnInactiveError: No event came for `patience` seconds; the turn is handed out from now on.
            CodexTransportError: The connection was lost before the end.

        Cancellation: No event is lost.
        """
        event = await self._next(patience, mode)
        if event is None:
            return None
        if isinstance(event, PendingDelta):
            return []
        if isinstance(event, FromHistory):
            return event.tell(self._fold)
        if mode == "chat_once":
            self._events.append(event.raw)
        return self._fold.apply(event)

    async def next_events(self, patience: float) -> list[Event] | None:
        """Wait for the next event, and return what it tells; `None` at the end of the turn.

        Raises and is cancelled as `next_steps`.
        """
        event = await self._next(patience, "chat")
        if event is None:
            return None
        if isinstance(event, PendingDelta):
            return [event.to_event()]
        if isinstance(event, FromHistory):
            return [StepCompleted(step) for step in event.tell(self._fold)]
        return events_of(event, self._fold.apply(event))

    async def _next(self, patience: float, mode: Mode) -> Notice | PendingDelta | FromHistory | None:
        if self._raised is not None:
            self._raised.raise_once()
        if self._cursor % _EVENTS_AT_ONCE == _EVENTS_AT_ONCE - 1:
            await trio.lowlevel.checkpoint()
        event = await self._receive_next(patience, mode)
        while isinstance(event, Failure):
            event.raise_once()
            event = await self._receive_next(patience, mode)
        if event is None:
            self.raise_if_closed(mode)
            self._is_read = True
        elif isinstance(event, PendingDelta):
            if self._pending.get(event.item_id) is event:
                del self._pending[event.item_id]
        else:
            self._cursor += 1
            if isinstance(event, EndFromHistory):
                self._source = "thread_read_fallback"
        return event

    async def _receive_next(self, patience: float, mode: Mode) -> Received | None:
        try:
            return self._receive.receive_nowait()
        except trio.EndOfChannel:
            return None
        except trio.WouldBlock:
            pass  # not waited for in here: whatever interrupts the wait would have this for its context
        return await self._wait(patience, mode)

    async def _wait(self, patience: float, mode: Mode) -> Received | None:
        # One scope for a wait, not one for each event. Events only move `last_activity`, and after the scope fires, the rest
        # of the timeout is waited for. The scope also fires during a sleep, which may end early without an event.
        # The time that the consumer took between two waits does not count.
        since = self._quiet_since + trio.current_time() - self._left_at
        while True:
            now = trio.current_time()
            if self._inactivity_holds:
                since = now
            with trio.move_on_at(min(self._alive_until(since) + patience, now + patience)):
                try:
                    received = await self._receive.receive()
                except trio.EndOfChannel:
                    return None
                self._quiet_since, self._left_at = self._alive_until(since), trio.current_time()
                return received
            if self._is_alive(since, patience):
                continue
            await yield_to_reader()
            if self._is_alive(since, patience):
                continue
            if self.find_unfinished is not None:  # there may be an open sleep item
                find_unfinished, self.find_unfinished = self.find_unfinished, None
                await find_unfinished()
                continue
            try:
                return self._receive.receive_nowait()
            except trio.EndOfChannel:
                return None
            except trio.WouldBlock:
                pass
            self.has_continuation = True
            now = trio.current_time()
            idle = now - max(self.last_activity, self.unfinished.asleep_until)
            raise inactive_error(self.continuation(mode), idle, self.last_event, self.unfinished.snapshot(now))

    def _is_alive(self, since: float, patience: float) -> bool:
        return self._inactivity_holds > 0 or trio.current_time() < self._alive_until(since) + patience

    def _alive_until(self, since: float) -> float:
        return max(since, self.last_activity, self.unfinished.asleep_until)

    async def finish(self, read_history: ReadHistory) -> list[ConversationStep]:
        """Close the account of an ended turn, and return steps that only history told.

        Cancellation: Nothing is lost; the turn has ended.
        """
        if not self._fold.needs_history:
            return []
        history = await read_history(self)
        return [] if history is None else self._fold.apply_turn_items(history)

    def note_unfinished(self, items: Sequence[object], now: float, unix_time: float) -> None:
        """Note which items of the running turn are open.

        Args:
            items: All items of the turn, open or not.
            now: The current time on Trio's clock.
            unix_time: The current Unix time, assumed to be the same on the server.
        """
        for item in items:
            if not isinstance(item, dict) or str(item.get("id")) in self._fold.delivered:
                continue
            is_known = self.unfinished.has(self.thread_id, item.get("id"))
            if not is_known and (item.get("type") == "sleep" or not is_complete(item)):
                elapsed = _elapsed(item.get("startedAtMs"), unix_time)  # codex 0.169
                self.unfinished.start(self.thread_id, item, now, elapsed=elapsed)

    def collect(self, steps: list[ConversationStep]) -> None:
        """Keep steps for the result of `chat_once`."""
        self._steps += steps

    def take_collected(self) -> list[ConversationStep]:
        """Hand over the steps that `chat_once` has gathered."""
        steps, self._steps = self._steps, []
        return steps

    def result(self) -> ChatResult:
        """Return the ended turn.

        Raises:
            CodexTurnFailedError, CodexTurnInterruptedError: It did not complete.
        """
        result = self._result()
        if self._fold.status == "failed":
            raise failed_error(self.turn_id, self._fold.error, result)
        if self._fold.status == "interrupted":
            raise CodexTurnInterruptedError(
                f"turn {self.turn_id} of thread {self.thread_id} was interrupted; the thread is usable", result=result
            )
        return result

    def _result(self) -> ChatResult:
        answer = self._fold.final_message()
        is_mute = self._fold.status == "completed" and answer is None
        return ChatResult(
            thread_id=self.thread_id,
            turn_id=self.turn_id,
            final_text="" if answer is None else answer.text,
            raw_events=tuple(self._events),
            assistant_item_id=None if answer is None else answer.item_id or None,
            completion_source="no_message" if is_mute else self._source,
            usage=self._fold.usage,
            steps=tuple(self._steps),
            status=self._fold.status or "unknown",
            is_hidden=answer is not None and answer.is_hidden,
        )

    def drain(self) -> CancelResult:
        """Take all that is unread of an ended turn."""
        steps, events = self._steps, self._events  # `chat_once` took them, and delivered nothing
        while True:
            try:
                event = self._receive.receive_nowait()
            except (trio.WouldBlock, trio.EndOfChannel):
                break
            if isinstance(event, (PendingDelta, Failure)):
                continue
            self._cursor += 1
            if isinstance(event, FromHistory):
                steps += event.tell(self._fold)
            else:
                events.append(event.raw)
                steps += self._fold.apply(event)
        status = self._fold.status or "unknown"
        return CancelResult(
            thread_id=self.thread_id,
            turn_id=self.turn_id,
            steps=tuple(steps),
            raw_events=tuple(events),
            status=status,
            was_completed=status == "completed",
            was_interrupted=status == "interrupted",
        )


def _elapsed(begun_at: object, unix_time: float) -> float:
    if not isinstance(begun_at, int) or isinstance(begun_at, bool) or not 0 < begun_at < 1000 * unix_time:
        return 0.0
    return unix_time - begun_at / 1000
