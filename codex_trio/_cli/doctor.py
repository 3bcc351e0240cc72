"""The command `doctor`: check everything that a turn needs, and report problems with advice.

It starts codex with the user's own CODEX_HOME, as no other part of this package does. Each step has a timeout. The report
can be shared: it contains no account names, no home folders (except as ``~``), no host names that are more than letters,
and no secrets that `codex_trio._redaction.redact` recognizes.
"""

from __future__ import annotations

import json
import platform
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
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
from codex_trio._local_names import LocalNames
from codex_trio._redaction import redact, redact_command

from .._version import is_newer_than_tested, is_older_than_tested
from .codex_binary import ProbeError, SchemaDiff, compare_schema, read_version
from .terminal import escape_control

TIMEOUT = 15.0  # seconds for each step
_BELOW = " " * 9  # indent of untrusted text, deeper than the program's own lines
_GET_CODEX = "pip install 'codex-trio[codex]', or npm install -g @openai/codex"
_WHERE_FROM = {
    "argument": "given as --cmd",
    "environment": "named by CODEX_APP_SERVER_CMD",
    "PATH": "the codex on PATH (CODEX_APP_SERVER_CMD is not set)",
    "package": "from the package openai-codex-cli-bin (CODEX_APP_SERVER_CMD is not set, and codex is not on PATH)",
}

State: TypeAlias = Literal["ok", "note", "bad"]


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check.

    Attributes:
        about: The subject, in a word or two.
        state: ``bad``: no turn can run. ``note``: a turn may still run.
        text: The result.
        advice: The advice; empty if there is nothing to do.
        details: Further lines.
    """

    about: str
    state: State
    text: str
    advice: str
    details: Sequence[str]


class Report:
    """Prints findings as they come, or collects them for one JSON object."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self.findings: list[Finding] = []

    @property
    def is_usable(self) -> bool:
        return not any(finding.state == "bad" for finding in self.findings)

    def add(self, about: str, state: State, text: str, advice: str = "", details: Sequence[str] = ()) -> None:
        text, advice, *details = map(shareable, (text, advice, *details))
        self.findings.append(Finding(about, state, text, advice, details))
        if not self._as_json:
            whole = "\n".join([f"{state:<5}{about}: {text}", *details])
            print(escape_control(whole, sys.stdout, indent=_BELOW))
            if advice:
                print(escape_control(f"     -> {advice}", sys.stdout, indent=_BELOW))
            sys.stdout.flush()  # the next step may take seconds

    def end(self) -> None:
        if self._as_json:
            whole = {"usable": self.is_usable, "findings": [asdict(finding) for finding in self.findings]}
            print(json.dumps(whole, indent=2))
        else:
            print("\nA turn can run." if self.is_usable else "\nFix the problems above before running a turn.")


def shareable(text: str) -> str:
    """Return text without what looks like a secret, and without home folders and host names, so that it can be shared."""
    return LocalNames.here().hide_in_text(redact(text))


async def run_doctor(transport: Transport, *, as_json: bool) -> int:
    """Check a server and its environment, and print the report. Return 0 if turns can run, otherwise 1."""
    report = Report(as_json=as_json)
    _report_versions(report)
    if isinstance(transport, StdioTransport):
        await _check_local(report, transport)
    else:
        await _check_server(report, transport, "log in where the server runs")
    report.end()
    return 0 if report.is_usable else 1


def _report_versions(report: Report) -> None:
    names = ("trio", "msgspec", "trio-websocket", "rich", "openai-codex-cli-bin")
    others = ", ".join(f"{name} {_installed(name)}" for name in names)
    python = f"Python {platform.python_version()} on {sys.platform}"
    report.add("codex_trio", "ok", f"{codex_trio.__version__}; {python}, {others}")


def _installed(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "(not installed)"


# --- the binary


async def _check_local(report: Report, transport: StdioTransport) -> None:
    try:
        command, source = transport.resolve_command()
    except CodexTransportError as exc:
        problem, _, advice = str(exc).partition(" Install one: ")
        report.add("command", "bad", problem, advice or "set it to a command line, such as 'codex app-server'")
        return
    found = f"{redact_command(command)}, {_WHERE_FROM[source]}"
    if shutil.which(command[0]) is None:
        report.add(
            "command", "bad", f"{found}: program not found", f"set another command, or install codex: {_GET_CODEX}"
        )
        return
    report.add("command", "ok", found)
    if "app-server" in command:
        binary = command[: command.index("app-server")]
        version = await _check_binary(report, binary)
        await _check_server(report, transport, f"run `{redact_command(binary)} login`", version)
    else:
        report.add(
            "schema", "note", "the command does not contain 'app-server', so its version and schema cannot be read"
        )
        await _check_server(report, transport, "run `codex login`")


async def _check_binary(report: Report, binary: Sequence[str]) -> str | None:
    """Check version and schema. Return the version, if the binary reports it."""
    try:
        reported = await read_version(binary, TIMEOUT)
    except ProbeError as exc:
        report.add("version", "note", str(exc), f"fix or replace the binary: {_GET_CODEX}")
        return None
    _check_version(report, reported)
    try:
        _check_schema(report, await compare_schema(binary, TIMEOUT), reported)
    except ProbeError as exc:
        report.add("schema", "note", f"it could not be compared: {exc}")
    return reported


def _check_version(report: Report, version: str) -> None:
    oldest, newest = codex_trio.TESTED_CODEX_VERSIONS
    tested = f"version that codex_trio {codex_trio.__version__} was tested with"
    if is_older_than_tested(version):
        text = f"codex {version} is older than {oldest}, the oldest {tested}"
        report.add("version", "note", text, f"install a newer one: {_GET_CODEX}")
    elif is_newer_than_tested(version):
        text = f"codex {version} is newer than {newest}, the newest {tested}"
        report.add("version", "note", text, "none needed; if something fails, look for a newer codex_trio")
    else:
        report.add("version", "ok", f"codex {version}; codex_trio was tested with {oldest} to {newest}")


def _check_schema(report: Report, diff: SchemaDiff, version: str) -> None:
    known = f"{protocol.VERSION}, from which codex_trio.protocol was generated"
    details = [f"{kind} that only this codex has: {', '.join(names)}" for kind, names in diff.new.items() if names]
    gone = [f"{kind} that this codex lacks: {', '.join(names)}" for kind, names in diff.gone.items() if names]
    if diff.missing:
        text = f"codex {version} lacks methods that every turn needs: {', '.join(diff.missing)}"
        advice = f"use codex {protocol.VERSION}, or a newer codex_trio"
        report.add("schema", "bad", text, advice, details + gone)
    elif gone:
        advice = "do not use the methods that it lacks; everything else works"
        report.add("schema", "note", f"codex {version} differs from {known}", advice, details + gone)
    elif details:
        advice = "none needed: codex_trio delivers unknown notifications, and can send unknown requests by name"
        report.add("schema", "note", f"codex {version} differs from {known}", advice, details)
    else:
        report.add("schema", "ok", f"the same methods as {known}")


# --- the server


async def _check_server(report: Report, transport: Transport, login: str, version: str | None = None) -> None:
    """Check that the server answers, and its login.

    Args:
        report: The report.
        transport: The connection to the server.
        login: Advice on how to log in.
        version: The version that the binary reported.
    """
    started_at = trio.current_time()
    try:
        async with open_codex_client(transport, request_timeout=TIMEOUT) as client:
            seconds = trio.current_time() - started_at
            _check_versions_match(
                report, client.server, f"{transport.describe()} answered after {seconds:.2f} s", version
            )
            await _check_login(report, client, login)
    except CodexError as exc:  # it cannot be reached, or rejects `initialize`
        is_local = isinstance(transport, StdioTransport)
        advice = (
            f"run `{transport.describe()}` by hand"
            if is_local
            else "check that it runs: `codex app-server --listen URL`"
        )
        report.add("server", "bad", str(exc), advice)


def _check_versions_match(report: Report, server: InitializeResult, text: str, version: str | None) -> None:
    home = f"; its CODEX_HOME is {server.codex_home}" if server.codex_home else ""
    text = f"{text}: {server.user_agent}{home}"
    own = server.server_info.get("version")
    if version is not None and own is not None and own != version:
        report.add("server", "note", text, f"--version reports {version}, the server {own}: find out which binary runs")
    else:
        report.add("server", "ok", text)


async def _check_login(report: Report, client: CodexClient, login: str) -> None:
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
        report.add("login", "bad", "not logged in, and the configured model provider needs it", advice)
    else:
        report.add("login", "ok", "not logged in, and the configured model provider does not need it")
