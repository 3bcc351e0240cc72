"""`Conversation`: turns as a user of the client asks for them, and waits for them, and stops them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import trio

from .._turn import StepStream, Turn
from ..errors import CodexError, CodexTimeoutError
from ..models import CancelResult, ChatContinuation, ChatResult
from .arguments import patience_of, turn_params
from .service import Parts, Service


class Conversation:
    """The part of the client that talks. Which server it talks to, and since when, is `CodexClient`'s."""

    _service: Service
    _request_timeout: float
    _inactivity_timeout: float
    _experimental_api: bool

    async def chat_once(
        self,
        text: str | None = None,
        thread_id: str | None = None,
        *,
        user: str | None = None,
        metadata: Mapping[str, str] | None = None,
        inactivity_timeout: float | None = None,
        continuation: ChatContinuation | None = None,
    ) -> ChatResult:
        """Send one message, wait for the turn to end, and return all of it.

        Args:
            text: The message.
            thread_id: The thread to go on with; `None` for a new one.
            user: Sent along to the model as the entry ``user`` of the turn's metadata; needs `experimental_api`.
            metadata: Sent along to the model as the turn's metadata: text by name; needs `experimental_api`.
            inactivity_timeout: Seconds without any event of the turn after which to stop waiting; `None` for the
                client's, `math.inf` for ever.
            continuation: In place of all of the above but the timeout: go on waiting for a turn that went quiet.

        Raises:
            CodexTurnInactiveError: The turn went quiet. It runs on, and the error has its continuation.
            CodexTurnFailedError, CodexTurnInterruptedError: The turn ended so; the error has what there was.
            CodexThreadBusyError: A turn of this client is still running on that thread.
            CodexThreadNotFoundError: There is no such thread.
            CodexTimeoutError: The server did not answer `turn/start` in time. A turn that it starts later is stopped.
            CodexTransportError: The server was lost.
            ValueError: Neither text nor continuation, or both; user or metadata without `experimental_api`.

        Cancellation: The turn is interrupted, in the background: the caller is released at once, and the next turn on
        that thread waits until the old one is off it.
        """
        begin = self._beginning(text, thread_id, user, metadata, continuation)
        patience = self._inactivity(inactivity_timeout)
        parts = self._service.live_parts()
        turn = await begin()
        try:
            while (steps := await turn.next_steps(patience, "chat_once")) is not None:
                turn.gather(steps)
            turn.gather(await turn.finish(parts.lifecycle.read_history))
            return turn.result()
        except CodexError:
            raise  # the turn has ended, is lost, or is handed out
        except BaseException:
            parts.lifecycle.abandon(turn)
            raise
        finally:
            turn.stop_consuming()
            if turn.ended.is_set():
                parts.router.forget(turn)

    def chat(
        self,
        text: str | None = None,
        thread_id: str | None = None,
        *,
        user: str | None = None,
        metadata: Mapping[str, str] | None = None,
        inactivity_timeout: float | None = None,
        continuation: ChatContinuation | None = None,
    ) -> StepStream:
        """Send one message, and return a stream of the finished steps of its turn. See `chat_once` for arguments.

        The turn begins when the first step is asked for. See `StepStream` for how it ends.

        Example:
            ``async for step in client.chat("Fix the tests"): print(step.step_type, step.text)``
        """
        begin = self._beginning(text, thread_id, user, metadata, continuation)
        patience = self._inactivity(inactivity_timeout)
        parts = self._service.live_parts()
        return StepStream(
            begin,
            patience=patience,
            abandon=parts.lifecycle.abandon,
            forget=parts.router.forget,
            read_history=parts.lifecycle.read_history,
        )

    def _beginning(
        self,
        text: str | None,
        thread_id: str | None,
        user: str | None,
        metadata: Mapping[str, str] | None,
        continuation: ChatContinuation | None,
    ) -> Callable[[], Awaitable[Turn]]:
        if continuation is not None:
            given = {"text": text, "thread_id": thread_id, "user": user, "metadata": metadata}
            if extra := [name for name, value in given.items() if value is not None]:
                raise ValueError(
                    f"a continuation goes on with a turn as it is: {', '.join(extra)} cannot be given, too"
                )
            return partial(self._resume, continuation)
        if text is None:
            raise ValueError("nothing to say: give text, or a continuation")
        if not isinstance(thread_id, (str, type(None))):
            raise TypeError(f"thread_id must be a str, such as result.thread_id, not {type(thread_id).__name__}")
        if not self._experimental_api and (user is not None or metadata is not None):
            raise ValueError("the server takes user and metadata only from a client opened with experimental_api=True")
        return partial(self._begin, thread_id, turn_params(text, user, metadata))

    async def _begin(self, thread_id: str | None, params: Mapping[str, Any]) -> Turn:
        return await self._service.live_parts().lifecycle.begin(thread_id, params)

    async def _resume(self, continuation: ChatContinuation) -> Turn:
        parts = self._service.live_parts()
        turn = self._turn_of(parts, continuation)
        await trio.lowlevel.checkpoint()
        turn.begin_consuming()
        if not turn.ended.is_set():  # its end may have been lost, or the news that its thread is idle
            parts.lifecycle.reconcile(turn)
        return turn

    def _turn_of(self, parts: Parts, continuation: ChatContinuation) -> Turn:
        turn = parts.router.find(continuation.turn_id)
        if turn is None or turn.thread_id != continuation.thread_id:
            raise CodexError(
                f"this client has no open turn {continuation.turn_id} on thread {continuation.thread_id}: the turn "
                "ended and was read to its end, or a later turn took its place, or another client started it"
            )
        return turn

    async def cancel(self, continuation: ChatContinuation, *, timeout: float | None = None) -> CancelResult:
        """Interrupt a turn, wait for its end, and return what had not been delivered of it.

        A command that the turn started may run on: codex 0.120 and later do not kill it.

        Args:
            continuation: From the error that ended the waiting.
            timeout: Seconds until the turn must have ended; `None` for the client's `request_timeout`.

        Raises:
            CodexTimeoutError: It has not ended in time. Nothing of it is lost; cancel it again.
            CodexTransportError: The server was lost.

        Cancellation: The interrupt may have been sent; nothing of the turn is lost.
        """
        parts = self._service.live_parts()
        turn = self._turn_of(parts, continuation)
        await trio.lowlevel.checkpoint()
        turn.begin_consuming()
        try:
            with trio.move_on_after(self._patience(timeout)):
                await parts.lifecycle.stop(turn)
            turn.raise_if_lost(continuation.mode)
            if not turn.ended.is_set():
                raise CodexTimeoutError(
                    f"turn {turn.turn_id} has not ended in time although it was interrupted; cancel it again, or close "
                    "the client"
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
        """
        parts = self._service.live_parts()
        if thread_id is None:
            turn = parts.router.find(turn_id)
            if turn is None:
                raise ValueError(f"turn {turn_id} is not an open turn of this client, so its thread_id is needed")
            thread_id = turn.thread_id
        await parts.lifecycle.interrupt(thread_id, turn_id, timeout=self._patience(timeout))

    def _patience(self, timeout: float | None) -> float:
        return self._request_timeout if timeout is None else patience_of(timeout, "timeout")

    def _inactivity(self, timeout: float | None) -> float:
        return self._inactivity_timeout if timeout is None else patience_of(timeout, "inactivity_timeout")
