"""`faults`: a transport that does its work badly, in the ways in which transports do."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence

import trio

from .._transports.wrapper import TransportWrapper
from ..abc import Transport
from ..errors import CodexTransportError

Garble = Callable[[bytes], bytes]

_GARBLED = b'{"garbled'


def faults(
    transport: Transport,
    *,
    cut_after: int | Sequence[int | None] | None = None,
    delay: float = 0.0,
    garble: int | Garble | None = None,
    slow_reader: float | None = None,
) -> Transport:
    """Return a transport that works through another one, and has faults. For tests of what a program makes of them.

    Seconds are of Trio's clock, so over a `ScriptedAppServer`, or a replay, and with a mock clock they take no time.

    Args:
        transport: Carries the messages; this one opens and closes it.
        cut_after: Lose the connection after so many messages of the server: those are delivered, and nothing after them.
            A number is for the first connection, and those after it are whole; a sequence has a number for each
            connection in turn, `None` for a whole one.
        delay: Seconds by which everything that the server sends comes later, the loss of the connection, too.
        garble: Put a line that is no JSON in place of every so-many-th message of the server; or a function that is given
            each message of the server, and returns what comes in its place.
        slow_reader: Seconds that messages of the client wait before they are taken, as at a full pipe.

    Raises:
        ValueError: A number is not one that makes sense.

    Example:
        ``open_codex_client(faults(ScriptedAppServer(nursery).transport(), cut_after=[20, 5]), reconnect=True)``: as it
        has a nursery, that server's turns outlive a connection.
    """
    cuts = [cut_after] if isinstance(cut_after, int) or cut_after is None else list(cut_after)
    if any(cut is not None and cut < 0 for cut in cuts):
        raise ValueError(f"cut_after must be numbers of messages, 0 or more, not {cut_after!r}")
    if isinstance(garble, int) and garble < 1:
        raise ValueError(f"garble must be 1 or more, or a function, not {garble!r}")
    for name, seconds in (("delay", delay), ("slow_reader", slow_reader or 0.0)):
        if not 0 <= seconds < math.inf:
            raise ValueError(f"{name} must be a number of seconds, not {seconds!r}")
    return _FaultyTransport(transport, cuts, delay, _every(garble) if isinstance(garble, int) else garble, slow_reader)


def _every(number: int) -> Garble:
    count = 0

    def garble(message: bytes) -> bytes:
        nonlocal count
        count += 1
        return message if count % number else _GARBLED

    return garble


class _FaultyTransport(TransportWrapper):
    """What `faults` returns."""

    def __init__(
        self,
        inner: Transport,
        cuts: Sequence[int | None],
        delay: float,
        garble: Garble | None,
        slow_reader: float | None,
    ) -> None:
        super().__init__(inner)
        self._cuts = deque(cuts)
        self._delay = delay
        self._garble = garble
        self._slow_reader = slow_reader
        self._left: float = math.inf  # messages until the connection is lost
        self._cut = ""
        self._late: _LateLine | None = None

    async def open(self, nursery: trio.Nursery) -> None:
        """Reach the server. See `Transport.open`."""
        await super().open(nursery)
        cut = self._cuts.popleft() if self._cuts else None
        self._left = math.inf if cut is None else cut
        self._cut = f"lost the server ({self.describe()}): cut after {cut} messages, as faults(cut_after=...) has it"
        if self._delay:
            self._late = _LateLine(self._inner, self._delay)
            nursery.start_soon(self._late.run, name="codex_trio delays the server")

    async def send(self, messages: Sequence[bytes]) -> None:
        """Write messages, after a while. See `Transport.send`."""
        if self._slow_reader is not None:
            await trio.sleep(self._slow_reader)
        if not self._left:
            raise CodexTransportError(self._cut)
        await super().send(messages)

    async def receive(self) -> Sequence[bytes | bytearray]:
        """Wait for messages, and spoil them. See `Transport.receive`."""
        if not self._left:
            await trio.lowlevel.checkpoint()
            raise CodexTransportError(self._cut)
        lines = list(await (super().receive() if self._late is None else self._late.receive()))
        if len(lines) > self._left:
            del lines[int(self._left) :]
        self._left -= len(lines)
        return lines if self._garble is None else [self._garble(bytes(line)) for line in lines]

    async def aclose(self) -> None:
        """Let go of the server. See `Transport.aclose`."""
        late, self._late = self._late, None
        if late is not None:
            await late.aclose()
        await super().aclose()


class _LateLine:
    """Takes what comes when it comes, and gives it away later. So a delay never adds up to more than itself."""

    def __init__(self, inner: Transport, delay: float) -> None:
        self._inner = inner
        self._delay = delay
        self._queue: deque[tuple[float, Sequence[bytes | bytearray] | CodexTransportError]] = deque()
        self._arrived = trio.lowlevel.ParkingLot()
        self._scope = trio.CancelScope()
        self._has_left = trio.Event()

    @trio.lowlevel.enable_ki_protection
    async def run(self) -> None:
        """Take."""
        try:
            with self._scope:
                while True:
                    self._put(self._delay, await self._inner.receive())
        except CodexTransportError as exc:
            self._put(self._delay, exc)
        finally:
            self._has_left.set()

    def _put(self, delay: float, what: Sequence[bytes | bytearray] | CodexTransportError) -> None:
        self._queue.append((trio.current_time() + delay, what))
        self._arrived.unpark_all()

    async def receive(self) -> Sequence[bytes | bytearray]:
        """Give. See `Transport.receive`."""
        while not self._queue:
            await self._arrived.park()
        due, what = self._queue[0]
        await trio.sleep_until(due)
        if isinstance(what, CodexTransportError):
            raise what.fresh()
        self._queue.popleft()
        return what

    async def aclose(self) -> None:
        """Take no more."""
        self._scope.cancel()
        with trio.CancelScope(shield=True):  # the task ends at once
            await self._has_left.wait()
        self._put(0.0, CodexTransportError("the transport was closed"))
