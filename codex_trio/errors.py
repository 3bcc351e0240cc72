"""The exceptions. Each says what happened, to what, and what to do about it.

```
CodexError
├─ CodexTransportError           cannot reach, or lost, the server
├─ CodexTimeoutError             a request got no answer in time
│  └─ CodexTurnInactiveError     a turn went quiet; it runs on
├─ CodexOutputError              an answer is not what its output_type or output_schema wants
├─ CodexProtocolError            the server said no
│  ├─ CodexTurnFailedError       a turn ended as failed
│  ├─ CodexTurnInterruptedError  a turn ended as interrupted
│  └─ CodexThreadNotFoundError   no such thread
└─ CodexThreadBusyError          a turn of ours is still running there
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
    """Anything that this library raises about Codex. Can be copied, and pickled for another process.

    Example:
        ``except CodexError as exc: print(f"Codex: {exc}")``
    """

    def __reduce__(self) -> tuple[Any, ...]:
        # Without `__init__`, which some call with keywords that are attributes by now.
        return _rebuild, (type(self), *self.args), self.__dict__


def _rebuild(kind: type[CodexError], *args: object) -> CodexError:
    return kind.__new__(kind, *args)


class CodexTransportError(CodexError):
    """The server cannot be reached, or was lost, or this client was closed.

    The message never contains the transport's secrets: the token, headers, the URL's login and query, environment
    variables, words of the command. Tracebacks that show local variables do not contain them either. If your token
    function raises, its exception is the cause, unchanged.

    Attributes:
        returncode: Exit code of the server's process (negative: the signal that killed it); `None` if there is no
            process, or it was still alive.
        stderr_tail: The end of what the server wrote on stderr, with secrets masked; empty if unknown.
        continuation: Set when the loss broke a turn: picks that turn up in another client, on a server that still has
            it, or tells how it ended there.
        is_permanent: Another attempt would end the same way: the token is wrong, or the path, or the certificate is not
            trusted.

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
        """Return an equal error for one more waiter, so that no traceback is shared and none grows."""
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
    """A request got no answer in time. Whether the server acted on it is unknown.

    Example:
        ``except CodexTimeoutError: print("no answer; perhaps it was done")``
    """


class CodexTurnInactiveError(CodexTimeoutError):
    """No event of a turn came for the inactivity timeout. The turn was not interrupted: it runs on.

    Events of the turn's sub-agents count. The timeout is paused while a server request waits for the client's answer,
    and during a ``sleep`` item.

    Attributes:
        continuation: Pass it to `chat_once` or `chat` to wait on, or to `cancel` to end the turn.
        idle_seconds: How long nothing came.
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

    What the server sent is shown unchanged, but for the transport's secrets, see `Transport.redact`.

    Attributes:
        code: The JSON-RPC error code; `None` where the error came in a notification.
        data: What the server sent along.
        method: The method that was refused.

    Example:
        ``except CodexProtocolError as exc: print(exc.method, exc.code)``
    """

    def __init__(self, message: str, *, code: int | None = None, data: Any = None, method: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.data = data
        self.method = method


class CodexTurnFailedError(CodexProtocolError):
    """A turn ended as failed. The thread stays usable.

    Attributes:
        error_info: ``codexErrorInfo`` as the server sent it: a string, an object with one key, or `None`. Open-ended:
            new values appear with each server version.
        details: ``additionalDetails``, the cause as the server knows it, or `None`.
        http_status: Status of the model's HTTP response where the server tells it, else `None`.
        result: What there was of the turn.

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
    """A turn ended as interrupted. The thread stays usable.

    Attributes:
        result: What there was of the turn.

    Example:
        ``except CodexTurnInterruptedError as exc: print(exc.result.final_text)``
    """

    def __init__(self, message: str, *, result: ChatResult) -> None:
        super().__init__(message, method="turn/completed")
        self.result = result


class CodexThreadNotFoundError(CodexProtocolError):
    """The server has no such thread, or the thread never had a turn and so cannot be resumed.

    Attributes:
        thread_id: The id that was asked for.

    Example:
        ``except CodexThreadNotFoundError as exc: print(f"there is no {exc.thread_id}")``
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
        turn_id: The turn that runs there, `None` while it is still being started.

    Example:
        ``except CodexThreadBusyError as exc: await client.interrupt_turn(exc.turn_id)``
    """

    def __init__(self, message: str, *, thread_id: str, turn_id: str | None) -> None:
        super().__init__(message)
        self.thread_id = thread_id
        self.turn_id = turn_id
