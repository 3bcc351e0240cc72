"""Print untrusted text safely, and remove private information from text."""

from __future__ import annotations

import sys
from typing import TextIO

from codex_trio._local_names import LocalNames
from codex_trio._redaction import redact
from codex_trio.text import clean_text

from .arguments import is_terminal
from .screen import Screen


def say(text: str) -> None:
    """Print to stdout, formatted by `shown`."""
    print(shown(text, sys.stdout), flush=True)


def tell(text: str) -> None:
    """Print to stderr, formatted by `shown`: messages of the program, not answers of Codex."""
    print(shown(text, sys.stderr), file=sys.stderr, flush=True)


def shown(text: str, stream: TextIO, *, indent: str = "    ", keep_emoji: bool = False) -> str:
    """Clean a message that begins with the program's own words and contains untrusted text.

    Every row but the first is indented: further lines, and on a terminal also the rest of a long line. So no row of the
    untrusted text can be mistaken for another message.

    Args:
        text: The message.
        stream: The stream that it will be printed to.
        indent: Deeper than any message of the program.
        keep_emoji: As in `clean_text`.
    """
    first, *others = clean_text(text, indent="", keep_emoji=keep_emoji).split("\n")
    if not is_terminal(stream):
        return "\n".join([first, *(f"{indent}{line}" for line in others)])
    screen = Screen.of(stream)
    rows = screen.rows(first, "", indent)
    return "\n".join(rows + [row for line in others for row in screen.rows(line, indent, indent)])


def shareable(text: str) -> str:
    """Return text without what looks like a secret, and without home folders and host names, so that it can be shared."""
    return LocalNames.here().hide_in_text(redact(text))


def seconds(number: float) -> str:
    """Return a duration as a person would say it."""
    return f"{number:.1f}".removesuffix(".0") + " s"
