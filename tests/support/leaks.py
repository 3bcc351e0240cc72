"""Find what a client left behind: processes, file descriptors, Trio tasks, garbage."""

from __future__ import annotations

import gc
import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import trio


@contextmanager
def nothing_left() -> Iterator[None]:
    """Fail if the body leaves a process, a zombie, a file descriptor, a Trio task, or garbage that warns when collected.

    Processes of any depth are found: they inherit a variable of the environment.
    """
    mark = f"CODEX_TRIO_TEST_{uuid.uuid4().hex}"
    children, descriptors, tasks = _children(), _descriptors(), _living_tasks()
    os.environ[mark] = "1"
    try:
        yield
    finally:
        del os.environ[mark]
    assert not _children().keys() - children.keys(), f"child processes are left: {_children()}"
    assert _living_tasks() == tasks, "Trio tasks are left"
    gc.collect()  # pytest turns what warns here into a failure of the test
    left = {fd: what for fd, what in _descriptors().items() if descriptors.get(fd) != what}
    assert not left, f"file descriptors are left: {left}"
    # The kernel has their SIGKILL by now, and needs a moment to act on it.
    wait_until(lambda: not _marked(mark), lambda: f"descendants are left: {_marked(mark)}", 2)


def wait_until(condition: Callable[[], object], complaint: Callable[[], str], patience: float = 5) -> None:
    """Look at something outside of this process until it is so; `patience` is in seconds."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, complaint()
        time.sleep(0.005)


def is_alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    stat = _stat(pid)
    return stat is not None and stat[0] != "Z"


def _living_tasks() -> int:
    return trio.lowlevel.current_statistics().tasks_living


def _descriptors() -> dict[str, str]:
    found = {}
    for fd in os.listdir("/proc/self/fd"):
        try:
            found[fd] = os.readlink(f"/proc/self/fd/{fd}")
        except FileNotFoundError:  # the one that listed them
            continue
    return found


def _stat(pid: int) -> list[str] | None:
    """Return the state and what follows it in the kernel's record of a process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _children() -> dict[int, str]:
    """Return the state of each child of this process, zombies among them."""
    stats = {pid: _stat(pid) for pid in _pids()}
    return {pid: stat[0] for pid, stat in stats.items() if stat is not None and int(stat[1]) == os.getpid()}


def _marked(mark: str) -> list[int]:
    found = []
    for pid in _pids():
        try:
            variables = Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:  # it has gone, or is not ours
            continue
        if mark.encode() in variables:
            found.append(pid)
    return found
