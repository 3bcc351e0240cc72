"""Requests from the server, and a default response to each that grants nothing and lets the turn continue."""

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

# These follow the schema of codex 0.163 and 0.169, and recordings show how the server handles them. `decline` works even
# if `availableDecisions` does not list it.
_DEFAULT_RESULTS: Final[dict[str, dict[str, Any]]] = {
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
    """A request from the server must be answered with a JSON-RPC error."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def default_response(method: str, *, unix_time: float) -> dict[str, Any]:
    """Return a result for `method` that grants nothing; for ``currentTime/read``, the time.

    Raises:
        RequestRejectedError: Only an error can decline this request: it asks for a token, or the method is unknown.
    """
    if method == CURRENT_TIME_READ:  # the turn fails if this is not answered within 10 s
        return {"currentTimeAt": int(unix_time)}
    result = _DEFAULT_RESULTS.get(method)
    if result is None:
        raise RequestRejectedError(METHOD_NOT_FOUND, f"this client does not answer {method}")
    return result


def dump_answers(answers: Mapping[str, str | Iterable[str]], asked: Iterable[str]) -> dict[str, Any]:
    """Return the result of ``item/tool/requestUserInput``.

    Args:
        answers: One text or several, by question id.
        asked: Ids of the questions.

    Raises:
        TypeError: An answer is of the wrong type. The message contains it.
        ValueError: An id is not the id of a question.
    """
    if not isinstance(answers, Mapping):
        raise TypeError(f"answers must map question ids to texts, not {answers!r}")
    asked = list(asked)
    if unknown := [key for key in answers if isinstance(key, str) and key not in asked]:
        raise ValueError(f"no question has the id {', '.join(map(repr, unknown))}; the ids are {asked!r}")
    return {
        "answers": {
            _checked_text(key, "a question's id"): {"answers": _checked_texts(value)} for key, value in answers.items()
        }
    }


def _checked_texts(value: str | Iterable[str]) -> list[str]:
    if isinstance(value, str):
        return [value]
    if not isinstance(value, Iterable) or isinstance(value, (bytes, Mapping)):
        raise TypeError(f"an answer must be a str or several, not {value!r}")
    return [_checked_text(text, "an answer") for text in value]


def _checked_text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, not {value!r}")
    return value
