"""`doctor`, with codex binaries that are no codex: what it finds, what it says to do, and that it always ends."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args

import pytest
import trio

import codex_trio
from codex_trio import StdioTransport, protocol
from codex_trio._cli import doctor, main
from tests.support.fake_server_command import install_server
from tests.support.leaks import nothing_left

METHODS = {
    "ClientRequest": get_args(protocol.RequestMethod),
    "ServerRequest": get_args(protocol.AskMethod),
    "ServerNotification": get_args(protocol.NotificationMethod),
}
TELLS_VERSION = "if '--version' in sys.argv: print('codex-cli {}'); sys.exit()\n"
TELLS_SCHEMA = """
if 'generate-json-schema' in sys.argv:
    import shutil
    shutil.copytree({!r}, sys.argv[-1], dirs_exist_ok=True)
    sys.exit()
"""
SERVES = "shake_hands(userAgent='codex_trio/0.163.0 (fake)'); serve()"

Finding = dict[str, Any]


def write_schema(folder: Path, *, new: Iterable[tuple[str, str]] = (), gone: Iterable[str] = ()) -> None:
    """Write what a binary would say that knows other methods than we do."""
    for name, known in METHODS.items():
        methods = [*(one for one in known if one not in gone), *(method for kind, method in new if kind == name)]
        schema = {"oneOf": [{"properties": {"method": {"enum": [one]}}} for one in methods]}
        (folder / f"{name}.json").write_text(json.dumps(schema))


class Codex:
    """A binary that does as a script says.

    Attributes:
        schema: The folder that its schema is in.
    """

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._folder = folder
        self._capsys = capsys
        self.schema = folder / "schema"
        self.schema.mkdir()
        write_schema(self.schema)

    async def examine(self, *parts: str) -> tuple[int, dict[str, Finding]]:
        """Return the exit code of `doctor`, and its findings by what they are about."""
        command = [str(install_server(self._folder / "codex", "".join(parts))), "app-server"]
        with trio.fail_after(20), nothing_left():
            transport = StdioTransport(command, connect_timeout=doctor.TIMEOUT, shutdown_grace=0.1)
            code = await doctor.run_doctor(transport, as_json=True)
        told = json.loads(self._capsys.readouterr().out)
        assert told["usable"] is (code == 0)
        return code, {one["about"]: one for one in told["findings"]}

    def tells_schema(self) -> str:
        return TELLS_SCHEMA.format(str(self.schema))


@pytest.fixture
def codex(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Codex:
    return Codex(tmp_path, capsys)


async def test_where_nothing_is_wrong_all_is_ok(codex: Codex) -> None:
    code, found = await codex.examine(TELLS_VERSION.format("0.163.0"), codex.tells_schema(), SERVES)
    assert code == 0
    assert list(found) == ["codex_trio", "command", "version", "schema", "server", "login"]
    assert {(one["state"], one["advice"]) for one in found.values()} == {("ok", "")}
    assert "given as --cmd" in found["command"]["text"]
    assert "codex_trio/0.163.0 (fake)" in found["server"]["text"]


@pytest.mark.extended
async def test_what_is_new_and_what_is_gone_in_the_schema_is_named(codex: Codex) -> None:
    new = [("ClientRequest", "thread/dream"), ("ServerRequest", "item/ask"), ("ServerNotification", "thread/woke")]
    write_schema(codex.schema, new=new)
    code, found = await codex.examine(TELLS_VERSION.format("0.170.0"), codex.tells_schema(), SERVES)
    assert (code, found["schema"]["state"]) == (0, "note")
    assert found["schema"]["text"].startswith(f"codex 0.170.0 differs from {protocol.VERSION}")
    assert found["schema"]["details"] == [
        "requests that only this codex has: thread/dream",
        "requests of the server that only this codex has: item/ask",
        "notifications that only this codex has: thread/woke",
    ]
    assert found["schema"]["advice"].startswith("none needed: codex_trio delivers unknown notifications")

    write_schema(codex.schema, gone=["thread/fork", "thread/closed"])
    code, found = await codex.examine(TELLS_VERSION.format("0.170.0"), codex.tells_schema(), SERVES)
    assert (code, found["schema"]["state"]) == (0, "note")
    assert found["schema"]["details"] == [
        "requests that this codex lacks: thread/fork",
        "notifications that this codex lacks: thread/closed",
    ]
    assert found["schema"]["advice"] == "do not use the methods that it lacks; everything else works"


async def test_without_the_methods_of_a_turn_no_turn_can_run(codex: Codex) -> None:
    write_schema(codex.schema, gone=["turn/start", "turn/completed"])
    code, found = await codex.examine(TELLS_VERSION.format("9.0.0"), codex.tells_schema(), SERVES)
    assert (code, found["schema"]["state"]) == (1, "bad")
    assert found["schema"]["text"] == "codex 9.0.0 lacks methods that every turn needs: turn/start, turn/completed"
    assert found["schema"]["advice"] == f"use codex {protocol.VERSION}, or a newer codex_trio"


async def test_an_old_binary_and_a_server_of_another_version_are_noted(codex: Codex) -> None:
    code, found = await codex.examine(TELLS_VERSION.format("0.100.0-alpha.3"), codex.tells_schema(), SERVES)
    assert code == 0
    oldest, _ = codex_trio.TESTED_CODEX_VERSIONS
    assert found["version"]["state"] == "note"
    assert found["version"]["text"].startswith(f"codex 0.100.0-alpha.3 is older than {oldest}, the oldest version that")
    assert "pip install 'codex-trio[codex]'" in found["version"]["advice"]
    assert (
        found["server"]["advice"] == "--version reports 0.100.0-alpha.3, the server 0.163.0: find out which binary runs"
    )


async def test_a_binary_newer_than_the_tested_ones_is_noted_and_usable(codex: Codex) -> None:
    code, found = await codex.examine(TELLS_VERSION.format("0.172.0-alpha.3"), codex.tells_schema(), SERVES)
    assert (code, found["version"]["state"]) == (0, "note")
    assert found["version"]["text"].startswith("codex 0.172.0-alpha.3 is newer than 0.171.0, the newest version that")


@pytest.mark.parametrize("version", ["0.0.0", "0.163.0-alpha.1", f"0.171.{'9' * 5000}"])
async def test_a_binary_of_an_odd_version_is_no_error(codex: Codex, version: str) -> None:
    code, found = await codex.examine(TELLS_VERSION.format(version), codex.tells_schema(), SERVES)
    assert (code, found["version"]["state"]) == (0, "ok")
    assert found["version"]["text"] == f"codex {version}; codex_trio was tested with 0.155.0 to 0.171.0"


async def test_a_binary_that_is_broken_is_told_of_with_its_last_words(codex: Codex) -> None:
    code, found = await codex.examine("complain('no such library'); die(3)")
    assert code == 1
    assert "--version exited with code 3: no such library" in found["version"]["text"]
    assert found["server"]["state"] == "bad"
    assert "no such library" in found["server"]["text"]
    assert "login" not in found


async def test_a_binary_that_never_answers_is_killed(codex: Codex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "TIMEOUT", 0.3)
    hangs = "signal.signal(signal.SIGTERM, signal.SIG_IGN); subprocess.Popen(['sleep', '60']); time.sleep(60)"
    code, found = await codex.examine(hangs)
    assert code == 1
    assert found["version"]["text"].endswith("codex --version did not end within 0.3 s")
    assert "did not answer `initialize` within 0.3 s" in found["server"]["text"]


@pytest.mark.extended
@pytest.mark.parametrize("text", ["", "[]", '{"oneOf": [{"title": "x"}]}'])
async def test_a_schema_of_another_form_is_noted(codex: Codex, text: str) -> None:
    (codex.schema / "ServerRequest.json").write_text(text)
    code, found = await codex.examine(TELLS_VERSION.format("0.163.0"), codex.tells_schema(), SERVES)
    assert (code, found["schema"]["state"]) == (0, "note")
    assert "this version cannot read its ServerRequest.json" in found["schema"]["text"]


async def test_a_login_that_cannot_be_read_is_noted(codex: Codex) -> None:
    refuses = (
        "shake_hands(userAgent='codex_trio/0.163.0 (fake)'); refuse(expect('account/read'), -32600, 'no'); serve()"
    )
    code, found = await codex.examine(TELLS_VERSION.format("0.163.0"), codex.tells_schema(), refuses)
    assert (code, found["login"]["state"]) == (0, "note")
    assert found["login"]["text"].startswith("it could not be read: ")


async def test_a_server_that_refuses_to_begin_is_told_of_and_there_is_a_verdict(codex: Codex) -> None:
    refuses = "refuse(expect('initialize'), -32600, 'not today'); serve()"
    code, found = await codex.examine(TELLS_VERSION.format("0.163.0"), codex.tells_schema(), refuses)
    assert (code, found["server"]["state"]) == (1, "bad")
    assert "not today" in found["server"]["text"]
    assert found["server"]["advice"].startswith("run `")
    assert "login" not in found


async def test_what_it_says_can_be_shown_to_others(
    codex: Codex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    tells = "shake_hands(userAgent='codex_trio/0.163.0', codexHome='/home/ann/.codex'); serve()"
    _, found = await codex.examine(TELLS_VERSION.format("0.163.0"), codex.tells_schema(), tells)
    assert found["command"]["text"].startswith("~/codex app-server, given as --cmd")
    assert found["server"]["text"].startswith("~/codex app-server answered after ")
    assert found["server"]["text"].endswith("its CODEX_HOME is ~/.codex")
    assert str(tmp_path) not in str(found)


@pytest.mark.parametrize("word", ["-c", "--token"])
async def test_a_secret_among_the_words_of_the_command_is_not_told(
    word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = install_server(tmp_path / "codex", "complain(' '.join(sys.argv)); die(3)")
    command = [str(program), word, "x.api_key=-abcdefgh", "app-server"]
    with trio.fail_after(20):
        await doctor.run_doctor(StdioTransport(command, shutdown_grace=0.1), as_json=False)
    told = capsys.readouterr().out
    assert f"{program} {word} " in told
    assert "***" in told
    assert "abcdefgh" not in told


# --- as a command


def run_doctor(capsys: pytest.CaptureFixture[str], *args: str) -> list[str]:
    """Return the lines of a doctor who finds that no turn can run."""
    assert main(["doctor", *args]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "Fix the problems above before running a turn."
    return lines


def test_without_any_binary_it_lists_what_was_tried_and_how_to_get_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CODEX_APP_SERVER_CMD", raising=False)
    monkeypatch.setitem(sys.modules, "codex_cli_bin", None)
    _, found, advice, *_ = run_doctor(capsys)
    assert found.startswith("bad  command: no codex binary was found. Tried: the command argument (not given), the env")
    assert "'codex' on PATH" in found
    assert advice == "     -> pip install 'codex-trio[codex]', or npm install -g @openai/codex"


@pytest.mark.parametrize("command", ["no-such-codex app-server", "'"])
def test_a_command_of_the_environment_that_is_none_is_told_of(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("CODEX_APP_SERVER_CMD", command)
    _, found, advice, *_ = run_doctor(capsys)
    assert found.startswith("bad  command: ")
    assert "CODEX_APP_SERVER_CMD" in found
    assert advice.startswith("     -> ")


def test_what_others_say_cannot_pass_for_a_finding(capsys: pytest.CaptureFixture[str]) -> None:
    evil = "x\nbad  login: y\n     -> run evil\x1b[2J"
    doctor.Report(as_json=False).add("server", "ok", evil, evil, [evil])
    lines = capsys.readouterr().out.splitlines()
    below = ["         bad  login: y", "              -> run evil<U+001B>[2J"]
    assert lines == ["ok   server: x", *below, "         x", *below, "     -> x", *below]


def test_a_command_without_the_word_app_server_is_only_started(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    install_server(tmp_path / "codex", "complain('api_key=abcdefgh'); die(3)")
    lines = run_doctor(capsys, "--cmd", f"{tmp_path}/codex --token abcdefgh")
    assert lines[2].startswith("note schema: the command does not contain 'app-server'")
    assert lines[3].startswith("bad  server: lost the server")
    assert lines[4].startswith("         api_key=***")
    assert "abcdefgh" not in str(lines)


def test_a_server_that_does_not_run_is_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    _, found, advice, *_ = run_doctor(capsys, "--url", "ws://127.0.0.1:1", "--token", "abcdefgh")
    assert found.startswith("bad  server: cannot reach the server (ws://127.0.0.1:1): connection refused")
    assert advice == "     -> check that it runs: `codex app-server --listen URL`"


@pytest.mark.parametrize("word", ["--version", "generate-json-schema"])
def test_ctrl_c_while_the_binary_is_asked_is_told_in_one_word(
    word: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    presses = f"if {word!r} in sys.argv: os.kill(os.getppid(), signal.SIGINT); time.sleep(60)\n"
    codex = install_server(tmp_path / "codex", presses + TELLS_VERSION.format("0.163.0"))
    assert main(["doctor", "--cmd", f"{codex} app-server"]) == 130
    assert capsys.readouterr().err == "interrupted\n"
