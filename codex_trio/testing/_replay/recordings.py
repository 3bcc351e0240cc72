"""What a file of `open_codex_client(record=...)` says, by connection. Reads; knows nothing of how it is played."""

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
    """Something that one side sent, or the loss of the connection.

    Attributes:
        line: Where it stands in the file, from 1.
        seconds: When it passed.
        is_from_client: The client sent it.
        raw: The message, byte for byte; empty for a loss.
        message: The same, read; `None` if it is no JSON object.
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
        opened_at: When it was opened, as far as that is known.
        refusal: Why it could not be opened.
    """

    opened_at: float
    rows: list[Row] = field(default_factory=list)
    refusal: Row | None = None


def read_recording(path: str | os.PathLike[str]) -> dict[str, RecordedConnection]:
    """Read a file, and return its connections by name, in the order in which they were opened.

    Raises:
        OSError: It cannot be read.
        ValueError: A line is none of a recording, or there is none. The last one may be torn: it was being written when
            the program died.
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
            raise ValueError(f"{os.fspath(path)}, line {number}: no row of a recording: {exc}") from exc
    if not found:
        raise ValueError(f"{os.fspath(path)} is no recording: it has no row of one")
    return found


def _read_line(line: bytes) -> _Line:
    try:
        return _decode_line(line)
    except msgspec.DecodeError:
        # Bytes that are no UTF-8 were written as lone surrogates, which only the standard library reads.
        row = json.loads(line)
        return msgspec.convert({**row, "msg": msgspec.Raw(json.dumps(row["msg"]).encode())}, _Line)


def _take(found: dict[str, RecordedConnection], read: _Line, number: int) -> None:
    raw, seconds, is_from_client = bytes(read.msg), read.t / 1000, read.dir == "c2s"
    if read.dir == "note":
        if read.conn:  # other remarks belong to no connection
            found.setdefault(read.conn, RecordedConnection(seconds))
        return
    message: Any = json.loads(raw) if raw[:1] == b'"' else msgspec.json.decode(raw)
    connection = found.setdefault(read.conn, RecordedConnection(seconds))
    if isinstance(message, str):
        connection.rows.append(Row(number, seconds, is_from_client, message.encode("utf-8", "surrogateescape"), None))
    elif not isinstance(message, dict):
        raise ValueError("a message is an object, or a string")
    elif "UNREACHABLE" in message:
        connection.refusal = Row(number, seconds, is_from_client, b"", None, _error(message["UNREACHABLE"], message))
    elif "CLOSED" in message:
        connection.rows.append(Row(number, seconds, is_from_client, b"", None, _error(message["CLOSED"], message)))
    elif "TRIMMED" not in message:  # that one is not there to be played
        connection.rows.append(Row(number, seconds, is_from_client, raw, message))


def _error(why: object, message: Message) -> CodexTransportError:
    return CodexTransportError(str(why), returncode=message.get("returncode"), stderr_tail=message.get("stderr", ""))


def pair_answers(rows: Sequence[Row]) -> dict[int, int]:
    """Return for each answer of the server, by index, the index of the request that it answers."""
    asked: dict[str, list[int]] = {}  # requests without an answer so far, by their ids
    pairs: dict[int, int] = {}
    for index, row in enumerate(rows):
        message = row.message or {}
        if "id" not in message:
            continue
        id_ = json.dumps(message["id"])  # 1 and "1" are two
        if row.is_from_client and "method" in message:
            asked.setdefault(id_, []).append(index)
        elif not row.is_from_client and "method" not in message and asked.get(id_):
            pairs[index] = asked[id_].pop(0)
    return pairs
