"""Deltas on their way to a reader. Those that nobody has read yet grow together, so they take no more than their text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

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

_JOINED_AT = 1_000  # strings; each costs some fifty bytes besides its text

COALESCING: Final = frozenset(
    {methods.TEXT_DELTA, methods.SUMMARY_DELTA, methods.REASONING_DELTA, methods.OUTPUT_DELTA}
)


class PendingDelta:
    """Deltas of one item, one kind and one paragraph, in order."""

    def __init__(self, notice: Notice) -> None:
        self.method = notice.method
        self.item_id = as_text(notice.params.get("itemId"))
        self.index = _index(notice)
        self._joined: list[str] = []
        self._parts = [as_text(notice.params.get("delta"))]

    def takes(self, notice: Notice) -> bool:
        """Add a delta of this item; `False` if it is of another kind or paragraph."""
        if notice.method != self.method or _index(notice) != self.index:
            return False
        self._parts.append(as_text(notice.params.get("delta")))
        if len(self._parts) == _JOINED_AT:
            self._joined.append("".join(self._parts))
            self._parts.clear()
        return True

    def text(self) -> str:
        """Return all of it."""
        return "".join((*self._joined, *self._parts))

    def to_event(self) -> Event:
        """Return what the reader gets."""
        text = self.text()
        if self.method == methods.TEXT_DELTA:
            return TextDelta(text, self.item_id)
        if self.method == methods.OUTPUT_DELTA:
            return CommandOutputDelta(text, self.item_id)
        return ReasoningDelta(text, self.item_id, self.index, self.method == methods.SUMMARY_DELTA)


def events_of(notice: Notice, steps: list[ConversationStep]) -> list[Event]:
    """Return what a notification tells; `steps` are those that it completed."""
    if notice.method == methods.ITEM_COMPLETED or notice.method == methods.TURN_COMPLETED:
        told: list[Event] = [StepCompleted(step) for step in steps]
        return told if told or notice.method == methods.TURN_COMPLETED else [OtherEvent(notice.method, notice.raw)]
    return [_event_of(notice) or OtherEvent(notice.method, notice.raw)]


def _event_of(notice: Notice) -> Event | None:
    params = notice.params
    if notice.method == methods.ITEM_STARTED:
        return _started(notice, params.get("item"))
    if notice.method == methods.PLAN_UPDATED and isinstance(plan := params.get("plan"), list):
        return PlanUpdated(
            tuple(one for one in plan if isinstance(one, dict)), as_text(params.get("explanation")) or None
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
