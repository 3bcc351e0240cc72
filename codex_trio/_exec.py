"""`client.exec`: run a command in the server's sandbox, without a thread. Its input and output are Trio streams."""

from __future__ import annotations

import base64
import math
import uuid
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any

import msgspec
import trio

from ._public_call import public_call
from ._session.connection import PendingRequest
from ._session.session import Session
from ._wire import methods
from ._wire.messages import Notice, Response
from .errors import CodexError, CodexProtocolError, CodexTransportError

RESERVED_FIELDS = (
    "processId",
    "streamStdin",
    "streamStdoutStderr",
    "timeoutMs",
    "disableTimeout",
)  # not allowed in `extra`
_CHUNK = 65_536  # bytes of input per message
_CLOSE_TIMEOUT = 1.0  # seconds to wait, when cancelled, until the server has acknowledged the end of the input
_END_TIMEOUT = 5.0  # seconds to wait until a terminated command has ended
_TERMINATE_RETRY = 0.1  # seconds until `terminate` is retried if the server does not know the command yet


class ExecStdin(trio.abc.SendStream):
    """The standard input of a command. Closing it sends the end of the input to the command.

    Example:
        ``await process.stdin.send_all(b"a line"); await process.stdin.aclose()``
    """

    def __init__(self, process: ExecProcess) -> None:
        self._process = process
        self._is_closed = False
        self._is_busy = False

    @public_call
    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Write all of `data`.

        Raises:
            CodexTimeoutError: The server did not respond in time. A part of `data` may have been written.
            CodexTransportError: The connection was lost.
            trio.BrokenResourceError: The command has ended.
            trio.BusyResourceError: Another task is writing.
            trio.ClosedResourceError: This stream was closed.

        Cancellation: A part of `data` may have been written.
        """
        if self._is_busy:
            raise trio.BusyResourceError("another task is writing to this command")
        if self._is_closed:
            raise trio.ClosedResourceError("the input of this command was closed")
        self._is_busy = True
        try:
            await self._process.write(data)
        finally:
            self._is_busy = False

    @public_call
    async def wait_send_all_might_not_block(self) -> None:
        """Return at once, because the server does not report whether the command reads."""
        await trio.lowlevel.checkpoint()

    @public_call
    async def aclose(self) -> None:
        """Send the end of the input to the command, after all data that is being written. Idempotent.

        Raises:
            CodexError: The end of the input could not be sent. Call `aclose` again to retry.

        Cancellation: The end of the input is still sent, unless this takes more than a second.
        """
        self._is_closed = True
        try:
            await self._tell_end()
        except trio.Cancelled:
            # Send it again: the server may have rejected the first request for overload, and codex accepts it twice.
            with trio.CancelScope(shield=True, deadline=trio.current_time() + _CLOSE_TIMEOUT), suppress(CodexError):
                await self._tell_end()
            raise

    async def _tell_end(self) -> None:
        with suppress(trio.BrokenResourceError):  # the command has ended, or its input was closed before
            await self._process.write(b"", close=True)


class ExecOutput(trio.abc.ReceiveStream):
    """The standard output or standard error of a command. Unread output is kept in memory, without a limit.

    Example:
        ``async for chunk in process.stdout: print(chunk)``
    """

    def __init__(self, process: ExecProcess) -> None:
        self._process = process
        self._unread = bytearray()
        self._news = trio.lowlevel.ParkingLot()
        self._has_ended = False
        self._is_closed = False
        self._connection_error: CodexTransportError | None = None

    @public_call
    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Wait for output, and return it. Return ``b""`` when the command has ended and all output was read.

        Raises:
            CodexTransportError: The connection was lost, and all output received before was read.
            RuntimeError: The command's ``async with`` block has not been entered.
            ValueError: `max_bytes` is not positive.
            trio.ClosedResourceError: This stream was closed.

        Cancellation: No output is lost.
        """
        self._process.check_entered()
        if max_bytes is not None and max_bytes < 1:
            raise ValueError("max_bytes must be positive")
        await trio.lowlevel.checkpoint()
        while not self._unread and not self._has_ended and not self._is_closed:
            await self._news.park()
        if self._is_closed:
            raise trio.ClosedResourceError("the output of this command was closed")
        if not self._unread and self._connection_error is not None:
            raise self._connection_error.fresh()
        size = len(self._unread) if max_bytes is None else max_bytes
        data = bytes(self._unread[:size])
        del self._unread[:size]
        return data

    @public_call
    async def aclose(self) -> None:
        """Close the stream, and discard its unread and future output. Idempotent. The command keeps running."""
        self._is_closed = True
        self._unread.clear()
        self._news.unpark_all()
        await trio.lowlevel.checkpoint()

    def feed(self, data: bytes) -> None:
        """Append output. Runs in the connection's reader task."""
        if not self._is_closed:
            self._unread += data
            self._news.unpark_all()

    def end(self, loss: CodexTransportError | None) -> None:
        """Mark the end of the output. `loss` is set if the connection was lost."""
        self._has_ended = True
        self._connection_error = loss
        self._news.unpark_all()


class _Command(PendingRequest):
    """The `command/exec` request. The server responds to it when the command has ended.

    Attributes:
        departed: Set when the request was sent, or will never be sent.
        scope: Cancel scope of the task that waits for the response.
    """

    departed: trio.Event = msgspec.field(default_factory=trio.Event)
    scope: trio.CancelScope = msgspec.field(default_factory=trio.CancelScope)
    _is_last: bool = False  # the current attempt is the last one

    def mark_sent(self, *, holds_slot: bool) -> None:
        super().mark_sent(holds_slot=holds_slot)
        self.departed.set()

    def set_response(self, response: Response | None) -> None:
        super().set_response(response)
        if self._is_last:
            # The task still gets this response: it was woken above. The cancellation only stops a retry after overload.
            self.scope.cancel()

    def stop_trying(self) -> None:
        """Do not send the request if it is still waiting, and do not retry it after a rejection for overload."""
        self._is_last = True
        if not self.is_in_flight:
            self.scope.cancel()


class ExecProcess:
    """A command that the server runs. Returned by `client.exec`; use it with ``async with``.

    Entering the block waits until the command was sent. With `reconnect`, this may wait for the next connection.
    Leaving the block ends the command if it still runs.

    Attributes:
        stdin: The command's standard input, a `trio.abc.SendStream`.
        stdout: The command's standard output, a `trio.abc.ReceiveStream`.
        stderr: The command's standard error, a `trio.abc.ReceiveStream`.
        returncode: The command's exit code. `None` while it runs.

    Example:
        ``async with client.exec(["ls"]) as process: print(await process.stdout.receive_some())``
    """

    def __init__(self, session: Session, params: Mapping[str, Any]) -> None:
        self._session = session
        self._id = f"codex_trio-{uuid.uuid4()}"
        wire = {**params, "processId": self._id, "streamStdin": True, "streamStdoutStderr": True}
        self._call = _Command(methods.COMMAND_EXEC, wire)
        self._done = trio.Event()
        self._error: Exception | None = None
        self._is_entered = False
        # Keeps the input in order. Held until the server has acknowledged a write, which may wait for a slot or be
        # rejected for overload.
        self._input = trio.Lock()
        self._has_input_ended = False
        self.stdin = ExecStdin(self)
        self.stdout = ExecOutput(self)
        self.stderr = ExecOutput(self)
        self.returncode: int | None = None

    @public_call
    async def __aenter__(self) -> ExecProcess:
        if self._is_entered:
            raise RuntimeError("a command is run once; make another with client.exec()")
        await trio.lowlevel.checkpoint_if_cancelled()  # raise before anything is started
        self._session.require_open()
        # Register for output before the request is sent, so that no output is missed.
        self._unwatch = self._session.registry.watch(methods.COMMAND_EXEC_OUTPUT, self._take, lambda: None)
        self._is_entered = True
        self._session.turn_manager.start_soon(self._run)
        try:
            await self._call.departed.wait()  # so that input and `terminate` are sent after the command
        except BaseException:
            await self._end()
            raise
        return self

    @public_call
    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._end()

    @trio.lowlevel.enable_ki_protection
    async def _end(self) -> None:
        with trio.CancelScope(shield=True, deadline=trio.current_time() + _END_TIMEOUT):
            self._call.stop_trying()
            while self._call.is_in_flight:
                # Fails if the command has ended, if the connection was lost, or if the server has not started the
                # command yet. Only in the last case is the request still in flight, and `terminate` is sent again.
                with suppress(CodexError):
                    await self.terminate()
                    break
                with trio.move_on_after(_TERMINATE_RETRY):
                    await self._done.wait()
            await self._done.wait()
        self._call.scope.cancel()
        self._unwatch()

    def check_entered(self) -> None:
        """Raise `RuntimeError` if the ``async with`` block has not been entered."""
        if not self._is_entered:
            raise RuntimeError("this command does not run yet: use `async with client.exec(...) as process`")

    @trio.lowlevel.enable_ki_protection
    async def _run(self) -> None:
        loss: CodexTransportError | None = None
        try:
            with self._call.scope:
                answer = await self._session.send_urgently(self._call, timeout=math.inf)
                code = answer.get("exitCode") if isinstance(answer, dict) else None
                self.returncode = code if isinstance(code, int) else -1
        except CodexTransportError as exc:
            self._error = loss = exc
        except (CodexError, TypeError, ValueError) as exc:  # TypeError, ValueError: params cannot be encoded as JSON
            self._error = exc
        finally:
            self.stdout.end(loss)
            self.stderr.end(loss)
            self._call.departed.set()
            self._done.set()

    def _take(self, notice: Notice) -> bool:
        if notice.params.get("processId") != self._id:
            return False
        stream = self.stderr if notice.params.get("stream") == "stderr" else self.stdout
        data = notice.params.get("deltaBase64")
        with suppress(ValueError):  # ignore output that is not valid base64
            stream.feed(base64.b64decode(data) if isinstance(data, str) else b"")
        return True

    @public_call
    async def wait(self) -> int:
        """Wait until the command has ended, and return its exit code. The exit code is 124 after the timeout.

        Raises:
            CodexProtocolError: The server rejected the command.
            CodexTransportError: The connection was lost, and the command with it.
            CodexError: The block was left before the command was sent, or the server did not report the command's end
                in time after the block was left.
            TypeError, ValueError: The arguments of `client.exec` cannot be encoded as JSON.

        Cancellation: The command keeps running.

        Example:
            ``code = await process.wait()``
        """
        self.check_entered()
        await self._done.wait()
        if isinstance(self._error, CodexTransportError):
            raise self._error.fresh()
        if isinstance(self._error, CodexProtocolError):
            error = self._error
            raise CodexProtocolError(str(error), code=error.code, data=error.data, method=error.method)
        if self._error is not None:
            raise self._error
        if self.returncode is None:
            raise CodexError(
                f"this command was told to end, and whether it has is unknown: no word of it in {_END_TIMEOUT:g} s"
                if self._call.was_sent
                else "this command was not run: its `async with` was left before it could be sent"
            )
        return self.returncode

    @public_call
    async def terminate(self) -> None:
        """End the command. Does nothing if it has ended.

        Cancellation: The request to end the command may have been sent.
        """
        self.check_entered()
        if self._done.is_set():
            await trio.lowlevel.checkpoint()
        else:
            await self._session.send_urgently(PendingRequest(methods.COMMAND_EXEC_TERMINATE, {"processId": self._id}))

    @public_call
    async def write(self, data: bytes | bytearray | memoryview, *, close: bool = False) -> None:
        """Send input, in the order of the calls. Used by `stdin`.

        Cancellation: A part of `data` may have been written.
        """
        self.check_entered()
        async with self._input:
            for start in range(0, len(data), _CHUNK):
                chunk = base64.b64encode(bytes(data[start : start + _CHUNK])).decode("ascii")
                await self._write({"deltaBase64": chunk})
            if close:
                await self._write({"closeStdin": True})
                self._has_input_ended = True

    async def _write(self, params: Mapping[str, Any]) -> None:
        if self._done.is_set() or self._has_input_ended:
            raise trio.BrokenResourceError("this command has ended, or its input has")
        params = {"processId": self._id, **params}
        try:
            # The end of the input does not wait for a slot, because `aclose` may have only a second for it. It cannot
            # overtake earlier input, which the server has acknowledged.
            if "closeStdin" in params:
                await self._session.send_urgently(PendingRequest(methods.COMMAND_EXEC_WRITE, params))
            else:
                await self._session.request(methods.COMMAND_EXEC_WRITE, params)
        except CodexProtocolError as exc:
            if exc.code == methods.OVERLOADED:
                raise
            raise trio.BrokenResourceError(f"this command takes no input any more: {exc}") from exc
