"""`CodexClient`: what a user holds. Says what is wanted; how it is done is next door."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Unpack

import trio

from .._options import check_timeout
from .._session.connection import Connection
from .._session.handlers import (
    AskOptions,
    Handlers,
)
from .._session.notifications import NotificationStream
from .._session.reconnecting import Link
from .._session.session import Service
from .._session.versions import log_untested_version
from .._transports.stdio import StdioTransport
from .._version import __version__
from .._wire import methods
from ..abc import Transport
from ..errors import CodexTransportError
from ..models import InitializeResult, Statistics
from .account import Account
from .asking import Asking
from .connecting import Connecting
from .conversation import Conversation
from .engine import ClientEngine
from .processes import Processes
from .threads import Threads

if TYPE_CHECKING:  # thousands of lines that only an editor wants
    from ..protocol._requests import Request


class CodexClient(Connecting, Conversation, Threads, Asking, Account, Processes):
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
        **asking: Unpack[AskOptions],
    ) -> None:
        if unknown := [name for name in asking if name not in AskOptions.__annotations__]:
            known = [*(CodexClient.__init__.__kwdefaults__ or {}), *AskOptions.__annotations__]
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
            from .._transports.recording import RecordingTransport

            self._transport = RecordingTransport(self._transport, record)
        handlers.redact = self._transport.redact
        self._service = Service(
            self._transport,
            handlers,
            greet=partial(self._greet, timeout=math.inf),  # it is bounded by connect_timeout
            request_timeout=self._request_timeout,
            reconnect_timeout=reconnect_patience if reconnect else None,
        )
        self._engine = ClientEngine(
            self._service,
            request_timeout=self._request_timeout,
            inactivity_timeout=check_timeout(inactivity_timeout, "inactivity_timeout"),
            is_experimental=self._experimental_api,
        )
        self._server: InitializeResult | None = None

    # --- opening and closing

    @trio.lowlevel.enable_ki_protection
    async def __aenter__(self) -> CodexClient:
        await self._service.enter()
        return self

    @trio.lowlevel.enable_ki_protection
    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._service.leave(exc)

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
        await self._service.open(nursery, follows_nursery=True)

    async def aclose(self) -> None:
        """Interrupt the turns that are open, end the server if it is ours, and release everything. Idempotent.

        A turn that is being started is interrupted, too, and whoever waits for it gets `CodexTransportError`. A turn whose
        continuation was handed out is not interrupted. Bounded by two seconds for the turns and the transport's grace
        times.

        Cancellation: The closing goes on in the client's nursery.

        Example:
            ``await client.aclose()``
        """
        await self._service.close()

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

        Example:
            ``print((await client.initialize()).user_agent)``
        """
        parts = self._service.live_parts()
        if self._server is not None and params is None:
            await trio.lowlevel.checkpoint()
            return self._server
        return await self._greet(parts.connection, params, timeout=self._patience(timeout))

    async def _greet(
        self, connection: Connection | Link, params: Mapping[str, Any] | None = None, *, timeout: float
    ) -> InitializeResult:
        if params is None:
            capabilities = {"experimentalApi": self._experimental_api}
            params = {"clientInfo": self._client_info, "capabilities": capabilities}
        result = await connection.request(methods.INITIALIZE, params, timeout=timeout)
        connection.notify(methods.INITIALIZED)
        server = InitializeResult.from_wire(result)
        if self._server is None or self._server.user_agent != server.user_agent:  # so not at each reconnection
            log_untested_version(server)
        self._server = server
        return server

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
            lifecycle = self._service.live_parts().lifecycle
            return await lifecycle.request(method, params, timeout=self._patience(timeout))

    async def notify(self, method: str, params: Mapping[str, Any] | None = None) -> None:
        """Send a JSON-RPC notification. Nothing tells whether the server took it.

        Cancellation: It was sent, unless this raised at once.

        Example:
            ``await client.notify("initialized")``
        """
        parts = self._service.live_parts()
        await trio.lowlevel.checkpoint()
        parts.connection.notify(method, params)

    def notifications(self) -> NotificationStream:
        """Return a stream of the events that belong to no turn of this client, other clients' turns included.

        The first stream begins with what came since the client was opened; a stream keeps the last 1,000 events.

        Example:
            ``async for event in client.notifications(): print(event.method)``
        """
        return self._service.live_parts().router.hub.open()

    def statistics(self) -> Statistics:
        """Return what is going on at this moment.

        Example:
            ``print(client.statistics().requests_in_flight)``
        """
        parts = self._service.parts
        if parts is None:
            return Statistics(0, 0, 0, 0, 0, 0, 0, 0, 0)
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
            dropped_events=parts.router.dropped_events,
        )
