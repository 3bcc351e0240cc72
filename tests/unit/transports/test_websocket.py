"""An open `WebSocketTransport`: messages, detection of dead connections, errors. Uses loopback and the real clock."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
import trio
import trio.testing
from trio_websocket import WebSocketConnection

from codex_trio import CodexTransportError, WebSocketTransport
from tests.support.leaks import nothing_left
from tests.support.websocket_servers import Handler, echo, serve, serve_proxy, serve_raw

INTERVAL = 0.4  # seconds from ping to ping


@pytest.fixture(autouse=True)
def no_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CODEX_APP_SERVER_TOKEN", raising=False)


@asynccontextmanager
async def opened(url: str, **options: float) -> AsyncIterator[WebSocketTransport]:
    """Open a transport, and see that it leaves nothing behind."""
    transport = WebSocketTransport(url, **options)  # type: ignore[arg-type]
    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            await transport.open(nursery)
            try:
                yield transport
            finally:
                await transport.aclose()


async def received(transport: WebSocketTransport, count: int) -> list[bytes]:
    messages: list[bytes] = []
    while len(messages) < count:
        messages += await transport.receive()
    return messages


async def disconnect_error(transport: WebSocketTransport) -> str:
    """Receive until there is nothing more, and return why."""
    while True:
        try:
            await transport.receive()
        except CodexTransportError as loss:
            return str(loss)


async def serve_some(nursery: trio.Nursery, handle: Handler) -> str:
    return (await serve(nursery, handle)).url


# --- what passes


@pytest.mark.smoke
async def test_a_binary_frame_is_a_message_like_any_other(nursery: trio.Nursery) -> None:
    async def handle(websocket: WebSocketConnection) -> None:
        await websocket.send_message(b'{"binary":1}')
        await websocket.send_message('{"text":2}')
        await websocket.get_message()

    async with opened(await serve_some(nursery, handle)) as transport:
        assert await received(transport, 2) == [b'{"binary":1}', b'{"text":2}']


async def test_a_message_of_20_mib_arrives_whole(nursery: trio.Nursery) -> None:
    message = "é" * (10 << 20)

    async def handle(websocket: WebSocketConnection) -> None:
        await websocket.send_message(message)
        await websocket.get_message()

    async with opened(await serve_some(nursery, handle)) as transport:
        assert await received(transport, 1) == [message.encode()]


async def test_a_message_over_max_message_size_ends_the_connection_and_says_so(nursery: trio.Nursery) -> None:
    async def handle(websocket: WebSocketConnection) -> None:
        await websocket.send_message("x" * 1000)
        await websocket.send_message("y" * 1001)
        await websocket.get_message()

    async with opened(await serve_some(nursery, handle), max_message_size=1000) as transport:
        assert await received(transport, 1) == [b"x" * 1000]
        assert "it sent a message of more than 1000 characters (max_message_size)" in await disconnect_error(transport)


async def test_the_longest_message_that_the_server_accepts_is_known() -> None:
    assert WebSocketTransport().max_send_size == 16 * 2**20


async def test_an_upgrade_and_a_message_in_one_packet_are_both_seen(nursery: trio.Nursery) -> None:
    async def handle(websocket: WebSocketConnection) -> None:
        await websocket.send_message("early")
        await websocket.get_message()

    async with opened(await serve_some(nursery, handle)) as transport:
        assert await transport.receive() == [b"early"]


async def test_a_server_that_waits_for_acknowledgements_need_not_wait_for_long(nursery: trio.Nursery) -> None:
    # As codex does. The kernel acknowledges after 40 ms where it is left to choose.
    async def handle(websocket: WebSocketConnection) -> None:
        stream = websocket._stream
        assert isinstance(stream, trio.SocketStream)
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)
        while True:
            await websocket.get_message()
            for part in ("one", "two", "three"):
                await websocket.send_message(part)

    async with opened(await serve_some(nursery, handle)) as transport:
        rounds = []
        for _ in range(30):
            began = trio.current_time()
            await transport.send([b"go"])
            await received(transport, 3)
            rounds.append(trio.current_time() - began)
        assert sorted(rounds)[15] < 0.03


# --- dead links


@pytest.mark.extended
async def test_pings_go_on_and_nothing_is_lost_while_the_consumer_is_slow(nursery: trio.Nursery) -> None:
    count = 5_000  # far more than trio-websocket queues

    async def handle(websocket: WebSocketConnection) -> None:
        for number in range(count):
            await websocket.send_message(str(number))
        await echo(websocket)

    async with opened(await serve_some(nursery, handle), ping_interval=INTERVAL) as transport:
        await trio.sleep(4 * INTERVAL)
        await transport.send([b"still there"])
        assert await received(transport, count + 1) == [b"%d" % number for number in range(count)] + [b"still there"]


@pytest.mark.parametrize("is_sending", [False, True], ids=["idle", "sending"])
async def test_a_half_open_link_is_lost_within_two_intervals(nursery: trio.Nursery, is_sending: bool) -> None:
    proxy, url = await serve_proxy(nursery, (await serve(nursery)).url)
    with nothing_left():
        async with opened(url, ping_interval=INTERVAL) as transport, trio.open_nursery() as sending:
            await trio.sleep(1.5 * INTERVAL)
            proxy.swallow()
            if is_sending:
                sending.start_soon(send_on_and_on, transport)
            began = trio.current_time()
            assert await disconnect_error(transport) == (
                f"lost the server ({url}): no data was received for 0.4 s after a ping"
            )
            assert trio.current_time() - began < 2 * INTERVAL + 0.3
            assert proxy.bytes_swallowed > 0
        await proxy.cut()
        await trio.testing.wait_all_tasks_blocked(0.05)


async def send_on_and_on(transport: WebSocketTransport) -> None:
    with suppress(CodexTransportError):
        while True:
            await transport.send([b"is anybody there?"])
            await trio.sleep(0.02)


async def test_a_half_open_connection_is_detected_without_a_receiver(nursery: trio.Nursery) -> None:
    proxy, url = await serve_proxy(nursery, (await serve(nursery)).url)
    async with opened(url, ping_interval=INTERVAL) as transport:
        proxy.swallow()
        await trio.sleep(2 * INTERVAL + 0.3)
        with pytest.raises(CodexTransportError, match="no data was received"):
            await transport.send([b"hello"])


async def test_a_send_that_is_stuck_is_released_when_the_link_is_dead(nursery: trio.Nursery) -> None:
    server = await serve(nursery)

    async def handle(client: trio.SocketStream) -> None:
        # Answers the upgrade, and reads nothing more.
        upstream = await trio.open_tcp_stream("127.0.0.1", int(server.url.rpartition(":")[2]))
        async with client, upstream:
            await upstream.send_all(await client.receive_some())
            await client.send_all(await upstream.receive_some())
            await trio.sleep_forever()

    async with opened(await serve_raw(nursery, handle), ping_interval=INTERVAL) as transport:
        with pytest.raises(CodexTransportError, match="no data was received"):
            await transport.send([b"x" * (15 << 20)])


# --- disconnects


async def test_a_close_frame_is_reported_with_code_and_reason(nursery: trio.Nursery) -> None:
    async def handle(websocket: WebSocketConnection) -> None:
        await websocket.send_message("last")
        await websocket.aclose(1001, "the server is going down")

    url = await serve_some(nursery, handle)
    async with opened(url) as transport:
        assert await transport.receive() == [b"last"]
        assert await disconnect_error(transport) == (
            f"lost the server ({url}): the connection was closed with code 1001 (GOING_AWAY): the server is going down"
        )


async def test_a_close_frame_without_a_reason_is_reported_with_its_code(nursery: trio.Nursery) -> None:
    async def handle(websocket: WebSocketConnection) -> None:
        await websocket.aclose(4000)

    async with opened(await serve_some(nursery, handle)) as transport:
        assert (await disconnect_error(transport)).endswith("closed with code 4000 (PRIVATE_RESERVED)")


async def test_a_cut_connection_delivers_all_messages_before_the_error(nursery: trio.Nursery) -> None:
    proxy, url = await serve_proxy(nursery, (await serve(nursery)).url)
    with nothing_left():
        async with opened(url) as transport:
            await transport.send([b"one", b"two"])
            assert await received(transport, 2) == [b"one", b"two"]
            await proxy.cut()
            assert "the connection ended without a close frame" in await disconnect_error(transport)
            with pytest.raises(CodexTransportError, match="without a close frame"):
                await transport.send([b"three"])
        await trio.testing.wait_all_tasks_blocked(0.05)


async def test_each_waiter_gets_a_separate_error(nursery: trio.Nursery) -> None:
    async def handle(websocket: WebSocketConnection) -> None:
        await websocket.aclose()

    async with opened(await serve_some(nursery, handle)) as transport:
        errors = []
        for _ in range(2):
            with pytest.raises(CodexTransportError) as caught:
                await transport.receive()
            errors.append(caught.value)
        assert errors[0] is not errors[1]
        assert errors[0].__cause__ is errors[1].__cause__ is not None


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        (b"\x81\x81\0\0\0\0x", "unexpected masked frame"),
        (b"\x81\x01\xff", "invalid start byte"),
        (b"\x83\x00", "Invalid opcode"),
    ],
)
async def test_a_frame_against_the_protocol_ends_the_connection(nursery: trio.Nursery, frame: bytes, why: str) -> None:
    async def handle(websocket: WebSocketConnection) -> None:
        await websocket._stream.send_all(frame)
        await websocket.get_message()

    async with opened(await serve_some(nursery, handle)) as transport:
        assert why in await disconnect_error(transport)


# --- closing


async def test_closing_sends_a_close_frame_and_leaves_nothing(nursery: trio.Nursery) -> None:
    codes: list[int] = []

    async def handle(websocket: WebSocketConnection) -> None:
        try:
            await websocket.get_message()
        finally:
            assert websocket.closed is not None
            codes.append(websocket.closed.code)

    url = await serve_some(nursery, handle)
    with nothing_left():
        async with opened(url):
            pass
        await trio.testing.wait_all_tasks_blocked(0.05)
    assert codes == [1000]


async def test_closing_is_bounded_when_the_server_does_not_answer(nursery: trio.Nursery) -> None:
    proxy, url = await serve_proxy(nursery, (await serve(nursery)).url)
    async with opened(url, ping_interval=60) as transport:
        proxy.swallow()
        began = trio.current_time()
        await transport.aclose()
        assert trio.current_time() - began < 5  # a second on an idle machine; the pings would take two minutes


async def test_closing_wakes_receivers(nursery: trio.Nursery) -> None:
    async with opened((await serve(nursery)).url) as transport, trio.open_nursery() as receiving:
        losses: list[str] = []

        async def receive() -> None:
            losses.append(await disconnect_error(transport))

        receiving.start_soon(receive)
        await trio.testing.wait_all_tasks_blocked()
        await transport.aclose()
    assert losses[0].endswith("this client closed the connection")


async def test_a_cancelled_nursery_ends_everything_at_once(nursery: trio.Nursery) -> None:
    url = (await serve(nursery)).url
    transport = WebSocketTransport(url)
    with trio.fail_after(10), nothing_left():
        async with trio.open_nursery() as owner:
            await transport.open(owner)
            owner.cancel_scope.cancel()
        assert (await disconnect_error(transport)).endswith(
            "the nursery that the transport was opened in was cancelled"
        )
        began = trio.current_time()
        await transport.aclose()
        assert trio.current_time() - began < 0.5
        await trio.testing.wait_all_tasks_blocked(0.05)
