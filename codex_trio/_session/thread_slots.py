"""`ThreadSlot`: the turn on a thread. `PendingTurn`: a `turn/start` on the thread, until its turn id is known."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import trio

from .._wire import methods
from .._wire.messages import Notice
from .connection import Call
from .held import Held
from .turn import Turn
from .turn_request import TurnRequest

START_RESPONSE_TIMEOUT = 1.0  # seconds for the answer to a `turn/start` whose turn seems to have ended already


class PendingTurn(msgspec.Struct, eq=False):
    """A `turn/start` whose turn is not known yet.

    Attributes:
        request: The request.
        held: Events of turns that are not known yet. The server may send them before or after the answer.
        has_dropped: Whether some of these events were dropped, so that history must be read.
        found: The turn of the first event that `request.matches_first_event` takes for ours.
        running: A turn that started on this thread and has not ended. It may be ours, or another client's.
        ended: The last turn that has ended on this thread.
        is_orphan: Whether the caller has left, so that the turn is to be stopped as soon as its id is known.
        call: For an orphan, the pending request.
        turn: Set by the answer, or by the first event of the turn.
        on_found: Called with the turn of that event. Set by the answer, because earlier events may be of another turn.
        waiting: For an orphan, cancels the wait for the turn id.
        settled: Fires when the turn is known, or there will be none, or the connection is lost.
        scope: Of the caller, while it is being started; the client cancels it on closing.
        let_go: Fires when the caller has the turn, or has left.
    """

    thread_id: str
    request: TurnRequest
    held: Held = msgspec.field(default_factory=Held)
    has_dropped: bool = False
    found: str | None = None
    running: str | None = None
    ended: str | None = None
    is_abandoned: bool = False
    call: Call | None = None
    thread_is_idle: bool = False
    turn: Turn | None = None
    on_turn_id: Callable[[str], None] | None = None
    waiting: trio.CancelScope | None = None
    resolved: trio.Event = msgspec.field(default_factory=trio.Event)
    scope: trio.CancelScope = msgspec.field(default_factory=trio.CancelScope)
    finished: trio.Event = msgspec.field(default_factory=trio.Event)

    @property
    def is_running(self) -> bool:
        """Whether a turn runs on the thread, as far as is known from its events."""
        return self.running is not None and not self.thread_is_idle

    def hold(self, notice: Notice) -> int:
        """Hold an event of an unknown turn; return how many events were dropped to make room."""
        matches_first_event = self.request.matches_first_event
        if self.found is None and matches_first_event is not None and matches_first_event(notice):
            self.found = notice.turn_id
        dropped = self.held.push(notice)
        self.has_dropped = self.has_dropped or dropped > 0
        if notice.method == methods.TURN_STARTED:
            self.running = notice.turn_id
        elif notice.method == methods.TURN_COMPLETED:
            self.running, self.ended = None, notice.turn_id
            self.hurry(START_RESPONSE_TIMEOUT)
        return dropped

    def hurry(self, seconds: float) -> None:
        """Limit the wait for the turn id to `seconds`, if the caller has left."""
        if self.waiting is not None:
            self.waiting.deadline = min(self.waiting.deadline, trio.current_time() + seconds)


class ThreadSlot(msgspec.Struct, eq=False):
    """The state of one thread, which has at most one of this client's turns at a time.

    Attributes:
        leaving: Fires when an abandoned turn has ended, or the attempt to stop it was given up.
    """

    turn: Turn | None = None
    starting: PendingTurn | None = None
    leaving: trio.Event | None = None

    @property
    def has_consumer(self) -> bool:
        """Whether a consumer waits for a turn on this thread."""
        if self.starting is not None:
            return not self.starting.is_abandoned
        return self.turn is not None and self.turn.has_consumer and not self.turn.ended.is_set()

    @property
    def is_taken(self) -> bool:
        """Whether the thread is not free for another turn."""
        is_running = self.turn is not None and not self.turn.ended.is_set()
        return is_running or self.starting is not None or self.leaving is not None
