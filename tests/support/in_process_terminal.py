"""A person at a terminal in this process: what stands on the screen, and what is typed."""

from __future__ import annotations

import fcntl
import os
import pty
import sys
import termios
from collections.abc import Callable
from typing import TextIO

import pyte
import trio

_PATIENCE = 20.0  # seconds for what is expected to appear
_BRACKETED_PASTE = 2004 << 5  # as pyte keeps the private modes of a terminal
PASTE_BEGINS, PASTE_ENDS = "\x1b[200~", "\x1b[201~"


class Person:
    """Sits at a terminal of a size, in a `with`; it is standard input, output and error meanwhile.

    Args:
        columns: Of the window.
        lines: Likewise.
        encoding: Of what the program writes.
        tells_size: Whether the terminal tells how large it is.

    Attributes:
        seen: Every row that stood on the screen when this person looked.
    """

    def __init__(self, columns: int = 80, lines: int = 24, *, encoding: str = "utf-8", tells_size: bool = True) -> None:
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        self._master, self._slave = pty.openpty()
        self._encoding = encoding
        if tells_size:
            termios.tcsetwinsize(self._slave, (lines, columns))
        fcntl.fcntl(self._master, fcntl.F_SETFL, fcntl.fcntl(self._master, fcntl.F_GETFL) | os.O_NONBLOCK)
        self.seen: set[str] = set()
        self._rows = [""]

    def __enter__(self) -> None:
        self._kept = (sys.stdin, sys.stdout, sys.stderr)
        sys.stdin = open(os.dup(self._slave))
        sys.stdout, sys.stderr = self._open_for_writing(), self._open_for_writing()

    def __exit__(self, *exc: object) -> None:
        for stream in (sys.stdin, sys.stdout, sys.stderr):
            stream.close()
        sys.stdin, sys.stdout, sys.stderr = self._kept

    def _open_for_writing(self) -> TextIO:
        return open(os.dup(self._slave), "w", encoding=self._encoding, errors="backslashreplace")

    def close(self) -> None:
        """Take the terminal away."""
        os.close(self._master)
        os.close(self._slave)

    def look(self) -> list[str]:
        """Return what stands on the screen now, down to the row that is typed in."""
        try:
            while written := os.read(self._master, 65_536):
                self._stream.feed(written)
        except BlockingIOError:
            pass
        rows = [row.rstrip() for row in self._screen.display]
        self.seen.update(rows)
        self._rows = rows[: self._screen.cursor.y + 1]
        return self._rows

    @property
    def marks_pastes(self) -> bool:
        """Whether the terminal puts marks around what is pasted."""
        return _BRACKETED_PASTE in self._screen.mode

    async def wait_for(self, *ends: str, after: str = "") -> list[str]:
        """Wait until the last row on the screen ends so; return the screen.

        Args:
            ends: Of the last row, any of them.
            after: A row that has to be there, too.
        """

        def is_there() -> bool:
            return self._rows[-1].endswith(ends) and (not after or after in self._rows)

        await self.wait_until(is_there)
        return self._rows

    async def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait until something holds of what was written."""
        self.look()
        with trio.move_on_after(_PATIENCE):
            while not condition():
                await trio.lowlevel.wait_readable(self._master)
                self.look()
            return
        raise AssertionError("this is what is there:\n" + "\n".join(self._rows))

    async def type(self, keys: str) -> None:
        """Press keys; ``\\n`` is Return. Afterwards they, or what came of them, are on the screen."""
        left = keys.encode()
        with trio.fail_after(_PATIENCE):
            while left:
                self.look()  # which makes room for the echo
                await trio.lowlevel.wait_writable(self._master)
                left = left[os.write(self._master, left) :]
            await trio.lowlevel.wait_readable(self._master)

    async def answer(self, question: str, keys: str) -> list[str]:
        """Wait for a question, and press keys and Return; return the screen that the question stood on."""
        rows = await self.wait_for(question.rstrip())
        await self.type(f"{keys}\n")
        return rows

    def resize(self, columns: int, lines: int) -> None:
        """Give the window another size."""
        termios.tcsetwinsize(self._master, (lines, columns))
        self._screen.resize(lines, columns)
