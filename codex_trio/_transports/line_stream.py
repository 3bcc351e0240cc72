"""`LineStream`: exchange messages as lines over any `trio.abc` byte stream."""

from __future__ import annotations

import math
from collections.abc import Sequence

import trio

from .._wire.framing import LineSplitter, LineTooLongError

_READ_SIZE = 1 << 18  # bytes


class LineStream:
    """Sends and receives lines.

    Args:
        max_message_size: Longest line to accept, in bytes.
    """

    def __init__(self, send: trio.abc.SendStream, receive: trio.abc.ReceiveStream, *, max_message_size: int) -> None:
        self._send_stream = send
        self._receive_stream = receive
        self._splitter = LineSplitter(max_message_size)
        self._has_ended = False
        self._remaining: float = math.inf  # bytes that may still be read

    async def send(self, messages: Sequence[bytes]) -> None:
        """Write all messages in one piece, each followed by a line feed.

        Raises:
            trio.BrokenResourceError, trio.ClosedResourceError: Raised by the stream.
        """
        await self._send_stream.send_all(b"\n".join((*messages, b"")))

    async def receive(self) -> list[bytes | bytearray]:
        """Return all lines that are available, at least one. The last line may lack a line feed.

        Raises:
            trio.EndOfChannel: The stream has ended.
            LineTooLongError: A line is longer than the limit. The stream cannot be read any further.
            trio.BrokenResourceError, trio.ClosedResourceError: Raised by the stream.
        """
        while not self._has_ended:
            chunk = await self._receive_chunk()
            if not chunk:
                self._has_ended = True
            lines = self._splitter.feed(bytes(chunk)) if chunk else self._splitter.finish()
            if lines:
                return lines
        raise trio.EndOfChannel

    async def _receive_chunk(self) -> bytes | bytearray:
        if not self._remaining:
            return b""
        try:
            chunk = await self._receive_stream.receive_some(_READ_SIZE)
        except trio.ClosedResourceError:
            if self._remaining:
                raise
            return b""
        self._remaining = max(0, self._remaining - len(chunk))
        return chunk

    async def close_after(self, size: int) -> None:
        """Treat the stream as ended after `size` more bytes, which must already be available, even if it stays open."""
        self._remaining = size
        if not size:
            await self.aclose_receiving()  # wakes a waiting `receive`

    async def aclose_sending(self) -> None:
        """Close the stream that is written to."""
        await self._send_stream.aclose()

    async def aclose_receiving(self) -> None:
        """Close the stream that is read from."""
        await self._receive_stream.aclose()


__all__ = ["LineStream", "LineTooLongError"]
