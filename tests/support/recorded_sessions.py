"""Plays recorded sessions to the app-server in memory: the client's part as it was, and the model's by a script."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import trio
from trio.testing import MockClock

from codex_trio.testing import ScriptedAppServer
from tests.support.folders import TRACES
from tests.support.normalized_traffic import UNHEARD
from tests.support.raw_client import Message, RawClient, name_of
from tests.support.recorded_session_scripts import Acts
from tests.support.traces import Row, rows_of
from tests.support.versions import Versions, version_of_trace

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
"""The mark of the line before which the replay of a trace ends, and why."""

CHANGED = {
    "overrides": ('"outputSchema": "not a schema"', '"outputSchema": null', "the recorded model took any schema"),
}
"""What is in a line of a trace, what the replay has in its place, and why."""

SKIPPED_TURNS = {
    ("approvals", '"id": 17, "method": "turn/start"'): "it writes into a file what is there already",
    ("server_requests", '"id": 13, "method": "turn/start"'): "two tools of one call of the model",
    ("turn_failures", '{\\"status\\": 500}'): "retries of calls that failed before their stream",
    ("turn_failures", "usage_limit_reached"): "the body of the model's error tells codex what it is",
    ("turn_failures", "bad request thing"): "likewise",
    ("turn_failures", "server_is_overloaded"): "likewise",
}
"""What is in the `turn/start` of turns that are left out, each of them the only one of its thread, and why."""

SKIPPED = {
    ("handshake", '"limit": "abc"'): "a number of a wrong type",
    ("handshake", '"params": [1]'): "params that are a list",
    ("overrides", '"modelProvider": "nope"'): "a model provider that is not configured",
    ("thread_ops_running", '"id": 7, "method": "turn/steer"'): "a steer while another takes effect",
}
"""What is in the requests that are left out, and why."""

LISTENING = ("ws_approvals_reconnect", "ws_resume_running", "ws_two_subscribers")
"""Traces of servers that listen on a websocket."""

RESTARTED = ("server_death_resume",)
"""Traces of processes, one after another, with the same home."""

_WITH_SANDBOX = Versions(until="0.171")  # traces of these were recorded with `sandbox_mode = "read-only"` in the config
_MOMENT = 1e-6  # seconds
_PATIENCE = 1000.0  # virtual seconds for what was recorded to be said
_UNSAID = re.compile(r".*[dD]elta|mcpServer/startupStatus/updated")


@dataclass
class Heard:
    """What a connection was told: by the recorded server, and by the one in memory."""

    recorded: list[Message] = field(default_factory=list)
    said: list[Message] = field(default_factory=list)


def read_session(name: str) -> list[Row]:
    """Return a trace up to where it is cut, without what is skipped."""
    lines = TRACES.joinpath(f"{name}.jsonl").read_text().splitlines()
    if name in CHANGED:
        lines = [line.replace(*CHANGED[name][:2]) for line in lines]
    end = next((number for number, line in enumerate(lines) if name in CUT and CUT[name][0] in line), len(lines))
    return list(rows_of(_without_skipped(name, lines[:end])))


def _without_skipped(name: str, lines: list[str]) -> Iterator[str]:
    requests = [mark for trace, mark in SKIPPED if trace == name]
    turns = [mark for trace, mark in SKIPPED_TURNS if trace == name]
    threads: set[str] = set()
    answers: set[tuple[bool, Any]] = set()
    is_in_turn = False
    for line, row in zip(lines, rows_of(lines), strict=True):
        message = row.message if isinstance(row.message, dict) else {}
        method, params = message.get("method", ""), message.get("params")
        thread_id = params.get("threadId") if isinstance(params, dict) else None
        if method == "turn/start" and any(mark in line for mark in turns):
            threads.add(str(thread_id))
            is_in_turn = True
        is_in_turn = is_in_turn and not (method == "turn/completed" and thread_id in threads)
        is_skipped = row.is_ours and any(mark in line for mark in requests)
        if is_skipped or thread_id in threads or (is_in_turn and method == "account/rateLimits/updated"):
            if "id" in message:
                answers.add((not row.is_ours, message["id"]))
        elif method or (row.is_ours, message.get("id")) not in answers:
            yield line
        else:
            answers.remove((row.is_ours, message["id"]))


def replay(name: str) -> dict[str, Heard]:
    """Play a trace, and return what was told to each of its connections."""
    replaying = Replaying(
        read_session(name),
        survives=name in LISTENING,
        remembers=name in RESTARTED,
        sandbox="read-only" if version_of_trace(name) in _WITH_SANDBOX else None,
    )

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
        rows: The trace.
        survives: One server listens, and outlives its clients; else each connection is a process of its own.
        remembers: The processes share their home.
        sandbox: The sandbox of threads that are opened without one.

    Attributes:
        heard: What was told, by connection.
    """

    def __init__(self, rows: list[Row], *, survives: bool, remembers: bool, sandbox: str | None) -> None:
        self.heard: dict[str, Heard] = {}
        self._rows = rows
        self._survives = survives
        self._remembers = remembers
        self._sandbox = sandbox
        self._server: ScriptedAppServer | None = None
        self._note = ""
        self._acts = Acts([row.message for row in rows if not row.is_ours])
        self._peers: dict[str, RawClient] = {}
        self._names: dict[str, str] = {}  # of the present connection of each label
        self._ids: dict[str, Any] = {}  # what the server in memory calls a thing, by what the recorded one called it
        self._asks: dict[int, int] = {}  # likewise of its requests

    async def play(self, tasks: trio.Nursery) -> None:
        for index, row in enumerate(self._rows):
            if not isinstance(row.message, dict):
                await self._peers[self._names[row.connection]].transport.send([_dumped(row.message)])
            elif "NOTE" in row.message:
                self._note = row.message["NOTE"]
            elif "CLOSED" in row.message:
                await self._catch_up()
                await self._peers.pop(self._names[row.connection]).transport.aclose()
            elif not row.is_ours:
                if counts(row.message):
                    self.heard[self._names[row.connection]].recorded.append(row.message)
            else:
                await self._catch_up()
                await trio.sleep(row.seconds - self._rows[max(0, index - 1)].seconds)
                if row.connection not in self._names or self._succeeds(index):
                    await self._connect(row.connection, tasks)
                if row.message.get("method") == "turn/start" and self._server is not None:
                    self._server.start_delay = self._start_delay(index)
                await self._peers[self._names[row.connection]].send(self._translated(row.message))
        await self._catch_up()

    def _start_delay(self, index: int) -> float:
        """Return the seconds from the answer to a `turn/start` of ours to its start."""
        thread_id = self._rows[index].message["params"]["threadId"]
        answer = next(self._answers(index), None)
        started = (
            row.seconds
            for row in self._rows[index:]
            if row.message.get("method") == "turn/started" and row.message["params"]["threadId"] == thread_id
        )
        return 0.003 if answer is None else max(0.0, next(started, answer.seconds) - answer.seconds)

    def _answers(self, index: int) -> Iterator[Row]:
        ours = self._rows[index]
        for row in self._rows[index:]:
            is_answer = not row.is_ours and "method" not in row.message
            if is_answer and (row.connection, row.message.get("id")) == (ours.connection, ours.message.get("id")):
                yield row

    def _succeeds(self, index: int) -> bool:
        """Whether a line of ours is an `initialize` that succeeds, and so the first of its process."""
        ours = self._rows[index].message
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
        self._peers[name] = RawClient(self._server.transport())
        await self._peers[name].transport.open(tasks)

    async def _catch_up(self) -> None:
        for connection, peer in self._peers.items():
            heard = self.heard[connection]
            with trio.move_on_after(_PATIENCE) as scope:
                while True:
                    if len(heard.said) >= len(heard.recorded):
                        scope.deadline = trio.current_time() + _MOMENT  # for what is on its way
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
            value = {**value, "params": {"sandbox": self._sandbox, **value["params"]}}
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
