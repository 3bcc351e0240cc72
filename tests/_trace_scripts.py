"""Plays recorded sessions to the app-server in memory: the client's part as it was, and the model's as its prompts told.

The model of the recorder did what the prompt said: ``SCRIPT:`` and a JSON list of its calls, each a list of actions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import trio
from _peer import Message, Peer, name_of
from _replay import TRACES
from _sameness import UNHEARD
from trio.testing import MockClock

from codex_trio.testing import (
    ScriptedAppServer,
    Step,
    ask_approval,
    ask_question,
    call_tool,
    fail,
    patch,
    raw,
    retry,
    run,
    say,
    think,
    wait,
)
from codex_trio.testing._items import make_agent_message

_FOREVER = 1e6  # seconds
CUT = {
    "interrupts": ('"id": 28, "method": "turn/interrupt"', "interrupts within two milliseconds of the start of a turn"),
    "server_requests": ("proposed_plan", "plans, questions for permissions and MCP servers, which are not imitated"),
    "thread_ops": (
        '"command": "echo in turn"',
        "after a shell command in its turn the model is called once more, for which it has no script",
    ),
    "thread_ops_running": ("thread/queue/add", "there is no queue here"),
    "ws_two_subscribers": ("touch p1", "two commands of one call of the model, which no script can say"),
}
"""Where the replay of a trace ends, and why."""

SKIPPED_TURNS = {
    ("approvals", '"id": 17, "method": "turn/start"'): "it writes into a file what is there already",
    (
        "server_requests",
        '"id": 13, "method": "turn/start"',
    ): "two tools of one call of the model, which no script can say",
    (
        "turn_failures",
        '{\\"status\\": 500}',
    ): "retries of calls that failed before their stream, told as if it had broken off",
    ("turn_failures", "usage_limit_reached"): "the body of the model's error tells codex what it is",
    ("turn_failures", "bad request thing"): "likewise",
    ("turn_failures", "server_is_overloaded"): "likewise",
}
"""What is in the `turn/start` of turns that are left out, each of them the only one of its thread, and why."""

SKIPPED = {
    ("handshake", '"limit": "abc"', '"id": "str-id"'): "params of a wrong type",
    ("overrides", '"modelProvider": "nope"', '"id": 33'): "a model provider that is not configured",
    ("thread_ops_running", '"id": 7, "method": "turn/steer"', "rateLimits"): "a steer while another takes effect",
}
"""What is left out of a trace, from the first line with a mark to the first with another, and why."""

_LATENCY = 0.03  # seconds of the recorder's model
_MOMENT = 1e-6  # seconds
_PATIENCE = 1000.0  # virtual seconds for what was recorded to be said
_PATCH = re.compile(r"\*\*\* Add File: (\S+)\n((?:\+.*\n)*)")
LISTENING = ("ws_approvals_reconnect", "ws_resume_running", "ws_two_subscribers")
"""Traces of servers that listen on a websocket."""

RESTARTED = ("server_death_resume",)
"""Traces of processes, one after another, with the same home."""

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
_UNSAID = re.compile(r".*[dD]elta|mcpServer/startupStatus/updated")


@dataclass(frozen=True)
class Line:
    """One line of a trace."""

    seconds: float
    connection: str
    is_ours: bool
    message: Message  # or text, if it is none
    note: str = ""  # a remark of the recorder, and no message


@dataclass
class Heard:
    """What a connection was told: by the recorded server, and by the one in memory."""

    recorded: list[Message] = field(default_factory=list)
    said: list[Message] = field(default_factory=list)


def read_lines(name: str) -> list[Line]:
    """Return a trace up to where it is cut, without what is skipped."""
    text = TRACES.joinpath(f"{name}.jsonl").read_text().splitlines()
    end = next((number for number, line in enumerate(text) if name in CUT and CUT[name][0] in line), len(text))
    lines = text[:end]
    for trace, first, last in SKIPPED:
        if trace == name:
            begin = next(number for number, line in enumerate(lines) if first in line)
            del lines[begin : next(number for number, line in enumerate(lines) if number > begin and last in line)]
    rows = [json.loads(line) for line in _without_turns(name, lines)]
    return [
        Line(row["t"] / 1000, row.get("conn", ""), row["dir"] == "c2s", row["msg"])
        if row["dir"] != "note"
        else Line(row["t"] / 1000, "", False, {}, row["msg"])
        for row in rows
    ]


def _without_turns(name: str, lines: list[str]) -> Iterator[str]:
    """Yield lines without those of turns that are left out."""
    marks = [mark for trace, mark in SKIPPED_TURNS if trace == name]
    threads: set[str] = set()
    answers: set[str] = set()
    is_in_turn = False
    for line in lines:
        row = json.loads(line)
        message = row["msg"] if isinstance(row["msg"], dict) else {}
        method, params = message.get("method", ""), message.get("params")
        thread_id = params.get("threadId") if isinstance(params, dict) else None
        if method == "turn/start" and any(mark in line for mark in marks):
            threads.add(str(thread_id))
            is_in_turn = True
        is_in_turn = is_in_turn and not (method == "turn/completed" and thread_id in threads)
        if thread_id in threads or (is_in_turn and method == "account/rateLimits/updated"):
            if "id" in message:
                answers.add(f"{row['dir'] != 'c2s'} {message['id']!r}")
        elif method or f"{row['dir'] == 'c2s'} {message.get('id')!r}" not in answers:
            yield line
        else:
            answers.remove(f"{row['dir'] == 'c2s'} {message['id']!r}")


def replay(name: str) -> dict[str, Heard]:
    """Play a trace, and return what was told to each of its connections."""
    replaying = Replaying(read_lines(name), survives=name in LISTENING, remembers=name in RESTARTED)

    async def main() -> None:
        async with trio.open_nursery() as tasks:
            await replaying.play(tasks)
            tasks.cancel_scope.cancel()

    trio.run(main, clock=MockClock(autojump_threshold=0))
    return replaying.heard


def counts(message: Message) -> bool:
    """Whether a message is compared: a message of the protocol, and not a piece of what is told whole."""
    method = str(message.get("method", ""))
    return bool(message.keys() & {"method", "id"}) and method not in UNHEARD and not _UNSAID.fullmatch(method)


class Replaying:
    """Sends what the client sent, each message as long after what the server had said by then as it was.

    Args:
        lines: The trace.
        survives: One server listens, and outlives its clients; else each connection is a process of its own.
        remembers: The processes share their home.

    Attributes:
        heard: What was told, by connection.
    """

    def __init__(self, lines: list[Line], *, survives: bool, remembers: bool) -> None:
        self.heard: dict[str, Heard] = {}
        self._lines = lines
        self._survives = survives
        self._remembers = remembers
        self._server: ScriptedAppServer | None = None
        self._note = ""
        self._acts = Acts(lines)
        self._peers: dict[str, Peer] = {}
        self._names: dict[str, str] = {}  # of the present connection of each label
        self._ids: dict[str, Any] = {}  # what the server in memory calls a thing, by what the recorded one called it
        self._asks: dict[int, int] = {}  # likewise of its requests

    async def play(self, tasks: trio.Nursery) -> None:
        for index, line in enumerate(self._lines):
            if line.note:
                self._note = line.note
            elif isinstance(line.message, str) or not isinstance(line.message, dict):
                await self._peers[self._names[line.connection]].transport.send([_dumped(line.message)])
            elif "CLOSED" in line.message:
                await self._catch_up()
                await self._peers.pop(self._names[line.connection]).transport.aclose()
            elif not line.is_ours:
                if counts(line.message):
                    self.heard[self._names[line.connection]].recorded.append(line.message)
            else:
                await self._catch_up()
                await trio.sleep(line.seconds - self._lines[max(0, index - 1)].seconds)
                if line.connection not in self._names or self._succeeds(index):
                    await self._connect(line.connection, tasks)
                if line.message.get("method") == "turn/start" and self._server is not None:
                    self._server.start_delay = self._start_delay(index)
                await self._peers[self._names[line.connection]].send(self._translated(line.message))
        await self._catch_up(moment=0.0)

    def _start_delay(self, index: int) -> float:
        """Return the seconds from the answer to a `turn/start` of ours to its start."""
        thread_id = self._lines[index].message["params"]["threadId"]
        answer = next(self._answers(index), None)
        started = (
            line.seconds
            for line in self._lines[index:]
            if line.message.get("method") == "turn/started" and line.message["params"]["threadId"] == thread_id
        )
        return 0.003 if answer is None else max(0.0, next(started, answer.seconds) - answer.seconds)

    def _answers(self, index: int) -> Iterator[Line]:
        ours = self._lines[index]
        for line in self._lines[index:]:
            is_answer = not line.is_ours and "method" not in line.message
            if is_answer and (line.connection, line.message.get("id")) == (ours.connection, ours.message.get("id")):
                yield line

    def _succeeds(self, index: int) -> bool:
        """Whether a line of ours is an `initialize` that succeeds, and so the first of its process."""
        ours = self._lines[index].message
        if ours.get("method") != "initialize" or not self._names:
            return False
        answer = next(self._answers(index), None)
        return answer is not None and "result" in answer.message

    async def _connect(self, label: str, tasks: trio.Nursery) -> None:
        if not self._survives:
            if self._server is not None and self._note in ("case SIGINT", "case SIGKILL"):
                self._server.exit(-9)
            for peer in self._peers.values():
                await peer.transport.aclose()
            self._peers.clear()
        if self._server is None or not (self._survives or self._remembers):
            self._server = ScriptedAppServer(tasks if self._survives else None)
            self._server.default(self._acts.steps)
            for command, item in self._acts.shell.items():
                self._server.on_shell(command, output=item["aggregatedOutput"] or "", exit_code=item["exitCode"])
        name = self._names[label] = f"{label or 'client'} {len(self.heard) + 1}"
        self.heard[name] = Heard()
        self._peers[name] = Peer(self._server.transport())
        await self._peers[name].transport.open(tasks)

    async def _catch_up(self, *, moment: float = _MOMENT) -> None:
        for connection, peer in self._peers.items():
            heard = self.heard[connection]
            with trio.move_on_after(_PATIENCE) as scope:
                while True:
                    if len(heard.said) >= len(heard.recorded):
                        scope.deadline = trio.current_time() + moment  # for what is on its way
                    message = await peer.next()
                    if counts(message):
                        heard.said.append(message)
            self._learn(heard)

    def _learn(self, heard: Heard) -> None:
        said = dict(_keyed(heard.said))
        for key, recorded in _keyed(heard.recorded):
            self._match(recorded, said.get(key))
            if "id" in recorded and "method" in recorded and key in said:
                self._asks[recorded["id"]] = said[key]["id"]

    def _match(self, recorded: Any, said: Any) -> None:
        if isinstance(recorded, Mapping) and isinstance(said, Mapping):
            for key in recorded.keys() & said.keys():
                self._match(recorded[key], said[key])
        elif isinstance(recorded, list) and isinstance(said, list):
            for one, other in zip(recorded, said, strict=False):
                self._match(one, other)
        elif isinstance(recorded, str) and isinstance(said, str) and recorded != said:
            self._ids.setdefault(recorded, said)

    def _translated(self, value: Any) -> Any:
        if isinstance(value, Mapping) and value.keys() & {"result", "error"}:
            value = {**value, "id": self._asks.get(value["id"], value["id"])}
        if isinstance(value, Mapping) and value.get("method") in ("thread/start", "thread/resume", "thread/fork"):
            value = {**value, "params": {"sandbox": "read-only", **value["params"]}}  # as the recorder's config said
        if isinstance(value, Mapping):
            return {key: self._translated(one) for key, one in value.items()}
        if isinstance(value, list):
            return [self._translated(one) for one in value]
        return self._ids.get(value, value) if isinstance(value, str) else value


def _dumped(what: Any) -> bytes:
    return (what if isinstance(what, str) else json.dumps(what)).encode()


def _keyed(messages: list[Message]) -> Iterator[tuple[Any, Message]]:
    """Yield messages, each with what the other server's message of the same meaning has in common with it."""
    numbers: dict[str, int] = {}
    for message in messages:
        name = name_of(message) if "method" in message else f"answer {message['id']}"
        numbers[name] = numbers.get(name, 0) + 1
        yield (name, numbers[name]), message


class Acts:
    """What the recorder's model did, in the words of scripts."""

    def __init__(self, lines: list[Line]) -> None:
        told = [line.message for line in lines if not line.is_ours and not line.note]
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
                case {"call": "exec_command", "args": {"cmd": command}}:
                    yield self._command(command, act["args"])
                case {"call": "request_user_input", "args": {"questions": [asked]}}:
                    options = {option["label"]: option["description"] for option in asked["options"]}
                    yield ask_question(asked["question"], options, question_id=asked["id"], header=asked["header"])
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

    def _command(self, command: str, more: Message) -> Step:
        if found := _PATCH.search(command):
            return patch(found[1], found[2].replace("+", ""))
        item = next((one for line, one in self._commands.items() if command in line.replace("\\", "")), None)
        known: dict[str, Any] = {"output": self._outputs.get(command, ""), "exit_code": 0, "seconds": _FOREVER}
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
