"""`Matcher`: which recorded message of the client is the one that the client sends now. Knows no time and no I/O."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from ..._local_names import LocalNames
from ..._redaction import Redactor
from .._wire_shapes import Message, dump_message
from .recordings import Row, pair_answers

_RANDOM = {"clientUserMessageId": "turn/", "processId": "command/exec"}
"""Params that the client makes up anew each time, and how the methods begin that have them."""

_SHOWN = 300  # characters of a message in an error


class NameMap:
    """What is called otherwise today: random values of the client, and threads that changed places. For all connections."""

    def __init__(self) -> None:
        self._today: dict[str, str] = {}  # by the recorded name
        self._recorded: dict[str, str] = {}  # by today's

    def __contains__(self, recorded: object) -> bool:
        return recorded in self._today

    def add(self, recorded: str, today: str) -> None:
        """Note that something is called `today`."""
        self._today[recorded] = today
        self._recorded[today] = recorded

    def swap(self, one: str, other: str) -> None:
        """Let two change places that were recorded as `one` and `other`."""
        today = self._today.get(one, one), self._today.get(other, other)
        self.add(one, today[1])
        self.add(other, today[0])

    def to_today(self, raw: bytes, is_meant: Callable[[str], bool]) -> bytes:
        """Return a recorded message with today's names, where those are meant."""
        return _renamed(raw, {was: now for was, now in self._today.items() if is_meant(was)})

    def to_recorded(self, raw: bytes) -> bytes:
        """Return a message of today with the recorded names."""
        return _renamed(raw, self._recorded)


class Matcher:
    """The client's side of a recorded connection, and where today's may differ from it.

    Args:
        rows: Of the connection; they are spoken of by their indices.
        names: Learnt here, and on the connections before.

    Attributes:
        received: What has come and was not played yet, by what it was found to be, in the order in which it received.
    """

    def __init__(self, rows: Sequence[Row], names: NameMap) -> None:
        self.received: dict[int, bytes] = {}
        self._rows = rows
        self._names = names
        self._expected = {index: row for index, row in enumerate(rows) if row.is_from_client}
        self._answers = pair_answers(rows)
        self._redactor = Redactor()
        self._local_names = LocalNames.here()
        self._ids: dict[int, object] = {}  # today's id of a request
        self._rendered: set[int] = set()
        # By the ids of threads that were made here: the answer that brought them, and the first message to them.
        self._created_by = dict(self._threads_created())
        self._first_messages = {_thread_id(rows[index].message): index for index in reversed(self._expected)}
        # By the ids of turns. A later one repeats it, as after a refusal.
        ours = ((index, rows[index].message or {}) for index in reversed(self._expected))
        self._first_interrupts = {_turn_id(one): index for index, one in ours if one.get("method") == "turn/interrupt"}

    @property
    def next_expected(self) -> int | None:
        """The first message that has not come."""
        return next(iter(self._expected), None)

    def take(self, raw: bytes) -> int | None:
        """Take a message for the first recorded one that it equals and that has not come; return which, if there is one."""
        known = self._names.to_recorded(raw)
        message = read_message(known)
        index = next((index for index, row in self._expected.items() if self._is_same(row, known, message)), None)
        if index is None:
            index = None if message is None else self._match_swapped_thread(known, message)
        if index is None:
            return None
        recorded = self._expected.pop(index).message
        self.received[index] = raw
        if recorded and message:
            self._ids[index] = message.get("id")
            then, now = _random_values(recorded), _random_values(message)
            for key in then.keys() & now.keys():
                if then[key] not in self._names:
                    self._names.add(then[key], now[key])
        return index

    def next_pending_response(self) -> int | None:
        """The first answer that brings a thread, and is not rendered, though its request has come."""
        owed = (answer for answer in self._created_by.values() if self._answers[answer] not in self._expected)
        return next((answer for answer in owed if answer not in self._rendered), None)

    def find_interrupt(self, message: Message | None) -> int | None:
        """Find the first interrupt of the turn that a message names."""
        turn_id = _turn_id(message)
        return self._first_interrupts.get(turn_id) if turn_id else None

    def _match_swapped_thread(self, raw: bytes, message: Message) -> int | None:
        """Find a message that speaks to another thread. Tasks that ask for threads alike get the one or the other."""
        thread_id = _thread_id(message)
        for index, row in self._expected.items():
            other_id = _thread_id(row.message)
            if self._may_swap(thread_id, other_id):
                swapped = _renamed(raw, {thread_id: other_id, other_id: thread_id})
                if self._is_same(row, swapped, read_message(swapped)):
                    self._names.swap(thread_id, other_id)
                    return index
        return None

    def _may_swap(self, one: str, other: str) -> bool:
        """Whether two threads were asked for alike, and nobody has spoken to either."""
        both = {one, other}
        if len(both) == 1 or not both <= self._created_by.keys():
            return False
        if any(self._first_messages.get(name, -1) not in self._expected for name in both):
            return False
        first, second = (self._rows[self._answers[self._created_by[name]]].message or {} for name in both)
        return self._comparable(first) == self._comparable(second)

    def _threads_created(self) -> Iterator[tuple[str, int]]:
        for answer, request in self._answers.items():
            result = (self._rows[answer].message or {}).get("result")
            thread = result.get("thread") if isinstance(result, dict) else None
            thread_id = thread.get("id") if isinstance(thread, dict) else None
            # What was asked of a thread, as to resume it, made none.
            if isinstance(thread_id, str) and thread_id != _thread_id(self._rows[request].message):
                yield thread_id, answer

    def _is_same(self, row: Row, raw: bytes, message: Message | None) -> bool:
        recorded = row.message
        if recorded is None or message is None:
            return row.raw == raw
        if recorded.get("method") != message.get("method") or recorded.keys() != message.keys():
            return False
        return self._comparable(recorded) == self._comparable(message)

    def _comparable(self, message: Message) -> Message:
        """Return the parts of a message that must match: without secrets, names of people and machines, the client's ids
        and version, and error messages.
        """
        message = msgspec.json.decode(self._local_names.hide(dump_message(self._redactor.apply(message))))  # a copy
        if "method" not in message:
            if isinstance(message.get("error"), dict):
                message["error"].pop("message", None)
            return message
        message.pop("id", None)
        for key, value in _random_values(message).items():
            if value not in self._names:
                message["params"][key] = None
        info = message["params"].get("clientInfo") if isinstance(message.get("params"), dict) else None
        if isinstance(info, dict):
            info.pop("version", None)
        return message

    def describe_mismatch(self, index: int | None, raw: bytes) -> str:
        """Say what was expected and what received in its place."""
        message = read_message(self._names.to_recorded(raw))
        received = raw if message is None else dump_message(self._comparable(message))
        if index is None:
            return f"nothing more was sent then, but {_show(received)} now"
        row = self._rows[index]
        if row.message is None or message is None:
            return f"{_show(row.raw)} was sent then, but {_show(received)} now"
        expected = self._comparable(row.message)
        text = f"{_show(dump_message(expected))} was sent then, but {_show(received)} now"
        if expected.get("method") == message.get("method"):
            text += f" (at {_difference(expected, self._comparable(message))})"
        return text

    def render(self, index: int) -> bytes:
        """Return what the server sent, with today's ids. What it answers has come."""
        self._rendered.add(index)
        message = self._rows[index].message or {}
        # Threads change places with the first words to them; what received before that is the same for both.
        raw = self._names.to_today(self._rows[index].raw, lambda name: self._is_after_first_message(name, index))
        if message.keys() >= {"id", "method"}:
            self._redactor.apply(message)  # so that the redactor notes secret questions
        elif (asked := self._answers.get(index)) is not None and self._ids[asked] != message["id"]:
            raw = dump_message({**msgspec.json.decode(raw), "id": self._ids[asked]})
        return raw

    def _is_after_first_message(self, name: str, index: int) -> bool:
        return name not in self._created_by or index > self._first_messages.get(name, index)


def read_message(raw: bytes) -> Message | None:
    """Return a message; `None` if it is no JSON object."""
    try:
        message: Any = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return message if isinstance(message, dict) else None


def _renamed(raw: bytes, names: Mapping[str, str]) -> bytes:
    encoded = {msgspec.json.encode(name): msgspec.json.encode(other) for name, other in names.items()}
    if not any(name in raw for name in encoded):
        return raw
    # All in one go, because two names may have changed places.
    return re.sub(b"|".join(map(re.escape, encoded)), lambda found: encoded[found[0]], raw)


def _thread_id(message: Message | None) -> str:
    params = (message or {}).get("params")
    thread_id = params.get("threadId") if isinstance(params, dict) else None
    return thread_id if isinstance(thread_id, str) else ""


def _turn_id(message: Message | None) -> str:
    params = (message or {}).get("params")
    if not isinstance(params, dict):
        return ""
    turn = params.get("turn")
    turn_id = turn.get("id") if isinstance(turn, dict) else params.get("turnId")
    return turn_id if isinstance(turn_id, str) else ""


def _random_values(message: Message) -> Mapping[str, str]:
    params, method = message.get("params"), str(message.get("method"))
    if not isinstance(params, dict):
        return {}
    keys = (key for key, beginning in _RANDOM.items() if method.startswith(beginning))
    return {key: params[key] for key in keys if isinstance(params.get(key), str)}


def _show(raw: bytes) -> str:
    text = raw.decode("utf-8", "replace")
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}... ({len(text):,} characters)"


def _difference(then: object, now: object, where: str = "") -> str:
    """Return the path to the first difference, and both values."""
    if isinstance(then, dict) and isinstance(now, dict):
        for key in {**then, **now}:
            if key not in then or key not in now or then[key] != now[key]:
                return _difference(then.get(key, "(nothing)"), now.get(key, "(nothing)"), f"{where}.{key}")
    if isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        for place, (one, other) in enumerate(zip(then, now, strict=True)):
            if one != other:
                return _difference(one, other, f"{where}[{place}]")
    return f"{where.lstrip('.')}: {_show(repr(then).encode())} then, {_show(repr(now).encode())} now"
