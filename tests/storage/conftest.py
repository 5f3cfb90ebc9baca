"""A PostgreSQL that may be stopped and killed, apart from the one that all other tests share."""

from collections.abc import Iterator

import pytest

from bench.torturing.servers import Postgres


@pytest.fixture(scope="module")
def private_postgres() -> Iterator[Postgres]:
    postgres = Postgres()
    try:
        yield postgres
    finally:
        postgres.start()
        postgres.close()
