"""`OpenItems`: details of items that have started but not completed, for server requests about these items.

Some server requests lack details that are in the `item/started` of their item: the changes of a ``fileChange``, which
``item/fileChange/patchUpdated`` may replace, and the tool name of an ``mcpToolCall`` (codex before 0.169).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from .._wire import methods, server_methods
from .._wire.messages import Notice, ServerRequest

_OTHERS_KEPT = 256  # items of turns that are not this client's
_FIELDS = {
    "fileChange": ("changes",),
    "mcpToolCall": ("server", "tool", "arguments"),
}  # the fields to keep, by item type

# The thread id and turn id of a turn. Items of different turns may have the same id.
_TurnKey: TypeAlias = tuple[str | None, str | None]
_Item: TypeAlias = Mapping[str, Any]

# Replaces an item whose id is also the id of another open item of its turn.
_AMBIGUOUS: _Item = {}


class OpenItems:
    """The open items of all turns, by turn and item id.

    Args:
        is_own: Called with a thread id and a turn id. Returns whether this is an open turn of this client or of its
            sub-agents. All open items of these turns are kept. Of all other turns together, 256 items are kept, and the
            items of the oldest turns are dropped first.
    """

    def __init__(self, is_own: Callable[[str | None, str | None], bool]) -> None:
        self._is_own = is_own
        self._turns: dict[_TurnKey, dict[str, _Item]] = {}

    def watch(self, notice: Notice) -> None:
        """Update the items from a notification: an item has started, changed or completed, or its turn has ended."""
        key = notice.thread_id, notice.turn_id
        if notice.method == methods.TURN_COMPLETED:
            self._turns.pop(key, None)
        elif notice.method == methods.PATCH_UPDATED:
            self._update_changes(key, notice.params)
        elif notice.method in (methods.ITEM_STARTED, methods.ITEM_COMPLETED):
            item = notice.params.get("item")
            if not isinstance(item, dict) or not isinstance(item.get("id"), str):
                return
            fields = _FIELDS.get(str(item.get("type")))
            if fields is None:
                return
            if notice.method == methods.ITEM_STARTED:
                self._open(key, item["id"], {name: item.get(name) for name in fields})
            else:
                self._close(key, item["id"])

    def find_changes(self, request: ServerRequest) -> object:
        """Return the ``changes`` of the item that a request is about, or `None` if they are ambiguous or unknown."""
        item_id = request.params.get("itemId")
        items = self._items_of(request)
        return items[item_id].get("changes") if isinstance(item_id, str) and item_id in items else None

    def find_tool_name(self, request: ServerRequest) -> str:
        """Return the tool name of the call that an elicitation is about, or ``""`` if it is ambiguous or unknown."""
        meta = request.params.get("_meta")
        server = request.params.get("serverName")
        if request.method != server_methods.ELICITATION or not isinstance(server, str):
            return ""
        if not isinstance(meta, dict) or "tool_params" not in meta:
            return ""
        # The request has no item id. If several open calls match, it may be about any of them.
        called = server, meta["tool_params"]
        items = list(self._items_of(request).values())
        tools = [item.get("tool") for item in items if _is_same((item.get("server"), item.get("arguments")), called)]
        names = {tool if isinstance(tool, str) else "" for tool in tools}
        return names.pop() if len(names) == 1 and _AMBIGUOUS not in items else ""

    def _items_of(self, request: ServerRequest) -> Mapping[str, _Item]:
        return self._turns.get((request.thread_id, request.turn_id), {})

    def _open(self, key: _TurnKey, item_id: str, item: _Item) -> None:
        items = self._turns.setdefault(key, {})
        # If another open item has the same id, a request could be about either of them.
        items[item_id] = item if _is_same(items.get(item_id, item), item) else _AMBIGUOUS
        if sum(map(len, self._turns.values())) > _OTHERS_KEPT:
            self._forget_others()

    def _update_changes(self, key: _TurnKey, params: Mapping[str, Any]) -> None:
        # An update before `item/started` is about a patch that the model is still writing, so it is ignored.
        items, item_id = self._turns.get(key, {}), params.get("itemId")
        if isinstance(item_id, str) and "changes" in items.get(item_id, _AMBIGUOUS):
            items[item_id] = {"changes": params.get("changes")}

    def _close(self, key: _TurnKey, item_id: str) -> None:
        items = self._turns.get(key, {})
        items.pop(item_id, None)
        if not items:
            self._turns.pop(key, None)

    def _forget_others(self) -> None:
        others = [(key, item_id) for key, items in self._turns.items() if not self._is_own(*key) for item_id in items]
        for key, item_id in others[: max(0, len(others) - _OTHERS_KEPT)]:
            self._close(key, item_id)


def _is_same(one: object, other: object) -> bool:
    try:
        return one == other
    except RecursionError:  # the server determines how deeply the values are nested
        return False
