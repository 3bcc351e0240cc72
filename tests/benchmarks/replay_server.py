"""A `codex app-server` that writes bytes prepared beforehand, so that it is never what takes the time.

Run as a program of its own, by a Python without site packages: it starts at once, and imports little. On the standard
input and output, or with ``--listen ws://127.0.0.1:0`` on a websocket whose port it tells as the real one does. What it
says lies in a folder: ``events``, the bytes of all rounds of turns; ``plan``, numbers and answers; see `replay.prepare`.
"""

from __future__ import annotations

import os
import select
import sys

THREAD, TURN = b"01a20000-7fd2-72b2-a4ff-000000000000", b"01a20000-7fe9-7020-bfae-000000000000"
_CHUNK = 1 << 15  # bytes of an endless round, after which there is a look at what the client says


def thread_id(number: int) -> bytes:
    """Return the id of the n-th thread that is started."""
    return THREAD[:-12] + b"%012d" % number


def turn_id(thread: int, number: int) -> bytes:
    """Return the id of the n-th turn on a thread."""
    return TURN[:-12] + b"%06d%06d" % (thread, number)


class Plan:
    """What to say.

    Attributes:
        at_once: A round begins when so many turns were asked for.
        is_endless: The last round is written over and over, until the client goes.
        rounds: The events of each round.
        answers: The bytes of a result, by method.
        sequels: The notifications that follow the answer to a request, by method.
    """

    def __init__(self, folder: str) -> None:
        with open(os.path.join(folder, "plan"), "rb") as file:
            head, *rows = file.read().splitlines()
        self.at_once, is_endless, *ends = (int(word) for word in head.split())
        self.is_endless = bool(is_endless)
        self.answers: dict[bytes, bytes] = {}
        self.sequels: dict[bytes, list[bytes]] = {}
        for row in rows:
            kind, method, message = row.split(b"\t")
            if kind == b"answer":
                self.answers[method] = message
            else:
                self.sequels.setdefault(method, []).append(message)
        with open(os.path.join(folder, "events"), "rb") as file:
            events = memoryview(file.read())
        self.rounds = [events[start:end] for start, end in zip([0, *ends], ends, strict=False)]


class Conversation:
    """Answers requests, each from its id, and knows which events are due."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._threads = 0
        self._turns: dict[bytes, int] = {}
        self._asked = 0
        self._rounds = 0

    def reply(self, request: bytes) -> list[bytes]:
        """Return what there is to say to a message."""
        id_, method = value_of(request, b'"id"'), (value_of(request, b'"method"') or b"").strip(b'"')
        if id_ is None or not method:
            return []
        thread = (value_of(request, b'"threadId"') or THREAD).strip(b'"')
        turn = (value_of(request, b'"turnId"') or TURN).strip(b'"')
        if method == b"thread/start":
            thread = thread_id(self._threads)
            self._threads += 1
        elif method == b"turn/start":
            number = self._turns.get(thread, 0)
            self._turns[thread] = number + 1
            turn = turn_id(int(thread[-12:]), number)
            self._asked += 1
        answer = b'{"id":' + id_ + b',"result":' + self._plan.answers.get(method, b"{}") + b"}"
        return [
            message.replace(THREAD, thread).replace(TURN, turn)
            for message in (answer, *self._plan.sequels.get(method, ()))
        ]

    def due(self) -> list[memoryview]:
        """Return the rounds that all turns were asked for."""
        if self._asked < self._plan.at_once or self._rounds == len(self._plan.rounds):
            return []
        self._asked = 0
        first = self._rounds
        self._rounds = len(self._plan.rounds) if self._plan.is_endless else first + 1
        return self._plan.rounds[first : self._rounds]


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


class Pipes:
    """Messages on the standard input and output."""

    def __init__(self) -> None:
        self._rest = b""

    def receive(self) -> list[bytes] | None:
        """Wait for messages; nothing is the end."""
        data = os.read(0, 1 << 20)
        *lines, self._rest = (self._rest + data).split(b"\n")
        return lines if data else None

    def has_news(self) -> bool:
        """Whether `receive` would not wait."""
        return bool(select.select([0], [], [], 0)[0])

    def send(self, messages: list[bytes]) -> None:
        """Write messages."""
        self.write(b"".join(message + b"\n" for message in messages))

    def write(self, data: bytes | memoryview) -> None:
        """Write what is framed already."""
        view = memoryview(data)
        while view:
            view = view[os.write(1, view) :]


def serve(plan: Plan, pipes: Pipes) -> None:
    """Speak until the client goes."""
    conversation = Conversation(plan)

    def listen() -> bool:
        lines = pipes.receive()
        replies = [reply for line in lines or () for reply in conversation.reply(line)]
        if replies:
            pipes.send(replies)
        return lines is not None

    while listen():
        for events in conversation.due():
            pipes.write(events)
            while plan.is_endless and events is plan.rounds[-1]:
                for chunk in _chunks(bytes(events)):
                    pipes.write(chunk)
                    if pipes.has_news() and not listen():
                        return


def _chunks(events: bytes) -> list[bytes]:
    chunks, start = [], 0
    while start < len(events):
        end = events.rfind(b"\n", start, start + _CHUNK) + 1
        chunks.append(events[start:end])
        start = end
    return chunks


def main() -> None:
    """Serve as the command line says: a folder, then what `codex` would get."""
    plan = Plan(sys.argv[1])
    if "--listen" in sys.argv:
        from .replay_websocket import serve_websocket

        serve_websocket(plan)
    else:
        try:
            serve(plan, Pipes())
        except BrokenPipeError:
            os._exit(0)
