"""Plays the steps in which the model calls a tool: commands, changes of files, the client's tools, questions."""

from __future__ import annotations

import posixpath
from collections.abc import Awaitable, Callable
from typing import Any

import trio

from ._items import (
    make_command,
    make_command_approval,
    make_file_approval,
    make_file_change,
    make_question_request,
    make_tool_call,
    set_command_end,
    words_of,
)
from ._server_history import Terminal
from ._server_items import TurnItems
from ._steps import AskQuestion, CallTool, Patch, Run, Step
from ._wire import Message

_APPROVAL = "waitingOnApproval"


class ToolSteps:
    """Plays the tool calls of one turn.

    Attributes:
        players: How to play a step, by its type.
    """

    def __init__(self, items: TurnItems) -> None:
        self._items = items
        self._state = items.state
        self._thread = items.thread
        self._turn = items.turn
        self.players: dict[type[Step], Callable[[Any], Awaitable[None]]] = {
            AskQuestion: self._ask_question,
            CallTool: self._call_tool,
            Patch: self._patch,
            Run: self._run,
        }

    async def _run(self, step: Run) -> None:
        if step.escalate and not self._thread.settings.asks:
            return  # the model is told, and nobody else
        item_id, cwd = self._state.new_item_id("call"), self._thread.settings.cwd
        item = make_command(item_id, step.command, cwd, self._state.now_ms())
        if not self._needs_approval(step):
            self._start(item)
            self._items.begin(item)
        elif not await self._is_allowed(item, step):
            return
        self._items.keep(item)
        await self._execute(item, step)

    def _needs_approval(self, step: Run) -> bool:
        settings = self._thread.settings
        words = words_of(step.command)
        if step.command in self._thread.approved or any(words[: len(one)] == one for one in self._state.amendments):
            return False
        return settings.approval_policy == "untrusted" or (step.escalate and settings.has_sandbox)

    async def _is_allowed(self, item: Message, step: Run) -> bool:
        self._items.set_waiting(_APPROVAL)
        self._items.begin(item)
        asked = self._state.subscribers(self._thread)
        method = "item/commandExecution/requestApproval"
        decision = _decision(await self._items.ask(method, make_command_approval(item, step)))
        if decision in ("accept", "acceptForSession") or isinstance(decision, list):
            if isinstance(decision, list):
                self._state.amendments.append(decision)
            elif decision == "acceptForSession":
                self._thread.approved.add(step.command)
            self._items.set_waiting()
            self._start(item)
            return True
        item["status"] = "declined" if decision in ("decline", "cancel") else "failed"
        self._items.complete(item, asked)
        self._items.set_waiting()
        await self._end_if_cancelled(decision)
        return False

    def _start(self, item: Message) -> None:
        item.update(source="unifiedExecStartup", processId=str(1000 + self._thread.next_ordinal()))

    async def _execute(self, item: Message, step: Run) -> None:
        if step.output:
            await self._items.stream("item/commandExecution/outputDelta", item, [step.output])
        if step.seconds:
            await self._outlive_the_turn(item, step)
        else:
            self._complete_command(item, step.output, step.exit_code)

    async def _outlive_the_turn(self, item: Message, step: Run) -> None:
        terminal = self._thread.terminals[item["id"]] = Terminal(item, step.command, step.output)
        ended = trio.Event()

        async def execute() -> None:
            try:
                with terminal.scope:
                    await trio.sleep(step.seconds)
            finally:
                is_told = self._thread.terminals.pop(item["id"], None) is not None  # and has not ended with the process
            if is_told:
                exit_code = -1 if terminal.scope.cancelled_caught else step.exit_code
                self._complete_command(item, step.output, exit_code)
            ended.set()

        self._state.spawn(self._turn.owner, execute)
        await ended.wait()

    def _complete_command(self, item: Message, output: str, exit_code: int) -> None:
        set_command_end(item, output, exit_code, self._state.now_ms())
        self._items.complete(item)

    async def _patch(self, step: Patch) -> None:
        thread, settings = self._thread, self._thread.settings
        path = posixpath.normpath(posixpath.join(settings.cwd, step.path))
        is_free = settings.may_write(path) and settings.approval_policy != "untrusted"
        if not (is_free or settings.asks):
            return  # the model is told, and nobody else
        item = make_file_change(self._state.new_item_id("call"), step, settings.cwd, self._state.now_ms())
        self._items.begin(item)
        if not (is_free or path in thread.approved) and not await self._may_change(item, path):
            return
        item["status"] = "completed"
        self._items.complete(item)
        found, _ = self._turn.files.get(path, (step.old, None))
        self._turn.files[path] = found, step.new
        self._state.publish_diff(thread, self._turn)

    async def _may_change(self, item: Message, path: str) -> bool:
        self._items.set_waiting(_APPROVAL)
        approval = make_file_approval(item, self._state.now_ms())
        decision = _decision(await self._items.ask("item/fileChange/requestApproval", approval))
        self._items.set_waiting()
        if decision in ("accept", "acceptForSession"):
            if decision == "acceptForSession":
                self._thread.approved.add(path)
            return True
        await self._end_if_cancelled(decision)
        item["status"] = "declined"
        self._items.complete(item)
        return False

    async def _end_if_cancelled(self, decision: object) -> None:
        if decision == "cancel":
            self._state.end_turn(self._thread, "interrupted")
            await trio.lowlevel.checkpoint()

    async def _call_tool(self, step: CallTool) -> None:
        if (step.namespace, step.name) not in self._thread.tools:
            return  # the model is told, and nobody else
        item = make_tool_call(self._state.new_item_id("call"), step, self._state.now_ms())
        self._items.begin(item)
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

    async def _ask_question(self, step: AskQuestion) -> None:
        if self._thread.settings.mode != "plan":
            return  # the model is told, and nobody else
        self._items.set_waiting("waitingOnUserInput")
        request = make_question_request(self._state.new_item_id("call"), step)
        await self._items.ask("item/tool/requestUserInput", request)
        self._items.set_waiting()


def _decision(answer: Message) -> Any:
    """Return the decision: a word, or the beginning of commands that are allowed from now on; else `None`."""
    result = answer.get("result")
    decision = result.get("decision") if isinstance(result, dict) else None
    if isinstance(decision, dict):
        amendment = decision.get("acceptWithExecpolicyAmendment")
        return amendment.get("execpolicy_amendment") if isinstance(amendment, dict) else None
    return decision if isinstance(decision, str) else None


def _tool_result(answer: Message) -> tuple[list[Message], bool]:
    """Return the content of a tool's answer, and whether it was a success."""
    result = answer.get("result")
    if "error" in answer:
        return [{"type": "inputText", "text": "dynamic tool request failed"}], False
    if not isinstance(result, dict) or not isinstance(result.get("contentItems"), list):
        return [{"type": "inputText", "text": "dynamic tool response was invalid"}], False
    return result["contentItems"], bool(result.get("success"))
