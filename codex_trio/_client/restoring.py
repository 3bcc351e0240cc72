"""`Restorer`: gives a new connection the threads of the lost one, and its turns what they missed meanwhile."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import trio

from .._connection import Call, Connection
from .._protocol import methods
from .._protocol.messages import Response
from .._turn import Turn, TurnRequest
from ..errors import CodexProtocolError, CodexTransportError
from .attaching import catch_up, is_idle, patiently
from .router import Router, Starting

_logger = logging.getLogger("codex_trio")

_NEWEST = 25  # items in which to look for a message that was sent just before the loss


class Restorer:
    """What a client knows that a connection does not.

    Args:
        router: Of the client.
        reconcile: Looks for a turn's true state once it is caught up.
        abandon: Stops a turn in the background; the next one on its thread waits for that.
        request_timeout: Seconds for each request.
    """

    def __init__(
        self,
        router: Router,
        *,
        reconcile: Callable[[Turn], None],
        abandon: Callable[[Turn], None],
        request_timeout: float,
    ) -> None:
        self._router = router
        self._abandon = abandon
        self._reconcile = reconcile
        self._request_timeout = request_timeout
        self._threads: set[str] = set()  # those that the lost connection was subscribed to

    def suspend(self) -> None:
        """Take the loss of a connection. Runs in the reader."""
        self._threads |= self._router.suspend()

    async def restore(self, connection: Connection) -> None:
        """Subscribe to the threads again: a turn that is started on one of them would be mute otherwise.

        Raises:
            CodexError: The connection was lost again, or is mute.
        """
        for turn in self._gaps():
            await self._resume_turn(connection, turn)
        for thread_id in self._threads - self._router.loaded:
            try:
                await self._resume(connection, thread_id)
            except CodexProtocolError as exc:  # a thread without a turn is gone with its connection
                _logger.debug("thread %s is no longer subscribed to: %s", thread_id, exc)
        self._threads.clear()
        for call in self._router.lost_starts:
            await self._look_for_stray(connection, call.params or {})
        self._router.lost_starts.clear()

    async def _look_for_stray(self, connection: Connection, params: Mapping[str, Any]) -> None:
        # Only a turn that has our message is surely ours.
        thread_id, message_id = params["threadId"], params.get("clientUserMessageId")
        where = {"threadId": thread_id, "sortDirection": "desc", "limit": _NEWEST}
        try:
            answer = await patiently(partial(self._ask, connection, methods.THREAD_ITEMS_LIST, where))
        except CodexProtocolError as exc:
            _logger.debug("whether a turn was started on thread %s is unknown: %s", thread_id, exc)
            return
        entries = answer.get("data") if isinstance(answer, Mapping) else None
        for entry in entries if isinstance(entries, list) else ():
            item, turn_id = entry.get("item"), entry.get("turnId")
            if message_id and isinstance(item, dict) and item.get("clientId") == message_id:
                self._stop_stray(thread_id, turn_id)

    def _stop_stray(self, thread_id: str, turn_id: str) -> None:
        place = self._router.place(thread_id)
        if place.starting is None and place.turn is None:
            place.starting = Starting(thread_id, TurnRequest())
            turn = self._router.bind(place.starting, turn_id, trio.current_time())
            turn.open_gap()  # it may have ended already
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

    async def _resume(
        self, connection: Connection, thread_id: str, note: Callable[[Response], None] | None = None
    ) -> None:
        def take(response: Response) -> None:
            # In the reader: another loss, which undoes this, may come right behind it.
            if response.error is None:
                self._router.loaded.add(thread_id)
            if note is not None:
                note(response)

        call = Call(methods.THREAD_RESUME, {"threadId": thread_id, "excludeTurns": True}, take)
        await connection.perform(call, timeout=self._request_timeout)

    async def catch_up(self, connection: Connection) -> None:
        """Give each turn what it missed.

        Raises:
            CodexError: The connection was lost again, or is mute.
        """
        ask = partial(self._ask, connection)
        for turn in self._gaps():
            try:
                await catch_up(ask, turn)
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
