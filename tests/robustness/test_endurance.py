"""The short form of `tests.benchmarks.endurance`, which says what it looks at; in a process, and a memory, of its own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.support.folders import ROOT

PATIENCE = 100  # seconds, on a busy machine; it takes four


@pytest.mark.extended
def test_nothing_grows_and_nothing_is_left() -> None:
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.benchmarks.endurance", "--short", "--seed", "1"],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ran.returncode == 0, f"{ran.stdout}\n{ran.stderr}"
    assert ran.stderr == ""
    assert len(ran.stdout.splitlines()) == 6
