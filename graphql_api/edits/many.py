"""The same update of many flows: one transaction, each flow all or nothing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import structs

from graphql_api.domain import patch as patches
from graphql_api.domain.batching import batched
from graphql_api.domain.caller import Caller
from graphql_api.domain.errors import Problem, Refused, refused, unknown_flow
from graphql_api.domain.flow import COLUMNS, Values
from graphql_api.domain.ids import ID_RULE, is_id
from graphql_api.domain.patch import Patch, Sent
from graphql_api.domain.search import Filter
from graphql_api.domain.terms import NO_TERMS, Terms
from graphql_api.edits.desk import Desk, Edit, Result, Saved
from graphql_api.edits.replaying import is_known, once
from graphql_api.edits.writing import outcome, save, unknown_version
from graphql_api.storage import flows, pages, replays, revisions
from graphql_api.storage.abreast import abreast
from graphql_api.storage.engine import Script
from graphql_api.storage.revisions import Revision

AT_ONCE = 25
"""Flows whose past is read together for a replay."""

ALL_COLUMNS = (*COLUMNS, "deleted_at")


async def update_flows(
    desk: Desk, caller: Caller, ids: Sequence[str] | None, filter: Filter | None, sent: Sent, terms: Terms = NO_TERMS
) -> tuple[tuple[Result, ...], bool]:
    """Merges the same input into many flows, each all or nothing; also tells whether this is a replay."""
    asked = [list(ids) if ids is not None else None, filter and dict(filter.asked()), sent]
    edit = desk.edit(caller, "updateMessageFlows", None, terms, asked)
    _check_choice(ids, filter, desk.sizes.batch)
    patch = patches.checked(sent)
    if patch.problems:
        raise Refused(*patch.problems)
    if filter is not None:
        filter = await _narrowed(desk, edit, filter)
    return await once(
        desk, edit, lambda: _update_many(edit, ids, filter, patch, desk.sizes.batch), many_again, together=True
    )


async def _narrowed(desk: Desk, edit: Edit, filter: Filter) -> Filter:
    """By the ids that it matches now, read beside all edits: what goes on in the transaction looks at no other flow.

    Not where it matches too many: the first of them may be few enough by then, and would be taken for all.
    """
    if filter.ids is not None or edit.terms.validate_only or await is_known(desk, edit):
        return filter
    rows = await desk.store.read(pages.matching(edit.workspace, ("id",), filter, desk.sizes.batch + 1))
    if len(rows) > desk.sizes.batch:
        return filter
    return structs.replace(filter, ids=tuple(row["id"] for row in rows))


def _check_choice(ids: Sequence[str] | None, filter: Filter | None, most: int) -> None:
    if (ids is None) == (filter is None):
        raise refused("CONFLICTING_FIELDS", "send exactly one of ids and filter", "ids")
    if filter is not None and not filter.asked():
        raise refused("REQUIRED", "filter must have a member that narrows it; it would match every flow", "filter")
    if filter is not None:
        filter.check()
    if ids is not None and not 1 <= len(ids) <= most:
        raise refused("OUT_OF_RANGE", f"ids must name 1 to {most} flows (max_batch), not {len(ids)}", "ids")
    if ids is not None and len(set(ids)) != len(ids):
        raise refused("CONFLICTING_FIELDS", "ids must name each flow once", "ids")
    for place, id in enumerate(ids or (), 1):
        if not is_id(id):
            message = f"ids must each be {ID_RULE}; number {place} is not"
            raise refused("INVALID_ID", message, "ids")


def _update_many(
    edit: Edit, ids: Sequence[str] | None, filter: Filter | None, patch: Patch, most: int
) -> Script[tuple[tuple[Result, ...], bool]]:
    found = yield from _chosen(edit, ids, filter, most)
    chosen = ids if ids is not None else found
    results = yield from abreast(_update_one(edit, id, found.get(id), patch) for id in chosen)
    is_refused = all(result.saved is None for result in results)
    if edit.terms.key is not None and not is_refused:
        yield replays.keep(edit.workspace, edit.replay([_result_outcome(result) for result in results]))
    return tuple(results), False


def _chosen(edit: Edit, ids: Sequence[str] | None, filter: Filter | None, most: int) -> Script[Mapping[str, Values]]:
    if ids is not None:
        rows = yield flows.read_many(edit.workspace, ids)
        return {row["id"]: flows.values(row) for row in rows}
    assert filter is not None
    rows = yield pages.matching(edit.workspace, ALL_COLUMNS, filter, most + 1)
    if len(rows) > most:
        raise refused("OUT_OF_RANGE", f"filter matches more than {most} flows (max_batch); narrow it", "filter")
    if not rows:
        raise refused("NOT_FOUND", "no flow matches the filter", "filter")
    return {row["id"]: flows.values(row) for row in rows}


def _update_one(edit: Edit, id: str, flow: Values | None, patch: Patch) -> Script[Result]:
    if flow is None or flow["deleted_at"] is not None:
        return Result(id, problems=unknown_flow(id).problems)
    try:
        after = patches.merged(flow, patch)
    except Refused as refusal:
        return Result(id, problems=refusal.problems)
    bare = structs.replace(edit, terms=structs.replace(edit.terms, key=None))
    return Result(id, (yield from save(bare, "UPDATE", flow, after)))


def _result_outcome(result: Result) -> dict[str, Any]:
    if result.saved is not None:
        return outcome(result.saved)
    return {"id": result.id, "problems": [[p.code, p.message, p.path] for p in result.problems]}


def many_again(edit: Edit, outcomes: list[dict[str, Any]]) -> Script[tuple[tuple[Result, ...], bool]]:
    """A few flows and revisions at a time, as texts may be long; one that all flows were given is held once."""
    results: list[Result] = []
    texts: dict[str, str] = {}
    for some in batched(outcomes, AT_ONCE):
        versions = {outcome["id"]: outcome["version"] for outcome in some if "version" in outcome}
        past: dict[str, Values | None] = {}
        rows = (yield flows.read_many(edit.workspace, list(versions))) if versions else ()
        for piece in _pieces([flows.values(row) for row in rows], versions):
            past.update((yield from _past(edit.workspace, piece, versions)))
        results += [_result_again(outcome, past, texts) for outcome in some]
    return tuple(results), True


def _pieces(found: Iterable[Values], versions: Mapping[str, int]) -> Iterator[list[Values]]:
    """Flows whose histories are read together: what is above those versions in them is not held all at once."""
    piece: list[Values] = []
    total = 0
    for flow in found:
        newer = flow["version"] - versions[flow["id"]]
        if piece and total + newer > revisions.STEP:
            yield piece
            piece, total = [], 0
        piece.append(flow)
        total += newer
    if piece:
        yield piece


def _past(workspace: str, piece: list[Values], versions: Mapping[str, int]) -> Script[dict[str, Values | None]]:
    if len(piece) == 1:
        (flow,) = piece
        earlier = yield from revisions.past(workspace, flow, versions[flow["id"]])
        return {flow["id"]: earlier and earlier[0]}
    told = yield revisions.since_each(workspace, {flow["id"]: versions[flow["id"]] for flow in piece})
    newer: dict[str, list[Revision]] = {}
    for row in told:
        newer.setdefault(row["flow_id"], []).append(revisions.revision(row))
    return {flow["id"]: revisions.as_of(flow, versions[flow["id"]], newer.get(flow["id"], ())) for flow in piece}


def _result_again(outcome: dict[str, Any], past: Mapping[str, Values | None], texts: dict[str, str]) -> Result:
    if "version" not in outcome:
        return Result(outcome["id"], problems=tuple(Problem(c, m, tuple(p)) for c, m, p in outcome["problems"]))
    flow = past.get(outcome["id"])
    if flow is None:
        return Result(outcome["id"], problems=unknown_version(outcome["version"]).problems)
    given = {c: texts.setdefault(flow[c], flow[c]) for c in outcome["changed"] if isinstance(flow[c], str)}
    return Result(outcome["id"], Saved({**flow, **given}, tuple(outcome["changed"]), True, outcome["rebasedFrom"]))
