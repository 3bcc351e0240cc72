"""`Restorer`: gives a new connection the threads of the lost one, and its turns what they missed meanwhile."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Any, TypeVar

import trio

from .._connection import Call, Connection
from .._protocol import methods
from .._protocol.messages import Response
from .._turn import Turn, TurnRequest
from ..errors import CodexError, CodexProtocolError, CodexTransportError
from .attaching import catch_up, is_idle, patiently
from .router import Router, Starting

_logger = logging.getLogger("codex_trio")

T = TypeVar("T")

_NEWEST = 25  # items in which to look for a message that was sent just before the loss
_RESUBSCRIBING = 1.0  # seconds that calls wait for threads on which nothing of ours runs; the others follow behind them


class Restorer:
    """What a client knows that a connection does not.

    Args:
        router: Of the client.
        reconcile: Looks for a turn's true state once it is caught up.
        abandon: Stops a turn in the background; the next one on its thread waits for that.
        start_soon: Runs a task in the client's nursery.
        request_timeout: Seconds for each request.
    """

    def __init__(
        self,
        router: Router,
        *,
        reconcile: Callable[[Turn], None],
        abandon: Callable[[Turn], None],
        start_soon: Callable[[Callable[[], Awaitable[object]]], None],
        request_timeout: float,
    ) -> None:
        self._router = router
        self._abandon = abandon
        self._reconcile = reconcile
        self._start_soon = start_soon
        self._request_timeout = request_timeout

    async def restore(self, connection: Connection) -> None:
        """Subscribe to the threads again: to those with a turn of ours, and to as many others as time allows.

        Raises:
            CodexError: The connection was lost again, or is mute.
        """
        await _all_at_once(partial(self._look_for_stray, connection), self._router.lost_starts)
        await _all_at_once(partial(self._resume_turn, connection), self._gaps())
        missed = self._router.missed
        busy = [thread_id for thread_id in missed if self._router.peek(thread_id).starting is not None]
        await _all_at_once(partial(self._resubscribe_to, connection), busy)
        with trio.move_on_after(_RESUBSCRIBING):
            await self._resubscribe(connection)

    @trio.lowlevel.enable_ki_protection
    async def _resubscribe(self, connection: Connection) -> None:
        # One after another: there may be thousands, and the server has more to do.
        for thread_id in list(self._router.missed):
            try:
                await self._resubscribe_to(connection, thread_id)
            except CodexTransportError:
                return  # the next connection goes on with it
            except CodexError as exc:
                _logger.debug("thread %s is not subscribed to again: %s", thread_id, exc)

    async def _resubscribe_to(self, connection: Connection, thread_id: str) -> None:
        if thread_id in self._router.missed and thread_id not in self._router.loaded:  # still, by now
            try:
                await self._resume(connection, thread_id)
            except CodexProtocolError as exc:  # a thread without a turn is gone with its connection
                _logger.debug("thread %s is gone: %s", thread_id, exc)
        self._router.missed.discard(thread_id)

    async def _look_for_stray(self, connection: Connection, call: Call) -> None:
        # Only a turn that has our message is surely ours.
        params = call.params or {}
        thread_id, message_id = params["threadId"], params.get("clientUserMessageId")
        where = {"threadId": thread_id, "sortDirection": "desc", "limit": _NEWEST}
        try:
            answer = await patiently(partial(self._ask, connection, methods.THREAD_ITEMS_LIST, where))
        except CodexProtocolError as exc:
            _logger.debug("whether a turn was started on thread %s is unknown: %s", thread_id, exc)
            answer = None
        self._router.lost_starts.remove(call)
        entries = answer.get("data") if isinstance(answer, Mapping) else None
        for entry in entries if isinstance(entries, list) else ():
            item, turn_id = (entry.get("item"), entry.get("turnId")) if isinstance(entry, dict) else (None, None)
            is_ours = message_id and isinstance(item, dict) and item.get("clientId") == message_id
            if is_ours and isinstance(turn_id, str):
                self._stop_stray(thread_id, turn_id)

    def _stop_stray(self, thread_id: str, turn_id: str) -> None:
        place = self._router.peek(thread_id)
        if place.starting is None and place.turn is None:
            starting = self._router.place(thread_id).starting = Starting(thread_id, TurnRequest())
            turn = self._router.bind(starting, turn_id, trio.current_time())
            turn.open_gap()  # it may have ended meanwhile
            self._abandon(turn)

    async def _ask(self, connection: Connection, method: str, params: Mapping[str, Any]) -> Any:
        return await connection.request(method, params, timeout=self._request_timeout)

    async def _resume_turn(self, connection: Connection, turn: Turn) -> None:
        def note(response: Response) -> None:
            # In the reader, before what the server says of the thread after that.
            turn.thread_is_idle = is_idle(response)

        try:
            await patiently(partial(self._resume, connection, turn.thread_id, note))
        except CodexProtocolError as exc:
            self._give_up(turn, exc)
        if turn.is_unwanted:  # the time to stop it may have passed while there was no connection
            self._abandon(turn)

    async def _resume(
        self, connection: Connection, thread_id: str, note: Callable[[Response], None] | None = None
    ) -> None:
        def take(response: Response) -> None:
            # In the reader: the loss of this connection may come right behind the answer, and undoes this.
            if response.error is None:
                self._router.loaded.add(thread_id)
            if note is not None:
                note(response)

        call = Call(methods.THREAD_RESUME, {"threadId": thread_id, "excludeTurns": True}, take)
        await connection.perform(call, timeout=self._request_timeout)

    async def catch_up(self, connection: Connection) -> None:
        """Give each turn what it missed; then subscribe to the rest of the threads, in the background.

        Raises:
            CodexError: The connection was lost again, or is mute.
        """
        await _all_at_once(partial(self._catch_up, connection), self._gaps())
        self._start_soon(partial(self._resubscribe, connection))

    async def _catch_up(self, connection: Connection, turn: Turn) -> None:
        try:
            await catch_up(partial(self._ask, connection), turn)
        except CodexProtocolError as exc:
            self._give_up(turn, exc)
        if not turn.ended.is_set():
            self._reconcile(turn)

    def _gaps(self) -> list[Turn]:
        return [turn for turn in self._router.turns if turn.has_gap]

    def _give_up(self, turn: Turn, exc: CodexProtocolError) -> None:
        error = CodexTransportError(
            f"the connection was lost, and turn {turn.turn_id} of thread {turn.thread_id} was not found again: {exc}"
        )
        error.__cause__ = exc
        turn.lose(error)
        if turn.left is not None:
            self._router.forget(turn)


async def _all_at_once(async_fn: Callable[[T], Awaitable[None]], ones: Iterable[T]) -> None:
    """Do something for each; if there are errors, raise one of them in the end."""
    errors: list[CodexError] = []

    @trio.lowlevel.enable_ki_protection
    async def do(one: T) -> None:
        try:
            await async_fn(one)
        except CodexError as exc:
            errors.append(exc)

    async with trio.open_nursery() as nursery:
        for one in ones:
            nursery.start_soon(do, one)
    if errors:
        raise errors.pop()
