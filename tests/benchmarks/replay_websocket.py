"""The replay server on a websocket, by hand: one client after another, frames made beforehand, no endless rounds."""

from __future__ import annotations

import base64
import hashlib
import socket
import sys

from .replay_server import Pipes, Plan, serve

_TEXT, _CLOSE, _PING, _PONG = 0x81, 0x88, 0x89, 0x8A
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def _frame(opcode: int, message: bytes) -> bytes:
    size = len(message)
    if size < 126:
        return bytes((opcode, size)) + message
    if size < 1 << 16:
        return bytes((opcode, 126)) + size.to_bytes(2, "big") + message
    return bytes((opcode, 127)) + size.to_bytes(8, "big") + message


class _Frames(Pipes):
    def __init__(self, connection: socket.socket) -> None:
        super().__init__()
        self._socket = connection
        self._data = bytearray()

    def shake_hands(self) -> None:
        while b"\r\n\r\n" not in self._data:
            self._data += self._socket.recv(1 << 16)
        head, _, rest = bytes(self._data).partition(b"\r\n\r\n")
        self._data = bytearray(rest)
        headers = [line.partition(b":") for line in head.split(b"\r\n")]
        key = next(value.strip() for name, _, value in headers if name.lower() == b"sec-websocket-key")
        proof = base64.b64encode(hashlib.sha1(key + _GUID).digest())
        self._socket.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + proof + b"\r\n\r\n"
        )

    def receive(self) -> list[bytes] | None:
        while not (messages := self._take()):
            data = self._socket.recv(1 << 18)
            if not data:
                return None
            self._data += data
        return None if b"" in messages else messages

    def _take(self) -> list[bytes]:
        """Return the messages that are there, an empty one for the end."""
        messages = []
        while (frame := self._next_frame()) is not None:
            opcode, message = frame
            if opcode == _TEXT:
                messages.append(message)
            elif opcode == _PING:
                self._socket.sendall(_frame(_PONG, message))
            elif opcode == _CLOSE:
                messages.append(b"")
        return messages

    def _next_frame(self) -> tuple[int, bytes] | None:
        data = self._data
        if len(data) < 2:
            return None
        size, at = data[1] & 0x7F, 2
        if size >= 126:
            at = 4 if size == 126 else 10
            size = int.from_bytes(data[2:at], "big")
        end = at + 4 + size
        if len(data) < end:
            return None
        mask = int.from_bytes((bytes(data[at : at + 4]) * (size // 4 + 1))[:size], "big")
        message = (int.from_bytes(data[at + 4 : end], "big") ^ mask).to_bytes(size, "big")
        opcode = data[0]
        del data[:end]
        return opcode, message

    def send(self, messages: list[bytes]) -> None:
        self.write(b"".join(_frame(_TEXT, message) for message in messages))

    def write(self, data: bytes | memoryview) -> None:
        self._socket.sendall(data)


def serve_websocket(plan: Plan) -> None:
    """Serve one client after another, for ever."""
    plan.rounds = [
        memoryview(b"".join(_frame(_TEXT, line) for line in bytes(events).splitlines())) for events in plan.rounds
    ]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(f"  listening on: ws://127.0.0.1:{listener.getsockname()[1]}", file=sys.stderr, flush=True)
        while True:
            connection, _ = listener.accept()
            with connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                try:
                    frames = _Frames(connection)
                    frames.shake_hands()
                    serve(plan, frames)
                except ConnectionError:
                    continue
