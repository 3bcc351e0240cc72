"""`doctor`: looks at everything that a conversation needs, says what it found, and what to do about it.

The one part of this package that looks at the user's own CODEX_HOME: by starting codex as the user would. Each step of it
is bounded. What it prints can be shown to others: no name of an account, no home folder (but ``~``), no host name that is
more than letters, and no secret, as far as `codex_trio._redaction.redact` knows one.
"""

from __future__ import annotations

import json
import platform
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Literal, TypeAlias

import trio

import codex_trio
from codex_trio import (
    CodexClient,
    CodexError,
    CodexProtocolError,
    CodexTimeoutError,
    CodexTransportError,
    InitializeResult,
    StdioTransport,
    Transport,
    open_codex_client,
    protocol,
)
from codex_trio._redaction import redact_command

from .._version import is_newer_than_tested, is_older_than_tested
from .binary import Differences, NotToldError, read_differences, read_version
from .text import shareable, shown

PATIENCE = 15.0  # seconds for each step
_BELOW = " " * 9  # indent of untrusted text, deeper than the program's own lines
_GET_CODEX = "pip install 'codex-trio[codex]', or npm install -g @openai/codex"
_WHERE_FROM = {
    "argument": "given as --cmd",
    "environment": "named by CODEX_APP_SERVER_CMD",
    "PATH": "the codex on PATH (CODEX_APP_SERVER_CMD is not set)",
    "package": "from the package openai-codex-cli-bin (CODEX_APP_SERVER_CMD is not set, and there is no codex on PATH)",
}

State: TypeAlias = Literal["ok", "note", "bad"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one step of the examination found.

    Attributes:
        about: A word or two.
        state: ``bad``: no turn will run. ``note``: it is as well to know.
        text: What was found.
        advice: What to do about it; empty for nothing.
        details: More lines.
    """

    about: str
    state: State
    text: str
    advice: str
    details: Sequence[str]


class Report:
    """Prints findings as they come, or keeps them for one JSON object."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self.findings: list[Finding] = []

    @property
    def is_usable(self) -> bool:
        return not any(one.state == "bad" for one in self.findings)

    def add(self, about: str, state: State, text: str, advice: str = "", details: Sequence[str] = ()) -> None:
        text, advice, *details = map(shareable, (text, advice, *details))
        self.findings.append(Finding(about, state, text, advice, details))
        if not self._as_json:
            whole = "\n".join([f"{state:<5}{about}: {text}", *details])
            print(shown(whole, sys.stdout, indent=_BELOW))
            if advice:
                print(shown(f"     -> {advice}", sys.stdout, indent=_BELOW))
            sys.stdout.flush()  # the next step takes its time

    def end(self) -> None:
        if self._as_json:
            whole = {"usable": self.is_usable, "findings": [asdict(one) for one in self.findings]}
            print(json.dumps(whole, indent=2))
        else:
            print("\nA turn can run." if self.is_usable else "\nNo turn can run until what is bad is mended.")


async def examine(transport: Transport, *, as_json: bool) -> int:
    """Print what there is to say about a server and all around it; return 0 if turns can run on it, else 1."""
    report = Report(as_json=as_json)
    _report_versions(report)
    if isinstance(transport, StdioTransport):
        await _examine_ours(report, transport)
    else:
        await _examine_server(report, transport, "log in where the server runs")
    report.end()
    return 0 if report.is_usable else 1


def _report_versions(report: Report) -> None:
    names = ("trio", "msgspec", "trio-websocket", "rich", "openai-codex-cli-bin")
    others = ", ".join(f"{name} {_installed(name)}" for name in names)
    python = f"Python {platform.python_version()} on {sys.platform}"
    report.add("codex_trio", "ok", f"{codex_trio.__version__}; {python}, {others}")


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "(not installed)"


# --- the binary


async def _examine_ours(report: Report, transport: StdioTransport) -> None:
    try:
        command, source = transport.resolve_command()
    except CodexTransportError as exc:
        what, _, advice = str(exc).partition(" Install one: ")
        report.add("command", "bad", what, advice or "set it to a command line, such as 'codex app-server'")
        return
    found = f"{redact_command(command)}, {_WHERE_FROM[source]}"
    if shutil.which(command[0]) is None:
        report.add("command", "bad", f"{found}: there is no such program", f"name another, or get one: {_GET_CODEX}")
        return
    report.add("command", "ok", found)
    if "app-server" in command:
        binary = command[: command.index("app-server")]
        told = await _examine_binary(report, binary)
        await _examine_server(report, transport, f"run `{redact_command(binary)} login`", told)
    else:
        report.add(
            "schema", "note", "the command has no word 'app-server', so it can be asked for no version or schema"
        )
        await _examine_server(report, transport, "run `codex login`")


async def _examine_binary(report: Report, binary: Sequence[str]) -> str | None:
    """Report version and schema; return the version, if it is told."""
    try:
        told = await read_version(binary, PATIENCE)
    except NotToldError as exc:
        report.add("version", "note", str(exc), f"mend or replace that binary: {_GET_CODEX}")
        return None
    _judge_version(report, told)
    try:
        _judge_schema(report, await read_differences(binary, PATIENCE), told)
    except NotToldError as exc:
        report.add("schema", "note", f"it could not be compared: {exc}")
    return told


def _judge_version(report: Report, told: str) -> None:
    oldest, newest = codex_trio.TESTED_CODEX_VERSIONS
    ours = f"version that codex_trio {codex_trio.__version__} was tested with"
    if is_older_than_tested(told):
        text = f"codex {told} is older than {oldest}, the oldest {ours}"
        report.add("version", "note", text, f"get a newer one: {_GET_CODEX}")
    elif is_newer_than_tested(told):
        text = f"codex {told} is newer than {newest}, the newest {ours}"
        report.add("version", "note", text, "nothing, unless something fails; then look for a newer codex_trio")
    else:
        report.add("version", "ok", f"codex {told}; codex_trio was tested with {oldest} to {newest}")


def _judge_schema(report: Report, found: Differences, told: str) -> None:
    known = f"{protocol.VERSION}, which codex_trio.protocol was made from"
    details = [f"{kind} that only this codex has: {', '.join(names)}" for kind, names in found.new.items() if names]
    gone = [f"{kind} that this codex lacks: {', '.join(names)}" for kind, names in found.gone.items() if names]
    if found.missing:
        text = f"codex {told} lacks what every turn needs: {', '.join(found.missing)}"
        advice = f"use codex {protocol.VERSION}, or a newer codex_trio"
        report.add("schema", "bad", text, advice, details + gone)
    elif gone:
        advice = "avoid what it lacks; all else works"
        report.add("schema", "note", f"codex {told} differs from {known}", advice, details + gone)
    elif details:
        advice = "nothing: codex_trio passes on what only this codex has, and can request it by name"
        report.add("schema", "note", f"codex {told} differs from {known}", advice, details)
    else:
        report.add("schema", "ok", f"the same methods as of {known}")


# --- the server


async def _examine_server(report: Report, transport: Transport, login: str, told: str | None = None) -> None:
    """Report whether it answers, and who is logged in.

    Args:
        login: How to log in.
        told: The version that the binary told.
    """
    began = trio.current_time()
    try:
        async with open_codex_client(transport, request_timeout=PATIENCE) as client:
            seconds = trio.current_time() - began
            _judge_server(report, client.server, f"{transport.describe()} answered after {seconds:.2f} s", told)
            await _report_login(report, client, login)
    except CodexError as exc:  # it cannot be reached, or refuses `initialize`
        is_ours = isinstance(transport, StdioTransport)
        by_hand = (
            f"run `{transport.describe()}` by hand" if is_ours else "see that one runs: `codex app-server --listen URL`"
        )
        report.add("server", "bad", str(exc), by_hand)


def _judge_server(report: Report, server: InitializeResult, text: str, told: str | None) -> None:
    home = f"; its CODEX_HOME is {server.codex_home}" if server.codex_home else ""
    text = f"{text}: {server.user_agent}{home}"
    own = server.server_info.get("version")
    if told is not None and own is not None and own != told:
        report.add("server", "note", text, f"find out why --version says {told}, and the server {own}")
    else:
        report.add("server", "ok", text)


async def _report_login(report: Report, client: CodexClient, login: str) -> None:
    try:
        account = await client.account()
    except (CodexProtocolError, CodexTimeoutError) as exc:
        report.add("login", "note", f"it could not be read: {exc}")
        return
    if account.type is not None:
        plan = f", plan {account.plan_type}" if account.plan_type else ""
        report.add("login", "ok", f"by {account.type}{plan}")
    elif account.requires_openai_auth:
        advice = f"{login}, or call `await client.login_api_key(key)` once"
        report.add("login", "bad", "nobody is logged in, and the configured model provider needs it", advice)
    else:
        report.add("login", "ok", "nobody is logged in, and the configured model provider does not need it")
