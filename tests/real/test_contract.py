"""The app-server in memory says what the real one says: the same scripts, played on both.

What differs between versions of codex, or hangs on the speed of the real server's tasks, is in the tables of `_sameness`
and below; every other difference is a fault of the fake.
"""

from __future__ import annotations

import _contract_account_cases
import _contract_client_cases
import _contract_thread_cases
import _contract_turn_cases
import pytest
from _contract import Case, Record, play_on_the_fake, play_on_the_real_server
from _listening import codex_version
from _sameness import difference

CASES: dict[str, Case] = {
    name.removeprefix("case_"): case
    for module in (_contract_account_cases, _contract_client_cases, _contract_turn_cases, _contract_thread_cases)
    for name, case in vars(module).items()
    if name.startswith("case_")
}

OLDER = {
    ("0.163", "a_turn_outlives_its_client"): (
        '"turns": [',
        "in an answer the items of a running turn are item-1, item-2",
    ),
    ("0.163", "operations_on_a_running_thread"): ('"turns": [', "likewise"),
    ("0.163", "thread_operations"): (
        "thread/tokenUsage/updated",
        "told to who resumes a thread that was not loaded, excludeTurns or not",
    ),
}
"""By the beginning of a version, and case: what all lines have in which it differs from 0.169, and what it does."""


ALONE = {
    "account_agents": "every client hears of a sub-agent, and is asked its questions",
    "accounts": "the account is the server's",
    "agents": "as of account_agents",
    "an_agent_that_runs_on": "as of account_agents",
}
"""The cases that cannot share the real server with others, and why."""

NOT_BEFORE = {
    "account_parallel_tools": ((0, 165), "an older server asks for one tool call after the other"),
    "asynchronous_messages": ((0, 171), "an older server knows no model that has the tool"),
    "parallel_tools": ((0, 165), "as of account_parallel_tools"),
}
"""By case: the version from which the real server can play it, and why an older one cannot."""


@pytest.fixture(scope="module")
def real() -> dict[str, Record]:
    """All cases that the real server can play, played at once on one."""
    version = codex_version()
    cases = {name: case for name, case in CASES.items() if version >= NOT_BEFORE.get(name, ((0,), ""))[0]}
    together = [case for name, case in cases.items() if name not in ALONE]
    records = play_on_the_real_server(together, [CASES[name] for name in ALONE])
    return {name: records[case] for name, case in cases.items()}


@pytest.mark.parametrize("name", CASES)
def test_both_servers_say_the_same(name: str, real: dict[str, Record]) -> None:
    if name not in real:
        pytest.skip(NOT_BEFORE[name][1])
    version = next(record.version for record in real.values() if record.version)
    fake = play_on_the_fake(CASES[name])
    for record in (real[name], fake):
        if record.error is not None:
            raise record.error

    found = difference(real[name].told(version), fake.told(version))
    differing = [line for line in found.splitlines()[2:] if line[0] in "+-"]
    accepted = [mark for (old, case), (mark, _) in OLDER.items() if version.startswith(old) and case == name]
    assert all(mark in line for mark in accepted for line in differing), found
    assert bool(differing) == bool(accepted), found


def test_every_case_has_something_to_compare(real: dict[str, Record]) -> None:
    assert all(record.notes or len(record.heard[0]) > 5 for record in real.values())
    assert sum(len(messages) for record in real.values() for messages in record.heard) > 1000
