"""The scripted model against the real codex binary, driven by a few lines of JSON-RPC instead of the client."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import codex_cli_bin  # type: ignore[import-untyped]
import pytest
import trio

from codex_trio.testing._model.model import ScriptedModel, open_scripted_model
from codex_trio.testing._script import fail, hang, retry, run, say, think, wait

Message = dict[str, Any]


class Server:
    """A `codex app-server` on pipes, asked and heard one message at a time."""

    def __init__(self, process: trio.Process, cwd: str) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._stdin, self._stdout = process.stdin, process.stdout
        self._cwd = cwd
        self._buffer = bytearray()
        self._ids = 0

    async def send(self, message: Message) -> None:
        await self._stdin.send_all(json.dumps(message).encode() + b"\n")

    async def receive(self) -> Message:
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer)
            chunk = await self._stdout.receive_some(1 << 20)
            assert chunk, "the server is gone"
            self._buffer += chunk
        message: Message = json.loads(self._buffer[:end])
        del self._buffer[: end + 1]
        return message

    async def request(self, method: str, params: Message) -> Any:
        self._ids += 1
        await self.send({"id": self._ids, "method": method, "params": params})
        while True:
            message = await self.receive()
            if message.get("id") == self._ids and "method" not in message:
                assert "error" not in message, message
                return message["result"]

    async def receive_until(self, method: str) -> list[Message]:
        messages = [await self.receive()]
        while messages[-1].get("method") != method:
            messages.append(await self.receive())
        return messages

    async def start_thread(self) -> str:
        result = await self.request("thread/start", {"cwd": self._cwd})
        return str(result["thread"]["id"])

    async def start_turn(self, thread_id: str, text: str) -> str:
        params = {"threadId": thread_id, "input": [{"type": "text", "text": text}]}
        return str((await self.request("turn/start", params))["turn"]["id"])

    async def turn(self, thread_id: str, text: str) -> tuple[list[Message], Message]:
        """Play one turn; return its completed items without the user's, and the turn as it ended."""
        await self.start_turn(thread_id, text)
        return self.outcome(await self.receive_until("turn/completed"))

    @staticmethod
    def outcome(messages: list[Message]) -> tuple[list[Message], Message]:
        items = [message["params"]["item"] for message in messages if message.get("method") == "item/completed"]
        return [item for item in items if item["type"] != "userMessage"], messages[-1]["params"]["turn"]


@asynccontextmanager
async def open_server(model: ScriptedModel) -> AsyncIterator[Server]:
    command = [str(codex_cli_bin.bundled_codex_path()), "app-server"]
    environment = {**os.environ, **model.env()}
    process = await trio.lowlevel.open_process(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        with trio.fail_after(15):
            server = Server(process, cwd=str(model.home))
            await server.request("initialize", {"clientInfo": {"name": "test", "version": "1"}})
            await server.send({"method": "initialized"})
            yield server
    finally:
        with trio.CancelScope(shield=True):
            await process.stdin.aclose()
            with trio.move_on_after(5):
                await process.wait()
            if process.returncode is None:
                process.kill()
                await process.wait()
            await process.stdout.aclose()


def texts(items: list[Message]) -> list[str]:
    return [item["text"] for item in items if item["type"] == "agentMessage"]


async def test_say_arrives_in_pieces_and_with_its_phase() -> None:
    async with open_scripted_model() as model, open_server(model) as server:
        model.on_turn(say("looking", phase="commentary"), say("one two three", phase="final_answer"))
        thread_id = await server.start_thread()
        await server.start_turn(thread_id, "hello")
        messages = await server.receive_until("turn/completed")

    items, turn = server.outcome(messages)
    assert [(item["text"], item["phase"]) for item in items] == [
        ("looking", "commentary"),
        ("one two three", "final_answer"),
    ]
    deltas = [message["params"]["delta"] for message in messages if message.get("method") == "item/agentMessage/delta"]
    assert deltas == ["looking", "one", " two", " three"]
    assert turn["status"] == "completed"


@pytest.mark.extended
async def test_say_has_no_phase_unless_told() -> None:
    async with open_scripted_model() as model, open_server(model) as server:
        items, _ = await server.turn(await server.start_thread(), "hello")

    assert [(item["text"], item["phase"]) for item in items] == [("ok", None)]


async def test_think_becomes_a_reasoning_item() -> None:
    async with open_scripted_model() as model, open_server(model) as server:
        model.on_turn(think("hm"), say("done"))
        items, _ = await server.turn(await server.start_thread(), "hello")

    assert [item["type"] for item in items] == ["reasoning", "agentMessage"]
    assert items[0]["summary"] == ["hm"]


async def test_run_runs_and_the_script_goes_on_behind_it() -> None:
    async with open_scripted_model() as model, open_server(model) as server:
        model.on_turn(say("let me see"), run("echo $((6 * 7))"), wait(0.01), run("exit 3"), say("done"))
        items, turn = await server.turn(await server.start_thread(), "hello")

    assert [item["type"] for item in items] == ["agentMessage", "commandExecution", "commandExecution", "agentMessage"]
    assert items[1]["aggregatedOutput"] == "42\n"
    assert (items[1]["exitCode"], items[2]["exitCode"]) == (0, 3)
    assert turn["status"] == "completed"
    assert [request.prompt for request in model.requests] == ["hello"] * 3
    assert "42\n" in model.requests[1].body["input"][-1]["output"]


@pytest.mark.extended
async def test_commands_do_not_depend_on_what_the_user_has_in_their_shells_startup_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".bashrc").write_text("echo noise\n", "utf-8")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SHLVL", "0")
    async with open_scripted_model() as model, open_server(model) as server:
        model.on_turn(run("echo $((6 * 7))"))
        items, _ = await server.turn(await server.start_thread(), "hello")

    assert items[0]["aggregatedOutput"] == "42\n"


@pytest.mark.extended
async def test_a_turn_may_end_with_a_command() -> None:
    async with open_scripted_model() as model, open_server(model) as server:
        model.on_turn(run("true"))
        items, turn = await server.turn(await server.start_thread(), "hello")

    assert [item["type"] for item in items] == ["commandExecution"]
    assert turn["status"] == "completed"


async def test_each_turn_takes_the_next_script_and_then_the_default() -> None:
    async with open_scripted_model() as model, open_server(model) as server:
        model.on_turn(say("first"))
        model.on_turn(say("second"))
        model.default(say("whatever"))
        model.on_prompt("weather", say("rain"))
        model.on_prompt(lambda prompt: prompt.endswith("?"), say("who knows"))
        thread_id = await server.start_thread()
        prompts = ["a", "the weather?", "b", "why?", "c"]
        said = [texts((await server.turn(thread_id, prompt))[0]) for prompt in prompts]

    assert said == [["first"], ["rain"], ["second"], ["who knows"], ["whatever"]]
    assert [request.prompt for request in model.requests] == prompts


async def test_an_http_error_fails_the_turn_and_no_other() -> None:
    async with open_scripted_model() as model, open_server(model) as server:
        model.on_turn(fail("on fire", http_status=500))
        model.on_turn(run("true"), fail("too much", http_status=429))
        thread_id = await server.start_thread()
        _, first = await server.turn(thread_id, "hello")
        _, second = await server.turn(thread_id, "hello")
        items, third = await server.turn(thread_id, "hello")

    assert first["status"] == "failed"
    assert first["error"]["codexErrorInfo"] == "internalServerError"
    assert second["error"]["codexErrorInfo"] == {"responseTooManyFailedAttempts": {"httpStatusCode": 429}}
    assert (texts(items), third["status"]) == (["ok"], "completed")


@pytest.mark.extended
async def test_a_failure_is_told_in_the_words_of_the_script() -> None:
    async with open_scripted_model() as model, open_server(model) as server:
        model.on_turn(say("half"), fail("gone"), say("never"))
        thread_id = await server.start_thread()
        items, turn = await server.turn(thread_id, "hello")
        after, _ = await server.turn(thread_id, "again")

    assert (texts(items), turn["status"]) == (["half"], "failed")
    assert (turn["error"]["message"], turn["error"]["codexErrorInfo"]) == ("gone", "other")
    assert texts(after) == ["ok"]


@pytest.mark.extended
async def test_a_stream_that_breaks_off_fails_the_turn_unless_codex_tries_again() -> None:
    async with open_scripted_model() as model, open_server(model) as server:
        model.on_turn(say("half"), retry(), say("never"))
        items, turn = await server.turn(await server.start_thread(), "hello")

    assert (texts(items), turn["status"]) == (["half"], "failed")
    assert "stream disconnected" in turn["error"]["message"]


async def test_retry_breaks_the_stream_and_goes_on_when_codex_tries_again() -> None:
    config = "model_providers.scripted.stream_max_retries = 1"
    async with open_scripted_model(config=config) as model, open_server(model) as server:
        model.on_turn(say("before"), retry(), say("after"))
        model.on_turn(say("next"))
        thread_id = await server.start_thread()
        await server.start_turn(thread_id, "hello")
        messages = await server.receive_until("turn/completed")
        following, _ = await server.turn(thread_id, "again")

    items, turn = server.outcome(messages)
    errors = [message["params"]["willRetry"] for message in messages if message.get("method") == "error"]
    assert (texts(items), errors, turn["status"]) == (["before", "after"], [True], "completed")
    assert texts(following) == ["next"]


@pytest.mark.extended
async def test_a_failure_outlasts_the_retries_of_codex() -> None:
    config = "[model_providers.scripted]\nrequest_max_retries = 1"
    async with open_scripted_model(config=config) as model, open_server(model) as server:
        model.on_turn(fail("gone", http_status=500))
        model.on_turn(say("next"))
        thread_id = await server.start_thread()
        _, turn = await server.turn(thread_id, "hello")
        items, _ = await server.turn(thread_id, "again")

    assert turn["status"] == "failed"
    assert texts(items) == ["next"]
    assert [request.prompt for request in model.requests] == ["hello", "hello", "again"]


@pytest.mark.extended
@pytest.mark.parametrize("silence", [hang(), wait(3600)])
async def test_an_interrupted_turn_drops_the_rest_of_its_script(silence: Any) -> None:
    async with open_scripted_model() as model, open_server(model) as server:
        model.on_turn(say("half"), silence, say("never"))
        model.on_turn(say("next"))
        thread_id = await server.start_thread()
        turn_id = await server.start_turn(thread_id, "hello")
        await server.receive_until("item/agentMessage/delta")
        assert model.open_responses == 1
        await server.request("turn/interrupt", {"threadId": thread_id, "turnId": turn_id})
        messages = await server.receive_until("turn/completed")
        await model.wait_idle()  # the handler leaves as soon as codex lets go of the connection
        items, _ = await server.turn(thread_id, "again")

    assert messages[-1]["params"]["turn"]["status"] == "interrupted"
    assert texts(items) == ["next"]


@pytest.mark.extended
async def test_a_turn_interrupted_in_a_command_drops_the_rest_of_its_script() -> None:
    async with open_scripted_model() as model, open_server(model) as server:
        model.on_turn(run("sleep 3"), say("never"))
        model.on_turn(say("next"))
        thread_id = await server.start_thread()
        turn_id = await server.start_turn(thread_id, "hello")
        while (await server.receive_until("item/started"))[-1]["params"]["item"]["type"] != "commandExecution":
            pass
        await server.request("turn/interrupt", {"threadId": thread_id, "turnId": turn_id})
        await server.receive_until("turn/completed")
        items, _ = await server.turn(thread_id, "again")

    assert texts(items) == ["next"]


@pytest.mark.extended
async def test_a_steered_turn_takes_the_next_script() -> None:
    async with open_scripted_model() as model, open_server(model) as server:
        model.on_turn(say("half"), hang())
        model.on_turn(say("other"))
        thread_id = await server.start_thread()
        turn_id = await server.start_turn(thread_id, "hello")
        await server.receive_until("item/agentMessage/delta")
        text = [{"type": "text", "text": "no, that"}]
        await server.request("turn/steer", {"threadId": thread_id, "expectedTurnId": turn_id, "input": text})
        items, turn = server.outcome(await server.receive_until("turn/completed"))

    assert (texts(items)[-1], turn["status"]) == ("other", "completed")
    assert [request.prompt for request in model.requests] == ["hello", "no, that"]


@pytest.mark.extended
async def test_a_long_say_arrives_whole() -> None:
    text = "abcdefgh" * (5 * 1024 * 1024 // 8)
    async with open_scripted_model() as model, open_server(model) as server:
        model.on_turn(say(text, pieces=3))
        items, _ = await server.turn(await server.start_thread(), "hello")

    assert texts(items) == [text]


async def test_an_escalated_command_asks_for_approval() -> None:
    async with open_scripted_model(approval_policy="on-request") as model, open_server(model) as server:
        model.on_turn(run("echo raised", escalate=True), say("done"))
        thread_id = await server.start_thread()
        await server.start_turn(thread_id, "hello")
        asked = (await server.receive_until("item/commandExecution/requestApproval"))[-1]
        await server.send({"id": asked["id"], "result": {"decision": "accept"}})
        items, _ = server.outcome(await server.receive_until("turn/completed"))

    assert "echo raised" in asked["params"]["command"]
    assert asked["params"]["reason"] == "May I run echo raised?"
    assert items[0]["aggregatedOutput"] == "raised\n"
    assert texts(items) == ["done"]


@pytest.mark.extended
async def test_threads_play_their_scripts_side_by_side() -> None:
    names = ["alpha", "beta", "gamma", "delta"]
    async with open_scripted_model() as model, open_server(model) as server:
        for name in names:
            model.on_prompt(name, run(f"sleep 0.1; echo {name}"), say(f"said {name}"))
        threads = {name: await server.start_thread() for name in names}
        for name, thread_id in threads.items():
            text = [{"type": "text", "text": name}]
            await server.send(
                {"id": f"start {name}", "method": "turn/start", "params": {"threadId": thread_id, "input": text}}
            )
        seen: dict[str, list[str]] = {thread_id: [] for thread_id in threads.values()}
        for _ in names:
            for message in await server.receive_until("turn/completed"):
                item = message.get("params", {}).get("item", {})
                if message.get("method") == "item/completed" and item["type"] != "userMessage":
                    seen[message["params"]["threadId"]].append(item.get("text") or item.get("aggregatedOutput"))

    assert seen == {thread_id: [f"{name}\n", f"said {name}"] for name, thread_id in threads.items()}


@pytest.mark.extended
async def test_a_compaction_spends_no_script() -> None:
    async with open_scripted_model() as model, open_server(model) as server:
        model.on_turn(say("first"))
        model.on_turn(say("second"))
        thread_id = await server.start_thread()
        await server.turn(thread_id, "a")
        await server.request("thread/compact/start", {"threadId": thread_id})
        await server.receive_until("turn/completed")
        items, _ = await server.turn(thread_id, "b")

    assert texts(items) == ["second"]
    assert [request.kind for request in model.requests] == ["turn", "compaction", "turn"]


@pytest.mark.extended
async def test_codex_calls_nothing_but_the_responses_api(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")  # a proxy of the machine does not get in between
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    async with open_scripted_model() as model, open_server(model) as server:
        await server.turn(await server.start_thread(), "hello")

    (request,) = model.requests
    assert request.headers["host"] == model.url.removeprefix("http://").removesuffix("/v1")
    assert request.body["model"] == "scripted"


async def test_its_transport_reaches_a_server_that_lives_in_its_home(tmp_path: Path) -> None:
    command = [str(codex_cli_bin.bundled_codex_path()), "app-server"]
    async with open_scripted_model() as model, trio.open_nursery() as nursery:
        transport = model.transport(command, cwd=tmp_path)
        with trio.fail_after(10):
            await transport.open(nursery)
            await transport.send([b'{"id":1,"method":"initialize","params":{"clientInfo":{"name":"x","version":"1"}}}'])
            answer = json.loads((await transport.receive())[0])
            await transport.aclose()

    assert answer["result"]["codexHome"] == str(model.home.resolve())
