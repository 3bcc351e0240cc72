"""`WebSocketStream` under the mock clock: which silence is a dead link, and which is not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
import trio
from trio.testing import MockClock, memory_stream_pair
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_server_stream

from codex_trio import CodexTransportError
from codex_trio._transports.secrets import Secret
from codex_trio._transports.websocket_stream import ActivityStream, WebSocketStream

INTERVAL = 20.0  # seconds from ping to ping
SLICE = 1 << 18  # bytes


class Uplink(trio.abc.Stream):
    """Wraps a stream. Each send takes some time (`None`: forever), or breaks."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.seconds: float | None = 0.0
        self.is_broken = False
        self._stream = stream
        self._closed = trio.Event()

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        if self.is_broken:
            raise trio.BrokenResourceError
        if self.seconds is None:
            await self._closed.wait()
        else:
            await trio.sleep(self.seconds if len(data) >= SLICE else 0)
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        return await self._stream.receive_some(max_bytes)

    async def aclose(self) -> None:
        self._closed.set()
        await self._stream.aclose()


async def open_frames(
    nursery: trio.Nursery, handle: Callable[[WebSocketConnection], Awaitable[None]]
) -> tuple[WebSocketStream, Uplink]:
    """Open a connection in memory, whose other end is handled by `handle`."""
    ours, theirs = memory_stream_pair()
    uplink = Uplink(ours)
    life = ActivityStream(uplink)
    frames = WebSocketStream(life, life, name="it", mask=str, ping_interval=INTERVAL, max_message_size=1 << 30)

    async def serve() -> None:
        request = await wrap_server_stream(nursery, theirs, max_message_size=1 << 30)
        with suppress(ConnectionClosed, trio.BrokenResourceError):
            await handle(await request.accept())

    nursery.start_soon(serve)
    await frames.open(nursery, host="localhost", resource=Secret("/"), headers=Secret([]))
    return frames, uplink


async def listen(websocket: WebSocketConnection) -> None:
    await websocket.send_message(f"{len(await websocket.get_message())} came")
    await websocket.get_message()


async def test_a_quiet_link_that_answers_pings_lives(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    frames, _ = await open_frames(nursery, listen)
    await trio.sleep(100 * INTERVAL)
    await frames.send([b"hello"])
    assert await frames.receive() == [b"5 came"]
    await frames.aclose()


async def test_a_link_that_goes_dead_is_lost_after_two_intervals_at_most(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    frames, uplink = await open_frames(nursery, listen)
    await trio.sleep(5 * INTERVAL + 0.1)  # just after a ping was answered, which is the worst moment
    uplink.seconds = None
    with pytest.raises(CodexTransportError, match="no data was received for 20 s after a ping"):
        await frames.receive()
    assert trio.current_time() == 7 * INTERVAL
    await frames.aclose()


async def test_progress_of_a_long_upload_counts_as_activity(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    frames, uplink = await open_frames(nursery, listen)
    uplink.seconds = 0.9 * INTERVAL
    await frames.send([b"x" * (40 * SLICE)])
    assert trio.current_time() >= 35 * INTERVAL
    assert await frames.receive() == [b"%d came" % (40 * SLICE)]
    await frames.aclose()


async def test_an_upload_that_sticks_is_lost_and_released(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    frames, uplink = await open_frames(nursery, listen)
    uplink.seconds = None
    with pytest.raises(CodexTransportError, match="no data was received"):
        await frames.send([b"x"])
    assert trio.current_time() == 2 * INTERVAL
    await frames.aclose()


async def send_on_and_on(frames: WebSocketStream, message: bytes) -> None:
    while True:
        await frames.send([message])
        await trio.sleep(1)


async def test_our_own_new_messages_do_not_count_as_activity(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    stopped = trio.Event()

    async def deafen(websocket: WebSocketConnection) -> None:
        async with websocket._stream_lock:  # so no pong gets out
            stopped.set()
            await trio.sleep_forever()

    async with trio.open_nursery() as sending:
        frames, _ = await open_frames(nursery, deafen)
        await stopped.wait()
        await trio.sleep(0.5)  # so that no message is being written when a ping is due
        with trio.fail_after(2 * INTERVAL + 1), pytest.raises(CodexTransportError, match="no data was received"):
            await send_on_and_on(frames, b"x" * 2 * SLICE)
        sending.cancel_scope.cancel()
    await frames.aclose()
    nursery.cancel_scope.cancel()


async def test_progress_of_a_long_download_counts_as_activity(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    size = 100_000

    async def drip(websocket: WebSocketConnection) -> None:
        async with websocket._stream_lock:  # the pongs wait behind the message
            await websocket._stream.send_all(b"\x81\x7f" + size.to_bytes(8, "big"))
            for _ in range(10):
                await trio.sleep(0.9 * INTERVAL)
                await websocket._stream.send_all(b"x" * (size // 10))
        await websocket.get_message()

    frames, _ = await open_frames(nursery, drip)
    assert await frames.receive() == [b"x" * size]
    assert trio.current_time() == pytest.approx(9 * INTERVAL)
    await trio.sleep(3 * INTERVAL)
    await frames.send([b"thank you"])
    await frames.aclose()


async def test_the_last_words_of_a_server_that_no_longer_reads_are_heard(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    async def say_goodbye(websocket: WebSocketConnection) -> None:
        await trio.sleep(0.3)
        await websocket.send_message("last")
        await websocket.aclose(1001, "bye")

    frames, uplink = await open_frames(nursery, say_goodbye)
    uplink.is_broken = True
    with pytest.raises(CodexTransportError, match="closed with code 1001"):
        await frames.send([b"hello"])
    assert await frames.receive() == [b"last"]
    with pytest.raises(CodexTransportError, match="closed with code 1001"):
        await frames.receive()
    await frames.aclose()
    nursery.cancel_scope.cancel()


async def test_a_failed_send_does_not_cut_off_what_had_come(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    async def flood(websocket: WebSocketConnection) -> None:
        for number in range(500):
            await websocket.send_message(str(number))
        await websocket._stream.aclose()

    frames, uplink = await open_frames(nursery, flood)
    uplink.is_broken = True
    with pytest.raises(CodexTransportError):
        await frames.send([b"hello"])
    seen: list[bytes] = []
    with suppress(CodexTransportError):
        while True:
            seen += await frames.receive()
    assert seen == [b"%d" % number for number in range(500)]
    await frames.aclose()
    nursery.cancel_scope.cancel()


async def test_a_ping_of_the_server_while_we_close_breaks_nothing(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    async def ping_on_and_on(websocket: WebSocketConnection) -> None:
        while True:
            await websocket._stream.send_all(b"\x89\x00")

    frames, _ = await open_frames(nursery, ping_on_and_on)
    await frames.aclose()
    nursery.cancel_scope.cancel()
    assert trio.current_time() < 2


async def test_messages_received_with_an_unanswerable_ping_are_delivered(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    for is_writing in (True, False):  # something of ours; or the pong itself is what gets stuck
        uplinks: list[Uplink] = []

        async def ask(websocket: WebSocketConnection, uplinks: list[Uplink] = uplinks) -> None:
            await trio.sleep(1)
            uplinks[0].seconds = None
            await trio.sleep(1)
            await websocket._stream.send_all(b"\x81\x04news" + b"\x89\x00")
            await websocket.get_message()

        frames, uplink = await open_frames(nursery, ask)
        uplinks.append(uplink)
        begun_at = trio.current_time()
        async with trio.open_nursery() as sending:
            if is_writing:
                await trio.sleep(1.5)
                sending.start_soon(frames.send, [b"stuck"])
            assert await frames.receive() == [b"news"]
            assert trio.current_time() == begun_at + 2
            sending.cancel_scope.cancel()
        await frames.aclose()
    nursery.cancel_scope.cancel()
