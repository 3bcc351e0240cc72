"""`TurnInbox`: what the reader gives to a turn. Never waits and never raises.

What the consumer has not taken stays in the turn's memory channel, for a continuation or for `cancel`.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import trio

from .._wire import methods
from .._wire.messages import Notice
from ..errors import CodexTransportError
from .deltas import COALESCING, PendingDelta
from .failure import Failure
from .held import Held
from .turn_history import (
    EndFromHistory,
    FromHistory,
    MissedItems,
)
from .unfinished import UnfinishedItems

_logger = logging.getLogger("codex_trio")

Received: TypeAlias = Notice | PendingDelta | FromHistory | Failure


class _NullChannel:
    """In place of the memory channel of a turn that nobody will read."""

    def send_nowait(self, received: Received) -> None:
        """Drop it."""

    def close(self) -> None:
        """Do nothing."""


class TurnInbox:
    """The reader's side of a turn.

    Args:
        thread_id: Its thread.
        alive_at: When the server last spoke of it, in Trio's time.
        wants_deltas: Its consumer does.
        on_dropped: Called with the number of events that were dropped because too many came while a gap was open.

    Attributes:
        thread_id: Its thread.
        skips_deltas: They are signs of life, and no more.
        started: The server will take an interrupt.
        ended: Nothing more will come: the turn's end is in the channel, or the connection is lost.
        alive_at: When the server last spoke of the turn, in Trio's time.
        last_event: What it said then.
        unfinished: Items of the turn and its sub-agents that have started and not completed.
        on_end: Called when `ended` is set.
        gaps: How often a gap was opened or widened. A gap widens when another connection is lost.
        overflows: How often events were dropped while a gap was open. History that was read before lacks these events.
        keeps_nothing: Only its end is noticed.
    """

    def __init__(
        self, thread_id: str, *, last_activity: float, wants_deltas: bool, on_dropped: Callable[[int], None]
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
        self._pending: dict[str, PendingDelta] = {}  # by item: its last deltas, unread
        self._held: Held | None = None  # what came after a gap that is still open
        self._on_dropped = on_dropped
        self._gap_began_at = self._alive_before_gap = 0.0
        self._believed_at = math.nan  # `last_activity` as of the end of a gap
        self._items_known = 0  # of history, when the last gap was filled
        self.pauses = 0
        self.overflows = 0
        self.is_discarding = False

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
        if self._held is not None:
            self._hold(self._held, notice)
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

    def _hold(self, held: Held, notice: Notice) -> None:
        if dropped := held.push(notice):
            self.overflows += 1
            self._on_dropped(dropped)

    def _take_delta(self, notice: Notice) -> None:
        if notice.method not in COALESCING:
            self._send.send_nowait(notice)
            return
        item_id = notice.params.get("itemId")
        pending = self._pending.get(item_id) if isinstance(item_id, str) else None
        if pending is None or not pending.takes(notice):
            pending = PendingDelta(notice)
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
        if self._held is None and not self.ended.is_set():
            self._held = Held()
            self._gap_began_at, self._alive_before_gap = trio.current_time(), self.last_activity
            self.hold_inactivity()
            self.unfinished.keep_only(self.thread_id)

    @property
    def is_paused(self) -> bool:
        """Whether it is not known what was missed."""
        return self._held is not None and not self.ended.is_set()

    def backfill(self, items: Sequence[object], now: float) -> None:
        """Take the turn's completed items from history, and then what came meanwhile. Those known are known by id."""
        if self._held is None or self.ended.is_set():
            return
        notices, self._held = self._held.take(), None
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
        if not self.ended.is_set() and self._held is None:
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


def _told(error: object) -> str:
    error = error if isinstance(error, dict) else {}
    return " ".join(one for one in (error.get("message"), error.get("additionalDetails")) if isinstance(one, str))
