"""`Question` is a request for a decision, laid out for a screen. All untrusted text is in marked rows."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from codex_trio.text import clean_text

from .terminal import Screen

_QUOTE, _QUOTE_SPELT = '"', "<U+0022>"
_MIN_ROWS = 3  # rows of a shortened part: its start, the note, its end


@dataclass(frozen=True, slots=True)
class Untrusted:
    """Untrusted text.

    Attributes:
        text: The text.
        is_line: Show it as one line, with its line breaks spelt out.
    """

    text: str
    is_line: bool = False

    def lines(self) -> list[str]:
        """Return the lines, before cleaning."""
        return [self.text] if self.is_line else self.text.split("\n")

    def rows(self, line: str, screen: Screen) -> list[str]:
        """Return the rows of a line."""
        if not self.text:
            return screen.rows("(nothing)", screen.marks.fact)
        return screen.rows(clean_text(line, indent=None if self.is_line else ""), screen.marks.untrusted)

    def count_rows(self, line: str, screen: Screen) -> int:
        """Return the number of `rows`. For plain text this is fast, because a diff may have 100,000 lines."""
        if line and line.isascii() and line.isprintable() and "<U+" not in line:
            return screen.count_rows(line, screen.marks.untrusted)
        return len(self.rows(line, screen))


@dataclass(frozen=True, slots=True)
class Fact:
    """A statement of the program. Untrusted text in it is `quoted`."""

    text: str
    is_heading: bool = False

    def lines(self) -> list[str]:
        """Return the only line."""
        return [self.text]

    def rows(self, line: str, screen: Screen) -> list[str]:
        """Return the rows of the line."""
        return screen.rows(line, "" if self.is_heading else screen.marks.fact)

    def count_rows(self, line: str, screen: Screen) -> int:
        """Return the number of `rows`."""
        return len(self.rows(line, screen))


class Layout:
    """The rows of entries on a screen. They are counted at once, but made only when they are read."""

    def __init__(self, entries: Iterable[Untrusted | Fact], screen: Screen) -> None:
        self._screen = screen
        self._lines = [(entry, line) for entry in entries for line in entry.lines()]
        self._ends = list(accumulate(entry.count_rows(line, screen) for entry, line in self._lines))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def between(self, start: int, stop: int) -> list[str]:
        """Return the rows from `start` up to `stop`, which is excluded."""
        first = bisect_right(self._ends, start)  # the line that contains the row
        last = bisect_left(self._ends, stop)
        skipped = start - (self._ends[first - 1] if first else 0)
        lines = self._lines[first : last + 1]
        return [row for entry, line in lines for row in entry.rows(line, self._screen)][skipped:][: stop - start]


@dataclass(frozen=True, slots=True)
class Part:
    """A heading of the program, and its entries."""

    heading: str
    entries: Sequence[Untrusted | Fact]

    def heading_rows(self, screen: Screen) -> list[str]:
        """Return the rows of the heading."""
        return screen.rows(self.heading)


@dataclass(frozen=True, slots=True)
class Question:
    """A question, as parts in reading order. The last part is the program's own summary."""

    parts: Sequence[Part]

    def layout(self, screen: Screen) -> Layout:
        """Return all rows as a layout, to be read a few at a time."""
        return Layout(
            (entry for part in self.parts for entry in (Fact(part.heading, is_heading=True), *part.entries)), screen
        )

    def rows(self, screen: Screen) -> list[str]:
        """Return all rows."""
        layout = self.layout(screen)
        return layout.between(0, len(layout))

    def fit(self, screen: Screen, room: int) -> tuple[list[str], bool]:
        """Return the rows and whether all of them fit. If not, the middle of long parts is left out.

        Args:
            screen: The screen to show them on.
            room: Number of rows. If it is too small for the headings and three rows of each part, more rows are returned.
        """
        headings = [part.heading_rows(screen) for part in self.parts]
        contents = [Layout(part.entries, screen) for part in self.parts]
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
        limits[number] = min(sizes[number], max(_MIN_ROWS, room // (len(sizes) - position)))
        room -= limits[number]
    return limits


def _without_middle(rows: Layout, limit: int, screen: Screen) -> list[str]:
    size = len(rows)
    if size <= limit:
        return rows.between(0, size)
    tail = (limit - 1) // 2
    head = limit - 1 - tail
    note = f"{screen.marks.gap}{size - head - tail:,} more lines, v to view"
    return [*rows.between(0, head), note, *rows.between(size - tail, size)]
