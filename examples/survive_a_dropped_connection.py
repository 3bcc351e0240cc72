"""A connection that breaks during a turn: the turn continues, and each step is delivered exactly once.

codex app-server --listen ws://127.0.0.1:8765      # in another terminal
python examples/survive_a_dropped_connection.py --prompt "Fix the tests"
python examples/survive_a_dropped_connection.py --demo     # the real codex binary with a scripted model: no account needed

This needs a websocket, because a server on stdio ends with its connection. The demo cuts the connection several times.
The defaults of --url and --token are CODEX_APP_SERVER_WS_URL and CODEX_APP_SERVER_TOKEN.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import AsyncExitStack, suppress

import trio

from codex_trio import CodexClient, CodexTransportError, WebSocketTransport, open_codex_client
from codex_trio.testing import open_scripted_model, say, wait
from codex_trio.text import clean_text


async def run_turn(client: CodexClient, prompt: str) -> None:
    try:
        async for step in client.chat(prompt):
            print(f"[{step.step_type}] {clean_text(step.display_text, indent='    ')}")
    except CodexTransportError as exc:
        print(clean_text(str(exc), indent="    "))
        if exc.continuation is not None:  # another process can also use it
            print(f"Continue with ChatContinuation.from_json({exc.continuation.to_json()!r}).")


async def main() -> None:
    options = parse_options()
    async with AsyncExitStack() as stack:
        url = await play_demo(stack) if options.demo else options.url
        transport = WebSocketTransport(url, token=options.token)
        # After a minute without a connection, the turn raises CodexTransportError.
        client = await stack.enter_async_context(open_codex_client(transport, reconnect=True, reconnect_timeout=60))
        await run_turn(client, options.prompt)


async def play_demo(stack: AsyncExitStack) -> str:
    """Return the URL of a relay to a real server with a scripted model."""
    model = await stack.enter_async_context(open_scripted_model())
    model.on_turn(*(step for number in range(1, 11) for step in (say(f"Verse {number}."), wait(0.2))))
    url = await stack.enter_async_context(model.listening())
    nursery = await stack.enter_async_context(trio.open_nursery())
    stack.callback(nursery.cancel_scope.cancel)
    relay_url: str = await nursery.start(relay_with_cuts, int(url.rpartition(":")[2]))
    return relay_url


async def relay_with_cuts(port: int, *, task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED) -> None:
    """Relay all data between client and server, and cut the connection after some of the verses."""
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    task_status.started(f"ws://127.0.0.1:{listener.socket.getsockname()[1]}")
    async with listener:
        for cut_after in (b"Verse 2.", b"Verse 5.", b"Verse 7.", None):
            client, server = await listener.accept(), await trio.open_tcp_stream("127.0.0.1", port)
            async with client, server, trio.open_nursery() as nursery:
                nursery.start_soon(relay, client, server)
                await relay(server, client, cut_after)
                nursery.cancel_scope.cancel()
            if cut_after is not None:
                print("-- the connection was cut --")


async def relay(source: trio.SocketStream, target: trio.SocketStream, cut_after: bytes | None = None) -> None:
    received = b""
    with suppress(trio.BrokenResourceError):  # the other side has closed
        async for chunk in source:
            await target.send_all(chunk)
            received += chunk
            if cut_after is not None and cut_after in received:
                return


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="URL of the server (default: from the environment, or port 8765 on this machine)")
    parser.add_argument("--token", help="bearer token for the server (default: from the environment)")
    parser.add_argument("--prompt", default="Sing me a song.", help="the message")
    parser.add_argument("--demo", action="store_true", help="use a scripted model, without an account")
    options = parser.parse_args()
    if options.demo and (options.url or options.token):
        parser.error("--demo starts its own server, so --url and --token cannot be used")
    return options


if __name__ == "__main__":
    try:
        sys.exit(trio.run(main))
    except* KeyboardInterrupt:
        print("stopped, and so is the turn")
    sys.exit(130)  # the exit code that shells use for a program that Ctrl-C ended
