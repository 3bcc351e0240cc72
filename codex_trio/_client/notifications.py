"""Events that belong to no turn of this client: kept for whoever asks, up to a bound; never waited for."""

from __future__ import annotations

from collections import deque
from types import TracebackType
from weakref import WeakSet

import trio

from .._protocol.messages import Notice
from ..errors import CodexTransportError
from ..models import Notification

_KEPT = 1_000  # events


class NotificationStream:
    """``async for event in client.notifications()``. Ends with `CodexTransportError` when the connection does.

    Attributes:
        dropped: How many events this stream lost because nobody read them in time: the oldest of over 1,000.

    Example:
        ``async with client.notifications() as events: first = await anext(events)``
    """

    def __init__(self, hub: NotificationHub, backlog: deque[Notification]) -> None:
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
                return self._events.popleft()
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

    def push(self, event: Notification) -> int:
        """Take an event; return how many had to go for it."""
        lost = int(len(self._events) == _KEPT)
        self.dropped += lost
        self._events.append(event)
        self.wake()
        return lost

    def wake(self) -> None:
        """Let the readers look again."""
        self._news.unpark_all()


class NotificationHub:
    """Gives each event to every stream; while there is none, keeps the last 1,000 for the first to come."""

    def __init__(self) -> None:
        self.streams: WeakSet[NotificationStream] = WeakSet()
        self.loss: CodexTransportError | None = None
        self.dropped = 0
        self._backlog: deque[Notification] = deque(maxlen=_KEPT)

    def open(self) -> NotificationStream:
        """Return a stream of the events from now on, and of the backlog."""
        backlog, self._backlog = self._backlog, deque(maxlen=_KEPT)
        stream = NotificationStream(self, backlog)
        self.streams.add(stream)
        return stream

    def publish(self, notice: Notice) -> None:
        """Take an event. Runs in the reader."""
        event = Notification(notice.method, notice.params, notice.raw)
        if not self.streams:
            self.dropped += len(self._backlog) == _KEPT
            self._backlog.append(event)
        for stream in self.streams:
            self.dropped += stream.push(event)

    def lose(self, error: CodexTransportError) -> None:
        """Take the end of the connection."""
        self.loss = error
        for stream in self.streams:
            stream.wake()
