"""Leaving the client while turns of the real binary run: bounded, and no process of ours is left. By Ctrl-C, too."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from codex_trio import (
    CodexClient,
    CodexTransportError,
    CodexTurnInactiveError,
    CodexTurnInterruptedError,
    open_codex_client,
)
from codex_trio.testing import ScriptedModel, hang, open_scripted_model, run, say
from tests.support.real_codex import Tap, told_statuses
from tests.support.real_servers import Listening, MakeTransport, Reach, own_server

_BOUND = 3.0  # seconds for closing; an idle machine needs a tenth of one

# Tells the server's process id on a pipe, and holds that pipe open until it ends.
_COMMAND = "exec 3> alive; echo $PPID >&3; sleep 60"


@pytest.fixture
async def model() -> AsyncIterator[ScriptedModel]:
    with trio.fail_after(60):
        async with open_scripted_model(sandbox_mode="danger-full-access") as model:  # so that $PPID is the server
            yield model


class Life:
    """What the other end of a command's pipe knows of it."""

    def __init__(self, stream: trio.lowlevel.FdStream, server: int) -> None:
        self._stream = stream
        self.server = server  # its process id

    async def wait_over(self) -> None:
        async with self._stream:
            assert await self._stream.receive_some() == b""

    async def let_go(self) -> None:
        await self._stream.aclose()


async def wait_running(folder: Path) -> Life:
    """Wait until `_COMMAND` runs in a folder where the pipe has been made."""
    fd = await trio.to_thread.run_sync(os.open, folder / "alive", os.O_RDONLY, abandon_on_cancel=True)
    stream = trio.lowlevel.FdStream(fd)
    return Life(stream, int(await stream.receive_some()))


def is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


async def statuses_afterwards(make_transport: MakeTransport, thread_id: str) -> list[str]:
    async with open_codex_client(make_transport()) as client:
        return await told_statuses(client, thread_id)


async def test_leaving_the_block_stops_the_turn_and_ends_a_server_of_our_own(
    model: ScriptedModel, tap: Tap, make_transport: MakeTransport, reach: Reach
) -> None:
    model.on_turn(run("echo $PPID"), hang())
    async with open_codex_client(tap) as client:
        stream = client.chat("go")
        command = await anext(stream)
        server = int(command.data["aggregatedOutput"])
        assert is_alive(server)
        begun = trio.current_time()

    assert trio.current_time() - begun < _BOUND
    assert is_alive(server) == reach.outlives_its_clients
    assert tap.passed.index("> turn/interrupt") < tap.passed.index("< turn/completed")
    await model.wait_idle()
    assert await statuses_afterwards(make_transport, command.thread_id) == ["interrupted"]


@pytest.mark.extended
@own_server
async def test_leaving_the_block_ends_a_running_command(model: ScriptedModel, tap: Tap, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "alive")
    model.on_turn(say("half"), run(_COMMAND), say("never"))
    async with open_codex_client(tap) as client:
        stream = client.chat("go")
        await anext(stream)
        command = await wait_running(tmp_path)
        begun = trio.current_time()
    await command.wait_over()

    assert trio.current_time() - begun < _BOUND
    assert not is_alive(command.server)
    assert tap.passed.index("> turn/interrupt") < tap.passed.index("< turn/completed")


@pytest.mark.extended
async def test_a_cancelled_block_is_left_in_bounded_time(
    model: ScriptedModel, tap: Tap, make_transport: MakeTransport, reach: Reach, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "alive")
    model.on_turn(run(_COMMAND), say("never"))
    left = trio.Event()

    async def chat() -> None:
        try:
            async with open_codex_client(tap) as client:
                await client.chat_once("go")
        finally:
            left.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(chat)
        command = await wait_running(tmp_path)
        begun = trio.current_time()
        nursery.cancel_scope.cancel()
    assert left.is_set()
    assert trio.current_time() - begun < _BOUND
    assert is_alive(command.server) == reach.outlives_its_clients
    thread_id = tap.messages[tap.passed.index("< turn/started")]["params"]["threadId"]
    assert await statuses_afterwards(make_transport, thread_id) == ["interrupted"]
    await (command.let_go() if reach.outlives_its_clients else command.wait_over())


@pytest.mark.extended
async def test_an_error_of_the_body_leaves_as_itself_with_a_turn_running(model: ScriptedModel, tap: Tap) -> None:
    model.on_turn(say("half"), hang())
    error = ZeroDivisionError("of the body")
    with pytest.raises(ZeroDivisionError) as caught:  # noqa: PT012  the block is what is tested
        async with open_codex_client(tap) as client:
            async for _ in client.chat("go"):
                raise error

    assert caught.value is error
    assert "> turn/interrupt" in tap.passed


@pytest.mark.extended
async def test_closing_tells_the_consumer_of_a_turn_that_it_was_interrupted(model: ScriptedModel, tap: Tap) -> None:
    model.on_turn(say("half"), hang())
    async with trio.open_nursery() as nursery:
        client = CodexClient(tap)
        await client.start(nursery)
        stream = client.chat("go")
        await anext(stream)
        nursery.start_soon(client.close)
        with pytest.raises(CodexTurnInterruptedError):
            await anext(stream)
    with pytest.raises(CodexTransportError, match="was closed"):
        await client.chat_once("again")


@pytest.mark.extended
async def test_closing_stops_a_turn_that_is_being_started_on_a_server_that_lives_on(
    model: ScriptedModel, server: Listening, nursery: trio.Nursery
) -> None:
    model.on_turn(hang())
    asked = trio.Event()
    tap = Tap(server.transport())
    tap.before = lambda name: asked.set() if name == "> turn/start" else None

    async def ask(thread_id: str) -> None:
        with pytest.raises((CodexTransportError, CodexTurnInterruptedError)):  # the latter if its answer was quicker
            await client.chat_once("go", thread_id)

    async with open_codex_client(tap) as client:
        thread = await client.start_thread()
        nursery.start_soon(ask, thread.id)
        await asked.wait()
    async with open_codex_client(server.transport()) as client:
        assert await told_statuses(client, thread.id) == ["interrupted"]


@pytest.mark.extended
async def test_closing_leaves_a_turn_alone_whose_continuation_was_handed_out(model: ScriptedModel, tap: Tap) -> None:
    model.on_turn(say("half"), hang())
    async with open_codex_client(tap) as client:
        with pytest.raises(CodexTurnInactiveError):
            await client.chat_once("go", inactivity_timeout=0.3)
        begun = trio.current_time()

    assert trio.current_time() - begun < _BOUND
    assert "> turn/interrupt" not in tap.passed


_PROGRAM = """
import trio
from codex_trio import open_codex_client

async def main():
    async with open_codex_client() as client:
        await client.chat_once("go")

trio.run(main)
"""


@pytest.mark.parametrize("whom", [pytest.param("program", marks=pytest.mark.extended), "group"])
async def test_ctrl_c_ends_the_program_with_one_keyboard_interrupt(
    model: ScriptedModel, tmp_path: Path, whom: str
) -> None:
    os.mkfifo(tmp_path / "alive")
    model.on_turn(run(_COMMAND), say("never"))
    program = await trio.lowlevel.open_process(
        [sys.executable, "-W", "error", "-c", _PROGRAM],
        env={**os.environ, **model.env()},
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert program.stderr is not None
    command = await wait_running(tmp_path)
    if whom == "program":
        program.send_signal(signal.SIGINT)
    else:  # as a terminal does
        os.killpg(program.pid, signal.SIGINT)
    async with program.stderr:
        lines = b"".join([chunk async for chunk in program.stderr]).decode().splitlines()
    await program.wait()

    assert program.returncode == -signal.SIGINT
    assert lines[0].startswith("Traceback")
    assert [line for line in lines if not line.startswith(("Traceback", " "))] == ["KeyboardInterrupt"]
    assert not is_alive(command.server)
    await command.wait_over()
    await model.wait_idle()
