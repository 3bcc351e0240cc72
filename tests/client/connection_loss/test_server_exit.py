"""The server goes away: who waits learns it at once, with the reason; what came before is delivered. Real processes."""

from __future__ import annotations

import os
import random
import signal
import time
import traceback
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from codex_trio import CodexClient, CodexTransportError, CodexTurnInactiveError, StdioTransport, open_codex_client
from tests.support.fake_server_command import server
from tests.support.leaks import is_alive, nothing_left, wait_until

DIES = "complain('I am dying'); "
ENDS = [
    pytest.param(DIES + "die(3)", 3, id="exits with an error"),
    pytest.param(DIES + "die(0)", 0, id="exits with success"),
    pytest.param(DIES + "os.kill(os.getpid(), signal.SIGKILL)", -9, id="is killed"),
    pytest.param(DIES + "os.close(1); sys.stdin.read()", None, id="closes its output and lives"),
]


@contextmanager
def at_once() -> Iterator[None]:
    """Fail if the body takes long; a lost server is noticed within the grace times, which are below a second."""
    started = trio.current_time()
    yield
    assert trio.current_time() - started < 2


async def loss(call: Awaitable[object]) -> CodexTransportError:
    """Wait for a call to fail for the loss of the server, and return its error."""
    with pytest.raises(CodexTransportError) as caught:
        await call
    return caught.value


def pid_of(client: CodexClient) -> int:
    return int(client.server.raw["pid"])


# --- one call


@pytest.mark.parametrize(("end", "code"), ENDS)
async def test_a_pending_request_learns_of_it(end: str, code: int | None) -> None:
    with trio.fail_after(20), nothing_left():
        async with open_codex_client(StdioTransport(server(f"serve(until='end'); {end}"))) as client:
            with at_once():
                error = await loss(client.request("end"))
    assert error.returncode == code
    assert error.stderr_tail == "I am dying"
    assert "I am dying" in str(error)
    assert error.continuation is None


@pytest.mark.parametrize(("end", "code"), ENDS)
async def test_a_turn_yields_what_came_before_and_then_the_error(end: str, code: int | None) -> None:
    with trio.fail_after(20), nothing_left():
        async with open_codex_client(StdioTransport(server(f"serve_turn(); say('one'); say('two'); {end}"))) as client:
            stream = client.chat("hello")
            with at_once():
                steps = [await anext(stream), await anext(stream)]
                error = await loss(anext(stream))
    assert [step.text for step in steps] == ["one", "two"]
    assert error.returncode == code
    assert error.stderr_tail == "I am dying"


@pytest.mark.parametrize(("end", "code"), ENDS)
async def test_a_later_call_learns_of_it(end: str, code: int | None) -> None:
    with trio.fail_after(20), nothing_left():
        async with open_codex_client(StdioTransport(server(f"serve(until='end'); {end}"))) as client:
            await loss(client.request("end"))
            with at_once():
                for call in (client.request("echo"), client.chat_once("hello"), client.notify("note")):
                    error = await loss(call)
                    assert (error.returncode, error.stderr_tail) == (code, "I am dying")
                for begin in (lambda: client.chat("hello"), client.notifications):
                    with pytest.raises(CodexTransportError, match="I am dying"):
                        begin()


async def test_the_message_says_how_the_process_ended() -> None:
    said = []
    with trio.fail_after(30), nothing_left():
        for end in ("die(3)", "os.kill(os.getpid(), signal.SIGTERM)", "os.close(1); sys.stdin.read()"):
            async with open_codex_client(StdioTransport(server(f"serve(until='end'); {end}"))) as client:
                said.append(str(await loss(client.request("end"))))
    assert "its output ended and it exited with code 3" in said[0]
    assert "its output ended and it was killed by signal 15" in said[1]
    assert "its output ended; its process is still running" in said[2]


async def test_a_broken_turn_has_its_continuation() -> None:
    with trio.fail_after(20), nothing_left():
        async with open_codex_client(StdioTransport(server("serve_turn(); say('one'); die(1)"))) as client:
            stream = client.chat("hello")
            await anext(stream)
            error = await loss(anext(stream))
    assert error.continuation is not None
    assert (error.continuation.thread_id, error.continuation.turn_id) == ("t1", "u2")
    assert error.continuation.mode == "chat"
    assert error.continuation.seen == ("said one",)


async def test_a_broken_chat_once_has_a_continuation_that_has_seen_nothing() -> None:
    with trio.fail_after(20), nothing_left():
        async with open_codex_client(StdioTransport(server("serve_turn(); say('one'); die(1)"))) as client:
            error = await loss(client.chat_once("hello"))
    assert error.continuation is not None
    assert (error.continuation.mode, error.continuation.seen) == ("chat_once", ())


async def test_a_turn_start_without_an_answer_has_no_continuation() -> None:
    with trio.fail_after(20), nothing_left():
        async with open_codex_client(StdioTransport(server("serve(until='turn/start'); die(1)"))) as client:
            error = await loss(client.chat_once("hello"))
    assert error.returncode == 1
    assert error.continuation is None


# --- what came just before


@pytest.mark.parametrize("end", ["die(0)", "os.kill(os.getpid(), signal.SIGKILL)", "os.close(1); sys.stdin.read()"])
async def test_a_response_written_just_before_the_end_wins(end: str) -> None:
    with trio.fail_after(30), nothing_left():
        for _ in range(3):
            script = f"request = serve(until='last'); answer(request, 'done'); {end}"
            async with open_codex_client(StdioTransport(server(script))) as client:
                assert await client.request("last") == "done"


@pytest.mark.parametrize("end", ["die(0)", "os.kill(os.getpid(), signal.SIGKILL)", "os.close(1); sys.stdin.read()"])
async def test_a_turn_completed_just_before_the_end_wins(end: str) -> None:
    with trio.fail_after(30), nothing_left():
        for _ in range(3):
            script = f"serve_turn(); say('done'); end_turn(); {end}"
            async with open_codex_client(StdioTransport(server(script))) as client:
                assert (await client.chat_once("hello")).final_text == "done"


async def test_a_mebibyte_written_just_before_the_end_is_read() -> None:
    script = "request = serve(until='last'); answer(request, 'x' * 2**20); die(0)"
    with trio.fail_after(20), nothing_left():
        async with open_codex_client(StdioTransport(server(script))) as client:
            assert len(await client.request("last")) == 2**20


# --- many who wait


async def test_everybody_who_waits_gets_an_error_of_its_own() -> None:
    errors: list[CodexTransportError] = []

    async def wait_for(call: Awaitable[object]) -> None:
        errors.append(await loss(call))

    with trio.fail_after(20), nothing_left():
        async with open_codex_client(StdioTransport(server())) as client:
            stream = client.chat("hang")
            await anext(stream)
            with pytest.raises(CodexTurnInactiveError) as inactive:
                await client.chat_once("hang", inactivity_timeout=0.1)
            notifications = client.notifications()
            os.kill(pid_of(client), signal.SIGSTOP)  # from here on, nothing is answered
            with at_once():
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(wait_for, anext(stream))
                    nursery.start_soon(wait_for, client.cancel(inactive.value.continuation))
                    nursery.start_soon(wait_for, anext(notifications))
                    nursery.start_soon(wait_for, client.chat_once("another"))
                    for _ in range(100):  # more than may be in flight
                        nursery.start_soon(wait_for, client.request("echo"))
                    await wait_all_tasks_blocked(0.01)
                    os.kill(pid_of(client), signal.SIGKILL)
    assert len(errors) == len({id(error) for error in errors}) == 104
    assert {error.returncode for error in errors} == {-9}


async def test_tracebacks_do_not_grow_with_the_number_of_calls() -> None:
    with trio.fail_after(20), nothing_left():
        async with open_codex_client(StdioTransport(server("serve(until='end'); die(1)"))) as client:
            await loss(client.request("end"))
            errors = [await loss(client.request("echo")) for _ in range(50)]
    assert len({id(error) for error in errors}) == 50
    assert len({len(traceback.format_exception(error)) for error in errors}) == 1


SWALLOWS_A_TURN_START = "serve(until='turn/start'); event('turn/swallowed'); serve(until='end'); die(1)"


async def cancel_unanswered_turn_start(client: CodexClient) -> str:
    """Let the server take a `turn/start` that it never answers, cancel the caller, and return the thread."""
    thread_id = str((await client.request("thread/start"))["thread"]["id"])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.chat_once, "cancelled", thread_id)
        await anext(client.notifications())
        nursery.cancel_scope.cancel()
    return thread_id


async def test_a_chat_that_waits_for_its_thread_learns_of_it() -> None:
    with trio.fail_after(10), nothing_left():
        async with open_codex_client(StdioTransport(server(SWALLOWS_A_TURN_START))) as client:
            thread_id = await cancel_unanswered_turn_start(client)
            with at_once():
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(loss, client.chat_once("waits until the first is off the thread", thread_id))
                    await wait_all_tasks_blocked(0.01)
                    await loss(client.request("end"))


async def test_a_call_that_pauses_after_a_refusal_for_overload_learns_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", lambda low, high: 100.0)  # a pause of five seconds
    script = "request = serve(until='busy'); refuse(request, -32001, 'overloaded'); serve(until='end'); die(1)"
    with trio.fail_after(20), nothing_left():
        async with open_codex_client(StdioTransport(server(script))) as client:
            with at_once():
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(loss, client.request("busy"))
                    await wait_all_tasks_blocked(0.01)
                    await loss(client.request("end"))


# --- other ways to be lost


async def test_a_wrapper_is_killed_and_its_child_goes_with_it() -> None:
    errors: list[CodexTransportError] = []

    async def wait_for(call: Awaitable[object]) -> None:
        errors.append(await loss(call))

    wrapper = """
        subprocess.run([*sys.orig_argv[:-1], "stay_when_input_ends(); shake_hands(wrapper=os.getppid()); serve()"])
    """
    with trio.fail_after(20), nothing_left():
        async with open_codex_client(StdioTransport(server(wrapper), shutdown_grace=0.2)) as client:
            with at_once():
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(wait_for, client.request("hang"))
                    await wait_all_tasks_blocked(0.01)
                    os.kill(int(client.server.raw["wrapper"]), signal.SIGKILL)
            child = pid_of(client)
            wait_until(lambda: not is_alive(child), lambda: "the wrapper's child lives on")
    assert errors[0].returncode == -9


DAEMON = "daemon = subprocess.Popen(['sleep', '60'], start_new_session=True).pid; "


async def test_a_daemon_that_keeps_the_output_open_does_not_hide_the_loss() -> None:
    script = f"{DAEMON}shake_hands(daemon=daemon); receive()"
    with trio.fail_after(20):
        async with open_codex_client(StdioTransport(server(script))) as client:
            with at_once():
                error = await loss(client.request("hang"))
            os.kill(client.server.raw["daemon"], signal.SIGKILL)
    assert error.returncode == 0


async def test_what_came_before_the_end_is_read_however_late_although_a_daemon_keeps_the_output_open() -> None:
    burst = "expect('burst'); [say('x' * 4_500 + str(n)) for n in range(100)]; event('daemon', pid=daemon)"
    end = "send_bytes(json.dumps({'method': 'end', 'params': {}}).encode()); die(0)"  # without a line feed
    script = f"{DAEMON}serve_turn(); say('one'); {burst}; {end}"
    with trio.fail_after(30):
        async with open_codex_client(StdioTransport(server(script))) as client:
            notifications, stream = client.notifications(), client.chat("hello")
            await anext(stream)
            await client.notify("burst")
            for number in range(100):
                if number < 2:
                    time.sleep(0.7)  # noqa: ASYNC251  a program that holds up everybody, the reader among them
                assert (await anext(stream)).text == "x" * 4_500 + str(number)
            os.kill((await anext(notifications)).params["pid"], signal.SIGKILL)
            assert (await anext(notifications)).method == "end"
            await loss(anext(stream))


async def test_nothing_is_sent_to_a_number_that_may_be_somebody_elses_by_now(monkeypatch: pytest.MonkeyPatch) -> None:
    signalled: list[str] = []
    with trio.fail_after(20), nothing_left():
        async with open_codex_client(StdioTransport(server("serve(until='end'); die(1)"))) as client:
            await loss(client.request("end"))
            for name in ("kill", "killpg"):
                monkeypatch.setattr(os, name, lambda number, _, name=name: signalled.append(f"{name} {number}"))
    assert signalled == []


async def test_the_server_closes_its_input_and_keeps_its_output() -> None:
    script = "serve(until='deaf'); os.close(0); event('is/deaf'); time.sleep(60)"
    with trio.fail_after(20), nothing_left():
        async with open_codex_client(StdioTransport(server(script), shutdown_grace=0.1)) as client:
            pending = []

            async def wait() -> None:
                pending.append(await loss(client.request("deaf")))

            async with trio.open_nursery() as nursery:
                nursery.start_soon(wait)
                await anext(client.notifications())
                with at_once():
                    error = await loss(client.request("echo"))
    assert "it no longer reads its input; its process is still running" in str(error)
    assert [type(error.__cause__) for error in (error, *pending)] == [trio.BrokenResourceError] * 2


async def test_an_answer_is_still_read_from_a_server_that_has_closed_its_input() -> None:
    answers = []
    script = """
        request = serve(until="deaf"); os.close(0); event("is/deaf")
        time.sleep(0.3); answer(request, "late"); die(4)
    """
    with trio.fail_after(20), nothing_left():
        async with open_codex_client(StdioTransport(server(script))) as client:

            async def ask() -> None:
                answers.append(await client.request("deaf"))

            async with trio.open_nursery() as nursery:
                nursery.start_soon(ask)
                await anext(client.notifications())
                error = await loss(client.request("echo"))
    assert answers == ["late"]
    assert error.returncode == 4


async def test_a_stream_of_notifications_yields_what_came_before_and_then_the_error() -> None:
    script = "shake_hands(); event('one/event', n=1); event('one/event', n=2); serve(until='end'); die(5)"
    with trio.fail_after(20), nothing_left():
        async with open_codex_client(StdioTransport(server(script))) as client:
            stream = client.notifications()
            await loss(client.request("end"))
            assert [(await anext(stream)).params["n"] for _ in range(2)] == [1, 2]
            errors = [await loss(anext(stream)) for _ in range(2)]
    assert [error.returncode for error in errors] == [5, 5]
    assert errors[0] is not errors[1]


async def test_the_client_closes_at_once_after_the_loss() -> None:
    with trio.fail_after(20), nothing_left():
        async with open_codex_client(StdioTransport(server("serve_turn(); die(1)"))) as client:
            await loss(client.chat_once("hello"))
            started = trio.current_time()
        assert trio.current_time() - started < 1


async def test_the_client_closes_at_once_although_a_cancelled_turn_was_never_answered() -> None:
    with trio.fail_after(20), nothing_left():
        async with open_codex_client(StdioTransport(server(SWALLOWS_A_TURN_START))) as client:
            await cancel_unanswered_turn_start(client)
            await loss(client.request("end"))
            started = trio.current_time()
        assert trio.current_time() - started < 1
