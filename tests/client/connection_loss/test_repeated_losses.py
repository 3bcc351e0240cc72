"""Connections that are lost one after another: there is an end to it, and one thread does not take the others with it."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from codex_trio import CodexClient, CodexTransportError, CodexTurnInactiveError, ConversationStep, open_codex_client
from codex_trio.testing import ScriptedAppServer, hang, say, think, wait
from tests.support.background import Background
from tests.support.manual_turn import ManualTurn, next_turn
from tests.support.open_turns import open_thread_ids
from tests.support.quiet_turns import read

STORY = (say("one"), wait(100), say("two"))


def opened(server: ScriptedAppServer, **options: Any) -> CodexClient:
    return open_codex_client(server.transport(), reconnect=True, **options)


class Curse:
    """Drops every connection on which something is asked about one thread.

    Attributes:
        losses: When that was, in Trio's time.
    """

    def __init__(self, server: ScriptedAppServer, nursery: trio.Nursery, method: str, thread_id: str | None) -> None:
        self._server = server
        self._method = method
        self._thread_id = thread_id
        self._is_lifted = False
        self.losses: list[float] = []
        server.hold(method)
        nursery.start_soon(self._run)

    async def _run(self) -> None:
        async for call in self._server.held(self._method):
            if self._is_lifted or self._thread_id not in (None, call.params.get("threadId")):
                call.proceed()
            else:
                self.losses.append(trio.current_time())
                call.connection.drop()

    def lift(self) -> None:
        self._is_lifted = True


every_method = pytest.mark.parametrize("method", ["thread/resume", "thread/turns/list", "thread/items/list"])


@every_method
async def test_a_turn_over_which_every_connection_is_lost_is_given_up_alone(
    method: str, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    server.default(*STORY)
    async with opened(server) as client:
        waiting = {text: Background(nursery, client.chat_once, text) for text in "abcd"}
        await trio.sleep(5)
        cursed, *_ = open_thread_ids(client)
        curse = Curse(server, nursery, method, cursed)
        server.connection.drop()
        errors: list[CodexTransportError] = []
        for one in waiting.values():
            try:
                result = await one.result()
            except CodexTransportError as exc:
                errors.append(exc)
            else:
                assert [step.text for step in result.steps] == ["one", "two"]
        [error] = errors
        assert 60 <= trio.current_time() < 5 + 60 + 60
        assert "could not be caught up with" in str(error)
        assert "connections were lost over it" in str(error)
        assert error.continuation is not None
        assert error.continuation.thread_id == cursed
        assert len(curse.losses) < 25
        assert (await client.chat_once("another")).final_text == "two"
        curse.lift()
        assert (await client.chat_once(continuation=error.continuation)).final_text == "two"
        assert client.statistics().open_turns == 0


@every_method
@pytest.mark.parametrize("seconds", [0.2, 5, 60])
async def test_the_only_turn_is_given_up_in_the_time_for_reconnecting(
    method: str, seconds: float, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(hang())
    async with opened(server, reconnect_timeout=seconds, inactivity_timeout=1000) as client:
        waiting = Background(nursery, client.chat_once, "hello")
        await trio.sleep(5)
        curse = Curse(server, nursery, method, None)
        server.connection.drop()
        with pytest.raises(CodexTransportError) as caught:
            await waiting.result()
        assert trio.current_time() == pytest.approx(5 + seconds, abs=0.2)
        assert caught.value.continuation is not None
        curse.lift()
        await trio.sleep(1)
        assert (await client.chat_once("next")).final_text == "ok"
        assert (await client.cancel(caught.value.continuation)).was_interrupted


async def test_the_others_go_on_meanwhile(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer(nursery)
    server.on_prompt("cursed", hang())
    server.default(say("one"), *(step for n in range(20) for step in (wait(1), think(str(n)))))
    async with opened(server) as client:
        cursed = Background(nursery, client.chat_once, "cursed")
        await trio.sleep(0.1)
        Curse(server, nursery, "thread/items/list", open_thread_ids(client)[0])
        steps: list[ConversationStep] = []
        reading = Background(nursery, read, client.chat("other"), steps)
        await trio.sleep(0.5)
        server.connection.drop()
        await reading.result()
        assert trio.current_time() < 40
        assert [step.text for step in steps] == ["one", *map(str, range(20))]
        assert not cursed.is_done
        with pytest.raises(CodexTransportError):
            await cursed.result()


async def test_two_causes_are_both_given_up(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer(nursery)
    server.default(*STORY)
    async with opened(server) as client:
        waiting = [Background(nursery, client.chat_once, text) for text in "abc"]
        await trio.sleep(5)
        first, second, _ = open_thread_ids(client)
        Curse(server, nursery, "thread/items/list", first)
        Curse(server, nursery, "thread/resume", second)
        server.connection.drop()
        outcomes: list[str] = []
        for one in waiting:
            try:
                outcomes.append((await one.result()).final_text)
            except CodexTransportError as exc:
                outcomes.append("lost" if exc.continuation is not None else "lost without a continuation")
        assert sorted(outcomes) == ["lost", "lost", "two"]
        assert trio.current_time() < 5 + 60 + 60 + 10
        assert (await client.chat_once("next")).final_text == "two"


async def test_a_server_that_cannot_be_reached_any_more_is_lost_for_all(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    server.default(*STORY)
    async with opened(server, reconnect_timeout=20) as client:
        waiting = Background(nursery, client.chat_once, "a")
        await trio.sleep(5)
        Curse(server, nursery, "thread/items/list", None)
        server.connection.drop()
        await trio.sleep(5)
        server.refuse_connections(times=None)
        with pytest.raises(CodexTransportError, match="could not be reached again within 20 s"):
            await waiting.result()
        assert trio.current_time() == pytest.approx(25, abs=0.1)


async def test_a_thread_over_which_every_connection_is_lost_is_left_unsubscribed(
    nursery: trio.Nursery, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    server = ScriptedAppServer(nursery)
    async with opened(server) as client:
        threads = [await client.start_thread() for _ in range(5)]
        for thread in threads:
            await thread.chat_once("hello")
        curse = Curse(server, nursery, "thread/resume", threads[2].id)
        server.connection.drop()
        await trio.sleep(300)
        assert len(curse.losses) <= 20
        assert f"thread {threads[2].id} is not subscribed to again" in caplog.text
        before = len(server.received_methods())
        await trio.sleep(300)
        assert len(server.received_methods()) == before
        for thread in threads[:2] + threads[3:]:
            assert (await thread.chat_once("again")).final_text == "ok"
        curse.lift()
        assert (await threads[2].chat_once("again")).final_text == "ok"


async def test_a_call_that_was_lost_and_cannot_be_looked_for_is_given_up(
    nursery: trio.Nursery, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    server = ScriptedAppServer(nursery)
    async with opened(server) as client:
        thread = await client.start_thread()
        await thread.chat_once("hello")
        server.hold("turn/start")
        calling = Background(nursery, thread.chat_once, "lost")
        held = await server.held("turn/start").receive()
        server.release("turn/start")
        curse = Curse(server, nursery, "thread/turns/list", thread.id)
        held.connection.drop()
        with pytest.raises(CodexTransportError):
            await calling.result()
        await trio.sleep(100)
        assert len(curse.losses) < 25
        assert "whether turn/start began a turn is unknown" in caplog.text
        assert (await client.chat_once("another")).final_text == "ok"
        assert (await thread.chat_once("next")).final_text == "ok"


async def test_an_end_over_which_every_connection_is_lost_is_given_up(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    server.hold("turn/start")
    async with opened(server) as client:
        waiting = Background(nursery, client.chat_once, "hello")
        turn = await next_turn(server)
        turn.accept()
        turn.start()
        state = {"id": turn.turn_id, "status": "inProgress", "startedAt": 1, "completedAt": None, "items": []}
        losses = 0

        async def tell(params: dict[str, Any]) -> dict[str, Any]:
            nonlocal losses
            await trio.lowlevel.checkpoint()
            if params["limit"] == 5 and losses < 1000:  # how the client looks for an end that was not told
                losses += 1
                server.connection.drop()
            return {"data": [state]}

        server.reply("thread/turns/list", tell)
        server.reply("thread/items/list", {"data": []})
        server.reply("thread/resume", {"thread": {"id": turn.thread_id, "status": {"type": "idle"}}})
        turn.idle()
        with pytest.raises(CodexTransportError, match="whenever the end of turn turn") as caught:
            await waiting.result()
        assert caught.value.continuation is not None
        assert losses <= 20
        assert (await client.request("thread/list")) is not None


# --- what the losses are to a turn that tells nothing


@pytest.mark.parametrize("is_usage_told_again", [False, True])
async def test_a_connection_that_is_lost_again_and_again_does_not_keep_a_silent_turn_alive(
    is_usage_told_again: bool, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(say("one"), hang())
    async with opened(server, inactivity_timeout=100) as client:
        waiting = Background(nursery, client.chat_once, "hello")

        server.hold("thread/items/list")

        async def lose_all() -> None:
            while trio.current_time() < 500:
                await trio.sleep(10)
                server.connection.drop()
                call = await server.held("thread/items/list").receive()
                if is_usage_told_again:  # as codex does behind its answer to thread/resume
                    params = {"threadId": call.params["threadId"], "turnId": call.params["turnId"], "tokenUsage": {}}
                    call.connection.send({"method": "thread/tokenUsage/updated", "params": params})
                call.proceed()

        with trio.move_on_after(500) as scope:
            nursery.start_soon(lose_all)
            with pytest.raises(CodexTurnInactiveError):
                await waiting.result()
        assert not scope.cancelled_caught
        assert 100 < trio.current_time() < 250


async def test_a_turn_that_tells_something_between_the_losses_is_alive(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(*(step for n in range(20) for step in (wait(60), think(str(n)))))
    async with opened(server, inactivity_timeout=100) as client:
        waiting = Background(nursery, client.chat_once, "hello")
        for _ in range(100):
            await trio.sleep(12)
            server.connection.drop()
            server.open_delay = 3
        assert len((await waiting.result()).steps) == 20


async def test_a_pause_is_a_doubt_in_favour_of_the_turn_once(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer(nursery)
    server.hold("turn/start")
    async with opened(server, inactivity_timeout=100) as client:
        waiting = Background(nursery, client.chat_once, "hello")
        turn: ManualTurn = await next_turn(server)
        turn.accept()
        turn.start()
        state = {"id": turn.turn_id, "status": "inProgress", "startedAt": 1, "completedAt": None, "items": []}
        server.reply("thread/turns/list", {"data": [state]})
        server.reply("thread/items/list", {"data": []})
        server.reply("thread/resume", {"thread": {"id": turn.thread_id, "status": {"type": "active"}}})
        await trio.sleep(90)
        server.connection.drop()  # what was told in this pause is not known
        await trio.sleep(50)
        assert not waiting.is_done
        server.open_delay = 20  # which does not count
        server.connection.drop()
        with pytest.raises(CodexTurnInactiveError):
            await waiting.result()
        assert trio.current_time() == pytest.approx(90 + 100 + 20, abs=1)
