"""`TurnManager`: how turns begin, and how they are left when the client closes.

Whatever goes on after its caller has left runs in the client's own nursery, and is bounded.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Any

import trio

from .._tools import (
    Tool,
    ToolRegistry,
    dump_tools,
)
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
from .connection import (
    Connection,
    PendingRequest,
)
from .history import find_turn
from .reconnecting import ReconnectingConnection
from .registry import (
    START_RESPONSE_TIMEOUT,
    PendingTurn,
    TurnRegistry,
)
from .suspects import LossCounter
from .turn import Turn, TurnRequest

_logger = logging.getLogger("codex_trio")

_LOSSES = 3  # of connections, between the start of a thread and that of its first turn
_ROUNDS = 16  # of Trio's scheduler, for a cancelled consumer to leave its turn


# All in seconds.
INTERRUPT_TIMEOUT = 10.0  # for a turn that nobody wants any more to end
_STARTED_TIMEOUT = 1.0  # for `turn/started`, before which an interrupt is refused
_INTERRUPT_RESPONSE_TIMEOUT = 2.0  # for the answer to an interrupt: some versions leave it out
_INITIAL_RETRY_PAUSE, _MAX_RETRY_PAUSE = 0.02, 0.5  # between interrupts that were refused
# Seconds between a thread's going idle and a look at the turn's true state.
_RECONCILE_DELAY, _MAX_RECONCILE_DELAY = 1.0, 30.0


class TurnManager:
    """Begins, stops and looks up turns over one connection."""

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
        self._starting: set[PendingTurn] = set()  # those whose caller is still there
        self._is_closing = False
        self._is_closed = False

    def start(self, nursery: trio.Nursery) -> None:
        """Run background tasks in `nursery` from now on."""
        self._nursery = nursery

    async def request(
        self, method: str, params: Mapping[str, Any] | None = None, *, timeout: float | None = None
    ) -> Any:
        """Call the server; note the threads that the call subscribes to, or not any more.

        A new thread gets the client's tools.
        """
        if method == methods.THREAD_START and self._tools.default:
            params = {"dynamicTools": dump_tools(self._tools.default), **(params or {})}
        return await self.send_request(PendingRequest(method, params), timeout=timeout)

    async def send_request(self, call: PendingRequest, *, timeout: float | None = None) -> Any:
        """Make a call, which was not made before, as `request` does."""
        patience = self._request_timeout if timeout is None else timeout
        if call.method not in methods.SUBSCRIBING and call.method not in methods.UNSUBSCRIBING:
            return await self._connection.send_request(call, timeout=patience)
        asked = (call.params or {}).get("threadId")
        call.on_response = partial(self._note_subscription, call.method, asked, call.on_response)
        is_leaving = call.method in methods.UNSUBSCRIBING and isinstance(asked, str)
        if is_leaving:
            self._registry.unsubscribing.add(asked)  # a turn that is asked for behind this call wants it resumed
        try:
            return await self._connection.send_request(call, timeout=patience)
        finally:
            if is_leaving and not call.is_in_flight:
                self._registry.unsubscribing.discard(asked)

    def _note_subscription(
        self, method: str, asked: object, on_response: Callable[[Response], None] | None, response: Response
    ) -> None:
        # In the reader: the loss of the connection may come right behind the answer, and undoes this.
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
    def is_lost(self) -> bool:
        """Whether the connection has ended for good."""
        return self._connection.is_lost

    def start_soon(self, async_fn: Callable[[], Awaitable[object]]) -> None:
        """Run a task in the client's own nursery. It must end when the connection does."""
        self._nursery.start_soon(async_fn)

    async def send_urgently(self, call: PendingRequest, *, timeout: float) -> Any:
        """Make a call past the line of waiting requests, and without a place among those in flight."""
        return await self._connection.send_request(call, timeout=timeout, bypass_limit=True)

    async def start_thread(
        self, params: Mapping[str, Any] | None = None, *, tools: Iterable[Tool] | None = None
    ) -> Any:
        """Start a thread, and return the server's answer.

        Args:
            params: Of `thread/start`.
            tools: In place of the client's; none, if empty.
        """
        tools = self._tools.default if tools is None else tuple(tools)
        if tools == self._tools.default:
            return await self.request(methods.THREAD_START, params)
        result = await self.request(methods.THREAD_START, {**(params or {}), "dynamicTools": dump_tools(tools)})
        if (thread_id := nested_id(result, "thread")) is not None:
            self._tools.set_thread_tools(thread_id, tools)
        return result

    # --- beginning

    async def start_turn(self, thread_id: str | None, request: TurnRequest) -> Turn:
        """Start a turn, on a new thread or a given one, and become its consumer.

        Raises:
            CodexTransportError: The connection was lost, or the client closes; the turn is stopped then.

        Cancellation: A turn that the server starts all the same is stopped.
        """
        if thread_id is None:
            return await self._start_on_new_thread(request, _LOSSES)
        starting = await self.reserve_thread(thread_id, request)
        params = {"threadId": thread_id, **request.params}
        if self._connection.reconnects and request.method == methods.TURN_START:
            params.setdefault("clientUserMessageId", str(uuid.uuid4()))  # so that the turn can be found after a loss
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
        except CodexThreadNotFoundError:  # it was unloaded unseen; the refusal is certain, so this repeats nothing
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
        except CodexThreadNotFoundError:  # a thread that had no turn yet is gone with its connection
            if not losses or not self._connection.reconnects:
                raise
        return await self._start_on_new_thread(request, losses - 1)

    @trio.lowlevel.enable_ki_protection
    async def _find(self, starting: PendingTurn, request: TurnRequest) -> None:
        is_connected = False
        while not (is_connected or starting.resolved.is_set()):  # while it is away, the server cannot tell
            await self._wait_connected()
            with trio.move_on_after(self._request_timeout):
                await starting.resolved.wait()
            is_connected = self._connection.is_connected
        self._connection.raise_if_closed()
        if starting.turn is None:
            raise CodexTimeoutError(f"{request.method} was accepted, and no turn began on thread {starting.thread_id}")

    @trio.lowlevel.enable_ki_protection
    async def reserve_thread(self, thread_id: str, request: TurnRequest) -> PendingTurn:
        """Take the thread's place for a turn that is to come; events of turns that nobody knows are held there.

        Raises:
            CodexThreadBusyError: A turn of ours is there.
            CodexTransportError: The connection was lost, or the client closes.
        """
        await self.wait_free(thread_id)
        place = self._registry.get_slot(thread_id)
        self._connection.raise_if_closed()
        if self._is_closing:
            raise _closed()
        if place.is_taken:
            turn_id = None if place.turn is None else place.turn.turn_id
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
        """Wait, for a limited time, while an abandoned turn runs on the thread. Do not wait for any other turn."""
        await self.give_way(thread_id)
        with trio.move_on_after(self._request_timeout):
            await self._wait_connected()
            while (place := self._registry.get_slot(thread_id)).leaving is not None:
                await place.leaving.wait()
                await self._wait_connected()

    @trio.lowlevel.enable_ki_protection
    async def give_way(self, thread_id: str) -> None:
        """Let the consumer of the thread's turn leave, if it is cancelled.

        Trio delivers a cancellation in its next scheduler round, and clean-up may take a few more rounds. Another task
        cannot see whether a cancellation is pending, so this waits for some rounds, in which no time passes.
        """
        for _ in range(_ROUNDS):
            place = self._registry.get_slot(thread_id)
            if place.turn is not None and place.turn.is_abandoned:  # the finalizer of its stream has not run yet
                self.interrupt_soon(place.turn)
            if place.leaving is not None or not place.has_consumer:
                return
            await trio.lowlevel.checkpoint()

    @trio.lowlevel.enable_ki_protection
    async def wait_running_turn(self, thread_id: str) -> Turn | None:
        """Return the turn of this client that runs on a thread; wait for one that is being started.

        Raises:
            CodexTimeoutError: The server did not tell in time which turn that is.
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
        # A lost `turn/start` may have begun a turn on this very thread, which is then stopped first.
        if self._connection.reconnects:  # with a checkpoint even if it is connected, so that a loss is noticed
            await self._connection.wait_connected()

    async def _ensure_subscribed(self, thread_id: str) -> None:
        # A turn of a thread that this connection did not resume would run, and none of its events come here.
        if not self._registry.is_subscribed(thread_id):
            await self.request(methods.THREAD_RESUME, {"threadId": thread_id, "excludeTurns": True})

    def _on_start_response(self, starting: PendingTurn, response: Response) -> None:
        # In the reader: the next message may be an event of this turn already.
        if starting.resolved.is_set():
            self._take_late(starting, response)
            return
        if response.error is None and starting.request.matches_first_event is not None:
            self._registry.match_first_event(starting, partial(self._bind, starting))
            starting.hurry(INTERRUPT_TIMEOUT)  # the turn was accepted and has not started
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
            if turn.ended.is_set():  # before it was known; others may wait for the thread since its caller left
                turn.left = self._registry.get_slot(starting.thread_id).leaving
                self._registry.clear(turn)

    def _take_late(self, starting: PendingTurn, response: Response) -> None:
        # The thread was released before this answer came. If the turn in the answer still ran when another turn was
        # started on the thread, codex has merged the two. Otherwise the turn in the answer has to be stopped.
        turn_id = nested_id(response.result, "turn") if response.error is None else None
        place = self._registry.get_slot(starting.thread_id)
        if turn_id is None or turn_id == starting.ended or self._registry.is_known(turn_id) or place.is_taken:
            return
        late = self._registry.place(starting.thread_id).starting = PendingTurn(starting.thread_id, TurnRequest())
        self.interrupt_soon(self._registry.bind(late, turn_id, trio.current_time()))

    def _leave(self, starting: PendingTurn, call: PendingRequest, *, has_timed_out: bool) -> None:
        if starting.turn is None and call.was_sent and call.response is None and not call.is_in_flight:
            self._registry.unconfirmed_starts.append(call)  # whether it began a turn is unknown
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

    def _watch_abandoned_soon(self, starting: PendingTurn, patience: float) -> None:
        starting.is_abandoned = True
        self._registry.place(starting.thread_id).leaving = trio.Event()
        self._nursery.start_soon(
            self._watch_abandoned, starting, patience, name=f"codex_trio waits for {starting.request.method}"
        )

    @trio.lowlevel.enable_ki_protection
    async def _watch_abandoned(self, starting: PendingTurn, patience: float) -> None:
        # The turn id is unknown, so nothing can be interrupted yet. While any turn runs on the thread, it may be this
        # one. An answer that comes after that is late.
        while True:
            with trio.move_on_after(patience) as starting.waiting:
                await starting.resolved.wait()
            if starting.resolved.is_set():
                return
            if not starting.is_running:
                if starting.call is not None and starting.call.is_in_flight:
                    self._registry.unanswered.append(starting.call)
                self._release(starting)
                return
            patience = INTERRUPT_TIMEOUT

    def _release(self, starting: PendingTurn) -> None:
        place = self._registry.place(starting.thread_id)
        if starting.is_abandoned and place.leaving is not None:
            place.leaving.set()
            place.leaving = None
        self._registry.release(starting)

    def forget(self, turn: Turn) -> None:
        """Let go of a turn that is drained."""
        self._registry.forget(turn)

    # --- stopping

    def interrupt_soon(self, turn: Turn) -> None:
        """Stop a turn that nobody wants any more, if need be again, in the background; the next turn waits for that."""
        if turn.ended.is_set():
            self._registry.forget(turn)
            return
        if self._is_closed or (turn.left is not None and not turn.left.is_set()):
            return
        place = self._registry.place(turn.thread_id)
        if place.leaving is None:
            place.leaving = trio.Event()
        turn.left = place.leaving
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
            CodexProtocolError: The server will not, for another reason than that the turn does not run.

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
                del attempt  # else the error would keep itself alive, and the frames that it passes

    @trio.lowlevel.enable_ki_protection
    async def _run_interrupt(self, turn: Turn, attempt: _InterruptTask) -> None:
        try:
            with attempt.scope:
                await self._interrupt(turn)
                await turn.ended.wait()
        except CodexProtocolError as exc:
            attempt.error = exc.with_traceback(None)  # whose frames would keep the error alive
        finally:
            attempt.done.set()

    async def _interrupt(self, turn: Turn) -> None:
        """Interrupt until the server has accepted it, or the turn has ended."""
        with trio.move_on_after(_STARTED_TIMEOUT):
            await turn.started.wait()
        delay = _INITIAL_RETRY_PAUSE
        while not turn.ended.is_set():
            refusal = await self._interrupt_once(turn)
            if refusal is None:
                return
            # Said of a turn that has not started yet, and of one that has ended but not told so yet.
            if not is_no_active_turn(refusal):
                raise refusal
            with trio.move_on_after(delay):
                await turn.ended.wait()
            delay = min(2 * delay, _MAX_RETRY_PAUSE)

    async def interrupt(self, thread_id: str, turn_id: str, *, timeout: float) -> None:
        """Send one `turn/interrupt`, past the line of waiting requests, and wait for the answer.

        Args:
            thread_id: The turn's thread.
            turn_id: The turn; of a review of ours, the id that its events have will do.
            timeout: Seconds.
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
                        # Else there will be another connection, or is one already, which has not heard of it.
                        if self._connection.is_lost or not self._connection.reconnects:
                            raise
            except CodexProtocolError as exc:
                refusal = exc
            except CodexError as exc:
                _logger.debug("turn/interrupt: %s", exc)  # the end of the turn, or of the connection, is what counts
            nursery.cancel_scope.cancel()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            await turn.ended.wait()
            nursery.cancel_scope.cancel()
        return refusal

    # --- what no event told, read from history

    def reconcile_soon(self, turn: Turn) -> None:
        """Look at the turn's true state soon, and again while its thread is idle and its end does not come."""
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
        grace = _RECONCILE_DELAY
        with scope:
            while True:
                with trio.move_on_after(grace):
                    await turn.ended.wait()
                    return
                if await self._look_at(turn):
                    return
                grace = min(2 * grace, _MAX_RECONCILE_DELAY)

    async def _look_at(self, turn: Turn) -> bool:
        """Read a turn's state, and end the turn here if it has ended; return whether no further look is needed."""
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
                turn.lose(error)
            return False
        return not turn.thread_is_idle

    async def read_history(self, turn: Turn) -> Mapping[str, Any] | None:
        """Return the turn and its items as the server remembers them; `None` if it does not tell."""
        try:
            return await find_turn(self.request, turn, "full")
        except CodexTransportError as exc:
            _logger.debug("the history of turn %s could not be read: %r", turn.turn_id, exc)
            return None

    # --- closing

    async def close(self, patience: float) -> None:
        """Stop every turn that has a consumer, or lost it, or is being started; let none begin any more.

        Wait for that, `patience` seconds at most.
        """
        self._is_closing = True
        for turn in self._registry.turns:
            if not turn.has_continuation and not turn.ended.is_set():
                self.interrupt_soon(turn)
        beginning = list(self._starting)
        for starting in beginning:
            starting.scope.cancel()
        with trio.move_on_after(patience):
            for starting in beginning:
                await starting.finished.wait()
            for event in [place.leaving for place in self._registry.places if place.leaving is not None]:
                await event.wait()
        self._is_closed = True


def _start_response_timeout(starting: PendingTurn, call: PendingRequest) -> float:
    # Seconds. Shorter than the request's own timeout, because callers that wait for the thread wait for this, too.
    left = 0.9 * max(0.0, call.deadline - trio.current_time())
    return left if starting.ended is None else min(left, START_RESPONSE_TIMEOUT)


def _closed() -> CodexTransportError:
    return CodexTransportError("this client was closed")


class _InterruptTask:
    """One caller's wish that a turn be stopped."""

    def __init__(self) -> None:
        self.scope = trio.CancelScope()
        self.done = trio.Event()
        self.error: CodexProtocolError | None = None


def is_no_active_turn(refusal: CodexProtocolError) -> bool:
    """Whether an interrupt was refused because the turn does not run: not yet, or no more."""
    return "no active turn" in str(refusal) or "expected active turn id" in str(refusal)


def nested_id(result: object, kind: str) -> str | None:
    """Return the id of the `kind` of thing, a thread or a turn, that an answer tells."""
    inner = result.get(kind) if isinstance(result, dict) else None
    value = inner.get("id") if isinstance(inner, dict) else None
    return value if isinstance(value, str) else None


def parent_of(result: object) -> str | None:
    """Return the parent of the thread in a response; `None` if the thread is not a sub-agent's."""
    thread = result.get("thread") if isinstance(result, dict) else None
    value = thread.get("parentThreadId") if isinstance(thread, dict) else None
    return value if isinstance(value, str) else None
