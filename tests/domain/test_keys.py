"""How keys are spelt and hashed, and until when they live."""

import hashlib

import pytest

from graphql_api.domain import keys
from graphql_api.domain.errors import Refused
from graphql_api.domain.keys import Key

KEY = Key("key_1", "mfk_00000000", "", ("ws1",), frozenset({"flows:read"}), 1_000)


def test_a_key_is_its_prefix_and_160_random_bits() -> None:
    secret = keys.secret(bytes(range(20)))
    assert secret == "mfk_000102030405060708090a0b0c0d0e0f10111213"
    assert keys.is_spelt(secret)
    assert keys.digest(secret) == hashlib.sha256(secret.encode()).hexdigest()


@pytest.mark.parametrize(
    "text",
    ["", "mfk_", f"mfk_{'0' * 39}", f"mfk_{'0' * 41}", f"mfk_{'A' * 40}", f"mfk_{'0' * 39}\n", "mfk_" + "\u0660" * 40],
)
def test_nothing_else_is_spelt_like_a_key(text: str) -> None:
    assert not keys.is_spelt(text)


def test_a_key_lives_until_it_expires_or_is_revoked() -> None:
    assert KEY.is_live(10**15)
    ending = Key("key_1", "p", "", ("ws1",), frozenset(), 1_000, expires_at=2_000)
    assert ending.is_live(1_999)
    assert not ending.is_live(2_000)
    assert not Key("key_1", "p", "", ("ws1",), frozenset(), 1_000, revoked_at=5_000).is_live(1_500)


def test_only_a_key_of_one_workspace_names_it() -> None:
    assert KEY.only_workspace() == "ws1"
    assert Key("key_1", "p", "", ("ws1", "ws2"), frozenset(), 1_000).only_workspace() is None


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("0s", 0), ("90s", 90_000), ("30m", 1_800_000), ("24h", 86_400_000), ("2w", 1_209_600_000)],
)
def test_lengths_of_time(text: str, milliseconds: int) -> None:
    assert keys.duration(text) == milliseconds


@pytest.mark.parametrize("text", ["", "24", "h", "-1h", "1.5h", "24 h", "100000d", "1y"])
def test_other_lengths_of_time_are_refused(text: str) -> None:
    with pytest.raises(Refused, match="as in 24h or 90d"):
        keys.duration(text)


def test_workspaces_and_scopes_are_checked() -> None:
    assert keys.checked_workspaces(["b", "a", "b"]) == ("b", "a")
    assert keys.checked_scopes(["flows:read", "flows:read"]) == {"flows:read"}
    with pytest.raises(Refused, match="at least one workspace"):
        keys.checked_workspaces([])
    with pytest.raises(Refused, match="not 'a,b'"):
        keys.checked_workspaces(["a,b"])
    with pytest.raises(Refused, match=r"not flows:delete$"):
        keys.checked_scopes(["flows:read", "flows:delete"])
    with pytest.raises(Refused, match=r"a key needs scopes out of admin, flows:read, flows:write, history:read$"):
        keys.checked_scopes([])
