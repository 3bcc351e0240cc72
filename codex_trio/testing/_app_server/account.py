"""Methods of the scripted app-server for models, the account and the configuration. The server has no account."""

from __future__ import annotations

from typing import Any

from .._wire_shapes import DEFAULT_MODEL, Message, RpcError
from .connection import ServerConnection
from .state import Method, ServerState


class AccountMethods:
    """Handles the methods for the account and the configuration. Written configuration is stored, but has no effect.

    Attributes:
        methods: The methods by name.
    """

    def __init__(self, state: ServerState) -> None:
        self._state = state
        self._config: Message = {"model": DEFAULT_MODEL, "model_provider": "scripted"}
        self.methods: dict[str, Method] = {
            "model/list": self._models,
            "account/read": self._read,
            "account/login/start": self._login,
            "account/logout": self._logout,
            "config/read": self._read_config,
            "config/value/write": self._write_config,
        }

    def _models(self, connection: ServerConnection, params: Message) -> Message:
        medium = {"reasoningEffort": "medium", "description": "Balances speed and depth"}
        model = {
            "id": DEFAULT_MODEL,
            "model": DEFAULT_MODEL,
            "displayName": DEFAULT_MODEL,
            "description": "A model that plays the scripts of a test",
            "hidden": False,
            "supportedReasoningEfforts": [medium],
            "defaultReasoningEffort": "medium",
            "inputModalities": ["text", "image"],
            "isDefault": True,
        }
        return {"data": [model], "nextCursor": None}

    def _read(self, connection: ServerConnection, params: Message) -> Message:
        return {"account": None, "userId": None, "requiresOpenaiAuth": False, "workspaceRouting": None}

    def _login(self, connection: ServerConnection, params: Message) -> Message:
        if params["type"] != "apiKey":
            raise RpcError("the scripted app-server supports only apiKey; use reply('account/login/start', ...)")
        done = {"loginId": None, "success": True, "error": None, "onboardingEntrypoint": None}
        self._state.after_response(lambda: self._state.broadcast("account/login/completed", done))
        self._notify_auth("apikey")
        return {"type": "apiKey"}

    def _logout(self, connection: ServerConnection, params: Message) -> Message:
        self._notify_auth(None)
        return {}

    def _notify_auth(self, mode: str | None) -> None:
        updated = {"authMode": mode, "planType": None, "reason": None}
        self._state.after_response(lambda: self._state.broadcast("account/updated", updated))

    def _read_config(self, connection: ServerConnection, params: Message) -> Message:
        return {"config": self._config, "origins": {}, "layers": None}

    def _write_config(self, connection: ServerConnection, params: Message) -> Message:
        *tables, key = params["keyPath"].split(".")
        node: dict[str, Any] = self._config
        for table in tables:
            node = node.setdefault(table, {})
        node[key] = params["value"]
        path = "/codex-home/config.toml"
        return {"status": "ok", "version": self._state.new_uuid(), "filePath": path, "overriddenMetadata": None}
