"""Which threads a connection hears of: those that it started or resumed, which it does once, and again when needed."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Awaitable, Callable

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from codex_trio import CodexClient, CodexProtocolError, CodexThread, approve_all, open_codex_client
from codex_trio.testing import ScriptedAppServer, faulty, run, say, think, wait
from tests.support.quiet_turns import go_quiet


@pytest.fixture
def server(nursery: trio.Nursery) -> ScriptedAppServer:
    return ScriptedAppServer(nursery)


async def used_thread(server: ScriptedAppServer) -> str:
    """Return a thread on which another client had a turn."""
    async with open_codex_client(server.transport()) as other:
        return (await other.chat_once("first")).thread_id


def resumed(server: ScriptedAppServer) -> list[object]:
    return [message["params"] for message in server.received if message.get("method") == "thread/resume"]


@pytest.mark.parametrize("method", ["thread/start", "thread/resume", "thread/fork"])
async def test_thread_of_a_raw_request_is_not_resumed(
    method: str, server: ScriptedAppServer, autojump_clock: MockClock
) -> None:
    thread_id = await used_thread(server)
    async with open_codex_client(server.transport()) as client:
        thread = (await client.request(method, {} if method == "thread/start" else {"threadId": thread_id}))["thread"]
        before = len(resumed(server))
        assert (await client.chat_once("hello", thread["id"])).final_text == "ok"
        assert len(resumed(server)) == before


async def test_thread_of_another_client_is_resumed_once_without_its_turns(
    server: ScriptedAppServer, autojump_clock: MockClock
) -> None:
    thread_id = await used_thread(server)
    async with open_codex_client(server.transport()) as client:
        for _ in range(3):
            assert (await client.chat_once("hello", thread_id)).final_text == "ok"
    assert resumed(server) == [{"threadId": thread_id, "excludeTurns": True}]


async def close(client: CodexClient, server: ScriptedAppServer, thread_id: str) -> None:
    server.connection.send({"method": "thread/closed", "params": {"threadId": thread_id}})


async def unload(client: CodexClient, server: ScriptedAppServer, thread_id: str) -> None:
    status = {"threadId": thread_id, "status": {"type": "notLoaded"}}
    server.connection.send({"method": "thread/status/changed", "params": status})


async def archive(client: CodexClient, server: ScriptedAppServer, thread_id: str) -> None:
    await client.request("thread/archive", {"threadId": thread_id})
    await client.request("thread/unarchive", {"threadId": thread_id})


async def unsubscribe(client: CodexClient, server: ScriptedAppServer, thread_id: str) -> None:
    await client.request("thread/unsubscribe", {"threadId": thread_id})


@pytest.mark.parametrize("lose", [close, unload, archive, unsubscribe])
async def test_thread_that_was_lost_is_resumed_again(
    lose: Callable[[CodexClient, ScriptedAppServer, str], Awaitable[None]],
    server: ScriptedAppServer,
    autojump_clock: MockClock,
) -> None:
    thread_id = await used_thread(server)
    async with open_codex_client(server.transport()) as client:
        await client.chat_once("hello", thread_id)
        await lose(client, server, thread_id)
        await wait_all_tasks_blocked()
        assert (await client.chat_once("hello", thread_id)).final_text == "ok"
    assert len(resumed(server)) == 2


async def test_thread_that_was_lost_unseen_is_resumed_and_the_turn_sent_once_more(
    server: ScriptedAppServer, autojump_clock: MockClock
) -> None:
    thread_id = await used_thread(server)
    async with open_codex_client(server.transport()) as client:
        await client.chat_once("hello", thread_id)
        server.fail_next("turn/start", code=-32600, message=f"thread not found: {thread_id}", times=1)
        assert (await client.chat_once("again", thread_id)).final_text == "ok"
    assert len(resumed(server)) == 2
    assert server.prompts == ["first", "hello", "again", "again"]


async def unsubscribe_within(thread: CodexThread, seconds: float) -> None:
    with trio.move_on_after(seconds):
        await thread.unsubscribe()


@pytest.mark.parametrize("is_cancelled", [False, True])
async def test_turn_behind_an_unsubscription_is_heard(
    is_cancelled: bool, server: ScriptedAppServer, autojump_clock: MockClock
) -> None:
    server.on_turn(say("first"))
    server.on_turn(run("git push", escalate=True, output="pushed"), say("second"))
    transport = faulty(server.transport(), delay=0.5)
    async with open_codex_client(transport, on_approval=approve_all) as client, trio.open_nursery() as nursery:
        thread = await client.start_thread()
        await thread.chat_once("hello")
        nursery.start_soon(unsubscribe_within, thread, 0.2 if is_cancelled else 1)
        await trio.sleep(0.25)  # its answer is on its way
        assert [step.step_type for step in (await thread.chat_once("again")).steps] == ["exec", "codex"]


async def unsubscribe_refused(server: ScriptedAppServer, thread: CodexThread) -> None:
    server.fail_next("thread/unsubscribe", code=-32603, message="database is locked")
    with pytest.raises(CodexProtocolError, match="database is locked"):
        await thread.unsubscribe()


async def unsubscribe_overloaded(server: ScriptedAppServer, thread: CodexThread) -> None:
    server.fail_next("thread/unsubscribe", times=None)
    with pytest.raises(CodexProtocolError, match="try again later"):
        await thread.unsubscribe()


async def unsubscribe_cancelled_before_it_was_sent(server: ScriptedAppServer, thread: CodexThread) -> None:
    with trio.CancelScope() as scope:
        scope.cancel()
        await thread.unsubscribe()
    assert scope.cancelled_caught


async def unsubscribe_cancelled_and_refused(server: ScriptedAppServer, thread: CodexThread) -> None:
    server.hold("thread/unsubscribe")
    with trio.move_on_after(1):
        await thread.unsubscribe()
    (await server.held("thread/unsubscribe").receive()).error(-32603, "database is locked")


@pytest.mark.parametrize(
    "unsubscribe_in_vain",
    [
        unsubscribe_refused,
        unsubscribe_overloaded,
        unsubscribe_cancelled_before_it_was_sent,
        unsubscribe_cancelled_and_refused,
    ],
)
async def test_an_unsubscription_that_did_not_happen_changes_nothing(
    unsubscribe_in_vain: Callable[[ScriptedAppServer, CodexThread], Awaitable[None]],
    server: ScriptedAppServer,
    autojump_clock: MockClock,
) -> None:
    async with open_codex_client(server.transport(), reconnect=True) as client:
        new, used = await client.start_thread(), await client.start_thread()
        await used.chat_once("hello")
        for thread in (new, used):
            await unsubscribe_in_vain(server, thread)
            await trio.sleep(1)
        assert (await new.chat_once("hello")).final_text == "ok"  # which could not be resumed: it had no turn yet
        server.connection.drop()
        await trio.sleep(5)
        assert used.id in str(resumed(server))  # else it would be heard of no more


async def test_turn_whose_thread_is_not_heard_of_any_more_is_caught_up_with(
    server: ScriptedAppServer, autojump_clock: MockClock
) -> None:
    server.on_turn(think("hm"), wait(100), think("well"), run("git push", escalate=True, output="pushed"), say("done"))
    async with open_codex_client(server.transport(), on_approval=approve_all) as client:
        continuation = await go_quiet(client, timeout=5)
        await unsubscribe(client, server, continuation.thread_id)
        await trio.sleep(200)
        result = await client.chat_once(continuation=continuation)
        assert [step.text for step in result.steps] == ["hm", "well", "/bin/bash -lc 'git push'", "done"]
        assert client.statistics().open_turns == 0


async def test_turn_whose_thread_could_not_be_subscribed_to_is_taken_up_later(
    server: ScriptedAppServer, autojump_clock: MockClock
) -> None:
    server.on_turn(think("hm"), wait(100), say("done"))
    async with open_codex_client(server.transport()) as client:
        continuation = await go_quiet(client, timeout=5)
        await unsubscribe(client, server, continuation.thread_id)
        server.fail_next("thread/resume", code=-32603, message="database is locked")
        with pytest.raises(CodexProtocolError, match="database is locked"):
            await client.chat_once(continuation=continuation)
        with trio.fail_after(1_000):
            result = await client.chat_once(continuation=continuation)
        assert [step.text for step in result.steps] == ["hm", "done"]


async def test_nothing_stays_of_a_thread_that_was_deleted(server: ScriptedAppServer, autojump_clock: MockClock) -> None:
    def answer() -> str:
        return "42"

    async with open_codex_client(server.transport(), experimental_api=True) as client:
        thread = await client.start_thread(tools=[answer])
        await thread.chat_once("hello")
        tool = weakref.ref(answer)
        del answer
        await thread.delete()
        gc.collect()
        assert tool() is None
        session = client._session
        assert not session.registry.subscribed
