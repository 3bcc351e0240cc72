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

# A turn that has just started may be missing from its thread's history, or have an outdated state there. A thread with
# its first turn may not be on disk yet.
_HISTORY_LAG = 1.0  # seconds
_INITIAL_RETRY_DELAY, _MAX_RETRY_DELAY = 0.02, 0.25  # seconds

PAGE_SIZE = 100  # turns or items
_NEWEST = 5  # turns of a thread to search for a turn of this client

Ask = Callable[[str, Mapping[str, Any]], Awaitable[Any]]


class TurnSnapshot(msgspec.Struct, frozen=True):
    """A turn as it is in the server's history.

    Attributes:
        state: The ``Turn`` object from the wire. Its items are not used.
        all_items: The turn's items, including incomplete items.
    """

    state: Mapping[str, Any]
    all_items: Sequence[object]

    @property
    def items(self) -> list[object]:
        """The complete items."""
        return [item for item in self.all_items if is_complete(item)]

    @property
    def is_doubtful(self) -> bool:
        """Whether the status is final but ``completedAt`` is missing."""
        return is_over(self.state) and not is_terminal(self.state)


async def find_turn(ask: Ask, turn: Turn, view: Literal["notLoaded", "full"]) -> Mapping[str, Any] | None:
    """Read a turn from the newest turns of its thread. Return `None` if it is not among them or cannot be read.

    Raises:
        CodexTransportError: The connection was lost.
    """
    params = {"threadId": turn.thread_id, "limit": _NEWEST, "itemsView": view}
    try:
        try:
            turns = (await ask(methods.THREAD_TURNS_LIST, params)).get("data")
        except CodexProtocolError:  # before codex 0.155, `thread/turns/list` is experimental or missing
            result = await ask(methods.THREAD_READ, {"threadId": turn.thread_id, "includeTurns": True})
            turns = result["thread"].get("turns")
        return next((state for state in turns if state.get("id") == turn.turn_id), None)
    except CodexTransportError:  # also a `CodexError`
        raise
    except (CodexError, AttributeError, KeyError, TypeError) as exc:
        _logger.debug("the history of turn %s could not be read: %r", turn.turn_id, exc)
        return None


async def read_turn(ask: Ask, turn: Turn) -> TurnSnapshot:
    """Read the state and the items of a turn from history.

    Raises:
        CodexProtocolError: The server does not have the turn.
        CodexTransportError: The connection was lost.
    """
    read = partial(retry_while_missing, partial(_read, ask, turn))
    snapshot: TurnSnapshot = await read()
    delays = _pauses()
    # A turn is `interrupted` without `completedAt` if its process was killed, and also for some milliseconds while it
    # starts (codex 0.163, 0.169). In the second case, no event of it has come yet, and its thread soon becomes active.
    while not turn.started.is_set() and turn.thread_is_idle and snapshot.is_doubtful:
        if (delay := next(delays, None)) is None:
            break
        await trio.sleep(delay)
        snapshot = await read()
    if snapshot.state.get("startedAt") is not None:
        turn.started.set()
    return snapshot


async def retry_while_missing(ask: Callable[[], Awaitable[Any]]) -> Any:
    """Call `ask`, and retry for up to a second while the server reports that a thread, turn or history is missing.

    Raises:
        CodexProtocolError: It is still missing, or the server responded with another error, which is not retried.
    """
    delays = _pauses()
    while True:
        try:
            return await ask()
        except CodexProtocolError as exc:
            if not (_is_missing(exc) or is_history_unavailable(exc)) or (delay := next(delays, None)) is None:
                raise
        await trio.sleep(delay)


def _pauses() -> Iterator[float]:
    """Yield the delay before each retry, in seconds, until the next retry would come later than `_HISTORY_LAG`."""
    deadline = trio.current_time() + _HISTORY_LAG
    delay = _INITIAL_RETRY_DELAY
    while trio.current_time() + delay <= deadline:
        yield delay
        delay = min(2 * delay, _MAX_RETRY_DELAY)


async def _read(ask: Ask, turn: Turn) -> TurnSnapshot:
    try:
        return await _read_pages(ask, turn)
    except CodexProtocolError as exc:
        if _is_missing(exc):
            raise
        if is_history_unavailable(exc):
            raise _missing(turn) from exc
    # Codex before 0.155 does not have `thread/items/list`.
    result = await ask(methods.THREAD_READ, {"threadId": turn.thread_id, "includeTurns": True})
    thread = result.get("thread") if isinstance(result, Mapping) else None
    turns = thread.get("turns") if isinstance(thread, Mapping) else None
    for state in turns if isinstance(turns, list) else ():
        if isinstance(state, dict) and state.get("id") == turn.turn_id:
            items = state.get("items")
            return TurnSnapshot(state, items if isinstance(items, list) else [])
    raise _missing(turn)


async def _read_pages(ask: Ask, turn: Turn) -> TurnSnapshot:
    # Read the state before the items. If the turn has already ended, the list of items is complete.
    thread = {"threadId": turn.thread_id}
    turns: Paginator[object] = Paginator(
        partial(ask, methods.THREAD_TURNS_LIST), {**thread, "itemsView": "notLoaded"}, _as_is, page_size=PAGE_SIZE
    )
    async for state in turns:
        if isinstance(state, dict) and state.get("id") == turn.turn_id:
            break
    else:
        raise _missing(turn)
    entries: Paginator[object] = Paginator(
        partial(ask, methods.THREAD_ITEMS_LIST), {**thread, "turnId": turn.turn_id}, _as_is, page_size=PAGE_SIZE
    )
    return TurnSnapshot(state, [_item_of(entry) async for entry in entries if isinstance(entry, dict)])


def _item_of(entry: Mapping[str, Any]) -> object:
    item = entry.get("item")
    times = {name: entry[name] for name in ("startedAtMs", "completedAtMs") if name in entry}
    if isinstance(item, dict) and item.get("type") == "sleep" and not is_complete({**times, **item}):
        return {**times, **item}  # codex 0.163 sends the times next to the item, not in it
    return item


def _is_missing(exc: CodexProtocolError) -> bool:
    # An error from `_missing` has no code. The server's errors have one.
    return isinstance(exc, CodexThreadNotFoundError) or exc.code is None


def _missing(turn: Turn) -> CodexProtocolError:
    return CodexProtocolError(
        f"the server has no turn {turn.turn_id} in the history of thread {turn.thread_id}: it was reverted, or its "
        "server died before it was written, or the continuation is of another server",
        method=methods.THREAD_TURNS_LIST,
    )


def _as_is(entry: object) -> object:
    return entry


def is_idle(resumed: Response) -> bool:
    """Whether no turn is running on a thread, according to the response to `thread/resume`."""
    thread = resumed.result.get("thread") if isinstance(resumed.result, Mapping) else None
    status = thread.get("status") if isinstance(thread, Mapping) else None
    return isinstance(status, Mapping) and status.get("type") != "active"
