"""Whether a client is after hours what it was after a minute: turns, openings, crowds, and a soak in whatever goes wrong.

Run by ``python -m tests.benchmarks.endurance``, from the root of the repository; its short form is a part of the tests.
"""

import sys
from pathlib import Path

_TESTS = Path(__file__).parents[2]
sys.path[:0] = [str(_TESTS), str(_TESTS / "real")]  # servers, proxies and the like, as the tests have them
