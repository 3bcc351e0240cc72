"""Coverage-guided fuzzing of the protocol side, for hours at a time; the recorded sessions are where it starts from.

Run by ``uv run --with atheris python -m tests.fuzz.messages``, from the root of the repository; no part of the tests.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # what the tests share
