"""SQLite: one thread writes, many scripts share a commit, and nobody waits for long."""

import asyncio
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import text

from graphql_api.domain.errors import Refused
from graphql_api.domain.webhooks import Webhook
from graphql_api.storage import changes, deliveries, migrations, sqlite_file, sqlite_turns, sqlite_writer
from graphql_api.storage.engine import Script, Shape, Statement
from graphql_api.storage.sqlite import SqliteStore
from tests.storage.conftest import plain
from tests.storage.tally import (
    TOTAL,
    added,
    count,
    count_recalled,
    failing,
    read,
    refused_at_once,
    refused_by_a_check,
)

SLOW = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}) SELECT max(i) AS most FROM n"
ENDLESS = Statement(Shape(text(SLOW.format(10**12))), {})
ENDLESS_ASIDE = Statement(ENDLESS.shape, {}, scans=True)
TOTAL_ASIDE = Statement(TOTAL.shape, {}, scans=True)


def log_size(path: Path) -> int:
    return os.stat(f"{path}-wal").st_size


def other_process(path: Path, times: int) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-m", "tests.storage.other_process", str(path), str(times)])


def counted(path: Path) -> int:
    with closing(plain(path)) as connection:
        return int(connection.execute("SELECT count FROM tally WHERE id = 'a'").fetchone()[0])


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(str(path), patience=10)
    yield store
    await store.close()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit waits for all scripts that have come, though a busy machine keeps its thread waiting in between."""
    monkeypatch.setattr(sqlite_writer, "LONG", 60)


@pytest.fixture
def locked(path: Path) -> Iterator[sqlite3.Connection]:
    """While another process writes, scripts wait for it and for one another."""
    with closing(plain(path)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield connection


def waiting(store: SqliteStore, *scripts: Any) -> list["asyncio.Task[Any]"]:
    return [asyncio.create_task(store.run(script)) for script in scripts]


async def at_once(store: SqliteStore, locked: sqlite3.Connection, *scripts: Any) -> list[Any]:
    """What becomes of scripts that all wait by the time that another process lets go of the file."""
    jobs = waiting(store, *scripts)
    await asyncio.sleep(0.05)
    locked.execute("COMMIT")
    return await asyncio.gather(*jobs, return_exceptions=True)


async def test_scripts_that_wait_share_a_commit(
    store: SqliteStore, locked: sqlite3.Connection, traced: list[str], patient: None
) -> None:
    assert sorted(await at_once(store, locked, *[count] * 50)) == list(range(1, 51))
    assert traced.count("COMMIT") <= 2
    assert sum(sql.startswith("UPDATE") for sql in traced) == 50


async def test_a_slow_script_holds_up_no_commit_but_its_own(
    store: SqliteStore, locked: sqlite3.Connection, traced: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.monotonic()

    def slow() -> Script[int]:
        nonlocal now
        now += 2 * sqlite_writer.LONG
        return (yield from count())

    monkeypatch.setattr(sqlite_writer, "time", SimpleNamespace(monotonic=lambda: now))
    assert await at_once(store, locked, count, slow, count, slow, count) == [1, 2, 3, 4, 5]
    assert traced.count("COMMIT") == 3


async def test_a_script_that_is_refused_before_it_writes_shares_a_commit_too(
    store: SqliteStore, locked: sqlite3.Connection, traced: list[str], patient: None
) -> None:
    told = await at_once(store, locked, count, refused_at_once, count, refused_at_once, count)
    assert [told[0], told[2], told[4]] == [1, 2, 3]
    assert [type(told[1]), type(told[3])] == [ZeroDivisionError] * 2
    assert traced.count("COMMIT") <= 2
    assert traced.count("ROLLBACK") == 0


async def test_a_failing_script_costs_its_neighbours_nothing(
    store: SqliteStore, locked: sqlite3.Connection, traced: list[str], path: Path, patient: None
) -> None:
    told = await at_once(store, locked, failing, count, failing, count, refused_by_a_check, count)
    assert [told[1], told[3], told[5]] == [1, 2, 3]
    assert isinstance(told[0], ZeroDivisionError)
    assert isinstance(told[2], ZeroDivisionError)
    assert isinstance(told[4], sqlite3.IntegrityError)
    assert counted(path) == 3
    assert traced.count("COMMIT") == 2


async def test_a_script_that_fails_only_beside_its_neighbours_is_told_what_it_has_come_to(
    store: SqliteStore, locked: sqlite3.Connection, patient: None
) -> None:
    times = 0

    def at_first() -> Script[int]:
        nonlocal times
        times += 1
        done = yield from count("b")
        if times == 1:
            raise ZeroDivisionError
        return done

    assert await at_once(store, locked, count, at_first) == [1, 1]


async def test_neighbours_of_a_failing_script_are_run_again_unless_their_callers_are_gone(
    store: SqliteStore, locked: sqlite3.Connection, path: Path, patient: None
) -> None:
    runs: list[str] = []
    loop, is_gone = asyncio.get_running_loop(), threading.Event()

    def noted(name: str, script: Any) -> Any:
        def run() -> Script[Any]:
            runs.append(name)
            return (yield from script())

        return run

    def failing_late() -> Script[None]:
        yield from count()
        loop.call_soon_threadsafe(jobs[1].cancel)
        is_gone.wait(10)
        raise ZeroDivisionError("after it has written")

    jobs = waiting(
        store, noted("first", count), noted("gone", count), noted("failing", failing_late), noted("last", count)
    )
    jobs[1].add_done_callback(lambda _: is_gone.set())
    await asyncio.sleep(0.05)
    locked.execute("COMMIT")
    told = await asyncio.gather(*jobs, return_exceptions=True)
    assert [told[0], told[3]] == [1, 2]
    assert [type(told[1]), type(told[2])] == [asyncio.CancelledError, ZeroDivisionError]
    assert runs == ["first", "gone", "failing", "first", "failing", "last"]
    assert counted(path) == 2


def failing_recalled() -> Script[None]:
    yield from count_recalled()
    raise ZeroDivisionError("after it has written")


async def test_what_was_taken_back_is_not_recalled(store: SqliteStore, traced: list[str]) -> None:
    assert await store.run(count_recalled) == 1
    with pytest.raises(ZeroDivisionError):
        await store.run(failing_recalled)
    traced.clear()
    assert await store.run(count_recalled) == 2
    assert sum(sql.startswith("SELECT") for sql in traced) == 1
    traced.clear()
    assert await store.run(count_recalled) == 3
    assert not any(sql.startswith("SELECT") for sql in traced)


@pytest.mark.parametrize("is_guessed", [False, True])
async def test_behind_a_write_nothing_is_recalled(
    store: SqliteStore, path: Path, traced: list[str], is_guessed: bool
) -> None:
    """A guess that proved wrong would write once more what stands before it, be it a guess that was right."""

    def script() -> Script[int]:
        if is_guessed:
            yield from count_recalled("b")
        else:
            yield added("b")
        return (yield from count_recalled())

    assert await store.run(count_recalled) == 1
    if is_guessed:
        assert await store.run(partial(count_recalled, "b")) == 1
    traced.clear()
    assert await store.run(script) == 2
    assert [sql.split()[0] for sql in traced if sql.startswith(("SELECT", "UPDATE"))] == ["UPDATE", "SELECT", "UPDATE"]
    with closing(plain(path)) as connection:
        assert connection.execute("SELECT sum(count) FROM tally").fetchone() == (3 + is_guessed,)


@pytest.mark.parametrize("is_replaced", [False, True])
async def test_what_others_wrote_meanwhile_is_read(store: SqliteStore, path: Path, is_replaced: bool) -> None:
    """Also where the guard would not tell: the count stays, or another file with the same count took the place."""
    assert await store.run(count_recalled) == 1
    if is_replaced:
        with closing(plain(path)) as connection:
            connection.execute(f"VACUUM INTO '{path}.copy'")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        os.replace(f"{path}.copy", path)
    with closing(plain(path)) as connection:
        connection.execute("UPDATE tally SET note = 'theirs' WHERE id = 'a'")
    told: list[str] = []
    store.heard = told.append
    assert await store.run(count_recalled) == 2
    assert [sql.split()[0] for sql in told] == ["SELECT", "UPDATE"]


async def test_a_script_that_fills_the_disk_costs_its_neighbours_nothing(
    store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = sqlite_file.connect

    def small(path: str, mode: str) -> sqlite3.Connection:
        connection = connect(path, mode)
        connection.execute("PRAGMA max_page_count = 20")
        return connection

    monkeypatch.setattr(sqlite_file, "connect", small)
    with closing(plain(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        jobs = waiting(store, count, lambda: count(note="x" * 200_000), count)
        await asyncio.sleep(0.05)
        other.execute("COMMIT")
    first, full, third = await asyncio.gather(*jobs, return_exceptions=True)
    assert (first, third) == (1, 2)
    assert isinstance(full, Refused)
    assert str(full) == "the database is not available: its disk is full; nothing was written"
    assert counted(path) == 2


async def test_a_commit_that_fails_is_refused_and_leaves_nothing(store: SqliteStore, path: Path) -> None:
    assert await store.run(count) == 1
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (os.stat(f"{path}-wal").st_size, hard))
    try:
        with pytest.raises(Refused, match="nothing was written") as refused:
            await store.run(lambda: count(note="x" * 100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert refused.value.problems[0].code == "UNAVAILABLE"
    assert counted(path) == 1
    assert await store.run(count) == 2


def told_by_sqlite(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("as told by SQLite")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            told_by_sqlite(sqlite3.SQLITE_IOERR_FSYNC),
            "its disk reports an error; whether the change was made is unknown",
        ),
        (told_by_sqlite(sqlite3.SQLITE_IOERR_SHMSIZE), "its disk reports an error; whether the change was made is unk"),
        (MemoryError(), "memory is short; whether the change was made is unknown"),
        (told_by_sqlite(sqlite3.SQLITE_IOERR_WRITE), "its disk reports an error; nothing was written"),
        (told_by_sqlite(sqlite3.SQLITE_FULL), "its disk is full; nothing was written"),
    ],
)
async def test_a_commit_that_may_be_in_the_log_is_of_unknown_outcome(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, error: Exception, told: str
) -> None:
    """Nothing of the machine makes just the commit fail so; what SQLite does then is to roll back."""

    class Failing(sqlite3.Connection):
        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            if sql != "COMMIT":
                return super().execute(sql, *values)
            super().execute("ROLLBACK")
            raise error

    with monkeypatch.context() as failing:
        failing.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Failing))
        with pytest.raises(Refused, match=told):
            await store.run(count)
    assert await store.run(count) == 1


async def test_a_caller_who_leaves_before_the_script_has_begun_leaves_no_trace(
    store: SqliteStore, locked: sqlite3.Connection
) -> None:
    gone, stays = waiting(store, count, count)
    await asyncio.sleep(0.05)
    gone.cancel()
    await asyncio.sleep(0)
    locked.execute("COMMIT")
    assert await stays == 1
    assert (await store.read(TOTAL))[0]["total"] == 1


async def test_a_script_that_has_begun_is_finished_though_its_caller_leaves(store: SqliteStore) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> Script[int]:
        begun.set()
        go_on.wait(10)
        return (yield from count())

    (job,) = waiting(store, slow)
    await asyncio.to_thread(begun.wait, 10)
    job.cancel()
    await asyncio.sleep(0)
    go_on.set()
    assert await store.run(count) == 2


async def test_whoever_waits_too_long_for_another_process_is_refused(path: Path, locked: sqlite3.Connection) -> None:
    store = SqliteStore(str(path), patience=0.2)
    started = time.monotonic()
    told = await asyncio.gather(*waiting(store, *[count] * 30), return_exceptions=True)
    assert time.monotonic() - started < 2
    assert {type(one) for one in told} == {Refused}
    assert (await store.read(read("a")))[0]["count"] == 0
    locked.execute("ROLLBACK")
    assert await store.run(count) == 1
    await store.close()


async def test_whoever_waits_too_long_is_refused_also_long_after_others_were(
    path: Path, locked: sqlite3.Connection
) -> None:
    """The timer that rang while nobody waited is set anew."""
    locked.execute("ROLLBACK")
    store = SqliteStore(str(path), patience=0.2)
    go_on = threading.Event()

    def slow() -> Script[int]:
        go_on.wait(10)
        return (yield from count())

    assert await store.run(count) == 1
    await asyncio.sleep(0.25)
    first, late = waiting(store, slow, count)
    with pytest.raises(Refused, match="other changes keep it busy; nothing was written"):
        await late
    go_on.set()
    assert await first == 2
    await store.close()


async def test_closing_finishes_the_scripts_that_wait(path: Path, locked: sqlite3.Connection) -> None:
    store = SqliteStore(str(path), patience=10)
    jobs = waiting(store, count, count)
    await asyncio.sleep(0.05)
    closed = asyncio.create_task(store.close())
    await asyncio.sleep(0.05)
    locked.execute("COMMIT")
    await closed
    assert await asyncio.gather(*jobs) == [1, 2]


async def test_closing_ends_the_reads_that_run_and_begins_none(path: Path) -> None:
    """Their threads would keep the process alive."""
    store = SqliteStore(str(path), timeout=60, patience=60)
    threads = {*threading.enumerate()}
    reads = [asyncio.create_task(store.read(ENDLESS_ASIDE)) for _ in range(6)]
    await asyncio.sleep(0.05)
    async with asyncio.timeout(10):
        await store.close()
        told = await asyncio.gather(*reads, return_exceptions=True)
    for thread in {*threading.enumerate()} - threads:
        thread.join(10)
        assert not thread.is_alive()
    assert {type(one) for one in told} == {Refused}
    for statement in (TOTAL, TOTAL_ASIDE):
        with pytest.raises(Refused, match="the server is stopping; nothing was written"):
            await store.read(statement)


async def test_closing_waits_for_the_ends_of_threads_whose_connections_were_given_up_before(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that ended later would find no event loop to tell it to."""
    go_on = threading.Event()
    ended: list[str] = []

    class SlowToClose(sqlite3.Connection):
        def close(self) -> None:
            go_on.wait(10)
            super().close()
            ended.append(threading.current_thread().name)

    monkeypatch.setattr("graphql_api.storage.sqlite.LOOK", 0.0)
    store = SqliteStore(str(path))
    with monkeypatch.context() as slow:
        slow.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=SlowToClose))
        await store.read(TOTAL_ASIDE)
    shutil.copy(path, f"{path}.copy")
    os.replace(f"{path}.copy", path)
    assert (await store.read(TOTAL))[0]["total"] == 0
    assert ended == []
    asyncio.get_running_loop().call_later(0.05, go_on.set)
    await store.close()
    assert len(ended) == 1


async def test_a_stream_takes_as_long_as_it_takes(path: Path) -> None:
    store = SqliteStore(str(path), timeout=0.01)
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000) SELECT i FROM n"
    async with store.stream(Statement(Shape(text(numbers)), {})) as rows:
        assert [row["i"] async for row in rows] == list(range(1, 50_001))
    await store.close()


async def test_closing_ends_a_stream(path: Path) -> None:
    store = SqliteStore(str(path))

    async def all_of_it() -> list[Any]:
        async with store.stream(ENDLESS) as rows:
            return [row async for row in rows]

    stream = asyncio.create_task(all_of_it())
    await asyncio.sleep(0.05)
    async with asyncio.timeout(10):
        await store.close()
        with pytest.raises(Refused):
            await stream


def test_a_store_outlives_an_event_loop_that_ended_before_its_answer(path: Path) -> None:
    store = SqliteStore(str(path))
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> Script[int]:
        begun.set()
        go_on.wait(10)
        return (yield from count())

    async def leaves() -> None:
        (job,) = waiting(store, slow)
        await asyncio.to_thread(begun.wait, 10)
        job.cancel()

    async def comes() -> int:
        told = await store.run(count)
        await store.close()
        return told

    asyncio.run(leaves())
    go_on.set()
    assert asyncio.run(comes()) == 2


async def test_a_read_that_takes_long_does_not_hold_up_the_event_loop(store: SqliteStore) -> None:
    slow = asyncio.create_task(store.read(Statement(Shape(text(SLOW.format(1_000_000))), {})))
    await asyncio.sleep(0)
    ticks = 0
    while not slow.done():
        await asyncio.sleep(0.01)
        ticks += 1
    assert (await slow)[0]["most"] == 1_000_000
    assert ticks > 3


async def test_statements_have_a_timeout(path: Path) -> None:
    store = SqliteStore(str(path), timeout=0.2)

    def endless() -> Script[None]:
        yield from count()
        yield ENDLESS

    for refused in (store.read(ENDLESS), store.run(endless)):
        with pytest.raises(Refused, match=r"the statement took too long \(statement_timeout\); nothing was written"):
            await refused
    assert await store.run(count) == 1
    await store.close()


@pytest.mark.parametrize(("synchronous", "level"), [("FULL", 2), ("NORMAL", 1)])
async def test_a_change_is_as_safe_as_it_was_asked_to_be(path: Path, synchronous: str, level: int) -> None:
    def script() -> Script[int]:
        (row,) = yield Statement(Shape(text("PRAGMA synchronous")), {})
        return int(row["synchronous"])

    store = SqliteStore(str(path), synchronous=synchronous)
    assert await store.run(script) == level
    await store.close()


async def test_nothing_that_begins_or_ends_a_transaction_is_taken_for_a_long_statement(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite tells also of what is done that it was interrupted, and counts its steps over all runs of a statement."""
    opened: list[sqlite3.Connection] = []
    connect = sqlite_file.connect

    def slow_to_end(path: str, mode: str) -> sqlite3.Connection:
        opened.append(connect(path, mode))
        opened[-1].set_trace_callback(lambda sql: time.sleep(0.4) if sql in ("COMMIT", "ROLLBACK") else None)
        return opened[-1]

    monkeypatch.setattr(sqlite_file, "connect", slow_to_end)
    monkeypatch.setattr(sqlite_file, "INSTRUCTIONS", 1)
    monkeypatch.setattr(sqlite_turns, "WAL_TO_COPY", 0)  # the log is copied after each commit, in a time of its own
    store = SqliteStore(str(path), timeout=0.3)
    for times in (1, 2, 3):
        assert await store.run(count) == times
        with pytest.raises(ZeroDivisionError):
            await store.run(failing)
        await asyncio.sleep(0.4)
    assert counted(path) == 3
    assert len(opened) == 1
    await store.close()


async def test_a_transaction_that_could_not_be_used_is_not_left_open(
    store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[sqlite3.Connection] = []
    connect = sqlite_file.connect

    def noted(path: str, mode: str) -> sqlite3.Connection:
        opened.append(connect(path, mode))
        return opened[-1]

    def no_version(_: int, pragma: str | None, *__: str | None) -> int:
        return sqlite3.SQLITE_DENY if pragma == "data_version" else sqlite3.SQLITE_OK

    monkeypatch.setattr(sqlite_file, "connect", noted)
    assert await store.run(count) == 1
    opened[0].set_authorizer(no_version)
    with pytest.raises(sqlite3.DatabaseError, match="not authorized"):
        await store.run(count)
    assert await store.run(count) == 2
    assert counted(path) == 2


async def test_a_long_read_whose_caller_leaves_holds_up_no_other(path: Path) -> None:
    store = SqliteStore(str(path), timeout=10)
    reading = asyncio.create_task(store.read(ENDLESS_ASIDE))
    await asyncio.sleep(0.1)
    reading.cancel()
    await asyncio.wait((reading,))
    async with asyncio.timeout(5):
        assert [dict(row) for row in await store.read(TOTAL_ASIDE)] == [{"total": 0}]
    await store.close()


async def test_more_long_reads_than_places_are_refused_not_hung(path: Path) -> None:
    store = SqliteStore(str(path), timeout=0.5, patience=0.1)
    told = await asyncio.gather(*(store.read(ENDLESS) for _ in range(6)), return_exceptions=True)
    assert [str(one).split(": ")[1].split(";")[0] for one in told].count("other long statements keep it busy") == 2
    assert (await store.read(read("a")))[0]["count"] == 0
    await store.close()


async def test_nothing_is_written_into_a_file_that_is_not_there_any_more(
    store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("graphql_api.storage.sqlite.LOOK", 0.0)
    kept = path.with_name("kept.db")
    shutil.copy(path, kept)
    assert await store.run(count) == 1
    for end in ("", "-wal", "-shm"):
        os.unlink(f"{path}{end}")
    for gone in (store.run(count), store.read(TOTAL)):
        with pytest.raises(Refused, match="its file is gone"):
            await gone
    os.rename(kept, path)
    assert (await store.read(TOTAL))[0]["total"] == 0
    assert await store.run(count) == 1
    assert counted(path) == 1


async def test_nothing_is_added_to_a_log_that_was_taken_away_and_what_is_in_it_is_kept(
    store: SqliteStore, path: Path
) -> None:
    assert await store.run(count) == 1
    assert (await store.read(TOTAL))[0]["total"] == 1
    for end in ("-wal", "-shm"):
        os.unlink(f"{path}{end}")
    for _ in range(2):
        with pytest.raises(Refused, match="its log was taken away, restart the server; nothing was written"):
            await store.run(count)
    assert (await store.read(TOTAL))[0]["total"] == 1
    await store.close()
    assert counted(path) == 1


async def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("This is a text, and not a short one. " * 100)
    store = SqliteStore(str(tmp_path / "text.db"))
    for refused in (store.run(count), store.read(TOTAL)):
        with pytest.raises(Refused, match="its file is not a SQLite database"):
            await refused
    await store.close()


async def test_what_could_only_be_read_is_written_to_as_soon_as_that_may_be(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as a process has connections SQLite asks only once whether it may write to the index of the log."""
    copy = path.with_name("copy.db")
    with closing(plain(path)) as connection:
        connection.execute("UPDATE tally SET note = 'in the log'")
        for end in ("", "-wal", "-shm"):
            shutil.copy(f"{path}{end}", f"{copy}{end}")
    address = sqlite_file.address
    monkeypatch.setattr(sqlite_file, "address", lambda path, mode: address(path, mode) + "&readonly_shm=1")
    threads = {*threading.enumerate()}
    store = SqliteStore(str(copy))
    for statement in (TOTAL, TOTAL_ASIDE):
        await store.read(statement)
    with pytest.raises(Refused, match="its file may only be read; nothing was written"):
        await store.run(count)
    for thread in {*threading.enumerate()} - threads:
        if thread.name != "sqlite-writer":
            thread.join(10)
    monkeypatch.undo()
    assert await store.run(count) == 1
    assert (await store.read(TOTAL))[0]["total"] == 1
    await store.close()


def test_a_connection_to_what_is_no_database_is_closed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[sqlite3.Connection] = []

    class Kept(sqlite3.Connection):
        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, **named)
            made.append(self)

    path.write_bytes(b"x" * 8_192)
    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Kept))
    with pytest.raises(sqlite3.DatabaseError, match="not a database"):
        sqlite_file.connect(str(path), "ro")
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        made[0].execute("SELECT 1")


async def test_a_damaged_file_that_is_put_back_is_read(store: SqliteStore, path: Path) -> None:
    reads = (TOTAL, TOTAL_ASIDE)
    assert [(await store.read(statement))[0]["total"] for statement in reads] == [0, 0]
    with closing(plain(path)) as connection:
        connection.execute("UPDATE tally SET count = 1")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    kept = path.with_name("kept.db")
    shutil.copyfile(path, kept)
    os.truncate(path, 0)
    for statement in reads:
        with pytest.raises(Refused):
            await store.read(statement)
    shutil.copyfile(kept, path)
    assert [(await store.read(statement))[0]["total"] for statement in reads] == [2, 2]


async def test_a_thread_that_cannot_be_started_is_told_and_tried_again(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as short:
        short.setattr(threading.Thread, "start", none_left)
        for refused in (store.run(count), store.run(count), store.read(TOTAL_ASIDE)):
            with pytest.raises(Refused, match="no thread can be started; nothing was written"):
                await refused
    assert await store.run(count) == 1
    assert (await store.read(TOTAL_ASIDE))[0]["total"] == 1


@pytest.mark.parametrize("whose", [(None, None), ("ws1", None), ("ws1", "f1")])
def test_a_page_of_changes_reads_no_history_before_it(tmp_path: Path, whose: tuple[str | None, str | None]) -> None:
    """Nobody tells SQLite how many rows there are of a workspace, or of a flow."""
    path = tmp_path / "flows.db"
    migrations.upgrade(f"sqlite+aiosqlite:///{path}")
    page = changes.between(*whose, 100, 200, 64)
    (text,) = page.shape.sqlite
    with closing(plain(path)) as connection:
        plan = connection.execute(f"EXPLAIN QUERY PLAN {text.sql}", text.arguments(page.values)).fetchall()
    assert "INDEX ix_message_flow_revisions_position (position>? AND position<?)" in plan[0][3]
    assert not any("TEMP B-TREE" in row[3] for row in plan)


def test_deliveries_are_made_out_without_a_look_at_the_history_before(tmp_path: Path) -> None:
    path = tmp_path / "flows.db"
    migrations.upgrade(f"sqlite+aiosqlite:///{path}")
    webhook = Webhook("ws1", "w1", "https://example.com/", "", ("flow.updated",), "s", 1, 100)
    made = deliveries.make_out(webhook, 100, 200, 64)
    (text,) = made.shape.sqlite
    with closing(plain(path)) as connection:
        plan = connection.execute(f"EXPLAIN QUERY PLAN {text.sql}", text.arguments(made.values)).fetchall()
    assert any("ix_message_flow_revisions_position (position>? AND position<?)" in row[3] for row in plan)
    assert not any("TEMP B-TREE" in row[3] for row in plan)


async def test_the_log_stays_bounded_and_shrinks_when_a_long_reader_ends(
    store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_turns, "WAL_TO_COPY", 100_000)
    monkeypatch.setattr(sqlite_turns, "WAL_TO_COPY_NOW", 200_000)
    monkeypatch.setattr(sqlite_turns, "WAL_BOUND", 400_000)

    async def write() -> int:
        for letter in "abcdefghijklmnopqrst":
            await store.run(partial(count, note=letter * 20_000))
        return log_size(path)

    assert await write() < 400_000
    with closing(plain(path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM tally").fetchall()
        assert await write() > 400_000
    assert await write() < 400_000
    assert counted(path) == 60


async def test_the_log_of_a_file_that_a_link_leads_to_stays_bounded(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_turns, "WAL_TO_COPY", 100_000)
    monkeypatch.setattr(sqlite_turns, "WAL_TO_COPY_NOW", 100_000)  # the next script may be there already
    monkeypatch.setattr(sqlite_turns, "WAL_BOUND", 200_000)
    (tmp_path / "away").mkdir()
    link = tmp_path / "away" / "link.db"
    link.symlink_to(path)
    store = SqliteStore(str(link))
    for letter in "abcdefghijklmnopqrst":
        await store.run(partial(count, note=letter * 20_000))
    assert store.figures()["wal_bytes"] == log_size(path) < 200_000
    await store.close()


async def test_a_store_that_is_closed_leaves_no_log_behind(store: SqliteStore, path: Path) -> None:
    await store.run(count)
    await store.read(TOTAL)
    await store.read(TOTAL_ASIDE)
    assert log_size(path) > 0
    await store.close()
    assert [left.name for left in path.parent.iterdir()] == [path.name]


@pytest.mark.processes
async def test_two_processes_write_to_one_file(store: SqliteStore, path: Path) -> None:
    other = other_process(path, 200)
    for _ in range(20):
        await asyncio.gather(*(store.run(count) for _ in range(10)))
    assert await asyncio.to_thread(other.wait, 60) == 0
    assert counted(path) == 400


@pytest.mark.parametrize("name", ["a b#c.db", "50%25?mode=ro.db", "é&%23.db"])
async def test_a_file_is_the_one_of_its_name_whatever_that_means_in_an_address(path: Path, name: str) -> None:
    odd = path.with_name(name)
    shutil.copy(path, odd)
    store = SqliteStore(str(odd))
    try:
        await store.run(partial(count, "a"))
        assert [row["total"] for row in await store.read(TOTAL)] == [1]
    finally:
        await store.close()
    assert (counted(odd), counted(path)) == (1, 0)
