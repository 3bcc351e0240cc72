"""Codex asks before it runs a command outside of its sandbox, and the user answers at the terminal.

python examples/approve_commands.py --prompt "Install the dependencies" --prompt "What is this project about?"
python examples/approve_commands.py --demo         # the real codex binary with a scripted model: no account needed

Each prompt starts its own thread. While a question waits for an answer, the other turns continue, and print afterwards.
With --transport websocket, it connects to a running server: CODEX_APP_SERVER_WS_URL, or ws://127.0.0.1:8765.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import termios
from collections.abc import Iterator
from contextlib import AsyncExitStack

import trio

from codex_trio import (
    ApprovalRequest,
    CodexClient,
    CommandApprovalRequest,
    Decision,
    FileChangeApprovalRequest,
    NetworkApprovalContext,
    PermissionsApprovalRequest,
    StdioTransport,
    Transport,
    WebSocketTransport,
    open_codex_client,
)
from codex_trio.testing import open_scripted_model, run, say, wait
from codex_trio.text import clean_text, fold_line

at_the_terminal = trio.Lock()  # one question at a time, and no steps in between


async def ask(request: ApprovalRequest) -> Decision:
    """Answer a request, as `on_approval`. It runs in its own task, so it may wait for the user."""
    async with at_the_terminal:
        try:
            yes = accepted(request)
        except ValueError as exc:  # the request does not show all that a yes would grant
            print(f"Declined: {clean_text(str(exc))}.")
            return request.decline()
        await show_pages(list(described(request)))
        return yes if await read_answer("Yes or no? ") in ("y", "yes") else request.decline()


def accepted(request: ApprovalRequest) -> Decision:
    if isinstance(request, PermissionsApprovalRequest):
        return request.accept()
    return request.accept(with_permissions=True)  # `described` shows the permissions


def described(request: ApprovalRequest) -> Iterator[str]:
    """Yield rows that describe everything that a yes would allow. Rows with the model's text are marked."""
    yield "Codex gives as its reason:"
    yield from marked(request.reason)
    match request:
        case CommandApprovalRequest(kind="writeStdin"):
            yield f"It would like to type into the terminal of the running command {request.item_id!r}:"
            yield from marked(repr(request.stdin))
        case CommandApprovalRequest(network_approval_context=NetworkApprovalContext() as network):
            yield "It would like to reach this host:"
            yield from marked(f"{network.protocol} {network.host}")
        case CommandApprovalRequest():
            yield "It would like to run this command:"
            yield from marked(request.script)
            yield "in the folder:"
            yield from marked(request.cwd)
        case FileChangeApprovalRequest():
            for change in request.changes or ():
                yield f"It would like to {change.kind} this file:"
                yield from marked(change.path)
                if change.moved_to:
                    yield "and to move it to:"
                    yield from marked(change.moved_to)
                yield "with this diff:"
                yield from marked(change.diff)
        case _:
            yield "It would like to have these permissions:"
            yield from marked(repr(request.permissions))
    if not isinstance(request, PermissionsApprovalRequest) and request.extra_permissions:
        yield "and these permissions with it:"
        yield from marked(repr(request.extra_permissions))


def marked(text: str) -> Iterator[str]:
    columns, _ = shutil.get_terminal_size()
    for line in clean_text(text, indent="").split("\n"):
        yield from fold_line(line, columns - 1, first="  | ", rest="  : ")


async def show_pages(rows: list[str]) -> None:
    """Print rows, a screenful at a time."""
    _, lines = shutil.get_terminal_size()
    for start in range(0, len(rows), lines - 1):
        if start > 0:
            await read_answer("Return shows more ")
        print(*rows[start : start + lines - 1], sep="\n")


async def read_answer(question: str) -> str:
    if not sys.stdin.isatty():
        print("There is no terminal to ask at.")
        return ""
    termios.tcflush(sys.stdin, termios.TCIFLUSH)  # discard input from before the question
    print(question, end="", flush=True)
    # A terminal is readable once a line has been typed. `input` would need a thread, which cannot be cancelled when the turn
    # ends, and which would then read the answer to the next question.
    await trio.lowlevel.wait_readable(sys.stdin)
    return os.read(sys.stdin.fileno(), 1_000).decode(errors="replace").strip().lower()


async def converse(client: CodexClient, number: int, prompt: str) -> None:
    async for step in client.chat(prompt, approval_policy="on-request"):
        outcome = f" ({step.data['status']})" if step.step_type == "exec" else ""
        async with at_the_terminal:
            print(f"{number} [{step.step_type}] {clean_text(step.display_text, indent='    ')}{outcome}")


async def main() -> None:
    options = parse_options()
    async with AsyncExitStack() as stack:
        transport = await make_transport(stack, options)
        client = await stack.enter_async_context(open_codex_client(transport, on_approval=ask))
        async with trio.open_nursery() as nursery:
            for number, prompt in enumerate(options.prompt, 1):
                nursery.start_soon(converse, client, number, prompt)


async def make_transport(stack: AsyncExitStack, options: argparse.Namespace) -> Transport:
    is_websocket = options.transport == "websocket"
    if not options.demo:
        return WebSocketTransport() if is_websocket else StdioTransport()
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    model = await stack.enter_async_context(open_scripted_model(sandbox_mode="read-only"))
    model.on_prompt("door", run("touch oiled", escalate=True), run("rm -rf house", escalate=True), say("That is all."))
    model.on_prompt("time", say("I have time."), wait(0.5), say("And I still have."))
    if is_websocket:
        return WebSocketTransport(await stack.enter_async_context(model.listening(cwd=folder)))
    return model.transport(cwd=folder)


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompt", action="append", help="a message; may be given several times")
    parser.add_argument("--transport", choices=["stdio", "websocket"], default="stdio", help="how to reach the server")
    parser.add_argument("--demo", action="store_true", help="use a scripted model, without an account")
    options = parser.parse_args()
    options.prompt = options.prompt or ["Oil the door.", "Have you got time?"]
    return options


if __name__ == "__main__":
    try:
        sys.exit(trio.run(main))
    except* KeyboardInterrupt:
        print("stopped, and so are the turns")
    sys.exit(130)  # the exit code that shells use for a program that Ctrl-C ended
