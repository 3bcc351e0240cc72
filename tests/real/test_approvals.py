"""What the real codex binary may do and what it may not: commands, file changes, permissions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import trio

from codex_trio import (
    ApprovalRequest,
    CodexTurnInterruptedError,
    CommandApprovalRequest,
    Decision,
    FileChangeApprovalRequest,
    PermissionsApprovalRequest,
    open_codex_client,
)
from codex_trio.testing import call_tool, hang, open_scripted_model, run, say
from tests.support.asking_model import PATIENCE, asking_model, decider
from tests.support.real_servers import Reach


async def test_without_a_handler_an_escalated_command_is_not_run(reach: Reach, tmp_path: Path) -> None:
    with trio.fail_after(PATIENCE):
        async with asking_model() as model, reach(model, tmp_path) as make_transport:
            model.on_turn(run("touch x.txt", escalate=True), say("done"))
            async with open_codex_client(make_transport()) as client:
                result = await client.chat_once("go")
    assert result.final_text == "done"
    assert result.steps[0].data["status"] == "declined"
    assert not (tmp_path / "x.txt").exists()


async def test_an_accepted_command_runs(reach: Reach, tmp_path: Path) -> None:
    seen, handler = decider(lambda request: request.accept())
    with trio.fail_after(PATIENCE):
        async with asking_model() as model, reach(model, tmp_path) as make_transport:
            model.on_turn(run("touch x.txt", escalate=True), say("done"))
            async with open_codex_client(make_transport(), on_approval=handler) as client:
                result = await client.chat_once("go")
    assert (tmp_path / "x.txt").exists()
    (request,) = seen
    assert isinstance(request, CommandApprovalRequest)
    assert request.command.endswith("'touch x.txt'")
    assert request.cwd == str(tmp_path)
    assert request.reason == "May I run touch x.txt?"
    assert request.item_id == result.steps[0].item_id
    assert request.proposed_amendment == ("touch", "x.txt")
    assert request.available_decisions is not None
    assert "accept" in request.available_decisions
    assert "acceptForSession" not in request.available_decisions, "then accept_for_session could have a test here"


@pytest.mark.extended
@pytest.mark.parametrize("is_login", [True, False])
async def test_the_script_is_what_the_model_wanted_to_run_whichever_shell_gets_it(
    is_login: bool, tmp_path: Path
) -> None:
    scripts = ["touch x", "touch x; rm -r y", """echo "it's $HOME `pwd`" \\$x '!a' ^b""", "a\nb 'c'  # d", "echo é\\"]
    seen, handler = decider(lambda request: request.decline())
    with trio.fail_after(PATIENCE):
        async with asking_model(f"allow_login_shell = {str(is_login).lower()}") as model:
            model.on_turn(*(run(script, escalate=True) for script in scripts), say("done"))
            async with open_codex_client(model.transport(cwd=tmp_path), on_approval=handler) as client:
                await client.chat_once("go")
    commands = [request for request in seen if isinstance(request, CommandApprovalRequest)]
    assert [request.script for request in commands] == scripts
    assert {request.command.split()[1] for request in commands} == {"-lc" if is_login else "-c"}


@pytest.mark.extended
async def test_a_command_cannot_be_accepted_for_the_session_where_that_is_not_offered(
    reach: Reach, tmp_path: Path
) -> None:
    _, handler = decider(lambda request: request.accept_for_session())
    with trio.fail_after(PATIENCE):
        async with asking_model() as model, reach(model, tmp_path) as make_transport:
            model.on_turn(run("touch x.txt", escalate=True), say("done"))
            async with open_codex_client(make_transport(), on_approval=handler) as client:
                with pytest.raises(ValueError, match="does not offer acceptForSession"):
                    await client.chat_once("go")
    assert not (tmp_path / "x.txt").exists()


async def test_a_command_accepted_with_an_amendment_is_not_asked_again(reach: Reach, tmp_path: Path) -> None:
    seen, handler = decider(lambda request: request.accept_with_amendment())
    with trio.fail_after(PATIENCE):
        async with asking_model() as model, reach(model, tmp_path) as make_transport:
            model.on_turn(run("touch x.txt", escalate=True), run("touch x.txt", escalate=True), say("done"))
            async with open_codex_client(make_transport(), on_approval=handler) as client:
                result = await client.chat_once("go")
    assert [step.data.get("status") for step in result.steps[:2]] == ["completed", "completed"]
    assert len(seen) == 1


async def test_a_declined_command_lets_the_turn_go_on_and_a_cancelled_one_ends_it(reach: Reach, tmp_path: Path) -> None:
    decisions = ["decline", "cancel"]
    _, handler = decider(lambda request: getattr(request, decisions.pop(0))())
    with trio.fail_after(PATIENCE):
        async with asking_model() as model, reach(model, tmp_path) as make_transport:
            model.on_turn(run("touch x.txt", escalate=True), say("done"))
            model.on_turn(run("touch x.txt", escalate=True), say("never"))
            async with open_codex_client(make_transport(), on_approval=handler) as client:
                declined = await client.chat_once("go")
                told = (await client.request("thread/items/list", {"threadId": declined.thread_id}))["data"]
                with pytest.raises(CodexTurnInterruptedError):
                    await client.chat_once("go", declined.thread_id)
    assert declined.final_text == "done"
    assert [one["item"]["type"] for one in told] == ["userMessage", "agentMessage"]  # history does not have it
    assert declined.steps[0].data["status"] == "declined"
    assert not (tmp_path / "x.txt").exists()


async def test_an_interrupt_while_an_approval_is_pending_cancels_the_handler(reach: Reach, tmp_path: Path) -> None:
    asked, ended = trio.Event(), trio.Event()

    async def handler(request: ApprovalRequest) -> Decision:
        asked.set()
        try:
            await trio.sleep_forever()
        finally:
            ended.set()
        raise AssertionError

    with trio.fail_after(PATIENCE):
        async with asking_model() as model, reach(model, tmp_path) as make_transport:
            model.on_turn(run("touch x.txt", escalate=True), say("never"))
            async with open_codex_client(make_transport(), on_approval=handler) as client:
                with trio.CancelScope() as scope:
                    async with trio.open_nursery() as nursery:

                        async def interrupt() -> None:
                            await asked.wait()
                            scope.cancel()

                        nursery.start_soon(interrupt)
                        await client.chat_once("go")
                await ended.wait()
                assert client.statistics().server_requests == 0
                assert (await client.chat_once("next")).final_text == "ok"
    assert not (tmp_path / "x.txt").exists()


@pytest.mark.extended
async def test_what_a_handler_raises_reaches_the_caller_and_the_thread_stays_usable(
    reach: Reach, tmp_path: Path
) -> None:
    class BoomError(Exception):
        pass

    async def handler(request: ApprovalRequest) -> Decision:
        threads.append(request.thread_id)
        raise BoomError

    threads: list[str] = []
    with trio.fail_after(PATIENCE):
        async with asking_model() as model, reach(model, tmp_path) as make_transport:
            model.on_turn(run("touch x.txt", escalate=True), hang())
            async with open_codex_client(make_transport(), on_approval=handler) as client:
                with pytest.raises(BoomError):
                    await client.chat_once("go")
                assert (await client.chat_once("next", threads[0])).final_text == "ok"
    assert not (tmp_path / "x.txt").exists()


@pytest.mark.extended
async def test_fifty_parked_approvals_do_not_delay_a_thread_that_streams(reach: Reach, tmp_path: Path) -> None:
    gate, all_asked = trio.Event(), trio.Event()
    pending = 0

    async def handler(request: ApprovalRequest) -> Decision:
        nonlocal pending
        pending += 1
        if pending == 50:
            all_asked.set()
        await gate.wait()
        return request.accept()

    with trio.fail_after(PATIENCE):
        async with asking_model() as model, reach(model, tmp_path) as make_transport:
            model.on_prompt("ask", run("true", escalate=True), say("done"))
            model.on_prompt("stream", say("word " * 500), run("echo hi"), say("streamed"))
            async with open_codex_client(make_transport(), on_approval=handler) as client:
                results: list[str] = []

                async def chat() -> None:
                    results.append((await client.chat_once("ask")).final_text)

                async with trio.open_nursery() as nursery:
                    for _ in range(50):
                        nursery.start_soon(chat)
                    await all_asked.wait()
                    steps = [step async for step in client.chat("stream")]
                    assert [step.step_type for step in steps] == ["codex", "exec", "codex"]
                    assert results == []
                    gate.set()
    assert results == ["done"] * 50


async def test_approvals_can_be_pulled_and_a_late_answer_is_a_no_op(reach: Reach, tmp_path: Path) -> None:
    with trio.fail_after(PATIENCE):
        async with asking_model() as model, reach(model, tmp_path) as make_transport:
            model.on_turn(run("touch x.txt", escalate=True), say("done"))
            async with open_codex_client(make_transport()) as client, client.approvals() as approvals:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(client.chat_once, "go")
                    request = await anext(approvals)
                    assert await request.respond(request.accept()) is True
                assert await request.respond(request.decline()) is False
    assert (tmp_path / "x.txt").exists()


PATCH = "apply_patch <<'X'\n*** Begin Patch\n*** Add File: new.txt\n+hello\n*** End Patch\nX"
PATCH_AGAIN = "apply_patch <<'X'\n*** Begin Patch\n*** Update File: new.txt\n-hello\n+bye\n*** End Patch\nX"


@pytest.mark.parametrize(
    ("decision", "text", "questions"),
    [
        ("accept", "bye\n", 2),
        pytest.param("accept_for_session", "bye\n", 1, marks=pytest.mark.extended),
        pytest.param("decline", None, 1, marks=pytest.mark.extended),
    ],
)
async def test_file_changes_are_shown_and_decided(
    decision: str, text: str | None, questions: int, reach: Reach, tmp_path: Path
) -> None:
    seen, handler = decider(lambda request: getattr(request, decision)())
    scripts = [run(PATCH), run(PATCH_AGAIN), say("done")] if text else [run(PATCH), say("done")]
    with trio.fail_after(PATIENCE):
        async with (
            open_scripted_model(approval_policy="on-request", sandbox_mode="read-only") as model,
            reach(model, tmp_path) as make_transport,
        ):
            model.on_turn(*scripts)
            async with open_codex_client(make_transport(), on_approval=handler) as client:
                result = await client.chat_once("go")
    assert result.final_text == "done"
    assert len(seen) == questions
    first = seen[0]
    assert isinstance(first, FileChangeApprovalRequest)
    assert first.changes is not None
    (change,) = first.changes
    assert (change.path, change.kind, change.diff) == (str(tmp_path / "new.txt"), "add", "hello\n")
    file = tmp_path / "new.txt"
    assert (file.read_text() if file.exists() else None) == text


@pytest.mark.extended
@pytest.mark.parametrize("decision", ["accept", "decline", "cancel"])
async def test_permissions_are_granted_or_not(decision: str, reach: Reach, tmp_path: Path) -> None:
    seen, handler = decider(lambda request: getattr(request, decision)())
    asked = {"reason": "need the net", "permissions": {"network": {"enabled": True}}}
    with trio.fail_after(PATIENCE):
        async with (
            asking_model("features.request_permissions_tool = true") as model,
            reach(model, tmp_path) as make_transport,
        ):
            rest = hang() if decision == "cancel" else say("done")
            model.on_turn(call_tool("request_permissions", asked), rest)
            async with open_codex_client(make_transport(), on_approval=handler) as client:
                if decision == "cancel":
                    with pytest.raises(CodexTurnInterruptedError):
                        await client.chat_once("go")
                else:
                    assert (await client.chat_once("go")).final_text == "done"
                    told = json.loads(model.requests[-1].body["input"][-1]["output"])
                    granted = {"enabled": True} if decision == "accept" else None
                    assert told["permissions"]["network"] == granted
    (request,) = seen
    assert isinstance(request, PermissionsApprovalRequest)
    assert (request.reason, request.cwd) == ("need the net", str(tmp_path))
    assert request.permissions["network"] == {"enabled": True}


@pytest.mark.from_codex("0.163", "a turn does not tell which turn it works for")
async def test_a_turn_waits_while_its_sub_agent_does(reach: Reach, tmp_path: Path) -> None:
    seen: list[tuple[bool, int]] = []

    async def handler(request: ApprovalRequest) -> Decision:
        await trio.lowlevel.checkpoint()
        session = client._session
        [turn] = session.registry.turns
        seen.append((request.turn_id == turn.turn_id, turn._inactivity_holds))
        scope.cancel()
        return request.decline()

    with trio.fail_after(PATIENCE):
        async with asking_model() as model, reach(model, tmp_path) as make_transport:
            model.on_prompt("go", call_tool("spawn_agent", {"message": "task"}, namespace="multi_agent_v1"), hang())
            model.on_prompt("task", run("touch x.txt", escalate=True), say("done"))
            async with open_codex_client(make_transport(), on_approval=handler) as client:
                with trio.CancelScope() as scope:
                    await client.chat_once("go")
    assert seen == [(False, 1)]
