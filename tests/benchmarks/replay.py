"""What the replay server says: messages in the shapes of a recorded session, written as bytes beforehand."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, zip_longest
from pathlib import Path
from typing import Any

from .replay_server import THREAD, TURN, thread_id, turn_id

_ROOT = Path(__file__).parent.parent.parent
_TRACE = _ROOT / "tests" / "traces" / "version_0.163.0.jsonl"
_EMITTED = 1795402989000
_KINDS = ("agentMessage", "commandExecution", "agentMessage", "reasoning")  # from the last item backwards
_PREFIXES = {"agentMessage": "msg_", "commandExecution": "call_", "reasoning": "rs_"}
_DELTAS = {
    "agentMessage": "item/agentMessage/delta",
    "commandExecution": "item/commandExecution/outputDelta",
    "reasoning": "item/reasoning/summaryTextDelta",
}
_WORDS = ("The", " hinges", " of", " the", " door", " were", " oiled", ",", " and", " it", " still", ' "squeaks".\n')
_NO_THREADS: dict[str, Any] = {"data": [], "readStates": {}, "nextCursor": None, "backwardsCursor": None}
_PROGRAM = """\
#!{python} -IS
import sys

sys.path.insert(0, {root!r})
sys.argv.insert(1, {folder!r})
from {package}.replay_server import main

main()
"""


@dataclass(frozen=True, slots=True)
class Turns:
    """What to play: rounds of turns.

    Attributes:
        at_once: Turns of a round, each on its own thread, their events one by one in turn.
        rounds: How many rounds, one after another on the same threads.
        deltas: Of each turn.
        items: Of each turn, beside the user's message; at least one.
        long_line: Characters of the output of one more command; 0 for none.
        is_endless: Only items and deltas that begin, the deltas over and over; a turn ends when it is interrupted.
        silent: Of an endless round, turns that have no deltas; the last ones.
    """

    at_once: int = 1
    rounds: int = 1
    deltas: int = 0
    items: int = 1
    long_line: int = 0
    is_endless: bool = False
    silent: int = 0

    @property
    def final_text(self) -> str:
        """The text of the last message of each turn."""
        return "".join(self.words(self.items - 1))

    def words(self, item: int) -> list[str]:
        """Return the deltas of an item; the last one has what cannot be shared evenly."""
        count = self.deltas // self.items + (self.deltas % self.items if item == self.items - 1 else 0)
        return [_WORDS[number % len(_WORDS)] for number in range(count)]

    @property
    def steps(self) -> int:
        """Finished steps of each turn."""
        return self.items + bool(self.long_line)


class Shapes:
    """The messages of the recorded session, by method and kind of item, compact as the server writes them."""

    def __init__(self) -> None:
        rows = [json.loads(line) for line in _TRACE.read_text("utf-8").splitlines()]
        asked = {
            row["msg"]["id"]: row["msg"]["method"]
            for row in rows
            if row["dir"] == "c2s" and {"id", "method"} <= {*row["msg"]}
        }
        self._events: dict[tuple[str, str], Any] = {}
        self._results: dict[str, Any] = {}
        for message in (row["msg"] for row in rows if row["dir"] == "s2c"):
            if "method" in message:
                kind = message["params"].get("item", {}).get("type", "")
                self._events.setdefault((message["method"], kind), message)
            elif "result" in message:
                self._results.setdefault(asked[message["id"]], message["result"])
        self._results |= {"thread/resume": self._results["thread/start"], "thread/list": _NO_THREADS}
        self._ids = {
            self._results["thread/start"]["thread"]["id"]: THREAD.decode(),
            self._results["turn/start"]["turn"]["id"]: TURN.decode(),
        }

    @property
    def answers(self) -> dict[str, bytes]:
        """The result of each method."""
        return {method: self._dump(result) for method, result in self._results.items()}

    def event(self, method: str, kind: str = "", /, **fields: Any) -> bytes:
        """Return a notification, with fields of its item, its turn or its params replaced."""
        message = json.loads(json.dumps(self._events[method, kind]))
        message["emittedAtMs"] = _EMITTED
        params = message["params"]
        (params.get("item") or params.get("turn") or params).update(fields)
        return self._dump(message)

    def _dump(self, value: Any) -> bytes:
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        for recorded, ours in self._ids.items():
            text = text.replace(recorded, ours)
        return text.encode()

    def beginning(self) -> list[bytes]:
        """Return what a turn begins with."""
        events = [self.event("thread/status/changed"), self.event("turn/started")]
        return events + [self.event(method, "userMessage") for method in ("item/started", "item/completed")]

    def item(self, number: int, turns: Turns) -> list[bytes]:
        """Return the events of an item: it starts, grows by its deltas, and is completed."""
        is_last = number == turns.items - 1
        kind = _KINDS[(turns.items - 1 - number) % len(_KINDS)]
        id_, words = _item_id(kind, number), turns.words(number)
        text = "".join(words)
        started: dict[str, Any] = {"id": id_}
        completed = dict(started)
        if kind == "agentMessage":
            started["phase"] = completed["phase"] = "final_answer" if is_last else "commentary"
            completed["text"] = text
        elif kind == "commandExecution":
            completed["aggregatedOutput"] = text
        else:
            completed["summary"] = [text]
        deltas = {word: self.event(_DELTAS[kind], itemId=id_, delta=word) for word in dict.fromkeys(words)}
        return [
            self.event("item/started", kind, **started),
            *(deltas[word] for word in words),
            self.event("item/completed", kind, **completed),
        ]

    def long_item(self, size: int) -> bytes:
        """Return a command that is completed with so many characters of output."""
        return self.event("item/completed", "commandExecution", aggregatedOutput=("x" * 79 + "\n") * (size // 80))

    def end(self, turns: Turns, status: str = "completed") -> list[bytes]:
        """Return what a turn ends with."""
        items = []
        if status == "completed":
            items = [json.loads(self.item(turns.items - 1, turns)[-1])["params"]["item"]]
        return [
            self.event("thread/status/changed", status={"type": "idle"}),
            self.event("turn/completed", status=status, items=items),
        ]


def _item_id(kind: str, number: int) -> str:
    # As long as those of the Responses API, which the model of the recorded session did not imitate.
    return _PREFIXES[kind] + f"{0x68A1B2C3D4E5F60718293A4B5C6D7E8F90A1B2C3D4E5F60718 + number:050x}"


def _turn(shapes: Shapes, turns: Turns) -> list[bytes]:
    messages = shapes.beginning()
    for number in range(turns.items):
        messages += shapes.item(number, turns)
    if turns.long_line:
        messages.append(shapes.long_item(turns.long_line))
    messages += [shapes.event(method) for method in ("thread/tokenUsage/updated", "account/rateLimits/updated")]
    return messages + shapes.end(turns)


def _named(messages: Iterable[bytes], thread: int, turn: int) -> list[bytes]:
    """Give messages the ids of a turn, and times."""
    ids, emitted = (thread_id(thread), turn_id(thread, turn)), b"%d" % _EMITTED
    return [
        message.replace(THREAD, ids[0]).replace(TURN, ids[1]).replace(emitted, b"%d" % (_EMITTED + at // 4))
        for at, message in enumerate(messages)
    ]


def _in_turn(of_turns: Sequence[Sequence[bytes]]) -> list[bytes]:
    return [message for message in chain.from_iterable(zip_longest(*of_turns)) if message is not None]


def _rounds(shapes: Shapes, turns: Turns) -> list[list[bytes]]:
    threads = range(turns.at_once)
    if turns.is_endless:
        head, item = shapes.beginning(), shapes.item(0, turns)
        beginnings = [_named([*head, item[0]], thread, 0) for thread in threads]
        deltas = [_named(item[1:-1], thread, 0) for thread in threads[: turns.at_once - turns.silent]]
        return [_in_turn(beginnings), _in_turn(deltas)]
    messages = _turn(shapes, turns)
    return [_in_turn([_named(messages, thread, number) for thread in threads]) for number in range(turns.rounds)]


def prepare(folder: Path, turns: Turns) -> tuple[Path, int, int]:
    """Write the server and what it says into a folder.

    Returns:
        Its program, and how many events it will send, in how many bytes.
    """
    shapes = Shapes()
    rounds = _rounds(shapes, turns)
    data = [b"".join(message + b"\n" for message in messages) for messages in rounds]
    (folder / "events").write_bytes(b"".join(data))
    numbers = (turns.at_once, int(turns.is_endless), *accumulate(len(events) for events in data))
    plan = [" ".join(str(number) for number in numbers).encode()]
    plan += [b"answer\t" + method.encode() + b"\t" + result for method, result in shapes.answers.items()]
    plan += [b"sequel\tturn/interrupt\t" + message for message in shapes.end(turns, "interrupted")]
    (folder / "plan").write_bytes(b"\n".join(plan))
    program = folder / "codex"
    python = os.path.realpath(sys.executable)
    program.write_text(
        _PROGRAM.format(python=python, root=str(_ROOT), folder=str(folder), package=__package__), encoding="utf-8"
    )
    program.chmod(0o755)
    return program, sum(len(messages) for messages in rounds), sum(len(events) for events in data)
