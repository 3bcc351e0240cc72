"""A real app-server that listens on loopback. It never outlives its `async with`."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

import trio

from ..._transports.stderr import StderrTail
from ..._transports.stdio import StdioTransport, kill_process_group
from ...errors import CodexTransportError

_LISTEN_TIMEOUT = 30.0  # seconds until the server must have printed its URL
_REAP_TIMEOUT = 2.0  # seconds to wait for a killed process
_ADDRESS = "ws://127.0.0.1:0"
_LISTENING = re.compile(rb"listening on: (ws://[0-9.:]+)\s")


class ListeningServer:
    """A codex that listens; its ``async with`` returns the URL. Created by `ScriptedModel.listening`."""

    def __init__(
        self,
        command: str | Sequence[str] | None,
        arguments: Sequence[str],
        *,
        cwd: str | os.PathLike[str] | None,
        env: Mapping[str, str],
    ) -> None:
        self._stdio = StdioTransport(command, env=env)  # never opened; used to find the command
        self._arguments = arguments
        self._cwd = cwd
        self._env = {**os.environ, **env}
        self._process: trio.Process | None = None
        self._nursery_manager: Any = None
        self._scope: trio.CancelScope

    @trio.lowlevel.enable_ki_protection
    async def __aenter__(self) -> str:
        if self._process is not None:
            raise RuntimeError("a listening server runs only once; create another with listening()")
        command = [*self._stdio.resolve_command()[0], "--listen", _ADDRESS, *self._arguments]
        try:
            self._process = await trio.lowlevel.open_process(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                cwd=self._cwd,
                env=self._env,
                start_new_session=True,
            )
        except OSError as exc:
            raise CodexTransportError(f"cannot start {shlex.join(command)!r}: {exc}") from exc
        assert self._process.stderr is not None
        try:
            url = await _read_url(command, self._process.stderr)
        except BaseException:
            await _kill(self._process)
            raise
        # Entered by hand, so that an exception of the body never goes through the nursery and into a group.
        self._nursery_manager = trio.open_nursery()
        nursery: trio.Nursery = await self._nursery_manager.__aenter__()
        nursery.start_soon(StderrTail().drain, self._process.stderr)
        self._scope = nursery.cancel_scope
        return url

    @trio.lowlevel.enable_ki_protection
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._process is not None
        self._scope.shield = True  # bounded: the nursery's task ends with the stream that it reads
        try:
            await _kill(self._process)
        finally:
            await self._nursery_manager.__aexit__(None, None, None)


async def _read_url(command: Sequence[str], stderr: trio.abc.ReceiveStream) -> str:
    output = b""
    with trio.move_on_after(_LISTEN_TIMEOUT):
        while chunk := await stderr.receive_some():
            output += chunk
            if found := _LISTENING.search(output):
                return found[1].decode()
    text = output.decode(errors="replace").strip()
    raise CodexTransportError(f"{shlex.join(command)!r} does not listen; its stderr: {text!r}", stderr_tail=text)


async def _kill(process: trio.Process) -> None:
    # SIGTERM would make the server wait for its turns. Its files are deleted with the model's home.
    # The process was not reaped before, so the pid is still that of its group.
    kill_process_group(process.pid)
    with trio.move_on_after(_REAP_TIMEOUT, shield=True):
        await process.wait()
    assert process.stderr is not None
    with trio.CancelScope(shield=True):  # done at once
        await process.stderr.aclose()
