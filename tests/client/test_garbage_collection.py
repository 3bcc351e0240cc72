"""What is over goes at once, without the collector: turns, calls, and errors with the frames that they passed."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

import pytest
import trio
from trio.testing import MockClock

from codex_trio import (
    ApprovalRequest,
    CodexClient,
    CodexError,
    CodexOutputError,
    CodexProtocolError,
    CodexThreadBusyError,
    CodexThreadNotFoundError,
    CodexTimeoutError,
    CodexTransportError,
    CodexTurnFailedError,
    CodexTurnInactiveError,
    CodexTurnInterruptedError,
    Decision,
    open_codex_client,
)
from codex_trio.testing import ScriptedAppServer, fail, hang, run, say


@dataclass
class Answer:
    number: int


class HandlerError(Exception):
    """What a handler raises."""


class Mine:
    """Something of the caller's."""


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


Ask = Callable[[CodexClient, ScriptedAppServer], Awaitable[object]]


async def be_refused(client: CodexClient, server: ScriptedAppServer) -> None:
    await client.request("no/such/method")


async def not_find(client: CodexClient, server: ScriptedAppServer) -> None:
    await client.chat_once("hello", "01a20000-0000-7000-8000-00000000ffff")


async def be_ignored(client: CodexClient, server: ScriptedAppServer) -> None:
    server.ignore("thread/list")
    await client.request("thread/list")


async def be_busy(client: CodexClient, server: ScriptedAppServer) -> None:
    server.on_turn(say("so far"), hang())
    async with client.chat("hello") as stream:
        step = await anext(stream)
        await client.chat_once("more", step.thread_id)


async def go_quiet(client: CodexClient, server: ScriptedAppServer) -> None:
    server.on_turn(hang())
    await client.chat_once("hello", inactivity_timeout=1)


async def go_quiet_in_a_stream(client: CodexClient, server: ScriptedAppServer) -> None:
    server.on_turn(hang())
    async for _ in client.chat("hello", inactivity_timeout=1):
        pass


async def fail_turn(client: CodexClient, server: ScriptedAppServer) -> None:
    server.on_turn(fail("no luck"))
    await client.chat_once("hello")


async def be_interrupted(client: CodexClient, server: ScriptedAppServer) -> None:
    server.on_turn(say("so far"), hang())
    async for step in client.chat("hello"):
        await client.interrupt_turn(step.turn_id)


async def not_cancel(client: CodexClient, server: ScriptedAppServer) -> None:
    server.on_turn(hang())
    server.fail_next("turn/interrupt", code=-1, message="not today", times=None)
    try:
        await client.chat_once("hello", inactivity_timeout=1)
    except CodexTurnInactiveError as exc:
        continuation = exc.continuation
    await client.cancel(continuation)


async def misfit(client: CodexClient, server: ScriptedAppServer) -> None:
    server.on_turn(say("no JSON"))
    await client.chat_once("hello", output_type=Answer)


async def lose_turn(client: CodexClient, server: ScriptedAppServer) -> None:
    server.on_turn(say("so far"), hang())
    async for _ in client.chat("hello"):
        server.connection.drop()


async def lose_call(client: CodexClient, server: ScriptedAppServer) -> None:
    server.connection.drop()
    await client.request("thread/list")


async def raise_in_handler(client: CodexClient, server: ScriptedAppServer) -> None:
    server.on_turn(run("ls", escalate=True))
    await client.chat_once("hello")


CASES: list[tuple[Ask, type[Exception]]] = [
    (be_refused, CodexProtocolError),
    (not_find, CodexThreadNotFoundError),
    (be_ignored, CodexTimeoutError),
    (be_busy, CodexThreadBusyError),
    (go_quiet, CodexTurnInactiveError),
    (go_quiet_in_a_stream, CodexTurnInactiveError),
    (fail_turn, CodexTurnFailedError),
    (be_interrupted, CodexTurnInterruptedError),
    (not_cancel, CodexProtocolError),
    (misfit, CodexOutputError),
    (lose_turn, CodexTransportError),
    (lose_call, CodexTransportError),
    (raise_in_handler, HandlerError),
]


async def decide(request: ApprovalRequest) -> Decision:
    raise HandlerError


@pytest.mark.extended
@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize(("ask", "kind"), CASES, ids=lambda one: one.__name__)
async def test_an_error_and_what_it_passed_are_gone_once_it_is_caught(
    ask: Ask, kind: type[CodexError], autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer()

    async def call(client: CodexClient) -> weakref.ref[Mine]:
        mine = Mine()
        try:
            await ask(client, server)
        except kind:
            return weakref.ref(mine)
        raise AssertionError("nothing was raised")

    async with open_codex_client(server.transport(), on_approval=decide) as client:
        mine = await call(client)
        await trio.testing.wait_all_tasks_blocked()
        assert mine() is None


async def read_steps(client: CodexClient, server: ScriptedAppServer) -> None:
    async for _ in client.chat("hello"):
        pass


async def read_events(client: CodexClient, server: ScriptedAppServer) -> None:
    async for _ in client.stream("hello"):
        pass


async def wait_for_it(client: CodexClient, server: ScriptedAppServer) -> None:
    await client.chat_once("hello")


async def cancel_it(client: CodexClient, server: ScriptedAppServer) -> None:
    server.on_turn(say("so far"), hang())
    with trio.move_on_after(1):
        await client.chat_once("hello")
    await trio.sleep(1)


async def drop_it(client: CodexClient, server: ScriptedAppServer) -> None:
    server.on_turn(say("so far"), hang())
    async for _ in client.chat("hello"):
        break
    await trio.sleep(1)


async def be_asked(client: CodexClient, server: ScriptedAppServer) -> None:
    server.on_turn(run("ls", escalate=True))
    await client.chat_once("hello")


async def request(client: CodexClient, server: ScriptedAppServer) -> None:
    await client.request("thread/list")


@pytest.mark.extended
@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize(
    "act", [read_steps, read_events, wait_for_it, cancel_it, drop_it, be_asked, request], ids=lambda act: act.__name__
)
async def test_nothing_is_left_for_the_collector(act: Ask, autojump_clock: MockClock) -> None:
    async def accept(request: ApprovalRequest) -> Decision:
        return request.accept()

    server = ScriptedAppServer()
    async with open_codex_client(server.transport(), on_approval=accept) as client:
        await act(client, server)
        gc.collect()
        for _ in range(20):
            await act(client, server)
        assert gc.collect() < 20
