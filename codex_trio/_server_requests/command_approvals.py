"""`CommandApprovalRequest`: the request to run a command, or to type input into a running command."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from .._json import as_objects, as_text, as_texts, shown
from ..models import WireValue, unwrap_shell
from .decisions import COMMON_PARAMS, BaseApprovalRequest, Decision, check_grant, find_extra, is_empty, read_common

_AMENDMENT = "acceptWithExecpolicyAmendment"
_NETWORK_AMENDMENT = "applyNetworkPolicyAmendment"
_KINDS = frozenset({"command", "writeStdin", "humanCommand"})

# Params of codex 0.100 to 0.171: params that grant something, and all params that grant nothing.
_GRANTS = frozenset({"additionalPermissions", "networkApprovalContext"})
_OTHERS = COMMON_PARAMS | {
    *("kind", "approvalId", "command", "commandActions", "availableDecisions"),
    *("proposedExecpolicyAmendment", "proposedNetworkPolicyAmendments"),
}

# Codex sends this instead of a command that contains a NUL byte.
_WITHHELD = "<command included NUL byte>"

_HIDDEN = (
    "the request does not show whether the command would get additional permissions; it does if the client is opened "
    "with experimental_api=True"
)

# Codex quotes the input as a single shell word: unquoted, in single or double quotes, or as a sequence of these.
_STDIN_COMMAND = re.compile(r"write_stdin --session-id -?\d+ (?P<word>.+)", re.DOTALL)
_WORD_PART = re.compile(
    r"""'(?P<single>[^']*)'|"(?P<double>(?:[^"\\]|\\["\\$`])*)"|(?P<plain>[\w@+:./\]-]+)""", re.ASCII
)
_ESCAPED = re.compile(r"""\\(["\\$`])""")


class NetworkApprovalContext(WireValue, frozen=True):
    """A host that a command wants to reach.

    Attributes:
        host: The host, as the command names it.
        protocol: ``http``, ``https``, ``socks5Tcp``, ``socks5Udp``, or a protocol that this version does not know.

    Example:
        ``print(request.network_approval_context.host)``
    """

    host: str
    protocol: str

    @classmethod
    def from_wire(cls, context: Mapping[str, Any]) -> NetworkApprovalContext:
        """Read ``networkApprovalContext``. Missing values become empty."""
        return cls(as_text(context.get("host")), as_text(context.get("protocol")))


class NetworkPolicyAmendment(WireValue, frozen=True):
    """A rule about a host, which the server would apply to future requests.

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
        """Read an entry of ``proposedNetworkPolicyAmendments``. Missing values become empty."""
        return cls(as_text(amendment.get("action")), as_text(amendment.get("host")))


class CommandApprovalRequest(BaseApprovalRequest, frozen=True, kw_only=True, eq=False):
    """A request to run a command outside the sandbox or, depending on `kind`, to type text into a running command.

    Attributes:
        thread_id: Id of the thread.
        turn_id: Id of the turn.
        kind: ``command``: run a command; also if the server does not send a kind (codex before 0.155).
            ``writeStdin`` (since codex 0.163): type `stdin` into the terminal of a command that is already running.
            ``humanCommand`` (since codex 0.169): run a command that only a person may approve. It has a `script` like
            any other command. A handler that does not ask a person must decline it. Other values are unchanged.
        item_id: Id of the ``commandExecution`` item of the command. For ``writeStdin``, the id of the command that is
            *already running*; this id does not identify the input.
        approval_id: ``approvalId``: for ``writeStdin``, the id of the input. Empty if the server does not send it.
        reason: The model's reason, or the server's for ``writeStdin``; empty if none was given.
        command: The command line, including the shell; use `script` for comparisons. For ``writeStdin``, the call of the
            tool that types the input: ``write_stdin --session-id 28920 'rm -rf x\\n'``. Empty if the server does not send
            it.
        cwd: The working directory; for ``writeStdin``, the directory that the terminal was started in. Empty if the server
            does not send it.
        environment_id: ``environmentId``: where the command runs, ``local`` for the server's machine. Empty if the server
            does not send it (codex before 0.155).
        stdin: For ``writeStdin``, the text that would be typed, or all of `command` if the text cannot be separated from
            it. `None` for other kinds.
        additional_permissions: ``additionalPermissions``: permissions that the sandbox would grant to this command only, in
            wire format: ``network``, ``fileSystem``. `None` if the server does not send any.
        network_approval_context: ``networkApprovalContext``: the host that a running command wants to reach; `command` is
            then empty. `None` if the request is not about a host.
        proposed_network_amendments: ``proposedNetworkPolicyAmendments``: rules about hosts that `choose` can make
            permanent; empty if the server proposes none.
        available_decisions: ``availableDecisions``: the decisions that the server offers, in wire format: names, or objects
            whose single key is the name. `None` if the server does not send them. Declining is always possible, even if it
            is not listed.
        proposed_amendment: ``proposedExecpolicyAmendment``: the first words of the command, which
            `accept_with_amendment` would allow permanently; empty if the server proposes none.
        raw: The request's params.

    Example:
        ```python
        def on_approval(request: ApprovalRequest) -> Decision:
            if not isinstance(request, CommandApprovalRequest) or request.kind != "command" or request.extra_permissions:
                return request.decline()
            return request.accept() if request.script == "ls" else request.decline()
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
    def from_wire(cls, params: Mapping[str, Any], *, is_experimental: bool = True) -> CommandApprovalRequest:
        """Read the params. Missing values become empty.

        Args:
            params: The request's params.
            is_experimental: Whether the connection has the experimental API, so that ``additionalPermissions`` is sent.
        """
        kind = "command" if params.get("kind") is None else as_text(params["kind"])
        command = as_text(params.get("command"))
        permissions = params.get("additionalPermissions")
        context = params.get("networkApprovalContext")
        amendments = as_objects(params.get("proposedNetworkPolicyAmendments"))
        return cls(
            **read_common(params),
            kind=kind,
            approval_id=as_text(params.get("approvalId")),
            command=command,
            cwd=as_text(params.get("cwd")),
            environment_id=as_text(params.get("environmentId")),
            stdin=_typed_text(command) if kind == "writeStdin" else None,
            additional_permissions=permissions if isinstance(permissions, dict) and not is_empty(permissions) else None,
            network_approval_context=NetworkApprovalContext.from_wire(context) if isinstance(context, dict) else None,
            proposed_network_amendments=tuple(map(NetworkPolicyAmendment.from_wire, amendments)),
            available_decisions=_offers(params.get("availableDecisions")),
            proposed_amendment=tuple(as_texts(params.get("proposedExecpolicyAmendment"))),
            _is_experimental=is_experimental,
        )

    @property
    def script(self) -> str:
        """The script that the shell runs: `command` without the shell invocation that codex adds.

        ``git status`` for ``/bin/bash -lc 'git status'``, and for ``/bin/sh -c 'git status'``. It is always the whole
        script, such as ``git status; rm -r x``. A `command` of another form, or of an unknown `kind`, is returned
        unchanged. For ``writeStdin`` this is never the bare input.
        """
        return unwrap_shell(self.command) if self.kind in ("command", "humanCommand") else self.command

    @property
    def extra_permissions(self) -> Mapping[str, Any]:
        """Permissions that accepting would grant in addition to running `command`, by wire name; empty if there are none.

        These are ``additionalPermissions`` and ``networkApprovalContext``, and unknown params that are objects or lists.
        """
        return find_extra(self.raw, grants=_GRANTS, known=_OTHERS)

    def accept(self, *, with_permissions: bool = False, unseen: bool = False) -> Decision:
        """Allow the command, or the input, this once.

        Args:
            with_permissions: Grant `extra_permissions` as well.
            unseen: Accept even if the request does not show what is granted: `command` is empty (and the request is not
                about a host) or ``<command included NUL byte>``, `kind` is unknown, or the client lacks
                ``experimental_api=True`` and the server may have omitted `additional_permissions`.

        Raises:
            ValueError: The server does not offer this decision, or the request needs an argument that was not given.
        """
        return self._grant("accept", with_permissions=with_permissions, unseen=unseen)

    def accept_for_session(self, *, with_permissions: bool = False, unseen: bool = False) -> Decision:
        """Allow the command, and allow the same command in this thread without further requests.

        Args:
            with_permissions: As for `accept`.
            unseen: As for `accept`.

        Raises:
            ValueError: As for `accept`. Codex 0.163 and 0.169 offer this only for network access; for commands they offer
                `accept_with_amendment`.
        """
        return self._grant("acceptForSession", with_permissions=with_permissions, unseen=unseen)

    def accept_with_amendment(
        self, amendment: Sequence[str] | None = None, *, with_permissions: bool = False, unseen: bool = False
    ) -> Decision:
        """Allow the command, and permanently allow all commands that start with the same words, in every thread.

        The server writes this rule into its CODEX_HOME.

        Args:
            amendment: The first words. Default: `proposed_amendment`.
            with_permissions: As for `accept`.
            unseen: As for `accept`.

        Raises:
            ValueError: As for `accept`; or the amendment is empty.
        """
        words = list(self.proposed_amendment if amendment is None else amendment)
        if isinstance(amendment, str) or not words or not all(isinstance(word, str) for word in words):
            raise ValueError(f"an amendment must be the first words of a command, not {amendment!r}")
        wire = {_AMENDMENT: {"execpolicy_amendment": words}}
        return self._grant(_AMENDMENT, wire, with_permissions=with_permissions, unseen=unseen)

    def choose(
        self, offer: str | Mapping[str, Any], *, with_permissions: bool = False, unseen: bool = False
    ) -> Decision:
        """Return a decision from `available_decisions`.

        Args:
            offer: An element of `available_decisions`.
            with_permissions: As for `accept`. Also needed for an offer that permanently allows a host.
            unseen: As for `accept`.

        Raises:
            ValueError: The server does not offer this decision, or it grants something and needs an argument that was not
                given.
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
        """Do not allow it. The turn continues, and the model learns of the decision."""
        return Decision("decline", self, {"decision": "decline"})

    def cancel(self) -> Decision:
        """Do not allow it, and interrupt the turn."""
        return Decision("cancel", self, {"decision": "cancel"})

    def _grant(self, name: str, wire: object = None, *, with_permissions: bool, unseen: bool) -> Decision:
        offers = self.available_decisions
        if offers is not None and name not in map(_name, offers):
            raise ValueError(f"the server does not offer {name} for this command; it offers {_listed(offers)}")
        check_grant(self._unknown(), self.extra_permissions, with_permissions=with_permissions, unseen=unseen)
        return Decision(name, self, {"decision": name if wire is None else wire})

    def _unknown(self) -> str:
        if self.kind not in _KINDS:
            return f"the kind of request is unknown to codex_trio, {self.kind!r}"
        # A request about a host does not contain a command (schemas of codex 0.163 to 0.171).
        host = self.network_approval_context.host if self.network_approval_context is not None else ""
        if self.command == _WITHHELD or not (self.command or host):
            return "the request does not show which command would run"
        return "" if self._shows_permissions else _HIDDEN

    @property
    def _shows_permissions(self) -> bool:
        # `additionalPermissions` needs the experimental API. Without it, only the offered decisions give a hint: codex
        # 0.163 to 0.171 offer an amendment for each command, except with additional permissions (or under a user's rule).
        is_plain = self.available_decisions is None or _AMENDMENT in map(_name, self.available_decisions)
        return self._is_experimental or is_plain or self.kind != "command" or self.network_approval_context is not None


def _typed_text(command: str) -> str:
    """Return the input of a ``write_stdin`` command, or the whole command if the input is not exactly one quoted word."""
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
    return tuple(offer for offer in value if isinstance(offer, str) or (isinstance(offer, dict) and offer))


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
