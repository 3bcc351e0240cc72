"""Recorded turns with keys dropped, renamed and retyped: what a later server may do to us."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codex_trio import (
    CodexProtocolError,
    CodexTimeoutError,
    CodexTurnFailedError,
    CodexTurnInactiveError,
    CodexTurnInterruptedError,
)
from tests.support.mutations import SpoiltTurn, spoilt_turns
from tests.support.recorded_turns import History, Played, RecordedTurn, play

spoiling = settings(
    max_examples=150,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
histories = st.sampled_from(get_args(History))


def assert_nothing_doubled(played: Played) -> None:
    numbers = played.events + played.others
    assert len(numbers) == len(set(numbers))
    ids = [step.item_id for step in played.steps if step.item_id]
    assert len(ids) == len(set(ids))


def tells_the_end_otherwise(spoilt: SpoiltTurn, history: History) -> bool:
    """Whether an intact message says that the thread is idle, and the server's history has the turn's end."""
    turn = spoilt.turn
    if history == "none" or turn.end is None or turn.end.get("completedAt") is None:
        return False
    statuses = [index for index, kind in thread_statuses(turn) if spoilt.is_intact(index)]
    kinds = dict(thread_statuses(turn))
    return bool(statuses) and kinds[statuses[-1]] != "active"


def thread_statuses(turn: RecordedTurn) -> list[tuple[int, str]]:
    return [
        (index, row.message["params"]["status"]["type"])
        for index, row in enumerate(turn.rows)
        if row.method == "thread/status/changed" and row.message["params"]["threadId"] == turn.thread_id
    ]


@pytest.mark.extended
@spoiling
@given(spoilt_turns(spoils_ends=False), histories)
def test_a_turn_whose_end_is_intact_ends_as_it_ended(spoilt: SpoiltTurn, history: History) -> None:
    played = play(spoilt.turn, spoilt.messages, history=history)

    expected = {"failed": CodexTurnFailedError, "interrupted": CodexTurnInterruptedError}.get(spoilt.turn.status or "")
    assert type(played.error) is (expected or type(None))
    assert played.known is not None
    assert played.known.turn_id == spoilt.turn.turn_id
    assert_nothing_doubled(played)


@pytest.mark.extended
@spoiling
@given(spoilt_turns(spoils_ends=False), histories)
def test_a_spoilt_message_takes_no_other_with_it(spoilt: SpoiltTurn, history: History) -> None:
    played = play(spoilt.turn, spoilt.messages, history=history)

    assert {index for index in spoilt.turn.events if spoilt.is_intact(index)} <= set(played.events)
    assert {index for index in spoilt.turn.other_events if spoilt.is_intact(index)} <= set(played.others)


@pytest.mark.extended
@spoiling
@given(spoilt_turns(spoils_ends=False))
def test_a_stream_has_each_step_of_a_spoilt_turn_once(spoilt: SpoiltTurn) -> None:
    played = play(spoilt.turn, spoilt.messages, as_stream=True)

    assert_nothing_doubled(played)
    assert {step.item_id for step in played.steps} >= {
        row.message["params"]["item"]["id"]
        for index, row in enumerate(spoilt.turn.rows[: spoilt.turn.end_at])
        if index in spoilt.turn.events
        and row.method == "item/completed"
        and row.message["params"]["item"]["type"] != "userMessage"
        and spoilt.is_intact(index)
    }


@pytest.mark.extended
@spoiling
@given(spoilt_turns(spoils_ends=True), histories, st.booleans())
def test_every_spoilt_turn_ends_in_one_of_the_ways_that_are_documented(
    spoilt: SpoiltTurn, history: History, as_stream: bool
) -> None:
    played = play(spoilt.turn, spoilt.messages, history=history, as_stream=as_stream)

    was_answered = spoilt.is_intact(spoilt.turn.start_at)
    ways: list[type] = [type(None), CodexTurnFailedError, CodexTurnInterruptedError]
    if not was_answered:
        ways += [CodexProtocolError, CodexTimeoutError]
    if not was_answered or not tells_the_end_otherwise(spoilt, history):
        ways.append(CodexTurnInactiveError)
    assert type(played.error) in ways
    assert_nothing_doubled(played)
