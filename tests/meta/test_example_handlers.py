"""The handlers in the documentation decline a request that asks for more than its text shows; they do not raise."""

from __future__ import annotations

import inspect
import re
import runpy
import textwrap
from collections.abc import Callable
from typing import Any

import pytest

import codex_trio
from codex_trio import (
    ApprovalRequest,
    CommandApprovalRequest,
    ElicitationRequest,
    FileChangeApprovalRequest,
    PermissionsApprovalRequest,
)
from tests.support.folders import EXAMPLES, ROOT

MORE = {"fileSystem": {"write": ["/"]}}
FILE = {"path": "/w/a.md", "kind": {"type": "add"}, "diff": "x"}


def handler_in(text: str, name: str) -> Callable[[Any], Any]:
    (block,) = [block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if f"def {name}(" in block]
    function = re.search(rf"^(async )?def {name}\(.*?(?=^\S|\Z)", textwrap.dedent(block), re.DOTALL | re.MULTILINE)
    assert function is not None
    names = dict(vars(codex_trio))
    exec(function[0], names)
    found: Callable[[Any], Any] = names[name]
    return found


async def decision(handler: Callable[[Any], Any], request: ApprovalRequest | ElicitationRequest) -> str:
    answer = handler(request)
    name: str = (await answer if inspect.isawaitable(answer) else answer).name
    return name


def example_of(owner: type) -> Callable[[Any], Any]:
    return handler_in(
        inspect.cleandoc(owner.__doc__ or ""), "on_elicitation" if owner is ElicitationRequest else "on_approval"
    )


def allow_little() -> Callable[[Any], Any]:
    found: Callable[[Any], Any] = runpy.run_path(str(EXAMPLES / "test_my_agent.py"))["allow_little"]
    return found


COMMAND_HANDLERS: dict[str, tuple[Callable[[], Callable[[Any], Any]], str]] = {
    "README": (lambda: handler_in((ROOT / "README.md").read_text(), "decide"), "touch done"),
    "CommandApprovalRequest": (lambda: example_of(CommandApprovalRequest), "ls"),
    "test_my_agent": (allow_little, "git status"),
}


@pytest.mark.parametrize("place", COMMAND_HANDLERS)
@pytest.mark.parametrize(
    ("more", "answer"),
    [
        ({}, "accept"),
        ({"additionalPermissions": MORE}, "decline"),
        ({"networkApprovalContext": {"host": "example.org", "protocol": "https"}}, "decline"),
        ({"kind": "humanCommand"}, "decline"),
        ({"kind": "new"}, "decline"),
    ],
)
async def test_a_command_that_would_get_more_is_declined(place: str, more: dict[str, Any], answer: str) -> None:
    make_handler, command = COMMAND_HANDLERS[place]
    assert await decision(make_handler(), CommandApprovalRequest.from_wire({"command": command, **more})) == answer


@pytest.mark.parametrize(
    ("params", "changes", "answer"),
    [
        ({}, [FILE], "accept"),
        ({}, None, "decline"),
        ({"grantRoot": "/"}, [FILE], "decline"),
    ],
)
async def test_a_file_change_that_would_grant_more_is_declined(params: Any, changes: Any, answer: str) -> None:
    request = FileChangeApprovalRequest.from_wire(params, changes)
    assert await decision(example_of(FileChangeApprovalRequest), request) == answer


async def test_permissions_and_tool_calls_that_are_not_fully_known_are_declined() -> None:
    permissions = {"network": {"enabled": True}}
    for asked, answer in ((permissions, "accept"), ({**permissions, **MORE}, "decline")):
        request = PermissionsApprovalRequest.from_wire({"permissions": asked})
        assert await decision(example_of(PermissionsApprovalRequest), request) == answer
    call = {"codex_approval_kind": "mcp_tool_call", "tool_name": "look_up"}
    for meta, answer in (({**call, "tool_params": {"id": 1}}, "accept"), (call, "decline")):
        question = ElicitationRequest.from_wire(
            {"serverName": "tickets", "mode": "form", "message": "?", "_meta": meta}
        )
        assert await decision(example_of(ElicitationRequest), question) == answer
