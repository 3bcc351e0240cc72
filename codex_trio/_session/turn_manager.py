"""`TurnManager`: start and interrupt turns, and stop all of them when the client closes.

Work that continues after its caller has left runs in the client's own nursery, for a limited time.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Any

import trio

from .._tools import Tool, ToolRegistry, dump_tools
from .._wire import methods
from .._wire.messages import Response
from .._wire.turn_state import is_terminal
from ..errors import (
    CodexError,
    CodexProtocolError,
    CodexThreadBusyError,
    CodexThreadNotFoundError,
    CodexTimeoutError,
    CodexTransportError,
)
from .connection import Connection, PendingRequest
from .history import find_turn
from .reconnecting import ReconnectingConnection
from .registry import START_RESPONSE_TIMEOUT, PendingTurn, TurnRegistry
from .suspects import LossCounter
from .turn import Turn, TurnRequest

_logger = logging.getLogger("codex_trio")

_LOSSES = 3  # retries of a turn on a new thread, when the connection is lost before the turn has started
_ROUNDS = 16  # scheduler rounds for a cancelled consumer to leave its turn


# All in seconds.
INTERRUPT_TIMEOUT = 10.0  # for an abandoned turn to end
_STARTED_TIMEOUT = 1.0  # for `turn/started`, before which the server rejects an interrupt
_INTERRUPT_RESPONSE_TIMEOUT = 2.0  # for the response to an interrupt, which some codex versions do not send
_INITIAL_RETRY_PAUSE, _MAX_RETRY_PAUSE = 0.02, 0.5  # between interrupts that the server rejects
# Between the report that a thread is idle and a request for the turn's state.
_RECONCILE_DELAY, _MAX_RECONCILE_DELAY = 1.0, 30.0


class TurnManager:
    """Starts and interrupts turns, and reads their state from history.

    The states of a turn on its thread are listed above `ThreadSlot`.
    """

    def __init__(
        self,
        connection: Connection | ReconnectingConnection,
        registry: TurnRegistry,
        *,
        suspects: LossCounter,
        request_timeout: float,
        tool_registry: ToolRegistry,
    ) -> None:
        self._connection = connection
        self._registry = registry
        self._suspects = suspects
        self._request_timeout = request_timeout
        self._tools = tool_registry
        self._starting: set[PendingTurn] = set()  # turns whose caller still waits
        self._is_closing = False
        self._is_closed = False

    def start(self, nursery: trio.Nursery) -> None:
        """Run background tasks in `nursery`."""
        self._nursery = nursery

    async def request(
        self, method: str, params: Mapping[str, Any] | None = None, *, timeout: float | None = None
    ) -> Any:
        """Send a request and update the set of subscribed threads. A new thread gets the client's tools."""
        if method == methods.THREAD_START and self._tools.default:
            params = {"dynamicTools": dump_tools(self._tools.default), **(params or {})}
        return await self.send_request(PendingRequest(method, params), timeout=timeout)

    async def send_request(self, call: PendingRequest, *, timeout: float | None = None) -> Any:
        """Send a request that was not sent before, and update the set of subscribed threads."""
        seconds = self._request_timeout if timeout is None else timeout
        if call.method not in methods.SUBSCRIBING and call.method not in methods.UNSUBSCRIBING:
            return await self._connection.send_request(call, timeout=seconds)
        asked = (call.params or {}).get("threadId")
        call.on_response = partial(self._note_subscription, call.method, asked, call.on_response)
        is_leaving = call.method in methods.UNSUBSCRIBING and isinstance(asked, str)
        if is_leaving:
            self._registry.unsubscribing.add(asked)  # so that a turn started after this resumes the thread
        try:
            return await self._connection.send_request(call, timeout=seconds)
        finally:
            if is_leaving and not call.is_in_flight:
                self._registry.unsubscribing.discard(asked)

    def _note_subscription(
        self, method: str, asked: object, on_response: Callable[[Response], None] | None, response: Response
    ) -> None:
        # Runs in the reader, because the connection may be lost right after the response, which resets the
        # subscriptions.
        thread_id = nested_id(response.result, "thread") if asked is None or method == methods.THREAD_FORK else asked
        if method in methods.UNSUBSCRIBING and isinstance(asked, str):
            self._registry.unsubscribing.discard(asked)
        if response.error is None and isinstance(thread_id, str):
            if method in methods.SUBSCRIBING:
                self._registry.subscribed.add(thread_id)
                if (parent := parent_of(response.result)) is not None:
                    self._registry.sub_agents.note_parent(thread_id, parent)
            else:
                self._registry.unsubscribe(thread_id)
            if method == methods.THREAD_FORK:
                self._tools.copy_to_fork(asked, thread_id)
            if method == methods.THREAD_DELETE:
                self._tools.remove_thread(thread_id)
        if on_response is not None:
            on_response(response)

    @property
    def is_closed(self) -> bool:
        """Whether the connection has ended for good."""
        return self._connection.is_closed

    def start_soon(self, async_fn: Callable[[], Awaitable[object]]) -> None:
        """Run a task in the client's own nursery. The task must end when the connection does."""
        self._nursery.start_soon(async_fn)

    async def send_urgently(self, call: PendingRequest, *, timeout: float) -> Any:
        """Send a request immediately, ignoring the limit of requests in flight."""
        return await self._connection.send_request(call, timeout=timeout, bypass_limit=True)

    async def start_thread(
        self, params: Mapping[str, Any] | None = None, *, tools: Iterable[Tool] | None = None
    ) -> Any:
        """Start a thread, and return the result of `thread/start`.

        Args:
            params: The params of `thread/start`.
            tools: Tools to use instead of the client's. If empty, the thread has no tools.
        """
        tools = self._tools.default if tools is None else tuple(tools)
        if tools == self._tools.default:
            return await self.request(methods.THREAD_START, params)
        result = await self.request(methods.THREAD_START, {**(params or {}), "dynamicTools": dump_tools(tools)})
        if (thread_id := nested_id(result, "thread")) is not None:
            self._tools.set_thread_tools(thread_id, tools)
        return result

    # --- starting a turn

    async def start_turn(self, thread_id: str | None, request: TurnRequest) -> Turn:
        """Start a turn, on a new thread or on `thread_id`, and become its consumer.

        Raises:
            CodexThreadBusyError: Another turn of this client runs on the thread.
            CodexTransportError: The connection was lost, or the client is being closed. If the server has started the
                turn, the turn is interrupted.

        Cancellation: If the server starts the turn anyway, the turn is interrupted in the background.
        """
        if thread_id is None:
            return await self._start_on_new_thread(request, _LOSSES)
        starting = await self.reserve_thread(thread_id, request)
        params = {"threadId": thread_id, **request.params}
        if self._connection.reconnects and request.method == methods.TURN_START:
            # To find the turn in history after a disconnect.
            params.setdefault("clientUserMessageId", str(uuid.uuid4()))
        call = PendingRequest(request.method, params, partial(self._on_start_response, starting))
        self._starting.add(starting)
        try:
            with starting.scope:
                await self._start(starting, call)
            if starting.scope.cancel_called:
                raise _closed()
        except BaseException as exc:
            self._leave(starting, call, has_timed_out=isinstance(exc, CodexTimeoutError))
            raise
        finally:
            self._starting.discard(starting)
            starting.finished.set()
        if starting.turn is None:
            raise CodexProtocolError(f"{request.method} was answered without a turn id", method=request.method)
        return starting.turn

    async def _start(self, starting: PendingTurn, call: PendingRequest) -> None:
        await self._ensure_subscribed(starting.thread_id)
        try:
            await self._connection.send_request(call, timeout=self._request_timeout)
        except CodexThreadNotFoundError:
            # The server has unloaded the thread. No turn was started, so the request can be repeated.
            self._registry.subscribed.discard(starting.thread_id)
            await self._ensure_subscribed(starting.thread_id)
            await self._connection.send_request(call, timeout=self._request_timeout)
        if starting.request.matches_first_event is not None:
            await self._find(starting, starting.request)

    async def _start_on_new_thread(self, request: TurnRequest, losses: int) -> Turn:
        result = await self.request(methods.THREAD_START, request.thread_params)
        thread_id = nested_id(result, "thread")
        if thread_id is None:
            raise CodexProtocolError("thread/start was answered without a thread id", method=methods.THREAD_START)
        try:
            return await self.start_turn(thread_id, request)
        except CodexThreadNotFoundError:  # a thread without a turn does not survive its connection
            if not losses or not self._connection.reconnects:
                raise
        return await self._start_on_new_thread(request, losses - 1)

    @trio.lowlevel.enable_ki_protection
    async def _find(self, starting: PendingTurn, request: TurnRequest) -> None:
        is_connected = False
        while not (is_connected or starting.resolved.is_set()):  # a timeout while disconnected does not count
            await self._wait_connected()
            with trio.move_on_after(self._request_timeout):
                await starting.resolved.wait()
            is_connected = self._connection.is_connected
        self._connection.raise_if_closed()
        if starting.turn is None:
            raise CodexTimeoutError(f"{request.method} was accepted, and no turn began on thread {starting.thread_id}")

    @trio.lowlevel.enable_ki_protection
    async def reserve_thread(self, thread_id: str, request: TurnRequest) -> PendingTurn:
        """Reserve the thread for a new turn. Events with an unknown turn id are buffered until the turn's id is known.

        Raises:
            CodexThreadBusyError: Another turn of this client runs on the thread, or is being started there.
            CodexTransportError: The connection was lost, or the client is being closed.

        Cancellation: The thread is not reserved.
        """
        await self.wait_free(thread_id)
        # No checkpoint from here on, because another task may want to reserve the thread.
        slot = self._registry.get_slot(thread_id)
        self._connection.raise_if_closed()
        if self._is_closing:
            raise _closed()
        if slot.is_taken:
            turn_id = None if slot.turn is None else slot.turn.turn_id
            raise CodexThreadBusyError(
                f"turn {turn_id or '(being started)'} of this client is still running on thread {thread_id}: let it "
                "end, continue it, or cancel it; turn/steer adds input to it",
                thread_id=thread_id,
                turn_id=turn_id,
            )
        starting = self._registry.place(thread_id).starting = PendingTurn(thread_id, request)
        return starting

    @trio.lowlevel.enable_ki_protection
    async def wait_free(self, thread_id: str) -> None:
        """Wait while an abandoned turn runs on the thread, but no longer than the request timeout."""
        await self.give_way(thread_id)
        with trio.move_on_after(self._request_timeout):
            await self._wait_connected()
            while (slot := self._registry.get_slot(thread_id)).leaving is not None:
                await slot.leaving.wait()
                await self._wait_connected()

    @trio.lowlevel.enable_ki_protection
    async def give_way(self, thread_id: str) -> None:
        """If the consumer of the thread's turn is cancelled, let it leave the turn.

        Trio delivers a cancellation in its next scheduler round, and clean-up may take a few more rounds. Another task
        cannot see whether a cancellation is pending, so this waits for some rounds, without sleeping.
        """
        for _ in range(_ROUNDS):
            slot = self._registry.get_slot(thread_id)
            if slot.turn is not None and slot.turn.is_abandoned:  # the finalizer of its stream has not run yet
                self.interrupt_soon(slot.turn)
            if slot.leaving is not None or not slot.has_consumer:
                return
            await trio.lowlevel.checkpoint()

    @trio.lowlevel.enable_ki_protection
    async def wait_running_turn(self, thread_id: str) -> Turn | None:
        """Return the turn of this client that runs on a thread, or `None`. If one is being started, wait for it.

        Raises:
            CodexTimeoutError: The id of the turn that is being started did not become known in time.
            CodexTransportError: The connection was lost.
        """
        with trio.move_on_after(self._request_timeout):
            while (starting := self._registry.starting(thread_id)) is not None:
                await starting.finished.wait()
                self._connection.raise_if_closed()
            return self._registry.open_turn(thread_id)
        raise CodexTimeoutError(
            f"a turn is being started on thread {thread_id}, and the server did not tell which in time"
        )

    async def _wait_connected(self) -> None:
        # A `turn/start` whose connection was lost may have started a turn on this thread. Reconnecting finds and
        # interrupts that turn first. `wait_connected` always executes a checkpoint, so that a disconnect is noticed.
        if self._connection.reconnects:
            await self._connection.wait_connected()

    async def _ensure_subscribed(self, thread_id: str) -> None:
        # Without a subscription, the turn would run, but this connection would receive none of its events.
        if not self._registry.is_subscribed(thread_id):
            await self.request(methods.THREAD_RESUME, {"threadId": thread_id, "excludeTurns": True})

    def _on_start_response(self, starting: PendingTurn, response: Response) -> None:
        # Runs in the reader, because the next message may be an event of this turn.
        if starting.resolved.is_set():
            self._take_late(starting, response)
            return
        if response.error is None and starting.request.matches_first_event is not None:
            self._registry.match_first_event(starting, partial(self._bind, starting))
            starting.hurry(INTERRUPT_TIMEOUT)  # the request was accepted, but the turn has not started
            return
        turn_id = nested_id(response.result, "turn") if response.error is None else None
        if turn_id is not None:
            self._bind(starting, turn_id)
        elif starting.is_abandoned or response.error is None:
            self._release(starting)

    def _bind(self, starting: PendingTurn, turn_id: str) -> None:
        turn = self._registry.bind(starting, turn_id, trio.current_time())
        turn.acquire_consumer(wants_deltas=starting.request.wants_deltas)
        if starting.is_abandoned:
            turn.release_consumer()
            self.interrupt_soon(turn)
            # If the turn ended before its id was known, `interrupt_soon` did not wake the tasks that wait for the
            # thread.
            if turn.ended.is_set():
                turn.left = self._registry.get_slot(starting.thread_id).leaving
                self._registry.clear(turn)

    def _take_late(self, starting: PendingTurn, response: Response) -> None:
        # The thread was released before this response came. If the turn in the response still ran when another turn was
        # started on the thread, codex has merged the two. Otherwise the turn in the response has to be interrupted.
        turn_id = nested_id(response.result, "turn") if response.error is None else None
        slot = self._registry.get_slot(starting.thread_id)
        if turn_id is None or turn_id == starting.ended or self._registry.is_known(turn_id) or slot.is_taken:
            return
        late = self._registry.place(starting.thread_id).starting = PendingTurn(starting.thread_id, TurnRequest())
        self.interrupt_soon(self._registry.bind(late, turn_id, trio.current_time()))

    def _leave(self, starting: PendingTurn, call: PendingRequest, *, has_timed_out: bool) -> None:
        if starting.turn is None and call.was_sent and call.response is None and not call.is_in_flight:
            self._registry.unconfirmed_starts.append(call)  # it may have started a turn
        if starting.turn is not None:
            starting.turn.release_consumer()
            self.interrupt_soon(starting.turn)
        elif call.is_in_flight:
            starting.call = call
            self._watch_abandoned_soon(starting, 0.0 if has_timed_out else _start_response_timeout(starting, call))
        elif starting.on_turn_id is not None and not starting.resolved.is_set():
            self._watch_abandoned_soon(starting, INTERRUPT_TIMEOUT)
        else:
            self._release(starting)

    def _watch_abandoned_soon(self, starting: PendingTurn, timeout: float) -> None:
        starting.is_abandoned = True
        self._registry.place(starting.thread_id).leaving = trio.Event()
        self._nursery.start_soon(
            self._watch_abandoned, starting, timeout, name=f"codex_trio waits for {starting.request.method}"
        )

    @trio.lowlevel.enable_ki_protection
    async def _watch_abandoned(self, starting: PendingTurn, timeout: float) -> None:
        # The turn id is unknown, so the turn cannot be interrupted yet. While any turn runs on the thread, it may be
        # this one, so keep waiting. A response that comes after that is handled by `_take_late`.
        while True:
            with trio.move_on_after(timeout) as starting.waiting:
                await starting.resolved.wait()
            if starting.resolved.is_set():
                return
            if not starting.is_running:
                if starting.call is not None and starting.call.is_in_flight:
                    self._registry.unanswered.append(starting.call)
                self._release(starting)
                return
            timeout = INTERRUPT_TIMEOUT

    def _release(self, starting: PendingTurn) -> None:
        slot = self._registry.place(starting.thread_id)
        if starting.is_abandoned and slot.leaving is not None:
            slot.leaving.set()
            slot.leaving = None
        self._registry.release(starting)

    def forget(self, turn: Turn) -> None:
        """Release a turn that was read to its end."""
        self._registry.forget(turn)

    # --- interrupting turns

    def interrupt_soon(self, turn: Turn) -> None:
        """Interrupt an abandoned turn in the background. The next turn on its thread waits for this."""
        if turn.ended.is_set():
            self._registry.forget(turn)
            return
        if self._is_closed or (turn.left is not None and not turn.left.is_set()):
            return
        slot = self._registry.place(turn.thread_id)
        if slot.leaving is None:
            slot.leaving = trio.Event()
        turn.left = slot.leaving
        self._nursery.start_soon(self._interrupt_abandoned, turn, name=f"codex_trio stops {turn.turn_id}")

    @trio.lowlevel.enable_ki_protection
    async def _interrupt_abandoned(self, turn: Turn) -> None:
        try:
            with trio.move_on_after(INTERRUPT_TIMEOUT):
                await self._interrupt(turn)
                await turn.ended.wait()
        except CodexError as exc:
            _logger.debug("turn %s could not be stopped: %s", turn.turn_id, exc)
        finally:
            if turn.ended.is_set():
                self._registry.forget(turn)
            elif turn.is_abandoned:
                turn.discard_events()
            self._registry.clear(turn)

    @trio.lowlevel.enable_ki_protection
    async def interrupt_and_wait(self, turn: Turn) -> None:
        """Interrupt a turn and wait for its end.

        Raises:
            CodexProtocolError: The server rejected the interrupt, for a reason other than that the turn is not running.

        Cancellation: The interrupt may have been sent.
        """
        attempt = _InterruptTask()
        self._nursery.start_soon(self._run_interrupt, turn, attempt, name=f"codex_trio cancels {turn.turn_id}")
        try:
            await attempt.done.wait()
        finally:
            attempt.scope.cancel()
        if attempt.error is not None:
            try:
                raise attempt.error
            finally:
                del attempt  # otherwise the error and the frames in its traceback would keep each other alive

    @trio.lowlevel.enable_ki_protection
    async def _run_interrupt(self, turn: Turn, attempt: _InterruptTask) -> None:
        try:
            with attempt.scope:
                await self._interrupt(turn)
                await turn.ended.wait()
        except CodexProtocolError as exc:
            attempt.error = exc.with_traceback(None)  # the frames in the traceback would keep the error alive
        finally:
            attempt.done.set()

    async def _interrupt(self, turn: Turn) -> None:
        """Send interrupts until the server accepts one, or the turn has ended."""
        with trio.move_on_after(_STARTED_TIMEOUT):
            await turn.started.wait()
        delay = _INITIAL_RETRY_PAUSE
        while not turn.ended.is_set():
            refusal = await self._interrupt_once(turn)
            if refusal is None:
                return
            # The server reports this before the turn has started, and after its end, when `turn/completed` may not have
            # arrived yet.
            if not is_no_active_turn(refusal):
                raise refusal
            with trio.move_on_after(delay):
                await turn.ended.wait()
            delay = min(2 * delay, _MAX_RETRY_PAUSE)

    async def interrupt(self, thread_id: str, turn_id: str, *, timeout: float) -> None:
        """Send one `turn/interrupt`, ignoring the limit of requests in flight, and wait for the response.

        Args:
            thread_id: The thread of the turn.
            turn_id: The id of the turn. For a review of this client, the id in its events is also accepted, although
                the server uses another id to interrupt it.
            timeout: Seconds.

        Raises:
            CodexProtocolError: The server rejected the interrupt.
            CodexTimeoutError: No response came in time.
            CodexTransportError: The connection was lost.

        Cancellation: The interrupt may have been sent.
        """
        turn = self._registry.find(turn_id)
        interrupt_id = turn.interrupt_id if turn is not None and turn.thread_id == thread_id else turn_id
        call = PendingRequest(methods.TURN_INTERRUPT, {"threadId": thread_id, "turnId": interrupt_id})
        await self._connection.send_request(call, timeout=timeout, bypass_limit=True)

    async def _interrupt_once(self, turn: Turn) -> CodexProtocolError | None:
        refusal: CodexProtocolError | None = None

        @trio.lowlevel.enable_ki_protection
        async def ask() -> None:
            nonlocal refusal
            try:
                while True:
                    try:
                        await self.interrupt(turn.thread_id, turn.interrupt_id, timeout=_INTERRUPT_RESPONSE_TIMEOUT)
                        break
                    except (CodexTransportError, CodexTimeoutError):
                        # If the client reconnects, the interrupt has to be sent again over the next connection.
                        if self._connection.is_closed or not self._connection.reconnects:
                            raise
            except CodexProtocolError as exc:
                refusal = exc
            except CodexError as exc:
                _logger.debug("turn/interrupt: %s", exc)  # the caller waits for the end of the turn anyway
            nursery.cancel_scope.cancel()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            await turn.ended.wait()
            nursery.cancel_scope.cancel()
        return refusal

    # --- reading the state of turns from history

    def reconcile_soon(self, turn: Turn) -> None:
        """Read the turn's state after a delay, and again while the turn is open and its thread is idle."""
        if self._is_closed:
            return
        if turn.reconcile_scope is not None:
            turn.reconcile_scope.cancel()
        turn.reconcile_scope = trio.CancelScope()
        self._nursery.start_soon(
            self._reconcile, turn, turn.reconcile_scope, name=f"codex_trio looks for {turn.turn_id}"
        )

    @trio.lowlevel.enable_ki_protection
    async def _reconcile(self, turn: Turn, scope: trio.CancelScope) -> None:
        delay = _RECONCILE_DELAY
        with scope:
            while True:
                with trio.move_on_after(delay):
                    await turn.ended.wait()
                    return
                if await self._look_at(turn):
                    return
                delay = min(2 * delay, _MAX_RECONCILE_DELAY)

    async def _look_at(self, turn: Turn) -> bool:
        """Read a turn's state from history, and end the turn if it has ended there. Return whether to stop looking."""
        key = "the end of", turn
        try:
            with self._suspects.blaming(key):
                history = await find_turn(self.request, turn, "notLoaded")
                if history is not None and is_terminal(history):
                    turn.end_from_history(await find_turn(self.request, turn, "full") or history)
                    return False
        except CodexTransportError as exc:
            if self._suspects.is_hopeless(key):
                error = CodexTransportError(
                    f"the connection was lost whenever the end of turn {turn.turn_id} of thread {turn.thread_id} was looked "
                    f"for, so this was given up: {exc}"
                )
                error.__cause__ = exc
                turn.fail(error)
            return False
        return not turn.thread_is_idle

    async def read_history(self, turn: Turn) -> Mapping[str, Any] | None:
        """Read the turn and its items from history. Return `None` if they cannot be read."""
        try:
            return await find_turn(self.request, turn, "full")
        except CodexTransportError as exc:
            _logger.debug("the history of turn %s could not be read: %r", turn.turn_id, exc)
            return None

    # --- closing

    async def close(self, timeout: float) -> None:
        """Interrupt all turns, except those with a continuation, and wait for their end. No new turns can be started.

        Args:
            timeout: Seconds to wait.
        """
        self._is_closing = True  # first, so that no turn is started while this waits
        for turn in self._registry.turns:
            if not turn.has_continuation and not turn.ended.is_set():
                self.interrupt_soon(turn)
        pending = list(self._starting)
        for starting in pending:
            starting.scope.cancel()
        with trio.move_on_after(timeout):
            for starting in pending:  # their callers leave first, which may add a `leaving` event
                await starting.finished.wait()
            for event in [slot.leaving for slot in self._registry.places if slot.leaving is not None]:
                await event.wait()
        self._is_closed = True


def _start_response_timeout(starting: PendingTurn, call: PendingRequest) -> float:
    # Seconds. Shorter than the request's own timeout, because callers that wait for the thread also wait for this.
    seconds = 0.9 * max(0.0, call.deadline - trio.current_time())
    return seconds if starting.ended is None else min(seconds, START_RESPONSE_TIMEOUT)


def _closed() -> CodexTransportError:
    return CodexTransportError("this client was closed")


class _InterruptTask:
    """The state of one `interrupt_and_wait`."""

    def __init__(self) -> None:
        self.scope = trio.CancelScope()
        self.done = trio.Event()
        self.error: CodexProtocolError | None = None


def is_no_active_turn(refusal: CodexProtocolError) -> bool:
    """Whether an interrupt was rejected because the turn is not running: it has not started, or has ended."""
    return "no active turn" in str(refusal) or "expected active turn id" in str(refusal)


def nested_id(result: object, kind: str) -> str | None:
    """Return the id of the object in a result under the key `kind`: ``"thread"`` or ``"turn"``."""
    inner = result.get(kind) if isinstance(result, dict) else None
    value = inner.get("id") if isinstance(inner, dict) else None
    return value if isinstance(value, str) else None


def parent_of(result: object) -> str | None:
    """Return the parent of the thread in a result. `None` if the thread is not a sub-agent's."""
    thread = result.get("thread") if isinstance(result, dict) else None
    value = thread.get("parentThreadId") if isinstance(thread, dict) else None
    return value if isinstance(value, str) else None
