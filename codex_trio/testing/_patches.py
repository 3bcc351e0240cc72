"""File changes: the model's patch, the ``fileChange`` item, and the diff of a whole turn. No I/O."""

from __future__ import annotations

import difflib
import hashlib
import posixpath
from collections.abc import Mapping
from typing import Any

from ._steps import Patch

_NO_FILE = "0" * 40


def dump_patch_text(step: Patch) -> str:
    """Return the change in the format of `apply_patch`."""
    return "\n".join(["*** Begin Patch", *_hunks(step), "*** End Patch"])


def dump_patch(body: str) -> str:
    """Return the shell command with which a model without code mode calls `apply_patch`."""
    end = "EOF"
    while f"\n{end}\n" in f"\n{body}\n":
        end += "_"
    return f"apply_patch <<'{end}'\n{body}\n{end}"


def _hunks(step: Patch) -> list[str]:
    if step.new is None:
        return [f"*** Delete File: {step.path}"]
    if step.old is None:
        return [f"*** Add File: {step.path}", *("+" + line for line in _lines(step.new))]
    lines = list(difflib.unified_diff(_lines(step.old), _lines(step.new), lineterm=""))[2:]
    return [f"*** Update File: {step.path}", *("@@" if line.startswith("@@") else line for line in lines)]


def make_change(step: Patch, cwd: str) -> dict[str, Any]:
    """Return the change as it appears in a ``fileChange`` item."""
    path = posixpath.normpath(posixpath.join(cwd, step.path))
    if step.old is None:
        return {"path": path, "kind": {"type": "add"}, "diff": _ended(step.new)}
    if step.new is None:
        return {"path": path, "kind": {"type": "delete"}, "diff": _ended(step.old)}
    diff = "".join(_unified(step.old, step.new, context=1))
    return {"path": path, "kind": {"type": "update", "move_path": None}, "diff": diff}


def make_turn_diff(files: Mapping[str, tuple[str | None, str | None]], cwd: str) -> str:
    """Return the diff of a turn in git's format.

    Args:
        files: By path, the text of each file before the turn and now. `None` means that the file does not exist.
        cwd: Paths in the diff are relative to this directory.
    """
    changed = [(posixpath.relpath(path, cwd), old, new) for path, (old, new) in sorted(files.items()) if old != new]
    return "".join(_file_diff(path, old, new) for path, old, new in changed)


def _file_diff(path: str, old: str | None, new: str | None) -> str:
    lines = [f"diff --git a/{path} b/{path}\n"]
    if old is None:
        lines.append("new file mode 100644\n")
    if new is None:
        lines.append("deleted file mode 100644\n")
    lines.append(f"index {_blob_id(old)}..{_blob_id(new)}\n")
    hunks = _unified(old, new, context=3)
    if hunks:  # an empty file has none
        lines.append("--- /dev/null\n" if old is None else f"--- a/{path}\n")
        lines.append("+++ /dev/null\n" if new is None else f"+++ b/{path}\n")
    return "".join([*lines, *hunks])


def _unified(old: str | None, new: str | None, *, context: int) -> list[str]:
    lines = list(difflib.unified_diff(_lines(old), _lines(new), n=context, lineterm=""))[2:]
    return [line + "\n" for line in lines]


def _blob_id(text: str | None) -> str:
    if text is None:
        return _NO_FILE
    data = _ended(text).encode()
    return hashlib.sha1(b"blob %d\0%b" % (len(data), data), usedforsecurity=False).hexdigest()


def _ended(text: str | None) -> str:
    """Return the text with the line endings that `apply_patch` writes."""
    return "".join(line + "\n" for line in _lines(text))


def _lines(text: str | None) -> list[str]:
    return [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")] if text else []
