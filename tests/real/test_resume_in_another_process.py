"""A continuation, through JSON, in another client of the real server: over websocket and unix socket, and after a death."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

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
from codex_trio.testing import ScriptedModel, hang, run, say, think
from tests.support.real_codex import Tap, assert_nothing_open, told_statuses
from tests.support.real_servers import MakeTransport, codex

on_a_server = pytest.mark.parametrize("reach", ["ws", pytest.param("unix", marks=pytest.mark.extended)], indirect=True)
QUIET = 0.3  # seconds; a turn that is quiet for as long before it should be is waited for again


class Gate:
    """Keeps a turn waiting, in a command, until the test lets it go on."""

    def __init__(self, folder: Path) -> None:
        os.mkfifo(folder / "gate")
        self._fd = os.open(folder / "gate", os.O_RDWR)
        self.story = (think("one"), say("two"), run("read line < gate"), say("four"), say("five"))

    def open(self) -> None:
        os.write(self._fd, b"\n")

    def close(self) -> None:
        os.close(self._fd)


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    gate = Gate(tmp_path)
    yield gate
    gate.close()


def mailed(continuation: ChatContinuation | None) -> ChatContinuation:
    assert continuation is not None
    return ChatContinuation.from_json(continuation.to_json())


async def left_in_stream(transport: Transport, count: int) -> ChatContinuation:
    """Read so many steps, wait in vain for one more, and close the client."""
    async with open_codex_client(transport) as client:
        stream = client.chat("Go", inactivity_timeout=QUIET)
        while True:
            try:
                async for _ in stream:
                    count -= 1
            except CodexTurnInactiveError as exc:
                if count == 0:
                    return mailed(exc.continuation)
                stream = client.chat(continuation=exc.continuation, inactivity_timeout=QUIET)


@pytest.mark.extended
@on_a_server
async def test_a_stream_goes_on_in_another_client(
    model: ScriptedModel, make_transport: MakeTransport, gate: Gate
) -> None:
    model.on_turn(*gate.story)
    continuation = await left_in_stream(make_transport(), 2)
    tap = Tap(make_transport())
    tap.after = lambda name: gate.open() if name == "< thread/items/list" else None
    async with open_codex_client(tap) as client:
        command, *rest = [step async for step in client.chat(continuation=continuation)]
        assert command.step_type == "exec"
        assert [step.text for step in rest] == ["four", "five"]
        assert_nothing_open(client)


@on_a_server
async def test_a_turn_that_ended_unseen_is_delivered_from_history(
    model: ScriptedModel, make_transport: MakeTransport, gate: Gate
) -> None:
    model.on_turn(*gate.story)
    continuation = await left_in_stream(make_transport(), 2)
    gate.open()
    async with open_codex_client(make_transport()) as client:
        while await told_statuses(client, continuation.thread_id) != ["completed"]:  # noqa: ASYNC110  nobody tells
            await trio.sleep(0.02)
        result = await client.chat_once(continuation=continuation)
    assert [step.text for step in result.steps][1:] == ["four", "five"]
    assert result.completion_source == "thread_read_fallback"
    assert result.final_text == "five"


@on_a_server
async def test_chat_once_returns_the_whole_result(
    model: ScriptedModel, make_transport: MakeTransport, gate: Gate
) -> None:
    model.on_turn(*gate.story)
    async with open_codex_client(make_transport()) as client:
        with pytest.raises(CodexTurnInactiveError) as caught:
            await client.chat_once("Go", inactivity_timeout=QUIET)
    tap = Tap(make_transport())
    tap.after = lambda name: gate.open() if name == "< thread/items/list" else None
    async with open_codex_client(tap) as client:
        result = await client.chat_once(continuation=mailed(caught.value.continuation))
    kinds = [step.step_type for step in result.steps]
    assert kinds == ["thinking", "codex", "exec", "codex", "codex"]
    assert (result.final_text, result.completion_source) == ("five", "turn_completed")
    assert result.usage is not None


@on_a_server
async def test_a_turn_is_cancelled_from_another_client(model: ScriptedModel, make_transport: MakeTransport) -> None:
    model.on_turn(think("one"), hang())
    continuation = await left_in_stream(make_transport(), 1)
    async with open_codex_client(make_transport()) as client:
        result = await client.cancel(continuation)
        assert result.was_interrupted
        assert result.steps == ()
        assert (await client.chat_once("More", continuation.thread_id)).final_text == "ok"


@pytest.mark.extended
async def test_a_turn_whose_server_closed_is_told_from_history(model: ScriptedModel) -> None:
    model.on_turn(think("one"), say("two"), hang())
    continuation = await left_in_stream(model.transport(), 2)
    async with open_codex_client(model.transport()) as client:
        with pytest.raises(CodexTurnInterruptedError) as caught:
            await client.chat_once(continuation=continuation)
        assert caught.value.result.steps == ()
        assert caught.value.result.final_text == "two"
        assert (await client.chat_once("More", continuation.thread_id)).final_text == "ok"


@pytest.mark.extended
async def test_a_turn_whose_server_was_killed_is_told_from_history(model: ScriptedModel, tmp_path: Path) -> None:
    model.on_turn(think("one"), say("two"), hang())
    command = ["sh", "-c", 'echo $$ > pid; exec "$0" app-server', codex()]
    async with open_codex_client(model.transport(command, cwd=tmp_path)) as client:
        stream = client.chat("Go")
        assert [(await anext(stream)).text for _ in range(2)] == ["one", "two"]
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
        with pytest.raises(CodexTransportError) as caught:
            await anext(stream)
    assert caught.value.returncode == -signal.SIGKILL
    continuation = mailed(caught.value.continuation)
    assert len(continuation.seen) == 2
    async with open_codex_client(model.transport()) as client:
        with pytest.raises(CodexTurnInterruptedError):
            await client.chat_once(continuation=continuation)
        assert (await client.cancel(continuation)).was_interrupted


@pytest.mark.extended
async def test_another_process_has_the_thread(model: ScriptedModel) -> None:
    model.on_turn(think("one"), hang())
    async with open_codex_client(model.transport()) as one, open_codex_client(model.transport()) as two:
        with pytest.raises(CodexTurnInactiveError) as caught:
            await one.chat_once("Go", inactivity_timeout=1)
        with pytest.raises(CodexProtocolError, match="already has an active writer"):
            await two.chat_once(continuation=caught.value.continuation)
        assert (await one.cancel(caught.value.continuation)).was_interrupted


@pytest.mark.extended
async def test_what_the_server_does_not_have_is_told(model: ScriptedModel) -> None:
    nowhere = "0199a213-81c0-7800-8aa1-bbab2a035a53"
    async with open_codex_client(model.transport()) as client:
        with pytest.raises(CodexThreadNotFoundError):
            await client.chat_once(continuation=ChatContinuation(nowhere, nowhere, 0, "chat"))
        thread_id = (await client.chat_once("Hello")).thread_id
        with pytest.raises(CodexProtocolError, match=f"no turn {nowhere} in the history"):
            await client.chat_once(continuation=ChatContinuation(thread_id, nowhere, 0, "chat"))
