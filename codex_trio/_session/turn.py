"""`Turn`: one turn, which the reader task feeds and one consumer at a time reads. Also its request and its errors."""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import msgspec
import trio

from .._wire import methods
from .._wire.messages import Notice
from .._wire.turn_state import TurnAccumulator, is_complete
from ..errors import (
    CodexThreadBusyError,
    CodexTransportError,
    CodexTurnFailedError,
    CodexTurnInactiveError,
    CodexTurnInterruptedError,
)
from ..events import Event, StepCompleted
from ..models import CancelResult, ChatContinuation, ChatResult, CompletionSource, ConversationStep, OpenItem
from .connection import yield_to_reader
from .deltas import COALESCED_METHODS, DeltaBuffer, EventBuffer, events_of
from .unfinished import UnfinishedItems

_logger = logging.getLogger("codex_trio")


class TurnRequest(msgspec.Struct, frozen=True):
    """A request that starts a turn.

    Attributes:
        method: `turn/start`, or another method that starts a turn.
        params: The parameters, without the thread id.
        thread_params: The parameters of the `thread/start` that is sent first if there is no thread.
        matches_first_event: For a request whose response lacks the turn id: whether an event of an unknown turn on the
            thread belongs to the new turn.
        wants_deltas: Whether the turn's consumer wants deltas.
        continuation: For a turn that is already running or has ended: where its previous consumer stopped.
    """

    method: str = methods.TURN_START
    params: Mapping[str, Any] = msgspec.field(default_factory=dict)
    thread_params: Mapping[str, Any] = msgspec.field(default_factory=dict)
    matches_first_event: Callable[[Notice], bool] | None = None
    wants_deltas: bool = False
    continuation: ChatContinuation | None = None


def is_start(notice: Notice) -> bool:
    """Whether a turn has started, for example by a compaction."""
    return notice.method == methods.TURN_STARTED


def is_shell(notice: Notice) -> bool:
    """Whether a turn has started, or a user's shell command in a turn that was already running."""
    item = notice.params.get("item")
    is_command = isinstance(item, dict) and item.get("source") == "userShell"
    return is_start(notice) or (notice.method == methods.ITEM_STARTED and is_command)


# Limits of the list of open items in the message of `inactive_error`: the number of items, and characters of each.
_DESCRIBED, _DESCRIBED_LENGTH = 3, 60
_DESCRIBED_TYPES = frozenset({"commandExecution", "fileChange", "mcpToolCall", "dynamicToolCall"})


class HandlerError:
    """An exception of a handler, to be raised by the call that waits for the turn.

    Attributes:
        error: The exception. Deleted when it is raised.
        is_raised: Whether it was raised.
        resolved: Set when it was raised, or when the turn has no consumer left to raise it.
    """

    def __init__(self, error: BaseException) -> None:
        self.error = error
        self.is_raised = False
        self.resolved = trio.Event()

    def raise_once(self) -> None:
        """Raise the exception, unless `resolved` is set."""
        if not self.resolved.is_set():
            self.is_raised = True
            self.resolved.set()
            error = self.error
            del self.error  # otherwise the exception and the frames in its traceback would keep each other alive
            try:
                raise error
            finally:
                del error


def as_raised(error: BaseException) -> BaseException:
    """Replace `StopAsyncIteration` from a handler with `RuntimeError`, as Python does in generators.

    Raised from a stream, `StopAsyncIteration` would end the caller's loop as if the turn had completed.
    """
    if not isinstance(error, StopAsyncIteration):
        return error
    raised = RuntimeError("a handler raised StopAsyncIteration")
    raised.__cause__ = error
    return raised


def failed_error(turn_id: str, error: Mapping[str, Any], result: ChatResult) -> CodexTurnFailedError:
    """Return the exception for a turn that ended with status ``failed``."""
    message, info, details = error.get("message"), error.get("codexErrorInfo"), error.get("additionalDetails")
    info = info if isinstance(info, (str, dict)) else None
    details = details if isinstance(details, str) else None
    inner = next(iter(info.values()), None) if isinstance(info, dict) else None
    status = inner.get("httpStatusCode") if isinstance(inner, dict) else None
    text = f"turn {turn_id} failed: {message if isinstance(message, str) else 'the server gave no reason'}"
    return CodexTurnFailedError(
        f"{text} ({details})" if details else text,
        result=result,
        error_info=info,
        details=details,
        http_status=status if isinstance(status, int) else None,
        data=dict(error),
    )


def inactive_error(
    continuation: ChatContinuation, idle: float, last_event: str | None, open_items: tuple[OpenItem, ...]
) -> CodexTurnInactiveError:
    """Return the exception for a turn without events for `idle` seconds."""
    waits_for = ", ".join(_described(item, continuation.thread_id) for item in open_items[:_DESCRIBED])
    if len(open_items) > _DESCRIBED:
        waits_for += f" and {len(open_items) - _DESCRIBED} more"
    return CodexTurnInactiveError(
        f"turn {continuation.turn_id} of thread {continuation.thread_id} was silent for {idle:.1f} s (its last event: "
        f"{last_event or 'none'}{f'; waiting for {waits_for}' if waits_for else ''}). It runs on: wait further with "
        "chat_once(continuation=...) or chat(continuation=...), or stop it with cancel(continuation)",
        continuation=continuation,
        idle_seconds=idle,
        last_event=last_event,
        open_items=open_items,
    )


def _described(item: OpenItem, thread_id: str) -> str:
    # The text comes from the model, so `repr` escapes its control characters.
    step = ConversationStep.from_wire(item.data, thread_id=item.thread_id, turn_id="")
    text = step.text if item.item_type in _DESCRIBED_TYPES else ""
    shown = text if len(text) <= _DESCRIBED_LENGTH else text[:_DESCRIBED_LENGTH] + "..."
    name = item.item_type if item.item_type.isidentifier() else repr(item.item_type)
    whose = "" if item.thread_id == thread_id else " of a sub-agent"
    return f"{name}{f' {shown!r}' if shown else ''}{whose} since {item.seconds:.0f} s"


class FromHistory:
    """Part of a turn that was read from history, because no notification contained it."""

    def tell(self, fold: TurnAccumulator) -> list[ConversationStep]:
        """Apply it to `fold`. Return the steps not delivered before."""
        raise NotImplementedError


class MissedItems(FromHistory):
    """Items that may have completed while delivery was paused."""

    def __init__(self, items: Sequence[object]) -> None:
        self._items = items

    def tell(self, fold: TurnAccumulator) -> list[ConversationStep]:
        return fold.apply_items(self._items)


class EndFromHistory(FromHistory):
    """The end of a turn for which no `turn/completed` was received."""

    def __init__(self, turn: Mapping[str, Any]) -> None:
        self._turn = turn

    def tell(self, fold: TurnAccumulator) -> list[ConversationStep]:
        return fold.apply_end(self._turn)


Received: TypeAlias = Notice | DeltaBuffer | FromHistory | HandlerError


class _NullChannel:
    """Replaces the memory channel of a turn that no consumer will read."""

    def send_nowait(self, received: Received) -> None:
        """Drop the event."""

    def close(self) -> None:
        """Do nothing."""


_EVENTS_AT_ONCE = 256  # unread events that a consumer receives without a checkpoint

Mode = Literal["chat_once", "chat"]
ReadHistory = Callable[["Turn"], Awaitable[Mapping[str, Any] | None]]


class Turn:
    """A turn that this client has started or resumed.

    Args:
        thread_id: The thread.
        turn_id: The turn's id on the server.
        last_activity: The initial value of the attribute.
        method: The method of the request that started the turn.
        wants_deltas: Whether the consumer wants deltas.
        on_dropped: Called with the number of events that were dropped because too many came while delivery was paused.
        continuation: Where the previous consumer stopped. The events since then are missing, so delivery is paused
            until `backfill` is called.

    Attributes:
        thread_id: The thread.
        turn_id: The id that the turn's events have.
        method: The method of the request that started the turn.
        skips_deltas: Deltas are dropped and only count as activity.
        started: Set when the server will accept an interrupt of the turn, and when `ended` is set.
        ended: Set when no more events will come: the end of the turn is in the channel, or the connection was lost.
        last_activity: Time of the last event of the turn or its sub-agents, or of the last `release_inactivity`, on
            Trio's clock.
        last_event: The method of the last event.
        thread_is_idle: Whether the server last reported the thread as idle.
        unfinished: Items of the turn and its sub-agents that have started and not completed.
        on_end: Functions that are called when `ended` has been set.
        pauses: How often `pause_delivery` was called. A second lost connection during a pause also counts.
        overflows: How often events were dropped while delivery was paused. History that was read before lacks them.
        is_discarding: All events are dropped. Only the end of the turn is noticed.
        interrupt_id: The turn id to send in an interrupt. It differs from `turn_id` for a review.
        left: `None` until the turn is abandoned. Set when the turn has ended, or could not be stopped in time.
        has_consumer: Whether a consumer reads the turn's events.
        has_continuation: Whether a caller has a continuation of the turn, so that it may run without a consumer.
        reconcile_scope: Cancel scope of the latest task that compares the turn with its state on the server.
        find_unfinished: Requests the turn's open items from the server. `None` if events have reported all of them.
            Must be called only once.
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
        self.thread_id = thread_id
        self.skips_deltas = not wants_deltas
        self.started = trio.Event()
        self.ended = trio.Event()
        self.last_activity = last_activity
        self.last_event: str | None = None
        self.unfinished = UnfinishedItems()
        self.on_end: set[Callable[[], None]] = set()
        self._inactivity_holds = 0  # the timer is paused while this is positive
        self._connection_error: CodexTransportError | None = None
        self._send: trio.MemorySendChannel[Received] | _NullChannel
        self._send, self._receive = trio.open_memory_channel[Received](math.inf)
        self._pending: dict[str, DeltaBuffer] = {}  # by item id: its last unread deltas
        self._buffered: EventBuffer | None = None  # events received while delivery is paused
        self._on_dropped = on_dropped
        self._gap_began_at = self._alive_before_gap = 0.0
        self._believed_at = math.nan  # `last_activity` after the last backfill
        self._items_known = 0  # number of items in history at the last backfill
        self.pauses = 0
        self.overflows = 0
        self.is_discarding = False
        self.turn_id = turn_id
        self.interrupt_id = turn_id
        self.method = method
        self.left: trio.Event | None = None
        self.has_continuation = False
        self.thread_is_idle = False
        self.reconcile_scope: trio.CancelScope | None = None
        self.find_unfinished: Callable[[], Awaitable[None]] | None = None
        self._raised: HandlerError | None = None
        self._is_read = False  # the consumer has received the end
        self.has_consumer = False
        # As of the end of the consumer's last wait: the last activity, and the time.
        self._quiet_since = self._left_at = last_activity
        self._source: CompletionSource = "turn_completed"
        self._accumulator = TurnAccumulator(thread_id, turn_id)
        self._cursor = 0
        self._steps: list[ConversationStep] = []  # collected for `chat_once`, across continuations
        self._events: list[Mapping[str, Any]] = []
        if continuation is not None:
            self._cursor = continuation.cursor
            self._accumulator.delivered.update(dict.fromkeys(continuation.seen))
            self.pause_delivery()

    # --- called in the reader task: none of these methods waits or raises

    def touch(self, method: str, now: float) -> None:
        """Record activity: an event with this method was received at `now`."""
        self.last_activity = now
        self.last_event = method

    def feed(self, notice: Notice, now: float) -> bool:
        """Handle a notification of the turn. Return `False` if the turn has already ended."""
        if self.ended.is_set():
            return False
        self.touch(notice.method, now)
        is_delta = notice.method in methods.DELTAS
        if is_delta and self.skips_deltas:
            return True
        if self._buffered is not None:
            self._hold(self._buffered, notice)
            return True
        if is_delta:
            self._take_delta(notice)
            return True
        if self.skips_deltas and notice.method == methods.ERROR and notice.params.get("willRetry") is True:
            # Only event streams report retries. Other consumers would wait for an unreachable model without knowing.
            _logger.warning("turn %s: the server tries again: %s", notice.turn_id, _told(notice.params.get("error")))
        self._end_deltas(notice)
        self.unfinished.note(notice, now)
        self._send.send_nowait(notice)
        if notice.method == methods.TURN_COMPLETED:
            self._close()
        elif not self.started.is_set() and notice.method != methods.ERROR:
            self.started.set()  # `turn/started`, or an event that only a started turn has
        return True

    def feed_sub_agent(self, notice: Notice, now: float) -> None:
        """Handle an event of a sub-agent. It counts as activity of this turn."""
        if not self.ended.is_set():
            self.touch(notice.method, now)
            self.unfinished.note(notice, now)

    def _hold(self, buffered: EventBuffer, notice: Notice) -> None:
        if dropped := buffered.push(notice):
            self.overflows += 1
            self._on_dropped(dropped)

    def _take_delta(self, notice: Notice) -> None:
        if notice.method not in COALESCED_METHODS:
            self._send.send_nowait(notice)
            return
        item_id = notice.params.get("itemId")
        pending = self._pending.get(item_id) if isinstance(item_id, str) else None
        if pending is None or not pending.append(notice):
            pending = DeltaBuffer(notice)
            self._pending[pending.item_id] = pending
            self._send.send_nowait(pending)

    def _end_deltas(self, notice: Notice) -> None:
        # Later deltas of the item must be delivered after this event, so they go into a new buffer.
        item = notice.params.get("item") if self._pending else None
        if isinstance(item, dict):
            self._pending.pop(str(item.get("id")), None)

    def pause_delivery(self) -> None:
        """Buffer new events until `backfill` has delivered the missed ones. Pauses the inactivity timer."""
        self.pauses += 1
        if self._buffered is None and not self.ended.is_set():
            self._buffered = EventBuffer()
            self._gap_began_at, self._alive_before_gap = trio.current_time(), self.last_activity
            self.hold_inactivity()
            self.unfinished.keep_only(self.thread_id)

    @property
    def is_paused(self) -> bool:
        """Whether missed events have not been read from history yet."""
        return self._buffered is not None and not self.ended.is_set()

    def backfill(self, items: Sequence[object], now: float) -> None:
        """Deliver completed items from history, then the buffered events. Skips items that were delivered, by id."""
        if self._buffered is None or self.ended.is_set():
            return
        notices, self._buffered = self._buffered.take(), None  # `None` before `feed`, which would buffer them again
        self._send.send_nowait(MissedItems(items))
        for item in items:
            self.unfinished.complete(self.thread_id, item.get("id") if isinstance(item, dict) else None)
        # Whether the turn was active during the pause is unknown, because history has no deltas. Assume activity only
        # once, so that a silent turn still times out if the connection is lost repeatedly. Token usage does not count
        # as activity, because the server sends it whenever a thread is resumed.
        was_alive_at = self._alive_before_gap
        is_alive = was_alive_at != self._believed_at or len(items) > self._items_known
        is_alive = is_alive or any(notice.method != methods.TOKEN_USAGE_UPDATED for notice in notices)
        for notice in notices:
            self.feed(notice, now)
        self.release_inactivity(now if is_alive else was_alive_at + now - self._gap_began_at)
        self._believed_at, self._items_known = self.last_activity, len(items)

    def end_from_history(self, turn: Mapping[str, Any]) -> None:
        """End the turn with its state from history, because no `turn/completed` was received."""
        if not self.ended.is_set() and self._buffered is None:
            self._send.send_nowait(EndFromHistory(turn))
            self._close()

    def fail(self, error: CodexTransportError) -> None:
        """End the turn because the connection was lost. The consumer still receives the earlier events first."""
        if not self.ended.is_set():
            self._connection_error = error
            self._close()

    def _close(self) -> None:
        self._send.close()
        self.skips_deltas = False  # so that `feed` is called for late deltas, which are counted
        self.started.set()  # wakes an interrupt that waits for the start
        self.ended.set()
        callbacks, self.on_end = self.on_end, set()  # some refer to the turn, which would be a reference cycle
        for callback in callbacks:
            callback()

    def discard_events(self) -> None:
        """Drop all unread and future events, because no consumer will read them."""
        self.is_discarding = self.skips_deltas = True
        self._pending.clear()
        self._receive.close()
        self._send = _NullChannel()  # a memory channel without a receiver would raise in the reader task

    def hold_inactivity(self) -> None:
        """Pause the inactivity timer, for example while the server waits for an answer."""
        self._inactivity_holds += 1

    def release_inactivity(self, now: float) -> None:
        """Resume the inactivity timer, with the last activity at `now`. Must follow a `hold_inactivity`."""
        self._inactivity_holds -= 1
        self.last_activity = now

    @property
    def unread(self) -> int:
        """The number of events that no consumer has read."""
        return self._receive.statistics().current_buffer_used

    # --- for the consumer

    def set_handler_error(self, error: BaseException) -> HandlerError | None:
        """Let the consumer raise a handler's exception.

        Returns:
            The exception to be raised, or `None` if the turn has no consumer or the consumer has received the end.
        """
        if not self.has_consumer or self._is_read:
            return None
        if self._raised is not None and not self._raised.resolved.is_set():
            self._raised.error.add_note(f"codex_trio: besides, another handler of the turn raised {error!r}")
            return self._raised
        self._raised = HandlerError(as_raised(error))
        if not self.ended.is_set():
            self._send.send_nowait(self._raised)  # wakes the consumer
        return self._raised

    @property
    def is_incomplete(self) -> bool:
        """Whether some events cannot be read here: the connection was lost before the end, or they were discarded."""
        return self._connection_error is not None or self.is_discarding

    def raise_if_closed(self, mode: Mode) -> None:
        """Raise the transport error, if the connection was lost before the turn ended."""
        if self._connection_error is not None:
            raise self._connection_error.fresh(self.continuation(mode))

    def continuation(self, mode: Mode) -> ChatContinuation:
        """Return a continuation at the consumer's current position."""
        collected = {step.item_id for step in self._steps}
        seen = tuple(item_id for item_id in self._accumulator.delivered if item_id not in collected)
        return ChatContinuation(self.thread_id, self.turn_id, self._cursor, mode, seen)

    def acquire_consumer(self, *, wants_deltas: bool = False) -> None:
        """Register the caller as the turn's consumer.

        Raises:
            CodexThreadBusyError: The turn already has a consumer.
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
        """Unregister the consumer. Unread events are kept."""
        self.has_consumer = False
        if self._raised is not None:
            self._raised.resolved.set()

    @property
    def is_abandoned(self) -> bool:
        """Whether the turn is running without a consumer, and no caller has a continuation."""
        return not (self.has_consumer or self.has_continuation or self.ended.is_set())

    async def next_steps(self, inactivity_timeout: float, mode: Mode) -> list[ConversationStep] | None:
        """Wait for the next event. Return the steps that it completes, or `None` at the end of the turn.

        Raises:
            CodexTurnInactiveError: No event came for `inactivity_timeout` seconds. The error has a continuation of the turn.
            CodexTransportError: The connection was lost before the turn ended.

        Cancellation: No event is lost.
        """
        event = await self._next(inactivity_timeout, mode)
        if event is None:
            return None
        if isinstance(event, DeltaBuffer):
            return []
        if isinstance(event, FromHistory):
            return event.tell(self._accumulator)
        if mode == "chat_once":
            self._events.append(event.raw)
        return self._accumulator.apply(event)

    async def next_events(self, inactivity_timeout: float) -> list[Event] | None:
        """Wait for the next event. Return it as public events, or `None` at the end of the turn.

        Raises the same errors as `next_steps`.

        Cancellation: No event is lost.
        """
        event = await self._next(inactivity_timeout, "chat")
        if event is None:
            return None
        if isinstance(event, DeltaBuffer):
            return [event.to_event()]
        if isinstance(event, FromHistory):
            return [StepCompleted(step) for step in event.tell(self._accumulator)]
        return events_of(event, self._accumulator.apply(event))

    async def _next(self, inactivity_timeout: float, mode: Mode) -> Notice | DeltaBuffer | FromHistory | None:
        if self._raised is not None:
            self._raised.raise_once()
        if self._cursor % _EVENTS_AT_ONCE == _EVENTS_AT_ONCE - 1:
            await trio.lowlevel.checkpoint()
        event = await self._receive_next(inactivity_timeout, mode)
        while isinstance(event, HandlerError):
            event.raise_once()
            event = await self._receive_next(inactivity_timeout, mode)
        if event is None:
            self.raise_if_closed(mode)
            self._is_read = True
        elif isinstance(event, DeltaBuffer):
            if self._pending.get(event.item_id) is event:
                del self._pending[event.item_id]
        else:
            self._cursor += 1
            if isinstance(event, EndFromHistory):
                self._source = "thread_read_fallback"
        return event

    async def _receive_next(self, inactivity_timeout: float, mode: Mode) -> Received | None:
        try:
            return self._receive.receive_nowait()
        except trio.EndOfChannel:
            return None
        except trio.WouldBlock:
            pass  # wait outside of this block, so that an error of the wait does not have `WouldBlock` as its context
        return await self._wait(inactivity_timeout, mode)

    async def _wait(self, inactivity_timeout: float, mode: Mode) -> Received | None:
        # There is one cancel scope for each wait, not for each event. Events only update `last_activity`. When the
        # scope expires, the loop waits for the rest of the timeout. The scope also expires during a sleep item, because
        # a sleep may end early without an event. The consumer's time between two waits does not count as inactivity.
        since = self._quiet_since + trio.current_time() - self._left_at
        while True:
            now = trio.current_time()
            if self._inactivity_holds:
                since = now
            with trio.move_on_at(min(self._alive_until(since) + inactivity_timeout, now + inactivity_timeout)):
                try:
                    received = await self._receive.receive()
                except trio.EndOfChannel:
                    return None
                self._quiet_since, self._left_at = self._alive_until(since), trio.current_time()
                return received
            if self._is_alive(since, inactivity_timeout):
                continue
            await yield_to_reader()  # if the program was blocked, events may not have been read yet
            if self._is_alive(since, inactivity_timeout):
                continue
            if self.find_unfinished is not None:  # there may be an open sleep item
                find_unfinished, self.find_unfinished = self.find_unfinished, None
                await find_unfinished()
                continue
            # A handler's error or an end from history does not count as activity, but may have come in the meantime.
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

    def _is_alive(self, since: float, inactivity_timeout: float) -> bool:
        return self._inactivity_holds > 0 or trio.current_time() < self._alive_until(since) + inactivity_timeout

    def _alive_until(self, since: float) -> float:
        return max(since, self.last_activity, self.unfinished.asleep_until)

    async def finish(self, read_history: ReadHistory) -> list[ConversationStep]:
        """Return the steps of the ended turn that only history contains.

        Cancellation: The turn has already ended, so nothing is lost.
        """
        if not self._accumulator.needs_history:
            return []
        history = await read_history(self)
        return [] if history is None else self._accumulator.apply_turn_items(history)

    def note_unfinished(self, items: Sequence[object], now: float, unix_time: float) -> None:
        """Record which items of the running turn are open.

        Args:
            items: All items of the turn, open or not.
            now: The current time on Trio's clock.
            unix_time: The current Unix time, assumed to be the same on the server.
        """
        for item in items:
            if not isinstance(item, dict) or str(item.get("id")) in self._accumulator.delivered:
                continue
            is_known = self.unfinished.has(self.thread_id, item.get("id"))
            if not is_known and (item.get("type") == "sleep" or not is_complete(item)):
                elapsed = _elapsed(item.get("startedAtMs"), unix_time)  # `startedAtMs`: codex 0.169
                self.unfinished.start(self.thread_id, item, now, elapsed=elapsed)

    def collect(self, steps: list[ConversationStep]) -> None:
        """Keep steps for the result of `chat_once`."""
        self._steps += steps

    def take_collected(self) -> list[ConversationStep]:
        """Remove and return the steps collected for `chat_once`."""
        steps, self._steps = self._steps, []
        return steps

    def result(self) -> ChatResult:
        """Return the result of the ended turn.

        Raises:
            CodexTurnFailedError: The turn failed.
            CodexTurnInterruptedError: The turn was interrupted.
        """
        result = self._result()
        if self._accumulator.status == "failed":
            raise failed_error(self.turn_id, self._accumulator.error, result)
        if self._accumulator.status == "interrupted":
            raise CodexTurnInterruptedError(
                f"turn {self.turn_id} of thread {self.thread_id} was interrupted; the thread is usable", result=result
            )
        return result

    def _result(self) -> ChatResult:
        answer = self._accumulator.final_message()
        lacks_answer = self._accumulator.status == "completed" and answer is None
        return ChatResult(
            thread_id=self.thread_id,
            turn_id=self.turn_id,
            final_text="" if answer is None else answer.text,
            raw_events=tuple(self._events),
            assistant_item_id=None if answer is None else answer.item_id or None,
            completion_source="no_message" if lacks_answer else self._source,
            usage=self._accumulator.usage,
            steps=tuple(self._steps),
            status=self._accumulator.status or "unknown",
            is_hidden=answer is not None and answer.is_hidden,
        )

    def drain(self) -> CancelResult:
        """Read all remaining events of an ended turn, and return them as the result of a cancel."""
        steps, events = self._steps, self._events  # collected for `chat_once`, which did not return them
        while True:
            try:
                event = self._receive.receive_nowait()
            except (trio.WouldBlock, trio.EndOfChannel):
                break
            if isinstance(event, (DeltaBuffer, HandlerError)):
                continue
            self._cursor += 1
            if isinstance(event, FromHistory):
                steps += event.tell(self._accumulator)
            else:
                events.append(event.raw)
                steps += self._accumulator.apply(event)
        status = self._accumulator.status or "unknown"
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


def _told(error: object) -> str:
    error = error if isinstance(error, dict) else {}
    return " ".join(part for part in (error.get("message"), error.get("additionalDetails")) if isinstance(part, str))
