"""`ProbedConnection`: send the first requests over a new connection, and find out whether the server answers at all."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import trio

from .._wire import methods
from ..errors import CodexProtocolError
from .connection import (
    Call,
    Connection,
)

_PROOF = 5.0  # seconds for the first answer of any kind on a connection


class ProbedConnection:
    """Sends requests over a new connection, and notes whether the server answers any of them.

    Args:
        request_timeout: Seconds for each request.
        deadline: Of all of them, in Trio's time.
    """

    def __init__(self, connection: Connection, request_timeout: float, deadline: float = math.inf) -> None:
        self._connection = connection
        self._request_timeout = request_timeout
        self._deadline = deadline
        self._has_answered = False

    async def ask(self, method: str, params: Mapping[str, Any]) -> Any:
        """Send a request, and return the result."""
        return await self.send_request(Call(method, params))

    async def send_request(self, call: Call, *, timeout: float = math.inf) -> Any:
        """Send a request as `Connection.send_request` does, but wait no longer than until the deadline."""
        left = max(0.0, self._deadline - trio.current_time())
        try:
            result = await self._connection.send_request(call, timeout=min(timeout, self._request_timeout, left))
        except CodexProtocolError:
            self._has_answered = True
            raise
        self._has_answered = True
        return result

    def raise_if_closed(self) -> None:
        """Raise the loss of the connection, if there was one."""
        self._connection.raise_if_closed()

    async def check_responsive(self) -> None:
        """Raise if the server answers no requests at all.

        Raises:
            CodexTimeoutError: No request was answered, not even a probe.
        """
        if not self._has_answered:
            with suppress(CodexProtocolError):  # an error is an answer, too
                await self.send_request(Call(methods.THREAD_LOADED_LIST, {"limit": 1}), timeout=_PROOF)
