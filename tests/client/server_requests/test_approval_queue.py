"""`client.approvals()` on the mock clock: who answers, what comes too late, and what is let go of."""

from __future__ import annotations

import gc
import time
from typing import Any

import pytest
import trio
import trio.testing

from codex_trio import (
    CodexTransportError,
    CodexTurnInterruptedError,
    CommandApprovalRequest,
    approve_all,
    open_codex_client,
)
from codex_trio._session.approval_queue import ApprovalQueue
from codex_trio.testing import ScriptedAppServer, run, say

Clock = trio.testing.MockClock

COMMAND = "item/commandExecution/requestApproval"
FILES = "item/fileChange/requestApproval"
PERMISSIONS = "item/permissions/requestApproval"
QUESTION = "item/tool/requestUserInput"
ELICITATION = "mcpServer/elicitation/request"


def results(server: ScriptedAppServer) -> list[Any]:
    return [answer.get("result", answer.get("error")) for answer in server.answers]


OFFERS = ["accept", {"acceptWithExecpolicyAmendment": {"execpolicy_amendment": ["touch"]}}, "cancel"]


def command_approval(offers: Any, amendment: Any = ("touch", "x")) -> CommandApprovalRequest:
    params = {"command": "touch x", "availableDecisions": offers, "proposedExecpolicyAmendment": list(amendment)}
    return CommandApprovalRequest.from_wire(params)


@pytest.mark.smoke
async def test_approvals_can_be_pulled(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    server.on_turn(run("ls", escalate=True), run("pwd", escalate=True), say("done"))
    async with open_codex_client(server.transport()) as client, trio.open_nursery() as nursery:

        async def decide() -> None:
            async for request in client.approvals():
                await trio.sleep(300)
                assert await request.respond(request.accept()) is True
                assert await request.respond(request.accept()) is False

        nursery.start_soon(decide)
        result = await client.chat_once("go")
        assert result.final_text == "done"
        nursery.cancel_scope.cancel()
    assert results(server) == [{"decision": "accept"}] * 2


async def test_a_cancelled_respond_sends_its_decision(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    server.on_turn(run("ls", escalate=True), say("done"))
    async with open_codex_client(server.transport()) as client, client.approvals() as approvals:
        stream = client.chat("go")
        async with trio.open_nursery() as nursery:

            async def decide() -> None:
                request = await anext(approvals)
                with trio.CancelScope() as scope:
                    scope.cancel()
                    await request.respond(request.accept())
                assert scope.cancelled_caught

            nursery.start_soon(decide)
            assert [step.text async for step in stream][-1] == "done"
    assert results(server) == [{"decision": "accept"}]


async def test_a_late_answer_says_so_and_sends_nothing(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    server.on_turn(run("ls", escalate=True), say("done"))
    async with open_codex_client(server.transport()) as client, client.approvals() as approvals:
        with trio.move_on_after(5):
            await client.chat_once("go")
        await trio.sleep(1)
        with trio.move_on_after(1) as scope:
            await anext(approvals)
        assert scope.cancelled_caught, "a request that nobody had read goes with its turn"
        server.on_turn(run("ls", escalate=True), say("done"))
        stream = client.chat("go")
        async with trio.open_nursery() as nursery:

            async def read() -> None:
                with pytest.raises(CodexTurnInterruptedError):
                    await anext(stream)

            nursery.start_soon(read)
            request = await anext(approvals)
            await client.interrupt_turn(request.turn_id)
        assert await request.respond(request.accept()) is False
    assert server.answers == []


async def seconds_to_withdraw(count: int) -> float:
    """Return the processor time that it takes to withdraw so many requests that nobody has read."""
    hub = ApprovalQueue()
    stream = hub.open()
    async with trio.open_nursery() as nursery:
        for _ in range(count):
            nursery.start_soon(hub.ask, command_approval(None))
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
        started = time.process_time()
    spent = time.process_time() - started
    assert hub.take() is None
    await stream.aclose()
    return spent


async def test_withdrawing_many_requests_costs_each_the_same() -> None:
    few = min([await seconds_to_withdraw(250) for _ in range(3)])
    assert await seconds_to_withdraw(3_000) < 35 * few  # 17 times; a search for each would make it 60


async def test_a_request_that_is_let_go_of_is_declined(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    server.on_turn(run("ls", escalate=True), say("done"))
    async with open_codex_client(server.transport()) as client, client.approvals() as approvals:

        async def look() -> None:
            await anext(approvals)
            gc.collect()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(look)
            assert (await client.chat_once("go")).final_text == "done"
    assert results(server) == [{"decision": "decline"}]


@pytest.mark.parametrize("is_closed", [True, False])
async def test_what_nobody_has_read_is_declined_with_the_last_stream(is_closed: bool, autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    server.on_turn(run("ls", escalate=True), run("pwd", escalate=True), say("done"))
    async with open_codex_client(server.transport()) as client, trio.open_nursery() as nursery:
        approvals: Any = client.approvals()

        async def leave() -> None:
            nonlocal approvals
            await trio.sleep(50)
            if is_closed:
                await approvals.aclose()
                with pytest.raises(trio.ClosedResourceError):
                    await anext(approvals)
            approvals = None
            gc.collect()

        nursery.start_soon(leave)
        assert (await client.chat_once("go")).final_text == "done"
        assert trio.current_time() == pytest.approx(50, abs=1)
    assert results(server) == [{"decision": "decline"}] * 2


async def test_a_pulled_request_takes_only_its_own_decision(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client, client.approvals() as approvals:
        server.connection.ask_nowait(COMMAND, {"threadId": "t", "turnId": "u", "command": "ls"})
        server.connection.ask_nowait(COMMAND, {"threadId": "t", "turnId": "u", "command": "ls"})
        first, second = await anext(approvals), await anext(approvals)
        with pytest.raises(ValueError, match="another request"):
            await first.respond(second.accept())
        assert await first.respond(first.accept())
        assert await second.respond(second.cancel())
        await trio.sleep(1)
    assert results(server) == [{"decision": "accept"}, {"decision": "cancel"}]


async def test_a_pushed_request_is_answered_by_returning(autojump_clock: Clock) -> None:
    with pytest.raises(RuntimeError, match="must return its decision"):
        await command_approval(None).respond(command_approval(None).accept())


async def test_approvals_are_pushed_or_pulled(autojump_clock: Clock) -> None:
    async with open_codex_client(ScriptedAppServer().transport(), on_approval=approve_all) as client:
        with pytest.raises(RuntimeError, match="on_approval"):
            client.approvals()
    async with open_codex_client(ScriptedAppServer().transport(), observe=True) as client:
        with pytest.raises(RuntimeError, match="observe"):
            client.approvals()


async def test_the_stream_of_approvals_ends_with_the_connection(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client:
        approvals = client.approvals()
        server.connection.drop(3)
        with pytest.raises(CodexTransportError, match="code 3"):
            await anext(approvals)
