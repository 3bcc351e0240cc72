"""Keep secrets out of tracebacks."""

from __future__ import annotations

from typing import Generic, TypeVar

from .._redaction import MASK

T = TypeVar("T")
E = TypeVar("E", bound=BaseException)


class Secret(Generic[T]):
    """Hides a value from ``repr``, and so from tracebacks that show local variables.

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
    """Remove the tracebacks of an exception and its causes, because their frames may contain secrets.

    The context is removed from exceptions that were raised ``from None`` or from another exception.
    """
    current: BaseException | None = exc
    while current is not None:
        current.__traceback__ = None
        if current.__suppress_context__:
            current.__context__ = None
        current = current.__cause__ or current.__context__
    return exc
