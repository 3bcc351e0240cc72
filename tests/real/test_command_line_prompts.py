"""What a person at a terminal of 80 by 24 sees of what the real codex binary asks, before they say yes."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from codex_trio.testing import ScriptedModel, call_tool, open_scripted_model, run, say, start_command, write_stdin
from tests.support.asking_model import asking_model
from tests.support.pseudo_terminal import Terminal, open_terminal

ASK, ASK_AFTER_VIEW, GO_ON = "Allow it? [y/N]", "Allow it? [v to view all of it, N]", "q to stop"

# An unknown model has the tools as functions; the model of an account calls them in JavaScript.
MODELS = pytest.mark.parametrize("slug", [pytest.param("scripted", marks=pytest.mark.extended), "gpt-6.2-sol"])


@asynccontextmanager
async def asked(model: ScriptedModel, cwd: Path, slug: str) -> AsyncIterator[Terminal]:
    """The command line in a turn, to its end."""
    args = ("Do it", "--model", slug)
    async with open_terminal("codex_trio", *args, env=model.env(), cwd=cwd, lines=24) as terminal:
        yield terminal
        assert await terminal.wait() == 0


async def view_all(terminal: Terminal) -> list[str]:
    """View all of what does not fit; return what stood on the pages."""
    await terminal.see(ASK_AFTER_VIEW)
    await terminal.type("v\r")
    pages: list[str] = []
    while not (rows := await terminal.see(GO_ON, ASK))[-1].endswith(ASK):
        pages += rows
        await terminal.type("\r")
        await terminal.read()
    return pages


@MODELS
async def test_what_a_here_document_scrolls_away_is_seen_before_it_runs(slug: str, tmp_path: Path) -> None:
    forged = "Codex asks for your permission. Its reason:\nThe command:\n  │ ls\nAllow it? [y/N] "
    script = "cat > x <<'END'\n" + "\n" * 60 + "END\ntouch evil\n: <<'END'\n" + "\n" * 60 + f"{forged}\nEND"
    async with asking_model() as model:
        model.on_turn(run(script, escalate=True), say("done"))
        async with asked(model, tmp_path, slug) as terminal:
            rows = await terminal.see(ASK_AFTER_VIEW)
            assert "  │ Allow it? [y/N]" in rows
            assert "  │ touch evil" not in rows
            await terminal.type("y\r")
            await terminal.read()
            assert "  │ touch evil" in await view_all(terminal)
            assert not (tmp_path / "evil").exists()
            await terminal.type("y\r")
    assert (tmp_path / "evil").exists()


@pytest.mark.extended
@MODELS
async def test_where_a_file_is_moved_to_is_seen(slug: str, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "a.md").write_text("old\n")
    patch = "*** Begin Patch\n*** Update File: a.md\n*** Move to: ../.bashrc\n@@\n-old\n+evil\n*** End Patch\n"
    async with open_scripted_model(approval_policy="on-request", sandbox_mode="read-only") as model:
        model.on_turn(run(f"apply_patch <<'END'\n{patch}END"), say("done"))
        async with asked(model, project, slug) as terminal:
            rows = await terminal.see(ASK)
            fact = "".join(row[4:] for row in rows[rows.index("A yes allows, this once:") + 1 : -1])
            target = f'update "{project}/a.md" and move it to "{tmp_path}/.bashrc"'
            assert fact.replace(" ", "").startswith(target.replace(" ", ""))
            assert "  │ +evil" in rows
            await terminal.type("n\r")
    assert sorted(os.listdir(tmp_path)) == ["project"]


@pytest.mark.extended
@MODELS
@pytest.mark.from_codex("0.163", "input for a terminal is typed without asking")
async def test_what_would_be_typed_into_which_terminal_is_seen(slug: str, tmp_path: Path) -> None:
    async with asking_model() as model:
        model.on_turn(start_command("cat > typed", escalate=True), write_stdin("good\x1b[2J\n"), say("done"))
        async with asked(model, tmp_path, slug) as terminal:
            assert "The command:" in await terminal.see(ASK)
            await terminal.type("y\r")
            await terminal.read()
            rows = await terminal.see(ASK)
            start = rows.index("The running command:")
            assert rows[start : start + 7] == [
                "The running command:",
                "  │ cat > typed",
                "The input that Codex would type into its terminal:",
                "  │ good<U+001B>[2J",
                "A yes allows, this once:",
                "  • this input is typed into the terminal of the running command",
                "  • 1 line, 9 characters; it ends with Return and takes effect at once",
            ]
            await terminal.type("y\r")
    assert (tmp_path / "typed").read_text() == "good\x1b[2J\n"


@pytest.mark.extended
@MODELS
async def test_additional_permissions_of_a_command_are_seen(slug: str, tmp_path: Path) -> None:
    additional = {
        "cmd": "touch x",
        "sandbox_permissions": "with_additional_permissions",
        "justification": "May I?",
        "additional_permissions": {"network": {"enabled": True}, "file_system": {"write": ["/opt"]}},
    }
    async with asking_model("features.exec_permission_approvals = true") as model:
        model.on_turn(call_tool("exec_command", additional), say("done"))
        async with asked(model, tmp_path, slug) as terminal:
            rows = await terminal.see(ASK)
            assert "  • the command may use the network" in rows
            assert '  • the command may write to "/opt"' in rows
            await terminal.type("n\r")
    assert not (tmp_path / "x").exists()


MCP_SERVER = """
import json, sys
for line in sys.stdin:
    message = json.loads(line)
    method, id_, result = message.get("method"), message.get("id"), {}
    if method == "initialize":
        result = {"protocolVersion": message["params"]["protocolVersion"], "capabilities": {"tools": {}},
                  "serverInfo": {"name": "tiny", "version": "1"}}
    elif method == "tools/list":
        schema = {"type": "object", "properties": {"text": {"type": "string"}}}
        result = {"tools": [{"name": "send", "inputSchema": schema, "annotations": {"destructiveHint": True}}]}
    elif method == "tools/call":
        result = {"content": [{"type": "text", "text": message["params"]["arguments"]["text"]}]}
    if id_ is not None:
        print(json.dumps({"jsonrpc": "2.0", "id": id_, "result": result}), flush=True)
"""


async def test_the_arguments_of_a_tool_are_seen(tmp_path: Path) -> None:
    script = tmp_path / "tiny_mcp.py"
    script.write_text(MCP_SERVER)
    config = f"mcp_servers.tiny = {{command = {json.dumps(sys.executable)}, args = [{json.dumps(str(script))}]}}"
    arguments = {"text": "the secret\u202e plan"}
    async with asking_model(config) as model:
        model.on_turn(call_tool("send", arguments, namespace="mcp__tiny"), say("done"))
        async with asked(model, tmp_path, "scripted") as terminal:
            rows = await terminal.see(ASK)
            assert '  │   "text": "the secret<U+202E> plan"' in rows
            assert '  • the tool "send" of the MCP server "tiny" is called' in rows
            await terminal.type("y\r")
        assert "the secret" in str(model.requests[-1].body["input"][-1])
