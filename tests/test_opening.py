"""The desk of a server: what its random bytes are good for."""

from graphql_api import edits, opening, reads
from graphql_api.domain.caller import Caller
from graphql_api.domain.instants import HOUR
from graphql_api.domain.search import EVERYTHING, NEWEST_FIRST, Span
from graphql_api.edits import Desk
from graphql_api.storage.engine import Store
from tests.conftest import NOW
from tests.edits.conftest import NEW


async def test_flows_of_one_millisecond_are_listed_newest_first(store: Store, caller: Caller) -> None:
    desk = Desk(store, lambda: NOW, opening.Noise(), HOUR)
    made = [(await edits.create_flow(desk, caller, NEW)).flow["id"] for _ in range(20)]
    page = await reads.page(store, caller, ["id"], EVERYTHING, NEWEST_FIRST, Span(50))
    assert [flow["id"] for flow in page.flows()] == made[::-1]


def test_two_servers_make_other_ids() -> None:
    one, other = opening.Noise(), opening.Noise()
    assert len({noise() for _ in range(1_000) for noise in (one, other)}) == 2_000
