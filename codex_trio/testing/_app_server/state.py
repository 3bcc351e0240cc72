"""State shared by all connections to the scripted app-server: threads, ids, and subscriptions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, TypeAlias

import trio

from .._patches import make_turn_diff
from .._wire_shapes import EPOCH_MS, Message, dump_notification, make_rate_limits, make_usage
from .connection import PendingServerRequest, ServerConnection, ServerRequestTable
from .history import ServedThread, ServedTurn
from .overrides import Overrides

Method: TypeAlias = Callable[[ServerConnection, Message], Message]
"""Handles one method: takes the connection and the params, returns the result."""

_UNRESOLVED = frozenset({"item/tool/call", "currentTime/read", "account/chatgptAuthTokens/refresh"})


class ServerState:
    """The threads and connections, and the methods that publish events to them.

    Attributes:
        nursery: Runs the turns, which then outlive their connection. If `None`, turns end with their connection.
        start_delay: Seconds from the response to `turn/start` until `turn/started`.
        originator: The name of the first client of the process.
        overrides: The responses that the test has set.
        shell: Output and exit code of each of the user's shell commands.
        amendments: Prefixes of commands, as lists of words, that do not need approval.
    """

    def __init__(self, nursery: trio.Nursery | None, start_delay: float) -> None:
        self.nursery = nursery
        self.start_delay = start_delay
        self.originator = ""
        self.overrides = Overrides()
        self.shell: dict[str, tuple[str, int]] = {}
        self.amendments: list[list[str]] = []
        self.connections: list[ServerConnection] = []
        self.threads: dict[str, ServedThread] = {}
        self.asks = ServerRequestTable()
        self._id_count = 0
        self._is_crashing = False
        self._after: list[Callable[[], object]] = []

    def after_response(self, action: Callable[[], object]) -> None:
        """Run an action after the response to the current request."""
        self._after.append(action)

    def run_after_response(self, *, is_refused: bool = False) -> None:
        """Run the actions that waited for the response. An error response discards them."""
        actions, self._after = self._after, []
        if not is_refused:
            for action in actions:
                action()

    def spawn(self, owner: ServerConnection, async_fn: Callable[..., Awaitable[object]], *args: Any) -> None:
        """Run a task with the lifetime of turns: in the nursery, or with its connection."""
        if self.nursery is None:
            owner.start(async_fn, *args)
        else:
            self.nursery.start_soon(async_fn, *args)

    def new_uuid(self) -> str:
        """Return an id for a thread, a turn or a user message."""
        self._id_count += 1
        return f"01a20000-0000-7000-8000-{self._id_count:012x}"

    def new_item_id(self, prefix: str) -> str:
        """Return an id for an item created by the model."""
        self._id_count += 1
        return f"{prefix}_{self._id_count}_0"

    def now_ms(self) -> int:
        """Return the server's wall-clock time, derived from Trio's clock."""
        return EPOCH_MS + round(trio.current_time() * 1000)

    def subscribers(self, thread: ServedThread) -> list[ServerConnection]:
        """Return the connections that are subscribed to a thread."""
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
        """Change a thread's status, and notify all connections."""
        thread.status = {"type": kind, "activeFlags": list(flags)} if kind == "active" else {"type": kind}
        self.broadcast("thread/status/changed", {"threadId": thread.id, "status": thread.status})

    def ask_thread(
        self, thread: ServedThread, turn: ServedTurn, method: str, params: Mapping[str, Any]
    ) -> PendingServerRequest:
        """Send a server request for a turn to all subscribers of its thread. The first response counts."""
        filled = {"threadId": thread.id, "turnId": turn.id, **params}
        ask = self.asks.open(method, filled)
        turn.asks.append(ask)
        for connection in self.subscribers(thread):
            connection.send_bytes(ask.raw)
        return ask

    def publish_resolved(self, thread: ServedThread, ask: PendingServerRequest) -> None:
        """Notify the subscribers that a request is resolved, for methods where the real server does."""
        if ask.method not in _UNRESOLVED:
            self.publish(thread, "serverRequest/resolved", {"threadId": thread.id, "requestId": ask.id})

    def start_turn(self, thread: ServedThread, turn: ServedTurn) -> None:
        """Publish that a turn has started."""
        turn.started_ms = self.now_ms()
        self.set_status(thread, "active")
        wire = {**turn.to_wire("notLoaded"), "id": turn.running_id}
        self.publish(thread, "turn/started", {"threadId": thread.id, "turn": wire})

    def announce_interrupt(self, thread: ServedThread, turn: ServedTurn) -> None:
        """Publish the events that precede an interrupted turn's end."""
        if turn.interrupt_announced:
            return
        turn.interrupt_announced = True
        if turn.usage_pending:
            self.publish_used(thread, turn)
        if turn.last_message():
            self.publish_read_state(thread)

    def publish_used(self, thread: ServedThread, turn: ServedTurn) -> None:
        """Publish the thread's token usage and the account's rate limits."""
        turn.usage_pending = False
        if thread.model_calls:
            self.publish_usage(thread, turn, self.subscribers(thread))
        self.publish(thread, "account/rateLimits/updated", make_rate_limits())

    def publish_diff(self, thread: ServedThread, turn: ServedTurn) -> None:
        """Publish the diff of a turn, if it has changed files."""
        if turn.files:
            diff = make_turn_diff(turn.files, thread.settings.cwd)
            self.publish(thread, "turn/diff/updated", {"threadId": thread.id, "turnId": turn.id, "diff": diff})

    def publish_read_state(self, thread: ServedThread) -> None:
        """Publish a thread's read state."""
        if thread.is_ephemeral or thread.parent_id is not None:
            return
        thread.revision = self.new_uuid()
        changed = {"threadId": thread.id, "readState": thread.read_state()}
        self.broadcast("thread/readState/changed", changed)

    def end_turn(
        self, thread: ServedThread, status: str, *, error: Message | None = None, is_announced: bool = True
    ) -> None:
        """End the running turn of a thread. Only commands that keep running publish events after that."""
        turn = thread.running
        assert turn is not None
        if status == "interrupted":
            self.announce_interrupt(thread, turn)
        turn.status, turn.error, turn.completed_ms = status, error, self.now_ms()
        thread.running = None
        turn.scope.cancel()  # before its requests are dropped, so that its task does not see the error
        message = turn.last_message() if status == "completed" else []
        if status == "completed":
            self.publish_diff(thread, turn)
        if message:
            self.publish_read_state(thread)
        self.set_status(thread, "systemError" if status == "failed" else "idle")
        if error is not None:
            self.publish_error(thread, turn, error, will_retry=False)
            self.publish_diff(thread, turn)
            self.publish_read_state(thread)
        if is_announced:
            wire = turn.to_wire("summary" if message else "notLoaded", message)
            self.publish(thread, "turn/completed", {"threadId": thread.id, "turn": wire})
        for ask in turn.asks:
            self.asks.drop(ask)
            self.publish_resolved(thread, ask)
        turn.asks.clear()
        turn.ended.set()

    def publish_usage(self, thread: ServedThread, turn: ServedTurn, connections: Iterable[ServerConnection]) -> None:
        """Send the thread's token usage to these connections."""
        params = {"threadId": thread.id, "turnId": turn.id, "tokenUsage": make_usage(thread.model_calls)}
        self.deliver(connections, "thread/tokenUsage/updated", params)

    def publish_error(self, thread: ServedThread, turn: ServedTurn, error: Message, *, will_retry: bool) -> None:
        """Publish an `error` of a turn."""
        params = {"error": error, "willRetry": will_retry, "threadId": thread.id, "turnId": turn.id}
        self.publish(thread, "error", params)

    def on_connection_end(self, connection: ServerConnection) -> None:
        """Remove a connection. Without a nursery, end the turns that it started."""
        self.connections.remove(connection)
        if self.nursery is not None:
            return
        for thread in self.threads.values():
            if thread.running is not None and thread.running.owner is connection:
                self._end_turn_silently(thread)
        if not self.connections:
            self._unload()

    def exit(self, code: int, stderr: str) -> None:
        """Exit the process, which ends every connection and every turn."""
        self._is_crashing = code != 0
        for connection in self.connections.copy():
            connection.drop(code, stderr)
        self._unload()
        self._is_crashing = False

    def _unload(self) -> None:
        """Discard the state of the process. Threads and their history stay, as on disk."""
        self.originator = ""
        for thread in self.threads.values():
            if thread.running is not None:
                self._end_turn_silently(thread)
            thread.die(self.now_ms(), is_crash=self._is_crashing)

    def _end_turn_silently(self, thread: ServedThread) -> None:
        """End the running turn of a thread because its process or connection has ended, without events."""
        turn = thread.running
        assert turn is not None
        turn.interrupt_announced, turn.is_lost = True, self._is_crashing
        self.end_turn(thread, "interrupted")
        if self._is_crashing:
            turn.completed_ms, turn.has_called = None, False
