"""Scripts of recorded sessions, derived from what the model of the recorder was told to do, and from what came of it.

That model did what the prompt said: ``SCRIPT:`` and a JSON list of its calls, each of them a list of actions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from codex_trio.testing import (
    Step,
    ask_approval,
    ask_async,
    ask_question,
    call_tool,
    fail,
    parallel,
    patch,
    raw,
    retry,
    run,
    say,
    sleep,
    tell_async,
    think,
    wait,
)
from codex_trio.testing._app_server.items import make_agent_message
from tests.support.raw_client import Message

_FOREVER = 1e6  # seconds
_LATENCY = 0.03  # seconds of the recorder's model
_FAILURES = frozenset({"status", "drop", "failed", "incomplete"})
_HALF_MESSAGE = {  # that was begun, and never completed
    "method": "item/started",
    "params": {
        "item": make_agent_message("msg_half", None, 0),
        "threadId": "{thread_id}",
        "turnId": "{turn_id}",
        "startedAtMs": 0,
    },
}
_PATCH = re.compile(r"\*\*\* Add File: (\S+)\n((?:\+.*\n)*)")
_TOOL_IN_JS = re.compile(r"tools\.(\w+)\((?:\{(.*?)\}|'(.*?)')\)")
_ARGUMENT_IN_JS = re.compile(r"(\w+): ?'(.*?)'")


class Acts:
    """What the recorder's model did, in the words of scripts.

    Args:
        told: What the recorded server said, which knows how commands and calls of the model ended.

    Attributes:
        shell: The commands of the user, by what was typed, as they were completed.
    """

    def __init__(self, told: list[Message]) -> None:
        items = [message["params"]["item"] for message in told if message.get("method") == "item/completed"]
        commands = [item for item in items if item["type"] == "commandExecution"]
        self._outputs = _outputs(told)
        self._commands = {item["command"]: item for item in commands}
        self.shell = {item["commandActions"][0]["command"]: item for item in commands if item["source"] == "userShell"}
        self._errors = _errors_of_prompts(told)

    def steps(self, prompt: str) -> Iterator[Step]:
        """Yield what a prompt made the model do."""
        if not prompt.startswith("SCRIPT:"):
            yield from (wait(_LATENCY), think("thinking hard"), say("Hello from the fake model"))
            return
        errors = self._errors.get(prompt) or [[]]
        told = errors.pop(0) if len(errors) > 1 else errors[0]
        for call in json.loads(prompt.removeprefix("SCRIPT:")):
            yield from self._call(call if isinstance(call, list) else [call], told)

    def _call(self, acts: list[Message], errors: list[Message]) -> Iterator[Step]:
        """Yield what came of a call of the model. One that failed may have been made again, and ended alike."""
        failing = next((act for act in acts if act.keys() & _FAILURES), None)
        others = [act for act in acts if act is not failing]
        if failing is None:
            yield from self._acts(acts, errors)
            return
        for params in errors:
            yield from self._acts(others, errors)
            yield self._retry(params) if params["willRetry"] else self._failure(failing, params["error"])

    def _acts(self, acts: list[Message], errors: list[Message]) -> Iterator[Step]:
        for act in acts:
            match act:
                case {"attempts": attempts}:
                    yield from self._attempts(attempts, errors)
                case {"msg": _, "nodone": _}:
                    yield raw(_HALF_MESSAGE)
                case {"msg": text}:
                    yield say(text, phase=act.get("phase"), seconds=act.get("delay", 0) * len(text.split()))
                case {"reason": text}:
                    yield think(text)
                case {"sleep": seconds}:
                    yield wait(seconds)
                case {"call": "exec_command", "args": {"cmd": command, **more}}:
                    yield self._command(command, more)
                case {"call": "request_user_input", "args": {"questions": [asked]}}:
                    options = {option["label"]: option["description"] for option in asked["options"]}
                    yield ask_question(asked["question"], options, question_id=asked["id"], header=asked["header"])
                case {"call": "request_user_input_async", "args": {"questions": [asked]}}:
                    yield ask_async(asked["title"], options=asked["options"])
                case {"call": "send_message_to_user_async", "args": {"message": message}}:
                    yield tell_async(message)
                case {"call": "sleep", "args": {"duration_ms": milliseconds}}:
                    yield sleep(milliseconds / 1000)
                case {"custom": "exec", "input": code}:
                    calls = [found.groups("") for found in _TOOL_IN_JS.finditer(code)]
                    calls.sort(key=lambda call: call[0] == "exec_command")  # to start a command takes longer
                    steps = [self._call_in_js(*call) for call in calls]
                    yield steps[0] if len(steps) == 1 else parallel(*steps)
                case {"call": name, "args": arguments}:
                    known = arguments if isinstance(arguments, dict) else {}
                    yield call_tool(
                        name if known is arguments else "no such tool", known, namespace=act.get("namespace")
                    )

    def _attempts(self, attempts: list[Any], errors: list[Message]) -> Iterator[Step]:
        """Yield what came of a call that was made several times, of which all but the last failed."""
        notices = [params for params in errors if params["willRetry"]]
        for attempt in attempts:
            if isinstance(attempt, list):
                yield from self._acts([act for act in attempt if not act.keys() & _FAILURES], errors)
            if notices:
                yield self._retry(notices.pop(0))

    def _call_in_js(self, name: str, fields: str, text: str) -> Step:
        """Return what a call of a tool in a script of the model's did."""
        arguments: Message = dict(_ARGUMENT_IN_JS.findall(fields))
        if name == "exec_command":
            return self._command(arguments.pop("cmd"), arguments)
        if name == "apply_patch":
            return self._command(text.replace("\\n", "\n"), {})
        return call_tool(name, arguments)

    def _command(self, command: str, more: Mapping[Any, Any]) -> Step:
        if found := _PATCH.search(command):
            return patch(found[1], found[2].replace("+", ""))
        item = next((one for line, one in self._commands.items() if command in line.replace("\\", "")), None)
        known: Message = {"output": self._outputs.get(command, ""), "exit_code": 0, "seconds": _FOREVER}
        if item is not None:
            known = {"output": item["aggregatedOutput"] or "", "exit_code": item["exitCode"] or 0}
            known["seconds"] = (item["durationMs"] or 0) / 1000
        if "sandbox_permissions" in more:
            return ask_approval(command, reason=more["justification"], **known)
        return run(command, **known)

    def _failure(self, act: Message, error: Message) -> Step:
        match act:
            case {"status": status}:
                told = json.loads(act.get("body", "{}")).get("error", {})
                return fail(told.get("message", ""), http_status=status)
            case {"failed": {"code": "rate_limit_exceeded", "message": message}}:
                return fail(message, error_info=error["codexErrorInfo"])
        return fail(error["message"], error_info=error["codexErrorInfo"])

    def _retry(self, params: Message) -> Step:
        error = params["error"]
        status = error["codexErrorInfo"]["responseStreamDisconnected"]["httpStatusCode"]
        return retry(error["message"], http_status=status, details=error["additionalDetails"])


def _outputs(told: list[Message]) -> dict[str, str]:
    """Return what each command wrote, as far as that was told while it ran for the first time."""
    first: dict[str, str] = {}
    outputs: dict[str, str] = {}
    for message in told:
        params = message.get("params") or {}
        if message.get("method") == "item/started" and params["item"]["type"] == "commandExecution":
            first.setdefault(params["item"]["commandActions"][0]["command"], params["item"]["id"])
        elif message.get("method") == "item/commandExecution/outputDelta":
            outputs[params["itemId"]] = outputs.get(params["itemId"], "") + params["delta"]
    return {command: outputs.get(item_id, "") for command, item_id in first.items()}


def _errors_of_prompts(told: list[Message]) -> dict[str, list[list[Message]]]:
    """Return the errors of each turn, by the prompt that began it."""
    errors: dict[str, list[list[Message]]] = {}
    turns: dict[str, list[Message]] = {}
    for message in told:
        params = message.get("params") or {}
        if message.get("method") == "item/completed" and params["item"]["type"] == "userMessage":
            prompt = "\n".join(part.get("text", "") for part in params["item"]["content"])
            turns[params["turnId"]] = []
            errors.setdefault(prompt, []).append(turns[params["turnId"]])
        elif message.get("method") == "error":
            turns.setdefault(params["turnId"], []).append(params)
    return errors
