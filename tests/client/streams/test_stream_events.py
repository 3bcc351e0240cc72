"""`stream` over the in-memory server, on the mock clock: what comes, in which order, and what a slow reader gets."""

from __future__ import annotations

import math
import tracemalloc
from typing import Any

import pytest
import trio

from codex_trio import (
    CodexTurnFailedError,
    CodexTurnInactiveError,
    CommandOutputDelta,
    DiffUpdated,
    Event,
    EventStream,
    OtherEvent,
    PlanUpdated,
    ReasoningDelta,
    RetryScheduled,
    StepCompleted,
    StepStarted,
    TextDelta,
    TokenUsageUpdated,
    TurnCompleted,
    open_codex_client,
)
from codex_trio.testing import ScriptedAppServer, fail, hang, raw, retry, run, say, think, wait

IDS = {"threadId": "{thread_id}", "turnId": "{turn_id}"}


def note(method: str, **params: Any) -> Any:
    return raw({"method": method, "params": {**IDS, **params}})


def names(events: list[Event]) -> list[str]:
    return [event.method if isinstance(event, OtherEvent) else type(event).__name__ for event in events]


async def read(stream: EventStream, into: list[Event]) -> None:
    async for event in stream:
        into.append(event)


@pytest.mark.smoke
async def test_everything_comes_as_it_happens(autojump_clock: trio.testing.MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(
        think("hm"),
        run("ls", output="a"),
        note("turn/plan/updated", explanation=None, plan=[{"step": "s", "status": "pending"}]),
        note("turn/diff/updated", diff="--- a"),
        retry("again", details="why"),
        note("some/day", x=1),
        say("one two", pieces=2),
    )
    async with open_codex_client(server.transport()) as client:
        events = [event async for event in client.stream("go")]
    assert names(events) == [
        "turn/started",
        "item/started",
        "item/completed",
        "StepStarted",
        "item/reasoning/summaryPartAdded",
        "ReasoningDelta",
        "StepCompleted",
        "StepStarted",
        "CommandOutputDelta",
        "StepCompleted",
        "TokenUsageUpdated",
        "PlanUpdated",
        "DiffUpdated",
        "TokenUsageUpdated",
        "RetryScheduled",
        "some/day",
        "StepStarted",
        "TextDelta",
        "StepCompleted",
        "TokenUsageUpdated",
        "TurnCompleted",
    ]
    by_type = {type(event): event for event in events}
    thought, output = by_type[ReasoningDelta], by_type[CommandOutputDelta]
    assert isinstance(thought, ReasoningDelta)
    assert (thought.text, thought.index, thought.is_summary) == ("hm", 0, True)
    assert isinstance(output, CommandOutputDelta)
    assert output.text == "a"
    assert by_type[PlanUpdated] == PlanUpdated(({"step": "s", "status": "pending"},), None)
    assert by_type[DiffUpdated] == DiffUpdated("--- a")
    notice = by_type[RetryScheduled]
    assert isinstance(notice, RetryScheduled)
    assert (notice.message, notice.details) == ("again", "why")
    end = events[-1]
    assert isinstance(end, TurnCompleted)
    assert end.result.final_text == "one two"
    assert [step.step_type for step in end.result.steps] == ["thinking", "exec", "codex"]
    usage = by_type[TokenUsageUpdated]
    assert isinstance(usage, TokenUsageUpdated)
    assert end.result.usage == usage.usage


async def test_a_fast_reader_gets_each_delta_by_itself(autojump_clock: trio.testing.MockClock) -> None:
    server = ScriptedAppServer()
    delta = [note("item/agentMessage/delta", itemId="m", delta=text) for text in ("a", "b", "c")]
    server.on_turn(delta[0], wait(1), delta[1], wait(1), delta[2])
    async with open_codex_client(server.transport()) as client:
        texts = [event.text async for event in client.stream("go") if isinstance(event, TextDelta)]
    assert texts == ["a", "b", "c"]


async def test_unread_deltas_grow_together_but_never_across_their_items_events(
    autojump_clock: trio.testing.MockClock,
) -> None:
    server = ScriptedAppServer()

    def delta(item: str, text: str) -> Any:
        return note("item/agentMessage/delta", itemId=item, delta=text)

    def completed(item: str) -> Any:
        return note("item/completed", item={"type": "agentMessage", "id": item, "text": "x"})

    def thought(index: int, text: str) -> Any:
        return note("item/reasoning/summaryTextDelta", itemId="r", summaryIndex=index, delta=text)

    server.on_turn(
        delta("a", "1"),
        delta("b", "one"),
        delta("a", "2"),
        completed("b"),
        delta("a", "3"),
        delta("b", "late"),
        completed("a"),
        thought(0, "x"),
        thought(0, "y"),
        thought(1, "z"),
    )
    async with open_codex_client(server.transport()) as client:
        stream = client.stream("go")
        await anext(stream)  # it has begun; now the reader sleeps
        await trio.sleep(10)
        rest = [event async for event in stream if not isinstance(event, OtherEvent)]
    assert [
        (type(event).__name__, event.text if isinstance(event, (TextDelta, ReasoningDelta)) else "") for event in rest
    ] == [
        ("TextDelta", "123"),
        ("TextDelta", "one"),
        ("StepCompleted", ""),
        ("TextDelta", "late"),
        ("StepCompleted", ""),
        ("ReasoningDelta", "xy"),
        ("ReasoningDelta", "z"),
        ("TokenUsageUpdated", ""),
        ("TurnCompleted", ""),
    ]


@pytest.mark.extended
async def test_a_hundred_thousand_unread_deltas_take_what_their_text_takes(
    autojump_clock: trio.testing.MockClock,
) -> None:
    server = ScriptedAppServer()
    text = "word " * 100_000
    server.on_turn(say(text, pieces=100_000), wait(60))
    async with open_codex_client(server.transport()) as client:
        stream = client.stream("go")
        await anext(stream)
        tracemalloc.start()
        await trio.sleep(30)
        assert client.statistics().unread_events < 10
        kept, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert kept < 6 * len(text)  # once here; the completed item and the server have it, too
        assert "".join([event.text async for event in stream if isinstance(event, TextDelta)]) == text


async def test_a_failed_turn_has_no_last_event_but_raises(autojump_clock: trio.testing.MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(say("so far"), fail("ill"))
    events: list[Event] = []
    async with open_codex_client(server.transport()) as client:
        with pytest.raises(CodexTurnFailedError, match="ill"):
            await read(client.stream("go"), events)
    assert any(isinstance(event, StepCompleted) for event in events)
    assert not any(isinstance(event, TurnCompleted) for event in events)


async def test_a_quiet_stream_hands_out_a_continuation_for_any_call(autojump_clock: trio.testing.MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(say("a"), wait(100), say("b"), wait(100), say("c"))
    async with open_codex_client(server.transport(), inactivity_timeout=10) as client:
        with pytest.raises(CodexTurnInactiveError) as caught:
            await read(client.stream("go"), [])
        with pytest.raises(CodexTurnInactiveError) as again:
            await client.chat_once(continuation=caught.value.continuation, inactivity_timeout=95)
        stream = client.stream(continuation=again.value.continuation, inactivity_timeout=math.inf)
        steps = [event.step.text async for event in stream if isinstance(event, StepCompleted)]
    assert steps == ["b", "c"]


async def test_dropping_a_stream_interrupts_its_turn(autojump_clock: trio.testing.MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(say("a"), hang())
    async with open_codex_client(server.transport()) as client:
        async with client.stream("go") as stream:
            async for event in stream:
                if isinstance(event, StepStarted):
                    break
        assert client.statistics().open_turns == 0
    assert server.received_methods().count("turn/interrupt") == 1


async def test_chat_decodes_no_delta(autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch) -> None:
    from codex_trio._session import connection as _connection
    from codex_trio._wire.messages import parse_message

    read_whole: list[bytes] = []

    def noting(line: bytes) -> object:
        read_whole.append(line)
        return parse_message(line)

    monkeypatch.setattr(_connection, "parse_message", noting)
    server = ScriptedAppServer()
    server.on_turn(say("one two three four", pieces=4))
    async with open_codex_client(server.transport()) as client:
        assert (await client.chat_once("go")).final_text == "one two three four"
    assert any(b"item/completed" in line for line in read_whole)
    assert not any(b"item/agentMessage/delta" in line for line in read_whole)
