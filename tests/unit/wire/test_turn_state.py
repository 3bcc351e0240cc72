"""`TurnAccumulator`: steps, answer, usage and status of a turn."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codex_trio._wire.messages import Notice
from codex_trio._wire.turn_state import TurnAccumulator, is_terminal
from codex_trio.models import ConversationStep

Item = dict[str, Any]
calm = settings(deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])

odd_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["id", "type", "text", "phase", "delivery", "items", "status", "itemsView", "error"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


def notice(method: str, **params: Any) -> Notice:
    return Notice(method, "T", "U", params, {"method": method, "params": params})


def message(id_: str, text: str, **fields: Any) -> Item:
    return {"type": "agentMessage", "id": id_, "text": text, **fields}


def command(id_: str) -> Item:
    return {"type": "commandExecution", "id": id_, "command": "ls"}


def completed(item: Any) -> Notice:
    return notice("item/completed", item=item)


def ended(status: str = "completed", **fields: Any) -> Notice:
    return notice("turn/completed", turn={"id": "U", "status": status, **fields})


def accumulate(*notices: Notice) -> tuple[TurnAccumulator, list[ConversationStep]]:
    turn = TurnAccumulator("T", "U")
    return turn, [step for one in notices for step in turn.apply(one)]


def ids(steps: list[ConversationStep]) -> list[str]:
    return [step.item_id for step in steps]


# --- steps


def test_a_completed_item_is_a_step_of_its_turn() -> None:
    _, (step,) = accumulate(completed(command("c1")))

    assert (step.step_type, step.item_id, step.thread_id, step.turn_id) == ("exec", "c1", "T", "U")


def test_a_started_item_is_not_a_step() -> None:
    assert accumulate(notice("item/started", item=command("c1")))[1] == []


def test_the_users_message_is_not_a_step() -> None:
    assert accumulate(completed({"type": "userMessage", "id": "u1", "content": []}))[1] == []


def test_an_item_of_an_unknown_type_is_a_step_of_that_name() -> None:
    _, (step,) = accumulate(completed({"type": "hologram", "id": "h1"}))

    assert (step.step_type, step.item_type) == ("hologram", "hologram")


def test_an_item_that_is_sent_twice_is_one_step() -> None:
    _, steps = accumulate(completed(command("c1")), completed(command("c1")), completed(command("c2")))

    assert ids(steps) == ["c1", "c2"]


def test_items_without_an_id_are_all_delivered() -> None:
    _, steps = accumulate(completed({"type": "plan", "text": "one"}), completed({"type": "plan", "text": "two"}))

    assert [step.text for step in steps] == ["one", "two"]


def test_the_end_delivers_items_that_were_not_sent_before() -> None:
    turn, steps = accumulate(
        completed(message("m1", "first")),
        ended(items=[message("m1", "first"), message("m2", "second")], itemsView="full"),
    )

    assert ids(steps) == ["m1", "m2"]
    assert list(turn.delivered) == ["m1", "m2"]


def test_the_items_of_an_end_that_says_they_are_not_loaded_are_not_looked_at() -> None:
    _, steps = accumulate(ended(items=[message("m1", "a relic")], itemsView="notLoaded"))

    assert steps == []


# --- status, usage, error


def test_only_the_turns_end_ends_it() -> None:
    turn, _ = accumulate(
        notice("error", error={"message": "bad"}, willRetry=False),
        notice("thread/status/changed", status={"type": "idle"}),
        completed(message("m1", "bye", phase="final_answer")),
    )

    assert turn.status is None


@pytest.mark.parametrize("status", ["completed", "failed", "interrupted", "a status of next year"])
def test_the_status_is_what_the_server_calls_it(status: str) -> None:
    assert accumulate(ended(status))[0].status == status


@pytest.mark.parametrize("turn", [None, "U", [], {}, {"status": 5}])
def test_an_end_without_a_status_is_still_an_end(turn: object) -> None:
    assert accumulate(notice("turn/completed", turn=turn))[0].status == "unknown"


def test_the_usage_is_the_last_one_sent() -> None:
    turn, _ = accumulate(
        notice("thread/tokenUsage/updated", tokenUsage={"total": {"totalTokens": 5}}),
        notice("thread/tokenUsage/updated", tokenUsage={"total": {"totalTokens": 9}}),
        notice("thread/tokenUsage/updated", tokenUsage="many"),
    )

    assert turn.usage == {"total": {"totalTokens": 9}}


def test_an_error_that_is_retried_is_not_the_turns_error() -> None:
    turn, _ = accumulate(notice("error", error={"message": "Reconnecting... 1/2"}, willRetry=True))

    assert turn.error == {}


def test_the_error_comes_from_the_end_or_else_from_the_event_before_it() -> None:
    event = notice("error", error={"message": "from the event"}, willRetry=False)

    assert accumulate(event, ended("failed", error=None))[0].error == {"message": "from the event"}
    assert accumulate(event, ended("failed", error={"message": "from the end"}))[0].error == {"message": "from the end"}


# --- the final text


def answer_of(turn: TurnAccumulator) -> tuple[str, str | None]:
    step = turn.final_message()
    return ("", None) if step is None else (step.text, step.item_id)


FINAL = message("f", "final", phase="final_answer")
PLAIN = message("p", "plain")
NULL_PHASE = message("n", "null phase", phase=None)
COMMENTARY = message("c", "commentary", phase="commentary")
PARTIAL = message("h", "half of it", phase="partial_answer")
NEW_PHASE = message("x", "new phase", phase="epilogue")
ASK = message("q", "Red or blue?", phase="final_answer", delivery="async", questions=[{"title": "Red or blue?"}])
TELL = message("t", "By the way", phase="final_answer", delivery="async", questions=None)


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([], ("", None)),
        ([FINAL], ("final", "f")),
        ([FINAL, PLAIN, COMMENTARY], ("final", "f")),
        ([FINAL, message("f2", "better", phase="final_answer")], ("better", "f2")),
        ([COMMENTARY, PLAIN], ("plain", "p")),
        ([PLAIN, NULL_PHASE], ("null phase", "n")),
        ([PLAIN, COMMENTARY], ("plain", "p")),
        ([COMMENTARY, NEW_PHASE], ("new phase", "x")),
        ([COMMENTARY, message("c2", "more", phase="commentary")], ("more", "c2")),
        ([command("e")], ("", None)),
        ([message("f", "", phase="final_answer")], ("", "f")),
        ([PARTIAL], ("half of it", "h")),
        ([PARTIAL, COMMENTARY], ("half of it", "h")),
        ([FINAL, PARTIAL], ("final", "f")),
        ([PLAIN, PARTIAL], ("plain", "p")),
        ([FINAL, ASK], ("final", "f")),
        ([ASK, FINAL], ("final", "f")),
        ([PLAIN, TELL], ("plain", "p")),
        ([PARTIAL, TELL], ("half of it", "h")),
        ([COMMENTARY, ASK, TELL], ("commentary", "c")),
        ([ASK], ("Red or blue?", "q")),
        ([ASK, TELL, command("e")], ("By the way", "t")),
        ([FINAL, message("l", "late", phase="final_answer", delivery="by pigeon")], ("late", "l")),
    ],
)
def test_the_final_text_of_a_completed_turn(items: list[Item], expected: tuple[str, str | None]) -> None:
    turn, _ = accumulate(*map(completed, items), ended())

    assert answer_of(turn) == expected


@pytest.mark.parametrize("status", ["failed", "interrupted"])
def test_commentary_is_not_the_answer_of_a_turn_that_did_not_complete(status: str) -> None:
    assert answer_of(accumulate(completed(COMMENTARY), ended(status))[0]) == ("", None)
    assert answer_of(accumulate(completed(COMMENTARY), completed(PLAIN), ended(status))[0]) == ("plain", "p")


@pytest.mark.parametrize("status", ["failed", "interrupted"])
def test_of_a_turn_that_did_not_complete_answers_count_and_asynchronous_messages_do_not(status: str) -> None:
    assert answer_of(accumulate(completed(ASK), completed(TELL), ended(status))[0]) == ("", None)
    assert answer_of(accumulate(completed(PLAIN), completed(ASK), ended(status))[0]) == ("plain", "p")
    assert answer_of(accumulate(completed(PARTIAL), completed(TELL), ended(status))[0]) == ("half of it", "h")


def test_a_message_that_only_the_end_contains_is_the_answer() -> None:
    assert answer_of(accumulate(completed(COMMENTARY), ended(items=[FINAL], itemsView="summary"))[0]) == ("final", "f")


def test_an_asynchronous_message_in_the_end_does_not_displace_the_answer() -> None:
    end = ended(items=[TELL], itemsView="summary")

    assert answer_of(accumulate(completed(FINAL), completed(TELL), end)[0]) == ("final", "f")
    assert answer_of(accumulate(completed(FINAL), end)[0]) == ("final", "f")


def test_an_asynchronous_message_in_history_does_not_displace_the_answer() -> None:
    turn, _ = accumulate(completed(FINAL))

    assert ids(turn.apply_items([ASK, FINAL, TELL])) == ["q", "t"]
    turn.apply_end({"status": "completed"})
    assert answer_of(turn) == ("final", "f")


def test_an_asynchronous_message_is_a_step_with_its_own_type() -> None:
    _, steps = accumulate(completed(ASK), completed(TELL), completed(FINAL))

    assert [step.step_type for step in steps] == ["ask", "codex", "codex"]


# --- what only history knows


@pytest.mark.parametrize(
    ("notices", "wants"),
    [
        ([ended()], True),
        ([ended(items=[])], True),
        ([ended(items=[FINAL], itemsView="notLoaded")], True),
        ([ended(items=[], itemsView="summary")], False),
        ([ended(items=[command("e")])], False),
        ([completed(PLAIN), ended()], False),
        ([ended("failed")], False),
        ([completed(command("e"))], False),
        ([ended(items=[TELL], itemsView="summary")], True),
        ([completed(TELL), ended(items=[TELL], itemsView="summary")], True),
        ([completed(TELL), ended(items=[TELL])], True),
        ([completed(TELL), ended(items=[TELL], itemsView="full")], False),
        ([completed(PLAIN), completed(TELL), ended(items=[TELL], itemsView="summary")], False),
        ([completed(TELL), ended("failed", items=[TELL], itemsView="summary")], False),
    ],
)
def test_history_is_needed_if_a_completed_turn_may_have_an_unsent_answer(notices: list[Notice], wants: bool) -> None:
    assert accumulate(*notices)[0].needs_history is wants


def test_history_supplies_what_is_missing_and_nothing_twice() -> None:
    turn, _ = accumulate(completed(command("e")), ended())

    assert ids(turn.apply_turn_items({"items": [command("e"), FINAL], "itemsView": "full"})) == ["f"]
    assert answer_of(turn) == ("final", "f")
    assert not turn.needs_history


def test_history_supplies_the_answer_that_an_asynchronous_message_displaced() -> None:
    turn, _ = accumulate(ended(items=[TELL], itemsView="summary"))

    assert ids(turn.apply_turn_items({"items": [ASK, FINAL, TELL], "itemsView": "full"})) == ["q", "f"]
    assert answer_of(turn) == ("final", "f")


@pytest.mark.parametrize(
    ("turn", "terminal"),
    [
        ({"status": "completed", "completedAt": 1795398998}, True),
        ({"status": "failed", "completedAt": 1795398998}, True),
        ({"status": "interrupted", "completedAt": 1795398998}, True),
        ({"status": "interrupted", "completedAt": None}, False),
        ({"status": "completed"}, False),
        ({"status": "inProgress", "completedAt": 1795398998}, False),
        ({"status": None, "completedAt": 1795398998}, False),
        ({}, False),
    ],
)
def test_a_turn_in_history_has_ended_only_with_a_time_of_its_end(turn: Item, terminal: bool) -> None:
    assert is_terminal(turn) is terminal


# --- tolerance

METHODS = ["item/completed", "turn/completed", "thread/tokenUsage/updated", "error", "item/started", "nobody/knows"]
odd_params = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("item", "turn", "tokenUsage", "error", "willRetry"), odd_values)
)


@calm
@given(st.lists(st.tuples(st.sampled_from(METHODS), odd_params), max_size=6))
def test_nothing_that_a_server_says_raises(notices: list[tuple[str, dict[str, Any]]]) -> None:
    turn, steps = accumulate(*(notice(method, **params) for method, params in notices))

    delivered = [step.item_id for step in steps if step.item_id]
    assert delivered == list(turn.delivered)
    assert isinstance(answer_of(turn)[0], str)
    assert turn.needs_history in (True, False)
