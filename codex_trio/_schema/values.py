"""Read values of a type from JSON, and dump values as JSON: msgspec, extended by paths and pydantic's types.

Pydantic is never imported here, because a program that uses a pydantic type has already imported it.
"""

from __future__ import annotations

import os
import sys
import typing
from collections.abc import Callable
from pathlib import PurePath
from typing import Any

import msgspec


def make_reader(type_: Any) -> Callable[[bytes], Any]:
    """Return a function that reads a value of a type from JSON. It may raise any exception: see `explain`."""
    if is_pydantic(type_):
        return _pydantic_reader(type_)
    return msgspec.json.Decoder(type_, dec_hook=_make_value).decode


def dump_value(value: object) -> str:
    """Return a value as JSON.

    Raises:
        TypeError: The value cannot be expressed in JSON.
    """
    return msgspec.json.encode(value, enc_hook=plain_value).decode()


def plain_value(value: Any) -> Any:
    """Convert a value that msgspec cannot encode into a value that it can encode.

    Raises:
        TypeError: The value cannot be converted.
    """
    if isinstance(value, PurePath):
        return os.fspath(value)
    if is_pydantic(type(value)):
        return value.model_dump(mode="json") if hasattr(value, "model_dump") else str(value)
    raise TypeError(f"Encoding objects of type {type(value).__name__} is unsupported")


def explain(exc: Exception) -> tuple[str, str]:
    """Return why a reader raised an exception, and the place in the JSON, such as ``$.files[0]``; ``$`` is all of it."""
    is_of_msgspec = isinstance(exc, msgspec.DecodeError)
    why, _, place = str(exc).partition(" - at `$") if is_of_msgspec else (str(exc), "", "")
    source: Any = exc.__cause__ if is_of_msgspec else exc
    try:
        error = source.errors()[0]  # as pydantic has them
        why, inner = error["msg"], error["loc"]
    except (AttributeError, LookupError, TypeError):
        inner = ()
    if not isinstance(exc, (ValueError, msgspec.DecodeError)):
        why = f"{type(exc).__name__}: {why}"
    steps = [f"[{step}]" if isinstance(step, int) else f".{step}" for step in inner]
    return why, "".join(["$", place.removesuffix("`"), *steps])


def is_pydantic(type_: Any) -> bool:
    """Whether only pydantic can read a type: a pydantic type, a type with a pydantic schema, or a generic type of these."""
    is_its_own = type(type_).__module__.partition(".")[0] == "pydantic"  # a model; a `Field` in an `Annotated`
    has_schema = hasattr(type_, "__get_pydantic_core_schema__") or hasattr(type_, "__pydantic_core_schema__")
    return is_its_own or has_schema or any(map(is_pydantic, typing.get_args(type_)))


def pydantic_schema(type_: Any) -> dict[str, Any]:
    """Return the JSON Schema that pydantic makes for a type. This may raise any exception."""
    schema: dict[str, Any] = (
        type_.model_json_schema() if hasattr(type_, "model_json_schema") else _adapter(type_).json_schema()
    )
    return schema


def _pydantic_reader(type_: Any) -> Callable[[bytes], Any]:
    read: Callable[[bytes], Any] = (
        type_.model_validate_json if hasattr(type_, "model_validate_json") else _adapter(type_).validate_json
    )
    return read


def _adapter(type_: Any) -> Any:
    pydantic = sys.modules.get("pydantic")
    if pydantic is None:
        raise TypeError(f"only pydantic can read {type_!r}, and it is not imported")
    return pydantic.TypeAdapter(type_)


def _make_value(type_: Any, value: Any) -> Any:
    if type_ is object:
        return value
    if is_pydantic(type_):
        return _pydantic_reader(type_)(msgspec.json.encode(value))
    if not isinstance(value, str):  # the type must be a path: no other type without a reader has a schema
        raise ValueError(f"Expected `str`, got `{type(value).__name__}`")
    return type_(value)
