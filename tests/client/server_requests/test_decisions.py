"""What the server asks on the mock clock: what handlers see, what they may decide, and what goes out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import trio
import trio.testing

from codex_trio import (
    ApprovalRequest,
    CodexClient,
    CodexTurnInterruptedError,
    CommandApprovalRequest,
    Decision,
    ElicitationRequest,
    FileChangeApprovalRequest,
    PermissionsApprovalRequest,
    UserInputRequest,
    approve_all,
    decline_all,
    open_codex_client,
)
from codex_trio.testing import ScriptedAppServer, Step, ask_approval, ask_server_request, hang, raw, run, say, wait

Clock = trio.testing.MockClock

COMMAND = "item/commandExecution/requestApproval"
FILES = "item/fileChange/requestApproval"
PERMISSIONS = "item/permissions/requestApproval"
QUESTION = "item/tool/requestUserInput"
ELICITATION = "mcpServer/elicitation/request"


def results(server: ScriptedAppServer) -> list[Any]:
    return [answer.get("result", answer.get("error")) for answer in server.answers]


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


@pytest.mark.smoke
async def test_a_handler_sees_the_command_and_what_is_offered(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    server.on_turn(run("touch x.txt", escalate=True), say("done"))
    seen: list[ApprovalRequest] = []

    async def decide(request: ApprovalRequest) -> Decision:
        seen.append(request)
        return request.accept()

    async with open_codex_client(server.transport(), on_approval=decide) as client:
        result = await client.chat_once("go")
    (request,) = seen
    assert isinstance(request, CommandApprovalRequest)
    assert (request.thread_id, request.turn_id) == (result.thread_id, result.turn_id)
    assert request.item_id == result.steps[0].item_id
    assert "touch x.txt" in request.command
    assert request.cwd
    assert request.raw["itemId"] == request.item_id
    assert request.available_decisions is not None
    assert request.available_decisions[0] == "accept"


LONG = f"/bin/bash -lc '{'x' * 50_000}'"


@pytest.mark.parametrize(
    ("command", "script"),
    [
        ("/bin/bash -lc 'git status'", "git status"),
        ("/usr/bin/zsh -c 'git status'", "git status"),
        ("sh -c ls", "ls"),
        ("/bin/bash -lc 'git status; rm -r x'", "git status; rm -r x"),
        ("""/bin/bash -lc "echo \\"it's "'$HOME"'""", """echo "it's $HOME\""""),
        ("/bin/bash -lc ''", ""),
        ("git status", "git status"),
        # What no shell of the system runs, or not alone, is not what is compared.
        ("/tmp/bash -lc 'git status'", "/tmp/bash -lc 'git status'"),
        ("./sh -c 'git status'", "./sh -c 'git status'"),
        ("push -c 'git status'", "push -c 'git status'"),
        ("/bin/bash -lc 'git status' x", "/bin/bash -lc 'git status' x"),
        ("/bin/bash -lc git status", "/bin/bash -lc git status"),
        ("/bin/bash -x 'git status'", "/bin/bash -x 'git status'"),
        ("/bin/bash -lc 'git status", "/bin/bash -lc 'git status"),
        pytest.param(LONG, LONG, id="a very long one"),
        ("", ""),
        (None, ""),
        (["ls"], ""),
    ],
)
def test_the_script_is_all_that_a_shell_is_given_and_nothing_else_is_taken_for_one(command: Any, script: str) -> None:
    assert CommandApprovalRequest.from_wire({"command": command}).script == script


async def test_a_script_is_compared_whole(autojump_clock: Clock) -> None:
    async def decide(request: ApprovalRequest) -> Decision:
        is_harmless = isinstance(request, CommandApprovalRequest) and request.script == "touch done"
        return request.accept() if is_harmless else request.decline()

    server = ScriptedAppServer()
    server.on_turn(ask_approval("touch done"), ask_approval("touch done; rm -r x"), say("done"))
    async with open_codex_client(server.transport(), on_approval=decide) as client:
        await client.chat_once("go")
    assert results(server) == [{"decision": "accept"}, {"decision": "decline"}]


OFFERS = ["accept", {"acceptWithExecpolicyAmendment": {"execpolicy_amendment": ["touch"]}}, "cancel"]


def command_approval(offers: Any, amendment: Any = ("touch", "x")) -> CommandApprovalRequest:
    params = {"command": "touch x", "availableDecisions": offers, "proposedExecpolicyAmendment": list(amendment)}
    return CommandApprovalRequest.from_wire(params)


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
    decision = request.choose(offer, with_permissions=True)
    assert decision.result == {"decision": offer}
    assert decision.name == "applyNetworkPolicyAmendment"
    with pytest.raises(ValueError, match="does not offer"):
        request.choose("acceptForSession")


def test_permissions_are_granted_in_whole_in_part_or_not() -> None:
    asked = {"network": {"enabled": True}, "fileSystem": {"write": ["/a"]}}
    request = PermissionsApprovalRequest.from_wire({"permissions": asked, "cwd": "/w", "reason": "why"})
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

    async def decide(request: ApprovalRequest) -> Decision:
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
    seen: list[ApprovalRequest] = []

    async def decide(request: ApprovalRequest) -> Decision:
        seen.append(request)
        return request.decline()

    async with open_codex_client(server.transport(), on_approval=decide) as client:
        await client.chat_once("go")
    first, second = seen
    assert isinstance(first, FileChangeApprovalRequest)
    assert isinstance(second, FileChangeApprovalRequest)
    assert first.changes is not None
    assert [(one.path, one.kind, one.diff) for one in first.changes] == [("/w/new.txt", "add", "hello\n")]
    assert second.changes is None, "a completed item is forgotten"


async def test_an_item_of_another_thread_by_the_same_id_is_another_item(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()

    def tell(method: str, path: str) -> Step:
        change = {"path": path, "kind": {"type": "add"}, "diff": "hello\n"}
        item = {"type": "fileChange", "id": "call_0", "status": "inProgress", "changes": [change]}
        return raw({"method": method, "params": {"threadId": "{thread_id}", "turnId": "{turn_id}", "item": item}})

    ask = ask_server_request(FILES, {"itemId": "call_0"})
    server.on_prompt("first", tell("item/started", "/w/first"), wait(2), ask)
    server.on_prompt("second", tell("item/started", "/w/second"), wait(2), ask, tell("item/completed", "/w/second"))
    server.on_prompt("third", wait(1), tell("item/started", "/w/third"), tell("item/completed", "/w/third"))
    seen: list[list[str]] = []

    async def decide(request: ApprovalRequest) -> Decision:
        assert isinstance(request, FileChangeApprovalRequest)
        seen.append([one.path for one in request.changes or ()])
        return request.decline()

    async with open_codex_client(server.transport(), on_approval=decide) as client, trio.open_nursery() as nursery:
        for text in ("first", "second", "third"):
            nursery.start_soon(client.chat_once, text)
    assert sorted(seen) == [["/w/first"], ["/w/second"]]


async def test_questions_are_answered_by_text_or_texts(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    questions = [
        {"id": "colour", "header": "C", "question": "Which?", "options": [{"label": "Red", "description": "r"}]},
        {"id": "sizes", "header": "S", "question": "How big?", "options": None, "isOther": True, "isSecret": True},
    ]
    server.on_turn(ask_server_request(QUESTION, {"itemId": "q", "questions": questions}), say("done"))

    async def reply(asked: UserInputRequest) -> Mapping[str, str | list[str]]:
        first, second = asked.questions
        assert [option.label for option in first.options] == ["Red"]
        assert (second.is_other, second.is_secret, second.options) == (True, True, ())
        return {first.id: first.options[0].label, second.id: ["S", "M"]}

    async with open_codex_client(server.transport(), on_user_input=reply) as client:
        await client.chat_once("go")
    assert results(server) == [{"answers": {"colour": {"answers": ["Red"]}, "sizes": {"answers": ["S", "M"]}}}]


@pytest.mark.parametrize("answers", [None, "Red", {"colour": 1}, {1: "Red"}, {"colour": b"Red"}])
async def test_answers_of_another_shape_are_refused_before_the_wire(answers: Any, autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    server.on_turn(ask_server_request(QUESTION, {"questions": [{"id": "colour"}]}), say("done"))

    async def reply(asked: UserInputRequest) -> Any:
        return answers

    async with open_codex_client(server.transport(), on_user_input=reply) as client:
        with pytest.raises(TypeError, match=r"must be a str|must map question ids to texts"):
            await client.chat_once("go")
    assert results(server) == [{"answers": {}}]


async def test_an_answer_to_what_was_not_asked_is_refused_before_the_wire(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    server.on_turn(ask_server_request(QUESTION, {"questions": [{"id": "colour"}]}), say("done"))

    async def reply(asked: UserInputRequest) -> Any:
        return {"color": "Red"}

    async with open_codex_client(server.transport(), on_user_input=reply) as client:
        with pytest.raises(ValueError, match=r"no question has the id 'color'; the ids are \['colour'\]"):
            await client.chat_once("go")
    assert results(server) == [{"answers": {}}]


async def test_a_handler_that_need_not_wait_may_be_a_plain_function(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    server.on_turn(run("touch x", escalate=True), say("done"))
    plain: Any = lambda request: request.accept()  # noqa: E731  what a user would write
    async with open_codex_client(server.transport(), on_approval=plain) as client:
        assert (await client.chat_once("go")).final_text == "done"
    assert results(server) == [{"decision": "accept"}]


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"on_approval": True}, "on_approval must be an async function, not True"),
        ({"on_user_input": "x"}, "on_user_input must be an async function, not 'x'"),
        ({"on_request": 3}, "on_request must be async functions by method, not 3"),
        ({"on_request": {"x/y": None}}, "on_request must be async functions by method; 'x/y' is None"),
        ({"tools": 3}, "tools must be an iterable of functions and tools, not 3"),
        ({"client_info": "me"}, "client_info must be name, title and version by these names, not 'me'"),
        ({"transport": "ws://x"}, r"transport must be a Transport, such as WebSocketTransport\(url\), not 'ws://x'"),
    ],
)
def test_an_option_of_the_wrong_type_is_named(options: dict[str, Any], what: str) -> None:
    with pytest.raises(TypeError, match=what):
        open_codex_client(**options)


def test_an_option_that_there_is_not_is_named_with_those_that_there_are() -> None:
    with pytest.raises(
        TypeError, match=r"no option idle_timeout; there are request_timeout, inactivity_timeout, .*tools"
    ):
        CodexClient.connect_stdio(idle_timeout=1)  # type: ignore[call-arg]  # the type checker finds it, too


async def test_an_elicitation_is_answered_with_content(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    asked = {"serverName": "tiny", "mode": "form", "message": "Colour?", "requestedSchema": {"type": "object"}}
    server.on_turn(ask_server_request(ELICITATION, asked), ask_server_request(ELICITATION, asked), say("done"))
    seen: list[ElicitationRequest] = []

    async def reply(question: ElicitationRequest) -> Decision:
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

    async def decide(request: ApprovalRequest) -> Decision:
        await client.request("thread/list", {})
        return request.accept()

    async with open_codex_client(server.transport(), on_approval=decide) as client:
        await client.chat_once("go")
    sent = [message["id"] for message in server.received if "method" not in message]
    assert sent == [0, 1, 2, 3, 4]


async def test_a_request_that_is_asked_again_is_answered_once(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    again = {"id": 0, "method": COMMAND, "params": {"threadId": "{thread_id}", "turnId": "{turn_id}"}}
    server.on_turn(ask_server_request(COMMAND, {"command": "ls"}), raw(again), say("done"))
    asked = 0

    async def decide(request: ApprovalRequest) -> Decision:
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
