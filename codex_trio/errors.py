"""The exceptions.

```
CodexError
├─ CodexTransportError           the server cannot be reached, or the connection was lost
├─ CodexTimeoutError             a request was not answered in time
│  └─ CodexTurnInactiveError     no events of a turn for a while; the turn still runs
├─ CodexOutputError              an answer does not match output_type or output_schema
├─ CodexProtocolError            the server answered with an error
│  ├─ CodexTurnFailedError       a turn ended as failed
│  ├─ CodexTurnInterruptedError  a turn ended as interrupted
│  └─ CodexThreadNotFoundError   the thread does not exist
└─ CodexThreadBusyError          this client's turn is still running on the thread
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # models come later in the import order
    from .models import ChatContinuation, ChatResult, OpenItem

__all__ = [
    "CodexError",
    "CodexOutputError",
    "CodexProtocolError",
    "CodexThreadBusyError",
    "CodexThreadNotFoundError",
    "CodexTimeoutError",
    "CodexTransportError",
    "CodexTurnFailedError",
    "CodexTurnInactiveError",
    "CodexTurnInterruptedError",
]


class CodexError(Exception):
    """Base class of the exceptions of this library. They can be copied, and pickled for another process.

    Example:
        ``except CodexError as exc: print(f"Codex: {exc}")``
    """

    def __reduce__(self) -> tuple[Any, ...]:
        # Bypasses `__init__`, because subclasses require keyword arguments. These are in `__dict__`.
        return _rebuild, (type(self), *self.args), self.__dict__


def _rebuild(cls: type[CodexError], *args: object) -> CodexError:
    return cls.__new__(cls, *args)


class CodexTransportError(CodexError):
    """The server cannot be reached, the connection was lost, or this client was closed.

    The message never contains the transport's secrets: the token, headers, the URL's login and query, environment
    variables, words of the command. Tracebacks that show local variables do not contain them either. If your token
    function raises, its exception is the cause, unchanged.

    Attributes:
        returncode: Exit code of the server process (negative: the signal that killed it); `None` if there is no process,
            or if it was still running.
        stderr_tail: The end of the server's stderr, with secrets redacted; empty if unknown.
        continuation: Set if the error interrupted the caller's wait for a turn. Another client can use it to resume the
            turn on a server that still has it, or to get the result if the turn has ended there.
        is_permanent: Whether another attempt would fail the same way: the token or the path is wrong, or the certificate
            is not trusted.

    Example:
        ``except CodexTransportError as exc: print(exc.returncode, exc.stderr_tail)``
    """

    def __init__(
        self,
        message: str,
        *,
        returncode: int | None = None,
        stderr_tail: str = "",
        continuation: ChatContinuation | None = None,
        is_permanent: bool = False,
    ) -> None:
        super().__init__(message)
        self.returncode = returncode
        self.stderr_tail = stderr_tail
        self.continuation = continuation
        self.is_permanent = is_permanent

    def fresh(self, continuation: ChatContinuation | None = None, *, note: str = "") -> CodexTransportError:
        """Return an equal error to raise for another waiter, so that waiters do not share a traceback."""
        error = CodexTransportError(
            f"{self}{note}",
            returncode=self.returncode,
            stderr_tail=self.stderr_tail,
            continuation=continuation or self.continuation,
            is_permanent=self.is_permanent,
        )
        error.__cause__ = self.__cause__
        return error


class CodexTimeoutError(CodexError):
    """A request was not answered in time. The server may or may not have acted on it.

    Example:
        ``except CodexTimeoutError: print("no answer; perhaps it was done")``
    """


class CodexTurnInactiveError(CodexTimeoutError):
    """No event of a turn arrived within the inactivity timeout. The turn was not interrupted and still runs.

    Events of the turn's sub-agents count. The timeout is paused while a server request waits for the client's answer,
    and during a ``sleep`` item.

    Attributes:
        continuation: Pass it to `chat_once` or `chat` to keep waiting, or to `cancel` to interrupt the turn.
        idle_seconds: Seconds since the last event.
        last_event: Method of the turn's last event, such as ``item/started``; `None` if there was none.
        open_items: Items of the turn and its sub-agents that have started and not completed, the oldest first, such as a
            running command. Empty if the turn waits for the model, or if no open item is known.

    Example:
        ``except CodexTurnInactiveError as exc: await client.chat_once(continuation=exc.continuation)``
    """

    def __init__(
        self,
        message: str,
        *,
        continuation: ChatContinuation,
        idle_seconds: float,
        last_event: str | None,
        open_items: tuple[OpenItem, ...] = (),
    ) -> None:
        super().__init__(message)
        self.continuation = continuation
        self.idle_seconds = idle_seconds
        self.last_event = last_event
        self.open_items = open_items


class CodexOutputError(CodexError):
    """A turn completed, but its answer is not JSON, or does not match the requested type.

    Attributes:
        text: The answer.
        path: The JSON path of the value that does not match, such as ``$.files[2].name``; ``$`` is the whole answer.
        result: The turn.

    Example:
        ``except CodexOutputError as exc: print(exc.path, exc.text)``
    """

    def __init__(self, message: str, *, text: str, path: str, result: ChatResult) -> None:
        super().__init__(message)
        self.text = text
        self.path = path
        self.result = result


class CodexProtocolError(CodexError):
    """The server answered with an error. Its message may repeat values of the request.

    The server's text is unchanged, except that the transport's secrets are redacted; see `Transport.redact`.

    Attributes:
        code: The JSON-RPC error code; `None` if the error came in a notification.
        data: The error's ``data``, as the server sent it.
        method: The method that failed.

    Example:
        ``except CodexProtocolError as exc: print(exc.method, exc.code)``
    """

    def __init__(self, message: str, *, code: int | None = None, data: Any = None, method: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.data = data
        self.method = method


class CodexTurnFailedError(CodexProtocolError):
    """A turn failed. The thread remains usable.

    Attributes:
        error_info: ``codexErrorInfo`` as the server sent it: a string, an object with one key, or `None`. Open-ended:
            new values appear with each server version.
        details: ``additionalDetails``, the cause according to the server, or `None`.
        http_status: Status of the HTTP response from the model's API; `None` if the server does not send it.
        result: The turn so far.

    Example:
        ``except CodexTurnFailedError as exc: print(exc.error_info, exc.result.steps)``
    """

    def __init__(
        self,
        message: str,
        *,
        result: ChatResult,
        error_info: str | dict[str, Any] | None = None,
        details: str | None = None,
        http_status: int | None = None,
        data: Any = None,
    ) -> None:
        super().__init__(message, data=data, method="turn/completed")
        self.result = result
        self.error_info = error_info
        self.details = details
        self.http_status = http_status


class CodexTurnInterruptedError(CodexProtocolError):
    """A turn was interrupted. The thread remains usable.

    Attributes:
        result: The turn so far.

    Example:
        ``except CodexTurnInterruptedError as exc: print(exc.result.final_text)``
    """

    def __init__(self, message: str, *, result: ChatResult) -> None:
        super().__init__(message, method="turn/completed")
        self.result = result


class CodexThreadNotFoundError(CodexProtocolError):
    """The thread does not exist, or cannot be resumed because it never had a turn.

    Attributes:
        thread_id: The id in the request.

    Example:
        ``except CodexThreadNotFoundError as exc: print(f"{exc.thread_id} does not exist")``
    """

    def __init__(
        self, message: str, *, thread_id: str, code: int | None = None, data: Any = None, method: str | None = None
    ) -> None:
        super().__init__(message, code=code, data=data, method=method)
        self.thread_id = thread_id


class CodexThreadBusyError(CodexError):
    """A turn of this client is still running on the thread; a second one would join it instead of starting.

    Attributes:
        thread_id: The busy thread.
        turn_id: The running turn; `None` while it is being started.

    Example:
        ``except CodexThreadBusyError as exc: await client.interrupt_turn(exc.turn_id)``
    """

    def __init__(self, message: str, *, thread_id: str, turn_id: str | None) -> None:
        super().__init__(message)
        self.thread_id = thread_id
        self.turn_id = turn_id
