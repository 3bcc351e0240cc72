"""The app-server in memory says what the real one says: the same scripts, played on both.

What differs between versions of codex, or hangs on the speed of the real server's tasks, is in the tables of
`normalized_traffic` and below; every other difference is a fault of the fake.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from tests.conformance.contract import account_cases, client_cases, thread_cases, turn_cases
from tests.conformance.contract.stage import Case, Record, play_on_the_fake, play_on_the_real_server
from tests.support.normalized_traffic import difference
from tests.support.real_codex import version_under_test
from tests.support.versions import Versions

CASES: dict[str, Case] = {
    name.removeprefix("case_"): case
    for module in (account_cases, client_cases, turn_cases, thread_cases)
    for name, case in vars(module).items()
    if name.startswith("case_")
}

QUICK = (
    "account_tools",
    "account_approvals",
    "of_a_conversation",
    "plain_turns",
    "patches_that_ask",
    "commands_that_ask",
    "answers_that_end_the_turn",
    "questions",
    "tools",
    "interrupts",
    "history",
)
"""The cases that are not only played with `--all`: the main features, once each."""


@dataclass(frozen=True)
class Older:
    """How older servers differ from the newest in a case.

    Attributes:
        versions: Which servers.
        case: What they are asked to do.
        marks: Each line that differs has one of these in it.
        what: The difference.
    """

    versions: Versions
    case: str
    marks: Sequence[str]
    what: str


OLDER = (
    Older(Versions("0.166"), "a_turn_outlives_its_client", ['"turns": ['], "in an answer to thread/resume, the items of "
        "a running turn are item-1, item-2"),
    Older(Versions("0.166"), "operations_on_a_running_thread", ['"turns": ['], "likewise"),
    Older(Versions("0.166", since="0.163"), "thread_operations", ["thread/tokenUsage/updated"], "told to who resumes a "
        "thread that was not loaded, excludeTurns or not"),
    Older(Versions("0.163"), "thread_operations", ['"id": 5', '"id": 6', 'archived", "params": {"threadId": "#2"}'],
        "a thread without turns cannot be archived"),
    Older(Versions("0.163"), "failures", ["codexErrorInfo"], "most HTTP statuses of the model are not told"),
    Older(Versions("0.163"), "of_failures", ["CodexTurnFailedError"], "likewise"),
    Older(Versions("0.163"), "account_approvals", ['"status": "failed", "type": "fileChange"'], "a change that is declined "
        "is told as failed"),
    Older(Versions("0.163"), "account_agents", ['"type": "subAgentActivity"'], "without model and reasoningEffort"),
    Older(Versions("0.163"), "two_account_agents", ['"type": "subAgentActivity"'], "likewise"),
    Older(Versions("0.163"), "an_agent_that_runs_on", ['"type": "subAgentActivity"'], "likewise"),
)  # fmt: skip

_FINISHES = "a steer waits until the model has said what it is saying"
_ONE_BY_ONE = "it asks for one tool call after the other"
UNPLAYABLE = {
    "account_parallel_tools": (Versions("0.165"), _ONE_BY_ONE),
    "account_terminals": (Versions("0.163"), "input for a terminal is typed without asking"),
    "asynchronous_messages": (Versions("0.171"), "it knows no model that has the tool"),
    "history": (Versions("0.163"), "thread/items/list takes no item for a cursor"),
    "parallel_tools": (Versions("0.165"), _ONE_BY_ONE),
    "steering": (Versions("0.163"), _FINISHES),
    "steering_after_a_patch": (Versions("0.163"), _FINISHES),
}
"""Cases that older servers cannot play to the end, by name: which servers, and why."""


ALONE = {
    "account_agents": "every client hears of a sub-agent, and is asked its questions",
    "accounts": "the account is the server's",
    "agents": "as of account_agents",
    "an_agent_that_runs_on": "as of account_agents",
    "two_account_agents": "as of account_agents",
    "two_agents": "as of account_agents",
}
"""The cases that cannot share the real server with others, and why."""


@pytest.fixture(scope="module")
def real(request: pytest.FixtureRequest) -> dict[str, Record]:
    """All cases of this run that the server can play, played at once on one real server."""
    names = CASES if request.config.getoption("--all") else QUICK
    played = {name: CASES[name] for name in names if unplayable(name) is None}
    together = [case for name, case in played.items() if name not in ALONE]
    records = play_on_the_real_server(together, [case for name, case in played.items() if name in ALONE])
    return {name: records[case] for name, case in played.items()}


def unplayable(name: str) -> str | None:
    """Return why the server under test cannot play a case, if it cannot."""
    versions, why = UNPLAYABLE.get(name, (None, ""))
    version = version_under_test()
    return f"codex {version}: {why}" if versions is not None and version in versions else None


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.extended) for name in CASES]
)
def test_both_servers_say_the_same(name: str, real: dict[str, Record]) -> None:
    if why := unplayable(name):
        pytest.skip(why)
    version = version_under_test()
    fake = play_on_the_fake(CASES[name])
    for record in (real[name], fake):
        if record.error is not None:
            raise record.error

    found = difference(real[name].told(version), fake.told(version))
    differing = [line for line in found.splitlines()[2:] if line[0] in "+-"]
    accepted = [mark for older in OLDER if older.case == name and version in older.versions for mark in older.marks]
    assert [line for line in differing if not any(mark in line for mark in accepted)] == [], found
    assert [mark for mark in accepted if not any(mark in line for line in differing)] == [], found


@pytest.mark.extended
def test_every_case_has_something_to_compare(real: dict[str, Record]) -> None:
    assert all(record.notes or len(record.heard[0]) > 5 for record in real.values())
    assert sum(len(messages) for record in real.values() for messages in record.heard) > 1000
