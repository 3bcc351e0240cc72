"""The version of this package, and the versions of codex that it was tested with. Imports nothing of the package."""

from __future__ import annotations

import re
from typing import Final

__version__ = "0.1.0"

TESTED_CODEX_VERSIONS: Final[tuple[str, str]] = ("0.155.0", "0.171.0")
"""The oldest and the newest codex that the tests against real servers were run with: 0.155.0 and 0.171.0.

The tests were also run with 0.163.0, 0.165.0 and 0.169.0. Where an older server behaves differently from 0.171.0, the
tests name the difference. If the server is older than the first version, opening a client logs a WARNING to the logger
``codex_trio``; if it is newer than the second, an INFO.
"""

_CODEX_VERSION = re.compile(r"([0-9]{1,9})\.([0-9]{1,9})\.([0-9]{1,9})(-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?")
_BUILT_FROM_SOURCE = (0, 0, 0)  # the version number of every codex that was not built for a release


def is_older_than_tested(version: object) -> bool:
    """Return whether a codex version is older than the oldest tested one; false if it cannot be read."""
    key = _sort_key(version)
    return bool(key) and key < _OLDEST


def is_newer_than_tested(version: object) -> bool:
    """Return whether a codex version is newer than the newest tested one; false if it cannot be read."""
    key = _sort_key(version)
    return bool(key) and key > _NEWEST


def _sort_key(version: object) -> tuple[int, ...]:
    """Return a key that sorts a pre-release before its release; empty if the version cannot be compared."""
    found = _CODEX_VERSION.fullmatch(version) if isinstance(version, str) else None
    if found is None:
        return ()
    numbers = tuple(map(int, found.groups()[:3]))
    is_release = found[4] is None
    return () if numbers == _BUILT_FROM_SOURCE else (*numbers, int(is_release))


_OLDEST, _NEWEST = map(_sort_key, TESTED_CODEX_VERSIONS)
