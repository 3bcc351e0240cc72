"""`faulty`: the exact effect of each fault on messages, and how a client copes with it."""

from __future__ import annotations

import inspect
import json
import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from codex_trio import CodexTimeoutError, CodexTransportError, StdioTransport, Transport, open_codex_client
from codex_trio.testing import ScriptedAppServer, faulty, hang, run, say, think, wait
from tests.support.background import Background
from tests.support.fake_server_command import server as command
from tests.support.leaks import nothing_left


class Source(Transport):
    """A server that sends numbered messages: `batches` of so many each, one batch a second, and is lost after them."""

    def __init__(self, *batches: int) -> None:
        self._batches = batches
        self.sent: list[tuple[float, bytes]] = []

    async def open(self, nursery: trio.Nursery) -> None:
        await trio.lowlevel.checkpoint()
        self._begun = trio.current_time()
        self._left = list(self._batches)
        self._count = 0

    async def send(self, messages: Sequence[bytes]) -> None:
        await trio.lowlevel.checkpoint()
        self.sent += [(trio.current_time(), message) for message in messages]

    async def receive(self) -> Sequence[bytes]:
        gone = len(self._batches) - len(self._left)
        await trio.sleep_until(self._begun + gone + 1)
        if not self._left:
            raise CodexTransportError("the source has run dry", returncode=3)
        size = self._left.pop(0)
        self._count += size
        return [b"%d" % number for number in range(self._count - size + 1, self._count + 1)]

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()


async def drained(transport: Transport) -> tuple[list[tuple[float, list[bytes | bytearray]]], CodexTransportError]:
    """Read one connection to its end: the batches with their times, and the loss."""
    batches: list[tuple[float, list[bytes | bytearray]]] = []
    async with trio.open_nursery() as nursery:
        begun = trio.current_time()
        await transport.open(nursery)
        try:
            while True:
                lines = await transport.receive()
                batches.append((trio.current_time() - begun, list(lines)))
        except CodexTransportError as exc:
            loss = exc
        with pytest.raises(CodexTransportError):
            await transport.receive()
        await transport.aclose()
    return batches, loss


def numbers(batches: list[tuple[float, list[bytes | bytearray]]]) -> list[bytes | bytearray]:
    return [line for _, lines in batches for line in lines]


# --- what they do to messages


@pytest.mark.parametrize("disconnect_after", range(8))
async def test_a_cut_comes_after_exactly_so_many_messages(disconnect_after: int, autojump_clock: MockClock) -> None:
    transport = faulty(Source(1, 3, 2), disconnect_after=disconnect_after)

    batches, loss = await drained(transport)

    assert numbers(batches) == [b"%d" % number for number in range(1, min(disconnect_after, 6) + 1)]
    assert ("disconnected after" in str(loss)) == (disconnect_after <= 6)
    if disconnect_after <= 6:
        assert trio.current_time() == (batches[-1][0] if batches else 0)  # nothing was waited for any more
        assert f"disconnected after {disconnect_after} messages" in str(loss)


async def test_a_number_cuts_the_first_connection_and_a_sequence_each_in_turn(autojump_clock: MockClock) -> None:
    one, several = faulty(Source(4), disconnect_after=2), faulty(Source(4), disconnect_after=[3, None, 0])

    assert [len(numbers((await drained(one))[0])) for _ in range(3)] == [2, 4, 4]
    assert [len(numbers((await drained(several))[0])) for _ in range(4)] == [3, 4, 0, 4]


async def test_nothing_is_sent_after_a_cut(autojump_clock: MockClock) -> None:
    source = Source(1)
    transport = faulty(source, disconnect_after=1)
    async with trio.open_nursery() as nursery:
        await transport.open(nursery)
        await transport.send([b"before"])
        await transport.receive()
        with pytest.raises(CodexTransportError, match="disconnected after 1 messages"):
            await transport.send([b"after"])
        await transport.aclose()
    assert [message for _, message in source.sent] == [b"before"]


@pytest.mark.parametrize("delay", [0.25, 10.0])
async def test_a_delay_shifts_everything_and_adds_up_to_no_more(delay: float, autojump_clock: MockClock) -> None:
    expected, expected_loss = await drained(Source(1, 3, 2))

    batches, loss = await drained(faulty(Source(1, 3, 2), delay=delay))

    assert batches == [(seconds + delay, lines) for seconds, lines in expected]
    assert (str(loss), loss.returncode) == (str(expected_loss), 3)


async def test_a_delayed_message_survives_a_receive_that_is_cancelled(autojump_clock: MockClock) -> None:
    transport = faulty(Source(1, 1), delay=0.5)
    got: list[bytes | bytearray] = []
    async with trio.open_nursery() as nursery:
        await transport.open(nursery)
        while len(got) < 2:
            with trio.move_on_after(0.3):
                got += await transport.receive()
        await transport.aclose()
    assert got == [b"1", b"2"]
    assert trio.current_time() == 2.5, "nothing goes on after it was closed"


async def test_every_so_many_messages_one_is_garbled(autojump_clock: MockClock) -> None:
    batches, _ = await drained(faulty(Source(1, 3, 2), corrupt=3))

    lines = numbers(batches)
    assert [lines[0], lines[1], lines[3], lines[4]] == [b"1", b"2", b"4", b"5"]
    assert lines[2] == lines[5]
    with pytest.raises(ValueError, match="Unterminated"):
        json.loads(lines[2])


async def test_a_function_may_garble_as_it_likes(autojump_clock: MockClock) -> None:
    batches, _ = await drained(faulty(Source(2, 1), corrupt=lambda line: line * 2, disconnect_after=2))

    assert numbers(batches) == [b"11", b"22"]


async def test_a_slow_reader_takes_what_is_sent_only_after_a_while(autojump_clock: MockClock) -> None:
    source = Source()
    transport = faulty(source, send_delay=7)
    async with trio.open_nursery() as nursery:
        await transport.open(nursery)
        await transport.send([b"one", b"two"])
        await transport.send([b"three"])
        await transport.aclose()
    assert source.sent == [(7, b"one"), (7, b"two"), (14, b"three")]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"disconnect_after": -1}, "disconnect_after must be"),
        ({"disconnect_after": [3, -1]}, "disconnect_after must be"),
        ({"delay": -0.1}, "delay must be"),
        ({"delay": math.nan}, "delay must be"),
        ({"send_delay": math.inf}, "send_delay must be"),
        ({"corrupt": 0}, "corrupt must be"),
    ],
)
def test_faults_that_make_no_sense_are_refused(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        faulty(Source(), **options)


def test_faults_speak_for_the_transport_within() -> None:
    inner = StdioTransport("some server", connect_timeout=7)
    inner.max_send_size = 99
    transport = faulty(inner)

    assert (transport.describe(), transport.connect_timeout, transport.max_send_size) == ("some server", 7, 99)
    assert transport.stderr_tail == inner.stderr_tail == ""


async def test_a_limit_that_is_known_only_when_open_is_told(autojump_clock: MockClock) -> None:
    class Limited(Source):
        async def open(self, nursery: trio.Nursery) -> None:
            await super().open(nursery)
            self.max_send_size = 77

    transport = faulty(Limited())
    async with trio.open_nursery() as nursery:
        await transport.open(nursery)
        assert transport.max_send_size == 77
        await transport.aclose()


# --- what a client makes of them


async def test_a_client_is_told_of_a_cut_with_the_continuation(autojump_clock: MockClock) -> None:
    passed: list[bytes] = []

    def note(line: bytes) -> bytes:
        passed.append(line)
        return line

    async def talk(**options: Any) -> tuple[list[str], CodexTransportError | None]:
        server = ScriptedAppServer()
        server.on_turn(think("one"), say("two"))
        steps: list[str] = []
        async with open_codex_client(faulty(server.transport(), **options)) as client:
            try:
                async for step in client.chat("Go"):
                    steps.append(step.text)
            except CodexTransportError as exc:
                with pytest.raises(CodexTransportError, match="disconnected after"):
                    await client.request("thread/list")
                return steps, exc
        return steps, None

    assert await talk(corrupt=note) == (["one", "two"], None)
    first = next(place for place, line in enumerate(passed, 1) if b"item/completed" in line and b"reasoning" in line)
    steps, error = await talk(disconnect_after=first)
    assert steps == ["one"]
    assert error is not None
    assert error.continuation is not None
    assert f"disconnected after {first} messages" in str(error)


@pytest.mark.parametrize("disconnect_after", [[5], [12, 4], [9, None], [11, 3, 6]])
async def test_a_reconnecting_client_sees_pauses_only(
    disconnect_after: list[int | None], nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(think("one"), wait(5), run("two"), wait(5), say("three"))
    async with open_codex_client(
        faulty(server.transport(), disconnect_after=disconnect_after), reconnect=True
    ) as client:
        thread = await started(client.start_thread)
        result = await started(lambda: thread.chat_once("Go"))
    assert [step.text for step in result.steps] == ["one", "/bin/bash -lc two", "three"]


async def test_the_example_of_its_docstring_does_what_it_says(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    made: list[ScriptedAppServer] = []

    class Server(ScriptedAppServer):
        def __init__(self, nursery: trio.Nursery | None = None) -> None:
            super().__init__(nursery)
            self.on_turn(*(word for number in range(9) for word in (say(f"verse {number}"), wait(1))))
            made.append(self)

    (example,) = re.findall(r"``(open_codex_client\(.*\))``", inspect.getdoc(faulty) or "")
    names = {"faulty": faulty, "ScriptedAppServer": Server, "nursery": nursery, "open_codex_client": open_codex_client}
    async with eval(example, names) as client:
        result = await client.chat_once("Sing")
    assert [step.text for step in result.steps] == [f"verse {number}" for number in range(9)]
    assert made[0].received_methods().count("initialize") == 3


async def started(make: Callable[[], Any]) -> Any:
    """Do what a cut may break in the making, until it is done."""
    while True:
        try:
            return await make()
        except CodexTransportError:
            await trio.lowlevel.checkpoint()


async def test_a_client_takes_a_delay_for_what_it_is(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    transport = faulty(server.transport(), delay=10)
    async with open_codex_client(transport, request_timeout=15, inactivity_timeout=15) as client:
        assert trio.current_time() == pytest.approx(10)
        assert (await client.chat_once("Go")).final_text == "ok"
    server = ScriptedAppServer()
    with pytest.raises(CodexTransportError, match="connect_timeout"):
        async with open_codex_client(faulty(server.transport(), delay=31)):
            raise AssertionError("not reached")


async def test_a_client_skips_garbled_messages_and_counts_them(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(think("one"), say("two", pieces=20))
    is_delta = b"agentMessage/delta"
    spoilt: list[bytes] = []

    def spoil(line: bytes) -> bytes:
        if is_delta not in line:
            return line
        spoilt.append(line)
        return line[:20]

    async with open_codex_client(faulty(server.transport(), corrupt=spoil)) as client:
        result = await client.chat_once("Go")
        assert client.statistics().ignored_messages == len(spoilt) > 0
    assert [step.text for step in result.steps] == ["one", "two"]


async def test_a_garbled_answer_is_none(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(faulty(server.transport(), corrupt=3), request_timeout=5) as client:
        with pytest.raises(CodexTimeoutError):
            await client.request("thread/list")
        assert client.statistics().ignored_messages == 1
        await client.request("thread/list")


async def test_a_slow_reader_holds_up_nobody_but_what_is_sent(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(wait(3), say("one"), hang())
    async with open_codex_client(faulty(server.transport(), send_delay=5)) as client:
        opened = trio.current_time()
        stream = client.chat("Go")
        first = Background(nursery, stream.__anext__)
        assert (await first.result()).text == "one"
        assert trio.current_time() - opened == pytest.approx(5 + 5 + 5 + 3, abs=1)
        await stream.aclose()
    assert server.received_methods()[-1] == "turn/interrupt"


async def test_faults_work_over_a_real_process() -> None:
    with trio.fail_after(30), nothing_left():
        inner = StdioTransport(command())
        async with open_codex_client(
            faulty(inner, disconnect_after=4, delay=0.01, send_delay=0.01, corrupt=99)
        ) as client:
            with pytest.raises(CodexTransportError, match="disconnected after 4 messages"):
                await client.chat_once("hang")
