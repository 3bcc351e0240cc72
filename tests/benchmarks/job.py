"""What a driver is told, what it measures, and what it says. Runs in the drivers' processes, so it imports little."""

from __future__ import annotations

import gc
import json
import os
import re
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import NoReturn

Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Job:
    """One run of one driver.

    Attributes:
        scenario: Its name.
        variant: Which of the driver's programs, where it has more than one.
        server: The path of the replay server, which takes ``app-server`` as its argument.
        url: Of the server's websocket, where there is one.
        started: When the driver's process was started, in seconds of `time.time`.
        at_once: Turns of a round, each on a thread of its own.
        rounds: Rounds of turns.
        silent: Turns that only begin, the last ones of a round.
        events: Notifications in all rounds.
        size: Their bytes.
        steps: Finished steps of each turn.
        final_text: Of each turn.
        requests: How many to make.
        in_flight: How many of them at once.
    """

    scenario: str
    variant: str = ""
    server: str = ""
    url: str = ""
    started: float = 0.0
    at_once: int = 1
    rounds: int = 1
    silent: int = 0
    events: int = 0
    size: int = 0
    steps: int = 0
    final_text: str = ""
    requests: int = 0
    in_flight: int = 1

    def to_json(self) -> str:
        """Write it, for the driver's command line."""
        return json.dumps(asdict(self))


class Region:
    """The part of a program that is measured.

    Attributes:
        figures: Seconds of CPU of this process, all its threads, and of the clock.
    """

    def __init__(self) -> None:
        self.figures: Figures = {}

    def __enter__(self) -> Region:
        gc.collect()
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.figures = {"cpu": time.process_time() - self._cpu, "wall": time.perf_counter() - self._wall}


class Memory:
    """How much memory this process gets from here on. Needs Linux."""

    def __init__(self) -> None:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")  # forget the peak
        self._before = _resident("VmRSS")

    def figures(self) -> Figures:
        """Return what is resident more than then, and how much it was at most, in MiB."""
        peak = _resident("VmHWM")
        gc.collect()
        return {"grown MiB": _resident("VmRSS") - self._before, "peak MiB": peak - self._before}


def _resident(name: str) -> float:
    with open("/proc/self/status") as file:
        found = re.search(rf"^{name}:\s+(\d+) kB", file.read(), re.MULTILINE)
    assert found is not None
    return int(found[1]) / 1024


class WorkUndoneError(Exception):
    """A driver did not get what the server said."""


def check(what: str, seen: object, expected: object) -> None:
    """Make sure that a driver did its work."""
    if seen != expected:
        raise WorkUndoneError(f"{what}: {str(seen)[:200]!r} seen, {str(expected)[:200]!r} expected")


def finish(figures: Figures) -> NoReturn:
    """Print what was measured, and leave at once."""
    print(json.dumps(figures), flush=True)
    os._exit(0)


def perform(programs: Mapping[str, Callable[[Job], Figures]]) -> None:
    """Do the job of the command line by the program of its scenario."""
    job = Job(**json.loads(sys.argv[1]))
    try:
        figures = programs[job.scenario](job)
    except Exception as exc:
        while isinstance(exc, ExceptionGroup):
            exc = exc.exceptions[0]
        print(f"{type(exc).__name__}: {exc}", file=sys.stderr, flush=True)
        os._exit(1)
    finish(figures)
