"""Environments for other clients, made by uv in a cache folder, and one of the same Python for this repository's."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

_ROOT = Path(__file__).parent.parent.parent
_PYTHON = ">=3.13"  # codexed does not run on less
_REQUIREMENTS = {
    "": ["-r", str(_ROOT / "pyproject.toml")],
    "codex-app-server-sdk": ["codex-app-server-sdk==0.4.1"],
    "codexed": ["codexed[websocket]==1.2.2"],
    "openai-codex": ["openai-codex==0.163.0"],
}


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "codex-trio-benchmarks"


def interpreters(peers: Iterable[str]) -> dict[str, str]:
    """Return the Python of each environment, by the name of the peer; the empty name is this repository."""
    env = dict(os.environ)
    # pyenv keeps its Pythons where uv does not look.
    pyenv = Path(env.get("PYENV_ROOT") or Path.home() / ".pyenv")
    env["PATH"] = os.pathsep.join([env.get("PATH", ""), *(str(path) for path in pyenv.glob("versions/3.1[3-9]*/bin"))])
    return {peer: _interpreter(peer, env) for peer in dict.fromkeys(peers)}


def _interpreter(peer: str, env: dict[str, str]) -> str:
    folder = _cache() / (peer or "codex-trio")
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run(["uv", "venv", "--quiet", "--python", _PYTHON, str(folder)], env=env, check=True)
    install = ["uv", "pip", "install", "--quiet", "--python", str(python), *_REQUIREMENTS[peer]]
    subprocess.run(install, env=env, check=True)
    return str(python)
