"""A continuation in another client, after JSON, after a loss: the steps not yet delivered, each once, then the live ones."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from codex_trio import (
    ChatContinuation,
    CodexClient,
    CodexProtocolError,
    CodexThreadBusyError,
    CodexThreadNotFoundError,
    CodexTransportError,
    CodexTurnFailedError,
    CodexTurnInterruptedError,
    ConversationStep,
    StepCompleted,
    TurnCompleted,
    open_codex_client,
)
from codex_trio.testing import ScriptedAppServer, fail, hang, omit_completed, run, say, think, wait
from tests.support.background import Background
from tests.support.quiet_turns import go_quiet, go_quiet_in_stream, read

STORY = (think("one"), run("two"), wait(200), think("three"), wait(200), say("four"))


def mailed(continuation: ChatContinuation) -> ChatContinuation:
    return ChatContinuation.from_json(continuation.to_json())


def texts(steps: Any) -> list[str]:
    return [step.text.removeprefix("/bin/bash -lc ").strip("'") for step in steps]


@asynccontextmanager
async def fresh(server: ScriptedAppServer, **options: Any) -> AsyncIterator[CodexClient]:
    async with open_codex_client(server.transport(), **options) as client:
        yield client
        assert client.statistics().open_turns == 0


async def left_in_stream(server: ScriptedAppServer) -> tuple[list[str], ChatContinuation]:
    async with open_codex_client(server.transport()) as client:
        first, continuation = await go_quiet_in_stream(client)
    return first, mailed(continuation)


async def left_in_chat_once(server: ScriptedAppServer) -> ChatContinuation:
    async with open_codex_client(server.transport()) as client:
        return mailed(await go_quiet(client))


async def rest_of(server: ScriptedAppServer, continuation: ChatContinuation) -> list[str]:
    async with fresh(server, inactivity_timeout=1000) as client:
        return texts([step async for step in client.chat(continuation=continuation)])


@pytest.mark.smoke
@pytest.mark.parametrize("pause", [0, 150, 1000])
async def test_a_stream_goes_on_in_another_client(
    nursery: trio.Nursery, autojump_clock: MockClock, pause: float
) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(*STORY)
    first, continuation = await left_in_stream(server)
    await trio.sleep(pause)
    assert first == ["one", "/bin/bash -lc two"]
    assert await rest_of(server, continuation) == ["three", "four"]


@pytest.mark.parametrize("pause", [0, 150, 1000])
async def test_chat_once_in_another_client_returns_the_whole_result(
    nursery: trio.Nursery, autojump_clock: MockClock, pause: float
) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(*STORY)
    continuation = await left_in_chat_once(server)
    assert continuation.seen == ()
    await trio.sleep(pause)
    async with fresh(server, inactivity_timeout=1000) as client:
        result = await client.chat_once(continuation=continuation)
    assert texts(result.steps) == ["one", "two", "three", "four"]
    assert result.final_text == "four"
    assert result.completion_source == ("thread_read_fallback" if pause == 1000 else "turn_completed")
    assert (result.usage is not None) == (pause < 1000)  # history does not tell it


async def test_an_interrupt_waits_for_a_turn_that_is_being_taken_up(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(*STORY)
    continuation = await left_in_chat_once(server)
    async with open_codex_client(server.transport()) as client:
        thread = await client.resume_thread(continuation.thread_id)
        server.hold("thread/resume")
        taking_up = Background(nursery, client.chat_once, continuation=continuation)
        call = await server.held("thread/resume").receive()
        interrupt = Background(nursery, thread.interrupt)
        await trio.testing.wait_all_tasks_blocked()
        assert not interrupt.is_done
        call.proceed()
        assert await interrupt.result()
        with pytest.raises(CodexTurnInterruptedError):
            await taking_up.result()


async def test_a_final_text_that_was_delivered_before_is_the_result_s(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(say("the answer"), wait(200))
    first, continuation = await left_in_stream(server)
    async with fresh(server) as client:
        result = await client.chat_once(continuation=continuation)
    assert first == ["the answer"]
    assert (result.final_text, result.steps) == ("the answer", ())


async def test_all_events_go_on_in_another_client(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(*STORY)
    _, continuation = await left_in_stream(server)
    async with fresh(server, inactivity_timeout=1000) as client:
        events = [event async for event in client.stream(continuation=continuation)]
    assert texts(event.step for event in events if isinstance(event, StepCompleted)) == ["three", "four"]
    assert isinstance(events[-1], TurnCompleted)


async def test_what_comes_while_history_is_read_comes_once_and_after_it(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(*STORY)
    _, continuation = await left_in_stream(server)
    server.hold("thread/items/list")
    async with fresh(server, request_timeout=1000, inactivity_timeout=1000) as client:
        steps: list[ConversationStep] = []
        reading = Background(nursery, read, client.chat(continuation=continuation), steps)
        held = await server.held("thread/items/list").receive()
        await trio.sleep(100)  # "three" comes live, and is in the history that is read after it
        held.proceed()
        await reading.result()
    assert texts(steps) == ["three", "four"]


@pytest.mark.parametrize("held_back", ["thread/turns/list", "thread/items/list"])
async def test_an_end_that_comes_while_history_is_read_ends_it(
    nursery: trio.Nursery, autojump_clock: MockClock, held_back: str
) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(*STORY)
    _, continuation = await left_in_stream(server)
    server.hold(held_back)
    async with fresh(server, request_timeout=1000) as client:
        waiting = Background(nursery, client.chat_once, continuation=continuation)
        held = await server.held(held_back).receive()
        await trio.sleep(500)
        held.proceed()
        result = await waiting.result()
    assert texts(result.steps) == ["three", "four"]
    assert result.completion_source == "turn_completed"


async def test_many_items_are_read_page_by_page(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(hang())
    continuation = await left_in_chat_once(server)
    items = [{"type": "reasoning", "id": f"r{n}", "summary": [str(n)]} for n in range(250)]

    def page(params: dict[str, Any]) -> dict[str, Any]:
        start = int(params.get("cursor") or 0)
        stop = start + params["limit"]
        return {
            "data": [{"turnId": params["turnId"], "item": one} for one in items[start:stop]],
            "nextCursor": str(stop) if stop < len(items) else None,
        }

    server.reply("thread/items/list", page)
    async with fresh(server) as client:
        result = await client.cancel(continuation)
    assert texts(result.steps) == [str(n) for n in range(250)]


async def test_a_command_that_still_runs_is_no_step_yet(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(hang())
    continuation = await left_in_chat_once(server)
    command = {"type": "commandExecution", "id": "c", "command": "sleep", "status": "inProgress"}
    server.reply("thread/items/list", {"data": [{"turnId": continuation.turn_id, "item": command}], "nextCursor": None})
    async with fresh(server) as client:
        assert (await client.cancel(continuation)).steps == ()


async def test_a_turn_that_failed_meanwhile_is_told_so(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(say("so far"), wait(200), fail("no more"))
    continuation = await left_in_chat_once(server)
    await trio.sleep(100)
    async with fresh(server) as client:
        with pytest.raises(CodexTurnFailedError, match="no more") as caught:
            await client.chat_once(continuation=continuation)
    assert texts(caught.value.result.steps) == ["so far"]


async def test_a_turn_that_died_with_its_server_is_told_as_interrupted(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(say("so far"), hang())
    continuation = await left_in_chat_once(server)
    async with fresh(server) as client:
        with pytest.raises(CodexTurnInterruptedError) as caught:
            await client.chat_once(continuation=continuation)
    assert texts(caught.value.result.steps) == ["so far"]


async def test_a_turn_of_a_killed_server_has_no_time_of_its_end(autojump_clock: MockClock) -> None:
    # codex 0.163 and 0.169 after SIGKILL.
    server = ScriptedAppServer()
    server.on_turn(say("so far"), hang())
    continuation = await left_in_chat_once(server)
    turn = {"id": continuation.turn_id, "status": "interrupted", "startedAt": 1, "completedAt": None}
    server.reply("thread/turns/list", {"data": [turn], "nextCursor": None})
    async with fresh(server) as client:
        with pytest.raises(CodexTurnInterruptedError):
            await client.chat_once(continuation=continuation)
        assert trio.current_time() < 180.1


async def test_a_turn_of_a_killed_server_of_which_nothing_was_seen_is_looked_at_for_a_moment(
    autojump_clock: MockClock,
) -> None:
    server = ScriptedAppServer(start_delay=1000)
    server.on_turn(hang())
    continuation = await left_in_chat_once(server)
    turn = {"id": continuation.turn_id, "status": "interrupted", "startedAt": 1, "completedAt": None}
    server.reply("thread/turns/list", {"data": [turn], "nextCursor": None})
    async with fresh(server) as client:
        with pytest.raises(CodexTurnInterruptedError):
            await client.chat_once(continuation=continuation)
        assert trio.current_time() < 182


async def test_a_turn_that_is_just_beginning_is_not_taken_for_that_of_a_killed_server(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    # codex 0.163, some milliseconds after it answered `turn/start`.
    server = ScriptedAppServer(nursery, start_delay=180.5)
    server.on_turn(say("done"))
    continuation = await left_in_chat_once(server)
    turn = {"id": continuation.turn_id, "status": "interrupted", "startedAt": 1, "completedAt": None}
    server.reply("thread/turns/list", {"data": [turn], "nextCursor": None})
    async with fresh(server) as client:
        assert (await client.chat_once(continuation=continuation)).final_text == "done"


async def test_interrupted_without_a_time_is_no_end_while_the_thread_is_active(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(*STORY)
    continuation = await left_in_chat_once(server)
    turn = {"id": continuation.turn_id, "status": "interrupted", "startedAt": 1, "completedAt": None}
    server.reply("thread/turns/list", {"data": [turn], "nextCursor": None})
    async with fresh(server, inactivity_timeout=1000) as client:
        assert (await client.chat_once(continuation=continuation)).final_text == "four"


async def test_an_end_that_is_never_told_is_found(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(wait(200), say("done"), omit_completed())
    continuation = await left_in_chat_once(server)
    async with fresh(server) as client:
        result = await client.chat_once(continuation=continuation)
    assert (result.final_text, result.completion_source) == ("done", "thread_read_fallback")
    assert trio.current_time() < 205


async def test_a_turn_is_cancelled_from_another_client(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(think("one"), run("two"), hang())
    first, continuation = await left_in_stream(server)
    async with fresh(server) as client:
        result = await client.cancel(continuation)
        assert (result.was_interrupted, result.steps) == (True, ())
        assert (await client.chat_once("more", continuation.thread_id)).final_text == "ok"
    assert len(first) == 2


async def test_cancelling_a_turn_that_has_ended_tells_how(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(*STORY)
    _, continuation = await left_in_stream(server)
    await trio.sleep(1000)
    async with fresh(server) as client:
        result = await client.cancel(continuation)
    assert (result.was_completed, texts(result.steps)) == (True, ["three", "four"])
    assert "turn/interrupt" not in server.received_methods()


async def test_a_turn_is_taken_up_twice_by_two_clients(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(*STORY)
    _, continuation = await left_in_stream(server)
    one = Background(nursery, rest_of, server, continuation)
    two = Background(nursery, rest_of, server, continuation)
    assert await one.result() == await two.result() == ["three", "four"]


async def test_a_turn_that_was_read_to_its_end_is_told_again_from_history(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(*STORY)
    async with fresh(server, inactivity_timeout=199) as client:
        continuation = await go_quiet(client)
        for _ in range(2):
            result = await client.chat_once(continuation=continuation, inactivity_timeout=1000)
            assert texts(result.steps) == ["one", "two", "three", "four"]


async def test_a_turn_of_another_client_makes_its_thread_busy(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(*STORY)
    continuation = await left_in_chat_once(server)
    async with fresh(server, inactivity_timeout=1000) as client:
        waiting = Background(nursery, client.chat_once, continuation=continuation)
        await trio.sleep(1)
        for attempt in (client.chat_once("more", continuation.thread_id), client.chat_once(continuation=continuation)):
            with pytest.raises(CodexThreadBusyError):
                await attempt
        await waiting.result()


@pytest.mark.parametrize(
    ("code", "message"),
    [(-32600, "no rollout found for thread id x"), (-32601, "list_turns is not supported yet")],
    ids=["no thread", "no turns"],
)
async def test_a_turn_that_is_not_in_history_yet_is_waited_for(
    nursery: trio.Nursery, autojump_clock: MockClock, code: int, message: str
) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(wait(200), say("done"))
    continuation = await left_in_chat_once(server)
    server.fail_next("thread/resume", code=code, message=message, times=2)
    server.fail_next("thread/turns/list", code=-32601, message="list_turns is not supported yet", times=2)
    async with fresh(server) as client:
        assert (await client.chat_once(continuation=continuation)).final_text == "done"


async def test_a_server_without_items_lists_is_read_whole(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    # codex before 0.155
    server = ScriptedAppServer(nursery)
    server.on_turn(*STORY)
    continuation = await left_in_chat_once(server)
    server.fail_next("thread/items/list", code=-32600, message="Invalid request: unknown variant", times=None)
    async with fresh(server, inactivity_timeout=1000) as client:
        assert texts((await client.chat_once(continuation=continuation)).steps) == ["one", "two", "three", "four"]


async def test_an_unknown_thread_is_told(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    continuation = ChatContinuation("01a20000-0000-7000-8000-00000000ffff", "turn", 0, "chat")
    async with fresh(server) as client:
        for attempt in (
            client.chat_once(continuation=continuation),
            anext(client.chat(continuation=continuation)),
            client.cancel(continuation),
        ):
            with pytest.raises(CodexThreadNotFoundError):
                await attempt
    assert trio.current_time() < 5


async def test_an_unknown_turn_is_named(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    async with fresh(server) as client:
        thread_id = (await client.chat_once("hello")).thread_id
        continuation = ChatContinuation(thread_id, "no-such-turn", 0, "chat")
        with pytest.raises(CodexProtocolError, match="no turn no-such-turn in the history"):
            await client.chat_once(continuation=continuation)
        assert (await client.chat_once("more", thread_id)).final_text == "ok"


async def test_a_thread_that_another_process_has_is_refused_as_the_server_says(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(hang())
    continuation = await left_in_chat_once(server)
    server.fail_next("thread/resume", code=-32600, message="thread x already has an active writer", times=None)
    async with fresh(server) as client:
        with pytest.raises(CodexProtocolError, match="already has an active writer"):
            await client.chat_once(continuation=continuation)


@pytest.mark.parametrize("held_back", ["thread/resume", "thread/turns/list", "thread/items/list"])
async def test_a_loss_while_history_is_read_has_the_continuation(
    nursery: trio.Nursery, autojump_clock: MockClock, held_back: str
) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(*STORY)
    first, continuation = await left_in_stream(server)
    server.hold(held_back)
    async with open_codex_client(server.transport()) as client:
        waiting = Background(nursery, client.chat_once, continuation=continuation)
        await server.held(held_back).receive()
        server.connection.drop()
        with pytest.raises(CodexTransportError) as caught:
            await waiting.result()
    assert caught.value.continuation == continuation
    server.release(held_back)
    assert await rest_of(server, continuation) == ["three", "four"]
    assert len(first) == 2


@pytest.mark.parametrize("held_back", ["thread/resume", "thread/turns/list", "thread/items/list"])
async def test_giving_up_while_history_is_read_changes_nothing(
    nursery: trio.Nursery, autojump_clock: MockClock, held_back: str
) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(*STORY)
    _, continuation = await left_in_stream(server)
    server.hold(held_back)
    async with fresh(server, inactivity_timeout=1000) as client:
        with trio.move_on_after(1) as scope:
            await client.chat_once(continuation=continuation)
        assert scope.cancelled_caught
        server.release(held_back)
        assert client.statistics().open_turns == 0
        assert texts((await client.chat_once(continuation=continuation)).steps) == ["three", "four"]
    assert "turn/interrupt" not in server.received_methods()


async def test_a_wait_that_is_cancelled_after_that_stops_the_turn(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(hang())
    continuation = await left_in_chat_once(server)
    async with fresh(server) as client:
        with trio.move_on_after(1):
            await client.chat_once(continuation=continuation)
        assert (await client.chat_once("more", continuation.thread_id)).final_text == "ok"
    assert "turn/interrupt" in server.received_methods()


async def test_reading_history_is_no_inactivity(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(*STORY)
    _, continuation = await left_in_stream(server)
    server.hold("thread/items/list")
    async with fresh(server, request_timeout=1000) as client:
        waiting = Background(nursery, client.chat_once, continuation=continuation, inactivity_timeout=230)
        held = await server.held("thread/items/list").receive()
        await trio.sleep(300)
        held.proceed()
        assert texts((await waiting.result()).steps) == ["three", "four"]


async def test_a_loss_is_survived_again_and_again(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer(nursery)
    story = [step for n in range(40) for step in (think(str(n)), wait(1))]
    server.on_turn(*story, say("end"))
    seen: list[ConversationStep] = []
    continuation: ChatContinuation | None = None
    has_ended = False
    while not has_ended:
        async with open_codex_client(server.transport()) as client:
            stream = client.chat("go") if continuation is None else client.chat(continuation=mailed(continuation))
            reading = Background(nursery, read, stream, seen)
            await trio.sleep(3.3)
            if not reading.is_done:
                server.connection.drop()
            try:
                await reading.result()
                has_ended = True
            except CodexTransportError as exc:
                continuation = exc.continuation
    assert texts(seen) == [*map(str, range(40)), "end"]
