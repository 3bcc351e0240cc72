"""Clean text from the server for Rich, and shorten long text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich.highlighter import JSONHighlighter
from rich.markdown import Markdown
from rich.text import Text

from codex_trio.text import clean_text

_FIRST_LINES, _LAST_LINES = 16, 16  # of a long text
_LONGEST_LINE = 2_000  # characters
_LONGEST_JSON_LINE = 100  # characters
_NOTE = "not bold italic yellow"


def one_line(text: str) -> str:
    """Clean a text and put it on one line."""
    return clean_text(" ".join(text.split()))


def shortened(text: str, style: str = "", style_of: Callable[[str], str] | None = None) -> Text:
    """Return cleaned text, without its middle if it is long.

    Args:
        text: Text from the server; for a command's output, the result of `plain_output`.
        style: The style of the whole text.
        style_of: Returns the style of a line.
    """
    lines = text.rstrip("\n").split("\n")
    left_out = max(0, len(lines) - _FIRST_LINES - _LAST_LINES)
    rendered = Text(style=style)
    for number, line in enumerate(lines):
        if left_out > 1 and number == _FIRST_LINES:  # a note also takes a line
            rendered.append(f"\n… {left_out:,} lines are not shown …", _NOTE)
        if left_out <= 1 or number < _FIRST_LINES or number >= len(lines) - _LAST_LINES:
            _append_line(rendered.append("\n") if number else rendered, line, style_of)
    return rendered


def _append_line(rendered: Text, line: str, style_of: Callable[[str], str] | None) -> None:
    rendered.append(clean_text(line[:_LONGEST_LINE], indent=""), style_of(line) if style_of else None)
    if (more := len(line) - _LONGEST_LINE) > 0:
        rendered.append(f" … {more:,} characters are not shown …", _NOTE)


def dumped(data: object) -> Text:
    """Return highlighted JSON, on one line if it is short. Long JSON is shortened like text."""
    written = json.dumps(data, ensure_ascii=False, default=str)
    if len(written) > _LONGEST_JSON_LINE:
        written = json.dumps(data, ensure_ascii=False, default=str, indent=2)
    text = shortened(written)
    JSONHighlighter().highlight(text)
    return text


class Prose(Markdown):
    """Markdown from the server. HTML tags are shown as text, and links are shown with their target.

    Rich's `Markdown` drops tags, for example in ``List<str>``, and hides the targets of links.
    """

    def __init__(self, text: str, style: str = "none") -> None:
        super().__init__("", code_theme="ansi_dark", hyperlinks=False, style=style)
        self.parsed = MarkdownIt("commonmark", {"html": False}).enable(["strikethrough", "table"]).parse(text)
        _clean(self.parsed)


def _clean(tokens: Iterable[Token]) -> None:
    """Clean the tokens of parsed Markdown. In its source, characters may be hidden, as ``&#8238;`` or ``%1B`` in a link."""
    for token in tokens:
        token.content = clean_text(token.content, indent="", keep_emoji=True)
        token.attrs = {
            name: clean_text(value) if isinstance(value, str) else value for name, value in token.attrs.items()
        }
        _clean(token.children or ())
