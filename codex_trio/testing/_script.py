"""The vocabulary of scripts: what a turn does, said once, played by the in-memory server and by the model.

A script is a sequence of steps. Each step is a frozen value made by a function of this module; the servers know how to
play it. This module must never do anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happens in a turn."""


@dataclass(frozen=True, slots=True)
class Say(Step):
    text: str
    phase: str | None = None
    pieces: int | None = None


@dataclass(frozen=True, slots=True)
class Think(Step):
    text: str


@dataclass(frozen=True, slots=True)
class Run(Step):
    command: str
    output: str = ""
    exit_code: int = 0
    escalate: bool = False


@dataclass(frozen=True, slots=True)
class CallTool(Step):
    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    namespace: str | None = None


@dataclass(frozen=True, slots=True)
class Wait(Step):
    seconds: float


@dataclass(frozen=True, slots=True)
class Fail(Step):
    message: str
    http_status: int | None = None
    error_info: Any = "other"


@dataclass(frozen=True, slots=True)
class Retry(Step):
    message: str = "Reconnecting... 1/2"
    http_status: int | None = None
    details: str | None = None


@dataclass(frozen=True, slots=True)
class Hang(Step):
    """Nothing more happens in this turn until it is interrupted."""


@dataclass(frozen=True, slots=True)
class DropConnection(Step):
    """The connection ends in the middle of the turn."""


@dataclass(frozen=True, slots=True)
class Exit(Step):
    code: int = 0
    stderr: str = ""


@dataclass(frozen=True, slots=True)
class OmitCompleted(Step):
    """The turn ends on the server, but its `turn/completed` is never sent."""


@dataclass(frozen=True, slots=True)
class Raw(Step):
    message: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AskServerRequest(Step):
    method: str
    params: Mapping[str, Any] = field(default_factory=dict)


def say(text: str, *, phase: str | None = None, pieces: int | None = None) -> Say:
    """An agent message, streamed in `pieces` deltas (one for each word unless told)."""
    return Say(text, phase, pieces)


def think(text: str) -> Think:
    """A block of reasoning."""
    return Think(text)


def run(command: str, *, output: str = "", exit_code: int = 0, escalate: bool = False) -> Run:
    """A shell command. The real binary runs it, so `output` and `exit_code` are the in-memory server's alone."""
    return Run(command, output, exit_code, escalate)


def call_tool(name: str, arguments: Mapping[str, Any] | None = None, *, namespace: str | None = None) -> CallTool:
    """A call of any other tool that codex gave the model. For the real binary only."""
    return CallTool(name, dict(arguments or {}), namespace)


def wait(seconds: float) -> Wait:
    """Silence."""
    return Wait(seconds)


def fail(message: str, *, http_status: int | None = None, error_info: Any = "other") -> Fail:
    """The turn fails: by an HTTP error of the model with `http_status`, else by its stream breaking off."""
    return Fail(message, http_status, error_info)


def retry(message: str = "Reconnecting... 1/2", *, http_status: int | None = None, details: str | None = None) -> Retry:
    """A notice that the server tries again: an `error` with `willRetry`."""
    return Retry(message, http_status, details)


def hang() -> Hang:
    """Silence until the turn is interrupted."""
    return Hang()


def drop_connection() -> DropConnection:
    """The connection is lost."""
    return DropConnection()


def exit(code: int = 0, stderr: str = "") -> Exit:  # noqa: A001  the script's word for what a process does
    """The server's process exits."""
    return Exit(code, stderr)


def omit_completed() -> OmitCompleted:
    """The turn ends, unannounced."""
    return OmitCompleted()


def raw(message: Mapping[str, Any]) -> Raw:
    """A message of the server, sent as it is; ``{thread_id}`` and ``{turn_id}`` in its strings are filled in."""
    return Raw(message)


def ask_server_request(method: str, params: Mapping[str, Any] | None = None) -> AskServerRequest:
    """A request of the server, such as an approval; the turn waits for the answer. Thread and turn are filled in."""
    return AskServerRequest(method, dict(params or {}))
