"""Parts of a message other than text. They are checked before anything is sent."""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

from .models import WireValue

__all__ = ["Image", "InputPart", "Mention", "Prompt", "Skill"]

_SIGNATURES = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif"))


class Image(WireValue, frozen=True, kw_only=True):
    """An image, given by exactly one of `url`, `path` and `data`.

    Attributes:
        url: A ``data:`` URL. Codex 0.163 to 0.169 refuse ``http`` URLs.
        path: A file that the server reads, so it must be on the server's machine. A relative path starts from this
            program's working directory.
        data: The bytes of a PNG, JPEG, GIF or WebP file; several MiB are fine.
        media_type: The type of `data`, such as ``image/png``. Needed only for other formats than these four.
        detail: How closely the model looks at the image. The server's default if not given.

    Raises:
        ValueError: Not exactly one of `url`, `path` and `data` is given, or the type of `data` is unknown.
        FileNotFoundError: The file at `path` does not exist.

    Example:
        ``await client.chat_once(["What is this?", Image(path="plan.png")])``
    """

    url: str | None = None
    path: str | os.PathLike[str] | None = None
    data: bytes | None = None
    media_type: str | None = None
    detail: Literal["auto", "low", "high", "original"] | None = None

    def __post_init__(self) -> None:
        if sum(source is not None for source in (self.url, self.path, self.data)) != 1:
            raise ValueError("an Image needs exactly one of url, path and data")
        if self.path is not None and not os.path.isfile(self.path):
            raise FileNotFoundError(f"image file not found: {os.fspath(self.path)!r}")
        if self.data is not None and self._media_type() is None:
            raise ValueError("data is not a PNG, JPEG, GIF or WebP image; set media_type")

    def to_wire(self) -> dict[str, Any]:
        """Return the entry of ``input`` in `turn/start`."""
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
        return next((media_type for signature, media_type in _SIGNATURES if data.startswith(signature)), None)


class Skill(WireValue, frozen=True):
    """A skill to use, given by its name and the path of its ``SKILL.md`` on the server's machine.

    Example:
        ``await client.chat_once([Skill("review", "/skills/review/SKILL.md"), "Go."])``
    """

    name: str
    path: str | os.PathLike[str]

    def to_wire(self) -> dict[str, Any]:
        """Return the entry of ``input`` in `turn/start`."""
        return {"type": "skill", "name": self.name, "path": os.fspath(self.path)}


class Mention(WireValue, frozen=True):
    """Something that the message refers to, given by a name and a path: of a file, or such as ``app://id``.

    Example:
        ``await client.chat_once(["Summarize", Mention("notes", "/home/me/notes.md")])``
    """

    name: str
    path: str | os.PathLike[str]

    def to_wire(self) -> dict[str, Any]:
        """Return the entry of ``input`` in `turn/start`."""
        return {"type": "mention", "name": self.name, "path": os.fspath(self.path)}


InputPart: TypeAlias = str | Image | Skill | Mention
"""A part of a message."""

Prompt: TypeAlias = str | Sequence[InputPart]
"""A message: text, or a sequence of parts."""


def to_wire(prompt: Prompt) -> list[dict[str, Any]]:
    """Return a message as ``input`` of `turn/start`.

    Raises:
        TypeError: The message has a wrong type.
        FileNotFoundError: The file of an `Image` no longer exists.
    """
    if isinstance(prompt, str):
        return [_text_part(prompt)]
    if not isinstance(prompt, Sequence) or isinstance(prompt, bytes):
        raise TypeError(f"text must be a str or a sequence of parts, not {type(prompt).__name__}")
    parts: list[dict[str, Any]] = []
    for part in prompt:
        if not isinstance(part, (str, Image, Skill, Mention)):
            raise TypeError(f"a part of a message must be a str, Image, Skill or Mention, not {type(part).__name__}")
        if isinstance(part, Image) and part.path is not None and not os.path.isfile(part.path):
            raise FileNotFoundError(f"image file not found: {os.fspath(part.path)!r}")
        parts.append(_text_part(part) if isinstance(part, str) else part.to_wire())
    return parts


def _text_part(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}
