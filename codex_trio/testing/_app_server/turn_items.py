"""Publish the items and server requests of one turn."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeAlias

import trio

from .._steps import Step
from .._wire_shapes import Message, dump_deltas
from .connection import ServerConnection
from .history import ServedThread, ServedTurn
from .items import make_user_message
from .state import ServerState

Players: TypeAlias = dict[type[Step], Callable[[Any], Awaitable[None]]]
"""The functions that play steps, by the type of step."""

_DELTAS_AT_ONCE = 1000


class TurnItems:
    """The items of one turn.

    Attributes:
        state: The server.
        thread: The thread.
        turn: The turn.
        kept_by: The turn whose history has the items. It differs from `turn` only in a review.
    """

    def __init__(self, state: ServerState, thread: ServedThread, turn: ServedTurn) -> None:
        self.state = state
        self.thread = thread
        self.turn = turn
        self.kept_by = turn
        self._ids: Message = {"threadId": thread.id, "turnId": turn.id}
        self._waits = 0
        self._waits_ended = trio.Event()

    def publish(self, method: str, params: Mapping[str, object]) -> None:
        """Publish a notification of the turn."""
        self.state.publish(self.thread, method, {**self._ids, **params})

    def echo(self, params: Mapping[str, Any]) -> None:
        """Publish the user's input, if there is any, as an item."""
        if not params["input"]:
            return
        item = make_user_message(self.state.new_uuid(), params, self.state.now_ms())
        if not self.thread.preview:
            self.thread.preview = next((str(c["text"]) for c in item["content"] if c.get("type") == "text"), "")
        self.start(item)
        self.complete(item)

    def start(self, item: Message) -> None:
        """Publish `item/started`."""
        self.publish("item/started", {"item": item, "startedAtMs": item["startedAtMs"]})

    def keep(self, item: Message) -> None:
        """Add an item to the history, unless it is already there."""
        if all(item is not known for _, known in self.kept_by.items):
            self.kept_by.items.append((self.thread.next_ordinal(), item))

    def complete(self, item: Message, clients: Sequence[ServerConnection] | None = None) -> None:
        """Publish `item/completed` to these clients, by default to all subscribers, and add the item to the history."""
        item["completedAtMs"] = self.state.now_ms()
        self.keep(item)
        params = {**self._ids, "item": item, "contentTokenCount": None, "completedAtMs": item["completedAtMs"]}
        self.state.deliver(
            self.state.subscribers(self.thread) if clients is None else clients, "item/completed", params
        )

    async def stream(
        self, method: str, item: Message, pieces: Sequence[str], *, seconds: float = 0.0, **extra: object
    ) -> None:
        """Publish the deltas of an item, either at once or spread over some seconds."""
        params = {**self._ids, "itemId": item["id"], **extra}
        at_once = 1 if seconds else _DELTAS_AT_ONCE
        for start in range(0, len(pieces), at_once):
            raws = dump_deltas(method, params, pieces[start : start + at_once], self.state.now_ms())
            self.state.publish_raw(self.thread, method, raws)
            if seconds:
                await trio.sleep(seconds / len(pieces))
            elif start + at_once < len(pieces):
                await let_clients_read()

    async def ask(self, method: str, params: Mapping[str, object]) -> Message:
        """Send a server request to the clients, and return the first response."""
        ask = self.state.ask_thread(self.thread, self.turn, method, params)
        answer = await ask.wait()
        await trio.lowlevel.checkpoint_if_cancelled()
        self.turn.asks.remove(ask)
        self.state.publish_resolved(self.thread, ask)
        return answer

    def new_call_id(self) -> str:
        """Return the id of a tool call's item. In code mode, the id differs."""
        if self.thread.settings.has_code_mode:
            return f"exec-{self.state.new_uuid()}"
        return self.state.new_item_id("call")

    def start_waiting(self, flag: str) -> None:
        """Publish that the thread waits for the user, unless another tool call is already waiting."""
        self._waits += 1
        if self._waits == 1:
            self.state.set_status(self.thread, "active", flag)

    def end_waiting(self) -> None:
        """Publish that the thread continues, once no tool call is waiting."""
        self._waits -= 1
        if self._waits == 0:
            self.state.set_status(self.thread, "active")
            self._waits_ended.set()
            self._waits_ended = trio.Event()

    async def wait_others_answered(self) -> None:
        """Wait until no parallel tool call waits for the user. None of them runs before that (codex 0.165 and newer)."""
        if self._waits:
            await self._waits_ended.wait()

    async def ask_decision(self, method: str, params: Mapping[str, object]) -> Any:
        """Request an approval. Return the decision: a str, or the prefix of commands to allow; otherwise `None`."""
        result = (await self.ask(method, params)).get("result")
        decision = result.get("decision") if isinstance(result, dict) else None
        if isinstance(decision, dict):
            amendment = decision.get("acceptWithExecpolicyAmendment")
            return amendment.get("execpolicy_amendment") if isinstance(amendment, dict) else None
        return decision if isinstance(decision, str) else None

    async def end_if_cancelled(self, decision: object) -> None:
        """End the turn if the decision is to cancel."""
        if decision == "cancel":
            self.state.end_turn(self.thread, "interrupted")
            await trio.lowlevel.checkpoint()


async def let_clients_read() -> None:
    """Yield until waiting clients have read their messages."""
    # A waiting client wakes up in the first scheduler round, and has read before the second one ends.
    await trio.lowlevel.checkpoint()
    await trio.lowlevel.checkpoint()
