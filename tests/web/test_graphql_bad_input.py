"""What GraphQL answers to requests that are wrong, odd or hostile: each over a socket, and nothing is ever written."""
# ruff: noqa: E501 - a case is a line

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from graphql_api.domain.errors import KINDS
from tests.web.sockets import WORKSPACE, Case, Server, Told, request

RESPONSE = "application/graphql-response+json"
JSON = "application/json"
LIMIT = 2 * 2**20
NOT_HTTP = "this is not HTTP/1.1"

UPDATE = 'mutation($i: UpdateMessageFlowInput!) { updateMessageFlow(id: "exampleId1", input: $i) { changedFields errors { code message path } } }'
FILTERED = "query($f: MessageFlowFilter) { messageFlows(filter: $f) { totalCount } }"


def raw(body: bytes | str, **headers: str | None) -> bytes:
    """A request error is a status in this media type, so that the table shows it."""
    sent = body if isinstance(body, bytes) else body.encode()
    return request("POST", "/graphql", sent, **{"accept": RESPONSE, **headers})


def post(query: str, variables: Any = None, **others: Any) -> bytes:
    return raw(json.dumps({"query": query, "variables": variables, **others}))


def get(query: str, **headers: str | None) -> bytes:
    return request("GET", f"/graphql?{query}", None, **{"accept": RESPONSE, **headers})


def document(query: str) -> bytes:
    return get(f"query={quote(query)}")


def update(text: str) -> bytes:
    """The update with an input of this JSON text."""
    return raw(f'{{"query": {json.dumps(UPDATE)}, "variables": {{"i": {text}}}}}')


def literal(text: str) -> bytes:
    return post(
        f'mutation {{ updateMessageFlow(id: "exampleId1", input: {text}) {{ errors {{ code message path }} }} }}'
    )


def flow(selection: str) -> str:
    return f'{{ messageFlow(id: "exampleId1") {{ {selection} }} }}'


def doubling(levels: int) -> str:
    """Fragments that each spread the next one twice."""
    parts = [f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(levels)]
    return " ".join(["{ ...F0 }", *parts, f"fragment F{levels} on Query {{ __typename }}"])


BODIES = [
    Case("no body", raw(""), 400, "INVALID_JSON", "the body is not JSON"),
    Case("spaces", raw(" \r\n"), 400, "INVALID_JSON"),
    Case("a word", raw("hello"), 400, "INVALID_JSON"),
    Case("a document by itself", raw("{ __typename }"), 400, "INVALID_JSON"),
    Case("cut off", raw('{"query": "{ __typ'), 400, "INVALID_JSON", "unterminated string starting at line 1, column 11"),
    Case("a comma too many", raw('{"query": "{__typename}",}'), 400, "INVALID_JSON"),
    Case("two documents", raw('{"query": "{__typename}"}{}'), 400, "INVALID_JSON"),
    Case("a raw line break", raw('{"query": "{\n__typename}"}'), 400, "INVALID_JSON"),
    Case("a raw NUL", raw(b'{"query": "\0"}'), 400, "INVALID_JSON"),
    Case("an empty batch", raw("[]"), 400, "BAD_REQUEST", "batches are not taken"),
    Case("a batch", raw('[{"query": "{__typename}"}]'), 400, "BAD_REQUEST", "send one operation a request"),
    Case("a batch of a number", raw("[5]"), 400, "BAD_REQUEST", "batches are not taken"),
    Case("a string", raw('"{__typename}"'), 400, "BAD_REQUEST", "the body must be a JSON object"),
    Case("a number", raw("5"), 400, "BAD_REQUEST"),
    Case("null", raw("null"), 400, "BAD_REQUEST"),
    Case("true", raw("true"), 400, "BAD_REQUEST"),
    Case("an empty object", raw("{}"), 400, "BAD_REQUEST", "query must be a string"),
    Case("a misspelt query", raw('{"qeury": "{__typename}"}'), 400, "BAD_REQUEST"),
    Case("a null query", raw('{"query": null}'), 400, "BAD_REQUEST"),
    Case("a number as query", raw('{"query": 1}'), 400, "BAD_REQUEST"),
    Case("an array as query", raw('{"query": ["{__typename}"]}'), 400, "BAD_REQUEST"),
    Case("a persisted query", raw('{"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "a"}}}'), 400, "BAD_REQUEST", "PersistedQueryNotSupported"),
    Case("extensions as a number without a query", raw('{"extensions": 1}'), 400, "BAD_REQUEST"),
    Case("variables as a string", raw('{"query": "{__typename}", "variables": "{}"}'), 400, "BAD_REQUEST", "variables must be an object or null"),
    Case("variables as an array", raw('{"query": "{__typename}", "variables": []}'), 400, "BAD_REQUEST"),
    Case("variables as false", raw('{"query": "{__typename}", "variables": false}'), 400, "BAD_REQUEST"),
    Case("extensions as a number", raw('{"query": "{__typename}", "extensions": 0}'), 400, "BAD_REQUEST", "extensions must be"),
    Case("extensions as an array", raw('{"query": "{__typename}", "extensions": []}'), 400, "BAD_REQUEST"),
    Case("an operation name as a number", raw('{"query": "{__typename}", "operationName": 0}'), 400, "BAD_REQUEST", "operationName must be"),
    Case("an operation name as an object", raw('{"query": "{__typename}", "operationName": {}}'), 400, "BAD_REQUEST"),
    Case("a byte order mark", raw(b'\xef\xbb\xbf{"query": "{__typename}"}'), 400, "INVALID_JSON", "byte order mark"),
    Case("UTF-16", raw('{"query": "{__typename}"}'.encode("utf-16")), 400, "INVALID_JSON", "not UTF-8 at byte 0"),
    Case("Latin-1", raw('{"query": "{__typename #é\\n}"}'.encode("latin-1")), 400, "INVALID_JSON"),
    Case("an overlong encoding", raw(b'{"query": "\xc0\xaf"}'), 400, "INVALID_JSON"),
    Case("a surrogate in UTF-8", raw(b'{"query": "\xed\xa0\x80"}'), 400, "INVALID_JSON"),
    Case("two queries", raw('{"query": "{__typename}", "query": "{__typename}"}'), 400, "INVALID_JSON", "query stands more than once"),
    Case("a duplicate variable", raw('{"query": "{__typename}", "variables": {"a": 1, "a": 2}}'), 400, "INVALID_JSON"),
    Case("a duplicate deep in variables", update('{"settings": {"security": {"a": 1, "a": 1}}}'), 400, "INVALID_JSON"),
    Case("a duplicate with a surrogate", raw('{"\\ud800": 1, "\\ud800": 1}'), 400, "INVALID_JSON", "\ufffd stands"),
    Case("NaN", update('{"settings": {"responseSettings": {"delay": NaN}}}'), 400, "INVALID_JSON", "NaN is not JSON"),
    Case("Infinity", update('{"settings": {"responseSettings": {"delay": -Infinity}}}'), 400, "INVALID_JSON"),
    Case("65 brackets", raw("[" * 65 + "]" * 65), 400, "LIMIT_EXCEEDED", "deeper than 64 levels (max_json_depth)"),
    Case("100,000 brackets", raw("[" * 100_000), 400, "LIMIT_EXCEEDED"),
    Case("100,000 brackets in a variable", update("[" * 100_000), 400, "LIMIT_EXCEEDED"),
    Case("10,001 arrays and objects", raw("[" + "[]," * 9_999 + "{}]"), 400, "LIMIT_EXCEEDED", "10001 arrays and objects; the limit is 10000"),
    Case("10,000 arrays and objects", raw("[" + "[]," * 9_998 + "{}]"), 400, "BAD_REQUEST"),
    Case("5,000 digits", update("1" * 5_000), 400, "LIMIT_EXCEEDED", "more than 20 digits (max_integer_digits)"),
    Case("5,000 digits and a point", update("1" * 5_000 + "."), 400, "LIMIT_EXCEEDED", "more than 20 digits (max_integer_digits)"),
    Case("too long by its length", raw("", content_length=str(LIMIT + 1)), 413, "PAYLOAD_TOO_LARGE", str(LIMIT)),
    Case("absurdly long", raw("", content_length="9" * 18), 413, "PAYLOAD_TOO_LARGE"),
    Case("too long in chunks", raw("", content_length=None, transfer_encoding="chunked") + b"%x\r\n" % (LIMIT + 1) + b" " * (LIMIT + 1) + b"\r\n0\r\n\r\n", 413, "PAYLOAD_TOO_LARGE"),
    Case("as long as allowed", raw(" " * LIMIT), 400, "INVALID_JSON"),
    Case("shorter than its length", raw('{"query"', content_length="100"), 400, "LIMIT_EXCEEDED", "within 0.5 s (body_timeout)"),
    Case("no content type", raw("{}", content_type=None), 415, "UNSUPPORTED_MEDIA_TYPE", "Content-Type: application/json"),
    Case("a form", raw("query={__typename}", content_type="application/x-www-form-urlencoded"), 415, "UNSUPPORTED_MEDIA_TYPE"),
    Case("a multipart upload", raw("--x--", content_type="multipart/form-data; boundary=x"), 415, "UNSUPPORTED_MEDIA_TYPE"),
    Case("text", raw(json.dumps({"query": "mutation { __typename }"}), content_type="text/plain"), 415, "UNSUPPORTED_MEDIA_TYPE"),
    Case("a document as application/graphql", raw("{ __typename }", content_type="application/graphql"), 415, "UNSUPPORTED_MEDIA_TYPE"),
    Case("the answer's type", raw("{}", content_type=RESPONSE), 415, "UNSUPPORTED_MEDIA_TYPE"),
    Case("JSON in UTF-16", raw("{}", content_type="application/json; charset=utf-16"), 415, "UNSUPPORTED_MEDIA_TYPE", "UTF-8"),
    Case("compressed", raw("{}", content_encoding="gzip"), 415, "UNSUPPORTED_MEDIA_TYPE", "Content-Encoding"),
    Case("two content types", raw("{}", Content_Type="text/plain"), 400, "BAD_REQUEST", "sent more than once"),
]  # fmt: skip

DOCUMENTS = [
    Case("an empty document", post(""), 400, "BAD_REQUEST", "Syntax Error"),
    Case("a comment alone", post("# nothing"), 400, "BAD_REQUEST", "Syntax Error"),
    Case("an open brace", post("{"), 400, "BAD_REQUEST", "Syntax Error: Expected Name, found <EOF>."),
    Case("a closing brace too many", post("{ __typename }}"), 400, "BAD_REQUEST"),
    Case("an unterminated string", post('{ messageFlow(id: "a) { id } }'), 400, "BAD_REQUEST", "Unterminated string"),
    Case("an unterminated block string", post('{ messageFlow(id: """a) { id } }'), 400, "BAD_REQUEST", "Unterminated string"),
    Case("a bad escape", post('{ messageFlow(id: "\\x") { id } }'), 400, "BAD_REQUEST", "Invalid character escape sequence"),
    Case("a surrogate in an escape", post('{ messageFlow(id: "\\ud800") { id } }'), 400, "BAD_REQUEST", "Invalid Unicode escape sequence"),
    Case("a long escape beyond Unicode", post('{ messageFlow(id: "\\u{110000}") { id } }'), 400, "BAD_REQUEST"),
    Case("a surrogate in a document", raw('{"query": "{ \\ud800 }"}'), 400, "BAD_REQUEST", "Syntax Error"),
    Case("a surrogate in a string", raw('{"query": "{ messageFlow(id: \\"\\ud800\\") { id } }"}'), 400, "BAD_REQUEST"),
    Case("a surrogate in a block string", raw('{"query": "{ messageFlow(id: \\"\\"\\"\\udfff\\"\\"\\") { id } }"}'), 400, "BAD_REQUEST"),
    Case("a surrogate in a comment", raw('{"query": "{ nope # \\ud800\\n }"}'), 400, "BAD_REQUEST"),
    Case("NUL in a document", raw('{"query": "{ \\u0000 }"}'), 400, "BAD_REQUEST", "Syntax Error"),
    Case("letters beyond ASCII as a name", post("{ ä }"), 400, "BAD_REQUEST", "Syntax Error"),
    Case("an emoji as a document", post("😀"), 400, "BAD_REQUEST", "Syntax Error"),
    Case("typographic quotes", post("{ messageFlow(id: “a”) { id } }"), 400, "BAD_REQUEST"),
    Case("single quotes", post("{ messageFlow(id: 'a') { id } }"), 400, "BAD_REQUEST", "did you mean to use a double quote"),
    Case("SQL", post("SELECT 1"), 400, "BAD_REQUEST", "Unexpected Name 'SELECT'"),
    Case("a type definition", post("type A { a: Int }"), 400, "BAD_REQUEST", "no operation is given"),
    Case("a type beside an operation", post("{ __typename } type A { a: Int }"), 400, "BAD_REQUEST", "definition is not executable"),
    Case("a fragment alone", post("fragment F on Query { __typename }"), 400, "BAD_REQUEST", "no operation is given"),
    Case("two operations without a name to choose", post("query A { __typename } query B { __typename }"), 400, "BAD_REQUEST", "operationName is needed"),
    Case("two operations and an empty name", post("query A { __typename } query B { __typename }", operationName=""), 400, "BAD_REQUEST", "operationName is needed"),
    Case("an unknown operation name", post("query A { __typename }", operationName="B"), 400, "BAD_REQUEST", "operationName names no operation"),
    Case("a surrogate as operation name", raw('{"query": "query A {__typename}", "operationName": "\\ud800"}'), 400, "BAD_REQUEST", "operationName names no operation"),
    Case("a name for an operation without one", post("{ __typename }", operationName="A"), 400, "BAD_REQUEST"),
    Case("a long operation name", post("query A { __typename }", operationName="x" * 100_000), 400, "BAD_REQUEST"),
    Case("two operations of one name", post("query A { __typename } query A { __typename }", operationName="A"), 400, "BAD_REQUEST", "only one operation named 'A'"),
    Case("an unknown field", post("{ nope }"), 400, "BAD_REQUEST", "Cannot query field 'nope' on type 'Query'."),
    Case("a misspelt field", post(flow("nme")), 400, "BAD_REQUEST", "Did you mean 'name'?"),
    Case("a field of REST", post(flow("_id")), 400, "BAD_REQUEST", "Cannot query field '_id'"),
    Case("an object without a selection", post('{ messageFlow(id: "a") }'), 400, "BAD_REQUEST", "must have a selection of subfields"),
    Case("a leaf with a selection", post(flow("name { x }")), 400, "BAD_REQUEST", "must not have a selection"),
    Case("without the id", post("{ messageFlow { id } }"), 400, "BAD_REQUEST", "is required"),
    Case("an unknown argument", post('{ messageFlow(id: "a", foo: 1) { id } }'), 400, "BAD_REQUEST", "Unknown argument 'foo'"),
    Case("an argument twice", post('{ messageFlow(id: "a", id: "b") { id } }'), 400, "BAD_REQUEST", "only one argument named 'id'"),
    Case("a null id", post("{ messageFlow(id: null) { id } }"), 400, "BAD_REQUEST"),
    Case("an object as id", post("{ messageFlow(id: {a: 1}) { id } }"), 400, "BAD_REQUEST", "ID cannot represent"),
    Case("a float as id", post("{ messageFlow(id: 1.5) { id } }"), 400, "BAD_REQUEST"),
    Case("an unknown directive", post("{ __typename @x }"), 400, "BAD_REQUEST", "Unknown directive '@x'."),
    Case("@skip without a condition", post("{ __typename @skip }"), 400, "BAD_REQUEST"),
    Case("@skip twice", post("{ __typename @skip(if: true) @skip(if: true) }"), 400, "BAD_REQUEST", "only be used once"),
    Case("an unknown fragment", post("{ ...F }"), 400, "BAD_REQUEST", "Unknown fragment 'F'."),
    Case("an unused fragment", post("{ __typename } fragment F on Query { __typename }"), 400, "BAD_REQUEST", "never used"),
    Case("a fragment within itself", post("{ ...F } fragment F on Query { ...F }"), 400, "BAD_REQUEST", "Cannot spread fragment 'F' within itself"),
    Case("two fragments in a circle", post("{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }"), 400, "BAD_REQUEST", "within itself"),
    Case("a fragment on an unknown type", post("{ ... on Foo { id } }"), 400, "BAD_REQUEST", "Unknown type 'Foo'."),
    Case("a fragment on a scalar", post("{ ... on String { id } }"), 400, "BAD_REQUEST"),
    Case("a fragment that can never match", post("{ ... on Revision { id } }"), 400, "BAD_REQUEST"),
    Case("fields that conflict", post('{ a: messageFlow(id: "a") { id } a: messageFlow(id: "b") { id } }'), 400, "BAD_REQUEST", "conflict"),
    Case("a variable that is not declared", post("{ messageFlow(id: $id) { id } }"), 400, "BAD_REQUEST", "Variable '$id' is not defined"),
    Case("a variable that is not used", post("query($a: Int) { __typename }"), 400, "BAD_REQUEST", "never used"),
    Case("a variable declared twice", post("query($a: ID!, $a: ID!) { messageFlow(id: $a) { id } }"), 400, "BAD_REQUEST"),
    Case("a variable of an unknown type", post("query($a: Foo) { messageFlow(id: $a) { id } }"), 400, "BAD_REQUEST", "Unknown type 'Foo'"),
    Case("a variable of an output type", post("query($a: MessageFlow) { messageFlow(id: $a) { id } }"), 400, "BAD_REQUEST", "non-input type"),
    Case("a variable of another type", post("query($a: Int!) { messageFlow(id: $a) { id } }", {"a": 1}), 400, "BAD_REQUEST", "expecting type 'ID!'"),
    Case("a nullable variable where none may be", post("query($a: ID) { messageFlow(id: $a) { id } }"), 400, "BAD_REQUEST", "expecting type 'ID!'"),
    Case("an enum in quotes", literal('{direction: "INBOUND"}'), 400, "BAD_REQUEST", "Enum 'Direction' cannot represent non-enum value"),
    Case("an enum in the spelling of REST", literal("{direction: inbound}"), 400, "BAD_REQUEST", "does not exist in 'Direction' enum"),
    Case("a number as a string", literal('{settings: {responseSettings: {delay: "5"}}}'), 400, "BAD_REQUEST", "Float cannot represent non numeric value"),
    Case("an unknown member of an input", literal("{colour: 1}"), 400, "BAD_REQUEST", "unknown field 'colour'"),
    Case("a member twice", literal('{name: "a", name: "b"}'), 400, "BAD_REQUEST", "only one input field named 'name'"),
    Case("a list as an object", literal("[1]"), 400, "BAD_REQUEST"),
    Case("the workspace as a member", literal('{workspaceId: "x"}'), 400, "BAD_REQUEST"),
    Case("a huge Int", post("{ messageFlows(first: 99999999999999999999) { totalCount } }"), 400, "BAD_REQUEST", "Int cannot represent"),
    Case("an Int with a point", post("{ messageFlows(first: 1.0) { totalCount } }"), 400, "BAD_REQUEST", "Int cannot represent"),
    Case("a leading zero", post("{ messageFlows(first: 01) { totalCount } }"), 400, "BAD_REQUEST", "Syntax Error"),
    Case("an instant without an offset", post('{ messageFlows(filter: {updatedSince: "2026-01-01T00:00:00"}) { totalCount } }'), 400, "BAD_REQUEST", "RFC 3339 with an offset"),
    Case("a null order", post("{ messageFlows(orderBy: {field: null}) { totalCount } }"), 400, "BAD_REQUEST"),
    Case("a flow's field on a node", post('{ node(id: "a") { name } }'), 400, "BAD_REQUEST", "Cannot query field 'name' on type 'Node'"),
    Case("an unknown introspection", post("{ __types { name } }"), 400, "BAD_REQUEST"),
]  # fmt: skip

LIMITS = [
    Case("an Int of 10,000 digits", post(f"{{ messageFlows(first: {'9' * 10_000}) {{ totalCount }} }}"), 400, "LIMIT_EXCEEDED", "has a number of 10000 digits; the limit is 20 (max_integer_digits)"),
    Case("too many tokens", post("{ " + "__typename " * 2_000 + "}"), 400, "LIMIT_EXCEEDED", "at least 2001 tokens; the limit is 2000 (max_tokens)"),
    Case("a document of 2 MB", post("{ __typename " + " " * 2_000_000 + "}"), 400, "LIMIT_EXCEEDED", " characters; the limit is 200000"),
    Case("a document of 190,000 lines", post("\n" * 190_000 + "{ a b c d e f g h i j }"), 400, "LIMIT_EXCEEDED", "190001 lines; the limit is 10000"),
    Case("a string of 500,000 letters", post(f'{{ messageFlow(id: "{"x" * 500_000}") {{ id }} }}'), 400, "LIMIT_EXCEEDED", " characters; the limit is 200000"),
    Case("500 braces", post("{a" * 500), 400, "LIMIT_EXCEEDED", "nested 500 levels deep; the limit is 64"),
    Case("900 brackets", post("{ a(b: " + "[" * 900), 400, "LIMIT_EXCEEDED", " levels deep; the limit is 64"),
    Case("900 lists in a type", post("query($a: " + "[" * 900), 400, "LIMIT_EXCEEDED", " levels deep; the limit is 64"),
    Case("20 fields deep", post("{a" * 20 + "}" * 20), 400, "LIMIT_EXCEEDED", "has depth 20; the limit is 15 (max_depth)"),
    Case("deep by fragments", post("{ ...F } fragment F on Query { a { ...G } } fragment G on Query { " + "a { " * 15 + "b" + " }" * 16), 400, "LIMIT_EXCEEDED", "(max_depth)"),
    Case("51 aliases", post(flow(" ".join(f"a{n}: id" for n in range(51)))), 400, "LIMIT_EXCEEDED", "has 51 aliases; the limit is 50 (max_aliases)"),
    Case("21 root fields", post("{ " + " ".join("__typename" for n in range(21)) + " }"), 400, "LIMIT_EXCEEDED", "has 21 root fields; the limit is 20 (max_root_fields)"),
    Case("51 directives", post("{ __typename " + "@skip(if: false) " * 51 + "}"), 400, "LIMIT_EXCEEDED", "has 51 directives; the limit is 50 (max_directives)"),
    Case("fragments doubled 20 times", post(doubling(20)), 400, "LIMIT_EXCEEDED", "(max_selections)"),
    Case("fragments doubled 100 times", post(doubling(100)), 400, "LIMIT_EXCEEDED", "nested 102 levels deep"),
    Case("many fields at one place", post(flow("id " * 200)), 400, "LIMIT_EXCEEDED", "has 19900 overlaps; the limit is 10000"),
    Case("pages of pages", post("{ messageFlows(first: 100) { nodes { revisions(first: 100) { nodes { changes { path } } } } } }"), 400, "LIMIT_EXCEEDED", "points; the limit is 10000 (max_cost)"),
    Case("pages of pages by variables", post("query($n: Int) { messageFlows(first: $n) { nodes { revisions(first: $n) { nodes { changes { path } } } } } }", {"n": 100}), 400, "LIMIT_EXCEEDED", "(max_cost)"),
    Case("a long text ten times", post("{ messageFlows(first: 100) { nodes { " + " ".join(f"p{n}: prompt" for n in range(10)) + " } } }"), 400, "LIMIT_EXCEEDED", "costs 45101 points; the limit is 10000 (max_cost)"),
    Case("the schema within itself", post("{ " + " ".join(f"s{n}: __schema {{ types {{ fields {{ type {{ ...F ofType {{ ...F }} }} }} }} }}" for n in range(20)) + " } fragment F on __Type { fields { type { name } } }"), 400, "LIMIT_EXCEEDED", "(max_cost)"),
    Case("a bulk of 1,001", post("mutation($i: [ID!]) { updateMessageFlows(ids: $i, input: {}) { results { messageFlow { id } } } }", {"i": [f"a{n}" for n in range(1_001)]}), 400, "LIMIT_EXCEEDED", "(max_cost)"),
]  # fmt: skip

VARIABLES = [
    Case("a page beyond Int", post("query($n: Int) { messageFlows(first: $n) { nodes { id } } }", {"n": 2**31}), 400, "BAD_REQUEST", "Int cannot represent non 32-bit signed integer value"),
    Case("a missing variable", post(UPDATE), 400, "BAD_REQUEST", "Variable '$i' has invalid value"),
    Case("a null variable", post(UPDATE, {"i": None}), 400, "BAD_REQUEST"),
    Case("a variable of another name", post(UPDATE, {"I": {}}), 400, "BAD_REQUEST"),
    Case("a list for an input", update("[]"), 400, "BAD_REQUEST"),
    Case("a string for an input", update('"x"'), 400, "BAD_REQUEST"),
    Case("a number for an input", update("5"), 400, "BAD_REQUEST"),
    Case("an unknown member", update('{"colour": 1}'), 400, "BAD_REQUEST", "unknown field 'colour'"),
    Case("a misspelt member", update('{"nmae": "x"}'), 400, "BAD_REQUEST", "Did you mean 'name'?"),
    Case("a surrogate as a member", update('{"\\ud800": 1}'), 400, "BAD_REQUEST", "unknown field '\ufffd'"),
    Case("NUL as a member", update('{"\\u0000": 1}'), 400, "BAD_REQUEST"),
    Case("a member of 100,000 letters", update(json.dumps({"x" * 100_000: 1})), 400, "BAD_REQUEST"),
    Case("a deep unknown member", update('{"settings": {"responseSettings": {"dealy": 1}}}'), 400, "BAD_REQUEST", "Did you mean 'delay'?"),
    Case("a member of REST", update('{"_id": "exampleId1"}'), 400, "BAD_REQUEST"),
    Case("an enum in the spelling of REST by variable", update('{"direction": "inbound"}'), 400, "BAD_REQUEST", "does not exist in 'Direction' enum"),
    Case("a channel in the spelling of REST", update('{"messageChannel": "Email"}'), 400, "BAD_REQUEST"),
    Case("a surrogate as an enum", update('{"direction": "\\ud800"}'), 400, "BAD_REQUEST"),
    Case("a number as an enum", update('{"direction": 0}'), 400, "BAD_REQUEST"),
    Case("a number as a name", update('{"name": 5}'), 400, "BAD_REQUEST", "String cannot represent"),
    Case("a list as a name", update('{"name": ["x", null]}'), 400, "BAD_REQUEST", 'value: ["x", null]'),
    Case("a boolean as a string", update('{"isActive": "true"}'), 400, "BAD_REQUEST", "Boolean cannot represent"),
    Case("a boolean as a number", update('{"isActive": 1}'), 400, "BAD_REQUEST"),
    Case("a delay as a string", update('{"settings": {"responseSettings": {"delay": "5"}}}'), 400, "BAD_REQUEST", "Float cannot represent"),
    Case("1e400", update('{"settings": {"responseSettings": {"delay": 1e400}}}'), 400, "BAD_REQUEST", "Float cannot represent"),
    Case("a boolean as a delay", update('{"settings": {"responseSettings": {"delay": true}}}'), 400, "BAD_REQUEST"),
    Case("20 digits as a delay", update('{"settings": {"responseSettings": {"delay": 99999999999999999999}}}'), 400, "BAD_REQUEST"),
    Case("settings as a list", update('{"settings": []}'), 400, "BAD_REQUEST"),
    Case("settings as a string", update('{"settings": "x"}'), 400, "BAD_REQUEST"),
    Case("an Int as a string", post("query($n: Int) { messageFlows(first: $n) { totalCount } }", {"n": "5"}), 400, "BAD_REQUEST"),
    Case("an Int beyond 32 bits", post("query($n: Int) { messageFlows(first: $n) { totalCount } }", {"n": 2**31}), 400, "BAD_REQUEST", "32-bit"),
    Case("an Int that is infinite", raw('{"query": "query($n: Int) { messageFlows(first: $n) { totalCount } }", "variables": {"n": 1e999}}'), 400, "BAD_REQUEST"),
    Case("an Int with a fraction", post("query($n: Int) { messageFlows(first: $n) { totalCount } }", {"n": 1.5}), 400, "BAD_REQUEST"),
    Case("a boolean as an Int", post("query($n: Int) { messageFlows(first: $n) { totalCount } }", {"n": True}), 400, "BAD_REQUEST", "value: true"),
    Case("an object as an id", post("query($a: ID!) { messageFlow(id: $a) { id } }", {"a": {}}), 400, "BAD_REQUEST"),
    Case("a null in a list of ids", post(FILTERED, {"f": {"ids": [None]}}), 400, "BAD_REQUEST", "at .ids[0]: Expected value of non-null type 'ID!' not to be null."),
    Case("a bad instant", post(FILTERED, {"f": {"updatedSince": "yesterday"}}), 400, "BAD_REQUEST", "RFC 3339 with an offset"),
    Case("a number as an instant", post(FILTERED, {"f": {"updatedSince": 0}}), 400, "BAD_REQUEST"),
    Case("an unknown filter", post(FILTERED, {"f": {"colour": "red"}}), 400, "BAD_REQUEST"),
    Case("the version as a string", post('mutation($v: Int) { deleteMessageFlow(id: "exampleId1", ifVersion: $v) { replayed } }', {"v": "0"}), 400, "BAD_REQUEST"),
]  # fmt: skip

HTTP = [
    Case("GET without a query", get(""), 400, "BAD_REQUEST", "query must be a string"),
    Case("GET of an empty query", get("query="), 400, "BAD_REQUEST", "Syntax Error"),
    Case("GET of a syntax error", get("query=%7B"), 400, "BAD_REQUEST", "Syntax Error"),
    Case("GET of a mutation", document('mutation { deleteMessageFlow(id: "exampleId1") { replayed } }'), 405, "METHOD_NOT_ALLOWED", "GET takes queries only"),
    Case("GET of a mutation by name", get("operationName=B&query=" + quote('query A { __typename } mutation B { deleteMessageFlow(id: "exampleId1") { replayed } }')), 405, "METHOD_NOT_ALLOWED"),
    Case("GET of two queries", get("query=%7B__typename%7D&query=%7B__typename%7D"), 400, "BAD_REQUEST", "query is given more than once"),
    Case("GET of bad variables", get("query=%7B__typename%7D&variables=%7B"), 400, "INVALID_JSON", "variables is not JSON"),
    Case("GET of variables as a list", get("query=%7B__typename%7D&variables=%5B%5D"), 400, "BAD_REQUEST", "variables must be"),
    Case("GET of 1,000 brackets as variables", get(f"query=%7B__typename%7D&variables={'%5B' * 1_000}"), 400, "LIMIT_EXCEEDED"),
    Case("GET of invalid UTF-8", get("query=%ff"), 400, "BAD_REQUEST", "percent-encoded UTF-8"),
    Case("GET of NUL", get("query=%00"), 400, "BAD_REQUEST", "Syntax Error"),
    Case("GET of bad extensions", get("query=%7B__typename%7D&extensions=x"), 400, "INVALID_JSON", "extensions is not JSON"),
    Case("GET of a long query", get(f"query={'%20' * 6_000}"), 400, "LIMIT_EXCEEDED", "max_header_bytes"),
    Case("PUT", request("PUT", "/graphql", b"{}"), 405, "METHOD_NOT_ALLOWED", "this path takes GET, HEAD, POST, OPTIONS"),
    Case("DELETE", request("DELETE", "/graphql"), 405, "METHOD_NOT_ALLOWED"),
    Case("PATCH", request("PATCH", "/graphql", b"{}"), 405, "METHOD_NOT_ALLOWED"),
    Case("a trailing slash", request("POST", "/graphql/", b"{}"), 404, "NOT_FOUND"),
    Case("a path below", request("POST", "/graphql/schema", b"{}"), 404, "NOT_FOUND"),
    Case("nothing acceptable", raw('{"query": "{__typename}"}', accept="text/html"), 406, "NOT_ACCEPTABLE", "answers come as"),
    Case("both types refused", raw("{}", accept=f"{JSON};q=0, {RESPONSE};q=0"), 406, "NOT_ACCEPTABLE"),
    Case("everything refused", raw("{}", accept="*/*;q=0"), 406, "NOT_ACCEPTABLE"),
    Case("a mutation with nothing acceptable", raw(json.dumps({"query": UPDATE, "variables": {"i": {"name": "x"}}}), accept="text/html"), 406, "NOT_ACCEPTABLE"),
    Case("a key for a mutation in the header of REST", raw(json.dumps({"query": UPDATE, "variables": {"i": {"name": "x"}}}), idempotency_key="k"), 400, "BAD_REQUEST", "send the argument idempotencyKey"),
    Case("a version for a mutation in the header of REST", raw(json.dumps({"query": UPDATE, "variables": {"i": {"name": "x"}}}), if_match='"0"'), 400, "BAD_REQUEST", "send the argument ifVersion"),
    Case("a bad workspace", raw('{"query": "{__typename}"}', x_workspace_id="a b"), 400, "BAD_REQUEST", "x-workspace-id must be"),
    Case("two workspaces", raw('{"query": "{__typename}"}', X_Workspace_Id="other"), 400, "BAD_REQUEST", "sent more than once"),
    Case("another host", raw('{"query": "{__typename}"}', host="evil.example"), 400, "BAD_REQUEST", "names no host of this server"),
    Case("no host", raw('{"query": "{__typename}"}', host=None), 400, "BAD_REQUEST", "one header Host"),
    Case("a long head", raw("{}", x_filler="x" * 17_000), 400, "LIMIT_EXCEEDED", "max_header_bytes"),
    Case("NUL in a header", raw("{}", x_filler="\0"), 400, "BAD_REQUEST", NOT_HTTP),
    Case("length and chunks", raw("{}", transfer_encoding="chunked"), 400, "BAD_REQUEST", NOT_HTTP),
    Case("a chunk without a size", raw("", content_length=None, transfer_encoding="chunked") + b"z\r\n", 400, "BAD_REQUEST", NOT_HTTP),
]  # fmt: skip

CASES = [*BODIES, *DOCUMENTS, *LIMITS, *VARIABLES, *HTTP]

FIELDS = [
    Case("no workspace", raw(json.dumps({"query": flow("id")}), x_workspace_id=None), 200, "WORKSPACE_REQUIRED", "x-workspace-id is missing"),
    Case("an empty workspace", raw(json.dumps({"query": flow("id")}), x_workspace_id=""), 200, "WORKSPACE_REQUIRED"),
    Case("no workspace to update in", raw(json.dumps({"query": UPDATE, "variables": {"i": {"name": "x"}}}), x_workspace_id=None), 200, "WORKSPACE_REQUIRED"),
    Case("no rows", post("{ messageFlows(first: 0) { totalCount } }"), 200, "BAD_REQUEST", "first must be between 1 and 100"),
    Case("too many rows", post("{ messageFlows(first: 101) { totalCount } }"), 200, "LIMIT_EXCEEDED"),
    Case("a negative number of rows", post("{ messageFlows(last: -1) { totalCount } }"), 200, "BAD_REQUEST", "last must be"),
    Case("both ends", post("{ messageFlows(first: 1, last: 1) { totalCount } }"), 200, "BAD_REQUEST", "first or last, not both"),
    Case("a bad cursor", post('{ messageFlows(after: "x") { totalCount } }'), 200, "BAD_REQUEST", "not a cursor"),
    Case("an empty cursor", post('{ messageFlows(after: "") { totalCount } }'), 200, "BAD_REQUEST"),
    Case("a cursor beyond ASCII", post('{ messageFlows(before: "é") { totalCount } }'), 200, "BAD_REQUEST"),
    Case("a surrogate as a cursor", post("query($c: String) { messageFlows(after: $c) { totalCount } }", {"c": "\ud800"}), 200, "BAD_REQUEST"),
    Case("a bad cursor of revisions", post(flow('revisions(after: "x") { nodes { id } }')), 200, "BAD_REQUEST"),
    Case("too many revisions", post(flow("revisions(first: 101) { nodes { id } }")), 200, "LIMIT_EXCEEDED"),
    Case("NUL to search for", post(FILTERED, {"f": {"nameContains": "\0"}}), 200, "BAD_REQUEST", "NUL"),
    Case("a surrogate to search for", post(FILTERED, {"f": {"nameContains": "\ud800"}}), 200, "BAD_REQUEST", "surrogate"),
]  # fmt: skip


def hours(members: str) -> bytes:
    return update(f'{{"settings": {{"responseSettings": {{"workingHours": {{{members}}}}}}}}}')


def guarded(arguments: str, document: str = "updateMessageFlow", rest: str = 'input: {name: "x"}, ') -> bytes:
    return post(f'mutation {{ {document}(id: "exampleId1", {rest}{arguments}) {{ errors {{ code message path }} }} }}')


PAYLOADS = [
    Case("null as a name", update('{"name": null}'), 200, "NULL_NOT_ALLOWED"),
    Case("a blank name", update('{"name": " \\t"}'), 200, "BLANK"),
    Case("a long name", update(json.dumps({"name": "x" * 201})), 200, "TOO_LONG", "201 characters; at most 200"),
    Case("NUL in a name", update('{"name": "\\u0000"}'), 200, "INVALID_CHARACTER", "NUL"),
    Case("NUL in a name by escape", literal('{name: "\\u0000"}'), 200, "INVALID_CHARACTER"),
    Case("a surrogate in a name", update('{"name": "\\ud800"}'), 200, "INVALID_CHARACTER", "lone surrogate"),
    Case("a surrogate in a prompt", update('{"prompt": "x\\udfff"}'), 200, "INVALID_CHARACTER"),
    Case("a long prompt", update(json.dumps({"prompt": "x" * 100_001})), 200, "TOO_LONG"),
    Case("a bad agent", update('{"agent": "a b"}'), 200, "INVALID_ID"),
    Case("a surrogate as agent", update('{"agent": "\\ud800"}'), 200, "INVALID_ID"),
    Case("null for a new flow", post('mutation { createMessageFlow(input: {name: "n", direction: INBOUND, agent: "a", prompt: "p", initiationMessage: "i", messageChannel: SMS, isActive: null}) { errors { code message path } } }'), 200, "NULL_NOT_ALLOWED", "isActive must not be null; leave it out to get its default"),
    Case("null settings", update('{"settings": null}'), 200, "NULL_NOT_ALLOWED"),
    Case("null working hours", update('{"settings": {"responseSettings": {"workingHours": null}}}'), 200, "NULL_NOT_ALLOWED"),
    Case("null as hipaaCompliance", update('{"settings": {"security": {"hipaaCompliance": null}}}'), 200, "NULL_NOT_ALLOWED"),
    Case("a negative delay", update('{"settings": {"responseSettings": {"delay": -1}}}'), 200, "OUT_OF_RANGE"),
    Case("a delay of two days", update('{"settings": {"responseSettings": {"delay": 172800}}}'), 200, "OUT_OF_RANGE"),
    Case("1e400 in a document", literal("{settings: {responseSettings: {delay: 1e400}}}"), 200, "OUT_OF_RANGE", "finite"),
    Case("a time with seconds", hours('"start": "09:00:00"'), 200, "INVALID_TIME"),
    Case("24:00 as start", hours('"start": "24:00"'), 200, "INVALID_TIME"),
    Case("an empty window", hours('"start": "17:00"'), 200, "EMPTY_WINDOW"),
    Case("an unknown zone", hours('"timezone": "Mars/Base"'), 200, "INVALID_TIMEZONE"),
    Case("a surrogate as zone", hours('"timezone": "\\ud800"'), 200, "INVALID_TIMEZONE"),
    Case("two lines as a subject", update('{"settings": {"emailSettings": {"subjectLine": "a\\nb"}}}'), 200, "INVALID_CHARACTER"),
    Case("a toggle beside autopilot", update('{"toggleAutopilot": true, "autopilot": false}'), 200, "CONFLICTING_FIELDS"),
    Case("one good and one bad leaf", update('{"name": "changed", "agent": ""}'), 200, "INVALID_ID"),
    Case("another version", guarded("ifVersion: 7"), 200, "VERSION_CONFLICT"),
    Case("a negative version", guarded("ifVersion: -1"), 200, "OUT_OF_RANGE"),
    Case("a merge without a version", guarded("onConflict: MERGE"), 200, "REQUIRED", "needs ifVersion"),
    Case("a trial with a key", guarded('validateOnly: true, idempotencyKey: "k"'), 200, "CONFLICTING_FIELDS"),
    Case("an empty key", guarded('idempotencyKey: ""'), 200, "BLANK"),
    Case("a key beyond ASCII", guarded('idempotencyKey: "é"'), 200, "INVALID_CHARACTER"),
    Case("NUL in a note", guarded('note: "\\u0000"'), 200, "INVALID_CHARACTER"),
    Case("another version to delete", guarded("ifVersion: 7", "deleteMessageFlow", ""), 200, "VERSION_CONFLICT"),
    Case("a flow that is not deleted", guarded("ifVersion: 0", "restoreMessageFlow", ""), 200, "NOT_DELETED"),
    Case("a version that never was", guarded("toVersion: 9", "revertMessageFlow", ""), 200, "UNKNOWN_VERSION"),
    Case("an unknown flow", post('mutation { updateMessageFlow(id: "unknown", input: {}) { errors { code message path } } }'), 200, "NOT_FOUND"),
    *(
        Case(f"an empty id for {name}", post(f'mutation {{ {name}(id: ""{more}) {{ errors {{ code message path }} }} }}'), 200, "INVALID_ID", "id must be 1 to 64")
        for name, more in (("updateMessageFlow", ", input: {}"), ("deleteMessageFlow", ""), ("restoreMessageFlow", ""), ("revertMessageFlow", ", toVersion: 0"))
    ),
    Case("a malformed id", post('mutation { updateMessageFlow(id: "a b", input: {}) { errors { code message path } } }'), 200, "INVALID_ID"),
    Case("a flow of another workspace", raw(json.dumps({"query": UPDATE, "variables": {"i": {"name": "x"}}}), x_workspace_id="other"), 200, "NOT_FOUND"),
    Case("a bulk of nothing", post("mutation { updateMessageFlows(input: {}) { errors { code message path } } }"), 200, "CONFLICTING_FIELDS"),
    Case("a bulk of no ids", post("mutation { updateMessageFlows(ids: [], input: {}) { errors { code message path } } }"), 200, "OUT_OF_RANGE"),
    Case("a bulk with an empty filter", post("mutation { updateMessageFlows(filter: {}, input: {}) { errors { code message path } } }"), 200, "REQUIRED"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_bad_requests_are_refused_and_nothing_is_written(
    server: Server, nothing_written: Callable[[], None], case: Case
) -> None:
    told = server.tell(case.raw)
    code, messages = first_error(told)
    assert (told.status, code) == (case.status, case.code), told.json
    assert any(case.message in message for message in messages), messages
    assert "data" not in told.json
    nothing_written()
    assert len(told.body) < 20_000
    assert "allow" in told.headers or told.status != 405


@pytest.mark.parametrize("case", FIELDS, ids=[case.name for case in FIELDS])
def test_a_field_that_cannot_be_answered_is_a_top_level_error(
    server: Server, nothing_written: Callable[[], None], case: Case
) -> None:
    told = server.tell(case.raw)
    code, messages = first_error(told)
    assert (told.status, code) == (case.status, case.code), told.json
    assert case.message in messages[0]
    assert "data" in told.json
    nothing_written()


@pytest.mark.parametrize("case", PAYLOADS, ids=[case.name for case in PAYLOADS])
def test_refusals_of_the_domain_are_data(server: Server, nothing_written: Callable[[], None], case: Case) -> None:
    told = server.tell(case.raw)
    assert told.json.keys() == {"data"}, told.json
    ((_, payload),) = told.json["data"].items()
    error = payload["errors"][0]
    assert (told.status, error["code"]) == (case.status, case.code), payload
    assert case.message in error["message"]
    assert KINDS[case.code].is_data
    nothing_written()


def first_error(told: Told) -> tuple[str, list[str]]:
    """The code and messages of an answer of either shape: what is refused before /graphql has the one of REST."""
    assert told.headers["x-request-id"]
    assert told.headers["cache-control"] == "no-store"
    if "errors" in told.json:
        assert told.headers["content-type"] == f"{RESPONSE}; charset=utf-8"
        errors = told.json["errors"]
        return errors[0]["extensions"]["code"], [error["message"] for error in errors]
    assert told.headers["content-type"] == JSON
    return told.json["error"]["code"].upper(), [told.json["error"]["message"]]


def test_the_tables_are_long_enough_and_name_each_case_once() -> None:
    cases = [*CASES, *FIELDS, *PAYLOADS]
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)
    assert len(cases) >= 150


@pytest.mark.parametrize("case", [*DOCUMENTS, *LIMITS, *VARIABLES], ids=lambda case: case.name)
def test_in_application_json_a_well_formed_request_is_answered_with_200(server: Server, case: Case) -> None:
    told = server.tell(case.raw.replace(f"accept: {RESPONSE}".encode(), f"accept: {JSON}".encode()))
    assert (told.status, told.headers["content-type"]) == (200, f"{JSON}; charset=utf-8")
    assert told.json.keys() == {"errors"}
    assert {error["extensions"]["code"] for error in told.json["errors"]} == {case.code}


@pytest.mark.parametrize("case", BODIES, ids=lambda case: case.name)
def test_in_application_json_a_malformed_request_has_its_status(server: Server, case: Case) -> None:
    told = server.tell(case.raw.replace(f"accept: {RESPONSE}".encode(), f"accept: {JSON}".encode()))
    assert (told.status, told.json["errors"][0]["extensions"]["code"]) == (case.status, case.code)


ODD = [
    Case("a bare type name without a workspace", raw('{"query": "{__typename}"}', x_workspace_id=None), 200, '{"data":{"__typename":"Query"}}'),
    Case("nulls", raw('{"query": "{__typename}", "variables": null, "extensions": null, "operationName": null}'), 200, '{"data":{"__typename":"Query"}}'),
    Case("an unknown member of the request", raw('{"query": "{__typename}", "id": "x"}'), 200, '{"data":{"__typename":"Query"}}'),
    Case("a variable too many", raw('{"query": "{__typename}", "variables": {"\\ud800": "\\udfff"}}'), 200, '{"data":{"__typename":"Query"}}'),
    Case("an unknown extension", raw('{"query": "{__typename}", "extensions": {"some": [1]}}'), 200, '{"data":{"__typename":"Query"}}'),
    Case("the price", raw('{"query": "{messageFlows(first: 5) {nodes {id}}}", "extensions": {"cost": true}}', x_workspace_id="other"), 200, '{"data":{"messageFlows":{"nodes":[]}},"extensions":{"cost":6}}'),
    Case("no price", raw('{"query": "{__typename}", "extensions": {"cost": 1}}'), 200, '{"data":{"__typename":"Query"}}'),
    Case("a byte order mark in a document", raw('{"query": "\\ufeff{__typename}"}'), 200, '{"data":{"__typename":"Query"}}'),
    Case("a comment beyond ASCII", post("{ __typename # 😀é\n }"), 200, '{"data":{"__typename":"Query"}}'),
    Case("a charset", raw('{"query": "{__typename}"}', content_type='application/json;charset="UTF-8"'), 200, '{"data":{"__typename":"Query"}}'),
    Case("GET", get("query=%7B__typename%7D"), 200, '{"data":{"__typename":"Query"}}'),
    Case("GET with a plus sign", get("query=query+A%7B__typename%7D&operationName=A&variables=&extensions="), 200, '{"data":{"__typename":"Query"}}'),
    Case("GET with an unknown parameter", get("query=%7B__typename%7D&utm=1"), 200, '{"data":{"__typename":"Query"}}'),
    Case("GET of a query beside a mutation", get("operationName=A&query=" + quote("query A { __typename } mutation B { __typename }")), 200, '{"data":{"__typename":"Query"}}'),
    Case("an unknown id", post('{ messageFlow(id: "unknown") { id } }'), 200, '{"data":{"messageFlow":null}}'),
    Case("a malformed id", post('{ messageFlow(id: "a b") { id } }'), 200, '{"data":{"messageFlow":null}}'),
    Case("NUL as an id", post('{ messageFlow(id: "\\u0000") { id } }'), 200, '{"data":{"messageFlow":null}}'),
    Case("a surrogate as an id", post("query($a: ID!) { messageFlow(id: $a) { id } }", {"a": "\ud800"}), 200, '{"data":{"messageFlow":null}}'),
    Case("a number as an id", post("{ messageFlow(id: 7) { id } }"), 200, '{"data":{"messageFlow":null}}'),
    Case("a flow of another workspace", raw(json.dumps({"query": flow("id")}), x_workspace_id="other"), 200, '{"data":{"messageFlow":null}}'),
    Case("a node that is none", post('{ node(id: "TWVzc2FnZUZsb3c6MQ==") { id } }'), 200, '{"data":{"node":null}}'),
    Case("a version that never was", post('{ messageFlow(id: "exampleId1", atVersion: -1) { id } }'), 200, '{"data":{"messageFlow":null}}'),
    Case("an empty selection", post("{}"), 200, '{"data":{}}'),
    Case("an empty update", update("{}"), 200, '{"data":{"updateMessageFlow":{"changedFields":[],"errors":[]}}}'),
    Case("empty blocks", update('{"settings": {"responseSettings": {"workingHours": {}}, "security": {}}}'), 200, '{"data":{"updateMessageFlow":{"changedFields":[],"errors":[]}}}'),
    Case("a toggle that is null", update('{"toggleAutopilot": null}'), 200, '{"data":{"updateMessageFlow":{"changedFields":[],"errors":[]}}}'),
]  # fmt: skip


@pytest.mark.parametrize("case", ODD, ids=[case.name for case in ODD])
def test_odd_requests_are_carried_out(server: Server, nothing_written: Callable[[], None], case: Case) -> None:
    told = server.tell(case.raw)
    assert (told.status, told.body.decode()) == (case.status, case.code)
    nothing_written()


ACCEPTS = [
    (None, JSON),
    ("", JSON),
    ("*/*", JSON),
    ("application/*", JSON),
    (JSON, JSON),
    (RESPONSE, RESPONSE),
    (RESPONSE.upper(), RESPONSE),
    (f"{RESPONSE}; charset=utf-8", RESPONSE),
    (f"{RESPONSE}, {JSON};q=0.9", RESPONSE),
    (f"{RESPONSE}, {JSON}", RESPONSE),
    (f"{JSON}, {RESPONSE}", JSON),
    (f"{JSON};q=0.5, {RESPONSE};q=0.6", RESPONSE),
    (f"{JSON};q=0, */*", RESPONSE),
    (f"{RESPONSE};q=0.5, */*", JSON),
    (f"{RESPONSE}, */*", RESPONSE),
    (f"{RESPONSE}, */*;q=0.1", RESPONSE),
    ("text/html, application/xhtml+xml, */*;q=0.8", JSON),
    (f"{RESPONSE};q=0, {JSON}", JSON),
    (f"{JSON};q=nan, {RESPONSE};q=0.1", RESPONSE),
]


@pytest.mark.parametrize(("accept", "media"), ACCEPTS)
def test_the_media_type_is_the_one_that_accept_prefers(server: Server, accept: str | None, media: str) -> None:
    told = server.tell(raw('{"query": "{__typename}"}', accept=accept))
    assert (told.status, told.headers["content-type"]) == (200, f"{media}; charset=utf-8")


def test_options_names_the_methods(server: Server) -> None:
    told = server.tell(request("OPTIONS", "/graphql", None, origin="https://evil.example"))
    assert (told.status, told.headers["allow"]) == (204, "GET, HEAD, POST, OPTIONS")


def test_a_query_of_the_example_workspace_is_answered(server: Server) -> None:
    """The table's refusals are not those of a server that refuses everything."""
    told = server.tell(post(flow("workspaceId")))
    assert told.json == {"data": {"messageFlow": {"workspaceId": WORKSPACE}}}


def test_the_log_holds_nothing_of_all_this(server: Server) -> None:
    words = ("colour", "nmae", "nope", "evil.example", "utm", "Mars", "é", "\\u00e9")
    assert server.odd_lines(*words) == []
