"""What a new connection looks up about the turns of the lost one, and what it does if the server does not tell."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from codex_trio import (
    ChatResult,
    CodexClient,
    CodexThread,
    CodexTimeoutError,
    CodexTransportError,
    CodexTurnInterruptedError,
    open_codex_client,
)
from codex_trio.testing import HeldCall, ScriptedAppServer, hang, say, wait
from tests.support.background import Background
from tests.support.manual_turn import message
from tests.support.open_turns import open_thread_ids
from tests.support.quiet_turns import go_quiet
from tests.support.server_log import methods_after

METHODS = {"compact": "thread/compact/start", "shell": "thread/shellCommand"}


def opened(server: ScriptedAppServer, **options: Any) -> CodexClient:
    return open_codex_client(server.transport(), reconnect=True, **options)


async def lose_behind_answer(server: ScriptedAppServer, call: HeldCall) -> None:
    """Let the server do what it was asked, and lose the connection right behind its answer, before all events."""
    connection = call.connection
    connection.pause_writing()
    call.proceed()
    await trio.lowlevel.checkpoint()
    answers: list[object] = []

    def is_answer(message: dict[str, object]) -> bool:
        answers.extend([message] if message.get("id") == call.id else [])
        return message.get("id") == call.id

    connection.discard_queued(keep=is_answer)
    assert len(answers) == 1
    connection.drop()


async def leave_mute(server: ScriptedAppServer, nursery: trio.Nursery, method: str, thread_id: str) -> None:
    """Answer a method for all threads but one."""
    server.hold(method)
    held = server.held(method)

    async def serve() -> None:
        async for call in held:
            if call.params["threadId"] != thread_id:
                call.proceed()

    nursery.start_soon(serve)
    await wait_all_tasks_blocked()


# --- a turn that was asked for just before the loss


@pytest.mark.parametrize("items", [1, 100])
async def test_a_turn_that_a_lost_call_started_is_found_however_much_it_has_said(
    nursery: trio.Nursery, autojump_clock: MockClock, items: int
) -> None:
    server = ScriptedAppServer(nursery)
    async with opened(server) as client:
        thread_id = (await client.chat_once("hello")).thread_id
        server.on_turn(*[say(f"item {number}") for number in range(items)], hang())
        server.hold("turn/start")
        calling = Background(nursery, client.chat_once, "stray", thread_id)
        call = await server.held("turn/start").receive()
        server.release("turn/start")
        call.connection.pause_writing()
        call.proceed()
        await trio.sleep(1)
        call.connection.discard_queued()
        call.connection.drop()
        with pytest.raises(CodexTransportError):
            await calling.result()
        result = await client.chat_once("next", thread_id)
        assert [step.text for step in result.steps] == ["ok"]
        [thread] = server.threads.values()
        assert [turn.status for turn in thread.turns] == ["completed", "interrupted", "completed"]


async def begin(thread: CodexThread, how: str) -> ChatResult:
    return await (thread.compact() if how == "compact" else thread.shell("ls"))


@pytest.mark.parametrize("outage", [0, 25], ids=["soon", "later than an answer may take"])
@pytest.mark.parametrize("how", METHODS)
async def test_a_turn_that_was_accepted_and_began_unheard_is_found(
    nursery: trio.Nursery, autojump_clock: MockClock, how: str, outage: float
) -> None:
    server = ScriptedAppServer(nursery)
    async with opened(server, request_timeout=10) as client:
        thread = await client.start_thread()
        await thread.chat_once("hello")
        server.hold(METHODS[how])
        calling = Background(nursery, begin, thread, how)
        call = await server.held(METHODS[how]).receive()
        server.open_delay = outage
        await lose_behind_answer(server, call)
        result = await calling.result()
        assert result.status == "completed"
        assert [step.item_type for step in result.steps] == [
            "contextCompaction" if how == "compact" else "commandExecution"
        ]
        assert trio.current_time() < outage + 2
        assert (await thread.chat_once("next")).final_text == "ok"
        assert client.statistics().open_turns == 0


async def test_a_turn_that_was_accepted_and_begins_in_an_outage_is_found_after_it(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery, start_delay=5)
    async with opened(server, request_timeout=10) as client:
        thread = await client.start_thread()
        await thread.chat_once("hello")
        calling = Background(nursery, thread.compact)
        await trio.sleep(3)
        server.open_delay = 25
        server.connection.drop()
        result = await calling.result()
        assert [step.item_type for step in result.steps] == ["contextCompaction"]


async def test_a_turn_that_was_accepted_is_followed_to_its_end(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    async with opened(server) as client:
        thread = await client.start_thread()
        await thread.chat_once("hello")
        server.hold("thread/compact/start")
        calling = Background(nursery, thread.compact)
        call = await server.held("thread/compact/start").receive()
        state = {"id": "turn", "status": "inProgress", "startedAt": 1, "items": [], "itemsView": "summary"}
        server.reply("thread/turns/list", {"data": [state]})
        server.hold("thread/items/list")
        call.reply({})
        await wait_all_tasks_blocked()
        call.connection.drop()
        history = await server.held("thread/items/list").receive()
        ids = {"threadId": thread.id, "turnId": "turn"}
        live = message("b", "second")
        history.connection.send({"method": "item/completed", "params": {**ids, "item": live}})
        await wait_all_tasks_blocked()
        history.reply({"data": [{"turnId": "turn", "item": message("a", "first")}, {"turnId": "turn", "item": live}]})
        await wait_all_tasks_blocked()
        assert not calling.is_done
        end = {"id": "turn", "status": "completed", "items": [], "itemsView": "notLoaded"}
        history.connection.send({"method": "turn/completed", "params": {"threadId": thread.id, "turn": end}})
        assert [step.text for step in (await calling.result()).steps] == ["first", "second"]


async def test_a_turn_that_was_accepted_and_died_with_its_server_is_told_as_interrupted(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    async with opened(server) as client:
        thread = await client.start_thread()
        await thread.chat_once("hello")
        server.hold("thread/compact/start")
        calling = Background(nursery, thread.compact)
        call = await server.held("thread/compact/start").receive()
        state = {"id": "turn", "status": "interrupted", "startedAt": 1, "completedAt": None, "items": []}
        server.reply("thread/turns/list", {"data": [state]})
        call.reply({})
        await wait_all_tasks_blocked()
        call.connection.drop()
        with pytest.raises(CodexTurnInterruptedError):
            await calling.result()
        assert trio.current_time() < 5


@pytest.mark.parametrize("is_ours", [True, False], ids=["a compaction of ours", "a turn of another client"])
async def test_a_turn_that_was_accepted_and_never_began_is_not_taken_for_an_earlier_one(
    nursery: trio.Nursery, autojump_clock: MockClock, is_ours: bool
) -> None:
    server = ScriptedAppServer(nursery)
    async with opened(server) as client, open_codex_client(server.transport()) as other:
        thread = await client.start_thread()
        await thread.chat_once("hello")
        if is_ours:
            await thread.compact()
        else:
            await other.chat_once("theirs", thread.id)
        server.hold("thread/compact/start")
        calling = Background(nursery, thread.compact)
        call = await server.held("thread/compact/start").receive()
        call.reply({})
        await wait_all_tasks_blocked()
        call.connection.drop()
        with pytest.raises(CodexTimeoutError, match="no turn began"):
            await calling.result()
        assert trio.current_time() < 35


async def test_a_turn_that_was_accepted_and_that_nobody_wants_any_more_is_found_and_stopped(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    async with opened(server) as client:
        thread = await client.start_thread()
        await thread.chat_once("hello")
        server.hold("thread/compact/start")
        with trio.move_on_after(1):
            await thread.compact()
        await lose_behind_answer(server, await server.held("thread/compact/start").receive())
        server.release("thread/compact/start")
        assert (await thread.chat_once("next")).final_text == "ok"
        assert trio.current_time() < 3
        assert client.statistics().open_turns == 0


async def test_a_turn_that_was_accepted_and_that_never_comes_takes_nothing_from_the_next(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    async with opened(server) as client:
        thread = await client.start_thread()
        await thread.chat_once("hello")
        server.hold("thread/compact/start")
        with trio.move_on_after(1):
            await thread.compact()
        call = await server.held("thread/compact/start").receive()
        call.reply({})
        await wait_all_tasks_blocked()
        call.connection.drop()
        server.hold("turn/start")
        calling = Background(nursery, thread.chat_once, "next")
        await trio.sleep(20)  # by now the compaction was given up
        (await server.held("turn/start").receive()).proceed()
        assert (await calling.result()).final_text == "ok"


# --- a server that does not tell


@pytest.mark.parametrize("request_timeout", [30, None], ids=["requests end first", "patience ends first"])
@pytest.mark.parametrize("method", ["thread/resume", "thread/turns/list", "thread/items/list"])
async def test_a_turn_of_which_nothing_is_told_is_lost_alone(
    nursery: trio.Nursery, autojump_clock: MockClock, method: str, request_timeout: float | None
) -> None:
    server = ScriptedAppServer(nursery)
    server.default(say("one"), wait(100), say("two"))
    async with opened(server, request_timeout=request_timeout) as client:
        waiting = {text: Background(nursery, client.chat_once, text) for text in "abc"}
        await trio.sleep(5)
        mute, *_ = open_thread_ids(client)
        await leave_mute(server, nursery, method, mute)
        server.connection.drop()
        await trio.sleep(10)
        assert (await client.request("thread/list", {}))["data"]  # calls do not wait for it
        lost: list[CodexTransportError] = []
        for one in waiting.values():
            try:
                result = await one.result()
            except CodexTransportError as exc:
                lost.append(exc)
            else:
                assert [step.text for step in result.steps] == ["one", "two"]
                assert result.completion_source == "turn_completed"
        [error] = lost
        assert f"of thread {mute} was not found again: {method}: no answer in time" in str(error)
        assert error.continuation is not None
        server.release(method)
        assert (await client.chat_once(continuation=error.continuation)).final_text == "two"
        assert client.statistics().open_turns == 0


@pytest.mark.parametrize("wish", ["cancel", "chat_once"])
async def test_a_turn_that_was_given_up_is_taken_up_again(
    nursery: trio.Nursery, autojump_clock: MockClock, wish: str
) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(say("one"), wait(100), say("two"))
    async with opened(server) as client:
        continuation = await go_quiet(client, timeout=10)
        server.fail_next("thread/turns/list", code=-32603, message="database is locked")
        server.fail_next("thread/read", code=-32603, message="database is locked")
        server.connection.drop()
        await trio.sleep(10)
        if wish == "cancel":
            assert (await client.cancel(continuation)).status == "interrupted"
        else:
            assert (await client.chat_once(continuation=continuation)).final_text == "two"
        assert client.statistics().open_turns == 0


@pytest.mark.parametrize("method", ["thread/resume", "thread/turns/list", "thread/items/list"])
async def test_the_only_turn_is_lost_alone_too(nursery: trio.Nursery, autojump_clock: MockClock, method: str) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(hang())
    async with opened(server) as client:
        waiting = Background(nursery, client.chat_once, "hello")
        await trio.sleep(1)
        server.ignore(method, times=None)
        server.connection.drop()
        with pytest.raises(CodexTransportError, match="was not found again"):
            await waiting.result()
        assert trio.current_time() < 40
        server.ignore(method, times=0)
        assert (await client.chat_once("next")).final_text == "ok"


async def test_a_connection_on_which_nothing_is_told_is_replaced(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(say("one"), wait(30), say("two"))
    async with opened(server) as client:
        waiting = Background(nursery, client.chat_once, "hello")
        await trio.sleep(1)
        for method in ("thread/resume", "thread/loaded/list"):
            server.ignore(method, times=1)
        server.connection.drop()
        result = await waiting.result()
        assert [step.text for step in result.steps] == ["one", "two"]
        assert server.received_methods().count("initialize") == 3


async def test_a_lost_call_of_which_nothing_is_told_holds_up_nobody_for_long(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    async with opened(server) as client:
        thread_id = (await client.chat_once("hello")).thread_id
        server.hold("turn/start")
        calling = Background(nursery, client.chat_once, "stray", thread_id)
        call = await server.held("turn/start").receive()
        server.release("turn/start")
        server.ignore("thread/turns/list", times=None)
        call.connection.drop()
        with pytest.raises(CodexTransportError):
            await calling.result()
        assert (await client.chat_once("next", thread_id)).final_text == "ok"
        assert trio.current_time() < 10
        await trio.sleep(60)
        assert methods_after(server, "initialized").count("thread/turns/list") == 2
        assert server.received_methods().count("initialize") == 2


@pytest.mark.parametrize("is_joined", [False, True], ids=["it runs", "the next turn has joined it"])
async def test_a_lost_call_of_which_is_told_late_leaves_its_thread_free(
    nursery: trio.Nursery, autojump_clock: MockClock, is_joined: bool
) -> None:
    server = ScriptedAppServer(nursery)
    async with opened(server) as client:
        thread_id = (await client.chat_once("hello")).thread_id
        server.on_turn(hang())
        server.hold("turn/start")
        calling = Background(nursery, client.chat_once, "stray", thread_id)
        call = await server.held("turn/start").receive()
        server.release("turn/start")
        call.connection.pause_writing()
        call.proceed()
        await trio.sleep(1)
        call.connection.discard_queued()
        server.hold("thread/turns/list")
        call.connection.drop()
        with pytest.raises(CodexTransportError):
            await calling.result()
        if is_joined:
            assert (await client.chat_once("joins", thread_id)).final_text == "ok"
        await trio.sleep(10)
        held = server.held("thread/turns/list")
        server.release("thread/turns/list")
        for _ in range(held.statistics().current_buffer_used):
            (await held.receive()).proceed()
        await trio.sleep(15)
        assert client.statistics().open_turns == 0
        [thread] = server.threads.values()
        assert [turn.status for turn in thread.turns] == ["completed", "completed" if is_joined else "interrupted"]
        assert (await client.chat_once("next", thread_id)).final_text == "ok"
