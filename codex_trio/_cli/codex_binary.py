"""What a codex binary says of itself when it is no server: its version, and the methods of its schema.

Each run of it has a CODEX_HOME that is thrown away, and is killed when its time is over.
"""

from __future__ import annotations

import json
import os
import re
import signal
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import trio

from codex_trio import protocol
from codex_trio._redaction import redact, redact_command

_KINDS: Mapping[str, tuple[str, Any]] = {
    "requests": ("ClientRequest", protocol.RequestMethod),
    "requests of the server": ("ServerRequest", protocol.AskMethod),
    "notifications": ("ServerNotification", protocol.NotificationMethod),
}
"""What they are called in the schema, and the methods that are known."""

_NEEDED = frozenset(
    {"initialize", "thread/start", "thread/resume", "turn/start", "turn/interrupt"}
    | {"turn/started", "turn/completed", "item/started", "item/completed"}
)
"""Without these, no turn can run."""


class NotToldError(Exception):
    """The binary did not give the information; the message contains the reason, without secrets of the command."""


@dataclass(frozen=True, slots=True)
class Differences:
    """Methods that a binary has and `codex_trio.protocol` does not, and the other way round; by kind.

    Attributes:
        new: The former.
        gone: The latter.
    """

    new: Mapping[str, Sequence[str]]
    gone: Mapping[str, Sequence[str]]

    @property
    def missing(self) -> list[str]:
        """Those that are gone, and that every turn needs."""
        return [name for names in self.gone.values() for name in names if name in _NEEDED]


async def read_version(words: Sequence[str], patience: float) -> str:
    """Ask for ``--version``.

    Raises:
        NotToldError: It does not tell.
    """
    with _throw_away_folder() as home:
        told = await _run([*words, "--version"], home, patience)
    found = re.search(r"\d+\.\d+\.\S+", told)
    if found is None:
        raise NotToldError(f"{redact_command(words)} --version printed no version: {redact(told)[:200]!r}")
    return found[0]


async def read_differences(words: Sequence[str], patience: float) -> Differences:
    """Compare the methods of the binary's schema with those of `codex_trio.protocol`.

    Raises:
        NotToldError: It does not tell, or not in a form that we know.
    """
    new, gone = {}, {}
    with _throw_away_folder() as folder:
        options = ["app-server", "generate-json-schema", "--experimental", "--out", folder]
        await _run([*words, *options], folder, patience)
        for kind, (name, known) in _KINDS.items():
            found = _read_methods(Path(folder) / f"{name}.json")
            new[kind] = sorted(found.difference(get_args(known)))
            gone[kind] = sorted(set(get_args(known)) - found)
    return Differences(new, gone)


def _throw_away_folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(ignore_cleanup_errors=True)  # what was killed may be writing there


def _read_methods(path: Path) -> set[str]:
    try:
        schema = json.loads(path.read_text())
        return {one["properties"]["method"]["enum"][0] for one in schema["oneOf"]}
    except (OSError, ValueError, LookupError, TypeError) as exc:
        raise NotToldError(f"it wrote no {path.name} that this version can read ({exc!r})") from exc


async def _run(command: Sequence[str], home: str, patience: float) -> str:
    """Return what a command prints."""
    shown = redact_command(command)
    try:
        with trio.fail_after(patience):
            ran = await trio.run_process(
                command,
                env={**os.environ, "CODEX_HOME": home},
                capture_stdout=True,
                capture_stderr=True,
                check=False,
                start_new_session=True,
                deliver_cancel=_kill_group,
            )
    except OSError as exc:
        raise NotToldError(f"{shown} cannot be started: {exc}") from exc
    except trio.TooSlowError:
        raise NotToldError(f"{shown} did not end within {patience:g} s") from None
    if ran.returncode != 0:
        last_words = ran.stderr.decode(errors="replace").strip().splitlines()[-3:]
        output = redact(" / ".join(last_words)) or "no output"
        raise NotToldError(f"{shown} exited with code {ran.returncode}: {output}")
    return ran.stdout.decode(errors="replace")


async def _kill_group(process: trio.Process) -> None:
    os.killpg(process.pid, signal.SIGKILL)
