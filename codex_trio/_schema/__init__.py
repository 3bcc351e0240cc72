"""JSON Schemas for tools and structured answers, and readers for values of a type.

`SchemaMaker` makes the schema of a type. `fill_types` and `describe_limits` adapt it for a tool, `strict_schema` for an
answer. `find_faults` checks a schema that was written by hand.
"""

from .rules import Node, describe_limits, fill_types, find_faults, strict_schema
from .types import SchemaMaker, default_keyword
from .values import dump_value, explain, make_reader

__all__ = [
    "Node",
    "SchemaMaker",
    "default_keyword",
    "describe_limits",
    "dump_value",
    "explain",
    "fill_types",
    "find_faults",
    "make_reader",
    "strict_schema",
]
