"""Look up the thread of a request, with the error responses of the real server."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from .._wire_shapes import RpcError
from .history import ServedThread
from .state import ServerState


def loaded_thread(state: ServerState, params: Mapping[str, Any]) -> ServedThread:
    """Return a loaded thread, on which turns can run."""
    thread = state.threads.get(_thread_id(params))
    if thread is None or not thread.is_loaded:
        raise RpcError(f"thread not found: {params['threadId']}")
    return thread


def readable_thread(state: ServerState, params: Mapping[str, Any]) -> ServedThread:
    """Return a thread whose history can be read."""
    thread = state.threads.get(_thread_id(params))
    if thread is None:
        raise RpcError(f"thread not loaded: {params['threadId']}")
    return thread


def stored_thread(state: ServerState, params: Mapping[str, Any]) -> ServedThread:
    """Return a thread that is on disk."""
    thread = state.threads.get(_thread_id(params))
    if thread is None:
        raise no_rollout(params["threadId"])
    return thread


def no_rollout(thread_id: str) -> RpcError:
    """Return the error for a thread that is not on disk."""
    return RpcError(f"no rollout found for thread id {thread_id}")


def require(params: object, names: Sequence[str]) -> None:
    """Raise if any of these params is missing."""
    for name in names:
        if not isinstance(params, Mapping) or name not in params:
            raise RpcError(f"Invalid request: missing field `{name}`")


def require_turns(thread: ServedThread) -> None:
    """Raise if the thread has never had turns, so that they cannot be listed."""
    if not thread.is_stored:
        raise RpcError("list_turns is not supported yet", code=-32601)


def _thread_id(params: Mapping[str, Any]) -> str:
    thread_id = str(params["threadId"])
    try:
        uuid.UUID(thread_id)
    except ValueError:
        found = next((c for c in thread_id if c not in "0123456789abcdefABCDEF-"), " ")
        raise RpcError(
            "invalid thread id: invalid character: expected an optional prefix of `urn:uuid:` "
            f"followed by [0-9a-fA-F-], found `{found}` at {thread_id.find(found) + 1}"
        ) from None
    return thread_id
