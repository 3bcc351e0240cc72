"""`TransportWrapper`: another transport, to which something is done on the way."""

from __future__ import annotations

from collections.abc import Sequence

import trio

from ..abc import Transport


class TransportWrapper(Transport):
    """Does as the transport within does; whoever derives from it says what else.

    Args:
        inner: Not yet open; opened, used and closed by this one alone.
    """

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self.connect_timeout = inner.connect_timeout
        self.max_send_size = inner.max_send_size

    async def open(self, nursery: trio.Nursery) -> None:
        """Reach the server. See `Transport.open`."""
        await self._inner.open(nursery)
        self.max_send_size = self._inner.max_send_size  # it may be known only now

    async def send(self, messages: Sequence[bytes]) -> None:
        """Write messages. See `Transport.send`."""
        await self._inner.send(messages)

    async def receive(self) -> Sequence[bytes | bytearray]:
        """Wait for messages. See `Transport.receive`."""
        return await self._inner.receive()

    async def aclose(self) -> None:
        """Let go of the server. See `Transport.aclose`."""
        await self._inner.aclose()

    @property
    def stderr_tail(self) -> str:
        """The end of what the server wrote on stderr."""
        return self._inner.stderr_tail

    def redact(self, text: str) -> str:
        """Replace the secrets of the connection. See `Transport.redact`."""
        return self._inner.redact(text)

    def describe(self) -> str:
        """Return what messages call the server."""
        return self._inner.describe()
