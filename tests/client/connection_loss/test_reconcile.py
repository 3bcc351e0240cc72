"""A turn whose `turn/completed` never comes: its true state is read from the server once the thread is idle."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from codex_trio import CodexTurnFailedError, CodexTurnInactiveError, open_codex_client
from codex_trio.testing import ScriptedAppServer, omit_completed, raw, run, say, think, wait
from tests.support.background import Background
from tests.support.manual_turn import ManualTurn, message, next_turn

GRACE = 1.0  # seconds


def history_of(turn_id: str, *items: dict[str, Any], status: str = "completed", is_over: bool = True) -> dict[str, Any]:
    """Return an answer to `thread/turns/list`."""
    completed_at = 1_795_000_000 if is_over else None
    turn = {"id": turn_id, "status": status, "items": list(items), "itemsView": "full", "completedAt": completed_at}
    return {"data": [turn], "nextCursor": None, "backwardsCursor": None}


async def test_missing_end_is_read_from_the_server_after_its_grace(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer(start_delay=0)
    server.on_turn(think("hm"), run("ls"), say("done"), omit_completed())
    async with open_codex_client(server.transport()) as client:
        result = await client.chat_once("hello")
        assert trio.current_time() == GRACE
        assert result.completion_source == "thread_read_fallback"
        assert result.final_text == "done"
        assert [step.step_type for step in result.steps] == ["thinking", "exec", "codex"]
        assert (await client.chat_once("again", result.thread_id)).final_text == "ok"


async def test_steps_of_a_stream_are_complete_without_the_end(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(think("hm"), say("done"), omit_completed())
    async with open_codex_client(server.transport()) as client:
        assert [step.text async for step in client.chat("hello")] == ["hm", "done"]


async def test_steps_whose_completion_was_lost_come_from_history(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer()
    server.hold("turn/start")
    items = [message(f"m{n}", f"text {n}") for n in range(3)]
    server.reply("thread/turns/list", history_of("turn", *items))
    async with open_codex_client(server.transport()) as client:
        asking = Background(nursery, client.chat_once, "hello")
        turn = await next_turn(server)
        turn.accept()
        turn.start()
        turn.complete(items[0])
        turn.begin(items[1])
        turn.idle()
        result = await asking.result()
    assert [step.text for step in result.steps] == ["text 0", "text 1", "text 2"]
    assert result.final_text == "text 2"


async def test_idle_that_came_before_the_answer_to_the_start_counts(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer()
    server.hold("turn/start")
    server.reply("thread/turns/list", history_of("turn", message("m", "quick")))
    async with open_codex_client(server.transport()) as client:
        asking = Background(nursery, client.chat_once, "hello")
        turn = await next_turn(server)
        turn.start()
        turn.idle()
        turn.accept()
        assert (await asking.result()).final_text == "quick"
    assert trio.current_time() == GRACE


async def test_real_end_within_the_grace_wins(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.hold("turn/start")
    async with open_codex_client(server.transport()) as client:
        asking = Background(nursery, client.chat_once, "hello")
        turn = await next_turn(server)
        turn.accept()
        turn.say("done")
        turn.idle()
        await trio.sleep(GRACE - 0.01)
        turn.end()
        result = await asking.result()
        assert (result.completion_source, trio.current_time()) == ("turn_completed", GRACE - 0.01)
        await trio.sleep(10)
        assert "thread/turns/list" not in server.received_methods()


async def test_real_end_while_history_is_read_wins(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.hold("turn/start")
    server.hold("thread/turns/list")
    async with open_codex_client(server.transport()) as client:
        asking = Background(nursery, client.chat_once, "hello")
        turn = await next_turn(server)
        turn.accept()
        turn.idle()
        look = await server.held("thread/turns/list").receive()
        turn.say("in time")
        turn.end()
        look.reply(history_of("turn", message("message", "from history")))
        result = await asking.result()
    assert (result.final_text, result.completion_source) == ("in time", "turn_completed")


async def test_end_after_the_one_read_from_history_is_late(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.hold("turn/start")
    server.reply("thread/turns/list", history_of("turn", message("m", "from history")))
    async with open_codex_client(server.transport()) as client:
        asking = Background(nursery, client.chat_once, "hello")
        turn = await next_turn(server)
        turn.accept()
        turn.idle()
        result = await asking.result()
        turn.end(items=[message("m", "from history")])
        await trio.sleep(1)
        assert client.statistics().late_events == 1
    assert len(result.steps) == 1


@pytest.mark.parametrize("status", ["completed", "interrupted", "failed"])
async def test_terminal_status_without_completion_time_is_not_believed(
    status: str, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer()
    server.hold("turn/start")
    server.reply("thread/turns/list", history_of("turn", status=status, is_over=False))
    async with open_codex_client(server.transport()) as client:
        asking = Background(nursery, client.chat_once, "hello")
        turn = await next_turn(server)
        turn.accept()
        turn.idle()
        await trio.sleep(20)
        assert not asking.is_done
        assert server.received_methods().count("thread/turns/list") > 1
        turn.say("after all")
        turn.end()
        assert (await asking.result()).final_text == "after all"


async def test_failed_turn_read_from_history_fails(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.hold("turn/start")
    error = {"message": "no model", "codexErrorInfo": "serverOverloaded", "additionalDetails": None}
    history = history_of("turn", status="failed")
    history["data"][0]["error"] = error
    server.reply("thread/turns/list", history)
    async with open_codex_client(server.transport()) as client, trio.open_nursery() as nursery:
        asking = Background(nursery, client.chat_once, "hello")
        turn = await next_turn(server)
        turn.accept()
        turn.idle()
        with pytest.raises(CodexTurnFailedError, match="no model") as caught:
            await asking.result()
    assert caught.value.error_info == "serverOverloaded"
    assert caught.value.result.completion_source == "thread_read_fallback"


async def test_server_without_a_list_of_turns_is_asked_for_the_thread(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer(start_delay=0)
    server.fail_next("thread/turns/list", code=-32600, message="Invalid request: unknown variant", times=None)
    server.on_turn(say("done"), omit_completed())
    async with open_codex_client(server.transport()) as client:
        result = await client.chat_once("hello")
    assert (result.final_text, result.completion_source) == ("done", "thread_read_fallback")
    assert trio.current_time() == GRACE
    assert "thread/read" in server.received_methods()


async def test_server_without_any_history_leaves_the_turn_to_inactivity(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer(start_delay=0)
    for method in ("thread/turns/list", "thread/read"):
        server.fail_next(method, code=-32600, message="Invalid request: unknown variant", times=None)
    server.on_turn(say("done"), omit_completed())
    async with open_codex_client(server.transport()) as client:
        with pytest.raises(CodexTurnInactiveError):
            await client.chat_once("hello")
        assert trio.current_time() == 180


@pytest.mark.parametrize("answer", [None, [], {"data": None}, {"data": [1]}, {"data": [{}]}, {"data": {"id": "turn"}}])
async def test_odd_history_tells_nothing(answer: object, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.reply("thread/turns/list", answer)
    server.on_turn(say("done"), omit_completed())
    async with open_codex_client(server.transport()) as client:
        with pytest.raises(CodexTurnInactiveError):
            await client.chat_once("hello")


async def test_thread_that_goes_on_is_looked_at_once(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    active = {"threadId": "{thread_id}", "status": {"type": "active", "activeFlags": []}}
    idle = {"threadId": "{thread_id}", "status": {"type": "idle"}}
    changed = "thread/status/changed"
    server.on_turn(
        raw({"method": changed, "params": idle}), raw({"method": changed, "params": active}), wait(60), say("done")
    )
    async with open_codex_client(server.transport()) as client:
        assert (await client.chat_once("hello")).completion_source == "turn_completed"
    assert server.received_methods().count("thread/turns/list") == 1


async def test_second_idle_is_looked_at_after_its_own_grace(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer(start_delay=0)
    idle = {"method": "thread/status/changed", "params": {"threadId": "{thread_id}", "status": {"type": "idle"}}}
    server.on_turn(raw(idle), wait(50), say("done"), omit_completed())
    async with open_codex_client(server.transport()) as client:
        assert (await client.chat_once("hello")).final_text == "done"
    assert trio.current_time() == 50 + GRACE


async def inactive(client: Any, **arguments: Any) -> CodexTurnInactiveError:
    with pytest.raises(CodexTurnInactiveError) as caught:
        await client.chat_once(**arguments)
    return caught.value


async def test_continuation_finds_an_end_that_was_lost_together_with_the_idle(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer()
    server.hold("turn/start")
    server.reply("thread/turns/list", history_of("turn", message("m", "lost and found")))
    async with open_codex_client(server.transport()) as client:
        asking = Background(nursery, client.chat_once, "hello")
        turn: ManualTurn = await next_turn(server)
        turn.accept()
        turn.start()
        with pytest.raises(CodexTurnInactiveError) as caught:
            await asking.result()
        picked_up_at = trio.current_time()
        result = await client.chat_once(continuation=caught.value.continuation)
    assert (result.final_text, result.completion_source) == ("lost and found", "thread_read_fallback")
    assert trio.current_time() == picked_up_at + GRACE


async def test_continued_turn_is_looked_at_a_grace_after_its_thread_goes_idle(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer(start_delay=0)
    server.on_turn(wait(100), say("done"), omit_completed())
    async with open_codex_client(server.transport()) as client:
        error = await inactive(client, text="hello", inactivity_timeout=20)
        assert (await client.chat_once(continuation=error.continuation)).final_text == "done"
    assert trio.current_time() == 100 + GRACE


async def test_continued_turn_that_runs_on_is_not_ended_by_history(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(wait(150), say("done"))
    async with open_codex_client(server.transport()) as client:
        error = await inactive(client, text="hello", inactivity_timeout=20)
        result = await client.chat_once(continuation=error.continuation)
    assert (result.final_text, result.completion_source) == ("done", "turn_completed")
