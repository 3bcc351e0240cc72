"""`Paginator`: a list on the server, read page by page during iteration. At most one page is in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Generic, TypeVar

import trio

from ._public_call import public_call
from .errors import CodexProtocolError

T = TypeVar("T")

Fetch = Callable[[Mapping[str, Any]], Awaitable[Any]]


class Paginator(Generic[T]):
    """An async iterator over a list on the server.

    It requests a page when all entries of the previous page were returned. It is an object, not a generator, so it need
    not be closed when iteration stops early. Iterate it once.

    Args:
        fetch: Sends the request for a page, and returns its result.
        params: Parameters of every request.
        convert: Converts an entry of a page to the returned value.
        page_size: Number of entries per request.

    Example:
        ``async for turn in thread.turns(): print(turn.id)``
    """

    def __init__(self, fetch: Fetch, params: Mapping[str, Any], convert: Callable[[Any], T], *, page_size: int) -> None:
        if not isinstance(page_size, int) or page_size < 1:
            raise ValueError(f"page_size must be a positive int, not {page_size!r}")
        self._fetch = fetch
        self._params = {**params, "limit": page_size}
        self._convert = convert
        self._page: deque[Any] = deque()
        self._cursor: Any = None
        self._is_last = False
        self._is_busy = False

    def __aiter__(self) -> Paginator[T]:
        return self

    @public_call
    async def __anext__(self) -> T:
        """Return the next entry.

        Raises:
            CodexProtocolError: The server rejected the request for a page.
            CodexTimeoutError: The server did not respond in time.
            CodexTransportError: The connection was lost.
            trio.BusyResourceError: Another task is waiting for an entry.

        Cancellation: No entry is lost.
        """
        if self._is_busy:
            raise trio.BusyResourceError("another task is waiting for an entry of this list")
        self._is_busy = True
        try:
            await trio.lowlevel.checkpoint()
            while not self._page:
                if self._is_last:
                    raise StopAsyncIteration
                await self._turn_page()
            return self._convert(self._page.popleft())
        finally:
            self._is_busy = False

    async def _turn_page(self) -> None:
        params = self._params if self._cursor is None else {**self._params, "cursor": self._cursor}
        answer = await self._fetch(params)
        entries = answer.get("data") if isinstance(answer, Mapping) else None
        cursor = answer.get("nextCursor") if isinstance(answer, Mapping) else None
        self._page.extend(entries if isinstance(entries, list) else ())
        self._is_last = cursor is None or cursor == self._cursor  # a repeated cursor would never end
        self._cursor = cursor


def is_history_unavailable(refusal: CodexProtocolError) -> bool:
    """Whether the server rejected a request for history because the thread has no history yet.

    For items, the server sends the same error for an ephemeral thread. codex 0.169 sends -32601 "list_turns is not
    supported yet", codex 0.163 sends -32600 "thread ... is not materialized yet".
    """
    return "is not supported yet" in str(refusal) or "is not materialized yet" in str(refusal)
