"""`UnixSocketTransport`: a server on this machine that somebody else runs, and only its own user may reach."""

from __future__ import annotations

import os

import trio

from .._options import DEFAULT_CONNECT_TIMEOUT, DEFAULT_MAX_MESSAGE_SIZE, DEFAULT_PING_INTERVAL
from .secrets import Secret
from .websocket_base import BaseWebSocketTransport, UpgradeRequest


class UnixSocketTransport(BaseWebSocketTransport):
    """A `codex app-server --listen unix://PATH` that is running already. It speaks websocket there, too.

    Args:
        path: Where its socket is; ``--listen unix://`` means ``app-server-control/app-server-control.sock`` in
            CODEX_HOME.
        connect_timeout: Seconds until the server must have answered `initialize`.
        ping_interval: Seconds; `math.inf` for no pings, and so no way to notice a stuck server.
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
            raise ValueError(f"path must be that of a socket, such as /run/codex.sock, not {self._path!r}")

    def describe(self) -> str:
        """Return the path, as ``--listen`` takes it."""
        return f"unix://{self._path}"

    async def _prepare(self) -> UpgradeRequest:
        return UpgradeRequest(host="localhost", resource=Secret("/"), headers=Secret([]), secrets=Secret([]))

    async def _connect(self) -> trio.SocketStream:
        try:
            return await trio.open_unix_socket(self._path)
        except FileNotFoundError as exc:
            raise self._unreachable("there is no such socket; is the server running?") from exc
        except ConnectionRefusedError as exc:
            raise self._unreachable("nobody listens there any more; is the server running?") from exc
        except (OSError, ValueError) as exc:
            raise self._unreachable(str(exc)) from exc
