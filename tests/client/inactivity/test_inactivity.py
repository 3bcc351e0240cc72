"""A turn that goes quiet: when that is noticed, what the error tells, and how the turn is picked up again."""

from __future__ import annotations

import math
import time

import pytest
import trio
from trio.testing import MockClock

from codex_trio import ChatContinuation, CodexTurnInactiveError, ConversationStep, open_codex_client
from codex_trio.testing import ScriptedAppServer, ask_server_request, hang, run, say, think, wait
from tests.support.background import Background
from tests.support.manual_turn import next_turn
from tests.support.quiet_turns import go_quiet, go_quiet_in_stream, read

# --- when


@pytest.mark.smoke
async def test_silence_is_noticed_after_180_seconds_and_takes_no_time(autojump_clock: MockClock) -> None:
    begun_at = time.monotonic()
    server = ScriptedAppServer(start_delay=0)
    server.on_turn(hang())
    async with open_codex_client(server.transport()) as client:
        await go_quiet(client)
        assert trio.current_time() == 180
    assert time.monotonic() - begun_at < 30


@pytest.mark.parametrize("seconds", [0.25, 1, 7.5, 1000])
async def test_timeout_of_the_call_beats_that_of_the_client(seconds: float, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer(start_delay=0)
    server.default(hang())
    async with open_codex_client(server.transport(), inactivity_timeout=5) as client:
        await go_quiet(client)
        assert trio.current_time() == 5
        await go_quiet(client, timeout=seconds)
        assert trio.current_time() == 5 + seconds


@pytest.mark.parametrize("unbounded", [None, math.inf])
async def test_client_without_a_timeout_waits_on(unbounded: float | None, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(wait(1_000_000), say("at last"))
    async with open_codex_client(server.transport(), inactivity_timeout=unbounded) as client:
        assert (await client.chat_once("hello")).final_text == "at last"


async def test_what_the_server_asks_is_a_sign_of_life_for_who_does_not_answer_too(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer(start_delay=0)
    server.on_turn(wait(100), ask_server_request("nosuch/question", {}))
    async with open_codex_client(server.transport(), observe=True) as client:
        with pytest.raises(CodexTurnInactiveError) as caught:
            await client.chat_once("hello")
        assert (caught.value.last_event, trio.current_time()) == ("nosuch/question", 100 + 180)


async def test_call_without_a_timeout_waits_on(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.default(wait(1_000_000), say("at last"))
    async with open_codex_client(server.transport()) as client:
        assert (await client.chat_once("hello", inactivity_timeout=math.inf)).final_text == "at last"
        assert [step.text async for step in client.chat("hello", inactivity_timeout=math.inf)] == ["at last"]


@pytest.mark.parametrize("bad", [0, -1, math.nan, "x"])
async def test_bad_timeout_is_refused_by_name(bad: float, autojump_clock: MockClock) -> None:
    error = TypeError if isinstance(bad, str) else ValueError
    server = ScriptedAppServer()
    with pytest.raises(error, match="inactivity_timeout"):
        open_codex_client(server.transport(), inactivity_timeout=bad)
    async with open_codex_client(server.transport()) as client:
        with pytest.raises(error, match="inactivity_timeout"):
            await client.chat_once("hello", inactivity_timeout=bad)
        with pytest.raises(error, match="inactivity_timeout"):
            client.chat("hello", inactivity_timeout=bad)
        assert "thread/start" not in server.received_methods()


async def test_every_event_of_the_turn_counts_from_its_own_time(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer(start_delay=0)
    server.on_turn(wait(179), think("hm"), wait(179), run("ls"), wait(100), hang())
    async with open_codex_client(server.transport()) as client:
        await go_quiet(client)
        assert trio.current_time() == 179 + 179 + 180


async def test_deltas_are_activity(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.hold("turn/start")
    async with open_codex_client(server.transport()) as client:
        asking = Background(nursery, client.chat_once, "hello")
        turn = await next_turn(server)
        turn.accept()
        turn.start()
        for _ in range(10):
            await trio.sleep(100)
            turn.send("item/agentMessage/delta", itemId="m", delta="la")
        with pytest.raises(CodexTurnInactiveError) as caught:
            await asking.result()
        assert trio.current_time() == 1000 + 180
    assert (caught.value.last_event, caught.value.idle_seconds) == ("item/agentMessage/delta", 180)


async def test_events_of_others_are_no_activity(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.hold("turn/start")
    async with open_codex_client(server.transport()) as client:
        asking = Background(nursery, client.chat_once, "hello")
        turn = await next_turn(server)
        turn.accept()
        for n in range(4):
            await trio.sleep(50)
            server.connection.send({"method": "item/completed", "params": {"turnId": f"other {n}", "threadId": "o"}})
            server.connection.send({"method": "thread/name/updated", "params": {"threadId": turn.thread_id}})
        with pytest.raises(CodexTurnInactiveError):
            await asking.result()
        assert asking.is_done
        assert trio.current_time() == 200


async def test_request_of_the_server_is_activity(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer(start_delay=0)
    server.on_turn(wait(100), ask_server_request("item/tool/call", {"tool": "x"}), hang())
    async with open_codex_client(server.transport()) as client:
        with pytest.raises(CodexTurnInactiveError) as caught:
            await client.chat_once("hello")
        assert trio.current_time() == 100 + 180
    assert caught.value.last_event == "item/tool/call"


async def test_consumer_that_works_long_between_steps_is_not_punished(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(think("one"), think("two"), wait(310), think("three"), wait(430), say("four"))
    async with open_codex_client(server.transport()) as client:
        seen = []
        async for step in client.chat("hello"):
            seen.append(step.text)
            await trio.sleep(300)
    assert seen == ["one", "two", "three", "four"]


# --- what the error tells


async def test_error_tells_what_is_known(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer(start_delay=0)
    server.on_turn(think("hm"), wait(20), hang())
    async with open_codex_client(server.transport()) as client:
        with pytest.raises(
            CodexTurnInactiveError, match=r"silent for 180\.0 s .*item/completed.*continuation"
        ) as caught:
            await client.chat_once("hello")
        error = caught.value
        assert (error.idle_seconds, error.last_event) == (180, "item/completed")
        assert error.continuation.turn_id in str(error)
        assert error.continuation.mode == "chat_once"
        assert error.continuation.seen == ()  # the caller was given nothing
        assert "turn/interrupt" not in server.received_methods()
        assert client.statistics().open_turns == 1


async def test_turn_without_any_event_has_no_last_event(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.hold("turn/start")
    async with open_codex_client(server.transport()) as client:
        asking = Background(nursery, client.chat_once, "hello")
        (await next_turn(server)).accept()
        with pytest.raises(CodexTurnInactiveError) as caught:
            await asking.result()
    assert caught.value.last_event is None


async def test_continuation_of_a_stream_names_the_steps_that_were_seen(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(think("one"), run("two"), hang())
    async with open_codex_client(server.transport()) as client:
        steps: list[ConversationStep] = []
        with pytest.raises(CodexTurnInactiveError) as caught:
            await read(client.chat("hello"), steps)
    assert caught.value.continuation.mode == "chat"
    assert caught.value.continuation.seen == tuple(step.item_id for step in steps)
    assert len(steps) == 2


async def test_continuation_survives_json(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(think("one"), wait(200), say("two"))
    async with open_codex_client(server.transport()) as client:
        _, continuation = await go_quiet_in_stream(client)
        copy = ChatContinuation.from_json(continuation.to_json())
        assert copy == continuation
        assert (await client.chat_once(continuation=copy)).final_text == "two"


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"thread_id": 1}', '{"thread_id": "a", "turn_id": "b", "cursor": 0}']
)
def test_what_is_no_continuation_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a continuation"):
        ChatContinuation.from_json(text)
