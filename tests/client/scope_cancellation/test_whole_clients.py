"""Clients that are cancelled at any moment, and clients in a nursery of the caller's. Real processes, the real clock."""

from __future__ import annotations

import os
import signal

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from codex_trio import (
    CodexClient,
    CodexProtocolError,
    CodexTransportError,
    StdioTransport,
    connect_codex_client,
    open_codex_client,
)
from tests.support.fake_server_command import server
from tests.support.leaks import is_alive, nothing_left, wait_until

IGNORES_END_OF_INPUT = "stay_when_input_ends(); serve()"
IGNORES_ALL_BUT_SIGKILL = "signal.signal(signal.SIGTERM, signal.SIG_IGN); stay_when_input_ends(); serve()"


def pid_of(client: CodexClient) -> int:
    return int(client.server.raw["pid"])


# --- cancelled

TALKS_UNTIL_INTERRUPTED = """
    import select
    serve_turn()
    while not select.select([0], [], [], 0.001)[0]:
        say("something")
    serve()
"""


class CancelAfter(trio.abc.Instrument):
    """Cancels a scope when the tasks of this run have made so many steps."""

    def __init__(self, scope: trio.CancelScope, steps: int) -> None:
        self._scope = scope
        self._left = steps

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self._left -= 1
        if self._left == 0:
            self._scope.cancel()


@pytest.mark.extended
@pytest.mark.parametrize("steps", range(1, 61, 3))
@pytest.mark.parametrize("form", ["own nursery", "caller's nursery"])
async def test_a_client_cancelled_at_any_point_leaves_nothing(steps: int, form: str) -> None:
    """The points lie from before the process exists (steps 1 to 4) to the middle of the turn (40 and later)."""
    transport = StdioTransport(server(TALKS_UNTIL_INTERRUPTED))
    with trio.fail_after(20), nothing_left(), trio.CancelScope() as scope:
        instrument = CancelAfter(scope, steps)
        trio.lowlevel.add_instrument(instrument)
        try:
            if form == "own nursery":
                async with open_codex_client(transport) as client:
                    await client.chat_once("hello")
            else:
                async with trio.open_nursery() as nursery:
                    client = await connect_codex_client(nursery, transport)
                    await client.chat_once("hello")
        finally:
            trio.lowlevel.remove_instrument(instrument)
    assert scope.cancelled_caught


@pytest.mark.extended
@pytest.mark.parametrize("seconds", [0, 0.001, 0.003, 0.01, 0.02, 0.03, 0.05, 0.1])
async def test_a_client_whose_deadline_passes_while_it_opens_leaves_nothing(seconds: float) -> None:
    with trio.fail_after(20), nothing_left():
        with trio.move_on_after(seconds) as scope:
            async with open_codex_client(StdioTransport(server("expect('initialize'); serve()"))):
                raise AssertionError("not reached")
    assert scope.cancelled_caught


async def test_a_start_cancelled_before_the_process_exists_leaves_nothing() -> None:
    with trio.fail_after(20), nothing_left(), trio.CancelScope() as scope:
        scope.cancel()
        async with open_codex_client(StdioTransport(server())):
            raise AssertionError("not reached")


async def test_closing_goes_on_when_it_is_cancelled() -> None:
    with trio.fail_after(20), nothing_left():
        with trio.CancelScope() as scope:
            async with open_codex_client(StdioTransport(server(IGNORES_ALL_BUT_SIGKILL), shutdown_grace=0.2)):
                scope.deadline = trio.current_time() + 0.1  # in the middle of the first grace time
        assert trio.current_time() >= scope.deadline + 0.3


async def test_an_exception_in_a_cancelled_body_is_not_lost() -> None:
    with trio.fail_after(20), nothing_left(), pytest.raises(ValueError, match="mine"), trio.CancelScope() as scope:  # noqa: PT012  # the body is the test
        async with open_codex_client(StdioTransport(server())):
            scope.cancel()
            raise ValueError("mine")


# --- in the caller's nursery


async def test_a_client_started_by_hand_works_until_it_is_closed() -> None:
    with trio.fail_after(20), nothing_left():
        async with trio.open_nursery() as nursery:
            client = CodexClient.connect_stdio(command=server())
            await client.start(nursery)
            assert (await client.chat_once("hello")).final_text == "hello"
            pid = pid_of(client)
            await client.close()
            assert not is_alive(pid)
            with pytest.raises(CodexTransportError, match="this client was closed"):
                await client.request("echo")


async def test_start_and_close_are_idempotent() -> None:
    with trio.fail_after(20), nothing_left():
        async with trio.open_nursery() as nursery:
            client = CodexClient.connect_stdio(command=server())
            for _ in range(3):
                await client.start(nursery)
            pid = pid_of(client)
            assert await client.request("echo") == {}
            assert pid_of(client) == pid
            for _ in range(3):
                await client.close()
                await client.aclose()


async def test_a_client_started_by_two_tasks_has_one_server() -> None:
    with trio.fail_after(20), nothing_left():
        async with trio.open_nursery() as nursery:
            client = CodexClient.connect_stdio(command=server())
            pids = []

            async def start() -> None:
                await client.start(nursery)
                pids.append(pid_of(client))

            async with trio.open_nursery() as starters:
                starters.start_soon(start)
                starters.start_soon(start)
            await client.close()
    assert len(pids) == 2
    assert len(set(pids)) == 1


async def test_closing_a_client_that_was_never_started_does_nothing() -> None:
    with trio.fail_after(20), nothing_left():
        client = CodexClient.connect_stdio(command=server())
        await client.close()
        await client.aclose()


async def test_a_failed_start_raises_in_place_and_the_nursery_goes_on() -> None:
    script = "refuse(expect('initialize'), -32600, 'I do not know you'); serve()"
    with trio.fail_after(20), nothing_left():
        async with trio.open_nursery() as nursery:
            client = CodexClient.connect_stdio(command=server(script))
            with pytest.raises(CodexProtocolError, match="I do not know you"):
                await client.start(nursery)
            with pytest.raises(CodexTransportError, match="could not be opened"):
                await client.start(nursery)
            await client.close()


async def test_a_cancelled_start_leaves_the_callers_nursery_alone() -> None:
    with trio.fail_after(20), nothing_left():
        async with trio.open_nursery() as nursery:
            with nothing_left(), trio.move_on_after(0.1) as scope:
                await CodexClient.connect_stdio(command=server("expect('initialize'); serve()")).start(nursery)
            assert scope.cancelled_caught
            assert not nursery.cancel_scope.cancel_called
            client = await connect_codex_client(nursery, StdioTransport(server()))
            assert await client.request("echo") == {}
            await client.close()


async def test_a_cancelled_close_goes_on_and_can_be_waited_for_again() -> None:
    with trio.fail_after(20), nothing_left():
        async with trio.open_nursery() as nursery:
            client = CodexClient.connect_stdio(command=server(IGNORES_ALL_BUT_SIGKILL), shutdown_grace=0.2)
            await client.start(nursery)
            pid = pid_of(client)
            with trio.move_on_after(0.05) as scope:
                await client.close()
            assert scope.cancelled_caught
            assert is_alive(pid)
            await client.close()
            assert not is_alive(pid)


async def test_a_cancelled_close_goes_on_by_itself() -> None:
    with trio.fail_after(20), nothing_left():
        async with trio.open_nursery() as nursery:
            client = CodexClient.connect_stdio(command=server(IGNORES_END_OF_INPUT), shutdown_grace=0.1)
            await client.start(nursery)
            with trio.move_on_after(0.05):
                await client.close()


async def test_two_tasks_may_close_at_the_same_time() -> None:
    with trio.fail_after(20), nothing_left():
        async with trio.open_nursery() as nursery:
            client = await connect_codex_client(nursery, StdioTransport(server()))
            nursery.start_soon(client.close)
            nursery.start_soon(client.close)


async def test_closing_within_a_turn_is_an_error_in_the_call_that_waits() -> None:
    errors = []
    with trio.fail_after(20), nothing_left():
        async with trio.open_nursery() as nursery:
            client = await connect_codex_client(nursery, StdioTransport(server()))

            async def ask() -> None:
                with pytest.raises(CodexTransportError, match="this client was closed") as caught:
                    await client.request("hang")
                errors.append(caught.value)

            nursery.start_soon(ask)
            await wait_all_tasks_blocked(0.01)
            await client.close()
    assert len(errors) == 1


@pytest.mark.parametrize("script", ["serve()", IGNORES_END_OF_INPUT, IGNORES_ALL_BUT_SIGKILL])
async def test_cancelling_the_nursery_closes_the_client(script: str) -> None:
    with trio.fail_after(20), nothing_left():
        async with trio.open_nursery() as nursery:
            client = await connect_codex_client(nursery, StdioTransport(server(script), shutdown_grace=0.1))
            pid = pid_of(client)
            stream = client.chat("hang")
            await anext(stream)
            nursery.cancel_scope.cancel()
        assert not is_alive(pid)


async def test_cancelling_the_nursery_ends_what_the_server_has_started() -> None:
    script = """
        tool = subprocess.Popen([sys.executable, "-ISc", "import time; time.sleep(600)"])
        shake_hands(tool=tool.pid); serve()
    """
    with trio.fail_after(20), nothing_left():
        async with trio.open_nursery() as nursery:
            client = await connect_codex_client(nursery, StdioTransport(server(script)))
            tool = client.server.raw["tool"]
            nursery.cancel_scope.cancel()
        wait_until(lambda: not is_alive(tool), lambda: "the server's child lives on")


async def test_a_crash_in_the_callers_nursery_closes_the_client() -> None:
    with trio.fail_after(20), nothing_left(), pytest.RaisesGroup(pytest.RaisesExc(ValueError, match="mine")):
        async with trio.open_nursery() as nursery:
            client = await connect_codex_client(nursery, StdioTransport(server()))
            assert is_alive(pid_of(client))
            raise ValueError("mine")


async def test_a_server_that_dies_by_itself_does_not_crash_the_callers_nursery() -> None:
    with trio.fail_after(20), nothing_left():
        async with trio.open_nursery() as nursery:
            client = await connect_codex_client(nursery, StdioTransport(server()))
            os.kill(pid_of(client), signal.SIGKILL)
            with pytest.raises(CodexTransportError, match="killed by signal 9"):
                await client.request("hang")
            await client.aclose()
