"""`ServerRequestTasks`: run a task for each server request, in the owner's nursery.

A request gets at most one response. There is no response if the server withdraws the request, if its turn ends, or if
the client is closed.
"""

from __future__ import annotations

import logging

import msgspec
import trio

from .._tools import ToolCall
from .._wire import methods, server_methods
from .._wire.messages import Notice, RequestId, ServerRequest
from .._wire.server_methods import RequestRejectedError
from ..errors import CodexError, CodexTransportError
from .connection import Connection
from .handlers import Handlers, default_response
from .open_items import OpenItems
from .reconnecting import ReconnectingConnection
from .registry import TurnRegistry
from .turn import HandlerError, Turn
from .turn_manager import TurnManager

_logger = logging.getLogger("codex_trio")

_MAX_REMEMBERED = 1_024  # handled requests, which the server may repeat when a thread is resumed
_INTERRUPT_RESPONSE_TIMEOUT = 2.0  # seconds


class PendingRequestTask(msgspec.Struct, eq=False):
    """A server request whose handler is running.

    Attributes:
        request: The request.
        changes: ``changes`` of the item that the request is about, or `None` if they are unknown.
        tool_name: The tool of the call that the request is about, or ``""`` if it is unknown.
        tool_call: The tool call that the request is for, if it is an `item/tool/call`.
        turn: The turn of this client that waits for the response: the request's turn, or the turn that its sub-agent
            works for. `None` if there is no such turn.
        waiting: The turns whose inactivity timers are paused for this request.
        scope: Cancel scope of the handler.
        is_withdrawn: Whether the request was dropped before its response was sent.
        is_answered: Whether the response was passed to the connection.
    """

    request: ServerRequest
    changes: object
    tool_name: str
    tool_call: ToolCall | None = None
    turn: Turn | None = None
    waiting: list[Turn] = msgspec.field(default_factory=list)
    scope: trio.CancelScope = msgspec.field(default_factory=trio.CancelScope)
    is_withdrawn: bool = False
    is_answered: bool = False

    def drop(self) -> None:
        """Cancel the handler. No response is sent, unless it already was."""
        self.is_withdrawn = not self.is_answered
        self.scope.cancel()


class ServerRequestTasks:
    """Runs the handlers of server requests and sends the responses.

    Attributes:
        answers: The number of requests that were answered.
    """

    def __init__(
        self,
        handlers: Handlers,
        connection: Connection | ReconnectingConnection,
        registry: TurnRegistry,
        manager: TurnManager,
    ) -> None:
        self._handlers = handlers
        self._connection = connection
        self._registry = registry
        self._manager = manager
        self._pending: dict[RequestId, PendingRequestTask] = {}
        self._answered_ids: dict[RequestId, None] = {}
        self._items = OpenItems(self._is_own)
        self._failures: set[HandlerError] = set()
        self._is_closed = False
        self.answers = 0

    def start(self, nursery: trio.Nursery) -> None:
        """Run handlers in the owner's `nursery`: they are part of the user's program, and are cancelled with it."""
        self._nursery = nursery

    # --- in the reader

    def take(self, request: ServerRequest) -> None:
        """Start a task that responds to a request, unless this client does not answer it."""
        turn = self._turn_of(request)
        is_foreign = self._registry.sub_agents.is_foreign(request.thread_id or "")
        if self._is_closed or self._handlers.observe or is_foreign:
            if turn is not None:
                turn.touch(request.method, trio.current_time())  # a request counts as activity
            _logger.debug("%s is not answered by this client", self._handlers.redact(request.method))
            return
        if request.id in self._pending or request.id in self._answered_ids:
            _logger.debug("%s", self._handlers.redact(f"{request.method} was asked again, id {request.id!r}"))
            return
        # Here in the reader, because items may complete before the task runs, and tool calls must stay in order.
        asked = self._pending[request.id] = PendingRequestTask(
            request,
            self._items.find_changes(request),
            self._items.find_tool_name(request),
            self._handlers.find_tool_call(request.method, request.params),
        )
        if turn is not None:
            turn.touch(request.method, trio.current_time())
        self._hold_inactivity(asked)
        self._nursery.start_soon(self._answer, asked, name=f"codex_trio answers {request.method}")

    def attach_turns(self) -> None:
        """Find the turns of pending requests whose turn was unknown until now."""
        for asked in self._pending.values():
            if asked.turn is None:
                self._hold_inactivity(asked)

    def _turn_of(self, request: ServerRequest) -> Turn | None:
        return self._registry.find(request.turn_id or "") or self._registry.sub_agents.root_of(request.thread_id or "")

    def _hold_inactivity(self, asked: PendingRequestTask) -> None:
        request = asked.request
        asked.turn = turn = self._turn_of(request)
        thread_id = request.thread_id
        waiting = [turn] if turn is not None else []
        if turn is None and thread_id is not None:
            waiting = self._registry.waits_for(thread_id, request.turn_id)
        # Hold the timers of the new turns first, so that no timer runs in between.
        for waiter in waiting:
            if waiter not in asked.waiting:
                waiter.hold_inactivity()
        for waiter in asked.waiting:
            if waiter not in waiting:
                waiter.release_inactivity(trio.current_time())
        asked.waiting = waiting
        # The request of a sub-agent stays open after the end of the turn, because the sub-agent may outlive the turn.
        if turn is not None and turn.turn_id == request.turn_id:
            turn.on_end.add(asked.drop)

    def watch(self, notice: Notice) -> None:
        """Update the open items from a notification, and drop the requests that it withdraws."""
        params = notice.params
        self._items.watch(notice)
        if notice.method == server_methods.RESOLVED:
            request_id = params.get("requestId")
            asked = self._pending.get(request_id) if isinstance(request_id, (int, str)) else None
            if asked is not None:
                asked.drop()
        elif notice.method == methods.TURN_COMPLETED:
            for asked in list(self._pending.values()):
                if asked.request.turn_id is not None and asked.request.turn_id == notice.turn_id:
                    asked.drop()

    def _is_own(self, thread_id: str | None, turn_id: str | None) -> bool:
        root = self._registry.sub_agents.root_of(thread_id or "")
        return root is not None or self._registry.find(turn_id or "") is not None

    def suspend(self) -> None:
        """Drop pending requests on disconnect. The server repeats them after reconnecting."""
        for asked in list(self._pending.values()):
            asked.drop()
        # Request ids are unique only within a connection.
        self._pending.clear()
        self._answered_ids.clear()

    def fail(self, error: CodexTransportError) -> None:
        """Drop pending requests and end the approval streams, because the connection has ended for good."""
        self._handlers.approvals.fail(error)
        for asked in list(self._pending.values()):
            asked.drop()

    # --- in the owner's tasks

    def close(self) -> None:
        """Cancel all handlers. Later requests are not answered."""
        self._is_closed = True
        for asked in list(self._pending.values()):
            asked.drop()
        for failure in self._failures:
            failure.resolved.set()

    @trio.lowlevel.enable_ki_protection
    async def _answer(self, asked: PendingRequestTask) -> None:
        error: BaseException | None = None
        interrupts_turn = False
        try:
            with asked.scope:
                interrupts_turn = await self._ask(asked)
        except BaseException as exc:
            if not asked.is_withdrawn:
                self._refuse(asked)  # before the exception propagates, which may end the client
            if _has_cancelled(exc):
                raise
            error = exc
        finally:
            self._settle(asked)
        if error is not None:
            try:
                await self._report(asked, error)
            finally:
                del error  # its traceback refers to this frame, which would keep both alive
        elif interrupts_turn:
            await self._interrupt(asked.request)

    async def _ask(self, asked: PendingRequestTask) -> bool:
        request = asked.request
        try:
            answer = await self._handlers.handle(
                request.method,
                request.params,
                changes=asked.changes,
                tool_name=asked.tool_name,
                tool_call=asked.tool_call,
            )
        except RequestRejectedError as refusal:
            self._connection.respond_error(request, refusal.code, str(refusal))
            asked.is_answered = True
            return False
        # No checkpoint between the handler and this, so that a decision is never lost to a cancellation.
        self._connection.respond(request, answer.result)
        asked.is_answered = True
        return answer.interrupts_turn

    def _refuse(self, asked: PendingRequestTask) -> None:
        if asked.is_answered:
            return
        try:
            self._connection.respond(asked.request, default_response(asked.request.method))
        except RequestRejectedError as refusal:
            self._connection.respond_error(asked.request, refusal.code, str(refusal))
        asked.is_answered = True

    def _settle(self, asked: PendingRequestTask) -> None:
        self.answers += asked.is_answered
        if self._pending.get(asked.request.id) is asked:  # otherwise the request came over an earlier connection
            del self._pending[asked.request.id]
            self._answered_ids[asked.request.id] = None
            if len(self._answered_ids) > _MAX_REMEMBERED:
                del self._answered_ids[next(iter(self._answered_ids))]
        if asked.turn is not None:
            asked.turn.on_end.discard(asked.drop)
        for turn in asked.waiting:
            turn.release_inactivity(trio.current_time())

    async def _report(self, asked: PendingRequestTask, error: BaseException) -> None:
        """Raise a handler's exception in the consumer of the turn. If there is no consumer, raise it here."""
        turn = asked.turn
        failure = None if turn is None or self._is_closed else turn.set_handler_error(error)
        if turn is None or failure is None:
            raise error
        self._manager.interrupt_soon(turn)
        # If the consumer leaves without raising the exception, this task raises it.
        self._failures.add(failure)
        try:
            await failure.resolved.wait()
        finally:
            self._failures.discard(failure)
        if not failure.is_raised:
            raise error

    async def _interrupt(self, request: ServerRequest) -> None:
        if request.thread_id is None or request.turn_id is None:
            return
        try:
            await self._manager.interrupt(request.thread_id, request.turn_id, timeout=_INTERRUPT_RESPONSE_TIMEOUT)
        except CodexError as exc:
            _logger.debug("turn %s was to be ended by a decision: %s", request.turn_id, exc)


def _has_cancelled(exc: BaseException) -> bool:
    if isinstance(exc, BaseExceptionGroup):
        return exc.subgroup(trio.Cancelled) is not None
    return isinstance(exc, trio.Cancelled)
