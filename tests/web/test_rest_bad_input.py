"""What REST answers to requests that are wrong, odd or hostile: each over a socket, and nothing is ever written."""

# ruff: noqa: E501, RUF001 - a case is a line, and some are about letters that look alike

import contextlib
import json
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from graphql_api.domain.errors import KINDS
from tests.web.sockets import WORKSPACE, Case, Server, Told, heard, request

FLOWS = "/v1/api/message-flows"
FLOW = f"{FLOWS}/exampleId1"
LIMIT = 2 * 2**20


def put(body: bytes | str, **headers: str | None) -> bytes:
    return request("PUT", FLOW, body if isinstance(body, bytes) else body.encode(), **headers)


def post(body: str) -> bytes:
    return request("POST", FLOWS, body.encode())


def get(target: str = FLOW, **headers: str | None) -> bytes:
    return request("GET", target, None, **headers)


def at(path: str, value: str) -> str:
    """A body with one leaf, its value as JSON text."""
    for name in reversed(path.split(".")):
        value = f"{json.dumps(name)}: {value}".join("{}")
    return value


NEW = {
    "name": "n",
    "direction": "inbound",
    "agent": "a",
    "prompt": "p",
    "initiationMessage": "i",
    "messageChannel": "SMS",
}


def new(**others: Any) -> str:
    return json.dumps({name: value for name, value in (NEW | others).items() if value is not ...})


DELAY = "settings.responseSettings.delay"
HOURS = "settings.responseSettings.workingHours"
NOT_HTTP = "this is not HTTP/1.1"

BODIES = [
    Case("no body", request("PUT", FLOW, b""), 400, "invalid_json", "the body is not JSON"),
    Case("no body and no length", request("PUT", FLOW, content_type="application/json"), 400, "invalid_json"),
    Case("spaces", put("  \r\n"), 400, "invalid_json"),
    Case("a member named as an argument", put('{"note": "x"}'), 400, "validation_failed", "note is not a member"),
    Case("another one beside it", put('{"id": "x", "nam": "x"}'), 400, "unknown_field", "nam is not a member; did you mean"),
    Case("a word", put("hello"), 400, "invalid_json"),
    Case("cut off", put('{"name": "x'), 400, "invalid_json", "unterminated string starting at line 1, column 10"),
    Case("a comma too many", put('{"name": "x",}'), 400, "invalid_json"),
    Case("single quotes", put("{'name': 'x'}"), 400, "invalid_json"),
    Case("a comment", put('{"name": "x" /* y */}'), 400, "invalid_json"),
    Case("two documents", put('{"name": "x"}{"name": "y"}'), 400, "invalid_json", "extra data"),
    Case("a raw line break in a string", put('{"name": "a\nb"}'), 400, "invalid_json"),
    Case("a raw NUL in a string", put(b'{"name": "a\0b"}'), 400, "invalid_json"),
    Case("a bad escape", put('{"name": "\\x41"}'), 400, "invalid_json"),
    Case("half an escape", put('{"name": "\\u12"}'), 400, "invalid_json"),
    Case("a leading zero", put(at(DELAY, "01")), 400, "invalid_json"),
    Case("a plus sign", put(at(DELAY, "+1")), 400, "invalid_json"),
    Case("a hexadecimal number", put(at(DELAY, "0x10")), 400, "invalid_json"),
    Case("an array", put("[]"), 400, "invalid_type", "the body must be an object, not an array"),
    Case("an array of an object", put('[{"name": "x"}]'), 400, "invalid_type"),
    Case("a string", put('"x"'), 400, "invalid_type", "the body must be an object, not a string"),
    Case("a number", put("5"), 400, "invalid_type", "the body must be an object, not a number"),
    Case("null", put("null"), 400, "invalid_type", "the body must be an object, not null"),
    Case("true", put("true"), 400, "invalid_type", "the body must be an object, not a boolean"),
    Case("a byte order mark", put(b'\xef\xbb\xbf{"name": "x"}'), 400, "invalid_json", "byte order mark"),
    Case("UTF-16", put('{"name": "x"}'.encode("utf-16")), 400, "invalid_json", "the body is not UTF-8 at byte 0"),
    Case("UTF-16 without a mark", put('{"name": "x"}'.encode("utf-16-le")), 400, "invalid_json"),
    Case("Latin-1", put('{"name": "é"}'.encode("latin-1")), 400, "invalid_json", "the body is not UTF-8 at byte 10"),
    Case("an overlong encoding", put(b'{"name": "\xc0\xaf"}'), 400, "invalid_json"),
    Case("a surrogate in UTF-8", put(b'{"name": "\xed\xa0\x80"}'), 400, "invalid_json"),
    Case("cut off in a letter", put(b'{"name": "\xc3'), 400, "invalid_json"),
    Case("a duplicate member", put('{"name": "a", "name": "b"}'), 400, "invalid_json", "name stands more than once"),
    Case("a duplicate deep down", put(f'{{"settings": {at("a", "1")[:-1]}, "a": 2}}}}'), 400, "invalid_json"),
    Case("a duplicate by escape", put('{"name": "a", "n\\u0061me": "b"}'), 400, "invalid_json"),
    Case("a duplicate with a surrogate", put('{"\\ud800": 1, "\\ud800": 2}'), 400, "invalid_json", "\ufffd stands"),
    Case("a NaN", put(at(DELAY, "NaN")), 400, "invalid_json", "NaN is not JSON"),
    Case("Infinity", put(at(DELAY, "Infinity")), 400, "invalid_json"),
    Case("-Infinity", put(at(DELAY, "-Infinity")), 400, "invalid_json"),
    Case("65 brackets", put("[" * 65 + "]" * 65), 400, "limit_exceeded", "nested deeper than 64 levels (max_json_depth)"),
    Case("100,000 brackets", put("[" * 100_000), 400, "limit_exceeded"),
    Case("100,000 braces", put('{"a":' * 100_000), 400, "limit_exceeded"),
    Case("100,000 closing brackets", put("]" * 100_000), 400, "invalid_json"),
    Case("64 brackets in an unknown member", put(at("x", "[" * 63 + "]" * 63)), 400, "unknown_field"),
    Case("10,001 arrays", put("[" + "[]," * 9_999 + "[]]"), 400, "limit_exceeded", "10001 arrays and objects; the limit is 10000"),
    Case("10,000 arrays", put("[" + "[]," * 9_998 + "[]]"), 400, "invalid_type"),
    Case("5,000 digits", put(at(DELAY, "1" * 5_000)), 400, "limit_exceeded", "more than 20 digits (max_integer_digits)"),
    Case("5,000 digits and a point", put(at(DELAY, "1" * 5_000 + ".")), 400, "limit_exceeded", "more than 20 digits (max_integer_digits)"),
    Case("5,000 digits and an e", put(at(DELAY, "1" * 5_000 + "e")), 400, "limit_exceeded"),
    Case("21 digits", put(at(DELAY, "-" + "1" * 21)), 400, "limit_exceeded"),
    Case("a million digits behind the point", put(at(DELAY, "-0." + "1" * 1_000_000)), 400, "out_of_range"),
    Case("too long by its length", request("PUT", FLOW, b"", content_length=str(LIMIT + 1)), 413, "payload_too_large"),
    Case("absurdly long", request("PUT", FLOW, b"", content_length="9" * 18), 413, "payload_too_large", str(LIMIT)),
    Case("a length beyond counting", request("PUT", FLOW, b"", content_length="9" * 30), 400, "bad_request", NOT_HTTP),
    Case("too long in chunks", put(b"", content_length=None, transfer_encoding="chunked") + b"%x\r\n" % (LIMIT + 1)
         + b" " * (LIMIT + 1) + b"\r\n0\r\n\r\n", 413, "payload_too_large"),
    Case("as long as allowed", put(b" " * LIMIT), 400, "invalid_json"),
    Case("shorter than its length", put(b'{"name"', content_length="100"), 400, "limit_exceeded",
         "the body did not arrive within 0.5 s (body_timeout)"),
    Case("chunks without an end", put(b"", content_length=None, transfer_encoding="chunked") + b"1\r\n{\r\n", 400,
         "limit_exceeded"),
    Case("a chunk without a size", put(b"", content_length=None, transfer_encoding="chunked") + b"z\r\n", 400,
         "bad_request", NOT_HTTP),
    Case("length and chunks", put(b"", transfer_encoding="chunked") + b"0\r\n\r\n", 400, "bad_request", NOT_HTTP),
    Case("an invented method", request("BREW", FLOW, b"{}"), 501, "not_implemented", "the method BREW is not"),
    Case("an invented method behind a blank line", b"\r\n" + request("BREW", FLOW, b"{}"), 501, "not_implemented"),
    Case("a method in lower case", request("get", FLOW), 501, "not_implemented", "methods are spelt as in GET"),
    Case("a method of a kilobyte", request("X" * 1_000, FLOW), 501, "not_implemented"),
    Case("no method", b"@" + request("GET", FLOW), 400, "bad_request", NOT_HTTP),
    Case("two lengths", put(b"{}", Content_Length="2"), 400, "bad_request", NOT_HTTP),
    Case("a negative length", put(b"{}", content_length="-2"), 400, "bad_request", NOT_HTTP),
    Case("an unknown transfer encoding", put(b"{}", content_length=None, transfer_encoding="gzip"), 501, "not_implemented", "chunked"),
    Case("a coding before the chunks", put(b"", content_length=None, transfer_encoding="gzip, chunked") + b"2\r\n{}\r\n0\r\n\r\n", 501,
         "not_implemented"),
    Case("a coding on a line of its own", put(b"", content_length=None, transfer_encoding="gzip", Transfer_Encoding="chunked")
         + b"2\r\n{}\r\n0\r\n\r\n", 501, "not_implemented"),
    Case("a long extension of a chunk", put(b"", content_length=None, transfer_encoding="chunked") + b"2;" + b"x" * 200_000, 400,
         "limit_exceeded", "the size of a chunk, with its extensions, is longer than"),
]  # fmt: skip

TYPES = [
    Case("no content type", put("{}", content_type=None), 415, "unsupported_media_type", "application/json"),
    Case("an empty content type", put("{}", content_type=""), 415, "unsupported_media_type"),
    Case("a form", put("name=x", content_type="application/x-www-form-urlencoded"), 415, "unsupported_media_type"),
    Case("a multipart form", put("{}", content_type="multipart/form-data; boundary=x"), 415, "unsupported_media_type"),
    Case("text", put("{}", content_type="text/plain"), 415, "unsupported_media_type"),
    Case("text that says JSON", put("{}", content_type="text/plain; application/json"), 415, "unsupported_media_type"),
    Case("XML", put("<a/>", content_type="application/xml"), 415, "unsupported_media_type"),
    Case("nearly JSON", put("{}", content_type="application/jsonx"), 415, "unsupported_media_type"),
    Case("JSON in Latin-1", put("{}", content_type="application/json; charset=latin-1"), 415, "unsupported_media_type",
         "UTF-8"),
    Case("compressed", put("{}", content_encoding="gzip"), 415, "unsupported_media_type", "Content-Encoding"),
    Case("a cross-site form that creates", request("POST", FLOWS, b"{}", content_type="text/plain"), 415,
         "unsupported_media_type"),
]  # fmt: skip

LEAVES = [
    Case("an unknown member", put('{"colour": 1}'), 400, "unknown_field", "colour is not a member; known are name"),
    Case("a misspelt member", put('{"nmae": "x"}'), 400, "unknown_field", "did you mean name?"),
    Case("another case", put('{"Name": "x"}'), 400, "unknown_field", "did you mean name?"),
    Case("a misspelt block", put('{"setings": {}}'), 400, "unknown_field", "did you mean settings?"),
    Case("a misspelt leaf", put(at("settings.responseSettings.dealy", "1")), 400, "unknown_field", "mean delay?"),
    Case("a member of another block", put(at("settings.signature", '"x"')), 400, "unknown_field"),
    Case("working hours of the create page", put(at("settings.responseSettings.start", '"09:00"')), 400, "unknown_field"),
    Case("an empty name of a member", put('{"": "s"}'), 400, "unknown_field"),
    Case("a surrogate as a member", put('{"\\ud800": 1}'), 400, "unknown_field", "\ufffd is not a member"),
    Case("NUL as a member", put('{"\\u0000": 1}'), 400, "unknown_field", "\ufffd is not a member"),
    Case("markup as a member", put('{"<script>": 1}'), 400, "unknown_field"),
    Case("20,000 unknown members", put(json.dumps(dict.fromkeys((f"name{n}" for n in range(20_000)), 1))), 400, "unknown_field",
         "20,000 members are refused, of which 100 are told; the first: name0 is not a member"),
    Case("a long member", put(json.dumps({"x" * 100_000: 1})), 400, "unknown_field", "x…"),
    Case("__proto__", put('{"__proto__": {}}'), 400, "unknown_field"),
    Case("a dotted path", put('{"settings.responseSettings": {}}'), 400, "unknown_field"),
    Case("another id", put('{"_id": "other"}'), 400, "immutable_field", "_id cannot be changed"),
    Case("an id that is a number", put('{"_id": 1}'), 400, "immutable_field"),
    Case("another workspace in the body", put('{"workspaceId": "other"}'), 400, "immutable_field"),
    Case("null as the id", put('{"_id": null}'), 400, "immutable_field"),
    Case("id in place of _id", put('{"id": "exampleId1"}'), 400, "unknown_field"),
    Case("a number as name", put('{"name": 5}'), 400, "invalid_type", "name must be a string, not a number"),
    Case("an array as name", put('{"name": ["x"]}'), 400, "invalid_type", "not an array"),
    Case("an object as name", put('{"name": {}}'), 400, "invalid_type", "not an object"),
    Case("null as name", put('{"name": null}'), 400, "null_not_allowed"),
    Case("an empty name", put('{"name": ""}'), 400, "blank"),
    Case("a blank name", put('{"name": " \\t\\u3000"}'), 400, "blank"),
    Case("a long name", put(json.dumps({"name": "x" * 201})), 400, "too_long", "201 characters; at most 200"),
    Case("a long name of emoji", put(json.dumps({"name": "😀" * 201})), 400, "too_long"),
    Case("NUL in a name", put('{"name": "a\\u0000"}'), 400, "invalid_character", "NUL"),
    Case("a lone surrogate", put('{"name": "\\ud800"}'), 400, "invalid_character", "lone surrogate"),
    Case("surrogates the wrong way round", put('{"name": "\\udc00\\ud800"}'), 400, "invalid_character"),
    Case("a surrogate in the prompt", put('{"prompt": "x\\udfff"}'), 400, "invalid_character"),
    Case("an empty prompt", put('{"prompt": ""}'), 400, "blank"),
    Case("a long prompt", put(json.dumps({"prompt": "x" * 100_001})), 400, "too_long"),
    Case("a long description", put(json.dumps({"description": "x" * 2_001})), 400, "too_long"),
    Case("a long first message", put(json.dumps({"initiationMessage": "x" * 10_001})), 400, "too_long"),
    Case("a bad agent", put('{"agent": "a b"}'), 400, "invalid_id"),
    Case("a long agent", put(json.dumps({"agent": "x" * 65})), 400, "invalid_id"),
    Case("an agent with a line break", put('{"agent": "a\\n"}'), 400, "invalid_id"),
    Case("an agent in other letters", put('{"agent": "а"}'), 400, "invalid_id"),
    Case("a surrogate as agent", put('{"agent": "\\ud800"}'), 400, "invalid_id"),
    Case("null as agent", put('{"agent": null}'), 400, "null_not_allowed"),
    Case("a number as agent", put('{"agent": 7}'), 400, "invalid_type"),
    Case("the GraphQL spelling of a direction", put('{"direction": "INBOUND"}'), 400, "invalid_enum",
         "direction must be one of inbound, outbound, bidirectional"),
    Case("an unknown direction", put('{"direction": "up"}'), 400, "invalid_enum"),
    Case("an empty direction", put('{"direction": ""}'), 400, "invalid_enum"),
    Case("a number as direction", put('{"direction": 0}'), 400, "invalid_type"),
    Case("null as direction", put('{"direction": null}'), 400, "null_not_allowed"),
    Case("a channel in lower case", put('{"messageChannel": "sms"}'), 400, "invalid_enum", "one of SMS, Email"),
    Case("a channel in upper case", put('{"messageChannel": "EMAIL"}'), 400, "invalid_enum"),
    Case("a surrogate as channel", put('{"messageChannel": "\\ud800"}'), 400, "invalid_enum"),
    Case("a boolean as a string", put('{"isActive": "true"}'), 400, "invalid_type", "must be true or false, not a string"),
    Case("a boolean as a number", put('{"autopilot": 1}'), 400, "invalid_type"),
    Case("null as a boolean", put('{"isActive": null}'), 400, "null_not_allowed", "leave it out to keep its value"),
    Case("null as autopilot", put('{"autopilot": null}'), 400, "null_not_allowed"),
    Case("a toggle as a string", put('{"toggleAutopilot": "yes"}'), 400, "invalid_type"),
    Case("a toggle beside autopilot", put('{"toggleAutopilot": true, "autopilot": true}'), 400, "conflicting_fields"),
    Case("a delay as a string", put(at(DELAY, '"5"')), 400, "invalid_type", "must be a number, not a string"),
    Case("a delay as a boolean", put(at(DELAY, "true")), 400, "invalid_type"),
    Case("1e400", put(at(DELAY, "1e400")), 400, "out_of_range", f"{DELAY} must be a finite number"),
    Case("-1e999", put(at(DELAY, "-1e999")), 400, "out_of_range"),
    Case("a negative delay", put(at(DELAY, "-0.001")), 400, "out_of_range", "between 0 and 86400 seconds"),
    Case("a delay of more than a day", put(at(DELAY, "86400.001")), 400, "out_of_range"),
    Case("a delay of 20 digits", put(at(DELAY, "9" * 20)), 400, "out_of_range"),
    Case("null settings", put('{"settings": null}'), 400, "null_not_allowed"),
    Case("settings as an array", put('{"settings": []}'), 400, "invalid_type", "settings must be an object, not an array"),
    Case("settings as a string", put('{"settings": ""}'), 400, "invalid_type"),
    Case("null working hours", put(at(HOURS, "null")), 400, "null_not_allowed"),
    Case("working hours as true", put(at(HOURS, "true")), 400, "invalid_type"),
    Case("null as hipaaCompliance", put(at("settings.security.hipaaCompliance", "null")), 400, "null_not_allowed"),
    Case("a string as hipaaCompliance", put(at("settings.security.hipaaCompliance", '"false"')), 400, "invalid_type"),
    Case("a time with seconds", put(at(f"{HOURS}.start", '"09:00:00"')), 400, "invalid_time"),
    Case("a time of day in words", put(at(f"{HOURS}.start", '"9am"')), 400, "invalid_time"),
    Case("24:00 as start", put(at(f"{HOURS}.start", '"24:00"')), 400, "invalid_time"),
    Case("24:01 as end", put(at(f"{HOURS}.end", '"24:01"')), 400, "invalid_time"),
    Case("60 minutes", put(at(f"{HOURS}.end", '"10:60"')), 400, "invalid_time"),
    Case("a time with a space", put(at(f"{HOURS}.start", '" 09:00"')), 400, "invalid_time"),
    Case("a time with a line break", put(at(f"{HOURS}.start", '"09:00\\n"')), 400, "invalid_time"),
    Case("full-width digits", put(at(f"{HOURS}.start", '"０９:００"')), 400, "invalid_time"),
    Case("a time as a number", put(at(f"{HOURS}.start", "900")), 400, "invalid_type"),
    Case("an empty window", put(at(f"{HOURS}.start", '"17:00"')), 400, "empty_window", "hold no minute"),
    Case("an unknown zone", put(at(f"{HOURS}.timezone", '"Europe/Berln"')), 400, "invalid_timezone", "Europe/Berlin"),
    Case("a zone that is a folder", put(at(f"{HOURS}.timezone", '"America"')), 400, "invalid_timezone"),
    Case("a zone out of the folder", put(at(f"{HOURS}.timezone", '"../../etc/passwd"')), 400, "invalid_timezone"),
    Case("an offset as zone", put(at(f"{HOURS}.timezone", '"+02:00"')), 400, "invalid_timezone"),
    Case("NUL in a zone", put(at(f"{HOURS}.timezone", '"UTC\\u0000"')), 400, "invalid_timezone"),
    Case("a surrogate as zone", put(at(f"{HOURS}.timezone", '"\\ud800"')), 400, "invalid_timezone"),
    Case("a zone of 100,000 letters", put(at(f"{HOURS}.timezone", json.dumps("x" * 100_000))), 400, "invalid_timezone"),
    Case("a subject of two lines", put(at("settings.emailSettings.subjectLine", '"a\\r\\nBcc: b"')), 400,
         "invalid_character"),
    Case("a long signature", put(at("settings.emailSettings.signature", json.dumps("x" * 5_001))), 400, "too_long"),
    Case("one good and one bad leaf", put('{"name": "changed", "agent": ""}'), 400, "invalid_id"),
]  # fmt: skip

CREATION = [
    Case("nothing to create", post("{}"), 400, "required", "name is required"),
    Case("without a name", post(new(name=...)), 400, "required", "name is required"),
    Case("without an agent", post(new(agent=...)), 400, "required", "agent is required"),
    Case("a null name", post(new(name=None)), 400, "null_not_allowed"),
    Case("a null boolean of a new flow", post(new(isActive=None)), 400, "null_not_allowed", "out to get its default"),
    Case("a null block of a new flow", post(new(settings=None)), 400, "null_not_allowed", "out to get its defaults"),
    Case("a toggle", post(new(toggleAutopilot=True)), 400, "unknown_field"),
    Case("another workspace", post(new(workspaceId="other")), 400, "immutable_field"),
    Case("an id of one's own", post(new(_id="mine")), 400, "unknown_field"),
    Case("times that differ from the nested ones", post(new(settings={"responseSettings": {"start": "08:00",
         "workingHours": {"start": "09:00"}}})), 400, "conflicting_fields"),
    Case("times beside null as the nested ones", post(new(settings={"responseSettings": {"start": "08:00",
         "workingHours": None}})), 400, "null_not_allowed"),
    Case("a create that is an array", post("[]"), 400, "invalid_type"),
    Case("a channel of the other door", post(new(messageChannel="EMAIL")), 400, "invalid_enum"),
    Case("a time one level higher", post(new(settings={"responseSettings": {"start": "9am", "end": "10:00"}})), 400,
         "invalid_time", "settings.responseSettings.start must be a time of day"),
    Case("an empty window at once", post(new(settings={"responseSettings": {"start": "09:00", "end": "09:00"}})), 400,
         "empty_window"),
]  # fmt: skip

PATHS = [
    Case("the root", get("/", accept="application/json"), 404, "not_found", "there is nothing at this path"),
    Case("a page's path as clients in scripts ask", get("/flows", accept="application/json, text/plain, */*"), 404,
         "not_found", "there is nothing at this path"),
    Case("an unknown path", get("/v1/api/flows"), 404, "not_found"),
    Case("another version of the API", get("/v2/api/message-flows"), 404, "not_found"),
    Case("the prefix alone", get("/v1/api"), 404, "not_found"),
    Case("a trailing slash behind the list", get(f"{FLOWS}/"), 404, "not_found"),
    Case("a trailing slash behind a flow", get(f"{FLOW}/"), 404, "not_found"),
    Case("two slashes", get("/v1/api//message-flows"), 404, "not_found"),
    Case("an empty id", request("PUT", f"{FLOWS}//toggle-autopilot", b""), 404, "not_found"),
    Case("a segment too many", get(f"{FLOW}/x"), 404, "not_found"),
    Case("another case of the path", get("/V1/api/message-flows"), 404, "not_found"),
    Case("an unknown id", get(f"{FLOWS}/unknown"), 404, "not_found", "there is no message flow unknown"),
    Case("an id in another case", get(f"{FLOWS}/exampleid1"), 404, "not_found"),
    Case("an unknown id to update", request("PUT", f"{FLOWS}/unknown", b"{}"), 404, "not_found"),
    Case("an unknown id to toggle", request("PUT", f"{FLOWS}/unknown/toggle-autopilot"), 404, "not_found"),
    Case("an unknown id to delete", request("DELETE", f"{FLOWS}/unknown"), 404, "not_found"),
    Case("a flow of another workspace", get(FLOW, x_workspace_id="other"), 404, "not_found"),
    Case("an update from another workspace", put('{"name": "x"}', x_workspace_id="other"), 404, "not_found"),
    Case("a delete from another workspace", request("DELETE", FLOW, x_workspace_id="other"), 404, "not_found"),
    Case("an encoded slash in an id", get(f"{FLOWS}/a%2Fb"), 400, "invalid_id"),
    Case("an encoded slash that would be the toggle", request("PUT", f"{FLOW}%2Ftoggle-autopilot"), 400, "invalid_id"),
    Case("an encoded slash in the prefix", get("/v1%2Fapi/message-flows"), 404, "not_found"),
    Case("dots", get(f"{FLOWS}/.."), 400, "invalid_id"),
    Case("encoded dots", get(f"{FLOWS}/%2e%2e"), 400, "invalid_id"),
    Case("an encoded NUL", get(f"{FLOWS}/a%00"), 400, "invalid_id"),
    Case("an encoded line break", get(f"{FLOWS}/a%0Ab"), 400, "invalid_id"),
    Case("half an escape in a path", get(f"{FLOWS}/%"), 400, "invalid_id"),
    Case("a bad escape in a path", get(f"{FLOWS}/%zz"), 400, "invalid_id"),
    Case("invalid UTF-8 in a path", get(f"{FLOWS}/%ff%fe"), 400, "invalid_id"),
    Case("letters beyond ASCII", get(f"{FLOWS}/%C3%A9"), 400, "invalid_id"),
    Case("an emoji", request("PUT", f"{FLOWS}/%F0%9F%98%80", b"{}"), 400, "invalid_id"),
    Case("raw letters beyond ASCII", get(f"{FLOWS}/é"), 400, "bad_request", NOT_HTTP),
    Case("a space in an id", get(f"{FLOWS}/a%20b"), 400, "invalid_id"),
    Case("a long id", get(f"{FLOWS}/{'x' * 65}"), 400, "invalid_id"),
    Case("a very long id", get(f"{FLOWS}/{'x' * 15_000}"), 400, "invalid_id"),
    Case("SQL as an id", get(f"{FLOWS}/1'%20OR%201=1--"), 400, "invalid_id"),
    Case("a path parameter", get(f"{FLOW};v=1"), 400, "invalid_id"),
    Case("the update page's list", request("PUT", FLOWS, b"{}"), 405, "method_not_allowed", "GET, HEAD, POST, OPTIONS"),
    Case("POST to a flow", request("POST", FLOW, b"{}"), 405, "method_not_allowed",
         "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"),
    Case("GET of the toggle", get(f"{FLOW}/toggle-autopilot"), 405, "method_not_allowed", "PUT, OPTIONS"),
    Case("DELETE of the list", request("DELETE", FLOWS), 405, "method_not_allowed"),
    Case("TRACE", request("TRACE", FLOW), 405, "method_not_allowed"),
    Case("PROPFIND", request("PROPFIND", FLOW), 405, "method_not_allowed"),
    Case("CONNECT", b"CONNECT example.com:443 HTTP/1.1\r\nhost: localhost\r\n\r\n", 400, "bad_request", NOT_HTTP),
    Case("POST to the health check", request("POST", "/health/live", b""), 405, "method_not_allowed"),
    Case("DELETE of the description", request("DELETE", "/openapi.json"), 405, "method_not_allowed"),
]  # fmt: skip

PARAMETERS = [
    Case("an unknown parameter", get(f"{FLOWS}?colour=red"), 400, "bad_request", "colour is not a parameter"),
    Case("a misspelt parameter", get(f"{FLOWS}?limt=5"), 400, "bad_request", "did you mean limit?"),
    Case("limit 0", get(f"{FLOWS}?limit=0"), 400, "bad_request", "limit must be a whole number from 1 to 1000"),
    Case("limit 1001", get(f"{FLOWS}?limit=1001"), 400, "limit_exceeded", "(max_rest_page)"),
    Case("limit -1", get(f"{FLOWS}?limit=-1"), 400, "bad_request"),
    Case("limit 1e2", get(f"{FLOWS}?limit=1e2"), 400, "bad_request"),
    Case("an empty limit", get(f"{FLOWS}?limit="), 400, "bad_request"),
    Case("a limit in other digits", get(f"{FLOWS}?limit=%D9%A1"), 400, "bad_request"),
    Case("a limit of 5,000 digits", get(f"{FLOWS}?limit={'9' * 5_000}"), 400, "limit_exceeded"),
    Case("limit twice", get(f"{FLOWS}?limit=1&limit=2"), 400, "bad_request", "limit is given more than once"),
    Case("a bad cursor", get(f"{FLOWS}?cursor=x"), 400, "bad_request", "the parameter cursor is not a cursor of this server"),
    Case("a cursor with NUL", get(f"{FLOWS}?cursor=%00"), 400, "bad_request"),
    Case("a cursor of JSON null", get(f"{FLOWS}?cursor=bnVsbA"), 400, "bad_request"),
    Case("a direction of the other door", get(f"{FLOWS}?direction=INBOUND"), 400, "bad_request", "one of inbound"),
    Case("an unknown channel", get(f"{FLOWS}?messageChannel=fax"), 400, "bad_request"),
    Case("a flag as 1", get(f"{FLOWS}?isActive=1"), 400, "bad_request", "isActive must be true or false"),
    Case("a flag in upper case", get(f"{FLOWS}?autopilot=TRUE"), 400, "bad_request"),
    Case("a bad agent to filter by", get(f"{FLOWS}?agent=a%20b"), 400, "bad_request"),
    Case("an instant without an offset", get(f"{FLOWS}?updatedSince=2026-01-01T00:00:00"), 400, "bad_request", "offset"),
    Case("a date", get(f"{FLOWS}?updatedSince=2026-01-01"), 400, "bad_request"),
    Case("a day that does not exist", get(f"{FLOWS}?updatedSince=2026-02-30T00:00:00Z"), 400, "bad_request"),
    Case("before time", get(f"{FLOWS}?updatedSince=0001-01-01T00:00:00%2B23:59"), 400, "bad_request"),
    Case("an unknown order", get(f"{FLOWS}?orderBy=colour"), 400, "bad_request"),
    Case("an order in two directions", get(f"{FLOWS}?orderBy=--name"), 400, "bad_request"),
    Case("invalid UTF-8 in a value", get(f"{FLOWS}?nameContains=%ff"), 400, "bad_request", "percent-encoded UTF-8"),
    Case("invalid UTF-8 in a name", get(f"{FLOWS}?%ff=1"), 400, "bad_request"),
    Case("a surrogate in a value", get(f"{FLOWS}?nameContains=%ed%a0%80"), 400, "bad_request"),
    Case("NUL in a value", get(f"{FLOWS}?nameContains=%00"), 400, "bad_request", "the parameter nameContains must not contain"),
    Case("a parameter without a name", get(f"{FLOWS}?=1"), 400, "bad_request", '"" is not a parameter'),
    Case("a page by its number", get(f"{FLOWS}?page=2"), 400, "bad_request", "did you mean cursor?"),
    Case("a parameter to read with", get(f"{FLOW}?_=1"), 400, "bad_request", "_ is not a parameter of this route; it takes none"),
    Case("a misspelt parameter of hours", get(f"{FLOW}/working-hours?form=x"), 400, "bad_request", "did you mean from?"),
    Case("a trial PUT", request("PUT", f"{FLOW}?validateOnly=true", b'{"name": "x"}'), 400, "bad_request",
         "validateOnly is not a parameter of this route; only GraphQL has that, as the argument validateOnly"),
    Case("a trial PATCH", request("PATCH", f"{FLOW}?validateOnly=true", b'{"name": "x"}'), 400, "bad_request", "validateOnly is not"),
    Case("a trial toggle", request("PUT", f"{FLOW}/toggle-autopilot?validateOnly=true"), 400, "bad_request", "validateOnly is not"),
    Case("a trial POST", request("POST", f"{FLOWS}?validateOnly=true", new().encode()), 400, "bad_request", "validateOnly is not"),
    Case("a trial DELETE", request("DELETE", f"{FLOW}?validateOnly=true"), 400, "bad_request", "validateOnly is not"),
    Case("a version in the query", request("PUT", f"{FLOW}?ifVersion=7", b'{"name": "x"}'), 400, "bad_request", "send the header If-Match"),
    Case("a key in the query", request("PUT", f"{FLOW}?idempotencyKey=x", b'{"name": "x"}'), 400, "bad_request", "header Idempotency-Key"),
    Case("2,000 parameters", get(f"{FLOWS}?{'&'.join(f'a{n}=1' for n in range(2_000))}"), 400, "bad_request"),
]  # fmt: skip

HEADERS = [
    Case("no workspace", get(x_workspace_id=None), 400, "workspace_required", "the header x-workspace-id is missing"),
    Case("an empty workspace", get(x_workspace_id=""), 400, "workspace_required"),
    Case("a blank workspace", get(x_workspace_id="   "), 400, "workspace_required"),
    Case("no workspace to update in", put("{}", x_workspace_id=None), 400, "workspace_required"),
    Case("no workspace beside a bad body", put("{", x_workspace_id=None), 400, "workspace_required"),
    Case("no workspace to list", get(FLOWS, x_workspace_id=None), 400, "workspace_required"),
    Case("a bad workspace", get(x_workspace_id="a b"), 400, "bad_request", "x-workspace-id must be 1 to 64"),
    Case("a long workspace", get(x_workspace_id="x" * 65), 400, "bad_request"),
    Case("a workspace in Latin-1", get(x_workspace_id="é"), 400, "bad_request"),
    Case("a workspace in UTF-8", get(x_workspace_id="é".encode().decode("latin-1")), 400, "bad_request"),
    Case("a workspace with a comma", get(x_workspace_id=f"{WORKSPACE},other"), 400, "bad_request"),
    Case("two workspaces", get(X_Workspace_Id="other"), 400, "bad_request", "sent more than once"),
    Case("NUL in a header", get(x_workspace_id="a\0b"), 400, "bad_request", NOT_HTTP),
    Case("a malformed If-Match", put("{}", if_match="7"), 400, "bad_request", "If-Match must be * or a list"),
    Case("any version and one", put("{}", if_match="*", If_Match='"0"'), 400, "bad_request", "If-Match must be * or a list"),
    Case("other versions on two lines", put('{"name": "x"}', if_match='"5"', If_Match='"6"'), 412, "version_conflict"),
    Case("an unclosed If-Match", put("{}", if_match='"7'), 400, "bad_request"),
    Case("an empty If-Match", put("{}", if_match=""), 400, "bad_request"),
    Case("another version", put('{"name": "x"}', if_match='"7"'), 412, "version_conflict", "at version 0"),
    Case("a weak tag", put('{"name": "x"}', if_match='W/"0"'), 412, "version_conflict", 'takes no weak tag, such as W/"0"; send "0"'),
    Case("a weak tag to delete", request("DELETE", FLOW, if_match='W/"0"'), 412, "version_conflict", 'takes no weak tag, such as W/"0"; send "0"'),
    Case("a weak tag of another version", put('{"name": "x"}', if_match='W/"7"'), 412, "version_conflict", "at version 0, not"),
    Case("a foreign tag", put('{"name": "x"}', if_match='"abc", "0x0"'), 412, "version_conflict"),
    Case("a version that does not fit", put('{"name": "x"}', if_match=f'"{"9" * 40}"'), 412, "version_conflict"),
    Case("another version to delete", request("DELETE", FLOW, if_match='"7"'), 412, "version_conflict"),
    Case("another version to toggle", request("PUT", f"{FLOW}/toggle-autopilot", if_match='"7"'), 412,
         "version_conflict"),
    Case("another version to read", get(if_match='"7", "8"'), 412, "version_conflict", "at version 0, not"),
    Case("a weak tag to read", get(if_match='W/"0"'), 412, "version_conflict", 'takes no weak tag, such as W/"0"; send "0"'),
    Case("a malformed If-Match to read", get(if_match="7"), 400, "bad_request", "If-Match must be * or a list"),
    Case("another version that the caller has", get(if_match='"7"', if_none_match='"0"'), 412, "version_conflict"),
    Case("a version to create", request("POST", FLOWS, new().encode(), if_match='"7"'), 400, "bad_request", "If-Match guards a flow that is there"),
    Case("a malformed If-Match to create", request("POST", FLOWS, new().encode(), if_match="7"), 400, "bad_request", "If-Match must be * or a list"),
    Case("a malformed If-None-Match", get(if_none_match="x"), 400, "bad_request", "If-None-Match must be"),
    Case("any version but one", put('{"name": "x"}', if_none_match='"7"'), 400, "bad_request", "If-None-Match is taken on GET only"),
    Case("a patch of no version", request("PATCH", FLOW, b'{"name": "x"}', if_none_match="*"), 400, "bad_request", "send If-Match"),
    Case("a toggle of no version", request("PUT", f"{FLOW}/toggle-autopilot", if_none_match="*"), 400, "bad_request"),
    Case("a delete of no version", request("DELETE", FLOW, if_none_match="x"), 400, "bad_request"),
    Case("a create of no version", request("POST", FLOWS, new().encode(), if_none_match="*"), 400, "bad_request"),
    Case("an empty idempotency key", put("{}", idempotency_key=""), 400, "blank"),
    Case("a long idempotency key", put("{}", idempotency_key="x" * 256), 400, "too_long"),
    Case("an idempotency key in Latin-1", put("{}", idempotency_key="é"), 400, "invalid_character"),
    Case("two idempotency keys", put("{}", idempotency_key="a", Idempotency_Key="b"), 400, "bad_request"),
    Case("nothing acceptable", get(accept="text/html"), 406, "not_acceptable", "application/json"),
    Case("JSON explicitly not", get(accept="application/json;q=0"), 406, "not_acceptable"),
    Case("anything but JSON", get(accept="application/json;q=0, */*"), 406, "not_acceptable"),
    Case("an update with nothing acceptable", put('{"name": "x"}', accept="image/*"), 406, "not_acceptable"),
    Case("a toggle that is an array", request("PUT", f"{FLOW}/toggle-autopilot", b"[]"), 400, "invalid_type"),
    Case("a toggle that is null", request("PUT", f"{FLOW}/toggle-autopilot", b"null"), 400, "invalid_type"),
    Case("a toggle that is no JSON", request("PUT", f"{FLOW}/toggle-autopilot", b"x"), 400, "invalid_json"),
    Case("a toggle as text", request("PUT", f"{FLOW}/toggle-autopilot", b"{}", content_type="text/plain"), 415,
         "unsupported_media_type"),
    Case("a page of another host", get(host="evil.example"), 400, "bad_request", "names no host of this server"),
    Case("an update through another host", put('{"name": "x"}', host="evil.example"), 400, "bad_request"),
    Case("a host that only begins well", get(host="localhost.evil.example"), 400, "bad_request"),
    Case("a malformed host", get(host="localhost:port"), 400, "bad_request", "one header Host"),
    Case("a user in the host", get(host="localhost@evil.example"), 400, "bad_request"),
    Case("no host", get(host=None), 400, "bad_request", "must have one header Host"),
    Case("two hosts", get(Host="127.0.0.1"), 400, "bad_request"),
    Case("a head of 17,000 bytes", get(x_filler="x" * 17_000), 400, "limit_exceeded",
         "longer than 16384 bytes (max_header_bytes)"),
    Case("a target of 17,000 bytes", get(f"{FLOWS}?nameContains={'x' * 17_000}"), 400, "limit_exceeded"),
    Case("5,000 headers", request("GET", FLOW, None, **{f"x{n}": "1" for n in range(5_000)}), 400, "limit_exceeded"),
    Case("a preflight from an origin that is not set", request("OPTIONS", "/nowhere", origin="https://evil.example",
         access_control_request_method="PUT"), 404, "not_found"),
]  # fmt: skip

WIRE = [
    Case("no HTTP at all", b"hello\r\n\r\n", 400, "bad_request", NOT_HTTP),
    Case("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(32), 400, "bad_request", NOT_HTTP),
    Case("NUL bytes", bytes(64), 400, "bad_request", NOT_HTTP),
    Case("HTTP/2 at once", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "bad_request", NOT_HTTP),
    Case("HTTP/9.9", b"GET / HTTP/9.9\r\nhost: localhost\r\n\r\n", 505, "http_version_not_supported", "in HTTP/1.1"),
    Case("a request of HTTP/2.0", get().replace(b"HTTP/1.1", b"HTTP/2.0"), 505, "http_version_not_supported"),
    Case("an update of HTTP/2.0", put('{"name": "x"}').replace(b"HTTP/1.1", b"HTTP/2.0"), 505, "http_version_not_supported"),
    Case("HTTP/0.9", get().replace(b"HTTP/1.1", b"HTTP/0.9"), 505, "http_version_not_supported"),
    Case("HTTP of no number", get().replace(b"HTTP/1.1", b"HTTP/1.x"), 400, "bad_request", NOT_HTTP),
    Case("a target with a space", b"GET /a b HTTP/1.1\r\nhost: localhost\r\n\r\n", 400, "bad_request", NOT_HTTP),
    Case("a header without a name", b"GET / HTTP/1.1\r\n: x\r\n\r\n", 400, "bad_request", NOT_HTTP),
    Case("a space before the colon", b"GET / HTTP/1.1\r\nhost : localhost\r\n\r\n", 400, "bad_request", NOT_HTTP),
    Case("a folded header", b"GET / HTTP/1.1\r\nhost: localhost\r\nx: a\r\n b\r\n\r\n", 400, "bad_request", NOT_HTTP),
    Case("a bare carriage return", b"GET / HTTP/1.1\r\nhost: localhost\r\nx: a\rb\r\n\r\n", 400, "bad_request", NOT_HTTP),
    Case("the asterisk", b"OPTIONS * HTTP/1.1\r\nhost: localhost\r\n\r\n", 404, "not_found"),
    Case("a head that never ends", b"GET / HTTP/1.1\r\nx: " + b"x" * 200_000, 400, "limit_exceeded", "max_header_bytes"),
    Case("an old version without a host", b"GET / HTTP/1.0\r\n\r\n", 400, "bad_request"),
]  # fmt: skip

CASES = [*BODIES, *TYPES, *LEAVES, *CREATION, *PATHS, *PARAMETERS, *HEADERS, *WIRE]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_bad_requests_are_refused_and_nothing_is_written(
    server: Server, nothing_written: Callable[[], None], case: Case
) -> None:
    told = server.tell(case.raw)
    error = told.json["error"]
    details = error.get("details", [])
    codes = {error["code"], *(detail["code"] for detail in details)}
    assert (told.status, case.code in codes) == (case.status, True), told.json
    assert any(case.message in text for text in (error["message"], *(detail["message"] for detail in details)))
    nothing_written()
    assert_one_shape(told)


def assert_one_shape(told: Told) -> None:
    document, error = told.json, told.json["error"]
    kind = KINDS[error["code"].upper()]
    assert list(document) == ["error", "type", "title", "status", "detail", "requestId"]
    assert (document["status"], document["title"], kind.status) == (told.status, kind.title, told.status)
    assert document["detail"] == error["message"]
    assert error.keys() - {"code", "message"} <= {"details", "currentVersion"}
    assert (error["code"] == "validation_failed") == ("details" in error)
    assert len(told.body) < 20_000
    assert told.headers["content-type"] == "application/json"
    assert told.headers["x-request-id"] == document["requestId"]
    assert told.headers["x-content-type-options"] == "nosniff"
    assert told.headers["cache-control"] == "no-store"
    assert told.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert "server" not in told.headers
    assert ("allow" in told.headers) == (told.status == 405)


def test_the_table_is_long_enough_and_names_each_case_once() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 150


ODD = [
    Case("a later HTTP/1", get().replace(b"HTTP/1.1", b"HTTP/1.2"), 200),
    Case("chunks in other letters", put(b"", content_length=None, transfer_encoding="Chunked") + b"2\r\n{}\r\n0\r\n\r\n", 200),
    Case("an empty body of an object", put("{}"), 200),
    Case("JSON with a charset", put("{}", content_type='Application/JSON; Charset="UTF-8"'), 200),
    Case("JSON of a kind", put("{}", content_type="application/merge-patch+json"), 200),
    Case("space around the body", put("\r\n {} \t"), 200),
    Case("chunks", put(b"", content_length=None, transfer_encoding="chunked") + b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", 200),
    Case("Expect", put("{}", expect="100-continue"), 200),
    Case("what GET answers and we do not store", put('{"_id": "exampleId1", "createdAt": 7, "version": [], "__v": 1}'), 200),
    Case("an absolute target", get(f"http://localhost{FLOW}"), 200),
    Case("an encoded letter in the path", get("/v1/api/message%2Dflows/example%49d1"), 200),
    Case("a question mark alone", get(f"{FLOW}?"), 200),
    Case("a host with a port", get(host="LOCALHOST:80"), 200),
    Case("a loopback address", get(host="127.0.0.1:1"), 200),
    Case("the other loopback address", get(host="[::1]:1"), 200),
    Case("the same workspace twice", get(X_Workspace_Id=WORKSPACE), 200),
    Case("an unknown header in UTF-8", get(x_name="é".encode().decode("latin-1")), 200),
    Case("an upgrade to HTTP/2", put("{}", connection="Upgrade, HTTP2-Settings", upgrade="h2c"), 200),
    Case("anything acceptable", get(accept="text/html, */*;q=0.1"), 200),
    Case("a malformed Accept", get(accept=";;q=,*/*"), 200),
    Case("a health check through any name", get("/health/live", host="10.0.0.7"), 200),
    Case("no flow of that name", get(f"{FLOWS}?nameContains=%25"), 200),
    Case("the same version", get(if_none_match='W/"0"'), 304),
    Case("any version", get(if_none_match="*"), 304),
    Case("HEAD", request("HEAD", FLOW), 200),
    Case("OPTIONS of a flow", request("OPTIONS", FLOW), 204),
    Case("OPTIONS without a workspace", request("OPTIONS", FLOWS, x_workspace_id=None), 204),
    Case("any version to update", put("{}", if_match="*"), 200),
    Case("one of the versions", put("{}", if_match='"5" , "0"'), 200),
    Case("one of the versions on two lines", put("{}", if_match='"5"', If_Match='"0"'), 200),
    Case("one of the versions to read", get(if_match='"5", "0"'), 200),
    Case("any version to read", get(if_match="*"), 200),
    Case("one of the versions, which the caller has", get(if_match='"0"', if_none_match='"0"'), 304),
    Case("the list at any version", get(FLOWS, if_match='"7"', if_none_match="*"), 200),
    Case("the hours at any version", get(f"{FLOW}/working-hours", if_match='"7"', if_none_match="*"), 200),
    Case("the same version on the second line", get(if_none_match='"5"', If_None_Match='"0"'), 304),
    Case("any version twice", get(if_none_match="*", If_None_Match="*"), 304),
    Case("a toggle that is null in a body", put('{"toggleAutopilot": null}'), 200),
]  # fmt: skip


@pytest.mark.parametrize("case", ODD, ids=[case.name for case in ODD])
def test_odd_requests_that_change_nothing_are_carried_out(
    server: Server, nothing_written: Callable[[], None], case: Case
) -> None:
    told = server.tell(case.raw)
    assert told.status == case.status, told.body
    nothing_written()


def test_options_names_the_methods(server: Server) -> None:
    told = server.tell(request("OPTIONS", FLOW))
    assert (told.headers["allow"], told.body) == ("GET, HEAD, PUT, PATCH, DELETE, OPTIONS", b"")
    assert not [name for name in told.headers if name.startswith("access-control")]


def test_head_answers_as_get_does_without_the_body(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
        connection.sendall(request("HEAD", FLOW, connection="close", x_request_id="r"))
        head = b"".join(iter(lambda: connection.recv(65_536), b""))
    whole = server.tell(get(x_request_id="r"))
    lines = {line for line in head.decode().lower().split("\r\n") if not line.startswith(("date", "connection"))}
    told = {f"{name}: {value}".lower() for name, value in whole.headers.items() if name != "date"}
    assert lines == {"http/1.1 200 ok", "", *told}


def test_a_connection_goes_on_after_head(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
        connection.sendall(request("HEAD", FLOW) + request("HEAD", "/nothing") + get())
        stream = connection.makefile("rb")
        asked = [heard(stream, has_body=False) for _ in range(2)]
        got = heard(stream)
    assert [told.status for told in asked] == [200, 404]
    assert (got.status, got.json["_id"]) == (200, "exampleId1")
    assert asked[0].headers["content-length"] == str(len(got.body))


def test_a_connection_goes_on_after_a_refusal(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
        connection.sendall(put("[]") + put("{", x_request_id="second") + get())
        stream = connection.makefile("rb")
        assert [heard(stream).status for _ in range(3)] == [400, 400, 200]


@pytest.mark.parametrize("rest", [b"}", b"hello\r\n\r\n"])
def test_what_is_no_request_is_refused_behind_the_answers_to_those_before_it(server: Server, rest: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.port), 10) as connection, connection.makefile("rb") as stream:
        connection.sendall(put("{}") + get() + put("[]") + rest)
        assert [heard(stream).status for _ in range(4)] == [200, 200, 400, 400]
        assert stream.read() == b""


def test_a_head_that_becomes_too_long_is_refused_without_its_end(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), 10) as connection, connection.makefile("rb") as stream:
        connection.sendall(put("{}") + get() + put("[]") + b"GET / HTTP/1.1\r\nx: ")
        assert [heard(stream).status for _ in range(3)] == [200, 200, 400]
        connection.sendall(b"x" * 20_000)  # of which nothing comes together with an earlier request
        assert heard(stream).json["error"]["code"] == "limit_exceeded"
        with contextlib.suppress(ConnectionResetError):  # some of it may be unread
            assert stream.read() == b""


def test_a_body_that_breaks_off_into_no_http_is_refused_at_once(
    server: Server, nothing_written: Callable[[], None]
) -> None:
    broken = put(b"", content_length=None, transfer_encoding="chunked") + b"no length\r\n"
    with socket.create_connection(("127.0.0.1", server.port), 10) as connection, connection.makefile("rb") as stream:
        connection.sendall(broken)
        assert (heard(stream).status, stream.read()) == (400, b"")
    nothing_written()


def test_an_upgrade_that_is_not_taken_up_loses_no_body_and_no_later_request(server: Server) -> None:
    body = put('{"name": 5}', connection="Upgrade, HTTP2-Settings", upgrade="h2c", http2_settings="AAMAAABk")
    with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
        connection.sendall(body[:-5])
        time.sleep(0.05)
        connection.sendall(body[-5:] + get())
        stream = connection.makefile("rb")
        first, second = heard(stream), heard(stream)
    assert (first.status, second.status) == (400, 200)
    assert first.json["error"]["message"] == "name must be a string, not a number"


def test_a_valid_request_id_is_kept_and_any_other_replaced(server: Server) -> None:
    assert server.tell(get(x_request_id="a.B_c:1-")).headers["x-request-id"] == "a.B_c:1-"
    for bad in ("", "x" * 129, "a b", "é", "a,b"):
        assert server.tell(get(x_request_id=bad)).headers["x-request-id"] != bad


def test_problem_json_comes_when_it_is_preferred(server: Server) -> None:
    told = server.tell(get(f"{FLOWS}/unknown", accept="application/problem+json, application/json;q=0.9"))
    assert (told.status, told.headers["content-type"]) == (404, "application/problem+json")


@pytest.fixture(autouse=True, scope="module")
def _patience() -> Iterator[None]:
    """The whole table takes seconds: no request makes the server work for long."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < 120


def test_the_log_holds_nothing_of_all_this(server: Server) -> None:
    words = ("colour", "nmae", "evil.example", "passwd", "Berln", "script", "é", "\\u00e9")
    assert server.odd_lines(*words) == []
