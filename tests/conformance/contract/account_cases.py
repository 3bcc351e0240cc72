"""What both servers are asked to do by the models of an account ("code mode")."""

from __future__ import annotations

from codex_trio.testing import (
    ask_approval,
    ask_async,
    call_tool,
    fail,
    hang,
    parallel,
    patch,
    run,
    say,
    sleep,
    spawn_agent,
    start_command,
    tell_async,
    wait,
    wait_agent,
    write_stdin,
)
from tests.conformance.contract.stage import BEFORE_A_CANCEL, NO, WRITE, Stage, answer, answer_turn, decision
from tests.support.account_models import NEWEST
from tests.support.raw_client import Message, RawClient

ACCOUNT = {"model": NEWEST}
COMMAND = "item/commandExecution/requestApproval"
CHANGE = "item/fileChange/requestApproval"
FOUND: Message = {"result": {"contentItems": [{"type": "inputText", "text": "found"}], "success": True}}
LOOK = {
    "type": "function",
    "name": "look",
    "description": "Look.",
    "inputSchema": {"type": "object", "properties": {"id": {"type": "string"}}},
}


async def case_account_tools(stage: Stage) -> None:
    crm = {"type": "namespace", "name": "crm", "description": "The CRM.", "tools": [LOOK]}
    peer, thread_id = await stage.stage(
        run("echo a; echo b", output="a\nb\n"),
        say("Now the file.", phase="commentary"),
        patch("a.txt", "one\n"),
        run("exit 3", exit_code=3),
        say("Done.", phase="final_answer"),
        **WRITE,
        **ACCOUNT,
        dynamicTools=[LOOK, crm],
    )
    await peer.play(thread_id)
    stage.script.on_turn(call_tool("look", {"id": "T-1"}), call_tool("look", namespace="crm"), say("done"))
    await answer_turn(peer, thread_id, "item/tool/call", FOUND, NO)


async def case_account_approvals(stage: Stage) -> None:
    stage.leave_out(*BEFORE_A_CANCEL)
    peer, thread_id = await stage.stage(ask_approval("touch x", reason="May I?"), say("done"), **ACCOUNT)
    await answer_turn(peer, thread_id, COMMAND, decision("accept"))
    for given in [decision("decline"), decision("cancel")]:
        stage.script.on_turn(ask_approval("touch y"), say("done"))
        await answer_turn(peer, thread_id, COMMAND, given)
        stage.script.on_turn(patch("a.txt", "one\n"), say("done"))
        await answer_turn(peer, thread_id, CHANGE, given)
    stage.script.on_turn(patch("a.txt", "one\n"), say("done"))
    await answer_turn(peer, thread_id, CHANGE, decision("accept"))


async def case_account_parallel_tools(stage: Stage) -> None:
    both = parallel(call_tool("look", {"id": "1"}), call_tool("look", {"id": "1"}))
    peer, thread_id = await stage.stage(both, say("done"), **ACCOUNT, dynamicTools=[LOOK])
    await peer.start_turn(thread_id)
    await _answer_both(peer, "item/tool/call", "item/completed", FOUND, FOUND)
    stage.script.on_turn(parallel(ask_approval("touch x"), ask_approval("touch x")), say("done"))
    await peer.start_turn(thread_id)
    await _answer_both(peer, COMMAND, "serverRequest/resolved", decision("decline"), decision("accept"))


async def case_parallel_tools(stage: Stage) -> None:
    both = parallel(call_tool("look", {"id": "1"}), call_tool("look", {"id": "1"}))
    peer, thread_id = await stage.stage(both, say("done"), dynamicTools=[LOOK])
    await peer.start_turn(thread_id)
    await _answer_both(peer, "item/tool/call", "item/completed", FOUND, FOUND)


async def _answer_both(peer: RawClient, method: str, until: str, *answers: Message) -> None:
    """Answer two requests when both have come. The real server calls tools in any order, so they are alike."""
    asked = [(await peer.until(method))[-1] for _ in range(2)]
    for request, given in zip(asked, answers, strict=True):
        await peer.send({"id": request["id"], **given})
        await peer.until(until)
    await peer.until("turn/completed")


async def case_asynchronous_questions(stage: Stage) -> None:
    peer, thread_id = await stage.stage(
        ask_async("Which colour?", "Which shape?", options=["Red", "Blue"]),
        say("I start.", phase="final_answer"),
        **ACCOUNT,
    )
    await peer.play(thread_id)
    stage.script.on_turn(say("I start.", phase="final_answer"), ask_async("How big?"))
    await peer.play(thread_id)
    stage.script.on_turn(ask_async("How big?"), say("I start."))
    await peer.play(thread_id)
    stage.script.on_turn(say("I start.", phase="final_answer"), say("And go on.", phase="commentary"))
    await peer.play(thread_id)
    stage.script.on_turn(ask_async("How big?"))
    await peer.play(thread_id)


async def case_asynchronous_messages(stage: Stage) -> None:
    peer, thread_id = await stage.stage(say("The answer.", phase="final_answer"), tell_async("Note."), **ACCOUNT)
    await peer.play(thread_id)
    stage.script.on_turn(tell_async("Note."), say("The answer."))
    await peer.play(thread_id)


async def case_sleeps(stage: Stage) -> None:
    peer, thread_id = await stage.stage(sleep(0.05), say("awake"), **ACCOUNT)
    await peer.play(thread_id)
    stage.script.on_turn(sleep(3600), say("never"))
    turn_id = await peer.start_turn(thread_id)
    await peer.until("item/started sleep")
    stage.script.on_turn(say("I am up."))
    await peer.result(
        "turn/steer", threadId=thread_id, expectedTurnId=turn_id, input=[{"type": "text", "text": "Wake up"}]
    )
    await peer.until("turn/completed")
    stage.script.on_turn(sleep(3600))
    turn_id = await peer.start_turn(thread_id)
    await peer.until("item/started sleep")
    await peer.request("turn/interrupt", {"threadId": thread_id, "turnId": turn_id})
    await peer.until("turn/completed")


async def case_account_terminals(stage: Stage) -> None:
    await _use_terminals(stage, **ACCOUNT)


async def case_terminals(stage: Stage) -> None:
    await _use_terminals(stage)


async def _use_terminals(stage: Stage, **params: str) -> None:
    stage.leave_out(*BEFORE_A_CANCEL)
    start = start_command("cat", escalate=True)
    steps = [write_stdin("it's\n", output="it's\r\nit's\r\n"), say("typed", phase="commentary")]
    end = write_stdin("\x04", exit_code=0)
    peer, thread_id = await stage.stage(start, *steps, end, say("done"), **params)
    await answer_turn(peer, thread_id, COMMAND, *[decision("accept")] * 3)
    for given in [decision("decline"), NO, decision("cancel")]:
        stage.script.on_turn(start, *steps, say("done"))
        await answer_turn(peer, thread_id, COMMAND, decision("accept"), given)
        await peer.result("thread/backgroundTerminals/list", threadId=thread_id)
        await peer.result("thread/backgroundTerminals/clean", threadId=thread_id)
        await peer.until("item/completed commandExecution")
    stage.script.on_turn(end, say("done"))  # there is no terminal
    await peer.play(thread_id)
    thread_id = await stage.start_thread(peer, sandbox="danger-full-access", **params)  # where nothing is asked
    stage.script.on_turn(start_command("cat"), *steps, end, say("done"))
    await peer.play(thread_id)


async def case_account_agents(stage: Stage) -> None:
    await _use_agents(stage, **ACCOUNT)


async def case_agents(stage: Stage) -> None:
    await _use_agents(stage)


async def _use_agents(stage: Stage, **params: str) -> None:
    """Compare each thread by itself: which of two threads is faster differs each time."""
    peer = await stage.connect(is_heard=False)
    stage.script.on_prompt("the task", run("echo hi", output="hi\n"), say("The child's.", phase="final_answer"))
    stage.script.on_prompt("the question", ask_approval("touch x"), say("Asked.", phase="final_answer"))
    thread_id = await stage.start_thread(peer, **params)
    stage.script.on_prompt("the failure", fail("no such thing"))
    for task, answers in [("the task", []), ("the question", [decision("accept")]), ("the failure", [])]:
        stage.script.on_turn(spawn_agent(task.replace(" ", "_"), f"do {task}"), wait_agent(), say("done"))
        await peer.start_turn(thread_id)
        for given in answers:
            await answer(peer, COMMAND, **given)
        await _until_completed(peer, thread_id)
    child_id, *others = dict.fromkeys(filter(None, map(_child_of, peer.seen)))
    stage.note_by_thread(peer, thread_id, child_id, *others)
    listed = await peer.result("thread/list", cwd=stage.cwd)
    stage.note([thread["id"] for thread in listed["data"]])
    read = await peer.result("thread/read", threadId=child_id)
    stage.note({key: read["thread"][key] for key in ("parentThreadId", "source", "ephemeral")})
    stage.note(await peer.result("thread/items/list", threadId=child_id))
    stage.note(await peer.result("thread/items/list", threadId=thread_id))


async def case_two_account_agents(stage: Stage) -> None:
    await _use_two_agents(stage, **ACCOUNT)


async def case_two_agents(stage: Stage) -> None:
    await _use_two_agents(stage)


async def _use_two_agents(stage: Stage, **params: str) -> None:
    peer = await stage.connect(is_heard=False)
    for name, seconds in [("quick", 0.2), ("slow", 1.5)]:
        stage.script.on_prompt(f"be {name}", run(f"sleep {seconds}", seconds=seconds), say("Done."))
    both = spawn_agent("quick", "be quick"), spawn_agent("slow", "be slow")
    stage.script.on_turn(*both, wait_agent(), say("one"), wait_agent(), say("both"))
    thread_id = await stage.start_thread(peer, **params)
    await peer.start_turn(thread_id)
    await _until_completed(peer, thread_id)
    stage.note_by_thread(peer, thread_id)


async def _until_completed(peer: RawClient, thread_id: str) -> None:
    while (await peer.until("turn/completed"))[-1]["params"]["threadId"] != thread_id:
        pass


def _child_of(message: Message) -> str | None:
    item = (message.get("params") or {}).get("item") or {}
    return item.get("agentThreadId") or next(iter(item.get("receiverThreadIds") or ()), None)


async def case_an_agent_that_runs_on(stage: Stage) -> None:
    peer = await stage.connect(is_heard=False)
    stage.script.on_prompt("the task", hang())
    thread_id = await stage.start_thread(peer, **ACCOUNT)
    stage.script.on_turn(spawn_agent("helper", "do the task"), wait(0.05), say("Let me see."), hang())
    turn_id = await peer.start_turn(thread_id)
    await peer.until("item/completed agentMessage")
    await peer.request("turn/interrupt", {"threadId": thread_id, "turnId": turn_id})
    await _until_completed(peer, thread_id)
    child_id = next(filter(None, map(_child_of, peer.seen)))
    stage.note_by_thread(peer, thread_id, child_id)


async def case_schemas(stage: Stage) -> None:
    """A schema that the model's API refuses fails the turn. The scripted model stands in for the API."""
    peer, thread_id = await stage.stage()
    color: Message = {"enum": ["red", "blue"]}
    closed: Message = {"type": "object", "required": ["color"], "additionalProperties": False}
    for schema in (
        {**closed, "properties": {"color": color}},
        {**closed, "properties": {"color": {"type": "string", **color}}},
        {"type": "array", "items": {"type": "string"}},
        {"type": "object", "properties": {}},
        True,
    ):
        stage.script.on_turn(say("{}"))
        await peer.play(thread_id, outputSchema=schema)
    open_schema = {"type": "object", "properties": {"color": color, "sizes": {"type": "array"}}}
    for root in ({}, {"type": "array"}, {"type": "odd"}, open_schema | {"oneOf": []}, open_schema):
        tool = {**LOOK, "inputSchema": root}
        crm = {"type": "namespace", "name": "crm", "description": "The CRM.", "tools": [tool]}
        for tools in ([tool], [LOOK | {"name": "other"}, crm]):
            stage.script.on_turn(say("ok"))
            await peer.play(await stage.start_thread(peer, dynamicTools=tools))


async def case_account_schemas(stage: Stage) -> None:
    """In code mode tools are described to the model in its own way, and not by their schemas."""
    tool = {**LOOK, "inputSchema": {"type": "array"}}
    peer, thread_id = await stage.stage(call_tool("look", {}), say("ok"), dynamicTools=[tool], **ACCOUNT)
    await answer_turn(peer, thread_id, "item/tool/call", FOUND)
    stage.script.on_turn(say("[]"))
    await peer.play(thread_id, outputSchema={"type": "array", "items": {"type": "string"}})
