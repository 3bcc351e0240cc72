"""What is secret in texts and in messages, and how it is taken out: said once, for whatever is kept or shown."""

from __future__ import annotations

import functools
import re
from itertools import pairwise
from typing import Any

MASK = "***"

_SECRET = (
    r"(?:(?:api|access|auth|private|secret|signing)[-_]?key|authorization|cookie|credentials?|jwt|passphrase"
    r"|passw(?:or)?d|secret|token)"
)
_SECRET_NAME = rf"(?ai){_SECRET}$"
_IN_VARIABLE = r"auth|cookie|credential|jwt|key|pass|private|secret|token"
_SECRET_VARIABLE = rf"(?ai){_IN_VARIABLE}|_pat$"
_VARIABLE = r"[A-Z][A-Z0-9_]+"
_ENVIRONMENTS = frozenset({"env", "environment"})
_NAMED_VALUES = (("keyPath", "value"), ("name", "value"), ("key", "value"))  # of `config/value/write`, of HTTP headers

# How a name and its value stand in a text. Quotes may be escaped: JSON may be in JSON. What is not closed goes on to the
# end of the line. No name is looked for from within another, so that the time is linear in the text.
_NAME = rf"(?:(?i:{_SECRET})|(?<![A-Z0-9_])(?=[A-Z0-9_]*(?:{_IN_VARIABLE.upper()}|_PAT\b))[A-Z0-9_]+)"
_QUOTED = r".+?(?:(?<!\\)(?=\2)|$)"
_WORD = r"[^\s\"'\\;&|()<>{\[][^\s\"'\\;&|()<>]*(?<!,)"
_LONG_WORD = r"[A-Za-z0-9._~+/=-]{8,}"
_IN_TEXT = (
    # NAME=value, "name": "value"
    rf"(?am)({_NAME}(?:=|\\*[\"']\s*[=:]\s*)(\\*[\"'])?)(?!(?i:true|false|null|none)\b)(?(2){_QUOTED}|{_WORD})",
    # --name value
    rf"(?aim)((?<![\w-])--[\w-]*{_SECRET}\s+(\\*[\"'])?)(?!-)(?(2){_QUOTED}|{_WORD})",
    # name: value
    rf"(?aim)({_SECRET}\s*[=:]\s*(?:(?:basic|bearer)\s+)?(\\*[\"'])?)(?(2){_QUOTED}|{_LONG_WORD})",
    rf"(?ai)(bearer\s+|\bsk-|\beyJ){_LONG_WORD}",
)

_TEXT_HINTS = (
    *("_pat", "auth", "bearer", "cookie", "credential", "eyj", "jwt", "key", "pass", "private", "secret", "sk-"),
    "token",
)
"""Without any of these in it, in small letters, a text holds nothing that is masked here. Looking for them is cheap."""

_HINTS = (*(hint.encode() for hint in _TEXT_HINTS), b"\\u")  # the last one begins a letter in disguise
"""The same for a whole message."""


def mask_text(text: str) -> str:
    """Take out what looks like a secret by what stands before it.

    That is ``Bearer ...``, ``sk-...`` and ``eyJ...``; a name of a secret, as `MessageMask` knows them, with ``=`` and no
    space around it, or in quotes, as in JSON; such a name as an option of a command, ``--api-key ...``; and with a colon,
    or with spaces, before a value that is in quotes, or has eight signs of those that keys are made of, or more.
    """
    small = text.lower()
    if any(hint in small for hint in _TEXT_HINTS):
        for pattern in _IN_TEXT:
            text = re.sub(pattern, rf"\1{MASK}", text)
    return text


class MessageMask:
    """Takes the secrets out of the messages of one connection.

    These become ``***``, in both directions:

    - the value of a key whose name ends in ``apiKey``, ``accessKey``, ``privateKey``, ``token``, ``secret``,
      ``password``, ``authorization``, ``cookie``, ``credentials`` and the like, in any spelling;
    - the value of an environment variable whose name has ``KEY``, ``TOKEN``, ``SECRET``, ``PASS``, ``AUTH`` and the like
      in it: of a name in capitals anywhere, and of any name in an object under ``env`` or ``environment``;
    - the ``value`` beside a ``name``, ``key`` or ``keyPath`` of either kind;
    - in a list of words, what follows an option of such a name, as ``--token``;
    - the answers to questions that the server calls secret (``isSecret``);
    - in any other text, what `mask_text` finds.

    Truth values and nulls stay.

    It goes by names alone, so this is not found: a secret that has none (the password in a URL, a private key in PEM, the
    ``ghp_...`` of a prompt), or another name (``pin``, ``auth`` in small letters); a secret in pieces, as deltas may bring
    it, or in base64; the pairs of a list (``["Authorization", "..."]``); a short one after ``password: `` in prose.
    """

    def __init__(self) -> None:
        self._secret_questions: dict[object, list[str]] = {}  # their ids, by that of the server's request

    def may_find(self, line: bytes | bytearray) -> bool:
        """Whether there may be something to mask in a message."""
        small = line.lower()
        for hint in _HINTS:  # `any` would take twice the time
            if hint in small:
                return True
        return bool(self._secret_questions)

    def apply(self, message: dict[str, Any]) -> dict[str, Any]:
        """Return a message without its secrets. Each request of the server is to pass here before its answer."""
        masked: dict[str, Any] = _masked(message)
        if "method" in message:
            self._note_questions(message)
        elif questions := self._secret_questions.get(_key(message.get("id"))):
            _mask_answers(masked, questions)
        return masked

    def forget(self, message: dict[str, Any]) -> None:
        """Take a message that will not come again; when it answers questions, no other one does."""
        result = message.get("result")
        if isinstance(result, dict) and "answers" in result:  # else it may be the server's, to the same id of ours
            self._secret_questions.pop(_key(message.get("id")), None)

    def _note_questions(self, message: dict[str, Any]) -> None:
        params = message.get("params")
        questions = params.get("questions") if isinstance(params, dict) and "id" in message else None
        if isinstance(questions, list):
            secret = [one.get("id") for one in questions if isinstance(one, dict) and one.get("isSecret") is True]
            if secret:
                self._secret_questions[_key(message["id"])] = [name for name in secret if isinstance(name, str)]


def _mask_answers(answer: dict[str, Any], questions: list[str]) -> None:
    result = answer.get("result")
    answers = result.get("answers") if isinstance(result, dict) else None
    if isinstance(answers, dict):
        answers.update({name: _hidden(answers[name]) for name in questions if name in answers})


def _key(request_id: object) -> object:
    return request_id if isinstance(request_id, (int, str)) else None


def _masked(value: Any, *, is_environment: bool = False) -> Any:
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, list):
        return [
            _hidden(one) if _is_secret_option(before) else _masked(one, is_environment=is_environment)
            for before, one in pairwise([None, *value])
        ]
    if not isinstance(value, dict):
        return value
    masked = {
        name: _hidden(one) if _is_secret(name, is_environment) else _masked(one, is_environment=_is_environment(name))
        for name, one in value.items()
    }
    for name, one in _NAMED_VALUES:
        path = value.get(name)
        if isinstance(path, str) and one in value:
            if _is_secret(path, is_environment):
                masked[one] = _hidden(value[one])
            elif _is_environment(path):
                masked[one] = _masked(value[one], is_environment=True)
    return masked


def _hidden(value: Any) -> Any:
    if isinstance(value, list):
        return [_hidden(one) for one in value]
    if isinstance(value, dict):
        return {name: _hidden(one) for name, one in value.items()}
    return value if value is None or isinstance(value, bool) or value == "" else MASK


@functools.lru_cache(4_096)
def _is_secret(path: str, is_environment: bool) -> bool:
    *parents, name = _names(path)
    if is_environment or (parents and parents[-1] in _ENVIRONMENTS) or re.fullmatch(_VARIABLE, name):
        return re.search(_SECRET_VARIABLE, name) is not None
    return re.search(_SECRET_NAME, name) is not None


def _is_secret_option(word: object) -> bool:
    return isinstance(word, str) and word.startswith("--") and _is_secret(word, False)


def _is_environment(path: str) -> bool:
    return _names(path)[-1] in _ENVIRONMENTS


def _names(path: str) -> list[str]:
    return [name.strip("\"'") for name in path.split(".")]  # keys of the configuration may be paths
