"""Events that belong to no turn of this client: kept for whoever asks, up to a bound; never waited for."""

from __future__ import annotations

from collections import deque
from types import TracebackType
from weakref import WeakSet

import trio

from .._wire.messages import Notice
from ..errors import CodexTransportError
from ..models import Notification

_KEPT = 1_000  # events
_KEPT_SIZE = 64 * 2**20  # bytes of them, as the server sent them


class _Kept:
    """The newest events, up to a bound in number and in bytes."""

    def __init__(self) -> None:
        self._events: deque[tuple[Notification, int]] = deque()
        self._size = 0

    def __len__(self) -> int:
        return len(self._events)

    def push(self, event: Notification, size: int) -> int:
        """Take an event; return how many had to go for it."""
        self._events.append((event, size))
        self._size += size
        dropped = 0
        while len(self._events) > _KEPT or (self._size > _KEPT_SIZE and len(self._events) > 1):
            self.pop()
            dropped += 1
        return dropped

    def pop(self) -> Notification:
        """Return the oldest event."""
        event, size = self._events.popleft()
        self._size -= size
        return event


class NotificationStream:
    """``async for event in client.notifications()``. Ends with `CodexTransportError` when the connection does.

    Attributes:
        dropped: How many events this stream lost because nobody read them in time: the oldest of over
            1,000, or of over 64 MiB.

    Example:
        ``async with client.notifications() as events: first = await anext(events)``
    """

    def __init__(self, hub: NotificationBroadcaster, backlog: _Kept) -> None:
        self._hub = hub
        self._events = backlog
        self._news = trio.lowlevel.ParkingLot()
        self._is_closed = False
        self.dropped = 0

    def __aiter__(self) -> NotificationStream:
        return self

    async def __anext__(self) -> Notification:
        """Wait for the next event.

        Raises:
            CodexTransportError: The connection is over, and all that came before was read.
            trio.ClosedResourceError: This stream was closed.

        Cancellation: No event is lost.
        """
        await trio.lowlevel.checkpoint()
        while True:
            if self._is_closed:
                raise trio.ClosedResourceError("this stream of notifications was closed")
            if self._events:
                return self._events.pop()
            if self._hub.loss is not None:
                raise self._hub.loss.fresh()
            await self._news.park()

    async def aclose(self) -> None:
        """Stop listening. Idempotent."""
        self._is_closed = True
        self._hub.streams.discard(self)
        self.wake()
        await trio.lowlevel.checkpoint()

    async def __aenter__(self) -> NotificationStream:
        await trio.lowlevel.checkpoint()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def push(self, event: Notification, size: int) -> int:
        """Take an event; return how many had to go for it."""
        lost = self._events.push(event, size)
        self.dropped += lost
        self.wake()
        return lost

    def wake(self) -> None:
        """Let the readers look again."""
        self._news.unpark_all()


class NotificationBroadcaster:
    """Gives each event to every stream; while there is none, keeps the newest for the first to come."""

    def __init__(self) -> None:
        self.streams: WeakSet[NotificationStream] = WeakSet()
        self.loss: CodexTransportError | None = None
        self.dropped = 0
        self._backlog = _Kept()

    def open(self) -> NotificationStream:
        """Return a stream of the events from now on, and of the backlog."""
        backlog, self._backlog = self._backlog, _Kept()
        stream = NotificationStream(self, backlog)
        self.streams.add(stream)
        return stream

    def publish(self, notice: Notice) -> None:
        """Take an event. Runs in the reader."""
        event = Notification(notice.method, notice.params, notice.raw)
        if not self.streams:
            self.dropped += self._backlog.push(event, notice.size)
        for stream in self.streams:
            self.dropped += stream.push(event, notice.size)

    def lose(self, error: CodexTransportError) -> None:
        """Take the end of the connection."""
        self.loss = error
        for stream in self.streams:
            stream.wake()
