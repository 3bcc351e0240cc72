"""`hold_session`: prompts and turns at a terminal, until the person leaves."""

from __future__ import annotations

import sys

import trio

import codex_trio
from codex_trio import CodexError, CodexTransportError

from .conversation import Conversation
from .terminal import ask_for_line, print_line, print_status

_HELP = """\
/new      the next message begins a new thread
/thread   which thread this is
/quit     leave; so do Ctrl-D, and Ctrl-C at the prompt
Ctrl-C    stops the turn that runs
All else goes to Codex. The arrow keys bring back what you said before."""


async def hold_session(conversation: Conversation) -> None:
    """Ask for messages and run a turn for each, on one thread; return when the person leaves.

    Raises:
        CodexTransportError: The server was lost.
    """
    sys.stdin.reconfigure(errors="replace")  # type: ignore[union-attr]  # what is typed may be anything
    print_line(f"codex_trio {codex_trio.__version__} with {conversation.client.server.user_agent}")
    print("Ctrl-C stops a turn, Ctrl-D leaves, /help tells more.")
    try:
        while (line := await _ask(conversation)) is not None:
            if line.startswith("/") and len(line.split()) == 1 and "/" not in line[1:]:
                if line == "/quit":
                    break
                _obey(line, conversation)
            elif line:
                await _run_turn(line, conversation)
    finally:
        conversation.tell_how_to_go_on()


async def _ask(conversation: Conversation) -> str | None:
    """Return the next line; `None` to leave."""
    with trio.CancelScope() as asking, conversation.ctrl_c.calls(asking.cancel):
        line = await ask_for_line("> ")
        return None if line is None else line.strip()
    return None


def _obey(command: str, conversation: Conversation) -> None:
    match command:
        case "/new":
            conversation.tell_how_to_go_on()
            conversation.forget()
            print("The next message begins a new thread.")
        case "/thread":
            thread = conversation.thread
            print_line(f"thread {thread.id}" if thread else "There is no thread before the first message.")
        case "/help":
            print(_HELP)
        case _:
            print_line(f"There is no {command}; /help lists the commands.")


async def _run_turn(prompt: str, conversation: Conversation) -> None:
    try:
        if await conversation.say(prompt) == "stopped":
            print("The turn was stopped.")
    except CodexTransportError:
        raise
    except CodexError as exc:
        print_status(f"{type(exc).__name__}: {exc}")
