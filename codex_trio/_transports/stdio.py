"""`StdioTransport`: run a server as a child process. The process never outlives the transport."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import shlex
import shutil
import signal
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

import trio

from .._options import DEFAULT_CONNECT_TIMEOUT, DEFAULT_MAX_MESSAGE_SIZE, DEFAULT_SHUTDOWN_GRACE, check_positive
from .._redaction import is_secret_variable, redact, redact_command, secrets_in_command
from ..abc import Transport
from ..errors import CodexTransportError
from .line_stream import LineStream, LineTooLongError
from .secrets import Secret, without_tracebacks
from .stderr import StderrTail

COMMAND_VARIABLE = "CODEX_APP_SERVER_CMD"

CommandSource: TypeAlias = Literal["argument", "environment", "PATH", "package"]

_PIPE_SIZE = 1 << 20  # bytes
_EXIT_CODE_TIMEOUT = 0.2  # seconds to wait for the exit code after the output has ended; the process may still run
_REAP_TIMEOUT = 2.0  # seconds to wait for a killed process to exit


class StdioTransport(Transport):
    """Runs ``codex app-server``, or another command, as a child process. Messages are lines of JSON on stdin and stdout.

    The child runs in a new session, so Ctrl-C reaches the program but not the server. Each line of its stderr is logged to
    ``codex_trio.server`` at level INFO.

    Errors and logs redact text of the command that looks like a secret: the word after ``--token`` and similar options,
    the value of ``api_key=``, the login in a URL. In the child's output, they also redact the values of environment
    variables whose names contain ``KEY``, ``TOKEN``, ``SECRET``, ``PASS`` and the like. The frames of tracebacks contain
    none of these secrets.

    Args:
        command: The command to run: a string, split like a shell command, or a sequence of words. Default: the environment
            variable ``CODEX_APP_SERVER_CMD``; if it is not set, ``codex app-server``, with ``codex`` from PATH, or from an
            installed ``openai-codex-cli-bin``.
        cwd: Working directory of the child.
        env: Environment variables to set for the child, in addition to the program's own. `None` removes a variable.
        connect_timeout: Seconds for starting and for the response to `initialize`.
        max_message_size: Longest message to accept from the server, in bytes.
        shutdown_grace: Seconds for the server to exit after its stdin is closed, and again after SIGTERM, before it is
            killed. With 0, it is killed at once.

    When the server exits, for any reason, its process group is killed. Commands of turns run in separate sessions, which
    this does not reach. Codex ends these commands when its stdin is closed. If codex itself is killed, processes that such
    a command has started may keep running (codex 0.163, 0.169).

    Example:
        ``open_codex_client(StdioTransport("codex app-server", cwd="/project", env={"RUST_LOG": "info"}))``
    """

    def __init__(
        self,
        command: str | Sequence[str] | None = None,
        *,
        cwd: str | os.PathLike[str] | None = None,
        env: Mapping[str, str | None] | None = None,
        connect_timeout: float = DEFAULT_CONNECT_TIMEOUT,
        max_message_size: int = DEFAULT_MAX_MESSAGE_SIZE,
        shutdown_grace: float = DEFAULT_SHUTDOWN_GRACE,
    ) -> None:
        try:
            check_positive(connect_timeout=connect_timeout, max_message_size=max_message_size)
            if shutdown_grace != 0:  # 0 means: kill the process at once
                check_positive(shutdown_grace=shutdown_grace)
            self._explicit_command = None if command is None else Secret[Sequence[str]](_split(command, "command"))
        except (TypeError, ValueError) as exc:
            raise without_tracebacks(exc)  # noqa: B904  the same exception
        finally:
            self._env = Secret(env)
            del command, env  # so that tracebacks that show local variables do not contain them
        self._command: Secret[Sequence[str]] = self._explicit_command or Secret(["codex", "app-server"])
        self._cwd = cwd
        self.connect_timeout = connect_timeout
        self._max_message_size = max_message_size
        self._shutdown_grace = shutdown_grace
        self._process: _ProcessGroup | None = None
        self._stdin: trio.lowlevel.FdStream | None = None
        self._is_opening = False  # while the process is being started
        self._stderr = StderrTail()

    @property
    def stderr_tail(self) -> str:
        """The end of the server's stderr: at most 64 KiB, without colours and secrets."""
        return self._stderr.text()

    def describe(self) -> str:
        """Return the command line, with secrets redacted."""
        return redact_command(self._command.reveal())

    def redact(self, text: str) -> str:
        """Redact the secrets in the command and the environment of the running child. See `Transport.redact`."""
        return self._stderr.mask(text)

    def resolve_command(self) -> tuple[Sequence[str], CommandSource]:
        """Return the command that `open` would run now, and where it comes from.

        Raises:
            CodexTransportError: No command was found. The message lists what was tried, and how to install codex.

        Example:
            ``words, source = StdioTransport().resolve_command()``
        """
        env = Secret(_environment(self._env.reveal()))
        if self._explicit_command is None:
            try:
                return _default_command(env.reveal())
            except CodexTransportError as exc:
                raise without_tracebacks(exc)  # noqa: B904  the same exception
        program, *arguments = self._explicit_command.reveal()
        path = env.reveal().get("PATH")
        if program == "codex" and not shutil.which(program, path=path) and (bundled := _bundled()[0]):
            return [bundled, *arguments], "package"
        return self._explicit_command.reveal(), "argument"

    async def open(self, nursery: trio.Nursery) -> None:
        """Start the child. See `Transport.open`."""
        if self._process is not None or self._is_opening:
            raise RuntimeError("this StdioTransport is open already; each client needs its own")
        self._command = Secret(self.resolve_command()[0])
        self._is_opening = True
        env = Secret(_environment(self._env.reveal()))
        try:
            process = await trio.lowlevel.open_process(
                list(self._command.reveal()),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=self._cwd,
                env=env.reveal(),
                start_new_session=True,
            )
        except OSError as exc:
            if self._cwd is not None and not os.path.isdir(self._cwd):  # noqa: ASYNC240  starting the process has just accessed it
                why = f"the working directory {self._cwd} does not exist"
            else:
                why = f"{exc} (pass command=, or set {COMMAND_VARIABLE})"
            raise CodexTransportError(f"cannot start {self.describe()!r}: {why}") from without_tracebacks(exc)
        except (TypeError, ValueError) as exc:  # invalid arguments or variables, such as a NUL byte
            raise without_tracebacks(exc)  # noqa: B904  the same exception
        finally:
            self._is_opening = False
        # No checkpoint between starting the process and this line, so `aclose` always knows the process.
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self._process = _ProcessGroup(process)
        self._stdin = process.stdin if isinstance(process.stdin, trio.lowlevel.FdStream) else None
        _enlarge_pipe(process.stdout)
        self._lines = LineStream(process.stdin, process.stdout, max_message_size=self._max_message_size)
        self._stderr = StderrTail(
            (
                *(value for name, value in env.reveal().items() if is_secret_variable(name)),
                *secrets_in_command(self._command.reveal()),
            )
        )
        nursery.start_soon(self._stderr.drain, process.stderr, name="codex_trio stderr")
        self._stderr_stream = process.stderr
        nursery.start_soon(self._watch, self._process, self._lines, process.stdout, name="codex_trio process")

    @trio.lowlevel.enable_ki_protection
    async def _watch(self, child: _ProcessGroup, lines: LineStream, output: trio.abc.ReceiveStream) -> None:
        await child.wait()
        # A process that left the server's session may keep the pipe open. The server's own output is in the pipe now.
        await lines.close_after(_bytes_available(output))

    async def send(self, messages: Sequence[bytes]) -> None:
        """Send messages. See `Transport.send`."""
        try:
            await self._lines.send(messages)
        except (trio.BrokenResourceError, trio.ClosedResourceError) as exc:
            raise await self._disconnected("it no longer reads its input") from exc

    def send_nowait(self, message: bytes) -> bool:
        """Write a short message, unless the pipe is full. See `Transport.send_nowait`."""
        # Writing up to PIPE_BUF bytes to a pipe is atomic.
        if len(message) >= select.PIPE_BUF or self._stdin is None:
            return False
        try:
            return os.write(self._stdin.fileno(), message + b"\n") > 0
        except OSError:  # full or closed: `send` waits, or raises
            return False

    async def receive(self) -> Sequence[bytes | bytearray]:
        """Receive messages. See `Transport.receive`."""
        try:
            return await self._lines.receive()
        except LineTooLongError as exc:
            await self._lines.aclose_receiving()  # nothing more is read, and the server should notice
            raise await self._disconnected(f"it sent {exc}") from exc
        except trio.EndOfChannel:
            raise await self._disconnected("its output ended") from None
        except (trio.BrokenResourceError, trio.ClosedResourceError) as exc:
            raise await self._disconnected("its output ended") from exc

    async def _disconnected(self, what: str) -> CodexTransportError:
        process = self._process
        if process is None:
            return CodexTransportError(f"{self.describe()} is not open")
        with trio.move_on_after(_EXIT_CODE_TIMEOUT):
            await process.wait()
            await self._stderr.ended.wait()
        code = process.returncode
        if code is None:
            status = "; its process is still running"
        else:
            status = f" and it exited with code {code}" if code >= 0 else f" and it was killed by signal {-code}"
        tail = self.stderr_tail
        last_lines = "\n".join(tail.strip().splitlines()[-5:])
        return CodexTransportError(
            f"lost the server ({self.describe()}): {what}{status}"
            + (f"; its stderr ended with:\n{last_lines}" if last_lines else ""),
            returncode=code,
            stderr_tail=tail,
        )

    async def aclose(self) -> None:
        """Close stdin, wait, SIGTERM, wait, SIGKILL to the process group, reap. See `Transport.aclose`."""
        if self._process is None:
            await trio.lowlevel.checkpoint()
            return
        with trio.CancelScope(shield=True):
            await self._shut_down(self._process)
        self._process = None

    async def _shut_down(self, child: _ProcessGroup) -> None:
        await self._lines.aclose_sending()
        if not await child.wait_exit(self._shutdown_grace):
            child.terminate()
            if not await child.wait_exit(self._shutdown_grace):
                child.kill()
                await child.wait_exit(_REAP_TIMEOUT)
        with trio.move_on_after(_EXIT_CODE_TIMEOUT):
            await self._stderr.ended.wait()
        await self._lines.aclose_receiving()
        await self._stderr_stream.aclose()


class _ProcessGroup:
    """A process, and the process group that it leads.

    The process id is valid until the process has been waited for; afterwards the kernel may reuse it. Therefore only this
    class waits for the process, and it sends no signals after that. The rest of the group is killed when the process exits.
    """

    def __init__(self, process: trio.Process) -> None:
        self._process = process
        self._has_ended = False
        self.pid = process.pid

    @property
    def returncode(self) -> int | None:
        """The exit code; `None` until the process has been waited for."""
        return self._process.returncode if self._has_ended else None

    @trio.lowlevel.enable_ki_protection
    async def wait(self) -> None:
        """Wait until the process exits, and kill its group."""
        await self._process.wait()
        # Several tasks may wait. The first one gets here without a checkpoint after the process id became free, so the id
        # cannot have been reused yet.
        if not self._has_ended:
            self._has_ended = True
            kill_process_group(self.pid)

    async def wait_exit(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds for the process to exit. Return whether it has exited."""
        with trio.move_on_after(timeout):
            await self.wait()
        return self._has_ended

    def terminate(self) -> None:
        """Send SIGTERM to the process."""
        if not self._has_ended:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """Kill the process and its group."""
        if not self._has_ended:
            kill_process_group(self.pid)


def _enlarge_pipe(output: object) -> None:
    # With a large pipe, much output is read in few system calls. Only Linux supports this, up to a limit for each user.
    if isinstance(output, trio.lowlevel.FdStream) and hasattr(fcntl, "F_SETPIPE_SZ"):
        with contextlib.suppress(OSError):
            fcntl.fcntl(output.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_SIZE)


def _bytes_available(output: trio.abc.ReceiveStream) -> int:
    """Return the number of bytes that can be read from a pipe; 0 if it is closed."""
    if not isinstance(output, trio.lowlevel.FdStream) or output.fileno() < 0:
        return 0
    size = fcntl.ioctl(output.fileno(), termios.FIONREAD, bytes(struct.calcsize("i")))
    return int(struct.unpack("i", size)[0])


def kill_process_group(group: int) -> None:
    # The group is already gone. On macOS, EPERM means that only zombies remain.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _split(command: str | Sequence[str], what: str) -> list[str]:
    if not isinstance(command, (str, Sequence)):
        raise TypeError(f"{what} must be a str or a sequence of words, not {redact(repr(command))}")
    try:
        words = shlex.split(command) if isinstance(command, str) else [os.fspath(word) for word in command]
    except ValueError as exc:
        raise ValueError(f"{what} {redact(repr(command))} cannot be split into words: {exc}") from exc
    if not words:
        raise ValueError(f"{what} is empty")
    return words


def _environment(changes: Mapping[str, str | None] | None) -> dict[str, str]:
    env = dict(os.environ)
    for name, value in (changes or {}).items():
        if value is None:
            env.pop(name, None)
        else:
            env[name] = value
    return env


def _default_command(env: Mapping[str, str]) -> tuple[list[str], CommandSource]:
    if command := env.get(COMMAND_VARIABLE, "").strip():
        try:
            return _split(command, COMMAND_VARIABLE), "environment"
        except ValueError as exc:
            raise CodexTransportError(f"the environment's {exc}") from None
    if found := shutil.which("codex", path=env.get("PATH")):
        return [found, "app-server"], "PATH"
    bundled, reason = _bundled()
    if bundled is not None:
        return [bundled, "app-server"], "package"
    raise CodexTransportError(
        f"no codex binary was found. Tried: the command argument (not given), the environment variable "
        f"{COMMAND_VARIABLE} (not set), 'codex' on PATH ({env.get('PATH', '')!r}), the package "
        f"openai-codex-cli-bin ({reason}). Install one: pip install 'codex-trio[codex]', or npm install -g @openai/codex"
    ) from reason


def _bundled() -> tuple[str | None, Exception | None]:
    """Return the binary of the installed package, or the reason why there is none."""
    try:
        from codex_cli_bin import bundled_codex_path  # type: ignore[import-untyped]  # it has no type hints

        return str(bundled_codex_path()), None
    except (ImportError, FileNotFoundError) as exc:
        return None, exc
