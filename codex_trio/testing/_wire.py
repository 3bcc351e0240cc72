"""Wire shapes of codex 0.169, as its recorded traffic shows them. Builds values and bytes; must never keep state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

Message = dict[str, Any]

VERSION = "0.169.0"
EPOCH_MS = 1_795_000_000_000
DEFAULT_CWD = "/project"
DEFAULT_MODEL = "scripted-model"

HISTORY_NOTICE = (
    "Full-history hydration is deprecated for paginated threads; use `excludeTurns: true`, "
    "then page with `thread/turns/list` and `thread/items/list`."
)
_ENCODER = msgspec.json.Encoder()


class Refusal(Exception):  # noqa: N818  what the server answers, not what goes wrong in the test
    """An error answer to a request.

    Args:
        message: The message of the answer.
        code: The JSON-RPC error code.
        data: Goes along unchanged, if given.
    """

    def __init__(self, message: str, *, code: int = -32600, data: Any = None) -> None:
        super().__init__(message)
        self.error: Message = {"code": code, "message": message}
        if data is not None:
            self.error["data"] = data


def dump_message(message: Mapping[str, Any]) -> bytes:
    """Return one message as the bytes of one line, without its ending."""
    return _ENCODER.encode(message)


def dump_notification(method: str, params: Mapping[str, Any], now_ms: int) -> bytes:
    """Return a notification with its `emittedAtMs`."""
    return _ENCODER.encode({"method": method, "params": params, "emittedAtMs": now_ms})


def dump_deltas(method: str, params: Mapping[str, Any], deltas: Sequence[str], now_ms: int) -> Iterator[bytes]:
    """Yield one notification for each delta; a hundred thousand of them take a tenth of a second."""
    head, tail = dump_notification(method, {**params, "delta": "\0"}, now_ms).split(b'"\\u0000"')
    encode = _ENCODER.encode
    for delta in deltas:
        yield head + encode(delta) + tail


def cut_into_pieces(text: str, pieces: int | None) -> list[str]:
    """Cut `text` into words with their trailing space, or into `pieces` parts of about one length, some empty."""
    if pieces is None:
        words = text.split(" ")
        return [word for word in [*(word + " " for word in words[:-1]), words[-1]] if word]
    length = len(text)
    return [text[i * length // pieces : (i + 1) * length // pieces] for i in range(pieces)]


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


def text_of(user_input: Sequence[Mapping[str, Any]]) -> str:
    """Return the text items of a turn's input, one a line."""
    return "\n".join(str(item["text"]) for item in user_input if item.get("type") == "text")


def make_user_message(item_id: str, params: Mapping[str, Any], now_ms: int) -> Message:
    """Return the `userMessage` item that echoes the input of a turn."""
    content = [{**item, "text_elements": []} if item.get("type") == "text" else dict(item) for item in params["input"]]
    return {
        "type": "userMessage",
        "id": item_id,
        "clientId": params.get("clientUserMessageId"),
        "content": content,
        "startedAtMs": now_ms,
        "completedAtMs": None,
    }


def make_agent_message(item_id: str, phase: str | None, now_ms: int) -> Message:
    """Return an `agentMessage` item that has just started."""
    return {
        "type": "agentMessage",
        "moderation": None,
        "id": item_id,
        "text": "",
        "phase": phase,
        "memoryCitation": None,
        "delivery": None,
        "questions": None,
        "startedAtMs": now_ms,
        "completedAtMs": None,
    }


def make_reasoning(item_id: str, now_ms: int) -> Message:
    """Return a `reasoning` item that has just started."""
    return {
        "type": "reasoning",
        "id": item_id,
        "summary": [],
        "content": [],
        "startedAtMs": now_ms,
        "completedAtMs": None,
    }


def make_command(item_id: str, command: str, cwd: str, now_ms: int) -> Message:
    """Return a `commandExecution` item that nobody has allowed or run yet."""
    return {
        "type": "commandExecution",
        "id": item_id,
        "pluginId": None,
        "scriptPath": None,
        "command": f"/bin/bash -lc '{command}'",
        "cwd": cwd,
        "processId": None,
        "source": "agent",
        "status": "inProgress",
        "commandActions": [{"type": "unknown", "command": command}],
        "aggregatedOutput": None,
        "exitCode": None,
        "durationMs": None,
        "startedAtMs": now_ms,
        "completedAtMs": None,
    }


def make_approval(item: Mapping[str, Any], command: str) -> Message:
    """Return the params of the request to approve a `commandExecution` item; thread and turn are to be added."""
    amendment = command.split()
    return {
        "kind": "command",
        "itemId": item["id"],
        "startedAtMs": item["startedAtMs"],
        "environmentId": "local",
        "reason": "ok?",
        "command": item["command"],
        "cwd": item["cwd"],
        "commandActions": item["commandActions"],
        "proposedExecpolicyAmendment": amendment,
        "availableDecisions": [
            "accept",
            {"acceptWithExecpolicyAmendment": {"execpolicy_amendment": amendment}},
            "cancel",
        ],
    }


def make_error(message: str, info: Any, details: str | None = None) -> Message:
    """Return a turn's error, as `error` and `turn/completed` carry it."""
    return {"message": message, "codexErrorInfo": info, "additionalDetails": details, "misalignment": None}


def error_info_of_status(http_status: int) -> Any:
    """Return the `codexErrorInfo` that the server makes of an HTTP status of the model."""
    known: dict[int, Any] = {
        400: "other",
        429: {"responseTooManyFailedAttempts": {"httpStatusCode": 429}},
        500: "internalServerError",
        503: "serverOverloaded",
    }
    return known.get(http_status, {"httpConnectionFailed": {"httpStatusCode": http_status}})


def make_usage(model_calls: int) -> Message:
    """Return the `tokenUsage` of a thread after so many turns."""

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


def make_thread_settings(params: Mapping[str, Any], cwd: str, model: str) -> Message:
    """Return what the answers to `thread/start`, `thread/resume` and `thread/fork` carry beside the thread."""
    return {
        "model": model,
        "modelProvider": params.get("modelProvider") or "scripted",
        "serviceTier": None,
        "disabledPluginIds": [],
        "cwd": cwd,
        "runtimeWorkspaceRoots": [cwd],
        "instructionSources": [],
        "approvalPolicy": params.get("approvalPolicy") or "on-request",
        "approvalsReviewer": "user",
        "sandbox": {"type": "readOnly", "networkAccess": False},
        "activePermissionProfile": None,
        "reasoningEffort": None,
        "multiAgentMode": "explicitRequestOnly",
    }


def make_collaboration_mode(model: str) -> Message:
    """Return what the answer to `thread/resume` says about it."""
    settings = {"model": model, "reasoning_effort": None, "developer_instructions": None}
    return {"mode": "default", "settings": settings}


def make_initialize_result(params: Mapping[str, Any]) -> Message:
    """Return the answer to `initialize`: no version but in the user agent."""
    client = params["clientInfo"]
    agent = f"{client['name']}/{VERSION} (Linux; x86_64) xterm ({client['name']}; {client['version']})"
    return {"userAgent": agent, "codexHome": "/codex-home", "platformFamily": "unix", "platformOs": "linux"}
