"""The steps that scripts are made of. The in-memory server and the scripted model play them.

Each function in this module returns a step, which is a frozen value.
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
"""A part of a script: a step, or a function that takes the prompt and returns steps."""


def _text(text: object, word: str) -> str:
    if not isinstance(text, str):
        raise TypeError(f"{word}(text) must be a str, not {text!r}")
    return text


def _seconds(seconds: float, word: str) -> float:
    if not seconds >= 0:
        raise ValueError(f"{word}(seconds) must be 0 or more, not {seconds!r}")
    return seconds


def say(text: str, *, phase: str | None = None, pieces: int | None = None, seconds: float = 0.0) -> Say:
    """Send an agent message, streamed as deltas.

    Args:
        text: The message.
        phase: ``commentary`` or ``final_answer``; `None` leaves it open.
        pieces: The number of deltas; by default one per word.
        seconds: The time over which the deltas are spread; by default they are sent at once.

    Example:
        ``server.on_turn(say("Let me see.", phase="commentary"), say("It works.", phase="final_answer"))``
    """
    return Say(_text(text, "say"), phase, pieces, _seconds(seconds, "say"))


def think(text: str) -> Think:
    """Send a block of reasoning.

    Example:
        ``server.on_turn(think("Hm."), say("Yes."))``
    """
    return Think(_text(text, "think"))


def run(command: str, *, output: str = "", exit_code: int = 0, seconds: float = 0.0, escalate: bool = False) -> Run:
    """Run a shell command. The real binary really runs it, and uses only `command` and `escalate`.

    Args:
        command: The command line. It keeps running if its turn is interrupted.
        output: Its output. In-memory server only.
        exit_code: Its exit code. In-memory server only.
        seconds: How long it runs. In-memory server only.
        escalate: Run it outside the sandbox, which needs approval; see `ask_approval`.

    Example:
        ``server.on_turn(run("ls", output="README.md\\n"), say("There is one file."))``
    """
    return Run(command, output, exit_code, _seconds(seconds, "run"), escalate)


def ask_approval(
    command: str, *, reason: str | None = None, output: str = "", exit_code: int = 0, seconds: float = 0.0
) -> Run:
    """Run a shell command outside the sandbox, which needs the user's approval.

    With the approval policy ``never`` the command does not run. Without a sandbox (``danger-full-access``) it runs
    without approval.

    Args:
        command: The command line.
        reason: Why it should run outside the sandbox, in the model's words.
        output: See `run`.
        exit_code: See `run`.
        seconds: See `run`.

    Example:
        ``server.on_turn(ask_approval("git push", reason="May I push?"), say("Pushed."))``
    """
    return Run(command, output, exit_code, _seconds(seconds, "ask_approval"), escalate=True, reason=reason)


def patch(path: str, new: str | None, *, old: str | None = None) -> Patch:
    """Change one file: a ``fileChange`` item, with a request for approval where the sandbox forbids the change.

    The ``read-only`` sandbox, which is the default, forbids every change. ``workspace-write`` forbids changes outside
    the working directory, the ``writableRoots`` and ``/tmp``, and in their ``.git``. There, nothing happens with the
    approval policy ``never``.

    Args:
        path: The file, relative to the thread's working directory or absolute.
        new: The new text; `None` deletes the file.
        old: The old text; `None` for a new file. The real binary compares it: if the file differs, nothing happens.

    Raises:
        ValueError: `new` equals `old`.

    Example:
        ``server.on_turn(patch("hello.py", 'print("hi")\\n'), say("Written."))``
    """
    if new == old:
        raise ValueError(f"patch() of {path} changes nothing")
    return Patch(path, new, old)


def call_tool(name: str, arguments: Mapping[str, Any] | None = None, *, namespace: str | None = None) -> CallTool:
    """Call one of the client's tools, by the name given in `thread/start`. Nothing happens if the tool is unknown.

    With the real binary this may be any tool that codex offers the model, such as one from an MCP server.

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
    """Ask the user a question with options. The user may also answer with other text.

    Codex asks in plan mode only. A turn that was not started with this `collaborationMode` continues without asking. The
    answer is in `server.answers`, or in ``model.requests[-1].body["input"]``.

    Args:
        question: The text of the question.
        options: The labels of the options, or a mapping of labels to descriptions.
        question_id: The key of the answer.
        header: A short heading.

    Raises:
        ValueError: `options` is empty. Codex does not ask without options.

    Example:
        ``server.on_turn(ask_question("Which colour?", ["Red", "Blue"]), say("Very well."))``
    """
    if not options:
        raise ValueError("ask_question() needs options; codex does not ask without them")
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

    The thread's model must belong to an account, such as ``model="gpt-6.2-sol"`` (codex 0.171) or
    ``model="gpt-6-astra"`` (codex 0.155 and newer). The other steps do not need this: on such a thread, `run`, `patch`,
    `call_tool` and so on are also sent as scripts.

    Args:
        code: The script. ``tools`` has codex's own tools and the client's, ``text(...)`` returns a result to the model.

    Example:
        ``model.on_turn(script_js("const r = await tools.exec_command({cmd: 'ls'}); text(r.output)"), say("Done."))``
    """
    return ScriptJs(_text(code, "script_js"))


def ask_async(*questions: str, options: Sequence[str] = ()) -> AskAsync:
    """Ask the user, and continue without waiting for the answer: an ``agentMessage`` with ``delivery: "async"``.

    The user's answer comes as an ordinary message, in a later turn or as a steer. On the real binary the thread's
    model must belong to an account (see `script_js`).

    Args:
        questions: The questions, shown together.
        options: The choices, the same for every question.

    Raises:
        ValueError: `questions` is empty.

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

    Input to the turn (a steer) ends it early. On the real binary the thread's model must belong to an account (see
    `script_js`). A sleep does not count as inactivity, however long it is. To cause inactivity, use `wait`.

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
    """Start a sub-agent, which works on its own thread while this turn continues.

    Script the sub-agent's turn by its prompt, with `on_prompt`. Otherwise the default script is used.
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

    The turn continues when all of them have ended. Codex 0.163 and older run the client's tools one after another.

    Raises:
        ValueError: `steps` is empty, or contains something other than these steps.

    Example:
        ``server.on_turn(parallel(call_tool("lookup", {"id": 1}), call_tool("lookup", {"id": 2})), say("Both open."))``
    """
    wrong = [step for step in steps if not isinstance(step, Run | Patch | CallTool)]
    if wrong or not steps:
        raise ValueError(f"parallel() takes run(), ask_approval(), patch() and call_tool(), not {wrong or 'nothing'}")
    return Parallel(steps)


def wait(seconds: float) -> Wait:
    """Stay silent for some seconds.

    Example:
        ``server.on_turn(wait(200), say("Sorry for the delay."))``
    """
    return Wait(_seconds(seconds, "wait"))


def fail(message: str, *, http_status: int | None = None, error_info: Any = "other") -> Fail:
    """Fail the turn.

    Args:
        message: The error message. With an `http_status`, and for some values of `error_info`, codex uses its own.
        http_status: The model answers with this HTTP error.
        error_info: The wire's `codexErrorInfo`. With the real binary it is one of ``other``, ``contextWindowExceeded``,
            ``usageLimitExceeded``, ``rateLimitExceeded``, ``serverOverloaded`` and ``cyberPolicy``.

    Example:
        ``server.on_turn(say("Wait,"), fail("the prompt is invalid"))``
    """
    return Fail(message, http_status, error_info)


def retry(message: str = "Reconnecting... 1/2", *, http_status: int | None = None, details: str | None = None) -> Retry:
    """Break off the model's response, so that the server retries: an `error` with `willRetry`.

    Only the in-memory server uses `message` and `http_status`. The real binary needs a
    ``model_providers.scripted.stream_max_retries`` above 0 in the model's config; otherwise the turn fails.

    Example:
        ``server.on_turn(retry(), say("Here I am."))``
    """
    return Retry(message, http_status, details)


def hang() -> Hang:
    """Stay silent until the turn is interrupted.

    Example:
        ``server.on_turn(say("Hm,"), hang())``
    """
    return Hang()


# --- steps that only the in-memory server plays


def drop_connection() -> DropConnection:
    """Disconnect the clients of the thread. In-memory server only.

    Example:
        ``server.on_turn(say("Wait,"), drop_connection())``
    """
    return DropConnection()


def exit(code: int = 0, stderr: str = "") -> Exit:  # noqa: A001  named after what the process does
    """Let the server's process exit. In-memory server only.

    Example:
        ``server.on_turn(say("Wait,"), exit(101, "thread 'main' panicked"))``
    """
    return Exit(code, stderr)


def omit_completed() -> OmitCompleted:
    """End the turn without sending `turn/completed`. Only the history shows the end. In-memory server only.

    Example:
        ``server.on_turn(say("Done."), omit_completed())``
    """
    return OmitCompleted()


def raw(message: Mapping[str, Any]) -> Raw:
    """Send any message to the clients. In-memory server only.

    ``{thread_id}`` and ``{turn_id}`` in its strings are filled in.

    Example:
        ``server.on_turn(raw({"method": "new/thing", "params": {"threadId": "{thread_id}"}}))``
    """
    return Raw(message)


def ask_server_request(method: str, params: Mapping[str, Any] | None = None) -> AskServerRequest:
    """Send any request to the clients, and wait for the response. In-memory server only.

    The thread id and the turn id are added to the params.

    Example:
        ``server.on_turn(ask_server_request("mcpServer/elicitation/request", {"mode": "form", "message": "Who?"}))``
    """
    return AskServerRequest(method, dict(params or {}))


def reply(method: str, result: object) -> Reply:
    """From this step on, respond to a method with a fixed result. See `ScriptedAppServer.reply`. In-memory server only.

    Args:
        method: The method of a request.
        result: The result, or a callable that takes the params and returns it.

    Example:
        ``server.on_turn(say("The list is empty after this."), reply("thread/list", {"data": []}))``
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
    """Fail the next requests of a method. See `ScriptedAppServer.fail_next`. In-memory server only.

    Example:
        ``server.on_turn(say("Too late."), fail_next("turn/interrupt", -32600, message="no active turn to interrupt"))``
    """
    return FailNext(method, code, message, data, times)
