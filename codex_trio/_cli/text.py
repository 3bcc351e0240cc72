"""What may be printed: text that cannot steer a terminal or pass for ours, and text that can be shown to others."""

from __future__ import annotations

import sys
from typing import TextIO

from codex_trio._redaction import LocalNames, redact
from codex_trio.text import clean_text

from .arguments import is_terminal
from .screen import Screen


def say(text: str) -> None:
    """Print to stdout, as `shown` has it."""
    print(shown(text, sys.stdout), flush=True)


def tell(text: str) -> None:
    """Print to stderr what is not an answer of Codex, but for the person; as `shown` has it."""
    print(shown(text, sys.stderr), file=sys.stderr, flush=True)


def shown(text: str, stream: TextIO, *, indent: str = "    ", keep_emoji: bool = False) -> str:
    """Return a text that begins with a word of ours, made fit for a stream.

    Whatever comes after the first row is indented, be it a line of its own or the rest of a long one on a terminal. So
    nothing in it can pass for another line of ours.

    Args:
        text: Ours with that of others in it.
        stream: Where it is going to be printed.
        indent: Deeper than all that is ours.
        keep_emoji: As of `clean_text`.
    """
    first, *others = clean_text(text, indent="", keep_emoji=keep_emoji).split("\n")
    if not is_terminal(stream):
        return "\n".join([first, *(f"{indent}{line}" for line in others)])
    screen = Screen.of(stream)
    rows = screen.rows(first, "", indent)
    return "\n".join(rows + [row for line in others for row in screen.rows(line, indent, indent)])


def shareable(text: str) -> str:
    """Return text that can be shown to others: without what looks like a secret, and without home folders and host names."""
    return LocalNames.here().hide_in_text(redact(text))


def seconds(number: float) -> str:
    """Return a duration as a person would say it."""
    return f"{number:.1f}".removesuffix(".0") + " s"
