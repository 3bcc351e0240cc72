"""Tools: functions that the model may call. How they are described to codex, called, and answered."""

from __future__ import annotations

import base64
import functools
import inspect
import logging
import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, overload
from weakref import WeakValueDictionary

import msgspec
import trio

from ._schema import dump_value, fill_types, find_faults
from ._schema.docstrings import parse_docstring
from ._schema.parameters import Parameters

_logger = logging.getLogger("codex_trio")

_NAME = r"[a-zA-Z0-9_-]{1,64}"


@dataclass(frozen=True, slots=True)
class ToolImage:
    """An image in the result of a tool. A tool may return an image, or a list of texts and images.

    Attributes:
        url: A ``data:`` URL; codex does not accept others.

    Example:
        ``return ["the plot", ToolImage.from_bytes(png)]``
    """

    url: str = field(repr=False)

    @classmethod
    def from_bytes(cls, data: bytes, mime_type: str = "image/png") -> ToolImage:
        """Create an image from the bytes of a file."""
        return cls(f"data:{mime_type};base64,{base64.b64encode(data).decode()}")


@dataclass(frozen=True, slots=True, eq=False)
class Tool:
    """A tool that the model may call. `tool` creates one from a function; use this class for a schema of your own.

    Attributes:
        name: Letters, digits, ``_`` and ``-``; at most 64.
        description: Description for the model.
        input_schema: JSON Schema of the arguments, an object. Missing types and items are filled in when it is sent,
            because codex would assume strings.
        function: Called with the arguments, a mapping. An async function runs in Trio, any other function in a worker
            thread. If such a function returns an awaitable, the result is awaited in Trio. Returns text, a `ToolImage`, a
            list of both, or a value that becomes JSON: see `tool`. An exception is sent to the model as a failed result,
            and logged.
        namespace: Groups tools; optional.
        overlaps: Whether calls of this tool may run at the same time within one codex thread. From codex 0.165 on, the
            calls of one model answer arrive together. With False they run one after another, in the order in which the
            server sent them, and a waiting call is dropped when its turn ends. Calls from different codex threads
            always overlap. `None` means True if the function is async, and False otherwise.
        limiter: Limits the worker threads, as in `trio.to_thread.run_sync`. Default: Trio's default limiter.

    Raises:
        ValueError: The name or the namespace is not valid; or the model's API would refuse the schema.
        TypeError: The schema is not a mapping; or the function is async and has a limiter, but needs no worker thread.

    Example:
        ``Tool(name="add", description="Add.", input_schema={"type": "object"}, function=add)``
    """

    name: str
    description: str
    input_schema: Mapping[str, Any] = field(repr=False)
    function: Callable[..., Any] = field(repr=False)
    namespace: str | None = None
    overlaps: bool | None = field(default=None, kw_only=True)
    limiter: trio.CapacityLimiter | None = field(default=None, repr=False, kw_only=True)
    _parameters: Parameters | None = field(default=None, repr=False, kw_only=True)

    def __post_init__(self) -> None:
        for name in (self.name, self.namespace):
            if name is not None and not re.fullmatch(_NAME, name):
                raise ValueError(f"{name!r} cannot name a tool: use letters, digits, _ and -, at most 64")
        if not isinstance(self.input_schema, Mapping):
            raise TypeError(
                f"tool {self.name}: input_schema must be a JSON Schema (a mapping), not {self.input_schema!r}"
            )
        if problem := next(find_faults(fill_types(self.input_schema), is_strict=False), None):
            raise ValueError(f"tool {self.name}: input_schema cannot be used: {problem}")
        if self._is_async and self.limiter is not None:
            raise TypeError(
                f"tool {self.name}: limiter is for functions that run in worker threads; this one is async, and takes "
                "one itself (async with limiter), or overlaps=False"
            )
        if self.overlaps is None:
            object.__setattr__(self, "overlaps", self._is_async)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function directly."""
        return self.function(*args, **kwargs)

    async def _invoke(self, arguments: object) -> dict[str, Any]:
        """Call the tool for the model. Return the result of ``item/tool/call``.

        Cancellation: An async function is cancelled. A sync function runs to its end, unless it calls
        ``trio.from_thread.check_cancelled()``.
        """
        try:
            bound = self._bind(arguments)
        except (ValueError, TypeError, msgspec.ValidationError) as exc:
            _logger.warning("tool %s was called with wrong arguments: %s", self.name, exc)
            return _failure(f"Wrong arguments for {self.name}: {exc}")
        try:
            return {"contentItems": _content(await self._run(bound)), "success": True}
        except Exception as exc:
            _logger.warning("tool %s raised", self.name, exc_info=True)
            return _failure(f"{self.name} failed: {type(exc).__name__}: {exc}")

    @property
    def _is_async(self) -> bool:
        return any(map(inspect.iscoroutinefunction, (self.function, type(self.function).__call__)))

    def _bind(self, arguments: object) -> Callable[[], Any]:
        if self._parameters is not None:
            return functools.partial(self.function, **self._parameters.read(arguments))
        return functools.partial(self.function, msgspec.convert({} if arguments is None else arguments, dict[str, Any]))

    async def _run(self, bound: Callable[[], Any]) -> Any:
        if self._is_async:
            return await bound()
        # The function may still return an awaitable: a lambda or a plain decorator around an async function does. The
        # tuple is needed because Trio rejects an awaitable as the result of a worker thread.
        (result,) = await trio.to_thread.run_sync(lambda: (bound(),), limiter=self.limiter)
        return await result if inspect.isawaitable(result) else result


ToolLike: TypeAlias = Tool | Callable[..., Any]


@overload
def tool(function: Callable[..., Any], /) -> Tool: ...
@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    namespace: str | None = None,
    overlaps: bool | None = None,
    limiter: trio.CapacityLimiter | None = None,
) -> Callable[[Callable[..., Any]], Tool]: ...
def tool(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    namespace: str | None = None,
    overlaps: bool | None = None,
    limiter: trio.CapacityLimiter | None = None,
) -> Tool | Callable[[Callable[..., Any]], Tool]:
    """Create a tool from an async or sync function. Use it as ``@tool`` or as ``@tool(name="lookup")``.

    The descriptions of the tool and its arguments come from the docstring (Google style), and the schema of the arguments
    from the annotations: JSON's own types, dataclasses, `TypedDict`, `msgspec.Struct`, attrs classes, pydantic models,
    `Literal`, enums, unions, dates and times, `Path`, and ``Annotated[int, msgspec.Meta(ge=0)]``. Arguments are checked
    and converted before the call. The function may return a value of any of these types; it is sent to the model as JSON.

    Args:
        function: The function. See `Tool` for what it may return and raise.
        name: Name of the tool. Default: the function's name.
        description: Description for the model. Default: from the docstring.
        namespace: Groups tools; optional.
        overlaps: Whether calls may run at the same time within one codex thread; see `Tool`. By default, calls of an
            async function may, and calls of other functions may not.
        limiter: Limits the worker threads of a function that is not async; see `Tool`.

    Raises:
        TypeError: A parameter cannot be described by a schema; the message names it and suggests another type. Or the
            function is async and has a limiter.

    Example:
        ``@tool`` above ``async def lookup_ticket(id: str, verbose: bool = False) -> Ticket: ...``
    """

    def make(function: Callable[..., Any]) -> Tool:
        text, texts = parse_docstring(function.__doc__)
        own_name = name or str(getattr(function, "__name__", type(function).__name__))
        try:
            parameters = Parameters(function, texts)
        except TypeError as exc:
            raise TypeError(f"tool {own_name}: {exc}") from exc
        return Tool(
            own_name,
            description or text or own_name,
            parameters.schema,
            function,
            namespace,
            overlaps=overlaps,
            limiter=limiter,
            _parameters=parameters,
        )

    return make if function is None else make(function)


class ToolCall:
    """A tool call by the model. Created in the reader, in the order in which the server sends the calls.

    Args:
        tool: The tool.
        arguments: The arguments from the model.
        queue: Calls that must not overlap with this call, in order. This call joins the queue; `answer` removes it.
    """

    def __init__(self, tool: Tool, arguments: object, queue: deque[ToolCall]) -> None:
        self._tool = tool
        self._arguments = arguments
        self._queue = queue
        self._is_first = trio.Event()
        queue.append(self)
        queue[0]._is_first.set()

    async def answer(self) -> dict[str, Any]:
        """Wait for the earlier calls in the queue, then call the tool. May be awaited only once.

        Cancellation: While the call is queued, the tool is not called. Later, an async function is cancelled, and a sync
        function runs to its end.
        """
        try:
            await self._is_first.wait()
            return await self._tool._invoke(self._arguments)
        finally:
            self._queue.remove(self)
            if self._queue:
                self._queue[0]._is_first.set()


class ToolRegistry:
    """The tools of a client and of its threads.

    Attributes:
        default: Tools of the client. Threads without separate tools use them.
    """

    def __init__(self, tools: Iterable[ToolLike]) -> None:
        self.default = build_tools(tools)
        self._index = _index_by_name(self.default)
        self._threads: dict[str, dict[tuple[str | None, str], Tool]] = {}
        self._queues: WeakValueDictionary[tuple[str, Tool], deque[ToolCall]] = WeakValueDictionary()

    def set_thread_tools(self, thread_id: str, tools: Iterable[Tool]) -> None:
        """Set the tools of a thread. They are kept until the thread is deleted, because it may be resumed."""
        self._threads[thread_id] = _index_by_name(tools)

    def copy_to_fork(self, thread_id: object, fork_id: str) -> None:
        """Copy the separate tools of a thread, if any, to its fork, because the model knows them."""
        if (index := self._threads.get(str(thread_id))) is not None:
            self._threads[fork_id] = index

    def remove_thread(self, thread_id: str) -> None:
        """Remove the tools of a deleted thread."""
        self._threads.pop(thread_id, None)

    def find(self, params: Mapping[str, Any]) -> Tool | None:
        """Return the tool that the params of ``item/tool/call`` name, or `None`."""
        index = self._threads.get(str(params.get("threadId")), self._index)
        namespace = params.get("namespace")
        return index.get((namespace if isinstance(namespace, str) else None, str(params.get("tool"))))

    def call(self, params: Mapping[str, Any]) -> ToolCall | None:
        """Return the call for the params of ``item/tool/call``, queued behind calls that it must not overlap with."""
        if (tool := self.find(params)) is None:
            return None
        queue: deque[ToolCall] = deque()
        if not tool.overlaps:
            queue = self._queues.setdefault((str(params.get("threadId")), tool), queue)
        return ToolCall(tool, params.get("arguments"), queue)


def build_tools(tools: Iterable[ToolLike]) -> tuple[Tool, ...]:
    """Return the tools, created from functions where necessary.

    Raises:
        ValueError: Two tools have the same name.
        TypeError: A function cannot be described by a schema.
    """
    if not isinstance(tools, Iterable):
        raise TypeError(f"tools must be an iterable of functions and tools, not {tools!r}")
    built = tuple(item if isinstance(item, Tool) else tool(item) for item in tools)
    _index_by_name(built)
    return built


def dump_tools(tools: Iterable[Tool]) -> list[dict[str, Any]]:
    """Return the ``dynamicTools`` of ``thread/start``."""
    entries: list[dict[str, Any]] = []
    groups: dict[str, list[dict[str, Any]]] = {}
    for item in tools:
        entry = {
            "type": "function",
            "name": item.name,
            "description": item.description,
            "inputSchema": fill_types(item.input_schema),
        }
        if item.namespace is None:
            entries.append(entry)
        elif item.namespace in groups:
            groups[item.namespace].append(entry)
        else:
            groups[item.namespace] = [entry]
            entries.append(
                {
                    "type": "namespace",
                    "name": item.namespace,
                    "description": item.namespace,
                    "tools": groups[item.namespace],
                }
            )
    return entries


def _index_by_name(tools: Iterable[Tool]) -> dict[tuple[str | None, str], Tool]:
    index: dict[tuple[str | None, str], Tool] = {}
    for item in tools:
        if index.setdefault((item.namespace, item.name), item) is not item:
            raise ValueError(f"two tools have the name {item.name!r}")
    return index


def _content(result: object) -> list[dict[str, Any]]:
    if isinstance(result, (list, tuple)) and any(isinstance(part, ToolImage) for part in result):
        return [_content_item(part) for part in result]
    return [_content_item(result)]


def _content_item(result: object) -> dict[str, Any]:
    if isinstance(result, ToolImage):
        return {"type": "inputImage", "imageUrl": result.url}
    if result is None:
        return {"type": "inputText", "text": ""}
    return {"type": "inputText", "text": result if isinstance(result, str) else dump_value(result)}


def _failure(text: str) -> dict[str, Any]:
    return {"contentItems": [{"type": "inputText", "text": text}], "success": False}
