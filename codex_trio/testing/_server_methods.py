"""The methods that the scripted app-server serves: params in, result out, with the refusals of the real server."""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ._server_connection import ServerConnection
from ._server_history import ServedThread, ServedTurn
from ._server_scripts import Scripts
from ._server_state import ServerState
from ._server_turns import TurnPlayer
from ._wire import (
    DEFAULT_CWD,
    DEFAULT_MODEL,
    HISTORY_NOTICE,
    Message,
    Refusal,
    make_collaboration_mode,
    make_initialize_result,
    make_thread_settings,
    text_of,
)

_EXPERIMENTAL = (
    ("thread/start", "dynamicTools"),
    ("thread/resume", "initialTurnsPage"),
    ("turn/start", "collaborationMode"),
)
_REQUIRED: dict[str, tuple[str, ...]] = {
    "initialize": ("clientInfo",),
    "thread/start": (),
    "thread/list": (),
    "thread/name/set": ("threadId", "name"),
    "turn/start": ("threadId", "input"),
    "turn/steer": ("threadId", "input", "expectedTurnId"),
    "turn/interrupt": ("threadId", "turnId"),
}


class Methods:
    """Serves requests. An answer is what a method returns, or the `Refusal` that it raises.

    What has to follow the answer waits until `run_after`.
    """

    def __init__(self, state: ServerState, scripts: Scripts) -> None:
        self._state = state
        self._scripts = scripts
        self._players: dict[ServedTurn, TurnPlayer] = {}
        self._after: list[Callable[[], None]] = []
        self._methods: dict[str, Callable[[ServerConnection, Message], Message]] = {
            "initialize": self._initialize,
            "thread/start": self._thread_start,
            "thread/resume": self._thread_resume,
            "thread/fork": self._thread_fork,
            "thread/read": self._thread_read,
            "thread/list": self._thread_list,
            "thread/turns/list": self._turns_list,
            "thread/items/list": self._items_list,
            "thread/unsubscribe": self._thread_unsubscribe,
            "thread/archive": self._thread_archive,
            "thread/unarchive": self._thread_unarchive,
            "thread/delete": self._thread_delete,
            "thread/name/set": self._thread_name_set,
            "turn/start": self._turn_start,
            "turn/steer": self._turn_steer,
            "turn/interrupt": self._turn_interrupt,
        }

    def check(self, connection: ServerConnection, message: Message, *, is_overridden: bool) -> Message:
        """Return the params of a request if the server would look at it at all.

        Raises:
            Refusal: It would not.
        """
        method, params = message["method"], message.get("params")
        if not is_overridden:
            if method not in self._methods:
                known = ", ".join(f"`{name}`" for name in self._methods)
                raise Refusal(f"Invalid request: unknown variant `{method}`, expected one of {known}")
            _require({"params": params} if params is not None else {}, ("params",))
            _require(params, _REQUIRED.get(method, ("threadId",)))
        if method != "initialize" and not connection.is_initialized:
            raise Refusal("Not initialized")
        params = params if isinstance(params, dict) else {}
        for experimental_method, name in _EXPERIMENTAL:
            if method == experimental_method and name in params and not connection.is_experimental:
                raise Refusal(f"{method}.{name} requires experimentalApi capability")
        return params

    def call(self, connection: ServerConnection, method: str, params: Message) -> Message:
        """Return the result of a request that `check` has passed."""
        self._after = []
        return self._methods[method](connection, params)

    def run_after(self) -> None:
        """Do what had to wait until the answer was sent."""
        after, self._after = self._after, []
        for action in after:
            action()

    def settle_initialize(self, connection: ServerConnection, params: Message) -> None:
        """Note what a client said about itself."""
        capabilities = params.get("capabilities") or {}
        connection.is_initialized = True
        connection.is_experimental = bool(capabilities.get("experimentalApi"))
        connection.client_name = str((params.get("clientInfo") or {}).get("name", ""))
        connection.opted_out = frozenset(capabilities.get("optOutNotificationMethods") or ())

    def _initialize(self, connection: ServerConnection, params: Message) -> Message:
        _require(params["clientInfo"], ("name", "version"))
        if connection.is_initialized:
            raise Refusal("Already initialized")
        self.settle_initialize(connection, params)
        status = {
            "status": "disabled",
            "serverName": "host",
            "installationId": "00000000-0000-4000-8000-000000000000",
            "environmentId": None,
        }
        self._after.append(lambda: self._state.deliver([connection], "remoteControl/status/changed", status))
        return make_initialize_result(params)

    def _thread_start(self, connection: ServerConnection, params: Message) -> Message:
        thread = ServedThread(
            self._state.new_uuid(),
            self._state.now_ms(),
            connection.client_name,
            cwd=params.get("cwd") or DEFAULT_CWD,
            model=params.get("model") or DEFAULT_MODEL,
            is_ephemeral=bool(params.get("ephemeral")),
        )
        return self._announce(connection, thread, params)

    def _announce(self, connection: ServerConnection, thread: ServedThread, params: Message) -> Message:
        self._state.threads[thread.id] = thread
        connection.subscriptions.add(thread.id)
        wire = thread.to_wire()
        self._after.append(lambda: self._state.broadcast("thread/started", {"thread": wire}))
        with_turns = bool(thread.turns) and not params.get("excludeTurns")
        return {
            "thread": thread.to_wire(with_turns=with_turns),
            **make_thread_settings(params, thread.cwd, thread.model),
        }

    def _thread_resume(self, connection: ServerConnection, params: Message) -> Message:
        thread = self._on_disk(params)
        has_turns = bool(thread.turns) and not thread.is_ephemeral
        if not has_turns and thread.id not in connection.subscriptions:
            raise _no_rollout(thread.id)
        if thread.is_archived:
            advice = f"Run `codex unarchive {thread.id}` to unarchive it first."
            raise Refusal(f"session {thread.id} is archived. {advice}")
        wanted_page = params.get("initialTurnsPage")
        page = thread.turns_page(wanted_page) if wanted_page else None
        with_turns = not params.get("excludeTurns")
        if with_turns:
            _require_history(thread, "list_turns")
            self._state.deliver([connection], "deprecationNotice", {"summary": HISTORY_NOTICE, "details": None})
        if not thread.is_loaded:
            thread.is_loaded, thread.status = True, {"type": "idle"}
        connection.subscriptions.add(thread.id)
        self._after.append(lambda: self._after_resume(connection, thread))
        return {
            "thread": thread.to_wire(with_turns=with_turns),
            **make_thread_settings({}, thread.cwd, thread.model),
            "collaborationMode": make_collaboration_mode(thread.model),
            "initialTurnsPage": page,
            "turnsBackwardsCursor": thread.turns_page({"limit": 1})["backwardsCursor"],
            "itemsBackwardsCursor": thread.items_page({"limit": 1, "sortDirection": "desc"})["backwardsCursor"],
        }

    def _after_resume(self, connection: ServerConnection, thread: ServedThread) -> None:
        if thread.model_calls:
            self._state.publish_usage(thread, thread.turns[-1], [connection])
        self._state.broadcast("thread/goal/cleared", {"threadId": thread.id})
        if thread.running is not None and thread.running.ask is not None:
            connection.send_bytes(thread.running.ask.raw)

    def _thread_fork(self, connection: ServerConnection, params: Message) -> Message:
        source = self._on_disk(params)
        if not source.turns:
            raise _no_rollout(source.id)
        fork = ServedThread(
            self._state.new_uuid(), self._state.now_ms(), connection.client_name, source.cwd, source.model
        )
        fork.forked_from, fork.name, fork.model_calls = source.id, source.name, source.model_calls
        fork.last_ordinal = source.last_ordinal
        for turn in source.turns:
            copy = ServedTurn(turn.id, turn.ordinal, deque(), turn.input_params, turn.owner)
            copy.status = "interrupted" if turn.status == "inProgress" else turn.status
            copy.error, copy.items = turn.error, list(turn.items)
            copy.started_ms, copy.completed_ms = turn.started_ms, turn.completed_ms
            fork.turns.append(copy)
            if turn.id == params.get("lastTurnId"):
                break
        return self._announce(connection, fork, params)

    def _thread_read(self, connection: ServerConnection, params: Message) -> Message:
        thread = self._readable(params)
        with_turns = bool(params.get("includeTurns"))
        if with_turns:
            if thread.is_ephemeral:
                raise Refusal("ephemeral threads do not support includeTurns")
            _require_history(thread, "list_turns")
            self._state.deliver([connection], "deprecationNotice", {"summary": HISTORY_NOTICE, "details": None})
        unread = {"type": "turn", "turnId": thread.turns[0].id} if thread.turns else None
        read_state = {"firstUnread": unread, "revision": self._state.new_uuid()}
        return {"thread": thread.to_wire(with_turns=with_turns), "readState": read_state}

    def _thread_list(self, connection: ServerConnection, params: Message) -> Message:
        is_archived = bool(params.get("archived"))
        kept = [t for t in self._state.threads.values() if t.turns and not t.is_ephemeral]
        found = [t.to_wire() for t in reversed(kept) if t.is_archived == is_archived]
        start = int(params.get("cursor") or 0)
        limit = max(1, params.get("limit") or 25)
        has_more = len(found) > start + limit
        return {
            "data": found[start : start + limit],
            "readStates": {},
            "nextCursor": str(start + limit) if has_more else None,
            "backwardsCursor": str(start) if found else None,
        }

    def _turns_list(self, connection: ServerConnection, params: Message) -> Message:
        thread = self._readable(params)
        if thread.is_ephemeral:
            raise Refusal("ephemeral threads do not support thread/turns/list")
        _require_history(thread, "list_turns")
        return thread.turns_page(params)

    def _items_list(self, connection: ServerConnection, params: Message) -> Message:
        thread = self._readable(params)
        _require_history(thread, "thread/items/list")
        return thread.items_page(params)

    def _thread_unsubscribe(self, connection: ServerConnection, params: Message) -> Message:
        thread_id = self._thread_id(params)
        if thread_id not in self._state.threads or not self._state.threads[thread_id].is_loaded:
            return {"status": "notLoaded"}
        if thread_id not in connection.subscriptions:
            return {"status": "notSubscribed"}
        connection.subscriptions.remove(thread_id)
        return {"status": "unsubscribed"}

    def _thread_archive(self, connection: ServerConnection, params: Message) -> Message:
        thread = self._on_disk(params)
        if thread.is_archived:
            raise _no_rollout(thread.id)
        if thread.running is not None:
            self._state.end_turn(thread, "interrupted")
        thread.is_archived, thread.is_loaded = True, False
        self._after.append(lambda: self._state.set_status(thread, "notLoaded"))
        self._after.append(lambda: self._state.broadcast("thread/archived", {"threadId": thread.id}))
        return {}

    def _thread_unarchive(self, connection: ServerConnection, params: Message) -> Message:
        thread = self._on_disk(params)
        thread.is_archived = False
        self._after.append(lambda: self._state.broadcast("thread/unarchived", {"threadId": thread.id}))
        return {"thread": thread.to_wire()}

    def _thread_delete(self, connection: ServerConnection, params: Message) -> Message:
        thread = self._on_disk(params)
        if thread.running is not None:
            self._state.end_turn(thread, "interrupted")
        del self._state.threads[thread.id]
        self._after.append(lambda: self._state.broadcast("thread/deleted", {"threadId": thread.id}))
        return {}

    def _thread_name_set(self, connection: ServerConnection, params: Message) -> Message:
        thread = self._on_disk(params)
        if not params["name"]:
            raise Refusal("thread name must not be empty")
        thread.name = params["name"]
        named = {"threadId": thread.id, "threadName": thread.name}
        self._after.append(lambda: self._state.broadcast("thread/name/updated", named))
        return {}

    def _turn_start(self, connection: ServerConnection, params: Message) -> Message:
        thread = self._loaded(params)
        if thread.running is not None:
            self._steer(thread.running, params)
            return {"turn": thread.running.to_wire("notLoaded")}
        steps = deque(self._scripts.of_turn(text_of(params["input"])))
        turn = ServedTurn(self._state.new_uuid(), thread.next_ordinal(), steps, [params], connection)
        thread.turns.append(turn)
        thread.running = turn
        player = self._players[turn] = TurnPlayer(self._state, thread, turn)
        if self._state.nursery is None:
            connection.start(player.play)
        else:
            self._state.nursery.start_soon(player.play)
        return {"turn": turn.to_wire("notLoaded")}

    def _steer(self, turn: ServedTurn, params: Message) -> None:
        steps = self._scripts.of_prompt(text_of(params["input"]))
        self._after.append(lambda: self._players[turn].steer(params, None if steps is None else list(steps)))

    def _turn_steer(self, connection: ServerConnection, params: Message) -> Message:
        thread = self._loaded(params)
        turn, expected = thread.running, params["expectedTurnId"]
        if turn is None:
            raise Refusal("no active turn to steer")
        if expected != turn.id:
            raise Refusal(f"expected active turn id `{expected}` but found `{turn.id}`")
        if not params["input"]:
            raise Refusal("input must not be empty")
        self._steer(turn, params)
        return {"turnId": turn.id}

    def _turn_interrupt(self, connection: ServerConnection, params: Message) -> Message:
        thread = self._loaded(params)
        turn, wanted = thread.running, params["turnId"]
        if turn is not None and not turn.is_echoed and not wanted:
            turn.is_interrupt_due = True
            return {}
        if turn is None or not turn.is_echoed:
            if wanted:
                raise Refusal("no active turn to interrupt")
            return {}
        if wanted and wanted != turn.id:
            raise Refusal(f"expected active turn id {wanted} but found {turn.id}")
        self._after.append(lambda: self._interrupt(thread, turn))
        return {}

    def _interrupt(self, thread: ServedThread, turn: ServedTurn) -> None:
        if thread.running is turn:
            self._state.end_turn(thread, "interrupted")

    def _thread_id(self, params: Mapping[str, Any]) -> str:
        thread_id = params["threadId"]
        try:
            uuid.UUID(thread_id)
        except (ValueError, AttributeError, TypeError):
            found = next((c for c in str(thread_id) if c not in "0123456789abcdefABCDEF-"), " ")
            raise Refusal(
                "invalid thread id: invalid character: expected an optional prefix of `urn:uuid:` "
                f"followed by [0-9a-fA-F-], found `{found}` at {str(thread_id).find(found) + 1}"
            ) from None
        return str(thread_id)

    def _loaded(self, params: Mapping[str, Any]) -> ServedThread:
        thread = self._state.threads.get(self._thread_id(params))
        if thread is None or not thread.is_loaded:
            raise Refusal(f"thread not found: {params['threadId']}")
        return thread

    def _readable(self, params: Mapping[str, Any]) -> ServedThread:
        thread = self._state.threads.get(self._thread_id(params))
        if thread is None:
            raise Refusal(f"thread not loaded: {params['threadId']}")
        return thread

    def _on_disk(self, params: Mapping[str, Any]) -> ServedThread:
        thread = self._state.threads.get(self._thread_id(params))
        if thread is None:
            raise _no_rollout(params["threadId"])
        return thread


def _require(params: object, names: Sequence[str]) -> None:
    for name in names:
        if not isinstance(params, Mapping) or name not in params:
            raise Refusal(f"Invalid request: missing field `{name}`")


def _require_history(thread: ServedThread, what: str) -> None:
    if not thread.turns:
        raise Refusal(f"{what} is not supported yet", code=-32601)


def _no_rollout(thread_id: str) -> Refusal:
    return Refusal(f"no rollout found for thread id {thread_id}")
