"""A scripted model, and a client of a real codex that talks to it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import trio

from codex_trio import CodexClient, open_codex_client
from codex_trio.testing import ScriptedModel, open_scripted_model
from tests.support.real_codex import Tap, version_under_test
from tests.support.real_servers import MakeTransport, make_transport, reach, server
from tests.support.versions import Versions

__all__ = ["make_transport", "reach", "server"]  # fixtures

_PATIENCE = 60.0  # seconds for a test; what it takes is its own matter


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "from_codex(version, why): what is tested is not so on older servers, and why")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("from_codex"):
        since, why = mark.args
        if version_under_test() in Versions(until=since):
            pytest.skip(f"codex {version_under_test()}: {why}")


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
