"""What is remembered within a number of bytes; what was asked for longest ago goes first."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Remembered(Generic[Key, Value]):
    def __init__(self, most: int, largest: int) -> None:
        """`most` bytes of all together; one that takes more than `largest` is not remembered."""
        self._most = most
        self._largest = largest
        self._known: OrderedDict[Key, tuple[Value, int]] = OrderedDict()
        self._taken = 0

    def get(self, key: Key) -> Value | None:
        known = self._known.get(key)
        if known is None:
            return None
        self._known.move_to_end(key)
        return known[0]

    def put(self, key: Key, value: Value, taken: int) -> None:
        """`taken`: the bytes that it takes with its key."""
        if taken > self._largest:
            return
        _, before = self._known.pop(key, (None, 0))
        self._known[key] = value, taken
        self._taken += taken - before
        while self._taken > self._most:
            _, (_, forgotten) = self._known.popitem(last=False)
            self._taken -= forgotten
