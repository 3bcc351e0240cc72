"""`StdioTransport`: which command it runs, and how. Real processes, the real clock."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import ModuleType

import pytest
import trio

from codex_trio import CodexTransportError, StdioTransport, open_codex_client
from tests.support.fake_server_command import install_server, server
from tests.support.leaks import nothing_left

COMMAND = "CODEX_APP_SERVER_CMD"

TELLS_ITS_COMMAND = "shake_hands(argv=sys.argv[1:], name=os.path.basename(sys.argv[0])); serve()"


async def ran(transport: StdioTransport) -> str:
    """Return the command line as the server saw it."""
    with trio.fail_after(20), nothing_left():
        async with open_codex_client(transport) as client:
            seen = client.server.raw
            return " ".join([seen["name"], *seen["argv"]])


@pytest.fixture
def no_codex(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Take away each way to a codex binary; return the one folder on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv(COMMAND, raising=False)
    monkeypatch.setitem(sys.modules, "codex_cli_bin", None)
    return folder


def install_bundled(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    package = ModuleType("codex_cli_bin")
    package.__dict__["bundled_codex_path"] = lambda: path
    monkeypatch.setitem(sys.modules, "codex_cli_bin", package)


# --- which command


async def test_the_default_is_codex_app_server_from_path(no_codex: Path) -> None:
    install_server(no_codex / "codex", TELLS_ITS_COMMAND)
    assert await ran(StdioTransport()) == "codex app-server"


@pytest.mark.smoke
async def test_a_client_without_a_transport_runs_the_default(no_codex: Path) -> None:
    install_server(no_codex / "codex", TELLS_ITS_COMMAND)
    with trio.fail_after(20), nothing_left():
        async with open_codex_client() as client:
            assert client.server.raw["argv"] == ["app-server"]


async def test_without_codex_on_path_the_bundled_binary_runs(
    no_codex: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    install_bundled(monkeypatch, install_server(tmp_path / "bundle" / "bundled-codex", TELLS_ITS_COMMAND))
    assert await ran(StdioTransport()) == "bundled-codex app-server"


async def test_codex_on_path_goes_before_the_bundled_binary(
    no_codex: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    install_bundled(monkeypatch, tmp_path / "nowhere")
    install_server(no_codex / "codex", TELLS_ITS_COMMAND)
    assert await ran(StdioTransport()) == "codex app-server"


async def test_codex_as_an_argument_is_looked_for_likewise(
    no_codex: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    install_bundled(monkeypatch, install_server(tmp_path / "bundle" / "bundled-codex", TELLS_ITS_COMMAND))
    assert await ran(StdioTransport("codex app-server --flag")) == "bundled-codex app-server --flag"
    install_server(no_codex / "codex", TELLS_ITS_COMMAND)
    assert await ran(StdioTransport("codex app-server --flag")) == "codex app-server --flag"


async def test_the_environment_goes_before_path(no_codex: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_server(no_codex / "codex", TELLS_ITS_COMMAND)
    install_server(no_codex / "other", TELLS_ITS_COMMAND)
    monkeypatch.setenv(COMMAND, "other --flag")
    assert await ran(StdioTransport()) == "other --flag"


async def test_the_argument_goes_before_the_environment(no_codex: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_server(no_codex / "mine", TELLS_ITS_COMMAND)
    monkeypatch.setenv(COMMAND, "other --flag")
    assert await ran(StdioTransport("mine")) == "mine"


async def test_an_empty_variable_counts_as_not_set(no_codex: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_server(no_codex / "codex", TELLS_ITS_COMMAND)
    monkeypatch.setenv(COMMAND, " ")
    assert await ran(StdioTransport()) == "codex app-server"


@pytest.mark.usefixtures("no_codex")
async def test_without_any_codex_the_error_lists_what_was_tried_and_how_to_get_one() -> None:
    with trio.fail_after(20), nothing_left(), pytest.raises(CodexTransportError) as caught:
        async with open_codex_client():
            raise AssertionError("not reached")
    for part in ("command argument", COMMAND, "PATH", os.environ["PATH"], "openai-codex-cli-bin"):
        assert part in str(caught.value)
    assert "pip install 'codex-trio[codex]'" in str(caught.value)
    assert "npm install -g @openai/codex" in str(caught.value)


def test_where_the_command_is_from_can_be_asked_without_running_it(
    no_codex: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bundled, on_path = tmp_path / "bundled", no_codex / "codex"
    install_bundled(monkeypatch, bundled)
    assert StdioTransport().resolve_command() == ([str(bundled), "app-server"], "package")
    install_server(on_path)
    assert StdioTransport().resolve_command() == ([str(on_path), "app-server"], "PATH")
    assert StdioTransport(env={"PATH": None, COMMAND: "a b"}).resolve_command() == (["a", "b"], "environment")
    assert StdioTransport("mine --flag").resolve_command() == (["mine", "--flag"], "argument")


# --- how a command is split


@pytest.mark.parametrize("by", ["argument", "environment"])
async def test_a_command_is_split_as_a_shell_splits(no_codex: Path, monkeypatch: pytest.MonkeyPatch, by: str) -> None:
    install_server(no_codex / "my codex", TELLS_ITS_COMMAND)
    line = """'my codex' app-server -c 'a = "b c"' d\\ e $HOME"""
    if by == "environment":
        monkeypatch.setenv(COMMAND, line)
    assert await ran(StdioTransport(line if by == "argument" else None)) == (
        'my codex app-server -c a = "b c" d e $HOME'  # split, but not expanded
    )


def test_a_command_that_cannot_be_split_is_a_value_error_that_names_it() -> None:
    with pytest.raises(
        ValueError, match="command 'codex \"app-server' cannot be split into words: No closing quotation"
    ):
        StdioTransport('codex "app-server')


@pytest.mark.parametrize("command", ["", "  ", []])
def test_an_empty_command_is_a_value_error(command: str | list[str]) -> None:
    with pytest.raises(ValueError, match="command is empty"):
        StdioTransport(command)


async def test_a_variable_that_cannot_be_split_is_an_error_that_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(COMMAND, 'codex "app-server')
    complaint = f"{COMMAND} 'codex \"app-server' cannot be split into words"
    with trio.fail_after(20), nothing_left(), pytest.raises(CodexTransportError, match=complaint):
        async with open_codex_client():
            raise AssertionError("not reached")


@pytest.mark.parametrize("name", ["connect_timeout", "max_message_size", "shutdown_grace"])
def test_a_negative_limit_is_a_value_error_that_names_it(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must be positive"):
        StdioTransport("codex", **{name: -1})  # type: ignore[arg-type]  # a wrong value is the point


# --- where and with what it runs


async def test_the_server_runs_in_cwd(tmp_path: Path) -> None:
    install_server(tmp_path / "here")
    transport = StdioTransport(server("shake_hands(files=os.listdir()); serve()"), cwd=tmp_path)
    with trio.fail_after(20), nothing_left():
        async with open_codex_client(transport) as client:
            assert client.server.raw["files"] == ["here"]


async def test_env_is_merged_over_the_programs_own_and_none_removes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KEPT", "CHANGED", "REMOVED"):
        monkeypatch.setenv(f"FAKE_{name}", "old")
    transport = StdioTransport(
        server("shake_hands(env={n: v for n, v in os.environ.items() if n.startswith('FAKE_')}); serve()"),
        env={"FAKE_CHANGED": "new", "FAKE_ADDED": "new", "FAKE_REMOVED": None, "FAKE_UNKNOWN": None},
    )
    with trio.fail_after(20), nothing_left():
        async with open_codex_client(transport) as client:
            assert client.server.raw["env"] == {"FAKE_KEPT": "old", "FAKE_CHANGED": "new", "FAKE_ADDED": "new"}
    assert os.environ["FAKE_REMOVED"] == "old"


async def test_env_decides_where_codex_is_looked_for(no_codex: Path, tmp_path: Path) -> None:
    install_server(tmp_path / "elsewhere" / "codex", TELLS_ITS_COMMAND)
    assert await ran(StdioTransport(env={"PATH": str(tmp_path / "elsewhere")})) == "codex app-server"


async def test_the_server_has_a_separate_session() -> None:
    with trio.fail_after(20), nothing_left():
        async with open_codex_client(StdioTransport(server("shake_hands(sid=os.getsid(0)); serve()"))) as client:
            assert client.server.raw["sid"] == client.server.raw["pid"]
            assert client.server.raw["sid"] != os.getsid(0)


async def test_a_transport_belongs_to_one_client_at_a_time() -> None:
    transport = StdioTransport(server())
    with trio.fail_after(20), nothing_left():
        async with open_codex_client(transport) as first:
            with pytest.raises(RuntimeError, match="open already"):
                async with open_codex_client(transport):
                    raise AssertionError("not reached")
            assert await first.request("echo", {"still": "here"}) == {"still": "here"}


async def test_a_closed_transport_opens_again_with_a_new_server() -> None:
    transport = StdioTransport(server())
    pids = set()
    with trio.fail_after(20), nothing_left():
        for _ in range(2):
            async with open_codex_client(transport) as client:
                pids.add(client.server.raw["pid"])
    assert len(pids) == 2


# --- what cannot be started


async def fails_to_open(transport: StdioTransport) -> CodexTransportError:
    with trio.fail_after(20), nothing_left(), pytest.raises(CodexTransportError) as caught:
        async with open_codex_client(transport):
            raise AssertionError("not reached")
    return caught.value


async def test_a_command_that_does_not_exist_is_a_transport_error_with_its_cause(tmp_path: Path) -> None:
    error = await fails_to_open(StdioTransport([str(tmp_path / "no-codex"), "app-server"]))
    assert isinstance(error.__cause__, FileNotFoundError)
    assert "no-codex app-server" in str(error)
    assert COMMAND in str(error)  # what to do about it


async def test_a_command_that_is_not_executable_is_a_transport_error_with_its_cause(tmp_path: Path) -> None:
    path = install_server(tmp_path / "codex")
    path.chmod(0o644)
    error = await fails_to_open(StdioTransport([str(path)]))
    assert isinstance(error.__cause__, PermissionError)
    assert str(path) in str(error)


async def test_a_command_that_is_not_a_program_is_a_transport_error_with_its_cause(tmp_path: Path) -> None:
    path = tmp_path / "codex"
    path.write_bytes(b"\x7fELF is all that it has of a program")
    path.chmod(0o755)
    error = await fails_to_open(StdioTransport([str(path)]))
    assert isinstance(error.__cause__, OSError)
    assert str(path) in str(error)


async def test_a_cwd_that_does_not_exist_is_a_transport_error_with_its_cause(tmp_path: Path) -> None:
    error = await fails_to_open(StdioTransport(server(), cwd=tmp_path / "nowhere"))
    assert isinstance(error.__cause__, FileNotFoundError)
    assert "nowhere" in str(error)


async def test_a_silent_server_is_given_up_after_connect_timeout_with_its_last_words() -> None:
    transport = StdioTransport(server("complain('cannot find my soul'); receive(); receive()"), connect_timeout=0.5)
    started = trio.current_time()
    error = await fails_to_open(transport)
    assert 0.5 <= trio.current_time() - started < 5
    assert "within 0.5 s (connect_timeout)" in str(error)
    assert "cannot find my soul" in str(error)
    assert error.stderr_tail == "cannot find my soul"
