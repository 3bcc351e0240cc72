"""`TurnView` renders a whole turn while it runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import trio
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from codex_trio import (
    ChatResult,
    CodexTransportError,
    CodexTurnFailedError,
    CodexTurnInterruptedError,
    CommandOutputDelta,
    Event,
    EventStream,
    PlanUpdated,
    ReasoningDelta,
    RetryScheduled,
    StepCompleted,
    StepStarted,
    TextDelta,
    TurnCompleted,
)
from codex_trio.models import unwrap_shell
from codex_trio.text import clean_text, plain_output

from ._steps import duration, render_panel, render_step, text_of
from ._text import Prose, one_line

_TICK = 0.1  # seconds
_TITLE = 400  # characters, more than a line has
_TAIL = 400  # characters kept of a running step, of which the status line shows the end
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_MARKS = {"completed": "✓", "inProgress": "▶"}  # of the entries of a plan
_COUNTS = ("totalTokens", "inputTokens", "cachedInputTokens", "outputTokens")


@dataclass(slots=True)
class _Running:
    """A step that has started.

    Attributes:
        title: A short description, on one line.
        deltas: Text of the deltas of a message or of reasoning.
        tail: The last characters of all output.
    """

    step_type: str
    title: str = ""
    deltas: list[str] = field(default_factory=list)
    tail: str = ""


class TurnView:
    """Renders one turn: each step when it has finished, and at the end the duration and the token usage of the thread.

    On a terminal, a status line below the steps shows the elapsed time and what runs. A file or a pipe gets only the
    panels, without control codes.

    Args:
        console: The console to print to; standard output by default.
        show_data: Add each step's data, as JSON.

    Example:
        ``result = await TurnView().render(client.stream("Fix the tests"))``
    """

    def __init__(self, console: Console | None = None, *, show_data: bool = False) -> None:
        self._console = console or Console()
        self._show_data = show_data
        self._running: dict[str, _Running] = {}  # by item id, in the order in which they started
        self._started_at: float | None = None
        self._line: Live | None = None
        self._free = trio.Event()
        self._free.set()

    async def render(self, events: EventStream) -> ChatResult:
        """Render the events of a stream until its turn ends, and return the result of the turn.

        After a `CodexTurnInactiveError`, call this again on the same view with a stream of the continuation.

        Raises:
            CodexTurnInactiveError, CodexTurnFailedError, CodexTurnInterruptedError, CodexTransportError: As in
                `EventStream`. If the turn did not complete, its unfinished messages are rendered first.
            TypeError: The argument is not an `EventStream`.
            ValueError: The stream had already ended.

        Cancellation: The turn is interrupted in the background, as in `EventStream`.

        Example:
            ``result = await view.render(client.stream(continuation=exc.continuation))``
        """
        if not isinstance(events, EventStream):
            raise TypeError(f"render needs the result of client.stream(...), not a {type(events).__name__}")
        if self._started_at is None:
            self._started_at = trio.current_time()
        error: BaseException
        with Live(console=self._console, get_renderable=self._status, auto_refresh=False, transient=True) as live:
            self._line = live
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_keep_fresh, live)
                try:
                    return await self._follow(events)
                except BaseException as exc:  # raised outside of the nursery, which would wrap it in a group
                    error = exc
                finally:
                    self._line = None
                    nursery.cancel_scope.cancel()
        try:
            raise error
        finally:
            del error  # its traceback refers to this frame

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Remove the status line and render nothing inside a ``with`` block, for example while asking the user a question.

        Events that come during the block are rendered after it. Do not nest these blocks.

        Example:
            ``with view.paused(): answer = await ask(request)``
        """
        line, self._free = self._line, trio.Event()
        if line is not None:
            line.stop()
        try:
            yield
        finally:
            if line is not None and line is self._line:  # the turn may have ended during the block
                line.start(refresh=True)
            self._free.set()

    async def _follow(self, events: EventStream) -> ChatResult:
        result: ChatResult | None = None
        try:
            async for event in events:
                await self._free.wait()
                self._show(event)
                if isinstance(event, TurnCompleted):
                    result = event.result
        except (CodexTurnFailedError, CodexTurnInterruptedError) as exc:
            self._end(exc.result)
            raise
        except CodexTransportError:
            self._render_cut_off()
            raise
        if result is None:
            raise ValueError("this stream had ended before it was rendered")
        self._end(result)
        return result

    def _show(self, event: Event) -> None:
        match event:
            case StepStarted(step):
                title = _short_title(step.display_text)
                if step.step_type == "sleep":  # "sleep for 3 s"
                    title = title.removeprefix("sleep").lstrip()
                self._running[step.item_id] = _Running(step.step_type, title)
            case StepCompleted(step):
                self._running.pop(step.item_id, None)
                if step.step_type != "thinking" or step.text.strip() or self._show_data:  # models hide most reasoning
                    self._console.print(render_step(step, show_data=self._show_data))
            case TextDelta(text, item_id):
                self._note(item_id, "codex", text).deltas.append(text)
            case ReasoningDelta(text, item_id):
                self._note(item_id, "thinking", text).deltas.append(text)
            case CommandOutputDelta(text, item_id):
                self._note(item_id, "exec", text)
            case PlanUpdated(plan):
                self._console.print(_render_plan(plan))
            case RetryScheduled(message, details):
                # The server sends these messages again.
                self._running = {key: step for key, step in self._running.items() if not step.deltas}
                self._console.print(render_panel("retry", Text(one_line(f"{message} {details or ''}")), "yellow"))
            case _:
                pass

    def _note(self, item_id: str, step_type: str, text: str) -> _Running:
        running = self._running.setdefault(item_id, _Running(step_type))  # the step may have started before the stream
        running.tail = (running.tail + text)[-_TAIL:]
        return running

    def _end(self, result: ChatResult) -> None:
        if result.status != "completed":
            self._render_cut_off()
        words = [f"{clean_text(result.status)} after {duration(self._elapsed())}", *_used(result.usage)]
        self._console.print(Text(" · ".join(words), "green" if result.status == "completed" else "red"))

    def _render_cut_off(self) -> None:
        """Render unfinished messages. If the turn is resumed after a disconnect, the server sends them again."""
        for running in self._running.values():
            if running.deltas:
                body = Prose("".join(running.deltas))
                self._console.print(render_panel(running.step_type, body, "red", outcome=Text("cut off", "red")))
        self._running.clear()

    def _elapsed(self) -> float:
        return 0.0 if self._started_at is None else trio.current_time() - self._started_at

    def _status(self) -> Text:
        """Return the status line. It fits on one line, because rendering it again would leave a second line behind."""
        elapsed = self._elapsed()
        line = Text(f"{_SPINNER[int(elapsed / _TICK) % len(_SPINNER)]} {duration(elapsed, 0)} ", no_wrap=True)
        line.overflow = "ellipsis"
        if not self._running:
            return line.append("waiting for Codex", "dim")
        *others, newest = self._running.values()
        line.append(one_line(newest.step_type), "bold")
        if newest.title:
            line.append(f" {newest.title}", "cyan")
        if others:
            line.append(f" and {len(others)} more", "dim")
        tail = newest.tail if newest.deltas else plain_output(newest.tail).rstrip().rpartition("\n")[2]
        if tail := one_line(tail):
            _append_end(line, tail, self._console.width)
        return line


def _short_title(text: str) -> str:
    return one_line(unwrap_shell(text)[:_TITLE])


def _append_end(line: Text, tail: str, width: int) -> None:
    """Append as much of the end of a text as fits. It gets at least a third of the line."""
    room = max(width // 3, width - line.cell_len - 2)
    while cell_len(tail) > room:
        tail = tail[1:]
    line.truncate(max(0, width - room - 2), overflow="ellipsis")
    line.append(f"  {tail.lstrip()}", "dim")


@trio.lowlevel.enable_ki_protection  # so that Ctrl-C goes to the task that waits for the turn
async def _keep_fresh(live: Live) -> None:
    while True:
        live.refresh()
        await trio.sleep(_TICK)


def _render_plan(plan: Iterable[Mapping[str, Any]]) -> RenderableType:
    lines = [f"{_MARKS.get(str(entry.get('status')), '·')} {one_line(text_of(entry.get('step')))}" for entry in plan]
    return render_panel("plan", Text("\n".join(lines)), "blue")


def _used(usage: Mapping[str, Any] | None) -> list[str]:
    """Describe the token usage of the thread, if the server sent all of its counts."""
    total = (usage or {}).get("total")
    counts = [total.get(name) for name in _COUNTS] if isinstance(total, Mapping) else []
    if not counts or not all(isinstance(count, int) for count in counts):
        return []
    total_count, read, cached, written = counts
    cached_note = f" ({cached:,} cached)" if cached else ""
    return [f"{total_count:,} tokens on this thread: {read:,} in{cached_note}, {written:,} out"]
