"""A sub-agent asks: the turn that it works for waits, and who consumes that turn learns of a handler that fails."""

from __future__ import annotations

import pytest
import trio
from _by_hand import Background, TurnByHand, next_turn
from trio.testing import MockClock

from codex_trio import Approval, Decision, open_codex_client
from codex_trio.testing import ScriptedAppServer, say, wait

ASK = {"threadId": "child", "turnId": "child-turn", "itemId": "x", "command": "ls"}


def start_child(parent: TurnByHand) -> None:
    turn = {"id": "child-turn", "rootTurnId": parent.turn_id, "status": "inProgress"}
    parent.send("turn/started", threadId="child", turnId=None, turn=turn)


async def test_a_turn_whose_sub_agent_waits_for_an_answer_is_not_inactive(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    async def think_long(request: Approval) -> Decision:
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
    async def accept_late(request: Approval) -> Decision:
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
    async def fail(request: Approval) -> Decision:
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
    async def think_long(request: Approval) -> Decision:
        await trio.sleep(500)
        return request.accept()

    server = ScriptedAppServer(nursery)
    server.on_turn(say("so far"), wait(600), say("done"))
    async with open_codex_client(server.transport(), on_approval=think_long, reconnecting=True) as client:
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
                call.serve()
        assert resumed == {parent.thread_id, "child"}
        assert (await asked.wait())["result"] == {"decision": "accept"}
        assert [step.text async for step in stream] == ["done"]
