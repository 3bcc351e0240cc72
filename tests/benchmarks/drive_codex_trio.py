"""The client of this repository, by its public API."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial

import trio

from codex_trio import (
    CodexClient,
    CodexThread,
    CodexTurnInterruptedError,
    StdioTransport,
    WebSocketTransport,
    open_codex_client,
)

from .job import Figures, Job, Memory, Region, check, perform


def _open(job: Job) -> AbstractAsyncContextManager[CodexClient]:
    if job.url:
        return open_codex_client(WebSocketTransport(job.url))
    return open_codex_client(StdioTransport(command=[job.server, "app-server"]))


async def _read_steps(thread: CodexThread, job: Job) -> None:
    steps = 0
    async with thread.chat("Go") as stream:
        async for _ in stream:
            steps += 1
    check("steps", steps, job.steps)


async def _read_answer(thread: CodexThread, job: Job) -> None:
    result = await thread.chat_once("Go")
    check("final text", result.final_text, job.final_text)
    check("steps", len(result.steps), job.steps)


async def _turns(job: Job, read: Callable[[CodexThread, Job], Awaitable[None]]) -> Figures:
    async with _open(job) as client:
        threads = [await client.start_thread() for _ in range(job.at_once)]
        with Region() as region:
            for number in range(job.rounds):
                if number == job.rounds // 10:
                    memory = Memory()
                async with trio.open_nursery() as nursery:
                    for thread in threads:
                        nursery.start_soon(read, thread, job)
    return region.figures | memory.figures()


async def _requests(job: Job) -> Figures:
    async def ask() -> None:
        for _ in range(job.requests // job.in_flight):
            check("answer", (await client.request("thread/list", {"limit": 1}))["data"], [])

    async with _open(job) as client:
        with Region() as region:
            async with trio.open_nursery() as nursery:
                for _ in range(job.in_flight):
                    nursery.start_soon(ask)
    return region.figures


async def _interrupts(job: Job) -> Figures:
    async def wait_for_end(thread: CodexThread) -> None:
        try:
            await thread.chat_once("Go")
        except CodexTurnInterruptedError:
            interrupted.append(thread)

    interrupted: list[CodexThread] = []
    async with _open(job) as client, trio.open_nursery() as nursery:
        threads = [await client.start_thread() for _ in range(job.at_once)]
        for thread in threads:
            nursery.start_soon(wait_for_end, thread)
        await trio.sleep(1)
        waits = []
        for thread in threads[-job.silent :]:
            await trio.sleep(0.1)
            start = time.perf_counter()
            await thread.interrupt()
            waits.append(time.perf_counter() - start)
        check("interrupted turns", len(interrupted), job.silent)
        nursery.cancel_scope.cancel()
    return {"cpu": 0.0, "wall": sum(waits), "latency ms": max(waits) * 1e3}


def _run(program: Callable[[Job], Awaitable[Figures]], job: Job) -> Figures:
    return trio.run(program, job)


if __name__ == "__main__":
    steps = partial(_run, partial(_turns, read=_read_steps))
    answers = partial(_run, partial(_turns, read=_read_answer))
    requests = partial(_run, _requests)
    perform(
        {
            "one-turn": steps,
            "400-at-once": steps,
            "10-at-once": steps,
            "200-in-turn": steps,
            "requests": requests,
            "requests-at-once": requests,
            "memory": answers,
            "long-line": steps,
            "interrupt": partial(_run, _interrupts),
            "websocket": steps,
        }
    )
