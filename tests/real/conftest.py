"""A scripted model, and a client of a real codex that talks to it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import trio
from _listening import MakeTransport, make_transport, reach, server
from _real import Tap

from codex_trio import CodexClient, open_codex_client
from codex_trio.testing import ScriptedModel, open_scripted_model

__all__ = ["make_transport", "reach", "server"]  # fixtures

_PATIENCE = 60.0  # seconds for a test; what it takes is its own matter


async def _give_up() -> None:
    await trio.sleep(_PATIENCE)
    raise TimeoutError(f"the test did not end within {_PATIENCE:g} s")


@pytest.fixture
async def model() -> AsyncIterator[ScriptedModel]:
    async with open_scripted_model() as model, trio.open_nursery() as nursery:
        nursery.start_soon(_give_up)
        yield model
        nursery.cancel_scope.cancel()


@pytest.fixture
def tap(make_transport: MakeTransport) -> Tap:
    """The transport of `client`."""
    return Tap(make_transport())


@pytest.fixture
async def client(tap: Tap) -> AsyncIterator[CodexClient]:
    async with open_codex_client(tap) as client:
        yield client
