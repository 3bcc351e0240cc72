"""`render_step` renders a step as a panel, with its content and its outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.constrain import Constrain
from rich.panel import Panel
from rich.rule import Rule
from rich.text import Text

from codex_trio import ConversationStep
from codex_trio.models import unwrap_shell
from codex_trio.text import clean_text, plain_output

from ._text import Prose, dumped, shortened

_WIDEST = 120  # columns: longer lines are hard to read
_SHORTEST_SHOWN = 100  # milliseconds; shorter durations are left out


def render_step(step: ConversationStep, *, show_data: bool = False) -> RenderableType:
    """Render a step as a panel, for ``console.print``. Long output is shortened, with a note.

    The text of a message that moderation withholds is not rendered, not even with `show_data`.

    Args:
        step: A step of any type. An unknown type is the title of its panel.
        show_data: Add `step.data`, as JSON.

    Example:
        ``async for step in client.chat("Fix the tests"): console.print(render_step(step))``
    """
    render, style = _RENDERERS.get(step.step_type, (_render_other, "white"))
    data = step.data
    if step.is_hidden:
        render, data = _render_withheld, {**data, "text": step.display_text}
    body = list(render(step)) or [Text("(nothing to show)", "dim")]
    if show_data:
        body += [Rule("data", style="dim"), dumped(data)]
    return render_panel(step.step_type, Group(*body), style, outcome=_outcome(step.data))


def render_panel(title: str, body: RenderableType, style: str, *, outcome: Text | None = None) -> RenderableType:
    """Render a panel with a title above and an outcome below."""
    panel = Panel(
        body,
        title=Text(clean_text(title), f"bold {style}"),
        title_align="left",
        subtitle=outcome or None,
        subtitle_align="right",
        border_style=style,
    )
    return Constrain(panel, _WIDEST)


def duration(seconds: float, decimals: int = 1) -> str:
    """Return a duration as text, such as ``2.5 s`` or ``3 min 04 s``."""
    if seconds < 60:
        return f"{seconds:.{decimals}f} s"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest:02} s"


def text_of(value: object) -> str:
    """Return a string that the server sent; empty if the value is not one."""
    return value if isinstance(value, str) else ""


def _render_thinking(step: ConversationStep) -> Iterator[RenderableType]:
    if step.text.strip():
        yield Prose(step.text, "dim italic")


def _render_codex(step: ConversationStep) -> Iterator[RenderableType]:
    if step.text.strip():
        yield Prose(step.text)


def _render_withheld(step: ConversationStep) -> Iterator[RenderableType]:
    yield Text(step.display_text, "dim")


def _render_exec(step: ConversationStep) -> Iterator[RenderableType]:
    yield Text.assemble(("$ ", "dim"), shortened(unwrap_shell(step.text), "bold"))
    if output := text_of(step.data.get("aggregatedOutput")).rstrip():
        yield shortened(plain_output(output))


def _render_file(step: ConversationStep) -> Iterator[RenderableType]:
    for change in _objects(step.data.get("changes")):
        kind = change.get("kind")
        kind = kind if isinstance(kind, Mapping) else {"type": kind}
        moved = f" → {text_of(kind['move_path'])}" if kind.get("move_path") else ""
        yield Text(clean_text(f"{text_of(kind.get('type'))} {text_of(change.get('path'))}{moved}"), "bold")
        if diff := text_of(change.get("diff")):
            yield _render_diff(diff, text_of(kind.get("type")))


def _render_diff(diff: str, kind: str) -> Text:
    # For a file that is added or deleted, the server sends the content in place of a diff.
    if sign := {"add": "+", "delete": "-"}.get(kind):
        diff = "\n".join(sign + line for line in diff.rstrip("\n").split("\n"))
    return shortened(diff, style_of=_style_of_diff)


def _style_of_diff(line: str) -> str:
    return {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")


def _render_tool(step: ConversationStep) -> Iterator[RenderableType]:
    arguments = step.data.get("arguments")
    yield Text.assemble((clean_text(step.text), "bold"), " ", dumped(arguments) if arguments else "")
    result, error = step.data.get("result"), step.data.get("error")
    content = result.get("content") if isinstance(result, Mapping) else step.data.get("contentItems")
    for part in _objects(content):
        yield shortened(plain_output(text_of(part.get("text"))) or f"({text_of(part.get('type'))})")
    if isinstance(error, Mapping):
        yield shortened(text_of(error.get("message")), "red")


def _render_other(step: ConversationStep) -> Iterator[RenderableType]:
    if step.text.strip():
        yield shortened(step.text)
    elif rest := {name: value for name, value in step.data.items() if name not in ("type", "id") and value is not None}:
        yield dumped(rest)


_RENDERERS: Mapping[str, tuple[Callable[[ConversationStep], Iterator[RenderableType]], str]] = {
    "thinking": (_render_thinking, "magenta"),
    "exec": (_render_exec, "cyan"),
    "file": (_render_file, "yellow"),
    "tool": (_render_tool, "blue"),
    "codex": (_render_codex, "green"),
    "ask": (_render_codex, "bright_yellow"),
}


def _outcome(data: Mapping[str, Any]) -> Text:
    """Return exit code or status, and duration, as far as the server sent them."""
    status, code, milliseconds = data.get("status"), data.get("exitCode"), data.get("durationMs")
    parts: list[Text] = []
    if isinstance(code, int):
        parts.append(Text(f"exit {code}", "red" if code else "green"))
    elif isinstance(status, str) and status != "completed":
        parts.append(Text(clean_text(status), "red"))
    if isinstance(milliseconds, int) and milliseconds >= _SHORTEST_SHOWN:
        parts.append(Text(duration(milliseconds / 1000), "dim"))
    return Text(" · ").join(parts)


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [element for element in value if isinstance(element, Mapping)] if isinstance(value, list) else []
