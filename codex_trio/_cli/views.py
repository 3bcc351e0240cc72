"""Views of a turn: with Rich on a terminal, otherwise plain text or JSON."""

from __future__ import annotations

import json
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import trio
from msgspec.structs import asdict

from codex_trio import ConversationStep, EventStream, RetryScheduled, StepCompleted
from codex_trio.text import plain_output

from .terminal import escape_control, is_terminal, print_status


class View(ABC):
    """Shows one turn. Its output is whole lines."""

    @abstractmethod
    async def show(self, events: EventStream) -> None:
        """Show the events until the end of the turn. Call it again with a continuation of the turn.

        Raises:
            CodexError: As the stream.
        """

    @abstractmethod
    def show_step(self, step: ConversationStep) -> None:
        """Show one step."""

    @abstractmethod
    def paused(self) -> AbstractContextManager[object]:
        """Print nothing during the body, which uses the terminal."""


class PlainView(View):
    """Prints each step: its first line, and below it, indented, further lines and the output of commands.

    Args:
        as_json: Print a JSON object for each step instead.
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
                    print_status(f"the server will retry: {' '.join(words)}")

    def show_step(self, step: ConversationStep) -> None:
        if self._as_json:
            # `data` still contains withheld text, for programs.
            print(json.dumps({**asdict(step), "text": step.display_text}), flush=True)
            return
        if step.step_type == "thinking" and not step.text.strip():
            return  # most models hide their reasoning
        is_prose = step.step_type in ("codex", "ask", "thinking")
        print(escape_control(_step_text(step), sys.stdout, keep_emoji=is_prose), flush=True)
        if outcome := _outcome(step):
            print(f"  {outcome}", flush=True)  # indented less than untrusted text

    @contextmanager
    def paused(self) -> Iterator[None]:
        self._free = trio.Event()
        try:
            yield
        finally:
            self._free.set()


class RichView(View):
    """Renders steps as panels, with a status line below them. Importing it does not import Rich, making one does.

    Raises:
        ImportError: Rich is not installed.
    """

    def __init__(self) -> None:
        from rich.console import Console

        from codex_trio.rendering import TurnView, render_step

        self._console = Console()
        self._view = TurnView(self._console)
        self._render_step = render_step

    async def show(self, events: EventStream) -> None:
        await self._view.render(events)

    def show_step(self, step: ConversationStep) -> None:
        self._console.print(self._render_step(step))

    def paused(self) -> AbstractContextManager[object]:
        return self._view.paused()


def make_view(*, as_json: bool = False) -> View:
    """Return a view for the next turn."""
    if as_json or not is_terminal(sys.stdout):
        return PlainView(as_json=as_json)
    try:
        return RichView()
    except ImportError:
        return PlainView()


def _step_text(step: ConversationStep) -> str:
    output = step.data.get("aggregatedOutput")
    below = f"\n{plain_output(output)}" if isinstance(output, str) else ""
    # The type of an item is also untrusted text.
    return f"[{' '.join(step.step_type.split())}] {step.display_text}{below}".rstrip("\n")


def _outcome(step: ConversationStep) -> str:
    status, code = step.data.get("status"), step.data.get("exitCode")
    if isinstance(code, int) and code:
        return f"exit {code}"
    return status if status in ("declined", "failed") else ""
