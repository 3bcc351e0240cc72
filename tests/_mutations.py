"""Recorded messages spoilt the way that a later server might change them: keys dropped, renamed, of another type."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from _replay import Message, RecordedTurn, all_turns
from hypothesis import strategies as st

_ODD_VALUES: list[Any] = [
    None, True, False, 0, -1, 2**70, 1.5, "", "x", "\ud800", [], [None], [["x"]], {}, {"id": 1}, {"id": "x", "type": []},
]  # fmt: skip


Kind = Literal["drop", "rename", "retype"]


@dataclass(frozen=True)
class Mutation:
    """One change to one message."""

    index: int
    path: tuple[str | int, ...]
    kind: Kind
    value: Any = None

    def apply(self, message: Message) -> None:
        """Change `message`; nothing happens where an earlier change has taken the place away."""
        *way, key = self.path
        container: Any = message
        try:
            for step in way:
                container = container[step]
            old = container[key]
            if self.kind != "retype":
                del container[key]
            if self.kind == "rename":
                container[f"{key}V2"] = old
            if self.kind == "retype":
                container[key] = copy.deepcopy(self.value)
        except (LookupError, TypeError):
            return


@dataclass(frozen=True)
class SpoiltTurn:
    """A recorded turn with changes to its messages."""

    turn: RecordedTurn
    mutations: tuple[Mutation, ...]

    @property
    def messages(self) -> list[Message]:
        """What is to be played."""
        messages = [copy.deepcopy(row.message) for row in self.turn.rows]
        for mutation in self.mutations:
            mutation.apply(messages[mutation.index])
        return messages

    def is_intact(self, index: int | None) -> bool:
        """Whether a message is as it was recorded."""
        return all(mutation.index != index for mutation in self.mutations)


def _paths(value: Any, way: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in inside:
        yield (*way, key)
        yield from _paths(inner, (*way, key))


@st.composite
def spoilt_turns(draw: st.DrawFn, *, spoils_ends: bool) -> SpoiltTurn:
    """Draw a recorded turn that came to an end, with up to twelve changes.

    Args:
        spoils_ends: Change the answer to `turn/start` and `turn/completed`, too; else leave these two alone.
    """
    turn = draw(st.sampled_from([turn for turn in all_turns() if turn.end_at is not None]))
    ends = [turn.start_at, turn.end_at or 0]
    # The two ends are a small part of the messages, and most of what matters.
    choice = st.sampled_from([index for index in range(len(turn.rows)) if index not in ends])
    if spoils_ends:
        choice |= st.sampled_from(ends)
    return SpoiltTurn(
        turn, tuple(draw(_mutations(turn, index)) for index in draw(st.lists(choice, min_size=1, max_size=12)))
    )


@st.composite
def _mutations(draw: st.DrawFn, turn: RecordedTurn, index: int) -> Mutation:
    path = draw(st.sampled_from(list(_paths(turn.rows[index].message))))
    kinds: list[Kind] = ["drop", "rename", "retype"] if isinstance(path[-1], str) else ["retype"]
    kind = draw(st.sampled_from(kinds))
    return Mutation(index, path, kind, draw(st.sampled_from(_ODD_VALUES)) if kind == "retype" else None)
