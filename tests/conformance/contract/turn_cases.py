"""What both servers are asked to do in turns."""

from __future__ import annotations

import uuid

from codex_trio.testing import ask_approval, ask_question, call_tool, fail, hang, patch, retry, run, say, think, wait
from tests.conformance.contract.stage import BEFORE_A_CANCEL, NO, PLAN, UNKNOWN, WRITE, Stage, answer_turn, decision
from tests.support.raw_client import Message


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
    stage.script.on_turn(patch("empty", ""), patch("odd", "a\u2028b\fc\r\nd"), patch("odd", "", old="a\u2028b\fc\r\nd"))
    await peer.play(thread_id)


async def case_patches_that_ask(stage: Stage) -> None:
    method = "item/fileChange/requestApproval"
    peer, thread_id = await stage.stage(patch("a.txt", "one\n"), say("done"))
    await answer_turn(peer, thread_id, method, decision("accept"))
    for number, given in enumerate([decision("decline"), NO]):
        stage.script.on_turn(patch(f"{number}.txt", "one\n"), say("done"))
        await answer_turn(peer, thread_id, method, given)
    stage.script.on_turn(patch("c.txt", "one\n"), patch("c.txt", "two\n", old="one\n"), say("done"))
    await answer_turn(peer, thread_id, method, decision("acceptForSession"))
    thread_id = await stage.start_thread(peer, approvalPolicy="never")
    stage.script.on_turn(patch("d.txt", "one\n"), say("done"))
    await peer.play(thread_id)


async def case_answers_that_end_the_turn(stage: Stage) -> None:
    stage.leave_out(*BEFORE_A_CANCEL)
    peer, thread_id = await stage.stage(patch("a.txt", "one\n"), say("never"))
    await answer_turn(peer, thread_id, "item/fileChange/requestApproval", decision("cancel"))
    stage.script.on_turn(ask_approval("touch x"), say("never"))
    await answer_turn(peer, thread_id, "item/commandExecution/requestApproval", decision("cancel"))


async def case_patches_before_another_end(stage: Stage) -> None:
    stage.leave_out(*BEFORE_A_CANCEL)
    peer, thread_id = await stage.stage(patch("a.txt", "one\n"), say("half"), fail("no", error_info="other"), **WRITE)
    await peer.play(thread_id)
    for number, last in enumerate([wait(60), say("so far", seconds=60), run("sleep 60", seconds=60), hang()]):
        stage.script.on_turn(patch(f"{number}.txt", "one\n"), say("begun"), last, say("never"))
        await peer.start_turn(thread_id)
        await peer.until("item/completed agentMessage")
        if number in (1, 2):
            await peer.until(["item/agentMessage/delta", "item/started commandExecution"][number - 1])
        await peer.result("turn/interrupt", threadId=thread_id, turnId="")
        await peer.until("turn/completed")


async def case_steering_after_a_patch(stage: Stage) -> None:
    peer, thread_id = await stage.stage(
        patch("a.txt", "one\n"), say("half a message", seconds=60), say("never"), **WRITE
    )
    turn_id = await peer.start_turn(thread_id)
    await peer.until("item/agentMessage/delta")
    stage.script.on_turn(say("steered"))
    more = [{"type": "text", "text": "more"}]
    await peer.result("turn/steer", threadId=thread_id, expectedTurnId=turn_id, input=more)
    await peer.until("turn/completed")


async def case_patches_beyond_the_working_directory(stage: Stage) -> None:
    method = "item/fileChange/requestApproval"
    peer = await stage.connect(optOutNotificationMethods=["turn/diff/updated"])  # tells paths from the nearest .git
    thread_id = await stage.start_thread(peer, sandbox="danger-full-access")
    stage.script.on_turn(patch("inner/a.txt", "one\n"), patch("other/a.txt", "one\n"), say("done"))
    await peer.play(thread_id)
    shared = f"/tmp/{uuid.uuid4()}"
    stage.script.on_turn(
        patch(shared, "one\n"), patch(shared, None, old="one\n"), patch(".git/a", "one\n"), say("done")
    )
    narrow: Message = {"type": "workspaceWrite", "writableRoots": [f"{stage.cwd}/other"]}
    narrow |= {"networkAccess": False, "excludeTmpdirEnvVar": False, "excludeSlashTmp": False}
    given = {"cwd": f"{stage.cwd}/inner", "sandboxPolicy": narrow}
    await answer_turn(peer, thread_id, method, decision("decline"), **given)
    narrow |= {"excludeTmpdirEnvVar": True, "excludeSlashTmp": True}
    for path in ("../other/b.txt", shared, "../other/.git/a", "../c.txt"):
        stage.script.on_turn(patch(path, "one\n"), say("done"))
        answers = [] if path == "../other/b.txt" else [decision("decline")]
        await answer_turn(peer, thread_id, method, *answers, **given)


async def case_commands_that_ask(stage: Stage) -> None:
    method = "item/commandExecution/requestApproval"
    peer, thread_id = await stage.stage(ask_approval("touch x", reason="May I?"), say("done"))
    await answer_turn(peer, thread_id, method, decision("accept"))
    for given in [decision("decline"), NO, {"result": None}, decision("bogus")]:
        stage.script.on_turn(ask_approval("touch x"), say("done"))
        await answer_turn(peer, thread_id, method, given)
    stage.script.on_turn(ask_approval("touch x && touch y"), ask_approval("touch x && touch y"), say("done"))
    await answer_turn(peer, thread_id, method, decision("acceptForSession"))
    stage.script.on_turn(ask_approval("touch amended one"), ask_approval("touch amended two"), say("done"))
    amendment = {"acceptWithExecpolicyAmendment": {"execpolicy_amendment": ["touch", "amended"]}}
    await answer_turn(peer, thread_id, method, decision(amendment))


async def case_policies(stage: Stage) -> None:
    method = "item/commandExecution/requestApproval"
    peer, thread_id = await stage.stage(ask_approval("touch x"), say("done"), approvalPolicy="never")
    await peer.play(thread_id)
    thread_id = await stage.start_thread(peer, sandbox="danger-full-access")
    stage.script.on_turn(ask_approval("touch x"), patch("a.txt", "one\n"), say("done"))
    await peer.play(thread_id)
    stage.script.on_turn(ask_approval("touch x"), say("done"))
    await peer.play(thread_id, approvalPolicy="never")
    thread_id = await stage.start_thread(peer, approvalPolicy="untrusted", **WRITE)
    stage.script.on_turn(run("echo hi", output="hi\n"), ask_approval("touch x"), say("done"))
    await answer_turn(peer, thread_id, method, decision("accept"), decision("decline"))


async def case_granular_policies(stage: Stage) -> None:
    granular = {"sandbox_approval": False, "rules": True, "mcp_elicitations": True}
    steps = ask_approval("touch x"), patch("b.txt", "one\n"), say("done")
    peer, thread_id = await stage.stage(*steps, approvalPolicy={"granular": granular})
    await peer.play(thread_id)
    stage.script.on_turn(ask_approval("touch x"), say("done"))
    granular["sandbox_approval"] = True
    method = "item/commandExecution/requestApproval"
    await answer_turn(peer, thread_id, method, decision("decline"), approvalPolicy={"granular": granular})


async def case_questions(stage: Stage) -> None:
    method = "item/tool/requestUserInput"
    peer, thread_id = await stage.stage(ask_question("Which?", ["Red", "Blue"], question_id="colour"), say("done"))
    given = {"result": {"answers": {"colour": {"answers": ["Blue"]}}}}
    await answer_turn(peer, thread_id, method, given, collaborationMode=PLAN)
    stage.script.on_turn(ask_question("Sure?", header="Sure"), say("done"))
    await answer_turn(peer, thread_id, method, NO, collaborationMode=PLAN)
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
    await answer_turn(peer, thread_id, "item/tool/call", *answers)


async def case_failures(stage: Stage) -> None:
    peer, thread_id = await stage.stage()
    for status in (400, 401, 404, 413, 422, 429, 500, 503, 529):
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
    stage.leave_out("account/rateLimits/updated")  # now and then it is not told of a call that was cut off
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
    command = run("sleep 0.3; echo so far; sleep 60", output="so far\n", seconds=60)
    peer, thread_id = await stage.stage(command, say("never"))
    await peer.start_turn(thread_id)
    await peer.until("item/commandExecution/outputDelta")
    await peer.result("turn/interrupt", threadId=thread_id, turnId="")
    await peer.until("turn/completed")
    forked = await peer.result("thread/fork", threadId=thread_id, excludeTurns=True)
    await peer.until("thread/started")
    await peer.result("thread/backgroundTerminals/list", threadId=thread_id)
    await peer.result("thread/backgroundTerminals/clean", threadId=thread_id)
    await peer.until("item/completed commandExecution")
    await peer.result("thread/items/list", threadId=thread_id)
    await peer.result("thread/items/list", threadId=forked["thread"]["id"])
    await peer.result("thread/backgroundTerminals/list", threadId=thread_id)
    await peer.play(thread_id)


async def case_steering(stage: Stage) -> None:
    stage.leave_out("account/rateLimits/updated")  # now and then it is not told of a call that was cut off
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
    stage.script.on_turn(say("fine", seconds=0.4))
    await peer.result("review/start", threadId=thread_id, target={"type": "custom", "instructions": "look"})
    stage.note((await peer.until("turn/completed"))[-1]["params"]["turn"]["durationMs"] > 300)
    stage.script.on_turn(think("hm"), hang())
    target = {"type": "commit", "sha": "2ecc0ac3b0b1b4760b90b6938b03d8ce939133bd", "title": "first"}
    await peer.result("review/start", threadId=thread_id, target=target)
    started = (await peer.until("turn/started"))[-1]
    await peer.until("item/completed reasoning")
    await peer.result("turn/interrupt", threadId=thread_id, turnId=started["params"]["turn"]["id"])
    await peer.until("turn/completed")
    await peer.result("thread/turns/list", threadId=thread_id, itemsView="full")
    await peer.result("thread/items/list", threadId=thread_id)
