"""Bytes to lines. Linear in the bytes: no byte is looked at twice, and a long line is not copied once it is whole."""

from __future__ import annotations


class LineTooLongError(ValueError):
    """A line passed the limit."""


class LineSplitter:
    """Turns chunks of a byte stream into lines, without their line feed."""

    def __init__(self, max_size: int) -> None:
        self._max_size = max_size
        self._partial = bytearray()  # of the line that has no end yet

    def feed(self, chunk: bytes) -> list[bytes | bytearray]:
        """Return the lines that `chunk` completes; blank ones among them.

        Raises:
            LineTooLongError: A line, complete or not, is longer than the limit.
        """
        lines: list[bytes | bytearray] = [*chunk.split(b"\n")]
        rest = lines.pop()
        if lines and self._partial:
            self._partial += lines[0]
            lines[0], self._partial = self._partial, bytearray()
        self._partial += rest
        # One look at the longest: a chunk has many lines, and all but the first are shorter than the chunk.
        if max(len(self._partial), len(chunk), len(lines[0]) if lines else 0) > self._max_size:
            longest = max(len(self._partial), *map(len, lines), 0)
            if longest > self._max_size:
                raise LineTooLongError(
                    f"a line of {longest:,} bytes or more, over the limit of {self._max_size:,} (max_message_size)"
                )
        return lines

    def finish(self) -> list[bytes | bytearray]:
        """Return the last line if it had no line feed."""
        rest, self._partial = self._partial, bytearray()
        return [rest] if rest else []
