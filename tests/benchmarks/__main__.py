"""The command line. See the package."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from .environments import interpreters
from .report import Outcome, judge, table, to_json
from .running import FailedRunError, run
from .scenarios import SCENARIOS, Driver, Scenario


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("scenario", nargs="*", help="all of them unless given")
    parser.add_argument("--list", action="store_true", help="tell the scenarios")
    parser.add_argument("--runs", type=int, default=3, help="of each driver, interleaved (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there, too")
    parser.add_argument(
        "--peers", action="store_true", help="other clients, too, in environments that uv makes (a quarter of an hour)"
    )
    options = parser.parse_args(arguments)
    if unknown := set(options.scenario) - {scenario.name for scenario in SCENARIOS}:
        parser.error(f"no scenario {', '.join(sorted(unknown))}; see --list")
    if options.runs < 1:
        parser.error("--runs must be positive")
    return options


def _measure(scenario: Scenario, times: int, pythons: Mapping[str, str]) -> Outcome:
    failures: dict[str, str] = {}

    def on_failure(driver: Driver, exc: FailedRunError) -> None:
        failures[driver.name] = str(exc)
        print(f"{scenario.name}: {driver.name} failed:\n{exc}", file=sys.stderr)

    drivers = [driver for driver in scenario.drivers if driver.peer in pythons]
    job, runs = run(scenario, drivers, times=times, pythons=pythons, on_failure=on_failure)
    return Outcome(scenario, job, runs, failures)


def main(arguments: Sequence[str]) -> int:
    """Measure, and print; return the exit code: whether a driver failed that is not a peer."""
    options = _parse(arguments)
    if options.list:
        for scenario in SCENARIOS:
            print(f"{scenario.name:24}{scenario.title}")
        return 0
    pythons = {"": sys.executable}
    if options.peers:
        pythons = interpreters(driver.peer for scenario in SCENARIOS for driver in scenario.drivers)
    version = subprocess.run([pythons[""], "-V"], capture_output=True, text=True, check=True).stdout.strip()
    print(f"{version}, medians of {options.runs} interleaved runs, each in a process of its own", end="\n\n")
    outcomes: dict[str, Outcome] = {}
    for scenario in SCENARIOS:
        if not options.scenario or scenario.name in options.scenario:
            outcome = outcomes[scenario.name] = _measure(scenario, options.runs, pythons)
            print(table(outcome, judge(outcomes, outcome)), end="\n\n", flush=True)
    if options.json is not None:
        found = {"python": version, "runs": options.runs, "scenarios": to_json(outcomes)}
        options.json.write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    peers = {driver.name for scenario in SCENARIOS for driver in scenario.drivers if driver.peer}
    return int(any(outcome.failures.keys() - peers for outcome in outcomes.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
