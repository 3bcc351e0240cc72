"""What the tests against the real binary share: a transport that tells what passes, and what the server says of turns."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import trio

from codex_trio import CodexClient, Transport


class Tap(Transport):
    """Another transport, and the names of the messages that pass through it.

    What the client sends is ``> method``. What it receives is ``< method``, an answer under the method of its request.
    Behind it stands the type of the item that it is about: ``< item/started commandExecution``.

    Attributes:
        passed: The names so far, in order.
        messages: The messages of these names.
        before: Called with the name of a message before the client sees it.
        after: Called with its name once the client has dealt with it.
    """

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self._methods: dict[object, str] = {}
        self._dealt_with: list[str] = []
        self._news = trio.lowlevel.ParkingLot()
        self.connect_timeout = inner.connect_timeout
        self.passed: list[str] = []
        self.messages: list[Any] = []
        self.before: Callable[[str], None] | None = None
        self.after: Callable[[str], None] | None = None

    async def open(self, nursery: trio.Nursery) -> None:
        await self._inner.open(nursery)

    async def send(self, messages: Sequence[bytes]) -> None:
        for message in messages:
            self._note(message, ">")
        await self._inner.send(messages)

    async def receive(self) -> Sequence[bytes | bytearray]:
        for name in self._dealt_with:
            if self.after is not None:
                self.after(name)
        lines = await self._inner.receive()
        self._dealt_with = [self._note(line, "<") for line in lines]
        return lines

    async def aclose(self) -> None:
        await self._inner.aclose()

    def _note(self, line: bytes | bytearray, direction: str) -> str:
        message = json.loads(line)
        method = message.get("method") or self._methods.get(message["id"], "?")
        if direction == ">" and "id" in message:
            self._methods[message["id"]] = method
        item = message.get("params", {}).get("item", {})
        name = " ".join([direction, method, *([item["type"]] if "type" in item else [])])
        self.passed.append(name)
        self.messages.append(message)
        self._news.unpark_all()
        if self.before is not None:
            self.before(name)
        return name

    async def wait_passed(self, name: str, *, times: int = 1) -> Any:
        """Wait until that many messages of that name have passed, be it in the past; return the last of them."""
        await trio.lowlevel.checkpoint()
        while self.passed.count(name) < times:
            await self._news.park()
        return [one for passed, one in zip(self.passed, self.messages, strict=True) if passed == name][times - 1]


async def told_turns(client: CodexClient, thread_id: str) -> list[tuple[str, str]]:
    """Return id and status of each turn as the server tells them, the oldest first."""
    params = {"threadId": thread_id, "limit": 100, "sortDirection": "asc", "itemsView": "notLoaded"}
    turns = (await client.request("thread/turns/list", params))["data"]
    return [(turn["id"], turn["status"]) for turn in turns]


async def told_statuses(client: CodexClient, thread_id: str) -> list[str]:
    """Return the status of each turn as the server tells it, the oldest first."""
    return [status for _, status in await told_turns(client, thread_id)]


def assert_nothing_open(client: CodexClient) -> None:
    """Check that the client is at rest: no turn, no request, nothing unread."""
    now = client.statistics()
    assert (now.open_turns, now.unread_events, now.requests_in_flight, now.requests_waiting) == (0, 0, 0, 0)
