"""What both servers are asked to do with threads, by one client and by several."""

from __future__ import annotations

from codex_trio.testing import ask_approval, run, say, think, wait
from tests.conformance.contract.stage import PLAN, UNKNOWN, Stage, answer, decision
from tests.support.raw_client import HELLO, Message


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
    await peer.request("thread/list", {"cursor": "bad"})
    await peer.result("thread/read", threadId=thread_id, includeTurns=True)
    await peer.result("thread/resume", threadId=thread_id)
    await peer.until("thread/goal/cleared")


async def case_lists_of_threads(stage: Stage) -> None:
    peer, thread_id = await stage.stage(say("zebra"))
    await peer.play(thread_id, "An apple")
    await peer.play(thread_id, "a pear")
    thread_id = await stage.start_thread(peer)
    await peer.play(thread_id, "a fig")
    await peer.result("thread/name/set", threadId=thread_id, name="Figs")
    await peer.until("thread/name/updated")
    for text in ("", "apple", "Apple", "pear", "zebra", "fig", "Fig", "a"):
        await peer.result("thread/list", cwd=stage.cwd, searchTerm=text)
    for cwd in (f"{stage.cwd}/", f"{stage.cwd}/inner", [f"{stage.cwd}/inner", stage.cwd], []):
        await peer.result("thread/list", cwd=cwd)


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
    stage.leave_out(
        "thread/readState/changed"
    )  # one time in 400, codex 0.163 does not tell it of a turn that it reverts
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
    for wrong in (
        {"approvalPolicy": "bogus"},
        {"approvalPolicy": {"granular": {"sandbox_approval": True}}},
        {"sandboxPolicy": {"type": "bogus"}},
        {"sandboxPolicy": {"type": "workspaceWrite", "writableRoots": ["here"]}},
    ):
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


async def case_params_of_another_kind(stage: Stage) -> None:
    peer = await stage.connect(is_heard=False)  # the servers word it in their own ways
    thread_id = await stage.start_thread(peer)
    tool = {"type": "function", "description": "Look.", "inputSchema": {"type": "object"}}
    wrong: list[tuple[str, Message]] = [
        ("config/value/write", {"keyPath": "model.reasoning", "value": "high", "mergeStrategy": "replace"}),
        ("thread/list", {"limit": "5"}),
        ("thread/list", {"cwd": 3}),
        ("thread/start", {"dynamicTools": [tool]}),
        ("thread/start", {"cwd": 3}),
        ("thread/shellCommand", {"command": 3}),
        ("thread/backgroundTerminals/terminate", {}),
        ("review/start", {"target": "everything"}),
        ("turn/start", {"input": "hello"}),
        ("turn/start", {"input": 3}),
        ("turn/start", {"input": ["hello"]}),
        ("turn/start", {"input": [{"type": "text"}]}),
        ("turn/start", {"input": [], "collaborationMode": {"settings": PLAN["settings"]}}),
        ("turn/start", {"input": [], "sandboxPolicy": "readOnly"}),
        ("turn/start", {"input": [], "approvalPolicy": {"bogus": {}}}),
    ]
    for method, params in wrong:
        answered = await peer.request(method, {"threadId": thread_id, **params})
        stage.note([method, params, answered.get("error", {}).get("code")])
    stage.note((await peer.play(thread_id))[-1]["params"]["turn"]["status"])


async def case_accounts(stage: Stage) -> None:
    peer = await stage.connect()
    await peer.result("account/read")
    await peer.result("account/login/start", type="apiKey", apiKey="sk-none")
    await peer.until("account/updated")
    await peer.result("account/logout")
    await peer.until("account/updated")
    await peer.result("config/value/write", keyPath="tui.theme", value="dark", mergeStrategy="replace")
    await peer.request("config/value/write", {"keyPath": "tui.theme", "value": "dark"})
