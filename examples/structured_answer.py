"""An answer that is a dataclass instead of text. The model gets its JSON Schema, and the answer is validated.

python examples/structured_answer.py
python examples/structured_answer.py --demo        # the real codex binary with a scripted model: no account needed

With --transport websocket, it connects to a running server: CODEX_APP_SERVER_WS_URL, or ws://127.0.0.1:8765.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Literal

import trio

from codex_trio import CodexOutputError, StdioTransport, Transport, WebSocketTransport, open_codex_client
from codex_trio.testing import open_scripted_model, say
from codex_trio.text import clean_text


@dataclass
class Finding:
    file: str
    line: int
    severity: Literal["low", "high"]
    remark: str


@dataclass
class Review:
    verdict: str
    findings: list[Finding]


async def main() -> None:
    options = parse_options()
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(open_codex_client(await make_transport(stack, options)))
        try:
            result = await client.chat_once("Review the code in this folder.", output_type=Review)
        except CodexOutputError as exc:
            print(f"That is no review, at {exc.path}: {clean_text(exc.text)}")
            return
        review = result.output
        print("Verdict:", clean_text(review.verdict))
        for finding in sorted(review.findings, key=lambda finding: finding.severity):
            print(f"{finding.severity:>4} {clean_text(f'{finding.file}:{finding.line} {finding.remark}')}")


async def make_transport(stack: AsyncExitStack, options: argparse.Namespace) -> Transport:
    is_websocket = options.transport == "websocket"
    if not options.demo:
        return WebSocketTransport() if is_websocket else StdioTransport()
    model = await stack.enter_async_context(open_scripted_model())
    model.on_turn(
        say(
            '{"verdict": "Good, but for a door.", "findings": ['
            '{"file": "door.py", "line": 2, "severity": "low", "remark": "It squeaks."},'
            '{"file": "door.py", "line": 1, "severity": "high", "remark": "Nobody can open it."}]}'
        )
    )
    return WebSocketTransport(await stack.enter_async_context(model.listening())) if is_websocket else model.transport()


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--transport", choices=["stdio", "websocket"], default="stdio", help="how to reach the server")
    parser.add_argument("--demo", action="store_true", help="use a scripted model, without an account")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        sys.exit(trio.run(main))
    except* KeyboardInterrupt:
        print("stopped, and so is the turn")
    sys.exit(130)  # the exit code that shells use for a program that Ctrl-C ended
