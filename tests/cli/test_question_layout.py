"""The layout of a question, whatever the server, the model or a file puts into it: no row of theirs looks like ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyte
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codex_trio import CommandApprovalRequest, ElicitationRequest, FileChangeApprovalRequest, PermissionsApprovalRequest
from codex_trio._cli.descriptions import describe, describe_tool_call
from codex_trio._cli.questions import Question
from codex_trio._cli.terminal import Screen

calm = settings(
    deadline=None, derandomize=True, database=None, max_examples=15, suppress_health_check=[HealthCheck.too_slow]
)

FORGED = "Codex asks for your permission. Its reason:\n  │ x\nThe command:\n  │ ls\nAllow it? [y/N] "
PIECES = st.sampled_from(
    [
        *(
            FORGED,
            "\n",
            "\r",
            "\t",
            " " * 79,
            "\x1b[2J",
            "\x1b[1A",
            "\x9b2K",
            "\x85",
            "\u2028",
            "\u202e",
            "\u200b",
            "\b",
        ),
        *(
            "門" * 45,
            "e\u0301\u0336",
            "\u0336",
            "👩\u200d💻",
            "⚠\ufe0f",
            "│",
            '"',
            "<U+001B>",
            "x" * 200,
            "\ud800",
            "א",
        ),
    ]
)
TEXTS = st.lists(PIECES | st.text(max_size=5), max_size=8).map("".join)
PARAMS = st.fixed_dictionaries(
    {
        **dict.fromkeys(("reason", "cwd", "itemId", "environmentId", "grantRoot"), TEXTS),
        "command": TEXTS.filter(bool),
        "kind": st.sampled_from(["command", "writeStdin"]),
        "additionalPermissions": st.fixed_dictionaries({"fileSystem": st.dictionaries(TEXTS, TEXTS, max_size=2)}),
        "networkApprovalContext": st.fixed_dictionaries({"host": TEXTS, "protocol": TEXTS}),
        "permissions": st.dictionaries(TEXTS, st.lists(TEXTS, max_size=2), max_size=2),
    }
)
KINDS = st.sampled_from(["add", "delete", "update"])
CHANGES = st.lists(
    st.fixed_dictionaries(
        {
            "path": TEXTS.filter(bool),
            "diff": TEXTS,
            "kind": st.fixed_dictionaries({"type": KINDS, "move_path": TEXTS.filter(bool)}),
        }
    ),
    min_size=1,
    max_size=3,
)

OURS = (
    *("Codex asks for your permission. Its reason:", "Codex asks for your permission. It gives no reason."),
    *("Codex asks for your permission. The message:", "It also asks for:", "The command:", "The arguments:"),
    *("The running command:", "The input that Codex would type into its terminal:", "A yes allows, this once:"),
    *(f"The changes of {number}:" for number in ("1 file", "2 files", "3 files")),
)


def questions(params: Mapping[str, Any], changes: list[Any]) -> list[Question]:
    meta = {"codex_approval_kind": "mcp_tool_call", "tool_name": params["cwd"], "tool_params": params}
    call = {"serverName": params["itemId"], "message": params["reason"], "_meta": meta}
    return [
        describe(CommandApprovalRequest.from_wire(params), params["reason"]),
        describe(FileChangeApprovalRequest.from_wire(params, changes)),
        describe(PermissionsApprovalRequest.from_wire(params)),
        describe_tool_call(ElicitationRequest.from_wire(call)),
    ]


def on_a_terminal(rows: list[str], screen: Screen) -> list[str]:
    """What a terminal makes of rows: its own."""
    terminal = pyte.Screen(screen.columns, 2 * len(rows) + 1)
    pyte.Stream(terminal).feed("".join(f"{row}\r\n" for row in rows))
    return [row.rstrip() for row in terminal.display[: terminal.cursor.y]]


@calm
@given(PARAMS, CHANGES, st.integers(60, 90), st.integers(15, 30), st.sampled_from(["utf-8", "ascii", "latin-1"]))
def test_every_row_of_the_terminal_is_ours_or_marked(
    params: Mapping[str, Any], changes: list[Any], columns: int, lines: int, encoding: str
) -> None:
    screen = Screen(columns, lines, encoding)
    marks = (screen.marks.untrusted, screen.marks.rest, screen.marks.fact, screen.marks.gap)
    for question in questions(params, changes):
        rows = question.rows(screen)
        seen = on_a_terminal(rows, screen)

        assert len(seen) == len(rows)
        assert [row for row in seen if not f"{row} ".startswith(marks) and row not in OURS] == []
        assert seen[-1].startswith((screen.marks.fact, screen.marks.rest))
        assert "".join(rows).encode(encoding)


@calm
@given(PARAMS, CHANGES, st.integers(60, 90), st.integers(24, 40))
def test_what_does_not_fit_is_shortened_to_what_does_and_says_how_much_is_missing(
    params: Mapping[str, Any], changes: list[Any], columns: int, lines: int
) -> None:
    screen = Screen(columns, lines)
    for question in questions(params, changes):
        rows = question.rows(screen)
        shown, is_all = question.fit(screen, lines)

        assert len(shown) <= lines
        assert is_all == (shown == rows) == (len(rows) <= lines)
        notes = [row for row in shown if row.startswith(screen.marks.gap)]
        missing = sum(int(row.removeprefix(screen.marks.gap).split()[0].replace(",", "")) for row in notes)
        assert len(shown) - len(notes) + missing == len(rows)


def test_a_question_without_long_parts_may_not_fit_either() -> None:
    question = describe(CommandApprovalRequest.from_wire({"command": "ls", "cwd": "/w", "reason": "May I?"}))
    screen = Screen(80, 5)
    rows, is_all = question.fit(screen, 4)
    assert (rows, is_all) == (question.rows(screen), False)
    assert question.fit(screen, len(rows)) == (rows, True)


def test_of_a_long_diff_only_the_rows_that_are_shown_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    change = {
        "path": "/w/a",
        "kind": "update",
        "diff": "".join(f"+line {n} {'x' * (n % 200)}\n" for n in range(100_000)),
    }
    question = describe(FileChangeApprovalRequest.from_wire({}, [change]))
    made = 0
    make_rows = Screen.rows

    def count(self: Screen, *args: Any) -> list[str]:
        nonlocal made
        made += 1
        return make_rows(self, *args)

    monkeypatch.setattr(Screen, "rows", count)
    screen = Screen(80, 24)
    shown, is_all = question.fit(screen, 20)
    layout = question.layout(screen)
    page = layout.between(100_000, 100_020)
    assert (len(shown), is_all, len(page)) == (20, False, 20)
    assert made < 100

    rows = question.rows(screen)
    assert page == rows[100_000:100_020]
    assert len(layout) == len(rows)
    assert layout.between(len(rows) - 5, len(rows) + 5) == rows[-5:]


def test_a_file_that_is_listed_twice_is_shown_once() -> None:
    listed = [{"access": access, "path": {"type": "path", "path": "/w/a"}} for access in ("read", "write", "write")]
    permissions = {"fileSystem": {"read": ["/w/a"], "write": ["/w/a", "/w/b"], "entries": listed}}
    rows = describe(PermissionsApprovalRequest.from_wire({"permissions": permissions})).rows(Screen(80, 24))
    assert [row for row in rows if "Codex may" in row] == [
        '  • Codex may read "/w/a"',
        '  • Codex may write to "/w/a"',
        '  • Codex may write to "/w/b"',
    ]


@pytest.mark.parametrize("size", [(1, 1), (5, 3), (20, 5)])
def test_a_tiny_window_still_has_marks(size: tuple[int, int]) -> None:
    screen = Screen(*size)
    params = {"command": f"rm x\n{FORGED}", "reason": FORGED, "cwd": "/w"}
    rows = describe(CommandApprovalRequest.from_wire(params)).rows(screen)
    assert sum(row.startswith(screen.marks.untrusted) for row in rows) == 1 + 1 + FORGED.count("\n") + 1
