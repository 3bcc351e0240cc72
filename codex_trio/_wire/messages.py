"""Lines to messages, and back. Reads the few fields that route a message; the rest stays as it came."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeGuard

import msgspec

from .._redaction import redact_strings
from ..errors import CodexProtocolError, CodexThreadNotFoundError
from .methods import ERROR, OVERLOADED, TURN_COMPLETED, DeltaMethod

RequestId = int | str


class MalformedMessageError(ValueError):
    """A line that is no message; it is to be skipped."""


class Notice(msgspec.Struct, frozen=True):
    """A notification of the server.

    Attributes:
        thread_id: ``threadId``, or the id of ``thread``; `None` if it has neither.
        turn_id: ``turnId``, or the id of ``turn``; `None` if it has neither.
        raw: The whole message.
        size: Of the message, in bytes.
    """

    method: str
    thread_id: str | None
    turn_id: str | None
    params: dict[str, Any]
    raw: dict[str, Any]
    size: int = 0


class ServerRequest(msgspec.Struct, frozen=True, weakref=True):
    """A request of the server. It wants exactly one answer."""

    id: RequestId
    method: str
    thread_id: str | None
    turn_id: str | None
    params: dict[str, Any]


class Response(msgspec.Struct, frozen=True):
    """The answer to a request of ours: `error` is `None` where it succeeded."""

    id: RequestId
    result: Any
    error: dict[str, Any] | None


class _DeltaParams(msgspec.Struct, gc=False, rename="camel"):
    thread_id: str
    turn_id: str


class Delta(msgspec.Struct, gc=False):
    """A piece of an item, read as far as its ids: deltas are nearly everything that a server sends."""

    method: DeltaMethod
    params: _DeltaParams
    id: msgspec.UnsetType = msgspec.UNSET  # a message that has one is no delta, which is known at its first byte


_Unreadable = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_decode_any = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode

parse_delta = msgspec.json.Decoder(Delta).decode
NOT_A_DELTA = _Unreadable
"""What `parse_delta` raises for any other line, at the first field that a delta does not have so."""

Message = Notice | ServerRequest | Response


def parse_message(line: bytes | bytearray) -> Message:
    """Read one message, all of it.

    Raises:
        MalformedMessageError: It is not JSON, not UTF-8, not an object, or neither request, response nor notification.
    """
    try:
        obj = _decode_any(line)
        if isinstance(obj, dict):
            return _message(obj, len(line))
    except _Unreadable as exc:  # also for a value that can be parsed, but is nested too deeply for its repr
        raise MalformedMessageError(f"not JSON: {exc}") from exc
    raise MalformedMessageError(f"a JSON {type(obj).__name__}, not an object")


def _message(obj: dict[str, Any], size: int) -> Message:
    method, id_ = obj.get("method"), obj.get("id")
    if isinstance(method, str):
        params = obj.get("params")
        if not isinstance(params, dict):
            params = {}
        thread_id, turn_id = _id(params, "threadId", "thread"), _id(params, "turnId", "turn")
        if id_ is None:
            return Notice(method, thread_id, turn_id, params, obj, size)
        if _is_request_id(id_):
            return ServerRequest(id_, method, thread_id, turn_id, params)
        raise MalformedMessageError(f"a request whose id is {id_!r}")
    if _is_request_id(id_):
        error = obj.get("error")
        if error is not None and not isinstance(error, dict):
            error = {"message": str(error)}
        return Response(id_, obj.get("result"), error)
    raise MalformedMessageError("an object with neither method nor id")


def _is_request_id(id_: object) -> TypeGuard[RequestId]:
    return isinstance(id_, (int, str)) and not isinstance(id_, bool)


def _id(params: Mapping[str, Any], flat: str, nested: str) -> str | None:
    value = params.get(flat)
    if isinstance(value, str):
        return value
    inner = params.get(nested)
    value = inner.get("id") if isinstance(inner, dict) else None
    return value if isinstance(value, str) else None


def dump_request(id_: RequestId, method: str, params: Mapping[str, Any] | None) -> bytes:
    """Write a request. Missing `params` go out as ``{}``: the server demands them.

    Raises:
        TypeError: `params` are no object, or have something that JSON cannot carry; the message names the method.
        ValueError: Likewise, for text that is not Unicode (lone surrogates).
    """
    return _dump({"id": id_, "method": method, "params": _checked(params, method) or {}}, method)


def dump_notification(method: str, params: Mapping[str, Any] | None) -> bytes:
    """Write a notification. Raises as `dump_request` does."""
    return _dump(
        {"method": method} if params is None else {"method": method, "params": _checked(params, method)}, method
    )


def _checked(params: Mapping[str, Any] | None, method: str) -> Mapping[str, Any] | None:
    if not isinstance(params, (Mapping, type(None))):
        raise TypeError(f"{method}: params must be a mapping, not {params!r}")
    return params


def dump_response(id_: RequestId, result: Any) -> bytes:
    """Write an answer. Raises as `dump_request` does."""
    return _dump({"id": id_, "result": result}, "the answer")


def dump_error(id_: RequestId, code: int, message: str) -> bytes:
    """Write a refusal."""
    return _dump({"id": id_, "error": {"code": code, "message": message}}, "the answer")


def _dump(obj: dict[str, Any], what: str) -> bytes:
    try:
        return _encode(obj)
    except UnicodeEncodeError as exc:
        raise ValueError(f"{what}: text with lone surrogates cannot be sent ({exc})") from exc
    except (TypeError, RecursionError) as exc:
        raise TypeError(f"{what}: params cannot be sent as JSON: {exc}") from exc


_NO_THREAD = (
    "no rollout found for thread id|thread not found|thread not loaded|invalid (?:thread|session) id"
    "|rollout .* is empty"
)


def error_from_wire(error: Mapping[str, Any], *, method: str, params: Mapping[str, Any] | None) -> CodexProtocolError:
    """Return the exception for an error answer of the server."""
    code, text = error.get("code"), error.get("message")
    code = code if isinstance(code, int) and not isinstance(code, bool) else None
    text = text if isinstance(text, str) else repr(dict(error))
    thread_id = params.get("threadId") if isinstance(params, Mapping) else None
    if isinstance(thread_id, str) and re.search(_NO_THREAD, text):
        return CodexThreadNotFoundError(
            f"{method}: the server has no thread {thread_id!r} that it could open: {text} (a thread can be "
            "resumed once it had a turn; client.threads() tells those that exist)",
            thread_id=thread_id,
            code=code,
            data=error.get("data"),
            method=method,
        )
    hint = " (refused before it was begun; try again later)" if code == OVERLOADED else ""
    return CodexProtocolError(
        f"{method} was refused with code {code}: {_shortened(text)}{hint}",
        code=code,
        data=error.get("data"),
        method=method,
    )


def redact_errors(message: Message, redact: Callable[[str], str]) -> None:
    """Redact the error in an answer, or of a turn, in place: it may repeat secrets of the connection."""
    if isinstance(message, Response):
        _redact_error(message.error, redact)
    elif isinstance(message, Notice) and message.method in (ERROR, TURN_COMPLETED):
        turn = message.params.get("turn")
        _redact_error(message.params.get("error"), redact)
        _redact_error(turn.get("error") if isinstance(turn, dict) else None, redact)


def _redact_error(error: object, redact: Callable[[str], str]) -> None:
    if isinstance(error, dict):
        for name, value in error.items():
            try:
                error[name] = redact_strings(value, redact)
            except RecursionError:  # it is nested too deeply to be searched
                error[name] = None


def _shortened(text: str) -> str:
    # An unknown method is answered with the names of all methods, five kilobytes of them.
    return text if len(text) <= 500 else text[:500] + f"... ({len(text):,} characters)"
