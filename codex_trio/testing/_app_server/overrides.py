"""Responses that a test has set for methods of the scripted app-server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._wire_shapes import Message, RpcError

Replier = Callable[[Message], Any]


class Countdown:
    """A number of times that something applies; `None` means always."""

    def __init__(self, remaining: int | None) -> None:
        self._remaining = remaining

    def take(self) -> bool:
        """Count down. Return whether it applied."""
        if self._remaining is None:
            return True
        self._remaining -= 1
        return self._remaining >= 0


class Overrides:
    """Overrides by method. See the `ScriptedAppServer` methods with the same names."""

    def __init__(self) -> None:
        self._repliers: dict[str, Replier] = {}
        self._refusals: dict[str, tuple[RpcError, Countdown]] = {}
        self._ignored: dict[str, Countdown] = {}

    def reply(self, method: str, result: object) -> None:
        self._repliers[method] = result if callable(result) else lambda params: result

    def fail_next(self, method: str, refusal: RpcError, times: int | None) -> None:
        self._refusals[method] = refusal, Countdown(times)

    def ignore(self, method: str, times: int | None) -> None:
        self._ignored[method] = Countdown(times)

    def reset(self, method: str) -> None:
        for overrides in (self._repliers, self._refusals, self._ignored):
            overrides.pop(method, None)

    def replier_of(self, method: str) -> Replier | None:
        return self._repliers.get(method)

    def ignores(self, method: str) -> bool:
        """Return whether to ignore this request of a method, and count it."""
        return method in self._ignored and self._ignored[method].take()

    def refusal_of(self, method: str) -> RpcError | None:
        """Return the error for this request of a method, or `None`, and count it."""
        refusal, remaining = self._refusals.get(method, (None, Countdown(0)))
        return refusal if remaining.take() else None
