"""What is measured, by whom, and what is to be reached."""

from __future__ import annotations

from dataclasses import dataclass, field

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
        base: The driver that it is compared with, or `BEST_PEER`; `scenario/driver` for one of another scenario.
    """

    figure: str
    at_most: float
    base: str = ""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One row of the report.

    Attributes:
        title: What happens.
        drivers: Who plays it; the floors among them are named ``floor ...``.
        goals: What is to be reached.
        turns: What the server plays.
        requests: How many are made.
        in_flight: How many of them at once.
    """

    name: str
    title: str
    drivers: tuple[Driver, ...]
    goals: tuple[Goal, ...]
    turns: Turns = field(default_factory=Turns)
    requests: int = 0
    in_flight: int = 1


US = Driver("codex_trio", "drive_codex_trio")


def _floors(*variants: str) -> tuple[Driver, ...]:
    return tuple(Driver(f"floor {variant}", "drive_floor", variant) for variant in variants)


SCENARIOS = (
    Scenario(
        "one-turn",
        "one turn, 100,000 deltas and 100 items through chat (stdio)",
        (US, *_floors("bytes", "split", "typed", "msgspec", "json")),
        (Goal("cpu", 1.6, "floor typed"), Goal("cpu", 1 / 4, BEST_PEER)),
        Turns(deltas=100_000, items=100),
    ),
)
