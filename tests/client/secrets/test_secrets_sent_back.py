"""A server that repeats the secrets of its own connection: errors, logs and recordings do not show them."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
from trio_websocket import WebSocketConnection

from codex_trio import (
    CodexProtocolError,
    CodexTurnFailedError,
    StdioTransport,
    Transport,
    WebSocketTransport,
    open_codex_client,
)
from codex_trio._transports.wrapper import TransportWrapper
from codex_trio.testing import ScriptedAppServer, fail
from tests.support.fake_server_command import server as command
from tests.support.websocket_servers import serve

TOKEN = "tok-4f1c0a7be2d94c6f8a35"
IN_URL = "q-99aa88bb77cc66dd"
IN_HEADER = "h-1234abcd5678efgh"
SECRETS = (TOKEN, IN_URL, IN_HEADER)
REPEATED = " ".join(SECRETS)
ERROR = {"code": -32000, "message": f"no such login: {REPEATED}", "data": {"sent": [REPEATED], TOKEN: 1}}

# Each line that a server sends after a request, as JSON; "id" is that of the request.
Reply = Callable[[Any], Sequence[Any]]


@pytest.fixture(autouse=True)
def log_all(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "codex_trio")


def answers(message: Any) -> list[Any]:
    """Answer `initialize`, and answer everything else with an error that repeats the secrets."""
    if message["method"] == "initialize":
        return [{"id": message["id"], "result": {"userAgent": "x"}}]
    return [{"id": message["id"], "error": ERROR}]


def refuses_all(message: Any) -> list[Any]:
    return [{"id": message["id"], "error": ERROR}]


def babbles(message: Any) -> list[Any]:
    """Send lines that are skipped, notifications and an answer that repeat the secrets."""
    skipped = [f"hello {REPEATED}", {"params": REPEATED}, {"id": REPEATED, "result": 1}, {"id": 0.5, "method": TOKEN}]
    notification = {"method": "warning", "params": {"message": f"you sent {REPEATED}", "lines": [f"{TOKEN}\n"]}}
    command = {"threadId": "t", "turnId": "u", "itemId": "i", "command": f"login {REPEATED}"}
    requests = [
        {"id": 100, "method": "item/commandExecution/requestApproval", "params": command},
        {"id": REPEATED, "method": f"ask/{TOKEN}", "params": {}},
    ]
    return [*skipped, notification, *requests, {"id": message["id"], "result": {"userAgent": REPEATED}}]


async def serve_websocket(nursery: trio.Nursery, reply: Reply) -> WebSocketTransport:
    async def handle(websocket: WebSocketConnection) -> None:
        while True:
            message = json.loads(await websocket.get_message())
            for line in reply(message) if {"id", "method"} <= message.keys() else []:
                await websocket.send_message(line if isinstance(line, str) else json.dumps(line))

    url = (await serve(nursery, handle)).url
    return WebSocketTransport(f"{url}/?key={IN_URL}", token=TOKEN, headers={"X-Mine": IN_HEADER})


STDIO_SCRIPT = """
import sys
secrets = [os.environ["MY_TOKEN"], sys.argv[-1], sys.argv[-3].partition("=")[2]]
error = {"code": -32000, "message": f"no such login: {secrets}", "data": {"sent": secrets}}
request = receive()
send({"id": request["id"], "result": {"userAgent": "x"}})
receive()
while True:
    send_bytes(f"hello {secrets}\\n".encode())
    send({"id": receive()["id"], "error": error})
"""


def stdio() -> StdioTransport:
    words = [*command(STDIO_SCRIPT), f"--api-key={IN_URL}", "--token", IN_HEADER]
    return StdioTransport(words, env={"MY_TOKEN": TOKEN})


def assert_hidden(*texts: str) -> None:
    for text in texts:
        for secret in SECRETS:
            assert secret not in text


def assert_hidden_in_error(error: CodexProtocolError) -> None:
    assert "no such login: " in str(error)
    assert "***" in str(error)
    assert_hidden(str(error), repr(error), repr(error.args), repr(error.data), repr(error.__dict__))


def assert_hidden_in_recording(path: Path) -> None:
    text = path.read_text()
    assert "***" in text
    assert_hidden(text)
    assert all(isinstance(json.loads(line), dict) for line in text.splitlines())


async def test_a_refused_initialize_does_not_show_the_secrets_of_a_websocket(
    nursery: trio.Nursery, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    transport = await serve_websocket(nursery, refuses_all)
    with pytest.raises(CodexProtocolError) as caught:
        async with open_codex_client(transport, record=tmp_path / "r.jsonl"):
            pass
    assert_hidden_in_error(caught.value)
    assert caught.value.data == {"sent": ["*** *** ***"], "***": 1}
    assert_hidden(caplog.text)
    assert_hidden_in_recording(tmp_path / "r.jsonl")


async def test_a_refused_request_does_not_show_the_secrets_of_a_websocket(
    nursery: trio.Nursery, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    transport = await serve_websocket(nursery, answers)
    async with open_codex_client(transport, record=tmp_path / "r.jsonl") as client:
        with pytest.raises(CodexProtocolError) as caught:
            await client.request("thread/list")
    assert_hidden_in_error(caught.value)
    assert_hidden(caplog.text)
    assert_hidden_in_recording(tmp_path / "r.jsonl")


async def test_messages_are_logged_and_recorded_without_the_secrets_of_a_websocket(
    nursery: trio.Nursery, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    transport = await serve_websocket(nursery, babbles)
    async with open_codex_client(transport, record=tmp_path / "r.jsonl") as client:
        await client.request("thread/list", {"searchTerm": TOKEN})
        assert client.statistics().ignored_messages == 8
    assert caplog.text.count("a message was skipped") == 8
    assert "the server asked ask/*** and was refused" in caplog.text
    assert "an approval was declined" in caplog.text
    assert "was asked again, id '*** *** ***'" in caplog.text
    assert_hidden(caplog.text)
    assert_hidden_in_recording(tmp_path / "r.jsonl")


async def test_a_refused_request_does_not_show_the_secrets_of_a_process(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_codex_client(stdio(), record=tmp_path / "r.jsonl") as client:
        with pytest.raises(CodexProtocolError) as caught:
            await client.request("thread/list")
    assert_hidden_in_error(caught.value)
    assert caught.value.data == {"sent": ["***", "***", "***"]}
    assert_hidden(caplog.text)
    assert_hidden_in_recording(tmp_path / "r.jsonl")


class Redacting(TransportWrapper):
    """Another transport, which takes its secret out of texts."""

    def redact(self, text: str) -> str:
        return text.replace(TOKEN, "***")


async def test_a_failed_turn_does_not_show_what_a_transport_redacts(
    autojump_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    server = ScriptedAppServer()
    server.on_turn(fail(f"the provider refused {TOKEN}"))
    async with open_codex_client(Redacting(server.transport())) as client:
        with pytest.raises(CodexTurnFailedError) as caught:
            await client.chat_once("Go")
    assert "refused ***" in str(caught.value)
    assert_hidden(str(caught.value), repr(caught.value.__dict__), caplog.text)


def test_a_transport_redacts_nothing_by_default() -> None:
    assert Transport.redact(ScriptedAppServer().transport(), f"a {TOKEN}") == f"a {TOKEN}"
    wrapped = TransportWrapper(Redacting(ScriptedAppServer().transport()))
    assert wrapped.redact(f"a {TOKEN}") == "a ***"
