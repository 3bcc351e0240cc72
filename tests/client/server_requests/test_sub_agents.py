"""Sub-agents: the turn that they work for lives while they do, and waits while they wait for an answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from codex_trio import (
    ApprovalRequest,
    ChatContinuation,
    CodexTurnInactiveError,
    Decision,
    ElicitationRequest,
    UserInputRequest,
    open_codex_client,
)
from codex_trio.testing import ScriptedAppServer, say, wait
from tests.support.background import Background
from tests.support.manual_turn import ManualTurn, next_turn

ASK = {"threadId": "child", "turnId": "child-turn", "itemId": "x", "command": "ls"}


def start_child(parent: ManualTurn) -> None:
    turn = {"id": "child-turn", "rootTurnId": parent.turn_id, "status": "inProgress"}
    parent.send("turn/started", threadId="child", turnId=None, turn=turn)


@pytest.mark.smoke
async def test_a_turn_whose_sub_agent_waits_for_an_answer_is_not_inactive(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    async def think_long(request: ApprovalRequest) -> Decision:
        await trio.sleep(500)
        return request.decline()

    server = ScriptedAppServer(nursery)
    server.hold("turn/start")
    async with open_codex_client(server.transport(), on_approval=think_long) as client:
        waiting = Background(nursery, client.chat_once, "go")
        parent = await next_turn(server)
        parent.accept()
        parent.start()
        start_child(parent)
        await parent.call.connection.ask("item/commandExecution/requestApproval", ASK)
        assert trio.current_time() == 500
        await trio.sleep(170)
        assert not waiting.is_done
        parent.say("done")
        parent.end()
        assert (await waiting.result()).final_text == "done"


async def test_a_sub_agent_that_outlives_the_turn_is_answered(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    async def accept_late(request: ApprovalRequest) -> Decision:
        await trio.sleep(10)
        return request.accept()

    server = ScriptedAppServer(nursery)
    server.hold("turn/start")
    async with open_codex_client(server.transport(), on_approval=accept_late) as client:
        waiting = Background(nursery, client.chat_once, "go")
        parent = await next_turn(server)
        parent.accept()
        start_child(parent)
        asked = parent.call.connection.ask_nowait("item/commandExecution/requestApproval", ASK)
        parent.end()
        await waiting.result()
        with trio.fail_after(60):
            assert (await asked.wait())["result"] == {"decision": "accept"}


async def test_what_a_handler_raises_comes_out_of_the_turn(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    async def fail(request: ApprovalRequest) -> Decision:
        raise KeyError("mine")

    server = ScriptedAppServer(nursery)
    server.hold("turn/start")
    async with open_codex_client(server.transport(), on_approval=fail) as client:
        waiting = Background(nursery, client.chat_once, "go")
        parent = await next_turn(server)
        parent.accept()
        start_child(parent)
        await parent.call.connection.ask("item/commandExecution/requestApproval", ASK)
        with pytest.raises(KeyError, match="mine"):
            await waiting.result()
        parent.end("interrupted")


async def test_what_a_sub_agent_waits_for_is_asked_again_after_a_loss(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    async def think_long(request: ApprovalRequest) -> Decision:
        await trio.sleep(500)
        return request.accept()

    server = ScriptedAppServer(nursery)
    server.on_turn(say("so far"), wait(600), say("done"))
    async with open_codex_client(server.transport(), on_approval=think_long, reconnect=True) as client:
        stream = client.chat("go")
        parent = await anext(stream)
        turn = {"id": "child-turn", "rootTurnId": parent.turn_id, "status": "inProgress"}
        server.connection.send({"method": "turn/started", "params": {"threadId": "child", "turn": turn}})
        server.connection.ask_nowait("item/commandExecution/requestApproval", ASK)
        await trio.sleep(1)
        server.hold("thread/resume")
        server.connection.drop()
        resumed = set()
        for _ in range(2):
            with trio.fail_after(30):
                call = await server.held("thread/resume").receive()
            resumed.add(call.params["threadId"])
            if call.params["threadId"] == "child":
                call.reply({"thread": {"id": "child", "status": {"type": "active"}}})
                asked = call.connection.ask_nowait("item/commandExecution/requestApproval", ASK)
            else:
                call.proceed()
        assert resumed == {parent.thread_id, "child"}
        assert (await asked.wait())["result"] == {"decision": "accept"}
        assert [step.text async for step in stream] == ["done"]


# --- what a sub-agent tells is activity of the turn that it works for


def send(parent: ManualTurn, method: str, thread_id: str, **params: Any) -> None:
    """Send an event of a sub-agent."""
    params = {"threadId": thread_id, "turnId": f"{thread_id}-turn", **params}
    parent.call.connection.send({"method": method, "params": params})


def start_agent(parent: ManualTurn, thread_id: str, root_turn: str | None) -> None:
    turn = {"id": f"{thread_id}-turn", "rootTurnId": root_turn, "status": "inProgress"}
    parent.call.connection.send({"method": "turn/started", "params": {"threadId": thread_id, "turn": turn}})


def spawn_v1(parent: ManualTurn, *thread_ids: str) -> None:
    """Tell of sub-agents as codex does with unknown models."""
    item = {"type": "collabAgentToolCall", "id": "spawn", "tool": "spawnAgent", "status": "inProgress"}
    parent.begin({**item, "receiverThreadIds": []})
    parent.complete({**item, "receiverThreadIds": list(thread_ids), "status": "completed"})


def spawn_v2(parent: ManualTurn, *thread_ids: str) -> None:
    """Tell of sub-agents as codex does with the models of accounts."""
    for thread_id in thread_ids:
        parent.complete({"type": "subAgentActivity", "id": thread_id, "kind": "started", "agentThreadId": thread_id})


def spawn_untold(parent: ManualTurn, *thread_ids: str) -> None:
    """Tell of sub-agents by their turns alone."""
    for thread_id in thread_ids:
        start_agent(parent, thread_id, parent.turn_id)


Spawn = Callable[..., None]
every_spawn = pytest.mark.parametrize("spawn", [spawn_v1, spawn_v2, spawn_untold])


async def parent_of(server: ScriptedAppServer) -> ManualTurn:
    parent = await next_turn(server)
    parent.accept()
    parent.start()
    return parent


def by_hand(nursery: trio.Nursery) -> ScriptedAppServer:
    server = ScriptedAppServer(nursery)
    server.hold("turn/start")
    return server


async def test_events_of_a_sub_agent_are_activity(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = by_hand(nursery)
    async with open_codex_client(server.transport()) as client:
        for spawn in (spawn_v1, spawn_v2, spawn_untold):
            for method in ("item/agentMessage/delta", "item/started", "item/completed", "thread/tokenUsage/updated"):
                waiting = Background(nursery, client.chat_once, "go")
                parent = await parent_of(server)
                spawn(parent, "child")
                for _ in range(10):
                    await trio.sleep(170)
                    send(parent, method, "child", delta="x", itemId="m", item={"type": "plan", "id": "p"})
                parent.say("done")
                parent.end()
                assert (await waiting.result()).final_text == "done"


@every_spawn
async def test_a_turn_is_inactive_when_its_sub_agent_is(
    spawn: Spawn, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = by_hand(nursery)
    async with open_codex_client(server.transport()) as client:
        waiting = Background(nursery, client.chat_once, "go")
        parent = await parent_of(server)
        spawn(parent, "child")
        await trio.sleep(100)
        send(parent, "item/started", "child", item={"type": "commandExecution", "id": "c", "command": "make"})
        with pytest.raises(CodexTurnInactiveError, match="'make' of a sub-agent since 180 s") as caught:
            await waiting.result()
        assert trio.current_time() == 280
        assert caught.value.last_event == "item/started"
        assert [(item.thread_id, item.item_id) for item in caught.value.open_items] == [("child", "c")]


async def test_events_of_a_sub_agent_s_sub_agent_are_activity(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = by_hand(nursery)
    async with open_codex_client(server.transport()) as client:
        for root_of_grandchild in ("the user's turn", "the turn above", None):
            waiting = Background(nursery, client.chat_once, "go")
            parent = await parent_of(server)
            spawn_untold(parent, "child")
            match root_of_grandchild:
                case "the user's turn":
                    start_agent(parent, "grandchild", parent.turn_id)
                case "the turn above":
                    start_agent(parent, "grandchild", "child-turn")
                case _:
                    item = {"type": "subAgentActivity", "id": "a", "agentThreadId": "grandchild"}
                    send(parent, "item/completed", "child", item=item)
            for _ in range(10):
                await trio.sleep(170)
                send(parent, "item/agentMessage/delta", "grandchild", itemId="m", delta="x")
            parent.say("done")
            parent.end()
            assert (await waiting.result()).final_text == "done"


@every_spawn
async def test_the_sleep_of_a_sub_agent_is_activity(
    spawn: Spawn, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    asleep = {"type": "sleep", "id": "s", "durationMs": 3_600_000}
    server = by_hand(nursery)
    async with open_codex_client(server.transport()) as client:
        waiting = Background(nursery, client.chat_once, "go")
        parent = await parent_of(server)
        spawn(parent, "child")
        send(parent, "item/started", "child", item=asleep)
        await trio.sleep(3600)
        send(parent, "item/completed", "child", item=asleep)
        await trio.sleep(10)
        send(parent, "item/started", "child", item=asleep)
        await trio.sleep(10)
        turn = {"id": "child-turn", "status": "interrupted"}
        send(parent, "turn/completed", "child", turn=turn)  # and its sleep with it
        with pytest.raises(CodexTurnInactiveError) as caught:
            await waiting.result()
        assert trio.current_time() == 3620 + 180
        assert caught.value.open_items == ()


async def test_a_sub_agent_of_an_earlier_turn_counts_for_the_one_that_waits_for_it(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = by_hand(nursery)
    async with open_codex_client(server.transport()) as client:
        waiting = Background(nursery, client.chat_once, "go")
        first = await parent_of(server)
        spawn_untold(first, "child")
        first.end()
        thread_id = (await waiting.result()).thread_id
        waiting = Background(nursery, client.chat_once, "wait for it", thread_id)
        second = ManualTurn(await server.held("turn/start").receive(), "second")
        second.accept()
        for _ in range(3):
            await trio.sleep(170)
            send(second, "item/agentMessage/delta", "child", itemId="m", delta="x")
        second.end()
        await waiting.result()


async def test_events_of_somebody_else_s_sub_agent_are_no_activity(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = by_hand(nursery)
    async with open_codex_client(server.transport()) as client:
        waiting = Background(nursery, client.chat_once, "go")
        parent = await parent_of(server)
        start_agent(parent, "child", "another client's turn")
        for _ in range(3):
            await trio.sleep(50)
            send(parent, "item/agentMessage/delta", "child", itemId="m", delta="x")
        with pytest.raises(CodexTurnInactiveError):
            await waiting.result()
        assert trio.current_time() == 180


async def test_events_of_sub_agents_are_still_told_to_everybody(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = by_hand(nursery)
    async with open_codex_client(server.transport()) as client:
        waiting = Background(nursery, client.chat_once, "go")
        parent = await parent_of(server)
        spawn_untold(parent, "child")
        send(parent, "item/agentMessage/delta", "child", itemId="m", delta="x")
        parent.end()
        await waiting.result()
        told: list[str] = []
        async for event in client.notifications():
            if event.params.get("threadId") == "child":
                told.append(event.method)
            if len(told) == 2:
                break
        assert told == ["turn/started", "item/agentMessage/delta"]


async def test_origins_that_lead_in_a_circle_lead_nowhere(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = by_hand(nursery)
    async with open_codex_client(server.transport()) as client:
        waiting = Background(nursery, client.chat_once, "go")
        parent = await parent_of(server)
        for child, other in (("a", "b"), ("b", "a"), ("c", "c")):
            item = {"type": "collabAgentToolCall", "id": "s", "receiverThreadIds": [other, 5, None]}
            send(parent, "item/completed", child, item=item)
        parent.complete({"id": "odd", "type": "subAgentActivity"})
        parent.complete({"id": "odd too", "type": "collabAgentToolCall", "receiverThreadIds": "x"})
        parent.end()
        await waiting.result()


# --- what a sub-agent asks holds the clock of the turn that it works for


def asks_of_a_sub_agent() -> list[tuple[str, dict[str, Any]]]:
    ids = {"threadId": "child", "turnId": "child-turn", "itemId": "x"}
    option = {"id": "q", "header": "", "question": "?", "options": [{"label": "a", "description": ""}]}
    return [
        ("item/commandExecution/requestApproval", {**ids, "command": "ls"}),
        ("item/tool/requestUserInput", {**ids, "questions": [option]}),
        ("item/tool/call", {**ids, "callId": "x", "tool": "slow", "arguments": {}}),
        ("mcpServer/elicitation/request", {**ids, "turnId": None, "mode": "form", "message": "?"}),
    ]


@pytest.mark.parametrize(("method", "params"), asks_of_a_sub_agent())
@pytest.mark.parametrize("known", ["before", "meanwhile", "never", "before, by the items"])
async def test_whatever_a_sub_agent_asks_holds_the_clock(
    method: str, params: dict[str, Any], known: str, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    async def slow() -> str:
        await trio.sleep(1000)
        return "at last"

    async def decide(request: Any) -> Decision:
        await trio.sleep(1000)
        return request.decline()  # type: ignore[no-any-return]

    async def answer(question: UserInputRequest) -> dict[str, str]:
        await trio.sleep(1000)
        return {"q": "a"}

    server = by_hand(nursery)
    client = open_codex_client(
        server.transport(), on_approval=decide, on_user_input=answer, on_elicitation=decide, tools=[slow]
    )
    async with client:
        waiting = Background(nursery, client.chat_once, "go")
        parent = await parent_of(server)
        if known == "before":
            spawn_untold(parent, "child")
        if known == "before, by the items":
            spawn_v2(parent, "child")
        asked = parent.call.connection.ask_nowait(method, params)
        if known == "meanwhile":
            await trio.sleep(100)
            spawn_untold(parent, "child")
        assert "result" in await asked.wait()
        assert trio.current_time() == 1000
        await trio.sleep(100)
        assert not waiting.is_done
        with pytest.raises(CodexTurnInactiveError):
            await waiting.result()
        assert trio.current_time() == 1000 + 180


async def test_a_request_of_a_thread_without_a_turn_holds_the_clock_of_its_turn(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    async def decline_late(question: ElicitationRequest) -> Decision:
        await trio.sleep(1000)
        return question.decline()

    server = by_hand(nursery)
    async with open_codex_client(server.transport(), on_elicitation=decline_late) as client:
        mine = Background(nursery, client.chat_once, "mine")
        parent = await parent_of(server)
        other = Background(nursery, client.chat_once, "other")
        ManualTurn(await server.held("turn/start").receive(), "other").accept()
        params = {"threadId": parent.thread_id, "turnId": None, "mode": "form", "message": "?"}
        parent.call.connection.ask_nowait("mcpServer/elicitation/request", params)
        with pytest.raises(CodexTurnInactiveError):
            await other.result()
        assert trio.current_time() == 180
        with pytest.raises(CodexTurnInactiveError):
            await mine.result()
        assert trio.current_time() == 1000 + 180


async def test_a_request_holds_no_other_turn_once_it_is_known_whose_it_is(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    async def think_long(request: ApprovalRequest) -> Decision:
        await trio.sleep(1000)
        return request.decline()

    server = by_hand(nursery)
    async with open_codex_client(server.transport(), on_approval=think_long) as client:
        mine = Background(nursery, client.chat_once, "mine")
        parent = await parent_of(server)
        other = Background(nursery, client.chat_once, "other")
        ManualTurn(await server.held("turn/start").receive(), "other").accept()
        asked = parent.call.connection.ask_nowait("item/commandExecution/requestApproval", ASK)
        await trio.sleep(100)
        spawn_untold(parent, "child")
        with pytest.raises(CodexTurnInactiveError):
            await other.result()
        assert trio.current_time() == 100 + 180
        await asked.wait()
        parent.end()
        await mine.result()


# --- in a client that was not there when the sub-agent began


async def test_sub_agents_of_a_turn_that_is_taken_up_are_followed(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    async def think_long(request: ApprovalRequest) -> Decision:
        await trio.sleep(1000)
        return request.accept()

    told: dict[str, list[dict[str, Any]]] = {
        "thread": [{"type": "subAgentActivity", "id": "a", "agentThreadId": one} for one in ("child", "gone")],
        "child": [{"type": "collabAgentToolCall", "id": "b", "receiverThreadIds": ["grandchild", "child"]}],
        "grandchild": [],
    }
    state = {"id": "turn", "status": "inProgress", "startedAt": 1, "completedAt": None, "items": []}
    resumed: list[str] = []

    def resume(params: dict[str, Any]) -> dict[str, Any]:
        resumed.append(params["threadId"])
        return {"thread": {"id": params["threadId"], "status": {"type": "active"}, "turns": []}}

    server = ScriptedAppServer(nursery)
    server.reply("thread/resume", resume)
    server.reply("thread/turns/list", {"data": [state]})
    server.reply("thread/items/list", lambda params: {"data": [{"item": item} for item in told[params["threadId"]]]})
    server.reply("thread/loaded/list", {"data": ["thread", "child", "grandchild", "other"]})
    async with open_codex_client(server.transport(), on_approval=think_long) as client:
        continuation = ChatContinuation("thread", "turn", 0, "chat", ())
        waiting = Background(nursery, client.chat_once, continuation=continuation)
        await trio.sleep(100)
        assert resumed == ["thread", "child", "grandchild"]
        params = {**ASK, "threadId": "grandchild"}
        asked = server.connection.ask_nowait("item/commandExecution/requestApproval", params)
        await trio.sleep(999)
        assert not waiting.is_done
        assert (await asked.wait())["result"] == {"decision": "accept"}
        await trio.sleep(100)
        delta = {"threadId": "child", "turnId": "t", "itemId": "m", "delta": "x"}
        server.connection.send({"method": "item/agentMessage/delta", "params": delta})
        with pytest.raises(CodexTurnInactiveError):
            await waiting.result()
        assert trio.current_time() == 1100 + 100 + 180


async def test_the_answer_to_thread_resume_tells_whose_sub_agent_it_is(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = by_hand(nursery)
    async with open_codex_client(server.transport()) as client:
        waiting = Background(nursery, client.chat_once, "go")
        parent = await parent_of(server)
        thread = {"id": "child", "parentThreadId": parent.thread_id}
        server.reply("thread/resume", {"thread": thread})
        await client.resume_thread("child")
        for _ in range(3):
            await trio.sleep(170)
            send(parent, "item/agentMessage/delta", "child", itemId="m", delta="x")
        parent.end()
        await waiting.result()


# --- sub-agents of other clients: the server sends what they tell and ask to everybody


async def test_what_a_sub_agent_of_another_client_asks_is_left_to_that_client(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    seen: list[ApprovalRequest] = []

    async def accept(request: ApprovalRequest) -> Decision:
        seen.append(request)
        await trio.lowlevel.checkpoint()
        return request.accept()

    server = by_hand(nursery)
    async with open_codex_client(server.transport(), on_approval=accept) as client:
        waiting = Background(nursery, client.chat_once, "go")
        parent = await parent_of(server)
        start_agent(parent, "child", "another client's turn")
        start_agent(parent, "grandchild", "child-turn")
        for thread_id in ("child", "grandchild"):
            params = {**ASK, "threadId": thread_id, "turnId": f"{thread_id}-turn"}
            parent.call.connection.ask_nowait("item/commandExecution/requestApproval", params)
        await trio.sleep(100)
        assert seen == []
        with pytest.raises(CodexTurnInactiveError):
            await waiting.result()
        assert trio.current_time() == 180
    assert "result" not in str(server.received[-2:])


@pytest.mark.parametrize("is_told_by", ["an item", "an answer", "a subscription"])
async def test_what_a_sub_agent_of_a_thread_of_ours_asks_is_answered_whoever_began_its_turn(
    is_told_by: str, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    async with open_codex_client(server.transport()) as client:
        thread = await client.start_thread()
        turn = {"id": "child-turn", "rootTurnId": "of the server's queue", "status": "inProgress"}
        server.connection.send({"method": "turn/started", "params": {"threadId": "child", "turn": turn}})
        if is_told_by == "an item":
            item = {"type": "subAgentActivity", "id": "a", "agentThreadId": "child"}
            params = {"threadId": thread.id, "turnId": "of the server's queue", "item": item}
            server.connection.send({"method": "item/completed", "params": params})
        else:
            parent_id = thread.id if is_told_by == "an answer" else "somebody else's"
            server.reply("thread/resume", {"thread": {"id": "child", "parentThreadId": parent_id}})
            await client.resume_thread("child")
        asked = await server.connection.ask("item/commandExecution/requestApproval", ASK)
        assert asked["result"] == {"decision": "decline"}


async def test_sub_agents_that_began_during_an_outage_are_followed(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = by_hand(nursery)
    async with open_codex_client(server.transport(), reconnect=True) as client:
        waiting = Background(nursery, client.chat_once, "go")
        parent = await parent_of(server)
        await trio.sleep(1)
        state = {"id": parent.turn_id, "status": "inProgress", "startedAt": 1, "completedAt": None, "items": []}
        item = {"type": "subAgentActivity", "id": "a", "agentThreadId": "child"}
        server.reply("thread/turns/list", {"data": [state]})
        server.reply("thread/items/list", lambda params: {"data": [{"item": item}] if "turnId" in params else []})
        server.reply("thread/loaded/list", {"data": ["child"]})
        server.reply(
            "thread/resume", lambda params: {"thread": {"id": params["threadId"], "status": {"type": "active"}}}
        )
        server.connection.drop()
        await trio.sleep(1)
        resumed = [one["params"]["threadId"] for one in server.received if one.get("method") == "thread/resume"]
        assert resumed == [parent.thread_id, "child"]
        for _ in range(3):
            await trio.sleep(170)
            delta = {"threadId": "child", "turnId": "t", "itemId": "m", "delta": "x"}
            server.connection.send({"method": "item/agentMessage/delta", "params": delta})
        turn = {"id": parent.turn_id, "status": "completed", "items": []}
        server.connection.send({"method": "turn/completed", "params": {"threadId": parent.thread_id, "turn": turn}})
        await waiting.result()
