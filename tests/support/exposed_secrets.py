"""Find pieces of secrets in an error, its causes, tracebacks and logs."""

from __future__ import annotations

import io
import traceback
from collections.abc import Iterator, Sequence

import rich.console
import rich.traceback

PIECE = 8  # characters; fewer of a secret in a row may be there by chance


def exposed(exc: BaseException, secrets: Sequence[str], *more: str) -> list[str]:
    """Return the secrets of which a piece is to be seen in an error, its causes and contexts, all of their tracebacks with
    the values of variables, or in more text. The frames of tests, which must know the secrets, do not count.
    """
    text = "\n".join([*more, *_told(exc)])
    return [
        secret
        for secret in secrets
        if any(secret[at : at + PIECE] in text for at in range(max(1, len(secret) - PIECE + 1)))
    ]


def _told(exc: BaseException) -> Iterator[str]:
    for one in family(exc):
        yield f"{one!s} {one!r} {one.args!r} {vars(one)!r} {getattr(one, '__notes__', ())!r}"
        shown = traceback.TracebackException(type(one), one, one.__traceback__, capture_locals=True)
        for frame in shown.stack:
            if "/tests/" not in frame.filename:
                yield f"{frame.filename} {frame.name} {frame.locals}"


def family(exc: BaseException) -> Iterator[BaseException]:
    """Yield an exception, and all that is behind it, whether or not it would be printed."""
    seen: set[int] = set()
    left = [exc]
    while left:
        one = left.pop()
        if id(one) not in seen:
            seen.add(id(one))
            yield one
            left += [other for other in (one.__cause__, one.__context__) if other is not None]
            if isinstance(one, BaseExceptionGroup):
                left += one.exceptions


def drawn(exc: BaseException) -> str:
    """Return what Rich draws of an error, which looks into values; without the frames of tests."""
    tb = exc.__traceback__
    while tb is not None and "/tests/" in tb.tb_frame.f_code.co_filename:
        tb = tb.tb_next
    console = rich.console.Console(file=io.StringIO(), width=10_000)
    console.print(
        rich.traceback.Traceback.from_exception(
            type(exc), exc, tb, show_locals=True, locals_max_length=1_000, locals_max_string=100_000
        )
    )
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()
