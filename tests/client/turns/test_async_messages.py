"""Asynchronous messages: what Codex asks or remarks while it works is a step, and never displaces the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from codex_trio import (
    ChatContinuation,
    ChatResult,
    CodexOutputError,
    CodexProtocolError,
    CodexTurnFailedError,
    CodexTurnInterruptedError,
    TurnCompleted,
    open_codex_client,
)
from codex_trio.testing import ScriptedAppServer, ask_async, say, tell_async, wait
from tests.support.background import Background
from tests.support.manual_turn import ManualTurn, Message, message, next_turn
from tests.support.quiet_turns import go_quiet

QUESTIONS = [{"title": "Which colour?", "options": ["Red", "Blue"]}]


def asynchronous(item_id: str, text: str, questions: Any = None) -> Message:
    """Return an asynchronous message, which the server calls a final answer."""
    return {**message(item_id, text, "final_answer"), "delivery": "async", "questions": questions}


ASK = asynchronous("ask", "Which colour?\n- Red\n- Blue", QUESTIONS)
TELL = asynchronous("tell", "The door squeaks.")


async def play(
    nursery: trio.Nursery,
    items: list[Message],
    *,
    status: str = "completed",
    end: list[Message] | None = None,
    view: str = "summary",
    history: list[Message] | None = None,
    **options: Any,
) -> tuple[ChatResult[Any], ScriptedAppServer]:
    """Let a turn complete items and end; return what `chat_once` returned, and the server."""
    server = ScriptedAppServer()
    server.hold("turn/start")
    if history is not None:
        server.reply("thread/turns/list", {"data": [{"id": "turn", "items": history, "itemsView": "full"}]})
    async with open_codex_client(server.transport()) as client:
        asking = Background(nursery, client.chat_once, "hello", **options)
        turn = await next_turn(server)
        turn.accept()
        for item in items:
            turn.complete(item)
        turn.end(status, items=items[-1:] if end is None else end, view=view)
        return await asking.result(), server


@pytest.mark.smoke
@pytest.mark.parametrize("phase", ["final_answer", None, "partial_answer", "commentary"])
@pytest.mark.parametrize("before", [True, False])
async def test_an_asynchronous_message_beside_another_is_not_the_answer(
    phase: str | None, before: bool, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    answer = message("answer", "The answer.", phase)
    items = [ASK, TELL, answer] if before else [answer, ASK, TELL]

    result, _ = await play(nursery, items, end=[TELL])

    assert (result.final_text, result.assistant_item_id) == ("The answer.", "answer")
    assert result.completion_source == "turn_completed"
    assert [step.item_id for step in result.steps] == [item["id"] for item in items]
    assert {step.item_id: step.step_type for step in result.steps} == {"ask": "ask", "tell": "codex", "answer": "codex"}


async def test_a_turn_with_nothing_else_has_the_last_asynchronous_message_for_an_answer(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    result, _ = await play(nursery, [ASK, TELL], end=[TELL], history=[ASK, TELL])

    assert (result.final_text, result.assistant_item_id) == ("The door squeaks.", "tell")


async def test_the_answer_that_an_asynchronous_message_displaced_in_the_end_is_read_from_history(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    history = [ASK, message("answer", "The answer.", "final_answer"), TELL]

    result, server = await play(nursery, [], end=[TELL], history=history)

    assert result.final_text == "The answer."
    assert [step.item_id for step in result.steps] == ["tell", "ask", "answer"]
    assert server.received_methods().count("thread/turns/list") == 1


async def test_history_is_not_read_for_a_turn_whose_answer_is_known(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    _, server = await play(nursery, [message("answer", "The answer."), TELL])

    assert "thread/turns/list" not in server.received_methods()


async def test_the_result_of_a_stream_is_the_answer(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.hold("turn/start")
    results: list[ChatResult[Any]] = []
    async with open_codex_client(server.transport()) as client:

        async def read_all() -> None:
            async for event in client.stream("hello"):
                if isinstance(event, TurnCompleted):
                    results.append(event.result)

        reading = Background(nursery, read_all)
        turn = await next_turn(server)
        turn.accept()
        turn.say("The answer.", "final_answer", "answer")
        turn.complete(TELL)
        turn.end(items=[TELL], view="summary")
        await reading.result()
    assert [result.final_text for result in results] == ["The answer."]


@pytest.mark.parametrize(
    ("status", "error"), [("failed", CodexTurnFailedError), ("interrupted", CodexTurnInterruptedError)]
)
@pytest.mark.parametrize(
    ("items", "text"),
    [
        ([message("answer", "So far.", "final_answer"), TELL], "So far."),
        ([ASK, message("answer", "So far.")], "So far."),
        ([message("answer", "So far.", "partial_answer"), ASK], "So far."),
        ([message("note", "I look.", "commentary"), ASK], ""),
        ([ASK], ""),
    ],
)
async def test_the_result_of_a_turn_that_did_not_complete_has_the_answer_that_there_was(
    status: str,
    error: type[CodexProtocolError],
    items: list[Message],
    text: str,
    nursery: trio.Nursery,
    autojump_clock: MockClock,
) -> None:
    with pytest.raises(error) as caught:
        await play(nursery, items, status=status)

    assert isinstance(caught.value, (CodexTurnFailedError, CodexTurnInterruptedError))
    assert caught.value.result.final_text == text
    assert len(caught.value.result.steps) == len(items)


@dataclass
class Colour:
    name: str


async def test_a_structured_answer_is_read_from_the_answer(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    items = [message("answer", '{"name": "red"}', "final_answer"), ASK]

    result, _ = await play(nursery, items, output_type=Colour)

    assert result.output == Colour("red")


async def test_an_asynchronous_message_alone_is_no_structured_answer(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    with pytest.raises(CodexOutputError) as caught:
        await play(nursery, [ASK], history=[ASK], output_type=Colour)

    assert caught.value.text == ASK["text"]


async def test_the_steps_of_a_cancelled_turn_tell_a_question_from_a_message(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer()
    server.hold("turn/start")
    server.reply("turn/interrupt", {})
    async with open_codex_client(server.transport(), inactivity_timeout=10) as client:
        quiet = Background(nursery, go_quiet, client)
        turn: ManualTurn = await next_turn(server)
        turn.accept()
        turn.start()
        turn.complete(ASK)
        cancelling = Background(nursery, client.cancel, await quiet.result())
        turn.complete(TELL)
        turn.end("interrupted", items=[], view="notLoaded")
        cancelled = await cancelling.result()
    assert [(step.item_id, step.step_type) for step in cancelled.steps] == [("ask", "ask"), ("tell", "codex")]


@pytest.mark.parametrize("pause", [0, 1000])  # seconds: while the turn runs, and when it has ended
async def test_the_answer_is_found_in_another_client(
    pause: float, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    question = ask_async("Which colour?", options=["Red", "Blue"])
    server.on_turn(say("The answer.", phase="final_answer"), question, wait(200), tell_async("The door squeaks."))
    async with open_codex_client(server.transport()) as client:
        continuation = await go_quiet(client)
    await trio.sleep(pause)
    async with open_codex_client(server.transport(), inactivity_timeout=1000) as client:
        result = await client.chat_once(continuation=ChatContinuation.from_json(continuation.to_json()))
    assert result.final_text == "The answer."
    assert [step.step_type for step in result.steps] == ["codex", "ask", "codex"]
    assert [step.text for step in result.steps][1:] == [ASK["text"], "The door squeaks."]
