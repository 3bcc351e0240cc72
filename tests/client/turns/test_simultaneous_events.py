"""Two things in one tick, patience too short for a float, and events on their way to the wrong turn or to nobody."""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Callable
from typing import Any, cast

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked
from trio_websocket import WebSocketConnection

from codex_trio import (
    ChatContinuation,
    CodexClient,
    CodexError,
    CodexThreadBusyError,
    CodexTurnInactiveError,
    WebSocketTransport,
    open_codex_client,
)
from codex_trio._session import notifications
from codex_trio.testing import HeldCall, ScriptedAppServer, say, wait
from tests.support.background import Background
from tests.support.cancel_points import cancelled_after
from tests.support.manual_turn import ManualTurn, next_turn
from tests.support.quiet_turns import go_quiet
from tests.support.websocket_servers import serve

# --- deadlines


async def leave_a_start(client: CodexClient, server: ScriptedAppServer, thread_id: str) -> HeldCall:
    """Cancel a call whose `turn/start` the server has and did not answer; return that."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.chat_once, "unwanted", thread_id)
        held = await server.held("turn/start").receive()
        nursery.cancel_scope.cancel()
    return held


async def test_refusal_of_a_start_that_was_left_in_the_tick_in_which_the_next_gives_up(mock_clock: MockClock) -> None:
    for _ in range(12):  # Trio draws lots which of the two tasks is first
        server = ScriptedAppServer(start_delay=0)
        async with open_codex_client(server.transport(), request_timeout=10) as client, trio.open_nursery() as nursery:
            thread_id = (await client.request("thread/start"))["thread"]["id"]
            server.hold("turn/start")
            held = await leave_a_start(client, server, thread_id)
            server.release("turn/start")
            second = Background(nursery, client.chat_once, "second", thread_id)
            await wait_all_tasks_blocked()
            held.error(-32000, "no")
            mock_clock.jump(10)
            try:
                assert (await second.result()).final_text == "ok"
            except CodexThreadBusyError:
                await wait_all_tasks_blocked()
            assert (await client.chat_once("third", thread_id)).final_text == "ok"


async def test_patience_that_is_over_before_it_begins_is_inactivity_and_no_failure(nursery: trio.Nursery) -> None:
    server = ScriptedAppServer()
    server.hold("turn/start")
    with trio.fail_after(20):  # the real clock: its time goes on between two looks at it
        async with open_codex_client(server.transport()) as client:
            chat = Background(nursery, client.chat_once, "hello", inactivity_timeout=1e-9)
            turn = await next_turn(server)
            turn.accept()
            with pytest.raises(CodexTurnInactiveError) as caught:
                await chat.result()
            turn.start()
            turn.say("done")
            turn.end()
            assert (await client.chat_once(continuation=caught.value.continuation)).final_text == "done"
    assert "turn/interrupt" not in server.received_methods()


async def test_event_on_its_way_in_the_tick_in_which_the_patience_ends_wins(mock_clock: MockClock) -> None:
    for _ in range(12):  # Trio draws lots which of the two tasks is first
        server = ScriptedAppServer(start_delay=0)
        server.hold("turn/start")
        async with (
            open_codex_client(server.transport(), inactivity_timeout=10) as client,
            trio.open_nursery() as nursery,
        ):
            chat = Background(nursery, client.chat_once, "hello")
            turn = await started_turn(server)
            await wait_all_tasks_blocked()
            turn.say("done")
            mock_clock.jump(10)
            await wait_all_tasks_blocked()
            turn.end()
            assert (await chat.result()).final_text == "done"


async def test_what_lies_in_the_socket_of_a_program_that_was_blocked_wins(
    nursery: trio.Nursery, mock_clock: MockClock
) -> None:
    results = {"initialize": {}, "thread/start": {"thread": {"id": "t"}}, "turn/start": {"turn": {"id": "u"}}}
    turn = {"threadId": "t", "turn": {"id": "u", "status": "completed", "items": [], "itemsView": "full"}}

    def message(**told: Any) -> bytes:
        return json.dumps(told).encode()

    mock_clock.rate = 1  # but for the jumps, it goes like any other

    async def handle(websocket: WebSocketConnection) -> None:
        while True:
            request = json.loads(await websocket.get_message())
            if request["method"] in results:
                await websocket.send_message(message(id=request["id"], result=results[request["method"]]).decode())
            if request["method"] in ("turn/start", "slow"):
                await wait_all_tasks_blocked(0.05)
                told = message(method="turn/completed", params=turn)
                if request["method"] == "slow":
                    told = message(id=request["id"], result="done")
                socket = cast("trio.SocketStream", websocket._stream).socket
                os.write(socket.fileno(), b"\x81\x7e\x01\x00" + told.ljust(256))
                mock_clock.jump(10)

    server = await serve(nursery, handle)
    with trio.fail_after(60):
        transport = WebSocketTransport(server.url, ping_interval=math.inf)
        async with open_codex_client(transport, inactivity_timeout=10, request_timeout=10) as client:
            assert (await client.chat_once("hello")).status == "completed"
            assert await client.request("slow") == "done"
    nursery.cancel_scope.cancel()


# --- one continuation, two tasks

Use = Callable[[CodexClient, ChatContinuation], Any]


async def ask(client: CodexClient, continuation: ChatContinuation) -> int:
    return len((await client.chat_once(continuation=continuation)).steps)


async def iterate(client: CodexClient, continuation: ChatContinuation) -> int:
    return len([step async for step in client.chat(continuation=continuation)])


async def cancel(client: CodexClient, continuation: ChatContinuation) -> int:
    return len((await client.cancel(continuation)).steps)


async def use_at_once(*uses: Use) -> tuple[list[int], int]:
    """Use one continuation in several tasks; return how many steps each got, and how many got an error."""
    server = ScriptedAppServer()
    server.on_turn(say("one"), wait(200), say("two"))
    counts: list[int] = []

    async def attempt(use: Use) -> None:
        with contextlib.suppress(CodexError):
            counts.append(await use(client, continuation))

    async with open_codex_client(server.transport()) as client:
        continuation = await go_quiet(client)
        await trio.sleep(1000)  # the turn has ended, and all of it is unread
        async with trio.open_nursery() as nursery:
            for use in uses:
                nursery.start_soon(attempt, use)
    return counts, len(uses) - len(counts)


@pytest.mark.parametrize(
    "uses",
    [(ask, ask), (iterate, ask), (cancel, ask), (cancel, cancel)],
    ids=["ask", "iterate", "cancel", "cancel twice"],
)
async def test_continuation_that_two_tasks_use_gives_one_of_them_everything(
    uses: tuple[Use, Use], autojump_clock: MockClock
) -> None:
    for _ in range(12):  # Trio draws lots which of the two tasks is first
        # The second is refused; or, if the turn was gone by then, it is told all of it from the server's history.
        assert await use_at_once(*uses) in (([2], 1), ([2, 2], 0))


# --- events


async def started_turn(server: ScriptedAppServer) -> ManualTurn:
    turn = await next_turn(server)
    turn.accept()
    turn.start()
    return turn


async def test_delta_of_another_thread_is_no_life_of_a_turn_with_the_same_id(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer()
    server.hold("turn/start")
    async with open_codex_client(server.transport(), inactivity_timeout=20) as client:
        chat = Background(nursery, client.chat_once, "hello")
        turn = await started_turn(server)
        await trio.sleep(15)
        turn.send("item/agentMessage/delta", threadId="another", itemId="message", delta="x")
        with pytest.raises(CodexTurnInactiveError):
            await chat.result()
        assert trio.current_time() == 20


@pytest.mark.parametrize("status", ["cancelled", "systemError"])
async def test_result_tells_a_status_that_this_version_does_not_know(
    status: str, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer()
    server.hold("turn/start")
    async with open_codex_client(server.transport()) as client:
        chat = Background(nursery, client.chat_once, "hello")
        turn = await started_turn(server)
        turn.say("half")
        turn.end(status)
        result = await chat.result()
    assert (result.status, result.final_text) == (status, "half")


async def test_scope_is_heeded_in_the_midst_of_many_unread_events(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer()
    server.hold("turn/start")
    async with open_codex_client(server.transport()) as client:
        chat = Background(nursery, client.chat_once, "hello")
        turn = await started_turn(server)
        with pytest.raises(CodexTurnInactiveError) as caught:
            await chat.result()
        for n in range(5_000):
            turn.say("x", item_id=f"item-{n}")
        turn.end()
        await wait_all_tasks_blocked()
        assert client.statistics().unread_events > 5_000
        with cancelled_after(6) as cancelling:
            await client.chat_once(continuation=caught.value.continuation)
        assert cancelling.is_caught


# --- notifications that nobody reads


def tell(server: ScriptedAppServer, n: int, size: int = 1_000) -> None:
    server.connection.send({"method": "news", "params": {"n": n, "text": "x" * size}})


async def test_backlog_of_notifications_is_bounded_in_bytes(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    monkeypatch.setattr(notifications, "_KEPT_SIZE", 3_500)
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client:
        await wait_all_tasks_blocked()
        async with client.notifications() as before:
            await anext(before)  # what the server says of itself
        for n in range(10):
            tell(server, n)
        await wait_all_tasks_blocked()
        assert client.statistics().dropped_notifications == 7
        stream = client.notifications()
        assert [(await anext(stream)).params["n"] for _ in range(3)] == [7, 8, 9]


async def test_stream_of_notifications_that_nobody_reads_is_bounded_in_bytes(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    monkeypatch.setattr(notifications, "_KEPT_SIZE", 3_500)
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client, client.notifications() as stream:
        await anext(stream)  # what the server says of itself
        for n in range(10):
            tell(server, n)
        await wait_all_tasks_blocked()
        assert (stream.dropped, client.statistics().dropped_notifications) == (7, 7)
        assert [(await anext(stream)).params["n"] for _ in range(3)] == [7, 8, 9]
        for n, size in enumerate((1_000, 10_000)):
            tell(server, n, size)
        await wait_all_tasks_blocked()
        with trio.fail_after(1):
            assert (await anext(stream)).params["n"] == 1  # too long by itself, and kept
