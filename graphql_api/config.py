"""The settings read from options and variables, with a sentence for each that is wrong, and shown as a table."""

import os
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from ipaddress import ip_address
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from graphql_api.domain.words import nearest
from graphql_api.settings import PREFIX as PREFIX
from graphql_api.settings import Config as Config

EXTRAS = {"traces": ("opentelemetry", "otel"), "redis_url": ("redis", "redis")}
"""Settings that need a library which is not installed with the server: that library, and the extra that brings it."""


class ConfigError(ValueError):
    """One sentence for each wrong setting, a line each: which variable it is and what would be right."""


def load(**overrides: Any) -> Config:
    """The settings of the environment, under those given here; None means not given."""
    if misspelt := list(_misspelt(os.environ)):
        raise ConfigError("\n".join(misspelt))
    try:
        return Config(**{name: value for name, value in overrides.items() if value is not None})
    except ValidationError as wrong:
        raise ConfigError("\n".join(map(_sentence, wrong.errors()))) from None


def variable(name: str) -> str:
    return PREFIX + name.upper()


def meaning(name: str) -> str:
    return str(Config.model_fields[name].description)


def settings_table() -> str:
    """The settings as the table of the docs, in Markdown."""
    rows = [
        f"| `{name}` | `{variable(name)}` | {_shown(field['default'])} | {field['description']} |"
        for name, field in _declared().items()
    ]
    return "\n".join(["| setting | variable | default | meaning |", "| --- | --- | --- | --- |", *rows])


def require_loopback(config: Config) -> None:
    """Without keys whoever reaches the server may change every flow, so that nobody else may reach it."""
    if config.auth == "open" and not is_loopback(config.host):
        raise ConfigError(
            f"{variable('host')} must be a loopback address (127.0.0.1, ::1 or localhost), not {config.host!r}, while"
            f" no keys are required: whoever reaches the server could change every flow. Set {variable('auth')}=keys"
            " and make a key with `message-flows keys create --workspace NAME --scope flows:read,flows:write`."
        )


def require_extras(config: Config) -> None:
    for name, (library, extra) in EXTRAS.items():
        if getattr(config, name) and not find_spec(library):
            needs = f"{variable(name)} needs the extra `{extra}`"
            raise ConfigError(f"{needs}: pip install 'message-flows[{extra}]'.")


def is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _declared() -> dict[str, dict[str, Any]]:
    """Name → type, range, default and description, in the words of JSON Schema."""
    declared: dict[str, dict[str, Any]] = Config.model_json_schema()["properties"]
    return declared


def _shown(default: object) -> str:
    return (
        f"`{str(default).lower() if isinstance(default, bool) else default}`" if default not in ("", []) else "(empty)"
    )


def _misspelt(names: Iterable[str]) -> Iterator[str]:
    for name in sorted(names):
        setting = name.upper().removeprefix(PREFIX).lower()
        if name.upper().startswith(PREFIX) and setting not in Config.model_fields:
            near = nearest(setting, Config.model_fields)
            yield f"{name} is no setting" + (f"; did you mean {variable(near)}?" if near else ".")


def _sentence(problem: ErrorDetails) -> str:
    name = str(problem["loc"][0])
    if problem["type"] == "value_error":
        return f"{variable(name)} {problem['ctx']['error']}."
    return f"{variable(name)} must be {_right(_declared()[name])}, not {problem['input']!r}."


def _right(field: dict[str, Any]) -> str:
    match field:
        case {"enum": spellings}:
            return " or ".join(spellings)
        case {"type": "boolean"}:
            return "true or false"
        case {"type": kind, "minimum": low, "maximum": high}:
            return f"a {'whole ' if kind == 'integer' else ''}number from {low} to {high}"
    return "text"


def environment(config: Config) -> dict[str, str]:
    """The settings as variables, from which each worker loads the same ones."""
    given = {name: getattr(config, name) for name in Config.model_fields}
    return {
        variable(name): ",".join(value) if isinstance(value, tuple) else str(value) for name, value in given.items()
    }
