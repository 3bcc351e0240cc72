"""What websocket tests talk to: a server that behaves, raw sockets that need not, and a proxy that can go dead."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, WebSocketRequest, wrap_server_stream

Handler = Callable[[WebSocketConnection], Awaitable[None]]


async def echo(websocket: WebSocketConnection) -> None:
    """Send back what comes, as it came."""
    while True:
        await websocket.send_message(await websocket.get_message())


class Server:
    """A websocket server on loopback, or on the listeners given.

    Attributes:
        requests: The upgrades that were asked for.
        url: Where it listens, if that is loopback.
    """

    def __init__(self, handle: Handler) -> None:
        self.requests: list[WebSocketRequest] = []
        self.url = ""
        self._handle = handle

    def header(self, name: str) -> str | None:
        """Return a header of the last request."""
        return dict(self.requests[-1].headers).get(name.encode(), b"").decode() or None

    async def run(
        self,
        listeners: list[trio.SocketListener] | None = None,
        tls: ssl.SSLContext | None = None,
        *,
        task_status: trio.TaskStatus[Server] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        if listeners is None:
            listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
            scheme = "ws" if tls is None else "wss"
            self.url = f"{scheme}://127.0.0.1:{listeners[0].socket.getsockname()[1]}"
        wrapped = [one if tls is None else trio.SSLListener(one, tls) for one in listeners]
        async with trio.open_nursery() as nursery:
            await nursery.start(trio.serve_listeners, self._serve, wrapped)
            task_status.started(self)

    async def _serve(self, stream: trio.SocketStream) -> None:
        # By hand, because the server of trio-websocket does not know unix sockets.
        async with stream, trio.open_nursery() as nursery:
            request = await wrap_server_stream(nursery, stream, max_message_size=1 << 30)
            self.requests.append(request)
            websocket = await request.accept()
            with suppress(ConnectionClosed):
                await self._handle(websocket)
            with trio.move_on_after(5):
                await websocket.aclose()
            nursery.cancel_scope.cancel()


async def serve(nursery: trio.Nursery, handle: Handler = echo, *, tls: ssl.SSLContext | None = None) -> Server:
    """Start a server that accepts every upgrade."""
    server: Server = await nursery.start(partial(Server(handle).run, tls=tls))
    return server


async def serve_raw(nursery: trio.Nursery, handle: Callable[[trio.SocketStream], Awaitable[None]]) -> str:
    """Start a TCP server, and return the ws:// URL of it."""
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    await nursery.start(trio.serve_listeners, handle, listeners)
    return f"ws://127.0.0.1:{listeners[0].socket.getsockname()[1]}"


async def receive_request(stream: trio.SocketStream) -> bytes:
    """Read an HTTP request without a body."""
    request = b""
    while not request.endswith(b"\r\n\r\n") and (chunk := await stream.receive_some()):
        request += chunk
    return request


async def serve_answer(nursery: trio.Nursery, answer: bytes) -> str:
    """Start a TCP server that answers each request with these bytes, and ends the connection."""

    async def handle(stream: trio.SocketStream) -> None:
        async with stream:
            await receive_request(stream)
            await stream.send_all(answer)

    return await serve_raw(nursery, handle)


class Names(trio.abc.HostnameResolver):
    """Knows these names, and no other. Only for IPv4."""

    def __init__(self, **addresses: str) -> None:
        self._addresses = addresses

    async def getaddrinfo(self, host: bytes | None, port: bytes | str | int | None, *args: Any, **options: Any) -> Any:
        address = self._addresses.get((host or b"").decode())
        if address is None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    async def getnameinfo(self, *args: Any, **options: Any) -> Any:
        raise NotImplementedError


def own_address() -> str:
    """Return an address of this machine that is not loopback; nothing is sent for that."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no address but loopback")
        return str(probe.getsockname()[0])


class Proxy:
    """Hands bytes through, until it swallows them, or cuts the connection."""

    def __init__(self, target: str) -> None:
        self._port = int(target.rpartition(":")[2])
        self._is_swallowing = False
        self._streams: list[trio.SocketStream] = []
        self.bytes_swallowed = 0

    async def handle(self, client: trio.SocketStream) -> None:
        server = await trio.open_tcp_stream("127.0.0.1", self._port)
        self._streams += [client, server]
        async with client, server, trio.open_nursery() as nursery:
            nursery.start_soon(self._copy, client, server)
            nursery.start_soon(self._copy, server, client)

    async def _copy(self, source: trio.SocketStream, target: trio.SocketStream) -> None:
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            while data := await source.receive_some():
                if self._is_swallowing:
                    self.bytes_swallowed += len(data)
                else:
                    await target.send_all(data)
        if not self._is_swallowing:
            await trio.aclose_forcefully(target)

    def swallow(self) -> None:
        """From now on, take what comes, and hand nothing on: a link that is half open."""
        self._is_swallowing = True

    async def cut(self) -> None:
        """End every connection."""
        for stream in self._streams:
            await trio.aclose_forcefully(stream)


async def serve_proxy(nursery: trio.Nursery, target: str) -> tuple[Proxy, str]:
    """Start a proxy to a ws:// URL, and return it with its own."""
    proxy = Proxy(target)
    return proxy, await serve_raw(nursery, proxy.handle)
