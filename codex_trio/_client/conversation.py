"""`Conversation`: turns as a user of the client asks for them, and waits for them, and stops them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack, overload

import trio

from .. import _chat as talk
from .._options import ChatOptions, check_timeout
from .._session.attaching import take_up
from .._session.session import Service
from .._session.turn import Turn
from .._streams import (
    EventStream,
    StepStream,
)
from ..errors import CodexTimeoutError
from ..inputs import Prompt
from ..models import CancelResult, ChatContinuation, ChatResult, OutputT
from .engine import ClientEngine


class Conversation:
    """The part of the client that talks. Which server it talks to, and since when, is `CodexClient`'s."""

    _service: Service
    _engine: ClientEngine
    _request_timeout: float

    @overload
    async def chat_once(
        self,
        text: Prompt | None = None,
        thread_id: str | None = None,
        *,
        user: str | None = None,
        metadata: Mapping[str, str] | None = None,
        inactivity_timeout: float | None = None,
        continuation: ChatContinuation | None = None,
        output_type: type[OutputT],
        output_schema: Mapping[str, Any] | None = None,
        **options: Unpack[ChatOptions],
    ) -> ChatResult[OutputT]: ...

    @overload
    async def chat_once(
        self,
        text: Prompt | None = None,
        thread_id: str | None = None,
        *,
        user: str | None = None,
        metadata: Mapping[str, str] | None = None,
        inactivity_timeout: float | None = None,
        continuation: ChatContinuation | None = None,
        output_type: None = None,
        output_schema: Mapping[str, Any] | None = None,
        **options: Unpack[ChatOptions],
    ) -> ChatResult: ...

    async def chat_once(
        self,
        text: Prompt | None = None,
        thread_id: str | None = None,
        *,
        user: str | None = None,
        metadata: Mapping[str, str] | None = None,
        inactivity_timeout: float | None = None,
        continuation: ChatContinuation | None = None,
        output_type: Any = None,
        output_schema: Mapping[str, Any] | None = None,
        **options: Unpack[ChatOptions],
    ) -> ChatResult[Any]:
        """Send one message, wait for the turn to end, and return all of it.

        Args:
            text: The message: text, or parts of `str`, `Image`, `Skill` and `Mention`.
            thread_id: The thread to go on with; `None` for a new one.
            user: Sent along to the model as the entry ``user`` of the turn's metadata; needs `experimental_api`.
            metadata: Sent along to the model as the turn's metadata: text by name; needs `experimental_api`.
            inactivity_timeout: Seconds without any event of the turn or of its sub-agents after which to stop waiting;
                `None` for the client's, `math.inf` for ever. Time in which the client owes the server an answer does
                not count, and neither does a ``sleep`` of the model.
            continuation: In place of all else but the timeout and `output_type`: go on waiting for a turn that went
                quiet, or whose connection was lost: of this client, or of another client of the server, in another
                process, too. If it has ended by now, it is read from the server's history. In another client, the
                threads of its sub-agents are resumed with it, so what they wait for is asked again (codex 0.163 on).
            output_type: The type of the answer: a dataclass, a TypedDict, a `msgspec.Struct`, an attrs class, a pydantic
                model, or a list, an enum, a union or another type made of such types. Its JSON Schema is made strict
                and sent as ``outputSchema``, and `result.output` is a value of the type. For a type that is not an
                object in JSON, the schema is an object with the property ``value``. A Markdown code fence around the
                answer is removed.
            output_schema: In place of `output_type`, or with it: the JSON Schema to send. By itself, `result.output`
                is the parsed JSON, not validated. The schema must be within OpenAI's subset for Structured Outputs; for a
                model provider that accepts more, send it as ``extra={"outputSchema": ...}``.
            options: Of the turn, and of the thread if it is new: see `TurnOptions` and `ThreadOptions`.

        Raises:
            CodexOutputError: The answer is not what `output_type` or `output_schema` wants; the error has the turn.
            CodexTurnInactiveError: The turn went quiet. It runs on, and the error has its continuation.
            CodexTurnFailedError, CodexTurnInterruptedError: The turn ended so; the error has what there was.
            CodexThreadBusyError: A turn of this client is still running on that thread.
            CodexThreadNotFoundError: There is no such thread.
            CodexTimeoutError: The server did not answer `turn/start` in time. A turn that it starts later is stopped.
            CodexTransportError: The server was lost.
            FileNotFoundError: There is no image at a path.
            ValueError: Neither text nor continuation, or both; user or metadata without `experimental_api`; an option
                with a value that it does not have, or of a new thread where the thread exists; or an `output_schema` that
                the model's API refuses.
            TypeError: There is no such option; or `output_type` has no strict schema.

        Cancellation: The turn is interrupted, in the background: the caller is released at once, and the next turn on
        that thread waits until the old one is off it.

        Example:
            ``print((await client.chat_once("Hello", model="gpt-5.1", sandbox="read-only")).final_text)``
        """
        message = talk.Message(
            text=text, thread_id=thread_id, user=user, metadata=metadata, continuation=continuation,
            output_type=output_type, output_schema=output_schema, options=options,
        )  # fmt: skip
        begin, output = talk.beginning(self._engine, message)
        return await talk.once(self._engine, begin, self._engine.patience(inactivity_timeout), output)

    def chat(
        self,
        text: Prompt | None = None,
        thread_id: str | None = None,
        *,
        user: str | None = None,
        metadata: Mapping[str, str] | None = None,
        inactivity_timeout: float | None = None,
        continuation: ChatContinuation | None = None,
        **options: Unpack[ChatOptions],
    ) -> StepStream:
        """Send one message, and return a stream of the finished steps of its turn. See `chat_once` for arguments.

        The turn begins when the first step is asked for. See `StepStream` for how it ends.

        Example:
            ``async for step in client.chat("Fix the tests"): print(step.step_type, step.text)``
        """
        message = talk.Message(
            text=text, thread_id=thread_id, user=user, metadata=metadata, continuation=continuation, options=options
        )
        begin, _ = talk.beginning(self._engine, message)
        return talk.steps(self._engine, begin, self._engine.patience(inactivity_timeout))

    def stream(
        self,
        text: Prompt | None = None,
        thread_id: str | None = None,
        *,
        user: str | None = None,
        metadata: Mapping[str, str] | None = None,
        inactivity_timeout: float | None = None,
        continuation: ChatContinuation | None = None,
        output_type: Any = None,
        output_schema: Mapping[str, Any] | None = None,
        **options: Unpack[ChatOptions],
    ) -> EventStream:
        """Send one message, and return a stream of everything that happens in its turn. See `chat_once` for arguments.

        The turn begins when the first event is asked for. See `EventStream` for how it ends, and `codex_trio.Event` for
        what there is.

        Example:
            ```python
            async for event in client.stream("Fix the tests"):
                match event:
                    case TextDelta(text):
                        print(text, end="")
                    case TurnCompleted(result):
                        print(result.usage)
            ```
        """
        message = talk.Message(
            text=text, thread_id=thread_id, user=user, metadata=metadata, continuation=continuation,
            output_type=output_type, output_schema=output_schema, options=options,
        )  # fmt: skip
        begin, output = talk.beginning(self._engine, message, wants_deltas=True)
        return talk.events(self._engine, begin, self._engine.patience(inactivity_timeout), output)

    async def cancel(self, continuation: ChatContinuation, *, timeout: float | None = None) -> CancelResult:
        """Interrupt a turn, wait for its end, and return what had not been delivered of it.

        A command that the turn started may run on: codex 0.120 and later do not kill it.

        Args:
            continuation: From the error that ended the waiting, be it another client's.
            timeout: Seconds until the turn must have ended; `None` for the client's `request_timeout`.

        Raises:
            CodexTimeoutError: It has not ended in time, or could not even be taken up. Nothing of it is lost; cancel it
                again.
            CodexTransportError: The server was lost.
            CodexThreadBusyError: The turn has a consumer, or another turn of this client runs on its thread.
            CodexThreadNotFoundError: There is no such thread.
            CodexProtocolError: The server does not have the turn, or will not interrupt it.

        Cancellation: The interrupt may have been sent; nothing of the turn is lost.

        Example:
            ``cancelled = await client.cancel(exc.continuation); print(cancelled.status)``
        """
        parts = self._service.live_parts()
        talk.check_continuation(continuation)
        deadline = trio.current_time() + self._patience(timeout)
        turn: Turn | None = None
        with trio.move_on_at(deadline):
            turn = await take_up(parts.lifecycle, parts.router, continuation)
            if not turn.ended.is_set():  # its end may have been lost, or the news that its thread is idle
                parts.lifecycle.reconcile(turn)
        if turn is None:
            raise CodexTimeoutError(
                f"turn {continuation.turn_id} could not be taken up in time: the server did not tell of it, and it may run "
                "on; cancel it again"
            )
        try:
            with trio.move_on_at(deadline):
                await parts.lifecycle.stop(turn)
            turn.raise_if_lost(continuation.mode)
            if not turn.ended.is_set():
                raise CodexTimeoutError(
                    f"turn {turn.turn_id} has not ended in time: its interrupt did not get through, or had no effect; "
                    "cancel it again, or close the client"
                )
            parts.router.forget(turn)
            return turn.drain()
        finally:
            turn.stop_consuming()
            turn.is_handed_out = not turn.ended.is_set()

    async def interrupt_turn(self, turn_id: str, *, thread_id: str | None = None, timeout: float | None = None) -> None:
        """Send `turn/interrupt`, once, and return when the server has accepted it. See `cancel` for more.

        Args:
            turn_id: The turn.
            thread_id: Its thread; may be left out for an open turn of this client.
            timeout: Seconds; `None` for the client's `request_timeout`.

        Raises:
            CodexProtocolError: The turn does not run: not yet, or no more.
            ValueError: The thread is needed.

        Cancellation: The interrupt may have been sent.

        Example:
            ``await client.interrupt_turn(step.turn_id)``
        """
        parts = self._service.live_parts()
        if thread_id is None:
            turn = parts.router.find(turn_id)
            if turn is None:
                raise ValueError(f"turn {turn_id} is not an open turn of this client, so its thread_id is needed")
            thread_id = turn.thread_id
        await parts.lifecycle.interrupt(thread_id, turn_id, timeout=self._patience(timeout))

    def _patience(self, timeout: float | None) -> float:
        return self._request_timeout if timeout is None else check_timeout(timeout, "timeout")
