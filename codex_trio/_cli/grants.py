"""`Grants`: what permissions allow, in words; and as JSON, what this version has no words for."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from .question import Fact, Foreign, Part, quoted

_ACCESS = {"read": "read", "write": "write to", "deny": "not use"}
_PLACES = {
    "root": "all folders and files",
    "minimal": "what the system itself needs",
    "tmpdir": "the folder for temporary files",
    "slash_tmp": '"/tmp"',
}


class Grants:
    """Collects what a yes allows.

    Attributes:
        facts: What is understood.
    """

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self._others: list[dict[str, Any]] = []  # two may have one name, from different places of the request

    def add_permissions(self, permissions: Mapping[str, Any], who: str) -> None:
        """Add what the wire calls a permission profile.

        Args:
            permissions: ``network``, ``fileSystem``.
            who: Gets them, as in "Codex may".
        """
        for name, value in permissions.items():
            if name == "network" and value == {"enabled": True}:
                self.facts.append(Fact(f"{who} use the network"))
            elif name == "network" and value in ({"enabled": False}, {"enabled": None}):
                continue
            elif name == "fileSystem" and isinstance(value, Mapping):
                self._add_files(value, who)
            else:
                self.add_other(name, value)

    def add_other(self, name: str, value: object) -> None:
        """Add what this version does not know, by its name on the wire."""
        if value not in (None, {}, []):
            self._others.append({name: value})

    def others(self) -> list[Part]:
        """Return what there are no words for."""
        if not self._others:
            return []
        written = [json.dumps(one, ensure_ascii=False, indent=2, default=str) for one in self._others]
        self.facts.append(Fact("what stands there in JSON, which this program does not understand"))
        return [Part("Codex asks for this, too:", [*map(Foreign, written)])]

    def _add_files(self, value: Mapping[str, Any], who: str) -> None:
        for name, paths in value.items():
            if name == "globScanMaxDepth" or paths is None:
                continue
            entries = _entries(name, paths)
            if entries is None:
                self._others.append({"fileSystem": {name: paths}})
            else:
                self.facts += [Fact(f"{who} {access} {place}") for access, place in entries]


def _entries(name: str, paths: object) -> Sequence[tuple[str, str]] | None:
    """Return what may be done where; `None` if not all of it is understood."""
    if not isinstance(paths, list):
        return None
    if name in ("read", "write"):
        paths = [{"access": name, "path": {"type": "path", "path": path}} for path in paths]
    elif name != "entries":
        return None
    found: list[tuple[str, str]] = []
    for entry in paths:
        match entry:
            case {"access": str(access), "path": path, **others} if access in _ACCESS and not others:
                place = _place(path)
                if place is None:
                    return None
                found.append((_ACCESS[access], place))
            case _:
                return None
    return found


def _place(path: object) -> str | None:
    match path:
        case {"type": "path", "path": str(name), **others} if not others:
            return quoted(name)
        case {"type": "glob_pattern", "pattern": str(pattern), **others} if not others:
            return f"whatever matches {quoted(pattern)}"
        case {"type": "special", "value": {"kind": str(kind), **rest}, **others} if not others:
            return _special_place(kind, rest)
    return None


def _special_place(kind: str, rest: Mapping[str, Any]) -> str | None:
    subpath = rest.get("subpath")
    if kind == "project_roots" and set(rest) <= {"subpath"} and (subpath is None or isinstance(subpath, str)):
        return "the folders of the project" if subpath is None else f"{quoted(subpath)} in the folders of the project"
    return None if rest else _PLACES.get(kind)
