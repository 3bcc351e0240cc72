"""The text of each type of item: a few words for a person, none of them missing."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codex_trio import ConversationStep, protocol

calm = settings(deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])

Item = dict[str, Any]


def text_of(item: Item) -> str:
    return ConversationStep.from_wire({"id": "i", **item}, thread_id="T", turn_id="U").text


TYPICAL: dict[str, tuple[Item, str]] = {
    "userMessage": ({"content": [{"type": "text", "text": "Oil the door."}]}, "Oil the door."),
    "hookPrompt": ({"fragments": [{"text": "Be brief.", "hookRunId": "h"}]}, "Be brief."),
    "agentMessage": ({"text": "Done."}, "Done."),
    "functionCallOutput": ({"name": "buy", "namespace": "shop", "output": "a door"}, "output of shop.buy"),
    "plan": ({"text": "1. Look"}, "1. Look"),
    "reasoning": ({"summary": ["I look."], "content": []}, "I look."),
    "commandExecution": ({"command": "/bin/bash -lc ls"}, "/bin/bash -lc ls"),
    "fileChange": ({"changes": [{"path": "a.md", "kind": {"type": "add"}, "diff": "x"}]}, "add a.md"),
    "mcpToolCall": ({"server": "tickets", "tool": "find"}, "tickets.find"),
    "dynamicToolCall": ({"namespace": None, "tool": "find"}, "find"),
    "collabAgentToolCall": (
        {"tool": "spawnAgent", "prompt": "Count the doors.", "receiverThreadIds": ["child"]},
        "start a sub-agent: Count the doors.",
    ),
    "subAgentActivity": (
        {"kind": "started", "agentThreadId": "child", "agentPath": "/root/one"},
        "sub-agent /root/one started",
    ),
    "webSearch": ({"query": "squeaking doors", "action": None}, "search the web: squeaking doors"),
    "imageView": ({"path": "/tmp/door.png"}, "view the image /tmp/door.png"),
    "sleep": ({"durationMs": 700}, "sleep for 0.7 s"),
    "imageGeneration": (
        {"status": "completed", "revisedPrompt": "a red door", "savedPath": "/tmp/door.png"},
        "generate an image: a red door -> /tmp/door.png",
    ),
    "enteredReviewMode": ({"review": "current changes"}, "current changes"),
    "exitedReviewMode": ({"review": "No findings."}, "No findings."),
    "contextCompaction": ({}, "shorten the conversation's history"),
}
"""A typical item of each type, and its text."""


def known_types() -> list[str]:
    """Return the item types of the schema that `codex_trio.protocol` is made from."""
    variants = [getattr(protocol, name) for name in str(protocol.ThreadItem).split(" | ")]
    return [name for one in variants for name in names_in(one.__annotations__["type"])]


def names_in(literal: object) -> list[str]:
    """Return the names of a `Literal`, which is a string or a forward reference in `codex_trio.protocol`."""
    return re.findall(r"'(\w+)'", repr(literal).replace('"', "'"))


def test_a_typical_item_of_every_type_of_the_schema_has_a_text() -> None:
    assert set(known_types()) == set(TYPICAL)


@pytest.mark.parametrize("item_type", TYPICAL)
def test_a_typical_item_says_what_it_is_about(item_type: str) -> None:
    item, text = TYPICAL[item_type]

    assert text
    assert text_of({"type": item_type, **item}) == text


@pytest.mark.parametrize("item_type", [*TYPICAL, "hologram"])
def test_an_item_with_nothing_in_it_is_no_error(item_type: str) -> None:
    assert isinstance(text_of({"type": item_type}), str)


@pytest.mark.parametrize(
    ("item_type", "fields", "text"),
    [
        ("userMessage", {"content": [{"type": "text", "text": ""}, {"type": "image", "url": "data:x"}]}, "\n[image]"),
        ("userMessage", {"content": [{"type": "localImage", "path": "a.png"}]}, "[localImage a.png]"),
        ("userMessage", {"content": [{"type": "skill", "name": "oil", "path": "/s"}]}, "[skill oil]"),
        ("functionCallOutput", {"name": "buy", "namespace": None}, "output of buy"),
        ("collabAgentToolCall", {"tool": "wait", "receiverThreadIds": []}, "wait for sub-agents"),
        ("collabAgentToolCall", {"tool": "sendInput", "prompt": "Go\non."}, "write to a sub-agent: Go on."),
        ("collabAgentToolCall", {"tool": "adopt", "prompt": None}, "sub-agents: adopt"),
        ("subAgentActivity", {"kind": "completed", "agentThreadId": "child"}, "sub-agent child completed"),
        ("webSearch", {"query": "", "action": None}, "search the web"),
        ("webSearch", {"query": "", "action": {"type": "search", "queries": ["a", "b"]}}, "search the web: a, b"),
        ("webSearch", {"query": "", "action": {"type": "search", "query": "a"}}, "search the web: a"),
        ("webSearch", {"query": "u", "action": {"type": "openPage", "url": "https://u"}}, "open https://u"),
        ("webSearch", {"query": "u", "action": {"type": "openPage", "url": None}}, "open a web page"),
        (
            "webSearch",
            {"query": "u", "action": {"type": "findInPage", "url": "https://u", "pattern": "door"}},
            "search in https://u: door",
        ),
        ("webSearch", {"query": "u", "action": {"type": "other"}}, "search the web: u"),
        ("imageGeneration", {"status": "generating"}, "generate an image"),
        (
            "imageGeneration",
            {"status": "failed", "failure": {"type": "usageLimitExceeded", "limitId": "x"}},
            "generate an image (usageLimitExceeded)",
        ),
        ("sleep", {"durationMs": 60_000}, "sleep for 1 min"),
        ("sleep", {"durationMs": 43_200_000}, "sleep for 12 h"),
        ("sleep", {"durationMs": 3_725_000}, "sleep for 1 h 2 min 5 s"),
        ("enteredReviewMode", {"review": ""}, "the review starts"),
    ],
)
def test_the_text_says_what_the_fields_say(item_type: str, fields: Item, text: str) -> None:
    assert text_of({"type": item_type, **fields}) == text


def test_the_text_of_a_file_change_says_where_a_file_is_moved_to() -> None:
    moved = {"path": "a.md", "kind": {"type": "update", "move_path": "b.md"}, "diff": ""}
    stayed = {"path": "c.md", "kind": {"type": "update", "move_path": None}, "diff": ""}

    assert text_of({"type": "fileChange", "changes": [moved, stayed]}) == "update a.md -> b.md\nupdate c.md"


def test_a_path_cannot_begin_a_line_that_reads_as_another_change() -> None:
    change = {"path": "a.md\nadd b.md", "kind": {"type": "update", "move_path": "c\nd"}, "diff": ""}

    assert text_of({"type": "fileChange", "changes": [change]}) == "update a.md add b.md -> c d"


def test_each_tool_for_sub_agents_is_put_in_words() -> None:
    tools = names_in(protocol.CollabAgentTool)

    assert "spawnAgent" in tools
    for tool in tools:
        text = text_of({"type": "collabAgentToolCall", "tool": tool})
        assert "sub-agent" in text
        assert not text.startswith("sub-agents: "), f"{tool} has no words"


def test_a_long_prompt_is_cut() -> None:
    text = text_of({"type": "collabAgentToolCall", "tool": "spawnAgent", "prompt": "x" * 1_000})

    assert text == f"start a sub-agent: {'x' * 200}..."


odd_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.just(10**400),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["type", "text", "url", "query", "move_path", "path"]), inner, max_size=3)
    ),
    max_leaves=8,
)
FIELDS = sorted({name for item, _ in TYPICAL.values() for name in item} | {"action", "failure", "agentPath"})


@calm
@given(st.sampled_from(sorted(TYPICAL)), st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, odd_values)))
def test_no_field_is_too_odd(item_type: str, fields: Item) -> None:
    assert isinstance(text_of({"type": item_type, **fields}), str)
