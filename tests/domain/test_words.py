"""How many there are of something, names that callers made up, and which were meant."""

from graphql_api.domain.words import counted, offer, printable


def test_one_is_no_plural() -> None:
    assert [counted(count, "deleted flow") for count in (0, 1, 2)] == [
        "0 deleted flows",
        "1 deleted flow",
        "2 deleted flows",
    ]
    assert counted(1_234_567, "flow") == "1,234,567 flows"
    assert [counted(hours, "hour") for hours in (0.5, 1.0, 72.0)] == ["0.5 hours", "1 hour", "72 hours"]


def test_names_are_told_in_a_form_that_can_be_printed() -> None:
    assert printable("a\n\0\ud800\u202eb") == "a\ufffd\ufffd\ufffd\ufffdb"
    assert printable("x" * 65) == "x" * 64 + "…"


def test_the_nearest_name_is_offered_or_all() -> None:
    assert offer("nmae", ["name", "agent"]) == "; did you mean name?"
    assert offer("colour", ["name", "agent"]) == "; known are name, agent"
    assert offer("page", ["name", "agent"]) == "; known are name, agent"


def test_a_name_is_near_in_any_case_and_as_a_part() -> None:
    known = ["isActive", "hipaaCompliance", "nameContains"]
    assert [offer(name, known) for name in ("ISACTIVE", "hipaa", "name")] == [
        "; did you mean isActive?",
        "; did you mean hipaaCompliance?",
        "; did you mean nameContains?",
    ]
