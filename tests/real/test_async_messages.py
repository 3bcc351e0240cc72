"""What a real codex makes of a question that its model does not wait for, and where the answer of the turn then is."""

from __future__ import annotations

from typing import Any

import pytest

from codex_trio import ChatResult, CodexClient, ConversationStep
from codex_trio.testing import ScriptedModel, ask_async, say, think
from tests.support.account_models import account_model
from tests.support.real_codex import Tap, version_under_test

SLUG = account_model(version_under_test())  # an unknown model has no such tool
QUESTION = "Which colour?\n- Red\n- Blue"


async def play(client: CodexClient, model: ScriptedModel, *script: Any) -> ChatResult[Any]:
    model.on_turn(*script, think("hm"))  # the turn ends without another message
    return await client.chat_once("hello", model=SLUG)


def end_of(tap: Tap) -> list[Any]:
    """Return the messages that the last `turn/completed` has."""
    turn = [message["params"]["turn"] for message in tap.messages if message.get("method") == "turn/completed"][-1]
    assert turn["itemsView"] == "summary"
    return [item["text"] for item in turn["items"] if item["type"] == "agentMessage"]


@pytest.mark.extended
@pytest.mark.parametrize("phase", ["final_answer", None, "commentary"])
@pytest.mark.parametrize("before", [True, False])
async def test_the_answer_of_a_turn_is_not_the_question_beside_it(
    phase: str | None, before: bool, client: CodexClient, model: ScriptedModel
) -> None:
    ask, answer = ask_async("Which colour?", options=["Red", "Blue"]), say("The answer.", phase=phase)

    result = await play(client, model, *([ask, answer] if before else [answer, ask]))

    assert result.final_text == "The answer."
    assert {step.text: step.step_type for step in result.steps if step.item_type == "agentMessage"} == {
        "The answer.": "codex",
        QUESTION: "ask",
    }


async def test_a_question_displaces_the_answer_in_summaries_of_the_turn_only(
    tap: Tap, client: CodexClient, model: ScriptedModel
) -> None:
    result = await play(client, model, say("The answer.", phase="final_answer"), ask_async("Which colour?"))

    assert end_of(tap) == ["Which colour?"]
    answer = await client.request("thread/turns/list", {"threadId": result.thread_id, "itemsView": "full"})
    items = [ConversationStep.from_wire(item, thread_id="", turn_id="") for item in answer["data"][0]["items"]]
    assert [item.step_type for item in items if item.item_type == "agentMessage"] == ["codex", "ask"]
    assert result.final_text == "The answer."


async def test_a_turn_that_only_asks_has_the_question_for_an_answer(client: CodexClient, model: ScriptedModel) -> None:
    result = await play(client, model, ask_async("Which colour?", options=["Red", "Blue"]))

    assert (result.final_text, result.completion_source) == (QUESTION, "turn_completed")
