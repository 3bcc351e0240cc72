"""Recorded turns whose bytes are spoilt on their way to a client: whoever waits is told, and nothing else breaks."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from codex_trio import ApprovalRequest, CodexClient, CodexError, CodexTurnInactiveError, Decision, open_codex_client
from tests.support.mutations import Slip, slips
from tests.support.recorded_turns import PATIENCE, TAG, Message, RecordedTurn, TurnTransport, all_turns

Read = Callable[[CodexClient], Awaitable[None]]

spoiling = settings(
    max_examples=150,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


class SpoilingTransport(TurnTransport):
    """Plays a recorded turn with changes to the bytes of some messages, by number."""

    def __init__(self, turn: RecordedTurn, changes: list[tuple[int, Slip]]) -> None:
        super().__init__(turn)
        self._changes = changes

    def _send(self, message: Message) -> None:
        line = json.dumps(message).encode()
        for number, slip in self._changes:
            if number == message.get(TAG):
                line = slip.apply(line)
        for one in line.split(b"\n"):
            self._to_client.send_nowait(one)


@st.composite
def spoilt_turns(draw: st.DrawFn) -> SpoilingTransport:
    turn = draw(st.sampled_from(all_turns()))
    lines = [json.dumps(row.message).encode() for row in turn.rows[:3]]
    numbers = st.integers(0, len(turn.rows) - 1)
    change = slips(lines, is_gentle=draw(st.booleans()))
    return SpoilingTransport(turn, draw(st.lists(st.tuples(numbers, change), min_size=1, max_size=12)))


async def read_events(client: CodexClient) -> None:
    async for event in client.stream("Go on"):
        assert repr(event)


async def wait_on(client: CodexClient) -> None:
    try:
        await client.chat_once("Go on")
    except CodexTurnInactiveError as exc:
        await client.cancel(exc.continuation, timeout=1)


@pytest.mark.extended
@spoiling
@given(spoilt_turns(), st.sampled_from([read_events, wait_on]))
def test_spoilt_bytes_raise_nothing_but_errors_of_ours(transport: SpoilingTransport, read: Read) -> None:
    async def decide(request: ApprovalRequest) -> Decision:
        return request.decline()

    async def converse() -> None:
        with trio.fail_after(3_600):
            async with open_codex_client(transport, inactivity_timeout=PATIENCE, on_approval=decide) as client:
                with suppress(CodexError):
                    await read(client)
                await transport.has_played.wait()
                await wait_all_tasks_blocked()
                with suppress(CodexError):  # a spoilt message may be taken for the answer
                    await client.request("thread/list")
                await client.notify("still/here")

    trio.run(converse, clock=MockClock(autojump_threshold=0))
