"""`faulty`: wrap a transport and add disconnects, delays and corrupt messages."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence

import trio

from .._transports.wrapper import TransportWrapper
from ..abc import Transport
from ..errors import CodexTransportError

Corrupt = Callable[[bytes], bytes]

_CORRUPTED = b'{"corrupted'


def faulty(
    transport: Transport,
    *,
    disconnect_after: int | Sequence[int | None] | None = None,
    delay: float = 0.0,
    corrupt: int | Corrupt | None = None,
    send_delay: float = 0.0,
) -> Transport:
    """Wrap a transport and add faults, to test how a program copes with them.

    Delays use Trio's clock. With a mock clock, over a `ScriptedAppServer` or a replay, they take no real time.

    Args:
        transport: Carries the messages. The wrapper opens and closes it.
        disconnect_after: Disconnect after this many messages from the server. Those messages are delivered, later ones
            are not. An int applies to the first connection only. A sequence has one entry per connection; `None`
            means no disconnect.
        delay: Seconds by which everything from the server is delayed, including a disconnect.
        corrupt: Replace every n-th message from the server with a line that is not valid JSON. Alternatively, a function
            that takes each message from the server and returns its replacement.
        send_delay: Seconds that each `send` waits before it writes, as with a full pipe.

    Raises:
        ValueError: A number is out of range.

    Example:
        ``open_codex_client(faulty(ScriptedAppServer(nursery).transport(), disconnect_after=[20, 5]), reconnect=True)``:
        the server has a nursery, so its turns outlive a connection.
    """
    limits = (
        [disconnect_after] if isinstance(disconnect_after, int) or disconnect_after is None else list(disconnect_after)
    )
    if any(limit is not None and limit < 0 for limit in limits):
        raise ValueError(f"disconnect_after must be 0 or more, for each connection, not {disconnect_after!r}")
    if isinstance(corrupt, int) and corrupt < 1:
        raise ValueError(f"corrupt must be 1 or more, or a function, not {corrupt!r}")
    for name, seconds in (("delay", delay), ("send_delay", send_delay)):
        if not 0 <= seconds < math.inf:
            raise ValueError(f"{name} must be a finite number of seconds, 0 or more, not {seconds!r}")
    if isinstance(corrupt, int):
        corrupt = _corrupt_every(corrupt)
    return _FaultyTransport(transport, limits, delay, corrupt, send_delay)


def _corrupt_every(number: int) -> Corrupt:
    count = 0

    def corrupt(message: bytes) -> bytes:
        nonlocal count
        count += 1
        return message if count % number else _CORRUPTED

    return corrupt


class _FaultyTransport(TransportWrapper):
    """The transport that `faulty` returns."""

    def __init__(
        self,
        inner: Transport,
        limits: Sequence[int | None],
        delay: float,
        corrupt: Corrupt | None,
        send_delay: float,
    ) -> None:
        super().__init__(inner)
        self._limits = deque(limits)
        self._delay = delay
        self._corrupt = corrupt
        self._send_delay = send_delay
        self._remaining: float = math.inf  # messages until the disconnect
        self._reason = ""
        self._delayed: _DelayedReceiver | None = None

    async def open(self, nursery: trio.Nursery) -> None:
        """Open the wrapped transport. See `Transport.open`."""
        await super().open(nursery)
        limit = self._limits.popleft() if self._limits else None
        self._remaining = math.inf if limit is None else limit
        self._reason = f"lost the server ({self.describe()}): disconnected after {limit} messages by faulty()"
        if self._delay:
            self._delayed = _DelayedReceiver(self._inner, self._delay)
            nursery.start_soon(self._delayed.run, name="codex_trio delays the server")

    async def send(self, messages: Sequence[bytes]) -> None:
        """Write messages after the delay. See `Transport.send`."""
        if self._send_delay:
            await trio.sleep(self._send_delay)
        if not self._remaining:
            raise CodexTransportError(self._reason)
        await super().send(messages)

    async def receive(self) -> Sequence[bytes | bytearray]:
        """Wait for messages and corrupt them. See `Transport.receive`."""
        if not self._remaining:
            await trio.lowlevel.checkpoint()
            raise CodexTransportError(self._reason)
        lines = list(await (super().receive() if self._delayed is None else self._delayed.receive()))
        if len(lines) > self._remaining:
            del lines[int(self._remaining) :]
        self._remaining -= len(lines)
        return lines if self._corrupt is None else [self._corrupt(bytes(line)) for line in lines]

    async def aclose(self) -> None:
        """Close the wrapped transport. See `Transport.aclose`."""
        delayed, self._delayed = self._delayed, None
        if delayed is not None:
            await delayed.aclose()
        await super().aclose()


class _DelayedReceiver:
    """Delays each message by a fixed time, without accumulating."""

    def __init__(self, inner: Transport, delay: float) -> None:
        self._inner = inner
        self._delay = delay
        self._queue: deque[tuple[float, Sequence[bytes | bytearray] | CodexTransportError]] = deque()
        self._arrived = trio.lowlevel.ParkingLot()
        self._scope = trio.CancelScope()
        self._finished = trio.Event()

    @trio.lowlevel.enable_ki_protection
    async def run(self) -> None:
        """Read from the wrapped transport until it disconnects or `aclose` is called."""
        try:
            with self._scope:
                while True:
                    self._put(self._delay, await self._inner.receive())
        except CodexTransportError as exc:
            self._put(self._delay, exc)
        finally:
            self._finished.set()

    def _put(self, delay: float, received: Sequence[bytes | bytearray] | CodexTransportError) -> None:
        self._queue.append((trio.current_time() + delay, received))
        self._arrived.unpark_all()

    async def receive(self) -> Sequence[bytes | bytearray]:
        """Return the next messages when they are due. See `Transport.receive`."""
        while not self._queue:
            await self._arrived.park()
        due, received = self._queue[0]
        await trio.sleep_until(due)
        if isinstance(received, CodexTransportError):
            raise received.fresh()
        self._queue.popleft()
        return received

    async def aclose(self) -> None:
        """Stop reading. A waiting `receive` raises."""
        self._scope.cancel()
        with trio.CancelScope(shield=True):  # the task ends at once
            await self._finished.wait()
        self._put(0.0, CodexTransportError("the transport was closed"))
