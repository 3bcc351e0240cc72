"""The server promises no order between the answer to `turn/start` and the turn's events; every order ends the same."""

from __future__ import annotations

from itertools import permutations

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from codex_trio import CodexProtocolError, open_codex_client
from codex_trio.testing import ScriptedAppServer, hang, say
from tests.support.background import Background
from tests.support.manual_turn import ManualTurn, message, next_turn

ANSWER = message("m1", "the answer")


def orders() -> list[tuple[str, ...]]:
    """Return every order in which no item completes before it started."""
    happenings = ("response", "started", "item_started", "item_completed", "completed")
    return [order for order in permutations(happenings) if order.index("item_started") < order.index("item_completed")]


def happen(turn: ManualTurn, what: str) -> None:
    match what:
        case "response":
            turn.accept()
        case "started":
            turn.start()
        case "item_started":
            turn.begin(message("m1", ""))
        case "item_completed":
            turn.complete(ANSWER)
        case "completed":
            turn.end(items=[ANSWER])
        case "idle":
            turn.idle()


@pytest.mark.extended
@pytest.mark.parametrize("is_one_batch", [True, False], ids=["one_batch", "separate"])
@pytest.mark.parametrize("order", orders(), ids="-".join)
async def test_every_order_of_answer_and_events_ends_the_same(
    order: tuple[str, ...], is_one_batch: bool, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer()
    server.hold("turn/start")
    async with open_codex_client(server.transport()) as client:
        asking = Background(nursery, client.chat_once, "hello")
        turn = await next_turn(server)
        for what in order:
            happen(turn, what)
            if not is_one_batch:
                await wait_all_tasks_blocked()
        result = await asking.result()
        assert (result.final_text, result.assistant_item_id) == ("the answer", "m1")
        assert [(step.step_type, step.text, step.item_id) for step in result.steps] == [("codex", "the answer", "m1")]
        assert result.completion_source == "turn_completed"
        await wait_all_tasks_blocked()
        assert client.statistics().open_turns == 0
        assert client.statistics().late_events == len(events_after_end(order))
    assert trio.current_time() == 0


def events_after_end(order: tuple[str, ...]) -> list[str]:
    return [what for what in order[order.index("completed") :] if what not in ("completed", "response")]


@pytest.mark.parametrize("is_one_batch", [True, False], ids=["one_batch", "separate"])
@pytest.mark.parametrize("order", list(permutations(["response", "idle", "completed"])), ids="-".join)
async def test_idle_thread_does_not_end_a_turn_whose_end_comes(
    order: tuple[str, ...], is_one_batch: bool, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer()
    server.hold("turn/start")
    async with open_codex_client(server.transport()) as client:
        asking = Background(nursery, client.chat_once, "hello")
        turn = await next_turn(server)
        for what in ("started", "item_started", "item_completed", *order):
            happen(turn, what)
            if not is_one_batch:
                await wait_all_tasks_blocked()
        assert (await asking.result()).completion_source == "turn_completed"
        assert "thread/turns/list" not in server.received_methods()


async def test_events_held_for_a_turn_come_in_their_order(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.hold("turn/start")
    async with open_codex_client(server.transport()) as client:
        asking = Background(nursery, client.chat_once, "hello")
        turn = await next_turn(server)
        turn.start()
        for n in range(5):
            turn.say(str(n), item_id=f"m{n}")
        turn.send("item/agentMessage/delta", itemId="m5", delta="la")
        await wait_all_tasks_blocked()
        turn.accept()
        for n in range(5, 10):
            turn.say(str(n), item_id=f"m{n}")
        turn.end(items=[message("m9", "9")], view="summary")
        result = await asking.result()
    assert [step.text for step in result.steps] == list("0123456789")
    assert [event["method"] for event in result.raw_events] == [
        "turn/started",
        *["item/completed"] * 10,
        "turn/completed",
    ]


async def test_events_held_for_a_refused_turn_become_notifications(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client:
        thread_id = (await client.chat_once("first")).thread_id
        server.hold("turn/start")
        asking = Background(nursery, client.chat_once, "second", thread_id)
        call = await server.held("turn/start").receive()
        foreign = ManualTurn(call, "of another client")
        foreign.start()
        foreign.end()
        call.error(-32600, "not now")
        with pytest.raises(CodexProtocolError, match="not now"):
            await asking.result()
        async with client.notifications() as notifications:
            while (event := await anext(notifications)).method != "turn/started":
                pass
            assert event.params["turn"]["id"] == "of another client"
            assert (await anext(notifications)).method == "turn/completed"


async def test_two_turns_starting_at_once_get_their_own_events(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer()
    server.hold("turn/start")
    async with open_codex_client(server.transport()) as client:
        asking, turns = [], []
        for name in ("turn a", "turn b"):
            asking.append(Background(nursery, client.chat_once, "hello"))
            turns.append(await next_turn(server, name))
        for turn in turns:
            turn.say(f"answer of {turn.turn_id}")
        for turn in reversed(turns):
            turn.end()
            turn.accept()
        texts = [(await one.result()).final_text for one in asking]
    assert texts == ["answer of turn a", "answer of turn b"]


async def test_turn_that_joined_a_running_one_is_followed_to_its_end(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    # The server answers `turn/start` on a thread where another client's turn runs with the id of that turn.
    server = ScriptedAppServer(nursery)
    server.on_turn(hang())
    server.on_prompt("mine", say("for both"))
    async with open_codex_client(server.transport()) as other, open_codex_client(server.transport()) as client:
        thread_id = (await other.request("thread/start"))["thread"]["id"]
        theirs = Background(nursery, other.chat_once, "theirs", thread_id)
        await trio.sleep(1)
        mine = await client.chat_once("mine", thread_id)
        assert mine.final_text == "for both"
        assert (await theirs.result()).turn_id == mine.turn_id
