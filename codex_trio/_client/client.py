"""`CodexClient`: what a user holds. Says what is wanted; how it is done is next door."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import Any, Unpack

import trio

from .._handlers import AskOptions, Handlers
from .._protocol import methods
from .._transports.stdio import StdioTransport
from .._transports.stream import DEFAULT_MAX_MESSAGE_SIZE
from .._turn import StepStream, Turn
from .._version import __version__
from ..abc import Transport
from ..errors import CodexError, CodexTimeoutError, CodexTransportError
from ..models import CancelResult, ChatContinuation, ChatResult, InitializeResult, Statistics
from .arguments import patience_of, turn_params
from .asking import Asking
from .notifications import NotificationStream
from .service import Parts, Service


class CodexClient(Asking):
    """A conversation with one Codex app-server. Made by `open_codex_client`, which documents its options.

    It is its own context manager::

        async with open_codex_client() as client:
            result = await client.chat_once("Hello")

    An exception of the body leaves the ``async with`` as itself. Everything that the client started has ended by then.
    """

    def __init__(
        self,
        transport: Transport | None = None,
        *,
        request_timeout: float | None = 30.0,
        inactivity_timeout: float | None = 180.0,
        client_info: Mapping[str, str] | None = None,
        experimental_api: bool = False,
        **asking: Unpack[AskOptions],
    ) -> None:
        self._transport = StdioTransport() if transport is None else transport
        self._request_timeout = patience_of(request_timeout, "request_timeout")
        self._inactivity_timeout = patience_of(inactivity_timeout, "inactivity_timeout")
        self._client_info = {"name": "codex_trio", "version": __version__, **(client_info or {})}
        handlers = Handlers(**asking)
        self._experimental_api = experimental_api or bool(handlers.toolbox.default)
        self._service = Service(self._transport, handlers, self.initialize, request_timeout=self._request_timeout)
        self._server: InitializeResult | None = None

    @classmethod
    def connect_stdio(
        cls,
        *,
        command: str | Sequence[str] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        env: Mapping[str, str | None] | None = None,
        connect_timeout: float = 30.0,
        max_message_size: int = DEFAULT_MAX_MESSAGE_SIZE,
        shutdown_grace: float = 3.0,
        **options: Any,
    ) -> CodexClient:
        """Return a client of a server of its own, not yet open: ``async with CodexClient.connect_stdio() as client:``.

        Args:
            command: See `StdioTransport` for this and the other named arguments.
            options: As `open_codex_client` takes them.
        """
        transport = StdioTransport(
            command,
            cwd=cwd,
            env=env,
            connect_timeout=connect_timeout,
            max_message_size=max_message_size,
            shutdown_grace=shutdown_grace,
        )
        return cls(transport, **options)

    # --- opening and closing

    async def __aenter__(self) -> CodexClient:
        await self._service.enter()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._service.leave(exc)

    async def start(self, nursery: trio.Nursery) -> None:
        """Open the client in a nursery of your own; then `close` it. Idempotent.

        Cancelling `nursery` closes the client.

        Raises:
            CodexTransportError: The server cannot be reached.

        Cancellation: Nothing is left behind.
        """
        await self._service.open(nursery, follows_nursery=True)

    async def aclose(self) -> None:
        """Interrupt the turns that are open, end the server if it is ours, and release everything. Idempotent.

        A turn whose continuation was handed out is not interrupted. Bounded by two seconds for the turns and the
        transport's grace times.

        Cancellation: The closing goes on in the client's nursery.
        """
        await self._service.close()

    async def close(self) -> None:
        """Do as `aclose` does."""
        await self.aclose()

    # --- the server

    @property
    def server(self) -> InitializeResult:
        """What the server said of itself on opening."""
        if self._server is None:
            raise CodexTransportError("this client is not open, so its server is not known yet")
        return self._server

    async def initialize(
        self, params: Mapping[str, Any] | None = None, *, timeout: float | None = None
    ) -> InitializeResult:
        """Shake hands with the server. Done on opening, so this returns the answer that the server gave then.

        Args:
            params: Sent in place of our own; the server accepts that only once.
            timeout: Seconds; `None` for the client's `request_timeout`.

        Cancellation: The server may have been initialized.
        """
        parts = self._service.live_parts()
        if self._server is not None and params is None:
            await trio.lowlevel.checkpoint()
            return self._server
        if params is None:
            capabilities = {"experimentalApi": self._experimental_api}
            params = {"clientInfo": self._client_info, "capabilities": capabilities}
        result = await parts.connection.request(methods.INITIALIZE, params, timeout=self._patience(timeout))
        parts.connection.notify(methods.INITIALIZED)
        self._server = InitializeResult.from_wire(result)
        return self._server

    async def request(
        self, method: str, params: Mapping[str, Any] | None = None, *, timeout: float | None = None
    ) -> Any:
        """Make any JSON-RPC request of the app-server, and return its result.

        At most 64 requests are in flight; the others wait for their place. A refusal for overload (-32001) is
        repeated, with growing pauses, until the time is over.

        Args:
            method: Such as ``thread/list``.
            params: Its parameters, as the wire has them; what JSON does not have is a `TypeError` before it is sent.
            timeout: Seconds for all of it; `None` for the client's `request_timeout`, `math.inf` for no limit.

        Raises:
            CodexProtocolError: The server said no: `CodexThreadNotFoundError` where it has no such thread.
            CodexTimeoutError: It did not answer in time.
            CodexTransportError: The connection is lost.

        Cancellation: The server may have acted, unless the request was still waiting for its place.

        Example:
            ``threads = await client.request("thread/list", {"limit": 10})``
        """
        lifecycle = self._service.live_parts().lifecycle
        return await lifecycle.request(method, params, timeout=self._patience(timeout))

    async def notify(self, method: str, params: Mapping[str, Any] | None = None) -> None:
        """Send a JSON-RPC notification. Nothing tells whether the server took it.

        Cancellation: It was sent, unless this raised at once.
        """
        parts = self._service.live_parts()
        await trio.lowlevel.checkpoint()
        parts.connection.notify(method, params)

    def notifications(self) -> NotificationStream:
        """Return a stream of the events that belong to no turn of this client, other clients' turns included.

        The first stream begins with what came since the client was opened; a stream keeps the last 1,000 events.
        """
        return self._service.live_parts().router.hub.open()

    def statistics(self) -> Statistics:
        """Return what is going on at this moment."""
        parts = self._service.parts
        if parts is None:
            return Statistics(0, 0, 0, 0, 0, 0, 0, 0)
        turns = parts.router.turns
        return Statistics(
            requests_in_flight=parts.connection.requests_in_flight,
            requests_waiting=parts.connection.requests_waiting,
            open_turns=len(turns),
            unread_events=sum(turn.unread for turn in turns),
            late_events=parts.router.late_events,
            dropped_notifications=parts.router.hub.dropped,
            ignored_messages=parts.connection.ignored_messages,
            server_requests=parts.answering.answers,
        )

    # --- turns

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
