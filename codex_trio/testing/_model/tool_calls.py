"""Map steps to the tool calls of the scripted model, depending on the tools that a request offers. No I/O.

Codex offers different tools to the models of an account and to an unknown model. An account's models run commands, change
files and call the client's tools from JavaScript ("code mode"). An unknown model calls each tool directly.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from .._patches import dump_patch, dump_patch_text
from .._steps import (
    AskAsync,
    AskQuestion,
    CallTool,
    Parallel,
    Patch,
    Run,
    ScriptJs,
    Sleep,
    SpawnAgent,
    StartCommand,
    Step,
    TellAsync,
    WaitAgent,
    WriteStdin,
)
from .._wire_shapes import default_reason, make_question
from .responses import ModelRequest

Call = dict[str, Any]

CALLS = (
    *(AskAsync, AskQuestion, CallTool, Parallel, Patch, Run, ScriptJs, Sleep),
    *(SpawnAgent, StartCommand, TellAsync, WaitAgent, WriteStdin),
)
"""The steps that are tool calls. Each ends a response of the model."""

_FUNCTIONS, _CLOCK, _AGENTS, _AGENTS_V1 = "functions", "clock", "collaboration", "multi_agent_v1"

# Without this, codex continues the turn after 30 s while a script still waits for an approval or a slow tool.
_PRAGMA = '// @exec: {"yield_time_ms": 3600000}\n'
_START_MS = _WRITE_MS = 250  # the shortest time that codex waits for output

_SESSION = re.compile(r'(?:"session_id":|session ID )(\d+)')
_AGENT_ID = re.compile(r'"agent_id":"([^"]+)"')


class NotOfferedError(Exception):
    """The request does not offer the tool that a step needs."""


def make_calls(step: Step, request: ModelRequest) -> list[Call]:
    """Return the calls as items of the Responses API, without ids.

    Raises:
        NotOfferedError: The request does not offer this tool.
    """
    if isinstance(step, ScriptJs):
        _require(request, step, _FUNCTIONS, "exec")
        return [_script(step.code)]
    direct = _direct_call(step, request)
    if direct is not None:
        return [direct]
    steps = step.steps if isinstance(step, Parallel) else (step,)
    tools = [_tool_of(part, request) for part in steps]
    if (_FUNCTIONS, "exec") not in request.offered_tools:
        return [_function(name, arguments, namespace) for name, arguments, namespace in map(_classic, tools)]
    return [_script(_PRAGMA + _script_of([_expression(*tool) for tool in tools]))]


def _direct_call(step: Step, request: ModelRequest) -> Call | None:
    """Return the call for a step whose tool cannot be called from JavaScript; `None` for other steps."""
    match step:
        case AskAsync(questions):
            asked = [
                {"title": title, **({"options": list(options)} if options else {})} for title, options in questions
            ]
            return _offered(request, step, _FUNCTIONS, "request_user_input_async", {"questions": asked})
        case TellAsync(message):
            return _offered(request, step, _FUNCTIONS, "send_message_to_user_async", {"message": message})
        case Sleep(seconds):
            return _offered(request, step, _CLOCK, "sleep", {"duration_ms": round(seconds * 1000)})
        case SpawnAgent(name, prompt) if (_AGENTS, "spawn_agent") in request.offered_tools:
            return _function("spawn_agent", {"task_name": name, "message": prompt, "fork_turns": "none"}, _AGENTS)
        case SpawnAgent(_, prompt):
            return _offered(request, step, _AGENTS_V1, "spawn_agent", {"message": prompt})
        case WaitAgent(timeout) if (_AGENTS, "wait_agent") in request.offered_tools:
            return _function("wait_agent", {"timeout_ms": round(timeout * 1000)}, _AGENTS)
        case WaitAgent(timeout):
            arguments = {"targets": _running_agents(request), "timeout_ms": round(timeout * 1000)}
            return _offered(request, step, _AGENTS_V1, "wait_agent", arguments)
        case AskQuestion():
            namespace = _FUNCTIONS if (_FUNCTIONS, "request_user_input") in request.offered_tools else None
            return _function("request_user_input", {"questions": [make_question(step)]}, namespace)
        case CallTool(name, arguments, namespace) if (namespace or _FUNCTIONS, name) in request.offered_tools:
            return _function(name, arguments, namespace or _FUNCTIONS)
    return None


def _tool_of(step: Step, request: ModelRequest) -> tuple[str, Mapping[str, Any] | str, str | None]:
    """Return the name, input and namespace of a tool that can also be called from JavaScript."""
    match step:
        case Run(command, escalate=escalate, reason=reason):
            return "exec_command", {"cmd": command, **_escalation(command, reason, escalate=escalate)}, None
        case StartCommand(command, escalate=escalate, reason=reason):
            terminal = {"tty": True, "yield_time_ms": _START_MS}
            return "exec_command", {"cmd": command, **terminal, **_escalation(command, reason, escalate=escalate)}, None
        case WriteStdin(text):
            session = {"session_id": _last_session(request), "chars": text, "yield_time_ms": _WRITE_MS}
            return "write_stdin", session, None
        case Patch():
            return "apply_patch", dump_patch_text(step), None
        case CallTool(name, arguments, namespace):
            return name, arguments, namespace
    raise AssertionError(f"a checked script contains {step}")


def _classic(tool: tuple[str, Mapping[str, Any] | str, str | None]) -> tuple[str, Mapping[str, Any], str | None]:
    """Return the call for a model without code mode, which changes files with a shell command."""
    name, given, namespace = tool
    if isinstance(given, str):
        return "exec_command", {"cmd": dump_patch(given)}, None
    return name, given, namespace


def _expression(name: str, given: Mapping[str, Any] | str, namespace: str | None) -> str:
    """Return the call in JavaScript. Codex turns a tool's name into an identifier, prefixed with the namespace."""
    identifier = re.sub(r"\W", "_", f"{namespace}__{name}" if namespace else name, flags=re.ASCII)
    return f"tools.{identifier}({json.dumps(given)})"


def _script_of(expressions: list[str]) -> str:
    if len(expressions) == 1:
        return f"text(await {expressions[0]})"
    listed = ",\n  ".join(expressions)
    # Not Promise.all: when one call fails, the script would end, and codex would drop the others.
    return (
        f"const results = await Promise.allSettled([\n  {listed},\n]);\n"
        "for (const result of results) text(result.value ?? String(result.reason));"
    )


def _script(code: str) -> Call:
    return {"type": "custom_tool_call", "name": "exec", "namespace": _FUNCTIONS, "input": code}


def _function(name: str, arguments: Mapping[str, Any], namespace: str | None) -> Call:
    call: Call = {"type": "function_call", "name": name, "arguments": json.dumps(arguments)}
    return call if namespace is None else {**call, "namespace": namespace}


def _offered(request: ModelRequest, step: Step, namespace: str, name: str, arguments: Mapping[str, Any]) -> Call:
    _require(request, step, namespace, name)
    return _function(name, arguments, namespace)


def _require(request: ModelRequest, step: Step, namespace: str, name: str) -> None:
    if (namespace, name) not in request.offered_tools:
        model = request.body.get("model")
        raise NotOfferedError(
            f"the scripted model cannot play {step}: codex does not offer {namespace}.{name} to the model {model!r}; "
            "start the thread with a model that this codex knows as belonging to an account, such as 'gpt-6.2-sol' "
            f"(codex 0.171) or 'gpt-6-astra' (codex 0.155 and newer); this is {_codex_version(request)}"
        )


def _codex_version(request: ModelRequest) -> str:
    found = re.search(r"/(\d+\.\d+\.\d+\S*)", request.headers.get("user-agent", ""))  # behind the client's name
    return f"codex {found[1]}" if found else "an unknown version of codex"


def _escalation(command: str, reason: str | None, *, escalate: bool) -> Mapping[str, str]:
    if not escalate:
        return {}
    return {"sandbox_permissions": "require_escalated", "justification": reason or default_reason(command)}


def _last_session(request: ModelRequest) -> int:
    """Return the id of the terminal that was started last; 0, which is not a valid id, if none is running."""
    found = [session for output in request.tool_outputs for session in _SESSION.findall(output)]
    return int(found[-1]) if found else 0


def _running_agents(request: ModelRequest) -> list[str]:
    """Return the ids of the sub-agents that no tool result has reported as finished."""
    outputs = list(request.tool_outputs)
    spawned = [agent for output in outputs for agent in _AGENT_ID.findall(output)]
    return [agent for agent in spawned if sum(agent in output for output in outputs) == 1] or spawned
