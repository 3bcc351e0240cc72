"""The two ways to open a client: in a nursery of its own, and in yours."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import trio

from .._session.handlers import (
    ApprovalHandler,
    ElicitationHandler,
    QuestionHandler,
    RequestHandler,
)
from .._tools import Tool
from ..abc import Transport
from .client import CodexClient


def open_codex_client(
    transport: Transport | None = None,
    *,
    request_timeout: float | None = 30.0,
    inactivity_timeout: float | None = 180.0,
    client_info: Mapping[str, str] | None = None,
    experimental_api: bool = False,
    on_approval: ApprovalHandler | None = None,
    on_user_input: QuestionHandler | None = None,
    on_elicitation: ElicitationHandler | None = None,
    on_request: Mapping[str, RequestHandler] | None = None,
    tools: Iterable[Tool | Callable[..., Any]] = (),
    observe: bool = False,
    reconnect: bool = False,
    reconnect_timeout: float | None = 60.0,
    record: str | os.PathLike[str] | None = None,
) -> CodexClient:
    """Return a client, for ``async with``. It owns its nursery.

    Args:
        transport: How to reach the server; `StdioTransport()` unless given.
        request_timeout: Seconds that a request may take; `None` or `math.inf` for no limit.
        inactivity_timeout: Seconds without any event after which waiting for a turn ends with a continuation; `None` or
            `math.inf` for no limit. Time in which the model sleeps (its tool ``sleep``) does not count.
        client_info: ``name``, ``title`` and ``version`` of your program, for the server's records.
        experimental_api: Ask the server for its experimental methods and fields. Switched on by `on_approval` and `tools`.
        on_approval: Decides about commands, file changes and permissions: ``async (request) -> Decision``; one
            that need not wait may be a plain function, and so may the others. See `CommandApprovalRequest`,
            `FileChangeApprovalRequest`, `PermissionsApprovalRequest`, `approve_all` and `decline_all`. Without one, and
            without `client.approvals()`, they are declined. ``request.accept()`` raises `ValueError` where it would grant
            more than the request shows. As with any exception of a handler, the request is then declined and the turn
            interrupted.
            Switches on `experimental_api`, without which codex does not send all that accepting would grant.
        on_user_input: Answers what the model asks the user: ``async (question) -> {question_id: text or texts}``.
        on_elicitation: Answers MCP servers, and whether their tools may be called: ``async (question) ->
            question.accept(content)``.
        on_request: For every other request of the server, and before the above: by method, ``async (params) -> result``.
        tools: Functions that Codex may call, see `tool`, in every thread that this client starts. Switches
            `experimental_api` on.
        observe: Answer nothing, whatever the server asks: for watching threads that another client answers for.
        reconnect: After a loss, open the transport again, with growing pauses. Open turns go on: their consumers see
            a pause, and no step is lost or comes twice, but for a command that was declined just before the loss: it
            may not be told, as codex does not remember it (0.163, 0.169). A turn of which the server tells nothing any
            more ends with a `CodexTransportError` that has its continuation; the others go on. A call that was on its
            way raises `CodexTransportError`, and is never sent again: whether the server acted on it is unknown, and a
            turn that it started may run. Calls made meanwhile wait. What a sub-agent waits for is asked again. A thread
            of `start_thread` on which no turn has begun ends with its connection: a turn on it raises
            `CodexThreadNotFoundError`, so start another (codex 0.163, 0.169). Not with `StdioTransport`, whose server
            ends with its connection.
        reconnect_timeout: Seconds from a loss until all that was missed has been read, after which the loss is final;
            `None` or `math.inf` for no limit. If connections are made, and lost again while the history of some turn is
            read, that turn ends with a `CodexTransportError` that has its continuation, and the others go on. A loss is
            final at once where another attempt would end the same way, see `CodexTransportError.is_permanent`.
        record: A file to which everything that passes between client and server is written as it passes, for
            `codex_trio.testing.ReplayTransport`, and for the eye. A file that is there is replaced, unless another client
            records to it. Only its owner can read it (mode 0600). It must be a regular file of this user (or
            ``/dev/null``), and not a symbolic link. Secrets are left out, as described below. When writing fails (such as
            on a full disk), a warning is logged, recording stops, and the conversation continues.

    Each request is handled in a task of its own. It is cancelled when the server withdraws the request, when the turn
    ends, when the connection is lost (what is open is asked again on the next one), or when the client closes. While a
    turn waits for an answer, its silence is no inactivity. What a handler raises comes out of the `chat` or `chat_once`
    that consumes the turn, which is interrupted, after the server was told no; if nobody consumes it, it ends the client.

    A recording has prompts, answers, commands and their output, files and images as they are. In it, ``***`` stands for:
    the values of keys named ``apiKey``, ``accessToken``, ``refreshToken``, ``idToken``, ``token``, ``authorization``,
    ``password``, ``secret`` and the like, and of all names that end so; those of environment variables with ``KEY``,
    ``TOKEN``, ``SECRET``, ``PASS``, ``AUTH``, ``COOKIE`` or ``CREDENTIAL`` in their names; answers to questions that the
    server calls secret; logins in URLs; and in all other text what follows ``Bearer``, ``sk-``, ``eyJ``, ``password=``,
    ``token:``, ``--api-key`` and the like. ``~`` stands for home folders (``/home/NAME``, ``/Users/NAME``, ``/root``, and
    this user's), ``host`` for the name of this machine, unless the name consists of letters alone, and zeros for the
    installation id. A replay ignores all of these in comparisons. Nothing else is recognised, for example a secret without
    such a name (a key in PEM), in pieces, or in base64. Look through a recording before you share it.

    Messages to the logger ``codex_trio`` are redacted by the same rules. So is the server's stderr, which goes to
    ``codex_trio.server``. At DEBUG, ``codex_trio`` logs up to 200 bytes of a line that is not a message, and no content of
    other messages. An error contains the server's message unchanged, except for the secrets of a transport: see
    `WebSocketTransport` and `StdioTransport`. The frames of its traceback contain the params of the request.

    Raises:
        CodexTransportError: On entering: the server cannot be reached, or does not answer; or the file of `record` cannot
            be written. Nothing is left behind.
        CodexProtocolError: On entering: the server refused `initialize`. Nothing is left behind.
        ValueError: A timeout is not a positive number; `observe` together with handlers or tools; `reconnect` over
            stdio.
        TypeError: A tool cannot be described.

    Example:
        ``async with open_codex_client() as client: print((await client.chat_once("Hello")).final_text)``
    """
    return CodexClient(
        transport,
        request_timeout=request_timeout,
        inactivity_timeout=inactivity_timeout,
        client_info=client_info,
        experimental_api=experimental_api,
        on_approval=on_approval,
        on_user_input=on_user_input,
        on_elicitation=on_elicitation,
        on_request=on_request,
        tools=tools,
        observe=observe,
        reconnect=reconnect,
        reconnect_timeout=reconnect_timeout,
        record=record,
    )


async def connect_codex_client(
    nursery: trio.Nursery, transport: Transport | None = None, **options: Any
) -> CodexClient:
    """Open a client in a nursery of your own, and return it; then `aclose` it, or the nursery will wait for it.

    Cancelling `nursery` closes the client. Options are those of `open_codex_client`.

    Raises:
        CodexTransportError: The server cannot be reached. Nothing is left behind.
        CodexProtocolError: The server refused `initialize`. Nothing is left behind.

    Cancellation: Nothing is left behind.

    Example:
        ``async with trio.open_nursery() as nursery: client = await connect_codex_client(nursery)``
    """
    client = CodexClient(transport, **options)
    await client.start(nursery)
    return client
