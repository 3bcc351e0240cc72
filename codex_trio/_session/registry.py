"""`TurnRegistry`: the turns and threads of a client, and which turn an event belongs to.

Runs in the reader, so it never waits and never raises for what came.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Protocol

import msgspec
import trio

from .._wire import methods
from .._wire.messages import (
    Delta,
    Notice,
)
from ..errors import CodexTransportError
from .connection import (
    MAX_IN_FLIGHT,
    PendingRequest,
)
from .deltas import EventBuffer
from .notifications import NotificationBroadcaster
from .sub_agents import SubAgents
from .turn import Turn, TurnRequest

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
        is_abandoned: Whether the caller has left, so that the turn is to be stopped as soon as its id is known.
        call: For an orphan, the pending request.
        turn: Set by the answer, or by the first event of the turn.
        on_turn_id: Called with the turn of that event. Set by the answer, because earlier events may be of another turn.
        waiting: For an orphan, cancels the wait for the turn id.
        resolved: Fires when the turn is known, or there will be none, or the connection is lost.
        scope: Of the caller, while it is being started; the client cancels it on closing.
        finished: Fires when the caller has the turn, or has left.
    """

    thread_id: str
    request: TurnRequest
    buffered: EventBuffer = msgspec.field(default_factory=EventBuffer)
    has_dropped: bool = False
    found: str | None = None
    running: str | None = None
    ended: str | None = None
    is_abandoned: bool = False
    call: PendingRequest | None = None
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
        dropped = self.buffered.push(notice)
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


# A turn on a thread goes through these states. The thread's slot holds them; `TurnManager` and `Recovery` make the moves.
#
#   state      in the slot                      next
#   free       there is no slot                 pending: `reserve_thread`
#   pending    `starting`                       running: the response, or the turn's first event (`bind`)
#                                               free: the request was refused, or never sent (`release`)
#                                               abandoned: the caller left while the request was in flight
#   abandoned  `starting.is_abandoned`,         stopping: the turn became known after all (`bind`)
#              `leaving`                        free: no turn of it was seen in time (`release`)
#   running    `turn`                           finished: turn/completed, or an end that history tells
#                                               stopping: its consumer left without a continuation (`interrupt_soon`)
#   stopping   `turn.left` is `leaving`         free: it ended, or was given up after ten seconds (`clear`)
#   finished   `turn.ended` is set              free: it was read to the end, or nobody will read it (`forget`)
#
# Callers that wait for the thread wait for `leaving`. A lost connection pauses a running turn (`pause_delivery`) and drops
# an abandoned one, which the next connection looks for in history (`unconfirmed_starts`).


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


_MAX_REMEMBERED = 1_024  # finished turns, whose late events are told from other people's
_KEPT = 256  # ended turns that were handed out and that nobody has taken up; of older ones, history tells


Watcher = tuple[Callable[[Notice], bool], Callable[[], None]]


class RegistryOwner(Protocol):
    """What the registry calls, in the reader task."""

    def on_thread_idle(self, turn: Turn) -> None:
        """The server says that a thread with an open turn has nothing to do."""
        ...

    def on_turn_known(self) -> None:
        """A turn has become known, or the turn that a sub-agent works for. Called before its events are delivered."""
        ...

    def on_events_dropped(self, turn: Turn) -> None:
        """Too many events came before the turn was known. They are in history."""
        ...


class TurnRegistry:
    """The tables of threads and turns.

    Attributes:
        subscribed: Threads whose events this connection gets.
        unsubscribing: Of those, which it asked to get no more of, without an answer yet.
        to_resubscribe: Those whose events the lost connection got, and this one does not, yet.
        sub_agents: Threads of sub-agents that work for this client's turns.
        late_events: How many came after the end of their turn.
        dropped_events: How many were dropped because the buffer of a turn that was starting or catching up was full.
        unconfirmed_starts: The loss of a connection left open what came of them.
        unanswered: Requests of this connection that may have started a turn, on threads that have been released since.
    """

    def __init__(self, owner: RegistryOwner) -> None:
        self._owner = owner
        self._turns: dict[str, Turn] = {}
        self._places: dict[str, ThreadSlot] = {}
        self._recently_finished: dict[str, str] = {}  # the thread, by turn: a fork inherits the ids of its turns
        self._unclaimed: dict[str, Turn] = {}  # those that have ended since they were handed out
        self.sub_agents = SubAgents(
            thread_of=self._thread_of,
            open_turn=self.open_turn,
            is_own=self._is_own,
            on_parent_known=owner.on_turn_known,
        )
        self.subscribed: set[str] = set()
        self.unsubscribing: set[object] = set()
        self.to_resubscribe: set[str] = set()
        self.hub = NotificationBroadcaster()
        self._watchers: dict[str, list[Watcher]] = {}
        self.late_events = 0
        self.dropped_events = 0
        self.unconfirmed_starts: list[PendingRequest] = []
        self.unanswered: deque[PendingRequest] = deque(maxlen=MAX_IN_FLIGHT)

    # --- events

    def route_delta(self, delta: Delta, now: float) -> bool:
        """Take a delta for a sign of life of its turn; say whether that is all it is."""
        params = delta.params
        turn = self._turns.get(params.turn_id)
        if turn is None or not turn.skips_deltas or params.thread_id != turn.thread_id:
            return False
        turn.last_activity = now
        turn.last_event = delta.method
        return True

    def route(self, notice: Notice, now: float) -> None:
        """Give an event to its turn; hold it for a turn that is being started; else publish it."""
        self.sub_agents.note(notice)
        if notice.thread_id in self.sub_agents:
            self._take_sub_agent_event(notice, notice.thread_id or "", now)
        if notice.turn_id is None:
            spent = [append(notice) for append, _ in self._watchers.get(notice.method, ())]  # all of them are asked
            if any(spent):
                return
            self._take_thread_event(notice)
        elif self._take_turn_event(notice, notice.turn_id, now):
            return
        self.hub.publish(notice)

    def _take_turn_event(self, notice: Notice, turn_id: str, now: float) -> bool:
        turn = self._turns.get(turn_id)
        if turn is not None and notice.thread_id in (None, turn.thread_id):
            self.late_events += not turn.feed(notice, now)
            return True
        if turn_id in self._recently_finished and notice.thread_id in (None, self._recently_finished[turn_id]):
            self.late_events += 1
            return True
        place = self._places.get(notice.thread_id or "")
        if place is not None and place.starting is not None:
            self._count_dropped(place.starting.hold(notice))
            self._match_pending(place.starting)
            return True
        if place is not None and place.turn is not None and self._is_review_start(place.turn, notice):
            place.turn.interrupt_id = turn_id
            self.late_events += not place.turn.feed(notice, now)
            return True
        return False

    def _take_sub_agent_event(self, notice: Notice, thread_id: str, now: float) -> None:
        if notice.method == methods.TURN_STARTED and not self.sub_agents.is_foreign(thread_id):
            self.subscribed.add(thread_id)  # its events come without a subscription
        turn = self.sub_agents.root_of(thread_id)
        if turn is not None and turn.turn_id != notice.turn_id:
            turn.feed_sub_agent(notice, now)

    def _is_review_start(self, turn: Turn, notice: Notice) -> bool:
        # codex 0.163 and 0.169: the events of a review have the id that its answer told, `turn/started` has another,
        # and an interrupt is accepted for that one alone.
        return turn.method == methods.REVIEW_START and notice.method == methods.TURN_STARTED

    def _count_dropped(self, number: int) -> None:
        self.dropped_events += number

    def _match_pending(self, starting: PendingTurn) -> None:
        if starting.found is not None and starting.on_turn_id is not None:
            starting.on_turn_id(starting.found)

    def match_first_event(self, starting: PendingTurn, on_turn_id: Callable[[str], None]) -> None:
        """Find the turn of a request that was accepted by its first event, which may have come already."""
        starting.on_turn_id = on_turn_id
        self._match_pending(starting)

    def _take_thread_event(self, notice: Notice) -> None:
        thread_id = notice.thread_id or ""
        if notice.method == methods.THREAD_STATUS_CHANGED:
            status = notice.params.get("status")
            kind = status.get("type") if isinstance(status, dict) else None
            if kind == "notLoaded":
                self.subscribed.discard(thread_id)
            self._note_idle(thread_id, kind != "active")
        elif notice.method == methods.THREAD_CLOSED:
            self.subscribed.discard(thread_id)
            self._note_idle(thread_id, True)
        elif notice.method == methods.TURN_COMPLETED:  # some turn ended, it does not say which
            self._note_idle(thread_id, True)

    def _note_idle(self, thread_id: str, is_idle: bool) -> None:
        place = self._places.get(thread_id)
        if place is None:
            return
        if place.starting is not None:
            place.starting.thread_is_idle = is_idle
        if place.turn is not None and not place.turn.ended.is_set():
            place.turn.thread_is_idle = is_idle
            if is_idle:
                self._owner.on_thread_idle(place.turn)

    def suspend(self) -> None:
        """Tell every turn that it misses what happens now, until there is another connection."""
        for turn in self.turns:
            turn.pause_delivery()
        for place in self.places:
            starting = place.starting
            if starting is not None and starting.call is not None and starting.on_turn_id is None:
                # An orphan whose answer does not come any more. One that was answered stays until its turn is found.
                self.unconfirmed_starts.append(starting.call)
                leaving, place.leaving = place.leaving, None
                self.release(starting)
                if leaving is not None:
                    leaving.set()
        self.unconfirmed_starts += [call for call in self.unanswered if call.is_in_flight]
        self.unanswered.clear()
        self._tell_watchers()
        self.to_resubscribe |= self.subscribed
        self.subscribed.clear()

    def is_subscribed(self, thread_id: str) -> bool:
        """Whether the events of a turn that is asked for now would come."""
        return thread_id in self.subscribed and thread_id not in self.unsubscribing

    def unsubscribe(self, thread_id: str) -> None:
        """Note that this client wants no events of a thread any more."""
        self.subscribed.discard(thread_id)
        self.to_resubscribe.discard(thread_id)

    def _tell_watchers(self) -> None:
        for watchers in self._watchers.values():
            for _, on_lost in watchers:
                on_lost()

    def lose(self, error: CodexTransportError) -> None:
        """Tell every turn that the connection has ended."""
        for turn in self.turns:
            turn.lose(error)
        for place in self.places:
            if place.starting is not None:
                place.starting.resolved.set()
            if place.leaving is not None:
                place.leaving.set()
                place.leaving = None
        self._tell_watchers()
        self.subscribed.clear()
        self.hub.lose(error)

    def watch(self, method: str, append: Callable[[Notice], bool], on_lost: Callable[[], None]) -> Callable[[], None]:
        """Show the events of a method that have no turn to `append`, in the reader; return what undoes that.

        Args:
            method: The method.
            takes: Whether the event is spent, so that nobody else shall see it.
            on_lost: Told when the connection ends.
        """
        watcher = append, on_lost
        self._watchers.setdefault(method, []).append(watcher)

        def unwatch() -> None:
            if watcher in self._watchers[method]:
                self._watchers[method].remove(watcher)

        return unwatch

    # --- places

    def place(self, thread_id: str) -> ThreadSlot:
        """Return the place of a thread; it is kept while something happens there."""
        return self._places.setdefault(thread_id, ThreadSlot())

    def get_slot(self, thread_id: str) -> ThreadSlot:
        """Return the place of a thread to look at; an empty one, which is not kept, where nothing happens."""
        return self._places.get(thread_id) or ThreadSlot()

    def release(self, starting: PendingTurn) -> None:
        """Take back a `turn/start` that started nothing."""
        place = self._places[starting.thread_id]
        place.starting = None
        starting.resolved.set()
        self._tidy(starting.thread_id)
        for notice in starting.buffered.take():
            self.hub.publish(notice)

    def bind(self, starting: PendingTurn, turn_id: str, now: float) -> Turn:
        """Make the turn of a `turn/start` that was answered, and give it what was held for it."""
        place = self._places[starting.thread_id]
        if place.turn is not None and place.turn.turn_id not in self._unclaimed:
            self.forget(place.turn)
        request = starting.request
        turn = Turn(
            starting.thread_id,
            turn_id,
            last_activity=now,
            method=request.method,
            wants_deltas=request.wants_deltas,
            on_dropped=self._count_dropped,
            continuation=request.continuation,
        )
        place.starting, place.turn = None, turn
        self._turns[turn_id] = turn
        self._recently_finished.pop(turn_id, None)
        turn.on_end.add(partial(self._note_end, turn))
        starting.turn = turn
        starting.resolved.set()
        self._owner.on_turn_known()
        if starting.has_dropped and not turn.is_paused:
            turn.pause_delivery()
            turn.thread_is_idle = starting.thread_is_idle
            self._owner.on_events_dropped(turn)
        for notice in starting.buffered.take():
            if not self._take_turn_event(notice, notice.turn_id or "", now):
                self.hub.publish(notice)
        if starting.thread_is_idle and turn.last_event is not None and not turn.ended.is_set():
            turn.thread_is_idle = True
            self._owner.on_thread_idle(turn)
        return turn

    def _note_end(self, turn: Turn) -> None:
        if turn.left is not None and turn.left.is_set():  # it was given up, and ended after all
            self.forget(turn)
        elif turn.has_continuation:
            self._unclaimed[turn.turn_id] = turn
            if len(self._unclaimed) > _KEPT:
                oldest = self._unclaimed.pop(next(iter(self._unclaimed)))
                if oldest.has_continuation:  # else it was taken up
                    self.forget(oldest)

    def starting(self, thread_id: str) -> PendingTurn | None:
        """Return the turn of this client that is being started on a thread, for somebody who waits for it."""
        starting = self.get_slot(thread_id).starting
        return None if starting is None or starting.is_abandoned else starting

    def open_turn(self, thread_id: str) -> Turn | None:
        """Return the turn of this client that runs on a thread."""
        place = self._places.get(thread_id)
        turn = None if place is None else place.turn
        return None if turn is None or turn.ended.is_set() else turn

    def find(self, turn_id: str) -> Turn | None:
        """Return a turn that is open, or has events that nobody read."""
        return self._turns.get(turn_id)

    def is_known(self, turn_id: str) -> bool:
        """Whether a turn is, or lately was, one of ours."""
        return turn_id in self._turns or turn_id in self._recently_finished

    def waits_for(self, thread_id: str, turn_id: str | None) -> list[Turn]:
        """Return this client's open turns that may wait for a server request of a thread whose own turn is unknown.

        An unknown thread can only be a sub-agent's, of any open turn.
        """
        if (root := self.sub_agents.root_of(thread_id)) is not None:
            return [root]
        if turn_id is None and (turn := self.open_turn(thread_id)) is not None:
            return [turn]
        if thread_id in self.sub_agents or thread_id in self._places or thread_id in self.subscribed:
            return []
        return [turn for turn in self.turns if not turn.ended.is_set()]

    def _is_own(self, thread_id: str) -> bool:
        return thread_id in self.subscribed or thread_id in self._places

    def _thread_of(self, turn_id: str) -> str | None:
        turn = self._turns.get(turn_id)
        return self._recently_finished.get(turn_id) if turn is None else turn.thread_id

    def forget(self, turn: Turn) -> None:
        """Let go of a turn that is drained or dropped. What comes of it from now on is late."""
        if self._turns.get(turn.turn_id) is not turn:
            return
        del self._turns[turn.turn_id]
        self._unclaimed.pop(turn.turn_id, None)
        self._recently_finished[turn.turn_id] = turn.thread_id
        if len(self._recently_finished) > _MAX_REMEMBERED:
            del self._recently_finished[next(iter(self._recently_finished))]
        place = self._places.get(turn.thread_id)
        if place is not None and place.turn is turn:
            place.turn = None
            self._tidy(turn.thread_id)

    def clear(self, turn: Turn) -> None:
        """Tell who waits for the thread that the unwanted turn is off it, or given up."""
        place = self._places.get(turn.thread_id)
        if place is not None and place.leaving is turn.left:
            place.leaving = None
            self._tidy(turn.thread_id)
        if turn.left is not None:
            turn.left.set()

    def _tidy(self, thread_id: str) -> None:
        place = self._places.get(thread_id)
        if place is not None and place.turn is None and place.starting is None and place.leaving is None:
            del self._places[thread_id]

    @property
    def places(self) -> list[ThreadSlot]:
        """The threads where something happens."""
        return list(self._places.values())

    @property
    def turns(self) -> list[Turn]:
        """The turns that are open, or have events that nobody read."""
        return list(self._turns.values())
