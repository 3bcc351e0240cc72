"""A real server that listens, which runs before its clients and after them."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from codex_trio import Transport, UnixSocketTransport, WebSocketTransport
from codex_trio.testing import ScriptedModel

TOKEN = "a-token-of-this-test"
MakeTransport = Callable[[], Transport]


def codex() -> str:
    if command := os.environ.get("CODEX_APP_SERVER_CMD"):
        return shlex.split(command)[0]
    if found := shutil.which("codex"):
        return found
    import codex_cli_bin  # type: ignore[import-untyped]

    return str(codex_cli_bin.bundled_codex_path())


@asynccontextmanager
async def running_server(model: ScriptedModel, *arguments: str) -> AsyncIterator[trio.Process]:
    """Run an app-server that ends with the body, at the latest."""
    process = await trio.lowlevel.open_process(
        [codex(), "app-server", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, **model.env()},
        cwd=model.home,
        start_new_session=True,
    )
    assert process.stderr is not None
    try:
        yield process
    finally:
        with trio.CancelScope(shield=True):
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
            await process.stderr.aclose()


async def told_url(process: trio.Process) -> str:
    """Wait until the server tells where it listens."""
    assert process.stderr is not None
    told = b""
    while not (found := re.search(rb"listening on: (ws://[0-9.:]+)\s", told)):
        chunk = await process.stderr.receive_some()
        assert chunk, told
        told += chunk
    return found[1].decode()


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(TOKEN)
    return path


@pytest.fixture(params=["ws", "ws with a token", "unix"])
async def make_transport(
    request: pytest.FixtureRequest, model: ScriptedModel, token_file: Path, tmp_path: Path
) -> AsyncIterator[MakeTransport]:
    match request.param:
        case "ws":
            async with model.listening(cwd=model.home) as url:
                yield lambda: WebSocketTransport(url, token="")
        case "ws with a token":
            arguments = ("--ws-auth", "capability-token", "--ws-token-file", str(token_file))
            async with model.listening(None, *arguments, cwd=model.home) as url:
                yield lambda: WebSocketTransport(url, token=token_file)
        case _:
            path = tmp_path / "socket"
            async with running_server(model, "--listen", f"unix://{path}"):
                while not path.exists():  # noqa: ASYNC110  the server does not tell when it listens there
                    await trio.sleep(0.02)
                yield lambda: UnixSocketTransport(path)
