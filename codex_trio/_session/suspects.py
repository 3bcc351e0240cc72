"""`LossCounter`: count the lost connections for each request, because one thread can cause all the losses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Iterator
from contextlib import contextmanager

from ..errors import CodexTransportError

_MAX_REMEMBERED = 1_024
_HOPELESS = 20  # losses in a row

Job = Callable[[], Awaitable[object]]


class LossCounter:
    """Counts consecutive losses of the connection during a request, such as one for the history of a turn."""

    def __init__(self) -> None:
        self._losses: dict[Hashable, int] = {}

    def losses(self, key: Hashable) -> int:
        """Return how many connections in a row were lost during this request."""
        return self._losses.get(key, 0)

    def is_hopeless(self, key: Hashable) -> bool:
        """Whether the request is to be abandoned, even if there is time for another attempt."""
        return self.losses(key) >= _HOPELESS

    @contextmanager
    def blaming(self, key: Hashable) -> Iterator[None]:
        """Count a loss of the connection in the body; reset the count if there is none."""
        try:
            yield
        except CodexTransportError:
            self._losses[key] = self._losses.pop(key, 0) + 1
            if len(self._losses) > _MAX_REMEMBERED:
                del self._losses[next(iter(self._losses))]
            raise
        self._losses.pop(key, None)

    async def ask(self, key: Hashable, job: Job) -> None:
        """Run a job, and count a loss of the connection in it."""
        with self.blaming(key):
            await job()

    def forget(self, key: Hashable) -> None:
        """Reset the count, because the request will not be sent again."""
        self._losses.pop(key, None)
