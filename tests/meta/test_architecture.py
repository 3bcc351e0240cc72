"""The house of DESIGN, checked; and each check, shown to fail where its rule is broken."""

from __future__ import annotations

import pytest

import codex_trio
from tests.support.architecture_rules import (
    PUBLIC_CLASSES,
    PUBLIC_FUNCTIONS,
    RULES,
    UNCANCELLED,
    Rule,
    cancellation_is_documented,
    few_see_the_transports,
    handlers_see_no_connection,
    imports_follow_the_order,
    imports_stand_at_the_top,
    modules_form_no_cycle,
    no_async_generators,
    outsiders_use_the_public_surface,
    parse_house,
    parts_of_the_test_kit_are_independent,
    pure_rooms_do_no_io,
    read_house,
    rooms_are_known,
    the_test_kit_reuses_nothing_that_it_tests,
)
from tests.support.folders import ROOT

TEXTS = read_house(ROOT)
HOUSE = parse_house(TEXTS)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_house_keeps_its_rules(rule: Rule) -> None:
    assert rule(HOUSE) == []


def test_the_checks_see_the_house() -> None:
    assert {"errors", "models", "_wire", "abc", "_transports", "_session", "_thread", "_client", "testing"} <= {
        source.room for source in HOUSE
    }
    assert sum(len(source.imports) for source in HOUSE) > 100


def test_the_public_classes_and_functions_that_are_checked_exist() -> None:
    expected = {
        name for name in (*PUBLIC_CLASSES, *PUBLIC_FUNCTIONS) if name != "CodexThread" or hasattr(codex_trio, name)
    }
    assert expected <= set(codex_trio.__all__)

    for name in UNCANCELLED:
        owner, _, method = name.partition(".")
        assert method in vars(getattr(codex_trio, owner))


NO_SECTION = "class StepStream(Streaming): ...\n\n\nclass Streaming:\n    async def rewind(self):\n        'Go back.'\n"

BREAKS: list[tuple[Rule, str, str, str]] = [
    (rooms_are_known, "codex_trio/helpers.py", "", "no room 'helpers'"),
    (imports_follow_the_order, "codex_trio/errors.py", "from . import models", "errors imports models"),
    (
        imports_follow_the_order,
        "codex_trio/models.py",
        "if TYPE_CHECKING:\n    from .abc import Transport",
        "imports abc",
    ),
    (
        imports_follow_the_order,
        "codex_trio/_options.py",
        "from ._session.turn import Turn",
        "_options imports _session",
    ),
    (
        imports_follow_the_order,
        "codex_trio/_session/turn.py",
        "from .. import _client",
        "_session imports _client",
    ),
    (imports_follow_the_order, "codex_trio/_client.py", "import codex_trio", "_client imports __init__"),
    (imports_follow_the_order, "codex_trio/_client.py", "from .testing import say", "_client imports testing"),
    (imports_follow_the_order, "codex_trio/__init__.py", "import codex_trio.testing", "__init__ imports testing"),
    (imports_follow_the_order, "codex_trio/_version.py", "from . import errors", "_version imports errors"),
    (modules_form_no_cycle, "codex_trio/_wire/methods.py", "from .messages import Notice", "a cycle"),
    (modules_form_no_cycle, "codex_trio/_session/registry.py", "from .turn_manager import Lifecycle", "a cycle"),
    (pure_rooms_do_no_io, "codex_trio/models.py", "import trio", "models imports trio"),
    (pure_rooms_do_no_io, "codex_trio/errors.py", "from socket import socket", "errors imports socket"),
    (pure_rooms_do_no_io, "codex_trio/_wire/turn_state.py", "import trio.lowlevel", "_wire imports trio.lowlevel"),
    (pure_rooms_do_no_io, "codex_trio/_wire/server_methods.py", "def now():\n    import time", "_wire imports time"),
    (pure_rooms_do_no_io, "codex_trio/_wire/server_methods.py", "import subprocess", "_wire imports subprocess"),
    (few_see_the_transports, "codex_trio/_chat.py", "from ._transports import stdio", "_chat imports"),
    (few_see_the_transports, "codex_trio/_session/turn.py", "from .._transports.stdio import X", "_session imports"),
    (handlers_see_no_connection, "codex_trio/_session/handlers.py", "from .connection import Call", "handlers imports"),
    (
        the_test_kit_reuses_nothing_that_it_tests,
        "codex_trio/testing/_app_server/state.py",
        "from ..._session import handlers",
        "_session",
    ),
    (the_test_kit_reuses_nothing_that_it_tests, "codex_trio/testing/_faults.py", "import codex_trio", "codex_trio"),
    (
        the_test_kit_reuses_nothing_that_it_tests,
        "codex_trio/testing/pytest.py",
        "from .._session.turn import Turn",
        "_session",
    ),
    (
        parts_of_the_test_kit_are_independent,
        "codex_trio/testing/_model/responses.py",
        "from .._app_server.items import make_item",
        "_model imports _app_server",
    ),
    (outsiders_use_the_public_surface, "codex_trio/_cli/main.py", "from codex_trio import _session", "uses _session"),
    (outsiders_use_the_public_surface, "codex_trio/_cli/main.py", "from .._client import X", "uses _client"),
    (outsiders_use_the_public_surface, "codex_trio/_cli/main.py", "print(codex_trio._version)", "uses _version"),
    (outsiders_use_the_public_surface, "codex_trio/_cli/main.py", "from .._version import _x", "uses _x"),
    (outsiders_use_the_public_surface, "examples/one.py", "from codex_trio._version import x", "uses _version"),
    (outsiders_use_the_public_surface, "codex_trio/rendering/_view.py", "from .._session import turn", "uses _session"),
    (outsiders_use_the_public_surface, "codex_trio/rendering/_steps.py", "print(step._data)", "uses _data"),
    (outsiders_use_the_public_surface, "examples/one.py", "import codex_trio._session", "uses _session"),
    (
        no_async_generators,
        "codex_trio/_session/stream.py",
        "async def steps():\n    if 1:\n        yield 1",
        "steps is an",
    ),
    (
        imports_stand_at_the_top,
        "codex_trio/_session/turn.py",
        "def f():\n    import shlex",
        "imports shlex inside a function",
    ),
    (cancellation_is_documented, "codex_trio/_session/stream.py", NO_SECTION, "Streaming.rewind has no"),
    (
        cancellation_is_documented,
        "codex_trio/_client_x.py",
        "async def connect_codex_client(): ...",
        "connect_codex_client",
    ),
]


@pytest.mark.extended
@pytest.mark.parametrize(("rule", "path", "lines", "complaint"), BREAKS)
def test_a_broken_rule_is_found(rule: Rule, path: str, lines: str, complaint: str) -> None:
    broken = TEXTS | {path: f"{TEXTS.get(path, '')}\n{lines}\n"}

    (found,) = set(rule(parse_house(broken))) - set(rule(HOUSE))

    assert complaint in found
    assert "cycle" in found or found.startswith(f"{path}:")


def test_every_rule_is_shown_to_fail() -> None:
    assert {rule for rule, *_ in BREAKS} == set(RULES)
