"""Types whose instances are written as JSON objects with given members: quicker to make and to write than dicts."""

from collections.abc import Mapping

import msgspec

MOST = 256
"""Sets of members that have a type, which takes some 7 KiB; those that come later are made as dicts."""


class Shapes:
    """Types by their members; one kept is kept for good, so that what is kept for documents has a bound."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._known: dict[tuple[str, ...], type] = {}

    def shape(self, members: tuple[str, ...]) -> type | None:
        """What makes an object of its members' values; None when there are too many already."""
        if members not in self._known and len(self._known) < self._most:
            fields: Mapping[str, str] = {f"m{place}": member for place, member in enumerate(members)}
            self._known[members] = msgspec.defstruct("Object", fields, rename=fields, gc=False)
        return self._known.get(members)


SHAPES = Shapes()
