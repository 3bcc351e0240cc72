"""`UnixSocketTransport`: connect to a running server over a unix socket."""

from __future__ import annotations

import os

import trio

from .._options import DEFAULT_CONNECT_TIMEOUT, DEFAULT_MAX_MESSAGE_SIZE, DEFAULT_PING_INTERVAL
from .secrets import Secret
from .websocket_base import BaseWebSocketTransport, UpgradeRequest


class UnixSocketTransport(BaseWebSocketTransport):
    """Connects to a running ``codex app-server --listen unix://PATH``, which speaks websocket over the socket.

    Args:
        path: Path of the socket. For a server started with ``--listen unix://``, it is
            ``app-server-control/app-server-control.sock`` in CODEX_HOME.
        connect_timeout: Seconds for connecting and for the response to `initialize`.
        ping_interval: Seconds between pings. With `math.inf`, no pings are sent, and an unresponsive server is not noticed.
        max_message_size: Longest message to accept from the server, in characters.

    Example:
        ``open_codex_client(UnixSocketTransport("/run/codex.sock"))``
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        connect_timeout: float = DEFAULT_CONNECT_TIMEOUT,
        ping_interval: float = DEFAULT_PING_INTERVAL,
        max_message_size: int = DEFAULT_MAX_MESSAGE_SIZE,
    ) -> None:
        super().__init__(
            connect_timeout=connect_timeout, ping_interval=ping_interval, max_message_size=max_message_size
        )
        if not isinstance(path, (str, os.PathLike)):
            raise TypeError(f"path must be a str or an os.PathLike, not {path!r}")
        self._path = os.fspath(path)
        if not self._path or "://" in self._path:
            raise ValueError(f"path must be the path of a socket, such as /run/codex.sock, not {self._path!r}")

    def describe(self) -> str:
        """Return the address in the form that ``--listen`` accepts."""
        return f"unix://{self._path}"

    async def _prepare(self) -> UpgradeRequest:
        return UpgradeRequest(host="localhost", resource=Secret("/"), headers=Secret([]), secrets=Secret([]))

    async def _connect(self) -> trio.SocketStream:
        try:
            return await trio.open_unix_socket(self._path)
        except FileNotFoundError as exc:
            raise self._unreachable("the socket does not exist; is the server running?") from exc
        except ConnectionRefusedError as exc:
            raise self._unreachable("connection refused; is the server running?") from exc
        except (OSError, ValueError) as exc:
            raise self._unreachable(str(exc)) from exc
