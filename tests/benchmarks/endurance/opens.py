"""Clients that are opened and closed a thousand times, with a turn or without, orderly or not: nothing of them may stay."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from random import Random

import trio

from codex_trio import StdioTransport, Transport, WebSocketTransport, open_codex_client
from codex_trio.testing import ScriptedAppServer, open_scripted_model
from tests.support.fake_server_command import server

from .holdings import Holdings, take_stock


class _RaisedError(Exception):
    """What a body raises."""


async def _turn(transport: Transport, random: Random) -> None:
    async with open_codex_client(transport) as client:
        assert (await client.chat_once("hello")).final_text in ("hello", "ok")


async def _unused(transport: Transport, random: Random) -> None:
    async with open_codex_client(transport) as client:
        assert client.server.user_agent


async def _raising(transport: Transport, random: Random) -> None:
    with suppress(_RaisedError):
        async with open_codex_client(transport) as client:
            stream = client.chat("hello")
            await anext(stream)
            raise _RaisedError


async def _cancelled(transport: Transport, random: Random) -> None:
    with trio.move_on_after(random.uniform(0, 0.05)):
        async with open_codex_client(transport) as client:
            await client.chat_once("hello")
            await trio.sleep_forever()


async def open_and_close(
    make_transport: Callable[[], Transport], count: int, random: Random
) -> tuple[Holdings, Holdings]:
    """Open and close `count` clients, one after another; return what was held after a fifth of them, and at the end."""
    ways = (_turn, _unused, _raising, _cancelled)
    warmup = max(count // 5, len(ways))
    for number in range(warmup):
        await ways[number % len(ways)](make_transport(), random)
    before = take_stock()
    for number in range(warmup, count):
        await ways[number % len(ways)](make_transport(), random)
    after = take_stock()
    after.assert_like(before)
    return before, after


async def in_memory(count: int, random: Random) -> str:
    """Do so with servers in memory, each of them new: theirs is not what is weighed."""
    return _told("in memory", count, await open_and_close(lambda: ScriptedAppServer().transport(), count, random))


async def over_pipes(count: int, random: Random) -> str:
    """Do so with a small program as the server, a process each."""
    return _told("over pipes", count, await open_and_close(lambda: StdioTransport(server()), count, random))


async def real_over_pipes(count: int, random: Random) -> str:
    """Do so with the real binary, a process each."""
    async with open_scripted_model() as model:

        def make_transport() -> Transport:
            model.requests.clear()  # which it keeps for tests
            return model.transport()

        return _told("of the real binary", count, await open_and_close(make_transport, count, random))


async def real_over_websocket(count: int, random: Random) -> str:
    """Do so with connections to one process of the real binary."""
    async with open_scripted_model() as model, model.listening() as url:

        def make_transport() -> Transport:
            model.requests.clear()
            return WebSocketTransport(url, token="")

        what = "over a websocket of the real binary"
        return _told(what, count, await open_and_close(make_transport, count, random))


def _told(what: str, count: int, stock: tuple[Holdings, Holdings]) -> str:
    before, after = stock
    return f"{count:,} clients {what}: {before} after a fifth of them, {after} at the end"
