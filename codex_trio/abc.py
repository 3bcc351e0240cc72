"""The one interface that a user may implement: `Transport`, which carries whole messages to a server and back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import trio

from ._options import DEFAULT_CONNECT_TIMEOUT


class Transport(ABC):
    """Carries whole JSON-RPC messages, each as UTF-8 bytes without a line ending, to one app-server and back.

    A transport belongs to one client at a time. After `aclose` it may be opened again, which reaches the server anew.
    One task calls `send` and one task calls `receive`; they may do so at the same time.

    Attributes:
        connect_timeout: Seconds that opening may take, the answer to `initialize` included.
        max_send_size: Bytes of the longest message that the server takes; `None` for no limit. A longer one is refused
            before it comes to `send`.

    Example:
        ``class MyTransport(Transport): ...``
    """

    connect_timeout: float = DEFAULT_CONNECT_TIMEOUT
    max_send_size: int | None = None

    @abstractmethod
    async def open(self, nursery: trio.Nursery) -> None:
        """Reach the server.

        Args:
            nursery: Owns whatever background tasks the transport needs; it outlives `aclose`.

        Raises:
            CodexTransportError: The server cannot be reached. Nothing is left behind. With `is_permanent`, a client that
                is reconnecting does not try again.

        Cancellation: Nothing is left behind.
        """

    @abstractmethod
    async def send(self, messages: Sequence[bytes]) -> None:
        """Write whole messages, in order.

        Raises:
            CodexTransportError: The server no longer reads.

        Cancellation: Part of a message may have been written; nothing may be sent after that.
        """

    def send_nowait(self, message: bytes) -> bool:
        """Write a whole message if that needs no waiting; say whether it was written. If not, it goes to `send`.

        Called only while no `send` is under way. A transport that does not know better leaves all to `send`.
        """
        return False

    @abstractmethod
    async def receive(self) -> Sequence[bytes | bytearray]:
        """Wait for messages, and return all that are at hand: at least one.

        A `bytearray` is not touched any more once it was returned.

        Raises:
            CodexTransportError: No message will come any more; it says why.

        Cancellation: No message is lost.
        """

    @abstractmethod
    async def aclose(self) -> None:
        """Let go of the server, by force where it must be. Idempotent; never raises what the server did.

        Cancellation: Bounded by the transport's own grace times whether cancelled or not; nothing is left behind.
        """

    @property
    def stderr_tail(self) -> str:
        """The end of what the server wrote on stderr, where the transport sees that."""
        return ""

    def redact(self, text: str) -> str:
        """Replace the secrets of this transport, such as its token, in a text; the default leaves it unchanged.

        The client calls this for what the server may repeat: its error messages, the log, a recording. It should not
        raise. After `aclose`, and before the next `open`, the secrets are those of the last connection.

        Example:
            ``return text.replace(self._token, "***")``
        """
        return text

    def describe(self) -> str:
        """Return what messages call the server, such as ``codex app-server``."""
        return type(self).__name__
