"""A turn that sleeps is not inactive until its sleep is over; and a silent turn's error lists what it waits for."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from codex_trio import ChatContinuation, CodexClient, CodexTurnInactiveError, OpenItem, open_codex_client
from codex_trio.testing import ScriptedAppServer
from tests.support.background import Background
from tests.support.manual_turn import ManualTurn, message, next_turn

Consume = Callable[..., Awaitable[str]]


def asleep(milliseconds: Any, item_id: str = "sleep") -> dict[str, Any]:
    """Return an item as codex tells it."""
    return {"type": "sleep", "id": item_id, "durationMs": milliseconds}


def command(text: str, item_id: str = "command") -> dict[str, Any]:
    return {"type": "commandExecution", "id": item_id, "command": text, "status": "inProgress"}


async def chat_once(client: CodexClient, text: str | None = "go", **options: Any) -> str:
    return (await client.chat_once(text, **options)).final_text


async def chat(client: CodexClient, text: str | None = "go", **options: Any) -> str:
    return [step.text async for step in client.chat(text, **options)][-1]


async def stream(client: CodexClient, text: str | None = "go", **options: Any) -> str:
    events = [event async for event in client.stream(text, **options)]
    return str(getattr(events[-1], "result").final_text)  # noqa: B009


async def started_turn(server: ScriptedAppServer) -> ManualTurn:
    turn = await next_turn(server)
    turn.accept()
    turn.start()
    return turn


def by_hand() -> ScriptedAppServer:
    server = ScriptedAppServer()
    server.hold("turn/start")
    return server


every_way = pytest.mark.parametrize("consume", [chat_once, chat, stream])


@every_way
async def test_a_sleep_is_activity_until_its_end(
    consume: Consume, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = by_hand()
    async with open_codex_client(server.transport()) as client:
        waiting = Background(nursery, consume, client)
        turn = await started_turn(server)
        for hours in (1, 12):
            turn.begin(asleep(hours * 3_600_000))
            await trio.sleep(hours * 3600)
            turn.complete(asleep(hours * 3_600_000))
        turn.say("awake")
        turn.end()
        assert await waiting.result() == "awake"


@every_way
async def test_a_sleep_that_does_not_end_is_silence_from_its_end_on(
    consume: Consume, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = by_hand()
    async with open_codex_client(server.transport()) as client:
        waiting = Background(nursery, consume, client)
        turn = await started_turn(server)
        turn.begin(asleep(1_000_000))
        with pytest.raises(CodexTurnInactiveError, match=r"waiting for sleep since 1180 s") as caught:
            await waiting.result()
        assert trio.current_time() == 1000 + 180
        assert caught.value.idle_seconds == 180
        [item] = caught.value.open_items
        assert item == OpenItem("sleep", "sleep", turn.thread_id, 1180, asleep(1_000_000))


async def test_a_sleep_that_new_input_ends_is_over(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = by_hand()
    async with open_codex_client(server.transport()) as client:
        waiting = Background(nursery, chat_once, client)
        turn = await started_turn(server)
        turn.begin(asleep(43_200_000))
        await trio.sleep(500)
        turn.complete(asleep(43_200_000))
        with pytest.raises(CodexTurnInactiveError) as caught:
            await waiting.result()
        assert trio.current_time() == 500 + 180
        assert caught.value.open_items == ()


async def test_the_longer_of_two_sleeps_counts(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = by_hand()
    async with open_codex_client(server.transport()) as client:
        waiting = Background(nursery, chat_once, client)
        turn = await started_turn(server)
        turn.begin(asleep(1_000_000, "long"))
        turn.begin(asleep(300_000, "short"))
        await trio.sleep(300)
        turn.complete(asleep(300_000, "short"))
        with pytest.raises(CodexTurnInactiveError):
            await waiting.result()
        assert trio.current_time() == 1000 + 180


@pytest.mark.parametrize("patience", [0.25, 20])
async def test_a_short_patience_begins_after_the_sleep(
    patience: float, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = by_hand()
    async with open_codex_client(server.transport(), inactivity_timeout=patience) as client:
        waiting = Background(nursery, chat_once, client)
        turn = await started_turn(server)
        turn.begin(asleep(100_000))
        with pytest.raises(CodexTurnInactiveError):
            await waiting.result()
        assert trio.current_time() == 100 + patience


@pytest.mark.parametrize(
    ("duration", "seconds"),
    [(None, 0), ("long", 0), (-5, 0), (True, 0), ([], 0), (10**400, 86_400), (1e300, 86_400), (1500.5, 1.5005)],
)
async def test_an_odd_duration_raises_nothing(
    duration: object, seconds: float, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = by_hand()
    async with open_codex_client(server.transport()) as client:
        waiting = Background(nursery, chat_once, client)
        turn = await started_turn(server)
        turn.begin(asleep(duration))
        with pytest.raises(CodexTurnInactiveError):
            await waiting.result()
        assert trio.current_time() == pytest.approx(seconds + 180)


async def test_a_sleep_that_begins_while_nobody_waits_is_activity_for_the_next_who_does(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = by_hand()
    async with open_codex_client(server.transport()) as client:
        waiting = Background(nursery, chat_once, client)
        turn = await started_turn(server)
        with pytest.raises(CodexTurnInactiveError) as caught:
            await waiting.result()
        turn.begin(asleep(1_000_000))
        await trio.sleep(1)
        waiting = Background(nursery, chat_once, client, None, continuation=caught.value.continuation)
        await trio.sleep(999)
        turn.complete(asleep(1_000_000))
        turn.say("awake")
        turn.end()
        assert await waiting.result() == "awake"


async def test_a_sleeping_turn_is_cancelled(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = by_hand()
    async with open_codex_client(server.transport()) as client:
        waiting = Background(nursery, chat_once, client)
        turn = await started_turn(server)
        with pytest.raises(CodexTurnInactiveError) as caught:
            await waiting.result()
        turn.begin(asleep(43_200_000))
        server.hold("turn/interrupt")
        cancelling = Background(nursery, client.cancel, caught.value.continuation)
        (await server.held("turn/interrupt").receive()).reply({})
        turn.end("interrupted")
        assert (await cancelling.result()).was_interrupted
        assert trio.current_time() < 182


# --- what a silent turn waits for


async def test_the_error_lists_what_is_open(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = by_hand()
    async with open_codex_client(server.transport()) as client:
        waiting = Background(nursery, chat_once, client)
        turn = await started_turn(server)
        turn.begin(command("make", "one"))
        turn.begin(command("ls", "two"))
        await trio.sleep(10)
        turn.begin({"type": "mcpToolCall", "id": "three", "server": "shop", "tool": "buy"})
        turn.complete(command("ls", "two"))
        with pytest.raises(CodexTurnInactiveError) as caught:
            await waiting.result()
    assert [(item.item_id, item.item_type, item.seconds) for item in caught.value.open_items] == [
        ("one", "commandExecution", 190),
        ("three", "mcpToolCall", 180),
    ]
    assert caught.value.open_items[0].data["command"] == "make"
    assert "waiting for commandExecution 'make' since 190 s, mcpToolCall 'shop.buy' since 180 s)" in str(caught.value)


async def test_what_the_model_wrote_cannot_forge_the_error(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = by_hand()
    async with open_codex_client(server.transport()) as client:
        waiting = Background(nursery, chat_once, client)
        turn = await started_turn(server)
        turn.begin(command("ls\n\x1b[2J\u202eall is well" + "!" * 500))
        turn.begin({"type": "new\nthing", "id": "other"})
        with pytest.raises(CodexTurnInactiveError) as caught:
            await waiting.result()
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 600


async def test_a_message_that_was_cut_is_not_open(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = by_hand()
    async with open_codex_client(server.transport()) as client:
        waiting = Background(nursery, chat_once, client)
        turn = await started_turn(server)
        turn.begin(command("make"))
        turn.begin(message("cut by an error", ""))
        turn.send("error", error={"message": "Reconnecting... 1/2"}, willRetry=True)
        turn.begin(message("cut by new input", ""))
        turn.begin({"type": "userMessage", "id": "steer", "content": []})
        turn.begin(message("goes on", ""))
        with pytest.raises(CodexTurnInactiveError) as caught:
            await waiting.result()
    assert [item.item_id for item in caught.value.open_items] == ["command", "goes on"]


async def test_items_that_never_end_are_kept_up_to_a_bound(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = by_hand()
    async with open_codex_client(server.transport()) as client:
        waiting = Background(nursery, chat_once, client)
        turn = await started_turn(server)
        for number in range(1000):
            turn.begin(command("ls", str(number)))
        turn.begin({"type": "sleep"})
        with pytest.raises(CodexTurnInactiveError) as caught:
            await waiting.result()
    assert [item.item_id for item in caught.value.open_items] == [str(number) for number in range(744, 1000)]
    assert "and 253 more" in str(caught.value)


# --- in a client that was not there when the sleep began


def serve_by_hand(server: ScriptedAppServer, items: list[dict[str, Any]]) -> ChatContinuation:
    """Let the server tell of a running turn as codex does: what is open is in the turns of `thread/resume` alone."""
    state = {"id": "turn", "status": "inProgress", "startedAt": 1, "completedAt": None, "items": []}

    def resume(params: dict[str, Any]) -> dict[str, Any]:
        turns = [] if params.get("excludeTurns") else [{"id": "earlier"}, {**state, "items": items}]
        return {"thread": {"id": "thread", "status": {"type": "active"}, "turns": turns}}

    server.reply("thread/resume", resume)
    server.reply("thread/turns/list", {"data": [state]})
    server.reply("thread/items/list", {"data": [{"turnId": "turn", "item": message("m", "so far")}]})
    return ChatContinuation("thread", "turn", 1, "chat", ())


def always(value: object) -> Callable[[int], object]:
    return lambda _: value


BEGUN: dict[str, tuple[Callable[[int], object], float]] = {
    "now": (lambda now: now, 0),
    "before": (lambda now: now - 400_000, 400),
    "by a clock that is fast": (lambda now: now + 1_000_000, 0),
    "not told": (always(None), 0),
    **{f"odd: {odd!r:.10}": (always(odd), 0) for odd in ("then", 1.5, True, -1, 10**400)},
}
"""When a sleep began, in milliseconds of the server's clock, and how many seconds of it are over."""


@every_way
@pytest.mark.parametrize(("started_at", "over"), BEGUN.values(), ids=BEGUN)
async def test_a_sleep_that_began_before_is_found(
    consume: Consume, started_at: Callable[[int], object], over: float, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    finished: list[Any] = [message("m", "so far"), asleep(5, "over"), {"id": ["odd"], "type": "sleep"}, "odd"]
    open_one = {**asleep(1_000_000), "startedAtMs": started_at(int(time.time() * 1000))}
    continuation = serve_by_hand(server, [*finished, open_one])
    server.reply("thread/items/list", {"data": [{"turnId": "turn", "item": item} for item in finished[:2]]})
    async with open_codex_client(server.transport()) as client:
        with pytest.raises(CodexTurnInactiveError) as caught:
            await consume(client, None, continuation=continuation)
        assert trio.current_time() == pytest.approx(180 + 1000 - over + 180, abs=5)
        assert [item.item_id for item in caught.value.open_items] == ["sleep"]


@pytest.mark.parametrize("is_told_beside", [False, True])
async def test_a_sleep_that_history_lists_as_open_is_found_at_once(
    is_told_beside: bool, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    continuation = serve_by_hand(server, [])
    times = {"startedAtMs": int(time.time() * 1000) - 400_000, "completedAtMs": None}
    entry: dict[str, Any] = {"turnId": "turn", "item": asleep(1_000_000)}
    if is_told_beside:
        entry.update(times)
    else:
        entry["item"].update(times)
    server.reply("thread/items/list", {"data": [entry]})
    async with open_codex_client(server.transport()) as client:
        waiting = Background(nursery, chat_once, client, None, continuation=continuation)
        await trio.sleep(10)
        server.connection.send(
            {"method": "item/completed", "params": {"threadId": "thread", "turnId": "turn", "item": asleep(1_000_000)}}
        )
        with pytest.raises(CodexTurnInactiveError) as caught:
            await waiting.result()
        assert trio.current_time() == 10 + 180
        waiting = Background(nursery, chat_once, client, None, continuation=caught.value.continuation)
        with pytest.raises(CodexTurnInactiveError) as caught:
            await waiting.result()
        assert caught.value.continuation.seen == ()  # `chat_once` has delivered nothing
    async with open_codex_client(server.transport()) as client:
        begun_at = trio.current_time()
        with pytest.raises(CodexTurnInactiveError):
            await chat_once(client, None, continuation=continuation)
        assert trio.current_time() - begun_at == pytest.approx(600 + 180, abs=5)


async def test_what_else_is_open_is_found_too(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer(nursery)
    continuation = serve_by_hand(server, [command("make")])
    async with open_codex_client(server.transport()) as client:
        with pytest.raises(CodexTurnInactiveError, match="waiting for commandExecution 'make'"):
            await chat_once(client, None, continuation=continuation)
        assert trio.current_time() == 180
        resumed = server.received_methods().count("thread/resume")
        with pytest.raises(CodexTurnInactiveError):
            await chat_once(client, None, continuation=continuation)
        assert server.received_methods().count("thread/resume") == resumed  # everything is known now


async def test_a_sleep_that_began_during_an_outage_is_found(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = by_hand()
    async with open_codex_client(server.transport(), reconnect=True) as client:
        waiting = Background(nursery, chat_once, client)
        turn = await started_turn(server)
        await trio.sleep(1)
        serve_by_hand(server, [asleep(1_000_000)])
        server.connection.drop()
        with pytest.raises(CodexTurnInactiveError):
            await waiting.result()
        assert trio.current_time() == pytest.approx(1 + 180 + 1000 + 180, abs=1)
        assert turn.turn_id == "turn"


@pytest.mark.parametrize("failure", ["refused", "unanswered", "odd"])
async def test_a_server_that_does_not_tell_what_is_open_leaves_the_turn_inactive(
    failure: str, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    continuation = serve_by_hand(server, [asleep(1_000_000)])
    async with open_codex_client(server.transport()) as client:
        waiting = Background(nursery, chat_once, client, None, continuation=continuation)
        await trio.sleep(1)
        match failure:
            case "refused":
                server.fail_next("thread/resume", code=-32603, message="no")
            case "unanswered":
                server.ignore("thread/resume", times=1)
            case _:
                server.reply("thread/resume", {"thread": {"turns": [None, {"id": "turn", "items": None}]}})
        with pytest.raises(CodexTurnInactiveError):
            await waiting.result()
        assert trio.current_time() == 180 + 30 * (failure == "unanswered")
