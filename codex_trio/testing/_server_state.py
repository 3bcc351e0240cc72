"""What all connections to the scripted app-server share: threads, ids, and who gets which event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import trio

from ._server_connection import AskTable, PendingAsk, ServerConnection
from ._server_history import ServedThread, ServedTurn
from ._wire import EPOCH_MS, Message, dump_notification, make_rate_limits, make_usage

_UNRESOLVED = frozenset({"item/tool/call", "currentTime/read", "account/chatgptAuthTokens/refresh"})


class ServerState:
    """Threads and connections, and the ways to reach them.

    Attributes:
        nursery: Runs the turns, which then survive their connection; `None`: they die with it.
        start_delay: Virtual seconds from the answer to `turn/start` to `turn/started`.
    """

    def __init__(self, nursery: trio.Nursery | None, start_delay: float) -> None:
        self.nursery = nursery
        self.start_delay = start_delay
        self.connections: list[ServerConnection] = []
        self.threads: dict[str, ServedThread] = {}
        self.asks = AskTable()
        self._id_count = 0

    def new_uuid(self) -> str:
        """Return an id for a thread, a turn or a user's message."""
        self._id_count += 1
        return f"01a20000-0000-7000-8000-{self._id_count:012x}"

    def new_item_id(self, prefix: str) -> str:
        """Return an id for an item that the model made."""
        self._id_count += 1
        return f"{prefix}_{self._id_count}_0"

    def now_ms(self) -> int:
        """Return Trio's clock as the server's time of day."""
        return EPOCH_MS + round(trio.current_time() * 1000)

    def subscribers(self, thread: ServedThread) -> list[ServerConnection]:
        """Return the live connections that get the events of a thread."""
        return [c for c in self.connections if thread.id in c.subscriptions]

    def publish(self, thread: ServedThread, method: str, params: Mapping[str, Any]) -> None:
        """Send a notification to the subscribers of a thread."""
        self.deliver(self.subscribers(thread), method, params)

    def publish_raw(self, thread: ServedThread, method: str, raws: Iterable[bytes]) -> None:
        """Send notifications of one method to the subscribers of a thread."""
        messages = list(raws)
        for connection in self.subscribers(thread):
            connection.notify(method, messages)

    def broadcast(self, method: str, params: Mapping[str, Any]) -> None:
        """Send a notification to every initialized connection."""
        self.deliver([c for c in self.connections if c.is_initialized], method, params)

    def deliver(self, connections: Iterable[ServerConnection], method: str, params: Mapping[str, Any]) -> None:
        """Send a notification to these connections."""
        raw = dump_notification(method, params, self.now_ms())
        for connection in connections:
            connection.notify(method, (raw,))

    def set_status(self, thread: ServedThread, kind: str, *flags: str) -> None:
        """Change a thread's status and tell everybody."""
        thread.status = {"type": kind, "activeFlags": list(flags)} if kind == "active" else {"type": kind}
        self.broadcast("thread/status/changed", {"threadId": thread.id, "status": thread.status})

    def publish_item(self, thread: ServedThread, turn: ServedTurn, item: Message) -> None:
        """Publish that an item started, or, when it has a `completedAtMs`, that it completed."""
        params: Message = {"item": item, "threadId": thread.id, "turnId": turn.id}
        if item["completedAtMs"] is None:
            self.publish(thread, "item/started", {**params, "startedAtMs": item["startedAtMs"]})
            return
        params["contentTokenCount"] = None
        self.publish(thread, "item/completed", {**params, "completedAtMs": item["completedAtMs"]})

    def ask_thread(self, thread: ServedThread, turn: ServedTurn, method: str, params: Mapping[str, Any]) -> PendingAsk:
        """Ask all subscribers of a thread on behalf of its turn; the first answer counts."""
        filled = {"threadId": thread.id, "turnId": turn.id, **params}
        turn.ask = self.asks.open(method, filled, thread.id)
        for connection in self.subscribers(thread):
            connection.send_bytes(turn.ask.raw)
        return turn.ask

    def publish_resolved(self, thread: ServedThread, ask: PendingAsk) -> None:
        """Tell the subscribers that a request is settled, where the real server does."""
        if ask.method not in _UNRESOLVED:
            self.publish(thread, "serverRequest/resolved", {"threadId": thread.id, "requestId": ask.id})

    def start_turn(self, thread: ServedThread, turn: ServedTurn) -> None:
        """Publish that a turn has begun."""
        turn.started_ms = self.now_ms()
        self.set_status(thread, "active")
        self.publish(thread, "turn/started", {"threadId": thread.id, "turn": turn.to_wire("notLoaded")})

    def end_turn(
        self, thread: ServedThread, status: str, *, error: Message | None = None, is_announced: bool = True
    ) -> None:
        """End the running turn of a thread; nothing of it is published after that."""
        turn = thread.running
        assert turn is not None
        turn.status, turn.error, turn.completed_ms = status, error, self.now_ms()
        thread.running = None
        turn.scope.cancel()  # before its request is dropped, so that its task never sees that
        if status == "completed":
            thread.model_calls += 1
            self.publish_usage(thread, turn, self.subscribers(thread))
            self.publish(thread, "account/rateLimits/updated", make_rate_limits())
        self.set_status(thread, "systemError" if status == "failed" else "idle")
        if error is not None:
            self.publish_error(thread, turn, error, will_retry=False)
        if is_announced:
            last = turn.last_message() if status == "completed" else []
            wire = turn.to_wire("summary" if status == "completed" else "notLoaded", last)
            self.publish(thread, "turn/completed", {"threadId": thread.id, "turn": wire})
        if turn.ask is not None:
            self.asks.drop(turn.ask)
            self.publish_resolved(thread, turn.ask)

    def publish_usage(self, thread: ServedThread, turn: ServedTurn, connections: Iterable[ServerConnection]) -> None:
        """Tell connections what the thread has used so far."""
        params = {"threadId": thread.id, "turnId": turn.id, "tokenUsage": make_usage(thread.model_calls)}
        self.deliver(connections, "thread/tokenUsage/updated", params)

    def publish_error(self, thread: ServedThread, turn: ServedTurn, error: Message, *, will_retry: bool) -> None:
        """Publish an `error` of a turn."""
        params = {"error": error, "willRetry": will_retry, "threadId": thread.id, "turnId": turn.id}
        self.publish(thread, "error", params)

    def on_connection_end(self, connection: ServerConnection) -> None:
        """Forget a connection, and, unless turns survive, end those that it started."""
        self.connections.remove(connection)
        if self.nursery is not None:
            return
        for thread in self.threads.values():
            if thread.running is not None and thread.running.owner is connection:
                self.end_turn(thread, "interrupted")
        if not self.connections:
            self.unload()

    def unload(self) -> None:
        """Forget what only a running process knows; threads and their history stay, as on disk."""
        for thread in self.threads.values():
            if thread.running is not None:
                self.end_turn(thread, "interrupted")
            thread.is_loaded = False
            thread.approved.clear()

    def exit(self, code: int, stderr: str) -> None:
        """End the process: every connection and every turn."""
        for connection in self.connections.copy():
            connection.drop(code, stderr)
        self.unload()
