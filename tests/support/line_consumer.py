"""Whatever the client does with a line of the server, done without a client, a server or a clock.

What it must never do is raise: of what is odd there is the message that is skipped, and else nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec

from codex_trio import (
    AccountInfo,
    ChatContinuation,
    ChatResult,
    CodexError,
    CodexOutputError,
    ConversationStep,
    InitializeResult,
    ModelInfo,
    ThreadInfo,
    TurnInfo,
    tool,
)
from codex_trio._server_requests.approvals import ApprovalRequest, PermissionsApprovalRequest, parse_approval
from codex_trio._server_requests.command_approvals import CommandApprovalRequest
from codex_trio._server_requests.decisions import Decision
from codex_trio._server_requests.questions import ElicitationRequest, UserInputRequest
from codex_trio._session.deltas import events_of
from codex_trio._session.history import is_idle
from codex_trio._session.registry import PendingTurn, TurnRegistry
from codex_trio._session.turn import Turn, TurnRequest
from codex_trio._tools import ToolRegistry
from codex_trio._wire import server_methods
from codex_trio._wire.messages import (
    NOT_A_DELTA,
    MalformedMessageError,
    Message,
    Notice,
    Response,
    ServerRequest,
    dump_error,
    dump_response,
    error_from_wire,
    parse_delta,
    parse_message,
)
from codex_trio._wire.methods import DELTAS
from codex_trio._wire.output_schema import OutputSchema
from codex_trio._wire.turn_state import TurnAccumulator, is_complete, is_over, is_terminal

LISTED: tuple[Callable[[object], object], ...] = (
    InitializeResult.from_wire,
    ThreadInfo.from_wire,
    TurnInfo.from_wire,
    ModelInfo.from_wire,
    AccountInfo.from_wire,
)


@dataclass
class Answer:
    """What a turn may be asked to answer."""

    text: str
    number: int = 0


@tool
def look_up(id: str, tags: list[str] | None = None, depth: int = 1) -> str:  # noqa: A002  a name that a model may give
    """Look something up."""
    return f"{id} {tags} {depth}"


class NoSession:
    """The owner of a registry, to which nothing matters."""

    def on_thread_idle(self, turn: Turn) -> None:
        pass

    def on_turn_known(self) -> None:
        pass

    def on_events_dropped(self, turn: Turn) -> None:
        pass


class LineConsumer:
    """Takes lines, one after another, as from one connection."""

    def __init__(self) -> None:
        self.messages: list[Message | None] = []  # `None` where a line was skipped
        self._registry = TurnRegistry(NoSession())
        self._turns: list[Turn] = []
        self._accumulator = TurnAccumulator("thread", "turn")
        self._changes: object = None
        self._toolbox = ToolRegistry([look_up])
        self._outputs = [
            OutputSchema(Answer),
            OutputSchema(None, {"type": "object", "properties": {}, "required": [], "additionalProperties": False}),
        ]

    def take(self, line: bytes) -> None:
        """Take a line, whatever it is."""
        try:
            message = parse_message(line)
        except MalformedMessageError:
            self.messages.append(None)
            return
        self.messages.append(message)
        self._check_delta(line, message)
        if isinstance(message, Notice):
            self._take_notice(message)
        elif isinstance(message, ServerRequest):
            self._take_request(message)
        else:
            self._take_response(message)
        with suppress(ValueError):
            ChatContinuation.from_json(line.decode("utf-8", "replace"))

    def _check_delta(self, line: bytes, message: Message) -> None:
        """A delta that is only looked at says the same as one that is read."""
        try:
            delta = parse_delta(line)
        except NOT_A_DELTA:
            return
        assert isinstance(message, Notice)
        assert message.method in DELTAS
        assert (delta.method, delta.params.thread_id, delta.params.turn_id) == (
            message.method, message.thread_id, message.turn_id,
        )  # fmt: skip
        self._registry.route_delta(delta, now=0)

    def _take_notice(self, notice: Notice) -> None:
        if notice.thread_id is not None and notice.turn_id is not None and self._registry.find(notice.turn_id) is None:
            place = self._registry.place(notice.thread_id)
            if place.turn is None:
                place.starting = PendingTurn(notice.thread_id, TurnRequest(wants_deltas=len(self._turns) % 2 == 0))
                self._turns.append(self._registry.bind(place.starting, notice.turn_id, now=0))
        self._registry.route(notice, now=0)
        steps = self._accumulator.apply(notice)
        for event in events_of(notice, steps):
            assert repr(event)
        self._take_steps(steps)
        item = notice.params.get("item")
        self._changes = item.get("changes") if isinstance(item, dict) else self._changes

    def _take_steps(self, steps: Iterable[ConversationStep]) -> None:
        for step in steps:
            assert all(isinstance(text, str) for text in (step.step_type, step.item_type, step.text, step.item_id))

    def _take_request(self, request: ServerRequest) -> None:
        params = request.params
        for method in server_methods.APPROVALS:
            self._decide(request, parse_approval(method, params, changes=self._changes))
        answers = {one.id: one.question for one in UserInputRequest.from_wire(params).questions}
        self._send(request, server_methods.dump_answers(answers, answers))
        asked = ElicitationRequest.from_wire(params)
        with suppress(ValueError):  # what would be called is not known
            self._send(request, asked.accept().result)
        for decision in (asked.accept({"a": asked.message}, unseen=True), asked.decline(), asked.cancel()):
            self._send(request, decision.result)
        for names in (params, {"tool": "look_up"}):
            if (found := self._toolbox.find(names)) is not None:
                with suppress(ValueError, TypeError, msgspec.ValidationError):  # which the model is told
                    found._bind(params.get("arguments"))
        try:
            self._send(request, server_methods.default_response(request.method, unix_time=0))
        except server_methods.RequestRejectedError as refusal:
            with suppress(ValueError):
                dump_error(request.id, refusal.code, str(refusal))

    def _decide(self, request: ServerRequest, approval: ApprovalRequest) -> None:
        assert repr(approval)
        for make in (approval.decline, approval.cancel):
            self._send(request, make().result)
        for grant in self._grants(approval):
            with suppress(ValueError):  # the server does not offer it, or it grants more than is known
                self._send(request, grant().result)

    def _grants(self, approval: ApprovalRequest) -> Iterator[Callable[[], Decision]]:
        yield from (approval.accept, approval.accept_for_session)
        if isinstance(approval, PermissionsApprovalRequest):
            return
        everything: dict[str, Any] = {"with_permissions": True, "unseen": True}
        yield partial(approval.accept, **everything)
        yield partial(approval.accept_for_session, **everything)
        if isinstance(approval, CommandApprovalRequest):
            yield approval.accept_with_amendment
            for offer in approval.available_decisions or ():
                yield partial(approval.choose, offer)
                yield partial(approval.choose, offer, **everything)

    def _send(self, request: ServerRequest, result: Mapping[str, Any]) -> None:
        with suppress(ValueError):  # text that cannot be sent; the connection refuses then
            assert b"\n" not in dump_response(request.id, result)

    def _take_response(self, response: Response) -> None:
        if response.error is not None:
            for params in (None, {"threadId": "thread"}):
                assert str(error_from_wire(response.error, method="thread/read", params=params))
        is_idle(response)
        result = response.result
        found: list[object] = [result]
        if isinstance(result, dict):
            found += [result.get("thread"), result.get("turn")]
            data = result.get("data")
            found += data if isinstance(data, list) else []
        for one in found:
            for read in LISTED:
                assert repr(read(one))
            is_complete(one)
            if isinstance(one, dict):
                is_over(one)
                is_terminal(one)
                self._take_steps(self._accumulator.apply_items([one, one.get("item")]))
                self._take_steps(self._accumulator.apply_turn_items(one))

    def finish(self) -> None:
        """Read every turn to its end."""
        for turn in self._turns:
            turn.end_from_history({"items": [item for item in [self._changes] if item is not None]})
            turn.drain()
            with suppress(CodexError):
                self._take_result(turn.result())

    def _take_result(self, result: ChatResult) -> None:
        assert isinstance(result.final_text, str)
        for output in self._outputs:
            with suppress(CodexOutputError):
                output.parse(result)


def consume_lines(lines: Iterable[bytes]) -> list[Message | None]:
    """Consume lines as they are, and return the messages that they held."""
    taken = LineConsumer()
    for line in lines:
        taken.take(line)
    taken.finish()
    return taken.messages
