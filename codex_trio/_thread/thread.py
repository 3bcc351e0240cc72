"""`CodexThread`: the operations of one thread."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Literal, TypeAlias, Unpack

from .._options import (
    ThreadOptions,
    thread_params,
)
from .._paginator import (
    Paginator,
    is_without_turns,
)
from .._session.engine import Engine
from .._wire import methods
from ..errors import CodexProtocolError, CodexThreadBusyError
from ..models import ConversationStep, ThreadInfo, TurnInfo
from .turns import ThreadTurns

ItemsView: TypeAlias = Literal["notLoaded", "summary", "full"]
"""How much of its items a turn of the history has: none, the user's message and the answer, or all."""


class CodexThread(ThreadTurns):
    """A thread of the server. Made by `client.start_thread`, `resume_thread` and `fork_thread`.

    One turn of this client runs on it at a time: `chat`, `chat_once`, `stream`, `review`, `compact` and `shell` raise
    `CodexThreadBusyError` while another does, and so do the operations that would take the thread from under it.

    Attributes:
        id: The thread's id.
        info: The thread as the server described it when this object was made.

    Example:
        ```python
        thread = await client.start_thread(cwd="/project", sandbox="read-only")
        print((await thread.chat_once("What is here?")).final_text)
        ```
    """

    def __init__(self, engine: Engine, info: ThreadInfo) -> None:
        super().__init__(engine, info.id)
        self.info = info

    def __repr__(self) -> str:
        return f"<CodexThread {self.id}>"

    async def read(self) -> ThreadInfo:
        """Return the thread as the server describes it now.

        Raises:
            CodexThreadNotFoundError: There is no such thread any more.

        Cancellation: Nothing has changed.

        Example:
            ``print((await thread.read()).name)``
        """
        answer = await self._engine.request(methods.THREAD_READ, {"threadId": self.id})
        return ThreadInfo.from_wire(answer.get("thread") if isinstance(answer, dict) else None)

    def turns(
        self, *, newest_first: bool = False, items_view: ItemsView = "summary", page_size: int = 50
    ) -> Paginator[TurnInfo]:
        """Return the thread's turns, read page by page. Nothing comes of a thread that had none.

        Args:
            newest_first: Begin at the end.
            items_view: See `ItemsView`.
            page_size: How many to ask for at once.

        Raises:
            CodexProtocolError: While iterating: the thread is ephemeral, so it has no history.

        Example:
            ``async for turn in thread.turns(): print(turn.id, turn.status)``
        """
        params = {"threadId": self.id, "sortDirection": _direction(newest_first), "itemsView": items_view}
        return Paginator(
            partial(self._page, methods.THREAD_TURNS_LIST), params, TurnInfo.from_wire, page_size=page_size
        )

    def items(
        self, turn_id: str | None = None, *, newest_first: bool = False, page_size: int = 100
    ) -> Paginator[ConversationStep]:
        """Return the items of the thread or of one turn, the user's messages included, read page by page.

        Args:
            turn_id: The turn; all of them unless given. Nothing comes of a turn that there is not.
            newest_first: Begin at the end.
            page_size: How many to ask for at once.

        Raises:
            CodexProtocolError: While iterating: the thread is ephemeral, so it has no history.

        Example:
            ``async for item in thread.items(): print(item.step_type, item.text)``
        """
        params = {"threadId": self.id, "sortDirection": _direction(newest_first)}
        if turn_id is not None:
            params["turnId"] = turn_id
        return Paginator(partial(self._page, methods.THREAD_ITEMS_LIST), params, self._item, page_size=page_size)

    def _item(self, entry: Any) -> ConversationStep:
        entry = entry if isinstance(entry, dict) else {}
        item, turn_id = entry.get("item"), entry.get("turnId")
        return ConversationStep.from_wire(
            item if isinstance(item, dict) else {},
            thread_id=self.id,
            turn_id=turn_id if isinstance(turn_id, str) else "",
        )

    async def _page(self, method: str, params: Mapping[str, Any]) -> Any:
        try:
            return await self._engine.request(method, params)
        except CodexProtocolError as exc:
            if not is_without_turns(exc) or (await self.read()).is_ephemeral:
                raise
            return {"data": []}

    async def rename(self, name: str) -> None:
        """Give the thread a name.

        Raises:
            CodexProtocolError: The name is empty.

        Cancellation: It may have been renamed.

        Example:
            ``await thread.rename("The broken build")``
        """
        await self._engine.request(methods.THREAD_NAME_SET, {"threadId": self.id, "name": name})

    async def archive(self) -> None:
        """Put the thread away: it is not listed, and nothing can be said in it until `unarchive`.

        Raises:
            CodexThreadBusyError: A turn of this client is still running.
            CodexThreadNotFoundError: It never had a turn, so it is not on disk, or is archived already.

        Cancellation: It may have been archived.

        Example:
            ``await thread.archive()``
        """
        await self._alone(methods.THREAD_ARCHIVE)
        self._engine.unload(self.id)

    async def unarchive(self) -> None:
        """Undo `archive`.

        Raises:
            CodexThreadNotFoundError: It is not archived.

        Cancellation: It may have been unarchived.

        Example:
            ``await thread.unarchive()``
        """
        await self._engine.request(methods.THREAD_UNARCHIVE, {"threadId": self.id})

    async def delete(self) -> None:
        """Delete the thread and its history, for good.

        Raises:
            CodexThreadBusyError: A turn of this client is still running.
            CodexProtocolError: A fork of it exists, which needs its history.
            CodexThreadNotFoundError: There is no such thread any more.

        Cancellation: It may have been deleted.

        Example:
            ``await thread.delete()``
        """
        await self._alone(methods.THREAD_DELETE)
        self._engine.unload(self.id)

    async def revert(self, before_turn_id: str) -> None:
        """Drop a turn and all after it from the history. What they changed in files stays changed.

        Args:
            before_turn_id: The first turn that goes; the thread's first one empties the thread.

        Raises:
            CodexProtocolError: The thread has no such turn (any more).
            CodexThreadBusyError: A turn of this client is still running.

        Cancellation: It may have been reverted.

        Example:
            ``await thread.revert(result.turn_id)``
        """
        await self._alone(methods.THREAD_REVERT, beforeTurnId=before_turn_id)
        self._engine.unload(self.id)  # the server unloads it on the way, and tells so before or after its answer

    async def fork(
        self, *, last_turn_id: str | None = None, before_turn_id: str | None = None, **options: Unpack[ThreadOptions]
    ) -> CodexThread:
        """Return a new thread with this one's history, and its tools if it has tools of its own.

        Args:
            last_turn_id: The last turn that the fork has; all of them unless given.
            before_turn_id: The first turn that the fork has not.
            options: See `ThreadOptions`.

        Raises:
            CodexThreadNotFoundError: This thread never had a turn, so there is nothing to fork.

        Cancellation: It may have been forked.

        Example:
            ``other = await thread.fork(last_turn_id=result.turn_id)``
        """
        return await fork(self._engine, self.id, last_turn_id, before_turn_id, options)

    async def unsubscribe(self) -> None:
        """Get no more events of this thread; the next turn on it subscribes again.

        Raises:
            CodexThreadBusyError: A turn of this client is still running, and its events are needed.

        Cancellation: It may have been unsubscribed.

        Example:
            ``await thread.unsubscribe()``
        """
        await self._alone(methods.THREAD_UNSUBSCRIBE)
        self._engine.unload(self.id)

    async def stop_terminals(self) -> None:
        """End the commands that outlived the turns which started them.

        Raises:
            ValueError: The client was not opened with `experimental_api=True`, which the server demands for this.

        Cancellation: They may have been ended.

        Example:
            ``await thread.stop_terminals()``
        """
        if not self._engine.is_experimental:
            raise ValueError("the server takes stop_terminals only from a client opened with experimental_api=True")
        await self._engine.request(methods.THREAD_TERMINALS_CLEAN, {"threadId": self.id})

    async def _alone(self, method: str, **params: str) -> None:
        await self._engine.wait_free(self.id)
        turn = self._engine.open_turn(self.id)
        if turn is not None or self._engine.is_starting(self.id):
            turn_id = None if turn is None else turn.turn_id
            raise CodexThreadBusyError(
                f"{method}: turn {turn_id or '(being started)'} of this client is still running on thread {self.id}; let "
                "it end, or interrupt it, first",
                thread_id=self.id,
                turn_id=turn_id,
            )
        await self._engine.request(method, {"threadId": self.id, **params})


async def fork(
    engine: Engine,
    thread_id: str,
    last_turn_id: str | None,
    before_turn_id: str | None,
    options: ThreadOptions,
) -> CodexThread:
    """Fork a thread; see `CodexThread.fork`."""
    params: dict[str, Any] = {"threadId": thread_id, "excludeTurns": True, **thread_params(options)}
    if last_turn_id is not None:
        params["lastTurnId"] = last_turn_id
    if before_turn_id is not None:
        params["beforeTurnId"] = before_turn_id
    return opened(engine, methods.THREAD_FORK, await engine.request(methods.THREAD_FORK, params))


def opened(engine: Engine, method: str, answer: object) -> CodexThread:
    """Return the thread that an answer is about.

    Raises:
        CodexProtocolError: It is about none.
    """
    info = ThreadInfo.from_wire(answer.get("thread") if isinstance(answer, dict) else None)
    if not info.id:
        raise CodexProtocolError(f"{method} was answered without a thread id", method=method)
    return CodexThread(engine, info)


def _direction(newest_first: bool) -> str:
    return "desc" if newest_first else "asc"
