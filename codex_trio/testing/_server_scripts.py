"""Which script a turn of the scripted app-server gets."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from ._script import Step, say


class Scripts:
    """Scripts by prompt, scripts in a queue, and the script for want of any other."""

    def __init__(self) -> None:
        self._queue: deque[Sequence[Step]] = deque()
        self._rules: list[tuple[Callable[[str], bool], Sequence[Step]]] = []
        self.default: Sequence[Step] = (say("ok"),)

    def queue(self, steps: Sequence[Step]) -> None:
        """Add the script of one turn."""
        self._queue.append(steps)

    def add_rule(self, prompt: str | Callable[[str], bool], steps: Sequence[Step]) -> None:
        """Add the script of every turn whose prompt contains `prompt`, or for which that is true."""
        self._rules.append(((lambda text: prompt in text) if isinstance(prompt, str) else prompt, steps))

    def of_turn(self, prompt: str) -> Sequence[Step]:
        """Return the script of a new turn, and take it from the queue if it is from there."""
        by_prompt = self.of_prompt(prompt)
        if by_prompt is not None:
            return by_prompt
        return self._queue.popleft() if self._queue else self.default

    def of_prompt(self, prompt: str) -> Sequence[Step] | None:
        """Return the script that a rule has for this prompt; of several, the first."""
        return next((steps for matches, steps in self._rules if matches(prompt)), None)
