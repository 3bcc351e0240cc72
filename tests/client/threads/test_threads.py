"""Threads, options and inputs over the in-memory server, on the mock clock."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio

from codex_trio import (
    ApprovalRequest,
    CodexClient,
    CodexProtocolError,
    CodexThreadBusyError,
    CodexTimeoutError,
    CodexTransportError,
    CodexTurnInactiveError,
    CodexTurnInterruptedError,
    Decision,
    Image,
    InputPart,
    Mention,
    Skill,
    open_codex_client,
)
from codex_trio.testing import ScriptedAppServer, ask_server_request, hang, say, wait
from tests.support.background import Background

Params = dict[str, Any]


def sent(server: ScriptedAppServer, method: str) -> list[Params]:
    return [message["params"] for message in server.received if message.get("method") == method]


def notify(server: ScriptedAppServer, method: str, **params: Any) -> None:
    server.connection.send({"method": method, "params": params})


def announce_turn(server: ScriptedAppServer, thread_id: str, turn_id: str) -> None:
    notify(server, "turn/started", threadId=thread_id, turn={"id": turn_id, "status": "inProgress"})


def end_turn(server: ScriptedAppServer, thread_id: str, turn_id: str, status: str = "completed") -> None:
    turn = {"id": turn_id, "status": status, "items": [], "itemsView": "summary"}
    notify(server, "turn/completed", threadId=thread_id, turn=turn)


@pytest.mark.smoke
async def test_options_go_where_the_server_looks_for_them(autojump_clock: trio.testing.MockClock) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client:
        await client.chat_once(
            "hi", model="m", effort="low", sandbox="read-only", approval_policy="never", ephemeral=None, cwd=Path("/x")
        )
        thread = await client.start_thread(model_provider="p", base_instructions="b", developer_instructions=None)
        await thread.chat_once("hi", sandbox="workspace-write", summary="none", service_tier=None, extra={"new": 1})
    started, bare = sent(server, "thread/start")
    assert started == {
        "model": "m",
        "sandbox": "read-only",
        "approvalPolicy": "never",
        "ephemeral": None,
        "cwd": "/x",
    }
    assert bare == {"modelProvider": "p", "baseInstructions": "b", "developerInstructions": None}
    first, second = sent(server, "turn/start")
    assert {name: value for name, value in first.items() if name not in ("threadId", "input")} == {"effort": "low"}
    assert {name: value for name, value in second.items() if name not in ("threadId", "input")} == {
        "sandboxPolicy": {"type": "workspaceWrite"},
        "summary": "none",
        "serviceTier": None,
        "new": 1,
    }


async def test_a_sandbox_with_details_goes_to_the_turn_of_a_new_thread(autojump_clock: trio.testing.MockClock) -> None:
    server = ScriptedAppServer()
    policy = {"type": "workspaceWrite", "networkAccess": True}
    async with open_codex_client(server.transport()) as client:
        await client.chat_once("hi", sandbox=policy)
    assert "sandbox" not in sent(server, "thread/start")[0]
    assert sent(server, "turn/start")[0]["sandboxPolicy"] == policy


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sandbox": "bogus"}, r"sandbox is one of 'read-only', 'workspace-write', 'danger-full-access', not 'bogus'"),
        ({"approval_policy": "always"}, r"approval_policy is one of 'untrusted', 'on-request', 'never', not 'always'"),
        ({"summary": "long"}, r"summary is one of 'auto', 'concise', 'detailed', 'none', not 'long'"),
        ({"model": "m", "extra": {"model": "n"}}, r"extra has model, which is given otherwise"),
        ({"extra": {"threadId": "x"}}, r"extra has threadId, which is given otherwise"),
        ({"output_type": int, "extra": {"outputSchema": {}}}, r"extra has outputSchema, which is given otherwise"),
        (
            {"metadata": {"a": "b"}, "extra": {"responsesapiClientMetadata": {}}},
            r"extra has responsesapiClientMetadata, which is given otherwise",
        ),
        ({"user": "ada", "metadata": {"user": "bob"}}, r"metadata has user, which is given otherwise"),
    ],
)
async def test_a_wrong_option_fails_before_the_wire(options: Params, message: str) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport(), experimental_api=True) as client:
        thread = await client.start_thread()
        with pytest.raises(ValueError, match=message):
            await thread.chat_once("hi", **options)
        with pytest.raises(ValueError, match=message):
            await client.chat_once("hi", **options)
    assert server.received_methods()[2:] == ["thread/start"]


async def test_a_list_of_threads_takes_no_option_twice() -> None:
    async with open_codex_client(ScriptedAppServer().transport()) as client:
        for extra in ({"limit": 3}, {"cwd": "/w"}):
            with pytest.raises(ValueError, match=r"extra has (limit|cwd), which is given otherwise"):
                client.threads(cwd="/x", extra=extra)
        assert [thread async for thread in client.threads(extra={"cursor": None})] == []


async def test_an_unknown_option_is_named_with_those_that_there_are() -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client:
        options: Params = {"modle": "m"}
        with pytest.raises(
            TypeError,
            match=r"no option 'modle' of a turn on a new thread; there are approval_policy, .*effort, ephemeral",
        ):
            await client.chat_once("hi", **options)
        options = {"ephemeral": True}
        with pytest.raises(TypeError, match=r"no option 'ephemeral' of a thread that exists"):
            await client.resume_thread("x", **options)


async def test_an_option_of_a_new_thread_is_refused_for_one_that_exists() -> None:
    async with open_codex_client(ScriptedAppServer().transport()) as client:
        with pytest.raises(ValueError, match="ephemeral: said of a thread when it is started or resumed"):
            await client.chat_once("hi", "some-thread", ephemeral=True)


async def test_a_message_may_have_parts(autojump_clock: trio.testing.MockClock, tmp_path: Path) -> None:
    server = ScriptedAppServer()
    picture = tmp_path / "a.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n")
    parts: list[InputPart] = [
        "look",
        Image(path=picture, detail="high"),
        Image(data=b"GIF89a"),
        Image(url="data:image/png;base64,AA=="),
        Skill("s", "/s/SKILL.md"),
        Mention("m", "app://m"),
    ]
    async with open_codex_client(server.transport()) as client:
        await client.chat_once(parts)
    assert sent(server, "turn/start")[0]["input"] == [
        {"type": "text", "text": "look"},
        {"type": "localImage", "path": str(picture), "detail": "high"},
        {"type": "image", "url": "data:image/gif;base64,R0lGODlh"},
        {"type": "image", "url": "data:image/png;base64,AA=="},
        {"type": "skill", "name": "s", "path": "/s/SKILL.md"},
        {"type": "mention", "name": "m", "path": "app://m"},
    ]


def test_an_image_is_one_thing_and_it_is_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"image file not found: '.*nope.png'"):
        Image(path=tmp_path / "nope.png")
    with pytest.raises(ValueError, match="exactly one of url, path and data"):
        Image(url="data:,", data=b"GIF8")
    with pytest.raises(ValueError, match="not a PNG, JPEG, GIF or WebP"):
        Image(data=b"BM")
    assert Image(data=b"BM", media_type="image/bmp").to_wire()["url"].startswith("data:image/bmp;base64,")


async def test_an_image_file_that_went_away_fails_before_the_wire(tmp_path: Path) -> None:
    server = ScriptedAppServer()
    picture = tmp_path / "a.png"
    picture.write_bytes(b"")
    image = Image(path=picture)
    picture.unlink()
    async with open_codex_client(server.transport()) as client:
        with pytest.raises(FileNotFoundError, match="image file not found"):
            await client.chat_once([image])
        with pytest.raises(TypeError, match="a part of a message must be a str, Image, Skill or Mention, not int"):
            await client.chat_once([1])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    assert not {"thread/start", "turn/start"} & set(server.received_methods())


async def open_thread(client: CodexClient) -> str:
    return (await client.chat_once("hi")).thread_id


async def test_a_compaction_is_a_turn_known_by_its_start(autojump_clock: trio.testing.MockClock) -> None:
    server = ScriptedAppServer()
    server.reply("thread/compact/start", {})

    async def act() -> None:
        await trio.sleep(1)
        notify(server, "item/completed", threadId=thread.id, turnId="foreign", item={"type": "plan", "id": "p"})
        announce_turn(server, thread.id, "c1")
        item = {"type": "contextCompaction", "id": "i1"}
        notify(server, "item/completed", threadId=thread.id, turnId="c1", item=item)
        await trio.sleep(1)
        end_turn(server, thread.id, "c1")

    async with open_codex_client(server.transport()) as client, trio.open_nursery() as nursery:
        thread = await client.start_thread()
        nursery.start_soon(act)
        result = await thread.compact()
        assert (result.turn_id, [step.step_type for step in result.steps]) == ("c1", ["contextCompaction"])
        assert client.statistics().open_turns == 0


async def test_a_start_before_the_answer_counts_too(autojump_clock: trio.testing.MockClock) -> None:
    server = ScriptedAppServer()
    server.hold("thread/shellCommand")
    server.reply("thread/shellCommand", {})
    async with open_codex_client(server.transport()) as client, trio.open_nursery() as nursery:
        thread = await client.start_thread()

        async def act() -> None:
            call = await server.held("thread/shellCommand").receive()
            announce_turn(server, thread.id, "s1")
            end_turn(server, thread.id, "s1")
            await trio.testing.wait_all_tasks_blocked()
            call.proceed()

        nursery.start_soon(act)
        assert (await thread.shell("ls")).turn_id == "s1"
        assert server.received[-1]["params"] == {"threadId": thread.id, "command": "ls"}


async def test_a_command_in_a_foreign_turn_ends_with_that_turn(autojump_clock: trio.testing.MockClock) -> None:
    server = ScriptedAppServer()
    server.reply("thread/shellCommand", {})
    async with open_codex_client(server.transport()) as client, trio.open_nursery() as nursery:
        thread = await client.start_thread()

        async def act() -> None:
            await trio.sleep(1)
            item = {"type": "commandExecution", "id": "x", "command": "ls", "source": "userShell"}
            notify(server, "item/started", threadId=thread.id, turnId="foreign", item=item)
            notify(server, "item/completed", threadId=thread.id, turnId="foreign", item=item)
            end_turn(server, thread.id, "foreign")

        nursery.start_soon(act)
        assert [step.text for step in (await thread.shell("ls")).steps] == ["ls"]


async def test_a_compaction_that_never_begins_times_out(autojump_clock: trio.testing.MockClock) -> None:
    server = ScriptedAppServer()
    server.reply("thread/compact/start", {})
    async with open_codex_client(server.transport(), request_timeout=5) as client:
        thread = await client.start_thread()
        start = trio.current_time()
        with pytest.raises(CodexTimeoutError, match="was accepted, and no turn began"):
            await thread.compact()
        assert trio.current_time() - start == 5
        server.on_turn(say("free again"))
        with trio.fail_after(20):  # within the patience for the turn that may still begin
            with pytest.raises(CodexThreadBusyError):
                await thread.chat_once("hi")
            await trio.sleep(10)
            assert (await thread.chat_once("hi")).final_text == "free again"


async def test_a_cancelled_compaction_is_stopped_when_it_begins(autojump_clock: trio.testing.MockClock) -> None:
    server = ScriptedAppServer()
    server.reply("thread/compact/start", {})
    server.reply("turn/interrupt", lambda params: end_turn(server, params["threadId"], params["turnId"], "interrupted"))
    async with open_codex_client(server.transport()) as client:
        thread = await client.start_thread()
        with trio.move_on_after(1):
            await thread.compact()
        announce_turn(server, thread.id, "c1")
        assert (await thread.chat_once("hi")).final_text == "ok"
    assert [params["turnId"] for params in sent(server, "turn/interrupt")] == ["c1"]


async def test_a_review_is_interrupted_by_the_id_that_it_runs_under(autojump_clock: trio.testing.MockClock) -> None:
    server = ScriptedAppServer()
    server.reply("review/start", {"turn": {"id": "told"}})

    def interrupt(params: Params) -> Params:
        assert params["turnId"] == "inner"
        end_turn(server, params["threadId"], "told", "interrupted")
        return {}

    server.reply("turn/interrupt", interrupt)
    async with open_codex_client(server.transport()) as client, trio.open_nursery() as nursery:
        thread = await client.start_thread()

        async def act() -> None:
            await trio.sleep(1)
            notify(
                server, "item/started", threadId=thread.id, turnId="told", item={"type": "enteredReviewMode", "id": "r"}
            )
            announce_turn(server, thread.id, "inner")
            await trio.sleep(1)
            assert await thread.interrupt()

        nursery.start_soon(act)
        with pytest.raises(CodexTurnInterruptedError):
            await thread.review({"type": "custom", "instructions": "look"})
    assert sent(server, "review/start")[0]["target"] == {"type": "custom", "instructions": "look"}


async def test_a_review_is_interrupted_by_the_id_of_its_events_too(
    nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
) -> None:
    server = ScriptedAppServer()
    server.default(hang())
    async with open_codex_client(server.transport()) as client:
        thread = await client.start_thread()
        reviewing = Background(nursery, thread.review)
        await trio.sleep(1)
        with pytest.raises(CodexThreadBusyError) as busy:
            await thread.chat_once("hello")
        assert busy.value.turn_id is not None
        await client.interrupt_turn(busy.value.turn_id)
        with pytest.raises(CodexTurnInterruptedError):
            await reviewing.result()


async def test_a_decision_that_ends_the_turn_ends_a_review(autojump_clock: trio.testing.MockClock) -> None:
    server = ScriptedAppServer()
    wish = {"itemId": "call_0", "permissions": {"network": {"enabled": True}}}
    server.default(ask_server_request("item/permissions/requestApproval", wish), wait(100), say("went on"))

    async def decide(request: ApprovalRequest) -> Decision:
        return request.cancel()

    async with open_codex_client(server.transport(), on_approval=decide) as client:
        thread = await client.start_thread()
        with pytest.raises(CodexTurnInterruptedError):
            await thread.review()


async def test_a_thread_has_one_turn_at_a_time(autojump_clock: trio.testing.MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(say("a"), wait(60), say("b"))
    async with open_codex_client(server.transport()) as client:
        thread = await client.start_thread()
        async with thread.chat("go") as stream:
            await anext(stream)
            before = len(server.received)
            operations: list[Callable[[], Any]] = [
                lambda: thread.chat_once("x"),
                thread.review,
                thread.compact,
                lambda: thread.shell("ls"),
                thread.archive,
                thread.delete,
                thread.unsubscribe,
                lambda: thread.revert("t"),
            ]
            for operation in operations:
                with pytest.raises(CodexThreadBusyError):
                    await operation()
            assert len(server.received) == before
            assert [step.text async for step in stream] == ["b"]


async def test_a_turn_that_is_being_started_keeps_the_thread_to_itself(
    nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
) -> None:
    server = ScriptedAppServer()
    server.hold("turn/start")
    async with open_codex_client(server.transport()) as client:
        thread = await client.start_thread()
        asking = Background(nursery, thread.chat_once, "hello")
        held = await server.held("turn/start").receive()
        before = len(server.received)
        for operation in (thread.archive, thread.delete, thread.unsubscribe, lambda: thread.revert("t")):
            with pytest.raises(CodexThreadBusyError, match="being started") as caught:
                await operation()
            assert caught.value.turn_id is None
        assert len(server.received) == before
        held.proceed()
        assert (await asking.result()).final_text == "ok"


async def test_a_turn_that_is_being_started_is_steered_and_interrupted_once_it_is_known(
    nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
) -> None:
    server = ScriptedAppServer()
    server.default(hang())
    server.hold("turn/start")
    async with open_codex_client(server.transport()) as client:
        thread = await client.start_thread()
        asking = Background(nursery, thread.chat_once, "hello")
        held = await server.held("turn/start").receive()
        steering = Background(nursery, thread.steer, "faster")
        stopping = Background(nursery, thread.interrupt)
        await trio.testing.wait_all_tasks_blocked()
        held.proceed()
        assert await stopping.result()
        with pytest.raises(CodexTurnInterruptedError) as caught:
            await asking.result()
        assert await steering.result() == caught.value.result.turn_id


@pytest.mark.parametrize("is_heard", [False, True])
async def test_a_start_that_was_never_answered_leaves_the_thread_usable(
    is_heard: bool, autojump_clock: trio.testing.MockClock
) -> None:
    server = ScriptedAppServer()
    server.on_turn(say("first"))
    server.on_turn(hang())
    async with open_codex_client(server.transport(), request_timeout=10) as client:
        thread = await client.start_thread()
        await thread.chat_once("hello")
        if is_heard:
            server.hold("turn/start")
        else:
            server.ignore("turn/start", times=1)
        interrupts: list[bool] = []

        async def interrupt_meanwhile() -> None:
            await trio.sleep(5)
            interrupts.append(await thread.interrupt())

        async with trio.open_nursery() as nursery:
            nursery.start_soon(interrupt_meanwhile)
            with pytest.raises(CodexTimeoutError):
                await thread.chat_once("again")
            assert trio.current_time() < 11
        assert trio.current_time() < 11
        assert interrupts == [False]  # it is not known whether there was a turn, and the server has none
        if is_heard:
            (await server.held("turn/start").receive()).proceed()
            await trio.sleep(5)
            assert [turn.status async for turn in thread.turns()] == ["completed", "interrupted"]
        else:
            await thread.unsubscribe()
            await thread.archive()


async def test_an_interrupt_that_the_server_did_not_live_to_take_is_told_of(
    nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
) -> None:
    server = ScriptedAppServer()
    server.default(hang())
    server.hold("turn/interrupt")
    async with open_codex_client(server.transport()) as client:
        thread = await client.start_thread()
        asking = Background(nursery, thread.chat_once, "hello")
        await trio.sleep(1)
        stopping = Background(nursery, thread.interrupt)
        await server.held("turn/interrupt").receive()
        server.exit(1, "panicked")
        for one in (asking, stopping):
            with pytest.raises(CodexTransportError, match="exited with code 1"):
                await one.result()


async def test_a_turn_that_never_gets_started_is_not_waited_for_for_ever(
    nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
) -> None:
    server = ScriptedAppServer()
    server.hold("turn/start")
    async with open_codex_client(server.transport()) as client:
        thread = await client.start_thread()
        asking = Background(nursery, thread.chat_once, "hello")
        held = await server.held("turn/start").receive()
        stopping = Background(nursery, thread.interrupt)
        await trio.testing.wait_all_tasks_blocked()
        held.error(-32600, "no")
        with pytest.raises(CodexProtocolError, match="no"):
            await asking.result()
        assert not await stopping.result()
        asking = Background(nursery, thread.chat_once, "hello")
        await server.held("turn/start").receive()
        started_at = trio.current_time()
        with pytest.raises(CodexTimeoutError, match="being started"):
            await thread.interrupt()
        assert trio.current_time() - started_at == 30
        with pytest.raises(CodexTimeoutError):
            await asking.result()


async def test_steering_reaches_the_running_turn(autojump_clock: trio.testing.MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(say("a"), hang())
    server.on_prompt("faster", say("steered"))
    async with open_codex_client(server.transport()) as client:
        thread = await client.start_thread()
        async with thread.chat("go") as stream:
            await anext(stream)
            assert await thread.steer("faster") == stream.turn_id
            assert [step.text async for step in stream] == ["steered"]


async def test_a_quiet_turn_of_a_thread_can_be_continued_by_it_alone(autojump_clock: trio.testing.MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(wait(100), say("late"))
    async with open_codex_client(server.transport()) as client:
        thread, other = await client.start_thread(), await client.start_thread()
        with pytest.raises(CodexTurnInactiveError) as caught:
            await thread.chat_once("go", inactivity_timeout=10)
        with pytest.raises(ValueError, match="that continuation is of thread"):
            await other.chat_once(continuation=caught.value.continuation)
        assert (await thread.chat_once(continuation=caught.value.continuation)).final_text == "late"


async def test_history_is_read_page_by_page(autojump_clock: trio.testing.MockClock) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client:
        thread = await client.start_thread()
        assert [turn async for turn in thread.turns()] == []
        assert [item async for item in thread.items()] == []
        turn_ids = [(await thread.chat_once(f"prompt {number}")).turn_id for number in range(5)]
        assert [turn.id async for turn in thread.turns(page_size=2)] == turn_ids
        assert [turn.id async for turn in thread.turns(newest_first=True, page_size=3)] == turn_ids[::-1]
        items = [item.text async for item in thread.items(turn_ids[1], page_size=1)]
        assert items == ["prompt 1", "ok"]
        assert [found.id async for found in client.threads(page_size=1)] == [thread.id]
        async for _ in thread.turns(page_size=1):
            break
    assert [params["limit"] for params in sent(server, "thread/turns/list")] == [50, 2, 2, 2, 3, 3, 1]


async def test_a_page_is_not_asked_for_by_two_tasks_at_once(autojump_clock: trio.testing.MockClock) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client:
        thread_id = (await client.chat_once("hello")).thread_id
        found = client.threads()
        with pytest.RaisesGroup(trio.BusyResourceError):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(anext, found)
                nursery.start_soon(anext, found)
        assert (await anext(found)).id == thread_id


async def test_an_ephemeral_thread_has_no_history_and_says_so(autojump_clock: trio.testing.MockClock) -> None:
    async with open_codex_client(ScriptedAppServer().transport()) as client:
        thread = await client.start_thread(ephemeral=True)
        assert thread.info.is_ephemeral
        for pages in (thread.turns(), thread.items()):
            with pytest.raises(CodexProtocolError):
                await anext(pages)


async def test_stop_terminals_wants_the_experimental_api() -> None:
    server = ScriptedAppServer()
    server.reply("thread/backgroundTerminals/clean", {})
    async with open_codex_client(server.transport()) as client:
        with pytest.raises(ValueError, match="experimental_api=True"):
            await (await client.start_thread()).stop_terminals()
    async with open_codex_client(server.transport(), experimental_api=True) as client:
        await (await client.start_thread()).stop_terminals()
    assert server.received_methods().count("thread/backgroundTerminals/clean") == 1


async def test_a_compaction_cancelled_before_its_answer_is_stopped_when_it_begins(
    autojump_clock: trio.testing.MockClock,
) -> None:
    server = ScriptedAppServer()
    server.hold("thread/compact/start")
    server.reply("thread/compact/start", {})
    server.reply("turn/interrupt", lambda params: end_turn(server, params["threadId"], params["turnId"], "interrupted"))
    async with open_codex_client(server.transport()) as client:
        thread = await client.start_thread()
        with trio.move_on_after(1):
            await thread.compact()
        call = await server.held("thread/compact/start").receive()
        call.proceed()
        await trio.sleep(1)
        announce_turn(server, thread.id, "c1")
        assert (await thread.chat_once("hi")).final_text == "ok"
    assert [params["turnId"] for params in sent(server, "turn/interrupt")] == ["c1"]


async def test_a_lost_connection_ends_the_wait_for_a_compaction(autojump_clock: trio.testing.MockClock) -> None:
    server = ScriptedAppServer()
    server.reply("thread/compact/start", {})
    async with open_codex_client(server.transport()) as client, trio.open_nursery() as nursery:
        thread = await client.start_thread()

        async def drop() -> None:
            await trio.sleep(1)
            server.connection.drop()

        nursery.start_soon(drop)
        start = trio.current_time()
        with pytest.raises(CodexTransportError):
            await thread.compact()
        assert trio.current_time() - start == 1


async def test_a_continuation_takes_no_options(autojump_clock: trio.testing.MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(wait(100), say("late"))
    async with open_codex_client(server.transport()) as client:
        with pytest.raises(CodexTurnInactiveError) as caught:
            await client.chat_once("go", inactivity_timeout=10)
        with pytest.raises(ValueError, match="model cannot be given"):
            await client.chat_once(continuation=caught.value.continuation, model=None)


async def test_a_command_of_the_server_survives_what_is_no_output(autojump_clock: trio.testing.MockClock) -> None:
    server = ScriptedAppServer()
    server.hold("command/exec")
    server.reply("command/exec", {"exitCode": 7})
    async with open_codex_client(server.transport()) as client, client.exec(["x"], extra={"tty": True}) as process:
        call = await server.held("command/exec").receive()
        for data in (1, "a", "b2s="):
            params = {"processId": call.params["processId"], "stream": "stdout", "deltaBase64": data}
            notify(server, "command/exec/outputDelta", **params)
        call.proceed()
        assert await process.wait() == 7
        assert await process.stdout.receive_some() == b"ok"
        assert call.params["tty"] is True


async def test_params_that_json_does_not_have_are_told_by_the_command(autojump_clock: trio.testing.MockClock) -> None:
    async with open_codex_client(ScriptedAppServer().transport()) as client:
        async with client.exec(["x"], extra={"tty": object()}) as process:
            with pytest.raises(TypeError, match="command/exec: params cannot be sent"):
                await process.wait()
        assert (await client.chat_once("still open")).final_text == "ok"


async def test_a_cancelled_compaction_that_never_begins_frees_the_thread(
    autojump_clock: trio.testing.MockClock,
) -> None:
    server = ScriptedAppServer()
    server.hold("thread/compact/start")
    server.reply("thread/compact/start", {})
    async with open_codex_client(server.transport()) as client:
        thread = await client.start_thread()
        with trio.move_on_after(1):
            await thread.compact()
        (await server.held("thread/compact/start").receive()).proceed()
        start = trio.current_time()
        assert (await thread.chat_once("hi")).final_text == "ok"  # it waits for the turn that may still begin
        assert 9 < trio.current_time() - start < 12
