"""Tells on a terminal how far a command has come; says nothing to a file or a pipe."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Tell = Callable[[str, int], None]
"""What is being done, and how much of it has been."""


@contextmanager
def progress() -> Iterator[Tell]:
    if not sys.stderr.isatty():
        yield lambda doing, done: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description} {task.completed:,.0f}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        begun: dict[str, TaskID] = {}

        def tell(doing: str, done: int) -> None:
            if doing not in begun:
                begun[doing] = bar.add_task(doing, total=None)
            bar.update(begun[doing], completed=done)

        yield tell
