"""The public client."""

from __future__ import annotations

import math
import os
import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, Unpack, overload

import trio

from . import _chat
from ._exec import RESERVED_FIELDS, ExecProcess
from ._login import ChatGPTLogin
from ._options import (
    DEFAULT_CONNECT_TIMEOUT,
    DEFAULT_MAX_MESSAGE_SIZE,
    DEFAULT_PING_INTERVAL,
    DEFAULT_SHUTDOWN_GRACE,
    ChatOptions,
    ResumeOptions,
    SandboxMode,
    ThreadOptions,
    check_timeout,
    merge_extra,
    path_of,
    sandbox_policy,
    thread_params,
)
from ._paginator import Paginator
from ._public_call import public_call
from ._session.approval_queue import ApprovalStream
from ._session.handlers import (
    ApprovalHandler,
    ElicitationHandler,
    HandlerOptions,
    Handlers,
    QuestionHandler,
    RequestHandler,
)
from ._session.notifications import NotificationStream
from ._session.session import Session
from ._session.turn import Turn
from ._streams import EventStream, StepStream
from ._thread import CodexThread, fork, opened
from ._tools import Tool, ToolLike, build_tools
from ._transports.stdio import StdioTransport
from ._transports.unix import UnixSocketTransport
from ._transports.websocket import TokenSource, WebSocketTransport
from ._version import __version__
from ._wire import methods
from .abc import Transport
from .errors import CodexTimeoutError, CodexTransportError
from .inputs import Prompt
from .models import (
    AccountInfo,
    CancelResult,
    ChatContinuation,
    ChatResult,
    InitializeResult,
    ModelInfo,
    OutputT,
    Statistics,
    ThreadInfo,
)

if TYPE_CHECKING:  # thousands of lines that only editors and type checkers need
    from .protocol._requests import Request


class ClientOptions(HandlerOptions, total=False):
    """The options of a client, except for its transport. See `open_codex_client`."""

    request_timeout: float | None
    inactivity_timeout: float | None
    client_info: Mapping[str, str] | None
    experimental_api: bool
    reconnect: bool
    reconnect_timeout: float | None
    record: str | os.PathLike[str] | None


class CodexClient:
    """A client of one Codex app-server. `open_codex_client` returns it, and documents its options.

    The client is an async context manager::

        async with open_codex_client() as client:
            result = await client.chat_once("Hello")

    When the block exits, everything that the client started has ended. An exception raised in the body is not wrapped
    in an `ExceptionGroup`.
    """

    def __init__(
        self,
        transport: Transport | None = None,
        *,
        request_timeout: float | None = 30.0,
        inactivity_timeout: float | None = 180.0,
        client_info: Mapping[str, str] | None = None,
        experimental_api: bool = False,
        reconnect: bool = False,
        reconnect_timeout: float | None = 60.0,
        record: str | os.PathLike[str] | None = None,
        **asking: Unpack[HandlerOptions],
    ) -> None:
        if unknown := [name for name in asking if name not in HandlerOptions.__annotations__]:
            known = [*(CodexClient.__init__.__kwdefaults__ or {}), *HandlerOptions.__annotations__]
            raise TypeError(f"there is no option {', '.join(unknown)}; there are {', '.join(known)}")
        if not isinstance(transport, (Transport, type(None))):
            raise TypeError(f"transport must be a Transport, such as WebSocketTransport(url), not {transport!r}")
        if not isinstance(client_info, (Mapping, type(None))):
            raise TypeError(f"client_info must be name, title and version by these names, not {client_info!r}")
        self._transport: Transport = StdioTransport() if transport is None else transport
        self._request_timeout = check_timeout(request_timeout, "request_timeout")
        self._client_info = {"name": "codex_trio", "version": __version__, **(client_info or {})}
        handlers = Handlers(**asking)
        self._experimental_api = experimental_api or handlers.needs_experimental_api
        handlers.is_experimental = self._experimental_api
        if reconnect and isinstance(self._transport, StdioTransport):
            raise ValueError("reconnect=True needs a server that outlives its connection; one on stdio ends with it")
        reconnect_seconds = check_timeout(reconnect_timeout, "reconnect_timeout")
        if record is not None:
            from ._transports.recording import RecordingTransport

            self._transport = RecordingTransport(self._transport, record)
        handlers.redact = self._transport.redact
        self._session = Session(
            self._transport,
            handlers,
            client_info=self._client_info,
            request_timeout=self._request_timeout,
            inactivity_timeout=check_timeout(inactivity_timeout, "inactivity_timeout"),
            is_experimental=self._experimental_api,
            reconnect_timeout=reconnect_seconds if reconnect else None,
        )

    @classmethod
    def connect_stdio(
        cls,
        *,
        command: str | Sequence[str] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        env: Mapping[str, str | None] | None = None,
        connect_timeout: float = DEFAULT_CONNECT_TIMEOUT,
        max_message_size: int = DEFAULT_MAX_MESSAGE_SIZE,
        shutdown_grace: float = DEFAULT_SHUTDOWN_GRACE,
        **options: Unpack[ClientOptions],
    ) -> Self:
        """Return a client that starts its own server: ``async with CodexClient.connect_stdio() as client:``.

        Args:
            command: See `StdioTransport` for this argument and the other named arguments.
            options: See `open_codex_client`.
        """
        try:
            transport = StdioTransport(
                command,
                cwd=cwd,
                env=env,
                connect_timeout=connect_timeout,
                max_message_size=max_message_size,
                shutdown_grace=shutdown_grace,
            )
        finally:
            del command, env  # keep secrets out of tracebacks that show local variables
        return cls(transport, **options)

    @classmethod
    def connect_websocket(
        cls,
        *,
        url: str | None = None,
        token: TokenSource | None = None,
        headers: Mapping[str, str] | None = None,
        ssl_context: ssl.SSLContext | None = None,
        allow_insecure_token: bool = False,
        connect_timeout: float = DEFAULT_CONNECT_TIMEOUT,
        ping_interval: float = DEFAULT_PING_INTERVAL,
        max_message_size: int = DEFAULT_MAX_MESSAGE_SIZE,
        **options: Unpack[ClientOptions],
    ) -> Self:
        """Return a client of a server that listens on a websocket: ``async with CodexClient.connect_websocket(url=...)``.

        Args:
            url: See `WebSocketTransport` for this argument and the other named arguments.
            options: See `open_codex_client`.
        """
        try:
            transport = WebSocketTransport(
                url,
                token=token,
                headers=headers,
                ssl_context=ssl_context,
                allow_insecure_token=allow_insecure_token,
                connect_timeout=connect_timeout,
                ping_interval=ping_interval,
                max_message_size=max_message_size,
            )
        finally:
            del url, token, headers  # keep secrets out of tracebacks that show local variables
        return cls(transport, **options)

    @classmethod
    def connect_unix(
        cls,
        path: str | os.PathLike[str],
        *,
        connect_timeout: float = DEFAULT_CONNECT_TIMEOUT,
        ping_interval: float = DEFAULT_PING_INTERVAL,
        max_message_size: int = DEFAULT_MAX_MESSAGE_SIZE,
        **options: Unpack[ClientOptions],
    ) -> Self:
        """Return a client of a server that listens on a unix socket: ``async with CodexClient.connect_unix(path)``.

        Args:
            path: See `UnixSocketTransport` for this argument and the other named arguments.
            options: See `open_codex_client`.
        """
        transport = UnixSocketTransport(
            path, connect_timeout=connect_timeout, ping_interval=ping_interval, max_message_size=max_message_size
        )
        return cls(transport, **options)

    # --- opening and closing

    @public_call
    async def __aenter__(self) -> CodexClient:
        await self._session.enter()
        return self

    @public_call
    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._session.leave(exc)

    @public_call
    async def start(self, nursery: trio.Nursery) -> None:
        """Open the client in the caller's nursery. Call `close` when done. Idempotent.

        Cancelling `nursery` closes the client.

        Raises:
            CodexTransportError: The server cannot be reached.
            CodexProtocolError: The server rejected `initialize`.

        Cancellation: Everything that was opened is closed again.

        Example:
            ``client = CodexClient.connect_stdio(); await client.start(nursery)``
        """
        await self._session.open(nursery, follows_nursery=True)

    @public_call
    async def aclose(self) -> None:
        """Interrupt the open turns, end the server if this client started it, and close the connection. Idempotent.

        A turn that is being started is also interrupted, and callers waiting for it get `CodexTransportError`. A turn
        whose continuation was handed out is not interrupted. Takes at most two seconds for the turns, plus the
        transport's grace times.

        Cancellation: Closing continues in the client's nursery.

        Example:
            ``await client.aclose()``
        """
        await self._session.close()

    @public_call
    async def close(self) -> None:
        """Call `aclose`.

        Example:
            ``await client.close()``
        """
        await self.aclose()

    # --- the server

    @property
    def server(self) -> InitializeResult:
        """The server's response to `initialize`.

        Raises:
            CodexTransportError: The client has not been opened.
        """
        if self._session.server is None:
            raise CodexTransportError("this client is not open, so its server is not known yet")
        return self._session.server

    @public_call
    async def initialize(
        self, params: Mapping[str, Any] | None = None, *, timeout: float | None = None
    ) -> InitializeResult:
        """Return the server's response to `initialize`. The client sends that request when it is opened.

        Args:
            params: Send `initialize` with these params. The server rejects a second `initialize` on a connection.
            timeout: Seconds. `None` for the client's `request_timeout`.

        Cancellation: The server may have been initialized.

        Example:
            ``print((await client.initialize()).user_agent)``
        """
        self._session.require_open()
        if self._session.server is not None and params is None:
            await trio.lowlevel.checkpoint()
            return self._session.server
        return await self._session.initialize(self._session.connection, params, timeout=self._request_seconds(timeout))

    if TYPE_CHECKING:
        request: Request
    else:

        @public_call
        async def request(
            self, method: str, params: Mapping[str, Any] | None = None, *, timeout: float | None = None
        ) -> Any:
            """Send a JSON-RPC request of any method, and return its result.

            At most 64 requests are in flight; further requests wait for a slot. If the server rejects a request because
            it is overloaded (-32001), the request is sent again, with growing pauses, until the timeout.

            Args:
                method: Such as ``thread/list``.
                params: The parameters, as on the wire.
                timeout: Seconds, including all waits and retries. `None` for the client's `request_timeout`, `math.inf`
                    for no limit.

            Raises:
                CodexProtocolError: The server returned an error; `CodexThreadNotFoundError` if the thread does not
                    exist.
                CodexTimeoutError: The server did not respond in time.
                CodexTransportError: The connection was lost.
                TypeError: `params` cannot be encoded as JSON. Nothing was sent.

            Cancellation: The server may have acted, unless the request was still waiting for a slot.

            Example:
                ``threads = await client.request("thread/list", {"limit": 10})``
            """
            self._session.require_open()
            return await self._session.turn_manager.request(method, params, timeout=self._request_seconds(timeout))

    @public_call
    async def notify(self, method: str, params: Mapping[str, Any] | None = None) -> None:
        """Send a JSON-RPC notification. The server does not respond, even if it ignored the notification.

        Cancellation: If this raises `trio.Cancelled`, nothing was sent.

        Example:
            ``await client.notify("initialized")``
        """
        self._session.require_open()
        await trio.lowlevel.checkpoint()
        self._session.connection.notify(method, params)

    def notifications(self) -> NotificationStream:
        """Return a stream of the events that do not belong to a turn of this client, including other clients' turns.

        The first stream starts with the events since the client was opened. A stream keeps the last 1,000 events.

        Example:
            ``async for event in client.notifications(): print(event.method)``
        """
        self._session.require_open()
        return self._session.registry.hub.open()

    def statistics(self) -> Statistics:
        """Return the current numbers of requests, turns and events.

        Example:
            ``print(client.statistics().requests_in_flight)``
        """
        connection, registry = self._session.connection, self._session.registry
        turns = registry.turns
        return Statistics(
            requests_in_flight=connection.requests_in_flight,
            requests_waiting=connection.requests_waiting,
            open_turns=len(turns),
            unread_events=sum(turn.unread for turn in turns),
            late_events=registry.late_events,
            dropped_notifications=registry.hub.dropped,
            ignored_messages=connection.discarded_messages,
            server_requests=self._session.requests.answers,
            dropped_events=registry.dropped_events,
        )

    # --- turns

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

    @public_call
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
        """Send one message, wait for the turn to end, and return its result.

        Args:
            text: The message: text, or a sequence of `str`, `Image`, `Skill` and `Mention`.
            thread_id: The thread to continue. `None` for a new thread.
            user: Sent to the model as the entry ``user`` of the turn's metadata. Requires `experimental_api`.
            metadata: Sent to the model as the turn's metadata: texts by name. Requires `experimental_api`.
            inactivity_timeout: Seconds without any event of the turn or its sub-agents after which to stop waiting.
                `None` for the client's timeout, `math.inf` for no limit. The timeout is paused while a server request
                waits for the client's response, and while the model sleeps (its tool ``sleep``).
            continuation: Keep waiting for a turn that was inactive, or whose connection was lost. Of the other
                arguments, only `inactivity_timeout` and either `output_type` or `output_schema` are allowed with it.
                The turn may belong to this client, or to another client of the same server, also in another process. If
                the turn has ended, it is read from the server's history. A client that did not start the turn also
                resumes the threads of the turn's sub-agents, so the server repeats their open requests (codex 0.163 and
                later).
            output_type: The type of the answer: a dataclass, a TypedDict, a `msgspec.Struct`, an attrs class, a
                pydantic model, or a list, an enum, a union or another type made of such types. Its JSON Schema is made
                strict and sent as ``outputSchema``, and `result.output` is a value of the type. For a type that is not
                an object in JSON, the schema is an object with the property ``value``. A Markdown code fence around the
                answer is removed.
            output_schema: The JSON Schema to send, instead of or together with `output_type`. Without `output_type`,
                `result.output` is the parsed JSON, not validated. The schema must be within OpenAI's subset for
                Structured Outputs. For a model provider that accepts more, use ``extra={"outputSchema": ...}``.
            options: Options of the turn, and of the thread if it is new. See `TurnOptions` and `ThreadOptions`.

        Raises:
            CodexOutputError: The answer does not match `output_type` or `output_schema`. The error has the turn's
                result.
            CodexTurnInactiveError: The turn had no events for `inactivity_timeout` seconds. The turn still runs, and
                the error has its continuation.
            CodexTurnFailedError, CodexTurnInterruptedError: The turn failed or was interrupted. The error has the
                result so far.
            CodexThreadBusyError: A turn of this client is still running on the thread.
            CodexThreadNotFoundError: The thread does not exist.
            CodexTimeoutError: The server did not respond to `turn/start` in time. If it starts the turn later, the turn
                is interrupted.
            CodexTransportError: The connection was lost.
            FileNotFoundError: An image's file does not exist.
            ValueError: Both or neither of `text` and `continuation` are set; `user` or `metadata` is set without
                `experimental_api`; an option has an unknown value, or is for new threads and the thread exists; the
                model's API would reject `output_schema`; or `inactivity_timeout` is not positive.
            TypeError: An option is unknown; `output_type` has no strict schema; or an argument has a wrong type.

        Cancellation: The caller is released at once, and the turn is interrupted in the background. The next turn on
        the thread waits until the old turn has stopped.

        Example:
            ``print((await client.chat_once("Hello", model="gpt-5.1", sandbox="read-only")).final_text)``
        """
        message = _chat.Message(
            text=text, thread_id=thread_id, user=user, metadata=metadata, continuation=continuation,
            output_type=output_type, output_schema=output_schema, options=options,
        )  # fmt: skip
        start_turn, output = _chat.prepare(self._session, message)
        return await _chat.run_to_completion(
            self._session, start_turn, self._session.inactivity_seconds(inactivity_timeout), output
        )

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
        """Send one message, and return a stream of the finished steps of its turn. See `chat_once` for the arguments.

        The turn starts when the first step is requested. See `StepStream` for how the stream ends.

        Example:
            ``async for step in client.chat("Fix the tests"): print(step.step_type, step.text)``
        """
        message = _chat.Message(
            text=text, thread_id=thread_id, user=user, metadata=metadata, continuation=continuation, options=options
        )
        start_turn, _ = _chat.prepare(self._session, message)
        return _chat.steps(self._session, start_turn, self._session.inactivity_seconds(inactivity_timeout))

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
        """Send one message, and return a stream of all events of its turn. See `chat_once` for the arguments.

        The turn starts when the first event is requested. See `EventStream` for how the stream ends, and
        `codex_trio.Event` for the types of events.

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
        message = _chat.Message(
            text=text, thread_id=thread_id, user=user, metadata=metadata, continuation=continuation,
            output_type=output_type, output_schema=output_schema, options=options,
        )  # fmt: skip
        start_turn, output = _chat.prepare(self._session, message, wants_deltas=True)
        return _chat.events(self._session, start_turn, self._session.inactivity_seconds(inactivity_timeout), output)

    @public_call
    async def cancel(self, continuation: ChatContinuation, *, timeout: float | None = None) -> CancelResult:
        """Interrupt a turn, wait for its end, and return the steps that were not delivered.

        A command that the turn started may keep running: codex 0.120 and later do not kill it.

        Args:
            continuation: The continuation of `CodexTurnInactiveError` or `CodexTransportError`. Another client may have
                raised the error.
            timeout: Seconds until the turn must have ended. `None` for the client's `request_timeout`.

        Raises:
            CodexTimeoutError: The turn did not end in time, or could not be resumed in time. No step is lost; call
                `cancel` again.
            CodexTransportError: The connection was lost.
            CodexThreadBusyError: The turn has a consumer, or another turn of this client runs on its thread.
            CodexThreadNotFoundError: The thread does not exist.
            CodexProtocolError: The server does not have the turn, or rejected the interrupt.

        Cancellation: The interrupt may have been sent. No step is lost.

        Example:
            ``cancelled = await client.cancel(exc.continuation); print(cancelled.status)``
        """
        self._session.require_open()
        _chat.check_continuation(continuation)
        deadline = trio.current_time() + self._request_seconds(timeout)
        turn: Turn | None = None
        with trio.move_on_at(deadline):
            turn = await self._session.resume_turn(continuation)
        if turn is None:
            raise CodexTimeoutError(
                f"turn {continuation.turn_id} could not be taken up in time: the server did not tell of it, and it may run "
                "on; cancel it again"
            )
        try:
            with trio.move_on_at(deadline):
                await self._session.turn_manager.interrupt_and_wait(turn)
            turn.raise_if_closed(continuation.mode)
            if not turn.ended.is_set():
                raise CodexTimeoutError(
                    f"turn {turn.turn_id} has not ended in time: its interrupt did not get through, or had no effect; "
                    "cancel it again, or close the client"
                )
            self._session.registry.forget(turn)
            return turn.drain()
        finally:
            turn.release_consumer()
            # The caller may use the continuation again for a turn that has not ended.
            turn.has_continuation = not turn.ended.is_set()

    @public_call
    async def interrupt_turn(self, turn_id: str, *, thread_id: str | None = None, timeout: float | None = None) -> None:
        """Send `turn/interrupt` once, and return when the server has accepted it. See `cancel` to wait for the end.

        Args:
            turn_id: The turn.
            thread_id: The turn's thread. Optional for an open turn of this client.
            timeout: Seconds. `None` for the client's `request_timeout`.

        Raises:
            CodexProtocolError: The turn has not started, or has ended.
            ValueError: `thread_id` is missing, and the turn is not an open turn of this client.

        Cancellation: The interrupt may have been sent.

        Example:
            ``await client.interrupt_turn(step.turn_id)``
        """
        self._session.require_open()
        if thread_id is None:
            turn = self._session.registry.find(turn_id)
            if turn is None:
                raise ValueError(f"turn {turn_id} is not an open turn of this client, so its thread_id is needed")
            thread_id = turn.thread_id
        await self._session.turn_manager.interrupt(thread_id, turn_id, timeout=self._request_seconds(timeout))

    def _request_seconds(self, timeout: float | None) -> float:
        return self._request_timeout if timeout is None else check_timeout(timeout, "timeout")

    # --- threads and models

    @public_call
    async def start_thread(
        self, *, tools: Iterable[ToolLike] | None = None, **options: Unpack[ThreadOptions]
    ) -> CodexThread:
        """Start a thread. The server writes it to disk with its first turn; then it can be listed and resumed.

        Args:
            tools: The functions that Codex may call on this thread, instead of the client's tools. Empty for no tools.
            options: See `ThreadOptions`.

        Raises:
            CodexProtocolError: The server rejected an option.
            TypeError: An option is unknown or has a wrong type, or a tool cannot be described. Nothing was sent.
            ValueError: An option has an unknown value; or there are tools, and the client was opened without tools and
                without `experimental_api`. Nothing was sent.

        Cancellation: An empty thread may have been started.

        Example:
            ``thread = await client.start_thread(cwd="/project", sandbox="read-only")``
        """
        built = None if tools is None else build_tools(tools)
        if built and not self._session.is_experimental:
            raise ValueError(
                "the server takes tools only from a client opened with tools, or with experimental_api=True"
            )
        self._session.require_open()
        answer = await self._session.turn_manager.start_thread(thread_params(options), tools=built)
        return opened(self._session, methods.THREAD_START, answer)

    @public_call
    async def resume_thread(self, thread_id: str, **options: Unpack[ResumeOptions]) -> CodexThread:
        """Resume a thread of this client or any other client, also one from an earlier process.

        Args:
            thread_id: The thread's id, such as `result.thread_id`.
            options: See `ResumeOptions`. The server ignores them while a turn runs on the thread.

        Raises:
            CodexThreadNotFoundError: The thread does not exist, or never had a turn.
            CodexProtocolError: The thread is archived, or another process uses it; or the server rejected an option.
            TypeError: An option is unknown or has a wrong type. Nothing was sent.
            ValueError: An option has an unknown value. Nothing was sent.

        Cancellation: The thread may have been resumed, which does not change it.

        Example:
            ``thread = await client.resume_thread(thread_id)``
        """
        params = {"threadId": thread_id, "excludeTurns": True, **thread_params(options, is_new=False)}
        return opened(self._session, methods.THREAD_RESUME, await self._session.request(methods.THREAD_RESUME, params))

    @public_call
    async def fork_thread(
        self,
        thread_id: str,
        *,
        last_turn_id: str | None = None,
        before_turn_id: str | None = None,
        **options: Unpack[ThreadOptions],
    ) -> CodexThread:
        """Return a new thread with the history of another thread. See `CodexThread.fork`.

        Cancellation: The thread may have been forked.

        Example:
            ``thread = await client.fork_thread(thread_id)``
        """
        return await fork(self._session, thread_id, last_turn_id, before_turn_id, options)

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
            archived: `True` for archived threads only.
            search: Only threads with this text in their name or first message. Case-sensitive.
            cwd: Only threads with this working directory.
            page_size: Number of threads per request.
            extra: Other fields of `thread/list`, spelt as on the wire.

        Raises:
            TypeError: `extra` is not a mapping.
            ValueError: `extra` has a field that another argument sets, or `page_size` is not a positive int.

        Example:
            ``async for thread in client.threads(): print(thread.id, thread.name or thread.preview)``
        """
        filters = {"archived": archived, "searchTerm": search, "cwd": cwd}
        params = {name: value for name, value in filters.items() if value is not None}
        fetch = partial(self._session.request, methods.THREAD_LIST)
        params = merge_extra(params, extra, given=("limit",))
        return Paginator(fetch, params, ThreadInfo.from_wire, page_size=page_size)

    def models(self, *, include_hidden: bool = False, page_size: int = 50) -> Paginator[ModelInfo]:
        """Return the models that the server offers, read page by page.

        Args:
            include_hidden: Also return the models that the server hides by default.
            page_size: Number of models per request.

        Example:
            ``async for model in client.models(): print(model.id, model.efforts)``
        """
        params = {"includeHidden": True} if include_hidden else {}
        return Paginator(
            partial(self._session.request, methods.MODEL_LIST), params, ModelInfo.from_wire, page_size=page_size
        )

    # --- server requests

    def approvals(self) -> ApprovalStream:
        """Return a stream of the server's approval requests, instead of `on_approval`.

        A request that arrives while no such stream is open is declined. Respond to the request in every branch of the
        loop: the loop variable holds it until the next request arrives, and the turn waits until then.
        ``request.accept()`` raises `ValueError` if it would grant more than the request shows, as in `on_approval`.
        Open the client with ``experimental_api=True``: otherwise codex does not send the additional permissions of a
        command (``additionalPermissions``), and some commands can be accepted only with ``unseen=True``.

        Raises:
            RuntimeError: The client was opened with `on_approval` or `observe`.

        Example:
            ```python
            async for request in client.approvals():
                if not isinstance(request, CommandApprovalRequest) or request.kind != "command" or request.extra_permissions:
                    await request.respond(request.decline())
                else:
                    await request.respond(request.accept() if request.script == "ls" else request.decline())
            ```
        """
        self._session.require_open()
        if self._session.handlers.has_approval_handler:
            raise RuntimeError("this client was opened with on_approval, which answers every approval")
        if self._session.handlers.observe:
            raise RuntimeError("this client was opened with observe=True, and answers nothing")
        return self._session.handlers.approvals.open()

    # --- account and configuration

    @public_call
    async def account(self, *, refresh: bool = False) -> AccountInfo:
        """Return the account that the server is logged in to.

        Args:
            refresh: Refresh the access token first, if the account has one.

        Cancellation: The account is unchanged. With `refresh`, the token may have been refreshed.

        Example:
            ``print((await client.account()).type)``
        """
        params = {"refreshToken": True} if refresh else {}
        return AccountInfo.from_wire(await self._session.request(methods.ACCOUNT_READ, params))

    @public_call
    async def login_api_key(self, api_key: str) -> None:
        """Log in with an API key, which the server stores in its home directory.

        Raises:
            CodexProtocolError: The server rejected the login.

        Cancellation: The server may be logged in.

        Example:
            ``await client.login_api_key(os.environ["OPENAI_API_KEY"])``
        """
        await self._session.request(methods.ACCOUNT_LOGIN_START, {"type": "apiKey", "apiKey": api_key})

    @public_call
    async def login_chatgpt(self) -> ChatGPTLogin:
        """Start a login with ChatGPT. The server listens on a local port for the browser's redirect.

        Raises:
            CodexProtocolError: The server rejected the login, or found no free port.

        Cancellation: The login may have started. The server abandons it when the next login starts.

        Example:
            ``login = await client.login_chatgpt(); print(login.url); await login.wait()``
        """
        login = ChatGPTLogin(self._session, await self.account())
        await login.start()
        return login

    @public_call
    async def logout(self) -> None:
        """Log out.

        Cancellation: The server may be logged out.

        Example:
            ``await client.logout()``
        """
        await self._session.request(methods.ACCOUNT_LOGOUT, {})

    @public_call
    async def read_config(self, *, cwd: str | os.PathLike[str] | None = None) -> dict[str, Any]:
        """Return the effective configuration, with the keys of ``config.toml``.

        Args:
            cwd: Return the configuration for this directory, including its project's settings.

        Cancellation: Nothing was changed.

        Example:
            ``print((await client.read_config())["model"])``
        """
        params = {} if cwd is None else {"cwd": path_of(cwd, "cwd")}
        answer = await self._session.request(methods.CONFIG_READ, params)
        config = answer.get("config") if isinstance(answer, dict) else None
        return config if isinstance(config, dict) else {}

    @public_call
    async def write_config(
        self,
        key: str,
        value: Any,
        *,
        strategy: Literal["replace", "upsert"] = "replace",
        expected_version: str | None = None,
    ) -> str:
        """Write one setting into the user's ``config.toml``, and return the file's new version.

        Args:
            key: A dotted key, such as ``model_providers.mine.name``.
            value: A JSON value. `None` removes the setting.
            strategy: Whether a table replaces the existing table, or is merged into it.
            expected_version: Write only if the file has this version.

        Raises:
            CodexProtocolError: The file has another version, or the setting is invalid.

        Cancellation: The setting may have been written.

        Example:
            ``await client.write_config("model", "gpt-5.1")``
        """
        params = {"keyPath": key, "value": value, "mergeStrategy": strategy}
        if expected_version is not None:
            params["expectedVersion"] = expected_version
        answer = await self._session.request(methods.CONFIG_VALUE_WRITE, params)
        version = answer.get("version") if isinstance(answer, dict) else None
        return version if isinstance(version, str) else ""

    # --- commands without a thread

    def exec(
        self,
        command: Sequence[str],
        *,
        cwd: str | os.PathLike[str] | None = None,
        env: Mapping[str, str | None] | None = None,
        sandbox: SandboxMode | Mapping[str, Any] | None = None,
        timeout: float | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> ExecProcess:
        """Return a command to run in the server's sandbox, for ``async with``. No thread or model is involved.

        Args:
            command: The program and its arguments. No shell is involved.
            cwd: Working directory on the server's machine. The default is the server's working directory.
            env: Variables to add to the server's environment. `None` removes a variable.
            sandbox: A `SandboxMode` or the wire's object. The default is the server's configuration.
            timeout: Seconds after which the server ends the command. `None` or `math.inf` for no limit.
            extra: Other fields of `command/exec`, spelt as on the wire.

        Raises:
            TypeError: `timeout` is not a number, `cwd` is not a path, or `extra` is not a mapping.
            ValueError: `command` is empty or a `str`, `timeout` is not positive, `sandbox` is unknown, or `extra` has a
                field that another argument sets.

        Example:
            ```python
            async with client.exec(["sort"]) as process:
                await process.stdin.send_all(b"b\\na\\n")
                await process.stdin.aclose()
                print(await process.stdout.receive_some(), await process.wait())
            ```
        """
        if isinstance(command, str) or not command:
            raise ValueError(f"a command is a program and its arguments, such as ['ls', '-l'], not {command!r}")
        params: dict[str, Any] = {"command": list(command)}
        if (seconds := check_timeout(timeout, "timeout")) < math.inf:
            params["timeoutMs"] = max(1, round(seconds * 1000))
        else:
            params["disableTimeout"] = True
        if cwd is not None:
            params["cwd"] = path_of(cwd, "cwd")
        if env is not None:
            params["env"] = dict(env)
        if sandbox is not None:
            params["sandboxPolicy"] = sandbox_policy(sandbox)
        params = merge_extra(params, extra, given=RESERVED_FIELDS)
        return ExecProcess(self._session, {"disableOutputCap": True, **params})


def open_codex_client(
    transport: Transport | None = None,
    *,
    request_timeout: float | None = 30.0,
    inactivity_timeout: float | None = 180.0,
    client_info: Mapping[str, str] | None = None,
    experimental_api: bool = False,
    on_approval: ApprovalHandler | None = None,
    on_user_input: QuestionHandler | None = None,
    on_elicitation: ElicitationHandler | None = None,
    on_request: Mapping[str, RequestHandler] | None = None,
    tools: Iterable[Tool | Callable[..., Any]] = (),
    observe: bool = False,
    reconnect: bool = False,
    reconnect_timeout: float | None = 60.0,
    record: str | os.PathLike[str] | None = None,
) -> CodexClient:
    """Return a client for ``async with``. The client has its own nursery.

    Args:
        transport: How to reach the server. The default is `StdioTransport()`.
        request_timeout: Seconds to wait for the response to a request. `None` or `math.inf` for no limit.
        inactivity_timeout: Seconds without any event after which waiting for a turn raises `CodexTurnInactiveError`,
            which has a continuation. `None` or `math.inf` for no limit. Paused while the model sleeps (its tool
            ``sleep``).
        client_info: ``name``, ``title`` and ``version`` of your program, for the server's records.
        experimental_api: Request the server's experimental methods and fields. `on_approval` and `tools` switch this
            on.
        on_approval: Decides about commands, file changes and permissions: ``async (request) -> Decision``. Switches on
            `experimental_api`. See "Handlers" for this and the next three arguments.
        on_user_input: Answers the model's questions to the user: ``async (question) -> {question_id: text or texts}``.
        on_elicitation: Answers questions of MCP servers, and whether their tools may be called: ``async (question) ->
            question.accept(content)``.
        on_request: Handlers by method, for all other server requests: ``async (params) -> result``. A handler in
            `on_request` takes precedence over the other handlers.
        tools: Functions that Codex may call in every thread that this client starts; see `tool`. Switches on
            `experimental_api`.
        observe: Do not respond to any server request. For watching threads for which another client responds.
        reconnect: Open the transport again when the connection is lost; see "Reconnecting". Not for `StdioTransport`,
            whose server ends with its connection.
        reconnect_timeout: Seconds from a disconnect until all missed events have been read. After that, the client
            stops reconnecting. `None` or `math.inf` for no limit.
        record: A file to which all messages are written; see "Recording".

    Handlers:
        A handler that does not wait may be a plain function. Each server request is handled in its own task. The task
        is cancelled when the server withdraws the request, when the turn ends, when the connection is lost (the server
        repeats open requests on the next connection), or when the client closes. The inactivity timeout is paused while
        a turn waits for a response.

        If a handler raises, the request is declined and its turn is interrupted. The exception is then raised by the
        `chat`, `chat_once` or `stream` that consumes the turn. If the turn has no consumer, the exception closes the
        client.

        See `CommandApprovalRequest`, `FileChangeApprovalRequest`, `PermissionsApprovalRequest`, `approve_all` and
        `decline_all` for `on_approval`. Without `on_approval` and `client.approvals()`, approvals are declined.
        ``request.accept()`` raises `ValueError` if it would grant more than the request shows; as with any exception of
        a handler, the request is declined and the turn is interrupted. Without `experimental_api`, codex does not send
        everything that accepting would grant.

    Reconnecting:
        With `reconnect`, the client opens the transport again after a disconnect, with growing pauses between attempts.
        Open turns continue. Their consumers see a pause, and no step is lost or delivered twice. The only exception is
        a command that was declined just before the disconnect: its step may be missing, because codex does not store it
        (0.163, 0.169). The server repeats the requests that sub-agents wait for.

        A request in flight at the disconnect raises `CodexTransportError`. It is never sent again: the server may have
        acted on it, and a turn that it started may be running. Requests made while disconnected wait for the next
        connection. A thread of `start_thread` that had no turn ends with its connection: a turn on it raises
        `CodexThreadNotFoundError`, so start another thread (codex 0.163, 0.169).

        If the server no longer reports anything about a turn, or if each new connection is lost while the turn's
        history is being read, that turn ends with a `CodexTransportError` that has its continuation. The other turns
        continue. The client stops reconnecting at once if another attempt would fail the same way; see
        `CodexTransportError.is_permanent`.

    Recording:
        The file of `record` gets each message between client and server as it passes.
        `codex_trio.testing.ReplayTransport` replays the file, which is also readable text. An existing file is
        replaced, unless another client records to it. Only its owner can read it (mode 0600). It must be a regular file
        of this user (or ``/dev/null``), and not a symbolic link. If writing fails (for example, on a full disk), a
        warning is logged, recording stops, and the conversation continues.

        A recording contains prompts, answers, commands and their output, files and images unchanged. Secrets are
        replaced by ``***``:

        - values of keys named ``apiKey``, ``accessToken``, ``refreshToken``, ``idToken``, ``token``, ``authorization``,
          ``password``, ``secret`` and the like, and of keys that end with such a name
        - values of environment variables with ``KEY``, ``TOKEN``, ``SECRET``, ``PASS``, ``AUTH``, ``COOKIE`` or
          ``CREDENTIAL`` in their names
        - answers to questions that the server marks as secret, and logins in URLs
        - in all other text, whatever follows ``Bearer``, ``sk-``, ``eyJ``, ``password=``, ``token:``, ``--api-key`` and
          the like

        ``~`` replaces home directories (``/home/NAME``, ``/Users/NAME``, ``/root``, and this user's), ``host`` replaces
        the name of this machine unless the name consists of letters only, and zeros replace the installation id. A
        replay ignores all of these in comparisons. Nothing else is recognised: for example, a secret without such a
        name (a key in PEM), in pieces, or in base64. Look through a recording before you share it.

    Logging and errors:
        Messages to the logger ``codex_trio`` are redacted by the same rules, and so is the server's stderr, which goes
        to ``codex_trio.server``. At DEBUG, ``codex_trio`` logs up to 200 bytes of a line that is not a message, and no
        content of other messages. An error contains the server's message unchanged, except for the transport's secrets;
        see `WebSocketTransport` and `StdioTransport`. The frames of an error's traceback contain the params of the
        request.

    Raises:
        CodexTransportError: On entering: the server cannot be reached or does not respond, or the file of `record`
            cannot be written. Everything that was opened is closed again.
        CodexProtocolError: On entering: the server rejected `initialize`. Everything that was opened is closed again.
        TypeError: A timeout is not a number, another argument has a wrong type, or a tool cannot be described.
        ValueError: A timeout is not positive, is NaN or is too large for a float; `observe` is used with handlers or
            tools; `reconnect` is used with a `StdioTransport`; or two tools have the same name.

    Example:
        ``async with open_codex_client() as client: print((await client.chat_once("Hello")).final_text)``
    """
    return CodexClient(
        transport,
        request_timeout=request_timeout,
        inactivity_timeout=inactivity_timeout,
        client_info=client_info,
        experimental_api=experimental_api,
        on_approval=on_approval,
        on_user_input=on_user_input,
        on_elicitation=on_elicitation,
        on_request=on_request,
        tools=tools,
        observe=observe,
        reconnect=reconnect,
        reconnect_timeout=reconnect_timeout,
        record=record,
    )


@public_call
async def connect_codex_client(
    nursery: trio.Nursery, transport: Transport | None = None, **options: Unpack[ClientOptions]
) -> CodexClient:
    """Open a client in the caller's nursery, and return it. Call `aclose` when done: the nursery waits for the client.

    Cancelling `nursery` closes the client. See `open_codex_client` for the options.

    Raises:
        CodexTransportError: The server cannot be reached. Everything that was opened is closed again.
        CodexProtocolError: The server rejected `initialize`. Everything that was opened is closed again.
        TypeError, ValueError: See `open_codex_client`.

    Cancellation: Everything that was opened is closed again.

    Example:
        ``async with trio.open_nursery() as nursery: client = await connect_codex_client(nursery)``
    """
    client = CodexClient(transport, **options)
    await client.start(nursery)
    return client
