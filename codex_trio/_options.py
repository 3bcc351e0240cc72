"""What can be set of a thread and of a turn, by keyword: the names, their values, and how the wire spells them."""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Mapping
from typing import Any, Final, Literal, TypeAlias, TypedDict, get_args

DEFAULT_CONNECT_TIMEOUT: Final = 30.0  # seconds
DEFAULT_PING_INTERVAL: Final = 20.0  # seconds
DEFAULT_SHUTDOWN_GRACE: Final = 3.0  # seconds
DEFAULT_MAX_MESSAGE_SIZE: Final = 1 << 30  # bytes; the history of a real thread came in a line of 430 MB

SandboxMode: TypeAlias = Literal["read-only", "workspace-write", "danger-full-access"]
"""What commands may do to the machine."""

ApprovalPolicy: TypeAlias = Literal["untrusted", "on-request", "never"]
"""When the server asks before it acts."""

ReasoningSummary: TypeAlias = Literal["auto", "concise", "detailed", "none"]
"""How much of the model's reasoning is told."""


class _CommonOptions(TypedDict, total=False):
    model: str | None
    cwd: str | os.PathLike[str] | None
    approval_policy: ApprovalPolicy | Mapping[str, Any] | None
    service_tier: str | None
    extra: Mapping[str, Any]


class ResumeOptions(_CommonOptions, total=False):
    """What can be set of a thread that exists. What is not given is not sent; `None` is sent as null.

    Attributes:
        model: The model's id; sticks for later turns.
        model_provider: Name of a ``[model_providers.…]`` of the configuration.
        cwd: Working directory, on the server's machine.
        sandbox: What commands may do: a `SandboxMode`.
        approval_policy: When the server asks: an `ApprovalPolicy`, or ``{"granular": {...}}``.
        base_instructions: In place of codex's own.
        developer_instructions: Besides them.
        service_tier: Such as ``fast``; the model lists those that it has.
        config: Settings over those of ``config.toml``, by dotted key.
        extra: Any other field of the request, spelt as on the wire.

    Example:
        ``await client.resume_thread(thread_id, sandbox="read-only")``
    """

    model_provider: str | None
    sandbox: SandboxMode | None
    base_instructions: str | None
    developer_instructions: str | None
    config: Mapping[str, Any] | None


class ThreadOptions(ResumeOptions, total=False):
    """What can be set of a new thread: `ResumeOptions`, and `ephemeral`.

    Attributes:
        ephemeral: The thread is kept in memory alone: no history, no resume, no fork.

    Example:
        ``await client.start_thread(cwd="/project", approval_policy="never", ephemeral=True)``
    """

    ephemeral: bool | None


class TurnOptions(_CommonOptions, total=False):
    """What can be set of a turn; all of it but `extra` sticks for later turns of the thread.

    Attributes:
        model, cwd, approval_policy, service_tier, extra: As of a thread, see `ResumeOptions`.
        effort: How hard the model thinks, such as ``low``; the model lists what it has.
        summary: How much of the reasoning is told: a `ReasoningSummary`.
        sandbox: A `SandboxMode`, or the wire's object: ``{"type": "workspaceWrite", "writableRoots": [...]}``.

    Example:
        ``await thread.chat_once("Hello", effort="low", summary="none")``
    """

    effort: str | None
    summary: ReasoningSummary | None
    sandbox: SandboxMode | Mapping[str, Any] | None


class ChatOptions(TurnOptions, total=False):
    """What can be set of a turn, and of the new thread that it may begin; see `TurnOptions` and `ThreadOptions`.

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

    Raises:
        TypeError: There is no such option.
        ValueError: There is no such value.
    """
    params = _params(options, _THREAD if is_new else _RESUME, "a new thread" if is_new else "a thread that exists")
    if isinstance(params.get("sandbox"), Mapping):
        raise ValueError(
            "a thread's sandbox is one of " + ", ".join(_POLICIES) + "; give the object with its details to a turn"
        )
    return params


def turn_options(options: Mapping[str, Any], *, given: Collection[str] = ()) -> dict[str, Any]:
    """Return the parameters of `turn/start` that options set. Raises as `thread_params` does.

    Args:
        options: The options.
        given: Parameters that something else sets, so that `extra` cannot have them.
    """
    params = _params(options, _TURN, "a turn", given)
    if isinstance(params.get("sandboxPolicy"), str):
        params["sandboxPolicy"] = sandbox_policy(params["sandboxPolicy"])
    return params


def sandbox_policy(sandbox: SandboxMode | Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a sandbox as the wire has it but for threads.

    Raises:
        ValueError: There is no such sandbox.
    """
    _check("sandbox", sandbox)
    return {"type": _POLICIES[sandbox]} if isinstance(sandbox, str) else sandbox


def chat_params(
    options: Mapping[str, Any], *, is_new: bool, given: Collection[str] = ()
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the parameters of `thread/start` and of `turn/start`. What both can take, a new thread gets.

    Args:
        options: The options.
        is_new: The thread is yet to be started.
        given: As of `turn_options`.

    Raises:
        TypeError: There is no such option.
        ValueError: There is no such value, or it belongs to a new thread and this one exists.
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
    if late := [name for name in options if name in _THREAD and name not in _TURN]:
        raise ValueError(f"{', '.join(late)}: said of a thread when it is started or resumed, not of one that exists")
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
    """Return a timeout in seconds; `math.inf` for `None`.

    Raises:
        TypeError: The timeout is not a number.
        ValueError: The timeout is not positive, or is too large for a float.
    """
    if timeout is None:
        return math.inf
    complaint = f"{name} must be a positive number of seconds, math.inf or None, not {timeout!r}"
    if not isinstance(timeout, (int, float)):
        raise TypeError(complaint)
    try:
        seconds = float(timeout)
    except OverflowError:
        raise ValueError(complaint) from None
    if not seconds > 0:  # also for NaN
        raise ValueError(complaint)
    return seconds


def path_of(path: str | os.PathLike[str], name: str) -> str:
    """Return a path as text.

    Raises:
        TypeError: It is none.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"{name} must be a path, a str or an os.PathLike, not {path!r}")
    return os.fspath(path)


def merge_extra(params: Mapping[str, Any], extra: object, *, given: Collection[str] = ()) -> dict[str, Any]:
    """Return parameters together with those of `extra`.

    Args:
        params: What other options have made.
        extra: What the user gave.
        given: More that is set otherwise.

    Raises:
        TypeError: It does not hold values by name.
        ValueError: It has what is given otherwise.
    """
    if not isinstance(extra, (Mapping, type(None))):
        raise TypeError(f"extra must be fields of the request by name, spelt as on the wire, not {extra!r}")
    if twice := [name for name in extra or {} if name in params or name in given]:
        raise ValueError(f"extra has {', '.join(twice)}, which is given otherwise")
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
        there_are = ", ".join(sorted(names))
        raise TypeError(f"there is no option {', '.join(unknown)} of {what}; there are {there_are} and extra")


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
