"""A turn whose events the test itself sends, one by one, and calls that run in another task."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

import outcome
import pytest
import trio

from codex_trio import ChatContinuation, CodexClient, CodexTurnInactiveError, ConversationStep, StepStream
from codex_trio.testing import HeldCall, ScriptedAppServer

T = TypeVar("T")
Message = dict[str, Any]


def message(item_id: str, text: str, phase: str | None = None) -> Message:
    """Return an agent message as an item."""
    return {"type": "agentMessage", "id": item_id, "text": text, "phase": phase}


class TurnByHand:
    """A turn of which the server knows nothing: it answers `turn/start` and plays the rest when told to.

    Attributes:
        call: The `turn/start`.
        thread_id: The thread that the client wants the turn on.
        turn_id: What `accept` will call the turn.
    """

    def __init__(self, call: HeldCall, turn_id: str) -> None:
        self.thread_id: str = call.params["threadId"]
        self.turn_id = turn_id
        self.call = call

    def accept(self) -> None:
        """Answer `turn/start`."""
        self.call.reply({"turn": {"id": self.turn_id, "items": [], "status": "inProgress"}})

    def send(self, method: str, **params: Any) -> None:
        """Send any event of the turn."""
        ids = {"threadId": self.thread_id, "turnId": self.turn_id}
        self.call.connection.send({"method": method, "params": {**ids, **params}})

    def start(self) -> None:
        """Send `turn/started`."""
        self._send_whole("turn/started", {"status": "inProgress", "items": [], "itemsView": "notLoaded"})

    def begin(self, item: Message) -> None:
        """Send `item/started`."""
        self.send("item/started", item=item)

    def complete(self, item: Message) -> None:
        """Send `item/completed`."""
        self.send("item/completed", item=item)

    def say(self, text: str, phase: str | None = None, item_id: str = "message") -> None:
        """Send an agent message, whole."""
        self.complete(message(item_id, text, phase))

    def end(self, status: str = "completed", items: Sequence[Message] = (), view: str = "full", **more: Any) -> None:
        """Send `turn/completed`."""
        self._send_whole("turn/completed", {"status": status, "items": list(items), "itemsView": view, **more})

    def idle(self) -> None:
        """Send that the thread has nothing to do."""
        self.call.connection.send(
            {"method": "thread/status/changed", "params": {"threadId": self.thread_id, "status": {"type": "idle"}}}
        )

    def _send_whole(self, method: str, turn: Message) -> None:
        params = {"threadId": self.thread_id, "turn": {"id": self.turn_id, **turn}}
        self.call.connection.send({"method": method, "params": params})


async def next_turn(server: ScriptedAppServer, turn_id: str = "turn") -> TurnByHand:
    """Wait for a `turn/start` that `server` holds."""
    return TurnByHand(await server.held("turn/start").receive(), turn_id)


class Background(Generic[T]):
    """A call in another task."""

    def __init__(self, nursery: trio.Nursery, async_fn: Callable[..., Awaitable[T]], *args: Any, **named: Any) -> None:
        self.is_done = False
        self._done = trio.Event()
        nursery.start_soon(self._run, async_fn, args, named)

    async def _run(self, async_fn: Callable[..., Awaitable[T]], args: Sequence[Any], named: Message) -> None:
        self._outcome = await outcome.acapture(async_fn, *args, **named)
        self.is_done = True
        self._done.set()

    async def result(self) -> T:
        """Return what the call returned, or raise what it raised."""
        await self._done.wait()
        return self._outcome.unwrap()


def methods_after(server: ScriptedAppServer, method: str) -> list[str]:
    """Return the methods that the server received after the last `method`."""
    received = server.received_methods()
    return received[len(received) - received[::-1].index(method) :]


async def go_quiet(client: CodexClient, text: str = "hello", timeout: float | None = None) -> ChatContinuation:
    """Ask with `chat_once`, and return the continuation of the error that it must raise."""
    with pytest.raises(CodexTurnInactiveError) as caught:
        await client.chat_once(text, inactivity_timeout=timeout)
    return caught.value.continuation


async def read(stream: StepStream, steps: list[ConversationStep], *, pause: float = 0) -> None:
    """Add the steps of a stream to `steps`, however it ends, and pause after each."""
    async for step in stream:
        steps.append(step)
        await trio.sleep(pause)


async def go_quiet_in_stream(client: CodexClient, text: str = "hello") -> tuple[list[str], ChatContinuation]:
    """Ask with `chat`, and return the steps that came, and the continuation of the error that it must raise."""
    steps: list[ConversationStep] = []
    with pytest.raises(CodexTurnInactiveError) as caught:
        await read(client.chat(text), steps)
    return [step.text for step in steps], caught.value.continuation


class CancelAfterSteps(trio.abc.Instrument):
    """Cancels a scope once its task has run so many times; 0: at once."""

    def __init__(self, scope: trio.CancelScope, steps: int) -> None:
        self._task = trio.lowlevel.current_task()
        self._scope = scope
        self._steps_left = steps
        self.fired_at: float | None = None
        self._fire_if_due()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        if task is self._task:
            self._steps_left -= 1
            self._fire_if_due()

    @property
    def is_caught(self) -> bool:
        """Whether the body was cut short."""
        return self._scope.cancelled_caught

    def _fire_if_due(self) -> None:
        if self._steps_left == 0:
            self.fired_at = trio.current_time()
            self._scope.cancel()


@contextmanager
def cancelled_after(steps: int) -> Iterator[CancelAfterSteps]:
    """Cancel the body once the calling task has run so many times in it."""
    with trio.CancelScope() as scope:
        instrument = CancelAfterSteps(scope, steps)
        trio.lowlevel.add_instrument(instrument)
        try:
            yield instrument
        finally:
            trio.lowlevel.remove_instrument(instrument)
