"""Codex asks before it runs a command outside of its sandbox, and a person answers at the terminal.

python examples/approve_commands.py --prompt "Install the dependencies" --prompt "What is this project about?"
python examples/approve_commands.py --demo         # the real codex binary with a scripted model: no account needed

Each prompt is a conversation of its own. While a question waits for its answer, the others go on.
With --transport websocket, the server is one that listens: CODEX_APP_SERVER_WS_URL, or ws://127.0.0.1:8765.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack

import trio

from codex_trio import (
    Approval,
    CodexClient,
    CommandApproval,
    Decision,
    FileChange,
    FileChangeApproval,
    NetworkApprovalContext,
    PermissionsApproval,
    StdioTransport,
    Transport,
    WebSocketTransport,
    open_codex_client,
)
from codex_trio.testing import open_scripted_model, run, say, wait

at_the_terminal = trio.Lock()  # one question at a time


async def ask(request: Approval) -> Decision:
    """Decide, as `on_approval`: in a task of its own, which may take its time."""
    async with at_the_terminal:
        print(f"Codex gives as its reason: {request.reason!r}")
        print("It would like to", *described(request), sep="\n  ")
        try:
            yes = accepted(request)
        except ValueError as exc:  # nobody can say yes to what is not known
            print(f"No: {exc}.")
            return request.decline()
        return yes if await says_yes() else request.decline()


def accepted(request: Approval) -> Decision:
    if isinstance(request, PermissionsApproval):
        return request.accept()
    return request.accept(with_permissions=True)  # which `described` has shown


def described(request: Approval) -> Iterator[str]:
    """Say all that a yes would do, in lines. Text of the model is quoted, so that it cannot pass for one of them."""
    match request:
        case CommandApproval(kind="writeStdin"):
            yield f"type {request.stdin!r} into the terminal of the running command {request.item_id!r}"
        case CommandApproval(network_approval_context=NetworkApprovalContext() as network):
            yield f"reach {network.host!r} by {network.protocol!r}"
        case CommandApproval():
            yield f"run {request.script!r} in {request.cwd!r}"
        case FileChangeApproval():
            yield from ("change files", *map(changed, request.changes or ()))
        case _:
            yield f"be permitted {dict(request.permissions)!r}"
    if not isinstance(request, PermissionsApproval) and request.extra_permissions:
        yield f"with more permissions: {dict(request.extra_permissions)!r}"


def changed(change: FileChange) -> str:
    target = f", move it to {change.moved_to!r}" if change.moved_to else ""
    return f"{change.kind} {change.path!r}{target}: {change.diff!r}"


async def says_yes() -> bool:
    if not sys.stdin.isatty():
        print("Nobody is there to say yes.")
        return False
    print("Yes or no? ", end="", flush=True)
    # A terminal can be read once a line has been typed. `input` would need a thread, which nothing can call back when
    # the turn ends meanwhile, and which would take the answer to the next question.
    await trio.lowlevel.wait_readable(sys.stdin)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


async def converse(client: CodexClient, number: int, prompt: str) -> None:
    async for step in client.chat(prompt, approval_policy="on-request"):
        outcome = f" ({step.data['status']})" if step.step_type == "exec" else ""
        print(f"{number} [{step.step_type}] {step.display_text}{outcome}")


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
    parser.add_argument("--prompt", action="append", help="what to say; may be given several times")
    parser.add_argument("--transport", choices=["stdio", "websocket"], default="stdio", help="how to reach the server")
    parser.add_argument("--demo", action="store_true", help="play with a scripted model, without an account")
    options = parser.parse_args()
    options.prompt = options.prompt or ["Oil the door.", "Have you got time?"]
    return options


if __name__ == "__main__":
    try:
        sys.exit(trio.run(main))
    except* KeyboardInterrupt:
        print("stopped, and so are the turns")
    sys.exit(130)  # what a shell reports of a program that Ctrl-C ended
