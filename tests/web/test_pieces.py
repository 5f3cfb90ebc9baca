"""What a client has sent, cut where requests end, however it came."""

from itertools import pairwise

import httptools
import pytest

from graphql_api.web.pieces import Pieces

GET = b"\r\nGET /a HTTP/1.1\r\nhost: a\r\n\r\n"
POST = b"POST /b HTTP/1.1\r\ncontent-length: 12\r\n\r\n{\r\n\r\n\r\n\r\n}\r\n"
CHUNKED = (
    b"POST /c HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n4\r\n\r\n\r\n\r\n8\r\na\r\n\r\n\r\nb\r\n0\r\nx: y\r\n\r\n"
)
ALL = (GET + POST + CHUNKED + GET + CHUNKED) * 2


class Reader:
    """Reads pieces as a connection does, and tells after each how many requests have come to their end."""

    def __init__(self) -> None:
        self.pieces = Pieces()
        self.ended = 0
        self._length = 0
        self._parser = httptools.HttpRequestParser(self)

    def on_header(self, name: bytes, value: bytes) -> None:
        if name == b"content-length":
            self.pieces.body = int(value)

    def on_message_complete(self) -> None:
        self.ended += 1

    def read(self) -> tuple[bytes, int]:
        piece = self.pieces.next()
        before = self.ended
        self._parser.feed_data(piece)
        return piece, self.ended - before


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 50, 1_000])
def test_no_piece_reaches_behind_the_end_of_a_request(size: int) -> None:
    reader = Reader()
    ends, at = [], 0
    for begin, end in pairwise([*range(0, len(ALL), size), len(ALL)]):
        reader.pieces.add(ALL[begin:end])
        while reader.pieces.unread:
            piece, ended = reader.read()
            at += len(piece)
            ends += [at] * ended
    assert at == len(ALL)
    assert [ALL[begin:end] for begin, end in pairwise([0, *ends])] == [GET, POST, CHUNKED, GET, CHUNKED] * 2


def test_what_is_not_read_is_kept_as_it_came() -> None:
    pieces = Pieces()
    pieces.add(GET * 1_000)
    assert pieces.next() == GET
    assert len(pieces.unread) == 999 * len(GET)
    assert pieces.rest() == GET * 999
    assert not pieces.unread
