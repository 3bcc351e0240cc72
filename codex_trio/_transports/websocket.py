"""`WebSocketTransport`: connect to a running server over TCP or TLS.

No exception of another library leaves this module, and no error contains a token.
"""

from __future__ import annotations

import base64
import inspect
import os
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import trio

from .._options import DEFAULT_CONNECT_TIMEOUT, DEFAULT_MAX_MESSAGE_SIZE, DEFAULT_PING_INTERVAL
from .._redaction import is_credential, redact
from ..errors import CodexTransportError
from .addresses import DEFAULT_URL, ParsedURL, is_loopback
from .secrets import Secret, without_tracebacks
from .websocket_base import BaseWebSocketTransport, UpgradeRequest

URL_VARIABLE = "CODEX_APP_SERVER_WS_URL"
TOKEN_VARIABLE = "CODEX_APP_SERVER_TOKEN"
TokenSource = str | os.PathLike[str] | Callable[[], str | Awaitable[str | None] | None]

_QUICK_ACK = getattr(socket, "TCP_QUICKACK", None)  # only on Linux
_RESERVED = frozenset({"connection", "host", "origin", "upgrade"})
_HEADER_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_HEADER_VALUE = r"[\x20-\x7e\t]*"
_TOKEN = r"[\x21-\x7e]*"  # an empty token means: no token
_NO_TOKEN = "is not a token: it contains characters that a header cannot contain"
_WITHHELD = f"was not sent, because it is only for the server of {URL_VARIABLE} and for this machine; pass it as token="


class WebSocketTransport(BaseWebSocketTransport):
    """Connects to a running ``codex app-server --listen ws://...``, on this machine or another.

    A dead connection is detected within two ping intervals, even while nothing is sent or received.

    Credentials (a token, a login or a token in the URL, a header such as ``Authorization``, ``Cookie`` or ``X-Api-Key``)
    are not sent over ``ws://`` to another machine, because others on the network could read them. This machine means
    ``localhost``, a name that ends in ``.localhost``, or an address such as ``127.0.0.1`` or ``::1``. Over ``wss://``,
    privacy depends on the `ssl_context`: with ``verify_mode=ssl.CERT_NONE``, an attacker in between can pretend to be the
    server. Proxies are not used, and redirects are not followed.

    Errors and logs contain the host and path of the URL, and no other argument. If the server repeats another argument, or
    any part of it with eight characters or more, that text is redacted. The frames of tracebacks do not contain these
    arguments either. The logger ``trio-websocket`` belongs to another library; at DEBUG it may quote a server.

    Args:
        url: The server's URL, ``ws://`` or ``wss://``. Path and query are sent unchanged. Default: the environment
            variable ``CODEX_APP_SERVER_WS_URL``, else ``ws://127.0.0.1:8765``.
        token: Sent as ``Authorization: Bearer``: the token itself, the path of a file that contains it, or a sync or async
            function that returns it. It is read again for each connection. If the server rejects it, a reconnecting client
            tries again if the token comes from a file or a function, and otherwise fails at once. Default: the
            environment variable ``CODEX_APP_SERVER_TOKEN``, if `url` is not given, is on this machine, or is the server of
            ``CODEX_APP_SERVER_WS_URL``; it is not sent to other servers. An empty string means no token.
        headers: Additional headers of the upgrade request. ``Origin`` is not allowed, because the server answers 403 to it.
        ssl_context: For ``wss://``; default: `ssl.create_default_context()`.
        allow_insecure_token: Send credentials over ``ws://`` to another machine, for example in a private network.
        connect_timeout: Seconds for connecting and for the response to `initialize`.
        ping_interval: Seconds between pings. With `math.inf`, no pings are sent, and a dead connection is not noticed.
        max_message_size: Longest message to accept from the server, in characters.

    Raises:
        ValueError: The URL, a header or the token is invalid; or credentials would be sent over ``ws://`` to another
            machine. If the cause is an environment variable that is read on opening, opening raises
            `CodexTransportError` instead.

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
        allow_insecure_token: bool = False,
        connect_timeout: float = DEFAULT_CONNECT_TIMEOUT,
        ping_interval: float = DEFAULT_PING_INTERVAL,
        max_message_size: int = DEFAULT_MAX_MESSAGE_SIZE,
    ) -> None:
        try:
            super().__init__(
                connect_timeout=connect_timeout, ping_interval=ping_interval, max_message_size=max_message_size
            )
            if not isinstance(allow_insecure_token, bool):  # the string "false" would count as true
                raise TypeError(f"allow_insecure_token must be a bool, not {type(allow_insecure_token).__name__}")
            self._ssl_context = ssl_context
            self._allow_insecure_token = allow_insecure_token
            self._set_arguments(url, token, headers or {})
        except Exception as exc:
            raise without_tracebacks(exc)  # noqa: B904  the same exception
        finally:
            del url, token, headers  # so that tracebacks that show local variables do not contain them

    def _set_arguments(self, url: str | None, token: TokenSource | None, headers: Mapping[str, str]) -> None:
        if not isinstance(url, (str, type(None))):
            raise TypeError(f"url must be a str, such as {DEFAULT_URL}, not {type(url).__name__}")
        if token is not None and not isinstance(token, (str, os.PathLike)) and not callable(token):
            raise TypeError(f"token must be a str, an os.PathLike or a function, not {type(token).__name__}")
        if isinstance(token, str) and not _is_token(token):
            raise ValueError(f"the token {_NO_TOKEN}")
        self._given_address = None if url is None else self._parse(url, "url")
        self._token = Secret(token) if isinstance(token, str) else token
        if token is not None and not isinstance(token, str):  # the next attempt may use another token
            self._permanent_statuses -= {401, 403}
        self._headers = Secret(_checked_headers(headers))
        self._has_authorization = any(name.lower() == "authorization" for name in headers)
        if token is not None and self._has_authorization:
            raise ValueError("pass either a token or an Authorization header, not both")
        self._given_credentials = [f"the header {name}" for name, value in headers.items() if _is_secret(name, value)]
        if token is not None and token != "":
            self._given_credentials.append("the token")
        with suppress(CodexTransportError):  # the URL in the environment is invalid; `open` reports it
            self._check_privacy(self._resolve_address())

    def describe(self) -> str:
        """Return the URL, without the parts that may be secret."""
        try:
            return self._resolve_address().shown
        except CodexTransportError:
            return f"the server of {URL_VARIABLE}"

    def _resolve_address(self) -> ParsedURL:
        if self._given_address is not None:
            return self._given_address
        try:
            return self._parse(os.environ.get(URL_VARIABLE, "").strip() or DEFAULT_URL, URL_VARIABLE)
        except ValueError as exc:
            raise CodexTransportError(f"cannot reach the server: {exc}") from None

    def _parse(self, url: str, source: str) -> ParsedURL:
        address = ParsedURL.parse(url, source)
        if self._ssl_context is not None and not address.is_secure:
            raise ValueError(f"ssl_context is for wss://, and {source} is ws://")
        return address

    def _check_privacy(self, address: ParsedURL) -> None:
        """Raise ValueError if others on the network could read the credentials."""
        if not (is_loopback(address.host) or self._may_be_elsewhere(address)):
            credentials = ", ".join(self._credentials(address))
            raise ValueError(
                f"{credentials} would be sent to {address.host} over ws://, where others on the network can read it: use "
                "wss://, or pass allow_insecure_token=True (--allow-insecure-token on the command line)"
            )

    def _may_be_elsewhere(self, address: ParsedURL) -> bool:
        # `_connect` checks the address too, because a name such as x.localhost may resolve to another machine.
        return address.is_secure or self._allow_insecure_token or not self._credentials(address)

    def _credentials(self, address: ParsedURL) -> list[str]:
        """Return the names of the credentials for an address, for messages."""
        token = [TOKEN_VARIABLE] if self._environment_token(address).reveal() else []
        return [*self._given_credentials, *address.credentials, *token]

    def _environment_token(self, address: ParsedURL) -> Secret[str]:
        """Return the token from the environment if it may be sent to this server, else an empty one."""
        if self._token is not None or self._has_authorization:
            return Secret("")
        is_for_it = self._given_address is None or is_loopback(address.host) or address.origin == _environment_origin()
        return Secret(os.environ.get(TOKEN_VARIABLE, "").strip() if is_for_it else "")

    async def _prepare(self) -> UpgradeRequest:
        from .echoes import secrets_in_headers

        self._address = address = self._resolve_address()  # does not change until the transport is closed
        try:
            self._check_privacy(address)
        except ValueError as exc:  # the environment has changed since the transport was created
            raise CodexTransportError(f"cannot reach the server: {exc}", is_permanent=True) from None
        token = await self._read_token(address)
        headers = Secret(dict(self._headers.reveal()))
        if token.reveal():
            headers.reveal()["Authorization"] = f"Bearer {token.reveal()}"
        elif address.login.reveal() and not self._has_authorization:
            login = base64.b64encode(address.login.reveal().encode())
            headers.reveal()["Authorization"] = f"Basic {login.decode()}"
        return UpgradeRequest(
            address.authority,
            address.resource,
            Secret([(name.encode(), value.encode()) for name, value in headers.reveal().items()]),
            Secret([*secrets_in_headers(headers.reveal()), *address.secrets.reveal()]),
        )

    async def _connect(self) -> trio.SocketStream:
        address = self._address
        try:
            stream = await trio.open_tcp_stream(address.host, address.port)
            peer = str(stream.socket.getpeername()[0])
        except socket.gaierror as exc:
            raise self._unreachable(f"the name {address.host!r} cannot be resolved: {exc.strerror}") from exc
        except (OSError, UnicodeError) as exc:
            raise self._unreachable(_describe_connect_errors(exc)) from exc
        if not (is_loopback(peer) or self._may_be_elsewhere(address)):
            await trio.aclose_forcefully(stream)
            why = f"it is not this machine, but {peer}, and credentials are not sent there over ws://"
            raise self._unreachable(f"{why}: use wss://, or allow_insecure_token=True", is_permanent=True)
        return stream

    def _after_read(self, socket_stream: trio.SocketStream) -> None:
        # Codex delays a packet until the previous one is acknowledged (Nagle's algorithm; 0.163, 0.169), and the kernel
        # delays acknowledgements by up to 40 ms. This option applies only to the next few packets, so it is set again.
        if _QUICK_ACK is not None:
            with suppress(OSError):  # the connection has ended; this is reported elsewhere
                socket_stream.setsockopt(socket.IPPROTO_TCP, _QUICK_ACK, 1)

    async def _encrypt(self, stream: trio.abc.Stream) -> trio.abc.Stream:
        address = self._address
        if not address.is_secure:
            return stream
        self._phase = "the TLS handshake"
        context = self._ssl_context or ssl.create_default_context()
        encrypted = trio.SSLStream(stream, context, server_hostname=address.host, https_compatible=True)
        try:
            await encrypted.do_handshake()
        except (trio.BrokenResourceError, OSError) as exc:
            cause = exc.__cause__ or exc
            if isinstance(cause, ssl.SSLCertVerificationError):
                why = f"its certificate is not trusted: {cause.verify_message} (pass an ssl_context that trusts it)"
                raise self._unreachable(why, is_permanent=True) from cause
            raise self._unreachable(f"it does not speak TLS: {cause} (is it a ws:// server?)") from cause
        return encrypted

    async def _read_token(self, address: ParsedURL) -> Secret[str]:
        """Return the token; empty if there is none."""
        source = self._token
        if isinstance(source, Secret):
            return source
        if source is None:
            token, name = self._environment_token(address), TOKEN_VARIABLE
            is_withheld = not token.reveal() and bool(os.environ.get(TOKEN_VARIABLE, "").strip())
            self._advice_on_401 = (
                f"; {TOKEN_VARIABLE} {_WITHHELD}" if is_withheld and not self._has_authorization else ""
            )
        elif callable(source):
            token, name = await self._call_token_function(source), "the result of the token function"
        else:
            token, name = await self._read_token_file(Path(source)), f"the content of {os.fspath(source)}"
        if not _is_token(token.reveal()):
            raise self._unreachable(f"{name} {_NO_TOKEN}")
        return token

    async def _call_token_function(self, ask: Callable[[], str | Awaitable[str | None] | None]) -> Secret[str]:
        self._phase = "the token function"
        try:
            result: Secret[Any] = Secret(ask())
            if inspect.isawaitable(result.reveal()):
                result = Secret(await result.reveal())
        except Exception as exc:
            raise self._unreachable(f"the token function raised {type(exc).__name__}") from exc
        if not isinstance(result.reveal(), (str, type(None))):
            why = f"the token function returned {type(result.reveal()).__name__}, but a token must be a str"
            raise self._unreachable(why, is_permanent=True)  # also while a client reconnects
        return Secret(result.reveal() or "")

    async def _read_token_file(self, path: Path) -> Secret[str]:
        self._phase = f"reading {path}"
        try:
            # In a thread that can be abandoned, because opening a named pipe without a writer blocks forever.
            token = Secret(await trio.to_thread.run_sync(_read_secret, path, abandon_on_cancel=True))
        except OSError as exc:
            raise self._unreachable(f"the token cannot be read: {exc}") from exc
        if not token.reveal():
            raise self._unreachable(f"the token file {path} is empty")
        return token


def _read_secret(path: Path) -> str:
    return path.read_text("utf-8", "replace").strip()  # invalid UTF-8 becomes a character that no token contains


def _environment_origin() -> tuple[bool, str, int] | None:
    try:
        return ParsedURL.parse(os.environ.get(URL_VARIABLE, "").strip(), URL_VARIABLE).origin
    except ValueError:
        return None


def _checked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise TypeError(f"headers must map str to str; {name!r} is of type {type(value).__name__}")
        if name.lower() in _RESERVED or name.lower().startswith("sec-websocket-"):
            raise ValueError(f"the header {name} cannot be set; an app-server answers 403 to any Origin")
        if not re.fullmatch(_HEADER_NAME, name) or not re.fullmatch(_HEADER_VALUE, value):
            raise ValueError(f"the header {name!r} contains characters that a header cannot contain")
    return {name: value.strip() for name, value in headers.items()}


def _is_secret(header: str, value: str) -> bool:
    return is_credential(header) or redact(value) != value


def _is_token(token: str) -> bool:
    return re.fullmatch(_TOKEN, token) is not None


def _describe_connect_errors(exc: Exception) -> str:
    """Return the causes of Trio's error "all attempts to connect failed"."""
    group = exc.__cause__
    causes = group.exceptions if isinstance(group, BaseExceptionGroup) else (exc,)
    if all(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return "connection refused; is the server running?"
    return "; ".join(sorted({str(cause) for cause in causes}))
