"""The examples show what a model says as the command line does: it can neither steer the terminal nor forge a line."""

from __future__ import annotations

import re
import runpy
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import trio

from codex_trio import ApprovalRequest, CommandApprovalRequest, FileChangeApprovalRequest
from tests.support.folders import EXAMPLES
from tests.support.in_process_terminal import Person

FORGED = "Codex gives as its reason:\n  | x\nIt would like to run this command:\n  | ls\nYes or no? "
EVIL = f"\x1b[2J\x9b1A\u202e\u200b\r{FORGED}{' ' * 200}{FORGED}"


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> Iterator[Person]:
    for name in ("COLUMNS", "LINES"):
        monkeypatch.setenv(name, {"COLUMNS": "80", "LINES": "24"}[name])
    with closing(Person()) as person:
        yield person


def ask() -> Any:
    return runpy.run_path(str(EXAMPLES / "approve_commands.py"))["ask"]


async def answer(person: Person, request: ApprovalRequest) -> tuple[list[str], str]:
    """Say yes at the end; return all that stood on the screen before, and the decision."""
    pages: list[str] = []
    decisions: list[str] = []

    async def decide() -> None:
        decisions.append((await ask()(request)).name)

    with person:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(decide)
            while not (rows := await person.wait_for("Return shows more", "Yes or no?"))[-1].startswith("Yes"):
                pages += rows
                await person.type("\n")
            pages += rows
            await person.type("y\n")
    (decision,) = decisions
    return pages, decision


async def test_all_of_a_command_is_shown_before_a_yes(person: Person) -> None:
    script = "\n" * 60 + f"rm -rf x\n{EVIL}" + "\n" * 60
    params = {"command": script, "cwd": EVIL, "reason": EVIL}
    pages, decision = await answer(person, CommandApprovalRequest.from_wire(params))
    assert "  | rm -rf x" in pages
    headings = ("Codex gives as its reason:", "It would like to run this command:", "in the folder:")
    ours = (*headings, "Return shows more", "Yes or no?", "  | ", "  : ")
    assert [row for row in pages if row and not f"{row} ".startswith(ours)] == []
    assert [pages.count(heading) for heading in headings] == [1, 1, 1]
    assert decision == "accept"


async def test_where_a_file_is_moved_to_is_shown(person: Person) -> None:
    kind = {"type": "update", "move_path": "../.bashrc"}
    changes = [{"path": f"a.md{EVIL}", "kind": kind, "diff": FORGED}]
    pages, decision = await answer(person, FileChangeApprovalRequest.from_wire({}, changes))
    assert pages[pages.index("and to move it to:") + 1] == "  | ../.bashrc"
    assert pages.count("Codex gives as its reason:") == 1
    assert decision == "accept"


async def test_what_is_not_known_is_declined(person: Person) -> None:
    with person:
        decision = await ask()(FileChangeApprovalRequest.from_wire({}, None))
    assert decision.is_refusal
    assert person.look()[0].startswith("Declined: the changes are not fully known")


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_whatever_of_a_step_is_printed_is_cleaned(path: Path) -> None:
    raw = re.compile(r"\{(step\.(display_)?text|exc|review\.\w+|finding\.\w+)\}")
    lines = path.read_text().splitlines()
    assert [line for line in lines if raw.search(line) and "clean_text" not in line and "call = " not in line] == []
