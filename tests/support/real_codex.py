"""What the tests against the real binary share: a transport that tells what passes, and what the server says of turns."""

from __future__ import annotations

import functools
import json
import os
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import trio

from codex_trio import CodexClient, CodexTransportError, StdioTransport, Transport


class Tap(Transport):
    """Another transport, and the names of the messages that pass through it.

    What the client sends is ``> method``. What it receives is ``< method``, an answer under the method of its request.
    Behind it stands the type of the item that it is about: ``< item/started commandExecution``. The loss of a connection
    is ``lost``.

    Attributes:
        passed: The names so far, in order.
        messages: The messages of these names.
        before: Called with the name of a message before the client sees it.
        after: Called with its name once the client has dealt with it.
        cut_behind: The connection is lost right behind the next message of this name.
    """

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self._methods: dict[object, str] = {}
        self._dealt_with: list[str] = []
        self._news = trio.lowlevel.ParkingLot()
        self.connect_timeout = inner.connect_timeout
        self.max_send_size = inner.max_send_size
        self.passed: list[str] = []
        self.messages: list[Any] = []
        self.before: Callable[[str], None] | None = None
        self.after: Callable[[str], None] | None = None
        self.cut_behind: str | None = None
        self._is_cut = False

    async def open(self, nursery: trio.Nursery) -> None:
        await self._inner.open(nursery)
        self._is_cut = False

    async def send(self, messages: Sequence[bytes]) -> None:
        for message in messages:
            self._note(message, ">")
        await self._inner.send(messages)

    async def receive(self) -> Sequence[bytes | bytearray]:
        for name in self._dealt_with:
            if self.after is not None:
                self.after(name)
        self._dealt_with = []
        try:
            if self._is_cut:
                raise CodexTransportError("cut by the test")
            lines = await self._inner.receive()
        except CodexTransportError:
            self._add("lost", None)
            raise
        for position, line in enumerate(lines):
            self._dealt_with.append(self._note(line, "<"))
            if self._dealt_with[-1] == self.cut_behind:
                self.cut_behind, self._is_cut = None, True
                return lines[: position + 1]
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
        self._add(name, message)
        if self.before is not None:
            self.before(name)
        return name

    def _add(self, name: str, message: Any) -> None:
        self.passed.append(name)
        self.messages.append(message)
        self._news.unpark_all()

    async def wait_passed(self, name: str, *, times: int = 1) -> Any:
        """Wait until that many messages of that name have passed, be it in the past; return the last of them."""
        await trio.lowlevel.checkpoint()
        while self.passed.count(name) < times:
            await self._news.park()
        return [one for passed, one in zip(self.passed, self.messages, strict=True) if passed == name][times - 1]


def binary_under_test() -> Sequence[str]:
    """Return how the codex that these tests run is started: its command line without `app-server`."""
    command, _ = StdioTransport().resolve_command()
    return command[: command.index("app-server")]


@functools.cache
def version_under_test() -> str:
    """Return the version of the codex that these tests run."""
    command = [*binary_under_test(), "--version"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1]


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
    assert (now.open_turns, now.unread_events, now.requests_in_flight, now.requests_waiting) == (0, 0, 0, 0), now


async def wait_nothing_open(client: CodexClient) -> None:
    """Wait for the client to be at rest: an answer, or a look at a turn's state, may be on its way at the turn's end."""
    deadline = trio.current_time() + 5
    while True:
        try:
            return assert_nothing_open(client)
        except AssertionError:
            if trio.current_time() > deadline:
                raise
        await trio.sleep(0.01)


def left() -> tuple[int, int]:
    """Return how many tasks and sockets there are."""
    sockets = 0
    for fd in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):  # the one that lists them
            sockets += os.readlink(f"/proc/self/fd/{fd}").startswith("socket:")
    return trio.lowlevel.current_statistics().tasks_living, sockets


async def wait_nothing_left(before: tuple[int, int]) -> None:
    with trio.fail_after(5):
        while left() != before:  # noqa: ASYNC110  proxy and server learn of the end a moment later
            await trio.sleep(0.01)
