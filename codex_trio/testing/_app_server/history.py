"""Threads of the scripted app-server, with their turns and items, and pages of these."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import trio

from .._steps import Step
from .._wire_shapes import VERSION, Message, RpcError
from .items import set_command_end
from .settings import Settings

if TYPE_CHECKING:
    from .connection import PendingServerRequest, ServerConnection

ITEMS_VIEWS = ("notLoaded", "summary", "full")
AGENT_NICKNAME = "Ada"
_UNUSED_THREAD_FIELDS = (
    "extra",
    "attachedToThreadId",
    "section",
    "sectionEnteredAt",
    "projectId",
    "threadSource",
    "agentRole",
    "gitInfo",
    "daybreakEnabled",
)


@dataclass(eq=False)
class ServedTurn:
    """One turn, running or finished.

    Attributes:
        kind: User input, or another operation that the server runs as a turn.
        running_id: The turn's id while it runs. A review has a different id there than in its items and at its end.
        files: By path, the text of each changed file before the turn and now. `None` means that it does not exist.
        input_echoed: Whether the items of the user's input were published.
        is_interrupt_due: Whether to interrupt the turn as soon as it has started.
        is_forked: Whether the turn was copied from the thread that this one was forked from.
        is_lost: Whether a crash of the process ended the turn.
        has_called: Whether a call of the model was completed, so that the turn has token usage.
        usage_pending: Whether the model was called, and the usage of this call was not published yet.
        interrupt_announced: Whether the events that precede an interrupted turn's end were published.
        refusal: The ``error`` of the model's API for the turn's first request.
        asks: Server requests without a response.
        ended: Set when the turn has ended.
    """

    id: str
    ordinal: int
    steps: deque[Step]
    input_params: list[Message]
    owner: ServerConnection
    kind: Literal["input", "compact", "review", "shell"] = "input"
    status: str = "inProgress"
    error: Message | None = None
    items: list[tuple[int, Message]] = field(default_factory=list)
    started_ms: int | None = None
    completed_ms: int | None = None
    root_id: str | None = None
    running_id: str = ""
    files: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)
    input_echoed: bool = False
    is_interrupt_due: bool = False
    is_forked: bool = False
    is_lost: bool = False
    has_called: bool = False
    usage_pending: bool = False
    interrupt_announced: bool = False
    refusal: Message | None = None
    asks: list[PendingServerRequest] = field(default_factory=list)
    ended: trio.Event = field(default_factory=trio.Event)
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    step_scope: trio.CancelScope = field(default_factory=trio.CancelScope)

    def __post_init__(self) -> None:
        self.running_id = self.running_id or self.id

    def to_wire(self, view: str, items: Sequence[Message] = ()) -> Message:
        """Return the turn with these items, and with the view they are from (`itemsView`)."""
        duration = None
        if self.started_ms is not None and self.completed_ms is not None:
            duration = self.completed_ms - self.started_ms
        return {
            "id": self.id,
            "rootTurnId": self.root_id or self.id,
            "items": list(items),
            "itemsView": view,
            "status": self.status,
            "error": self.error,
            "startedAt": _seconds(self.started_ms),
            "completedAt": _seconds(self.completed_ms),
            "durationMs": duration,
        }

    def viewed(self, view: str) -> Message:
        """Return the turn as history shows it: with all items, with the first and last message, or with none."""
        items = [item for _, item in self.items]
        if view == "notLoaded":
            items = []
        elif view == "summary":
            items = [item for item in items if item["type"] == "userMessage"][:1] + self.last_message()
        return self.to_wire(view, items)

    def last_message(self) -> list[Message]:
        """Return the turn's final message in a list, or an empty list.

        As in codex, it is the last message that is not commentary, even if it is asynchronous.
        """
        messages = [item for _, item in self.items if item["type"] == "agentMessage"]
        return [item for item in messages if item["phase"] != "commentary"][-1:] or messages[-1:]


@dataclass(eq=False)
class Terminal:
    """A running command. It may outlive its turn.

    Attributes:
        item: The `commandExecution` item.
        command: The command line.
        output: The output so far.
        exit_code: The exit code once it exits.
        is_escalated: Whether it runs outside the sandbox because the user has approved it.
        exited: Set when its input makes it exit.
        completed: Set when its item is completed.
        scope: Cancel this scope to kill the command.
    """

    item: Message
    command: str
    output: str = ""
    exit_code: int = 0
    is_escalated: bool = False
    exited: trio.Event = field(default_factory=trio.Event)
    completed: trio.Event = field(default_factory=trio.Event)
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)

    def to_wire(self) -> Message:
        """Return the entry in `thread/backgroundTerminals/list`."""
        unknown = dict.fromkeys(("osPid", "cpuPercent", "rssKb"))
        known = {"itemId": self.item["id"], "processId": self.item["processId"], "cwd": self.item["cwd"]}
        return {**known, "command": self.command, **unknown}


@dataclass(eq=False)
class ServedThread:
    """One thread and its history.

    Attributes:
        tools: Namespace and name of each of the client's tools.
        tools_refusal: The ``error`` of the model's API for the schemas of these tools.
        approved: Commands, and paths of files, that do not need approval again in this process.
        terminals: The running commands, by item id.
        parent_id: For a sub-agent: the thread that started it.
        agent_path: For a named sub-agent: its path.
        is_stored: Whether the thread is on disk. It is stored with its first turn or name.
        history_requested: Whether the history was requested before the thread was stored.
        was_unloaded: Whether the thread was unloaded at least once.
        revision: The revision of the read state.
    """

    id: str
    created_ms: int
    originator: str
    settings: Settings
    tools: frozenset[tuple[str | None, str]] = frozenset()
    tools_refusal: Message | None = None
    is_ephemeral: bool = False
    is_loaded: bool = True
    is_archived: bool = False
    forked_from: str | None = None
    parent_id: str | None = None
    agent_path: str | None = None
    preview: str = ""
    name: str | None = None
    status: Message = field(default_factory=lambda: {"type": "idle"})
    turns: list[ServedTurn] = field(default_factory=list)
    running: ServedTurn | None = None
    model_calls: int = 0
    approved: set[str] = field(default_factory=set)
    terminals: dict[str, Terminal] = field(default_factory=dict)
    last_ordinal: int = 0
    is_stored: bool = False
    history_requested: bool = False
    was_unloaded: bool = False
    revision: str = ""

    def next_ordinal(self) -> int:
        """Return the next position in the history."""
        self.last_ordinal += 1
        return self.last_ordinal

    def to_wire(self, *, with_turns: bool = False) -> Message:
        """Return the thread, optionally with its full turns."""
        created = _seconds(self.created_ms)
        return {
            "id": self.id,
            "environments": self.settings.environments() if self.is_loaded else None,
            "sessionId": self.id,
            "forkedFromId": self.forked_from,
            "preview": self.preview,
            "ephemeral": self.is_ephemeral,
            "historyMode": "paginated",
            "modelProvider": self.settings.provider,
            "model": self.settings.model if self.is_loaded or self.turns else None,
            "reasoningEffort": self.settings.effort,
            "createdAt": created,
            "updatedAt": created,
            "recencyAt": created,
            "status": self.status if self.is_loaded else {"type": "notLoaded"},
            "path": None if self.is_ephemeral else f"/codex-home/sessions/rollout-{self.id}.jsonl",
            "cwd": self.settings.cwd,
            "cliVersion": VERSION,
            "originator": self.originator,
            "source": self._source(),
            "canAcceptDirectInput": True if self.is_loaded else None,
            "name": self.name,
            **dict.fromkeys(_UNUSED_THREAD_FIELDS),
            "parentThreadId": self.parent_id,
            "agentNickname": None if self.parent_id is None else AGENT_NICKNAME,
            "turns": [turn.viewed("full") for turn in self.turns] if with_turns else [],
        }

    def _source(self) -> str | Message:
        if self.parent_id is None:
            return "vscode"
        spawned = {"parent_thread_id": self.parent_id, "depth": 1, "agent_path": self.agent_path}
        return {"subAgent": {"thread_spawn": {**spawned, "agent_nickname": AGENT_NICKNAME, "agent_role": None}}}

    def count_call(self, turn: ServedTurn) -> None:
        """Count a completed call of the model."""
        self.model_calls += 1
        turn.has_called = True

    def die(self, now_ms: int, *, is_crash: bool) -> None:
        """Unload the thread when the process ends. After a crash, running commands are missing from the history."""
        for terminal in self.terminals.values():
            set_command_end(terminal.item, terminal.output, -1, now_ms)
            terminal.item["completedAtMs"] = now_ms
        lost = [terminal.item for terminal in self.terminals.values()] if is_crash else []
        self.end_terminals()
        self.terminals.clear()
        for turn in self.turns:
            turn.items = [(ordinal, item) for ordinal, item in turn.items if item not in lost]
        self.is_loaded, self.was_unloaded = False, True
        self.approved.clear()

    def end_terminals(self) -> None:
        """Kill the running commands."""
        for terminal in self.terminals.values():
            terminal.scope.cancel()

    def first_unread(self) -> Message | None:
        """Return the first unread turn: one with a final message, or a failed one."""
        known = [turn for turn in self.turns if not (turn.is_forked or turn.is_lost)]
        unread = [turn for turn in known if turn.last_message() or turn.status == "failed"]
        return {"type": "turn", "turnId": unread[0].id} if unread else None

    def read_state(self) -> Message:
        """Return the first unread turn, and the revision."""
        return {"firstUnread": self.first_unread(), "revision": self.revision or f"initial:{self.id}"}

    def turns_page(self, params: Mapping[str, Any]) -> Message:
        """Return a page of turns. The default order is newest first."""
        view = params.get("itemsView") or "summary"
        if view not in ITEMS_VIEWS:
            expected = ", ".join(f"`{name}`" for name in ITEMS_VIEWS)
            raise RpcError(f"Invalid request: unknown variant `{view}`, expected one of {expected}")
        entries = [(turn.ordinal, turn.viewed(view)) for turn in self.turns]
        return self._page(entries, params, scope="turns", direction="desc")

    def items_page(self, params: Mapping[str, Any]) -> Message:
        """Return a page of items, of one turn or of all. The default order is oldest first."""
        wanted = params.get("turnId")
        entries = [
            (ordinal, _item_entry(turn, item))
            for turn in self.turns
            if wanted is None or turn.id == wanted
            for ordinal, item in turn.items
        ]
        anchor = params.get("cursor")
        if isinstance(anchor, Mapping):
            params = {**params, "cursor": self._cursor_at(anchor, wanted, entries)}
        return self._page(entries, params, scope="itemsByCreatedAtOrdinal", direction="asc")

    def end_cursors(self) -> Message:
        """Return the cursors of the newest turn and of the newest item."""
        return {
            "turnsBackwardsCursor": self.turns_page({"limit": 1})["backwardsCursor"],
            "itemsBackwardsCursor": self.items_page({"limit": 1, "sortDirection": "desc"})["backwardsCursor"],
        }

    def _cursor_at(self, anchor: Mapping[str, Any], turn_id: object, entries: Sequence[tuple[int, Message]]) -> str:
        if anchor.get("type") != "item" or "itemId" not in anchor:
            raise RpcError("Invalid request: data did not match any variant of untagged enum ThreadItemsListCursor")
        if turn_id is None:
            raise RpcError("turnId is required when cursor is an item anchor", code=-32602)
        for ordinal, entry in entries:
            if entry["item"]["id"] == anchor["itemId"]:
                return self._cursor("itemsByCreatedAtOrdinal", ordinal, include_anchor=False)
        raise RpcError("cursor.itemId does not identify an item in the requested history scope", code=-32602)

    def _cursor(self, scope: str, ordinal: int, *, include_anchor: bool) -> str:
        cursor = {
            "requestedThreadId": self.id,
            "rolloutOrdinal": ordinal,
            "includeAnchor": include_anchor,
            "scope": {"kind": scope},
        }
        return json.dumps(cursor, separators=(",", ":"))

    def _page(
        self, entries: Sequence[tuple[int, Message]], params: Mapping[str, Any], *, scope: str, direction: str
    ) -> Message:
        limit = 25 if params.get("limit") is None else max(1, params["limit"])
        sign = -1 if (params.get("sortDirection") or direction) == "desc" else 1
        rest = sorted(entries, key=lambda entry: sign * entry[0])
        if params.get("cursor") is not None:
            ordinal, include_anchor = _parse_cursor(params["cursor"], scope)
            rest = [e for e in rest if sign * e[0] > sign * ordinal or (include_anchor and e[0] == ordinal)]
        page = rest[:limit]
        has_more = len(rest) > limit
        return {
            "data": [entry for _, entry in page],
            "nextCursor": self._cursor(scope, page[-1][0], include_anchor=False) if has_more else None,
            "backwardsCursor": self._cursor(scope, page[0][0], include_anchor=True) if page else None,
        }


def _parse_cursor(cursor: str, scope: str) -> tuple[int, bool]:
    try:
        parsed = json.loads(cursor)
        if parsed["scope"]["kind"] == scope:
            return int(parsed["rolloutOrdinal"]), bool(parsed["includeAnchor"])
    except (ValueError, TypeError, KeyError):
        pass
    raise RpcError(f"invalid cursor: {cursor}")


def _item_entry(turn: ServedTurn, item: Message) -> Message:
    times = {"startedAtMs": item["startedAtMs"], "completedAtMs": item["completedAtMs"]}
    return {"turnId": turn.id, "item": item, **times}


def _seconds(at_ms: int | None) -> int | None:
    return None if at_ms is None else at_ms // 1000
