"""Writes this package anew from the schema that a codex binary prints, the newest one that the tests are run with.

```sh
python -m codex_trio.protocol._generate "$(.ci/codex newest)"
```
"""

from __future__ import annotations

import json
import keyword
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

Schema = Mapping[str, Any]

# Answers whose type is not called as the request's parameters are.
_RESPONSES = {
    "config/value/write": "ConfigWriteResponse",
    "config/batchWrite": "ConfigWriteResponse",
    "account/logout": "LogoutAccountResponse",
    "account/rateLimits/read": "GetAccountRateLimitsResponse",
    "account/usage/read": "GetAccountTokenUsageResponse",
    "account/securitySetup/read": "GetAccountSecuritySetupResponse",
    "account/workspaceMessages/read": "GetWorkspaceMessagesResponse",
    "account/gatewayOAuth/login": "GatewayOAuthLoginResponse",
    "accountSession/list": "AccountSessionsResponse",
    "config/mcpServer/reload": "McpServerRefreshResponse",
    "externalAgentConfig/import/readHistories": "ExternalAgentConfigImportHistoriesReadResponse",
}
_METHODS = {
    "RequestMethod": "ClientRequest",
    "AskMethod": "ServerRequest",
    "NotificationMethod": "ServerNotification",
}
_SCALARS = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
_HEAD = (
    '"""{what} Made by `_generate.py` from codex {version}; do not edit."""\n\nfrom __future__ import annotations\n\n'
)


def read_schema(command: Iterable[str]) -> tuple[str, dict[str, Any]]:
    """Return a codex's version, and the schema that it prints: its definitions by name."""
    command = list(command)
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "CODEX_HOME": folder}  # the user's own is none of our business
        told = subprocess.run([*command, "--version"], check=True, capture_output=True, text=True, env=env)
        version = told.stdout.split()[-1]
        options = ["app-server", "generate-json-schema", "--experimental", "--out", folder]
        subprocess.run([*command, *options], check=True, capture_output=True, env=env)
        whole = json.loads((Path(folder) / "codex_app_server_protocol.schemas.json").read_text())
        flat = json.loads((Path(folder) / "codex_app_server_protocol.v2.schemas.json").read_text())
    old = {name: one for name, one in whole["definitions"].items() if name != "v2"}
    return version, {**old, **flat["definitions"]}


def make_modules(version: str, definitions: Schema) -> dict[str, str]:
    """Return the files of this package that are made: their text by name."""
    types = _Types(definitions)
    return {"__init__.py": types.module(version), "_requests.py": types.requests_module(version)}


class _Types:
    def __init__(self, definitions: Schema) -> None:
        self._definitions = definitions
        self._blocks: dict[str, str] = {}
        self._order: list[str] = []
        for name in sorted(definitions):
            self._define(_name(name), definitions[name])
        self.methods = {kind: self._methods(kind) for kind in ("ClientRequest", "ServerRequest", "ServerNotification")}

    def _methods(self, kind: str) -> dict[str, Schema]:
        found = {}
        for one in self._definitions[kind]["oneOf"]:
            found[one["properties"]["method"]["enum"][0]] = one["properties"].get("params", {"type": "null"})
        return found

    # --- definitions

    def _define(self, name: str, schema: Schema) -> None:
        if name in self._blocks:
            return
        self._blocks[name] = ""
        if _is_record(schema):
            self._blocks[name] = self._record(name, schema)
        else:
            self._blocks[name] = f"{name}: TypeAlias = {self._type(schema, name)!r}"
        self._order.append(name)

    def _record(self, name: str, schema: Schema) -> str:
        properties, required = schema.get("properties", {}), set(schema.get("required", ()))
        fields = {key: self._field(name, key, one, key in required) for key, one in properties.items()}
        if all(key.isidentifier() and not keyword.iskeyword(key) for key in fields):
            body = "".join(f"\n    {key}: {type_}" for key, type_ in fields.items()) or "\n    pass"
            return f"class {name}(TypedDict):{body}"
        body = "".join(f"\n        {key!r}: {type_!r}," for key, type_ in fields.items())
        return f"{name} = TypedDict(\n    {name!r},\n    {{{body}\n    }},\n)"

    def _field(self, name: str, key: str, schema: Any, is_required: bool) -> str:
        type_ = self._type(schema, name + _name(key[:1].upper() + key[1:]))
        return type_ if is_required else f"NotRequired[{type_}]"

    # --- types

    def _type(self, schema: Any, hint: str) -> str:
        if not isinstance(schema, Mapping):
            return "Any"
        if "$ref" in schema:
            return _name(schema["$ref"].rpartition("/")[2])
        if "enum" in schema:
            return f"Literal[{', '.join(repr(value) for value in schema['enum'])}]"
        if "const" in schema:
            return f"Literal[{schema['const']!r}]"
        for word in ("oneOf", "anyOf"):
            if word in schema:
                return self._union(schema, schema[word], hint)
        if "allOf" in schema:
            return self._type(schema["allOf"][0], hint) if len(schema["allOf"]) == 1 else "dict[str, Any]"
        return self._plain(schema, hint)

    def _union(self, schema: Schema, members: Iterable[Any], hint: str) -> str:
        shared = schema.get("properties", {})
        found: list[str] = []
        for number, member in enumerate(members):
            if shared and isinstance(member, Mapping) and "$ref" not in member:
                member = {
                    **member,
                    "properties": {**shared, **member.get("properties", {})},
                    "required": [*schema.get("required", ()), *member.get("required", ())],
                }
            title = member.get("title") if isinstance(member, Mapping) else None
            type_ = self._type(member, _name(title) if title else f"{hint}{number + 1}")
            if type_ not in found:
                found.append(type_)
        return " | ".join(found)

    def _plain(self, schema: Schema, hint: str) -> str:
        kind = schema.get("type")
        if isinstance(kind, list):
            return " | ".join(self._plain({**schema, "type": one}, hint) for one in kind)
        if kind == "array":
            return f"list[{self._type(schema.get('items'), hint + 'Item')}]"
        if kind == "object" or "properties" in schema:
            if _is_record(schema):
                name = hint
                while name in self._blocks or name in self._definitions:
                    name += "_"
                self._define(name, schema)
                return name
            return f"dict[str, {self._type(schema.get('additionalProperties'), hint + 'Value')}]"
        return _SCALARS.get(str(kind), "Any")

    # --- the files

    def module(self, version: str) -> str:
        lines = [_HEAD.format(what="The app-server's wire protocol as types.", version=version).rstrip(), ""]
        lines += ["from typing import Any, Final, Literal, NotRequired, TypeAlias, TypedDict", ""]
        lines += [f"VERSION: Final = {version!r}", '"""The codex that these types were made from."""', ""]
        for alias, kind in _METHODS.items():
            lines += [f"{alias}: TypeAlias = Literal[", *(f"    {name!r}," for name in self.methods[kind]), "]", ""]
        lines += [block + "\n" for block in (self._blocks[name] for name in self._order)]
        return _quoted("\n".join(lines))

    def requests_module(self, version: str) -> str:
        used: set[str] = set()
        overloads = [self._overload(name, params, used) for name, params in self.methods["ClientRequest"].items()]
        imports = "".join(f"    {name},\n" for name in sorted(used, key=str.lower))
        return _quoted(
            _HEAD.format(what="`Request`: the type of `client.request`.", version=version)
            + "from collections.abc import Mapping\nfrom typing import Any, Literal, Protocol, overload\n\n"
            + f"from . import (\n{imports})\n\n\nclass Request(Protocol):\n"
            + '    """Any JSON-RPC request of the app-server. For those known here, parameters and result are typed."""\n\n'
            + "\n".join(overloads)
            + "\n    @overload\n    async def __call__(self, method: str, params: Mapping[str, Any] | None = None, *, "
            + "timeout: float | None = None) -> Any:\n        ...\n"
        )

    def _overload(self, method: str, params: Schema, used: set[str]) -> str:
        members = params.get("anyOf", [params])
        name = next((_name(one["$ref"].rpartition("/")[2]) for one in members if "$ref" in one), None)
        result = self._result(method, name)
        used |= {one for one in (name, result) if one is not None and one in self._blocks}
        is_optional = name is None or len(members) > 1 or not self._definitions.get(name, {}).get("required")
        type_ = "None" if name is None else f"{name} | None" if is_optional else name
        default = " = None" if is_optional else ""
        return (
            f"    @overload\n    async def __call__(self, method: Literal[{method!r}], params: {type_}{default}, *, "
            f"timeout: float | None = None) -> {result}:\n        ...\n"
        )

    def _result(self, method: str, params: str | None) -> str:
        by_method = "".join(part[:1].upper() + part[1:] for part in re.split(r"[/_]", method))
        stem = (params or "").removesuffix("Params").removeprefix("Nullable")
        for name in (_RESPONSES.get(method, ""), f"{stem}Response", f"{by_method}Response"):
            if name in self._blocks:
                return name
        return "Any"


def _is_record(schema: Schema) -> bool:
    if any(word in schema for word in ("oneOf", "anyOf", "allOf", "enum", "$ref")):
        return False
    if schema.get("properties"):
        return True
    return schema.get("type") == "object" and not schema.get("additionalProperties")


def _name(text: str) -> str:
    name = "".join(part[:1].upper() + part[1:] for part in re.split(r"[\W_]+", text))
    return name if name.isidentifier() and not keyword.iskeyword(name) else f"{name}_"


def _quoted(text: str) -> str:
    """Turn quotes as this project has them."""
    formatted = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--line-length", "120", "-"],
        input=text, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return formatted.stdout


def main() -> None:
    """Write the files."""
    if len(sys.argv) != 2:
        sys.exit("usage: python -m codex_trio.protocol._generate /path/to/codex")
    version, definitions = read_schema(sys.argv[1:])
    folder = Path(__file__).parent
    for name, text in make_modules(version, definitions).items():
        (folder / name).write_text(text)
    sys.stdout.write(f"codex {version}: {len(definitions)} definitions\n")


if __name__ == "__main__":
    main()
