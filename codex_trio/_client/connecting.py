"""Clients by transport: what `CodexClient` offers to make one."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping, Sequence
from typing import Any, Self

from .._options import DEFAULT_CONNECT_TIMEOUT, DEFAULT_MAX_MESSAGE_SIZE, DEFAULT_PING_INTERVAL, DEFAULT_SHUTDOWN_GRACE
from .._transports.stdio import StdioTransport
from .._transports.unix import UnixSocketTransport
from .._transports.websocket import TokenSource, WebSocketTransport
from ..abc import Transport


class Connecting:
    """The part of `CodexClient` that makes one. Each returns what `open_codex_client` returns: not yet open."""

    def __init__(self, transport: Transport | None = None, **options: Any) -> None:
        raise NotImplementedError

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
        **options: Any,
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
        **options: Any,
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
        **options: Any,
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
