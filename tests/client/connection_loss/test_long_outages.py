"""Long outages, long lives, servers that are deaf for long: all is mended afterwards, however much there is of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from codex_trio import CodexClient, CodexTransportError, open_codex_client
from codex_trio.testing import (
    HeldCall,
    RpcError,
    ScriptedAppServer,
    ask_server_request,
    hang,
    omit_completed,
    say,
    wait,
)
from tests.support.background import Background
from tests.support.manual_turn import next_turn
from tests.support.quiet_turns import go_quiet


def opened(server: ScriptedAppServer, **options: Any) -> CodexClient:
    return open_codex_client(server.transport(), reconnect=True, **options)


def lose_unheard(server: ScriptedAppServer, call: HeldCall) -> None:
    """Let the server do what it was asked, and lose the connection before it has said so."""
    call.connection.pause_writing()
    call.proceed()
    call.connection.discard_queued()
    call.connection.drop()


def slow_resumes(server: ScriptedAppServer, seconds: float) -> set[str]:
    """Let each `thread/resume` take its time; return the threads that it was asked for, as they come."""
    resumed: set[str] = set()

    async def resume(params: Mapping[str, Any]) -> dict[str, Any]:
        await trio.sleep(seconds)
        resumed.add(params["threadId"])
        connection = server.connection
        connection.subscriptions.add(params["threadId"])
        return {"thread": {"id": params["threadId"], "status": {"type": "idle"}}}

    server.reply("thread/resume", resume)
    return resumed


# --- turns


async def test_a_turn_that_a_lost_call_started_and_that_has_ended_holds_nobody_up(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    async with opened(server) as client:
        thread_id = (await client.chat_once("hello")).thread_id
        server.hold("turn/start")
        calling = Background(nursery, client.chat_once, "stray", thread_id)
        call = await server.held("turn/start").receive()
        server.release("turn/start")
        server.open_delay = 5  # it says "ok" and is done meanwhile
        lose_unheard(server, call)
        with pytest.raises(CodexTransportError):
            await calling.result()
        assert (await client.chat_once("next", thread_id)).final_text == "ok"
        assert trio.current_time() < 6
        assert client.statistics().open_turns == 0
    assert "turn/interrupt" not in server.received_methods()


async def test_a_turn_that_was_left_is_stopped_after_an_outage_however_long(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(say("so far"), hang())
    async with opened(server) as client:
        stream = client.chat("hello")
        step = await anext(stream)
        server.open_delay = 25
        server.connection.drop()
        await wait_all_tasks_blocked()
        with trio.move_on_after(0):
            await stream.aclose()
        assert (await client.chat_once("next", step.thread_id)).final_text == "ok"
        assert 25 < trio.current_time() < 27
        assert client.statistics().open_turns == 0
    [thread] = server.threads.values()
    assert [turn.status for turn in thread.turns] == ["interrupted", "completed"]


async def test_a_turn_that_is_cancelled_in_an_outage_is_interrupted_once_there_is_a_connection(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(hang())
    async with opened(server) as client:
        continuation = await go_quiet(client, timeout=1)
        server.open_delay = 10
        server.connection.drop()
        await wait_all_tasks_blocked()
        assert (await client.cancel(continuation)).was_interrupted
        assert 11 < trio.current_time() < 13


async def test_many_calls_that_were_lost_are_looked_for_at_once(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    # Of each thread the server says for a second that it is not there, as it does of one that has just begun.
    server = ScriptedAppServer(nursery)
    server.fail_next("thread/turns/list", code=-32600, message="thread not loaded: x", times=None)
    async with opened(server) as client:
        server.hold("turn/start")
        calling = [Background(nursery, client.chat_once, "hello") for _ in range(60)]
        for _ in calling:
            await server.held("turn/start").receive()
        server.release("turn/start")
        server.connection.drop()
        for one in calling:
            with pytest.raises(CodexTransportError):
                await one.result()
        assert (await client.chat_once("next")).final_text == "ok"
        assert trio.current_time() < 3


@pytest.mark.parametrize("losses", [1, 3])
async def test_a_new_thread_that_is_lost_before_its_first_turn_is_replaced(
    nursery: trio.Nursery, autojump_clock: MockClock, losses: int
) -> None:
    server = ScriptedAppServer(nursery)
    server.fail_next("thread/resume", code=-32600, message="no rollout found for thread id x", times=None)
    server.hold("thread/start")
    async with opened(server) as client:
        waiting = Background(nursery, client.chat_once, "hello")
        for _ in range(losses):
            call = await server.held("thread/start").receive()
            call.proceed()
            call.connection.drop()  # after the answer
        server.release("thread/start")
        assert (await waiting.result()).final_text == "ok"
    assert server.prompts == ["hello"]


async def test_many_turns_that_are_gone_are_given_up_at_once(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer(nursery)
    server.default(hang())
    async with opened(server) as client:
        waiting = [Background(nursery, client.chat_once, "hello") for _ in range(80)]
        await trio.sleep(1)
        server.fail_next("thread/resume", code=-32600, message="no rollout found for thread id x", times=None)
        server.connection.drop()
        for one in waiting:
            with pytest.raises(CodexTransportError, match="was not found again"):
                await one.result()
        assert trio.current_time() < 4


async def test_a_turn_that_could_not_be_stopped_is_tried_again_for_the_next(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(say("so far"), hang())
    async with open_codex_client(server.transport()) as client:
        server.ignore("turn/interrupt", times=None)
        async with client.chat("hello") as stream:
            thread_id = (await anext(stream)).thread_id
        assert trio.current_time() == pytest.approx(10, abs=0.1)  # it was given up
        server.ignore("turn/interrupt", times=0)
        assert (await client.chat_once("next", thread_id)).final_text == "ok"
        assert trio.current_time() < 11


async def test_a_turn_that_was_given_up_and_ended_unseen_is_let_go_of(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(say("so far"), wait(20), omit_completed())
    async with open_codex_client(server.transport()) as client:
        server.ignore("turn/interrupt", times=None)
        async with client.chat("hello") as stream:
            await anext(stream)
        assert client.statistics().open_turns == 1
        await trio.sleep(15)
        assert client.statistics().open_turns == 0


async def test_an_unwanted_turn_that_has_ended_before_it_was_known_holds_nobody_up(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    async with open_codex_client(server.transport()) as client:
        thread_id = (await client.chat_once("hello")).thread_id
        server.hold("turn/start")
        with trio.move_on_after(1):
            await client.chat_once("stray", thread_id)
        turn = await next_turn(server)
        turn.start()
        turn.end()
        turn.accept()
        server.release("turn/start")
        assert (await client.chat_once("next", thread_id)).final_text == "ok"
        assert trio.current_time() < 2


# --- threads


async def test_a_thousand_threads_do_not_hold_up_a_connection(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer(nursery)
    async with opened(server) as client:
        threads = {(await client.start_thread()).id for _ in range(1_000)}
        server.on_turn(say("so far"), wait(3), say("done"))
        waiting = Background(nursery, client.chat_once, "hello", min(threads))
        await trio.sleep(1)
        resumed = slow_resumes(server, 0.1)
        server.connection.drop()
        await wait_all_tasks_blocked()
        await client.request("thread/list")
        assert trio.current_time() < 3
        assert len(resumed) < 20
        assert (await waiting.result()).final_text == "done"
        assert trio.current_time() < 5

        before = len(resumed)
        assert (await client.chat_once("hello", max(threads - resumed))).final_text == "ok"
        assert len(resumed) < before + 5
        await trio.sleep(120)
        assert resumed == threads


async def test_a_thread_on_which_a_turn_is_being_started_comes_before_a_thousand_others(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    async with open_codex_client(server.transport()) as other:
        thread_id = (await other.chat_once("hello")).thread_id
    server.on_turn(say("one"), say("two"))
    async with opened(server) as client:
        for _ in range(1_000):
            await client.start_thread()
        server.hold("thread/list")
        server.hold("thread/resume")
        for _ in range(63):
            Background(nursery, client.request, "thread/list")
        await wait_all_tasks_blocked()
        waiting = Background(nursery, client.chat_once, "hello", thread_id)
        call = await server.held("thread/resume").receive()
        Background(nursery, client.request, "thread/list")
        await wait_all_tasks_blocked()
        call.proceed()
        await wait_all_tasks_blocked()
        assert client.statistics().requests_waiting == 1  # `turn/start`
        server.release("thread/resume")
        slow_resumes(server, 0.1)
        server.connection.drop()
        result = await waiting.result()
        assert [step.text for step in result.steps] == ["one", "two"]
        assert result.completion_source == "turn_completed"
        assert trio.current_time() < 3


async def test_threads_that_the_next_connection_did_not_get_to_are_for_the_one_after(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    async with opened(server) as client:
        threads = {(await client.start_thread()).id for _ in range(100)}
        resumed = slow_resumes(server, 0.1)
        for _ in range(3):
            server.connection.drop()
            await trio.sleep(2)
        assert len(resumed) < 70
        resumed.clear()
        server.connection.drop()
        await trio.sleep(20)
        assert resumed == threads


async def test_threads_that_were_left_meanwhile_are_not_subscribed_to_again(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    async with opened(server) as client:
        threads = [await client.start_thread() for _ in range(100)]
        resumed = slow_resumes(server, 0.1)
        server.connection.drop()
        await wait_all_tasks_blocked()
        await client.request("thread/list")
        before = len(resumed)
        for thread in threads:
            if thread.id not in resumed:
                await thread.unsubscribe()
        await trio.sleep(20)
        assert before < len(threads) / 2
        assert len(resumed) <= before + 1  # one was being asked for


async def test_a_thread_that_is_refused_does_not_keep_the_others(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)

    def resume(params: Mapping[str, Any]) -> dict[str, Any]:
        if params["threadId"] == gone:
            raise RpcError("no rollout found for thread id x")
        resumed.add(params["threadId"])
        return {"thread": {"id": params["threadId"]}}

    resumed: set[str] = set()
    async with opened(server) as client:
        gone, *others = [(await client.start_thread()).id for _ in range(10)]
        server.reply("thread/resume", resume)
        server.connection.drop()
        await wait_all_tasks_blocked()
        await client.request("thread/list")
        assert resumed == set(others)


# --- tables


@pytest.mark.extended
async def test_turns_that_went_quiet_and_that_nobody_took_up_are_kept_up_to_a_bound(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    server.default(say("so far"), wait(10), say("done"))
    async with open_codex_client(server.transport()) as client:
        continuations = [await go_quiet(client, timeout=1) for _ in range(300)]
        assert client.statistics().open_turns > 256
        await trio.sleep(20)
        assert client.statistics().open_turns == 256
        asked = len(server.received)
        assert [step.text async for step in client.chat(continuation=continuations[-1])] == ["so far", "done"]
        assert len(server.received) == asked  # it was kept
        assert [step.text async for step in client.chat(continuation=continuations[0])] == ["so far", "done"]
        assert len(server.received) > asked
        assert client.statistics().open_turns == 255


async def test_a_turn_that_was_taken_up_is_not_let_go_of(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer(nursery)
    server.default(say("so far"), wait(10), say("done"))
    async with open_codex_client(server.transport()) as client:
        continuation = await go_quiet(client, timeout=1)
        await trio.sleep(20)
        stream = client.chat(continuation=continuation)
        assert (await anext(stream)).text == "so far"
        for _ in range(257):
            await go_quiet(client, timeout=1)
        await trio.sleep(20)
        asked = len(server.received)
        assert [step.text async for step in stream] == ["done"]
        assert len(server.received) == asked


async def test_requests_that_were_never_answered_are_forgotten(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    server.default(ask_server_request("item/tool/requestUserInput", {"itemId": "x", "questions": []}))

    async def never(question: object) -> dict[str, str]:
        await trio.sleep_forever()
        raise AssertionError

    async with opened(server, on_user_input=never) as client, opened(server, observe=True) as observer:
        for _ in range(20):
            with trio.move_on_after(1):
                await client.chat_once("hello")
        for thread_id in server.threads:
            await observer.resume_thread(thread_id)
        await wait_all_tasks_blocked()
        server.connections[-1].ask_nowait("item/tool/call")
        await wait_all_tasks_blocked()
        for one in (client, observer):
            session = one._session
            assert not session.connection._asked  # type: ignore[union-attr]


async def test_a_call_that_is_cancelled_in_an_outage_leaves_nothing(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    async with opened(server) as client:
        thread_id = (await client.chat_once("hello")).thread_id
        server.open_delay = 5
        server.connection.drop()
        await wait_all_tasks_blocked()
        with trio.move_on_after(1):
            await client.chat_once("again", thread_id)
        session = client._session
        assert session.registry.places == []
