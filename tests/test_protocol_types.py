"""`codex_trio.protocol`: made from the installed binary's schema, or it is told in what that differs."""

from __future__ import annotations

import ast
import subprocess
import sys
import typing
from pathlib import Path

import codex_cli_bin  # type: ignore[import-untyped]
import pytest

import codex_trio.protocol
from codex_trio._protocol import methods
from codex_trio.protocol import _generate

FOLDER = Path(codex_trio.protocol.__file__).parent


def definitions(text: str) -> dict[str, str]:
    """The source of every type in a module, by name."""
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
        *(f"only in the installed codex: {name}" for name in sorted(theirs.keys() - ours.keys())),
        *(f"no longer in the installed codex: {name}" for name in sorted(ours.keys() - theirs.keys())),
        *(f"changed: {name}" for name in sorted(ours.keys() & theirs.keys()) if ours[name] != theirs[name]),
    ]


def test_the_types_are_those_of_the_installed_binary_or_it_says_what_differs(
    record_property: typing.Callable[[str, object], None], capsys: pytest.CaptureFixture[str]
) -> None:
    version, schema = _generate.read_schema([str(codex_cli_bin.bundled_codex_path())])
    made = _generate.make_modules(version, schema)
    found = [
        line
        for name, text in made.items()
        for line in differences(definitions((FOLDER / name).read_text()), definitions(text))
    ]
    record_property("protocol_differences", found)
    if version != codex_trio.protocol.VERSION:  # another codex is no fault of ours; but it is told
        with capsys.disabled():
            sys.stdout.write(
                f"\ncodex_trio.protocol was made from codex {codex_trio.protocol.VERSION}, and codex {version} is "
                "installed; `python -m codex_trio.protocol._generate` makes it anew:\n  " + "\n  ".join(found) + "\n"
            )
        assert "changed: VERSION" in found
    else:
        assert found == []


def test_a_difference_is_told_by_name() -> None:
    ours = definitions("A = 1\nclass B:\n    x: int\nclass C:\n    y: int\n")
    theirs = definitions("A = 1\nclass B:\n    x: str\nD = 2\n")
    assert differences(ours, theirs) == [
        "only in the installed codex: D",
        "no longer in the installed codex: C",
        "changed: B",
    ]


def test_every_method_that_the_client_uses_is_in_the_schema() -> None:
    known = {
        *typing.get_args(codex_trio.protocol.RequestMethod),
        *typing.get_args(codex_trio.protocol.NotificationMethod),
        "initialized",
    }
    used = {value for name, value in vars(methods).items() if name.isupper() and isinstance(value, str)}
    assert used - known == set()
    assert methods.DELTAS - known == set()


def test_nothing_of_it_is_imported_unless_asked_for() -> None:
    code = "import sys, codex_trio; sys.exit('codex_trio.protocol' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
