"""How much a client may say without an end: of a head, of the size of a chunk, of trailers."""

from graphql_api.domain.errors import Refused, refused
from graphql_api.web.front import too_long_a_head

TRAILERS = "trailers of the request are"


class Bounds:
    """Counts what has come of the part of a request that is not whole yet; a part that is whole counts no more."""

    def __init__(self, most: float) -> None:
        """`most`: bytes of each."""
        self._most = most
        self._unfinished = 0
        self._trailers = 0
        self._is_in_chunk = False  # from its size on; behind that of the last one come trailers

    def come(self, size: int) -> None:
        self._unfinished += size

    def end(self) -> None:
        """The part that was coming is whole."""
        self._unfinished = 0

    def end_head(self) -> None:
        """Raises Refused for one that came at once and is too long all the same."""
        self.check(is_head=True)
        self._unfinished = self._trailers = 0

    def begin_chunk(self) -> None:
        self._unfinished, self._is_in_chunk = 0, True

    def end_chunk(self) -> None:
        self._is_in_chunk = False

    def drop_trailer(self, size: int) -> None:
        """It may come when the request is answered already, so it must not say anything about it."""
        self._trailers += size
        if self._trailers > self._most:
            raise self._too_long(TRAILERS)

    def check(self, *, is_head: bool) -> None:
        """Raises Refused."""
        if self._unfinished <= self._most:
            return
        if is_head:
            raise too_long_a_head(self._most)
        raise self._too_long(TRAILERS if self._is_in_chunk else "size of a chunk, with its extensions, is")

    def _too_long(self, what: str) -> Refused:
        return refused("LIMIT_EXCEEDED", f"the {what} longer than {self._most} bytes (max_header_bytes)")
