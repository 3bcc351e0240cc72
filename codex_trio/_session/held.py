"""`Held`: a bounded buffer for events whose turn is not known yet, or that follow events that were missed."""

from __future__ import annotations

from typing import Any

import msgspec

from .._wire.messages import Notice
from .deltas import COALESCING, PendingDelta

_MOST = 1_000  # events
_MOST_SIZE = 64 * 2**20  # bytes of them, as the server sent them
_JOINED_FROM = 500  # events; after these, the deltas of an item are put together


class _Deltas(msgspec.Struct, eq=False):
    """Consecutive deltas of an item: the first event, and the text of all of them."""

    first: Notice
    pending: PendingDelta
    number: int = 1

    def joined(self) -> Notice:
        """Return a single event with the text of all deltas."""
        if self.number == 1:
            return self.first
        params: dict[str, Any] = {**self.first.params, "delta": self.pending.text()}
        return msgspec.structs.replace(self.first, params=params, raw={**self.first.raw, "params": params})


class Held:
    """Events in order. If there are too many, all of them are dropped. History that is read later contains them."""

    def __init__(self) -> None:
        self._entries: list[Notice | _Deltas] = []
        self._growing: dict[tuple[str | None, str], _Deltas] = {}  # by turn and item
        self._size = 0
        self._number = 0

    def push(self, notice: Notice) -> int:
        """Add an event; return how many events were dropped to make room."""
        delta = notice.params.get("delta") if notice.method in COALESCING else None
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
        if deltas is None or not deltas.pending.takes(notice):
            return False
        deltas.number += 1
        return True

    def _append(self, notice: Notice, *, is_joined: bool) -> None:
        self._size += notice.size
        if is_joined:
            deltas = _Deltas(notice, PendingDelta(notice))
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
