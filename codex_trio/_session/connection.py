"""`Connection`: a JSON-RPC peer over a transport. Owns the reader, the writer and the table of pending requests.

It knows nothing about turns. The reader never waits for other tasks: it reads messages, decodes them, and calls the
owner.
"""

from __future__ import annotations

import logging
import math
import random
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec
import trio

from .._redaction import redact_start
from .._wire.messages import (
    NOT_A_DELTA,
    Delta,
    MalformedMessageError,
    Notice,
    Response,
    ServerRequest,
    dump_error,
    dump_notification,
    dump_request,
    dump_response,
    error_from_wire,
    parse_delta,
    parse_message,
    redact_errors,
)
from .._wire.methods import INTERNAL_ERROR, OVERLOADED
from ..abc import Transport
from ..errors import CodexTimeoutError, CodexTransportError

_logger = logging.getLogger("codex_trio")

# With some hundreds of requests at once, codex over stdio leaves some without a response.
MAX_IN_FLIGHT = 64
_INITIAL_BACKOFF, _MAX_BACKOFF = 0.05, 2.0  # seconds
_ABANDONED_REQUEST_TIMEOUT = 60.0  # seconds that a cancelled request keeps its slot without a response
_DRAIN_TIMEOUT = 0.5  # seconds for the reader to deliver the last messages after the server has stopped reading
# Scheduler rounds. A message takes half of these from the socket through the tasks of a websocket to the reader.
_TURNS = 6


async def yield_to_reader() -> None:
    """Let the reader process pending input before a timeout takes effect, in case the program was blocked."""
    for _ in range(_TURNS):
        await trio.lowlevel.checkpoint()


class PendingRequest(msgspec.Struct, eq=False):
    """A request to the server, from its creation to its response.

    Attributes:
        method: The method of the request.
        params: The params of the request.
        on_response: Called with the response in the reader task, before the reader handles the next message. Also
            called if the caller no longer waits.
        is_in_flight: Whether the request was passed to the writer and has no response.
        was_sent: Whether the request was ever passed to the writer, and was not rejected because of overload.
        holds_slot: Whether the request takes one of the slots for requests in flight.
        response: The response of the current attempt.
        deadline: The deadline of the current attempt, on Trio's clock.
    """

    method: str
    params: Mapping[str, Any] | None = None
    on_response: Callable[[Response], None] | None = None
    is_in_flight: bool = False
    was_sent: bool = False
    holds_slot: bool = False
    response: Response | None = None
    deadline: float = math.inf
    _done: trio.Event | None = None  # set at the end of the current attempt

    def start_attempt(self, deadline: float) -> None:
        """Start an attempt, which may be a repetition."""
        self.response = None
        self.deadline = deadline
        self._done = trio.Event()

    def mark_sent(self, *, holds_slot: bool) -> None:
        """Record that the request was passed to the writer."""
        self.is_in_flight = self.was_sent = True
        self.holds_slot = holds_slot

    def set_response(self, response: Response | None) -> None:
        """Store the response and wake the caller. `None` means that the connection was lost."""
        self.is_in_flight = False
        self.response = response
        if response is not None and self.on_response is not None:
            self.on_response(response)
        self.release()

    def release(self) -> None:
        """End the attempt and wake the caller."""
        self.deadline = math.inf
        assert self._done is not None
        self._done.set()

    async def wait(self) -> None:
        """Wait for the response, the loss of the connection, or the deadline."""
        assert self._done is not None
        await self._done.wait()


class ConnectionOwner(Protocol):
    """The methods that a connection calls in its reader task. They must neither block nor raise."""

    def on_delta(self, delta: Delta, now: float) -> bool:
        """Handle a delta that arrived at `now` on Trio's clock. Return `False` if its text is needed."""
        ...

    def on_notification(self, notification: Notice, now: float) -> None:
        """Handle a notification. Of deltas, only those for which `on_delta` returned `False`."""
        ...

    def on_request(self, request: ServerRequest) -> None:
        """Handle a server request."""
        ...

    def on_closed(self, error: CodexTransportError) -> None:
        """Handle the end of the connection. Called once, before any pending request wakes."""
        ...


class Connection:
    """Requests, notifications and responses over one opened transport.

    Args:
        transport: An open transport. The caller closes it.
        owner: Handles the server's messages.

    Attributes:
        reconnects: Whether another connection follows a lost one. Always false here; see `ReconnectingConnection`.
        is_connected: Whether there is a connection, or the connection has ended. Always true here.
        discarded_messages: The number of messages that were discarded: malformed messages, responses to unknown
            requests, and messages that arrived after the end.
    """

    reconnects = False
    is_connected = True

    def __init__(self, transport: Transport, owner: ConnectionOwner) -> None:
        self._transport = transport
        self._on_delta = owner.on_delta
        self._on_notification = owner.on_notification
        self._on_request = owner.on_request
        self._on_closed = owner.on_closed
        self._calls: dict[int, PendingRequest] = {}
        self._last_id = 0
        self._free_slots = MAX_IN_FLIGHT
        self._waiting: dict[int, bytes] = {}  # encoded requests that wait for a slot, by id
        self._outbox: list[bytes] = []
        self._outbox_changed = trio.lowlevel.ParkingLot()
        self._reader_done = trio.Event()
        self._closed = trio.Event()
        self._timeout_scope = trio.CancelScope()  # its deadline is never later than that of a request
        self._unsent = 0  # messages that the transport has not accepted yet
        self._sent = trio.lowlevel.ParkingLot()
        self._connection_error: CodexTransportError | None = None
        self.discarded_messages = 0

    def start(self, nursery: trio.Nursery) -> None:
        """Start the reader, the writer and the timekeeper. Cancel the nursery after the end of the connection."""
        self._nursery = nursery
        nursery.start_soon(self._read, name="codex_trio reader")
        nursery.start_soon(self._write, name="codex_trio writer")
        nursery.start_soon(self._expire_requests, name="codex_trio timekeeper")

    def set_initialized(self) -> None:
        """Record that the server has answered `initialize`. Only a `ReconnectingConnection` uses this."""

    async def wait_connected(self) -> None:
        """Execute a checkpoint. There is nothing to wait for, because this connection is the only one."""
        await trio.lowlevel.checkpoint()

    async def aclose(self) -> None:
        """Do nothing. There is no checkpoint, so that a cancelled caller can still close the transport."""

    # --- requests

    async def request(self, method: str, params: Mapping[str, Any] | None = None, *, timeout: float) -> Any:
        """Send a request and return its result. See `send_request`."""
        return await self.send_request(PendingRequest(method, params), timeout=timeout)

    # A KeyboardInterrupt within `trio.Event.wait` would leave the task in the list of tasks that the event wakes. This
    # would crash Trio's run.
    @trio.lowlevel.enable_ki_protection
    async def send_request(self, call: PendingRequest, *, timeout: float, bypass_limit: bool = False) -> Any:
        """Send a request and return its result. If the server is overloaded, repeat the request until the timeout.

        Args:
            call: The request, which must not be pending.
            timeout: Seconds for all attempts, including the wait for a slot. `math.inf` for no limit.
            bypass_limit: Send immediately, without a slot.

        Raises:
            CodexProtocolError: The server responded with an error.
            CodexTimeoutError: No response came in time.
            CodexTransportError: The connection was lost.
            TypeError, ValueError: The params cannot be sent. Nothing was sent.

        Cancellation: If `call.is_in_flight` is true afterwards, the server receives the request and acts on it, and
        `on_response` is still called.
        """
        deadline = trio.current_time() + timeout
        delay = _INITIAL_BACKOFF
        while True:
            response = await self._send_and_wait(call, deadline, bypass_limit)
            if response.error is None:
                return response.result
            pause = random.uniform(0.5, 1.5) * delay
            if response.error.get("code") != OVERLOADED or trio.current_time() + pause >= deadline:
                raise error_from_wire(response.error, method=call.method, params=call.params)
            call.was_sent = False  # the server did not process it
            with trio.move_on_after(pause):
                await self._closed.wait()
            delay = min(2 * delay, _MAX_BACKOFF)

    async def _send_and_wait(self, call: PendingRequest, deadline: float, bypass_limit: bool) -> Response:
        self.raise_if_closed()
        await trio.lowlevel.checkpoint_if_cancelled()
        id_ = self._last_id = self._last_id + 1
        # These may raise, so nothing is registered yet.
        message = dump_request(id_, call.method, call.params)
        self._check_size(message, call.method)
        call.start_attempt(deadline)
        if bypass_limit or self._free_slots:
            self._write_request(call, message, holds_slot=not bypass_limit)
        else:
            self._waiting[id_] = message
        self._calls[id_] = call  # after `_write_request`, which sends at once if no other request is pending
        if deadline < self._timeout_scope.deadline:
            self._timeout_scope.deadline = deadline
        try:
            await call.wait()
        except trio.Cancelled:
            # The slot stays taken until the server responds. A request that was not sent is removed. So is a request
            # without a slot, unless `on_response` needs its response.
            if self._waiting.pop(id_, None) is not None or (bypass_limit and call.on_response is None):
                self._calls.pop(id_, None)
            call.deadline = min(call.deadline, trio.current_time() + _ABANDONED_REQUEST_TIMEOUT)
            self._timeout_scope.deadline = min(call.deadline, self._timeout_scope.deadline)
            raise
        if call.response is None:
            self.raise_if_closed()
            raise CodexTimeoutError(
                f"{call.method}: no answer in time; whether the server acts on it is unknown"
                if call.is_in_flight
                else f"{call.method}: it was not sent, because {MAX_IN_FLIGHT} others were in flight until its time was over"
            )
        return call.response

    def _write_request(self, call: PendingRequest, message: bytes, *, holds_slot: bool) -> None:
        self._free_slots -= holds_slot
        call.mark_sent(holds_slot=holds_slot)
        self._enqueue(message)

    def _release_slot(self, call: PendingRequest) -> None:
        if call.holds_slot:
            call.holds_slot = False
            self._free_slots += 1
            if self._waiting:
                id_ = next(iter(self._waiting))
                self._write_request(self._calls[id_], self._waiting.pop(id_), holds_slot=True)

    def notify(self, method: str, params: Mapping[str, Any] | None = None) -> None:
        """Send a notification. Returns before the transport has sent it."""
        self.raise_if_closed()
        self._send(dump_notification(method, params), method)

    def respond(self, request: ServerRequest, result: Any) -> None:
        """Respond to a server request. Does nothing if the connection has ended."""
        if self._connection_error is not None:
            return
        try:
            self._send(dump_response(request.id, result), f"the answer to {request.method}")
        except ValueError as exc:
            _logger.warning("%s; it was refused instead", exc)
            self.respond_error(request, INTERNAL_ERROR, str(exc))

    def respond_error(self, request: ServerRequest, code: int, message: str) -> None:
        """Respond to a server request with an error. Does nothing if the connection has ended."""
        if self._connection_error is None:
            self._send(dump_error(request.id, code, message), f"the refusal of {request.method}")

    async def flush(self) -> None:
        """Wait until the transport has all messages sent so far, or the connection has ended."""
        await trio.lowlevel.checkpoint()
        while self._connection_error is None and self._unsent:
            await self._sent.park()

    def _send(self, message: bytes, what: str) -> None:
        self._check_size(message, what)
        self._enqueue(message)

    def _check_size(self, message: bytes, what: str) -> None:
        limit = self._transport.max_send_size
        if limit is not None and len(message) > limit:
            raise ValueError(
                f"{what} is {len(message):,} bytes long, and {self._transport.describe()} drops the connection, without "
                f"a word, on a message of more than {limit:,}; it was not sent"
            )

    def _enqueue(self, message: bytes) -> None:
        # Send a single message at once. If others are pending, the writer combines the messages into one send.
        if self._calls or self._unsent or not self._transport.send_nowait(message):
            self._outbox.append(message)
            self._unsent += 1
            self._outbox_changed.unpark_all()

    @property
    def requests_in_flight(self) -> int:
        """The number of sent requests without a response."""
        return sum(call.is_in_flight for call in self._calls.values())

    @property
    def requests_waiting(self) -> int:
        """The number of requests that wait for a slot."""
        return len(self._waiting)

    # --- the end of the connection

    def raise_if_closed(self) -> None:
        """If the connection has ended, raise its error as a new exception."""
        if self._connection_error is not None:
            raise self._connection_error.fresh()

    @property
    def is_closed(self) -> bool:
        """Whether the connection has ended."""
        return self._connection_error is not None

    def fail(self, error: CodexTransportError) -> None:
        """End the connection. All pending and later requests raise `error`. Idempotent."""
        if self._connection_error is not None:
            return
        self._connection_error = error
        self._closed.set()
        self._on_closed(error)  # before any pending request wakes
        for call in list(self._calls.values()):
            call.set_response(None)
        self._calls.clear()
        self._waiting.clear()
        self._sent.unpark_all()

    # --- the tasks. KeyboardInterrupt is for the user's program and must not be raised in them.

    @trio.lowlevel.enable_ki_protection
    async def _read(self) -> None:
        try:
            while True:
                lines = await self._transport.receive()
                if self._connection_error is not None:  # the owner may already use another connection
                    self.discarded_messages += len(lines)
                    _logger.debug("%d messages were skipped: they came after the loss", len(lines))
                    continue
                now = trio.current_time()
                for line in lines:
                    try:
                        is_dealt_with = self._on_delta(parse_delta(line), now)
                    except NOT_A_DELTA:
                        is_dealt_with = False
                    if not is_dealt_with:
                        self._take(line, now)
        except CodexTransportError as error:
            self.fail(error)
        finally:
            self._reader_done.set()

    def _take(self, line: bytes | bytearray, now: float) -> None:
        try:
            message = parse_message(line)
        except MalformedMessageError as exc:
            self._discard(f"{exc}: {redact_start(line, self._transport.redact)!r}")
            return
        redact_errors(message, self._transport.redact)
        if isinstance(message, Notice):
            self._on_notification(message, now)
        elif isinstance(message, ServerRequest):
            self._on_request(message)
        else:
            id_ = message.id
            if isinstance(id_, int) and id_ in self._calls and id_ not in self._waiting:
                call = self._calls.pop(id_)
                self._release_slot(call)
                call.set_response(message)
            else:
                # The content is not logged: the answer to an abandoned request may be a secret.
                self._discard(f"a response to an unknown request, id {id_!r}, {len(line)} bytes")

    def _discard(self, why: str) -> None:
        self.discarded_messages += 1
        _logger.debug("a message was skipped: %s", self._transport.redact(why))

    @trio.lowlevel.enable_ki_protection
    async def _write(self) -> None:
        while True:
            while not self._outbox:
                await self._outbox_changed.park()
            messages, self._outbox = self._outbox, []
            try:
                await self._transport.send(messages)
                self._unsent -= len(messages)
                self._sent.unpark_all()
            except CodexTransportError as error:
                # The reader may still receive the server's last messages and its exit, and then ends the connection
                # with an error that explains more than this one.
                with trio.move_on_after(_DRAIN_TIMEOUT):
                    await self._reader_done.wait()
                self.fail(error)
                return

    @trio.lowlevel.enable_ki_protection
    async def _expire_requests(self) -> None:
        # One scope for all requests. A scope for each would be a quarter of the cost of a request.
        while True:
            earliest = min((call.deadline for call in self._calls.values()), default=math.inf)
            with trio.CancelScope(deadline=earliest) as self._timeout_scope:
                await trio.sleep_forever()
            now = trio.current_time()
            await yield_to_reader()
            for id_, call in [(id_, call) for id_, call in self._calls.items() if call.deadline <= now]:
                self._expire(id_, call)

    def _expire(self, id_: int, call: PendingRequest) -> None:
        # A sent request with `on_response` stays registered, so that its response is still handled.
        if self._waiting.pop(id_, None) is not None or call.on_response is None:
            del self._calls[id_]
        self._release_slot(call)
        call.release()
