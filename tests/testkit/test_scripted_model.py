"""The scripted model by itself: what it refuses, what it writes, what it leaves behind. No codex is run."""

from __future__ import annotations

import json
import socket
import struct
import tomllib

import pytest
import trio

from codex_trio.testing._model.codex_home import dump_config
from codex_trio.testing._model.model import ScriptedModel, open_scripted_model
from codex_trio.testing._script import drop_connection, fail, run, say, wait


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        (b"GET /v1/models HTTP/1.1\r\nhost: x\r\n\r\n", b"404"),
        (b"POST /v1/responses/compact HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}", b"404"),
        (b"POST /v1/responses HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\n{,}", b"400"),
    ],
)
async def test_other_requests_are_refused_and_spend_no_script(request_text: bytes, status: bytes) -> None:
    with trio.fail_after(5):
        async with open_scripted_model() as model:
            answer = await exchange_bytes(model, request_text)

    assert answer.startswith(b"HTTP/1.1 " + status)
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["message"].startswith("the scripted model")
    assert model.requests == []


async def open_stream(model: ScriptedModel) -> trio.SocketStream:
    host, _, port = model.url.removeprefix("http://").removesuffix("/v1").partition(":")
    return await trio.open_tcp_stream(host, int(port))


async def exchange_bytes(model: ScriptedModel, data: bytes) -> bytes:
    async with await open_stream(model) as stream:
        await stream.send_all(data)
        return b"".join([bytes(chunk) async for chunk in stream])


async def test_an_exception_of_the_body_leaves_bare() -> None:
    mine = ValueError("mine")
    with pytest.raises(ValueError, match="mine") as caught:
        async with open_scripted_model():
            raise mine

    assert caught.value is mine


async def test_an_exception_of_the_body_leaves_bare_from_a_cancelled_scope_too() -> None:
    with pytest.raises(ValueError, match="mine"), trio.CancelScope() as scope:  # noqa: PT012  the body is what raises
        async with open_scripted_model():
            scope.cancel()
            raise ValueError("mine")


async def test_a_connection_that_is_reset_in_the_middle_of_an_answer_harms_nothing() -> None:
    request = b"POST /v1/responses HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}"
    with trio.fail_after(5):
        async with open_scripted_model() as model:
            model.on_turn(say("x" * 20_000_000))
            async with await open_stream(model) as stream:
                await stream.send_all(request)
                await stream.receive_some(1)
                stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            await model.wait_idle()
            assert b'"delta":"ok"' in await exchange_bytes(model, request)


async def test_closing_drops_connections_and_deletes_the_home() -> None:
    with trio.fail_after(5):
        async with open_scripted_model() as model:
            stream = await open_stream(model)
        assert not model.home.exists()
        assert await stream.receive_some() == b""
        await stream.aclose()
        with pytest.raises(OSError, match="connect"):
            await open_stream(model)


async def test_a_cancelled_body_closes_the_model() -> None:
    model = open_scripted_model()
    with trio.move_on_after(0.05) as scope:
        async with model:
            await trio.sleep_forever()

    assert scope.cancelled_caught
    assert not model.home.exists()


async def test_a_model_is_opened_once() -> None:
    model = open_scripted_model()
    with pytest.raises(RuntimeError, match="the model is not open"):
        model.env()
    async with model:
        pass
    with pytest.raises(RuntimeError, match="opened only once"):
        async with model:
            pass


async def test_config_is_laid_over_the_offline_one() -> None:
    text = 'model = "other"\n[features]\nplugins = true\n[tools]\nlist = [1, 2.5, "ä\\"\\n", {"a b" = 2020-01-01}]'
    async with open_scripted_model(approval_policy="never", sandbox_mode="read-only", config=text) as model:
        config = tomllib.loads((model.home / "config.toml").read_text(encoding="utf-8"))

    assert config["model"] == "other"
    assert (config["approval_policy"], config["sandbox_mode"]) == ("never", "read-only")
    assert (config["features"]["plugins"], config["features"]["shell_snapshot"]) == (True, False)
    assert config["tools"] == tomllib.loads(text)["tools"]
    assert config["model_providers"]["scripted"]["base_url"] == model.url


def test_dumped_config_reads_back() -> None:
    config = {'quote " and é': {"emoji": "😀\x7f\t", "none": [], "inf": float("inf")}, "yes": True}
    assert tomllib.loads(dump_config(config)) == config


def test_bad_scripts_and_configs_are_refused_where_they_are_written() -> None:
    with pytest.raises(ValueError, match="not valid TOML"):
        open_scripted_model(config="a = [")
    model = open_scripted_model()
    with pytest.raises(ValueError, match="cannot play DropConnection"):
        model.on_turn(say("a"), drop_connection())
    with pytest.raises(ValueError, match="before the response starts"):
        model.default(say("a"), wait(1), fail("no", http_status=500))
    model.on_prompt("a", say("a"), run("b"), fail("no", http_status=500))
