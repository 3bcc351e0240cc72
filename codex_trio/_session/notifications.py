"""Events that belong to no turn of this client. Streams buffer them up to a limit, so publishing never waits."""

from __future__ import annotations

from collections import deque
from types import TracebackType
from weakref import WeakSet

import trio

from .._public_call import public_call
from .._wire.messages import Notice
from ..errors import CodexTransportError
from ..models import Notification

_KEPT = 1_000  # events
_KEPT_SIZE = 64 * 2**20  # total bytes of the events, as the server sent them


class _Kept:
    """A buffer of the newest events, limited in number and in bytes."""

    def __init__(self) -> None:
        self._events: deque[tuple[Notification, int]] = deque()
        self._size = 0

    def __len__(self) -> int:
        return len(self._events)

    def push(self, event: Notification, size: int) -> int:
        """Add an event. Return how many old events were dropped to make room."""
        self._events.append((event, size))
        self._size += size
        dropped = 0
        while len(self._events) > _KEPT or (self._size > _KEPT_SIZE and len(self._events) > 1):
            self.pop()
            dropped += 1
        return dropped

    def pop(self) -> Notification:
        """Remove and return the oldest event."""
        event, size = self._events.popleft()
        self._size -= size
        return event


class NotificationStream:
    """A stream of the events that belong to no turn of this client, from `CodexClient.notifications`.

    Use it with ``async for``. Iteration raises `CodexTransportError` when the connection has ended for good.

    Attributes:
        dropped: The number of events that this stream dropped because they were not read in time. The stream keeps the
            newest 1,000 unread events, and at most 64 MiB of them.

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

    @public_call
    async def __anext__(self) -> Notification:
        """Wait for the next event.

        Raises:
            CodexTransportError: The connection has ended for good, and all earlier events have been read.
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

    @public_call
    async def aclose(self) -> None:
        """Close the stream. Tasks that wait for an event raise `trio.ClosedResourceError`. Idempotent.

        Cancellation: The stream is closed even if this is cancelled.
        """
        self._is_closed = True
        self._hub.streams.discard(self)
        self.wake()
        await trio.lowlevel.checkpoint()

    @public_call
    async def __aenter__(self) -> NotificationStream:
        await trio.lowlevel.checkpoint()
        return self

    @public_call
    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def push(self, event: Notification, size: int) -> int:
        """Add an event. Return how many old events were dropped to make room."""
        dropped = self._events.push(event, size)
        self.dropped += dropped
        self.wake()
        return dropped

    def wake(self) -> None:
        """Wake all tasks that wait for an event, so that they check the state again."""
        self._news.unpark_all()


class NotificationBroadcaster:
    """Sends each event to all open streams. While no stream is open, keeps the newest events for the next stream.

    Attributes:
        streams: The open streams.
        loss: The error that streams raise, once the connection has ended for good.
        dropped: The number of events dropped because they were not read in time. An event that two streams dropped
            counts twice.
    """

    def __init__(self) -> None:
        self.streams: WeakSet[NotificationStream] = WeakSet()
        self.loss: CodexTransportError | None = None
        self.dropped = 0
        self._backlog = _Kept()

    def open(self) -> NotificationStream:
        """Return a new stream. It starts with the events that were kept while no stream was open."""
        backlog, self._backlog = self._backlog, _Kept()
        stream = NotificationStream(self, backlog)
        self.streams.add(stream)
        return stream

    def publish(self, notice: Notice) -> None:
        """Send an event to all open streams, or keep it if there are none. Runs in the reader task."""
        event = Notification(notice.method, notice.params, notice.raw)
        if not self.streams:
            self.dropped += self._backlog.push(event, notice.size)
        for stream in self.streams:
            self.dropped += stream.push(event, notice.size)

    def fail(self, error: CodexTransportError) -> None:
        """Let all streams raise `error`, after the events that they still have."""
        self.loss = error
        for stream in self.streams:
            stream.wake()
