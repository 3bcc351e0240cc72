"""`chat_once`, `chat` and `stream` of clients and threads: check the arguments, start the turn, and consume it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import msgspec
from msgspec.structs import replace

from . import inputs
from ._options import chat_params
from ._session.session import Session
from ._session.turn import Turn, TurnRequest
from ._streams import EventStream, StepStream
from ._wire.output_schema import OutputSchema
from .errors import CodexError
from .inputs import Prompt
from .models import ChatContinuation, ChatResult

StartTurn = Callable[[], Awaitable[Turn]]


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """The arguments of `chat`, `chat_once` or `stream`. See `CodexClient.chat_once`."""

    text: Prompt | None
    thread_id: str | None
    user: str | None = None
    metadata: Mapping[str, str] | None = None
    continuation: ChatContinuation | None = None
    output_type: Any = None
    output_schema: Mapping[str, Any] | None = None
    options: Mapping[str, Any]


def prepare(session: Session, message: Message, *, wants_deltas: bool = False) -> tuple[StartTurn, OutputSchema | None]:
    """Check the arguments. Return a function that starts or resumes the turn, and the schema of the answer, if any.

    Raises:
        TypeError, ValueError, FileNotFoundError: An argument is invalid. Nothing was sent.
    """
    if message.continuation is not None:
        check_continuation(message.continuation)
        return _continuing(session, message, message.continuation, wants_deltas)
    if message.text is None:
        raise ValueError("nothing to say: give text, or a continuation")
    thread_id = message.thread_id
    if not isinstance(thread_id, (str, type(None))):
        raise TypeError(f"thread_id must be a str, such as result.thread_id, not {type(thread_id).__name__}")
    if not session.is_experimental and (message.user is not None or message.metadata is not None):
        raise ValueError("the server takes user and metadata only from a client opened with experimental_api=True")
    output = _output(message)
    turn_params: dict[str, Any] = {"input": inputs.to_wire(message.text)}
    if entries := _metadata(message.user, message.metadata):
        turn_params["responsesapiClientMetadata"] = entries
    if output is not None:
        turn_params["outputSchema"] = output.schema
    thread_params, options = chat_params(message.options, is_new=thread_id is None, given=turn_params)
    params = {**options, **turn_params}
    request = TurnRequest(params=params, thread_params=thread_params, wants_deltas=wants_deltas)
    return partial(session.start_turn, thread_id, request), output


def check_continuation(continuation: object) -> None:
    """Raise `TypeError` if the argument is not a `ChatContinuation`."""
    if not isinstance(continuation, ChatContinuation):
        hint = "; ChatContinuation.from_json reads what to_json wrote" if isinstance(continuation, str) else ""
        raise TypeError(f"continuation must be a ChatContinuation, not {type(continuation).__name__}{hint}")


def _continuing(
    session: Session, message: Message, continuation: ChatContinuation, wants_deltas: bool
) -> tuple[StartTurn, OutputSchema | None]:
    arguments = {
        "text": message.text,
        "thread_id": message.thread_id,
        "user": message.user,
        "metadata": message.metadata,
        # Allowed without output_type: it does not change the turn, only the parsing of its answer.
        "output_schema": None if message.output_type is None else message.output_schema,
    }
    if extra := [*(name for name, value in arguments.items() if value is not None), *message.options]:
        raise ValueError(f"a continuation goes on with a turn as it is: {', '.join(extra)} cannot be given, too")
    return partial(session.resume_turn, continuation, wants_deltas=wants_deltas), _output(message)


def _output(message: Message) -> OutputSchema | None:
    if message.output_type is None and message.output_schema is None:
        return None
    return OutputSchema(message.output_type, message.output_schema)


def _metadata(user: str | None, metadata: Mapping[str, str] | None) -> dict[str, str]:
    if user is not None and "user" in (metadata or {}):
        raise ValueError("metadata has user, which is given otherwise")
    entries = dict(metadata or {}) if user is None else {"user": user, **(metadata or {})}
    for name, value in entries.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise TypeError(f"metadata holds text by name; {name!r} is {value!r}")
    return entries


async def run_to_completion(
    session: Session, start_turn: StartTurn, inactivity_timeout: float, output: OutputSchema | None = None
) -> ChatResult:
    """Start a turn, wait for its end, and return its result.

    See `CodexClient.chat_once` for exceptions and cancellation.
    """
    session.require_open()
    manager = session.turn_manager
    turn = await start_turn()
    try:
        while (steps := await turn.next_steps(inactivity_timeout, "chat_once")) is not None:
            turn.collect(steps)
        turn.collect(await turn.finish(manager.read_history))
        result = turn.result()
    except CodexError:
        raise  # the turn has ended, its connection was lost, or its continuation was handed out
    except BaseException:
        manager.interrupt_soon(turn)
        raise
    finally:
        turn.release_consumer()
        if turn.ended.is_set():
            manager.forget(turn)
    return result if output is None else output.parse(result)


def steps(session: Session, start_turn: StartTurn, inactivity_timeout: float) -> StepStream:
    """Return a stream of the turn's steps. The first step starts the turn."""
    session.require_open()
    return StepStream(
        start_turn,
        session.turn_manager,
        inactivity_timeout=inactivity_timeout,
    )


def events(
    session: Session, start_turn: StartTurn, inactivity_timeout: float, output: OutputSchema | None = None
) -> EventStream:
    """Return a stream of the turn's events. The first event starts the turn."""
    session.require_open()
    return EventStream(
        start_turn,
        session.turn_manager,
        inactivity_timeout=inactivity_timeout,
        complete=replace if output is None else output.parse,
    )
