"""`StderrTail`: read a server's stderr, keep the end of it, and log it line by line."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import suppress

import msgspec
import trio

from .._redaction import MASK, redact
from ..text import clean_text, plain_output
from .secrets import Secret

_logger = logging.getLogger("codex_trio.server")

_TAIL_SIZE = 65_536  # bytes
_READ_SIZE = 8_192  # bytes; few, because logging thousands of short lines would block the event loop
_SHORTEST_SECRET = 8  # characters
_INDENT = "    "  # so that no line of the server looks like a separate log record


class StderrTail:
    """Reads a stream to its end, in chunks.

    Args:
        secrets: Redacted in the output, also in their JSON spelling, in addition to text that looks like a
            secret. Values of less than eight characters are ignored, because they may be ordinary text.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self.ended = trio.Event()
        self._secrets = Secret(sorted({*_spellings(secrets)}, key=len, reverse=True))
        self._tail = bytearray()
        self._line = bytearray()

    @trio.lowlevel.enable_ki_protection
    async def drain(self, stream: trio.abc.ReceiveStream) -> None:
        """Read `stream` until it ends or is closed."""
        try:
            while chunk := await stream.receive_some(_READ_SIZE):
                self._process(bytes(chunk))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # treated as the end of the stream
        finally:
            if self._line:
                self._log(bytes(self._line))
            self.ended.set()

    def _process(self, chunk: bytes) -> None:
        self._tail += chunk
        del self._tail[:-_TAIL_SIZE]
        if not _logger.isEnabledFor(logging.INFO):  # skip the cost of cleaning the text
            return
        *lines, rest = chunk.split(b"\n")
        for line in lines:
            self._log(bytes(self._line) + line)
            self._line.clear()
        self._line += rest
        if len(self._line) > _TAIL_SIZE:  # log a very long line in parts
            self._log(bytes(self._line))
            self._line.clear()

    def _log(self, line: bytes) -> None:
        _logger.info("%s", self._sanitize(line.rstrip(), indent=_INDENT))

    def text(self) -> str:
        """Return the end of the output: at most 64 KiB, cleaned, and without colours and secrets."""
        return self._sanitize(bytes(self._tail), indent="")

    def _sanitize(self, raw: bytes, *, indent: str) -> str:
        return redact(self.mask(clean_text(plain_output(raw.decode("utf-8", "replace")), indent=indent)))

    def mask(self, text: str) -> str:
        """Redact the secrets of this process in a text."""
        for secret in self._secrets.reveal():
            text = text.replace(secret, MASK)
        return text


def _spellings(secrets: Iterable[str]) -> Iterator[str]:
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET:
            yield secret
            with suppress(UnicodeEncodeError):  # not valid UTF-8, so JSON cannot contain it
                yield msgspec.json.encode(secret).decode()[1:-1]
