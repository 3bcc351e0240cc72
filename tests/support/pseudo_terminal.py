"""A program on a pseudo-terminal, with somebody who reads and types."""

from __future__ import annotations

import os
import pty
import re
import signal
import sys
import termios
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pyte
import trio

CTRL_C, CTRL_D, UP = "\x03", "\x04", "\x1b[A"
_PATIENCE = 30.0  # seconds for what is expected to appear
_CONTROL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^-~])")

# The child's first act is to make the terminal its own, so that Ctrl-C there is a signal.
_START = """
import fcntl, runpy, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
name = sys.argv.pop(1)
if name.endswith(".py"):
    sys.argv[0] = name
    runpy.run_path(name, run_name="__main__")
else:
    runpy.run_module(name, run_name="__main__", alter_sys=True)
"""


class Terminal:
    """What stands on the terminal, and the program that runs there.

    Attributes:
        process: The program.
        raw: All that was written to it.
        first_settings: What it did with keys before the program began.
    """

    def __init__(
        self,
        stream: trio.lowlevel.FdStream,
        process: trio.Process,
        first_settings: list[object],
        columns: int,
        lines: int,
    ) -> None:
        self._stream = stream
        self.process = process
        self._read_up_to = 0
        self._screen = pyte.Screen(columns, lines)
        self._screen_stream = pyte.ByteStream(self._screen)
        self.raw = b""
        self.first_settings = first_settings

    @property
    def text(self) -> str:
        """All that was written to it, without what is no text; a line that was written anew comes anew."""
        return _CONTROL.sub("", self.raw.decode(errors="replace")).replace("\r\n", "\n").replace("\r", "\n")

    def child(self) -> int:
        """Return the id of the process that the program has started."""
        threads = Path(f"/proc/{self.process.pid}/task").iterdir()
        (child,) = (int(pid) for thread in threads for pid in (thread / "children").read_text().split())
        return child

    def settings(self) -> list[object]:
        """Return what the terminal does with keys, as programs have set it by now."""
        return termios.tcgetattr(self._stream.fileno())

    async def type(self, keys: str) -> None:
        """Press keys; return is ``\\r``."""
        await self._stream.send_all(keys.encode())

    async def expect(self, text: str) -> str:
        """Wait until there is a text behind what was expected last; return what stands before it."""
        with trio.move_on_after(_PATIENCE):
            while (found := self.text.find(text, self._read_up_to)) < 0:
                if not await self.read():
                    break
            else:
                before = self.text[self._read_up_to : found]
                self._read_up_to = found + len(text)
                return before
        raise AssertionError(
            f"{text!r} did not appear behind\n{self.text[: self._read_up_to]}\n--- but\n{self.text[self._read_up_to :]}"
        )

    async def read(self) -> bool:
        """Wait for what is written next; return whether there was anything before the end."""
        try:
            chunk = await self._stream.receive_some()
        except trio.BrokenResourceError:  # Linux says so when no program has it open any more
            return False
        self.raw += chunk
        self._screen_stream.feed(chunk)
        return bool(chunk)

    @property
    def screen(self) -> list[str]:
        """What stands on the screen now, down to the row that is typed in."""
        return [row.rstrip() for row in self._screen.display[: self._screen.cursor.y + 1]]

    async def see(self, *ends: str) -> list[str]:
        """Wait until the row that is typed in ends so; return the screen."""
        with trio.move_on_after(_PATIENCE):
            while not self.screen[-1].endswith(ends):
                if not await self.read():
                    break
            else:
                return self.screen
        raise AssertionError(f"{ends} did not appear at the end of\n" + "\n".join(self.screen))

    async def wait(self) -> int:
        """Read on to the end of the program; return its exit code."""
        with trio.fail_after(_PATIENCE):
            while await self.read():
                pass
            return await self.process.wait()


@asynccontextmanager
async def open_terminal(
    program: str, *args: str, env: Mapping[str, str], cwd: Path, columns: int = 80, lines: int = 40
) -> AsyncIterator[Terminal]:
    """Run a module, or a file, as a program on a terminal of its own, until the body ends at the latest."""
    unwanted = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR")
    inherited = {name: value for name, value in os.environ.items() if name not in unwanted}
    master, slave = pty.openpty()
    settings = termios.tcgetattr(slave)
    termios.tcsetwinsize(slave, (lines, columns))
    try:
        process = await trio.lowlevel.open_process(
            [sys.executable, "-W", "error", "-c", _START, program, *args],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**inherited, "TERM": "xterm-256color", **env},
            cwd=cwd,
            start_new_session=True,
        )
    finally:
        os.close(slave)
    async with trio.lowlevel.FdStream(master) as stream:
        try:
            yield Terminal(stream, process, settings, columns, lines)
        finally:
            with trio.CancelScope(shield=True):
                if process.returncode is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    await process.wait()
