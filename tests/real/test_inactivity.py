"""How long a turn of the real server is waited for, and what it waits for: sleeps, sub-agents, answers to a start."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import trio

from codex_trio import (
    ApprovalRequest,
    ChatContinuation,
    CodexClient,
    CodexThread,
    CodexThreadBusyError,
    CodexTimeoutError,
    CodexTransportError,
    CodexTurnInactiveError,
    Decision,
    open_codex_client,
)
from codex_trio.testing import (
    ScriptedModel,
    ask_approval,
    hang,
    open_scripted_model,
    run,
    say,
    sleep,
    spawn_agent,
    wait,
    wait_agent,
)
from tests.support.account_models import account_model
from tests.support.asking_model import asking_model
from tests.support.chaos_proxy import through_proxy
from tests.support.real_codex import Tap, told_statuses, version_under_test, wait_nothing_open
from tests.support.real_servers import Listening, MakeTransport, Reach, own_server

QUIET = 1.0  # seconds
WORK = [run(f"sleep {QUIET / 4}; echo {number}") for number in range(6)]
MODEL = account_model(version_under_test())


async def chat_once(thread: CodexThread) -> str:
    return (await thread.chat_once("go", inactivity_timeout=QUIET)).final_text


# --- silence


@pytest.mark.extended
@own_server
async def test_a_sleep_is_activity_and_no_longer_than_it_lasts(reach: Reach, tmp_path: Path) -> None:
    async with open_scripted_model() as model, reach(model, tmp_path) as make_transport:
        model.on_turn(sleep(2 * QUIET), say("awake"))
        model.on_turn(sleep(QUIET), hang())
        async with open_codex_client(make_transport()) as client:
            thread = await client.start_thread(model=MODEL)
            assert await chat_once(thread) == "awake"
            begun_at = trio.current_time()
            with pytest.raises(CodexTurnInactiveError) as caught:
                await chat_once(thread)
            assert trio.current_time() - begun_at > 2 * QUIET
            assert caught.value.open_items == ()


@own_server
async def test_the_error_lists_the_command_that_runs(reach: Reach, tmp_path: Path) -> None:
    async with open_scripted_model() as model, reach(model, tmp_path) as make_transport:
        model.on_turn(run("sleep 4"), say("done"))
        async with open_codex_client(make_transport()) as client:
            thread = await client.start_thread(model=MODEL)
            with pytest.raises(CodexTurnInactiveError) as caught:
                await chat_once(thread)
            while not caught.value.open_items:  # a busy machine has not started the command yet
                with pytest.raises(CodexTurnInactiveError) as caught:
                    await client.chat_once(continuation=caught.value.continuation, inactivity_timeout=QUIET)
            [item] = caught.value.open_items
            assert (item.item_type, item.thread_id) == ("commandExecution", thread.id)
            assert re.search(r"waiting for commandExecution .*sleep 4.* since \d+ s", str(caught.value))
            assert (await client.chat_once(continuation=caught.value.continuation)).final_text == "done"


@pytest.mark.extended
@own_server
@pytest.mark.parametrize("slug", [MODEL, pytest.param(None, marks=pytest.mark.extended)])
async def test_a_sub_agent_that_works_and_asks_is_activity(slug: str | None, reach: Reach, tmp_path: Path) -> None:
    asked: list[ApprovalRequest] = []

    async def decide_late(request: ApprovalRequest) -> Decision:
        asked.append(request)
        await trio.sleep(2 * QUIET)
        return request.accept()

    async with asking_model() as model, reach(model, tmp_path) as make_transport:
        work = [*WORK, ask_approval("touch made"), say("Done.")]
        model.on_prompt("far below", *work)
        if slug is None:  # whose sub-agents have none of their own
            model.on_prompt("below", *work)
        else:
            model.on_prompt("below", spawn_agent("two", "work far below"), wait_agent(), say("Done."))
        model.on_turn(spawn_agent("one", "work below"), wait_agent(), say("done"))
        async with open_codex_client(make_transport(), on_approval=decide_late) as client:
            thread = await client.start_thread(model=slug)
            assert await chat_once(thread) == "done"
    assert len(asked) == 1
    assert asked[0].thread_id != thread.id
    assert tmp_path.joinpath("made").exists()


# --- in a client that was not there when it began


@pytest.mark.extended
@pytest.mark.parametrize("server", ["ws"], indirect=True)
async def test_a_sleep_that_began_before_the_turn_was_taken_up_is_found(
    model: ScriptedModel, server: Listening
) -> None:
    model.on_turn(run("true"), sleep(4 * QUIET), say("awake"))
    tap = Tap(server.transport())
    async with open_codex_client(tap) as first:
        stream = (await first.start_thread(model=MODEL)).chat("go", inactivity_timeout=QUIET / 2)
        step = await anext(stream)
        await tap.wait_passed("< item/started sleep")
        continuation = ChatContinuation(step.thread_id, step.turn_id, 1, "chat", (step.item_id,))
        async with open_codex_client(server.transport()) as second:
            result = await second.chat_once(continuation=continuation, inactivity_timeout=QUIET)
        assert result.final_text == "awake"
        assert [one.item_type for one in result.steps] == ["sleep", "agentMessage"]
        await stream.aclose()


@pytest.mark.extended
@pytest.mark.parametrize("server", ["ws"], indirect=True)
async def test_sub_agents_of_a_turn_that_is_taken_up_are_followed(
    model: ScriptedModel, server: Listening, nursery: trio.Nursery
) -> None:
    proxy = await through_proxy(nursery, server.url)
    asked: list[str] = []

    async def forever(request: ApprovalRequest) -> Decision:
        asked.append("first")
        await trio.sleep_forever()
        raise AssertionError

    async def decide_late(request: ApprovalRequest) -> Decision:
        asked.append("second")
        await trio.sleep(2 * QUIET)
        return request.accept()

    model.on_prompt("work", *WORK, ask_approval("true"), *WORK, say("Done."))
    model.on_turn(spawn_agent("one", "work"), wait_agent(), say("done"))
    async with open_codex_client(proxy.transport(), on_approval=forever) as first:
        stream = (await first.start_thread(model=MODEL)).chat("go")
        step = await anext(stream)
        proxy.cut()
        with pytest.raises(CodexTransportError) as caught:
            await anext(stream)
    assert step.item_type == "subAgentActivity"
    continuation = caught.value.continuation
    assert continuation is not None
    async with open_codex_client(server.transport(), on_approval=decide_late) as second:
        result = await second.chat_once(continuation=continuation, inactivity_timeout=QUIET)
    assert result.final_text == "done"
    assert "second" in asked
    nursery.cancel_scope.cancel()


# --- from one turn to the next


@pytest.mark.extended
@own_server
async def test_a_new_message_replaces_the_running_turn(client: CodexClient, model: ScriptedModel) -> None:
    model.on_prompt("old", run("true"), hang())
    thread = await client.start_thread()
    for number in range(20):
        async with trio.open_nursery() as nursery:
            scope = trio.CancelScope()

            async def run_old(scope: trio.CancelScope) -> None:
                with scope:
                    await thread.chat_once("old")

            nursery.start_soon(run_old, scope)
            await trio.sleep(0.01 * (number % 10))
            answers: list[str] = []

            async def run_new(answers: list[str]) -> None:
                answers.append((await thread.chat_once("new")).final_text)

            scope.cancel()
            nursery.start_soon(run_new, answers)
        assert answers == ["ok"]
    assert (await told_statuses(client, thread.id)).count("completed") == 20
    await wait_nothing_open(client)


# --- connections that are lost over one turn


@pytest.mark.extended
@pytest.mark.parametrize("server", ["ws"], indirect=True)
async def test_a_turn_over_which_every_connection_is_lost_is_given_up_alone(
    model: ScriptedModel, server: Listening
) -> None:
    model.on_prompt("good", say("so far"), wait(6), say("done"))
    model.on_prompt("bad", say("so far"), wait(60), say("never"))
    tap = Tap(server.transport())
    async with open_codex_client(tap, reconnect=True, reconnect_timeout=3) as client:
        good, bad = client.chat("good"), client.chat("bad")
        await anext(good)
        step = await anext(bad)

        def cut_over_the_bad_one(name: str) -> None:
            if name == "> thread/items/list" and tap.messages[-1]["params"]["threadId"] == step.thread_id:
                tap.cut_behind = "< thread/items/list"

        tap.before = cut_over_the_bad_one
        tap.cut_behind = "< thread/list"
        await client.request("thread/list", {})  # behind whose answer the connection is lost
        begun_at = trio.current_time()
        with pytest.raises(CodexTransportError, match="could not be caught up with") as caught:
            await anext(bad)
        assert 2 < trio.current_time() - begun_at < 10
        assert [one.text async for one in good] == ["done"]
        tap.before = None
        continuation = caught.value.continuation
        assert continuation is not None
        assert (await client.cancel(continuation)).was_interrupted


# --- a start that is not answered


class WithoutAnswers(Tap):
    """Loses the answers to `turn/start`, while `is_lossy`."""

    is_lossy = True

    async def receive(self) -> list[bytes | bytearray]:
        while True:
            lines = await super().receive()
            names = self.passed[len(self.passed) - len(lines) :]
            kept = [
                line for line, name in zip(lines, names, strict=True) if name != "< turn/start" or not self.is_lossy
            ]
            if kept:
                return kept


@pytest.mark.extended
@own_server
async def test_a_thread_is_free_when_a_start_that_was_not_answered_has_ended(
    make_transport: MakeTransport, model: ScriptedModel
) -> None:
    transport = WithoutAnswers(make_transport())
    model.on_prompt("short", say("done"))
    model.on_prompt("long", run("sleep 3"), say("done"))
    async with open_codex_client(transport, request_timeout=1.5) as client:
        thread = await client.start_thread()
        for prompt in ("short", "long"):
            transport.is_lossy = True
            with pytest.raises(CodexTimeoutError, match="turn/start"):
                await thread.chat_once(prompt)
            transport.is_lossy = False
            if prompt == "long":
                with pytest.raises(CodexThreadBusyError):
                    await thread.chat_once("next")
                await transport.wait_passed("< turn/completed", times=3)
            assert (await thread.chat_once("next")).final_text == "ok"
        assert await told_statuses(client, thread.id) == ["completed"] * 4
        assert client.statistics().open_turns == 0
