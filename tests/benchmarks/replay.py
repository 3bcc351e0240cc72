"""What the replay server says: messages in the shapes of a recorded session, written as bytes beforehand."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

from . import replay_server
from .replay_server import THREAD, TURN

_TRACE = Path(__file__).parent.parent / "traces" / "version_0.163.0.jsonl"
_ITEM, _EMITTED = b"01a20000-802c-7492-bcd5-6ebd359543ad", b"1795402989000"
_WORDS = (
    "The",
    " hinges",
    " of",
    " the",
    " door",
    " were",
    " oiled",
    ",",
    " and",
    " it",
    " squeaks",
    ' "no',
    ' more".',
    "\n",
)
_KINDS = ("agentMessage", "commandExecution", "agentMessage", "reasoning")  # from the last item backwards
_PREFIXES = {"agentMessage": b"msg_", "commandExecution": b"call_", "reasoning": b"rs_"}
_NO_THREADS: dict[str, Any] = {"data": [], "readStates": {}, "nextCursor": None, "backwardsCursor": None}
_DELTAS = {
    "agentMessage": "item/agentMessage/delta",
    "commandExecution": "item/commandExecution/outputDelta",
    "reasoning": "item/reasoning/summaryTextDelta",
}


@dataclass(frozen=True, slots=True)
class Turns:
    """What to play: rounds of turns.

    Attributes:
        at_once: Turns of a round, each on its own thread, their events one by one in turn.
        rounds: How many rounds, one after another on the same threads.
        deltas: Of each turn.
        items: Of each turn, beside the user's message; at least one.
        long_line: Characters of output of the command that is put before the last item; 0 for none.
        is_endless: The deltas never end, and a turn ends when it is interrupted.
    """

    at_once: int = 1
    rounds: int = 1
    deltas: int = 0
    items: int = 1
    long_line: int = 0
    is_endless: bool = False


class Shapes:
    """The messages of the recorded session, by method and kind of item, compact as the server writes them."""

    def __init__(self) -> None:
        rows = [json.loads(line) for line in _TRACE.read_text("utf-8").splitlines()]
        asked = {
            row["msg"]["id"]: row["msg"]["method"]
            for row in rows
            if row["dir"] == "c2s" and "id" in row["msg"] and "method" in row["msg"]
        }
        self._events: dict[tuple[str, str], Any] = {}
        self.results: dict[str, Any] = {}
        for message in (row["msg"] for row in rows if row["dir"] == "s2c"):
            if "method" in message:
                kind = message["params"].get("item", {}).get("type", "")
                self._events.setdefault((message["method"], kind), message)
            elif "result" in message:
                self.results.setdefault(asked[message["id"]], message["result"])
        self._ids = {
            self.results["thread/start"]["thread"]["id"]: THREAD.decode(),
            self.results["turn/start"]["turn"]["id"]: TURN.decode(),
        }

    def event(self, method: str, kind: str = "", **item: Any) -> bytes:
        """Return a notification, with fields of its item or its params replaced."""
        message = json.loads(json.dumps(self._events[method, kind]))
        message["emittedAtMs"] = int(_EMITTED)
        (message["params"].get("item") or message["params"]).update(item)
        return self.dump(message)

    def dump(self, value: Any) -> bytes:
        """Write it with the ids that are replaced later."""
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        for recorded, ours in self._ids.items():
            text = text.replace(recorded, ours)
        return text.encode()


def _item_id(kind: str, number: int) -> bytes:
    # As long as those of the Responses API, which the recorded model did not imitate.
    return _PREFIXES[kind] + b"%050x" % (0x68A1B2C3D4E5F60718293A4B5C6D7E8F90A1B2C3D4E5F60718 + number)


def turn_messages(shapes: Shapes, turns: Turns, thread: int, number: int) -> list[bytes]:
    """Return the notifications of one turn."""
    messages = [shapes.event("thread/status/changed"), shapes.event("turn/started")]
    messages += [shapes.event(method, "userMessage") for method in ("item/started", "item/completed")]
    for index in range(turns.items):
        kind = _KINDS[(turns.items - 1 - index) % len(_KINDS)]
        is_last = index == turns.items - 1
        count = turns.deltas // turns.items + (turns.deltas % turns.items if is_last else 0)
        messages += _item_messages(shapes, kind, _item_id(kind, index), count, is_last)
        if turns.long_line and not is_last:
            output = ("x" * 79 + "\n") * (turns.long_line // 80)
            messages.append(shapes.event("item/completed", "commandExecution", aggregatedOutput=output))
    if not turns.is_endless:
        messages += [shapes.event(method) for method in ("thread/tokenUsage/updated", "account/rateLimits/updated")]
        messages += [shapes.event("thread/status/changed", status={"type": "idle"}), _completed(shapes, turns)]
    ids = replay_server.thread_id(thread), replay_server.turn_id(thread, number)
    return [
        message.replace(THREAD, ids[0]).replace(TURN, ids[1]).replace(_EMITTED, b"%d" % (int(_EMITTED) + at // 4))
        for at, message in enumerate(messages)
    ]


def _item_messages(shapes: Shapes, kind: str, item_id: bytes, deltas: int, is_last: bool) -> list[bytes]:
    words = [_WORDS[number % len(_WORDS)] for number in range(deltas)]
    text = "".join(words)
    started: dict[str, Any] = {"id": item_id.decode()}
    completed = dict(started)
    if kind == "agentMessage":
        started["phase"] = completed["phase"] = "final_answer" if is_last else "commentary"
        completed["text"] = text
    elif kind == "commandExecution":
        completed["aggregatedOutput"] = text
    else:
        completed["summary"] = [text]
    deltas_by_word = {
        word: shapes.event(_DELTAS[kind], itemId=item_id.decode(), delta=word) for word in dict.fromkeys(words)
    }
    return [
        shapes.event("item/started", kind, **started),
        *(deltas_by_word[word] for word in words),
        shapes.event("item/completed", kind, **completed),
    ]


def _completed(shapes: Shapes, turns: Turns) -> bytes:
    message = json.loads(shapes.event("turn/completed"))
    last_id = _item_id("agentMessage", turns.items - 1).decode()
    message["params"]["turn"]["items"][0].update(id=last_id, text=final_text(turns))
    return shapes.dump(message)


def final_text(turns: Turns) -> str:
    """Return the text of the last message of each turn."""
    count = turns.deltas // turns.items + turns.deltas % turns.items
    return "".join(_WORDS[number % len(_WORDS)] for number in range(count))


def prepare(folder: Path, turns: Turns) -> tuple[int, int]:
    """Write the server, as the program ``codex``, and what it says into a folder; return its events and their bytes."""
    shapes = Shapes()
    count, rounds = 0, list[bytes]()
    for number in range(turns.rounds):
        of_turns = [turn_messages(shapes, turns, thread, number) for thread in range(turns.at_once)]
        messages = [message for message in chain.from_iterable(zip_longest(*of_turns)) if message is not None]
        count += len(messages)
        rounds.append(b"".join(message + b"\n" for message in messages))
    ends = [sum(len(events) for events in rounds[: number + 1]) for number in range(len(rounds))]
    results = {**shapes.results, "thread/resume": shapes.results["thread/start"], "thread/list": _NO_THREADS}
    plan = [" ".join(str(number) for number in (turns.at_once, int(turns.is_endless), *ends)).encode()]
    plan += [method.encode() + b"\t" + shapes.dump(result) for method, result in results.items()]
    (folder / "plan").write_bytes(b"\n".join(plan))
    (folder / "events").write_bytes(b"".join(rounds))
    program = folder / "codex"
    source = Path(replay_server.__file__).read_text("utf-8")
    program.write_text(f"#!{os.path.realpath(sys.executable)} -IS\n{source}", "utf-8")
    program.chmod(0o755)
    return count, ends[-1] if ends else 0
