"""Medians, ratios and goals, as a table and as JSON."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from .job import Figures, Job
from .running import Runs
from .scenarios import BEST_PEER, Goal, Scenario


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a scenario.

    Attributes:
        runs: All figures, by driver, in the order of the runs.
        failures: Why a driver could not play it.
    """

    scenario: Scenario
    job: Job
    runs: Runs
    failures: Mapping[str, str]

    @property
    def medians(self) -> dict[str, Figures]:
        """The median of each figure, by driver."""
        return {
            driver: {name: statistics.median(run[name] for run in runs) for name in runs[0]}
            for driver, runs in self.runs.items()
        }

    @property
    def count(self) -> int:
        """How many events, or requests, a time is divided by."""
        return {"event": self.job.events, "request": self.job.requests, "run": 1}[self.scenario.unit]

    def best_peer(self, figure: str) -> str | None:
        """Return the peer with the least of a figure."""
        peers = {driver.name for driver in self.scenario.drivers if driver.peer}
        medians = {name: figures[figure] for name, figures in self.medians.items() if name in peers}
        return min(medians, key=lambda name: medians[name], default=None)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A goal, the number that counts, and whether it is met."""

    goal: Goal
    text: str
    number: float | None

    @property
    def word(self) -> str:
        """One word for it."""
        if self.number is None:
            return "not measured"
        return "met" if self.number <= self.goal.at_most else "missed"


def judge(outcomes: Mapping[str, Outcome], outcome: Outcome) -> list[Verdict]:
    """Compare the figures with the goals of a scenario; those of other scenarios are looked up in `outcomes`."""
    return [_verdict(outcomes, outcome, goal) for goal in outcome.scenario.goals]


def _verdict(outcomes: Mapping[str, Outcome], outcome: Outcome, goal: Goal) -> Verdict:
    ours = outcome.medians.get("codex_trio")
    if not goal.base:
        text = f"{goal.figure} at most {goal.at_most:g}"
        return Verdict(goal, text, None if ours is None else ours[goal.figure])
    other, _, base = goal.base.rpartition("/")
    against = outcomes.get(other) if other else outcome
    if base == BEST_PEER:
        base = (outcome.best_peer(goal.figure) if against is outcome else None) or ""
    text = f"{goal.figure} at most {goal.at_most:.3g} × {goal.base}" + (
        f" ({base})" if goal.base == BEST_PEER and base else ""
    )
    if ours is None or against is None or base not in against.medians:
        return Verdict(goal, text, None)
    return Verdict(
        goal, text, (ours[goal.figure] / outcome.count) / (against.medians[base][goal.figure] / against.count)
    )


def table(outcome: Outcome, verdicts: list[Verdict]) -> str:
    """Write what a person wants to see."""
    scenario, medians = outcome.scenario, outcome.medians
    ours = medians.get("codex_trio")
    names = list(dict.fromkeys(name for figures in medians.values() for name in figures))
    main = "cpu" if "cpu" in names else "latency ms"
    unit = "ms" if scenario.unit == "run" else f"µs for each {scenario.unit}"
    lines = [f"{scenario.name}: {scenario.title} (cpu and wall: {unit})"]
    lines.append(" " * 28 + "".join(f"{name:>13}" for name in names) + f"{'ours ÷ it':>13}")
    for driver, figures in medians.items():
        cells = "".join(f"{_cell(outcome, name, figures[name]) if name in figures else '':>13}" for name in names)
        ratio = f"{ours[main] / figures[main]:.2f}" if ours and driver != "codex_trio" else ""
        lines.append(f"  {driver:26}{cells}{ratio:>13}".rstrip())
    lines += [f"  {driver:26}  cannot: {why.splitlines()[-1]}" for driver, why in outcome.failures.items()]
    for verdict in verdicts:
        number = "" if verdict.number is None else f" ({verdict.number:.3g})"
        lines.append(f"  {verdict.word + number:24}{verdict.text}")
    return "\n".join(lines)


def _cell(outcome: Outcome, name: str, value: float) -> str:
    if name not in ("cpu", "wall"):
        return f"{value:,.2f}"
    scale = 1e3 if outcome.scenario.unit == "run" else 1e6
    return f"{value / outcome.count * scale:,.3f}"


def to_json(outcomes: Mapping[str, Outcome]) -> dict[str, Any]:
    """Return everything, for a program; times in seconds, to be divided by `count`."""
    return {
        name: {
            "title": outcome.scenario.title,
            "count": outcome.count,
            "runs": outcome.runs,
            "medians": outcome.medians,
            "failures": dict(outcome.failures),
            "goals": [
                {**asdict(verdict.goal), "text": verdict.text, "number": verdict.number, "verdict": verdict.word}
                for verdict in judge(outcomes, outcome)
            ],
        }
        for name, outcome in outcomes.items()
    }
