"""A `turn/start` that is never answered, or late: what is held for its turn is bounded, and its thread is free again."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from codex_trio import (
    CodexProtocolError,
    CodexThread,
    CodexThreadBusyError,
    CodexTimeoutError,
    CodexTransportError,
    StepCompleted,
    TextDelta,
    TurnCompleted,
    open_codex_client,
)
from codex_trio.testing import ScriptedAppServer
from tests.support.background import Background
from tests.support.manual_turn import ManualTurn, message, next_turn

MIB = 2**20


def by_hand(nursery: trio.Nursery) -> ScriptedAppServer:
    server = ScriptedAppServer(nursery)
    server.hold("turn/start")
    return server


def remember(server: ScriptedAppServer, turn: ManualTurn, items: list[dict[str, Any]], *, is_over: bool) -> None:
    """Let the server tell of a turn as codex does from its history."""
    status = ("completed", 2) if is_over else ("inProgress", None)
    state = {"id": turn.turn_id, "status": status[0], "startedAt": 1, "completedAt": status[1], "items": []}
    server.reply("thread/turns/list", {"data": [state]})
    server.reply("thread/items/list", lambda _: {"data": [{"turnId": turn.turn_id, "item": item} for item in items]})


async def in_batches(turn: ManualTurn, number: int, **params: Any) -> None:
    """Send as many deltas, and let the client read them."""
    for sent in range(number):
        turn.send("item/agentMessage/delta", delta="word ", **params)
        if sent % 1000 == 0:
            await wait_all_tasks_blocked()
    await wait_all_tasks_blocked()


# --- what is held


@pytest.mark.extended
async def test_deltas_of_a_turn_that_is_not_known_yet_are_held_as_their_text(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = by_hand(nursery)
    async with open_codex_client(server.transport()) as client:
        events: list[Any] = []

        async def read() -> None:
            async for event in client.stream("go"):
                events.append(event)

        reading = Background(nursery, read)
        turn = await next_turn(server)
        turn.start()
        turn.begin(message("m", ""))
        tracemalloc.start()
        await in_batches(turn, 30_000, itemId="m")
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert held < 8 * MIB
        turn.complete(message("m", "word " * 30_000))
        turn.accept()
        turn.end()
        await reading.result()
        assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "word " * 30_000
        assert isinstance(events[-1], TurnCompleted)
        assert client.statistics().dropped_events == 0


@pytest.mark.extended
@pytest.mark.parametrize("way", ["chat_once", pytest.param("chat", marks=pytest.mark.extended), "stream"])
@pytest.mark.parametrize(("number", "size"), [(3500, 1), (100, MIB)], ids=["many", "large"])
async def test_what_is_too_much_to_be_held_is_read_from_history(
    way: str, number: int, size: int, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = by_hand(nursery)
    items = [message(f"m{n}", "x" * size) for n in range(number)]
    async with open_codex_client(server.transport()) as client:

        async def read() -> list[str]:
            if way == "chat_once":
                return [step.item_id for step in (await client.chat_once("go")).steps]
            if way == "chat":
                return [step.item_id async for step in client.chat("go")]
            return [event.step.item_id async for event in client.stream("go") if isinstance(event, StepCompleted)]

        reading = Background(nursery, read)
        turn = await next_turn(server)
        turn.start()
        for item in items:
            turn.complete(item)
            await wait_all_tasks_blocked()
        dropped = client.statistics().dropped_events
        assert number // 2 < dropped < number
        remember(server, turn, items, is_over=False)
        turn.accept()
        await trio.sleep(1)
        turn.end()
        assert await reading.result() == [item["id"] for item in items]
        assert client.statistics().dropped_events == dropped


async def test_an_end_that_was_too_much_to_be_held_is_read_from_history(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = by_hand(nursery)
    async with open_codex_client(server.transport()) as client:
        waiting = Background(nursery, client.chat_once, "go")
        turn = await next_turn(server)
        turn.start()
        turn.say("done")
        turn.end()
        for number in range(1000):
            turn.complete(message(f"late {number}", ""))
        await wait_all_tasks_blocked()
        remember(server, turn, [message("message", "done")], is_over=True)
        turn.accept()
        result = await waiting.result()
        assert (result.final_text, result.completion_source) == ("done", "thread_read_fallback")


async def test_history_that_cannot_be_read_is_told(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = by_hand(nursery)
    async with open_codex_client(server.transport()) as client:
        waiting = Background(nursery, client.chat_once, "go")
        turn = await next_turn(server)
        for number in range(2000):
            turn.complete(message(str(number), ""))
        await wait_all_tasks_blocked()
        for method in ("thread/turns/list", "thread/read"):
            server.fail_next(method, code=-32603, message="database is locked", times=None)
        turn.accept()
        with pytest.raises(
            CodexTransportError, match=r"^turn turn of .* sent too many events .*database is locked"
        ) as caught:
            await waiting.result()
        assert caught.value.continuation is not None


async def test_events_of_others_that_were_held_are_told_to_everybody(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = by_hand(nursery)
    async with open_codex_client(server.transport()) as client:
        waiting = Background(nursery, client.chat_once, "go")
        call = await server.held("turn/start").receive()
        other = ManualTurn(call, "other")
        other.begin(message("m", ""))
        await in_batches(other, 600, itemId="m")
        other.complete(message("m", "word " * 600))
        await in_batches(other, 50, itemId="m")
        call.connection.send({"id": call.id, "error": {"code": -32600, "message": "no"}})
        with pytest.raises(CodexProtocolError):
            await waiting.result()
        told = []
        async for event in client.notifications():
            if event.params.get("turnId") == "other":
                told.append((event.method, event.params.get("delta"), event.raw["params"].get("delta")))
            if len(told) == 503:
                break
        assert told == [
            ("item/started", None, None),
            *[("item/agentMessage/delta", "word ", "word ")] * 499,
            ("item/agentMessage/delta", "word " * 101, "word " * 101),
            ("item/completed", None, None),
            ("item/agentMessage/delta", "word " * 50, "word " * 50),
        ]


@pytest.mark.parametrize("number", [3000, 900])
async def test_what_comes_while_a_turn_is_caught_up_with_is_bounded(
    number: int, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = by_hand(nursery)
    async with open_codex_client(server.transport(), reconnect=True) as client:
        waiting = Background(nursery, client.chat_once, "go")
        turn = await next_turn(server)
        turn.accept()
        turn.start()
        await trio.sleep(1)
        items: list[dict[str, Any]] = []
        remember(server, turn, items, is_over=False)
        server.reply("thread/resume", {"thread": {"id": turn.thread_id, "status": {"type": "active"}}})
        server.hold("thread/items/list")
        server.connection.drop()
        held = await server.held("thread/items/list").receive()
        turn.call = held
        for n in range(number):
            items.append(message(str(n), "x"))
            turn.complete(items[-1])
        await in_batches(turn, 3000, itemId="m")
        server.release("thread/items/list")
        held.reply({"data": []})  # as it was before all that
        await trio.sleep(1)
        turn.end()
        assert [step.item_id for step in (await waiting.result()).steps] == [str(n) for n in range(number)]
        assert (client.statistics().dropped_events > 0) == (number > 1000)
        assert server.received_methods().count("thread/items/list") == (2 if number > 1000 else 1)


async def test_a_turn_that_tells_more_than_can_be_held_whenever_history_is_read_is_given_up(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = by_hand(nursery)
    async with open_codex_client(server.transport(), reconnect=True) as client:
        waiting = Background(nursery, client.chat_once, "go")
        turn = await next_turn(server)
        turn.accept()
        turn.start()
        await trio.sleep(1)
        remember(server, turn, [], is_over=False)
        server.reply("thread/resume", {"thread": {"id": turn.thread_id, "status": {"type": "active"}}})
        server.hold("thread/items/list")
        server.connection.drop()
        for _ in range(3):
            turn.call = await server.held("thread/items/list").receive()
            for n in range(1001):
                turn.complete(message(str(n), "x"))
            await wait_all_tasks_blocked()
            turn.call.reply({"data": []})
        with pytest.raises(CodexTransportError, match="sends more events than can be held") as caught:
            await waiting.result()
        assert caught.value.continuation is not None


# --- whose thread is free again


@pytest.mark.parametrize("ends_after", [1, 29, 31, 50])
async def test_a_thread_is_free_when_the_end_of_the_unanswered_turn_was_seen(
    ends_after: float, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = by_hand(nursery)
    async with open_codex_client(server.transport()) as client:
        thread = await client.start_thread()
        waiting = Background(nursery, thread.chat_once, "go")
        turn = await next_turn(server)
        server.release("turn/start")
        turn.start()

        async def end() -> None:
            await trio.sleep(ends_after)
            turn.end()

        nursery.start_soon(end)
        with pytest.raises(CodexTimeoutError):
            await waiting.result()
        assert trio.current_time() == 30
        assert (await thread.chat_once("next")).final_text == "ok"
        assert trio.current_time() < max(30, ends_after) + 2
        assert client.statistics().open_turns == 0


async def test_a_thread_is_busy_while_the_unanswered_turn_runs(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = by_hand(nursery)
    async with open_codex_client(server.transport()) as client:
        thread = await client.start_thread()
        waiting = Background(nursery, thread.chat_once, "go")
        turn = await next_turn(server)
        turn.start()
        with pytest.raises(CodexTimeoutError):
            await waiting.result()
        with pytest.raises(CodexThreadBusyError):
            await thread.chat_once("next")
        assert trio.current_time() == 60
        server.release("turn/start")
        turn.idle()
        assert (await thread.chat_once("next")).final_text == "ok"


async def test_a_thread_is_free_when_nothing_was_seen_of_the_unanswered_turn(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    server.ignore("turn/start", times=2)
    async with open_codex_client(server.transport()) as client:
        thread = await client.start_thread()
        with pytest.raises(CodexTimeoutError):
            await thread.chat_once("go")
        with trio.move_on_after(5):
            await thread.chat_once("again")
        assert (await thread.chat_once("next")).final_text == "ok"
        assert trio.current_time() < 30 + 5 + 31


async def test_a_cancelled_start_whose_turn_has_ended_frees_its_thread_soon(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = by_hand(nursery)
    async with open_codex_client(server.transport()) as client:
        thread = await client.start_thread()
        for is_over_before in (True, False):
            server.hold("turn/start")
            scope = trio.CancelScope()
            nursery.start_soon(ask_in, scope, thread)
            turn = await next_turn(server)
            server.release("turn/start")
            turn.start()
            if is_over_before:
                turn.end()
                await wait_all_tasks_blocked()
            scope.cancel()
            await wait_all_tasks_blocked()
            if not is_over_before:
                turn.end()
            cancelled_at = trio.current_time()
            assert (await thread.chat_once("next")).final_text == "ok"
            assert trio.current_time() < cancelled_at + 2


async def ask_in(scope: trio.CancelScope, thread: CodexThread) -> None:
    with scope:
        await thread.chat_once("go")


@pytest.mark.parametrize(
    "what", ["it runs", "it has ended", "the next turn has joined it", "the next one is asked for"]
)
async def test_a_late_answer_stops_its_turn_and_no_other(
    what: str, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = by_hand(nursery)
    server.hold("turn/interrupt")
    async with open_codex_client(server.transport()) as client:
        thread = await client.start_thread()
        late = Background(nursery, thread.chat_once, "late")
        turn = await next_turn(server, "late")
        with pytest.raises(CodexTimeoutError):
            await late.result()
        await trio.sleep(1)
        if what == "it has ended":
            next_one = Background(nursery, thread.chat_once, "next")
            following = ManualTurn(await server.held("turn/start").receive(), "following")
            turn.start()
            turn.end()
            following.accept()
            turn.accept()
        elif what == "it runs":
            turn.accept()
            turn.start()
            interrupt = await server.held("turn/interrupt").receive()
            assert interrupt.params["turnId"] == "late"
            interrupt.reply({})
            next_one = Background(nursery, thread.chat_once, "next")
            await trio.sleep(1)
            turn.end("interrupted")
            following = ManualTurn(await server.held("turn/start").receive(), "following")
            following.accept()
        else:
            next_one = Background(nursery, thread.chat_once, "next")
            following = ManualTurn(await server.held("turn/start").receive(), "late")
            if what == "the next one is asked for":
                turn.accept()
                await trio.sleep(1)
            following.accept()
            await trio.sleep(1)
            turn.accept()
        await trio.sleep(20)
        following.say("done")
        following.end()
        assert (await next_one.result()).final_text == "done"
        assert server.received_methods().count("turn/interrupt") == (what == "it runs")
        assert client.statistics().open_turns == 0


async def test_a_late_answer_that_tells_of_a_turn_that_has_ended_changes_nothing(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = by_hand(nursery)
    async with open_codex_client(server.transport()) as client:
        thread = await client.start_thread()
        late = Background(nursery, thread.chat_once, "late")
        turn = await next_turn(server)
        server.release("turn/start")
        turn.start()
        turn.end()
        with pytest.raises(CodexTimeoutError):
            await late.result()
        turn.accept()
        await wait_all_tasks_blocked()
        assert client.statistics().open_turns == 0
        assert (await thread.chat_once("next")).final_text == "ok"
        assert trio.current_time() < 31
        assert "turn/interrupt" not in server.received_methods()


async def test_a_turn_of_an_unanswered_start_is_looked_for_after_a_loss(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    async with open_codex_client(server.transport(), reconnect=True) as client:
        thread = await client.start_thread()
        await thread.chat_once("first")
        server.hold("turn/start")
        with pytest.raises(CodexTimeoutError):
            await thread.chat_once("lost")
        call = await server.held("turn/start").receive()
        await trio.sleep(1)
        server.release("turn/start")
        looked = server.received_methods().count("thread/turns/list")
        call.connection.drop()
        await trio.sleep(5)
        assert server.received_methods().count("thread/turns/list") > looked
        assert (await thread.chat_once("next")).final_text == "ok"
