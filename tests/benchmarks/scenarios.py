"""What is measured, by whom, and what is to be reached."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from .replay import Turns

BEST_PEER = "best peer"


@dataclass(frozen=True, slots=True)
class Driver:
    """A program that plays a scenario.

    Attributes:
        name: In the report.
        module: Of this package; it runs in a process of its own.
        variant: Which of the module's programs.
        peer: The name of its environment, for another client than this repository's.
    """

    name: str
    module: str
    variant: str = ""
    peer: str = ""


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure of `codex_trio`, and what it must not exceed.

    Attributes:
        figure: Its name.
        at_most: The limit: a ratio if there is a `base`, else the figure itself.
        base: The driver that it is compared with, or `BEST_PEER`; ``scenario/driver`` for one of an earlier scenario.
    """

    figure: str
    at_most: float
    base: str = ""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One row of the report.

    Attributes:
        title: What happens.
        drivers: Who plays it.
        goals: What is to be reached.
        turns: What the server plays.
        requests: How many are made.
        in_flight: How many of them at once.
        is_websocket: On a websocket, not on pipes.
        unit: What times are divided by.
    """

    name: str
    title: str
    drivers: tuple[Driver, ...]
    goals: tuple[Goal, ...] = ()
    turns: Turns = field(default_factory=Turns)
    requests: int = 0
    in_flight: int = 1
    is_websocket: bool = False
    unit: Literal["event", "request", "run"] = "event"


_US = Driver("codex_trio", "drive_codex_trio")


def _floors(*variants: str) -> tuple[Driver, ...]:
    return tuple(Driver(f"floor {variant}", "drive_floor", variant) for variant in variants)


SCENARIOS = (
    Scenario(
        "one-turn",
        "one turn, 100,000 deltas and 100 items through chat (stdio)",
        (_US, *_floors("bytes", "split", "typed", "msgspec", "json")),
        (Goal("cpu", 1.6, "floor typed"), Goal("cpu", 1 / 4, BEST_PEER)),
        Turns(deltas=100_000, items=100),
    ),
    Scenario(
        "10-at-once",
        "10 turns at once, 200 events each, one connection, forty times",
        (_US,),
        turns=Turns(at_once=10, rounds=40, deltas=184, items=4),
    ),
    Scenario(
        "400-at-once",
        "400 turns at once, 200 events each, one connection",
        (_US,),
        (Goal("cpu", 1 / 3, BEST_PEER), Goal("cpu", 2.5, "10-at-once/codex_trio")),
        Turns(at_once=400, deltas=184, items=4),
    ),
    Scenario(
        "200-in-turn",
        "200 turns of 1,000 events one after another (memory: of the last 180)",
        (_US, *_floors("typed")),
        (Goal("cpu", 1 / 6, BEST_PEER), Goal("grown MiB", 1)),
        Turns(rounds=200, deltas=972, items=10),
    ),
    Scenario(
        "requests",
        "10,000 requests one after another",
        (_US, *_floors("direct")),
        (Goal("cpu", 1, BEST_PEER),),
        requests=10_000,
        unit="request",
    ),
    Scenario(
        "requests-at-once",
        "10,000 requests, 100 in flight",
        (_US, *_floors("coalesced")),
        (Goal("cpu", 1, BEST_PEER),),
        requests=10_000,
        in_flight=100,
        unit="request",
    ),
    Scenario(
        "start",
        "process start to the answer of initialize",
        (Driver("codex_trio", "start", "codex_trio"), Driver("floor trio", "start", "trio")),
        (Goal("import ms", 25), Goal("cpu", 1.3, "floor trio"), Goal("wall", 1.3, "floor trio")),
        unit="run",
    ),
    Scenario(
        "memory",
        "a turn of 200,000 deltas through chat_once",
        (_US, *_floors("typed")),
        (Goal("grown MiB", 5),),
        Turns(deltas=200_000, items=20),
    ),
    Scenario(
        "long-line",
        "a turn with one line of 64 MiB",
        (_US, *_floors("bytes", "msgspec", "decode msgspec", "decode json")),
        (Goal("cpu", 2, "floor decode msgspec"),),
        Turns(items=1, long_line=64 << 20),
        unit="run",
    ),
    Scenario(
        "interrupt",
        "interrupt a silent turn while 200 others stream; the longest of ten",
        (_US,),
        (Goal("latency ms", 100),),
        Turns(at_once=210, silent=10, deltas=100, is_endless=True),
        unit="run",
    ),
    Scenario(
        "websocket",
        "one turn, 100,000 deltas and 100 items through chat (websocket)",
        (_US, *_floors("tuned", "default")),
        (Goal("cpu", 1.15, "floor tuned"),),
        Turns(deltas=100_000, items=100),
        is_websocket=True,
    ),
)
