"""Every name of the wire that we use, once."""

from __future__ import annotations

from typing import Final

INITIALIZE: Final = "initialize"
INITIALIZED: Final = "initialized"

THREAD_START: Final = "thread/start"
THREAD_RESUME: Final = "thread/resume"
THREAD_UNSUBSCRIBE: Final = "thread/unsubscribe"
THREAD_FORK: Final = "thread/fork"
THREAD_READ: Final = "thread/read"
THREAD_TURNS_LIST: Final = "thread/turns/list"
TURN_START: Final = "turn/start"
TURN_INTERRUPT: Final = "turn/interrupt"

# Methods whose answer has a thread that the connection is subscribed to from then on.
SUBSCRIBING: Final = frozenset({THREAD_START, THREAD_RESUME, THREAD_FORK})

TURN_STARTED: Final = "turn/started"
TURN_COMPLETED: Final = "turn/completed"
ITEM_STARTED: Final = "item/started"
ITEM_COMPLETED: Final = "item/completed"
ERROR: Final = "error"
TOKEN_USAGE_UPDATED: Final = "thread/tokenUsage/updated"
THREAD_STATUS_CHANGED: Final = "thread/status/changed"
THREAD_CLOSED: Final = "thread/closed"

# Pieces of items that are told whole in item/completed (names as of codex 0.169, from the schema and from traces).
DELTAS: Final = frozenset(
    {
        "item/agentMessage/delta",
        "item/commandExecution/outputDelta",
        "item/commandExecution/terminalInteraction",
        "item/fileChange/outputDelta",
        "item/fileChange/patchUpdated",
        "item/mcpToolCall/progress",
        "item/plan/delta",
        "item/reasoning/summaryPartAdded",
        "item/reasoning/summaryTextDelta",
        "item/reasoning/textDelta",
    }
)

# JSON-RPC error codes.
METHOD_NOT_FOUND: Final = -32601
INVALID_REQUEST: Final = -32600
INTERNAL_ERROR: Final = -32603
OVERLOADED: Final = -32001
