"""Libraries that only some settings need, and the extra that brings each."""

from importlib.util import find_spec

from graphql_api import config
from graphql_api.config import Config, ConfigError

EXTRAS = {"traces": ("opentelemetry", "otel"), "redis_url": ("redis", "redis")}


def require(settings: Config) -> None:
    """Raises ConfigError where one is missing."""
    for name, (library, extra) in EXTRAS.items():
        if getattr(settings, name) and not find_spec(library):
            needs = f"{config.variable(name)} needs the extra `{extra}`"
            raise ConfigError(f"{needs}: pip install 'message-flows[{extra}]'.")
