"""`Screen`: how much a terminal shows, and the rows that text takes there. Each row of foreign text is marked as such."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TextIO

from codex_trio.text import fold_line

_COLUMNS, _LINES = 80, 24  # of a terminal that does not tell its size
_FEWEST_COLUMNS, _FEWEST_LINES = 20, 4  # for the longest prompt, and a row of what it is about


@dataclass(frozen=True, slots=True)
class Marks:
    """What rows begin with. Rows of ours begin otherwise than those of others, and than the rest of a long line.

    Attributes:
        foreign: Of a line of others.
        rest: Of the rest of any line that is too long for one row.
        fact: Of a statement of ours, in a list.
        gap: Of the note that says how much is left out.
    """

    foreign: str = "  │ "
    rest: str = "  ┊ "
    fact: str = "  • "
    gap: str = "  … "


_ASCII_MARKS = Marks(foreign="  | ", rest="  : ", fact="  * ", gap="  ... ")


@dataclass(frozen=True, slots=True)
class Screen:
    """What a terminal shows at once.

    Attributes:
        columns: Its width.
        lines: Its height.
        encoding: What it is written to in.
    """

    columns: int = _COLUMNS
    lines: int = _LINES
    encoding: str = "utf-8"

    @classmethod
    def of(cls, stream: TextIO) -> Screen:
        """Measure the terminal behind `stream`, which may have been resized since it was last looked at."""
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
        marks = Marks()
        drawn = f"{marks.foreign}{marks.rest}{marks.fact}{marks.gap}"
        return marks if self._encodable(drawn) == drawn else _ASCII_MARKS

    def rows(self, line: str, mark: str = "", rest: str | None = None) -> list[str]:
        """Return the rows of one cleaned line.

        Args:
            line: What to write.
            mark: What the first row begins with.
            rest: What the others begin with, if not the mark for that.
        """
        rest = self.marks.rest if rest is None else rest
        return fold_line(self._encodable(line), self.columns - 1, first=mark, rest=rest)

    def _encodable(self, text: str) -> str:
        """Spell out what the encoding lacks, before the text is measured."""
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
