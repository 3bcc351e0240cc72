"""`codex_trio.protocol`: it has what the client uses, and is imported by nobody who does not want it."""

from __future__ import annotations

import subprocess
import sys
import typing

import pytest

import codex_trio.protocol
from codex_trio._wire import methods


def test_every_method_that_the_client_uses_is_in_the_schema() -> None:
    known = {
        *typing.get_args(codex_trio.protocol.RequestMethod),
        *typing.get_args(codex_trio.protocol.NotificationMethod),
        "initialized",
    }
    used = {value for name, value in vars(methods).items() if name.isupper() and isinstance(value, str)}
    assert used - known == set()
    assert methods.DELTAS - known == set()


@pytest.mark.extended
def test_nothing_of_it_is_imported_unless_asked_for() -> None:
    code = "import sys, codex_trio; sys.exit('codex_trio.protocol' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
