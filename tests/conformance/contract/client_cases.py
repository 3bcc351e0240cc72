"""What both servers are asked to do through the client: what a program gets of it."""

from __future__ import annotations

import re
from collections.abc import Awaitable
from typing import Any

import pytest
import trio

from codex_trio import (
    ApprovalRequest,
    ChatContinuation,
    ChatResult,
    CodexError,
    CodexTurnInactiveError,
    Decision,
    FileChangeApprovalRequest,
    UserInputRequest,
    tool,
)
from codex_trio.testing import ask_approval, ask_question, call_tool, fail, patch, run, say, think, wait
from tests.conformance.contract.stage import PLAN, UNKNOWN, Stage


def told(result: ChatResult[Any]) -> list[Any]:
    """Return what there is to tell of a result."""
    usage = None if result.usage is None else sorted(result.usage)
    steps = [(step.step_type, step.item_type, step.text, step.item_id, step.data) for step in result.steps]
    return [
        result.thread_id,
        result.turn_id,
        result.final_text,
        result.completion_source,
        result.assistant_item_id,
        usage,
        steps,
    ]


def complaint(error: CodexError) -> list[Any]:
    """Return what there is to tell of an error."""
    fields = ("code", "method", "error_info", "details", "http_status", "thread_id", "data")
    result = getattr(error, "result", None)
    return [type(error).__name__, str(error), [getattr(error, name, None) for name in fields], result and told(result)]


async def case_of_a_conversation(stage: Stage) -> None:
    async with stage.client() as client:
        stage.script.on_turn(think("hm"), run("echo hi", output="hi\n"), say("done", phase="final_answer"))
        result = await client.chat_once("one", **stage.options())
        stage.note(told(result))
        stage.script.on_turn(lambda prompt: [say(prompt.upper()), say("and more")])
        async for step in client.chat("two", result.thread_id):
            stage.note([step.step_type, step.text, step.data])
        thread = await client.resume_thread(result.thread_id)
        stage.note([[turn.status, turn.id] async for turn in thread.turns()])
        stage.note([[item.step_type, item.text] async for item in thread.items()])
        stage.note(told(await thread.compact()))
        stage.shell("echo mine", "mine\n", 0)
        stage.note(told(await thread.shell("echo mine")))
        stage.script.on_turn(say("all good"))
        stage.note(told(await thread.review()))
        await thread.rename("The thread")
        stage.note((await thread.read()).name)
        await thread.revert(result.turn_id)
        stage.note([turn.id async for turn in thread.turns()])
        stage.note(told(await thread.chat_once("again")))


async def case_of_failures(stage: Stage) -> None:
    async with stage.client() as client:
        thread = await client.start_thread(**stage.options())
        for steps in ([say("half"), fail("cut off")], [fail("no", http_status=429)], [fail("no", http_status=503)]):
            stage.script.on_turn(*steps)
            try:
                await thread.chat_once("go")
            except CodexError as error:
                stage.note(complaint(error))
        stage.note(told(await thread.chat_once("go")))
        for wrong in (
            client.chat_once("hi", UNKNOWN),
            client.request("turn/start", {"threadId": UNKNOWN}),
            client.request("thread/read", {"threadId": "nope"}),
            thread.steer("more"),
            thread.rename(""),
            thread.revert(UNKNOWN),
            client.resume_thread(UNKNOWN),
        ):
            try:
                await wrong
            except CodexError as error:
                stage.note(complaint(error))


async def case_of_questions(stage: Stage) -> None:
    asked: list[Any] = []

    async def decide(request: ApprovalRequest) -> Decision:
        asked.append([type(request).__name__, request.item_id, request.reason, request.raw])
        return request.accept() if isinstance(request, FileChangeApprovalRequest) else request.decline()

    async def reply(question: UserInputRequest) -> dict[str, str]:
        asked.append([[one.id, one.question, [option.label for option in one.options]] for one in question.questions])
        return {"colour": "Blue"}

    @tool
    async def look(ticket: str) -> str:
        """Look."""
        if ticket == "none":
            raise LookupError("there is no such ticket")
        return f"found {ticket}"

    async with stage.client(on_approval=decide, on_user_input=reply, tools=[look]) as client:
        stage.script.on_turn(
            ask_approval("git push"),
            patch("new.txt", "hello\n"),
            ask_question("Which?", ["Red", "Blue"], question_id="colour"),
            call_tool("look", {"ticket": "T-1"}),
            call_tool("look", {"ticket": "none"}),
            call_tool("look", {}),
            say("done"),
        )
        result = await client.chat_once("go", **stage.options(), extra={"collaborationMode": PLAN})
        stage.note(told(result))
        stage.note(asked)


async def case_of_silence(stage: Stage) -> None:
    async with stage.client() as client:
        stage.script.on_turn(think("hm"), say("so far"), wait(4), say("there"))
        thread = await client.start_thread(**stage.options())
        continuation = await left_behind(stage, thread.chat_once("go", inactivity_timeout=1.8))
        stage.note(told(await client.chat_once(continuation=continuation, inactivity_timeout=30)))
        stage.script.on_turn(say("so far"), wait(60))
        continuation = await left_behind(stage, thread.chat_once("go", inactivity_timeout=1.8))
        cancelled = await client.cancel(continuation)
        stage.note([cancelled.status, cancelled.was_interrupted, [step.text for step in cancelled.steps]])
        stage.note(told(await thread.chat_once("on")))


async def left_behind(stage: Stage, call: Awaitable[object]) -> ChatContinuation:
    """Await a call that loses its patience, and return where it stopped."""
    with pytest.raises(CodexTurnInactiveError) as caught:
        await call
    error, left = caught.value, caught.value.continuation
    assert round(error.idle_seconds, 3) >= 1.8
    message = re.sub(r"silent for \d+\.\d s", "silent for a time", str(error))
    stage.note([message, error.last_event, left.thread_id, left.turn_id, left.cursor, left.seen])
    return left


async def case_of_cancelling(stage: Stage) -> None:
    async with stage.client() as client:
        thread = await client.start_thread(**stage.options())
        stage.script.on_prompt("slow", wait(60))
        with trio.move_on_after(0.2):
            await thread.chat_once("slow")
        stage.note(told(await thread.chat_once("next")))
        stage.script.on_prompt("talk", say("a"), run("true"), say("b"), wait(60))
        async with thread.chat("talk") as steps:
            async for step in steps:
                stage.note(step.text)
                if step.text == "b":
                    break
        stage.note([turn.status async for turn in thread.turns()])
        async with thread.stream("talk") as events:
            async for event in events:
                if type(event).__name__ == "StepCompleted":
                    await thread.steer("hurry")
                    break
            stage.script.on_prompt("hurry", say("fast"))
            stage.note([type(event).__name__ async for event in events if "Delta" not in type(event).__name__][-1:])
