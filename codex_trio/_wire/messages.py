"""Parse and serialize JSON-RPC messages. Only the fields that are needed for routing are checked."""

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
    """A line that is not a JSON-RPC message. The reader skips it."""


class Notice(msgspec.Struct, frozen=True):
    """A notification from the server.

    Attributes:
        thread_id: ``threadId``, or the id of ``thread``; `None` if it has neither.
        turn_id: ``turnId``, or the id of ``turn``; `None` if it has neither.
        raw: The whole message.
        size: Size of the message in bytes.
    """

    method: str
    thread_id: str | None
    turn_id: str | None
    params: dict[str, Any]
    raw: dict[str, Any]
    size: int = 0


class ServerRequest(msgspec.Struct, frozen=True, weakref=True):
    """A request from the server. It must be answered exactly once."""

    id: RequestId
    method: str
    thread_id: str | None
    turn_id: str | None
    params: dict[str, Any]


class Response(msgspec.Struct, frozen=True):
    """The response to one of our requests. `error` is `None` if it succeeded."""

    id: RequestId
    result: Any
    error: dict[str, Any] | None


class _DeltaParams(msgspec.Struct, gc=False, rename="camel"):
    thread_id: str
    turn_id: str


class Delta(msgspec.Struct, gc=False):
    """A delta of an item, parsed only as far as its ids, because most messages are deltas."""

    method: DeltaMethod
    params: _DeltaParams
    id: msgspec.UnsetType = msgspec.UNSET  # the parser stops at an id, because a delta has none


_Unreadable = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_decode_any = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode

parse_delta = msgspec.json.Decoder(Delta).decode
NOT_A_DELTA = _Unreadable
"""Exceptions that `parse_delta` raises for any other line, at the first field that does not match."""

Message = Notice | ServerRequest | Response


def parse_message(line: bytes | bytearray) -> Message:
    """Parse a message.

    Raises:
        MalformedMessageError: The line is not valid JSON or UTF-8, is not an object, or has neither a method nor an id.
    """
    try:
        obj = _decode_any(line)
        if isinstance(obj, dict):
            return _message(obj, len(line))
    except _Unreadable as exc:  # RecursionError: nested too deeply to parse, or for `repr`
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
    """Serialize a request. Missing `params` become ``{}``, because the server requires them.

    Raises:
        TypeError: `params` is not a mapping, or contains a value that JSON cannot express. The message names the method.
        ValueError: A text contains lone surrogates.
    """
    return _dump({"id": id_, "method": method, "params": _check_params(params, method) or {}}, method)


def dump_notification(method: str, params: Mapping[str, Any] | None) -> bytes:
    """Serialize a notification. Raises the same errors as `dump_request`."""
    return _dump(
        {"method": method} if params is None else {"method": method, "params": _check_params(params, method)}, method
    )


def _check_params(params: Mapping[str, Any] | None, method: str) -> Mapping[str, Any] | None:
    if not isinstance(params, (Mapping, type(None))):
        raise TypeError(f"{method}: params must be a mapping, not {params!r}")
    return params


def dump_response(id_: RequestId, result: Any) -> bytes:
    """Serialize a response. Raises the same errors as `dump_request`."""
    return _dump({"id": id_, "result": result}, "the response")


def dump_error(id_: RequestId, code: int, message: str) -> bytes:
    """Serialize an error response."""
    return _dump({"id": id_, "error": {"code": code, "message": message}}, "the response")


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
    """Return the exception for an error response from the server."""
    code, text = error.get("code"), error.get("message")
    code = code if isinstance(code, int) and not isinstance(code, bool) else None
    text = text if isinstance(text, str) else repr(dict(error))
    thread_id = params.get("threadId") if isinstance(params, Mapping) else None
    if isinstance(thread_id, str) and re.search(_NO_THREAD, text):
        return CodexThreadNotFoundError(
            f"{method}: the server cannot open thread {thread_id!r}: {text} (a thread can be resumed after its "
            "first turn; client.threads() lists the existing threads)",
            thread_id=thread_id,
            code=code,
            data=error.get("data"),
            method=method,
        )
    hint = " (the server is overloaded and did not start it; try again later)" if code == OVERLOADED else ""
    return CodexProtocolError(
        f"{method} was refused with code {code}: {_shortened(text)}{hint}",
        code=code,
        data=error.get("data"),
        method=method,
    )


def redact_errors(message: Message, redact: Callable[[str], str]) -> None:
    """Redact the error of a response or a turn in place, because it may repeat secrets of the connection."""
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
            except RecursionError:  # nested too deeply to be searched
                error[name] = None


def _shortened(text: str) -> str:
    # The error for an unknown method lists all methods, which takes five kilobytes.
    return text if len(text) <= 500 else text[:500] + f"... ({len(text):,} characters)"
