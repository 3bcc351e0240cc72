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
    try:
        seconds = float(timeout) if isinstance(timeout, (int, float)) else math.nan
    except OverflowError:
        seconds = math.nan
    if math.isnan(seconds) or seconds <= 0:
        raise ValueError(f"{name} must be a positive number of seconds, math.inf or None, not {timeout!r}")
    return seconds
