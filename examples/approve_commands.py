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
from contextlib import AsyncExitStack

import trio

from codex_trio import (
    Approval,
    CodexClient,
    CommandApproval,
    Decision,
    FileChangeApproval,
    StdioTransport,
    Transport,
    WebSocketTransport,
    open_codex_client,
)
from codex_trio.testing import open_scripted_model, run, say, wait

at_the_terminal = trio.Lock()  # one question at a time


async def ask(request: Approval) -> Decision:
    """Decide, as `on_approval`: in a task of its own, which may take its time."""
    match request:
        case CommandApproval(script=script):
            what = f"run {script!r}"
        case FileChangeApproval(changes=changes):
            what = f"change {', '.join(repr(change.path) for change in changes)}"
        case _:
            what = f"be permitted {dict(request.permissions)!r}"
    async with at_the_terminal:
        print(f"Codex would like to {what}. {request.reason!r}")
        return request.accept() if await says_yes() else request.decline()


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
