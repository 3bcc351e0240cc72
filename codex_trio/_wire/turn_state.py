"""`TurnAccumulator`: collect the steps, answer, usage and status of one turn from its notifications."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .._json import as_object
from ..models import ConversationStep, is_asynchronous
from . import methods
from .messages import Notice

_IN_PROGRESS = "inProgress"

# Kinds of agent messages: the known phases, by the server's names; messages without a known phase; and asynchronous
# messages, regardless of their phase.
_FINAL, _PARTIAL, _COMMENTARY, _PLAIN, _ASYNC = "final_answer", "partial_answer", "commentary", "plain", "async"
_PHASES = (_FINAL, _PARTIAL, _COMMENTARY)

# Kinds that can be the answer, in order of preference. The summary of codex also prefers final answers to plain messages,
# but never contains a partial answer. A partial answer counts here, because it may be all that exists of the answer if
# the turn was cut short.
_ANSWERS = (_FINAL, _PLAIN, _PARTIAL)
# Kinds that replace the answer of a completed turn without one. If a turn did not complete, the answer was still to come,
# and these do not replace it. Asynchronous messages come last, although the server gives them the phase `final_answer`,
# because they are questions and comments.
_SUBSTITUTES = (_COMMENTARY, _ASYNC)


class TurnAccumulator:
    """The state of a turn. Notifications must be applied in order. Never raises, whatever the server sends."""

    def __init__(self, thread_id: str, turn_id: str) -> None:
        self.thread_id = thread_id
        self.turn_id = turn_id
        self.status: str | None = None  # `None` until the turn has ended
        self.error: Mapping[str, Any] = {}
        self.usage: Mapping[str, Any] | None = None
        self.delivered: dict[str, None] = {}  # ids of the items that were returned as steps, in order
        self.has_items = False  # the ended turn listed all items: if none is an answer, there is none
        self._messages: dict[str, ConversationStep] = {}  # the last message of each kind

    def apply(self, notice: Notice) -> list[ConversationStep]:
        """Apply a notification of this turn. Return the steps that it completes."""
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
        """Apply the ended turn, from `turn/completed` or from history. Return the steps not delivered before."""
        turn = as_object(turn)
        status, error = turn.get("status"), turn.get("error")
        self.status = status if isinstance(status, str) else "unknown"
        if isinstance(error, dict):
            self.error = error
        return self.apply_turn_items(turn)

    def apply_turn_items(self, turn: Mapping[str, Any]) -> list[ConversationStep]:
        """Apply the items of the ended turn, if it contains them. Return the steps not delivered before."""
        items, view = turn.get("items"), turn.get("itemsView")
        if not isinstance(items, list) or view == "notLoaded":
            return []
        steps = [step for item in items for step in self._complete(item)]
        self.has_items = bool(items) or "itemsView" in turn
        if view != "full" and _ASYNC in self._messages:
            self.has_items = (
                False  # a summary has one message, and an asynchronous message takes the place of the answer
            )
        return steps

    def apply_items(self, items: Iterable[object]) -> list[ConversationStep]:
        """Apply items of the running turn from history. Return the steps not delivered before."""
        return [step for item in items for step in self._complete(item)]

    def _complete(self, item: object) -> list[ConversationStep]:
        if not isinstance(item, dict) or item.get("type") == "userMessage":
            return []
        step = ConversationStep.from_wire(item, thread_id=self.thread_id, turn_id=self.turn_id)
        if step.item_type == "agentMessage":  # the answer may be among the items delivered before
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
        """Return the message that is the answer, or `None`."""
        kinds = (*_ANSWERS, *_SUBSTITUTES) if self.status == "completed" else _ANSWERS
        return next((self._messages[kind] for kind in kinds if kind in self._messages), None)


def _kind_of(message: Mapping[str, Any]) -> str:
    if is_asynchronous(message):
        return _ASYNC
    phase = message.get("phase")
    return phase if phase in _PHASES else _PLAIN


def is_complete(item: object) -> bool:
    """Whether an item from history is complete. Items of a running turn may be incomplete."""
    if not isinstance(item, dict):
        return True
    is_asleep = item.get("type") == "sleep" and item.get("completedAtMs", 0) is None  # a sleep item has no status
    return not is_asleep and item.get("status") != _IN_PROGRESS


def is_over(turn: Mapping[str, Any]) -> bool:
    """Whether a turn has ended, according to the history of the process that has its thread loaded and idle.

    If the process that ran the turn was killed, the turn is `interrupted` and lacks `completedAt` (codex 0.163, 0.169).
    """
    status = turn.get("status")
    return isinstance(status, str) and status != _IN_PROGRESS


def is_terminal(turn: Mapping[str, Any]) -> bool:
    """Whether a turn has certainly ended, according to any history.

    The status is not enough: a second process, and a fork, see a running turn as `interrupted` (codex 0.169).
    """
    status = turn.get("status")
    return isinstance(status, str) and status != _IN_PROGRESS and turn.get("completedAt") is not None
