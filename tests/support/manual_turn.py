"""A turn whose events the test itself sends, one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from codex_trio.testing import HeldCall, ScriptedAppServer

Message = dict[str, Any]


def message(item_id: str, text: str, phase: str | None = None) -> Message:
    """Return an agent message as an item."""
    return {"type": "agentMessage", "id": item_id, "text": text, "phase": phase}


class ManualTurn:
    """A turn of which the server knows nothing: it answers `turn/start` and plays the rest when told to.

    Attributes:
        call: The `turn/start`.
        thread_id: The thread that the client wants the turn on.
        turn_id: What `accept` will call the turn.
    """

    def __init__(self, call: HeldCall, turn_id: str) -> None:
        self.thread_id: str = call.params["threadId"]
        self.turn_id = turn_id
        self.call = call

    def accept(self) -> None:
        """Answer `turn/start`."""
        self.call.reply({"turn": {"id": self.turn_id, "items": [], "status": "inProgress"}})

    def send(self, method: str, **params: Any) -> None:
        """Send any event of the turn."""
        ids = {"threadId": self.thread_id, "turnId": self.turn_id}
        self.call.connection.send({"method": method, "params": {**ids, **params}})

    def start(self) -> None:
        """Send `turn/started`."""
        self._send_whole("turn/started", {"status": "inProgress", "items": [], "itemsView": "notLoaded"})

    def begin(self, item: Message) -> None:
        """Send `item/started`."""
        self.send("item/started", item=item)

    def complete(self, item: Message) -> None:
        """Send `item/completed`."""
        self.send("item/completed", item=item)

    def say(self, text: str, phase: str | None = None, item_id: str = "message") -> None:
        """Send an agent message, whole."""
        self.complete(message(item_id, text, phase))

    def end(self, status: str = "completed", items: Sequence[Message] = (), view: str = "full", **more: Any) -> None:
        """Send `turn/completed`."""
        self._send_whole("turn/completed", {"status": status, "items": list(items), "itemsView": view, **more})

    def idle(self) -> None:
        """Send that the thread has nothing to do."""
        self.call.connection.send(
            {"method": "thread/status/changed", "params": {"threadId": self.thread_id, "status": {"type": "idle"}}}
        )

    def _send_whole(self, method: str, turn: Message) -> None:
        params = {"threadId": self.thread_id, "turn": {"id": self.turn_id, **turn}}
        self.call.connection.send({"method": method, "params": params})


async def next_turn(server: ScriptedAppServer, turn_id: str = "turn") -> ManualTurn:
    """Wait for a `turn/start` that `server` holds."""
    return ManualTurn(await server.held("turn/start").receive(), turn_id)
