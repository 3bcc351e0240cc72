"""`codex_trio.protocol` against the schema of the server under test."""

from __future__ import annotations

import ast
import typing
from pathlib import Path

import pytest

from codex_trio import protocol
from codex_trio.protocol import _generate
from tests.support.real_codex import binary_under_test, version_under_test
from tests.support.versions import Versions, number_of

FOLDER = Path(protocol.__file__).parent
GONE = {
    "currentTime/read": Versions("0.171"),
    "thread/rollback": Versions("0.163"),
}
"""Methods that the protocol no longer has: which servers still have them."""


def definitions(text: str) -> dict[str, str]:
    """Return the source of every type in a module, by name."""
    found: dict[str, str] = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.ClassDef):
            found[node.name] = ast.unparse(node)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            found[ast.unparse(target)] = ast.unparse(node)
    return found


def differences(ours: dict[str, str], theirs: dict[str, str]) -> list[str]:
    return [
        *(f"only in the server's schema: {name}" for name in sorted(theirs.keys() - ours.keys())),
        *(f"not in the server's schema: {name}" for name in sorted(ours.keys() - theirs.keys())),
        *(f"changed: {name}" for name in sorted(ours.keys() & theirs.keys()) if ours[name] != theirs[name]),
    ]


def methods(modules: dict[str, str]) -> set[str]:
    """Return the methods that generated modules know, whoever calls them."""
    known = definitions(modules["__init__.py"])
    aliases = [known[name] for name in ("RequestMethod", "AskMethod", "NotificationMethod")]
    constants = (node.value for text in aliases for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant))
    return {value for value in constants if isinstance(value, str)}


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    """The modules as they would be generated from the server under test."""
    return _generate.make_modules(*_generate.read_schema(binary_under_test()))


def test_the_types_are_those_of_the_server_that_they_were_made_from(made: dict[str, str]) -> None:
    if version_under_test() != protocol.VERSION:
        pytest.skip(f"codex {version_under_test()}: codex_trio.protocol was made from codex {protocol.VERSION}")
    found = [
        line
        for name, text in made.items()
        for line in differences(definitions((FOLDER / name).read_text()), definitions(text))
    ]
    assert found == [], "`python -m codex_trio.protocol._generate` makes it anew"


def test_the_methods_of_an_older_server_are_known_unless_they_are_gone(made: dict[str, str]) -> None:
    version = version_under_test()
    if number_of(version) > number_of(protocol.VERSION):
        pytest.skip(f"codex {version}: it is newer than {protocol.VERSION}, so it may have more methods")
    known = {
        *typing.get_args(protocol.RequestMethod),
        *typing.get_args(protocol.AskMethod),
        *typing.get_args(protocol.NotificationMethod),
    }
    assert methods(made) - known == {method for method, versions in GONE.items() if version in versions}


def test_a_difference_is_told_by_name() -> None:
    ours = definitions("A = 1\nclass B:\n    x: int\nclass C:\n    y: int\n")
    theirs = definitions("A = 1\nclass B:\n    x: str\nD = 2\n")
    assert differences(ours, theirs) == [
        "only in the server's schema: D",
        "not in the server's schema: C",
        "changed: B",
    ]
