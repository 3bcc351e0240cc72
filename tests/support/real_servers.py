"""The ways to reach a real server: as a process of its own for each client, or where one listens for all of them."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pytest
import trio

from codex_trio import CodexClient, Transport, UnixSocketTransport, WebSocketTransport, open_codex_client
from codex_trio.testing import ScriptedModel, open_scripted_model

TOKEN = "a-token-of-this-test"
MakeTransport = Callable[[], Transport]

# A plain `pytest` reaches codex over stdio; `pytest --all` uses every transport.
LISTENING = [pytest.param(way, marks=pytest.mark.extended) for way in ("ws", "ws with a token", "unix")]
WAYS = ["stdio", *LISTENING]

# For tests that need a server of their own process.
own_server = pytest.mark.parametrize("reach", ["stdio"], indirect=True)

# For tests of servers that listen: a plain `pytest` uses one of them.
over_each = pytest.mark.parametrize("reach", [LISTENING[0], "ws with a token", LISTENING[2]], indirect=True)


def codex() -> str:
    if command := os.environ.get("CODEX_APP_SERVER_CMD"):
        return shlex.split(command)[0]
    if found := shutil.which("codex"):
        return found
    import codex_cli_bin  # type: ignore[import-untyped]

    return str(codex_cli_bin.bundled_codex_path())


@dataclass(frozen=True)
class Listening:
    """A server that listens.

    Attributes:
        url: Where, as `--listen` takes it.
    """

    process: trio.Process
    url: str

    def transport(self, **options: Any) -> Transport:
        """Return a transport to it."""
        return transport_to(self.url, **options)


def transport_to(url: str, **options: Any) -> Transport:
    """Return the transport to a server without a token that listens there."""
    path = url.removeprefix("unix://")
    if path != url:
        return UnixSocketTransport(path, **options)
    return WebSocketTransport(url, **{"token": "", **options})


@asynccontextmanager
async def running_server(
    model: ScriptedModel, *arguments: str, listen: str = "ws://127.0.0.1:0", cwd: Path | None = None
) -> AsyncIterator[Listening]:
    """Run an app-server that listens when this yields, and ends with the body, at the latest."""
    with tempfile.TemporaryFile() as log:  # a pipe would have to be read all the time
        process = await trio.lowlevel.open_process(
            [codex(), "app-server", "--listen", listen, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            env={**os.environ, **model.env()},
            cwd=cwd or model.home,
            start_new_session=True,
        )
        try:
            while (url := await _listening_at(listen, log)) is None:
                assert process.poll() is None, _told(log)
                await trio.sleep(0.01)
            yield Listening(process, url)
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
            with trio.CancelScope(shield=True):
                await process.wait()


async def _listening_at(listen: str, log: IO[bytes]) -> str | None:
    path = listen.removeprefix("unix://")
    if path == listen:
        found = re.search(r"listening on: (ws://[0-9.:]+)\s", _told(log))
        return None if found is None else found[1]
    try:
        await (await trio.open_unix_socket(path)).aclose()  # there it does not tell
    except OSError:
        return None
    return listen


def _told(log: IO[bytes]) -> str:
    return os.pread(log.fileno(), 1 << 16, 0).decode()


@dataclass(frozen=True)
class Reach:
    """A way to reach codex."""

    way: str

    @property
    def outlives_its_clients(self) -> bool:
        """Whether the server does."""
        return self.way != "stdio"

    @asynccontextmanager
    async def __call__(self, model: ScriptedModel, cwd: Path) -> AsyncIterator[MakeTransport]:
        """Yield what makes transports, each for a client, to a codex that stands in `cwd` and asks `model`."""
        match self.way:
            case "stdio":
                yield lambda: model.transport(cwd=cwd)
            case "ws":
                async with running_server(model, cwd=cwd) as server:
                    yield server.transport
            case "ws with a token":
                async with running_server(model, *with_token(model), cwd=cwd) as server:
                    yield lambda: server.transport(token=TOKEN)
            case _:
                async with running_server(model, listen=f"unix://{model.home}/socket", cwd=cwd) as server:
                    yield server.transport


def with_token(model: ScriptedModel, token: str = TOKEN) -> Sequence[str]:
    """Return the arguments of a server that wants a token."""
    path = model.home / "token"
    path.write_text(token)
    return "--ws-auth", "capability-token", "--ws-token-file", str(path)


@asynccontextmanager
async def open_both(
    reach: Reach, cwd: Path, *, experimental_api: bool = False
) -> AsyncIterator[tuple[ScriptedModel, CodexClient]]:
    """Open a model, and a client of a codex that asks it."""
    with trio.fail_after(60):
        async with (
            open_scripted_model() as model,
            reach(model, cwd) as make_transport,
            open_codex_client(make_transport(), experimental_api=experimental_api) as client,
        ):
            yield model, client


@pytest.fixture(params=["ws", pytest.param("unix", marks=pytest.mark.extended)])
async def server(request: pytest.FixtureRequest, model: ScriptedModel, tmp_path: Path) -> AsyncIterator[Listening]:
    """A server that listens, for those who cut its connections."""
    listen = "ws://127.0.0.1:0" if request.param == "ws" else f"unix://{model.home}/socket"
    async with running_server(model, listen=listen, cwd=tmp_path) as server:
        yield server


@pytest.fixture(params=WAYS)
def reach(request: pytest.FixtureRequest) -> Reach:
    """Run the test over stdio, and with `--all` over every transport, unless it has transports of its own."""
    return Reach(request.param)


@pytest.fixture
async def make_transport(model: ScriptedModel, reach: Reach, tmp_path: Path) -> AsyncIterator[MakeTransport]:
    async with reach(model, tmp_path) as make:
        yield make
