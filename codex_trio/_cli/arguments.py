"""What may be said on the command line, and what it means."""

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

Doing: TypeAlias = Literal["turn", "session", "demo", "doctor"]

PROGRAM = "python -m codex_trio"
_UNIX = "unix://"
_CONNECTING, _DIAGNOSING = 30.0, 15.0  # seconds for a server to answer; less where that is the question

_DESCRIPTION = f"""\
Talk to Codex: a turn for a prompt, or a session at the terminal without one.

  {PROGRAM} "What does this project do?"
  {PROGRAM}                 a session: arrow keys, /help
  git diff | {PROGRAM} -    the prompt comes from stdin
  {PROGRAM} doctor          is all there that a turn needs?
  {PROGRAM} demo            what this library does, without an account
"""

_EPILOG = """\
At a terminal, approvals are asked for (y/n); without one, they are declined. Ctrl-C stops the turn and prints what it
had done; a second Ctrl-C does not wait for that.

When nothing comes for --inactivity-timeout seconds, the turn is stopped, and the exit code is 1; stderr says how to go on.
With --keep-waiting it is only told, and the waiting goes on; in a session it always is so.

exit codes: 0 the turn completed, 1 it did not, or there is no server, 2 misuse, 130 Ctrl-C.
environment: CODEX_APP_SERVER_CMD as --cmd; CODEX_APP_SERVER_TOKEN as --token, but not in the list of processes, if --url is
on this machine or is the server that CODEX_APP_SERVER_WS_URL names. That variable does not replace --url.
"""

_CLOSE = 0.8  # of `difflib`: a prompt that is as close to a subcommand as that is taken for a misspelling
_TAKEN = {"demo": {"prompt", "cmd"}, "doctor": {"prompt", "cmd", "url", "token", "allow_insecure_token", "json"}}
"""What goes with the words that are no prompt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was asked for.

    Attributes:
        cwd: On the server's machine.
        inactivity_timeout: In seconds.
        reaching: Options to type after a thread's id to reach the same server, without secrets.
    """

    doing: Doing
    prompt: str
    transport: Transport
    resume: str | None
    model: str | None
    cwd: str | None
    cmd: str | None
    inactivity_timeout: float
    keep_waiting: bool
    json: bool
    reaching: str


def parse_arguments(argv: Sequence[str] | None) -> Options:
    """Read the command line, and the prompt from stdin where it is there. Misuse exits with 2."""
    parser = _make_parser()
    given = parser.parse_args(argv)
    try:
        doing = _what_to_do(given, is_prompt="--" in (sys.argv[1:] if argv is None else argv))
        _check(given, doing, parser)
        transport = _make_transport(given, _DIAGNOSING if doing == "doctor" else _CONNECTING)
        options = Options(
            doing=doing,
            prompt=_read_prompt(given) if doing == "turn" else "",
            transport=transport,
            resume=given.resume,
            model=given.model,
            cwd=_read_folder(given),
            cmd=given.cmd,
            inactivity_timeout=given.inactivity_timeout,
            keep_waiting=given.keep_waiting or doing == "session",
            json=given.json,
            reaching=_reaching(given, transport),
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
        help="the message; '-' for stdin; or one of the words 'demo' and 'doctor', unless behind '--'",
    )
    add("--resume", metavar="THREAD", help="go on with a thread, by its id")
    add("--model", help="the model, instead of the configured one")
    add("--cwd", metavar="FOLDER", help="the folder to work in (default: this one; with --url, the server's)")
    add("--cmd", metavar="COMMAND", help="the server's command line (default: codex app-server)")
    add("--url", help="a server that runs already: ws://HOST:PORT, wss://... or unix://PATH")
    add("--token", help="bearer token for such a server; others may see it in the list of processes")
    add("--allow-insecure-token", action="store_true", help="send the token over ws:// even to another machine")
    add(
        "--inactivity-timeout",
        type=_seconds,
        default=180.0,
        metavar="SECONDS",
        help="the longest silence, 180 unless given; 'inf' for no limit",
    )
    add("--keep-waiting", action="store_true", help="after such a silence, say so and wait on")
    add("--json", action="store_true", help="print one JSON object for each step; of 'doctor', one for all")
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


def _what_to_do(given: argparse.Namespace, *, is_prompt: bool) -> Doing:
    """Return what is asked for.

    Args:
        given: The command line.
        is_prompt: Whether the prompt stands behind ``--``, and so is no subcommand.

    Raises:
        ValueError: The prompt seems to be a misspelt subcommand, or no session can be held here.
    """
    if given.prompt is not None and not is_prompt:
        if given.prompt == "demo":
            return "demo"
        if given.prompt == "doctor":
            return "doctor"
        _check_spelling(given.prompt)
    if given.prompt is not None or not is_terminal(sys.stdin):
        return "turn"
    if given.json:
        raise ValueError("--json needs a prompt")
    if not is_terminal(sys.stdout):
        raise ValueError("a session needs a terminal; give a prompt")
    return "session"


def _check_spelling(word: str) -> None:
    close = difflib.get_close_matches(word.lower(), _TAKEN, n=1, cutoff=_CLOSE) if word.isalpha() else []
    if close:
        word = shlex.quote(word)
        raise ValueError(f"there is no {word}; did you mean '{close[0]}'? To send it as a prompt, write: -- {word}")


def _check(given: argparse.Namespace, doing: Doing, parser: argparse.ArgumentParser) -> None:
    if doing in _TAKEN:
        said = [name for name, value in vars(given).items() if value != parser.get_default(name)]
        if extra := [name for name in said if name not in _TAKEN[doing]]:
            raise ValueError(f"{doing} takes no --{extra[0].replace('_', '-')}")
    url: str | None = given.url
    if url is not None and given.cmd is not None:
        raise ValueError("--cmd starts a server, and --url is one that runs: give one of them")
    if url is None or url.startswith(_UNIX):
        if given.token is not None:
            raise ValueError("--token is for a websocket at --url")
        if given.allow_insecure_token:
            raise ValueError("--allow-insecure-token is for a websocket at --url")


def _check_text(options: Options) -> None:
    """See that what goes to the server can go there: a command line may have bytes that are no UTF-8."""
    sent = {"the prompt": options.prompt, "--resume": options.resume, "--model": options.model, "--cwd": options.cwd}
    for name, text in sent.items():
        try:
            (text or "").encode()
        except UnicodeEncodeError:
            raise ValueError(f"{name} is not UTF-8, and the server takes nothing else") from None


def _read_prompt(given: argparse.Namespace) -> str:
    prompt = _read_stdin() if given.prompt in (None, "-") else str(given.prompt)
    if not prompt.strip():
        raise ValueError("the prompt is empty")
    return prompt


def _read_stdin() -> str:
    try:
        return "" if sys.stdin is None else sys.stdin.buffer.read().decode(errors="replace").rstrip()
    except OSError as exc:
        raise ValueError(f"the prompt cannot be read from stdin: {exc}") from exc


def _make_transport(given: argparse.Namespace, connect_timeout: float) -> Transport:
    if given.url is None:
        return StdioTransport(given.cmd, connect_timeout=connect_timeout)
    if given.url.startswith(_UNIX):
        return UnixSocketTransport(given.url.removeprefix(_UNIX), connect_timeout=connect_timeout)
    return WebSocketTransport(
        given.url,
        token=given.token,
        allow_insecure_token=given.allow_insecure_token,
        connect_timeout=connect_timeout,
    )


def _read_folder(given: argparse.Namespace) -> str | None:
    folder: str | None = given.cwd
    if folder is None or given.url is not None:  # a folder of that server is not ours to look at
        return folder
    if not os.path.isdir(folder):  # whatever the reason; that of pathlib raises for some, before Python 3.14
        raise ValueError(f"--cwd: there is no folder {folder}")
    return str(Path(folder).resolve())


def _reaching(given: argparse.Namespace, transport: Transport) -> str:
    """Return options for a shell, without what may be secret; a person has to add that again."""
    if given.url is not None:
        leave = " --allow-insecure-token" if given.allow_insecure_token else ""
        return f" --url {shlex.quote(transport.describe())}{leave}"
    return "" if given.cmd is None else f" --cmd {shlex.quote(transport.describe())}"
