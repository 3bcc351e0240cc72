"""Wire shapes of codex 0.171, as recorded. This module builds values and bytes, and must never keep state."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from ._steps import AskQuestion

Message = dict[str, Any]

VERSION = "0.171.0"
EPOCH_MS = 1_795_000_000_000
DEFAULT_CWD = "/project"
DEFAULT_MODEL = "scripted"

_HISTORY_NOTICE = (
    "Full-history hydration is deprecated for paginated threads; {}, then page with `thread/turns/list` and "
    "`thread/items/list`."
)
RESUME_NOTICE = _HISTORY_NOTICE.format("use `excludeTurns: true`")
READ_NOTICE = _HISTORY_NOTICE.format("omit `includeTurns` or set it to `false`")
_ENCODER = msgspec.json.Encoder()


class RpcError(Exception):
    """An error response to a request. Raise it in the callable of `ScriptedAppServer.reply`.

    Args:
        message: The error message.
        code: The JSON-RPC error code.
        data: The error's ``data``; left out if `None`.

    Example:
        ``raise RpcError("no such item", code=-32602)``
    """

    def __init__(self, message: str, *, code: int = -32600, data: Any = None) -> None:
        super().__init__(message)
        self.error: Message = {"code": code, "message": message}
        if data is not None:
            self.error["data"] = data


def dump_message(message: Mapping[str, Any]) -> bytes:
    """Encode one message as one line, without the line feed."""
    return _ENCODER.encode(message)


def dump_notification(method: str, params: Mapping[str, Any], now_ms: int) -> bytes:
    """Return a notification with its `emittedAtMs`."""
    return _ENCODER.encode({"method": method, "params": params, "emittedAtMs": now_ms})


def dump_deltas(method: str, params: Mapping[str, Any], deltas: Sequence[str], now_ms: int) -> Iterator[bytes]:
    """Yield one notification for each delta. Fast: 100,000 of them take 0.1 s."""
    head, tail = dump_notification(method, {**params, "delta": "\0"}, now_ms).split(b'"\\u0000"')
    encode = _ENCODER.encode
    for delta in deltas:
        yield head + encode(delta) + tail


def split_text(text: str, pieces: int | None) -> list[str]:
    """Split text into `pieces` parts of about equal length (fewer if the text is shorter), or one part per word."""
    if pieces is None:
        return re.findall(r"\s*\S+\s*\Z|\s*\S+|\s+", text)
    length = len(text)
    parts = (text[i * length // pieces : (i + 1) * length // pieces] for i in range(pieces))
    return [part for part in parts if part]


def fill_in(value: Any, replacements: Mapping[str, str]) -> Any:
    """Replace placeholders in every string of a JSON value."""
    if isinstance(value, str):
        for placeholder, text in replacements.items():
            value = value.replace(placeholder, text)
        return value
    if isinstance(value, Mapping):
        return {fill_in(key, replacements): fill_in(item, replacements) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [fill_in(item, replacements) for item in value]
    return value


def text_of(user_input: object) -> str:
    """Return the text items of a turn's input, one per line. Invalid input has no text."""
    parts = [part for part in user_input if isinstance(part, Mapping)] if isinstance(user_input, list) else []
    return "\n".join(str(part["text"]) for part in parts if part.get("type") == "text" and "text" in part)


def make_usage(model_calls: int) -> Message:
    """Return the `tokenUsage` of a thread after this number of model calls."""

    def count(times: int) -> Message:
        return {
            "totalTokens": 15 * times,
            "inputTokens": 10 * times,
            "cachedInputTokens": 2 * times,
            "cacheWriteInputTokens": 0,
            "outputTokens": 5 * times,
            "reasoningOutputTokens": 3 * times,
        }

    return {"total": count(model_calls), "last": count(1), "modelContextWindow": 258400}


def make_rate_limits() -> Message:
    """Return the params of `account/rateLimits/updated` of a server without an account."""
    names = "limitName normalModelSlug primary secondary credits individualLimit spendControlReached planType"
    limits: Message = {"limitId": "codex", **dict.fromkeys(names.split()), "rateLimitReachedType": None}
    return {"rateLimits": limits}


def make_initialize_result(params: Mapping[str, Any]) -> Message:
    """Return the result of `initialize`. Only the user agent contains the version."""
    client = params["clientInfo"]
    agent = f"{client['name']}/{VERSION} (Linux; x86_64) xterm ({client['name']}; {client['version']})"
    return {"userAgent": agent, "codexHome": "/codex-home", "platformFamily": "unix", "platformOs": "linux"}


def default_reason(command: str) -> str:
    """Return the default reason for running a command outside the sandbox."""
    return f"May I run {command}?"


def make_question(step: AskQuestion) -> Message:
    """Return a question as the model sends it."""
    options = [{"label": label, "description": description} for label, description in step.options.items()]
    return {"id": step.question_id, "header": step.header, "question": step.question, "options": options}
