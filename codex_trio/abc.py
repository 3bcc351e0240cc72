"""`Transport`: the interface for custom transports."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import trio

from ._options import DEFAULT_CONNECT_TIMEOUT


class Transport(ABC):
    """Carries whole JSON-RPC messages, each as UTF-8 bytes without a line ending, to one app-server and back.

    A transport belongs to one client at a time. After `aclose`, it may be opened again for a new connection. At most one
    task calls `send` and at most one task calls `receive`, possibly at the same time.

    Attributes:
        connect_timeout: Seconds for opening, including the response to `initialize`.
        max_send_size: Longest message that the server accepts, in bytes; `None` for no limit. The client rejects longer
            messages without calling `send`.

    Example:
        ``class MyTransport(Transport): ...``
    """

    connect_timeout: float = DEFAULT_CONNECT_TIMEOUT
    max_send_size: int | None = None

    @abstractmethod
    async def open(self, nursery: trio.Nursery) -> None:
        """Connect to the server.

        Args:
            nursery: For background tasks of the transport. It stays open until after `aclose`.

        Raises:
            CodexTransportError: The server cannot be reached. All resources must have been released. If `is_permanent` is
                set, a reconnecting client does not try again.

        Cancellation: All resources must be released.
        """

    @abstractmethod
    async def send(self, messages: Sequence[bytes]) -> None:
        """Send whole messages, in order.

        Raises:
            CodexTransportError: The connection is lost.

        Cancellation: Part of a message may have been sent, so nothing may be sent afterwards.
        """

    def send_nowait(self, message: bytes) -> bool:
        """Send a whole message if that is possible without blocking. Return whether it was sent; if not, `send` is called.

        Called only while `send` is not running. The default sends nothing.
        """
        return False

    @abstractmethod
    async def receive(self) -> Sequence[bytes | bytearray]:
        """Wait for messages, and return all that are available, at least one.

        A returned `bytearray` must not be modified afterwards.

        Raises:
            CodexTransportError: The connection has ended. The message contains the reason.

        Cancellation: No message is lost.
        """

    @abstractmethod
    async def aclose(self) -> None:
        """Close the connection, forcefully if necessary. Idempotent. Does not raise errors of the server or the connection.

        Cancellation: All resources are released. This takes no longer than the transport's own timeouts, cancelled or not.
        """

    @property
    def stderr_tail(self) -> str:
        """The end of the server's stderr; empty if the transport does not read it."""
        return ""

    def redact(self, text: str) -> str:
        """Replace the secrets of this transport, such as its token, in a text. The default returns the text unchanged.

        The client calls this for text that may repeat secrets: error messages of the server, logs, recordings. It should
        not raise. After `aclose`, and before the next `open`, the secrets are those of the last connection.

        Example:
            ``return text.replace(self._token, "***")``
        """
        return text

    def describe(self) -> str:
        """Return a name of the server for messages, such as ``codex app-server``."""
        return type(self).__name__
