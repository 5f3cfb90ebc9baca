"""Instants as text: what is read of RFC 3339, and how they are written."""

from datetime import UTC, datetime, timedelta

import pytest

from graphql_api.domain import instants


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-22T12:00:00Z", datetime(2026, 11, 22, 12, tzinfo=UTC)),
        ("2026-11-22t12:00:00.5z", datetime(2026, 11, 22, 12, 0, 0, 500_000, UTC)),
        ("2026-11-22T12:00:00.123456+05:30", datetime(2026, 11, 22, 6, 30, 0, 123_456, UTC)),
        ("2026-11-22T12:00:00.123456999-00:01", datetime(2026, 11, 22, 12, 1, 0, 123_456, UTC)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
        ("9999-12-31T23:59:59.999999Z", datetime.max.replace(tzinfo=UTC)),
    ],
)
def test_an_instant_is_read_to_the_microsecond(text: str, instant: datetime) -> None:
    assert instants.parse(text) == instant
    assert instants.parse(text).utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "2026-11-22",
            "2026-11-22T12:00:00",
            "2026-11-22 12:00:00Z",
            "2026-11-22T12:00Z",
            "2026-11-22T12:00:00.Z",
        ),
        *(
            "2026-11-22T12:00:00.1234567890Z",
            "2026-11-22T12:00:00+24:00",
            "2026-11-22T12:00:00+05:60",
            "2026-11-22T12:00:00Z\n",
        ),
        *("2026-02-29T00:00:00Z", "2026-11-22T24:00:00Z", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01"),
        "\u0662026-11-22T12:00:00Z",
    ],
)
def test_anything_else_is_no_instant(text: str) -> None:
    with pytest.raises(ValueError, match=r"^(not an RFC 3339 date-time with an offset|no such instant)$"):
        instants.parse(text)


def test_an_hour_is_told_by_its_form_not_by_what_python_makes_of_it() -> None:
    """From 3.14 on Python reads 24:00 as the next midnight."""
    with pytest.raises(ValueError, match=r"^not an RFC 3339 date-time with an offset$"):
        instants.parse("2026-11-22T24:00:00Z")


def test_milliseconds_are_written_when_they_are_not_zero() -> None:
    noon = instants.milliseconds(instants.parse("2026-11-22T12:00:00Z"))
    assert [instants.text(noon + more) for more in (0, 5, 1_000, 59_999, -1)] == [
        "2026-11-22T12:00:00Z",
        "2026-11-22T12:00:00.005Z",
        "2026-11-22T12:00:01Z",
        "2026-11-22T12:00:59.999Z",
        "2026-11-22T11:59:59.999Z",
    ]
    assert instants.datetime_text(datetime(1, 1, 1, 0, 0, 0, 999, UTC)) == "0001-01-01T00:00:00Z"
