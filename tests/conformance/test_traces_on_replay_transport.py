"""Every recorded trace, played whole: whoever sends what was sent gets exactly what was answered."""

from __future__ import annotations

import json
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from codex_trio.testing import ReplayTransport
from tests.support.folders import TRACES

Message = dict[str, Any]


def connections_of_traces() -> list[tuple[str, str]]:
    found = [
        (path.name, json.loads(line).get("conn", ""))
        for path in sorted(TRACES.glob("*.jsonl"))
        for line in path.read_text().splitlines()
        if json.loads(line)["dir"] != "note"
    ]
    return list(dict.fromkeys(found))


def recorded(name: str, connection: str) -> list[tuple[float, bool, bytes]]:
    """Return when each message of a connection passed, whether it is of the client, and its bytes."""
    rows = [json.loads(line) for line in TRACES.joinpath(name).read_text().splitlines()]
    return [
        (row["t"] / 1000, row["dir"] == "c2s", dumped(row["msg"]))
        for row in rows
        if row["dir"] != "note" and row.get("conn", "") == connection and not is_remark(row["msg"])
    ]


def is_remark(message: object) -> bool:
    return isinstance(message, dict) and not message.keys().isdisjoint({"CLOSED", "TRIMMED"})


def dumped(message: Any) -> bytes:
    return message.encode() if isinstance(message, str) else json.dumps(message).encode()


@pytest.mark.extended
@pytest.mark.parametrize("pauses", [True, False])
@pytest.mark.parametrize(("name", "connection"), connections_of_traces())
async def test_a_recorded_trace_is_played_exactly(
    name: str, connection: str, pauses: bool, autojump_clock: MockClock
) -> None:
    messages = recorded(name, connection)
    theirs = [(seconds, raw) for seconds, is_ours, raw in messages if not is_ours]
    transport = ReplayTransport(TRACES / name, connection=connection, pauses=pauses)
    got: list[tuple[float, bytes]] = []
    news = trio.lowlevel.ParkingLot()

    async def receive() -> None:
        while len(got) < len(theirs):
            lines = await transport.receive()
            got.extend((trio.current_time() - begun, json_bytes(line)) for line in lines)
            news.unpark_all()

    async with trio.open_nursery() as nursery:
        begun = trio.current_time() - messages[0][0]
        await transport.open(nursery)
        nursery.start_soon(receive)
        before = 0
        for seconds, is_ours, raw in messages:
            if not is_ours:
                before += 1
                continue
            while len(got) < before:
                await news.park()
            if pauses:
                await trio.sleep_until(begun + seconds)
            await transport.send([raw])
    await transport.aclose()

    assert [raw for _, raw in got] == [raw for _, raw in theirs]
    assert transport.is_finished
    assert transport.deviation is None
    if pauses:
        assert [seconds for seconds, _ in got] == pytest.approx([seconds for seconds, _ in theirs], abs=1e-6)
    else:
        assert got[-1][0] == pytest.approx(messages[0][0])


def json_bytes(line: bytes) -> bytes:
    """Write a line as the traces are written, so that nothing but the spelling may differ."""
    try:
        return json.dumps(json.loads(line)).encode()
    except ValueError:
        return line


def test_the_traces_have_connections_of_every_kind() -> None:
    assert len(connections_of_traces()) > 30
    assert {connection for _, connection in connections_of_traces()} >= {"", "1", "2", "A", "F"}


async def test_all_at_once_is_played_exactly_too(autojump_clock: MockClock) -> None:
    messages = recorded("turn_failures.jsonl", "")
    transport = ReplayTransport(TRACES / "turn_failures.jsonl")
    got: list[bytes] = []
    async with trio.open_nursery() as nursery:
        await transport.open(nursery)
        await transport.send([raw for _, is_ours, raw in messages if is_ours])
        while not transport.is_finished:
            got += await transport.receive()
        await transport.aclose()

    theirs = [raw for _, is_ours, raw in messages if not is_ours]
    assert len(got) > 0.9 * len(theirs)
    assert list(map(json_bytes, got)) == theirs[: len(got)]


async def test_answers_have_the_ids_of_the_requests_of_today(autojump_clock: MockClock) -> None:
    transport = ReplayTransport(TRACES / "handshake.jsonl", pauses=False)
    ids: dict[str, list[str]] = {}  # of today, by those of then; one of them was used twice
    ours: list[bytes] = []
    for _, is_ours, raw in recorded("handshake.jsonl", ""):
        message = json.loads(raw) if is_ours and raw.startswith(b'{"') and raw.endswith(b"}") else {}
        if is_ours and message.keys() >= {"id", "method"}:
            today = f"today-{len(ours)}"
            ids.setdefault(json.dumps(message["id"]), []).append(today)
            raw = json.dumps({**message, "id": today}).encode()
        if is_ours:
            ours.append(raw)
    expected = []
    for _, is_ours, raw in recorded("handshake.jsonl", ""):
        if not is_ours:
            message = json.loads(raw)
            expected.append({**message, "id": ids[json.dumps(message["id"])].pop(0)} if "id" in message else message)

    async with trio.open_nursery() as nursery:
        await transport.open(nursery)
        await transport.send(ours)
        got: list[Message] = []
        while len(got) < len(expected):
            got += [json.loads(line) for line in await transport.receive()]
        await transport.aclose()

    assert got == expected
    answers = [message["id"] for message in got if "id" in message]
    assert len(answers) == len(set(answers)) == 21
