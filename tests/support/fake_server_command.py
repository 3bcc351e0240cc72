"""Commands that run `fake_server`, for tests with real pipes."""

from __future__ import annotations

import sys
from pathlib import Path

_PROGRAM = Path(__file__).with_name("fake_server.py")


def server(script: str = "serve()") -> list[str]:
    """Return the command of a server that does as `script` says, in the words of `fake_server`."""
    return [sys.executable, "-I", "-S", str(_PROGRAM), script]


def install_server(path: Path, script: str = "serve()") -> Path:
    """Write such a server to an executable file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    run = f"import sys; sys.argv.insert(1, {script!r}); exec(open({str(_PROGRAM)!r}).read())"
    path.write_text(f"#!{sys.executable} -IS\n{run}\n")
    path.chmod(0o755)
    return path
