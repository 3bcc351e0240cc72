"""`StderrTail`: what a server writes on stderr: drained always, kept a little, logged by line."""

from __future__ import annotations

import logging
import re

import trio

from .._redaction import redact

_logger = logging.getLogger("codex_trio.server")

_KEPT = 65_536  # bytes
_CHUNK = 8_192  # bytes; logging thousands of short lines at once would hold up everybody else
_ANSI = r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\))"


def _readable(raw: bytes) -> str:
    return redact(re.sub(_ANSI, "", raw.decode("utf-8", "replace")))


class StderrTail:
    """Reads a stream to its end, in chunks."""

    def __init__(self) -> None:
        self.ended = trio.Event()
        self._tail = bytearray()
        self._line = bytearray()

    @trio.lowlevel.enable_ki_protection
    async def drain(self, stream: trio.abc.ReceiveStream) -> None:
        """Read `stream` until it ends or is closed."""
        try:
            while chunk := await stream.receive_some(_CHUNK):
                self._take(bytes(chunk))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # its end, as far as anybody reads it
        finally:
            if self._line:
                _logger.info("%s", _readable(bytes(self._line)))
            self.ended.set()

    def _take(self, chunk: bytes) -> None:
        self._tail += chunk
        del self._tail[:-_KEPT]
        if not _logger.isEnabledFor(logging.INFO):  # making it readable is not free
            return
        *lines, rest = chunk.split(b"\n")
        for line in lines:
            _logger.info("%s", _readable(bytes(self._line) + line).rstrip())
            self._line.clear()
        self._line += rest
        if len(self._line) > _KEPT:  # a line without end is logged in pieces
            _logger.info("%s", _readable(bytes(self._line)))
            self._line.clear()

    def text(self) -> str:
        """Return the end of what was written: at most 64 KiB, without colours and secrets."""
        return _readable(bytes(self._tail))
