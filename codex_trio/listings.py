"""What the server keeps: frozen values of threads, turns, models and accounts; `from_wire` is the only door from JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._json import as_object, as_objects, as_text, as_texts
from .models import Value

__all__ = ["AccountInfo", "ModelInfo", "ThreadInfo", "TurnInfo"]


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


class ThreadInfo(Value, frozen=True):
    """A thread as the server describes it.

    Attributes:
        id: For `client.resume_thread` and `chat`.
        name: Given by `rename`; `None` without.
        preview: The beginning of its first message.
        model: Its model, if the server tells.
        cwd: Its working directory, on the server's machine.
        status: ``idle``, ``active``, ``notLoaded`` or ``systemError``.
        created_at: Unix time in seconds, ``createdAt``.
        updated_at: Unix time in seconds, ``updatedAt``.
        forked_from_id: The thread that it was forked from.
        is_ephemeral: It has no history on disk.
        raw: All of it.

    Example:
        ``async for thread in client.threads(): print(thread.id, thread.name or thread.preview)``
    """

    id: str
    name: str | None
    preview: str
    model: str | None
    cwd: str
    status: str
    created_at: int | None
    updated_at: int | None
    forked_from_id: str | None
    is_ephemeral: bool
    raw: Mapping[str, Any]

    @classmethod
    def from_wire(cls, obj: object) -> ThreadInfo:
        """Read a ``Thread``; whatever is missing or of another type becomes empty."""
        raw = as_object(obj)
        return cls(
            id=as_text(raw.get("id")),
            name=as_text(raw.get("name")) or None,
            preview=as_text(raw.get("preview")),
            model=as_text(raw.get("model")) or None,
            cwd=as_text(raw.get("cwd")),
            status=as_text(as_object(raw.get("status")).get("type")),
            created_at=_number(raw.get("createdAt")),
            updated_at=_number(raw.get("updatedAt")),
            forked_from_id=as_text(raw.get("forkedFromId")) or None,
            is_ephemeral=raw.get("ephemeral") is True,
            raw=raw,
        )


class TurnInfo(Value, frozen=True):
    """A turn in a thread's history.

    Attributes:
        id: For `thread.items` and `thread.revert`.
        status: ``completed``, ``failed``, ``interrupted`` or ``inProgress``.
        items: Its items, as many as the `items_view` asked for; as the server sent them.
        error: Why it failed.
        started_at: Unix time in seconds.
        completed_at: Unix time in seconds.
        raw: All of it.

    Example:
        ``async for turn in thread.turns(): print(turn.id, turn.status)``
    """

    id: str
    status: str
    items: tuple[Mapping[str, Any], ...]
    error: Mapping[str, Any] | None
    started_at: int | None
    completed_at: int | None
    raw: Mapping[str, Any]

    @classmethod
    def from_wire(cls, obj: object) -> TurnInfo:
        """Read a ``Turn``; whatever is missing or of another type becomes empty."""
        raw = as_object(obj)
        return cls(
            id=as_text(raw.get("id")),
            status=as_text(raw.get("status")),
            items=tuple(as_objects(raw.get("items"))),
            error=as_object(raw.get("error")) or None,
            started_at=_number(raw.get("startedAt")),
            completed_at=_number(raw.get("completedAt")),
            raw=raw,
        )


class ModelInfo(Value, frozen=True):
    """A model that the server offers.

    Attributes:
        id: For the option `model`.
        display_name: For people.
        description: Likewise.
        is_default: It is used where none is named.
        is_hidden: It is listed only on request.
        efforts: Values for the option `effort`.
        default_effort: The one used where none is given.
        raw: All of it.

    Example:
        ``names = [model.id async for model in client.models()]``
    """

    id: str
    display_name: str
    description: str
    is_default: bool
    is_hidden: bool
    efforts: tuple[str, ...]
    default_effort: str | None
    raw: Mapping[str, Any]

    @classmethod
    def from_wire(cls, obj: object) -> ModelInfo:
        """Read a ``Model``; whatever is missing or of another type becomes empty."""
        raw = as_object(obj)
        options = as_objects(raw.get("supportedReasoningEfforts"))
        return cls(
            id=as_text(raw.get("id")),
            display_name=as_text(raw.get("displayName")),
            description=as_text(raw.get("description")),
            is_default=raw.get("isDefault") is True,
            is_hidden=raw.get("hidden") is True,
            efforts=tuple(as_texts([option.get("reasoningEffort") for option in options])),
            default_effort=as_text(raw.get("defaultReasoningEffort")) or None,
            raw=raw,
        )


class AccountInfo(Value, frozen=True):
    """Who the server is logged in as.

    Attributes:
        type: ``apiKey``, ``chatgpt`` and others; `None` when nobody is.
        email: Of a ChatGPT account.
        plan_type: Of a ChatGPT account.
        requires_openai_auth: The configured provider needs a login.
        raw: All of it.

    Example:
        ``if (await client.account()).type is None: ...``
    """

    type: str | None
    email: str | None
    plan_type: str | None
    requires_openai_auth: bool
    raw: Mapping[str, Any]

    @classmethod
    def from_wire(cls, obj: object) -> AccountInfo:
        """Read the answer to `account/read`; whatever is missing or of another type becomes empty."""
        raw = as_object(obj)
        account = as_object(raw.get("account"))
        return cls(
            type=as_text(account.get("type")) or None,
            email=as_text(account.get("email")) or None,
            plan_type=as_text(account.get("planType")) or None,
            requires_openai_auth=raw.get("requiresOpenaiAuth") is True,
            raw=raw,
        )
