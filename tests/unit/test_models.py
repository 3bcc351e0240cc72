"""What the caller gets: read tolerantly, written exactly, never changed."""

from __future__ import annotations

import contextlib
import json
import pickle
from types import ModuleType
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codex_trio import ChatContinuation, ChatResult, ConversationStep, InitializeResult, events, inputs, models

calm = settings(deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])

any_json: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
ITEM_FIELDS = [
    "type",
    "id",
    "text",
    "summary",
    "content",
    "command",
    "server",
    "namespace",
    "tool",
    "changes",
    "phase",
    "delivery",
    "questions",
    "moderation",
]
ITEM_TYPES = ["reasoning", "commandExecution", "agentMessage", "mcpToolCall", "dynamicToolCall", "fileChange", "plan"]
any_change = st.dictionaries(st.sampled_from(["kind", "path", "type"]), any_json)
any_item = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(ITEM_FIELDS, any_json) | {"type": st.sampled_from(ITEM_TYPES) | any_json}
) | st.fixed_dictionaries({"type": st.just("fileChange"), "changes": st.lists(any_change | any_json)})


def step_of(**item: Any) -> ConversationStep:
    return ConversationStep.from_wire(item, thread_id="T", turn_id="U")


# --- ConversationStep


@pytest.mark.parametrize(
    ("item_type", "step_type"),
    [
        ("reasoning", "thinking"),
        ("commandExecution", "exec"),
        ("agentMessage", "codex"),
        ("mcpToolCall", "tool"),
        ("dynamicToolCall", "tool"),
        ("fileChange", "file"),
        ("plan", "plan"),
        ("webSearch", "webSearch"),
        ("contextCompaction", "contextCompaction"),
        ("an item of next year", "an item of next year"),
    ],
)
def test_each_item_type_has_its_step_type(item_type: str, step_type: str) -> None:
    step = step_of(type=item_type, id="i1")

    assert (step.step_type, step.item_type) == (step_type, item_type)


@pytest.mark.parametrize(
    ("item", "text"),
    [
        ({"type": "agentMessage", "text": "Done.\n"}, "Done.\n"),
        ({"type": "plan", "text": "1. think"}, "1. think"),
        ({"type": "reasoning", "summary": ["one", "two"], "content": ["raw"]}, "one\n\ntwo"),
        ({"type": "reasoning", "summary": [], "content": ["raw", "thoughts"]}, "raw\n\nthoughts"),
        ({"type": "reasoning", "summary": [], "content": []}, ""),
        ({"type": "commandExecution", "command": "/bin/bash -lc ls", "aggregatedOutput": "a\n"}, "/bin/bash -lc ls"),
        ({"type": "mcpToolCall", "server": "tickets", "tool": "find"}, "tickets.find"),
        ({"type": "dynamicToolCall", "namespace": None, "tool": "find"}, "find"),
        ({"type": "dynamicToolCall", "namespace": "desk", "tool": "find"}, "desk.find"),
        (
            {
                "type": "fileChange",
                "changes": [
                    {"path": "a.py", "kind": {"type": "add"}, "diff": ""},
                    {"path": "b.py", "kind": {"type": "update", "move_path": None}},
                ],
            },
            "add a.py\nupdate b.py",
        ),
        (
            {"type": "fileChange", "changes": [{"path": "a.py", "kind": "delete"}, {"path": "b.py"}]},
            "delete a.py\nb.py",
        ),
        ({"type": "fileChange", "changes": []}, ""),
        ({"type": "somethingNew", "text": "and it speaks"}, "and it speaks"),
    ],
)
def test_the_text_of_a_step_is_what_a_person_would_read(item: dict[str, Any], text: str) -> None:
    assert step_of(**item).text == text


RED_OR_BLUE = {"title": "Which colour?", "options": ["Red", "Blue"]}


@pytest.mark.parametrize(
    ("item", "step_type"),
    [
        ({"delivery": "async", "questions": [RED_OR_BLUE]}, "ask"),
        ({"delivery": "async", "questions": []}, "codex"),
        ({"delivery": "async", "questions": None}, "codex"),
        ({"delivery": "async"}, "codex"),
        ({"delivery": None, "questions": [RED_OR_BLUE]}, "codex"),
        ({"delivery": ["async"], "questions": [RED_OR_BLUE]}, "codex"),
    ],
)
def test_an_asynchronous_message_that_asks_is_a_question(item: dict[str, Any], step_type: str) -> None:
    assert step_of(type="agentMessage", text="Which colour?", **item).step_type == step_type


def test_only_a_message_is_a_question() -> None:
    assert step_of(type="plan", delivery="async", questions=[RED_OR_BLUE]).step_type == "plan"


HIDE = {"mode": "hide", "version": 1, "replacement": {"kind": "wellbeingPromptHelpline"}}
BLOCK = {"mode": "block", "version": 1, "reason": {"kind": "cyber", "trustedAccess": None}}
SHOW = {"mode": "show", "version": 1, "trustedContacts": "skip", "annotation": None}


@pytest.mark.parametrize(
    ("moderation", "is_hidden"),
    [
        ({"moderated": True, "display": HIDE}, True),
        ({"moderated": True, "display": BLOCK}, True),
        ({"moderated": True, "display": SHOW}, False),
        ({"moderated": True, "display": {"mode": "blur", "version": 2}}, True),
        ({"moderated": True, "display": {"action": "block", "blockType": "cyber"}}, True),
        ({"moderated": True, "display": {"action": "show"}}, False),
        ({"moderated": True, "display": None}, True),
        ({"moderated": True}, True),
        ({"moderated": True, "display": "show"}, True),
        ({"moderated": False, "display": HIDE}, False),
        ({"moderated": False, "display": None}, False),
        ({}, False),
        (None, False),
        ("moderated", False),
    ],
)
def test_a_moderated_message_is_hidden_unless_it_may_be_shown(moderation: object, is_hidden: bool) -> None:
    step = step_of(type="agentMessage", text="the text", moderation=moderation)

    assert step.is_hidden is is_hidden
    assert step.display_text == ("[message withheld by moderation]" if is_hidden else "the text")
    assert (step.text, step.data["text"]) == ("the text", "the text")


def test_a_message_without_moderation_is_not_hidden() -> None:
    assert not step_of(type="agentMessage", text="the text").is_hidden


def test_a_step_knows_where_it_belongs_and_keeps_the_whole_item() -> None:
    step = step_of(type="commandExecution", id="c1", command="ls", exitCode=2, aggregatedOutput="no such file")

    assert (step.thread_id, step.turn_id, step.item_id) == ("T", "U", "c1")
    assert step.data["exitCode"] == 2
    assert step.data["aggregatedOutput"] == "no such file"


def test_an_item_without_type_or_id_is_a_step_all_the_same() -> None:
    step = step_of()

    assert (step.step_type, step.item_type, step.item_id, step.text) == ("unknown", "unknown", "", "")


@calm
@given(any_item)
def test_no_item_is_too_odd(item: dict[str, Any]) -> None:
    step = ConversationStep.from_wire(item, thread_id="T", turn_id="U")

    assert step.data == item
    for value in (step.step_type, step.item_type, step.text, step.item_id, step.display_text):
        assert isinstance(value, str)
    assert isinstance(step.is_hidden, bool)


def test_a_value_cannot_be_changed() -> None:
    step = step_of(type="plan")

    with pytest.raises(AttributeError):
        step.text = "another"  # type: ignore[misc]
    assert not hasattr(step, "__dict__")


@pytest.mark.parametrize("module", [models, events, inputs])
def test_public_values_are_frozen_structs(module: ModuleType) -> None:
    values = [value for name in module.__all__ if isinstance(value := getattr(module, name), type)]

    assert values
    for value in values:
        assert issubclass(value, msgspec.Struct)
        assert value.__struct_config__.frozen


def test_a_result_can_be_copied_matched_and_pickled() -> None:
    step = step_of(type="plan", text="1. think")
    result = ChatResult("T", "U", "Done.", ({"method": "secret"},), "m1", "turn_completed", None, (step,), output=3)

    assert pickle.loads(pickle.dumps(result)) == result
    assert msgspec.structs.replace(result, output=4) != result
    assert "secret" not in repr(result)
    match result:
        case ChatResult("T", "U", final_text, steps=(first,)):
            assert (final_text, first) == ("Done.", step)
        case _:
            pytest.fail(f"{result!r} does not match")


def test_the_raw_message_does_not_flood_the_repr() -> None:
    assert "secret" not in repr(step_of(type="commandExecution", command="ls", aggregatedOutput="secret"))


# --- InitializeResult


def test_the_answer_of_codex_0_169_is_read() -> None:
    answer = {
        "userAgent": "x/0.169.0 (Linux; x86_64) xterm (x; 1)",
        "codexHome": "/home/dev/codex_home",
        "platformFamily": "unix",
        "platformOs": "linux",
    }

    server = InitializeResult.from_wire(answer)

    assert (server.codex_home, server.platform_family, server.platform_os) == ("/home/dev/codex_home", "unix", "linux")
    assert server.server_info == {"name": "x", "version": "0.169.0"}
    assert server.protocol_version is None
    assert server.capabilities == {}
    assert server.raw == answer


def test_the_answer_of_codex_0_100_is_read() -> None:
    server = InitializeResult.from_wire({"userAgent": "x/0.100.0 (Linux; x86_64) xterm (x; 0)"})

    assert server.server_info["version"] == "0.100.0"
    assert (server.codex_home, server.platform_family, server.platform_os) == (None, None, None)


def test_what_a_later_server_tells_of_itself_is_believed() -> None:
    server = InitializeResult.from_wire(
        {
            "userAgent": "x/1.0",
            "protocolVersion": "3",
            "serverInfo": {"name": "codex", "version": "2.0"},
            "capabilities": {"threads": True},
        }
    )

    assert server.protocol_version == "3"
    assert server.server_info == {"name": "codex", "version": "2.0"}
    assert server.capabilities == {"threads": True}


@calm
@given(any_json | st.dictionaries(st.sampled_from(["userAgent", "codexHome", "serverInfo", "capabilities"]), any_json))
def test_no_answer_to_initialize_is_too_odd(answer: Any) -> None:
    server = InitializeResult.from_wire(answer)

    assert isinstance(server.user_agent, str)
    assert server.raw == (answer if isinstance(answer, dict) else {})


# --- ChatContinuation

CONTINUATION = {"thread_id": "T", "turn_id": "U", "cursor": 3, "mode": "chat", "seen": ["a", "b"]}

continuations = st.builds(
    ChatContinuation,
    thread_id=st.text(),
    turn_id=st.text(),
    cursor=st.integers(min_value=0),
    mode=st.sampled_from(["chat_once", "chat"]),
    seen=st.lists(st.text()).map(tuple),
)


@calm
@given(continuations)
def test_a_continuation_survives_json(continuation: ChatContinuation) -> None:
    assert ChatContinuation.from_json(continuation.to_json()) == continuation


def test_a_continuation_in_json_is_what_it_is_in_python() -> None:
    continuation = ChatContinuation("T", "U", 3, "chat", ("a", "b"))

    assert json.loads(continuation.to_json()) == CONTINUATION


def test_fields_of_a_later_version_are_passed_over() -> None:
    text = json.dumps(CONTINUATION | {"colour": "red"})

    assert ChatContinuation.from_json(text) == ChatContinuation("T", "U", 3, "chat", ("a", "b"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"thread_id": None}, "thread_id is None, not a str"),
        ({"turn_id": 7}, "turn_id is 7, not a str"),
        ({"cursor": "3"}, "cursor is '3', not a int"),
        ({"cursor": True}, "cursor is True, not a int"),
        ({"seen": "ab"}, "seen is 'ab', not a list"),
        ({"seen": ["a", 1]}, "seen has entries that are not strings"),
        ({"mode": "chat_twice"}, "mode is 'chat_twice', neither 'chat_once' nor 'chat'"),
        ({"mode": ["chat"]}, "mode is .*, neither 'chat_once' nor 'chat'"),
    ],
)
def test_a_spoilt_continuation_is_a_value_error_that_names_the_field(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"not a continuation: {message}"):
        ChatContinuation.from_json(json.dumps(CONTINUATION | changes))


@pytest.mark.parametrize("name", sorted(CONTINUATION))
def test_a_missing_field_is_a_value_error_that_names_it(name: str) -> None:
    text = json.dumps({key: value for key, value in CONTINUATION.items() if key != name})

    with pytest.raises(ValueError, match=f"not a continuation: {name} is None"):
        ChatContinuation.from_json(text)


@pytest.mark.parametrize("text", ["", "not JSON", "[]", "null", '"text"', "{}", "[" * 100_000])
def test_what_is_no_continuation_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match="not a continuation"):
        ChatContinuation.from_json(text)


@calm
@given(any_json | st.dictionaries(st.sampled_from(sorted(CONTINUATION)), any_json))
def test_no_json_raises_anything_but_a_value_error(value: Any) -> None:
    with contextlib.suppress(ValueError):
        assert ChatContinuation.from_json(json.dumps(value)).thread_id == value["thread_id"]
