"""Parse the URL of a websocket server, and check whether a host is this machine."""

from __future__ import annotations

import socket

import msgspec

from .._redaction import is_credential
from .secrets import Secret

DEFAULT_URL = "ws://127.0.0.1:8765"


class ParsedURL(msgspec.Struct, frozen=True):
    """A parsed websocket URL.

    Attributes:
        shown: The URL for messages, without userinfo and query, which may contain secrets.
        authority: The value of the ``Host`` header.
        resource: Path and query, as they are sent.
        login: The userinfo, ``user:password``; empty if there is none.
        credentials: Names of the credentials in the URL, for messages.
        secrets: Parts of the URL that messages must not show.
    """

    shown: str
    is_secure: bool
    host: str
    port: int
    authority: str
    resource: Secret[str]
    login: Secret[str]
    credentials: list[str]
    secrets: Secret[list[str]]

    @property
    def origin(self) -> tuple[bool, str, int]:
        """Whether the URL is secure, and its host and port. Equal for all URLs of one server."""
        return self.is_secure, self.host, self.port

    @classmethod
    def parse(cls, url: str, source: str) -> ParsedURL:
        """Parse a URL. Raises ValueError with a message that contains `source`, but never the URL."""
        from urllib.parse import parse_qsl, quote, unquote, urlsplit  # imported here because it takes two milliseconds

        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise ValueError(f"{source} is not a URL, such as {DEFAULT_URL}") from None
        if parts.scheme not in ("ws", "wss") or not host:
            raise ValueError(f"{source} must be ws://HOST:PORT or wss://HOST:PORT")
        is_secure = parts.scheme == "wss"
        authority = f"[{host}]" if ":" in host else host
        if port is not None:
            authority += f":{port}"
        user, colon, password = map(unquote, parts.netloc.rpartition("@")[0].partition(":"))
        login = f"{user}:{password}" if user or colon else ""
        query = f"?{parts.query}" if parts.query else ""
        values = parse_qsl(parts.query)
        credentials = [f"{name!r} in the query" for name, _ in values if is_credential(name)]
        secrets = [login, password, query, *(value for name, value in values if is_credential(name) or len(value) > 7)]
        return cls(
            shown=f"{parts.scheme}://{authority}{parts.path}" + ("?..." if query else ""),
            is_secure=is_secure,
            host=host,
            port=port if port is not None else 443 if is_secure else 80,
            authority=authority,
            resource=Secret(quote((parts.path or "/") + query, safe="%/?:@!$&'()*+,;=-._~[]")),
            login=Secret(login),
            credentials=credentials + (["the login in the URL"] if login else []),
            secrets=Secret([*secrets, user] if len(user) > 3 else secrets),
        )


def is_loopback(host: str) -> bool:
    """Whether a host is this machine: a loopback name, or a loopback address in any notation. Makes no DNS query."""
    name = host.removesuffix(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)  # no DNS query
    except (OSError, UnicodeError):
        return False
    return all(_is_loopback_address(family, str(address[0])) for family, _, _, _, address in found)


def _is_loopback_address(family: int, address: str) -> bool:
    number = socket.inet_pton(family, address.partition("%")[0])
    if family == socket.AF_INET6:
        mapped = number.removeprefix(bytes(10) + b"\xff\xff")  # IPv4-mapped, such as ::ffff:127.0.0.1
        return number == bytes(15) + b"\1" or (len(mapped) == 4 and mapped[0] == 127)
    return number[0] == 127
