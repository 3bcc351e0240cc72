"""The vocabulary of scripts: what a turn does, said once, played by the in-memory server and by the model.

A script is a sequence of steps. Each step is a frozen value made by a function of this module; the servers know how to
play it. This module must never do anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from ._steps import (
    AskAsync,
    AskQuestion,
    AskServerRequest,
    CallTool,
    DropConnection,
    Exit,
    Fail,
    FailNext,
    Hang,
    OmitCompleted,
    Parallel,
    Patch,
    Raw,
    Reply,
    Retry,
    Run,
    Say,
    ScriptJs,
    Sleep,
    SpawnAgent,
    StartCommand,
    Step,
    TellAsync,
    Think,
    Wait,
    WaitAgent,
    WriteStdin,
)

ScriptPart: TypeAlias = Step | Callable[[str], Iterable[Step]]
"""What a script is made of: a step, or a function of the prompt that returns steps."""


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


def start_command(command: str, *, output: str = "", escalate: bool = False, reason: str | None = None) -> StartCommand:
    """Start a command in a terminal and leave it running, for `write_stdin`.

    Args:
        command: The command line. It should wait for input: if it ends within a quarter of a second, there is nothing
            left to write to.
        output: Output of the command before it waits for input. In-memory server only.
        escalate: Run it outside the sandbox. Codex then asks for approval, and asks again for each `write_stdin`
            (codex 0.163 and newer).
        reason: Why it should run outside the sandbox, in the model's words.

    Example:
        ``server.on_turn(start_command("read name; echo hello $name"), write_stdin("Ada\\n", exit_code=0))``
    """
    return StartCommand(command, output, escalate, reason)


def write_stdin(text: str, *, output: str = "", exit_code: int | None = None) -> WriteStdin:
    """Type text into the terminal of the last `start_command` of the same turn.

    Args:
        text: The text, line feeds included.
        output: Output of the command afterwards. In-memory server only.
        exit_code: The command exits with this code; `None` if it keeps running. In-memory server only.

    Example:
        ``server.on_turn(start_command("python3 -i"), write_stdin("1 + 1\\n", output="2\\n"), say("Two."))``
    """
    return WriteStdin(_text(text, "write_stdin"), output, exit_code)


def script_js(code: str) -> ScriptJs:
    """Run JavaScript that calls tools, as the models of an account do ("code mode"). Scripted model only.

    The thread's model must be one of an account, such as ``model="gpt-6.2-sol"`` (codex 0.171) or
    ``model="gpt-6-astra"`` (codex 0.155 and newer). The other words do not need this: on such a thread, `run`, `patch`,
    `call_tool` and so on are sent as scripts, too.

    Args:
        code: The script. ``tools`` has codex's own tools and the client's, ``text(...)`` returns a result to the model.

    Example:
        ``model.on_turn(script_js("const r = await tools.exec_command({cmd: 'ls'}); text(r.output)"), say("Done."))``
    """
    return ScriptJs(_text(code, "script_js"))


def ask_async(*questions: str, options: Sequence[str] = ()) -> AskAsync:
    """Ask the user, and continue without waiting for the answer: an ``agentMessage`` with ``delivery: "async"``.

    The user's answer comes as an ordinary message, in a later turn or as a steer. On the real binary the thread's
    model must be one of an account (see `script_js`).

    Args:
        questions: The questions, shown together.
        options: The choices, the same for every question.

    Raises:
        ValueError: There is no question.

    Example:
        ``server.on_turn(ask_async("Which colour?", options=["Red", "Blue"]), say("I start with red."))``
    """
    if not questions:
        raise ValueError("ask_async() needs at least one question")
    return AskAsync(tuple((_text(question, "ask_async"), tuple(options)) for question in questions))


def tell_async(message: str) -> TellAsync:
    """Send the user a message that is not the answer: an ``agentMessage`` with ``delivery: "async"``.

    On the real binary this needs codex 0.171 and a thread with ``model="gpt-6.2-sol"``.

    Example:
        ``server.on_turn(tell_async("The tests run now."), say("They pass."))``
    """
    return TellAsync(_text(message, "tell_async"))


def sleep(seconds: float) -> Sleep:
    """Sleep, as the model does with its own clock: a ``sleep`` item, without any event until it ends.

    Input to the turn (a steer) ends it early. On the real binary the thread's model must be one of an account (see
    `script_js`). It is no inactivity, however long; for silence that is, there is `wait`.

    Args:
        seconds: 0.001 to 43200, twelve hours.

    Raises:
        ValueError: `seconds` is out of range.

    Example:
        ``server.on_turn(sleep(3600), say("Good morning."))``
    """
    if not 0.001 <= seconds <= 43200:
        raise ValueError(f"sleep(seconds) must be between 0.001 and 43200, not {seconds!r}")
    return Sleep(seconds)


def spawn_agent(name: str, prompt: str) -> SpawnAgent:
    """Start a sub-agent, which works on a thread of its own while this turn goes on.

    The sub-agent's turn is scripted by its prompt, with `on_prompt`; without a script for that it does the default.
    Codex sends its events, and its requests for approval, to every client of the server.

    Args:
        name: The sub-agent's name: lower-case letters, digits and underscores. Models without code mode do not use it.
        prompt: Its task.

    Raises:
        ValueError: `name` has other characters.

    Example:
        ```python
        server.on_prompt("count the files", run("ls | wc -l", output="7\\n"), say("Seven."))
        server.on_turn(spawn_agent("counter", "count the files"), wait_agent(), say("There are seven files."))
        ```
    """
    if not re.fullmatch(r"[a-z0-9_]+", _text(name, "spawn_agent")):
        raise ValueError(f"spawn_agent() takes a name of lower-case letters, digits and underscores, not {name!r}")
    return SpawnAgent(name, _text(prompt, "spawn_agent"))


def wait_agent(*, timeout: float = 600.0) -> WaitAgent:
    """Wait until a sub-agent of this turn has finished.

    Args:
        timeout: Seconds after which the model stops waiting, 10 to 3600.

    Raises:
        ValueError: `timeout` is out of range.

    Example:
        See `spawn_agent`.
    """
    if not 10 <= timeout <= 3600:
        raise ValueError(f"wait_agent(timeout=...) must be between 10 and 3600 seconds, not {timeout!r}")
    return WaitAgent(timeout)


def parallel(*steps: Step) -> Parallel:
    """Call several tools at once: `run`, `ask_approval`, `patch` and `call_tool`.

    The turn goes on when all of them have ended. Codex 0.163 and older let the client's tools run one after another.

    Raises:
        ValueError: There are no steps, or one of them is not a tool call.

    Example:
        ``server.on_turn(parallel(call_tool("lookup", {"id": 1}), call_tool("lookup", {"id": 2})), say("Both open."))``
    """
    wrong = [step for step in steps if not isinstance(step, Run | Patch | CallTool)]
    if wrong or not steps:
        raise ValueError(f"parallel() takes run(), ask_approval(), patch() and call_tool(), not {wrong or 'nothing'}")
    return Parallel(steps)


def wait(seconds: float) -> Wait:
    """Silence.

    Example:
        ``server.on_turn(wait(200), say("Sorry for the delay."))``
    """
    return Wait(_seconds(seconds, "wait"))


def fail(message: str, *, http_status: int | None = None, error_info: Any = "other") -> Fail:
    """The turn fails.

    Args:
        message: Why. With an `http_status`, and for some values of `error_info`, codex uses a message of its own.
        http_status: The model answers with this HTTP error.
        error_info: The wire's `codexErrorInfo`. With the real binary it is one of ``other``, ``contextWindowExceeded``,
            ``usageLimitExceeded``, ``rateLimitExceeded``, ``serverOverloaded`` and ``cyberPolicy``.

    Example:
        ``server.on_turn(say("Wait,"), fail("the prompt is invalid"))``
    """
    return Fail(message, http_status, error_info)


def retry(message: str = "Reconnecting... 1/2", *, http_status: int | None = None, details: str | None = None) -> Retry:
    """The model breaks off, and the server tries again: an `error` with `willRetry`.

    Only the in-memory server uses `message` and `http_status`. With the real binary this takes a
    ``model_providers.scripted.stream_max_retries`` above 0 in the model's config; otherwise the turn fails.

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


# --- steps that only the in-memory server plays


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
    """The turn ends, but `turn/completed` is not sent; only its history shows the end. In-memory server only.

    Example:
        ``server.on_turn(say("Done."), omit_completed())``
    """
    return OmitCompleted()


def raw(message: Mapping[str, Any]) -> Raw:
    """The server sends any message; ``{thread_id}`` and ``{turn_id}`` in its strings are filled in.

    In-memory server only.

    Example:
        ``server.on_turn(raw({"method": "new/thing", "params": {"threadId": "{thread_id}"}}))``
    """
    return Raw(message)


def ask_server_request(method: str, params: Mapping[str, Any] | None = None) -> AskServerRequest:
    """The server sends any request, and the turn waits for the answer. In-memory server only.

    Thread id and turn id are added to the params.

    Example:
        ``server.on_turn(ask_server_request("mcpServer/elicitation/request", {"mode": "form", "message": "Who?"}))``
    """
    return AskServerRequest(method, dict(params or {}))


def reply(method: str, result: object) -> Reply:
    """From this step on, the server answers a method with a result; see `ScriptedAppServer.reply`. In-memory server only.

    Args:
        method: The method of a request.
        result: The result, or a callable of the params that returns it.

    Example:
        ``server.on_turn(say("From now on nothing is listed."), reply("thread/list", {"data": []}))``
    """
    return Reply(method, result)


def fail_next(
    method: str,
    code: int = -32001,
    *,
    message: str = "Server overloaded; retry later.",
    data: object = None,
    times: int | None = 1,
) -> FailNext:
    """From this step on, the server refuses a method; see `ScriptedAppServer.fail_next`. In-memory server only.

    Example:
        ``server.on_turn(say("Too late."), fail_next("turn/interrupt", -32600, message="no active turn to interrupt"))``
    """
    return FailNext(method, code, message, data, times)
