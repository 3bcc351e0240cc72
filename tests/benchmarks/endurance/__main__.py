"""The command line. See the package."""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random

import trio
from trio.testing import MockClock

from . import opens, worlds
from .crowd import many_at_once
from .soak import make_repeatable, play_round, soak
from .turns import many_turns


@dataclass(frozen=True)
class _Task:
    """Something to do.

    Attributes:
        is_in_memory: Its time is Trio's mock clock's.
    """

    play: Callable[[], Awaitable[str]]
    is_in_memory: bool = False

    def run(self) -> str:
        """Do it, and return what there was."""
        make_repeatable(0)
        return trio.run(self.play, clock=MockClock(autojump_threshold=0) if self.is_in_memory else None)


def _short(seed: int) -> list[_Task]:
    return [
        _Task(partial(many_turns, 8_000, 1_500)),
        _Task(partial(opens.in_memory, 400, Random(seed)), is_in_memory=True),
        _Task(partial(opens.over_pipes, 12, Random(seed))),
        _Task(partial(worlds.in_memory, Random(seed), 30, keeps_connections=True), is_in_memory=True),
        _Task(partial(worlds.in_memory, Random(seed), 30, keeps_connections=False), is_in_memory=True),
    ]


def _long(seed: int) -> list[_Task]:
    return [
        _Task(partial(many_turns, 10_000, 2_000)),
        _Task(partial(many_turns, 100_000, 20_000)),
        _Task(partial(opens.in_memory, 5_000, Random(seed)), is_in_memory=True),
        _Task(partial(opens.over_pipes, 1_000, Random(seed))),
        _Task(partial(opens.real_over_pipes, 100, Random(seed))),
        _Task(partial(opens.real_over_websocket, 500, Random(seed))),
        _Task(partial(many_at_once, 200)),
    ]


def main(arguments: Sequence[str]) -> None:
    """Do what is asked for; an `AssertionError` tells what was not as it should be."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.endurance", description=__doc__)
    parser.add_argument("--short", action="store_true", help="what the tests do, too: seconds in place of minutes")
    parser.add_argument("--soak", type=float, metavar="SECONDS", help="live with cancels, drops and slow readers")
    parser.add_argument("--round", type=int, metavar="SEED", help="play one round of a soak again")
    parser.add_argument("--seed", type=int, help="of everything that is thrown; another one each time unless given")
    options = parser.parse_args(arguments)
    seed = random.randrange(10**6) if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    if options.round is not None:
        print(play_round(options.round))
    elif options.soak is not None:
        print(soak(options.soak, seed))
    else:
        for task in _short(seed) if options.short else _long(seed):
            begun = time.perf_counter()
            told = task.run()
            print(f"[{time.perf_counter() - begun:.1f} s] {told}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
