"""Limits that a user sets of a transport, checked before anything is opened."""

from __future__ import annotations

import math


def check_limits(**limits: float) -> None:
    """Raise unless each is a positive number.

    Raises:
        TypeError: One is no number.
        ValueError: One is not positive.
    """
    for name, limit in limits.items():
        if not isinstance(limit, (int, float)):
            raise TypeError(f"{name} must be a positive number, not {limit!r}")
        if math.isnan(limit) or limit <= 0:
            raise ValueError(f"{name} must be positive, not {limit!r}")
