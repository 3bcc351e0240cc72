"""`record=`: record the messages of a connection to a file."""

from __future__ import annotations

import json
import logging
import math
import os
import resource
import socket
import stat
import termios
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from codex_trio import (
    ChatResult,
    CodexClient,
    CodexTransportError,
    Transport,
    UserInputRequest,
    __version__,
    connect_codex_client,
    open_codex_client,
)
from codex_trio.testing import (
    ReplayTransport,
    ScriptedAppServer,
    ask_server_request,
    exit,  # noqa: A004
    hang,
    run,
    say,
    think,
    wait,
)
from tests.support.background import Background
from tests.support.fake_server_command import server as command
from tests.support.leaks import nothing_left


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "session.jsonl"


def read_bytes(path: Path) -> bytes:
    return path.read_bytes()


def write(path: Path, text: str) -> None:
    path.write_text(text)


def rows(path: Path) -> list[Any]:
    return [json.loads(line) for line in read_bytes(path).splitlines()]


def messages(path: Path, direction: str, connection: str = "1") -> list[Any]:
    return [row["msg"] for row in rows(path) if (row["dir"], row["conn"]) == (direction, connection)]


# --- what is written


@pytest.mark.smoke
async def test_both_directions_are_written_as_they_pass(path: Path, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(think("hm"), run("ls", output="a b"), wait(200), say("done"))
    async with open_codex_client(server.transport(), record=path, inactivity_timeout=None) as client:
        await client.chat_once("Go")

    written = rows(path)
    assert {tuple(row) for row in written} == {("t", "dir", "conn", "msg")}
    assert messages(path, "c2s") == server.received
    events = [message["method"] for message in messages(path, "s2c") if "method" in message]
    assert (events.count("item/completed"), events[-1]) == (4, "turn/completed")  # the prompt's item among them
    assert [row["dir"] for row in written[:3]] == ["note", "c2s", "s2c"]
    remarks = messages(path, "note")
    assert remarks == [f"codex_trio {__version__} connects to scripted app-server", "the client closes the connection"]
    assert [row["t"] for row in written] == sorted(row["t"] for row in written)
    assert written[0]["t"] == 0
    assert 200_000 < written[-1]["t"] < 201_000


async def test_what_was_written_is_there_at_once(path: Path, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(say("so far"), hang())
    async with open_codex_client(server.transport(), record=path) as client:
        async for step in client.chat("Go"):
            assert step.text == "so far"
            break
        assert any('"so far"' in json.dumps(message) for message in messages(path, "s2c"))


async def test_lines_that_are_not_json_are_replayed(path: Path, autojump_clock: MockClock) -> None:
    odd = [
        b"no json \xff\xfe",
        b"",
        b"[]",
        b"{}x",
        b'"text"',
        b"123",
        b'{"method":\n"pretty/printed"}',
        b'{"a":"\xff"}',
    ]

    async def talk(client: CodexClient, server: ScriptedAppServer | None = None) -> int:
        async with client, client.notifications() as events:
            if server is not None:
                for raw in odd:
                    server.connection.send_bytes(raw)
            async for event in events:
                if event.method == "pretty/printed":
                    break
            await client.request("thread/list")
            return client.statistics().ignored_messages

    server = ScriptedAppServer()
    ignored = await talk(open_codex_client(server.transport(), record=path), server)

    assert ignored == len(odd) - 1
    texts = [message for message in messages(path, "s2c") if isinstance(message, str)]
    assert texts == ["no json \udcff\udcfe", "", "[]", "{}x", '"text"', "123", '{"a":"\udcff"}']
    assert {"method": "pretty/printed"} in messages(path, "s2c")
    assert await talk(open_codex_client(ReplayTransport(path))) == ignored


async def test_a_message_without_secrets_is_kept_byte_for_byte(path: Path, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    raw = b'{"method" : "odd/one", "params": {"x": 1.50, "x": 1e999, "n": 12345678901234567890123, "u": "\xc3\xa9"}}'
    async with open_codex_client(server.transport(), record=path) as client:
        server.connection.send_bytes(raw)
        await client.request("thread/list")

    assert b'"msg": ' + raw + b"}\n" in read_bytes(path)


async def test_secrets_are_masked_in_both_directions(path: Path, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.reply("account/login/start", {"type": "apiKey", "accessToken": "from-the-server"})
    server.reply("config/read", {"config": {"env": {"GITHUB_TOKEN": "from-the-environment"}}})
    async with open_codex_client(server.transport(), record=path) as client:
        await client.login_api_key("from-the-client")
        await client.read_config()

    assert b"from-the" not in read_bytes(path)
    (login,) = (message for message in messages(path, "c2s") if message.get("method") == "account/login/start")
    assert login["params"] == {"type": "apiKey", "apiKey": "***"}
    assert server.received[-2]["params"]["apiKey"] == "from-the-client"


async def test_home_folders_and_names_of_machines_are_left_out_and_replay_works_elsewhere(
    path: Path, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def talk(client: CodexClient, home: str, server: ScriptedAppServer | None = None) -> ChatResult:
        async with client:
            if server is not None:
                server.connection.send({"method": "remoteControl/status/changed", "params": status})
            thread = await client.start_thread(cwd=f"{home}/project")
            return await thread.chat_once(f"What is in {home}/notes?")

    status = {"serverName": "anns-laptop", "installationId": "8-4-4-4-12", "status": "disabled"}
    server = ScriptedAppServer()
    server.reply("initialize", {"userAgent": "x/0.169.0", "codexHome": "/home/ann/.codex"})
    server.on_turn(run("pwd", output="/home/ann/project"), say("Nothing in /home/ann/notes"))
    monkeypatch.setenv("HOME", "/home/ann")
    await talk(open_codex_client(server.transport(), record=path), "/home/ann", server)

    written = read_bytes(path)
    assert not [word for word in (b"/home", b"ann/", b"anns-laptop", b"8-4-4") if word in written]
    assert b'"~/.codex"' in written
    monkeypatch.setenv("HOME", "/srv/bob")
    transport = ReplayTransport(path)
    result = await talk(open_codex_client(transport), "/srv/bob")
    assert (transport.deviation, transport.is_finished) == (None, True)
    assert result.final_text == "Nothing in ~/notes"


async def test_a_message_nested_too_deeply_to_be_searched_is_not_kept(path: Path, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    deep = b'{"method": "deep/one", "params": {"token": ' + b"[" * 20_000 + b"]" * 20_000 + b"}}"
    async with open_codex_client(server.transport(), record=path) as client:
        server.connection.send_bytes(deep)
        await client.request("thread/list")

    (trimmed,) = (message for message in messages(path, "s2c") if "TRIMMED" in message)
    assert f"{len(deep)} bytes" in trimmed["TRIMMED"]
    assert (await replayed_list(path)) == {"data": [], "readStates": {}, "nextCursor": None, "backwardsCursor": None}


async def replayed_list(path: Path) -> Any:
    async with open_codex_client(ReplayTransport(path)) as client:
        return await client.request("thread/list")


class Echo(Transport):
    """Answers before it has sent all."""

    async def open(self, nursery: trio.Nursery) -> None:
        await trio.lowlevel.checkpoint()
        self._to_client, self._from_server = trio.open_memory_channel[bytes](9)

    async def send(self, messages: Sequence[bytes]) -> None:
        for message in messages:
            self._to_client.send_nowait(json.dumps({"id": json.loads(message).get("id"), "result": {}}).encode())
        await trio.sleep(1)

    async def receive(self) -> Sequence[bytes]:
        return [await self._from_server.receive()]

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()


async def test_an_answer_never_stands_before_its_request(path: Path, autojump_clock: MockClock) -> None:
    async with open_codex_client(Echo(), record=path) as client:
        await client.request("thread/list")

    asked = [(row["dir"], row["msg"]["id"]) for row in rows(path) if row["dir"] != "note" and row["msg"].get("id")]
    assert asked == [("c2s", 1), ("s2c", 1), ("c2s", 2), ("s2c", 2)]


async def test_answers_to_secret_questions_are_not_written(path: Path, autojump_clock: MockClock) -> None:
    async def ask(client: CodexClient) -> str:
        async with client:
            return (await client.chat_once("Go")).final_text

    async def answer(question: UserInputRequest) -> dict[str, str]:
        await trio.lowlevel.checkpoint()
        return {"pin": "my-own-pin", "colour": "blue"}

    questions = [{"id": name, "header": "", "question": "", "isSecret": name == "pin"} for name in ("pin", "colour")]
    server = ScriptedAppServer()
    server.on_turn(ask_server_request("item/tool/requestUserInput", {"itemId": "x", "questions": questions}), say("ok"))
    await ask(open_codex_client(server.transport(), on_user_input=answer, record=path))

    assert server.answers[0]["result"]["answers"]["pin"] == {"answers": ["my-own-pin"]}
    assert b"my-own-pin" not in read_bytes(path)
    assert b"blue" in read_bytes(path)
    assert await ask(open_codex_client(ReplayTransport(path), on_user_input=answer)) == "ok"


# --- the ways to ask for it


async def test_every_way_to_make_a_client_can_record(tmp_path: Path) -> None:
    async def by_hand(nursery: trio.Nursery) -> CodexClient:
        client = CodexClient.connect_stdio(command=command(), record=tmp_path / "1")
        await client.start(nursery)
        return client

    async def connected(nursery: trio.Nursery) -> CodexClient:
        return await connect_codex_client(nursery, ScriptedAppServer().transport(), record=tmp_path / "2")

    for make in (by_hand, connected):
        with trio.fail_after(20), nothing_left():
            async with trio.open_nursery() as nursery:
                await (await make(nursery)).aclose()
    async with CodexClient(ScriptedAppServer().transport(), record=str(tmp_path / "3")):
        pass

    for name in "123":
        assert [message["method"] for message in messages(tmp_path / name, "c2s")] == ["initialize", "initialized"]
        assert not any("CLOSED" in message for message in messages(tmp_path / name, "s2c")), "it was no loss"


async def test_a_file_that_is_there_is_replaced_and_each_is_private(path: Path, autojump_clock: MockClock) -> None:
    old = path.with_name("old")
    write(old, "old\n")
    os.chmod(old, 0o666)
    for file in (old, path):
        async with open_codex_client(ScriptedAppServer().transport(), record=file):
            assert stat.S_IMODE(os.stat(file).st_mode) == 0o600

    assert b"old\n" not in read_bytes(old)


# --- connections


async def test_connections_of_one_client_are_in_one_file(
    path: Path, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    server.on_turn(think("one"), wait(10), say("two"))
    async with open_codex_client(server.transport(), reconnect=True, record=path) as client:
        waiting = Background(nursery, client.chat_once, "hello")
        await trio.sleep(5)
        server.open_delay = 20
        server.refuse_connections("not yet")
        server.connection.drop()
        result = await waiting.result()
        elapsed = trio.current_time()

    assert messages(path, "c2s", "1") + messages(path, "c2s", "3") == server.received
    assert messages(path, "s2c", "1")[-1] == {"CLOSED": "the scripted app-server closed the connection"}
    assert messages(path, "s2c", "2") == [{"UNREACHABLE": "cannot reach the scripted app-server: not yet"}]
    assert [row["t"] for row in rows(path)] == sorted(row["t"] for row in rows(path))

    transport = ReplayTransport(path)
    begun = trio.current_time()
    async with open_codex_client(transport, reconnect=True) as client:
        again = await client.chat_once("hello")
        assert trio.current_time() - begun == pytest.approx(
            elapsed - 20, abs=2
        )  # an opening that succeeds takes no time
    assert (again.steps, again.final_text, again.usage) == (result.steps, result.final_text, result.usage)
    assert transport.deviation is None
    assert transport.is_finished


async def test_a_disconnect_is_replayed_with_all_its_details(path: Path, autojump_clock: MockClock) -> None:
    async def lost(client: CodexClient) -> CodexTransportError:
        async with client:
            with pytest.raises(CodexTransportError) as caught:
                await client.chat_once("hello")
            return caught.value

    server = ScriptedAppServer()
    server.on_turn(say("so far"), wait(3), exit(7, "the end; token=0123456789"))
    then = await lost(open_codex_client(server.transport(), record=path))
    begun = trio.current_time()
    now = await lost(open_codex_client(ReplayTransport(path)))

    assert (str(now), now.returncode) == (str(then), then.returncode) == (str(then), 7)
    assert now.continuation == then.continuation
    assert now.stderr_tail == "the end; token=***"
    assert trio.current_time() - begun >= 3
    assert b"0123456789" not in read_bytes(path)


async def test_connections_are_in_one_file_wherever_the_program_goes(
    tmp_path: Path, nursery: trio.Nursery, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    server = ScriptedAppServer(nursery)
    async with open_codex_client(server.transport(), reconnect=True, record="session.jsonl") as client:
        monkeypatch.chdir("elsewhere")
        server.connection.drop()
        await trio.sleep(1)
        await client.chat_once("hello")

    assert messages(tmp_path / "session.jsonl", "c2s", "2")[-1]["method"] == "turn/start"
    assert not list((tmp_path / "elsewhere").iterdir())


@pytest.mark.parametrize("last_words", [None, "it ended with exit code 3"])
async def test_a_disconnect_during_a_write_is_replayed(
    path: Path, last_words: str | None, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(client: CodexClient) -> str:
        async with client:
            await client.chat_once("hello")
            broken.set()
            begun = trio.current_time()
            with pytest.raises(CodexTransportError) as caught:
                await client.chat_once("again")
            assert trio.current_time() - begun < 1
            await trio.sleep(100)  # a replay loses the connection no later for that
            return str(caught.value)

    async def send_unless_broken(messages: Sequence[bytes]) -> None:
        if broken.is_set():
            raise CodexTransportError("it no longer reads")
        await send(messages)

    async def receive_last_words() -> Sequence[bytes]:
        with trio.move_on_after(math.inf) as scope:
            scopes.append(scope)
            return await receive()
        raise CodexTransportError(last_words or "")

    async def tell_last_words() -> None:
        await broken.wait()
        await trio.sleep(0.2)
        server.connection.send({"method": "made/up", "params": {}})
        await trio.sleep(0.2)
        if last_words is not None:
            scopes[-1].cancel()

    broken = trio.Event()
    scopes: list[trio.CancelScope] = []
    server = ScriptedAppServer()
    transport = server.transport()
    send, receive = transport.send, transport.receive
    monkeypatch.setattr(transport, "send", send_unless_broken)
    monkeypatch.setattr(transport, "send_nowait", lambda _: False)
    monkeypatch.setattr(transport, "receive", receive_last_words)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(tell_last_words)
        then = await lost(open_codex_client(transport, record=path))
    assert messages(path, "s2c")[-1] == {"CLOSED": last_words or "it no longer reads"} == {"CLOSED": then}
    assert [row["t"] for row in rows(path)] == sorted(row["t"] for row in rows(path))

    replayed = ReplayTransport(path)
    assert await lost(open_codex_client(replayed)) == then
    assert replayed.deviation is None
    assert replayed.is_finished


# --- the file fails


async def test_a_file_that_cannot_be_created_is_an_error_before_a_server_starts(tmp_path: Path) -> None:
    started = tmp_path / "started"
    client = CodexClient.connect_stdio(command=["touch", str(started)], record=tmp_path / "missing" / "session.jsonl")
    with pytest.raises(
        CodexTransportError, match=r"cannot record to '.*missing/session\.jsonl'.*No such file"
    ) as caught:
        async with client:
            raise AssertionError("not reached")
    assert isinstance(caught.value.__cause__, FileNotFoundError)
    assert not started.exists()


async def test_a_second_client_does_not_record_to_the_same_file(
    path: Path, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_codex_client(ScriptedAppServer().transport(), record=path) as first:
        other = open_codex_client(ScriptedAppServer().transport(), record=path)
        with pytest.raises(
            CodexTransportError, match=r"cannot record to .*another client records to this file; each client needs"
        ):
            async with other:
                raise AssertionError("not reached")
        await first.chat_once("one")

    assert messages(path, "note")[0].endswith("connects to scripted app-server")
    assert {message["method"] for message in messages(path, "c2s")} >= {"initialize", "turn/start"}
    async with open_codex_client(ScriptedAppServer().transport(), record=path):
        pass
    assert len(messages(path, "c2s")) == 2, "once the first is closed, its file is replaced like any other"


async def test_two_clients_may_record_to_nowhere(autojump_clock: MockClock, caplog: pytest.LogCaptureFixture) -> None:
    async with (
        open_codex_client(ScriptedAppServer().transport(), record=os.devnull),
        open_codex_client(ScriptedAppServer().transport(), record=os.devnull) as client,
    ):
        await client.chat_once("one")
    assert not caplog.records


@contextmanager
def pipe(path: Path, *, is_read: bool) -> Iterator[Path]:
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK) if is_read else None
    yield path
    if reader is not None:
        os.close(reader)


@contextmanager
def stopped_terminal(path: Path) -> Iterator[Path]:
    ours, theirs = os.openpty()
    termios.tcflow(theirs, termios.TCOOFF)
    yield Path(os.ttyname(theirs))
    os.close(ours)
    os.close(theirs)


@contextmanager
def listening_socket(path: Path) -> Iterator[Path]:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        yield path


@pytest.mark.parametrize(
    "make", [partial(pipe, is_read=False), partial(pipe, is_read=True), stopped_terminal, listening_socket]
)
async def test_a_file_that_is_not_regular_is_refused_at_once(
    make: Callable[[Path], AbstractContextManager[Path]], path: Path, autojump_clock: MockClock
) -> None:
    with make(path) as odd, pytest.raises(CodexTransportError, match=r"cannot record to .*: it is not a regular file"):
        async with open_codex_client(ScriptedAppServer().transport(), record=odd):
            raise AssertionError("not reached")


@pytest.mark.parametrize("is_there", [True, False])
async def test_a_symbolic_link_is_not_followed(path: Path, is_there: bool, autojump_clock: MockClock) -> None:
    target = path.with_name("target")
    if is_there:
        write(target, "precious\n")
    os.symlink(target, path)

    with pytest.raises(CodexTransportError, match=r"cannot record to .*session\.jsonl.*: it is a symbolic link; pass"):
        async with open_codex_client(ScriptedAppServer().transport(), record=path):
            raise AssertionError("not reached")

    assert target.exists() == is_there
    assert not is_there or read_bytes(target) == b"precious\n"


async def test_a_file_of_another_user_is_left_alone(
    path: Path, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(path, "precious\n")
    os.chmod(path, 0o644)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)

    with pytest.raises(CodexTransportError, match=r"cannot record to .*: the file belongs to another user"):
        async with open_codex_client(ScriptedAppServer().transport(), record=path):
            raise AssertionError("not reached")

    assert (read_bytes(path), stat.S_IMODE(os.stat(path).st_mode)) == (b"precious\n", 0o644)


async def test_a_link_that_was_put_in_place_of_the_file_is_not_followed_at_a_reconnection(
    path: Path, autojump_clock: MockClock, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    target = path.with_name("target")
    write(target, "precious\n")
    server = ScriptedAppServer(nursery)
    async with open_codex_client(server.transport(), record=path, reconnect=True) as client:
        os.unlink(path)
        os.symlink(target, path)
        server.connection.drop()
        await trio.sleep(1)
        assert (await client.chat_once("hello")).final_text == "ok"

    assert read_bytes(target) == b"precious\n"
    assert "it is a symbolic link" in caplog.text


@pytest.fixture
def small_files() -> Iterator[None]:
    """No file may grow beyond two kilobytes."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


async def test_a_full_disk_ends_the_recording_and_not_the_conversation(
    path: Path, small_files: None, autojump_clock: MockClock, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    server = ScriptedAppServer(nursery)
    async with open_codex_client(server.transport(), record=path, reconnect=True) as client:
        assert (await client.chat_once("one " * 500)).final_text == "ok"
        server.connection.drop()
        await trio.sleep(1)
        assert (await client.chat_once("two")).final_text == "ok"

    (warning,) = (record for record in caplog.records if record.levelno >= logging.WARNING)
    assert warning.getMessage().startswith(f"recording to {path} stopped: ")
    assert "File too large" in warning.getMessage()
    assert len(read_bytes(path)) == 2_000


async def test_a_file_that_is_gone_at_a_reconnection_ends_the_recording_alone(
    tmp_path: Path, autojump_clock: MockClock, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    server = ScriptedAppServer(nursery)
    async with open_codex_client(server.transport(), record=folder / "x", reconnect=True) as client:
        await client.chat_once("one")
        (folder / "x").unlink()
        folder.rmdir()
        server.connection.drop()
        await trio.sleep(1)
        assert (await client.chat_once("two")).final_text == "ok"

    assert [record.levelno for record in caplog.records if "recording to" in record.message] == [logging.WARNING]


# --- the file is closed


async def leave_with_an_error(client: CodexClient) -> None:
    with pytest.raises(RuntimeError, match="of the body"):
        async with client:
            raise RuntimeError("of the body")


async def be_cancelled(client: CodexClient) -> None:
    with trio.CancelScope() as scope:
        async with client:
            scope.cancel()
            await trio.sleep_forever()


async def be_cancelled_while_opening(client: CodexClient) -> None:
    with trio.CancelScope() as scope:
        scope.cancel()
        async with client:
            raise AssertionError("not reached")


async def lose_the_server(client: CodexClient) -> None:
    async with client:
        with pytest.raises(CodexTransportError):
            await client.request("die")


async def start_nothing(client: CodexClient) -> None:
    with pytest.raises(CodexTransportError):
        await client.__aenter__()


@pytest.mark.extended
@pytest.mark.parametrize(
    ("use", "script"),
    [
        (leave_with_an_error, "serve()"),
        (be_cancelled, "serve()"),
        (be_cancelled_while_opening, "serve()"),
        (lose_the_server, "serve(until='die')"),
        (start_nothing, "die(3)"),
        (start_nothing, None),
    ],
)
async def test_the_file_is_closed_whatever_happens(
    use: Callable[[CodexClient], Awaitable[None]], script: str | None, path: Path
) -> None:
    run_this = "/no/such/program" if script is None else command(script)
    with trio.fail_after(20), nothing_left():
        await use(CodexClient.connect_stdio(command=run_this, record=path))
    assert messages(path, "note")
