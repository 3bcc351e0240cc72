"""`Account`: the part of the client that logs in and out, and reads and writes the server's configuration."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Literal

import trio

from .._options import path_of
from .._session.connection import Call
from .._wire import methods
from .._wire.messages import Notice
from ..errors import CodexError, CodexProtocolError, CodexTimeoutError, CodexTransportError
from ..models import AccountInfo
from .engine import ClientEngine

_LASTING = 630.0  # seconds after which the server has surely given up a login: it waits for ten minutes (codex 0.169)
_CANCEL_PATIENCE = 1.0  # seconds for a server that may be gone


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

    def __init__(self, engine: ClientEngine, before: AccountInfo) -> None:
        self.url = self.login_id = ""  # until it has begun
        self._engine = engine
        self._before = before
        self._over_at = trio.current_time() + _LASTING
        self._outcome: Mapping[str, Any] | None = None
        self._is_lost = False  # for good
        self._may_have_missed = False  # the outcome, while there was no connection
        self._deadline = math.inf  # there is one once an outcome may have been missed
        self._news = trio.lowlevel.ParkingLot()
        self._early: list[Notice] = []
        self._unwatch = engine.watch(methods.ACCOUNT_LOGIN_COMPLETED, self._take, self._take_loss)

    async def _begin(self) -> None:
        try:
            answer = await self._engine.request(methods.ACCOUNT_LOGIN_START, {"type": "chatgpt"})
            answer = answer if isinstance(answer, dict) else {}
            url, login_id = answer.get("authUrl"), answer.get("loginId")
            if not isinstance(url, str) or not isinstance(login_id, str):
                raise CodexProtocolError("account/login/start was answered without a URL", method="account/login/start")
        except BaseException:
            self._unwatch()
            raise
        self.url, self.login_id = url, login_id
        for notice in self._early:
            self._take(notice)

    def _take(self, notice: Notice) -> bool:
        if not self.login_id:  # the outcome may come right behind the answer, which tells whose it is
            self._early.append(notice)
        elif notice.params.get("loginId") == self.login_id:
            self._settle(notice.params)
        return False  # it concerns everybody

    def _settle(self, outcome: Mapping[str, Any]) -> None:
        self._outcome = outcome
        self._news.unpark_all()
        self._unwatch()

    def _take_loss(self) -> None:
        self._may_have_missed = True
        self._deadline = self._over_at
        try:
            self._engine.check_open()
        except CodexTransportError:
            self._is_lost = True
        self._news.unpark_all()

    async def wait(self) -> None:
        """Wait until the person has logged in.

        The loss of a connection that is followed by another one, see `open_codex_client`, is a pause. A login that
        succeeded in the pause is seen by the account, if that is another one than before. If neither that nor an event
        tells the outcome, this ends when no login waits any longer, ten minutes after its beginning.

        Raises:
            CodexError: The login failed or was cancelled; the message says why. Or there was a pause, and the outcome is
                unknown.
            CodexTransportError: The server was lost.

        Cancellation: The login goes on.
        """
        await trio.lowlevel.checkpoint()
        while self._outcome is None:
            if self._may_have_missed:
                await self._look()
            elif trio.current_time() >= self._deadline:
                raise CodexError(
                    "whether the login with ChatGPT succeeded is unknown: the connection was lost meanwhile, and the "
                    "account is the same as before; see account(), and begin another one"
                )
            else:
                with trio.move_on_at(self._deadline):
                    await self._news.park()
        if self._outcome.get("success") is not True:
            why = self._outcome.get("error") or "the server gave no reason"
            raise CodexError(f"the login with ChatGPT failed: {why}")

    async def _look(self) -> None:
        self._engine.check_open()
        try:
            account = AccountInfo.from_wire(await self._engine.request(methods.ACCOUNT_READ, {}))
        except (CodexTransportError, CodexTimeoutError):  # the connection is still away, or again
            if trio.current_time() >= self._deadline:
                raise
            return
        self._may_have_missed = False
        if self._outcome is None and account.type == "chatgpt" and account != self._before:
            self._settle({"success": True})

    async def cancel(self) -> None:
        """Give the login up. Nothing happens if it is over.

        Cancellation: It may have been given up.
        """
        if self._outcome is None and not self._is_lost:
            await self._engine.perform_urgently(Call(methods.ACCOUNT_LOGIN_CANCEL, {"loginId": self.login_id}))
        else:
            await trio.lowlevel.checkpoint()

    async def __aenter__(self) -> ChatGPTLogin:
        return self  # without a checkpoint: cancelled there, nobody would give the login up

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with trio.CancelScope(shield=True, deadline=trio.current_time() + _CANCEL_PATIENCE):
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
        login = ChatGPTLogin(self._engine, await self.account())
        await login._begin()
        return login

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
        params = {} if cwd is None else {"cwd": path_of(cwd, "cwd")}
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
