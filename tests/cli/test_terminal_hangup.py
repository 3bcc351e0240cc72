"""The terminal hangs up while the command line asks a question at it."""

from __future__ import annotations

import json
import os
import pty
import select
import shlex
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.fake_server_command import server

SCRIPT = """
import json, sys
serve_turn()
params = {"threadId": "t1", "turnId": "u2", "itemId": "i", "command": "rm -r /"}
send({"id": 77, "method": "item/commandExecution/requestApproval", "params": params})
while (message := receive()).get("id") != 77 or "method" in message:
    pass
with open(sys.argv[-1], "w") as file:
    json.dump(message, file)
say("done")
end_turn()
serve()
"""


def read_until(terminal: int, end: str, patience: float = 30) -> str:
    text = ""
    deadline = time.monotonic() + patience
    while end not in text and time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.1)[0]:
            text += os.read(terminal, 4096).decode()
    assert end in text
    return text


def read_to_end(terminal: int) -> str:
    text = b""
    with suppress(OSError):  # nobody has the other side open
        while select.select([terminal], [], [], 1)[0] and (chunk := os.read(terminal, 4096)):
            text += chunk
    return text.decode()


@pytest.mark.parametrize(
    "is_output_left", [True, False], ids=["another terminal shows the output", "it was the output"]
)
def test_a_terminal_that_hangs_up_declines_and_ends_the_command_line(tmp_path: Path, is_output_left: bool) -> None:
    answer = tmp_path / "answer"
    command = shlex.join([*server(SCRIPT), str(answer)])
    person, stdin = pty.openpty()
    screen, output = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "codex_trio", "--cmd", command, "Do it"],
        stdin=stdin,
        stdout=output if is_output_left else stdin,
        stderr=output if is_output_left else stdin,
        start_new_session=True,  # without a controlling terminal, so that no signal tells of it
    )
    try:
        os.close(stdin)
        os.close(output)
        read_until(screen if is_output_left else person, "Allow it? [y/N] ")
        os.close(person)
        assert process.wait(20) == 1
    finally:
        process.kill()
        process.wait()
        left = read_to_end(screen)
        os.close(screen)
    if is_output_left:
        assert left.splitlines()[-1] == "stopped, because the terminal has hung up"
    assert "Traceback" not in left
    assert json.loads(answer.read_text()) == {"id": 77, "result": {"decision": "decline"}}
