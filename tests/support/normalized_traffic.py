"""Normalize traffic for comparison: number ids by first appearance, drop times, paths and versions."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tests.support.versions import NEWEST, Versions

Message = dict[str, Any]

UNTOLD = {
    "developer_instructions": "what codex tells the model in plan mode",
    "emittedAtMs": "when it was sent",
    "originator": "the first client of the process, whoever starts the thread",
    "serviceTier": "null, or default once the server has read the thread from disk",
}
"""Fields that are left out, and why."""

MASKED = {
    "agent_nickname": "chosen at random",
    "backwardsCursor": "a cursor is the server's own business",
    "cliVersion": "the version",
    "codexHome": "a place",
    "itemsBackwardsCursor": "a cursor",
    "modelContextWindow": "of the model",
    "nextCursor": "a cursor",
    "processId": "of the operating system",
    "serverName": "of the machine",
    "turnsBackwardsCursor": "a cursor",
    "userAgent": "the version, and the machine",
    "version": "of a file",
}
"""Fields whose values are not compared, but for whether there is one, and why."""

SYNONYMS = {
    ("status", "running"): ("pendingInit", "of a sub-agent that has just been started"),
    ("exitCode", 137): (-1, "of a command that was killed: its own exit code, if codex learns that first"),
    ("exitCode", 1): (-1, "likewise of a command in a terminal; no command of the contract ends with 1 by itself"),
}
"""Values that mean the same as another, by the name of their field, and why."""

UNHEARD = {
    "configWarning": "about the machine",
    "warning": "codex knows no model of that name",
    "item/commandExecution/outputDelta": "the real server leaves some out; the whole output is in item/completed",
}
"""Notifications that are left out, and why."""

ANSWER, NEW_TURN, UNLOADED = "an answer", "the answer to turn/start", "the status notLoaded"
RESOLVED = "serverRequest/resolved"
RACES = {
    (ANSWER, "thread/started"): "the answer to another request, which was sent before that was told",
    ("thread/tokenUsage/updated", ANSWER): "an interrupt is answered before or after it is told what the call has used",
    ("account/rateLimits/updated", ANSWER): "likewise",
    ("thread/readState/changed", ANSWER): "likewise",
    ("thread/settings/updated", ANSWER): "a turn that changes settings is answered before or after that is told",
    ("thread/settings/updated", NEW_TURN): "likewise",
    (NEW_TURN, "turn/started"): "seen with 0.169: the turn of an ephemeral thread started before it was answered",
    (NEW_TURN, "thread/status/changed"): "likewise",
    ("thread/readState/changed", "thread/status/changed"): "seen in both orders",
    ("thread/status/changed", UNLOADED): "an archived thread is unloaded before or after its turn has ended",
    ("turn/completed", UNLOADED): "likewise",
    (
        "item/completed commandExecution",
        "thread/status/changed",
    ): "of a command that was not allowed: seen in both orders",
}
"""Neighbours whose order hangs on which of the server's tasks is faster, and why. They are put into this order."""

REPEATED = {UNLOADED: "an archived thread is told once or twice to be unloaded: seen with 0.169"}
"""What counts once when it is told twice in a row, and why."""

SHELL = ("/bin/bash -lc ", "/bin/bash -c ")
"""In the home of a scripted model no login shell is allowed, so that the user's own profile is not run."""

OLDER_FIELDS: dict[str, tuple[Versions, str]] = {
    "account/updated reason": (Versions("0.171"), "not there yet"),
    "aggregatedOutput": (Versions("0.163"), "of a short command: sometimes null, although it wrote something"),
    "attachedToThreadId": (Versions("0.169"), "of a thread: not there yet"),
    "collaborationMode": (Versions("0.163"), "of a thread that is resumed: not there yet"),
    "completedAtMs": (Versions("0.166"), "of an item: not there yet"),
    "contentTokenCount": (Versions("0.168"), "of a completed item: not there yet"),
    "disabledPluginIds": (Versions("0.163"), "of a thread's settings: not there yet"),
    "environments": (Versions("0.169"), "of a thread's settings: not there yet"),
    "historyMode": (Versions("0.163"), "of an ephemeral thread: legacy"),
    "moderation": (Versions("0.169"), "of an agent's message: not there yet"),
    "personality": (Versions("0.163"), "of a thread's settings: pragmatic, unless told"),
    "preview": (Versions("0.169"), "of a fork, and of a thread that was reverted: what is said next"),
    "readState": (Versions("0.163"), "of a thread: not there yet"),
    "readStates": (Versions("0.163"), "of a list of threads: not there yet"),
    "rootTurnId": (Versions("0.163"), "of a turn: not there yet"),
    "startedAtMs": (Versions("0.166"), "of an item: not there yet"),
    "userId": (Versions("0.169"), "of the account: not there yet"),
    "workspaceRouting": (Versions("0.163"), "of the account: not there yet"),
}
"""Fields, some of them only in a method's params, in which older servers differ from the newest: which, and how."""

OLDER_NOTIFICATIONS: dict[str, tuple[Versions, str]] = {
    "account/rateLimits/updated": (Versions("0.163"), "not always sent for a call that was interrupted"),
    "thread/readState/changed": (Versions("0.171"), "sent to subscribers only; not there yet before 0.163"),
    "thread/tokenUsage/updated": (Versions("0.163"), "not always sent for a call that was interrupted"),
}
"""Notifications in which older servers differ from the newest, and how. They are left out."""

OLDER_REPETITIONS: dict[str, tuple[Versions, str]] = {
    "turn/diff/updated": (
        Versions("0.171"),
        "told again with each thread/tokenUsage/updated, not before the turn's end",
    ),
}
"""Notifications that older servers tell again at other times than the newest, and so count once."""

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b(?:msg|rs|call|fc)_[\w-]+")
_METHODS = re.compile(r"(?<=expected one of )`initialize`, .*")  # that a server knows
_ROLLOUT = re.compile(r"[^\"\s]*/rollout-[^\"\s]*\.jsonl")
_SESSION = re.compile(r"(?<=--session-id )\d+")
_TIMES = re.compile(r".*At(Ms)?|durationMs")


class Names:
    """Makes what two servers say comparable.

    Args:
        places: Names for parts of strings, such as folders.
        version: The version to compare with; that in which it differs from the newest is left out.
    """

    def __init__(self, places: Mapping[str, str] | None = None, version: str = NEWEST) -> None:
        self._places = places or {}
        self._untold = UNTOLD.keys() | {name for name, (versions, _) in OLDER_FIELDS.items() if version in versions}
        self._unheard = UNHEARD.keys() | {
            name for name, (versions, _) in OLDER_NOTIFICATIONS.items() if version in versions
        }
        self._repeated = {name for name, (versions, _) in OLDER_REPETITIONS.items() if version in versions}
        self._ids: dict[str, str] = {}

    def told(self, messages: Iterable[Message]) -> list[str]:
        """Return one line for each message that counts."""
        counting = [message for message in messages if message.get("method") not in self._unheard]
        return [self.line(message) for message in without_races(self._as_the_older(counting))]

    def line(self, value: Any) -> str:
        return json.dumps(self.of(value), sort_keys=True, ensure_ascii=False)

    def of(self, value: Any, key: str = "") -> Any:
        """Return a JSON value with names in place of what is not comparable."""
        if isinstance(value, Mapping):
            if "id" in value and "method" in value:
                value = {**value, "id": self._ask(value["id"])}
            return {self._text(one): self.of(value[one], one) for one in sorted(value) if one not in self._untold}
        if isinstance(value, (list, tuple)):
            return [self.of(one, key) for one in value]
        if key == "requestId":
            return self._ask(value)
        if value is not None and key in MASKED:
            return f"<{key}>"
        if isinstance(value, (int, str)) and (key, value) in SYNONYMS:
            return SYNONYMS[key, value][0]
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, int) and _TIMES.fullmatch(key):
            return "<time>"
        if isinstance(value, int) and key.endswith("Tokens"):
            return "<tokens>"
        return value

    def _as_the_older(self, messages: Iterable[Message]) -> Iterator[Message]:
        """Yield messages without what the older of the two servers says at other times, or without some of its fields."""
        latest: dict[Any, Any] = {}
        for message in messages:
            method, params = message.get("method", ""), message.get("params") or {}
            if method in self._repeated:
                turn = (method, params["turnId"])
                if latest.get(turn) == params:
                    continue
                latest[turn] = params
            left_out = [name for name in params if f"{method} {name}" in self._untold]
            if left_out:
                message = {**message, "params": {name: params[name] for name in params if name not in left_out}}
            yield message

    def _ask(self, ask_id: Any) -> str:
        return self._name(f"ask {ask_id}")

    def _text(self, text: str) -> str:
        text = _SESSION.sub("<session>", text)
        text = _METHODS.sub("<the methods>", _ROLLOUT.sub("<rollout>", text)).replace(*SHELL)
        for place, name in self._places.items():
            text = text.replace(place, name)
        return _ID.sub(lambda found: self._name(found[0]), text)

    def _name(self, of_server: str) -> str:
        return self._ids.setdefault(of_server, f"#{len(self._ids) + 1}")


def without_races(messages: Iterable[Message]) -> list[Message]:
    """Return messages in an order that does not hang on which of the server's tasks was faster, without repetitions."""
    settled: list[Message] = []
    for message in messages:
        if settled and _kind(message) in REPEATED and settled[-1].get("params") == message["params"]:
            continue
        place = len(settled)
        while place and _precedes(message, settled[place - 1]):
            place -= 1
        settled.insert(place, message)
    return settled


def difference(real: Sequence[str], fake: Sequence[str]) -> str:
    """Return what one of them said and the other did not; empty if they said the same."""
    return "\n".join(difflib.unified_diff(real, fake, "the real server", "the fake", lineterm="", n=2))


def _precedes(message: Message, other: Message) -> bool:
    kinds = _kind(message), _kind(other)
    if kinds == (ANSWER, ANSWER):  # requests that were sent together are answered in any order
        return str(message["id"]) < str(other["id"])
    if kinds == (RESOLVED, RESOLVED):  # of two answers that came together
        return str(message["params"]["requestId"]) < str(other["params"]["requestId"])
    return kinds in RACES


def _kind(message: Message) -> str:
    if "method" not in message:
        return NEW_TURN if "turn" in (message.get("result") or {}) else ANSWER
    params = message.get("params") or {}
    if params.get("status") == {"type": "notLoaded"}:
        return UNLOADED
    item = params.get("item") or {}
    return f"{message['method']} {item['type']}" if item.get("type") == "commandExecution" else str(message["method"])
