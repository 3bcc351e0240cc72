"""`python -m codex_trio` on a pseudo-terminal, with somebody who types: the real codex binary under it."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from codex_trio.testing import ScriptedModel, fail, hang, run, say, think, wait
from tests.support.asking_model import asking_model
from tests.support.pseudo_terminal import CTRL_C, CTRL_D, UP, Terminal, open_terminal


@asynccontextmanager
async def session(model: ScriptedModel, cwd: Path, *args: str, columns: int = 80) -> AsyncIterator[Terminal]:
    """A session at its first prompt."""
    async with open_terminal("codex_trio", *args, env=model.env(), cwd=cwd, columns=columns) as terminal:
        await terminal.expect("\n> ")
        yield terminal


def prompts(model: ScriptedModel) -> list[str]:
    """What was said, in order; a turn that called the model twice said it once."""
    said = [request.prompt for request in model.requests]
    return [one for number, one in enumerate(said) if number == 0 or said[number - 1] != one]


def thread_of(model: ScriptedModel, number: int = 0) -> str:
    """The thread that the model was asked for."""
    return str(model.requests[number].body["prompt_cache_key"])


@pytest.mark.extended
@pytest.mark.parametrize("columns", [80, 200])
async def test_a_session_is_drawn_remembers_what_was_said_and_tells_how_to_come_back(
    model: ScriptedModel, tmp_path: Path, columns: int
) -> None:
    model.on_turn(think("hm"), run("echo one"), say("It is **one**."))
    model.on_turn(say("Two."))
    model.on_turn(say("It is one."))
    async with session(model, tmp_path, columns=columns) as terminal:
        await terminal.type("What is it?\r")
        drawn = await terminal.expect("\n> ")
        await terminal.type("And then?\r")
        await terminal.expect("\n> ")
        await terminal.type(f"{UP}{UP}\r")
        await terminal.expect("\n> ")
        await terminal.type(CTRL_D)
        assert await terminal.wait() == 0
    assert prompts(model) == ["What is it?", "And then?", "What is it?"]
    assert thread_of(model) == thread_of(model, -1)
    assert terminal.text.splitlines()[-1] == f"to resume: python -m codex_trio --resume {thread_of(model)}"
    width = min(columns, 120)
    assert f"╭─ codex {'─' * (width - 10)}╮\n│ {'It is one.':<{width - 4}} │\n" in drawn


async def test_ctrl_c_stops_the_turn_and_at_the_prompt_ends_the_session(model: ScriptedModel, tmp_path: Path) -> None:
    model.on_turn(say("So far."), hang())
    model.on_turn(say("Here."))
    async with session(model, tmp_path) as terminal:
        assert terminal.settings() != terminal.first_settings  # the line editor has it
        await terminal.type("Do it\r")
        await terminal.expect("So far.")
        await terminal.type(CTRL_C)
        await terminal.expect("The turn was stopped.\n> ")
        await model.wait_idle()
        await terminal.type("Are you there?\r")
        await terminal.expect("Here.")
        await terminal.expect("\n> ")
        await terminal.type(f"half a line{CTRL_C}")
        assert await terminal.wait() == 0
        assert "to resume: python -m codex_trio --resume " in terminal.text
        assert terminal.settings() == terminal.first_settings
    assert prompts(model) == ["Do it", "Are you there?"]


async def test_what_codex_asks_is_answered_at_the_terminal(tmp_path: Path) -> None:
    async with asking_model() as model:
        for name in ("one", "two\x1b[8m", "three"):  # the second would hide what comes behind it
            model.on_turn(run(f"touch {name}", escalate=True), say(f"End of {name[:5]}."))
        async with session(model, tmp_path) as terminal:
            for answer, name in (("y", "one"), ("n", "two<U+001B>[8m"), (CTRL_C, "three")):
                await terminal.type("Do it\r")
                question = await terminal.expect("Allow it? [y/N] ")
                assert f"Its reason:\n  │ May I run touch {name}?\nThe command:\n  │ touch {name}\n" in question
                assert '  • by the shell "/bin/bash -' in question
                assert f'  • in the folder "{tmp_path}"\n' in question.replace("\n  ┊ ", "")
                await terminal.type(answer if answer == CTRL_C else f"{answer}\r")
                await terminal.expect("The turn was stopped." if answer == CTRL_C else f"End of {name[:3]}")
                await terminal.expect("\n> ")
            await terminal.type("/quit\r")
            assert await terminal.wait() == 0
    assert os.listdir(tmp_path) == ["one"]


@pytest.mark.extended
async def test_what_was_typed_before_a_question_is_no_answer_to_it(tmp_path: Path) -> None:
    async with asking_model() as model:
        model.on_turn(say("Wait."), wait(0.5), run("touch one", escalate=True), say("End."))
        async with open_terminal("codex_trio", "Do it", env=model.env(), cwd=tmp_path) as terminal:
            await terminal.expect("Wait.")
            await terminal.type("y\r")
            await terminal.expect("Allow it? [y/N] ")
            await terminal.type("\r")
            await terminal.expect("End.")
            assert await terminal.wait() == 0
    assert not (tmp_path / "one").exists()


@pytest.mark.extended
@pytest.mark.from_codex("0.163", "what a short command writes is sometimes lost")
async def test_the_commands_of_a_session_and_plain_text_without_rich(model: ScriptedModel, tmp_path: Path) -> None:
    (tmp_path / "rich.py").write_text("raise ImportError('as if it were not installed')")
    model.default(run("printf 'a\\033[2Jb'"), say("Done."))
    async with session(model, tmp_path) as terminal:
        await terminal.type("/thread\r")
        await terminal.expect("The first message starts the thread.\n> ")
        await terminal.type("/nonsense\r")
        await terminal.expect("unknown command /nonsense; /help lists the commands\n> ")
        await terminal.type("/help\r")
        await terminal.expect("/quit")
        await terminal.type("/etc/hosts\r")  # which is no command
        await terminal.expect("    a<U+001B>[2Jb\n[codex] Done.\n> ")
        await terminal.type("/thread\r")
        await terminal.expect(f"thread {thread_of(model)}\n> ")
        await terminal.type("/new\r")
        await terminal.expect(f"--resume {thread_of(model)}\n")
        await terminal.type("Hello\r")
        await terminal.expect("[codex] Done.\n> ")
        await terminal.type(CTRL_D)
        assert await terminal.wait() == 0
    assert prompts(model) == ["/etc/hosts", "Hello"]
    assert thread_of(model) != thread_of(model, -1)
    assert terminal.text.splitlines()[-1].endswith(thread_of(model, -1))


@pytest.mark.extended
async def test_a_failed_turn_ends_no_session_and_a_lost_server_does(model: ScriptedModel, tmp_path: Path) -> None:
    model.on_turn(fail("the model is ill", http_status=500))
    model.on_turn(say("So far."), hang())
    async with session(model, tmp_path) as terminal:
        await terminal.type("Do it\r")
        await terminal.expect("CodexTurnFailedError: turn ")
        await terminal.expect("\n> ")
        await terminal.type("Do it\r")
        await terminal.expect("So far.")
        os.kill(terminal.child(), signal.SIGKILL)
        await terminal.expect(f"to resume: python -m codex_trio --resume {thread_of(model)}\n")
        await terminal.expect("CodexTransportError: lost the server")
        assert await terminal.wait() == 1


@pytest.mark.extended
async def test_a_turn_on_a_terminal_is_drawn_and_tells_how_to_go_on(model: ScriptedModel, tmp_path: Path) -> None:
    model.on_turn(say("Here."))
    async with open_terminal("codex_trio", "Hello", env=model.env(), cwd=tmp_path) as terminal:
        await terminal.expect("│ Here.")
        await terminal.expect(f"to resume: python -m codex_trio --resume {thread_of(model)}\n")
        assert await terminal.wait() == 0


@pytest.mark.extended
async def test_the_demo_is_drawn_on_a_terminal(tmp_path: Path) -> None:
    async with open_terminal("codex_trio", "demo", env={}, cwd=tmp_path) as terminal:
        await terminal.expect("\nA turn, step by step:\n")
        assert "│ Hello from a file that codex has read. " in await terminal.expect("\nA turn that goes quiet")
        await terminal.expect("│ Let me think about that for a while. ")
        await terminal.expect("│ Here I am again, on the same thread. ")
        assert await terminal.wait() == 0
