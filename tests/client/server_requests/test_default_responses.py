"""What the server asks is answered once, by a well-formed no, whoever waits for what meanwhile."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from codex_trio import open_codex_client
from codex_trio.testing import ScriptedAppServer, ask_server_request, run, say

# Every method of ServerRequest.json of codex 0.169, and what grants nothing there.
REFUSALS: dict[str, Any] = {
    "item/commandExecution/requestApproval": {"decision": "decline"},
    "item/fileChange/requestApproval": {"decision": "decline"},
    "item/permissions/requestApproval": {"permissions": {}, "scope": "turn"},
    "item/tool/requestUserInput": {"answers": {}},
    "mcpServer/elicitation/request": {"action": "decline", "content": None},
    "item/tool/call": {
        "contentItems": [{"type": "inputText", "text": "This client has no such tool."}],
        "success": False,
    },
    "applyPatchApproval": {"decision": {"denied": {"rejection": "This client refuses it."}}},
    "execCommandApproval": {"decision": {"denied": {"rejection": "This client refuses it."}}},
}
UNANSWERABLE = ["account/chatgptAuthTokens/refresh", "attestation/generate", "of/the/future"]


@pytest.mark.parametrize("method", REFUSALS)
async def test_request_of_the_server_is_refused_and_the_turn_goes_on(method: str, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(ask_server_request(method, {}), say("without it, then"))
    async with open_codex_client(server.transport()) as client:
        assert (await client.chat_once("hello")).final_text == "without it, then"
        assert client.statistics().server_requests == 1
    assert server.answers == [{"id": 0, "result": REFUSALS[method]}]


@pytest.mark.parametrize("method", UNANSWERABLE)
async def test_request_that_only_an_error_refuses_gets_that_error(method: str, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(ask_server_request(method, {}), say("without it, then"))
    async with open_codex_client(server.transport()) as client:
        assert (await client.chat_once("hello")).final_text == "without it, then"
    [answer] = server.answers
    assert (answer["error"]["code"], answer["id"]) == (-32601, 0)
    assert method in answer["error"]["message"]


async def test_server_is_told_the_time(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()):
        answer = await server.connection.ask("currentTime/read", {"threadId": "t"})
    assert isinstance(answer["result"]["currentTimeAt"], int)
    assert answer["result"]["currentTimeAt"] > 1_600_000_000


async def test_command_that_wants_approval_does_not_run(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(run("rm -rf /", escalate=True), say("you do not let me"))
    async with open_codex_client(server.transport()) as client:
        result = await client.chat_once("clean up")
    assert result.steps[0].data["status"] == "declined"
    assert trio.current_time() < 1


async def test_ids_of_the_server_may_equal_ours(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.hold("slow")
    async with open_codex_client(server.transport()) as client, trio.open_nursery() as nursery:
        results: list[Any] = []

        async def ask() -> None:
            results.append(await client.request("slow"))

        nursery.start_soon(ask)
        call = await server.held("slow").receive()
        server.connection.send({"id": call.id, "method": "execCommandApproval", "params": {}})
        while "result" not in server.received[-1]:
            await trio.lowlevel.checkpoint()
        assert server.received[-1] == {
            "id": call.id,
            "result": {"decision": {"denied": {"rejection": "This client refuses it."}}},
        }
        assert results == []
        call.reply("mine")
    assert results == ["mine"]


@pytest.mark.parametrize("id_", ["text", "0", 0, -1, 2**40])
async def test_answer_has_the_id_of_the_request(id_: int | str, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client:
        server.connection.send({"id": id_, "method": "execCommandApproval", "params": {}})
        await client.request("thread/list")
        await trio.sleep(1)
    answers = [message for message in server.received if "result" in message]
    assert answers == [{"id": id_, "result": {"decision": {"denied": {"rejection": "This client refuses it."}}}}]


async def test_each_of_many_requests_is_answered_once(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client:
        for _ in range(500):
            server.connection.ask_nowait("item/tool/call", {})
        await trio.sleep(1)
        assert client.statistics().server_requests == 500
    ids = [message["id"] for message in server.received if "method" not in message]
    assert sorted(ids) == list(range(500))
