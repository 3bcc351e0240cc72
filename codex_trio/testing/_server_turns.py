"""Plays the steps of one turn: from each step of a script to the messages that the real server sends for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import trio

from ._script import (
    AskServerRequest,
    DropConnection,
    Exit,
    Fail,
    Hang,
    OmitCompleted,
    Raw,
    Retry,
    Run,
    Say,
    Step,
    Think,
    Wait,
)
from ._server_history import ServedThread, ServedTurn
from ._server_state import ServerState
from ._wire import (
    Message,
    cut_into_pieces,
    dump_deltas,
    dump_message,
    error_info_of_status,
    fill_in,
    make_agent_message,
    make_approval,
    make_command,
    make_error,
    make_reasoning,
    make_user_message,
)

_DELTAS_AT_ONCE = 1000


class TurnPlayer:
    """Plays one turn. Each step is published at once; the server yields between the steps."""

    def __init__(self, state: ServerState, thread: ServedThread, turn: ServedTurn) -> None:
        self._state = state
        self._thread = thread
        self._turn = turn
        self._ids: Message = {"threadId": thread.id, "turnId": turn.id}
        self._players: dict[type[Step], Callable[[Any], Awaitable[None]]] = {
            AskServerRequest: self._play_ask,
            DropConnection: self._play_drop,
            Exit: self._play_exit,
            Fail: self._play_fail,
            Hang: self._play_hang,
            OmitCompleted: self._play_omit_completed,
            Raw: self._play_raw,
            Retry: self._play_retry,
            Run: self._play_run,
            Say: self._play_say,
            Think: self._play_think,
            Wait: self._play_wait,
        }

    async def play(self) -> None:
        """Play the turn to its end, or until somebody else ends it."""
        turn = self._turn
        with turn.scope:
            await self._pause(self._state.start_delay)
            self._state.start_turn(self._thread, turn)
            for params in turn.input_params:
                self.echo_input(params)
            turn.is_echoed = True
            if turn.is_interrupt_due:
                self._state.end_turn(self._thread, "interrupted")
            await _let_clients_read()
            while turn.steps:
                step = turn.steps.popleft()
                with trio.CancelScope() as turn.step_scope:
                    await self._players[type(step)](step)
                await _let_clients_read()
            self._state.end_turn(self._thread, "completed")

    def echo_input(self, params: Mapping[str, Any]) -> None:
        """Publish what the user said, as the item that the server makes of it."""
        item = make_user_message(self._state.new_uuid(), params, self._state.now_ms())
        self._begin(item)
        self._complete(item)

    def steer(self, params: Message, steps: list[Step] | None) -> None:
        """Take more input; `steps`, if any, replace what was still to come, the present step included."""
        self._turn.input_params.append(params)
        if self._turn.is_echoed:
            self.echo_input(params)
        if steps is None:
            return
        self._turn.steps.clear()
        self._turn.steps.extend(steps)
        self._turn.step_scope.cancel()
        ask, self._turn.ask = self._turn.ask, None
        if ask is not None:
            self._state.asks.drop(ask)
            self._state.publish_resolved(self._thread, ask)

    async def _pause(self, seconds: float) -> None:
        await trio.sleep(seconds)
        await trio.lowlevel.checkpoint_if_cancelled()

    def _begin(self, item: Message) -> None:
        self._state.publish_item(self._thread, self._turn, item)

    def _complete(self, item: Message) -> None:
        item["completedAtMs"] = self._state.now_ms()
        if all(item is not known for _, known in self._turn.items):
            self._turn.items.append((self._thread.next_ordinal(), item))
        self._state.publish_item(self._thread, self._turn, item)

    async def _stream(self, method: str, item: Message, pieces: list[str], extra: Mapping[str, Any]) -> None:
        params = {**self._ids, "itemId": item["id"], **extra}
        for start in range(0, len(pieces), _DELTAS_AT_ONCE):
            if start:
                await _let_clients_read()
            part = pieces[start : start + _DELTAS_AT_ONCE]
            raws = dump_deltas(method, params, part, self._state.now_ms())
            self._state.publish_raw(self._thread, method, raws)

    async def _play_say(self, step: Say) -> None:
        item = make_agent_message(self._state.new_item_id("msg"), step.phase, self._state.now_ms())
        self._begin(item)
        await self._stream("item/agentMessage/delta", item, cut_into_pieces(step.text, step.pieces), {})
        item["text"] = step.text
        self._complete(item)

    async def _play_think(self, step: Think) -> None:
        item = make_reasoning(self._state.new_item_id("rs"), self._state.now_ms())
        self._begin(item)
        part = {**self._ids, "itemId": item["id"], "summaryIndex": 0}
        self._state.publish(self._thread, "item/reasoning/summaryPartAdded", part)
        pieces = cut_into_pieces(step.text, None)
        await self._stream("item/reasoning/summaryTextDelta", item, pieces, {"summaryIndex": 0})
        item["summary"] = [step.text]
        self._complete(item)

    async def _play_run(self, step: Run) -> None:
        item = make_command(self._state.new_item_id("call"), step.command, self._thread.cwd, self._state.now_ms())
        if step.escalate and step.command not in self._thread.approved:
            if not await self._is_allowed(item, step.command):
                return
        else:
            self._run_begins(item)
            self._begin(item)
            self._turn.items.append((self._thread.next_ordinal(), item))
        if step.output:
            await self._stream("item/commandExecution/outputDelta", item, [step.output], {})
        status = "failed" if step.exit_code else "completed"
        duration = self._state.now_ms() - item["startedAtMs"]
        output = step.output or None
        item.update(status=status, aggregatedOutput=output, exitCode=step.exit_code, durationMs=duration)
        self._complete(item)

    def _run_begins(self, item: Message) -> None:
        item.update(source="unifiedExecStartup", processId=str(1000 + self._thread.last_ordinal))

    async def _is_allowed(self, item: Message, command: str) -> bool:
        self._state.set_status(self._thread, "active", "waitingOnApproval")
        self._begin(item)
        ask = self._state.ask_thread(
            self._thread, self._turn, "item/commandExecution/requestApproval", make_approval(item, command)
        )
        answer = await self._settle(ask.wait)
        result = answer.get("result")
        decision = result.get("decision") if isinstance(result, dict) else None
        if decision in ("accept", "acceptForSession") or _is_amendment(decision):
            if decision != "accept":
                self._thread.approved.add(command)
            self._state.set_status(self._thread, "active")
            self._run_begins(item)
            return True
        item["status"] = "declined" if decision in ("decline", "cancel") else "failed"
        self._complete(item)
        self._state.set_status(self._thread, "active")
        if decision == "cancel":
            self._state.end_turn(self._thread, "interrupted")
            await trio.lowlevel.checkpoint()
        return False

    async def _settle(self, wait: Callable[[], Awaitable[Message]]) -> Message:
        answer = await wait()
        await trio.lowlevel.checkpoint_if_cancelled()
        ask, self._turn.ask = self._turn.ask, None
        assert ask is not None
        self._state.publish_resolved(self._thread, ask)
        return answer

    async def _play_ask(self, step: AskServerRequest) -> None:
        flags = _flags_of(step.method)
        if flags:
            self._state.set_status(self._thread, "active", *flags)
        ask = self._state.ask_thread(self._thread, self._turn, step.method, step.params)
        await self._settle(ask.wait)
        if flags:
            self._state.set_status(self._thread, "active")

    async def _play_wait(self, step: Wait) -> None:
        await self._pause(step.seconds)

    async def _play_hang(self, step: Hang) -> None:
        await trio.sleep_forever()

    async def _play_fail(self, step: Fail) -> None:
        info = step.error_info
        if step.http_status is not None and info == "other":
            info = error_info_of_status(step.http_status)
        self._state.end_turn(self._thread, "failed", error=make_error(step.message, info))
        await trio.lowlevel.checkpoint()

    async def _play_retry(self, step: Retry) -> None:
        info = {"responseStreamDisconnected": {"httpStatusCode": step.http_status}}
        error = make_error(step.message, info, step.details)
        self._state.publish_error(self._thread, self._turn, error, will_retry=True)

    async def _play_omit_completed(self, step: OmitCompleted) -> None:
        self._state.end_turn(self._thread, "completed", is_announced=False)
        await trio.lowlevel.checkpoint()

    async def _play_raw(self, step: Raw) -> None:
        replacements = {"{thread_id}": self._thread.id, "{turn_id}": self._turn.id}
        raw = dump_message(fill_in(step.message, replacements))
        for connection in self._state.subscribers(self._thread):
            connection.send_bytes(raw)

    async def _play_drop(self, step: DropConnection) -> None:
        for connection in self._state.subscribers(self._thread):
            connection.drop()
        await trio.lowlevel.checkpoint()

    async def _play_exit(self, step: Exit) -> None:
        self._state.exit(step.code, step.stderr)
        await trio.lowlevel.checkpoint()


async def _let_clients_read() -> None:
    # a client that waits wakes within the first round of the scheduler, and has read before the second ends
    await trio.lowlevel.checkpoint()
    await trio.lowlevel.checkpoint()


def _is_amendment(decision: object) -> bool:
    return isinstance(decision, dict) and "acceptWithExecpolicyAmendment" in decision


def _flags_of(method: str) -> tuple[str, ...]:
    if method == "item/tool/requestUserInput":
        return ("waitingOnUserInput",)
    if method.endswith("/requestApproval") or method == "mcpServer/elicitation/request":
        return ("waitingOnApproval",)
    return ()
