"""JSON to the letter: read as the standard has it and within bounds, written as every reader understands it."""

import json
import re
from itertools import accumulate
from typing import Any

import msgspec

from graphql_api.domain.checks import SURROGATES, whole
from graphql_api.domain.errors import refused
from graphql_api.domain.words import printable
from graphql_api.web.http import BodyLimits

OUTLINE = bytes.maketrans(b"123456789{", b"0" * 9 + b"[")
LARGE = b"0" * 10
STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
WHOLE = rb"(?<![\d.eE])(?<![eE][+-])\d{%d,}+(?!\.\d|[eE][+-]?\d)"
STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
"""One level down or up, as signed bytes."""
NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[{]}")

LONGEST_WRITTEN_AGAIN = 65_536
UNKNOWN = object()
READER = msgspec.json.Decoder()
WRITER = msgspec.json.Encoder()


def decoded(raw: bytes, limits: BodyLimits, what: str = "the body") -> Any:
    """JSON to the letter: UTF-8, no byte order mark, no duplicate members, no NaN; bounded nesting and integers.

    What comes out byte by byte when it is written again holds nothing of that kind, so that only its size is left to
    be measured; all else, such as JSON with spaces in it, is read by the slower decoder that finds the words.
    """
    value = at_once(raw, limits)
    return strictly_decoded(raw, limits, what) if value is UNKNOWN else value


def at_once(raw: bytes, limits: BodyLimits) -> Any:
    """The value of JSON that is written as our own encoder writes it; UNKNOWN for any other text, right or wrong."""
    if len(raw) <= LONGEST_WRITTEN_AGAIN and not _is_large(raw, limits):
        try:
            value = READER.decode(raw)
            if WRITER.encode(value) == raw:
                return value
        except (msgspec.DecodeError, UnicodeError):
            pass  # the other one tells what is wrong
    return UNKNOWN


def strictly_decoded(raw: bytes, limits: BodyLimits, what: str) -> Any:
    if raw.startswith(b"\xef\xbb\xbf"):
        raise refused("INVALID_JSON", f"{what} starts with a byte order mark; send plain UTF-8")
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise refused("INVALID_JSON", f"{what} is not UTF-8 at byte {error.start}") from None
    _measure(raw, limits)
    try:
        return DECODER.decode(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        wrong = error.msg.lower().removesuffix(" at")
        raise refused("INVALID_JSON", f"{what} is not JSON: {wrong} at {where}") from None


def _measure(raw: bytes, limits: BodyLimits) -> None:
    """Nesting, containers and integers, before anything recursive or quadratic sees them."""
    if not _is_large(raw, limits):
        return
    outside = STRING.sub(b'"', raw)
    steps = outside.translate(STEPS, NO_BRACKETS)
    if max(accumulate(memoryview(steps).cast("b")), default=0) > limits.nesting:
        raise refused("LIMIT_EXCEEDED", f"the JSON is nested deeper than {limits.nesting} levels (max_json_depth)")
    containers = steps.count(1)
    if containers > limits.containers:  # each costs the collector of garbage more than the decoder
        message = f"the JSON has {containers} arrays and objects; the limit is {limits.containers}"
        raise refused("LIMIT_EXCEEDED", message)
    if re.search(WHOLE % (limits.digits + 1), outside):
        message = f"a whole number has more than {limits.digits} digits (max_integer_digits)"
        raise refused("LIMIT_EXCEEDED", message)


def _is_large(raw: bytes, limits: BodyLimits) -> bool:
    """Whether there may be too much of something; the bounds of settings are above ten digits.

    `in` would first try whether what is looked for is a number, and raise and drop an error for it.
    """
    outline = raw.translate(OUTLINE)
    return outline.count(LARGE) > 0 or outline.count(b"[") > limits.nesting


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        name = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise refused("INVALID_JSON", f"the member {printable(name)} stands more than once in one object")
    return members


def _constant(name: str) -> Any:
    raise refused("INVALID_JSON", f"{name} is not JSON")


DECODER = json.JSONDecoder(object_pairs_hook=_members, parse_constant=_constant)


def encoded(value: Any, *, is_plain: bool = False) -> bytes:
    """JSON as it is sent; whole numbers print without a fraction, lone surrogates as U+FFFD.

    `is_plain`: the numbers are as they are to be printed.
    """
    try:
        return WRITER.encode(value if is_plain else plain(value))
    except UnicodeEncodeError:
        return WRITER.encode(_without_surrogates(plain(value)))


def plain(value: Any) -> Any:
    kind = type(value)
    if kind is float:
        return whole(value) if value - value == 0 else None
    if kind is dict:
        return {name: plain(member) for name, member in value.items()}
    if kind is list or kind is tuple:
        return [plain(member) for member in value]
    return value


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return SURROGATES.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_without_surrogates(name): _without_surrogates(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_without_surrogates(member) for member in value]
    return value
