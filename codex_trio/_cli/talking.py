"""`talk`: opens what a turn or a session needs, and closes it, however it ends."""

from __future__ import annotations

import signal
import sys

import trio

from codex_trio import open_codex_client

from .approving import Approver
from .arguments import Options, is_terminal
from .conversation import Conversation, Outcome
from .ctrl_c import CtrlC
from .session import hold_session
from .text import tell

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
        tell("interrupted")
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
            tell("interrupted; the turn was stopped")
        return outcome
    finally:
        if outcome == "silent" or is_terminal(sys.stderr):
            conversation.tell_how_to_go_on()
