"""`TurnAccumulator`: collect the steps, answer, usage and status of one turn from its notifications."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .._json import as_object
from ..models import ConversationStep, is_asynchronous
from . import methods
from .messages import Notice

_IN_PROGRESS = "inProgress"

# Kinds of agent messages: the phases that are known, under the server's names; messages without one of these; and
# asynchronous messages, whatever their phase.
_FINAL, _PARTIAL, _COMMENTARY, _PLAIN, _ASYNC = "final_answer", "partial_answer", "commentary", "plain", "async"
_PHASES = (_FINAL, _PARTIAL, _COMMENTARY)

# Which kind is the answer, best first. The summary of codex also prefers final_message answers to plain messages, and never
# contains a partial answer. A partial answer counts here, because it is text of the answer, and may be all there is of a
# turn that was cut short.
_ANSWERS = (_FINAL, _PLAIN, _PARTIAL)
# What stands in for the answer of a completed turn without one. In a turn that did not complete, the answer had not been
# given yet, and these do not replace it. Asynchronous messages come last, although the server gives them the phase
# `final_answer`, because they are questions and remarks and not the answer.
_SUBSTITUTES = (_COMMENTARY, _ASYNC)


class TurnAccumulator:
    """What is known of a turn so far. Fed in order; never raises on what the server says."""

    def __init__(self, thread_id: str, turn_id: str) -> None:
        self.thread_id = thread_id
        self.turn_id = turn_id
        self.status: str | None = None  # None until the turn has ended
        self.error: Mapping[str, Any] = {}
        self.usage: Mapping[str, Any] | None = None
        self.delivered: dict[str, None] = {}  # ids of the items that became steps, in order
        self.has_items = False  # the turn's apply_end listed all items, so if they contain no answer, there is none
        self._messages: dict[str, ConversationStep] = {}  # the last message of each kind

    def apply(self, notice: Notice) -> list[ConversationStep]:
        """Take one notification of this turn; return the steps that it completes."""
        params = notice.params
        if notice.method == methods.ITEM_COMPLETED:
            return self._complete(params.get("item"))
        if notice.method == methods.TURN_COMPLETED:
            return self.apply_end(params.get("turn"))
        if notice.method == methods.TOKEN_USAGE_UPDATED:
            usage = params.get("tokenUsage")
            self.usage = usage if isinstance(usage, dict) else self.usage
        elif notice.method == methods.ERROR and params.get("willRetry") is not True:
            error = params.get("error")
            self.error = error if isinstance(error, dict) else self.error
        return []

    def apply_end(self, turn: object) -> list[ConversationStep]:
        """Take the ended turn, from its `turn/completed` or from history; return the steps not yet delivered."""
        turn = as_object(turn)
        status, error = turn.get("status"), turn.get("error")
        self.status = status if isinstance(status, str) else "unknown"
        if isinstance(error, dict):
            self.error = error
        return self.apply_turn_items(turn)

    def apply_turn_items(self, turn: Mapping[str, Any]) -> list[ConversationStep]:
        """Take the items of the ended turn, where they are told; return the steps not yet delivered."""
        items, view = turn.get("items"), turn.get("itemsView")
        if not isinstance(items, list) or view == "notLoaded":
            return []
        steps = [step for item in items for step in self._complete(item)]
        self.has_items = bool(items) or "itemsView" in turn
        if view != "full" and _ASYNC in self._messages:
            self.has_items = False  # a summary contains one message, and an asynchronous one displaces the answer
        return steps

    def apply_items(self, items: Iterable[object]) -> list[ConversationStep]:
        """Take what history has of the running turn; return the steps not yet delivered."""
        return [step for item in items for step in self._complete(item)]

    def _complete(self, item: object) -> list[ConversationStep]:
        if not isinstance(item, dict) or item.get("type") == "userMessage":
            return []
        step = ConversationStep.from_wire(item, thread_id=self.thread_id, turn_id=self.turn_id)
        if step.item_type == "agentMessage":  # one that another client delivered may be the answer all the same
            self._messages[_kind_of(item)] = step
        if step.item_id:
            if step.item_id in self.delivered:
                return []
            self.delivered[step.item_id] = None
        return [step]

    @property
    def needs_history(self) -> bool:
        """Whether the turn completed without an answer, and ``turn/completed`` may have left the answer out."""
        return self.status == "completed" and self._messages.keys() <= {_ASYNC} and not self.has_items

    def final_message(self) -> ConversationStep | None:
        """Return the message that is the answer; `None` if there is none."""
        kinds = (*_ANSWERS, *_SUBSTITUTES) if self.status == "completed" else _ANSWERS
        return next((self._messages[kind] for kind in kinds if kind in self._messages), None)


def _kind_of(message: Mapping[str, Any]) -> str:
    if is_asynchronous(message):
        return _ASYNC
    phase = message.get("phase")
    return phase if phase in _PHASES else _PLAIN


def is_complete(item: object) -> bool:
    """Whether an item as read from history is finished: a running turn's may be under way."""
    if not isinstance(item, dict):
        return True
    is_asleep = item.get("type") == "sleep" and item.get("completedAtMs", 0) is None  # a sleep has no status
    return not is_asleep and item.get("status") != _IN_PROGRESS


def is_over(turn: Mapping[str, Any]) -> bool:
    """Whether a turn as read from history, by the process that runs its idle thread, has ended.

    The turn of a process that was killed is `interrupted` and has no `completedAt` (codex 0.163, 0.169).
    """
    status = turn.get("status")
    return isinstance(status, str) and status != _IN_PROGRESS


def is_terminal(turn: Mapping[str, Any]) -> bool:
    """Whether a turn as read from history has surely ended.

    A status alone is not enough: a second process, and a fork, are shown a running turn as `interrupted` (codex 0.169).
    """
    status = turn.get("status")
    return isinstance(status, str) and status != _IN_PROGRESS and turn.get("completedAt") is not None
