"""What becomes of a turn's events: steps, final text, failures; and what is none of the turn's business."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from codex_trio import ChatResult, CodexClient, CodexTurnFailedError, CodexTurnInterruptedError, open_codex_client
from codex_trio.testing import ScriptedAppServer, fail, hang, retry, run, say, think, wait
from tests.support.background import Background
from tests.support.manual_turn import ManualTurn, message, next_turn


async def begin(
    server: ScriptedAppServer, client: CodexClient, nursery: trio.Nursery
) -> tuple[ManualTurn, Background[ChatResult]]:
    """Let the client ask, and return a turn of that, accepted and started, that the test goes on with."""
    server.hold("turn/start")
    asking = Background(nursery, client.chat_once, "hello")
    turn = await next_turn(server)
    turn.accept()
    turn.start()
    return turn, asking


@pytest.mark.smoke
async def test_turn_becomes_a_result(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(think("hm"), run("ls", output="a b"), say("Two files.", phase="final_answer"))
    async with open_codex_client(server.transport()) as client:
        result = await client.chat_once("What is here?")
    assert [(step.step_type, step.item_type) for step in result.steps] == [
        ("thinking", "reasoning"),
        ("exec", "commandExecution"),
        ("codex", "agentMessage"),
    ]
    assert result.steps[1].data["aggregatedOutput"] == "a b"
    assert {(step.thread_id, step.turn_id) for step in result.steps} == {(result.thread_id, result.turn_id)}
    assert (result.final_text, result.assistant_item_id) == ("Two files.", result.steps[2].item_id)
    assert result.usage is not None
    assert result.usage["last"]["totalTokens"] == 15
    assert server.prompts == ["What is here?"]


async def test_turns_of_one_thread_follow_each_other(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(say("one"))
    server.on_turn(say("two"))
    async with open_codex_client(server.transport()) as client:
        first = await client.chat_once("a")
        second = await client.chat_once("b", first.thread_id)
    assert (first.final_text, second.final_text) == ("one", "two")
    assert first.thread_id == second.thread_id
    assert server.received_methods()[2:] == ["thread/start", "turn/start", "turn/start"]


async def test_turns_of_many_threads_run_at_the_same_time(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer(start_delay=0)
    results: dict[int, ChatResult] = {}
    for n in range(40):
        server.on_prompt(f"question {n}.", think("hm"), wait(40 - n), say(f"answer {n}"))

    async def ask(client: CodexClient, n: int) -> None:
        results[n] = await client.chat_once(f"question {n}.")

    async with open_codex_client(server.transport()) as client, trio.open_nursery() as nursery:
        for n in range(40):
            nursery.start_soon(ask, client, n)
    assert trio.current_time() == 40
    assert {n: result.final_text for n, result in results.items()} == {n: f"answer {n}" for n in range(40)}
    assert all([step.step_type for step in result.steps] == ["thinking", "codex"] for result in results.values())


# --- ends that are none, and ends that hurt


async def test_retry_does_not_end_a_turn(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(retry("Reconnecting... 1/2"), wait(10), retry("Reconnecting... 2/2"), wait(10), say("made it"))
    async with open_codex_client(server.transport()) as client:
        result = await client.chat_once("hello")
    assert result.final_text == "made it"
    assert [event["method"] for event in result.raw_events].count("error") == 2


@pytest.mark.parametrize("will_retry", [True, False, None])
async def test_error_alone_does_not_end_a_turn(
    will_retry: bool | None, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client:
        turn, asking = await begin(server, client, nursery)
        turn.send("error", willRetry=will_retry, error={"message": "bad luck", "codexErrorInfo": "other"})
        await trio.sleep(100)
        assert not asking.is_done
        turn.say("after all")
        turn.end()
        assert (await asking.result()).final_text == "after all"


async def test_failed_turn_raises_with_what_there_was(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(think("hm"), fail("the model is gone", http_status=404))
    async with open_codex_client(server.transport()) as client:
        with pytest.raises(CodexTurnFailedError, match="the model is gone") as caught:
            await client.chat_once("hello")
        error = caught.value
        assert error.error_info == {"httpConnectionFailed": {"httpStatusCode": 404}}
        assert error.http_status == 404
        assert [step.text for step in error.result.steps] == ["hm"]
        assert error.result.final_text == ""
        assert (await client.chat_once("again", error.result.thread_id)).final_text == "ok"


async def test_error_info_may_be_a_word(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(fail("busy", http_status=500))
    async with open_codex_client(server.transport()) as client:
        with pytest.raises(CodexTurnFailedError) as caught:
            await client.chat_once("hello")
    assert (caught.value.error_info, caught.value.http_status) == ("internalServerError", None)


@pytest.mark.parametrize("error", [None, {}, "odd", {"message": 7, "codexErrorInfo": 7, "additionalDetails": 7}])
async def test_failure_without_a_reason_is_a_failure(error: Any, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client, trio.open_nursery() as nursery:
        turn, asking = await begin(server, client, nursery)
        turn.end("failed", error=error)
        with pytest.raises(CodexTurnFailedError, match="no reason") as caught:
            await asking.result()
    assert (caught.value.error_info, caught.value.details) == (None, None)


async def test_failure_told_by_an_error_event_alone_keeps_its_reason(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client:
        turn, asking = await begin(server, client, nursery)
        turn.send("error", willRetry=True, error={"message": "first"})
        turn.send("error", willRetry=False, error={"message": "last", "additionalDetails": "the cable"})
        turn.end("failed")
        with pytest.raises(CodexTurnFailedError, match=r"last \(the cable\)") as caught:
            await asking.result()
    assert caught.value.details == "the cable"


async def test_interrupted_turn_raises_with_what_there_was(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(think("hm"), hang())
    async with open_codex_client(server.transport()) as client:
        thread_id = (await client.request("thread/start"))["thread"]["id"]
        asking = Background(nursery, client.chat_once, "hello", thread_id)
        await trio.sleep(1)
        [turn] = (await client.request("thread/turns/list", {"threadId": thread_id}))["data"]
        await client.interrupt_turn(turn["id"])
        with pytest.raises(CodexTurnInterruptedError) as caught:
            await asking.result()
    assert [step.text for step in caught.value.result.steps] == ["hm"]


# --- items


async def test_items_that_never_complete_are_no_steps(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client:
        turn, asking = await begin(server, client, nursery)
        turn.begin(message("half", "cut o"))
        turn.begin({"type": "commandExecution", "id": "c"})
        turn.say("whole")
        turn.end()
        assert [step.text for step in (await asking.result()).steps] == ["whole"]


async def test_item_that_is_told_twice_is_one_step(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client:
        turn, asking = await begin(server, client, nursery)
        for _ in range(3):
            turn.say("once", item_id="m")
        turn.end(items=[message("m", "once")])
        assert [step.text for step in (await asking.result()).steps] == ["once"]


async def test_events_after_the_end_are_counted_and_not_delivered(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client:
        turn, asking = await begin(server, client, nursery)
        turn.say("done")
        turn.end()
        turn.say("too late", item_id="late")
        assert [step.text for step in (await asking.result()).steps] == ["done"]
        turn.say("much too late", item_id="later")
        turn.end("failed")
        await wait_all_tasks_blocked()
        assert client.statistics().late_events == 3
        assert client.statistics().open_turns == 0


@pytest.mark.parametrize("odd", [{}, {"item": None}, {"item": []}, {"item": {}}, {"item": {"type": 7, "id": 7}}])
async def test_odd_items_do_no_harm(odd: dict[str, Any], nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client:
        turn, asking = await begin(server, client, nursery)
        turn.send("item/started", **odd)
        turn.send("item/completed", **odd)
        turn.send("item/somethingNew", **odd)
        turn.say("fine")
        turn.end()
        assert (await asking.result()).final_text == "fine"


# --- the turns of others


async def test_turns_of_children_do_not_touch_their_parents(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client:
        turn, asking = await begin(server, client, nursery)
        for n in range(5):
            send = server.connection.send
            ids = {"threadId": f"child {n}", "turnId": f"turn of child {n}"}
            ended: dict[str, Any] = {"id": ids["turnId"], "status": "failed" if n % 2 else "completed", "items": []}
            idle = {"threadId": ids["threadId"], "status": {"type": "idle"}}
            send({"method": "item/completed", "params": {**ids, "item": message("message", f"I am child {n}")}})
            turn.say(f"mine {n}", item_id=f"m{n}")
            send({"method": "error", "params": {**ids, "willRetry": False, "error": {"message": "a child's"}}})
            send({"method": "turn/completed", "params": {"threadId": ids["threadId"], "turn": ended}})
            send({"method": "thread/status/changed", "params": idle})
        await trio.sleep(100)
        assert not asking.is_done
        turn.end()
        result = await asking.result()
        assert [step.text for step in result.steps] == [f"mine {n}" for n in range(5)]
        async with client.notifications() as notifications:
            told: list[str] = []
            while told.count("turn/completed") < 5:
                told.append((await anext(notifications)).method)
        assert (told.count("error"), told.count("item/completed")) == (5, 5)
    assert "thread/turns/list" not in server.received_methods()


async def test_another_turn_of_the_same_thread_does_not_touch_ours(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client:
        turn, asking = await begin(server, client, nursery)
        other = ManualTurn(turn.call, "another")
        other.start()
        other.say("not yours")
        other.send("item/agentMessage/delta", itemId="m", delta="la")
        other.send("error", willRetry=False, error={"message": "theirs"})
        other.end("failed")
        turn.say("mine")
        await wait_all_tasks_blocked()
        assert not asking.is_done
        turn.end()
        assert [step.text for step in (await asking.result()).steps] == ["mine"]
        async with client.notifications() as notifications:
            told: list[str] = []
            while "turn/completed" not in told:
                told.append((await anext(notifications)).method)
    assert told[-5:] == ["turn/started", "item/completed", "item/agentMessage/delta", "error", "turn/completed"]


async def test_known_turn_id_under_another_thread_is_not_ours(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client:
        turn, asking = await begin(server, client, nursery)
        stranger = {"threadId": "another", "turn": {"id": turn.turn_id, "status": "failed", "items": []}}
        server.connection.send({"method": "turn/completed", "params": stranger})
        await wait_all_tasks_blocked()
        assert not asking.is_done
        turn.say("mine")
        turn.end()
        assert (await asking.result()).final_text == "mine"


async def test_who_cannot_see_that_the_server_tries_again_is_warned(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "codex_trio")
    server = ScriptedAppServer()
    for _ in range(2):
        server.on_turn(retry("Reconnecting... 1/2", details="no route to host"), say("fine"))
    async with open_codex_client(server.transport()) as client:
        first = await client.chat_once("hi")
        async with client.stream("hi") as events:  # its reader gets a RetryScheduled
            _ = [event async for event in events]
    assert [record.getMessage() for record in caplog.records] == [
        f"turn {first.turn_id}: the server tries again: Reconnecting... 1/2 no route to host"
    ]
