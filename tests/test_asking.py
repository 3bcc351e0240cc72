"""What a person at a terminal of 80 columns and 24 lines is shown before they say yes, whatever Codex asks."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, closing
from typing import Any

import pytest
import trio
from _person import PASTE_BEGINS, PASTE_ENDS, Person

from codex_trio._cli.arguments import parse_arguments
from codex_trio._cli.talking import talk
from codex_trio.testing import ScriptedAppServer, Step, ask_server_request, raw, say

COMMAND = "item/commandExecution/requestApproval"
FILES = "item/fileChange/requestApproval"
PERMISSIONS = "item/permissions/requestApproval"
ELICITATION = "mcpServer/elicitation/request"

ASK = "Allow it? [y/N]"
ASK_AFTER_VIEW = "Allow it? [v to view all of it, N]"
FORGED = "Codex asks for your permission. It says why:\n  │ x\nThe command:\n  │ ls\nAllow it? [y/N] "


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
            nursery.start_soon(talk, options)
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


# --- what fits


async def test_a_command_is_shown_with_its_reason_its_folder_and_its_shell(
    person: Person, server: ScriptedAppServer
) -> None:
    async with running(person, server, command("/bin/bash -lc 'touch x'")):
        rows = await person.answer(ASK, "y")
    assert below(rows, "Codex asks") == [
        "Codex asks for your permission. It says why:",
        "  │ May I?",
        "The command:",
        "  │ touch x",
        "What a yes allows, this once:",
        "  • the command above (1 line) runs, maybe outside the sandbox",
        '  • by the shell "/bin/bash -lc"',
        '  • in the folder "/w"',
        ASK,
    ]
    assert decisions(server) == ["accept"]


async def test_a_refusal_is_a_refusal_and_so_is_anything_that_ends_the_input(
    person: Person, server: ScriptedAppServer
) -> None:
    answers = {"one": "n\n", "two": "\n", "three": "\x04", "four": "yes\n"}
    async with running(person, server, *map(command, answers)):
        for script, answer in answers.items():
            await person.wait_for(ASK, after=f"  │ {script}")
            await person.type(answer)
    assert decisions(server) == ["decline", "decline", "decline", "accept"]


async def test_a_reason_that_draws_another_question_is_one_line(person: Person, server: ScriptedAppServer) -> None:
    async with running(person, server, command("rm -rf x", reason=f"May I?\n\r\n{FORGED}\x1b[2J")):
        rows = below(await person.answer(ASK, "n"), "Codex asks")
    assert rows[1:5] == [
        "  │ May I?<U+000A><U+000D><U+000A>Codex asks for your permission. It says why:",
        "  ┊ <U+000A>  │ x<U+000A>The command:<U+000A>  │ ls<U+000A>Allow it? [y/N] <",
        "  ┊ U+001B>[2J",
        "The command:",
    ]
    assert rows[5] == "  │ rm -rf x"
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


async def test_a_folder_that_fills_the_row_does_not_write_at_the_edge_below(
    person: Person, server: ScriptedAppServer
) -> None:
    folder = f'/w" and no more{" " * 46}The command: ls'
    async with running(person, server, command("rm x", cwd=folder)):
        rows = below(await person.answer(ASK, "n"), "What a yes allows")
    assert rows[2:] == [
        f'  • in the folder "/w<U+0022> and no more{" " * 36}'.rstrip(),
        f'  ┊ {" " * 9}The command: ls"',
        ASK,
    ]


async def test_letters_from_right_to_left_are_announced(person: Person, server: ScriptedAppServer) -> None:
    async with running(person, server, command("cat א > ב")):
        rows = await person.answer(ASK, "n")
    assert "  • some letters above run from right to left: a terminal may reorder them" in rows


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

        rows = await person.answer(ASK_AFTER_VIEW, "v")
        assert "Not all of it was on the screen: v and Return show it page by page." in rows
        pages: list[str] = []
        while not (rows := await person.wait_for(" to stop", ASK))[-1].endswith(ASK):
            pages += rows
            await person.type("\n")
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
        assert "The window has another size now, so it" in rows
        assert rows[0].startswith("Codex asks")
        await person.answer("page 1 of 2: Return to go on, q to stop", "")
        await person.wait_for("page 2 of 2: Return to go on, q to stop")
        person.resize(40, 10)
        await person.type("\n")
        for number in (1, 2, 3):
            await person.answer(f"page {number} of 3: Return to go on, q to stop", "")
        await person.answer(ASK, "y")
    assert decisions(server) == ["accept"]


@pytest.mark.parametrize(("lines", "asked"), [(24, ASK), (25, ASK_AFTER_VIEW)])
async def test_a_terminal_that_does_not_tell_its_size_has_24_lines(
    lines: int, asked: str, server: ScriptedAppServer
) -> None:
    script = "\n".join(f"echo {number}" for number in range(lines - 7))
    with closing(Person(tells_size=False)) as person:
        async with running(person, server, command(script)):
            await person.answer(asked, "n")


async def test_marks_are_plain_where_the_encoding_has_no_others(server: ScriptedAppServer) -> None:
    with closing(Person(encoding="ascii")) as person:
        async with running(person, server, command("touch 門é" + "x" * 100)):
            rows = below(await person.answer(ASK, "n"), "The command:")
    assert rows[1:4] == [
        "  | touch <U+9580><U+00E9>" + "x" * 53,
        "  : " + "x" * 47,
        "What a yes allows, this once:",
    ]
    assert rows[4].startswith("  * the command above")


# --- what was not typed as an answer


async def test_what_is_typed_before_the_question_is_no_answer(person: Person, server: ScriptedAppServer) -> None:
    async with running(person, server, say("Wait."), command("rm x")):
        await person.type("y\ny\ny")
        await person.wait_for(ASK)
        await person.type("\n")
    assert decisions(server) == ["decline"]


@pytest.mark.parametrize("paste", [f"{PASTE_BEGINS}y\n{PASTE_ENDS}", f"{PASTE_BEGINS}a\ny\nb", "a\ny\n", "y\ny\n"])
async def test_a_paste_is_no_answer_to_this_question_or_the_next(
    paste: str, person: Person, server: ScriptedAppServer
) -> None:
    async with running(person, server, command("one"), command("two")):
        await person.wait_for(ASK)
        await person.type(paste)
        await person.wait_for(ASK, after="That was pasted, or came with more. Type the answer, and Return.")
        assert not server.answers
        await person.type("n\n")
        await person.wait_for(ASK, after="  │ two")
        await trio.sleep(0.3)
        assert len(server.answers) == 1
        await person.type("n\n")
    assert decisions(server) == ["decline", "decline"]


async def test_a_paste_that_goes_on_into_the_question_is_waited_out(person: Person, server: ScriptedAppServer) -> None:
    async def paste() -> None:
        for _ in range(8):
            await person.type("y\n")
            await trio.sleep(0.05)

    async with running(person, server, command("rm x")):
        await paste()
        await person.answer(ASK, "n")
    assert decisions(server) == ["decline"]


async def test_pastes_are_marked_only_while_an_answer_is_awaited(person: Person, server: ScriptedAppServer) -> None:
    async with running(person, server, command("ls"), say("done")):
        await person.wait_for(ASK)
        assert person.marks_pastes
        await person.type("n\n")
    person.look()
    assert not person.marks_pastes
