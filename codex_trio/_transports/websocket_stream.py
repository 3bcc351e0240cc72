"""`WebSocketStream`: exchange messages over a websocket on any byte stream.

Only this module imports trio-websocket. It is imported when a websocket is opened, because that import is slow.
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

_READ_SIZE = 1 << 18  # bytes; the default of trio-websocket, 4 KiB, makes large messages slow
_WRITE_SIZE = 1 << 18  # bytes; a long write is split into parts of this size, so that progress is seen
_QUEUE_SIZE = 1 << 10  # messages; the default of trio-websocket, 1, causes a task switch for each message
_BATCH_SIZE = 1 << 8  # messages after which the consumer wakes even if more of the same read are pending
_HEAD_SIZE = 1 << 10  # bytes to keep of the response to the upgrade, for error messages
_BODY_SIZE = 1 << 12  # bytes of the response body to decode
_EXCERPT_SIZE = 200  # characters of the response to show
_DRAIN_TIMEOUT = 0.5  # seconds to keep reading after a failed write, for the server's last messages
_CLOSE_TIMEOUT = 1.0  # seconds for the closing handshake; codex drops the connection at once instead
_HINTS = {
    401: "pass the right token as token=, or in CODEX_APP_SERVER_TOKEN",
    403: "codex answers 403 to any request with an Origin header, and this client sends none: is there a proxy in between?",
    404: "is the path correct?",
}


class HandshakeError(Exception):
    """The server did not accept the upgrade to a websocket. The message contains the reason, and no secrets.

    Attributes:
        status: Status of the HTTP response; 0 without a response.
    """

    def __init__(self, reason: str, status: int) -> None:
        super().__init__(reason)
        self.status = status


class ActivityStream(trio.abc.Stream):
    """Wraps a stream, and records when the peer was last active.

    Args:
        stream: The stream to wrap.
        after_read: Called after each read that returned bytes.

    Attributes:
        last_activity: Trio's time of the peer's last activity.
        head: The first bytes received.
        ended: Set at the end of the received data.
        waiters: Number of tasks in `receive_some` or `send_all`. If a task waits in `receive_some`, all bytes read before
            have been processed. If one waits in `send_all`, the reader may have to wait for it before sending a pong.
        on_wait: Called when a task starts to wait.
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
        """Count progress of the current writes as activity. Later writes do not count: they may only fill a buffer."""
        self._marked_writes = self._writes

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Write the data in slices."""
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
            # trio-websocket stops reading now. Wait for the server's last messages to be read.
            with trio.move_on_after(_DRAIN_TIMEOUT):
                await self.ended.wait()
            raise
        finally:
            self.waiters -= 1

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until a write might not block."""
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Read bytes, and record the activity."""
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
        """Close the wrapped stream."""
        await self._stream.aclose()


class WebSocketStream:
    """Sends and receives messages over a websocket. Pings detect a dead connection, even while a consumer is slow.

    Args:
        stream: The byte stream. `aclose` closes it.
        activity: The same stream, or the stream below its encryption.
        name: The server's name in messages.
        mask: Redacts secrets in a text.
        ping_interval: Seconds between pings. If nothing is received for that long after a ping, the connection fails.
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
        self._handshake_scope = (
            trio.CancelScope()
        )  # around the opening or closing handshake; cancelled when the reader exits
        self._reader_error: Exception | None = None  # raised in the reader
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
        """Send the upgrade request, and start the background tasks.

        Raises:
            HandshakeError: The server did not accept the upgrade. No task is left running, and the stream is closed.

        Cancellation: No task is left running, and the stream is closed.
        """
        await nursery.start(self._run, name="codex_trio websocket")
        try:
            await self._handshake(host, resource, headers)
        except BaseException as exc:
            traceback.clear_frames(exc.__traceback__)  # trio-websocket's frames contain the headers
            with trio.CancelScope(shield=True):  # does not wait for the server
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
                cast("trio.SocketStream", self._stream),  # any stream works
                host,
                resource.reveal(),
                extra_headers=headers.reveal(),
                message_queue_size=_QUEUE_SIZE,
                max_message_size=self._max_message_size,
                receive_buffer_size=_READ_SIZE,
            )
            return
        # The reader's exception may repeat the headers, so it is not the cause. The message contains its redacted text.
        head = self._activity.head
        raise HandshakeError(_describe_refusal(head, self._reader_error, self._mask), _status_of(head))

    # --- sending and receiving

    async def send(self, messages: Sequence[bytes]) -> None:
        """Send each message as a text frame.

        Raises:
            CodexTransportError: The connection has failed.
        """
        self._raise_if_broken()
        try:
            for message in messages:
                await self._websocket.send_message(message.decode())
        except ConnectionClosed as exc:
            self._fail(self._describe_close(exc.reason), exc)
        self._raise_if_broken()

    async def receive(self) -> list[bytes]:
        """Wait for messages, and return all that are available.

        Raises:
            CodexTransportError: The connection has failed, and all messages received before have been returned.
        """
        await self._inbox_changed.wait()
        if not self._inbox:
            self._raise_if_broken()
        messages, self._inbox = self._inbox, []
        if not self._is_inbox_complete:
            self._inbox_changed = trio.Event()
        return messages

    async def aclose(self) -> None:
        """Close the connection, within about a second. The caller must shield this from cancellation."""
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

    # --- failing

    def _fail(self, reason: str, cause: BaseException | None = None) -> None:
        if self._error is None:
            self._error = CodexTransportError(f"lost the server ({self._name}): {reason}")
            if cause is not None and self._mask(repr(cause)) == repr(cause):  # else it contains a secret
                self._error.__cause__ = without_tracebacks(cause)

    def _raise_if_broken(self) -> None:
        if self._error is not None:
            raise self._error.fresh()

    def _describe_close(self, reason: CloseReason | None) -> str:
        if self._reader_error is not None:
            return f"it broke the websocket protocol ({self._mask(repr(self._reader_error))})"
        if reason is None or reason.code == 1006:
            return "the connection ended without a close frame: the server exited, or the network failed"
        words = reason.reason or ""
        if reason.code == 1009 and words.startswith("Exceeded maximum message size"):
            return f"it sent a message of more than {self._max_message_size} characters (max_message_size)"
        return f"the connection was closed with code {reason.code} ({reason.name})" + (
            words and f": {self._mask(words)}"
        )

    # --- background tasks. They are protected from KeyboardInterrupt, which belongs in the user's code.

    @trio.lowlevel.enable_ki_protection
    async def _read(self, read_frames: Callable[[], Awaitable[None]]) -> None:
        try:
            await read_frames()
        except Exception as exc:
            self._reader_error = exc
            while isinstance(self._reader_error.__context__, Exception):  # the innermost one was caused by the server
                self._reader_error = self._reader_error.__context__
        finally:
            self._reader_done.set()
            self._handshake_scope.cancel()

    @trio.lowlevel.enable_ki_protection
    async def _receive_loop(self) -> None:
        # The reader of trio-websocket also handles pongs, so it must never wait for a slow consumer.
        try:
            while True:
                message = await self._websocket.get_message()
                self._inbox.append(message.encode() if isinstance(message, str) else message)
                # trio-websocket returns a burst one message at a time. Wake the consumer once for all of them.
                if self._activity.waiters or len(self._inbox) == _BATCH_SIZE:
                    self._inbox_changed.set()
        except ConnectionClosed as exc:
            if exc.reason is None:
                await self._reader_done.wait()
            self._fail(self._describe_close(exc.reason), exc)
        finally:
            # Only the first error counts, so this one is for cancellation.
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
            await trio.lowlevel.checkpoint()  # if the event loop was blocked, let the reader run first
            # Any received byte counts, because the pong may be queued behind a very long message.
            if self._activity.last_activity < pinged_at:
                break
            pinged_at = trio.current_time()
            if not self._is_pinging:
                self._is_pinging = True
                self._activity.mark_writes()
                self._nursery.start_soon(self._ping, name="codex_trio websocket ping")
        self._fail(f"no data was received for {self._ping_interval:g} s after a ping")
        await trio.aclose_forcefully(self._stream)

    @trio.lowlevel.enable_ki_protection
    async def _ping(self) -> None:
        try:
            await self._websocket.ping()
        except ConnectionClosed:
            pass  # `_receive_loop` reports it
        finally:
            self._is_pinging = False


class _ReaderNursery:
    """Passed to trio-websocket as a nursery. Starts its reader inside `read`, which handles the reader's errors."""

    def __init__(self, nursery: trio.Nursery, read: Callable[[Callable[[], Awaitable[None]]], Awaitable[None]]) -> None:
        self._nursery = nursery
        self._read = read

    def start_soon(self, async_fn: Callable[[], Awaitable[None]], *args: Any, name: object = None) -> None:
        self._nursery.start_soon(self._read, async_fn, name="codex_trio websocket reader")


def _status_of(head: bytes) -> int:
    found = re.match(rb"HTTP/1\.[01] (\d{3})", head)
    return int(found[1]) if found else 0


def _describe_refusal(head: bytes, failure: Exception | None, mask: Callable[[str], str]) -> str:
    """Return why the upgrade failed, with the server's message, which is redacted before it is shortened."""
    status = _status_of(head)
    if status == 101:
        reason = mask(str(failure)) if failure else "the connection ended immediately afterwards"
        return f"its upgrade to a websocket is faulty ({reason})"
    if status:
        phrase = http.HTTPStatus(status).phrase if status in set(http.HTTPStatus) else ""
        body = (failure.body or b"") if isinstance(failure, ConnectionRejected) else b""
        words = mask(" ".join(body[:_BODY_SIZE].decode("utf-8", "replace").split()))[:_EXCERPT_SIZE]
        hint = _HINTS.get(status, "is it an app-server?")
        return f"it refused with HTTP {status} {phrase}".rstrip() + (words and f": {words}") + f" ({hint})"
    if head:
        return f"it does not speak HTTP, so it is not a websocket server; it sent {mask(repr(head))[:_EXCERPT_SIZE]}"
    reason = mask(str(failure)) if failure else "no response"
    return f"it ended the connection instead of upgrading it ({reason})"
