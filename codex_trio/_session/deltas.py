"""Buffers for unread deltas and for events that cannot be delivered yet, and the conversion to public events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from .._json import as_text
from .._wire import methods
from .._wire.messages import Notice
from ..events import (
    CommandOutputDelta,
    DiffUpdated,
    Event,
    OtherEvent,
    PlanUpdated,
    ReasoningDelta,
    RetryScheduled,
    StepCompleted,
    StepStarted,
    TextDelta,
    TokenUsageUpdated,
)
from ..models import ConversationStep

_JOINED_AT = 1_000  # strings are joined into one; each costs about fifty bytes besides its text

COALESCED_METHODS: Final = frozenset(
    {methods.TEXT_DELTA, methods.SUMMARY_DELTA, methods.REASONING_DELTA, methods.OUTPUT_DELTA}
)


class DeltaBuffer:
    """The text of consecutive deltas of one item, with the same method and the same index."""

    def __init__(self, notice: Notice) -> None:
        self.method = notice.method
        self.item_id = as_text(notice.params.get("itemId"))
        self.index = _index(notice)
        self._joined: list[str] = []
        self._parts = [as_text(notice.params.get("delta"))]

    def append(self, notice: Notice) -> bool:
        """Add a delta of this item. Return `False`, without adding it, if its method or index differs."""
        if notice.method != self.method or _index(notice) != self.index:
            return False
        self._parts.append(as_text(notice.params.get("delta")))
        if len(self._parts) == _JOINED_AT:
            self._joined.append("".join(self._parts))
            self._parts.clear()
        return True

    def text(self) -> str:
        """Return the text of all deltas."""
        return "".join((*self._joined, *self._parts))

    def to_event(self) -> Event:
        """Return one public event with the text of all deltas."""
        text = self.text()
        if self.method == methods.TEXT_DELTA:
            return TextDelta(text, self.item_id)
        if self.method == methods.OUTPUT_DELTA:
            return CommandOutputDelta(text, self.item_id)
        return ReasoningDelta(text, self.item_id, self.index, self.method == methods.SUMMARY_DELTA)


def events_of(notice: Notice, steps: list[ConversationStep]) -> list[Event]:
    """Convert a notification to public events. `steps` are the steps that it completed."""
    if notice.method == methods.ITEM_COMPLETED or notice.method == methods.TURN_COMPLETED:
        events: list[Event] = [StepCompleted(step) for step in steps]
        return events if events or notice.method == methods.TURN_COMPLETED else [OtherEvent(notice.method, notice.raw)]
    return [_event_of(notice) or OtherEvent(notice.method, notice.raw)]


def _event_of(notice: Notice) -> Event | None:
    params = notice.params
    if notice.method == methods.ITEM_STARTED:
        return _started(notice, params.get("item"))
    if notice.method == methods.PLAN_UPDATED and isinstance(plan := params.get("plan"), list):
        return PlanUpdated(
            tuple(entry for entry in plan if isinstance(entry, dict)), as_text(params.get("explanation")) or None
        )
    if notice.method == methods.DIFF_UPDATED and isinstance(diff := params.get("diff"), str):
        return DiffUpdated(diff)
    if notice.method == methods.TOKEN_USAGE_UPDATED and isinstance(usage := params.get("tokenUsage"), dict):
        return TokenUsageUpdated(usage)
    if notice.method == methods.ERROR and params.get("willRetry") is True:
        return _retry(params.get("error"))
    return None


def _started(notice: Notice, item: object) -> Event | None:
    if not isinstance(item, dict) or item.get("type") == "userMessage":
        return None
    return StepStarted(ConversationStep.from_wire(item, thread_id=notice.thread_id or "", turn_id=notice.turn_id or ""))


def _retry(error: object) -> RetryScheduled:
    error = error if isinstance(error, Mapping) else {}
    info = error.get("codexErrorInfo")
    return RetryScheduled(
        message=as_text(error.get("message")),
        details=as_text(error.get("additionalDetails")) or None,
        error_info=info if isinstance(info, (str, dict)) else None,
    )


def _index(notice: Notice) -> int:
    value: Any = notice.params.get("summaryIndex", notice.params.get("contentIndex"))
    return value if isinstance(value, int) else 0


_MOST = 1_000  # events
_MOST_SIZE = 64 * 2**20  # total bytes of the events, as the server sent them
_JOINED_FROM = 500  # events; with this many or more, new deltas of an item are joined


class _Deltas(msgspec.Struct, eq=False):
    """Consecutive deltas of an item: the first event, and the text of all deltas."""

    first: Notice
    pending: DeltaBuffer
    number: int = 1

    def joined(self) -> Notice:
        """Return a single event with the text of all deltas."""
        if self.number == 1:
            return self.first
        params: dict[str, Any] = {**self.first.params, "delta": self.pending.text()}
        return msgspec.structs.replace(self.first, params=params, raw={**self.first.raw, "params": params})


class EventBuffer:
    """Events in order. If there are too many, all events are dropped. History that is read later contains them."""

    def __init__(self) -> None:
        self._entries: list[Notice | _Deltas] = []
        self._growing: dict[tuple[str | None, str], _Deltas] = {}  # by turn and item
        self._size = 0
        self._number = 0  # of events; each joined delta counts

    def push(self, notice: Notice) -> int:
        """Add an event. Return how many events were dropped to make room."""
        delta = notice.params.get("delta") if notice.method in COALESCED_METHODS else None
        is_joined = isinstance(delta, str) and len(self._entries) >= _JOINED_FROM
        dropped = 0
        if is_joined and self._join(notice):
            self._size += len(delta or "")
        else:
            if len(self._entries) >= _MOST:
                dropped = self._drop()
            self._append(notice, is_joined=is_joined)
        self._number += 1
        if self._size > _MOST_SIZE and len(self._entries) > 1:
            dropped += self._drop()
        return dropped

    def _join(self, notice: Notice) -> bool:
        deltas = self._growing.get((notice.turn_id, str(notice.params.get("itemId"))))
        if deltas is None or not deltas.pending.append(notice):
            return False
        deltas.number += 1
        return True

    def _append(self, notice: Notice, *, is_joined: bool) -> None:
        self._size += notice.size
        if is_joined:
            deltas = _Deltas(notice, DeltaBuffer(notice))
            self._growing[notice.turn_id, str(notice.params.get("itemId"))] = deltas
            self._entries.append(deltas)
            return
        item = notice.params.get("item")
        if isinstance(item, dict):  # later deltas of the item must stay after this event
            self._growing.pop((notice.turn_id, str(item.get("id"))), None)
        self._entries.append(notice)

    def _drop(self) -> int:
        dropped, self._number = self._number, 0
        self._entries.clear()
        self._growing.clear()
        self._size = 0
        return dropped

    def take(self) -> list[Notice]:
        """Remove and return all events."""
        taken = [entry.joined() if isinstance(entry, _Deltas) else entry for entry in self._entries]
        self._drop()
        return taken
