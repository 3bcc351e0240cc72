"""`TransportWrapper`: base class of transports that wrap another transport."""

from __future__ import annotations

from collections.abc import Sequence

import trio

from ..abc import Transport


class TransportWrapper(Transport):
    """Forwards every call to another transport. Subclasses override what they change.

    Args:
        inner: The wrapped transport, not yet open. Only the wrapper opens, uses and closes it.
    """

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self.connect_timeout = inner.connect_timeout
        self.max_send_size = inner.max_send_size

    async def open(self, nursery: trio.Nursery) -> None:
        """Connect to the server. See `Transport.open`."""
        await self._inner.open(nursery)
        self.max_send_size = self._inner.max_send_size  # some transports know it only after opening

    async def send(self, messages: Sequence[bytes]) -> None:
        """Send messages. See `Transport.send`."""
        await self._inner.send(messages)

    async def receive(self) -> Sequence[bytes | bytearray]:
        """Receive messages. See `Transport.receive`."""
        return await self._inner.receive()

    async def aclose(self) -> None:
        """Close the connection. See `Transport.aclose`."""
        await self._inner.aclose()

    @property
    def stderr_tail(self) -> str:
        """The end of the server's stderr. See `Transport.stderr_tail`."""
        return self._inner.stderr_tail

    def redact(self, text: str) -> str:
        """Redact the secrets of the connection. See `Transport.redact`."""
        return self._inner.redact(text)

    def describe(self) -> str:
        """Return the name of the server for messages. See `Transport.describe`."""
        return self._inner.describe()
