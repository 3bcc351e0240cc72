"""The settings of a thread: set by `thread/start` and `turn/start`, reported in responses and notifications."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .._wire_shapes import DEFAULT_CWD, DEFAULT_MODEL, Message, RpcError

_READ_ONLY: Message = {"type": "readOnly", "networkAccess": False}
_WORKSPACE_WRITE: Message = {
    "type": "workspaceWrite",
    "writableRoots": [],
    "networkAccess": False,
    "excludeTmpdirEnvVar": False,
    "excludeSlashTmp": False,
}
_FULL_ACCESS: Message = {"type": "dangerFullAccess"}
_MODES = {"read-only": _READ_ONLY, "workspace-write": _WORKSPACE_WRITE, "danger-full-access": _FULL_ACCESS}
_POLICIES: dict[str, Message] = {
    "dangerFullAccess": _FULL_ACCESS,
    "readOnly": _READ_ONLY,
    "externalSandbox": {"type": "externalSandbox", "networkAccess": "restricted"},
    "workspaceWrite": _WORKSPACE_WRITE,
}
_APPROVAL_POLICIES = ("untrusted", "on-request", "granular", "never")
_GRANULAR_FIELDS = ("sandbox_approval", "rules", "mcp_elicitations")
_ACCOUNT_MODELS = re.compile(r"gpt-(5\.6|6)\b")
_PROTECTED = (".git", ".agents", ".codex")


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a thread. They apply to its next turns."""

    cwd: str = DEFAULT_CWD
    model: str = DEFAULT_MODEL
    provider: str = "scripted"
    approval_policy: Any = "on-request"
    sandbox: Message = field(default_factory=lambda: _READ_ONLY)
    is_sandbox_given: bool = False
    effort: str | None = None
    summary: str | None = None
    service_tier: str | None = None
    personality: str | None = None
    mode: str = "default"

    @property
    def asks(self) -> bool:
        """Whether the user is asked to approve operations that the sandbox forbids."""
        if isinstance(self.approval_policy, Mapping):
            return bool(self.approval_policy["granular"]["sandbox_approval"])
        return bool(self.approval_policy != "never")

    @property
    def has_code_mode(self) -> bool:
        """Whether the model belongs to an account, and so calls its tools from JavaScript."""
        return _ACCOUNT_MODELS.match(self.model) is not None

    @property
    def has_sandbox(self) -> bool:
        """Whether commands run in a sandbox."""
        return self.sandbox["type"] in ("readOnly", "workspaceWrite")

    def may_write(self, path: str) -> bool:
        """Whether the sandbox allows writing this file, given by its absolute path. There is no `TMPDIR`."""
        if self.sandbox["type"] != "workspaceWrite":
            return not self.has_sandbox
        shared = () if self.sandbox["excludeSlashTmp"] else ("/tmp",)
        roots = [posixpath.normpath(root) for root in (self.cwd, *self.sandbox["writableRoots"], *shared)]
        places = {posixpath.join(root, name): False for root in roots for name in _PROTECTED} | dict.fromkeys(
            roots, True
        )
        around = [place for place in places if posixpath.commonpath([place, path]) == place]
        return bool(around) and places[max(around, key=len)]

    def for_thread(self, params: Mapping[str, Any]) -> Settings:
        """Return the settings of a thread that is started or resumed with these params.

        Raises:
            RpcError: A param has an unknown value.
        """
        config = params.get("config") or {}
        if not isinstance(config, Mapping):
            raise RpcError(f"Invalid request: invalid type: {config!r}, expected a map")
        effort = config.get("model_reasoning_effort")
        changed = self._changed({"effort": effort, **params})
        mode = params.get("sandbox")
        if mode is None:
            return changed
        return replace(changed, sandbox=_one_of(_MODES, mode), is_sandbox_given=True)

    def for_turn(self, params: Mapping[str, Any]) -> Settings:
        """Return the settings after a turn is started with these params.

        Raises:
            RpcError: A param has an unknown value.
        """
        changed = self._changed(params)
        policy = params.get("sandboxPolicy")
        if policy is not None:
            sandbox = {**_one_of(_POLICIES, policy.get("type")), **policy}
            if not all(root.startswith("/") for root in sandbox.get("writableRoots", ())):
                raise RpcError("Invalid request: AbsolutePathBuf deserialized without a base path")
            changed = replace(changed, sandbox=sandbox, is_sandbox_given=True)
        collaboration = params.get("collaborationMode")
        if collaboration is None:
            return changed
        asked = collaboration.get("settings") or {}
        effort = asked.get("reasoning_effort")
        return replace(changed, mode=collaboration["mode"], model=asked.get("model", changed.model), effort=effort)

    def forked(self) -> Settings:
        """Return the settings that a fork inherits."""
        return Settings(self.cwd, self.model, self.provider, self.approval_policy)

    def _changed(self, params: Mapping[str, Any]) -> Settings:
        def given(name: str, old: Any) -> Any:
            return old if params.get(name) is None else params[name]

        return replace(
            self,
            cwd=posixpath.join(DEFAULT_CWD, given("cwd", self.cwd)),
            model=given("model", self.model),
            provider=given("modelProvider", self.provider),
            approval_policy=_policy(given("approvalPolicy", self.approval_policy)),
            effort=given("effort", self.effort),
            summary=given("summary", self.summary),
            service_tier=given("serviceTier", self.service_tier),
            personality=given("personality", self.personality),
        )

    def to_answer(self) -> Message:
        """Return the settings in the results of `thread/start`, `thread/resume` and `thread/fork`."""
        return {
            **self._common(),
            "runtimeWorkspaceRoots": [self.cwd],
            "instructionSources": [],
            "sandbox": self.sandbox,
            "reasoningEffort": self.effort,
        }

    def to_wire(self) -> Message:
        """Return the `threadSettings` of `thread/settings/updated`."""
        return {
            **self._common(),
            "environments": self.environments(),
            "sandboxPolicy": self.sandbox,
            "effort": self.effort,
            "summary": self.summary,
            "collaborationMode": self.collaboration_mode(),
            "personality": self.personality,
        }

    def collaboration_mode(self) -> Message:
        """Return the collaboration mode in its wire format."""
        settings = {"model": self.model, "reasoning_effort": self.effort, "developer_instructions": None}
        return {"mode": self.mode, "settings": settings}

    def environments(self) -> list[Message]:
        """Return the environments in which commands run."""
        return [{"environmentId": "local", "cwd": self.cwd, "runtimeWorkspaceRoots": [self.cwd]}]

    def _common(self) -> Message:
        return {
            "model": self.model,
            "modelProvider": self.provider,
            "serviceTier": self.service_tier,
            "disabledPluginIds": [],
            "cwd": self.cwd,
            "approvalPolicy": self.approval_policy,
            "approvalsReviewer": "user",
            "activePermissionProfile": None if self.is_sandbox_given else {"id": ":read-only", "extends": None},
            "multiAgentMode": "explicitRequestOnly",
        }


def _policy(given: Any) -> Any:
    if not isinstance(given, Mapping):
        return _one_of({name: name for name in _APPROVAL_POLICIES}, given)
    for name in _GRANULAR_FIELDS:
        if name not in given["granular"]:
            raise RpcError(f"Invalid request: missing field `{name}`")
    return {"granular": {"skill_approval": False, "request_permissions": False, **given["granular"]}}


def _one_of(known: Mapping[str, Any], name: Any) -> Any:
    if name not in known:
        expected = ", ".join(f"`{variant}`" for variant in known)
        raise RpcError(f"Invalid request: unknown variant `{name}`, expected one of {expected}")
    return known[name]
