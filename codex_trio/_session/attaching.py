"""How a client takes up a turn that it does not have: another client's, another process's, or that of a lost connection.

Nothing is lost and nothing doubled: the thread is resumed first, so that live events come, and are held; then the turn
is read from history, its state before its items; then the live ones follow, those that history had dropped by item id.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
import trio

from .._paginator import (
    Paginator,
    is_without_turns,
)
from .._wire import methods
from .._wire.messages import Response
from .._wire.turn_state import (
    is_complete,
    is_over,
    is_terminal,
)
from ..errors import CodexError, CodexProtocolError, CodexThreadNotFoundError, CodexTransportError
from ..models import ChatContinuation
from .connection import Call
from .registry import Router
from .sub_agents import told_by
from .thread_slots import Starting
from .turn import Turn
from .turn_manager import Lifecycle
from .turn_request import TurnRequest

_logger = logging.getLogger("codex_trio")

# A turn that has just been started may not be in its thread's history, or not as it is, nor a thread with its first turn
# on disk.
_APPEARANCE = 1.0  # seconds
_RETRY_FIRST, _RETRY_MOST = 0.02, 0.25  # seconds

_PAGE = 100  # turns, or items
_MOST_FOLLOWED = 32  # sub-agents of one turn
_READINGS = 3  # attempts to read a turn's history before more events come than can be held

Ask = Callable[[str, Mapping[str, Any]], Awaitable[Any]]


class Remembered(msgspec.Struct, frozen=True):
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


async def take_up(
    lifecycle: Lifecycle, router: Router, continuation: ChatContinuation, *, wants_deltas: bool = False
) -> Turn:
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
    await lifecycle.give_way(continuation.thread_id)
    turn = router.find(continuation.turn_id)  # no checkpoint from here on: another task may be after it, too
    if turn is not None and turn.thread_id == continuation.thread_id:
        turn.begin_consuming(wants_deltas=wants_deltas)
        if lifecycle.is_lost or not turn.is_cut_short:
            if not (turn.ended.is_set() or turn.has_gap or router.hears(turn.thread_id)):
                await _hear_again(lifecycle, router, turn, continuation)
            return turn
        _leave(router, turn)
    starting = await lifecycle.claim(
        continuation.thread_id, TurnRequest(wants_deltas=wants_deltas, continuation=continuation)
    )
    try:
        return await _attach(lifecycle, router, starting, continuation)
    except BaseException as exc:
        if starting.turn is None:
            router.release(starting)
        else:
            _leave(router, starting.turn)
        if isinstance(exc, CodexTransportError):
            raise exc.fresh(continuation) from exc.__cause__
        raise
    finally:
        starting.let_go.set()


def _leave(router: Router, turn: Turn) -> None:
    # It runs on, and the continuation takes it up anew.
    turn.stop_consuming()
    router.forget(turn)


async def _hear_again(lifecycle: Lifecycle, router: Router, turn: Turn, continuation: ChatContinuation) -> None:
    def note(response: Response) -> None:
        # In the reader, before what the server says of the thread after that.
        turn.thread_is_idle = is_idle(response)

    turn.open_gap()
    try:
        await _resume(lifecycle, turn.thread_id, note)
        await catch_up(lifecycle.request, router, turn)
        follow(lifecycle, router, turn)
    except BaseException as exc:
        _leave(router, turn)
        if isinstance(exc, CodexTransportError):
            raise exc.fresh(continuation) from exc.__cause__
        raise


async def _resume(lifecycle: Lifecycle, thread_id: str, on_response: Callable[[Response], None]) -> None:
    params = {"threadId": thread_id, "excludeTurns": True}
    await patiently(lambda: lifecycle.perform(Call(methods.THREAD_RESUME, params, on_response)))


async def _attach(lifecycle: Lifecycle, router: Router, starting: Starting, continuation: ChatContinuation) -> Turn:
    def bind(response: Response) -> None:
        # In the reader: what the server asks in this turn comes right after this.
        if response.error is None and router.peek(starting.thread_id).starting is starting:
            turn = router.bind(starting, continuation.turn_id, trio.current_time())
            turn.begin_consuming(wants_deltas=starting.request.wants_deltas)
            turn.thread_is_idle = is_idle(response)
            if continuation.cursor:
                turn.started.set()

    await _resume(lifecycle, continuation.thread_id, bind)
    turn = starting.turn
    assert turn is not None
    await catch_up(lifecycle.request, router, turn)
    follow(lifecycle, router, turn)
    return turn


async def catch_up(ask: Ask, router: Router, turn: Turn) -> None:
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
        remembered = await _remembered(ask, turn)
        if turn.gaps > gaps:
            return
        if turn.overflows == overflows:
            break
    else:
        raise CodexProtocolError(f"turn {turn.turn_id} sends more events than can be held while its history is read")
    for item in remembered.all_items:
        for child in told_by(item):
            router.sub_agents.note_parent(child, turn.thread_id)
    now = trio.current_time()
    turn.note_unfinished([item for item in remembered.all_items if not is_complete(item)], now, time.time())
    turn.fill_gap(remembered.items, now)  # after that, as what came meanwhile may finish some
    if is_terminal(remembered.state) or (turn.thread_is_idle and is_over(remembered.state)):
        turn.end_from_history({**remembered.state, "items": remembered.items, "itemsView": "full"})


def follow(lifecycle: Lifecycle, router: Router, turn: Turn) -> None:
    """Follow the sub-agents and open items of a turn whose missed events were read from history.

    A connection that existed when a sub-agent started gets its events and requests without a subscription (codex 0.163,
    0.171). Other connections subscribe to its thread, in the background.
    """
    if turn.ended.is_set():
        return
    turn.find_unfinished = partial(_find_unfinished, lifecycle, turn)
    if any(child not in router.loaded for child in router.sub_agents.of(turn.thread_id)):
        lifecycle.start_soon(partial(_follow, lifecycle, router, turn.thread_id))


async def _find_unfinished(lifecycle: Lifecycle, turn: Turn) -> None:
    # Lists of items lack open items, such as a sleep. The turns in the response to `thread/resume` contain them (codex
    # 0.163, 0.171), but that response contains all turns of the thread, which is too much for every reconnection.
    try:
        answer = await lifecycle.request(methods.THREAD_RESUME, {"threadId": turn.thread_id})
    except CodexError as exc:
        _logger.debug("the open items of turn %s are unknown: %s", turn.turn_id, exc)
        return
    thread = answer.get("thread") if isinstance(answer, Mapping) else None
    turns = thread.get("turns") if isinstance(thread, Mapping) else None
    for state in turns if isinstance(turns, list) else ():
        if isinstance(state, dict) and state.get("id") == turn.turn_id and isinstance(state.get("items"), list):
            turn.note_unfinished(state["items"], trio.current_time(), time.time())


@trio.lowlevel.enable_ki_protection
async def _follow(lifecycle: Lifecycle, router: Router, thread_id: str) -> None:
    parents = deque([thread_id])
    seen: set[str] = set()
    try:
        answer = await lifecycle.request(methods.THREAD_LOADED_LIST, {})
        running = answer.get("data") if isinstance(answer, Mapping) else None
        while parents and len(seen) < _MOST_FOLLOWED:
            for child in router.sub_agents.of(parents.popleft()):
                if child in seen or not isinstance(running, list) or child not in running:
                    continue
                seen.add(child)
                parents.append(child)
                if child not in router.loaded:
                    await _resume(lifecycle, child, lambda _: None)
                where = {"threadId": child, "limit": _PAGE, "sortDirection": "desc"}
                for item in _items(await lifecycle.request(methods.THREAD_ITEMS_LIST, where)):
                    for grandchild in told_by(item):
                        router.sub_agents.note_parent(grandchild, child)
    except CodexError as exc:
        _logger.debug("could not subscribe to all sub-agents of thread %s: %s", thread_id, exc)


def _items(answer: object) -> list[object]:
    entries = answer.get("data") if isinstance(answer, Mapping) else None
    return [entry.get("item") for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


async def _remembered(ask: Ask, turn: Turn) -> Remembered:
    read = partial(patiently, partial(_read, ask, turn))
    remembered: Remembered = await read()
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


async def patiently(ask: Callable[[], Awaitable[Any]]) -> Any:
    """Ask for a thread or a turn again for a moment, while the server does not seem to have it."""
    pauses = _pauses()
    while True:
        try:
            return await ask()
        except CodexProtocolError as exc:
            if not (_is_missing(exc) or is_without_turns(exc)) or (pause := next(pauses, None)) is None:
                raise
        await trio.sleep(pause)


def _pauses() -> Iterator[float]:
    """Give the seconds to wait before each new attempt, while there is hope."""
    deadline = trio.current_time() + _APPEARANCE
    pause = _RETRY_FIRST
    while trio.current_time() + pause <= deadline:
        yield pause
        pause = min(2 * pause, _RETRY_MOST)


async def _read(ask: Ask, turn: Turn) -> Remembered:
    try:
        return await _read_pages(ask, turn)
    except CodexProtocolError as exc:
        if _is_missing(exc):
            raise
        if is_without_turns(exc):
            raise _missing(turn) from exc
    # Before codex 0.155 there is no `thread/items/list`.
    answer = await ask(methods.THREAD_READ, {"threadId": turn.thread_id, "includeTurns": True})
    thread = answer.get("thread") if isinstance(answer, Mapping) else None
    turns = thread.get("turns") if isinstance(thread, Mapping) else None
    for state in turns if isinstance(turns, list) else ():
        if isinstance(state, dict) and state.get("id") == turn.turn_id:
            items = state.get("items")
            return Remembered(state, items if isinstance(items, list) else [])
    raise _missing(turn)


async def _read_pages(ask: Ask, turn: Turn) -> Remembered:
    # The state first: of a turn that has ended by then, all items are told after that.
    where = {"threadId": turn.thread_id}
    turns: Paginator[object] = Paginator(
        partial(ask, methods.THREAD_TURNS_LIST), {**where, "itemsView": "notLoaded"}, _as_is, page_size=_PAGE
    )
    async for state in turns:
        if isinstance(state, dict) and state.get("id") == turn.turn_id:
            break
    else:
        raise _missing(turn)
    entries: Paginator[object] = Paginator(
        partial(ask, methods.THREAD_ITEMS_LIST), {**where, "turnId": turn.turn_id}, _as_is, page_size=_PAGE
    )
    return Remembered(state, [_item_of(entry) async for entry in entries if isinstance(entry, dict)])


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
