"""Recorded messages spoilt: as a later server might change them, keys dropped, renamed, of another type; or byte by byte."""

from __future__ import annotations

import copy
import functools
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from hypothesis import strategies as st

from tests.support.folders import TRACES
from tests.support.recorded_turns import Message, RecordedTurn, all_turns
from tests.support.traces import read_trace

_ODD_VALUES: list[Any] = [
    None, True, False, 0, -1, 2**70, 1.5, "", "x", "\ud800", [], [None], [["x"]], {}, {"id": 1}, {"id": "x", "type": []},
]  # fmt: skip


Kind = Literal["drop", "rename", "retype"]


@dataclass(frozen=True)
class Mutation:
    """One change to one message."""

    index: int
    path: tuple[str | int, ...]
    kind: Kind
    value: Any = None

    def apply(self, message: Message) -> None:
        """Change `message`; nothing happens where an earlier change has taken the place away."""
        *way, key = self.path
        container: Any = message
        try:
            for step in way:
                container = container[step]
            old = container[key]
            if self.kind != "retype":
                del container[key]
            if self.kind == "rename":
                container[f"{key}V2"] = old
            if self.kind == "retype":
                container[key] = copy.deepcopy(self.value)
        except (LookupError, TypeError):
            return


@dataclass(frozen=True)
class SpoiltTurn:
    """A recorded turn with changes to its messages."""

    turn: RecordedTurn
    mutations: tuple[Mutation, ...]

    @property
    def messages(self) -> list[Message]:
        """What is to be played."""
        messages = [copy.deepcopy(row.message) for row in self.turn.rows]
        for mutation in self.mutations:
            mutation.apply(messages[mutation.index])
        return messages

    def is_intact(self, index: int | None) -> bool:
        """Whether a message is as it was recorded."""
        return all(mutation.index != index for mutation in self.mutations)


def paths(value: Any, way: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the way to every value within a message, the outer ones first."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in inside:
        yield (*way, key)
        yield from paths(inner, (*way, key))


@st.composite
def spoilt_turns(draw: st.DrawFn, *, spoils_ends: bool) -> SpoiltTurn:
    """Draw a recorded turn that came to an end, with up to twelve changes.

    Args:
        spoils_ends: Change the answer to `turn/start` and `turn/completed`, too; else leave these two alone.
    """
    turn = draw(st.sampled_from([turn for turn in all_turns() if turn.end_at is not None]))
    ends = [turn.start_at, turn.end_at or 0]
    # The two ends are a small part of the messages, and most of what matters.
    choice = st.sampled_from([index for index in range(len(turn.rows)) if index not in ends])
    if spoils_ends:
        choice |= st.sampled_from(ends)
    return SpoiltTurn(
        turn, tuple(draw(_mutations(turn, index)) for index in draw(st.lists(choice, min_size=1, max_size=12)))
    )


@st.composite
def _mutations(draw: st.DrawFn, turn: RecordedTurn, index: int) -> Mutation:
    path = draw(st.sampled_from(list(paths(turn.rows[index].message))))
    kinds: list[Kind] = ["drop", "rename", "retype"] if isinstance(path[-1], str) else ["retype"]
    kind = draw(st.sampled_from(kinds))
    return Mutation(index, path, kind, draw(st.sampled_from(_ODD_VALUES)) if kind == "retype" else None)


@dataclass(frozen=True)
class Oddity:
    """A change to whatever an answer is.

    Attributes:
        place: Where, from 0 to 1.
        kind: All of it is the value, or a part of it is changed.
    """

    place: float
    kind: Kind | Literal["all"]
    value: Any

    def apply(self, answer: Any) -> Any:
        """Return the answer with the change; it may be the same object."""
        ways = list(paths(answer))
        if self.kind == "all" or not ways:
            return copy.deepcopy(self.value)
        way = ways[int(self.place * len(ways))]
        kind: Kind = self.kind if isinstance(way[-1], str) else "retype"
        Mutation(0, way, kind, self.value).apply(answer)
        return answer


def oddities() -> st.SearchStrategy[list[Oddity]]:
    """Draw a few changes."""
    kinds: list[Kind | Literal["all"]] = ["drop", "rename", "retype", "retype", "all"]
    values = [value for value in _ODD_VALUES if value != "\ud800"]  # which cannot be sent
    one = st.builds(Oddity, st.floats(0, 1, exclude_max=True), st.sampled_from(kinds), st.sampled_from(values))
    return st.lists(one, min_size=1, max_size=3)


# --- byte by byte

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"(\s*:)?|[-+.\w]+|\[\]|\{\}')
PIECES = [
    b"null", b"true", b"-1", b"0", b"1.5", b"99999999999999999999", b'""', b'"x"', b'"\\u0000"',
    b"[]", b"{}", b"[{}]", b"[[null]]", b'{"id":1}', b'{"type":[]}', b'["a",1]',
]  # fmt: skip
_SHARDS = [
    b"", b"1e400", b'"\\ud800"',
    b"[[", b"}", b"]", b",", b":", b"\\", b'"', b"\n", b"\r\n", b"\x00", b"\xff", b"\xc3", b'"id":0,',
    b'"threadId":"t",', b'"turnId":"u",', b'"method":"error",', b'"item":[],',
]  # fmt: skip


@functools.cache
def recorded_lines(name: str) -> tuple[bytes, ...]:
    """Return what the server said in a trace, as it said it."""
    return tuple(json.dumps(row.message, ensure_ascii=False).encode() for row in read_trace(name) if not row.is_ours)


@dataclass(frozen=True)
class Slip:
    """One change to the bytes of a line.

    Attributes:
        kind: A value or a key of it is another one; some bytes are others; a bit is.
        place: Where, from 0 to 1.
        length: How many bytes it is about.
    """

    kind: Literal["value", "key", "bytes", "bit"]
    place: float
    length: int
    piece: bytes

    def apply(self, line: bytes) -> bytes:
        """Return the line with the change."""
        begin = int(self.place * len(line))
        end = begin + self.length
        if self.kind in ("value", "key"):
            spans = [one.span() for one in tokens(line, is_key=self.kind == "key")] or [(0, 0)]
            begin, end = spans[int(self.place * len(spans))]
        elif self.kind == "bit":
            end = begin + 1
            return line[:begin] + bytes(byte ^ 1 << self.length % 8 for byte in line[begin:end]) + line[end:]
        return line[:begin] + self.piece + line[end:]


def tokens(line: bytes, *, is_key: bool) -> list[re.Match[bytes]]:
    """Return the keys of a line, each with its colon, or the values that have nothing in them."""
    return [one for one in _TOKEN.finditer(line) if (one[1] is not None) == is_key]


@st.composite
def slips(draw: st.DrawFn, lines: Sequence[bytes], *, is_gentle: bool) -> Slip:
    """Draw a change, be it that something of `lines` comes where something else was.

    Args:
        lines: Where pieces are taken from.
        is_gentle: What was JSON stays JSON.
    """
    gentle: list[Literal["value", "key", "bytes", "bit"]] = ["value", "value", "value", "key"]
    rough: list[Literal["value", "key", "bytes", "bit"]] = ["value", "bytes", "bit"]
    kind = draw(st.sampled_from(gentle if is_gentle else rough))
    if kind == "value":
        pieces = [*PIECES, *(one[0] for line in lines for one in tokens(line[:2_000], is_key=False))]
    elif kind == "key":
        pieces = [one[0] for line in lines for one in tokens(line[:2_000], is_key=True)]
    else:
        pieces = _SHARDS
    length = draw(st.integers(0, 8) | st.sampled_from([50, 10_000]))
    return Slip(kind, draw(st.floats(0, 1, exclude_max=True)), length, draw(st.sampled_from(pieces)))


@functools.cache
def _lines_by_kind() -> list[list[tuple[bytes, ...]]]:
    """Return all recorded lines, each after the one before it, by method; answers by the length that they have."""
    kinds: dict[object, list[tuple[bytes, ...]]] = {}
    for path in sorted(TRACES.glob("*.jsonl")):
        lines = recorded_lines(path.stem)
        for number, line in enumerate(lines):
            message = json.loads(line)
            kind = message.get("method") or ("error" in message, len(line).bit_length())
            kinds.setdefault(kind, []).append(lines[max(0, number - 1) : number + 1])
    return list(kinds.values())


@st.composite
def slipped_lines(draw: st.DrawFn) -> list[bytes]:
    """Draw a line or two of a recorded session, with a few changes to the bytes of the last."""
    *before, line = draw(st.sampled_from(_lines_by_kind()).flatmap(st.sampled_from))
    change = slips([*before, line], is_gentle=draw(st.integers(0, 3)) > 0)
    for slip in draw(st.lists(change, min_size=1, max_size=3)):
        line = slip.apply(line)
    return [*before, line]
