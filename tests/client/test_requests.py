"""Any request of ours: how many at once, what is repeated, what its refusal becomes, and whose events a thread's are."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from codex_trio import (
    CodexClient,
    CodexProtocolError,
    CodexThreadNotFoundError,
    CodexTimeoutError,
    CodexTransportError,
    Transport,
    open_codex_client,
)
from codex_trio.testing import HeldCall, ScriptedAppServer, hang
from tests.support.background import Background
from tests.support.quiet_turns import go_quiet

AT_ONCE = 64
UNKNOWN = "01a2061e-99c0-74f0-b2d6-3710637b248c"


async def fill_all_places(
    server: ScriptedAppServer, client: CodexClient, nursery: trio.Nursery
) -> tuple[list[HeldCall], list[Background[Any]]]:
    """Let as many calls be in flight as may be; return the server's and the client's side of them."""
    server.hold("slow")
    calling = [Background(nursery, client.request, "slow", {"n": n}) for n in range(AT_ONCE)]
    await wait_all_tasks_blocked()
    return [await server.held("slow").receive() for _ in range(AT_ONCE)], calling


# --- how many


@pytest.mark.smoke
async def test_at_most_64_requests_are_in_flight(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.reply("quick", {"quick": True})
    async with open_codex_client(server.transport()) as client:
        calls, _ = await fill_all_places(server, client, nursery)
        waiting = Background(nursery, client.request, "quick")
        await wait_all_tasks_blocked()
        assert "quick" not in server.received_methods()
        assert (client.statistics().requests_in_flight, client.statistics().requests_waiting) == (AT_ONCE, 1)
        calls[0].reply({})
        answer: object = await waiting.result()
        assert answer == {"quick": True}
        assert trio.current_time() == 0
        for call in calls[1:]:
            call.reply({})


async def test_request_that_waits_for_its_place_is_never_sent_when_cancelled(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client:
        calls, _ = await fill_all_places(server, client, nursery)
        with trio.move_on_after(1) as scope:
            await client.request("quick")
        assert scope.cancelled_caught
        assert trio.current_time() == 1
        with pytest.raises(CodexTimeoutError, match="not sent"):
            await client.request("quick", timeout=1)
        assert trio.current_time() == 2
        for call in calls:
            call.reply({})
        await wait_all_tasks_blocked()
    assert "quick" not in server.received_methods()


async def test_requests_go_in_the_order_in_which_they_came(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.hold("quick")
    async with open_codex_client(server.transport()) as client:
        calls, _ = await fill_all_places(server, client, nursery)
        waiting = []
        for n in range(5):
            waiting.append(Background(nursery, client.request, "quick", {"n": n}))
            await wait_all_tasks_blocked()
        for n in range(5):
            calls[n].reply({})
            held = await server.held("quick").receive()
            assert held.params == {"n": n}
            held.reply({})
        for call in calls[5:]:
            call.reply({})
        for one in waiting:
            await one.result()


async def test_an_answer_to_what_was_not_sent_yet_is_no_answer(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer()
    server.reply("quick", {"quick": True})
    async with open_codex_client(server.transport()) as client:
        calls, _ = await fill_all_places(server, client, nursery)
        waiting = Background(nursery, client.request, "quick")
        await wait_all_tasks_blocked()
        last_id = max(call.id for call in calls if isinstance(call.id, int))
        server.connection.send({"id": last_id + 1, "result": "guessed"})
        await wait_all_tasks_blocked()
        assert client.statistics().ignored_messages == 1
        for call in calls:
            call.reply({})
        answer: object = await waiting.result()
        assert answer == {"quick": True}


async def test_each_request_has_its_own_time(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.ignore("slow")
    ends: dict[float, float] = {}

    async def ask(after: float, timeout: float) -> None:
        await trio.sleep(after)
        with pytest.raises(CodexTimeoutError):
            await client.request("slow", timeout=timeout)
        ends[timeout] = trio.current_time()

    async with open_codex_client(server.transport()) as client:
        async with trio.open_nursery() as inner:
            for after, timeout in [(0, 30), (0, 5), (1, 2), (4, 40), (6, 0.5)]:
                inner.start_soon(ask, after, timeout)
        assert await client.request("thread/list") is not None
        assert client.statistics().requests_in_flight == 0
    assert ends == {30: 30, 5: 5, 2: 3, 40: 44, 0.5: 6.5}


async def test_interrupts_and_answers_do_not_wait_for_a_place(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(hang())
    async with open_codex_client(server.transport()) as client:
        continuation = await go_quiet(client)
        begun_at = trio.current_time()
        await fill_all_places(server, client, nursery)
        assert "error" in await server.connection.ask("unknown/question")
        assert (await client.cancel(continuation)).was_interrupted
        assert trio.current_time() == begun_at
        server.connection.drop()


@pytest.mark.parametrize("timeout", [None, math.inf])
async def test_cancelled_requests_give_their_places_back_when_they_are_answered(
    timeout: float | None, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer()
    server.hold("slow")
    async with open_codex_client(server.transport()) as client:
        with trio.move_on_after(1):
            async with trio.open_nursery() as callers:
                for _ in range(AT_ONCE):
                    callers.start_soon(lambda: client.request("slow", timeout=timeout))
        next_one = Background(nursery, client.request, "thread/list")
        await trio.sleep(1)
        assert not next_one.is_done  # the server still works on all of them
        for _ in range(AT_ONCE):
            (await server.held("slow").receive()).reply({})
        with trio.fail_after(1):
            await next_one.result()
        assert trio.current_time() == 2


@pytest.mark.parametrize("timeout", [None, 300, math.inf])
async def test_cancelled_requests_that_are_never_answered_give_their_places_back(
    timeout: float | None, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer()
    server.ignore("slow")
    async with open_codex_client(server.transport(), request_timeout=None) as client:
        with trio.move_on_after(1):
            async with trio.open_nursery() as callers:
                for _ in range(AT_ONCE):
                    callers.start_soon(lambda: client.request("slow", timeout=timeout))
        with trio.fail_after(1_000):
            await client.request("thread/list")
        assert trio.current_time() == 61
        assert client.statistics().requests_in_flight == 0


async def test_requests_that_timed_out_give_their_places_back(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.ignore("slow")

    async def time_out() -> None:
        with pytest.raises(CodexTimeoutError, match="slow: no answer in time"):
            await client.request("slow", timeout=3)

    async with open_codex_client(server.transport()) as client:
        async with trio.open_nursery() as callers:
            for _ in range(AT_ONCE):
                callers.start_soon(time_out)
        assert trio.current_time() == 3
        await client.request("thread/list")
        assert client.statistics().requests_in_flight == 0


# --- answers


async def test_answers_may_come_in_any_order(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client:
        calls, calling = await fill_all_places(server, client, nursery)
        for call in reversed(calls):
            call.reply({"n": call.params["n"]})
        assert [(await one.result())["n"] for one in calling] == list(range(AT_ONCE))


@pytest.mark.parametrize("result", [None, 0, "", [], {}, {"a": [1, None]}])
async def test_result_is_returned_as_it_is(result: object, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.reply("made/up", result)
    async with open_codex_client(server.transport()) as client:
        assert await client.request("made/up") == result


async def test_refusal_is_told_with_everything(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.fail_next("made/up", code=-32602, message="too large", data={"max": 7})
    async with open_codex_client(server.transport()) as client:
        with pytest.raises(CodexProtocolError, match=r"made/up .*-32602: too large") as caught:
            await client.request("made/up")
    assert (caught.value.code, caught.value.data, caught.value.method) == (-32602, {"max": 7}, "made/up")


async def test_unknown_thread_has_an_error_of_its_own(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client:
        with pytest.raises(CodexThreadNotFoundError) as caught:
            await client.chat_once("hello", UNKNOWN)
        assert caught.value.thread_id == UNKNOWN
        with pytest.raises(CodexThreadNotFoundError):
            await client.chat_once("hello", "no id at all")
    assert server.prompts == []


async def test_request_times_out_when_told(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.ignore("slow")
    async with open_codex_client(server.transport(), request_timeout=12) as client:
        with pytest.raises(CodexTimeoutError):
            await client.request("slow")
        assert trio.current_time() == 12
        with pytest.raises(CodexTimeoutError):
            await client.request("slow", timeout=0.5)
        assert trio.current_time() == 12.5
        with pytest.raises(ValueError, match="timeout"):
            await client.request("slow", timeout=0)


async def test_answer_after_the_timeout_is_ignored_and_counted(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.hold("slow")
    async with open_codex_client(server.transport()) as client:
        with pytest.raises(CodexTimeoutError):
            await client.request("slow", timeout=1)
        (await server.held("slow").receive()).reply({})
        await client.request("thread/list")
        assert client.statistics().ignored_messages == 1


# --- what is repeated


async def test_overload_is_tried_again_with_growing_pauses(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    asked_at = []

    def overloaded(params: object) -> object:
        asked_at.append(trio.current_time())
        server.fail_next("busy", times=1)
        return {}

    server.reply("thread/list", overloaded)
    server.fail_next("thread/list", times=6)
    async with open_codex_client(server.transport()) as client:
        await client.request("thread/list")
    pauses = sum(0.05 * 2**n for n in range(6))
    assert server.received_methods().count("thread/list") == 7
    assert 0.5 * pauses <= asked_at[0] <= 1.5 * pauses


async def test_pauses_between_repeats_are_jittered(autojump_clock: MockClock) -> None:
    took = set()
    for _ in range(5):
        server = ScriptedAppServer()
        server.fail_next("thread/list", times=4)
        async with open_codex_client(server.transport()) as client:
            begun_at = trio.current_time()
            await client.request("thread/list")
            took.add(trio.current_time() - begun_at)
    assert len(took) > 1


async def test_overload_beyond_the_timeout_is_told(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.fail_next("thread/list", times=None)
    async with open_codex_client(server.transport()) as client:
        with pytest.raises(CodexProtocolError, match="overloaded") as caught:
            await client.request("thread/list", timeout=20)
        assert caught.value.code == -32001
        assert 15 < trio.current_time() <= 20
        assert server.received_methods().count("thread/list") > 10


@pytest.mark.parametrize("code", [-32600, -32601, -32602, -32603, -32000, -32002, 0])
async def test_no_other_refusal_is_tried_again(code: int, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.fail_next("thread/list", code=code, message="no", times=None)
    async with open_codex_client(server.transport()) as client:
        with pytest.raises(CodexProtocolError):
            await client.request("thread/list")
    assert server.received_methods().count("thread/list") == 1


async def test_turn_refused_for_overload_is_tried_again(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.fail_next("turn/start", times=3)
    async with open_codex_client(server.transport()) as client:
        assert (await client.chat_once("hello")).final_text == "ok"
    assert server.prompts == ["hello"] * 4


@pytest.mark.parametrize("fate", ["timeout", "loss", "refusal"])
async def test_turn_whose_fate_is_unknown_is_never_sent_again(
    fate: str, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer()
    server.hold("turn/start")
    async with open_codex_client(server.transport()) as client:
        asking = Background(nursery, client.chat_once, "hello")
        call = await server.held("turn/start").receive()
        if fate == "loss":
            server.connection.drop()
        elif fate == "refusal":
            call.error(-32603, "internal error")
        with pytest.raises((CodexTimeoutError, CodexTransportError, CodexProtocolError)):
            await asking.result()
        await trio.sleep(100)
    assert server.prompts == ["hello"]


# --- what cannot be sent


class Odd:
    pass


@pytest.mark.parametrize(
    ("params", "error"),
    [({"a": Odd()}, TypeError), ({"a": {1j: 2}}, TypeError), ({"a": "\ud800"}, ValueError)],
)
async def test_params_that_are_no_json_are_refused_by_name_and_cost_nothing(
    params: dict[str, Any], error: type[Exception], autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client:
        for _ in range(AT_ONCE + 1):
            with pytest.raises(error, match="made/up"):
                await client.request("made/up", params)
        with pytest.raises(error, match="made/up"):
            await client.notify("made/up", params)
        assert client.statistics().requests_in_flight == 0
        await client.request("thread/list")
    assert "made/up" not in server.received_methods()
    assert server.invalid_messages == []


async def test_prompt_that_cannot_be_sent_leaves_its_thread_free(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client:
        thread_id = (await client.request("thread/start"))["thread"]["id"]
        with pytest.raises(ValueError, match="surrogates"):
            await client.chat_once("\ud800", thread_id)
        assert (await client.chat_once("hello", thread_id)).final_text == "ok"


async def test_notification_is_sent_without_id_and_without_an_answer(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client:
        await client.notify("made/up", {"a": 1})
        await client.notify("made/up")
        await client.request("thread/list")
    assert server.received[2:4] == [{"method": "made/up", "params": {"a": 1}}, {"method": "made/up"}]


# --- at once


class Eager(Transport):
    """Another transport, which is said to take short messages at once, and loses them.

    Attributes:
        taken: Those.
    """

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self.taken: list[bytes] = []

    async def open(self, nursery: trio.Nursery) -> None:
        await self._inner.open(nursery)

    async def send(self, messages: Sequence[bytes]) -> None:
        await self._inner.send(messages)

    def send_nowait(self, message: bytes) -> bool:
        if b"short" in message:
            self.taken.append(message)
        return b"short" in message

    async def receive(self) -> Sequence[bytes | bytearray]:
        return await self._inner.receive()

    async def aclose(self) -> None:
        await self._inner.aclose()


async def test_a_lone_message_is_written_at_once(autojump_clock: MockClock) -> None:
    transport = Eager(ScriptedAppServer().transport())
    async with open_codex_client(transport) as client:
        await wait_all_tasks_blocked()
        await client.notify("short/1")
        await client.notify("long")
        await wait_all_tasks_blocked()
        await client.notify("short/2")
    assert [json.loads(message)["method"] for message in transport.taken] == ["short/1", "short/2"]


async def test_no_message_overtakes_another(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    transport = Eager(server.transport())
    async with open_codex_client(transport) as client:
        server.connection.pause_reading()
        await client.notify("long")
        await wait_all_tasks_blocked()
        await client.notify("short")
        server.connection.resume_reading()
        await wait_all_tasks_blocked()
        assert server.received_methods()[-2:] == ["long", "short"]
        server.hold("slow")
        asking = Background(nursery, client.request, "slow")
        call = await server.held("slow").receive()
        await client.notify("short")  # several at a time are put together, which takes less than one by one
        call.reply({})
        await asking.result()
    assert transport.taken == []
