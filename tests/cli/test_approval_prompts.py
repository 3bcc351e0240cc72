"""What a person at a terminal of 80 columns and 24 lines is shown before they say yes, whatever Codex asks."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, closing
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

import codex_trio
from codex_trio import CommandApprovalRequest, ElicitationRequest, PermissionsApprovalRequest
from codex_trio._cli.approvals import Approver
from codex_trio._cli.arguments import parse_arguments
from codex_trio._cli.descriptions import describe
from codex_trio._cli.main import run_chat
from codex_trio._cli.terminal import Screen
from codex_trio._cli.views import PlainView
from codex_trio.testing import ScriptedAppServer, Step, ask_server_request, fail, raw, run, say, wait
from codex_trio.text import clean_text
from tests.support.in_process_terminal import PASTE_BEGINS, PASTE_ENDS, Person

COMMAND = "item/commandExecution/requestApproval"
FILES = "item/fileChange/requestApproval"
PERMISSIONS = "item/permissions/requestApproval"
ELICITATION = "mcpServer/elicitation/request"

ASK = "Allow it? [y/N]"
ASK_AFTER_VIEW = "Allow it? [v to view all of it, N]"
FORGED = "Codex asks for your permission. Its reason:\n  │ x\nThe command:\n  │ ls\nAllow it? [y/N] "


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def person() -> Iterator[Person]:
    with closing(Person()) as person:
        yield person


@pytest.fixture
def server() -> ScriptedAppServer:
    return ScriptedAppServer()


@asynccontextmanager
async def running(person: Person, server: ScriptedAppServer, *steps: Step) -> AsyncIterator[None]:
    """The command line in a turn of these steps, to its end, on the terminal of `person`."""
    server.on_turn(*steps)
    options = dataclasses.replace(parse_arguments(["Do it"]), transport=server.transport())
    with trio.fail_after(60), person:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run_chat, options)
            yield


def command(script: str, **params: Any) -> Step:
    about = {"itemId": "call_1", "command": script, "cwd": "/w", "kind": "command", "reason": "May I?"}
    return ask_server_request(COMMAND, {**about, **params})


def started(item: Mapping[str, Any]) -> Step:
    ids = {"threadId": "{thread_id}", "turnId": "{turn_id}"}
    return raw({"method": "item/started", "params": {**ids, "item": item}})


def decisions(server: ScriptedAppServer) -> list[Any]:
    return [answer["result"].get("decision") or answer["result"] for answer in server.answers]


def below(rows: list[str], heading: str) -> list[str]:
    """The rows from the last such heading on."""
    start = max(number for number, row in enumerate(rows) if row.startswith(heading))
    return rows[start:]


async def view_all(person: Person) -> list[str]:
    """View all of a question that does not fit, to where it is asked again; return what stood on the pages."""
    await person.answer(ASK_AFTER_VIEW, "v")
    pages: list[str] = []
    while not (rows := await person.wait_for("q to stop", ASK))[-1].endswith(ASK):
        pages += rows
        await person.type("\n")
    return pages


# --- what fits


@pytest.mark.smoke
async def test_a_command_is_shown_with_its_reason_its_folder_and_its_shell(
    person: Person, server: ScriptedAppServer
) -> None:
    async with running(person, server, command("/bin/bash -lc 'touch x'")):
        rows = await person.answer(ASK, "y")
    assert below(rows, "Codex asks") == [
        "Codex asks for your permission. Its reason:",
        "  │ May I?",
        "The command:",
        "  │ touch x",
        "A yes allows, this once:",
        "  • the command above (1 line) runs, possibly outside the sandbox",
        '  • by the shell "/bin/bash -lc"',
        '  • in the folder "/w"',
        ASK,
    ]
    assert decisions(server) == ["accept"]


async def test_a_refusal_is_a_refusal_and_so_is_anything_that_ends_the_input(
    person: Person, server: ScriptedAppServer
) -> None:
    answers = {"one": "n\n", "two": "\n", "three": "\x04", "four": "yes\n"}  # the third is Ctrl-D
    async with running(person, server, *map(command, answers)):
        for script, answer in answers.items():
            await person.wait_for(ASK, after=f"  │ {script}")
            await person.type(answer)
    assert decisions(server) == ["decline", "decline", "decline", "accept"]


async def test_letters_that_are_handed_over_without_return_are_no_answer(
    person: Person, server: ScriptedAppServer
) -> None:
    async with running(person, server, command("ls")):
        await person.wait_for(ASK)
        await person.type("y\x04")
        await person.wait_for(ASK, after="That looks pasted. Type the answer and press Return.")
        await person.type("n\n")
    assert decisions(server) == ["decline"]


async def test_a_reason_that_draws_another_question_is_one_line(person: Person, server: ScriptedAppServer) -> None:
    async with running(person, server, command("rm -rf x", reason=f"May I?\n\r\n{FORGED}\x1b[2J")):
        rows = below(await person.answer(ASK, "n"), "Codex asks")
    reason, command_row = rows[1:4], rows[4:6]
    assert [row[:4] for row in reason] == ["  │ ", "  ┊ ", "  ┊ "]
    shown = "".join(row[4:] for row in reason).replace(" ", "")
    assert shown == clean_text(f"May I?\n\r\n{FORGED}\x1b[2J").replace(" ", "")
    assert command_row == ["The command:", "  │ rm -rf x"]
    assert rows[-1] == ASK


@pytest.mark.parametrize(
    ("script", "shown"),
    [
        ("ls \x1b[8m; rm x\x1b[0m", "ls <U+001B>[8m; rm x<U+001B>[0m"),
        ("ls \x9b8m; rm x", "ls <U+009B>8m; rm x"),
        ("ls\rrm x", "ls<U+000D>rm x"),
        ("ls \u202exr\u202c", "ls <U+202E>xr<U+202C>"),
        ("l\u200bs\ufeff\u3164\U000e0041 \ufe0f", "l<U+200B>s<U+FEFF><U+3164><U+E0041> <U+FE0F>"),
        ("ls\u2028rm\x85x\x0b\x0cy", "ls<U+2028>rm<U+0085>x<U+000B><U+000C>y"),
        ("ls\b\b\b\brm", "ls<U+0008><U+0008><U+0008><U+0008>rm"),
        ("x" + "\u0336" * 9, "x" + "\u0336" * 4 + "<U+0336>" * 5),
    ],
)
async def test_characters_that_steer_or_hide_are_spelt_out(
    script: str, shown: str, person: Person, server: ScriptedAppServer
) -> None:
    async with running(person, server, command(script, cwd="/w\x1b[2J\n/y")):
        rows = below(await person.answer(ASK, "n"), "The command:")
    assert rows[1].replace(" ", "") == f"  │ {shown}".replace(" ", "")
    assert '  • in the folder "/w<U+001B>[2J<U+000A>/y"' in rows


@pytest.mark.extended
async def test_a_folder_that_fills_the_row_does_not_write_at_the_edge_below(
    person: Person, server: ScriptedAppServer
) -> None:
    folder = f'/w" and no more{" " * 46}The command: ls'
    async with running(person, server, command("rm x", cwd=folder)):
        rows = below(await person.answer(ASK, "n"), "A yes allows")
    assert rows[2:] == [
        f'  • in the folder "/w<U+0022> and no more{" " * 36}'.rstrip(),
        f'  ┊ {" " * 9}The command: ls"',
        ASK,
    ]


@pytest.mark.extended
async def test_letters_from_right_to_left_are_announced(person: Person, server: ScriptedAppServer) -> None:
    async with running(person, server, command("cat א > ב")):
        rows = await person.answer(ASK, "n")
    assert "  • some text above is right-to-left; the terminal may reorder it" in rows


async def test_wide_characters_never_make_the_terminal_break_a_row(person: Person, server: ScriptedAppServer) -> None:
    async with running(person, server, command("門" * 100 + "rm")):
        rows = below(await person.answer(ASK, "n"), "The command:")
    assert [row[:4] for row in rows[1:4]] == ["  │ ", "  ┊ ", "  ┊ "]
    assert "".join(row[4:] for row in rows[1:4]).replace(" ", "") == "門" * 100 + "rm"


# --- what does not fit

HIDING = {
    "here-document": "cat > x <<'E'\n" + "\n" * 60 + "E\nrm -rf x\n" + "\n" * 60 + FORGED,
    "spaces": f"ls{' ' * 10_000}; rm -rf x{' ' * 10_000}# {FORGED}",
    "tabs": f"ls{chr(9) * 1_000}; rm -rf x{chr(9) * 1_000}",
    "one long line": f"echo {'x' * 5_000}; rm -rf x; echo {'x' * 5_000}",
}


@pytest.mark.parametrize("script", HIDING.values(), ids=HIDING)
async def test_what_a_long_command_hides_is_seen_before_a_yes_counts(
    script: str, person: Person, server: ScriptedAppServer
) -> None:
    async with running(person, server, command(script)):
        rows = below(await person.answer(ASK_AFTER_VIEW, "y"), "Codex asks")
        assert len(rows) <= 24
        assert "  │ May I?" in rows
        assert any(row.endswith(" more lines, v to view") for row in rows)
        assert rows[-4:-1][1].startswith("  • the command above (")
        assert not any("rm -rf x" in row for row in person.seen)

        rows = await person.wait_for(ASK_AFTER_VIEW)
        assert "You have not seen all of it. Type v and press Return to page through it." in rows
        pages = await view_all(person)
        assert any("rm -rf x" in row for row in pages)
        assert not server.answers
        await person.type("y\n")
    assert decisions(server) == ["accept"]


async def test_pages_show_every_row_once_and_in_order(person: Person, server: ScriptedAppServer) -> None:
    script = "\n".join(f"echo {number}" for number in range(100))
    async with running(person, server, command(script)):
        await person.answer(ASK_AFTER_VIEW, "v")
        told: list[str] = []
        for number in range(1, 6):
            rows = await person.answer(f"page {number} of 5: Return to go on, q to stop", "")
            told += below(["page 0", *rows[:-1]], "page")[1:]
        await person.answer(ASK, "y")
    whole = below(told, "Codex asks")
    assert whole[3:103] == [f"  │ echo {number}" for number in range(100)]
    assert decisions(server) == ["accept"]


@pytest.mark.extended
async def test_pages_that_were_left_do_not_count(person: Person, server: ScriptedAppServer) -> None:
    async with running(person, server, command("\n" * 100 + "rm x")):
        await person.answer(ASK_AFTER_VIEW, "v")
        await person.answer("page 1 of 5: Return to go on, q to stop", "")
        await person.answer("page 2 of 5: Return to go on, q to stop", "q")
        await person.answer(ASK_AFTER_VIEW, "y")
        await person.answer(ASK_AFTER_VIEW, "n")
    assert decisions(server) == ["decline"]


async def test_a_window_that_became_smaller_shows_it_anew(person: Person, server: ScriptedAppServer) -> None:
    async with running(person, server, command("\n".join("abcdefghij"))):
        await person.wait_for(ASK)
        person.resize(40, 16)
        await person.type("y\n")
        rows = await person.answer(ASK_AFTER_VIEW, "v")
        assert "The size of the window changed, so here" in rows
        assert rows[0].startswith("Codex asks")
        await person.answer("page 1 of 2: Return to go on, q to stop", "")
        await person.wait_for("page 2 of 2: Return to go on, q to stop")
        person.resize(40, 10)
        await person.type("\n")
        for number in (1, 2, 3):
            await person.answer(f"page {number} of 3: Return to go on, q to stop", "")
        await person.wait_for(ASK)
        person.resize(40, 9)
        await person.type("y\n")
        await person.answer(ASK_AFTER_VIEW, "n")
    assert decisions(server) == ["decline"]


@pytest.mark.extended
async def test_a_window_that_is_too_small_takes_no_yes(server: ScriptedAppServer) -> None:
    with closing(Person(80, 3)) as person:
        async with running(person, server, command("ls")):
            await person.answer(ASK_AFTER_VIEW, "v")
            while not (await person.wait_for(ASK, "q to stop"))[-1].endswith(ASK):
                await person.type("\n")
            await person.type("y\n")
            await person.wait_for(ASK_AFTER_VIEW, ASK, after="The window is too small to show it. Make it larger.")
            person.resize(80, 24)
            await person.type("y\n")
            await person.answer(ASK, "y")
    assert decisions(server) == ["accept"]
    assert Screen(19, 24).is_too_small
    assert not Screen(20, 24).is_too_small


@pytest.mark.parametrize(("lines", "asked"), [(24, ASK), (25, ASK_AFTER_VIEW)])
async def test_a_terminal_that_does_not_tell_its_size_has_24_lines(
    lines: int, asked: str, server: ScriptedAppServer
) -> None:
    script = "\n".join(f"echo {number}" for number in range(lines - 7))
    with closing(Person(tells_size=False)) as person:
        async with running(person, server, command(script)):
            await person.answer(asked, "n")


@pytest.mark.extended
async def test_marks_are_plain_where_the_encoding_has_no_others(server: ScriptedAppServer) -> None:
    with closing(Person(encoding="ascii")) as person:
        async with running(person, server, command("touch 門é" + "x" * 100)):
            rows = below(await person.answer(ASK, "n"), "The command:")
    assert rows[1:4] == [
        "  | touch <U+9580><U+00E9>" + "x" * 53,
        "  : " + "x" * 47,
        "A yes allows, this once:",
    ]
    assert rows[4].startswith("  * the command above")


# --- what was not typed as an answer


async def test_what_is_typed_before_the_question_is_no_answer(person: Person, server: ScriptedAppServer) -> None:
    async with running(person, server, say("Wait."), command("rm x")):
        await person.type("y\n" * 5_000 + "y")  # more than a terminal keeps for a program that does not read
        rows = await person.wait_for(ASK)
        assert "Codex asks for your permission. Its reason:" in rows
        await person.type("\n")
    assert decisions(server) == ["decline"]


@pytest.mark.parametrize("paste", [f"{PASTE_BEGINS}y\n{PASTE_ENDS}", f"{PASTE_BEGINS}a\ny\nb", "a\ny\n", "y\ny\n"])
async def test_a_paste_is_no_answer_to_this_question_or_the_next(
    paste: str, person: Person, server: ScriptedAppServer
) -> None:
    async with running(person, server, command("one"), command("two")):
        await person.wait_for(ASK)
        await person.type(paste)
        await person.wait_for(ASK, after="That looks pasted. Type the answer and press Return.")
        assert not server.answers
        await person.type("n\n")
        await person.wait_for(ASK, after="  │ two")
        await trio.sleep(0.3)
        assert len(server.answers) == 1
        await person.type("n\n")
    assert decisions(server) == ["decline", "decline"]


async def let_time_pass(server: ScriptedAppServer, clock: MockClock, answers: int) -> None:
    """Let pass the time that the program waits for more to be typed."""
    while len(server.answers) < answers:
        await wait_all_tasks_blocked()
        clock.jump(0.1)
        await trio.lowlevel.checkpoint()


async def test_a_question_waits_until_nothing_is_typed_or_pasted_any_more(
    person: Person, mock_clock: MockClock
) -> None:
    server = ScriptedAppServer(start_delay=0)
    async with running(person, server, command("rm x")):
        await person.wait_until(lambda: person.marks_pastes)
        for _ in range(5):
            mock_clock.jump(0.09)
            await person.type("y\n")
            await wait_all_tasks_blocked(0.01)
            assert "The command:" not in person.look()
        await person.type("y")  # and no Return
        mock_clock.jump(0.11)
        rows = await person.wait_for(ASK)
        assert "Codex asks for your permission. Its reason:" in rows
        await person.type("\n")
        await let_time_pass(server, mock_clock, 1)
        mock_clock.autojump_threshold = 0.01
    assert decisions(server) == ["decline"]


async def test_pastes_are_marked_only_while_an_answer_is_awaited(person: Person, server: ScriptedAppServer) -> None:
    async with running(person, server, command("ls"), say("done")):
        await person.wait_for(ASK)
        assert person.marks_pastes
        await person.type("n\n")
    person.look()
    assert not person.marks_pastes


# --- what is asked


def patch_of(*changes: Mapping[str, Any]) -> tuple[Step, Step]:
    """A patch that begins, and the question about it."""
    item = {"type": "fileChange", "id": "patch_1", "changes": list(changes), "status": "inProgress"}
    return started(item), ask_server_request(FILES, {"itemId": "patch_1"})


async def test_a_file_that_is_moved_elsewhere_says_so(person: Person, server: ScriptedAppServer) -> None:
    kind = {"type": "update", "move_path": "../.bashrc"}
    diff = "@@ -1 +1 @@\n-old\n+new\n"
    async with running(person, server, *patch_of({"path": "a.md", "kind": kind, "diff": diff})):
        rows = await person.answer(ASK, "y")
    assert below(rows, "Codex asks") == [
        "Codex asks for your permission. It gives no reason.",
        "The changes of 1 file:",
        '  • update "a.md" and move it to "../.bashrc", in place of what is there:',
        "  │ @@ -1 +1 @@",
        "  │ -old",
        "  │ +new",
        "A yes allows, this once:",
        '  • update "a.md" and move it to "../.bashrc", in place of what is there',
        ASK,
    ]
    assert decisions(server) == ["accept"]


async def test_names_and_texts_of_files_cannot_forge_what_is_asked(person: Person, server: ScriptedAppServer) -> None:
    changes = [
        {"path": 'a.md" and no more', "kind": {"type": "add"}, "diff": FORGED},
        {"path": "b\x1b[1A\x1b[2K\n\u202e.md", "kind": {"type": "delete"}, "diff": "\x1b[2J"},
        {"path": "c", "kind": {"type": "update", "move_path": "d"}, "diff": ""},
    ]
    async with running(person, server, *patch_of(*changes)):
        rows = below(await person.answer(ASK, "n"), "Codex asks for your permission. It gives")
    assert below(rows, "A yes allows") == [
        "A yes allows, this once:",
        '  • add "a.md<U+0022> and no more"',
        '  • delete "b<U+001B>[1A<U+001B>[2K<U+000A><U+202E>.md"',
        '  • update "c" and move it to "d", in place of what is there',
        ASK,
    ]
    ours = ["Codex asks for your permission. It gives no reason.", "The changes of 3 files:"]
    assert [row for row in rows if row[:1] != " "] == [*ours, "A yes allows, this once:", ASK]
    assert "  │ Allow it? [y/N]" in rows


async def test_a_patch_of_many_files_lists_all_of_them_before_a_yes_counts(
    person: Person, server: ScriptedAppServer
) -> None:
    changes = [{"path": f"{number}.md", "kind": {"type": "add"}, "diff": "x\n"} for number in range(30)]
    async with running(person, server, *patch_of(*changes)):
        await person.answer(ASK_AFTER_VIEW, "y")
        rows = below(await person.wait_for(ASK_AFTER_VIEW), "Codex asks")
        assert len(rows) <= 24
        await view_all(person)
        await person.type("n\n")
    assert {f'  • add "{number}.md"' for number in range(30)} <= person.seen


async def test_changes_that_are_not_known_are_declined_unasked(person: Person, server: ScriptedAppServer) -> None:
    async with running(person, server, ask_server_request(FILES, {"itemId": "unseen"}), say("done")):
        pass
    rows = person.look()
    assert "declined without asking you: the changes are not fully known" in rows
    assert decisions(server) == ["decline"]


async def test_what_is_nested_too_deeply_to_be_shown_is_declined_unasked(capsys: pytest.CaptureFixture[str]) -> None:
    deep: dict[str, Any] = {}
    for _ in range(100_000):
        deep = {"x": deep or 1}
    meta = {"codex_approval_kind": "mcp_tool_call", "tool_name": "t", "tool_params": deep}
    approver = Approver()
    with approver.answering(PlainView()):
        decisions = [
            await approver.decide(PermissionsApprovalRequest.from_wire({"permissions": {"x": deep}})),
            await approver.decide(CommandApprovalRequest.from_wire({"command": "ls", "additionalPermissions": deep})),
            await approver.answer(ElicitationRequest.from_wire({"_meta": meta})),
        ]
    assert all(decision.is_refusal for decision in decisions)
    assert capsys.readouterr().err == "declined without asking you: it is nested too deeply to be shown\n" * 3


@pytest.mark.parametrize("params", [{"command": ""}, {"command": None}, {"kind": "newKind"}])
async def test_a_command_that_is_not_known_is_declined_unasked(
    params: Mapping[str, Any], person: Person, server: ScriptedAppServer
) -> None:
    async with running(person, server, command("ls", **params), say("done")):
        pass
    assert any(row.startswith("declined without asking you: the ") for row in person.look())
    assert decisions(server) == ["decline"]


@pytest.mark.parametrize(
    ("stdin", "shown", "end"),
    [
        ("rm -rf /\n", ["  │ rm -rf /"], "1 line, 9 characters; it ends with Return and takes effect at once"),
        ("a\nb", ["  │ a", "  │ b"], "2 lines, 3 characters; it does not end with Return"),
        (
            "\x03q\x1b:w\r",
            ["  │ <U+0003>q<U+001B>:w<U+000D>"],
            "1 line, 6 characters; it ends with Return and takes effect at once",
        ),
    ],
)
async def test_input_to_a_running_terminal_is_shown_as_that(
    stdin: str, shown: list[str], end: str, person: Person, server: ScriptedAppServer
) -> None:
    typing = {"kind": "writeStdin", "approvalId": "call_2", "command": f"write_stdin --session-id 1 '{stdin}'"}
    other = {**typing, "command": "write_stdin --session-id 1 'other'"}
    async with running(person, server, command("sudo sh"), command("", **other), command("", **typing)):
        await person.answer(ASK, "y")
        await person.wait_for(ASK, after="  │ other")
        await person.type("n\n")
        rows = below(await person.wait_for(ASK, after=shown[0]), "The running command:")
        await person.type("n\n")
    assert rows[: len(shown) + 5] == [
        "The running command:",
        "  │ sudo sh",
        "The input that Codex would type into its terminal:",
        *shown,
        "A yes allows, this once:",
        "  • this input is typed into the terminal of the running command",
    ]
    assert rows[len(shown) + 5] == f"  • {end}"
    assert decisions(server) == ["accept", "decline", "decline"]


@pytest.mark.extended
async def test_a_terminal_that_is_typed_into_may_be_one_that_is_not_known(
    person: Person, server: ScriptedAppServer
) -> None:
    typing = {"kind": "writeStdin", "approvalId": "call_2", "command": "write_stdin --session-id 1 'y\n'"}
    async with running(person, server, command("", **typing)):
        rows = below(await person.answer(ASK, "n"), "The running command:")
    assert rows[1] == '  • unknown to this program; its id is "call_1"'


@pytest.mark.parametrize(
    "other", [{"approvalId": "call_3", "command": "harmless"}, {"threadId": "another", "command": "harmless"}]
)
async def test_a_terminal_that_is_typed_into_is_not_taken_for_that_of_another_command(
    other: Mapping[str, Any], person: Person, server: ScriptedAppServer
) -> None:
    typing = {"kind": "writeStdin", "approvalId": "call_2", "command": "write_stdin --session-id 1 'y\n'"}
    async with running(person, server, command("", **other), command("", **typing)):
        await person.answer(ASK, "y")
        rows = below(
            await person.wait_for(ASK, after="The input that Codex would type into its terminal:"),
            "The running command:",
        )
        await person.type("n\n")
    assert rows[1] == '  • unknown to this program; its id is "call_1"'


def test_what_comes_twice_under_one_name_is_shown_twice() -> None:
    params = {"additionalPermissions": {"fileSystem": {"evil": 1}, "camera": [2]}, "fileSystem": [3], "camera": [4]}
    rows = describe(CommandApprovalRequest.from_wire({"command": "ls", **params})).rows(Screen())
    assert {f"  │     {number}" for number in (2, 3, 4)} | {'  │     "evil": 1'} <= set(rows)


async def test_what_else_a_command_gets_is_shown_and_rules_for_the_future_are_not_granted(
    person: Person, server: ScriptedAppServer
) -> None:
    extra = {
        "additionalPermissions": {"network": {"enabled": True}, "fileSystem": {"write": ["/etc\x1b[8m"]}},
        "networkApprovalContext": {"host": "evil.example", "protocol": "https"},
        "someNewGrant": {"root": True},
        "environmentId": "box",
        "proposedExecpolicyAmendment": ["ls"],
    }
    async with running(person, server, command("ls", **extra)):
        rows = below(await person.answer(ASK, "y"), "It also asks for:")
    assert rows == [
        "It also asks for:",
        *("  │ {", '  │   "someNewGrant": {', '  │     "root": true', "  │   }", "  │ }"),
        "A yes allows, this once:",
        "  • the command above (1 line) runs, possibly outside the sandbox",
        '  • in the folder "/w"',
        "  • the command may use the network",
        '  • the command may write to "/etc<U+001B>[8m"',
        '  • it may reach "evil.example" by "https"',
        "  • the JSON above, which this program does not understand",
        '  • in the environment "box", not on this machine',
        "  • the rule that Codex proposes for the future is not granted",
        ASK,
    ]
    assert decisions(server) == ["accept"]


async def test_a_host_alone_may_be_what_is_asked_about(person: Person, server: ScriptedAppServer) -> None:
    context = {"host": "h.example", "protocol": "http"}
    async with running(person, server, command("", networkApprovalContext=context)):
        rows = below(await person.answer(ASK, "y"), "Codex asks")
    assert rows[2:] == ["A yes allows, this once:", '  • it may reach "h.example" by "http"', ASK]


async def test_a_folder_to_write_to_from_now_on_is_shown(person: Person, server: ScriptedAppServer) -> None:
    begin, _ = patch_of({"path": "a", "kind": {"type": "add"}, "diff": "x"})
    question = ask_server_request(FILES, {"itemId": "patch_1", "grantRoot": "/"})
    async with running(person, server, begin, question):
        rows = below(await person.answer(ASK, "y"), "A yes allows")
    assert rows[2] == '  • from now on, Codex may write to "/" without asking'


async def test_permissions_are_put_into_words(person: Person, server: ScriptedAppServer) -> None:
    special = {"type": "special", "value": {"kind": "project_roots", "subpath": "docs"}}
    permissions = {
        "network": {"enabled": True},
        "fileSystem": {
            "read": ["/a"],
            "write": ["/b"],
            "entries": [
                {"access": "write", "path": {"type": "path", "path": "/c"}},
                {"access": "read", "path": {"type": "glob_pattern", "pattern": "/d/*"}},
                {"access": "deny", "path": special},
                {"access": "write", "path": {"type": "special", "value": {"kind": "root"}}},
            ],
        },
    }
    question = ask_server_request(PERMISSIONS, {"itemId": "p", "cwd": "/w", "permissions": permissions})
    async with running(person, server, question):
        rows = below(await person.answer(ASK, "y"), "A yes allows")
    assert rows[1:-1] == [
        "  • Codex may use the network",
        '  • Codex may read "/a"',
        '  • Codex may write to "/b"',
        '  • Codex may write to "/c"',
        '  • Codex may read everything that matches "/d/*"',
        '  • Codex may not use "docs" in the folders of the project',
        "  • Codex may write to all folders and files",
        "  • until this turn ends",
        '  • relative paths start from "/w"',
    ]
    assert decisions(server) == [{"permissions": permissions, "scope": "turn"}]


@pytest.mark.parametrize(
    "permissions",
    [
        {"camera": {"enabled": True}},
        {"network": {"enabled": True, "hosts": ["evil.example"]}},
        {"network": "all"},
        {"network": {"enabled": "always"}},
        {"fileSystem": {"newThing": ["/evil"]}},
        {"fileSystem": {"write": "/evil"}},
        {"fileSystem": {"write": [["/evil"]]}},
        {"fileSystem": {"entries": [{"access": "own", "path": {"type": "path", "path": "/evil"}}]}},
        {"fileSystem": {"entries": [{"access": "read", "path": {"type": "newType", "evil": 1}}]}},
        {"fileSystem": {"entries": [{"access": "read", "path": {"type": "special", "value": {"kind": "evil"}}}]}},
        {"fileSystem": {"entries": [{"access": "read", "path": {"type": "path", "path": "/", "evil": 1}}]}},
        {"fileSystem": {"entries": [{"access": "read", "path": {"type": "path", "path": "/"}, "evil": 1}]}},
    ],
)
def test_permissions_that_have_no_words_are_shown_whole(permissions: Mapping[str, Any]) -> None:
    request = PermissionsApprovalRequest.from_wire({"permissions": permissions})
    rows = describe(request).rows(Screen())
    (value,) = permissions.values()
    assert json.dumps(value)[1:-1].replace(" ", "") in "".join(row[4:] for row in rows).replace(" ", "")
    assert "  • the JSON above, which this program does not understand" in rows


async def test_a_tool_is_shown_with_all_its_arguments(person: Person, server: ScriptedAppServer) -> None:
    arguments = {"to": "a@b\u202e", "text": "\n" * 3 + FORGED, "more": ["\x9b2J"] * 30}
    about = {"codex_approval_kind": "mcp_tool_call", "tool_name": "send\x1b[8m", "tool_params": arguments}
    question = ask_server_request(ELICITATION, {"serverName": "mail\n", "message": f"Allow?\n{FORGED}", "_meta": about})
    async with running(person, server, question):
        rows = below(await person.answer(ASK_AFTER_VIEW, "y"), "Codex asks")
        assert "  │ Codex asks for your permission. Its reason:" in rows
        assert rows[-4:-1] == [
            "A yes allows, this once:",
            '  • the tool "send<U+001B>[8m" of the MCP server "mail<U+000A>" is called',
            "  • with the arguments above (36 lines)",
        ]
        await view_all(person)
        await person.type("y\n")
    assert '  │   "to": "a@b<U+202E>",' in person.seen
    assert sum("<U+009B>2J" in row for row in person.seen) > 0
    assert decisions(server) == [{"action": "accept", "content": {}}]


# --- what else writes to the terminal


def asked_meanwhile(script: str) -> Step:
    """A question that the turn does not wait for."""
    params = {"threadId": "{thread_id}", "turnId": "{turn_id}", "itemId": "call_1", "command": script}
    return raw({"method": COMMAND, "id": 9_000, "params": params})


@pytest.mark.extended
@pytest.mark.parametrize("has_rich", [True, False])
async def test_what_comes_meanwhile_does_not_touch_the_question(
    has_rich: bool, person: Person, server: ScriptedAppServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not has_rich:
        monkeypatch.setitem(sys.modules, "codex_trio.rendering", None)
    ids = {"threadId": "{thread_id}", "turnId": "{turn_id}"}
    item = {"type": "agentMessage", "id": "m", "text": FORGED, "phase": None}
    meanwhile = (
        raw({"method": "item/agentMessage/delta", "params": {**ids, "itemId": "m", "delta": "x\x1b[2J\r"}}),
        raw({"method": "item/completed", "params": {**ids, "item": item}}),
        raw({"method": "error", "params": {**ids, "willRetry": True, "error": {"message": f"again\n{FORGED}"}}}),
    )
    async with running(person, server, asked_meanwhile("rm x"), wait(0.3), *meanwhile, wait(1.5)):
        rows = await person.wait_for(ASK)
        await trio.sleep(1)
        assert person.look() == rows
        await person.type("n\n")
    assert any("Codex asks for your permission. Its reason:" in row for row in below(person.look(), ASK))


async def test_a_question_that_is_withdrawn_says_so_and_its_answer_counts_for_no_other(
    person: Person, server: ScriptedAppServer
) -> None:
    async with running(person, server, asked_meanwhile("rm x"), wait(0.5)):
        await person.wait_for(ASK)
        await person.wait_for("", after="The question was withdrawn.")


async def test_lines_of_a_step_cannot_pass_for_other_steps(
    person: Person, server: ScriptedAppServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "codex_trio.rendering", None)
    message = f"Hello\n[exec] rm x{' ' * 75}[exec] rm y\x1b[1A\n\t[tool] z"
    output = "a\r\nb\x1b[31mc\x1b[0m\x1b[2J\n  exit 0\n"
    async with running(person, server, say(message), run("ls\n[exec] ls", output=output, exit_code=3)):
        pass
    assert person.look()[:-2] == [
        "[codex] Hello",
        "    [exec] rm x",
        "               [exec] rm y<U+001B>[1A",
        "            [tool] z",
        "[exec] /bin/bash -lc 'ls",
        "    [exec] ls'",
        "    a",
        "    bc<U+001B>[2J",
        "      exit 0",
        "  exit 3",
    ]


async def test_what_the_server_says_of_itself_and_of_errors_cannot_forge_lines(
    person: Person, server: ScriptedAppServer
) -> None:
    name = f"codex_trio/1.0.0\x1b[2J\nto resume: rm w{' ' * 100}to resume: rm x"
    server.reply("initialize", {"userAgent": name})
    server.on_turn(fail(f"ill\nto resume: rm y\x1b[2J{' ' * 100}to resume: rm z"))
    with person:
        options = dataclasses.replace(parse_arguments([]), transport=server.transport())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run_chat, options)
            rows = await person.answer(">", "Do it")
            assert rows[0] == f"codex_trio {codex_trio.__version__} with codex_trio/1.0.0<U+001B>[2J"
            assert rows[1] == "    to resume: rm w"
            rows = await person.answer(">", "/quit")
    ours = ("codex_trio ", "Ctrl-C stops a turn", "> Do it", "failed after", "CodexTurnFailedError: ", ">")
    assert [row for row in rows if row[:4] != "    " and not row.startswith(ours) and row] == []
    assert "    to resume: rm y<U+001B>[2J" in rows
