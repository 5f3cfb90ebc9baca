"""What Accept asks for, and how much."""

import pytest

from graphql_api.web.accept import favour, prefers, weights_of


def test_the_most_specific_range_decides() -> None:
    ranges = weights_of(["text/html", "application/*;q=0.5, application/json;q=0", "*/*;q=0.1"])
    assert favour(ranges, "application/json")[0] == 0
    assert favour(ranges, "application/problem+json")[0] == 0.5
    assert favour(ranges, "image/png")[0] == 0.1
    assert favour(weights_of(["text/html"]), "application/json")[0] == 0


@pytest.mark.parametrize(
    ("text", "weight"), [("", 1), ("q=0.5", 0.5), ("q=2", 1), ("q=-1", 0), ("q=x", 0), ("q=nan", 0)]
)
def test_weights_lie_between_0_and_1(text: str, weight: float) -> None:
    assert weights_of([f"a/b;{text}"])["a/b"][0] == weight


def test_problem_json_is_preferred_only_by_name() -> None:
    problem, usual = "application/problem+json", "application/json"
    assert prefers([f"{problem}, {usual};q=0.9"], problem, usual)
    assert prefers([problem], problem, usual)
    assert not prefers([f"{usual}, {problem}"], problem, usual)
    assert not prefers(["*/*"], problem, usual)
    assert not prefers([], problem, usual)
