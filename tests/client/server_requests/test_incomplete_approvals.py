"""Approvals on the mock clock: whether they are known in full, and what happens when they are not."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
import trio
import trio.testing

from codex_trio import (
    ApprovalRequest,
    ChatContinuation,
    CodexTurnInterruptedError,
    CommandApprovalRequest,
    Decision,
    ElicitationRequest,
    FileChangeApprovalRequest,
    approve_all,
    open_codex_client,
)
from codex_trio._session.open_items import OpenItems
from codex_trio._wire.messages import Notice, ServerRequest
from codex_trio.testing import ScriptedAppServer, Step, ask_server_request, hang, patch, raw, say, wait
from tests.support.background import Background
from tests.support.manual_turn import next_turn

Clock = trio.testing.MockClock

COMMAND = "item/commandExecution/requestApproval"
FILES = "item/fileChange/requestApproval"


def results(server: ScriptedAppServer) -> list[Any]:
    return [answer.get("result", answer.get("error")) for answer in server.answers]


def note(method: str, item_id: str, *paths: str) -> Step:
    """Return a step that sends an item of file changes."""
    changes = [{"path": path, "kind": {"type": "add"}, "diff": "x\n"} for path in paths]
    item = {"type": "fileChange", "id": item_id, "status": "inProgress", "changes": changes}
    return raw({"method": method, "params": {"threadId": "{thread_id}", "turnId": "{turn_id}", "item": item}})


def ask(item_id: Any) -> Step:
    return ask_server_request(FILES, {"itemId": item_id})


class Recorder:
    """A handler that declines, and remembers what would have been changed in each turn.

    Attributes:
        seen: The paths of each request, or `None`, by turn.
    """

    def __init__(self) -> None:
        self.seen: dict[str, list[list[str] | None]] = {}

    async def decide(self, request: ApprovalRequest) -> Decision:
        assert isinstance(request, FileChangeApprovalRequest)
        await trio.lowlevel.checkpoint()
        paths = None if request.changes is None else [one.path for one in request.changes]
        self.seen.setdefault(request.turn_id, []).append(paths)
        return request.decline()

    @property
    def only(self) -> list[list[str] | None]:
        (seen,) = self.seen.values()
        return seen


def update(item_id: Any, *paths: str, **more: Any) -> Step:
    """Return a step that sends other changes for an item."""
    changes = [{"path": path, "kind": {"type": "add"}, "diff": "x\n"} for path in paths]
    params = {"threadId": "{thread_id}", "turnId": "{turn_id}", "itemId": item_id, "changes": changes, **more}
    return raw({"method": "item/fileChange/patchUpdated", "params": params})


async def test_changes_are_the_ones_that_the_server_sent_last(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    wrong_ids: list[Any] = [None, 1, "c", []]
    server.on_turn(
        update("a", "/w/0"),
        ask("a"),  # it has not started
        note("item/started", "a", "/w/1"),
        note("item/started", "b", "/w/2"),
        update("a", "/w/3", "/w/4"),
        *(update("a", "/w/5", itemId=wrong) for wrong in wrong_ids),
        update("a", "/w/5", turnId="another"),
        ask("a"),
        ask("b"),
        update("b", changes=None),
        ask("b"),
        note("item/started", "b", "/w/6"),  # a second item of that id
        update("b", "/w/7"),
        ask("b"),
    )
    recorder = Recorder()
    async with open_codex_client(server.transport(), on_approval=recorder.decide) as client:
        await client.chat_once("go")
    assert recorder.only == [None, ["/w/3", "/w/4"], ["/w/2"], None, None]


async def test_open_changes_of_our_turn_are_never_discarded(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    numbers = range(600)
    server.on_turn(
        *(note("item/started", f"call_{n}", f"/w/{n}") for n in numbers), *(ask(f"call_{n}") for n in numbers)
    )
    recorder = Recorder()
    async with open_codex_client(server.transport(), on_approval=recorder.decide) as client:
        await client.chat_once("go")
    assert recorder.only == [[f"/w/{n}"] for n in numbers]


async def test_changes_of_our_sub_agent_are_never_discarded(nursery: trio.Nursery, autojump_clock: Clock) -> None:
    server = ScriptedAppServer(nursery)
    server.hold("turn/start")
    recorder = Recorder()
    async with open_codex_client(server.transport(), on_approval=recorder.decide) as client:
        waiting = Background(nursery, client.chat_once, "go")
        parent = await next_turn(server)
        parent.accept()
        ids = {"threadId": "child", "turnId": "child-turn"}
        turn = {"id": "child-turn", "rootTurnId": parent.turn_id, "status": "inProgress"}
        parent.send("turn/started", **ids, turn=turn)
        for n in range(600):
            change = {"path": f"/w/{n}", "kind": {"type": "add"}, "diff": "x\n"}
            parent.send("item/started", **ids, item={"type": "fileChange", "id": f"call_{n}", "changes": [change]})
        await parent.call.connection.ask(FILES, {**ids, "itemId": "call_0"})
        parent.end()
        await waiting.result()
    assert recorder.only == [["/w/0"]]


@pytest.mark.parametrize(
    ("others", "ours", "asked", "known"),
    [
        (300, 1, [0, 43, 44, 299], [False, False, True, True]),
        (200, 300, [0, 199], [True, True]),
    ],
)
async def test_of_the_changes_of_other_clients_turns_the_last_256_are_known(
    others: int, ours: int, asked: list[int], known: list[bool], autojump_clock: Clock
) -> None:
    server = ScriptedAppServer()
    of_others = [note("item/started", f"call_{n}", f"/w/{n}") for n in range(others)]
    of_ours = [note("item/started", f"call_{n}", f"/ours/{n}") for n in range(ours)]
    server.on_prompt("others", wait(1), *of_others, wait(5), *(ask(f"call_{n}") for n in asked))
    server.on_prompt("ours", *of_ours, wait(5), ask("call_0"))
    recorder = Recorder()
    async with (
        open_codex_client(server.transport(), observe=True) as other,
        open_codex_client(server.transport(), on_approval=recorder.decide) as client,
    ):
        thread = await other.start_thread()
        await thread.chat_once("hello")
        await client.request("thread/resume", {"threadId": thread.id})
        async with trio.open_nursery() as nursery:
            nursery.start_soon(thread.chat_once, "others")
            turn_id = (await client.chat_once("ours")).turn_id
    assert recorder.seen.pop(turn_id) == [["/ours/0"]]
    assert recorder.only == [[f"/w/{n}"] if is_known else None for n, is_known in zip(asked, known, strict=True)]


async def test_changes_of_a_turn_resumed_elsewhere_are_unknown_and_not_accepted(
    autojump_clock: Clock,
) -> None:
    server = ScriptedAppServer()
    server.on_turn(patch("a.md", "text\n"), hang())
    asked: list[FileChangeApprovalRequest] = []
    is_asked = trio.Event()

    async def wait_long(request: ApprovalRequest) -> Decision:
        assert isinstance(request, FileChangeApprovalRequest)
        asked.append(request)
        is_asked.set()
        await trio.sleep_forever()
        raise AssertionError

    def accept(request: ApprovalRequest) -> Decision:
        assert isinstance(request, FileChangeApprovalRequest)
        asked.append(request)
        return request.accept()

    async def begin() -> None:
        with pytest.raises(CodexTurnInterruptedError):  # by the failure of the second client's handler
            await first.chat_once("go")

    async with open_codex_client(server.transport(), on_approval=wait_long) as first, trio.open_nursery() as nursery:
        nursery.start_soon(begin)
        await is_asked.wait()
        continuation = ChatContinuation(asked[0].thread_id, asked[0].turn_id, 0, "chat", ())
        async with open_codex_client(server.transport(), on_approval=accept) as second:
            with pytest.raises(ValueError, match="the changes are not fully known"):
                await second.chat_once(continuation=continuation)
    assert [request.changes is None for request in asked] == [False, True]
    assert results(server) == [{"decision": "decline"}]


async def test_changes_are_still_known_when_the_request_comes_again_after_an_outage(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(patch("a.md", "text\n"), say("done"))
    seen: list[int] = []

    async def decide_slowly(request: ApprovalRequest) -> Decision:
        assert isinstance(request, FileChangeApprovalRequest)
        seen.append(len(request.changes or ()))
        await trio.sleep(10)
        return request.accept()

    async with open_codex_client(server.transport(), on_approval=decide_slowly, reconnect=True) as client:
        nursery.start_soon(drop_later, server)
        assert (await client.chat_once("go")).final_text == "done"
    assert seen == [1, 1]
    assert results(server) == [{"decision": "accept"}]


async def drop_later(server: ScriptedAppServer) -> None:
    await trio.sleep(5)
    server.connection.drop()


async def test_two_open_items_by_one_id_make_the_changes_of_both_unknown(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    server.on_turn(
        *(note("item/started", "call_1", "/w/harmless"), note("item/started", "call_1", "/w/harmless"), ask("call_1")),
        *(note("item/started", "call_1", "/w/evil"), ask("call_1")),
        *(note("item/completed", "call_1"), ask("call_1")),
        *(note("item/started", "call_1", "/w/next"), ask("call_1")),
        *(ask("call_2"), ask(1), ask(None)),
    )
    recorder = Recorder()
    async with open_codex_client(server.transport(), on_approval=recorder.decide) as client:
        await client.chat_once("go")
    assert recorder.only == [["/w/harmless"], None, None, ["/w/next"], None, None, None]


async def test_the_changes_of_a_turn_are_forgotten_at_its_end(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    server.on_turn(note("item/started", "call_1", "/w/a"), ask("call_1"))
    recorder = Recorder()
    async with open_codex_client(server.transport(), on_approval=recorder.decide) as client:
        ended = await client.chat_once("go")
        late = {"threadId": ended.thread_id, "turnId": ended.turn_id, "itemId": "call_1"}
        await server.connection.ask(FILES, late)
    assert recorder.only == [["/w/a"], None]


async def test_the_changes_of_an_earlier_turn_are_not_those_of_a_later_one(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    server.on_turn(note("item/started", "call_1", "/w/harmless"))
    server.on_turn(ask("call_1"))
    recorder = Recorder()
    async with open_codex_client(server.transport(), on_approval=recorder.decide) as client:
        thread = await client.start_thread()
        await thread.chat_once("first")
        await thread.chat_once("second")
    assert recorder.only == [None]


GRANTS_MORE = {"command": "/bin/bash -lc ls", "additionalPermissions": {"network": {"enabled": True}}}


@pytest.mark.parametrize(
    ("method", "params", "what"),
    [
        (COMMAND, GRANTS_MORE, "would also grant additionalPermissions"),
        (COMMAND, {"command": None}, "does not show which command"),
        (FILES, {"itemId": "call_1"}, "the changes are not fully known"),
    ],
)
async def test_a_handler_that_accepts_too_much_grants_nothing_and_the_error_comes_out_of_the_turn(
    method: str, params: dict[str, Any], what: str, autojump_clock: Clock
) -> None:
    server = ScriptedAppServer()
    server.on_turn(ask_server_request(method, params), hang())

    def accept(request: ApprovalRequest) -> Decision:
        return request.accept()

    async with open_codex_client(server.transport(), on_approval=accept) as client:
        thread = await client.start_thread()
        with pytest.raises(ValueError, match=what):
            await thread.chat_once("go")
        assert (await thread.chat_once("next")).final_text == "ok"
    assert results(server) == [{"decision": "decline"}]
    order = [message.get("method", "answer") for message in server.received]
    assert order.index("answer") < order.index("turn/interrupt")


async def test_a_pulled_request_that_is_accepted_too_far_can_still_be_declined(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    server.on_turn(ask_server_request(COMMAND, GRANTS_MORE), say("done"))
    async with (
        open_codex_client(server.transport()) as client,
        client.approvals() as approvals,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(client.chat_once, "go")
        request = await anext(approvals)
        assert isinstance(request, CommandApprovalRequest)
        with pytest.raises(ValueError, match="would also grant"):
            request.accept()
        assert results(server) == []
        assert await request.respond(request.decline()) is True
    assert results(server) == [{"decision": "decline"}]


async def test_approve_all_accepts_changes_that_it_does_not_know(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    server.on_turn(ask("call_1"), ask_server_request(COMMAND, GRANTS_MORE), say("done"))
    async with open_codex_client(server.transport(), on_approval=approve_all) as client:
        assert (await client.chat_once("go")).final_text == "done"
    assert results(server) == [{"decision": "accept"}, {"decision": "accept"}]


def note_call(method: str, item_id: str, tool: Any, arguments: Any, server: str = "tiny") -> Step:
    item = {"type": "mcpToolCall", "id": item_id, "server": server, "tool": tool, "arguments": arguments}
    return raw({"method": method, "params": {"threadId": "{thread_id}", "turnId": "{turn_id}", "item": item}})


ONE, OTHER = {"path": "/"}, {"path": "/w"}


@pytest.mark.parametrize(
    ("calls", "name"),
    [
        ([("a", "delete", ONE)], "delete"),
        ([("a", "delete", ONE), ("b", "delete", ONE)], "delete"),
        ([("a", "delete", ONE), ("b", "read", OTHER)], "delete"),
        ([("a", "delete", ONE), ("b", "read", ONE, "other")], "delete"),
        ([("a", "delete", ONE), ("b", "read", ONE)], "unknown"),
        ([("a", "delete", ONE), ("a", "read", ONE)], "unknown"),
        ([("a", "read", ONE), ("b", "delete", OTHER), ("b", "delete", ONE)], "unknown"),
        ([("a", "delete", OTHER)], "unknown"),
        ([("a", ["delete"], ONE)], "unknown"),
        ([], "unknown"),
    ],
)
async def test_a_tool_that_the_request_does_not_name_comes_from_the_open_call(
    calls: list[tuple[Any, ...]], name: str, autojump_clock: Clock
) -> None:
    server = ScriptedAppServer()
    meta = {"codex_approval_kind": "mcp_tool_call", "tool_params": ONE}
    asked = ask_server_request("mcpServer/elicitation/request", {"serverName": "tiny", "_meta": meta})
    closed = note_call("item/started", "z", "read", ONE), note_call("item/completed", "z", "read", ONE)
    server.on_turn(*closed, *(note_call("item/started", *call) for call in calls), asked, say("done"))
    seen: list[ElicitationRequest] = []

    def decide(request: ElicitationRequest) -> Decision:
        seen.append(request)
        return request.decline()

    async with open_codex_client(server.transport(), on_elicitation=decide) as client:
        assert (await client.chat_once("go")).final_text == "done"
    assert [(request.tool_name, request.tool_arguments) for request in seen] == [(name, ONE)]


def test_items_that_are_nested_deeply_are_not_compared_to_their_end() -> None:
    def nested() -> Any:
        value: Any = "x"
        for _ in range(100_000):
            value = {"a": value}
        return value

    items = OpenItems(lambda thread_id, turn_id: True)
    for _ in range(2):
        item = {"type": "mcpToolCall", "id": "a", "server": "tiny", "tool": "delete", "arguments": nested()}
        items.watch(Notice("item/started", "t", "u", {"item": item}, {}))
    meta = {"tool_params": nested()}
    asked = ServerRequest(0, "mcpServer/elicitation/request", "t", "u", {"serverName": "tiny", "_meta": meta})
    assert items.find_tool_name(asked) == ""


@pytest.mark.parametrize(
    ("options", "is_experimental"),
    [
        ({}, False),
        ({"experimental_api": True}, True),
        ({"on_approval": approve_all}, True),
        ({"on_elicitation": approve_all}, False),
        ({"observe": True}, False),
    ],
)
async def test_a_client_that_decides_about_approvals_asks_for_all_of_their_fields(
    options: dict[str, Any], is_experimental: bool, autojump_clock: Clock
) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport(), **options):
        (hello,) = [message for message in server.received if message.get("method") == "initialize"]
    assert hello["params"]["capabilities"]["experimentalApi"] is is_experimental


async def test_a_pulled_request_is_known_to_be_complete_with_the_experimental_api_only(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    server.default(ask_server_request(COMMAND, {"command": "ls", "availableDecisions": ["accept", "cancel"]}))
    for is_experimental in (False, True):
        async with (
            open_codex_client(server.transport(), experimental_api=is_experimental) as client,
            client.approvals() as approvals,
            trio.open_nursery() as nursery,
        ):
            nursery.start_soon(client.chat_once, "go")
            request = await anext(approvals)
            assert isinstance(request, CommandApprovalRequest)
            with contextlib.nullcontext() if is_experimental else pytest.raises(ValueError, match="experimental_api"):
                request.accept()
            await request.respond(request.decline())
