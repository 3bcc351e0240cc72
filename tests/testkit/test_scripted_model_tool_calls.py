"""The tool calls of the scripted model: which it makes of a step, and how a turn goes on after them. No codex is run."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
import trio

from codex_trio.testing import (
    ScriptedModel,
    Step,
    ask_approval,
    ask_async,
    ask_question,
    call_tool,
    open_scripted_model,
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

Item = dict[str, Any]


def functions(*names: str, strict: bool = False) -> list[Item]:
    parameters = {"type": "object", "properties": {}}
    return [{"type": "function", "name": name, "strict": strict, "parameters": parameters} for name in names]


def namespace(name: str, *tools: Item) -> Item:
    return {"type": "namespace", "name": name, "tools": list(tools)}


UNKNOWN = [*functions("exec_command", "lookup"), namespace("multi_agent_v1", *functions("spawn_agent", "wait_agent"))]
ASYNC = functions("request_user_input", "request_user_input_async", "send_message_to_user_async")
ACCOUNT = [
    namespace("functions", {"type": "custom", "name": "exec"}, *ASYNC),
    namespace("clock", *functions("sleep")),
    namespace("collaboration", *functions("spawn_agent", "wait_agent")),
]


def message(text: str, role: str = "user") -> Item:
    return {"type": "message", "role": role, "content": [{"type": "input_text", "text": text}]}


def output(call_id: str, said: str | list[Item] = "done") -> Item:
    return {"type": "function_call_output", "call_id": call_id, "output": said}


def report(text: str, recipient: str = "/root") -> Item:
    return {**message(text), "type": "agent_message", "author": "/root/one", "recipient": recipient}


async def ask(model: ScriptedModel, *items: Item, account: bool = False, **more: Any) -> list[Item]:
    """Send a request as codex does, and return the items of the answer, or the error in a list."""
    added: list[Item] = [{"type": "additional_tools", "tools": ACCOUNT}] if account else []
    body: Item = {"input": [*added, *items], "model": "m", **more}
    if not account:
        body["tools"] = UNKNOWN
    headers = "".join(f"{name}: {value}\r\n" for name, value in body.pop("headers", {}).items())
    data = json.dumps(body).encode()
    head = f"POST /v1/responses HTTP/1.1\r\nhost: x\r\n{headers}content-length: {len(data)}\r\n\r\n"
    host, _, port = model.url.removeprefix("http://").removesuffix("/v1").partition(":")
    with trio.fail_after(5):
        async with await trio.open_tcp_stream(host, int(port)) as stream:
            await stream.send_all(head.encode() + data)
            answer = b"".join([bytes(chunk) async for chunk in stream])
    if not answer.startswith(b"HTTP/1.1 200"):
        return [json.loads(answer.partition(b"\r\n\r\n")[2])["error"]]
    events = [json.loads(line[6:]) for line in answer.replace(b"\r\n", b"\n").split(b"\n") if line[:6] == b"data: "]
    return [event["item"] for event in events if event["type"] == "response.output_item.done"]


async def calls(step: Step, *items: Item, account: bool) -> list[Item]:
    """Return what the model calls for a step, without ids."""
    async with open_scripted_model() as model:
        model.on_turn(step)
        made = await ask(model, *items, message("go"), account=account)
    return [{name: value for name, value in call.items() if name not in ("id", "call_id")} for call in made]


def function_call(name: str, arguments: Mapping[str, Any], space: str | None = None) -> Item:
    call = {"type": "function_call", "name": name, "arguments": json.dumps(arguments)}
    return call if space is None else {**call, "namespace": space}


def script(*lines: str) -> Item:
    text = "\n".join(['// @exec: {"yield_time_ms": 3600000}', *lines])
    return {"type": "custom_tool_call", "name": "exec", "namespace": "functions", "input": text}


PATCH = "*** Begin Patch\n*** Add File: a\n+b\n*** End Patch"
ESCALATED = {"sandbox_permissions": "require_escalated", "justification": "May I?"}
TERMINAL = {"tty": True, "yield_time_ms": 250}


@pytest.mark.parametrize(
    ("step", "plain", "in_script"),
    [
        (run("ls"), function_call("exec_command", {"cmd": "ls"}), 'tools.exec_command({"cmd": "ls"})'),
        (
            ask_approval("ls", reason="May I?"),
            function_call("exec_command", {"cmd": "ls", **ESCALATED}),
            f"tools.exec_command({json.dumps({'cmd': 'ls', **ESCALATED})})",
        ),
        (
            start_command("cat"),
            function_call("exec_command", {"cmd": "cat", **TERMINAL}),
            f"tools.exec_command({json.dumps({'cmd': 'cat', **TERMINAL})})",
        ),
        (
            patch("a", "b\n"),
            function_call("exec_command", {"cmd": f"apply_patch <<'EOF'\n{PATCH}\nEOF"}),
            f"tools.apply_patch({json.dumps(PATCH)})",
        ),
        (call_tool("lookup", {"id": 1}), function_call("lookup", {"id": 1}), 'tools.lookup({"id": 1})'),
        (
            call_tool("look-up", {}, namespace="my.crm"),
            function_call("look-up", {}, "my.crm"),
            "tools.my_crm__look_up({})",
        ),
    ],
)
async def test_a_tool_is_called_directly_or_from_a_script(step: Step, plain: Item, in_script: str) -> None:
    assert await calls(step, account=False) == [plain]
    assert await calls(step, account=True) == [script(f"text(await {in_script})")]


@pytest.mark.parametrize(
    ("step", "call"),
    [
        (
            ask_async("Which?", "When?", options=["a", "b"]),
            function_call(
                "request_user_input_async",
                {"questions": [{"title": title, "options": ["a", "b"]} for title in ("Which?", "When?")]},
                "functions",
            ),
        ),
        (
            ask_async("Which?"),
            function_call("request_user_input_async", {"questions": [{"title": "Which?"}]}, "functions"),
        ),
        (tell_async("Hi."), function_call("send_message_to_user_async", {"message": "Hi."}, "functions")),
        (sleep(0.25), function_call("sleep", {"duration_ms": 250}, "clock")),
        (
            script_js("text(1)"),
            {"type": "custom_tool_call", "name": "exec", "namespace": "functions", "input": "text(1)"},
        ),
    ],
)
async def test_a_tool_of_account_models_only_is_refused_to_others(step: Step, call: Item) -> None:
    assert await calls(step, account=True) == [call]
    [error] = await calls(step, account=False)
    assert "to the model 'm'" in error["message"]
    assert type(step).__name__ in error["message"]


async def test_a_question_is_asked_directly_by_both() -> None:
    [plain] = await calls(ask_question("Sure?"), account=False)
    [direct] = await calls(ask_question("Sure?"), account=True)
    assert direct == {**plain, "namespace": "functions"}
    assert plain["name"] == "request_user_input"


async def test_parallel_calls_are_one_script_or_several_functions() -> None:
    both = parallel(call_tool("lookup", {"id": 1}), run("ls"))
    plain = await calls(both, account=False)
    assert plain == [function_call("lookup", {"id": 1}), function_call("exec_command", {"cmd": "ls"})]
    [made] = await calls(both, account=True)
    for part in ("Promise.allSettled", 'tools.lookup({"id": 1})', 'tools.exec_command({"cmd": "ls"})'):
        assert part in made["input"]


async def test_a_turn_goes_on_behind_parallel_calls() -> None:
    async with open_scripted_model() as model:
        model.on_turn(parallel(run("a"), run("b")), say("both"))
        made = await ask(model, message("go"))
        outputs = [output(call["call_id"]) for call in made]
        [said] = await ask(model, message("go"), *made, *outputs)
    assert said["content"][0]["text"] == "both"


@pytest.mark.parametrize("account", [False, True])
async def test_input_goes_to_the_terminal_that_was_started_last(account: bool) -> None:
    told: Sequence[str | list[Item]] = (
        ["Process running with session ID 7", "Process running with session ID 42\nOutput:\n"]
        if not account
        else [
            [{"type": "input_text", "text": f'{{"chunk_id":"a","session_id":{number},"output":""}}'}]
            for number in (7, 42)
        ]
    )
    [call] = await calls(write_stdin("hi\n"), output("a", told[0]), output("b", told[1]), account=account)
    arguments = '{"session_id": 42, "chars": "hi\\n", "yield_time_ms": 250}'
    assert arguments in (call.get("arguments"), call.get("input", "").partition("(await tools.write_stdin(")[2][:-2])


async def test_sub_agents_of_both_generations() -> None:
    [spawn] = await calls(spawn_agent("one", "count"), account=True)
    assert spawn == function_call(
        "spawn_agent", {"task_name": "one", "message": "count", "fork_turns": "none"}, "collaboration"
    )
    assert await calls(wait_agent(timeout=20), account=True) == [
        function_call("wait_agent", {"timeout_ms": 20000}, "collaboration")
    ]
    [spawn] = await calls(spawn_agent("one", "count"), account=False)
    assert spawn == function_call("spawn_agent", {"message": "count"}, "multi_agent_v1")
    started = [output(name, f'{{"agent_id":"{name}","nickname":"Ada"}}') for name in ("a1", "a2")]
    ended = output("c", '{"status":{"a1":{"completed":"7"}},"timed_out":false}')
    assert await calls(wait_agent(), *started, ended, account=False) == [
        function_call("wait_agent", {"targets": ["a2"], "timeout_ms": 600000}, "multi_agent_v1")
    ]


async def test_a_sub_agent_has_a_script_of_its_own() -> None:
    async with open_scripted_model() as model:
        model.on_prompt("count", say("seven"))
        model.on_turn(spawn_agent("one", "count"), say("there are seven"))
        model.on_turn(say("next"))
        [spawn] = await ask(model, message("go"), account=True)
        # The thread of a sub-agent begins with its parent's calls, and with its task for the last item.
        task = report("Message Type: NEW_TASK\nTask name: /root/one\nPayload:\n", "/root/one")
        task["content"].append({"type": "encrypted_content", "encrypted_content": "count"})
        agent: dict[str, Any] = {"account": True, "headers": {"x-openai-subagent": "collab_spawn"}}
        [said] = await ask(model, message("go"), spawn, output(spawn["call_id"], "aborted"), task, **agent)
        assert said["content"][0]["text"] == "seven"
        assert model.requests[-1].prompt == "count"
        task["content"][-1]["encrypted_content"] = "something else"
        [said] = await ask(model, task, **agent)  # it never takes a script from the queue
        assert said["content"][0]["text"] == "ok"
        [said] = await ask(model, message("go"), spawn, output(spawn["call_id"]), account=True)
        assert said["content"][0]["text"] == "there are seven"
        [said] = await ask(model, message("and then?"), account=True)
        assert said["content"][0]["text"] == "next"


@pytest.mark.parametrize(
    "news",
    [
        report("Message Type: FINAL_ANSWER\nTask name: /root\nSender: /root/one\nPayload:\nseven"),
        message(
            '<subagent_notification>\n{"agent_path":"a1","status":{"completed":"seven"}}\n</subagent_notification>'
        ),
    ],
)
async def test_a_report_of_a_sub_agent_begins_no_script(news: Item) -> None:
    async with open_scripted_model() as model:
        model.on_prompt("go", run("ls"), say("done"))
        [call] = await ask(model, message("go"))
        [said] = await ask(model, message("go"), call, output(call["call_id"]), news)
        assert said["content"][0]["text"] == "done"
        assert model.requests[-1].prompt == "go"
        said["type"], said["role"] = "message", "assistant"
        assert await ask(model, message("go"), call, output(call["call_id"]), said, news) == []


async def test_a_request_with_a_bad_schema_is_refused_and_spends_its_script() -> None:
    bad = {"type": "json_schema", "strict": True, "name": "out", "schema": {"type": "object", "properties": {}}}
    async with open_scripted_model() as model:
        model.on_turn(say("first"))
        model.on_turn(say("second"))
        [error] = await ask(model, message("go"), text={"format": bad})
        assert error == {
            "message": "Invalid schema for response_format 'out': In context=(), 'additionalProperties' is required to be "
            "supplied and to be false.",
            "type": "invalid_request_error",
            "param": "text.format.schema",
            "code": "invalid_json_schema",
        }
        [said] = await ask(model, message("go"))
    assert said["content"][0]["text"] == "second"


def test_words_are_checked_where_they_are_written() -> None:
    mistakes: list[tuple[Callable[[], Step], str]] = [
        (lambda: sleep(0), "between 0.001 and 43200"),
        (lambda: sleep(float("nan")), "between 0.001 and 43200"),
        (lambda: ask_async(), "at least one question"),
        (lambda: parallel(), "not nothing"),
        (lambda: parallel(say("a")), "not .Say"),
        (lambda: wait_agent(timeout=1), "between 10 and 3600"),
        (lambda: spawn_agent("The one", "go"), "lower-case letters"),
    ]
    for wrong, why in mistakes:
        with pytest.raises(ValueError, match=why):
            wrong()
    text: Any = 3
    words: list[Callable[[Any], Step]] = [
        script_js,
        tell_async,
        write_stdin,
        ask_async,
        lambda one: spawn_agent("a", one),
    ]
    for word in words:
        with pytest.raises(TypeError, match="must be a str"):
            word(text)
