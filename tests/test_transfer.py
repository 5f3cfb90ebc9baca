"""Files of flows: cut into pieces, checked whole, written in one transaction, and the same when they come out again."""

import asyncio
import gc
import io
import json
import sqlite3
import tracemalloc
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from graphql_api import edits, transfer
from graphql_api.domain import instants
from graphql_api.domain.caller import Caller
from graphql_api.domain.errors import Refused
from graphql_api.domain.example import EXAMPLE
from graphql_api.domain.patch import Sent
from graphql_api.edits import Desk
from graphql_api.edits.importing import Imported
from graphql_api.storage import flows, revisions
from graphql_api.storage.engine import Row, Statement, Store, unavailable
from graphql_api.storage.flows import COUNT_ANEW
from graphql_api.transfer import Brought, ImportOptions, Listener
from graphql_api.transfer.pieces import CHUNK, LONGEST, Piece, pieces
from graphql_api.transfer.staging import StagedFlows, Stopped
from tests.conftest import NOW, Clock
from tests.edits.conftest import NEW

WRITER = Caller(None, source="CLI")


def flow(id: str, **members: Any) -> dict[str, Any]:
    return {**EXAMPLE, "_id": id, "workspaceId": "ws1", **members}


def lines(*documents: Any) -> bytes:
    return b"".join(json.dumps(document).encode() + b"\n" for document in documents)


def cut(text: bytes, chunk: int = CHUNK) -> list[Piece]:
    return list(pieces(io.BufferedReader(io.BytesIO(text), chunk)))


def texts(text: bytes) -> list[tuple[int, bytes]]:
    found = cut(text)
    assert [piece.wrong for piece in found] == [None] * len(found)
    return [(piece.line, piece.text) for piece in found]


async def bring(desk: Desk, text: bytes, terms: ImportOptions = ImportOptions()) -> tuple[Brought, list[str]]:  # noqa: B008
    told: list[str] = []
    source = io.BufferedReader(io.BytesIO(text))
    listener = Listener(lambda line, message: told.append(f"{line}: {message}"))
    return await transfer.bring(desk, WRITER, source, terms, listener), told


async def export(desk: Desk, workspace: str | None = None) -> bytes:
    target = io.BytesIO()
    await transfer.send(desk.store, workspace, target)
    return target.getvalue()


def test_lines_are_cut_at_their_ends_and_blank_ones_passed_over() -> None:
    assert texts(b'{"a": 1}\r\n\n  {"b": 2}  \n{}') == [(1, b'{"a": 1}'), (3, b'{"b": 2}'), (4, b"{}")]
    assert texts(b"") == []


def test_an_array_is_cut_at_its_own_commas() -> None:
    array = b'\n[{"a": "}],[{\\"\\\\", "b": [1, [2]]},\n\n  {"c": {}}\n, 5]\n'
    assert texts(array) == [(2, b'{"a": "}],[{\\"\\\\", "b": [1, [2]]}'), (4, b'{"c": {}}'), (5, b"5")]
    assert texts(b" [ ] ") == []


def test_an_array_is_cut_the_same_wherever_its_chunks_end(monkeypatch: pytest.MonkeyPatch) -> None:
    array = b'[{"a": "\\\\\\"],"},\n{"b": "\xc3\xa4\\u0022"}, [1, 2]]\n '
    whole = texts(array)
    assert len(whole) == 3
    for size in range(1, len(array)):
        monkeypatch.setattr("graphql_api.transfer.pieces.CHUNK", size)
        assert texts(array) == whole


@pytest.mark.parametrize(
    ("array", "wrong"),
    [
        (b"[1,\n2", "2: the array does not end; a ] is missing, or a bracket or a quote before it"),
        (b'[1,\n"2]', "2: the array does not end; a ] is missing, or a bracket or a quote before it"),
        (b"[1,\n\n]", "3: a flow is missing beside the comma"),
        (b"[,1]", "1: a flow is missing beside the comma"),
        (b"[1]\n[2]", "1: there is something behind the end of the array"),
        (b"\xef\xbb\xbf[1]", "1: the file begins with a byte order mark; save it as plain UTF-8"),
        (b'\xef\xbb\xbf{"a": 1}', "1: the file begins with a byte order mark; save it as plain UTF-8"),
    ],
)
@pytest.mark.parametrize("size", [1, CHUNK])
def test_what_is_wrong_with_a_file_is_told_once_with_its_line(
    array: bytes, wrong: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("graphql_api.transfer.pieces.CHUNK", size)
    assert [f"{piece.line}: {piece.wrong}" for piece in cut(array) if piece.wrong] == [wrong]


def test_a_flow_that_is_too_long_is_named_and_the_next_one_read() -> None:
    long = b'"' + b"x" * (2 * LONGEST) + b'"'
    wrong = f"the flow is longer than {LONGEST} bytes"
    assert cut(b"1\n" + long + b"\n2\n") == [Piece(1, b"1"), Piece(2, wrong=wrong), Piece(3, b"2")]
    assert cut(b"1\n" + long) == [Piece(1, b"1"), Piece(2, wrong=wrong)]
    assert cut(b"[1,\n" + long + b",\n2]") == [Piece(1, b"1"), Piece(2, wrong=wrong), Piece(3, b"2")]


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_the_break_at_the_end_of_a_line_is_no_part_of_its_flow(end: bytes) -> None:
    whole = b"1" * LONGEST
    assert cut(whole + end) == cut(b"[" + whole + b"]") == [Piece(1, whole)]
    too_long = Piece(1, wrong=f"the flow is longer than {LONGEST} bytes")
    assert cut(b"1" + whole + end) == cut(b"[1" + whole + b"]") == [too_long]


async def test_what_comes_in_goes_out_again_byte_by_byte(desk: Desk) -> None:
    first = flow("a", name="Ä \u2028 😀", createdAt="2025-01-02T10:15:00.250Z", updatedAt="2025-03-01T00:00:00Z")
    hours = {"enabled": True, "start": "22:00", "end": "6:30", "timezone": "asia/calcutta", "outOfHoursMessage": "x"}
    second = flow("b", settings={"responseSettings": {"delay": 2.5, "workingHours": hours}}, messageChannel="Email")
    other = flow("a", workspaceId="ws0")
    brought, told = await bring(desk, lines(second, first, other))
    assert (brought, told) == (Brought(found=3, written=3), [])
    once = await export(desk)
    shown = [json.loads(line) for line in once.splitlines()]
    assert [(one["workspaceId"], one["_id"]) for one in shown] == [("ws0", "a"), ("ws1", "b"), ("ws1", "a")]
    assert list(shown[0]) == [name for name in EXAMPLE if name != "initiationMessage"] + ["initiationMessage"]
    assert shown[2]["createdAt"] == "2025-01-02T10:15:00.250Z"
    assert shown[2]["updatedAt"] == "2025-03-01T00:00:00Z"
    assert shown[1]["settings"]["responseSettings"]["workingHours"]["timezone"] == "Asia/Calcutta"
    assert shown[1]["settings"]["responseSettings"]["workingHours"]["end"] == "06:30"
    assert shown[1]["settings"]["responseSettings"]["delay"] == 2.5
    assert shown[1]["settings"]["emailSettings"] == {"subjectLine": "", "signature": ""}
    brought, told = await bring(desk, once, ImportOptions(workspace="elsewhere"))
    assert told == ["3: the flow a of workspace elsewhere stands on line 1 already"]
    assert (await export(desk)) == once
    moved = b"".join(once.splitlines(keepends=True)[1:])
    brought, told = await bring(desk, moved, ImportOptions(workspace="elsewhere"))
    assert (brought.written, told) == (2, [])
    assert await export(desk, "elsewhere") == moved.replace(b'"ws1"', b'"elsewhere"')
    assert await export(desk, "nobody") == b""


async def test_the_published_list_comes_in_as_it_is_answered(desk: Desk) -> None:
    published = {name: value for name, value in flow("a").items() if name != "initiationMessage"}
    page = json.dumps([{**published, "__v": 3, "version": 7}, {**published, "_id": "b"}], indent=2).encode()
    brought, told = await bring(desk, page)
    assert (brought.wrong, brought.written) == (2, 0)
    second = page[: page.index(b'"_id": "b"')].count(b"\n")
    assert told == ["2: initiationMessage is required", f"{second}: initiationMessage is required"]
    brought, told = await bring(desk, page, ImportOptions(initiation_message="Hello"))
    assert (brought, told) == (Brought(found=2, written=2), [])
    assert [json.loads(line)["initiationMessage"] for line in (await export(desk)).splitlines()] == ["Hello", "Hello"]


async def test_an_option_for_the_initiation_message_overrules_none_that_is_there(desk: Desk) -> None:
    await bring(desk, lines(flow("a", initiationMessage="own")), ImportOptions(initiation_message="option"))
    assert json.loads(await export(desk))["initiationMessage"] == "own"


async def test_every_problem_of_every_line_is_told_and_nothing_is_written(desk: Desk) -> None:
    text = b"\n".join(
        [
            json.dumps(flow("a")).encode(),
            b"{",
            b'{"a": 1, "a": 2}',
            b'{"delay": NaN}',
            b'{"\xff": 1}',
            b"[1]",
            json.dumps(flow("b/c", workspaceId=5, createdAt="2025-01-02", nmae="x")).encode(),
            json.dumps(flow("d", prompt="", agent="a b")).encode(),
            json.dumps(flow("a")).encode(),
            json.dumps(flow("e", settings={"responseSettings": {"delay": "5"}})).encode(),
        ]
    )
    brought, told = await bring(desk, text)
    assert (brought.found, brought.wrong, brought.written) == (10, 9, 0)
    assert [one.split(":")[0] for one in told] == ["2", "3", "4", "5", "6", "7", "7", "7", "7", "8", "8", "9", "10"]
    assert told[1] == "3: the member a stands more than once in one object"
    assert told[2] == "4: NaN is not JSON"
    assert told[3] == "5: the flow is not UTF-8 at byte 2"
    assert told[4] == "6: a flow must be a JSON object"
    assert told[5] == "7: _id must be a string of 1 to 64 of the characters A-Z, a-z, 0-9, _ and -"
    assert told[7] == "7: createdAt must be RFC 3339 with an offset, such as 2025-01-02T10:15:00Z"
    assert told[8].startswith("7: nmae is not a member; did you mean name?")
    assert told[11] == "9: the flow a of workspace ws1 stands on line 1 already"
    assert told[12] == "10: settings.responseSettings.delay must be a number, not a string"
    assert await export(desk) == b""


async def test_times_that_are_to_come_or_in_the_wrong_order_are_refused(desk: Desk, clock: Clock) -> None:
    clock.step = 0
    past, soon, then = (instants.text(NOW + milliseconds) for milliseconds in (-1, 5 * 60_000, 5 * 60_000 + 1))
    text = lines(
        flow("a", createdAt=past, updatedAt=then),
        flow("b", createdAt=then, updatedAt=None),
        flow("c", createdAt=then, updatedAt="9999-12-31T23:59:59Z"),
        flow("d", createdAt=soon, updatedAt=past),
        flow("e", createdAt=past, updatedAt=soon),
        flow("f", createdAt=None, updatedAt=soon),
    )
    brought, told = await bring(desk, text, ImportOptions(keep_good=True))
    late = "must not be later than now, 2026-11-22T12:00:00Z"
    assert told == [
        f"1: updatedAt {late}",
        f"2: createdAt {late}",
        f"3: createdAt {late}",
        f"3: updatedAt {late}",
        "4: updatedAt must not be before createdAt",
    ]
    assert brought == Brought(found=6, wrong=4, written=2)


async def test_whatever_the_server_made_comes_in_again(desk: Desk, caller: Caller, clock: Clock) -> None:
    """Also where the clock of the one that takes it in is minutes behind."""
    ids = [(await edits.create_flow(desk, caller, NEW)).flow["id"] for _ in range(4)]
    for id in ids[1:]:
        await edits.update_flow(desk, caller, id, Sent({"name": "another"}))
    await edits.revert_flow(desk, caller, ids[2], 0)
    await edits.delete_flow(desk, caller, ids[3])
    await edits.restore_flow(desk, caller, ids[3])
    made = await export(desk)
    clock.now -= 4 * 60_000
    assert await bring(desk, made, ImportOptions(workspace="ws2")) == (Brought(found=4, written=4), [])
    assert (await export(desk, "ws2")).replace(b'"ws2"', b'"ws1"') == made


@pytest.mark.parametrize("keep_good", [False, True])
async def test_postgresql_is_told_to_count_its_flows_anew_when_some_were_brought(
    desk: Desk, store: Store, monkeypatch: pytest.MonkeyPatch, keep_good: bool
) -> None:
    """Also a server that will not do so, or not in time, has taken the flows."""
    look, told = store.read, []

    async def read(statement: Statement) -> Sequence[Row]:
        if statement is not COUNT_ANEW:
            return await look(statement)
        told.append(statement.shape.postgresql.sql)
        await look(statement)
        raise unavailable("too slow")

    monkeypatch.setattr(store, "read", read)
    for written in (1, 0):
        brought, _ = await bring(desk, lines(flow("f1")), ImportOptions(keep_good=keep_good))
        assert (brought.written, told) == (written, ["ANALYZE message_flows"])
    assert len(await desk.store.read(flows.ANY_FLOW)) == 1


async def test_the_good_ones_are_kept_when_asked_for(desk: Desk) -> None:
    await bring(desk, lines(flow("a")))
    text = lines(flow("b"), flow("a", name="new"), flow("c", prompt=""), flow("d"))
    brought, told = await bring(desk, text, ImportOptions(keep_good=True))
    assert brought == Brought(found=4, wrong=2, written=2)
    assert told == ["2: the flow a exists in workspace ws1", "3: prompt must not be empty"]
    assert [json.loads(line)["_id"] for line in (await export(desk)).splitlines()] == ["a", "b", "d"]
    assert b'"new"' not in await export(desk)


async def test_an_existing_flow_is_refused_or_passed_over(desk: Desk) -> None:
    await bring(desk, lines(flow("a")))
    before = await export(desk)
    brought, told = await bring(desk, lines(flow("b"), flow("a", name="new")))
    assert (brought.written, told) == (0, ["2: the flow a exists in workspace ws1"])
    assert await export(desk) == before
    brought, told = await bring(desk, lines(flow("a", name="new"), flow("b")), ImportOptions(skip_existing=True))
    assert (brought, told) == (Brought(found=2, written=1, skipped=1), [])
    assert (await export(desk)).splitlines()[0] == before.strip()


async def test_every_flow_of_an_array_on_one_line_is_told_and_counted(desk: Desk) -> None:
    await bring(desk, lines(flow("a"), flow("b")))
    array = json.dumps([flow("a"), flow("b"), flow("c"), flow("no id"), 5]).encode()
    assert array.count(b"\n") == 0
    exist = [f"1: the flow {id} exists in workspace ws1" for id in "ab"]
    wrong = [
        "1: _id must be a string of 1 to 64 of the characters A-Z, a-z, 0-9, _ and -",
        "1: a flow must be a JSON object",
    ]
    assert await bring(desk, array) == (Brought(found=5, wrong=4), [*exist, *wrong])
    assert await bring(desk, array, ImportOptions(keep_good=True)) == (
        Brought(found=5, wrong=4, written=1),
        [*exist, *wrong],
    )
    assert [json.loads(line)["_id"] for line in (await export(desk)).splitlines()] == ["a", "b", "c"]


async def test_a_deleted_flow_comes_back_at_its_next_version(desk: Desk) -> None:
    await bring(desk, lines(flow("a")))
    inside = Caller("ws1")
    await edits.update_flow(desk, inside, "a", Sent({"name": "later"}))
    await edits.delete_flow(desk, inside, "a")
    brought, told = await bring(desk, lines(flow("a")))
    assert (brought.written, told) == (1, [])
    (row,) = await desk.store.read(flows.read_whole("ws1", "a"))
    assert (row["version"], row["deleted_at"], row["name"]) == (3, None, EXAMPLE["name"])


async def test_history_tells_who_brought_a_flow(desk: Desk) -> None:
    await bring(desk, lines(flow("a")))
    (row,) = await desk.store.read(revisions.newest("ws1", "a", 10, None))
    told = revisions.revision(row)
    assert (told.operation, told.source, told.version) == ("IMPORT", "CLI", 0)
    assert told.changes["name"] == (None, EXAMPLE["name"])


async def test_a_flow_that_appears_while_the_file_is_checked_takes_everything_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bring(desk, lines(flow("b")))
    before = await export(desk)

    async def none_existed(*_: object) -> list[int]:
        return []

    monkeypatch.setattr("graphql_api.transfer.incoming._existing", none_existed)
    with pytest.raises(Refused, match="the flow b exists in workspace ws1"):
        await bring(desk, lines(flow("a"), flow("b")))
    assert await export(desk) == before
    brought, told = await bring(desk, lines(flow("a"), flow("b")), ImportOptions(keep_good=True))
    assert (brought, told) == (Brought(found=2, wrong=1, written=1), ["2: the flow b exists in workspace ws1"])


async def test_an_import_that_is_given_up_writes_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graphql_api.edits.importing.AT_ONCE", 20)
    text = lines(*(flow(f"f{number}") for number in range(800)))
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    def written(_: int) -> None:
        loop.call_soon_threadsafe(begun.set)

    listener = Listener(lambda *_: None, written=written)
    source = io.BufferedReader(io.BytesIO(text))
    task = asyncio.create_task(transfer.bring(desk, WRITER, source, ImportOptions(), listener))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await bring(desk, lines(flow("after")))
    assert [json.loads(line)["_id"] for line in (await export(desk)).splitlines()] == ["after"]


def test_what_is_given_up_is_closed_and_who_still_reads_it_hears_of_it() -> None:
    with StagedFlows() as staged:
        for id in "ab":
            staged.add(1, Imported(id, "ws1", {}))
        reading = iter(staged)
        next(reading)
    with pytest.raises(Stopped):
        next(reading)
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        staged.add(1, Imported("c", "ws1", {}))


@pytest.fixture
def collected_often() -> Iterator[None]:
    """Newer Pythons let more pile up before they look for cycles."""
    before = gc.get_threshold()
    gc.set_threshold(700)
    yield
    gc.set_threshold(*before)


async def test_memory_does_not_grow_with_the_file(
    desk: Desk, collected_often: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("graphql_api.transfer.incoming.BATCH", 20)
    monkeypatch.setattr("graphql_api.edits.importing.AT_ONCE", 20)

    async def brought(count: int, workspace: str) -> None:
        text = io.BufferedReader(Endless(count))
        await transfer.bring(desk, WRITER, text, ImportOptions(workspace=workspace), Listener(lambda *_: None))

    async def peak(count: int, workspace: str) -> int:
        tracemalloc.start()
        await brought(count, workspace)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    await brought(400, "warm")  # what is remembered on purpose has a bound, and is there now
    few, many = await peak(100, "few"), await peak(500, "many")
    # Ids are remembered, to find those that are there twice (some 240 bytes each); a flow would take over 2,000.
    assert many - few < 1_000 * 400


class Endless(io.RawIOBase):
    """A file of so many flows that is never in memory as a whole."""

    def __init__(self, count: int) -> None:
        self._numbers = iter(range(count))
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._rest:
            number = next(self._numbers, None)
            self._rest = b"" if number is None else lines(flow(f"f{number}", prompt="x" * 2_000))
        part = self._rest[: len(buffer)]
        self._rest = self._rest[len(part) :]
        buffer[: len(part)] = part
        return len(part)


@pytest.mark.parametrize("workspace", ["", "a b", "x" * 65, "ä"])
def test_a_workspace_that_cannot_be_is_refused_before_anything_is_read(workspace: str) -> None:
    with pytest.raises(Refused, match="--workspace must be 1 to 64 of the characters"):
        ImportOptions(workspace=workspace).check()


def test_an_initiation_message_that_cannot_be_is_refused_before_anything_is_read() -> None:
    with pytest.raises(Refused, match="--initiation-message must not be empty"):
        ImportOptions(initiation_message="").check()
