"""What a process remembers by a key, of which there are so many at most."""

from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


def with_room(remembered: dict[K, V], most: int) -> dict[K, V]:
    """The same dictionary with room for one more: the oldest goes."""
    if len(remembered) >= most:
        del remembered[next(iter(remembered))]
    return remembered
