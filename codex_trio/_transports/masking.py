"""What is secret in texts and in messages, and how it is taken out: said once, for whatever is kept or shown."""

from __future__ import annotations

import functools
import re
from typing import Any

MASK = "***"

_IN_TEXT = (
    r"(?ai)(bearer\s+|\bsk-|\beyJ|(?:api[-_]?key|token|secret|password)[\"']?\s*[=:]\s*[\"']?)[A-Za-z0-9._~+/=-]{8,}"
)
_SECRET_NAME = (
    r"(?ai)(?:(?:api|access|auth|private|secret|signing)[-_]?key|authorization|cookie|credentials?|jwt|passphrase"
    r"|passw(?:or)?d|secret|token)$"
)
_SECRET_VARIABLE = r"(?ai)auth|cookie|credential|jwt|key|pass|_pat$|private|secret|token"
_VARIABLE = r"[A-Z][A-Z0-9_]+"
_ENVIRONMENTS = frozenset({"env", "environment"})
_NAMED_VALUES = (("keyPath", "value"), ("name", "value"))  # of `config/value/write`, of HTTP headers

_TEXT_HINTS = ("bearer", "eyj", "key", "password", "secret", "sk-", "token")
"""Without any of these in it, in small letters, a text holds nothing that is masked here. Looking for them is cheap."""

_HINTS = (
    *(b"auth", b"bearer", b"cookie", b"credential", b"eyj", b"jwt", b"key", b"pass", b"_pat", b"private", b"secret"),
    *(b"sk-", b"token", b"\\u"),  # the last one begins a letter in disguise
)
"""The same for a whole message."""


def mask_text(text: str) -> str:
    """Take out what looks like a secret by what stands before it: ``Bearer ...``, ``sk-...``, ``password: ...``."""
    small = text.lower()
    return re.sub(_IN_TEXT, rf"\1{MASK}", text) if any(hint in small for hint in _TEXT_HINTS) else text


class MessageMask:
    """Takes the secrets out of the messages of one connection.

    These become ``***``, in both directions:

    - the value of a key whose name ends in ``apiKey``, ``accessKey``, ``privateKey``, ``token``, ``secret``,
      ``password``, ``authorization``, ``cookie``, ``credentials`` and the like, in any spelling;
    - the value of an environment variable whose name has ``KEY``, ``TOKEN``, ``SECRET``, ``PASS``, ``AUTH`` and the like
      in it: of a name in capitals anywhere, and of any name in an object under ``env`` or ``environment``;
    - the ``value`` beside a ``name`` or a ``keyPath`` of either kind;
    - the answers to questions that the server calls secret (``isSecret``);
    - in any other text, what `mask_text` finds.

    Truth values and nulls stay.
    """

    def __init__(self) -> None:
        self._secret_questions: dict[object, list[object]] = {}  # their ids, by that of the server's request

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
            result = message.get("result")
            if isinstance(result, dict) and "answers" in result:  # else it may be the server's, to the same id of ours
                del self._secret_questions[_key(message["id"])]
        return masked

    def _note_questions(self, message: dict[str, Any]) -> None:
        params = message.get("params")
        questions = params.get("questions") if isinstance(params, dict) and "id" in message else None
        if isinstance(questions, list):
            secret: list[object] = [
                one.get("id") for one in questions if isinstance(one, dict) and one.get("isSecret") is True
            ]
            if secret:
                self._secret_questions[_key(message["id"])] = secret


def _mask_answers(answer: dict[str, Any], questions: list[object]) -> None:
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
        return [_masked(one) for one in value]
    if not isinstance(value, dict):
        return value
    masked = {
        name: _hidden(one)
        if _is_secret(name, is_environment)
        else _masked(one, is_environment=_last(name) in _ENVIRONMENTS)
        for name, one in value.items()
    }
    for name, one in _NAMED_VALUES:
        if isinstance(value.get(name), str) and one in value and _is_secret(value[name], is_environment):
            masked[one] = _hidden(value[one])
    return masked


def _hidden(value: Any) -> Any:
    if isinstance(value, list):
        return [_hidden(one) for one in value]
    if isinstance(value, dict):
        return {name: _hidden(one) for name, one in value.items()}
    return value if value is None or isinstance(value, bool) or value == "" else MASK


@functools.lru_cache(4_096)
def _is_secret(name: str, is_environment: bool) -> bool:
    name = _last(name)
    if is_environment or re.fullmatch(_VARIABLE, name):
        return re.search(_SECRET_VARIABLE, name) is not None
    return re.search(_SECRET_NAME, name) is not None


def _last(name: str) -> str:
    return name.rpartition(".")[2]  # keys of the configuration may be paths
