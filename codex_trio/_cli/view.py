"""`View`: what shows a turn; and the one that needs nothing, `PlainView`."""

from __future__ import annotations

import json
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict

import trio

from codex_trio import ConversationStep, EventStream, RetryNotice, StepCompleted

from .arguments import is_terminal
from .text import printable, tell


class View(ABC):
    """Shows one turn. Its output is whole lines."""

    @abstractmethod
    async def show(self, events: EventStream) -> None:
        """Show what comes, to the end of the turn. Raises as the stream does; goes on with its continuation."""

    @abstractmethod
    def show_step(self, step: ConversationStep) -> None:
        """Show one step."""

    @abstractmethod
    def paused(self) -> AbstractContextManager[object]:
        """Leave the terminal to somebody else for the length of the body; then go on where it was."""


class PlainView(View):
    """A line for each step, and the output of commands below it.

    Args:
        as_json: An object for each step in place of that.
    """

    def __init__(self, *, as_json: bool = False) -> None:
        self._as_json = as_json
        self._is_seen = is_terminal(sys.stdout)
        self._free = trio.Event()
        self._free.set()

    async def show(self, events: EventStream) -> None:
        async with events:
            async for event in events:
                await self._free.wait()
                if isinstance(event, StepCompleted):
                    self.show_step(event.step)
                elif isinstance(event, RetryNotice):
                    tell(" ".join(f"{event.message} {event.details or ''}".split()))

    def show_step(self, step: ConversationStep) -> None:
        if step.step_type == "thinking" and not step.text.strip() and not self._as_json:
            return  # most models keep their thoughts to themselves
        # A program that reads the JSON finds in `data` what moderation withholds.
        text = json.dumps({**asdict(step), "text": step.display_text}) if self._as_json else _written(step)
        print(printable(text) if self._is_seen else text, flush=True)

    @contextmanager
    def paused(self) -> Iterator[None]:
        self._free = trio.Event()
        try:
            yield
        finally:
            self._free.set()


def _written(step: ConversationStep) -> str:
    lines = [f"[{step.step_type}] {step.display_text}"]
    output = step.data.get("aggregatedOutput")
    if isinstance(output, str):
        lines += [f"    {line}" for line in output.splitlines()]
    status, code = step.data.get("status"), step.data.get("exitCode")
    if isinstance(code, int) and code:
        lines.append(f"    exit {code}")
    elif status in ("declined", "failed"):
        lines.append(f"    {status}")
    return "\n".join(lines)
