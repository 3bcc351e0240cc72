"""The parameters of a tool's function: their JSON Schema, and the conversion of the model's arguments."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from . import Node, SchemaMaker, default_keyword, describe_limits, explain, fill_types, make_reader


class Parameters:
    """The parameters of a function.

    Args:
        function: The function.
        texts: Descriptions of parameters, by name.

    Attributes:
        schema: JSON Schema of the arguments, an object.

    Raises:
        TypeError: The model cannot pass a parameter. The message names it.
    """

    def __init__(self, function: Callable[..., Any], texts: Mapping[str, str]) -> None:
        maker = SchemaMaker()
        properties: dict[str, Node] = {}
        self._required: list[str] = []
        self._readers: dict[str, Callable[[bytes], Any]] = {}
        for parameter, type_ in _signature(function):
            name = parameter.name
            described = {"description": texts[name]} if name in texts else {}
            properties[name] = {**maker.make(type_, name), **described}
            self._readers[name] = make_reader(type_)
            if parameter.default is parameter.empty:
                self._required.append(name)
            else:
                properties[name].update(default_keyword(parameter.default))
        schema = {"type": "object", "properties": properties, "required": self._required, "additionalProperties": False}
        definitions = {"$defs": maker.definitions} if maker.definitions else {}
        self.schema = describe_limits(fill_types({**schema, **definitions}))

    def read(self, arguments: object) -> dict[str, Any]:
        """Return the arguments to call the function with. Missing parameters keep their defaults.

        Raises:
            ValueError: The arguments do not match the parameters; the message contains the place.
        """
        given = msgspec.convert({} if arguments is None else arguments, dict[str, Any])
        if missing := [name for name in self._required if name not in given]:
            raise ValueError(f"Object missing required field `{missing[0]}`")
        if unknown := [name for name in given if name not in self._readers]:
            raise ValueError(f"Object contains unknown field `{unknown[0]}`")
        return {name: self._read(name, value) for name, value in given.items()}

    def _read(self, name: str, value: Any) -> Any:
        try:
            return self._readers[name](msgspec.json.encode(value))
        except Exception as exc:  # user code may raise anything
            why, place = explain(exc)
            raise ValueError(f"{why} - at `$.{name}{place[1:]}`") from exc


def _signature(function: Callable[..., Any]) -> list[tuple[inspect.Parameter, Any]]:
    try:
        parameters = inspect.signature(function).parameters.values()
        hints = typing.get_type_hints(
            function if hasattr(function, "__name__") else type(function).__call__, include_extras=True
        )
    except (NameError, TypeError, ValueError) as exc:
        raise TypeError(f"its signature cannot be read: {exc}") from exc
    for parameter in parameters:
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise TypeError(f"{parameter} cannot be given by name, as the model gives arguments")
    return [(parameter, hints.get(parameter.name, Any)) for parameter in parameters]
