"""Type checkers let pass what users write, and stop what they should not write."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

RIGHT = """
from __future__ import annotations

from dataclasses import dataclass
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict, assert_type

import trio

import codex_trio as c
from codex_trio import protocol, testing


@dataclass
class Answer:
    name: str


class Row(TypedDict):
    name: str


async def talk(client: c.CodexClient, continuation: c.ChatContinuation) -> None:
    parts: list[c.InputPart] = ["look", c.Image(path="a.png"), c.Skill("s", Path("/s")), c.Mention("m", "app://m")]
    prompt: c.Prompt = parts
    result = await client.chat_once(prompt, model="m", effort=None, sandbox="read-only", cwd=Path("/x"), extra={"a": 1})
    result_: c.ChatResult = result
    assert_type((await client.chat_once("x", output_type=Answer)).output, Answer)
    assert_type((await client.chat_once("x", output_type=Row)).output, Row)
    print(result_.final_text, (await client.chat_once("x", output_schema={})).output["any"])
    await client.chat_once(continuation=continuation, output_type=Answer, inactivity_timeout=3)
    async for step in client.chat("x", result.thread_id, approval_policy={"granular": {}}):
        one: c.ConversationStep = step
        print(one.text)
    async for event in client.stream("x", summary="none", sandbox={"type": "workspaceWrite"}):
        tell(event)


def tell(event: c.Event) -> str:
    match event:
        case c.TextDelta(text) | c.ReasoningDelta(text) | c.CommandOutputDelta(text):
            return text
        case c.StepStarted(step) | c.StepCompleted(step):
            return step.text
        case c.PlanUpdated(plan, explanation):
            return f"{len(plan)} {explanation}"
        case c.DiffUpdated(diff):
            return diff
        case c.TokenUsageUpdated(usage):
            return str(usage)
        case c.RetryScheduled(message):
            return message
        case c.TurnCompleted(result):
            return result.final_text
        case c.OtherEvent(method):
            return method


async def threads(client: c.CodexClient, mode: c.SandboxMode, policy: c.ApprovalPolicy) -> None:
    options: c.ThreadOptions = {"sandbox": mode, "approval_policy": policy, "ephemeral": True}
    thread: c.CodexThread = await client.start_thread(**options)
    resume: c.ResumeOptions = {"model_provider": None, "config": {"a.b": 1}}
    thread = await client.resume_thread("id", **resume)
    thread = await (await client.fork_thread("id", last_turn_id="t")).fork(before_turn_id="t", model="m")
    summary: c.ReasoningSummary = "auto"
    turn: c.TurnOptions = {"effort": "low", "summary": summary}
    chat: c.ChatOptions = {"effort": "low", "ephemeral": True}
    await client.chat_once("x", **chat)
    assert_type((await thread.chat_once("x", output_type=Answer, **turn)).output, Answer)
    steps: c.StepStream = thread.chat("x")
    events: c.EventStream = thread.stream("x")
    await steps.aclose()
    await events.aclose()
    target: c.ReviewTarget = {"type": "baseBranch", "branch": "main"}
    print((await thread.review(target)).final_text, (await thread.compact()).turn_id, (await thread.shell("ls")).steps)
    for stream in (thread.stream_review(), thread.stream_compact(), thread.stream_shell("ls")):
        await stream.aclose()
    assert_type(await thread.steer("x"), str)
    assert_type(await thread.interrupt(), bool)
    view: c.ItemsView = "full"
    pages: c.Paginator[c.TurnInfo] = thread.turns(newest_first=True, items_view=view)
    assert_type([one.id async for one in pages], list[str])
    assert_type([one async for one in thread.items()], list[c.ConversationStep])
    assert_type([one async for one in client.threads(archived=True)], list[c.ThreadInfo])
    assert_type([one async for one in client.models()], list[c.ModelInfo])
    await thread.rename("n")
    await thread.archive()
    await thread.unarchive()
    await thread.revert("t")
    await thread.unsubscribe()
    await thread.stop_terminals()
    await thread.delete()
    print(thread.id, thread.info.cwd, (await thread.read()).name)


async def helpers(client: c.CodexClient) -> None:
    process: c.ExecProcess
    async with client.exec(["cat"], env={"A": None}, sandbox="read-only", timeout=3) as process:
        stdin: c.ExecStdin = process.stdin
        stdout: c.ExecOutput = process.stdout
        await stdin.send_all(b"x")
        assert_type(await stdout.receive_some(), bytes)
        assert_type(await process.wait(), int)
    login: c.ChatGPTLogin = await client.login_chatgpt()
    await login.wait()
    await client.login_api_key("k")
    account: c.AccountInfo = await client.account()
    print(account.email, await client.read_config(), await client.write_config("a", 1))
    await client.logout()


async def requests(client: c.CodexClient, method: str) -> None:
    listed = await client.request("thread/list", {"limit": 3, "sortDirection": "asc"})
    assert_type(listed, protocol.ThreadListResponse)
    print([thread["id"] for thread in listed["data"]])
    assert_type(await client.request("thread/read", {"threadId": "x"}), protocol.ThreadReadResponse)
    assert_type(await client.request(method, {"anything": 1}, timeout=3), Any)
    await client.request("account/logout")


@c.tool
async def lookup_ticket(id: str, verbose: bool = False) -> str | c.ToolImage:
    return id


async def decide(request: c.ApprovalRequest) -> c.Decision:
    match request:
        case c.CommandApprovalRequest(command="ls"):
            return request.accept()
        case c.CommandApprovalRequest(network_approval_context=c.NetworkApprovalContext(host="a.example")):
            assert_type(request.proposed_network_amendments, tuple[c.NetworkPolicyAmendment, ...])
            return request.accept(with_permissions=True)
        case c.CommandApprovalRequest(kind="writeStdin"):
            assert_type(request.stdin, str | None)
            return request.decline()
        case c.FileChangeApprovalRequest(changes=changes):
            assert_type(changes, tuple[c.FileChange, ...] | None)
            return request.accept_for_session() if changes else request.cancel()
        case c.PermissionsApprovalRequest():
            return request.decline()
        case _:
            return request.cancel()


async def answer(asked: c.UserInputRequest) -> dict[str, str]:
    questions: tuple[c.Question, ...] = asked.questions
    options: tuple[c.QuestionOption, ...] = questions[0].options
    return {questions[0].id: options[0].label}


async def elicit(asked: c.ElicitationRequest) -> c.Decision:
    return asked.accept({"name": "x"})


async def answer_later(params: Mapping[str, Any]) -> dict[str, Any]:
    return {**params}


async def asked() -> None:
    def count(words: list[str]) -> int:
        return len(words)

    tools: list[c.Tool] = [lookup_ticket]
    client = c.open_codex_client(
        c.WebSocketTransport("ws://127.0.0.1:1", token="t"),
        on_approval=decide,
        on_user_input=answer,
        on_elicitation=elicit,
        tools=tools,
    )
    plain = c.open_codex_client(
        on_approval=lambda request: request.decline(),
        on_user_input=lambda asked: {asked.questions[0].id: ["a", "b"]},
        on_elicitation=lambda asked: asked.decline(),
        on_request={"x/y": lambda params: {"z": params}, "y/z": answer_later},
    )
    async with client, plain, c.open_codex_client(c.UnixSocketTransport("/s"), on_approval=c.decline_all) as other:
        print(other.server, c.approve_all, await client.start_thread(tools=[count], model="m"))
        approvals: c.ApprovalStream = client.approvals()
        async for request in approvals:
            assert_type(await request.respond(request.accept()), bool)


class Elsewhere(c.Transport):
    async def open(self, nursery: trio.Nursery) -> None: ...
    async def send(self, messages: Sequence[bytes]) -> None: ...
    async def receive(self) -> Sequence[bytes]:
        return [b"{}"]

    async def aclose(self) -> None: ...


async def of_the_client(nursery: trio.Nursery) -> c.CompletionSource:
    client = await c.connect_codex_client(nursery, c.StdioTransport(["codex", "app-server"], env={"A": None}))
    server: c.InitializeResult = client.server
    statistics: c.Statistics = client.statistics()
    events: c.NotificationStream = client.notifications()
    first: c.Notification = await anext(events)
    print(server.user_agent, statistics.open_turns, first.params, c.__version__, c.TESTED_CODEX_VERSIONS[1])
    try:
        return (await client.chat_once("x")).completion_source
    except c.CodexTurnInactiveError as exc:
        open_items: tuple[c.OpenItem, ...] = exc.open_items
        print([(item.item_type, item.data.get("command")) for item in open_items])
        cancelled: c.CancelResult = await client.cancel(exc.continuation, timeout=3)
        print(cancelled.was_interrupted, exc.idle_seconds)
    except (c.CodexTurnFailedError, c.CodexTurnInterruptedError) as exc:
        return exc.result.completion_source
    finally:
        await client.aclose()
    async with c.open_codex_client(Elsewhere(), reconnect=True, record=Path("/x")) as other:
        print(await other.initialize())
    return "no_message"


def replayed(server: testing.ScriptedAppServer) -> tuple[c.Transport, ...]:
    transport = testing.ReplayTransport(Path("/x"), connection="A", pauses=False)
    if isinstance(transport.deviation, testing.ReplayDeviationError) and not transport.is_finished:
        print(transport.deviation.line, transport.deviation.expected, transport.deviation.received)
    return testing.faulty(transport, disconnect_after=[3, None], delay=1, corrupt=lambda line: line[:3]), testing.faulty(
        server.transport(), disconnect_after=3, corrupt=7, send_delay=0.5
    )


def errors(exc: c.CodexError) -> object:
    match exc:
        case c.CodexTransportError():
            return exc.returncode, exc.stderr_tail, exc.continuation
        case c.CodexTimeoutError():
            return str(exc)
        case c.CodexOutputError():
            return exc.path, exc.text, exc.result.turn_id
        case c.CodexThreadBusyError() | c.CodexThreadNotFoundError():
            return exc.thread_id
        case c.CodexProtocolError():
            return exc.code, exc.data, exc.method
        case _:
            return None
"""

WRONG = """
from __future__ import annotations

from dataclasses import dataclass

import codex_trio as c
from codex_trio import protocol


@dataclass
class Answer:
    name: str


async def wrong(client: c.CodexClient, thread: c.CodexThread) -> None:
    await client.chat_once(1)  # wrong
    await client.chat_once("x", sandbox="bogus")  # wrong
    await client.chat_once("x", modle="m")  # wrong
    await client.chat_once("x", approval_policy="always")  # wrong
    await client.start_thread(sandbox={"type": "readOnly"})  # wrong
    await client.start_thread(effort="low")  # wrong
    await client.resume_thread("x", ephemeral=True)  # wrong
    await thread.chat_once("x", base_instructions="b")  # wrong
    await thread.chat_once("x", thread_id="y")  # wrong
    (await client.chat_once("x", output_type=Answer)).output.nmae  # wrong
    await thread.review("everything")  # wrong
    thread.turns(items_view="all")  # wrong
    c.Image("a.png")  # wrong
    c.TextDelta("x")  # wrong
    client.exec(3)  # wrong
    async for step in client.stream("x"):
        step.step_type  # wrong
    (await client.request("thread/list", {"limit": 3}))["dta"]  # wrong
    params: protocol.ThreadReadParams = {"threadID": "x"}  # wrong
"""

CHECKERS = {
    "mypy": [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--no-incremental"],
    "basedpyright": [sys.executable, "-m", "basedpyright", "--pythonpath", sys.executable],
}


Complaints = dict[str, set[int]]


@pytest.fixture(scope="module", params=CHECKERS)
def complaints(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Complaints:
    """The numbers of the lines that a type checker complains about, by file."""
    folder = tmp_path_factory.mktemp("uses")
    (folder / "right.py").write_text(RIGHT)
    (folder / "wrong.py").write_text(WRONG)
    (folder / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict", "reportUnusedExpression": false}')
    command = [*CHECKERS[request.param], "right.py", "wrong.py"]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    assert ran.returncode in (0, 1), ran.stderr
    found = re.findall(r"(right|wrong)\.py:(\d+)(?::\d+)?(?: -|:) error", ran.stdout)
    return {name: {int(number) for file, number in found if file == name} for name in ("right", "wrong")}


@pytest.mark.extended
def test_what_users_write_passes(complaints: Complaints) -> None:
    assert complaints["right"] == set()


@pytest.mark.extended
def test_what_they_should_not_write_is_stopped(complaints: Complaints) -> None:
    marked = {number for number, line in enumerate(WRONG.splitlines(), 1) if line.endswith("# wrong")}
    assert marked
    assert complaints["wrong"] == marked


def test_every_public_name_is_used_in_what_passes() -> None:
    import codex_trio

    used = set(re.findall(r"\bc\.(\w+)", RIGHT))
    assert set(codex_trio.__all__) - used == set()
