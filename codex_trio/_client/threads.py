"""`Threads`: the part of the client that starts, finds and lists threads and models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Unpack

from .._options import (
    ResumeOptions,
    ThreadOptions,
    thread_params,
    with_extra,
)
from .._paginator import Paginator
from .._thread.thread import CodexThread, fork, opened
from .._tools import (
    ToolLike,
    build_tools,
)
from .._wire import methods
from ..listings import ModelInfo, ThreadInfo
from .engine import ClientEngine


class Threads:
    """Which server has the threads is `CodexClient`'s."""

    _engine: ClientEngine

    async def start_thread(
        self, *, tools: Iterable[ToolLike] | None = None, **options: Unpack[ThreadOptions]
    ) -> CodexThread:
        """Start a thread. It is on disk, to be listed and resumed, once it had a turn.

        Args:
            tools: What Codex may call on this thread, in place of the client's tools: none of them, if empty.
            options: See `ThreadOptions`.

        Raises:
            CodexProtocolError: The server refused an option.
            TypeError, ValueError: There is no such option, or value; or there are tools, and the client was opened without
                `experimental_api` and without tools. Nothing was sent.

        Cancellation: It may have been started, and is empty.

        Example:
            ``thread = await client.start_thread(cwd="/project", sandbox="read-only")``
        """
        made = None if tools is None else build_tools(tools)
        answer = await self._engine.start_thread(thread_params(options), made)
        return opened(self._engine, methods.THREAD_START, answer)

    async def resume_thread(self, thread_id: str, **options: Unpack[ResumeOptions]) -> CodexThread:
        """Go on with a thread, of this client or of any other, in this process or before.

        Args:
            thread_id: Its id, such as `result.thread_id`.
            options: See `ResumeOptions`. The server ignores them while a turn runs on the thread.

        Raises:
            CodexThreadNotFoundError: There is no such thread, or it never had a turn.
            CodexProtocolError: It is archived, or another process has it; or the server refused an option.
            TypeError, ValueError: There is no such option, or value; nothing was sent.

        Cancellation: It may have been resumed, which changes nothing.

        Example:
            ``thread = await client.resume_thread(thread_id)``
        """
        params = {"threadId": thread_id, "excludeTurns": True, **thread_params(options, is_new=False)}
        return opened(self._engine, methods.THREAD_RESUME, await self._engine.request(methods.THREAD_RESUME, params))

    async def fork_thread(
        self,
        thread_id: str,
        *,
        last_turn_id: str | None = None,
        before_turn_id: str | None = None,
        **options: Unpack[ThreadOptions],
    ) -> CodexThread:
        """Return a new thread with the history of another. See `CodexThread.fork`.

        Cancellation: It may have been forked.

        Example:
            ``thread = await client.fork_thread(thread_id)``
        """
        return await fork(self._engine, thread_id, last_turn_id, before_turn_id, options)

    def threads(
        self,
        *,
        archived: bool | None = None,
        search: str | None = None,
        cwd: str | None = None,
        page_size: int = 50,
        extra: Mapping[str, Any] | None = None,
    ) -> Paginator[ThreadInfo]:
        """Return the threads on disk, newest first, read page by page.

        Args:
            archived: Those that are archived, and only those.
            search: Only those with this in their name or in their first message, in these upper and lower cases.
            cwd: Only those of this working directory.
            page_size: How many to ask for at once.
            extra: Any other field of `thread/list`, spelt as on the wire.

        Raises:
            ValueError: `extra` has what is given otherwise.

        Example:
            ``async for thread in client.threads(): print(thread.id, thread.name or thread.preview)``
        """
        wanted = {"archived": archived, "searchTerm": search, "cwd": cwd}
        params = {name: value for name, value in wanted.items() if value is not None}
        fetch = partial(self._engine.request, methods.THREAD_LIST)
        params = with_extra(params, extra, given=("limit",))
        return Paginator(fetch, params, ThreadInfo.from_wire, page_size=page_size)

    def models(self, *, include_hidden: bool = False, page_size: int = 50) -> Paginator[ModelInfo]:
        """Return the models that the server offers, read page by page.

        Args:
            include_hidden: Those, too, that it does not show to everybody.
            page_size: How many to ask for at once.

        Example:
            ``async for model in client.models(): print(model.id, model.efforts)``
        """
        params = {"includeHidden": True} if include_hidden else {}
        return Paginator(
            partial(self._engine.request, methods.MODEL_LIST), params, ModelInfo.from_wire, page_size=page_size
        )
