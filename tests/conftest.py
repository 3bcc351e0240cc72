"""Options of the test suite, and what every test expects of its process."""

from __future__ import annotations

import signal

import pytest
from hypothesis import settings

# A shell lets what it starts in the background ignore SIGINT, and so would every program that a test starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--all", action="store_true", help="run the extended tests as well: sweeps, every transport, examples"
    )


def pytest_configure(config: pytest.Config) -> None:
    # Made-up examples are the slowest tests that run in memory. With --all there are as many as hypothesis has by default.
    settings.register_profile("quick", max_examples=25)
    if not config.getoption("--all"):
        settings.load_profile("quick")


def pytest_report_header(config: pytest.Config) -> str:
    return "extended tests: " + ("selected" if config.getoption("--all") else "not selected; --all runs them")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--all"):
        return
    extended = [item for item in items if item.get_closest_marker("extended") is not None]
    if extended:
        config.hook.pytest_deselected(items=extended)
        items[:] = [item for item in items if item.get_closest_marker("extended") is None]
