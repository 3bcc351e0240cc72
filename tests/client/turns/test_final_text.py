"""Which of its messages is the answer of a turn, and where it is looked for."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from codex_trio import CodexTurnInterruptedError, open_codex_client
from codex_trio.testing import ScriptedAppServer, omit_completed, say, think
from tests.support.background import Background
from tests.support.manual_turn import Message, message, next_turn

FINAL, NOTE = "final_answer", "commentary"


@pytest.mark.parametrize(
    ("phases", "answer"),
    [
        ([None], 0),
        ([None, None], 1),
        ([FINAL, None], 0),
        ([FINAL, NOTE], 0),
        ([FINAL, FINAL, None, NOTE], 1),
        ([None, NOTE], 0),
        ([NOTE, None, NOTE], 1),
        ([NOTE, NOTE], 1),
        (["of the future"], 0),
        (["of the future", NOTE], 0),
        ([None, "of the future"], 1),
    ],
)
async def test_final_answer_beats_what_has_no_phase_and_that_beats_commentary(
    phases: list[str | None], answer: int, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer()
    server.on_turn(*(say(f"text {n}", phase=phase) for n, phase in enumerate(phases)))
    async with open_codex_client(server.transport()) as client:
        result = await client.chat_once("hello")
    assert result.final_text == f"text {answer}"
    assert result.assistant_item_id == result.steps[answer].item_id
    assert result.completion_source == "turn_completed"


@pytest.mark.parametrize(("phase", "text"), [(NOTE, ""), (None, "half"), (FINAL, "half")])
async def test_commentary_of_an_interrupted_turn_is_no_answer(
    phase: str | None, text: str, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer()
    server.hold("turn/start")
    async with open_codex_client(server.transport()) as client:
        asking = Background(nursery, client.chat_once, "hello")
        turn = await next_turn(server)
        turn.accept()
        turn.say("half", phase)
        turn.end("interrupted")
        with pytest.raises(CodexTurnInterruptedError) as caught:
            await asking.result()
    assert caught.value.result.final_text == text


async def ended(
    nursery: trio.Nursery, server: ScriptedAppServer, items: list[Message], view: str
) -> tuple[str, str, int]:
    """Let a turn end so without any `item/completed`; return final text, its source, and the number of steps."""
    server.hold("turn/start")
    async with open_codex_client(server.transport()) as client:
        asking = Background(nursery, client.chat_once, "hello")
        turn = await next_turn(server)
        turn.accept()
        turn.end(items=items, view=view)
        result = await asking.result()
    return result.final_text, result.completion_source, len(result.steps)


@pytest.mark.parametrize("view", ["summary", "full", "of the future"])
async def test_answer_is_taken_from_the_end_of_the_turn_if_it_was_not_told_before(
    view: str, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer()
    assert await ended(nursery, server, [message("m", "the answer")], view) == ("the answer", "turn_completed", 1)
    assert "thread/turns/list" not in server.received_methods()


async def test_answer_is_read_from_the_server_if_the_end_of_the_turn_has_no_items(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer()
    items = [{"type": "userMessage", "id": "u"}, message("m", "from history")]
    server.reply("thread/turns/list", {"data": [{"id": "turn", "items": items, "itemsView": "full"}]})
    assert await ended(nursery, server, [], "notLoaded") == ("from history", "turn_completed", 1)


async def test_items_that_are_not_loaded_are_not_believed(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.reply("thread/turns/list", {"data": [{"id": "turn", "items": [message("m", "true")], "itemsView": "full"}]})
    assert await ended(nursery, server, [message("m", "stale")], "notLoaded") == ("true", "turn_completed", 1)


async def test_mute_turn_says_so(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(think("hm"))
    async with open_codex_client(server.transport()) as client:
        result = await client.chat_once("hello")
    assert (result.final_text, result.assistant_item_id, result.completion_source) == ("", None, "no_message")


@pytest.mark.parametrize("is_deaf", [True, False])
async def test_turn_of_which_nothing_can_be_read_is_mute(
    is_deaf: bool, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer()
    for method in ("thread/turns/list", "thread/read"):
        if is_deaf:
            server.ignore(method)
        else:
            server.fail_next(method, code=-32601, message="not supported yet", times=None)
    assert await ended(nursery, server, [], "notLoaded") == ("", "no_message", 0)
    assert trio.current_time() <= 60


async def test_mute_turn_read_from_history_is_mute(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(think("hm"), omit_completed())
    async with open_codex_client(server.transport()) as client:
        result = await client.chat_once("hello")
    assert (result.final_text, result.completion_source) == ("", "no_message")


async def test_empty_message_is_a_message(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    assert await ended(nursery, server, [message("m", "")], "full") == ("", "turn_completed", 1)
