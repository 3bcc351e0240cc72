"""`EchoMask`: redact secrets that a server repeats. Imported only when a websocket is opened."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from urllib.parse import quote

from .._redaction import MASK, is_credential

_PIECE = 8  # characters; any part of a secret with this length is redacted
_PROBE = 4  # characters; half of a piece
_SCHEMES = frozenset({"basic", "bearer", "digest", "token"})
_SHORTEST_PART = 4  # characters; shorter parts of a header may be ordinary text


class EchoMask:
    """Redacts known secrets in text: whole secrets, parts of eight characters or more, and encoded forms.

    The encoded forms are: upper or lower case, percent-encoding, the escapes of JSON, HTML and Python, hexadecimal digits,
    and the base64 of a text that contains the secret. Secrets that are encoded twice are not found.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        spellings = {spelling.lower() for secret in secrets if secret for spelling in _spellings(secret)}
        self._short = sorted((text for text in spellings if len(text) < _PIECE), key=len, reverse=True)
        self._pieces = frozenset(
            text[start : start + _PIECE] for text in spellings for start in range(len(text) - _PIECE + 1)
        )
        self._probes = frozenset(
            piece[start : start + _PROBE] for piece in self._pieces for start in range(_PIECE - _PROBE + 1)
        )

    def __repr__(self) -> str:
        return f"EchoMask({MASK})"

    def __call__(self, text: str) -> str:
        """Return the text without the secrets."""
        small = text.lower()
        if len(small) != len(text):  # `lower` turns a few letters into two
            small = re.sub(r"[A-Z]+", lambda match: match[0].lower(), text)
        is_secret = bytearray(len(text))
        # A piece always contains a whole probe that starts at a multiple of four, so only these positions are searched.
        for probe in range(0, len(text), _PROBE):
            if small[probe : probe + _PROBE] in self._probes:
                for start in range(max(0, probe - _PROBE), probe + 1):
                    if small[start : start + _PIECE] in self._pieces:
                        is_secret[start : start + _PIECE] = b"\1" * _PIECE
        for short in self._short:
            for match in re.finditer(re.escape(short), small):
                is_secret[match.start() : match.end()] = b"\1" * len(short)
        parts: list[str] = []
        done = 0
        for run in re.finditer(rb"\x01+", is_secret):
            parts += text[done : run.start()], MASK
            done = run.end()
        return "".join([*parts, text[done:]])


def _spellings(secret: str) -> Iterator[str]:
    data = secret.encode("utf-8", "surrogateescape")
    yield secret
    yield quote(secret, safe="", errors="surrogateescape")
    yield quote(secret, errors="surrogateescape")
    yield json.dumps(secret)[1:-1]
    yield html.escape(secret)
    yield repr(secret)[1:-1]
    if len(data) < _SHORTEST_PART:
        return  # one or two base64 letters may be ordinary text
    yield data.hex()
    for before in range(3):  # in base64, the spelling depends on the secret's offset in the text
        encoded = base64.b64encode(bytes(before) + data)
        whole = encoded[-(-before * 8 // 6) : (before + len(data)) * 8 // 6].decode()
        yield whole
        yield whole.translate({ord("+"): "-", ord("/"): "_"})


def secrets_in_headers(headers: Mapping[str, str]) -> Iterator[str]:
    """Yield the parts of the headers that messages must not contain: credentials, and values of eight characters or more."""
    for name, value in headers.items():
        if is_credential(name):
            yield from _secrets_in_credential(value)
        elif len(value) >= _PIECE:
            yield value


def _secrets_in_credential(value: str) -> Iterator[str]:
    scheme, _, rest = value.partition(" ")
    if scheme.lower() in _SCHEMES and rest:
        value = rest
    if scheme.lower() == "basic":
        with suppress(ValueError):  # it is not valid base64
            login = base64.b64decode(value).decode()
            yield from (login, *login.split(":", 1))
    yield value
    words = re.split(r"[\s;,=\"']+", value)
    yield from (word for word in words if len(word) >= _SHORTEST_PART)
