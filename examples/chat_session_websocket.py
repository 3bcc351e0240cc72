"""A conversation of several turns on one thread, with a codex server on a websocket.

codex app-server --listen ws://127.0.0.1:8765      # in another terminal
python examples/chat_session_websocket.py --prompt "What is in this folder?" --prompt "And what is it for?"
python examples/chat_session_websocket.py --demo   # the real codex binary with a scripted model: no account needed

The defaults of --url and --token are CODEX_APP_SERVER_WS_URL and CODEX_APP_SERVER_TOKEN.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import AsyncExitStack

import trio

from codex_trio import CodexClient, WebSocketTransport, open_codex_client
from codex_trio.testing import open_scripted_model, run, say
from codex_trio.text import clean_text

PROMPTS = ["What did I say?", "Thank you. And what did I ask first?"]


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
    parser.add_argument("--url", help="URL of the server (default: from the environment, or port 8765 on this machine)")
    parser.add_argument("--token", help="bearer token for the server (default: from the environment)")
    parser.add_argument("--prompt", action="append", help="a message; may be given several times")
    parser.add_argument("--demo", action="store_true", help="use a scripted model, without an account")
    options = parser.parse_args()
    if options.demo and (options.url or options.token):
        parser.error("--demo starts its own server, so --url and --token cannot be used")

    async with AsyncExitStack() as stack:
        url = options.url
        if options.demo:
            model = await stack.enter_async_context(open_scripted_model())
            model.on_turn(run("echo This"), say("This."))
            model.on_turn(say("What you had said."))
            url = await stack.enter_async_context(model.listening())
        client = await stack.enter_async_context(open_codex_client(WebSocketTransport(url, token=options.token)))
        await converse(client, options.prompt or PROMPTS)


if __name__ == "__main__":
    try:
        sys.exit(trio.run(main))
    except* KeyboardInterrupt:
        print("stopped, and so is the turn")
    sys.exit(130)  # the exit code that shells use for a program that Ctrl-C ended
