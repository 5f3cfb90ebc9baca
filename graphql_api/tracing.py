"""OpenTelemetry, for those who ask for it: a span for the request, its operation and each statement, without values."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

from opentelemetry import propagate, trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graphql_api.schema.context import Context, Seen
from graphql_api.schema.operations import OperationResult, Operations
from graphql_api.schema.prepared import Prepared
from graphql_api.storage.engine import Row, Script, Several, Statement, Store
from graphql_api.web.telemetry import METHODS, OTHERS, route

T = TypeVar("T")

TRACER = trace.get_tracer("message_flows")


def begin_tracing() -> None:
    """Sends spans where the variables of OpenTelemetry say, `OTEL_EXPORTER_OTLP_ENDPOINT` first."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": "message-flows"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


class TracedRequests:
    """A span a request, beneath the one that `traceparent` names."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        above = propagate.extract({name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]})
        method = scope["method"] if scope["method"] in METHODS else OTHERS
        told = {"http.request.method": method, "http.route": route(scope)}
        name = f"{method} {told['http.route']}"
        with TRACER.start_as_current_span(name, above, SpanKind.SERVER, told) as span:

            async def noting(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                    if message["status"] >= 500:
                        span.set_status(Status(StatusCode.ERROR))
                await send(message)

            await self._app(scope, receive, noting)


class TracedOperations(Operations):
    """A span an operation: its name, its first field, its cost."""

    async def carry_out(
        self, prepared: Prepared, variables: Mapping[str, Any] | None, context: Context
    ) -> OperationResult:
        with TRACER.start_as_current_span(f"{prepared.operation.operation.value} {prepared.field}") as span:
            try:
                return await super().carry_out(prepared, variables, context)
            finally:
                _note(span, context.seen)


def _note(span: Span, seen: Seen) -> None:
    span.set_attribute("graphql.operation.name", seen.operation)
    span.set_attribute("message_flows.cost", seen.cost)
    span.set_attribute("message_flows.compiled", seen.is_compiled)


class TracedStore:
    """A store whose statements each are a span with their SQL, in which values are placeholders."""

    def __init__(self, store: Store, *, is_postgresql: bool) -> None:
        self._store = store
        self._is_postgresql = is_postgresql
        self.heard: Callable[[str], None] | None = None

    async def read(self, statement: Statement) -> Sequence[Row]:
        with TRACER.start_as_current_span("statement", kind=SpanKind.CLIENT, attributes=self._sql(statement)):
            return await self._store.read(statement)

    async def run(self, script: Callable[[], Script[T]], *, together: bool = False, flow: str = "") -> T:
        with TRACER.start_as_current_span("edit") as span:
            return await self._store.run(lambda: self._told(script(), span), together=together, flow=flow)

    def _told(self, script: Script[T], above: Span) -> Script[T]:
        """The same script, perhaps in another thread: its spans are given their parent."""
        context = trace.set_span_in_context(above)
        rows: Sequence[Row] | None = None
        try:
            while True:
                statement = next(script) if rows is None else script.send(rows)
                span = TRACER.start_span("statement", context, SpanKind.CLIENT, self._sql(statement))
                try:
                    rows = yield statement
                finally:
                    span.end()
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        finally:
            script.close()

    def stream(self, statement: Statement) -> AbstractAsyncContextManager[AsyncIterator[Row]]:
        return self._store.stream(statement)

    def commits(self) -> AsyncGenerator[None]:
        return self._store.commits()

    async def writing(self) -> frozenset[str]:
        return await self._store.writing()

    def figures(self) -> Mapping[str, float]:
        return self._store.figures()

    async def close(self) -> None:
        await self._store.close()

    def _sql(self, statement: Statement) -> dict[str, str | int]:
        shape = statement.shape
        several = {"db.operation.batch.size": len(statement.statements)} if isinstance(statement, Several) else {}
        if self._is_postgresql:
            text = shape.batched if several else shape.postgresql
            return {"db.system.name": "postgresql", "db.query.text": text.sql, **several}
        return {"db.system.name": "sqlite", "db.query.text": "; ".join(step.sql for step in shape.sqlite), **several}
