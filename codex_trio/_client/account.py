"""`Account`: the part of the client that logs in and out, and reads and writes the server's configuration."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Literal

import trio

from .._protocol import methods
from .._protocol.messages import Notice
from ..errors import CodexError, CodexProtocolError
from ..listings import AccountInfo
from .engine import ClientEngine


class ChatGPTLogin:
    """A login with ChatGPT that waits for a person. Made by `client.login_chatgpt`.

    ``async with`` it, or `cancel` it, lest the server go on waiting on its port.

    Attributes:
        url: What the person opens in a browser.
        login_id: The server's name of it.

    Example:
        ```python
        async with await client.login_chatgpt() as login:
            print(login.url)
            await login.wait()
        ```
    """

    def __init__(self, engine: ClientEngine, url: str, login_id: str) -> None:
        self.url = url
        self.login_id = login_id
        self._engine = engine
        self._done = trio.Event()
        self._outcome: Mapping[str, Any] | None = None
        self._unwatch = engine.watch(methods.ACCOUNT_LOGIN_COMPLETED, self._take, self._done.set)

    def _take(self, notice: Notice) -> bool:
        if notice.params.get("loginId") == self.login_id:
            self._outcome = notice.params
            self._done.set()
            self._unwatch()
        return False  # it concerns everybody

    async def wait(self) -> None:
        """Wait until the person has logged in.

        Raises:
            CodexError: The login failed or was cancelled; the message says why.
            CodexTransportError: The server was lost.

        Cancellation: The login goes on.
        """
        await self._done.wait()
        if self._outcome is None:
            self._engine.check_open()
        outcome = self._outcome or {}
        if outcome.get("success") is not True:
            raise CodexError(f"the login with ChatGPT failed: {outcome.get('error') or 'the server gave no reason'}")

    async def cancel(self) -> None:
        """Give the login up. Nothing happens if it is over.

        Cancellation: It may have been given up.
        """
        if not self._done.is_set():
            await self._engine.request(methods.ACCOUNT_LOGIN_CANCEL, {"loginId": self.login_id})
        else:
            await trio.lowlevel.checkpoint()

    async def __aenter__(self) -> ChatGPTLogin:
        await trio.lowlevel.checkpoint()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with trio.CancelScope() as scope:
            scope.shield = exc_type is not None
            scope.deadline = trio.current_time() + 1.0  # seconds for a server that may be gone
            try:
                await self.cancel()
            except CodexError:
                if exc is None:
                    raise


class Account:
    """Which server is logged in is `CodexClient`'s."""

    _engine: ClientEngine

    async def account(self, *, refresh: bool = False) -> AccountInfo:
        """Return who the server is logged in as.

        Args:
            refresh: Get a new token first, where there is one.

        Cancellation: Nothing has changed.

        Example:
            ``print((await client.account()).type)``
        """
        params = {"refreshToken": True} if refresh else {}
        return AccountInfo.from_wire(await self._engine.request(methods.ACCOUNT_READ, params))

    async def login_api_key(self, api_key: str) -> None:
        """Log in with an API key, which the server keeps in its home.

        Raises:
            CodexProtocolError: The server does not allow it.

        Cancellation: It may be logged in.

        Example:
            ``await client.login_api_key(os.environ["OPENAI_API_KEY"])``
        """
        await self._engine.request(methods.ACCOUNT_LOGIN_START, {"type": "apiKey", "apiKey": api_key})

    async def login_chatgpt(self) -> ChatGPTLogin:
        """Begin a login with ChatGPT: the server listens on a port of its machine for the browser to come back.

        Raises:
            CodexProtocolError: The server does not allow it, or has no free port.

        Cancellation: The login may have begun; the server gives it up when the next one begins.

        Example:
            ``login = await client.login_chatgpt(); print(login.url); await login.wait()``
        """
        answer = await self._engine.request(methods.ACCOUNT_LOGIN_START, {"type": "chatgpt"})
        answer = answer if isinstance(answer, dict) else {}
        url, login_id = answer.get("authUrl"), answer.get("loginId")
        if not isinstance(url, str) or not isinstance(login_id, str):
            raise CodexProtocolError("account/login/start was answered without a URL", method="account/login/start")
        return ChatGPTLogin(self._engine, url, login_id)

    async def logout(self) -> None:
        """Log out.

        Cancellation: It may be logged out.

        Example:
            ``await client.logout()``
        """
        await self._engine.request(methods.ACCOUNT_LOGOUT, {})

    async def read_config(self, *, cwd: str | os.PathLike[str] | None = None) -> dict[str, Any]:
        """Return the configuration in force, as ``config.toml`` spells it.

        Args:
            cwd: As it is in this folder, whose project may have settings of its own.

        Cancellation: Nothing has changed.

        Example:
            ``print((await client.read_config())["model"])``
        """
        params = {} if cwd is None else {"cwd": os.fspath(cwd)}
        answer = await self._engine.request(methods.CONFIG_READ, params)
        config = answer.get("config") if isinstance(answer, dict) else None
        return config if isinstance(config, dict) else {}

    async def write_config(
        self,
        key: str,
        value: Any,
        *,
        strategy: Literal["replace", "upsert"] = "replace",
        expected_version: str | None = None,
    ) -> str:
        """Write one setting into the user's ``config.toml``, and return the file's new version.

        Args:
            key: With dots, such as ``model_providers.mine.name``.
            value: What JSON has; `None` removes the setting.
            strategy: Whether a table replaces the one that is there, or is laid over it.
            expected_version: Write only if the file has this version.

        Raises:
            CodexProtocolError: The server refused: the file has another version, or the setting is not valid.

        Cancellation: It may have been written.

        Example:
            ``await client.write_config("model", "gpt-5.1")``
        """
        params = {"keyPath": key, "value": value, "mergeStrategy": strategy}
        if expected_version is not None:
            params["expectedVersion"] = expected_version
        answer = await self._engine.request(methods.CONFIG_VALUE_WRITE, params)
        version = answer.get("version") if isinstance(answer, dict) else None
        return version if isinstance(version, str) else ""
