"""Failures of turns: what a handler raised, on its way to whoever consumes the turn; and what the server says of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import trio

from ..errors import CodexTurnFailedError, CodexTurnInactiveError
from ..models import ChatContinuation, ChatResult, ConversationStep, OpenItem

# For the list of open items in the error's message.
_DESCRIBED, _DESCRIBED_LENGTH = 3, 60
_DESCRIBED_TYPES = frozenset({"commandExecution", "fileChange", "mcpToolCall", "dynamicToolCall"})


class Failure:
    """An exception that is to be raised from the call that waits for a turn.

    Attributes:
        error: The exception, until it is raised.
        is_raised: It was.
        settled: It was, or nobody is left to raise it from.
    """

    def __init__(self, error: BaseException) -> None:
        self.error = error
        self.is_raised = False
        self.resolved = trio.Event()

    def raise_once(self) -> None:
        """Raise it, unless that was done."""
        if not self.resolved.is_set():
            self.is_raised = True
            self.resolved.set()
            error = self.error
            del self.error  # else it would keep itself alive, and the frames that it passes
            try:
                raise error
            finally:
                del error


def as_raised(error: BaseException) -> BaseException:
    """Return what a step of a stream may raise for a handler's exception, as Python does for generators.

    The end of an iteration would end the loop as if the turn had completed.
    """
    if not isinstance(error, StopAsyncIteration):
        return error
    raised = RuntimeError("a handler raised StopAsyncIteration")
    raised.__cause__ = error
    return raised


def failed_error(turn_id: str, error: Mapping[str, Any], result: ChatResult) -> CodexTurnFailedError:
    """Return the exception for a turn that the server says has failed."""
    message, info, details = error.get("message"), error.get("codexErrorInfo"), error.get("additionalDetails")
    info = info if isinstance(info, (str, dict)) else None
    details = details if isinstance(details, str) else None
    inner = next(iter(info.values()), None) if isinstance(info, dict) else None
    status = inner.get("httpStatusCode") if isinstance(inner, dict) else None
    text = f"turn {turn_id} failed: {message if isinstance(message, str) else 'the server gave no reason'}"
    return CodexTurnFailedError(
        f"{text} ({details})" if details else text,
        result=result,
        error_info=info,
        details=details,
        http_status=status if isinstance(status, int) else None,
        data=dict(error),
    )


def inactive_error(
    continuation: ChatContinuation, idle: float, last_event: str | None, open_items: tuple[OpenItem, ...]
) -> CodexTurnInactiveError:
    """Return the exception for a turn without events for `idle` seconds."""
    waits_for = ", ".join(_described(item, continuation.thread_id) for item in open_items[:_DESCRIBED])
    if len(open_items) > _DESCRIBED:
        waits_for += f" and {len(open_items) - _DESCRIBED} more"
    return CodexTurnInactiveError(
        f"turn {continuation.turn_id} of thread {continuation.thread_id} was silent for {idle:.1f} s (its last event: "
        f"{last_event or 'none'}{f'; waiting for {waits_for}' if waits_for else ''}). It runs on: wait further with "
        "chat_once(continuation=...) or chat(continuation=...), or stop it with cancel(continuation)",
        continuation=continuation,
        idle_seconds=idle,
        last_event=last_event,
        open_items=open_items,
    )


def _described(item: OpenItem, thread_id: str) -> str:
    # The text comes from the model, so `repr` escapes its control characters.
    step = ConversationStep.from_wire(item.data, thread_id=item.thread_id, turn_id="")
    text = step.text if item.item_type in _DESCRIBED_TYPES else ""
    shown = text if len(text) <= _DESCRIBED_LENGTH else text[:_DESCRIBED_LENGTH] + "..."
    name = item.item_type if item.item_type.isidentifier() else repr(item.item_type)
    whose = "" if item.thread_id == thread_id else " of a sub-agent"
    return f"{name}{f' {shown!r}' if shown else ''}{whose} since {item.seconds:.0f} s"
