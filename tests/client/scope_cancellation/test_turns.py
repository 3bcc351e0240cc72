"""Cancellation from outside, at every point of a turn's life: the caller leaves at once, and the turn does not run on."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from codex_trio import (
    CodexClient,
    CodexThread,
    CodexThreadBusyError,
    CodexTimeoutError,
    CodexTransportError,
    CodexTurnInactiveError,
    CodexTurnInterruptedError,
    connect_codex_client,
    open_codex_client,
)
from codex_trio.testing import ScriptedAppServer, faulty, hang, run, say, think, wait
from tests.support.background import Background
from tests.support.cancel_points import cancelled_after
from tests.support.manual_turn import ManualTurn, next_turn
from tests.support.quiet_turns import go_quiet

UNWANTED = (think("hm"), wait(1), run("ls"), wait(1), run("pwd"), wait(0.5), think("well"), wait(0.5), say("unwanted"))
Asking = Callable[[CodexClient, str], Awaitable[None]]


async def ask_once(client: CodexClient, thread_id: str) -> None:
    await client.chat_once("unwanted", thread_id)


async def ask_in_stream(client: CodexClient, thread_id: str) -> None:
    async for _ in client.chat("unwanted", thread_id):
        pass


async def statuses(client: CodexClient, thread_id: str) -> list[str]:
    """Return what the server says of the thread's turns, oldest first."""
    turns = (await client.request("thread/turns/list", {"threadId": thread_id}))["data"]
    return [turn["status"] for turn in reversed(turns)]


async def check_thread_is_free(client: CodexClient, server: ScriptedAppServer, thread_id: str) -> list[str]:
    """Check that the next turn is one of its own and nothing is left; return how the turns before it ended."""
    result = await client.chat_once("next", thread_id)
    assert result.final_text == "the next answer"
    assert [step.text for step in result.steps] == ["the next answer"]
    *before, last = await statuses(client, thread_id)
    assert last == "completed"
    assert server.prompts[-1] == "next"
    left = client.statistics()
    assert (left.open_turns, left.unread_events, left.requests_in_flight, left.requests_waiting) == (0, 0, 0, 0)
    return before


def scripted(start_delay: float) -> ScriptedAppServer:
    server = ScriptedAppServer(start_delay=start_delay)
    server.on_prompt("unwanted", *UNWANTED)
    server.on_prompt("next", say("the next answer"))
    return server


@pytest.mark.parametrize("start_delay", [0, 0.003, 0.7])
@pytest.mark.parametrize("ask", [ask_once, ask_in_stream])
async def test_cancelled_at_any_of_its_steps_the_turn_is_stopped(
    ask: Asking, start_delay: float, autojump_clock: MockClock
) -> None:
    ends: list[str] = []
    while "completed" not in ends:
        server = scripted(start_delay)
        async with open_codex_client(server.transport()) as client:
            thread_id = (await client.request("thread/start"))["thread"]["id"]
            with cancelled_after(len(ends)) as cancelling:
                await ask(client, thread_id)
            assert cancelling.fired_at in (None, trio.current_time())
            before = await check_thread_is_free(client, server, thread_id)
            ends += before or ["not begun"]
    assert ends.count("not begun") >= 1
    assert ends.count("interrupted") >= 5


@pytest.mark.parametrize("ask", [ask_once, ask_in_stream])
@pytest.mark.parametrize("seconds", [0, 0.001, 0.5, 0.7, 0.701, 1.0, 1.6, 1.7, 2.6])
async def test_cancelled_at_any_time_the_turn_is_stopped(
    ask: Asking, seconds: float, autojump_clock: MockClock
) -> None:
    server = scripted(start_delay=0.7)
    async with open_codex_client(server.transport()) as client:
        thread_id = (await client.request("thread/start"))["thread"]["id"]
        with trio.move_on_after(seconds) as scope:
            await ask(client, thread_id)
        assert scope.cancelled_caught
        assert trio.current_time() == seconds
        assert set(await check_thread_is_free(client, server, thread_id)) <= {"interrupted"}


async def test_chat_on_a_new_thread_cancelled_at_any_of_its_steps_leaves_no_turn(autojump_clock: MockClock) -> None:
    ends: list[str] = []
    while "completed" not in ends:
        server = scripted(start_delay=0.003)
        async with open_codex_client(server.transport()) as client:
            with cancelled_after(len(ends)):
                await client.chat_once("unwanted")
            await trio.sleep(1)
            threads = (await client.request("thread/list"))["data"]
            ends += [(await statuses(client, thread["id"]))[0] for thread in threads] or ["not begun"]
            assert client.statistics().open_turns == 0
    assert set(ends) == {"not begun", "interrupted", "completed"}


async def test_chat_on_an_unloaded_thread_cancelled_at_any_of_its_steps_leaves_no_turn(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    ends: list[str] = []
    while "completed" not in ends:
        server = scripted(start_delay=0.003)
        async with open_codex_client(server.transport()) as other, open_codex_client(server.transport()) as client:
            thread_id = (await other.chat_once("first")).thread_id
            with cancelled_after(len(ends)) as cancelling:
                await client.chat_once("unwanted", thread_id)
            assert cancelling.fired_at in (None, trio.current_time())
            before = await check_thread_is_free(client, server, thread_id)
            ends += before[1:] or ["not begun"]
    assert set(ends) == {"not begun", "interrupted", "completed"}


@pytest.mark.parametrize("method", ["thread/start", "thread/resume"])
async def test_cancelled_before_the_turn_is_asked_for_no_turn_begins(
    method: str, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = scripted(start_delay=0)
    async with open_codex_client(server.transport()) as other, open_codex_client(server.transport()) as client:
        thread_id = (await other.chat_once("first")).thread_id if method == "thread/resume" else None
        server.hold(method)
        with trio.move_on_after(1) as scope:
            await client.chat_once("unwanted", thread_id)
        assert scope.cancelled_caught
        (await server.held(method).receive()).proceed()
        server.release(method)
        await trio.sleep(1)
        assert (await client.chat_once("next", thread_id)).final_text == "the next answer"
    assert "unwanted" not in server.prompts


@pytest.mark.parametrize("is_quiet", [True, False])
async def test_turn_whose_start_was_cancelled_in_flight_is_stopped_when_it_is_answered(
    is_quiet: bool, autojump_clock: MockClock
) -> None:
    server = scripted(start_delay=0.5)
    async with open_codex_client(server.transport()) as client:
        thread_id = (await client.request("thread/start"))["thread"]["id"]
        server.hold("turn/start")
        with trio.move_on_after(1) as scope:
            await client.chat_once("unwanted", thread_id)
        assert scope.cancelled_caught
        assert trio.current_time() == 1
        call = await server.held("turn/start").receive()
        server.release("turn/start")
        if is_quiet:
            await trio.sleep(10)
        call.proceed()
        assert await check_thread_is_free(client, server, thread_id) == ["interrupted"]


async def test_next_turn_waits_for_the_answer_to_a_start_that_was_cancelled(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = scripted(start_delay=0)
    async with open_codex_client(server.transport()) as client:
        thread_id = (await client.request("thread/start"))["thread"]["id"]
        server.hold("turn/start")
        with trio.move_on_after(1):
            await client.chat_once("unwanted", thread_id)
        call = await server.held("turn/start").receive()
        server.release("turn/start")
        asking = Background(nursery, client.chat_once, "next", thread_id)
        await trio.sleep(5)
        assert server.prompts == ["unwanted"]
        call.proceed()
        assert (await asking.result()).final_text == "the next answer"


async def test_start_that_was_cancelled_and_then_refused_frees_the_thread(autojump_clock: MockClock) -> None:
    server = scripted(start_delay=0)
    async with open_codex_client(server.transport()) as client:
        thread_id = (await client.request("thread/start"))["thread"]["id"]
        server.hold("turn/start")
        with trio.move_on_after(1):
            await client.chat_once("unwanted", thread_id)
        server.release("turn/start")
        (await server.held("turn/start").receive()).error(-32603, "no")
        assert await check_thread_is_free(client, server, thread_id) == []


async def test_start_that_timed_out_is_stopped_when_its_answer_comes(autojump_clock: MockClock) -> None:
    server = scripted(start_delay=0.5)
    async with open_codex_client(server.transport(), request_timeout=5) as client:
        thread_id = (await client.request("thread/start"))["thread"]["id"]
        server.hold("turn/start")
        with pytest.raises(CodexTimeoutError, match="turn/start"):
            await client.chat_once("unwanted", thread_id)
        assert trio.current_time() == 5
        server.release("turn/start")
        (await server.held("turn/start").receive()).proceed()
        assert await check_thread_is_free(client, server, thread_id) == ["interrupted"]


async def test_cancelled_while_waiting_for_a_place_sends_nothing(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = scripted(start_delay=0)
    async with open_codex_client(server.transport()) as client:
        thread_id = (await client.request("thread/start"))["thread"]["id"]
        server.hold("slow/method")
        for _ in range(64):
            nursery.start_soon(client.request, "slow/method")
        await wait_all_tasks_blocked()
        with trio.move_on_after(1) as scope:
            await client.chat_once("unwanted", thread_id)
        assert scope.cancelled_caught
        for _ in range(64):
            (await server.held("slow/method").receive()).reply({})
        assert await check_thread_is_free(client, server, thread_id) == []
    assert server.prompts == ["next"]


# --- a server that will not stop the turn


async def test_thread_of_a_turn_that_cannot_be_stopped_is_busy_after_a_bound(autojump_clock: MockClock) -> None:
    server = scripted(start_delay=0)
    server.on_turn(hang())
    server.ignore("turn/interrupt")
    async with open_codex_client(server.transport()) as client:
        thread_id = (await client.request("thread/start"))["thread"]["id"]
        with trio.move_on_after(1):
            await client.chat_once("hang", thread_id)
        with pytest.raises(CodexThreadBusyError):
            await client.chat_once("next", thread_id)
        assert trio.current_time() == 1 + 10
        assert (await client.chat_once("next")).final_text == "the next answer"
        closing_at = trio.current_time()
    assert trio.current_time() <= closing_at + 2
    assert server.prompts == ["hang", "next"]


async def test_nothing_is_kept_of_a_turn_that_cannot_be_stopped(autojump_clock: MockClock) -> None:
    server = scripted(start_delay=0)
    server.on_turn(*(say(f"{number}", seconds=1) for number in range(30)))
    server.ignore("turn/interrupt")
    async with open_codex_client(server.transport()) as client:
        async for _ in client.stream("go on"):
            break
        await trio.sleep(5)
        assert client.statistics().unread_events > 0, "it may still be stopped"
        await trio.sleep(15)
        assert (client.statistics().open_turns, client.statistics().unread_events) == (1, 0)
        await trio.sleep(15)
        assert client.statistics().open_turns == 0, "its end was noticed"


async def test_turn_that_could_not_be_stopped_is_taken_up_by_its_continuation(autojump_clock: MockClock) -> None:
    server = scripted(start_delay=0)
    server.on_turn(say("one"), wait(30), say("two"), hang())
    server.ignore("turn/interrupt")
    async with open_codex_client(server.transport()) as client:
        continuation = await go_quiet(client, timeout=5)
        with trio.move_on_after(1):
            await client.chat_once(continuation=continuation)
        await trio.sleep(50)
        server.ignore("turn/interrupt", times=0)
        with trio.fail_after(1_000):
            cancelled = await client.cancel(continuation)
        assert [step.text for step in cancelled.steps] == ["one", "two"]


async def test_closing_is_bounded_while_a_turn_cannot_be_stopped(autojump_clock: MockClock) -> None:
    server = scripted(start_delay=0)
    server.on_turn(hang())
    server.ignore("turn/interrupt")
    async with open_codex_client(server.transport()) as client:
        with trio.move_on_after(1):
            await client.chat_once("hang")
    assert trio.current_time() == 1 + 2


async def test_closing_is_bounded_while_a_start_is_not_answered(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.ignore("turn/start")
    async with open_codex_client(server.transport()) as client:
        with trio.move_on_after(1):
            await client.chat_once("hello")
    assert trio.current_time() == 1 + 2


async def test_closing_stops_the_turns_that_others_still_consume(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    server.default(hang())
    async with open_codex_client(server.transport()) as client:
        asking = [Background(nursery, client.chat_once, "hello") for _ in range(3)]
        await trio.sleep(1)
    assert trio.current_time() == 1
    assert server.received_methods().count("turn/interrupt") == 3
    for one in asking:
        with pytest.raises(CodexTurnInterruptedError):
            await one.result()
    async with open_codex_client(server.transport()) as client:
        threads = (await client.request("thread/list"))["data"]
        assert [await statuses(client, thread["id"]) for thread in threads] == [["interrupted"]] * 3


@pytest.mark.parametrize(("asked_for", "ended"), [("thread/start", []), ("turn/start", ["interrupted"])])
async def test_closing_stops_a_turn_that_is_being_started(
    asked_for: str, ended: list[str], nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    server.default(hang())
    async with open_codex_client(faulty(server.transport(), delay=0.5)) as client:
        thread = await client.start_thread()
        thread_id = None if asked_for == "thread/start" else thread.id
        asking = Background(nursery, client.chat_once, "hello", thread_id)
        await trio.sleep(0.25)  # the answer is on its way
        assert server.received_methods()[-1] == asked_for
    with pytest.raises(CodexTransportError) as caught:
        await asking.result()
    assert str(caught.value) == "this client was closed"
    async with open_codex_client(server.transport()) as client:
        threads = (await client.request("thread/list"))["data"]
        assert [status for one in threads for status in await statuses(client, one["id"])] == ended


async def test_no_turn_begins_while_the_client_closes(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer(nursery)
    server.default(hang())
    server.ignore("turn/interrupt", times=1)  # so that the closing takes its two seconds
    async with open_codex_client(server.transport()) as client:
        threads = [await client.start_thread() for _ in range(2)]
        asking = [Background(nursery, ask_again_and_again, thread) for thread in threads]
        await trio.sleep(1)
    assert trio.current_time() == 1 + 2
    for one in asking:
        with pytest.raises(CodexTransportError) as caught:
            await one.result()
        assert str(caught.value) == "this client was closed"
    assert server.received_methods().count("turn/start") == 2


async def ask_again_and_again(thread: CodexThread) -> None:
    while True:
        with suppress(CodexTurnInterruptedError):
            await thread.chat_once("hello")


async def test_late_end_of_a_turn_that_was_given_up_frees_its_thread(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer()
    server.hold("turn/start")
    server.ignore("turn/interrupt")
    async with open_codex_client(server.transport()) as client:
        with trio.CancelScope() as scope:
            nursery.start_soon(play_until_given_up, server, scope)
            await client.chat_once("hello")
        await trio.sleep(100)
        assert client.statistics().open_turns == 0


async def play_until_given_up(server: ScriptedAppServer, scope: trio.CancelScope) -> None:
    turn: ManualTurn = await next_turn(server)
    turn.accept()
    turn.start()
    scope.cancel()
    await trio.sleep(50)
    turn.end("interrupted")


def test_ctrl_c_never_lands_within_a_wait_of_trio(monkeypatch: pytest.MonkeyPatch) -> None:
    # There it would leave the task among those that the event wakes, and Trio's run would break when it does.
    wait_for, tasks = trio.Event.wait, list[trio.lowlevel.Task]()
    waits: dict[str, bool] = {}  # whether each was protected, by who waited

    async def wait_and_tell(event: trio.Event) -> None:
        if trio.lowlevel.current_task() is tasks[0]:
            name = sys._getframe(1).f_code.co_qualname
            waits[name] = waits.get(name, True) and trio.lowlevel.currently_ki_protected()
        await wait_for(event)

    async def main() -> None:
        tasks.append(trio.lowlevel.current_task())
        assert not trio.lowlevel.currently_ki_protected()
        server = ScriptedAppServer()
        server.default(say("one"), wait(200), say("two"))
        async with trio.open_nursery() as nursery:
            await (await connect_codex_client(nursery, server.transport())).aclose()
        async with open_codex_client(server.transport(), reconnect=True) as client:
            thread = await client.start_thread()
            with pytest.raises(CodexTurnInactiveError) as caught:
                await thread.chat_once("Go")
            await client.cancel(caught.value.continuation)
            with trio.move_on_after(1):
                await thread.chat_once("Go")
            await thread.chat_once("Go", inactivity_timeout=900)
            async with thread.chat("Go") as stream:
                await anext(stream)
            await thread.compact()
            async with client.exec(["ls"]):
                pass
            for ask in (client.account, partial(thread.chat_once, "Go", inactivity_timeout=900)):
                server.refuse_connections()
                server.connection.drop()
                await wait_all_tasks_blocked()
                await ask()
            await client.aclose()

    monkeypatch.setattr(trio.Event, "wait", wait_and_tell)
    trio.run(main, clock=MockClock(autojump_threshold=0))
    assert len(waits) > 5
    assert [name for name, is_protected in waits.items() if not is_protected] == []
