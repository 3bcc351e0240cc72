"""`CodexThread`: turns and other operations on one thread."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Literal, TypeAlias, Unpack, overload

from . import _chat
from ._options import ThreadOptions, TurnOptions, thread_params
from ._paginator import Paginator, is_history_unavailable
from ._public_call import public_call
from ._session.session import Session
from ._session.turn import TurnRequest, is_shell, is_start
from ._streams import EventStream, StepStream
from ._wire import methods
from .errors import CodexProtocolError, CodexThreadBusyError
from .inputs import Prompt, to_wire
from .models import ChatContinuation, ChatResult, ConversationStep, OutputT, ThreadInfo, TurnInfo

ItemsView: TypeAlias = Literal["notLoaded", "summary", "full"]
"""Which items a turn from the history contains: none, the user's message and the answer, or all."""

ReviewTarget: TypeAlias = Literal["uncommitted"] | Mapping[str, Any]
"""Changes to review: the working tree's, or the wire's object: ``{"type": "baseBranch", "branch": "main"}``,
``{"type": "commit", "sha": "..."}`` or ``{"type": "custom", "instructions": "..."}``."""


class CodexThread:
    """A thread of the server. Returned by `client.start_thread`, `resume_thread` and `fork_thread`.

    One turn of this client runs on a thread at a time. While a turn is running, `chat`, `chat_once`, `stream`,
    `review`, `compact` and `shell` raise `CodexThreadBusyError`, and so do `archive`, `delete`, `revert` and
    `unsubscribe`.

    Attributes:
        id: The thread's id.
        info: The thread's description, from the server's response when this object was created.

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

    @public_call
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
        """Send one message, wait for the turn to end, and return its result. See `CodexClient.chat_once`.

        Cancellation: The turn is interrupted in the background; see `CodexClient.chat_once`.

        Example:
            ``print((await thread.chat_once("Hello", effort="low")).final_text)``
        """
        message = self._message(
            text, continuation, user=user, metadata=metadata, output_type=output_type, output_schema=output_schema,
            options=options,
        )  # fmt: skip
        start_turn, output = _chat.prepare(self._session, message)
        return await _chat.run_to_completion(
            self._session, start_turn, self._session.inactivity_seconds(inactivity_timeout), output
        )

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
        start_turn, _ = _chat.prepare(self._session, message)
        return _chat.steps(self._session, start_turn, self._session.inactivity_seconds(inactivity_timeout))

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
        """Send one message, and return a stream of all events of its turn. See `CodexClient.stream`.

        Example:
            ``async for event in thread.stream("Hello"): print(event)``
        """
        message = self._message(
            text, continuation, user=user, metadata=metadata, output_type=output_type, output_schema=output_schema,
            options=options,
        )  # fmt: skip
        start_turn, output = _chat.prepare(self._session, message, wants_deltas=True)
        return _chat.events(self._session, start_turn, self._session.inactivity_seconds(inactivity_timeout), output)

    def _message(self, text: Prompt | None, continuation: ChatContinuation | None, **rest: Any) -> _chat.Message:
        if continuation is not None and continuation.thread_id != self.id:
            raise ValueError(f"that continuation is of thread {continuation.thread_id}, not of {self.id}")
        thread_id = self.id if continuation is None else None
        return _chat.Message(text=text, thread_id=thread_id, continuation=continuation, **rest)

    @public_call
    async def review(
        self, target: ReviewTarget = "uncommitted", *, inactivity_timeout: float | None = None
    ) -> ChatResult:
        """Let Codex review changes, wait for the review to end, and return its result. `final_text` is the review.

        Without changes, the model still runs, and its review states that it found none.

        Args:
            target: See `ReviewTarget`.
            inactivity_timeout: See `CodexClient.chat_once`.

        Raises:
            CodexProtocolError: The server rejected the request, for example because of empty instructions.
            CodexThreadBusyError: A turn of this client is still running.
            ValueError: `target` is not a valid target.

        Cancellation: The review is interrupted like a turn; see `CodexClient.chat_once`.

        Example:
            ``print((await thread.review({"type": "baseBranch", "branch": "main"})).final_text)``
        """
        return await self._once(_review(target), inactivity_timeout)

    def stream_review(
        self, target: ReviewTarget = "uncommitted", *, inactivity_timeout: float | None = None
    ) -> EventStream:
        """Start a review as `review` does, and return a stream of its events.

        Example:
            ``async for event in thread.stream_review(): print(event)``
        """
        return self._events(_review(target), inactivity_timeout)

    @public_call
    async def compact(self, *, inactivity_timeout: float | None = None) -> ChatResult:
        """Let the server summarize the thread's history, and wait for the end. The result has no `final_text`.

        The server interrupts another client's turn on the thread.

        Raises:
            CodexThreadBusyError: A turn of this client is still running.
            CodexTimeoutError: The server accepted the request, but the compaction did not start in time.

        Cancellation: The compaction is interrupted like a turn; see `CodexClient.chat_once`.

        Example:
            ``await thread.compact()``
        """
        return await self._once(_COMPACT, inactivity_timeout)

    def stream_compact(self, *, inactivity_timeout: float | None = None) -> EventStream:
        """Start a compaction as `compact` does, and return a stream of its events.

        Example:
            ``async for event in thread.stream_compact(): print(event)``
        """
        return self._events(_COMPACT, inactivity_timeout)

    @public_call
    async def shell(self, command: str, *, inactivity_timeout: float | None = None) -> ChatResult:
        """Run a shell command as the user, and wait for its end. The command is **not sandboxed**.

        The command and its output become part of the thread. The step's data contains ``aggregatedOutput`` and
        ``exitCode``. The result has no `final_text`.

        Args:
            command: A command line for the user's shell.
            inactivity_timeout: See `CodexClient.chat_once`.

        Raises:
            CodexProtocolError: The server rejected the request, for example because of an empty command.
            CodexThreadBusyError: A turn of this client is still running.
            CodexTimeoutError: The server accepted the request, but the command did not start in time.
            TypeError: `command` is not a `str`.

        Cancellation: The command is interrupted like a turn; see `CodexClient.chat_once`.

        Example:
            ``print((await thread.shell("git status")).steps[0].data["aggregatedOutput"])``
        """
        return await self._once(_shell(command), inactivity_timeout)

    def stream_shell(self, command: str, *, inactivity_timeout: float | None = None) -> EventStream:
        """Run a command as `shell` does, and return a stream of its events.

        Example:
            ``async for event in thread.stream_shell("make"): print(event)``
        """
        return self._events(_shell(command), inactivity_timeout)

    async def _once(self, request: TurnRequest, inactivity_timeout: float | None) -> ChatResult:
        start_turn = partial(self._session.start_turn, self.id, request)
        return await _chat.run_to_completion(
            self._session, start_turn, self._session.inactivity_seconds(inactivity_timeout)
        )

    def _events(self, request: TurnRequest, inactivity_timeout: float | None) -> EventStream:
        request = TurnRequest(
            request.method, request.params, matches_first_event=request.matches_first_event, wants_deltas=True
        )
        start_turn = partial(self._session.start_turn, self.id, request)
        return _chat.events(self._session, start_turn, self._session.inactivity_seconds(inactivity_timeout))

    @public_call
    async def steer(self, text: Prompt, *, turn_id: str | None = None) -> str:
        """Add input to the turn that runs on this thread, and return the turn's id.

        Codex 0.163 and later stop the message that the model is writing; older versions finish it first.

        Args:
            text: The input; see `CodexClient.chat_once`.
            turn_id: The turn. The default is this client's running turn. If the turn is being started, wait until it
                has started.

        Raises:
            CodexProtocolError: No turn is running, or a different turn is running.

        Cancellation: The input may have been added.

        Example:
            ``await thread.steer("And be brief.")``
        """
        if turn_id is None:
            turn = await self._session.turn_manager.wait_running_turn(self.id)
            # Without a turn, send an id that matches none, so that the server's error names the turn that runs.
            turn_id = "none" if turn is None else turn.interrupt_id
        params = {"threadId": self.id, "input": to_wire(text), "expectedTurnId": turn_id}
        result = await self._session.request(methods.TURN_STEER, params)
        steered_id = result.get("turnId") if isinstance(result, dict) else None
        return steered_id if isinstance(steered_id, str) else turn_id

    @public_call
    async def interrupt(self) -> bool:
        """Interrupt the turn that runs on this thread, and return whether a turn was running.

        For a turn of this client, this waits until the turn has ended, and the turn's consumer gets
        `CodexTurnInterruptedError`. A turn that is being started is interrupted as soon as the server sends its id. For
        a turn of another client, this reads the turn's id from the history and sends `turn/interrupt`.

        Raises:
            CodexProtocolError: The server rejected the interrupt.
            CodexTimeoutError: The server did not respond in time.
            CodexTransportError: The connection was lost.

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

    @public_call
    async def read(self) -> ThreadInfo:
        """Return the thread's current description.

        Raises:
            CodexThreadNotFoundError: The thread no longer exists.

        Cancellation: Nothing was changed.

        Example:
            ``print((await thread.read()).name)``
        """
        answer = await self._session.request(methods.THREAD_READ, {"threadId": self.id})
        return ThreadInfo.from_wire(answer.get("thread") if isinstance(answer, dict) else None)

    def turns(
        self, *, newest_first: bool = False, items_view: ItemsView = "summary", page_size: int = 50
    ) -> Paginator[TurnInfo]:
        """Return the thread's turns, read page by page. Empty if the thread had no turn.

        Args:
            newest_first: Return the newest turn first.
            items_view: See `ItemsView`.
            page_size: Number of turns per request.

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
        """Return the items of the thread or of one turn, including the user's messages, read page by page.

        Args:
            turn_id: The turn. The default is all turns. Empty if the turn does not exist.
            newest_first: Return the newest item first.
            page_size: Number of items per request.

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
            # The server sends the same error for a thread without turns and, for items, for an ephemeral thread.
            if not is_history_unavailable(exc) or (await self.read()).is_ephemeral:
                raise
            return {"data": []}

    @public_call
    async def rename(self, name: str) -> None:
        """Give the thread a name.

        Raises:
            CodexProtocolError: The name is empty.

        Cancellation: The thread may have been renamed.

        Example:
            ``await thread.rename("The broken build")``
        """
        await self._session.request(methods.THREAD_NAME_SET, {"threadId": self.id, "name": name})

    @public_call
    async def archive(self) -> None:
        """Archive the thread. It is not listed, and cannot have new turns until `unarchive`.

        Raises:
            CodexThreadBusyError: A turn of this client is still running.
            CodexThreadNotFoundError: The thread never had a turn, so it is not on disk; or it is already archived.

        Cancellation: The thread may have been archived.

        Example:
            ``await thread.archive()``
        """
        await self._alone(methods.THREAD_ARCHIVE)
        self._session.registry.subscribed.discard(self.id)

    @public_call
    async def unarchive(self) -> None:
        """Undo `archive`.

        Raises:
            CodexThreadNotFoundError: The thread is not archived.

        Cancellation: The thread may have been unarchived.

        Example:
            ``await thread.unarchive()``
        """
        await self._session.request(methods.THREAD_UNARCHIVE, {"threadId": self.id})

    @public_call
    async def delete(self) -> None:
        """Delete the thread and its history. This cannot be undone.

        Raises:
            CodexThreadBusyError: A turn of this client is still running.
            CodexProtocolError: A fork of the thread exists and needs its history.
            CodexThreadNotFoundError: The thread no longer exists.

        Cancellation: The thread may have been deleted.

        Example:
            ``await thread.delete()``
        """
        await self._alone(methods.THREAD_DELETE)
        self._session.registry.subscribed.discard(self.id)

    @public_call
    async def revert(self, before_turn_id: str) -> None:
        """Remove a turn and all later turns from the history. Their changes to files are not undone.

        Args:
            before_turn_id: The first turn to remove. The thread's first turn empties the thread.

        Raises:
            CodexProtocolError: The thread does not have this turn, or no longer has it.
            CodexThreadBusyError: A turn of this client is still running.

        Cancellation: The thread may have been reverted.

        Example:
            ``await thread.revert(result.turn_id)``
        """
        await self._alone(methods.THREAD_REVERT, beforeTurnId=before_turn_id)
        # The server unloads the thread while reverting it, and reports that before or after its response.
        self._session.registry.subscribed.discard(self.id)

    @public_call
    async def fork(
        self, *, last_turn_id: str | None = None, before_turn_id: str | None = None, **options: Unpack[ThreadOptions]
    ) -> CodexThread:
        """Return a new thread with this thread's history, and with its tools if `start_thread` set any.

        Args:
            last_turn_id: The last turn to copy. The default is the thread's last turn.
            before_turn_id: The first turn not to copy.
            options: See `ThreadOptions`.

        Raises:
            CodexThreadNotFoundError: This thread never had a turn, so there is nothing to fork.

        Cancellation: The thread may have been forked.

        Example:
            ``other = await thread.fork(last_turn_id=result.turn_id)``
        """
        return await fork(self._session, self.id, last_turn_id, before_turn_id, options)

    @public_call
    async def unsubscribe(self) -> None:
        """Unsubscribe from the events of this thread. The next turn on it subscribes again.

        Raises:
            CodexThreadBusyError: A turn of this client is still running and needs the events.

        Cancellation: The client may have been unsubscribed.

        Example:
            ``await thread.unsubscribe()``
        """
        await self._alone(methods.THREAD_UNSUBSCRIBE)
        self._session.registry.subscribed.discard(self.id)

    @public_call
    async def stop_terminals(self) -> None:
        """End the commands that still run after their turns have ended.

        Raises:
            ValueError: The client was not opened with `experimental_api=True`, which the server requires for this.

        Cancellation: The commands may have been ended.

        Example:
            ``await thread.stop_terminals()``
        """
        if not self._session.is_experimental:
            raise ValueError("the server takes stop_terminals only from a client opened with experimental_api=True")
        await self._session.request(methods.THREAD_TERMINALS_CLEAN, {"threadId": self.id})

    async def _alone(self, method: str, **params: str) -> None:
        # Wait for an interrupted turn to stop first: only a turn that really runs makes the thread busy.
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
    """Return the thread in the result of `thread/start`, `thread/resume` or `thread/fork`.

    Raises:
        CodexProtocolError: The result has no thread id.
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
