"""A `codex app-server` that writes bytes prepared beforehand, so that it is never what takes the time.

Run as a program of its own, ``codex app-server``, by a Python without site packages: it starts at once, and imports
nothing but the standard library. What it says is beside it: ``events``, the bytes of all rounds of turns; ``plan``,
numbers and the answers; see `prepare` in `replay.py`.
"""

from __future__ import annotations

import os
import sys

THREAD, TURN = b"01a20000-7fd2-72b2-a4ff-000000000000", b"01a20000-7fe9-7020-bfae-000000000000"


def thread_id(number: int) -> bytes:
    """Return the id of the n-th thread that is started."""
    return THREAD[:-12] + b"%012d" % number


def turn_id(thread: int, number: int) -> bytes:
    """Return the id of the n-th turn on a thread."""
    return TURN[:-12] + b"%06d%06d" % (thread, number)


class Plan:
    """What to say.

    Attributes:
        turns_at_once: A round begins when so many turns were asked for.
        is_endless: The rounds are written over and over, until nobody reads.
        ends: Where each round ends in the events.
        answers: The bytes of a result, by method.
    """

    def __init__(self, folder: str) -> None:
        with open(os.path.join(folder, "plan"), "rb") as file:
            head, *answers = file.read().splitlines()
        turns_at_once, is_endless, *ends = (int(word) for word in head.split())
        self.turns_at_once = turns_at_once
        self.is_endless = bool(is_endless)
        self.ends = ends
        self.answers = dict(answer.split(b"\t") for answer in answers)
        with open(os.path.join(folder, "events"), "rb") as file:
            self.events = memoryview(file.read())

    def round(self, number: int) -> memoryview:
        """Return the events of a round."""
        start = self.ends[number - 1] if number else 0
        return self.events[start : self.ends[number]]


class Server:
    """Answers requests, each from its id, and plays the rounds."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._threads = 0
        self._turns: dict[bytes, int] = {}
        self._asked = 0
        self._rounds = 0

    def answer(self, request: bytes) -> bytes:
        """Return the answer, or nothing to a notification."""
        id_ = value_of(request, b'"id"')
        if id_ is None or value_of(request, b'"method"') is None:
            return b""
        method = (value_of(request, b'"method"') or b"").strip(b'"')
        thread = (value_of(request, b'"threadId"') or b"").strip(b'"')
        turn = b""
        if method == b"thread/start":
            thread = thread_id(self._threads)
            self._threads += 1
        elif method == b"turn/start":
            number = self._turns.get(thread, 0)
            self._turns[thread] = number + 1
            turn = turn_id(int(thread[-12:]), number)
            self._asked += 1
        result = self._plan.answers.get(method, b"{}").replace(THREAD, thread).replace(TURN, turn)
        return b'{"id":' + id_ + b',"result":' + result + b"}"

    def due(self) -> memoryview | None:
        """Return the events of the round that all turns were asked for."""
        if self._asked < self._plan.turns_at_once or self._rounds == len(self._plan.ends):
            return None
        self._asked = 0
        self._rounds += 1
        return self._plan.round(self._rounds - 1)


def value_of(line: bytes, key: bytes) -> bytes | None:
    """Return the first string or number under a key, as it stands there."""
    at = line.find(key)
    if at < 0:
        return None
    start = line.index(b":", at) + 1
    while line[start] in b" \t":
        start += 1
    if line[start] == ord('"'):
        return line[start : line.index(b'"', start + 1) + 1]
    end = start
    while line[end] not in b",} ":
        end += 1
    return line[start:end]


def write(data: bytes | memoryview) -> None:
    """Write all of it to the standard output."""
    view = memoryview(data)
    while view:
        view = view[os.write(1, view) :]


def serve(server: Server) -> None:
    """Speak on the standard input and output, until the input ends."""
    rest = b""
    while data := os.read(0, 1 << 20):
        *lines, rest = (rest + data).split(b"\n")
        answers = [answer for line in lines if (answer := server.answer(line))]
        if answers:
            write(b"\n".join(answers) + b"\n")
        if (events := server.due()) is not None:
            write(events)


if __name__ == "__main__":
    try:
        serve(Server(Plan(os.path.dirname(os.path.abspath(sys.argv[0])))))
    except BrokenPipeError:
        os._exit(0)
