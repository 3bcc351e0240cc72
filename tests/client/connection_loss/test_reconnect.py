"""`reconnect=True`: a loss is a pause. Turns go on, calls on their way raise, calls made meanwhile wait."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from codex_trio import (
    CodexClient,
    CodexTimeoutError,
    CodexTransportError,
    CodexTurnInactiveError,
    ConversationStep,
    StdioTransport,
    StepCompleted,
    TurnCompleted,
    open_codex_client,
)
from codex_trio._session.connection import Connection
from codex_trio._session.reconnecting import ReconnectingConnection
from codex_trio._wire.messages import Delta, Notice, ServerRequest
from codex_trio.testing import ScriptedAppServer, ask_server_request, hang, run, say, think, wait
from tests.support.background import Background
from tests.support.quiet_turns import read
from tests.support.server_log import methods_after

STORY = (think("one"), wait(10), run("two"), wait(10), think("three"), wait(10), say("four"))
TEXTS = ["one", "/bin/bash -lc two", "three", "four"]


def opened(server: ScriptedAppServer, **options: Any) -> CodexClient:
    return open_codex_client(server.transport(), reconnect=True, **options)


def opened_abruptly(server: ScriptedAppServer, monkeypatch: pytest.MonkeyPatch) -> CodexClient:
    """Return a client that learns of a loss right behind the last message, before anybody else runs: as over a socket."""
    transport = server.transport()
    receive = transport.receive
    losses: list[CodexTransportError] = []

    async def receive_abruptly() -> Sequence[bytes]:
        if losses:
            raise losses.pop()
        connection = transport.connection
        messages = await receive()
        if connection is not None and connection.ended is not None:
            losses.append(connection.ended.fresh())
        return messages

    monkeypatch.setattr(transport, "receive", receive_abruptly)
    return open_codex_client(transport, reconnect=True)


async def lose_behind(server: ScriptedAppServer, method: str) -> None:
    """Answer the next call of a method, and drop the connection right behind that."""
    held = await server.held(method).receive()
    server.release(method)
    held.proceed()
    held.connection.drop()


def texts(steps: Any) -> list[str]:
    return [step.text for step in steps]


@pytest.mark.smoke
@pytest.mark.parametrize("cut_at", [0.001, 5, 15, 25])
@pytest.mark.parametrize("outage", [0, 7, 25])
async def test_a_stream_sees_a_pause_and_nothing_else(
    nursery: trio.Nursery, autojump_clock: MockClock, cut_at: float, outage: float
) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(*STORY)
    async with opened(server) as client:
        steps: list[ConversationStep] = []
        reading = Background(nursery, read, client.chat("hello"), steps)
        await trio.sleep(cut_at)
        server.open_delay = outage
        server.connection.drop()
        await reading.result()
        assert texts(steps) == TEXTS
        assert client.statistics().open_turns == 0
        server.open_delay = 0
        assert (await client.chat_once("more", steps[0].thread_id)).final_text == "ok"


async def test_chat_once_returns_the_whole_result(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(*STORY)
    async with opened(server) as client:
        waiting = Background(nursery, client.chat_once, "hello")
        for _ in range(3):
            await trio.sleep(9)
            server.connection.drop()
        result = await waiting.result()
    assert texts(result.steps) == TEXTS
    assert (result.final_text, result.completion_source) == ("four", "turn_completed")


async def test_all_events_go_on(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(*STORY)
    events: list[Any] = []
    async with opened(server) as client:

        async def collect() -> None:
            async for event in client.stream("hello"):
                events.append(event)

        collecting = Background(nursery, collect)
        await trio.sleep(5)
        server.connection.drop()
        await collecting.result()
    assert texts(event.step for event in events if isinstance(event, StepCompleted)) == TEXTS
    assert isinstance(events[-1], TurnCompleted)


async def test_a_turn_that_ends_meanwhile_is_told_from_history(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(*STORY)
    async with opened(server) as client:
        waiting = Background(nursery, client.chat_once, "hello")
        await trio.sleep(5)
        server.open_delay = 29
        server.connection.drop()
        result = await waiting.result()
    assert texts(result.steps) == TEXTS
    assert result.completion_source == "thread_read_fallback"


async def test_a_loss_right_behind_the_history_loses_no_step(
    nursery: trio.Nursery, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(*STORY)
    async with opened_abruptly(server, monkeypatch) as client:
        waiting = Background(nursery, client.chat_once, "hello")
        await trio.sleep(5)
        server.hold("thread/items/list")
        server.connection.drop()
        await lose_behind(server, "thread/items/list")
        server.open_delay = 10  # in which something happens
        assert texts((await waiting.result()).steps) == TEXTS


async def test_a_loss_right_behind_the_history_of_a_continuation_loses_no_step(
    nursery: trio.Nursery, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(*STORY)
    async with open_codex_client(server.transport()) as other:
        with pytest.raises(CodexTurnInactiveError) as caught:
            await other.chat_once("hello", inactivity_timeout=5)
    async with opened_abruptly(server, monkeypatch) as client:
        server.hold("thread/items/list")
        waiting = Background(nursery, client.chat_once, continuation=caught.value.continuation)
        await lose_behind(server, "thread/items/list")
        server.open_delay = 10
        assert texts((await waiting.result()).steps) == TEXTS


@pytest.mark.parametrize("is_running", [False, True])
async def test_a_loss_right_behind_a_subscription_undoes_it(
    nursery: trio.Nursery, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch, is_running: bool
) -> None:
    server = ScriptedAppServer(nursery)
    async with opened_abruptly(server, monkeypatch) as client:
        thread_id = (await client.chat_once("hello")).thread_id
        waiting: Background[Any] | None = None
        if is_running:
            server.on_turn(*STORY)
            waiting = Background(nursery, client.chat_once, "again", thread_id)
            await trio.sleep(5)
        server.hold("thread/resume")
        server.connection.drop()
        await lose_behind(server, "thread/resume")
        if waiting is not None:
            assert texts((await waiting.result()).steps) == TEXTS
        # From history, it would be had as well.
        assert (await client.chat_once("again", thread_id)).completion_source == "turn_completed"


async def test_a_loss_right_behind_the_resuming_of_a_thread_undoes_it(
    nursery: trio.Nursery, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = ScriptedAppServer(nursery)
    async with open_codex_client(server.transport()) as other:
        thread_id = (await other.chat_once("hello")).thread_id
    async with opened_abruptly(server, monkeypatch) as client:
        server.hold("thread/resume")
        calling = Background(nursery, client.resume_thread, thread_id)
        await lose_behind(server, "thread/resume")
        thread = await calling.result()
        assert (await thread.chat_once("again")).completion_source == "turn_completed"


async def test_a_connection_that_is_lost_before_it_has_caught_up_is_replaced_after_longer_and_longer_pauses(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(*STORY)
    async with opened(server) as client:
        waiting = Background(nursery, client.chat_once, "hello")
        await trio.sleep(5)
        server.hold("thread/items/list")
        server.connection.drop()
        lost_at: list[float] = []
        for _ in range(10):
            held = await server.held("thread/items/list").receive()
            lost_at.append(trio.current_time())
            held.connection.drop()
        server.release("thread/items/list")
        pauses = [after - before for before, after in pairwise(lost_at)]
        assert pauses[0] < 1
        assert min(pauses[-3:]) > 2
        assert texts((await waiting.result()).steps) == TEXTS


async def test_many_turns_go_on(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer(nursery)
    server.default(*STORY)
    async with opened(server) as client:
        waiting = [Background(nursery, client.chat_once, str(n)) for n in range(20)]
        await trio.sleep(12)
        server.connection.drop()
        await trio.sleep(0.2)
        server.connection.drop() if server.connections else None
        for one in waiting:
            assert texts((await one.result()).steps) == TEXTS


async def test_a_pause_is_no_inactivity(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(wait(70), say("done"))
    async with opened(server, inactivity_timeout=40) as client:
        waiting = Background(nursery, client.chat_once, "hello")
        await trio.sleep(30)
        server.open_delay = 29
        server.connection.drop()
        assert (await waiting.result()).final_text == "done"


async def test_a_turn_that_is_quiet_after_a_pause_is_quiet(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(hang())
    async with opened(server, inactivity_timeout=40) as client:
        waiting = Background(nursery, client.chat_once, "hello")
        await trio.sleep(30)
        server.connection.drop()
        with pytest.raises(CodexTurnInactiveError) as caught:
            await waiting.result()
        assert 70 < trio.current_time() < 72
        assert (await client.cancel(caught.value.continuation)).was_interrupted


@pytest.mark.parametrize("call", ["thread/list", "turn/start"])
async def test_a_call_on_its_way_raises_and_is_not_sent_again(
    nursery: trio.Nursery, autojump_clock: MockClock, call: str
) -> None:
    server = ScriptedAppServer(nursery)
    async with opened(server) as client:
        server.hold(call)
        begun: Callable[[], Any] = (
            (lambda: client.request("thread/list", {})) if call == "thread/list" else lambda: client.chat_once("x")
        )
        calling = Background(nursery, begun)
        await server.held(call).receive()
        server.connection.drop()
        with pytest.raises(CodexTransportError):
            await calling.result()
        server.release(call)
        assert (await client.chat_once("next")).final_text == "ok"
    assert server.received_methods().count(call) == (1 if call == "thread/list" else 2)


@pytest.mark.parametrize("is_cancelled", [False, True])
@pytest.mark.parametrize("is_new", [False, True])
async def test_a_turn_that_a_lost_call_started_is_found_and_stopped(
    nursery: trio.Nursery, autojump_clock: MockClock, is_cancelled: bool, is_new: bool
) -> None:
    server = ScriptedAppServer(nursery)
    async with opened(server) as client:
        thread_id = None if is_new else (await client.chat_once("hello")).thread_id
        server.on_turn(hang())
        server.hold("turn/start")
        scope = trio.CancelScope()

        async def call() -> None:
            with scope:
                await client.chat_once("stray", thread_id)

        calling = Background(nursery, call)
        held = await server.held("turn/start").receive()
        if is_cancelled:
            scope.cancel()
            await calling.result()
        server.release("turn/start")
        held.connection.pause_writing()
        held.proceed()
        held.connection.discard_queued()
        server.connection.drop()
        [stray] = [one for one in server.threads.values() if one.running]
        if not is_cancelled:
            with pytest.raises(CodexTransportError):
                await calling.result()
        assert (await client.chat_once("next", stray.id)).final_text == "ok"
        assert [turn.status for turn in stray.turns[-2:]] == ["interrupted", "completed"]
        assert client.statistics().open_turns == 0


@pytest.mark.parametrize("outage", [0, 5], ids=["it runs", "it has ended"])
async def test_a_turn_that_a_lost_call_started_delays_the_next_no_longer_than_it_must(
    nursery: trio.Nursery, autojump_clock: MockClock, outage: float
) -> None:
    server = ScriptedAppServer(nursery)
    async with opened(server) as client:
        thread_id = (await client.chat_once("hello")).thread_id
        server.on_turn(wait(2), say("stray"))
        server.hold("turn/start")
        calling = Background(nursery, client.chat_once, "stray", thread_id)
        held = await server.held("turn/start").receive()
        server.release("turn/start")
        held.connection.pause_writing()
        held.proceed()
        held.connection.discard_queued()
        server.open_delay = outage
        server.connection.drop()
        with pytest.raises(CodexTransportError):
            await calling.result()
        assert (await client.chat_once("next", thread_id)).final_text == "ok"
        assert trio.current_time() < outage + 0.5
        assert client.statistics().open_turns == 0
    [thread] = server.threads.values()
    assert [turn.status for turn in thread.turns][1] == ("completed" if outage else "interrupted")


async def test_a_turn_of_another_client_is_not_stopped_for_a_lost_call(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    async with opened(server) as client, open_codex_client(server.transport()) as other:
        thread_id = (await client.chat_once("hello")).thread_id
        server.hold("turn/start")
        calling = Background(nursery, client.chat_once, "never arrives", thread_id)
        held = await server.held("turn/start").receive()
        server.release("turn/start")
        server.on_turn(wait(5), say("theirs"))
        theirs = Background(nursery, other.chat_once, "theirs", thread_id)
        await trio.sleep(1)
        held.connection.drop()
        with pytest.raises(CodexTransportError):
            await calling.result()
        assert (await theirs.result()).final_text == "theirs"
    assert "turn/interrupt" not in server.received_methods()


async def test_a_call_that_was_refused_for_overload_before_a_loss_is_made_on_the_next_connection(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    async with opened(server) as client:
        server.fail_next("thread/list", times=1)
        listing = Background(nursery, client.request, "thread/list")
        await wait_all_tasks_blocked()  # in the pause before it is made again
        server.connection.drop()
        await listing.result()
        assert methods_after(server, "initialized") == ["thread/list"]


async def test_a_call_made_meanwhile_waits(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer(nursery)
    async with opened(server) as client:
        server.open_delay = 10
        server.connection.drop()
        await trio.sleep(1)
        assert (await client.request("thread/list", {}))["data"] == []
        assert 10 < trio.current_time() < 12


async def test_a_call_made_meanwhile_waits_no_longer_than_its_timeout(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    async with opened(server) as client:
        server.open_delay = 20
        server.connection.drop()
        await trio.sleep(1)
        with pytest.raises(CodexTimeoutError, match="was not sent"):
            await client.request("thread/list", {}, timeout=5)
        assert trio.current_time() == 6
    assert "thread/list" not in server.received_methods()


async def test_calls_that_wait_for_their_place_are_sent_on_the_next_connection(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    async with opened(server) as client:
        server.hold("thread/list")
        calling = [Background[object](nursery, client.request, "thread/list", {}) for _ in range(70)]
        await trio.sleep(1)
        assert client.statistics().requests_waiting == 6
        server.release("thread/list")
        server.connection.drop()
        await trio.sleep(1)
        lost = 0
        for one in calling:
            try:
                await one.result()
            except CodexTransportError:
                lost += 1
        assert lost == 64
    assert server.received_methods().count("thread/list") == 70


async def test_a_server_that_does_not_come_back_is_lost(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(*STORY)
    async with opened(server, reconnect_timeout=20) as client:
        stream = client.chat("hello")
        first = await anext(stream)
        server.refuse_connections(times=None)
        server.connection.drop(3, "my last words")
        with pytest.raises(CodexTransportError, match="reached again within 20 s") as caught:
            await anext(stream)
        assert trio.current_time() == pytest.approx(20, abs=0.1)
        assert (caught.value.returncode, caught.value.stderr_tail) == (3, "my last words")
        with pytest.raises(CodexTransportError, match="within 20 s"):
            await client.request("thread/list", {})
    continuation = caught.value.continuation
    assert continuation is not None
    server.refuse_connections(times=0)
    async with opened(server) as client:
        assert [first.text, *texts([step async for step in client.chat(continuation=continuation)])] == TEXTS


async def test_each_loss_has_its_own_time(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(*STORY)
    async with opened(server, reconnect_timeout=20) as client:
        waiting = Background(nursery, client.chat_once, "hello")
        await trio.sleep(5)
        for _ in range(3):
            server.refuse_connections(times=None)
            server.connection.drop()
            await trio.sleep(11)
            server.refuse_connections(times=0)
            await trio.sleep(8.5)  # time enough for the longest pause, and to be caught up
        assert texts((await waiting.result()).steps) == TEXTS


async def test_a_refusal_that_will_not_change_is_final_at_once(
    nursery: trio.Nursery, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = 0

    async def respond_error(nursery: trio.Nursery) -> None:
        nonlocal attempts
        await trio.lowlevel.checkpoint()
        attempts += 1
        raise CodexTransportError("wrong token", is_permanent=attempts == 3)

    server = ScriptedAppServer(nursery)
    server.on_turn(*STORY)
    transport = server.transport()
    async with open_codex_client(transport, reconnect=True) as client:
        stream = client.chat("hello")
        await anext(stream)
        monkeypatch.setattr(transport, "open", respond_error)
        server.connection.drop(3, "my last words")
        with pytest.raises(CodexTransportError, match="no use to try again: wrong token") as caught:
            await anext(stream)
        assert trio.current_time() < 2
        assert (attempts, caught.value.is_permanent, caught.value.returncode) == (3, True, 3)
        assert caught.value.continuation is not None
        with pytest.raises(CodexTransportError, match="wrong token"):
            await client.request("thread/list", {})


async def test_a_server_that_is_slow_to_answer_is_given_up_in_time(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    async with opened(server, reconnect_timeout=20) as client:
        server.ignore("initialize")
        server.connection.drop()
        await wait_all_tasks_blocked()
        with pytest.raises(CodexTransportError, match="within 20 s"):
            await client.request("thread/list", {})
        assert trio.current_time() == pytest.approx(20, abs=0.1)


async def test_a_restarted_server_tells_a_turn_as_interrupted(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()  # its turns end with their connection
    server.on_turn(say("so far"), hang())
    async with opened(server) as client:
        stream = client.chat("hello")
        assert (await anext(stream)).text == "so far"
        server.connection.drop()
        with pytest.raises(Exception, match="was interrupted"):
            await anext(stream)


async def test_a_turn_that_the_next_server_does_not_have_is_lost_alone(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(hang())
    async with opened(server) as client:
        waiting = Background(nursery, client.chat_once, "hello")
        await trio.sleep(1)
        server.fail_next("thread/resume", code=-32600, message="no rollout found for thread id x", times=10)
        server.connection.drop()
        with pytest.raises(CodexTransportError, match="was not found again") as caught:
            await waiting.result()
        assert caught.value.continuation is not None
        server.fail_next("thread/resume", times=0)
        assert (await client.chat_once("next")).final_text == "ok"


async def test_what_was_asked_is_asked_again_and_answered_once(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery, start_delay=1)
    server.on_turn(ask_server_request("item/tool/requestUserInput", {"itemId": "x", "questions": []}), say("done"))
    async with opened(server) as client:
        waiting = Background(nursery, client.chat_once, "hello")
        await trio.sleep(0.5)
        server.connection.pause_reading()  # so that the first answer is never read
        await trio.sleep(1)
        assert client.statistics().server_requests == 1
        server.connection.drop()
        assert (await waiting.result()).final_text == "done"
        assert client.statistics().server_requests == 2
        assert len(server.answers) == 1


# While the old connection is still read, is given up but not closed, likewise, and when there is another.
@pytest.mark.parametrize("asked_at", [2.2, 2.7, 3.3, 5])
async def test_what_a_given_up_connection_still_brings_is_asked_again_and_answered(
    nursery: trio.Nursery, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch, asked_at: float
) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(
        wait(asked_at), ask_server_request("item/tool/requestUserInput", {"itemId": "x", "questions": []}), say("done")
    )
    transport = server.transport()
    send, aclose = transport.send, transport.aclose

    async def send_until_two(messages: Sequence[bytes]) -> None:
        if 2 <= trio.current_time() < 3:
            raise CodexTransportError("it no longer reads")
        await send(messages)

    async def close_slowly() -> None:  # and read meanwhile, as a websocket does
        with trio.CancelScope(shield=True):
            await trio.sleep(1)
        await aclose()

    monkeypatch.setattr(transport, "send", send_until_two)
    monkeypatch.setattr(transport, "send_nowait", lambda _: False)
    monkeypatch.setattr(transport, "aclose", close_slowly)
    async with open_codex_client(transport, reconnect=True) as client:
        waiting = Background(nursery, client.chat_once, "hello")
        await trio.sleep(2)
        with pytest.raises(CodexTransportError, match="no longer reads"):
            await client.request("thread/list")
        assert (await waiting.result()).final_text == "done"
        assert client.statistics().open_turns == 0


async def test_a_thread_is_subscribed_to_again_before_a_turn_begins_on_it(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    async with opened(server) as client:
        thread_id = (await client.chat_once("hello")).thread_id
        server.connection.drop()
        await wait_all_tasks_blocked()
        assert (await client.chat_once("again", thread_id)).final_text == "ok"
        assert methods_after(server, "initialized") == ["thread/resume", "turn/start"]


async def test_a_turn_is_cancelled_during_an_outage(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(hang())
    async with opened(server) as client:
        with trio.move_on_after(5):
            await client.chat_once("hello")
        server.connection.drop()  # the interrupt goes with it
        await trio.sleep(2)
        assert client.statistics().open_turns == 0
        assert server.received_methods().count("turn/interrupt") >= 1
    [(_, status)] = [(turn.id, turn.status) for thread in server.threads.values() for turn in thread.turns]
    assert status == "interrupted"


async def test_an_interrupt_that_was_lost_is_sent_again(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(hang())
    async with opened(server) as client:
        server.hold("turn/interrupt")
        with trio.move_on_after(5):
            await client.chat_once("hello")
        held = await server.held("turn/interrupt").receive()
        server.release("turn/interrupt")
        server.connection.drop()
        with trio.fail_after(2):
            await wait_all_tasks_blocked()
            assert (await client.chat_once("next", held.params["threadId"])).final_text == "ok"


class Owner:
    """Takes what comes over a connection, and keeps the requests."""

    def __init__(self, asked: list[ServerRequest]) -> None:
        self._asked = asked

    def on_request(self, request: ServerRequest) -> None:
        self._asked.append(request)

    def on_delta(self, delta: Delta, now: float) -> bool:
        return False

    def on_notification(self, notification: Notice, now: float) -> None:
        pass

    def on_disconnect(self) -> None:
        pass

    def on_closed(self, error: CodexTransportError) -> None:
        pass

    async def handshake(self, connection: Connection) -> None:
        await trio.lowlevel.checkpoint()

    async def restore(self, connection: Connection, deadline: float) -> None:
        await trio.lowlevel.checkpoint()

    catch_up = restore

    def drop_causes(self, loss: CodexTransportError) -> bool:
        return False


async def test_an_answer_to_what_a_lost_connection_asked_is_not_sent_on_the_next(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    # The next server counts its requests from 0, too.
    server = ScriptedAppServer(nursery)
    transport = server.transport()
    asked: list[ServerRequest] = []
    link = ReconnectingConnection(transport, Owner(asked), reconnect_timeout=10)
    await transport.open(nursery)
    link.start(nursery)
    link.set_initialized()
    for _ in range(2):
        server.connection.ask_nowait("item/tool/call", {})
        await trio.sleep(0.01)
        if len(asked) == 1:
            server.connection.drop()
            await trio.sleep(1)
    link.respond(asked[0], "of the lost one")
    link.respond_error(asked[0], 1, "of the lost one")
    link.respond(asked[1], "of this one")
    await trio.sleep(1)
    assert [one.get("result") for one in server.received] == ["of this one"]
    link.fail(CodexTransportError("over"))
    await link.aclose()


async def test_notifications_and_statistics_go_on(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer(nursery)
    async with opened(server) as client, open_codex_client(server.transport()) as other:
        thread_id = (await client.chat_once("hello")).thread_id
        async with client.notifications() as events:
            server.connections[0].drop()
            await trio.sleep(1)
            await other.chat_once("theirs", thread_id)
            with trio.fail_after(1):
                while (await anext(events)).method != "turn/completed":
                    pass
        assert client.statistics().requests_in_flight == 0


async def test_closing_does_not_wait_for_a_server_that_is_gone(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(hang())
    async with opened(server) as client:
        waiting = Background(nursery, client.chat_once, "hello")
        await trio.sleep(1)
        server.refuse_connections(times=None)
        server.connection.drop()
        await trio.sleep(1)
    assert trio.current_time() <= 4
    with pytest.raises(CodexTransportError, match="closed"):
        await waiting.result()


async def test_a_loss_before_the_first_answer_is_final(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.hold("initialize")
    client = opened(server)
    async with trio.open_nursery() as nursery:

        async def cut() -> None:
            await server.held("initialize").receive()
            server.connection.drop()

        nursery.start_soon(cut)
        with pytest.raises(CodexTransportError):
            await client.__aenter__()
    assert trio.current_time() == 0
    assert server.received_methods() == ["initialize"]


def test_stdio_is_refused() -> None:
    with pytest.raises(ValueError, match="outlives its connection"):
        open_codex_client(StdioTransport("codex"), reconnect=True)
    with pytest.raises(ValueError, match="outlives its connection"):
        open_codex_client(reconnect=True)


async def test_without_it_a_loss_is_final(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(*STORY)
    async with open_codex_client(server.transport()) as client:
        stream = client.chat("hello")
        await anext(stream)
        server.connection.drop()
        with pytest.raises(CodexTransportError):
            await anext(stream)
        assert len(server.connections) == 0
