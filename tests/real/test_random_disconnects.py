"""A proxy cuts the connections to the real server at random: steps arrive once, commands run once, nothing is left."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from codex_trio import (
    ApprovalRequest,
    ChatContinuation,
    CodexClient,
    CodexTransportError,
    CommandApprovalRequest,
    ConversationStep,
    Decision,
    open_codex_client,
)
from codex_trio.testing import ScriptedModel, Step, open_scripted_model, run, say, think, wait
from tests.support.chaos_proxy import ChaosProxy
from tests.support.real_codex import Tap, left, told_statuses, wait_nothing_left, wait_nothing_open
from tests.support.real_servers import Listening

pytestmark = pytest.mark.extended

COUNT = 20
ASKED = (4, 9, 14)  # after these, one command is granted, one is not, and one needs no grant
READERS = 3  # at once
CUT_WITHIN = 40_000  # bytes; to read a whole turn from history takes half of that


def story(name: str) -> list[Step]:
    steps: list[Step] = []
    for n in range(COUNT):
        steps += [think(f"thought {n}"), say(f"word {n}"), wait(0.02)]
        if n in ASKED:
            steps += [run(f"echo {n} >> {name}", escalate=True), run(f"touch no-{name}", escalate=True)]
            steps += [run(f"echo {n}")]
    return steps


async def decide(request: ApprovalRequest) -> Decision:
    await trio.lowlevel.checkpoint()
    assert isinstance(request, CommandApprovalRequest)
    return request.decline() if "touch no-" in request.command else request.accept()


class Chaos:
    """What the turns of one test have in common."""

    def __init__(self, model: ScriptedModel, server: Listening, folder: Path, *, cuts: int) -> None:
        self._model = model
        self._folder = folder
        self._cuts = cuts
        self.proxy = ChaosProxy(server.url)
        self._numbers = 0

    @property
    def is_over(self) -> bool:
        return self.proxy.cuts >= self._cuts

    def next_name(self) -> str:
        """Return the prompt of a turn."""
        self._numbers += 1
        name = f"turn-{self._numbers}"
        self._model.on_prompt(lambda prompt: prompt == name, *story(name))
        return name

    def check(self, name: str, steps: list[ConversationStep]) -> None:
        """Check that a turn was told whole, that nothing of it was told twice, and that its commands ran once."""
        assert len({step.item_id for step in steps}) == len(steps)
        assert [step.text for step in steps if step.step_type == "codex"] == [f"word {n}" for n in range(COUNT)]
        assert [step.text for step in steps if step.step_type == "thinking"] == [f"thought {n}" for n in range(COUNT)]
        commands = [step.data for step in steps if step.step_type == "exec"]
        ran = [one["command"].split("'")[1] for one in commands if one["status"] == "completed"]
        assert ran == [command for n in ASKED for command in (f"echo {n} >> {name}", f"echo {n}")]
        # A command that was declined is not in the history (codex 0.163, 0.169): it comes live or not at all.
        assert len(commands) - len(ran) <= len(ASKED)
        assert (self._folder / name).read_text().split() == [str(n) for n in ASKED]
        assert not (self._folder / f"no-{name}").exists()


@pytest.fixture
async def model() -> AsyncIterator[ScriptedModel]:
    async with open_scripted_model(approval_policy="on-request", sandbox_mode="read-only") as model:
        yield model


over_both = pytest.mark.parametrize(("server", "cuts"), [("ws", 30), ("unix", 8)], indirect=["server"])


@over_both
async def test_a_reconnecting_client_gets_every_step_once(
    model: ScriptedModel, server: Listening, tmp_path: Path, cuts: int, nursery: trio.Nursery
) -> None:
    chaos = Chaos(model, server, tmp_path, cuts=cuts)
    with trio.fail_after(100):
        await nursery.start(chaos.proxy.run)
        before = left()
        async with open_codex_client(chaos.proxy.transport(), on_approval=decide, reconnect=True) as client:
            thread_id = (await client.chat_once("hello")).thread_id
            chaos.proxy.cut_within = CUT_WITHIN
            while not chaos.is_over:
                await read_turn(client, thread_id, chaos)
            chaos.proxy.cut_within = None
            await client.request("thread/list")  # answered once reconnected, when lost turns have been found
            await wait_nothing_open(client)
            statuses = await told_statuses(client, thread_id)
            assert statuses.count("completed") > 1
            assert set(statuses) <= {"completed", "interrupted"}
        await wait_nothing_left(before)
    nursery.cancel_scope.cancel()


async def read_turn(client: CodexClient, thread_id: str, chaos: Chaos) -> None:
    name = chaos.next_name()
    steps: list[ConversationStep] = []
    try:
        async for step in client.chat(name, thread_id):
            steps.append(step)
    except CodexTransportError:  # the call that starts it was on its way
        assert steps == []
    else:
        chaos.check(name, steps)


@over_both
async def test_continuations_through_json_get_every_step_once(
    model: ScriptedModel, server: Listening, tmp_path: Path, cuts: int, nursery: trio.Nursery
) -> None:
    chaos = Chaos(model, server, tmp_path, cuts=cuts)
    with trio.fail_after(100):
        await nursery.start(chaos.proxy.run)
        before = left()
        chaos.proxy.cut_within = CUT_WITHIN
        async with trio.open_nursery() as reading:
            for _ in range(READERS):
                reading.start_soon(read_turns_through_letters, server, chaos)
        await wait_nothing_left(before)
    nursery.cancel_scope.cancel()


async def read_turns_through_letters(server: Listening, chaos: Chaos) -> None:
    """Read one turn after the other, each with a client for each connection, until there were enough cuts."""
    while not chaos.is_over:
        name = chaos.next_name()
        steps, letter = await begin(server, name)
        while letter:
            letter = await go_on(chaos.proxy, letter, steps)
        chaos.check(name, steps)


async def begin(server: Listening, name: str) -> tuple[list[ConversationStep], str]:
    """Begin a turn, and lose the connection; return the steps that came before that, and the continuation."""
    tap = Tap(server.transport())
    tap.cut_behind = "< turn/started"
    steps: list[ConversationStep] = []
    with pytest.raises(CodexTransportError) as caught:  # noqa: PT012  the loop
        async with open_codex_client(tap, on_approval=decide) as client:
            async for step in client.chat(name):
                steps.append(step)
    assert caught.value.continuation is not None
    return steps, caught.value.continuation.to_json()


async def go_on(proxy: ChaosProxy, letter: str, steps: list[ConversationStep]) -> str:
    """Read on, with another client; return the next continuation, or nothing at the end."""
    try:
        async with open_codex_client(proxy.transport(), on_approval=decide) as client:
            async for step in client.chat(continuation=ChatContinuation.from_json(letter)):
                steps.append(step)
    except CodexTransportError as exc:  # without a continuation, it was cut while it was opened
        return letter if exc.continuation is None else exc.continuation.to_json()
    return ""
