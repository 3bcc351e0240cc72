"""What both servers are asked to do."""

from __future__ import annotations

from typing import Any

from _contract import Stage
from _peer import HELLO, Message, Peer

from codex_trio.testing import (
    ask_approval,
    ask_question,
    call_tool,
    fail,
    hang,
    patch,
    retry,
    run,
    say,
    think,
    wait,
)

PLAN = {"mode": "plan", "settings": {"model": "scripted", "reasoning_effort": None, "developer_instructions": None}}
UNKNOWN = "01a2061e-99c0-74f0-b2d6-3710637b248c"
WRITE = {"sandbox": "workspace-write"}


async def answer(peer: Peer, method: str, **given: Any) -> Message:
    """Answer the next question of a method, and return it."""
    asked = (await peer.until(method))[-1]
    await peer.send({"id": asked["id"], **given})
    return asked


async def turn(peer: Peer, thread_id: str, method: str, *answers: Message, **params: Any) -> None:
    """Play a turn that asks something some times."""
    await peer.start_turn(thread_id, **params)
    for given in answers:
        await answer(peer, method, **given)
    await peer.until("turn/completed")


def decision(word: Any) -> Message:
    return {"result": {"decision": word}}


NO = {"error": {"code": -32601, "message": "no"}}


async def case_plain_turns(stage: Stage) -> None:
    peer, thread_id = await stage.stage(think("hm, hm"), run("echo a; echo b", output="a\nb\n"), say("all done"))
    await peer.play(thread_id)
    stage.script.on_turn(say("Let me see.", phase="commentary"), say("It works.", phase="final_answer", pieces=3))
    await peer.play(thread_id, "again")
    stage.script.on_turn(lambda prompt: [say(prompt.upper())])
    await peer.play(thread_id, "loud", clientUserMessageId="mine")
    stage.script.on_turn(run("exit 3", exit_code=3), run("true"), wait(0.01))
    await peer.play(thread_id)
    stage.script.on_turn(run("""echo "it's" $HOME >/dev/null"""), run("echo 'a b'", output="a b\n"))
    await peer.play(thread_id)


async def case_patches(stage: Stage) -> None:
    peer, thread_id = await stage.stage(
        patch("a.txt", "one\ntwo\n"),
        patch("b.txt", "three\n"),
        patch("a.txt", "one\n2\nthree\nfour\nfive\nsix\n7\n", old="one\ntwo\n"),
        say("written"),
        **WRITE,
    )
    await peer.play(thread_id)
    stage.script.on_turn(
        patch("a.txt", "1\n2\nthree\nfour\nfive\nsix\nseven\n", old="one\n2\nthree\nfour\nfive\nsix\n7\n"),
        patch("b.txt", None, old="three\n"),
    )
    await peer.play(thread_id)


async def case_patches_that_ask(stage: Stage) -> None:
    method = "item/fileChange/requestApproval"
    peer, thread_id = await stage.stage(patch("a.txt", "one\n"), say("done"))
    await turn(peer, thread_id, method, decision("accept"))
    for number, given in enumerate([decision("decline"), NO, decision("cancel")]):
        stage.script.on_turn(patch(f"{number}.txt", "one\n"), say("done"))
        await turn(peer, thread_id, method, given)
    stage.script.on_turn(patch("c.txt", "one\n"), patch("c.txt", "two\n", old="one\n"), say("done"))
    await turn(peer, thread_id, method, decision("acceptForSession"))
    thread_id = await stage.start_thread(peer, approvalPolicy="never")
    stage.script.on_turn(patch("d.txt", "one\n"), say("done"))
    await peer.play(thread_id)


async def case_commands_that_ask(stage: Stage) -> None:
    method = "item/commandExecution/requestApproval"
    peer, thread_id = await stage.stage(ask_approval("touch x", reason="May I?"), say("done"))
    await turn(peer, thread_id, method, decision("accept"))
    for given in [decision("decline"), NO, {"result": None}, decision("bogus"), decision("cancel")]:
        stage.script.on_turn(ask_approval("touch x"), say("done"))
        await turn(peer, thread_id, method, given)
    stage.script.on_turn(ask_approval("touch x && touch y"), ask_approval("touch x && touch y"), say("done"))
    await turn(peer, thread_id, method, decision("acceptForSession"))
    stage.script.on_turn(ask_approval("touch amended one"), ask_approval("touch amended two"), say("done"))
    amendment = {"acceptWithExecpolicyAmendment": {"execpolicy_amendment": ["touch", "amended"]}}
    await turn(peer, thread_id, method, decision(amendment))


async def case_policies(stage: Stage) -> None:
    method = "item/commandExecution/requestApproval"
    peer, thread_id = await stage.stage(ask_approval("touch x"), say("done"), approvalPolicy="never")
    await peer.play(thread_id)
    thread_id = await stage.start_thread(peer, sandbox="danger-full-access")
    stage.script.on_turn(ask_approval("touch x"), patch("a.txt", "one\n"), say("done"))
    await peer.play(thread_id)
    thread_id = await stage.start_thread(peer, approvalPolicy="untrusted", **WRITE)
    stage.script.on_turn(run("echo hi", output="hi\n"), ask_approval("touch x"), say("done"))
    await turn(peer, thread_id, method, decision("accept"), decision("decline"))


async def case_questions(stage: Stage) -> None:
    method = "item/tool/requestUserInput"
    peer, thread_id = await stage.stage(ask_question("Which?", ["Red", "Blue"], question_id="colour"), say("done"))
    given = {"result": {"answers": {"colour": {"answers": ["Blue"]}}}}
    await turn(peer, thread_id, method, given, collaborationMode=PLAN)
    stage.script.on_turn(ask_question("Sure?", header="Sure"), say("done"))
    await turn(peer, thread_id, method, NO, collaborationMode=PLAN)
    thread_id = await stage.start_thread(peer)
    stage.script.on_turn(ask_question("Sure?"), say("done"))
    await peer.play(thread_id)


async def case_tools(stage: Stage) -> None:
    schema = {"type": "object", "properties": {"id": {"type": "string"}}}
    look = {"type": "function", "name": "look", "description": "Look.", "inputSchema": schema}
    crm = {"type": "namespace", "name": "crm", "description": "The CRM.", "tools": [look]}
    peer, thread_id = await stage.stage(
        call_tool("look", {"id": "T-1"}),
        call_tool("look", namespace="crm"),
        call_tool("look"),
        call_tool("look"),
        call_tool("nosuch"),
        say("done"),
        dynamicTools=[look, crm],
    )
    text = [{"type": "inputText", "text": "found"}]
    answers: list[Message] = [
        {"result": {"contentItems": text, "success": True}},
        {"result": {"contentItems": text, "success": False}},
        NO,
        {"result": {"what": 1}},
    ]
    await turn(peer, thread_id, "item/tool/call", *answers)


async def case_failures(stage: Stage) -> None:
    peer, thread_id = await stage.stage()
    for status in (400, 401, 404, 429, 500, 503):
        stage.script.on_turn(fail("no", http_status=status))
        await peer.play(thread_id)
    for info in ("other", "usageLimitExceeded", "rateLimitExceeded", "serverOverloaded", "contextWindowExceeded"):
        stage.script.on_turn(fail("no", error_info=info))
        await peer.play(thread_id)
    thread_id = await stage.start_thread(peer)
    stage.script.on_turn(run("true"), say("half"), fail("cut", error_info="cyberPolicy"), say("never"))
    await peer.play(thread_id)
    await peer.play(thread_id)


async def case_retries(stage: Stage) -> None:
    config = {"model_providers.scripted.stream_max_retries": 2}
    peer, thread_id = await stage.stage(say("half"), retry(), say("whole"), config=config)
    await peer.play(thread_id)


async def case_interrupts(stage: Stage) -> None:
    peer, thread_id = await stage.stage()

    async def interrupt(turn_id: str) -> Message:
        return await peer.request("turn/interrupt", {"threadId": thread_id, "turnId": turn_id})

    stage.script.on_turn(say("so far"), wait(60), say("never"))
    turn_id = await peer.start_turn(thread_id)
    await peer.until("item/completed agentMessage")
    await interrupt(UNKNOWN)
    await interrupt(turn_id)
    await peer.until("turn/completed")
    await interrupt("")
    stage.script.on_turn(say("half a message", seconds=60), say("never"))
    turn_id = await peer.start_turn(thread_id)
    await peer.until("item/agentMessage/delta")
    await interrupt(turn_id)
    await peer.until("turn/completed")
    stage.script.on_turn(think("hm"), ask_approval("touch x"), say("never"))
    turn_id = await peer.start_turn(thread_id)
    asked = (await peer.until("item/commandExecution/requestApproval"))[-1]
    await interrupt("")
    await peer.until("serverRequest/resolved")
    await peer.send({"id": asked["id"], **decision("accept")})
    await interrupt("")
    await peer.result("thread/turns/list", threadId=thread_id, itemsView="full")
    await peer.play(thread_id)
    await interrupt(turn_id)
    await peer.result("thread/read", threadId=thread_id)


async def case_early_interrupts(stage: Stage) -> None:
    stage.script.on_prompt("wait", wait(60))
    peer = await stage.connect(is_heard=False)
    thread_id = await stage.start_thread(peer)
    turn_id = await peer.start_turn(thread_id, "wait")
    answers = [await peer.request("turn/interrupt", {"threadId": thread_id, "turnId": turn_id})]
    while "error" in answers[-1]:
        await peer.until("turn/started")
        answers.append(await peer.request("turn/interrupt", {"threadId": thread_id, "turnId": turn_id}))
    stage.note(answers[-1]["result"])
    for _ in range(2):
        stage.note((await peer.until("turn/completed"))[-1]["params"]["turn"]["status"])
        start = {"threadId": thread_id, "input": [{"type": "text", "text": "wait"}]}
        interrupt = {"threadId": thread_id, "turnId": ""}
        await peer.send(
            {"id": "start", "method": "turn/start", "params": start},
            {"id": "interrupt", "method": "turn/interrupt", "params": interrupt},
        )
    stage.note((await peer.until("turn/completed"))[-1]["params"]["turn"]["status"])


async def case_a_command_outlives_its_turn(stage: Stage) -> None:
    peer, thread_id = await stage.stage(run("sleep 0.5; echo end", output="end\n", seconds=0.5), say("never"))
    turn_id = await peer.start_turn(thread_id)
    await peer.until("item/started commandExecution")
    await peer.result("turn/interrupt", threadId=thread_id, turnId=turn_id)
    await peer.until("turn/completed")
    await peer.until("item/completed commandExecution")
    await peer.result("thread/turns/list", threadId=thread_id, itemsView="full")


async def case_terminals(stage: Stage) -> None:
    peer, thread_id = await stage.stage(run("sleep 60", seconds=60), say("never"))
    await peer.start_turn(thread_id)
    await peer.until("item/started commandExecution")
    await peer.result("turn/interrupt", threadId=thread_id, turnId="")
    await peer.until("turn/completed")
    await peer.result("thread/backgroundTerminals/list", threadId=thread_id)
    await peer.result("thread/backgroundTerminals/clean", threadId=thread_id)
    await peer.until("item/completed commandExecution")
    await peer.result("thread/backgroundTerminals/list", threadId=thread_id)
    await peer.play(thread_id)


async def case_steering(stage: Stage) -> None:
    peer, thread_id = await stage.stage(say("half a message", seconds=60), say("never"))
    turn_id = await peer.start_turn(thread_id)
    await peer.until("item/agentMessage/delta")
    stage.script.on_turn(say("steered"), wait(60), say("never"))
    more = {"threadId": thread_id, "input": [{"type": "text", "text": "more"}]}
    await peer.request("turn/steer", {**more, "expectedTurnId": UNKNOWN})
    await peer.request("turn/steer", {**more, "expectedTurnId": turn_id, "input": []})
    await peer.request("turn/steer", more)
    await peer.request("turn/steer", {**more, "expectedTurnId": turn_id})
    await peer.until("item/completed agentMessage")
    stage.script.on_prompt("hurry", say("fast"))
    await peer.start_turn(thread_id, "hurry")
    await peer.until("turn/completed")
    await peer.request("turn/steer", {**more, "expectedTurnId": turn_id})


async def case_steering_while_a_command_runs(stage: Stage) -> None:
    peer, thread_id = await stage.stage(run("sleep 0.3", seconds=0.3), say("never"))
    turn_id = await peer.start_turn(thread_id)
    await peer.until("item/started commandExecution")
    stage.script.on_turn(say("steered"))
    more = {"threadId": thread_id, "input": [{"type": "text", "text": "more"}]}
    await peer.request("turn/steer", {**more, "expectedTurnId": turn_id})
    await peer.until("turn/completed")


async def case_steering_while_an_approval_is_pending(stage: Stage) -> None:
    peer, thread_id = await stage.stage(ask_approval("touch x"), say("never"))
    turn_id = await peer.start_turn(thread_id)
    asked = (await peer.until("item/commandExecution/requestApproval"))[-1]
    stage.script.on_turn(say("steered"))
    more = {"threadId": thread_id, "input": [{"type": "text", "text": "more"}]}
    await peer.request("turn/steer", {**more, "expectedTurnId": turn_id})
    await peer.send({"id": asked["id"], **decision("accept")})
    await peer.until("turn/completed")


async def case_compactions_and_shell_commands(stage: Stage) -> None:
    peer, thread_id = await stage.stage(say("hello"))
    await peer.play(thread_id)
    await peer.result("thread/compact/start", threadId=thread_id)
    await peer.until("turn/completed")
    stage.shell("echo hi; exit 3", "hi\n", 3)
    await peer.result("thread/shellCommand", threadId=thread_id, command="echo hi; exit 3")
    await peer.until("turn/completed")
    await peer.result("thread/turns/list", threadId=thread_id, itemsView="full")
    thread_id = await stage.start_thread(peer)
    await peer.result("thread/compact/start", threadId=thread_id)
    await peer.until("turn/completed")
    stage.script.on_turn(say("so far"), wait(60))
    await peer.start_turn(thread_id)
    await peer.until("item/completed agentMessage")
    await peer.result("thread/shellCommand", threadId=thread_id, command="echo hi; exit 3")
    await peer.until("item/completed commandExecution")
    await peer.result("thread/compact/start", threadId=thread_id)
    await peer.until("turn/completed")
    await peer.until("turn/completed")


async def case_reviews(stage: Stage) -> None:
    peer, thread_id = await stage.stage(think("hm"), run("echo hi", output="hi\n"), say("good"))
    await peer.result("review/start", threadId=thread_id, target={"type": "uncommittedChanges"})
    await peer.until("turn/completed")
    stage.script.on_turn(say("fine"))
    await peer.result("review/start", threadId=thread_id, target={"type": "custom", "instructions": "look"})
    await peer.until("turn/completed")
    stage.script.on_turn(think("hm"), hang())
    target = {"type": "commit", "sha": "2ecc0ac3b0b1b4760b90b6938b03d8ce939133bd", "title": "first"}
    await peer.result("review/start", threadId=thread_id, target=target)
    started = (await peer.until("turn/started"))[-1]
    await peer.until("item/completed reasoning")
    await peer.result("turn/interrupt", threadId=thread_id, turnId=started["params"]["turn"]["id"])
    await peer.until("turn/completed")
    await peer.result("thread/turns/list", threadId=thread_id, itemsView="full")
    await peer.result("thread/items/list", threadId=thread_id)


async def case_two_clients(stage: Stage) -> None:
    first, thread_id = await stage.stage(ask_approval("touch x"), say("done"))
    second = await stage.connect()
    watcher = await stage.connect(optOutNotificationMethods=["thread/status/changed"])
    await first.start_turn(thread_id)
    asked = (await first.until("item/commandExecution/requestApproval"))[-1]
    await second.result("thread/resume", threadId=thread_id, excludeTurns=True)
    again = (await second.until("item/commandExecution/requestApproval"))[-1]
    stage.note(asked == again)
    await second.send({"id": asked["id"], **decision("decline")})
    await second.until("serverRequest/resolved")
    await first.send({"id": asked["id"], **decision("accept")})
    await first.until("turn/completed")
    await second.until("turn/completed")
    await second.play(thread_id, "from the second")
    await first.until("turn/completed")
    await second.result("thread/unsubscribe", threadId=thread_id)
    await second.result("thread/unsubscribe", threadId=thread_id)
    await first.play(thread_id)
    await watcher.result("thread/read", threadId=thread_id)
    await second.result("thread/read", threadId=thread_id)


async def case_a_turn_outlives_its_client(stage: Stage) -> None:
    first, thread_id = await stage.stage(say("first"), ask_approval("touch x"), say("done"))
    await first.start_turn(thread_id)
    await first.until("item/commandExecution/requestApproval")
    await first.transport.aclose()
    second = await stage.connect()
    await second.result("thread/resume", threadId=thread_id)
    await answer(second, "item/commandExecution/requestApproval", **decision("accept"))
    await second.until("turn/completed")
    await second.result("thread/items/list", threadId=thread_id)


async def case_history(stage: Stage) -> None:
    peer, thread_id = await stage.stage(think("hm"), say("one"), run("true"), say("two"))
    for method in ("thread/read", "thread/turns/list", "thread/items/list", "thread/resume", "thread/fork"):
        await peer.request(method, {"threadId": thread_id})
    await peer.request("thread/read", {"threadId": thread_id, "includeTurns": True})
    await peer.play(thread_id, "a")
    for prompt in ("b", "c"):
        await peer.play(thread_id, prompt)
    for view in ("notLoaded", "summary", "full", "bogus"):
        await peer.request("thread/turns/list", {"threadId": thread_id, "itemsView": view})
    page = await peer.result("thread/turns/list", threadId=thread_id, limit=2)
    await peer.result("thread/turns/list", threadId=thread_id, limit=2, cursor=page["nextCursor"])
    await peer.result("thread/turns/list", threadId=thread_id, cursor=page["backwardsCursor"], sortDirection="asc")
    await peer.request("thread/turns/list", {"threadId": thread_id, "limit": 0})
    await peer.request("thread/turns/list", {"threadId": thread_id, "cursor": "bad"})
    items = await peer.result("thread/items/list", threadId=thread_id, limit=3)
    await peer.result("thread/items/list", threadId=thread_id, limit=3, cursor=items["nextCursor"])
    await peer.result("thread/items/list", threadId=thread_id, limit=3, sortDirection="desc")
    turn_id, item_id = items["data"][0]["turnId"], items["data"][1]["item"]["id"]
    anchor = {"type": "item", "itemId": item_id}
    await peer.result("thread/items/list", threadId=thread_id, turnId=turn_id, cursor=anchor)
    await peer.request("thread/items/list", {"threadId": thread_id, "cursor": anchor})
    await peer.request("thread/items/list", {"threadId": thread_id, "turnId": UNKNOWN})
    unknown = {"type": "item", "itemId": "nope"}
    await peer.request("thread/items/list", {"threadId": thread_id, "turnId": turn_id, "cursor": unknown})
    await peer.result("thread/read", threadId=thread_id, includeTurns=True)
    await peer.result("thread/resume", threadId=thread_id)
    await peer.until("thread/goal/cleared")


async def case_thread_operations(stage: Stage) -> None:
    peer, thread_id = await stage.stage()
    for name in ("Mine", ""):
        await peer.request("thread/name/set", {"threadId": thread_id, "name": name})
    for method in ("thread/archive", "thread/unarchive"):
        await peer.request(method, {"threadId": thread_id})
    thread_id = await stage.start_thread(peer)
    turn_ids = [(await peer.play(thread_id, prompt))[-1]["params"]["turn"]["id"] for prompt in ("a", "b", "c")]
    forked = await peer.result("thread/fork", threadId=thread_id, lastTurnId=turn_ids[1])
    await peer.until("thread/started")
    fork_id = forked["thread"]["id"]
    await peer.play(fork_id, "d")
    await peer.result("thread/fork", threadId=thread_id, beforeTurnId=turn_ids[1], excludeTurns=True)
    await peer.until("thread/started")
    await peer.request("thread/fork", {"threadId": thread_id, "lastTurnId": UNKNOWN})
    await peer.request("thread/revert", {"threadId": thread_id, "beforeTurnId": UNKNOWN})
    await peer.result("thread/revert", threadId=thread_id, beforeTurnId=turn_ids[2])
    await peer.until("thread/reverted")
    await peer.result("thread/turns/list", threadId=thread_id, itemsView="notLoaded")
    await peer.play(thread_id, "e")
    await peer.result("thread/archive", threadId=fork_id)
    await peer.until("thread/archived")
    for method in ("thread/archive", "thread/resume", "thread/read"):
        await peer.request(method, {"threadId": fork_id})
    await peer.request("turn/start", {"threadId": fork_id, "input": []})
    await peer.result("thread/unarchive", threadId=fork_id)
    await peer.until("thread/unarchived")
    await peer.result("thread/resume", threadId=fork_id, excludeTurns=True)
    await peer.until("thread/goal/cleared")
    await peer.play(fork_id, "f")
    await peer.result("thread/delete", threadId=fork_id)
    await peer.until("thread/deleted")
    for method in ("thread/delete", "thread/resume", "thread/read"):
        await peer.request(method, {"threadId": fork_id})
    await peer.result("thread/revert", threadId=thread_id, beforeTurnId=turn_ids[0])
    await peer.until("thread/reverted")
    await peer.result("thread/turns/list", threadId=thread_id)
    await peer.play(thread_id, "g")


async def case_operations_on_a_running_thread(stage: Stage) -> None:
    peer, thread_id = await stage.stage(say("first"))
    await peer.play(thread_id)
    stage.script.on_turn(say("second"), wait(60))
    turn_id = await peer.start_turn(thread_id)
    await peer.until("item/completed agentMessage")
    await peer.result("thread/fork", threadId=thread_id)
    await peer.until("thread/started")
    await peer.result("thread/resume", threadId=thread_id)
    await peer.until("thread/goal/cleared")
    await peer.result("thread/revert", threadId=thread_id, beforeTurnId=turn_id)
    await peer.until("thread/reverted")
    stage.script.on_turn(think("hm"), wait(60))
    await peer.start_turn(thread_id)
    await peer.until("item/completed reasoning")
    await peer.result("thread/archive", threadId=thread_id)
    await peer.until("thread/archived")


async def case_settings(stage: Stage) -> None:
    peer, thread_id = await stage.stage(model="other", approvalPolicy="untrusted", sandbox="read-only")
    await peer.play(thread_id, model="another", effort="high", summary="detailed")
    await peer.play(thread_id)
    await peer.play(thread_id, sandboxPolicy={"type": "dangerFullAccess"}, approvalPolicy="never")
    await peer.play(thread_id, sandboxPolicy={"type": "workspaceWrite", "networkAccess": True})
    for wrong in ({"approvalPolicy": "bogus"}, {"sandboxPolicy": {"type": "bogus"}}):
        await peer.request("turn/start", {"threadId": thread_id, "input": [], **wrong})
    await peer.request("thread/start", {"sandbox": "bogus"})
    await peer.result("thread/fork", threadId=thread_id, excludeTurns=True, model="fourth")
    await peer.until("thread/started")


async def case_refusals(stage: Stage) -> None:
    peer, thread_id = await stage.stage()
    text = [{"type": "text", "text": "hi"}]
    await peer.request("initialize", HELLO)
    await peer.request("turn/start", {"threadId": "nope", "input": text})
    await peer.request("turn/start", {"threadId": UNKNOWN, "input": text})
    await peer.request("turn/start", {"threadId": thread_id})
    await peer.request("turn/interrupt", {"turnId": UNKNOWN})
    await peer.request("turn/interrupt", {"threadId": thread_id, "turnId": UNKNOWN})
    for method in (
        "thread/read",
        "thread/resume",
        "thread/fork",
        "thread/archive",
        "thread/delete",
        "thread/unsubscribe",
        "thread/turns/list",
        "thread/items/list",
        "thread/compact/start",
        "thread/unarchive",
    ):
        await peer.request(method, {"threadId": UNKNOWN})
    await peer.request("thread/name/set", {"threadId": UNKNOWN, "name": "x"})
    await peer.request("thread/revert", {"threadId": UNKNOWN, "beforeTurnId": UNKNOWN})
    for command in ("", " "):
        await peer.request("thread/shellCommand", {"threadId": thread_id, "command": command})
    for target in ({"type": "bogus"}, {"type": "custom", "instructions": ""}, {"type": "baseBranch", "branch": ""}):
        await peer.request("review/start", {"threadId": thread_id, "target": target})
    await peer.request("review/start", {"threadId": thread_id, "target": {"type": "commit", "sha": ""}})
    ephemeral = await stage.start_thread(peer, ephemeral=True)
    await peer.play(ephemeral)
    for method in ("thread/turns/list", "thread/items/list", "thread/fork", "thread/archive", "thread/delete"):
        await peer.request(method, {"threadId": ephemeral})
    await peer.request("thread/read", {"threadId": ephemeral, "includeTurns": True})
    stable = await stage.connect(experimentalApi=False)
    await stable.request("thread/start", {"dynamicTools": []})
    await stable.request("turn/start", {"threadId": thread_id, "input": text, "collaborationMode": PLAN})
    await stable.request("thread/backgroundTerminals/clean", {"threadId": thread_id})


async def case_accounts(stage: Stage) -> None:
    peer = await stage.connect()
    await peer.result("account/read")
    await peer.result("account/login/start", type="apiKey", apiKey="sk-none")
    await peer.until("account/updated")
    await peer.result("account/logout")
    await peer.until("account/updated")
    await peer.result("config/value/write", keyPath="tui.theme", value="dark", mergeStrategy="replace")
    await peer.request("config/value/write", {"keyPath": "tui.theme", "value": "dark"})
