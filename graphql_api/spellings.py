"""How addresses, names and lists are spelt in a setting, and the words for one that is spelt otherwise."""

import re
from ipaddress import ip_network
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator
from pydantic_settings import NoDecode

DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgres": "postgresql+asyncpg", "postgresql": "postgresql+asyncpg"}


def _database(url: str) -> str:
    """A wrong address is not repeated in the sentence: it may hold a password."""
    driver, _, rest = url.partition("://")
    if driver not in DRIVERS.values():
        meant = DRIVERS.get(driver.partition("+")[0].lower())
        hint = f"; write {meant}:// in place of {driver}://" if meant else ""
        raise ValueError(f"must begin with sqlite+aiosqlite:/// or postgresql+asyncpg://{hint}")
    if driver == DRIVERS["sqlite"] and not re.match(r"/(?!:memory:)[^?]", rest):
        raise ValueError("must name a file, as in sqlite+aiosqlite:///./message-flows.db")
    if driver == DRIVERS["sqlite"] and "?" in rest:
        raise ValueError("must name a file and nothing more: SQLite takes no options after a question mark")
    if "%00" in rest:
        raise ValueError("must not contain a zero byte")
    try:
        urlsplit(url).port  # noqa: B018
    except ValueError:
        raise ValueError("must have a number from 0 to 65535 as its port") from None
    return url


def _spelt(pattern: str, right: str) -> AfterValidator:
    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(right)
        return text

    return AfterValidator(check)


def _split(listed: object) -> object:
    return [item.strip() for item in listed.split(",") if item.strip()] if isinstance(listed, str) else listed


Database = Annotated[str, AfterValidator(_database)]
Host = Annotated[
    str, _spelt(r"[A-Za-z0-9.:_-]+", "must be an address or a name without port and brackets, as in 127.0.0.1 or ::1")
]
Origin = Annotated[
    str,
    _spelt(
        r"https?://([a-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?",
        "must list origins as browsers send them, as in https://app.example.com,http://localhost:3000",
    ),
]
HostHeader = Annotated[
    str,
    _spelt(
        r"[a-z0-9_-][a-z0-9._-]*|\[[0-9a-f:]+\]",
        "must list names in lower case without scheme and port, as in flows.example.com,localhost",
    ),
]
RootPath = Annotated[
    str, _spelt(r"(/[A-Za-z0-9._~-]+)*", "must be empty or begin with a slash and end without one, as in /crm")
]


def _network(text: str) -> str:
    try:
        ip_network(text)
    except ValueError:
        raise ValueError("must list addresses or networks, as in 10.0.0.5,10.1.0.0/16") from None
    return text


Proxy = Annotated[str, AfterValidator(_network)]


def _redis(url: str) -> str:
    """With the port that Redis has where none is named; a wrong one is not repeated either."""
    spelt = re.fullmatch(
        r"(rediss?://(?:[^\s/?#@\[\]]*@)?(?:[A-Za-z0-9._-]+|\[[0-9a-fA-F:.]+\]))(?::([0-9]{1,5}))?(/[0-9]{0,9})?", url
    )
    if url and (spelt is None or not 1 <= int(spelt[2] or 6379) <= 65_535):
        raise ValueError(
            "must be empty or an address as in redis://127.0.0.1:6379/0 or rediss://user:password@host,"
            " with %40 for @, %23 for # and %2F for / in a password"
        )
    return f"{spelt[1]}:{spelt[2] or 6379}{spelt[3] or ''}" if spelt else ""


RedisUrl = Annotated[str, AfterValidator(_redis)]
Commas = (NoDecode, BeforeValidator(_split))
