"""Those who use a client in a soak: they read, wait on, leave, cancel and interrupt, by the throw of a die."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import Random
from typing import Any, Protocol, TypeAlias

import trio

from codex_trio import (
    ApprovalRequest,
    ChatContinuation,
    CodexClient,
    CodexProtocolError,
    CodexTimeoutError,
    CodexTransportError,
    CodexTurnFailedError,
    CodexTurnInactiveError,
    CodexTurnInterruptedError,
    ConversationStep,
    Decision,
    StepCompleted,
    TurnCompleted,
)

from .fates import Fate, Fates

Beginning: TypeAlias = dict[str, Any]  # the arguments that say which turn: text and thread, or a continuation


class World(Protocol):
    """Where people live.

    Attributes:
        kinds: What may be asked; each is a prompt that has a script.
        pace: Seconds that a short while takes.
        is_over: Nothing new is to be begun.
        keeps_connections: A loss is mended by the client; else each loss is the end of a client.
    """

    kinds: tuple[str, ...]
    pace: float
    is_over: bool
    keeps_connections: bool
    fates: Fates

    async def client(self) -> CodexClient:
        """Wait for a client that works, as far as anybody knows."""
        ...

    def note_loss(self, client: CodexClient) -> None:
        """Take note that a client has lost its server."""
        ...


class Person:
    """Has one conversation after another."""

    def __init__(self, world: World, random: Random) -> None:
        self._world = world
        self._random = random
        self._thread_id: str | None = None

    async def live(self) -> None:
        """Go on until the world is over."""
        while not self._world.is_over:
            if self._random.random() < 0.1:
                await self._look_around()
            else:
                await self._converse()
            await trio.sleep(self._random.uniform(0, self._world.pace))

    def _a_while(self, most: float = 1) -> float:
        return self._world.pace * self._random.uniform(0, most)

    async def _look_around(self) -> None:
        client = await self._world.client()
        try:
            with trio.move_on_after(self._random.choice([self._a_while(0.1), math.inf])):
                await client.request("thread/list", {"limit": 5})
        except CodexTransportError:
            self._world.note_loss(client)

    async def _converse(self) -> None:
        fate = self._world.fates.begin(self._random.choice(self._world.kinds))
        thread_id = self._thread_id if self._random.random() < 0.7 else None
        limit = self._a_while(4) if self._random.random() < 0.25 else math.inf
        with trio.move_on_after(limit) as scope:
            await self._listen(fate, {"text": fate.kind, "thread_id": thread_id})
        if scope.cancelled_caught:
            fate.is_left = True
            self._world.fates.events["cancelled scopes"] += 1
            await self._give_up(fate)
        self._thread_id = fate.thread_id or thread_id
        if fate.is_left and not self._world.keeps_connections:
            self._thread_id = None  # an interrupt may have been lost, and the turn be running

    async def _give_up(self, fate: Fate) -> None:
        """Stop a turn that was handed out: the cancelled call may not have taken it up."""
        if fate.continuation is not None:
            client = await self._world.client()
            try:
                await client.cancel(fate.continuation)
            except CodexTransportError:
                self._world.note_loss(client)

    async def _listen(self, fate: Fate, begin: Beginning) -> None:
        """Follow a turn to its end, in one way after another."""
        while True:
            client = await self._world.client()
            try:
                await self._way(begin)(client, fate, begin)
            except CodexTurnInactiveError as exc:
                begin = self._keep(fate, exc.continuation)
            except CodexTransportError as exc:
                self._world.fates.events["losses told"] += 1
                self._world.note_loss(client)
                continuation = exc.continuation or begin.get("continuation")
                if continuation is None:  # whether there is a turn is unknown
                    fate.is_left = True
                    return
                if self._world.keeps_connections:
                    raise AssertionError(f"a turn was lost: {fate}") from exc
                begin = self._keep(fate, continuation)
            except (CodexTurnFailedError, CodexTurnInterruptedError) as exc:
                fate.note(exc.result.thread_id, exc.result.turn_id)
                fate.steps += exc.result.steps
                fate.ends.append(exc.result.status)
                return
            else:
                return

    def _keep(self, fate: Fate, continuation: ChatContinuation) -> Beginning:
        fate.note(continuation.thread_id, continuation.turn_id)
        if self._random.random() < 0.5:
            continuation = ChatContinuation.from_json(continuation.to_json())
        fate.continuation = continuation
        return {"continuation": continuation}

    def _way(self, begin: Beginning) -> Callable[[CodexClient, Fate, Beginning], Awaitable[None]]:
        ways = [self._once, self._steps, self._events, self._leave]
        if "continuation" in begin:
            ways += [self._cancel, self._cancel]
        return self._random.choice(ways)

    def _patience(self) -> float:
        return self._world.pace * self._random.uniform(0.5, 5)

    async def _once(self, client: CodexClient, fate: Fate, begin: Beginning) -> None:
        result = await client.chat_once(**begin, inactivity_timeout=self._patience())
        fate.note(result.thread_id, result.turn_id)
        fate.steps += result.steps
        fate.ends.append(result.status)

    async def _steps(self, client: CodexClient, fate: Fate, begin: Beginning) -> None:
        pause = self._random.choice([0, 0, self._a_while(0.5)])
        interrupts = self._random.random() < 0.1
        stream = client.chat(**begin, inactivity_timeout=self._patience())
        async for step in stream:
            self._take(fate, step)
            if interrupts:
                with suppress(CodexProtocolError, CodexTimeoutError, CodexTransportError):  # codex answers few of them
                    await client.interrupt_turn(step.turn_id, thread_id=step.thread_id, timeout=self._world.pace)
            if pause:
                await trio.sleep(pause)
        fate.note(stream.thread_id, stream.turn_id)
        fate.ends.append("completed")

    async def _events(self, client: CodexClient, fate: Fate, begin: Beginning) -> None:
        pause = self._random.choice([0, 0, self._a_while(0.1)])
        async for event in client.stream(**begin, inactivity_timeout=self._patience()):
            if isinstance(event, StepCompleted):
                self._take(fate, event.step)
            elif isinstance(event, TurnCompleted):
                fate.note(event.result.thread_id, event.result.turn_id)
                fate.ends.append(event.result.status)
            if pause:
                await trio.sleep(pause)

    async def _leave(self, client: CodexClient, fate: Fate, begin: Beginning) -> None:
        """Read a little, and drop the stream or close it."""
        left = self._random.randint(1, 5)
        stream = client.chat(**begin, inactivity_timeout=self._patience())
        async for step in stream:
            self._take(fate, step)
            left -= 1
            if not left:
                fate.is_left = True
                self._world.fates.events["dropped streams"] += 1
                break
        else:
            fate.note(stream.thread_id, stream.turn_id)
            fate.ends.append("completed")
        if self._random.random() < 0.5:
            await stream.aclose()

    async def _cancel(self, client: CodexClient, fate: Fate, begin: Beginning) -> None:
        """Cancel a turn that was handed out, perhaps after a call that is itself cancelled."""
        with trio.move_on_after(self._random.choice([self._a_while(0.05), math.inf])):
            told = await client.cancel(begin["continuation"])
            fate.steps += told.steps
            fate.ends.append(told.status)
            self._world.fates.events["cancelled turns"] += 1
            return
        await self._cancel(client, fate, begin)

    def _take(self, fate: Fate, step: ConversationStep) -> None:
        fate.note(step.thread_id, step.turn_id)
        fate.steps.append(step)


def decider(world: World, random: Random) -> Callable[[ApprovalRequest], Awaitable[Decision]]:
    """Return a handler of approvals that grants, refuses, or ends the turn, at once or after a while."""

    async def decide(request: ApprovalRequest) -> Decision:
        if random.random() < 0.4:
            await trio.sleep(world.pace * random.uniform(0, 4))
        decision = random.choice([request.accept, request.accept, request.decline, request.cancel])()
        world.fates.events[f"approvals: {decision.name}"] += 1
        return decision

    return decide


async def decide_when_asked(client: CodexClient, decide: Callable[[ApprovalRequest], Awaitable[Decision]]) -> None:
    """Answer approvals as they are pulled; some are let go of, and so declined."""
    with suppress(CodexTransportError):
        async for request in client.approvals():
            await request.respond(await decide(request))
