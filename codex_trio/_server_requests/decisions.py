"""Decisions about approval requests, and the check that accepting does not grant more than the caller has seen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from .._json import as_text, shown
from .._public_call import public_call
from ..models import WireValue

Responder: TypeAlias = Callable[["Decision"], Awaitable[bool]]


class Decision(WireValue, frozen=True, eq=False):
    """An answer to a request. Create it with a method of the request: ``request.accept()``, ``request.decline()`` and so on.

    Attributes:
        name: ``accept``, ``acceptForSession``, ``acceptWithExecpolicyAmendment``, ``decline``, ``cancel``, or another
            decision that the server offers.
        request: The request that this decision answers.
        result: The result to send to the server.
        interrupts_turn: Whether the client must also interrupt the turn, because the answer does not.

    Example:
        ``async def on_approval(request) -> Decision: return request.decline()``
    """

    name: str
    request: object
    result: Mapping[str, Any]
    interrupts_turn: bool = False

    @property
    def is_refusal(self) -> bool:
        """Whether this decision grants nothing."""
        return self.name in ("decline", "cancel")


class BaseApprovalRequest(WireValue, frozen=True, kw_only=True, eq=False):
    """Common fields of the approval requests."""

    thread_id: str
    turn_id: str
    item_id: str
    reason: str
    raw: Mapping[str, Any]
    _responder: Responder | None = None

    @public_call
    async def respond(self, decision: Decision) -> bool:
        """Answer a request from ``client.approvals()``.

        Returns:
            Whether this decision was sent. `False` means that it was too late: the request has already been answered or
            withdrawn, its turn has ended, or the connection is closed.

        Raises:
            RuntimeError: The request was given to a handler, which returns its decision.
            ValueError: The decision answers another request.

        Cancellation: The decision is sent anyway, unless this method raises one of the errors above.
        """
        if self._responder is None:
            raise RuntimeError(
                "a handler must return its decision; respond() is only for requests from client.approvals()"
            )
        if decision.request is not self:
            raise ValueError(f"this {decision.name} decision was made for another request")
        return await self._responder(decision)


# The common params of approval requests in codex 0.100 to 0.171. They grant nothing.
COMMON_PARAMS = frozenset({"threadId", "turnId", "itemId", "startedAtMs", "environmentId", "reason", "cwd"})


def check_grant(unknown: str, extra: Mapping[str, Any], *, with_permissions: bool, unseen: bool) -> None:
    """Check that the caller knows about everything that a decision grants.

    Args:
        unknown: What is unknown about the request, as a clause for the error; empty if nothing is unknown.
        extra: Permissions that accepting would also grant, by wire name.
        with_permissions: Whether the caller agrees to grant `extra`.
        unseen: Whether the caller accepts an unknown request.

    Raises:
        ValueError: `unseen` or `with_permissions` is required, but was not given.
    """
    if unknown and not unseen:
        raise ValueError(f"{unknown}; decline the request, or accept it with unseen=True")
    if extra and not with_permissions:
        listed = ", ".join(f"{name} {shown(value)}" for name, value in extra.items())
        raise ValueError(
            f"accepting would also grant {listed}; decline the request, or grant this too with with_permissions=True"
        )


def find_extra(params: Mapping[str, Any], *, grants: frozenset[str], known: frozenset[str]) -> dict[str, Any]:
    """Return the params that grant something in addition to the subject of the request, by wire name.

    Args:
        params: Params of the request.
        grants: Names of params that grant something if they are not empty.
        known: Names of params that grant nothing.

    Unknown params count if they are objects or lists, because the protocol uses these for what a request grants. Unknown
    scalars do not count: a newer server may add an id, a time or a flag to every request, and accepting must still work.
    """
    return {
        name: value
        for name, value in params.items()
        if not is_empty(value) and (name in grants or (name not in known and isinstance(value, (dict, list))))
    }


def read_common(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that every approval request has. Missing values become empty."""
    return {
        "thread_id": as_text(params.get("threadId")),
        "turn_id": as_text(params.get("turnId")),
        "item_id": as_text(params.get("itemId")),
        "reason": as_text(params.get("reason")),
        "raw": params,
    }


def is_empty(value: object) -> bool:
    """Whether a JSON value is null, an empty string or list, or an object that contains only such values."""
    waiting = [value]
    while waiting:  # not recursive, because the server determines the nesting depth
        part = waiting.pop()
        if isinstance(part, dict):
            waiting.extend(part.values())
        elif not (part is None or part == "" or part == []):
            return False
    return True
