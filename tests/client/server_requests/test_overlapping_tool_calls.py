"""Calls of tools that come together, as those of one answer of the model do from codex 0.165 on."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from codex_trio import Tool, open_codex_client, tool
from codex_trio.testing import PendingServerRequest, ScriptedAppServer
from tests.support.background import Background
from tests.support.manual_turn import ManualTurn, next_turn

NAMES = ["a", "b", "c", "d", "e", "f", "g", "h"]


class Watched:
    """A tool's work, and what became of it: who runs, who has begun in which order, and how many ran at most.

    Each call works until `done` is set. Worker threads and a mock clock that jumps do not go together.
    """

    def __init__(self) -> None:
        self.running: list[str] = []
        self.begun: list[str] = []
        self.most = 0
        self.done = trio.Event()
        self._changed = trio.Event()

    async def work(self, name: str) -> str:
        self.running.append(name)
        self.begun.append(name)
        self.most = max(self.most, len(self.running))
        self._changed.set()
        try:
            await self.done.wait()
            for _ in range(10):  # long enough for another to begin too early
                await trio.lowlevel.checkpoint()
        finally:
            self.running.remove(name)
        return name

    async def wait_running(self, number: int) -> None:
        """Wait until so many run, and a little longer, for others that would begin then."""
        while len(self.running) < number:
            self._changed = trio.Event()
            await self._changed.wait()
        await wait_all_tasks_blocked(0.01)

    def plain(self, **options: Any) -> Tool:
        def work(name: str) -> str:
            return trio.from_thread.run(self.work, name)

        return tool(name="work", **options)(work)

    def asynchronous(self, **options: Any) -> Tool:
        async def work(name: str) -> str:
            return await self.work(name)

        return tool(name="work", **options)(work)


@asynccontextmanager
async def running_turn(tools: list[Tool], **options: Any) -> AsyncIterator[ManualTurn]:
    """A client whose turn runs, and is ended at the end."""
    server = ScriptedAppServer()
    server.hold("turn/start")
    async with open_codex_client(server.transport(), tools=tools, **options) as client, trio.open_nursery() as nursery:
        nursery.cancel_scope.deadline = trio.current_time() + 100
        asking = Background(nursery, client.chat_once, "go")
        turn = await next_turn(server)
        turn.accept()
        turn.start()
        yield turn
        turn.end()
        await asking.result()


def call(turn: ManualTurn, name: str, *, tool: str = "work", thread_id: str | None = None) -> PendingServerRequest:
    ids = {"threadId": thread_id or turn.thread_id, "turnId": turn.turn_id, "callId": f"call-{name}"}
    params = {**ids, "tool": tool, "namespace": None, "arguments": {"name": name}}
    return turn.call.connection.ask_nowait("item/tool/call", params)


def text(answer: Any) -> str:
    return str(answer["result"]["contentItems"][0]["text"])


@pytest.mark.smoke
@pytest.mark.parametrize("make", [Watched.plain, lambda watched: watched.asynchronous(overlaps=False)])
@pytest.mark.parametrize("attempt", range(5))  # Trio runs tasks that start together in one order or in the other
async def test_calls_that_may_not_overlap_run_in_the_order_in_which_they_were_sent(
    make: Callable[[Watched], Tool], attempt: int
) -> None:
    watched = Watched()
    watched.done.set()
    async with running_turn([make(watched)]) as turn:
        asks = [call(turn, name) for name in NAMES]
        assert [text(await ask.wait()) for ask in asks] == NAMES
    assert watched.begun == NAMES
    assert watched.most == 1


@pytest.mark.parametrize("make", [lambda watched: watched.plain(overlaps=True), Watched.asynchronous])
async def test_calls_that_may_overlap_do(make: Callable[[Watched], Tool]) -> None:
    watched = Watched()
    async with running_turn([make(watched)]) as turn:
        asks = [call(turn, name) for name in NAMES]
        await watched.wait_running(len(NAMES))
        watched.done.set()
        assert [text(await ask.wait()) for ask in asks] == NAMES


def test_functions_say_by_their_kind_whether_calls_overlap() -> None:
    watched = Watched()
    assert watched.plain().overlaps is False
    assert watched.asynchronous().overlaps is True
    assert Tool("a", "", {}, print).overlaps is False
    assert Tool("a", "", {}, watched.work).overlaps is True
    assert Tool("a", "", {}, watched.work, overlaps=False).overlaps is False


async def test_only_calls_of_one_tool_in_one_thread_of_codex_wait_for_each_other() -> None:
    watched = Watched()
    other = Tool("other", "", {}, lambda arguments: trio.from_thread.run(watched.work, arguments["name"]))
    async with running_turn([watched.plain(), other]) as turn:
        asks = [call(turn, "a")]
        await watched.wait_running(1)
        asks += [call(turn, "b"), call(turn, "c", thread_id="another")]
        await watched.wait_running(2)
        asks += [call(turn, "d", tool="other")]
        await watched.wait_running(3)
        watched.done.set()
        assert [text(await ask.wait()) for ask in asks] == ["a", "b", "c", "d"]
    assert watched.begun == ["a", "c", "d", "b"]


async def test_a_call_that_waits_is_dropped_with_its_turn() -> None:
    began: list[str] = []
    done = threading.Event()

    def work(name: str) -> str:  # a thread that hears of no cancellation
        began.append(name)
        assert done.wait(30)
        return name

    async with running_turn([tool(work)]) as turn:
        asks = [call(turn, name) for name in "abc"]
        await wait_all_tasks_blocked(0.01)
        turn.end()
        await wait_all_tasks_blocked(0.01)
        fourth = call(ManualTurn(turn.call, "the next turn"), "d")
        await wait_all_tasks_blocked(0.01)
        assert began == ["a"]
        done.set()
        assert text(await fourth.wait()) == "d"
    assert began == ["a", "d"]
    assert [ask.answer for ask in asks[1:]] == [None, None]


async def test_a_call_that_is_withdrawn_lets_nobody_pass() -> None:
    watched = Watched()
    async with running_turn([watched.plain()]) as turn:
        asks = [call(turn, name) for name in "abc"]
        await watched.wait_running(1)
        turn.send("serverRequest/resolved", requestId=asks[1].id)
        await watched.wait_running(1)
        watched.done.set()
        assert text(await asks[2].wait()) == "c"
    assert watched.begun == ["a", "c"]
    assert watched.most == 1


async def test_a_call_that_fails_lets_the_next_one_pass() -> None:
    def work(name: int | str) -> str:
        raise LookupError(name)

    async with running_turn([tool(work)]) as turn:
        ids = {"threadId": turn.thread_id, "turnId": turn.turn_id}
        wrong = turn.call.connection.ask_nowait("item/tool/call", {**ids, "tool": "work", "arguments": {"name": []}})
        asks = [wrong, call(turn, "a"), call(turn, "b")]
        texts = [text(await ask.wait()) for ask in asks]
    assert texts[0].startswith("Wrong arguments for work")
    assert texts[1:] == ["work failed: LookupError: a", "work failed: LookupError: b"]


async def test_calls_that_wait_hold_the_clock_of_inactivity(autojump_clock: MockClock) -> None:
    @tool(overlaps=False)
    async def work(name: str) -> str:
        await trio.sleep(10)
        return name

    async with running_turn([work], inactivity_timeout=15) as turn:
        asks = [call(turn, name) for name in NAMES]
        assert [text(await ask.wait()) for ask in asks] == NAMES
    assert trio.current_time() == 10 * len(NAMES)


async def test_a_limiter_bounds_the_worker_threads() -> None:
    watched = Watched()
    limiter = trio.CapacityLimiter(2)
    async with running_turn([watched.plain(overlaps=True, limiter=limiter)]) as turn:
        asks = [call(turn, name) for name in NAMES]
        await watched.wait_running(2)
        assert limiter.borrowed_tokens == 2
        watched.done.set()
        assert [text(await ask.wait()) for ask in asks] == NAMES
    assert watched.most == 2


def test_an_async_function_has_no_use_for_a_limiter() -> None:
    with pytest.raises(TypeError, match="tool work: limiter is for functions that run in worker threads"):
        Watched().asynchronous(limiter=trio.CapacityLimiter(1))
