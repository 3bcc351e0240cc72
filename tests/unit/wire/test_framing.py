"""Bytes to lines, however they are cut."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codex_trio._wire.framing import LineSplitter, LineTooLongError

MIB = 1 << 20
calm = settings(deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])


def split(chunks: list[bytes], max_size: int = MIB) -> list[bytes | bytearray]:
    splitter = LineSplitter(max_size)
    return [line for chunk in chunks for line in splitter.feed(chunk)] + splitter.finish()


@st.composite
def cut_streams(draw: st.DrawFn) -> tuple[bytes, list[bytes]]:
    stream = draw(st.lists(st.binary(max_size=20) | st.sampled_from([b"", b"\r", b" "])).map(b"\n".join))
    cuts = draw(st.lists(st.integers(0, len(stream)))) if stream else []
    return stream, [stream[begin:end] for begin, end in pairwise([0, *sorted(cuts), len(stream)])]


@pytest.mark.extended
@calm
@given(cut_streams())
def test_any_cut_of_a_stream_gives_the_same_lines(cut: tuple[bytes, list[bytes]]) -> None:
    stream, chunks = cut

    expected = stream.split(b"\n")
    assert split(chunks) == (expected if expected[-1] else expected[:-1])


def test_a_line_comes_with_the_chunk_that_ends_it() -> None:
    splitter = LineSplitter(MIB)

    assert splitter.feed(b'{"a"') == []
    assert splitter.feed(b": 1}") == []
    assert splitter.feed(b'\n{"b": 2}\n{"c') == [b'{"a": 1}', b'{"b": 2}']
    assert splitter.finish() == [b'{"c']


def test_nothing_is_left_after_the_last_line() -> None:
    splitter = LineSplitter(MIB)
    splitter.feed(b"last words")

    assert splitter.finish() == [b"last words"]
    assert splitter.finish() == []


def test_a_cut_inside_a_character_does_no_harm() -> None:
    line = '{"text": "größer 🦀"}'.encode()

    assert split([line[:17], line[17:] + b"\n"]) == [line]


@pytest.mark.parametrize("chunks", [[b"12345678\n"], [b"1234", b"5678", b"\n"], [b"12345678"]])
def test_a_line_as_long_as_the_limit_passes(chunks: list[bytes]) -> None:
    assert split(chunks, max_size=8) == [b"12345678"]


@pytest.mark.parametrize(
    "chunks",
    [[b"123456789\n"], [b"1234", b"56789", b"\n"], [b"12345678", b"9\n"], [b"ok\n12345", b"6789"], [b"123456789"]],
)
def test_a_longer_line_is_an_error_that_names_size_and_limit(chunks: list[bytes]) -> None:
    with pytest.raises(LineTooLongError, match=r"9 bytes .*limit of 8 \(max_message_size\)"):
        split(chunks, max_size=8)


def test_a_line_that_never_ends_is_an_error_once_it_passes_the_limit() -> None:
    splitter = LineSplitter(1_000)
    for _ in range(10):
        splitter.feed(b"x" * 100)

    with pytest.raises(LineTooLongError, match="1,001 bytes or more"):
        splitter.feed(b"x")


def test_only_the_pieces_of_one_line_count_together() -> None:
    splitter = LineSplitter(8)

    assert [line for _ in range(10) for line in splitter.feed(b"678\n12345")] == [b"678"] + [b"12345678"] * 9


def test_a_chunk_of_many_short_lines_may_be_longer_than_the_limit() -> None:
    assert split([b"1234567\n" * 100], max_size=8) == [b"1234567"] * 100


def test_a_long_line_in_many_chunks_takes_time_in_proportion_to_its_length() -> None:
    # If each chunk were joined to what is there, this would copy half a terabyte.
    splitter = LineSplitter(64 * MIB)
    chunk = b"x" * 1_024
    begun = time.perf_counter()

    for _ in range(32 * 1_024):
        assert splitter.feed(chunk) == []
        assert time.perf_counter() - begun < 5
    (line,) = splitter.feed(b"\n")

    assert len(line) == 32 * MIB
