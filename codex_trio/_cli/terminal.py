"""Input from the terminal: a line with the line editor, or the answer to a question without it."""

from __future__ import annotations

import os
import sys
import termios
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import trio

from .arguments import is_terminal
from .screen import Screen

try:
    import readline  # `input` edits lines with it, and remembers them for the arrow keys; nothing goes to a file
except ImportError:  # not every Python has it
    readline = None  # type: ignore[assignment]

# Bracketed paste: between these two, the terminal encloses pasted text in escape sequences. Line editors use it, too.
_MARK_PASTES, _END_OF_PASTING = "\x1b[?2004h", "\x1b[?2004l"
_ESCAPE = b"\x1b"  # in pasted text, and in what arrow keys send; in no answer
_QUIET = 0.1  # seconds without input, after which a paste is over
_TOGETHER = 0.05  # seconds: a person does not type two lines within that time
_MOST_WAITS = 100  # a terminal that has hung up is always readable, so the wait has to end


class HungUpError(Exception):
    """The terminal is gone."""


@contextmanager
def reporting_hang_up() -> Iterator[None]:
    """Raise `HungUpError` where the body fails to use the terminal."""
    try:
        yield
    except (OSError, termios.error) as exc:  # the latter is no OSError
        raise HungUpError from exc


def can_ask() -> bool:
    """Whether somebody is there who sees a question and can answer it."""
    return is_terminal(sys.stdin) and is_terminal(sys.stderr)


async def ask_for_line(prompt: str) -> str | None:
    """Return a line; `None` at the end of the input, which is Ctrl-D.

    Cancellation: The line editor keeps the input, so nothing more can be read.
    """
    settings = termios.tcgetattr(sys.stdin)
    line = None
    try:
        line = await trio.to_thread.run_sync(input, prompt, abandon_on_cancel=True)
    except EOFError:
        pass
    finally:
        if line is None:
            # The line editor has the terminal for itself, and if cancelled, it will not come to give it back.
            termios.tcsetattr(sys.stdin, termios.TCSANOW, settings)
            print("" if readline is None else _END_OF_PASTING)
    return line


@contextmanager
def answering() -> Iterator[None]:
    """Switch bracketed paste on for the length of the body, so that `ask_for_answer` recognizes pasted text."""
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
    for _ in range(_MOST_WAITS):
        _throw_away()
        if not await _readable_within(_QUIET):
            return


async def ask_for_answer(prompt: str) -> str | None:
    """Show `prompt` and return the line that is typed then, in lower case; `None` if it seems to have been pasted.

    Input from before the prompt is discarded. After Ctrl-D, the answer is empty.

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
