"""What a user passes in, checked before anything is sent."""

from __future__ import annotations

import math


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
