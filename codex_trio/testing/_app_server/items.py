"""Wire shapes of items and of server requests about items, as recorded from codex 0.171. No I/O."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from .._patches import make_change
from .._steps import AskAsync, AskQuestion, CallTool, Patch, Run, StartCommand, TellAsync
from .._wire_shapes import Message, RpcError, default_reason, make_question

_INPUTS = ("text", "image", "localImage", "audio", "localAudio", "skill", "mention")
_DEFAULTS: dict[str, Message] = {
    "text": {"text_elements": []},
    "image": {"detail": None},
    "localImage": {"detail": None},
}
_UNQUOTED = re.compile(r"[\w@+:./\]-]+", re.ASCII)
_STDIN_REASON = (
    "Send input to an existing terminal. This terminal was launched outside the sandbox, bypassing any managed network "
    "proxy. The cwd is its launch directory; the terminal's current directory and state may have changed."
)
_SHELL = ("/bin/bash", "-lc")


def make_item(kind: str, item_id: str, now_ms: int | None, **fields: Any) -> Message:
    """Return an item that has just started."""
    return {"type": kind, "id": item_id, **fields, "startedAtMs": now_ms, "completedAtMs": None}


def check_input(user_input: Sequence[Mapping[str, Any]]) -> None:
    """Check a turn's input as the server does.

    Raises:
        RpcError: A part has an unknown type, a text part has no ``text``, or an image is not a data URL.
    """
    for part in user_input:
        if part.get("type") not in _INPUTS:
            expected = ", ".join(f"`{name}`" for name in _INPUTS)
            raise RpcError(f"Invalid request: unknown variant `{part.get('type')}`, expected one of {expected}")
        if part["type"] == "text" and "text" not in part:
            raise RpcError("Invalid request: missing field `text`")
        if part["type"] == "image" and not str(part.get("url")).startswith("data:"):
            raise RpcError("remote image URLs are not supported; use an inline data URL instead")


def make_user_message(item_id: str, params: Mapping[str, Any], now_ms: int | None) -> Message:
    """Return the `userMessage` item that echoes the input of a turn."""
    content = [{**_DEFAULTS.get(part["type"], {}), **part} for part in params["input"]]
    client_id = params.get("clientUserMessageId")
    return make_item("userMessage", item_id, now_ms, clientId=client_id, content=content)


def make_agent_message(item_id: str, phase: str | None, now_ms: int, text: str = "") -> Message:
    """Return an `agentMessage` item."""
    unused = dict.fromkeys(("memoryCitation", "delivery", "questions"))
    return make_item("agentMessage", item_id, now_ms, moderation=None, text=text, phase=phase, **unused)


def make_async_message(item_id: str, step: AskAsync | TellAsync, now_ms: int) -> Message:
    """Return the asynchronous `agentMessage` item of a question or a message."""
    if isinstance(step, TellAsync):
        item = make_agent_message(item_id, "final_answer", now_ms, step.message)
        return {**item, "delivery": "async"}
    shown = ["\n".join([title, *(f"- {option}" for option in options)]) for title, options in step.questions]
    item = make_agent_message(item_id, "final_answer", now_ms, "\n\n".join(shown))
    questions = [{"title": title, "options": list(options) or None} for title, options in step.questions]
    return {**item, "delivery": "async", "questions": questions}


def make_sub_agent_activity(item_id: str, kind: str, thread_id: str, path: str, now_ms: int, **model: Any) -> Message:
    """Return a `subAgentActivity` item."""
    item = make_item("subAgentActivity", item_id, now_ms, agentThreadId=thread_id, agentPath=path)
    return {**item, "kind": kind, "model": None, "reasoningEffort": None, **model}


def make_collab_call(item_id: str, tool: str, sender_id: str, now_ms: int, **fields: Any) -> Message:
    """Return a `collabAgentToolCall` item."""
    defaults: Message = {
        "receiverThreadIds": [],
        "prompt": None,
        "model": None,
        "reasoningEffort": None,
        "agentsStates": {},
    }
    called = {"tool": tool, "status": "inProgress", "senderThreadId": sender_id}
    return make_item("collabAgentToolCall", item_id, now_ms, **called, **{**defaults, **fields})


def make_reasoning(item_id: str, now_ms: int) -> Message:
    """Return a `reasoning` item."""
    return make_item("reasoning", item_id, now_ms, summary=[], content=[])


def make_command(item_id: str, command: str, cwd: str, now_ms: int, *, source: str = "agent") -> Message:
    """Return a `commandExecution` item before its approval and execution."""
    fields = {
        "pluginId": None,
        "scriptPath": None,
        "command": " ".join([*_SHELL, _quoted(command)]),
        "cwd": cwd,
        "processId": None,
        "source": source,
        "status": "inProgress",
        "commandActions": [{"type": "unknown", "command": command}],
        "aggregatedOutput": None,
        "exitCode": None,
        "durationMs": None,
    }
    return make_item("commandExecution", item_id, now_ms, **fields)


def set_command_end(item: Message, output: str, exit_code: int, now_ms: int) -> None:
    """Set the result of the command in a `commandExecution` item."""
    status = "failed" if exit_code else "completed"
    duration = now_ms - item["startedAtMs"]
    item.update(status=status, aggregatedOutput=output or None, exitCode=exit_code, durationMs=duration)


def make_file_change(item_id: str, step: Patch, cwd: str, now_ms: int) -> Message:
    """Return a `fileChange` item before its approval."""
    return make_item("fileChange", item_id, now_ms, changes=[make_change(step, cwd)], status="inProgress")


def make_tool_call(item_id: str, step: CallTool, now_ms: int) -> Message:
    """Return a `dynamicToolCall` item."""
    called = {"namespace": step.namespace, "tool": step.name, "arguments": dict(step.arguments)}
    answer = dict.fromkeys(("contentItems", "success", "durationMs"))
    return make_item("dynamicToolCall", item_id, now_ms, **called, status="inProgress", **answer)


def make_command_approval(item: Mapping[str, Any], step: Run | StartCommand) -> Message:
    """Return the params of the approval request for a `commandExecution` item, without the thread and turn ids."""
    words = words_of(step.command)
    params = {
        "kind": "command",
        "itemId": item["id"],
        "startedAtMs": item["startedAtMs"],
        "environmentId": "local",
        "command": item["command"],
        "cwd": item["cwd"],
        "commandActions": item["commandActions"],
        "proposedExecpolicyAmendment": words,
        "availableDecisions": [
            "accept",
            {"acceptWithExecpolicyAmendment": {"execpolicy_amendment": words}},
            "cancel",
        ],
    }
    if step.escalate:
        params["reason"] = step.reason or default_reason(step.command)
    return params


def make_stdin_approval(item: Mapping[str, Any], approval_id: str, text: str, now_ms: int) -> Message:
    """Return the params of the approval request for input to a running command, without the thread and turn ids."""
    command = f"write_stdin --session-id {item['processId']} {_quoted(text)}"
    return {
        "kind": "writeStdin",
        "itemId": item["id"],
        "startedAtMs": now_ms,
        "approvalId": approval_id,
        "environmentId": "local",
        "reason": _STDIN_REASON,
        "command": command,
        "cwd": item["cwd"],
        "commandActions": [{"type": "unknown", "command": command}],
        "availableDecisions": ["accept", "cancel"],
    }


def make_file_approval(item: Mapping[str, Any], now_ms: int) -> Message:
    """Return the params of the approval request for a `fileChange` item, without the thread and turn ids."""
    return {"itemId": item["id"], "startedAtMs": now_ms, "reason": None, "grantRoot": None}


def make_question_request(item_id: str, step: AskQuestion) -> Message:
    """Return the params of the request for user input, without the thread and turn ids."""
    question = {**make_question(step), "isOther": True, "isSecret": False}
    return {"itemId": item_id, "questions": [question], "isBlocking": True, "autoResolutionMs": None}


def words_of(command: str) -> list[str]:
    """Return the words by which codex identifies a command line: the words of its first command."""
    commands = _plain_commands(command)
    return commands[0] if commands else [*_SHELL, command]


def _plain_commands(command: str) -> list[list[str]]:
    """Return the words of each command; nothing if the line has more than words, such as a redirection."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars="();<>|&$`{}*?\n")
    lexer.whitespace_split, lexer.whitespace = True, " \t"
    commands: list[list[str]] = [[]]
    try:
        for word in lexer:
            if word in (";", "&&", "||", "|", "\n"):
                commands.append([])
            elif set(word) & set("();<>|&$`{}*?"):
                return []
            else:
                commands[-1].append(word)
    except ValueError:
        return []
    found = [words for words in commands if words]
    return [] if any("=" in words[0] for words in found) else found


def _quoted(word: str) -> str:
    """Quote a word as codex does: in pieces, each as long as one type of quotes allows."""
    quoted = ""
    while word:
        runs = [re.match(pattern, word) for pattern in (r"\^?[^'\\^]*", r"[^`$!^]*")]
        single, double = (found[0] if found else "" for found in runs)
        piece = max(single, double, key=len)
        if _UNQUOTED.fullmatch(piece):
            quoted += piece
        elif piece == single:
            quoted += f"'{piece}'"
        else:
            quoted += '"' + re.sub(r'(["\\])', r"\\\1", piece) + '"'
        word = word[len(piece) :]
    return quoted
