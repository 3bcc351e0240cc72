"""Lines to messages and back: tolerant in, exact out."""

from __future__ import annotations

import contextlib
import json
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from codex_trio._wire.messages import (
    NOT_A_DELTA,
    Delta,
    MalformedMessageError,
    Message,
    Notice,
    Response,
    ServerRequest,
    dump_error,
    dump_notification,
    dump_request,
    dump_response,
    error_from_wire,
    parse_delta,
    parse_message,
)
from codex_trio._wire.methods import DeltaMethod
from codex_trio.errors import CodexProtocolError, CodexThreadNotFoundError
from tests.support.folders import TRACES

calm = settings(deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])

# Text with lone surrogates among it: JSON can carry them, UTF-8 cannot.
any_text = st.text(st.characters(exclude_categories=()), max_size=5)
any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | any_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=8,
)
any_envelope = st.fixed_dictionaries(
    {},
    optional={
        "id": any_json,
        "method": any_json | st.sampled_from(["turn/completed", "item/agentMessage/delta"]),
        "params": any_json
        | st.fixed_dictionaries(
            {}, optional={"threadId": any_json, "turnId": any_json, "thread": any_json, "turn": any_json}
        ),
        "result": any_json,
        "error": any_json,
    },
)


def read(line: bytes) -> Message | Delta:
    """Read a line as the reader of a connection does."""
    try:
        return parse_delta(line)
    except NOT_A_DELTA:
        return parse_message(line)


def parse(message: object) -> Message | Delta:
    return read(json.dumps(message).encode())


def notice(method: str, **params: object) -> Notice:
    message = parse({"method": method, "params": params})
    assert isinstance(message, Notice)
    return message


# --- in


@calm
@given(any_json | any_envelope)
@example({"method": "turn/completed", "id": None, "params": None})
@example({"method": "x", "params": {"turnId": "\ud800"}})
@example({"id": 2**70, "result": {}})
def test_no_json_value_raises_anything_but_that_it_is_malformed(value: object) -> None:
    with contextlib.suppress(MalformedMessageError):
        parse(value)


@calm
@given(st.binary())
@example(b'{"method": "a\xff"}')
@example(b"NaN")
@example(b"[" * 200_000)
@example(b"[" * 60_000)
@example(b'{"method": "item/plan/delta", "params": ' + b'{"a":' * 5_000)
def test_no_bytes_raise_anything_but_that_they_are_malformed(line: bytes) -> None:
    with contextlib.suppress(MalformedMessageError):
        read(line)


@pytest.mark.parametrize(
    "line", [b"", b"not JSON", b"[]", b"123", b'"text"', b"null", b"{}", b'{"id": null}', b"\xff\xfe"]
)
def test_a_line_that_is_not_a_message_is_malformed(line: bytes) -> None:
    with pytest.raises(MalformedMessageError):
        read(line)


def test_a_method_without_an_id_is_a_notice() -> None:
    message = parse({"method": "warning", "params": {"threadId": "T", "message": "careful"}, "emittedAtMs": 7})

    assert isinstance(message, Notice)
    assert (message.method, message.thread_id, message.turn_id) == ("warning", "T", None)
    assert message.params == {"threadId": "T", "message": "careful"}
    assert message.raw["emittedAtMs"] == 7


def test_ids_are_read_flat_or_from_the_objects() -> None:
    assert notice("item/started", threadId="T", turnId="U").turn_id == "U"
    assert notice("turn/completed", threadId="T", turn={"id": "U"}).turn_id == "U"
    assert notice("thread/started", thread={"id": "T"}).thread_id == "T"


def test_ids_of_another_type_do_not_count_as_ids() -> None:
    message = notice("turn/completed", threadId=1, thread="T", turnId=["U"], turn={"id": 5})

    assert (message.thread_id, message.turn_id) == (None, None)


@pytest.mark.parametrize("params", [None, [], "text", 1])
def test_params_of_another_type_are_empty(params: object) -> None:
    message = parse({"method": "warning", "params": params})

    assert isinstance(message, Notice)
    assert message.params == {}


@pytest.mark.parametrize("id_", [0, -3, 2**53 + 1, "a"])
def test_a_method_with_an_id_is_a_request_even_when_the_id_is_zero(id_: int | str) -> None:
    message = parse({"method": "item/tool/call", "id": id_, "params": {"threadId": "T", "turnId": "U"}})

    assert message == ServerRequest(id_, "item/tool/call", "T", "U", {"threadId": "T", "turnId": "U"})


@pytest.mark.parametrize("id_", [True, 1.5, [], {}])
def test_a_request_with_an_impossible_id_is_malformed(id_: object) -> None:
    with pytest.raises(MalformedMessageError, match="a request whose id is"):
        parse({"method": "item/tool/call", "id": id_})


def test_an_id_without_a_method_is_a_response() -> None:
    assert parse({"id": 3, "result": {"a": 1}}) == Response(3, {"a": 1}, None)
    assert parse({"id": "x", "error": {"code": -1, "message": "no"}}) == Response(
        "x", None, {"code": -1, "message": "no"}
    )
    assert parse({"id": 4}) == Response(4, None, None)


def test_an_error_that_is_not_an_object_is_still_an_error() -> None:
    assert parse({"id": 3, "error": "out of order"}) == Response(3, None, {"message": "out of order"})


@pytest.mark.parametrize("method", get_args(DeltaMethod))
def test_a_delta_is_read_as_far_as_its_ids(method: str) -> None:
    message = parse({"method": method, "params": {"threadId": "T", "turnId": "U", "itemId": "I", "delta": "abc"}})

    assert isinstance(message, Delta)
    assert (message.method, message.params.thread_id, message.params.turn_id) == (method, "T", "U")


@pytest.mark.parametrize("params", [{}, {"turnId": 5}, {"turnId": "U", "threadId": 5}, {"turnId": "U"}, None, "text"])
def test_a_delta_with_odd_ids_is_an_ordinary_notice(params: object) -> None:
    message = parse({"method": "item/plan/delta", "params": params})

    assert isinstance(message, Notice)
    assert message.method == "item/plan/delta"


def test_a_delta_of_any_length_is_read() -> None:
    params = {"threadId": "T", "turnId": "U", "delta": "x" * 1_000_000}

    message = parse({"method": "item/agentMessage/delta", "params": params})

    assert isinstance(message, Delta)
    assert (message.params.thread_id, message.params.turn_id) == ("T", "U")


def test_a_server_request_is_not_a_delta_whatever_its_method() -> None:
    message = parse({"method": "item/plan/delta", "id": 0, "params": {"threadId": "T", "turnId": "U"}})

    assert isinstance(message, ServerRequest)


def test_every_recorded_message_is_read() -> None:
    kinds: dict[type, int] = {}
    for path in TRACES.glob("*.jsonl"):
        for row in map(json.loads, path.read_text().splitlines()):
            if row["dir"] == "s2c" and row["msg"].keys() & {"method", "id"}:
                kind = type(parse(row["msg"]))
                kinds[kind] = kinds.get(kind, 0) + 1

    assert min(kinds[kind] for kind in (Notice, Delta, Response, ServerRequest)) > 50


# --- out


@calm
@given(st.integers(1, 2**31), st.text(max_size=20), st.dictionaries(st.text(max_size=5), st.text(max_size=5)))
def test_what_is_written_is_read_again_and_is_one_line(id_: int, method: str, params: dict[str, str]) -> None:
    request = dump_request(id_, method, params)

    message = parse_message(request)
    assert isinstance(message, ServerRequest)
    assert (message.id, message.method, message.params) == (id_, method, params)
    assert b"\n" not in request
    assert b"\r" not in request


def test_a_request_without_params_goes_out_with_empty_ones() -> None:
    assert json.loads(dump_request(1, "thread/list", None)) == {"id": 1, "method": "thread/list", "params": {}}


def test_a_notification_without_params_goes_out_without_them() -> None:
    assert json.loads(dump_notification("initialized", None)) == {"method": "initialized"}
    assert json.loads(dump_notification("x", {"a": 1})) == {"method": "x", "params": {"a": 1}}


def test_answers_carry_the_id_that_was_asked_with() -> None:
    assert json.loads(dump_response(0, {"decision": "decline"})) == {"id": 0, "result": {"decision": "decline"}}
    assert json.loads(dump_error("a", -32601, "no")) == {"id": "a", "error": {"code": -32601, "message": "no"}}


@pytest.mark.parametrize("value", [object(), 1j, json.loads])
def test_params_that_json_does_not_have_are_a_type_error_that_names_the_method(value: Any) -> None:
    with pytest.raises(TypeError, match=r"turn/start: params cannot be sent"):
        dump_request(1, "turn/start", {"value": value})


def test_params_that_contain_themselves_are_a_type_error() -> None:
    params: dict[str, Any] = {}
    params["params"] = params

    with pytest.raises(TypeError, match=r"turn/start: params cannot be sent"):
        dump_request(1, "turn/start", params)


def test_lone_surrogates_are_a_value_error() -> None:
    with pytest.raises(ValueError, match=r"turn/start: text with lone surrogates"):
        dump_request(1, "turn/start", {"text": "\ud800"})


# --- errors of the server


def test_a_refusal_keeps_code_data_and_method() -> None:
    error = error_from_wire(
        {"code": -32602, "message": "too large", "data": {"max": 1}}, method="turn/start", params={}
    )

    assert type(error) is CodexProtocolError
    assert (error.code, error.data, error.method) == (-32602, {"max": 1}, "turn/start")
    assert str(error) == "turn/start was refused with code -32602: too large"


@pytest.mark.parametrize(
    "message",
    [
        "no rollout found for thread id T",
        "thread not found: T",
        "thread not loaded: T",
        "invalid thread id: T",
        "rollout at /x/y.jsonl is empty",
    ],
)
def test_a_missing_thread_has_a_separate_error(message: str) -> None:
    error = error_from_wire({"code": -32600, "message": message}, method="thread/resume", params={"threadId": "T"})

    assert isinstance(error, CodexThreadNotFoundError)
    assert (error.thread_id, error.code, error.method) == ("T", -32600, "thread/resume")
    assert message in str(error)


def test_a_missing_thread_outside_of_the_request_is_an_ordinary_error() -> None:
    error = error_from_wire({"code": -32600, "message": "thread not found: T"}, method="config/read", params=None)

    assert type(error) is CodexProtocolError


def test_an_overloaded_server_is_said_to_be_worth_another_try() -> None:
    error = error_from_wire({"code": -32001, "message": "Server overloaded"}, method="thread/list", params=None)

    assert error.code == -32001
    assert "try again later" in str(error)


def test_the_list_of_all_methods_is_cut_short() -> None:
    error = error_from_wire({"code": -32600, "message": "x" * 5_000}, method="nosuch", params=None)

    assert len(str(error)) < 600
    assert "5,000 characters" in str(error)


@calm
@given(st.dictionaries(st.sampled_from(["code", "message", "data"]), any_json), any_json)
def test_no_error_object_is_too_odd(error: dict[str, Any], thread_id: object) -> None:
    refusal = error_from_wire(error, method="thread/read", params={"threadId": thread_id})

    assert refusal.code is None or type(refusal.code) is int
    assert str(refusal)
