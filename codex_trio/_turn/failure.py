"""`Failure`: what a handler raised, on its way to whoever consumes the turn."""

from __future__ import annotations

import trio


class Failure:
    """An exception that is to be raised from the call that waits for a turn.

    Attributes:
        error: The exception.
        is_raised: It was.
        settled: It was, or nobody is left to raise it from.
    """

    def __init__(self, error: BaseException) -> None:
        self.error = error
        self.is_raised = False
        self.settled = trio.Event()

    def raise_once(self) -> None:
        """Raise it, unless that was done."""
        if not self.settled.is_set():
            self.is_raised = True
            self.settled.set()
            raise self.error
