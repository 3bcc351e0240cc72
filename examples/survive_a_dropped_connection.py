"""A connection that breaks in the middle of a turn: the turn goes on, and no step is lost or comes twice.

codex app-server --listen ws://127.0.0.1:8765      # in another terminal
python examples/survive_a_dropped_connection.py --prompt "Fix the tests"
python examples/survive_a_dropped_connection.py --demo     # the real codex binary with a scripted model: no account needed

Over a websocket only: a server on stdio ends with its connection. In the demo, the connection is really cut, several times.
Without --url and --token, CODEX_APP_SERVER_WS_URL and CODEX_APP_SERVER_TOKEN of the environment count.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import AsyncExitStack, suppress

import trio

from codex_trio import CodexClient, CodexTransportError, WebSocketTransport, open_codex_client
from codex_trio.testing import open_scripted_model, say, wait
from codex_trio.text import clean_text


async def take_turn(client: CodexClient, prompt: str) -> None:
    try:
        async for step in client.chat(prompt):
            print(f"[{step.step_type}] {clean_text(step.display_text, indent='    ')}")
    except CodexTransportError as exc:
        print(clean_text(str(exc), indent="    "))
        if exc.continuation is not None:  # good in another process, too
            print(f"It goes on with ChatContinuation.from_json({exc.continuation.to_json()!r}).")


async def main() -> None:
    options = parse_options()
    async with AsyncExitStack() as stack:
        url = await play_demo(stack) if options.demo else options.url
        transport = WebSocketTransport(url, token=options.token)
        # After a minute without a connection, a loss is final.
        client = await stack.enter_async_context(open_codex_client(transport, reconnect=True, reconnect_timeout=60))
        await take_turn(client, options.prompt)


async def play_demo(stack: AsyncExitStack) -> str:
    """Return the URL of a relay, behind which is a real server with a scripted model."""
    model = await stack.enter_async_context(open_scripted_model())
    model.on_turn(*(step for number in range(1, 11) for step in (say(f"Verse {number}."), wait(0.2))))
    url = await stack.enter_async_context(model.listening())
    nursery = await stack.enter_async_context(trio.open_nursery())
    stack.callback(nursery.cancel_scope.cancel)
    relay: str = await nursery.start(cut_again_and_again, int(url.rpartition(":")[2]))
    return relay


async def cut_again_and_again(port: int, *, task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED) -> None:
    """Hand everything on between client and server, and cut the connection after some of the verses."""
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    task_status.started(f"ws://127.0.0.1:{listener.socket.getsockname()[1]}")
    async with listener:
        for last_words in (b"Verse 2.", b"Verse 5.", b"Verse 7.", None):
            client, server = await listener.accept(), await trio.open_tcp_stream("127.0.0.1", port)
            async with client, server, trio.open_nursery() as nursery:
                nursery.start_soon(hand_on, client, server)
                await hand_on(server, client, last_words)
                nursery.cancel_scope.cancel()
            if last_words is not None:
                print("-- the connection was cut --")


async def hand_on(source: trio.SocketStream, target: trio.SocketStream, last_words: bytes | None = None) -> None:
    said = b""
    with suppress(trio.BrokenResourceError):  # the other side is gone
        async for chunk in source:
            await target.send_all(chunk)
            said += chunk
            if last_words is not None and last_words in said:
                return


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="where the server listens (default: from the environment, else port 8765 here)")
    parser.add_argument("--token", help="what it lets one in for (default: from the environment)")
    parser.add_argument("--prompt", default="Sing me a song.", help="what to say")
    parser.add_argument("--demo", action="store_true", help="play with a scripted model, without an account")
    options = parser.parse_args()
    if options.demo and (options.url or options.token):
        parser.error("--demo has a server of its own: it takes no --url and no --token")
    return options


if __name__ == "__main__":
    try:
        sys.exit(trio.run(main))
    except* KeyboardInterrupt:
        print("stopped, and so is the turn")
    sys.exit(130)  # what a shell reports of a program that Ctrl-C ended
