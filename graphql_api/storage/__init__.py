"""Rows and SQL, on SQLite and PostgreSQL: the store of a database URL."""

from pathlib import Path

from sqlalchemy import URL, make_url

from graphql_api.storage.engine import Store


def opened(
    url: str,
    *,
    synchronous: str = "FULL",
    pool_size: int = 10,
    batch: int = 64,
    timeout: float = 10.0,
    patience: float = 1.5,
    neighbours: Path | None = None,
) -> Store:
    """The store of `sqlite+aiosqlite:///file` or `postgresql+asyncpg://…`; connects when it is first used.

    `batch`: statements that PostgreSQL is sent together, or edits that SQLite commits together, at most;
    `timeout`: seconds a statement may run; `patience`: seconds to wait for a connection or for other writers;
    `neighbours`: folder in which several processes of one server tell each other what they wrote.
    """
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        from graphql_api.storage.sqlite import SqliteStore

        path = address.database or ""
        return SqliteStore(path, synchronous=synchronous, batch=batch, timeout=timeout, patience=patience)
    from graphql_api.storage.postgres import PostgresStore

    return PostgresStore(
        dsn(address), size=pool_size, batch=batch, timeout=timeout, patience=patience, neighbours=neighbours
    )


def obstacle(url: str, *, making: bool) -> str | None:
    """What is in the way of the file that a URL names, or of `making` one, for operators; None for what is no file."""
    address = make_url(url)
    if address.get_backend_name() != "sqlite":
        return None
    from graphql_api.storage import sqlite_path

    return sqlite_path.obstacle(address.database or "", making=making)


def dsn(address: URL) -> str:
    """The address as asyncpg reads it; `ssl` of SQLAlchemy's addresses is its `sslmode`."""
    query = {"sslmode" if name == "ssl" else name: value for name, value in address.query.items()}
    return address.set(drivername="postgresql", query=query).render_as_string(hide_password=False)
