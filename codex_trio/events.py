"""What `stream` tells: frozen values, one for each thing that happens in a turn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from .models import ChatResult, ConversationStep, WireValue

__all__ = [
    "CommandOutputDelta",
    "DiffUpdated",
    "Event",
    "OtherEvent",
    "PlanUpdated",
    "ReasoningDelta",
    "RetryScheduled",
    "StepCompleted",
    "StepStarted",
    "TextDelta",
    "TokenUsageUpdated",
    "TurnCompleted",
]


class TextDelta(WireValue, frozen=True):
    """More of a message of Codex.

    Whether moderation withholds the message is known only when its step is finished. A view that shows deltas should
    then replace them with `ConversationStep.display_text`.

    Attributes:
        text: What was said since the last one; a slow reader gets more at once.
        item_id: The message.

    Example:
        ``case TextDelta(text): print(text, end="")``
    """

    text: str
    item_id: str


class ReasoningDelta(WireValue, frozen=True):
    """More of the model's reasoning.

    Attributes:
        text: What was thought since the last one.
        item_id: The block of reasoning.
        index: The paragraph of the block.
        is_summary: It is of the summary, and not of the reasoning itself.

    Example:
        ``case ReasoningDelta(text, is_summary=True): print(text, end="")``
    """

    text: str
    item_id: str
    index: int
    is_summary: bool


class CommandOutputDelta(WireValue, frozen=True):
    """More output of a command. The server does not send all of it; ``aggregatedOutput`` of the step has the rest.

    Attributes:
        text: What was written since the last one.
        item_id: The command.

    Example:
        ``case CommandOutputDelta(text): print(text, end="")``
    """

    text: str
    item_id: str


class StepStarted(WireValue, frozen=True):
    """A step began. It may never complete: the turn's end closes what is open.

    Attributes:
        step: The step as it is so far.

    Example:
        ``case StepStarted(step): print("begins:", step.step_type)``
    """

    step: ConversationStep


class StepCompleted(WireValue, frozen=True):
    """A step is finished.

    Attributes:
        step: The step.

    Example:
        ``case StepCompleted(step): print(step.step_type, step.text)``
    """

    step: ConversationStep


class PlanUpdated(WireValue, frozen=True):
    """The plan of the turn.

    Attributes:
        plan: Its entries, each with ``step`` and ``status``.
        explanation: Why it is so, if that is told.

    Example:
        ``case PlanUpdated(plan): print([entry["step"] for entry in plan])``
    """

    plan: tuple[Mapping[str, Any], ...]
    explanation: str | None


class DiffUpdated(WireValue, frozen=True):
    """All that the turn has changed in files so far.

    Attributes:
        diff: A unified diff.

    Example:
        ``case DiffUpdated(diff): print(diff)``
    """

    diff: str


class TokenUsageUpdated(WireValue, frozen=True):
    """What was used so far.

    Attributes:
        usage: ``tokenUsage``: ``total`` is the thread's, ``last`` the last model call's.

    Example:
        ``case TokenUsageUpdated(usage): print(usage["total"]["totalTokens"])``
    """

    usage: Mapping[str, Any]


class RetryScheduled(WireValue, frozen=True):
    """Something failed, and the server tries again.

    Attributes:
        message: Such as ``Reconnecting... 1/5``.
        details: The cause as the server knows it, if it tells.
        error_info: ``codexErrorInfo``: a string, an object with one key, or `None`.

    Example:
        ``case RetryScheduled(message): print(message)``
    """

    message: str
    details: str | None
    error_info: str | Mapping[str, Any] | None


class TurnCompleted(WireValue, frozen=True):
    """The turn has completed; nothing comes after this.

    Attributes:
        result: The turn as `chat_once` returns it, but for ``raw_events``, which is empty.

    Example:
        ``case TurnCompleted(result): print(result.final_text)``
    """

    result: ChatResult


class OtherEvent(WireValue, frozen=True):
    """Anything else that the server told of the turn.

    Attributes:
        method: Such as ``turn/started``.
        raw: The whole message.

    Example:
        ``case OtherEvent(method, raw): print(method, raw["params"])``
    """

    method: str
    raw: Mapping[str, Any]


Event: TypeAlias = (
    TextDelta
    | ReasoningDelta
    | CommandOutputDelta
    | StepStarted
    | StepCompleted
    | PlanUpdated
    | DiffUpdated
    | TokenUsageUpdated
    | RetryScheduled
    | TurnCompleted
    | OtherEvent
)
"""Any of them."""
