"""The handlers that are there already: yes to everything, no to everything."""

from __future__ import annotations

import trio

from .approvals import ApprovalRequest
from .command_approvals import CommandApprovalRequest
from .decisions import Decision
from .file_changes import FileChangeApprovalRequest
from .questions import ElicitationRequest


async def approve_all(request: ApprovalRequest | ElicitationRequest) -> Decision:
    """Grant whatever is asked, this once; as `on_approval`, as `on_elicitation`, or both.

    Requests are not examined: this also grants extra permissions, accepts unknown file changes, and lets Codex type input
    into running terminals. Use it only where Codex may do everything.

    Of elicitations, a call of an MCP tool is accepted, and a form is declined: somebody would have to fill it in.

    Example:
        ``open_codex_client(on_approval=approve_all, on_elicitation=approve_all)``
    """
    await trio.lowlevel.checkpoint()
    if isinstance(request, (CommandApprovalRequest, FileChangeApprovalRequest)):
        return request.accept(with_permissions=True, unseen=True)
    if isinstance(request, ElicitationRequest):
        return request.accept(unseen=True) if request.tool_name else request.decline()
    return request.accept()


async def decline_all(request: ApprovalRequest | ElicitationRequest) -> Decision:
    """Grant nothing, as is done without a handler; the turn goes on.

    Example:
        ``open_codex_client(on_approval=decline_all)``
    """
    await trio.lowlevel.checkpoint()
    return request.decline()
