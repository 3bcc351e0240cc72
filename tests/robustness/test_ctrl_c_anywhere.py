"""Ctrl-C at any line of the library that the caller's task runs: the client and the thread stay usable."""

from __future__ import annotations

import signal
import sys
from collections.abc import Awaitable, Callable
from types import FrameType
from typing import Any

import pytest
import trio
from trio.testing import MockClock

import codex_trio
from codex_trio import CodexClient, CodexThread, CodexThreadBusyError, CodexTurnInactiveError, open_codex_client
from codex_trio.testing import ScriptedAppServer, hang, run, say

PACKAGE = codex_trio.__path__[0]
SERVER = f"{PACKAGE}/testing/"
STEP = 7  # lines from one interruption to the next

Call = Callable[[CodexClient, CodexThread], Awaitable[object]]


class Interruption:
    """A signal at the n-th line of the library, counted over all tasks. Trio raises it in the main task."""

    def __init__(self, at: int) -> None:
        self.lines = 0
        self._at = at

    def trace(self, frame: FrameType, event: str, arg: Any) -> Any:
        name = frame.f_code.co_filename
        if not name.startswith(PACKAGE) or name.startswith(SERVER):
            return None
        if event == "line":
            self.lines += 1
            if self.lines == self._at:
                signal.raise_signal(signal.SIGINT)
        return self.trace


async def chat_once(client: CodexClient, thread: CodexThread) -> None:
    await thread.chat_once("one")


async def chat(client: CodexClient, thread: CodexThread) -> None:
    async for _ in thread.chat("one"):
        pass


async def stream(client: CodexClient, thread: CodexThread) -> None:
    async with thread.stream("one") as events:
        async for _ in events:
            pass


async def leave(client: CodexClient, thread: CodexThread) -> None:
    async with thread.chat("one") as steps:
        await anext(steps)


async def cancel_a_scope(client: CodexClient, thread: CodexThread) -> None:
    with trio.move_on_after(1):
        await thread.chat_once("hang")


async def cancel(client: CodexClient, thread: CodexThread) -> None:
    try:
        await thread.chat_once("hang", inactivity_timeout=1)
    except CodexTurnInactiveError as exc:
        await client.cancel(exc.continuation)


async def use_the_thread(client: CodexClient, thread: CodexThread) -> None:
    await thread.read()
    async for _ in thread.turns():
        pass
    await thread.rename("name")
    await client.start_thread()


async def play(call: Call, interruption: Interruption) -> bool:
    """Make a call that is interrupted. Return whether it was. The next call on the thread must work."""
    server = ScriptedAppServer()
    server.on_prompt("one", run("true"), say("half"), say("whole"))
    server.on_prompt("hang", say("half"), hang())
    server.default(say("ok"))
    async with open_codex_client(server.transport()) as client:
        thread = await client.start_thread()
        await thread.chat_once("hello")
        try:
            sys.settrace(interruption.trace)
            try:
                await call(client, thread)
            finally:
                sys.settrace(None)
            await trio.lowlevel.checkpoint()
        except KeyboardInterrupt:
            was_interrupted = True
        else:
            was_interrupted = False
        with trio.fail_after(60):
            try:
                result = await thread.chat_once("next")
            except CodexThreadBusyError:
                if not was_interrupted or call is not cancel:
                    raise
                # The caller lost the continuation in its own code. The turn runs on, and can still be interrupted.
                assert await thread.interrupt()
                result = await thread.chat_once("next")
            assert result.final_text == "ok"
    return was_interrupted


def lines_of(call: Call) -> int:
    """Return how many lines of the library run in a call."""
    counter = Interruption(0)
    trio.run(play, call, counter, clock=MockClock(autojump_threshold=0))
    return counter.lines


@pytest.mark.extended
@pytest.mark.parametrize("call", [chat_once, chat, stream, leave, cancel_a_scope, cancel, use_the_thread])
def test_ctrl_c_at_any_line_leaves_the_client_usable(call: Call) -> None:
    lines = lines_of(call)
    assert lines > 100
    failures: dict[int, BaseException] = {}
    interrupted = 0
    for at in range(1, lines, STEP):
        try:
            interrupted += trio.run(play, call, Interruption(at), clock=MockClock(autojump_threshold=0))
        except BaseException as exc:
            failures[at] = exc
    assert failures == {}
    assert interrupted > 0.9 * len(range(1, lines, STEP))
