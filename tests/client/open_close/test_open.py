"""Opening and closing: the handshake, what can go wrong with it, and a client that is not open."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from codex_trio import (
    TESTED_CODEX_VERSIONS,
    CodexClient,
    CodexProtocolError,
    CodexTransportError,
    Statistics,
    __version__,
    connect_codex_client,
    open_codex_client,
)
from codex_trio.testing import ScriptedAppServer, hang
from tests.support.background import Background
from tests.support.versions import NEWEST

NOTHING = Statistics(0, 0, 0, 0, 0, 0, 0, 0, 0)


@pytest.mark.smoke
async def test_handshake_comes_first_and_says_who_we_are(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client:
        await client.request("thread/list")
    assert server.received_methods() == ["initialize", "initialized", "thread/list"]
    assert server.received[0]["params"] == {
        "clientInfo": {"name": "codex_trio", "version": __version__},
        "capabilities": {"experimentalApi": False},
    }
    assert "id" not in server.received[1]


async def test_handshake_says_what_the_program_wants_it_to(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    info = {"name": "mine", "title": "My Program", "version": "7"}
    async with open_codex_client(server.transport(), client_info=info, experimental_api=True):
        pass
    assert server.received[0]["params"] == {"clientInfo": info, "capabilities": {"experimentalApi": True}}


async def test_answer_to_the_handshake_is_kept(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client:
        assert client.server.server_info == {"name": "codex_trio", "version": NEWEST}
        assert client.server.codex_home == "/codex-home"
        assert await client.initialize() is client.server
        with pytest.raises(CodexProtocolError, match="Already initialized"):
            await client.initialize({"clientInfo": {"name": "again", "version": "1"}})
    assert server.received_methods().count("initialize") == 2


OLD, NEW = TESTED_CODEX_VERSIONS
UNREADABLE = ["0.0.0", "0.1", "", "x.y.z", "0.172", "v0.172.0", f"0.{'9' * 5000}.0", "0.172.0-\x1b[2J", "٩.٩.٩"]


async def versions_logged(server: ScriptedAppServer, user_agent: object, caplog: pytest.LogCaptureFixture) -> list[str]:
    """Open a client, and return what it logged at INFO or above."""
    server.reply("initialize", {"userAgent": user_agent})
    with caplog.at_level(logging.INFO, "codex_trio"):
        async with open_codex_client(server.transport()):
            pass
    return [f"{record.name} {record.levelname} {record.getMessage()}" for record in caplog.records]


@pytest.mark.parametrize("version", ["0.171.1", "0.172.0-alpha.1", "0.172.0", "1.0.0", "0.1000.0+build"])
async def test_newer_server_than_the_newest_tested_one_is_logged_as_info(
    version: str, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    [logged] = await versions_logged(ScriptedAppServer(), f"me/{version} (Linux)", caplog)
    assert logged.startswith(f"codex_trio INFO codex {version} is newer than {NEW}, the newest version that")


@pytest.mark.parametrize("version", ["0.154.9", "0.155.0-alpha.7", "0.99.0", "0.0.1"])
async def test_older_server_than_the_oldest_tested_one_is_logged_as_a_warning(
    version: str, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    [logged] = await versions_logged(ScriptedAppServer(), f"me/{version} (Linux)", caplog)
    assert logged.startswith(f"codex_trio WARNING codex {version} is older than {OLD}, the oldest version that")


@pytest.mark.parametrize("version", [OLD, NEW, "0.169.0", "0.163.0-alpha.1", f"{NEW}-alpha.1", *UNREADABLE])
async def test_tested_server_and_one_without_a_readable_version_are_not_logged(
    version: str, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    assert await versions_logged(ScriptedAppServer(), f"me/{version} (Linux)", caplog) == []


@pytest.mark.parametrize("user_agent", [None, 7, "me", "/", []])
async def test_server_without_a_user_agent_is_not_logged(
    user_agent: object, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    assert await versions_logged(ScriptedAppServer(), user_agent, caplog) == []


async def test_version_is_logged_again_only_when_a_reconnection_finds_another(
    nursery: trio.Nursery, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    server = ScriptedAppServer(nursery)
    caplog.set_level(logging.INFO, "codex_trio")
    server.reply("initialize", {"userAgent": "me/0.172.0"})
    async with open_codex_client(server.transport(), reconnect=True) as client:
        for version in ("0.172.0", "0.173.0"):
            server.reply("initialize", {"userAgent": f"me/{version}"})
            server.connection.drop()
            await trio.sleep(5)
            await client.request("thread/list")
    versions = [record.getMessage().split()[1] for record in caplog.records if "newer than" in record.getMessage()]
    assert versions == ["0.172.0", "0.173.0"]


async def test_deaf_server_is_given_up_after_the_connect_timeout(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.ignore("initialize")
    transport = server.transport()
    transport.connect_timeout = 7
    with pytest.raises(CodexTransportError, match=r"initialize.* 7 s .*connect_timeout"):
        async with open_codex_client(transport):
            pytest.fail("it cannot be open")
    assert trio.current_time() == 7
    assert server.connections == []


async def test_connect_timeout_alone_bounds_the_handshake(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.hold("initialize")
    async with trio.open_nursery() as nursery:
        opening = Background(nursery, connect_codex_client, nursery, server.transport(), request_timeout=5)
        call = await server.held("initialize").receive()
        await trio.sleep(20)
        server.release("initialize")
        call.proceed()
        client = await opening.result()
        assert trio.current_time() == 20
        await client.aclose()


async def test_slow_transport_is_given_up_after_the_connect_timeout(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.open_delay = 60
    with pytest.raises(CodexTransportError, match="connect_timeout"):
        async with open_codex_client(server.transport()):
            pytest.fail("it cannot be open")
    assert trio.current_time() == 30


async def test_refused_handshake_is_told(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.fail_next("initialize", code=-32600, message="go away")
    with pytest.raises(CodexProtocolError, match="go away"):
        async with open_codex_client(server.transport()):
            pytest.fail("it cannot be open")
    assert server.connections == []


async def test_transport_that_cannot_open_is_told(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.refuse_connections("no route")
    with pytest.raises(CodexTransportError, match="no route"):
        async with open_codex_client(server.transport()):
            pytest.fail("it cannot be open")
    assert server.received == []


async def test_server_that_dies_during_the_handshake_is_told_at_once(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()

    def die(params: object) -> object:
        server.connection.drop(2, "bad config")
        return {}

    server.reply("initialize", die)
    with pytest.raises(CodexTransportError) as caught:
        async with open_codex_client(server.transport()):
            pytest.fail("it cannot be open")
    assert (caught.value.returncode, caught.value.stderr_tail) == (2, "bad config")
    assert trio.current_time() < 1


async def test_opening_may_be_cancelled_anywhere(autojump_clock: MockClock) -> None:
    for seconds in (0, 1, 2, 3, 4):
        server = ScriptedAppServer()
        server.open_delay = 2
        server.ignore("initialize")
        begun_at = trio.current_time()
        with trio.move_on_after(seconds) as scope:
            async with open_codex_client(server.transport()):
                pytest.fail("it cannot be open")
        assert scope.cancelled_caught
        assert trio.current_time() == begun_at + seconds
        assert server.connections == []


# --- not open


USES: list[Callable[[CodexClient], Awaitable[Any]]] = [
    lambda client: client.chat_once("hello"),
    lambda client: anext(client.chat("hello")),
    lambda client: client.request("thread/list"),
    lambda client: client.notify("initialized"),
    lambda client: client.initialize(),
    lambda client: client.interrupt_turn("t", thread_id="t"),
    lambda client: anext(client.notifications()),
]


@pytest.mark.parametrize("use", USES)
async def test_client_that_is_not_open_yet_says_how_to_open_it(
    use: Callable[[CodexClient], Awaitable[Any]], autojump_clock: MockClock
) -> None:
    client = open_codex_client(ScriptedAppServer().transport())
    with pytest.raises(CodexTransportError, match="not open yet: use `async with`"):
        await use(client)
    assert client.statistics() == NOTHING


@pytest.mark.parametrize("use", USES)
async def test_client_that_is_closed_says_so(
    use: Callable[[CodexClient], Awaitable[Any]], autojump_clock: MockClock
) -> None:
    async with open_codex_client(ScriptedAppServer().transport()) as client:
        pass
    with pytest.raises(CodexTransportError, match="was closed"):
        await use(client)


@pytest.mark.parametrize("use", USES)
async def test_client_that_could_not_be_opened_says_so(
    use: Callable[[CodexClient], Awaitable[Any]], autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer()
    server.refuse_connections()
    client = open_codex_client(server.transport())
    with pytest.raises(CodexTransportError, match="connection refused"):
        await client.__aenter__()
    with pytest.raises(CodexTransportError, match="could not be opened"):
        await use(client)


async def test_server_is_not_known_before_opening(autojump_clock: MockClock) -> None:
    client = open_codex_client(ScriptedAppServer().transport())
    with pytest.raises(CodexTransportError, match="not open"):
        _ = client.server


@pytest.mark.parametrize("name", ["request_timeout", "inactivity_timeout"])
@pytest.mark.parametrize("bad", [0, -1, float("nan"), "x"])
def test_bad_timeout_is_refused_by_name(name: str, bad: object) -> None:
    with pytest.raises(TypeError if isinstance(bad, str) else ValueError, match=name):
        open_codex_client(ScriptedAppServer().transport(), **{name: bad})  # type: ignore[arg-type]


# --- closing, and the manual form


async def test_closing_is_idempotent(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client:
        for _ in range(2):
            await client.aclose()
            await client.close()
        assert server.connections == []
    await client.aclose()
    await open_codex_client(server.transport()).aclose()


async def test_starting_is_idempotent(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    async with trio.open_nursery() as nursery:
        client = open_codex_client(server.transport())
        async with trio.open_nursery() as starters:
            for _ in range(3):
                starters.start_soon(client.start, nursery)
        await client.start(nursery)
        assert (await client.chat_once("hello")).final_text == "ok"
        await client.close()
    assert server.received_methods().count("initialize") == 1


async def test_client_in_ones_own_nursery_lives_until_it_is_closed(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    async with trio.open_nursery() as nursery:
        client = await connect_codex_client(nursery, server.transport(), request_timeout=5)
        assert (await client.chat_once("hello")).final_text == "ok"
        await client.aclose()
    assert server.connections == []


async def test_cancelling_ones_own_nursery_closes_the_client_in_it(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(hang())
    async with trio.open_nursery() as own:
        client = await connect_codex_client(own, server.transport())
        own.start_soon(client.chat_once, "hello")
        await trio.sleep(1)
        own.cancel_scope.cancel()
    assert trio.current_time() == 1
    assert server.received_methods()[-1] == "turn/interrupt"
    assert server.connections == []


async def test_client_that_cannot_connect_leaves_ones_own_nursery_alone(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.refuse_connections("no route")
    async with trio.open_nursery() as nursery:
        with pytest.raises(CodexTransportError, match="no route"):
            await connect_codex_client(nursery, server.transport())
        await wait_all_tasks_blocked()
        assert not nursery.child_tasks
        client = await connect_codex_client(nursery, server.transport())
        await client.aclose()
