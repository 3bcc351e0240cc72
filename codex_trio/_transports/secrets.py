"""`Secret`: a value that no traceback shows, and what else keeps values out of tracebacks."""

from __future__ import annotations

from typing import Generic, TypeVar

from .._redaction import MASK

T = TypeVar("T")
E = TypeVar("E", bound=BaseException)


class Secret(Generic[T]):
    """Holds a value that ``repr`` does not show, and so no traceback that has the values of variables in it.

    What `reveal` returns is not hidden: do not give it a name.
    """

    __slots__ = ("_value",)

    def __init__(self, value: T) -> None:
        self._value = value

    def reveal(self) -> T:
        """Return the value."""
        return self._value

    def __repr__(self) -> str:
        return MASK


def without_tracebacks(exc: E) -> E:
    """Forget the frames that an exception and its causes have passed, which hold what was given to other libraries.

    What was raised ``from None`` or from something else forgets its context, too.
    """
    seen: BaseException | None = exc
    while seen is not None:
        seen.__traceback__ = None
        if seen.__suppress_context__:
            seen.__context__ = None
        seen = seen.__cause__ or seen.__context__
    return exc
