"""What the server asks, on the mock clock: handlers, their ends, their exceptions, and who gets the answer."""

from __future__ import annotations

import gc
import math
from collections.abc import Mapping
from typing import Any

import pytest
import trio
import trio.testing

from codex_trio import (
    Approval,
    CodexProtocolError,
    CodexTransportError,
    CodexTurnInactiveError,
    CodexTurnInterruptedError,
    CommandApproval,
    Decision,
    Elicitation,
    FileChangeApproval,
    PermissionsApproval,
    UserQuestion,
    approve_all,
    connect_codex_client,
    decline_all,
    open_codex_client,
)
from codex_trio.testing import ScriptedAppServer, ask_server_request, hang, omit_completed, raw, run, say, wait

Clock = trio.testing.MockClock

COMMAND = "item/commandExecution/requestApproval"
FILES = "item/fileChange/requestApproval"
PERMISSIONS = "item/permissions/requestApproval"
QUESTION = "item/tool/requestUserInput"
ELICITATION = "mcpServer/elicitation/request"


def results(server: ScriptedAppServer) -> list[Any]:
    return [answer.get("result", answer.get("error")) for answer in server.answers]


# --- decisions


async def test_without_a_handler_a_command_is_declined_and_the_turn_goes_on(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    server.on_turn(run("rm -rf /", escalate=True), say("done"))
    async with open_codex_client(server.transport()) as client:
        result = await client.chat_once("go")
        assert client.statistics().server_requests == 1
    assert results(server) == [{"decision": "decline"}]
    assert [step.data.get("status") for step in result.steps] == ["declined", None]


@pytest.mark.parametrize(("handler", "decision"), [(approve_all, "accept"), (decline_all, "decline")])
async def test_the_ready_made_handlers_decide_everything(handler: Any, decision: str, autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    server.on_turn(
        run("ls", escalate=True),
        ask_server_request(FILES, {"itemId": "f"}),
        ask_server_request(PERMISSIONS, {"permissions": {"network": {"enabled": True}, "fileSystem": None}}),
        ask_server_request(ELICITATION, {"_meta": {"codex_approval_kind": "mcp_tool_call", "tool_name": "t"}}),
        ask_server_request(ELICITATION, {"mode": "form", "requestedSchema": {"required": ["colour"]}}),
        say("done"),
    )
    async with open_codex_client(server.transport(), on_approval=handler, on_elicitation=handler) as client:
        await client.chat_once("go")
    granted: dict[str, Any] = {"network": {"enabled": True}} if decision == "accept" else {}
    assert results(server) == [
        {"decision": decision},
        {"decision": decision},
        {"permissions": granted, "scope": "turn"},
        {"action": decision, "content": {} if decision == "accept" else None},
        {"action": "decline", "content": None},
    ]


async def test_a_handler_sees_the_command_and_what_is_offered(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    server.on_turn(run("touch x.txt", escalate=True), say("done"))
    seen: list[Approval] = []

    async def decide(request: Approval) -> Decision:
        seen.append(request)
        return request.accept()

    async with open_codex_client(server.transport(), on_approval=decide) as client:
        result = await client.chat_once("go")
    (request,) = seen
    assert isinstance(request, CommandApproval)
    assert (request.thread_id, request.turn_id) == (result.thread_id, result.turn_id)
    assert request.item_id == result.steps[0].item_id
    assert "touch x.txt" in request.command
    assert request.cwd
    assert request.raw["itemId"] == request.item_id
    assert request.available_decisions is not None
    assert request.available_decisions[0] == "accept"


OFFERS = ["accept", {"acceptWithExecpolicyAmendment": {"execpolicy_amendment": ["touch"]}}, "cancel"]


def command_approval(offers: Any, amendment: Any = ("touch", "x")) -> CommandApproval:
    return CommandApproval.from_wire({"availableDecisions": offers, "proposedExecpolicyAmendment": list(amendment)})


def test_a_grant_that_is_not_offered_is_an_error_and_a_refusal_never_is() -> None:
    request = command_approval(["cancel"])
    for grant in (request.accept, request.accept_for_session, request.accept_with_amendment):
        with pytest.raises(ValueError, match="it offers cancel"):
            grant()
    assert request.decline().result == {"decision": "decline"}
    assert request.cancel().result == {"decision": "cancel"}
    assert command_approval([]).decline().is_refusal


def test_each_grant_that_is_offered_has_its_shape() -> None:
    request = command_approval(OFFERS)
    assert request.accept().result == {"decision": "accept"}
    assert request.accept_with_amendment().result == {
        "decision": {"acceptWithExecpolicyAmendment": {"execpolicy_amendment": ["touch", "x"]}}
    }
    assert request.accept_with_amendment(["touch"]).result == {"decision": OFFERS[1]}
    with pytest.raises(ValueError, match="acceptForSession"):
        request.accept_for_session()


def test_everything_may_be_granted_where_the_server_does_not_say() -> None:
    assert command_approval(None).accept_for_session().result == {"decision": "acceptForSession"}


@pytest.mark.parametrize("amendment", ["touch x", [], [1]])
def test_an_amendment_is_words(amendment: Any) -> None:
    with pytest.raises(ValueError, match="words"):
        command_approval(OFFERS).accept_with_amendment(amendment)


def test_an_offer_that_has_no_method_here_can_be_chosen_as_it_is() -> None:
    offer = {"applyNetworkPolicyAmendment": {"network_policy_amendment": {"action": "allow", "host": "a.example"}}}
    request = command_approval([*OFFERS, offer])
    assert request.choose(offer).result == {"decision": offer}
    assert request.choose(offer).name == "applyNetworkPolicyAmendment"
    with pytest.raises(ValueError, match="does not offer"):
        request.choose("acceptForSession")


def test_permissions_are_granted_in_whole_in_part_or_not() -> None:
    asked = {"network": {"enabled": True}, "fileSystem": {"write": ["/a"]}}
    request = PermissionsApproval.from_wire({"permissions": asked, "cwd": "/w", "reason": "why"})
    assert (request.cwd, request.reason) == ("/w", "why")
    assert request.accept().result == {"permissions": asked, "scope": "turn"}
    assert request.accept_for_session({"network": {"enabled": True}}).result == {
        "permissions": {"network": {"enabled": True}},
        "scope": "session",
    }
    assert request.decline().result == {"permissions": {}, "scope": "turn"}
    with pytest.raises(ValueError, match="'macos'"):
        request.accept({"macos": {}})


async def test_cancelling_a_permissions_request_ends_the_turn(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    server.on_turn(ask_server_request(PERMISSIONS, {"permissions": {"network": {"enabled": True}}}), hang())

    async def decide(request: Approval) -> Decision:
        return request.cancel()

    async with open_codex_client(server.transport(), on_approval=decide) as client:
        with pytest.raises(CodexTurnInterruptedError):
            await client.chat_once("go")
    assert results(server) == [{"permissions": {}, "scope": "turn"}]


async def test_a_file_change_is_told_with_the_changes_of_its_item(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    item = {
        "type": "fileChange",
        "id": "call_1",
        "status": "inProgress",
        "changes": [{"path": "/w/new.txt", "kind": {"type": "add"}, "diff": "hello\n"}],
    }
    params = {"threadId": "{thread_id}", "turnId": "{turn_id}", "item": item}
    server.on_turn(
        raw({"method": "item/started", "params": params}),
        ask_server_request(FILES, {"itemId": "call_1"}),
        raw({"method": "item/completed", "params": params}),
        ask_server_request(FILES, {"itemId": "call_1"}),
        say("done"),
    )
    seen: list[Approval] = []

    async def decide(request: Approval) -> Decision:
        seen.append(request)
        return request.accept()

    async with open_codex_client(server.transport(), on_approval=decide) as client:
        await client.chat_once("go")
    first, second = seen
    assert isinstance(first, FileChangeApproval)
    assert isinstance(second, FileChangeApproval)
    assert [(one.path, one.kind, one.diff) for one in first.changes] == [("/w/new.txt", "add", "hello\n")]
    assert second.changes == (), "a completed item is forgotten"


async def test_questions_are_answered_by_text_or_texts(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    questions = [
        {"id": "colour", "header": "C", "question": "Which?", "options": [{"label": "Red", "description": "r"}]},
        {"id": "sizes", "header": "S", "question": "How big?", "options": None, "isOther": True, "isSecret": True},
    ]
    server.on_turn(ask_server_request(QUESTION, {"itemId": "q", "questions": questions}), say("done"))

    async def reply(asked: UserQuestion) -> Mapping[str, str | list[str]]:
        first, second = asked.questions
        assert [option.label for option in first.options] == ["Red"]
        assert (second.is_other, second.is_secret, second.options) == (True, True, ())
        return {first.id: first.options[0].label, second.id: ["S", "M"]}

    async with open_codex_client(server.transport(), on_question=reply) as client:
        await client.chat_once("go")
    assert results(server) == [{"answers": {"colour": {"answers": ["Red"]}, "sizes": {"answers": ["S", "M"]}}}]


@pytest.mark.parametrize("answers", [None, "Red", {"colour": 1}, {1: "Red"}, {"colour": b"Red"}])
async def test_answers_of_another_shape_are_refused_before_the_wire(answers: Any, autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    server.on_turn(ask_server_request(QUESTION, {"questions": []}), say("done"))

    async def reply(asked: UserQuestion) -> Any:
        return answers

    async with open_codex_client(server.transport(), on_question=reply) as client:
        with pytest.raises(TypeError, match="text"):
            await client.chat_once("go")
    assert results(server) == [{"answers": {}}]


async def test_an_elicitation_is_answered_with_content(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    asked = {"serverName": "tiny", "mode": "form", "message": "Colour?", "requestedSchema": {"type": "object"}}
    server.on_turn(ask_server_request(ELICITATION, asked), ask_server_request(ELICITATION, asked), say("done"))
    seen: list[Elicitation] = []

    async def reply(question: Elicitation) -> Decision:
        seen.append(question)
        return question.cancel() if len(seen) > 1 else question.accept({"colour": "red"}, meta={"a": 1})

    async with open_codex_client(server.transport(), on_elicitation=reply) as client:
        await client.chat_once("go")
    assert (seen[0].server_name, seen[0].mode, seen[0].message, seen[0].tool_name) == ("tiny", "form", "Colour?", "")
    assert results(server) == [
        {"action": "accept", "content": {"colour": "red"}, "_meta": {"a": 1}},
        {"action": "cancel", "content": None},
    ]


async def test_any_other_method_is_answered_by_its_entry_in_on_request(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    server.on_turn(
        ask_server_request("future/ask", {"a": 1}),
        ask_server_request("other/ask"),
        ask_server_request("currentTime/read"),
    )

    async def reply(params: Mapping[str, Any]) -> Any:
        return {"got": params["a"]}

    async def tell(params: Mapping[str, Any]) -> Any:
        return {"currentTimeAt": 7}

    handlers = {"future/ask": reply, "currentTime/read": tell}
    async with open_codex_client(server.transport(), on_request=handlers) as client:
        await client.chat_once("go")
    first, second, third = results(server)
    assert first == {"got": 1}
    assert second["code"] == -32601
    assert third == {"currentTimeAt": 7}


async def test_every_id_from_0_is_answered_once_although_our_own_calls_have_the_same(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    server.on_turn(*[ask_server_request(COMMAND, {"command": str(n)}) for n in range(5)], say("done"))

    async def decide(request: Approval) -> Decision:
        await client.request("thread/list", {})
        return request.accept()

    async with open_codex_client(server.transport(), on_approval=decide) as client:
        await client.chat_once("go")
    sent = [message["id"] for message in server.received if "method" not in message]
    assert sent == [0, 1, 2, 3, 4]


async def test_a_request_that_is_asked_again_is_answered_once(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    again = {"id": 0, "method": COMMAND, "params": {"threadId": "{thread_id}", "turnId": "{turn_id}"}}
    server.on_turn(ask_server_request(COMMAND), raw(again), say("done"))
    asked = 0

    async def decide(request: Approval) -> Decision:
        nonlocal asked
        asked += 1
        await client.request("thread/list", {})
        return request.accept()

    async with open_codex_client(server.transport(), on_approval=decide) as client:
        await client.chat_once("go")
        await trio.sleep(1)
    assert asked == 1
    assert [message["id"] for message in server.received if "method" not in message] == [0]


async def test_an_observer_answers_nothing_and_its_turns_still_end(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    server.on_turn(run("ls", escalate=True), say("done"))
    async with (
        open_codex_client(server.transport(), on_approval=approve_all) as actor,
        open_codex_client(server.transport(), observe=True) as observer,
    ):
        first = await actor.chat_once("hello")
        server.on_turn(run("pwd", escalate=True), say("done"))
        await observer.request("thread/resume", {"threadId": first.thread_id})
        await actor.chat_once("go", first.thread_id)
        assert observer.statistics().server_requests == 0
    assert results(server) == [{"decision": "accept"}] * 2
    assert sum("method" not in message for message in server.received) == 2


def test_an_observer_has_no_handlers() -> None:
    with pytest.raises(ValueError, match="observe"):
        open_codex_client(observe=True, on_approval=approve_all)


# --- the lives of handlers


async def test_a_person_may_think_for_ten_minutes(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    server.on_turn(run("ls", escalate=True), wait(100), say("done"))

    async def decide(request: Approval) -> Decision:
        await trio.sleep(600)
        return request.accept()

    async with open_codex_client(server.transport(), on_approval=decide, inactivity_timeout=180) as client:
        result = await client.chat_once("go")
    assert result.final_text == "done"
    assert trio.current_time() == pytest.approx(700, abs=1)


async def test_the_clock_of_inactivity_runs_again_after_the_answer(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    server.on_turn(run("ls", escalate=True), wait(1000))

    async def decide(request: Approval) -> Decision:
        await trio.sleep(600)
        return request.accept()

    async with open_codex_client(server.transport(), on_approval=decide, inactivity_timeout=180) as client:
        with pytest.raises(CodexTurnInactiveError) as caught:
            await client.chat_once("go")
    assert caught.value.idle_seconds == pytest.approx(180, abs=1)


async def test_a_question_before_the_answer_to_turn_start_stops_the_clock_too(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    server.hold("turn/start")

    async def decide(request: Approval) -> Decision:
        await trio.sleep(600)
        return request.accept()

    async def ask_early() -> None:
        call = await server.held("turn/start").receive()
        turn_id = "01a20000-0000-7000-8000-000000000002"  # what the scripted server is about to call it
        server.connection.ask_nowait(COMMAND, {"threadId": call.params["threadId"], "turnId": turn_id})
        call.serve()

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

    async def decide(request: Approval) -> Decision:
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

    async def decide(request: Approval) -> Decision:
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


async def sleep_in(log: list[str], request: Approval) -> Decision:
    try:
        log.append("asked")
        await trio.sleep_forever()
    finally:
        log.append(f"ended at {trio.current_time():.0f}")
    raise AssertionError


async def test_another_clients_answer_ends_the_handler(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    log: list[str] = []

    async def decide(request: Approval) -> Decision:
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
    server.on_turn(wait(3), omit_completed())
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
    with trio.move_on_after(1) as scope:
        async with open_codex_client(server.transport(), on_approval=approve_all) as client:
            try:
                await trio.sleep_forever()
            finally:
                with trio.CancelScope(shield=True):
                    assert (await client.chat_once("clean up")).final_text == "cleaned"
    assert scope.cancelled_caught
    assert results(server) == [{"decision": "decline"}]


async def test_parked_approvals_delay_nobody(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    server.on_prompt("ask", run("ls", escalate=True), say("done"))
    server.on_prompt("stream", say("word " * 50), wait(1), say("done"))
    gate = trio.Event()

    async def decide(request: Approval) -> Decision:
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


# --- handlers that raise


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
    server.refuse("nosuch/method", code=-32600, message="no such method", times=None)

    async def decide(request: Approval) -> Decision:
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

    async def decide(request: Approval) -> Decision:
        assert isinstance(request, CommandApproval)
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

    async def decide(request: Approval) -> Any:
        return answers.pop(0)

    async with open_codex_client(server.transport(), on_approval=decide) as client:
        with pytest.raises(TypeError, match="not True"):
            await client.chat_once("go")
        with pytest.raises(ValueError, match="another request"):
            await client.chat_once("go")
    assert results(server) == [{"decision": "decline"}] * 2


async def test_an_answer_that_is_not_json_is_an_error_of_the_handler(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    server.on_turn(ask_server_request("future/ask"), say("done"))

    async def reply(params: Mapping[str, Any]) -> Any:
        return object()

    async with open_codex_client(server.transport(), on_request={"future/ask": reply}) as client:
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

    async def decide(request: Approval) -> Decision:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            nursery.start_soon(trio.sleep_forever)
        raise AssertionError

    async with open_codex_client(server.transport(), on_approval=decide) as client:
        with trio.move_on_after(5):
            await client.chat_once("go")
        assert (await client.chat_once("next")).final_text == "ok"


# --- pulled approvals


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
        server.connection.ask_nowait(COMMAND, {"threadId": "t", "turnId": "u"})
        server.connection.ask_nowait(COMMAND, {"threadId": "t", "turnId": "u"})
        first, second = await anext(approvals), await anext(approvals)
        with pytest.raises(ValueError, match="another request"):
            await first.respond(second.accept())
        assert await first.respond(first.accept())
        assert await second.respond(second.cancel())
        await trio.sleep(1)
    assert results(server) == [{"decision": "accept"}, {"decision": "cancel"}]


async def test_a_pushed_request_is_answered_by_returning(autojump_clock: Clock) -> None:
    with pytest.raises(RuntimeError, match="returning"):
        await command_approval(None).respond(command_approval(None).accept())


async def test_approvals_are_pushed_or_pulled(autojump_clock: Clock) -> None:
    async with open_codex_client(ScriptedAppServer().transport(), on_approval=approve_all) as client:
        with pytest.raises(RuntimeError, match="on_approval"):
            client.approvals()


async def test_the_stream_of_approvals_ends_with_the_connection(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client:
        approvals = client.approvals()
        server.connection.drop(3)
        with pytest.raises(CodexTransportError, match="code 3"):
            await anext(approvals)
