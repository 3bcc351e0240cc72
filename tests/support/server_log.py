"""The requests that a server in memory has received."""

from __future__ import annotations

from codex_trio.testing import ScriptedAppServer


def methods_after(server: ScriptedAppServer, method: str) -> list[str]:
    """Return the methods that the server received after the last `method`."""
    received = server.received_methods()
    return received[len(received) - received[::-1].index(method) :]
