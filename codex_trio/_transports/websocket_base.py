"""`BaseWebSocketTransport`: the common base of `WebSocketTransport` and `UnixSocketTransport`.

No exception of trio-websocket and no secret leaves this module.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import msgspec
import trio

from .._options import check_positive
from ..abc import Transport
from ..errors import CodexTransportError
from .secrets import Secret

if TYPE_CHECKING:  # trio-websocket is slow to import, and needed only when a websocket is opened
    from .echoes import EchoMask
    from .websocket_stream import WebSocketStream

# Share of `connect_timeout`. The transport times out shortly before the client, because its error names the slow step.
_TIMEOUT_SHARE = 0.9

Headers = list[tuple[bytes, bytes]]


class UpgradeRequest(msgspec.Struct, frozen=True):
    """A request to upgrade to a websocket.

    Attributes:
        host: The value of the ``Host`` header.
        resource: Path and query.
        headers: Additional headers.
        secrets: Texts that messages must not contain.
    """

    host: str
    resource: Secret[str]
    headers: Secret[Headers]
    secrets: Secret[Sequence[str]]


class BaseWebSocketTransport(Transport):
    """Base class of transports that use a websocket.

    Attributes:
        max_send_size: Longest message to send, in bytes. For a longer one, the server drops the connection without an
            error (codex 0.163, 0.169).
    """

    max_send_size = 16 * 2**20
    _permanent_statuses = frozenset({401, 403, 404})  # HTTP statuses that another attempt would get again

    def __init__(self, *, connect_timeout: float, ping_interval: float, max_message_size: int) -> None:
        check_positive(connect_timeout=connect_timeout, ping_interval=ping_interval, max_message_size=max_message_size)
        self.connect_timeout = connect_timeout
        self._ping_interval = ping_interval
        self._max_message_size = max_message_size
        self._stream: WebSocketStream | None = None
        self._mask: EchoMask | None = None  # redacts the secrets of the last connection
        self._phase = ""
        self._advice_on_401 = ""

    async def open(self, nursery: trio.Nursery) -> None:
        """Connect to the server and upgrade to a websocket. See `Transport.open`."""
        if self._stream is not None:
            raise RuntimeError(f"this {type(self).__name__} is open already; each client needs its own")
        with trio.move_on_after(_TIMEOUT_SHARE * self.connect_timeout):
            upgrade = await self._prepare()
            self._phase = "connecting"
            socket_stream = await self._connect()
            try:
                self._stream = await self._upgrade(nursery, socket_stream, upgrade)
            except BaseException:
                await trio.aclose_forcefully(socket_stream)
                raise
            return
        raise self._unreachable(f"{self._phase} took more than {self.connect_timeout:g} s (connect_timeout)")

    @abstractmethod
    async def _prepare(self) -> UpgradeRequest:
        """Return the upgrade request."""

    @abstractmethod
    async def _connect(self) -> trio.SocketStream:
        """Connect to the server's socket."""

    def _after_read(self, socket_stream: trio.SocketStream) -> None:
        pass

    async def _encrypt(self, stream: trio.abc.Stream) -> trio.abc.Stream:
        return stream

    async def _upgrade(
        self, nursery: trio.Nursery, socket_stream: trio.SocketStream, upgrade: UpgradeRequest
    ) -> WebSocketStream:
        # Imported here because these imports take a tenth of a second.
        from .echoes import EchoMask
        from .websocket_stream import ActivityStream, HandshakeError, WebSocketStream

        self._mask = EchoMask(upgrade.secrets.reveal())
        activity = ActivityStream(socket_stream, partial(self._after_read, socket_stream))
        frames = WebSocketStream(
            await self._encrypt(activity),
            activity,
            name=self.describe(),
            mask=self._mask,
            ping_interval=self._ping_interval,
            max_message_size=self._max_message_size,
        )
        self._phase = "the upgrade to a websocket"
        try:
            await frames.open(nursery, host=upgrade.host, resource=upgrade.resource, headers=upgrade.headers)
        except HandshakeError as exc:
            is_permanent = exc.status in self._permanent_statuses
            advice = self._advice_on_401 if exc.status == 401 else ""
            raise self._unreachable(f"{exc}{advice}", is_permanent=is_permanent) from exc.__cause__
        return frames

    def redact(self, text: str) -> str:
        """Redact the secrets that were sent when the connection was opened. See `Transport.redact`."""
        return text if self._mask is None else self._mask(text)

    def _unreachable(self, reason: str, *, is_permanent: bool = False) -> CodexTransportError:
        return CodexTransportError(f"cannot reach the server ({self.describe()}): {reason}", is_permanent=is_permanent)

    async def send(self, messages: Sequence[bytes]) -> None:
        """Send messages, each as a text frame. See `Transport.send`."""
        await self._open_stream().send(messages)

    async def receive(self) -> Sequence[bytes]:
        """Receive messages. See `Transport.receive`."""
        return await self._open_stream().receive()

    def _open_stream(self) -> WebSocketStream:
        if self._stream is None:
            raise CodexTransportError(f"the transport to {self.describe()} is not open")
        return self._stream

    async def aclose(self) -> None:
        """Close the websocket and the connection. See `Transport.aclose`."""
        if self._stream is None:
            await trio.lowlevel.checkpoint()
            return
        with trio.CancelScope(shield=True):  # takes about a second at most
            await self._stream.aclose()
        self._stream = None
