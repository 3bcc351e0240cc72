"""Describe approval requests as questions, with everything that a yes would grant."""

from __future__ import annotations

import json
import shlex
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from codex_trio import (
    ApprovalRequest,
    CommandApprovalRequest,
    ElicitationRequest,
    FileChange,
    FileChangeApprovalRequest,
    PermissionsApprovalRequest,
)

from .questions import Fact, Part, Question, Untrusted, quoted

_TITLE = "Codex asks for your permission"
_SUMMARY = "A yes allows, this once:"
_RUNNING = "The running command:"
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
        self._others: list[dict[str, Any]] = []  # two may have the same name, from different fields of the request

    def add_permissions(self, permissions: Mapping[str, Any], subject: str) -> None:
        """Add a permission profile.

        Args:
            permissions: The profile in wire format: ``network``, ``fileSystem``.
            subject: The start of a sentence that names the grantee, such as "Codex may".
        """
        for name, value in permissions.items():
            if name == "network" and value == {"enabled": True}:
                self.facts.append(Fact(f"{subject} use the network"))
            elif name == "network" and value in ({"enabled": False}, {"enabled": None}):
                continue
            elif name == "fileSystem" and isinstance(value, Mapping):
                self._add_files(value, subject)
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
        return [Part("It also asks for:", [*map(Untrusted, written)])]

    def _add_files(self, value: Mapping[str, Any], subject: str) -> None:
        for name, paths in value.items():
            if name == "globScanMaxDepth" or paths is None:
                continue
            entries = _entries(name, paths)
            if entries is None:
                self._others.append({"fileSystem": {name: paths}})
            else:
                # Codex lists a file both under its kind of access and among the entries.
                facts = [Fact(f"{subject} {access} {place}") for access, place in entries]
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


def describe(request: ApprovalRequest, running: str | None = None) -> Question:
    """Return the question about an approval request.

    Args:
        request: The request.
        running: The running command that the request is about, if this program knows it.
    """
    if isinstance(request, PermissionsApprovalRequest):
        parts = _permissions(request)
    elif isinstance(request, FileChangeApprovalRequest):
        parts = _changes(request)
    else:
        parts = _command(request, running) if request.stdin is None else _typed(request, running)
    if request.reason:
        return _question(Part(f"{_TITLE}. Its reason:", [Untrusted(request.reason, is_line=True)]), *parts)
    return _question(Part(f"{_TITLE}. It gives no reason.", []), *parts)


def describe_tool_call(request: ElicitationRequest) -> Question:
    """Return the question about a call of an MCP server's tool."""
    message = Part(f"{_TITLE}. The message:", [Untrusted(request.message)])
    call = f"the tool {quoted(request.tool_name)} of the MCP server {quoted(request.server_name)} is called"
    if not request.tool_arguments:
        return _question(message, Part(_SUMMARY, [Fact(call), Fact("without arguments")]))
    arguments = json.dumps(request.tool_arguments, ensure_ascii=False, indent=2, default=str)
    summary = Part(_SUMMARY, [Fact(call), Fact(f"with the arguments above ({_count(arguments)})")])
    return _question(message, Part("The arguments:", [Untrusted(arguments)]), summary)


def _permissions(request: PermissionsApprovalRequest) -> list[Part]:
    grants = Grants()
    grants.add_permissions(request.permissions, "Codex may")
    others = grants.others()
    more = [Fact("until this turn ends"), Fact(f"relative paths start from {quoted(request.cwd)}")]
    return [*others, Part(_SUMMARY, [*grants.facts, *more])]


def _command(request: CommandApprovalRequest, running: str | None) -> list[Part]:
    parts, facts = [], []
    if request.command:
        script = request.script
        parts.append(Part("The command:", [Untrusted(script)]))
        facts.append(Fact(f"the command above ({_count(script)}) runs, possibly outside the sandbox"))
        if script != request.command:
            facts.append(Fact(f"by the shell {quoted(shlex.join(shlex.split(request.command)[:-1]))}"))
        facts.append(Fact(f"in the folder {quoted(request.cwd)}" if request.cwd else "in an unknown folder"))
    elif running is not None:  # which wants to reach a host
        parts.append(Part(_RUNNING, [Untrusted(running)]))
    return [*parts, *_granted(request, facts)]


def _typed(request: CommandApprovalRequest, running: str | None) -> list[Part]:
    stdin = request.stdin or ""
    target = (
        Fact(f"unknown to this program; its id is {quoted(request.item_id)}") if running is None else Untrusted(running)
    )
    end = "ends with Return and takes effect at once" if stdin.endswith(("\n", "\r")) else "does not end with Return"
    facts = [
        Fact("this input is typed into the terminal of the running command"),
        Fact(f"{_count(stdin)}, {len(stdin):,} characters; it {end}"),
    ]
    return [
        Part(_RUNNING, [target]),
        Part("The input that Codex would type into its terminal:", [Untrusted(stdin.removesuffix("\n"))]),
        *_granted(request, facts),
    ]


def _changes(request: FileChangeApprovalRequest) -> list[Part]:
    changes = request.changes or ()
    entries: list[Untrusted | Fact] = []
    for change in changes:
        entries += [Fact(f"{_change(change)}:"), Untrusted(change.diff.removesuffix("\n"))]
    number = "1 file" if len(changes) == 1 else f"{len(changes):,} files"
    return [
        Part(f"The changes of {number}:", entries),
        *_granted(request, [Fact(_change(change)) for change in changes]),
    ]


def _change(change: FileChange) -> str:
    moved = f" and move it to {quoted(change.moved_to)}, in place of what is there" if change.moved_to else ""
    return f"{change.kind} {quoted(change.path)}{moved}"


def _granted(request: CommandApprovalRequest | FileChangeApprovalRequest, facts: Sequence[Fact]) -> list[Part]:
    """Return the summary: `facts`, and all else that is granted. A part before it shows unknown permissions as JSON."""
    grants = Grants()
    for name, value in request.extra_permissions.items():
        match name, value:
            case "additionalPermissions", Mapping():
                grants.add_permissions(value, "the command may")
            case "networkApprovalContext", {"host": str(host), "protocol": str(protocol), **rest} if not rest:
                grants.facts.append(Fact(f"it may reach {quoted(host)} by {quoted(protocol)}"))
            case "grantRoot", str():
                grants.facts.append(Fact(f"from now on, Codex may write to {quoted(value)} without asking"))
            case _:
                grants.add_other(name, value)
    others = grants.others()
    more = [*grants.facts]
    if isinstance(request, CommandApprovalRequest):
        if request.environment_id not in ("", "local"):
            more.append(Fact(f"in the environment {quoted(request.environment_id)}, not on this machine"))
        if request.proposed_amendment or request.proposed_network_amendments:
            more.append(Fact("the rule that Codex proposes for the future is not granted"))
    return [*others, Part(_SUMMARY, [*facts, *more])]


def _count(text: str) -> str:
    number = len(text.removesuffix("\n").split("\n"))
    return "1 line" if number == 1 else f"{number:,} lines"


def _question(*parts: Part) -> Question:
    if not any(_runs_from_right_to_left(entry.text) for part in parts for entry in part.entries):
        return Question(parts)
    *others, summary = parts
    note = Fact("some text above is right-to-left; the terminal may reorder it")
    return Question([*others, Part(summary.heading, [*summary.entries, note])])


def _runs_from_right_to_left(text: str) -> bool:
    return not text.isascii() and any(
        unicodedata.bidirectional(character) in ("R", "AL", "AN") for character in set(text)
    )
