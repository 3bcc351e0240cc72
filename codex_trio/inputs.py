"""What a message may be made of, besides text. Checked here, before anything is sent."""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

from .models import Value

__all__ = ["Image", "InputPart", "Mention", "Prompt", "Skill"]

_SIGNATURES = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif"))


class Image(Value, frozen=True, kw_only=True):
    """A picture: one of `url`, `path` and `data`.

    Attributes:
        url: A ``data:`` URL. Codex 0.163 to 0.169 refuse ``http`` URLs.
        path: A file that the server reads, so it must be on the server's machine; relative to this program's folder.
        data: The bytes of a PNG, JPEG, GIF or WebP file; several MiB are fine.
        media_type: Such as ``image/png``; of `data` alone, and only where it cannot be seen from the bytes.
        detail: How closely the model looks; the server's choice unless given.

    Raises:
        ValueError: None or several of them are given, or the kind of `data` is not known.
        FileNotFoundError: There is no file at `path`.

    Example:
        ``await client.chat_once(["What is this?", Image(path="plan.png")])``
    """

    url: str | None = None
    path: str | os.PathLike[str] | None = None
    data: bytes | None = None
    media_type: str | None = None
    detail: Literal["auto", "low", "high", "original"] | None = None

    def __post_init__(self) -> None:
        if sum(one is not None for one in (self.url, self.path, self.data)) != 1:
            raise ValueError("an Image has one of url, path and data")
        if self.path is not None and not os.path.isfile(self.path):
            raise FileNotFoundError(f"there is no image file {os.fspath(self.path)!r}")
        if self.data is not None and self._media_type() is None:
            raise ValueError("these bytes are no PNG, JPEG, GIF or WebP; say what they are with media_type=")

    def to_wire(self) -> dict[str, Any]:
        """Return the part of ``input``."""
        part: dict[str, Any]
        if self.path is not None:
            part = {"type": "localImage", "path": os.path.abspath(self.path)}
        elif self.data is not None:
            text = base64.b64encode(self.data).decode("ascii")
            part = {"type": "image", "url": f"data:{self._media_type()};base64,{text}"}
        else:
            part = {"type": "image", "url": self.url}
        if self.detail is not None:
            part["detail"] = self.detail
        return part

    def _media_type(self) -> str | None:
        data = self.data or b""
        if self.media_type is not None:
            return self.media_type
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return "image/webp"
        return next((kind for signature, kind in _SIGNATURES if data.startswith(signature)), None)


class Skill(Value, frozen=True):
    """A skill to use: its name, and the path of its ``SKILL.md`` on the server's machine.

    Example:
        ``await client.chat_once([Skill("review", "/skills/review/SKILL.md"), "Go."])``
    """

    name: str
    path: str | os.PathLike[str]

    def to_wire(self) -> dict[str, Any]:
        """Return the part of ``input``."""
        return {"type": "skill", "name": self.name, "path": os.fspath(self.path)}


class Mention(Value, frozen=True):
    """Something that the message is about: a name, and a path such as ``app://id`` or that of a file.

    Example:
        ``await client.chat_once(["Summarize", Mention("notes", "/home/me/notes.md")])``
    """

    name: str
    path: str | os.PathLike[str]

    def to_wire(self) -> dict[str, Any]:
        """Return the part of ``input``."""
        return {"type": "mention", "name": self.name, "path": os.fspath(self.path)}


InputPart: TypeAlias = str | Image | Skill | Mention
"""A part of a message."""

Prompt: TypeAlias = str | Sequence[InputPart]
"""A message: text, or parts in order."""


def to_wire(prompt: Prompt) -> list[dict[str, Any]]:
    """Return ``input`` as the server takes it.

    Raises:
        TypeError: It is not a message.
        FileNotFoundError: A file has gone since its `Image` was made.
    """
    if isinstance(prompt, str):
        return [_text_part(prompt)]
    if not isinstance(prompt, Sequence) or isinstance(prompt, bytes):
        raise TypeError(f"text must be a str or a sequence of parts, not {type(prompt).__name__}")
    parts: list[dict[str, Any]] = []
    for part in prompt:
        if not isinstance(part, (str, Image, Skill, Mention)):
            raise TypeError(f"a part of a message is a str, Image, Skill or Mention, not {type(part).__name__}")
        if isinstance(part, Image) and part.path is not None and not os.path.isfile(part.path):
            raise FileNotFoundError(f"there is no image file {os.fspath(part.path)!r}")
        parts.append(_text_part(part) if isinstance(part, str) else part.to_wire())
    return parts


def _text_part(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}
