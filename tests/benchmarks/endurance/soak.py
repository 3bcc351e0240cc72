"""Hours of trouble: round after round in one world or another, each with a seed of its own that repeats it."""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable
from functools import partial
from random import Random

import trio
from trio.testing import MockClock

from . import worlds
from .holdings import take_stock

Round = Callable[[Random, float], Awaitable[str]]

_RESIDENT = 32 * 2**20  # bytes that the largest round may leave with the allocator


def _in_memory(play: Round, random_: Random) -> str:
    return trio.run(play, random_, random_.uniform(30, 300), clock=MockClock(autojump_threshold=0))


def _real(play: Round, random_: Random) -> str:
    return trio.run(play, random_, random_.uniform(10, 60))


_WORLDS: dict[str, Callable[[Random], str]] = {
    "in memory, reconnecting": partial(_in_memory, partial(worlds.in_memory, keeps_connections=True)),
    "in memory, one client after another": partial(_in_memory, partial(worlds.in_memory, keeps_connections=False)),
    "the real binary over a websocket, reconnecting": partial(
        _real, partial(worlds.real_websocket, keeps_connections=True)
    ),
    "the real binary over a websocket, one client after another": partial(
        _real, partial(worlds.real_websocket, keeps_connections=False)
    ),
    "the real binary over pipes": partial(_real, worlds.real_stdio),
}
_IN_MEMORY = [name for name in _WORLDS if name.startswith("in memory")]
_MEMORIES_TO_ONE = 20  # rounds in memory take a second or two


def _world_of(random_: Random) -> str:
    is_real = random_.randrange(_MEMORIES_TO_ONE) == 0
    return random_.choice([one for one in _WORLDS if (one not in _IN_MEMORY) == is_real])


def make_repeatable(seed: int) -> None:
    """Let the client, and Trio, throw the same each time; with the same PYTHONHASHSEED, all in memory is the same then."""
    random.seed(seed)
    trio._core._run._ALLOW_DETERMINISTIC_SCHEDULING = True  # type: ignore[misc]
    trio._core._run._r.seed(seed)


def play_round(seed: int) -> str:
    """Play one round, and return what there was."""
    random_ = Random(seed)
    name = _world_of(random_)
    make_repeatable(seed)
    try:
        return f"{name}: {_WORLDS[name](random_)}"
    except BaseException as exc:
        exc.add_note(f"in round {seed} ({name}); --round {seed} plays it again")
        raise


def soak(seconds: float, seed: int) -> str:
    """Play rounds for a time; fail if this process holds more at the end than after one in each world."""
    begun = time.monotonic()
    firsts: dict[str, int] = {}
    number = seed
    while len(firsts) < len(_WORLDS):
        firsts.setdefault(_world_of(Random(number)), number)
        number += 1
    for first in firsts.values():
        _tell(begun, first)
    before = take_stock()
    rounds = 0
    while time.monotonic() - begun < seconds:
        _tell(begun, seed + rounds)
        rounds += 1
    after = take_stock()
    after.assert_like(before, resident=_RESIDENT)
    return f"{rounds} rounds: {before} after one in each world, {after} at the end"


def _tell(begun: float, seed: int) -> None:
    print(f"{time.monotonic() - begun:7.0f} s, round {seed}, {play_round(seed)}", flush=True)
