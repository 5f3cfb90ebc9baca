"""Time zones by name: those of the installed `tzdata` package, whatever zone files the host has."""

import re
import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from graphql_api.domain.errors import refused

TZDATA = files("tzdata")
NAMES = tuple(sorted({*(TZDATA / "zones").read_text("ascii").split()} - {"Factory"}))

_KNOWN = frozenset(NAMES)
_CANONICAL = {name.lower(): name for name in NAMES}
_CITY = re.compile(
    "(Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia(?!/(North|South|West)$)|Europe|Indian|Pacific)/.*[a-z]"
)
_OFFERED = {lower: name for lower, name in _CANONICAL.items() if name == "UTC" or _CITY.fullmatch(name)}
"""Neither fixed offsets, such as Etc/GMT+5 and EST, nor what is called by a country or a part of one."""

_CITIES = sorted({name.rpartition("/")[2] for name in _OFFERED})
_LONGEST = max(map(len, NAMES))


def canonical(name: str) -> str | None:
    """The zone's name in its own case, or None where there is no such zone; an alias stays the alias it is."""
    if len(name) > _LONGEST or not name.isascii():  # the Kelvin sign, for one, has "k" as its lower case
        return None
    return _CANONICAL.get(name.lower())


@cache
def zone(name: str) -> ZoneInfo:
    """The zone of a canonical name; refuses one that was stored under another tzdata and that this one lacks."""
    if name not in _KNOWN:
        message = f"the stored time zone {name!r} is not in this server's tzdata; give timezone a name that is"
        raise refused("INVALID_TIMEZONE", message)
    with TZDATA.joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def nearest(name: str) -> tuple[str, ...]:
    """Up to three cities (or UTC) that may be meant: first names alike as a whole, then those alike in the city."""
    wanted = _plain(name)
    whole = [_OFFERED[near] for near in _alike(wanted, _OFFERED)]
    cities = [near for city in _alike(wanted.rpartition("/")[2], _CITIES) for near in _in_city(city)]
    return tuple(dict.fromkeys(whole + cities))[:3]


def _plain(name: str) -> str:
    """In lower case, without accents, `_` for blanks; cut, so that a long text costs no more than a name."""
    letters = unicodedata.normalize("NFKD", name[: 2 * _LONGEST]).encode("ascii", "ignore").decode()
    return "_".join(letters.lower().split())[:_LONGEST]


def _alike(word: str, words: Iterable[str]) -> list[str]:
    return get_close_matches(word, words, cutoff=0.75)


def _in_city(city: str) -> list[str]:
    return [name for lower, name in _OFFERED.items() if lower.rpartition("/")[2] == city]
