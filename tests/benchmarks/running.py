"""Runs the drivers of a scenario, one process each, one after another, over and over."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from .job import Figures, Job
from .replay import final_text, prepare
from .scenarios import Driver, Scenario

_ROOT = Path(__file__).parent.parent.parent
_PATIENCE = 300  # seconds for one run

Runs = dict[str, list[Figures]]  # by driver


class FailedRunError(Exception):
    """A driver did not do its work; says what it said last."""


def run(
    scenario: Scenario,
    drivers: Sequence[Driver],
    *,
    times: int,
    pythons: Mapping[str, str],
    on_failure: Callable[[Driver, FailedRunError], None],
) -> tuple[Job, Runs]:
    """Run each driver so many times, interleaved; one that fails is told and left out.

    Args:
        scenario: What to play.
        drivers: Who plays it.
        times: How often.
        pythons: The interpreters of other environments, by name of the peer.
        on_failure: Told of each driver that could not play it.
    """
    runs: Runs = {driver.name: [] for driver in drivers}
    with tempfile.TemporaryDirectory(prefix="codex-trio-benchmark-") as folder:
        job = _prepare(scenario, Path(folder))
        failed: set[Driver] = set()
        for _ in range(times):
            for driver in drivers:
                if driver not in failed:
                    try:
                        runs[driver.name].append(_run_once(driver, job, pythons))
                    except FailedRunError as exc:
                        failed.add(driver)
                        on_failure(driver, exc)
    return job, {name: figures for name, figures in runs.items() if len(figures) == times}


def _prepare(scenario: Scenario, folder: Path) -> Job:
    turns = scenario.turns
    events, size = prepare(folder, turns)
    return Job(
        scenario.name,
        server=str(folder / "codex"),
        at_once=turns.at_once,
        rounds=turns.rounds,
        events=events,
        size=size,
        steps=turns.at_once * turns.rounds * turns.items,
        final_text=final_text(turns),
        requests=scenario.requests,
        in_flight=scenario.in_flight,
    )


def _run_once(driver: Driver, job: Job, pythons: Mapping[str, str]) -> Figures:
    job = replace(job, variant=driver.variant)
    command = [pythons.get(driver.peer, sys.executable), "-m", f"{__package__}.{driver.module}", job.to_json()]
    try:
        done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    except subprocess.TimeoutExpired as exc:
        raise FailedRunError(f"no end within {_PATIENCE} s") from exc
    if done.returncode:
        raise FailedRunError(done.stderr.strip()[-2_000:] or f"exit code {done.returncode}")
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures
