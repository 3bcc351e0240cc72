"""The connection to a server that listens is lost at each moment of a turn: no step is lost, none comes twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio
from _asking import decider
from _listening import MakeTransport
from _real import Tap, assert_nothing_open, told_statuses

from codex_trio import (
    ChatContinuation,
    CodexTransportError,
    ConversationStep,
    open_codex_client,
)
from codex_trio.testing import ScriptedModel, open_scripted_model, run, say, think

over_both = pytest.mark.parametrize("reach", ["ws", "unix"], indirect=True)

MOMENTS = [
    "< turn/start",
    "< thread/status/changed",
    "< turn/started",
    "< item/completed userMessage",
    "< item/started reasoning",
    "< item/completed reasoning",
    "< item/agentMessage/delta",
    "< item/completed agentMessage",
    "< item/started commandExecution",
    "< item/commandExecution/requestApproval",
    "< serverRequest/resolved",
    "< item/completed commandExecution",
    "< thread/tokenUsage/updated",
]
STORY = (think("hm"), say("half"), run("echo ran >> file", escalate=True), say("whole"))


@pytest.fixture
async def model() -> AsyncIterator[ScriptedModel]:
    with trio.fail_after(60):
        async with open_scripted_model(approval_policy="on-request", sandbox_mode="read-only") as model:
            model.on_prompt("Go", *STORY)
            yield model


def check(steps: list[ConversationStep], folder: Path) -> None:
    assert [step.step_type for step in steps] == ["thinking", "codex", "exec", "codex"]
    assert [step.text for step in steps if step.step_type != "exec"] == ["hm", "half", "whole"]
    assert steps[2].data["exitCode"] == 0
    file = folder / "file"
    assert file.read_text() == "ran\n"  # once
    file.unlink()


@over_both
async def test_a_reconnecting_client_sees_a_pause(
    model: ScriptedModel, make_transport: MakeTransport, tmp_path: Path
) -> None:
    tap = Tap(make_transport())
    _, accept = decider(lambda request: request.accept())
    async with open_codex_client(tap, on_approval=accept, reconnecting=True) as client:
        thread_id = (await client.chat_once("Hello")).thread_id
        for number, moment in enumerate(MOMENTS, 1):
            tap.cut_behind = moment
            check([step async for step in client.chat("Go", thread_id)], tmp_path)
            assert tap.passed.count("< initialize") == 1 + number, moment
            assert_nothing_open(client)
        assert await told_statuses(client, thread_id) == ["completed"] * (1 + len(MOMENTS))


@over_both
async def test_a_continuation_goes_on_in_another_client(
    model: ScriptedModel, make_transport: MakeTransport, tmp_path: Path
) -> None:
    _, accept = decider(lambda request: request.accept())
    for moment in MOMENTS:
        steps: list[ConversationStep] = []
        tap = Tap(make_transport())
        tap.cut_behind = moment
        async with open_codex_client(tap, on_approval=accept) as client:
            with pytest.raises(CodexTransportError, match="cut by the test") as caught:  # noqa: PT012  the loop
                async for step in client.chat("Go"):
                    steps.append(step)
        assert caught.value.continuation is not None, moment
        continuation = ChatContinuation.from_json(caught.value.continuation.to_json())
        async with open_codex_client(make_transport(), on_approval=accept) as client:
            async for step in client.chat(continuation=continuation):
                steps.append(step)
            check(steps, tmp_path)
            assert_nothing_open(client)
