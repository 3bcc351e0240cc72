"""`WebSocketStream`: messages as websocket frames over any byte stream. Knows nothing of what runs at the other end.

This module, and no other, imports trio-websocket; it is itself imported only when a websocket is opened.
"""

from __future__ import annotations

import http
import math
import re
import traceback
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

import trio
from trio_websocket import CloseReason, ConnectionClosed, ConnectionRejected, WebSocketConnection, wrap_client_stream

from ..errors import CodexTransportError
from .secrets import Secret, without_tracebacks

_READ_SIZE = 1 << 18  # bytes; trio-websocket's own 4 KiB make a big message slow
_WRITE_SIZE = 1 << 18  # bytes, after each of which a long write shows that it gets on
_QUEUE_SIZE = 1 << 10  # messages; trio-websocket's own 1 means a task switch for each
_BATCH_SIZE = 1 << 8  # messages that are handed over although more of the same read are to come
_HEAD_SIZE = 1 << 10  # bytes of the answer to the upgrade that are kept, to tell what it was
_BODY_SIZE = 1 << 12  # bytes of that answer's body that are looked at
_EXCERPT_SIZE = 200  # characters of either that are shown
_DRAIN_TIMEOUT = 0.5  # seconds to read on what the server said before it stopped reading
_CLOSE_TIMEOUT = 1.0  # seconds for the closing handshake; codex just drops the connection, at once
_HINTS = {
    401: "give the right token: token=, or CODEX_APP_SERVER_TOKEN",
    403: "codex says so to any request with an Origin header; this client sends none, so is a proxy in between?",
    404: "is the path right?",
}


class HandshakeError(Exception):
    """The server did not accept the upgrade to a websocket; says why, without secrets of ours.

    Attributes:
        status: Of the server's HTTP answer; 0 if there was none.
    """

    def __init__(self, why: str, status: int) -> None:
        super().__init__(why)
        self.status = status


class ActivityStream(trio.abc.Stream):
    """Another stream, and when it last showed that its other end is there.

    Args:
        stream: That one.
        after_read: Called when something was read from it.

    Attributes:
        last_activity: In Trio's time.
        head: The first bytes that came.
        ended: Set when no more bytes will come.
        waiters: Those who wait for bytes, so that whatever came before has been dealt with; and those who write, for whom
            the reader of bytes may have to wait, with a pong.
        on_wait: Called when one more begins to.
    """

    def __init__(self, stream: trio.abc.Stream, after_read: Callable[[], None] = lambda: None) -> None:
        self.last_activity = trio.current_time()
        self.head = b""
        self.ended = trio.Event()
        self.waiters = 0
        self.on_wait: Callable[[], None] = lambda: None
        self._stream = stream
        self._after_read = after_read
        self._writes = 0
        self._marked_writes = 0

    def mark_writes(self) -> None:
        """Take it for a sign of activity if the writes get on that have begun. Later ones may just fill a buffer."""
        self._marked_writes = self._writes

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Write, in slices."""
        self._writes += 1
        number = self._writes
        view = memoryview(data)
        self.waiters += 1
        self.on_wait()
        try:
            for start in range(0, max(1, len(view)), _WRITE_SIZE):
                await self._stream.send_all(view[start : start + _WRITE_SIZE])
                if number <= self._marked_writes:
                    self.last_activity = trio.current_time()
        except trio.BrokenResourceError:
            # trio-websocket will stop reading now, and what the server said last would be lost.
            with trio.move_on_after(_DRAIN_TIMEOUT):
                await self.ended.wait()
            raise
        finally:
            self.waiters -= 1

    async def wait_send_all_might_not_block(self) -> None:
        """Wait as the stream does."""
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Read."""
        data: bytes | bytearray = b""
        self.waiters += 1
        self.on_wait()
        try:
            data = await self._stream.receive_some(max_bytes)
        finally:
            self.waiters -= 1
            if data:
                self.last_activity = trio.current_time()
                self._after_read()
                if len(self.head) < _HEAD_SIZE:
                    self.head += data[: _HEAD_SIZE - len(self.head)]
            else:
                self.ended.set()
        return data

    async def aclose(self) -> None:
        """Close the stream."""
        await self._stream.aclose()


class WebSocketStream:
    """Messages both ways, over an upgraded connection. Dead links are found by pings, whoever is slow.

    Args:
        stream: To write to and read from; closed by `aclose`.
        activity: That stream, or what is below its encryption.
        name: What messages call the server.
        mask: Takes secrets out of a text.
        ping_interval: Seconds from ping to ping; nothing at all for that long after one is the end.
        max_message_size: Longest message to accept, in characters.
    """

    def __init__(
        self,
        stream: trio.abc.Stream,
        activity: ActivityStream,
        *,
        name: str,
        mask: Callable[[str], str],
        ping_interval: float,
        max_message_size: int,
    ) -> None:
        self._stream = stream
        self._activity = activity
        self._name = name
        self._mask = mask
        self._ping_interval = ping_interval
        self._max_message_size = max_message_size
        self._websocket: WebSocketConnection
        self._nursery: trio.Nursery
        self._handshake_scope = trio.CancelScope()  # of whoever waits for something that only the reader can bring
        self._reader_error: Exception | None = None  # of the reader
        self._reader_done = trio.Event()
        self._error: CodexTransportError | None = None
        self._inbox: list[bytes] = []
        self._is_inbox_complete = False
        self._inbox_changed = trio.Event()
        self._is_pinging = False
        self._tasks_done = trio.Event()

    async def open(
        self, nursery: trio.Nursery, *, host: str, resource: Secret[str], headers: Secret[list[tuple[bytes, bytes]]]
    ) -> None:
        """Ask for the upgrade, and start the tasks.

        Raises:
            HandshakeError: The server did not accept it. No task is left; the stream is closed.

        Cancellation: As for `HandshakeError`.
        """
        await nursery.start(self._run, name="codex_trio websocket")
        try:
            await self._handshake(host, resource, headers)
        except BaseException as exc:
            traceback.clear_frames(exc.__traceback__)  # trio-websocket's frames contain the headers
            with trio.CancelScope(shield=True):  # nothing in it waits for the server
                await self._stop()
            raise
        self._activity.on_wait = self._wake
        self._nursery.start_soon(self._receive_loop, name="codex_trio websocket inbox")
        if self._ping_interval < math.inf:
            self._nursery.start_soon(self._ping_loop, name="codex_trio websocket pings")

    @trio.lowlevel.enable_ki_protection
    async def _run(self, *, task_status: trio.TaskStatus[None]) -> None:
        try:
            async with trio.open_nursery() as self._nursery:
                task_status.started()
                await trio.sleep_forever()
        finally:
            self._tasks_done.set()

    async def _handshake(self, host: str, resource: Secret[str], headers: Secret[list[tuple[bytes, bytes]]]) -> None:
        with trio.CancelScope() as self._handshake_scope:
            self._websocket = await wrap_client_stream(
                cast("trio.Nursery", _ReaderNursery(self._nursery, self._read)),
                cast("trio.SocketStream", self._stream),  # any stream does
                host,
                resource.reveal(),
                extra_headers=headers.reveal(),
                message_queue_size=_QUEUE_SIZE,
                max_message_size=self._max_message_size,
                receive_buffer_size=_READ_SIZE,
            )
            return
        # The reader's failure is not the cause, because it may repeat what was sent. The message contains its text.
        head = self._activity.head
        raise HandshakeError(_describe_refusal(head, self._reader_error, self._mask), _status_of(head))

    # --- sending and receiving

    async def send(self, messages: Sequence[bytes]) -> None:
        """Write each message as a text frame.

        Raises:
            CodexTransportError: The connection is lost.
        """
        self._raise_if_broken()
        try:
            for message in messages:
                await self._websocket.send_message(message.decode())
        except ConnectionClosed as exc:
            self._fail(self._describe_close(exc.reason), exc)
        self._raise_if_broken()

    async def receive(self) -> list[bytes]:
        """Wait for messages, and return all that are at hand.

        Raises:
            CodexTransportError: The connection is lost, and each message that came before was returned.
        """
        await self._inbox_changed.wait()
        if not self._inbox:
            self._raise_if_broken()
        messages, self._inbox = self._inbox, []
        if not self._is_inbox_complete:
            self._inbox_changed = trio.Event()
        return messages

    async def aclose(self) -> None:
        """Close; bounded by a second. The caller shields it."""
        if self._error is None:
            self._fail("this client closed the connection")
            with trio.move_on_after(_CLOSE_TIMEOUT) as self._handshake_scope:
                if not self._reader_done.is_set():
                    await self._websocket.aclose()
        await self._stop()

    async def _stop(self) -> None:
        await trio.aclose_forcefully(self._stream)
        self._nursery.cancel_scope.cancel()
        await self._tasks_done.wait()

    # --- losing it

    def _fail(self, why: str, cause: BaseException | None = None) -> None:
        if self._error is None:
            self._error = CodexTransportError(f"lost the server ({self._name}): {why}")
            if cause is not None and self._mask(repr(cause)) == repr(cause):  # otherwise it repeats a secret
                self._error.__cause__ = without_tracebacks(cause)

    def _raise_if_broken(self) -> None:
        if self._error is not None:
            raise self._error.fresh()

    def _describe_close(self, reason: CloseReason | None) -> str:
        if self._reader_error is not None:
            return f"it broke the websocket protocol ({self._mask(repr(self._reader_error))})"
        if reason is None or reason.code == 1006:
            return "the connection ended without a closing word: the server is gone, or the network cut it"
        words = reason.reason or ""
        if reason.code == 1009 and words.startswith("Exceeded maximum message size"):
            return f"it sent a message of more than {self._max_message_size} characters (max_message_size)"
        return f"the connection was closed with code {reason.code} ({reason.name})" + (
            words and f": {self._mask(words)}"
        )

    # --- the tasks. KeyboardInterrupt is the program's: it must not land in here.

    @trio.lowlevel.enable_ki_protection
    async def _read(self, read_frames: Callable[[], Awaitable[None]]) -> None:
        try:
            await read_frames()
        except Exception as exc:
            self._reader_error = exc
            while isinstance(self._reader_error.__context__, Exception):  # the first is the one that the server brought
                self._reader_error = self._reader_error.__context__
        finally:
            self._reader_done.set()
            self._handshake_scope.cancel()

    @trio.lowlevel.enable_ki_protection
    async def _receive_loop(self) -> None:
        # The reader of trio-websocket, which also takes the pongs, must not wait for a slow consumer.
        try:
            while True:
                message = await self._websocket.get_message()
                self._inbox.append(message.encode() if isinstance(message, str) else message)
                # A burst comes out of trio-websocket one by one. Waking the consumer for each would cost as much again.
                if self._activity.waiters or len(self._inbox) == _BATCH_SIZE:
                    self._inbox_changed.set()
        except ConnectionClosed as exc:
            if exc.reason is None:
                await self._reader_done.wait()
            self._fail(self._describe_close(exc.reason), exc)
        finally:
            self._fail("the nursery that the transport was opened in was cancelled")
            self._is_inbox_complete = True
            self._inbox_changed.set()

    def _wake(self) -> None:
        if self._inbox:
            self._inbox_changed.set()

    @trio.lowlevel.enable_ki_protection
    async def _ping_loop(self) -> None:
        pinged_at = -math.inf
        while True:
            await trio.sleep(self._ping_interval)
            await trio.lowlevel.checkpoint()  # if the whole program was blocked, the reader shall look first
            # Any byte will do: the pong may stand in line behind a message of a gigabyte.
            if self._activity.last_activity < pinged_at:
                break
            pinged_at = trio.current_time()
            if not self._is_pinging:
                self._is_pinging = True
                self._activity.mark_writes()
                self._nursery.start_soon(self._ping, name="codex_trio websocket ping")
        self._fail(f"nothing came from it for {self._ping_interval:g} s after a ping: the link is dead")
        await trio.aclose_forcefully(self._stream)

    @trio.lowlevel.enable_ki_protection
    async def _ping(self) -> None:
        try:
            await self._websocket.ping()
        except ConnectionClosed:
            pass  # the inbox tells
        finally:
            self._is_pinging = False


class _ReaderNursery:
    """What trio-websocket takes for a nursery, to start its reader in: the reader's errors are ours to tell."""

    def __init__(self, nursery: trio.Nursery, read: Callable[[Callable[[], Awaitable[None]]], Awaitable[None]]) -> None:
        self._nursery = nursery
        self._read = read

    def start_soon(self, async_fn: Callable[[], Awaitable[None]], *args: Any, name: object = None) -> None:
        self._nursery.start_soon(self._read, async_fn, name="codex_trio websocket reader")


def _status_of(head: bytes) -> int:
    found = re.match(rb"HTTP/1\.[01] (\d{3})", head)
    return int(found[1]) if found else 0


def _describe_refusal(head: bytes, failure: Exception | None, mask: Callable[[str], str]) -> str:
    """Return why the upgrade failed, with the server's message, which is masked before it is cut."""
    status = _status_of(head)
    if status == 101:
        reason = mask(str(failure)) if failure else "the connection ended right after it"
        return f"its upgrade to a websocket is faulty ({reason})"
    if status:
        phrase = http.HTTPStatus(status).phrase if status in set(http.HTTPStatus) else ""
        body = (failure.body or b"") if isinstance(failure, ConnectionRejected) else b""
        words = mask(" ".join(body[:_BODY_SIZE].decode("utf-8", "replace").split()))[:_EXCERPT_SIZE]
        hint = _HINTS.get(status, "is it an app-server?")
        return f"it refused with HTTP {status} {phrase}".rstrip() + (words and f": {words}") + f" ({hint})"
    if head:
        return f"it does not speak HTTP, so it is not a websocket server; it sent {mask(repr(head))[:_EXCERPT_SIZE]}"
    reason = mask(str(failure)) if failure else "no answer at all"
    return f"it ended the connection instead of upgrading it ({reason})"
