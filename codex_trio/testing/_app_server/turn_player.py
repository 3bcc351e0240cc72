"""Play the steps of one turn: publish the messages that the real server sends for each step."""

from __future__ import annotations

from collections.abc import Sequence

import trio

from .._model_errors import dump_http_error, make_error, make_failure
from .._scripted_turns import opens_stream
from .._steps import (
    AskServerRequest,
    DropConnection,
    Exit,
    Fail,
    FailNext,
    Hang,
    OmitCompleted,
    Parallel,
    Raw,
    Reply,
    Retry,
    Say,
    Step,
    Think,
    Wait,
)
from .._wire_shapes import Message, RpcError, dump_message, fill_in, split_text
from .agents import AgentSteps, StartAgent
from .commands import CommandSteps
from .items import make_agent_message, make_reasoning
from .tools import ToolSteps
from .turn_items import Players, TurnItems, let_clients_read

_BROKEN_OFF = "stream disconnected before completion: Transport error: network error: error decoding response body"


class TurnPlayer:
    """Plays one turn. The messages of a step are published at once; between steps, clients get to read them."""

    def __init__(self, items: TurnItems, start_agent: StartAgent) -> None:
        self._items = items
        self._state = items.state
        self._thread = items.thread
        self._turn = items.turn
        self._tool_steps = ToolSteps(items)
        self._tools: Players = {
            Parallel: self._play_parallel,
            **self._tool_steps.players(),
            **CommandSteps(items).players(),
            **AgentSteps(items, start_agent).players(),
        }
        self._is_at_tool = False
        self._steered: list[tuple[Message, Sequence[Step]]] = []
        self._players: Players = {
            AskServerRequest: self._play_ask,
            DropConnection: self._play_drop,
            Exit: self._play_exit,
            Fail: self._play_fail,
            Hang: self._play_hang,
            OmitCompleted: self._play_omit_completed,
            Raw: self._play_raw,
            FailNext: self._play_fail_next,
            Reply: self._play_reply,
            Retry: self._play_retry,
            Say: self._play_say,
            Think: self._play_think,
            Wait: self._play_wait,
            **dict.fromkeys(self._tools, self._play_tool),
        }

    async def play(self) -> None:
        """Play the turn to its end, or until its scope is cancelled."""
        turn = self._turn
        with turn.scope:
            await self._pause(self._state.start_delay)
            self._state.start_turn(self._thread, turn)
            for params in turn.input_params:
                self._items.echo(params)
            turn.input_echoed = True
            if turn.is_interrupt_due:
                self._state.end_turn(self._thread, "interrupted")
            await let_clients_read()
            await self._end_if_refused()
            await self.play_steps()
            self._end_call()
            self._state.end_turn(self._thread, "completed")

    async def _end_if_refused(self) -> None:
        """Fail the turn if the model's API rejects a schema. In code mode, codex does not send the schemas of tools."""
        tools_refusal = None if self._thread.settings.has_code_mode else self._thread.tools_refusal
        refusal = self._turn.refusal or tools_refusal
        if refusal is not None:
            error = make_error(dump_http_error(refusal), "other")
            self._state.end_turn(self._thread, "failed", error=error)
            await trio.lowlevel.checkpoint()

    async def play_steps(self) -> None:
        """Play the turn's steps, including those added while it runs."""
        turn = self._turn
        while turn.steps:
            turn.usage_pending = turn.usage_pending or opens_stream(turn.steps)
            step = turn.steps.popleft()
            with trio.CancelScope() as turn.step_scope:
                await self._players[type(step)](step)
            self._take_steered()
            await let_clients_read()

    def steer(self, params: Message, steps: Sequence[Step]) -> None:
        """Add input to the turn, with the steps that replace the remaining ones.

        A message of the model is cut short, and a sleep ends. Other tools run to their end first.
        """
        turn = self._turn
        if not turn.input_echoed:
            turn.input_params.append(params)
            turn.steps.clear()
            turn.steps.extend(steps)
            return
        self._steered.append((params, steps))
        self._tool_steps.wake()
        if not self._is_at_tool:
            turn.step_scope.cancel()
            if turn.usage_pending:
                self._state.publish_used(self._thread, turn)
            self._take_steered()

    def announce_interrupt(self) -> None:
        """Publish the events that precede the response to an interrupt."""
        self._state.announce_interrupt(self._thread, self._turn)

    def release(self) -> None:
        """Clear the tables of bound methods, so that the player is not part of a reference cycle."""
        self._players.clear()
        self._tools.clear()

    def _end_call(self) -> None:
        self._thread.count_call(self._turn)
        self._state.publish_used(self._thread, self._turn)

    async def _play_tool(self, step: Step) -> None:
        self._thread.count_call(self._turn)
        self._turn.usage_pending = self._is_at_tool = True
        await self._tools[type(step)](step)
        self._is_at_tool = False
        self._state.publish_used(self._thread, self._turn)

    async def _play_parallel(self, step: Parallel) -> None:
        async with trio.open_nursery() as nursery:
            for part in step.steps:
                nursery.start_soon(self._tools[type(part)], part)
                await let_clients_read()  # so that the steps start in order

    def _take_steered(self) -> None:
        for params, steps in self._steered:
            self._items.echo(params)
            self._turn.steps.clear()
            self._turn.steps.extend(steps)
        self._steered.clear()

    async def _pause(self, seconds: float) -> None:
        await trio.sleep(seconds)
        await trio.lowlevel.checkpoint_if_cancelled()

    async def _play_say(self, step: Say) -> None:
        item = make_agent_message(self._state.new_item_id("msg"), step.phase, self._state.now_ms())
        self._items.start(item)
        pieces = split_text(step.text, step.pieces)
        await self._items.stream("item/agentMessage/delta", item, pieces, seconds=step.seconds)
        item["text"] = step.text
        self._items.complete(item)

    async def _play_think(self, step: Think) -> None:
        item = make_reasoning(self._state.new_item_id("rs"), self._state.now_ms())
        self._items.start(item)
        self._items.publish("item/reasoning/summaryPartAdded", {"itemId": item["id"], "summaryIndex": 0})
        pieces = split_text(step.text, None)
        await self._items.stream("item/reasoning/summaryTextDelta", item, pieces, summaryIndex=0)
        item["summary"] = [step.text]
        self._items.complete(item)

    async def _play_ask(self, step: AskServerRequest) -> None:
        flag = _flag_of(step.method)
        self._is_at_tool = True
        if flag is not None:
            self._items.start_waiting(flag)
        await self._items.ask(step.method, step.params)
        if flag is not None:
            self._items.end_waiting()
        self._is_at_tool = False

    async def _play_wait(self, step: Wait) -> None:
        await self._pause(step.seconds)

    async def _play_hang(self, step: Hang) -> None:
        await trio.sleep_forever()

    async def _play_fail(self, step: Fail) -> None:
        if step.http_status is None:
            self._state.publish_used(self._thread, self._turn)
        if step.error_info == "contextWindowExceeded":
            self._end_call()
        self._state.end_turn(self._thread, "failed", error=make_failure(step))
        await trio.lowlevel.checkpoint()

    async def _play_retry(self, step: Retry) -> None:
        if step.http_status is None:
            self._state.publish_used(self._thread, self._turn)
        info = {"responseStreamDisconnected": {"httpStatusCode": step.http_status}}
        error = make_error(step.message, info, step.details or _BROKEN_OFF)
        self._state.publish_error(self._thread, self._turn, error, will_retry=True)

    async def _play_omit_completed(self, step: OmitCompleted) -> None:
        self._end_call()
        self._state.end_turn(self._thread, "completed", is_announced=False)
        await trio.lowlevel.checkpoint()

    async def _play_raw(self, step: Raw) -> None:
        replacements = {"{thread_id}": self._thread.id, "{turn_id}": self._turn.id}
        raw = dump_message(fill_in(step.message, replacements))
        for connection in self._state.subscribers(self._thread):
            connection.send_bytes(raw)

    async def _play_reply(self, step: Reply) -> None:
        self._state.overrides.reply(step.method, step.result)

    async def _play_fail_next(self, step: FailNext) -> None:
        refusal = RpcError(step.message, code=step.code, data=step.data)
        self._state.overrides.fail_next(step.method, refusal, step.times)

    async def _play_drop(self, step: DropConnection) -> None:
        for connection in self._state.subscribers(self._thread):
            connection.drop()
        await trio.lowlevel.checkpoint()

    async def _play_exit(self, step: Exit) -> None:
        self._state.exit(step.code, step.stderr)
        await trio.lowlevel.checkpoint()


def _flag_of(method: str) -> str | None:
    if method == "item/tool/requestUserInput":
        return "waitingOnUserInput"
    if method.endswith("/requestApproval") or method == "mcpServer/elicitation/request":
        return "waitingOnApproval"
    return None
