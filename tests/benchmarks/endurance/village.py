"""`Village`: many people, and a client for them, or one client after another; at the end nothing of it all is left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from random import Random

import trio
from trio.testing import wait_all_tasks_blocked

from codex_trio import CodexClient, CodexTransportError, Transport, open_codex_client

from .fates import Fates, Truth
from .holdings import tables, wait_at_rest
from .people import Person, decide_when_asked, decider

_PATIENCE = 100  # seconds for a call; and for the last conversations to end


class Village:
    """Where people live. See `people.World`.

    Args:
        reconnect: The client mends its losses, where that is what `keeps_connections` means.
    """

    def __init__(
        self,
        random: Random,
        *,
        kinds: tuple[str, ...],
        pace: float,
        keeps_connections: bool,
        reconnect: bool | None = None,
    ) -> None:
        self.kinds = kinds
        self.pace = pace
        self.keeps_connections = keeps_connections
        self.is_over = False
        self.fates = Fates()
        self._random = random
        self._reconnecting = keeps_connections if reconnect is None else reconnect
        self._client: CodexClient | None = None
        self._fresh: Counter[str] = Counter()  # the tables of the client when it was new
        self._change = trio.Event()

    async def client(self) -> CodexClient:
        """Wait for a client that works, as far as anybody knows."""
        await trio.lowlevel.checkpoint()
        while self._client is None:
            await self._change.wait()
        return self._client

    def note_loss(self, client: CodexClient) -> None:
        """Take note that a client has lost its server."""
        if client is self._client and not self.keeps_connections:
            self._set(None)

    def _set(self, client: CodexClient | None) -> None:
        self._client = client
        self._change.set()
        self._change = trio.Event()

    async def live(
        self,
        people: int,
        seconds: float,
        make_transport: Callable[[], Transport],
        trouble: Callable[[], Awaitable[None]],
        truth: Truth,
    ) -> None:
        """Let people live for a time, while there is trouble; then check what was, and what is left."""
        with trio.fail_after(seconds + 2 * _PATIENCE):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._keep_client, make_transport)
                async with trio.open_nursery() as living:
                    for _ in range(people):
                        living.start_soon(Person(self, Random(self._random.random())).live)
                    with trio.move_on_after(seconds):
                        await trouble()
                    self.is_over = True
                await wait_at_rest(await self._connected(), self._fresh)
                await self.fates.check(truth, may_run_on=not self.keeps_connections)
                nursery.cancel_scope.cancel()

    async def _connected(self) -> CodexClient:
        """Wait for a client that has a connection, now that nothing cuts it."""
        while True:
            client = await self.client()
            try:
                await client.request("thread/list", {"limit": 1})
            except CodexTransportError:
                self.note_loss(client)
            else:
                return client

    async def _keep_client(self, make_transport: Callable[[], Transport]) -> None:
        decide = decider(self, Random(self._random.random()))
        pulls = self._random.random() < 0.3
        while True:
            try:
                async with (
                    open_codex_client(
                        make_transport(),
                        reconnect=self._reconnecting,
                        request_timeout=_PATIENCE,  # outages add up
                        on_approval=None if pulls else decide,
                    ) as client,
                    trio.open_nursery() as nursery,
                ):
                    if pulls:
                        nursery.start_soon(decide_when_asked, client, decide)
                        await wait_all_tasks_blocked()
                    self._fresh = tables(client)
                    self._set(client)
                    while self._client is client:
                        await self._change.wait()
                    nursery.cancel_scope.cancel()
            except CodexTransportError:
                self.fates.events["failed openings"] += 1
                await trio.sleep(self.pace)
