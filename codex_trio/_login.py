"""`ChatGPTLogin`: a login that waits for the user to log in with a browser."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import TracebackType
from typing import Any

import trio

from ._public_call import public_call
from ._session.connection import PendingRequest
from ._session.session import Session
from ._wire import methods
from ._wire.messages import Notice
from .errors import CodexError, CodexProtocolError, CodexTimeoutError, CodexTransportError
from .models import AccountInfo

_LASTING = 630.0  # seconds after which the server has abandoned a login: it waits ten minutes (codex 0.169)
_CANCEL_TIMEOUT = 1.0  # seconds to wait for a server that may not respond


class ChatGPTLogin:
    """A login with ChatGPT that waits for the user. Returned by `client.login_chatgpt`.

    Use it with ``async with``, or call `cancel`. Otherwise the server keeps listening on its port.

    Attributes:
        url: The URL for the user to open in a browser.
        login_id: The server's id of the login.

    Example:
        ```python
        async with await client.login_chatgpt() as login:
            print(login.url)
            await login.wait()
        ```
    """

    def __init__(self, session: Session, before: AccountInfo) -> None:
        self.url = self.login_id = ""  # until the login has started
        self._session = session
        self._before = before
        self._over_at = trio.current_time() + _LASTING
        self._outcome: Mapping[str, Any] | None = None
        self._is_lost = False  # the connection was lost, and the client does not reconnect
        self._may_have_missed = False  # the outcome may have been sent while there was no connection
        self._deadline = math.inf  # set when the outcome may have been missed
        self._news = trio.lowlevel.ParkingLot()
        self._early: list[Notice] = []
        session.require_open()
        # Register before the login is started: its outcome may arrive right after the response.
        self._unwatch = session.registry.watch(methods.ACCOUNT_LOGIN_COMPLETED, self._take, self._take_loss)

    @public_call
    async def start(self) -> None:
        """Send `account/login/start`. Called once, by `client.login_chatgpt`."""
        try:
            answer = await self._session.request(methods.ACCOUNT_LOGIN_START, {"type": "chatgpt"})
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
        if not self.login_id:  # the response with our id has not been handled yet
            self._early.append(notice)
        elif notice.params.get("loginId") == self.login_id:
            self._settle(notice.params)
        return False  # other listeners also get it

    def _settle(self, outcome: Mapping[str, Any]) -> None:
        self._outcome = outcome
        self._news.unpark_all()
        self._unwatch()

    def _take_loss(self) -> None:
        self._may_have_missed = True
        self._deadline = self._over_at
        try:
            self._session.require_open()
        except CodexTransportError:
            self._is_lost = True
        self._news.unpark_all()

    @public_call
    async def wait(self) -> None:
        """Wait until the user has logged in.

        With `reconnect`, this keeps waiting after a disconnect; see `open_codex_client`. A login that succeeded while
        disconnected is recognised by the account, if that is a different account than before. If neither the account
        nor an event shows the outcome, this raises when the server has abandoned the login, ten minutes after its
        start.

        Raises:
            CodexError: The login failed or was cancelled; the message contains the reason. Or the connection was lost
                in between, and the outcome is unknown.
            CodexTransportError: The connection was lost.

        Cancellation: The login continues.
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
            reason = self._outcome.get("error") or "the server gave no reason"
            raise CodexError(f"the login with ChatGPT failed: {reason}")

    async def _look(self) -> None:
        self._session.require_open()
        try:
            account = AccountInfo.from_wire(await self._session.request(methods.ACCOUNT_READ, {}))
        except (CodexTransportError, CodexTimeoutError):  # still disconnected, or disconnected again
            if trio.current_time() >= self._deadline:
                raise
            return
        self._may_have_missed = False
        # The same account as before proves nothing: the user may not have logged in yet.
        if self._outcome is None and account.type == "chatgpt" and account != self._before:
            self._settle({"success": True})

    @public_call
    async def cancel(self) -> None:
        """Cancel the login. Does nothing if the login has ended.

        Cancellation: The login may have been cancelled.
        """
        if self._outcome is None and not self._is_lost:
            await self._session.send_urgently(PendingRequest(methods.ACCOUNT_LOGIN_CANCEL, {"loginId": self.login_id}))
        else:
            await trio.lowlevel.checkpoint()

    @public_call
    async def __aenter__(self) -> ChatGPTLogin:
        return self  # no checkpoint: if cancelled here, `__aexit__` would not run, and the login would not be cancelled

    @public_call
    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with trio.CancelScope(shield=True, deadline=trio.current_time() + _CANCEL_TIMEOUT):
            try:
                await self.cancel()
            except CodexError:
                if exc is None:
                    raise
