"""Decisions about approval requests, and the rule that nothing unknown or extra is granted by accident. Values only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from .._json import shown
from ..models import Value

Responder: TypeAlias = Callable[["Decision"], Awaitable[bool]]


class Decision(Value, frozen=True, eq=False):
    """An answer to one request. Made by the request: ``request.accept()``, ``request.decline()`` and so on.

    Attributes:
        name: ``accept``, ``acceptForSession``, ``acceptWithExecpolicyAmendment``, ``decline``, ``cancel``, or whatever
            else the server offered.
        request: What it answers.
        result: The answer on the wire.
        ends_turn: The turn is to be interrupted, and the answer alone does not do that.

    Example:
        ``async def on_approval(request) -> Decision: return request.decline()``
    """

    name: str
    request: object
    result: Mapping[str, Any]
    ends_turn: bool = False

    @property
    def is_refusal(self) -> bool:
        """Whether this grants nothing."""
        return self.name in ("decline", "cancel")


class ApprovalRequest(Value, frozen=True, kw_only=True, eq=False):
    """The common part of the approval requests.

    Subclasses say what is unknown about a request, and what accepting it grants beyond the request's own subject.
    """

    thread_id: str
    turn_id: str
    item_id: str
    reason: str
    raw: Mapping[str, Any]
    _responder: Responder | None = None

    async def respond(self, decision: Decision) -> bool:
        """Answer a request that came from ``client.approvals()``.

        Returns:
            Whether this was the answer. `False`: it came too late, and nothing was sent, because the request has been
            answered, the server has withdrawn it, its turn has ended, or the connection has.

        Raises:
            RuntimeError: The request was given to a handler, which returns its decision.
            ValueError: The decision answers another request.

        Cancellation: It was answered, unless this raised at once.
        """
        if self._responder is None:
            raise RuntimeError("a handler answers by returning its decision; respond() is for client.approvals()")
        if decision.request is not self:
            raise ValueError(f"this {decision.name} answers another request")
        return await self._responder(decision)


# The params of approval requests in codex 0.100 to 0.171 that grant nothing of their own; commands have more.
COMMON_PARAMS = frozenset({"threadId", "turnId", "itemId", "startedAtMs", "environmentId", "reason", "cwd"})


def check_grant(unknown: str, extra: Mapping[str, Any], *, with_permissions: bool, unseen: bool) -> None:
    """Refuse to grant what the caller cannot have seen or did not ask for.

    Args:
        unknown: What is not known about the request, as a clause; empty if all is known.
        extra: What accepting grants beyond the request's own subject, by wire name.
        with_permissions: The caller grants `extra`.
        unseen: The caller accepts what is not known.

    Raises:
        ValueError: The caller has not said so.
    """
    if unknown and not unseen:
        raise ValueError(f"{unknown}; decline the request, or accept it with unseen=True")
    if extra and not with_permissions:
        listed = ", ".join(f"{name} {shown(value)}" for name, value in extra.items())
        raise ValueError(
            f"accepting would also grant {listed}; decline the request, or grant that, too, with with_permissions=True"
        )


def find_extra(params: Mapping[str, Any], *, grants: frozenset[str], known: frozenset[str]) -> dict[str, Any]:
    """Return the params that grant something of their own, by wire name.

    Args:
        params: Of the request.
        grants: The fields that do so if they are not empty.
        known: The fields that do not.

    An unknown field counts if it is an object or a list, because the protocol puts what a request grants into these. A
    newer server may add an id, a time or a flag to each request, and that must not make all of them unacceptable.
    """
    return {
        name: value
        for name, value in params.items()
        if not is_empty(value) and (name in grants or (name not in known and isinstance(value, (dict, list))))
    }


def read_common(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that every approval request has; whatever is missing is empty."""
    return {
        "thread_id": read_text(params.get("threadId")),
        "turn_id": read_text(params.get("turnId")),
        "item_id": read_text(params.get("itemId")),
        "reason": read_text(params.get("reason")),
        "raw": params,
    }


def read_text(value: object) -> str:
    """Return a text of the wire; empty if it is not one."""
    return value if isinstance(value, str) else ""


def is_empty(value: object) -> bool:
    """Whether a value of the wire holds nothing: null, an empty text or list, or an object of nothing else."""
    waiting = [value]
    while waiting:  # not recursive, because the server decides how deep it goes
        one = waiting.pop()
        if isinstance(one, dict):
            waiting.extend(one.values())
        elif not (one is None or one == "" or one == []):
            return False
    return True
