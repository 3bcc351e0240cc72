"""`SubAgents`: find the turn that a sub-agent works for. A sub-agent's events have their own thread and turn ids."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from .._wire import methods
from .._wire.messages import Notice
from .turn import Turn

_MAX_REMEMBERED = 1_024  # threads of sub-agents, and the same number of their turns
_DEEPEST = 16  # levels of sub-agents that started each other
_MOST_TOLD = 256  # sub-agents read from one item


class _Origin(msgspec.Struct):
    """Which thread and which turn a sub-agent works for.

    Attributes:
        parent: Id of the thread that started the sub-agent or sends messages to it, according to that thread's items.
        root_turn: ``rootTurnId`` of the sub-agent's last turn. This is the turn that the user started, even for a
            sub-agent of a sub-agent (codex 0.163 to 0.171).
    """

    parent: str | None = None
    root_turn: str | None = None


class SubAgents:
    """The threads of sub-agents, and the threads and turns that they work for.

    Args:
        thread_of: Returns the thread id of a turn of this client, or `None` if the turn is unknown.
        open_turn: Returns the turn of this client that is running on a thread, or `None`.
        is_own: Returns whether this client is subscribed to a thread, or has a turn on it.
        on_parent_known: Called when the parent or a new turn of a sub-agent's thread becomes known.
    """

    def __init__(
        self,
        *,
        thread_of: Callable[[str], str | None],
        open_turn: Callable[[str], Turn | None],
        is_own: Callable[[str], bool],
        on_parent_known: Callable[[], None],
    ) -> None:
        self._thread_of = thread_of
        self._open_turn = open_turn
        self._is_own = is_own
        self._on_parent_known = on_parent_known
        self._origins: dict[str, _Origin] = {}  # by thread id
        self._threads: dict[str, str] = {}  # thread id by turn id, of sub-agents

    def __contains__(self, thread_id: object) -> bool:
        return thread_id in self._origins

    def note(self, notice: Notice) -> None:
        """Record what an event contains about sub-agents."""
        if notice.thread_id is None:
            return
        if notice.method == methods.TURN_STARTED:
            self._note_turn(notice.thread_id, notice)
        elif notice.method in (methods.ITEM_STARTED, methods.ITEM_COMPLETED):
            for child in told_by(notice.params.get("item")):
                self.note_parent(child, notice.thread_id)

    def _note_turn(self, thread_id: str, notice: Notice) -> None:
        turn = notice.params.get("turn")
        root_id = turn.get("rootTurnId") if isinstance(turn, dict) else None
        if not isinstance(root_id, str) or root_id == notice.turn_id:
            return
        self._remember(thread_id).root_turn = root_id
        if notice.turn_id is not None:
            self._threads.pop(notice.turn_id, None)
            self._threads[notice.turn_id] = thread_id
            if len(self._threads) > _MAX_REMEMBERED:
                del self._threads[next(iter(self._threads))]
        self._on_parent_known()

    def note_parent(self, thread_id: str, parent: str) -> None:
        """Record the thread that a sub-agent works for."""
        if thread_id == parent:
            return
        origin = self._remember(thread_id)
        if origin.parent != parent:
            origin.parent = parent
            self._on_parent_known()

    def _remember(self, thread_id: str) -> _Origin:
        # Move the entry to the end, because the first entries are removed when there are too many.
        origin = self._origins.pop(thread_id, None) or _Origin()
        self._origins[thread_id] = origin
        if len(self._origins) > _MAX_REMEMBERED:
            del self._origins[next(iter(self._origins))]
        return origin

    def of(self, thread_id: str) -> list[str]:
        """Return the thread ids of the sub-agents that a thread has started or sends messages to."""
        return [child for child, origin in self._origins.items() if origin.parent == thread_id]

    def root_of(self, thread_id: str) -> Turn | None:
        """Return the open turn that a sub-agent works for."""
        # Look for the turn that is open on the thread now, not for the one that started the sub-agent. A sub-agent may
        # outlive that turn, and the next turn on the thread may wait for it.
        return next((turn for parent in self._above(thread_id) if (turn := self._open_turn(parent)) is not None), None)

    def is_foreign(self, thread_id: str) -> bool:
        """Whether the thread of a sub-agent is known to work for another client of the server.

        Codex 0.163 to 0.171 send a sub-agent's events and requests to every client that was connected when it started.
        """
        return thread_id in self and not any(map(self._is_own, (thread_id, *self._above(thread_id))))

    def _above(self, thread_id: str) -> Iterator[str]:
        """Yield the ids of the thread's known ancestors, nearest first."""
        for _ in range(_DEEPEST):
            origin = self._origins.get(thread_id)
            if origin is None:
                return
            root = origin.root_turn
            ancestor = (root and (self._thread_of(root) or self._threads.get(root))) or origin.parent
            if not ancestor:
                return
            yield ancestor
            thread_id = ancestor


def told_by(item: object) -> Iterator[str]:
    """Yield the thread ids of the sub-agents that an item names."""
    if not isinstance(item, dict):
        return
    if item.get("type") == "subAgentActivity":
        agents = [item.get("agentThreadId")]
    elif item.get("type") == "collabAgentToolCall" and isinstance(item.get("receiverThreadIds"), list):
        agents = item["receiverThreadIds"]
    else:
        return
    yield from (agent for agent in agents[:_MOST_TOLD] if isinstance(agent, str))
