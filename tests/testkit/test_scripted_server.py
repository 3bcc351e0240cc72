"""The scripted app-server against what recorded sessions of codex show, driven through its transport by hand."""

from __future__ import annotations

import gc
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from codex_trio.errors import CodexTransportError
from codex_trio.testing._app_server.connection import PendingServerRequest
from codex_trio.testing._app_server.server import ScriptedAppServer
from codex_trio.testing._app_server.turn_player import TurnPlayer
from codex_trio.testing._script import (
    ask_server_request,
    drop_connection,
    exit,  # noqa: A004  a process exits
    fail,
    hang,
    omit_completed,
    raw,
    retry,
    run,
    say,
    think,
    wait,
)
from codex_trio.testing._steps import Step
from codex_trio.testing._wire_shapes import RpcError
from tests.support.raw_client import HELLO, Message, RawClient, names
from tests.support.versions import NEWEST

UNKNOWN = "01a2061e-99c0-74f0-b2d6-3710637b248c"
NEWS_OF_A_TURN = ["thread/status/changed", "thread/readState/changed", "thread/status/changed"]


class Server(ScriptedAppServer):
    """The server of a test, and the nursery for its connections."""

    def __init__(self, tasks: trio.Nursery, *, survives: bool = False) -> None:
        super().__init__(tasks if survives else None)
        self.tasks = tasks

    async def connect(self, capabilities: Message | None = None) -> RawClient:
        peer = RawClient(self.transport())
        await peer.transport.open(self.tasks)
        await peer.result("initialize", **HELLO, capabilities=capabilities)
        await peer.until("remoteControl/status/changed")
        return peer

    async def stage(self, *steps: Step) -> tuple[RawClient, str]:
        """Return a client and a thread of its own, whose next turn does `steps`."""
        if steps:
            self.on_turn(*steps)
        peer = await self.connect()
        return peer, await peer.start_thread()


@pytest.fixture
async def server(nursery: trio.Nursery) -> Server:
    return Server(nursery)


async def test_handshake_is_refused_and_granted_as_by_the_real_server(
    server: Server, autojump_clock: MockClock
) -> None:
    peer = RawClient(server.transport())
    await peer.transport.open(server.tasks)
    assert await peer.refusal("thread/list") == (-32600, "Not initialized")
    await peer.send({"id": "x", "method": "initialize"})
    assert (await peer.next())["error"]["message"] == "Invalid request: missing field `params`"
    assert await peer.refusal("initialize") == (-32600, "Invalid request: missing field `clientInfo`")
    assert (await peer.refusal("initialize", clientInfo={"name": "me"}))[1].endswith("`version`")
    result = await peer.result("initialize", **HELLO)
    assert set(result) == {"userAgent", "codexHome", "platformFamily", "platformOs"}
    assert result["userAgent"].startswith(f"me/{NEWEST} ")
    assert await peer.refusal("initialize", **HELLO) == (-32600, "Already initialized")


async def test_pipelined_messages_are_all_answered(server: Server, autojump_clock: MockClock) -> None:
    peer = RawClient(server.transport())
    await peer.transport.open(server.tasks)
    await peer.send(
        {"id": "a", "method": "initialize", "params": HELLO},
        {"method": "initialized"},
        {"id": -5, "method": "thread/start", "params": {}, "jsonrpc": "2.0"},
    )
    messages = await peer.until("thread/started")
    assert [m.get("id", m.get("method")) for m in messages] == [
        "a",
        "remoteControl/status/changed",
        -5,
        "thread/started",
    ]
    assert server.received_methods() == ["initialize", "initialized", "thread/start"]


async def test_wrong_requests_are_refused(server: Server, autojump_clock: MockClock) -> None:
    peer, thread_id = await server.stage()
    code, message = await peer.refusal("nosuch/method")
    assert code == -32600
    assert message.startswith("Invalid request: unknown variant `nosuch/method`, expected one of `initialize`, ")
    assert await peer.refusal("turn/interrupt", turnId="x") == (-32600, "Invalid request: missing field `threadId`")
    assert (await peer.refusal("turn/start", threadId="nope", input=[]))[1].startswith("invalid thread id: ")
    assert (await peer.refusal("turn/start", threadId=UNKNOWN, input=[]))[1] == f"thread not found: {UNKNOWN}"
    assert (await peer.refusal("thread/read", threadId=UNKNOWN))[1] == f"thread not loaded: {UNKNOWN}"
    assert (await peer.refusal("thread/resume", threadId=UNKNOWN))[1] == f"no rollout found for thread id {UNKNOWN}"
    assert (await peer.refusal("thread/turns/list", threadId=thread_id))[1].startswith(f"thread {thread_id} is not mat")
    assert (await peer.refusal("thread/start", dynamicTools=[]))[1].endswith("requires experimentalApi capability")


async def test_what_is_no_request_is_never_answered(server: Server, autojump_clock: MockClock) -> None:
    peer = await server.connect()
    await peer.transport.send([b"not json", b"[]", b"123", b"{}"])
    await peer.send({"id": None, "method": "thread/list"}, {"id": 1.5, "method": "thread/list"}, {"id": 9, "result": 1})
    assert "result" in await peer.request("thread/list")
    assert server.invalid_messages == [b"not json", b"[]", b"123"]


async def test_turn_comes_in_the_usual_order(server: Server, autojump_clock: MockClock) -> None:
    peer, thread_id = await server.stage(think("hm"), run("ls", output="a b"), say("all done"))
    response = await peer.result("turn/start", threadId=thread_id, input=[{"type": "text", "text": "hello"}])
    assert (response["turn"]["status"], response["turn"]["startedAt"]) == ("inProgress", None)
    messages = await peer.until("turn/completed")
    assert names(messages) == [
        "thread/status/changed",
        "turn/started",
        "item/started userMessage",
        "item/completed userMessage",
        "item/started reasoning",
        "item/reasoning/summaryPartAdded",
        "item/reasoning/summaryTextDelta",
        "item/completed reasoning",
        "item/started commandExecution",
        "item/commandExecution/outputDelta",
        "item/completed commandExecution",
        "thread/tokenUsage/updated",
        "account/rateLimits/updated",
        "item/started agentMessage",
        "item/agentMessage/delta",
        "item/agentMessage/delta",
        "item/completed agentMessage",
        "thread/tokenUsage/updated",
        "account/rateLimits/updated",
        "thread/readState/changed",
        "thread/status/changed",
        "turn/completed",
    ]
    turn = messages[-1]["params"]["turn"]
    assert (turn["id"], turn["status"], turn["itemsView"]) == (response["turn"]["id"], "completed", "summary")
    assert [item["text"] for item in turn["items"]] == ["all done"]
    assert [m["params"]["delta"] for m in messages[14:16]] == ["all", " done"]
    assert all("emittedAtMs" in message for message in messages)
    assert server.prompts == ["hello"]


async def test_steps_come_in_different_batches(server: Server, autojump_clock: MockClock) -> None:
    peer, thread_id = await server.stage(say("a"), say("b"))
    await peer.play(thread_id)
    said = [batch for batch in peer.batches if "item/completed agentMessage" in batch]
    assert len(said) == 2


async def test_answer_and_events_may_come_in_one_batch(server: Server, autojump_clock: MockClock) -> None:
    peer, thread_id = await server.stage(say("a"))
    server.connection.pause_writing()
    await peer.send({"id": 99, "method": "turn/start", "params": {"threadId": thread_id, "input": []}})
    with trio.move_on_after(10) as scope:
        await peer.next()
    assert scope.cancelled_caught
    server.connection.resume_writing()
    await peer.next()
    assert (peer.batches[-1][0], peer.batches[-1][-1]) == ("response", "turn/completed")


async def test_waits_take_virtual_time_only(server: Server, autojump_clock: MockClock) -> None:
    peer, thread_id = await server.stage(wait(200), say("late"))
    before = trio.current_time()
    messages = await peer.play(thread_id)
    assert trio.current_time() - before == pytest.approx(200.003)
    assert messages[-1]["params"]["turn"]["durationMs"] == 200_000


async def test_scripts_come_by_prompt_then_in_order_then_by_default(server: Server, autojump_clock: MockClock) -> None:
    server.on_turn(say("first"))
    server.on_turn(say("second"))
    server.on_prompt("magic", say("abracadabra"))
    server.on_prompt(lambda prompt: prompt.isupper(), say("do not shout"))
    peer, thread_id = await server.stage()
    said = []
    for prompt in ("a", "some magic", "b", "HEY", "c"):
        said.append((await peer.play(thread_id, prompt))[-1]["params"]["turn"]["items"][0]["text"])
    assert said == ["first", "abracadabra", "second", "do not shout", "ok"]
    server.default(say("else"))
    assert (await peer.play(thread_id))[-1]["params"]["turn"]["items"][0]["text"] == "else"


@pytest.mark.extended
async def test_big_message_is_fast_and_waits_for_a_client_that_does_not_read(
    server: Server, autojump_clock: MockClock
) -> None:
    text = "word " * 20_000
    peer, thread_id = await server.stage(say(text, pieces=100_000))
    await peer.send({"id": 99, "method": "turn/start", "params": {"threadId": thread_id, "input": []}})
    await trio.sleep(60)
    messages = await peer.until("turn/completed")
    deltas = [m["params"]["delta"] for m in messages if m.get("method") == "item/agentMessage/delta"]
    assert (len(deltas), "".join(deltas)) == (100_000, text)


async def test_interrupt_ends_the_turn_and_leaves_its_items_open(server: Server, autojump_clock: MockClock) -> None:
    peer, thread_id = await server.stage(run("sleep 9", escalate=True))
    turn_id = await peer.start_turn(thread_id)
    await peer.until("item/commandExecution/requestApproval")
    assert await peer.result("turn/interrupt", threadId=thread_id, turnId=turn_id) == {}
    messages = await peer.until("serverRequest/resolved")
    assert names(messages) == ["thread/status/changed", "turn/completed", "serverRequest/resolved"]
    assert messages[0]["params"]["status"] == {"type": "idle"}
    turn = messages[1]["params"]["turn"]
    assert (turn["status"], turn["items"], turn["itemsView"]) == ("interrupted", [], "notLoaded")
    await peer.send({"id": 0, "result": {"decision": "accept"}})
    assert server.answers == []
    assert (await peer.play(thread_id))[-1]["params"]["turn"]["status"] == "completed"


async def test_interrupt_before_the_start_is_refused(server: Server, autojump_clock: MockClock) -> None:
    server.start_delay = 1.0
    peer, thread_id = await server.stage(hang())
    turn_id = await peer.start_turn(thread_id)
    refused = -32600, "no active turn to interrupt"
    assert await peer.refusal("turn/interrupt", threadId=thread_id, turnId=turn_id) == refused
    await peer.until("turn/started")
    expected = f"expected active turn id {UNKNOWN} but found {turn_id}"
    assert await peer.refusal("turn/interrupt", threadId=thread_id, turnId=UNKNOWN) == (-32600, expected)
    assert await peer.result("turn/interrupt", threadId=thread_id, turnId="") == {}
    await peer.until("turn/completed")
    assert await peer.refusal("turn/interrupt", threadId=thread_id, turnId=turn_id) == refused


async def test_interrupt_of_whatever_runs_has_no_race(server: Server, autojump_clock: MockClock) -> None:
    peer, thread_id = await server.stage(hang())
    assert await peer.result("turn/interrupt", threadId=thread_id, turnId="") == {}
    await peer.start_turn(thread_id)
    assert await peer.result("turn/interrupt", threadId=thread_id, turnId="") == {}
    messages = await peer.until("turn/completed")
    assert names(messages)[1:4] == ["turn/started", "item/started userMessage", "item/completed userMessage"]
    assert messages[-1]["params"]["turn"]["status"] == "interrupted"


async def test_second_turn_start_joins_the_running_turn(server: Server, autojump_clock: MockClock) -> None:
    server.on_prompt("hurry", say("fast"))
    server.on_prompt("more", wait(50), say("never"))
    peer, thread_id = await server.stage(say("slow one"), wait(50), say("slow two"))
    turn_id = await peer.start_turn(thread_id)
    await peer.until("item/agentMessage/delta")
    assert await peer.start_turn(thread_id, "more") == turn_id
    await trio.sleep(1)
    steer = {"threadId": thread_id, "input": [{"type": "text", "text": "hurry"}]}
    expected = f"expected active turn id `{UNKNOWN}` but found `{turn_id}`"
    assert await peer.refusal("turn/steer", **steer, expectedTurnId=UNKNOWN) == (-32600, expected)
    assert await peer.result("turn/steer", **steer, expectedTurnId=turn_id) == {"turnId": turn_id}
    turn = (await peer.until("turn/completed"))[-1]["params"]["turn"]
    assert (turn["id"], turn["items"][0]["text"], turn["durationMs"]) == (turn_id, "fast", 1000)
    assert (await peer.refusal("turn/steer", **steer, expectedTurnId=turn_id))[1] == "no active turn to steer"
    assert server.prompts == ["hi", "more", "hurry", "hurry", "hurry"]
    history = (await peer.result("thread/items/list", threadId=thread_id))["data"]
    assert [entry["item"]["type"] for entry in history].count("userMessage") == 3


async def test_input_does_not_join_a_turn_that_is_not_the_users(server: Server, autojump_clock: MockClock) -> None:
    server.on_turn(say("hello"))
    server.on_prompt("look", wait(5), say("fine"))
    peer, thread_id = await server.stage()
    await peer.play(thread_id)
    more = {"threadId": thread_id, "input": [{"type": "text", "text": "more"}]}
    for method, params, kind in (
        ("thread/compact/start", {}, "Compact"),
        ("review/start", {"target": {"type": "custom", "instructions": "look"}}, "Review"),
    ):
        await peer.result(method, threadId=thread_id, **params)
        joined = f"failed to submit turn input: ActiveTurnNotSteerable {{ turn_kind: {kind} }}"
        assert await peer.refusal("turn/start", **more) == (-32603, joined)
        _, message = await peer.refusal("turn/steer", **more, expectedTurnId=UNKNOWN)
        turn_id = message.split("`")[3]
        code, message = await peer.refusal("turn/steer", **more, expectedTurnId=turn_id)
        assert (code, message) == (-32600, f"cannot steer a {kind.lower()} turn")
        await peer.until("turn/completed")
    await peer.result("thread/shellCommand", threadId=thread_id, command="true")
    assert (await peer.request("turn/start", more))["result"]["turn"]["status"] == "inProgress"
    told = await peer.until("turn/completed")
    completed = [name for name in names(told) if name.startswith("item/completed")]
    assert completed == ["item/completed commandExecution", "item/completed userMessage"]


async def test_failed_turn_says_why_twice(server: Server, autojump_clock: MockClock) -> None:
    peer, thread_id = await server.stage(say("half"), fail("no", http_status=429))
    messages = await peer.play(thread_id)
    assert names(messages[-4:]) == ["thread/status/changed", "error", "thread/readState/changed", "turn/completed"]
    assert messages[-4]["params"]["status"] == {"type": "systemError"}
    error = messages[-3]["params"]["error"]
    assert messages[-3]["params"]["willRetry"] is False
    assert error["codexErrorInfo"] == {"responseTooManyFailedAttempts": {"httpStatusCode": 429}}
    turn = messages[-1]["params"]["turn"]
    assert (turn["status"], turn["error"], turn["items"]) == ("failed", error, [])
    assert (await peer.play(thread_id))[-1]["params"]["turn"]["status"] == "completed"


async def test_retry_is_only_a_notice(server: Server, autojump_clock: MockClock) -> None:
    peer, thread_id = await server.stage(retry(details="cut"), say("fine"))
    messages = await peer.play(thread_id)
    error = next(message["params"] for message in messages if message["method"] == "error")
    assert (error["willRetry"], error["error"]["message"]) == (True, "Reconnecting... 1/2")
    assert messages[-1]["params"]["turn"]["status"] == "completed"


async def test_omitted_completion_shows_in_the_history_only(server: Server, autojump_clock: MockClock) -> None:
    peer, thread_id = await server.stage(say("there"), omit_completed())
    await peer.start_turn(thread_id)
    await trio.sleep(10)
    turn = (await peer.result("thread/turns/list", threadId=thread_id))["data"][0]
    assert turn["status"] == "completed"
    assert turn["completedAt"] is not None
    assert "turn/completed" not in names(peer.seen)
    assert peer.seen[-2]["params"]["status"] == {"type": "idle"}


async def test_raw_message_is_sent_as_it_is(server: Server, autojump_clock: MockClock) -> None:
    odd = {"method": "odd/{turn_id}", "params": {"ids": ["{thread_id}", 1]}}
    peer, thread_id = await server.stage(raw(odd))
    turn_id = await peer.start_turn(thread_id)
    assert (await peer.until(f"odd/{turn_id}"))[-1] == {"method": f"odd/{turn_id}", "params": {"ids": [thread_id, 1]}}


@pytest.mark.parametrize(
    ("answer", "item_status", "turn_status"),
    [
        ({"result": {"decision": "accept"}}, "completed", "completed"),
        ({"result": {"decision": "decline"}}, "declined", "completed"),
        ({"result": {"decision": "cancel"}}, "declined", "interrupted"),
        ({"error": {"code": -32601, "message": "no"}}, "failed", "completed"),
        ({"result": None}, "failed", "completed"),
    ],
)
async def test_approval_decides_what_becomes_of_a_command(
    server: Server,
    nursery: trio.Nursery,
    answer: Message,
    item_status: str,
    turn_status: str,
    autojump_clock: MockClock,
) -> None:
    peer, thread_id = await server.stage(run("touch x", escalate=True))
    await peer.start_turn(thread_id)
    asked = await peer.until("item/commandExecution/requestApproval")
    assert names(asked[-3:-1]) == ["thread/status/changed", "item/started commandExecution"]
    assert asked[-3]["params"]["status"]["activeFlags"] == ["waitingOnApproval"]
    assert (asked[-1]["id"], asked[-1]["params"]["itemId"]) == (0, asked[-2]["params"]["item"]["id"])
    await trio.sleep(100)
    await peer.send({"id": 7, "result": {}}, {"id": 0, **answer}, {"id": 0, "result": {"decision": "late"}})
    rest = await peer.until("turn/completed")
    assert rest[0]["params"] == {"threadId": thread_id, "requestId": 0}
    assert [m["params"]["item"]["status"] for m in rest if m["method"] == "item/completed"] == [item_status]
    assert rest[-1]["params"]["turn"]["status"] == turn_status
    assert server.answers == [{"id": 0, **answer}]


async def test_scripted_request_gets_its_ids_and_waits(server: Server, autojump_clock: MockClock) -> None:
    steps = ask_server_request("item/tool/call", {"tool": "t"}), ask_server_request("x", {"turnId": None}), say("ok")
    peer, thread_id = await server.stage(*steps)
    turn_id = await peer.start_turn(thread_id)
    call = (await peer.until("item/tool/call"))[-1]
    assert (call["id"], call["params"]) == (0, {"threadId": thread_id, "turnId": turn_id, "tool": "t"})
    await peer.send({"id": 0, "result": {}})
    assert names(await peer.until("x")) == ["x"]
    await peer.send({"id": 1, "result": {}})
    assert names(await peer.until("turn/completed"))[0] == "serverRequest/resolved"


async def test_scripted_request_is_waited_for_when_the_turn_is_steered(
    server: Server, autojump_clock: MockClock
) -> None:
    peer, thread_id = await server.stage(ask_server_request("item/fileChange/requestApproval"), say("never"))
    turn_id = await peer.start_turn(thread_id)
    await peer.until("item/fileChange/requestApproval")
    server.on_turn(say("steered"))
    more = [{"type": "text", "text": "more"}]
    await peer.result("turn/steer", threadId=thread_id, input=more, expectedTurnId=turn_id)
    await trio.sleep(10)
    await peer.send({"id": 0, "result": {"decision": "accept"}})
    assert names(await peer.until("turn/completed"))[:6] == [
        "serverRequest/resolved",
        "thread/status/changed",
        "item/started userMessage",
        "item/completed userMessage",
        "item/started agentMessage",
        "item/agentMessage/delta",
    ]
    assert peer.seen[-1]["params"]["turn"]["items"][0]["text"] == "steered"


async def test_answer_loses_to_an_interrupt_sent_with_it(server: Server, autojump_clock: MockClock) -> None:
    peer, thread_id = await server.stage(ask_server_request("q"), say("never"))
    turn_id = await peer.start_turn(thread_id)
    await peer.until("q")
    interrupt = {"id": 99, "method": "turn/interrupt", "params": {"threadId": thread_id, "turnId": turn_id}}
    await peer.send({"id": 0, "result": {}}, interrupt)
    await trio.sleep(1)
    await peer.until("serverRequest/resolved")
    server.connection.drop()
    with pytest.raises(CodexTransportError):
        await peer.next()
    assert names(peer.seen)[-4:] == ["response", "thread/status/changed", "turn/completed", "serverRequest/resolved"]


async def test_refused_request_has_no_consequences(server: Server, autojump_clock: MockClock) -> None:
    peer = await server.connect({"experimentalApi": True})
    thread_id = await peer.start_thread()
    await peer.play(thread_id)
    bogus = {"itemsView": "bogus"}
    code, message = await peer.refusal("thread/resume", threadId=thread_id, excludeTurns=True, initialTurnsPage=bogus)
    assert (code, message.split(",")[0]) == (-32600, "Invalid request: unknown variant `bogus`")
    await peer.request("thread/list")
    await peer.request("thread/list")
    assert "thread/goal/cleared" not in names(peer.seen)


async def test_test_may_ask_the_client_by_hand(server: Server, autojump_clock: MockClock) -> None:
    peer = await server.connect()
    ask = server.connection.ask_nowait("some/question", {"a": 1})
    assert await peer.next() == {"method": "some/question", "id": 0, "params": {"a": 1}}
    await peer.send({"id": 0, "result": "yes"})
    assert await ask.wait() == {"id": 0, "result": "yes"} == ask.answer
    lost = server.connection.ask_nowait("some/question")
    server.connection.drop()
    with pytest.raises(CodexTransportError, match="some/question"):
        await lost.wait()


async def test_what_is_over_is_let_go(server: Server, autojump_clock: MockClock) -> None:
    def kept() -> int:
        gc.collect()
        return sum(isinstance(one, (TurnPlayer, PendingServerRequest)) for one in gc.get_objects())

    peer, thread_id = await server.stage()
    before = kept()
    for _ in range(5):
        ask = server.connection.ask_nowait("some/question")
        await peer.send({"id": ask.id, "result": "yes"})
        assert await ask.wait() == {"id": ask.id, "result": "yes"}
        del ask
        await peer.play(thread_id)
        target = {"type": "uncommittedChanges"}
        await peer.result("review/start", threadId=thread_id, target=target)
        await peer.until("turn/completed")
    await wait_all_tasks_blocked()
    assert kept() <= before


async def test_history_is_read_in_full(server: Server, autojump_clock: MockClock) -> None:
    server.default(think("hm"), run("ls"), say("a"), say("b"))
    peer, thread_id = await server.stage()
    await peer.play(thread_id)
    assert (await peer.result("thread/read", threadId=thread_id))["thread"]["turns"] == []
    [turn] = (await peer.result("thread/read", threadId=thread_id, includeTurns=True))["thread"]["turns"]
    assert turn["itemsView"] == "full"
    kinds = ["userMessage", "reasoning", "commandExecution", "agentMessage", "agentMessage"]
    assert [item["type"] for item in turn["items"]] == kinds
    [summary] = (await peer.result("thread/turns/list", threadId=thread_id))["data"]
    assert (summary["itemsView"], [item["type"] for item in summary["items"]]) == ("summary", [kinds[0], kinds[4]])
    [bare] = (await peer.result("thread/turns/list", threadId=thread_id, itemsView="notLoaded"))["data"]
    assert bare["items"] == []
    listed = (await peer.result("thread/list"))["data"]
    assert [(thread["id"], thread["preview"]) for thread in listed] == [(thread_id, "hi")]


async def test_history_is_read_by_pages(server: Server, autojump_clock: MockClock) -> None:
    peer, thread_id = await server.stage()
    turn_ids = [(await peer.play(thread_id))[-1]["params"]["turn"]["id"] for _ in range(5)]

    async def page(**params: Any) -> tuple[list[str], Message]:
        result = await peer.result("thread/turns/list", threadId=thread_id, **params)
        return [turn["id"] for turn in result["data"]], result

    ids, first = await page(limit=2)
    assert ids == turn_ids[:2:-1]
    ids, second = await page(limit=2, cursor=first["nextCursor"])
    assert ids == [turn_ids[2], turn_ids[1]]
    ids, last = await page(limit=2, cursor=second["nextCursor"])
    assert (ids, last["nextCursor"]) == ([turn_ids[0]], None)
    assert (await page(cursor=second["backwardsCursor"], sortDirection="asc"))[0] == turn_ids[2:]
    assert (await page(limit=0))[0] == turn_ids[-1:]
    items = await peer.result("thread/items/list", threadId=thread_id, turnId=turn_ids[1])
    anchor = {"type": "item", "itemId": items["data"][0]["item"]["id"]}
    after = await peer.result("thread/items/list", threadId=thread_id, turnId=turn_ids[1], cursor=anchor)
    assert after["data"] == items["data"][1:]
    assert len((await peer.result("thread/items/list", threadId=thread_id))["data"]) == 10
    assert (await peer.refusal("thread/items/list", threadId=thread_id, cursor=anchor))[0] == -32602
    bad = await peer.refusal("thread/turns/list", threadId=thread_id, cursor="bad")
    assert bad == (-32600, "invalid cursor: bad")


async def test_new_connection_resumes_only_what_was_used(server: Server, autojump_clock: MockClock) -> None:
    peer, thread_id = await server.stage()
    await peer.play(thread_id)
    unused = await peer.start_thread()
    await peer.transport.aclose()
    other = await server.connect()
    assert (await other.refusal("turn/start", threadId=thread_id, input=[]))[1] == f"thread not found: {thread_id}"
    refused = -32600, f"no rollout found for thread id {unused}"
    assert await other.refusal("thread/resume", threadId=unused) == refused
    resumed = await other.result("thread/resume", threadId=thread_id, excludeTurns=True)
    assert (resumed["thread"]["id"], resumed["thread"]["turns"]) == (thread_id, [])
    assert names(await other.until("thread/goal/cleared")) == ["thread/goal/cleared"]
    assert len((await other.result("thread/resume", threadId=thread_id))["thread"]["turns"]) == 1
    assert names(await other.until("thread/goal/cleared"))[0] == "thread/tokenUsage/updated"
    assert "deprecationNotice" in names(other.seen)
    assert (await other.play(thread_id))[-1]["params"]["turn"]["status"] == "completed"


async def test_events_go_to_subscribers_and_news_of_threads_to_all(server: Server, autojump_clock: MockClock) -> None:
    peer, thread_id = await server.stage()
    other = await server.connect({"optOutNotificationMethods": ["thread/started"]})
    silent = RawClient(server.transport())
    await silent.transport.open(server.tasks)
    await peer.start_thread()
    await peer.play(thread_id)
    await other.request("thread/list")
    assert names(other.seen)[2:] == [*NEWS_OF_A_TURN, "response"]
    await other.result("thread/resume", threadId=thread_id, excludeTurns=True)
    await peer.play(thread_id)
    assert "turn/completed" in names(await other.until("turn/completed"))
    assert await other.result("thread/unsubscribe", threadId=thread_id) == {"status": "unsubscribed"}
    assert await other.result("thread/unsubscribe", threadId=thread_id) == {"status": "notSubscribed"}
    await silent.request("thread/list")
    assert len(silent.seen) == 1


async def test_answers_are_overridden_refused_and_ignored(server: Server, autojump_clock: MockClock) -> None:
    peer, thread_id = await server.stage()

    async def slow(params: Message) -> Message:
        await trio.sleep(5)
        return {"slow": params}

    def no(params: Message) -> Message:
        raise RpcError("no", code=-1, data={"why": 1})

    server.reply("thread/read", {"thread": None})
    assert await peer.result("thread/read", threadId=thread_id) == {"thread": None}
    server.reply("made/up", slow)
    await peer.send({"id": "slow", "method": "made/up", "params": {"a": 1}})
    assert "result" in await peer.request("thread/list")
    assert await peer.next() == {"id": "slow", "result": {"slow": {"a": 1}}}
    server.reply("made/up", no)
    assert (await peer.request("made/up"))["error"] == {"code": -1, "message": "no", "data": {"why": 1}}
    server.fail_next("thread/list", times=2)
    assert [(await peer.request("thread/list")).get("error", {}).get("code") for _ in range(3)] == [
        -32001,
        -32001,
        None,
    ]
    server.ignore("thread/list", times=1)
    await peer.send({"id": "lost", "method": "thread/list", "params": {}})
    assert "result" in await peer.request("thread/list")
    assert "lost" not in [message.get("id") for message in peer.seen]


async def test_params_of_another_kind_are_refused_and_a_script_that_fails_is_not(
    server: Server, autojump_clock: MockClock
) -> None:
    def fails(prompt: str) -> list[Step]:
        raise KeyError("a fault of the test")

    peer, thread_id = await server.stage()
    code, message = await peer.refusal("thread/shellCommand", threadId=thread_id, command=3)
    assert code == -32600
    assert message.startswith("Invalid request: thread/shellCommand does not accept these params: AttributeError: ")
    server.on_turn(fails)
    with pytest.raises(KeyError, match="a fault of the test"):
        await peer.start_turn(thread_id)
    server.reply("thread/read", fails)
    with pytest.raises(KeyError, match="a fault of the test"):
        await peer.request("thread/read")


async def test_held_calls_are_answered_by_the_test_in_any_order(server: Server, autojump_clock: MockClock) -> None:
    peer, thread_id = await server.stage()
    server.hold("turn/start")
    params = {"threadId": thread_id, "input": [{"type": "text", "text": "hi"}]}
    for request_id in ("a", "b", "c"):
        await peer.send({"id": request_id, "method": "turn/start", "params": params})
    calls = [await server.held("turn/start").receive() for _ in range(3)]
    calls[2].reply({"turn": {"id": "T"}})
    server.connection.send({"method": "turn/started", "params": {}})
    calls[0].error(-32001, "busy")
    calls[1].proceed()
    first, second, third, fourth = await peer.next(), await peer.next(), await peer.next(), await peer.next()
    assert (first["id"], second["method"]) == ("c", "turn/started")
    assert (third["error"], fourth["id"]) == ({"code": -32001, "message": "busy"}, "b")


async def test_drop_delivers_what_was_queued_and_then_fails_both_ways(
    server: Server, autojump_clock: MockClock
) -> None:
    peer, thread_id = await server.stage(say("a"), exit(3, "boom"))
    await peer.start_turn(thread_id)
    await trio.sleep(1)
    with pytest.raises(CodexTransportError, match="code 3") as caught:
        await peer.until("never")
    assert names(peer.seen)[-1] == "item/completed agentMessage"
    assert (caught.value.returncode, caught.value.stderr_tail) == (3, "boom")
    with pytest.raises(CodexTransportError):
        await peer.send({"method": "initialized"})
    assert server.connections == []


async def test_turn_dies_with_its_connection(server: Server, autojump_clock: MockClock) -> None:
    peer, thread_id = await server.stage(say("kept"), drop_connection(), say("never"))
    with pytest.raises(CodexTransportError):
        await peer.play(thread_id)
    other = await server.connect()
    [turn] = (await other.result("thread/turns/list", threadId=thread_id))["data"]
    assert (turn["status"], turn["items"][-1]["text"]) == ("interrupted", "kept")


async def test_surviving_turn_goes_on_and_asks_again(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = Server(nursery, survives=True)
    peer, thread_id = await server.stage(drop_connection(), ask_server_request("q"), say("there"))
    turn_id = await peer.start_turn(thread_id)
    await wait_all_tasks_blocked()
    await trio.sleep(1)
    other = await server.connect()
    resumed = await other.result("thread/resume", threadId=thread_id, excludeTurns=True)
    assert resumed["thread"]["status"] == {"type": "active", "activeFlags": []}
    ask = (await other.until("q"))[-1]
    assert ask["params"] == {"threadId": thread_id, "turnId": turn_id}
    await other.send({"id": ask["id"], "result": {}})
    assert (await other.until("turn/completed"))[-1]["params"]["turn"]["items"][0]["text"] == "there"


async def test_closing_leaves_no_task_and_opening_again_makes_a_new_connection(autojump_clock: MockClock) -> None:
    async with trio.open_nursery() as nursery:
        peer, thread_id = await Server(nursery).stage(hang())
        await peer.start_turn(thread_id)
        await peer.until("turn/started")
        assert len(nursery.child_tasks) == 1
        with trio.CancelScope() as scope:
            scope.cancel()
            await peer.transport.aclose()
        assert not nursery.child_tasks
        await peer.transport.aclose()
        with pytest.raises(CodexTransportError, match="not open"):
            await peer.transport.receive()
        await peer.transport.open(nursery)
        assert await peer.refusal("thread/list") == (-32600, "Not initialized")
        await peer.transport.aclose()


async def test_closing_waits_for_answers_in_the_making(autojump_clock: MockClock) -> None:
    async def slow(params: Message) -> None:
        try:
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(3)

    async with trio.open_nursery() as nursery:
        server = Server(nursery)
        peer = await server.connect()
        server.reply("slow", slow)
        await peer.send({"id": 99, "method": "slow"})
        await trio.sleep(1)
        await peer.transport.aclose()
        assert not nursery.child_tasks
    assert trio.current_time() == 4


async def test_closing_wakes_the_reader(server: Server, autojump_clock: MockClock) -> None:
    peer = await server.connect()

    async def close() -> None:
        await wait_all_tasks_blocked()
        await peer.transport.aclose()

    server.tasks.start_soon(close)
    with pytest.raises(CodexTransportError, match="closed by its client"):
        await peer.next()


async def test_connection_may_be_refused_slow_or_full(server: Server, autojump_clock: MockClock) -> None:
    server.refuse_connections("no such file")
    transport = server.transport()
    with pytest.raises(CodexTransportError, match="no such file"):
        await transport.open(server.tasks)
    server.open_delay = 60
    with trio.move_on_after(59):
        await transport.open(server.tasks)
    assert server.connections == []
    server.open_delay = 0
    peer = await server.connect()
    server.connection.pause_reading()
    with trio.move_on_after(5) as scope:
        await peer.send({"method": "initialized"})
    assert scope.cancelled_caught
    assert server.received_methods() == ["initialize"]
    server.connection.resume_reading()
    await peer.send({"method": "initialized"})


async def test_send_and_receive_are_checkpoints_and_lose_nothing_when_cancelled(
    server: Server, autojump_clock: MockClock
) -> None:
    peer = await server.connect()
    server.connection.send({"method": "m"})
    with trio.CancelScope() as scope:
        scope.cancel()
        await peer.transport.receive()
    assert scope.cancelled_caught
    assert await peer.next() == {"method": "m"}
    with trio.CancelScope() as scope:
        scope.cancel()
        await peer.send({"method": "initialized"})
    assert scope.cancelled_caught
    assert server.received_methods() == ["initialize"]


async def test_two_readers_are_a_mistake(server: Server, autojump_clock: MockClock) -> None:
    peer = await server.connect()
    with pytest.RaisesGroup(trio.BusyResourceError):
        async with trio.open_nursery() as readers:
            readers.start_soon(peer.transport.receive)
            readers.start_soon(peer.transport.receive)


async def test_queued_messages_can_be_discarded(server: Server, autojump_clock: MockClock) -> None:
    peer = await server.connect()
    connection = server.connection
    connection.pause_writing()
    await peer.send({"id": "a", "method": "thread/loaded/list", "params": {}})
    await peer.send({"id": "b", "method": "thread/loaded/list", "params": {}})
    assert connection.discard_queued(keep=lambda message: message.get("id") == "b") == 1
    connection.resume_writing()
    assert (await peer.next())["id"] == "b"
    connection.pause_writing()
    connection.send_bytes(b"not json")
    assert connection.discard_queued() == 1
    assert connection.discard_queued() == 0


async def test_threads_and_their_turns_can_be_inspected(server: Server, autojump_clock: MockClock) -> None:
    assert server.threads == {}
    peer, thread_id = await server.stage(wait(5), say("hi"))
    await peer.start_turn(thread_id)
    await peer.until("item/completed")
    thread = server.threads[thread_id]
    assert (thread.id, thread.running) == (thread_id, thread.turns[0])
    await peer.until("turn/completed")
    assert thread.running is None
    assert [turn.status for turn in thread.turns] == ["completed"]
    server.threads.clear()
    assert list(server.threads) == [thread_id]


async def test_an_override_can_call_the_server_and_be_reset(server: Server, autojump_clock: MockClock) -> None:
    peer, thread_id = await server.stage()
    server.reply("thread/loaded/list", lambda params: {**server.handle("thread/loaded/list", params), "new": 1})
    assert await peer.result("thread/loaded/list") == {"data": [thread_id], "nextCursor": None, "new": 1}
    server.fail_next("thread/loaded/list", times=None)
    server.ignore("thread/loaded/list")
    server.reset("thread/loaded/list")
    server.reset("nosuch/method")
    with trio.fail_after(5):
        assert await peer.result("thread/loaded/list") == {"data": [thread_id], "nextCursor": None}
    with pytest.raises(RpcError, match="thread not loaded"):
        server.handle("thread/read", {"threadId": UNKNOWN})
