"""Websocket and unix socket against the real server, which runs before the client and after it."""

from __future__ import annotations

import base64
import logging
import os
from pathlib import Path

import pytest
import trio

from codex_trio import CodexTransportError, CodexTurnInactiveError, Transport, WebSocketTransport, open_codex_client
from codex_trio.testing import ScriptedModel, hang, run, say, think
from tests.support.exposed_secrets import exposed
from tests.support.real_codex import assert_nothing_open, told_statuses
from tests.support.real_servers import TOKEN, MakeTransport, over_each, running_server, with_token
from tests.support.websocket_servers import own_address

WRONG = "wrong-8c1e5f02d7b94a36"

# What runs over stdio runs over a websocket with a token, too; of the others, this is the least to know.
over_others = pytest.mark.parametrize("reach", ["ws", pytest.param("unix", marks=pytest.mark.extended)], indirect=True)


@over_others
async def test_a_conversation_goes_on_over_two_clients(model: ScriptedModel, make_transport: MakeTransport) -> None:
    model.on_turn(think("hm"), run("echo hello"), say("one"))
    model.on_turn(say("two"))
    async with open_codex_client(make_transport()) as client:
        steps = [step async for step in client.chat("First")]
        assert [step.step_type for step in steps] == ["thinking", "exec", "codex"]
        assert_nothing_open(client)
    async with open_codex_client(make_transport()) as client:
        result = await client.chat_once("Second", steps[0].thread_id)
        assert result.final_text == "two"
        assert await told_statuses(client, result.thread_id) == ["completed", "completed"]


@pytest.mark.extended
@over_others
async def test_a_quiet_turn_is_cancelled(model: ScriptedModel, make_transport: MakeTransport) -> None:
    model.on_turn(say("so far"), hang())
    async with open_codex_client(make_transport()) as client:
        with pytest.raises(CodexTurnInactiveError) as caught:
            await client.chat_once("Go", inactivity_timeout=0.3)
        result = await client.cancel(caught.value.continuation)
        assert result.was_interrupted
        assert [step.text for step in result.steps] == ["so far"]
        assert await told_statuses(client, result.thread_id) == ["interrupted"]


@pytest.mark.extended
@over_each
async def test_20_mib_come_down_in_one_message(make_transport: MakeTransport, tmp_path: Path) -> None:
    data = os.urandom(15 << 20)
    (tmp_path / "file").write_bytes(data)
    async with open_codex_client(make_transport()) as client:
        result = await client.request("fs/readFile", {"path": str(tmp_path / "file")})
    assert len(result["dataBase64"]) == 20 << 20
    assert base64.b64decode(result["dataBase64"]) == data


@pytest.mark.extended
@over_each
async def test_15_mib_go_up_in_one_message_and_over_16_are_refused(
    make_transport: MakeTransport, tmp_path: Path
) -> None:
    data = os.urandom(15 * (3 << 18))
    encoded = base64.b64encode(data).decode()
    assert len(encoded) == 15 << 20
    async with open_codex_client(make_transport()) as client:
        with pytest.raises(ValueError, match=r"drops the connection, without a word, .* it was not sent"):
            await client.request(
                "fs/writeFile", {"path": str(tmp_path / "file"), "dataBase64": encoded + "A" * (1 << 20)}
            )
        await client.request("fs/writeFile", {"path": str(tmp_path / "file"), "dataBase64": encoded})
    assert (tmp_path / "file").read_bytes() == data


@over_each
async def test_two_clients_see_the_same_thread(model: ScriptedModel, make_transport: MakeTransport) -> None:
    model.on_turn(say("for one"))
    model.on_turn(say("for both"))
    async with open_codex_client(make_transport()) as one, open_codex_client(make_transport()) as two:
        thread_id = (await one.chat_once("First")).thread_id
        await two.request("thread/resume", {"threadId": thread_id, "excludeTurns": True})
        async with two.notifications() as events:
            result = await one.chat_once("Second", thread_id)
            assert result.final_text == "for both"
            seen = [await anext(events)]
            while seen[-1].method != "turn/completed":
                seen.append(await anext(events))
        texts = [event.params["item"].get("text") for event in seen if event.method == "item/completed"]
        assert "for both" in texts
        assert seen[-1].params["turn"]["id"] == result.turn_id


@pytest.mark.extended
async def test_a_link_with_pings_outlives_many_of_them(model: ScriptedModel) -> None:
    # The server answers each ping with two pongs (0.163, 0.169).
    async with running_server(model) as server:
        transport = server.transport(ping_interval=0.1)
        async with open_codex_client(transport) as client:
            await trio.sleep(1)
            assert (await client.chat_once("Hello")).final_text == "ok"


@pytest.mark.extended
async def test_a_message_over_the_limit_is_dropped_by_the_server_without_a_word(model: ScriptedModel) -> None:
    # Why `max_send_size` is what it is.
    async with running_server(model) as server:
        transport = server.transport()
        async with trio.open_nursery() as nursery:
            await transport.open(nursery)
            limit = transport.max_send_size
            assert limit is not None
            await transport.send([b"x" * limit])
            await transport.send([b'{"id":1,"method":"initialize","params":{"clientInfo":{"name":"x","version":"1"}}}'])
            assert b'"id":1' in (await transport.receive())[0]
            with pytest.raises(CodexTransportError, match="without a close frame"):
                await send_and_receive(transport, b"x" * (limit + 1))
            await transport.aclose()


async def send_and_receive(transport: Transport, message: bytes) -> None:
    await transport.send([message])
    while True:
        await transport.receive()


@pytest.mark.parametrize(
    ("token", "why"), [("", "missing websocket bearer token"), ("wrong", "invalid websocket bearer token")]
)
async def test_a_wrong_token_is_told(model: ScriptedModel, token: str, why: str) -> None:
    async with running_server(model, *with_token(model)) as server:
        client = open_codex_client(server.transport(token=token))
        with pytest.raises(CodexTransportError, match=f"HTTP 401 Unauthorized: {why}"):
            await client.__aenter__()


async def test_a_refused_token_is_to_be_seen_nowhere(model: ScriptedModel, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with running_server(model, *with_token(model)) as server:
        transport = server.transport(token=WRONG)
        with pytest.raises(CodexTransportError, match="invalid websocket bearer token") as caught:
            await open_codex_client(transport).__aenter__()
    assert not exposed(caught.value, [WRONG], caplog.text, repr(transport))


async def test_the_environments_token_opens_a_server_on_this_machine(
    model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODEX_APP_SERVER_TOKEN", TOKEN)
    async with (
        running_server(model, *with_token(model)) as server,
        open_codex_client(WebSocketTransport(server.url)) as client,
    ):
        assert (await client.chat_once("Hello")).final_text == "ok"


@pytest.mark.extended
async def test_a_token_goes_unencrypted_to_an_address_of_the_network_with_leave_alone(
    model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = own_address()
    async with running_server(model, *with_token(model), listen="ws://0.0.0.0:0") as server:
        url = server.url.replace("0.0.0.0", address)
        with pytest.raises(ValueError, match=f"the token would be sent to {address} over ws://"):
            WebSocketTransport(url, token=TOKEN)
        async with open_codex_client(WebSocketTransport(url, token=TOKEN, allow_insecure_token=True)) as client:
            assert (await client.chat_once("Hello")).final_text == "ok"
        monkeypatch.setenv("CODEX_APP_SERVER_TOKEN", TOKEN)
        refused = "HTTP 401 Unauthorized: missing websocket bearer token .*; CODEX_APP_SERVER_TOKEN was not sent"
        with pytest.raises(CodexTransportError, match=refused):
            await open_codex_client(WebSocketTransport(url)).__aenter__()
        monkeypatch.setenv("CODEX_APP_SERVER_WS_URL", url)
        async with open_codex_client(WebSocketTransport(url, allow_insecure_token=True)):
            pass


@pytest.mark.extended
async def test_a_server_that_dies_is_told(model: ScriptedModel) -> None:
    model.on_turn(say("so far"), hang())
    async with (
        running_server(model) as server,
        open_codex_client(server.transport()) as client,
    ):
        stream = client.chat("Go")
        assert (await anext(stream)).text == "so far"
        server.process.kill()
        with pytest.raises(CodexTransportError, match="the connection ended without a close frame"):
            await anext(stream)
