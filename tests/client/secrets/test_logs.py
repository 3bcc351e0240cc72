"""What is logged holds no secret, as far as one can be told by its name."""

from __future__ import annotations

import json
import logging
from bisect import bisect

import msgspec
import pytest
from trio.testing import MockClock

from codex_trio import CodexTimeoutError, open_codex_client
from codex_trio.testing import ScriptedAppServer, ask_server_request, retry

TOKEN = "eyJhbGciOi.0123456789abcdef"


@pytest.fixture(autouse=True)
def debug(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)


async def test_nothing_of_an_answer_that_comes_too_late_is_logged(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    server = ScriptedAppServer()
    server.hold("getAuthStatus")
    async with open_codex_client(server.transport()) as client:
        with pytest.raises(CodexTimeoutError):
            await client.request("getAuthStatus", {"includeToken": True}, timeout=1)
        (await server.held("getAuthStatus").receive()).reply(
            {"authToken": TOKEN, "other": "no name tells that it is one"}
        )
        await client.request("thread/list")
        assert client.statistics().ignored_messages == 1

    (skipped,) = (message for message in caplog.messages if "skipped" in message)
    assert skipped.startswith("a message was skipped: a response to an unknown request, id 2, ")
    assert TOKEN not in caplog.text
    assert "no name" not in caplog.text


@pytest.mark.parametrize(
    "line",
    [
        json.dumps({"id": 1.5, "method": "x", "params": {"apiKey": TOKEN}}),
        json.dumps({"accessToken": TOKEN}),
        f'{{"accessToken": "{TOKEN}',
        f"listening; use Authorization: Bearer {TOKEN}",
        f"{'x' * 189} {TOKEN}",  # where the log is cut
    ],
)
async def test_a_line_that_is_no_message_is_logged_without_its_secrets(
    line: str, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client:
        server.connection.send_bytes(line.encode())
        await client.request("thread/list")
        assert client.statistics().ignored_messages == 1
    assert "a message was skipped" in caplog.text
    assert TOKEN[3:8] not in caplog.text


def can_be_read(depth: int) -> bool:
    """Return whether JSON that is nested so deeply can be decoded, which Python's version decides."""
    try:
        msgspec.json.decode('{"a":' * depth + "1" + "}" * depth)
    except RecursionError:
        return False
    return True


@pytest.mark.extended
@pytest.mark.parametrize(
    "line",
    [
        '{"id": DEEP, "method": "x"}',
        '{"id": 1, "method": "item/permissions/requestApproval", "params": {"permissions": {"x": DEEP}}}',
        '{"id": 1, "method": "item/commandExecution/requestApproval", "params": {"additionalPermissions": DEEP}}',
    ],
)
async def test_what_can_be_read_and_is_nested_too_deeply_to_be_shown_ends_nothing(
    line: str, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client:
        limit = bisect(range(100_000), False, key=lambda depth: not can_be_read(depth))
        for depth in range(limit - 100, limit + 10):
            deep = '{"a":' * depth + "1" + "}" * depth
            server.connection.send_bytes(line.replace("DEEP", deep).replace('"id": 1', f'"id": {depth}').encode())
        await client.request("thread/list")
    assert "nested too deeply to be shown" in caplog.text or "maximum recursion depth" in caplog.text


async def test_what_others_have_said_is_logged_without_its_secrets(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    server = ScriptedAppServer()
    command = f"curl -H 'Authorization: Bearer {TOKEN}' https://me:{TOKEN}@host/"
    server.on_turn(
        ask_server_request("item/commandExecution/requestApproval", {"command": command}), retry(f"sk-{TOKEN}")
    )
    async with open_codex_client(server.transport()) as client:
        await client.chat_once("Go")
    logging.getLogger("codex_trio").warning("as of a handler: %s", f"OPENAI_API_KEY={TOKEN}")

    assert "an approval was declined" in caplog.text
    assert "the server tries again: sk-***" in caplog.text
    assert "OPENAI_API_KEY=***" in caplog.text
    assert TOKEN not in caplog.text
