"""What a real codex does with the models of an account, which call their tools from JavaScript ("code mode")."""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trio

from codex_trio import (
    ApprovalRequest,
    ChatResult,
    CodexClient,
    CommandApprovalRequest,
    ConversationStep,
    Decision,
    FileChangeApprovalRequest,
    open_codex_client,
    tool,
)
from codex_trio.testing import (
    ScriptedModel,
    Step,
    ask_approval,
    ask_async,
    call_tool,
    parallel,
    patch,
    run,
    say,
    script_js,
    sleep,
    spawn_agent,
    start_command,
    tell_async,
    wait_agent,
    write_stdin,
)
from tests.support.account_models import account_model
from tests.support.asking_model import PATIENCE, asking_model, decider
from tests.support.real_codex import version_under_test
from tests.support.real_servers import Reach, over_each
from tests.support.versions import Versions

MODEL = account_model(version_under_test())


@asynccontextmanager
async def opened(reach: Reach, cwd: Path, **options: Any) -> AsyncIterator[tuple[ScriptedModel, CodexClient]]:
    """Open a model, and a client of a codex that asks it."""
    with trio.fail_after(PATIENCE):
        async with (
            asking_model() as model,
            reach(model, cwd) as make_transport,
            open_codex_client(make_transport(), **options) as client,
        ):
            yield model, client


async def play(reach: Reach, cwd: Path, *script: Step, **options: Any) -> ChatResult[Any]:
    """Play a turn with the model of an account."""
    async with opened(reach, cwd, **options) as (model, client):
        model.on_turn(*script)
        return await client.chat_once("go", model=MODEL)


def of_type(result: ChatResult[Any], *kinds: str) -> list[ConversationStep]:
    return [step for step in result.steps if step.item_type in kinds]


def texts_by_type(steps: Sequence[ConversationStep]) -> list[tuple[str, str]]:
    return [(step.step_type, step.text) for step in steps]


# --- commands, files, tools


@pytest.mark.smoke
@pytest.mark.from_codex("0.163", "what a short command writes is sometimes lost")
async def test_a_command_is_a_step_with_its_output(reach: Reach, tmp_path: Path) -> None:
    # 0.155 now and then loses the output of a command that ends at once.
    result = await play(reach, tmp_path, run("echo one; echo two; sleep 0.2; exit 3"), say("done"))
    [step] = of_type(result, "commandExecution")
    assert step.item_id.startswith("exec-")
    assert (step.data["aggregatedOutput"], step.data["exitCode"]) == ("one\ntwo\n", 3)
    assert result.final_text == "done"


@pytest.mark.extended
async def test_a_script_that_fails_leaves_no_item_and_the_turn_goes_on(reach: Reach, tmp_path: Path) -> None:
    result = await play(reach, tmp_path, script_js("await tools.no_such_tool({})"), say("so be it"))
    assert [step.item_type for step in result.steps] == ["agentMessage"]
    assert result.final_text == "so be it"


@pytest.mark.parametrize("is_allowed", [True, False])
async def test_a_patch_is_asked_for_and_shown(is_allowed: bool, reach: Reach, tmp_path: Path) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    seen, handler = decider(lambda request: request.accept() if is_allowed else request.decline())
    async with opened(reach, folder, on_approval=handler) as (model, client):
        model.on_turn(patch("../outside.txt", "one\ntwo\n"), say("done"))
        result = await client.chat_once("go", model=MODEL, cwd=str(folder), sandbox="read-only")
    [request] = seen
    assert isinstance(request, FileChangeApprovalRequest)
    assert request.changes is not None
    assert [(change.path, change.kind, change.diff) for change in request.changes] == [
        (str(tmp_path / "outside.txt"), "add", "one\ntwo\n")
    ]
    [step] = of_type(result, "fileChange")
    assert step.item_id == request.item_id
    assert step.data["status"] == ("completed" if is_allowed else "declined")
    assert (tmp_path / "outside.txt").exists() == is_allowed


@pytest.mark.extended
@pytest.mark.parametrize("is_allowed", [True, False])
async def test_a_command_outside_the_sandbox_is_asked_for(is_allowed: bool, reach: Reach, tmp_path: Path) -> None:
    seen, handler = decider(lambda request: request.accept() if is_allowed else request.decline())
    script = ask_approval("echo out > file", reason="May I?"), say("done")
    result = await play(reach, tmp_path, *script, on_approval=handler)
    [request] = seen
    assert isinstance(request, CommandApprovalRequest)
    assert (request.script, request.reason, request.kind) == ("echo out > file", "May I?", "command")
    [step] = of_type(result, "commandExecution")
    assert (step.item_id, step.data["status"]) == (request.item_id, "completed" if is_allowed else "declined")
    assert tmp_path.joinpath("file").exists() == is_allowed


async def test_two_tools_are_called_at_once(reach: Reach, tmp_path: Path) -> None:
    they_overlap = version_under_test() in Versions(since="0.165")
    both_run, running, most = trio.Event(), set[str](), 0

    @tool
    async def lookup(ticket: str) -> str:
        """Look a ticket up."""
        nonlocal most
        running.add(ticket)
        most = max(most, len(running))
        if most == 2:
            both_run.set()
        with trio.move_on_after(PATIENCE if they_overlap else 0.3):
            await both_run.wait()
        running.remove(ticket)
        return f"ticket {ticket}"

    both = parallel(call_tool("lookup", {"ticket": "1"}), call_tool("lookup", {"ticket": "2"}))
    result = await play(reach, tmp_path, both, say("done"), tools=[lookup])
    steps = of_type(result, "dynamicToolCall")
    assert sorted(step.data["contentItems"][0]["text"] for step in steps) == ["ticket 1", "ticket 2"]
    assert most == (2 if they_overlap else 1)


@pytest.mark.extended
async def test_two_commands_are_asked_for_at_once(reach: Reach, tmp_path: Path) -> None:
    """An older codex asks for the second one when the first one has run."""
    they_overlap = version_under_test() in Versions(since="0.165")
    both_came, seen = trio.Event(), set[str]()

    async def handler(request: ApprovalRequest) -> Decision:
        assert isinstance(request, CommandApprovalRequest)
        seen.add(request.script)
        if len(seen) == 2:
            both_came.set()
        if they_overlap:
            await both_came.wait()
        return request.accept()

    both = parallel(ask_approval("touch a"), ask_approval("touch b"))
    result = await play(reach, tmp_path, both, say("done"), on_approval=handler)
    assert seen == {"touch a", "touch b"}
    assert [step.data["exitCode"] for step in of_type(result, "commandExecution")] == [0, 0]
    assert tmp_path.joinpath("a").exists()
    assert tmp_path.joinpath("b").exists()


# --- messages beside the answer

QUESTION = "Which colour?\n- Red\n- Blue"


@pytest.mark.parametrize("phase", ["final_answer", None])
@pytest.mark.parametrize("is_first", [True, False])
async def test_a_question_beside_the_answer_is_not_the_answer(
    is_first: bool, phase: str | None, reach: Reach, tmp_path: Path
) -> None:
    ask, answer = ask_async("Which colour?", options=["Red", "Blue"]), say("I start with red.", phase=phase)
    result = await play(reach, tmp_path, *([ask, answer] if is_first else [answer, ask]))
    assert result.final_text == "I start with red."
    assert set(texts_by_type(result.steps)) == {("ask", QUESTION), ("codex", "I start with red.")}


@pytest.mark.from_codex("0.171", "it knows no model that has the tool")
@pytest.mark.parametrize("phase", ["final_answer", None])
@pytest.mark.parametrize("is_first", [True, False])
async def test_a_message_beside_the_answer_is_not_the_answer(
    is_first: bool, phase: str | None, reach: Reach, tmp_path: Path
) -> None:
    tell, answer = tell_async("The tests run now."), say("They pass.", phase=phase)
    result = await play(reach, tmp_path, *([tell, answer] if is_first else [answer, tell]))
    assert result.final_text == "They pass."
    assert set(texts_by_type(result.steps)) == {("codex", "The tests run now."), ("codex", "They pass.")}


@pytest.mark.extended
async def test_the_reply_to_a_question_is_the_next_message(reach: Reach, tmp_path: Path) -> None:
    async with opened(reach, tmp_path) as (model, client):
        model.on_turn(ask_async("Which colour?"), say("I start."))
        model.on_turn(lambda prompt: [say(f"You said {prompt}")])
        first = await client.chat_once("go", model=MODEL)
        assert (await client.chat_once("Red", first.thread_id)).final_text == "You said Red"


# --- a structured answer


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Choice:
    color: Color
    reasons: list[str]


async def test_an_answer_is_structured_beside_a_question(reach: Reach, tmp_path: Path) -> None:
    async with opened(reach, tmp_path) as (model, client):
        model.on_turn(
            run("ls"),
            say('{"color": "blue", "reasons": ["calm"]}', phase="final_answer"),
            ask_async("Shall I go on?"),
        )
        result = await client.chat_once("go", model=MODEL, output_type=Choice)
    assert result.output == Choice(Color.BLUE, ["calm"])


# --- silence

QUIET = 1.0  # seconds of inactivity that the client allows in these tests


async def test_a_sleep_is_not_inactivity(reach: Reach, tmp_path: Path) -> None:
    result = await play(reach, tmp_path, sleep(3 * QUIET), say("awake"), inactivity_timeout=QUIET)
    assert result.final_text == "awake"
    [step] = of_type(result, "sleep")
    assert step.data["durationMs"] == 3 * QUIET * 1000


@pytest.mark.extended
async def test_a_cancelled_scope_ends_a_sleep(reach: Reach, tmp_path: Path) -> None:
    async with opened(reach, tmp_path) as (model, client):
        model.on_turn(sleep(3600), say("never"))
        model.on_turn(say("I am up."))
        thread = await client.start_thread(model=MODEL)
        async with thread.chat("go") as stream:
            with trio.move_on_after(QUIET):
                async for _ in stream:
                    pass
        assert (await thread.chat_once("and now?")).final_text == "I am up."


# --- sub-agents


async def test_a_sub_agent_that_works_is_not_inactivity(reach: Reach, tmp_path: Path) -> None:
    async with opened(reach, tmp_path, inactivity_timeout=QUIET) as (model, client):
        model.on_prompt("count", *[run(f"sleep {QUIET / 2}; echo {number}") for number in range(6)], say("Six."))
        model.on_turn(spawn_agent("counter", "count to six"), wait_agent(), say("There are six."))
        result = await client.chat_once("go", model=MODEL)
    assert result.final_text == "There are six."
    activities = of_type(result, "subAgentActivity")
    assert [step.data["kind"] for step in activities] == ["started", "completed"]
    assert len({step.data["agentThreadId"] for step in activities} - {result.thread_id}) == 1
    assert {step.thread_id for step in result.steps} == {result.thread_id}


@pytest.mark.parametrize("is_allowed", [True, pytest.param(False, marks=pytest.mark.extended)])
async def test_a_sub_agent_that_asks_holds_the_clock_of_its_parent(
    is_allowed: bool, reach: Reach, tmp_path: Path
) -> None:
    seen: list[ApprovalRequest] = []

    async def handler(request: ApprovalRequest) -> Decision:
        seen.append(request)
        await trio.sleep(3 * QUIET)
        return request.accept() if is_allowed else request.decline()

    async with opened(reach, tmp_path, on_approval=handler, inactivity_timeout=QUIET) as (model, client):
        model.on_prompt("write", ask_approval("touch made"), say("Tried."))
        model.on_turn(spawn_agent("writer", "write it"), wait_agent(), say("done"))
        result = await client.chat_once("go", model=MODEL)
    [request] = seen
    started = of_type(result, "subAgentActivity")[0]
    assert request.thread_id == started.data["agentThreadId"] != result.thread_id
    assert request.turn_id != result.turn_id
    assert tmp_path.joinpath("made").exists() == is_allowed
    assert result.final_text == "done"


@pytest.mark.extended
@pytest.mark.from_codex("0.163", "a turn does not tell which turn it works for")
@over_each
async def test_a_sub_agent_of_another_client_is_not_answered_here(reach: Reach, tmp_path: Path) -> None:
    """The server asks each of its clients, be it subscribed to the parent's thread or not, and takes the first answer."""
    seen, accept = decider(lambda request: request.accept())
    others, decline = decider(lambda request: request.decline())

    async def accept_late(request: ApprovalRequest) -> Decision:
        await trio.sleep(QUIET)
        return await accept(request)

    with trio.fail_after(PATIENCE):
        async with (
            asking_model() as model,
            reach(model, tmp_path) as make_transport,
            open_codex_client(make_transport(), on_approval=accept_late) as client,
            open_codex_client(make_transport(), on_approval=decline),
        ):
            model.on_prompt("write", ask_approval("touch made"), say("Made."))
            model.on_turn(spawn_agent("writer", "write it"), wait_agent(), say("done"))
            await client.chat_once("go", model=MODEL)
    assert others == []
    assert len(seen) == 1
    assert tmp_path.joinpath("made").exists()


# --- terminals


@pytest.mark.from_codex("0.163", "input for a terminal is typed without asking")
@pytest.mark.parametrize("is_allowed", [True, False])
async def test_input_to_a_terminal_is_asked_for(is_allowed: bool, reach: Reach, tmp_path: Path) -> None:
    seen, handler = decider(lambda one: one.accept() if is_allowed or one.kind == "command" else one.decline())
    script = start_command("cat > typed", escalate=True), write_stdin("rm -rf it\n"), write_stdin("\x04"), say("done")
    result = await play(reach, tmp_path, *script, on_approval=handler)
    start, typed, end = [request for request in seen if isinstance(request, CommandApprovalRequest)]
    assert (start.kind, start.stdin, start.approval_id) == ("command", None, "")
    assert (typed.kind, typed.stdin, typed.item_id) == ("writeStdin", "rm -rf it\n", start.item_id)
    assert (end.kind, end.stdin) == ("writeStdin", "\x04")
    assert len({"", start.item_id, typed.approval_id, end.approval_id}) == 4
    assert tmp_path.joinpath("typed").read_text() == ("rm -rf it\n" if is_allowed else "")
    ended = [step.data["exitCode"] for step in of_type(result, "commandExecution")]
    assert ended == ([0] if is_allowed else [])  # it runs on, as a terminal in the background
