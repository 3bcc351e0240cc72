"""Recorded sessions, byte by byte: however they are cut they say the same, and however they are spoilt nothing raises."""

from __future__ import annotations

from itertools import pairwise

import pytest
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trio.testing import memory_stream_one_way_pair

from codex_trio._transports.line_stream import LineStream
from codex_trio._wire.messages import Notice
from tests.support.folders import TRACES
from tests.support.line_consumer import consume_lines
from tests.support.mutations import recorded_lines, slipped_lines

calm = settings(
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
NAMES = sorted(path.stem for path in TRACES.glob("*.jsonl"))
INTERJECTIONS = [b"", b" ", b"\r", b"\t", b"warning: \xff\xfe", b"[]", b'{"half": ', b"\xef\xbb\xbf{}", b"null"]


class Chunks(trio.abc.ReceiveStream):
    """A stream that has been cut beforehand."""

    def __init__(self, chunks: list[bytes]) -> None:
        self._chunks = [chunk for chunk in chunks if chunk]

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        await trio.lowlevel.checkpoint()
        return self._chunks.pop(0) if self._chunks else b""

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()


def received(chunks: list[bytes]) -> list[bytes]:
    """Return the lines that a transport makes of these bytes."""
    lines: list[bytes] = []

    async def receive() -> None:
        send, _ = memory_stream_one_way_pair()
        stream = LineStream(send, Chunks(chunks), max_message_size=1 << 30)
        try:
            while True:
                lines.extend(map(bytes, await stream.receive()))
        except trio.EndOfChannel:
            return

    trio.run(receive)
    return lines


@st.composite
def cut_sessions(draw: st.DrawFn) -> tuple[list[bytes], list[bytes]]:
    """Draw lines of a session, some of them no messages; and the same as chunks."""
    lines = recorded_lines(draw(st.sampled_from(NAMES)))
    begin = draw(st.integers(0, len(lines) - 1))
    taken = list(lines[begin : begin + draw(st.integers(1, 8))])
    for interjection in draw(st.lists(st.sampled_from(INTERJECTIONS), max_size=4)):
        taken.insert(draw(st.integers(0, len(taken))), interjection)
    ending = draw(st.sampled_from([b"\n", b"\r\n"]))
    stream = ending.join(taken) + draw(st.sampled_from([b"", ending]))
    cuts = sorted(draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    return taken, [stream[begin:end] for begin, end in pairwise([0, *cuts, len(stream)])]


@pytest.mark.extended
@calm
@given(cut_sessions())
def test_any_cut_of_a_session_says_the_same(cut: tuple[list[bytes], list[bytes]]) -> None:
    lines, chunks = cut

    told = [message for message in consume_lines(received(chunks)) if message is not None]

    expected = [message for message in consume_lines(lines) if message is not None]
    assert [without_size(message) for message in told] == [without_size(message) for message in expected]


def without_size(message: object) -> object:
    # A carriage return is white space to JSON, and counts as a byte.
    return (message.method, message.raw) if isinstance(message, Notice) else message


def test_a_session_cut_into_single_bytes_says_the_same() -> None:
    lines = recorded_lines("version_0.100.0")[:30]

    assert consume_lines(received([bytes([byte]) for byte in b"\n".join(lines)])) == consume_lines(lines)


@pytest.mark.extended
@settings(calm, max_examples=1_000)
@given(slipped_lines())
def test_no_slip_raises_anything(lines: list[bytes]) -> None:
    consume_lines(b"\n".join(lines).split(b"\n"))


@pytest.mark.parametrize("name", NAMES)
def test_every_recorded_line_is_digested(name: str) -> None:
    lines = recorded_lines(name)

    assert [message for message in consume_lines(lines) if message is None] == []
    assert len(lines) > 0
