"""`Question`: what a person decides about, laid out for a screen. Everything of others stands in marked rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from codex_trio.text import clean_text

from .screen import Screen

_QUOTE, _QUOTE_SPELT = '"', "<U+0022>"
_FEWEST = 3  # rows of a part that is shortened: its beginning, how much is left out, its end


@dataclass(frozen=True, slots=True)
class Foreign:
    """Text of others; an empty one is said to be empty.

    Attributes:
        is_line: Show it as one line, with its line ends spelt out.
    """

    text: str
    is_line: bool = False

    def rows(self, screen: Screen) -> list[str]:
        if not self.text:
            return screen.rows("(nothing)", screen.marks.fact)
        cleaned = clean_text(self.text, indent=None if self.is_line else "")
        return [row for line in cleaned.split("\n") for row in screen.rows(line, screen.marks.foreign)]


@dataclass(frozen=True, slots=True)
class Fact:
    """A statement of ours. What others contribute to it is `quoted`."""

    text: str

    def rows(self, screen: Screen) -> list[str]:
        return screen.rows(self.text, screen.marks.fact)


@dataclass(frozen=True, slots=True)
class Part:
    """A heading of ours, and what belongs to it."""

    heading: str
    entries: Sequence[Foreign | Fact]

    def heading_rows(self, screen: Screen) -> list[str]:
        """Return the rows of the heading, which are never left out."""
        return screen.rows(self.heading)

    def rows(self, screen: Screen) -> list[str]:
        """Return the rows below the heading."""
        return [row for entry in self.entries for row in entry.rows(screen)]


@dataclass(frozen=True, slots=True)
class Question:
    """What Codex asks, in the order in which it is read: the summary in our words comes last."""

    parts: Sequence[Part]

    def rows(self, screen: Screen) -> list[str]:
        """Return all rows."""
        return [row for part in self.parts for row in (*part.heading_rows(screen), *part.rows(screen))]

    def fit(self, screen: Screen, room: int) -> tuple[list[str], bool]:
        """Return the rows, shortened in the middle of long parts if there is no room for all; and whether all fit.

        Args:
            screen: Where they are to stand.
            room: In rows. Where it is too small for the headings and three rows of each part, more than that come back.
        """
        headings = [part.heading_rows(screen) for part in self.parts]
        contents = [part.rows(screen) for part in self.parts]
        limits = _share([len(content) for content in contents], room - sum(map(len, headings)))
        rows: list[str] = []
        for heading, content, limit in zip(headings, contents, limits, strict=True):
            rows += [*heading, *_without_middle(content, limit, screen)]
        is_whole = all(len(content) <= limit for content, limit in zip(contents, limits, strict=True))
        return rows, is_whole and len(rows) <= room


def quoted(text: str) -> str:
    """Return text of others for a statement of ours: on one line, and it is plain where it ends."""
    return f'"{clean_text(text).replace(_QUOTE, _QUOTE_SPELT)}"'


def _share(sizes: Sequence[int], room: int) -> list[int]:
    """Share rows out among parts of these sizes: the short ones get what they need, the long ones the same each."""
    limits = list(sizes)
    by_size = sorted(range(len(sizes)), key=lambda number: sizes[number])
    for position, number in enumerate(by_size):
        limits[number] = min(sizes[number], max(_FEWEST, room // (len(sizes) - position)))
        room -= limits[number]
    return limits


def _without_middle(rows: Sequence[str], limit: int, screen: Screen) -> Iterable[str]:
    if len(rows) <= limit:
        return rows
    tail = (limit - 1) // 2
    head = limit - 1 - tail
    note = f"{screen.marks.gap}{len(rows) - head - tail:,} more lines, v to view"
    return [*rows[:head], note, *rows[len(rows) - tail :]]
