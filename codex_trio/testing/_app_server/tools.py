"""Play the steps in which the model calls a tool other than a command: file changes, the client's tools, questions."""

from __future__ import annotations

import posixpath

import trio

from .._steps import AskAsync, AskQuestion, CallTool, Patch, Sleep, TellAsync
from .._wire_shapes import Message
from .items import (
    make_async_message,
    make_file_approval,
    make_file_change,
    make_item,
    make_question_request,
    make_tool_call,
)
from .turn_items import Players, TurnItems


class ToolSteps:
    """Plays the steps of one turn that call tools other than commands."""

    def __init__(self, items: TurnItems) -> None:
        self._items = items
        self._state = items.state
        self._thread = items.thread
        self._turn = items.turn
        self._sleep_scope = trio.CancelScope()

    def players(self) -> Players:
        """Return the functions that play steps, by the type of step."""
        return {
            AskAsync: self._send_async_message,
            AskQuestion: self._ask_question,
            CallTool: self._call_tool,
            Patch: self._patch,
            Sleep: self._sleep,
            TellAsync: self._send_async_message,
        }

    def wake(self) -> None:
        """End a sleep, because the user has sent a message."""
        self._sleep_scope.cancel()

    async def _patch(self, step: Patch) -> None:
        thread, settings = self._thread, self._thread.settings
        path = posixpath.normpath(posixpath.join(settings.cwd, step.path))
        is_free = settings.may_write(path) and settings.approval_policy != "untrusted"
        if not (is_free or settings.asks):
            return  # only the model gets an error, and no item is published
        item = make_file_change(self._items.new_call_id(), step, settings.cwd, self._state.now_ms())
        self._items.start(item)
        if not (is_free or path in thread.approved) and not await self._may_change(item, path):
            return
        item["status"] = "completed"
        self._items.complete(item)
        found, _ = self._turn.files.get(path, (step.old, None))
        self._turn.files[path] = found, step.new
        self._state.publish_diff(thread, self._turn)

    async def _may_change(self, item: Message, path: str) -> bool:
        self._items.start_waiting("waitingOnApproval")
        approval = make_file_approval(item, self._state.now_ms())
        decision = await self._items.ask_decision("item/fileChange/requestApproval", approval)
        self._items.end_waiting()
        if decision in ("accept", "acceptForSession"):
            await self._items.wait_others_answered()
            if decision == "acceptForSession":
                self._thread.approved.add(path)
            return True
        await self._items.end_if_cancelled(decision)
        item["status"] = "declined"
        self._items.complete(item)
        return False

    async def _call_tool(self, step: CallTool) -> None:
        if (step.namespace, step.name) not in self._thread.tools:
            return  # only the model gets an error, and no item is published
        item = make_tool_call(self._items.new_call_id(), step, self._state.now_ms())
        self._items.start(item)
        self._items.keep(item)
        called = {"callId": item["id"], "namespace": step.namespace, "tool": step.name, "arguments": item["arguments"]}
        answer = await self._items.ask("item/tool/call", called)
        content, success = _tool_result(answer)
        item.update(
            status="completed" if success else "failed",
            contentItems=content,
            success=success,
            durationMs=self._state.now_ms() - item["startedAtMs"],
        )
        self._items.complete(item)

    async def _send_async_message(self, step: AskAsync | TellAsync) -> None:
        item = make_async_message(self._state.new_item_id("call"), step, self._state.now_ms())
        self._items.start(item)
        self._items.complete(item)

    async def _sleep(self, step: Sleep) -> None:
        duration = round(step.seconds * 1000)
        item = make_item("sleep", self._state.new_item_id("call"), self._state.now_ms(), durationMs=duration)
        self._items.start(item)
        with trio.CancelScope() as self._sleep_scope:
            await trio.sleep(step.seconds)
        await trio.lowlevel.checkpoint_if_cancelled()
        self._items.complete(item)

    async def _ask_question(self, step: AskQuestion) -> None:
        if self._thread.settings.mode != "plan":
            return  # only the model gets an error, and nothing is asked
        self._items.start_waiting("waitingOnUserInput")
        request = make_question_request(self._state.new_item_id("call"), step)
        await self._items.ask("item/tool/requestUserInput", request)
        self._items.end_waiting()


def _tool_result(answer: Message) -> tuple[list[Message], bool]:
    """Return the content of a tool's result, and whether it was successful."""
    result = answer.get("result")
    if "error" in answer:
        return [{"type": "inputText", "text": "dynamic tool request failed"}], False
    if not isinstance(result, dict) or not isinstance(result.get("contentItems"), list):
        return [{"type": "inputText", "text": "dynamic tool response was invalid"}], False
    return result["contentItems"], bool(result.get("success"))
