"""A thread goes from one turn to the next: a new message replaces the running turn, whoever Trio lets run first.

Trio runs the tasks of a round in random order, so each of these is tried many times.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import trio
from trio.testing import MockClock

from codex_trio import CodexThread, CodexThreadBusyError, CodexTransportError, open_codex_client
from codex_trio.testing import ScriptedAppServer, hang, say, think
from tests.support.background import Background
from tests.support.quiet_turns import go_quiet

TIMES = 10

Talk = Callable[[CodexThread, str], Awaitable[str]]


async def chat_once(thread: CodexThread, text: str) -> str:
    return (await thread.chat_once(text)).final_text


async def chat(thread: CodexThread, text: str) -> str:
    return [step.text async for step in thread.chat(text)][-1]


async def stream(thread: CodexThread, text: str) -> str:
    return str([event async for event in thread.stream(text)][-1])


@asynccontextmanager
async def tidying(rounds: int) -> AsyncIterator[None]:
    """Take some rounds of the scheduler on the way out, as clean-up does."""
    try:
        yield
    finally:
        with trio.CancelScope(shield=True):
            for _ in range(rounds):
                await trio.lowlevel.checkpoint()


async def deep_in_helpers(thread: CodexThread, text: str) -> str:
    async def helper(depth: int) -> str:
        async with tidying(1):
            return await helper(depth - 1) if depth else await chat_once(thread, text)

    return await helper(5)


async def with_a_loop_body_that_waits(thread: CodexThread, text: str) -> str:
    async def think_about(step: object) -> None:
        async with tidying(3), tidying(3):
            await trio.sleep_forever()

    async for step in thread.chat(text):
        await think_about(step)
    return ""


async def with_a_nursery(thread: CodexThread, text: str) -> str:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.sleep_forever)
        async with tidying(2), thread.chat(text) as steps:
            async for _ in steps:
                await trio.sleep_forever()
    return ""


WAYS = [chat_once, chat, stream, deep_in_helpers, with_a_loop_body_that_waits, with_a_nursery]


def scripted(nursery: trio.Nursery) -> ScriptedAppServer:
    server = ScriptedAppServer(nursery, start_delay=0)
    server.on_prompt("old", think("hm"), hang())
    server.default(say("the answer"))
    return server


async def keep_busy() -> None:
    for _ in range(200):
        await trio.lowlevel.checkpoint()


@pytest.mark.parametrize(
    ("replacement", "load"),
    [(chat_once, 30), *(pytest.param(way, 0, marks=pytest.mark.extended) for way in (chat_once, chat, stream))],
)
@pytest.mark.parametrize("old", WAYS)
async def test_a_new_message_replaces_the_running_turn(
    old: Talk, replacement: Talk, load: int, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = scripted(nursery)
    async with open_codex_client(server.transport()) as client:
        for _ in range(TIMES):
            thread = await client.start_thread()
            scope = trio.CancelScope()

            async def run_old(scope: trio.CancelScope, thread: CodexThread) -> None:
                with scope:
                    await old(thread, "old")

            nursery.start_soon(run_old, scope, thread)
            await trio.sleep(1)
            for _ in range(load):
                nursery.start_soon(keep_busy)
            scope.cancel()
            next_turn = Background(nursery, replacement, thread, "new")
            assert "the answer" in await next_turn.result()
            statuses = [turn.status async for turn in thread.turns()]
            assert statuses == ["interrupted", "completed"]


@pytest.mark.parametrize("method", ["turn/start", "thread/resume"])
async def test_a_new_message_replaces_a_turn_that_is_being_started(
    method: str, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = scripted(nursery)
    async with open_codex_client(server.transport()) as client:
        for _ in range(TIMES):
            thread = await client.start_thread()
            await thread.chat_once("first")
            if method == "thread/resume":
                await thread.unsubscribe()
            server.hold(method)
            scope = trio.CancelScope()
            nursery.start_soon(_in_scope_of, scope, thread)
            held = await server.held(method).receive()
            server.release(method)
            scope.cancel()
            replacing = Background(nursery, chat_once, thread, "new")
            await trio.sleep(1)
            held.proceed()
            assert await replacing.result() == "the answer"


async def test_a_continuation_replaces_one_that_is_cancelled(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = scripted(nursery)
    async with open_codex_client(server.transport()) as client:
        for _ in range(TIMES):
            continuation = await go_quiet(client, "old")
            scope = trio.CancelScope()

            async def run_old(scope: trio.CancelScope) -> None:
                with scope:
                    async for _ in client.chat(continuation=continuation):  # noqa: B023
                        async with tidying(5):
                            await trio.sleep_forever()

            nursery.start_soon(run_old, scope)
            await trio.sleep(1)
            scope.cancel()
            cancelling = Background(nursery, client.cancel, continuation)
            assert (await cancelling.result()).was_interrupted


async def test_an_operation_on_the_thread_waits_for_a_turn_that_is_cancelled(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = scripted(nursery)
    async with open_codex_client(server.transport()) as client:
        for _ in range(TIMES):
            thread = await client.start_thread()
            scope = trio.CancelScope()
            nursery.start_soon(_in_scope_of, scope, thread)
            await trio.sleep(1)
            scope.cancel()
            await Background(nursery, thread.archive).result()


async def _in_scope_of(scope: trio.CancelScope, thread: CodexThread) -> None:
    with scope:
        await thread.chat_once("old")


@pytest.mark.parametrize("talk", [chat_once, chat, stream])
@pytest.mark.parametrize("is_started", [True, False], ids=["it runs", "it is being started"])
async def test_a_busy_thread_is_told_without_any_time(
    talk: Talk, is_started: bool, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    rounds = 0

    async def count_rounds() -> None:
        nonlocal rounds
        while True:
            await trio.lowlevel.checkpoint()
            rounds += 1

    server = scripted(nursery)
    if not is_started:
        server.hold("turn/start")
    async with open_codex_client(server.transport()) as client:
        thread = await client.start_thread()
        old = Background(nursery, thread.chat_once, "old")
        await trio.sleep(1)
        with trio.CancelScope() as counting:
            async with trio.open_nursery() as counters:
                counters.start_soon(count_rounds)
                with pytest.raises(CodexThreadBusyError):
                    await talk(thread, "new")
                counting.cancel()
        assert trio.current_time() == 1
        assert rounds < 30
        assert not old.is_done
        server.connection.drop()
        with pytest.raises(CodexTransportError):
            await old.result()
