"""What the SQL of the tests says: nothing looks across workspaces without a reason or changes a flow but no version."""

import re
from collections.abc import Iterable, Iterator

from sqlalchemy import select

from graphql_api.storage import changes, flows, migrations, sender, upkeep
from graphql_api.storage.engine import Shape
from graphql_api.storage.tables import ATTEMPTS, DELIVERIES, FLOWS, METADATA, REPLAYS, REVISIONS, WEBHOOKS

OF_WORKSPACES = {table.name for table in (FLOWS, REVISIONS, REPLAYS, WEBHOOKS, DELIVERIES, ATTEMPTS)}

ACROSS: dict[Shape, str] = {
    upkeep._FORGET_REPLAYS: "replays past their lifetime are removed wherever they are",
    upkeep._BEHIND: "pruning finds flows in the order of the primary key, then works workspace by workspace",
    upkeep._NAMED: "to ask once for all deleted flows of a step: it reads every replay",
    upkeep._NAMED_SINCE: "and once more for the replays that came meanwhile",
    flows.ANY_FLOW.shape: "whether a database is empty, before the demo is put into it",
    flows.PLAN_ANEW.shape: "reads nothing: it says how the statements behind it are planned",
    flows.export(None).shape: "an operator exports everything",
    changes._AFTER: "one reader a process passes each change on to the watchers of its workspace",
    changes._between(False, False): "a watcher of everything, such as the sender of webhooks, goes on where it was",
    changes.STREAM_NOW.shape: "how far the stream goes, whoever writes",
    changes.WRITERS.shape: "which transactions are open",
    changes.BEFORE_WRITERS.shape: "how far the stream went before them",
    changes._BEYOND: "which positions of the stream are there, behind those that may still come",
    sender.LOOK.shape: "whether one process has to send, for all workspaces",
    sender.LIVE.shape: "the process that sends does it for all workspaces",
    sender.PARKED.shape: "the metrics tell how many endpoints are dead",
    **{
        Shape(select(table).order_by(*table.primary_key.columns)): "tests look at whole tables"
        for table in METADATA.sorted_tables
    },
}
"""The only statements that are about more than one workspace, and why."""

NEWEST = re.compile(
    r"\(SELECT coalesce\(max\(message_flow_revisions\.position\), \S+\) AS \w+\s+FROM message_flow_revisions\)"
)
"""Only numbers the stream, which all workspaces share."""

PARAMETER = r"\$\d+|\?|given\.workspace|\(SELECT \$\d+"
"""In a statement for many values, `given` has a row for each of them."""

READ = re.compile(r"(?:FROM|JOIN|UPDATE|DELETE FROM) (\w+)(?: AS (\w+))?")
WRITTEN = re.compile(r"INSERT INTO (\w+) \((\w+)")


def texts(shape: Shape) -> Iterator[str]:
    yield from (text.sql for text in shape.sqlite)
    yield shape.postgresql.sql


def forgetful(sql: str) -> Iterator[str]:
    """The tables of a statement that it does not hold to one workspace."""
    sql = NEWEST.sub("", sql)
    for table, first in WRITTEN.findall(sql):
        if table in OF_WORKSPACES and first != "workspace_id":
            yield table
    anchors = re.findall(rf"\.workspace_id = (?:{PARAMETER})", sql)
    for table, alias in READ.findall(sql):
        name = alias or table
        held = re.search(rf"\b{name}\.workspace_id = (?:{PARAMETER}|\w+\.workspace_id)", sql)
        if table in OF_WORKSPACES and not (held and anchors):
            yield table


def look_across(ran: Iterable[str]) -> list[str]:
    """Those of the statements that are not held to one workspace, and that no reason is declared for."""
    declared = {sql for shape in ACROSS for sql in texts(shape)} | {migrations._VERSION.shape.sqlite[0].sql}
    return [sql for sql in ran if sql not in declared and (any(forgetful(sql)) or not _is_known(sql))]


CHANGED = re.compile(r"UPDATE message_flows SET (.*?) WHERE", re.DOTALL)


def keep_the_version(ran: Iterable[str]) -> list[str]:
    """Those of the statements that change flows and leave their versions as they are."""
    return [sql for sql in ran if any(" version=" not in f" {columns}" for columns in CHANGED.findall(sql))]


def _is_known(sql: str) -> bool:
    return any(table in sql for table in METADATA.tables)
