"""The command line against the scripted server: silence, Ctrl-C, and approvals where nobody sits at a terminal."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import shlex
import signal
import sys
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from codex_trio import (
    CodexTransportError,
    CodexTurnFailedError,
    CodexTurnInterruptedError,
    ConversationStep,
    open_codex_client,
)
from codex_trio._cli import main
from codex_trio._cli.approvals import Approver
from codex_trio._cli.arguments import parse_arguments
from codex_trio._cli.conversation import Conversation, InterruptHandler
from codex_trio._cli.doctor import shareable
from codex_trio._cli.main import run_chat
from codex_trio._cli.terminal import escape_control
from codex_trio._cli.views import PlainView
from codex_trio.testing import ScriptedAppServer, ask_server_request, drop_connection, fail, hang, raw, say, wait
from tests.support.fake_server_command import server as server_command

SAY_SO_FAR = (say("so far"), hang())


class Cli:
    """Runs the command line on a server in memory.

    Attributes:
        code: The exit code.
        out: What it printed, as lines.
        err: What it printed on stderr.
    """

    def __init__(self, server: ScriptedAppServer, capsys: pytest.CaptureFixture[str]) -> None:
        self._server = server
        self._capsys = capsys
        self.code: int | None = None
        self.out: list[str] = []
        self.err: list[str] = []

    async def run(self, *args: str) -> None:
        options = parse_arguments(["Do it", *args])
        try:
            self.code = await run_chat(dataclasses.replace(options, transport=self._server.transport()))
        finally:
            self.out, self.err = (text.splitlines() for text in self._capsys.readouterr())

    @property
    def line_to_go_on(self) -> str:
        (start,) = (one for one in self._server.received if one.get("method") == "turn/start")
        return f"to resume: python -m codex_trio --resume {start['params']['threadId']}"


@pytest.fixture
def server() -> ScriptedAppServer:
    return ScriptedAppServer()


@pytest.fixture
def cli(server: ScriptedAppServer, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(server, capsys)


async def press_ctrl_c_when_quiet(times: int = 1) -> None:
    for _ in range(times):
        await wait_all_tasks_blocked()
        signal.raise_signal(signal.SIGINT)


# --- what is asked for


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([""], "the prompt is empty"),
        ([], "the prompt is empty"),  # stdin has none either
        (["-"], "the prompt is empty"),
        (["Do it", "--cwd", "no/such/folder"], "no/such/folder is not a folder"),
        (["Do it", "--cwd", "x" * 300], "--cwd: xxx"),
        (["Do \udcff it"], "the prompt is not valid UTF-8"),
        (["Do it", "--model", "\udcff"], "--model is not valid UTF-8"),
        (["Do it", "--resume", "\udcff"], "--resume is not valid UTF-8"),
        (["Do it", "--url", "ws://127.0.0.1:1", "--cwd", "\udcff"], "--cwd is not valid UTF-8"),
        (["Do it", "--cmd", "'un"], "cannot be split into words"),
        (["Do it", "--inactivity-timeout", "-1"], "-1 is not a positive number of seconds"),
        (["demo", "--json"], "demo takes no --json"),
        (["doctor", "--resume", "x"], "doctor takes no --resume"),
        (["Do it", "--token", "t"], "--token needs a websocket URL"),
        (["Do it", "--token", "t", "--url", "unix:///s"], "--token needs a websocket URL"),
        (["Do it", "--allow-insecure-token"], "--allow-insecure-token needs a websocket URL"),
        (["demo", "--allow-insecure-token"], "demo takes no --allow-insecure-token"),
        (
            ["Do it", "--token", "t", "--url", "ws://h:1"],
            "the token would be sent to h over ws://",
        ),
        (["Do it", "--cmd", "codex", "--url", "ws://127.0.0.1:1"], "--cmd and --url exclude each other"),
        (["Do it", "--url", "http://127.0.0.1:1"], "url must be ws://HOST:PORT"),
        (["docter"], "unknown command docter; did you mean 'doctor'? To send it as a prompt, write: -- docter"),
        (["--json", "Demos"], "unknown command Demos; did you mean 'demo'? To send it as a prompt, write: -- Demos"),
    ],
)
def test_what_makes_no_sense_is_told_in_one_line(
    args: list[str], message: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\n")))
    with pytest.raises(SystemExit, match="2"):
        main(args)
    assert message in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    ("args", "prompt"),
    [(["--", word], word) for word in ("docter", "doctor", "demo")]
    + [([text], text) for text in ("dokument", "memo", "the doctor", "doctor?!?")],
)
def test_what_is_not_close_to_a_subcommand_or_stands_behind_two_dashes_is_a_prompt(
    args: list[str], prompt: str
) -> None:
    options = parse_arguments(args)
    assert (options.command, options.prompt) == ("turn", prompt)


@pytest.mark.smoke
def test_a_prompt_that_cannot_be_read_is_misuse_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with open(os.open(tmp_path / "new", os.O_WRONLY | os.O_CREAT)) as unreadable:
        monkeypatch.setattr("sys.stdin", unreadable)
        with pytest.raises(SystemExit, match="2"):
            main(["-"])
    assert (
        "the prompt cannot be read from stdin: [Errno 9] Bad file descriptor"
        in capsys.readouterr().err.splitlines()[-1]
    )


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("ws://me:secret@127.0.0.1:1/x?token=t", "'ws://127.0.0.1:1/x?...'"),
        ("unix:///a b", "'unix:///a b'"),
    ],
)
def test_what_resumes_a_thread_reaches_the_same_server_and_shows_no_secret(url: str, shown: str) -> None:
    assert parse_arguments(["Do it", "--url", url]).server_args == f" --url {shown}"
    assert parse_arguments(["Do it", "--cmd", "a --token t"]).server_args == " --cmd 'a --token ***'"
    assert parse_arguments(["Do it", "--cmd", "a 'b c'"]).server_args == """ --cmd 'a '"'"'b c'"'"''"""


def test_leave_to_send_a_token_unencrypted_is_given_to_the_next_call_as_well() -> None:
    arguments = ["Do it", "--url", "ws://host:1", "--token", "t", "--allow-insecure-token"]
    assert parse_arguments(arguments).server_args == " --url ws://host:1 --allow-insecure-token"
    assert parse_arguments(["doctor", *arguments[1:]]).command == "doctor"


async def test_what_resumes_a_thread_is_safe_to_paste_into_a_shell(
    server: ScriptedAppServer, capsys: pytest.CaptureFixture[str], autojump_clock: MockClock
) -> None:
    thread_id = "x'; rm -rf ~ #"
    server.reply("thread/resume", {"thread": {"id": thread_id}})
    options = parse_arguments(["Do it", "--resume", "x", "--cmd", "a 'b c'"])
    async with trio.open_nursery() as nursery, open_codex_client(server.transport()) as client:
        conversation = Conversation(client, options, InterruptHandler(nursery), Approver())
        await conversation.resume("x")
        conversation.print_resume_command()
    printed = capsys.readouterr().err.removeprefix("to resume: ")
    assert shlex.split(printed) == ["python", "-m", "codex_trio", "--resume", thread_id, "--cmd", "a 'b c'"]


# --- silence


async def test_a_silent_turn_is_stopped_and_stderr_says_how_to_go_on(
    server: ScriptedAppServer, cli: Cli, autojump_clock: MockClock
) -> None:
    server.on_turn(*SAY_SO_FAR)
    await cli.run()
    assert (cli.code, cli.out) == (1, ["[codex] so far"])
    assert cli.err == [
        "no events for 180 s, so the turn was stopped; use --keep-waiting to wait longer",
        cli.line_to_go_on,
    ]
    assert server.received_methods()[-1] == "turn/interrupt"


async def test_a_silent_turn_that_cannot_be_stopped_is_told_of(
    server: ScriptedAppServer, cli: Cli, autojump_clock: MockClock
) -> None:
    server.on_turn(hang())
    server.ignore("turn/interrupt")
    await cli.run("--inactivity-timeout", "1")
    assert cli.code == 1
    assert cli.err[0].startswith("no events for 1 s, and the turn could not be stopped: turn ")


async def test_with_keep_waiting_silence_is_only_told(
    server: ScriptedAppServer, cli: Cli, autojump_clock: MockClock
) -> None:
    server.on_turn(say("so far"), wait(25), say("done"))
    await cli.run("--inactivity-timeout", "10", "--keep-waiting")
    assert (cli.code, cli.out) == (0, ["[codex] so far", "[codex] done"])
    assert cli.err == [f"no events for {n} s; still waiting, and Ctrl-C stops the turn" for n in (10, 20)]


# --- Ctrl-C


async def test_ctrl_c_interrupts_and_shows_what_still_comes(
    server: ScriptedAppServer, cli: Cli, autojump_clock: MockClock
) -> None:
    server.on_turn(*SAY_SO_FAR)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(cli.run)
        await press_ctrl_c_when_quiet()
    assert (cli.code, cli.out, cli.err) == (130, ["[codex] so far"], ["interrupted; the turn was stopped"])
    assert "turn/interrupt" in server.received_methods()
    assert trio.current_time() < 1


async def test_ctrl_c_waits_five_seconds_for_a_server_that_does_not_stop(
    server: ScriptedAppServer, cli: Cli, autojump_clock: MockClock
) -> None:
    server.on_turn(*SAY_SO_FAR)
    server.ignore("turn/interrupt")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(cli.run)
        await press_ctrl_c_when_quiet()
        began = trio.current_time()
    assert (cli.code, cli.err) == (130, ["interrupted; the turn was stopped"])
    assert 5 <= trio.current_time() - began < 10  # and no longer than it takes to close


async def test_a_second_ctrl_c_does_not_wait(server: ScriptedAppServer, cli: Cli, autojump_clock: MockClock) -> None:
    server.on_turn(*SAY_SO_FAR)
    server.ignore("turn/interrupt")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(cli.run)
        await press_ctrl_c_when_quiet(times=2)
        began = trio.current_time()
    assert (cli.code, cli.err) == (130, ["interrupted"])
    assert trio.current_time() - began < 5


@pytest.mark.parametrize("method", ["initialize", "thread/start", "turn/start"])
async def test_ctrl_c_before_the_turn_has_begun(
    server: ScriptedAppServer, cli: Cli, autojump_clock: MockClock, method: str
) -> None:
    server.ignore(method)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(cli.run)
        await press_ctrl_c_when_quiet()
    assert cli.code == 130
    assert trio.current_time() < 30  # where the request would have ended by itself


async def test_a_turn_that_somebody_else_stops_is_an_error(
    server: ScriptedAppServer, cli: Cli, autojump_clock: MockClock
) -> None:
    end = {"threadId": "{thread_id}", "turn": {"id": "{turn_id}", "status": "interrupted"}}
    server.on_turn(say("so far"), raw({"method": "turn/completed", "params": end}), hang())
    with pytest.raises(CodexTurnInterruptedError):
        await cli.run()
    assert cli.out == ["[codex] so far"]


# --- what ends it otherwise


async def test_a_failed_turn_and_a_lost_server_leave_as_themselves(
    server: ScriptedAppServer, cli: Cli, autojump_clock: MockClock
) -> None:
    server.on_turn(fail("the model is ill"))
    with pytest.raises(CodexTurnFailedError, match="the model is ill"):
        await cli.run()
    server.on_turn(say("so far"), drop_connection())
    with pytest.raises(CodexTransportError):
        await cli.run()
    assert cli.out == ["[codex] so far"]


@pytest.mark.extended
@pytest.mark.parametrize("args", [["Do it"], ["doctor"], ["--version"]])
@pytest.mark.parametrize("is_full", [True, False])
async def test_output_that_cannot_be_written_ends_it_without_a_traceback(args: list[str], is_full: bool) -> None:
    if is_full:
        output = os.open("/dev/full", os.O_WRONLY)
    else:
        reader, output = os.pipe()
        os.close(reader)
    command = [sys.executable, "-W", "error", "-m", "codex_trio", "--cmd", shlex.join(server_command()), *args]
    env = {**os.environ, "PYTHONUNBUFFERED": ""}  # what is left in a buffer is tried again at the exit
    try:
        with trio.fail_after(30):
            ran = await trio.run_process(command, stdout=output, capture_stderr=True, check=False, env=env)
    finally:
        os.close(output)
    told = ["stopped, because the output cannot be written: [Errno 28] No space left on device"] if is_full else []
    assert (ran.returncode, ran.stderr.decode().splitlines()) == (1, told)


@pytest.mark.parametrize(("args", "code"), [(["Do it", "--json", "--cmd", "no-such-codex"], 1), (["--url", "x"], 2)])
async def test_where_stderr_is_closed_nothing_that_is_for_it_goes_to_stdout(args: list[str], code: int) -> None:
    command = ["sh", "-c", 'exec "$@" 2>&-', "sh", sys.executable, "-W", "error", "-m", "codex_trio", *args]
    with trio.fail_after(30):
        ran = await trio.run_process(command, stdin=b"", capture_stdout=True, check=False)
    assert (ran.returncode, ran.stdout) == (code, b"")


# --- approvals


async def test_without_a_terminal_approvals_are_declined_and_told(
    server: ScriptedAppServer, cli: Cli, autojump_clock: MockClock
) -> None:
    params = {"itemId": "call_1", "command": "rm -r x", "cwd": "/there", "reason": "it is in the way"}
    server.on_turn(ask_server_request("item/commandExecution/requestApproval", params), say("done"))
    await cli.run()
    assert (cli.code, cli.out) == (0, ["[codex] done"])
    assert cli.err == [
        "declined, because no terminal is available to ask you:",
        "Codex asks for your permission. Its reason:",
        "  │ it is in the way",
        "The command:",
        "  │ rm -r x",
        "A yes allows, this once:",
        "  • the command above (1 line) runs, possibly outside the sandbox",
        '  • in the folder "/there"',
    ]
    assert [answer["result"] for answer in server.answers] == [{"decision": "decline"}]


async def test_a_tool_of_an_mcp_server_is_not_called_and_a_question_of_one_is_not_answered(
    server: ScriptedAppServer, cli: Cli, autojump_clock: MockClock
) -> None:
    about = {"codex_approval_kind": "mcp_tool_call", "tool_name": "search"}
    known = {**about, "tool_params": {"query": "doors"}}
    for params in ({"message": "Allow it?", "_meta": known}, {"_meta": about}, {"message": "Your\nname?"}):
        server.on_turn(ask_server_request("mcpServer/elicitation/request", {"serverName": "web", **params}))
    await cli.run()
    assert cli.err == [
        "declined, because no terminal is available to ask you:",
        "Codex asks for your permission. The message:",
        "  │ Allow it?",
        "The arguments:",
        "  │ {",
        '  │   "query": "doors"',
        "  │ }",
        "A yes allows, this once:",
        '  • the tool "search" of the MCP server "web" is called',
        "  • with the arguments above (3 lines)",
    ]
    await cli.run()
    assert cli.err == ["declined without asking you: the server did not send the arguments of the tool call"]
    await cli.run()
    assert cli.err == ["declined: web wants input that cannot be typed here: Your", "    name?"]
    assert [answer["result"]["action"] for answer in server.answers] == ["decline", "decline", "decline"]


async def test_what_is_asked_while_no_turn_of_ours_runs_is_left_to_others(
    server: ScriptedAppServer, cli: Cli, autojump_clock: MockClock
) -> None:
    await cli.run()
    thread_id = cli.line_to_go_on.split()[-1]
    server.hold("thread/resume")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(cli.run, "--resume", thread_id)
        resuming = await server.held("thread/resume").receive()
        theirs = {"threadId": thread_id, "turnId": "theirs", "command": "ls"}
        server.connection.ask_nowait("item/commandExecution/requestApproval", theirs)
        await wait_all_tasks_blocked()
        assert server.answers == []
        resuming.proceed()
    assert (cli.code, cli.out) == (0, ["[codex] ok"])


async def test_nothing_is_printed_while_somebody_else_has_the_terminal(
    server: ScriptedAppServer, capsys: pytest.CaptureFixture[str], autojump_clock: MockClock
) -> None:
    server.on_turn(say("before"), wait(10), say("meanwhile"))
    view = PlainView()
    async with open_codex_client(server.transport()) as client, trio.open_nursery() as nursery:
        nursery.start_soon(view.show, client.stream("Do it"))
        await trio.sleep(5)
        with view.paused():
            assert capsys.readouterr().out == "[codex] before\n"
            await trio.sleep(10)
            assert capsys.readouterr().out == ""
    assert capsys.readouterr().out == "[codex] meanwhile\n"


@pytest.mark.parametrize(
    ("data", "last"),
    [
        ({"status": "failed", "exitCode": 3, "aggregatedOutput": "no such file"}, "  exit 3"),
        ({"status": "declined", "exitCode": None, "aggregatedOutput": None}, "  declined"),
        ({"status": "completed", "exitCode": 0, "aggregatedOutput": "a"}, "    a"),
    ],
)
def test_a_command_that_failed_or_did_not_run_says_so(
    data: dict[str, object], last: str, capsys: pytest.CaptureFixture[str]
) -> None:
    item = {"type": "commandExecution", "id": "1", "command": "ls", **data}
    PlainView().show_step(ConversationStep.from_wire(item, thread_id="t", turn_id="u"))
    assert capsys.readouterr().out.splitlines()[-1] == last


@pytest.mark.parametrize("as_json", [False, True])
def test_a_message_that_moderation_hides_is_not_printed(as_json: bool, capsys: pytest.CaptureFixture[str]) -> None:
    moderation = {"moderated": True, "display": {"mode": "block", "version": 1}}
    item = {"type": "agentMessage", "id": "1", "text": "what must not be seen", "moderation": moderation}
    step = ConversationStep.from_wire(item, thread_id="t", turn_id="u")
    PlainView(as_json=as_json).show_step(step)
    (line,) = capsys.readouterr().out.splitlines()
    if as_json:  # a program finds all of it in the data
        assert json.loads(line)["text"] == "[message withheld by moderation]"
        assert json.loads(line)["data"] == item
    else:
        assert line == "[codex] [message withheld by moderation]"


def test_a_thought_without_a_text_is_not_printed(capsys: pytest.CaptureFixture[str]) -> None:
    for summary in ([], ["I look."]):
        item = {"type": "reasoning", "id": "1", "summary": summary, "content": []}
        PlainView().show_step(ConversationStep.from_wire(item, thread_id="t", turn_id="u"))
    assert capsys.readouterr().out == "[thinking] I look.\n"


# --- what may be printed


def test_nothing_that_is_printed_steers_the_terminal_or_passes_for_a_line_of_ours() -> None:
    text = escape_control("[codex] a\tb\n[exec] é 漢 \x1b[2J\r\u202e\x9b", io.StringIO())
    assert text == "[codex] a\tb\n    [exec] é 漢 <U+001B>[2J<U+000D><U+202E><U+009B>"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("codex -c openai_api_key=abcdefgh app-server", "codex -c openai_api_key=*** app-server"),
        ("codex --token abcdefgh app-server", "codex --token *** app-server"),
        ('{"password": "abcdefgh"}', '{"password": "***"}'),
        ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
        ("sk-abcdefgh and eyJabcdefgh", "sk-*** and eyJ***"),
        ("the token of the server, turn/tokens", "the token of the server, turn/tokens"),
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str, expected: str) -> None:
    assert shareable(text) == expected
