"""The person at the terminal: asked for a line, with the terminal's own line editor, or for a yes or no."""

from __future__ import annotations

import os
import sys
import termios

import trio

from .arguments import is_terminal

try:
    import readline  # `input` edits lines with it, and remembers them for the arrow keys; nothing goes to a file
except ImportError:  # not every Python has it
    readline = None  # type: ignore[assignment]

_END_OF_PASTING = "\x1b[?2004l"  # what a line editor says to the terminal when it has its line


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


async def ask_yes_or_no(question: str) -> bool:
    """Return whether the answer was yes. What was typed before the question is no answer to it.

    Cancellation: The question is withdrawn.
    """
    termios.tcflush(sys.stdin, termios.TCIFLUSH)
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    answer = b""
    try:
        await trio.lowlevel.wait_readable(sys.stdin)
        answer = os.read(sys.stdin.fileno(), 1024)
    finally:
        if not answer:
            print(file=sys.stderr)
    return answer.strip().lower() in (b"y", b"yes")
