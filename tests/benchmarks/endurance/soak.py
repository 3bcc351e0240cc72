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

_WARMUP = 10  # rounds until all that is made only once is there


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


def play_round(seed: int) -> str:
    """Play one round, and return what there was. In memory, the same seed is the same round, given PYTHONHASHSEED."""
    random_ = Random(seed)
    is_real = random_.randrange(_MEMORIES_TO_ONE) == 0
    name = random_.choice([one for one in _WORLDS if (one not in _IN_MEMORY) == is_real])
    random.seed(seed)  # the client's own
    trio._core._run._ALLOW_DETERMINISTIC_SCHEDULING = True  # type: ignore[misc]
    trio._core._run._r.seed(seed)
    try:
        return f"{name}: {_WORLDS[name](random_)}"
    except BaseException as exc:
        exc.add_note(f"in round {seed} ({name}); --round {seed} plays it again")
        raise


def soak(seconds: float, seed: int) -> str:
    """Play rounds for a time; fail if this process holds more at the end than after the first few."""
    begun, number = time.monotonic(), 0
    before = take_stock()
    while time.monotonic() - begun < seconds or number <= _WARMUP:
        if number == _WARMUP:
            before = take_stock()
        print(f"{time.monotonic() - begun:7.0f} s, round {seed + number}, {play_round(seed + number)}", flush=True)
        number += 1
    after = take_stock()
    after.assert_like(before)
    return f"{number} rounds: {before} after the first {_WARMUP}, {after} at the end"
