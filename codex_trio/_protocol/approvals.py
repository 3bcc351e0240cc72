"""What a person is asked for: approvals, and the decisions that they make. Values only; nobody is asked here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from msgspec import structs

from ..models import Value, script_of
from . import asks

Responder: TypeAlias = Callable[["Decision"], Awaitable[bool]]

_AMENDMENT = "acceptWithExecpolicyAmendment"


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


class CommandApproval(_Request, frozen=True, kw_only=True, eq=False):
    """May this command run outside of the sandbox?

    Attributes:
        thread_id: The thread that asks.
        turn_id: Its turn.
        item_id: Id of the ``commandExecution`` item that is going to run.
        reason: Why, in the model's words; empty if it does not say.
        command: The command line, which is a shell's: compare `script`. Empty where the server does not tell it.
        cwd: Its working directory; empty likewise.
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

    command: str
    cwd: str
    available_decisions: tuple[str | Mapping[str, Any], ...] | None
    proposed_amendment: tuple[str, ...]

    @classmethod
    def from_wire(cls, params: Mapping[str, Any]) -> CommandApproval:
        """Read the params; whatever is missing is empty."""
        available = params.get("availableDecisions")
        return cls(
            **_common(params),
            command=_text(params.get("command")),
            cwd=_text(params.get("cwd")),
            available_decisions=_offers(available),
            proposed_amendment=_texts(params.get("proposedExecpolicyAmendment")),
        )

    @property
    def script(self) -> str:
        """What the shell is given: `command` without the shell that codex puts around it.

        ``git status`` of ``/bin/bash -lc 'git status'``, and of ``/bin/sh -c 'git status'``. It is the whole script:
        ``git status; rm -r x`` is another one. A command of another form is here as it is.
        """
        return script_of(self.command)

    def accept(self) -> Decision:
        """Let it run, this once.

        Raises:
            ValueError: The server does not offer that.
        """
        return self._grant("accept")

    def accept_for_session(self) -> Decision:
        """Let it run, and let the same command run in this thread without asking again.

        Raises:
            ValueError: The server does not offer that. Codex 0.163 and 0.169 offer it for network access alone, and
                `accept_with_amendment` for commands.
        """
        return self._grant("acceptForSession")

    def accept_with_amendment(self, amendment: Sequence[str] | None = None) -> Decision:
        """Let it run, and let every command that begins so run without asking, in every thread, from now on.

        The server writes that into the rules of its CODEX_HOME.

        Args:
            amendment: The beginning, as words; `proposed_amendment` unless given.

        Raises:
            ValueError: The server does not offer that, or there is nothing to begin with.
        """
        words = list(self.proposed_amendment if amendment is None else amendment)
        if isinstance(amendment, str) or not words or not all(isinstance(word, str) for word in words):
            raise ValueError(f"an amendment is the words that a command begins with, not {amendment!r}")
        return self._grant(_AMENDMENT, {_AMENDMENT: {"execpolicy_amendment": words}})

    def choose(self, offer: str | Mapping[str, Any]) -> Decision:
        """Take one of `available_decisions` as it is.

        Raises:
            ValueError: It is none of them.
        """
        if offer not in (self.available_decisions or ()):
            raise ValueError(f"the server does not offer {offer!r}; it offers {_listed(self.available_decisions)}")
        return Decision(_name(offer), self, {"decision": offer})

    def decline(self) -> Decision:
        """Do not let it run. The turn goes on, and the model is told."""
        return Decision("decline", self, {"decision": "decline"})

    def cancel(self) -> Decision:
        """Do not let it run, and end the turn: it is interrupted."""
        return Decision("cancel", self, {"decision": "cancel"})

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
        diff: The unified diff; the whole content of a file that is added or deleted.
        raw: All that the server tells.

    Example:
        ``print([change.path for change in request.changes])``
    """

    path: str
    kind: str
    diff: str
    raw: Mapping[str, Any]

    @classmethod
    def from_wire(cls, change: Mapping[str, Any]) -> FileChange:
        """Read an entry of ``changes``."""
        kind = change.get("kind")
        kind = kind.get("type") if isinstance(kind, dict) else kind
        return cls(_text(change.get("path")), _text(kind), _text(change.get("diff")), change)


class FileChangeApproval(_Request, frozen=True, kw_only=True, eq=False):
    """May these files be changed?

    Attributes:
        thread_id: The thread that asks.
        turn_id: Its turn.
        item_id: Id of the ``fileChange`` item.
        reason: Why; empty if the server does not say.
        changes: What would change, from the item's `item/started`; empty if this client did not see that.
        grant_root: ``grantRoot``: a folder that the server would like to write to from now on, or empty.
        available_decisions: Always `None`: the server does not tell (codex 0.169).
        raw: The request's params.

    Example:
        ``return request.accept() if all(c.path.endswith(".md") for c in request.changes) else request.decline()``
    """

    changes: tuple[FileChange, ...]
    grant_root: str
    available_decisions: None = None

    @classmethod
    def from_wire(cls, params: Mapping[str, Any], changes: object) -> FileChangeApproval:
        """Read the params, and the item's ``changes``."""
        entries = [one for one in changes if isinstance(one, dict)] if isinstance(changes, list) else []
        return cls(
            **_common(params),
            changes=tuple(map(FileChange.from_wire, entries)),
            grant_root=_text(params.get("grantRoot")),
        )

    def accept(self) -> Decision:
        """Let them be changed, this once."""
        return self._decide("accept")

    def accept_for_session(self) -> Decision:
        """Let them be changed, and let the same files be changed in this thread without asking again."""
        return self._decide("acceptForSession")

    def decline(self) -> Decision:
        """Leave them as they are. The turn goes on, and the model is told."""
        return self._decide("decline")

    def cancel(self) -> Decision:
        """Leave them as they are, and end the turn: it is interrupted."""
        return self._decide("cancel")

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


def _texts(value: object) -> tuple[str, ...]:
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()
