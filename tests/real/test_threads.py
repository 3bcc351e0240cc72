"""Threads against the real codex binary, with a scripted model: every operation, and its awkward cases."""

from __future__ import annotations

import os
import tracemalloc
from dataclasses import dataclass
from pathlib import Path

import pytest
import trio

from codex_trio import (
    CodexOutputError,
    CodexProtocolError,
    CodexThreadNotFoundError,
    CommandOutputDelta,
    Event,
    Image,
    StepCompleted,
    TextDelta,
    TurnCompleted,
    open_codex_client,
)
from codex_trio.testing import hang, open_scripted_model, run, say, think
from tests.support.real_servers import Reach, open_both

UNKNOWN = "01a2063d-0633-72f1-ab28-75129a7058a8"


async def test_options_reach_the_model_and_stick(reach: Reach, tmp_path: Path) -> None:
    async with open_both(reach, tmp_path) as (model, client):
        thread = await client.start_thread(
            model="first", sandbox="read-only", base_instructions="Be brief.", developer_instructions="Be kind."
        )
        assert thread.info.cwd == str(tmp_path)
        await thread.chat_once("one")
        await thread.chat_once("two", model="second", effort="low", sandbox="workspace-write", approval_policy="never")
        await thread.chat_once("three")
        assert [request.body["model"] for request in model.requests] == ["first", "second", "second"]
        assert "Be brief." in str(model.requests[0].body)
        assert "Be kind." in str(model.requests[0].body)
        assert model.requests[2].body["reasoning"]["effort"] == "low"
        with pytest.raises(CodexProtocolError, match="unknown variant `bogus`"):
            await client.start_thread(extra={"sandbox": "bogus"})
        with pytest.raises(ValueError, match="sandbox is one of"):
            await client.start_thread(sandbox="bogus")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def test_a_sandbox_is_what_it_says(reach: Reach, tmp_path: Path) -> None:
    async with open_both(reach, tmp_path) as (model, client):
        thread = await client.start_thread(sandbox="danger-full-access", approval_policy="never")
        model.on_turn(run("echo x > made.txt"), say("done"))
        await thread.chat_once("make it")
        assert (tmp_path / "made.txt").read_text() == "x\n"


@pytest.mark.extended
async def test_several_mib_of_a_picture_and_a_file_reach_the_model(reach: Reach, tmp_path: Path) -> None:
    # the smallest PNG that a decoder takes, and many bytes after its end
    png = bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
        "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
    )
    picture = tmp_path / "a.png"
    picture.write_bytes(png)
    async with open_both(reach, tmp_path) as (model, client):
        result = await client.chat_once(["what is it?", Image(data=png + os.urandom(5 << 20)), Image(path=picture)])
        assert result.final_text == "ok"
        parts = [part["type"] for item in model.requests[0].body["input"] for part in item.get("content", ())]
        assert parts.count("input_image") + parts.count("input_text") >= 3
        assert len(str(model.requests[0].body)) > 1_000


async def test_a_stream_tells_what_the_real_server_does(reach: Reach, tmp_path: Path) -> None:
    async with open_both(reach, tmp_path) as (model, client):
        model.on_turn(think("hm"), run("echo out"), say("one two three", pieces=3))
        events: list[Event] = [event async for event in client.stream("go")]
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "one two three"
    steps = [event.step.step_type for event in events if isinstance(event, StepCompleted)]
    assert steps == ["thinking", "exec", "codex"]
    end = events[-1]
    assert isinstance(end, TurnCompleted)
    assert end.result.final_text == "one two three"
    assert end.result.usage is not None


@dataclass
class Found:
    name: str
    count: int = 0


async def test_a_structured_answer_and_one_that_breaks_its_schema(reach: Reach, tmp_path: Path) -> None:
    async with open_both(reach, tmp_path) as (model, client):
        model.on_turn(say('{"name": "x", "count": 3}'))
        model.on_turn(say('{"name": "x", "count": "three"}'))
        result = await client.chat_once("find", output_type=Found)
        assert result.output == Found("x", 3)
        sent = model.requests[0].body["text"]["format"]
        assert (sent["type"], sent["strict"]) == ("json_schema", True)
        assert sent["schema"]["required"] == ["name", "count"]
        with pytest.raises(CodexOutputError) as caught:
            await client.chat_once("find", result.thread_id, output_type=Found)
        assert caught.value.path == "$.count"
        assert (await client.chat_once("go on", result.thread_id)).final_text == "ok"


async def test_a_review_a_compaction_and_a_command_are_turns(reach: Reach, tmp_path: Path) -> None:
    await trio.run_process(["git", "init", "-q", str(tmp_path)])
    async with open_both(reach, tmp_path) as (model, client):
        thread = await client.start_thread()
        await thread.chat_once("hi")
        model.on_prompt("Review the current", say("Nothing to review."))
        review = await thread.review()
        assert review.final_text == "Nothing to review."
        assert [step.item_type for step in review.steps] == ["enteredReviewMode", "exitedReviewMode", "agentMessage"]
        assert [step.item_type for step in (await thread.compact()).steps] == ["contextCompaction"]
        (command,) = (await thread.shell("echo out; exit 3")).steps
        assert (command.data["aggregatedOutput"], command.data["exitCode"]) == ("out\n", 3)
        streamed = [event async for event in thread.stream_shell("echo again")]
        assert any(isinstance(event, CommandOutputDelta) for event in streamed)
        assert isinstance(streamed[-1], TurnCompleted)
        with pytest.raises(CodexProtocolError, match="instructions must not be empty"):
            await thread.review({"type": "custom", "instructions": ""})
        with pytest.raises(CodexProtocolError, match="command must not be empty"):
            await thread.shell("")
        assert (await thread.chat_once("still here?")).final_text == "ok"
        assert client.statistics().open_turns == 0


@pytest.mark.extended
async def test_a_cancelled_review_or_command_leaves_the_thread_free(reach: Reach, tmp_path: Path) -> None:
    async with open_both(reach, tmp_path) as (model, client):
        thread = await client.start_thread()
        await thread.chat_once("hi")
        model.on_prompt("look closely", say("so far"), hang())
        with trio.move_on_after(0.5) as scope:
            await thread.review({"type": "custom", "instructions": "look closely"})
        assert scope.cancelled_caught
        assert (await thread.chat_once("next")).final_text == "ok"
        with trio.move_on_after(0.3) as scope:
            await thread.shell("sleep 60")
        assert scope.cancelled_caught
        assert (await thread.chat_once("next")).final_text == "ok"
        with trio.move_on_after(0):
            await thread.compact()
        assert (await thread.chat_once("next")).final_text == "ok"


@pytest.mark.from_codex("0.163", "a steer waits until the model has said what it is saying")
async def test_steering_and_interrupting(reach: Reach, tmp_path: Path) -> None:
    async with open_both(reach, tmp_path) as (model, client):
        thread = await client.start_thread()
        with pytest.raises(CodexProtocolError, match="no active turn to steer"):
            await thread.steer("faster")
        assert not await thread.interrupt()
        assert (await thread.chat_once("hi")).final_text == "ok"
        assert not await thread.interrupt()
        model.on_turn(say("slow"), hang())
        model.on_prompt("faster", say("as you wish"))
        async with thread.chat("go") as stream:
            assert (await anext(stream)).text == "slow"
            assert await thread.steer("faster") == stream.turn_id
            assert (await anext(stream)).text == "as you wish"
        model.on_turn(say("slow"), hang())
        async with thread.chat("go") as stream:
            await anext(stream)
            assert await thread.interrupt()
            with pytest.raises(CodexProtocolError, match="was interrupted"):
                await anext(stream)
        assert (await thread.chat_once("hi")).final_text == "ok"


@pytest.mark.extended
async def test_reverting_to_the_start_and_past_it(reach: Reach, tmp_path: Path) -> None:
    async with open_both(reach, tmp_path) as (_, client):
        thread = await client.start_thread()
        first, second = await thread.chat_once("one"), await thread.chat_once("two")
        await thread.revert(second.turn_id)
        assert [turn.id async for turn in thread.turns()] == [first.turn_id]
        await thread.revert(first.turn_id)
        assert [turn.id async for turn in thread.turns()] == []
        for gone in (first.turn_id, UNKNOWN):
            with pytest.raises(CodexProtocolError, match="turn not found"):
                await thread.revert(gone)
        assert (await thread.chat_once("afresh")).final_text == "ok"
        assert [item.text async for item in thread.items()] == ["afresh", "ok"]


async def test_the_life_of_a_thread(reach: Reach, tmp_path: Path) -> None:
    async with open_both(reach, tmp_path, experimental_api=True) as (_, client):
        thread = await client.start_thread()
        assert [turn async for turn in thread.turns()] == []
        assert [item async for item in thread.items()] == []
        first = await thread.chat_once("one")
        await thread.chat_once("two")
        await thread.rename("mine")
        assert (await thread.read()).name == "mine"
        with pytest.raises(CodexProtocolError, match="name must not be empty"):
            await thread.rename("")
        fork = await thread.fork(last_turn_id=first.turn_id)
        assert fork.info.forked_from_id == thread.id
        assert len([turn async for turn in fork.turns()]) == 1
        assert (await fork.chat_once("three")).final_text == "ok"
        with pytest.raises(CodexProtocolError, match="forked history still references it"):
            await thread.delete()
        await fork.delete()
        await thread.unsubscribe()
        assert (await thread.chat_once("after unsubscribing")).final_text == "ok"
        await thread.stop_terminals()
        await thread.archive()
        assert thread.id not in [one.id async for one in client.threads()]
        assert thread.id in [one.id async for one in client.threads(archived=True)]
        with pytest.raises(CodexProtocolError, match="is archived"):
            await thread.chat_once("archived")
        await thread.unarchive()
        assert (await thread.chat_once("back")).final_text == "ok"
        assert [one.id async for one in client.threads(page_size=1)] == [thread.id]
        await thread.delete()
        with pytest.raises(CodexThreadNotFoundError):
            await thread.chat_once("deleted")


@pytest.mark.extended
async def test_a_thread_that_there_is_not(reach: Reach, tmp_path: Path) -> None:
    async with open_both(reach, tmp_path) as (_, client):
        for thread_id in (UNKNOWN, "not an id"):
            with pytest.raises(CodexThreadNotFoundError) as caught:
                await client.resume_thread(thread_id)
            assert caught.value.thread_id == thread_id
        with pytest.raises(CodexThreadNotFoundError):
            await client.fork_thread(UNKNOWN)


async def test_a_thread_is_resumed_by_another_process(reach: Reach, tmp_path: Path) -> None:
    with trio.fail_after(60):
        async with open_scripted_model() as model, reach(model, tmp_path) as make_transport:
            async with open_codex_client(make_transport()) as client:
                thread_id = (await client.chat_once("one")).thread_id
            async with open_codex_client(make_transport()) as client:
                thread = await client.resume_thread(thread_id, model="other")
                assert (await thread.chat_once("two")).final_text == "ok"
                assert [item.text async for item in thread.items()] == ["one", "ok", "two", "ok"]
                assert model.requests[-1].body["model"] == "other"


async def test_models_are_listed(reach: Reach, tmp_path: Path) -> None:
    async with open_both(reach, tmp_path) as (_, client):
        models = [model async for model in client.models(page_size=2)]
    assert len({model.id for model in models}) == len(models) > 2
    assert [model.is_default for model in models].count(True) == 1
    assert all(model.default_effort in model.efforts for model in models)


@pytest.mark.extended
async def test_an_ephemeral_thread_has_no_history_and_says_so(reach: Reach, tmp_path: Path) -> None:
    async with open_both(reach, tmp_path) as (_, client):
        thread = await client.start_thread(ephemeral=True)
        await thread.chat_once("hi")
        for pages in (thread.turns(), thread.items()):
            with pytest.raises(CodexProtocolError, match="support"):
                await anext(pages)


# Each takes a twentieth of a second to make, and more when the machine is busy; with 500 of them it is the same.
TURNS = 100


@pytest.mark.extended
async def test_a_long_history_is_paged_with_flat_memory(reach: Reach, tmp_path: Path) -> None:
    async with open_both(reach, tmp_path) as (model, client):
        model.default(say("x" * 500, pieces=1))
        thread = await client.start_thread()
        made = [(await thread.chat_once(f"prompt {number}")).turn_id for number in range(TURNS)]
        tracemalloc.start()
        try:
            count, sizes, peaks = 0, [], []
            async for turn in thread.turns(page_size=5):
                assert turn.id == made[count]
                count += 1
                if count % 10 == 0:
                    size, peak = tracemalloc.get_traced_memory()
                    sizes.append(size)
                    peaks.append(peak)
        finally:
            tracemalloc.stop()
    assert count == TURNS
    # In bytes; what all of the turns take is twice that.
    assert max(peaks) - peaks[0] < TURNS * 500
    assert sizes[-1] - sizes[0] < TURNS * 500
