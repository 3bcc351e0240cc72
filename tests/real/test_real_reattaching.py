"""A continuation, through JSON, in another client of the real server: over websocket and unix socket, and after a death."""

from __future__ import annotations

import pytest
import trio
from _listening import MakeTransport
from _real import assert_nothing_open

from codex_trio import (
    ChatContinuation,
    CodexProtocolError,
    CodexThreadNotFoundError,
    CodexTransportError,
    CodexTurnInactiveError,
    CodexTurnInterruptedError,
    Transport,
    open_codex_client,
)
from codex_trio.testing import ScriptedModel, hang, run, say, think, wait

ON_A_SERVER = pytest.mark.parametrize("make_transport", ["ws", "unix"], indirect=True)
STORY = (think("one"), say("two"), run("echo three"), wait(1.2), say("four"), say("five"))


def mailed(continuation: ChatContinuation | None) -> ChatContinuation:
    assert continuation is not None
    return ChatContinuation.from_json(continuation.to_json())


async def left_in_stream(transport: Transport, count: int) -> tuple[list[str], ChatContinuation]:
    """Read so many steps, wait in vain for one more, and close the client."""
    async with open_codex_client(transport) as client:
        stream = client.chat("Go", inactivity_timeout=0.5)
        seen = [(await anext(stream)).item_type for _ in range(count)]
        with pytest.raises(CodexTurnInactiveError) as caught:
            await anext(stream)
    return seen, mailed(caught.value.continuation)


@ON_A_SERVER
async def test_a_stream_goes_on_in_another_client(model: ScriptedModel, make_transport: MakeTransport) -> None:
    model.on_turn(*STORY)
    _, continuation = await left_in_stream(make_transport(), 3)
    async with open_codex_client(make_transport()) as client:
        rest = [step.text async for step in client.chat(continuation=continuation)]
        assert rest == ["four", "five"]
        assert_nothing_open(client)


@ON_A_SERVER
async def test_a_turn_that_ended_unseen_is_delivered_from_history(
    model: ScriptedModel, make_transport: MakeTransport
) -> None:
    model.on_turn(*STORY)
    _, continuation = await left_in_stream(make_transport(), 3)
    await trio.sleep(1.5)
    async with open_codex_client(make_transport()) as client:
        result = await client.chat_once(continuation=continuation)
        assert [step.text for step in result.steps] == ["four", "five"]
        assert result.completion_source == "thread_read_fallback"
        assert result.final_text == "five"


@ON_A_SERVER
async def test_chat_once_returns_the_whole_result(model: ScriptedModel, make_transport: MakeTransport) -> None:
    model.on_turn(*STORY)
    async with open_codex_client(make_transport()) as client:
        with pytest.raises(CodexTurnInactiveError) as caught:
            await client.chat_once("Go", inactivity_timeout=0.5)
    async with open_codex_client(make_transport()) as client:
        result = await client.chat_once(continuation=mailed(caught.value.continuation))
    kinds = [step.step_type for step in result.steps]
    assert kinds == ["thinking", "codex", "exec", "codex", "codex"]
    assert (result.final_text, result.completion_source) == ("five", "turn_completed")
    assert result.usage is not None


@ON_A_SERVER
async def test_a_turn_is_cancelled_from_another_client(model: ScriptedModel, make_transport: MakeTransport) -> None:
    model.on_turn(think("one"), hang())
    _, continuation = await left_in_stream(make_transport(), 1)
    async with open_codex_client(make_transport()) as client:
        result = await client.cancel(continuation)
        assert result.was_interrupted
        assert result.steps == ()
        assert (await client.chat_once("More", continuation.thread_id)).final_text == "ok"


@ON_A_SERVER
async def test_a_connection_lost_as_the_turn_begins(model: ScriptedModel, make_transport: MakeTransport) -> None:
    model.on_turn(think("one"), wait(0.5), say("two"))
    async with open_codex_client(make_transport()) as client:
        stream = client.chat("Go")
        async with trio.open_nursery() as nursery:

            async def cut_when_started() -> None:
                while stream.turn_id is None:
                    await trio.lowlevel.checkpoint()
                await client._transport.aclose()

            nursery.start_soon(cut_when_started)
            with pytest.raises(CodexTransportError) as caught:
                await anext(stream)
    continuation = mailed(caught.value.continuation)
    assert continuation.seen == ()
    async with open_codex_client(make_transport()) as client:
        assert [step.text async for step in client.chat(continuation=continuation)] == ["one", "two"]


async def test_a_turn_whose_server_closed_is_told_from_history(model: ScriptedModel) -> None:
    model.on_turn(think("one"), say("two"), hang())
    _, continuation = await left_in_stream(model.transport(), 2)
    async with open_codex_client(model.transport()) as client:
        with pytest.raises(CodexTurnInterruptedError) as caught:
            await client.chat_once(continuation=continuation)
        assert caught.value.result.steps == ()
        assert caught.value.result.final_text == "two"
        assert (await client.chat_once("More", continuation.thread_id)).final_text == "ok"


async def test_a_turn_whose_server_was_killed_is_told_from_history(model: ScriptedModel) -> None:
    model.on_turn(think("one"), say("two"), hang())
    transport = model.transport()
    async with open_codex_client(transport) as client:
        stream = client.chat("Go")
        assert [(await anext(stream)).text for _ in range(2)] == ["one", "two"]
        process = transport._process
        assert process is not None
        process.kill()
        with pytest.raises(CodexTransportError) as caught:
            await anext(stream)
    continuation = mailed(caught.value.continuation)
    assert len(continuation.seen) == 2
    async with open_codex_client(model.transport()) as client:
        with pytest.raises(CodexTurnInterruptedError):
            await client.chat_once(continuation=continuation)
        assert (await client.cancel(continuation)).was_interrupted


async def test_another_process_has_the_thread(model: ScriptedModel) -> None:
    model.on_turn(think("one"), hang())
    async with open_codex_client(model.transport()) as one, open_codex_client(model.transport()) as two:
        with pytest.raises(CodexTurnInactiveError) as caught:
            await one.chat_once("Go", inactivity_timeout=1)
        with pytest.raises(CodexProtocolError, match="already has an active writer"):
            await two.chat_once(continuation=caught.value.continuation)
        assert (await one.cancel(caught.value.continuation)).was_interrupted


async def test_what_the_server_does_not_have_is_told(model: ScriptedModel) -> None:
    nowhere = "0199a213-81c0-7800-8aa1-bbab2a035a53"
    async with open_codex_client(model.transport()) as client:
        with pytest.raises(CodexThreadNotFoundError):
            await client.chat_once(continuation=ChatContinuation(nowhere, nowhere, 0, "chat"))
        thread_id = (await client.chat_once("Hello")).thread_id
        with pytest.raises(CodexProtocolError, match=f"no turn {nowhere} in the history"):
            await client.chat_once(continuation=ChatContinuation(thread_id, nowhere, 0, "chat"))
