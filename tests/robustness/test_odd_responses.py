"""Whatever the server answers, a call returns, or raises an error of ours; and the client is as good as before."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterable, Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import pytest
import trio
from hypothesis import HealthCheck, given, settings
from trio.testing import MockClock, wait_all_tasks_blocked

from codex_trio import CodexClient, CodexError, CodexThread, open_codex_client
from codex_trio.testing import RpcError, ScriptedAppServer, hang, omit_completed, say, think, wait
from tests.support.mutations import Oddity, oddities
from tests.support.quiet_turns import go_quiet

spoiling = settings(
    max_examples=10,  # of each
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

# What the scripted server does not do is answered so, as codex 0.169 does.
ANSWERS: Mapping[str, Any] = {
    "model/list": {"data": [{"id": "m", "displayName": "M", "supportedReasoningEfforts": [], "isDefault": True}]},
    "account/read": {"account": {"type": "chatgpt", "email": "a@b", "planType": "pro"}, "requiresOpenaiAuth": True},
    "account/login/start": {"type": "chatgpt", "loginId": "1", "authUrl": "http://localhost/login"},
    "config/read": {"config": {"model": "m"}, "origins": {}},
    "config/value/write": {"status": "ok", "version": "1", "filePath": "/x"},
    "thread/revert": {"thread": {"id": "t"}},
    "thread/backgroundTerminals/clean": {},
    "command/exec": {"exitCode": 0, "stdout": "", "stderr": ""},
    "review/start": {"turn": {"id": "turn", "status": "inProgress"}, "reviewThreadId": "t"},
    "thread/compact/start": {},
    "thread/shellCommand": {},
}

Call = Callable[[CodexClient, ScriptedAppServer, CodexThread], Awaitable[object]]


async def all_of(entries: AsyncIterable[object]) -> list[object]:
    return [entry async for entry in entries]


async def run_command(client: CodexClient, server: ScriptedAppServer, thread: CodexThread) -> None:
    async with client.exec(["ls"]) as process:
        await process.wait()


async def log_in(client: CodexClient, server: ScriptedAppServer, thread: CodexThread) -> None:
    async with await client.login_chatgpt() as login:
        assert login.url


async def not_hear_of_the_end(client: CodexClient, server: ScriptedAppServer, thread: CodexThread) -> None:
    server.on_turn(think("hm"), say("so far"), omit_completed())
    await thread.chat_once("hello", inactivity_timeout=60)


async def look_up_the_end(client: CodexClient, server: ScriptedAppServer, thread: CodexThread) -> None:
    server.fail_next("thread/turns/list", code=-32600, message="no such method", times=None)
    await not_hear_of_the_end(client, server, thread)


async def stop_at_once(client: CodexClient, server: ScriptedAppServer, thread: CodexThread) -> None:
    server.on_turn(say("so far"), hang())
    async with thread.chat("hello") as stream:
        await anext(stream)


async def interrupt_another(client: CodexClient, server: ScriptedAppServer, thread: CodexThread) -> None:
    await thread.interrupt()


async def take_up(client: CodexClient, server: ScriptedAppServer, thread: CodexThread) -> None:
    server.on_turn(think("hm"), wait(20), say("done"))
    async with open_codex_client(server.transport()) as other:
        continuation = await go_quiet(other, timeout=5)
    await client.chat_once(continuation=continuation, inactivity_timeout=60)


async def cancel_anothers(client: CodexClient, server: ScriptedAppServer, thread: CodexThread) -> None:
    server.on_turn(think("hm"), hang())
    async with open_codex_client(server.transport()) as other:
        continuation = await go_quiet(other, timeout=5)
    await client.cancel(continuation)


async def lose_a_turn(client: CodexClient, server: ScriptedAppServer, thread: CodexThread) -> None:
    server.on_turn(think("hm"), wait(20), say("done"))
    stream = thread.chat("hello", inactivity_timeout=60)
    await anext(stream)
    server.connection.drop()
    await all_of(stream)


async def lose_a_call(client: CodexClient, server: ScriptedAppServer, thread: CodexThread) -> None:
    server.on_turn(say("so far"), hang())
    server.hold("turn/start")
    async with trio.open_nursery() as nursery:

        async def call() -> None:
            with suppress(CodexError):
                await thread.chat_once("hello")

        nursery.start_soon(call)
        held = await server.held("turn/start").receive()
        held.connection.pause_writing()
        held.proceed()
        held.connection.discard_queued()
        held.connection.drop()
    server.release("turn/start")
    await trio.sleep(30)


async def lose_the_connection(client: CodexClient, server: ScriptedAppServer, thread: CodexThread) -> None:
    server.connection.drop()
    await wait_all_tasks_blocked()
    await client.request("thread/list")


CALLS: list[tuple[str, Call]] = [
    ("thread/start", lambda client, server, thread: client.start_thread()),
    ("thread/start", lambda client, server, thread: client.chat_once("hello", inactivity_timeout=5)),
    ("turn/start", lambda client, server, thread: thread.chat_once("hello", inactivity_timeout=5)),
    ("turn/start", lambda client, server, thread: all_of(client.stream("hello", inactivity_timeout=5))),
    ("thread/resume", lambda client, server, thread: client.resume_thread(thread.id)),
    ("thread/fork", lambda client, server, thread: thread.fork()),
    ("thread/read", lambda client, server, thread: thread.read()),
    ("thread/turns/list", lambda client, server, thread: all_of(thread.turns())),
    ("thread/items/list", lambda client, server, thread: all_of(thread.items())),
    ("thread/list", lambda client, server, thread: all_of(client.threads())),
    ("model/list", lambda client, server, thread: all_of(client.models())),
    ("account/read", lambda client, server, thread: client.account()),
    ("account/login/start", log_in),
    ("config/read", lambda client, server, thread: client.read_config()),
    ("config/value/write", lambda client, server, thread: client.write_config("model", "m")),
    ("thread/name/set", lambda client, server, thread: thread.rename("a name")),
    ("thread/archive", lambda client, server, thread: thread.archive()),
    ("thread/unsubscribe", lambda client, server, thread: thread.unsubscribe()),
    ("thread/revert", lambda client, server, thread: thread.revert("turn")),
    ("thread/delete", lambda client, server, thread: thread.delete()),
    ("thread/backgroundTerminals/clean", lambda client, server, thread: thread.stop_terminals()),
    ("turn/steer", lambda client, server, thread: thread.steer("more")),
    ("review/start", lambda client, server, thread: thread.review("uncommitted", inactivity_timeout=5)),
    ("thread/compact/start", lambda client, server, thread: thread.compact(inactivity_timeout=5)),
    ("thread/shellCommand", lambda client, server, thread: thread.shell("ls", inactivity_timeout=5)),
    ("command/exec", run_command),
    ("thread/turns/list", interrupt_another),
    ("turn/interrupt", stop_at_once),
    ("thread/turns/list", not_hear_of_the_end),
    ("thread/read", look_up_the_end),
    *((method, take_up) for method in ("thread/resume", "thread/turns/list", "thread/items/list")),
    *((method, cancel_anothers) for method in ("thread/resume", "thread/turns/list", "thread/items/list")),
    *((method, lose_a_turn) for method in ("initialize", "thread/resume", "thread/turns/list", "thread/items/list")),
    *((method, lose_a_call) for method in ("initialize", "thread/items/list", "thread/resume", "thread/turns/list")),
    *((method, lose_the_connection) for method in ("initialize", "thread/resume")),
]


def spoil(server: ScriptedAppServer, method: str, changes: list[Oddity]) -> None:
    """Let every answer to a method be an odd one."""

    def answer(params: dict[str, Any]) -> Any:
        if method in ANSWERS:
            result: Any = ANSWERS[method]
        else:
            try:
                result = server.handle(method, params)
            except (TypeError, ValueError) as exc:  # an odd cursor came back to it
                raise RpcError(f"invalid cursor: {exc}") from exc
        result = copy.deepcopy(result)
        for change in changes:
            result = change.apply(result)
        return result

    server.reply(method, answer)


@pytest.mark.extended
@pytest.mark.parametrize(("method", "call"), CALLS)
@spoiling
@given(changes=oddities())
def test_an_odd_answer_is_no_more_than_an_error_of_ours(method: str, call: Call, changes: list[Oddity]) -> None:
    async def converse() -> None:
        async with trio.open_nursery() as nursery:
            server = ScriptedAppServer(nursery)
            for name, answer in ANSWERS.items():
                server.reply(name, answer)
            with trio.fail_after(3_600):
                async with open_codex_client(server.transport(), reconnect=True, experimental_api=True) as client:
                    thread = await client.start_thread()
                    await thread.chat_once("hello")
                    spoil(server, method, changes)
                    with suppress(CodexError):
                        await call(client, server, thread)
                    server.reset(method)
                    assert (await client.chat_once("hello")).final_text == "ok"
            nursery.cancel_scope.cancel()

    trio.run(converse, clock=MockClock(autojump_threshold=0))


@settings(spoiling, max_examples=50)
@given(oddities())
def test_an_odd_greeting_is_no_reason_not_to_talk(changes: list[Oddity]) -> None:
    async def converse() -> None:
        server = ScriptedAppServer()
        spoil(server, "initialize", changes)
        async with open_codex_client(server.transport()) as client:
            assert (await client.chat_once("hello")).final_text == "ok"

    trio.run(converse, clock=MockClock(autojump_threshold=0))


@pytest.mark.parametrize(("method", "call"), CALLS)
async def test_the_answers_of_a_server_as_it_is_are_no_odd_ones(
    method: str, call: Call, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = ScriptedAppServer(nursery)
    for name, answer in ANSWERS.items():
        server.reply(name, answer)
    async with open_codex_client(server.transport(), reconnect=True, experimental_api=True) as client:
        thread = await client.start_thread()
        await thread.chat_once("hello")
        with suppress(CodexError):  # a turn that the answer promises does not come
            await call(client, server, thread)
        assert method in server.received_methods()
    nursery.cancel_scope.cancel()
