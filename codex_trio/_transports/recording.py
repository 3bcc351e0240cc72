"""`RecordingTransport`: record the messages of another transport to a file. Recording errors never break the connection.

A line of the file is ``{"t": milliseconds since the first opening, "dir": direction, "conn": number of the connection,
"msg": message}``. `dir` is ``c2s`` (client to server), ``s2c`` (server to client) or ``note`` (a comment). A line from the
server that is not a JSON object is recorded as a string. Three objects are not messages: ``{"CLOSED": reason}`` when the
connection was lost, ``{"UNREACHABLE": reason}`` when it could not be opened, ``{"TRIMMED": reason}`` instead of a message
that cannot be recorded.
"""

from __future__ import annotations

import errno
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

from .._local_names import LocalNames
from .._redaction import Redactor, redact, redact_strings
from .._version import __version__
from ..abc import Transport
from ..errors import CodexTransportError
from .wrapper import TransportWrapper

_logger = logging.getLogger("codex_trio")

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_check = msgspec.json.Decoder(msgspec.Raw).decode  # validates without building objects

_NOT_REGULAR = "it is not a regular file; writing to a pipe or a terminal could block the client"


class RecordingTransport(TransportWrapper):
    """Records the messages between client and server, redacted by `Redactor` and by `inner.redact`.

    Home folders and the names of this user and this machine are replaced; see `LocalNames`.

    Args:
        inner: The transport to record.
        path: The file to write: a regular file that belongs to this user, and that no other client records to. An existing
            file is replaced. Only its owner can read it.
    """

    def __init__(self, inner: Transport, path: str | os.PathLike[str]) -> None:
        super().__init__(inner)
        self._path = str(Path(path).absolute())  # each connection opens the file; the working directory may change
        self._file: BinaryIO | None = None
        self._disabled = False
        self._closed = False  # the end of the connection is recorded, or this client is closing it
        self._started_at = self._written_at = 0.0
        self._send_failure: tuple[float, bytes] | None = (
            None  # when and how `send` failed, in case `receive` does not fail
        )
        self._connections = 0
        self._redactor = Redactor()
        self._names = LocalNames.here()

    async def open(self, nursery: trio.Nursery) -> None:
        """Open the file, then the connection. See `Transport.open`.

        Raises:
            CodexTransportError: Also if the file cannot be written. In that case the inner transport is not opened.
        """
        if self._file is not None:
            raise RuntimeError("this transport is open already; each client needs its own")
        self._open_file()
        self._closed, self._send_failure = False, None
        try:
            self._note(f"codex_trio {__version__} connects to {self.describe()}")
            await super().open(nursery)
        except BaseException as exc:
            error = exc if isinstance(exc, CodexTransportError) else CodexTransportError("opening was cancelled")
            self._write("s2c", [self._dump_disconnect("UNREACHABLE", error)])
            self._close_file()
            raise

    async def send(self, messages: Sequence[bytes]) -> None:
        """Send messages. See `Transport.send`."""
        # Recorded before sending, because the response may arrive before `send` returns.
        self._write("c2s", map(self._dump, messages))
        try:
            await super().send(messages)
        except CodexTransportError as exc:
            self._send_failure = trio.current_time(), self._dump_disconnect("CLOSED", exc)
            raise

    async def receive(self) -> Sequence[bytes | bytearray]:
        """Receive messages. See `Transport.receive`."""
        try:
            lines = await super().receive()
        except CodexTransportError as exc:
            if not self._closed:  # else this client closed it
                self._closed = True
                self._write("s2c", [self._dump_disconnect("CLOSED", exc)])
            raise
        self._write("s2c", map(self._dump, lines))
        return lines

    async def aclose(self) -> None:
        """Close the connection and the file. See `Transport.aclose`."""
        if self._send_failure is not None and not self._closed:
            failed_at, entry = self._send_failure
            self._write("s2c", [entry], max(failed_at, self._written_at))
        self._closed = True
        self._note("the client closes the connection")
        try:
            await super().aclose()
        finally:
            self._close_file()

    def _dump(self, line: bytes | bytearray) -> bytes | bytearray:
        """Return a message as one line of redacted JSON. A message without secrets is returned unchanged."""
        line = line.strip()
        try:
            line = self._names.hide(self._without_own_secrets(line))
            if not _is_object(line):
                return self._dump_text(line.decode("utf-8", "surrogateescape"))
            if b"\n" not in line and not self._redactor.may_contain_secret(line):
                return line
            message = _decode(line)
            redacted = _encode(self._redactor.apply(message))
            self._redactor.discard_questions(message)
            return redacted
        except (ValueError, RecursionError) as exc:  # nested too deeply, or with a number out of range
            return _encode({"TRIMMED": f"a message of {len(line)} bytes that cannot be searched for secrets: {exc}"})

    def _without_own_secrets(self, line: bytes | bytearray) -> bytes | bytearray:
        """Return a message without the secrets of the connection."""
        text = line.decode("utf-8", "surrogateescape")
        redacted = self.redact(text)
        if redacted == text:
            return line
        if not _is_object(line):
            return redacted.encode("utf-8", "surrogateescape")
        return _encode(
            redact_strings(_decode(line), self.redact)
        )  # decoded first, because the secret may contain quotes

    def _note(self, text: str) -> None:
        self._write("note", [self._dump_text(text)])

    def _dump_disconnect(self, key: str, error: CodexTransportError) -> bytes:
        entry: dict[str, Any] = {key: self._hide(str(error))}
        if error.returncode is not None:
            entry["returncode"] = error.returncode
        if error.stderr_tail:
            entry["stderr"] = self._hide(error.stderr_tail)
        return json.dumps(entry).encode()

    def _dump_text(self, text: str) -> bytes:
        return json.dumps(
            self._hide(text)
        ).encode()  # unlike msgspec, `json` can encode lone surrogates (bytes that are not UTF-8)

    def _hide(self, text: str) -> str:
        return self._names.hide_in_text(redact(text))

    # --- the file

    def _open_file(self) -> None:
        if self._disabled:
            return
        is_first = self._connections == 0
        try:
            self._file = open(self._path, "wb" if is_first else "ab", opener=_open_exclusive)  # noqa: SIM115  see aclose
        except (OSError, ValueError) as exc:
            if is_first:
                raise CodexTransportError(
                    f"cannot record to {self._path!r}: {exc}; the connection was not opened"
                ) from exc
            self._disable(exc)
        if is_first:
            self._started_at = trio.current_time()
        self._connections += 1

    def _write(self, direction: str, messages: Iterable[bytes | bytearray], at: float | None = None) -> None:
        if self._file is None:
            return
        self._written_at = trio.current_time() if at is None else at
        milliseconds = 1000 * (self._written_at - self._started_at)
        head = f'{{"t": {milliseconds:.1f}, "dir": "{direction}", "conn": "{self._connections}", "msg": '.encode()
        try:
            for message in messages:
                self._file.writelines((head, message, b"}\n"))
            self._file.flush()
        except OSError as exc:
            self._disable(exc)

    def _disable(self, exc: Exception) -> None:
        _logger.warning("recording to %s stopped: %s", self._path, exc)
        self._disabled = True
        self._close_file()

    def _close_file(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):  # buffered data could not be written
                file.close()


def _open_exclusive(path: str, flags: int) -> int:
    """Open a file for writing. Truncate it only after checking that no other client or user uses it."""
    # The checks use the open file, because the path may point to another file later. Without O_NONBLOCK, opening a pipe
    # would block until it has a reader.
    flags = flags & ~os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
    truncates = flags & os.O_APPEND == 0
    try:
        file = os.open(path, flags, 0o600)
    except OSError as exc:
        if exc.errno == errno.ELOOP and os.path.islink(path):
            raise OSError("it is a symbolic link; pass the path of the file itself") from None
        if exc.errno == errno.ENXIO:  # a pipe without a reader, or a socket
            raise OSError(_NOT_REGULAR) from None
        raise
    try:
        if not os.path.samestat(os.fstat(file), os.stat(os.devnull)):  # /dev/null may be shared
            _make_private(file)
            if truncates:
                os.ftruncate(file, 0)
    except BaseException:
        os.close(file)
        raise
    return file


def _make_private(file: int) -> None:
    """Lock the file for this recording, and make it readable only by its owner."""
    status = os.fstat(file)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(_NOT_REGULAR)
    if status.st_uid != os.geteuid():
        raise OSError("the file belongs to another user, and that user could read the recording")
    _lock(file)
    if stat.S_IMODE(status.st_mode) & 0o077:
        os.fchmod(file, 0o600)


def _lock(file: int) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        raise OSError("another client records to this file; each client needs a separate file") from exc
    except OSError:
        pass  # the file system does not support locks


def _is_object(line: bytes | bytearray) -> bool:
    if line[:1] != b"{":
        return False
    try:
        _check(line)
        return line.isascii() or bool(line.decode("utf-8"))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
