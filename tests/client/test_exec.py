"""Commands without a thread: none runs on, or begins, after its block was left; what is said to one comes behind it."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from codex_trio import CodexError, CodexProtocolError, CodexTimeoutError, ExecProcess, open_codex_client
from codex_trio.testing import HeldCall, RpcError, ScriptedAppServer
from tests.support.background import Background
from tests.support.cancel_points import cancelled_after

AT_ONCE = 64
EXEC, WRITE, TERMINATE = "command/exec", "command/exec/write", "command/exec/terminate"


class Commands(ScriptedAppServer):
    """A server whose commands end when they are told to."""

    def __init__(self, nursery: trio.Nursery) -> None:
        super().__init__(nursery)
        self.hold(EXEC)
        self.reply(WRITE, {})
        self.reply(TERMINATE, self.end)
        self.running: dict[str, HeldCall] = {}

    def end(self, params: dict[str, Any]) -> dict[str, Any]:
        with suppress(trio.WouldBlock):
            while True:
                call = self.held(EXEC).receive_nowait()
                self.running[call.params["processId"]] = call
        if params["processId"] not in self.running:
            raise RpcError("no active command")
        self.running.pop(params["processId"]).reply({"exitCode": 137})
        return {}

    def commands(self) -> list[str]:
        """Return what was received about commands."""
        return [method for method in self.received_methods() if method.startswith(EXEC)]


async def let_go(server: Commands, calling: list[Background[Any]]) -> None:
    for _ in calling:
        (await server.held("slow").receive()).reply({})
    for one in calling:
        await one.result()


@pytest.fixture
def server(nursery: trio.Nursery) -> Commands:
    return Commands(nursery)


async def test_a_command_that_is_cancelled_at_any_of_its_steps_does_not_run_on(
    server: Commands, autojump_clock: MockClock
) -> None:
    async with open_codex_client(server.transport()) as client:
        for steps in range(12):
            before = len(server.commands())
            process = client.exec(["sleep", "inf"])
            with cancelled_after(steps) as cancelling:
                async with process:
                    await process.stdin.send_all(b"x")
                    await process.terminate()
            await trio.sleep(60)
            said = server.commands()[before:]
            assert process.returncode == (137 if EXEC in said else None)
            assert steps > 0 or not said  # cancelled beforehand, it is not even started
            assert client.statistics().requests_in_flight == 0
        assert not cancelling.is_caught  # so every step was tried


async def test_what_is_said_at_once_comes_behind_the_command(server: Commands, autojump_clock: MockClock) -> None:
    async with open_codex_client(server.transport()) as client:
        for _ in range(10):
            async with client.exec(["cat"]) as process:
                await process.write(b"x")
            async with client.exec(["cat"]):
                pass
    assert server.commands() == [EXEC, WRITE, TERMINATE, EXEC, TERMINATE] * 10


async def test_a_block_that_is_left_during_an_outage_runs_nothing(server: Commands, autojump_clock: MockClock) -> None:
    async with open_codex_client(server.transport(), reconnect=True) as client:
        server.open_delay = 5
        server.connection.drop()
        await wait_all_tasks_blocked()
        process = client.exec(["rm", "-rf", "x"])
        with trio.move_on_after(2):
            async with process:
                await trio.sleep_forever()
        assert trio.current_time() == 2
        await trio.sleep(60)
        assert server.commands() == []
        with pytest.raises(CodexError, match="was not run"):
            await process.wait()
        assert await process.stdout.receive_some() == b""


async def test_a_command_of_an_outage_is_run_on_the_next_connection(
    server: Commands, autojump_clock: MockClock
) -> None:
    async with open_codex_client(server.transport(), reconnect=True) as client:
        server.open_delay = 5
        server.connection.drop()
        await wait_all_tasks_blocked()
        async with client.exec(["cat"]) as process:
            await process.write(b"x")
            assert trio.current_time() > 5
    assert (server.commands(), process.returncode) == ([EXEC, WRITE, TERMINATE], 137)


async def test_a_command_that_was_refused_for_overload_is_not_sent_again_once_its_block_was_left(
    server: Commands, autojump_clock: MockClock
) -> None:
    async with open_codex_client(server.transport()) as client:
        async with client.exec(["rm", "-rf", "x"]):
            (await server.held(EXEC).receive()).error(-32001, "busy")
            await wait_all_tasks_blocked()
        await trio.sleep(60)
    assert server.commands() == [EXEC]


async def test_a_command_that_is_refused_for_overload_after_its_block_was_left_is_not_sent_again(
    server: Commands, autojump_clock: MockClock
) -> None:
    async with open_codex_client(server.transport()) as client:
        with trio.move_on_after(1):
            async with client.exec(["rm", "-rf", "x"]) as process:
                call = await server.held(EXEC).receive()
                server.reply(TERMINATE, lambda _: call.error(-32001, "busy"))
                await trio.sleep_forever()
        assert trio.current_time() == 1
        await trio.sleep(60)
        with pytest.raises(CodexError, match="was not run"):
            await process.wait()
    assert server.commands() == [EXEC, TERMINATE]


async def test_a_command_that_starts_after_its_block_was_left_is_ended(
    server: Commands, autojump_clock: MockClock
) -> None:
    def end(params: dict[str, Any]) -> dict[str, Any]:
        if trio.current_time() < 2:
            raise RpcError("no active command")
        return server.end(params)

    server.reply(TERMINATE, end)
    async with open_codex_client(server.transport()) as client:
        async with client.exec(["sleep", "inf"]) as process:
            pass
        assert 2 <= trio.current_time() < 5
        assert process.returncode == 137


async def test_a_command_is_ended_past_the_line_of_waiting_calls(
    nursery: trio.Nursery, server: Commands, autojump_clock: MockClock
) -> None:
    server.hold("slow")
    async with open_codex_client(server.transport()) as client:
        async with client.exec(["sleep", "inf"]) as process:
            calling = [Background(nursery, client.request, "slow") for _ in range(AT_ONCE)]
            await wait_all_tasks_blocked()
        assert (process.returncode, trio.current_time()) == (137, 0)
        await let_go(server, calling)


async def test_a_command_that_does_not_end_is_given_up(server: Commands, autojump_clock: MockClock) -> None:
    server.reply(TERMINATE, {})
    async with open_codex_client(server.transport()) as client:
        async with client.exec(["sleep", "inf"]) as process:
            pass
        assert trio.current_time() == 5
        with trio.fail_after(1), pytest.raises(CodexError, match="whether it has is unknown"):
            await process.wait()
        assert client.statistics().requests_in_flight == 0


@pytest.mark.parametrize("is_full", [False, True], ids=["places", "no place"])
async def test_the_end_of_the_input_is_told_though_the_task_was_cancelled(
    nursery: trio.Nursery, server: Commands, is_full: bool, autojump_clock: MockClock
) -> None:
    server.hold("slow")
    async with open_codex_client(server.transport()) as client, client.exec(["sort"]) as process:
        calling = [Background(nursery, client.request, "slow") for _ in range(AT_ONCE * is_full)]
        await wait_all_tasks_blocked()
        with trio.CancelScope() as scope:
            async with process.stdin:
                scope.cancel()
        assert scope.cancelled_caught
        assert [message["params"].get("closeStdin") for message in server.received if message["method"] == WRITE] == [
            True
        ]
        await process.stdin.aclose()
        with pytest.raises(trio.ClosedResourceError):
            await process.stdin.send_all(b"x")
        assert server.commands() == [EXEC, WRITE]
        await let_go(server, calling)


def ends(server: Commands) -> int:
    """Return how many times the end of an input was received."""
    return sum("closeStdin" in message["params"] for message in server.received if message["method"] == WRITE)


@pytest.mark.parametrize("seconds", [2, 12])
async def test_the_end_of_the_input_is_told_to_a_server_that_was_overloaded(
    server: Commands, seconds: float, autojump_clock: MockClock
) -> None:
    taken: list[float] = []

    def write(params: dict[str, Any]) -> dict[str, Any]:
        if trio.current_time() < seconds:
            raise RpcError("busy", code=-32001)
        taken.append(trio.current_time())
        return {}

    server.reply(WRITE, write)
    async with open_codex_client(server.transport(), request_timeout=10) as client, client.exec(["sort"]) as process:
        if seconds > 10:
            with pytest.raises(CodexProtocolError, match="busy"):
                await process.stdin.aclose()
        await process.stdin.aclose()
        assert taken == [trio.current_time()]
        await process.stdin.aclose()
        assert len(taken) == 1


async def test_an_end_of_the_input_that_is_not_answered_is_an_error_and_is_told_again(
    server: Commands, autojump_clock: MockClock
) -> None:
    server.ignore(WRITE, times=1)
    async with open_codex_client(server.transport(), request_timeout=10) as client, client.exec(["sort"]) as process:
        with pytest.raises(CodexTimeoutError):
            await process.stdin.aclose()
        assert (trio.current_time(), ends(server)) == (10, 1)
        await process.stdin.aclose()
        await process.stdin.aclose()
        assert ends(server) == 2


async def test_a_cancelled_end_of_the_input_has_a_second_more_and_is_told_again(
    server: Commands, autojump_clock: MockClock
) -> None:
    server.ignore(WRITE, times=2)
    async with open_codex_client(server.transport()) as client, client.exec(["sort"]) as process:
        with trio.move_on_after(3) as scope:
            await process.stdin.aclose()
        assert (scope.cancelled_caught, trio.current_time(), ends(server)) == (True, 4, 2)
        await process.stdin.aclose()
        assert ends(server) == 3


async def test_the_end_of_the_input_is_not_told_to_a_command_that_has_ended(
    server: Commands, autojump_clock: MockClock
) -> None:
    async with open_codex_client(server.transport()) as client:
        async with client.exec(["sort"]) as process:
            pass
        await process.stdin.aclose()
    assert server.commands() == [EXEC, TERMINATE]


@pytest.mark.parametrize("is_cancelled", [False, True], ids=["closed", "cancelled"])
async def test_the_end_of_the_input_does_not_overtake_what_waits_to_be_written(
    nursery: trio.Nursery, server: Commands, is_cancelled: bool, autojump_clock: MockClock
) -> None:
    server.hold("slow")
    data = b"x" * 100_000  # more than one message
    async with open_codex_client(server.transport()) as client, client.exec(["sort"]) as process:
        calling = [Background(nursery, client.request, "slow") for _ in range(AT_ONCE)]
        await wait_all_tasks_blocked()
        writing = Background(nursery, process.stdin.send_all, data)
        await wait_all_tasks_blocked()
        with trio.move_on_after(0 if is_cancelled else 5) as scope:
            await process.stdin.aclose()
        assert (scope.cancelled_caught, trio.current_time()) == (True, 1 if is_cancelled else 6)
        assert server.commands() == [EXEC]
        closing = Background(nursery, process.stdin.aclose)
        await let_go(server, calling)
        await writing.result()
        await closing.result()
    said = [message["params"] for message in server.received if message["method"] == WRITE]
    assert b"".join(base64.b64decode(params["deltaBase64"]) for params in said[:-1]) == data
    assert said[-1].get("closeStdin")


@pytest.mark.parametrize("name", ["command", "processId", "streamStdin", "timeoutMs", "disableTimeout"])
async def test_a_command_takes_no_option_twice(name: str, server: Commands, autojump_clock: MockClock) -> None:
    async with open_codex_client(server.transport()) as client:
        with pytest.raises(ValueError, match=f"extra has {name}, which is given otherwise"):
            client.exec(["ls"], extra={name: 1})


def send(process: ExecProcess) -> Awaitable[object]:
    return process.stdin.send_all(b"x")


@pytest.mark.parametrize(
    "use",
    [ExecProcess.wait, ExecProcess.terminate, send, lambda process: process.stdout.receive_some()],
    ids=["wait", "terminate", "stdin", "stdout"],
)
async def test_a_command_whose_block_was_not_entered_says_so(
    use: Callable[[ExecProcess], Awaitable[object]], server: Commands, autojump_clock: MockClock
) -> None:
    async with open_codex_client(server.transport()) as client:
        with pytest.raises(RuntimeError, match="use `async with client"):
            await use(client.exec(["ls"]))
    assert server.commands() == []
