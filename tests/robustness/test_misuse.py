"""Opening and closing at an odd moment, twice, or in the wrong place, and what is no argument: an error at once, no hang."""

from __future__ import annotations

import inspect
import math
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from codex_trio import (
    CodexClient,
    CodexTransportError,
    StdioTransport,
    Transport,
    UnixSocketTransport,
    WebSocketTransport,
    open_codex_client,
)
from codex_trio.rendering import TurnView
from codex_trio.testing import ScriptedAppServer, Step, ask_approval, run, say, wait
from tests.support.background import Background
from tests.support.fake_server_command import server
from tests.support.leaks import nothing_left

# --- Ctrl-C. A real signal, at the call of a function, which is where CPython acts on one.

WHILE_ENTERING = """
start_soon = trio.Nursery.start_soon

def start_soon_and_interrupt(nursery, async_fn, *args, name=None):
    start_soon(nursery, async_fn, *args, name=name)
    if (name or "").startswith("codex_trio serves"):
        signal.raise_signal(signal.SIGINT)

trio.Nursery.start_soon = start_soon_and_interrupt
"""

WHILE_LEAVING = """
close = Session.close

def interrupt_and_close(session):
    signal.raise_signal(signal.SIGINT)
    return close(session)

Session.close = interrupt_and_close
"""

PROGRAM = """
import signal
import trio
from codex_trio import open_codex_client
from codex_trio._session.session import Session
from codex_trio.testing import ScriptedAppServer
{interruption}
async def main():
    async with open_codex_client(ScriptedAppServer().transport()):
        pass

trio.run(main)
"""


@pytest.mark.extended
@pytest.mark.parametrize("interruption", [WHILE_ENTERING, WHILE_LEAVING], ids=["entering", "leaving"])
def test_ctrl_c_is_one_keyboard_interrupt_and_nothing_hangs(interruption: str) -> None:
    program = PROGRAM.format(interruption=interruption)
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30)
    assert ran.returncode == -signal.SIGINT, ran.stderr
    said = [line for line in ran.stderr.splitlines() if not line.startswith(("Traceback", " "))]
    assert said == ["KeyboardInterrupt"]


# --- a client that did not come to be open


async def test_client_whose_start_was_cancelled_says_so_at_once(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    app_server = ScriptedAppServer()
    app_server.ignore("initialize")
    client = CodexClient(app_server.transport())
    with trio.move_on_after(1) as scope:
        await client.start(nursery)
    assert scope.cancelled_caught
    for attempt in (client.request("thread/list"), client.start(nursery)):
        with pytest.raises(CodexTransportError, match="could not be opened"):
            await attempt
    assert trio.current_time() == 1


async def test_closing_does_not_wait_for_the_opening(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    app_server = ScriptedAppServer()
    app_server.ignore("initialize")
    client = CodexClient(app_server.transport())
    start = Background(nursery, client.start, nursery)
    await wait_all_tasks_blocked()
    await client.close()
    assert trio.current_time() == 0
    with pytest.raises(CodexTransportError):
        await start.result()


async def hold_open(task_status: trio.TaskStatus[trio.Nursery]) -> None:
    async with trio.open_nursery() as nursery:
        task_status.started(nursery)
        await trio.sleep_forever()


async def test_start_in_a_nursery_that_is_cancelled_meanwhile_raises(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    app_server = ScriptedAppServer()
    app_server.ignore("initialize")
    owner = await nursery.start(hold_open)
    start = Background(nursery, CodexClient(app_server.transport()).start, owner)
    await wait_all_tasks_blocked()
    owner.cancel_scope.cancel()
    with pytest.raises(CodexTransportError):
        await start.result()
    assert trio.current_time() == 0


async def test_start_in_a_nursery_that_is_closed_leaves_nothing_to_wait_for(autojump_clock: MockClock) -> None:
    async with trio.open_nursery() as closed:
        pass
    client = CodexClient(ScriptedAppServer().transport())
    with pytest.raises(RuntimeError, match="closed"):
        await client.start(closed)
    with trio.fail_after(1):
        await client.close()


# --- used twice


async def test_client_that_is_entered_again_goes_on_in_its_first_body(autojump_clock: MockClock) -> None:
    client = open_codex_client(ScriptedAppServer().transport())
    async with client:
        with pytest.raises(RuntimeError, match="a client of its own"):
            async with client:
                pass
        assert (await client.chat_once("hello")).final_text == "ok"


async def test_transport_that_two_clients_open_at_once_serves_one_of_them() -> None:
    transport = StdioTransport(server())
    refused = trio.Event()
    answers, refusals = [], []

    async def use() -> None:
        try:
            async with open_codex_client(transport) as client:
                await refused.wait()
                answers.append(await client.request("echo", {"a": 1}))
        except RuntimeError as error:
            refusals.append(str(error))
            refused.set()

    with trio.fail_after(20), nothing_left():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(use)
            nursery.start_soon(use)
    assert answers == [{"a": 1}]
    assert refusals == ["this StdioTransport is open already; each client needs its own"]


async def test_client_that_was_closed_is_not_opened_again(autojump_clock: MockClock) -> None:
    client = CodexClient(ScriptedAppServer().transport())
    async with client:
        pass
    with pytest.raises(CodexTransportError, match="this client was closed; make a new one"):
        async with client:
            raise AssertionError("it opened")


# --- what is no argument


@pytest.mark.parametrize(
    ("wrong", "what"),
    [("{}", r"not str; ChatContinuation.from_json reads what to_json wrote"), (3, "not int$")],
)
async def test_what_is_no_continuation_is_a_type_error(wrong: Any, what: str, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client:
        for use in (client.chat_once, client.cancel):
            with pytest.raises(TypeError, match=f"continuation must be a ChatContinuation, {what}"):
                await use(continuation=wrong)
    assert "turn/start" not in server.received_methods()


@pytest.mark.parametrize(
    ("make", "wrong", "what"),
    [
        (StdioTransport, {"command": 3}, "command must be a str or a sequence of words, not 3"),
        (StdioTransport, {"connect_timeout": "3"}, "connect_timeout must be a positive number, not '3'"),
        (StdioTransport, {"shutdown_grace": None}, "shutdown_grace must be a positive number, not None"),
        (WebSocketTransport, {"ping_interval": None}, "ping_interval must be a positive number, not None"),
        (WebSocketTransport, {"url": b"ws://x"}, "url must be a str, such as ws://127.0.0.1:8765, not bytes"),
        (WebSocketTransport, {"headers": {"a": 3}}, "headers must map str to str; 'a' is of type int"),
        (UnixSocketTransport, {"path": b"/s"}, "path must be a str or an os.PathLike, not b'/s'"),
    ],
)
def test_an_argument_of_a_transport_that_is_of_the_wrong_type_is_named(
    make: Callable[..., object], wrong: dict[str, Any], what: str
) -> None:
    with pytest.raises(TypeError, match=what):
        make(**wrong)


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        ({"cwd": 3}, "cwd must be a path, a str or an os.PathLike, not 3"),
        ({"cwd": b"/w"}, "cwd must be a path, a str or an os.PathLike, not b'/w'"),
        ({"extra": [1]}, r"extra must be fields of the request by name, spelt as on the wire, not \[1\]"),
    ],
)
async def test_an_option_of_the_wrong_type_is_named(wrong: Any, what: str, autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client:
        thread = await client.start_thread()
        for use in (client.start_thread, partial(client.chat_once, "Go"), partial(thread.chat_once, "Go")):
            with pytest.raises(TypeError, match=what):
                await use(**wrong)
        with pytest.raises(TypeError, match=what):
            client.exec(["ls"], **wrong)
    assert server.received_methods()[2:] == ["thread/start"]


async def test_a_command_for_the_shell_is_text(autojump_clock: MockClock) -> None:
    command: Any = ["ls"]
    async with open_codex_client(ScriptedAppServer().transport()) as client:
        thread = await client.start_thread()
        with pytest.raises(TypeError, match=r"command must be a str, a line for the shell, not \['ls'\]"):
            await thread.shell(command)


@pytest.mark.parametrize(
    ("timeout", "error"),
    [
        (0, ValueError),
        (-1, ValueError),
        (math.nan, ValueError),
        (10**400, ValueError),
        ("3", TypeError),
        ([], TypeError),
    ],
)
async def test_a_timeout_is_a_positive_number(timeout: Any, error: type[Exception], autojump_clock: MockClock) -> None:
    transport = ScriptedAppServer().transport()
    for name in ("request_timeout", "inactivity_timeout", "reconnect_timeout"):
        with pytest.raises(error, match=f"{name} must be a positive number of seconds"):
            CodexClient(transport, **{name: timeout})
    async with open_codex_client(transport) as client:
        with pytest.raises(error, match="timeout must be a positive number of seconds"):
            client.exec(["ls"], timeout=timeout)
        with pytest.raises(error, match="timeout must be a positive number of seconds"):
            await client.request("model/list", timeout=timeout)


def test_every_transport_has_the_same_connect_timeout() -> None:
    transports = (StdioTransport("codex"), WebSocketTransport(), UnixSocketTransport("/run/codex.sock"))
    ways = (CodexClient.connect_stdio, CodexClient.connect_websocket, CodexClient.connect_unix)

    assert {transport.connect_timeout for transport in (Transport, *transports)} == {30.0}
    assert {inspect.signature(way).parameters["connect_timeout"].default for way in ways} == {30.0}


@pytest.mark.parametrize(
    ("timeout", "sent"),
    [
        (None, {"disableTimeout": True}),
        (math.inf, {"disableTimeout": True}),
        (1.5, {"timeoutMs": 1500}),
        (1e-9, {"timeoutMs": 1}),
    ],
)
async def test_the_time_of_a_command_is_sent_in_milliseconds(
    timeout: float | None, sent: dict[str, Any], autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer()
    server.reply("command/exec", {"exitCode": 0})
    async with open_codex_client(server.transport()) as client, client.exec(["ls"], timeout=timeout) as process:
        await process.wait()
    (params,) = [message["params"] for message in server.received if message["method"] == "command/exec"]
    assert {name: value for name, value in params.items() if "imeout" in name} == sent


async def test_steps_cannot_be_rendered_as_events(autojump_clock: MockClock) -> None:
    async with open_codex_client(ScriptedAppServer().transport()) as client:
        steps: Any = client.chat("Go")
        with pytest.raises(TypeError, match=r"render needs the result of client.stream\(...\), not a StepStream"):
            await TurnView().render(steps)


@pytest.mark.parametrize("script", [say, wait, "say", None])
def test_a_word_that_is_not_called_is_no_script(script: Any) -> None:
    with pytest.raises(TypeError, match="a script consists of steps"):
        ScriptedAppServer().on_turn(script)


def test_a_prompt_that_is_a_step_is_refused() -> None:
    prompt: Any = say("hi")
    with pytest.raises(TypeError, match="prompt must be a str or a function"):
        ScriptedAppServer().on_prompt(prompt, say("ho"))


def made_of(word: Any, argument: object) -> Step:
    step: Step = word(argument)
    return step


@pytest.mark.parametrize("seconds", [-1, float("nan")])
def test_steps_take_some_seconds(seconds: float) -> None:
    with pytest.raises(ValueError, match=r"wait\(seconds\) must be 0 or more"):
        wait(seconds)
    with pytest.raises(ValueError, match=r"say\(seconds\) must be 0 or more"):
        say("a", seconds=seconds)
    with pytest.raises(ValueError, match=r"run\(seconds\) must be 0 or more"):
        run("a", seconds=seconds)
    with pytest.raises(ValueError, match=r"ask_approval\(seconds\) must be 0 or more"):
        ask_approval("a", seconds=seconds)


def test_saying_takes_text() -> None:
    with pytest.raises(TypeError, match=r"say\(text\) must be a str, not 3"):
        made_of(say, 3)


def test_server_without_a_client_says_so() -> None:
    server = ScriptedAppServer()
    with pytest.raises(RuntimeError, match="no client is connected"):
        _ = server.connection
    with pytest.raises(RuntimeError, match=r"call hold\('turn/start'\) first"):
        server.held("turn/start")
