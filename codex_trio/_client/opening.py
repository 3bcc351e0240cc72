"""The two ways to open a client: in a nursery of its own, and in yours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import trio

from ..abc import Transport
from .client import CodexClient


def open_codex_client(
    transport: Transport | None = None,
    *,
    request_timeout: float | None = 30.0,
    inactivity_timeout: float | None = 180.0,
    client_info: Mapping[str, str] | None = None,
    experimental_api: bool = False,
    reconnecting: bool = False,
    reconnect_timeout: float | None = 60.0,
) -> CodexClient:
    """Return a client, for ``async with``. It owns its nursery.

    Args:
        transport: How to reach the server; `StdioTransport()` unless given.
        request_timeout: Seconds that a request may take; `None` or `math.inf` for no limit.
        inactivity_timeout: Seconds without any event after which waiting for a turn ends with a continuation; `None` or
            `math.inf` for no limit.
        client_info: ``name``, ``title`` and ``version`` of your program, for the server's records.
        experimental_api: Ask the server for its experimental methods and fields.
        reconnecting: After a loss, open the transport again, with growing pauses. Open turns go on: their consumers see
            a pause, and no step is lost or comes twice. A call that was on its way raises `CodexTransportError`, and is
            never sent again: whether the server acted on it is unknown, and a turn that it started may run. Calls made
            meanwhile wait. Not with `StdioTransport`, whose server ends with its connection.
        reconnect_timeout: Seconds from a loss after which it is final; `None` or `math.inf` for no limit.

    Raises:
        CodexTransportError: On entering: the server cannot be reached, or does not answer. Nothing is left behind.
        ValueError: A timeout is not a positive number; or reconnecting over stdio.

    Example:
        ``async with open_codex_client() as client: print((await client.chat_once("Hello")).final_text)``
    """
    return CodexClient(
        transport,
        request_timeout=request_timeout,
        inactivity_timeout=inactivity_timeout,
        client_info=client_info,
        experimental_api=experimental_api,
        reconnecting=reconnecting,
        reconnect_timeout=reconnect_timeout,
    )


async def connect_codex_client(
    nursery: trio.Nursery, transport: Transport | None = None, **options: Any
) -> CodexClient:
    """Open a client in a nursery of your own, and return it; then `aclose` it, or the nursery will wait for it.

    Cancelling `nursery` closes the client. Options are those of `open_codex_client`.

    Raises:
        CodexTransportError: The server cannot be reached. Nothing is left behind.

    Cancellation: Nothing is left behind.
    """
    client = CodexClient(transport, **options)
    await client.start(nursery)
    return client
