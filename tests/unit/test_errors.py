"""The exceptions: their tree, their attributes, and a separate error for each waiter."""

from __future__ import annotations

import copy
import pickle
import re
import traceback
from collections.abc import Callable

import pytest

import codex_trio
from codex_trio import (
    ChatContinuation,
    ChatResult,
    CodexError,
    CodexOutputError,
    CodexProtocolError,
    CodexThreadBusyError,
    CodexThreadNotFoundError,
    CodexTimeoutError,
    CodexTransportError,
    CodexTurnFailedError,
    CodexTurnInactiveError,
    CodexTurnInterruptedError,
    errors,
)

CONTINUATION = ChatContinuation("T", "U", 3, "chat_once")
RESULT = ChatResult("T", "U", "half an answer", (), None, "turn_completed", None, ())


def drawn_tree() -> dict[str, str]:
    """Return the parent of each exception, as the docstring draws it."""
    parents: dict[str, str] = {}
    path: list[str] = []
    for indent, name in re.findall(r"^([│├└─ ]*)(Codex\w+Error|CodexError)\b", errors.__doc__ or "", re.MULTILINE):
        depth = len(indent) // 3
        path[depth:] = [name]
        parents[name] = path[depth - 1] if depth else "Exception"
    return parents


def test_the_tree_is_as_it_is_drawn() -> None:
    assert {name: getattr(errors, name).__base__.__name__ for name in errors.__all__} == drawn_tree()
    assert len(drawn_tree()) == 10


def test_every_exception_is_public() -> None:
    defined = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}

    assert set(errors.__all__) == defined
    assert set(errors.__all__) <= set(codex_trio.__all__)


def test_a_lost_server_says_how_it_went() -> None:
    error = CodexTransportError(
        "the server is gone", returncode=-9, stderr_tail="out of memory", continuation=CONTINUATION
    )

    assert str(error) == "the server is gone"
    assert (error.returncode, error.stderr_tail, error.continuation) == (-9, "out of memory", CONTINUATION)


def test_a_lost_server_of_which_nothing_is_known() -> None:
    error = CodexTransportError("the server is gone")

    assert (error.returncode, error.stderr_tail, error.continuation) == (None, "", None)


def raised(error: CodexTransportError) -> CodexTransportError:
    with pytest.raises(CodexTransportError) as caught:
        raise error
    return caught.value


def test_each_waiter_gets_a_separate_equal_error() -> None:
    loss = CodexTransportError("gone", returncode=1, stderr_tail="panic", continuation=CONTINUATION)
    loss.__cause__ = OSError("broken pipe")

    first, second = loss.fresh(), loss.fresh()

    assert first is not second
    for error in (first, second):
        assert (str(error), error.returncode, error.stderr_tail) == ("gone", 1, "panic")
        assert error.continuation is CONTINUATION
        assert error.__cause__ is loss.__cause__


def test_no_traceback_is_shared_and_none_grows() -> None:
    loss = CodexTransportError("gone")

    depths = [len(traceback.extract_tb(raised(loss.fresh()).__traceback__)) for _ in range(3)]

    assert len(set(depths)) == 1
    assert loss.__traceback__ is None


def test_a_waiter_for_a_turn_gets_its_own_continuation() -> None:
    other = ChatContinuation("T2", "U2", 0, "chat")

    assert CodexTransportError("gone").fresh(other).continuation is other
    assert CodexTransportError("gone", continuation=CONTINUATION).fresh(other).continuation is other


def test_a_quiet_turn_says_how_to_go_on() -> None:
    error = CodexTurnInactiveError("quiet", continuation=CONTINUATION, idle_seconds=180.0, last_event="item/started")

    assert (error.continuation, error.idle_seconds, error.last_event) == (CONTINUATION, 180.0, "item/started")
    assert isinstance(error, codex_trio.CodexTimeoutError)


def test_a_refusal_keeps_what_the_server_said() -> None:
    error = CodexProtocolError("no", code=-32600, data={"a": 1}, method="turn/steer")

    assert (error.code, error.data, error.method) == (-32600, {"a": 1}, "turn/steer")


def test_a_failed_turn_keeps_the_reason_and_what_there_was() -> None:
    info = {"responseTooManyFailedAttempts": {"httpStatusCode": 429}}

    error = CodexTurnFailedError(
        "failed", result=RESULT, error_info=info, details="slow down", http_status=429, data=info
    )

    assert (error.error_info, error.details, error.http_status, error.data) == (info, "slow down", 429, info)
    assert error.result.final_text == "half an answer"
    assert (error.code, error.method) == (None, "turn/completed")


def test_an_interrupted_turn_keeps_what_there_was() -> None:
    error = CodexTurnInterruptedError("interrupted", result=RESULT)

    assert error.result is RESULT
    assert error.method == "turn/completed"


def test_errors_about_threads_name_the_thread() -> None:
    missing = CodexThreadNotFoundError("no such thread", thread_id="T", code=-32600, method="thread/resume")
    busy = CodexThreadBusyError("busy", thread_id="T", turn_id=None)

    assert (missing.thread_id, missing.code, missing.method) == ("T", -32600, "thread/resume")
    assert (busy.thread_id, busy.turn_id) == ("T", None)


EVERY_KIND = [
    CodexError("m"),
    CodexTransportError("m", returncode=3, stderr_tail="words", continuation=CONTINUATION, is_permanent=True),
    CodexTimeoutError("m"),
    CodexTurnInactiveError("m", continuation=CONTINUATION, idle_seconds=1.5, last_event="error"),
    CodexOutputError("m", text="{", path="$", result=RESULT),
    CodexProtocolError("m", code=-1, data={"a": [1]}, method="turn/start"),
    CodexTurnFailedError("m", result=RESULT, error_info={"a": {}}, details="d", http_status=500, data={"a": 1}),
    CodexTurnInterruptedError("m", result=RESULT),
    CodexThreadNotFoundError("m", thread_id="T", code=-1, data=None, method="thread/resume"),
    CodexThreadBusyError("m", thread_id="T", turn_id="U"),
]


def through_pickle(protocol: int) -> Callable[[CodexError], CodexError]:
    return lambda error: pickle.loads(pickle.dumps(error, protocol))


@pytest.mark.parametrize("error", EVERY_KIND, ids=lambda error: type(error).__name__)
def test_a_copy_keeps_everything(error: CodexError) -> None:
    error.add_note("a note")
    ways: list[Callable[[CodexError], CodexError]] = [copy.copy, copy.deepcopy]
    ways += [through_pickle(protocol) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)]
    for make in ways:
        made = make(error)
        assert made is not error
        assert (type(made), str(made), vars(made)) == (type(error), "m", vars(error))


def test_every_kind_is_copied() -> None:
    assert [type(error).__name__ for error in EVERY_KIND] == list(drawn_tree())


def test_one_except_clause_catches_them_all() -> None:
    for name in errors.__all__:
        assert issubclass(getattr(codex_trio, name), CodexError)
