"""What an approval is about, in our words, with all that would be granted. Nobody is asked here."""

from __future__ import annotations

import json
import shlex
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from codex_trio import Approval, CommandApproval, Elicitation, FileChange, FileChangeApproval

from .question import Fact, Foreign, Part, Question, quoted

_TITLE = "Codex asks for your permission"
_IF_YES = "What a yes allows, this once:"
_ACCESS = {"read": "read", "write": "write to", "deny": "not use"}
_PLACES = {
    "root": "all folders and files",
    "minimal": "what the system itself needs",
    "tmpdir": "the folder for temporary files",
    "slash_tmp": '"/tmp"',
}


def describe(request: Approval, running: str | None = None) -> Question:
    """Return what to ask a person about an approval.

    Args:
        request: Of any kind.
        running: The command whose terminal is typed into, if it is known.
    """
    if isinstance(request, CommandApproval):
        parts = _typed(request, running) if request.stdin is not None else _command(request)
    elif isinstance(request, FileChangeApproval):
        parts = _changes(request)
    else:
        facts = [f"Codex may {one}" for one in permission_words(request.permissions)]
        facts += ["until this turn ends", f"relative paths start from {quoted(request.cwd)}"]
        parts = [_summary(facts)]
    if not request.reason:
        return _question(Part(f"{_TITLE}. It does not say why.", []), parts)
    return _question(Part(f"{_TITLE}. It says why:", [Foreign(request.reason, is_line=True)]), parts)


def describe_tool_call(asked: Elicitation) -> Question:
    """Return what to ask a person about the call of an MCP server's tool."""
    arguments = json.dumps(asked.tool_arguments, ensure_ascii=False, indent=2, default=str)
    facts = [
        f"the tool {quoted(asked.tool_name)} of the MCP server {quoted(asked.server_name)} is called",
        f"with the {_count(arguments, 'line')} of arguments above" if asked.tool_arguments else "without arguments",
    ]
    parts = [Part("The arguments:", [Foreign(arguments)])] if asked.tool_arguments else []
    return _question(Part(f"{_TITLE}. The message:", [Foreign(asked.message)]), [*parts, _summary(facts)])


def permission_words(permissions: Mapping[str, Any]) -> list[str]:
    """Say what permissions allow: each as a phrase that goes behind "may". Whatever is not understood is quoted."""
    words: list[str] = []
    for name, value in permissions.items():
        if name == "network" and isinstance(value, Mapping) and set(value) <= {"enabled"}:
            words += ["use the network"] if value.get("enabled") is True else []
        elif name == "fileSystem" and isinstance(value, Mapping):
            words += _file_system_words(value)
        elif value is not None:
            words.append(_not_understood(name, value))
    return words or ["do nothing more than before"]


def _command(request: CommandApproval) -> list[Part]:
    parts, facts = [], []
    if request.command:
        script = request.script
        parts.append(Part("The command:", [Foreign(script)]))
        facts.append(f"the command above ({_count(script, 'line')}) runs, maybe outside the sandbox")
        if script != request.command:
            facts.append(f"by the shell {quoted(shlex.join(shlex.split(request.command)[:-1]))}")
        facts.append(f"in the folder {quoted(request.cwd)}" if request.cwd else "in a folder that is not told")
    if request.environment_id not in ("", "local"):
        facts.append(f"in the environment {quoted(request.environment_id)}, not on this machine")
    return [*parts, _summary(facts + _extra_facts(request))]


def _typed(request: CommandApproval, running: str | None) -> list[Part]:
    stdin = request.stdin or ""
    target = (
        [Foreign(running)] if running is not None else [Fact(f"not known here; its id is {quoted(request.item_id)}")]
    )
    is_entered = stdin.endswith(("\n", "\r"))
    facts = [
        "the text above is typed into the terminal of the command above, which runs already",
        f"it has {_count(stdin, 'line')} and {len(stdin)} characters, "
        + ("and ends with Return, so it takes effect at once" if is_entered else "and does not end with Return"),
    ]
    parts = [
        Part("The command that runs:", target),
        Part("What Codex would type there:", [Foreign(stdin.removesuffix("\n"))]),
    ]
    return [*parts, _summary(facts + _extra_facts(request))]


def _changes(request: FileChangeApproval) -> list[Part]:
    changes = request.changes or ()
    entries: list[Foreign | Fact] = []
    for change in changes:
        entries += [Fact(f"{_change_words(change)}:"), Foreign(change.diff.removesuffix("\n"))]
    facts = [_change_words(change) for change in changes]
    return [Part(f"The changes of {len(changes)} files:", entries), _summary(facts + _extra_facts(request))]


def _change_words(change: FileChange) -> str:
    kind = change.kind if change.kind in ("add", "delete", "update") else f"change (as {quoted(change.kind)})"
    moved = f" and move it to {quoted(change.moved_to)}" if change.moved_to else ""
    return f"{kind} {quoted(change.path)}{moved}"


def _extra_facts(request: CommandApproval | FileChangeApproval) -> list[str]:
    """Say what is granted beyond the command or the changes, and that rules for the future are not."""
    facts: list[str] = []
    for name, value in request.extra_permissions.items():
        if name == "additionalPermissions" and isinstance(value, Mapping):
            facts += [f"with that, it may {one}" for one in permission_words(value)]
        elif name == "networkApprovalContext" and isinstance(value, Mapping) and set(value) <= {"host", "protocol"}:
            facts.append(f"it may reach {quoted(str(value.get('host')))} by {quoted(str(value.get('protocol')))}")
        elif name == "grantRoot" and isinstance(value, str):
            facts.append(f"from now on Codex may write to {quoted(value)} without asking")
        else:
            facts.append(f"it may {_not_understood(name, value)}")
    if isinstance(request, CommandApproval) and (request.proposed_amendment or request.proposed_network_amendments):
        facts.append("the rule for the future that Codex proposes is not granted")
    return facts


def _file_system_words(value: Mapping[str, Any]) -> Iterator[str]:
    for name, access in (("read", "read"), ("write", "write to")):
        yield from (f"{access} {_place(path)}" for path in _list(value.get(name)))
    for entry in _list(value.get("entries")):
        if isinstance(entry, Mapping) and set(entry) <= {"access", "path"} and entry.get("access") in _ACCESS:
            yield f"{_ACCESS[entry['access']]} {_place(entry.get('path'))}"
        else:
            yield _not_understood("entries", entry)
    for name, rest in value.items():
        if name not in ("read", "write", "entries", "globScanMaxDepth") and rest is not None:
            yield _not_understood(name, rest)


def _place(path: object) -> str:
    """Say which files are meant."""
    match path:
        case str():
            return quoted(path)
        case {"type": "path", "path": str(name), **others} if not others:
            return quoted(name)
        case {"type": "glob_pattern", "pattern": str(pattern), **others} if not others:
            return f"whatever matches {quoted(pattern)}"
        case {"type": "special", "value": {"kind": str(kind), **others}} if kind in _PLACES and not others:
            return _PLACES[kind]
        case {"type": "special", "value": {"kind": "project_roots", **others}} if not set(others) - {"subpath"}:
            below = f", below {quoted(str(others['subpath']))}" if others.get("subpath") else ""
            return f"the folders of the project{below}"
        case _:
            return f"what is called {quoted(json.dumps(path, ensure_ascii=False, default=str))}"


def _not_understood(name: str, value: object) -> str:
    told = json.dumps({name: value}, ensure_ascii=False, default=str)
    return f"do what this program does not understand: {quoted(told)}"


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _count(text: str, what: str) -> str:
    number = len(text.removesuffix("\n").split("\n"))
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _summary(facts: Sequence[str]) -> Part:
    return Part(_IF_YES, [Fact(one) for one in facts])


def _question(reason: Part, parts: Sequence[Part]) -> Question:
    question = Question([reason, *parts])
    if not any(_turns(entry.text) for part in question.parts for entry in part.entries):
        return question
    note = Fact("some letters above run from right to left: a terminal may reorder them")
    *others, summary = question.parts
    return Question([*others, Part(summary.heading, [*summary.entries, note])])


def _turns(text: str) -> bool:
    return any(unicodedata.bidirectional(one) in ("R", "AL", "AN") for one in text)
