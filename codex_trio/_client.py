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

from . import _chat as talk
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
from ._streams import (
    EventStream,
    StepStream,
)
from ._thread import CodexThread, fork, opened
from ._tools import (
    Tool,
    ToolLike,
    build_tools,
)
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

if TYPE_CHECKING:  # thousands of lines that only an editor wants
    from .protocol._requests import Request


class ClientOptions(HandlerOptions, total=False):
    """The options of a client besides its transport. `open_codex_client` explains them."""

    request_timeout: float | None
    inactivity_timeout: float | None
    client_info: Mapping[str, str] | None
    experimental_api: bool
    reconnect: bool
    reconnect_timeout: float | None
    record: str | os.PathLike[str] | None


class CodexClient:
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
        reconnect_patience = check_timeout(reconnect_timeout, "reconnect_timeout")
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
            reconnect_timeout=reconnect_patience if reconnect else None,
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
        """Return a client of a server of its own: ``async with CodexClient.connect_stdio() as client:``.

        Args:
            command: See `StdioTransport` for this and the other named arguments.
            options: As `open_codex_client` takes them.
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
            del command, env  # a traceback with the values of variables would show them
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
            url: See `WebSocketTransport` for this and the other named arguments.
            options: As `open_codex_client` takes them.
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
            del url, token, headers  # a traceback with the values of variables would show them
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
            path: See `UnixSocketTransport` for this and the other named arguments.
            options: As `open_codex_client` takes them.
        """
        transport = UnixSocketTransport(
            path, connect_timeout=connect_timeout, ping_interval=ping_interval, max_message_size=max_message_size
        )
        return cls(transport, **options)

    # --- opening and closing

    @trio.lowlevel.enable_ki_protection
    async def __aenter__(self) -> CodexClient:
        await self._session.enter()
        return self

    @trio.lowlevel.enable_ki_protection
    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._session.leave(exc)

    @trio.lowlevel.enable_ki_protection
    async def start(self, nursery: trio.Nursery) -> None:
        """Open the client in a nursery of your own; then `close` it. Idempotent.

        Cancelling `nursery` closes the client.

        Raises:
            CodexTransportError: The server cannot be reached.
            CodexProtocolError: The server refused `initialize`.

        Cancellation: Nothing is left behind.

        Example:
            ``client = CodexClient.connect_stdio(); await client.start(nursery)``
        """
        await self._session.open(nursery, follows_nursery=True)

    async def aclose(self) -> None:
        """Interrupt the turns that are open, end the server if it is ours, and release everything. Idempotent.

        A turn that is being started is interrupted, too, and whoever waits for it gets `CodexTransportError`. A turn whose
        continuation was handed out is not interrupted. Bounded by two seconds for the turns and the transport's grace
        times.

        Cancellation: The closing goes on in the client's nursery.

        Example:
            ``await client.aclose()``
        """
        await self._session.close()

    async def close(self) -> None:
        """Do as `aclose` does.

        Example:
            ``await client.close()``
        """
        await self.aclose()

    # --- the server

    @property
    def server(self) -> InitializeResult:
        """What the server said of itself on opening."""
        if self._session.server is None:
            raise CodexTransportError("this client is not open, so its server is not known yet")
        return self._session.server

    async def initialize(
        self, params: Mapping[str, Any] | None = None, *, timeout: float | None = None
    ) -> InitializeResult:
        """Shake hands with the server. Done on opening, so this returns the answer that the server gave then.

        Args:
            params: Sent in place of our own; the server accepts that only once.
            timeout: Seconds; `None` for the client's `request_timeout`.

        Cancellation: The server may have been initialized.

        Example:
            ``print((await client.initialize()).user_agent)``
        """
        self._session.require_open()
        if self._session.server is not None and params is None:
            await trio.lowlevel.checkpoint()
            return self._session.server
        return await self._session.initialize(self._session.connection, params, timeout=self._patience(timeout))

    if TYPE_CHECKING:
        request: Request
    else:

        async def request(
            self, method: str, params: Mapping[str, Any] | None = None, *, timeout: float | None = None
        ) -> Any:
            """Make any JSON-RPC request of the app-server, and return its result.

            At most 64 requests are in flight; the others wait for their place. A refusal for overload (-32001) is
            repeated, with growing pauses, until the time is over.

            Args:
                method: Such as ``thread/list``.
                params: Its parameters, as the wire has them; what cannot be written as JSON is a `TypeError` before it is
                    sent.
                timeout: Seconds for all of it; `None` for the client's `request_timeout`, `math.inf` for no limit.

            Raises:
                CodexProtocolError: The server said no: `CodexThreadNotFoundError` where it has no such thread.
                CodexTimeoutError: It did not answer in time.
                CodexTransportError: The connection is lost.

            Cancellation: The server may have acted, unless the request was still waiting for its place.

            Example:
                ``threads = await client.request("thread/list", {"limit": 10})``
            """
            self._session.require_open()
            return await self._session.turn_manager.request(method, params, timeout=self._patience(timeout))

    async def notify(self, method: str, params: Mapping[str, Any] | None = None) -> None:
        """Send a JSON-RPC notification. Nothing tells whether the server took it.

        Cancellation: It was sent, unless this raised at once.

        Example:
            ``await client.notify("initialized")``
        """
        self._session.require_open()
        await trio.lowlevel.checkpoint()
        self._session.connection.notify(method, params)

    def notifications(self) -> NotificationStream:
        """Return a stream of the events that belong to no turn of this client, other clients' turns included.

        The first stream begins with what came since the client was opened; a stream keeps the last 1,000 events.

        Example:
            ``async for event in client.notifications(): print(event.method)``
        """
        self._session.require_open()
        return self._session.registry.hub.open()

    def statistics(self) -> Statistics:
        """Return what is going on at this moment.

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
        begin, output = talk.beginning(self._session, message)
        return await talk.once(self._session, begin, self._session.inactivity_seconds(inactivity_timeout), output)

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
        begin, _ = talk.beginning(self._session, message)
        return talk.steps(self._session, begin, self._session.inactivity_seconds(inactivity_timeout))

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
        begin, output = talk.beginning(self._session, message, wants_deltas=True)
        return talk.events(self._session, begin, self._session.inactivity_seconds(inactivity_timeout), output)

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
        self._session.require_open()
        talk.check_continuation(continuation)
        deadline = trio.current_time() + self._patience(timeout)
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
            turn.has_continuation = not turn.ended.is_set()

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
        self._session.require_open()
        if thread_id is None:
            turn = self._session.registry.find(turn_id)
            if turn is None:
                raise ValueError(f"turn {turn_id} is not an open turn of this client, so its thread_id is needed")
            thread_id = turn.thread_id
        await self._session.turn_manager.interrupt(thread_id, turn_id, timeout=self._patience(timeout))

    def _patience(self, timeout: float | None) -> float:
        return self._request_timeout if timeout is None else check_timeout(timeout, "timeout")

    # --- threads and models

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
        if made and not self._session.is_experimental:
            raise ValueError(
                "the server takes tools only from a client opened with tools, or with experimental_api=True"
            )
        self._session.require_open()
        answer = await self._session.turn_manager.start_thread(thread_params(options), tools=made)
        return opened(self._session, methods.THREAD_START, answer)

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
        return opened(self._session, methods.THREAD_RESUME, await self._session.request(methods.THREAD_RESUME, params))

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
        fetch = partial(self._session.request, methods.THREAD_LIST)
        params = merge_extra(params, extra, given=("limit",))
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
            partial(self._session.request, methods.MODEL_LIST), params, ModelInfo.from_wire, page_size=page_size
        )

    # --- requests of the server

    def approvals(self) -> ApprovalStream:
        """Return a stream of the approvals that the server asks for, in place of `on_approval`.

        An approval that is asked for while there is no such stream is declined. Respond to each one in every branch of the
        loop: its variable holds the request until the next one comes, and the turn waits as long. ``request.accept()``
        raises `ValueError` where it would grant more than the request shows, as it does in `on_approval`. Open the client
        with ``experimental_api=True``: otherwise codex does not send the additional permissions of a command
        (``additionalPermissions``), and some commands can be accepted only with ``unseen=True``.

        Raises:
            RuntimeError: The client has an `on_approval`, which answers them, or only observes.

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

    async def account(self, *, refresh: bool = False) -> AccountInfo:
        """Return who the server is logged in as.

        Args:
            refresh: Get a new token first, where there is one.

        Cancellation: Nothing has changed.

        Example:
            ``print((await client.account()).type)``
        """
        params = {"refreshToken": True} if refresh else {}
        return AccountInfo.from_wire(await self._session.request(methods.ACCOUNT_READ, params))

    async def login_api_key(self, api_key: str) -> None:
        """Log in with an API key, which the server keeps in its home.

        Raises:
            CodexProtocolError: The server does not allow it.

        Cancellation: It may be logged in.

        Example:
            ``await client.login_api_key(os.environ["OPENAI_API_KEY"])``
        """
        await self._session.request(methods.ACCOUNT_LOGIN_START, {"type": "apiKey", "apiKey": api_key})

    async def login_chatgpt(self) -> ChatGPTLogin:
        """Begin a login with ChatGPT: the server listens on a port of its machine for the browser to come back.

        Raises:
            CodexProtocolError: The server does not allow it, or has no free port.

        Cancellation: The login may have begun; the server gives it up when the next one begins.

        Example:
            ``login = await client.login_chatgpt(); print(login.url); await login.wait()``
        """
        login = ChatGPTLogin(self._session, await self.account())
        await login.start()
        return login

    async def logout(self) -> None:
        """Log out.

        Cancellation: It may be logged out.

        Example:
            ``await client.logout()``
        """
        await self._session.request(methods.ACCOUNT_LOGOUT, {})

    async def read_config(self, *, cwd: str | os.PathLike[str] | None = None) -> dict[str, Any]:
        """Return the configuration in force, as ``config.toml`` spells it.

        Args:
            cwd: As it is in this folder, whose project may have settings of its own.

        Cancellation: Nothing has changed.

        Example:
            ``print((await client.read_config())["model"])``
        """
        params = {} if cwd is None else {"cwd": path_of(cwd, "cwd")}
        answer = await self._session.request(methods.CONFIG_READ, params)
        config = answer.get("config") if isinstance(answer, dict) else None
        return config if isinstance(config, dict) else {}

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
            key: With dots, such as ``model_providers.mine.name``.
            value: What JSON has; `None` removes the setting.
            strategy: Whether a table replaces the one that is there, or is laid over it.
            expected_version: Write only if the file has this version.

        Raises:
            CodexProtocolError: The server refused: the file has another version, or the setting is not valid.

        Cancellation: It may have been written.

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
        """Return a command to run in the server's sandbox, for ``async with``. No thread and no model take part.

        Args:
            command: Program and arguments; no shell.
            cwd: Working directory, on the server's machine; the server's own unless given.
            env: Over the server's environment; `None` removes a variable.
            sandbox: A `SandboxMode` or the wire's object; what the server is configured for unless given.
            timeout: Seconds after which the server ends it; `None` or `math.inf` for no limit.
            extra: Any other field of `command/exec`, spelt as on the wire.

        Raises:
            ValueError: The command is empty, the timeout is not a positive number, there is no such sandbox, or `extra` has
                what is given otherwise.

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
    """Return a client, for ``async with``. It owns its nursery.

    Args:
        transport: How to reach the server; `StdioTransport()` unless given.
        request_timeout: Seconds that a request may take; `None` or `math.inf` for no limit.
        inactivity_timeout: Seconds without any event after which waiting for a turn ends with a continuation; `None` or
            `math.inf` for no limit. Time in which the model sleeps (its tool ``sleep``) does not count.
        client_info: ``name``, ``title`` and ``version`` of your program, for the server's records.
        experimental_api: Ask the server for its experimental methods and fields. Switched on by `on_approval` and `tools`.
        on_approval: Decides about commands, file changes and permissions: ``async (request) -> Decision``; one
            that need not wait may be a plain function, and so may the others. See `CommandApprovalRequest`,
            `FileChangeApprovalRequest`, `PermissionsApprovalRequest`, `approve_all` and `decline_all`. Without one, and
            without `client.approvals()`, they are declined. ``request.accept()`` raises `ValueError` where it would grant
            more than the request shows. As with any exception of a handler, the request is then declined and the turn
            interrupted.
            Switches on `experimental_api`, without which codex does not send all that accepting would grant.
        on_user_input: Answers what the model asks the user: ``async (question) -> {question_id: text or texts}``.
        on_elicitation: Answers MCP servers, and whether their tools may be called: ``async (question) ->
            question.accept(content)``.
        on_request: For every other request of the server, and before the above: by method, ``async (params) -> result``.
        tools: Functions that Codex may call, see `tool`, in every thread that this client starts. Switches
            `experimental_api` on.
        observe: Answer nothing, whatever the server asks: for watching threads that another client answers for.
        reconnect: After a loss, open the transport again, with growing pauses. Open turns go on: their consumers see
            a pause, and no step is lost or comes twice, but for a command that was declined just before the loss: it
            may not be told, as codex does not remember it (0.163, 0.169). A turn of which the server tells nothing any
            more ends with a `CodexTransportError` that has its continuation; the others go on. A call that was on its
            way raises `CodexTransportError`, and is never sent again: whether the server acted on it is unknown, and a
            turn that it started may run. Calls made meanwhile wait. What a sub-agent waits for is asked again. A thread
            of `start_thread` on which no turn has begun ends with its connection: a turn on it raises
            `CodexThreadNotFoundError`, so start another (codex 0.163, 0.169). Not with `StdioTransport`, whose server
            ends with its connection.
        reconnect_timeout: Seconds from a loss until all that was missed has been read, after which the loss is final;
            `None` or `math.inf` for no limit. If connections are made, and lost again while the history of some turn is
            read, that turn ends with a `CodexTransportError` that has its continuation, and the others go on. A loss is
            final at once where another attempt would end the same way, see `CodexTransportError.is_permanent`.
        record: A file to which everything that passes between client and server is written as it passes, for
            `codex_trio.testing.ReplayTransport`, and for the eye. A file that is there is replaced, unless another client
            records to it. Only its owner can read it (mode 0600). It must be a regular file of this user (or
            ``/dev/null``), and not a symbolic link. Secrets are left out, as described below. When writing fails (such as
            on a full disk), a warning is logged, recording stops, and the conversation continues.

    Each request is handled in a task of its own. It is cancelled when the server withdraws the request, when the turn
    ends, when the connection is lost (what is open is asked again on the next one), or when the client closes. While a
    turn waits for an answer, its silence is no inactivity. What a handler raises comes out of the `chat` or `chat_once`
    that consumes the turn, which is interrupted, after the server was told no; if nobody consumes it, it ends the client.

    A recording has prompts, answers, commands and their output, files and images as they are. In it, ``***`` stands for:
    the values of keys named ``apiKey``, ``accessToken``, ``refreshToken``, ``idToken``, ``token``, ``authorization``,
    ``password``, ``secret`` and the like, and of all names that end so; those of environment variables with ``KEY``,
    ``TOKEN``, ``SECRET``, ``PASS``, ``AUTH``, ``COOKIE`` or ``CREDENTIAL`` in their names; answers to questions that the
    server calls secret; logins in URLs; and in all other text what follows ``Bearer``, ``sk-``, ``eyJ``, ``password=``,
    ``token:``, ``--api-key`` and the like. ``~`` stands for home folders (``/home/NAME``, ``/Users/NAME``, ``/root``, and
    this user's), ``host`` for the name of this machine, unless the name consists of letters alone, and zeros for the
    installation id. A replay ignores all of these in comparisons. Nothing else is recognised, for example a secret without
    such a name (a key in PEM), in pieces, or in base64. Look through a recording before you share it.

    Messages to the logger ``codex_trio`` are redacted by the same rules. So is the server's stderr, which goes to
    ``codex_trio.server``. At DEBUG, ``codex_trio`` logs up to 200 bytes of a line that is not a message, and no content of
    other messages. An error contains the server's message unchanged, except for the secrets of a transport: see
    `WebSocketTransport` and `StdioTransport`. The frames of its traceback contain the params of the request.

    Raises:
        CodexTransportError: On entering: the server cannot be reached, or does not answer; or the file of `record` cannot
            be written. Nothing is left behind.
        CodexProtocolError: On entering: the server refused `initialize`. Nothing is left behind.
        ValueError: A timeout is not a positive number; `observe` together with handlers or tools; `reconnect` over
            stdio.
        TypeError: A tool cannot be described.

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


async def connect_codex_client(
    nursery: trio.Nursery, transport: Transport | None = None, **options: Unpack[ClientOptions]
) -> CodexClient:
    """Open a client in a nursery of your own, and return it; then `aclose` it, or the nursery will wait for it.

    Cancelling `nursery` closes the client. Options are those of `open_codex_client`.

    Raises:
        CodexTransportError: The server cannot be reached. Nothing is left behind.
        CodexProtocolError: The server refused `initialize`. Nothing is left behind.

    Cancellation: Nothing is left behind.

    Example:
        ``async with trio.open_nursery() as nursery: client = await connect_codex_client(nursery)``
    """
    client = CodexClient(transport, **options)
    await client.start(nursery)
    return client
