"""Where the command line begins: what was asked for is done, and the exit code says how it went."""

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
from .conversation import Conversation, CtrlC, Outcome
from .demo import play_demo
from .repl import hold_session
from .terminal import HungUpError, is_terminal, print_status


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
        print_status(f"{type(exc).__name__}: {exc}")
        return 1
    except HungUpError:
        return _stopped("the terminal has hung up")
    except OSError as exc:
        # After a broken pipe, nobody is left who reads the output.
        return _stopped("" if isinstance(exc, BrokenPipeError) else f"the output cannot be written: {exc}")


def _stopped(why: str) -> int:
    try:
        if why:
            print_status(f"stopped, as {why}")
    except OSError:
        _discard(sys.stderr)
    if sys.stdout is not None:
        _discard(sys.stdout)
    return 1


def _discard(stream: TextIO) -> None:
    """Let a stream write to nowhere: what it still holds would fail at the exit, too."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _told_interrupted() -> int:
    print_status("interrupted")
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


INTERRUPTED = 130  # what a shell reports of a program that Ctrl-C ended
_CODES = {"completed": 0, "silent": 1, "stopped": INTERRUPTED}


async def talk(options: Options) -> int:
    """Run the turn, or the session; return the exit code.

    Raises:
        CodexError: There is no server, or the turn did not complete.
    """
    code: int | None = None
    failure: Exception | None = None
    with trio.open_signal_receiver(signal.SIGINT) as presses:
        async with trio.open_nursery() as nursery:
            ctrl_c = CtrlC(nursery)
            nursery.start_soon(ctrl_c.listen, presses)
            try:
                code = await _open(options, ctrl_c)
            except Exception as exc:  # carried around the nursery, so that it leaves as itself
                failure = exc
            nursery.cancel_scope.cancel()
    if failure is not None:
        raise failure
    if code is None:
        print_status("interrupted")
        return INTERRUPTED
    return code


async def _open(options: Options, ctrl_c: CtrlC) -> int:
    approver = Approver()
    async with open_codex_client(
        options.transport, on_approval=approver.decide, on_elicitation=approver.answer
    ) as client:
        conversation = Conversation(client, options, ctrl_c, approver)
        if options.resume is not None:
            await conversation.resume(options.resume)
        if options.doing == "session":
            await hold_session(conversation)
            return 0
        return _CODES[await _run_turn(conversation, options.prompt)]


async def _run_turn(conversation: Conversation, prompt: str) -> Outcome:
    outcome: Outcome | None = None
    try:
        outcome = await conversation.say(prompt)
        if outcome == "stopped":
            print_status("interrupted; the turn was stopped")
        return outcome
    finally:
        if outcome == "silent" or is_terminal(sys.stderr):
            conversation.tell_how_to_go_on()
