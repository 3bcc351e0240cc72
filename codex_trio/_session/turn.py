"""`Turn`: one turn, fed by the reader and read by one consumer at a time. Its requests, errors and history entries."""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import msgspec
import trio

from .._wire import methods
from .._wire.messages import Notice
from .._wire.turn_state import (
    TurnAccumulator,
    is_complete,
)
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
        method: `turn/start`, or another that does it.
        params: Its parameters but for the thread.
        thread_params: Those of the `thread/start` before it, where there is no thread yet.
        matches_first_event: For a request whose response lacks the turn id: whether an event of an unknown turn on the
            thread belongs to the new turn.
        wants_deltas: The turn's reader wants its deltas.
        continuation: Of a turn that runs already, or has ended: where its reader was.
    """

    method: str = methods.TURN_START
    params: Mapping[str, Any] = msgspec.field(default_factory=dict)
    thread_params: Mapping[str, Any] = msgspec.field(default_factory=dict)
    matches_first_event: Callable[[Notice], bool] | None = None
    wants_deltas: bool = False
    continuation: ChatContinuation | None = None


def is_start(notice: Notice) -> bool:
    """Whether a turn began: one that comes of a compaction, say."""
    return notice.method == methods.TURN_STARTED


def is_shell(notice: Notice) -> bool:
    """Whether a turn began, or a user's command in a turn that ran already."""
    item = notice.params.get("item")
    is_command = isinstance(item, dict) and item.get("source") == "userShell"
    return is_start(notice) or (notice.method == methods.ITEM_STARTED and is_command)


# For the list of open items in the error's message.
_DESCRIBED, _DESCRIBED_LENGTH = 3, 60
_DESCRIBED_TYPES = frozenset({"commandExecution", "fileChange", "mcpToolCall", "dynamicToolCall"})


class HandlerError:
    """An exception that is to be raised from the call that waits for a turn.

    Attributes:
        error: The exception, until it is raised.
        is_raised: It was.
        resolved: It was, or nobody is left to raise it from.
    """

    def __init__(self, error: BaseException) -> None:
        self.error = error
        self.is_raised = False
        self.resolved = trio.Event()

    def raise_once(self) -> None:
        """Raise it, unless that was done."""
        if not self.resolved.is_set():
            self.is_raised = True
            self.resolved.set()
            error = self.error
            del self.error  # else it would keep itself alive, and the frames that it passes
            try:
                raise error
            finally:
                del error


def as_raised(error: BaseException) -> BaseException:
    """Return what a step of a stream may raise for a handler's exception, as Python does for generators.

    The end of an iteration would end the loop as if the turn had completed.
    """
    if not isinstance(error, StopAsyncIteration):
        return error
    raised = RuntimeError("a handler raised StopAsyncIteration")
    raised.__cause__ = error
    return raised


def failed_error(turn_id: str, error: Mapping[str, Any], result: ChatResult) -> CodexTurnFailedError:
    """Return the exception for a turn that the server says has failed."""
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
    """Something that no notification told."""

    def tell(self, fold: TurnAccumulator) -> list[ConversationStep]:
        """Take it into account; return the steps not yet delivered."""
        raise NotImplementedError


class MissedItems(FromHistory):
    """Items that may have been completed while nobody listened."""

    def __init__(self, items: Sequence[object]) -> None:
        self._items = items

    def tell(self, fold: TurnAccumulator) -> list[ConversationStep]:
        return fold.apply_items(self._items)


class EndFromHistory(FromHistory):
    """The end of a turn whose `turn/completed` never came."""

    def __init__(self, turn: Mapping[str, Any]) -> None:
        self._turn = turn

    def tell(self, fold: TurnAccumulator) -> list[ConversationStep]:
        return fold.apply_end(self._turn)


Received: TypeAlias = Notice | DeltaBuffer | FromHistory | HandlerError


class _NullChannel:
    """In place of the memory channel of a turn that nobody will read."""

    def send_nowait(self, received: Received) -> None:
        """Drop it."""

    def close(self) -> None:
        """Do nothing."""


_EVENTS_AT_ONCE = 256  # unread ones are taken without a pause, but not for ever

Mode = Literal["chat_once", "chat"]
ReadHistory = Callable[["Turn"], Awaitable[Mapping[str, Any] | None]]


class Turn:
    """A turn that this client started, or took up.

    Args:
        last_activity: When the server last spoke of it, in Trio's time.
        method: What it was asked for with.
        wants_deltas: Its consumer does.
        on_dropped: Called with the number of events that were dropped because too many came while delivery was paused.
        continuation: Where its consumer was before. What has happened since is missing, see `pause_delivery`.

    Attributes:
        thread_id: Its thread.
        skips_deltas: They are signs of life, and no more.
        started: The server will take an interrupt.
        ended: Nothing more will come: the turn's end is in the channel, or the connection is lost.
        last_activity: When the server last spoke of the turn, in Trio's time.
        last_event: What it said then.
        unfinished: Items of the turn and its sub-agents that have started and not completed.
        on_end: Called when `ended` is set.
        pauses: How often a gap was opened or widened. A gap widens when another connection is lost.
        overflows: How often events were dropped while a gap was open. History that was read before lacks these events.
        is_discarding: Only its end is noticed.
        interrupt_id: What an interrupt must call it: a review runs under an id of its own.
        left: Set once nobody wants the turn: fires when it is off the server, or given up.
        has_consumer: Whether a consumer reads its events.
        has_continuation: A continuation is out there, so the turn may run on without a consumer.
        reconcile_scope: Of the last look at its true state.
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
        self.thread_id = thread_id
        self.skips_deltas = not wants_deltas
        self.started = trio.Event()
        self.ended = trio.Event()
        self.last_activity = last_activity
        self.last_event: str | None = None
        self.unfinished = UnfinishedItems()
        self.on_end: set[Callable[[], None]] = set()
        self._inactivity_holds = 0  # answers that the server is waiting for
        self._loss: CodexTransportError | None = None
        self._send: trio.MemorySendChannel[Received] | _NullChannel
        self._send, self._receive = trio.open_memory_channel[Received](math.inf)
        self._pending: dict[str, DeltaBuffer] = {}  # by item: its last deltas, unread
        self._buffered: EventBuffer | None = None  # what came after a gap that is still open
        self._on_dropped = on_dropped
        self._gap_began_at = self._alive_before_gap = 0.0
        self._believed_at = math.nan  # `last_activity` as of the end of a gap
        self._items_known = 0  # of history, when the last gap was filled
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
        self._is_read = False  # the consumer has seen the end
        self.has_consumer = False
        self._quiet_since = self._left_at = last_activity  # when its consumer's last wait ended
        self._source: CompletionSource = "turn_completed"
        self._accumulator = TurnAccumulator(thread_id, turn_id)
        self._cursor = 0
        self._steps: list[ConversationStep] = []  # what `chat_once` has gathered, across continuations
        self._events: list[Mapping[str, Any]] = []
        if continuation is not None:
            self._cursor = continuation.cursor
            self._accumulator.delivered.update(dict.fromkeys(continuation.seen))
            self.pause_delivery()

    # --- called in the reader: none of these wait or raise

    def touch(self, method: str, now: float) -> None:
        """Note that the turn lives."""
        self.last_activity = now
        self.last_event = method

    def feed(self, notice: Notice, now: float) -> bool:
        """Take a notification; `False` if the turn had ended before it."""
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
            # Only a stream of events tells its reader; others would wait for a model that cannot be reached, and not know.
            _logger.warning("turn %s: the server tries again: %s", notice.turn_id, _told(notice.params.get("error")))
        self._end_deltas(notice)
        self.unfinished.note(notice, now)
        self._send.send_nowait(notice)
        if notice.method == methods.TURN_COMPLETED:
            self._close()
        elif not self.started.is_set() and notice.method != methods.ERROR:
            self.started.set()  # by `turn/started`, or by what only a started turn does
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
        # What comes of an item after this stays after this.
        item = notice.params.get("item") if self._pending else None
        if isinstance(item, dict):
            self._pending.pop(str(item.get("id")), None)

    def pause_delivery(self) -> None:
        """Hold what comes from now on, until `backfill` has put in front what was missed. No inactivity until then."""
        self.pauses += 1
        if self._buffered is None and not self.ended.is_set():
            self._buffered = EventBuffer()
            self._gap_began_at, self._alive_before_gap = trio.current_time(), self.last_activity
            self.hold_inactivity()
            self.unfinished.keep_only(self.thread_id)

    @property
    def is_paused(self) -> bool:
        """Whether it is not known what was missed."""
        return self._buffered is not None and not self.ended.is_set()

    def backfill(self, items: Sequence[object], now: float) -> None:
        """Take the turn's completed items from history, and then what came meanwhile. Those known are known by id."""
        if self._buffered is None or self.ended.is_set():
            return
        notices, self._buffered = self._buffered.take(), None
        self._send.send_nowait(MissedItems(items))
        for item in items:
            self.unfinished.complete(self.thread_id, item.get("id") if isinstance(item, dict) else None)
        # Whether the turn was active during the gap is unknown, because history has no deltas. This is assumed only
        # once: repeated losses of the connection must not keep a silent turn alive. Token usage is no sign of activity,
        # because the server sends it whenever a thread is resumed.
        was_alive_at = self._alive_before_gap
        is_alive = was_alive_at != self._believed_at or len(items) > self._items_known
        is_alive = is_alive or any(notice.method != methods.TOKEN_USAGE_UPDATED for notice in notices)
        for notice in notices:
            self.feed(notice, now)
        self.release_inactivity(now if is_alive else was_alive_at + now - self._gap_began_at)
        self._believed_at, self._items_known = self.last_activity, len(items)

    def end_from_history(self, turn: Mapping[str, Any]) -> None:
        """Take the turn as history has it, in place of a `turn/completed` that did not come."""
        if not self.ended.is_set() and self._buffered is None:
            self._send.send_nowait(EndFromHistory(turn))
            self._close()

    def lose(self, error: CodexTransportError) -> None:
        """Take the loss of the connection; what came before it is still read first."""
        if not self.ended.is_set():
            self._loss = error
            self._close()

    def _close(self) -> None:
        self._send.close()
        self.skips_deltas = False  # each is late now, and counted
        self.started.set()
        self.ended.set()
        callbacks, self.on_end = self.on_end, set()  # some of them have the turn
        for callback in callbacks:
            callback()

    def discard_events(self) -> None:
        """Drop what is unread, and what comes: nobody will read it."""
        self.is_discarding = self.skips_deltas = True
        self._pending.clear()
        self._receive.close()
        self._send = _NullChannel()

    def hold_inactivity(self) -> None:
        """Stop the inactivity clock, because the server waits for an answer."""
        self._inactivity_holds += 1

    def release_inactivity(self, now: float) -> None:
        """Restart the inactivity clock after an answer."""
        self._inactivity_holds -= 1
        self.last_activity = now

    @property
    def unread(self) -> int:
        """How many events wait for a consumer."""
        return self._receive.statistics().current_buffer_used

    # --- for the consumer

    def fail(self, error: BaseException) -> HandlerError | None:
        """Take what a handler raised, for the consumer to raise; `None` if the turn has none."""
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
        """Whether not all of it can be read here: the connection was lost before its end, or it was given up."""
        return self._loss is not None or self.is_discarding

    def raise_if_closed(self, mode: Mode) -> None:
        """Raise the loss of the connection, if it came before the turn's end."""
        if self._loss is not None:
            raise self._loss.fresh(self.continuation(mode))

    def continuation(self, mode: Mode) -> ChatContinuation:
        """Return where the consumer is."""
        collected = {step.item_id for step in self._steps}
        seen = tuple(item_id for item_id in self._accumulator.delivered if item_id not in collected)
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
        if isinstance(event, DeltaBuffer):
            return []
        if isinstance(event, FromHistory):
            return event.tell(self._accumulator)
        if mode == "chat_once":
            self._events.append(event.raw)
        return self._accumulator.apply(event)

    async def next_events(self, patience: float) -> list[Event] | None:
        """Wait for the next event, and return what it tells; `None` at the end of the turn.

        Raises and is cancelled as `next_steps`.
        """
        event = await self._next(patience, "chat")
        if event is None:
            return None
        if isinstance(event, DeltaBuffer):
            return [event.to_event()]
        if isinstance(event, FromHistory):
            return [StepCompleted(step) for step in event.tell(self._accumulator)]
        return events_of(event, self._accumulator.apply(event))

    async def _next(self, patience: float, mode: Mode) -> Notice | DeltaBuffer | FromHistory | None:
        if self._raised is not None:
            self._raised.raise_once()
        if self._cursor % _EVENTS_AT_ONCE == _EVENTS_AT_ONCE - 1:
            await trio.lowlevel.checkpoint()
        event = await self._receive_next(patience, mode)
        while isinstance(event, HandlerError):
            event.raise_once()
            event = await self._receive_next(patience, mode)
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
        if not self._accumulator.needs_history:
            return []
        history = await read_history(self)
        return [] if history is None else self._accumulator.apply_turn_items(history)

    def note_unfinished(self, items: Sequence[object], now: float, unix_time: float) -> None:
        """Note which items of the running turn are open.

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
        if self._accumulator.status == "failed":
            raise failed_error(self.turn_id, self._accumulator.error, result)
        if self._accumulator.status == "interrupted":
            raise CodexTurnInterruptedError(
                f"turn {self.turn_id} of thread {self.thread_id} was interrupted; the thread is usable", result=result
            )
        return result

    def _result(self) -> ChatResult:
        answer = self._accumulator.final_message()
        is_mute = self._accumulator.status == "completed" and answer is None
        return ChatResult(
            thread_id=self.thread_id,
            turn_id=self.turn_id,
            final_text="" if answer is None else answer.text,
            raw_events=tuple(self._events),
            assistant_item_id=None if answer is None else answer.item_id or None,
            completion_source="no_message" if is_mute else self._source,
            usage=self._accumulator.usage,
            steps=tuple(self._steps),
            status=self._accumulator.status or "unknown",
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
    return " ".join(one for one in (error.get("message"), error.get("additionalDetails")) if isinstance(one, str))
