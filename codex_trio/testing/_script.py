"""The vocabulary of scripts: what a turn does, said once, played by the in-memory server and by the model.

A script is a sequence of steps. Each step is a frozen value made by a function of this module; the servers know how to
play it. This module must never do anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happens in a turn. Made by the words of a script: `say`, `run` and so on."""


ScriptPart: TypeAlias = Step | Callable[[str], Iterable[Step]]
"""What a script is made of: a step, or a function of the prompt that returns steps."""


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


@dataclass(frozen=True, slots=True)
class Reply(Step):
    method: str
    result: object


@dataclass(frozen=True, slots=True)
class Refuse(Step):
    method: str
    code: int
    message: str
    data: object
    times: int | None


def _text(text: object, word: str) -> str:
    if not isinstance(text, str):
        raise TypeError(f"{word}(text) takes a str, not {text!r}")
    return text


def _seconds(seconds: float, word: str) -> float:
    if not seconds >= 0:
        raise ValueError(f"{word}(seconds) must be a number of seconds, not {seconds!r}")
    return seconds


def say(text: str, *, phase: str | None = None, pieces: int | None = None, seconds: float = 0.0) -> Say:
    """An agent message, streamed in `pieces` deltas (one for each word unless told), all at once or over some `seconds`.

    Example:
        ``server.on_turn(say("Let me see.", phase="commentary"), say("It works.", phase="final_answer"))``
    """
    return Say(_text(text, "say"), phase, pieces, _seconds(seconds, "say"))


def think(text: str) -> Think:
    """A block of reasoning.

    Example:
        ``server.on_turn(think("Hm."), say("Yes."))``
    """
    return Think(_text(text, "think"))


def run(command: str, *, output: str = "", exit_code: int = 0, seconds: float = 0.0, escalate: bool = False) -> Run:
    """A shell command. The real binary runs it, so all but `command` and `escalate` is the in-memory server's alone.

    Args:
        command: The command line. It runs on if its turn is interrupted.
        output: What it writes.
        exit_code: What it exits with.
        seconds: How long it takes.
        escalate: It wants out of the sandbox: `ask_approval`.

    Example:
        ``server.on_turn(run("ls", output="README.md\\n"), say("There is one file."))``
    """
    return Run(command, output, exit_code, _seconds(seconds, "run"), escalate)


def ask_approval(
    command: str, *, reason: str | None = None, output: str = "", exit_code: int = 0, seconds: float = 0.0
) -> Run:
    """A shell command that runs if the user allows it, and in no case where the thread's approval policy is ``never``.

    Args:
        command: It wants out of the sandbox, so there is no question where there is none (``danger-full-access``).
        reason: Why, in the model's words.
        output: As of `run`.
        exit_code: As of `run`.
        seconds: As of `run`.

    Example:
        ``server.on_turn(ask_approval("git push", reason="May I push?"), say("Pushed."))``
    """
    return Run(command, output, exit_code, _seconds(seconds, "ask_approval"), escalate=True, reason=reason)


def patch(path: str, new: str | None, *, old: str | None = None) -> Patch:
    """A change of one file: a ``fileChange`` item, and the question whether it may be where the sandbox forbids it.

    That is the ``read-only`` one, the default, and ``workspace-write`` outside of the working directory, the
    ``writableRoots`` and ``/tmp``, or in their ``.git``. Under the approval policy ``never`` nothing happens there at all.

    Args:
        path: The file, from the thread's working directory unless absolute.
        new: The file's text from now on; `None` deletes it.
        old: Its text until now; `None` for a new file. The real binary looks: a file that is not so stays as it is, and
            nothing is told.

    Raises:
        ValueError: There is nothing to change.

    Example:
        ``server.on_turn(patch("hello.py", 'print("hi")\\n'), say("Written."))``
    """
    if new == old:
        raise ValueError(f"patch() of {path} changes nothing")
    return Patch(path, new, old)


def call_tool(name: str, arguments: Mapping[str, Any] | None = None, *, namespace: str | None = None) -> CallTool:
    """A call of a tool of the client, by the name that `thread/start` gave it. Of others nothing is seen.

    On the real binary it may be any tool that codex gave the model, such as one of an MCP server.

    Example:
        ``server.on_turn(call_tool("lookup_ticket", {"id": "T-1"}), say("It is open."))``
    """
    return CallTool(name, dict(arguments or {}), namespace)


def ask_question(
    question: str,
    options: Sequence[str] | Mapping[str, str] = ("Yes", "No"),
    *,
    question_id: str = "question",
    header: str = "Question",
) -> AskQuestion:
    """A question to the user, who may choose one of the options, or say something else.

    Codex asks in plan mode only: a turn that was not started with that `collaborationMode` goes on as if nothing had
    been asked. The answer is in `server.answers`, or in ``model.requests[-1].body["input"]``.

    Args:
        question: What is asked.
        options: What may be chosen; a mapping has descriptions.
        question_id: By which the answer is given.
        header: A word or two.

    Raises:
        ValueError: There are no options; codex asks nothing then.

    Example:
        ``server.on_turn(ask_question("Which colour?", ["Red", "Blue"]), say("Very well."))``
    """
    if not options:
        raise ValueError("ask_question() needs options; codex asks nothing without them")
    described = dict(options) if isinstance(options, Mapping) else dict.fromkeys(options, "")
    return AskQuestion(question, described, question_id, header)


def wait(seconds: float) -> Wait:
    """Silence.

    Example:
        ``server.on_turn(wait(200), say("Sorry for the delay."))``
    """
    return Wait(_seconds(seconds, "wait"))


def fail(message: str, *, http_status: int | None = None, error_info: Any = "other") -> Fail:
    """The turn fails.

    Args:
        message: Why. Codex words some failures itself: those with an `http_status` or an `error_info` of its own.
        http_status: The model answers with this HTTP error.
        error_info: The wire's `codexErrorInfo`. With the real binary it is one of ``other``, ``contextWindowExceeded``,
            ``usageLimitExceeded``, ``rateLimitExceeded``, ``serverOverloaded`` and ``cyberPolicy``.

    Example:
        ``server.on_turn(say("Wait,"), fail("the prompt is invalid"))``
    """
    return Fail(message, http_status, error_info)


def retry(message: str = "Reconnecting... 1/2", *, http_status: int | None = None, details: str | None = None) -> Retry:
    """The model breaks off, and the server tries again: an `error` with `willRetry`.

    The words are the in-memory server's alone, and so is an `http_status`. With the real binary this takes a
    ``model_providers.scripted.stream_max_retries`` above 0 in the model's config; without it the turn fails.

    Example:
        ``server.on_turn(retry(), say("Here I am."))``
    """
    return Retry(message, http_status, details)


def hang() -> Hang:
    """Silence until the turn is interrupted.

    Example:
        ``server.on_turn(say("Hm,"), hang())``
    """
    return Hang()


def drop_connection() -> DropConnection:
    """The connection is lost. In-memory server only.

    Example:
        ``server.on_turn(say("Wait,"), drop_connection())``
    """
    return DropConnection()


def exit(code: int = 0, stderr: str = "") -> Exit:  # noqa: A001  the script's word for what a process does
    """The server's process exits. In-memory server only.

    Example:
        ``server.on_turn(say("Wait,"), exit(101, "thread 'main' panicked"))``
    """
    return Exit(code, stderr)


def omit_completed() -> OmitCompleted:
    """The turn ends, unannounced: its history knows it, but no `turn/completed` comes. In-memory server only.

    Example:
        ``server.on_turn(say("Done."), omit_completed())``
    """
    return OmitCompleted()


def raw(message: Mapping[str, Any]) -> Raw:
    """A message of the server, sent as it is; ``{thread_id}`` and ``{turn_id}`` in its strings are filled in.

    In-memory server only.

    Example:
        ``server.on_turn(raw({"method": "new/thing", "params": {"threadId": "{thread_id}"}}))``
    """
    return Raw(message)


def ask_server_request(method: str, params: Mapping[str, Any] | None = None) -> AskServerRequest:
    """A request of the server; the turn waits for the answer. Thread and turn are filled in. In-memory server only.

    Example:
        ``server.on_turn(ask_server_request("mcpServer/elicitation/request", {"mode": "form", "message": "Who?"}))``
    """
    return AskServerRequest(method, dict(params or {}))


def reply(method: str, result: object) -> Reply:
    """From this step on the server answers a method so, as by `ScriptedAppServer.reply`. In-memory server only.

    Args:
        method: The method of a request.
        result: The result, or a callable of the params that returns it.

    Example:
        ``server.on_turn(say("From now on nothing is listed."), reply("thread/list", {"data": []}))``
    """
    return Reply(method, result)


def refuse(
    method: str,
    code: int = -32001,
    *,
    message: str = "Server overloaded; retry later.",
    data: object = None,
    times: int | None = 1,
) -> Refuse:
    """From this step on the server refuses a method, as by `ScriptedAppServer.refuse`. In-memory server only.

    Example:
        ``server.on_turn(say("Too late."), refuse("turn/interrupt", -32600, message="no active turn to interrupt"))``
    """
    return Refuse(method, code, message, data, times)
