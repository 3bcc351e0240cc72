"""`LossCounter`: count the connections that were lost during each request, because one thread can cause every loss."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Iterator
from contextlib import contextmanager

from ..errors import CodexTransportError

_MAX_REMEMBERED = 1_024  # requests
_HOPELESS = 20  # consecutive losses

Job = Callable[[], Awaitable[object]]


class LossCounter:
    """Counts, for each request, how many consecutive connections were lost during it.

    A key identifies a request, such as the one for the history of a turn, across all its attempts.
    """

    def __init__(self) -> None:
        self._losses: dict[Hashable, int] = {}

    def losses(self, key: Hashable) -> int:
        """Return how many consecutive connections were lost during this request."""
        return self._losses.get(key, 0)

    def is_hopeless(self, key: Hashable) -> bool:
        """Whether to abandon the request, even if there is time for another attempt."""
        return self.losses(key) >= _HOPELESS

    @contextmanager
    def blaming(self, key: Hashable) -> Iterator[None]:
        """Count a connection that is lost in the body. If none is lost, reset the count."""
        try:
            yield
        except CodexTransportError:
            # `pop` moves the key to the end, so that the oldest key is removed when there are too many.
            self._losses[key] = self._losses.pop(key, 0) + 1
            if len(self._losses) > _MAX_REMEMBERED:
                del self._losses[next(iter(self._losses))]
            raise
        self._losses.pop(key, None)

    async def ask(self, key: Hashable, job: Job) -> None:
        """Run a job in `blaming`."""
        with self.blaming(key):
            await job()

    def forget(self, key: Hashable) -> None:
        """Remove the count of a request that will not be sent again."""
        self._losses.pop(key, None)
