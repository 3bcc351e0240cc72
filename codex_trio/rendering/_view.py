"""`TurnView`: a whole turn, as it happens."""

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

from ._steps import draw_panel, duration, render_step, text_of
from ._text import Prose, one_line

_TICK = 0.1  # seconds
_TITLE = 400  # characters, more than a line has
_TAIL = 400  # characters of a running step, of which the line below shows the end
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_MARKS = {"completed": "✓", "inProgress": "▶"}  # of the entries of a plan
_COUNTS = ("totalTokens", "inputTokens", "cachedInputTokens", "outputTokens")


@dataclass(slots=True)
class _Running:
    """A step that has begun.

    Attributes:
        title: What it is about, on one line.
        said: What its deltas said, of a message or a thought.
        tail: The end of all that came of it.
    """

    step_type: str
    title: str = ""
    said: list[str] = field(default_factory=list)
    tail: str = ""


class TurnView:
    """Draws one turn: each step when it has finished; at the end, how long it took and what the thread has used.

    On a terminal there is a line below, which says how long it has been, and what runs. Into a file or a pipe go the
    panels alone, without control codes.

    Args:
        console: Where to; the standard output unless given.
        show_data: Add each step's data, as JSON.

    Example:
        ``result = await TurnView().draw(client.stream("Fix the tests"))``
    """

    def __init__(self, console: Console | None = None, *, show_data: bool = False) -> None:
        self._console = console or Console()
        self._show_data = show_data
        self._running: dict[str, _Running] = {}  # by item id, in the order in which they began
        self._began_at: float | None = None
        self._line: Live | None = None
        self._free = trio.Event()
        self._free.set()

    async def draw(self, events: EventStream) -> ChatResult:
        """Draw what a stream tells, to the end of its turn, and return the turn.

        After a `CodexTurnInactiveError`, give the same view a stream of the continuation: it goes on where it was.

        Raises:
            CodexTurnInactiveError, CodexTurnFailedError, CodexTurnInterruptedError, CodexTransportError: As the stream
                does. What a turn that did not complete had begun to say is drawn first.
            ValueError: The stream had been read before.

        Cancellation: The turn is interrupted, in the background, as of `EventStream`.

        Example:
            ``result = await view.draw(client.stream(continuation=exc.continuation))``
        """
        if not isinstance(events, EventStream):
            raise TypeError(f"draw takes what client.stream(...) returns, not a {type(events).__name__}")
        if self._began_at is None:
            self._began_at = trio.current_time()
        error: BaseException
        with Live(console=self._console, get_renderable=self._status, auto_refresh=False, transient=True) as live:
            self._line = live
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_keep_fresh, live)
                try:
                    return await self._follow(events)
                except BaseException as exc:  # carried around the nursery, so that it leaves as itself
                    error = exc
                finally:
                    self._line = None
                    nursery.cancel_scope.cancel()
        try:
            raise error
        finally:
            del error  # it holds this frame

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Take the line below away for the length of a ``with``, as when a person is asked something there.

        Nothing is drawn into the question; what happens meanwhile is drawn afterwards. One at a time.

        Example:
            ``with view.paused(): answer = await ask(request)``
        """
        line, self._free = self._line, trio.Event()
        if line is not None:
            line.stop()
        try:
            yield
        finally:
            if line is not None and line is self._line:  # the turn may have ended meanwhile
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
            self._draw_cut_off()
            raise
        if result is None:
            raise ValueError("this stream had ended before it was drawn")
        self._end(result)
        return result

    def _show(self, event: Event) -> None:
        match event:
            case StepStarted(step):
                title = _title_of(step.display_text)
                if step.step_type == "sleep":  # "sleep for 3 s"
                    title = title.removeprefix("sleep").lstrip()
                self._running[step.item_id] = _Running(step.step_type, title)
            case StepCompleted(step):
                self._running.pop(step.item_id, None)
                if step.step_type != "thinking" or step.text.strip() or self._show_data:  # most thoughts are not told
                    self._console.print(render_step(step, show_data=self._show_data))
            case TextDelta(text, item_id):
                self._note(item_id, "codex", text).said.append(text)
            case ReasoningDelta(text, item_id):
                self._note(item_id, "thinking", text).said.append(text)
            case CommandOutputDelta(text, item_id):
                self._note(item_id, "exec", text)
            case PlanUpdated(plan):
                self._console.print(_draw_plan(plan))
            case RetryScheduled(message, details):
                self._running = {key: one for key, one in self._running.items() if not one.said}  # it is said anew
                self._console.print(draw_panel("retry", Text(one_line(f"{message} {details or ''}")), "yellow"))
            case _:
                pass

    def _note(self, item_id: str, step_type: str, text: str) -> _Running:
        running = self._running.setdefault(item_id, _Running(step_type))  # it may have begun before the stream did
        running.tail = (running.tail + text)[-_TAIL:]
        return running

    def _end(self, result: ChatResult) -> None:
        if result.status != "completed":
            self._draw_cut_off()
        words = [f"{clean_text(result.status)} after {duration(self._elapsed())}", *_used(result.usage)]
        self._console.print(Text(" · ".join(words), "green" if result.status == "completed" else "red"))

    def _draw_cut_off(self) -> None:
        """Draw what was begun to be said and is not finished. A lost turn that is taken up again says it anew."""
        for running in self._running.values():
            if running.said:
                body = Prose("".join(running.said))
                self._console.print(draw_panel(running.step_type, body, "red", outcome=Text("cut off", "red")))
        self._running.clear()

    def _elapsed(self) -> float:
        return 0.0 if self._began_at is None else trio.current_time() - self._began_at

    def _status(self) -> Text:
        """Draw the line below. It never takes two lines, so that drawing it again leaves nothing behind."""
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
        tail = newest.tail if newest.said else plain_output(newest.tail).rstrip().rpartition("\n")[2]
        if tail := one_line(tail):
            _append_end(line, tail, self._console.width)
        return line


def _title_of(text: str) -> str:
    return one_line(unwrap_shell(text)[:_TITLE])


def _append_end(line: Text, tail: str, width: int) -> None:
    """Append as much of the end of a text as there is room for, a third of the line at least."""
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


def _draw_plan(plan: Iterable[Mapping[str, Any]]) -> RenderableType:
    lines = [f"{_MARKS.get(str(entry.get('status')), '·')} {one_line(text_of(entry.get('step')))}" for entry in plan]
    return draw_panel("plan", Text("\n".join(lines)), "blue")


def _used(usage: Mapping[str, Any] | None) -> list[str]:
    """Return what the server says of the tokens of the thread, if it says so."""
    total = (usage or {}).get("total")
    counts = [total.get(name) for name in _COUNTS] if isinstance(total, Mapping) else []
    if not counts or not all(isinstance(count, int) for count in counts):
        return []
    all_of_them, read, cached, written = counts
    of_which = f" ({cached:,} cached)" if cached else ""
    return [f"{all_of_them:,} tokens on this thread: {read:,} in{of_which}, {written:,} out"]
