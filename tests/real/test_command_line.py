"""`python -m codex_trio`, as a user runs it: a process of its own, and the real codex binary under it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import trio

from codex_trio import CodexClient, StdioTransport, protocol
from codex_trio._cli.doctor import run_doctor
from codex_trio.testing import ScriptedModel, fail, hang, open_scripted_model, retry, run, say, think
from tests.support.real_servers import TOKEN, MakeTransport


class Ran:
    """What a run of the command line left."""

    def __init__(self, done: subprocess.CompletedProcess[bytes]) -> None:
        self.code = done.returncode
        self.out = done.stdout.decode()
        self.err = done.stderr.decode()


async def codex_trio_cli(*args: str, env: dict[str, str], cwd: Path, stdin: bytes = b"") -> Ran:
    with trio.fail_after(60):
        return Ran(
            await trio.run_process(
                [sys.executable, "-W", "error", "-m", "codex_trio", *args],
                env={**os.environ, **env},
                cwd=cwd,
                stdin=stdin,
                capture_stdout=True,
                capture_stderr=True,
                check=False,
            )
        )


async def test_a_prompt_prints_its_steps(model: ScriptedModel, tmp_path: Path) -> None:
    model.on_turn(think("hm"), run("echo one; echo two"), say("done"))
    ran = await codex_trio_cli("Do it", env=model.env(), cwd=tmp_path)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        "[thinking] hm",
        "[exec] /bin/bash -c 'echo one; echo two'",
        "    one",
        "    two",
        "[codex] done",
    ]


async def test_json_prints_one_object_for_each_step(model: ScriptedModel, tmp_path: Path) -> None:
    model.on_turn(run("pwd"), say("done"))
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    ran = await codex_trio_cli(
        "Where?", "--json", "--cwd", str(folder), "--model", "other", env=model.env(), cwd=tmp_path
    )
    assert ran.code == 0
    command, message = map(json.loads, ran.out.splitlines())
    assert (command["step_type"], command["data"]["aggregatedOutput"]) == ("exec", f"{folder}\n")
    assert (message["step_type"], message["text"]) == ("codex", "done")
    assert model.requests[0].body["model"] == "other"


@pytest.mark.extended
async def test_a_failed_turn_exits_with_1(model: ScriptedModel, tmp_path: Path) -> None:
    model.on_turn(fail("the model is ill", http_status=500))
    ran = await codex_trio_cli("Do it", env=model.env(), cwd=tmp_path)
    assert ran.code == 1
    assert ran.err.startswith("CodexTurnFailedError: turn ")


@pytest.mark.extended
async def test_a_silent_turn_exits_with_1_and_its_thread_can_be_resumed(model: ScriptedModel, tmp_path: Path) -> None:
    model.on_turn(say("so far"), hang())
    ran = await codex_trio_cli("Do it", "--inactivity-timeout", "0.5", env=model.env(), cwd=tmp_path)
    silence, how = ran.err.splitlines()
    assert (ran.code, ran.out) == (1, "[codex] so far\n")
    assert silence == "no events for 0.5 s, so the turn was stopped; use --keep-waiting to wait longer"
    assert how.startswith("to resume: python -m codex_trio --resume ")

    model.on_turn(say("here I am ✓"))
    env = {**model.env(), "PYTHONIOENCODING": "ascii"}
    resumed = await codex_trio_cli(*how.split()[-2:], env=env, cwd=tmp_path, stdin=b"And now?\n")
    assert (resumed.code, resumed.out, resumed.err) == (0, "[codex] here I am \\u2713\n", "")
    assert "so far" in str(model.requests[-1].body["input"])
    assert model.requests[-1].prompt == "And now?"


@pytest.mark.extended
@pytest.mark.parametrize("reach", ["ws with a token", "unix"], indirect=True)
async def test_a_turn_on_a_server_that_runs_already(
    make_transport: MakeTransport, model: ScriptedModel, tmp_path: Path
) -> None:
    model.on_turn(run("pwd"), say("done"))
    url = make_transport().describe()
    env = {"CODEX_APP_SERVER_TOKEN": TOKEN}
    ran = await codex_trio_cli("Where?", "--url", url, "--cwd", str(tmp_path), env=env, cwd=tmp_path)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == ["[exec] /bin/bash -c pwd", f"    {tmp_path}", "[codex] done"]


async def test_ctrl_c_stops_the_turn_and_exits_with_130(model: ScriptedModel, tmp_path: Path) -> None:
    model.on_turn(say("so far"), hang())
    with trio.fail_after(60):
        process = await trio.lowlevel.open_process(
            [sys.executable, "-m", "codex_trio", "Do it"],
            env={**os.environ, **model.env()},
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            async with process.stdout, process.stderr:
                said = b""
                async for chunk in process.stdout:
                    said += chunk
                    if said.endswith(b"\n"):
                        break
                assert said == b"[codex] so far\n"
                process.send_signal(signal.SIGINT)
                assert b"".join([chunk async for chunk in process.stderr]) == b"interrupted; the turn was stopped\n"
                assert await process.wait() == 130
        finally:
            process.kill()
        await model.wait_idle()


@pytest.mark.extended
async def test_a_server_that_tries_again_is_heard_of(tmp_path: Path) -> None:
    config = "model_providers.scripted.stream_max_retries = 2"
    async with open_scripted_model(config=config) as model:
        model.on_turn(retry(), say("done"))
        ran = await codex_trio_cli("Do it", env=model.env(), cwd=tmp_path)
    assert (ran.code, ran.out) == (0, "[codex] done\n")
    assert ran.err.startswith("the server will retry: Reconnecting... 1/2 stream disconnected")


@pytest.mark.extended
async def test_what_makes_no_sense_is_told_in_one_line(tmp_path: Path) -> None:
    ran = await codex_trio_cli("Do it", "--cwd", "no/such/folder", env={}, cwd=tmp_path)
    assert ran.code == 2
    assert "no/such/folder is not a folder" in ran.err.splitlines()[-1]


@pytest.mark.extended
async def test_without_a_binary_it_says_how_to_get_one(tmp_path: Path) -> None:
    ran = await codex_trio_cli("Do it", "--cmd", "no-such-codex app-server", env={}, cwd=tmp_path)
    assert ran.code == 1
    assert "cannot start 'no-such-codex app-server'" in ran.err


@pytest.mark.extended
async def test_the_demo_tells_the_whole_story(tmp_path: Path) -> None:
    ran = await codex_trio_cli("demo", env={}, cwd=tmp_path)
    assert (ran.code, ran.err) == (0, "")
    for line in (
        "[thinking] There is a file here. Let me look.",
        "[exec] /bin/bash -c 'cat greeting.txt'",
        "    Hello from a file that codex has read.",
        "[codex] It says hello.",
        "Cancelled: its status is now interrupted. Its messages until then:",
        "[codex] Here I am again, on the same thread.",
    ):
        assert line in ran.out.splitlines()


@pytest.mark.extended
async def test_the_doctor_says_what_to_do_until_all_is_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    env = {"CODEX_HOME": str(tmp_path), "HOME": str(tmp_path)}
    with trio.fail_after(60):
        assert await run_doctor(StdioTransport(env=env), as_json=False) == 1
    told = capsys.readouterr().out
    assert "bad  login: not logged in, and the configured model provider needs it\n     -> run `" in told

    async with CodexClient.connect_stdio(env=env) as client:
        await client.login_api_key("sk-a-secret-of-this-test")
        version = client.server.server_info["version"]
    ran = await codex_trio_cli("doctor", "--json", env=env, cwd=tmp_path)
    assert (ran.code, ran.err) == (0, "")
    assert "a-secret-of-this-test" not in ran.out
    found = {one["about"]: one for one in json.loads(ran.out)["findings"]}
    assert {one["state"] for one in found.values()} <= {"ok", "note"}
    assert found["login"]["text"] == "by apiKey"
    assert found["version"]["text"].startswith(f"codex {version}; codex_trio was tested with ")
    assert found["server"]["text"].endswith("; its CODEX_HOME is ~")
    is_same = version == protocol.VERSION
    assert (found["schema"]["state"], bool(found["schema"]["details"])) == ("ok" if is_same else "note", not is_same)
