"""A table that counts, for tests of what every script is promised whatever it writes."""

from sqlalchemy import Column, Integer, MetaData, Table, Text, bindparam, func, literal_column, select, update

from graphql_api.storage.engine import Raced, Script, Shape, Statement

TALLY = Table("tally", MetaData(), Column("id", Text, primary_key=True), Column("count", Integer), Column("note", Text))
DDL = "CREATE TABLE tally (id text PRIMARY KEY, count integer NOT NULL CHECK (count >= 0), note text NOT NULL)"
ROWS = "INSERT INTO tally VALUES ('a', 0, ''), ('b', 0, '')"

_READ = Shape(select(TALLY.c.count, TALLY.c.count.label("version")).where(TALLY.c.id == bindparam("id")), locks=True)
_SET = Shape(
    update(TALLY)
    .where(TALLY.c.id == bindparam("key"), TALLY.c.count == bindparam("seen"))
    .values(count=bindparam("new"), note=bindparam("text"))
    .returning(TALLY.c.count)
)
_ADD = Shape(
    update(TALLY).where(TALLY.c.id == bindparam("key")).values(count=TALLY.c.count + 1).returning(TALLY.c.count)
)
TOTAL = Statement(Shape(select(func.sum(TALLY.c.count).label("total"))), {})
SLEEP = Shape(select(func.pg_sleep(bindparam("seconds")), literal_column("1").label("one")))


def read(id: str) -> Statement:
    return Statement(_READ, {"id": id})


def added(id: str) -> Statement:
    """Adds one without looking: a second time counts twice."""
    return Statement(_ADD, {"key": id})


def count(id: str = "a", note: str = "") -> Script[int]:
    """Reads, then adds one if nobody was faster."""
    (row,) = yield read(id)
    seen = row["count"]
    if not (yield Statement(_SET, {"key": id, "seen": seen, "new": seen + 1, "text": note})):
        raise Raced
    return int(seen + 1)


def count_recalled(id: str = "a") -> Script[int]:
    """As `count`, but what it reads may be recalled."""
    place = ("ws1", id)
    (row,) = yield Statement(_READ, {"id": id}, recalls=place)
    new = int(row["count"]) + 1
    values = {"key": id, "seen": new - 1, "new": new, "text": ""}
    if not (yield Statement(_SET, values, recalls=place, after={"count": new, "version": new})):
        raise Raced
    return new


def refused_by_a_check() -> Script[None]:
    (row,) = yield read("a")
    yield Statement(_SET, {"key": "a", "seen": row["count"], "new": -1, "text": ""})


def refused_at_once() -> Script[None]:
    yield read("a")
    raise ZeroDivisionError


def failing() -> Script[None]:
    yield from count()
    raise ZeroDivisionError("after it has written")


def both(*ids: str) -> Script[None]:
    for id in ids:
        yield from count(id)
