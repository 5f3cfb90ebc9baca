"""Spans of a request, its operation and its statements, one beneath the other, without values."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from graphql_api import app, config
from graphql_api.edits import Desk
from graphql_api.web.telemetry import OTHERS

SECRET = "Nobody-may-read-this"
INPUT = {"direction": "INBOUND", "agent": "a", "initiationMessage": "i", "messageChannel": "SMS"}


@pytest.fixture(scope="session")
def exporter() -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return exporter


@pytest.fixture
async def traced(desk: Desk, database_url: str, exporter: InMemorySpanExporter) -> AsyncIterator[httpx2.AsyncClient]:
    exporter.clear()
    made = app.made(config.load(traces=True, database_url=database_url), desk)
    headers = {"x-workspace-id": "ws1"}
    transport = httpx2.ASGITransport(made)
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost", headers=headers) as client:
        yield client


def beneath(spans: tuple[ReadableSpan, ...], above: ReadableSpan | None) -> list[Any]:
    """The tree of spans: a name, then what is beneath it."""
    id = above.context.span_id if above else None
    mine = [span for span in spans if (span.parent.span_id if span.parent else None) == id]
    return [(span.name, beneath(spans, span)) for span in sorted(mine, key=lambda span: span.start_time or 0)]


async def test_an_edit_is_a_request_an_operation_and_statements(
    traced: httpx2.AsyncClient, exporter: InMemorySpanExporter, database: str
) -> None:
    created = await traced.post("/v1/api/message-flows", json={**REST, "name": SECRET, "prompt": SECRET})
    assert created.status_code == 201
    await traced.put(f"/v1/api/message-flows/{created.json()['_id']}", json={"name": f"{SECRET} too"})
    spans = exporter.get_finished_spans()
    collection, flow = "/v1/api/message-flows", "/v1/api/message-flows/{id}"
    assert beneath(spans, None) == [
        (f"POST {collection}", [("mutation createMessageFlow", [("edit", [("statement", [])])])]),
        (f"PUT {flow}", [("mutation updateMessageFlow", [("edit", [("statement", []), ("statement", [])])])]),
    ]
    told = [dict(span.attributes or {}) for span in spans]
    assert {one["db.system.name"] for one in told if "db.query.text" in one} == {database}
    assert {one["http.response.status_code"] for one in told if "http.route" in one} == {200, 201}
    assert {one["graphql.operation.name"] for one in told if "message_flows.cost" in one} == {
        "CreateMessageFlow",
        "UpdateMessageFlow",
    }
    assert SECRET not in "".join(span.to_json() for span in spans)


async def test_what_is_written_together_is_one_statement(
    traced: httpx2.AsyncClient, exporter: InMemorySpanExporter, database: str
) -> None:
    ids = [(await traced.post("/v1/api/message-flows", json=flow)).json()["_id"] for flow in [NEW] * 3]
    exporter.clear()
    bulk = 'mutation($ids: [ID!]) { updateMessageFlows(ids: $ids, input: {name: "All"}) { errors { code } } }'
    answer = await traced.post("/graphql", json={"query": bulk, "variables": {"ids": ids}})
    assert answer.json() == {"data": {"updateMessageFlows": {"errors": []}}}
    read, write = (dict(span.attributes or {}) for span in exporter.get_finished_spans() if span.name == "statement")
    assert "db.operation.batch.size" not in read
    assert write["db.operation.batch.size"] == 3
    assert ("jsonb_to_recordset" in str(write["db.query.text"])) == (database == "postgresql")


REST = {**INPUT, "direction": "inbound"}
NEW = {**REST, "name": "N", "prompt": "p"}


async def test_a_request_is_beneath_the_span_of_its_caller(
    traced: httpx2.AsyncClient, exporter: InMemorySpanExporter
) -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    read = {"query": "query Read($id: ID!) {messageFlow(id: $id) {name}}", "variables": {"id": SECRET}}
    assert (await traced.post("/graphql", json=read, headers={"traceparent": parent})).status_code == 200
    spans = exporter.get_finished_spans()
    assert [span.name for span in spans] == ["statement", "query messageFlow", "POST /graphql"]
    assert {f"{span.context.trace_id:032x}" for span in spans} == {"0af7651916cd43dd8448eb211c80319c"}
    assert spans[-1].parent is not None
    assert f"{spans[-1].parent.span_id:016x}" == "b7ad6b7169203331"
    assert SECRET not in "".join(span.to_json() for span in spans)


async def test_a_fault_of_ours_is_an_error_of_its_request_and_a_refusal_is_none(
    traced: httpx2.AsyncClient, exporter: InMemorySpanExporter, desk: Desk
) -> None:
    def broken(sql: str) -> None:
        raise RuntimeError

    assert (await traced.get("/v1/api/message-flows/a")).status_code == 404
    desk.store.heard = broken
    assert (await traced.get("/v1/api/message-flows/a")).status_code == 500
    desk.store.heard = None
    requests = [span for span in exporter.get_finished_spans() if span.name.startswith("GET ")]
    assert [span.status.status_code for span in requests] == [trace.StatusCode.UNSET, trace.StatusCode.ERROR]


async def test_a_method_that_nobody_knows_makes_no_name_of_its_own(
    traced: httpx2.AsyncClient, exporter: InMemorySpanExporter
) -> None:
    for method in ("BREW", "GET"):
        await traced.request(method, "/v1/api/message-flows")
    names = [span.name for span in exporter.get_finished_spans() if " /" in span.name]
    assert [name.split()[0] for name in names] == [OTHERS, "GET"]
