"""`Recovery`: resume turns, and read missed events from history after the connection was lost."""

from __future__ import annotations

import logging
import math
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import msgspec
import trio

from .._wire import methods
from .._wire.messages import Response
from .._wire.turn_state import is_complete, is_over, is_terminal
from ..errors import CodexError, CodexProtocolError, CodexTimeoutError, CodexTransportError
from ..models import ChatContinuation
from .connection import Connection, PendingRequest
from .history import PAGE_SIZE, Ask, is_idle, read_turn, retry_while_missing
from .registry import PendingTurn, TurnRegistry
from .sub_agents import told_by
from .suspects import Job, LossCounter
from .turn import Turn, TurnRequest
from .turn_manager import TurnManager

_logger = logging.getLogger("codex_trio")

_PROOF = 5.0  # seconds for the response to a probe


class ProbedConnection:
    """Sends requests over a new connection, and records whether the server has responded to any of them.

    Args:
        connection: The new connection.
        request_timeout: Seconds for each request.
        deadline: The deadline of all requests together, on Trio's clock.
    """

    def __init__(self, connection: Connection, request_timeout: float, deadline: float = math.inf) -> None:
        self._connection = connection
        self._request_timeout = request_timeout
        self._deadline = deadline
        self._has_answered = False

    async def ask(self, method: str, params: Mapping[str, Any]) -> Any:
        """Send a request and return its result."""
        return await self.send_request(PendingRequest(method, params))

    async def send_request(self, call: PendingRequest, *, timeout: float = math.inf) -> Any:
        """Send a request as `Connection.send_request` does, but wait at most until the deadline."""
        remaining = max(0.0, self._deadline - trio.current_time())
        try:
            result = await self._connection.send_request(call, timeout=min(timeout, self._request_timeout, remaining))
        except CodexProtocolError:
            self._has_answered = True
            raise
        self._has_answered = True
        return result

    def raise_if_closed(self) -> None:
        """If the connection was lost, raise its error as a new exception."""
        self._connection.raise_if_closed()

    async def check_responsive(self) -> None:
        """Raise an error if the server does not respond to any request. Sends a probe if there was no response yet.

        Raises:
            CodexTimeoutError: No response has come, not even to the probe.
            CodexTransportError: The connection was lost.
        """
        if not self._has_answered:
            with suppress(CodexProtocolError):  # an error is also a response
                await self.send_request(PendingRequest(methods.THREAD_LOADED_LIST, {"limit": 1}), timeout=_PROOF)


Jobs = dict[Hashable, Job]  # by their keys in `LossCounter`

_MOST_FOLLOWED = 32  # sub-agents of one turn to subscribe to
_READINGS = 3  # attempts to read a turn's history, if the buffer of new events overflows during each

# All in seconds.
_RESTORE_TIMEOUT = 5.0  # for which requests wait until this client's turns are resumed; then `catch_up` continues
_RESUBSCRIBE_TIMEOUT = 1.0  # for which requests wait until idle threads are subscribed to; then `catch_up` continues


class Recovery:
    """Resumes turns. After reconnecting, resubscribes to threads and reads missed events from history."""

    def __init__(
        self, manager: TurnManager, registry: TurnRegistry, suspects: LossCounter, *, request_timeout: float
    ) -> None:
        self._manager = manager
        self._registry = registry
        self._suspects = suspects
        self._request_timeout = request_timeout

    # --- after reconnecting

    async def restore(self, connection: Connection, deadline: float) -> None:
        """Resubscribe to the threads: to all with a turn of this client, and to as many others as time allows.

        Other requests wait until this returns. Requests during which an earlier connection was lost are left to
        `catch_up`, with two exceptions, because new turns must not start before them. An unconfirmed `turn/start` may
        have started a turn on the thread of a new turn. And if a turn starts on a thread without a subscription, its
        events are lost.

        Args:
            connection: The new connection.
            deadline: The deadline of all requests together, on Trio's clock.

        Raises:
            CodexError: The connection was lost again, or the server does not respond.
        """
        trial = ProbedConnection(connection, self._request_timeout, deadline)
        for key in self._causes():
            if self._suspects.is_hopeless(key):
                self._drop(key)
        with trio.move_on_after(_RESTORE_TIMEOUT) as scope:
            unconfirmed: Jobs = {
                call: partial(self._find_unconfirmed, trial, call) for call in self._registry.unconfirmed_starts
            }
            # First, because these may find turns to resume.
            await self._run_all(unconfirmed)
            await self._one_by_one(unconfirmed)
            await self._run_all(
                {
                    **{turn: partial(self._resume_turn, trial, turn) for turn in self._gaps()},
                    **self._resubscribing(trial, self._sub_agents()),
                }
            )
        if scope.cancelled_caught:
            await trial.check_responsive()
        busy = self._resubscribing(trial, self._busy())
        await self._run_all(busy)
        await self._one_by_one(busy)
        with trio.move_on_after(_RESUBSCRIBE_TIMEOUT):
            await self._resubscribe(trial, has_suspects=False)

    def _resubscribing(self, trial: ProbedConnection, thread_ids: Iterable[str]) -> Jobs:
        return {thread_id: partial(self._resubscribe_in_time, trial, thread_id) for thread_id in thread_ids}

    async def _run_all(self, jobs: Jobs) -> None:
        """Run concurrently the jobs during which no connection was lost.

        A failed job does not stop the others. When all have ended, one of the errors is raised.
        """
        errors: list[CodexError] = []

        @trio.lowlevel.enable_ki_protection
        async def do(key: Hashable, job: Job) -> None:
            try:
                await self._suspects.ask(key, job)
            except CodexError as exc:
                errors.append(exc)

        async with trio.open_nursery() as nursery:
            for key, job in jobs.items():
                if not self._suspects.losses(key):
                    nursery.start_soon(do, key, job)
        if errors:
            raise errors.pop()

    async def _one_by_one(self, jobs: Jobs) -> None:
        """Run the jobs during which connections were lost, the likeliest cause last, so the others run first."""
        for key in sorted(filter(self._suspects.losses, jobs), key=self._suspects.losses):
            await self._suspects.ask(key, jobs[key])

    @trio.lowlevel.enable_ki_protection
    async def _resubscribe(self, trial: ProbedConnection, *, has_suspects: bool) -> None:
        # One after another, because there may be thousands of threads. Threads that may have caused a loss come last,
        # so that all others are done before.
        for thread_id in sorted(self._registry.to_resubscribe, key=self._suspects.losses):
            turn = self._registry.open_turn(thread_id)
            if turn is not None and turn.is_paused:
                continue  # `catch_up` resumes it
            if self._suspects.is_hopeless(thread_id):
                self._drop(thread_id)
                continue
            if self._suspects.losses(thread_id) and not has_suspects:
                return
            try:
                with self._suspects.blaming(thread_id):
                    await self._resubscribe_to(trial, thread_id)
            except CodexTransportError:
                return  # the next connection continues
            except CodexError as exc:
                _logger.debug("thread %s is not subscribed to again: %s", thread_id, exc)

    async def _resubscribe_in_time(self, trial: ProbedConnection, thread_id: str) -> None:
        try:
            await self._resubscribe_to(trial, thread_id)
        except CodexTimeoutError as exc:
            await trial.check_responsive()
            _logger.debug("thread %s is not subscribed to again, yet: %s", thread_id, exc)

    async def _resubscribe_to(self, trial: ProbedConnection, thread_id: str) -> None:
        # Either set may have changed since the job was created.
        if thread_id in self._registry.to_resubscribe and thread_id not in self._registry.subscribed:
            try:
                await self._resume(trial, thread_id, partial(self._note_idle, thread_id))
            except CodexProtocolError as exc:  # a thread without a turn does not survive its connection
                _logger.debug("thread %s is gone: %s", thread_id, exc)
        self._registry.to_resubscribe.discard(thread_id)

    def _note_idle(self, thread_id: str, response: Response) -> None:
        starting = self._registry.get_slot(thread_id).starting
        if starting is not None:
            starting.thread_is_idle = is_idle(response)

    # --- turns that were requested, but whose ids are unknown

    async def _find_unconfirmed(self, trial: ProbedConnection, call: PendingRequest) -> Turn | None:
        # Only a turn that started with the message of this request certainly belongs to it. While that turn runs, it is
        # the newest turn of its thread.
        params = call.params or {}
        thread_id, message_id = params["threadId"], params.get("clientUserMessageId")
        state: Mapping[str, Any] | None = None
        try:
            if message_id is not None:
                state = await retry_while_missing(partial(self._newest_turn, trial, thread_id))
        except (CodexProtocolError, CodexTimeoutError) as exc:
            if isinstance(exc, CodexTimeoutError):
                await trial.check_responsive()
            _logger.debug("whether a turn was started on thread %s is unknown: %s", thread_id, exc)
        # Not earlier: if the connection is lost before this, the next connection has to look again.
        self._registry.unconfirmed_starts.remove(call)
        if state is not None and any(item.get("clientId") == message_id for item in _items(state)):
            return self._interrupt_unconfirmed(thread_id, state["id"])
        return None

    async def _newest_turn(self, trial: ProbedConnection, thread_id: str) -> Mapping[str, Any] | None:
        # A summary contains the user's first message and the agent's last message (codex 0.163, 0.169).
        where = {"threadId": thread_id, "limit": 1, "itemsView": "summary"}
        answer = await trial.ask(methods.THREAD_TURNS_LIST, where)
        turns = answer.get("data") if isinstance(answer, Mapping) else None
        state = turns[0] if isinstance(turns, list) and turns else None
        return state if isinstance(state, Mapping) and isinstance(state.get("id"), str) else None

    def _interrupt_unconfirmed(self, thread_id: str, turn_id: str) -> Turn | None:
        slot = self._registry.get_slot(thread_id)
        if slot.starting is not None or slot.turn is not None:
            return None
        starting = self._registry.place(thread_id).starting = PendingTurn(thread_id, TurnRequest())
        turn = self._registry.bind(starting, turn_id, trio.current_time())
        turn.pause_delivery()  # it may have ended while disconnected
        self._manager.interrupt_soon(turn)
        return turn

    async def _backfill_unconfirmed(self, trial: ProbedConnection, call: PendingRequest) -> None:
        turn = await self._find_unconfirmed(trial, call)
        if turn is not None:
            await self._catch_up(trial, turn)

    async def _find_accepted(self, trial: ProbedConnection, starting: PendingTurn) -> None:
        """Look in history for the turn of an accepted request, in case it started while disconnected."""

        async def look() -> str | None:
            state = await self._newest_turn(trial, starting.thread_id)
            if starting.turn is None and (state is None or not self._is_accepted(state)):
                raise CodexProtocolError("no turn began yet", method=methods.THREAD_TURNS_LIST)
            return None if state is None else state["id"]

        try:
            turn_id = await retry_while_missing(look)
        except (CodexProtocolError, CodexTimeoutError) as exc:  # the caller of the request has its own timeout
            if isinstance(exc, CodexTimeoutError):
                await trial.check_responsive()
            _logger.debug("%s: no turn of it is known: %s", starting.request.method, exc)
            return
        if turn_id is None or starting.turn is not None or starting.on_turn_id is None:
            return
        # With a continuation at the start of the turn, delivery is paused until all events are read from history.
        continuation = ChatContinuation(starting.thread_id, turn_id, 0, "chat", ())
        starting.request = msgspec.structs.replace(starting.request, continuation=continuation)
        starting.on_turn_id(turn_id)
        turn = starting.turn
        assert turn is not None
        turn.thread_is_idle = starting.thread_is_idle
        await self._catch_up(trial, turn)

    def _is_accepted(self, state: Mapping[str, Any]) -> bool:
        # An unknown turn without a user message is a compaction, or a shell command of the user.
        is_known = self._registry.is_known(state["id"])
        return not is_known and not any(item.get("type") == "userMessage" for item in _items(state))

    # --- turns of this client

    async def _resume_turn(self, trial: ProbedConnection, turn: Turn) -> None:
        def note(response: Response) -> None:
            # Runs in the reader, because later status notifications of the thread must overwrite this.
            turn.thread_is_idle = is_idle(response)

        try:
            await retry_while_missing(partial(self._resume, trial, turn.thread_id, note))
        except (CodexProtocolError, CodexTimeoutError) as exc:
            await self._give_up(trial, turn, exc)
        if turn.is_abandoned:  # the timeout of an earlier interrupt may have passed while disconnected
            self._manager.interrupt_soon(turn)

    async def _resume(self, trial: ProbedConnection, thread_id: str, note: Callable[[Response], None]) -> None:
        def take(response: Response) -> None:
            # Runs in the reader, because the connection may be lost right after the response, which resets this.
            if response.error is None:
                self._registry.subscribed.add(thread_id)
            note(response)

        await trial.send_request(
            PendingRequest(methods.THREAD_RESUME, {"threadId": thread_id, "excludeTurns": True}, take)
        )

    async def catch_up(self, connection: Connection, deadline: float) -> None:
        """Read the missed events of each turn from history, then subscribe to the remaining threads in the background.

        Args:
            connection: The connection that was passed to `restore`.
            deadline: The deadline that was passed to `restore`.

        Raises:
            CodexError: The connection was lost again, or the server does not respond.
        """
        trial = ProbedConnection(connection, self._request_timeout, deadline)
        jobs: Jobs = {
            **{call: partial(self._backfill_unconfirmed, trial, call) for call in self._registry.unconfirmed_starts},
            **{starting: partial(self._find_accepted, trial, starting) for starting in self._accepted()},
            **{turn: partial(self._catch_up, trial, turn) for turn in self._gaps()},
        }
        await self._run_all(jobs)
        await self._one_by_one({**jobs, **self._resubscribing(trial, self._sub_agents())})
        resubscribe = partial(self._resubscribe, ProbedConnection(connection, self._request_timeout), has_suspects=True)
        self._manager.start_soon(resubscribe)

    def _causes(self) -> list[Hashable]:
        """Return the keys of the requests during which connections were lost."""
        keys: list[Hashable] = [*self._registry.unconfirmed_starts, *self._gaps(), *self._registry.to_resubscribe]
        return [key for key in keys if self._suspects.losses(key)]

    def drop_causes(self, loss: CodexTransportError) -> bool:
        """Abandon the requests during which connections were lost. Return `False` if there are none.

        Args:
            loss: The error of the last connection.
        """
        causes = self._causes()
        for key in causes:
            self._drop(key, loss)
        return bool(causes)

    def _drop(self, key: Hashable, loss: CodexTransportError | None = None) -> None:
        losses = self._suspects.losses(key)
        self._suspects.forget(key)
        if isinstance(key, Turn):
            why = f"the connection was lost, and {_named(key)} could not be caught up with"
            self._fail_turn(key, f"{why}: {losses} connections were lost over it", loss)
            self._registry.unsubscribe(key.thread_id)  # its events may have been the cause
        elif isinstance(key, PendingRequest):
            _logger.warning("whether %s began a turn is unknown: %d connections were lost over it", key.method, losses)
            self._registry.unconfirmed_starts.remove(key)
        elif isinstance(key, str):
            _logger.warning("thread %s is not subscribed to again: %d connections were lost over it", key, losses)
            self._registry.unsubscribe(key)

    def recover_soon(self, turn: Turn) -> None:
        """Read a paused turn's events from history in the background, because its buffer has overflowed."""
        self._manager.start_soon(partial(self._recover, turn))

    @trio.lowlevel.enable_ki_protection
    async def _recover(self, turn: Turn) -> None:
        try:
            await self._backfill(self._manager.request, turn)
        except CodexTransportError:
            return  # the turn has ended with the connection, or the next connection continues
        except CodexError as exc:
            why = "sent too many events before it was known, and its history cannot be read"
            self._fail_turn(turn, f"{_named(turn)} {why}: {exc}", exc)
        if not turn.ended.is_set():
            self._manager.reconcile_soon(turn)

    async def _catch_up(self, trial: ProbedConnection, turn: Turn) -> None:
        if turn.thread_id not in self._registry.subscribed:
            await self._resume_turn(trial, turn)
        try:
            if not turn.ended.is_set():
                await self._backfill(trial.ask, turn)
                if turn.is_paused:  # the connection was lost right after the answer, and the next one starts again
                    trial.raise_if_closed()
        except (CodexProtocolError, CodexTimeoutError) as exc:
            await self._give_up(trial, turn, exc)
        if not turn.ended.is_set():
            self._follow(turn)
            self._manager.reconcile_soon(turn)

    def _accepted(self) -> list[PendingTurn]:
        starting = [slot.starting for slot in self._registry.places if slot.starting is not None]
        return [start for start in starting if start.on_turn_id is not None]

    def _busy(self) -> list[str]:
        return [
            thread_id
            for thread_id in self._registry.to_resubscribe
            if self._registry.get_slot(thread_id).starting is not None
        ]

    def _gaps(self) -> list[Turn]:
        return [turn for turn in self._registry.turns if turn.is_paused]

    def _sub_agents(self) -> list[str]:
        # Resuming the parent thread does not repeat the open requests of its sub-agents (codex 0.163, 0.169).
        return [
            thread_id
            for thread_id in self._registry.to_resubscribe
            if self._registry.sub_agents.root_of(thread_id) is not None
        ]

    async def _give_up(self, trial: ProbedConnection, turn: Turn, exc: CodexProtocolError | CodexTimeoutError) -> None:
        if isinstance(exc, CodexTimeoutError):
            await trial.check_responsive()
        self._fail_turn(turn, f"the connection was lost, and {_named(turn)} was not found again: {exc}", exc)

    def _fail_turn(self, turn: Turn, why: str, cause: CodexError | None) -> None:
        error = CodexTransportError(why)
        error.__cause__ = cause
        turn.fail(error)
        if turn.left is not None:
            self._registry.forget(turn)

    # --- resuming a turn from a continuation: of this client, another client, another process, or a lost connection
    #
    # The order of the steps makes sure that no event is lost or delivered twice. First, resume the thread and buffer
    # its live events. Second, read the turn from history: its state before its items, so that the items of a turn that
    # has ended are complete. Third, deliver the buffered events, without the items that history contained.

    async def resume_turn(self, continuation: ChatContinuation, *, wants_deltas: bool = False) -> Turn:
        """Become the consumer of the turn of a continuation.

        If this client has the turn but is no longer subscribed to its thread, it first resubscribes and reads the
        missed events from history.

        Raises:
            CodexThreadBusyError: The turn has a consumer, or another turn of this client runs on its thread.
            CodexThreadNotFoundError: The server does not have the thread.
            CodexProtocolError: The server has the thread but not the turn, or another process uses the thread.
            CodexTransportError: The connection was lost. The error contains the continuation.

        Cancellation: The turn continues to run, and the continuation can be used again.
        """
        await trio.lowlevel.checkpoint()
        await self._manager.give_way(continuation.thread_id)
        # No checkpoint until the turn has a consumer, because another task may want to consume it.
        turn = self._registry.find(continuation.turn_id)
        if turn is not None and turn.thread_id == continuation.thread_id:
            turn.acquire_consumer(wants_deltas=wants_deltas)
            if self._manager.is_closed or not turn.is_incomplete:
                if not (turn.ended.is_set() or turn.is_paused or self._registry.is_subscribed(turn.thread_id)):
                    await self._resubscribe_turn(turn, continuation)
                return turn
            self._detach(turn)
        starting = await self._manager.reserve_thread(
            continuation.thread_id, TurnRequest(wants_deltas=wants_deltas, continuation=continuation)
        )
        try:
            return await self._attach(starting, continuation)
        except BaseException as exc:
            if starting.turn is None:
                self._registry.release(starting)
            else:
                self._detach(starting.turn)
            if isinstance(exc, CodexTransportError):
                raise exc.fresh(continuation) from exc.__cause__
            raise
        finally:
            starting.finished.set()

    def _detach(self, turn: Turn) -> None:
        # The turn continues to run on the server. The continuation can resume it.
        turn.release_consumer()
        self._registry.forget(turn)

    async def _resubscribe_turn(self, turn: Turn, continuation: ChatContinuation) -> None:
        def note(response: Response) -> None:
            # Runs in the reader, because later status notifications of the thread must overwrite this.
            turn.thread_is_idle = is_idle(response)

        turn.pause_delivery()  # before subscribing, so that live events come after the missed ones
        try:
            await self._subscribe(turn.thread_id, note)
            await self._backfill(self._manager.request, turn)
            self._follow(turn)
        except BaseException as exc:
            self._detach(turn)
            if isinstance(exc, CodexTransportError):
                raise exc.fresh(continuation) from exc.__cause__
            raise

    async def _subscribe(self, thread_id: str, on_response: Callable[[Response], None]) -> None:
        params = {"threadId": thread_id, "excludeTurns": True}
        await retry_while_missing(
            lambda: self._manager.send_request(PendingRequest(methods.THREAD_RESUME, params, on_response))
        )

    async def _attach(self, starting: PendingTurn, continuation: ChatContinuation) -> Turn:
        def bind(response: Response) -> None:
            # Runs in the reader, because server requests of the turn may follow right after this response.
            if response.error is None and self._registry.get_slot(starting.thread_id).starting is starting:
                turn = self._registry.bind(starting, continuation.turn_id, trio.current_time())
                turn.acquire_consumer(wants_deltas=starting.request.wants_deltas)
                turn.thread_is_idle = is_idle(response)
                if continuation.cursor:
                    turn.started.set()

        await self._subscribe(continuation.thread_id, bind)
        turn = starting.turn
        assert turn is not None
        await self._backfill(self._manager.request, turn)
        self._follow(turn)
        return turn

    async def _backfill(self, ask: Ask, turn: Turn) -> None:
        """Read the missed events of a paused turn from history, and resume delivery.

        The thread must have been resumed, and `thread_is_idle` must be up to date. If the connection was lost in the
        meantime, more events were missed, so delivery stays paused.

        Raises:
            CodexProtocolError: The server does not have the turn, or its history cannot be read.
            CodexTransportError: The connection was lost. Delivery stays paused.

        Cancellation: Delivery stays paused.
        """
        pauses = turn.pauses
        for _ in range(_READINGS):
            overflows = turn.overflows
            snapshot = await read_turn(ask, turn)
            if turn.pauses > pauses:  # the connection was lost in the meantime
                return
            if turn.overflows == overflows:
                break
        else:
            raise CodexProtocolError(
                f"turn {turn.turn_id} sends more events than can be held while its history is read"
            )
        for item in snapshot.all_items:
            for child in told_by(item):
                self._registry.sub_agents.note_parent(child, turn.thread_id)
        now = trio.current_time()
        turn.note_unfinished([item for item in snapshot.all_items if not is_complete(item)], now, time.time())
        # After `note_unfinished`, because the buffered events may complete some of these items.
        turn.backfill(snapshot.items, now)
        if is_terminal(snapshot.state) or (turn.thread_is_idle and is_over(snapshot.state)):
            turn.end_from_history({**snapshot.state, "items": snapshot.items, "itemsView": "full"})

    def _follow(self, turn: Turn) -> None:
        """Subscribe to the sub-agents of a turn in the background, and let the turn ask for its open items.

        Called after the turn's missed events were read from history. A connection that existed when a sub-agent started
        receives its events and requests without a subscription (codex 0.163, 0.171). Other connections have to
        subscribe.
        """
        if turn.ended.is_set():
            return
        turn.find_unfinished = partial(self._find_unfinished, turn)
        if any(child not in self._registry.subscribed for child in self._registry.sub_agents.of(turn.thread_id)):
            self._manager.start_soon(partial(self._follow_sub_agents, turn.thread_id))

    async def _find_unfinished(self, turn: Turn) -> None:
        # Lists of items do not contain open items, such as a sleep. The turns in the response to `thread/resume` do
        # (codex 0.163, 0.171). But that response contains all turns of the thread, which is too much for each
        # reconnect.
        try:
            answer = await self._manager.request(methods.THREAD_RESUME, {"threadId": turn.thread_id})
        except CodexError as exc:
            _logger.debug("the open items of turn %s are unknown: %s", turn.turn_id, exc)
            return
        thread = answer.get("thread") if isinstance(answer, Mapping) else None
        turns = thread.get("turns") if isinstance(thread, Mapping) else None
        for state in turns if isinstance(turns, list) else ():
            if isinstance(state, dict) and state.get("id") == turn.turn_id and isinstance(state.get("items"), list):
                turn.note_unfinished(state["items"], trio.current_time(), time.time())

    @trio.lowlevel.enable_ki_protection
    async def _follow_sub_agents(self, thread_id: str) -> None:
        parents = deque([thread_id])
        seen: set[str] = set()
        try:
            answer = await self._manager.request(methods.THREAD_LOADED_LIST, {})
            running = answer.get("data") if isinstance(answer, Mapping) else None
            while parents and len(seen) < _MOST_FOLLOWED:
                for child in self._registry.sub_agents.of(parents.popleft()):
                    if child in seen or not isinstance(running, list) or child not in running:
                        continue
                    seen.add(child)
                    parents.append(child)
                    if child not in self._registry.subscribed:
                        await self._subscribe(child, lambda _: None)
                    where = {"threadId": child, "limit": PAGE_SIZE, "sortDirection": "desc"}
                    for item in _listed_items(await self._manager.request(methods.THREAD_ITEMS_LIST, where)):
                        for grandchild in told_by(item):
                            self._registry.sub_agents.note_parent(grandchild, child)
        except CodexError as exc:
            _logger.debug("could not subscribe to all sub-agents of thread %s: %s", thread_id, exc)


def _named(turn: Turn) -> str:
    return f"turn {turn.turn_id} of thread {turn.thread_id}"


def _items(state: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    items = state.get("items")
    return [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []


def _listed_items(answer: object) -> list[object]:
    entries = answer.get("data") if isinstance(answer, Mapping) else None
    return [entry.get("item") for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
