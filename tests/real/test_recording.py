"""A session with the real codex is recorded, and played back to the same program under the mock clock."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from codex_trio import (
    CancelResult,
    ChatResult,
    CodexProtocolError,
    CodexTurnInactiveError,
    ConversationStep,
    Transport,
    open_codex_client,
)
from codex_trio.testing import ReplayDeviationError, ReplayTransport, hang, run, say, think
from tests.support.asking_model import PATIENCE, asking_model, decider


@dataclass
class Seen:
    """Everything that the program got to see."""

    steps: list[ConversationStep] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    cancelled: CancelResult | None = None
    second: ChatResult | None = None
    at_once: dict[str, str] = field(default_factory=dict)
    threads: list[str] = field(default_factory=list)
    refusal: tuple[str, int | None] = ("", None)


async def converse(transport: Transport, *, prompt: str = "Second", record: Path | None = None) -> Seen:
    """Steps with an approval; a turn that is cancelled; a second turn on the thread; two at once; lists; a refusal."""
    seen = Seen()
    asked, handler = decider(lambda request: request.accept())
    async with open_codex_client(transport, on_approval=handler, record=record) as client:
        async for step in client.chat("First"):
            seen.steps.append(step)
        with pytest.raises(CodexTurnInactiveError) as caught:
            await client.chat_once("Wait for ever", inactivity_timeout=0.5)
        seen.cancelled = await client.cancel(caught.value.continuation)
        seen.second = await client.chat_once(prompt, seen.steps[0].thread_id)

        async def ask(prompt: str) -> None:
            seen.at_once[prompt] = (await client.chat_once(prompt)).final_text

        async with trio.open_nursery() as nursery:  # which starts them in either order
            nursery.start_soon(ask, "Left")
            nursery.start_soon(ask, "Right")
        seen.threads = [thread.preview async for thread in client.threads()]
        with pytest.raises(CodexProtocolError) as refused:
            await client.request("nosuch/method")
        seen.refusal = (str(refused.value), refused.value.code)
    seen.asked = [request.item_id for request in asked]
    return seen


@dataclass(frozen=True)
class Session:
    seen: Seen
    recording: Path


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    folder = tmp_path_factory.mktemp("session")
    recording = folder / "session.jsonl"

    async def record() -> Seen:
        with trio.fail_after(PATIENCE):
            async with asking_model() as model:
                model.on_turn(think("hm"), run("echo hello; touch it", escalate=True), say("First done."))
                model.on_turn(say("So far."), hang())
                model.on_turn(say("Second done."))
                model.on_prompt("Left", say("To the left."))
                model.on_prompt("Right", say("To the right."))
                return await converse(model.transport(cwd=folder), record=recording)

    return Session(trio.run(record), recording)


def replay(transport: ReplayTransport, prompt: str = "Second") -> Seen:
    async def play() -> Seen:
        return await converse(transport, prompt=prompt)

    return trio.run(play, clock=MockClock(autojump_threshold=0))


def test_the_recorded_session_was_a_real_one(session: Session) -> None:
    seen = session.seen
    assert [step.step_type for step in seen.steps] == ["thinking", "exec", "codex"]
    assert seen.asked == [seen.steps[1].item_id]
    assert seen.cancelled is not None
    assert seen.second is not None
    assert (seen.cancelled.status, [step.text for step in seen.cancelled.steps]) == ("interrupted", ["So far."])
    assert seen.second.final_text == "Second done."
    assert seen.at_once == {"Left": "To the left.", "Right": "To the right."}
    assert sorted(seen.threads) == ["First", "Left", "Right", "Wait for ever"]
    assert seen.refusal[1] == -32600


def test_a_recording_does_not_tell_whose_machine_it_was_made_on(session: Session) -> None:
    written = session.recording.read_text()
    rows = [json.loads(line) for line in written.splitlines() if "remoteControl/status/changed" in line]
    status = rows[0]["msg"]["params"]
    assert (status["serverName"], status["installationId"]) == ("host", "00000000-0000-4000-8000-000000000000")
    assert stat.S_IMODE(session.recording.stat().st_mode) == 0o600
    assert os.path.expanduser("~/") not in written


@pytest.mark.parametrize("pauses", [True, False])
def test_a_recorded_session_is_the_same_again(session: Session, pauses: bool) -> None:
    for _ in range(5):
        transport = ReplayTransport(session.recording, pauses=pauses)
        assert replay(transport) == session.seen
        assert transport.deviation is None
        assert transport.is_finished


def test_another_prompt_is_named_with_its_place(session: Session) -> None:
    transport = ReplayTransport(session.recording)

    with pytest.raises(ReplayDeviationError) as caught:
        replay(transport, prompt="Something else")

    lines = session.recording.read_text().splitlines()
    (line,) = (number for number, row in enumerate(lines, 1) if '"c2s"' in row and '"Second"' in row)
    assert caught.value.line == line
    assert f"session.jsonl, line {line}: " in str(caught.value)
    assert "at params.input[0].text: expected 'Second', received 'Something else'" in str(caught.value)
    assert caught.value.expected is not None
    assert caught.value.received is not None
    assert caught.value.expected["params"]["input"][0]["text"] == "Second"
    assert caught.value.received["params"]["input"][0]["text"] == "Something else"
    assert transport.deviation is not None
    assert str(transport.deviation) in str(caught.value)
    assert not transport.is_finished
