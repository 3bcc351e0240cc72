"""`item_text` describes thread items in a few words. `unwrap_shell` returns the script of a shell command."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from typing import Any

from ._json import as_object, as_objects, as_text, as_texts

Item = Mapping[str, Any]

_LONGEST_QUOTE = 200  # characters of a prompt or a query; `data` of the step has all of it


def item_text(item_type: str, item: Item) -> str:
    """Describe an item in a few words for people. Malformed items do not raise."""
    describe = _DESCRIBERS.get(item_type)
    return _own_text(item) if describe is None else describe(item)


def _own_text(item: Item) -> str:
    return as_text(item.get("text")) or as_text(item.get("review"))


def _user_message(item: Item) -> str:
    return "\n".join(_input_part(part) for part in as_objects(item.get("content")))


def _input_part(part: Item) -> str:
    kind = as_text(part.get("type"))
    if kind == "text" or part.get("text"):
        return as_text(part.get("text"))
    # The URL of an image is left out: it may hold the whole image.
    name = _one_line(part.get("name")) or _one_line(part.get("path"))
    return f"[{kind} {name}]" if name else f"[{kind}]"


def _hook_prompt(item: Item) -> str:
    return "\n".join(as_text(fragment.get("text")) for fragment in as_objects(item.get("fragments")))


def _reasoning(item: Item) -> str:
    return "\n\n".join(as_texts(item.get("summary"))) or "\n\n".join(as_texts(item.get("content")))


def _command(item: Item) -> str:
    return as_text(item.get("command"))


def _tool_call(item: Item) -> str:
    return _scoped(as_text(item.get("server")) or item.get("namespace"), item.get("tool"))


def _function_call_output(item: Item) -> str:
    return f"output of {_scoped(item.get('namespace'), item.get('name'))}".removesuffix(" of ")


def _scoped(scope: object, name: object) -> str:
    return f"{as_text(scope)}.{as_text(name)}" if as_text(scope) else as_text(name)


def _file_change(item: Item) -> str:
    return "\n".join(_change(change) for change in as_objects(item.get("changes")))


def _change(change: Item) -> str:
    kind = change.get("kind")
    kind = kind if isinstance(kind, dict) else {"type": kind}
    moved_to = _one_line(kind.get("move_path"))
    text = f"{as_text(kind.get('type'))} {_one_line(change.get('path'))}".strip()
    return f"{text} -> {moved_to}" if moved_to else text


_COLLAB_TOOLS = {
    "spawnAgent": "start a sub-agent",
    "sendInput": "write to a sub-agent",
    "resumeAgent": "resume a sub-agent",
    "wait": "wait for sub-agents",
    "closeAgent": "close a sub-agent",
    "sendMessage": "send a message to a sub-agent",
    "followupTask": "give a sub-agent another task",
    "interruptAgent": "interrupt a sub-agent",
    "listAgents": "list the sub-agents",
}


def _collab_call(item: Item) -> str:
    tool = as_text(item.get("tool"))
    return _with_quote(_COLLAB_TOOLS.get(tool, f"sub-agents: {tool}".removesuffix(": ")), item.get("prompt"))


def _sub_agent_activity(item: Item) -> str:
    agent = _one_line(item.get("agentPath")) or _one_line(item.get("agentThreadId"))
    return " ".join(word for word in ("sub-agent", agent, _one_line(item.get("kind"))) if word)


def _web_search(item: Item) -> str:
    action = as_object(item.get("action"))
    url = _one_line(action.get("url"))
    if action.get("type") == "openPage":
        return f"open {url}" if url else "open a web page"
    if action.get("type") == "findInPage":
        return _with_quote(f"search in {url or 'a web page'}", action.get("pattern"))
    query = as_text(item.get("query")) or as_text(action.get("query")) or ", ".join(as_texts(action.get("queries")))
    return _with_quote("search the web", query)


def _image_view(item: Item) -> str:
    return f"view the image {_one_line(item.get('path'))}".rstrip()


def _image_generation(item: Item) -> str:
    failure = as_text(as_object(item.get("failure")).get("type"))
    text = _with_quote(f"generate an image ({failure})" if failure else "generate an image", item.get("revisedPrompt"))
    saved_to = _one_line(item.get("savedPath"))
    return f"{text} -> {saved_to}" if saved_to else text


def _sleep(item: Item) -> str:
    milliseconds = item.get("durationMs")
    return f"sleep for {_duration(milliseconds)}" if isinstance(milliseconds, int) else "sleep"


def _duration(milliseconds: int) -> str:
    if abs(milliseconds) < 60_000:
        return f"{milliseconds / 1000:g} s"
    minutes, seconds = divmod(milliseconds // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "min"), (seconds, "s"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number)


def _entered_review(item: Item) -> str:
    return as_text(item.get("review")) or "the review starts"


def _exited_review(item: Item) -> str:
    return as_text(item.get("review")) or "the review has ended"


def _compaction(item: Item) -> str:
    return "shorten the conversation's history"


def _with_quote(text: str, quoted: object) -> str:
    quote = _one_line(quoted).strip()
    if len(quote) > _LONGEST_QUOTE:
        quote = quote[:_LONGEST_QUOTE] + "..."
    return f"{text}: {quote}" if quote else text


def _one_line(value: object) -> str:
    # A line feed in a path or a prompt must not start a line that looks like another entry.
    return " ".join(as_text(value).splitlines())


_DESCRIBERS: Mapping[str, Callable[[Item], str]] = {
    "userMessage": _user_message,
    "hookPrompt": _hook_prompt,
    "agentMessage": _own_text,
    "plan": _own_text,
    "reasoning": _reasoning,
    "commandExecution": _command,
    "fileChange": _file_change,
    "mcpToolCall": _tool_call,
    "dynamicToolCall": _tool_call,
    "functionCallOutput": _function_call_output,
    "collabAgentToolCall": _collab_call,
    "subAgentActivity": _sub_agent_activity,
    "webSearch": _web_search,
    "imageView": _image_view,
    "imageGeneration": _image_generation,
    "sleep": _sleep,
    "enteredReviewMode": _entered_review,
    "exitedReviewMode": _exited_review,
    "contextCompaction": _compaction,
}
"""All item types of codex 0.171."""

_SHELL = re.compile(r"((/usr|/usr/local|/opt/homebrew|/run/current-system/sw)?/bin/)?(ba|z)?sh")
_LONGEST_COMMAND = 50_000  # characters that are split into words; it takes a while


def unwrap_shell(command: str) -> str:
    """Return the script that a shell command runs, without the shell: ``ls`` for ``/bin/bash -lc ls``.

    A command of another form and a very long command are returned unchanged. So is a command whose shell is outside of
    the usual folders, because callers that compare scripts rely on a shell to run them.
    """
    if len(command) > _LONGEST_COMMAND:
        return command
    try:
        words = shlex.split(command)
    except ValueError:
        return command
    is_wrapped = len(words) == 3 and words[1] in ("-c", "-lc") and _SHELL.fullmatch(words[0]) is not None
    return words[2] if is_wrapped else command
