"""What may be printed: text that cannot steer a terminal, and text that can be shown to others."""

from __future__ import annotations

import sys

from codex_trio._redaction import LocalNames, redact


def printable(text: str) -> str:
    """Return text with what is not to be seen spelt out: escape sequences, and what turns the direction of writing."""
    return "".join(one if one.isprintable() or one in "\n\t" else ascii(one)[1:-1] for one in text)


def tell(text: str) -> None:
    """Print to stderr what is no answer of Codex, but for the person."""
    print(printable(text), file=sys.stderr, flush=True)


def shareable(text: str) -> str:
    """Return text that can be shown to others: without what looks like a secret, and without home folders and host names."""
    return LocalNames.here().hide_in_text(redact(text))


def seconds(number: float) -> str:
    """Return a duration as a person would say it."""
    return f"{number:.1f}".removesuffix(".0") + " s"
