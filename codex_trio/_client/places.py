"""`Place`: what happens on one thread. `Starting`: a turn that is asked for there, until it is known which it is."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import trio

from .._connection import Call
from .._protocol import methods
from .._protocol.messages import Notice
from .._turn import Held, Turn, TurnRequest

ANSWER_PATIENCE = 1.0  # seconds for the answer to a `turn/start` whose turn seems to have ended already


class Starting(msgspec.Struct, eq=False):
    """A `turn/start` on its way.

    Attributes:
        request: What was asked.
        held: Events of turns that we do not know (yet): the server promises no order between them and the answer.
        has_dropped: Too many of them came, so that history must tell the rest.
        found: The turn of the first event that `request.is_ours` takes for ours.
        running: A turn that began here and has not ended. It may be ours, or another client's.
        ended: The last one that has ended.
        is_orphan: The caller has left; the turn is to be stopped as soon as it is known.
        call: Of an orphan: what is on its way.
        turn: Set by the answer, or by the first event of the turn.
        on_found: Told the turn of that event. Set by the answer: what comes before it may be another's.
        waiting: Of an orphan: ends the wait for what is to tell which turn it is.
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
    is_orphan: bool = False
    call: Call | None = None
    thread_is_idle: bool = False
    turn: Turn | None = None
    on_found: Callable[[str], None] | None = None
    waiting: trio.CancelScope | None = None
    settled: trio.Event = msgspec.field(default_factory=trio.Event)
    scope: trio.CancelScope = msgspec.field(default_factory=trio.CancelScope)
    let_go: trio.Event = msgspec.field(default_factory=trio.Event)

    @property
    def is_running(self) -> bool:
        """Whether a turn runs on the thread, as far as its events tell."""
        return self.running is not None and not self.thread_is_idle

    def hold(self, notice: Notice) -> int:
        """Take an event of a turn that nobody knows; return how many were dropped for it."""
        is_ours = self.request.is_ours
        if self.found is None and is_ours is not None and is_ours(notice):
            self.found = notice.turn_id
        dropped = self.held.push(notice)
        self.has_dropped = self.has_dropped or dropped > 0
        if notice.method == methods.TURN_STARTED:
            self.running = notice.turn_id
        elif notice.method == methods.TURN_COMPLETED:
            self.running, self.ended = None, notice.turn_id
            self.hurry(ANSWER_PATIENCE)
        return dropped

    def hurry(self, seconds: float) -> None:
        """Wait no longer than that for what is to tell which turn it is, if its caller has left."""
        if self.waiting is not None:
            self.waiting.deadline = min(self.waiting.deadline, trio.current_time() + seconds)


class Place(msgspec.Struct, eq=False):
    """What happens on one thread: at most one turn of ours at a time.

    Attributes:
        leaving: Fires when the turn that nobody wants is off this thread, or given up.
    """

    turn: Turn | None = None
    starting: Starting | None = None
    leaving: trio.Event | None = None

    @property
    def has_consumer(self) -> bool:
        """Whether somebody waits for a turn here."""
        if self.starting is not None:
            return not self.starting.is_orphan
        return self.turn is not None and self.turn.has_consumer and not self.turn.ended.is_set()

    @property
    def is_taken(self) -> bool:
        """Whether no turn can be started here."""
        is_running = self.turn is not None and not self.turn.ended.is_set()
        return is_running or self.starting is not None or self.leaving is not None
