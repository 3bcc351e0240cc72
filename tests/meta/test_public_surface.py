"""What `import codex_trio` gives, and what it costs."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import codex_trio
import codex_trio.rendering
import codex_trio.testing

ROOT = Path(codex_trio.__file__).parent
PUBLIC_CLASSES = [name for name in codex_trio.__all__ if isinstance(getattr(codex_trio, name), type)]


def test_all_is_what_the_package_exposes_and_is_sorted() -> None:
    exposed = {
        name
        for name, value in vars(codex_trio).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    }

    assert codex_trio.__all__ == sorted(codex_trio.__all__, key=lambda name: (not name.isupper(), name))
    assert set(codex_trio.__all__) == exposed | {"__version__"}


def test_every_error_of_ours_is_public() -> None:
    def below(kind: type[BaseException]) -> list[type[BaseException]]:
        return [kind, *(found for one in kind.__subclasses__() for found in below(one))]

    ours = {kind.__name__ for kind in below(codex_trio.CodexError) if kind.__module__.startswith("codex_trio")}
    assert ours <= {*codex_trio.__all__, *codex_trio.testing.__all__}
    assert len(ours) > 8


def test_only_the_rooms_for_users_have_names_without_an_underscore() -> None:
    modules = {path.stem for path in ROOT.iterdir() if path.suffix == ".py" or path.joinpath("__init__.py").exists()}

    assert {name for name in modules if not name.startswith("_")} == {
        *("abc", "rendering", "errors", "events", "inputs", "models", "protocol", "testing", "text")
    }


@pytest.mark.parametrize(
    "module", [codex_trio.abc, codex_trio.rendering, codex_trio.errors, codex_trio.models, codex_trio.testing]
)
def test_every_public_module_says_what_it_is_for(module: ModuleType) -> None:
    assert (module.__doc__ or "").strip()


SHOWN = [
    *(
        name
        for name in codex_trio.__all__
        if callable(getattr(codex_trio, name)) and inspect.getdoc(getattr(codex_trio, name))
    ),
    *(
        f"CodexClient.{name}"
        for name, _ in inspect.getmembers(codex_trio.CodexClient, inspect.isfunction)
        if name[0] != "_"
    ),
    *(
        f"CodexThread.{name}"
        for name, _ in inspect.getmembers(codex_trio.CodexThread, inspect.isfunction)
        if name[0] != "_"
    ),
]


@pytest.mark.parametrize("name", SHOWN)
def test_every_public_class_and_function_shows_how_it_is_used(name: str) -> None:
    shown = codex_trio
    for part in name.split("."):
        shown = getattr(shown, part)
    assert re.search(r"Example:|::\n", inspect.getdoc(shown) or "")


def documented_values() -> set[str]:
    """Return the names of the package that are assigned with a docstring after them."""
    bodies = [ast.parse(path.read_text()).body for path in ROOT.rglob("*.py")]
    return {
        target.id
        for body in bodies
        for node, after in pairwise(body)
        if isinstance(node, (ast.Assign, ast.AnnAssign))
        and isinstance(after, ast.Expr)
        and isinstance(after.value, ast.Constant)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }


@pytest.mark.extended
@pytest.mark.parametrize("name", [name for name in codex_trio.__all__ if name != "__version__"])
def test_every_public_name_has_a_docstring(name: str) -> None:
    value = getattr(codex_trio, name)
    if not isinstance(value, type) and not inspect.isfunction(value):
        assert name in documented_values()
        return
    text = vars(value).get("__doc__") if isinstance(value, type) else value.__doc__
    assert text
    assert not text.startswith(f"{name}("), "this is the one that a dataclass makes for itself"


@pytest.mark.parametrize("name", PUBLIC_CLASSES)
def test_every_public_method_has_a_docstring(name: str) -> None:
    owner = getattr(codex_trio, name)
    members = {
        member: value
        for member, value in vars(owner).items()
        if not member.startswith("_") and (callable(value) or isinstance(value, (property, classmethod, staticmethod)))
    }

    assert [member for member in members if not inspect.getdoc(getattr(owner, member))] == []


@pytest.mark.parametrize("name", list(codex_trio.testing.__all__))
def test_every_public_name_of_the_test_kit_has_a_docstring(name: str) -> None:
    assert inspect.getdoc(getattr(codex_trio.testing, name))
    assert codex_trio.testing.__all__ == sorted(codex_trio.testing.__all__)


@pytest.mark.parametrize("name", list(codex_trio.rendering.__all__))
def test_every_public_name_of_what_draws_shows_how_it_is_used(name: str) -> None:
    assert "Example:" in (inspect.getdoc(getattr(codex_trio.rendering, name)) or "")
    assert codex_trio.rendering.__all__ == sorted(codex_trio.rendering.__all__)


def test_the_package_says_that_it_is_typed() -> None:
    assert ROOT.joinpath("py.typed").is_file()


def test_the_version_is_a_version() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+(\.?(a|b|rc|dev)\d+)?", codex_trio.__version__)


def test_importing_the_package_loads_no_more_than_it_needs() -> None:
    program = "import sys, codex_trio; print(*sys.modules)"
    loaded = set(
        subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split()
    )
    unwanted = {"trio_websocket", "wsproto", "h11", "asyncio", "anyio", "codex_cli_bin", "pytest", "rich"}
    unwanted |= {"json", "codex_trio.testing", "codex_trio.rendering", "codex_trio._cli", "trio.testing"}

    assert "codex_trio._client" in loaded
    assert loaded & unwanted == set()


def coroutines() -> list[tuple[str, Any]]:
    """Return the coroutine functions that a user may call, but for those of transports, which the client calls."""
    found = []
    for name in codex_trio.__all__:
        value = getattr(codex_trio, name)
        if inspect.iscoroutinefunction(value):
            found.append((name, value))
        if inspect.isclass(value) and not issubclass(value, codex_trio.Transport):
            found += [
                (f"{name}.{member}", function)
                for member, function in inspect.getmembers(value, inspect.iscoroutinefunction)
                if not member.startswith("_") or member in ("__aenter__", "__aexit__", "__anext__")
                if function.__module__.startswith("codex_trio")  # trio's own methods call ours
            ]
    return found


def test_ctrl_c_interrupts_public_coroutines_at_their_checkpoints_only() -> None:
    assert len(coroutines()) > 50
    assert [name for name, function in coroutines() if not getattr(function, "is_public_call", False)] == []
