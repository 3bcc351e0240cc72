"""Play the steps that start sub-agents and wait for them.

An account's models name their sub-agents and receive a message when one ends ("v2"). An unknown model has the older
tools, which use thread ids ("v1").
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import trio

from .._steps import SpawnAgent, WaitAgent
from .._wire_shapes import Message
from .history import ServedThread, ServedTurn
from .items import make_collab_call, make_sub_agent_activity
from .turn_items import Players, TurnItems

StartAgent: TypeAlias = Callable[[TurnItems, SpawnAgent], tuple[ServedThread, ServedTurn]]
"""Starts a sub-agent of a turn. Returns its thread and the turn that runs there."""


@dataclass(eq=False)
class _Agent:
    thread: ServedThread
    turn: ServedTurn
    reported: trio.Event = field(default_factory=trio.Event)
    is_waited_for: bool = True


class AgentSteps:
    """Plays the steps of one turn that use sub-agents."""

    def __init__(self, items: TurnItems, start_agent: StartAgent) -> None:
        self._items = items
        self._state = items.state
        self._thread = items.thread
        self._turn = items.turn
        self._start_agent = start_agent
        self._agents: list[_Agent] = []

    def players(self) -> Players:
        """Return the functions that play steps, by the type of step."""
        return {
            SpawnAgent: self._spawn,
            WaitAgent: self._wait,
        }

    async def _spawn(self, step: SpawnAgent) -> None:
        item_id, settings = self._state.new_item_id("call"), self._thread.settings
        if not settings.has_code_mode:
            asked = {"prompt": step.prompt, "model": "", "reasoningEffort": "medium"}
            item = make_collab_call(item_id, "spawnAgent", self._thread.id, self._state.now_ms(), **asked)
            self._items.start(item)
            agent = self._start(step)
            states = {agent.thread.id: {"status": "pendingInit", "message": None}}
            item.update(receiverThreadIds=[agent.thread.id], agentsStates=states, model=settings.model)
            item["status"] = "completed"
        else:
            agent = self._start(step)
            used = {"model": settings.model, "reasoningEffort": settings.effort or "low"}
            item = self._activity(item_id, "started", agent, **used)
            self._items.start(item)
        self._items.complete(item)

    def _start(self, step: SpawnAgent) -> _Agent:
        agent = _Agent(*self._start_agent(self._items, step))
        self._agents.append(agent)
        self._state.spawn(self._turn.owner, self._report_end, agent)
        return agent

    async def _report_end(self, agent: _Agent) -> None:
        """Publish in the parent's turn, if it is still running, that the sub-agent has completed its turn."""
        await agent.turn.ended.wait()
        is_running = self._thread.running is self._turn
        if is_running and agent.turn.status == "completed" and self._thread.settings.has_code_mode:
            item = self._activity(f"subagent-completed-{agent.turn.id}", "completed", agent)
            self._items.start(item)
            self._items.complete(item)
        agent.reported.set()

    def _activity(self, item_id: str, kind: str, agent: _Agent, **model: str) -> Message:
        path = agent.thread.agent_path or ""
        return make_sub_agent_activity(item_id, kind, agent.thread.id, path, self._state.now_ms(), **model)

    async def _wait(self, step: WaitAgent) -> None:
        item_id, is_named = self._state.new_item_id("call"), self._thread.settings.has_code_mode
        waited = [agent for agent in self._agents if agent.is_waited_for]
        receivers = [] if is_named else [agent.thread.id for agent in waited]
        item = make_collab_call(item_id, "wait", self._thread.id, self._state.now_ms(), receiverThreadIds=receivers)
        self._items.start(item)
        with trio.move_on_after(step.timeout):
            await _wait_any([agent.reported for agent in waited])
        ended = [agent for agent in waited if agent.reported.is_set()]
        for agent in ended:
            agent.is_waited_for = False
        item["status"] = "completed"
        if not is_named:
            item["receiverThreadIds"] = [agent.thread.id for agent in ended]
            item["agentsStates"] = {agent.thread.id: _state_of(agent.turn) for agent in ended}
            item["status"] = "failed" if any(agent.turn.status == "failed" for agent in ended) else "completed"
        self._items.complete(item)


async def _wait_any(events: list[trio.Event]) -> None:
    """Wait until any of the events is set; forever for an empty list."""
    if not events:
        await trio.sleep_forever()
    async with trio.open_nursery() as nursery:

        async def wait(event: trio.Event) -> None:
            await event.wait()
            nursery.cancel_scope.cancel()

        for event in events:
            nursery.start_soon(wait, event)


def _state_of(turn: ServedTurn) -> Message:
    if turn.error is not None:
        return {"status": "errored", "message": turn.error["message"]}
    message = turn.last_message()
    return {"status": "completed", "message": message[0]["text"] if message else None}
