"""The errors that codex reports for failures of its model. Builds values; must never keep state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import msgspec

from ._steps import Fail


@dataclass(frozen=True, slots=True)
class ModelError:
    """The model's error code that leads to a `codexErrorInfo`, and the message that codex reports for it."""

    code: str
    message: str


# As seen with 0.163 and 0.169. `{}` stands for the model's message.
MODEL_ERRORS = {
    "other": ModelError("invalid_prompt", "{}"),
    "cyberPolicy": ModelError("cyber_policy", "{}"),
    "contextWindowExceeded": ModelError(
        "context_length_exceeded",
        "Codex ran out of room in the model's context window. Start a new thread or clear earlier history before "
        "retrying.",
    ),
    "usageLimitExceeded": ModelError("insufficient_quota", "Quota exceeded. Check your plan and billing details."),
    "rateLimitExceeded": ModelError("rate_limit_exceeded", "rate limit exceeded: {}"),
    "serverOverloaded": ModelError(
        "server_is_overloaded", "Selected model is at capacity. Please try a different model."
    ),
}
_PHRASES = {
    **{status.value: status.phrase for status in HTTPStatus},
    413: "Payload Too Large",  # the phrases of these differ between Python versions
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    418: "I'm a teapot",
    422: "Unprocessable Entity",
}
_BUSY = "We\u2019re currently experiencing high demand, which may cause temporary errors."
_MODEL_URL = "http://127.0.0.1/v1/responses"


def make_http_error(message: str) -> dict[str, Any]:
    """Return the ``error`` of an HTTP error response of the scripted model."""
    return {"message": message, "type": "scripted", "code": None}


def dump_http_error(error: Mapping[str, Any]) -> str:
    """Return the body of an HTTP error response of the model."""
    return msgspec.json.encode({"error": error}).decode()


def make_failure(step: Fail) -> dict[str, Any]:
    """Return the turn's error for a `fail` step."""
    if step.http_status is not None:
        return make_error(*_http_failure(step.http_status, step.message))
    known = MODEL_ERRORS.get(step.error_info) if isinstance(step.error_info, str) else None
    return make_error(step.message if known is None else known.message.format(step.message), step.error_info)


def make_error(message: str, info: Any, details: str | None = None) -> dict[str, Any]:
    """Return a turn's error, as in `error` and `turn/completed`."""
    return {"message": message, "codexErrorInfo": info, "additionalDetails": details, "misalignment": None}


def _http_failure(status: int, message: str) -> tuple[str, Any]:
    phrase = f"{status} {_PHRASES.get(status, '<unknown status code>')}"
    match status:
        case 400:
            return dump_http_error(make_http_error(message)), "other"
        case 429:
            text = f"exceeded retry limit, last status: {phrase}"
            return text, {"responseTooManyFailedAttempts": {"httpStatusCode": status}}
        case 500:
            return _BUSY, "internalServerError"
    text = f"unexpected status {phrase}: {message}, url: {_MODEL_URL}"
    return text, {"httpConnectionFailed": {"httpStatusCode": status}}
