"""The command line: one turn with its steps, or the demo. Written against the public surface only."""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import trio

import codex_trio
from codex_trio import CodexClient, CodexError, CodexTurnInactiveError, ConversationStep, RetryNotice, StepCompleted
from codex_trio.testing import hang, open_scripted_model, run, say, think

_INTERRUPTED = 130  # what a shell reports of a program that Ctrl-C ended


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code: 0, 1 for a failure, 130 for Ctrl-C."""
    parser = _parser()
    options = parser.parse_args(argv)
    if not options.prompt.strip():
        parser.error("the prompt is empty")
    try:
        if options.prompt == "demo":
            trio.run(_demo, options.cmd)
        else:
            trio.run(_one_turn, options)
    except KeyboardInterrupt:
        print("interrupted; the turn was stopped", file=sys.stderr)
        return _INTERRUPTED
    except CodexError as exc:
        print(f"{type(exc).__name__}: {exc}", file=sys.stderr)
        return 1
    except ValueError as exc:
        parser.error(str(exc))
    except BrokenPipeError:  # whoever read our output has left
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m codex_trio", description="Run one turn of Codex and print its steps."
    )
    parser.add_argument(
        "prompt", help="the message; the one word 'demo' shows what this library does, without an account"
    )
    parser.add_argument("--model", help="the model, instead of the configured one")
    parser.add_argument("--cwd", type=_folder, help="the folder to work in (default: this one)")
    parser.add_argument("--cmd", help="the server's command line (default: codex app-server)")
    parser.add_argument(
        "--inactivity-timeout", type=_seconds, default=180.0, metavar="SECONDS", help="give up after such a silence"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object for each step")
    parser.add_argument("--version", action="version", version=codex_trio.__version__)
    return parser


def _folder(text: str) -> Path:
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {text}")
    return Path(text)


def _seconds(text: str) -> float:
    value = float(text)
    if math.isnan(value) or value <= 0:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number of seconds")
    return value


async def _one_turn(options: argparse.Namespace) -> None:
    asked = {"model": options.model, "cwd": options.cwd and str(options.cwd.resolve())}
    async with CodexClient.connect_stdio(command=options.cmd) as client:
        thread = await client.start_thread(**{name: value for name, value in asked.items() if value})
        async with thread.stream(options.prompt, inactivity_timeout=options.inactivity_timeout) as events:
            async for event in events:
                if isinstance(event, StepCompleted):
                    print(json.dumps(asdict(event.step)) if options.json else _drawn(event.step), flush=True)
                elif isinstance(event, RetryNotice):
                    print(event.message, file=sys.stderr)


def _drawn(step: ConversationStep) -> str:
    lines = [f"[{step.step_type}] {step.text}"]
    output = step.data.get("aggregatedOutput")
    if isinstance(output, str):
        lines += [f"    {line}" for line in output.splitlines()]
    return "\n".join(lines)


async def _demo(command: str | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        await trio.Path(folder, "greeting.txt").write_text("Hello from a file that codex has read.\n")
        async with open_scripted_model() as model:
            model.on_turn(think("There is a file here. Let me look."), run("cat greeting.txt"), say("It says hello."))
            model.on_turn(say("Let me think about that for a while."), hang())
            model.on_turn(say("Here I am again, on the same thread."))
            async with codex_trio.open_codex_client(model.transport(command, cwd=folder)) as client:
                await _tell(client)


async def _tell(client: CodexClient) -> None:
    print(f"The server is {client.server.user_agent}. The model is a script on loopback.")

    print("\nA turn, step by step:")
    stream = client.chat("What does the file say?")
    async for step in stream:
        print(_drawn(step))

    print("\nA turn that goes quiet, on the same thread:")
    try:
        await client.chat_once("And what does it mean?", stream.thread_id, inactivity_timeout=1.0)
    except CodexTurnInactiveError as exc:
        print(f"Nothing came for {exc.idle_seconds:.1f} s. The turn runs on; its continuation is")
        print(f"    {exc.continuation.to_json()}")
        cancelled = await client.cancel(exc.continuation)
        print(f"Cancelled: the server says it is {cancelled.status}. What it had said until then:")
        for step in cancelled.steps:
            print(_drawn(step))

    print("\nThe thread is usable at once:")
    result = await client.chat_once("Are you there?", stream.thread_id)
    print(f"[codex] {result.final_text}")
