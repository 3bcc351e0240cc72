"""Cancel a task after a given number of its steps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import trio


class CancelAfterSteps(trio.abc.Instrument):
    """Cancels a scope once its task has run so many times; 0: at once."""

    def __init__(self, scope: trio.CancelScope, steps: int) -> None:
        self._task = trio.lowlevel.current_task()
        self._scope = scope
        self._steps_left = steps
        self.fired_at: float | None = None
        self._fire_if_due()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        if task is self._task:
            self._steps_left -= 1
            self._fire_if_due()

    @property
    def is_caught(self) -> bool:
        """Whether the body was cut short."""
        return self._scope.cancelled_caught

    def _fire_if_due(self) -> None:
        if self._steps_left == 0:
            self.fired_at = trio.current_time()
            self._scope.cancel()


@contextmanager
def cancelled_after(steps: int) -> Iterator[CancelAfterSteps]:
    """Cancel the body once the calling task has run so many times in it."""
    with trio.CancelScope() as scope:
        instrument = CancelAfterSteps(scope, steps)
        trio.lowlevel.add_instrument(instrument)
        try:
            yield instrument
        finally:
            trio.lowlevel.remove_instrument(instrument)
