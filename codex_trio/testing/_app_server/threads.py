"""Methods of the scripted app-server that open, read and change threads."""

from __future__ import annotations

import posixpath
import sys
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from .._schema_check import find_tools_fault
from .._wire_shapes import READ_NOTICE, RESUME_NOTICE, Message, RpcError
from .connection import ServerConnection
from .history import ServedThread, ServedTurn
from .lookup import loaded_thread, no_rollout, readable_thread, require_turns, stored_thread
from .settings import Settings
from .state import Method, ServerState


class ThreadMethods:
    """Handles the methods for threads.

    Attributes:
        methods: The methods by name.
    """

    def __init__(self, state: ServerState) -> None:
        self._state = state
        self.methods: dict[str, Method] = {
            "thread/start": self._start,
            "thread/resume": self._resume,
            "thread/fork": self._fork,
            "thread/read": self._read,
            "thread/list": self._list,
            "thread/loaded/list": self._loaded_list,
            "thread/turns/list": self._turns_list,
            "thread/items/list": self._items_list,
            "thread/items/read": self._items_read,
            "thread/unsubscribe": self._unsubscribe,
            "thread/archive": self._archive,
            "thread/unarchive": self._unarchive,
            "thread/delete": self._delete,
            "thread/revert": self._revert,
            "thread/name/set": self._name_set,
        }

    def _start(self, connection: ServerConnection, params: Message) -> Message:
        thread = ServedThread(
            self._state.new_uuid(),
            self._state.now_ms(),
            self._state.originator,
            Settings().for_thread(params),
            _tools_of(params),
            find_tools_fault(params.get("dynamicTools") or ()),
            is_ephemeral=bool(params.get("ephemeral")),
        )
        return self._announce(connection, thread, with_turns=False)

    def _announce(self, connection: ServerConnection, thread: ServedThread, *, with_turns: bool) -> Message:
        self._state.threads[thread.id] = thread
        connection.subscriptions.add(thread.id)
        wire = thread.to_wire()
        self._state.after_response(lambda: self._state.broadcast("thread/started", {"thread": wire}))
        return {"thread": thread.to_wire(with_turns=with_turns), **thread.settings.to_answer()}

    def _resume(self, connection: ServerConnection, params: Message) -> Message:
        state, thread = self._state, stored_thread(self._state, params)
        if thread.is_archived:
            advice = f"Run `codex unarchive {thread.id}` to unarchive it first."
            raise RpcError(f"session {thread.id} is archived. {advice}")
        with_turns = not params.get("excludeTurns")
        is_on_disk = thread.is_stored and not thread.is_ephemeral
        if with_turns and (is_on_disk or thread.history_requested):
            self._warn(connection, RESUME_NOTICE)
        if thread.history_requested:
            require_turns(thread)
        if not is_on_disk:
            raise no_rollout(thread.id)
        wanted_page = params.get("initialTurnsPage")
        page = thread.turns_page(wanted_page) if wanted_page else None
        if not thread.is_loaded:
            thread.is_loaded = True
            thread.settings = thread.settings.for_thread(params)
            state.set_status(thread, "idle")
        connection.subscriptions.add(thread.id)
        state.after_response(lambda: self._after_resume(connection, thread, with_turns=with_turns))
        return {
            "thread": thread.to_wire(with_turns=with_turns),
            **thread.settings.to_answer(),
            "collaborationMode": thread.settings.collaboration_mode(),
            "initialTurnsPage": page,
            **thread.end_cursors(),
        }

    def _after_resume(self, connection: ServerConnection, thread: ServedThread, *, with_turns: bool) -> None:
        if with_turns:
            self._send_usage(connection, thread)
        self._state.broadcast("thread/goal/cleared", {"threadId": thread.id})
        for ask in thread.running.asks if thread.running is not None else ():
            connection.send_bytes(ask.raw)

    def _send_usage(self, connection: ServerConnection, thread: ServedThread) -> None:
        called = [turn for turn in thread.turns if turn.has_called and not (turn.is_forked and thread.was_unloaded)]
        if called:
            self._state.publish_usage(thread, called[-1], [connection])

    def _warn(self, connection: ServerConnection, notice: str) -> None:
        self._state.deliver([connection], "deprecationNotice", {"summary": notice, "details": None})

    def _fork(self, connection: ServerConnection, params: Message) -> Message:
        source = stored_thread(self._state, params)
        if not source.is_stored or source.is_ephemeral:
            raise no_rollout(source.id)
        with_turns = not params.get("excludeTurns")
        if with_turns:
            self._warn(connection, RESUME_NOTICE)
            self._state.after_response(lambda: self._send_usage(connection, fork))
        fork = ServedThread(
            self._state.new_uuid(),
            self._state.now_ms(),
            self._state.originator,
            source.settings.forked().for_thread(params),
            source.tools,
            source.tools_refusal,
        )
        fork.forked_from, fork.name, fork.preview = source.id, source.name, source.preview
        fork.model_calls, fork.last_ordinal, fork.is_stored = source.model_calls, source.last_ordinal, True
        fork.turns = [_copied(turn) for turn in _up_to(source, params)]
        return self._announce(connection, fork, with_turns=with_turns)

    def _read(self, connection: ServerConnection, params: Message) -> Message:
        thread = readable_thread(self._state, params)
        with_turns = bool(params.get("includeTurns"))
        if with_turns:
            if thread.is_ephemeral:
                raise RpcError("ephemeral threads do not support includeTurns")
            thread.history_requested = True
            require_turns(thread)
            self._warn(connection, READ_NOTICE)
        read_state = thread.read_state() if thread.is_stored else None
        return {"thread": thread.to_wire(with_turns=with_turns), "readState": read_state}

    def _list(self, connection: ServerConnection, params: Message) -> Message:
        is_archived, is_found = bool(params.get("archived")), _search(params)
        kinds = params.get("sourceKinds") or ("vscode",)
        all_kept = [t for t in self._state.threads.values() if t.is_stored and not t.is_ephemeral]
        kept = [t for t in all_kept if t.parent_id is None and "vscode" in kinds]
        found = [t for t in reversed(kept) if t.is_archived == is_archived and is_found(t)]
        cursor = params.get("cursor") or "0"
        if not cursor.isdecimal():
            raise RpcError(f"invalid cursor: {cursor}")
        start = int(cursor)
        limit = max(1, params.get("limit") or 25)
        page = found[start : start + limit]
        return {
            "data": [{**thread.to_wire(), "canAcceptDirectInput": None} for thread in page],
            "readStates": {thread.id: thread.read_state() for thread in page},
            "nextCursor": str(start + limit) if len(found) > start + limit else None,
            "backwardsCursor": str(start) if found else None,
        }

    def _loaded_list(self, connection: ServerConnection, params: Message) -> Message:
        return {"data": [t.id for t in self._state.threads.values() if t.is_loaded], "nextCursor": None}

    def _turns_list(self, connection: ServerConnection, params: Message) -> Message:
        thread = readable_thread(self._state, params)
        if thread.is_ephemeral:
            raise RpcError("ephemeral threads do not support thread/turns/list")
        if not (thread.is_stored or thread.history_requested):
            what = "is not materialized yet; thread/turns/list is unavailable before first user message"
            raise RpcError(f"thread {thread.id} {what}")
        require_turns(thread)
        return thread.turns_page(params)

    def _items_list(self, connection: ServerConnection, params: Message) -> Message:
        thread = self._state.threads.get(params["threadId"])
        if thread is None or not thread.is_stored or thread.is_ephemeral:
            raise RpcError("thread/items/list is not supported yet", code=-32601)
        return thread.items_page(params)

    def _items_read(self, connection: ServerConnection, params: Message) -> Message:
        thread = readable_thread(self._state, params)
        entries = thread.items_page({**params, "limit": sys.maxsize})["data"]
        return {"data": [entry for entry in entries if entry["item"]["id"] in params["itemIds"]]}

    def _unsubscribe(self, connection: ServerConnection, params: Message) -> Message:
        thread = self._state.threads.get(params["threadId"])
        if thread is None or not thread.is_loaded:
            return {"status": "notLoaded"}
        if thread.id not in connection.subscriptions:
            return {"status": "notSubscribed"}
        connection.subscriptions.remove(thread.id)
        return {"status": "unsubscribed"}

    def _archive(self, connection: ServerConnection, params: Message) -> Message:
        thread = stored_thread(self._state, params)
        if thread.is_archived or thread.is_ephemeral:
            raise no_rollout(thread.id)
        self._unload(thread)
        thread.is_archived = True
        self._state.after_response(lambda: self._state.broadcast("thread/archived", {"threadId": thread.id}))
        return {}

    def _unload(self, thread: ServedThread) -> None:
        if thread.running is not None:
            self._state.end_turn(thread, "interrupted")
        if thread.is_loaded:
            thread.is_loaded, thread.was_unloaded = False, True
            self._state.set_status(thread, "notLoaded")

    def _unarchive(self, connection: ServerConnection, params: Message) -> Message:
        thread = self._state.threads.get(params["threadId"])
        if thread is not None and thread.is_loaded:
            raise RpcError(f"thread {thread.id} already has an active writer")
        if thread is None or not thread.is_archived:
            raise RpcError(f"no archived rollout found for thread id {params['threadId']}")
        thread.is_archived = False
        self._state.after_response(lambda: self._state.broadcast("thread/unarchived", {"threadId": thread.id}))
        return {"thread": thread.to_wire()}

    def _delete(self, connection: ServerConnection, params: Message) -> Message:
        thread = stored_thread(self._state, params)
        if thread.is_ephemeral:
            raise RpcError(f"thread is not persisted and cannot be deleted: {thread.id}")
        self._unload(thread)
        del self._state.threads[thread.id]
        self._state.after_response(lambda: self._state.broadcast("thread/deleted", {"threadId": thread.id}))
        return {}

    def _revert(self, connection: ServerConnection, params: Message) -> Message:
        thread = loaded_thread(self._state, params)
        if not thread.is_stored:
            raise no_rollout(thread.id)
        self._unload(thread)
        wanted = params["beforeTurnId"]
        index = next((i for i, turn in enumerate(thread.turns) if turn.id == wanted), None)
        unread = thread.first_unread()
        if index is not None:
            del thread.turns[index:]
            if thread.first_unread() != unread:
                self._state.publish_read_state(thread)
        thread.is_loaded = True
        self._state.set_status(thread, "idle")
        if index is None:
            raise RpcError(f"turn not found: {wanted}")
        self._state.after_response(lambda: self._state.broadcast("thread/reverted", {"threadId": thread.id}))
        return {"thread": thread.to_wire(), **thread.end_cursors()}

    def _name_set(self, connection: ServerConnection, params: Message) -> Message:
        thread = stored_thread(self._state, params)
        if not params["name"]:
            raise RpcError("thread name must not be empty")
        if thread.is_ephemeral:
            raise RpcError(f"ephemeral thread does not support metadata updates: {thread.id}")
        thread.is_stored = True
        thread.name = params["name"]
        named = {"threadId": thread.id, "threadName": thread.name}
        self._state.after_response(lambda: self._state.broadcast("thread/name/updated", named))
        return {}


def _search(params: Mapping[str, Any]) -> Callable[[ServedThread], bool]:
    """Return a filter by working directory, and by text in the first message or the name."""
    cwd, text = params.get("cwd"), params.get("searchTerm") or ""
    folders = None if cwd is None else [posixpath.normpath(path) for path in ([cwd] if isinstance(cwd, str) else cwd)]

    def is_found(thread: ServedThread) -> bool:
        is_there = folders is None or posixpath.normpath(thread.settings.cwd) in folders
        return is_there and (text in thread.preview or text in (thread.name or ""))

    return is_found


def _tools_of(params: Mapping[str, Any]) -> frozenset[tuple[str | None, str]]:
    found: set[tuple[str | None, str]] = set()
    for tool in params.get("dynamicTools") or ():
        is_namespace = tool.get("type") == "namespace"
        found |= {(tool["name"], inner["name"]) for inner in tool["tools"]} if is_namespace else {(None, tool["name"])}
    return frozenset(found)


def _up_to(thread: ServedThread, params: Mapping[str, Any]) -> list[ServedTurn]:
    """Return the turns that a fork inherits."""
    ids = [turn.id for turn in thread.turns]
    last, before = params.get("lastTurnId"), params.get("beforeTurnId")
    if last is not None:
        return thread.turns[: _index_of(ids, last) + 1]
    if before is not None:
        return thread.turns[: _index_of(ids, before)]
    return list(thread.turns)


def _index_of(ids: list[str], turn_id: str) -> int:
    if turn_id not in ids:
        raise RpcError(f"turn not found: {turn_id}")
    return ids.index(turn_id)


def _copied(turn: ServedTurn) -> ServedTurn:
    copy = ServedTurn(turn.id, turn.ordinal, deque(), turn.input_params, turn.owner)
    copy.status = "interrupted" if turn.status == "inProgress" else turn.status
    copy.items = [(ordinal, item) for ordinal, item in turn.items if item.get("status") != "inProgress"]
    copy.error, copy.root_id = turn.error, turn.root_id
    copy.is_forked, copy.has_called = True, turn.has_called
    copy.started_ms, copy.completed_ms = turn.started_ms, turn.completed_ms
    return copy
