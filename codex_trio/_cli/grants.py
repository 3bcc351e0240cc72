"""`Grants`: describe permissions in words, or as JSON if this version does not understand them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from .question import Fact, Foreign, Part, quoted

_ACCESS = {"read": "read", "write": "write to", "deny": "not use"}
_PLACES = {
    "root": "all folders and files",
    "minimal": "the files that the system itself needs",
    "tmpdir": "the folder for temporary files",
    "slash_tmp": '"/tmp"',
}


class Grants:
    """Collects the permissions that a yes grants.

    Attributes:
        facts: The permissions that are understood, in words.
    """

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self._others: list[dict[str, Any]] = []  # two may have one name, from different places of the request

    def add_permissions(self, permissions: Mapping[str, Any], who: str) -> None:
        """Add a permission profile.

        Args:
            permissions: The profile as the wire has it: ``network``, ``fileSystem``.
            who: The start of a sentence that names the grantee, such as "Codex may".
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
        """Add a permission that this version does not understand, by its wire name."""
        if value not in (None, {}, []):
            self._others.append({name: value})

    def others(self) -> list[Part]:
        """Return the permissions that are not understood, as a part of a question, and add a fact about them."""
        if not self._others:
            return []
        written = [json.dumps(value, ensure_ascii=False, indent=2, default=str) for value in self._others]
        self.facts.append(Fact("the JSON above, which this program does not understand"))
        return [Part("It also asks for:", [*map(Foreign, written)])]

    def _add_files(self, value: Mapping[str, Any], who: str) -> None:
        for name, paths in value.items():
            if name == "globScanMaxDepth" or paths is None:
                continue
            entries = _entries(name, paths)
            if entries is None:
                self._others.append({"fileSystem": {name: paths}})
            else:
                # Codex lists a file both under its kind of access and among the entries.
                facts = [Fact(f"{who} {access} {place}") for access, place in entries]
                self.facts = list(dict.fromkeys([*self.facts, *facts]))


def _entries(name: str, paths: object) -> Sequence[tuple[str, str]] | None:
    """Return pairs of access and place; `None` if any entry is not understood."""
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
            return f"everything that matches {quoted(pattern)}"
        case {"type": "special", "value": {"kind": str(kind), **rest}, **others} if not others:
            return _special_place(kind, rest)
    return None


def _special_place(kind: str, rest: Mapping[Any, Any]) -> str | None:
    subpath = rest.get("subpath")
    if kind == "project_roots" and set(rest) <= {"subpath"} and (subpath is None or isinstance(subpath, str)):
        return "the folders of the project" if subpath is None else f"{quoted(subpath)} in the folders of the project"
    return None if rest else _PLACES.get(kind)
