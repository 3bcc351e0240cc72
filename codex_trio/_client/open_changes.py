"""`OpenFileChanges`: what the file changes that have started, and not completed, would change.

A request to approve a file change has only the id of its item. The changes themselves are in the item's `item/started`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from .._protocol import methods
from .._protocol.messages import Notice, ServerRequest

_OTHERS_KEPT = 256  # items of turns that are not ours

# A turn's thread and its id. Items of different turns may have the same id.
_TurnKey: TypeAlias = tuple[str | None, str | None]


class OpenFileChanges:
    """The changes of the open ``fileChange`` items, by turn and item id.

    Args:
        is_ours: Whether a turn, by its thread and its id, is an open turn of this client, or works for one. All changes
            of these are kept. Of other turns, 256 are, and the oldest turns give way.
    """

    def __init__(self, is_ours: Callable[[str | None, str | None], bool]) -> None:
        self._is_ours = is_ours
        self._turns: dict[_TurnKey, dict[str, Any]] = {}

    def watch(self, notice: Notice) -> None:
        """Look at a notification for items that start or complete, and for the end of a turn."""
        if notice.method == methods.TURN_COMPLETED:
            self._turns.pop((notice.thread_id, notice.turn_id), None)
        elif notice.method in (methods.ITEM_STARTED, methods.ITEM_COMPLETED):
            item = notice.params.get("item")
            if isinstance(item, dict) and item.get("type") == "fileChange" and isinstance(item.get("id"), str):
                key = notice.thread_id, notice.turn_id
                if notice.method == methods.ITEM_STARTED:
                    self._open(key, item["id"], item.get("changes"))
                else:
                    self._close(key, item["id"])

    def find(self, request: ServerRequest) -> object:
        """Return the ``changes`` of the item that a request is about; `None` if they are not known for certain."""
        item_id = request.params.get("itemId")
        items = self._turns.get((request.thread_id, request.turn_id), {})
        return items.get(item_id) if isinstance(item_id, str) else None

    def _open(self, key: _TurnKey, item_id: str, changes: object) -> None:
        items = self._turns.setdefault(key, {})
        # Two open items with the same id: a request could be about either of them.
        is_ambiguous = item_id in items and items[item_id] != changes
        items[item_id] = None if is_ambiguous else changes
        if sum(map(len, self._turns.values())) > _OTHERS_KEPT:
            self._forget_others()

    def _close(self, key: _TurnKey, item_id: str) -> None:
        items = self._turns.get(key, {})
        items.pop(item_id, None)
        if not items:
            self._turns.pop(key, None)

    def _forget_others(self) -> None:
        others = [(key, item_id) for key, items in self._turns.items() if not self._is_ours(*key) for item_id in items]
        for key, item_id in others[: max(0, len(others) - _OTHERS_KEPT)]:
            self._close(key, item_id)
