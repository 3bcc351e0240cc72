"""The steps of a script, as values. The functions in `_script` create them, and the servers play them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a turn. Created by `say`, `run` and so on."""


@dataclass(frozen=True, slots=True)
class Say(Step):
    text: str
    phase: str | None = None
    pieces: int | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Think(Step):
    text: str


@dataclass(frozen=True, slots=True)
class Run(Step):
    command: str
    output: str = ""
    exit_code: int = 0
    seconds: float = 0.0
    escalate: bool = False
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Patch(Step):
    path: str
    new: str | None
    old: str | None


@dataclass(frozen=True, slots=True)
class CallTool(Step):
    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    namespace: str | None = None


@dataclass(frozen=True, slots=True)
class AskQuestion(Step):
    question: str
    options: Mapping[str, str]
    question_id: str
    header: str


@dataclass(frozen=True, slots=True)
class StartCommand(Step):
    command: str
    output: str = ""
    escalate: bool = False
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class WriteStdin(Step):
    text: str
    output: str = ""
    exit_code: int | None = None


@dataclass(frozen=True, slots=True)
class ScriptJs(Step):
    code: str


@dataclass(frozen=True, slots=True)
class AskAsync(Step):
    questions: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class TellAsync(Step):
    message: str


@dataclass(frozen=True, slots=True)
class Sleep(Step):
    seconds: float


@dataclass(frozen=True, slots=True)
class SpawnAgent(Step):
    name: str
    prompt: str


@dataclass(frozen=True, slots=True)
class WaitAgent(Step):
    timeout: float


@dataclass(frozen=True, slots=True)
class Parallel(Step):
    steps: tuple[Step, ...]


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
    """The turn stays silent until it is interrupted."""


@dataclass(frozen=True, slots=True)
class DropConnection(Step):
    """The server disconnects in the middle of the turn."""


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


@dataclass(frozen=True, slots=True)
class Reply(Step):
    method: str
    result: object


@dataclass(frozen=True, slots=True)
class FailNext(Step):
    method: str
    code: int
    message: str
    data: object
    times: int | None
