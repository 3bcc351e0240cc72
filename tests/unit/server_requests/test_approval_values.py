"""What approval requests show, and what accepting them needs: nothing unknown and nothing extra is granted by accident."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Callable
from typing import Any

import pytest

import codex_trio
from codex_trio import (
    ApprovalRequest,
    CommandApprovalRequest,
    Decision,
    ElicitationRequest,
    FileChange,
    FileChangeApprovalRequest,
    NetworkApprovalContext,
    NetworkPolicyAmendment,
    PermissionsApprovalRequest,
    approve_all,
)

COMMAND = {"itemId": "call_1", "command": "/bin/bash -lc ls", "cwd": "/w", "kind": "command", "environmentId": "local"}
STDIN = {
    **COMMAND,
    "kind": "writeStdin",
    "approvalId": "call_7",
    "command": "write_stdin --session-id 28920 'rm -rf /\n'",
    "availableDecisions": ["accept", "cancel"],
}
CHANGE = {"path": "/w/a.md", "kind": {"type": "update", "move_path": None}, "diff": "@@ -1 +1 @@\n-a\n+b\n"}
NETWORK = {"network": {"enabled": True}, "fileSystem": None}
ALLOW = {"applyNetworkPolicyAmendment": {"network_policy_amendment": {"action": "allow", "host": "a.example"}}}
DENY = {"applyNetworkPolicyAmendment": {"network_policy_amendment": {"action": "deny", "host": "a.example"}}}


def command(**params: Any) -> CommandApprovalRequest:
    return CommandApprovalRequest.from_wire({**COMMAND, **params})


def file_change(changes: Any, **params: Any) -> FileChangeApprovalRequest:
    return FileChangeApprovalRequest.from_wire({"itemId": "call_1", **params}, changes)


def grants_of(request: CommandApprovalRequest) -> list[Callable[..., Decision]]:
    return [request.accept, request.accept_for_session, request.accept_with_amendment]


# --- input typed into a terminal


def test_input_for_a_terminal_is_shown_as_what_it_is() -> None:
    request = CommandApprovalRequest.from_wire(STDIN)
    assert (request.kind, request.item_id, request.approval_id) == ("writeStdin", "call_1", "call_7")
    assert request.stdin == "rm -rf /\n"
    assert request.script == request.command == STDIN["command"]
    assert request.accept().result == {"decision": "accept"}


@pytest.mark.parametrize(
    ("word", "text"),  # as codex 0.163 and 0.171 quote them
    [
        ("ls", "ls"),
        ("-n", "-n"),
        ("'a b'", "a b"),
        ("'a\tb\r\n'", "a\tb\r\n"),
        ("'\x03'", "\x03"),
        ("'é\u202e\u2028'", "é\u202e\u2028"),
        ('"\'"', "'"),
        ("'\"'", '"'),
        ("\"'\n'\"", "'\n'"),
        ('"it\'s \\"x\\" "\'$HOME `a` \'"\\\\ "\'!\n\'', 'it\'s "x" $HOME `a` \\ !\n'),
        ('"\\$\\`"', "$`"),
        ("''", ""),
        (f"'{'x' * 100_000}'", "x" * 100_000),
    ],
)
def test_input_is_read_as_codex_quotes_it(word: str, text: str) -> None:
    assert command(kind="writeStdin", command=f"write_stdin --session-id 1 {word}").stdin == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "write_stdin",
        "write_stdin --session-id 1",
        "write_stdin --session-id 1 ",
        "write_stdin --session-id x ls",
        "write_stdin --session-id 1 ls rm",
        "write_stdin --session-id 1 'ls' 'rm'",
        "write_stdin --session-id 1 'ls",
        'write_stdin --session-id 1 "ls',
        'write_stdin --session-id 1 "l\\s"',
        "write_stdin --session-id 1 l\\s",
        "write_stdin --session-id 1 $(rm)",
        "write_stdin --session-id 1 ls\n",
        "write_stdin --session-id 1 --newline ls",
        "write_input --session-id 1 ls",
        "/bin/bash -lc 'write_stdin --session-id 1 ls'",
    ],
)
def test_inseparable_input_is_the_whole_command(text: str) -> None:
    assert command(kind="writeStdin", command=text).stdin == text


@pytest.mark.parametrize("kind", ["writeStdin", "future"])
def test_the_script_is_never_the_bare_input(kind: str) -> None:
    assert command(kind=kind, command="/bin/bash -lc ls").script == "/bin/bash -lc ls"


def test_the_input_of_any_other_kind_is_none() -> None:
    for kind in (None, "command", "humanCommand", "future"):
        assert command(kind=kind, command=STDIN["command"]).stdin is None


# --- commands


@pytest.mark.parametrize(
    ("wire", "kind"),
    [(None, "command"), ("command", "command"), ("humanCommand", "humanCommand"), ("future", "future"), ({"a": 1}, "")],
)
def test_the_kind_is_as_the_server_says_and_a_command_where_it_does_not(wire: Any, kind: str) -> None:
    assert command(kind=wire).kind == kind


@pytest.mark.parametrize(
    ("params", "what"),
    [
        ({"command": ""}, "does not show which command would run"),
        ({"command": None}, "does not show which command would run"),
        ({"command": ["rm", "x"]}, "does not show which command would run"),
        ({"kind": "writeStdin", "command": None}, "does not show which command would run"),
        ({"command": "<command included NUL byte>"}, "does not show which command would run"),
        ({"kind": "future"}, "kind of request is unknown to codex_trio, 'future'"),
        ({"kind": 7}, "kind of request is unknown to codex_trio, ''"),
    ],
)
def test_a_command_that_is_not_known_is_accepted_unseen_only(params: dict[str, Any], what: str) -> None:
    request = command(**params, proposedExecpolicyAmendment=["ls"])
    for grant in grants_of(request):
        for options in ({}, {"with_permissions": True}):
            with pytest.raises(ValueError, match=what):
                grant(**options)
        assert not grant(unseen=True).is_refusal
    assert request.decline().is_refusal
    assert request.cancel().is_refusal


@pytest.mark.parametrize(
    "extra",
    [
        {"additionalPermissions": NETWORK},
        {"additionalPermissions": {"fileSystem": {"write": ["/"]}}},
        {"additionalPermissions": {"future": False}},
        {"additionalPermissions": ["network"]},
        {"networkApprovalContext": {"host": "a.example", "protocol": "https"}},
        {"networkApprovalContext": "a.example"},
        {"futureGrant": {"root": "/"}},
        {"futureRoots": ["/"]},
        {"additionalPermissions": NETWORK, "futureGrant": {"root": "/"}},
    ],
)
def test_what_else_is_granted_is_named_and_needs_to_be_said(extra: dict[str, Any]) -> None:
    request = command(**extra, proposedExecpolicyAmendment=["ls"])
    assert request.extra_permissions == extra
    for grant in grants_of(request):
        for options in ({}, {"unseen": True}):
            with pytest.raises(ValueError, match="would also grant") as caught:
                grant(**options)
        assert all(f"{name} {value!r}" in str(caught.value) for name, value in extra.items())
        assert not grant(with_permissions=True).is_refusal
    assert request.decline().is_refusal


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"additionalPermissions": None, "networkApprovalContext": None},
        {"additionalPermissions": {}},
        {"additionalPermissions": {"network": None, "fileSystem": {"read": None, "write": []}}},
        {"proposedNetworkPolicyAmendments": [{"action": "allow", "host": "a.example"}]},
        {
            "commandActions": [{"type": "unknown", "command": "ls"}],
            "startedAtMs": 5,
            "proposedExecpolicyAmendment": ["ls"],
        },
        {
            "futureId": "x",
            "futureTime": 7,
            "futureFlag": True,
            "futureObject": {},
            "futureList": [],
            "futureNull": None,
        },
    ],
)
def test_a_request_that_grants_nothing_else_is_simply_accepted(params: dict[str, Any]) -> None:
    request = command(**params)
    assert request.extra_permissions == {}
    assert request.additional_permissions is None
    assert request.accept().result == {"decision": "accept"}


def test_permissions_hosts_and_rules_are_values() -> None:
    request = command(
        additionalPermissions=NETWORK,
        networkApprovalContext={"host": "a.example", "protocol": "socks5Tcp"},
        proposedNetworkPolicyAmendments=[{"action": "allow", "host": "a.example"}, "odd"],
    )
    assert request.additional_permissions == NETWORK
    assert request.network_approval_context == NetworkApprovalContext("a.example", "socks5Tcp")
    assert request.proposed_network_amendments == (NetworkPolicyAmendment("allow", "a.example"),)
    assert request.environment_id == "local"


def test_a_request_about_a_host_needs_no_command() -> None:
    request = command(command=None, networkApprovalContext={"host": "a.example", "protocol": "https"})
    assert request.accept(with_permissions=True).result == {"decision": "accept"}
    with pytest.raises(ValueError, match="which command"):
        command(command=None, networkApprovalContext={"protocol": "https"}).accept(with_permissions=True)


def test_permissions_that_are_nested_deeply_are_not_empty_and_end_nothing() -> None:
    deep: dict[str, Any] = {"enabled": True}
    for _ in range(100_000):
        deep = {"deeper": deep}
    request = command(additionalPermissions=deep)
    assert request.additional_permissions is deep
    assert "additional_permissions=(nested too deeply to be shown)" in repr(request)
    with pytest.raises(ValueError, match="would also grant additionalPermissions"):
        request.accept()


AMENDMENT = {"acceptWithExecpolicyAmendment": {"execpolicy_amendment": ["ls"]}}


@pytest.mark.parametrize("offers", [["accept", "cancel"], ["accept", "decline", "cancel"], ["accept", ALLOW]])
def test_without_the_experimental_api_a_command_may_be_granted_more_than_is_sent(offers: list[Any]) -> None:
    params = {**COMMAND, "proposedExecpolicyAmendment": ["ls"], "availableDecisions": offers}
    request = CommandApprovalRequest.from_wire(params, is_experimental=False)
    for grant in (request.accept, lambda **options: request.choose("accept", **options)):
        for options in ({}, {"with_permissions": True}):
            with pytest.raises(ValueError, match="experimental_api=True"):
                grant(**options)
        assert grant(unseen=True).name == "accept"
    assert CommandApprovalRequest.from_wire(params, is_experimental=True).accept().name == "accept"


@pytest.mark.parametrize(
    "params",
    [
        {"availableDecisions": ["accept", AMENDMENT, "cancel"]},
        {"availableDecisions": None},
        {"availableDecisions": ["accept", "cancel"], "kind": "writeStdin"},
    ],
)
def test_without_the_experimental_api_what_cannot_be_granted_more_is_simply_accepted(params: dict[str, Any]) -> None:
    assert CommandApprovalRequest.from_wire({**COMMAND, **params}, is_experimental=False).accept().name == "accept"


# --- choosing an offer


@pytest.mark.parametrize(
    "offer", ["accept", "acceptForSession", "future", {"future": {}}, ALLOW, {**DENY, "future": {}}]
)
def test_choosing_an_offer_needs_what_accepting_needs(offer: Any) -> None:
    request = command(command="", additionalPermissions=NETWORK, availableDecisions=[offer])
    for options in ({}, {"unseen": True}, {"with_permissions": True}):
        with pytest.raises(ValueError, match="decline the request"):
            request.choose(offer, **options)
    assert request.choose(offer, unseen=True, with_permissions=True).result == {"decision": offer}


@pytest.mark.parametrize("offer", ["decline", "cancel", DENY])
def test_choosing_a_refusal_needs_nothing(offer: Any) -> None:
    request = command(command="", additionalPermissions=NETWORK, availableDecisions=[offer])
    assert request.choose(offer).result == {"decision": offer}


def test_an_offer_to_allow_a_host_permanently_grants_more() -> None:
    request = command(availableDecisions=["accept", ALLOW])
    assert request.choose("accept").result == {"decision": "accept"}
    with pytest.raises(ValueError, match=r"also grant applyNetworkPolicyAmendment .*a\.example"):
        request.choose(ALLOW)


# --- file changes


def test_a_change_says_where_the_file_is_moved_to() -> None:
    moved = {**CHANGE, "kind": {"type": "update", "move_path": "/home/me/.bashrc"}}
    request = file_change([CHANGE, moved])
    assert request.changes is not None
    assert [(one.path, one.moved_to) for one in request.changes] == [("/w/a.md", ""), ("/w/a.md", "/home/me/.bashrc")]
    assert "/home/me/.bashrc" in repr(request)


@pytest.mark.parametrize(
    "changes",
    [
        None,
        {},
        "a.md",
        [],
        [None],
        [CHANGE, "b.md"],
        [CHANGE, {}],
        [{**CHANGE, "path": ""}],
        [{**CHANGE, "path": None}],
        [{**CHANGE, "diff": None}],
        [{**CHANGE, "kind": None}],
        [{**CHANGE, "kind": "rename"}],
        [{**CHANGE, "kind": {}}],
        [{**CHANGE, "kind": {"type": "rename"}}],
        [{**CHANGE, "kind": {"type": ["update"]}}],
        [{**CHANGE, "kind": {"type": "update", "move_path": ""}}],
        [{**CHANGE, "kind": {"type": "update", "move_path": ["/x"]}}],
        [{**CHANGE, "kind": {"type": "update", "copy_path": "/x"}}],
        [{**CHANGE, "copies": ["/x"]}],
    ],
)
def test_changes_that_are_not_known_in_full_are_none_and_accepted_unseen_only(changes: Any) -> None:
    request = file_change(changes)
    assert request.changes is None
    for grant in (request.accept, request.accept_for_session):
        for options in ({}, {"with_permissions": True}):
            with pytest.raises(ValueError, match="the changes are not fully known"):
                grant(**options)
        assert not grant(unseen=True).is_refusal
    assert request.decline().is_refusal
    assert request.cancel().is_refusal


@pytest.mark.parametrize(
    "change",
    [
        {**CHANGE, "kind": "add"},
        {**CHANGE, "kind": {"type": "delete"}},
        {**CHANGE, "diff": ""},
        {**CHANGE, "language": "en", "kind": {"type": "update", "note": None}},
    ],
)
def test_changes_that_are_known_are_accepted(change: dict[str, Any]) -> None:
    request = file_change([change])
    assert request.changes == (FileChange.from_wire(change),)
    assert request.accept().result == {"decision": "accept"}
    assert request.accept_for_session().result == {"decision": "acceptForSession"}


@pytest.mark.parametrize("extra", [{"grantRoot": "/home/me"}, {"futureGrant": {"root": "/"}}])
def test_a_change_that_grants_a_folder_needs_that_said(extra: dict[str, Any]) -> None:
    request = file_change([CHANGE], **extra)
    assert request.extra_permissions == extra
    for grant in (request.accept, request.accept_for_session):
        with pytest.raises(ValueError, match="would also grant"):
            grant(unseen=True)
        assert not grant(with_permissions=True).is_refusal


# --- permissions, elicitations


def test_permissions_are_shown_whole_and_granted_as_they_are_shown() -> None:
    asked = {"network": {"enabled": True}, "fileSystem": None, "future": {"camera": True}}
    request = PermissionsApprovalRequest.from_wire(
        {"permissions": asked, "environmentId": "local", "futureGrant": {"root": "/"}}
    )
    assert request.permissions == asked
    assert request.environment_id == "local"
    assert request.accept().result["permissions"] == {"network": {"enabled": True}, "future": {"camera": True}}


@pytest.mark.parametrize("permissions", [None, [], "all"])
def test_permissions_that_cannot_be_read_grant_nothing(permissions: Any) -> None:
    request = PermissionsApprovalRequest.from_wire({"permissions": permissions})
    assert request.permissions == {}
    assert request.accept().result == {"permissions": {}, "scope": "turn"}


def elicitation(**meta: Any) -> ElicitationRequest:
    return ElicitationRequest.from_wire({"serverName": "s", "_meta": {"codex_approval_kind": "mcp_tool_call"} | meta})


def test_a_tool_call_is_shown_with_its_arguments() -> None:
    asked = elicitation(tool_name="delete", tool_params={"path": "/"})
    assert (asked.tool_name, asked.tool_arguments) == ("delete", {"path": "/"})
    assert asked.accept().result["action"] == "accept"
    assert elicitation(tool_name="delete", tool_params={}).accept().result["action"] == "accept"


@pytest.mark.parametrize(
    ("meta", "what"),
    [
        ({"tool_name": "delete"}, "the arguments of the tool call"),
        ({"tool_name": "delete", "tool_params": None}, "the arguments of the tool call"),
        ({"tool_name": "delete", "tool_params": "/"}, "the arguments of the tool call"),
        ({"tool_params": {"path": "/"}}, "name the tool that would be called"),
        ({"tool_name": 7, "tool_params": {}}, "name the tool that would be called"),
    ],
)
def test_a_tool_call_that_is_not_known_is_accepted_unseen_only(meta: dict[str, Any], what: str) -> None:
    asked = elicitation(**meta)
    assert asked.tool_name
    with pytest.raises(ValueError, match=what):
        asked.accept()
    assert asked.accept(unseen=True).result["action"] == "accept"
    assert asked.decline().is_refusal


@pytest.mark.parametrize("kind", ["tool_suggestion", "", 7, {}])
def test_an_elicitation_that_approves_something_else_is_accepted_unseen_only(kind: Any) -> None:
    asked = elicitation(codex_approval_kind=kind, tool_name="install", tool_params={})
    assert (asked.tool_name, asked.tool_arguments) == ("", None)
    with pytest.raises(ValueError, match="is unknown to codex_trio"):
        asked.accept({"name": "Ada"})
    assert asked.accept(unseen=True).result["action"] == "accept"


def test_a_form_has_no_tool_arguments() -> None:
    asked = ElicitationRequest.from_wire({"mode": "form", "_meta": {"tool_params": {"a": 1}}})
    assert (asked.tool_name, asked.tool_arguments) == ("", None)
    assert asked.accept({"a": 1}).result["content"] == {"a": 1}


# --- handlers

HOSTILE: list[ApprovalRequest] = [
    CommandApprovalRequest.from_wire(STDIN),
    command(kind="writeStdin", command="write_stdin --session-id 1 ls"),
    command(command="rm -rf /"),
    command(additionalPermissions=NETWORK, command="rm -rf /"),
    command(command=None),
    file_change(None),
    file_change([]),
    file_change([CHANGE, {**CHANGE, "kind": {"type": "update", "move_path": "/home/me/.bashrc"}}]),
    file_change([{**CHANGE, "path": "/home/me/.bashrc"}]),
    PermissionsApprovalRequest.from_wire({"permissions": {"fileSystem": {"write": ["/"]}}, "reason": "please"}),
    PermissionsApprovalRequest.from_wire({"permissions": {**NETWORK, "future": {"root": "/"}}}),
]
HARMLESS: dict[str, ApprovalRequest] = {
    "CommandApprovalRequest": command(command="/bin/bash -lc ls"),
    "FileChangeApprovalRequest": file_change([CHANGE]),
    "PermissionsApprovalRequest": PermissionsApprovalRequest.from_wire({"permissions": NETWORK}),
}


def example_of(value: type) -> Callable[[ApprovalRequest], Decision]:
    found = re.search(r"```python\n(.*?)```", inspect.getdoc(value) or "", re.DOTALL)
    assert found is not None
    names: dict[str, Any] = {name: getattr(codex_trio, name) for name in codex_trio.__all__}
    exec(textwrap.dedent(found[1]), names)
    handler: Callable[[ApprovalRequest], Decision] = names["on_approval"]
    return handler


@pytest.mark.parametrize("value", [CommandApprovalRequest, FileChangeApprovalRequest, PermissionsApprovalRequest])
def test_the_handler_in_a_docstring_is_safe_and_grants_what_it_is_for(value: type) -> None:
    handler = example_of(value)
    assert [request for request in HOSTILE if not handler(request).is_refusal] == []
    assert [name for name, request in HARMLESS.items() if not handler(request).is_refusal] == [value.__name__]
    assert handler(command(additionalPermissions=NETWORK)).is_refusal


@pytest.mark.parametrize("request_", HOSTILE, ids=lambda request: type(request).__name__)
async def test_approve_all_grants_all_of_it(request_: Any) -> None:
    assert not (await approve_all(request_)).is_refusal


async def test_approve_all_lets_tools_be_called_and_fills_in_no_form() -> None:
    assert not (await approve_all(elicitation())).is_refusal
    assert (await approve_all(ElicitationRequest.from_wire({"mode": "form"}))).is_refusal
