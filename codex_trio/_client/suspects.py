"""`Suspects`: what was being asked for when connections were lost. One thread can be the cause of all the losses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Iterator
from contextlib import contextmanager

from ..errors import CodexTransportError

_REMEMBERED = 1_024
_HOPELESS = 20  # losses in a row

Job = Callable[[], Awaitable[object]]


class Suspects:
    """How many losses in a row came while something was being asked for, such as the history of a turn."""

    def __init__(self) -> None:
        self._losses: dict[Hashable, int] = {}

    def losses(self, key: Hashable) -> int:
        """Return how many losses in a row came over this."""
        return self._losses.get(key, 0)

    def is_hopeless(self, key: Hashable) -> bool:
        """Whether it is to be given up, even if there is time to try again."""
        return self.losses(key) >= _HOPELESS

    @contextmanager
    def blaming(self, key: Hashable) -> Iterator[None]:
        """Count a loss of the connection in the body; forget the earlier ones if it gets through."""
        try:
            yield
        except CodexTransportError:
            self._losses[key] = self._losses.pop(key, 0) + 1
            if len(self._losses) > _REMEMBERED:
                del self._losses[next(iter(self._losses))]
            raise
        self._losses.pop(key, None)

    async def ask(self, key: Hashable, job: Job) -> None:
        """Do a job, and count a loss of the connection in it."""
        with self.blaming(key):
            await job()

    def forget(self, key: Hashable) -> None:
        """Count no more, as it is not asked for again."""
        self._losses.pop(key, None)
