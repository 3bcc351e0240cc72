"""Parse approval requests; `PermissionsApprovalRequest`, the request to widen the sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from msgspec import structs

from .._json import as_object, as_text, shown
from .._wire import server_methods
from .command_approvals import CommandApprovalRequest
from .decisions import BaseApprovalRequest, Decision, Responder, read_common
from .file_changes import FileChangeApprovalRequest


class PermissionsApprovalRequest(BaseApprovalRequest, frozen=True, kw_only=True, eq=False):
    """A request to widen the sandbox.

    Attributes:
        thread_id: Id of the thread.
        turn_id: Id of the turn.
        item_id: Id of the tool call. No item has this id.
        reason: The model's reason; empty if it does not give one.
        cwd: The working directory that relative paths start from.
        environment_id: ``environmentId``: the environment of the permissions, ``local`` for the server's machine. Empty if
            the server does not send it.
        permissions: All requested permissions, in wire format: ``network``, ``fileSystem``, and any others that the server
            requests. `accept` grants exactly these. Empty if the request has none; accepting then grants nothing.
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
        """Read the params. Missing values become empty."""
        return cls(
            **read_common(params),
            cwd=as_text(params.get("cwd")),
            environment_id=as_text(params.get("environmentId")),
            permissions=as_object(params.get("permissions")),
        )

    def accept(self, permissions: Mapping[str, Any] | None = None) -> Decision:
        """Grant the permissions for the rest of the turn.

        Args:
            permissions: The permissions to grant, in the format of `permissions`. Default: all requested permissions.

        Raises:
            ValueError: A permission has a name that was not requested.
        """
        return self._grant("accept", permissions, "turn")

    def accept_for_session(self, permissions: Mapping[str, Any] | None = None) -> Decision:
        """Grant the permissions until the thread is unloaded. Otherwise like `accept`."""
        return self._grant("acceptForSession", permissions, "session")

    def decline(self) -> Decision:
        """Grant nothing. The turn continues, and the model learns of the decision."""
        return Decision("decline", self, {"permissions": {}, "scope": "turn"})

    def cancel(self) -> Decision:
        """Grant nothing, and interrupt the turn. The client does this, because the protocol has no such answer."""
        return Decision("cancel", self, {"permissions": {}, "scope": "turn"}, interrupts_turn=True)

    def _grant(self, name: str, permissions: Mapping[str, Any] | None, scope: Literal["turn", "session"]) -> Decision:
        # Permissions that are null in the request grant nothing, so they are not part of the grant.
        requested = {key: value for key, value in self.permissions.items() if value is not None}
        granted = requested if permissions is None else dict(permissions)
        if extra := [key for key in granted if key not in requested]:
            raise ValueError(
                f"the server did not request {', '.join(map(repr, extra))}; it requested {shown(requested)}"
            )
        return Decision(name, self, {"permissions": granted, "scope": scope})


ApprovalRequest: TypeAlias = CommandApprovalRequest | FileChangeApprovalRequest | PermissionsApprovalRequest
"""The requests that `on_approval` handles."""


def parse_approval(
    method: str, params: Mapping[str, Any], *, changes: object = None, is_experimental: bool = True
) -> ApprovalRequest:
    """Parse an approval request.

    Args:
        method: A method in `server_methods.APPROVALS`.
        params: The request's params.
        changes: ``changes`` of the ``fileChange`` item that the request is about; `None` if unknown.
        is_experimental: Whether the connection has the experimental API.
    """
    if method == server_methods.COMMAND_APPROVAL:
        return CommandApprovalRequest.from_wire(params, is_experimental=is_experimental)
    if method == server_methods.FILE_CHANGE_APPROVAL:
        return FileChangeApprovalRequest.from_wire(params, changes)
    return PermissionsApprovalRequest.from_wire(params)


def with_responder(request: ApprovalRequest, responder: Responder) -> ApprovalRequest:
    """Return a copy of the request that `client.approvals()` can yield: one that can be answered with `respond`."""
    return structs.replace(request, _responder=responder)
