"""A conversation of several turns on one thread, with its own codex process.

python examples/chat_session_stdio.py --prompt "What is in this folder?" --prompt "And what is it for?"
python examples/chat_session_stdio.py --demo      # the real codex binary with a scripted model: no account needed
"""

from __future__ import annotations

import argparse
import sys
from contextlib import AsyncExitStack

import trio

from codex_trio import CodexClient, StdioTransport, Transport, open_codex_client
from codex_trio.testing import open_scripted_model, run, say
from codex_trio.text import clean_text

PROMPTS = ["Which folder is this?", "Thank you. And what did I ask first?"]


async def converse(client: CodexClient, prompts: list[str]) -> None:
    thread_id: str | None = None
    for prompt in prompts:
        print(f"> {prompt}")
        steps = client.chat(prompt, thread_id)
        async for step in steps:
            print(f"[{step.step_type}] {clean_text(step.display_text, indent='    ')}")
        thread_id = steps.thread_id


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cmd", help="the server's command line (default: codex app-server)")
    parser.add_argument("--prompt", action="append", help="a message; may be given several times")
    parser.add_argument("--demo", action="store_true", help="use a scripted model, without an account")
    options = parser.parse_args()

    async with AsyncExitStack() as stack:
        transport: Transport = StdioTransport(options.cmd)
        if options.demo:
            model = await stack.enter_async_context(open_scripted_model())
            model.on_turn(run("pwd"), say("The folder that you started me in."))
            model.on_turn(say("Which folder this is."))
            transport = model.transport(options.cmd)
        client = await stack.enter_async_context(open_codex_client(transport))
        await converse(client, options.prompt or PROMPTS)


if __name__ == "__main__":
    try:
        sys.exit(trio.run(main))
    except* KeyboardInterrupt:
        print("stopped, and so is the turn")
    sys.exit(130)  # the exit code that shells use for a program that Ctrl-C ended
