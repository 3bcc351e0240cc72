"""`TurnRequest`: how a turn is asked for, and how it is known which turn came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from .._wire import methods
from .._wire.messages import Notice
from ..models import ChatContinuation


class TurnRequest(msgspec.Struct, frozen=True):
    """A request that starts a turn.

    Attributes:
        method: `turn/start`, or another that does it.
        params: Its parameters but for the thread.
        thread_params: Those of the `thread/start` before it, where there is no thread yet.
        is_ours: Of a request whose answer does not tell the turn: whether this event, of a turn that nobody knows,
            is of ours.
        wants_deltas: The turn's reader wants its deltas.
        continuation: Of a turn that runs already, or has ended: where its reader was.
    """

    method: str = methods.TURN_START
    params: Mapping[str, Any] = msgspec.field(default_factory=dict)
    thread_params: Mapping[str, Any] = msgspec.field(default_factory=dict)
    matches_first_event: Callable[[Notice], bool] | None = None
    wants_deltas: bool = False
    continuation: ChatContinuation | None = None


def is_start(notice: Notice) -> bool:
    """Whether a turn began: one that comes of a compaction, say."""
    return notice.method == methods.TURN_STARTED


def is_shell(notice: Notice) -> bool:
    """Whether a turn began, or a user's command in a turn that ran already."""
    item = notice.params.get("item")
    is_command = isinstance(item, dict) and item.get("source") == "userShell"
    return is_start(notice) or (notice.method == methods.ITEM_STARTED and is_command)
