"""Text of the server, made fit for a terminal: it cannot steer it, and what is long is shortened."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from markdown_it import MarkdownIt
from rich.highlighter import JSONHighlighter
from rich.markdown import Markdown
from rich.text import Text

_FIRST_LINES, _LAST_LINES = 16, 16  # of a long text
_LONGEST_LINE = 2_000  # characters
_LONGEST_JSON_LINE = 100  # characters
_NOTE = "not bold italic yellow"

_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\)|[ -/]*[0-Z\\^-~])")
# C0 but for tab and line feed; DEL and C1; what turns the direction of writing, or begins a line unseen; half characters.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def clean_text(text: str) -> str:
    """Take out of a text what steers a terminal: escape sequences vanish, and what else cannot be printed is marked.

    Example:
        ``table.add_row(Text(clean_text(step.text)))``
    """
    return _UNSAFE.sub("\ufffd", _ESCAPE.sub("", with_line_feeds(text)))


def one_line(text: str) -> str:
    """Do as `clean_text`, and put all on one line."""
    return " ".join(clean_text(text).split())


def with_line_feeds(text: str) -> str:
    """End each line with a line feed, and so, too, each state of a progress bar: nothing is overwritten unseen."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def shortened(text: str, style: str = "", style_of: Callable[[str], str] | None = None) -> Text:
    """Return cleaned text, without its middle if it is long.

    Args:
        text: Of the server.
        style: Of all of it.
        style_of: Tells the style of a line.
    """
    lines = with_line_feeds(text).rstrip("\n").split("\n")
    left_out = max(0, len(lines) - _FIRST_LINES - _LAST_LINES)
    drawn = Text(style=style)
    for number, line in enumerate(lines):
        if left_out > 1 and number == _FIRST_LINES:  # a note takes a line, too
            drawn.append(f"\n… {left_out:,} lines are not shown …", _NOTE)
        if left_out <= 1 or number < _FIRST_LINES or number >= len(lines) - _LAST_LINES:
            _append_line(drawn.append("\n") if number else drawn, line, style_of)
    return drawn


def _append_line(drawn: Text, line: str, style_of: Callable[[str], str] | None) -> None:
    drawn.append(clean_text(line[:_LONGEST_LINE]), style_of(line) if style_of else None)
    if (more := len(line) - _LONGEST_LINE) > 0:
        drawn.append(f" … {more:,} characters are not shown …", _NOTE)


def dumped(data: object) -> Text:
    """Return JSON, on one line if it is short, shortened as text is if it is long."""
    written = json.dumps(data, ensure_ascii=False, default=str)
    if len(written) > _LONGEST_JSON_LINE:
        written = json.dumps(data, ensure_ascii=False, default=str, indent=2)
    text = shortened(written)
    JSONHighlighter().highlight(text)
    return text


class Prose(Markdown):
    """Markdown of the server. Tags are text like any other, and a link shows where it leads.

    Rich's own drops tags with what they hide (``List<str>``), and puts links where nobody sees them.
    """

    def __init__(self, text: str, style: str = "none") -> None:
        super().__init__("", code_theme="ansi_dark", hyperlinks=False, style=style)
        self.markup = clean_text(text)
        self.parsed = MarkdownIt("commonmark", {"html": False}).enable(["strikethrough", "table"]).parse(self.markup)
