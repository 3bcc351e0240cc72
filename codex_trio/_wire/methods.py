"""Names of methods, and error codes."""

from __future__ import annotations

from typing import Final, Literal, get_args

INITIALIZE: Final = "initialize"
INITIALIZED: Final = "initialized"

THREAD_START: Final = "thread/start"
THREAD_RESUME: Final = "thread/resume"
THREAD_UNSUBSCRIBE: Final = "thread/unsubscribe"
THREAD_FORK: Final = "thread/fork"
THREAD_READ: Final = "thread/read"
THREAD_TURNS_LIST: Final = "thread/turns/list"
THREAD_LIST: Final = "thread/list"
THREAD_LOADED_LIST: Final = "thread/loaded/list"
THREAD_ITEMS_LIST: Final = "thread/items/list"
THREAD_NAME_SET: Final = "thread/name/set"
THREAD_ARCHIVE: Final = "thread/archive"
THREAD_UNARCHIVE: Final = "thread/unarchive"
THREAD_DELETE: Final = "thread/delete"
THREAD_REVERT: Final = "thread/revert"
THREAD_COMPACT_START: Final = "thread/compact/start"
THREAD_SHELL_COMMAND: Final = "thread/shellCommand"
THREAD_TERMINALS_CLEAN: Final = "thread/backgroundTerminals/clean"
MODEL_LIST: Final = "model/list"
ACCOUNT_READ: Final = "account/read"
ACCOUNT_LOGIN_START: Final = "account/login/start"
ACCOUNT_LOGIN_CANCEL: Final = "account/login/cancel"
ACCOUNT_LOGIN_COMPLETED: Final = "account/login/completed"
ACCOUNT_LOGOUT: Final = "account/logout"
CONFIG_READ: Final = "config/read"
CONFIG_VALUE_WRITE: Final = "config/value/write"
COMMAND_EXEC: Final = "command/exec"
COMMAND_EXEC_WRITE: Final = "command/exec/write"
COMMAND_EXEC_TERMINATE: Final = "command/exec/terminate"
COMMAND_EXEC_OUTPUT: Final = "command/exec/outputDelta"
REVIEW_START: Final = "review/start"
TURN_START: Final = "turn/start"
TURN_STEER: Final = "turn/steer"
TURN_INTERRUPT: Final = "turn/interrupt"

# Methods that subscribe the connection to the thread in the response.
SUBSCRIBING: Final = frozenset({THREAD_START, THREAD_RESUME, THREAD_FORK})

# Methods that end the subscription to a thread.
UNSUBSCRIBING: Final = frozenset({THREAD_UNSUBSCRIBE, THREAD_DELETE})

TURN_STARTED: Final = "turn/started"
TURN_COMPLETED: Final = "turn/completed"
ITEM_STARTED: Final = "item/started"
ITEM_COMPLETED: Final = "item/completed"
ERROR: Final = "error"
PLAN_UPDATED: Final = "turn/plan/updated"
DIFF_UPDATED: Final = "turn/diff/updated"
TOKEN_USAGE_UPDATED: Final = "thread/tokenUsage/updated"
THREAD_STATUS_CHANGED: Final = "thread/status/changed"
THREAD_CLOSED: Final = "thread/closed"

TEXT_DELTA: Final = "item/agentMessage/delta"
SUMMARY_DELTA: Final = "item/reasoning/summaryTextDelta"
REASONING_DELTA: Final = "item/reasoning/textDelta"
OUTPUT_DELTA: Final = "item/commandExecution/outputDelta"
PATCH_UPDATED: Final = "item/fileChange/patchUpdated"

# Deltas: parts of items that item/completed repeats in full (names from the schema and from recordings of codex 0.169).
# Only the ids of the methods of this type are parsed.
DeltaMethod = Literal[
    "item/agentMessage/delta",
    "item/commandExecution/outputDelta",
    "item/commandExecution/terminalInteraction",
    "item/fileChange/outputDelta",
    "item/mcpToolCall/progress",
    "item/plan/delta",
    "item/reasoning/summaryPartAdded",
    "item/reasoning/summaryTextDelta",
    "item/reasoning/textDelta",
]
DELTAS: Final[frozenset[str]] = frozenset({*get_args(DeltaMethod), PATCH_UPDATED})

# JSON-RPC error codes.
METHOD_NOT_FOUND: Final = -32601
INVALID_REQUEST: Final = -32600
INTERNAL_ERROR: Final = -32603
OVERLOADED: Final = -32001
