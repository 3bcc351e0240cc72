"""`LocalNames`: hide names of people and machines in recordings and the output of the command line. No I/O."""

from __future__ import annotations

import os
import re


class LocalNames:
    """Names that identify this machine and this user.

    ``~`` replaces a home folder (``/home/NAME``, ``/Users/NAME``, ``/root``, and this user's), and this user's name in
    other paths, such as ``/media/NAME``. ``host`` replaces the name of this machine, unless the name consists of letters
    alone, because it may then be an ordinary word.

    Args:
        home: This user's home folder.
        host: The name of this machine.
    """

    def __init__(self, home: str, host: str) -> None:
        homes = [path for path in dict.fromkeys((home, os.path.realpath(home))) if path.strip("/")]
        hosts = [name for name in dict.fromkeys((host, host.partition(".")[0])) if not name.isalpha() and len(name) > 3]
        self._replacements = [
            *((path, _start_pattern(path) + _END, b"~") for path in sorted(homes, key=len, reverse=True)),
            *((path, _start_pattern(path) + _ANY_NAME, b"~") for path in ("/home/", "/Users/")),
            ("/root", _start_pattern("/root") + _END, b"~"),
            *((name, _start_pattern(name) + _END, b"host") for name in hosts),
        ]
        if homes:
            user = f"/{os.path.basename(home)}"
            parents = "|".join(rf"(?<=/{parent}{re.escape(user)})" for parent in _PARENTS_OF_USERS)
            self._replacements.append((user, f"(?:{parents}){_END}", b"/~"))

    @classmethod
    def here(cls) -> LocalNames:
        """Return the names of this machine and this user."""
        return cls(os.path.expanduser("~"), os.uname().nodename)

    def hide(self, data: bytes | bytearray) -> bytes | bytearray:
        """Replace the names in UTF-8 text or JSON."""
        for start, rest, replacement in self._replacements:
            literal = os.fsencode(start)
            if literal in data:  # much faster than the pattern
                data = re.compile(re.escape(literal) + os.fsencode(rest)).sub(replacement, data)
        return data

    def hide_in_text(self, text: str) -> str:
        """Replace the names in text."""
        return self.hide(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")


_PARENTS_OF_USERS = ("home", "Users", "users", "mail", "media")
_NAME_BYTE = r"[\w\x80-\xff-]"
_ANY_NAME = rf"{_NAME_BYTE}(?:[\w\x80-\xff.-]*{_NAME_BYTE})?"
_END = rf"(?!{_NAME_BYTE}|\.\w)"


def _start_pattern(text: str) -> str:
    """Return a pattern that matches a text only at the start of a path or a word."""
    # In JSON, an escaped line feed before the text ends in a letter.
    text = re.escape(text)
    return rf"(?:(?<![\w\x80-\xff.~-]{text})|(?<=\\[bfnrt]{text}))"
