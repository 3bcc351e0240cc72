"""Keep secret values out of tracebacks."""

from __future__ import annotations

from typing import Generic, TypeVar

from .._redaction import MASK

T = TypeVar("T")
E = TypeVar("E", bound=BaseException)


class Secret(Generic[T]):
    """Holds a value that ``repr`` does not show, and thus no traceback that shows local variables.

    The result of `reveal` is not protected: do not assign it to a variable.
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
    """Remove the tracebacks of an exception and its causes, because their frames contain arguments of other libraries.

    The context is removed from exceptions that were raised ``from None`` or from another exception.
    """
    seen: BaseException | None = exc
    while seen is not None:
        seen.__traceback__ = None
        if seen.__suppress_context__:
            seen.__context__ = None
        seen = seen.__cause__ or seen.__context__
    return exc
