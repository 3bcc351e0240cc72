"""Make the JSON Schema of a type with msgspec or pydantic.

The schema is not adapted to any use; for example, the node for `Any` is empty.
"""

from __future__ import annotations

import inspect
import itertools
import re
import typing
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any

import msgspec
import msgspec.inspect as mi

from .rules import Node, map_nodes
from .values import is_pydantic, plain_value, pydantic_schema

_ADVICE = (
    "use a type that JSON has (str, int, float, bool, None, list, dict); a dataclass, TypedDict, msgspec.Struct, attrs "
    "class or pydantic model; an Enum or a Literal; a datetime type, UUID, Decimal or Path; or take a str and convert it"
)
_UNION_ADVICE = (
    "JSON does not show which of them a value is: use msgspec.Structs with tag=True, a union of pydantic models, or one "
    "type that can hold either"
)

_PLAIN: Mapping[type[mi.Type], Node] = {
    mi.AnyType: {},
    mi.RawType: {},
    mi.NoneType: {"type": "null"},
    mi.BoolType: {"type": "boolean"},
    mi.IntType: {"type": "integer"},
    mi.FloatType: {"type": "number"},
    mi.StrType: {"type": "string"},
    mi.BytesType: {"type": "string", "contentEncoding": "base64"},
    mi.ByteArrayType: {"type": "string", "contentEncoding": "base64"},
    mi.DateTimeType: {"type": "string"},
    mi.TimeType: {"type": "string"},
    mi.DateType: {"type": "string", "format": "date"},
    mi.TimeDeltaType: {"type": "string", "format": "duration"},
    mi.UUIDType: {"type": "string", "format": "uuid"},
    mi.DecimalType: {"type": "string", "format": "decimal"},
}
_NUMBER_LIMITS = {
    "ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum", "multiple_of": "multipleOf"
}  # fmt: skip


class SchemaMaker:
    """Makes schemas of types. The schemas of one maker share definitions.

    Attributes:
        definitions: Schemas of classes by name, for the ``$defs`` of the whole schema.
    """

    def __init__(self) -> None:
        self.definitions: dict[str, Node] = {}
        self._names: dict[Any, str] = {}

    def make(self, type_: Any, where: str) -> Node:
        """Return the schema of a type.

        Args:
            type_: The type.
            where: The parameter or option with this type, for errors.

        Raises:
            TypeError: The type has no JSON Schema. The message contains the place, and suggests other types.
        """
        if is_pydantic(type_):
            return self._adopt(type_, where)
        try:
            info = mi.type_info(type_)
        except Exception as exc:  # reading the annotations of a class may raise anything
            advice = _UNION_ADVICE if str(exc).startswith("Type unions") else _ADVICE
            raise TypeError(f"{_locate(type_, where)} has no JSON Schema: {exc}; {advice}") from exc
        return self._node(info, where)

    def _node(self, info: Any, where: str) -> Node:
        match info:
            case mi.Metadata():
                return {**self._node(info.type, where), **(info.extra_json_schema or {})}
            case mi.UnionType():
                return {"anyOf": [self._node(option, where) for option in info.types]}
            case mi.LiteralType():
                return {"enum": list(info.values)}
            case mi.CollectionType():
                unique = {"uniqueItems": True} if isinstance(info, (mi.SetType, mi.FrozenSetType)) else {}
                return {"type": "array", "items": self._node(info.item_type, f"{where}[]"), **_limits(info), **unique}
            case mi.TupleType():
                return _tuple([self._node(item, f"{where}[{i}]") for i, item in enumerate(info.item_types)])
            case mi.EnumType() | mi.StructType() | mi.DataclassType() | mi.TypedDictType() | mi.NamedTupleType():
                return self._reference(info)
            case mi.CustomType():
                return self._custom(info.cls, where)
        if hasattr(info, "value_type"):  # a dict; newer versions of msgspec also have other mappings
            return {
                "type": "object",
                "additionalProperties": self._node(info.value_type, f"{where}{{}}"),
                **_limits(info),
            }
        if (node := _PLAIN.get(type(info))) is None:
            raise TypeError(f"{where} has no JSON Schema: {type(info).__name__}; {_ADVICE}")
        return {**node, **_time_format(info), **_limits(info)}

    def _custom(self, cls: Any, where: str) -> Node:
        if cls is object:
            return {}
        if isinstance(cls, type) and issubclass(cls, PurePath):
            return {"type": "string", "format": "path"}
        if is_pydantic(cls):
            return self._adopt(cls, where)
        raise TypeError(f"{where} has no JSON Schema: JSON has no {cls.__module__}.{_class_name(cls)}; {_ADVICE}")

    def _reference(self, info: Any) -> Node:
        if info.cls not in self._names:
            name = self._names[info.cls] = self._free_name(re.sub(r"[^a-zA-Z0-9.\-_]", "_", _class_name(info.cls)))
            self.definitions[name] = {}  # from here on the class may refer to itself
            self.definitions[name].update(self._definition(info))
        return {"$ref": f"#/$defs/{self._names[info.cls]}"}

    def _definition(self, info: Any) -> Node:
        name = _class_name(info.cls)
        head = {"title": name, **_description(info)}
        if isinstance(info, mi.EnumType):
            return {**head, "enum": [member.value for member in info.cls]}
        is_struct = isinstance(info, mi.StructType)
        properties: dict[str, Node] = {info.tag_field: {"enum": [info.tag]}} if is_struct and info.tag_field else {}
        required = list(properties)
        for field in _ordered_fields(info):
            properties[field.encode_name] = {**self._node(field.type, f"{name}.{field.name}"), **_default(field)}
            if field.required:
                required.append(field.encode_name)
        if isinstance(info, mi.NamedTupleType) or (is_struct and info.array_like):
            return {**head, **_tuple(list(properties.values())), "minItems": len(required)}
        closed = {"additionalProperties": False} if is_struct and info.forbid_unknown_fields else {}
        return {**head, "type": "object", "properties": properties, "required": required, **closed}

    def _adopt(self, type_: Any, where: str) -> Node:
        """Return the schema that pydantic makes, with its definitions moved to `definitions`."""
        try:
            schema = pydantic_schema(type_)
        except Exception as exc:  # pydantic and the type's own code raise many kinds
            raise TypeError(f"{where} has no JSON Schema: {str(exc).partition(chr(10))[0]}; {_ADVICE}") from exc
        definitions: dict[str, Node] = schema.pop("$defs", {})
        names = {
            name: self._free_name(name)
            for name, node in definitions.items()
            if self.definitions.get(name, node) != node
        }

        def adopt(node: Node, where: str) -> Node:
            name = str(node.get("$ref")).removeprefix("#/$defs/")
            if name in names:
                node["$ref"] = f"#/$defs/{names[name]}"
            if "discriminator" in node and "oneOf" in node:  # a tagged union: the tags exclude each other anyway
                del node["discriminator"]
                node["anyOf"] = node.pop("oneOf")
            return node

        for name, node in definitions.items():
            self.definitions[names.get(name, name)] = map_nodes(node, adopt)
        return map_nodes(schema, adopt)

    def _free_name(self, wanted: str) -> str:
        names = itertools.chain([wanted], (f"{wanted}_{number}" for number in itertools.count(2)))
        return next(name for name in names if name not in self.definitions)


def default_keyword(value: object) -> Node:
    """Return the keyword for a default, or nothing if JSON has no such value."""
    try:
        return {"default": msgspec.to_builtins(value, enc_hook=plain_value, str_keys=True)}
    except (TypeError, ValueError):
        return {}


def _limits(info: mi.Type) -> Node:
    if isinstance(info, (mi.BytesType, mi.ByteArrayType)):
        return {}  # the limits count bytes, not characters of base64
    what = (
        "Length" if isinstance(info, mi.StrType) else "Items" if isinstance(info, mi.CollectionType) else "Properties"
    )
    words = {**_NUMBER_LIMITS, "min_length": f"min{what}", "max_length": f"max{what}", "pattern": "pattern"}
    return {word: limit for name, word in words.items() if (limit := getattr(info, name, None)) is not None}


def _time_format(info: mi.Type) -> Node:
    if not isinstance(info, (mi.DateTimeType, mi.TimeType)):
        return {}
    if info.tz is False:  # the formats of JSON Schema have a time zone
        return {"description": "ISO 8601, without a time zone"}
    return {"format": "date-time" if isinstance(info, mi.DateTimeType) else "time"}


def _tuple(items: list[Node]) -> Node:
    return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}


def _ordered_fields(info: Any) -> Iterable[mi.Field]:
    if not isinstance(info, mi.TypedDictType):
        return info.fields  # type: ignore[no-any-return]
    written = list(typing.get_type_hints(typing.get_origin(info.cls) or info.cls))  # msgspec sorts them by name
    return sorted(info.fields, key=lambda field: written.index(field.name))


def _default(field: mi.Field) -> Node:
    if field.default is not msgspec.NODEFAULT:
        return default_keyword(field.default)
    return {"default": field.default_factory()} if field.default_factory in (list, dict) else {}


def _class_name(cls: Any) -> str:
    if (origin := typing.get_origin(cls)) is None:
        return str(getattr(cls, "__name__", cls))
    return f"{origin.__name__}[{', '.join(map(_class_name, typing.get_args(cls)))}]"


def _description(info: Any) -> Node:
    cls = typing.get_origin(info.cls) or info.cls
    text = inspect.cleandoc(cls.__doc__ or "")
    is_made = text.startswith(f"{cls.__name__}(") and text.endswith(")")  # by `dataclass` and `NamedTuple`
    return {} if is_made or not text or text == "An enumeration." else {"description": text}


def _locate(type_: Any, where: str) -> str:
    """Return the place of the innermost part of a type that msgspec does not support."""
    try:
        parts = [(f"{_class_name(type_)}.{name}", hint) for name, hint in _field_types(type_).items()]
    except Exception:  # an annotation cannot be evaluated, and the error names it
        return where
    for place, part in [*parts, *((where, argument) for argument in typing.get_args(type_))]:
        try:
            mi.type_info(part)
        except Exception:
            return _locate(part, place)
    return where


def _field_types(type_: Any) -> dict[str, Any]:
    cls = typing.get_origin(type_) or type_
    has_fields = isinstance(cls, type) and hasattr(cls, "__annotations__")
    return typing.get_type_hints(cls, include_extras=True) if has_fields else {}
