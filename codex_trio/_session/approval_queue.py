"""Approvals for whoever asks for them: ``async for request in client.approvals()``. What is dropped is declined."""

from __future__ import annotations

import logging
from collections import OrderedDict
from types import TracebackType
from weakref import WeakSet

import trio

from .._server_requests.approvals import (
    ApprovalRequest,
    with_responder,
)
from .._server_requests.decisions import Decision
from ..errors import CodexTransportError

_logger = logging.getLogger("codex_trio")


class ApprovalStream:
    """The approvals that the server asks for: ``async for request in client.approvals()``.

    Each request goes to one reader, which answers it, now or later, with ``await request.respond(decision)``. A request
    that is let go of without an answer is declined; so are those that nobody has read when the last stream is closed
    or let go of. Ends with `CodexTransportError` when the connection does.

    ``request.accept()`` raises `ValueError` where it would grant more than the request shows: see
    `CommandApprovalRequest` and `FileChangeApprovalRequest`. The exception is raised in your loop. Nothing is granted
    then, and the request can still be declined.

    The variable of an ``async for`` holds its request until the next one comes, and so does the turn wait: respond in
    every branch of the loop.

    Example:
        ```python
        async for request in client.approvals():
            if not isinstance(request, CommandApprovalRequest) or request.kind != "command" or request.extra_permissions:
                await request.respond(request.decline())
            else:
                await request.respond(request.accept() if request.script == "ls" else request.decline())
        ```
    """

    def __init__(self, hub: ApprovalQueue) -> None:
        self._hub = hub
        self._is_closed = False
        self._token = trio.lowlevel.current_trio_token()

    def __aiter__(self) -> ApprovalStream:
        return self

    async def __anext__(self) -> ApprovalRequest:
        """Wait for the next request.

        Raises:
            CodexTransportError: The connection is over.
            trio.ClosedResourceError: This stream was closed.

        Cancellation: No request is lost.
        """
        await trio.lowlevel.checkpoint()
        while True:
            if self._is_closed:
                raise trio.ClosedResourceError("this stream of approvals was closed")
            if self._hub.loss is not None:
                raise self._hub.loss.fresh()
            if (request := self._hub.take()) is not None:
                return request
            await self._hub.news.park()

    async def aclose(self) -> None:
        """Ask for no more. What was read can still be answered. Idempotent."""
        self._is_closed = True
        self._hub.streams.discard(self)
        self._hub.look()
        await trio.lowlevel.checkpoint()

    async def __aenter__(self) -> ApprovalStream:
        await trio.lowlevel.checkpoint()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def __del__(self) -> None:
        if not self._is_closed:  # a finalizer runs anywhere, so what it wants done is done in the Trio run
            _run_soon(self._token, self._hub.look)


class ApprovalQueue:
    """The queue between the tasks that answer the server and the streams.

    Attributes:
        streams: Those that are read, or may be.
        loss: Why no request will come any more.
        news: Where the readers wait.
    """

    def __init__(self) -> None:
        self.streams: WeakSet[ApprovalStream] = WeakSet()
        self.loss: CodexTransportError | None = None
        self.news = trio.lowlevel.ParkingLot()
        self._queue: OrderedDict[_Slot, ApprovalRequest] = OrderedDict()  # one may leave it from the middle

    def open(self) -> ApprovalStream:
        """Return a stream of the requests from now on."""
        stream = ApprovalStream(self)
        self.streams.add(stream)
        return stream

    async def ask(self, request: ApprovalRequest) -> Decision | None:
        """Put a request into the queue; return its answer, `None` if nobody gives one.

        Cancellation: The request is withdrawn: who has it learns so when answering.
        """
        slot = _Slot()
        # Only the reader of the request may hold its responder: when that goes, the request is declined.
        self._queue[slot] = with_responder(request, _Responder(slot).respond)
        self.news.unpark_all()
        try:
            await slot.resolved.wait()
        finally:
            slot.is_open = False
            self._queue.pop(slot, None)
        return slot.decision

    def take(self) -> ApprovalRequest | None:
        """Return the oldest request that nobody has."""
        return self._queue.popitem(last=False)[1] if self._queue else None

    def look(self) -> None:
        """Wake the readers; if there are none left, let go of what is queued."""
        self.news.unpark_all()
        if not self.streams:
            self._queue.clear()

    def lose(self, error: CodexTransportError) -> None:
        """Take the end of the connection."""
        self.loss = error
        self.news.unpark_all()


class _Slot:
    """Where the decision goes."""

    def __init__(self) -> None:
        self.resolved = trio.Event()
        self.is_open = True
        self.decision: Decision | None = None

    def set_response(self, decision: Decision | None) -> bool:
        if not self.is_open:
            return False
        self.is_open = False
        self.decision = decision
        self.resolved.set()
        return True


class _Responder:
    def __init__(self, slot: _Slot) -> None:
        self._slot = slot
        self._token = trio.lowlevel.current_trio_token()

    async def respond(self, decision: Decision) -> bool:
        await trio.lowlevel.checkpoint()
        is_in_time = self._slot.set_response(decision)
        if not is_in_time:
            _logger.info("%s came too late, and was not sent", decision.name)
        return is_in_time

    def __del__(self) -> None:
        if self._slot.is_open:
            _run_soon(self._token, self._slot.set_response, None)


def _run_soon(token: trio.lowlevel.TrioToken, function: object, *args: object) -> None:
    try:
        token.run_sync_soon(function, *args)  # type: ignore[arg-type]
    except trio.RunFinishedError:
        _logger.debug("something was let go of after its Trio run had ended")
