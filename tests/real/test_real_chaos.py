"""A proxy cuts the connection to the real server, again and again: steps arrive once, turns end, nothing is left."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio
from _listening import running_server, told_url
from _real import Tap, assert_nothing_open, told_statuses

from codex_trio import (
    ChatContinuation,
    CodexClient,
    CodexTransportError,
    ConversationStep,
    WebSocketTransport,
    open_codex_client,
)
from codex_trio.testing import ScriptedModel, Step, hang, open_scripted_model, run, say, think, wait

COUNT = 24
REFUSED = (6, 12, 18)  # after these, something is asked that nobody grants


def story() -> list[Step]:
    steps: list[Step] = []
    for n in range(COUNT):
        steps += [think(f"thought {n}"), say(f"word {n}"), wait(0.12)]
        if n in REFUSED:
            steps += [run(f"touch file-{n}", escalate=True), run(f"echo {n}")]
    return steps


class ChaosProxy:
    """Hands bytes through, and can cut every connection, be it in the middle of a message."""

    def __init__(self, target: str) -> None:
        self._port = int(target.rpartition(":")[2])
        self._scopes: set[trio.CancelScope] = set()
        self._swallowed: set[trio.CancelScope] = set()
        self._muted: set[trio.CancelScope] = set()
        self.url = ""
        self.cuts = 0
        self.connections = 0

    @property
    def is_connected(self) -> bool:
        return bool(self._scopes)

    async def run(self, *, task_status: trio.TaskStatus[ChaosProxy] = trio.TASK_STATUS_IGNORED) -> None:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        self.url = f"ws://127.0.0.1:{listeners[0].socket.getsockname()[1]}"
        async with trio.open_nursery() as nursery:
            await nursery.start(trio.serve_listeners, self._handle, listeners)
            task_status.started(self)

    async def _handle(self, client: trio.SocketStream) -> None:
        with trio.CancelScope() as scope:
            self._scopes.add(scope)
            self.connections += 1
            try:
                server = await trio.open_tcp_stream("127.0.0.1", self._port)
                async with client, server, trio.open_nursery() as nursery:
                    nursery.start_soon(self._copy, client, server, self._swallowed, scope)
                    nursery.start_soon(self._copy, server, client, self._muted, scope)
            finally:
                self._scopes.discard(scope)

    async def _copy(
        self,
        source: trio.SocketStream,
        target: trio.SocketStream,
        ignored: set[trio.CancelScope],
        scope: trio.CancelScope,
    ) -> None:
        try:
            while data := await source.receive_some(random.randint(50, 5000)):
                if scope not in ignored:
                    await target.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        scope.cancel()

    def swallow(self) -> None:
        """Hand nothing on from now on: the links that there are are half open."""
        self._swallowed |= self._scopes
        self.mute()

    def mute(self) -> None:
        """Hand on nothing of what the server says, over the links that there are."""
        self._muted |= self._scopes

    def cut(self) -> None:
        self.cuts += 1
        for scope in self._scopes:
            scope.cancel()


@pytest.fixture
async def asking_model() -> AsyncIterator[ScriptedModel]:
    async with open_scripted_model(approval_policy="on-request", sandbox_mode="read-only") as model:
        yield model


@pytest.fixture
async def url(asking_model: ScriptedModel) -> AsyncIterator[str]:
    async with running_server(asking_model, "--listen", "ws://127.0.0.1:0") as process:
        yield await told_url(process)


async def cut_at_random(proxy: ChaosProxy) -> None:
    while True:
        while not proxy.is_connected:  # noqa: ASYNC110  there is nothing to cut
            await trio.sleep(0.005)
        await trio.sleep(random.uniform(0, 0.12))
        proxy.cut()


def check(steps: list[ConversationStep]) -> None:
    assert len({step.item_id for step in steps}) == len(steps)
    assert [step.text for step in steps if step.step_type == "codex"] == [f"word {n}" for n in range(COUNT)]
    assert [step.text for step in steps if step.step_type == "thinking"] == [f"thought {n}" for n in range(COUNT)]
    commands = [step.data for step in steps if step.step_type == "exec"]
    assert [one["command"].split("'")[1] for one in commands if one["status"] == "completed"] == [
        f"echo {n}" for n in REFUSED
    ]
    # A command that was declined is not in the history (codex 0.163, 0.169): it comes live or not at all.
    assert len([one for one in commands if one["status"] != "completed"]) <= len(REFUSED)


def left() -> tuple[int, int]:
    """Return how many tasks and open files there are."""
    return trio.lowlevel.current_statistics().tasks_living, len(os.listdir("/proc/self/fd"))


async def wait_nothing_left(before: tuple[int, int]) -> None:
    with trio.fail_after(5):
        while left() != before:  # noqa: ASYNC110  proxy and server learn of the end a moment later
            await trio.sleep(0.01)


async def wait_nothing_open(client: CodexClient) -> None:
    with trio.fail_after(5):
        while True:  # what was asked of the last connection may be answered a moment after the turn's end
            now = client.statistics()
            if (now.open_turns, now.unread_events, now.requests_in_flight, now.requests_waiting) == (0, 0, 0, 0):
                return
            await trio.sleep(0.01)


async def test_a_reconnecting_client_gets_every_step_once(
    asking_model: ScriptedModel, url: str, nursery: trio.Nursery
) -> None:
    asking_model.default(*story())
    with trio.fail_after(55):
        proxy: ChaosProxy = await nursery.start(ChaosProxy(url).run)
        before = left()
        async with open_codex_client(WebSocketTransport(proxy.url, token=""), reconnecting=True) as client:
            while proxy.cuts < 30:
                stream = client.chat("Go")
                steps = [await anext(stream)]
                async with trio.open_nursery() as cutting:
                    cutting.start_soon(cut_at_random, proxy)
                    async for step in stream:
                        steps.append(step)
                    cutting.cancel_scope.cancel()
                check(steps)
                assert await told_statuses(client, steps[0].thread_id) == ["completed"]
                await wait_nothing_open(client)
        await wait_nothing_left(before)
    nursery.cancel_scope.cancel()


async def test_continuations_through_json_get_every_step_once(
    asking_model: ScriptedModel, url: str, nursery: trio.Nursery
) -> None:
    asking_model.default(*story())
    with trio.fail_after(55):
        proxy: ChaosProxy = await nursery.start(ChaosProxy(url).run)
        before = left()
        while proxy.cuts < 30:
            check(await read_through_letters(proxy))
        await wait_nothing_left(before)
    nursery.cancel_scope.cancel()


async def read_through_letters(proxy: ChaosProxy) -> list[ConversationStep]:
    """Read a turn to its end, with a client for each connection, while the proxy cuts."""
    steps: list[ConversationStep] = []
    letter = ""
    has_ended = False
    async with trio.open_nursery() as cutting:
        while not has_ended:
            try:
                async with open_codex_client(WebSocketTransport(proxy.url, token="")) as client:
                    kept = ChatContinuation.from_json(letter) if letter else None
                    stream = client.chat("Go") if kept is None else client.chat(continuation=kept)
                    if kept is None:
                        steps.append(await anext(stream))
                        cutting.start_soon(cut_at_random, proxy)
                    async for step in stream:
                        steps.append(step)
                    has_ended = True
            except CodexTransportError as exc:
                if exc.continuation is not None:  # else it was cut while it was opened
                    letter = exc.continuation.to_json()
        cutting.cancel_scope.cancel()
    return steps


async def test_a_restarted_server_is_found_again(model: ScriptedModel, tmp_path: Path) -> None:
    model.on_turn(say("so far"), wait(60))
    async with running_server(model, "--listen", "ws://127.0.0.1:0") as first:
        url = await told_url(first)
        async with open_codex_client(WebSocketTransport(url, token=""), reconnecting=True) as client:
            stream = client.chat("Go")
            step = await anext(stream)
            first.send_signal(signal.SIGKILL)
            async with running_server(model, "--listen", url) as second:
                await told_url(second)
                with pytest.raises(Exception, match="was interrupted"):
                    await anext(stream)
                assert (await client.chat_once("More", step.thread_id)).final_text == "ok"
                assert_nothing_open(client)


async def test_a_half_open_link_is_noticed_and_mended(
    asking_model: ScriptedModel, url: str, nursery: trio.Nursery
) -> None:
    asking_model.on_turn(say("so far"), wait(1), say("done"))
    proxy: ChaosProxy = await nursery.start(ChaosProxy(url).run)
    transport = WebSocketTransport(proxy.url, token="", ping_interval=0.3)
    async with open_codex_client(transport, reconnecting=True) as client:
        stream = client.chat("Go")
        assert (await anext(stream)).text == "so far"
        proxy.swallow()
        with trio.fail_after(10):
            assert [step.text async for step in stream] == ["done"]
        assert proxy.connections == 2
    nursery.cancel_scope.cancel()


async def test_a_half_open_link_is_a_loss_with_a_continuation(
    asking_model: ScriptedModel, url: str, nursery: trio.Nursery
) -> None:
    asking_model.on_turn(say("so far"), wait(1), say("done"))
    proxy: ChaosProxy = await nursery.start(ChaosProxy(url).run)
    transport = WebSocketTransport(proxy.url, token="", ping_interval=0.3)
    async with open_codex_client(transport) as client:
        stream = client.chat("Go")
        assert (await anext(stream)).text == "so far"
        proxy.swallow()
        swallowed_at = trio.current_time()
        with pytest.raises(CodexTransportError) as caught:
            await anext(stream)
        assert trio.current_time() - swallowed_at < 2
    async with open_codex_client(WebSocketTransport(url, token="")) as client:
        assert [step.text async for step in client.chat(continuation=caught.value.continuation)] == ["done"]
    nursery.cancel_scope.cancel()


async def test_a_turn_whose_start_was_lost_is_found_and_stopped(
    asking_model: ScriptedModel, url: str, nursery: trio.Nursery
) -> None:
    asking_model.on_turn(say("warm"))
    asking_model.on_turn(say("stray"), hang())
    proxy: ChaosProxy = await nursery.start(ChaosProxy(url).run)
    tap = Tap(WebSocketTransport(proxy.url, token=""))
    async with open_codex_client(tap, reconnecting=True) as client:
        thread_id = (await client.chat_once("Hello")).thread_id
        proxy.mute()

        async def cut_behind_it() -> None:
            await tap.wait_passed("> turn/start", times=2)
            await trio.sleep(0.3)
            proxy.cut()

        nursery.start_soon(cut_behind_it)
        with pytest.raises(CodexTransportError) as caught:
            await client.chat_once("Stray", thread_id)
        assert caught.value.continuation is None
        assert (await client.chat_once("Next", thread_id)).final_text == "ok"
        assert await told_statuses(client, thread_id) == ["completed", "interrupted", "completed"]
        assert_nothing_open(client)
    nursery.cancel_scope.cancel()
