"""Servers that are lost, slow and deaf by turns: in memory under a clock of its own, and the real binary behind a proxy."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from random import Random
from typing import Any

import trio

from codex_trio import CodexClient, TurnInfo, WebSocketTransport, open_codex_client
from codex_trio.testing import (
    ScriptedAppServer,
    Step,
    fail,
    hang,
    omit_completed,
    open_scripted_model,
    run,
    say,
    think,
    wait,
)
from tests.support.websocket_servers import serve_proxy

from .fates import KnownTurn
from .village import Village

_PEOPLE = 12


def _scripts(pace: float) -> dict[str, tuple[Step, ...]]:
    """Return what there is to ask, and what happens then; a while takes `pace` seconds."""
    return {
        "quick": (say("done"),),
        "long": (think("hm"), wait(pace / 2), run("true"), say("half"), wait(pace), think("well"), say("done")),
        "flood": (say("la " * 300), say("done")),
        "many": tuple(say(f"word {number}") for number in range(20)),
        "asks": (run("true", escalate=True), say("done")),
        "asks again": (
            say("first"),
            run("true", escalate=True),
            wait(pace / 2),
            run("false", escalate=True),
            say("done"),
        ),
        "fails": (say("so far"), run("true"), fail("no luck", http_status=400)),
        "hangs": (say("so far"), hang()),
        "is quiet": (wait(3 * pace), say("done")),
    }


async def in_memory(random: Random, seconds: float, *, keeps_connections: bool) -> str:
    """Live with a scripted server whose connections do not last."""
    async with trio.open_nursery() as nursery:
        server = ScriptedAppServer(nursery)
        scripts = {**_scripts(1), "is mute": (say("done"), omit_completed())}
        for kind, steps in scripts.items():
            server.on_prompt(kind.__eq__, *steps)
        village = Village(random, kinds=tuple(scripts), pace=1, keeps_connections=keeps_connections)

        async def truth(thread_id: str) -> dict[str, KnownTurn]:
            await trio.lowlevel.checkpoint()
            return {
                turn.id: KnownTurn(turn.status, [item["id"] for _, item in turn.items if _is_sure(item)])
                for turn in server.threads[thread_id].turns
            }

        async def trouble() -> None:
            while True:
                await trio.sleep(random.uniform(0, 6))
                await _make_trouble(server, random)

        await village.live(_PEOPLE, seconds, server.transport, trouble, truth)
        assert not server.connections, "a connection is left"
        assert not keeps_connections or not nursery.child_tasks, "turns run on"
        nursery.cancel_scope.cancel()
    return str(village.fates)


def _is_sure(item: Mapping[str, Any]) -> bool:
    """Whether an item is told whatever happens: one that was declined is told to those who were asked, or not at all."""
    return item["type"] != "userMessage" and item.get("status") != "declined"


async def _make_trouble(server: ScriptedAppServer, random: Random) -> None:
    server.open_delay = random.choice([0, 0, random.uniform(0, 3)])
    if random.random() < 0.2:
        server.refuse_connections(times=random.randint(1, 3))
    if not server.connections:
        return
    connection = random.choice(server.connections)
    kind = random.choice(["lost", "lost", "lost with what was on its way", "slow", "deaf"])
    try:
        if kind == "deaf":
            connection.pause_reading()
        elif kind != "lost":
            connection.pause_writing()
        await trio.sleep(random.uniform(0, 2))
        if kind == "lost with what was on its way":
            connection.discard_queued()
        if kind.startswith("lost"):
            connection.drop()
    finally:
        connection.resume_reading()
        connection.resume_writing()


async def real_websocket(random: Random, seconds: float, *, keeps_connections: bool) -> str:
    """Live with the real binary, over a proxy that cuts connections."""
    async with (
        open_scripted_model(approval_policy="on-request", sandbox_mode="read-only") as model,
        model.listening() as url,
        trio.open_nursery() as nursery,
    ):
        proxy, proxy_url = await serve_proxy(nursery, url)
        village = _village_of(model, random, keeps_connections=keeps_connections)

        async def trouble() -> None:
            while True:
                await trio.sleep(random.uniform(0, 4))
                await proxy.cut()
                model.requests.clear()  # which it keeps for tests

        async with open_codex_client(WebSocketTransport(url, token=""), observe=True) as observer:
            await village.live(
                _PEOPLE, seconds, lambda: WebSocketTransport(proxy_url, token=""), trouble, _told_by(observer)
            )
        nursery.cancel_scope.cancel()
    return str(village.fates)


async def real_stdio(random: Random, seconds: float) -> str:
    """Live with the real binary at the other end of a pipe, which nothing cuts."""
    async with open_scripted_model(approval_policy="on-request", sandbox_mode="read-only") as model:
        village = _village_of(model, random, keeps_connections=True, reconnect=False)

        async def trouble() -> None:
            while True:
                await trio.sleep(1)
                model.requests.clear()

        async def truth(thread_id: str) -> dict[str, KnownTurn]:
            return await _told_by(await village.client())(thread_id)

        await village.live(_PEOPLE, seconds, model.transport, trouble, truth)
    return str(village.fates)


def _village_of(model: Any, random: Random, **options: bool) -> Village:
    scripts = _scripts(0.3)
    for kind, steps in scripts.items():
        model.on_prompt(kind.__eq__, *steps)
    return Village(random, kinds=tuple(scripts), pace=0.3, **options)


def _told_by(client: CodexClient) -> Callable[[str], Awaitable[dict[str, KnownTurn]]]:
    async def truth(thread_id: str) -> dict[str, KnownTurn]:
        thread = await client.resume_thread(thread_id)
        turns: list[TurnInfo] = [turn async for turn in thread.turns(items_view="notLoaded")]
        ids: dict[str, list[str]] = {turn.id: [] for turn in turns}
        async for step in thread.items():
            if step.item_type != "userMessage":
                ids[step.turn_id].append(step.item_id)
        return {turn.id: KnownTurn(turn.status, ids[turn.id]) for turn in turns}

    return truth
