"""Read the recorded sessions in `tests/traces`."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.support.folders import TRACES

Message = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """One line of a trace."""

    seconds: float
    connection: str
    is_ours: bool
    message: Message

    @property
    def method(self) -> str | None:
        return self.message.get("method")

    @property
    def is_notification(self) -> bool:
        return self.method is not None and "id" not in self.message

    @property
    def turn_id(self) -> str | None:
        """The turn that a notification or a request speaks of."""
        params = self.message.get("params") or {}
        turn: str | None = params.get("turnId") or (params.get("turn") or {}).get("id")
        return turn


@functools.cache
def read_trace(name: str) -> tuple[Row, ...]:
    """Return the messages of a trace, the recorder's remarks left out."""
    rows = rows_of(TRACES.joinpath(f"{name}.jsonl").read_text().splitlines())
    return tuple(row for row in rows if isinstance(row.message, dict) and row.message.keys() & {"method", "id"})


def rows_of(lines: Iterable[str]) -> Iterator[Row]:
    """Yield the lines of a trace; a remark of the recorder has the message `{"NOTE": remark}`."""
    for row in map(json.loads, lines):
        message = {"NOTE": row["msg"]} if row["dir"] == "note" else row["msg"]
        yield Row(row["t"] / 1000, row.get("conn", ""), row["dir"] == "c2s", message)
