"""How many there are of something, in words."""

from graphql_api.domain.words import counted


def test_one_is_no_plural() -> None:
    assert [counted(count, "deleted flow") for count in (0, 1, 2)] == [
        "0 deleted flows",
        "1 deleted flow",
        "2 deleted flows",
    ]
    assert counted(1_234_567, "flow") == "1,234,567 flows"
    assert [counted(hours, "hour") for hours in (0.5, 1.0, 72.0)] == ["0.5 hours", "1 hour", "72 hours"]
