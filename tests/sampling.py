"""How many random cases a run of the tests takes: all of them, or a tenth where QUICK is set (`make test-fast`)."""

import os

TENTH = "QUICK" in os.environ


def sampled(cases: int) -> int:
    return max(1, cases // 10) if TENTH else cases
