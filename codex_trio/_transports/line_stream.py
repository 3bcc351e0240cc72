"""`LineStream`: messages as lines over any `trio.abc` byte stream. Knows nothing of what runs at the other end."""

from __future__ import annotations

import math
from collections.abc import Sequence

import trio

from .._wire.framing import (
    LineSplitter,
    LineTooLongError,
)

_READ_SIZE = 1 << 18  # bytes


class LineStream:
    """Lines in both directions.

    Args:
        max_message_size: Longest line to accept, in bytes.
    """

    def __init__(self, send: trio.abc.SendStream, receive: trio.abc.ReceiveStream, *, max_message_size: int) -> None:
        self._send_stream = send
        self._receive_stream = receive
        self._splitter = LineSplitter(max_message_size)
        self._has_ended = False
        self._remaining: float = math.inf  # bytes that may still come

    async def send(self, messages: Sequence[bytes]) -> None:
        """Write each message and a line feed, in one piece.

        Raises:
            trio.BrokenResourceError, trio.ClosedResourceError: As the stream does.
        """
        await self._send_stream.send_all(b"\n".join((*messages, b"")))

    async def receive(self) -> list[bytes | bytearray]:
        """Return the lines at hand, at least one; a last one without a line feed counts.

        Raises:
            trio.EndOfChannel: No line will come.
            LineTooLongError: A line passed the limit; the stream is out of step from here on.
            trio.BrokenResourceError, trio.ClosedResourceError: As the stream does.
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
        """Take the other end for ended after `size` more bytes, which are at hand, be it open or not."""
        self._remaining = size
        if not size:
            await self.aclose_receiving()  # wakes who waits for more

    async def aclose_sending(self) -> None:
        """Close the direction to the other end."""
        await self._send_stream.aclose()

    async def aclose_receiving(self) -> None:
        """Close the direction from the other end."""
        await self._receive_stream.aclose()


__all__ = ["LineStream", "LineTooLongError"]
