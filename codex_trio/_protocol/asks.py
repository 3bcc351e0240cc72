"""What the server asks, and the safe answer to each: one that grants nothing and lets the turn go on."""

from __future__ import annotations

from typing import Any, Final

from .methods import METHOD_NOT_FOUND

CURRENT_TIME_READ: Final = "currentTime/read"

_DECLINED: Final = {"decision": "decline"}
_DENIED: Final = {"decision": "denied"}

# Shapes by the schema of codex 0.169; what the server makes of them is in its traces. `decline` works even where
# `availableDecisions` does not list it.
_REFUSALS: Final[dict[str, dict[str, Any]]] = {
    "item/commandExecution/requestApproval": _DECLINED,
    "item/fileChange/requestApproval": _DECLINED,
    "item/permissions/requestApproval": {"permissions": {}, "scope": "turn"},
    "item/tool/requestUserInput": {"answers": {}},
    "mcpServer/elicitation/request": {"action": "decline", "content": None},
    "item/tool/call": {
        "contentItems": [{"type": "inputText", "text": "This client has no such tool."}],
        "success": False,
    },
    "applyPatchApproval": _DENIED,
    "execCommandApproval": _DENIED,
}


class RefusedError(Exception):
    """A request of the server that is answered with a JSON-RPC error."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def safe_answer(method: str, *, unix_time: float) -> dict[str, Any]:
    """Return the result that refuses `method`, or tells the time.

    Raises:
        RefusedError: Only an error says no here: a token that we do not have, or a method that we do not know.
    """
    if method == CURRENT_TIME_READ:  # unanswered for 10 s, it fails the turn
        return {"currentTimeAt": int(unix_time)}
    refusal = _REFUSALS.get(method)
    if refusal is None:
        raise RefusedError(METHOD_NOT_FOUND, f"this client does not answer {method}")
    return refusal
