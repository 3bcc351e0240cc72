"""`ReplayTransport`: a program is recorded and played to, and whichever does something else is told where."""

from __future__ import annotations

import itertools
import json
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from codex_trio import (
    CodexClient,
    CodexProtocolError,
    CodexTransportError,
    CodexTurnInterruptedError,
    StepStream,
    open_codex_client,
)
from codex_trio.testing import (
    ReplayDeviationError,
    ReplayTransport,
    ScriptedAppServer,
    ask_server_request,
    hang,
    raw,
    say,
    wait,
)
from tests.support.folders import TRACES

Message = dict[str, Any]
Program = Callable[[CodexClient], Awaitable[object]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "session.jsonl"


async def record(path: Path, server: ScriptedAppServer, program: Program, **options: Any) -> None:
    async with open_codex_client(server.transport(), record=path, **options) as client:
        await program(client)


async def deviation(path: Path, program: Program, *, pauses: bool = True, **options: Any) -> ReplayDeviationError:
    """Play a recording to a program that deviates, and return what it is told."""
    transport = ReplayTransport(path, pauses=pauses)
    with trio.fail_after(25):  # long before anything else would time out
        with pytest.raises(ReplayDeviationError) as caught:
            async with open_codex_client(transport, **options) as client:
                await program(client)
        assert transport.deviation is not None
        assert str(caught.value).startswith(str(transport.deviation))
        return caught.value


def write_sent(path: Path, *sent: tuple[str, str]) -> None:
    """Write a recording of nothing but methods of the client, each with its connection."""
    rows = ({"t": 0.0, "dir": "c2s", "conn": connection, "msg": {"method": method}} for connection, method in sent)
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))


def line_of(path: Path, part: str) -> int:
    """Return the number of the first line of the client that has `part` in it."""
    return next(
        number
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if part in line and json.loads(line)["dir"] == "c2s"
    )


async def ask_both(client: CodexClient) -> None:
    thread = await client.start_thread()
    await thread.chat_once("one")
    await thread.chat_once("two")


async def ask_first(client: CodexClient) -> None:
    await (await client.start_thread()).chat_once("one")


async def ask_second(client: CodexClient) -> None:
    await (await client.start_thread()).chat_once("two")


async def ask_three(client: CodexClient) -> None:
    thread = await client.start_thread()
    for prompt in ("one", "two", "three"):
        await thread.chat_once(prompt)


@pytest.mark.parametrize("pauses", [True, False])
async def test_a_message_that_is_left_out_is_named(path: Path, pauses: bool, autojump_clock: MockClock) -> None:
    await record(path, ScriptedAppServer(), ask_both)

    error = await deviation(path, ask_second, pauses=pauses)

    assert error.line == line_of(path, '"one"')
    assert error.expected is not None
    assert error.received is not None
    assert error.expected["params"]["input"][0]["text"] == "one"
    assert error.received["params"]["input"][0]["text"] == "two"
    assert error.continuation is None


async def test_a_message_too_many_is_named(path: Path, autojump_clock: MockClock) -> None:
    await record(path, ScriptedAppServer(), ask_both)

    error = await deviation(path, ask_three)

    assert (error.line, error.expected) == (None, None)
    assert error.received is not None
    assert error.received["params"]["input"][0]["text"] == "three"
    assert "expected no further message, received " in str(error)


async def test_a_message_too_few_leaves_the_replay_unfinished(path: Path, autojump_clock: MockClock) -> None:
    await record(path, ScriptedAppServer(), ask_both)
    transport = ReplayTransport(path)
    async with open_codex_client(transport) as client:
        await ask_first(client)

    assert transport.deviation is None
    assert not transport.is_finished


async def test_a_turn_that_the_deviation_breaks_raises_it_with_its_continuation(
    path: Path, autojump_clock: MockClock
) -> None:
    async def watch(client: CodexClient, *, disturbs: bool) -> None:
        async for step in client.chat("Go"):
            if disturbs:
                with pytest.raises(ReplayDeviationError):
                    await client.request("thread/list")
            assert step.text in ("one", "two")

    server = ScriptedAppServer()
    server.on_turn(say("one"), wait(5), say("two"))
    await record(path, server, lambda client: watch(client, disturbs=False))

    error = await deviation(path, lambda client: watch(client, disturbs=True))

    assert error.continuation is not None
    assert error.received == {"id": 4, "method": "thread/list", "params": {}}


async def test_another_answer_to_the_server_is_named(path: Path, autojump_clock: MockClock) -> None:
    async def ask(client: CodexClient) -> None:
        await client.chat_once("Go")

    async def answer(params: Any) -> Any:
        await trio.lowlevel.checkpoint()
        return {"currentTimeAt": 7}

    async def answer_otherwise(params: Any) -> Any:
        await trio.lowlevel.checkpoint()
        return {"currentTimeAt": 8}

    server = ScriptedAppServer()
    server.on_turn(ask_server_request("currentTime/read"), say("done"))
    await record(path, server, ask, on_request={"currentTime/read": answer})

    error = await deviation(path, ask, on_request={"currentTime/read": answer_otherwise})

    assert (error.expected, error.received) == (
        {"id": 0, "result": {"currentTimeAt": 7}},
        {"id": 0, "result": {"currentTimeAt": 8}},
    )
    assert "at result.currentTimeAt: expected 7, received 8" in str(error)


async def test_another_handshake_is_a_deviation_in_opening(path: Path, autojump_clock: MockClock) -> None:
    await record(path, ScriptedAppServer(), ask_first, client_info={"version": "1"})

    assert (await deviation(path, ask_first, experimental_api=True)).line == line_of(path, "initialize")
    transport = ReplayTransport(path)
    async with open_codex_client(transport, client_info={"version": "2"}) as client:
        await ask_first(client)
    assert transport.is_finished


async def test_a_deviation_in_closing_is_kept(path: Path, autojump_clock: MockClock) -> None:
    async def leave_it(client: CodexClient) -> None:
        async for _ in client.chat("Go"):
            break

    async def wait_for_it(client: CodexClient) -> None:
        await client.chat_once("Go")

    server = ScriptedAppServer()
    server.on_turn(say("one"), wait(5), say("two"))
    await record(path, server, wait_for_it)
    transport = ReplayTransport(path)
    async with open_codex_client(transport) as client:
        await leave_it(client)

    assert transport.deviation is not None
    assert transport.deviation.received is not None
    assert transport.deviation.received["method"] == "turn/interrupt"


# --- what may differ


def replace_refusal(path: Path, words: str) -> None:
    text = path.read_text()
    (refusal,) = (line for line in text.splitlines() if '"c2s"' in line and '"error"' in line)
    path.write_text(text.replace(json.loads(refusal)["msg"]["error"]["message"], words))


async def test_words_of_a_refusal_may_differ(path: Path, autojump_clock: MockClock) -> None:
    async def ask(client: CodexClient) -> None:
        await client.chat_once("Go")

    server = ScriptedAppServer()
    server.on_turn(ask_server_request("nosuch/request"), say("done"))
    await record(path, server, ask)
    replace_refusal(path, "in other words")

    transport = ReplayTransport(path)
    async with open_codex_client(transport) as client:
        await ask(client)
    assert transport.is_finished
    assert transport.deviation is None


async def test_random_ids_of_a_command_are_those_of_today(path: Path, autojump_clock: MockClock) -> None:
    async def run_two(client: CodexClient, *, crosswise: bool = False) -> list[bytes]:
        async with client.exec(["one"]) as one, client.exec(["two"]) as two:
            await one.stdin.send_all(b"for two" if crosswise else b"for one")
            await two.stdin.send_all(b"for one" if crosswise else b"for two")
            return [await one.stdout.receive_some(), await two.stdout.receive_some()]

    server = ScriptedAppServer()
    server.hold("command/exec")
    server.reply("command/exec/terminate", {})

    def echo(params: Message) -> Message:
        output = {"processId": params["processId"], "stream": "stdout", "deltaBase64": params["deltaBase64"]}
        server.connection.send({"method": "command/exec/outputDelta", "params": output})
        return {}

    server.reply("command/exec/write", echo)

    async def end_all() -> None:
        async for call in server.held("command/exec"):
            call.connection.start(end_later, call)

    async def end_later(call: Any) -> None:
        await trio.sleep(1)
        call.reply({"exitCode": 0, "stdout": "", "stderr": ""})

    async with trio.open_nursery() as nursery:
        nursery.start_soon(end_all)
        await record(path, server, run_two)
        nursery.cancel_scope.cancel()

    transport = ReplayTransport(path)
    async with open_codex_client(transport) as client:
        assert await run_two(client) == [b"for one", b"for two"]
    assert transport.is_finished
    assert transport.deviation is None
    begun = trio.current_time()
    assert "deltaBase64" in str(await deviation(path, lambda client: run_two(client, crosswise=True)))
    assert trio.current_time() - begun < 1  # it is none of those that are to come


async def test_an_id_that_the_server_gave_is_no_random_one(path: Path, autojump_clock: MockClock) -> None:
    async def terminate(client: CodexClient, *, process_id: str) -> None:
        params = {"threadId": (await client.start_thread()).id, "processId": process_id}
        await client.request("thread/backgroundTerminals/terminate", params)

    server = ScriptedAppServer()
    server.reply("thread/backgroundTerminals/terminate", {"terminated": True})
    await record(path, server, lambda client: terminate(client, process_id="1003"))

    error = await deviation(path, lambda client: terminate(client, process_id="9999"))

    assert "at params.processId: expected '1003', received '9999'" in str(error)


async def test_secrets_are_compared_as_they_were_recorded(path: Path, autojump_clock: MockClock) -> None:
    async def log_in(client: CodexClient, key: str = "a-secret") -> None:
        await client.login_api_key(key)

    server = ScriptedAppServer()
    server.reply("account/login/start", {"type": "apiKey"})
    await record(path, server, log_in)

    transport = ReplayTransport(path)
    async with open_codex_client(transport) as client:
        await log_in(client, "another-secret")
    assert transport.is_finished


@pytest.mark.parametrize("pauses", [True, False])
@pytest.mark.parametrize("shift", [-0.9, -0.1, 0.1, 0.9])
async def test_tasks_that_talk_at_the_same_time_may_change_places(
    path: Path, pauses: bool, shift: float, autojump_clock: MockClock
) -> None:
    async def talk(client: CodexClient, shift: float) -> list[str]:
        texts: list[str] = []

        async def ask(prompt: str, delay: float) -> None:
            await trio.sleep(delay)
            texts.append((await client.chat_once(prompt)).final_text)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask, "one", 2)
            nursery.start_soon(ask, "two", 2 + shift)
        return sorted(texts)

    server = ScriptedAppServer()
    server.on_prompt("one", wait(3), say("first"))
    server.on_prompt("two", wait(1), say("second"))
    await record(path, server, lambda client: talk(client, shift))

    transport = ReplayTransport(path, pauses=pauses)
    async with open_codex_client(transport) as client:
        assert await talk(client, -shift) == ["first", "second"]
    assert transport.is_finished
    assert transport.deviation is None


@pytest.mark.parametrize("pauses", [True, False])
@pytest.mark.parametrize("order", list(itertools.permutations(("one", "two", "three"))))
async def test_threads_that_were_asked_for_alike_may_change_places(
    path: Path, order: tuple[str, ...], pauses: bool, autojump_clock: MockClock
) -> None:
    async def talk(client: CodexClient, order: Sequence[str]) -> dict[str, list[str]]:
        told: dict[str, list[str]] = {}

        async def ask(prompt: str, place: int) -> None:
            await trio.sleep(place / 1000)
            first = await client.chat_once(prompt)
            await client.request("thread/read", {"threadId": first.thread_id})
            told[prompt] = [first.final_text, (await client.chat_once(f"{prompt} again", first.thread_id)).final_text]

        async with trio.open_nursery() as nursery:
            for place, prompt in enumerate(order):
                nursery.start_soon(ask, prompt, place)
        return told

    async def answer_slowly() -> None:
        async for call in server.held("thread/start"):
            await trio.sleep(3)  # longer than a message may be late
            call.proceed()

    server = ScriptedAppServer()
    for number, prompt in enumerate(("one again", "two again", "three again", "one", "two", "three")):
        server.on_prompt(prompt, wait(number % 2), say(f"answer to {prompt}"))
    server.hold("thread/start")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(answer_slowly)
        await record(path, server, lambda client: talk(client, ("one", "two", "three")))
        nursery.cancel_scope.cancel()
    begun = trio.current_time()

    transport = ReplayTransport(path, pauses=pauses)
    async with open_codex_client(transport) as client:
        told = await talk(client, order)
        assert client.statistics().ignored_messages == 0
    # Recorded were three, six and nine seconds, and up to two for the turns of the last thread.
    assert 8.9 <= trio.current_time() - begun <= 18 if pauses else trio.current_time() - begun < 0.1
    assert told == {prompt: [f"answer to {prompt}", f"answer to {prompt} again"] for prompt in order}
    assert transport.is_finished
    assert transport.deviation is None


async def ask_threads(client: CodexClient, models: str, *rounds: tuple[str, str]) -> None:
    """Make two threads of those models, and ask both of them at once, round by round."""
    threads = [await client.start_thread(model=model) for model in models]
    for prompts in rounds:
        async with trio.open_nursery() as nursery:
            for thread, prompt in zip(threads, prompts, strict=True):
                nursery.start_soon(thread.chat_once, prompt)


@pytest.mark.parametrize(
    ("models", "rounds"),
    [
        ("ab", [("two", "one")]),  # they were not asked for alike
        ("aa", [("one", "two"), ("due", "uno")]),  # they are known by what was said to them before
    ],
)
async def test_threads_that_can_be_told_apart_may_not_change_places(
    path: Path, models: str, rounds: list[tuple[str, str]], autojump_clock: MockClock
) -> None:
    recorded_rounds = [("one", "two"), ("uno", "due")][: len(rounds)]
    await record(path, ScriptedAppServer(), lambda client: ask_threads(client, models, *recorded_rounds))

    transport = ReplayTransport(path)
    with pytest.raises(ExceptionGroup) as caught:
        async with open_codex_client(transport) as client:
            await ask_threads(client, models, *rounds)
    assert caught.group_contains(ReplayDeviationError, depth=1)
    assert "at params.threadId" in str(transport.deviation) or "at params.input[0].text" in str(transport.deviation)


async def test_a_notification_is_no_request(path: Path, autojump_clock: MockClock) -> None:
    async def notify(client: CodexClient) -> None:
        await client.notify("thread/list", {})
        await client.request("thread/list")

    await record(path, ScriptedAppServer(), lambda client: client.request("thread/list"))

    error = await deviation(path, notify)

    assert error.received == {"method": "thread/list", "params": {}}


async def test_a_message_that_never_comes_is_not_waited_for_longer_than_a_second(
    path: Path, autojump_clock: MockClock
) -> None:
    async def list_two(client: CodexClient, *, first: float) -> None:
        async with trio.open_nursery() as nursery:
            for method, delay in (("thread/list", first), ("model/list", 0.5)):
                nursery.start_soon(list_after, client, method, delay)

    async def list_after(client: CodexClient, method: str, delay: float) -> None:
        await trio.sleep(delay)
        await client.request(method)

    server = ScriptedAppServer()
    server.reply("model/list", {"data": []})
    await record(path, server, lambda client: list_two(client, first=0.0))

    async with open_codex_client(ReplayTransport(path)) as client:
        await list_two(client, first=1.4)
    transport = ReplayTransport(path)
    with pytest.raises(ExceptionGroup) as caught:
        async with open_codex_client(transport) as client:
            await list_two(client, first=1.6)
    assert caught.group_contains(ReplayDeviationError)
    assert transport.deviation is not None
    assert transport.deviation.expected is not None
    assert transport.deviation.received is not None
    assert transport.deviation.expected["method"] == "thread/list"
    assert transport.deviation.received["method"] == "model/list"


async def act_in_a_turn(client: CodexClient, act: str, after: float) -> None:
    """Begin a turn of two minutes, read it to its end, and do something `after` so many seconds."""
    thread = await client.start_thread()
    stream = thread.chat("hello")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(read_to_the_end, stream)
        await trio.sleep(after)
        match act:
            case "interrupt":
                await thread.interrupt()
            case "steer":
                await thread.steer("faster")
            case "list":
                assert stream.turn_id is not None
                assert [item async for item in thread.items(stream.turn_id)]
            case _:  # whatever runs
                await client.request("turn/interrupt", {"threadId": thread.id, "turnId": ""})


async def read_to_the_end(stream: StepStream) -> None:
    with suppress(CodexTurnInterruptedError):
        async for _ in stream:
            pass


def two_minutes() -> ScriptedAppServer:
    server = ScriptedAppServer()
    of_no_turn = raw({"method": "skills/changed", "params": {}})
    server.on_turn(wait(30), say("one"), of_no_turn, wait(30), say("two"), wait(60), say("three"))
    server.default(say("steered"))
    return server


@pytest.mark.parametrize(("after", "is_early"), [(100.5, False), (59.5, False), (58.5, True), (5, True)])
async def test_a_turn_is_not_interrupted_long_before_what_it_had_told_until_then(
    path: Path, after: float, is_early: bool, autojump_clock: MockClock
) -> None:
    await record(path, two_minutes(), lambda client: act_in_a_turn(client, "interrupt", 100))

    transport = ReplayTransport(path)
    with suppress(ExceptionGroup):
        async with open_codex_client(transport, request_timeout=100) as client:
            await act_in_a_turn(client, "interrupt", after)
    assert transport.is_finished is not is_early
    if is_early:
        assert transport.deviation is not None
        assert transport.deviation.line == line_of(path, "turn/interrupt")
        assert "received more than 1 s before line" in str(transport.deviation)
    else:
        assert transport.deviation is None


@pytest.mark.parametrize("act", ["steer", "list", "interrupt whatever runs"])
async def test_how_long_a_program_thinks_before_it_does_anything_else_is_its_own_affair(
    path: Path, act: str, autojump_clock: MockClock
) -> None:
    await record(path, two_minutes(), lambda client: act_in_a_turn(client, act, 100))

    transport = ReplayTransport(path)
    async with open_codex_client(transport, request_timeout=100) as client:
        await act_in_a_turn(client, act, 5)
    assert transport.deviation is None
    assert transport.is_finished


@pytest.mark.parametrize(
    ("code", "message"), [(-32001, "Server overloaded; retry later."), (-32600, "no active turn to interrupt")]
)
async def test_an_interrupt_that_was_refused_is_repeated_after_other_pauses(
    path: Path, code: int, message: str, monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    async def insist(client: CodexClient, pause: float) -> None:
        monkeypatch.setattr("random.uniform", lambda *bounds: pause)
        stream = client.chat("hello")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(read_to_the_end, stream)
            await trio.sleep(1)
            assert stream.turn_id is not None
            while True:
                with suppress(CodexProtocolError):
                    await client.interrupt_turn(stream.turn_id)
                    break
                await trio.sleep(2 * pause)

    server = ScriptedAppServer()
    server.on_turn(say(" ".join("word" for _ in range(60)), seconds=30))
    server.fail_next("turn/interrupt", code=code, message=message, times=6)
    await record(path, server, lambda client: insist(client, 1.5))

    transport = ReplayTransport(path)
    async with open_codex_client(transport) as client:
        await insist(client, 0.5)
    assert transport.deviation is None
    assert transport.is_finished


@pytest.mark.parametrize(("pauses", "listing", "until"), [(True, (5, 13), 100), (False, (0.9, 1.8), 0.1)])
async def test_a_turn_is_stopped_in_time_although_another_task_made_the_replay_late(
    path: Path, pauses: bool, listing: Sequence[float], until: float, autojump_clock: MockClock
) -> None:
    async def talk(client: CodexClient, listing: Sequence[float], until: float) -> None:
        thread = await client.start_thread()
        begun = trio.current_time()
        async with trio.open_nursery() as nursery:
            for seconds in listing:
                nursery.start_soon(list_at, client, begun + seconds)
            with trio.move_on_at(begun + until):
                await thread.chat_once("hello")
        await trio.sleep(5)  # so that its interrupt is played before the client closes

    async def list_at(client: CodexClient, seconds: float) -> None:
        await trio.sleep_until(seconds)
        await client.request("thread/list")

    server = ScriptedAppServer()
    server.on_turn(wait(99), say("one"), hang())
    await record(path, server, lambda client: talk(client, (5, 10), 100))

    transport = ReplayTransport(path, pauses=pauses)
    async with open_codex_client(transport) as client:
        await talk(client, listing, until)
    assert transport.deviation is None
    assert transport.is_finished


async def test_without_pauses_a_silent_server_is_not_silent(path: Path, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(wait(100), say("one"))
    await record(path, server, ask_first)

    for pauses, seconds in ((True, 100), (False, 0)):
        begun = trio.current_time()
        async with open_codex_client(ReplayTransport(path, pauses=pauses)) as client:
            await ask_first(client)
        assert trio.current_time() - begun == pytest.approx(seconds, abs=0.5)


# --- connections and files


async def test_a_connection_more_than_were_recorded_is_a_deviation(
    path: Path, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)

    async def leave_at_a_loss(client: CodexClient) -> None:
        await client.request("thread/list")
        server.connection.drop()

    async def stay_at_a_loss(client: CodexClient) -> None:
        await client.request("thread/list")
        await wait_all_tasks_blocked()
        await client.request("thread/list")

    await record(path, server, leave_at_a_loss, reconnect=True)
    transport = ReplayTransport(path)
    with pytest.raises(CodexTransportError, match=r"reached again within 7 s, reconnect_timeout") as caught:
        async with open_codex_client(transport, reconnect=True, reconnect_timeout=7) as client:
            await stay_at_a_loss(client)
    assert "scripted app-server closed the connection" in str(caught.value)
    assert "another connection was opened, but only 1 were recorded" in str(transport.deviation)


@pytest.mark.parametrize("sent", [["one", "two"], ["one"], []])
async def test_a_connection_on_which_a_message_did_not_come_leaves_the_replay_unfinished(
    path: Path, sent: list[str], nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    write_sent(path, ("1", "one"), ("1", "two"), ("2", "three"))
    transport = ReplayTransport(path)
    for methods in (sent, ["three"]):
        await transport.open(nursery)
        for method in methods:
            await transport.send([json.dumps({"method": method}).encode()])
        await wait_all_tasks_blocked()
        await transport.aclose()
    assert transport.is_finished is (sent == ["one", "two"])


async def test_the_first_deviation_is_kept(path: Path, autojump_clock: MockClock) -> None:
    await record(path, ScriptedAppServer(), ask_first, reconnect=True)
    transport = ReplayTransport(path)
    async with open_codex_client(transport, reconnect=True, reconnect_timeout=7) as client:
        with pytest.raises(ReplayDeviationError) as caught:
            await client.request("nosuch/method")
        with pytest.raises(CodexTransportError):
            await client.request("thread/list")
    assert str(transport.deviation) == str(caught.value)


async def test_a_replay_is_of_one_client_at_a_time(path: Path, autojump_clock: MockClock) -> None:
    await record(path, ScriptedAppServer(), ask_first)
    transport = ReplayTransport(path)
    async with open_codex_client(transport):
        with pytest.raises(RuntimeError, match="open already"):
            async with open_codex_client(transport):
                raise AssertionError("not reached")


def test_a_torn_last_line_is_left_out(path: Path) -> None:
    row = b'{"t": 0.0, "dir": "c2s", "conn": "1", "msg": {"id": 1, "method": "initialize"}}\n'
    path.write_bytes(row + row[:30])
    ReplayTransport(path)
    path.write_bytes(row[:30] + b"\n" + row)
    with pytest.raises(ValueError, match=r"session\.jsonl, line 1: not a valid line of a recording"):
        ReplayTransport(path)


@pytest.mark.parametrize(
    "line",
    [b"no json", b"[]", b"{}", b'{"t": 1, "dir": "x2y", "msg": {}}', b'{"t": 1, "dir": "s2c", "msg": 7}', b"\xff"],
)
def test_a_line_that_is_no_row_is_named(path: Path, line: bytes) -> None:
    path.write_bytes(b'{"t": 1, "dir": "note", "msg": "remark"}\n' + line + b"\n\n")
    with pytest.raises(ValueError, match="line 2: not a valid line of a recording"):
        ReplayTransport(path)


@pytest.mark.parametrize("text", ["", "\n", "no recording", '{"a": 1}', '{"t": 0.0, "dir": "c2s", "co'])
def test_a_file_without_any_row_is_no_recording(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(ValueError, match=r"session\.jsonl is not a recording: it has no connection"):
        ReplayTransport(path)


def test_a_connection_that_is_not_there_is_told_with_those_that_are(path: Path) -> None:
    with pytest.raises(ValueError, match="has no connection 'Z', but A, B, C, D"):
        ReplayTransport(TRACES / "ws_resume_running.jsonl", connection="Z")
    with pytest.raises(FileNotFoundError):
        ReplayTransport(path)
