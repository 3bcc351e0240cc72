"""Bytes to lines. Linear in the bytes: no byte is looked at twice, and a long line is joined once."""

from __future__ import annotations


class LineTooLongError(ValueError):
    """A line passed the limit."""


class LineSplitter:
    """Turns chunks of a byte stream into lines, without their line feed."""

    def __init__(self, max_size: int) -> None:
        self._max_size = max_size
        self._begun: list[bytes] = []  # pieces of the line that has no end yet
        self._begun_size = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the lines that `chunk` completes; blank ones among them.

        Raises:
            LineTooLongError: A line, complete or not, is longer than the limit.
        """
        lines = chunk.split(b"\n")
        rest = lines.pop()
        if lines and self._begun:
            self._begun.append(lines[0])
            lines[0] = b"".join(self._begun)
            self._begun.clear()
            self._begun_size = 0
        if rest:
            self._begun.append(rest)
            self._begun_size += len(rest)
        # One look at the longest: a chunk has many lines, and all but the first are shorter than the chunk.
        longest = max(self._begun_size, len(chunk), len(lines[0]) if lines else 0)
        if longest > self._max_size:
            longest = max(self._begun_size, *map(len, lines), 0)
            if longest > self._max_size:
                raise LineTooLongError(
                    f"a line of {longest:,} bytes or more, over the limit of {self._max_size:,} (max_message_size)"
                )
        return lines

    def finish(self) -> list[bytes]:
        """Return the last line if it had no line feed."""
        rest = b"".join(self._begun)
        self._begun.clear()
        self._begun_size = 0
        return [rest] if rest else []
