"""Turns of the recorded sessions, and a transport that plays one to a client."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from codex_trio import ChatResult, CodexError, CodexTransportError, ConversationStep, Transport, open_codex_client
from codex_trio._wire.methods import DELTAS
from tests.support.folders import TRACES
from tests.support.traces import Row, read_trace

Message = dict[str, Any]
History = Literal["thread/turns/list", "thread/read", "none"]
Silence = Literal["quiet", "lost"]

PATIENCE = 60.0
"""Seconds of silence; no recorded turn was silent for half as long."""

SENTINEL = {"data": ["the server still answers"]}
"""What `thread/list` is answered with."""

TAG = "replayIndex"
"""Top-level key that numbers each played message, so that a test can tell whether it came once."""


@dataclass(frozen=True, eq=False)
class RecordedTurn:
    """What a server told the client that started a turn, from `turn/start` to the next `turn/start` after its end.

    Attributes:
        hello: The answer to `initialize`.
        thread: The answer to `thread/start`, or one with the thread's id.
        rows: Everything else that came, the answer to `turn/start` among it.
        start_at: Index in `rows` of that answer.
        end_at: Index of `turn/completed`; `None` if it never came.
    """

    label: str
    thread_id: str
    turn_id: str
    hello: Message
    thread: Message
    rows: tuple[Row, ...]
    start_at: int
    end_at: int | None

    def __repr__(self) -> str:
        return f"<recorded turn {self.label}>"

    @property
    def end(self) -> Message | None:
        """The turn as its `turn/completed` has it."""
        return None if self.end_at is None else self.rows[self.end_at].message["params"]["turn"]

    @property
    def status(self) -> str | None:
        return None if self.end is None else self.end["status"]

    @property
    def items(self) -> list[Message]:
        """The turn's items as they were completed up to its end, those that only its end told last; without doubles."""
        rows = self.rows[: self.end_at]
        told = [row.message["params"]["item"] for row in rows if row.method == "item/completed" and self._has(row)]
        told += (self.end or {}).get("items", [])
        return list({item["id"]: item for item in reversed(told)}.values())[::-1]

    @property
    def final_text(self) -> str:
        """The answer, as DESIGN says it is to be found."""
        messages = [item for item in self.items if item["type"] == "agentMessage"]
        answers = [item for item in messages if item.get("delivery") != "async"]
        if not answers:  # an asynchronous message is the answer only if there is nothing else
            return messages[-1]["text"] if messages and self.status == "completed" else ""
        texts = {item.get("phase"): item["text"] for item in answers}
        commentary = texts.pop("commentary", "") if self.status == "completed" else ""
        return next((texts[phase] for phase in ("final_answer", None) if phase in texts), commentary)

    @property
    def events(self) -> list[int]:
        """Where the turn's notifications up to its end are, without deltas."""
        rows = self.rows[: None if self.end_at is None else self.end_at + 1]
        return [i for i, row in enumerate(rows) if self._has(row) and row.method not in DELTAS]

    @property
    def late_events(self) -> list[int]:
        """Where those after its end are, deltas among them."""
        after = len(self.rows) if self.end_at is None else self.end_at + 1
        return [i for i, row in enumerate(self.rows) if i >= after and self._has(row)]

    @property
    def other_events(self) -> list[int]:
        """Where those of another turn, or of none, are."""
        return [i for i, row in enumerate(self.rows) if row.is_notification and not self._has(row)]

    def answered_last(self) -> RecordedTurn:
        """Return the turn with the answer to `turn/start` behind everything else: the server promises no order."""
        assert self.end_at is not None
        rows = [*self.rows[: self.start_at], *self.rows[self.start_at + 1 :], self.rows[self.start_at]]
        return replace(self, rows=tuple(rows), start_at=len(rows) - 1, end_at=self.end_at - 1)

    def _has(self, row: Row) -> bool:
        # A fork inherits the turns: its events may have our turn's id, and another thread's.
        thread_id = (row.message.get("params") or {}).get("threadId")
        return row.is_notification and (thread_id, row.turn_id) == (self.thread_id, self.turn_id)


def recorded_turns(name: str) -> Iterator[RecordedTurn]:
    """Yield the turns of a trace that were started on the connection that has recorded them."""
    trace = read_trace(name)
    for connection in dict.fromkeys(row.connection for row in trace):
        rows = [row for row in trace if row.connection == connection]
        asked: dict[str, int] = {}  # where the latest request of each id is
        seen: set[str] = set()
        for index, row in enumerate(rows):
            id_ = json.dumps(row.message.get("id"))
            if row.is_ours:
                asked[id_] = index
            elif row.method is None and rows[asked[id_]].method == "turn/start":
                turn_id = ((row.message.get("result") or {}).get("turn") or {}).get("id")
                if turn_id is not None and turn_id not in seen:  # a second `turn/start` may join a running turn
                    seen.add(turn_id)
                    yield _cut(f"{name}{connection and '-'}{connection}-{len(seen)}", rows, asked[id_], index, turn_id)


def _cut(label: str, rows: Sequence[Row], begin: int, answer_at: int, turn_id: str) -> RecordedTurn:
    thread_id = rows[begin].message["params"]["threadId"]
    stops = (
        i for i in range(answer_at, len(rows)) if rows[i].is_ours and rows[i].method in ("turn/start", "initialize")
    )
    stop = next(stops, len(rows))
    ends = (i for i in range(begin, len(rows)) if rows[i].method == "turn/completed" and rows[i].turn_id == turn_id)
    end = next(ends, None)
    # Of the answers only the one to this `turn/start` is played; those to other requests are nobody's here.
    kept = [
        index
        for index in range(begin, max(stop, (end or 0) + 1))
        if not rows[index].is_ours and (index == answer_at or rows[index].method is not None)
    ]
    answers = [row.message.get("result") or {} for row in rows[:begin] if not row.is_ours]
    hellos = [answer for answer in answers if "userAgent" in answer]
    threads = [answer for answer in answers if (answer.get("thread") or {}).get("id") == thread_id]
    return RecordedTurn(
        label=label,
        thread_id=thread_id,
        turn_id=turn_id,
        hello=hellos[-1],
        thread=threads[0] if threads else {"thread": {"id": thread_id}},
        rows=tuple(rows[index] for index in kept),
        start_at=kept.index(answer_at),
        end_at=None if end is None else kept.index(end),
    )


@functools.cache
def all_turns() -> tuple[RecordedTurn, ...]:
    """Return every recorded turn of every trace."""
    return tuple(turn for path in sorted(TRACES.glob("*.jsonl")) for turn in recorded_turns(path.stem))


class TurnTransport(Transport):
    """Answers the client as the recorded server did, and plays a recorded turn at its recorded pace.

    Args:
        turn: What to play.
        messages: What to play in place of the turn's own messages: as many, and each at the time of the one it replaces.
        history: Where the server tells its turns. It tells the truth: the turn is in progress until its end was played.
        silence: What comes after the last message: nothing, or the loss of the connection.
    """

    def __init__(
        self,
        turn: RecordedTurn,
        messages: Sequence[Message] | None = None,
        *,
        history: History = "thread/turns/list",
        silence: Silence = "quiet",
    ) -> None:
        self._turn = turn
        self._messages = [row.message for row in turn.rows] if messages is None else messages
        self._history = history
        self._silence = silence
        self._has_ended = False
        self._to_client, self._from_server = trio.open_memory_channel[bytes](10_000)
        self.answered: list[Message] = []  # what the client said to the server's requests
        self.has_played = trio.Event()

    async def open(self, nursery: trio.Nursery) -> None:
        self._nursery = nursery
        await trio.lowlevel.checkpoint()

    async def send(self, messages: Sequence[bytes]) -> None:
        await trio.lowlevel.checkpoint()
        for line in messages:
            message = json.loads(line)
            if "method" not in message:
                self.answered.append(message)
            elif message["method"] == "turn/start":
                self._nursery.start_soon(self._play, message["id"])
            elif "id" in message:
                self._send({"id": message["id"], **self._answer(message["method"], message.get("params") or {})})

    async def receive(self) -> Sequence[bytes]:
        try:
            lines = [await self._from_server.receive()]
        except trio.EndOfChannel:
            raise CodexTransportError("the recorded server is gone") from None
        while self._from_server.statistics().current_buffer_used:
            lines.append(self._from_server.receive_nowait())
        return lines

    async def aclose(self) -> None:
        self._to_client.close()
        await trio.lowlevel.checkpoint()

    async def _play(self, request_id: int) -> None:
        begun = trio.current_time()
        for index, (row, message) in enumerate(zip(self._turn.rows, self._messages, strict=True)):
            await trio.sleep_until(begun + row.seconds - self._turn.rows[0].seconds)
            self._has_ended = self._has_ended or index == self._turn.end_at
            if index == self._turn.start_at and "id" in message:
                message = {**message, "id": request_id}
            self._send({**message, TAG: index})
        self.has_played.set()
        if self._silence == "lost":
            self._to_client.close()

    def _send(self, message: Message) -> None:
        self._to_client.send_nowait(json.dumps(message).encode())

    def _answer(self, method: str, params: Message) -> Message:
        if method == "initialize":
            return {"result": self._turn.hello}
        if method == "thread/start":
            return {"result": self._turn.thread}
        if method == "thread/list":
            return {"result": SENTINEL}
        if method == self._history:
            turns = [self._remembered(params.get("itemsView", "full"))]
            return {"result": {"data": turns} if method == "thread/turns/list" else {"thread": {"turns": turns}}}
        return {"error": {"code": -32600, "message": f"Invalid request: unknown variant `{method}`"}}

    def _remembered(self, view: str) -> Message:
        turn: Message = {"id": self._turn.turn_id, "status": "inProgress", "completedAt": None}
        if self._has_ended:
            turn |= self._turn.end or {}
        return turn | {"items": self._turn.items if view == "full" else [], "itemsView": view}


@dataclass
class Played:
    """What a caller saw of a turn."""

    result: ChatResult | None = None
    error: CodexError | None = None
    steps: list[ConversationStep] = field(default_factory=list)
    others: list[int] = field(default_factory=list)  # numbers of the messages that belonged to no turn
    late_events: int = 0
    answered: list[Message] = field(default_factory=list)

    @property
    def known(self) -> ChatResult | None:
        """The result, or what there was of it."""
        return self.result or getattr(self.error, "result", None)

    @property
    def events(self) -> list[int]:
        """Numbers of the messages that came with the result."""
        return [event[TAG] for event in self.known.raw_events] if self.known else []


def play(
    turn: RecordedTurn,
    messages: Sequence[Message] | None = None,
    *,
    history: History = "thread/turns/list",
    as_stream: bool = False,
) -> Played:
    """Let a client have the turn, and check that the client is as good as new afterwards."""
    played = Played()

    async def converse() -> None:
        transport = TurnTransport(turn, messages, history=history)
        with trio.fail_after(3_600):
            async with open_codex_client(transport, inactivity_timeout=PATIENCE) as client:
                others = client.notifications()
                try:
                    if as_stream:
                        async for step in client.chat("Go on"):
                            played.steps.append(step)
                    else:
                        played.result = await client.chat_once("Go on")
                except CodexError as error:
                    played.error = error
                await transport.has_played.wait()
                await wait_all_tasks_blocked()
                answer: object = await client.request("thread/list")
                assert answer == SENTINEL
                with trio.move_on_after(1):
                    async for event in others:
                        played.others.append(event.raw[TAG])
                played.late_events = client.statistics().late_events
                played.answered = transport.answered
        if not as_stream:
            played.steps = list(played.known.steps) if played.known else []

    trio.run(converse, clock=MockClock(autojump_threshold=0))
    return played
