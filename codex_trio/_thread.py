"""`CodexThread`: turns on one thread, and the thread's other operations."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Literal, TypeAlias, Unpack, overload

from . import _chat as talk
from ._options import (
    ThreadOptions,
    TurnOptions,
    thread_params,
)
from ._paginator import (
    Paginator,
    is_history_unavailable,
)
from ._session.session import Session
from ._session.turn import (
    TurnRequest,
    is_shell,
    is_start,
)
from ._streams import (
    EventStream,
    StepStream,
)
from ._wire import methods
from .errors import CodexProtocolError, CodexThreadBusyError
from .inputs import Prompt, to_wire
from .models import ChatContinuation, ChatResult, ConversationStep, OutputT, ThreadInfo, TurnInfo

ItemsView: TypeAlias = Literal["notLoaded", "summary", "full"]
"""How much of its items a turn of the history has: none, the user's message and the answer, or all."""

ReviewTarget: TypeAlias = Literal["uncommitted"] | Mapping[str, Any]
"""What to review: the working tree's changes, or the wire's object, such as ``{"type": "baseBranch", "branch": "main"}``,
``{"type": "commit", "sha": "..."}`` and ``{"type": "custom", "instructions": "..."}``."""


class CodexThread:
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

    def __init__(self, session: Session, info: ThreadInfo) -> None:
        self._session = session
        self.id = info.id
        self.info = info

    def __repr__(self) -> str:
        return f"<CodexThread {self.id}>"

    # --- turns

    @overload
    async def chat_once(
        self,
        text: Prompt | None = None,
        *,
        user: str | None = None,
        metadata: Mapping[str, str] | None = None,
        inactivity_timeout: float | None = None,
        continuation: ChatContinuation | None = None,
        output_type: type[OutputT],
        output_schema: None = None,
        **options: Unpack[TurnOptions],
    ) -> ChatResult[OutputT]: ...

    @overload
    async def chat_once(
        self,
        text: Prompt | None = None,
        *,
        user: str | None = None,
        metadata: Mapping[str, str] | None = None,
        inactivity_timeout: float | None = None,
        continuation: ChatContinuation | None = None,
        output_type: None = None,
        output_schema: Mapping[str, Any] | None = None,
        **options: Unpack[TurnOptions],
    ) -> ChatResult: ...

    async def chat_once(
        self,
        text: Prompt | None = None,
        *,
        user: str | None = None,
        metadata: Mapping[str, str] | None = None,
        inactivity_timeout: float | None = None,
        continuation: ChatContinuation | None = None,
        output_type: Any = None,
        output_schema: Mapping[str, Any] | None = None,
        **options: Unpack[TurnOptions],
    ) -> ChatResult[Any]:
        """Send one message, wait for the turn to end, and return all of it. See `CodexClient.chat_once`.

        Cancellation: As of `CodexClient.chat_once`.

        Example:
            ``print((await thread.chat_once("Hello", effort="low")).final_text)``
        """
        message = self._message(
            text, continuation, user=user, metadata=metadata, output_type=output_type, output_schema=output_schema,
            options=options,
        )  # fmt: skip
        begin, output = talk.beginning(self._session, message)
        return await talk.once(self._session, begin, self._session.inactivity_seconds(inactivity_timeout), output)

    def chat(
        self,
        text: Prompt | None = None,
        *,
        user: str | None = None,
        metadata: Mapping[str, str] | None = None,
        inactivity_timeout: float | None = None,
        continuation: ChatContinuation | None = None,
        **options: Unpack[TurnOptions],
    ) -> StepStream:
        """Send one message, and return a stream of the finished steps of its turn. See `CodexClient.chat`.

        Example:
            ``async for step in thread.chat("Fix the tests"): print(step.step_type, step.text)``
        """
        message = self._message(text, continuation, user=user, metadata=metadata, options=options)
        begin, _ = talk.beginning(self._session, message)
        return talk.steps(self._session, begin, self._session.inactivity_seconds(inactivity_timeout))

    def stream(
        self,
        text: Prompt | None = None,
        *,
        user: str | None = None,
        metadata: Mapping[str, str] | None = None,
        inactivity_timeout: float | None = None,
        continuation: ChatContinuation | None = None,
        output_type: Any = None,
        output_schema: Mapping[str, Any] | None = None,
        **options: Unpack[TurnOptions],
    ) -> EventStream:
        """Send one message, and return a stream of everything that happens in its turn. See `CodexClient.stream`.

        Example:
            ``async for event in thread.stream("Hello"): print(event)``
        """
        message = self._message(
            text, continuation, user=user, metadata=metadata, output_type=output_type, output_schema=output_schema,
            options=options,
        )  # fmt: skip
        begin, output = talk.beginning(self._session, message, wants_deltas=True)
        return talk.events(self._session, begin, self._session.inactivity_seconds(inactivity_timeout), output)

    def _message(self, text: Prompt | None, continuation: ChatContinuation | None, **rest: Any) -> talk.Message:
        if continuation is not None and continuation.thread_id != self.id:
            raise ValueError(f"that continuation is of thread {continuation.thread_id}, not of {self.id}")
        thread_id = self.id if continuation is None else None
        return talk.Message(text=text, thread_id=thread_id, continuation=continuation, **rest)

    async def review(
        self, target: ReviewTarget = "uncommitted", *, inactivity_timeout: float | None = None
    ) -> ChatResult:
        """Let Codex review changes, wait for its end, and return it: the review is `final_text`.

        With nothing to review, the reviewer is asked all the same, and says so.

        Args:
            target: See `ReviewTarget`.
            inactivity_timeout: As of `chat_once`.

        Raises:
            CodexProtocolError: The server refused, as it does empty instructions.
            CodexThreadBusyError: A turn of this client is still running.

        Cancellation: The review is interrupted, as a turn is.

        Example:
            ``print((await thread.review({"type": "baseBranch", "branch": "main"})).final_text)``
        """
        return await self._once(_review(target), inactivity_timeout)

    def stream_review(
        self, target: ReviewTarget = "uncommitted", *, inactivity_timeout: float | None = None
    ) -> EventStream:
        """Do as `review`, and return a stream of everything that happens in it.

        Example:
            ``async for event in thread.stream_review(): print(event)``
        """
        return self._events(_review(target), inactivity_timeout)

    async def compact(self, *, inactivity_timeout: float | None = None) -> ChatResult:
        """Let the server put the thread's history in fewer words; wait for that. There is no `final_text`.

        Raises:
            CodexThreadBusyError: A turn of this client is still running. (One of another client is interrupted.)
            CodexTimeoutError: The server accepted it, and nothing began in time.

        Cancellation: The compaction is interrupted, as a turn is.

        Example:
            ``await thread.compact()``
        """
        return await self._once(_COMPACT, inactivity_timeout)

    def stream_compact(self, *, inactivity_timeout: float | None = None) -> EventStream:
        """Do as `compact`, and return a stream of everything that happens in it.

        Example:
            ``async for event in thread.stream_compact(): print(event)``
        """
        return self._events(_COMPACT, inactivity_timeout)

    async def shell(self, command: str, *, inactivity_timeout: float | None = None) -> ChatResult:
        """Run a shell command as the user, so that Codex knows of it; wait for its end. It is **not sandboxed**.

        Its step has ``aggregatedOutput`` and ``exitCode`` in its data. There is no `final_text`.

        Args:
            command: A command line for the user's shell.
            inactivity_timeout: As of `chat_once`.

        Raises:
            CodexProtocolError: The server refused, as it does an empty command.
            CodexThreadBusyError: A turn of this client is still running.
            CodexTimeoutError: The server accepted it, and nothing began in time.

        Cancellation: The command is interrupted, as a turn is.

        Example:
            ``print((await thread.shell("git status")).steps[0].data["aggregatedOutput"])``
        """
        return await self._once(_shell(command), inactivity_timeout)

    def stream_shell(self, command: str, *, inactivity_timeout: float | None = None) -> EventStream:
        """Do as `shell`, and return a stream of everything that happens in it.

        Example:
            ``async for event in thread.stream_shell("make"): print(event)``
        """
        return self._events(_shell(command), inactivity_timeout)

    async def _once(self, request: TurnRequest, inactivity_timeout: float | None) -> ChatResult:
        begin = partial(self._session.start_turn, self.id, request)
        return await talk.once(self._session, begin, self._session.inactivity_seconds(inactivity_timeout))

    def _events(self, request: TurnRequest, inactivity_timeout: float | None) -> EventStream:
        wants = TurnRequest(
            request.method, request.params, matches_first_event=request.matches_first_event, wants_deltas=True
        )
        begin = partial(self._session.start_turn, self.id, wants)
        return talk.events(self._session, begin, self._session.inactivity_seconds(inactivity_timeout))

    async def steer(self, text: Prompt, *, turn_id: str | None = None) -> str:
        """Add input to the turn that runs on this thread, and return that turn's id.

        Codex 0.163 and later stop the message that is being written; older ones finish it first.

        Args:
            text: As of `chat_once`.
            turn_id: The turn that is meant; this client's unless given. One that is being started is waited for.

        Raises:
            CodexProtocolError: No turn runs, or another one.

        Cancellation: The input may have been added.

        Example:
            ``await thread.steer("And be brief.")``
        """
        if turn_id is None:
            turn = await self._session.turn_manager.wait_running_turn(self.id)
            turn_id = "none" if turn is None else turn.interrupt_id  # so that the server says what it has
        params = {"threadId": self.id, "input": to_wire(text), "expectedTurnId": turn_id}
        answer = await self._session.request(methods.TURN_STEER, params)
        found = answer.get("turnId") if isinstance(answer, dict) else None
        return found if isinstance(found, str) else turn_id

    async def interrupt(self) -> bool:
        """Stop the turn that runs on this thread, and return whether there was one.

        A turn of this client is waited for until it has ended; whoever reads it gets `CodexTurnInterruptedError`. One
        that is being started is stopped as soon as the server tells which it is. A turn of another client is looked up
        and interrupted.

        Raises:
            CodexProtocolError: The server refused.
            CodexTimeoutError: The server did not answer in time.
            CodexTransportError: The server was lost.

        Cancellation: The interrupt may have been sent.

        Example:
            ``await thread.interrupt()``
        """
        turn = await self._session.turn_manager.wait_running_turn(self.id)
        if turn is not None:
            await self._session.turn_manager.interrupt_and_wait(turn)
            turn.raise_if_closed("chat")
            return True
        params = {"threadId": self.id, "limit": 1, "itemsView": "notLoaded"}
        try:
            page = await self._session.request(methods.THREAD_TURNS_LIST, params)
        except CodexProtocolError as exc:
            if is_history_unavailable(exc):
                return False
            raise
        turns = page.get("data") if isinstance(page, dict) else None
        newest = TurnInfo.from_wire(turns[0] if isinstance(turns, list) and turns else None)
        if newest.status != "inProgress":
            return False
        await self._session.turn_manager.interrupt(self.id, newest.id, timeout=self._session.request_timeout)
        return True

    # --- the thread itself

    async def read(self) -> ThreadInfo:
        """Return the thread as the server describes it now.

        Raises:
            CodexThreadNotFoundError: There is no such thread any more.

        Cancellation: Nothing has changed.

        Example:
            ``print((await thread.read()).name)``
        """
        answer = await self._session.request(methods.THREAD_READ, {"threadId": self.id})
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
            return await self._session.request(method, params)
        except CodexProtocolError as exc:
            if not is_history_unavailable(exc) or (await self.read()).is_ephemeral:
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
        await self._session.request(methods.THREAD_NAME_SET, {"threadId": self.id, "name": name})

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
        self._session.registry.subscribed.discard(self.id)

    async def unarchive(self) -> None:
        """Undo `archive`.

        Raises:
            CodexThreadNotFoundError: It is not archived.

        Cancellation: It may have been unarchived.

        Example:
            ``await thread.unarchive()``
        """
        await self._session.request(methods.THREAD_UNARCHIVE, {"threadId": self.id})

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
        self._session.registry.subscribed.discard(self.id)

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
        self._session.registry.subscribed.discard(
            self.id
        )  # the server unloads it on the way, and tells so before or after its answer

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
        return await fork(self._session, self.id, last_turn_id, before_turn_id, options)

    async def unsubscribe(self) -> None:
        """Get no more events of this thread; the next turn on it subscribes again.

        Raises:
            CodexThreadBusyError: A turn of this client is still running, and its events are needed.

        Cancellation: It may have been unsubscribed.

        Example:
            ``await thread.unsubscribe()``
        """
        await self._alone(methods.THREAD_UNSUBSCRIBE)
        self._session.registry.subscribed.discard(self.id)

    async def stop_terminals(self) -> None:
        """End the commands that outlived the turns which started them.

        Raises:
            ValueError: The client was not opened with `experimental_api=True`, which the server demands for this.

        Cancellation: They may have been ended.

        Example:
            ``await thread.stop_terminals()``
        """
        if not self._session.is_experimental:
            raise ValueError("the server takes stop_terminals only from a client opened with experimental_api=True")
        await self._session.request(methods.THREAD_TERMINALS_CLEAN, {"threadId": self.id})

    async def _alone(self, method: str, **params: str) -> None:
        await self._session.turn_manager.wait_free(self.id)
        turn = self._session.registry.open_turn(self.id)
        if turn is not None or self._session.registry.starting(self.id) is not None:
            turn_id = None if turn is None else turn.turn_id
            raise CodexThreadBusyError(
                f"{method}: turn {turn_id or '(being started)'} of this client is still running on thread {self.id}; let "
                "it end, or interrupt it, first",
                thread_id=self.id,
                turn_id=turn_id,
            )
        await self._session.request(method, {"threadId": self.id, **params})


async def fork(
    session: Session,
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
    return opened(session, methods.THREAD_FORK, await session.request(methods.THREAD_FORK, params))


def opened(session: Session, method: str, answer: object) -> CodexThread:
    """Return the thread that an answer is about.

    Raises:
        CodexProtocolError: It is about none.
    """
    info = ThreadInfo.from_wire(answer.get("thread") if isinstance(answer, dict) else None)
    if not info.id:
        raise CodexProtocolError(f"{method} was answered without a thread id", method=method)
    return CodexThread(session, info)


def _direction(newest_first: bool) -> str:
    return "desc" if newest_first else "asc"


_COMPACT = TurnRequest(methods.THREAD_COMPACT_START, matches_first_event=is_start)


def _review(target: ReviewTarget) -> TurnRequest:
    if target == "uncommitted":
        target = {"type": "uncommittedChanges"}
    if not isinstance(target, Mapping):
        raise ValueError(f"a review's target is 'uncommitted' or an object with a type, not {target!r}")
    return TurnRequest(methods.REVIEW_START, {"target": dict(target)})


def _shell(command: str) -> TurnRequest:
    if not isinstance(command, str):
        raise TypeError(f"command must be a str, a line for the shell, not {command!r}")
    return TurnRequest(methods.THREAD_SHELL_COMMAND, {"command": command}, matches_first_event=is_shell)
