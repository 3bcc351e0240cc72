"""What the channel of a turn has from the server's history: items that were missed, and an end that was not told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._wire.turn_state import TurnAccumulator
from ..models import ConversationStep


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
