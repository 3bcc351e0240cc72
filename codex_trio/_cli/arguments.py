"""Parse the command line."""

from __future__ import annotations

import argparse
import difflib
import math
import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import codex_trio
from codex_trio import StdioTransport, Transport, UnixSocketTransport, WebSocketTransport

from .terminal import is_terminal

Command: TypeAlias = Literal["turn", "session", "demo", "doctor"]

PROGRAM = "python -m codex_trio"
_UNIX = "unix://"
_CONNECT_TIMEOUT, _DOCTOR_TIMEOUT = 30.0, 15.0  # seconds

_DESCRIPTION = f"""\
Talk to Codex: one turn for a prompt, or a session at the terminal if there is no prompt.

  {PROGRAM} "What does this project do?"
  {PROGRAM}                 a session: arrow keys, /help
  git diff | {PROGRAM} -    the prompt comes from stdin
  {PROGRAM} doctor          check everything that a turn needs
  {PROGRAM} demo            show what this library does, without an account
"""

_EPILOG = """\
At a terminal, you are asked for approvals (y/n); without a terminal, they are declined. Ctrl-C stops the turn and prints
its finished steps; a second Ctrl-C leaves at once.

If the server sends nothing for --inactivity-timeout seconds, the turn is stopped, and the exit code is 1; stderr has the
command that resumes the thread. With --keep-waiting, and in a session, a message is printed and the turn continues.

exit codes: 0 the turn completed, 1 it did not or the server cannot be reached, 2 wrong arguments, 130 Ctrl-C.
environment: CODEX_APP_SERVER_CMD is the default of --cmd. CODEX_APP_SERVER_TOKEN is the default of --token, and is not
visible in the list of processes; it is used if --url is on this machine, or is the server that CODEX_APP_SERVER_WS_URL
names. That variable is not a default of --url.
"""

_SIMILARITY = 0.8  # as in `difflib`: a prompt that is so similar to a subcommand is treated as a misspelling
_ALLOWED_ARGUMENTS = {
    "demo": {"prompt", "cmd"},
    "doctor": {"prompt", "cmd", "url", "token", "allow_insecure_token", "json"},
}
"""Arguments that each subcommand accepts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The parsed command line.

    Attributes:
        cwd: Working directory on the server's machine.
        inactivity_timeout: Seconds.
        server_args: Arguments that select the same server, for the shell, without secrets.
    """

    command: Command
    prompt: str
    transport: Transport
    resume: str | None
    model: str | None
    cwd: str | None
    cmd: str | None
    inactivity_timeout: float
    keep_waiting: bool
    json: bool
    server_args: str


def parse_arguments(argv: Sequence[str] | None) -> Options:
    """Parse the command line, and read the prompt from stdin if needed. Wrong arguments exit with code 2."""
    parser = _make_parser()
    args = parser.parse_args(argv)
    try:
        command = _find_command(args, is_prompt="--" in (sys.argv[1:] if argv is None else argv))
        _check(args, command, parser)
        transport = _make_transport(args, _DOCTOR_TIMEOUT if command == "doctor" else _CONNECT_TIMEOUT)
        options = Options(
            command=command,
            prompt=_read_prompt(args) if command == "turn" else "",
            transport=transport,
            resume=args.resume,
            model=args.model,
            cwd=_resolve_cwd(args),
            cmd=args.cmd,
            inactivity_timeout=args.inactivity_timeout,
            keep_waiting=args.keep_waiting or command == "session",
            json=args.json,
            server_args=_server_args(args, transport),
        )
        _check_text(options)
        return options
    except ValueError as exc:
        parser.error(str(exc))


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROGRAM, description=_DESCRIPTION, epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add(
        "prompt",
        nargs="?",
        help="the message, '-' to read it from stdin, or the command 'demo' or 'doctor'; after '--' always a message",
    )
    add("--resume", metavar="THREAD", help="continue the thread with this id")
    add("--model", help="the model (default: the configured one)")
    add("--cwd", metavar="FOLDER", help="the working directory (default: this one; with --url, the server's)")
    add("--cmd", metavar="COMMAND", help="the server's command line (default: codex app-server)")
    add("--url", help="connect to a running server: ws://HOST:PORT, wss://... or unix://PATH")
    add("--token", help="bearer token for that server; others may see it in the list of processes")
    add("--allow-insecure-token", action="store_true", help="send the token over ws:// even to another machine")
    add(
        "--inactivity-timeout",
        type=_seconds,
        default=180.0,
        metavar="SECONDS",
        help="how long the server may send nothing (default: 180; 'inf' for no limit)",
    )
    add("--keep-waiting", action="store_true", help="after that time, print a message and keep waiting")
    add("--json", action="store_true", help="print one JSON object for each step; with 'doctor', one object")
    add("--version", action="version", version=codex_trio.__version__)
    return parser


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if math.isnan(value) or value <= 0:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number of seconds")
    return value


def _find_command(args: argparse.Namespace, *, is_prompt: bool) -> Command:
    """Return the command to run.

    Args:
        args: The command line.
        is_prompt: Whether the prompt follows ``--``, so that it cannot be a subcommand.

    Raises:
        ValueError: The prompt seems to be a misspelt subcommand, or a session is not possible here.
    """
    if args.prompt is not None and not is_prompt:
        if args.prompt == "demo":
            return "demo"
        if args.prompt == "doctor":
            return "doctor"
        _check_spelling(args.prompt)
    if args.prompt is not None or not is_terminal(sys.stdin):
        return "turn"
    if args.json:
        raise ValueError("--json needs a prompt")
    if not is_terminal(sys.stdout):
        raise ValueError("a session needs a terminal; give a prompt")
    return "session"


def _check_spelling(word: str) -> None:
    close = (
        difflib.get_close_matches(word.lower(), _ALLOWED_ARGUMENTS, n=1, cutoff=_SIMILARITY) if word.isalpha() else []
    )
    if close:
        word = shlex.quote(word)
        raise ValueError(f"unknown command {word}; did you mean '{close[0]}'? To send it as a prompt, write: -- {word}")


def _check(args: argparse.Namespace, command: Command, parser: argparse.ArgumentParser) -> None:
    if command in _ALLOWED_ARGUMENTS:
        used = [name for name, value in vars(args).items() if value != parser.get_default(name)]
        if extra := [name for name in used if name not in _ALLOWED_ARGUMENTS[command]]:
            raise ValueError(f"{command} takes no --{extra[0].replace('_', '-')}")
    url: str | None = args.url
    if url is not None and args.cmd is not None:
        raise ValueError("--cmd and --url exclude each other: --cmd starts a server, --url connects to a running one")
    if url is None or url.startswith(_UNIX):
        if args.token is not None:
            raise ValueError("--token needs a websocket URL in --url")
        if args.allow_insecure_token:
            raise ValueError("--allow-insecure-token needs a websocket URL in --url")


def _check_text(options: Options) -> None:
    """Check that the texts for the server are valid UTF-8. A command line may contain other bytes."""
    sent = {"the prompt": options.prompt, "--resume": options.resume, "--model": options.model, "--cwd": options.cwd}
    for name, text in sent.items():
        try:
            (text or "").encode()
        except UnicodeEncodeError:
            raise ValueError(f"{name} is not valid UTF-8") from None


def _read_prompt(args: argparse.Namespace) -> str:
    prompt = _read_stdin() if args.prompt in (None, "-") else str(args.prompt)
    if not prompt.strip():
        raise ValueError("the prompt is empty")
    return prompt


def _read_stdin() -> str:
    try:
        return "" if sys.stdin is None else sys.stdin.buffer.read().decode(errors="replace").rstrip()
    except OSError as exc:
        raise ValueError(f"the prompt cannot be read from stdin: {exc}") from exc


def _make_transport(args: argparse.Namespace, connect_timeout: float) -> Transport:
    if args.url is None:
        return StdioTransport(args.cmd, connect_timeout=connect_timeout)
    if args.url.startswith(_UNIX):
        return UnixSocketTransport(args.url.removeprefix(_UNIX), connect_timeout=connect_timeout)
    return WebSocketTransport(
        args.url,
        token=args.token,
        allow_insecure_token=args.allow_insecure_token,
        connect_timeout=connect_timeout,
    )


def _resolve_cwd(args: argparse.Namespace) -> str | None:
    folder: str | None = args.cwd
    if folder is None or args.url is not None:  # a folder on the server cannot be checked here
        return folder
    if not os.path.isdir(folder):  # `Path.is_dir` raises for some paths before Python 3.14
        raise ValueError(f"--cwd: {folder} is not a folder")
    return str(Path(folder).resolve())


def _server_args(args: argparse.Namespace, transport: Transport) -> str:
    """Return arguments for a shell, without secrets, which the user has to add again."""
    if args.url is not None:
        insecure = " --allow-insecure-token" if args.allow_insecure_token else ""
        return f" --url {shlex.quote(transport.describe())}{insecure}"
    return "" if args.cmd is None else f" --cmd {shlex.quote(transport.describe())}"
