"""`View`: what shows a turn; and the one that needs nothing, `PlainView`."""

from __future__ import annotations

import json
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict

import trio

from codex_trio import ConversationStep, EventStream, RetryScheduled, StepCompleted
from codex_trio.text import plain_output

from .text import shown, tell


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
    """A line for each step; more lines of it, and the output of commands, indented below it.

    Args:
        as_json: An object for each step in place of that.
    """

    def __init__(self, *, as_json: bool = False) -> None:
        self._as_json = as_json
        self._free = trio.Event()
        self._free.set()

    async def show(self, events: EventStream) -> None:
        async with events:
            async for event in events:
                await self._free.wait()
                if isinstance(event, StepCompleted):
                    self.show_step(event.step)
                elif isinstance(event, RetryScheduled):
                    words = f"{event.message} {event.details or ''}".split()
                    tell(f"the server tries again: {' '.join(words)}")

    def show_step(self, step: ConversationStep) -> None:
        if self._as_json:
            # `data` still contains what moderation withholds, for programs.
            print(json.dumps({**asdict(step), "text": step.display_text}), flush=True)
            return
        if step.step_type == "thinking" and not step.text.strip():
            return  # most models send empty thoughts
        is_prose = step.step_type in ("codex", "ask", "thinking")
        print(shown(_written(step), sys.stdout, keep_emoji=is_prose), flush=True)
        if outcome := _outcome(step):
            print(f"  {outcome}", flush=True)  # indented less than untrusted text

    @contextmanager
    def paused(self) -> Iterator[None]:
        self._free = trio.Event()
        try:
            yield
        finally:
            self._free.set()


def _written(step: ConversationStep) -> str:
    output = step.data.get("aggregatedOutput")
    below = f"\n{plain_output(output)}" if isinstance(output, str) else ""
    # The type of an item is also untrusted text.
    return f"[{' '.join(step.step_type.split())}] {step.display_text}{below}".rstrip("\n")


def _outcome(step: ConversationStep) -> str:
    status, code = step.data.get("status"), step.data.get("exitCode")
    if isinstance(code, int) and code:
        return f"exit {code}"
    return status if status in ("declined", "failed") else ""
