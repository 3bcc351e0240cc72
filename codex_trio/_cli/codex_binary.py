"""Read the version and the methods of a codex binary without starting a server.

Each run has a temporary CODEX_HOME and is killed after a timeout.
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

_METHODS: Mapping[str, tuple[str, Any]] = {
    "requests": ("ClientRequest", protocol.RequestMethod),
    "requests of the server": ("ServerRequest", protocol.AskMethod),
    "notifications": ("ServerNotification", protocol.NotificationMethod),
}
"""The name of each kind of method in the schema, and the known methods."""

_REQUIRED = frozenset(
    {"initialize", "thread/start", "thread/resume", "turn/start", "turn/interrupt"}
    | {"turn/started", "turn/completed", "item/started", "item/completed"}
)
"""Without these, no turn can run."""


class ProbeError(Exception):
    """The binary did not provide the information. The message contains the reason, without secrets of the command."""


@dataclass(frozen=True, slots=True)
class SchemaDiff:
    """Differences between the methods of a binary and `codex_trio.protocol`, by kind.

    Attributes:
        new: Methods that only the binary has.
        gone: Methods that the binary lacks.
    """

    new: Mapping[str, Sequence[str]]
    gone: Mapping[str, Sequence[str]]

    @property
    def missing(self) -> list[str]:
        """Methods that the binary lacks although every turn needs them."""
        return [name for names in self.gone.values() for name in names if name in _REQUIRED]


async def read_version(command: Sequence[str], timeout: float) -> str:
    """Run the binary with ``--version`` and return the version.

    Raises:
        ProbeError: The binary does not report a version.
    """
    with _temporary_folder() as home:
        output = await _run([*command, "--version"], home, timeout)
    match = re.search(r"\d+\.\d+\.\S+", output)
    if match is None:
        raise ProbeError(f"{redact_command(command)} --version printed no version: {redact(output)[:200]!r}")
    return match[0]


async def compare_schema(command: Sequence[str], timeout: float) -> SchemaDiff:
    """Compare the methods in the binary's schema with `codex_trio.protocol`.

    Raises:
        ProbeError: The binary does not write a schema in the known form.
    """
    new, gone = {}, {}
    with _temporary_folder() as folder:
        options = ["app-server", "generate-json-schema", "--experimental", "--out", folder]
        await _run([*command, *options], folder, timeout)
        for kind, (name, known) in _METHODS.items():
            methods = _read_methods(Path(folder) / f"{name}.json")
            new[kind] = sorted(methods.difference(get_args(known)))
            gone[kind] = sorted(set(get_args(known)) - methods)
    return SchemaDiff(new, gone)


def _temporary_folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(ignore_cleanup_errors=True)  # a killed process may still write there


def _read_methods(path: Path) -> set[str]:
    try:
        schema = json.loads(path.read_text())
        return {variant["properties"]["method"]["enum"][0] for variant in schema["oneOf"]}
    except (OSError, ValueError, LookupError, TypeError) as exc:
        raise ProbeError(f"this version cannot read its {path.name} ({exc!r})") from exc


async def _run(command: Sequence[str], home: str, timeout: float) -> str:
    """Run a command and return its standard output."""
    shown = redact_command(command)
    try:
        with trio.fail_after(timeout):
            process = await trio.run_process(
                command,
                env={**os.environ, "CODEX_HOME": home},
                capture_stdout=True,
                capture_stderr=True,
                check=False,
                start_new_session=True,
                deliver_cancel=_kill_group,
            )
    except OSError as exc:
        raise ProbeError(f"{shown} cannot be started: {exc}") from exc
    except trio.TooSlowError:
        raise ProbeError(f"{shown} did not end within {timeout:g} s") from None
    if process.returncode != 0:
        last_lines = process.stderr.decode(errors="replace").strip().splitlines()[-3:]
        output = redact(" / ".join(last_lines)) or "no output"
        raise ProbeError(f"{shown} exited with code {process.returncode}: {output}")
    return process.stdout.decode(errors="replace")


async def _kill_group(process: trio.Process) -> None:
    os.killpg(process.pid, signal.SIGKILL)
