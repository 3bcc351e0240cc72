"""`ScriptedModel.listening` with commands that are no server: what it says, and that nothing is left."""

from __future__ import annotations

import sys

import pytest
import trio

from codex_trio import CodexTransportError
from codex_trio.testing import open_scripted_model
from tests.support.leaks import nothing_left


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        ("/no/such/codex app-server", "cannot start '/no/such/codex app-server --listen"),
        ([sys.executable, "-c", "raise SystemExit('cannot')"], "does not listen; its stderr: 'cannot'"),
    ],
)
async def test_a_server_that_does_not_listen_is_told(command: str | list[str], complaint: str) -> None:
    with nothing_left():
        async with open_scripted_model() as model:
            with pytest.raises(CodexTransportError, match=complaint):
                await model.listening(command).__aenter__()


async def test_a_start_that_is_cancelled_leaves_nothing() -> None:
    mute = [sys.executable, "-c", "import time; time.sleep(7777)"]
    with nothing_left():
        async with open_scripted_model() as model:
            with trio.move_on_after(0.3) as scope:
                await model.listening(mute).__aenter__()
    assert scope.cancelled_caught


async def test_a_command_that_cannot_be_split_is_refused() -> None:
    async with open_scripted_model() as model:
        with pytest.raises(ValueError, match="cannot be split into words"):
            model.listening("'un")
