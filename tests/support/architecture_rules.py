"""The rules of the house, checked on the source. Each rule takes the sources and returns what breaks it."""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

PACKAGE = "codex_trio"

ORDER = (
    "text", "errors", "_json", "_item_text", "models", "inputs", "events", "_schema", "_local_names",
    "_redaction", "_options", "_public_call", "_paginator", "_wire", "_server_requests", "_tools", "abc", "_transports",
    "_session", "_streams", "_chat", "_exec", "_login", "_thread", "_client", "__init__", "testing", "protocol", "rendering",
    "_cli", "__main__",
)  # fmt: skip
"""Each room imports only from those before it."""

EXAMPLES = "examples"
FREE_ROOM = "_version"  # anyone may import it
PURE_ROOMS = {
    "text",
    "errors",
    "_json",
    "_item_text",
    "models",
    "inputs",
    "events",
    "_schema",
    "_local_names",
    "_redaction",
    "_wire",
}
BANNED_IN_PURE_ROOMS = {"trio", "socket", "subprocess", "time"}
SEE_TRANSPORTS = {"_transports", "_client", "__init__", "testing"}
LAZY_IMPORTS = {
    "codex_cli_bin": "it may not be installed",
    "codex_trio._cli.doctor": "it imports `protocol`, thousands of types that nothing else needs at run time",
    "codex_trio.rendering": "it imports Rich, which may not be installed",
    "rich.console": "likewise",
    "codex_trio._transports.echoes": "only a websocket needs it, and it imports `json`",
    "codex_trio._transports.websocket_stream": "it imports trio-websocket, which only a websocket needs",
    "codex_trio._transports.recording": "it imports `json`, which only a recording and a continuation need",
    "json": "likewise",
    "trio_websocket": "only a websocket needs it",
    "urllib.parse": "likewise; before Python 3.13 `pathlib` imports it all the same",
}
"""What may be imported inside a function, and why."""

FOR_CLIENTS = {"codex_trio/testing/pytest.py": "its client is what a user's test is about"}
"""Modules of the test kit that import the public package, and why."""

TEST_KIT_PARTS = ("_app_server", "_model", "_replay")

FOR_COMMAND_LINE = dict.fromkeys(("_local_names", "_redaction"), "what is hidden is said in one place")
"""Modules with an underscore that the command line imports, and why."""

HANDLERS = ("codex_trio._session.approval_queue", "codex_trio._session.handlers", "codex_trio._tools")
CONNECTION = "codex_trio._session.connection"

GENERATED = "protocol"  # types made from the schema, for editors: as long as that is; only `doctor` looks at it

PUBLIC_FUNCTIONS = ("connect_codex_client",)
PUBLIC_CLASSES = ("CodexClient", "CodexThread", "NotificationStream", "StepStream", "Transport")
UNCANCELLED = {
    "CodexClient.close": "an alias of aclose, which says it",
    "NotificationStream.aclose": "touches no wire, and is done before its checkpoint",
}
"""Public async methods without a `Cancellation:` section, and why."""


@dataclass(frozen=True)
class Import:
    """One imported module, by its full name."""

    module: str
    line: int
    is_for_types: bool
    is_in_function: bool

    @property
    def top(self) -> str:
        return self.module.partition(".")[0]


@dataclass(frozen=True)
class Source:
    """One file of the package, or of the examples."""

    path: str  # from the root of the project
    text: str
    modules: frozenset[str]  # all that there are

    @property
    def module(self) -> str:
        return module_of(self.path)

    @functools.cached_property
    def tree(self) -> ast.Module:
        return _parse(self.text)

    @property
    def room(self) -> str:
        return room_of(self.module)

    @functools.cached_property
    def imports(self) -> list[Import]:
        return [
            Import(name, node.lineno, is_for_types, is_in_function)
            for node, is_for_types, is_in_function in _import_statements(self.text)
            for name in self._names(node)
        ]

    def _names(self, node: ast.Import | ast.ImportFrom) -> list[str]:
        if isinstance(node, ast.Import):
            return [alias.name for alias in node.names]
        base = node.module or ""
        if node.level:
            package = self.module if self.path.endswith("__init__.py") else self.module.rpartition(".")[0]
            home = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*home, node.module] if node.module else home)
        inner = [f"{base}.{alias.name}" for alias in node.names]
        # `from . import methods` imports a module; `from .methods import X` a name of one.
        return [name if name in self.modules else base for name in inner]

    def tell(self, line: int, what: str) -> str:
        return f"{self.path}:{line}: {what}"


@functools.cache
def _parse(text: str) -> ast.Module:
    return ast.parse(text)


@functools.cache
def _import_statements(text: str) -> list[tuple[ast.Import | ast.ImportFrom, bool, bool]]:
    """Return each import, whether it is for type checkers only, and whether it is inside a function."""
    found: list[tuple[ast.Import | ast.ImportFrom, bool, bool]] = []
    stack: list[tuple[ast.AST, bool, bool]] = [(_parse(text), False, False)]
    while stack:
        node, is_for_types, is_in_function = stack.pop()
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            found.append((node, is_for_types, is_in_function))
        is_for_types = is_for_types or (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test))
        is_in_function = is_in_function or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        stack += [(child, is_for_types, is_in_function) for child in ast.iter_child_nodes(node)]
    return found


def room_of(module: str) -> str:
    """Return the room of a module of the package."""
    parts = module.split(".")
    if parts[0] == EXAMPLES:
        return EXAMPLES
    return parts[1] if len(parts) > 1 else "__init__"


def module_of(path: str) -> str:
    """Return the name that a file is imported by."""
    return path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")


def read_house(root: Path) -> dict[str, str]:
    """Return the text of each file of the package and of the examples, by its path from `root`."""
    paths = (path for folder in (PACKAGE, EXAMPLES) for path in root.joinpath(folder).rglob("*.py"))
    return {path.relative_to(root).as_posix(): path.read_text() for path in sorted(paths)}


def parse_house(texts: Mapping[str, str]) -> list[Source]:
    """Return the sources that the rules are about."""
    modules = frozenset(map(module_of, texts))
    return [Source(path, text, modules) for path, text in texts.items()]


def inner_imports(source: Source) -> Iterator[tuple[Import, str]]:
    """Yield what a source imports of the package, each with its room."""
    for one in source.imports:
        if one.top == PACKAGE and room_of(one.module) != FREE_ROOM:
            yield one, room_of(one.module)


# --- the rules


def rooms_are_known(sources: Sequence[Source]) -> list[str]:
    """Every module belongs to a room of the design."""
    rooms = (*ORDER, FREE_ROOM, EXAMPLES)
    return [source.tell(1, f"no room {source.room!r}") for source in sources if source.room not in rooms]


def imports_follow_the_order(sources: Sequence[Source]) -> list[str]:
    """A room imports only from those before it; for types alone, `errors` may look ahead, and all at `protocol`."""
    return [
        source.tell(one.line, f"{source.room} imports {room}, which comes after it")
        for source in sources
        for one, room in inner_imports(source)
        if room != source.room
        and room in ORDER
        and source.room != EXAMPLES
        and (source.room not in ORDER or ORDER.index(room) > ORDER.index(source.room))
        and not (one.is_for_types and (source.room == "errors" or room == GENERATED))
    ]


def modules_form_no_cycle(sources: Sequence[Source]) -> list[str]:
    """Within a room, too, no two modules need each other to be imported."""
    graph = {
        source.module: {
            one.module for one, _ in inner_imports(source) if not one.is_for_types and one.module != source.module
        }
        for source in sources
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return [f"a cycle: {' -> '.join(error.args[1])}"]
    return []


def pure_rooms_do_no_io(sources: Sequence[Source]) -> list[str]:
    """Errors, models and protocol know neither trio nor sockets, processes or clocks."""
    return [
        source.tell(one.line, f"{source.room} imports {one.module}")
        for source in sources
        if source.room in PURE_ROOMS
        for one in source.imports
        if one.top in BANNED_IN_PURE_ROOMS
    ]


def few_see_the_transports(sources: Sequence[Source]) -> list[str]:
    """Only the client, the public names and the test kit know which transports there are."""
    return [
        source.tell(one.line, f"{source.room} imports {one.module}")
        for source in sources
        if source.room not in SEE_TRANSPORTS  # an example is caught by its underscore
        for one, room in inner_imports(source)
        if room == "_transports"
    ]


def handlers_see_no_connection(sources: Sequence[Source]) -> list[str]:
    """A handler is `async (method, params) -> result`, and no more."""
    return [
        source.tell(one.line, f"{source.module.rpartition('.')[2]} imports {one.module}")
        for source in sources
        if source.module in HANDLERS
        for one, _ in inner_imports(source)
        if one.module == CONNECTION
    ]


def the_test_kit_reuses_nothing_that_it_tests(sources: Sequence[Source]) -> list[str]:
    """A fake that is built of the thing under test proves nothing."""
    tested = ORDER[ORDER.index("_session") :]
    return [
        source.tell(one.line, f"testing imports {one.module}")
        for source in sources
        if source.room == "testing"
        for one, room in inner_imports(source)
        if room in tested and room != "testing" and not (source.path in FOR_CLIENTS and one.module == PACKAGE)
    ]


def parts_of_the_test_kit_are_independent(sources: Sequence[Source]) -> list[str]:
    """The scripted server, the scripted model and the replay share modules beside them, but import nothing of each other."""
    return [
        source.tell(one.line, f"{_part_of(source.module)} imports {_part_of(one.module)}")
        for source in sources
        if _part_of(source.module)
        for one, _ in inner_imports(source)
        if _part_of(one.module) not in ("", _part_of(source.module))
    ]


def _part_of(module: str) -> str:
    """Return the part of the test kit that a module belongs to, or "" for a shared module and for others."""
    parts = module.split(".")
    return parts[2] if parts[1:2] == ["testing"] and parts[2:3] and parts[2] in TEST_KIT_PARTS else ""


def outsiders_use_the_public_surface(sources: Sequence[Source]) -> list[str]:
    """What draws, the command line and the examples use no underscored name but their own, and the free room's."""
    return [
        source.tell(getattr(node, "lineno", 0), f"uses {name}")
        for source in sources
        if source.room in ("rendering", "_cli", EXAMPLES)
        for node in ast.walk(source.tree)
        if not _is_of_its_room(source, node)
        for name in _used_names(node)
        if name.startswith("_") and not name.startswith("__")
        if not _imports_the_free_room(source, node, name)
        if not (source.room == "_cli" and name in FOR_COMMAND_LINE)
    ]


def _is_of_its_room(source: Source, node: ast.AST) -> bool:
    """Whether a room that is a folder imports a file of its own there."""
    return isinstance(node, ast.ImportFrom) and node.level == 1 and source.path.count("/") == 2


def _imports_the_free_room(source: Source, node: ast.AST, name: str) -> bool:
    """Whether a name is that of the free room, in an import. An example shows what users write, so not there."""
    return name == FREE_ROOM and isinstance(node, ast.ImportFrom) and source.room != EXAMPLES


def _used_names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        return [*(node.module or "").split("."), *(alias.name for alias in node.names)]
    if isinstance(node, ast.Import):
        return [part for alias in node.names for part in alias.name.split(".")]
    if isinstance(node, ast.Attribute) and ast.unparse(node.value) != "self":
        return [node.attr]
    return []


def no_async_generators(sources: Sequence[Source]) -> list[str]:
    """Streams are objects. An async generator dropped halfway runs its clean-up nobody knows when."""
    return [
        source.tell(function.lineno, f"{function.name} is an async generator")
        for source in sources
        if source.room not in ("testing", EXAMPLES)
        for function in ast.walk(source.tree)
        if isinstance(function, ast.AsyncFunctionDef)
        and any(isinstance(node, (ast.Yield, ast.YieldFrom)) for node in _own_nodes(function))
    ]


def _own_nodes(function: ast.AsyncFunctionDef) -> Iterator[ast.AST]:
    stack: list[ast.AST] = list(function.body)
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            stack.extend(ast.iter_child_nodes(node))


def imports_stand_at_the_top(sources: Sequence[Source]) -> list[str]:
    """Only what is heavy or may be missing is imported where it is needed."""
    return [
        source.tell(one.line, f"imports {one.module} inside a function")
        for source in sources
        if source.room != EXAMPLES
        for one in source.imports
        if one.is_in_function and one.module not in LAZY_IMPORTS
    ]


def cancellation_is_documented(sources: Sequence[Source]) -> list[str]:
    """Each public async method and function says what a cancelled call may have done."""
    return [
        source.tell(function.lineno, f"{name} has no Cancellation section")
        for source, name, function, text in _public_coroutines(sources)
        if name not in UNCANCELLED and "Cancellation:" not in text
    ]


def _public_coroutines(sources: Sequence[Source]) -> Iterator[tuple[Source, str, ast.AsyncFunctionDef, str]]:
    classes = {
        node.name: (source, node) for source in sources for node in source.tree.body if isinstance(node, ast.ClassDef)
    }
    for source, owner in (pair for name in PUBLIC_CLASSES for pair in _with_bases(name, classes)):
        for method in owner.body:
            is_overload = isinstance(method, ast.AsyncFunctionDef) and "overload" in map(
                ast.unparse, method.decorator_list
            )
            if is_overload:
                continue  # what it is an overload of says it
            if isinstance(method, ast.AsyncFunctionDef) and (method.name == "__anext__" or method.name[0] != "_"):
                # Nobody calls `__anext__` by name: the class may describe it.
                about = owner if method.name == "__anext__" else method
                yield source, f"{owner.name}.{method.name}", method, _doc(method) + _doc(about)
    for source in sources:
        for node in source.tree.body:
            if isinstance(node, ast.AsyncFunctionDef) and node.name in PUBLIC_FUNCTIONS:
                yield source, node.name, node, _doc(node)


def _doc(node: ast.AsyncFunctionDef | ast.ClassDef) -> str:
    return ast.get_docstring(node) or ""


def _with_bases(name: str, classes: dict[str, tuple[Source, ast.ClassDef]]) -> Iterator[tuple[Source, ast.ClassDef]]:
    if name in classes:
        source, node = classes[name]
        yield source, node
        for base in node.bases:
            yield from _with_bases(ast.unparse(base).rpartition(".")[2], classes)


Rule = Callable[[Sequence[Source]], list[str]]

RULES: tuple[Rule, ...] = (
    rooms_are_known,
    imports_follow_the_order,
    modules_form_no_cycle,
    pure_rooms_do_no_io,
    few_see_the_transports,
    handlers_see_no_connection,
    the_test_kit_reuses_nothing_that_it_tests,
    parts_of_the_test_kit_are_independent,
    outsiders_use_the_public_surface,
    no_async_generators,
    imports_stand_at_the_top,
    cancellation_is_documented,
)
