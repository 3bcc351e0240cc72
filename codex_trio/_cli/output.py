"""How a turn is shown: drawn on a terminal, where Rich is installed; else as plain text, or as JSON."""

from __future__ import annotations

import json
import sys
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict

from codex_trio import ConversationStep, EventStream, RetryNotice, StepCompleted

from .arguments import is_terminal
from .text import printable


class View(ABC):
    """Shows one turn. Its output is whole lines."""

    @abstractmethod
    async def show(self, events: EventStream) -> None:
        """Show what comes, to the end of the turn. Raises as the stream does; goes on with its continuation."""

    @abstractmethod
    def show_step(self, step: ConversationStep) -> None:
        """Show one step."""

    def paused(self) -> AbstractContextManager[object]:
        """Leave the terminal alone for the length of the body."""
        return nullcontext()


class PlainView(View):
    """A line for each step, and the output of commands below it.

    Args:
        as_json: An object for each step in place of that.
    """

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self.is_seen = is_terminal(sys.stdout)

    async def show(self, events: EventStream) -> None:
        async for event in events:
            if isinstance(event, StepCompleted):
                self.show_step(event.step)
            elif isinstance(event, RetryNotice):
                print(event.message, file=sys.stderr)

    def show_step(self, step: ConversationStep) -> None:
        text = json.dumps(asdict(step)) if self.as_json else _written(step)
        print(printable(text) if self.is_seen else text, flush=True)


def _written(step: ConversationStep) -> str:
    lines = [f"[{step.step_type}] {step.text}"]
    output = step.data.get("aggregatedOutput")
    if isinstance(output, str):
        lines += [f"    {line}" for line in output.splitlines()]
    return "\n".join(lines)


def make_view(*, as_json: bool = False) -> View:
    """Return what shows the next turn."""
    if as_json or not is_terminal(sys.stdout):
        return PlainView(as_json=as_json)
    try:
        from .drawn import DrawnView
    except ImportError:
        return PlainView()
    return DrawnView()
