"""How `WebSocketTransport` opens: where, with what token, and what it says when it cannot. Loopback, real clock."""

from __future__ import annotations

import re
import socket
import ssl
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
import trustme

from codex_trio import CodexClient, CodexTransportError, WebSocketTransport, open_codex_client
from tests.support.leaks import nothing_left
from tests.support.websocket_servers import Names, own_address, receive_request, serve, serve_answer, serve_raw

URL, TOKEN = "CODEX_APP_SERVER_WS_URL", "CODEX_APP_SERVER_TOKEN"
SECRET = "sk-very-secret"


@pytest.fixture(autouse=True)
def no_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(URL, raising=False)
    monkeypatch.delenv(TOKEN, raising=False)


async def open_and_close(transport: WebSocketTransport) -> None:
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            await transport.open(nursery)
            await transport.aclose()


async def refusal(transport: WebSocketTransport, *, is_permanent: bool | None = None) -> str:
    """Fail to open, leave nothing behind, and return what was said; check whether it is for good, if that is given."""
    with nothing_left():
        with trio.fail_after(20):
            async with trio.open_nursery() as nursery:
                with pytest.raises(CodexTransportError) as caught:
                    await transport.open(nursery)
        await trio.testing.wait_all_tasks_blocked(0.02)  # the server lets go, too
    seen: BaseException | None = caught.value
    while seen is not None:
        assert SECRET not in str(seen)
        seen = seen.__cause__
    assert is_permanent in (None, caught.value.is_permanent)
    return str(caught.value)


# --- where


def test_the_argument_beats_the_environment_which_beats_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert WebSocketTransport().describe() == "ws://127.0.0.1:8765"
    monkeypatch.setenv(URL, "ws://there:1")
    assert WebSocketTransport().describe() == "ws://there:1"
    assert WebSocketTransport("ws://here:2").describe() == "ws://here:2"


async def test_path_query_and_headers_are_sent_and_no_origin_or_compression(nursery: trio.Nursery) -> None:
    server = await serve(nursery)
    await open_and_close(WebSocketTransport(f"{server.url}/a/b?c=d%20e&f", headers={"X-Mine": "yes"}))
    assert server.requests[0].path == "/a/b?c=d%20e&f"
    assert server.header("x-mine") == "yes"
    names = {name for name, _ in server.requests[0].headers}
    assert not names & {b"origin", b"sec-websocket-extensions", b"authorization"}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"url": f"http://{SECRET}@host"}, "url must be ws://"),
        ({"url": SECRET}, "url must be ws://"),
        ({"url": f"ws://host:{SECRET}"}, "url is not a URL"),
        ({"url": "ws://host", "ssl_context": ssl.create_default_context()}, "ssl_context is for wss://"),
        ({"token": f"{SECRET}\nX: y"}, "the token is not a token"),
        ({"token": SECRET, "headers": {"authorization": "Bearer x"}}, "either a token or an Authorization header"),
        ({"headers": {"origin": "null"}}, "403 to any Origin"),
        ({"headers": {"X-Mine": f"{SECRET}\r\n"}}, "characters that a header cannot contain"),
        ({"connect_timeout": 0}, "connect_timeout must be positive"),
        ({"ping_interval": -1}, "ping_interval must be positive"),
        ({"max_message_size": 0}, "max_message_size must be positive"),
    ],
)
def test_a_wrong_argument_is_a_value_error_without_secrets(arguments: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint) as caught:
        WebSocketTransport(**arguments)
    assert SECRET not in str(caught.value)


async def test_a_wrong_url_in_the_environment_is_reported_on_opening(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(URL, SECRET)
    assert f"{URL} must be ws://" in await refusal(WebSocketTransport())


async def test_it_cannot_be_opened_twice_at_once(nursery: trio.Nursery) -> None:
    transport = WebSocketTransport((await serve(nursery)).url)
    await transport.open(nursery)
    with pytest.raises(RuntimeError, match="open already"):
        await transport.open(nursery)
    await transport.aclose()


# --- the token


async def test_a_token_may_be_text_a_file_or_a_function(nursery: trio.Nursery, tmp_path: Path) -> None:
    async def fetch() -> str:
        await trio.lowlevel.checkpoint()
        return SECRET

    file = tmp_path / "token"
    file.write_text(f"{SECRET}\n")
    server = await serve(nursery)
    for token in (SECRET, file, lambda: SECRET, fetch):
        await open_and_close(WebSocketTransport(server.url, token=token))
        assert server.header("authorization") == f"Bearer {SECRET}"


async def test_a_token_file_is_read_anew_at_each_opening(nursery: trio.Nursery, tmp_path: Path) -> None:
    server = await serve(nursery)
    file = tmp_path / "token"
    transport = WebSocketTransport(server.url, token=file)
    for token in ("first", "second"):
        file.write_text(token)
        await open_and_close(transport)
        assert server.header("authorization") == f"Bearer {token}"


async def test_the_environments_token_is_used_unless_one_is_given(
    nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TOKEN, "from-environment")
    server = await serve(nursery)
    cases: list[tuple[dict[str, Any], str | None]] = [
        ({}, "Bearer from-environment"),
        ({"token": "given"}, "Bearer given"),
        ({"token": ""}, None),
        ({"headers": {"Authorization": "Basic eA=="}}, "Basic eA=="),
    ]
    for options, sent in cases:
        await open_and_close(WebSocketTransport(server.url, **options))
        assert server.header("authorization") == sent


async def test_the_environments_token_goes_to_no_other_server_on_another_machine(
    nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TOKEN, "from-environment")
    trio.socket.set_custom_hostname_resolver(Names(elsewhere="127.0.0.1"))
    server = await serve(nursery)
    elsewhere = server.url.replace("127.0.0.1", "elsewhere")
    cases: list[tuple[str, str | None, str | None]] = [
        (elsewhere, None, None),
        (elsewhere, elsewhere.replace("elsewhere", "third"), None),
        (elsewhere, "no URL", None),
        (elsewhere, f"{elsewhere}/its/path?and=query", "Bearer from-environment"),
        (server.url, elsewhere, "Bearer from-environment"),
    ]
    for url, url_of_environment, sent in cases:
        monkeypatch.setenv(URL, url_of_environment or "")
        await open_and_close(WebSocketTransport(url, allow_insecure_token=True))
        assert server.header("authorization") == sent
    monkeypatch.setenv(URL, elsewhere)
    await open_and_close(WebSocketTransport(allow_insecure_token=True))
    assert server.header("authorization") == "Bearer from-environment"


async def test_a_refusal_mentions_a_token_that_was_withheld(
    nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TOKEN, SECRET)
    trio.socket.set_custom_hostname_resolver(Names(elsewhere="127.0.0.1"))
    url = await serve_answer(nursery, b"HTTP/1.1 401 x\r\nContent-Length: 0\r\n\r\n")
    held_back = (
        f"{TOKEN} was not sent, because it is only for the server of {URL} and for this machine; pass it as token="
    )
    assert held_back in await refusal(WebSocketTransport(url.replace("127.0.0.1", "elsewhere")))
    assert held_back not in await refusal(WebSocketTransport(url))
    assert held_back not in await refusal(WebSocketTransport(url, token="other"))


# --- what lets one in, over an unencrypted connection


LOGINS: list[tuple[str, dict[str, Any], str]] = [
    ("", {"token": SECRET}, "the token"),
    ("", {"token": Path("/no/such/file")}, "the token"),
    ("", {"token": lambda: pytest.fail("it was called")}, "the token"),
    ("", {"headers": {"AUTHORIZATION": "Basic eA=="}}, "the header AUTHORIZATION"),
    ("", {"headers": {"Cookie": "a=b", "x-api-key": "c", "X-Auth-Token": "d"}}, "the header Cookie, the header x-api-"),
    ("", {"headers": {"Proxy-Authorization": "x", "X-Amz-Signature": "y"}}, "the header Proxy-Authorization, the he"),
    ("", {"headers": {"X-Mine": "Bearer 0123456789"}}, "the header X-Mine"),
    (f"me:{SECRET}@", {}, "the login in the URL"),
    (f"{SECRET}@", {}, "the login in the URL"),
    ("127.0.0.1@", {}, "the login in the URL"),
]
HOSTS = [
    *("example.org", "localhost.example.org", "127.0.0.1.example.org", "notlocalhost", "10.0.0.1", "128.0.0.1"),
    *("0x80000001", "[2001:db8::1]", "[::ffff:10.0.0.1]", "[::2]", "0.0.0.0", "[::]", "127.0.0.1%2eexample.org"),
    *("127.0.0.1.", "1270.0.1", "host.localhost.x", "localhost..", "local%68ost"),
]


@pytest.mark.parametrize(("login", "options", "what"), LOGINS)
def test_what_lets_one_in_is_not_sent_unencrypted_to_another_machine(
    login: str, options: dict[str, Any], what: str
) -> None:
    for make in (partial(WebSocketTransport, f"ws://{login}example.org"), partial(connect, f"ws://{login}example.org")):
        with pytest.raises(ValueError, match=f"^{what}") as caught:
            make(**options)
        message = str(caught.value)
        assert "would be sent to example.org over ws://" in message
        assert message.endswith(
            "use wss://, or pass allow_insecure_token=True (--allow-insecure-token on the command line)"
        )
        assert SECRET not in message
        make(**options, allow_insecure_token=True)
    WebSocketTransport(f"wss://{login}example.org", **options)
    WebSocketTransport(f"ws://{login}127.0.0.1", **options)


def connect(url: str, **options: Any) -> CodexClient:
    return CodexClient.connect_websocket(url=url, **options)


@pytest.mark.parametrize("query", ["token=x", "a=b&Api_Key=x", "access%5Ftoken=x", "sig=1&X-Signature=x"])
def test_a_credential_in_the_query_is_not_sent_unencrypted_either(query: str) -> None:
    with pytest.raises(ValueError, match=r"in the query would be sent to example\.org"):
        WebSocketTransport(f"ws://example.org/?{query}")


@pytest.mark.parametrize("host", HOSTS)
def test_other_machines_are_distinguished_from_this_one(host: str) -> None:
    with pytest.raises(ValueError, match="would be sent to"):
        WebSocketTransport(f"ws://{host}:1", token=SECRET)


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.3.2.1", "127.1", "0x7f000001", "2130706433", "0177.0.0.1", "[::1]", "[0:0:0:0:0:0:0:1]"),
        *(
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "localhost",
            "LocalHost",
            "localhost.",
            "my.app.localhost",
            "a.LOCALHOST.",
        ),
    ],
)
def test_this_machine_is_known_in_all_its_forms(host: str) -> None:
    WebSocketTransport(f"ws://{host}:1", token=SECRET)


def test_whether_a_host_is_this_machine_is_known_without_asking_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*args: Any, flags: int = 0, **options: Any) -> Any:
        assert flags & socket.AI_NUMERICHOST, "it would wait for a name server"
        raise socket.gaierror(socket.EAI_NONAME, "it is no number")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(ValueError, match=r"would be sent to example\.org"):
        WebSocketTransport("ws://example.org", token=SECRET)


def test_arguments_without_credentials_may_be_sent_anywhere() -> None:
    headers = {"X-Mine": "yes", "User-Agent": "me", "Accept-Language": "en"}
    WebSocketTransport("ws://example.org/a/b?c=d&room=token", headers=headers, token="")


@pytest.mark.parametrize("value", ["false", 1, None])
def test_leave_to_send_a_token_unencrypted_is_given_by_true_alone(value: Any) -> None:
    with pytest.raises(TypeError, match=f"allow_insecure_token must be a bool, not {type(value).__name__}"):
        WebSocketTransport("ws://127.0.0.1", allow_insecure_token=value)


def test_the_environments_token_is_not_sent_unencrypted_to_another_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN, SECRET)
    monkeypatch.setenv(URL, "ws://example.org")
    with pytest.raises(ValueError, match=f"^{TOKEN} would be sent to example.org"):
        WebSocketTransport()
    WebSocketTransport(token="")
    WebSocketTransport(allow_insecure_token=True)


async def test_an_environment_that_has_changed_is_looked_at_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    transport = WebSocketTransport(token=lambda: pytest.fail("it was called"))
    monkeypatch.setenv(URL, "ws://example.org")
    said = await refusal(transport, is_permanent=True)
    assert "the token would be sent to example.org over ws://" in said


async def test_an_environment_that_changes_while_the_token_is_fetched_does_not_redirect_it(
    nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch() -> str:
        monkeypatch.setenv(URL, "ws://example.org")
        return SECRET

    server = await serve(nursery)
    monkeypatch.setenv(URL, server.url)
    await open_and_close(WebSocketTransport(token=fetch))
    assert server.header("authorization") == f"Bearer {SECRET}"


async def test_a_name_of_this_machine_that_leads_to_another_one_is_found_out_before_anything_is_sent(
    nursery: trio.Nursery,
) -> None:
    async def hear(stream: trio.SocketStream) -> None:
        async with stream:
            heard.append(await stream.receive_some())

    heard: list[bytes | bytearray] = []
    (listener,) = await trio.open_tcp_listeners(0, host="0.0.0.0")
    await nursery.start(trio.serve_listeners, hear, [listener])
    address = own_address()
    trio.socket.set_custom_hostname_resolver(Names(**{"my.localhost": address}))
    url = f"ws://my.localhost:{listener.socket.getsockname()[1]}"

    said = await refusal(WebSocketTransport(url, token=SECRET), is_permanent=True)
    assert f"it is not this machine, but {address}, and credentials are not sent there over ws://" in said
    assert heard == [b""]
    for transport in (WebSocketTransport(url, token=SECRET, allow_insecure_token=True), WebSocketTransport(url)):
        heard.clear()
        await refusal(transport)
        assert heard[0].startswith(b"GET / HTTP")


async def test_a_redirect_is_not_followed(nursery: trio.Nursery) -> None:
    other = await serve(nursery)
    answer = f"HTTP/1.1 307 x\r\nLocation: {other.url}\r\nContent-Length: 0\r\n\r\n".encode()
    await refusal(WebSocketTransport(await serve_answer(nursery, answer), token=SECRET))
    assert not other.requests


async def test_no_proxy_is_used(nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    server = await serve(nursery)
    await open_and_close(WebSocketTransport(server.url, token=SECRET))
    assert server.header("authorization") == f"Bearer {SECRET}"


async def test_a_login_in_the_url_is_sent_and_never_shown(nursery: trio.Nursery) -> None:
    server = await serve(nursery)
    transport = WebSocketTransport(server.url.replace("://", f"://me:{SECRET}%40@") + f"/?key={SECRET}")
    await open_and_close(transport)
    assert server.header("authorization") == "Basic bWU6c2stdmVyeS1zZWNyZXRA"  # me:sk-very-secret@
    assert transport.describe() == f"{server.url}/?..."


async def test_a_token_that_cannot_be_read_is_reported(tmp_path: Path) -> None:
    def fail() -> str:
        raise LookupError("no keyring")

    (tmp_path / "empty").touch()
    for token, why in (
        (tmp_path / "missing", "the token cannot be read: .*missing"),
        (tmp_path / "empty", "the token file .*empty is empty"),
        (fail, "the token function raised LookupError"),
        (lambda: f"{SECRET} {SECRET}", "the result of the token function is not a token"),
    ):
        assert re.search(why, await refusal(WebSocketTransport(token=token)))


@pytest.mark.parametrize("token", [b"bytes", 5, ["list"]])
async def test_a_token_function_that_returns_no_text_is_named_and_not_asked_again(token: object) -> None:
    async def later() -> object:
        await trio.lowlevel.checkpoint()
        return token

    for ask in (lambda: token, later):
        transport = WebSocketTransport(token=ask)  # type: ignore[arg-type]  # a wrong value is the point
        what = f"the token function returned {type(token).__name__}, but a token must be a str"
        with pytest.raises(CodexTransportError, match=what) as caught:
            async with open_codex_client(transport):
                raise AssertionError("not reached")
        assert caught.value.is_permanent  # a client that reconnects makes no further attempt


# --- when it does not work


@pytest.mark.extended
@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (
            b"HTTP/1.1 401 x\r\nContent-Length: 30\r\n\r\ninvalid websocket bearer token",
            "it refused with HTTP 401 Unauthorized: invalid websocket bearer token (pass the right token as token=, or in "
            "CODEX_APP_SERVER_TOKEN)",
        ),
        (b"HTTP/1.1 401 x\r\nContent-Length: 14\r\n\r\n" + SECRET.encode(), "HTTP 401 Unauthorized: *** (pass"),
        (b"HTTP/1.0 401 x\r\n\r\nuntil the end", "it refused with HTTP 401 Unauthorized (pass the right token"),
        (
            b"HTTP/1.1 403 x\r\nContent-Length: 0\r\n\r\n",
            "HTTP 403 Forbidden (codex answers 403 to any request with an Or",
        ),
        (b"HTTP/1.1 404 x\r\nContent-Length: 0\r\n\r\n", "it refused with HTTP 404 Not Found (is the path correct?)"),
        (b"HTTP/1.1 302 x\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", "HTTP 302 Found (is it an app-server?)"),
        (b"HTTP/1.1 200 x\r\nContent-Length: 2\r\n\r\nhi", "it refused with HTTP 200 OK: hi (is it an app-server?)"),
        (b"HTTP/1.1 101 x\r\nUpgrade: h2c\r\n\r\n", "its upgrade to a websocket is faulty (Missing header"),
        (
            b"SSH-2.0-OpenSSH_9.9\r\n",
            "it does not speak HTTP, so it is not a websocket server; it sent b'SSH-2.0-OpenSSH",
        ),
        (b"\x15\x03\x03\0\x02\x02\x46", "it does not speak HTTP, so it is not a websocket server"),
        (b"", "it ended the connection instead of upgrading it (no response)"),
    ],
)
async def test_an_answer_instead_of_an_upgrade_is_reported(nursery: trio.Nursery, answer: bytes, why: str) -> None:
    url = await serve_answer(nursery, answer)
    said = await refusal(WebSocketTransport(url, token=SECRET))
    assert said.startswith(f"cannot reach the server ({url}): ")
    assert why in said


@pytest.mark.extended
@pytest.mark.parametrize(
    ("status", "is_permanent", "is_with_another_token"),
    [(401, True, False), (403, True, False), (404, True, True), (302, False, False), (503, False, False)],
)
async def test_a_refusal_is_permanent_if_neither_time_nor_another_token_changes_it(
    nursery: trio.Nursery, tmp_path: Path, status: int, is_permanent: bool, is_with_another_token: bool
) -> None:
    url = await serve_answer(nursery, b"HTTP/1.1 %d x\r\nContent-Length: 0\r\n\r\n" % status)
    file = tmp_path / "token"
    file.write_text(SECRET)
    for token in (None, SECRET):
        await refusal(WebSocketTransport(url, token=token), is_permanent=is_permanent)
    for source in (file, lambda: SECRET):
        await refusal(WebSocketTransport(url, token=source), is_permanent=is_with_another_token)


async def test_a_refused_connection_is_reported() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"ws://127.0.0.1:{unused.getsockname()[1]}"
        assert await refusal(WebSocketTransport(url), is_permanent=False) == (
            f"cannot reach the server ({url}): connection refused; is the server running?"
        )


async def test_a_name_that_does_not_resolve_is_reported() -> None:
    trio.socket.set_custom_hostname_resolver(Names())
    said = await refusal(WebSocketTransport("ws://nowhere.invalid:1"))
    assert said.endswith("the name 'nowhere.invalid' cannot be resolved: Name or service not known")


async def never_answer(stream: trio.SocketStream) -> None:
    async with stream:
        while await stream.receive_some():
            pass


async def test_a_server_that_does_not_answer_times_out(nursery: trio.Nursery) -> None:
    url = await serve_raw(nursery, never_answer)
    began = trio.current_time()
    said = await refusal(WebSocketTransport(url, connect_timeout=0.4))
    assert 0.35 <= trio.current_time() - began < 5  # ten seconds would be the default
    assert said.endswith("the upgrade to a websocket took more than 0.4 s (connect_timeout)")


async def test_a_client_reports_the_same_error(nursery: trio.Nursery) -> None:
    url = await serve_raw(nursery, never_answer)
    with pytest.raises(CodexTransportError, match="the upgrade to a websocket took more than"):
        async with open_codex_client(WebSocketTransport(url, connect_timeout=1.5)):
            raise AssertionError("it opened")


async def test_a_cancelled_opening_leaves_nothing(nursery: trio.Nursery) -> None:
    asked = trio.Event()

    async def handle(stream: trio.SocketStream) -> None:
        async with stream:
            await receive_request(stream)
            asked.set()
            assert not await stream.receive_some()

    transport = WebSocketTransport(await serve_raw(nursery, handle))
    with nothing_left():
        async with trio.open_nursery() as owner, trio.open_nursery() as opening:
            opening.start_soon(transport.open, owner)
            await asked.wait()
            opening.cancel_scope.cancel()
        await trio.testing.wait_all_tasks_blocked(0.02)


# --- TLS


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


def server_side(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def client_side(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


async def test_wss_works_with_a_context_that_trusts_the_server(nursery: trio.Nursery, authority: trustme.CA) -> None:
    server = await serve(nursery, tls=server_side(authority, "127.0.0.1"))
    transport = WebSocketTransport(server.url, ssl_context=client_side(authority))
    with trio.fail_after(20):
        async with trio.open_nursery() as owner:
            await transport.open(owner)
            await transport.send([b"x" * (1 << 20)])
            assert await transport.receive() == [b"x" * (1 << 20)]
            await transport.aclose()


@pytest.mark.parametrize(
    ("name", "is_trusted", "why"),
    [
        ("127.0.0.1", False, "its certificate is not trusted: unable to get local issuer certificate"),
        ("elsewhere.example", True, "its certificate is not trusted: IP address mismatch"),
    ],
)
async def test_a_wrong_certificate_is_reported(
    nursery: trio.Nursery, authority: trustme.CA, name: str, is_trusted: bool, why: str
) -> None:
    async def handle(stream: trio.SocketStream) -> None:
        with pytest.raises(trio.BrokenResourceError):
            await trio.SSLStream(stream, server_side(authority, name), server_side=True).do_handshake()
        await stream.aclose()

    url = (await serve_raw(nursery, handle)).replace("ws:", "wss:")
    context = client_side(authority) if is_trusted else None
    assert why in await refusal(WebSocketTransport(url, ssl_context=context), is_permanent=True)


async def test_wss_to_a_server_without_tls_is_reported(nursery: trio.Nursery) -> None:
    url = await serve_raw(nursery, lambda stream: stream.send_all(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    said = await refusal(WebSocketTransport(url.replace("ws:", "wss:")))
    assert "it does not speak TLS: " in said
    assert said.endswith("(is it a ws:// server?)")
