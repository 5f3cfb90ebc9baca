"""Every setting once: name, environment variable, default, range and meaning."""

from typing import Annotated, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from graphql_api.spellings import Commas, Database, Host, HostHeader, Origin, Proxy, RedisUrl, RootPath

PREFIX = "MESSAGE_FLOWS_"


class Config(BaseSettings):
    """The settings of one server; made by `config.load`, which says what is wrong in words."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, allow_inf_nan=False, extra="forbid")

    database_url: Database = Field(
        "sqlite+aiosqlite:///./message-flows.db",
        repr=False,
        description="The database: `sqlite+aiosqlite:///` and a file, or `postgresql+asyncpg://user:password@host/name`.",
    )
    host: Host = Field("127.0.0.1", description="Address to listen on; without keys a loopback address.")
    port: int = Field(8000, ge=0, le=65_535, description="Port to listen on; 0 takes any free one.")
    workers: int = Field(1, ge=1, le=256, description="Processes that serve the same database.")
    demo: bool = Field(False, description="Put the documented example flow into a database that has no flows.")
    migrate: bool = Field(False, description="Bring the tables up to date before serving.")

    sqlite_synchronous: Literal["FULL", "NORMAL"] = Field(
        "FULL",
        description="SQLite: `FULL` answers when a change is on disk; `NORMAL` is faster and may lose the last ones"
        " when the machine loses power.",
    )
    group_size: int = Field(
        64,
        ge=1,
        le=1_000,
        description="Most statements of requests that PostgreSQL is sent together, and most edits or reads of a"
        " transaction of SQLite, when they wait at the same moment; 1 leaves each by itself.",
    )
    pool_size: int = Field(10, ge=1, le=1_000, description="PostgreSQL: connections of each worker.")
    statement_timeout: float = Field(
        10.0, ge=0.1, le=3_600, description="Seconds after which the database gives up a statement."
    )
    acquire_timeout: float = Field(
        1.5, ge=0.01, le=60, description="Seconds that a request waits for a free connection before it is answered 503."
    )

    replay_hours: float = Field(
        24.0,
        ge=0.01,
        le=8_760,
        description="Hours for which a request with an `Idempotency-Key` gets its first answer.",
    )
    retention_days: int = Field(90, ge=1, le=36_500, description="Days of history that `message-flows prune` keeps.")

    max_body_bytes: int = Field(
        2 * 1024 * 1024, ge=1_024, le=1024**3, description="Largest body of a request, in bytes."
    )
    body_timeout: float = Field(
        10.0, ge=0.1, le=3_600, description="Seconds in which the whole body of a request must arrive."
    )
    max_header_bytes: int = Field(16_384, ge=1_024, le=1024**2, description="Largest head of a request, in bytes.")
    max_json_depth: int = Field(64, ge=8, le=500, description="Most objects and lists inside one another in a body.")
    max_integer_digits: int = Field(20, ge=10, le=4_300, description="Most digits of a whole number in a body.")

    max_tokens: int = Field(2_000, ge=1, le=1_000_000, description="Most tokens of a GraphQL document.")
    max_depth: int = Field(15, ge=1, le=1_000, description="Most fields inside one another, fragments followed.")
    max_aliases: int = Field(50, ge=0, le=100_000, description="Most aliases of an operation, fragments followed.")
    max_root_fields: int = Field(20, ge=1, le=100_000, description="Most fields at the root of an operation.")
    max_directives: int = Field(50, ge=0, le=100_000, description="Most directives that stand in a GraphQL document.")
    max_selections: int = Field(
        5_000,
        ge=1,
        le=1_000_000,
        description="Most fields and fragments that all operations of a GraphQL document select, fragments followed.",
    )
    max_subscriptions: int = Field(
        100,
        ge=1,
        le=1_000_000,
        description="Most subscriptions, and most WebSockets, of a key, or of an address where no keys are required, in"
        " each process; also most operations at once on a WebSocket.",
    )
    max_cost: int = Field(
        10_000, ge=1, le=1_000_000_000, description="Most points an operation may cost; page sizes multiply."
    )
    max_page: int = Field(
        100, ge=20, le=10_000, description="Longest page of a GraphQL list; the pages for people ask for 20."
    )
    max_rest_page: int = Field(
        1_000,
        ge=1,
        le=10_000,
        description="Longest page of the REST list, and its length where no `limit` is given; a flow costs 6 points of"
        " `max_cost`.",
    )
    max_batch: int = Field(
        1_000, ge=1, le=10_000, description="Most flows of one bulk update; a flow costs 10 points of `max_cost`."
    )
    introspection: bool = Field(
        True, description="Whether clients may read the GraphQL schema, and people at `/docs/schema`."
    )
    suggestions: bool = Field(True, description='Whether errors offer the nearest name ("did you mean").')

    cors_origins: Annotated[tuple[Origin, ...], *Commas] = Field(
        (), description="Origins whose pages may call the server, separated by commas."
    )
    allowed_hosts: Annotated[tuple[HostHeader, ...], *Commas] = Field(
        (),
        description="Names that requests may give as `Host`, separated by commas; when empty the loopback names on a"
        " loopback address, else any.",
    )
    root_path: RootPath = Field(
        "", description="Path under which a proxy publishes the server, cut off of what it sends on."
    )

    auth: Literal["open", "keys"] = Field(
        "open",
        description="`open` lets in whoever reaches the server, on a loopback address only; `keys` asks every request"
        " for an API key.",
    )
    key_points: int = Field(
        60_000, ge=0, le=1_000_000_000, description="Points of cost that a key may spend in a minute; 0 is no limit."
    )
    address_points: int = Field(
        0,
        ge=0,
        le=1_000_000_000,
        description="Points of cost that an address may spend in a minute while no keys are required; 0 is no limit.",
    )
    redis_url: RedisUrl = Field(
        "",
        repr=False,
        description="Redis in which all processes count the points of a minute, as in `redis://host:6379/0`, with 6379"
        " as its port where none is named; when empty each process counts its own.",
    )

    max_webhooks: int = Field(20, ge=0, le=1_000, description="Most webhooks of a workspace.")
    webhook_networks: Annotated[tuple[Proxy, ...], *Commas] = Field(
        (),
        description="Addresses or networks that webhooks may reach although they are not public, also without TLS,"
        " separated by commas.",
    )
    webhook_timeout: float = Field(
        10.0, ge=0.1, le=60, description="Seconds that an endpoint has to answer a webhook's message."
    )
    webhook_patience_hours: float = Field(
        72.0,
        ge=0,
        le=8_760,
        description="Hours for which an endpoint may fail to take one message of a webhook before it is parked.",
    )

    log_sample: float = Field(
        0.1,
        ge=0,
        le=1,
        description="Part of the requests that are logged; failed ones always are, and refused ones but for floods.",
    )
    traces: bool = Field(
        False,
        description="Whether requests, operations and statements are traced with OpenTelemetry, whose own `OTEL_…`"
        " variables say where to; needs the extra `otel`.",
    )
    metrics_port: int = Field(
        0,
        ge=0,
        le=65_535,
        description="Port for `/metrics` alone; 0 serves it beside the rest, to keys with the scope admin.",
    )
    metrics_host: Host = Field("127.0.0.1", description="Address for `metrics_port` to listen on.")

    drain_seconds: float = Field(
        1.0,
        ge=0,
        le=600,
        description="Seconds between SIGTERM, when `/health/ready` turns to 503, and the moment from which no more"
        " connections are accepted.",
    )
    shutdown_seconds: int = Field(
        10, ge=1, le=3_600, description="Seconds that requests in flight have to finish when the server stops."
    )
    keep_alive_seconds: int = Field(
        75,
        ge=1,
        le=3_600,
        description="Seconds that a connection may wait for its next request; longer than a proxy keeps one, which else"
        " may send into a connection that is just being closed.",
    )
    trusted_proxies: Annotated[tuple[Proxy, ...], *Commas] = Field(
        (),
        description="Addresses or networks of proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed,"
        " separated by commas.",
    )
    tls_certificate: str = Field("", description="File with the certificate chain (PEM) to serve HTTPS with.")
    tls_key: str = Field("", description="File with the private key of `tls_certificate` (PEM), without a passphrase.")
