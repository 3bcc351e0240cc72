"""Examples as a person runs them: at a terminal, or with their output in a file."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import trio

from tests.support.folders import EXAMPLES
from tests.support.pseudo_terminal import open_terminal

_LINE_UP, _ERASE_LINE = "\x1b[1A", "\x1b[2K"

React = Callable[[str, trio.Process], str]
"""What a person does who sees this on the screen: what is typed next, or nothing; or a signal."""


def see(seen: str, process: trio.Process) -> str:
    """Type nothing."""
    return ""


@dataclass(frozen=True)
class Ran:
    """What a run left.

    Attributes:
        out: What it wrote, as it is.
        err: Likewise; at a terminal, it is in `out`.
    """

    code: int
    out: str
    err: str = ""

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def screen(self) -> list[str]:
        """The lines that stay on a terminal: what is erased is not among them, and colours are taken off."""
        rows, row, column = [""], 0, 0
        for token in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|\r|\n|[^\x1b\r\n]+", self.out):
            if token == "\n":
                row += 1
                rows += [""] * (row == len(rows))
            elif token == "\r":
                column = 0
            elif token == _LINE_UP:
                row -= 1
            elif token == _ERASE_LINE:
                rows[row] = ""
            elif token[0] != "\x1b":
                rows[row] = rows[row].ljust(column)[:column] + token
                column += len(token)
        return "\n".join(rows).rstrip("\n").split("\n")


async def run_into_file(name: str, *args: str, cwd: Path, env: Mapping[str, str] | None = None) -> Ran:
    """Run an example with its output in a file."""
    with trio.fail_after(60), (cwd / "out").open("w+") as out, (cwd / "err").open("w+") as err:
        command = [sys.executable, "-W", "error", str(EXAMPLES / name), *args]
        ended = await trio.run_process(
            command, stdout=out, stderr=err, cwd=cwd, env={**os.environ, **(env or {})}, check=False
        )
        return Ran(ended.returncode, (cwd / "out").read_text(), (cwd / "err").read_text())


async def run_at_terminal(
    name: str,
    *args: str,
    cwd: Path,
    columns: int = 80,
    env: Mapping[str, str] | None = None,
    react: React = see,
) -> Ran:
    """Run an example in a pseudo-terminal."""
    with trio.fail_after(60):
        async with open_terminal(str(EXAMPLES / name), *args, cwd=cwd, columns=columns, env=env or {}) as terminal:
            while await terminal.read():
                if typed := react(terminal.raw.decode(errors="replace"), terminal.process):
                    await terminal.type(typed)
            return Ran(await terminal.process.wait(), terminal.raw.decode())


def react_once(what: str, do: Callable[[trio.Process], str]) -> React:
    """Do something the first time that something is seen."""
    done: list[bool] = []

    def react(seen: str, process: trio.Process) -> str:
        if what not in seen or done:
            return ""
        done.append(True)
        return do(process)

    return react


def type_answers(question: str, *answers: str) -> React:
    """Type the next answer each time that the question comes."""
    rest = list(answers)

    def react(seen: str, process: trio.Process) -> str:
        if seen.count(question) <= len(answers) - len(rest):
            return ""
        return f"{rest.pop(0)}\n"

    return react
