"""What the server in memory does for the words of an account's models: on the wire, and under the mock clock."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from codex_trio.testing import (
    ScriptedAppServer,
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
    wait,
    wait_agent,
    write_stdin,
)
from tests.support.raw_client import HELLO, Message, RawClient, names

ACCOUNT = {"model": "gpt-6.2-sol"}
COMMAND = "item/commandExecution/requestApproval"
LOOK = {"type": "function", "name": "look", "description": "Look.", "inputSchema": {"type": "object", "properties": {}}}
FOUND: Message = {"contentItems": [{"type": "inputText", "text": "found"}], "success": True}


async def connect(server: ScriptedAppServer, nursery: trio.Nursery) -> RawClient:
    peer = RawClient(server.transport())
    await peer.transport.open(nursery)
    await peer.result("initialize", **HELLO, capabilities={"experimentalApi": True})
    return peer


async def begin(nursery: trio.Nursery, *steps: Step, **params: Any) -> tuple[RawClient, str]:
    """Start a turn that does these steps; return the client and the thread."""
    server = ScriptedAppServer(nursery)
    server.on_turn(*steps)
    peer = await connect(server, nursery)
    thread_id = await peer.start_thread(**{**ACCOUNT, **params})
    await peer.start_turn(thread_id, "go")
    return peer, thread_id


def items(messages: list[Message], method: str = "item/completed") -> list[Message]:
    """Return the items of a turn, the user's message left out."""
    found = [message["params"]["item"] for message in messages if message.get("method") == method]
    return [item for item in found if item["type"] != "userMessage"]


async def answer(peer: RawClient, method: str, result: Mapping[str, Any]) -> Message:
    asked = (await peer.until(method))[-1]
    await peer.send({"id": asked["id"], "result": result})
    return asked


async def test_what_a_script_calls_has_ids_of_its_own(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    steps = run("ls", output="a\n"), patch("a.txt", "one\n"), call_tool("look", {}), say("done")
    for model, prefix in [
        ("gpt-6.2-sol", "exec-"),
        ("gpt-5.6-luna", "exec-"),
        ("scripted", "call_"),
        ("gpt-5.5", "call_"),
    ]:
        peer, _ = await begin(nursery, *steps, model=model, sandbox="workspace-write", dynamicTools=[LOOK])
        called = await answer(peer, "item/tool/call", FOUND)
        await peer.until("turn/completed")
        done = items(peer.seen)
        assert [item["type"] for item in done] == ["commandExecution", "fileChange", "dynamicToolCall", "agentMessage"]
        assert all(item["id"].startswith(prefix) for item in done[:3])
        assert called["params"]["callId"] == done[2]["id"]


async def test_a_sleep_takes_no_time_of_the_test(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    peer, _ = await begin(nursery, sleep(3600), say("awake"))
    before = trio.current_time()
    messages = await peer.until("item/started sleep")
    assert messages[-1]["params"]["item"]["durationMs"] == 3_600_000
    between = await peer.until("item/completed sleep")
    assert trio.current_time() == pytest.approx(before + 3600, abs=0.1)
    assert names(between) == ["item/completed sleep"]
    await peer.until("turn/completed")


async def test_input_ends_a_sleep(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(sleep(3600), say("never"))
    server.on_turn(say("I am up."))
    peer = await connect(server, nursery)
    thread_id = await peer.start_thread(**ACCOUNT)
    turn_id = await peer.start_turn(thread_id)
    await peer.until("item/started sleep")
    text = [{"type": "text", "text": "Wake up"}]
    await peer.result("turn/steer", threadId=thread_id, expectedTurnId=turn_id, input=text)
    done = items(await peer.until("turn/completed"))
    assert [item.get("text") for item in done] == [None, "I am up."]
    assert trio.current_time() < 1


async def test_messages_beside_the_answer(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    steps = (
        ask_async("Which colour?", "Which shape?", options=["Red"]),
        say("Done."),
        tell_async("Note."),
        ask_async("When?"),
    )
    peer, _ = await begin(nursery, *steps)
    done = items(await peer.until("turn/completed"))
    assert [(item["text"], item["phase"], item["delivery"]) for item in done] == [
        ("Which colour?\n- Red\n\nWhich shape?\n- Red", "final_answer", "async"),
        ("Done.", None, None),
        ("Note.", "final_answer", "async"),
        ("When?", "final_answer", "async"),
    ]
    assert [item["questions"] for item in done] == [
        [{"title": "Which colour?", "options": ["Red"]}, {"title": "Which shape?", "options": ["Red"]}],
        None,
        None,
        [{"title": "When?", "options": None}],
    ]
    assert peer.seen[-1]["params"]["turn"]["items"] == done[-1:]


async def test_parallel_calls_overlap_and_the_turn_waits_for_all(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    both = parallel(call_tool("look", {"id": 1}), call_tool("look", {"id": 2}), run("sleep 5", seconds=5))
    peer, _ = await begin(nursery, both, say("done"), dynamicTools=[LOOK])
    asked = [(await peer.until("item/tool/call"))[-1] for _ in range(2)]
    assert [request["params"]["arguments"]["id"] for request in asked] == [1, 2]
    await peer.until("item/started commandExecution")
    await peer.send({"id": asked[1]["id"], "result": FOUND})
    assert (await peer.until("item/completed"))[-1]["params"]["item"]["arguments"] == {"id": 2}
    await peer.until("item/completed commandExecution")
    assert trio.current_time() > 5
    await peer.send({"id": asked[0]["id"], "result": FOUND})
    assert names(items_only := await peer.until("turn/completed"))[0] == "item/completed dynamicToolCall"
    assert items(items_only)[-1]["text"] == "done"


async def test_no_allowed_command_runs_while_another_waits(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    peer, _ = await begin(nursery, parallel(ask_approval("a"), ask_approval("b")), say("done"))
    asked = [(await peer.until(COMMAND))[-1] for _ in range(2)]
    await peer.send({"id": asked[0]["id"], "result": {"decision": "accept"}})
    await peer.until("serverRequest/resolved")
    await trio.sleep(10)
    await peer.send({"id": asked[1]["id"], "result": {"decision": "accept"}})
    told = names(await peer.until("turn/completed"))
    assert told[0] == "serverRequest/resolved"
    assert told.count("item/completed commandExecution") == 2
    flags = [m["params"]["status"].get("activeFlags") for m in peer.seen if m.get("method") == "thread/status/changed"]
    assert flags == [[], ["waitingOnApproval"], [], None]


async def test_input_to_a_terminal_outside_the_sandbox_is_asked_for(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    steps = start_command("bash", escalate=True, output="$ "), write_stdin("ls\n", output="a\n$ "), say("hm")
    peer, _ = await begin(nursery, *steps, write_stdin("it's\n", exit_code=3), say("done"))
    command = await answer(peer, COMMAND, {"decision": "accept"})
    typed = await answer(peer, COMMAND, {"decision": "accept"})
    assert command["params"]["kind"] == "command"
    assert {key: typed["params"][key] for key in ("kind", "itemId", "availableDecisions")} == {
        "kind": "writeStdin",
        "itemId": command["params"]["itemId"],
        "availableDecisions": ["accept", "cancel"],
    }
    assert typed["params"]["approvalId"].startswith("exec-")
    interaction = (await peer.until("item/commandExecution/terminalInteraction"))[-1]["params"]
    assert typed["params"]["command"] == f"write_stdin --session-id {interaction['processId']} 'ls\n'"
    assert interaction["stdin"] == "ls\n"
    await answer(peer, COMMAND, {"decision": "accept"})
    [item] = [one for one in items(await peer.until("turn/completed")) if one["type"] == "commandExecution"]
    assert (item["aggregatedOutput"], item["exitCode"], item["status"]) == ("$ a\n$ ", 3, "failed")


async def test_declined_input_is_not_typed_and_the_terminal_runs_on(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    peer, thread_id = await begin(nursery, start_command("bash", escalate=True), write_stdin("ls\n"), say("done"))
    await answer(peer, COMMAND, {"decision": "accept"})
    await answer(peer, COMMAND, {"decision": "decline"})
    told = await peer.until("turn/completed")
    assert "item/commandExecution/terminalInteraction" not in names(told)
    listed = await peer.result("thread/backgroundTerminals/list", threadId=thread_id)
    assert [terminal["command"] for terminal in listed["data"]] == ["bash"]
    await peer.result("thread/backgroundTerminals/clean", threadId=thread_id)
    [item] = items(await peer.until("item/completed commandExecution"))
    assert item["exitCode"] == -1


@pytest.mark.parametrize("sandbox", ["read-only", "danger-full-access"])
async def test_input_to_other_terminals_is_typed_at_once(
    sandbox: str, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    steps = (
        start_command("cat", escalate=sandbox != "read-only"),
        write_stdin("a\n", output="a\n"),
        write_stdin("\x04", exit_code=0),
    )
    peer, _ = await begin(nursery, *steps, say("done"), sandbox=sandbox)
    told = names(await peer.until("turn/completed"))
    assert told.count("item/commandExecution/terminalInteraction") == 2
    assert COMMAND not in told


async def test_input_to_no_terminal_is_ignored(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    peer, _ = await begin(nursery, write_stdin("a\n"), say("done"))
    assert [item["type"] for item in items(await peer.until("turn/completed"))] == ["agentMessage"]


@pytest.mark.parametrize(
    ("model", "kinds"),
    [
        ("gpt-6.2-sol", ["subAgentActivity started", "subAgentActivity completed", "collabAgentToolCall wait"]),
        ("scripted", ["collabAgentToolCall spawnAgent", "collabAgentToolCall wait"]),
    ],
)
async def test_a_sub_agent_works_on_a_thread_of_its_own(
    model: str, kinds: list[str], nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    server.on_prompt("count", wait(500), run("ls | wc -l", output="7\n"), say("Seven."))
    server.on_turn(spawn_agent("counter", "count the files"), wait_agent(timeout=3600), say("There are seven."))
    peer, other = await connect(server, nursery), await connect(server, nursery)
    thread_id = await peer.start_thread(model=model)
    turn_id = await peer.start_turn(thread_id)
    while (await peer.until("turn/completed"))[-1]["params"]["threadId"] != thread_id:
        assert trio.current_time() > 500
    own = [m for m in peer.seen if (m.get("params") or {}).get("threadId") == thread_id]
    assert [f"{item['type']} {item.get('kind') or item.get('tool')}" for item in items(own)[:-1]] == kinds
    started = items(own)[0]
    child_id = started.get("agentThreadId") or started["receiverThreadIds"][0]
    child = [m for m in peer.seen if (m.get("params") or {}).get("threadId") == child_id]
    [turn] = [m["params"]["turn"] for m in child if m.get("method") == "turn/started"]
    assert turn["rootTurnId"] == turn_id != turn["id"]
    assert [item["type"] for item in items(child)] == ["commandExecution", "agentMessage"]
    # Every client hears of a sub-agent, and none of its parent that has not asked for it.
    await other.result("thread/loaded/list")
    heard = [m["params"]["threadId"] for m in other.seen if str(m.get("method")).startswith(("item/", "turn/"))]
    assert set(heard) == {child_id}
    listed = (await peer.result("thread/list"))["data"]
    assert [thread["id"] for thread in listed] == [thread_id]


async def test_a_sub_agent_without_a_script_by_prompt_does_the_default(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(spawn_agent("one", "a task"), wait_agent(), say("first"))
    server.on_turn(say("second"))
    server.default(lambda prompt: [say(f"default: {prompt}")])
    peer = await connect(server, nursery)
    thread_id = await peer.start_thread(**ACCOUNT)
    said: list[str] = []
    for _ in range(2):
        await peer.start_turn(thread_id)
        while (messages := await peer.until("turn/completed"))[-1]["params"]["threadId"] != thread_id:
            said += [item["text"] for item in items(messages) if item["type"] == "agentMessage"]
        said += [item["text"] for item in items(messages) if item["type"] == "agentMessage"]
    assert said == ["default: a task", "first", "second"]


async def test_waiting_for_a_sub_agent_ends_with_its_failure_or_in_time(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    server.on_prompt("slow", wait(100))
    server.on_turn(
        spawn_agent("one", "slow"), wait_agent(timeout=30), say("not yet"), wait_agent(timeout=300), say("now")
    )
    peer = await connect(server, nursery)
    thread_id = await peer.start_thread(**ACCOUNT)
    await peer.start_turn(thread_id)
    times: list[float] = []
    for _ in range(2):
        await peer.until("item/started collabAgentToolCall")
        await peer.until("item/completed collabAgentToolCall")
        times.append(trio.current_time())
    assert times == [pytest.approx(30, abs=0.1), pytest.approx(100, abs=0.1)]
    await peer.until("turn/completed")


@pytest.mark.parametrize("model", ["gpt-6.2-sol", "scripted"])
async def test_each_sub_agent_is_waited_for_once(model: str, nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer(nursery)
    server.on_prompt("quick", wait(10))
    server.on_prompt("slow", wait(20))
    both = spawn_agent("one", "quick"), spawn_agent("two", "slow")
    server.on_turn(*both, wait_agent(), say("one is done"), wait_agent(), say("both are done"))
    peer = await connect(server, nursery)
    await peer.start_turn(await peer.start_thread(model=model))
    for seconds, said in [(10, "one is done"), (20, "both are done")]:
        while (done := items([await peer.next()])) == [] or done[0].get("text") != said:
            pass
        assert trio.current_time() == pytest.approx(seconds, abs=0.1)


async def test_a_turn_with_a_schema_that_the_api_refuses_fails(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    schema = {"type": "object", "properties": {"a": {"enum": [1]}}, "required": ["a"], "additionalProperties": False}
    server = ScriptedAppServer(nursery)
    peer = await connect(server, nursery)
    thread_id = await peer.start_thread()
    await peer.start_turn(thread_id, outputSchema=schema)
    turn = (await peer.until("turn/completed"))[-1]["params"]["turn"]
    assert (turn["status"], turn["error"]["codexErrorInfo"]) == ("failed", "other")
    error = json.loads(turn["error"]["message"])["error"]
    assert (error["code"], error["param"]) == ("invalid_json_schema", "text.format.schema")
    assert error["message"].endswith("In context=('properties', 'a'), schema must have a 'type' key.")
    assert (await peer.play(thread_id))[-1]["params"]["turn"]["status"] == "completed"
    thread_id = await peer.start_thread(dynamicTools=[{**LOOK, "inputSchema": {"type": "array"}}])
    error = (await peer.play(thread_id))[-1]["params"]["turn"]["error"]
    assert json.loads(error["message"])["error"]["code"] == "invalid_function_parameters"


def test_no_script_runs_in_memory() -> None:
    with pytest.raises(ValueError, match="it does not run JavaScript"):
        ScriptedAppServer().on_turn(script_js("text(1)"))
