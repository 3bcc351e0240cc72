"""Play the steps that run commands or type into their terminals."""

from __future__ import annotations

import math

import trio

from .._steps import Run, StartCommand, WriteStdin
from .._wire_shapes import Message
from .history import Terminal
from .items import make_command, make_command_approval, make_stdin_approval, set_command_end, words_of
from .turn_items import Players, TurnItems

_APPROVAL = "item/commandExecution/requestApproval"
_WAITING = "waitingOnApproval"


class CommandSteps:
    """Plays the steps of one turn that run commands."""

    def __init__(self, items: TurnItems) -> None:
        self._items = items
        self._state = items.state
        self._thread = items.thread
        self._turn = items.turn
        self._terminal: Terminal | None = None

    def players(self) -> Players:
        """Return the functions that play steps, by the type of step."""
        return {
            Run: self._run,
            StartCommand: self._start_command,
            WriteStdin: self._write_stdin,
        }

    async def _run(self, step: Run) -> None:
        item = await self._begin(step)
        if item is None:
            return
        await self._write(item, step.output)
        if not step.seconds:
            self._complete(item, step.output, step.exit_code)
            return
        terminal = Terminal(item, step.command, step.output, step.exit_code)
        self._run_on(terminal, step.seconds)
        await terminal.completed.wait()

    async def _start_command(self, step: StartCommand) -> None:
        item = await self._begin(step)
        if item is None:
            return
        await self._write(item, step.output)
        is_escalated = step.escalate and self._thread.settings.has_sandbox
        self._terminal = Terminal(item, step.command, step.output, is_escalated=is_escalated)
        self._run_on(self._terminal, math.inf)

    async def _write_stdin(self, step: WriteStdin) -> None:
        terminal = self._terminal
        if terminal is None or terminal.item["id"] not in self._thread.terminals:
            return  # only the model gets an error, and no item is published
        item = terminal.item
        if terminal.is_escalated and not await self._may_write(item, step.text):
            return
        await self._write(item, step.output)
        terminal.output += step.output
        typed = {"itemId": item["id"], "processId": item["processId"], "stdin": step.text}
        self._items.publish("item/commandExecution/terminalInteraction", typed)
        if step.exit_code is not None:
            terminal.exit_code = step.exit_code
            terminal.exited.set()
            await terminal.completed.wait()

    async def _may_write(self, item: Message, text: str) -> bool:
        self._items.start_waiting(_WAITING)
        approval = make_stdin_approval(item, self._items.new_call_id(), text, self._state.now_ms())
        decision = await self._items.ask_decision(_APPROVAL, approval)
        self._items.end_waiting()
        await self._items.end_if_cancelled(decision)
        return bool(decision == "accept")

    async def _begin(self, step: Run | StartCommand) -> Message | None:
        """Start a command; return `None` if it is not allowed to run."""
        if step.escalate and not self._thread.settings.asks:
            return None  # only the model gets an error, and no item is published
        item = make_command(self._items.new_call_id(), step.command, self._thread.settings.cwd, self._state.now_ms())
        if not self._needs_approval(step):
            self._start(item)
            self._items.start(item)
        elif not await self._is_allowed(item, step):
            return None
        self._items.keep(item)
        return item

    def _needs_approval(self, step: Run | StartCommand) -> bool:
        settings = self._thread.settings
        words = words_of(step.command)
        if step.command in self._thread.approved or any(
            words[: len(start)] == start for start in self._state.amendments
        ):
            return False
        return settings.approval_policy == "untrusted" or (step.escalate and settings.has_sandbox)

    async def _is_allowed(self, item: Message, step: Run | StartCommand) -> bool:
        self._items.start_waiting(_WAITING)
        self._items.start(item)
        asked = self._state.subscribers(self._thread)
        decision = await self._items.ask_decision(_APPROVAL, make_command_approval(item, step))
        if decision in ("accept", "acceptForSession") or isinstance(decision, list):
            if isinstance(decision, list):
                self._state.amendments.append(decision)
            elif decision == "acceptForSession":
                self._thread.approved.add(step.command)
            self._items.end_waiting()
            await self._items.wait_others_answered()
            self._start(item)
            return True
        item["status"] = "declined" if decision in ("decline", "cancel") else "failed"
        self._items.complete(item, asked)
        self._items.end_waiting()
        await self._items.end_if_cancelled(decision)
        return False

    def _start(self, item: Message) -> None:
        item.update(source="unifiedExecStartup", processId=str(1000 + self._thread.next_ordinal()))

    async def _write(self, item: Message, output: str) -> None:
        if output:
            await self._items.stream("item/commandExecution/outputDelta", item, [output])

    def _run_on(self, terminal: Terminal, seconds: float) -> None:
        """Run a command for some seconds, or until its input makes it exit, even after the end of the turn."""
        item = terminal.item
        self._thread.terminals[item["id"]] = terminal

        async def execute() -> None:
            try:
                with terminal.scope, trio.move_on_after(seconds):
                    await terminal.exited.wait()
            finally:
                has_process = self._thread.terminals.pop(item["id"], None) is not None  # the process has not ended
            if has_process:
                exit_code = -1 if terminal.scope.cancelled_caught else terminal.exit_code
                self._complete(item, terminal.output, exit_code)
            terminal.completed.set()

        self._state.spawn(self._turn.owner, execute)

    def _complete(self, item: Message, output: str, exit_code: int) -> None:
        set_command_end(item, output, exit_code, self._state.now_ms())
        self._items.complete(item)
