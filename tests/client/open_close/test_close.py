"""However a client ends, nothing of it is left, and what left the body leaves as itself. Real processes."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys

import pytest
import trio

from codex_trio import CodexClient, CodexProtocolError, CodexTransportError, StdioTransport, open_codex_client
from tests.support.fake_server_command import server
from tests.support.leaks import is_alive, nothing_left, wait_until

IGNORES_END_OF_INPUT = "stay_when_input_ends(); serve()"
IGNORES_ALL_BUT_SIGKILL = "signal.signal(signal.SIGTERM, signal.SIG_IGN); stay_when_input_ends(); serve()"


def pid_of(client: CodexClient) -> int:
    return int(client.server.raw["pid"])


async def closing_time(script: str, *, grace: float, before: signal.Signals | None = None) -> float:
    """Return the seconds that closing takes, with this server and this `shutdown_grace`."""
    with trio.fail_after(30), nothing_left():
        async with open_codex_client(StdioTransport(server(script), shutdown_grace=grace)) as client:
            if before is not None:
                os.kill(pid_of(client), before)
            started = trio.current_time()
        return trio.current_time() - started


# --- how the server is ended


async def test_a_server_that_ends_with_its_input_is_not_waited_for() -> None:
    assert await closing_time("serve()", grace=10) < 5


async def test_a_server_has_its_grace_to_finish(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "codex_trio.server")
    script = """
        try:
            serve()
        finally:
            time.sleep(0.3)
            complain("finished")
    """
    assert 0.3 <= await closing_time(script, grace=10) < 5
    assert [record.getMessage() for record in caplog.records if record.name == "codex_trio.server"] == ["finished"]


async def test_a_server_that_ignores_the_end_of_its_input_is_told_by_sigterm(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "codex_trio.server")
    script = f"""
        def finish(*_):
            complain("finished")
            die(0)
        signal.signal(signal.SIGTERM, finish)
        {IGNORES_END_OF_INPUT}
    """
    assert 0.2 <= await closing_time(script, grace=0.2) < 2
    assert [record.getMessage() for record in caplog.records if record.name == "codex_trio.server"] == ["finished"]


async def test_a_server_that_ignores_sigterm_too_is_killed() -> None:
    assert 0.4 <= await closing_time(IGNORES_ALL_BUT_SIGKILL, grace=0.2) < 2


async def test_a_stopped_server_is_killed() -> None:
    assert 0.4 <= await closing_time("serve()", grace=0.2, before=signal.SIGSTOP) < 2


async def test_a_server_that_no_longer_reads_is_closed_with_messages_still_unsent() -> None:
    script = "serve(until='deaf'); event('is/deaf'); time.sleep(60)"
    with trio.fail_after(20), nothing_left(), pytest.raises(ValueError, match="enough"):  # noqa: PT012  # the body is the test
        async with open_codex_client(StdioTransport(server(script), shutdown_grace=0.1)) as client:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(client.request, "deaf")
                await anext(client.notifications())
                nursery.cancel_scope.cancel()
            for _ in range(10):
                await client.notify("note", {"text": "x" * 100_000})
            raise ValueError("enough")


@pytest.mark.parametrize("end", ["", "; die(0)", "; os.kill(os.getpid(), signal.SIGKILL)"])
async def test_what_the_server_has_started_goes_with_it(end: str) -> None:
    script = f"""
        tool = subprocess.Popen([sys.executable, "-ISc", "import time; time.sleep(600)"])
        shake_hands(tool=tool.pid); serve(until="end"){end}
    """
    with trio.fail_after(20), nothing_left():
        async with open_codex_client(StdioTransport(server(script))) as client:
            tool = client.server.raw["tool"]
            assert is_alive(tool)
            await client.notify("end")
        wait_until(lambda: not is_alive(tool), lambda: "the server's child lives on")


async def test_a_daemon_that_keeps_the_pipes_open_does_not_hold_up_the_closing() -> None:
    script = "shake_hands(daemon=subprocess.Popen(['sleep', '60'], start_new_session=True).pid); serve()"
    for _ in range(5):
        with trio.fail_after(20):
            async with open_codex_client(StdioTransport(server(script))) as client:
                daemon = client.server.raw["daemon"]
                started = trio.current_time()
            assert trio.current_time() - started < 2
        os.kill(daemon, signal.SIGKILL)  # it has left the server's session, so it is nobody's


# --- how the client is left


async def test_a_normal_end_leaves_nothing() -> None:
    with trio.fail_after(20), nothing_left():
        async with open_codex_client(StdioTransport(server())) as client:
            assert (await client.chat_once("hello")).final_text == "hello"


async def test_an_exception_in_the_body_leaves_nothing_and_leaves_as_itself() -> None:
    cause, thrown = KeyError("cause"), ValueError("mine")
    with trio.fail_after(20), nothing_left(), pytest.raises(ValueError, match="mine") as caught:  # noqa: PT012  # the body is the test
        async with open_codex_client(StdioTransport(server())) as client:
            async for _ in client.chat("hang"):
                raise thrown from cause
    assert caught.value is thrown
    assert thrown.__cause__ is cause


@pytest.mark.parametrize("exception", [ValueError("mine"), KeyboardInterrupt(), SystemExit(3)], ids=repr)
async def test_an_exception_in_the_body_leaves_as_itself_while_the_server_dies(exception: BaseException) -> None:
    with trio.fail_after(20), nothing_left(), pytest.raises(type(exception)) as caught:  # noqa: PT012  # the body is the test
        async with open_codex_client(StdioTransport(server())) as client:
            os.kill(pid_of(client), signal.SIGKILL)
            raise exception
    assert caught.value is exception


async def test_an_exception_in_the_body_leaves_as_itself_after_the_server_has_died() -> None:
    with trio.fail_after(20), nothing_left(), pytest.raises(ValueError, match="mine") as caught:  # noqa: PT012  # the body is the test
        async with open_codex_client(StdioTransport(server("serve_turn(); die(1)"))) as client:
            try:
                await client.chat_once("hello")
            finally:
                raise ValueError("mine")  # as a careless clean-up does
    assert isinstance(caught.value.__context__, CodexTransportError)


async def test_the_loss_leaves_the_body_as_itself() -> None:
    with trio.fail_after(20), nothing_left(), pytest.raises(CodexTransportError, match="exited with code 1"):
        async with open_codex_client(StdioTransport(server("serve_turn(); die(1)"))) as client:
            await client.chat_once("hello")


async def test_ctrl_c_interrupts_the_turn_and_is_one_keyboard_interrupt() -> None:
    program = """
        import logging, sys, trio
        from codex_trio import StdioTransport, open_codex_client

        async def main():
            async with open_codex_client(StdioTransport(sys.argv[1:])) as client:
                async for step in client.chat("hello"):
                    print(step.text, end="", flush=True)

        logging.basicConfig(level=logging.INFO, format="%(message)s")
        trio.run(main)
    """
    script = """
        serve_turn(); say("running")
        Server().handle(serve(until="turn/interrupt")); complain("was interrupted\\n")
        serve()
    """
    lines = [line.removeprefix(" " * 8) for line in program.splitlines()]
    with trio.fail_after(30), nothing_left():
        process = await trio.lowlevel.open_process(
            [sys.executable, "-c", "\n".join(lines), *server(script)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            async with process.stdout, process.stderr:
                assert await process.stdout.receive_some() == b"running"
                os.killpg(process.pid, signal.SIGINT)  # as a terminal does
                said = b"".join([chunk async for chunk in process.stderr]).decode()
                await process.wait()
        finally:
            process.kill()
    assert process.returncode == -signal.SIGINT
    assert said.startswith("was interrupted\n")
    assert said.endswith("\nKeyboardInterrupt\n")
    assert "ExceptionGroup" not in said


# --- opening that fails


async def test_a_refused_initialize_leaves_nothing() -> None:
    script = "refuse(expect('initialize'), -32600, 'I do not know you'); serve()"
    with trio.fail_after(20), nothing_left(), pytest.raises(CodexProtocolError, match="I do not know you") as caught:
        async with open_codex_client(StdioTransport(server(script))):
            raise AssertionError("not reached")
    assert caught.value.code == -32600


@pytest.mark.parametrize("script", ["die(7)", "receive(); die(7)"])
async def test_a_server_that_exits_instead_of_answering_is_not_waited_for(script: str) -> None:
    with trio.fail_after(20), nothing_left():
        started = trio.current_time()
        with pytest.raises(CodexTransportError, match="exited with code 7") as caught:
            async with open_codex_client(StdioTransport(server(script), connect_timeout=15)):
                raise AssertionError("not reached")
    assert trio.current_time() - started < 5
    assert caught.value.returncode == 7


async def test_a_silent_server_that_ignores_sigterm_is_killed() -> None:
    script = f"signal.signal(signal.SIGTERM, signal.SIG_IGN); expect('initialize'); {IGNORES_ALL_BUT_SIGKILL}"
    with trio.fail_after(20), nothing_left():
        started = trio.current_time()
        with pytest.raises(CodexTransportError, match="connect_timeout"):
            async with open_codex_client(StdioTransport(server(script), connect_timeout=0.5, shutdown_grace=0.1)):
                raise AssertionError("not reached")
    assert trio.current_time() - started < 5


# --- `nothing_left` itself


async def test_a_process_that_is_left_is_noticed() -> None:
    with pytest.raises(AssertionError, match="child processes are left"), nothing_left():
        process = await trio.lowlevel.open_process([sys.executable, "-ISc", "input()"], stdin=subprocess.PIPE)
    assert process.stdin is not None
    await process.stdin.aclose()
    await process.wait()


async def test_a_zombie_that_is_left_is_noticed() -> None:
    with pytest.raises(AssertionError, match=r"child processes are left: {.*'Z'}"), nothing_left():  # noqa: PT012  # the zombie is born within
        process = await trio.lowlevel.open_process([sys.executable, "-ISc", ""])
        wait_until(lambda: not is_alive(process.pid), lambda: "it does not end")
    await process.wait()


async def test_a_descendant_in_another_session_is_noticed() -> None:
    script = """
        nowhere = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        shake_hands(tool=subprocess.Popen(["sleep", "60"], start_new_session=True, **nowhere).pid)
        serve()
    """
    tool = 0
    with pytest.raises(AssertionError, match="descendants are left"), nothing_left():
        async with open_codex_client(StdioTransport(server(script))) as client:
            tool = client.server.raw["tool"]
    os.kill(tool, signal.SIGKILL)


async def test_a_file_descriptor_that_is_left_is_noticed() -> None:
    with pytest.raises(AssertionError, match=r"file descriptors are left: {.*pipe"), nothing_left():
        ends = os.pipe()
    for end in ends:
        os.close(end)


async def test_a_task_that_is_left_is_noticed(nursery: trio.Nursery) -> None:
    with pytest.raises(AssertionError, match="Trio tasks are left"), nothing_left():
        nursery.start_soon(trio.sleep_forever)
    nursery.cancel_scope.cancel()
