"""Other clients, by their public APIs. Each runs in an environment of its own, so it is imported when it is known which."""

from __future__ import annotations

import asyncio
import importlib
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, NoReturn

from .job import Figures, Job, Memory, Region, check, finish, perform
from .replay_server import turn_id


class Peer(ABC):
    """What is asked of another client."""

    def __init__(self, name: str) -> None:
        self.module: Any = importlib.import_module(name)

    @abstractmethod
    async def open(self, stack: AsyncExitStack, job: Job) -> None:
        """Connect, and shake hands."""

    @abstractmethod
    async def start_thread(self) -> Any:
        """Start a thread."""

    @abstractmethod
    async def count_steps(self, thread: Any) -> int:
        """Play a turn, read it as it happens, and count the finished items, the user's message not among them."""

    @abstractmethod
    async def answer(self, thread: Any) -> str | None:
        """Play a turn, and return its final text; nothing where there is no way to ask for that alone."""

    @abstractmethod
    async def ask(self) -> Any:
        """Ask for the threads, of which there are none, and return them."""

    async def ask_often(self, times: int) -> None:
        """Ask, one after another."""
        for _ in range(times):
            check("answer", await self.ask(), [])

    @abstractmethod
    async def interrupt(self, thread: Any) -> None:
        """Interrupt the first turn of a thread."""


class Sdk(Peer):
    """codex-app-server-sdk."""

    def __init__(self) -> None:
        super().__init__("codex_app_server_sdk")

    async def open(self, stack: AsyncExitStack, job: Job) -> None:
        """Connect."""
        connect = self.module.CodexClient
        opening = connect.connect_websocket(url=job.url) if job.url else connect.connect_stdio(command=[job.server])
        self._client = await stack.enter_async_context(opening)
        await self._client.initialize()

    async def start_thread(self) -> Any:
        """Start a thread."""
        return await self._client.start_thread()

    async def count_steps(self, thread: Any) -> int:
        """Read the steps."""
        return sum([step.item_type != "userMessage" async for step in thread.chat("Go")])

    async def answer(self, thread: Any) -> str | None:
        """Play a turn."""
        text: str = (await thread.chat_once("Go")).final_text
        return text

    async def ask(self) -> Any:
        """Ask."""
        return (await self._client.request("thread/list", {"limit": 1}))["data"]

    async def interrupt(self, thread: Any) -> None:
        """Interrupt."""
        await self._client.interrupt_turn(_first_turn(thread.thread_id), thread_id=thread.thread_id)


class Codexed(Peer):
    """codexed."""

    def __init__(self) -> None:
        super().__init__("codexed")

    async def open(self, stack: AsyncExitStack, job: Job) -> None:
        """Connect."""
        module = self.module
        transport = module.WebSocketTransport(job.url) if job.url else module.StdioTransport(job.server)
        self._client = await stack.enter_async_context(module.CodexClient(transport=transport))

    async def start_thread(self) -> Any:
        """Start a thread."""
        return await self._client.thread_start()

    async def count_steps(self, thread: Any) -> int:
        """Read the events."""
        completed = self.module.ItemCompletedEvent
        steps = 0
        async for event in thread.turn_stream("Go"):
            steps += isinstance(event, completed) and event.params.item.type != "userMessage"
        return steps

    async def answer(self, thread: Any) -> str | None:
        """Read the events, as there is no other way."""
        await self.count_steps(thread)
        return None

    async def ask(self) -> Any:
        """Ask."""
        return (await self._client.thread_list(limit=1)).data

    async def interrupt(self, thread: Any) -> None:
        """Interrupt."""
        await thread.turn_interrupt(_first_turn(thread.thread_id))


class OpenAI(Peer):
    """openai-codex, its asynchronous side."""

    def __init__(self) -> None:
        super().__init__("openai_codex")
        self._handles: dict[str, Any] = {}

    def _config(self, job: Job) -> Any:
        if job.url:
            raise NotImplementedError("it has no websocket")
        return self.module.CodexConfig(codex_bin=job.server)

    async def open(self, stack: AsyncExitStack, job: Job) -> None:
        """Connect."""
        config = self._config(job)
        self._client = await stack.enter_async_context(self.module.AsyncCodex(config))

    async def start_thread(self) -> Any:
        """Start a thread."""
        return await self._client.thread_start()

    async def count_steps(self, thread: Any) -> int:
        """Read the events."""
        handle = self._handles[thread.id] = await thread.turn("Go")
        return sum([_is_step(event) async for event in handle.stream()])

    async def answer(self, thread: Any) -> str | None:
        """Play a turn."""
        text: str | None = (await thread.run("Go")).final_response
        return text

    async def ask(self) -> Any:
        """Ask."""
        return (await self._client.thread_list(limit=1)).data

    async def interrupt(self, thread: Any) -> None:
        """Interrupt."""
        await self._handles[thread.id].interrupt()


class OpenAISync(OpenAI):
    """openai-codex, its synchronous side, in threads that are awaited here."""

    async def open(self, stack: AsyncExitStack, job: Job) -> None:
        """Connect."""
        config = self._config(job)
        self._client = stack.enter_context(self.module.Codex(config))

    async def start_thread(self) -> Any:
        """Start a thread."""
        return self._client.thread_start()

    async def count_steps(self, thread: Any) -> int:
        """Read the events."""
        return await asyncio.to_thread(self._count_steps, thread)

    def _count_steps(self, thread: Any) -> int:
        handle = self._handles[thread.id] = thread.turn("Go")
        return sum(_is_step(event) for event in handle.stream())

    async def answer(self, thread: Any) -> str | None:
        """Play a turn."""
        text: str | None = (await asyncio.to_thread(thread.run, "Go")).final_response
        return text

    async def ask_often(self, times: int) -> None:
        """Ask."""
        await asyncio.to_thread(self._ask_often, times)

    def _ask_often(self, times: int) -> None:
        for _ in range(times):
            check("answer", self._client.thread_list(limit=1).data, [])

    async def interrupt(self, thread: Any) -> None:
        """Interrupt."""
        await asyncio.to_thread(self._handles[thread.id].interrupt)


def _is_step(event: Any) -> bool:
    return bool(event.method == "item/completed" and event.payload.item.root.type != "userMessage")


def _first_turn(thread: str) -> str:
    return turn_id(int(thread[-12:]), 0).decode()


async def _turns(peer: Peer, job: Job, *, once: bool = False) -> Figures:
    lost = 0  # some clients lose what comes before they listen, and that is theirs to answer for

    async def read(thread: Any) -> None:
        nonlocal lost
        if not once:
            lost += job.steps - await peer.count_steps(thread)
        elif (text := await peer.answer(thread)) is not None:
            check("final text", text, job.final_text)

    async with AsyncExitStack() as stack:
        await peer.open(stack, job)
        threads = [await peer.start_thread() for _ in range(job.at_once)]
        with Region() as region:
            for number in range(job.rounds):
                if number == job.rounds // 10:
                    memory = Memory()
                async with asyncio.TaskGroup() as group:
                    for thread in threads:
                        group.create_task(read(thread))
        return region.figures | memory.figures() | {"lost steps": lost}


async def _requests(peer: Peer, job: Job) -> Figures:
    async with AsyncExitStack() as stack:
        await peer.open(stack, job)
        with Region() as region:
            async with asyncio.TaskGroup() as group:
                for _ in range(job.in_flight):
                    group.create_task(peer.ask_often(job.requests // job.in_flight))
        return region.figures


async def _interrupts(peer: Peer, job: Job) -> NoReturn:
    async with AsyncExitStack() as stack:
        await peer.open(stack, job)
        threads = [await peer.start_thread() for _ in range(job.at_once)]
        tasks = [asyncio.create_task(peer.count_steps(thread)) for thread in threads]
        await asyncio.sleep(1)
        waits = []
        for thread, task in list(zip(threads, tasks, strict=True))[-job.silent :]:
            await asyncio.sleep(0.1)
            start = time.perf_counter()
            await peer.interrupt(thread)
            waits.append(time.perf_counter() - start)
            await asyncio.wait([task], timeout=10)
            check("interrupted turn ended", task.done(), True)
        finish({"latency ms": max(waits) * 1e3})  # without waiting for turns that never end


def _run(program: Callable[[Peer, Job], Awaitable[Figures]], job: Job) -> Figures:
    async def main() -> Figures:
        workers = ThreadPoolExecutor(max(job.at_once, job.in_flight) + 1)
        asyncio.get_running_loop().set_default_executor(workers)
        return await program(_PEERS[job.variant](), job)

    return asyncio.run(main())


_PEERS: dict[str, Callable[[], Peer]] = {"sdk": Sdk, "codexed": Codexed, "openai": OpenAISync, "openai async": OpenAI}

if __name__ == "__main__":
    steps = partial(_run, _turns)
    perform(
        {
            "one-turn": steps,
            "10-at-once": steps,
            "400-at-once": steps,
            "200-in-turn": steps,
            "requests": partial(_run, _requests),
            "requests-at-once": partial(_run, _requests),
            "memory": partial(_run, partial(_turns, once=True)),
            "long-line": steps,
            "interrupt": partial(_run, _interrupts),
            "websocket": steps,
        }
    )
