"""The fixtures of `codex_trio.testing.pytest`, used as a user would: a folder with a conftest.py and a test."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = 'pytest_plugins = ["codex_trio.testing.pytest"]\n'
TRIO_MODE = "[pytest]\ntrio_mode = true\n"
MARKED = "[pytest]\n"

TESTS = """
import pytest
import trio
import trio.testing

from codex_trio import CodexClient, CodexTurnInactiveError, open_codex_client
from codex_trio.testing import ScriptedAppServer, ScriptedModel, run, say, think, wait


MARK
async def test_a_client_and_its_server(codex_client: CodexClient, codex_server: ScriptedAppServer) -> None:
    codex_server.on_turn(think("hm"), say("done"))
    assert (await codex_client.chat_once("Go")).final_text == "done"
    assert codex_server.prompts == ["Go"]


MARK
async def test_ten_minutes_take_no_time(
    autojump_clock: trio.testing.MockClock, codex_client: CodexClient, codex_server: ScriptedAppServer
) -> None:
    codex_server.on_turn(wait(600), say("done"))
    with pytest.raises(CodexTurnInactiveError) as caught:
        await codex_client.chat_once("Go", inactivity_timeout=400)
    result = await codex_client.chat_once(continuation=caught.value.continuation, inactivity_timeout=400)
    assert result.final_text == "done"
    assert 600 <= trio.current_time() < 601


MARK
async def test_a_turn_is_left_open(codex_client: CodexClient, codex_server: ScriptedAppServer) -> None:
    codex_server.on_turn(say("first"), wait(600), say("second"))
    async for step in codex_client.chat("Go"):
        break
    assert step.text == "first"


MARK
async def test_the_real_binary(codex_model: ScriptedModel, tmp_path) -> None:
    codex_model.on_turn(run("echo hello"), say("done"))
    with trio.fail_after(60):
        async with open_codex_client(codex_model.transport(cwd=tmp_path)) as client:
            result = await client.chat_once("Go")
    assert [step.step_type for step in result.steps] == ["exec", "codex"]
    assert codex_model.requests[0].prompt == "Go"


def test_a_server_needs_no_trio(codex_server: ScriptedAppServer) -> None:
    assert codex_server.prompts == []
"""


def run_pytest(folder: Path, files: dict[str, str], **env: str) -> subprocess.CompletedProcess[str]:
    for name, text in files.items():
        (folder / name).write_text(text)
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error"],
        cwd=folder,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
    )


@pytest.mark.extended
@pytest.mark.parametrize(
    ("config", "mark"), [(TRIO_MODE, ""), (MARKED, "@pytest.mark.trio")], ids=["trio_mode", "marked"]
)
def test_the_fixtures_work_as_a_user_writes_tests(config: str, mark: str, tmp_path: Path) -> None:
    files = {"conftest.py": CONFTEST, "pytest.ini": config, "test_mine.py": TESTS.replace("MARK", mark)}
    ran = run_pytest(tmp_path, files)

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "5 passed" in ran.stdout
    assert ran.stderr == ""


@pytest.mark.extended
def test_a_failing_test_fails_as_itself(tmp_path: Path) -> None:
    test = "async def test_it(codex_client, codex_server):\n    await codex_client.chat_once('Go')\n    assert 1 == 2\n"
    ran = run_pytest(tmp_path, {"conftest.py": CONFTEST, "pytest.ini": TRIO_MODE, "test_mine.py": test})

    assert ran.returncode == 1
    assert "assert 1 == 2" in ran.stdout
    assert "1 failed" in ran.stdout


@pytest.mark.extended
def test_without_pytest_trio_the_error_says_what_to_do(tmp_path: Path) -> None:
    files = {"conftest.py": "import sys\nsys.modules['pytest_trio'] = None\n" + CONFTEST, "test_mine.py": ""}
    ran = run_pytest(tmp_path, files, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")

    assert ran.returncode != 0
    assert "codex_trio.testing.pytest needs pytest-trio, which is not installed: pip install pytest-trio" in ran.stderr


@pytest.mark.extended
def test_the_test_kit_alone_imports_no_pytest() -> None:
    program = "import sys, codex_trio.testing; print('pytest' in sys.modules, 'pytest_trio' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)

    assert ran.stdout == "False False\n"
