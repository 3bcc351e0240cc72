"""Calls that run in another task."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

import outcome
import trio

T = TypeVar("T")
Message = dict[str, Any]


class Background(Generic[T]):
    """A call in another task."""

    def __init__(self, nursery: trio.Nursery, async_fn: Callable[..., Awaitable[T]], *args: Any, **named: Any) -> None:
        self.is_done = False
        self._done = trio.Event()
        nursery.start_soon(self._run, async_fn, args, named)

    async def _run(self, async_fn: Callable[..., Awaitable[T]], args: Sequence[Any], named: Message) -> None:
        self._outcome = await outcome.acapture(async_fn, *args, **named)
        self.is_done = True
        self._done.set()

    async def result(self) -> T:
        """Return what the call returned, or raise what it raised."""
        await self._done.wait()
        return self._outcome.unwrap()
