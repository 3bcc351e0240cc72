"""What every transport keeps of its promise in `codex_trio.abc`: memory, stdio, websocket, unix socket."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
from trio_websocket import WebSocketConnection

from codex_trio import CodexTransportError, StdioTransport, Transport, UnixSocketTransport, WebSocketTransport
from codex_trio.testing import ScriptedAppServer
from tests.support.fake_server_command import server as command
from tests.support.websocket_servers import Server

# Each server below answers a request with its own params, `burst` with as many events before that, and dies of `die`.

SCRIPT = """
server = Server()
while (request := receive())["method"] != "die":
    if request["method"] == "burst":
        send(*({"method": "tick", "params": {"n": n}} for n in range(request["params"]["count"])))
    server.handle(request)
die(7)
"""


async def serve_websocket(websocket: WebSocketConnection) -> None:
    while (request := json.loads(await websocket.get_message()))["method"] != "die":
        if request["method"] == "burst":
            ticks = [json.dumps({"method": "tick", "params": {"n": n}}) for n in range(request["params"]["count"])]
            # By hand, because trio-websocket writes each frame by itself: short text frames, all at once.
            await websocket._stream.send_all(b"".join(bytes((0x81, len(tick))) + tick.encode() for tick in ticks))
        await websocket.send_message(json.dumps({"id": request["id"], "result": request["params"]}))


def scripted() -> Transport:
    server = ScriptedAppServer()

    def burst(params: Any) -> Any:
        for n in range(params["count"]):
            server.connection.send({"method": "tick", "params": {"n": n}})
        return params

    server.reply("initialize", lambda params: params)
    server.reply("echo", lambda params: params)
    server.reply("burst", burst)
    server.reply("die", lambda params: server.connection.drop())
    return server.transport()


async def over_tcp(nursery: trio.Nursery) -> Transport:
    server: Server = await nursery.start(Server(serve_websocket).run)
    return WebSocketTransport(server.url, token="")


async def over_unix(nursery: trio.Nursery, path: Path) -> Transport:
    listener = trio.socket.socket(trio.socket.AF_UNIX)
    await listener.bind(str(path))
    listener.listen()
    await nursery.start(partial(Server(serve_websocket).run, [trio.SocketListener(listener)]))
    return UnixSocketTransport(path)


@pytest.fixture(params=["memory", "stdio", "websocket", "unix"])
async def transport(request: pytest.FixtureRequest, nursery: trio.Nursery, tmp_path: Path) -> Transport:
    match request.param:
        case "memory":
            return scripted()
        case "stdio":
            return StdioTransport(command(SCRIPT))
        case "websocket":
            return await over_tcp(nursery)
        case _:
            return await over_unix(nursery, tmp_path / "socket")


@asynccontextmanager
async def opened(transport: Transport) -> AsyncIterator[None]:
    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            await transport.open(nursery)
            try:
                await exchange(transport, "initialize", clientInfo={"name": "test", "version": "1"})
                yield
            finally:
                await transport.aclose()
                nursery.cancel_scope.cancel()


def asked(id_: int, method: str, **params: Any) -> bytes:
    return json.dumps({"id": id_, "method": method, "params": params}).encode()


async def receive_until(transport: Transport, id_: int) -> list[Any]:
    """Return the messages up to the answer of that id."""
    messages: list[Any] = []
    while not messages or messages[-1].get("id") != id_:
        batch = await transport.receive()
        assert batch
        messages += map(json.loads, batch)
    return messages


async def exchange(transport: Transport, method: str, **params: Any) -> Any:
    await transport.send([asked(1, method, **params)])
    return (await receive_until(transport, 1))[-1]["result"]


async def disconnect_error(transport: Transport, seen: list[bytes | bytearray] | None = None) -> CodexTransportError:
    """Receive until there is nothing more, and return why; what came until then is added to `seen`."""
    while True:
        try:
            messages = await transport.receive()
        except CodexTransportError as loss:
            return loss
        if seen is not None:
            seen += messages


async def test_what_is_sent_arrives_and_is_answered(transport: Transport) -> None:
    async with opened(transport):
        assert await exchange(transport, "echo", text="héllo \n\u2028 🙂") == {"text": "héllo \n\u2028 🙂"}


async def test_several_messages_of_one_send_arrive_in_order(transport: Transport) -> None:
    async with opened(transport):
        await transport.send([asked(n, "echo", n=n) for n in range(1, 301)])
        answers = await receive_until(transport, 300)
    assert [answer["id"] for answer in answers] == [*range(1, 301)]


async def test_sending_nothing_does_nothing(transport: Transport) -> None:
    async with opened(transport):
        await transport.send([])
        assert await exchange(transport, "echo", n=1) == {"n": 1}


async def test_a_burst_arrives_in_order_and_in_pieces_of_several_messages(transport: Transport) -> None:
    async with opened(transport):
        await transport.send([asked(2, "burst", count=1000)])
        messages: list[Any] = []
        pieces = 0
        while len(messages) < 1001:
            messages += map(json.loads, await transport.receive())
            pieces += 1
    assert [message["params"]["n"] for message in messages[:-1]] == [*range(1000)]
    assert pieces < 100


@pytest.mark.extended
async def test_a_large_message_passes_both_ways(transport: Transport) -> None:
    text = "é" * (4 << 20)
    async with opened(transport):
        assert await exchange(transport, "echo", text=text) == {"text": text}


async def test_sending_and_receiving_do_not_wait_for_each_other(transport: Transport) -> None:
    text = "x" * (1 << 20)
    async with opened(transport), trio.open_nursery() as nursery:
        nursery.start_soon(transport.send, [asked(n, "echo", text=text) for n in range(1, 11)])
        answers = await receive_until(transport, 10)
    assert [answer["id"] for answer in answers] == [*range(1, 11)]


async def test_a_cancelled_receive_drops_no_message(transport: Transport) -> None:
    async with opened(transport):
        await transport.send([asked(2, "burst", count=300)])
        messages: list[Any] = []
        cancelled = 0
        while len(messages) < 301:
            with trio.CancelScope() as scope:
                if len(messages) % 2 == cancelled % 2:
                    scope.cancel()
                else:
                    scope.deadline = trio.current_time() + 0.0005
                messages += map(json.loads, await transport.receive())
            cancelled += scope.cancelled_caught
    assert [message["params"]["n"] for message in messages[:-1]] == [*range(300)]
    assert cancelled > 0


async def test_closing_twice_is_closing_once(transport: Transport) -> None:
    async with opened(transport):
        await transport.aclose()
        await transport.aclose()


async def test_closing_what_was_never_opened_does_nothing(transport: Transport) -> None:
    with trio.testing.assert_checkpoints():
        await transport.aclose()


async def test_closing_is_not_cut_short_by_a_cancellation(transport: Transport) -> None:
    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            await transport.open(nursery)
            with trio.CancelScope() as scope:
                scope.cancel()
                await transport.aclose()
        await open_again(transport)


async def test_after_closing_it_may_be_opened_again(transport: Transport) -> None:
    for _ in range(2):
        await open_again(transport)


async def open_again(transport: Transport) -> None:
    async with opened(transport):
        assert await exchange(transport, "echo", n=1) == {"n": 1}


async def test_it_is_open_only_once_at_a_time(transport: Transport) -> None:
    async with opened(transport), trio.open_nursery() as nursery:
        with pytest.raises(RuntimeError, match="open already"):
            await transport.open(nursery)


async def test_a_disconnect_is_reported_after_all_messages(transport: Transport) -> None:
    async with opened(transport):
        await transport.send([asked(2, "burst", count=100), asked(3, "die")])
        seen: list[bytes | bytearray] = []
        loss = await disconnect_error(transport, seen)
        assert [json.loads(message)["params"]["n"] for message in seen[:100]] == [*range(100)]
        assert str(loss)


async def test_after_a_disconnect_each_use_raises_a_separate_error(transport: Transport) -> None:
    async with opened(transport):
        await transport.send([asked(2, "die")])
        first = await disconnect_error(transport)
        assert await disconnect_error(transport) is not first
        with pytest.raises(CodexTransportError):
            await transport.send([asked(3, "echo")])


async def test_after_a_disconnect_it_may_be_opened_again(transport: Transport) -> None:
    async with opened(transport):
        await transport.send([asked(2, "die")])
        await disconnect_error(transport)
    await open_again(transport)


async def test_after_closing_each_use_is_an_error(transport: Transport) -> None:
    async with opened(transport):
        await transport.aclose()
        with pytest.raises(CodexTransportError):
            await transport.receive()
        with pytest.raises(CodexTransportError):
            await transport.send([asked(2, "echo")])


async def test_it_has_a_name_before_and_after(transport: Transport) -> None:
    name = transport.describe()
    async with opened(transport):
        assert transport.describe() == name
    assert transport.describe() == name != ""
