"""What a person is asked for: approvals, and the decisions that they make. Values only; nobody is asked here."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from msgspec import structs

from ..models import Value, script_of
from . import asks

Responder: TypeAlias = Callable[["Decision"], Awaitable[bool]]

_AMENDMENT = "acceptWithExecpolicyAmendment"
_KNOWN_KINDS = frozenset({"command", "writeStdin", "humanCommand"})

# The params of codex 0.100 to 0.171.
_COMMON_PARAMS = frozenset({"threadId", "turnId", "itemId", "startedAtMs", "environmentId", "reason", "cwd"})
_COMMAND_PARAMS = _COMMON_PARAMS | {
    *("kind", "approvalId", "command", "commandActions", "additionalPermissions", "networkApprovalContext"),
    *("proposedExecpolicyAmendment", "proposedNetworkPolicyAmendments", "availableDecisions"),
}
_FILE_CHANGE_PARAMS = _COMMON_PARAMS | {"grantRoot"}


class Decision(Value, frozen=True, eq=False):
    """An answer to one request. Made by the request: ``request.accept()``, ``request.decline()`` and so on.

    Attributes:
        name: ``accept``, ``acceptForSession``, ``acceptWithExecpolicyAmendment``, ``decline``, ``cancel``, or whatever
            else the server offered.
        request: What it answers.
        result: The answer on the wire.
        ends_turn: The turn is to be interrupted, and the answer alone does not do that.

    Example:
        ``async def on_approval(request) -> Decision: return request.decline()``
    """

    name: str
    request: object
    result: Mapping[str, Any]
    ends_turn: bool = False

    @property
    def is_refusal(self) -> bool:
        """Whether this grants nothing."""
        return self.name in ("decline", "cancel")


class _Request(Value, frozen=True, kw_only=True, eq=False):
    thread_id: str
    turn_id: str
    item_id: str
    reason: str
    raw: Mapping[str, Any]
    _responder: Responder | None = None

    def _find_unknown(self) -> str:
        """Return what is not known of what would be granted; empty if all is."""
        return ""

    def _find_extra(self) -> Mapping[str, Any]:
        """Return what accepting grants beyond what the request is about, by wire name."""
        return {}

    def _check_grant(self, *, with_permissions: bool, unseen: bool) -> None:
        unknown = self._find_unknown()
        if unknown and not unseen:
            raise ValueError(f"{unknown}; decline it, or pass unseen=True to accept what is not known")
        extra = self._find_extra()
        if extra and not with_permissions:
            listed = ", ".join(f"{name} {json.dumps(value)}" for name, value in extra.items())
            raise ValueError(
                f"accepting would also grant {listed}; decline it, or pass with_permissions=True to grant that as well"
            )

    async def respond(self, decision: Decision) -> bool:
        """Answer a request that came from ``client.approvals()``.

        Returns:
            Whether this was the answer. `False`: it came too late, and nothing was sent, because the request has been
            answered, the server has withdrawn it, its turn has ended, or the connection has.

        Raises:
            RuntimeError: The request was given to a handler, which returns its decision.
            ValueError: The decision answers another request.

        Cancellation: It was answered, unless this raised at once.
        """
        if self._responder is None:
            raise RuntimeError("a handler answers by returning its decision; respond() is for client.approvals()")
        if decision.request is not self:
            raise ValueError(f"this {decision.name} answers another request")
        return await self._responder(decision)


class NetworkApprovalContext(Value, frozen=True):
    """A host that a command wants to reach.

    Attributes:
        host: The host, as the command names it.
        protocol: ``http``, ``https``, ``socks5Tcp``, ``socks5Udp``, or one that this version does not know.

    Example:
        ``print(request.network_approval_context.host)``
    """

    host: str
    protocol: str

    @classmethod
    def from_wire(cls, context: Mapping[str, Any]) -> NetworkApprovalContext:
        """Read ``networkApprovalContext``; whatever is missing is empty."""
        return cls(_text(context.get("host")), _text(context.get("protocol")))


class NetworkPolicyAmendment(Value, frozen=True):
    """A rule about one host, which the server would keep for future requests.

    Attributes:
        action: ``allow`` or ``deny``.
        host: The host.

    Example:
        ``print([amendment.host for amendment in request.proposed_network_amendments])``
    """

    action: str
    host: str

    @classmethod
    def from_wire(cls, amendment: Mapping[str, Any]) -> NetworkPolicyAmendment:
        """Read an entry of ``proposedNetworkPolicyAmendments``; whatever is missing is empty."""
        return cls(_text(amendment.get("action")), _text(amendment.get("host")))


class CommandApproval(_Request, frozen=True, kw_only=True, eq=False):
    """May this command run outside of the sandbox?

    Attributes:
        thread_id: The thread that asks.
        turn_id: Its turn.
        kind: What is asked. ``command``: may the command run? Also where the server does not say (codex before 0.155).
            ``writeStdin`` (codex 0.163 on): may `stdin` be typed into the terminal of a command that already runs?
            ``humanCommand`` (codex 0.169 on): a command that only a person may decide about. Others as the wire has them.
        item_id: Id of the ``commandExecution`` item that is going to run. For ``writeStdin``, the id of the command that
            is *already running*, whoever approved that one.
        approval_id: ``approvalId``: for ``writeStdin`` the id of the input. Empty if the server does not give one.
        reason: Why, in the model's words; empty if it does not say.
        command: The command line, which is a shell's: compare `script`. Empty where the server does not tell it.
        cwd: Its working directory; empty likewise.
        environment_id: ``environmentId``: the environment that it runs in, ``local`` for this machine; empty if the server
            does not say (codex before 0.155).
        stdin: For ``writeStdin``, the text that would be typed; the whole `command` where it cannot be read with
            certainty. `None` for other kinds.
        additional_permissions: ``additionalPermissions``: what the sandbox would allow the command beyond what it allows
            others, as the wire has it: ``network``, ``fileSystem``. `None` if nothing.
        network_approval_context: ``networkApprovalContext``: the host that it wants to reach. `None` if that is not
            what is asked.
        proposed_network_amendments: ``proposedNetworkPolicyAmendments``: rules about hosts that `choose` can make
            permanent; empty if the server proposes none.
        available_decisions: What the server offers, as the wire has it: names, or objects of one key, the name. `None`
            if it does not tell. Refusing is always possible, whether listed or not.
        proposed_amendment: The beginning of the command that `accept_with_amendment` allows for ever, as words; empty
            if the server proposes none.
        raw: The request's params.

    Example:
        ```python
        def on_approval(request: Approval) -> Decision:
            if isinstance(request, CommandApproval) and request.script == "ls":
                return request.accept()
            return request.decline()
        ```
    """

    kind: str
    approval_id: str
    command: str
    cwd: str
    environment_id: str
    stdin: str | None
    additional_permissions: Mapping[str, Any] | None
    network_approval_context: NetworkApprovalContext | None
    proposed_network_amendments: tuple[NetworkPolicyAmendment, ...]
    available_decisions: tuple[str | Mapping[str, Any], ...] | None
    proposed_amendment: tuple[str, ...]

    @classmethod
    def from_wire(cls, params: Mapping[str, Any]) -> CommandApproval:
        """Read the params; whatever is missing is empty."""
        kind = _text(params.get("kind")) or "command"
        command = _text(params.get("command"))
        permissions = params.get("additionalPermissions")
        context = params.get("networkApprovalContext")
        amendments = _objects(params.get("proposedNetworkPolicyAmendments"))
        return cls(
            **_common(params),
            kind=kind,
            approval_id=_text(params.get("approvalId")),
            command=command,
            cwd=_text(params.get("cwd")),
            environment_id=_text(params.get("environmentId")),
            stdin=_typed_text(command) if kind == "writeStdin" else None,
            additional_permissions=permissions
            if isinstance(permissions, dict) and not _is_empty(permissions)
            else None,
            network_approval_context=NetworkApprovalContext.from_wire(context) if isinstance(context, dict) else None,
            proposed_network_amendments=tuple(map(NetworkPolicyAmendment.from_wire, amendments)),
            available_decisions=_offers(params.get("availableDecisions")),
            proposed_amendment=_texts(params.get("proposedExecpolicyAmendment")),
        )

    @property
    def script(self) -> str:
        """What the shell is given: `command` without the shell that codex puts around it.

        ``git status`` of ``/bin/bash -lc 'git status'``, and of ``/bin/sh -c 'git status'``. It is the whole script:
        ``git status; rm -r x`` is another one. A command of another form is here as it is.
        """
        return self.command if self.kind == "writeStdin" else script_of(self.command)

    @property
    def extra_permissions(self) -> Mapping[str, Any]:
        """What accepting grants beyond running `command` as it is, by wire name; empty if nothing.

        ``additionalPermissions``, ``networkApprovalContext``, and objects and lists that this version does not know.
        """
        return self._find_extra()

    def accept(self, *, with_permissions: bool = False, unseen: bool = False) -> Decision:
        """Let it run, or `stdin` be typed, this once.

        Args:
            with_permissions: Grant `extra_permissions` as well.
            unseen: Accept although it is not known what would run: `command` is empty, or `kind` is unknown.

        Raises:
            ValueError: The server does not offer that; or the request needs one of the arguments.
        """
        self._check_grant(with_permissions=with_permissions, unseen=unseen)
        return self._grant("accept")

    def accept_for_session(self, *, with_permissions: bool = False, unseen: bool = False) -> Decision:
        """Let it run, and let the same command run in this thread without asking again.

        Args:
            with_permissions: As in `accept`.
            unseen: As in `accept`.

        Raises:
            ValueError: As in `accept`. Codex 0.163 and 0.169 offer it for network access alone, and
                `accept_with_amendment` for commands.
        """
        self._check_grant(with_permissions=with_permissions, unseen=unseen)
        return self._grant("acceptForSession")

    def accept_with_amendment(
        self, amendment: Sequence[str] | None = None, *, with_permissions: bool = False, unseen: bool = False
    ) -> Decision:
        """Let it run, and let every command that begins so run without asking, in every thread, from now on.

        The server writes that into the rules of its CODEX_HOME.

        Args:
            amendment: The beginning, as words; `proposed_amendment` unless given.
            with_permissions: As in `accept`.
            unseen: As in `accept`.

        Raises:
            ValueError: As in `accept`; or there is nothing to begin with.
        """
        words = list(self.proposed_amendment if amendment is None else amendment)
        if isinstance(amendment, str) or not words or not all(isinstance(word, str) for word in words):
            raise ValueError(f"an amendment is the words that a command begins with, not {amendment!r}")
        self._check_grant(with_permissions=with_permissions, unseen=unseen)
        return self._grant(_AMENDMENT, {_AMENDMENT: {"execpolicy_amendment": words}})

    def choose(
        self, offer: str | Mapping[str, Any], *, with_permissions: bool = False, unseen: bool = False
    ) -> Decision:
        """Take one of `available_decisions` as it is.

        Args:
            offer: One of them. ``decline`` and ``cancel`` need no further argument.
            with_permissions: As in `accept`.
            unseen: As in `accept`.

        Raises:
            ValueError: It is none of them; or as in `accept`.
        """
        if offer not in (self.available_decisions or ()):
            raise ValueError(f"the server does not offer {offer!r}; it offers {_listed(self.available_decisions)}")
        if offer not in ("decline", "cancel"):
            self._check_grant(with_permissions=with_permissions, unseen=unseen)
        return Decision(_name(offer), self, {"decision": offer})

    def decline(self) -> Decision:
        """Do not let it run. The turn goes on, and the model is told."""
        return Decision("decline", self, {"decision": "decline"})

    def cancel(self) -> Decision:
        """Do not let it run, and end the turn: it is interrupted."""
        return Decision("cancel", self, {"decision": "cancel"})

    def _find_unknown(self) -> str:
        if self.kind not in _KNOWN_KINDS:
            return f"the server asks about {self.kind!r}, a kind of approval that codex_trio does not know"
        if not self.command and self.network_approval_context is None:
            return "the server does not say which command would run"
        return ""

    def _find_extra(self) -> Mapping[str, Any]:
        granted = {name: self.raw.get(name) for name in ("additionalPermissions", "networkApprovalContext")}
        return {name: value for name, value in granted.items() if not _is_empty(value)} | _unknown_parts(
            self.raw, _COMMAND_PARAMS
        )

    def _grant(self, name: str, wire: object = None) -> Decision:
        offers = self.available_decisions
        if offers is not None and name not in map(_name, offers):
            raise ValueError(f"the server does not offer {name} for this command; it offers {_listed(offers)}")
        return Decision(name, self, {"decision": name if wire is None else wire})


class FileChange(Value, frozen=True):
    """A change of one file.

    Attributes:
        path: The file.
        kind: ``add``, ``delete`` or ``update``.
        moved_to: ``kind.move_path``: where the file is moved to; empty if it stays where it is.
        diff: The unified diff; the whole content of a file that is added or deleted.
        raw: All that the server tells.

    Example:
        ``print([change.path for change in request.changes])``
    """

    path: str
    kind: str
    diff: str
    raw: Mapping[str, Any]
    moved_to: str = ""

    @classmethod
    def from_wire(cls, change: Mapping[str, Any]) -> FileChange:
        """Read an entry of ``changes``."""
        kind = change.get("kind")
        kind = kind if isinstance(kind, dict) else {"type": kind}
        return cls(
            path=_text(change.get("path")),
            kind=_text(kind.get("type")),
            diff=_text(change.get("diff")),
            raw=change,
            moved_to=_text(kind.get("move_path")),
        )


class FileChangeApproval(_Request, frozen=True, kw_only=True, eq=False):
    """May these files be changed?

    Attributes:
        thread_id: The thread that asks.
        turn_id: Its turn.
        item_id: Id of the ``fileChange`` item.
        reason: Why; empty if the server does not say.
        changes: What would change, from the item's `item/started`. `None` if that is not known in full: this client did
            not see the item start, or cannot read one of its changes.
        grant_root: ``grantRoot``: a folder that the server would like to write to from now on, or empty.
        available_decisions: Always `None`: the server does not tell (codex 0.169).
        raw: The request's params.

    Example:
        ``return request.accept() if all(c.path.endswith(".md") for c in request.changes) else request.decline()``
    """

    changes: tuple[FileChange, ...] | None
    grant_root: str
    available_decisions: None = None

    @classmethod
    def from_wire(cls, params: Mapping[str, Any], changes: object) -> FileChangeApproval:
        """Read the params, and the item's ``changes``."""
        return cls(
            **_common(params),
            changes=_read_changes(changes),
            grant_root=_text(params.get("grantRoot")),
        )

    @property
    def extra_permissions(self) -> Mapping[str, Any]:
        """What accepting grants beyond `changes`, by wire name; empty if nothing.

        ``grantRoot``, and objects and lists that this version does not know.
        """
        return self._find_extra()

    def accept(self, *, with_permissions: bool = False, unseen: bool = False) -> Decision:
        """Let them be changed, this once.

        Args:
            with_permissions: Grant `extra_permissions` as well.
            unseen: Accept although `changes` is `None`.

        Raises:
            ValueError: The request needs one of the arguments.
        """
        self._check_grant(with_permissions=with_permissions, unseen=unseen)
        return self._decide("accept")

    def accept_for_session(self, *, with_permissions: bool = False, unseen: bool = False) -> Decision:
        """Let them be changed, and let the same files be changed in this thread without asking again.

        Args:
            with_permissions: As in `accept`.
            unseen: As in `accept`.

        Raises:
            ValueError: As in `accept`.
        """
        self._check_grant(with_permissions=with_permissions, unseen=unseen)
        return self._decide("acceptForSession")

    def decline(self) -> Decision:
        """Leave them as they are. The turn goes on, and the model is told."""
        return self._decide("decline")

    def cancel(self) -> Decision:
        """Leave them as they are, and end the turn: it is interrupted."""
        return self._decide("cancel")

    def _find_unknown(self) -> str:
        return "it is not known what would be changed" if self.changes is None else ""

    def _find_extra(self) -> Mapping[str, Any]:
        root = self.raw.get("grantRoot")
        extra = {} if _is_empty(root) else {"grantRoot": root}
        return extra | _unknown_parts(self.raw, _FILE_CHANGE_PARAMS)

    def _decide(self, name: str) -> Decision:
        return Decision(name, self, {"decision": name})


class PermissionsApproval(_Request, frozen=True, kw_only=True, eq=False):
    """May the sandbox be widened?

    Attributes:
        thread_id: The thread that asks.
        turn_id: Its turn.
        item_id: Id of the tool call; there is no item of that id.
        reason: Why, in the model's words; empty if it does not say.
        cwd: The working directory that relative paths start from.
        permissions: What is asked for, as the wire has it: ``network``, ``fileSystem``.
        available_decisions: Always `None`: the server does not tell (codex 0.169).
        raw: The request's params.

    Example:
        ``return request.accept_for_session() if request.reason else request.decline()``
    """

    cwd: str
    permissions: Mapping[str, Any]
    available_decisions: None = None

    @classmethod
    def from_wire(cls, params: Mapping[str, Any]) -> PermissionsApproval:
        """Read the params; whatever is missing is empty."""
        asked = params.get("permissions")
        return cls(
            **_common(params),
            cwd=_text(params.get("cwd")),
            permissions=asked if isinstance(asked, dict) else {},
        )

    def accept(self, permissions: Mapping[str, Any] | None = None) -> Decision:
        """Grant for the rest of the turn.

        Args:
            permissions: What to grant, spelt as in `permissions`; all that was asked for unless given.

        Raises:
            ValueError: It has a kind of permission that was not asked for.
        """
        return self._grant("accept", permissions, "turn")

    def accept_for_session(self, permissions: Mapping[str, Any] | None = None) -> Decision:
        """Grant for as long as the thread is loaded. Otherwise as `accept`."""
        return self._grant("acceptForSession", permissions, "session")

    def decline(self) -> Decision:
        """Grant nothing. The turn goes on, and the model is told."""
        return Decision("decline", self, {"permissions": {}, "scope": "turn"})

    def cancel(self) -> Decision:
        """Grant nothing, and end the turn: the client interrupts it, as the wire has no such answer."""
        return Decision("cancel", self, {"permissions": {}, "scope": "turn"}, ends_turn=True)

    def _grant(self, name: str, permissions: Mapping[str, Any] | None, scope: Literal["turn", "session"]) -> Decision:
        # What was not asked for goes out as null, and so does what is null here: a grant of nothing.
        asked = {key: value for key, value in self.permissions.items() if value is not None}
        granted = asked if permissions is None else dict(permissions)
        if extra := [key for key in granted if key not in asked]:
            raise ValueError(f"the server did not ask for {', '.join(map(repr, extra))}; it asks for {asked!r}")
        return Decision(name, self, {"permissions": granted, "scope": scope})


Approval: TypeAlias = CommandApproval | FileChangeApproval | PermissionsApproval
"""What `on_approval` is asked."""


def parse_approval(method: str, params: Mapping[str, Any], *, changes: object = None) -> Approval:
    """Read an approval request; `method` is one of `asks.APPROVALS`."""
    if method == asks.COMMAND_APPROVAL:
        return CommandApproval.from_wire(params)
    if method == asks.FILE_CHANGE_APPROVAL:
        return FileChangeApproval.from_wire(params, changes)
    return PermissionsApproval.from_wire(params)


def with_responder(request: Approval, responder: Responder) -> Approval:
    """Return the request as `client.approvals()` gives it."""
    return structs.replace(request, _responder=responder)


def _common(params: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "thread_id": _text(params.get("threadId")),
        "turn_id": _text(params.get("turnId")),
        "item_id": _text(params.get("itemId")),
        "reason": _text(params.get("reason")),
        "raw": params,
    }


_STDIN_COMMAND = re.compile(r"write_stdin --session-id \d+ (?P<input>.+)", re.DOTALL)


def _typed_text(command: str) -> str:
    found = _STDIN_COMMAND.fullmatch(command)
    try:
        words = shlex.split(found["input"]) if found else []
    except ValueError:
        words = []
    return words[0] if len(words) == 1 else command


def _read_changes(value: object) -> tuple[FileChange, ...] | None:
    if not isinstance(value, list) or not value or not all(isinstance(one, dict) for one in value):
        return None
    return tuple(map(FileChange.from_wire, value))


def _offers(value: object) -> tuple[str | Mapping[str, Any], ...] | None:
    if not isinstance(value, list):
        return None
    return tuple(one for one in value if isinstance(one, str) or (isinstance(one, dict) and one))


def _name(offer: str | Mapping[str, Any]) -> str:
    return offer if isinstance(offer, str) else next(iter(offer), "")


def _listed(offers: tuple[str | Mapping[str, Any], ...] | None) -> str:
    return ", ".join(map(_name, offers or ())) or "nothing"


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _unknown_parts(params: Mapping[str, Any], known: frozenset[str]) -> dict[str, Any]:
    """Return what a newer server may ask for. Grants are objects or lists; a new id or time is no reason to refuse."""
    return {
        name: value
        for name, value in params.items()
        if name not in known and isinstance(value, (dict, list)) and not _is_empty(value)
    }


def _is_empty(value: object) -> bool:
    if isinstance(value, dict):
        return all(map(_is_empty, value.values()))
    return value is None or value == "" or value == []


def _objects(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _texts(value: object) -> tuple[str, ...]:
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()
