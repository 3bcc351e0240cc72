"""`StepStream`: however a consumer leaves it, the turn is interrupted, the thread is free, and nothing is left behind."""

from __future__ import annotations

import gc
import logging
from collections.abc import Awaitable, Callable

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from codex_trio import (
    CodexClient,
    CodexThreadBusyError,
    CodexTransportError,
    CodexTurnFailedError,
    CodexTurnInactiveError,
    CodexTurnInterruptedError,
    ConversationStep,
    StepStream,
    open_codex_client,
)
from codex_trio.testing import ScriptedAppServer, drop_connection, fail, hang, run, say, think, wait
from tests.support.background import Background
from tests.support.manual_turn import next_turn
from tests.support.quiet_turns import read


class MyError(Exception):
    pass


def unfinished() -> ScriptedAppServer:
    server = ScriptedAppServer()
    server.on_turn(think("one"), run("two"), hang())
    return server


async def by_break(client: CodexClient) -> str:
    async for step in client.chat("hello"):
        thread_id = step.thread_id
        break
    return thread_id


async def by_return(client: CodexClient) -> str:
    async for step in client.chat("hello"):
        return step.thread_id
    raise AssertionError("there was no step")


async def by_exception(client: CodexClient) -> str:
    try:
        async for step in client.chat("hello"):
            thread_id = step.thread_id
            raise MyError
    except MyError:
        pass
    return thread_id


async def by_block(client: CodexClient) -> str:
    async with client.chat("hello") as stream:
        return (await anext(stream)).thread_id


async def by_closing(client: CodexClient) -> str:
    stream = client.chat("hello")
    thread_id = (await anext(stream)).thread_id
    for _ in range(3):
        await stream.aclose()
    return thread_id


async def by_deleting(client: CodexClient) -> str:
    stream = client.chat("hello")
    thread_id = (await anext(stream)).thread_id
    del stream
    gc.collect()
    return thread_id


async def by_forgetting_it_in_a_cycle(client: CodexClient) -> str:
    stream = client.chat("hello")
    thread_id = (await anext(stream)).thread_id
    cycle: list[object] = [stream]
    cycle.append(cycle)
    del stream, cycle
    gc.collect()
    return thread_id


async def by_timeout_of_a_step(client: CodexClient) -> str:
    stream = client.chat("hello")
    for _ in range(2):
        thread_id = (await anext(stream)).thread_id
    with trio.move_on_after(1) as scope:
        await anext(stream)
    assert scope.cancelled_caught
    return thread_id


@pytest.mark.parametrize(
    "leave",
    [
        by_break,
        by_return,
        by_exception,
        by_block,
        by_closing,
        by_deleting,
        by_forgetting_it_in_a_cycle,
        by_timeout_of_a_step,
    ],
)
async def test_turn_of_a_stream_that_was_left_is_interrupted(
    leave: Callable[[CodexClient], Awaitable[str]], autojump_clock: MockClock
) -> None:
    server = unfinished()
    async with open_codex_client(server.transport()) as client:
        thread_id = await leave(client)
        left_at = trio.current_time()
        assert (await client.chat_once("again", thread_id)).final_text == "ok"
        assert trio.current_time() < left_at + 0.1
        ends = (await client.request("thread/turns/list", {"threadId": thread_id}))["data"]
        assert [turn["status"] for turn in ends] == ["completed", "interrupted"]
        assert client.statistics().open_turns == 0


async def test_turn_of_a_dropped_stream_is_interrupted_although_nobody_asks_for_more(autojump_clock: MockClock) -> None:
    server = unfinished()
    async with open_codex_client(server.transport()) as client:
        await by_break(client)
        await trio.sleep(1)
        assert server.received_methods()[-1] == "turn/interrupt"
        assert client.statistics().open_turns == 0


async def test_aclose_returns_when_the_turn_is_stopped(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.hold("turn/start")
    server.hold("turn/interrupt")
    async with open_codex_client(server.transport()) as client:
        stream = client.chat("hello")
        first = Background(nursery, stream.__anext__)
        turn = await next_turn(server)
        turn.accept()
        turn.say("one")
        await first.result()
        closing = Background(nursery, stream.aclose)
        (await server.held("turn/interrupt").receive()).reply({})
        await trio.sleep(2)
        assert not closing.is_done
        turn.end("interrupted")
        await closing.result()
        assert trio.current_time() == 2


async def test_aclose_is_bounded(autojump_clock: MockClock) -> None:
    server = unfinished()
    server.ignore("turn/interrupt")
    async with open_codex_client(server.transport()) as client:
        async with client.chat("hello") as stream:
            await anext(stream)
            left_at = trio.current_time()
        assert trio.current_time() == left_at + 10


async def test_stream_that_never_began_sends_nothing(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client:
        client.chat("dropped")
        async with client.chat("left"):
            pass
        with trio.CancelScope() as scope:
            scope.cancel()
            await anext(client.chat("cancelled"))
        await wait_all_tasks_blocked()
    assert server.prompts == []


async def test_drained_stream_ends_for_good(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client:
        stream = client.chat("hello")
        assert [step.text async for step in stream] == ["ok"]
        for _ in range(2):
            with pytest.raises(StopAsyncIteration):
                await anext(stream)
        await stream.aclose()
        assert client.statistics().open_turns == 0
    assert "turn/interrupt" not in server.received_methods()


async def test_stream_that_was_left_has_no_further_steps(autojump_clock: MockClock) -> None:
    server = unfinished()
    async with open_codex_client(server.transport()) as client:
        closed, timed_out, quiet = client.chat("hello"), client.chat("hello"), client.chat("hello")
        server.default(hang())
        await anext(closed)
        await closed.aclose()
        with trio.move_on_after(1):
            await anext(timed_out)
        with pytest.raises(CodexTurnInactiveError):
            await anext(quiet)
        for stream in (closed, timed_out, quiet):
            with pytest.raises(trio.ClosedResourceError):
                await anext(stream)


async def test_stream_knows_its_turn(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client:
        stream = client.chat("hello")
        assert (stream.thread_id, stream.turn_id) == (None, None)
        step = await anext(stream)
        assert (stream.thread_id, stream.turn_id) == (step.thread_id, step.turn_id)


async def test_steps_are_delivered_before_the_turn_fails(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(think("one"), say("two"), fail("broken"))
    steps: list[ConversationStep] = []
    async with open_codex_client(server.transport()) as client:
        with pytest.raises(CodexTurnFailedError, match="broken"):
            await read(client.chat("hello"), steps, pause=10)
        assert client.statistics().open_turns == 0
    assert [step.text for step in steps] == ["one", "two"]


async def test_steps_are_delivered_before_the_loss_of_the_server(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(think("one"), say("two"), drop_connection())
    steps: list[ConversationStep] = []
    async with open_codex_client(server.transport()) as client:
        with pytest.raises(CodexTransportError) as caught:
            await read(client.chat("hello"), steps, pause=10)
    assert [step.text for step in steps] == ["one", "two"]
    assert caught.value.continuation is not None
    assert caught.value.continuation.seen == tuple(step.item_id for step in steps)


# --- from several tasks


async def test_stream_may_be_consumed_by_another_task(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(think("one"), wait(1), run("two"), wait(1), say("three"))
    async with open_codex_client(server.transport()) as client:
        stream = client.chat("hello")
        kinds = [(await anext(stream)).step_type]
        kinds.append((await Background(nursery, stream.__anext__).result()).step_type)
        kinds.append((await anext(stream)).step_type)
        await stream.aclose()
    assert kinds == ["thinking", "exec", "codex"]


async def test_two_tasks_at_once_are_a_mistake_that_harms_only_the_second(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer()
    server.on_turn(wait(1), say("one"))
    async with open_codex_client(server.transport()) as client:
        stream = client.chat("hello")
        first = Background(nursery, stream.__anext__)
        await wait_all_tasks_blocked()
        with pytest.raises(trio.BusyResourceError):
            await anext(stream)
        assert (await first.result()).text == "one"


@pytest.mark.parametrize("is_begun", [True, False])
async def test_closed_by_another_task_the_stream_ends_and_the_turn_is_stopped(
    is_begun: bool, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer()
    server.on_turn(wait(10), say("unwanted"))
    async with open_codex_client(server.transport()) as client:
        thread_id = (await client.request("thread/start"))["thread"]["id"]
        server.hold("turn/start")
        stream = client.chat("hello", thread_id)
        stepping = Background(nursery, stream.__anext__)
        start = await server.held("turn/start").receive()
        server.release("turn/start")
        if is_begun:
            start.proceed()
            await trio.sleep(1)
            await stream.aclose()
        else:
            await stream.aclose()
            start.proceed()
        with pytest.raises((trio.ClosedResourceError, CodexTurnInterruptedError)):
            await stepping.result()
        assert (await client.chat_once("again", thread_id)).final_text == "ok"
        assert "turn/interrupt" in server.received_methods()


async def test_stream_on_a_busy_thread_is_refused_and_changes_nothing(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer()
    server.on_turn(think("one"), wait(10), say("two"))
    async with open_codex_client(server.transport()) as client:
        first = client.chat("hello")
        step = await anext(first)
        with pytest.raises(CodexThreadBusyError):
            await anext(client.chat("more", step.thread_id))
        gc.collect()
        assert (await anext(first)).text == "two"


# --- after the end of the client, and of the run


async def test_stream_may_outlive_its_client(autojump_clock: MockClock) -> None:
    server = unfinished()
    async with open_codex_client(server.transport()) as client:
        stream = client.chat("hello")
        await anext(stream)
    assert "turn/interrupt" in server.received_methods()
    await stream.aclose()
    del stream
    gc.collect()
    await wait_all_tasks_blocked()
    assert client.statistics().open_turns == 0


async def test_step_after_the_end_of_the_client_says_so(autojump_clock: MockClock) -> None:
    server = unfinished()
    async with open_codex_client(server.transport()) as client:
        stream = client.chat("hello")
        late = client.chat("too late")
        await anext(stream)
    with pytest.raises(CodexTransportError, match="closed"):
        await anext(late)
    assert server.prompts == ["hello"]


def test_stream_may_outlive_the_trio_run(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> StepStream:
        server = unfinished()
        async with open_codex_client(server.transport()) as client:
            stream = client.chat("hello")
            await anext(stream)
        return stream

    with caplog.at_level(logging.DEBUG, logger="codex_trio"):
        stream = trio.run(main)
        del stream
        gc.collect()
    assert "after its Trio run had ended" in caplog.text
