"""`SubAgents`: find the turn that a sub-agent's thread works for. Its events have thread and turn ids of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from .._wire import methods
from .._wire.messages import Notice
from .turn import Turn

_MAX_REMEMBERED = 1_024  # threads of sub-agents, and as many of their turns
_DEEPEST = 16  # sub-agents of sub-agents
_MOST_TOLD = 256  # sub-agents in one item


class _Origin(msgspec.Struct):
    """Where the work of a sub-agent comes from.

    Attributes:
        parent: The thread that started it, or sends messages to it, according to that thread's items.
        root_turn: ``rootTurnId`` of its last turn: the one of the user, however deep the sub-agent is (codex 0.163 to
            0.171).
    """

    parent: str | None = None
    root_turn: str | None = None


class SubAgents:
    """The threads of sub-agents, and where their work comes from.

    Args:
        thread_of: Returns the thread of a turn of this client; `None` if it is not known.
        open_turn: Returns the turn of this client that runs on a thread.
        is_own: Whether this client is subscribed to a thread.
        on_parent_known: Called when a thread, or another turn of a thread, becomes known.
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
        self._origins: dict[str, _Origin] = {}  # by thread
        self._threads: dict[str, str] = {}  # by turn of a sub-agent

    def __contains__(self, thread_id: object) -> bool:
        return thread_id in self._origins

    def note(self, notice: Notice) -> None:
        """Note what an event contains about sub-agents."""
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
        """Note the thread that a sub-agent works for."""
        if thread_id == parent:
            return
        origin = self._remember(thread_id)
        if origin.parent != parent:
            origin.parent = parent
            self._on_parent_known()

    def _remember(self, thread_id: str) -> _Origin:
        origin = self._origins.pop(thread_id, None) or _Origin()
        self._origins[thread_id] = origin
        if len(self._origins) > _MAX_REMEMBERED:
            del self._origins[next(iter(self._origins))]
        return origin

    def of(self, thread_id: str) -> list[str]:
        """Return the threads of the sub-agents that a thread has started, or sends messages to."""
        return [child for child, origin in self._origins.items() if origin.parent == thread_id]

    def root_of(self, thread_id: str) -> Turn | None:
        """Return the open turn that the thread of a sub-agent works for."""
        # A sub-agent may outlive its turn, and the next one on that thread may wait for it.
        return next((turn for above in self._above(thread_id) if (turn := self._open_turn(above)) is not None), None)

    def is_foreign(self, thread_id: str) -> bool:
        """Whether the thread of a sub-agent is known to work for another client of the server.

        Codex 0.163 to 0.171 send a sub-agent's events and requests to every client that was connected when it started.
        """
        return thread_id in self and not any(map(self._is_own, (thread_id, *self._above(thread_id))))

    def _above(self, thread_id: str) -> Iterator[str]:
        """Yield the thread's known ancestors, the nearest first."""
        for _ in range(_DEEPEST):
            origin = self._origins.get(thread_id)
            if origin is None:
                return
            root = origin.root_turn
            above = (root and (self._thread_of(root) or self._threads.get(root))) or origin.parent
            if not above:
                return
            yield above
            thread_id = above


def told_by(item: object) -> Iterator[str]:
    """Yield the threads of the sub-agents that an item contains."""
    if not isinstance(item, dict):
        return
    if item.get("type") == "subAgentActivity":
        agents = [item.get("agentThreadId")]
    elif item.get("type") == "collabAgentToolCall" and isinstance(item.get("receiverThreadIds"), list):
        agents = item["receiverThreadIds"]
    else:
        return
    yield from (agent for agent in agents[:_MOST_TOLD] if isinstance(agent, str))
