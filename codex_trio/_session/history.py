"""Read a turn from the server's history. New turns and threads appear there with a delay, so some reads are retried."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Literal

import msgspec
import trio

from .._paginator import Paginator, is_history_unavailable
from .._wire import methods
from .._wire.messages import Response
from .._wire.turn_state import is_complete, is_over, is_terminal
from ..errors import CodexError, CodexProtocolError, CodexThreadNotFoundError, CodexTransportError
from .turn import Turn

_logger = logging.getLogger("codex_trio")

# A turn that has just been started may not be in its thread's history, or not as it is, nor a thread with its first turn
# on disk.
_HISTORY_LAG = 1.0  # seconds
_INITIAL_RETRY_DELAY, _MAX_RETRY_DELAY = 0.02, 0.25  # seconds

PAGE_SIZE = 100  # turns, or items
_NEWEST = 5  # turns of a thread to look for one of this client among

Ask = Callable[[str, Mapping[str, Any]], Awaitable[Any]]


class TurnSnapshot(msgspec.Struct, frozen=True):
    """A turn as the server remembers it.

    Attributes:
        state: ``Turn`` of the wire; its items count for nothing.
        all_items: Those that are under way among them.
    """

    state: Mapping[str, Any]
    all_items: Sequence[object]

    @property
    def items(self) -> list[object]:
        """Those that are complete."""
        return [item for item in self.all_items if is_complete(item)]

    @property
    def is_doubtful(self) -> bool:
        """Whether it is told as over, but not since when."""
        return is_over(self.state) and not is_terminal(self.state)


async def find_turn(ask: Ask, turn: Turn, view: Literal["notLoaded", "full"]) -> Mapping[str, Any] | None:
    """Return a turn among the newest ones of its thread, as history has it; `None` if it cannot be read.

    Raises:
        CodexTransportError: The connection was lost.
    """
    params = {"threadId": turn.thread_id, "limit": _NEWEST, "itemsView": view}
    try:
        try:
            turns = (await ask(methods.THREAD_TURNS_LIST, params)).get("data")
        except CodexProtocolError:  # before 0.155 it is experimental, or absent
            answer = await ask(methods.THREAD_READ, {"threadId": turn.thread_id, "includeTurns": True})
            turns = answer["thread"].get("turns")
        return next((one for one in turns if one.get("id") == turn.turn_id), None)
    except CodexTransportError:
        raise
    except (CodexError, AttributeError, KeyError, TypeError) as exc:
        _logger.debug("the history of turn %s could not be read: %r", turn.turn_id, exc)
        return None


async def read_turn(ask: Ask, turn: Turn) -> TurnSnapshot:
    """Return the state and the items of a turn.

    Raises:
        CodexProtocolError: The server does not have the turn.
    """
    read = partial(retry_while_missing, partial(_read, ask, turn))
    remembered: TurnSnapshot = await read()
    pauses = _pauses()
    # `interrupted` without a time is the turn of a process that was killed, and for some milliseconds one that is just
    # beginning (codex 0.163, 0.169). Of that one, nothing was seen yet, and the thread will be active soon.
    while not turn.started.is_set() and turn.thread_is_idle and remembered.is_doubtful:
        if (pause := next(pauses, None)) is None:
            break
        await trio.sleep(pause)
        remembered = await read()
    if remembered.state.get("startedAt") is not None:
        turn.started.set()
    return remembered


async def retry_while_missing(ask: Callable[[], Awaitable[Any]]) -> Any:
    """Ask for a thread or a turn again for a moment, while the server does not seem to have it."""
    pauses = _pauses()
    while True:
        try:
            return await ask()
        except CodexProtocolError as exc:
            if not (_is_missing(exc) or is_history_unavailable(exc)) or (pause := next(pauses, None)) is None:
                raise
        await trio.sleep(pause)


def _pauses() -> Iterator[float]:
    """Give the seconds to wait before each new attempt, while there is hope."""
    deadline = trio.current_time() + _HISTORY_LAG
    pause = _INITIAL_RETRY_DELAY
    while trio.current_time() + pause <= deadline:
        yield pause
        pause = min(2 * pause, _MAX_RETRY_DELAY)


async def _read(ask: Ask, turn: Turn) -> TurnSnapshot:
    try:
        return await _read_pages(ask, turn)
    except CodexProtocolError as exc:
        if _is_missing(exc):
            raise
        if is_history_unavailable(exc):
            raise _missing(turn) from exc
    # Before codex 0.155 there is no `thread/items/list`.
    answer = await ask(methods.THREAD_READ, {"threadId": turn.thread_id, "includeTurns": True})
    thread = answer.get("thread") if isinstance(answer, Mapping) else None
    turns = thread.get("turns") if isinstance(thread, Mapping) else None
    for state in turns if isinstance(turns, list) else ():
        if isinstance(state, dict) and state.get("id") == turn.turn_id:
            items = state.get("items")
            return TurnSnapshot(state, items if isinstance(items, list) else [])
    raise _missing(turn)


async def _read_pages(ask: Ask, turn: Turn) -> TurnSnapshot:
    # The state first: of a turn that has ended by then, all items are told after that.
    where = {"threadId": turn.thread_id}
    turns: Paginator[object] = Paginator(
        partial(ask, methods.THREAD_TURNS_LIST), {**where, "itemsView": "notLoaded"}, _as_is, page_size=PAGE_SIZE
    )
    async for state in turns:
        if isinstance(state, dict) and state.get("id") == turn.turn_id:
            break
    else:
        raise _missing(turn)
    entries: Paginator[object] = Paginator(
        partial(ask, methods.THREAD_ITEMS_LIST), {**where, "turnId": turn.turn_id}, _as_is, page_size=PAGE_SIZE
    )
    return TurnSnapshot(state, [_item_of(entry) async for entry in entries if isinstance(entry, dict)])


def _item_of(entry: Mapping[str, Any]) -> object:
    item = entry.get("item")
    times = {name: entry[name] for name in ("startedAtMs", "completedAtMs") if name in entry}
    if isinstance(item, dict) and item.get("type") == "sleep" and not is_complete({**times, **item}):
        return {**times, **item}  # codex 0.163 tells the times beside the item
    return item


def _is_missing(exc: CodexProtocolError) -> bool:
    return isinstance(exc, CodexThreadNotFoundError) or exc.code is None  # which is `_missing`: a server gives a code


def _missing(turn: Turn) -> CodexProtocolError:
    return CodexProtocolError(
        f"the server has no turn {turn.turn_id} in the history of thread {turn.thread_id}: it was reverted, or its "
        "server died before it was written, or the continuation is of another server",
        method=methods.THREAD_TURNS_LIST,
    )


def _as_is(entry: object) -> object:
    return entry


def is_idle(resumed: Response) -> bool:
    """Whether nothing runs on a thread, as the answer to its `thread/resume` tells."""
    thread = resumed.result.get("thread") if isinstance(resumed.result, Mapping) else None
    status = thread.get("status") if isinstance(thread, Mapping) else None
    return isinstance(status, Mapping) and status.get("type") != "active"
