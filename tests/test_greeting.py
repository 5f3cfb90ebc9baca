"""The addresses that `serve` prints are those that answer, with what they need."""

from graphql_api import greeting
from tests.conftest import configured

ADDRESS = "http://127.0.0.1:8000"
FLOWS = f"{ADDRESS}/v1/api/message-flows"


def rest(has_example: bool, **settings: object) -> str:
    return greeting.lines(configured(**settings), ADDRESS, has_example=has_example)[1]


def test_the_example_is_shown_where_it_is_there_and_anybody_may_read_it() -> None:
    example = f"REST example  {FLOWS}/exampleId1  (header x-workspace-id: exampleWorkspaceId1)"
    assert rest(True) == example
    assert rest(False) == f"REST          {FLOWS}  (header x-workspace-id: NAME)"


def test_where_keys_are_required_the_printed_request_names_its_key() -> None:
    told = f"REST          {FLOWS}  (headers x-api-key: KEY, of message-flows keys create, x-workspace-id: NAME)"
    assert [rest(has_example, auth="keys") for has_example in (True, False)] == [told, told]


def test_an_address_of_ipv6_stands_in_brackets_and_tls_makes_it_https() -> None:
    settings = configured(host="::1", tls_certificate="cert.pem", tls_key="key.pem")
    assert greeting.address(settings, 8443) == "https://[::1]:8443"
    assert greeting.address(configured(root_path="/crm"), 8000) == ADDRESS
