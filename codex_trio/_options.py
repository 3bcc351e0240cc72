"""Options of threads and turns: their names, their values, and how they are spelt on the wire."""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Mapping
from typing import Any, Final, Literal, TypeAlias, TypedDict, get_args

DEFAULT_CONNECT_TIMEOUT: Final = 30.0  # seconds
DEFAULT_PING_INTERVAL: Final = 20.0  # seconds
DEFAULT_SHUTDOWN_GRACE: Final = 3.0  # seconds
DEFAULT_MAX_MESSAGE_SIZE: Final = 1 << 30  # bytes; a real thread's history was one line of 430 MB

SandboxMode: TypeAlias = Literal["read-only", "workspace-write", "danger-full-access"]
"""Access of commands to the machine."""

ApprovalPolicy: TypeAlias = Literal["untrusted", "on-request", "never"]
"""When the server asks before it acts."""

ReasoningSummary: TypeAlias = Literal["auto", "concise", "detailed", "none"]
"""How much of the model's reasoning the server sends."""


class _CommonOptions(TypedDict, total=False):
    model: str | None
    cwd: str | os.PathLike[str] | None
    approval_policy: ApprovalPolicy | Mapping[str, Any] | None
    service_tier: str | None
    extra: Mapping[str, Any]


class ResumeOptions(_CommonOptions, total=False):
    """Options of an existing thread. An option that is not set is not sent. `None` is sent as null.

    Attributes:
        model: The model's id. Also applies to later turns.
        model_provider: Name of a ``[model_providers.…]`` table in the configuration.
        cwd: Working directory on the server's machine.
        sandbox: Access of commands to the machine: a `SandboxMode`.
        approval_policy: When the server asks for approval: an `ApprovalPolicy`, or ``{"granular": {...}}``.
        base_instructions: Instructions that replace codex's own.
        developer_instructions: Instructions in addition to `base_instructions` or codex's own.
        service_tier: A service tier of the model, such as ``fast``. `ModelInfo.raw` lists the tiers.
        config: Settings that override ``config.toml``, by dotted key.
        extra: Other fields of the request, spelt as on the wire.

    Example:
        ``await client.resume_thread(thread_id, sandbox="read-only")``
    """

    model_provider: str | None
    sandbox: SandboxMode | None
    base_instructions: str | None
    developer_instructions: str | None
    config: Mapping[str, Any] | None


class ThreadOptions(ResumeOptions, total=False):
    """Options of a new thread: `ResumeOptions` and `ephemeral`.

    Attributes:
        ephemeral: Keep the thread in memory only: without history, and it cannot be resumed or forked.

    Example:
        ``await client.start_thread(cwd="/project", approval_policy="never", ephemeral=True)``
    """

    ephemeral: bool | None


class TurnOptions(_CommonOptions, total=False):
    """Options of a turn. All of them except `extra` also apply to later turns of the thread.

    Attributes:
        model, cwd, approval_policy, service_tier, extra: See `ResumeOptions`.
        effort: The model's reasoning effort, such as ``low``; see `ModelInfo`.
        summary: How much of the reasoning the server sends: a `ReasoningSummary`.
        sandbox: A `SandboxMode`, or the wire's object: ``{"type": "workspaceWrite", "writableRoots": [...]}``.

    Example:
        ``await thread.chat_once("Hello", effort="low", summary="none")``
    """

    effort: str | None
    summary: ReasoningSummary | None
    sandbox: SandboxMode | Mapping[str, Any] | None


class ChatOptions(TurnOptions, total=False):
    """Options of a turn, and of its thread if the thread is new. See `TurnOptions` and `ThreadOptions`.

    Example:
        ``await client.chat_once("Hello", model="gpt-5.1", developer_instructions="Be brief.")``
    """

    model_provider: str | None
    base_instructions: str | None
    developer_instructions: str | None
    config: Mapping[str, Any] | None
    ephemeral: bool | None


_RESUME: Final = {
    "model": "model",
    "model_provider": "modelProvider",
    "cwd": "cwd",
    "sandbox": "sandbox",
    "approval_policy": "approvalPolicy",
    "base_instructions": "baseInstructions",
    "developer_instructions": "developerInstructions",
    "service_tier": "serviceTier",
    "config": "config",
}
_THREAD: Final = {**_RESUME, "ephemeral": "ephemeral"}
_TURN: Final = {
    "model": "model",
    "effort": "effort",
    "summary": "summary",
    "cwd": "cwd",
    "sandbox": "sandboxPolicy",
    "approval_policy": "approvalPolicy",
    "service_tier": "serviceTier",
}
_CHOICES: Final[Mapping[str, Collection[str]]] = {
    "sandbox": get_args(SandboxMode),
    "approval_policy": get_args(ApprovalPolicy),
    "summary": get_args(ReasoningSummary),
}
_POLICIES: Final[Mapping[str, str]] = {
    "read-only": "readOnly",
    "workspace-write": "workspaceWrite",
    "danger-full-access": "dangerFullAccess",
}


def thread_params(options: Mapping[str, Any], *, is_new: bool = True) -> dict[str, Any]:
    """Return the parameters of `thread/start` and `thread/fork`, or of `thread/resume`.

    Args:
        options: The options by name.
        is_new: `False` for `thread/resume`, which does not accept `ephemeral`.

    Raises:
        TypeError: An option is unknown, `cwd` is not a path, or `extra` is not a mapping.
        ValueError: An option has an unknown value, or `extra` has a field that another option sets.
    """
    params = _params(options, _THREAD if is_new else _RESUME, "a new thread" if is_new else "a thread that exists")
    if isinstance(params.get("sandbox"), Mapping):
        raise ValueError(
            "a thread's sandbox is one of " + ", ".join(_POLICIES) + "; give the object with its details to a turn"
        )
    return params


def turn_options(options: Mapping[str, Any], *, given: Collection[str] = ()) -> dict[str, Any]:
    """Return the parameters of `turn/start` that options set. Raises the exceptions of `thread_params`.

    Args:
        options: The options by name.
        given: Names of parameters that are already set, so that `extra` must not contain them.
    """
    params = _params(options, _TURN, "a turn", given)
    if isinstance(params.get("sandboxPolicy"), str):
        params["sandboxPolicy"] = sandbox_policy(params["sandboxPolicy"])
    return params


def sandbox_policy(sandbox: SandboxMode | Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a sandbox as `turn/start` and `command/exec` spell it. Requests for threads use the `SandboxMode` itself.

    Raises:
        ValueError: The sandbox is unknown.
    """
    _check("sandbox", sandbox)
    return {"type": _POLICIES[sandbox]} if isinstance(sandbox, str) else sandbox


def chat_params(
    options: Mapping[str, Any], *, is_new: bool, given: Collection[str] = ()
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the parameters of `thread/start` and `turn/start`. An option that both accept is set for a new thread.

    Args:
        options: The options by name.
        is_new: Whether the thread will be started.
        given: See `turn_options`.

    Raises:
        TypeError: An option is unknown, `cwd` is not a path, or `extra` is not a mapping.
        ValueError: An option has an unknown value, or is for new threads and the thread exists; or `extra` has a field
            that another option sets.
    """
    if is_new:
        for_thread = {
            name: value
            for name, value in options.items()
            if name in _THREAD and not (name == "sandbox" and isinstance(value, Mapping))
        }
        rest = {name: value for name, value in options.items() if name not in for_thread}
        _check_names(rest, {**_THREAD, **_TURN}, "a turn on a new thread")
        params = thread_params(for_thread)
        return params, turn_options(rest, given={*params, *given})
    if thread_only := [name for name in options if name in _THREAD and name not in _TURN]:
        raise ValueError(
            f"{', '.join(thread_only)}: said of a thread when it is started or resumed, not of one that exists"
        )
    return {}, turn_options(options, given=given)


def check_positive(**numbers: float) -> None:
    """Check that each argument is a positive number.

    Raises:
        TypeError: An argument is not a number.
        ValueError: A number is not positive.
    """
    for name, number in numbers.items():
        if not isinstance(number, (int, float)):
            raise TypeError(f"{name} must be a positive number, not {number!r}")
        if not number > 0:  # also for NaN
            raise ValueError(f"{name} must be positive, not {number!r}")


def check_timeout(timeout: float | None, name: str) -> float:
    """Return a timeout in seconds. `None` becomes `math.inf`.

    Raises:
        TypeError: The timeout is not a number.
        ValueError: The timeout is not positive, or is too large for a float.
    """
    if timeout is None:
        return math.inf
    message = f"{name} must be a positive number of seconds, math.inf or None, not {timeout!r}"
    if not isinstance(timeout, (int, float)):
        raise TypeError(message)
    try:
        seconds = float(timeout)
    except OverflowError:
        raise ValueError(message) from None
    if not seconds > 0:  # also for NaN
        raise ValueError(message)
    return seconds


def path_of(path: str | os.PathLike[str], name: str) -> str:
    """Return a path as a string.

    Raises:
        TypeError: `path` is not a path.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"{name} must be a path, a str or an os.PathLike, not {path!r}")
    return os.fspath(path)


def merge_extra(params: Mapping[str, Any], extra: object, *, given: Collection[str] = ()) -> dict[str, Any]:
    """Return the parameters merged with the fields of `extra`.

    Args:
        params: Parameters set by other options.
        extra: The user's `extra` option.
        given: Names of further parameters that `extra` must not contain.

    Raises:
        TypeError: `extra` is not a mapping.
        ValueError: `extra` has a field that is already set.
    """
    if not isinstance(extra, (Mapping, type(None))):
        raise TypeError(f"extra must be fields of the request by name, spelt as on the wire, not {extra!r}")
    if duplicates := [name for name in extra or {} if name in params or name in given]:
        raise ValueError(f"extra has {', '.join(duplicates)}, which is given otherwise")
    return {**params, **(extra or {})}


def _params(
    options: Mapping[str, Any], names: Mapping[str, str], what: str, given: Collection[str] = ()
) -> dict[str, Any]:
    _check_names(options, names, what)
    params: dict[str, Any] = {}
    for name, value in options.items():
        if name == "extra":
            continue
        _check(name, value)
        params[names[name]] = path_of(value, "cwd") if name == "cwd" and value is not None else value
    return merge_extra(params, options.get("extra"), given=("threadId", "input", *given))


def _check_names(options: Mapping[str, Any], names: Mapping[str, str], what: str) -> None:
    if unknown := [repr(name) for name in options if name not in names and name != "extra"]:
        known = ", ".join(sorted(names))
        raise TypeError(f"there is no option {', '.join(unknown)} of {what}; there are {known} and extra")


def _check(name: str, value: object) -> None:
    choices = _CHOICES.get(name)
    if choices is None or value is None or value in choices:
        return
    if isinstance(value, Mapping) and name != "summary":
        return
    raise ValueError(
        f"{name} is one of {', '.join(map(repr, choices))}, not {value!r} (extra={{...}} sends what this version of "
        "codex_trio does not know)"
    )
