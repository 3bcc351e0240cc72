"""Turns of the real binary, stopped: by `cancel`, by a Trio scope at any moment, by a stream that is dropped."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import trio

from codex_trio import (
    CancelResult,
    ChatContinuation,
    CodexClient,
    CodexProtocolError,
    CodexTurnInactiveError,
    CodexTurnInterruptedError,
    open_codex_client,
)
from codex_trio.testing import ScriptedModel, Step, hang, run, say, think, wait
from tests.support.real_codex import Tap, assert_nothing_open, told_statuses, told_turns
from tests.support.real_servers import MakeTransport

_RELEASE = 1.0  # seconds that a cancelled caller may take to be released; nearly all of it is for a busy machine

# A turn with something to do for 300 ms, and then for ever.
_LEAKING: tuple[Step, ...] = (
    think("hm"),
    say("leaked, early"),
    run("sleep 0.05; echo leaked"),
    say("leaked " * 20, pieces=20),
    wait(0.05),
    run("sleep 30"),
    hang(),
)


async def continuation_of(client: CodexClient, prompt: str, *, patience: float = 0.3) -> ChatContinuation:
    """Start a turn that goes quiet."""
    with pytest.raises(CodexTurnInactiveError) as caught:
        await client.chat_once(prompt, inactivity_timeout=patience)
    return caught.value.continuation


# --- cancel


@pytest.mark.extended
async def test_cancel_stops_a_turn_that_is_silent(model: ScriptedModel, client: CodexClient) -> None:
    model.on_turn(think("hm"), say("half"), hang())
    continuation = await continuation_of(client, "go")
    cancelled = await client.cancel(continuation)

    assert (cancelled.status, cancelled.was_interrupted, cancelled.was_completed) == ("interrupted", True, False)
    assert [step.text for step in cancelled.steps] == ["hm", "half"]
    assert cancelled.raw_events[-1]["method"] == "turn/completed"
    assert (await client.chat_once("again", continuation.thread_id)).final_text == "ok"
    await model.wait_idle()
    assert await told_statuses(client, continuation.thread_id) == ["interrupted", "completed"]
    assert_nothing_open(client)


@pytest.mark.smoke
async def test_cancel_stops_a_turn_with_a_running_command(model: ScriptedModel, client: CodexClient) -> None:
    model.on_turn(say("half"), run("sleep 30"), say("never"))
    continuation = await continuation_of(client, "go")
    cancelled = await client.cancel(continuation)

    assert (cancelled.status, [step.text for step in cancelled.steps]) == ("interrupted", ["half"])
    assert (await client.chat_once("again", continuation.thread_id)).final_text == "ok"
    assert_nothing_open(client)


async def test_cancel_returns_only_what_a_stream_had_not_delivered(
    model: ScriptedModel, tap: Tap, client: CodexClient
) -> None:
    model.on_turn(say("one"), wait(1.5), say("two"), run("sleep 30"))
    stream = client.chat("go", inactivity_timeout=0.6)
    assert (await anext(stream)).text == "one"
    with pytest.raises(CodexTurnInactiveError) as caught:
        await anext(stream)
    await tap.wait_passed("< item/started commandExecution")
    cancelled = await client.cancel(caught.value.continuation)

    assert (cancelled.status, [step.text for step in cancelled.steps]) == ("interrupted", ["two"])
    assert_nothing_open(client)


@pytest.mark.extended
async def test_cancel_right_after_the_start_stops_the_turn_every_time(
    model: ScriptedModel, client: CodexClient
) -> None:
    thread_id = (await client.chat_once("hello")).thread_id
    model.on_prompt("go", say("half"), wait(0.2), run("true"), say("the whole"))
    cancelled: list[CancelResult] = []
    for number in range(20):
        with pytest.raises(CodexTurnInactiveError) as caught:
            await client.chat_once(f"go {number}", thread_id, inactivity_timeout=0.0001 + 0.0005 * number)
        cancelled += [await client.cancel(caught.value.continuation)]
    await model.wait_idle()

    assert [one.status for one in cancelled] == ["interrupted"] * 20
    told = await told_turns(client, thread_id)
    assert told[1:] == [(one.turn_id, "interrupted") for one in cancelled]
    assert all(len(request.answered_calls) == 0 for request in model.requests)  # no turn came as far as its command
    assert (await client.chat_once("hello", thread_id)).final_text == "ok"
    assert_nothing_open(client)


@pytest.mark.extended
async def test_cancel_of_a_turn_that_has_completed_says_so(model: ScriptedModel, tap: Tap, client: CodexClient) -> None:
    model.on_turn(say("one"), wait(0.4), say("two"))
    continuation = await continuation_of(client, "go", patience=0.2)
    await tap.wait_passed("< turn/completed")
    cancelled = await client.cancel(continuation)

    assert (cancelled.status, cancelled.was_interrupted, cancelled.was_completed) == ("completed", False, True)
    assert [step.text for step in cancelled.steps] == ["one", "two"]
    assert "> turn/interrupt" not in tap.passed
    assert_nothing_open(client)


@pytest.mark.extended
async def test_cancel_while_the_turn_completes_tells_its_true_end(model: ScriptedModel, client: CodexClient) -> None:
    thread_id = (await client.chat_once("hello")).thread_id
    model.on_prompt("go", say("one"), wait(0.3), say("two"))
    statuses = []
    for number in range(8):
        with pytest.raises(CodexTurnInactiveError) as caught:
            await client.chat_once("go", thread_id, inactivity_timeout=0.1)
        await trio.sleep(0.17 + 0.01 * number)  # at the end of the turn, more or less
        statuses += [(await client.cancel(caught.value.continuation)).status]

    assert set(statuses) <= {"completed", "interrupted"}
    assert await told_statuses(client, thread_id) == ["completed", *statuses]
    assert_nothing_open(client)


async def test_interrupt_turn_ends_the_turn_for_its_consumer(model: ScriptedModel, client: CodexClient) -> None:
    model.on_turn(say("half"), hang())
    stream = client.chat("go")
    step = await anext(stream)
    await client.interrupt_turn(step.turn_id)
    with pytest.raises(CodexTurnInterruptedError) as caught:
        await anext(stream)

    assert caught.value.result.turn_id == step.turn_id
    assert (await client.chat_once("again", step.thread_id)).final_text == "ok"
    assert await told_statuses(client, step.thread_id) == ["interrupted", "completed"]
    assert_nothing_open(client)


@pytest.mark.extended
async def test_interrupt_turn_is_refused_when_the_turn_has_ended(client: CodexClient) -> None:
    result = await client.chat_once("hello")
    with pytest.raises(CodexProtocolError, match="no active turn") as caught:
        await client.interrupt_turn(result.turn_id, thread_id=result.thread_id)

    assert caught.value.method == "turn/interrupt"


# --- a scope around it


async def cancel_at(client: CodexClient, deadline: float, *, thread_id: str, by_steps: bool) -> float:
    """Cancel a turn at a moment; return how many seconds later the caller was released."""
    begun = trio.current_time()
    with trio.move_on_after(deadline) as scope:
        if by_steps:
            async for _ in client.chat("leak", thread_id):
                pass
        else:
            await client.chat_once("leak", thread_id)
    assert scope.cancelled_caught
    return trio.current_time() - begun - deadline


async def cancel_at_each_moment(client: CodexClient, tap: Tap, *, by_steps: bool) -> None:
    thread_id = (await client.chat_once("hello")).thread_id
    times_asked = 0
    for number in range(20):
        asked = tap.passed.count("> turn/start")
        late = await cancel_at(client, 0.015 * number, thread_id=thread_id, by_steps=by_steps)
        result = await client.chat_once(f"own {number}.", thread_id)
        was_asked = tap.passed.count("> turn/start") - asked == 2
        times_asked += was_asked

        assert late < _RELEASE, number
        assert [step.text for step in result.steps] == [f"answer {number}"], number
        assert_nothing_open(client)
        *before, own = await told_turns(client, thread_id)
        assert own == (result.turn_id, "completed")
        assert before[-1][1] == ("interrupted" if was_asked else "completed"), number
    assert times_asked >= 10  # a busy machine does not come to it in the shorter times


@pytest.mark.extended
async def test_a_scope_stops_the_turn_whenever_it_is_cancelled(
    model: ScriptedModel, make_transport: MakeTransport
) -> None:
    model.on_prompt("leak", *_LEAKING)
    for number in range(20):
        model.on_prompt(f"own {number}.", say(f"answer {number}"))
    taps = Tap(make_transport()), Tap(make_transport())
    async with (
        open_codex_client(taps[0]) as one,
        open_codex_client(taps[1]) as other,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(partial(cancel_at_each_moment, one, taps[0], by_steps=False))
        nursery.start_soon(partial(cancel_at_each_moment, other, taps[1], by_steps=True))
    await model.wait_idle()


async def test_a_cancelled_turn_is_stopped_although_nobody_asks_for_its_thread_again(
    model: ScriptedModel, tap: Tap, client: CodexClient
) -> None:
    model.on_turn(say("half"), hang())
    scope = trio.CancelScope()
    tap.after = cancelling(scope, "< item/completed agentMessage")
    with scope:
        await client.chat_once("leak")
    assert "> turn/interrupt" not in tap.passed  # the caller was not kept for it
    ended = await tap.wait_passed("< turn/completed")
    await model.wait_idle()

    assert ended["params"]["turn"]["status"] == "interrupted"
    assert await told_statuses(client, ended["params"]["threadId"]) == ["interrupted"]
    assert_nothing_open(client)


_MOMENTS = [
    "> turn/start",
    "< turn/start",
    "< thread/status/changed",
    "< turn/started",
    "< item/completed userMessage",
    "< item/completed reasoning",
    "< item/agentMessage/delta",
    "< item/completed agentMessage",
    "< item/started commandExecution",
    "< thread/tokenUsage/updated",
    "< item/completed commandExecution",
]


@pytest.mark.extended
async def test_a_scope_stops_the_turn_whatever_message_it_is_cancelled_by(
    model: ScriptedModel, tap: Tap, client: CodexClient
) -> None:
    model.on_prompt("leak", *_LEAKING)
    thread_id = (await client.chat_once("hello")).thread_id
    for moment in _MOMENTS:
        for hook in ("before", "after"):
            if (hook, moment[0]) == ("after", ">"):
                continue
            scope = trio.CancelScope()
            setattr(tap, hook, cancelling(scope, moment))
            with scope, trio.fail_after(10):
                await client.chat_once("leak", thread_id)
            setattr(tap, hook, None)
            result = await client.chat_once("own", thread_id)

            assert scope.cancelled_caught, moment
            assert result.final_text == "ok", moment
            assert (await told_statuses(client, thread_id))[-2:] == ["interrupted", "completed"], (hook, moment)
            assert_nothing_open(client)
    await model.wait_idle()


def cancelling(scope: trio.CancelScope, moment: str) -> Callable[[str], None]:
    return lambda name: scope.cancel() if name == moment else None


@pytest.mark.extended
@pytest.mark.parametrize("moment", ["> thread/resume", "< thread/resume", "> turn/start", "< turn/start"])
async def test_a_scope_may_be_cancelled_while_the_thread_is_resumed(
    model: ScriptedModel, make_transport: MakeTransport, moment: str
) -> None:
    model.on_prompt("leak", *_LEAKING)
    async with open_codex_client(make_transport()) as client:
        thread_id = (await client.chat_once("hello")).thread_id
    tap = Tap(make_transport())
    async with open_codex_client(tap) as client:
        scope = trio.CancelScope()
        tap.before = cancelling(scope, moment)
        with scope:
            await client.chat_once("leak", thread_id)
        tap.before = None
        result = await client.chat_once("own", thread_id)
        leaked = ["interrupted"] if moment.endswith("turn/start") else []

        assert scope.cancelled_caught
        assert result.final_text == "ok"
        assert await told_statuses(client, thread_id) == ["completed", *leaked, "completed"]
        assert_nothing_open(client)


@pytest.mark.extended
@pytest.mark.parametrize("moment", ["> turn/start", "< turn/start"])
async def test_a_scope_may_be_cancelled_at_the_first_turn_of_a_thread(
    model: ScriptedModel, tap: Tap, client: CodexClient, moment: str
) -> None:
    model.on_prompt("leak", *_LEAKING)
    scope = trio.CancelScope()
    tap.before = cancelling(scope, moment)
    with scope:
        await client.chat_once("leak")
    tap.before = None
    thread_id = (await tap.wait_passed("< thread/start"))["result"]["thread"]["id"]
    result = await client.chat_once("own", thread_id)

    assert scope.cancelled_caught
    assert result.final_text == "ok"
    assert await told_statuses(client, thread_id) == ["interrupted", "completed"]
    assert_nothing_open(client)


@pytest.mark.extended
@pytest.mark.parametrize("moment", ["> thread/start", "< thread/start"])
async def test_a_scope_cancelled_while_the_thread_is_started_starts_no_turn(
    tap: Tap, client: CodexClient, moment: str
) -> None:
    scope = trio.CancelScope()
    tap.before = cancelling(scope, moment)
    with scope:
        await client.chat_once("leak")
    tap.before = None
    result = await client.chat_once("own")

    assert scope.cancelled_caught
    assert result.final_text == "ok"
    assert tap.passed.count("> turn/start") == 1
    assert_nothing_open(client)


# --- a stream that is left


async def test_break_stops_the_turn(model: ScriptedModel, client: CodexClient) -> None:
    model.on_prompt("leak", *_LEAKING)
    model.on_prompt("own", say("answer"))
    thread_id = (await client.chat_once("hello")).thread_id
    for depth in range(1, 5):
        count = 0
        async for _ in client.chat("leak", thread_id):
            count += 1
            if count == depth:
                break
        result = await client.chat_once("own", thread_id)

        assert result.final_text == "answer"
        assert (await told_statuses(client, thread_id))[-2:] == ["interrupted", "completed"]
    assert_nothing_open(client)
    await model.wait_idle()


@pytest.mark.extended
async def test_a_dropped_turn_is_stopped_although_nobody_asks_for_its_thread_again(
    model: ScriptedModel, tap: Tap, client: CodexClient
) -> None:
    model.on_turn(say("half"), hang())
    async for _ in client.chat("leak"):
        break
    ended = await tap.wait_passed("< turn/completed")
    await model.wait_idle()

    assert ended["params"]["turn"]["status"] == "interrupted"


@pytest.mark.extended
async def test_an_exception_in_the_loop_stops_the_turn(model: ScriptedModel, client: CodexClient) -> None:
    model.on_prompt("leak", *_LEAKING)
    thread_id = (await client.chat_once("hello")).thread_id
    with pytest.raises(ZeroDivisionError):  # noqa: PT012  the loop is what is tested
        async for step in client.chat("leak", thread_id):
            _ = step.text, 1 / 0
    result = await client.chat_once("own", thread_id)

    assert result.final_text == "ok"
    assert await told_statuses(client, thread_id) == ["completed", "interrupted", "completed"]


@pytest.mark.extended
async def test_a_stream_in_a_with_block_has_stopped_its_turn_at_the_end_of_the_block(
    model: ScriptedModel, client: CodexClient
) -> None:
    model.on_turn(*_LEAKING)
    async with client.chat("leak") as stream:
        async for step in stream:
            thread_id = step.thread_id
            break

    assert_nothing_open(client)
    assert await told_statuses(client, thread_id) == ["interrupted"]
    await model.wait_idle()
    with pytest.raises(trio.ClosedResourceError):
        await anext(stream)


@pytest.mark.extended
async def test_a_cancelled_step_in_a_with_block_stops_the_turn(model: ScriptedModel, client: CodexClient) -> None:
    model.on_prompt("leak", *_LEAKING)
    thread_id = (await client.chat_once("hello")).thread_id
    for number in range(8):
        begun = trio.current_time()
        with trio.move_on_after(0.02 + 0.03 * number) as scope:
            async with client.chat("leak", thread_id) as stream:
                async for _ in stream:
                    pass
        assert scope.cancelled_caught
        assert trio.current_time() - begun < 0.02 + 0.03 * number + _RELEASE
        assert (await client.chat_once("own", thread_id)).final_text == "ok"
        assert (await told_statuses(client, thread_id))[-2:] == ["interrupted", "completed"]
    assert_nothing_open(client)
