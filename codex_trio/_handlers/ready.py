"""The handlers that are there already: yes to everything, no to everything."""

from __future__ import annotations

import trio

from .._protocol.approvals import Approval, CommandApproval, Decision, FileChangeApproval
from .._protocol.questions import Elicitation


async def approve_all(request: Approval | Elicitation) -> Decision:
    """Grant whatever is asked, this once; as `on_approval`, as `on_elicitation`, or both.

    That includes what nobody has seen: extra permissions, file changes that are not known, input typed into a running
    terminal. Use it only where everything may be done.

    Of elicitations, a call of an MCP tool is accepted, and a form is declined: somebody would have to fill it in.

    Example:
        ``open_codex_client(on_approval=approve_all, on_elicitation=approve_all)``
    """
    await trio.lowlevel.checkpoint()
    if isinstance(request, (CommandApproval, FileChangeApproval)):
        return request.accept(with_permissions=True, unseen=True)
    if isinstance(request, Elicitation) and not request.tool_name:
        return request.decline()
    return request.accept()


async def decline_all(request: Approval | Elicitation) -> Decision:
    """Grant nothing, as is done without a handler; the turn goes on.

    Example:
        ``open_codex_client(on_approval=decline_all)``
    """
    await trio.lowlevel.checkpoint()
    return request.decline()
