"""`run_repl` reads messages at a terminal and runs a turn for each."""

from __future__ import annotations

import sys

import trio

import codex_trio
from codex_trio import CodexError, CodexTransportError

from .conversation import Conversation
from .terminal import ask_for_line, print_line, print_status

_HELP = """\
/new      the next message starts a new thread
/thread   print the id of the thread
/quit     leave; Ctrl-D, or Ctrl-C at the prompt, does the same
Ctrl-C    stops the running turn
All other input is sent to Codex. The arrow keys bring back earlier messages."""


async def run_repl(conversation: Conversation) -> None:
    """Ask for messages and run a turn for each, on one thread. Return when the user leaves.

    Raises:
        CodexTransportError: The connection was lost.
    """
    sys.stdin.reconfigure(errors="replace")  # type: ignore[union-attr]  # typed input may be invalid in the encoding
    print_line(f"codex_trio {codex_trio.__version__} with {conversation.client.server.user_agent}")
    print("Ctrl-C stops a turn, Ctrl-D leaves, /help shows more.")
    try:
        while (line := await _read_line(conversation)) is not None:
            if line.startswith("/") and len(line.split()) == 1 and "/" not in line[1:]:
                if line == "/quit":
                    break
                _run_command(line, conversation)
            elif line:
                await _run_turn(line, conversation)
    finally:
        conversation.print_resume_command()


async def _read_line(conversation: Conversation) -> str | None:
    """Return the next line, or `None` to leave."""
    with trio.CancelScope() as scope, conversation.interrupts.on_next(scope.cancel):
        line = await ask_for_line("> ")
        return None if line is None else line.strip()
    return None


def _run_command(command: str, conversation: Conversation) -> None:
    match command:
        case "/new":
            conversation.print_resume_command()
            conversation.start_new_thread()
            print("The next message starts a new thread.")
        case "/thread":
            thread = conversation.thread
            print_line(f"thread {thread.id}" if thread else "The first message starts the thread.")
        case "/help":
            print(_HELP)
        case _:
            print_line(f"unknown command {command}; /help lists the commands")


async def _run_turn(prompt: str, conversation: Conversation) -> None:
    try:
        if await conversation.send(prompt) == "stopped":
            print("The turn was stopped.")
    except CodexTransportError:
        raise
    except CodexError as exc:
        print_status(f"{type(exc).__name__}: {exc}")
