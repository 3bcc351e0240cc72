"""Ready-made handlers: `approve_all` and `decline_all`."""

from __future__ import annotations

import trio

from .._public_call import public_call
from .approvals import ApprovalRequest
from .command_approvals import CommandApprovalRequest
from .decisions import Decision
from .file_changes import FileChangeApprovalRequest
from .questions import ElicitationRequest


@public_call
async def approve_all(request: ApprovalRequest | ElicitationRequest) -> Decision:
    """Accept every request, each for this once. For `on_approval`, `on_elicitation`, or both.

    Requests are not examined: this also grants extra permissions, accepts unknown file changes, and lets Codex type input
    into running terminals. Use it only where Codex may do everything.

    For elicitations, calls of MCP tools are accepted. Forms are declined, because a person would have to fill them in.

    Example:
        ``open_codex_client(on_approval=approve_all, on_elicitation=approve_all)``
    """
    await trio.lowlevel.checkpoint()
    if isinstance(request, (CommandApprovalRequest, FileChangeApprovalRequest)):
        return request.accept(with_permissions=True, unseen=True)
    if isinstance(request, ElicitationRequest):
        return request.accept(unseen=True) if request.tool_name else request.decline()
    return request.accept()


@public_call
async def decline_all(request: ApprovalRequest | ElicitationRequest) -> Decision:
    """Decline every request, as the client does without a handler. The turn continues.

    Example:
        ``open_codex_client(on_approval=decline_all)``
    """
    await trio.lowlevel.checkpoint()
    return request.decline()
