"""`cancel`: wait for the start, interrupt, drain; and what it does about a server that will not."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from codex_trio import (
    ChatContinuation,
    CodexClient,
    CodexProtocolError,
    CodexTimeoutError,
    CodexTransportError,
    CodexTurnInactiveError,
    open_codex_client,
)
from codex_trio._transports.wrapper import TransportWrapper
from codex_trio.testing import ScriptedAppServer, drop_connection, fail, hang, omit_completed, run, say, think, wait
from tests.support.background import Background
from tests.support.cancel_points import cancelled_after
from tests.support.manual_turn import ManualTurn, message, next_turn
from tests.support.quiet_turns import go_quiet, go_quiet_in_stream

NOT_YET = "no active turn to interrupt"


async def quiet_turn_by_hand(
    server: ScriptedAppServer, client: CodexClient, nursery: trio.Nursery, *, is_started: bool = True
) -> tuple[ManualTurn, ChatContinuation]:
    """Return a turn that the test plays by hand, and its continuation after a second of silence."""
    server.hold("turn/start")
    asking = Background(nursery, client.chat_once, "hello", inactivity_timeout=1)
    turn = await next_turn(server)
    turn.accept()
    if is_started:
        turn.start()
    with pytest.raises(CodexTurnInactiveError) as caught:
        await asking.result()
    return turn, caught.value.continuation


@pytest.mark.smoke
async def test_cancel_interrupts_then_drains(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(think("one"), run("two"), hang())
    async with open_codex_client(server.transport()) as client:
        continuation = await go_quiet(client)
        asked_at = trio.current_time()
        result = await client.cancel(continuation)
        assert trio.current_time() == asked_at
        assert (result.status, result.was_interrupted, result.was_completed) == ("interrupted", True, False)
        assert (result.thread_id, result.turn_id) == (continuation.thread_id, continuation.turn_id)
        assert [step.step_type for step in result.steps] == ["thinking", "exec"]
        assert client.statistics().open_turns == 0
        assert (await client.chat_once("again", continuation.thread_id)).final_text == "ok"


async def test_cancel_returns_the_events_that_chat_once_had_not_delivered(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(think("one"), hang())
    async with open_codex_client(server.transport()) as client:
        result = await client.cancel(await go_quiet(client))
    told = [event["method"] for event in result.raw_events]
    assert (told[0], told.count("item/completed"), told[-1]) == ("turn/started", 2, "turn/completed")


async def test_cancel_returns_only_what_a_stream_had_not_delivered(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(think("one"), wait(200), think("two"), run("three"), hang())
    async with open_codex_client(server.transport()) as client:
        seen, continuation = await go_quiet_in_stream(client)
        await trio.sleep(100)
        result = await client.cancel(continuation)
    assert seen == ["one"]
    assert [step.step_type for step in result.steps] == ["thinking", "exec"]
    told = [event["method"] for event in result.raw_events]
    assert (told.count("turn/started"), told.count("item/completed"), told[-1]) == (0, 2, "turn/completed")


async def test_cancel_waits_for_the_start(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client:
        turn, continuation = await quiet_turn_by_hand(server, client, nursery, is_started=False)
        server.hold("turn/interrupt")
        cancelling = Background(nursery, client.cancel, continuation)
        await trio.sleep(0.5)
        assert "turn/interrupt" not in server.received_methods()
        turn.start()
        interrupt = await server.held("turn/interrupt").receive()
        assert trio.current_time() == 1 + 0.5
        assert interrupt.params == {"threadId": turn.thread_id, "turnId": turn.turn_id}
        interrupt.reply({})
        await wait_all_tasks_blocked()
        assert not cancelling.is_done
        turn.end("interrupted")
        assert (await cancelling.result()).was_interrupted


async def test_cancel_of_a_turn_whose_start_was_not_told_interrupts_all_the_same(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client:
        turn, continuation = await quiet_turn_by_hand(server, client, nursery, is_started=False)
        server.hold("turn/interrupt")
        cancelling = Background(nursery, client.cancel, continuation)
        (await server.held("turn/interrupt").receive()).reply({})
        turn.end("interrupted")
        assert (await cancelling.result()).was_interrupted


@pytest.mark.parametrize("times", [1, 2, 5, 20])
async def test_cancel_asks_again_while_the_server_says_that_nothing_runs(times: int, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(hang())
    async with open_codex_client(server.transport()) as client:
        continuation = await go_quiet(client)
        server.fail_next("turn/interrupt", code=-32600, message=NOT_YET, times=times)
        assert (await client.cancel(continuation)).was_interrupted
    assert server.received_methods().count("turn/interrupt") == times + 1


async def test_cancel_gives_up_on_a_server_that_says_for_ever_that_nothing_runs(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(hang())
    async with open_codex_client(server.transport()) as client:
        continuation = await go_quiet(client)
        server.fail_next("turn/interrupt", code=-32600, message=NOT_YET, times=None)
        asked_at = trio.current_time()
        with pytest.raises(CodexTimeoutError):
            await client.cancel(continuation, timeout=7)
        assert trio.current_time() == asked_at + 7


async def test_cancel_raises_another_refusal_and_can_be_repeated(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(hang())
    async with open_codex_client(server.transport()) as client:
        continuation = await go_quiet(client)
        server.fail_next("turn/interrupt", code=-32603, message="the disk is full")
        with pytest.raises(CodexProtocolError, match="the disk is full"):
            await client.cancel(continuation)
        assert (await client.cancel(continuation)).was_interrupted


async def test_interrupt_without_an_answer_is_good_if_the_turn_ends(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client:
        turn, continuation = await quiet_turn_by_hand(server, client, nursery)
        server.ignore("turn/interrupt")
        cancelling = Background(nursery, client.cancel, continuation)
        await trio.sleep(0.1)
        turn.end("interrupted")
        assert (await cancelling.result()).was_interrupted
        assert trio.current_time() == 1.1
        assert client.statistics().requests_in_flight == 0


async def test_deaf_server_is_given_up_and_nothing_is_lost(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(think("one"), wait(190), think("two"), hang())
    async with open_codex_client(server.transport()) as client:
        continuation = await go_quiet(client)
        server.ignore("turn/interrupt", times=1)
        asked_at = trio.current_time()
        with pytest.raises(CodexTimeoutError, match="cancel it again"):
            await client.cancel(continuation, timeout=50)
        assert trio.current_time() == asked_at + 50
        result = await client.cancel(continuation)
    assert [step.text for step in result.steps] == ["one", "two"]
    assert result.was_interrupted


async def test_cancel_is_bounded_by_the_request_timeout_unless_told(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(hang())
    server.ignore("turn/interrupt")
    async with open_codex_client(server.transport(), request_timeout=12) as client:
        continuation = await go_quiet(client)
        asked_at = trio.current_time()
        with pytest.raises(CodexTimeoutError):
            await client.cancel(continuation)
        assert trio.current_time() == asked_at + 12


@pytest.mark.parametrize("deaf_to", ["thread/resume", "thread/turns/list"])
async def test_cancel_by_another_client_is_bounded_by_its_timeout(deaf_to: str, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(think("one"), hang())
    async with open_codex_client(server.transport()) as first, open_codex_client(server.transport()) as second:
        continuation = await go_quiet(first)
        server.ignore(deaf_to, times=1)
        asked_at = trio.current_time()
        with pytest.raises(CodexTimeoutError, match=r"could not be taken up in time.*cancel it again"):
            await second.cancel(continuation, timeout=5)
        assert trio.current_time() == asked_at + 5
        result = await second.cancel(continuation)
    assert [step.text for step in result.steps] == ["one"]
    assert result.was_interrupted


async def test_ctrl_c_never_lands_in_the_task_that_interrupts(autojump_clock: MockClock) -> None:
    protected: list[bool] = []

    class Watched(TransportWrapper):
        def send_nowait(self, message: bytes) -> bool:
            if b'"turn/interrupt"' in message:
                protected.append(trio.lowlevel.currently_ki_protected())
            return False

    server = ScriptedAppServer()
    server.default(hang())
    async with open_codex_client(Watched(server.transport())) as client:
        await client.cancel(await go_quiet(client))
    assert protected == [True]


async def test_turn_is_continued_after_a_cancel_in_vain(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(think("one"), wait(400), say("two"))
    server.ignore("turn/interrupt")
    async with open_codex_client(server.transport()) as client:
        continuation = await go_quiet(client)
        with pytest.raises(CodexTimeoutError):
            await client.cancel(continuation, timeout=1)
        result = await client.chat_once(continuation=continuation, inactivity_timeout=1000)
    assert [step.text for step in result.steps] == ["one", "two"]


async def test_turn_is_still_handed_out_after_a_cancel_in_vain(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(hang())
    server.ignore("turn/interrupt")
    async with open_codex_client(server.transport()) as client:
        continuation = await go_quiet(client)
        with pytest.raises(CodexTimeoutError):
            await client.cancel(continuation, timeout=1)
        interrupts = server.received_methods().count("turn/interrupt")
    assert server.received_methods().count("turn/interrupt") == interrupts


async def test_cancel_after_the_turn_completed_says_so(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(think("one"), wait(200), say("two"))
    async with open_codex_client(server.transport()) as client:
        continuation = await go_quiet(client)
        await trio.sleep(100)
        result = await client.cancel(continuation)
    assert (result.status, result.was_completed, result.was_interrupted) == ("completed", True, False)
    assert [step.text for step in result.steps] == ["one", "two"]
    assert "turn/interrupt" not in server.received_methods()


async def test_turn_that_completes_before_the_interrupt_is_handled_says_so(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client:
        turn, continuation = await quiet_turn_by_hand(server, client, nursery)
        server.hold("turn/interrupt")
        cancelling = Background(nursery, client.cancel, continuation)
        interrupt = await server.held("turn/interrupt").receive()
        interrupt.error(-32600, NOT_YET)
        turn.say("quicker")
        turn.end()
        result = await cancelling.result()
    assert (result.was_completed, [step.text for step in result.steps]) == (True, ["quicker"])


async def test_cancel_of_a_failed_turn_tells_its_status(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(wait(200), fail("broken"))
    async with open_codex_client(server.transport()) as client:
        continuation = await go_quiet(client)
        await trio.sleep(100)
        result = await client.cancel(continuation)
    assert (result.status, result.was_completed, result.was_interrupted) == ("failed", False, False)


async def test_cancel_of_a_turn_whose_end_was_lost_finds_it(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(wait(200), say("done"), omit_completed())
    async with open_codex_client(server.transport()) as client:
        continuation = await go_quiet(client)
        await trio.sleep(100)
        result = await client.cancel(continuation)
    assert (result.status, [step.text for step in result.steps]) == ("completed", ["done"])


async def test_cancel_of_a_turn_whose_end_was_lost_with_the_news_that_its_thread_is_idle_finds_it(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client:
        turn, continuation = await quiet_turn_by_hand(server, client, nursery)
        server.fail_next("turn/interrupt", code=-32600, message=NOT_YET, times=None)
        server.hold("thread/turns/list")
        cancelling = Background(nursery, client.cancel, continuation)
        state = {"id": turn.turn_id, "status": "completed", "completedAt": 1, "items": [message("m", "done")]}
        with trio.fail_after(1_000):
            for _ in range(2):  # without its items, then with them
                (await server.held("thread/turns/list").receive()).reply({"data": [state]})
        result = await cancelling.result()
    assert (result.status, [step.text for step in result.steps]) == ("completed", ["done"])


async def test_cancel_that_is_cancelled_loses_nothing(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(think("one"), hang())
    server.ignore("turn/interrupt", times=1)
    async with open_codex_client(server.transport()) as client:
        continuation = await go_quiet(client)
        asked_at = trio.current_time()
        with trio.move_on_after(3) as scope:
            await client.cancel(continuation)
        assert scope.cancelled_caught
        assert trio.current_time() == asked_at + 3
        result = await client.cancel(continuation)
    assert (result.was_interrupted, [step.text for step in result.steps]) == (True, ["one"])


async def test_cancel_that_is_cancelled_at_any_of_its_steps_loses_nothing(autojump_clock: MockClock) -> None:
    for steps in range(10):
        server = ScriptedAppServer()
        server.on_turn(think("one"), hang())
        async with open_codex_client(server.transport()) as client:
            continuation = await go_quiet(client)
            with cancelled_after(steps) as cancelling:
                result = await client.cancel(continuation)
            if cancelling.is_caught:
                assert trio.current_time() == cancelling.fired_at
                result = await client.cancel(continuation)
            assert (result.was_interrupted, [step.text for step in result.steps]) == (True, ["one"])
            assert client.statistics().open_turns == 0
    assert not cancelling.is_caught  # so every step was tried


async def test_cancel_on_a_lost_connection_tells_of_the_loss(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(hang())
    server.ignore("turn/interrupt")
    async with open_codex_client(server.transport()) as client:
        continuation = await go_quiet(client)
        cancelling = Background(nursery, client.cancel, continuation)
        await trio.sleep(1)
        server.connection.drop(3, "boom")
        with pytest.raises(CodexTransportError) as caught:
            await cancelling.result()
    assert caught.value.returncode == 3
    assert caught.value.continuation == continuation


async def test_loss_of_the_connection_gives_the_continuation_of_the_turn(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(think("one"), drop_connection())
    async with open_codex_client(server.transport()) as client:
        with pytest.raises(CodexTransportError) as caught:
            await client.chat_once("hello")
    assert caught.value.continuation is not None
    assert (caught.value.continuation.mode, caught.value.continuation.seen) == ("chat_once", ())


async def test_interrupt_turn_sends_both_ids(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(hang())
    async with open_codex_client(server.transport()) as client:
        continuation = await go_quiet(client)
        await client.interrupt_turn(continuation.turn_id)
        assert server.received[-1]["params"] == {"threadId": continuation.thread_id, "turnId": continuation.turn_id}
        with pytest.raises(ValueError, match="thread_id"):
            await client.interrupt_turn("unknown")
        with pytest.raises(CodexProtocolError, match=NOT_YET):
            await client.interrupt_turn(continuation.turn_id, thread_id=continuation.thread_id)
        assert (await client.cancel(continuation)).was_interrupted
