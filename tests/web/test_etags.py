"""Versions as entity tags, as RFC 9110 compares them."""

import pytest

from graphql_api.domain.errors import Refused
from graphql_api.web.etags import if_match, lists_weakly, none_match, tag

MALFORMED = ["", " ", "7", '"7', '7"', '"7" "8"', ",", " , ", 'w/"7"', 'W/ "7"', '"a b"', "*, *", '"\x7f"']


def test_a_version_is_a_strong_tag() -> None:
    assert tag(7) == b'"7"'


@pytest.mark.parametrize(
    ("value", "versions"),
    [
        (None, None),
        ("*", None),
        (" * ", None),
        ('"7"', {7}),
        ('"6", "7"', {6, 7}),
        ('"6"\t,"7" ', {6, 7}),
        ('W/"7"', set()),
        ('W/"6", "7"', {7}),
        ('"abc"', set()),
        ('""', set()),
        ('"1",,"2"', {1, 2}),
        (', "1" , ,"2",', {1, 2}),
        ('"07", "+7", "7.0", "-1"', set()),
        ('"a,b", "7"', {7}),
        ('"\xe9"', set()),
        (f'"{"9" * 40}"', set()),
    ],
)
def test_if_match_lists_the_versions_that_can_match(value: str | None, versions: set[int] | None) -> None:
    assert if_match(value) == versions


@pytest.mark.parametrize(
    ("value", "matches"),
    [(None, False), ("*", True), ('"7"', True), ('W/"7"', True), ('"6"', False), ('"6", W/"7"', True), ('"07"', False)],
)
def test_if_none_match_compares_weakly(value: str | None, matches: bool) -> None:
    assert none_match(value, 7) is matches


@pytest.mark.parametrize(
    ("value", "is_weak"),
    [
        (None, False),
        ("*", False),
        ('W/"7"', True),
        ('"6", W/"7"', True),
        ('W/"6"', False),
        ('"7"', False),
    ],
)
def test_a_weak_tag_of_the_version_is_known(value: str | None, is_weak: bool) -> None:
    assert lists_weakly(value, 7) is is_weak


@pytest.mark.parametrize("value", MALFORMED)
def test_what_is_no_list_of_tags_is_refused(value: str) -> None:
    with pytest.raises(Refused, match="If-Match must be"):
        if_match(value)
    with pytest.raises(Refused, match="If-None-Match must be"):
        none_match(value, 7)
