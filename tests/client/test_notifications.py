"""`notifications()`: the events that belong to no turn of ours."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from codex_trio import CodexTransportError, open_codex_client
from codex_trio.testing import ScriptedAppServer
from tests.support.background import Background
from tests.support.cancel_points import cancelled_after


def tell(server: ScriptedAppServer, n: int) -> None:
    server.connection.send({"method": "news", "params": {"n": n}})


async def test_what_came_before_anybody_listened_is_told_to_the_first(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client:
        tell(server, 1)
        await wait_all_tasks_blocked()
        first = client.notifications()
        assert (await anext(first)).method == "remoteControl/status/changed"
        event = await anext(first)
        assert (event.method, event.params) == ("news", {"n": 1})
        assert event.raw == {"method": "news", "params": {"n": 1}}


@pytest.mark.smoke
async def test_every_stream_is_told_everything_from_its_opening_on(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client:
        await wait_all_tasks_blocked()
        async with client.notifications() as first, client.notifications() as second:
            await anext(first)
            for n in range(3):
                tell(server, n)
            for stream in (first, second):
                assert [(await anext(stream)).params["n"] for _ in range(3)] == [0, 1, 2]


async def test_events_of_our_turns_are_not_among_them(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client, client.notifications() as notifications:
        await client.chat_once("hello")
        tell(server, 1)
        methods = [(await anext(notifications)).method]
        while methods[-1] != "news":
            methods.append((await anext(notifications)).method)
    assert not [method for method in methods if method.startswith(("turn/", "item/"))]
    assert "thread/started" in methods


async def test_closed_stream_wakes_who_waits_and_is_closed_for_good(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client:
        stream = client.notifications()
        await anext(stream)
        waiting = Background(nursery, stream.__anext__)
        await wait_all_tasks_blocked()
        for _ in range(2):
            await stream.aclose()
        with pytest.raises(trio.ClosedResourceError):
            await waiting.result()
        with pytest.raises(trio.ClosedResourceError):
            await anext(stream)


async def test_loss_of_the_server_is_told_after_what_came_before(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client:
        stream = client.notifications()
        await anext(stream)
        waiting = client.notifications()
        lost = Background(nursery, waiting.__anext__)
        await wait_all_tasks_blocked()
        tell(server, 1)
        assert (await lost.result()).params == {"n": 1}
        lost = Background(nursery, waiting.__anext__)
        await wait_all_tasks_blocked()
        server.connection.drop(3, "boom")
        with pytest.raises(CodexTransportError) as caught:
            await lost.result()
        assert caught.value.returncode == 3
        assert (await anext(stream)).params == {"n": 1}
        with pytest.raises(CodexTransportError):
            await anext(stream)


async def test_waiting_that_is_cancelled_at_any_of_its_steps_loses_no_event(autojump_clock: MockClock) -> None:
    for steps in range(5):
        server = ScriptedAppServer()
        async with open_codex_client(server.transport()) as client:
            seen = []
            async with client.notifications() as stream:
                tell(server, 1)
                with cancelled_after(steps):
                    while True:
                        seen.append((await anext(stream)).method)
                if "news" not in seen:
                    while seen[-1:] != ["news"]:
                        seen.append((await anext(stream)).method)
            assert seen == ["remoteControl/status/changed", "news"]
