"""`CtrlC`: what Ctrl-C does at the moment."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

import trio


class CtrlC:
    """Leaves the program, unless somebody has taken Ctrl-C over.

    Args:
        nursery: Of the whole program; cancelled to leave it.

    Attributes:
        was_pressed: Since it was taken over.
    """

    def __init__(self, nursery: trio.Nursery) -> None:
        self.nursery = nursery
        self._action: Callable[[], object] | None = None
        self.was_pressed = False

    async def listen(self, presses: AsyncIterator[int]) -> None:
        """Act on each press of it."""
        async for _ in presses:
            # Taken over once: whoever presses it again does not want to wait.
            action, self._action, self.was_pressed = self._action, None, True
            if action is None:
                self.nursery.cancel_scope.cancel()
            else:
                action()

    @contextmanager
    def calls(self, action: Callable[[], object]) -> Iterator[None]:
        """Let the next press call `action`, for the length of the body."""
        self._action, self.was_pressed = action, False
        try:
            yield
        finally:
            self._action = None
