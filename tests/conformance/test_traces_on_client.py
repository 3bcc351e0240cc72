"""Every recorded turn of every recorded version of codex, played to a client as it was."""

from __future__ import annotations

import functools

import pytest
from trio.testing import MockClock

from codex_trio import (
    CodexError,
    CodexTransportError,
    CodexTurnFailedError,
    CodexTurnInactiveError,
    CodexTurnInterruptedError,
    open_codex_client,
)
from tests.support.recorded_turns import PATIENCE, Played, RecordedTurn, TurnTransport, all_turns, play

ENDS: dict[str | None, type[CodexError]] = {
    "failed": CodexTurnFailedError,
    "interrupted": CodexTurnInterruptedError,
    None: CodexTurnInactiveError,
}


@functools.cache
def replayed(turn: RecordedTurn) -> Played:
    """Play a turn as it was, once for all the tests that look at it."""
    return play(turn)


turns = pytest.mark.parametrize("turn", all_turns(), ids=lambda turn: turn.label)
ended_turns = pytest.mark.parametrize(
    "turn", [turn for turn in all_turns() if turn.status is not None], ids=lambda turn: turn.label
)
open_turns = pytest.mark.parametrize(
    "turn", [turn for turn in all_turns() if turn.status is None], ids=lambda turn: turn.label
)


def test_the_traces_are_of_all_versions_and_of_every_end() -> None:
    versions = {turn.hello["userAgent"].split("/")[1].split(" ")[0] for turn in all_turns()}

    assert versions == {"0.100.0", "0.120.0", "0.140.0", "0.155.0", "0.163.0", "0.169.0", "0.171.0"}
    assert {turn.status for turn in all_turns()} == {"completed", "failed", "interrupted", None}
    assert len(all_turns()) > 150


@ended_turns
def test_a_recorded_turn_ends_as_it_ended(turn: RecordedTurn) -> None:
    played = replayed(turn)

    assert played.known is not None
    assert (played.known.thread_id, played.known.turn_id) == (turn.thread_id, turn.turn_id)
    assert type(played.error) is ENDS.get(turn.status, type(None))
    assert played.known.final_text == turn.final_text
    assert [step.data for step in played.steps] == [item for item in turn.items if item["type"] != "userMessage"]


@pytest.mark.extended
@ended_turns
def test_a_recorded_turn_comes_as_a_stream_of_the_same_steps(turn: RecordedTurn) -> None:
    played = play(turn, as_stream=True)

    assert type(played.error) is ENDS.get(turn.status, type(None))
    assert [step.data for step in played.steps] == [item for item in turn.items if item["type"] != "userMessage"]


@ended_turns
def test_each_recorded_event_is_delivered_once_to_whom_it_belongs(turn: RecordedTurn) -> None:
    played = replayed(turn)

    assert played.events == turn.events
    assert sorted(played.others) == turn.other_events
    assert played.late_events == len(turn.late_events)


@pytest.mark.extended
@ended_turns
def test_a_turn_that_ended_before_it_was_answered_is_the_same_turn(turn: RecordedTurn) -> None:
    late = turn.answered_last()
    played = play(late)

    assert played.events == late.events
    assert sorted(played.others) == late.other_events
    assert played.late_events == len(late.late_events)
    assert type(played.error) is ENDS.get(turn.status, type(None))
    assert played.known is not None
    assert played.known.final_text == turn.final_text


@turns
def test_each_recorded_request_of_the_server_is_answered_once(turn: RecordedTurn) -> None:
    played = replayed(turn)

    asked = [row.message["id"] for row in turn.rows if row.method and "id" in row.message]
    assert [answer["id"] for answer in played.answered] == asked


def test_the_final_text_is_what_the_servers_own_summary_has() -> None:
    summaries = [
        (turn, turn.end["items"]) for turn in all_turns() if turn.end and turn.end.get("itemsView") == "summary"
    ]

    for turn, items in summaries:
        result = replayed(turn).known
        assert result is not None
        assert [(result.final_text, result.assistant_item_id)] == [(item["text"], item["id"]) for item in items]
    assert len(summaries) > 80


@open_turns
def test_a_turn_whose_end_was_never_recorded_goes_quiet(turn: RecordedTurn) -> None:
    error = play(turn, history="none").error

    assert isinstance(error, CodexTurnInactiveError)
    assert (error.continuation.thread_id, error.continuation.turn_id) == (turn.thread_id, turn.turn_id)
    assert error.idle_seconds == pytest.approx(PATIENCE)
    assert error.continuation.cursor == len(turn.events)


@open_turns
async def test_a_turn_that_the_server_did_not_survive_is_lost_with_its_continuation(
    turn: RecordedTurn, autojump_clock: MockClock
) -> None:
    async with open_codex_client(TurnTransport(turn, silence="lost")) as client:
        with pytest.raises(CodexTransportError, match="the recorded server is gone") as caught:
            await client.chat_once("Go on")

    assert caught.value.continuation is not None
    assert (caught.value.continuation.thread_id, caught.value.continuation.turn_id) == (turn.thread_id, turn.turn_id)
