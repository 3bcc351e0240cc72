"""The reader never waits: whoever does not read his turn delays nobody, and loses nothing."""

from __future__ import annotations

import time

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from codex_trio import open_codex_client
from codex_trio.testing import ScriptedAppServer, hang, say, think
from tests.support.background import Background
from tests.support.manual_turn import next_turn

DELTAS = 100_000
ITEMS = 20_000
BOUND = 60  # seconds of real time, on a busy machine; it takes one


async def test_hundred_thousand_unread_deltas_delay_no_request(autojump_clock: MockClock) -> None:
    begun_at = time.monotonic()
    text = "la " * (DELTAS // 2)
    server = ScriptedAppServer()
    server.on_turn(think("hm"), say(text, pieces=DELTAS), hang())
    async with open_codex_client(server.transport()) as client:
        stream = client.chat("hello")
        await anext(stream)
        asked_at = trio.current_time()
        await client.request("thread/list")
        await client.request("thread/list")
        await wait_all_tasks_blocked()
        assert trio.current_time() == asked_at
        assert 0 < client.statistics().unread_events < 10
        assert (await anext(stream)).text == text
    assert time.monotonic() - begun_at < BOUND


@pytest.mark.extended
async def test_twenty_thousand_unread_items_delay_no_request_and_are_not_lost(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    begun_at = time.monotonic()
    server = ScriptedAppServer()
    server.hold("turn/start")
    async with open_codex_client(server.transport()) as client:
        stream = client.chat("hello")
        first = Background(nursery, stream.__anext__)
        turn = await next_turn(server)
        turn.accept()
        for n in range(ITEMS):
            turn.say(str(n), item_id=f"m{n}")
        assert (await first.result()).text == "0"
        await client.request("thread/list")
        assert trio.current_time() == 0
        assert client.statistics().unread_events == ITEMS - 1
        turn.end()
        assert [step.text async for step in stream] == [str(n) for n in range(1, ITEMS)]
    assert trio.current_time() == 0
    assert time.monotonic() - begun_at < BOUND


async def test_turn_that_nobody_reads_does_not_delay_another(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer(start_delay=0)
    server.on_prompt("unread", *(say(f"unread {n}") for n in range(1000)), hang())
    async with open_codex_client(server.transport()) as client:
        stream = client.chat("unread")
        await anext(stream)
        assert (await client.chat_once("hello")).final_text == "ok"
        await wait_all_tasks_blocked()
        assert trio.current_time() == 0
        assert client.statistics().unread_events > 1000
        await stream.aclose()
        assert client.statistics().open_turns == 0


async def test_server_that_does_not_read_delays_neither_events_nor_cancellation(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer()
    server.hold("turn/start")
    async with open_codex_client(server.transport()) as client:
        asking = Background(nursery, client.chat_once, "hello")
        turn = await next_turn(server)
        server.connection.pause_reading()
        with trio.move_on_after(5) as scope:
            await client.request("thread/list")
        assert scope.cancelled_caught
        assert trio.current_time() == 5
        turn.accept()
        turn.say("done")
        turn.end()
        assert (await asking.result()).final_text == "done"
        assert trio.current_time() == 5
        server.connection.resume_reading()


async def test_notifications_that_nobody_reads_are_bounded_and_counted(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client:
        async with client.notifications() as early:
            for n in range(1500):
                server.connection.send({"method": "news", "params": {"n": n}})
            await wait_all_tasks_blocked()
            assert early.dropped >= 500
            assert client.statistics().dropped_notifications == early.dropped
            told = [(await anext(early)).params for _ in range(1000)]
        assert told == [{"n": n} for n in range(500, 1500)]
        before = client.statistics().dropped_notifications
        for n in range(1500):
            server.connection.send({"method": "news", "params": {"n": n}})
        await wait_all_tasks_blocked()
        assert client.statistics().dropped_notifications == before + 500
        async with client.notifications() as late:
            assert (await anext(late)).params == {"n": 500}
            assert late.dropped == 0
