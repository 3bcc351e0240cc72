"""`Screen`: the size and encoding of a terminal, and the rows that text takes on it."""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from typing import TextIO

from codex_trio.text import cell_width, fold_line

_COLUMNS, _LINES = 80, 24  # for a terminal that does not report its size
_FEWEST_COLUMNS, _FEWEST_LINES = 20, 4  # for the longest prompt, and a row of what it is about


@dataclass(frozen=True, slots=True)
class Marks:
    """Prefixes of rows, which distinguish untrusted text from the program's own.

    Attributes:
        foreign: A line of untrusted text.
        rest: The rest of a line that is too long for one row.
        fact: A statement of the program, in a list.
        gap: The note that says how many rows are left out.
    """

    foreign: str = "  │ "
    rest: str = "  ┊ "
    fact: str = "  • "
    gap: str = "  … "


_ASCII_MARKS = Marks(foreign="  | ", rest="  : ", fact="  * ", gap="  ... ")


@functools.cache
def _marks(encoding: str) -> Marks:
    marks = Marks()
    try:
        f"{marks.foreign}{marks.rest}{marks.fact}{marks.gap}".encode(encoding)
    except UnicodeEncodeError:
        return _ASCII_MARKS
    return marks


@functools.lru_cache(64)
def _rooms(columns: int, encoding: str, mark: str) -> tuple[int, int]:
    """Return how many columns of text there are in the first row of a line, and in each further row."""
    room, further_room = (max(1, columns - 1 - cell_width(prefix)) for prefix in (mark, _marks(encoding).rest))
    return room, further_room


@dataclass(frozen=True, slots=True)
class Screen:
    """The size and encoding of a terminal.

    Attributes:
        columns: Width.
        lines: Height.
        encoding: Encoding of the stream that is written to.
    """

    columns: int = _COLUMNS
    lines: int = _LINES
    encoding: str = "utf-8"

    @classmethod
    def of(cls, stream: TextIO) -> Screen:
        """Measure the terminal behind `stream`. It can be resized at any time."""
        try:
            size = os.get_terminal_size(stream.fileno())
        except (OSError, ValueError):
            size = os.terminal_size((0, 0))
        return cls(size.columns or _COLUMNS, size.lines or _LINES, stream.encoding or "ascii")

    @property
    def is_too_small(self) -> bool:
        """Whether rows are broken by the terminal, or scrolled away by the prompt below them."""
        return self.columns < _FEWEST_COLUMNS or self.lines < _FEWEST_LINES

    @property
    def marks(self) -> Marks:
        return _marks(self.encoding)

    def rows(self, line: str, mark: str = "", rest: str | None = None) -> list[str]:
        """Break one cleaned line into rows.

        Args:
            line: The line.
            mark: Prefix of the first row.
            rest: Prefix of the other rows; `Marks.rest` unless given.
        """
        rest = self.marks.rest if rest is None else rest
        return fold_line(self._encodable(line), self.columns - 1, first=mark, rest=rest)

    def count_rows(self, line: str, mark: str = "") -> int:
        """Return how many rows `rows` returns for a line of printable ASCII, without making them."""
        room, further_room = _rooms(self.columns, self.encoding, mark)
        return 1 + len(range(room, len(line), further_room))

    def _encodable(self, text: str) -> str:
        """Spell out characters that the encoding lacks, before the text is measured."""
        try:
            text.encode(self.encoding)
        except UnicodeEncodeError:
            return "".join(map(self._encodable_character, text))
        return text

    def _encodable_character(self, character: str) -> str:
        try:
            character.encode(self.encoding)
        except UnicodeEncodeError:
            return f"<U+{ord(character):04X}>"
        return character
