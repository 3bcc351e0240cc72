"""Runs the drivers of a scenario, one process each, one after another, over and over."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from .job import Figures, Job
from .replay import prepare
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
    with _prepared(scenario) as job:
        for _ in range(times):
            for driver in drivers:
                if driver.name not in runs:
                    continue
                try:
                    runs[driver.name].append(_run_once(driver, job, pythons.get(driver.peer, sys.executable)))
                except FailedRunError as exc:
                    del runs[driver.name]
                    on_failure(driver, exc)
    return job, runs


@contextmanager
def _prepared(scenario: Scenario) -> Iterator[Job]:
    turns = scenario.turns
    with tempfile.TemporaryDirectory(prefix="codex-trio-benchmark-") as folder:
        program, events, size = prepare(Path(folder), turns)
        job = Job(
            scenario.name,
            server=str(program),
            at_once=turns.at_once,
            rounds=turns.rounds,
            silent=turns.silent,
            events=events,
            size=size,
            steps=turns.steps,
            final_text=turns.final_text,
            requests=scenario.requests,
            in_flight=scenario.in_flight,
        )
        if not scenario.is_websocket:
            yield job
            return
        command = [str(program), "app-server", "--listen", "ws://127.0.0.1:0"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
            assert server.stderr is not None
            try:
                yield replace(job, url=server.stderr.readline().split()[-1])
            finally:
                server.kill()


def _run_once(driver: Driver, job: Job, python: str) -> Figures:
    job = replace(job, variant=driver.variant, started=time.time())
    command = [python, "-m", f"{__package__}.{driver.module}"]
    command += [driver.variant, job.server, repr(job.started)] if driver.module == "start" else [job.to_json()]
    try:
        done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    except subprocess.TimeoutExpired as exc:
        raise FailedRunError(f"no end within {_PATIENCE} s") from exc
    if done.returncode:
        raise FailedRunError(done.stderr.strip()[-2_000:] or f"exit code {done.returncode}")
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures
