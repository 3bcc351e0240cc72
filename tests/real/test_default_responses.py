"""Each request that the installed codex can make gets a well-formed answer, a refusal, from a client without handlers."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import trio
import trio.testing

from codex_trio import StdioTransport, open_codex_client
from codex_trio.testing import ScriptedAppServer

# What refuses, by method, and the file that has the answer's schema. A method that is missing here is new in codex.
TOKEN = "only an error refuses: there is no token to give"
REFUSALS: dict[str, tuple[str, Any]] = {
    "account/chatgptAuthTokens/refresh": ("ChatgptAuthTokensRefreshResponse", TOKEN),
    "applyPatchApproval": ("ApplyPatchApprovalResponse", lambda result: set(result["decision"]) == {"denied"}),
    "attestation/generate": ("AttestationGenerateResponse", TOKEN),
    "currentTime/read": ("CurrentTimeReadResponse", lambda result: abs(result["currentTimeAt"] - time.time()) < 60),
    "execCommandApproval": ("ExecCommandApprovalResponse", lambda result: set(result["decision"]) == {"denied"}),
    "item/commandExecution/requestApproval": (
        "CommandExecutionRequestApprovalResponse",
        lambda result: result["decision"] == "decline",
    ),
    "item/fileChange/requestApproval": (
        "FileChangeRequestApprovalResponse",
        lambda result: result["decision"] == "decline",
    ),
    "item/permissions/requestApproval": (
        "PermissionsRequestApprovalResponse",
        lambda result: result == {"permissions": {}, "scope": "turn"},
    ),
    "item/tool/call": ("DynamicToolCallResponse", lambda result: result["success"] is False),
    "item/tool/requestUserInput": ("ToolRequestUserInputResponse", lambda result: result["answers"] == {}),
    "mcpServer/elicitation/request": (
        "McpServerElicitationRequestResponse",
        lambda result: result["action"] == "decline",
    ),
}


@pytest.fixture(scope="module")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the binary under test says of itself."""
    folder = tmp_path_factory.mktemp("schemas")

    async def generate() -> None:
        command = [
            *StdioTransport().resolve_command()[0],
            "generate-json-schema",
            "--out",
            str(folder),
            "--experimental",
        ]
        with trio.fail_after(60):
            env = {**os.environ, "CODEX_HOME": str(tmp_path_factory.mktemp("home"))}
            await trio.run_process(command, capture_stdout=True, capture_stderr=True, env=env)

    trio.run(generate)
    return folder


def load(schemas: Path, name: str) -> Any:
    return json.loads((schemas / f"{name}.json").read_text())


def methods(schemas: Path) -> list[str]:
    return [one["properties"]["method"]["enum"][0] for one in load(schemas, "ServerRequest")["oneOf"]]


def test_there_is_no_method_that_is_not_in_the_table(schemas: Path) -> None:
    assert set(methods(schemas)) - set(REFUSALS) == set()


async def test_every_answer_is_valid_and_refuses(schemas: Path, autojump_clock: trio.testing.MockClock) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()):
        for method in methods(schemas):
            answer = await server.connection.ask(method, {"threadId": "t", "turnId": "u", "itemId": "i"})
            name, is_refusal = REFUSALS[method]
            if is_refusal is TOKEN:
                jsonschema.validate(answer, load(schemas, "JSONRPCError"))
                assert answer["error"]["code"] == -32601
            else:
                jsonschema.validate(answer["result"], load(schemas, name))
                assert is_refusal(answer["result"]), (method, answer)
        unknown = await server.connection.ask("nosuch/method")
        assert unknown["error"]["code"] == -32601
