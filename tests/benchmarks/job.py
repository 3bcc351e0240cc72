"""What a driver is told, what it measures, and what it says. Runs in the drivers' processes, so it imports little."""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from types import TracebackType

Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Job:
    """One run of one driver.

    Attributes:
        scenario: Its name.
        variant: Which of the driver's programs, where it has more than one.
        server: The path of the replay server, which takes ``app-server`` as its argument.
        url: Of the server's websocket, where there is one.
        at_once: Turns of a round.
        rounds: Rounds of turns.
        events: Notifications in all rounds.
        size: Their bytes.
        steps: Finished steps in all rounds.
        final_text: Of each turn.
        requests: How many to make.
        in_flight: How many of them at once.
    """

    scenario: str
    variant: str = ""
    server: str = ""
    url: str = ""
    at_once: int = 1
    rounds: int = 1
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
        cpu: Seconds of CPU of this process, all its threads.
        wall: Seconds.
    """

    cpu = wall = 0.0

    def __enter__(self) -> Region:
        gc.collect()
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.cpu, self.wall = time.process_time() - self._cpu, time.perf_counter() - self._wall

    def figures(self) -> Figures:
        """Return them by name."""
        return {"cpu": self.cpu, "wall": self.wall}


def check(what: str, seen: object, expected: object) -> None:
    """Make sure that a driver did its work."""
    if seen != expected:
        sys.exit(f"{what}: {seen!r} seen, {expected!r} expected")


def perform(programs: Mapping[str, Callable[[Job], Figures]]) -> None:
    """Do the job of the command line by the program of its scenario, and print what it measured."""
    job = Job(**json.loads(sys.argv[1]))
    print(json.dumps(programs[job.scenario](job)))
