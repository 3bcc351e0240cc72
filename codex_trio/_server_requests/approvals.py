"""Read approval requests by method. `PermissionsApprovalRequest` is the request to widen the sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from msgspec import structs

from .._json import as_object, as_text, shown
from .._wire import server_methods as asks
from .command_approvals import CommandApprovalRequest
from .decisions import BaseApprovalRequest, Decision, Responder, read_common
from .file_changes import FileChangeApprovalRequest


class PermissionsApprovalRequest(BaseApprovalRequest, frozen=True, kw_only=True, eq=False):
    """May the sandbox be widened?

    Attributes:
        thread_id: The thread that asks.
        turn_id: Its turn.
        item_id: Id of the tool call; there is no item of that id.
        reason: Why, in the model's words; empty if it gives no reason.
        cwd: The working directory that relative paths start from.
        environment_id: ``environmentId``: where the permissions apply, ``local`` for the server's machine; empty if the
            server does not send it.
        permissions: All requested permissions, in wire format: ``network``, ``fileSystem``, and any others that the server
            requests. `accept` grants exactly these. Empty if the request has none; then accepting grants nothing.
        available_decisions: Always `None`: the server does not send them (codex 0.169).
        raw: The request's params.

    Example:
        ```python
        def on_approval(request: ApprovalRequest) -> Decision:
            if not isinstance(request, PermissionsApprovalRequest):
                return request.decline()
            requested = {name: value for name, value in request.permissions.items() if value is not None}
            return request.accept() if requested == {"network": {"enabled": True}} else request.decline()
        ```
    """

    cwd: str
    environment_id: str
    permissions: Mapping[str, Any]
    available_decisions: None = None

    @classmethod
    def from_wire(cls, params: Mapping[str, Any]) -> PermissionsApprovalRequest:
        """Read the params; whatever is missing is empty."""
        return cls(
            **read_common(params),
            cwd=as_text(params.get("cwd")),
            environment_id=as_text(params.get("environmentId")),
            permissions=as_object(params.get("permissions")),
        )

    def accept(self, permissions: Mapping[str, Any] | None = None) -> Decision:
        """Grant for the rest of the turn.

        Args:
            permissions: What to grant, spelt as in `permissions`; all that was asked for unless given.

        Raises:
            ValueError: It has a kind of permission that was not asked for.
        """
        return self._grant("accept", permissions, "turn")

    def accept_for_session(self, permissions: Mapping[str, Any] | None = None) -> Decision:
        """Grant for as long as the thread is loaded. Otherwise as `accept`."""
        return self._grant("acceptForSession", permissions, "session")

    def decline(self) -> Decision:
        """Grant nothing. The turn goes on, and the model is told."""
        return Decision("decline", self, {"permissions": {}, "scope": "turn"})

    def cancel(self) -> Decision:
        """Grant nothing, and end the turn: the client interrupts it, as the wire has no such answer."""
        return Decision("cancel", self, {"permissions": {}, "scope": "turn"}, interrupts_turn=True)

    def _grant(self, name: str, permissions: Mapping[str, Any] | None, scope: Literal["turn", "session"]) -> Decision:
        # What was not asked for goes out as null, and so does what is null here: a grant of nothing.
        asked = {key: value for key, value in self.permissions.items() if value is not None}
        granted = asked if permissions is None else dict(permissions)
        if extra := [key for key in granted if key not in asked]:
            raise ValueError(f"the server did not ask for {', '.join(map(repr, extra))}; it asks for {shown(asked)}")
        return Decision(name, self, {"permissions": granted, "scope": scope})


ApprovalRequest: TypeAlias = CommandApprovalRequest | FileChangeApprovalRequest | PermissionsApprovalRequest
"""What `on_approval` is asked."""


def parse_approval(
    method: str, params: Mapping[str, Any], *, changes: object = None, is_experimental: bool = True
) -> ApprovalRequest:
    """Read an approval request.

    Args:
        method: One of `asks.APPROVALS`.
        params: Its params.
        changes: ``changes`` of the ``fileChange`` item that the request is about; `None` if unknown.
        is_experimental: Whether the connection has the experimental API.
    """
    if method == asks.COMMAND_APPROVAL:
        return CommandApprovalRequest.from_wire(params, is_experimental=is_experimental)
    if method == asks.FILE_CHANGE_APPROVAL:
        return FileChangeApprovalRequest.from_wire(params, changes)
    return PermissionsApprovalRequest.from_wire(params)


def with_responder(request: ApprovalRequest, responder: Responder) -> ApprovalRequest:
    """Return the request as `client.approvals()` gives it."""
    return structs.replace(request, _responder=responder)
