"""Entry point of the command line: run the command and return the exit code."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Sequence
from typing import TextIO

import trio

from codex_trio import CodexError, open_codex_client

from .approvals import Approver
from .arguments import Options, parse_arguments
from .conversation import Conversation, InterruptHandler, Outcome
from .demo import run_demo
from .repl import run_repl
from .terminal import HungUpError, is_terminal, print_status

_INTERRUPTED = 130  # the exit code that shells use for a program that Ctrl-C ended
_EXIT_CODES = {"completed": 0, "inactive": 1, "stopped": _INTERRUPTED}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line. Return the exit code: 0, 1 for a failure, 130 for Ctrl-C."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # its encoding may lack characters that Codex uses
        sys.stdout.reconfigure(errors="backslashreplace")
    if sys.stderr is None:  # closed before the program started; `print` would then write to stdout
        sys.stderr = open(os.devnull, "w", errors="backslashreplace")  # noqa: SIM115  it stays open
    try:
        return _run(argv)
    except KeyboardInterrupt:
        return _interrupted()
    except BaseExceptionGroup as group:  # from a nursery inside of Trio, such as in `trio.run_process`
        if group.split(KeyboardInterrupt)[1] is not None:
            raise
        return _interrupted()
    except CodexError as exc:
        print_status(f"{type(exc).__name__}: {exc}")
        return 1
    except HungUpError:
        return _fail("the terminal has hung up")
    except OSError as exc:
        # After a broken pipe, a message would not be read.
        return _fail("" if isinstance(exc, BrokenPipeError) else f"the output cannot be written: {exc}")


def _run(argv: Sequence[str] | None) -> int:
    try:
        return trio.run(_run_command, parse_arguments(argv))
    finally:
        if sys.stdout is not None:  # raise an error of the output here, not when the interpreter exits
            sys.stdout.flush()


async def _run_command(options: Options) -> int:
    if options.command == "demo":
        return await run_demo(options.cmd)
    if options.command == "doctor":
        from .doctor import run_doctor

        return await run_doctor(options.transport, as_json=options.json)
    return await run_chat(options)


async def run_chat(options: Options) -> int:
    """Run one turn, or a session at the terminal. Return the exit code.

    Raises:
        CodexError: The server cannot be reached, or the turn did not complete.
    """
    code: int | None = None
    error: Exception | None = None
    with trio.open_signal_receiver(signal.SIGINT) as signals:
        async with trio.open_nursery() as nursery:
            interrupts = InterruptHandler(nursery)
            nursery.start_soon(interrupts.listen, signals)
            try:
                code = await _open(options, interrupts)
            except Exception as exc:  # raised outside of the nursery, which would wrap it in a group
                error = exc
            nursery.cancel_scope.cancel()
    if error is not None:
        raise error
    return _interrupted() if code is None else code


async def _open(options: Options, interrupts: InterruptHandler) -> int:
    approver = Approver()
    async with open_codex_client(
        options.transport, on_approval=approver.decide, on_elicitation=approver.answer
    ) as client:
        conversation = Conversation(client, options, interrupts, approver)
        if options.resume is not None:
            await conversation.resume(options.resume)
        if options.command == "session":
            await run_repl(conversation)
            return 0
        return _EXIT_CODES[await _run_turn(conversation, options.prompt)]


async def _run_turn(conversation: Conversation, prompt: str) -> Outcome:
    outcome: Outcome | None = None
    try:
        outcome = await conversation.send(prompt)
        if outcome == "stopped":
            print_status("interrupted; the turn was stopped")
        return outcome
    finally:
        if outcome == "inactive" or is_terminal(sys.stderr):
            conversation.print_resume_command()


def _interrupted() -> int:
    print_status("interrupted")
    return _INTERRUPTED


def _fail(reason: str) -> int:
    try:
        if reason:
            print_status(f"stopped, because {reason}")
    except OSError:
        _discard(sys.stderr)
    if sys.stdout is not None:
        _discard(sys.stdout)
    return 1


def _discard(stream: TextIO) -> None:
    """Redirect a stream to the null device. Otherwise, flushing its buffer at exit would fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
