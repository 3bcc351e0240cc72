"""Every example, run as a person runs it: the real codex binary and the scripted model.

All of them run for the first test, several at a time; each test looks at what its own left.
"""

from __future__ import annotations

import ast
import re
import runpy
import signal
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
from rich.cells import cell_len

from codex_trio import ConversationStep
from codex_trio.testing import hang, open_scripted_model, say
from tests.support.folders import EXAMPLES
from tests.support.run_examples import Ran, React, react_once, run_at_terminal, run_into_file, see, type_answers

pytestmark = pytest.mark.extended

Runner = Callable[[Path], Awaitable[Ran]]

_AT_ONCE = 5
TOKEN = "a-token-of-this-test"


def interrupt(process: trio.Process) -> str:
    process.send_signal(signal.SIGINT)
    return ""


async def chat_with_a_hanging_model(cwd: Path, *args: str, react: React = see) -> Ran:
    async with open_scripted_model() as model:
        model.on_turn(say("so far"), hang())
        args = ("--prompt", "Go", "--prompt", "On", *args)
        ran = await run_at_terminal("chat_steps_rich.py", *args, cwd=cwd, env=model.env(), react=react)
        await model.wait_idle()
        assert [request.prompt for request in model.requests] == ["Go"]
        return ran


async def chat_with_a_server_of_the_environment(cwd: Path) -> Ran:
    (cwd / "token").write_text(TOKEN)
    async with open_scripted_model() as model:
        arguments = ("--ws-auth", "capability-token", "--ws-token-file", str(cwd / "token"))
        async with model.listening(None, *arguments) as url:
            env = {"CODEX_APP_SERVER_WS_URL": url, "CODEX_APP_SERVER_TOKEN": TOKEN}
            return await run_into_file("chat_session_websocket.py", "--prompt", "Hello", cwd=cwd, env=env)


def at_terminal(*command: str, columns: int = 80, react: React = see) -> Runner:
    return lambda cwd: run_at_terminal(*command, cwd=cwd, columns=columns, react=react)


def into_file(*command: str) -> Runner:
    return lambda cwd: run_into_file(*command, cwd=cwd)


WEBSOCKET = ("--demo", "--transport", "websocket")
RUNS: Mapping[str, Runner] = {
    "steps, 80 columns": at_terminal("chat_steps_rich.py", "--demo"),
    "steps, 200 columns": at_terminal("chat_steps_rich.py", *WEBSOCKET, columns=200),
    "steps, file": into_file("chat_steps_rich.py", "--demo", "--show-data"),
    "steps, Ctrl-C": partial(chat_with_a_hanging_model, react=react_once("so far", interrupt)),
    "steps, quiet": lambda cwd: chat_with_a_hanging_model(cwd, "--inactivity-timeout", "0.5", "--cancel-on-timeout"),
    "session, stdio": into_file("chat_session_stdio.py", "--demo"),
    "session, websocket": into_file("chat_session_websocket.py", "--demo"),
    "session, environment": chat_with_a_server_of_the_environment,
    "approve, stdio": at_terminal("approve_commands.py", "--demo", react=type_answers("Yes or no? ", "y", "no")),
    "approve, websocket": into_file("approve_commands.py", *WEBSOCKET),
    "tool, websocket": into_file("give_codex_a_tool.py", *WEBSOCKET),
    "many, websocket": into_file("many_threads.py", *WEBSOCKET),
    "dropped, websocket": into_file("survive_a_dropped_connection.py", "--demo"),
    "session, Ctrl-C": at_terminal("chat_session_stdio.py", "--demo", react=react_once("this?\r\n", interrupt)),
    # After verse 3 nothing is printed for a while, so that Ctrl-C does not come between two writes.
    "dropped, Ctrl-C": at_terminal(
        "survive_a_dropped_connection.py", "--demo", react=react_once("Verse 3.\r\n", interrupt)
    ),
    "answer, stdio": into_file("structured_answer.py", "--demo"),
    "agent, its tests": into_file("test_my_agent.py"),
    "agent, websocket": into_file("test_my_agent.py", *WEBSOCKET),
}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Ran]:
    left: dict[str, Ran] = {}
    limit = trio.CapacityLimiter(_AT_ONCE)

    async def run(name: str, runner: Runner) -> None:
        async with limit:
            left[name] = await runner(tmp_path_factory.mktemp("example"))

    async def run_all() -> None:
        async with trio.open_nursery() as nursery:
            for name, runner in RUNS.items():
                nursery.start_soon(run, name, runner)

    trio.run(run_all)
    return left


def test_every_example_is_run_and_listed(ran: Mapping[str, Ran]) -> None:
    assert len(ran) == len(RUNS)
    names = {path.name for path in EXAMPLES.glob("*.py")}
    text, listed = Path(__file__).read_text(), (EXAMPLES / "README.md").read_text()
    assert {name for name in names if f'"{name}"' in text} == names
    assert set(re.findall(r"`python examples/(\w+\.py)(?: --demo)?`", listed)) == names


@pytest.mark.parametrize("name", [name for name in RUNS if "Ctrl-C" not in name and name != "steps, quiet"])
def test_it_ends_well_and_warns_of_nothing(ran: Mapping[str, Ran], name: str) -> None:
    assert (ran[name].code, ran[name].err) == (0, "")


# --- the steps, drawn

PANELS = ["thinking", "exec", "file", "exec", "codex", "codex"]
SHOWN = (
    *("> The door squeaks. Fix it.", "│ A door that squeaks wants oil.", "│ $ cat door.py", "│ +    door.oil()"),
    *("│ closing the door, 3", "│  2 it closes without a sound.", "> Why did it squeak?", "no events for 1 s since "),
    "│ Nobody had oiled it. I had to think about that for a while.",
)


def titles(lines: list[str]) -> list[str]:
    return [found[1] for line in lines if (found := re.match(r"╭─ (\w+) ─+╮$", line))]


@pytest.mark.parametrize(("columns", "widest"), [(80, 80), (200, 120)])
def test_at_a_terminal_the_panels_fill_its_width_and_no_more(ran: Mapping[str, Ran], columns: int, widest: int) -> None:
    screen = ran[f"steps, {columns} columns"].screen
    assert titles(screen) == PANELS
    assert max(map(cell_len, screen)) == widest
    for text in SHOWN:
        assert any(line.startswith(text) for line in screen), text
    assert sum(line.startswith("completed after ") and " tokens on this thread: " in line for line in screen) == 2


def test_at_a_terminal_a_line_below_says_what_runs(ran: Mapping[str, Ran]) -> None:
    written = ran["steps, 80 columns"].out
    assert re.search(r"\d s \x1b\[1mexec\x1b\[0m\x1b\[36m for n in", written)
    assert "waiting for Codex" in written
    assert not any("waiting for Codex" in line for line in ran["steps, 80 columns"].screen), "it does not stay"


@pytest.mark.from_codex("0.163", "what a short command writes is sometimes lost")
def test_in_a_file_are_the_same_panels_and_no_control_codes(ran: Mapping[str, Ran]) -> None:
    written = ran["steps, file"].out
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", written)
    assert titles(written.splitlines()) == PANELS
    assert "waiting for Codex" not in written
    assert '"aggregatedOutput": "closing the door, 1\\n' in written, "that is --show-data"


def test_ctrl_c_cancels_the_turn_and_shows_what_there_was(ran: Mapping[str, Ran]) -> None:
    left = ran["steps, Ctrl-C"]
    assert left.code == 130
    assert any(line.startswith("│ so far ") for line in left.screen)
    assert left.screen[-1].startswith("interrupted after ")


@pytest.mark.parametrize("name", ["session, Ctrl-C", "dropped, Ctrl-C"])
def test_ctrl_c_in_a_plain_example_is_told_in_one_line(ran: Mapping[str, Ran], name: str) -> None:
    assert ran[name].code == 130
    assert ran[name].screen[-1].removeprefix("^C") == "stopped, and so is the turn"
    assert "Traceback" not in ran[name].out


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_every_example_takes_ctrl_c_where_it_is_run(path: Path) -> None:
    *_, last = ast.parse(path.read_text()).body
    caught = [ast.unparse(one.type) for one in ast.walk(last) if isinstance(one, ast.ExceptHandler) and one.type]
    assert "KeyboardInterrupt" in caught
    assert ast.unparse(last).rstrip().endswith(("sys.exit(130)", "sys.exit(INTERRUPTED)"))


def refusal_of(command: str, monkeypatch: pytest.MonkeyPatch) -> object:
    """Run an example here, and return what it exits with before there is a server."""
    name, *args = command.split()
    monkeypatch.setattr("sys.argv", [name, *args])
    monkeypatch.setenv("CODEX_APP_SERVER_CMD", "no-such-codex")  # should one get as far as that
    with pytest.raises(SystemExit) as exited:
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")
    return exited.value.code


@pytest.mark.parametrize(
    "command",
    [
        "chat_steps_rich.py --prompt x --url ws://127.0.0.1:1",
        "chat_steps_rich.py --prompt x --token t",
        "chat_steps_rich.py --demo --transport websocket --url ws://127.0.0.1:1",
        "chat_steps_rich.py --prompt x --transport websocket --cmd codex",
        "chat_steps_rich.py --demo --inactivity-timeout 0",
        "chat_steps_rich.py --demo --inactivity-timeout nan",
        "chat_session_websocket.py --demo --url ws://127.0.0.1:1",
        "survive_a_dropped_connection.py --demo --token t",
        "test_my_agent.py --transport stdio",
    ],
)
def test_options_that_would_do_nothing_are_refused(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refusal_of(command, monkeypatch) == 2
    assert ": error: " in capsys.readouterr().err.splitlines()[-1]


def test_a_server_that_cannot_start_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    told = refusal_of("chat_steps_rich.py --prompt x --cmd no-such-codex", monkeypatch)
    assert str(told).startswith("CodexTransportError: cannot start 'no-such-codex'")


def test_a_quiet_turn_is_cancelled_if_that_is_wanted(ran: Mapping[str, Ran]) -> None:
    left = ran["steps, quiet"]
    assert left.code == 1
    assert sum(line.startswith("│ so far ") for line in left.screen) == 1
    assert left.screen[-1] == "cancelled: the turn is interrupted"


# --- the others


def test_sessions(ran: Mapping[str, Ran]) -> None:
    assert ran["session, stdio"].lines == [
        "> Which folder is this?",
        "[exec] /bin/bash -c pwd",
        "[codex] The folder that you started me in.",
        "> Thank you. And what did I ask first?",
        "[codex] Which folder this is.",
    ]
    assert ran["session, websocket"].lines == [
        "> What did I say?",
        "[exec] /bin/bash -c 'echo This'",
        "[codex] This.",
        "> Thank you. And what did I ask first?",
        "[codex] What you had said.",
    ]
    assert ran["session, environment"].lines == ["> Hello", "[codex] ok"]


def test_commands_are_approved_at_the_terminal_while_another_turn_goes_on(ran: Mapping[str, Ran]) -> None:
    text = "\n".join(ran["approve, stdio"].screen)
    for command in ("touch oiled", "rm -rf house"):
        reason = re.escape(
            f"Codex gives as its reason:\n  | May I run {command}?\nIt would like to run this command:\n"
        )
        asked = rf"{reason}  \| {command}\nin the folder:\n  \| /.*\nYes or no\? "
        assert len(re.findall(asked, text)) == 1, text
    assert re.findall(r"1 \[.*", text) == [
        "1 [exec] /bin/bash -c 'touch oiled' (completed)",
        "1 [exec] /bin/bash -c 'rm -rf house' (declined)",
        "1 [codex] That is all.",
    ]
    assert re.findall(r"^2 \[.*", text, re.MULTILINE) == ["2 [codex] I have time.", "2 [codex] And I still have."]


def test_nothing_is_approved_where_nobody_is(ran: Mapping[str, Ran]) -> None:
    written = ran["approve, websocket"].lines
    assert written.count("There is no terminal to ask at.") == 2
    assert [line for line in written if line.endswith("(declined)")] == [
        "1 [exec] /bin/bash -c 'touch oiled' (declined)",
        "1 [exec] /bin/bash -c 'rm -rf house' (declined)",
    ]


def test_tools_are_called(ran: Mapping[str, Ran]) -> None:
    assert ran["tool, websocket"].lines == [
        '[tool] list_tickets {\'state\': \'open\'} -> [{"id":"T-1","title":"The door squeaks","state":"open"}]',
        "[tool] assign {'ticket_id': 'T-1', 'to': 'Ann'} -> T-1 is Ann's now",
        "[codex] The door was the only one. Ann has it.",
    ]


@pytest.mark.parametrize(
    ("item", "answer"),
    [
        ({"type": "dynamicToolCall", "contentItems": [{"type": "inputText", "text": "yes"}]}, "yes"),
        ({"type": "dynamicToolCall", "contentItems": [{"type": "inputImage", "imageUrl": "data:"}]}, "(inputImage)"),
        ({"type": "mcpToolCall", "result": {"content": [{"type": "text", "text": "found"}]}, "error": None}, "found"),
        ({"type": "mcpToolCall", "result": None, "error": {"message": "no"}}, ""),
    ],
)
def test_tools_answer_with_text_or_without_and_may_be_of_other_servers(item: dict[str, Any], answer: str) -> None:
    answer_of = runpy.run_path(str(EXAMPLES / "give_codex_a_tool.py"))["answer_of"]
    assert answer_of(ConversationStep.from_wire({"id": "1", **item}, thread_id="t", turn_id="u")) == answer


def test_twenty_turns_are_done_at_once(ran: Mapping[str, Ran]) -> None:
    header, *rows = [line.split() for line in ran["many, websocket"].lines]
    assert header == ["prompt", "state", "text"]
    assert [" ".join(row) for row in rows] == [
        f"{number} Who is at door {number}? done Somebody knocks at door {number}." for number in range(1, 21)
    ]


def test_a_turn_outlives_its_connections(ran: Mapping[str, Ran]) -> None:
    lines = ran["dropped, websocket"].lines
    assert 1 <= lines.count("-- the connection was cut --") <= 3, "a slow machine is back when the turn is through"
    assert [line for line in lines if line[0] == "["] == [f"[codex] Verse {number}." for number in range(1, 11)]


def test_an_answer_is_structured(ran: Mapping[str, Ran]) -> None:
    assert ran["answer, stdio"].lines == [
        "Verdict: Good, but for a door.",
        "high door.py:1 Nobody can open it.",
        " low door.py:2 It squeaks.",
    ]


def test_an_agent_is_tested_and_runs(ran: Mapping[str, Ran]) -> None:
    assert "3 passed" in ran["agent, its tests"].out
    assert ran["agent, websocket"].lines == ["two files"]
