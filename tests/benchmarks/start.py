"""From the start of a process to the answer of `initialize`: each program imports what it needs, and no more.

Its arguments: which program, the replay server, when the process was started (seconds of `time.time`).
"""

from __future__ import annotations

import sys
import time


def _print(**more: float) -> None:
    figures = {"cpu": time.process_time(), "wall": time.time() - float(sys.argv[3]), **more}
    print("{" + ", ".join(f'"{name}": {value!r}' for name, value in figures.items()) + "}", flush=True)


def trio_alone(server: str) -> None:
    """A bare Trio program."""
    import subprocess

    import trio

    async def main() -> None:
        process = await trio.lowlevel.open_process(
            [server, "app-server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert process.stdin is not None
        assert process.stdout is not None
        await process.stdin.send_all(
            b'{"id":1,"method":"initialize","params":{"clientInfo":{"name":"floor","version":"0"}}}\n'
        )
        answer = await process.stdout.receive_some()
        _print()
        assert b"userAgent" in answer
        process.kill()
        await process.wait()

    trio.run(main)


def codex_trio(server: str) -> None:
    """The client of this repository."""
    import trio

    cpu = time.process_time()
    from codex_trio import StdioTransport, open_codex_client

    cpu = time.process_time() - cpu

    async def main() -> None:
        async with open_codex_client(StdioTransport(command=[server, "app-server"])) as client:
            _print(**{"import ms": cpu * 1e3})
            assert client.server.user_agent

    trio.run(main)


if __name__ == "__main__":
    {"trio": trio_alone, "codex_trio": codex_trio}[sys.argv[1]](sys.argv[2])
