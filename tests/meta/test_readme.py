"""Every Python block of README.md is run, as it stands there."""

from __future__ import annotations

import functools
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import trio
import trio.testing

import codex_trio
from codex_trio.testing import ScriptedAppServer, Step, call_tool, hang, open_scripted_model, run, say, wait
from tests.support.folders import ROOT

README = ROOT / "README.md"


def blocks() -> dict[str, list[str]]:
    """The Python blocks, by the heading that they stand under."""
    found: dict[str, list[str]] = {}
    for section in re.split(r"^## ", README.read_text(), flags=re.M)[1:]:
        heading, _, body = section.partition("\n")
        if code := re.findall(r"^```python\n(.*?)^```", body, flags=re.M | re.S):
            found[heading] = code
    return found


def test_every_block_has_its_test() -> None:
    assert {heading: len(code) for heading, code in blocks().items()} == {
        "Quick start": 1,
        "A turn that goes quiet": 1,
        "What Codex asks": 1,
        "Testing your own programs": 1,
    }


@pytest.mark.extended
async def test_the_demo_says_what_it_says_there(tmp_path: Path) -> None:
    (shown,) = re.findall(r"^```text\n(.*?)^```", README.read_text(), flags=re.M | re.S)
    with trio.fail_after(60):
        printed = await trio.run_process(
            [sys.executable, "-W", "error", "-m", "codex_trio", "demo"], cwd=tmp_path, capture_stdout=True
        )
    said = re.sub(r'(?<=_id": ")[0-9a-f-]{36}', "...", printed.stdout.decode())
    assert said.partition("\n\n")[2] == shown


async def test_the_quick_start_runs_against_the_real_binary(tmp_path: Path) -> None:
    with trio.fail_after(60):
        async with open_scripted_model() as model:
            model.on_turn(run("ls"), say("one file"))
            model.on_turn(run("cat *"), say("a poem"))
            printed = await trio.run_process(
                [sys.executable, "-W", "error", "-c", blocks()["Quick start"][0]],
                env={**os.environ, **model.env()},
                cwd=tmp_path,
                capture_stdout=True,
            )
    assert printed.stdout.decode().splitlines() == ["one file", "[exec] /bin/bash -c 'cat *'", "[codex] a poem"]


@pytest.mark.extended
async def test_the_tool_is_called_and_one_command_approved(tmp_path: Path) -> None:
    escalated = (run("touch done", escalate=True), run("touch undone", escalate=True))
    with trio.fail_after(60):
        async with open_scripted_model(
            approval_policy="on-request", sandbox_mode="workspace-write", config="allow_login_shell = true"
        ) as model:
            model.on_turn(call_tool("lookup_ticket", {"id": "T-1"}), *escalated, say("a door"))
            printed = await trio.run_process(
                [sys.executable, "-W", "error", "-c", blocks()["What Codex asks"][0]],
                env={**os.environ, **model.env()},
                cwd=tmp_path,
                capture_stdout=True,
            )
            assert "The door squeaks" in model.requests[1].body["input"][-1]["output"]
    assert printed.stdout.decode() == "a door\n"
    assert [path.name for path in await trio.Path(tmp_path).iterdir()] == ["done"]


@pytest.fixture
def run_in_memory(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Run a program with the in-memory server for codex, on the mock clock."""

    def play(code: str, *turns: tuple[Step, ...]) -> None:
        server = ScriptedAppServer()
        for steps in turns:
            server.on_turn(*steps)
        clock = trio.testing.MockClock(autojump_threshold=0)
        opened = functools.partial(codex_trio.open_codex_client, server.transport())
        monkeypatch.setattr(codex_trio, "open_codex_client", opened)
        monkeypatch.setattr(trio, "run", functools.partial(trio.run, clock=clock))
        exec(compile(code, str(README), "exec"), {"__name__": "__main__"})

    return play


def test_a_quiet_turn_is_waited_for_and_another_one_stopped(
    run_in_memory: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    code = blocks()["A turn that goes quiet"][0]
    run_in_memory(code, (wait(100), say("at last")), (say("so far"), hang()))
    assert capsys.readouterr().out == "silent for 60 s, last: item/completed\nat last\ninterrupted ['so far']\n"


@pytest.mark.extended
def test_the_test_of_the_readme_passes(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\ntrio_mode = true\nfilterwarnings = error\n")
    (tmp_path / "test_my_agent.py").write_text(blocks()["Testing your own programs"][0])
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"], cwd=tmp_path, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stdout
    assert "1 passed" in ran.stdout


def test_it_is_short_and_its_links_lead_somewhere() -> None:
    text = README.read_text()
    assert len(text.splitlines()) <= 200
    links = re.findall(r"\]\((?!https:)([^)]+)\)", text)
    assert len(links) > 5
    assert [link for link in links if not (README.parent / link).exists()] == []


def test_it_names_the_tested_versions_of_codex() -> None:
    assert "codex {} to {}".format(*codex_trio.TESTED_CODEX_VERSIONS) in README.read_text()


def test_every_public_name_of_the_client_and_the_thread_that_it_names_exists() -> None:
    text = README.read_text()
    named = set(re.findall(r"`client\.(\w+)", text)), set(re.findall(r"`thread\.(\w+)", text))
    for owner, names in zip((codex_trio.CodexClient, codex_trio.CodexThread), named, strict=True):
        assert names
        assert [name for name in names if not hasattr(owner, name)] == []
