"""Bare Trio programs: the least that can be done with the same bytes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import trio

from .job import Figures, Job, Memory, Region, check, perform
from .replay_server import THREAD

_MAX_MESSAGE_SIZE, _QUEUE_SIZE, _READ_SIZE = 1 << 30, 1 << 10, 1 << 18  # for trio-websocket, as codex_trio has them


class _Params(msgspec.Struct, gc=False, rename="camel"):
    thread_id: str | None = None
    turn_id: str | None = None


class Envelope(msgspec.Struct, gc=False):
    """Method and ids; the rest is skipped."""

    method: str | None = None
    id: int | None = None
    params: _Params | None = None


_DECODERS: dict[str, Callable[[bytes], Any]] = {
    "split": lambda line: None,
    "typed": msgspec.json.Decoder(Envelope).decode,
    "msgspec": msgspec.json.Decoder().decode,
    "json": json.loads,
}


def _request(id_: int, method: str, params: dict[str, Any]) -> bytes:
    return msgspec.json.encode({"id": id_, "method": method, "params": params})


class Server:
    """The replay server as a child, and the lines that it writes."""

    def __init__(self, process: trio.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process = process
        self.stdin, self.stdout = process.stdin, process.stdout
        self._rest: list[bytes | bytearray] = []

    @classmethod
    async def open(cls, job: Job) -> Server:
        """Start it, shake hands, and start a thread."""
        server = cls(
            await trio.lowlevel.open_process([job.server, "app-server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        )
        hello = {"clientInfo": {"name": "floor", "version": "0"}}
        for number, (method, params) in enumerate((("initialize", hello), ("thread/start", {}))):
            await server.stdin.send_all(_request(number, method, params) + b"\n")
            check("answers", len(await server.read_lines()), 1)
        return server

    async def read_lines(self) -> list[bytes]:
        """Read what is there, and split it."""
        data = await self.stdout.receive_some()
        if b"\n" not in data:
            self._rest.append(data)
            return []
        *lines, rest = b"".join((*self._rest, data)).split(b"\n")
        self._rest = [rest]
        return lines

    async def close(self) -> None:
        """End it."""
        self.process.kill()
        await self.process.wait()


async def _turn(job: Job) -> Figures:
    server = await Server.open(job)
    with Region() as region:
        memory = Memory()
        for number in range(job.rounds):
            await server.stdin.send_all(_request(2 + number, "turn/start", {"threadId": THREAD.decode()}) + b"\n")
            if job.variant == "bytes":
                await _read_bytes(server, job.size // job.rounds)
            else:
                await _read_messages(server, job.events // job.rounds + 1, _DECODERS[job.variant])
    figures = memory.figures()
    await server.close()
    return region.figures | figures


async def _read_bytes(server: Server, size: int) -> None:
    while size > 0:
        size -= len(await server.stdout.receive_some())


async def _read_messages(server: Server, count: int, decode: Callable[[bytes], Any] | None) -> None:
    while count > 0:
        lines = await server.read_lines()
        if decode is not None:
            for line in lines:
                decode(line)
        count -= len(lines)


async def _requests(job: Job) -> Figures:
    """Write and read, one after another."""
    server = await Server.open(job)
    decode = _DECODERS["msgspec"]
    with Region() as region:
        for number in range(job.requests):
            await server.stdin.send_all(_request(number, "thread/list", {"limit": 1}) + b"\n")
            [line] = await server.read_lines()
            check("id", decode(line)["id"], number)
    await server.close()
    return region.figures


class Peer:
    """Requests by id: one task writes whatever is queued, one reads."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._waiting: dict[int, trio.Event] = {}
        self._results: dict[int, Any] = {}
        self._queue: list[bytes] = []
        self._has_work = trio.Event()
        self._last_id = 0

    async def request(self, method: str, params: dict[str, Any]) -> Any:
        """Make a request."""
        self._last_id += 1
        id_ = self._last_id
        self._queue.append(_request(id_, method, params) + b"\n")
        self._has_work.set()
        event = self._waiting[id_] = trio.Event()
        await event.wait()
        return self._results.pop(id_)

    async def write(self) -> None:
        """Write, for ever."""
        while True:
            await self._has_work.wait()
            self._has_work = trio.Event()
            queue, self._queue = self._queue, []
            await self._server.stdin.send_all(b"".join(queue))

    async def read(self) -> None:
        """Read, for ever."""
        decode = _DECODERS["msgspec"]
        while True:
            for line in await self._server.read_lines():
                message = decode(line)
                self._results[message["id"]] = message["result"]
                self._waiting.pop(message["id"]).set()


async def _requests_at_once(job: Job) -> Figures:
    async def ask() -> None:
        for _ in range(job.requests // job.in_flight):
            check("answer", (await peer.request("thread/list", {"limit": 1}))["data"], [])

    server = await Server.open(job)
    peer = Peer(server)
    async with trio.open_nursery() as background:
        background.start_soon(peer.write)
        background.start_soon(peer.read)
        with Region() as region:
            async with trio.open_nursery() as nursery:
                for _ in range(job.in_flight):
                    nursery.start_soon(ask)
        background.cancel_scope.cancel()
    await server.close()
    return region.figures


def _decode_once(job: Job) -> Figures:
    """Decode the longest line, which is there already."""
    line = max((Path(job.server).parent / "events").read_bytes().split(b"\n"), key=len)
    decode = _DECODERS[job.variant.removeprefix("decode ")]
    with Region() as region:
        memory = Memory()
        message = decode(line)
    check("method", message["method"], "item/completed")
    return region.figures | memory.figures()


def _long_line(job: Job) -> Figures:
    return _decode_once(job) if job.variant.startswith("decode ") else trio.run(_turn, job)


async def _websocket(job: Job) -> Figures:
    """What trio-websocket takes to give the messages, and nothing else."""
    from trio_websocket import open_websocket_url

    if job.variant == "tuned":
        opening = open_websocket_url(
            job.url,
            message_queue_size=_QUEUE_SIZE,
            max_message_size=_MAX_MESSAGE_SIZE,
            receive_buffer_size=_READ_SIZE,
        )
    else:
        opening = open_websocket_url(job.url, max_message_size=_MAX_MESSAGE_SIZE)
    async with opening as websocket:
        hello = {"clientInfo": {"name": "floor", "version": "0"}}
        for number, (method, params) in enumerate((("initialize", hello), ("thread/start", {}))):
            await websocket.send_message(_request(number, method, params).decode())
            await websocket.get_message()
        with Region() as region:
            await websocket.send_message(_request(2, "turn/start", {"threadId": THREAD.decode()}).decode())
            for _ in range(job.events + 1):
                await websocket.get_message()
    return region.figures


def _run(program: Callable[[Job], Awaitable[Figures]], job: Job) -> Figures:
    return trio.run(program, job)


if __name__ == "__main__":
    turn = partial(_run, _turn)
    perform(
        {
            "one-turn": turn,
            "200-in-turn": turn,
            "memory": turn,
            "requests": partial(_run, _requests),
            "requests-at-once": partial(_run, _requests_at_once),
            "long-line": _long_line,
            "websocket": partial(_run, _websocket),
        }
    )
