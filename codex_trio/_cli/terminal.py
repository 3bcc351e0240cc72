"""The terminal: its size, safe output of untrusted text, and input of lines and answers."""

from __future__ import annotations

import functools
import os
import sys
import termios
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO

import trio

from codex_trio.text import cell_width, clean_text, fold_line

_COLUMNS, _LINES = 80, 24  # for a terminal that does not report its size
_MIN_COLUMNS, _MIN_LINES = 20, 4  # for the longest prompt and one row above it


@dataclass(frozen=True, slots=True)
class Marks:
    """Prefixes of rows, which distinguish untrusted text from the program's own.

    Attributes:
        untrusted: A line of untrusted text.
        rest: The rest of a line that is too long for one row.
        fact: A statement of the program, in a list.
        gap: The note with the number of rows that are left out.
    """

    untrusted: str = "  │ "
    rest: str = "  ┊ "
    fact: str = "  • "
    gap: str = "  … "


_ASCII_MARKS = Marks(untrusted="  | ", rest="  : ", fact="  * ", gap="  ... ")


@functools.cache
def _marks(encoding: str) -> Marks:
    marks = Marks()
    try:
        f"{marks.untrusted}{marks.rest}{marks.fact}{marks.gap}".encode(encoding)
    except UnicodeEncodeError:
        return _ASCII_MARKS
    return marks


@functools.lru_cache(64)
def _rooms(columns: int, encoding: str, mark: str) -> tuple[int, int]:
    """Return the columns of text in the first row of a line, and in each further row."""
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
        """Whether the terminal would break rows, or the prompt below them would scroll them away."""
        return self.columns < _MIN_COLUMNS or self.lines < _MIN_LINES

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
        """Return the number of `rows` of a line of printable ASCII, without making them."""
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


try:
    import readline  # `input` uses it to edit lines, and to remember them for the arrow keys, but not in a file
except ImportError:  # not every Python has it
    readline = None  # type: ignore[assignment]

# Bracketed paste: between these two, the terminal encloses pasted text in escape sequences. Line editors also use it.
_MARK_PASTES, _END_OF_PASTING = "\x1b[?2004h", "\x1b[?2004l"
_ESCAPE = b"\x1b"  # in pasted text and in the input of arrow keys, never in an answer
_QUIET = 0.1  # seconds without input, after which a paste is over
_TOGETHER = 0.05  # seconds: a person does not type two lines within that time
_MAX_WAITS = 100  # a terminal that has hung up is always readable, so the wait has to end


class HungUpError(Exception):
    """The terminal is gone."""


@contextmanager
def reporting_hang_up() -> Iterator[None]:
    """Raise `HungUpError` if the body fails to use the terminal."""
    try:
        yield
    except (OSError, termios.error) as exc:  # termios.error is not an OSError
        raise HungUpError from exc


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a stream is a terminal. A stream that was closed before the program started is `None`."""
    return stream is not None and stream.isatty()


def can_ask() -> bool:
    """Whether a person can see a question and answer it."""
    return is_terminal(sys.stdin) and is_terminal(sys.stderr)


async def ask_for_line(prompt: str) -> str | None:
    """Return a line, or `None` at the end of the input (Ctrl-D).

    Cancellation: The line editor still waits for input, so no more lines can be read.
    """
    settings = termios.tcgetattr(sys.stdin)
    line = None
    try:
        line = await trio.to_thread.run_sync(input, prompt, abandon_on_cancel=True)
    except EOFError:
        pass
    finally:
        if line is None:
            # The line editor changed the settings of the terminal. If it was cancelled, it does not restore them.
            termios.tcsetattr(sys.stdin, termios.TCSANOW, settings)
            print("" if readline is None else _END_OF_PASTING)
    return line


@contextmanager
def marking_pastes() -> Iterator[None]:
    """Switch bracketed paste on during the body, so that `ask_for_answer` recognizes pasted text."""
    can_mark = os.environ.get("TERM", "dumb") != "dumb"
    try:
        _write(_MARK_PASTES if can_mark else "")
        yield
    finally:
        _write(_END_OF_PASTING if can_mark else "")


async def wait_for_quiet() -> None:
    """Discard typed and pasted input until there is a pause.

    Cancellation: Input may have been discarded.
    """
    for _ in range(_MAX_WAITS):
        _throw_away()
        if not await _readable_within(_QUIET):
            return


async def ask_for_answer(prompt: str) -> str | None:
    """Show `prompt` and return the line that is typed after it, in lower case; `None` if it seems to be pasted.

    Earlier input is discarded. After Ctrl-D, the answer is empty.

    Raises:
        OSError, termios.error: The terminal has hung up.

    Cancellation: A line that was being typed is lost.
    """
    _throw_away()
    _write(prompt)
    answer = b""
    try:
        await trio.lowlevel.wait_readable(sys.stdin)
        answer = os.read(sys.stdin.fileno(), 4096)
    finally:
        if not answer.endswith(b"\n"):
            _write("\n")
    if not answer:
        termios.tcgetattr(sys.stdin)  # fails unless the person pressed Ctrl-D
        return ""
    has_more = await _readable_within(_TOGETHER)
    is_line = answer.endswith(b"\n")  # Ctrl-D after some letters sends them without a line feed
    return None if has_more or not is_line or _ESCAPE in answer else answer.decode(errors="replace").strip().lower()


def show_rows(rows: Iterable[str]) -> None:
    """Print rows that fit on the screen."""
    _write("".join(f"{row}\n" for row in rows))


def screen() -> Screen:
    """Measure the terminal that questions are printed on."""
    return Screen.of(sys.stderr)


async def _readable_within(seconds: float) -> bool:
    with trio.move_on_after(seconds):
        await trio.lowlevel.wait_readable(sys.stdin)
        return True
    return False


def _throw_away() -> None:
    termios.tcflush(sys.stdin, termios.TCIFLUSH)


def _write(text: str) -> None:
    print(text, end="", file=sys.stderr, flush=True)


def print_line(text: str) -> None:
    """Print to stdout, formatted by `escape_control`."""
    print(escape_control(text, sys.stdout), flush=True)


def print_status(text: str) -> None:
    """Print a message of the program to stderr, formatted by `escape_control`."""
    print(escape_control(text, sys.stderr), file=sys.stderr, flush=True)


def escape_control(text: str, stream: TextIO, *, indent: str = "    ", keep_emoji: bool = False) -> str:
    """Clean a message that starts with the program's own words and contains untrusted text.

    Every row except the first is indented: further lines and, on a terminal, the rest of a long line. So no row of the
    untrusted text can be mistaken for another message.

    Args:
        text: The message.
        stream: The stream that it will be printed to.
        indent: Prefix of the other rows, deeper than any message of the program.
        keep_emoji: As in `clean_text`.
    """
    first, *others = clean_text(text, indent="", keep_emoji=keep_emoji).split("\n")
    if not is_terminal(stream):
        return "\n".join([first, *(f"{indent}{line}" for line in others)])
    screen = Screen.of(stream)
    rows = screen.rows(first, "", indent)
    return "\n".join(rows + [row for line in others for row in screen.rows(line, indent, indent)])


def format_seconds(number: float) -> str:
    """Return a duration as text, such as ``1.5 s``."""
    return f"{number:.1f}".removesuffix(".0") + " s"
