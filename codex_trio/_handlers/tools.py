"""Tools: functions of the program that Codex may call. Described, checked and answered by `msgspec`."""

from __future__ import annotations

import base64
import functools
import inspect
import logging
import re
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeAlias, overload

import msgspec
import trio

from .docstrings import parse_docstring

_logger = logging.getLogger("codex_trio")

_NAME = r"[a-zA-Z0-9_-]{1,64}"


@dataclass(frozen=True, slots=True)
class ToolImage:
    """An image among a tool's results: return it, or a list of texts and images.

    Attributes:
        url: A ``data:`` URL; codex takes no other.

    Example:
        ``return ["the plot", ToolImage.from_bytes(png)]``
    """

    url: str = field(repr=False)

    @classmethod
    def from_bytes(cls, data: bytes, mime_type: str = "image/png") -> ToolImage:
        """Make one from the bytes of a file."""
        return cls(f"data:{mime_type};base64,{base64.b64encode(data).decode()}")


@dataclass(frozen=True, slots=True, eq=False)
class Tool:
    """A tool that Codex may call. `tool` makes one from a function; this is for the rest.

    Attributes:
        name: Letters, digits, ``_`` and ``-``; at most 64.
        description: What it does, for the model.
        input_schema: JSON Schema of its arguments, an object.
        function: Is called with the arguments, a mapping; async, or sync, which runs in a worker thread. Returns text,
            a `ToolImage`, a list of both, or anything that msgspec can encode as JSON. What it raises goes to the model
            as a failed result, and to the log.
        namespace: Groups tools, if given.

    Raises:
        ValueError: The name, or the namespace, cannot be one.

    Example:
        ``Tool(name="add", description="Add.", input_schema={"type": "object"}, function=add)``
    """

    name: str
    description: str
    input_schema: Mapping[str, Any] = field(repr=False)
    function: Callable[..., Any] = field(repr=False)
    namespace: str | None = None
    _arguments: type[msgspec.Struct] | None = field(default=None, repr=False, kw_only=True)

    def __post_init__(self) -> None:
        for name in (self.name, self.namespace):
            if name is not None and not re.fullmatch(_NAME, name):
                raise ValueError(f"{name!r} cannot name a tool: letters, digits, _ and -, at most 64")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function itself, as the program may do, too."""
        return self.function(*args, **kwargs)

    async def answer(self, arguments: object) -> dict[str, Any]:
        """Call it for the model; return the result of `item/tool/call`.

        Cancellation: An async function is cancelled. A sync one is waited for; ``trio.from_thread.check_cancelled()``
        in it ends it early.
        """
        try:
            bound = self._bind(arguments)
        except (msgspec.ValidationError, TypeError) as exc:
            _logger.warning("tool %s was called with wrong arguments: %s", self.name, exc)
            return _failure(f"Wrong arguments for {self.name}: {exc}")
        try:
            return {"contentItems": _content(await _run(bound)), "success": True}
        except Exception as exc:
            _logger.warning("tool %s raised", self.name, exc_info=True)
            return _failure(f"{self.name} failed: {type(exc).__name__}: {exc}")

    def _bind(self, arguments: object) -> Callable[[], Any]:
        arguments = {} if arguments is None else arguments
        if self._arguments is None:
            if not isinstance(arguments, Mapping):
                raise TypeError(f"expected an object, got {type(arguments).__name__}")
            return functools.partial(self.function, arguments)
        given = msgspec.convert(arguments, self._arguments)
        return functools.partial(
            self.function, **{name: getattr(given, name) for name in self._arguments.__struct_fields__}
        )


AnyTool: TypeAlias = Tool | Callable[..., Any]


@overload
def tool(function: Callable[..., Any], /) -> Tool: ...
@overload
def tool(
    *, name: str | None = None, description: str | None = None, namespace: str | None = None
) -> Callable[[Callable[..., Any]], Tool]: ...
def tool(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    namespace: str | None = None,
) -> Tool | Callable[[Callable[..., Any]], Tool]:
    """Make a tool of a function, async or sync; for use as ``@tool``, or as ``@tool(name="lookup")``.

    Its description, and that of its arguments, come from its docstring (Google style), and the arguments' schema from its
    annotations: whatever msgspec knows, such as dataclasses, `TypedDict`, `msgspec.Struct`, `Literal`, enums, unions,
    and ``Annotated[int, msgspec.Meta(ge=0)]``. Arguments are checked and converted before it is called.

    Args:
        function: The function. See `Tool` for what it may return and raise.
        name: Instead of the function's.
        description: Instead of the docstring's.
        namespace: Groups tools, if given.

    Raises:
        TypeError: Its parameters cannot be described; the message names the function and says why.

    Example:
        ``@tool`` above ``async def lookup_ticket(id: str, verbose: bool = False) -> Ticket: ...``
    """

    def make(function: Callable[..., Any]) -> Tool:
        text, texts = parse_docstring(function.__doc__)
        own_name = name or str(getattr(function, "__name__", type(function).__name__))
        arguments = _argument_type(own_name, function, texts)
        schema = _schema(own_name, arguments)
        return Tool(own_name, description or text or own_name, schema, function, namespace, _arguments=arguments)

    return make if function is None else make(function)


class Toolbox:
    """The tools of a client, and those of single threads.

    Attributes:
        default: Of every thread that has none of its own.
    """

    def __init__(self, tools: Iterable[AnyTool]) -> None:
        self.default = make_tools(tools)
        self._index = _indexed(self.default)
        self._threads: dict[str, dict[tuple[str | None, str], Tool]] = {}

    def assign(self, thread_id: str, tools: Iterable[Tool]) -> None:
        """Give a thread tools of its own. They are kept until it is deleted: it may be gone on with at any time."""
        self._threads[thread_id] = _indexed(tools)

    def share(self, thread_id: object, fork_id: str) -> None:
        """Give a fork the tools of the thread that was forked, if that has its own: the model knows of them."""
        if (index := self._threads.get(str(thread_id))) is not None:
            self._threads[fork_id] = index

    def forget(self, thread_id: str) -> None:
        """Let go of the tools of a thread that is gone."""
        self._threads.pop(thread_id, None)

    def find(self, params: Mapping[str, Any]) -> Tool | None:
        """Return the tool that the params of `item/tool/call` name."""
        index = self._threads.get(str(params.get("threadId")), self._index)
        namespace = params.get("namespace")
        return index.get((namespace if isinstance(namespace, str) else None, str(params.get("tool"))))


def make_tools(tools: Iterable[AnyTool]) -> tuple[Tool, ...]:
    """Return tools, made of functions where they are not.

    Raises:
        ValueError: Two have one name.
        TypeError: A function cannot be described.
    """
    if not isinstance(tools, Iterable):
        raise TypeError(f"tools must be functions, or tools that `tool` made, not {tools!r}")
    made = tuple(one if isinstance(one, Tool) else tool(one) for one in tools)
    _indexed(made)
    return made


def dump_tools(tools: Iterable[Tool]) -> list[dict[str, Any]]:
    """Return ``dynamicTools`` of `thread/start`."""
    entries: list[dict[str, Any]] = []
    groups: dict[str, list[dict[str, Any]]] = {}
    for one in tools:
        entry = {
            "type": "function",
            "name": one.name,
            "description": one.description,
            "inputSchema": dict(one.input_schema),
        }
        if one.namespace is None:
            entries.append(entry)
        elif one.namespace in groups:
            groups[one.namespace].append(entry)
        else:
            groups[one.namespace] = [entry]
            entries.append(
                {
                    "type": "namespace",
                    "name": one.namespace,
                    "description": one.namespace,
                    "tools": groups[one.namespace],
                }
            )
    return entries


def _indexed(tools: Iterable[Tool]) -> dict[tuple[str | None, str], Tool]:
    index: dict[tuple[str | None, str], Tool] = {}
    for one in tools:
        if index.setdefault((one.namespace, one.name), one) is not one:
            raise ValueError(f"two tools have the name {one.name!r}")
    return index


def _argument_type(name: str, function: Callable[..., Any], texts: Mapping[str, str]) -> type[msgspec.Struct]:
    try:
        parameters = inspect.signature(function).parameters.values()
        hints = typing.get_type_hints(
            function if hasattr(function, "__name__") else type(function).__call__, include_extras=True
        )
    except (NameError, TypeError, ValueError) as exc:
        raise TypeError(f"tool {name}: its signature cannot be read: {exc}") from exc
    fields: list[Any] = []
    for one in parameters:
        if one.kind not in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY):
            raise TypeError(f"tool {name}: {one} cannot be given by name, as the model gives arguments")
        kind: Any = hints.get(one.name, Any)
        if one.name in texts:
            kind = Annotated[kind, msgspec.Meta(description=texts[one.name])]
        fields.append((one.name, kind) if one.default is one.empty else (one.name, kind, _default(one.default)))
    try:
        return msgspec.defstruct(name.replace("-", "_"), fields, kw_only=True, forbid_unknown_fields=True)
    except TypeError as exc:
        raise TypeError(f"tool {name}: {exc}") from exc


def _default(value: Any) -> Any:
    # A function hands out one and the same default at each call, and so do we; msgspec asks to have that said.
    return msgspec.field(default_factory=lambda: value) if isinstance(value, (list, dict, set, bytearray)) else value


def _schema(name: str, arguments: type[msgspec.Struct]) -> dict[str, Any]:
    # The model wants an object at the top, where msgspec has a reference to one.
    try:
        (top,), definitions = msgspec.json.schema_components([arguments], ref_template="#/$defs/{name}")
    except TypeError as exc:
        raise TypeError(f"tool {name}: {exc}") from exc
    schema: dict[str, Any] = definitions.pop(top["$ref"].rpartition("/")[2])
    schema.pop("title", None)
    return {**schema, "$defs": definitions} if definitions else schema


async def _run(bound: functools.partial[Any] | Callable[[], Any]) -> Any:
    function = bound.func if isinstance(bound, functools.partial) else bound
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None)):  # noqa: B004
        return await bound()
    return await trio.to_thread.run_sync(bound)


def _content(result: object) -> list[dict[str, Any]]:
    if isinstance(result, (list, tuple)) and any(isinstance(one, ToolImage) for one in result):
        return [_item(one) for one in result]
    return [_item(result)]


def _item(result: object) -> dict[str, Any]:
    if isinstance(result, ToolImage):
        return {"type": "inputImage", "imageUrl": result.url}
    if result is None:
        return {"type": "inputText", "text": ""}
    return {"type": "inputText", "text": result if isinstance(result, str) else msgspec.json.encode(result).decode()}


def _failure(text: str) -> dict[str, Any]:
    return {"contentItems": [{"type": "inputText", "text": text}], "success": False}
