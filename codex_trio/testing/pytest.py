"""Fixtures for pytest, with pytest-trio: ``pytest_plugins = ["codex_trio.testing.pytest"]`` in a ``conftest.py``.

- `codex_server`: a `ScriptedAppServer`.
- `codex_client`: an open client connected to `codex_server`. With `autojump_clock` in the same test, waiting takes no
  real time.
- `codex_model`: an open `ScriptedModel`, for the real codex binary: ``open_codex_client(codex_model.transport())``.

This is the only module of the test kit that imports the client.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from .. import CodexClient, open_codex_client
from . import ScriptedAppServer, ScriptedModel, open_scripted_model

try:
    from pytest_trio import trio_fixture  # type: ignore[import-untyped]  # it ships no types
except ImportError as exc:
    raise ImportError(
        "codex_trio.testing.pytest needs pytest-trio, which is not installed: pip install pytest-trio"
    ) from exc

__all__ = ["codex_client", "codex_model", "codex_server"]


@pytest.fixture
def codex_server() -> ScriptedAppServer:
    """An app-server in memory. Script its turns, then connect a client to ``codex_server.transport()``."""
    return ScriptedAppServer()


@trio_fixture  # type: ignore[untyped-decorator]  # likewise
async def codex_client(codex_server: ScriptedAppServer) -> AsyncIterator[CodexClient]:
    """An open client connected to `codex_server`."""
    async with open_codex_client(codex_server.transport()) as client:
        yield client


@trio_fixture  # type: ignore[untyped-decorator]  # likewise
async def codex_model() -> AsyncIterator[ScriptedModel]:
    """An open model for the real codex binary. Script its turns, then open a client with ``codex_model.transport()``."""
    async with open_scripted_model() as model:
        yield model
