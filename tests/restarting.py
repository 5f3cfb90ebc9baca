"""A PostgreSQL of a test's own, which is stopped in the middle of its work and started again."""

from collections.abc import Iterator
from contextlib import contextmanager

from bench.torturing.servers import Postgres
from graphql_api.storage import migrations
from tests import shared


@contextmanager
def own_postgres() -> Iterator[Postgres]:
    """With tables, and started; it is gone afterwards, whether the test has stopped it or not."""
    postgres = Postgres(shared.part("own"))
    try:
        migrations.upgrade(postgres.url)
        yield postgres
    finally:
        postgres.start()
        postgres.close()
