"""What a user passes in, checked before anything is sent."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def turn_params(text: str, user: str | None, metadata: Mapping[str, str] | None) -> dict[str, Any]:
    """Return the parameters of `turn/start`, but for the thread.

    Raises:
        TypeError: Something is not text that should be; the message names it.
    """
    if not isinstance(text, str):
        raise TypeError(f"text must be a str, not {type(text).__name__}")
    entries = dict(metadata or {}) if user is None else {"user": user, **(metadata or {})}
    for name, value in entries.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise TypeError(f"metadata holds text by name; {name!r} is {value!r}")
    params: dict[str, Any] = {"input": [{"type": "text", "text": text}]}
    if entries:
        params["responsesapiClientMetadata"] = entries
    return params


def patience_of(timeout: float | None, name: str) -> float:
    """Return a timeout in seconds, `math.inf` for `None`.

    Raises:
        ValueError: It is not a positive number.
    """
    if timeout is None:
        return math.inf
    if not isinstance(timeout, (int, float)) or math.isnan(timeout) or timeout <= 0:
        raise ValueError(f"{name} must be a positive number of seconds, math.inf or None, not {timeout!r}")
    return timeout
