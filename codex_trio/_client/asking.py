"""What a user calls about the server's requests."""

from __future__ import annotations

from .._session.approval_queue import ApprovalStream
from .._session.session import Service


class Asking:
    """The part of `CodexClient` that is about what the server asks."""

    _service: Service

    def approvals(self) -> ApprovalStream:
        """Return a stream of the approvals that the server asks for, in place of `on_approval`.

        An approval that is asked for while there is no such stream is declined. Respond to each one in every branch of the
        loop: its variable holds the request until the next one comes, and the turn waits as long. ``request.accept()``
        raises `ValueError` where it would grant more than the request shows, as it does in `on_approval`. Open the client
        with ``experimental_api=True``: otherwise codex does not send the additional permissions of a command
        (``additionalPermissions``), and some commands can be accepted only with ``unseen=True``.

        Raises:
            RuntimeError: The client has an `on_approval`, which answers them, or only observes.

        Example:
            ```python
            async for request in client.approvals():
                if not isinstance(request, CommandApprovalRequest) or request.kind != "command" or request.extra_permissions:
                    await request.respond(request.decline())
                else:
                    await request.respond(request.accept() if request.script == "ls" else request.decline())
            ```
        """
        self._service.live_parts()
        if self._service.handlers.has_approval_handler:
            raise RuntimeError("this client was opened with on_approval, which answers every approval")
        if self._service.handlers.observe:
            raise RuntimeError("this client was opened with observe=True, and answers nothing")
        return self._service.handlers.approvals.open()
