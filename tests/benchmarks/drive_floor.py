"""Bare Trio programs: the least that can be done with the same bytes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

import msgspec
import trio

from .job import Figures, Job, Region, perform


class _Params(msgspec.Struct, gc=False, rename="camel"):
    thread_id: str | None = None
    turn_id: str | None = None


class Envelope(msgspec.Struct, gc=False):
    """Method and ids; the rest is skipped."""

    method: str | None = None
    id: int | None = None
    params: _Params | None = None


class Server:
    """The replay server as a child, and the lines that it writes."""

    def __init__(self, process: trio.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._stdin, self._stdout = process.stdin, process.stdout
        self._rest = b""
        self._last_id = 0

    async def send(self, method: str, **params: Any) -> None:
        """Write a request."""
        self._last_id += 1
        await self._stdin.send_all(
            msgspec.json.encode({"id": self._last_id, "method": method, "params": params}) + b"\n"
        )

    async def read(self) -> bytes | bytearray:
        """Read what is there."""
        return await self._stdout.receive_some()

    async def read_lines(self) -> list[bytes]:
        """Read what is there, and split it."""
        *lines, self._rest = (self._rest + await self._stdout.receive_some()).split(b"\n")
        return lines

    async def greet(self, threads: int) -> None:
        """Shake hands, and start threads."""
        await self.send("initialize", clientInfo={"name": "floor", "version": "0"})
        for _ in range(threads):
            await self.send("thread/start")
        answers = 0
        while answers < 1 + threads:
            answers += len(await self.read_lines())


async def _read(server: Server, job: Job) -> None:
    left = job.size
    while left > 0:
        left -= len(await server.read())


async def _split(server: Server, job: Job) -> None:
    left = job.events + 1  # with the answer
    while left > 0:
        left -= len(await server.read_lines())


def _decoding(decode: Callable[[bytes], Any]) -> Callable[[Server, Job], Any]:
    async def run(server: Server, job: Job) -> None:
        left = job.events + 1
        while left > 0:
            lines = await server.read_lines()
            for line in lines:
                decode(line)
            left -= len(lines)

    return run


_VARIANTS = {
    "bytes": _read,
    "split": _split,
    "typed": _decoding(msgspec.json.Decoder(Envelope).decode),
    "msgspec": _decoding(msgspec.json.Decoder().decode),
    "json": _decoding(json.loads),
}


async def _one_turn(job: Job) -> Figures:
    process = await trio.lowlevel.open_process(
        [job.server, "app-server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    server = Server(process)
    await server.greet(1)
    with Region() as region:
        await server.send("turn/start", threadId="01a20000-7fd2-72b2-a4ff-000000000000", input=[])
        await _VARIANTS[job.variant](server, job)
    process.kill()
    await process.wait()
    return region.figures()


def one_turn(job: Job) -> Figures:
    """Read one turn."""
    return trio.run(_one_turn, job)


if __name__ == "__main__":
    perform({"one-turn": one_turn})
