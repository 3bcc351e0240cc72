"""A turn that sleeps is not inactive until its sleep is over; and a silent turn's error lists what it waits for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio
from _by_hand import Background, TurnByHand, message, next_turn
from trio.testing import MockClock

from codex_trio import CodexClient, CodexTurnInactiveError, OpenItem, open_codex_client
from codex_trio.testing import ScriptedAppServer

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


async def started_turn(server: ScriptedAppServer) -> TurnByHand:
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
