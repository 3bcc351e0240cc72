"""A tiny app-server, run as a program: its argument is what it does, a script in the words of this module."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from typing import Any, NoReturn

__all__ = ["signal", "subprocess", "time"]  # words of the scripts, too

Message = dict[str, Any]

stays_when_input_ends = False


def send_bytes(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def send(*messages: Message) -> None:
    send_bytes(b"".join(json.dumps(message).encode() + b"\n" for message in messages))


def complain(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


def receive() -> Message:
    """Return the next message; exit when there is none."""
    line = sys.stdin.buffer.readline()
    while not line and stays_when_input_ends:
        time.sleep(60)
    if not line:
        sys.exit(0)
    message: Message = json.loads(line)
    return message


def expect(method: str) -> Message:
    """Return the next message of this method; what comes before it is not answered."""
    while (message := receive())["method"] != method:
        pass
    return message


def answer(request: Message, result: Any) -> None:
    send({"id": request["id"], "result": result})


def refuse(request: Message, code: int, text: str) -> None:
    send({"id": request["id"], "error": {"code": code, "message": text}})


def event(method: str, **params: Any) -> None:
    send({"method": method, "params": params})


def shake_hands(**more: Any) -> None:
    answer(expect("initialize"), {"userAgent": "fake/1.0", "pid": os.getpid(), **more})


def start_turn(request: Message, thread: str, turn: str) -> None:
    answer(request, {"turn": {"id": turn, "status": "inProgress"}})
    event("turn/started", threadId=thread, turn={"id": turn, "status": "inProgress"})


def say(text: str, thread: str = "t1", turn: str = "u2") -> None:
    item = {"type": "agentMessage", "id": f"said {text}", "text": text}
    event("item/completed", threadId=thread, turnId=turn, item=item)


def end_turn(status: str = "completed", thread: str = "t1", turn: str = "u2") -> None:
    event("turn/completed", threadId=thread, turn={"id": turn, "status": status})


class Server:
    """Answers requests: unknown ones with their own params. A turn says its prompt and completes, but for ``hang``."""

    def __init__(self) -> None:
        self._last_id = 0

    def handle(self, request: Message) -> None:
        method, params = request["method"], request.get("params", {})
        if "id" not in request or method == "hang":
            return
        if method == "initialize":
            answer(request, {"userAgent": "fake/1.0", "pid": os.getpid()})
        elif method == "thread/start":
            answer(request, {"thread": {"id": self._id("t")}})
        elif method == "turn/start":
            self._play(request, params["threadId"], params["input"][0]["text"])
        elif method == "turn/interrupt":
            answer(request, {})
            end_turn("interrupted", params["threadId"], params["turnId"])
        else:
            answer(request, params)

    def _play(self, request: Message, thread: str, prompt: str) -> None:
        turn = self._id("u")
        start_turn(request, thread, turn)
        say(prompt, thread, turn)
        if prompt != "hang":
            end_turn("completed", thread, turn)

    def _id(self, kind: str) -> str:
        self._last_id += 1
        return f"{kind}{self._last_id}"


def serve(until: str | None = None) -> Message:
    """Answer requests until one of method `until` comes, and return that; or until the input ends."""
    server = Server()
    while (request := receive())["method"] != until:
        server.handle(request)
    return request


def serve_turn() -> None:
    """Answer requests until a turn has been started: ``u2`` on ``t1`` if it is the first that is asked for."""
    start_turn(serve(until="turn/start"), "t1", "u2")


def die(code: int) -> NoReturn:
    os._exit(code)


def stay_when_input_ends() -> None:
    global stays_when_input_ends
    stays_when_input_ends = True


if __name__ == "__main__":
    script = textwrap.dedent(sys.argv.pop(1))
    exec(script)
