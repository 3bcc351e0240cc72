"""`ReplayTransport`: play a recorded session back to the client that was recorded. Works with Trio's mock clock."""

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

_EARLY_TOLERANCE = 1.0  # seconds that a message may come before a recorded message that preceded it


class ReplayDeviationError(CodexTransportError):
    """The client sent something other than what was recorded.

    It is raised where the client waits for the server, and stored as `ReplayTransport.deviation`.

    Attributes:
        line: Line number in the recording, from 1; `None` if no further message was expected.
        expected: The recorded message on that line.
        received: The message that the client sent instead; `None` if the deviation is not a message, such as an
            unexpected connection.

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
        """Return an equal error, to raise in another task."""
        return ReplayDeviationError(
            f"{self}{note}",
            line=self.line,
            expected=self.expected,
            received=self.received,
            continuation=continuation or self.continuation,
        )


class ReplayTransport(Transport):
    """Play back a recording made with `open_codex_client(record=...)`: the server side is replayed, the client's is checked.

    A recorded server message is delivered once the client has sent every message that preceded it, after the recorded
    pause. Request ids are adjusted to the current client's. A recorded disconnect is repeated.

    The client must send the recorded messages: the same methods, params and responses. These may differ: ids, the
    version in ``clientInfo``, the random ``clientUserMessageId``, the random ``processId`` of ``command/exec``, error
    messages, and values that were redacted in the recording.

    Concurrent tasks may send in a different order: a message may come up to one second (of Trio's clock) before
    the messages that it overtakes, and tasks that requested threads with the same params may swap their threads. A
    message may also come before the server messages that preceded it; it then waits for them. The exception is the
    first interrupt of a turn: it must not come more than one second before the events that preceded it. A repeated
    interrupt, for example after an error response, may.

    Any other difference ends the replay with a `ReplayDeviationError`, which names the line in the recording.

    With a mock clock the pauses take no real time.

    Args:
        path: The recording.
        connection: Play only this connection, by its name in the file (``conn``). By default all connections are played,
            one for each time that the transport is opened.
        pauses: Keep the server's pauses. Without them the server is never silent, so an inactivity timeout that was
            recorded does not happen again.

    Attributes:
        deviation: The first deviation, or `None`. A deviation while no task waits for the server, for example while
            closing, is only stored here.
        is_finished: Whether every connection was opened and the client has sent all its recorded messages.

    Raises:
        OSError: The file cannot be read.
        ValueError: The file is not a recording, or does not have this connection.

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
        self._playback = self._make_playback(RecordedConnection(0.0))  # a placeholder until the transport is opened

    @property
    def is_finished(self) -> bool:
        """Whether every connection was opened and the client has sent all its recorded messages."""
        return len(self._played) == len(self._connections) and all(playback.is_complete for playback in self._played)

    def describe(self) -> str:
        """Return the server's name for messages."""
        return f"the recording {self._path}"

    async def open(self, nursery: trio.Nursery) -> None:
        """Start to play the next connection.

        Raises:
            CodexTransportError: The recorded attempt to connect failed.
            ReplayDeviationError: The recording has no further connection.
        """
        if self._is_open:
            raise RuntimeError("this ReplayTransport is open already; each client needs its own")
        await trio.lowlevel.checkpoint()
        if len(self._played) == len(self._connections):
            raise self._deviate(f"another connection was opened, but only {len(self._played)} were recorded")
        connection = self._connections[len(self._played)]
        self._playback = self._make_playback(connection)
        self._played.append(self._playback)
        if connection.refusal is not None:
            await self._playback.fail_open(connection.refusal)
        self._is_open = True
        nursery.start_soon(self._playback.run, name=f"codex_trio plays {self._path}")

    async def send(self, messages: Sequence[bytes]) -> None:
        """Compare messages with the recorded ones.

        Raises:
            CodexTransportError: The recorded connection was disconnected here.
            ReplayDeviationError: A message is not among the recorded ones.
        """
        await trio.lowlevel.checkpoint()
        for message in messages:
            self._playback.take(message)

    async def receive(self) -> Sequence[bytes]:
        """Return the next recorded server messages when they are due. Raises like `send`."""
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
    """The playback of one connection."""

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
        disconnects = (index for index, row in enumerate(connection.rows) if row.disconnect is not None)
        self._end_index = next(disconnects, len(connection.rows))
        self._remaining = sum(row.is_from_client for row in connection.rows[: self._end_index])
        self._matcher = matcher
        self._deviate = deviate
        self._pauses = pauses
        self._scope = trio.CancelScope()
        self._client_sent = trio.lowlevel.ParkingLot()
        self._arrived = trio.lowlevel.ParkingLot()
        self._queue: list[bytes] = []
        self._emitted: set[int] = set()
        self._received_at: dict[int, float] = {}  # client messages that the playback has not reached
        self._error: CodexTransportError | None = None
        self._finished = trio.Event()

    @property
    def is_complete(self) -> bool:
        """Whether the client has sent all its messages up to the disconnect."""
        return not self._remaining

    async def fail_open(self, refusal: Row) -> NoReturn:
        """Raise the recorded connection error after the recorded time."""
        if self._pauses:
            await trio.sleep(refusal.seconds - self._opened_at)
        assert refusal.disconnect is not None
        raise refusal.disconnect.fresh()

    async def run(self) -> None:
        """Play the connection until it ends or the client deviates."""
        try:
            with self._scope:
                await self._play()
        except ReplayDeviationError as exc:
            self._end(exc)
        finally:
            self._finished.set()

    async def _play(self) -> None:
        due, before = trio.current_time(), self._opened_at
        lag = due - before  # Trio's clock minus the recorded time
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
        """Wait for a message from the client. If a later message has already come, wait only for a short time."""
        started, deadline = trio.current_time(), math.inf
        while index not in self._matcher.received:
            early = next(iter(self._matcher.received.values()), None)
            # The late task may be waiting for its thread, because another task got the thread that it had when recorded.
            response = None if early is None else self._matcher.next_pending_response()
            if response is not None:
                pause = self._rows[response].seconds - self._rows[index].seconds
                deadline = started + pause if self._pauses else started
                if deadline <= trio.current_time():
                    self._emit(response)
                    deadline = math.inf
                    continue
            elif early is not None:
                deadline = min(deadline, trio.current_time() + _EARLY_TOLERANCE)
            with trio.move_on_at(deadline) as scope:
                await self._client_sent.park()
            if scope.cancelled_caught and response is None and early is not None:
                raise self._deviate(self._matcher.describe_mismatch(index, early), self._rows[index], early)
        del self._matcher.received[index], self._received_at[index]
        self._remaining -= 1

    def _raise_if_overtaken(self, row: Row, lag: float) -> None:
        # Only an interrupt must not overtake its turn's events, because it changes them.
        index = self._matcher.find_interrupt(row.message)
        if index is None or index not in self._received_at:
            return
        later = self._rows[index]
        # The replay may be late because it waited for another task. Then the interrupt is not early.
        due = min(trio.current_time(), later.seconds + lag)
        if self._received_at[index] < due - _EARLY_TOLERANCE:
            what = (
                f"received more than {_EARLY_TOLERANCE:g} s before line {row.line}, which preceded it in the recording"
            )
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
        """Match a message from the client. Raises the disconnect or the deviation."""
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
        """Return queued messages, or wait for some. Raises the disconnect or the deviation once the queue is empty."""
        await trio.lowlevel.checkpoint()
        while not self._queue:
            if self._error is not None:
                raise self._error.fresh()
            await self._arrived.park()
        lines, self._queue = self._queue, []
        return lines

    async def aclose(self) -> None:
        """Stop, and wait for the playback task to end."""
        self._end(CodexTransportError("the replay was closed"))
        with trio.CancelScope(shield=True):  # the task ends at once
            await self._finished.wait()
