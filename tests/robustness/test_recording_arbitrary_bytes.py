"""A recording of whatever bytes come: the client is given what the server sent, and the file has a row for each of them."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
import trio
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from codex_trio import CodexTransportError, Transport, open_codex_client
from codex_trio._transports.recording import RecordingTransport
from codex_trio.testing import ScriptedAppServer, say
from tests.support.mutations import slipped_lines

SECRETS = b'{"apiKey":"0123456789",', b'{"token":1,"env":', b'{"id":7,"result":{"answers":{"a":1}},"x":'
ODD = [
    b'{"method":"x/y","params":{"token":1e999}}',
    b'{"method":"x/y","params":{"token":1,"n":' + b"9" * 5_000 + b"}}",
    b'{"method":"x/y","params":{"token":1,"n":' + b"9" * 25 + b"}}",
    b'{"method":"x/y","params":{"token":"\\ud800"}}',
    b'{"method":"x/y","params":{"token":"\xed\xa0\x80"}}',
    b'{"method":"x/y",\n"params":{"a":1e999}}',
    b'{"token":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    b'{"token":' * 5_000 + b"1" + b"}" * 5_000,
    b"[" * 100_000,
    b'["token",1e999]',
    *(
        b'{"id":7,"method":"item/tool/requestUserInput","params":{"questions":[{"id":%s,"isSecret":true}]}}' % odd
        for odd in (b"[]", b"{}", b"null", b"1.5", b"true")
    ),
]


class Lines(Transport):
    """Brings these lines."""

    def __init__(self, lines: list[bytes]) -> None:
        self._batches = [[*lines]]

    async def open(self, nursery: trio.Nursery) -> None:
        await trio.lowlevel.checkpoint()

    async def send(self, messages: Sequence[bytes]) -> None:
        await trio.lowlevel.checkpoint()

    async def receive(self) -> Sequence[bytes]:
        await trio.lowlevel.checkpoint()
        if not self._batches:
            raise CodexTransportError("there are no more lines")
        return self._batches.pop()

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()


async def record(lines: list[bytes], path: Path) -> None:
    """Let these lines pass, both ways; look at what comes out."""
    transport = RecordingTransport(Lines(lines), path)
    async with trio.open_nursery() as nursery:
        await transport.open(nursery)
        await transport.send(lines)
        assert await transport.receive() == lines
        await transport.aclose()


@st.composite
def spoilt_lines(draw: st.DrawFn) -> list[bytes]:
    """Draw lines, some of which have secrets, and are thereby looked at; the last ones are spoilt."""
    lines = draw(slipped_lines())
    head = draw(st.sampled_from([b"", *SECRETS]))
    if head:
        lines = [head + line[1:] if head.endswith(b",") else head + line + b"}" for line in lines]
    return [*draw(st.lists(st.sampled_from(ODD), max_size=1)), *lines]


@pytest.mark.extended
@settings(
    max_examples=300,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@example(ODD)
@given(spoilt_lines())
def test_whatever_passes_is_in_the_file_and_comes_through_unchanged(lines: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x")
        trio.run(record, lines, path)
        rows = [json.loads(row) for row in path.read_bytes().split(b"\n")[:-1]]

    assert [row["dir"] for row in rows] == ["note", *["c2s"] * len(lines), *["s2c"] * len(lines), "note"]


@pytest.mark.parametrize("line", ODD, ids=map(str, range(len(ODD))))
async def test_a_client_that_records_sees_what_one_sees_that_does_not(
    line: bytes, tmp_path: Path, autojump_clock: MockClock
) -> None:
    async def talk(record: Path | None) -> tuple[str, int]:
        server = ScriptedAppServer()
        server.default(say("hello"))
        async with open_codex_client(server.transport(), record=record) as client:
            server.connection.send_bytes(line)
            return (await client.chat_once("Go")).final_text, client.statistics().ignored_messages

    assert await talk(tmp_path / "x") == await talk(None)
