"""Parse Google-style docstrings: the description of a function and of its arguments."""

from __future__ import annotations

import inspect
import re

_SECTION = (
    r"(Args|Arguments|Parameters|Returns?|Yields?|Raises|Examples?|Notes?|Attributes|Cancellation|Warnings?):\s*$"
)
_ENTRY = r"\*{0,2}(\w+)\s*(?:\([^)]*\))?:\s*(.*)$"


def parse_docstring(text: str | None) -> tuple[str, dict[str, str]]:
    """Return the description, and the description of each argument by its name."""
    lines = inspect.cleandoc(text or "").splitlines()
    description: list[str] = []
    entries: list[str] = []
    target: list[str] | None = description
    for line in lines:
        if section := re.match(_SECTION, line):
            target = entries if section[1] in ("Args", "Arguments", "Parameters") else None
        elif target is entries and line and not line[0].isspace():
            target = None
        elif target is not None:
            target.append(line)
    return "\n".join(description).strip(), _parse_entries(entries)


def _parse_entries(lines: list[str]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    margin = min((_indent(line) for line in lines if line.strip()), default=0)
    current: list[str] = []
    for line in lines:
        entry = re.match(_ENTRY, line.strip()) if _indent(line) == margin else None
        if entry is not None:
            current = found[entry[1]] = [entry[2]]
        elif line.strip():
            current.append(line.strip())
    return {name: " ".join(parts).strip() for name, parts in found.items()}


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
