"""`WebSocketTransport`: a server that somebody else runs, over TCP or TLS; and what `UnixSocketTransport` shares with it.

Foreign exceptions, and secrets, end here: no error of this module shows a token.
"""

from __future__ import annotations

import base64
import inspect
import os
import re
import socket
import ssl
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import trio

from ..abc import Transport
from ..errors import CodexTransportError
from .limits import check_limits
from .stream import DEFAULT_MAX_MESSAGE_SIZE

if TYPE_CHECKING:  # for whoever has no use for it, importing trio-websocket is too slow
    from .frames import FrameStream

URL_VARIABLE = "CODEX_APP_SERVER_WS_URL"
TOKEN_VARIABLE = "CODEX_APP_SERVER_TOKEN"
DEFAULT_URL = "ws://127.0.0.1:8765"

TokenSource = str | os.PathLike[str] | Callable[[], str | Awaitable[str | None] | None]

# Of `connect_timeout`: we give up a little before a client does, because we know what we waited for.
_OUR_SHARE = 0.9
_QUICK_ACK = getattr(socket, "TCP_QUICKACK", None)  # Linux has it
_RESERVED = frozenset({"connection", "host", "origin", "upgrade"})
_HEADER_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_HEADER_VALUE = r"[\x20-\x7e\t]*"
_TOKEN = r"[\x21-\x7e]+"

Headers = list[tuple[bytes, bytes]]


class Upgrade(msgspec.Struct, frozen=True):
    """How to ask for a websocket.

    Attributes:
        host: The value of the ``Host`` header.
        secrets: What no message may show.
    """

    host: str
    resource: str
    headers: Headers
    secrets: Sequence[str] = ()

    def mask(self, text: str) -> str:
        """Take the secrets out of a text."""
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return text


class WebSocketBase(Transport):
    """A transport that speaks websocket over some byte stream.

    Attributes:
        max_send_size: Bytes of the longest message to send: the server drops the connection, without a word, for a
            longer one (codex 0.163, 0.169).
    """

    max_send_size = 16 * 2**20
    _permanent_statuses = frozenset({401, 403, 404})  # of HTTP: what the next attempt would be told, too

    def __init__(self, *, connect_timeout: float, ping_interval: float, max_message_size: int) -> None:
        check_limits(connect_timeout=connect_timeout, ping_interval=ping_interval, max_message_size=max_message_size)
        self.connect_timeout = connect_timeout
        self._ping_interval = ping_interval
        self._max_message_size = max_message_size
        self._frames: FrameStream | None = None
        self._doing = ""

    async def open(self, nursery: trio.Nursery) -> None:
        """Connect, and upgrade to a websocket. See `Transport.open`."""
        if self._frames is not None:
            raise RuntimeError(f"this {type(self).__name__} is open already; each client needs its own")
        with trio.move_on_after(_OUR_SHARE * self.connect_timeout):
            upgrade = await self._prepare()
            self._doing = "connecting"
            socket_stream = await self._connect()
            try:
                self._frames = await self._upgrade(nursery, socket_stream, upgrade)
            except BaseException:
                await trio.aclose_forcefully(socket_stream)
                raise
            return
        raise self._unreachable(f"{self._doing} took more than {self.connect_timeout:g} s (connect_timeout)")

    @abstractmethod
    async def _prepare(self) -> Upgrade:
        """Find out what to ask for."""

    @abstractmethod
    async def _connect(self) -> trio.SocketStream:
        """Reach the server's socket."""

    def _after_read(self, socket_stream: trio.SocketStream) -> None:
        pass

    async def _encrypt(self, stream: trio.abc.Stream) -> trio.abc.Stream:
        return stream

    async def _upgrade(self, nursery: trio.Nursery, socket_stream: trio.SocketStream, upgrade: Upgrade) -> FrameStream:
        from .frames import FrameStream, HandshakeError, LiveStream  # a tenth of a second, only for whoever needs it

        life = LiveStream(socket_stream, partial(self._after_read, socket_stream))
        frames = FrameStream(
            await self._encrypt(life),
            life,
            name=self.describe(),
            mask=upgrade.mask,
            ping_interval=self._ping_interval,
            max_message_size=self._max_message_size,
        )
        self._doing = "the upgrade to a websocket"
        try:
            await frames.open(nursery, host=upgrade.host, resource=upgrade.resource, headers=upgrade.headers)
        except HandshakeError as exc:
            is_permanent = exc.status in self._permanent_statuses
            raise self._unreachable(str(exc), is_permanent=is_permanent) from exc.__cause__ or exc
        return frames

    def _unreachable(self, why: str, *, is_permanent: bool = False) -> CodexTransportError:
        return CodexTransportError(f"cannot reach the server ({self.describe()}): {why}", is_permanent=is_permanent)

    async def send(self, messages: Sequence[bytes]) -> None:
        """Write messages, each as a text frame. See `Transport.send`."""
        await self._open_frames().send(messages)

    async def receive(self) -> Sequence[bytes]:
        """Take messages. See `Transport.receive`."""
        return await self._open_frames().receive()

    def _open_frames(self) -> FrameStream:
        if self._frames is None:
            raise CodexTransportError(f"the transport to {self.describe()} is not open")
        return self._frames

    async def aclose(self) -> None:
        """Close the websocket, and the connection. See `Transport.aclose`."""
        if self._frames is None:
            await trio.lowlevel.checkpoint()
            return
        with trio.CancelScope(shield=True):  # a second at most
            await self._frames.aclose()
        self._frames = None


class WebSocketTransport(WebSocketBase):
    """A `codex app-server --listen ws://...` that is running already, on this machine or another.

    A link that went dead is noticed within two ping intervals, whether or not anybody sends or receives.

    Args:
        url: Where it listens, ``ws://`` or ``wss://``; path and query are sent as they are. Default: the environment
            variable ``CODEX_APP_SERVER_WS_URL``, else ``ws://127.0.0.1:8765``.
        token: Sent as ``Authorization: Bearer``: the token itself, the path of a file that has it, or a function, sync
            or async, that returns it; read anew at each opening, so a client that is reconnecting tries again with the
            next token of a file or a function, and gives up at once over any other that is refused. Default: the
            environment variable ``CODEX_APP_SERVER_TOKEN``; an empty string for none at all.
        headers: More headers for the upgrade. Never an ``Origin``: the server answers 403 to any.
        ssl_context: For ``wss://``; `ssl.create_default_context` unless given.
        connect_timeout: Seconds until the server must have answered `initialize`.
        ping_interval: Seconds; `math.inf` for no pings, and so no way to notice a dead link.
        max_message_size: Longest message to accept from the server, in characters.

    Example:
        ``open_codex_client(WebSocketTransport("ws://127.0.0.1:8765", token=Path("token.txt")))``
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        token: TokenSource | None = None,
        headers: Mapping[str, str] | None = None,
        ssl_context: ssl.SSLContext | None = None,
        connect_timeout: float = 10.0,
        ping_interval: float = 20.0,
        max_message_size: int = DEFAULT_MAX_MESSAGE_SIZE,
    ) -> None:
        super().__init__(
            connect_timeout=connect_timeout, ping_interval=ping_interval, max_message_size=max_message_size
        )
        if not isinstance(url, (str, type(None))):
            raise TypeError(f"url must be a str, such as {DEFAULT_URL}, not {type(url).__name__}")
        if isinstance(token, str) and token:
            _check_token(token, "the token")
        self._given_address = None if url is None else _Address.parse(url, "url", ssl_context)
        self._token = token
        if token is not None and not isinstance(token, str):  # the next attempt may bring another one
            self._permanent_statuses -= {401, 403}
        self._headers = _checked_headers(headers or {})
        self._secrets = [value for name, value in (headers or {}).items() if name.lower() == "authorization"]
        if token is not None and self._secrets:
            raise ValueError("give either a token or an Authorization header, not both")
        self._ssl_context = ssl_context

    def describe(self) -> str:
        """Return the URL, without what may be secret in it."""
        try:
            return self._address().shown
        except ValueError:
            return f"the server that {URL_VARIABLE} names"

    def _address(self) -> _Address:
        if self._given_address is not None:
            return self._given_address
        return _Address.parse(os.environ.get(URL_VARIABLE, "").strip() or DEFAULT_URL, URL_VARIABLE, self._ssl_context)

    async def _prepare(self) -> Upgrade:
        try:
            address = self._address()
        except ValueError as exc:
            raise CodexTransportError(f"cannot reach the server: {exc}") from None
        headers, secrets = [*self._headers], list(self._secrets)
        if token := await self._read_token():
            headers.append((b"Authorization", b"Bearer " + token.encode()))
            secrets.append(token)
        elif address.login and not self._secrets:
            login = base64.b64encode(address.login.encode())
            headers.append((b"Authorization", b"Basic " + login))
            secrets += [login.decode(), address.login]
        return Upgrade(address.authority, address.resource, headers, secrets)

    async def _connect(self) -> trio.SocketStream:
        address = self._address()
        try:
            return await trio.open_tcp_stream(address.host, address.port)
        except socket.gaierror as exc:
            raise self._unreachable(f"the name {address.host!r} cannot be resolved: {exc.strerror}") from exc
        except (OSError, UnicodeError) as exc:
            raise self._unreachable(_why_not_connected(exc)) from exc

    def _after_read(self, socket_stream: trio.SocketStream) -> None:
        # Codex holds a packet back until the one before it is acknowledged (Nagle's algorithm; 0.163, 0.169), and left
        # to itself the kernel takes up to 40 ms for that. What is set here holds for the next few packets.
        if _QUICK_ACK is not None:
            with suppress(OSError):  # the connection has ended, which is told elsewhere
                socket_stream.setsockopt(socket.IPPROTO_TCP, _QUICK_ACK, 1)

    async def _encrypt(self, stream: trio.abc.Stream) -> trio.abc.Stream:
        address = self._address()
        if not address.is_secure:
            return stream
        self._doing = "the agreement on TLS"
        context = self._ssl_context or ssl.create_default_context()
        encrypted = trio.SSLStream(stream, context, server_hostname=address.host, https_compatible=True)
        try:
            await encrypted.do_handshake()
        except (trio.BrokenResourceError, OSError) as exc:
            cause = exc.__cause__ or exc
            if isinstance(cause, ssl.SSLCertVerificationError):
                why = f"its certificate is not trusted: {cause.verify_message} (give an ssl_context that trusts it)"
                raise self._unreachable(why, is_permanent=True) from cause
            raise self._unreachable(f"it does not speak TLS: {cause} (is it a ws:// server?)") from cause
        return encrypted

    async def _read_token(self) -> str | None:
        source = self._token
        if source is None:
            source = "" if self._secrets else os.environ.get(TOKEN_VARIABLE, "").strip()
            what = TOKEN_VARIABLE
        elif isinstance(source, str):
            what = "the token"
        elif callable(source):
            source, what = await self._ask_for_token(source), "what the token function returned"
        else:
            source, what = await self._read_token_file(Path(source)), f"what is in {os.fspath(source)}"
        try:
            return _check_token(source, what) if source else None
        except ValueError as exc:
            raise self._unreachable(str(exc)) from None

    async def _ask_for_token(self, ask: Callable[[], str | Awaitable[str | None] | None]) -> str | None:
        self._doing = "the token function"
        try:
            token = ask()
            if inspect.isawaitable(token):
                token = await token
        except Exception as exc:
            raise self._unreachable(f"the token function raised {type(exc).__name__}") from exc
        if token is not None and not isinstance(token, str):
            why = f"the token function returned {type(token).__name__}, and a token is a str"
            raise self._unreachable(why, is_permanent=True)  # in the background, too, when the client reconnects
        return token

    async def _read_token_file(self, path: Path) -> str:
        self._doing = f"reading {path}"
        try:
            # In a thread that can be left behind: a pipe that nobody writes to opens never.
            token = await trio.to_thread.run_sync(path.read_text, "utf-8", abandon_on_cancel=True)
        except (OSError, UnicodeError) as exc:
            raise self._unreachable(f"the token cannot be read: {exc}") from exc
        if not token.strip():
            raise self._unreachable(f"there is no token in {path}")
        return token.strip()


class _Address(msgspec.Struct, frozen=True):
    """A URL, taken apart.

    Attributes:
        shown: The URL as messages show it: neither userinfo nor query, which may hold secrets.
        authority: The value of the ``Host`` header.
        login: The userinfo, ``user:password``; empty if there is none.
    """

    shown: str
    is_secure: bool
    host: str
    port: int
    authority: str
    resource: str
    login: str

    @classmethod
    def parse(cls, url: str, source: str, ssl_context: ssl.SSLContext | None) -> _Address:
        """Take a URL apart; `source` is what a ValueError calls it, which never shows the URL."""
        from urllib.parse import quote, unquote, urlsplit  # two milliseconds, only for whoever needs it

        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise ValueError(f"{source} is not a URL, such as {DEFAULT_URL}") from None
        if parts.scheme not in ("ws", "wss") or not host:
            raise ValueError(f"{source} must be ws://HOST:PORT or wss://HOST:PORT")
        is_secure = parts.scheme == "wss"
        if ssl_context is not None and not is_secure:
            raise ValueError(f"ssl_context is for wss://, and {source} is ws://")
        authority = f"[{host}]" if ":" in host else host
        if port is not None:
            authority += f":{port}"
        path = parts.path or "/"
        user, colon, password = parts.netloc.rpartition("@")[0].partition(":")
        return cls(
            shown=f"{parts.scheme}://{authority}{parts.path}" + ("?..." if parts.query else ""),
            is_secure=is_secure,
            host=host,
            port=port if port is not None else 443 if is_secure else 80,
            authority=authority,
            resource=quote(path + (f"?{parts.query}" if parts.query else ""), safe="%/?:@!$&'()*+,;=-._~[]"),
            login=unquote(user) + ":" + unquote(password) if user or colon else "",
        )


def _checked_headers(headers: Mapping[str, str]) -> Headers:
    for name, value in headers.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise TypeError(f"headers must be text by name; {name!r} is of type {type(value).__name__}")
        if name.lower() in _RESERVED or name.lower().startswith("sec-websocket-"):
            raise ValueError(f"the header {name} is not yours to give; an app-server answers 403 to any Origin")
        if not re.fullmatch(_HEADER_NAME, name) or not re.fullmatch(_HEADER_VALUE, value):
            raise ValueError(f"the header {name!r} has characters that a header cannot have")
    return [(name.encode(), value.strip().encode()) for name, value in headers.items()]


def _check_token(token: str, what: str) -> str:
    if not re.fullmatch(_TOKEN, token):
        raise ValueError(f"{what} is not a token: it has characters that a header cannot carry")
    return token


def _why_not_connected(exc: Exception) -> str:
    """Tell what is behind Trio's "all attempts to connect failed"."""
    group = exc.__cause__
    causes = group.exceptions if isinstance(group, BaseExceptionGroup) else (exc,)
    if all(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return "nobody listens there (connection refused); is the server running?"
    return "; ".join(sorted({str(cause) for cause in causes}))
