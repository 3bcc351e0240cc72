"""`ReplayTransport`: a recorded session, played back to the program that it was recorded of. Runs under the mock clock."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from typing import NoReturn

import trio

from ...abc import Transport
from ...errors import CodexTransportError
from ...models import ChatContinuation
from .._wire_shapes import Message
from .matching import Matcher, NameMap, read_message
from .recordings import RecordedConnection, Row, read_recording

_EARLY_TOLERANCE = 1.0  # seconds that a message may come before what it received after when it was recorded


class ReplayDeviationError(CodexTransportError):
    """The client did something else than what was recorded.

    It is raised where the program waits for the server, and kept as `ReplayTransport.deviation`.

    Attributes:
        line: Number of the line in the recording, from 1; `None` if nothing more was expected.
        expected: The message there, as it was recorded.
        received: What received in its place; `None` if that is no message, as a second connection.

    Example:
        ``except ReplayDeviationError as exc: print(exc.line, exc.expected, exc.received)``
    """

    def __init__(
        self,
        message: str,
        *,
        line: int | None = None,
        expected: Message | None = None,
        received: Message | None = None,
        continuation: ChatContinuation | None = None,
    ) -> None:
        super().__init__(message, continuation=continuation)
        self.line = line
        self.expected = expected
        self.received = received

    def fresh(self, continuation: ChatContinuation | None = None, *, note: str = "") -> ReplayDeviationError:
        """Return an equal error for one more waiter."""
        return ReplayDeviationError(
            f"{self}{note}",
            line=self.line,
            expected=self.expected,
            received=self.received,
            continuation=continuation or self.continuation,
        )


class ReplayTransport(Transport):
    """Plays a file that `open_codex_client(record=...)` wrote: what the server said then is said again.

    What the server sent comes when all that the client had sent before it has come again, in the recorded order, and as
    long after that as it did then. Ids of requests are those of today's client. A lost connection is lost again.

    What the client sends must be what it sent then: method, params, answers. These may differ: ids, the version in
    ``clientInfo``, the random ``clientUserMessageId``, the random ``processId`` of ``command/exec``, the words of a
    refusal, and what was masked in the recording. Tasks that talk at the same time may do so in another order: a message
    may come up to a second (of Trio's clock) before those that it overtakes, and tasks that asked for threads alike may
    get each other's. How long the program thought is its own affair: a message may come before what the server had told
    by then, and waits for that. Only the first interrupt of a turn must not come more than a second before what that turn
    had told; one that repeats it, as after a refusal, may. Anything else is a deviation: it ends the replay with a
    `ReplayDeviationError`, which names the place.

    Under a mock clock the pauses take no time, without one as long as they did.

    Args:
        path: The recording.
        connection: The only connection to play, by its name in the file (``conn``); all unless told: each time that the
            transport is opened the next one.
        pauses: Keep the pauses of the server. Without them a server that was silent is not, so a program that waited for
            an inactivity does something else.

    Attributes:
        deviation: The first deviation; `None` if there was none so far. One that comes while nobody waits, as in closing,
            is only here.
        is_finished: Every connection was opened, and all that the client had sent there has come again.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is no recording, or has no such connection.

    Example:
        ```python
        async def test_my_agent(autojump_clock):
            transport = ReplayTransport("tests/my_agent.jsonl")
            async with open_codex_client(transport) as client:
                await my_agent(client)
            assert transport.deviation is None
            assert transport.is_finished
        ```
    """

    def __init__(self, path: str | os.PathLike[str], *, connection: str | None = None, pauses: bool = True) -> None:
        self.deviation: ReplayDeviationError | None = None
        self._path = os.fspath(path)
        self._pauses = pauses
        recorded = read_recording(path)
        if connection is not None and connection not in recorded:
            raise ValueError(f"{self._path} has no connection {connection!r}, but {', '.join(recorded)}")
        self._connections = list(recorded.values()) if connection is None else [recorded[connection]]
        self._names = NameMap()
        self._played: list[_Playback] = []
        self._is_open = False
        self._playback = self._make_playback(RecordedConnection(0.0))  # until there is one to play

    @property
    def is_finished(self) -> bool:
        """Whether the client has done all that it had done."""
        return len(self._played) == len(self._connections) and all(one.is_complete for one in self._played)

    def describe(self) -> str:
        """Return what messages call the server."""
        return f"the recording {self._path}"

    async def open(self, nursery: trio.Nursery) -> None:
        """Begin to play the next connection.

        Raises:
            CodexTransportError: It could not be opened then, either.
            ReplayDeviationError: There is no further one.
        """
        if self._is_open:
            raise RuntimeError("this ReplayTransport is open already; each client needs its own")
        await trio.lowlevel.checkpoint()
        if len(self._played) == len(self._connections):
            raise self._deviate(f"another connection was opened, after the {len(self._played)} that were recorded")
        connection = self._connections[len(self._played)]
        self._playback = self._make_playback(connection)
        self._played.append(self._playback)
        if connection.refusal is not None:
            await self._playback.fail_open(connection.refusal)
        self._is_open = True
        nursery.start_soon(self._playback.run, name=f"codex_trio plays {self._path}")

    async def send(self, messages: Sequence[bytes]) -> None:
        """Compare messages with what was recorded.

        Raises:
            CodexTransportError: The connection has been lost, as it was then.
            ReplayDeviationError: One is none of those that were recorded.
        """
        await trio.lowlevel.checkpoint()
        for message in messages:
            self._playback.take(message)

    async def receive(self) -> Sequence[bytes]:
        """Return what the server sent, once it is time for that. Raises as `send` does."""
        return await self._playback.receive()

    async def aclose(self) -> None:
        """Stop playing."""
        if self._is_open:
            self._is_open = False
            await self._playback.aclose()
        else:
            await trio.lowlevel.checkpoint()

    def _make_playback(self, connection: RecordedConnection) -> _Playback:
        matcher = Matcher(connection.rows, self._names)
        return _Playback(connection, matcher, self._deviate, pauses=self._pauses)

    def _deviate(self, what: str, row: Row | None = None, raw: bytes | None = None) -> ReplayDeviationError:
        where = self._path if row is None else f"{self._path}, line {row.line}"
        error = ReplayDeviationError(
            f"the client deviates from the recording. {where}: {what}",
            line=None if row is None else row.line,
            expected=None if row is None else row.message,
            received=None if raw is None else read_message(raw),
        )
        self.deviation = self.deviation or error
        return error


class _Playback:
    """One connection, being played."""

    def __init__(
        self,
        connection: RecordedConnection,
        matcher: Matcher,
        deviate: Callable[[str, Row | None, bytes], ReplayDeviationError],
        *,
        pauses: bool,
    ) -> None:
        self._opened_at = connection.opened_at
        self._rows = connection.rows
        losses = (index for index, row in enumerate(connection.rows) if row.disconnect is not None)
        self._end_index = next(losses, len(connection.rows))
        self._remaining = sum(row.is_from_client for row in connection.rows[: self._end_index])
        self._matcher = matcher
        self._deviate = deviate
        self._pauses = pauses
        self._scope = trio.CancelScope()
        self._client_sent = trio.lowlevel.ParkingLot()  # of the client
        self._arrived = trio.lowlevel.ParkingLot()
        self._queue: list[bytes] = []
        self._emitted: set[int] = set()
        self._received_at: dict[int, float] = {}  # of what was not played yet
        self._error: CodexTransportError | None = None
        self._finished = trio.Event()

    @property
    def is_complete(self) -> bool:
        """Whether the client has sent everything that it had sent up to the loss."""
        return not self._remaining

    async def fail_open(self, refusal: Row) -> NoReturn:
        """Do not get connected, after the time that it took."""
        if self._pauses:
            await trio.sleep(refusal.seconds - self._opened_at)
        assert refusal.disconnect is not None
        raise refusal.disconnect.fresh()

    async def run(self) -> None:
        """Play it."""
        try:
            with self._scope:
                await self._play()
        except ReplayDeviationError as exc:
            self._end(exc)
        finally:
            self._finished.set()

    async def _play(self) -> None:
        due, before = trio.current_time(), self._opened_at
        lag = due - before  # what Trio's clock shows beyond the recorded time
        for index, row in enumerate(self._rows[: self._end_index + 1]):
            if row.is_from_client:
                await self._wait_for(index)
                due = trio.current_time()
            elif index not in self._emitted:
                due += row.seconds - before
                if self._pauses and due > trio.current_time():
                    await trio.sleep_until(due)
                if self._pauses:
                    self._raise_if_overtaken(row, lag)
                self._emit(index)
            before = row.seconds

    async def _wait_for(self, index: int) -> None:
        """Wait for a message of the client; not for long if it was overtaken by another one."""
        started, deadline = trio.current_time(), math.inf
        while index not in self._matcher.received:
            early = next(iter(self._matcher.received.values()), None)
            # Who is late may be waiting for its thread, because another task was given the one that it had then.
            owed = None if early is None else self._matcher.next_pending_response()
            if owed is not None:
                pause = self._rows[owed].seconds - self._rows[index].seconds
                deadline = started + pause if self._pauses else started
                if deadline <= trio.current_time():
                    self._emit(owed)
                    deadline = math.inf
                    continue
            elif early is not None:
                deadline = min(deadline, trio.current_time() + _EARLY_TOLERANCE)
            with trio.move_on_at(deadline) as scope:
                await self._client_sent.park()
            if scope.cancelled_caught and owed is None and early is not None:
                raise self._deviate(self._matcher.describe_mismatch(index, early), self._rows[index], early)
        del self._matcher.received[index], self._received_at[index]
        self._remaining -= 1

    def _raise_if_overtaken(self, row: Row, lag: float) -> None:
        # By an interrupt, which changes what the turn tells: how long a program thinks otherwise is its own affair.
        index = self._matcher.find_interrupt(row.message)
        if index is None or index not in self._received_at:
            return
        later = self._rows[index]
        # It is not early if it only seems so because another task has made the replay wait.
        due = min(trio.current_time(), later.seconds + lag)
        if self._received_at[index] < due - _EARLY_TOLERANCE:
            what = f"it received after line {row.line} then, but more than {_EARLY_TOLERANCE:g} s before that now"
            raise self._deviate(what, later, self._matcher.received[index])

    def _emit(self, index: int) -> None:
        self._emitted.add(index)
        if (disconnect := self._rows[index].disconnect) is not None:
            self._end(disconnect)
        else:
            self._queue.append(self._matcher.render(index))
            self._arrived.unpark_all()

    def _end(self, error: CodexTransportError) -> None:
        if self._error is None:
            self._error = error
            self._scope.cancel()
            self._arrived.unpark_all()

    def take(self, raw: bytes) -> None:
        """Take a message of the client. Raises the loss or the deviation."""
        if self._error is not None:
            raise self._error.fresh()
        index = self._matcher.take(raw)
        if index is None:
            expected = self._matcher.next_expected
            row = None if expected is None else self._rows[expected]
            error = self._deviate(self._matcher.describe_mismatch(expected, raw), row, raw)
            self._end(error)
            raise error.fresh()
        self._received_at[index] = trio.current_time()
        self._client_sent.unpark_all()

    async def receive(self) -> list[bytes]:
        """Return what there is, or wait for it. Raises the loss or the deviation after all that received before."""
        await trio.lowlevel.checkpoint()
        while not self._queue:
            if self._error is not None:
                raise self._error.fresh()
            await self._arrived.park()
        lines, self._queue = self._queue, []
        return lines

    async def aclose(self) -> None:
        """Stop; returns when nothing runs any more."""
        self._end(CodexTransportError("the replay was closed"))
        with trio.CancelScope(shield=True):  # the player ends at once
            await self._finished.wait()
