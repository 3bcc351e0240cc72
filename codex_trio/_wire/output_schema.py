"""Structured output: make the strict JSON Schema of a type, and parse an answer into a value of the type."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from .._schema import SchemaMaker, explain, find_faults, make_reader, strict_schema
from ..errors import CodexOutputError
from ..models import ChatResult

_FENCE = re.compile(r"\s*```(?:json)?[ \t]*\r?\n(.*)\n[ \t]*```\s*", re.DOTALL | re.IGNORECASE)


class OutputSchema:
    """The requested type of an answer, and its JSON Schema.

    Args:
        type_: A type that has a strict JSON Schema; `None` for any JSON.
        schema: The JSON Schema to send; made from `type_` if not given.

    Attributes:
        schema: The JSON Schema to send.

    Raises:
        TypeError: The type has no strict schema, or the schema is not a mapping; the message contains the JSON path.
        ValueError: The model's API would refuse the schema; the message contains the JSON path.
    """

    def __init__(self, type_: Any = None, schema: Mapping[str, Any] | None = None) -> None:
        self.schema: Mapping[str, Any]
        self._is_wrapped = False
        if schema is None:
            self.schema, self._is_wrapped = _make_schema(type_)
        else:
            self.schema = _check_schema(schema)
        self._read: Callable[[bytes], Any] = msgspec.json.decode if type_ is None else make_reader(type_)

    def parse(self, result: ChatResult) -> ChatResult:
        """Return a copy of a completed turn's result, with `output` set.

        Raises:
            CodexOutputError: The answer does not match the type.
        """
        fenced = _FENCE.fullmatch(result.final_text)
        data = (fenced[1] if fenced else result.final_text).encode()
        try:
            if self._is_wrapped:
                data = bytes(msgspec.json.decode(data, type=_Wrapper).value)
            value = self._read(data)
        except Exception as exc:  # user code may raise anything; RecursionError if the answer is nested too deeply
            raise self._mismatch(result, exc) from exc
        return msgspec.structs.replace(result, output=value)

    def _mismatch(self, result: ChatResult, exc: Exception) -> CodexOutputError:
        reason, path = explain(exc)
        if self._is_wrapped:
            path = f"$.value{path[1:]}"
        text = result.final_text
        shown = text if len(text) <= 200 else text[:200] + "..."
        return CodexOutputError(
            f"the answer of turn {result.turn_id} does not match the requested type at {path}: {reason}. It is {shown!r}",
            text=text,
            path=path,
            result=result,
        )


class _Wrapper(msgspec.Struct):
    """An object around an answer that is not an object itself, because the model's API accepts only objects."""

    value: msgspec.Raw


def _make_schema(type_: Any) -> tuple[Mapping[str, Any], bool]:
    maker = SchemaMaker()
    root = maker.make(type_, "output_type")
    return strict_schema({**root, "$defs": maker.definitions}, "output_type")


def _check_schema(schema: object) -> Mapping[str, Any]:
    if not isinstance(schema, Mapping):
        raise TypeError(f"output_schema must be a JSON Schema (a mapping), not {schema!r}")
    if fault := next(find_faults(schema, is_strict=True), None):
        raise ValueError(
            f"output_schema would fail the turn, because the model's API accepts only a subset of JSON Schema: {fault}. "
            'Change that, pass output_type=, or send it unchecked with extra={"outputSchema": ...}'
        )
    return schema
