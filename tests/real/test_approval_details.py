"""What the real codex binary asks for beside the plain command, and that a handler sees all of it before it says yes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import trio

from codex_trio import (
    ApprovalRequest,
    ApprovalStream,
    ChatContinuation,
    CodexTurnInterruptedError,
    CommandApprovalRequest,
    Decision,
    FileChangeApprovalRequest,
    open_codex_client,
)
from codex_trio.testing import (
    ScriptedModel,
    call_tool,
    hang,
    open_scripted_model,
    patch,
    run,
    say,
    start_command,
    write_stdin,
)
from tests.support.account_models import account_model
from tests.support.asking_model import PATIENCE, asking_model, decider
from tests.support.real_codex import version_under_test
from tests.support.real_servers import running_server
from tests.support.versions import Versions

# An unknown model has the tools as functions; the model of an account calls them in JavaScript.
MODELS = [pytest.param("scripted", marks=pytest.mark.extended), account_model(version_under_test())]

ASKS_FOR_INPUT = Versions(since="0.163")  # older versions type without asking

INPUTS = [
    *(
        "rm -rf /\n",
        "ls",
        "-n",
        " a b",
        "'",
        '"',
        "'\n'",
        "\x03",
        "\x1b[2J",
        "a\tb\r\n",
        "é\u202e\u200b\u2028",
        "~",
        "#x",
    ),
    *('it\'s "x" $HOME `a` \\ !^\n', '"\\$\'"`', "$'x'\\''\n", "\n" * 100 + "end\n", "x" * 3_000, "'$\"`\\!" * 100),
]


@pytest.mark.parametrize("model_slug", MODELS)
async def test_input_for_a_terminal_is_asked_for_as_it_would_be_typed(model_slug: str, tmp_path: Path) -> None:
    seen, handler = decider(lambda request: request.decline() if request.kind == "writeStdin" else request.accept())
    typed = [write_stdin(text) for text in INPUTS]
    with trio.fail_after(PATIENCE):
        async with asking_model() as model:
            model.on_turn(start_command("cat > typed", escalate=True), *typed, say("done"))
            async with open_codex_client(model.transport(cwd=tmp_path), on_approval=handler) as client:
                result = await client.chat_once("go", model=model_slug)
                if version_under_test() not in ASKS_FOR_INPUT:
                    assert [request.kind for request in seen if isinstance(request, CommandApprovalRequest)] == [
                        "command"
                    ]
                    return
    assert result.final_text == "done"
    start, *inputs = [request for request in seen if isinstance(request, CommandApprovalRequest)]
    assert (start.kind, start.script, start.stdin, start.approval_id) == ("command", "cat > typed", None, "")
    assert [request.stdin for request in inputs] == INPUTS
    assert {(request.kind, request.item_id, request.script == request.command) for request in inputs} == {
        ("writeStdin", start.item_id, True)
    }
    assert len({request.approval_id for request in inputs} - {"", start.item_id}) == len(INPUTS)
    assert {request.environment_id for request in inputs} == {"local"}
    assert [request.extra_permissions for request in inputs] == [{}] * len(INPUTS)


async def test_input_that_is_accepted_is_typed_and_input_that_is_declined_is_not(tmp_path: Path) -> None:
    _, handler = decider(lambda request: request.decline() if request.stdin == "evil\n" else request.accept())
    with trio.fail_after(PATIENCE):
        async with asking_model() as model:
            script = [start_command("cat > typed", escalate=True), *map(write_stdin, ["good\n", "evil\n", "\x04"])]
            model.on_turn(*script, say("done"))
            async with open_codex_client(model.transport(cwd=tmp_path), on_approval=handler) as client:
                await client.chat_once("go")
                is_asked = version_under_test() in ASKS_FOR_INPUT
            assert ("rejected" in str(model.requests[-1].body["input"])) is is_asked
    assert (tmp_path / "typed").read_text() == ("good\n" if is_asked else "good\nevil\n")


ADDITIONAL = {
    "cmd": "touch x",
    "sandbox_permissions": "with_additional_permissions",
    "justification": "May I?",
    "additional_permissions": {"network": {"enabled": True}, "file_system": {"write": ["/opt"]}},
}


def permissions_model() -> ScriptedModel:
    model = asking_model("features.exec_permission_approvals = true")
    model.on_turn(*[call_tool("exec_command", ADDITIONAL)] * 2, run("true", escalate=True), say("done"))
    return model


@pytest.mark.parametrize("model_slug", MODELS)
async def test_additional_permissions_are_shown_and_granted_only_if_that_is_said(
    model_slug: str, tmp_path: Path
) -> None:
    seen: list[CommandApprovalRequest] = []

    def handler(request: ApprovalRequest) -> Decision:
        assert isinstance(request, CommandApprovalRequest)
        seen.append(request)
        if len(seen) == 3:
            return request.accept()
        with pytest.raises(ValueError, match=r"would also grant additionalPermissions .*/opt"):
            request.accept()
        return request.accept(with_permissions=True) if len(seen) == 1 else request.decline()

    with trio.fail_after(PATIENCE):
        async with (
            permissions_model() as model,
            open_codex_client(model.transport(cwd=tmp_path), on_approval=handler) as client,
        ):
            result = await client.chat_once("go", model=model_slug)
    statuses = [step.data["status"] for step in result.steps if step.step_type == "exec"]
    assert statuses == ["completed", "declined", "completed"]
    first, second, plain = [request.additional_permissions for request in seen]
    assert first is not None
    assert first["network"] == {"enabled": True}
    assert first["fileSystem"]["write"] == ["/opt"]
    assert second == first
    assert plain is None


@pytest.mark.extended
async def test_without_the_experimental_api_a_command_with_additional_permissions_is_accepted_unseen_only(
    tmp_path: Path,
) -> None:
    async def decide(approvals: ApprovalStream) -> None:
        async for request in approvals:
            assert isinstance(request, CommandApprovalRequest)
            assert "additionalPermissions" not in request.raw, "then it would be known"
            if request.script == "true":
                await request.respond(request.accept())
            else:
                with pytest.raises(ValueError, match="whether the command would get additional permissions"):
                    request.accept(with_permissions=True)
                await request.respond(request.accept(unseen=True))

    with trio.fail_after(PATIENCE):
        async with (
            permissions_model() as model,
            open_codex_client(model.transport(cwd=tmp_path)) as client,
            client.approvals() as approvals,
            trio.open_nursery() as nursery,
        ):
            nursery.start_soon(decide, approvals)
            result = await client.chat_once("go")
            nursery.cancel_scope.cancel()
    assert [step.data["status"] for step in result.steps if step.step_type == "exec"] == ["completed"] * 3


def move(source: str, target: str) -> str:
    text = f"*** Update File: {source}\n*** Move to: {target}\n@@\n-hello\n+bye"
    return f"apply_patch <<'X'\n*** Begin Patch\n{text}\n*** End Patch\nX"


@pytest.mark.parametrize("model_slug", MODELS)
async def test_a_file_that_is_moved_is_shown_with_its_target(model_slug: str, tmp_path: Path) -> None:
    def handler(request: ApprovalRequest) -> Decision:
        assert isinstance(request, FileChangeApprovalRequest)
        assert request.changes is not None
        (change,) = request.changes
        seen.append((change.path, change.kind, change.moved_to))
        return request.accept() if Path(change.moved_to).is_relative_to(project) else request.decline()

    seen: list[tuple[str, str, str]] = []
    project, outside = tmp_path / "project", tmp_path / "outside"
    project.mkdir()
    outside.mkdir()
    for name in ("a.md", "b.md"):
        (project / name).write_text("hello\n")
    with trio.fail_after(PATIENCE):
        async with open_scripted_model(approval_policy="on-request", sandbox_mode="read-only") as model:
            steps = [run(move("a.md", "../outside/.bashrc")), run(move("b.md", "c.md")), say("done")]
            model.on_turn(*steps)
            async with open_codex_client(model.transport(cwd=project), on_approval=handler) as client:
                await client.chat_once("go", model=model_slug)
    assert seen == [
        (str(project / "a.md"), "update", str(outside / ".bashrc")),
        (str(project / "b.md"), "update", str(project / "c.md")),
    ]
    assert sorted(os.listdir(project)) == ["a.md", "c.md"]
    assert os.listdir(outside) == []


async def test_a_client_that_takes_a_turn_up_does_not_know_the_changes_and_accepts_none(tmp_path: Path) -> None:
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

    async def begin(client: Any) -> None:
        with pytest.raises(CodexTurnInterruptedError):  # by the failure of the other client's handler
            await client.chat_once("go")

    with trio.fail_after(PATIENCE):
        async with (
            open_scripted_model(approval_policy="on-request", sandbox_mode="read-only") as model,
            running_server(model, cwd=tmp_path) as server,
        ):
            model.on_turn(patch("a.md", "text\n"), hang())
            async with (
                open_codex_client(server.transport(), on_approval=wait_long) as first,
                open_codex_client(server.transport(), on_approval=accept) as second,
                trio.open_nursery() as nursery,
            ):
                nursery.start_soon(begin, first)
                await is_asked.wait()
                continuation = ChatContinuation(asked[0].thread_id, asked[0].turn_id, 0, "chat", ())
                with pytest.raises(ValueError, match="the changes are not fully known"):
                    await second.chat_once(continuation=continuation)
    assert [request.changes is None for request in asked] == [False, True]
    assert not (tmp_path / "a.md").exists()
