"""Brings the tables of a database up to date with Alembic, once however many ask at the same time."""

import logging
from functools import lru_cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import column, select, table

import graphql_api
from graphql_api.storage.engine import Shape, Statement, Store

_VERSION = Statement(Shape(select(column("version_num")).select_from(table("alembic_version"))), {})


def folder() -> Path:
    """alembic/ lies in the package when it is installed, beside it in a checkout."""
    package = Path(graphql_api.__file__).parent
    shipped = package / "alembic"
    return shipped if shipped.exists() else package.parent / "alembic"


def upgrade(url: str, revision: str = "head") -> None:
    """Runs the migrations that are missing; safe when several do at once. Not to be called from an event loop."""
    command.upgrade(_config(url), revision)


def downgrade(url: str, revision: str) -> None:
    command.downgrade(_config(url), revision)


def _config(url: str) -> Config:
    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = Config()
    config.set_main_option("script_location", str(folder()).replace("%", "%%"))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


@lru_cache(maxsize=1)
def newest() -> str:
    head = ScriptDirectory(str(folder())).get_current_head()
    assert head is not None
    return head


async def is_current(store: Store) -> bool:
    """Whether the tables are those of this version; raises Refused(UNAVAILABLE) when the database does not answer."""
    rows = await store.read(_VERSION)
    return [row["version_num"] for row in rows] == [newest()]
