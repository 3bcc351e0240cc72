"""The words of scripts: what a program sees of them on the server in memory, and what is refused where it is written."""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import median
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from codex_trio import (
    ApprovalRequest,
    ChatResult,
    CodexProtocolError,
    CodexTransportError,
    CodexTurnFailedError,
    CodexTurnInactiveError,
    Decision,
    FileChangeApprovalRequest,
    UserInputRequest,
    open_codex_client,
    tool,
)
from codex_trio.testing import (
    RpcError,
    ScriptedAppServer,
    ScriptedModel,
    Step,
    ask_approval,
    ask_question,
    call_tool,
    drop_connection,
    exit,  # noqa: A004
    fail,
    fail_next,
    omit_completed,
    open_scripted_model,
    patch,
    raw,
    reply,
    retry,
    run,
    say,
    think,
    wait,
)
from tests.support.quiet_turns import go_quiet
from tests.support.raw_client import HELLO, RawClient

PLAN = {"mode": "plan", "settings": {"model": "scripted"}}


async def connect(server: ScriptedAppServer, nursery: trio.Nursery) -> RawClient:
    peer = RawClient(server.transport())
    await peer.transport.open(nursery)
    await peer.result("initialize", **HELLO)
    return peer


def kinds(result: ChatResult[Any]) -> list[str | None]:
    return [step.item_type for step in result.steps]


@pytest.mark.parametrize("make", [ScriptedAppServer, open_scripted_model])
def test_scripts_are_made_of_steps_and_functions(make: Any) -> None:
    server: ScriptedAppServer | ScriptedModel = make()
    server.default(lambda prompt: [say(prompt)])
    wrong: Any = "ok"
    for script in (server.on_turn, server.default, lambda part: server.on_prompt("a", part)):
        with pytest.raises(TypeError, match="consists of steps, such as say"):
            script(wrong)


async def test_function_of_the_prompt_returns_steps(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(think("hm"), lambda prompt: [say(word) for word in prompt.split()], say("and so on"))
    server.on_prompt("loud", lambda prompt: [say(prompt.upper())])
    server.default(lambda prompt: [say(f"You said: {prompt}")] if prompt else [])
    async with open_codex_client(server.transport()) as client:
        told = [step.text for prompt in ("loud", "a b", "c") for step in (await client.chat_once(prompt)).steps]
    assert told == ["LOUD", "hm", "a", "b", "and so on", "You said: c"]


async def test_function_that_returns_what_cannot_be_played_is_told(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(lambda prompt: [call_tool("exec_command")])
    with pytest.RaisesGroup(ValueError, flatten_subgroups=True, allow_unwrapped=True):
        async with open_codex_client(server.transport()) as client:
            await client.chat_once("hi")


async def test_patch_is_a_step_with_its_changes(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(patch("a.txt", "one\n"), patch("/b.txt", None, old="two\n"), patch("c", "4", old="3"), say("done"))
    async with open_codex_client(server.transport()) as client:
        result = await client.chat_once("go", cwd="/here", sandbox="danger-full-access")
    assert kinds(result) == ["fileChange"] * 3 + ["agentMessage"]
    changes = [change for step in result.steps[:3] for change in step.data["changes"]]
    assert [(change["path"], change["kind"]["type"], change["diff"]) for change in changes] == [
        ("/here/a.txt", "add", "one\n"),
        ("/b.txt", "delete", "two\n"),
        ("/here/c", "update", "@@ -1 +1 @@\n-3\n+4\n"),
    ]


@pytest.mark.parametrize(("sandbox", "asked"), [("read-only", 2), ("workspace-write", 1), ("danger-full-access", 0)])
async def test_patch_asks_where_the_sandbox_forbids_it(sandbox: Any, asked: int, autojump_clock: MockClock) -> None:
    requests: list[ApprovalRequest] = []

    async def decide(request: ApprovalRequest) -> Decision:
        requests.append(request)
        return request.decline()

    server = ScriptedAppServer()
    server.on_turn(patch("a.txt", "one\n"), patch("/elsewhere", "two\n"), say("done"))
    async with open_codex_client(server.transport(), on_approval=decide) as client:
        result = await client.chat_once("go", sandbox=sandbox)
    assert [type(request) for request in requests] == [FileChangeApprovalRequest] * asked
    statuses = [step.data["status"] for step in result.steps[:2]]
    assert statuses == ["completed"] * (2 - asked) + ["declined"] * asked


async def test_approval_is_asked_for_with_its_reason(autojump_clock: MockClock) -> None:
    asked: list[str | None] = []

    async def decide(request: ApprovalRequest) -> Decision:
        asked.append(request.reason)
        return request.accept()

    server = ScriptedAppServer()
    server.on_turn(ask_approval("git push", reason="May I?", output="pushed\n", exit_code=1, seconds=70), say("done"))
    async with open_codex_client(server.transport(), on_approval=decide) as client:
        begun = trio.current_time()
        result = await client.chat_once("go", inactivity_timeout=100)
        never = await client.chat_once("go", approval_policy="never")
    assert asked == ["May I?"]
    assert trio.current_time() - begun == pytest.approx(70, abs=0.1)
    command = result.steps[0].data
    assert (command["aggregatedOutput"], command["exitCode"], command["status"]) == ("pushed\n", 1, "failed")
    assert kinds(never) == ["agentMessage"]


async def test_answers_to_questions_are_recorded(autojump_clock: MockClock) -> None:
    async def decide(question: UserInputRequest) -> dict[str, str]:
        return {one.id: one.options[-1].label for one in question.questions}

    server = ScriptedAppServer()
    server.default(ask_question("Which?", ["Red", "Blue"], question_id="colour"), say("done"))
    async with open_codex_client(server.transport(), experimental_api=True, on_user_input=decide) as client:
        await client.chat_once("plan", extra={"collaborationMode": PLAN})
        assert server.answers == [{"id": 0, "result": {"answers": {"colour": {"answers": ["Blue"]}}}}]
        await client.chat_once("do not plan")
    assert len(server.answers) == 1


async def test_tools_of_the_client_are_called(autojump_clock: MockClock) -> None:
    looked: list[str] = []

    @tool
    async def look(ticket: str) -> str:
        """Look."""
        looked.append(ticket)
        return "open"

    server = ScriptedAppServer()
    server.on_turn(call_tool("look", {"ticket": "T-1"}), call_tool("nosuch"), say("It is open."))
    async with open_codex_client(server.transport(), experimental_api=True, tools=[look]) as client:
        result = await client.chat_once("go")
    assert looked == ["T-1"]
    assert kinds(result) == ["dynamicToolCall", "agentMessage"]
    assert result.steps[0].data["contentItems"] == [{"type": "inputText", "text": "open"}]


async def test_answers_change_when_the_script_says_so(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    nothing = RpcError("no", code=-1, data={"why": 1})
    server.on_turn(
        reply("model/list", {"data": ["mine"]}),
        reply("echo", lambda params: params),
        fail_next("thread/name/set", -7, message="not now", data=nothing.error),
        say("from now on"),
    )
    async with open_codex_client(server.transport()) as client:
        before: Any = await client.request("model/list")
        thread = await client.start_thread()
        await thread.chat_once("go")
        after: Any = await client.request("model/list")
        assert after == {"data": ["mine"]} != before
        assert await client.request("echo", {"a": 1}) == {"a": 1}
        with pytest.raises(CodexProtocolError, match="not now") as caught:
            await thread.rename("x")
        await thread.rename("y")
    assert (caught.value.code, caught.value.data) == (-7, nothing.error)


async def test_steps_of_the_server_take_effect_where_they_stand(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(
        say("before"), wait(50), fail_next("thread/list", -7, message="not now", times=None), wait(50), say("after")
    )
    listed: list[str] = []
    async with open_codex_client(server.transport()) as client, trio.open_nursery() as nursery:
        nursery.start_soon(client.chat_once, "go")
        for seconds in (25, 50, 50):
            await trio.sleep(seconds)
            try:
                await client.request("thread/list")
            except CodexProtocolError as error:
                listed.append(str(error))
            else:
                listed.append("served")
    assert [words.partition("not now")[1] for words in listed] == ["", "not now", "not now"]


async def test_shell_commands_of_the_user_do_what_the_test_says(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_shell("git status", output="nothing\n", exit_code=2)
    async with open_codex_client(server.transport()) as client:
        thread = await client.start_thread()
        told = [(await thread.shell(command)).steps[0].data for command in ("git status", "true")]
    assert [(data["aggregatedOutput"], data["exitCode"]) for data in told] == [("nothing\n", 2), (None, 0)]


LISTED = ("completed", 0, None)


@pytest.mark.parametrize("survives", [False, True])
@pytest.mark.parametrize(("code", "kept"), [(0, [LISTED, ("failed", -1, "so far\n")]), (101, [LISTED])])
async def test_history_after_a_crash_lacks_what_was_not_finished(
    code: int, kept: list[tuple[str, int, str]], survives: bool, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery if survives else None)
    server.on_turn(run("ls"), run("make", output="so far\n", seconds=100))
    peer = await connect(server, nursery)
    thread_id = await peer.start_thread()
    await peer.start_turn(thread_id)
    await trio.sleep(50)
    server.exit(code, "the end")
    with pytest.raises(CodexTransportError):
        await peer.until("turn/completed")
    await trio.sleep(1)

    peer = await connect(server, nursery)
    await peer.result("thread/resume", threadId=thread_id, excludeTurns=True)
    [turn] = (await peer.result("thread/turns/list", threadId=thread_id, itemsView="full"))["data"]
    assert turn["status"] == "interrupted"
    assert (turn["completedAt"] is None) == bool(code)
    assert [(item["status"], item["exitCode"], item["aggregatedOutput"]) for item in turn["items"][1:]] == kept
    await peer.play(thread_id)


async def test_failures_have_the_words_of_codex_where_it_has_some(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    told: list[tuple[bool, Any]] = []
    async with open_codex_client(server.transport()) as client:
        for failure in (
            fail("my words"),
            fail("my words", error_info={"new": 1}),
            fail("my words", error_info="contextWindowExceeded"),
            fail("my words", http_status=503),
        ):
            server.on_turn(failure)
            with pytest.raises(CodexTurnFailedError) as caught:
                await client.chat_once("go")
            told.append((str(caught.value).endswith("failed: my words"), caught.value.error_info))
    assert told == [
        (True, "other"),
        (True, {"new": 1}),
        (False, "contextWindowExceeded"),
        (False, {"httpConnectionFailed": {"httpStatusCode": 503}}),
    ]


def test_senseless_steps_are_refused_where_they_are_written() -> None:
    with pytest.raises(ValueError, match="changes nothing"):
        patch("a.txt", "same", old="same")
    with pytest.raises(ValueError, match="changes nothing"):
        patch("a.txt", None)
    with pytest.raises(ValueError, match="needs options"):
        ask_question("Which?", [])
    server = ScriptedAppServer()
    for step in (call_tool("exec_command", {"cmd": "ls"}), call_tool("search", namespace="mcp__docs")):
        with pytest.raises(ValueError, match="is for the client's tools"):
            server.on_turn(say("a"), step)


@pytest.mark.parametrize(
    "step",
    [
        drop_connection(),
        exit(),
        omit_completed(),
        raw({"method": "x"}),
        reply("thread/list", {}),
        fail_next("thread/list"),
        retry(http_status=503),
    ],
)
def test_model_refuses_what_only_a_server_can_do(step: Step) -> None:
    model = open_scripted_model()
    for script in (model.on_turn, model.default, lambda *steps: model.on_prompt("a", *steps)):
        with pytest.raises(ValueError, match=f"cannot play {type(step).__name__}"):
            script(say("a"), step)


def test_model_refuses_failures_that_codex_cannot_be_made_to_tell() -> None:
    model = open_scripted_model()
    with pytest.raises(ValueError, match=r"can make codex fail with other, .*, not 'unauthorized'"):
        model.on_turn(fail("no", error_info="unauthorized"))
    model.on_turn(fail("no", error_info="unauthorized", http_status=401))
    for call in (run("a"), patch("a", "b"), call_tool("a"), ask_question("a")):
        model.on_turn(say("a"), call, fail("no", http_status=500))


@pytest.mark.extended
def test_story_of_ten_minutes_of_silence_takes_milliseconds() -> None:
    """Two hundred times, and each time the same."""

    async def story() -> Sequence[str]:
        server = ScriptedAppServer()
        server.on_turn(think("hm"), run("make", output="ok\n"), wait(600), say("done"))
        async with open_codex_client(server.transport(), inactivity_timeout=180) as client:
            continuation = await go_quiet(client)
            for _ in range(2):
                with pytest.raises(CodexTurnInactiveError) as caught:
                    await client.chat_once(continuation=continuation)
                continuation = caught.value.continuation
            result = await client.chat_once(continuation=continuation)
        assert 600 < trio.current_time() < 601
        return [step.step_type for step in result.steps]

    took: list[float] = []
    for _ in range(200):
        begun = time.process_time()
        assert trio.run(story, clock=MockClock(autojump_threshold=0)) == ["thinking", "exec", "codex"]
        took.append(time.process_time() - begun)
    assert median(took) < 0.02
