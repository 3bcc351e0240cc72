"""Play turns that do not start with user input: compactions, reviews, and the user's shell commands."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

import trio

from .._steps import Say, Step
from .._wire_shapes import RpcError
from .agents import StartAgent
from .history import ServedTurn
from .items import make_agent_message, make_command, make_item, set_command_end
from .turn_items import TurnItems, let_clients_read
from .turn_player import TurnPlayer

_NO_REVIEW = "Reviewer failed to output a response."
_CUT_REVIEW = "Review was interrupted. Please re-run /review and wait for it to complete."


async def play_compaction(items: TurnItems) -> None:
    """Play the turn that compacts a thread's history."""
    state, thread, turn = items.state, items.thread, items.turn
    with turn.scope:
        await trio.sleep(state.start_delay)
        state.start_turn(thread, turn)
        turn.input_echoed = True
        item = make_item("contextCompaction", state.new_uuid(), state.now_ms())
        items.start(item)
        await let_clients_read()
        state.publish_used(thread, turn)
        thread.count_call(turn)
        state.publish_used(thread, turn)
        state.publish_used(thread, turn)
        items.complete(item)
        state.end_turn(thread, "completed")


async def play_shell(items: TurnItems, command: str) -> None:
    """Play the turn of a user's shell command."""
    state, thread, turn = items.state, items.thread, items.turn
    with turn.scope:
        await trio.sleep(state.start_delay)
        state.start_turn(thread, turn)
        turn.input_echoed = True
        await run_shell(items, command)
        for params in turn.input_params:
            items.echo(params)
        state.end_turn(thread, "completed")


async def run_shell(items: TurnItems, command: str) -> None:
    """Run a user's shell command as an item of a turn."""
    state = items.state
    output, exit_code = state.shell.get(command, ("", 0))
    item = make_command(state.new_uuid(), command, items.thread.settings.cwd, state.now_ms(), source="userShell")
    items.start(item)
    await let_clients_read()
    if output:
        await items.stream("item/commandExecution/outputDelta", item, [output])
    set_command_end(item, output, exit_code, state.now_ms())
    items.complete(item)


class ReviewPlayer(TurnPlayer):
    """Plays a review. The model's items belong to a separate turn, whose end is never published."""

    def __init__(self, items: TurnItems, start_agent: StartAgent, title: str, prompt: str) -> None:
        super().__init__(items, start_agent)
        self._title = title
        self._prompt = prompt
        self._said = ""
        turn = items.turn
        self._shadow = ServedTurn(turn.running_id, turn.ordinal - 1, deque(), [], turn.owner)
        self._shadow.status, self._shadow.root_id = "interrupted", turn.id

    async def play(self) -> None:
        """Play the review to its end, or until its scope is cancelled."""
        state, thread, turn, items = self._state, self._thread, self._turn, self._items
        with turn.scope:
            self._publish_mode("enteredReviewMode", self._title)
            await trio.sleep(state.start_delay)
            state.start_turn(thread, turn)
            self._shadow.started_ms = turn.started_ms
            thread.turns.insert(thread.turns.index(turn), self._shadow)
            items.kept_by = self._shadow
            self._items.echo({"input": [{"type": "text", "text": self._prompt}]})
            turn.input_echoed = True
            await let_clients_read()
            await self.play_steps()
            self._leave(self._said, self._said)
            state.end_turn(thread, "completed")

    def announce_interrupt(self) -> None:
        """Publish the events that precede the response to an interrupt."""
        self._leave(_NO_REVIEW, _CUT_REVIEW)
        self._turn.usage_pending = False
        super().announce_interrupt()

    def _leave(self, review: str, said: str) -> None:
        items, state = self._items, self._state
        items.kept_by = self._turn
        self._publish_mode("exitedReviewMode", review)
        message = make_agent_message(f"msg_{state.new_uuid()}", None, state.now_ms(), said)
        items.start(message)
        items.complete(message)

    def _publish_mode(self, kind: str, review: str) -> None:
        item = make_item(kind, self._state.new_uuid(), self._state.now_ms(), review=review)
        self._items.start(item)
        self._items.complete(item)

    async def _play_tool(self, step: Step) -> None:
        await self._tools[type(step)](step)  # a review does not publish its token usage

    async def _play_say(self, step: Say) -> None:
        self._items.start(make_agent_message(self._state.new_item_id("msg"), step.phase, self._state.now_ms()))
        await trio.sleep(step.seconds)
        self._said = step.text


def describe_review(target: Mapping[str, Any]) -> tuple[str, str]:
    """Return the title of a review, and the prompt for the model.

    Raises:
        RpcError: The target is unknown or incomplete.
    """
    match target:
        case {"type": "uncommittedChanges"}:
            task = "Review the current code changes (staged, unstaged, and untracked files) and provide prioritized"
            return "current changes", f"{task} findings."
        case {"type": "baseBranch", "branch": branch}:
            _require_text(branch, "branch")
            task = f"Review the code changes against the base branch '{branch}'."
            return f"changes against '{branch}'", f"{task} Provide prioritized, actionable findings."
        case {"type": "commit", "sha": sha}:
            _require_text(sha, "sha")
            title = target.get("title")
            what = f'{sha} ("{title}")' if title else sha
            task = f"Review the code changes introduced by commit {what}. Provide prioritized, actionable findings."
            return f"commit {sha[:7]}{': ' + title if title else ''}", task
        case {"type": "custom", "instructions": instructions}:
            _require_text(instructions, "instructions")
            return instructions, instructions
    expected = "`uncommittedChanges`, `baseBranch`, `commit`, `custom`"
    raise RpcError(f"Invalid request: unknown variant `{target.get('type')}`, expected one of {expected}")


def _require_text(text: str, what: str) -> None:
    if not text.strip():
        raise RpcError(f"{what} must not be empty")
