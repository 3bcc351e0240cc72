"""Structured answers: from a type to the strict JSON Schema that goes out, and from the answer to a value of the type."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any, is_typeddict

import msgspec

from ..errors import CodexOutputError
from ..models import ChatResult


class Output:
    """What an answer shall be.

    Args:
        type_: A dataclass, TypedDict, `msgspec.Struct` or pydantic model; `None` for any JSON.
        schema: The JSON Schema to send; made from the type unless given.

    Raises:
        TypeError: The type is none of these, or has no strict schema, or the schema is none; the message says why.
    """

    def __init__(self, type_: Any = None, schema: Mapping[str, Any] | None = None) -> None:
        if not isinstance(schema, (Mapping, type(None))):
            raise TypeError(f"output_schema is a JSON Schema, an object, not {schema!r}")
        self._type = type_
        self._is_pydantic = hasattr(type_, "model_json_schema") and hasattr(type_, "model_validate_json")
        self.schema: Mapping[str, Any] = strict_schema(self._schema_of(type_)) if schema is None else schema

    def _schema_of(self, type_: Any) -> dict[str, Any]:
        if self._is_pydantic:
            schema: dict[str, Any] = type_.model_json_schema()
            return schema
        is_struct = isinstance(type_, type) and issubclass(type_, msgspec.Struct)
        is_dataclass = isinstance(type_, type) and dataclasses.is_dataclass(type_)
        if not (is_struct or is_dataclass or is_typeddict(type_)):
            raise TypeError(
                f"output_type is a dataclass, a TypedDict, a msgspec.Struct or a pydantic model, not {type_!r}"
            )
        try:
            return msgspec.json.schema(type_, ref_template="#/$defs/{name}")
        except (TypeError, NameError) as exc:
            raise TypeError(f"output_type {type_.__name__} has no JSON Schema: {exc}") from exc

    def complete(self, result: ChatResult) -> ChatResult:
        """Return a finished turn with its output.

        Raises:
            CodexOutputError: The answer does not fit.
        """
        try:
            value = self._read(result.final_text)
        except msgspec.ValidationError as exc:
            found = re.search(r" - at `(.*)`$", str(exc))
            raise _misfit(result, str(exc), found.group(1) if found else "$") from exc
        except msgspec.DecodeError as exc:
            raise _misfit(result, str(exc), "$") from exc
        except ValueError as exc:
            raise _misfit(result, str(exc), _pydantic_place(exc)) from exc
        except Exception as exc:  # whatever the type's own code raises; RecursionError of an answer nested too deeply
            raise _misfit(result, f"{type(exc).__name__}: {exc}", "$") from exc
        return dataclasses.replace(result, output=value)

    def _read(self, text: str) -> Any:
        if self._is_pydantic:
            return self._type.model_validate_json(text)
        return msgspec.json.decode(text) if self._type is None else msgspec.json.decode(text, type=self._type)


def _misfit(result: ChatResult, why: str, where: str) -> CodexOutputError:
    text = result.final_text
    shown = text if len(text) <= 200 else text[:200] + "..."
    return CodexOutputError(
        f"the answer of turn {result.turn_id} does not fit, at {where}: {why}. It is {shown!r}",
        text=text,
        where=where,
        result=result,
    )


def _pydantic_place(exc: Any) -> str:
    try:
        place = exc.errors()[0]["loc"]
    except (AttributeError, LookupError, TypeError):
        return "$"
    return "$" + "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in place)


def strict_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema as the model's strict mode wants it: closed objects, every property required, no defaults.

    Raises:
        TypeError: An object has keys that are not known beforehand, as a ``dict`` has; or there is a tuple.
    """
    root = _strict(dict(schema), "$")
    definitions = root.pop("$defs", {})
    if isinstance(root.get("anyOf"), list) and len(root["anyOf"]) == 1:  # a described reference
        root = {**root.pop("anyOf")[0], **root}
    reference = root.pop("$ref", None)
    if isinstance(reference, str):  # the root must be an object itself
        name = reference.rpartition("/")[2]
        root = {**definitions[name], **root}
        others = {key: one for key, one in definitions.items() if key != name}
        if reference.encode() not in msgspec.json.encode([root, others]):
            definitions = others
    return {**root, "$defs": definitions} if definitions else root


_DEFINITIONS = ("$defs", "definitions")
_NAMED = ("properties", *_DEFINITIONS)  # whose keys are names, not words of JSON Schema
_UNKNOWN = {"prefixItems": "a tuple", "allOf": "several things at once"}  # to strict mode; and what they say
_WAY_OUT = "a strict JSON Schema cannot say; use a type with named fields, or pass output_schema="


def _strict(schema: dict[str, Any], where: str) -> dict[str, Any]:
    if isinstance(schema.get("allOf"), list) and len(schema["allOf"]) == 1:  # a way to describe a `$ref`
        schema = {**schema, **schema["allOf"][0]}
        del schema["allOf"]
    schema = {name: value for name, value in schema.items() if name not in ("default", "discriminator")}
    if "oneOf" in schema:  # not known to strict mode; for the tagged unions that it stands for it is the same
        schema["anyOf"] = schema.pop("oneOf")
    if "$ref" in schema:  # beside which strict mode wants nothing; its description goes around it
        reference = {"$ref": schema["$ref"]}
        schema = {name: value for name, value in schema.items() if name in ("description", *_DEFINITIONS)}
        schema |= {"anyOf": [reference]} if "description" in schema else reference
    for name, what in _UNKNOWN.items():
        if name in schema:
            raise TypeError(f"{where} is {what} ({name}), which {_WAY_OUT}")
    for name in _NAMED:
        if isinstance(schema.get(name), dict):
            schema[name] = {key: _strict(value, f"{where}.{key}") for key, value in schema[name].items()}
    if isinstance(schema.get("anyOf"), list):
        schema["anyOf"] = [_strict(one, where) for one in schema["anyOf"]]
    if isinstance(schema.get("items"), dict):
        schema["items"] = _strict(schema["items"], f"{where}[]")
    if schema.get("type") == "object":
        if "properties" not in schema and schema.get("additionalProperties") is not False:
            raise TypeError(f"{where} is an object of any keys, which {_WAY_OUT}")
        schema["properties"] = schema.get("properties", {})
        schema["required"] = list(schema["properties"])
        schema["additionalProperties"] = False
    return schema
