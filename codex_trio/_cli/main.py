"""Where the command line begins: what was asked for is done, and the exit code says how it went."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from typing import TextIO

import trio

from codex_trio import CodexError

from .arguments import Options, parse_arguments
from .demo import play_demo
from .talking import INTERRUPTED, talk
from .terminal import HungUpError
from .text import tell


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code: 0, 1 for a failure, 130 for Ctrl-C."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # which may have no sign for what Codex says
        sys.stdout.reconfigure(errors="backslashreplace")
    if sys.stderr is None:  # it was closed before we began: what is for it must not go to stdout, as it would
        sys.stderr = open(os.devnull, "w", errors="backslashreplace")  # noqa: SIM115  it stays open
    try:
        return _run(argv)
    except KeyboardInterrupt:
        return _told_interrupted()
    except BaseExceptionGroup as group:  # of a nursery that the body waits in: `trio.run_process` has one
        if group.split(KeyboardInterrupt)[1] is not None:
            raise
        return _told_interrupted()
    except CodexError as exc:
        tell(f"{type(exc).__name__}: {exc}")
        return 1
    except HungUpError:
        return _stopped("the terminal has hung up")
    except OSError as exc:
        # After a broken pipe, nobody is left who reads the output.
        return _stopped("" if isinstance(exc, BrokenPipeError) else f"the output cannot be written: {exc}")


def _stopped(why: str) -> int:
    try:
        if why:
            tell(f"stopped, as {why}")
    except OSError:
        _discard(sys.stderr)
    if sys.stdout is not None:
        _discard(sys.stdout)
    return 1


def _discard(stream: TextIO) -> None:
    """Let a stream write to nowhere: what it still holds would fail at the exit, too."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _told_interrupted() -> int:
    tell("interrupted")
    return INTERRUPTED


def _run(argv: Sequence[str] | None) -> int:
    try:
        return trio.run(_do, parse_arguments(argv))
    finally:
        if sys.stdout is not None:  # what cannot be written is to fail here, and not at the exit
            sys.stdout.flush()


async def _do(options: Options) -> int:
    if options.doing == "demo":
        return await play_demo(options.cmd)
    if options.doing == "doctor":
        from .doctor import examine

        return await examine(options.transport, as_json=options.json)
    return await talk(options)
