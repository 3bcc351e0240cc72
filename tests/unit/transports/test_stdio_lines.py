"""What goes through the pipes of `StdioTransport`: lines in both directions, and stderr. Real pipes, the real clock."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable

import pytest
import trio

from codex_trio import CodexClient, CodexTransportError, StdioTransport, open_codex_client
from codex_trio._wire.framing import LineSplitter
from tests.support.fake_server_command import server
from tests.support.leaks import nothing_left

MIB = 1 << 20
READ_SIZE = 65_536


# --- long lines


def cpu_seconds(work: Callable[[], object]) -> float:
    """Return the least of three."""
    spent = []
    for _ in range(3):
        started = time.process_time()
        work()
        spent.append(time.process_time() - started)
    return min(spent)


def split(line_size: int, lines: int) -> None:
    data = (b"x" * (line_size - 1) + b"\n") * lines
    splitter = LineSplitter(1 << 30)
    found = 0
    for start in range(0, len(data), READ_SIZE):
        found += len(splitter.feed(data[start : start + READ_SIZE]))
    assert found == lines


@pytest.mark.extended
def test_splitting_a_line_of_64_mib_costs_what_64_lines_of_1_mib_cost() -> None:
    many, one = cpu_seconds(lambda: split(MIB, 64)), cpu_seconds(lambda: split(64 * MIB, 1))
    assert one < 3 * many + 0.05


@pytest.mark.extended
async def test_a_line_of_64_mib_through_the_pipe_costs_what_64_lines_of_1_mib_cost() -> None:
    transport = StdioTransport(
        server("""
            shake_hands()
            while True:
                request = receive()
                if request["method"] == "long":
                    answer(request, "x" * request["params"]["size"])
        """)
    )

    async def cost(client: CodexClient, size: int, times: int) -> float:
        started = time.process_time()
        for _ in range(times):
            assert len(await client.request("long", {"size": size})) == size
        return time.process_time() - started

    with trio.fail_after(60), nothing_left():
        async with open_codex_client(transport) as client:
            await cost(client, MIB, 2)
            many, one = await cost(client, MIB, 64), await cost(client, 64 * MIB, 1)
    assert one < 3 * many + 0.2


@pytest.mark.extended
@pytest.mark.parametrize("size", [1, 65_535, 65_536, 65_537, MIB - 1, MIB, MIB + 1, 16 * MIB])
async def test_a_long_message_goes_there_and_comes_back(size: int) -> None:
    with trio.fail_after(30), nothing_left():
        async with open_codex_client(StdioTransport(server())) as client:
            text = "\u00e4\n" + "x" * size
            assert await client.request("echo", {"text": text}) == {"text": text}


async def test_a_line_at_the_limit_is_read_and_a_longer_one_is_an_error_that_names_both_sizes() -> None:
    transport = StdioTransport(
        server("""
            shake_hands()
            request = expect("at the limit")
            send_bytes(json.dumps({"id": request["id"], "result": "fits"}).encode().ljust(10_000) + b"\\n")
            request = expect("over the limit")
            send_bytes(json.dumps({"id": request["id"], "result": "too long"}).encode().ljust(10_001) + b"\\n")
            receive()
        """),
        max_message_size=10_000,
    )
    with trio.fail_after(20), nothing_left():
        async with open_codex_client(transport) as client:
            assert await client.request("at the limit") == "fits"
            with pytest.raises(CodexTransportError, match="a line of 10,001 bytes or more, over the limit of 10,000"):
                await client.request("over the limit")
            with pytest.raises(CodexTransportError, match=r"10,001 .* 10,000"):
                await client.request("later")


async def test_a_line_without_end_fails_at_the_limit_and_not_at_its_end() -> None:
    transport = StdioTransport(
        server("""
            shake_hands()
            expect("flood")
            while True:
                send_bytes(b"x" * 65_536)
        """),
        max_message_size=MIB,
        shutdown_grace=0.1,
    )
    with trio.fail_after(20), nothing_left():
        async with open_codex_client(transport) as client:
            with pytest.raises(CodexTransportError, match=r"over the limit of 1,048,576 \(max_message_size\)"):
                await client.request("flood")


# --- odd lines


@pytest.mark.extended
@pytest.mark.parametrize(
    "line",
    [
        b"starting up...",
        b"{]",
        b'"text"',
        b"[1, 2]",
        b"null",
        b"{}",
        b'{"method": "\xff\xfe"}',
        b"\xff\xfe\x00",
        b"\0" * 9,
    ],
)
async def test_a_line_that_is_not_a_message_is_logged_counted_and_skipped(
    line: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "codex_trio")
    transport = StdioTransport(
        server(f"""
            shake_hands()
            serve_turn()
            say("before")
            send_bytes({line!r} + b"\\n")
            say("after")
            end_turn()
            serve()
        """)
    )
    with trio.fail_after(20), nothing_left():
        async with open_codex_client(transport) as client:
            result = await client.chat_once("hello")
            assert [step.text for step in result.steps] == ["before", "after"]
            assert client.statistics().ignored_messages == 1
    assert repr(line) in caplog.text


async def test_a_blank_line_is_skipped_and_counted() -> None:
    transport = StdioTransport(server("shake_hands(); send_bytes(b'\\n \\t\\r\\n'); serve()"))
    with trio.fail_after(20), nothing_left():
        async with open_codex_client(transport) as client:
            assert await client.request("echo") == {}
            assert client.statistics().ignored_messages == 2


async def test_lines_may_end_in_crlf() -> None:
    transport = StdioTransport(
        server("""
            unix = send_bytes
            send_bytes = lambda data: unix(data.replace(b"\\n", b"\\r\\n"))
            serve()
        """)
    )
    with trio.fail_after(20), nothing_left():
        async with open_codex_client(transport) as client:
            assert (await client.chat_once("hello")).final_text == "hello"
            assert client.statistics().ignored_messages == 0


async def test_a_last_line_without_a_line_feed_counts() -> None:
    transport = StdioTransport(
        server("""
            shake_hands()
            request = expect("last words")
            send_bytes(json.dumps({"id": request["id"], "result": "farewell"}).encode())
            die(0)
        """)
    )
    with trio.fail_after(20), nothing_left():
        async with open_codex_client(transport) as client:
            assert await client.request("last words") == "farewell"


async def test_a_message_in_many_pieces_is_one_message() -> None:
    transport = StdioTransport(
        server("""
            shake_hands()
            request = expect("piecemeal")
            line = json.dumps({"id": request["id"], "result": "\u00e4\U0001f600"}, ensure_ascii=False) + "\\n"
            for byte in line.encode():
                send_bytes(bytes([byte]))
            serve()
        """)
    )
    with trio.fail_after(20), nothing_left():
        async with open_codex_client(transport) as client:
            assert await client.request("piecemeal") == "\u00e4\U0001f600"


# --- what is cancelled while it is written


async def test_a_request_cancelled_in_mid_write_leaves_no_torn_line() -> None:
    transport = StdioTransport(
        server("""
            shake_hands()
            begun, whole, torn = b"", 0, []
            while True:
                time.sleep(0.001)
                *lines, begun = (begun + sys.stdin.buffer.read1(32_768)).split(b"\\n")
                for line in lines:
                    try:
                        request = json.loads(line)
                    except ValueError:
                        torn.append(f"{line[:40]} ... {line[-40:]}")
                        continue
                    whole += 1
                    if "id" in request:
                        answer(request, {"whole": whole, "torn": torn})
        """),
        shutdown_grace=0.1,
    )
    cancelled = 0

    async def attempt(client: CodexClient, number: int) -> None:
        nonlocal cancelled
        with trio.move_on_after(0.005 * number) as scope:
            await client.request("swallow", {"text": "x" * (20_000 + 10_000 * number)})
        cancelled += scope.cancelled_caught

    with trio.fail_after(60), nothing_left():
        async with open_codex_client(transport) as client:
            async with trio.open_nursery() as nursery:
                for number in range(40):
                    nursery.start_soon(attempt, client, number)
            report = await client.request("report")
    assert cancelled >= 10
    assert report["torn"] == []
    assert report["whole"] > 20  # a cancelled request that was begun is written to its end


# --- stderr


async def test_ten_mebibytes_on_stderr_without_a_line_feed_do_not_stop_the_server() -> None:
    transport = StdioTransport(server("complain('x' * 10 * 2**20); serve()"))
    with trio.fail_after(20), nothing_left():
        async with open_codex_client(transport) as client:
            assert await client.request("echo") == {}


async def test_an_error_has_the_last_64_kib_of_stderr() -> None:
    transport = StdioTransport(server("shake_hands(); complain('x' * 2**20 + 'the end'); die(1)"))
    with trio.fail_after(20), nothing_left():
        async with open_codex_client(transport) as client:
            with pytest.raises(CodexTransportError) as caught:
                await client.request("hang")
    assert caught.value.stderr_tail == "x" * (65_536 - len("the end")) + "the end"


async def test_stderr_goes_line_by_line_to_a_logger(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "codex_trio.server")
    transport = StdioTransport(server("complain('one\\ntw'); complain('o\\r\\n'); serve()"))
    with trio.fail_after(20), nothing_left():
        async with open_codex_client(transport):
            pass
    assert logged_by_server(caplog) == ["one", "two"]


async def test_what_the_server_says_on_its_way_out_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "codex_trio.server")
    transport = StdioTransport(
        server("""
            try:
                serve()
            finally:
                complain("goodbye")
        """)
    )
    with trio.fail_after(20), nothing_left():
        async with open_codex_client(transport):
            pass
    assert logged_by_server(caplog) == ["goodbye"]


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("\x1b[31mERROR\x1b[0m no \x1b[1;4mluck\x1b[m", "ERROR no luck"),
        ("\x1b[2K\x9b?25lworking\x1bc\u202e", "<U+001B>[2K<U+009B>?25lworking<U+001B>c<U+202E>"),
        ("\x1b[38:2::255:0:0mred\x1b[0m", "red"),
    ],
)
async def test_stderr_is_without_colours_and_steers_no_terminal(
    written: str, kept: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert await told_twice(written, caplog) == (kept, kept)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("Authorization: Bearer abcdef123456", "Authorization: Bearer ***"),
        ("using sk-proj-abcdef123456", "using sk-***"),
        ("OPENAI_API_KEY=abcdef123456 set", "OPENAI_API_KEY=*** set"),
        ('{"access_token": "abcdef123456", "n": 1}', '{"access_token": "***", "n": 1}'),
        ("got eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl", "got eyJ***"),
        ("token count: 12", "token count: 12"),
    ],
)
async def test_secrets_on_stderr_are_masked(written: str, kept: str, caplog: pytest.LogCaptureFixture) -> None:
    assert await told_twice(written, caplog) == (kept, kept)


async def told_twice(written: str, caplog: pytest.LogCaptureFixture) -> tuple[str, str]:
    """Return a line of stderr as the log has it, and as the error has it."""
    caplog.set_level(logging.INFO, "codex_trio.server")
    with trio.fail_after(20), nothing_left(), pytest.raises(CodexTransportError) as caught:
        async with open_codex_client(StdioTransport(server(f"complain({written!r}); die(1)"))):
            raise AssertionError("not reached")
    [line] = logged_by_server(caplog)
    assert caught.value.stderr_tail in str(caught.value)
    return line, caught.value.stderr_tail


def logged_by_server(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "codex_trio.server"]


# --- writing at once


async def test_what_is_written_at_once_is_whole_and_in_order_although_the_pipe_is_full() -> None:
    transport = StdioTransport(
        server("""
            time.sleep(0.3)
            numbers = []
            while (request := receive())["method"] != "stop":
                numbers.append(request["params"]["n"])
            answer(request, numbers)
        """)
    )
    with trio.fail_after(30), nothing_left():
        async with trio.open_nursery() as nursery:
            await transport.open(nursery)
            written = 0
            while transport.send_nowait(_numbered(written)):
                written += 1
            rest = [_numbered(n) for n in range(written, written + 100)]
            await transport.send([*rest, b'{"id": 1, "method": "stop"}'])
            (line,) = await transport.receive()
            await transport.aclose()
    assert written > 30
    assert json.loads(line)["result"] == [*range(written + 100)]


async def test_a_long_message_and_one_to_a_dead_server_are_left_to_send() -> None:
    transport = StdioTransport(server("receive(); send_bytes(b'{}\\n'); die(3)"))
    with trio.fail_after(30), nothing_left():
        async with trio.open_nursery() as nursery:
            assert not transport.send_nowait(b"{}"), "it is not open"
            await transport.open(nursery)
            assert not transport.send_nowait(b"x" * 4_096), "a pipe might take a part of it"
            assert transport.send_nowait(b"{}")
            assert await transport.receive() == [b"{}"]
            with pytest.raises(CodexTransportError):
                await transport.receive()
            assert not transport.send_nowait(b"{}")
            with pytest.raises(CodexTransportError, match="exited with code 3"):
                await transport.send([b"{}"])
            await transport.aclose()
            assert not transport.send_nowait(b"{}"), "it is closed"


def _numbered(n: int) -> bytes:
    return json.dumps({"method": "count", "params": {"n": n, "text": "x" * 1_000}}).encode()
