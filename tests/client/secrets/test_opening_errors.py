"""No secret in what a failed opening leaves behind: the error, its causes, tracebacks with values, logs, and `repr`."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import logging
import re
import ssl
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import trio

from codex_trio import (
    CodexClient,
    CodexTransportError,
    StdioTransport,
    Transport,
    WebSocketTransport,
    open_codex_client,
)
from tests.support.exposed_secrets import drawn, exposed, family
from tests.support.fake_server_command import server
from tests.support.websocket_servers import Names, Server, receive_request, serve_raw

TOKEN = "tok-4f1c0a7be2d94c6f8a35b1907d6e2c48aa51"
HEADER = "hdr:9c27/e41d+5b08=47aa&b3f6"
COOKIE = "sid=7d1e5c3b9a2f4e60; other=b85ad2c91f374e06"
QUERY = "qry~53cc1f9e7a'b2d4\"80c6"
SPELT_ODDLY = "%73%70%65%6c%74%2d%6f%64%64%6c%79"
PASSWORD = "pw!e7b94f2a@61c8/d35f"
ENVIRONMENT = "env-a94d0f6c3be7458291d2"
SECRETS = [TOKEN, HEADER, *COOKIE.split("; "), QUERY, SPELT_ODDLY, PASSWORD, ENVIRONMENT]


def transport_to(url: str, **options: Any) -> WebSocketTransport:
    """Return a transport that knows all of the secrets, and sends them."""
    scheme, _, rest = url.partition("://")
    return WebSocketTransport(
        f"{scheme}://me:{quote(PASSWORD, safe='')}@{rest}/a?b=c&key={quote(QUERY)}&also={SPELT_ODDLY}",
        **{"token": TOKEN, "headers": {"X-Api-Key": HEADER, "Cookie": COOKIE}, "connect_timeout": 5, **options},
    )


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.delenv("CODEX_APP_SERVER_WS_URL", raising=False)
    monkeypatch.setenv("CODEX_APP_SERVER_TOKEN", ENVIRONMENT)
    caplog.set_level(logging.DEBUG)


async def failure(transport: Transport) -> CodexTransportError:
    with trio.fail_after(20), pytest.raises(CodexTransportError) as caught:
        async with open_codex_client(transport):
            raise AssertionError("it opened")
    return caught.value


def wrapped(body: bytes) -> bytes:
    return b"HTTP/1.1 401 x\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def accept_token(request: bytes) -> bytes:
    """Return what shows that a server has understood a request for an upgrade."""
    (key,) = re.findall(rb"(?i)sec-websocket-key: (\S+)", request)
    return base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())


ECHOES: Mapping[str, Callable[[bytes], bytes]] = {
    "as it is": wrapped,
    "in capitals": lambda request: wrapped(request.upper()),
    "percent-encoded": lambda request: wrapped(quote(request, safe="").encode()),
    "in JSON": lambda request: wrapped(json.dumps(request.decode()).encode()),
    "in HTML": lambda request: wrapped(html.escape(request.decode()).encode()),
    "in hexadecimal": lambda request: wrapped(request.hex().encode()),
    "in base64": lambda request: wrapped(base64.b64encode(request)),
    "in base64, one on": lambda request: wrapped(base64.b64encode(b"x" + request)),
    "in base64, two on": lambda request: wrapped(base64.b64encode(b"xy" + request)),
    "as no HTTP": lambda request: request,
    "as no HTTP, from the middle": lambda request: request[request.index(b"Authorization") + 22 :],
    "in a faulty upgrade": lambda request: b"HTTP/1.1 101 x\r\nUpgrade: h2c\r\n" + request.partition(b"\r\n")[2],
    "as a subprotocol": lambda request: (
        b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
        + accept_token(request)
        + b"\r\nSec-WebSocket-Protocol: "
        + TOKEN.encode()
        + b"\r\n\r\n"
    ),
    "in an illegal header": lambda request: b"HTTP/1.1 200 x\r\n" + request.replace(b": ", b"  ") + b"\r\n\r\n",
}


@pytest.mark.parametrize("how", ECHOES)
async def test_a_server_that_repeats_its_input_reveals_no_secret(
    how: str, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    async def echo(stream: trio.SocketStream) -> None:
        async with stream:
            await stream.send_all(ECHOES[how](await receive_request(stream)))

    transport = transport_to(await serve_raw(nursery, echo))
    exc = await failure(transport)
    assert how != "as it is" or not exposed(exc, SECRETS, drawn(exc))
    # What trio-websocket logs by itself, at DEBUG, may quote a header that it cannot read.
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("codex_trio")]
    assert not exposed(exc, SECRETS, repr(transport), transport.describe(), *ours)


async def test_no_part_of_a_token_is_shown_wherever_a_text_is_cut(nursery: trio.Nursery) -> None:
    async def refuse(stream: trio.SocketStream) -> None:
        async with stream:
            await receive_request(stream)
            words = f"{'x' * (200 - kept)}{TOKEN} {TOKEN[:kept]} {TOKEN[-kept:]} {TOKEN[1:kept]}!"
            await stream.send_all(wrapped(words.encode()))

    transport = transport_to(await serve_raw(nursery, refuse))
    for kept in range(1, len(TOKEN) + 1):
        exc = await failure(transport)
        assert not exposed(exc, SECRETS)
        assert "xxx***" in str(exc) or kept < 3  # where the mask itself is cut


AUTHORIZATIONS = {
    "Bearer": (f"Bearer {TOKEN}", TOKEN),
    "bare": (TOKEN, TOKEN),
    "Basic": (f"Basic {base64.b64encode(f'me:{TOKEN}'.encode()).decode()}", TOKEN),
    "Digest": (f'Digest username="me", response="{TOKEN}"', TOKEN),
}


@pytest.mark.parametrize("kind", AUTHORIZATIONS)
async def test_secrets_in_an_authorization_header_are_not_shown(kind: str, nursery: trio.Nursery) -> None:
    given, secret = AUTHORIZATIONS[kind]

    async def refuse(stream: trio.SocketStream) -> None:
        async with stream:
            await receive_request(stream)
            await stream.send_all(wrapped(f"not you: {given} and {secret}".encode()))

    transport = transport_to(await serve_raw(nursery, refuse), token=None, headers={"authorization": given})
    exc = await failure(transport)
    assert not exposed(exc, [*SECRETS, given.partition(" ")[2] or given])
    assert "not you: " in str(exc)


async def test_a_short_secret_is_hidden_and_a_short_harmless_value_is_shown(nursery: trio.Nursery) -> None:
    async def refuse(stream: trio.SocketStream) -> None:
        async with stream:
            await receive_request(stream)
            await stream.send_all(wrapped(b"xyzzy, plugh, plover, pw12, k~1, sid=plover, and yes, c, me"))

    url = (await serve_raw(nursery, refuse)).replace("//", "//me:pw12@") + "/?b=c&token=k%7E1"
    headers = {"X-Api-Key": "plugh", "X-Mine": "yes", "Cookie": "sid=plover"}
    exc = await failure(WebSocketTransport(url, token="xyzzy", headers=headers))
    assert ": ***, ***, ***, ***, ***, ***, and yes, c, me (" in str(exc)


async def test_words_of_a_server_at_the_end_of_a_connection_have_no_secret(nursery: trio.Nursery) -> None:
    async def upgrade_and_close(stream: trio.SocketStream) -> None:
        await Server(lambda websocket: websocket.aclose(1008, f"you said {TOKEN} and {HEADER}"))._serve(stream)

    exc = await failure(transport_to(await serve_raw(nursery, upgrade_and_close)))
    assert not exposed(exc, SECRETS)
    assert "you said *** and ***" in str(exc)


# --- failures of other kinds


async def answer_nothing(stream: trio.SocketStream) -> None:
    async with stream:
        while await stream.receive_some():
            pass


async def silent(nursery: trio.Nursery) -> WebSocketTransport:
    return transport_to(await serve_raw(nursery, answer_nothing), connect_timeout=0.3)


async def without_tls(nursery: trio.Nursery) -> WebSocketTransport:
    url = await serve_raw(nursery, lambda stream: stream.send_all(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    return transport_to(url.replace("ws:", "wss:"), ssl_context=ssl.create_default_context())


async def that_hangs_up(nursery: trio.Nursery) -> WebSocketTransport:
    return transport_to(await serve_raw(nursery, lambda stream: stream.aclose()))


async def that_is_not_there(nursery: trio.Nursery) -> WebSocketTransport:
    return transport_to("ws://127.0.0.1:1")


async def without_a_name(nursery: trio.Nursery) -> WebSocketTransport:
    trio.socket.set_custom_hostname_resolver(Names())
    return transport_to("wss://nowhere.invalid")


async def with_a_token_function_that_returns_bytes(nursery: trio.Nursery) -> WebSocketTransport:
    return transport_to("ws://127.0.0.1:1", token=lambda: TOKEN.encode())


async def with_a_token_function_that_returns_no_token(nursery: trio.Nursery) -> WebSocketTransport:
    return transport_to("ws://127.0.0.1:1", token=lambda: f"{TOKEN}\n")


@pytest.mark.parametrize(
    "make",
    [
        silent,
        without_tls,
        that_hangs_up,
        that_is_not_there,
        without_a_name,
        with_a_token_function_that_returns_bytes,
        with_a_token_function_that_returns_no_token,
    ],
)
async def test_no_failure_reveals_a_secret(
    make: Callable[[trio.Nursery], Any], nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    transport = await make(nursery)
    exc = await failure(transport)
    assert not exposed(exc, SECRETS, caplog.text, repr(transport), transport.describe())


@pytest.mark.parametrize("data", [f"{TOKEN} {TOKEN}".encode(), TOKEN.encode() + b"\xff"])
async def test_the_content_of_a_file_without_a_token_is_not_shown(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    exc = await failure(transport_to("ws://127.0.0.1:1", token=path))
    assert f"the content of {path} is not a token" in str(exc)
    assert not exposed(exc, SECRETS)


@pytest.mark.parametrize(
    "options",
    [
        {"token": f"{TOKEN}\n"},
        {"token": TOKEN.encode()},
        {"headers": {"Authorization": TOKEN}},
        {"headers": {"X-Api-Key": f"{HEADER}\n"}},
        {"headers": {"X-Api-Key": HEADER.encode()}},
        {"headers": [("X-Api-Key", HEADER)]},
        {"ssl_context": ssl.create_default_context()},
        {"connect_timeout": -1},
        {"allow_insecure_token": "yes"},
        {"url": f"http://{PASSWORD}@host"},
        {"url": f"ws://host:{PASSWORD}"},
        {"url": f"ws://me:{quote(PASSWORD, safe='')}@host.example/?key={quote(QUERY)}"},
    ],
)
@pytest.mark.parametrize("make", [WebSocketTransport, CodexClient.connect_websocket])
def test_a_wrong_argument_reveals_no_secret(make: Callable[..., object], options: dict[str, Any]) -> None:
    given = {"url": "ws://127.0.0.1:1", "token": TOKEN, "headers": {"X-Api-Key": HEADER, "Cookie": COOKIE}, **options}
    if make is WebSocketTransport:
        make = lambda **given: WebSocketTransport(given.pop("url"), **given)  # noqa: E731
    with pytest.raises((TypeError, ValueError, AttributeError)) as caught:
        make(**given)
    assert not exposed(caught.value, SECRETS)


async def test_an_opening_that_is_cancelled_leaves_no_secret_in_the_frames_that_it_has_passed(
    nursery: trio.Nursery,
) -> None:
    asked = trio.Event()

    async def hear(stream: trio.SocketStream) -> None:
        async with stream:
            await receive_request(stream)
            asked.set()
            await stream.receive_some()

    async def open_it(owner: trio.Nursery) -> None:
        try:
            await transport.open(owner)
        except trio.Cancelled as exc:
            passed.append(exc)
            raise

    passed: list[trio.Cancelled] = []
    transport = transport_to(await serve_raw(nursery, hear))
    async with trio.open_nursery() as owner, trio.open_nursery() as opening:
        opening.start_soon(open_it, owner)
        await asked.wait()
        opening.cancel_scope.cancel()
    names = {frame.name for exc in family(passed[0]) for frame in traceback.extract_tb(exc.__traceback__)}
    assert "wrap_client_stream" in names
    assert not exposed(passed[0], SECRETS)


# --- a process


WORD, PART, LOGIN = "wrd-5d0b83e1f7a94c26", "prt-c41f86b02ad7e953", "lgn-0e7d92c5b84f31a6"
WORDS = [
    *("app-server", "--token", WORD, f"--api-key={WORD}", "-c", f'model_providers.x.api_key="{PART} x"'),
    *(f"FOO_TOKEN={PART}", f"https://me:{LOGIN}@host/", "--header", f"Authorization: Basic {LOGIN}"),
]
SHOWN = (
    "app-server --token *** --api-key=*** -c 'model_providers.x.api_key=\"***\"' FOO_TOKEN=*** https://***@host/ "
    "--header 'Authorization: Basic ***'"
)
OF_PROCESS = [WORD, PART, LOGIN, TOKEN, ENVIRONMENT]


def process(program: str, *words: str, **env: str | None) -> StdioTransport:
    """Return a transport to a process that knows all of the secrets."""
    return StdioTransport([program, *words, *WORDS], env={"MY_SECRET": TOKEN, **env}, shutdown_grace=0.1)


def test_a_command_is_shown_without_its_secrets() -> None:
    assert process("codex").describe() == f"codex {SHOWN}"
    assert StdioTransport("codex 'a b' --token 'x y' --token -z").describe() == "codex 'a b' --token *** --token ***"


@pytest.mark.parametrize(
    "make",
    [
        lambda folder: process("/no/such/program"),
        lambda folder: process(str(folder)),
        lambda folder: StdioTransport(["x", *WORDS], cwd="/no/such/folder", env={"MY_SECRET": TOKEN}),
        lambda folder: StdioTransport(env={"MY_SECRET": TOKEN, "CODEX_APP_SERVER_CMD": f"x --token {WORD} '"}),
        lambda folder: StdioTransport(env={"MY_SECRET": TOKEN, "PATH": "", "CODEX_APP_SERVER_CMD": None}),
        lambda folder: process("x", MY_SECRET=f"{TOKEN}\0"),
        lambda folder: process("x", MY_SECRET=[TOKEN]),  # type: ignore[arg-type]
    ],
)
async def test_a_process_that_cannot_be_started_reveals_no_secret(
    make: Callable[[Path], StdioTransport], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "codex_cli_bin", None)
    transport = make(tmp_path)
    with pytest.raises((CodexTransportError, TypeError, ValueError)) as caught:
        async with open_codex_client(transport):
            raise AssertionError("it opened")
    assert not exposed(caught.value, OF_PROCESS, repr(transport), transport.describe())


async def test_a_process_that_repeats_its_input_reveals_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    program, *words = server("complain(os.environ['MY_SECRET'] + ', ' + os.environ['CODEX_APP_SERVER_TOKEN']); die(3)")
    exc = await failure(process(program, *words))
    assert exc.stderr_tail.strip() == "***, ***"
    assert not exposed(exc, OF_PROCESS, caplog.text)


@pytest.mark.parametrize("make", [StdioTransport, lambda **given: CodexClient.connect_stdio(**given)])
@pytest.mark.parametrize(
    "options",
    [
        {"command": f"codex --token {WORD} '"},
        {"command": f'FOO_TOKEN={PART} "codex'},
        {"command": ""},
        {"connect_timeout": -1},
    ],
)
def test_a_wrong_argument_for_a_process_reveals_no_secret(make: Callable[..., object], options: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        make(**{"command": WORDS, "env": {"MY_SECRET": TOKEN}, **options})
    assert not exposed(caught.value, OF_PROCESS)
