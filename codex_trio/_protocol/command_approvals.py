"""`CommandApproval`: the request to run a command, or to type input into one that is running."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from .._json import shown
from ..models import Value, script_of
from .decisions import (
    COMMON_PARAMS,
    ApprovalRequest,
    Decision,
    check_grant,
    find_extra,
    is_empty,
    read_common,
    read_text,
)

_AMENDMENT = "acceptWithExecpolicyAmendment"
_NETWORK_AMENDMENT = "applyNetworkPolicyAmendment"
_KINDS = frozenset({"command", "writeStdin", "humanCommand"})

# The other params of codex 0.100 to 0.171: those that grant something of their own, and those that do not.
_GRANTS = frozenset({"additionalPermissions", "networkApprovalContext"})
_OTHERS = COMMON_PARAMS | {
    *("kind", "approvalId", "command", "commandActions", "availableDecisions"),
    *("proposedExecpolicyAmendment", "proposedNetworkPolicyAmendments"),
}

# Codex sends this in place of a command that has such a byte.
_WITHHELD = "<command included NUL byte>"

_HIDDEN = (
    "the server does not say whether the command would get additional permissions; it does where the client was opened "
    "with experimental_api=True"
)

# Codex quotes the input as one word of a shell: unquoted, in single quotes, in double quotes, or in parts of these.
_STDIN_COMMAND = re.compile(r"write_stdin --session-id -?\d+ (?P<word>.+)", re.DOTALL)
_WORD_PART = re.compile(
    r"""'(?P<single>[^']*)'|"(?P<double>(?:[^"\\]|\\["\\$`])*)"|(?P<plain>[\w@+:./\]-]+)""", re.ASCII
)
_ESCAPED = re.compile(r"""\\(["\\$`])""")


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
        return cls(read_text(context.get("host")), read_text(context.get("protocol")))


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
        return cls(read_text(amendment.get("action")), read_text(amendment.get("host")))


class CommandApproval(ApprovalRequest, frozen=True, kw_only=True, eq=False):
    """May this command run outside of the sandbox? Or, by `kind`, may this text be typed into a running one?

    Attributes:
        thread_id: The thread that asks.
        turn_id: Its turn.
        kind: ``command``: a command is to run. Also where the server does not say (codex before 0.155).
            ``writeStdin`` (codex 0.163 on): `stdin` is to be typed into the terminal of a command that already runs.
            ``humanCommand`` (codex 0.169 on): a command that only a person may decide about. Its `script` is like any
            other's, so a handler that asks nobody looks at `kind`, too. Others as the wire has them.
        item_id: Id of the ``commandExecution`` item that is going to run. For ``writeStdin``, the id of the command that
            is *already running*. It says nothing about what would be typed.
        approval_id: ``approvalId``: for ``writeStdin``, the id of the input. Empty if the server does not give one.
        reason: Why, in the model's words, or the server's for ``writeStdin``; empty if there is no reason.
        command: The command line, which is a shell's: compare `script`. For ``writeStdin``, the call of the tool that
            types: ``write_stdin --session-id 28920 'rm -rf x\\n'``. Empty where the server does not tell it.
        cwd: The working directory; empty likewise. For ``writeStdin``, where the terminal was started.
        environment_id: ``environmentId``: where it runs, ``local`` for the server's machine. Empty if the server does not
            say (codex before 0.155).
        stdin: For ``writeStdin``, the text that would be typed; all of `command` if the input cannot be told from the
            rest. `None` for other kinds.
        additional_permissions: ``additionalPermissions``: what the sandbox would allow this command and not others, as the
            wire has it: ``network``, ``fileSystem``. `None` if nothing.
        network_approval_context: ``networkApprovalContext``: the host that a running command wants to reach, where that is
            the question; else `None`. `command` is empty then.
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
    _is_experimental: bool = True

    @classmethod
    def from_wire(cls, params: Mapping[str, Any], *, is_experimental: bool = True) -> CommandApproval:
        """Read the params; whatever is missing is empty.

        Args:
            params: Of the request.
            is_experimental: The connection has the experimental API, so that ``additionalPermissions`` is sent.
        """
        kind = "command" if params.get("kind") is None else read_text(params["kind"])
        command = read_text(params.get("command"))
        permissions = params.get("additionalPermissions")
        context = params.get("networkApprovalContext")
        amendments = _objects(params.get("proposedNetworkPolicyAmendments"))
        return cls(
            **read_common(params),
            kind=kind,
            approval_id=read_text(params.get("approvalId")),
            command=command,
            cwd=read_text(params.get("cwd")),
            environment_id=read_text(params.get("environmentId")),
            stdin=_typed_text(command) if kind == "writeStdin" else None,
            additional_permissions=permissions if isinstance(permissions, dict) and not is_empty(permissions) else None,
            network_approval_context=NetworkApprovalContext.from_wire(context) if isinstance(context, dict) else None,
            proposed_network_amendments=tuple(map(NetworkPolicyAmendment.from_wire, amendments)),
            available_decisions=_offers(params.get("availableDecisions")),
            proposed_amendment=_texts(params.get("proposedExecpolicyAmendment")),
            _is_experimental=is_experimental,
        )

    @property
    def script(self) -> str:
        """What the shell is given: `command` without the shell that codex puts around it.

        ``git status`` of ``/bin/bash -lc 'git status'``, and of ``/bin/sh -c 'git status'``. It is the whole script:
        ``git status; rm -r x`` is another one. A command of another form is here as it is, and so is that of any
        `kind` but ``command`` and ``humanCommand``: for ``writeStdin`` this is never the bare input.
        """
        return script_of(self.command) if self.kind in ("command", "humanCommand") else self.command

    @property
    def extra_permissions(self) -> Mapping[str, Any]:
        """What accepting grants besides running `command` as it stands, by wire name; empty if nothing.

        ``additionalPermissions`` and ``networkApprovalContext``, and objects and lists that this version does not know.
        """
        return find_extra(self.raw, grants=_GRANTS, known=_OTHERS)

    def accept(self, *, with_permissions: bool = False, unseen: bool = False) -> Decision:
        """Let it run, or let `stdin` be typed, this once.

        Args:
            with_permissions: Grant `extra_permissions` as well.
            unseen: Accept although the request does not say what is granted: `command` is empty (and no host is named in
                its place) or ``<command included NUL byte>``, `kind` is not one of those above, or the client lacks
                ``experimental_api=True`` and the server may have left `additional_permissions` out.

        Raises:
            ValueError: The server does not offer that, or the request needs an argument that was not given.
        """
        return self._grant("accept", with_permissions=with_permissions, unseen=unseen)

    def accept_for_session(self, *, with_permissions: bool = False, unseen: bool = False) -> Decision:
        """Let it run, and let the same command run in this thread without asking again.

        Args:
            with_permissions: As of `accept`.
            unseen: As of `accept`.

        Raises:
            ValueError: As of `accept`. Codex 0.163 and 0.169 offer it for network access alone, and
                `accept_with_amendment` for commands.
        """
        return self._grant("acceptForSession", with_permissions=with_permissions, unseen=unseen)

    def accept_with_amendment(
        self, amendment: Sequence[str] | None = None, *, with_permissions: bool = False, unseen: bool = False
    ) -> Decision:
        """Let it run, and let every command that begins so run without asking, in every thread, from now on.

        The server writes that into the rules of its CODEX_HOME.

        Args:
            amendment: The beginning, as words; `proposed_amendment` unless given.
            with_permissions: As of `accept`.
            unseen: As of `accept`.

        Raises:
            ValueError: As of `accept`; or there is nothing to begin with.
        """
        words = list(self.proposed_amendment if amendment is None else amendment)
        if isinstance(amendment, str) or not words or not all(isinstance(word, str) for word in words):
            raise ValueError(f"an amendment is the words that a command begins with, not {amendment!r}")
        wire = {_AMENDMENT: {"execpolicy_amendment": words}}
        return self._grant(_AMENDMENT, wire, with_permissions=with_permissions, unseen=unseen)

    def choose(
        self, offer: str | Mapping[str, Any], *, with_permissions: bool = False, unseen: bool = False
    ) -> Decision:
        """Take one of `available_decisions` as it is.

        Args:
            offer: One of them.
            with_permissions: As of `accept`. An offer that allows a host from now on needs it, too.
            unseen: As of `accept`.

        Raises:
            ValueError: It is none of them, or it grants something and needs an argument that was not given.
        """
        if offer not in (self.available_decisions or ()):
            raise ValueError(f"the server does not offer {shown(offer)}; it offers {_listed(self.available_decisions)}")
        if not _is_refusal(offer):
            extra = dict(self.extra_permissions)
            if not isinstance(offer, str) and _NETWORK_AMENDMENT in offer:
                extra[_NETWORK_AMENDMENT] = offer[_NETWORK_AMENDMENT]
            check_grant(self._unknown(), extra, with_permissions=with_permissions, unseen=unseen)
        return Decision(_name(offer), self, {"decision": offer})

    def decline(self) -> Decision:
        """Do not let it run. The turn goes on, and the model is told."""
        return Decision("decline", self, {"decision": "decline"})

    def cancel(self) -> Decision:
        """Do not let it run, and end the turn: it is interrupted."""
        return Decision("cancel", self, {"decision": "cancel"})

    def _grant(self, name: str, wire: object = None, *, with_permissions: bool, unseen: bool) -> Decision:
        offers = self.available_decisions
        if offers is not None and name not in map(_name, offers):
            raise ValueError(f"the server does not offer {name} for this command; it offers {_listed(offers)}")
        check_grant(self._unknown(), self.extra_permissions, with_permissions=with_permissions, unseen=unseen)
        return Decision(name, self, {"decision": name if wire is None else wire})

    def _unknown(self) -> str:
        if self.kind not in _KINDS:
            return f"the request is of a kind that codex_trio does not know, {self.kind!r}"
        # A request about a host has no command (codex 0.163 to 0.171, by their schema): the host is what it is about.
        host = self.network_approval_context.host if self.network_approval_context is not None else ""
        if self.command == _WITHHELD or not (self.command or host):
            return "the server does not say which command would run"
        return "" if self._shows_permissions else _HIDDEN

    @property
    def _shows_permissions(self) -> bool:
        # `additionalPermissions` comes over the experimental API alone. Without it, what tells is that codex 0.163 to
        # 0.171 offer an amendment for each command, but for one with additional permissions (or under a user's rule).
        is_plain = self.available_decisions is None or _AMENDMENT in map(_name, self.available_decisions)
        return self._is_experimental or is_plain or self.kind != "command" or self.network_approval_context is not None


def _typed_text(command: str) -> str:
    """Return the input of a ``write_stdin`` command; all of the command where that is not exactly one quoted word."""
    found = _STDIN_COMMAND.fullmatch(command)
    if found is None:
        return command
    texts, place = [], found.start("word")
    while place < len(command):
        part = _WORD_PART.match(command, place)
        if part is None:
            return command
        double = part["double"]
        texts.append(part["single"] or part["plain"] or "" if double is None else _ESCAPED.sub(r"\1", double))
        place = part.end()
    return "".join(texts)


def _offers(value: object) -> tuple[str | Mapping[str, Any], ...] | None:
    if not isinstance(value, list):
        return None
    return tuple(one for one in value if isinstance(one, str) or (isinstance(one, dict) and one))


def _is_refusal(offer: str | Mapping[str, Any]) -> bool:
    if isinstance(offer, str):
        return offer in ("decline", "cancel")
    rule = offer.get(_NETWORK_AMENDMENT)
    amendment = rule.get("network_policy_amendment") if isinstance(rule, dict) else None
    return len(offer) == 1 and isinstance(amendment, dict) and amendment.get("action") == "deny"


def _name(offer: str | Mapping[str, Any]) -> str:
    return offer if isinstance(offer, str) else next(iter(offer), "")


def _listed(offers: tuple[str | Mapping[str, Any], ...] | None) -> str:
    return ", ".join(map(_name, offers or ())) or "nothing"


def _objects(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _texts(value: object) -> tuple[str, ...]:
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()
