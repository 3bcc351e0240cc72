"""`Question`: a request for a person's decision, laid out for a screen. All untrusted text is in marked rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from codex_trio.text import clean_text

from .screen import Screen

_QUOTE, _QUOTE_SPELT = '"', "<U+0022>"
_FEWEST = 3  # rows of a shortened part: its beginning, the note, its end


@dataclass(frozen=True, slots=True)
class Foreign:
    """Untrusted text.

    Attributes:
        text: The text.
        is_line: Show it as one line, with its line breaks spelt out.
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
    """A statement of the program. Untrusted text in it is `quoted`."""

    text: str

    def rows(self, screen: Screen) -> list[str]:
        return screen.rows(self.text, screen.marks.fact)


@dataclass(frozen=True, slots=True)
class Part:
    """A heading of the program, and its entries."""

    heading: str
    entries: Sequence[Foreign | Fact]

    def heading_rows(self, screen: Screen) -> list[str]:
        """Return the rows of the heading."""
        return screen.rows(self.heading)

    def rows(self, screen: Screen) -> list[str]:
        """Return the rows below the heading."""
        return [row for entry in self.entries for row in entry.rows(screen)]


@dataclass(frozen=True, slots=True)
class Question:
    """A question, as parts in reading order. The last part is the program's own summary."""

    parts: Sequence[Part]

    def rows(self, screen: Screen) -> list[str]:
        """Return all rows."""
        return [row for part in self.parts for row in (*part.heading_rows(screen), *part.rows(screen))]

    def fit(self, screen: Screen, room: int) -> tuple[list[str], bool]:
        """Return the rows, without the middle of long parts if not all of them fit; and whether all of them fit.

        Args:
            screen: The screen to show them on.
            room: Number of rows. If it is too small for the headings and three rows of each part, more rows are returned.
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
    """Quote untrusted text for a statement of the program, on one line. It cannot contain the closing quote."""
    return f'"{clean_text(text).replace(_QUOTE, _QUOTE_SPELT)}"'


def _share(sizes: Sequence[int], room: int) -> list[int]:
    """Distribute `room` rows among parts: short parts get all they need, long parts get equal shares."""
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
