"""What the server asks, and the safe answer to each: one that grants nothing and lets the turn go on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from .methods import METHOD_NOT_FOUND

COMMAND_APPROVAL: Final = "item/commandExecution/requestApproval"
FILE_CHANGE_APPROVAL: Final = "item/fileChange/requestApproval"
PERMISSIONS_APPROVAL: Final = "item/permissions/requestApproval"
USER_INPUT: Final = "item/tool/requestUserInput"
ELICITATION: Final = "mcpServer/elicitation/request"
TOOL_CALL: Final = "item/tool/call"
CURRENT_TIME_READ: Final = "currentTime/read"

APPROVALS: Final = frozenset({COMMAND_APPROVAL, FILE_CHANGE_APPROVAL, PERMISSIONS_APPROVAL})

RESOLVED: Final = "serverRequest/resolved"

_DECLINED: Final = {"decision": "decline"}
_DENIED: Final = {"decision": {"denied": {"rejection": "This client refuses it."}}}
_NO_TOOL: Final = "This client has no such tool."

# Shapes by the schema of codex 0.163 and 0.169; what the server makes of them is in its traces. `decline` works even
# where `availableDecisions` does not list it.
_REFUSALS: Final[dict[str, dict[str, Any]]] = {
    COMMAND_APPROVAL: _DECLINED,
    FILE_CHANGE_APPROVAL: _DECLINED,
    PERMISSIONS_APPROVAL: {"permissions": {}, "scope": "turn"},
    USER_INPUT: {"answers": {}},
    ELICITATION: {"action": "decline", "content": None},
    TOOL_CALL: {"contentItems": [{"type": "inputText", "text": _NO_TOOL}], "success": False},
    "applyPatchApproval": _DENIED,
    "execCommandApproval": _DENIED,
}


class RequestRejectedError(Exception):
    """A request of the server that is answered with a JSON-RPC error."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def default_response(method: str, *, unix_time: float) -> dict[str, Any]:
    """Return the result that refuses `method`, or tells the time.

    Raises:
        RequestRejectedError: Only an error says no here: a token that we do not have, or a method that we do not know.
    """
    if method == CURRENT_TIME_READ:  # unanswered for 10 s, it fails the turn
        return {"currentTimeAt": int(unix_time)}
    refusal = _REFUSALS.get(method)
    if refusal is None:
        raise RequestRejectedError(METHOD_NOT_FOUND, f"this client does not answer {method}")
    return refusal


def dump_answers(answers: Mapping[str, str | Iterable[str]], asked: Iterable[str]) -> dict[str, Any]:
    """Return the result of `item/tool/requestUserInput`: answers by the question's id, one text or several.

    Raises:
        TypeError: They are not that; the message tells which.
        ValueError: One answers no question that was asked.
    """
    if not isinstance(answers, Mapping):
        raise TypeError(f"answers are texts by question id, not {answers!r}")
    asked = list(asked)
    if unknown := [key for key in answers if isinstance(key, str) and key not in asked]:
        raise ValueError(f"no question was asked by the id {', '.join(map(repr, unknown))}; there are {asked!r}")
    return {
        "answers": {
            _checked_text(key, "a question's id"): {"answers": _checked_texts(value)} for key, value in answers.items()
        }
    }


def _checked_texts(value: str | Iterable[str]) -> list[str]:
    if isinstance(value, str):
        return [value]
    if not isinstance(value, Iterable) or isinstance(value, (bytes, Mapping)):
        raise TypeError(f"an answer is a text or several, not {value!r}")
    return [_checked_text(one, "an answer") for one in value]


def _checked_text(value: object, what: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{what} is a text, not {value!r}")
    return value
