"""Every example, run as a person runs it, with --demo: the real codex binary and the scripted model."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parent.parent.parent / "examples"


def run_example(name: str, *args: str, cwd: Path) -> list[str]:
    ran = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / name), *args],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout.splitlines()


def test_chat_session_stdio(tmp_path: Path) -> None:
    assert run_example("chat_session_stdio.py", "--demo", cwd=tmp_path) == [
        "> Which folder is this?",
        "[exec] /bin/bash -c pwd",
        "[codex] The one that you started me in.",
        "> Thank you. And what did I ask first?",
        "[codex] Which folder this is.",
    ]
