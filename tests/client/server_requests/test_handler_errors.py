"""Handlers that raise, on the mock clock: the server is told no, and the exception comes out where the turn is awaited."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import trio
import trio.testing

from codex_trio import (
    ApprovalRequest,
    CodexProtocolError,
    CodexTurnInactiveError,
    CommandApprovalRequest,
    Decision,
    connect_codex_client,
    open_codex_client,
)
from codex_trio.testing import ScriptedAppServer, ask_server_request, hang, raw, run, say, wait

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


class BoomError(Exception):
    pass


async def raise_boom(request: object) -> Any:
    await trio.sleep(3)
    raise BoomError("in the handler")


async def test_what_a_handler_raises_comes_out_of_chat_once_after_the_server_was_told_no(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    server.on_turn(run("ls", escalate=True), hang())
    async with open_codex_client(server.transport(), on_approval=raise_boom) as client:
        with pytest.raises(BoomError) as caught:
            await client.chat_once("go")
        assert caught.value.__cause__ is None
        (thread_id,) = {m["params"]["threadId"] for m in server.received if m.get("method") == "turn/start"}
        assert (await client.chat_once("next", thread_id)).final_text == "ok"
    assert results(server) == [{"decision": "decline"}]
    order = [m.get("method", "answer") for m in server.received]
    assert order.index("answer") < order.index("turn/interrupt")


async def test_what_a_handler_raises_comes_out_of_chat(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    server.on_turn(say("first"), run("ls", escalate=True), hang())
    async with open_codex_client(server.transport(), on_approval=raise_boom) as client:
        stream = client.chat("go")
        assert (await anext(stream)).text == "first"
        with pytest.raises(BoomError):
            await anext(stream)
        with pytest.raises(trio.ClosedResourceError):
            await anext(stream)
    assert results(server) == [{"decision": "decline"}]


@pytest.mark.parametrize("kind", ["chat", "stream"])
async def test_an_end_of_iteration_in_a_handler_is_no_end_of_the_stream(kind: str, autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    server.on_turn(run("ls", escalate=True), hang())
    send, decisions = trio.open_memory_channel[Decision](0)
    send.close()

    async def decide(request: ApprovalRequest) -> Decision:
        return await anext(decisions)

    async with open_codex_client(server.transport(), on_approval=decide) as client:
        with pytest.raises(RuntimeError, match="a handler raised StopAsyncIteration") as caught:
            async for _ in getattr(client, kind)("go"):
                pass
        assert isinstance(caught.value.__cause__, StopAsyncIteration)
    assert results(server) == [{"decision": "decline"}]


async def test_what_a_handler_raises_waits_for_a_stream_that_is_not_read_now(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    server.on_turn(say("first"), run("ls", escalate=True), hang())
    async with open_codex_client(server.transport(), on_approval=raise_boom) as client:
        stream = client.chat("go")
        assert (await anext(stream)).text == "first"
        await trio.sleep(100)
        with pytest.raises(BoomError):
            await anext(stream)


async def test_an_error_of_the_client_in_a_handler_stops_the_turn_like_any_other(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    server.on_turn(run("ls", escalate=True), hang())
    server.fail_next("nosuch/method", code=-32600, message="no such method", times=None)

    async def decide(request: ApprovalRequest) -> Decision:
        await client.request("nosuch/method")
        return request.accept()

    async with open_codex_client(server.transport(), on_approval=decide) as client:
        with pytest.raises(CodexProtocolError, match="no such method"):
            await client.chat_once("go")
        await trio.sleep(1)
        assert client.statistics().open_turns == 0
    assert "turn/interrupt" in server.received_methods()


async def test_a_grant_that_is_not_offered_reaches_the_caller(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    server.on_turn(run("ls", escalate=True), say("done"))

    async def decide(request: ApprovalRequest) -> Decision:
        assert isinstance(request, CommandApprovalRequest)
        return request.accept_for_session()

    async with open_codex_client(server.transport(), on_approval=decide) as client:
        with pytest.raises(ValueError, match="does not offer acceptForSession"):
            await client.chat_once("go")
    assert results(server) == [{"decision": "decline"}]


async def test_a_decision_must_be_one_and_of_its_own_request(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    server.on_turn(run("ls", escalate=True), say("done"))
    server.on_turn(run("ls", escalate=True), say("done"))
    answers: list[Any] = [True, command_approval(None).accept()]

    async def decide(request: ApprovalRequest) -> Any:
        return answers.pop(0)

    async with open_codex_client(server.transport(), on_approval=decide) as client:
        with pytest.raises(TypeError, match="not True"):
            await client.chat_once("go")
        with pytest.raises(ValueError, match="another request"):
            await client.chat_once("go")
    assert results(server) == [{"decision": "decline"}] * 2


@pytest.mark.parametrize("is_reconnecting", [False, True])
async def test_an_answer_that_is_not_json_is_an_error_of_the_handler(
    is_reconnecting: bool, autojump_clock: Clock
) -> None:
    server = ScriptedAppServer()
    server.on_turn(ask_server_request("future/ask"), say("done"))

    async def reply(params: Mapping[str, Any]) -> Any:
        return object()

    async with open_codex_client(
        server.transport(), on_request={"future/ask": reply}, reconnect=is_reconnecting
    ) as client:
        with pytest.raises(TypeError, match="JSON"):
            await client.chat_once("go")
    assert results(server)[0]["code"] == -32601


async def test_what_a_handler_raises_ends_the_client_if_nobody_consumes_the_turn(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()

    async def program() -> None:
        async with open_codex_client(server.transport(), on_approval=raise_boom):
            server.connection.ask_nowait(COMMAND, {"threadId": "t", "turnId": "u"})
            await trio.sleep_forever()

    with pytest.raises(BoomError):
        await program()
    assert results(server) == [{"decision": "decline"}]


async def test_what_a_handler_raises_is_not_lost_with_a_stream_that_is_dropped(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    server.on_turn(say("first"), run("ls", escalate=True), hang())

    async def program() -> None:
        async with open_codex_client(server.transport(), on_approval=raise_boom) as client:
            stream = client.chat("go")
            await anext(stream)
            await trio.sleep(10)

    with pytest.raises(BoomError):
        await program()


async def test_in_a_nursery_of_ones_own_it_comes_out_of_that(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()

    async def program() -> None:
        async with trio.open_nursery() as nursery:
            await connect_codex_client(nursery, server.transport(), on_approval=raise_boom)
            server.connection.ask_nowait(COMMAND, {"threadId": "t", "turnId": "u"})

    with pytest.raises(ExceptionGroup) as caught:
        await program()
    assert caught.group_contains(BoomError)


async def test_two_handlers_that_raise_in_one_turn_raise_one_exception_with_a_note(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    again = {"id": 77, "method": COMMAND, "params": {"threadId": "{thread_id}", "turnId": "{turn_id}"}}
    server.on_turn(say("first"), raw(again), run("ls", escalate=True), hang())
    async with open_codex_client(server.transport(), on_approval=raise_boom) as client:
        stream = client.chat("go")
        await anext(stream)
        await trio.sleep(10)
        with pytest.raises(BoomError) as caught:
            await anext(stream)
    assert ["another handler" in note for note in caught.value.__notes__] == [True]


async def test_a_nursery_in_a_handler_is_cancelled_without_a_trace(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    server.on_turn(run("ls", escalate=True), say("done"))

    async def decide(request: ApprovalRequest) -> Decision:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            nursery.start_soon(trio.sleep_forever)
        raise AssertionError

    async with open_codex_client(server.transport(), on_approval=decide) as client:
        with trio.move_on_after(5):
            await client.chat_once("go")
        assert (await client.chat_once("next")).final_text == "ok"


async def test_what_a_handler_raises_ends_the_client_when_the_stream_is_closed_unread(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    server.on_turn(say("first"), run("ls", escalate=True), hang())

    async def program() -> None:
        async with open_codex_client(server.transport(), on_approval=raise_boom) as client:
            stream = client.chat("go")
            await anext(stream)
            await trio.sleep(10)
            await stream.aclose()
            await trio.sleep_forever()

    with pytest.raises(BoomError):
        await program()


async def test_what_a_handler_raises_ends_the_client_while_the_turn_is_handed_out(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    server.on_turn(wait(300), run("ls", escalate=True), hang())

    async def program() -> None:
        async with open_codex_client(server.transport(), on_approval=raise_boom) as client:
            with pytest.raises(CodexTurnInactiveError):
                await client.chat_once("go", inactivity_timeout=180)
            await trio.sleep_forever()

    with pytest.raises(BoomError):
        await program()
    assert trio.current_time() == pytest.approx(303, abs=1)
