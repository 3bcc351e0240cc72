"""Script steps that only an app-server can play: lost connections, other messages, error responses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._steps import AskServerRequest, DropConnection, Exit, OmitCompleted, Raw, Refuse, Reply


def drop_connection() -> DropConnection:
    """The connection is lost. In-memory server only.

    Example:
        ``server.on_turn(say("Wait,"), drop_connection())``
    """
    return DropConnection()


def exit(code: int = 0, stderr: str = "") -> Exit:  # noqa: A001  the script's word for what a process does
    """The server's process exits. In-memory server only.

    Example:
        ``server.on_turn(say("Wait,"), exit(101, "thread 'main' panicked"))``
    """
    return Exit(code, stderr)


def omit_completed() -> OmitCompleted:
    """The turn ends, but `turn/completed` is not sent; only its history shows the end. In-memory server only.

    Example:
        ``server.on_turn(say("Done."), omit_completed())``
    """
    return OmitCompleted()


def raw(message: Mapping[str, Any]) -> Raw:
    """The server sends any message; ``{thread_id}`` and ``{turn_id}`` in its strings are filled in.

    In-memory server only.

    Example:
        ``server.on_turn(raw({"method": "new/thing", "params": {"threadId": "{thread_id}"}}))``
    """
    return Raw(message)


def ask_server_request(method: str, params: Mapping[str, Any] | None = None) -> AskServerRequest:
    """The server sends any request, and the turn waits for the answer. In-memory server only.

    Thread id and turn id are added to the params.

    Example:
        ``server.on_turn(ask_server_request("mcpServer/elicitation/request", {"mode": "form", "message": "Who?"}))``
    """
    return AskServerRequest(method, dict(params or {}))


def reply(method: str, result: object) -> Reply:
    """From this step on, the server answers a method with a result; see `ScriptedAppServer.reply`. In-memory server only.

    Args:
        method: The method of a request.
        result: The result, or a callable of the params that returns it.

    Example:
        ``server.on_turn(say("From now on nothing is listed."), reply("thread/list", {"data": []}))``
    """
    return Reply(method, result)


def refuse(
    method: str,
    code: int = -32001,
    *,
    message: str = "Server overloaded; retry later.",
    data: object = None,
    times: int | None = 1,
) -> Refuse:
    """From this step on, the server refuses a method; see `ScriptedAppServer.refuse`. In-memory server only.

    Example:
        ``server.on_turn(say("Too late."), refuse("turn/interrupt", -32600, message="no active turn to interrupt"))``
    """
    return Refuse(method, code, message, data, times)
