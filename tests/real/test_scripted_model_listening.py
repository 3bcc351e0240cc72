"""`ScriptedModel.listening`: a real server for clients that come and go, which never outlives its block."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
import trio

from codex_trio import CodexTransportError, CodexTurnInactiveError, WebSocketTransport, open_codex_client
from codex_trio.testing import ScriptedModel, run, say
from tests.support.real_servers import TOKEN, with_token


@pytest.mark.extended
async def test_a_turn_outlives_its_client_and_another_one_takes_it_up(model: ScriptedModel, tmp_path: Path) -> None:
    model.on_turn(say("so far"), run("until test -e go; do sleep 0.02; done"), say("done"))
    async with model.listening(cwd=tmp_path) as url:
        async with open_codex_client(WebSocketTransport(url, token="")) as client:
            with pytest.raises(CodexTurnInactiveError) as caught:
                await client.chat_once("Go", inactivity_timeout=0.5)
        (tmp_path / "go").touch()
        async with open_codex_client(WebSocketTransport(url, token="")) as client:
            assert (await client.chat_once(continuation=caught.value.continuation)).final_text == "done"


def is_alive(process_id: int) -> bool:
    return Path(f"/proc/{process_id}").exists()


async def test_it_ends_with_its_block_and_so_does_its_command_but_not_what_that_has_started(
    model: ScriptedModel, tmp_path: Path
) -> None:
    model.on_turn(run("sleep 60 & echo $$ $PPID $! > ids; exec sleep 7777"))
    mine = ValueError("mine")
    process_ids: list[int] = []

    async def leave_while_a_command_runs(scope: trio.CancelScope) -> None:
        async with model.listening(cwd=tmp_path) as url, open_codex_client(WebSocketTransport(url, token="")) as client:
            with pytest.raises(CodexTurnInactiveError):
                await client.chat_once("Go", inactivity_timeout=0.5, sandbox="danger-full-access")
            process_ids.extend(map(int, (tmp_path / "ids").read_text().split()))
            assert all(map(is_alive, process_ids))
            scope.cancel()
            raise mine

    with trio.CancelScope() as scope, pytest.raises(ValueError, match="mine") as caught:
        await leave_while_a_command_runs(scope)
    assert caught.value is mine
    *process_ids, started = process_ids
    assert len(process_ids) == 2
    with trio.fail_after(5):
        while any(map(is_alive, process_ids)):  # noqa: ASYNC110  the kernel has their SIGKILL, and needs a moment
            await trio.sleep(0.01)
    os.kill(started, signal.SIGKILL)


@pytest.mark.extended
async def test_more_arguments_go_to_the_server(model: ScriptedModel) -> None:
    async with model.listening(None, *with_token(model)) as url:
        with pytest.raises(CodexTransportError, match="HTTP 401"):
            await open_codex_client(WebSocketTransport(url, token="wrong")).__aenter__()
        async with open_codex_client(WebSocketTransport(url, token=TOKEN)) as client:
            assert (await client.chat_once("Hello")).final_text == "ok"
