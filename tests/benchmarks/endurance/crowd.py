"""Hundreds of turns at once against the real binary, which loses requests when too many are in flight."""

from __future__ import annotations

import json
from collections.abc import Sequence

import trio

from codex_trio import Transport, open_codex_client
from codex_trio.testing import open_scripted_model, say, think

from .holdings import tables, take_stock, wait_at_rest

_MOST = 64  # requests in flight


class _Gauge(Transport):
    """Another transport, and how many requests went through it that have no answer yet."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self._open: set[int | str] = set()
        self.connect_timeout = inner.connect_timeout
        self.most = 0

    async def open(self, nursery: trio.Nursery) -> None:
        await self._inner.open(nursery)

    async def send(self, messages: Sequence[bytes]) -> None:
        sent = map(json.loads, messages)
        self._open |= {one["id"] for one in sent if "id" in one and "method" in one}
        self.most = max(self.most, len(self._open))
        await self._inner.send(messages)

    async def receive(self) -> Sequence[bytes | bytearray]:
        lines = await self._inner.receive()
        received = map(json.loads, lines)
        self._open -= {one["id"] for one in received if "id" in one and "method" not in one}
        return lines

    async def aclose(self) -> None:
        await self._inner.aclose()


async def many_at_once(count: int) -> str:
    """Play `count` turns at once, each on a thread of its own."""
    begun = trio.current_time()
    before = take_stock()
    async with open_scripted_model() as model:
        model.default(think("hm"), *(say(f"word {n}") for n in range(5)))
        gauge = _Gauge(model.transport())
        async with open_codex_client(gauge, request_timeout=300) as client:
            fresh = tables(client)
            texts: list[str] = []

            async def chat() -> None:
                texts.append((await client.chat_once("hello")).final_text)

            async with trio.open_nursery() as nursery:
                for _ in range(count):
                    nursery.start_soon(chat)
            assert texts == ["word 4"] * count
            await wait_at_rest(client, fresh)
    after = take_stock()
    assert gauge.most == min(count, _MOST), f"{gauge.most} requests were in flight"
    assert (after.tasks, after.files, after.children) == (before.tasks, before.files, before.children)
    return f"{count} turns at once in {trio.current_time() - begun:.1f} s, {gauge.most} requests in flight at most"
