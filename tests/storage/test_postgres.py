"""PostgreSQL that is restarted, killed, frozen, locked or full: told soon, told truly, and over by itself."""

import asyncio
import os
import signal
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest
from sqlalchemy import bindparam, select, text

from bench.torturing.servers import Postgres
from graphql_api.domain.errors import Refused
from graphql_api.storage import postgres_pool
from graphql_api.storage.engine import NoTables, Script, Shape, Statement
from graphql_api.storage.postgres import PostgresStore
from graphql_api.storage.postgres_lent import Lent
from graphql_api.storage.postgres_pool import Pool
from graphql_api.web.turn import resumed
from tests.storage.conftest import dsn
from tests.storage.misnamed import misnamed
from tests.storage.tally import SLEEP, TALLY, TOTAL, added, both, count, count_recalled, failing, read

pytestmark = pytest.mark.processes

ONE = Shape(select(TALLY.c.count).where(TALLY.c.id == bindparam("id")), single=True)
"""Many of which are sent together."""


@pytest.fixture
async def store(postgres: Postgres) -> AsyncIterator[PostgresStore]:
    store = PostgresStore(dsn(postgres), patience=20)
    yield store
    await store.close()


@pytest.fixture
async def single(postgres: Postgres) -> AsyncIterator[PostgresStore]:
    """One connection, little patience, yet more than it takes a busy machine to connect."""
    store = PostgresStore(dsn(postgres), size=1, patience=2)
    yield store
    await store.close()


@pytest.fixture
async def other(postgres: Postgres) -> AsyncIterator[asyncpg.Connection]:
    """A connection of somebody else."""
    connection = await asyncpg.connect(dsn(postgres))
    yield connection
    if not connection.is_closed():
        connection.terminate()


def added_to(*ids: str) -> Script[None]:
    for id in ids:
        yield added(id)


def add() -> Script[int]:
    """Writes without having looked: done twice it counts twice."""
    (row,) = yield added("a")
    return int(row["count"])


async def total(store: PostgresStore) -> int:
    return int((await store.read(TOTAL))[0]["total"])


async def pids(other: asyncpg.Connection, waiting_for: str = "%") -> list[int]:
    """The backends of the store, or those that wait for something."""
    await other.execute("SELECT pg_stat_clear_snapshot()")
    rows = await other.fetch(
        "SELECT pid FROM pg_stat_activity WHERE application_name = 'message-flows'"
        " AND coalesce(wait_event_type, '') LIKE $1",
        waiting_for,
    )
    return [row["pid"] for row in rows]


async def waiting(other: asyncpg.Connection, waiting_for: str = "Lock") -> int:
    """The backend that waits for a lock, or for something else, as soon as one does."""
    async with asyncio.timeout(10):
        while not (found := await pids(other, waiting_for)):  # noqa: ASYNC110 (nobody tells of it)
            await asyncio.sleep(0.01)
    return found[0]


async def gone(other: asyncpg.Connection) -> None:
    """All backends of the store end, each as soon as it sees that its connection is closed."""
    async with asyncio.timeout(10):
        while await pids(other):  # noqa: ASYNC110 (nobody tells of it)
            await asyncio.sleep(0.05)


async def end(other: asyncpg.Connection, *backends: int) -> None:
    for pid in backends:
        await other.execute("SELECT pg_terminate_backend($1)", pid)


async def hold(other: asyncpg.Connection) -> Any:
    """Keeps a row of the tally for itself."""
    transaction = other.transaction()
    await transaction.start()
    await other.execute("SELECT * FROM tally WHERE id = 'a' FOR UPDATE")
    return transaction


async def test_idle_connections_that_are_killed_cost_no_request(
    store: PostgresStore, other: asyncpg.Connection
) -> None:
    await asyncio.gather(*(store.run(count) for _ in range(10)))
    for done in (11, 12, 13):
        await end(other, *await pids(other))
        assert await store.run(count) == done
        await end(other, *await pids(other))
        assert await total(store) == done


@pytest.mark.parametrize("mode", ["fast", "immediate"])
async def test_a_restart_is_waited_for(store: PostgresStore, postgres: Postgres, mode: str) -> None:
    assert await store.run(count) == 1
    await asyncio.to_thread(postgres.stop, mode)
    jobs = [asyncio.create_task(store.run(count)) for _ in range(5)]
    await asyncio.sleep(0.1)
    await asyncio.to_thread(postgres.start)
    assert sorted(await asyncio.gather(*jobs)) == [2, 3, 4, 5, 6]


async def test_while_it_is_away_requests_are_refused_soon_and_it_is_found_again(postgres: Postgres) -> None:
    store = PostgresStore(dsn(postgres))
    assert await store.run(count) == 1
    await asyncio.to_thread(postgres.stop)
    started = time.monotonic()
    told = await asyncio.gather(*(store.run(count) for _ in range(30)), total(store), return_exceptions=True)
    assert time.monotonic() - started < 4
    assert {str(one) for one in told} == {"the database is not available: it cannot be reached; nothing was written"}
    await asyncio.to_thread(postgres.start)
    assert await store.run(count) == 2
    await store.close()


async def test_a_database_that_freezes_is_told_from_a_slow_one(postgres: Postgres, other: asyncpg.Connection) -> None:
    store = PostgresStore(dsn(postgres))
    assert await store.run(count) == 1
    slow = await store.read(Statement(SLEEP, {"seconds": 2.0}))
    assert slow[0]["one"] == 1
    processes = [postgres.pid, *await pids(other)]
    started = time.monotonic()
    try:
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        told = await asyncio.gather(store.run(count), total(store), return_exceptions=True)
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)
    assert time.monotonic() - started < 6
    assert [type(one) for one in told] == [Refused, Refused]
    assert await store.run(count) == 2
    await store.close()


async def test_a_read_whose_connection_is_killed_is_made_again(store: PostgresStore, other: asyncpg.Connection) -> None:
    slow = asyncio.ensure_future(store.read(Statement(SLEEP, {"seconds": 0.5})))
    await end(other, await waiting(other, "Timeout"))
    assert (await slow)[0]["one"] == 1


@pytest.mark.parametrize("error", [ConnectionResetError, asyncpg.DeadlockDetectedError])
@pytest.mark.parametrize("together", [None, False, True])
async def test_what_is_broken_off_each_time_is_given_up_in_time(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch, together: bool | None, error: type[Exception]
) -> None:
    """As behind a proxy that takes connections and hangs up at the first statement."""

    async def broken(*_: object) -> None:
        await asyncio.sleep(0)
        raise error

    monkeypatch.setattr(asyncpg.Connection, "fetch", broken)
    store = PostgresStore(dsn(postgres), patience=0.5)
    try:
        async with asyncio.timeout(10):
            with pytest.raises(Refused, match=r"the database is not available: .*; nothing was written"):
                await (store.read(TOTAL) if together is None else store.run(count, together=together))
    finally:
        await store.close()


async def test_a_write_that_is_told_to_end_has_done_nothing_and_is_made_again(
    store: PostgresStore, other: asyncpg.Connection
) -> None:
    held = await hold(other)
    job = asyncio.create_task(store.run(add))
    await end(other, await waiting(other))
    await held.rollback()
    assert await job == 1
    assert await total(store) == 1


async def test_a_write_whose_connection_is_lost_without_a_word_is_never_made_again(
    store: PostgresStore, other: asyncpg.Connection
) -> None:
    await hold(other)
    job = asyncio.create_task(store.run(add))
    os.kill(await waiting(other), signal.SIGKILL)  # PostgreSQL restarts all of itself after that
    with pytest.raises(Refused, match="whether the change was made is unknown: read the flow"):
        await job
    assert await total(store) == 0
    assert await store.run(add) == 1


async def test_a_write_on_what_is_recalled_is_never_made_again_either(
    store: PostgresStore, other: asyncpg.Connection
) -> None:
    assert await store.run(count_recalled) == 1
    await hold(other)
    job = asyncio.create_task(store.run(count_recalled))
    os.kill(await waiting(other), signal.SIGKILL)
    with pytest.raises(Refused, match="whether the change was made is unknown: read the flow"):
        await job
    assert await total(store) == 1
    assert await store.run(count_recalled) == 2


async def test_what_is_recalled_and_was_changed_by_others_is_read_after_all(
    store: PostgresStore, other: asyncpg.Connection
) -> None:
    assert await store.run(count_recalled) == 1
    await other.execute("UPDATE tally SET count = 7 WHERE id = 'a'")
    assert await store.run(count_recalled) == 8
    assert await store.run(count_recalled) == 9


@pytest.mark.parametrize("is_told", [True, False])
async def test_a_transaction_whose_connection_is_lost_before_its_commit_is_made_again(
    store: PostgresStore, other: asyncpg.Connection, is_told: bool
) -> None:
    held = await hold(other)
    job = asyncio.create_task(store.run(lambda: added_to("b", "a"), together=True))
    if is_told:
        await end(other, await waiting(other))
        await held.rollback()
    else:
        os.kill(await waiting(other), signal.SIGKILL)
    await job
    assert await total(store) == 2


async def test_a_read_waits_for_no_lock(store: PostgresStore, other: asyncpg.Connection) -> None:
    """Not even the first of an edit, which locks nothing until it has lost a race."""
    held = await hold(other)
    async with asyncio.timeout(5):
        assert (await store.read(read("a")))[0]["count"] == 0
    await held.rollback()


async def test_a_full_pool_refuses_and_does_not_hang(single: PostgresStore, other: asyncpg.Connection) -> None:
    held = await hold(other)
    job = asyncio.create_task(single.run(add))
    await waiting(other)
    told = await asyncio.gather(*(single.read(TOTAL) for _ in range(20)), return_exceptions=True)
    assert {str(one) for one in told} == {
        "the database is not available: all connections are taken; nothing was written"
    }
    await held.rollback()
    assert await job == 1
    assert await total(single) == 1


@pytest.mark.parametrize("statement", [TOTAL, Statement(ONE, {"id": "a"})], ids=["alone", "in company"])
async def test_a_database_that_takes_connections_and_never_answers_is_told_from_a_full_pool(
    statement: Statement,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        store = PostgresStore(f"postgresql://nobody@127.0.0.1:{port}/nothing", size=2, patience=0.2)
        told = await asyncio.gather(*(store.read(statement) for _ in range(5)), return_exceptions=True)
        assert {str(one) for one in told} == {
            "the database is not available: it takes connections and does not answer; nothing was written"
        }
        await store.close()


async def test_long_reads_leave_connections_to_all_others(postgres: Postgres, other: asyncpg.Connection) -> None:
    store = PostgresStore(dsn(postgres), size=3, patience=2, timeout=60)
    long = Statement(SLEEP, {"seconds": 60}, scans=True)
    reads = [asyncio.ensure_future(store.read(long)) for _ in range(3)]
    await waiting(other, "Timeout")
    assert await store.run(add) == 1
    (refused,), sleeping = await asyncio.wait(reads, return_when=asyncio.FIRST_COMPLETED)
    assert await store.run(add) == 2
    with pytest.raises(Refused, match="other long statements keep it busy; nothing was written"):
        await refused
    assert len(sleeping) == 2
    for one in sleeping:
        one.cancel()
    await asyncio.gather(*sleeping, return_exceptions=True)
    assert await store.read(Statement(SLEEP, {"seconds": 0}, scans=True))
    await store.close()


async def test_callers_who_leave_give_their_connection_back(single: PostgresStore, other: asyncpg.Connection) -> None:
    held = await hold(other)
    for together in (False, True):
        job = asyncio.create_task(single.run(add, together=together))
        await waiting(other)
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
        async with asyncio.timeout(10):
            while await pids(other, "Lock"):  # noqa: ASYNC110 (nobody tells of it)
                await asyncio.sleep(0.01)
    await held.rollback()
    async with asyncio.timeout(10):
        while True:
            try:
                assert await total(single) == 0
                break
            except Refused:  # the database is still told to give up
                continue
    assert await single.run(add) == 1


@pytest.mark.parametrize("streams", [False, True])
async def test_a_transaction_that_is_left_while_it_begins_does_not_go_on_under_the_next_caller(
    single: PostgresStore, other: asyncpg.Connection, streams: bool
) -> None:
    """Wherever it is left: what is answered afterwards is committed."""

    async def stream() -> None:
        async with single.stream(TOTAL) as rows:
            async for _ in rows:
                pass

    assert await single.run(add) == 1
    for steps in range(12):
        job = asyncio.create_task(stream() if streams else single.run(rest, together=True))
        for _ in range(steps):
            await asyncio.sleep(0)
        job.cancel()
        await asyncio.gather(job, return_exceptions=True)
        assert await single.run(add) == steps + 2
        assert await other.fetchval("SELECT count FROM tally WHERE id = 'a'") == steps + 2, f"left after {steps} steps"


def rest() -> Script[None]:
    yield Statement(SLEEP, {"seconds": 0.01})


async def test_statements_have_a_timeout_and_say_that_nothing_was_written(
    postgres: Postgres, other: asyncpg.Connection
) -> None:
    store = PostgresStore(dsn(postgres), timeout=0.3)
    held = await hold(other)
    for slow in (store.read(Statement(SLEEP, {"seconds": 30.0})), store.run(add), store.run(add, together=True)):
        message = r"the statement took longer than 0.3 s \(statement_timeout\), or was stopped; nothing was written"
        with pytest.raises(Refused, match=message):
            await slow
    await held.rollback()
    assert await store.run(add) == 1
    await store.close()


async def test_a_batch_that_takes_too_long_is_not_tried_again(postgres: Postgres, other: asyncpg.Connection) -> None:
    store = PostgresStore(dsn(postgres), timeout=0.3)
    await store.run(count)
    await other.execute("BEGIN; LOCK TABLE tally")
    ran: list[str] = []
    store.heard = ran.append
    reads = [store.read(Statement(ONE, {"id": "a"})) for _ in range(9)]
    told = await asyncio.gather(*reads, return_exceptions=True)
    assert {type(one) for one in told} == {Refused}
    assert len(ran) <= 2
    await store.close()


async def test_tables_may_change_under_prepared_statements(store: PostgresStore, other: asyncpg.Connection) -> None:
    assert await store.run(count) == 1
    await store.run(lambda: both("a", "b"), together=True)
    for kind in ("bigint", "integer"):
        await other.execute(f"ALTER TABLE tally ALTER COLUMN count TYPE {kind}")
        await store.run(count)
        await other.execute("ALTER TABLE tally ADD COLUMN more text; ALTER TABLE tally DROP COLUMN more")
        await store.run(lambda: both("a", "b"), together=True)
    assert (await store.read(read("a")))[0]["count"] == 6


@asynccontextmanager
async def allowed(postgres: Postgres, other: asyncpg.Connection, connections: int) -> AsyncIterator[str]:
    """The address for a role that may have no more connections than that."""
    await other.execute(f"CREATE ROLE narrow LOGIN CONNECTION LIMIT {connections}; GRANT ALL ON tally TO narrow")
    try:
        yield dsn(postgres).replace("postgres@", "narrow@")
    finally:
        await other.execute("DROP OWNED BY narrow; DROP ROLE narrow")


async def test_too_many_connections_are_a_refusal(postgres: Postgres, other: asyncpg.Connection) -> None:
    async with allowed(postgres, other, 0) as narrow:
        store = PostgresStore(narrow, patience=0.2)
        with pytest.raises(Refused, match="it has too many connections"):
            await store.run(count)
        await store.close()


async def test_who_cannot_connect_takes_the_next_that_comes_free(postgres: Postgres, other: asyncpg.Connection) -> None:
    async with allowed(postgres, other, 2) as narrow:
        store = PostgresStore(narrow, size=5, patience=2)
        brief = Statement(SLEEP, {"seconds": 0.02})
        told = await asyncio.gather(*(store.read(brief) for _ in range(20)))
        assert [rows[0]["one"] for rows in told] == [1] * 20
        assert store.figures() == {"connections_busy": 0, "connections_idle": 2}
        await store.close()


async def test_one_that_comes_free_for_somebody_who_has_left_goes_on_to_the_next(
    postgres: Postgres, other: asyncpg.Connection
) -> None:
    async with allowed(postgres, other, 1) as narrow:
        store = PostgresStore(narrow, size=5, patience=2)
        long = asyncio.ensure_future(store.read(Statement(SLEEP, {"seconds": 0.3})))
        await waiting(other, "Timeout")
        others = [asyncio.ensure_future(store.read(TOTAL)) for _ in range(4)]
        await asyncio.sleep(0.15)
        long.add_done_callback(lambda _: [one.cancel() for one in others[:2]])
        told = await asyncio.gather(*others, return_exceptions=True)
        assert [rows[0]["total"] for rows in told if not isinstance(rows, BaseException)] == [0, 0]
        assert store.figures() == {"connections_busy": 0, "connections_idle": 1}
        assert (await store.read(TOTAL))[0]["total"] == 0
        await store.close()


async def test_a_login_that_is_wrong_is_a_refusal(postgres: Postgres) -> None:
    store = PostgresStore(dsn(postgres).replace("postgres@", "nobody@"))
    with pytest.raises(Refused, match="it refuses the connection"):
        await store.read(TOTAL)
    await store.close()


async def test_a_certificate_that_fails_is_waited_out_like_a_database_that_is_away(
    tls: ssl.SSLContext, tmp_path: Path
) -> None:
    async with misnamed(tls, tmp_path / "cert.pem") as (address, tried):
        store = PostgresStore(f"postgresql://flows@{address}", patience=2)
        started = time.monotonic()
        with pytest.raises(Refused, match="it cannot be reached") as refused:
            await store.read(TOTAL)
        assert time.monotonic() - started >= 2
        assert isinstance(refused.value.__cause__, ssl.SSLCertVerificationError)
        assert 1 < len(tried) <= 2 / postgres_pool.BETWEEN_TRIES + 1
        await store.close()


async def test_a_batch_whose_database_goes_away_is_refused_as_soon_as_one_statement(
    postgres: Postgres, other: asyncpg.Connection
) -> None:
    store = PostgresStore(dsn(postgres))
    await store.run(count)
    await other.execute("BEGIN; LOCK TABLE tally")
    reads = [asyncio.ensure_future(store.read(Statement(ONE, {"id": "a"}))) for _ in range(60)]
    await waiting(other)
    await asyncio.to_thread(postgres.stop, "fast")
    started = time.monotonic()
    told = await asyncio.gather(*reads, return_exceptions=True)
    assert time.monotonic() - started < 6
    assert {type(one) for one in told} == {Refused}
    await store.close()


async def test_a_statement_that_is_refused_fails_no_neighbour(store: PostgresStore, other: asyncpg.Connection) -> None:
    await other.execute("BEGIN; LOCK TABLE tally")
    first = asyncio.ensure_future(store.read(Statement(ONE, {"id": "b"})))
    await waiting(other)
    rest = [asyncio.ensure_future(store.read(Statement(ONE, {"id": id}))) for id in ("a", "\x00", "b")]
    await asyncio.sleep(0)
    await other.execute("COMMIT")
    told = await asyncio.gather(first, *rest, return_exceptions=True)
    assert [isinstance(one, Exception) for one in told] == [False, False, True, False]


async def test_connections_that_take_no_changes_are_replaced(store: PostgresStore, other: asyncpg.Connection) -> None:
    await other.execute("ALTER DATABASE postgres SET default_transaction_read_only = on")
    await asyncio.gather(*(total(store) for _ in range(5)))
    assert store.figures()["connections_idle"] > 2
    await other.execute("ALTER DATABASE postgres RESET default_transaction_read_only")
    with pytest.raises(Refused, match="it takes no changes now; nothing was written"):
        await store.run(count)
    assert [await store.run(count) for _ in range(3)] == [1, 2, 3]


@pytest.mark.parametrize("script", [count, add])
async def test_connections_that_are_lost_on_their_way_are_given_up_together(
    postgres: Postgres, tmp_path: Path, script: Callable[[], Script[int]]
) -> None:
    """As where a firewall forgets them: what is sent is never answered, while a new connection is."""
    async with Wall(postgres, tmp_path) as wall:
        store = PostgresStore(wall.dsn, size=4, patience=20)
        await asyncio.gather(*(store.run(count) for _ in range(8)))
        assert store.figures()["connections_idle"] > 2
        wall.forget()
        async with asyncio.timeout(6):
            assert await total(store) == 8
            assert await store.run(script) == 9
        wall.forget()
        async with asyncio.timeout(6):
            with pytest.raises(Refused, match="whether the change was made is unknown"):
                await store.run(add)
            assert await store.run(script) == 10
        wall.forget()
        async with asyncio.timeout(6):
            assert await store.run(script, together=True) == 11, "nothing had begun"
        await store.close()


async def test_a_connection_whose_statement_is_never_answered_is_not_used_again(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_pool, "SILENCE", 60)
    async with Wall(postgres, tmp_path) as wall:
        store = PostgresStore(wall.dsn, size=1, timeout=1)
        assert await store.run(count) == 1
        wall.forget()
        with pytest.raises(Refused, match="whether the change was made is unknown"):
            await store.run(add)
        assert await store.run(count) == 2
        await store.close()


class Wall:
    """Stands before a PostgreSQL."""

    def __init__(self, postgres: Postgres, folder: Path) -> None:
        self._behind = f"{parse_qs(urlsplit(postgres.url).query)['host'][0]}/.s.PGSQL.5432"
        self._before = folder / ".s.PGSQL.5432"
        self._ways: list[asyncio.Task[None]] = []
        self._ends: list[asyncio.StreamWriter] = []
        self.dsn = f"postgresql://postgres@/postgres?host={folder}"

    async def __aenter__(self) -> "Wall":
        self._server = await asyncio.start_unix_server(self._serve, self._before)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.forget()
        for writer in self._ends:
            writer.transport.abort()
        self._server.close()
        await asyncio.sleep(0)

    def forget(self) -> None:
        """All connections that there are; neither side is told."""
        while self._ways:
            self._ways.pop().cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(self._behind)
        self._ends += [back, writer]
        self._ways += [asyncio.create_task(passed_on(*way)) for way in ((reader, back), (there, writer))]


async def passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while some := await reader.read(2**16):
        writer.write(some)
    writer.close()


async def test_what_is_recalled_is_forgotten_with_a_new_connection(
    single: PostgresStore, other: asyncpg.Connection
) -> None:
    """It may lead to another history of the same flows, in which other rows have the same versions."""
    assert await single.run(count_recalled) == 1
    ran: list[str] = []
    single.heard = ran.append
    assert await single.run(count_recalled) == 2
    assert len(ran) == 1
    await end(other, *await pids(other))
    assert await total(single) == 2
    ran.clear()
    assert await single.run(count_recalled) == 3
    assert len(ran) == 2


SETTINGS = {
    "default_transaction_isolation": "read committed",
    "lock_timeout": "0",
    "statement_timeout": "10s",
    "idle_in_transaction_session_timeout": "10s",
}


async def test_settings_of_its_role_do_not_reach_it(postgres: Postgres, other: asyncpg.Connection) -> None:
    await other.execute("ALTER ROLE postgres SET default_transaction_isolation = 'serializable'")
    await other.execute("ALTER ROLE postgres SET lock_timeout = '1ms'")
    store = PostgresStore(dsn(postgres))
    try:
        assert sorted(await asyncio.gather(*(store.run(count) for _ in range(5)))) == [1, 2, 3, 4, 5]
        for setting, value in SETTINGS.items():
            (row,) = await store.read(Statement(Shape(text(f"SHOW {setting}")), {}))
            assert row[setting] == value
    finally:
        await other.execute("ALTER ROLE postgres RESET ALL")
        await store.close()


async def test_what_its_role_may_not_do_is_a_refusal(postgres: Postgres, other: asyncpg.Connection) -> None:
    await other.execute("CREATE ROLE reader LOGIN; GRANT SELECT ON tally TO reader")
    store = PostgresStore(dsn(postgres).replace("postgres@", "reader@"))
    try:
        with pytest.raises(Refused, match="its role may not do this; nothing was written"):
            await store.run(count)
        assert await total(store) == 0
    finally:
        await store.close()
        await other.execute("DROP OWNED BY reader; DROP ROLE reader")


async def test_a_column_that_is_gone_is_told_like_a_table_that_is(
    store: PostgresStore, other: asyncpg.Connection
) -> None:
    await other.execute("ALTER TABLE tally DROP COLUMN note")
    with pytest.raises(NoTables):
        await store.run(count)
    with pytest.raises(NoTables):
        await store.read(Statement(Shape(select(TALLY.c.note)), {}))
    with pytest.raises(NoTables):
        async with store.stream(Statement(Shape(select(TALLY.c.note)), {})) as rows:
            await anext(rows)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("58030", "it takes no changes now"),
        ("53100", "it is stopping or short of resources"),
        ("57014", r"the statement took longer than 10 s \(statement_timeout\), or was stopped"),
        ("42P05", "a pooler before it gives one connection to several clients; let it pool sessions"),
        ("26000", "a pooler before it gives one connection to several clients; let it pool sessions"),
    ],
)
async def test_what_the_database_says_instead_is_a_refusal(store: PostgresStore, code: str, told: str) -> None:
    """An error of its disk, a full one, somebody who stops a statement, and prepared statements that are others'."""
    saying = Statement(Shape(text(f"DO $$ BEGIN RAISE SQLSTATE '{code}'; END $$")), {})
    with pytest.raises(Refused, match=f"{told}; nothing was written"):
        await store.read(saying)


async def test_an_edit_that_is_refused_in_its_transaction_costs_no_connection(
    single: PostgresStore, other: asyncpg.Connection
) -> None:
    assert await single.run(count, together=True) == 1
    before = await pids(other)
    with pytest.raises(ZeroDivisionError):
        await single.run(failing, together=True)
    assert single.figures() == {"connections_busy": 0, "connections_idle": 1}
    assert await single.run(count, together=True) == 2
    assert await pids(other) == before


async def test_a_read_that_a_deadlock_ends_is_made_again(store: PostgresStore, other: asyncpg.Connection) -> None:
    """Two tables that others lock in another order than it reads them."""
    await other.execute("CREATE TABLE second (id text)")
    both_tables = Statement(Shape(text("WITH a AS (SELECT count(*) FROM tally) SELECT 1 AS one FROM a, second")), {})
    try:
        await other.execute("SET deadlock_timeout = '30s'; BEGIN; LOCK TABLE second")
        held = asyncio.ensure_future(store.read(both_tables))
        await waiting(other)
        await other.execute("LOCK TABLE tally; COMMIT")
        assert await held == []
    finally:
        await other.execute("DROP TABLE second")


async def test_connections_that_nobody_needs_are_closed(
    store: PostgresStore, other: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    await asyncio.gather(*(store.run(count) for _ in range(5)))
    async with asyncio.timeout(10):
        while not 1 < len(await pids(other)) == store.figures()["connections_idle"]:  # noqa: ASYNC110 (word of commits)
            await asyncio.sleep(0.01)
    monkeypatch.setattr(postgres_pool, "IDLE", 0)
    await gone(other)
    assert store.figures() == {"connections_busy": 0, "connections_idle": 0}
    assert await store.run(count) == 6


async def test_a_connection_that_is_left_within_a_transaction_is_closed(
    postgres: Postgres, other: asyncpg.Connection
) -> None:
    pool = Pool(dsn(postgres), size=1, timeout=5, patience=5)
    async with Lent(pool, pool.until()) as connection:
        await connection.execute("BEGIN; UPDATE tally SET count = 7")
    async with Lent(pool, pool.until()) as connection:
        assert await connection.fetchval("SELECT sum(count) FROM tally") == 0
    await pool.close()
    await other.execute("UPDATE tally SET count = 1", timeout=5)


@pytest.mark.parametrize("is_lost", [False, True])
async def test_a_connection_whose_statement_is_being_cancelled_is_lent_to_nobody(
    postgres: Postgres, is_lost: bool
) -> None:
    """Its next user would have to wait for that in a task, and requests have none."""
    pool = Pool(dsn(postgres), size=1, timeout=5, patience=5)
    lent: list[Any] = []

    async def read() -> None:
        async with Lent(pool, pool.until()) as connection:
            lent.append(connection)
            await connection.fetch("SELECT pg_sleep(5)")

    reading = asyncio.create_task(read())
    while not lent:  # noqa: ASYNC110 (nobody tells of it)
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert pool.at_hand() is None
    if is_lost:
        lent[0].terminate()
    async with asyncio.timeout(4), Lent(pool, pool.until()) as connection:
        assert await connection.fetchval("SELECT 1") == 1
        assert (connection is lent[0]) is not is_lost
    await pool.close()


async def test_a_connection_that_comes_free_while_its_next_user_gets_a_task_is_taken(postgres: Postgres) -> None:
    """Requests begin without a task."""
    pool = Pool(dsn(postgres), size=1, timeout=5, patience=5)
    next_user = Lent(pool, pool.until())
    begun = next_user.__aenter__()
    waits_for: list[Any] = []
    async with Lent(pool, pool.until()):
        asyncio.get_running_loop().call_soon(lambda: waits_for.append(begun.send(None)))
        await asyncio.sleep(0)
        assert len(waits_for) == 1
    async with asyncio.timeout(2):
        connection: Any = await resumed(begun, waits_for[0])
    assert await connection.fetchval("SELECT 1") == 1
    await next_user.__aexit__(None, None, None)
    await pool.close()


async def test_an_address_that_cannot_be_used_is_a_refusal_at_once() -> None:
    store = PostgresStore("postgresql://postgres@/postgres?sslmode=never", patience=60)
    async with asyncio.timeout(5):
        with pytest.raises(Refused, match="its address cannot be used; nothing was written"):
            await store.run(count)
    await store.close()


async def test_closing_waits_for_what_is_at_work(postgres: Postgres, other: asyncpg.Connection) -> None:
    store = PostgresStore(dsn(postgres), size=2)
    jobs = [asyncio.ensure_future(store.read(Statement(SLEEP, {"seconds": 0.5}))) for _ in range(3)]
    await waiting(other, "Timeout")
    await store.close()
    assert [(await job)[0]["one"] for job in jobs[:2]] == [1, 1]
    with pytest.raises(Refused, match="the server is stopping; nothing was written"):
        await jobs[2]
    await gone(other)


async def test_but_not_for_ever(postgres: Postgres, other: asyncpg.Connection) -> None:
    store = PostgresStore(dsn(postgres), patience=0.3)
    job = asyncio.ensure_future(store.read(Statement(SLEEP, {"seconds": 9})))
    await waiting(other, "Timeout")
    async with asyncio.timeout(4):
        await store.close()
        with pytest.raises(Refused):
            await job
