"""`public_call`: the decorator of every public coroutine function."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import trio

F = TypeVar("F", bound=Callable[..., Coroutine[Any, Any, Any]])


def public_call(async_fn: F) -> F:
    """Let Ctrl-C interrupt a public coroutine only at its checkpoints, where it is handled like a cancellation.

    Between two checkpoints the caller's task changes tables that other tasks use. An exception there would leave a thread
    that is busy forever, or a turn that nobody stops. What the function calls is protected with it.
    """
    protected = trio.lowlevel.enable_ki_protection(async_fn)
    protected.is_public_call = True  # type: ignore[attr-defined]  # for the test that every public coroutine has this
    return protected
