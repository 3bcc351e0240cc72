"""`.ci/codex`, with an npm that is a script: it prints a path and nothing else, or says what is wrong."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import codex_cli_bin  # type: ignore[import-untyped]
import pytest

from codex_trio import TESTED_CODEX_VERSIONS
from tests.support.folders import ROOT

SCRIPT = ROOT / ".ci" / "codex"
MACHINE = {"arm64": "aarch64", "amd64": "x86_64"}.get(platform.machine().lower(), platform.machine())
SYSTEM, TRIPLE = {
    "linux": ("linux", f"{MACHINE}-unknown-linux-musl"),
    "darwin": ("darwin", f"{MACHINE}-apple-darwin"),
}[sys.platform]
NPM_ARCH = {"aarch64": "arm64", "x86_64": "x64"}[MACHINE]
LAYOUTS = {
    "new": f"@openai/codex-{SYSTEM}-{NPM_ARCH}/vendor/{TRIPLE}/bin/codex",
    "older": f"@openai/codex-{SYSTEM}-{NPM_ARCH}/vendor/{TRIPLE}/codex/codex",
    "oldest": f"@openai/codex/vendor/{TRIPLE}/codex/codex",
    "of another platform": "@openai/codex-win32-x64/vendor/x86_64-pc-windows-msvc/bin/codex",
}
NPM = """#!/bin/sh
echo "$@" >> "{log}"
echo "added 2 packages"
while [ "$1" != --prefix ]; do shift; done
prefix=$2
for package; do :; done
version=${{package##*@}}
case $version in 9.*) echo "No matching version found" >&2; exit 1;; esac
sleep 0.2
mkdir -p "$prefix/node_modules/$(dirname "{binary}")"
printf '#!/bin/sh\\necho codex-cli %s\\n' "$version" > "$prefix/node_modules/{binary}"
chmod +x "$prefix/node_modules/{binary}"
"""


class Machine:
    """A machine with an npm that installs a codex in some layout, unless it has none."""

    def __init__(self, folder: Path) -> None:
        self.cache = folder / "cache of mine"
        self._folder = folder
        self._programs = folder / "bin"
        self._programs.mkdir()
        for program in ("sh", "sleep", "mkdir", "dirname", "chmod"):
            found = shutil.which(program)
            assert found is not None
            self._programs.joinpath(program).symlink_to(found)

    def install_npm(self, layout: str = "new") -> None:
        npm = self._programs / "npm"
        npm.write_text(NPM.format(log=self._folder / "npm.log", binary=LAYOUTS[layout]))
        npm.chmod(0o755)

    def start(self, *words: str) -> subprocess.Popen[str]:
        env = {"PATH": str(self._programs), "HOME": str(self._folder), "XDG_CACHE_HOME": str(self.cache)}
        env["UV_PROJECT_ENVIRONMENT"] = sys.prefix
        command = [sys.executable, str(SCRIPT), *words]
        return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, *words: str) -> tuple[int, str, str]:
        process = self.start(*words)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def installs(self) -> Sequence[str]:
        log = self._folder / "npm.log"
        return log.read_text().splitlines() if log.exists() else []

    def leftovers(self) -> list[str]:
        """Return what is in the cache beside whole installations."""
        return [path.name for path in self.cache.glob("*/*") if not path.name.startswith("codex-")]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_the_installed_wheel_is_taken_where_it_has_the_version(machine: Machine) -> None:
    binary = str(codex_cli_bin.bundled_codex_path())
    version = subprocess.run([binary, "--version"], check=True, capture_output=True, text=True).stdout.split()[-1]
    assert machine.run(version) == (0, f"{binary}\n", "")


@pytest.mark.extended
@pytest.mark.parametrize("layout", ["new", "older", "oldest"])
def test_another_version_is_fetched_once(machine: Machine, layout: str) -> None:
    machine.install_npm(layout)
    path = machine.cache / "codex_trio" / "codex-0.1.2-alpha.3" / LAYOUTS[layout]
    for _ in range(2):
        code, out, _ = machine.run("0.1.2-alpha.3")
        assert (code, out) == (0, f"{path}\n")
    assert os.access(path, os.X_OK)
    [installed] = machine.installs()
    assert installed.endswith(" @openai/codex@0.1.2-alpha.3")
    assert machine.leftovers() == []


def test_newest_is_the_newest_tested_version(machine: Machine) -> None:
    machine.install_npm()
    code, out, _ = machine.run("newest")
    assert code == 0
    version = subprocess.run([out.strip()], check=True, capture_output=True, text=True).stdout
    assert version.strip().endswith(TESTED_CODEX_VERSIONS[1])


def test_two_at_once_get_the_same_whole_binary(machine: Machine) -> None:
    machine.install_npm()
    processes = [machine.start("0.1.2") for _ in range(2)]
    told = {process.communicate(timeout=60)[0] for process in processes}
    assert [process.returncode for process in processes] == [0, 0]
    assert told == {f"{machine.cache / 'codex_trio' / 'codex-0.1.2' / LAYOUTS['new']}\n"}
    assert len(machine.installs()) == 2  # neither waited for the other
    assert machine.leftovers() == []


def test_without_npm_it_says_what_is_missing(machine: Machine) -> None:
    code, out, err = machine.run("0.1.2")
    assert (code, out) == (1, "")
    assert "npm is needed to fetch codex 0.1.2, and is not on PATH" in err
    assert machine.leftovers() == []


def test_a_version_that_does_not_exist_is_an_error(machine: Machine) -> None:
    machine.install_npm()
    code, out, err = machine.run("9.9.9")
    assert (code, out) == (1, "")
    assert "No matching version found" in err
    assert "npm could not install @openai/codex@9.9.9" in err
    assert list(machine.cache.glob("*/*")) == []


def test_a_package_without_a_binary_for_the_platform_is_an_error(machine: Machine) -> None:
    machine.install_npm("of another platform")
    code, out, err = machine.run("0.1.2")
    assert (code, out) == (1, "")
    assert f"@openai/codex@0.1.2 has no binary for {SYSTEM} on {platform.machine()}" in err
    assert list(machine.cache.glob("*/*")) == []


@pytest.mark.parametrize("words", [[], ["latest"], ["../0.1.2"], ["0.1"], ["0.1.2", "0.1.3"]])
def test_what_is_not_one_version_is_an_error(machine: Machine, words: Sequence[str]) -> None:
    machine.install_npm()
    code, out, err = machine.run(*words)
    assert (code, out) == (1, "")
    assert "0.171.0" in err
    assert machine.installs() == []
