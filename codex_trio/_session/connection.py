"""`Connection`: a JSON-RPC peer over a transport. Owns the reader, the writer and the table of calls; knows no turns.

The reader must never wait for anybody: it reads, decodes, hands over, and goes on.
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
from .._wire.methods import (
    INTERNAL_ERROR,
    OVERLOADED,
)
from ..abc import Transport
from ..errors import (
    CodexTimeoutError,
    CodexTransportError,
)

_logger = logging.getLogger("codex_trio")

# Beyond some hundreds at once, codex over stdio leaves requests without an answer.
MAX_IN_FLIGHT = 64
_INITIAL_BACKOFF, _MAX_BACKOFF = 0.05, 2.0  # seconds
_ABANDONED_REQUEST_TIMEOUT = (
    60.0  # seconds that a call for which nobody waits any more keeps its place without an answer
)
_DRAIN_TIMEOUT = 0.5  # seconds that the reader has to deliver what came before the server stopped reading
_TURNS = 6  # of each task; a message comes from the socket through those of a websocket to the reader in half of them


async def yield_to_reader() -> None:
    """Give way to what has come when a time is over: if the program was blocked, no task has seen that yet."""
    for _ in range(_TURNS):
        await trio.lowlevel.checkpoint()


class PendingRequest(msgspec.Struct, eq=False):
    """A request of ours, from its making to its answer.

    Attributes:
        on_response: Runs in the reader, before it looks at the next message, also when nobody waits any more.
        is_in_flight: It was handed to the writer, and no answer has come.
        was_sent: It was handed to the writer, be it long ago, and not refused for overload.
        holds_place: Of those that there are for calls in flight.
        deadline: Of the present attempt, in Trio's time.
    """

    method: str
    params: Mapping[str, Any] | None = None
    on_response: Callable[[Response], None] | None = None
    is_in_flight: bool = False
    was_sent: bool = False
    holds_slot: bool = False
    response: Response | None = None
    deadline: float = math.inf
    _done: trio.Event | None = None  # with the present attempt

    def begin(self, deadline: float) -> None:
        """Make it, be it for the second time."""
        self.response = None
        self.deadline = deadline
        self._done = trio.Event()

    def mark_sent(self, *, holds_slot: bool) -> None:
        """Note that it is on its way."""
        self.is_in_flight = self.was_sent = True
        self.holds_slot = holds_slot

    def set_response(self, response: Response | None) -> None:
        """Wake who waits, with the answer; `None` for a lost connection."""
        self.is_in_flight = False
        self.response = response
        if response is not None and self.on_response is not None:
            self.on_response(response)
        self.release()

    def release(self) -> None:
        """Wake who waits."""
        self.deadline = math.inf
        assert self._done is not None
        self._done.set()

    async def wait(self) -> None:
        """Wait for the answer, the loss or the deadline."""
        assert self._done is not None
        await self._done.wait()


class ConnectionOwner(Protocol):
    """What a connection calls, in its reader task: these methods must neither block nor raise."""

    def on_delta(self, delta: Delta, now: float) -> bool:
        """Handle a delta that arrived at a time of Trio's clock. Return whether its ids were all that was needed."""
        ...

    def on_notification(self, notification: Notice, now: float) -> None:
        """Handle any other notification, or a delta whose text is needed."""
        ...

    def on_request(self, request: ServerRequest) -> None:
        """Handle a request of the server."""
        ...

    def on_closed(self, error: CodexTransportError) -> None:
        """Handle the end of the connection, once, before any waiter wakes."""
        ...


class Connection:
    """Requests, notifications and responses over one opened transport.

    Args:
        transport: Opened; the caller closes it.
        owner: Gets what the server sends.

    Attributes:
        reconnects: Whether another connection follows a lost one, as in a `ReconnectingConnection`.
        is_connected: Whether there is a connection, or will never be one again.
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
        self._free_slots = MAX_IN_FLIGHT  # that are free
        self._waiting: dict[int, bytes] = {}  # by id: requests that wait for one
        self._outbox: list[bytes] = []
        self._outbox_changed = trio.lowlevel.ParkingLot()
        self._reader_done = trio.Event()
        self._closed = trio.Event()
        self._timeout_scope = trio.CancelScope()  # its deadline is that of some call, or earlier than all of them
        self._unsent = 0  # messages that the transport does not have yet
        self._sent = trio.lowlevel.ParkingLot()
        self._loss: CodexTransportError | None = None
        self.discarded_messages = 0

    def start(self, nursery: trio.Nursery) -> None:
        """Start reader, writer and timekeeper. They end with the connection, or with the nursery."""
        self._nursery = nursery
        nursery.start_soon(self._read, name="codex_trio reader")
        nursery.start_soon(self._write, name="codex_trio writer")
        nursery.start_soon(self._expire_requests, name="codex_trio timekeeper")

    def set_initialized(self) -> None:
        """Note that the server has answered `initialize`. It makes a difference only where another connection may follow."""

    async def wait_connected(self) -> None:
        """Wait until there is a connection: at once, as this one is the only one."""
        await trio.lowlevel.checkpoint()

    async def aclose(self) -> None:
        """Stop reconnecting: nothing to do, and no checkpoint, so that a cancelled caller goes on to close the transport."""

    # --- calls

    async def request(self, method: str, params: Mapping[str, Any] | None = None, *, timeout: float) -> Any:
        """Call the server, and return the result. See `send_request`."""
        return await self.send_request(PendingRequest(method, params), timeout=timeout)

    # Ctrl-C within `trio.Event.wait` would leave the task among those that the event wakes, which breaks Trio's run.
    @trio.lowlevel.enable_ki_protection
    async def send_request(self, call: PendingRequest, *, timeout: float, bypass_limit: bool = False) -> Any:
        """Make a call and return its result; a refusal for overload is repeated until the time is over.

        Args:
            call: Not yet made.
            timeout: Seconds for all of it, the wait for a place included; `math.inf` for no limit.
            urgent: Do not wait for a place.

        Raises:
            CodexProtocolError: The server said no.
            CodexTimeoutError: It said nothing in time.
            CodexTransportError: The connection is lost.
            TypeError, ValueError: The params cannot be sent; nothing was.

        Cancellation: If `call.is_in_flight` then, the server has it or will have it, and acts on it; its answer still
        reaches `on_response`.
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
            call.was_sent = False  # the server has not looked at it
            with trio.move_on_after(pause):
                await self._closed.wait()
            delay = min(2 * delay, _MAX_BACKOFF)

    async def _send_and_wait(self, call: PendingRequest, deadline: float, bypass_limit: bool) -> Response:
        self.raise_if_closed()
        await trio.lowlevel.checkpoint_if_cancelled()
        id_ = self._last_id = self._last_id + 1
        message = dump_request(id_, call.method, call.params)
        self._check_size(message, call.method)
        call.begin(deadline)
        if bypass_limit or self._free_slots:
            self._write_request(call, message, holds_slot=not bypass_limit)
        else:
            self._waiting[id_] = message
        self._calls[id_] = call
        if deadline < self._timeout_scope.deadline:
            self._timeout_scope.deadline = deadline
        try:
            await call.wait()
        except trio.Cancelled:
            # Its place is free when the server has answered. Those in the line, and without a place, leave nothing.
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
        """Send a notification; only that it was handed to the writer is known."""
        self.raise_if_closed()
        self._send(dump_notification(method, params), method)

    def respond(self, request: ServerRequest, result: Any) -> None:
        """Answer a request of the server. After a loss, nobody is there to be answered."""
        if self._loss is not None:
            return
        try:
            self._send(dump_response(request.id, result), f"the answer to {request.method}")
        except ValueError as exc:
            _logger.warning("%s; it was refused instead", exc)
            self.respond_error(request, INTERNAL_ERROR, str(exc))

    def respond_error(self, request: ServerRequest, code: int, message: str) -> None:
        """Answer a request of the server with an error."""
        if self._loss is None:
            self._send(dump_error(request.id, code, message), f"the refusal of {request.method}")

    async def flush(self) -> None:
        """Wait until the transport has all that was sent so far, or the connection has ended."""
        await trio.lowlevel.checkpoint()
        while self._loss is None and self._unsent:
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
        # A lone message goes at once; several at a time are put together by the writer.
        if self._calls or self._unsent or not self._transport.send_nowait(message):
            self._outbox.append(message)
            self._unsent += 1
            self._outbox_changed.unpark_all()

    @property
    def requests_in_flight(self) -> int:
        """How many requests the server has not answered."""
        return sum(call.is_in_flight for call in self._calls.values())

    @property
    def requests_waiting(self) -> int:
        """How many requests wait for their place."""
        return len(self._waiting)

    # --- loss

    def raise_if_closed(self) -> None:
        """Raise the loss, if there was one, as an error of the caller's own."""
        if self._loss is not None:
            raise self._loss.fresh()

    @property
    def is_lost(self) -> bool:
        """Whether the connection has ended."""
        return self._loss is not None

    def lose(self, error: CodexTransportError) -> None:
        """End the connection, for good: every waiter and every later call gets `error`."""
        if self._loss is not None:
            return
        self._loss = error
        self._closed.set()
        self._on_closed(error)
        for call in list(self._calls.values()):
            call.set_response(None)
        self._calls.clear()
        self._waiting.clear()
        self._sent.unpark_all()

    # --- the tasks. KeyboardInterrupt is the program's: it must not land in here.

    @trio.lowlevel.enable_ki_protection
    async def _read(self) -> None:
        try:
            while True:
                lines = await self._transport.receive()
                if self._loss is not None:  # whoever would act upon them may have another connection
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
            self.lose(error)
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
                # What the server said before it stopped listening, its exit among it, tells more.
                with trio.move_on_after(_DRAIN_TIMEOUT):
                    await self._reader_done.wait()
                self.lose(error)
                return

    @trio.lowlevel.enable_ki_protection
    async def _expire_requests(self) -> None:
        # One scope for all calls: one for each would be a quarter of what a call costs.
        while True:
            earliest = min((call.deadline for call in self._calls.values()), default=math.inf)
            with trio.CancelScope(deadline=earliest) as self._timeout_scope:
                await trio.sleep_forever()
            now = trio.current_time()
            await yield_to_reader()
            for id_, call in [(id_, call) for id_, call in self._calls.items() if call.deadline <= now]:
                self._expire(id_, call)

    def _expire(self, id_: int, call: PendingRequest) -> None:
        # Otherwise its answer is acted upon when it comes.
        if self._waiting.pop(id_, None) is not None or call.on_response is None:
            del self._calls[id_]
        self._release_slot(call)
        call.release()
