"""Server requests to answers, one task each. Grants nothing.

It is ``async (method, params) -> result``, and sees no connection.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

import trio

from ._protocol import asks

_logger = logging.getLogger("codex_trio")


async def answer(method: str, params: Mapping[str, Any]) -> Any:
    """Return the answer to a request of the server: the safe one.

    Raises:
        RefusedError: The answer is an error.
    """
    del params
    await trio.lowlevel.checkpoint()
    _logger.info("the server asked %s and was refused: this client has no handler for it", method)
    return asks.safe_answer(method, unix_time=time.time())
