"""A model whose codex asks before it does things, and a handler that remembers what it was asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import trio

from codex_trio import ApprovalRequest, Decision
from codex_trio.testing import ScriptedModel, open_scripted_model

PATIENCE = 60  # seconds


def asking_model(config: str = "") -> ScriptedModel:
    return open_scripted_model(approval_policy="on-request", sandbox_mode="workspace-write", config=config)


def decider(
    decide: Callable[[Any], Decision],
) -> tuple[list[ApprovalRequest], Callable[[ApprovalRequest], Awaitable[Decision]]]:
    """Return a handler, and the list of what it is asked."""
    seen: list[ApprovalRequest] = []

    async def handler(request: ApprovalRequest) -> Decision:
        await trio.lowlevel.checkpoint()
        seen.append(request)
        return decide(request)

    return seen, handler
