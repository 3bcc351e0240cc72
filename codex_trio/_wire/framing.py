"""Split a byte stream into lines, in linear time and without copying a long line again once it is complete."""

from __future__ import annotations


class LineTooLongError(ValueError):
    """A line is longer than the limit."""


class LineSplitter:
    """Splits chunks of a byte stream into lines without line feeds."""

    def __init__(self, max_size: int) -> None:
        self._max_size = max_size
        self._partial = bytearray()  # the start of an incomplete line

    def feed(self, chunk: bytes) -> list[bytes | bytearray]:
        """Return the lines that `chunk` completes, including blank lines.

        Raises:
            LineTooLongError: A complete or incomplete line is longer than the limit.
        """
        lines: list[bytes | bytearray] = [*chunk.split(b"\n")]
        rest = lines.pop()
        if lines and self._partial:
            self._partial += lines[0]
            lines[0], self._partial = self._partial, bytearray()
        self._partial += rest
        # A quick check first: every line except the first is at most as long as the chunk.
        if max(len(self._partial), len(chunk), len(lines[0]) if lines else 0) > self._max_size:
            longest = max(len(self._partial), *map(len, lines), 0)
            if longest > self._max_size:
                raise LineTooLongError(
                    f"a line of {longest:,} bytes or more, over the limit of {self._max_size:,} (max_message_size)"
                )
        return lines

    def finish(self) -> list[bytes | bytearray]:
        """Return the last line if it lacks a line feed."""
        rest, self._partial = self._partial, bytearray()
        return [rest] if rest else []
