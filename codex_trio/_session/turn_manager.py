"""`Lifecycle`: how turns begin, and how they are left when the client closes.

Whatever goes on after its caller has left runs in the client's own nursery, and is bounded.
"""

from __future__ import annotations

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
from ..errors import (
    CodexProtocolError,
    CodexThreadBusyError,
    CodexThreadNotFoundError,
    CodexTimeoutError,
    CodexTransportError,
)
from .connection import (
    Call,
    Connection,
)
from .lookup import id_of, parent_of
from .reconnecting import Link
from .registry import Router
from .stopping import STOP_PATIENCE, Stopping
from .suspects import Suspects
from .thread_slots import (
    ANSWER_PATIENCE,
    Starting,
)
from .turn import Turn
from .turn_request import TurnRequest

_LOSSES = 3  # of connections, between the start of a thread and that of its first turn
_ROUNDS = 16  # of Trio's scheduler, for a cancelled consumer to leave its turn


class Lifecycle(Stopping):
    """Begins, stops and looks up turns over one connection."""

    def __init__(
        self,
        connection: Connection | Link,
        router: Router,
        nursery: trio.Nursery,
        *,
        suspects: Suspects,
        request_timeout: float,
        tool_registry: ToolRegistry,
    ) -> None:
        self._connection = connection
        self._router = router
        self._nursery = nursery
        self._suspects = suspects
        self._request_timeout = request_timeout
        self._tools = tool_registry
        self._beginning: set[Starting] = set()  # those whose caller is still there
        self._is_closing = False
        self._is_closed = False

    async def request(
        self, method: str, params: Mapping[str, Any] | None = None, *, timeout: float | None = None
    ) -> Any:
        """Call the server; note the threads that the call subscribes to, or not any more.

        A new thread gets the client's tools.
        """
        if method == methods.THREAD_START and self._tools.default:
            params = {"dynamicTools": dump_tools(self._tools.default), **(params or {})}
        return await self.perform(Call(method, params), timeout=timeout)

    async def perform(self, call: Call, *, timeout: float | None = None) -> Any:
        """Make a call, which was not made before, as `request` does."""
        patience = self._request_timeout if timeout is None else timeout
        if call.method not in methods.SUBSCRIBING and call.method not in methods.UNSUBSCRIBING:
            return await self._connection.perform(call, timeout=patience)
        asked = (call.params or {}).get("threadId")
        call.on_response = partial(self._note_subscription, call.method, asked, call.on_response)
        is_leaving = call.method in methods.UNSUBSCRIBING and isinstance(asked, str)
        if is_leaving:
            self._router.unsubscribing.add(asked)  # a turn that is asked for behind this call wants it resumed
        try:
            return await self._connection.perform(call, timeout=patience)
        finally:
            if is_leaving and not call.is_in_flight:
                self._router.unsubscribing.discard(asked)

    def _note_subscription(
        self, method: str, asked: object, on_response: Callable[[Response], None] | None, response: Response
    ) -> None:
        # In the reader: the loss of the connection may come right behind the answer, and undoes this.
        thread_id = id_of(response.result, "thread") if asked is None or method == methods.THREAD_FORK else asked
        if method in methods.UNSUBSCRIBING and isinstance(asked, str):
            self._router.unsubscribing.discard(asked)
        if response.error is None and isinstance(thread_id, str):
            if method in methods.SUBSCRIBING:
                self._router.loaded.add(thread_id)
                if (parent := parent_of(response.result)) is not None:
                    self._router.sub_agents.note_parent(thread_id, parent)
            else:
                self._router.unsubscribe(thread_id)
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

    async def perform_urgently(self, call: Call, *, timeout: float) -> Any:
        """Make a call past the line of waiting requests, and without a place among those in flight."""
        return await self._connection.perform(call, timeout=timeout, urgent=True)

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
        if (thread_id := id_of(result, "thread")) is not None:
            self._tools.set_thread_tools(thread_id, tools)
        return result

    # --- beginning

    async def begin(self, thread_id: str | None, request: TurnRequest) -> Turn:
        """Start a turn, on a new thread or a given one, and become its consumer.

        Raises:
            CodexTransportError: The connection was lost, or the client closes; the turn is stopped then.

        Cancellation: A turn that the server starts all the same is stopped.
        """
        if thread_id is None:
            return await self._begin_anew(request, _LOSSES)
        starting = await self.claim(thread_id, request)
        params = {"threadId": thread_id, **request.params}
        if isinstance(self._connection, Link) and request.method == methods.TURN_START:
            params.setdefault("clientUserMessageId", str(uuid.uuid4()))  # so that the turn can be found after a loss
        call = Call(request.method, params, partial(self._take_started, starting))
        self._beginning.add(starting)
        try:
            with starting.scope:
                await self._start(starting, call)
            if starting.scope.cancel_called:
                raise _closed()
        except BaseException as exc:
            self._leave(starting, call, has_timed_out=isinstance(exc, CodexTimeoutError))
            raise
        finally:
            self._beginning.discard(starting)
            starting.let_go.set()
        if starting.turn is None:
            raise CodexProtocolError(f"{request.method} was answered without a turn id", method=request.method)
        return starting.turn

    async def _start(self, starting: Starting, call: Call) -> None:
        await self._load(starting.thread_id)
        try:
            await self._connection.perform(call, timeout=self._request_timeout)
        except CodexThreadNotFoundError:  # it was unloaded unseen; the refusal is certain, so this repeats nothing
            self._router.loaded.discard(starting.thread_id)
            await self._load(starting.thread_id)
            await self._connection.perform(call, timeout=self._request_timeout)
        if starting.request.is_ours is not None:
            await self._find(starting, starting.request)

    async def _begin_anew(self, request: TurnRequest, losses: int) -> Turn:
        result = await self.request(methods.THREAD_START, request.thread_params)
        thread_id = id_of(result, "thread")
        if thread_id is None:
            raise CodexProtocolError("thread/start was answered without a thread id", method=methods.THREAD_START)
        try:
            return await self.begin(thread_id, request)
        except CodexThreadNotFoundError:  # a thread that had no turn yet is gone with its connection
            if not losses or not isinstance(self._connection, Link):
                raise
        return await self._begin_anew(request, losses - 1)

    @trio.lowlevel.enable_ki_protection
    async def _find(self, starting: Starting, request: TurnRequest) -> None:
        is_up = False
        while not (is_up or starting.settled.is_set()):  # while it is away, the server cannot tell
            await self._wait_up()
            with trio.move_on_after(self._request_timeout):
                await starting.settled.wait()
            is_up = not isinstance(self._connection, Link) or self._connection.is_up
        self._connection.raise_if_lost()
        if starting.turn is None:
            raise CodexTimeoutError(f"{request.method} was accepted, and no turn began on thread {starting.thread_id}")

    @trio.lowlevel.enable_ki_protection
    async def claim(self, thread_id: str, request: TurnRequest) -> Starting:
        """Take the thread's place for a turn that is to come; events of turns that nobody knows are held there.

        Raises:
            CodexThreadBusyError: A turn of ours is there.
            CodexTransportError: The connection was lost, or the client closes.
        """
        await self.wait_free(thread_id)
        place = self._router.peek(thread_id)
        self._connection.raise_if_lost()
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
        starting = self._router.place(thread_id).starting = Starting(thread_id, request)
        return starting

    @trio.lowlevel.enable_ki_protection
    async def wait_free(self, thread_id: str) -> None:
        """Wait, for a limited time, while an abandoned turn runs on the thread. Do not wait for any other turn."""
        await self.give_way(thread_id)
        with trio.move_on_after(self._request_timeout):
            await self._wait_up()
            while (place := self._router.peek(thread_id)).leaving is not None:
                await place.leaving.wait()
                await self._wait_up()

    @trio.lowlevel.enable_ki_protection
    async def give_way(self, thread_id: str) -> None:
        """Let the consumer of the thread's turn leave, if it is cancelled.

        Trio delivers a cancellation in its next scheduler round, and clean-up may take a few more rounds. Another task
        cannot see whether a cancellation is pending, so this waits for some rounds, in which no time passes.
        """
        for _ in range(_ROUNDS):
            place = self._router.peek(thread_id)
            if place.turn is not None and place.turn.is_unwanted:  # the finalizer of its stream has not run yet
                self.abandon(place.turn)
            if place.leaving is not None or not place.has_consumer:
                return
            await trio.lowlevel.checkpoint()

    @trio.lowlevel.enable_ki_protection
    async def running_turn(self, thread_id: str) -> Turn | None:
        """Return the turn of this client that runs on a thread; wait for one that is being started.

        Raises:
            CodexTimeoutError: The server did not tell in time which turn that is.
            CodexTransportError: The connection was lost.
        """
        with trio.move_on_after(self._request_timeout):
            while (starting := self._router.starting(thread_id)) is not None:
                await starting.let_go.wait()
                self._connection.raise_if_lost()
            return self._router.open_turn(thread_id)
        raise CodexTimeoutError(
            f"a turn is being started on thread {thread_id}, and the server did not tell which in time"
        )

    async def _wait_up(self) -> None:
        # A lost `turn/start` may have begun a turn on this very thread, which is then stopped first.
        if isinstance(self._connection, Link):
            await self._connection.wait_up()

    async def _load(self, thread_id: str) -> None:
        # A turn of a thread that this connection did not resume would run, and none of its events come here.
        if not self._router.hears(thread_id):
            await self.request(methods.THREAD_RESUME, {"threadId": thread_id, "excludeTurns": True})

    def _take_started(self, starting: Starting, response: Response) -> None:
        # In the reader: the next message may be an event of this turn already.
        if starting.settled.is_set():
            self._take_late(starting, response)
            return
        if response.error is None and starting.request.is_ours is not None:
            self._router.expect(starting, partial(self._bind, starting))
            starting.hurry(STOP_PATIENCE)  # the turn was accepted and has not started
            return
        turn_id = id_of(response.result, "turn") if response.error is None else None
        if turn_id is not None:
            self._bind(starting, turn_id)
        elif starting.is_orphan or response.error is None:
            self._release(starting)

    def _bind(self, starting: Starting, turn_id: str) -> None:
        turn = self._router.bind(starting, turn_id, trio.current_time())
        turn.begin_consuming(wants_deltas=starting.request.wants_deltas)
        if starting.is_orphan:
            turn.stop_consuming()
            self.abandon(turn)
            if turn.ended.is_set():  # before it was known; others may wait for the thread since its caller left
                turn.left = self._router.peek(starting.thread_id).leaving
                self._router.clear(turn)

    def _take_late(self, starting: Starting, response: Response) -> None:
        # The thread was released before this answer came. If the turn in the answer still ran when another turn was
        # started on the thread, codex has merged the two. Otherwise the turn in the answer has to be stopped.
        turn_id = id_of(response.result, "turn") if response.error is None else None
        place = self._router.peek(starting.thread_id)
        if turn_id is None or turn_id == starting.ended or self._router.knows(turn_id) or place.is_taken:
            return
        late = self._router.place(starting.thread_id).starting = Starting(starting.thread_id, TurnRequest())
        self.abandon(self._router.bind(late, turn_id, trio.current_time()))

    def _leave(self, starting: Starting, call: Call, *, has_timed_out: bool) -> None:
        if starting.turn is None and call.was_sent and call.response is None and not call.is_in_flight:
            self._router.lost_starts.append(call)  # whether it began a turn is unknown
        if starting.turn is not None:
            starting.turn.stop_consuming()
            self.abandon(starting.turn)
        elif call.is_in_flight:
            starting.call = call
            self._orphan(starting, 0.0 if has_timed_out else _answer_patience(starting, call))
        elif starting.on_found is not None and not starting.settled.is_set():
            self._orphan(starting, STOP_PATIENCE)
        else:
            self._release(starting)

    def _orphan(self, starting: Starting, patience: float) -> None:
        starting.is_orphan = True
        self._router.place(starting.thread_id).leaving = trio.Event()
        self._nursery.start_soon(
            self._await_orphan, starting, patience, name=f"codex_trio waits for {starting.request.method}"
        )

    @trio.lowlevel.enable_ki_protection
    async def _await_orphan(self, starting: Starting, patience: float) -> None:
        # The turn id is unknown, so nothing can be interrupted yet. While any turn runs on the thread, it may be this
        # one. An answer that comes after that is late.
        while True:
            with trio.move_on_after(patience) as starting.waiting:
                await starting.settled.wait()
            if starting.settled.is_set():
                return
            if not starting.is_running:
                if starting.call is not None and starting.call.is_in_flight:
                    self._router.unanswered.append(starting.call)
                self._release(starting)
                return
            patience = STOP_PATIENCE

    def _release(self, starting: Starting) -> None:
        place = self._router.place(starting.thread_id)
        if starting.is_orphan and place.leaving is not None:
            place.leaving.set()
            place.leaving = None
        self._router.release(starting)

    # --- closing

    async def close(self, patience: float) -> None:
        """Stop every turn that has a consumer, or lost it, or is being started; let none begin any more.

        Wait for that, `patience` seconds at most.
        """
        self._is_closing = True
        for turn in self._router.turns:
            if not turn.is_handed_out and not turn.ended.is_set():
                self.abandon(turn)
        beginning = list(self._beginning)
        for starting in beginning:
            starting.scope.cancel()
        with trio.move_on_after(patience):
            for starting in beginning:
                await starting.let_go.wait()
            for event in [place.leaving for place in self._router.places if place.leaving is not None]:
                await event.wait()
        self._is_closed = True


def _answer_patience(starting: Starting, call: Call) -> float:
    # Seconds. Shorter than the request's own timeout, because callers that wait for the thread wait for this, too.
    left = 0.9 * max(0.0, call.deadline - trio.current_time())
    return left if starting.ended is None else min(left, ANSWER_PATIENCE)


def _closed() -> CodexTransportError:
    return CodexTransportError("this client was closed")
