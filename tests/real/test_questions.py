"""Questions that come through the real codex binary: the model's, and those of MCP servers."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import trio

from codex_trio import Decision, ElicitationRequest, UserInputRequest, approve_all, open_codex_client
from codex_trio.testing import call_tool, say
from tests.support.asking_model import PATIENCE, asking_model
from tests.support.real_servers import Reach

COLOURS = [{"label": "Red (Recommended)", "description": "red"}, {"label": "Blue", "description": "blue"}]
QUESTIONS = {
    "questions": [{"id": "colour", "header": "Colour", "question": "Which colour?", "options": COLOURS}],
}


async def test_a_question_of_the_model_is_answered(reach: Reach, tmp_path: Path) -> None:
    seen: list[UserInputRequest] = []

    async def reply(question: UserInputRequest) -> Mapping[str, str]:
        seen.append(question)
        return {question.questions[0].id: question.questions[0].options[1].label}

    plan = {"mode": "plan", "settings": {"model": "scripted", "reasoning_effort": None, "developer_instructions": None}}
    with trio.fail_after(PATIENCE):
        async with asking_model() as model, reach(model, tmp_path) as make_transport:
            model.on_turn(call_tool("request_user_input", QUESTIONS), say("done"))
            async with open_codex_client(make_transport(), on_user_input=reply, experimental_api=True) as client:
                thread_id = (await client.request("thread/start"))["thread"]["id"]
                words = [{"type": "text", "text": "go"}]
                params = {"threadId": thread_id, "input": words, "collaborationMode": plan}
                await client.request("turn/start", params)
                async for event in client.notifications():
                    if event.method == "turn/completed":
                        break
            assert "Blue" in model.requests[-1].body["input"][-1]["output"]
    (question,) = seen
    assert question.questions[0].question == "Which colour?"
    assert [option.label for option in question.questions[0].options] == ["Red (Recommended)", "Blue"]
    assert question.questions[0].is_other


MCP_SERVER = """
import json, sys
def send(**message):
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)
calls = {}
for line in sys.stdin:
    message = json.loads(line)
    method, id_ = message.get("method"), message.get("id")
    if method == "initialize":
        send(id=id_, result={"protocolVersion": message["params"]["protocolVersion"], "capabilities": {"tools": {}},
                             "serverInfo": {"name": "tiny", "version": "1"}})
    elif method == "tools/list":
        schema = {"type": "object", "properties": {}}
        send(id=id_, result={"tools": [
            {"name": "ask", "inputSchema": schema, "annotations": {"readOnlyHint": True}},
            {"name": "danger", "inputSchema": schema, "annotations": {"destructiveHint": True, "readOnlyHint": False}},
        ]})
    elif method == "tools/call" and message["params"]["name"] == "ask":
        calls["e1"] = id_
        send(id="e1", method="elicitation/create", params={"message": "Which colour?", "requestedSchema": {
            "type": "object", "properties": {"colour": {"type": "string"}}, "required": ["colour"]}})
    elif method == "tools/call":
        send(id=id_, result={"content": [{"type": "text", "text": "boom"}]})
    elif id_ in calls:
        text = json.dumps(message.get("result"), sort_keys=True)
        send(id=calls.pop(id_), result={"content": [{"type": "text", "text": text}]})
    elif id_ is not None:
        send(id=id_, result={})
"""


def mcp_config(folder: Path) -> str:
    script = folder / "tiny_mcp.py"
    script.write_text(MCP_SERVER)
    return f"mcp_servers.tiny = {{command = {json.dumps(sys.executable)}, args = [{json.dumps(str(script))}]}}"


@pytest.mark.parametrize("is_accepted", [True, False])
async def test_an_elicitation_of_an_mcp_server_is_answered(is_accepted: bool, reach: Reach, tmp_path: Path) -> None:
    seen: list[ElicitationRequest] = []

    async def reply(question: ElicitationRequest) -> Decision:
        seen.append(question)
        return question.accept({"colour": "red"}) if is_accepted else question.decline()

    with trio.fail_after(PATIENCE):
        async with asking_model(mcp_config(tmp_path)) as model, reach(model, tmp_path) as make_transport:
            model.on_turn(call_tool("ask", namespace="mcp__tiny"), say("done"))
            async with open_codex_client(make_transport(), on_elicitation=reply) as client:
                result = await client.chat_once("go")
    assert result.steps[0].item_type == "mcpToolCall"
    told = json.dumps(result.steps[0].data["result"])
    assert "red" in told if is_accepted else "decline" in told
    (question,) = seen
    assert (question.server_name, question.mode, question.message) == ("tiny", "form", "Which colour?")
    assert "colour" in question.requested_schema["properties"]


@pytest.mark.parametrize(("handler", "status"), [(None, "failed"), (approve_all, "completed")])
async def test_a_tool_of_an_mcp_server_is_called_only_if_that_is_granted(
    handler: Any, status: str, reach: Reach, tmp_path: Path
) -> None:
    with trio.fail_after(PATIENCE):
        async with asking_model(mcp_config(tmp_path)) as model, reach(model, tmp_path) as make_transport:
            model.on_turn(call_tool("danger", namespace="mcp__tiny"), say("done"))
            async with open_codex_client(make_transport(), on_elicitation=handler) as client:
                result = await client.chat_once("go")
                assert client.statistics().server_requests == 1
    assert result.steps[0].data["status"] == status


@pytest.mark.parametrize(
    "arguments",
    [
        {"path": "/", "force": True},
        pytest.param({}, marks=pytest.mark.extended),
        pytest.param(None, marks=pytest.mark.extended),
    ],
)
async def test_a_tool_call_of_an_mcp_server_is_asked_for_with_its_arguments(
    arguments: Mapping[str, Any] | None, tmp_path: Path
) -> None:
    seen: list[tuple[str, Mapping[str, Any] | None]] = []

    def reply(asked: ElicitationRequest) -> Decision:
        seen.append((asked.tool_name, asked.tool_arguments))
        return asked.accept()

    with trio.fail_after(PATIENCE):
        async with (
            asking_model(mcp_config(tmp_path)) as model,
            open_codex_client(model.transport(cwd=tmp_path), on_elicitation=reply) as client,
        ):
            model.on_turn(call_tool("danger", arguments, namespace="mcp__tiny"), say("done"))
            result = await client.chat_once("go")
    assert seen == [("danger", arguments or {})]
    assert result.steps[0].data["status"] == "completed"
