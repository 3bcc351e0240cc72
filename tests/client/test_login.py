"""A login with ChatGPT: its end is told by an event, or by the account if the event was missed. It never hangs."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from codex_trio import CodexClient, CodexError, CodexTransportError, open_codex_client
from codex_trio.testing import ScriptedAppServer
from tests.support.background import Background

ME = {"type": "chatgpt", "email": "me@example.org", "planType": "pro"}
SOMEBODY = {"type": "chatgpt", "email": "somebody@example.org", "planType": "pro"}


class Login:
    """A server with an account, and how a login there ends."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self.server = ScriptedAppServer(nursery)
        self.account: dict[str, Any] | None = None
        self.server.reply("account/read", lambda params: {"account": self.account, "requiresOpenaiAuth": True})
        self.server.reply("account/login/start", {"type": "chatgpt", "loginId": "login", "authUrl": "https://x"})
        self.server.reply("account/login/cancel", {"status": "canceled"})

    def opened(self, **options: Any) -> CodexClient:
        return open_codex_client(self.server.transport(), reconnect=True, **options)

    def tell(self, login_id: str = "login", *, success: bool = True, error: str | None = None) -> None:
        params = {"loginId": login_id, "success": success, "error": error}
        self.server.connection.send({"method": "account/login/completed", "params": params})


@pytest.fixture
def login(nursery: trio.Nursery) -> Login:
    return Login(nursery)


async def test_a_loss_is_a_pause(nursery: trio.Nursery, autojump_clock: MockClock, login: Login) -> None:
    async with login.opened() as client, await client.login_chatgpt() as mine:
        waiting = Background(nursery, mine.wait)
        for outage in (1, 29):
            await trio.sleep(5)
            login.server.open_delay = outage
            login.server.connection.drop()
        await trio.sleep(40)
        assert not waiting.is_done
        login.tell("another", success=False)
        login.tell()
        await waiting.result()
        await mine.wait()


async def test_a_failure_after_a_pause_is_told(nursery: trio.Nursery, autojump_clock: MockClock, login: Login) -> None:
    async with login.opened() as client, await client.login_chatgpt() as mine:
        waiting = Background(nursery, mine.wait)
        await trio.sleep(5)
        login.server.connection.drop()
        await trio.sleep(5)
        login.tell(success=False, error="no way")
        with pytest.raises(CodexError, match="failed: no way"):
            await waiting.result()


@pytest.mark.parametrize("is_waited_for", [True, False])
@pytest.mark.parametrize("before", [None, SOMEBODY], ids=["nobody", "somebody"])
async def test_who_has_logged_in_in_the_pause_is_seen(
    nursery: trio.Nursery,
    autojump_clock: MockClock,
    login: Login,
    before: dict[str, Any] | None,
    is_waited_for: bool,
) -> None:
    login.account = before
    async with login.opened() as client, await client.login_chatgpt() as mine:
        waiting = Background(nursery, mine.wait) if is_waited_for else None
        await trio.sleep(5)
        login.server.open_delay = 20
        login.server.connection.drop()
        login.account = ME
        await trio.sleep(25)
        if waiting is not None:
            assert waiting.is_done
        await mine.wait()
        assert trio.current_time() == 30
    assert "account/login/cancel" not in login.server.received_methods()


@pytest.mark.parametrize("account", [None, ME, {"type": "apiKey"}], ids=["nobody", "the same", "a key"])
async def test_who_cannot_be_told_is_waited_for_no_longer_than_a_login_lasts(
    nursery: trio.Nursery, autojump_clock: MockClock, login: Login, account: dict[str, Any] | None
) -> None:
    login.account = ME if account == ME else None
    async with login.opened() as client:
        mine = await client.login_chatgpt()
        waiting = [Background(nursery, mine.wait) for _ in range(2)]
        await trio.sleep(5)
        login.server.connection.drop()
        login.account = account
        for one in waiting:
            with pytest.raises(CodexError, match="is unknown: the connection was lost"):
                await one.result()
        assert 600 < trio.current_time() < 660


async def test_a_pause_that_is_longer_than_an_answer_may_take_is_one_too(
    nursery: trio.Nursery, autojump_clock: MockClock, login: Login
) -> None:
    async with login.opened(request_timeout=2) as client:
        mine = await client.login_chatgpt()
        waiting = Background(nursery, mine.wait)
        await wait_all_tasks_blocked()
        login.server.open_delay = 20
        login.server.connection.drop()
        await trio.sleep(25)
        assert not waiting.is_done
        login.tell()
        await waiting.result()


async def test_a_server_that_is_lost_for_good_is_told(
    nursery: trio.Nursery, autojump_clock: MockClock, login: Login
) -> None:
    async with login.opened(reconnect_timeout=10) as client:
        mine = await client.login_chatgpt()
        waiting = Background(nursery, mine.wait)
        await wait_all_tasks_blocked()
        login.server.refuse_connections(times=None)
        login.server.connection.drop()
        with pytest.raises(CodexTransportError, match="within 10 s"):
            await waiting.result()
        await mine.cancel()  # which is nothing any more


async def test_without_losses_it_is_waited_for_as_long_as_the_server_says(
    nursery: trio.Nursery, autojump_clock: MockClock, login: Login
) -> None:
    async with login.opened() as client:
        mine = await client.login_chatgpt()
        waiting = Background(nursery, mine.wait)
        await trio.sleep(10_000)
        login.tell()
        await waiting.result()


@pytest.mark.parametrize("is_lost", [False, True], ids=["alone", "with a loss behind it"])
async def test_an_outcome_right_behind_the_answer_is_told(
    nursery: trio.Nursery, autojump_clock: MockClock, login: Login, is_lost: bool
) -> None:
    login.server.hold("account/login/start")
    async with login.opened() as client:
        beginning = Background(nursery, client.login_chatgpt)
        call = await login.server.held("account/login/start").receive()
        call.connection.pause_writing()
        call.reply({"type": "chatgpt", "loginId": "login", "authUrl": "https://x"})
        login.tell("another")
        login.tell(success=False, error="no way")
        if is_lost:
            call.connection.drop()
        else:
            call.connection.resume_writing()
        mine = await beginning.result()
        with trio.fail_after(1), pytest.raises(CodexError, match="failed: no way"):
            await mine.wait()


async def test_a_login_whose_block_is_cancelled_before_it_begins_is_given_up(
    autojump_clock: MockClock, login: Login
) -> None:
    async with login.opened() as client:
        mine = await client.login_chatgpt()
        with trio.CancelScope() as scope:
            scope.cancel()
            async with mine:
                await trio.sleep_forever()
        assert "account/login/cancel" in login.server.received_methods()


@pytest.mark.parametrize("at_once", [0, 64], ids=["places", "no place"])
async def test_a_login_whose_block_is_left_by_a_cancelled_task_is_given_up(
    nursery: trio.Nursery, autojump_clock: MockClock, login: Login, at_once: int
) -> None:
    login.server.hold("slow")
    async with login.opened() as client:
        mine = await client.login_chatgpt()
        calling = [Background(nursery, client.request, "slow") for _ in range(at_once)]
        with trio.CancelScope() as scope:
            async with mine:
                await wait_all_tasks_blocked()
                scope.cancel()
        assert "account/login/cancel" in login.server.received_methods()
        for _ in calling:
            (await login.server.held("slow").receive()).reply({})
        for one in calling:
            await one.result()
