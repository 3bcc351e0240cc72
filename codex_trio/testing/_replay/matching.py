"""`Matcher`: match the client's messages with the recorded ones. No clock and no I/O."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from ..._local_names import LocalNames
from ..._redaction import Redactor
from .._wire_shapes import Message, dump_message
from .recordings import Row, pair_responses

_RANDOM = {"clientUserMessageId": "turn/", "processId": "command/exec"}
"""Params with a new random value in each run, and the prefix of the methods that have them."""

_MAX_SHOWN = 300  # characters of a message in an error


class NameMap:
    """Recorded values and their current counterparts: the client's random values and swapped threads.

    Shared by all connections of a replay.
    """

    def __init__(self) -> None:
        self._current: dict[str, str] = {}  # by the recorded name
        self._recorded: dict[str, str] = {}  # by the current name

    def __contains__(self, recorded: object) -> bool:
        return recorded in self._current

    def add(self, recorded: str, current: str) -> None:
        """Map a recorded name to a current one."""
        self._current[recorded] = current
        self._recorded[current] = recorded

    def swap(self, first: str, second: str) -> None:
        """Swap the current names of two recorded names."""
        current = self._current.get(first, first), self._current.get(second, second)
        self.add(first, current[1])
        self.add(second, current[0])

    def to_current(self, raw: bytes, is_selected: Callable[[str], bool]) -> bytes:
        """Return a recorded message with current names, for the selected recorded names."""
        return _renamed(raw, {old: new for old, new in self._current.items() if is_selected(old)})

    def to_recorded(self, raw: bytes) -> bytes:
        """Return a current message with the recorded names."""
        return _renamed(raw, self._recorded)


class Matcher:
    """Match messages of the current client with the messages of a recorded connection.

    Args:
        rows: The rows of the connection. Methods refer to them by index.
        names: The names found so far. The matcher adds to them.

    Attributes:
        received: Messages that have been received but not played, by the index of their row, in order of arrival.
    """

    def __init__(self, rows: Sequence[Row], names: NameMap) -> None:
        self.received: dict[int, bytes] = {}
        self._rows = rows
        self._names = names
        self._expected = {index: row for index, row in enumerate(rows) if row.is_from_client}
        self._requests = pair_responses(rows)  # index of the request, by that of its response
        self._redactor = Redactor()
        self._local_names = LocalNames.here()
        self._ids: dict[int, object] = {}  # the current id of a request
        self._rendered: set[int] = set()
        # By thread id, for threads that were created here: the response that created it, and the first message to it.
        self._created_by = dict(self._threads_created())
        self._first_messages = {_thread_id(rows[index].message): index for index in reversed(self._expected)}
        # By turn id. Later interrupts are repetitions, for example after an error response.
        messages = ((index, rows[index].message or {}) for index in reversed(self._expected))
        self._first_interrupts = {
            _turn_id(message): index for index, message in messages if message.get("method") == "turn/interrupt"
        }

    @property
    def next_expected(self) -> int | None:
        """Index of the first message that has not been received."""
        return next(iter(self._expected), None)

    def take(self, raw: bytes) -> int | None:
        """Match a message with the first equal row that has not been received. Return its index, or `None`."""
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
            old, new = _random_values(recorded), _random_values(message)
            for key in old.keys() & new.keys():
                if old[key] not in self._names:
                    self._names.add(old[key], new[key])
        return index

    def next_pending_response(self) -> int | None:
        """Index of the first response that creates a thread, if its request was received and it was not rendered."""
        pending = (index for index in self._created_by.values() if self._requests[index] not in self._expected)
        return next((index for index in pending if index not in self._rendered), None)

    def find_interrupt(self, message: Message | None) -> int | None:
        """Return the index of the first interrupt of the turn that a message names."""
        turn_id = _turn_id(message)
        return self._first_interrupts.get(turn_id) if turn_id else None

    def _match_swapped_thread(self, raw: bytes, message: Message) -> int | None:
        """Match a message to a different thread: tasks that request threads with the same params may swap them."""
        thread_id = _thread_id(message)
        for index, row in self._expected.items():
            other_id = _thread_id(row.message)
            if self._may_swap(thread_id, other_id):
                swapped = _renamed(raw, {thread_id: other_id, other_id: thread_id})
                if self._is_same(row, swapped, read_message(swapped)):
                    self._names.swap(thread_id, other_id)
                    return index
        return None

    def _may_swap(self, first_id: str, second_id: str) -> bool:
        """Whether two threads were requested with the same params, and neither has received a message."""
        both = {first_id, second_id}
        if len(both) == 1 or not both <= self._created_by.keys():
            return False
        if any(self._first_messages.get(name, -1) not in self._expected for name in both):
            return False
        first, second = (self._rows[self._requests[self._created_by[name]]].message or {} for name in both)
        return self._comparable(first) == self._comparable(second)

    def _threads_created(self) -> Iterator[tuple[str, int]]:
        for response, request in self._requests.items():
            result = (self._rows[response].message or {}).get("result")
            thread = result.get("thread") if isinstance(result, dict) else None
            thread_id = thread.get("id") if isinstance(thread, dict) else None
            # A request that names the thread, such as `thread/resume`, did not create it.
            if isinstance(thread_id, str) and thread_id != _thread_id(self._rows[request].message):
                yield thread_id, response

    def _is_same(self, row: Row, raw: bytes, message: Message | None) -> bool:
        recorded = row.message
        if recorded is None or message is None:
            return row.raw == raw
        if recorded.get("method") != message.get("method") or recorded.keys() != message.keys():
            return False
        return self._comparable(recorded) == self._comparable(message)

    def _comparable(self, message: Message) -> Message:
        """Return the parts of a message that must match.

        Left out are secrets, names of people and machines, the client's ids and version, and error messages.
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
        """Describe which message was expected and which was received."""
        message = read_message(self._names.to_recorded(raw))
        received = raw if message is None else dump_message(self._comparable(message))
        if index is None:
            return f"expected no further message, received {_show(received)}"
        row = self._rows[index]
        if row.message is None or message is None:
            return f"expected {_show(row.raw)}, received {_show(received)}"
        expected = self._comparable(row.message)
        text = f"expected {_show(dump_message(expected))}, received {_show(received)}"
        if expected.get("method") == message.get("method"):
            text += f" (at {_difference(expected, self._comparable(message))})"
        return text

    def render(self, index: int) -> bytes:
        """Return a server message with the current ids. If it is a response, its request has been received."""
        self._rendered.add(index)
        message = self._rows[index].message or {}
        # Threads are swapped by the first message to them. Rows before that are the same for both.
        raw = self._names.to_current(self._rows[index].raw, lambda name: self._is_after_first_message(name, index))
        if message.keys() >= {"id", "method"}:
            self._redactor.apply(message)  # so that the redactor notes secret questions
        elif (request := self._requests.get(index)) is not None and self._ids[request] != message["id"]:
            raw = dump_message({**msgspec.json.decode(raw), "id": self._ids[request]})
        return raw

    def _is_after_first_message(self, name: str, index: int) -> bool:
        return name not in self._created_by or index > self._first_messages.get(name, index)


def read_message(raw: bytes) -> Message | None:
    """Decode a message; `None` if it is not a JSON object."""
    try:
        message: Any = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return message if isinstance(message, dict) else None


def _renamed(raw: bytes, names: Mapping[str, str]) -> bytes:
    encoded = {msgspec.json.encode(name): msgspec.json.encode(other) for name, other in names.items()}
    if not any(name in raw for name in encoded):
        return raw
    # In one pass, because two names may be swapped.
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
    keys = (key for key, prefix in _RANDOM.items() if method.startswith(prefix))
    return {key: params[key] for key in keys if isinstance(params.get(key), str)}


def _show(raw: bytes) -> str:
    text = raw.decode("utf-8", "replace")
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}... ({len(text):,} characters)"


def _difference(expected: object, received: object, path: str = "") -> str:
    """Return the path to the first difference, and both values."""
    if isinstance(expected, dict) and isinstance(received, dict):
        for key in {**expected, **received}:
            if key not in expected or key not in received or expected[key] != received[key]:
                old, new = expected.get(key, "(missing)"), received.get(key, "(missing)")
                return _difference(old, new, f"{path}.{key}")
    if isinstance(expected, list) and isinstance(received, list) and len(expected) == len(received):
        for index, (old, new) in enumerate(zip(expected, received, strict=True)):
            if old != new:
                return _difference(old, new, f"{path}[{index}]")
    return f"{path.lstrip('.')}: expected {_show(repr(expected).encode())}, received {_show(repr(received).encode())}"
