"""What happens in this process, told by name to whoever counts it: batches, conflicts, replays."""

from collections.abc import Callable

Hear = Callable[[str, float], None]

_hearing: list[Hear] = []


def hear(what: Hear) -> None:
    """From now on `what` hears of everything that is told, from whatever thread."""
    _hearing.append(what)


def tell(name: str, amount: float = 1) -> None:
    for what in _hearing:
        what(name, amount)
