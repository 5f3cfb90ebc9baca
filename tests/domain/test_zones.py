"""Zone names are those of the installed tzdata, in their own case; nothing else is a zone, and no host file is read."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphql_api.domain import zones
from graphql_api.domain.errors import Refused

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        ("UTC", "UTC"),
        ("utc", "UTC"),
        ("europe/berlin", "Europe/Berlin"),
        ("EUROPE/BERLIN", "Europe/Berlin"),
        ("america/port-au-prince", "America/Port-au-Prince"),
        ("america/argentina/comodrivadavia", "America/Argentina/ComodRivadavia"),
        ("asia/calcutta", "Asia/Calcutta"),
        ("asia/katmandu", "Asia/Katmandu"),
        ("europe/kiev", "Europe/Kiev"),
        ("us/pacific-new", None),
        ("us/pacific", "US/Pacific"),
        ("gb-eire", "GB-Eire"),
        ("etc/gmt+5", "Etc/GMT+5"),
    ],
)
def test_a_name_in_any_case_is_answered_in_its_own_and_an_alias_stays_itself(sent: str, answered: str | None) -> None:
    assert zones.canonical(sent) == answered


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        ".",
        "/",
        "..",
        "../..",
        "../../etc/passwd",
        "/etc/localtime",
        "/usr/share/zoneinfo/UTC",
        " UTC",
        "UTC ",
        "UTC\n",
        "UTC\0",
        "\0",
        "Europe/Ber\0lin",
        "Europe//Berlin",
        "Europe/Berlin/",
        "Europe\\Berlin",
        "Europe/../UTC",
        "America",
        "america/argentina",
        "Etc",
        "localtime",
        "Factory",
        "factory",
        "posix/UTC",
        "posix/Europe/Berlin",
        "right/UTC",
        "right/Europe/Berlin",
        "posixrules",
        "zone.tab",
        "tzdata.zi",
        "__init__.py",
        "+02:00",
        "-05:00",
        "UTC+2",
        "GMT+02:00",
        "EST5EDT4",
        "<+02>-2",
        "CEST",
        "Pacific Standard Time",
        "\uff35\uff34\uff23",  # UTC, full width
        "As\u0131a/Tokyo",  # dotless i
        "AS\u0130A/TOKYO",  # capital I with a dot
        "Asia/\u212aolkata",  # the Kelvin sign
        "A\u017fia/Tokyo",  # the long s
        "\u0415urope/Berlin",  # a Cyrillic letter
        "\ud800",
        "x" * 10_000,
        "Europe/" * 10_000,
    ],
    ids=ascii,
)
def test_anything_else_is_no_zone(name: str) -> None:
    assert zones.canonical(name) is None
    assert set(zones.nearest(name)) <= set(zones.NAMES)


def test_the_names_are_those_of_the_package_but_for_the_placeholder() -> None:
    assert set((files("tzdata") / "zones").read_text().split()) - set(zones.NAMES) == {"Factory"}
    assert len(zones.NAMES) == len({name.lower() for name in zones.NAMES}) > 590


def test_every_name_is_answered_as_itself_and_loads() -> None:
    for name in zones.NAMES:
        assert zones.canonical(name) == zones.canonical(name.upper()) == name
        assert zones.zone(name).key == name
        assert abs(NOON.astimezone(zones.zone(name)).utcoffset() or timedelta()) <= timedelta(hours=14)


def test_a_zone_is_loaded_once() -> None:
    assert zones.zone("Europe/Berlin") is zones.zone("Europe/Berlin")


@pytest.mark.parametrize(
    ("sent", "first"),
    [
        ("Kolkatta", "Asia/Kolkata"),
        ("Asia/Kolkatta", "Asia/Kolkata"),
        ("New York", "America/New_York"),
        ("America/New York", "America/New_York"),
        ("Amerika/NewYork", "America/New_York"),
        ("são paulo", "America/Sao_Paulo"),
        ("Europe/Zürich", "Europe/Zurich"),
        ("posix/Europe/Berlin", "Europe/Berlin"),
        ("Europe/Kyev", "Europe/Kyiv"),
        ("Deutschland/Berlin", "Europe/Berlin"),
        (" UTC", "UTC"),
        ("right/UTC", "UTC"),
        ("Asia/Calcuta", "Asia/Calcutta"),
        ("\uff35\uff34\uff23", "UTC"),
    ],
)
def test_the_nearest_name_comes_first(sent: str, first: str) -> None:
    assert zones.nearest(sent)[0] == first


@pytest.mark.parametrize(
    "name", ["Etc/GMT+25", "Etc/GMT-", "GMT+2", "EST5", "ESTT", "HSTT", "CET1", "CEST", "ACST", "US/Pacifc", "Japn"]
)
def test_neither_fixed_offsets_nor_names_of_countries_are_offered(name: str) -> None:
    assert zones.nearest(name) == ()


@pytest.mark.parametrize("name", ["", "+02:00", "qqqq", "../..", "\0", "x" * 10_000])
def test_nothing_is_near_to_nonsense(name: str) -> None:
    assert zones.nearest(name) == ()


@given(st.text() | st.sampled_from(zones.NAMES).flatmap(lambda name: st.sampled_from([name + "x", name[1:], name * 9])))
@settings(derandomize=True, deadline=None)
def test_any_text_has_at_most_three_near_names_each_once(name: str) -> None:
    near = zones.nearest(name)
    assert len(near) == len(set(near)) <= 3
    assert set(near) <= set(zones.NAMES)


def test_a_long_text_costs_no_more_than_a_name() -> None:
    started = process_time()
    for text in ("America/" * 200_000, "\ufdfa" * 1_000_000, "a" * 1_000_000):
        zones.nearest(text)
        zones.canonical(text)
    assert process_time() - started < 1


STRANGE_HOST = """
import sys
opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
from datetime import UTC, datetime
from zoneinfo import ZoneInfo
from graphql_api.domain import hours, zones
for name in zones.NAMES:
    zones.zone(name)
    zones.canonical(name.lower())
zones.nearest("Europe/Berlim")
assert zones.canonical("Nowhere/Land") is None
read = [path for path in opened if not path.endswith((".py", ".pyc", ".so", ".pyd"))]
noon = datetime(2026, 7, 1, 12, tzinfo=UTC)
print(noon.astimezone(ZoneInfo("Europe/Berlin")).isoformat())
print(noon.astimezone(zones.zone("Europe/Berlin")).isoformat())
print(*read, sep="\\n")
"""


def test_the_files_of_the_host_are_never_read(tmp_path: Path) -> None:
    """The host here says that Berlin keeps the time of Tokyo, and that there is a Nowhere/Land."""
    package = Path(str(files("tzdata")))
    for name in ("Europe/Berlin", "Nowhere/Land"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((package / "zoneinfo/Asia/Tokyo").read_bytes())
    environment = {**os.environ, "PYTHONTZPATH": str(tmp_path), "TZ": "Europe/Berlin", "PYTHONDONTWRITEBYTECODE": "1"}
    output = subprocess.run(
        [sys.executable, "-c", STRANGE_HOST], env=environment, capture_output=True, text=True, check=False
    )
    assert output.returncode == 0, output.stderr
    misled, berlin, *opened = output.stdout.splitlines()
    assert misled == "2026-07-01T21:00:00+09:00"
    assert berlin == "2026-07-01T14:00:00+02:00"
    assert len(opened) >= len(zones.NAMES)
    assert [path for path in opened if not Path(path).is_relative_to(package)] == []


@pytest.mark.parametrize(
    "name", ["US/Pacific-New", "europe/berlin", "America", "../UTC", "/etc/localtime", "", "UTC\0"]
)
def test_a_stored_name_that_is_not_known_is_refused_in_words(name: str) -> None:
    with pytest.raises(Refused) as refusal:
        zones.zone(name)
    (problem,) = refusal.value.problems
    assert problem.code == "INVALID_TIMEZONE"
    assert problem.message == (
        f"the stored time zone {name!r} is not in this server's tzdata; give timezone a name that is"
    )
