"""The app-server in memory says what real ones said in recorded sessions, message by message."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import pytest

from tests.support.folders import TRACES
from tests.support.normalized_traffic import Names, difference
from tests.support.raw_client import Message
from tests.support.recorded_sessions import CHANGED, CUT, LISTENING, RESTARTED, SKIPPED, SKIPPED_TURNS, replay
from tests.support.versions import Versions, version_of_trace

NOT_PLAYED = {
    "goal_0.171.0": "the app-server in memory has no goals",
    "interrupt_race": "which of several interrupts is the first to be taken hangs on milliseconds",
    "queue_0.171.0": "the app-server in memory has no queue",
    "server_requests_time_auth": "codex asks its client for the time and for tokens only where it is configured to",
}
"""Traces that are left out, and why. Those of versions before 0.163 are left out, too: they tell fewer things."""

ACCEPTED = {
    ("code_mode_0.171.0", "echo A"): "a command that runs beside tools starts before or after their answers",
    ("code_mode_0.171.0", "turn/diff/updated"): "the recorder worked outside of a git repository, so paths are whole",
    ("turn_basic", '"content": [], "id"'): "no script says the raw reasoning",
    ("turn_basic", '"content": ["think a b"]'): "likewise",
    (
        "turn_retry_ok",
        "account/rateLimits/updated",
    ): "told of each call that is made again, not only of those whose stream broke off",
}
"""What is in lines that only one of the servers says, and why that is accepted."""

_IMITATED = Versions(since="0.163")
PLAYED = sorted(
    path.stem
    for path in TRACES.glob("*.jsonl")
    if path.stem not in NOT_PLAYED and version_of_trace(path.stem) in _IMITATED
)
_RECORDER = {
    "/home/dev/project": "<cwd>",
    "/home/dev/codex_home": "<home>",
    "http://127.0.0.1:8301": "http://127.0.0.1",
    "mock-model": "scripted",
    "mock": "scripted",
}
_FAKE = {"/home/dev/project": "<cwd>", "/project": "<cwd>", "/codex-home": "<home>"}


@pytest.mark.extended
@pytest.mark.parametrize("trace", PLAYED)
def test_says_what_was_recorded(trace: str) -> None:
    accepted = [mark for of, mark in ACCEPTED if of == trace]
    told = [line for line in differences(trace) if not any(mark in line for mark in accepted)]
    assert not told, "\n".join(line[:2000] for line in told)


@pytest.mark.parametrize(("trace", "mark"), ACCEPTED)
def test_each_accepted_difference_is_one(trace: str, mark: str) -> None:
    assert any(mark in line for line in differences(trace))


def test_what_is_left_out_is_in_the_traces() -> None:
    cut = [(trace, mark) for trace, (mark, *_) in [*CUT.items(), *CHANGED.items()]]
    skipped = [*cut, *SKIPPED, *SKIPPED_TURNS]
    for trace, mark in skipped:
        assert mark in TRACES.joinpath(f"{trace}.jsonl").read_text()


@functools.cache
def differences(trace: str) -> Sequence[str]:
    """Return the lines that only the recorded server said, or only the one in memory, with a `-` or a `+` before."""
    version = version_of_trace(trace)
    recorded, said = Names(_RECORDER, version), Names(_FAKE, version)
    lines: list[str] = []
    for heard in replay(trace).values():
        if trace not in LISTENING + RESTARTED:  # each process has a home of its own
            recorded, said = Names(_RECORDER, version), Names(_FAKE, version)
        lines += only_one_said(recorded, heard.recorded, said, heard.said)
    return lines


def only_one_said(recorded: Names, its: list[Message], said: Names, others: list[Message]) -> list[str]:
    """Return the lines of one connection. What the fake said after all that was recorded is nobody's fault."""
    lines = difference(recorded.told(its), said.told(others)).splitlines()[2:]
    while lines and lines[-1].startswith("+"):
        lines.pop()
    return [line for line in lines if line.startswith(("+", "-"))]
