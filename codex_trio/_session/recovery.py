"""`Restorer`: gives a new connection the threads of the lost one, and its turns what they missed meanwhile."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Mapping
from functools import partial
from typing import Any

import msgspec
import trio

from .._wire import methods
from .._wire.messages import Response
from .._wire.turn_state import is_complete, is_over, is_terminal
from ..errors import CodexError, CodexProtocolError, CodexTimeoutError, CodexTransportError
from ..models import ChatContinuation
from .connection import (
    Call,
    Connection,
)
from .history import PAGE_SIZE, Ask, is_idle, patiently, read_turn
from .registry import Router
from .sub_agents import told_by
from .suspects import Job, Suspects
from .thread_slots import Starting
from .trial import Trial
from .turn import Turn
from .turn_manager import Lifecycle
from .turn_request import TurnRequest

_logger = logging.getLogger("codex_trio")

Jobs = dict[Hashable, Job]

_MOST_FOLLOWED = 32  # sub-agents of one turn
_READINGS = 3  # attempts to read a turn's history before more events come than can be held

# All in seconds.
_RESTORING = 5.0  # that calls wait for turns of ours; what takes longer goes on behind them
_RESUBSCRIBING = 1.0  # that calls wait for threads on which nothing of ours runs; the others follow behind them


class Restorer:
    """Resumes turns, and gives a new connection the threads of the lost one, and its turns what they missed."""

    def __init__(self, manager: Lifecycle, router: Router, suspects: Suspects, *, request_timeout: float) -> None:
        self._manager = manager
        self._router = router
        self._suspects = suspects
        self._request_timeout = request_timeout

    # --- after a loss

    async def restore(self, connection: Connection, deadline: float) -> None:
        """Subscribe to the threads again: to those with a turn of ours, and to as many others as time allows.

        Calls wait for this. What earlier connections were lost over is left for `catch_up`, unless a turn must not begin
        before it: a lost `turn/start` may have begun one on the same thread, and one that begins unheard is lost.

        Args:
            connection: The new one.
            deadline: In Trio's time, of all requests together.

        Raises:
            CodexError: The connection was lost again, or is mute.
        """
        trial = Trial(connection, self._request_timeout, deadline)
        for key in self._causes():
            if self._suspects.is_hopeless(key):
                self._drop(key)
        with trio.move_on_after(_RESTORING) as scope:
            strays: Jobs = {call: partial(self._look_for_stray, trial, call) for call in self._router.lost_starts}
            await self._at_once(strays)
            await self._one_by_one(strays)
            await self._at_once(
                {
                    **{turn: partial(self._resume_turn, trial, turn) for turn in self._gaps()},
                    **self._resubscribing(trial, self._sub_agents()),
                }
            )
        if scope.cancelled_caught:
            await trial.raise_if_mute()
        busy = self._resubscribing(trial, self._busy())
        await self._at_once(busy)
        await self._one_by_one(busy)
        with trio.move_on_after(_RESUBSCRIBING):
            await self._resubscribe(trial, has_suspects=False)

    def _resubscribing(self, trial: Trial, thread_ids: Iterable[str]) -> Jobs:
        return {thread_id: partial(self._resubscribe_in_time, trial, thread_id) for thread_id in thread_ids}

    async def _at_once(self, jobs: Jobs) -> None:
        """Run the jobs that no connection was lost over, concurrently. If any fail, raise one of the errors at the end."""
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
        """Run the jobs that connections were lost over, the likeliest cause last, so that all others are done before it."""
        for key in sorted(filter(self._suspects.losses, jobs), key=self._suspects.losses):
            await self._suspects.ask(key, jobs[key])

    @trio.lowlevel.enable_ki_protection
    async def _resubscribe(self, trial: Trial, *, has_suspects: bool) -> None:
        # One after another, because there may be thousands of threads. A thread that may have caused a loss comes last,
        # after all others are done.
        for thread_id in sorted(self._router.missed, key=self._suspects.losses):
            turn = self._router.open_turn(thread_id)
            if turn is not None and turn.has_gap:
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
                return  # the next connection goes on with it
            except CodexError as exc:
                _logger.debug("thread %s is not subscribed to again: %s", thread_id, exc)

    async def _resubscribe_in_time(self, trial: Trial, thread_id: str) -> None:
        try:
            await self._resubscribe_to(trial, thread_id)
        except CodexTimeoutError as exc:
            await trial.raise_if_mute()
            _logger.debug("thread %s is not subscribed to again, yet: %s", thread_id, exc)

    async def _resubscribe_to(self, trial: Trial, thread_id: str) -> None:
        if thread_id in self._router.missed and thread_id not in self._router.loaded:  # still, by now
            try:
                await self._resume(trial, thread_id, partial(self._note_idle, thread_id))
            except CodexProtocolError as exc:  # a thread without a turn is gone with its connection
                _logger.debug("thread %s is gone: %s", thread_id, exc)
        self._router.missed.discard(thread_id)

    def _note_idle(self, thread_id: str, response: Response) -> None:
        starting = self._router.peek(thread_id).starting
        if starting is not None:
            starting.thread_is_idle = is_idle(response)

    # --- turns of which no more is known than that they were asked for

    async def _look_for_stray(self, trial: Trial, call: Call) -> Turn | None:
        # Only a turn that began with our message is surely ours. If it still runs, there is no newer one.
        params = call.params or {}
        thread_id, message_id = params["threadId"], params.get("clientUserMessageId")
        state: Mapping[str, Any] | None = None
        try:
            if message_id is not None:
                state = await patiently(partial(self._newest_turn, trial, thread_id))
        except (CodexProtocolError, CodexTimeoutError) as exc:
            if isinstance(exc, CodexTimeoutError):
                await trial.raise_if_mute()
            _logger.debug("whether a turn was started on thread %s is unknown: %s", thread_id, exc)
        self._router.lost_starts.remove(call)
        if state is not None and any(item.get("clientId") == message_id for item in _items(state)):
            return self._stop_stray(thread_id, state["id"])
        return None

    async def _newest_turn(self, trial: Trial, thread_id: str) -> Mapping[str, Any] | None:
        # Of its items, the user's first message is told, and the last one of the agent (codex 0.163, 0.169).
        where = {"threadId": thread_id, "limit": 1, "itemsView": "summary"}
        answer = await trial.ask(methods.THREAD_TURNS_LIST, where)
        turns = answer.get("data") if isinstance(answer, Mapping) else None
        state = turns[0] if isinstance(turns, list) and turns else None
        return state if isinstance(state, Mapping) and isinstance(state.get("id"), str) else None

    def _stop_stray(self, thread_id: str, turn_id: str) -> Turn | None:
        place = self._router.peek(thread_id)
        if place.starting is not None or place.turn is not None:
            return None
        starting = self._router.place(thread_id).starting = Starting(thread_id, TurnRequest())
        turn = self._router.bind(starting, turn_id, trio.current_time())
        turn.open_gap()  # it may have ended meanwhile
        self._manager.abandon(turn)
        return turn

    async def _catch_up_stray(self, trial: Trial, call: Call) -> None:
        turn = await self._look_for_stray(trial, call)
        if turn is not None:
            await self._catch_up(trial, turn)

    async def _find_accepted(self, trial: Trial, starting: Starting) -> None:
        """Find the turn of a request that was accepted without a word of its turn, if it began unheard."""

        async def look() -> str | None:
            state = await self._newest_turn(trial, starting.thread_id)
            if starting.turn is None and (state is None or not self._is_accepted(state)):
                raise CodexProtocolError("no turn began yet", method=methods.THREAD_TURNS_LIST)
            return None if state is None else state["id"]

        try:
            turn_id = await patiently(look)
        except (CodexProtocolError, CodexTimeoutError) as exc:  # whoever waits for it has a timeout of its own
            if isinstance(exc, CodexTimeoutError):
                await trial.raise_if_mute()
            _logger.debug("%s: no turn of it is known: %s", starting.request.method, exc)
            return
        if turn_id is None or starting.turn is not None or starting.on_found is None:
            return
        # Its reader was at its beginning: that makes a gap, which history fills.
        continuation = ChatContinuation(starting.thread_id, turn_id, 0, "chat", ())
        starting.request = msgspec.structs.replace(starting.request, continuation=continuation)
        starting.on_found(turn_id)
        turn = starting.turn
        assert turn is not None
        turn.thread_is_idle = starting.thread_is_idle
        await self._catch_up(trial, turn)

    def _is_accepted(self, state: Mapping[str, Any]) -> bool:
        # The newest turn, of which we do not know, and without a message of a user: a compaction, or a user's command.
        is_known = self._router.knows(state["id"])
        return not is_known and not any(item.get("type") == "userMessage" for item in _items(state))

    # --- turns of ours

    async def _resume_turn(self, trial: Trial, turn: Turn) -> None:
        def note(response: Response) -> None:
            # In the reader, before what the server says of the thread after that.
            turn.thread_is_idle = is_idle(response)

        try:
            await patiently(partial(self._resume, trial, turn.thread_id, note))
        except (CodexProtocolError, CodexTimeoutError) as exc:
            await self._give_up(trial, turn, exc)
        if turn.is_unwanted:  # the time to stop it may have passed while there was no connection
            self._manager.abandon(turn)

    async def _resume(self, trial: Trial, thread_id: str, note: Callable[[Response], None]) -> None:
        def take(response: Response) -> None:
            # In the reader: the loss of this connection may come right behind the answer, and undoes this.
            if response.error is None:
                self._router.loaded.add(thread_id)
            note(response)

        await trial.perform(Call(methods.THREAD_RESUME, {"threadId": thread_id, "excludeTurns": True}, take))

    async def catch_up(self, connection: Connection, deadline: float) -> None:
        """Give each turn what it missed; then subscribe to the rest of the threads, in the background.

        Args:
            connection: The one that `restore` was called for.
            deadline: As of `restore`.

        Raises:
            CodexError: The connection was lost again, or is mute.
        """
        trial = Trial(connection, self._request_timeout, deadline)
        jobs: Jobs = {
            **{call: partial(self._catch_up_stray, trial, call) for call in self._router.lost_starts},
            **{starting: partial(self._find_accepted, trial, starting) for starting in self._accepted()},
            **{turn: partial(self._catch_up, trial, turn) for turn in self._gaps()},
        }
        await self._at_once(jobs)
        await self._one_by_one({**jobs, **self._resubscribing(trial, self._sub_agents())})
        resubscribe = partial(self._resubscribe, Trial(connection, self._request_timeout), has_suspects=True)
        self._manager.start_soon(resubscribe)

    def _causes(self) -> list[Hashable]:
        """Return the keys of the requests that were in flight when connections were lost."""
        keys: list[Hashable] = [*self._router.lost_starts, *self._gaps(), *self._router.missed]
        return [key for key in keys if self._suspects.losses(key)]

    def drop_causes(self, loss: CodexTransportError) -> bool:
        """Abandon the requests that connections were repeatedly lost over; return `False` if there are none.

        Args:
            loss: The last loss of a connection.
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
            self._lose(key, f"{why}: {losses} connections were lost over it", loss)
            self._router.unsubscribe(key.thread_id)  # its events may have been the cause
        elif isinstance(key, Call):
            _logger.warning("whether %s began a turn is unknown: %d connections were lost over it", key.method, losses)
            self._router.lost_starts.remove(key)
        elif isinstance(key, str):
            _logger.warning("thread %s is not subscribed to again: %d connections were lost over it", key, losses)
            self._router.unsubscribe(key)

    def recover_soon(self, turn: Turn) -> None:
        """Read a turn's events from history, in the background, because too many came to be held. The turn has a gap."""
        self._manager.start_soon(partial(self._recover, turn))

    @trio.lowlevel.enable_ki_protection
    async def _recover(self, turn: Turn) -> None:
        try:
            await self._backfill(self._manager.request, turn)
        except CodexTransportError:
            return  # the turn is lost with the connection, or the next connection continues with it
        except CodexError as exc:
            why = "sent too many events before it was known, and its history cannot be read"
            self._lose(turn, f"{_named(turn)} {why}: {exc}", exc)
        if not turn.ended.is_set():
            self._manager.reconcile(turn)

    async def _catch_up(self, trial: Trial, turn: Turn) -> None:
        if turn.thread_id not in self._router.loaded:
            await self._resume_turn(trial, turn)
        try:
            if not turn.ended.is_set():
                await self._backfill(trial.ask, turn)
                if turn.has_gap:  # the connection was lost right after the answer, and the next one starts again
                    trial.raise_if_lost()
        except (CodexProtocolError, CodexTimeoutError) as exc:
            await self._give_up(trial, turn, exc)
        if not turn.ended.is_set():
            self._follow(turn)
            self._manager.reconcile(turn)

    def _accepted(self) -> list[Starting]:
        starting = [place.starting for place in self._router.places if place.starting is not None]
        return [start for start in starting if start.on_found is not None]

    def _busy(self) -> list[str]:
        return [thread_id for thread_id in self._router.missed if self._router.peek(thread_id).starting is not None]

    def _gaps(self) -> list[Turn]:
        return [turn for turn in self._router.turns if turn.has_gap]

    def _sub_agents(self) -> list[str]:
        # What they wait for is not asked again by the thread that they work for (codex 0.163, 0.169).
        return [
            thread_id for thread_id in self._router.missed if self._router.sub_agents.root_of(thread_id) is not None
        ]

    async def _give_up(self, trial: Trial, turn: Turn, exc: CodexProtocolError | CodexTimeoutError) -> None:
        if isinstance(exc, CodexTimeoutError):
            await trial.raise_if_mute()
        self._lose(turn, f"the connection was lost, and {_named(turn)} was not found again: {exc}", exc)

    def _lose(self, turn: Turn, why: str, cause: CodexError | None) -> None:
        error = CodexTransportError(why)
        error.__cause__ = cause
        turn.lose(error)
        if turn.left is not None:
            self._router.forget(turn)

    # --- resume a turn that this client does not have: of another client, another process, or a lost connection
    #
    # No event is lost and none comes twice. First the thread is resumed, so that live events come, and are held. Then the
    # turn is read from history: its state before its items, so that the items of a turn that has ended are complete.
    # Then the live events follow, without the items that history had.

    async def resume_turn(self, continuation: ChatContinuation, *, wants_deltas: bool = False) -> Turn:
        """Become the consumer of the turn of a continuation.

        A turn of this client whose thread is not heard of any more is given what it has missed first.

        Raises:
            CodexThreadBusyError: The turn has a consumer, or another turn of ours runs on its thread.
            CodexThreadNotFoundError: The server has no such thread.
            CodexProtocolError: It has the thread, but not the turn; or another process has the thread.
            CodexTransportError: The connection was lost; it has the continuation.

        Cancellation: Nothing has changed: the turn runs on, and the continuation is good.
        """
        await trio.lowlevel.checkpoint()
        await self._manager.give_way(continuation.thread_id)
        turn = self._router.find(continuation.turn_id)  # no checkpoint from here on: another task may be after it, too
        if turn is not None and turn.thread_id == continuation.thread_id:
            turn.begin_consuming(wants_deltas=wants_deltas)
            if self._manager.is_lost or not turn.is_cut_short:
                if not (turn.ended.is_set() or turn.has_gap or self._router.hears(turn.thread_id)):
                    await self._resubscribe_turn(turn, continuation)
                return turn
            self._detach(turn)
        starting = await self._manager.claim(
            continuation.thread_id, TurnRequest(wants_deltas=wants_deltas, continuation=continuation)
        )
        try:
            return await self._attach(starting, continuation)
        except BaseException as exc:
            if starting.turn is None:
                self._router.release(starting)
            else:
                self._detach(starting.turn)
            if isinstance(exc, CodexTransportError):
                raise exc.fresh(continuation) from exc.__cause__
            raise
        finally:
            starting.let_go.set()

    def _detach(self, turn: Turn) -> None:
        # It runs on, and the continuation takes it up anew.
        turn.stop_consuming()
        self._router.forget(turn)

    async def _resubscribe_turn(self, turn: Turn, continuation: ChatContinuation) -> None:
        def note(response: Response) -> None:
            # In the reader, before what the server says of the thread after that.
            turn.thread_is_idle = is_idle(response)

        turn.open_gap()
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
        await patiently(lambda: self._manager.perform(Call(methods.THREAD_RESUME, params, on_response)))

    async def _attach(self, starting: Starting, continuation: ChatContinuation) -> Turn:
        def bind(response: Response) -> None:
            # In the reader: what the server asks in this turn comes right after this.
            if response.error is None and self._router.peek(starting.thread_id).starting is starting:
                turn = self._router.bind(starting, continuation.turn_id, trio.current_time())
                turn.begin_consuming(wants_deltas=starting.request.wants_deltas)
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
        """Give a turn with a gap what it has missed. Its thread has been resumed, and `thread_is_idle` is known.

        If the connection was lost in the meantime, more is missing than was told, and the gap stays open.

        Raises:
            CodexProtocolError: The server does not have the turn, or does not tell.
            CodexTransportError: The connection was lost; the gap is still open.

        Cancellation: The gap is still open.
        """
        gaps = turn.gaps
        for _ in range(_READINGS):
            overflows = turn.overflows
            remembered = await read_turn(ask, turn)
            if turn.gaps > gaps:
                return
            if turn.overflows == overflows:
                break
        else:
            raise CodexProtocolError(
                f"turn {turn.turn_id} sends more events than can be held while its history is read"
            )
        for item in remembered.all_items:
            for child in told_by(item):
                self._router.sub_agents.note_parent(child, turn.thread_id)
        now = trio.current_time()
        turn.note_unfinished([item for item in remembered.all_items if not is_complete(item)], now, time.time())
        turn.fill_gap(remembered.items, now)  # after that, as what came meanwhile may finish some
        if is_terminal(remembered.state) or (turn.thread_is_idle and is_over(remembered.state)):
            turn.end_from_history({**remembered.state, "items": remembered.items, "itemsView": "full"})

    def _follow(self, turn: Turn) -> None:
        """Follow the sub-agents and open items of a turn whose missed events were read from history.

        A connection that existed when a sub-agent started gets its events and requests without a subscription (codex 0.163,
        0.171). Other connections subscribe to its thread, in the background.
        """
        if turn.ended.is_set():
            return
        turn.find_unfinished = partial(self._find_unfinished, turn)
        if any(child not in self._router.loaded for child in self._router.sub_agents.of(turn.thread_id)):
            self._manager.start_soon(partial(self._follow_sub_agents, turn.thread_id))

    async def _find_unfinished(self, turn: Turn) -> None:
        # Lists of items lack open items, such as a sleep. The turns in the response to `thread/resume` contain them (codex
        # 0.163, 0.171), but that response contains all turns of the thread, which is too much for every reconnection.
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
                for child in self._router.sub_agents.of(parents.popleft()):
                    if child in seen or not isinstance(running, list) or child not in running:
                        continue
                    seen.add(child)
                    parents.append(child)
                    if child not in self._router.loaded:
                        await self._subscribe(child, lambda _: None)
                    where = {"threadId": child, "limit": PAGE_SIZE, "sortDirection": "desc"}
                    for item in _listed_items(await self._manager.request(methods.THREAD_ITEMS_LIST, where)):
                        for grandchild in told_by(item):
                            self._router.sub_agents.note_parent(grandchild, child)
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
