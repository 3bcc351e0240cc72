"""`ThreadTurns`: what runs on a thread: messages, reviews, compactions, commands; and what is said to them meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Literal, TypeAlias, Unpack, overload

from .. import _chat as talk
from .._options import TurnOptions
from .._paginator import is_without_turns
from .._session.engine import Engine
from .._session.turn_request import (
    TurnRequest,
    is_shell,
    is_start,
)
from .._streams import (
    EventStream,
    StepStream,
)
from .._wire import methods
from ..errors import CodexProtocolError
from ..inputs import Prompt, to_wire
from ..models import ChatContinuation, ChatResult, OutputT, TurnInfo

ReviewTarget: TypeAlias = Literal["uncommitted"] | Mapping[str, Any]
"""What to review: the working tree's changes, or the wire's object, such as ``{"type": "baseBranch", "branch": "main"}``,
``{"type": "commit", "sha": "..."}`` and ``{"type": "custom", "instructions": "..."}``."""


class ThreadTurns:
    """The part of `CodexThread` that has turns.

    Attributes:
        id: The thread's id.
    """

    def __init__(self, engine: Engine, thread_id: str) -> None:
        self._engine = engine
        self.id = thread_id

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
        begin, output = talk.beginning(self._engine, message)
        return await talk.once(self._engine, begin, self._engine.patience(inactivity_timeout), output)

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
        begin, _ = talk.beginning(self._engine, message)
        return talk.steps(self._engine, begin, self._engine.patience(inactivity_timeout))

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
        begin, output = talk.beginning(self._engine, message, wants_deltas=True)
        return talk.events(self._engine, begin, self._engine.patience(inactivity_timeout), output)

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
        begin = partial(self._engine.begin, self.id, request)
        return await talk.once(self._engine, begin, self._engine.patience(inactivity_timeout))

    def _events(self, request: TurnRequest, inactivity_timeout: float | None) -> EventStream:
        wants = TurnRequest(request.method, request.params, is_ours=request.is_ours, wants_deltas=True)
        begin = partial(self._engine.begin, self.id, wants)
        return talk.events(self._engine, begin, self._engine.patience(inactivity_timeout))

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
            turn = await self._engine.running_turn(self.id)
            turn_id = "none" if turn is None else turn.running_id  # so that the server says what it has
        params = {"threadId": self.id, "input": to_wire(text), "expectedTurnId": turn_id}
        answer = await self._engine.request(methods.TURN_STEER, params)
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
        turn = await self._engine.running_turn(self.id)
        if turn is not None:
            await self._engine.stop(turn)
            turn.raise_if_lost("chat")
            return True
        params = {"threadId": self.id, "limit": 1, "itemsView": "notLoaded"}
        try:
            page = await self._engine.request(methods.THREAD_TURNS_LIST, params)
        except CodexProtocolError as exc:
            if is_without_turns(exc):
                return False
            raise
        turns = page.get("data") if isinstance(page, dict) else None
        newest = TurnInfo.from_wire(turns[0] if isinstance(turns, list) and turns else None)
        if newest.status != "inProgress":
            return False
        await self._engine.interrupt(self.id, newest.id)
        return True


_COMPACT = TurnRequest(methods.THREAD_COMPACT_START, is_ours=is_start)


def _review(target: ReviewTarget) -> TurnRequest:
    if target == "uncommitted":
        target = {"type": "uncommittedChanges"}
    if not isinstance(target, Mapping):
        raise ValueError(f"a review's target is 'uncommitted' or an object with a type, not {target!r}")
    return TurnRequest(methods.REVIEW_START, {"target": dict(target)})


def _shell(command: str) -> TurnRequest:
    if not isinstance(command, str):
        raise TypeError(f"command must be a str, a line for the shell, not {command!r}")
    return TurnRequest(methods.THREAD_SHELL_COMMAND, {"command": command}, is_ours=is_shell)
