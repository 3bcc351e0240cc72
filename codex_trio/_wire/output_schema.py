"""Structured answers: from a type to the strict JSON Schema that goes out, and from the answer to a value of the type."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from .._schema import SchemaMaker, explain, find_faults, make_reader, strict_schema
from ..errors import CodexOutputError
from ..models import ChatResult

_FENCE = re.compile(r"\s*```(?:json)?[ \t]*\r?\n(.*)\n[ \t]*```\s*", re.DOTALL | re.IGNORECASE)


class Output:
    """What an answer shall be.

    Args:
        type_: A type that has a strict JSON Schema; `None` for any JSON.
        schema: The JSON Schema to send; made from the type unless given.

    Attributes:
        schema: The JSON Schema to send.

    Raises:
        TypeError: The type has no strict schema, or the schema is not a mapping; the message contains the place.
        ValueError: The model's API would refuse the schema; the message contains the place.
    """

    def __init__(self, type_: Any = None, schema: Mapping[str, Any] | None = None) -> None:
        self.schema: Mapping[str, Any]
        self._is_wrapped = False
        if schema is None:
            self.schema, self._is_wrapped = _make_schema(type_)
        else:
            self.schema = _checked(schema)
        self._read: Callable[[bytes], Any] = msgspec.json.decode if type_ is None else make_reader(type_)

    def complete(self, result: ChatResult) -> ChatResult:
        """Return a finished turn with its output.

        Raises:
            CodexOutputError: The answer does not fit.
        """
        fenced = _FENCE.fullmatch(result.final_text)
        data = (fenced[1] if fenced else result.final_text).encode()
        try:
            if self._is_wrapped:
                data = bytes(msgspec.json.decode(data, type=_Wrapper).value)
            value = self._read(data)
        except Exception as exc:  # whatever the type's own code raises; RecursionError of an answer nested too deeply
            raise self._misfit(result, exc) from exc
        return msgspec.structs.replace(result, output=value)

    def _misfit(self, result: ChatResult, exc: Exception) -> CodexOutputError:
        why, place = explain(exc)
        where = f"$.value{place[1:]}" if self._is_wrapped else place
        text = result.final_text
        shown = text if len(text) <= 200 else text[:200] + "..."
        return CodexOutputError(
            f"the answer of turn {result.turn_id} does not match the requested type at {where}: {why}. It is {shown!r}",
            text=text,
            where=where,
            result=result,
        )


class _Wrapper(msgspec.Struct):
    """An object around an answer that is not an object itself, because the model's API accepts only objects."""

    value: msgspec.Raw


def _make_schema(type_: Any) -> tuple[Mapping[str, Any], bool]:
    maker = SchemaMaker()
    root = maker.make(type_, "output_type")
    return strict_schema({**root, "$defs": maker.definitions}, "output_type")


def _checked(schema: object) -> Mapping[str, Any]:
    if not isinstance(schema, Mapping):
        raise TypeError(f"output_schema is a JSON Schema, an object, not {schema!r}")
    if fault := next(find_faults(schema, is_strict=True), None):
        raise ValueError(
            f"output_schema would fail the turn, because the model's API accepts only a subset of JSON Schema: {fault}. "
            'Change that, pass output_type=, or send it unchecked with extra={"outputSchema": ...}'
        )
    return schema
