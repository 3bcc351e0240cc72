"""`TurnRegistry`: the turns and threads of a client. It delivers each event to the turn that it belongs to.

Runs in the reader task, so its methods never wait, and never raise because of the contents of a message.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Protocol

import msgspec
import trio

from .._wire import methods
from .._wire.messages import Delta, Notice
from ..errors import CodexTransportError
from .connection import MAX_IN_FLIGHT, PendingRequest
from .deltas import EventBuffer
from .notifications import NotificationBroadcaster
from .sub_agents import SubAgents
from .turn import Turn, TurnRequest

START_RESPONSE_TIMEOUT = 1.0  # seconds for the response to a `turn/start` whose turn seems to have ended already


class PendingTurn(msgspec.Struct, eq=False):
    """A `turn/start` whose turn id is not known yet.

    Attributes:
        thread_id: The thread on which the turn is started.
        request: The request.
        buffered: Events of unknown turns on the thread. The server may send them before or after the response.
        has_dropped: Whether some of these events were dropped, so that history must be read.
        found: The turn id of the first event for which `request.matches_first_event` returned true.
        running: Id of a turn that has started on this thread and has not ended. It may be another client's turn.
        ended: Id of the last turn that has ended on this thread.
        is_abandoned: Whether the caller has left, so that the turn is to be stopped as soon as its id is known.
        call: The request that is still in flight, if the caller has left.
        thread_is_idle: Whether the server last reported the thread as idle.
        turn: The turn. Set by the response, or by the first event of the turn.
        on_turn_id: Called with the turn id of the matching event. `None` until the response has come, because events
            before the response may belong to another turn.
        waiting: Cancel scope of the wait for the turn id, if the caller has left.
        resolved: Set when the turn is known, when the request has started no turn, and when the connection is lost.
        scope: Cancel scope of the caller while it starts the turn. Closing the client cancels it.
        finished: Set when the caller has the turn, or has left.
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
        """Whether a turn is running on the thread, according to the events of the thread."""
        return self.running is not None and not self.thread_is_idle

    def hold(self, notice: Notice) -> int:
        """Buffer an event of an unknown turn. Return how many events were dropped to make room."""
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
        """If the caller has left, limit the wait for the turn id to `seconds`."""
        if self.waiting is not None:
            self.waiting.deadline = min(self.waiting.deadline, trio.current_time() + seconds)


# A turn on a thread goes through these states, which are stored in the thread's slot. `TurnManager` and `Recovery` make
# the transitions.
#
#   state      in the slot                      next
#   free       there is no slot                 pending: `reserve_thread`
#   pending    `starting`                       running: the response, or the turn's first event (`bind`)
#                                               free: the request was refused, or never sent (`release`)
#                                               abandoned: the caller left while the request was in flight
#   abandoned  `starting.is_abandoned`,         stopping: the turn id became known (`bind`)
#              `leaving`                        free: the turn id did not become known in time (`release`)
#   running    `turn`                           finished: `turn/completed` came, or history contains its end
#                                               stopping: its consumer left without a continuation (`interrupt_soon`)
#   stopping   `turn.left` is `leaving`         free: it ended, or did not end within ten seconds (`clear`)
#   finished   `turn.ended` is set              free: it was read to the end, or no consumer will read it (`forget`)
#
# Tasks that wait for the thread wait for `leaving`. When the connection is lost, a running turn is paused
# (`pause_delivery`). An abandoned request is released, and after reconnecting, its turn is looked up in history
# (`unconfirmed_starts`).


class ThreadSlot(msgspec.Struct, eq=False):
    """The state of one thread, which has at most one of this client's turns at a time.

    Attributes:
        turn: The turn whose id is known, until it is released by `TurnRegistry.forget`.
        starting: The request whose turn id is not known yet.
        leaving: `None` unless a turn is abandoned. Set when that turn has ended, or could not be stopped in time.
    """

    turn: Turn | None = None
    starting: PendingTurn | None = None
    leaving: trio.Event | None = None

    @property
    def has_consumer(self) -> bool:
        """Whether a consumer is waiting for a turn on this thread."""
        if self.starting is not None:
            return not self.starting.is_abandoned
        return self.turn is not None and self.turn.has_consumer and not self.turn.ended.is_set()

    @property
    def is_taken(self) -> bool:
        """Whether no other turn can be started on the thread."""
        is_running = self.turn is not None and not self.turn.ended.is_set()
        return is_running or self.starting is not None or self.leaving is not None


_MAX_REMEMBERED = 1_024  # finished turns to remember, so that their late events are not published as foreign
# Turns that ended while a caller had a continuation, and that no consumer has resumed. Older turns are in history.
_KEPT = 256


Watcher = tuple[Callable[[Notice], bool], Callable[[], None]]


class RegistryOwner(Protocol):
    """The methods that the registry calls, in the reader task."""

    def on_thread_idle(self, turn: Turn) -> None:
        """The server reported the thread of an open turn as idle."""
        ...

    def on_turn_known(self) -> None:
        """A turn, or the turn that a sub-agent works for, has become known. Called before its events are delivered."""
        ...

    def on_events_dropped(self, turn: Turn) -> None:
        """Events were dropped because too many came before the turn was known. History contains them."""
        ...


class TurnRegistry:
    """The tables of threads and turns.

    Attributes:
        subscribed: Ids of the threads whose events this connection receives.
        unsubscribing: Ids of the threads with an unanswered request to unsubscribe.
        to_resubscribe: Ids of the threads that a lost connection was subscribed to, and that this one is not yet.
        sub_agents: The threads of sub-agents.
        hub: Publishes the events that belong to no turn of this client.
        late_events: The number of events that came after the end of their turn.
        dropped_events: The number of events that were dropped because a buffer was full, of a turn that was starting or
            whose delivery was paused.
        unconfirmed_starts: Requests that may have started a turn, but whose connection was lost before their response.
        unanswered: Requests of this connection that may have started a turn, but whose threads have been released.
    """

    def __init__(self, owner: RegistryOwner) -> None:
        self._owner = owner
        self._turns: dict[str, Turn] = {}
        self._places: dict[str, ThreadSlot] = {}
        # Thread ids by turn id. The thread matters, because a fork has turns with the same ids.
        self._recently_finished: dict[str, str] = {}
        self._unclaimed: dict[str, Turn] = {}  # turns that ended while a caller had a continuation
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
        """Record activity of the delta's turn. Return whether the delta can be dropped."""
        params = delta.params
        turn = self._turns.get(params.turn_id)
        if turn is None or not turn.skips_deltas or params.thread_id != turn.thread_id:
            return False
        turn.last_activity = now
        turn.last_event = delta.method
        return True

    def route(self, notice: Notice, now: float) -> None:
        """Deliver an event to its turn, buffer it for a turn that is being started, or publish it."""
        self.sub_agents.note(notice)  # first, because this event may be what identifies the thread as a sub-agent's
        if notice.thread_id in self.sub_agents:
            self._take_sub_agent_event(notice, notice.thread_id or "", now)
        if notice.turn_id is None:
            # A list, because `any` with a generator would skip the watchers after the first that returns true.
            handled = [append(notice) for append, _ in self._watchers.get(notice.method, ())]
            if any(handled):
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
        slot = self._places.get(notice.thread_id or "")
        if slot is not None and slot.starting is not None:
            self._count_dropped(slot.starting.hold(notice))
            self._match_pending(slot.starting)
            return True
        if slot is not None and slot.turn is not None and self._is_review_start(slot.turn, notice):
            slot.turn.interrupt_id = turn_id
            self.late_events += not slot.turn.feed(notice, now)
            return True
        return False

    def _take_sub_agent_event(self, notice: Notice, thread_id: str, now: float) -> None:
        if notice.method == methods.TURN_STARTED and not self.sub_agents.is_foreign(thread_id):
            self.subscribed.add(thread_id)  # its events come without a subscription
        turn = self.sub_agents.root_of(thread_id)
        if turn is not None and turn.turn_id != notice.turn_id:
            turn.feed_sub_agent(notice, now)

    def _is_review_start(self, turn: Turn, notice: Notice) -> bool:
        # In codex 0.163 and 0.169, the events of a review have the turn id from the response, but its `turn/started`
        # has another id. The server accepts an interrupt with the latter only.
        return turn.method == methods.REVIEW_START and notice.method == methods.TURN_STARTED

    def _count_dropped(self, number: int) -> None:
        self.dropped_events += number

    def _match_pending(self, starting: PendingTurn) -> None:
        if starting.found is not None and starting.on_turn_id is not None:
            starting.on_turn_id(starting.found)

    def match_first_event(self, starting: PendingTurn, on_turn_id: Callable[[str], None]) -> None:
        """Match an accepted request to its turn by the turn's first event, which may already be buffered."""
        starting.on_turn_id = on_turn_id
        self._match_pending(starting)

    def _take_thread_event(self, notice: Notice) -> None:
        thread_id = notice.thread_id or ""
        if notice.method == methods.THREAD_STATUS_CHANGED:
            status = notice.params.get("status")
            status_type = status.get("type") if isinstance(status, dict) else None
            if status_type == "notLoaded":
                self.subscribed.discard(thread_id)
            self._note_idle(thread_id, status_type != "active")
        elif notice.method == methods.THREAD_CLOSED:
            self.subscribed.discard(thread_id)
            self._note_idle(thread_id, True)
        elif notice.method == methods.TURN_COMPLETED:  # without a turn id: some turn on the thread has ended
            self._note_idle(thread_id, True)

    def _note_idle(self, thread_id: str, is_idle: bool) -> None:
        slot = self._places.get(thread_id)
        if slot is None:
            return
        if slot.starting is not None:
            slot.starting.thread_is_idle = is_idle
        if slot.turn is not None and not slot.turn.ended.is_set():
            slot.turn.thread_is_idle = is_idle
            if is_idle:
                self._owner.on_thread_idle(slot.turn)

    def suspend(self) -> None:
        """Pause delivery to all turns until the client has reconnected."""
        for turn in self.turns:
            turn.pause_delivery()
        for slot in self.places:
            starting = slot.starting
            if starting is not None and starting.call is not None and starting.on_turn_id is None:
                # The caller has left, and the response will not come. A request that was accepted (`on_turn_id` is set)
                # stays until its turn is found.
                self.unconfirmed_starts.append(starting.call)
                leaving, slot.leaving = slot.leaving, None  # before `release`, which drops an empty slot
                self.release(starting)
                if leaving is not None:
                    leaving.set()
        self.unconfirmed_starts += [call for call in self.unanswered if call.is_in_flight]
        self.unanswered.clear()
        self._tell_watchers()
        self.to_resubscribe |= self.subscribed
        self.subscribed.clear()

    def is_subscribed(self, thread_id: str) -> bool:
        """Whether this connection would receive the events of a turn that is started now."""
        return thread_id in self.subscribed and thread_id not in self.unsubscribing

    def unsubscribe(self, thread_id: str) -> None:
        """Record that this client is no longer subscribed to a thread, and is not to resubscribe."""
        self.subscribed.discard(thread_id)
        self.to_resubscribe.discard(thread_id)

    def _tell_watchers(self) -> None:
        for watchers in self._watchers.values():
            for _, on_lost in watchers:
                on_lost()

    def fail(self, error: CodexTransportError) -> None:
        """End all turns and notification streams, because the connection has ended for good."""
        for turn in self.turns:
            turn.fail(error)
        for slot in self.places:
            if slot.starting is not None:
                slot.starting.resolved.set()
            if slot.leaving is not None:
                slot.leaving.set()
                slot.leaving = None
        self._tell_watchers()
        self.subscribed.clear()
        self.hub.fail(error)

    def watch(self, method: str, append: Callable[[Notice], bool], on_lost: Callable[[], None]) -> Callable[[], None]:
        """Call `append` in the reader task for events of `method` without a turn id. Return a function that stops this.

        Args:
            method: The method of the notifications.
            append: Called with the notification. Returns whether it is handled, so that it is not published.
            on_lost: Called when the connection is lost.
        """
        watcher = append, on_lost
        self._watchers.setdefault(method, []).append(watcher)

        def unwatch() -> None:
            if watcher in self._watchers[method]:
                self._watchers[method].remove(watcher)

        return unwatch

    # --- the slots of threads

    def place(self, thread_id: str) -> ThreadSlot:
        """Return the slot of a thread, and create it if there is none. It is dropped when it becomes empty."""
        return self._places.setdefault(thread_id, ThreadSlot())

    def get_slot(self, thread_id: str) -> ThreadSlot:
        """Return the slot of a thread for reading. If there is none, return an empty slot that is not stored."""
        return self._places.get(thread_id) or ThreadSlot()

    def release(self, starting: PendingTurn) -> None:
        """Remove a request that started no turn, and publish the events that were buffered for it."""
        slot = self._places[starting.thread_id]
        slot.starting = None
        starting.resolved.set()
        self._tidy(starting.thread_id)
        for notice in starting.buffered.take():
            self.hub.publish(notice)

    def bind(self, starting: PendingTurn, turn_id: str, now: float) -> Turn:
        """Register the turn of an accepted request, and deliver the events that were buffered for it."""
        slot = self._places[starting.thread_id]
        # While `slot.starting` is set, `forget` does not drop the slot.
        if slot.turn is not None and slot.turn.turn_id not in self._unclaimed:
            self.forget(slot.turn)
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
        slot.starting, slot.turn = None, turn
        self._turns[turn_id] = turn
        self._recently_finished.pop(turn_id, None)
        turn.on_end.add(partial(self._note_end, turn))
        starting.turn = turn
        starting.resolved.set()
        self._owner.on_turn_known()
        # Pause before the buffered events are delivered, so that they come after the dropped ones from history.
        if starting.has_dropped and not turn.is_paused:
            turn.pause_delivery()
            turn.thread_is_idle = starting.thread_is_idle
            self._owner.on_events_dropped(turn)
        for notice in starting.buffered.take():
            if not self._take_turn_event(notice, notice.turn_id or "", now):
                self.hub.publish(notice)
        # Last, because the end of the turn may be among the buffered events.
        if starting.thread_is_idle and turn.last_event is not None and not turn.ended.is_set():
            turn.thread_is_idle = True
            self._owner.on_thread_idle(turn)
        return turn

    def _note_end(self, turn: Turn) -> None:
        if turn.left is not None and turn.left.is_set():  # it could not be stopped in time, and has ended since
            self.forget(turn)
        elif turn.has_continuation:
            self._unclaimed[turn.turn_id] = turn
            if len(self._unclaimed) > _KEPT:
                oldest = self._unclaimed.pop(next(iter(self._unclaimed)))
                if oldest.has_continuation:  # otherwise a consumer has resumed it, and will release it
                    self.forget(oldest)

    def starting(self, thread_id: str) -> PendingTurn | None:
        """Return the turn that is being started on a thread, unless its caller has left."""
        starting = self.get_slot(thread_id).starting
        return None if starting is None or starting.is_abandoned else starting

    def open_turn(self, thread_id: str) -> Turn | None:
        """Return the turn of this client that is running on a thread."""
        slot = self._places.get(thread_id)
        turn = None if slot is None else slot.turn
        return None if turn is None or turn.ended.is_set() else turn

    def find(self, turn_id: str) -> Turn | None:
        """Return a turn that is running or has unread events."""
        return self._turns.get(turn_id)

    def is_known(self, turn_id: str) -> bool:
        """Whether a turn is, or was recently, a turn of this client."""
        return turn_id in self._turns or turn_id in self._recently_finished

    def waits_for(self, thread_id: str, turn_id: str | None) -> list[Turn]:
        """Return the open turns of this client that may wait for a server request whose turn is not in the registry.

        An unknown thread can only belong to a sub-agent, of any open turn.
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
        """Release a turn that was read to the end or discarded. Its later events count as late."""
        if self._turns.get(turn.turn_id) is not turn:
            return
        del self._turns[turn.turn_id]
        self._unclaimed.pop(turn.turn_id, None)
        self._recently_finished[turn.turn_id] = turn.thread_id
        if len(self._recently_finished) > _MAX_REMEMBERED:
            del self._recently_finished[next(iter(self._recently_finished))]
        slot = self._places.get(turn.thread_id)
        if slot is not None and slot.turn is turn:
            slot.turn = None
            self._tidy(turn.thread_id)

    def clear(self, turn: Turn) -> None:
        """Wake the tasks that wait for the thread: the abandoned turn has ended, or could not be stopped in time."""
        slot = self._places.get(turn.thread_id)
        if slot is not None and slot.leaving is turn.left:
            slot.leaving = None
            self._tidy(turn.thread_id)
        if turn.left is not None:
            turn.left.set()

    def _tidy(self, thread_id: str) -> None:
        slot = self._places.get(thread_id)
        if slot is not None and slot.turn is None and slot.starting is None and slot.leaving is None:
            del self._places[thread_id]

    @property
    def places(self) -> list[ThreadSlot]:
        """The slots of all threads with a turn, or with a turn that is being started or stopped."""
        return list(self._places.values())

    @property
    def turns(self) -> list[Turn]:
        """The turns that are running or have unread events."""
        return list(self._turns.values())
