"""Handlers on the mock clock: how long they live, whom they keep waiting, and what ends them."""

from __future__ import annotations

import math
from typing import Any

import pytest
import trio
import trio.testing

from codex_trio import ApprovalRequest, CodexTurnInactiveError, Decision, approve_all, open_codex_client
from codex_trio.testing import ScriptedAppServer, ServerConnection, ask_server_request, omit_completed, run, say, wait

Clock = trio.testing.MockClock

COMMAND = "item/commandExecution/requestApproval"
FILES = "item/fileChange/requestApproval"
PERMISSIONS = "item/permissions/requestApproval"
QUESTION = "item/tool/requestUserInput"
ELICITATION = "mcpServer/elicitation/request"


def results(server: ScriptedAppServer) -> list[Any]:
    return [answer.get("result", answer.get("error")) for answer in server.answers]


async def test_a_person_may_think_for_ten_minutes(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    server.on_turn(run("ls", escalate=True), wait(100), say("done"))

    async def decide(request: ApprovalRequest) -> Decision:
        await trio.sleep(600)
        return request.accept()

    async with open_codex_client(server.transport(), on_approval=decide, inactivity_timeout=180) as client:
        result = await client.chat_once("go")
    assert result.final_text == "done"
    assert trio.current_time() == pytest.approx(700, abs=1)


async def test_the_clock_of_inactivity_runs_again_after_the_answer(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    server.on_turn(run("ls", escalate=True), wait(1000))

    async def decide(request: ApprovalRequest) -> Decision:
        await trio.sleep(600)
        return request.accept()

    async with open_codex_client(server.transport(), on_approval=decide, inactivity_timeout=180) as client:
        with pytest.raises(CodexTurnInactiveError) as caught:
            await client.chat_once("go")
    assert caught.value.idle_seconds == pytest.approx(180, abs=1)


async def test_a_question_before_the_answer_to_turn_start_stops_the_clock_too(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    server.hold("turn/start")

    async def decide(request: ApprovalRequest) -> Decision:
        await trio.sleep(600)
        return request.accept()

    async def ask_early() -> None:
        call = await server.held("turn/start").receive()
        turn_id = "01a20000-0000-7000-8000-000000000002"  # what the scripted server is about to call it
        params = {"threadId": call.params["threadId"], "turnId": turn_id, "command": "ls"}
        server.connection.ask_nowait(COMMAND, params)
        call.proceed()

    async with open_codex_client(server.transport(), on_approval=decide, inactivity_timeout=400) as client:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask_early)
            server.default(wait(5000))
            with pytest.raises(CodexTurnInactiveError) as caught:
                await client.chat_once("go", inactivity_timeout=100)
        assert trio.current_time() == pytest.approx(700, abs=1)
        assert caught.value.continuation.turn_id == "01a20000-0000-7000-8000-000000000002"


async def test_a_handler_may_call_the_client(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    server.on_turn(run("ls", escalate=True), say("done"))
    server.on_prompt("inner", say("from within"))

    async def decide(request: ApprovalRequest) -> Decision:
        assert (await client.request("thread/list", {}))["data"]
        inner = await client.chat_once("inner")
        assert inner.final_text == "from within"
        return request.accept()

    async with open_codex_client(server.transport(), on_approval=decide) as client:
        assert (await client.chat_once("go")).final_text == "done"


async def test_a_handler_may_cancel_its_own_turn(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    server.on_turn(wait(300), run("ls", escalate=True), say("done"))
    ends: list[str] = []

    async def decide(request: ApprovalRequest) -> Decision:
        try:
            ends.append("asked")
            await client.cancel(caught.value.continuation)
            await trio.sleep_forever()
        except trio.Cancelled:
            ends.append("cancelled")
            raise
        raise AssertionError

    async with open_codex_client(server.transport(), on_approval=decide, inactivity_timeout=180) as client:
        with pytest.raises(CodexTurnInactiveError) as caught:
            await client.chat_once("go")
        await trio.sleep(300)
        assert ends == ["asked", "cancelled"]
        result = await client.chat_once("next", caught.value.continuation.thread_id)
    assert result.final_text == "ok"
    assert server.answers == []


async def sleep_in(log: list[str], request: ApprovalRequest) -> Decision:
    try:
        log.append("asked")
        await trio.sleep_forever()
    finally:
        log.append(f"ended at {trio.current_time():.0f}")
    raise AssertionError


async def test_another_clients_answer_ends_the_handler(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    log: list[str] = []

    async def decide(request: ApprovalRequest) -> Decision:
        await trio.sleep(5)
        return request.accept()

    async with (
        open_codex_client(server.transport(), on_approval=lambda request: sleep_in(log, request)) as slow,
        open_codex_client(server.transport(), on_approval=decide) as quick,
    ):
        first = await slow.chat_once("hello")
        await quick.request("thread/resume", {"threadId": first.thread_id})
        server.on_turn(run("ls", escalate=True), wait(100), say("done"))
        result = await slow.chat_once("go", first.thread_id)
        assert slow.statistics().server_requests == 0
    assert result.final_text == "done"
    assert log == ["asked", "ended at 5"]
    assert results(server) == [{"decision": "accept"}]


async def test_an_interrupt_ends_the_handler_and_nothing_is_answered(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    server.on_turn(run("ls", escalate=True), say("done"))
    log: list[str] = []
    async with open_codex_client(
        server.transport(), on_approval=lambda request: sleep_in(log, request), inactivity_timeout=math.inf
    ) as client:
        with trio.move_on_after(7):
            await client.chat_once("go")
        await trio.sleep(1)
        assert log == ["asked", "ended at 7"]
        assert (await client.chat_once("next")).final_text == "ok"
    assert server.answers == []


async def test_an_end_that_only_history_tells_ends_the_handler(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    log: list[str] = []
    server.on_turn(wait(3), say("done"), omit_completed())
    async with open_codex_client(server.transport(), on_approval=lambda request: sleep_in(log, request)) as client:

        async def ask() -> None:
            await trio.sleep(1)
            (turn,) = [m["params"] for m in server.received if m.get("method") == "turn/start"]
            turn_id = (await client.request("thread/turns/list", {"threadId": turn["threadId"]}))["data"][0]["id"]
            server.connection.ask_nowait(COMMAND, {"threadId": turn["threadId"], "turnId": turn_id})

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            result = await client.chat_once("go")
        assert result.completion_source == "thread_read_fallback"
        await trio.sleep(10)
        assert log == ["asked", "ended at 4"]


async def test_closing_ends_the_handlers(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    log: list[str] = []
    async with open_codex_client(server.transport(), on_approval=lambda request: sleep_in(log, request)):
        server.connection.ask_nowait(COMMAND, {"threadId": "t", "turnId": "u"})
        await trio.sleep(2)
    assert log == ["asked", "ended at 2"]
    assert server.answers == []


async def test_losing_the_server_ends_the_handlers(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    log: list[str] = []
    async with open_codex_client(server.transport(), on_approval=lambda request: sleep_in(log, request)):
        server.connection.ask_nowait(COMMAND, {"threadId": "t", "turnId": "u"})
        await trio.sleep(2)
        server.connection.drop()
        await trio.sleep(2)
        assert log == ["asked", "ended at 2"]


async def test_a_cancelled_program_that_still_cleans_up_refuses_what_is_asked(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    server.on_turn(run("ls", escalate=True), say("cleaned"))
    is_cleaned = False
    with trio.move_on_after(1) as scope:
        async with open_codex_client(server.transport(), on_approval=approve_all) as client:
            try:
                await trio.sleep_forever()
            finally:
                with trio.CancelScope(shield=True):
                    assert (await client.chat_once("clean up")).final_text == "cleaned"
                    is_cleaned = True
    assert scope.cancelled_caught
    assert is_cleaned
    assert results(server) == [{"decision": "decline"}]


async def test_parked_approvals_delay_nobody(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    server.on_prompt("ask", run("ls", escalate=True), say("done"))
    server.on_prompt("stream", say("word " * 50), wait(1), say("done"))
    gate = trio.Event()

    async def decide(request: ApprovalRequest) -> Decision:
        await gate.wait()
        return request.accept()

    async with open_codex_client(server.transport(), on_approval=decide) as client, trio.open_nursery() as nursery:
        for _ in range(50):
            nursery.start_soon(client.chat_once, "ask")
        await trio.sleep(1)
        began = trio.current_time()
        assert len([step async for step in client.chat("stream")]) == 2
        assert trio.current_time() - began == pytest.approx(1, abs=0.1)
        gate.set()
    assert results(server) == [{"decision": "accept"}] * 50


async def test_handlers_and_tools_take_ctrl_c_like_the_rest_of_the_program(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    server.on_turn(run("ls", escalate=True), ask_server_request("item/tool/call", {"tool": "look", "arguments": {}}))
    protected: list[bool] = []

    async def decide(request: ApprovalRequest) -> Decision:
        protected.append(trio.lowlevel.currently_ki_protected())
        return request.accept()

    async def look() -> None:
        protected.append(trio.lowlevel.currently_ki_protected())

    async with open_codex_client(server.transport(), on_approval=decide, tools=[look]) as client:
        await client.chat_once("go")
    assert protected == [False, False]


async def test_the_end_of_somebody_elses_turn_ends_the_handler(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    log: list[str] = []
    async with open_codex_client(server.transport(), on_approval=lambda request: sleep_in(log, request)):
        server.connection.ask_nowait(COMMAND, {"threadId": "t", "turnId": "u"})
        await trio.sleep(2)
        turn = {"id": "u", "status": "completed", "items": []}
        server.connection.send({"method": "turn/completed", "params": {"threadId": "t", "turn": turn}})
        await trio.sleep(2)
        assert log == ["asked", "ended at 2"]
    assert server.answers == []


async def test_the_last_messages_go_out_before_the_connection_ends(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()

    async def resume(connection: ServerConnection) -> None:
        await trio.sleep(0.3)
        connection.resume_reading()

    async with trio.open_nursery() as nursery, open_codex_client(server.transport()) as client:
        server.connection.pause_reading()
        nursery.start_soon(resume, server.connection)
        await client.notify("goodbye")
    assert server.received_methods()[-1] == "goodbye"
