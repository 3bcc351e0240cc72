"""What may be printed: text that cannot steer a terminal, and text without secrets."""

from __future__ import annotations

import re
import sys

_SECRET = re.compile(
    r"(?i)(bearer\s+|\bsk-|\beyJ|--[a-z-]*(?:key|token|secret|password)[\s=]\s*"
    r"|(?:key|token|secret|password)[\"']?\s*[=:]\s*[\"']?)[^\s\"',;)]{4,}"
)


def printable(text: str) -> str:
    """Return text with what is not to be seen spelt out: escape sequences, and what turns the direction of writing."""
    return "".join(one if one.isprintable() or one in "\n\t" else ascii(one)[1:-1] for one in text)


def tell(text: str) -> None:
    """Print to stderr what is no answer of Codex, but for the person."""
    print(printable(text), file=sys.stderr, flush=True)


def without_secrets(text: str) -> str:
    """Mask what looks like a secret."""
    return _SECRET.sub(r"\1***", text)


def seconds(number: float) -> str:
    """Return a duration as a person would say it."""
    return f"{number:.1f}".removesuffix(".0") + " s"
