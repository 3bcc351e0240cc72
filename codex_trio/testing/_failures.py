"""How codex words the failures of its model. Builds values; must never keep state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import msgspec

from ._steps import Fail


@dataclass(frozen=True, slots=True)
class Failure:
    """What makes codex tell a `codexErrorInfo`: the model's error code, and the words that codex puts for it."""

    code: str
    wording: str


# Seen with 0.163 and 0.169. `{}` is what the model said.
FAILURES = {
    "other": Failure("invalid_prompt", "{}"),
    "cyberPolicy": Failure("cyber_policy", "{}"),
    "contextWindowExceeded": Failure(
        "context_length_exceeded",
        "Codex ran out of room in the model's context window. Start a new thread or clear earlier history before "
        "retrying.",
    ),
    "usageLimitExceeded": Failure("insufficient_quota", "Quota exceeded. Check your plan and billing details."),
    "rateLimitExceeded": Failure("rate_limit_exceeded", "rate limit exceeded: {}"),
    "serverOverloaded": Failure("server_is_overloaded", "Selected model is at capacity. Please try a different model."),
}
_PHRASES = {
    **{status.value: status.phrase for status in HTTPStatus},
    413: "Payload Too Large",  # these are worded in another way by some Pythons
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    418: "I'm a teapot",
    422: "Unprocessable Entity",
}
_BUSY = "We\u2019re currently experiencing high demand, which may cause temporary errors."
_MODEL_URL = "http://127.0.0.1/v1/responses"


def make_http_error(message: str) -> dict[str, Any]:
    """Return the ``error`` of an HTTP error of the model's own."""
    return {"message": message, "type": "scripted", "code": None}


def dump_http_error(error: Mapping[str, Any]) -> str:
    """Return the body of an HTTP error of the model."""
    return msgspec.json.encode({"error": error}).decode()


def make_failure(step: Fail) -> dict[str, Any]:
    """Return the error of the turn that a step fails."""
    if step.http_status is not None:
        return make_error(*_http_failure(step.http_status, step.message))
    known = FAILURES.get(step.error_info) if isinstance(step.error_info, str) else None
    return make_error(step.message if known is None else known.wording.format(step.message), step.error_info)


def make_error(message: str, info: Any, details: str | None = None) -> dict[str, Any]:
    """Return a turn's error, as `error` and `turn/completed` carry it."""
    return {"message": message, "codexErrorInfo": info, "additionalDetails": details, "misalignment": None}


def _http_failure(status: int, message: str) -> tuple[str, Any]:
    phrase = f"{status} {_PHRASES.get(status, '<unknown status code>')}"
    match status:
        case 400:
            return dump_http_error(make_http_error(message)), "other"
        case 429:
            told = f"exceeded retry limit, last status: {phrase}"
            return told, {"responseTooManyFailedAttempts": {"httpStatusCode": status}}
        case 500:
            return _BUSY, "internalServerError"
    told = f"unexpected status {phrase}: {message}, url: {_MODEL_URL}"
    return told, {"httpConnectionFailed": {"httpStatusCode": status}}
