"""`Restorer`: gives a new connection the threads of the lost one, and its turns what they missed meanwhile."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping
from functools import partial
from typing import Any

import msgspec
import trio

from .._wire import methods
from .._wire.messages import Response
from ..errors import CodexError, CodexProtocolError, CodexTimeoutError, CodexTransportError
from ..models import ChatContinuation
from .attaching import Ask, catch_up, is_idle, patiently
from .connection import (
    Call,
    Connection,
)
from .registry import Router
from .suspects import Job, Suspects
from .thread_slots import Starting
from .trial import Trial
from .turn import Turn
from .turn_request import TurnRequest

_logger = logging.getLogger("codex_trio")

Jobs = dict[Hashable, Job]

# All in seconds.
_RESTORING = 5.0  # that calls wait for turns of ours; what takes longer goes on behind them
_RESUBSCRIBING = 1.0  # that calls wait for threads on which nothing of ours runs; the others follow behind them


class Restorer:
    """What a client knows that a connection does not.

    Args:
        router: Of the client.
        reconcile: Looks for a turn's true state once it is caught up.
        abandon: Stops a turn in the background; the next one on its thread waits for that.
        start_soon: Runs a task in the client's nursery.
        ask: Sends a request over the current connection.
        follow: Follows the sub-agents and open items of a turn whose missed events were read from history.
        suspects: Counts the connections that were lost over each request.
        request_timeout: Seconds for each request.
    """

    def __init__(
        self,
        router: Router,
        *,
        reconcile: Callable[[Turn], None],
        abandon: Callable[[Turn], None],
        start_soon: Callable[[Callable[[], Awaitable[object]]], None],
        ask: Ask,
        follow: Callable[[Turn], None],
        suspects: Suspects,
        request_timeout: float,
    ) -> None:
        self._router = router
        self._abandon = abandon
        self._reconcile = reconcile
        self._start_soon = start_soon
        self._ask = ask
        self._follow = follow
        self._suspects = suspects
        self._request_timeout = request_timeout

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
        self._abandon(turn)
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
            self._abandon(turn)

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
        self._start_soon(resubscribe)

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
        self._start_soon(partial(self._recover, turn))

    @trio.lowlevel.enable_ki_protection
    async def _recover(self, turn: Turn) -> None:
        try:
            await catch_up(self._ask, self._router, turn)
        except CodexTransportError:
            return  # the turn is lost with the connection, or the next connection continues with it
        except CodexError as exc:
            why = "sent too many events before it was known, and its history cannot be read"
            self._lose(turn, f"{_named(turn)} {why}: {exc}", exc)
        if not turn.ended.is_set():
            self._reconcile(turn)

    async def _catch_up(self, trial: Trial, turn: Turn) -> None:
        if turn.thread_id not in self._router.loaded:
            await self._resume_turn(trial, turn)
        try:
            if not turn.ended.is_set():
                await catch_up(trial.ask, self._router, turn)
                if turn.has_gap:  # the connection was lost right after the answer, and the next one starts again
                    trial.raise_if_lost()
        except (CodexProtocolError, CodexTimeoutError) as exc:
            await self._give_up(trial, turn, exc)
        if not turn.ended.is_set():
            self._follow(turn)
            self._reconcile(turn)

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


def _named(turn: Turn) -> str:
    return f"turn {turn.turn_id} of thread {turn.thread_id}"


def _items(state: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    items = state.get("items")
    return [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []
