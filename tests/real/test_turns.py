"""Turns over the real binary: what a caller gets of them, how waiting goes on, how they fail."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import trio

from codex_trio import (
    ChatContinuation,
    ChatResult,
    CodexClient,
    CodexProtocolError,
    CodexThreadBusyError,
    CodexThreadNotFoundError,
    CodexTurnFailedError,
    CodexTurnInactiveError,
    ConversationStep,
    open_codex_client,
)
from codex_trio.testing import ScriptedModel, fail, hang, open_scripted_model, retry, run, say, think, wait
from tests.support.real_codex import Tap, assert_nothing_open, told_statuses
from tests.support.real_servers import MakeTransport, Reach


def types(steps: tuple[ConversationStep, ...] | list[ConversationStep]) -> list[str]:
    return [step.step_type for step in steps]


# --- what a turn gives


@pytest.mark.smoke
async def test_chat_once_returns_the_whole_turn(model: ScriptedModel, client: CodexClient) -> None:
    model.on_turn(
        think("hm"), say("let me see", phase="commentary"), run("echo hi"), say("it says hi", phase="final_answer")
    )
    result = await client.chat_once("what does it say?")

    assert result.final_text == "it says hi"
    assert types(result.steps) == ["thinking", "codex", "exec", "codex"]
    assert result.assistant_item_id == result.steps[-1].item_id
    assert {(step.thread_id, step.turn_id) for step in result.steps} == {(result.thread_id, result.turn_id)}
    assert result.completion_source == "turn_completed"
    assert result.usage is not None
    assert result.usage["last"].keys() >= {"totalTokens", "inputTokens", "outputTokens"}
    methods = [event["method"] for event in result.raw_events]
    assert (methods[0], methods[-1]) == ("turn/started", "turn/completed")
    assert_nothing_open(client)


async def test_chat_delivers_each_step_when_it_is_done(model: ScriptedModel, client: CodexClient) -> None:
    model.on_turn(think("hm"), run("echo hi"), say("so far"), hang())
    async with client.chat("go") as stream:
        steps = [await anext(stream) for _ in range(3)]  # while the model is not through
        assert model.open_responses == 1

    assert types(steps) == ["thinking", "exec", "codex"]
    assert [step.text for step in steps][::2] == ["hm", "so far"]


async def test_a_stream_ends_with_its_turn(model: ScriptedModel, client: CodexClient) -> None:
    model.on_turn(think("hm"), run("true"), say("done"))
    stream = client.chat("go")
    steps = [step async for step in stream]

    assert types(steps) == ["thinking", "exec", "codex"]
    assert {step.turn_id for step in steps} == {stream.turn_id}
    with pytest.raises(StopAsyncIteration):
        await anext(stream)
    assert_nothing_open(client)


@pytest.mark.from_codex("0.163", "what a short command writes is sometimes lost")
async def test_a_command_step_has_its_output_and_exit_code(model: ScriptedModel, client: CodexClient) -> None:
    model.on_turn(run("echo one; echo two; exit 3"), say("done"))
    command = (await client.chat_once("run it")).steps[0]

    assert (command.step_type, command.item_type) == ("exec", "commandExecution")
    assert "echo one; echo two; exit 3" in command.text
    assert (command.data["aggregatedOutput"], command.data["exitCode"]) == ("one\ntwo\n", 3)


async def test_the_turns_of_a_thread_share_its_history(model: ScriptedModel, client: CodexClient) -> None:
    model.on_turn(say("nice to meet you"))
    model.on_turn(say("you are Ann"))
    first = await client.chat_once("I am Ann")
    second = await client.chat_once("who am I?", first.thread_id)
    other = await client.chat_once("who am I?")

    assert (second.thread_id, second.final_text) == (first.thread_id, "you are Ann")
    assert other.thread_id != first.thread_id
    told = [json.dumps(request.body["input"]) for request in model.requests]
    assert ["nice to meet you" in text for text in told] == [False, True, False]


async def test_a_thread_of_an_earlier_client_goes_on(model: ScriptedModel, make_transport: MakeTransport) -> None:
    model.on_turn(say("nice to meet you"))
    model.on_turn(say("you are Ann"))
    async with open_codex_client(make_transport()) as client:
        thread_id = (await client.chat_once("I am Ann")).thread_id
    async with open_codex_client(make_transport()) as client:
        result = await client.chat_once("who am I?", thread_id)
        assert await told_statuses(client, thread_id) == ["completed", "completed"]

    assert (result.thread_id, result.final_text) == (thread_id, "you are Ann")
    assert "nice to meet you" in json.dumps(model.requests[-1].body["input"])


@pytest.mark.extended
async def test_an_unknown_thread_is_told_as_such(client: CodexClient) -> None:
    thread_id = "01990000-0000-7000-8000-000000000000"
    with pytest.raises(CodexThreadNotFoundError, match=thread_id) as caught:
        await client.chat_once("hello", thread_id)

    assert caught.value.thread_id == thread_id
    assert (await client.chat_once("hello")).final_text == "ok"
    assert_nothing_open(client)


async def test_user_and_metadata_reach_the_model(model: ScriptedModel, make_transport: MakeTransport) -> None:
    async with open_codex_client(make_transport(), experimental_api=True) as client:
        await client.chat_once("hello", user="ann", metadata={"ticket": "42"})

    told = json.loads(model.requests[0].body["client_metadata"]["x-codex-turn-metadata"])
    assert (told["user"], told["ticket"]) == ("ann", "42")


async def test_user_and_metadata_need_the_experimental_api(tap: Tap, client: CodexClient) -> None:
    with pytest.raises(ValueError, match="experimental_api=True"):
        await client.chat_once("hello", user="ann")
    with pytest.raises(ValueError, match="experimental_api=True"):
        client.chat("hello", metadata={"ticket": "42"})

    assert "> thread/start" not in tap.passed


# --- waiting, and going on with it


async def go_on_with_chat_once(client: CodexClient, error: CodexTurnInactiveError) -> tuple[ChatResult, int]:
    """Wait on until the turn is through; return it, and how often it had to be continued."""
    times = 0
    while True:
        times += 1
        continuation = ChatContinuation.from_json(error.continuation.to_json())
        try:
            return await client.chat_once(continuation=continuation, inactivity_timeout=0.1), times
        except CodexTurnInactiveError as again:
            error = again


@pytest.mark.extended
async def test_chat_once_goes_on_until_the_answer_comes(model: ScriptedModel, client: CodexClient) -> None:
    model.on_turn(think("hm"), wait(0.3), run("echo one"), wait(0.3), say("two"), wait(0.3), say("three"))
    with pytest.raises(CodexTurnInactiveError) as caught:
        await client.chat_once("go", inactivity_timeout=0.1)
    result, times = await go_on_with_chat_once(client, caught.value)

    assert times >= 3
    assert result.final_text == "three"
    assert types(result.steps) == ["thinking", "exec", "codex", "codex"]
    methods = [event["method"] for event in result.raw_events]
    assert (methods[0], methods[-1]) == ("turn/started", "turn/completed")
    assert methods.count("item/completed") == 5  # the steps, and the user's message
    assert_nothing_open(client)


async def test_chat_goes_on_until_the_answer_comes(model: ScriptedModel, client: CodexClient) -> None:
    model.on_turn(think("hm"), wait(0.3), run("echo one"), wait(0.3), say("two"), wait(0.3), say("three"))
    stream, steps, times = client.chat("go", inactivity_timeout=0.1), [], 0
    while True:
        try:
            steps += [await anext(stream)]
        except CodexTurnInactiveError as error:
            times += 1
            stream = client.chat(continuation=error.continuation, inactivity_timeout=0.1)
        except StopAsyncIteration:
            break

    assert times >= 3
    assert [step.text for step in steps if step.step_type != "exec"] == ["hm", "two", "three"]
    assert types(steps) == ["thinking", "exec", "codex", "codex"]
    assert_nothing_open(client)


@pytest.mark.extended
async def test_chat_may_go_on_where_chat_once_stopped(model: ScriptedModel, client: CodexClient) -> None:
    model.on_turn(think("hm"), say("one"), wait(0.4), say("two"))
    with pytest.raises(CodexTurnInactiveError) as caught:
        await client.chat_once("go", inactivity_timeout=0.2)
    steps = [step async for step in client.chat(continuation=caught.value.continuation)]

    assert [step.text for step in steps] == ["hm", "one", "two"]


@pytest.mark.extended
async def test_a_turn_that_ended_meanwhile_is_delivered_whole(
    model: ScriptedModel, tap: Tap, client: CodexClient
) -> None:
    model.on_turn(say("one"), wait(0.4), say("two"))
    with pytest.raises(CodexTurnInactiveError) as caught:
        await client.chat_once("go", inactivity_timeout=0.1)
    await tap.wait_passed("< turn/completed")
    result = await client.chat_once(continuation=caught.value.continuation)

    assert [step.text for step in result.steps] == ["one", "two"]
    assert_nothing_open(client)


# --- side by side


@pytest.mark.extended
async def test_a_busy_thread_is_refused_before_the_wire(model: ScriptedModel, tap: Tap, client: CodexClient) -> None:
    model.on_turn(say("half"), hang())
    async with client.chat("go") as stream:
        step = await anext(stream)
        with pytest.raises(CodexThreadBusyError) as caught:
            await client.chat_once("and?", step.thread_id)
        with pytest.raises(CodexThreadBusyError):
            await anext(client.chat("and?", step.thread_id))

    assert (caught.value.thread_id, caught.value.turn_id) == (step.thread_id, step.turn_id)
    assert tap.passed.count("> turn/start") == 1
    assert (await client.chat_once("and now?", step.thread_id)).final_text == "ok"


@pytest.mark.extended
async def test_eight_threads_at_once_get_each_their_own_answer(model: ScriptedModel, client: CodexClient) -> None:
    names = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta.", "theta"]
    results: dict[str, ChatResult] = {}

    async def ask(name: str) -> None:
        results[name] = await client.chat_once(f"I am {name}")

    for name in names:
        model.on_prompt(f"I am {name}", think(f"about {name}"), run(f"echo {name}"), wait(0.05), say(f"hello {name}"))
    async with trio.open_nursery() as nursery:
        for name in names:
            nursery.start_soon(ask, name)

    assert len({result.thread_id for result in results.values()}) == 8
    for name, result in results.items():
        thought, command, message = result.steps
        told = (thought.text, command.data["aggregatedOutput"], message.text)
        assert told == (f"about {name}", f"{name}\n", f"hello {name}")
    assert_nothing_open(client)


# --- how turns fail


@pytest.mark.extended
async def test_an_http_error_of_the_model_fails_the_turn(model: ScriptedModel, client: CodexClient) -> None:
    model.on_turn(think("hm"), run("echo hi"), fail("on fire", http_status=500))
    with pytest.raises(CodexTurnFailedError, match="failed") as caught:
        await client.chat_once("go")

    error = caught.value
    assert (error.error_info, error.http_status) == ("internalServerError", None)
    assert types(error.result.steps) == ["thinking", "exec"]
    assert (await client.chat_once("again", error.result.thread_id)).final_text == "ok"
    assert_nothing_open(client)


async def test_a_failed_turn_tells_the_http_status_that_the_server_tells(
    model: ScriptedModel, client: CodexClient
) -> None:
    model.on_turn(fail("slow down", http_status=429))
    with pytest.raises(CodexTurnFailedError) as caught:
        await client.chat_once("go")

    assert caught.value.error_info == {"responseTooManyFailedAttempts": {"httpStatusCode": 429}}
    assert caught.value.http_status == 429


@pytest.mark.extended
async def test_a_stream_that_breaks_off_fails_the_turn(model: ScriptedModel, client: CodexClient) -> None:
    model.on_turn(say("half"), retry())  # which codex does not do, unless it is configured
    stream = client.chat("go")
    assert (await anext(stream)).text == "half"
    with pytest.raises(CodexTurnFailedError, match="stream disconnected") as caught:
        await anext(stream)

    assert (caught.value.error_info, caught.value.http_status) == ("other", None)
    assert (await client.chat_once("again", caught.value.result.thread_id)).final_text == "ok"
    assert_nothing_open(client)


# --- sizes


@pytest.mark.extended
async def test_a_message_of_five_mib_arrives_whole(model: ScriptedModel, client: CodexClient) -> None:
    text = "".join(f"{number:07d} \N{SNOWMAN}\n" for number in range(5 * (1 << 20) // 12 + 1))
    assert len(text.encode()) >= 5 * (1 << 20)
    model.on_turn(say(text, pieces=20))
    result = await client.chat_once("tell me all")

    assert result.final_text == text


@pytest.mark.extended
async def test_a_long_prompt_arrives_whole(model: ScriptedModel, client: CodexClient) -> None:
    prompt = "long " * 180_000
    assert (await client.chat_once(prompt)).final_text == "ok"
    assert model.requests[0].prompt == prompt


@pytest.mark.extended
async def test_a_prompt_over_the_limit_of_the_server_is_refused(model: ScriptedModel, client: CodexClient) -> None:
    thread_id = (await client.chat_once("hello")).thread_id
    with pytest.raises(CodexProtocolError, match="exceeds the maximum length") as caught:
        await client.chat_once("x" * ((1 << 20) + 1), thread_id)

    assert (caught.value.code, caught.value.method) == (-32602, "turn/start")
    assert caught.value.data["max_chars"] == 1 << 20
    assert (await client.chat_once("shorter", thread_id)).final_text == "ok"
    assert_nothing_open(client)


# --- what the server asks


async def test_an_approval_is_refused_without_a_handler(reach: Reach, tmp_path: Path) -> None:
    async with (
        open_scripted_model(approval_policy="on-request") as model,
        reach(model, tmp_path) as make_transport,
    ):
        model.on_turn(run("touch made", escalate=True), say("as you wish"))
        with trio.fail_after(30):
            async with open_codex_client(make_transport()) as client:
                result = await client.chat_once("make a file")
                asked = client.statistics().server_requests

    assert [(step.step_type, step.data.get("status")) for step in result.steps] == [
        ("exec", "declined"),
        ("codex", None),
    ]
    assert result.final_text == "as you wish"
    assert asked == 1
    assert not await trio.Path(tmp_path, "made").exists()
