"""The command `demo`: the codex binary with a scripted model, without an account or a network."""

from __future__ import annotations

import tempfile

import trio

from codex_trio import CodexClient, CodexTurnInactiveError, open_codex_client
from codex_trio.testing import hang, open_scripted_model, run, say, think
from codex_trio.text import clean_text

from .terminal import print_line
from .views import make_view


async def run_demo(command: str | None) -> int:
    """Run the demo and return the exit code.

    Args:
        command: The command line of the server; the default if `None`.
    """
    with tempfile.TemporaryDirectory() as folder:
        await trio.Path(folder, "greeting.txt").write_text("Hello from a file that codex has read.\n")
        async with open_scripted_model() as model:
            model.on_turn(think("There is a file here. Let me look."), run("cat greeting.txt"), say("It says hello."))
            model.on_turn(say("Let me think about that for a while."), hang())
            model.on_turn(say("Here I am again, on the same thread."))
            async with open_codex_client(model.transport(command, cwd=folder)) as client:
                await _run_turns(client)
    return 0


async def _run_turns(client: CodexClient) -> None:
    print_line(f"The server is {client.server.user_agent}. The model is a script on loopback.")

    print("\nA turn, step by step:")
    stream = client.stream("What does the file say?")
    await make_view().show(stream)

    print("\nA turn that goes quiet, on the same thread:")
    try:
        await client.chat_once("And what does it mean?", stream.thread_id, inactivity_timeout=1.0)
    except CodexTurnInactiveError as exc:
        print(f"Nothing came for {exc.idle_seconds:.1f} s. The turn runs on; its continuation is")
        print(f"    {clean_text(exc.continuation.to_json())}")
        cancelled = await client.cancel(exc.continuation)
        print_line(f"Cancelled: its status is now {cancelled.status}. Its messages until then:")
        for step in cancelled.steps:
            make_view().show_step(step)

    print("\nThe thread is usable at once:")
    await make_view().show(client.stream("Are you there?", stream.thread_id))
