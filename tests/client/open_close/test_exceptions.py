"""What leaves `async with open_codex_client(...)`: the user's exception as it is, and never a group of ours."""

# ruff: noqa: PT012  what leaves a block of many statements is what these tests are about

from __future__ import annotations

import traceback
from collections.abc import Sequence
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from codex_trio import CodexTransportError, Transport, connect_codex_client, open_codex_client
from codex_trio.testing import ScriptedAppServer, ScriptedTransport, exit, hang, raw, wait  # noqa: A004
from tests.support.background import Background

WORLDS = ["healthy", "server_died", "outer_cancelled", "server_died_and_outer_cancelled", "turn_is_open"]


class MyError(Exception):
    pass


class FragileTransport(Transport):
    """A transport with a bug: a message of the method ``boom`` makes it raise what no transport may."""

    def __init__(self, inner: ScriptedTransport) -> None:
        self._inner = inner

    async def open(self, nursery: trio.Nursery) -> None:
        await self._inner.open(nursery)

    async def send(self, messages: Sequence[bytes]) -> None:
        await self._inner.send(messages)

    async def receive(self) -> Sequence[bytes]:
        messages = await self._inner.receive()
        if any(b'"boom"' in one for one in messages):
            raise RuntimeError("a bug")
        return messages

    async def aclose(self) -> None:
        await self._inner.aclose()


def explode(server: ScriptedAppServer) -> None:
    server.connection.send({"method": "boom"})


def fragile(server: ScriptedAppServer) -> FragileTransport:
    return FragileTransport(server.transport())


async def come_about(world: str, server: ScriptedAppServer, outer: trio.CancelScope) -> None:
    """Let happen to the client and its surroundings what `world` says."""
    if "server_died" in world:
        server.connection.drop(1, "boom")
        await wait_all_tasks_blocked()
    if "outer_cancelled" in world:
        outer.cancel()


@pytest.mark.parametrize("kind", [MyError, KeyboardInterrupt, SystemExit, GeneratorExit, CodexTransportError])
@pytest.mark.parametrize("world", WORLDS)
async def test_exception_of_the_body_leaves_as_itself(
    world: str, kind: type[BaseException], autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer()
    server.default(hang())
    error, cause, context = kind("mine"), MyError("cause"), MyError("context")

    async def raise_it() -> None:
        try:
            raise context
        except MyError:
            raise error from cause

    with trio.CancelScope() as outer, pytest.raises(kind) as caught:
        async with open_codex_client(server.transport()) as client:
            stream = client.chat("hello")
            if world == "turn_is_open":
                with trio.move_on_after(1):
                    await anext(stream)
            await come_about(world, server, outer)
            await raise_it()
    assert caught.value is error
    assert (error.__cause__, error.__context__) == (cause, context)
    assert [frame.name for frame in traceback.extract_tb(error.__traceback__)].count("raise_it") == 1
    assert not hasattr(error, "__notes__")
    assert client.statistics().open_turns == 0


async def test_cancelled_body_leaves_as_cancelled(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.default(hang())
    with trio.move_on_after(5) as outer:
        async with open_codex_client(server.transport()) as client:
            await client.chat_once("hello")
    assert outer.cancelled_caught
    assert trio.current_time() == 5
    assert "turn/interrupt" in server.received_methods()


async def test_group_of_the_body_leaves_as_the_body_made_it(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    group = ExceptionGroup("mine", [MyError("a"), ExceptionGroup("inner", [ValueError("b")])])
    with pytest.raises(ExceptionGroup) as caught:
        async with open_codex_client(server.transport()):
            raise group
    assert caught.value is group


async def test_nursery_of_the_body_makes_the_only_group(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(wait(1), exit(3, "boom"))
    with pytest.RaisesGroup(CodexTransportError):
        async with open_codex_client(server.transport()) as client, trio.open_nursery() as nursery:
            nursery.start_soon(client.chat_once, "hello")


async def test_dead_server_is_told_where_somebody_waits_and_nowhere_else(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client:
        server.connection.drop(1, "boom")
        await trio.sleep(10)
        with pytest.raises(CodexTransportError, match="code 1"):
            await client.request("thread/list")


async def test_each_waiter_gets_a_loss_of_its_own(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.ignore("thread/list")
    server.default(hang())
    async with open_codex_client(server.transport()) as client:
        waiting: list[Background[Any]] = [
            Background(nursery, client.request, "thread/list"),
            Background(nursery, client.chat_once, "hello"),
        ]
        await trio.sleep(1)
        server.connection.drop(7, "last words")
        errors = []
        for one in waiting:
            with pytest.raises(CodexTransportError) as caught:
                await one.result()
            errors.append(caught.value)
        assert trio.current_time() == 1
    assert errors[0] is not errors[1]
    assert {error.returncode for error in errors} == {7}
    assert {error.stderr_tail for error in errors} == {"last words"}


# --- bugs in the background


async def test_bug_in_the_background_ends_the_body_and_leaves_as_itself(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    is_cancelled = False
    with pytest.raises(RuntimeError, match="a bug") as caught:
        async with open_codex_client(fragile(server)):
            explode(server)
            try:
                await trio.sleep_forever()
            finally:
                is_cancelled = True
    assert is_cancelled
    assert "receive" in [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]


async def test_bug_in_the_background_ends_a_call_that_waits(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(raw({"method": "boom"}), hang())
    with pytest.raises(RuntimeError, match="a bug"):
        async with open_codex_client(fragile(server)) as client:
            await client.chat_once("hello")


async def test_bug_in_the_background_is_not_wrapped_by_nurseries_of_the_body(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    with pytest.raises(RuntimeError, match="a bug"):
        async with open_codex_client(fragile(server)), trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            nursery.start_soon(trio.sleep_forever)
            explode(server)


async def test_exception_of_the_body_beats_a_bug_in_the_background_and_notes_it(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    error = MyError("mine")
    with pytest.raises(MyError) as caught:
        async with open_codex_client(fragile(server)):
            explode(server)
            try:
                await trio.sleep_forever()
            finally:
                raise error
    assert caught.value is error
    assert any("a bug" in note for note in error.__notes__)


async def test_group_of_the_body_beats_a_bug_in_the_background_unchanged(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    group = ExceptionGroup("mine", [MyError("a"), ValueError("b")])
    with pytest.RaisesGroup(MyError, ValueError) as caught:
        async with open_codex_client(fragile(server)):
            explode(server)
            try:
                await trio.sleep_forever()
            finally:
                raise group
    assert caught.value is group


async def test_bug_beside_a_group_of_the_body_leaves_no_cancellation_in_it(autojump_clock: MockClock) -> None:
    async def fail_when_cancelled() -> None:
        try:
            await trio.sleep_forever()
        finally:
            raise MyError("mine")

    server = ScriptedAppServer()
    with pytest.RaisesGroup(MyError) as caught:
        async with open_codex_client(fragile(server)), trio.open_nursery() as nursery:
            nursery.start_soon(fail_when_cancelled)
            nursery.start_soon(trio.sleep_forever)
            explode(server)
    assert any("a bug" in note for note in caught.value.__notes__)


async def test_bug_in_the_background_is_seen_although_the_outside_is_cancelled(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    with pytest.raises(RuntimeError, match="a bug"), trio.CancelScope() as outer:
        async with open_codex_client(fragile(server)):
            explode(server)
            try:
                await trio.sleep_forever()
            finally:
                outer.cancel()


async def test_bug_in_the_background_is_seen_if_the_body_swallowed_its_cancellation(
    autojump_clock: MockClock,
) -> None:
    server = ScriptedAppServer()
    with pytest.raises(RuntimeError, match="a bug"):
        async with open_codex_client(fragile(server)) as client:
            explode(server)
            with trio.CancelScope(shield=True), pytest.raises(CodexTransportError):
                await client.request("thread/list", timeout=5)


# --- the caller's own nursery


async def test_exception_beside_a_client_in_ones_own_nursery_is_the_only_one(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.default(hang())
    with pytest.RaisesGroup(MyError):
        async with trio.open_nursery() as nursery:
            client = await connect_codex_client(nursery, server.transport())
            nursery.start_soon(client.chat_once, "hello")
            await trio.sleep(1)
            raise MyError("mine")
    assert server.connections == []


async def test_dead_server_does_not_crash_ones_own_nursery(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    async with trio.open_nursery() as nursery:
        client = await connect_codex_client(nursery, server.transport())
        server.connection.drop(1)
        await trio.sleep(1)
        with pytest.raises(CodexTransportError):
            await client.chat_once("hello")
        await client.aclose()


async def test_bug_in_the_background_crashes_ones_own_nursery(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    with pytest.RaisesGroup(RuntimeError, flatten_subgroups=True):
        async with trio.open_nursery() as nursery:
            await connect_codex_client(nursery, fragile(server))
            explode(server)
            await trio.sleep_forever()


# --- cleaning up


@pytest.mark.parametrize("method", ["thread/list", "thread/start"])
async def test_cleanup_of_a_cancelled_body_can_still_talk_to_the_server(method: str, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    answers = []
    with trio.move_on_after(5) as outer:
        async with open_codex_client(server.transport()) as client:
            try:
                await trio.sleep_forever()
            finally:
                with trio.CancelScope(shield=True):
                    answers.append(await client.request(method))
                    answers.append(await client.chat_once("goodbye"))
    assert outer.cancelled_caught
    assert len(answers) == 2


async def test_cleanup_is_still_answered_for_when_the_server_asks(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    with trio.move_on_after(5):
        async with open_codex_client(server.transport()):
            try:
                await trio.sleep_forever()
            finally:
                with trio.CancelScope(shield=True), trio.fail_after(5):
                    answer = await server.connection.ask("execCommandApproval")
    assert answer["result"] == {"decision": {"denied": {"rejection": "This client refuses it."}}}


async def test_request_of_the_server_in_a_cancelled_body_is_no_failure(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    error = MyError("mine")
    with trio.CancelScope() as outer, pytest.raises(MyError) as caught:
        async with open_codex_client(server.transport()):
            outer.cancel()
            server.connection.ask_nowait("execCommandApproval")
            with trio.CancelScope(shield=True):
                await wait_all_tasks_blocked()
            raise error
    assert caught.value is error
    assert not hasattr(error, "__notes__")
