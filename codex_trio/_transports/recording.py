"""`RecordingTransport`: what passes through another transport, written to a file as it passes. It never breaks that.

A line of the file is ``{"t": milliseconds since the first opening, "dir": direction, "conn": number of the connection,
"msg": message}``. `dir` is ``c2s`` (client to server), ``s2c`` (server to client) or ``note`` (a remark). What came that is
no JSON object is kept as a string. Three objects are no messages: ``{"CLOSED": why}`` where the connection was lost,
``{"UNREACHABLE": why}`` where it could not be made, ``{"TRIMMED": why}`` in place of a message that is not kept.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import stat
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import trio

from .._version import __version__
from ..abc import Transport
from ..errors import CodexTransportError
from .masking import MessageMask, mask_text
from .wrapping import WrappingTransport

_logger = logging.getLogger("codex_trio")

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_check = msgspec.json.Decoder(msgspec.Raw).decode  # builds nothing


class RecordingTransport(WrappingTransport):
    """Writes down what the client and the server say to each other, without secrets as `MessageMask` knows them.

    Args:
        inner: Carries the messages.
        path: Where to write: a file that nobody else records to. One that is there is replaced; a new one is for its
            owner's eyes only.
    """

    def __init__(self, inner: Transport, path: str | os.PathLike[str]) -> None:
        super().__init__(inner)
        self._path = str(Path(path).absolute())  # as each connection opens it, wherever the program is by then
        self._file: BinaryIO | None = None
        self._has_stopped = False
        self._is_over = False  # its loss is written, or it is being closed
        self._begun = self._written_at = 0.0
        self._failure: tuple[float, bytes] | None = None  # when `send` failed, and how: `receive` may not tell of that
        self._connections = 0
        self._mask = MessageMask()

    async def open(self, nursery: trio.Nursery) -> None:
        """Reach the server, and begin to write. See `Transport.open`.

        Raises:
            CodexTransportError: Also when the file cannot be written; then nothing was done to reach the server.
        """
        if self._file is not None:
            raise RuntimeError("this transport is open already; each client needs its own")
        self._open_file()
        self._is_over, self._failure = False, None
        try:
            self._remark(f"codex_trio {__version__} reaches for {self.describe()}")
            await super().open(nursery)
        except BaseException as exc:
            error = exc if isinstance(exc, CodexTransportError) else CodexTransportError("opening it was given up")
            self._write("s2c", [_dump_loss("UNREACHABLE", error)])
            self._close_file()
            raise

    async def send(self, messages: Sequence[bytes]) -> None:
        """Write messages. See `Transport.send`."""
        # Before they are sent: the answer may be there before `send` returns.
        self._write("c2s", map(self._dump, messages))
        try:
            await super().send(messages)
        except CodexTransportError as exc:
            self._failure = trio.current_time(), _dump_loss("CLOSED", exc)
            raise

    async def receive(self) -> Sequence[bytes | bytearray]:
        """Wait for messages. See `Transport.receive`."""
        try:
            lines = await super().receive()
        except CodexTransportError as exc:
            if not self._is_over:  # else it is no loss
                self._is_over = True
                self._write("s2c", [_dump_loss("CLOSED", exc)])
            raise
        self._write("s2c", map(self._dump, lines))
        return lines

    async def aclose(self) -> None:
        """Let go of the server, and of the file. See `Transport.aclose`."""
        if self._failure is not None and not self._is_over:
            failed_at, loss = self._failure
            self._write("s2c", [loss], max(failed_at, self._written_at))
        self._is_over = True
        self._remark("the client closes the connection")
        try:
            await super().aclose()
        finally:
            self._close_file()

    def _dump(self, line: bytes | bytearray) -> bytes | bytearray:
        """Return a message in the JSON of one line. One without secrets is not touched."""
        line = line.strip()
        try:
            if not _is_object(line):
                return _dump_text(line.decode("utf-8", "surrogateescape"))
            if b"\n" not in line and not self._mask.may_find(line):
                return line
            message = _decode(line)
            masked = _encode(self._mask.apply(message))
            self._mask.forget(message)
            return masked
        except (ValueError, RecursionError) as exc:  # it is nested too deeply, or has a number out of all range
            return _encode({"TRIMMED": f"a message of {len(line)} bytes that cannot be searched for secrets: {exc}"})

    def _remark(self, text: str) -> None:
        self._write("note", [_dump_text(text)])

    # --- the file

    def _open_file(self) -> None:
        if self._has_stopped:
            return
        is_first = self._connections == 0
        try:
            self._file = open(self._path, "wb" if is_first else "ab", opener=_open_alone)  # noqa: SIM115  see aclose
        except (OSError, ValueError) as exc:
            if is_first:
                raise CodexTransportError(f"cannot record to {self._path!r}, so nothing was started: {exc}") from exc
            self._stop(exc)
        if is_first:
            self._begun = trio.current_time()
        self._connections += 1

    def _write(self, direction: str, messages: Iterable[bytes | bytearray], at: float | None = None) -> None:
        if self._file is None:
            return
        self._written_at = trio.current_time() if at is None else at
        milliseconds = 1000 * (self._written_at - self._begun)
        head = f'{{"t": {milliseconds:.1f}, "dir": "{direction}", "conn": "{self._connections}", "msg": '.encode()
        try:
            for message in messages:
                self._file.writelines((head, message, b"}\n"))
            self._file.flush()
        except OSError as exc:
            self._stop(exc)

    def _stop(self, exc: Exception) -> None:
        _logger.warning("nothing more is recorded to %s: %s", self._path, exc)
        self._has_stopped = True
        self._close_file()

    def _close_file(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):  # of what could not be written before
                file.close()


def _open_alone(path: str, flags: int) -> int:
    """Open a file for writing that nobody else records to; it is not emptied before that is known."""
    if os.path.exists(path) and stat.S_ISFIFO(os.stat(path).st_mode):
        raise OSError("it is a pipe, which may be read slowly or not at all, and then the client would stand still")
    file = os.open(path, flags & ~os.O_TRUNC, 0o600)
    try:
        if stat.S_ISREG(os.fstat(file).st_mode):  # /dev/null is for all
            _lock(file)
            if flags & os.O_TRUNC:
                os.ftruncate(file, 0)
    except BaseException:
        os.close(file)
        raise
    return file


def _lock(file: int) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        raise OSError("another client records to it; each needs a file of its own") from exc
    except OSError:
        pass  # not every file system has locks


def _is_object(line: bytes | bytearray) -> bool:
    if line[:1] != b"{":
        return False
    try:
        _check(line)
        return line.isascii() or bool(line.decode("utf-8"))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False


def _dump_loss(kind: str, error: CodexTransportError) -> bytes:
    loss: dict[str, Any] = {kind: mask_text(str(error))}
    if error.returncode is not None:
        loss["returncode"] = error.returncode
    if error.stderr_tail:
        loss["stderr"] = mask_text(error.stderr_tail)
    return json.dumps(loss).encode()


def _dump_text(text: str) -> bytes:
    return json.dumps(mask_text(text)).encode()  # which can write bytes that are no UTF-8, as lone surrogates
