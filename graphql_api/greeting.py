"""What `serve` prints when it listens: addresses that answer here."""

from graphql_api.config import Config
from graphql_api.domain.example import EXAMPLE, WORKSPACE

FLOWS = "/v1/api/message-flows"


def address(settings: Config, port: int) -> str:
    """A `root_path` is only before the addresses of the proxy, which cuts it off."""
    scheme = "https" if settings.tls_certificate else "http"
    return f"{scheme}://{f'[{settings.host}]' if ':' in settings.host else settings.host}:{port}"


def lines(settings: Config, at: str, *, has_example: bool) -> tuple[str, ...]:
    return (
        f"GraphQL       {at}/graphql",
        _rest(settings, at, has_example),
        f"In a browser  {at}/  (playground)  {at}/docs  (reference)  {at}/flows",
        f"Health        {at}/health/ready",
    )


def _rest(settings: Config, at: str, has_example: bool) -> str:
    """The example is there for whoever may read its workspace: with keys that depends on the key."""
    if settings.auth == "keys":
        return (
            f"REST          {at}{FLOWS}  (headers x-api-key: KEY, of message-flows keys create, x-workspace-id: NAME)"
        )
    if has_example:
        return f"REST example  {at}{FLOWS}/{EXAMPLE['_id']}  (header x-workspace-id: {WORKSPACE})"
    return f"REST          {at}{FLOWS}  (header x-workspace-id: NAME)"
