"""Lenient reading of JSON: a value that does not have the expected type becomes an empty value of that type, or `None`."""

from __future__ import annotations

from typing import Any


def as_text(value: object) -> str:
    """Return a string; empty if the value is not one."""
    return value if isinstance(value, str) else ""


def as_int(value: object) -> int | None:
    """Return an integer; `None` if the value is not one. JSON's ``true`` and ``false`` are not integers."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def as_object(value: object) -> dict[str, Any]:
    """Return a JSON object; empty if the value is not one."""
    return value if isinstance(value, dict) else {}


def as_objects(value: object) -> list[dict[str, Any]]:
    """Return the objects of an array; other elements are left out, and the list is empty if it is not an array."""
    return [element for element in value if isinstance(element, dict)] if isinstance(value, list) else []


def as_texts(value: object) -> list[str]:
    """Return the strings of an array; other elements are left out, and the list is empty if it is not an array."""
    return [element for element in value if isinstance(element, str)] if isinstance(value, list) else []


def shown(value: object) -> str:
    """Return ``repr`` of a value, or a note in its place if it is nested too deeply for that."""
    try:
        return repr(value)
    except RecursionError:  # the depth comes from the server
        return "(nested too deeply to be shown)"
