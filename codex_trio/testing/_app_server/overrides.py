"""What a test tells the scripted app-server to answer, instead of what it would do by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._wire_shapes import Message, RpcError

Replier = Callable[[Message], Any]


class Countdown:
    """Something that applies a number of times, or always."""

    def __init__(self, left: int | None) -> None:
        self._left = left

    def take(self) -> bool:
        """Say whether it applies once more, and count that."""
        if self._left is None:
            return True
        self._left -= 1
        return self._left >= 0


class Overrides:
    """Answers by method. See the methods of `ScriptedAppServer` of the same names."""

    def __init__(self) -> None:
        self.repliers: dict[str, Replier] = {}
        self._refusals: dict[str, tuple[RpcError, Countdown]] = {}
        self._ignored: dict[str, Countdown] = {}

    def reply(self, method: str, result: object) -> None:
        self.repliers[method] = result if callable(result) else lambda params: result

    def fail_next(self, method: str, refusal: RpcError, times: int | None) -> None:
        self._refusals[method] = refusal, Countdown(times)

    def ignore(self, method: str, times: int | None) -> None:
        self._ignored[method] = Countdown(times)

    def ignores(self, method: str) -> bool:
        """Whether the next call of a method is not answered; it counts as one."""
        return method in self._ignored and self._ignored[method].take()

    def refusal_of(self, method: str) -> RpcError | None:
        """Return how the next call of a method is refused, if it is; it counts as one."""
        refusal, times = self._refusals.get(method, (None, Countdown(0)))
        return refusal if times.take() else None
