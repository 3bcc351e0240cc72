"""What the server asks, and the answer that grants nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from codex_trio._wire.server_methods import RequestRejectedError, default_response
from tests.support.folders import TRACES

NOW = 1795398998.75
DECLINED = {"decision": "decline"}
NO_TOOL = {"contentItems": [{"type": "inputText", "text": "This client has no such tool."}], "success": False}


def recorded_asks() -> set[str]:
    rows = [json.loads(line) for path in TRACES.glob("*.jsonl") for line in path.read_text().splitlines()]
    return {
        row["msg"]["method"] for row in rows if row["dir"] == "s2c" and "id" in row["msg"] and "method" in row["msg"]
    }


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("item/commandExecution/requestApproval", DECLINED),
        ("item/fileChange/requestApproval", DECLINED),
        ("item/permissions/requestApproval", {"permissions": {}, "scope": "turn"}),
        ("item/tool/requestUserInput", {"answers": {}}),
        ("mcpServer/elicitation/request", {"action": "decline", "content": None}),
        ("item/tool/call", NO_TOOL),
        ("applyPatchApproval", {"decision": {"denied": {"rejection": "This client refuses it."}}}),
        ("execCommandApproval", {"decision": {"denied": {"rejection": "This client refuses it."}}}),
    ],
)
def test_each_ask_is_refused_in_its_own_shape(method: str, answer: dict[str, Any]) -> None:
    assert default_response(method, unix_time=NOW) == answer


def test_the_time_is_sent_in_whole_seconds() -> None:
    assert default_response("currentTime/read", unix_time=NOW) == {"currentTimeAt": 1795398998}


@pytest.mark.parametrize("method", ["account/chatgptAuthTokens/refresh", "nobody/knows", ""])
def test_a_method_without_a_default_result_is_answered_with_an_error(method: str) -> None:
    with pytest.raises(RequestRejectedError, match=f"this client does not answer {method}") as caught:
        default_response(method, unix_time=NOW)

    assert caught.value.code == -32601


def test_every_ask_that_was_ever_recorded_is_known_but_for_the_tokens_that_we_do_not_have() -> None:
    unknown = set()
    for method in recorded_asks():
        try:
            default_response(method, unix_time=NOW)
        except RequestRejectedError:
            unknown.add(method)

    assert len(recorded_asks()) >= 6
    assert unknown == {"account/chatgptAuthTokens/refresh"}


def test_no_answer_grants_anything() -> None:
    words = json.dumps(
        [default_response(method, unix_time=NOW) for method in recorded_asks() - {"account/chatgptAuthTokens/refresh"}]
    )

    assert "accept" not in words
    assert "approved" not in words
    assert "true" not in words
