"""`Lookup`: the part of `Lifecycle` that reads from the server's history what no event told."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import trio

from .._wire import methods
from .._wire.turn_state import is_terminal
from ..errors import CodexError, CodexProtocolError, CodexTransportError
from .suspects import Suspects
from .turn import Turn

_logger = logging.getLogger("codex_trio")

# Seconds between a thread's going idle and a look at the turn's true state.
_IDLE_GRACE, _IDLE_MOST = 1.0, 30.0

_HISTORY_LIMIT = 5  # turns; ours is among the newest
_STATE, _ITEMS = "notLoaded", "full"  # views of a turn in `thread/turns/list`


class Lookup:
    """Reads turns from history; whose requests these are, and whose tasks, is the lifecycle's."""

    _nursery: trio.Nursery
    _suspects: Suspects
    _is_closed: bool

    async def request(
        self, method: str, params: Mapping[str, Any] | None = None, *, timeout: float | None = None
    ) -> Any:
        """Call the server."""
        raise NotImplementedError

    def reconcile(self, turn: Turn) -> None:
        """Look at the turn's true state soon, and again while its thread is idle and its end does not come."""
        if self._is_closed:
            return
        if turn.reconciling is not None:
            turn.reconciling.cancel()
        turn.reconciling = trio.CancelScope()
        self._nursery.start_soon(self._reconcile, turn, turn.reconciling, name=f"codex_trio looks for {turn.turn_id}")

    @trio.lowlevel.enable_ki_protection
    async def _reconcile(self, turn: Turn, scope: trio.CancelScope) -> None:
        grace = _IDLE_GRACE
        with scope:
            while True:
                with trio.move_on_after(grace):
                    await turn.ended.wait()
                    return
                if await self._look_at(turn):
                    return
                grace = min(2 * grace, _IDLE_MOST)

    async def _look_at(self, turn: Turn) -> bool:
        """Read a turn's state, and end the turn here if it has ended; return whether no further look is needed."""
        key = "the end of", turn
        try:
            with self._suspects.blaming(key):
                history = await self._ask_for(turn, _STATE)
                if history is not None and is_terminal(history):
                    turn.end_from_history(await self._ask_for(turn, _ITEMS) or history)
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
            return await self._ask_for(turn, _ITEMS)
        except CodexTransportError as exc:
            _logger.debug("the history of turn %s could not be read: %r", turn.turn_id, exc)
            return None

    async def _ask_for(self, turn: Turn, view: str) -> Mapping[str, Any] | None:
        params = {"threadId": turn.thread_id, "limit": _HISTORY_LIMIT, "itemsView": view}
        try:
            try:
                turns = (await self.request(methods.THREAD_TURNS_LIST, params)).get("data")
            except CodexProtocolError:  # before 0.155 it is experimental, or absent
                answer = await self.request(methods.THREAD_READ, {"threadId": turn.thread_id, "includeTurns": True})
                turns = answer["thread"].get("turns")
            return next((one for one in turns if one.get("id") == turn.turn_id), None)
        except CodexTransportError:
            raise
        except (CodexError, AttributeError, KeyError, TypeError) as exc:
            _logger.debug("the history of turn %s could not be read: %r", turn.turn_id, exc)
            return None


def is_not_running(refusal: CodexProtocolError) -> bool:
    """Whether an interrupt was refused because the turn does not run: not yet, or no more."""
    return "no active turn" in str(refusal) or "expected active turn id" in str(refusal)


def id_of(result: object, kind: str) -> str | None:
    """Return the id of the `kind` of thing, a thread or a turn, that an answer tells."""
    inner = result.get(kind) if isinstance(result, dict) else None
    value = inner.get("id") if isinstance(inner, dict) else None
    return value if isinstance(value, str) else None


def parent_of(result: object) -> str | None:
    """Return the parent of the thread in a response; `None` if the thread is not a sub-agent's."""
    thread = result.get("thread") if isinstance(result, dict) else None
    value = thread.get("parentThreadId") if isinstance(thread, dict) else None
    return value if isinstance(value, str) else None
