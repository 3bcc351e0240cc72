"""Read a file written by `open_codex_client(record=...)`, by connection. Knows nothing about the playback."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import msgspec

from ...errors import CodexTransportError
from .._wire_shapes import Message


class _Line(msgspec.Struct):
    t: float  # milliseconds
    dir: Literal["c2s", "s2c", "note"]
    msg: msgspec.Raw
    conn: str = ""


_decode_line = msgspec.json.Decoder(_Line).decode


@dataclass(frozen=True, slots=True)
class Row:
    """A message from either side, or a disconnect.

    Attributes:
        line: Line number in the file, from 1.
        seconds: Time since the start of the recording.
        is_from_client: Whether the client sent it.
        raw: The bytes of the message; empty for a disconnect.
        message: The decoded message; `None` if it is not a JSON object.
        disconnect: The error that ended the connection.
    """

    line: int
    seconds: float
    is_from_client: bool
    raw: bytes
    message: Message | None
    disconnect: CodexTransportError | None = None


@dataclass(slots=True)
class RecordedConnection:
    """One connection.

    Attributes:
        opened_at: Seconds from the start of the recording, or to the first message if no opening was recorded.
        refusal: The error because of which it was not opened.
    """

    opened_at: float
    rows: list[Row] = field(default_factory=list)
    refusal: Row | None = None


def read_recording(path: str | os.PathLike[str]) -> dict[str, RecordedConnection]:
    """Read a file and return its connections by name, in the order in which they were opened.

    Raises:
        OSError: The file cannot be read.
        ValueError: A line is not from a recording, or the file is empty. An incomplete last line is ignored, because
            the program may have died while writing it.
    """
    found: dict[str, RecordedConnection] = {}
    lines = Path(path).read_bytes().split(b"\n")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            _take(found, _read_line(line), number)
        except (ValueError, TypeError, KeyError) as exc:
            if number == len(lines):
                break
            raise ValueError(f"{os.fspath(path)}, line {number}: not a valid line of a recording: {exc}") from exc
    if not found:
        raise ValueError(f"{os.fspath(path)} is not a recording: it has no connection")
    return found


def _read_line(line: bytes) -> _Line:
    try:
        return _decode_line(line)
    except msgspec.DecodeError:
        # Invalid UTF-8 was written as lone surrogates, which only the standard library decodes.
        row = json.loads(line)
        return msgspec.convert({**row, "msg": msgspec.Raw(json.dumps(row["msg"]).encode())}, _Line)


def _take(found: dict[str, RecordedConnection], read: _Line, number: int) -> None:
    raw, seconds, is_from_client = bytes(read.msg), read.t / 1000, read.dir == "c2s"
    if read.dir == "note":
        if read.conn:  # other notes do not belong to a connection
            found.setdefault(read.conn, RecordedConnection(seconds))
        return
    message: Any = json.loads(raw) if raw[:1] == b'"' else msgspec.json.decode(raw)
    connection = found.setdefault(read.conn, RecordedConnection(seconds))
    if isinstance(message, str):
        connection.rows.append(Row(number, seconds, is_from_client, message.encode("utf-8", "surrogateescape"), None))
    elif not isinstance(message, dict):
        raise ValueError("a message must be an object or a string")
    elif "UNREACHABLE" in message:
        connection.refusal = Row(number, seconds, is_from_client, b"", None, _error(message["UNREACHABLE"], message))
    elif "CLOSED" in message:
        connection.rows.append(Row(number, seconds, is_from_client, b"", None, _error(message["CLOSED"], message)))
    elif "TRIMMED" not in message:  # a trimmed message was not recorded
        connection.rows.append(Row(number, seconds, is_from_client, raw, message))


def _error(reason: object, message: Message) -> CodexTransportError:
    return CodexTransportError(str(reason), returncode=message.get("returncode"), stderr_tail=message.get("stderr", ""))


def pair_responses(rows: Sequence[Row]) -> dict[int, int]:
    """Map the index of each response from the server to the index of its request."""
    pending: dict[str, list[int]] = {}  # requests without a response so far, by their ids
    pairs: dict[int, int] = {}
    for index, row in enumerate(rows):
        message = row.message or {}
        if "id" not in message:
            continue
        id_ = json.dumps(message["id"])  # 1 and "1" differ
        if row.is_from_client and "method" in message:
            pending.setdefault(id_, []).append(index)
        elif not row.is_from_client and "method" not in message and pending.get(id_):
            pairs[index] = pending[id_].pop(0)
    return pairs
