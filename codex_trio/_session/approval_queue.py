"""Approval requests as a stream: ``async for request in client.approvals()``. Discarded requests are declined."""

from __future__ import annotations

import logging
from collections import OrderedDict
from types import TracebackType
from weakref import WeakSet

import trio

from .._public_call import public_call
from .._server_requests.approvals import ApprovalRequest, with_responder
from .._server_requests.decisions import Decision
from ..errors import CodexTransportError

_logger = logging.getLogger("codex_trio")


class ApprovalStream:
    """A stream of the server's approval requests: ``async for request in client.approvals()``.

    Each request goes to one reader, which responds with ``await request.respond(decision)``, immediately or later. A
    request is declined if it is garbage collected without a response. When the last stream is closed or garbage
    collected, the requests that are still queued are declined. The stream raises `CodexTransportError` when the
    connection ends.

    ``request.accept()`` raises `ValueError` if it would grant more than the request shows: see `CommandApprovalRequest`
    and `FileChangeApprovalRequest`. The exception is raised in your loop. Nothing is granted then, and the request can
    still be declined.

    The loop variable of an ``async for`` keeps its request alive until the next request comes, and the turn waits
    until then. So respond in every branch of the loop.

    Example:
        ```python
        async for request in client.approvals():
            if not isinstance(request, CommandApprovalRequest) or request.kind != "command" or request.extra_permissions:
                await request.respond(request.decline())
            else:
                await request.respond(request.accept() if request.script == "ls" else request.decline())
        ```
    """

    # Ctrl-C may prevent the constructor from ending. Then the finalizer has nothing to do.
    _is_closed = True

    def __init__(self, hub: ApprovalQueue) -> None:
        self._hub = hub
        self._token = trio.lowlevel.current_trio_token()
        self._is_closed = False

    def __aiter__(self) -> ApprovalStream:
        return self

    @public_call
    async def __anext__(self) -> ApprovalRequest:
        """Wait for the next request.

        Raises:
            CodexTransportError: The connection has ended.
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

    @public_call
    async def aclose(self) -> None:
        """Close the stream. Requests that were read from it can still be answered. Idempotent.

        Cancellation: The stream is closed even if this is cancelled.
        """
        self._is_closed = True
        self._hub.streams.discard(self)
        self._hub.look()
        await trio.lowlevel.checkpoint()

    @public_call
    async def __aenter__(self) -> ApprovalStream:
        await trio.lowlevel.checkpoint()
        return self

    @public_call
    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def __del__(self) -> None:
        if not self._is_closed:  # a finalizer may run in any thread and at any time, so let Trio call `look`
            _run_soon(self._token, self._hub.look)


class ApprovalQueue:
    """The queue between the tasks that respond to the server and the streams.

    Attributes:
        streams: The streams that are not closed.
        loss: The error with which the connection ended, or `None`.
        news: Parks readers until there is a request, or until a stream or the connection is closed.
    """

    def __init__(self) -> None:
        self.streams: WeakSet[ApprovalStream] = WeakSet()
        self.loss: CodexTransportError | None = None
        self.news = trio.lowlevel.ParkingLot()
        # An `OrderedDict`, because a withdrawn request is removed from the middle.
        self._queue: OrderedDict[_Slot, ApprovalRequest] = OrderedDict()

    def open(self) -> ApprovalStream:
        """Return a new stream, which shares the requests of this queue with the other streams."""
        stream = ApprovalStream(self)
        self.streams.add(stream)
        return stream

    async def ask(self, request: ApprovalRequest) -> Decision | None:
        """Put a request into the queue and wait for its decision. Return `None` if the request is discarded.

        Cancellation: The request is withdrawn. If a reader has it, ``request.respond()`` returns `False` there.
        """
        slot = _Slot()
        # This task must not keep a reference to the responder: when it is garbage collected, the request is declined.
        self._queue[slot] = with_responder(request, _Responder(slot).respond)
        self.news.unpark_all()
        try:
            await slot.resolved.wait()
        finally:
            slot.is_open = False
            self._queue.pop(slot, None)
        return slot.decision

    def take(self) -> ApprovalRequest | None:
        """Remove the oldest request from the queue and return it. Return `None` if the queue is empty."""
        return self._queue.popitem(last=False)[1] if self._queue else None

    def look(self) -> None:
        """Wake the readers. If no stream is left, discard the queued requests."""
        self.news.unpark_all()
        if not self.streams:
            self._queue.clear()

    def fail(self, error: CodexTransportError) -> None:
        """End the streams with `error`, because the connection has ended."""
        self.loss = error
        self.news.unpark_all()


class _Slot:
    """Holds the decision of one request."""

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
        is_in_time = self._slot.set_response(decision)  # before the checkpoint, so that a cancellation does not lose it
        if not is_in_time:
            _logger.info("%s came too late, and was not sent", decision.name)
        await trio.lowlevel.checkpoint()
        return is_in_time

    def __del__(self) -> None:
        if self._slot.is_open:
            _run_soon(self._token, self._slot.set_response, None)


def _run_soon(token: trio.lowlevel.TrioToken, function: object, *args: object) -> None:
    try:
        token.run_sync_soon(function, *args)  # type: ignore[arg-type]
    except trio.RunFinishedError:
        _logger.debug("something was let go of after its Trio run had ended")
