"""Instants as callers write and read them: RFC 3339 text outside, milliseconds since 1970 (UTC) inside."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOUR = 3_600_000
"""Milliseconds."""

MILLISECOND = timedelta(milliseconds=1)
MICROSECOND = timedelta(microseconds=1)
RFC_3339 = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt]((?:[01]\d|2[0-3]):\d{2}:\d{2})(\.\d{1,9})?([Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)", re.ASCII
)


def parse(text: str) -> datetime:
    """The instant in UTC; raises ValueError unless `text` is RFC 3339 with an offset and within years 1 to 9999."""
    match = RFC_3339.fullmatch(text)
    if match is None:
        raise ValueError("not an RFC 3339 date-time with an offset")
    day, time, fraction, offset = match.groups()
    micros = (fraction or ".")[1:7].ljust(6, "0")
    zone = "+00:00" if offset in "Zz" else offset
    try:
        return datetime.fromisoformat(f"{day}T{time}.{micros}{zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("no such instant") from None


def milliseconds(instant: datetime) -> int:
    return (instant - EPOCH) // MILLISECOND


def instant(milliseconds: int) -> datetime:
    return EPOCH + timedelta(milliseconds=milliseconds)


@lru_cache(maxsize=16_384)
def text(milliseconds: int) -> str:
    """RFC 3339 in UTC with `Z`; milliseconds only when they are not zero."""
    seconds, rest = divmod(milliseconds, 1000)
    minutes, second = divmod(seconds, 60)
    minute = _minute(minutes)
    return f"{minute}:{second:02d}.{rest:03d}Z" if rest else f"{minute}:{second:02d}Z"


@lru_cache(maxsize=4_096)
def _minute(minutes: int) -> str:
    """The text of an instant up to its minute, which many instants of one answer share."""
    return (EPOCH + timedelta(minutes=minutes)).isoformat()[:16]


def datetime_text(instant: datetime) -> str:
    """As `text`, for an aware datetime; microseconds are cut to milliseconds."""
    return text(milliseconds(instant))


def microseconds(instant: datetime) -> int:
    return (instant - EPOCH) // MICROSECOND
