"""Versions of codex in tests: what differs between servers goes by ranges of versions, never by a version's name."""

from __future__ import annotations

import re
from dataclasses import dataclass

from codex_trio import TESTED_CODEX_VERSIONS

NEWEST = TESTED_CODEX_VERSIONS[1]
"""The version that the app-server in memory imitates."""

_TRACES_WITHOUT_VERSION = "0.169.0"


def number_of(version: str) -> tuple[int, ...]:
    """Return a version for comparison. A pre-release counts as its release, whose behavior it mostly has."""
    return tuple(map(int, re.findall(r"\d+", version)[:3]))


@dataclass(frozen=True)
class Versions:
    """The versions before `until`, from `since` on."""

    until: str = "99"
    since: str = "0"

    def __contains__(self, version: str) -> bool:
        return number_of(self.since) <= number_of(version) < number_of(self.until)


def version_of_trace(name: str) -> str:
    """Return the version of the server that a trace was recorded with: the end of its name, unless that is 0.169.0."""
    found = re.search(r"_(\d+\.\d+\.\d+)$", name)
    return found[1] if found else _TRACES_WITHOUT_VERSION
