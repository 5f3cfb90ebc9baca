"""That a server began is in the log before that it ended."""

import signal
import threading
import time

import pytest

from graphql_api import lifetime
from graphql_api.web import lines
from tests.conftest import configured


def test_a_server_that_ends_while_it_tells_that_it_began_tells_both(monkeypatch: pytest.MonkeyPatch) -> None:
    began, told = threading.Event(), []

    def slow(level: str, event: str, **members: object) -> None:
        if event == "start":
            began.set()
            time.sleep(0.1)
        told.append((event, members.get("signal")))

    @lifetime.told(configured(), "http://127.0.0.1:8000")
    def served() -> None:
        began.wait()
        raise lifetime.Ended(signal.SIGTERM)

    monkeypatch.setattr(lines, "write_line", slow)
    monkeypatch.setattr(lifetime, "FIRST_ANSWERS", 0)
    with pytest.raises(SystemExit) as end:
        served()
    assert (end.value.code, told) == (0, [("start", None), ("stop", "SIGTERM")])
