"""What a client and its process hold: the size of every table within the client, memory, tasks, files, children."""

from __future__ import annotations

import gc
import os
import sys
import tracemalloc
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakSet, WeakValueDictionary

import trio

from codex_trio import CodexClient

# Tables that may grow, and how far; every other one must stay as it is.
BOUNDS = {
    "TurnRegistry._recently_finished": 1_024,
    "ServerRequestTasks._answered_ids": 1_024,
    "_Kept._events": 1_000,
}
_BLOCKS = 6_000  # pieces of memory: Trio keeps up to a thousand deadlines that are over, four pieces each
_RESIDENT = 4 * 2**20  # bytes; the allocator does not give back what it has

# What a client remembers, for the rest of its life or up to a bound, when all its turns are over.
_MEMORIES = {*BOUNDS, "TurnRegistry.subscribed"}

_NO_PARTS = ("codex_trio.testing", "codex_trio.models")  # servers that live in the same process; values
_CONTAINERS = (Mapping, set, frozenset, list, tuple, deque, WeakSet, WeakValueDictionary)


def tables(client: CodexClient) -> Counter[str]:
    """Return how many entries the tables of a client have, by class and attribute, those of all its parts together."""
    sizes: Counter[str] = Counter()
    seen: set[int] = set()
    found: list[Any] = [client]
    while found:
        part = found.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        for name, value in _attributes(part):
            found += _inside(value, f"{type(part).__name__}.{name}", sizes)
    return sizes


def _inside(value: Any, path: str, sizes: Counter[str]) -> Iterator[Any]:
    """Count what is in a table, and yield the parts of the client in there."""
    if _is_part(value):
        yield value
    elif isinstance(value, (trio.MemorySendChannel, trio.MemoryReceiveChannel)):
        sizes[path] += value.statistics().current_buffer_used
    elif isinstance(value, _CONTAINERS):
        if not isinstance(value, tuple):  # which is no table, but may be an entry of one
            sizes[path] += len(value)
        entries = [*value.keys(), *value.values()] if isinstance(value, Mapping) else list(value)
        for entry in entries:
            yield from _inside(entry, f"{path}[]", sizes)


def _is_part(value: object) -> bool:
    module = type(value).__module__
    return module.startswith("codex_trio.") and not module.startswith(_NO_PARTS)


def _attributes(part: object) -> Iterator[tuple[str, Any]]:
    yield from getattr(part, "__dict__", {}).items()
    for kind in type(part).__mro__:
        for name in kind.__dict__.get("__slots__", ()):
            if name not in ("__dict__", "__weakref__") and hasattr(part, name):
                yield name, getattr(part, name)


@dataclass(frozen=True)
class Holdings:
    """What is held at one moment.

    Attributes:
        tables: See `tables`.
        blocks: Pieces of memory that Python has in use.
        resident: Memory of this process, in bytes.
        tasks: Trio's.
        files: Open file descriptors.
        children: Processes, zombies among them.
        traces: What has asked for memory, if this Python was started with ``-X tracemalloc``.
    """

    tables: Counter[str]
    blocks: int
    resident: int
    tasks: int
    files: int
    children: int
    traces: tracemalloc.Snapshot | None

    def __str__(self) -> str:
        return (
            f"{self.blocks:,} blocks, {self.resident / 2**20:.1f} MiB, {self.tasks} tasks, {self.files} files, "
            f"{self.children} children, {self.tables.total():,} entries in the client's tables"
        )

    def assert_like(self, before: Holdings, *, resident: int = _RESIDENT) -> None:
        """Fail if there is more than before, by more than may be; `resident` is that of the memory, in bytes."""
        grown = {
            name: (before.tables[name], size)
            for name, size in self.tables.items()
            if size > max(before.tables[name], BOUNDS.get(name, 0))
        }
        assert not grown, f"tables have grown: {grown}"
        assert (self.tasks, self.files, self.children) == (before.tasks, before.files, before.children), (
            f"tasks, files, or children are left: {before} -> {self}"
        )
        assert self.blocks < before.blocks + _BLOCKS, f"memory has grown: {before} -> {self}{self._since(before)}"
        if self.traces is None:  # which take memory themselves
            assert self.resident < before.resident + resident, f"memory has grown: {before} -> {self}"

    def _since(self, before: Holdings) -> str:
        if self.traces is None or before.traces is None:
            return " (where: see it with python -X tracemalloc)"
        return "".join(f"\n{one}" for one in self.traces.compare_to(before.traces, "lineno")[:20])


def take_stock(client: CodexClient | None = None) -> Holdings:
    """Return what this process holds, and a client in it."""
    gc.collect()
    traces = tracemalloc.take_snapshot() if tracemalloc.is_tracing() else None
    return Holdings(
        tables=Counter() if client is None else tables(client),
        blocks=sys.getallocatedblocks() if traces is None else len(traces.traces),
        resident=int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE"),
        tasks=trio.lowlevel.current_statistics().tasks_living if trio.lowlevel.in_trio_run() else 0,
        files=len(os.listdir("/proc/self/fd")),
        children=sum(len(path.read_text().split()) for path in Path("/proc/self/task").glob("*/children")),
        traces=traces,
    )


async def wait_at_rest(client: CodexClient, fresh: Mapping[str, int], patience: float = 10) -> None:
    """Wait until a client has nothing to do, and holds no more than it did when it was new, memories apart.

    Args:
        client: Whose turns are all over, or about to be.
        fresh: Its tables when it was new.
        patience: Seconds.
    """
    left: dict[str, int] = {}
    with trio.move_on_after(patience):
        while left := _left(client, fresh):  # noqa: ASYNC110  what goes on behind its callers tells nobody of its end
            await trio.sleep(0.01)
    assert not left, f"something is left: {left}"


def _left(client: CodexClient, fresh: Mapping[str, int]) -> dict[str, int]:
    now = client.statistics()
    doing = ("open_turns", "unread_events", "requests_in_flight", "requests_waiting")
    left = {name: getattr(now, name) for name in doing if getattr(now, name)}
    held = tables(client)
    return left | {name: held[name] for name in held if held[name] > fresh.get(name, 0) and name not in _MEMORIES}
