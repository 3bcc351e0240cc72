"""The connection to a server that listens is lost, in this way and that: no step is lost, and none comes twice."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import trio

from codex_trio import (
    ApprovalRequest,
    ChatContinuation,
    CodexTransportError,
    CodexTurnInterruptedError,
    CommandApprovalRequest,
    ConversationStep,
    Decision,
    open_codex_client,
)
from codex_trio.testing import ScriptedModel, call_tool, hang, open_scripted_model, run, say, think, wait
from tests.support.asking_model import decider
from tests.support.chaos_proxy import through_proxy
from tests.support.real_codex import Tap, left, told_statuses, wait_nothing_left, wait_nothing_open
from tests.support.real_servers import Listening, running_server, with_token

# Messages that nobody gets but who has the turn.
MOMENTS = [
    "< turn/start",
    "< turn/started",
    "< item/completed userMessage",
    "< item/started reasoning",
    "< item/completed reasoning",
    "< item/agentMessage/delta",
    "< item/completed agentMessage",
    "< item/started commandExecution",
    "< item/commandExecution/requestApproval",
    "< serverRequest/resolved",
    "< item/completed commandExecution",
    "< thread/tokenUsage/updated",
]

ITEMS = 40  # more than a page of history has unless it is asked for more


@pytest.fixture
async def model() -> AsyncIterator[ScriptedModel]:
    with trio.fail_after(60):
        async with open_scripted_model(approval_policy="on-request", sandbox_mode="read-only") as model:
            yield model


# --- at each moment of a turn


class Loss:
    """A turn whose connection is lost right behind a certain message."""

    def __init__(self, number: int, model: ScriptedModel, server: Listening, folder: Path) -> None:
        self.prompt = f"turn {number}."
        self.tap = Tap(server.transport())
        self.tap.cut_behind = MOMENTS[number]
        self._file = folder / f"file-{number}"
        script = think("hm"), say("half"), run(f"echo ran >> {self._file.name}", escalate=True), say("whole")
        model.on_prompt(self.prompt, *script)

    def check(self, steps: list[ConversationStep]) -> None:
        assert [step.step_type for step in steps] == ["thinking", "codex", "exec", "codex"]
        assert [step.text for step in steps if step.step_type != "exec"] == ["hm", "half", "whole"]
        assert steps[2].data["exitCode"] == 0
        assert self._file.read_text() == "ran\n"  # once


async def see_a_pause(loss: Loss, server: Listening) -> None:
    _, accept = decider(lambda request: request.accept())
    async with open_codex_client(loss.tap, on_approval=accept, reconnect=True) as client:
        steps = [step async for step in client.chat(loss.prompt)]
        loss.check(steps)
        assert loss.tap.passed.count("lost") == 1
        assert await told_statuses(client, steps[0].thread_id) == ["completed"]
        await wait_nothing_open(client)


async def go_on_in_another_client(loss: Loss, server: Listening) -> None:
    _, accept = decider(lambda request: request.accept())
    steps: list[ConversationStep] = []
    with pytest.raises(CodexTransportError, match="cut by the test") as caught:  # noqa: PT012  the loop
        async with open_codex_client(loss.tap, on_approval=accept) as client:
            async for step in client.chat(loss.prompt):
                steps.append(step)
    assert caught.value.continuation is not None
    continuation = ChatContinuation.from_json(caught.value.continuation.to_json())
    async with open_codex_client(server.transport(), on_approval=accept) as client:
        steps += [step async for step in client.chat(continuation=continuation)]
        loss.check(steps)
        await wait_nothing_open(client)


@pytest.mark.parametrize("survive", [see_a_pause, pytest.param(go_on_in_another_client, marks=pytest.mark.extended)])
async def test_no_step_is_lost_and_none_comes_twice(
    model: ScriptedModel, server: Listening, tmp_path: Path, survive: Callable[[Loss, Listening], Awaitable[None]]
) -> None:
    async with trio.open_nursery() as nursery:
        for number in range(len(MOMENTS)):
            nursery.start_soon(survive, Loss(number, model, server, tmp_path), server, name=MOMENTS[number])


# --- a sub-agent waits for an answer


@pytest.mark.extended
@pytest.mark.from_codex("0.163", "a turn does not tell which turn it works for")
async def test_what_a_sub_agent_waits_for_is_asked_again(
    model: ScriptedModel, server: Listening, nursery: trio.Nursery
) -> None:
    wait_for_it = "for i in $(seq 300); do test -e made && break; sleep 0.1; done"
    spawn = call_tool("spawn_agent", {"message": "task"}, namespace="multi_agent_v1")
    model.on_prompt("go", spawn, run(wait_for_it, escalate=True), say("done"))
    model.on_prompt("task", run("touch made", escalate=True), say("made"))
    proxy = await through_proxy(nursery, server.url)
    seen: list[str | None] = []

    async def lose_once(request: ApprovalRequest) -> Decision:
        await trio.lowlevel.checkpoint()
        if isinstance(request, CommandApprovalRequest) and "touch" in str(request.command):
            seen.append(request.turn_id)
            if len(seen) == 1:
                proxy.cut()
                await trio.sleep_forever()
        return request.accept()

    async with open_codex_client(proxy.transport(), on_approval=lose_once, reconnect=True) as client:
        result = await client.chat_once("go")
        assert [step.data["exitCode"] for step in result.steps if step.step_type == "exec"] == [0]
        assert len(seen) == 2
        assert seen[0] == seen[1] != result.turn_id
    nursery.cancel_scope.cancel()


# --- a link that goes dead, a server that stands still


@pytest.mark.extended
@pytest.mark.parametrize("server", ["unix"], indirect=True)
async def test_a_half_open_link_is_noticed_and_mended(
    model: ScriptedModel, server: Listening, nursery: trio.Nursery
) -> None:
    model.on_turn(say("so far"), wait(1), say("done"))
    proxy = await through_proxy(nursery, server.url)
    before = left()
    async with open_codex_client(proxy.transport(ping_interval=0.3), reconnect=True) as client:
        stream = client.chat("Wait")
        assert (await anext(stream)).text == "so far"
        proxy.swallow()
        with trio.fail_after(10):
            assert [step.text async for step in stream] == ["done"]
        assert proxy.connections == 2
    proxy.cut()
    await wait_nothing_left(before)
    nursery.cancel_scope.cancel()


@pytest.mark.extended
@pytest.mark.parametrize("server", ["ws"], indirect=True)
async def test_a_half_open_link_is_a_loss_with_a_continuation(
    model: ScriptedModel, server: Listening, nursery: trio.Nursery
) -> None:
    model.on_turn(say("so far"), wait(1), say("done"))
    proxy = await through_proxy(nursery, server.url)
    before = left()
    async with open_codex_client(proxy.transport(ping_interval=0.3)) as client:
        stream = client.chat("Wait")
        assert (await anext(stream)).text == "so far"
        proxy.swallow()
        swallowed_at = trio.current_time()
        with pytest.raises(CodexTransportError, match="no data was received") as caught:
            await anext(stream)
        assert trio.current_time() - swallowed_at < 3
    proxy.cut()
    await wait_nothing_left(before)
    async with open_codex_client(server.transport()) as client:
        assert [step.text async for step in client.chat(continuation=caught.value.continuation)] == ["done"]
    nursery.cancel_scope.cancel()


@pytest.mark.extended
async def test_a_server_that_stands_still_is_told_in_time_and_found_again(
    model: ScriptedModel, server: Listening, nursery: trio.Nursery
) -> None:
    model.on_turn(say("so far"), wait(0.5), say("done"))
    before = left()
    tap = Tap(server.transport(ping_interval=0.3))
    async with open_codex_client(tap, reconnect=True) as client:
        stream = client.chat("Wait")
        assert (await anext(stream)).text == "so far"
        await stop(server.process)
        begun = trio.current_time()
        with pytest.raises(CodexTransportError, match=r"more than 0\.5 s|within 0\.5 s"):
            async with open_codex_client(server.transport(connect_timeout=0.5)):
                raise AssertionError("it opened")
        assert trio.current_time() - begun < 5
        await tap.wait_passed("lost")
        server.process.send_signal(signal.SIGCONT)
        assert [step.text async for step in stream] == ["done"]
    await wait_nothing_left(before)


async def stop(process: trio.Process) -> None:
    """Let a process stand still."""
    process.send_signal(signal.SIGSTOP)
    state = trio.Path(f"/proc/{process.pid}/stat")
    while (await state.read_text()).rpartition(") ")[2][0] != "T":  # noqa: ASYNC110  nobody tells
        await trio.sleep(0.01)


# --- another server in its place


@pytest.mark.parametrize("server", ["unix"], indirect=True)  # over a websocket, the next test shows it
async def test_a_restarted_server_is_found_again(
    model: ScriptedModel, server: Listening, nursery: trio.Nursery
) -> None:
    model.on_turn(say("so far"), hang())
    proxy = await through_proxy(nursery, server.url)
    before = left()
    async with open_codex_client(proxy.transport(), reconnect=True) as client:
        stream = client.chat("Wait")
        step = await anext(stream)
        server.process.kill()
        await server.process.wait()
        async with running_server(model) as second:
            proxy.target = second.url
            with pytest.raises(CodexTurnInterruptedError):
                await anext(stream)
            assert (await client.chat_once("More", step.thread_id)).final_text == "ok"
            await wait_nothing_open(client)
    await wait_nothing_left(before)
    nursery.cancel_scope.cancel()


@pytest.mark.extended
@pytest.mark.parametrize("is_in_file", [False, True])
async def test_a_server_with_another_token_is_reached_if_the_token_can_be_had(
    model: ScriptedModel, tmp_path: Path, nursery: trio.Nursery, is_in_file: bool
) -> None:
    model.on_turn(say("so far"), hang())
    file = tmp_path / "token"
    file.write_text("the-first")
    async with running_server(model, *with_token(model, "the-first")) as first:
        proxy = await through_proxy(nursery, first.url)
        transport = proxy.transport(token=file if is_in_file else "the-first")
        before = left()
        async with open_codex_client(transport, reconnect=True) as client:
            stream = client.chat("Wait")
            step = await anext(stream)
            first.process.kill()
            await first.process.wait()
            async with running_server(model, *with_token(model, "the-second")) as second:
                proxy.target = second.url
                if is_in_file:
                    count = proxy.connections
                    while proxy.connections < count + 2:  # noqa: ASYNC110  to be refused; nobody tells
                        await trio.sleep(0.01)
                    file.write_text("the-second")
                    with pytest.raises(CodexTurnInterruptedError):
                        await anext(stream)
                    assert (await client.chat_once("More", step.thread_id)).final_text == "ok"
                else:
                    with trio.fail_after(20), pytest.raises(CodexTransportError, match="HTTP 401") as caught:
                        await anext(stream)
                    assert caught.value.is_permanent
                    assert caught.value.continuation is not None
        await wait_nothing_left(before)
    nursery.cancel_scope.cancel()


@pytest.mark.extended
async def test_a_turn_whose_start_was_lost_is_found_and_stopped(
    model: ScriptedModel, server: Listening, nursery: trio.Nursery
) -> None:
    proxy = await through_proxy(nursery, server.url)
    async with open_codex_client(proxy.transport(), reconnect=True) as client:
        thread_id = (await client.chat_once("Hello")).thread_id
        model.on_turn(*[say("stray")] * ITEMS, hang())
        proxy.mute()

        async def cut_when_it_has_said_much() -> None:
            where = {"threadId": thread_id, "limit": 100}
            async with open_codex_client(server.transport(), observe=True) as other:
                while len((await other.request("thread/items/list", where))["data"]) < ITEMS:  # noqa: ASYNC110  nobody tells
                    await trio.sleep(0.01)
            proxy.cut()

        nursery.start_soon(cut_when_it_has_said_much)
        with pytest.raises(CodexTransportError) as caught:
            await client.chat_once("Stray", thread_id)
        assert caught.value.continuation is None
        assert (await client.chat_once("Next", thread_id)).final_text == "ok"
        assert await told_statuses(client, thread_id) == ["completed", "interrupted", "completed"]
        await wait_nothing_open(client)
    nursery.cancel_scope.cancel()


@pytest.mark.extended
async def test_a_turn_that_was_accepted_and_began_unheard_is_found(model: ScriptedModel, server: Listening) -> None:
    tap = Tap(server.transport())
    async with open_codex_client(tap, reconnect=True) as client:
        thread = await client.start_thread()
        await thread.chat_once("Hello")
        tap.cut_behind = "< thread/compact/start"
        compacted = await thread.compact()
        assert [step.item_type for step in compacted.steps] == ["contextCompaction"]
        tap.cut_behind = "< thread/shellCommand"
        ran = await thread.shell("echo heard")
        assert [step.data["aggregatedOutput"] for step in ran.steps] == ["heard\n"]
        assert tap.passed.count("lost") == 2
        assert (await thread.chat_once("Next")).final_text == "ok"
        await wait_nothing_open(client)
