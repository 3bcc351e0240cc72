"""A continuation picks up a quiet turn where its consumer left it: nothing twice, nothing lost."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from codex_trio import CodexThreadBusyError, CodexTurnInactiveError, ConversationStep, open_codex_client
from codex_trio.testing import ScriptedAppServer, hang, run, say, think, wait
from tests.support.background import Background
from tests.support.quiet_turns import go_quiet, go_quiet_in_stream, read
from tests.support.server_log import methods_after

STORY = (think("one"), run("two"), wait(200), think("three"), wait(200), say("four"))
KINDS = ["thinking", "exec", "thinking", "codex"]


@pytest.mark.smoke
async def test_chat_once_goes_on_in_chat_once(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(*STORY)
    async with open_codex_client(server.transport()) as client:
        continuation = await go_quiet(client)
        with pytest.raises(CodexTurnInactiveError) as caught:
            await client.chat_once(continuation=continuation)
        result = await client.chat_once(continuation=caught.value.continuation)
        assert [step.step_type for step in result.steps] == KINDS
        assert result.final_text == "four"
        told = [event["method"] for event in result.raw_events]
        assert (told.count("turn/started"), told.count("item/completed"), told.count("turn/completed")) == (1, 5, 1)
        assert client.statistics().open_turns == 0
    assert server.prompts == ["hello"]


async def test_stream_goes_on_in_a_stream(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(*STORY)
    async with open_codex_client(server.transport()) as client:
        first, continuation = await go_quiet_in_stream(client)
        rest: list[ConversationStep] = []
        with pytest.raises(CodexTurnInactiveError) as caught:
            await read(client.chat(continuation=continuation), rest)
        assert [step.text for step in rest] == ["three"]
        await read(client.chat(continuation=caught.value.continuation), rest)
    assert first == ["one", "/bin/bash -lc two"]
    assert [step.text for step in rest] == ["three", "four"]


async def test_chat_once_goes_on_in_a_stream_that_gives_all_steps(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(*STORY)
    async with open_codex_client(server.transport(), inactivity_timeout=199) as client:
        continuation = await go_quiet(client)
        kinds = [step.step_type async for step in client.chat(continuation=continuation, inactivity_timeout=1000)]
    assert kinds == KINDS


async def test_stream_goes_on_in_chat_once_that_gives_the_rest(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(*STORY)
    async with open_codex_client(server.transport()) as client:
        _, continuation = await go_quiet_in_stream(client)
        result = await client.chat_once(continuation=continuation, inactivity_timeout=1000)
    assert [step.text for step in result.steps] == ["three", "four"]
    assert result.final_text == "four"


async def test_final_text_that_the_stream_had_delivered_is_not_lost(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(say("the answer"), wait(200))
    async with open_codex_client(server.transport()) as client:
        _, continuation = await go_quiet_in_stream(client)
        result = await client.chat_once(continuation=continuation)
    assert (result.final_text, result.steps) == ("the answer", ())


async def test_what_came_between_two_waits_is_there(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(*STORY)
    async with open_codex_client(server.transport()) as client:
        continuation = await go_quiet(client)
        await trio.sleep(10_000)
        resumed_at = trio.current_time()
        assert client.statistics().unread_events > 0
        result = await client.chat_once(continuation=continuation)
        assert [step.step_type for step in result.steps] == KINDS
        assert trio.current_time() == resumed_at


async def test_turn_that_ended_unwaited_for_is_there_after_the_next_one(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(think("hm"), wait(20), say("the first answer"))
    server.on_turn(say("the second answer"))
    async with open_codex_client(server.transport()) as client:
        thread = await client.start_thread(ephemeral=True)  # so that there is no history to tell
        with pytest.raises(CodexTurnInactiveError) as caught:
            await thread.chat_once("first", inactivity_timeout=10)
        await trio.sleep(60)
        assert (await thread.chat_once("second")).final_text == "the second answer"
        result = await client.chat_once(continuation=caught.value.continuation)
        assert [step.text for step in result.steps] == ["hm", "the first answer"]
        assert client.statistics().open_turns == 0


async def test_quiet_turn_is_quiet_again_after_as_long(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer(start_delay=0)
    server.on_turn(hang())
    async with open_codex_client(server.transport()) as client:
        continuation = await go_quiet(client)
        with pytest.raises(CodexTurnInactiveError) as caught:
            await client.chat_once(continuation=continuation)
        assert trio.current_time() == 360
        assert caught.value.idle_seconds == 360


@pytest.mark.parametrize(
    "extra",
    [{"text": "t"}, {"thread_id": "t"}, {"user": "u"}, {"metadata": {"a": "b"}}],
    ids=lambda extra: next(iter(extra)),
)
async def test_continuation_excludes_what_begins_a_turn(extra: dict[str, Any], autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(wait(200), say("done"))
    async with open_codex_client(server.transport(), experimental_api=True) as client:
        continuation = await go_quiet(client)
        with pytest.raises(ValueError, match=next(iter(extra))):
            await client.chat_once(continuation=continuation, **extra)
        with pytest.raises(ValueError, match=next(iter(extra))):
            client.chat(continuation=continuation, **extra)
        assert (await client.chat_once(continuation=continuation)).final_text == "done"


async def test_neither_text_nor_continuation_is_refused(autojump_clock: MockClock) -> None:
    async with open_codex_client(ScriptedAppServer().transport()) as client:
        with pytest.raises(ValueError, match="text"):
            await client.chat_once()
        with pytest.raises(ValueError, match="text"):
            client.chat()


async def test_turn_has_one_consumer_at_a_time(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(wait(200), say("done"))
    async with open_codex_client(server.transport()) as client:
        continuation = await go_quiet(client)
        first = Background(nursery, client.chat_once, continuation=continuation)
        await trio.sleep(1)
        for second in (client.chat_once(continuation=continuation), anext(client.chat(continuation=continuation))):
            with pytest.raises(CodexThreadBusyError, match="one consumer"):
                await second
        with pytest.raises(CodexThreadBusyError, match="one consumer"):
            await client.cancel(continuation)
        assert (await first.result()).final_text == "done"


async def test_thread_of_a_turn_that_was_handed_out_is_busy(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(hang())
    async with open_codex_client(server.transport()) as client:
        continuation = await go_quiet(client)
        for attempt in (
            client.chat_once("more", continuation.thread_id),
            anext(client.chat("more", continuation.thread_id)),
        ):
            with pytest.raises(CodexThreadBusyError, match="cancel") as caught:
                await attempt
            assert caught.value.turn_id == continuation.turn_id
        assert methods_after(server, "turn/start") == []
        assert trio.current_time() < 181
        await client.cancel(continuation)
        assert (await client.chat_once("more", continuation.thread_id)).final_text == "ok"


async def test_thread_of_a_turn_that_is_consumed_is_busy(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(wait(10), say("first"))
    async with open_codex_client(server.transport()) as client:
        thread_id = (await client.request("thread/start"))["thread"]["id"]
        first = Background(nursery, client.chat_once, "hello", thread_id)
        await trio.sleep(1)
        with pytest.raises(CodexThreadBusyError):
            await client.chat_once("second", thread_id)
        assert (await first.result()).final_text == "first"
    assert server.prompts == ["hello"]


async def test_thread_is_busy_while_its_turn_is_being_started(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client:
        thread_id = (await client.request("thread/start"))["thread"]["id"]
        server.hold("turn/start")
        first = Background(nursery, client.chat_once, "hello", thread_id)
        held = await server.held("turn/start").receive()
        with pytest.raises(CodexThreadBusyError, match="being started") as caught:
            await client.chat_once("second", thread_id)
        assert caught.value.turn_id is None
        held.proceed()
        assert (await first.result()).final_text == "ok"


async def test_turn_that_was_handed_out_is_not_interrupted_by_closing(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(wait(200), say("done"))
    async with open_codex_client(server.transport()) as client:
        thread_id = (await go_quiet(client)).thread_id
    assert "turn/interrupt" not in server.received_methods()
    await trio.sleep(100)
    async with open_codex_client(server.transport()) as client:
        [turn] = (await client.request("thread/turns/list", {"threadId": thread_id}))["data"]
    assert turn["status"] == "completed"
