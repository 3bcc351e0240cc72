"""Twenty turns at once over one connection, each on its own thread, in a live table.

pip install '.[codex,rich]'
python examples/many_threads.py "What is this project?" "What is missing in it?"
python examples/many_threads.py --demo             # the real codex binary with a scripted model: no account needed

With --transport websocket, it connects to a running server: CODEX_APP_SERVER_WS_URL, or ws://127.0.0.1:8765.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass

import trio
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from codex_trio import (
    CodexClient,
    CodexError,
    StdioTransport,
    StepCompleted,
    StepStarted,
    TextDelta,
    Transport,
    TurnCompleted,
    WebSocketTransport,
    open_codex_client,
)
from codex_trio.testing import open_scripted_model, run, say, think, wait
from codex_trio.text import clean_text

TURNS = 20


@dataclass
class Row:
    """The state of a turn."""

    prompt: str
    state: str = "waits"
    text: str = ""


async def run_turn(client: CodexClient, row: Row) -> None:
    try:
        async for event in client.stream(row.prompt):
            match event:
                case StepStarted(step):
                    row.state, row.text = step.step_type, step.display_text
                case TextDelta(text):
                    row.text += text
                case StepCompleted(step) if step.is_hidden:
                    row.text = step.display_text  # replaces the streamed text
                case TurnCompleted(result):
                    row.state, row.text = "done", result.display_text
                case _:
                    pass
    except CodexError as exc:  # the other turns continue
        row.state, row.text = "failed", str(exc)


def render(rows: list[Row]) -> Table:
    table = Table("", "prompt", "state", "text", box=None, expand=True)
    for column, width in zip(table.columns, (2, None, 8, None), strict=True):
        column.min_width, column.no_wrap = width, True
    for number, row in enumerate(rows, 1):
        colour = {"done": "green", "failed": "red", "waits": "dim"}.get(row.state, "yellow")
        cells = [Text(clean_text(" ".join(text.split()))) for text in (row.prompt, row.state, row.text)]
        table.add_row(f"{number}", *cells, style=colour)
    return table


async def keep_fresh(live: Live) -> None:
    while True:
        live.refresh()
        await trio.sleep(0.1)


async def main() -> None:
    options = parse_options()
    rows = [Row(options.prompt[number % len(options.prompt)]) for number in range(TURNS)]
    async with AsyncExitStack() as stack:
        transport = await make_transport(stack, options)
        client = await stack.enter_async_context(open_codex_client(transport))
        with Live(get_renderable=lambda: render(rows), auto_refresh=False, transient=True) as live:
            async with trio.open_nursery() as rendering:
                rendering.start_soon(keep_fresh, live)
                async with trio.open_nursery() as turns:
                    for row in rows:
                        turns.start_soon(run_turn, client, row)
                rendering.cancel_scope.cancel()
    Console().print(render(rows))


async def make_transport(stack: AsyncExitStack, options: argparse.Namespace) -> Transport:
    is_websocket = options.transport == "websocket"
    if not options.demo:
        return WebSocketTransport() if is_websocket else StdioTransport()
    model = await stack.enter_async_context(open_scripted_model(sandbox_mode="danger-full-access"))
    for number in range(1, TURNS + 1):
        steps = (
            think("A door."),
            wait(number * 7 % TURNS / 20),
            run("echo knock"),
            say(f"Somebody knocks at door {number}."),
        )
        model.on_prompt(f"door {number}?", *steps)
    return WebSocketTransport(await stack.enter_async_context(model.listening())) if is_websocket else model.transport()


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("prompt", nargs="*", help="messages; the turns use them in order, and repeat them if needed")
    parser.add_argument("--transport", choices=["stdio", "websocket"], default="stdio", help="how to reach the server")
    parser.add_argument("--demo", action="store_true", help="use a scripted model, without an account")
    options = parser.parse_args()
    options.prompt = options.prompt or [f"Who is at door {number}?" for number in range(1, TURNS + 1)]
    return options


if __name__ == "__main__":
    try:
        sys.exit(trio.run(main))
    except* KeyboardInterrupt:
        print("stopped, and so are the turns")
    sys.exit(130)  # the exit code that shells use for a program that Ctrl-C ended
