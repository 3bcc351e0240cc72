"""A conversation rendered with Rich: each step as a panel, and a status line below that shows what runs.

    pip install '.[codex,rich]'
    python examples/chat_steps_rich.py --prompt "Fix the tests" --prompt "What was wrong?"
    python examples/chat_steps_rich.py --transport websocket --url ws://127.0.0.1:8765 --prompt "Hello"
    python examples/chat_steps_rich.py --demo      # the real codex binary with a scripted model: no account needed

After inactivity, the program keeps waiting or, with --cancel-on-timeout, cancels the turn. Ctrl-C cancels the turn, shows
its steps so far, and exits with 130.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field

import trio
from rich.console import Console
from rich.text import Text

from codex_trio import (
    CodexClient,
    CodexError,
    CodexThread,
    CodexTurnInactiveError,
    CodexTurnInterruptedError,
    StdioTransport,
    Transport,
    WebSocketTransport,
    open_codex_client,
)
from codex_trio.rendering import TurnView, render_step
from codex_trio.testing import open_scripted_model, run, say, think, wait
from codex_trio.text import clean_text

INTERRUPTED = 130  # the exit code that shells use for a program that Ctrl-C ended

PATCH = """apply_patch <<'END'
*** Begin Patch
*** Update File: door.py
@@
 def close(door):
+    door.oil()
     door.push()
*** End Patch
END"""


@dataclass
class Chat:
    client: CodexClient
    thread: CodexThread
    options: argparse.Namespace
    console: Console = field(default_factory=Console)
    stopping: trio.Event = field(default_factory=trio.Event)

    async def run(self) -> int:
        """Run the turns and return the exit code."""
        try:
            for prompt in self.options.prompt:
                self.console.print(Text(f"\n> {prompt}", "bold"))
                if not await self.run_turn(prompt):
                    return 1
                if self.stopping.is_set():
                    return INTERRUPTED
        except CodexTurnInterruptedError:
            return INTERRUPTED
        except CodexError as exc:
            self.console.print(Text(f"{type(exc).__name__}: {clean_text(str(exc), indent='    ')}", "red"))
            return 1
        except SystemExit:  # Rich raises it when the reader of the output is gone
            return 1
        return 0

    async def run_turn(self, prompt: str) -> bool:
        """Render a turn to its end, also after inactivity. Return False if the turn was cancelled."""
        view = TurnView(self.console, show_data=self.options.show_data)
        timeout = self.options.inactivity_timeout
        events = self.thread.stream(prompt, user=self.options.user, inactivity_timeout=timeout)
        while True:
            try:
                await view.render(events)
                return True
            except CodexTurnInactiveError as exc:
                last = clean_text(str(exc.last_event))
                self.console.print(Text(f"no events for {exc.idle_seconds:.0f} s since {last}", "yellow"))
                if self.options.cancel_on_timeout:
                    cancelled = await self.client.cancel(exc.continuation)
                    for step in cancelled.steps:
                        self.console.print(render_step(step, show_data=self.options.show_data))
                    self.console.print(Text(f"cancelled: the turn is {cancelled.status}", "red"))
                    return False
                events = self.thread.stream(continuation=exc.continuation, inactivity_timeout=timeout)

    async def stop_on_ctrl_c(self) -> None:
        """Interrupt the running turn. The view still renders its remaining events and its end."""
        with trio.open_signal_receiver(signal.SIGINT) as signals:
            async for _ in signals:
                self.stopping.set()
                with suppress(CodexError):  # the turn has already ended
                    await self.thread.interrupt()


async def main() -> int:
    options = parse_options()
    async with AsyncExitStack() as stack:
        transport: Transport
        if options.demo:
            transport = await play_demo(stack, options)
        elif options.transport == "websocket":
            transport = WebSocketTransport(options.url, token=options.token)
        else:
            transport = StdioTransport(options.cmd)
        is_experimental = options.user is not None  # the option `user` is experimental
        client = await stack.enter_async_context(open_codex_client(transport, experimental_api=is_experimental))
        chat = Chat(client, await client.start_thread(), options)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(chat.stop_on_ctrl_c)
            code = await chat.run()
            nursery.cancel_scope.cancel()
    return code


async def play_demo(stack: AsyncExitStack, options: argparse.Namespace) -> Transport:
    """Return a transport to the real codex binary with a scripted model."""
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    await trio.Path(folder, "door.py").write_text("def close(door):\n    door.push()\n    return door\n")
    model = await stack.enter_async_context(open_scripted_model(sandbox_mode="danger-full-access"))
    model.on_turn(
        think("**Looking around**\n\nA door that squeaks wants oil."),
        run("cat door.py"),
        run(PATCH),
        run("for n in $(seq 3); do echo closing the door, $n; sleep 0.2; done"),
        say("The door is **oiled**:\n\n1. `close` calls `door.oil()` first;\n2. it closes without a sound.\n"),
    )
    model.on_turn(wait(1.4), say("Nobody had oiled it. I had to think about that for a while."))
    if options.transport == "websocket":
        url = await stack.enter_async_context(model.listening(options.cmd, cwd=folder))
        return WebSocketTransport(url, token="")
    return model.transport(options.cmd, cwd=folder)


def seconds(text: str) -> float:
    value = float(text)
    if not value > 0:  # also rejects nan
        raise ValueError
    return value


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--transport", choices=["stdio", "websocket"], default="stdio", help="how to reach the server")
    parser.add_argument("--cmd", help="the server's command line, for stdio (default: codex app-server)")
    parser.add_argument("--url", help="URL of a websocket (default: $CODEX_APP_SERVER_WS_URL, or ws://127.0.0.1:8765)")
    parser.add_argument("--token", help="token for the websocket (default, on this machine: $CODEX_APP_SERVER_TOKEN)")
    parser.add_argument("--prompt", action="append", help="a message; may be given several times")
    parser.add_argument("--user", help="the user that the model talks with")
    parser.add_argument(
        "--inactivity-timeout", type=seconds, metavar="SECONDS", help="limit for inactivity (default: 120)"
    )
    parser.add_argument("--show-data", action="store_true", help="show all data of each step")
    parser.add_argument("--cancel-on-timeout", action="store_true", help="cancel an inactive turn and exit with 1")
    parser.add_argument("--demo", action="store_true", help="use a scripted model, without an account")
    options = parser.parse_args()
    is_websocket = options.transport == "websocket"
    if (options.url or options.token) and (options.demo or not is_websocket):
        parser.error("--url and --token need --transport websocket, and cannot be used with --demo")
    if options.cmd and is_websocket and not options.demo:
        parser.error("--cmd starts a server, but --transport websocket connects to a running one")
    if not options.prompt and not options.demo:
        parser.error("give a message with --prompt, or use --demo")
    options.prompt = options.prompt or ["The door squeaks. Fix it.", "Why did it squeak?"]
    if options.inactivity_timeout is None:
        options.inactivity_timeout = 1.0 if options.demo else 120.0
    return options


if __name__ == "__main__":
    try:
        sys.exit(trio.run(main))
    except CodexError as exc:  # for example, the server cannot be started
        sys.exit(f"{type(exc).__name__}: {clean_text(str(exc), indent='    ')}")
    except KeyboardInterrupt:  # before the first turn
        sys.exit(INTERRUPTED)
