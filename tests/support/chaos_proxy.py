"""A proxy between client and server, which cuts connections, be it in the middle of a message, or lets them go dead."""

from __future__ import annotations

import random
import socket
from contextlib import suppress
from typing import Any

import trio

from codex_trio import Transport
from tests.support.real_servers import transport_to


class ChaosProxy:
    """Hands bytes through, over TCP or over a unix socket, as its target does.

    Args:
        target: Of the server, ``ws://`` or ``unix://``. It may be changed.

    Attributes:
        cut_within: Each connection is cut once it has brought a random number of bytes, up to this, to the client;
            `None` for no cuts.
        cuts: How often that happened.
        connections: How many there were.
    """

    def __init__(self, target: str) -> None:
        self.target = target
        self.cut_within: int | None = None
        self.cuts = 0
        self.connections = 0
        self._url = ""
        self._links: set[trio.CancelScope] = set()
        self._swallowed: set[trio.CancelScope] = set()
        self._muted: set[trio.CancelScope] = set()

    def transport(self, **options: Any) -> Transport:
        """Return a transport to the server that goes through here."""
        return transport_to(self._url, **options)

    async def run(self, *, task_status: trio.TaskStatus[ChaosProxy] = trio.TASK_STATUS_IGNORED) -> None:
        listeners = await self._listen()
        async with trio.open_nursery() as nursery:
            await nursery.start(trio.serve_listeners, self._handle, listeners)
            task_status.started(self)

    async def _listen(self) -> list[trio.SocketListener]:
        if self.target.startswith("unix://"):
            self._url = f"{self.target}-of-the-proxy"
            listener = trio.socket.socket(socket.AF_UNIX)
            await listener.bind(self._url.removeprefix("unix://"))
            listener.listen()
            return [trio.SocketListener(listener)]
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        self._url = f"ws://127.0.0.1:{listeners[0].socket.getsockname()[1]}"
        return listeners

    async def _reach(self) -> trio.SocketStream:
        if self.target.startswith("unix://"):
            return await trio.open_unix_socket(self.target.removeprefix("unix://"))
        return await trio.open_tcp_stream("127.0.0.1", int(self.target.rpartition(":")[2]))

    async def _handle(self, client: trio.SocketStream) -> None:
        self.connections += 1
        with trio.CancelScope() as link:
            self._links.add(link)
            try:
                with suppress(OSError):  # there is no server at present
                    async with client, await self._reach() as server, trio.open_nursery() as nursery:
                        nursery.start_soon(self._copy, client, server, link)
                        nursery.start_soon(self._copy_down, server, client, link)
            finally:
                self._links.discard(link)

    async def _copy(self, client: trio.SocketStream, server: trio.SocketStream, link: trio.CancelScope) -> None:
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            while data := await client.receive_some(random.randint(50, 5000)):
                if link not in self._swallowed:
                    await server.send_all(data)
        link.cancel()

    async def _copy_down(self, server: trio.SocketStream, client: trio.SocketStream, link: trio.CancelScope) -> None:
        left: int | None = None
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            while data := await server.receive_some(random.randint(50, 5000)):
                if link in self._muted:
                    continue
                if self.cut_within is None:
                    left = None
                else:
                    left = random.randint(0, self.cut_within) if left is None else left - len(data)
                await client.send_all(data if left is None else data[: max(left, 0)])
                if left is not None and left < len(data):
                    self.cuts += 1
                    break
        link.cancel()

    def swallow(self) -> None:
        """Hand nothing on from now on: the links that there are are half open."""
        self._swallowed |= self._links
        self.mute()

    def mute(self) -> None:
        """Hand on nothing of what the server says, over the links that there are."""
        self._muted |= self._links

    def cut(self) -> None:
        """Cut the links that there are."""
        for link in self._links:
            link.cancel()


async def through_proxy(nursery: trio.Nursery, target: str) -> ChaosProxy:
    """Start a proxy."""
    proxy: ChaosProxy = await nursery.start(ChaosProxy(target).run)
    return proxy
