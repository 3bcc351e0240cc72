"""`UnfinishedItems`: the open items of a turn and its sub-agents. They show what a silent turn is waiting for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec

from .._wire import methods
from .._wire.messages import Notice
from ..models import OpenItem

# The oldest items are removed if there are more. Some items never complete: those of an interrupted sub-agent, or of a
# response that broke off.
_KEPT = 256
_LONGEST_SLEEP = 24 * 3600.0  # seconds; codex 0.171 lets a model sleep for 12 hours at most

# Items that the model streams. If an error or new input ends the stream early, there is no `item/completed`.
_STREAMED = frozenset({"agentMessage", "reasoning", "plan"})


class _Open(msgspec.Struct, eq=False):
    item: Mapping[str, Any]
    since: float
    asleep_until: float


class UnfinishedItems:
    """Open items by thread and id, because a sub-agent's item may have the same id as an item of its parent.

    Attributes:
        asleep_until: When the last open ``sleep`` item ends, on Trio's clock; minus infinity if there is none.
    """

    def __init__(self) -> None:
        self._items: dict[tuple[str, str], _Open] = {}
        self.asleep_until = -math.inf

    def note(self, notice: Notice, now: float) -> None:
        """Update the items after an event of the turn or of a sub-agent."""
        thread_id, item = notice.thread_id or "", notice.params.get("item")
        if notice.method == methods.ITEM_STARTED and isinstance(item, dict):
            if item.get("type") == "userMessage":
                self._forget(thread_id, _STREAMED)
            else:
                self.start(thread_id, item, now)
        elif notice.method == methods.ITEM_COMPLETED and isinstance(item, dict):
            self.complete(thread_id, item.get("id"))
        elif notice.method == methods.ERROR:
            self._forget(thread_id, _STREAMED)
        elif notice.method == methods.TURN_COMPLETED:
            self._forget(thread_id)

    def start(self, thread_id: str, item: Mapping[str, Any], now: float, *, elapsed: float = 0.0) -> None:
        """Add an item that started `elapsed` seconds ago."""
        item_id = item.get("id")
        if not isinstance(item_id, str):
            return
        asleep_until = now - elapsed + _seconds(item.get("durationMs")) if item.get("type") == "sleep" else -math.inf
        self._items[thread_id, item_id] = _Open(item, now - elapsed, asleep_until)
        if len(self._items) > _KEPT:
            del self._items[next(iter(self._items))]
        self._reckon()

    def complete(self, thread_id: str, item_id: object) -> None:
        """Remove an item that has completed."""
        if isinstance(item_id, str) and self._items.pop((thread_id, item_id), None) is not None:
            self._reckon()

    def has(self, thread_id: str, item_id: object) -> bool:
        """Whether an item is known to be open."""
        return isinstance(item_id, str) and (thread_id, item_id) in self._items

    def keep_only(self, thread_id: str) -> None:
        """Remove the items of other threads, except sleep items, whose end time is known."""
        self._items = {
            key: item for key, item in self._items.items() if key[0] == thread_id or item.asleep_until > -math.inf
        }

    def _forget(self, thread_id: str, types: frozenset[str] | None = None) -> None:
        gone = [
            key
            for key, entry in self._items.items()
            if key[0] == thread_id and (types is None or entry.item.get("type") in types)
        ]
        for key in gone:
            del self._items[key]
        if gone:
            self._reckon()

    def _reckon(self) -> None:
        self.asleep_until = max((item.asleep_until for item in self._items.values()), default=-math.inf)

    def snapshot(self, now: float) -> tuple[OpenItem, ...]:
        """Return the open items, oldest first."""
        items = sorted(self._items.items(), key=lambda pair: pair[1].since)
        return tuple(
            OpenItem(item_id, str(entry.item.get("type")), thread_id, now - entry.since, entry.item)
            for (thread_id, item_id), entry in items
        )


def _seconds(milliseconds: object) -> float:
    # Compare before dividing, because JSON may contain integers that are too large for a float.
    if not isinstance(milliseconds, (int, float)) or isinstance(milliseconds, bool) or not milliseconds > 0:
        return 0.0
    return min(milliseconds, _LONGEST_SLEEP * 1000) / 1000
