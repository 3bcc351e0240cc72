"""Log a message for a server version that this package was not tested with."""

from __future__ import annotations

import logging

from .._version import TESTED_CODEX_VERSIONS, __version__, is_newer_than_tested, is_older_than_tested
from ..models import InitializeResult

_logger = logging.getLogger("codex_trio")


def log_untested_version(server: InitializeResult) -> None:
    """Log a WARNING for a server older than the tested ones, and an INFO for a newer one."""
    oldest, newest = TESTED_CODEX_VERSIONS
    version = server.server_info.get("version")
    if is_older_than_tested(version):
        _logger.warning(
            "codex %s is older than %s, the oldest version that codex_trio %s was tested with: some of its features may "
            "fail; `python -m codex_trio doctor` lists what this codex lacks",
            *(version, oldest, __version__),
        )
    elif is_newer_than_tested(version):
        _logger.info(
            "codex %s is newer than %s, the newest version that codex_trio %s was tested with: anything that it adds is "
            "passed on unchanged",
            *(version, newest, __version__),
        )
