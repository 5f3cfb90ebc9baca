"""Brings the tables of a database up to date with Alembic, once however many ask at the same time."""

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from sqlalchemy import column, select, table
from sqlalchemy.exc import SQLAlchemyError

import graphql_api
from graphql_api.domain.errors import Refused, refused
from graphql_api.storage.engine import NoTables, Shape, Statement, Store, unavailable

_VERSION = Statement(Shape(select(column("version_num")).select_from(table("alembic_version"))), {})
_NAMED = re.compile(r'^(revision|down_revision)\b[^=\n]*= *(?:"(\w+)"|None)', re.MULTILINE)


def folder() -> Path:
    """alembic/ lies in the package when it is installed, beside it in a checkout."""
    package = Path(graphql_api.__file__).parent
    shipped = package / "alembic"
    return shipped if shipped.exists() else package.parent / "alembic"


@lru_cache(maxsize=1)
def known() -> tuple[str, ...]:
    """The revisions of the tables, oldest first; read off the files, as Alembic takes 0.1 s to import."""
    above = dict(map(_link, folder().glob("versions/*.py")))
    chain: list[str] = []
    while (revision := above.get(chain[-1] if chain else "")) is not None:
        chain.append(revision)
    return tuple(chain)


def _link(path: Path) -> tuple[str, str]:
    """The revision below ("" for the first) and that of the file."""
    named = dict(_NAMED.findall(path.read_text("utf-8")))
    return named["down_revision"], named["revision"]


def newest() -> str:
    return known()[-1]


async def revision(store: Store) -> str | None:
    """The revision of the tables, None when there are none; raises Refused(UNAVAILABLE) without an answer."""
    try:
        rows = await store.read(_VERSION)
    except NoTables:
        return None
    return rows[0]["version_num"] if len(rows) == 1 else None


async def is_current(store: Store) -> bool:
    return await revision(store) == newest()


async def require_current(store: Store) -> None:
    """Raises Refused(UNAVAILABLE) with the reason why this version cannot work with the tables."""
    found = await revision(store)
    if found is None:
        raise _unfit("the database has no tables yet; run message-flows migrate")
    if found not in known():
        raise _newer(found)
    if found != newest():
        raise _unfit(f"the tables are at revision {found}, not {newest()}; run message-flows migrate")


def _newer(found: str) -> Refused:
    return _unfit(
        f"the tables are at revision {found}, which this version of message-flows does not know;"
        f" it knows up to {newest()}, a newer one has migrated them"
    )


def _unfit(message: str) -> Refused:
    return refused("UNAVAILABLE", message)


def upgrade(url: str, target: str = "head") -> Sequence[str]:
    """Runs the migrations that are missing and tells which; safe when several do at once.

    Not to be called from an event loop.
    """
    from alembic import command

    config = _config(url)
    with _sentences():
        command.upgrade(config, target)
    run: list[str] = config.attributes["run"]
    return run


def downgrade(url: str, target: str) -> None:
    from alembic import command

    with _sentences():
        command.downgrade(_config(url), target)


def _config(url: str):  # type: ignore[no-untyped-def]
    import logging

    from alembic.config import Config

    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = Config()
    config.set_main_option("script_location", str(folder()).replace("%", "%%"))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    config.attributes["run"] = []
    return config


@contextmanager
def _sentences() -> Iterator[None]:
    """What goes wrong in a migration, as Refused(UNAVAILABLE)."""
    import asyncpg
    from alembic.util import CommandError

    try:
        yield
    except CommandError as error:
        found = re.search(r"Can't locate revision identified by '(\w+)'", str(error))
        raise (_newer(found[1]) if found else _unfit(f"the tables cannot be migrated: {error}")) from None
    except SQLAlchemyError as error:
        raise unavailable(str(getattr(_first(error), "orig", error))) from None
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, sqlite3.Error) as error:
        raise unavailable(str(error) or type(error).__name__) from None


def _first(error: SQLAlchemyError) -> SQLAlchemyError:
    """What went wrong before all else: what Alembic tries to take back then may be gone already."""
    first, before = error, error.__context__
    while before is not None:
        first = before if isinstance(before, SQLAlchemyError) else first
        before = before.__context__
    return first
