"""The events of `stream`: one frozen value for each thing that happens in a turn."""

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
    """More text of a message of Codex.

    Whether moderation withholds the message is known only when its step is finished. A view that shows deltas should
    then replace them with `ConversationStep.display_text`.

    Attributes:
        text: The text since the last delta. A slow consumer gets longer deltas.
        item_id: Id of the message.

    Example:
        ``case TextDelta(text): print(text, end="")``
    """

    text: str
    item_id: str


class ReasoningDelta(WireValue, frozen=True):
    """More of the model's reasoning.

    Attributes:
        text: The text since the last delta.
        item_id: Id of the reasoning item.
        index: Index of the paragraph in the item.
        is_summary: The text is from the summary, not from the reasoning itself.

    Example:
        ``case ReasoningDelta(text, is_summary=True): print(text, end="")``
    """

    text: str
    item_id: str
    index: int
    is_summary: bool


class CommandOutputDelta(WireValue, frozen=True):
    """More output of a command. Deltas may leave output out; ``aggregatedOutput`` of the finished step has the output.

    Attributes:
        text: The output since the last delta.
        item_id: Id of the command.

    Example:
        ``case CommandOutputDelta(text): print(text, end="")``
    """

    text: str
    item_id: str


class StepStarted(WireValue, frozen=True):
    """A step has started. If the turn ends early, the step never completes.

    Attributes:
        step: The step as far as it is known.

    Example:
        ``case StepStarted(step): print("started:", step.step_type)``
    """

    step: ConversationStep


class StepCompleted(WireValue, frozen=True):
    """A step has finished.

    Attributes:
        step: The step.

    Example:
        ``case StepCompleted(step): print(step.step_type, step.text)``
    """

    step: ConversationStep


class PlanUpdated(WireValue, frozen=True):
    """The plan of the turn has changed.

    Attributes:
        plan: The entries, each with ``step`` and ``status``.
        explanation: The reason for the plan, if the server sends one.

    Example:
        ``case PlanUpdated(plan): print([entry["step"] for entry in plan])``
    """

    plan: tuple[Mapping[str, Any], ...]
    explanation: str | None


class DiffUpdated(WireValue, frozen=True):
    """The turn has changed files. Each diff contains all changes of the turn so far.

    Attributes:
        diff: A unified diff.

    Example:
        ``case DiffUpdated(diff): print(diff)``
    """

    diff: str


class TokenUsageUpdated(WireValue, frozen=True):
    """The token usage has changed.

    Attributes:
        usage: ``tokenUsage``: ``total`` for the thread, ``last`` for the last call of the model.

    Example:
        ``case TokenUsageUpdated(usage): print(usage["total"]["totalTokens"])``
    """

    usage: Mapping[str, Any]


class RetryScheduled(WireValue, frozen=True):
    """Something failed, and the server will try again.

    Attributes:
        message: A message for people, such as ``Reconnecting... 1/5``.
        details: The cause, if the server sends one.
        error_info: ``codexErrorInfo``: a string, an object with one key, or `None`.

    Example:
        ``case RetryScheduled(message): print(message)``
    """

    message: str
    details: str | None
    error_info: str | Mapping[str, Any] | None


class TurnCompleted(WireValue, frozen=True):
    """The turn has completed. This is the last event.

    Attributes:
        result: The same result that `chat_once` returns, except that ``raw_events`` is empty.

    Example:
        ``case TurnCompleted(result): print(result.final_text)``
    """

    result: ChatResult


class OtherEvent(WireValue, frozen=True):
    """Any other notification about the turn.

    Attributes:
        method: The method, such as ``turn/started``.
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
"""Any event of `stream`."""
