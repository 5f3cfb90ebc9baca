"""Ids of flows, workspaces and agents: how they are spelt, and how that of a new flow is made."""

import re

ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
ID_RULE = "1 to 64 of the characters A-Z, a-z, 0-9, _ and -"
"""The same in words, for whoever is refused."""


def is_id(text: str) -> bool:
    return ID.fullmatch(text) is not None


def flow_id(seconds: int, noise: bytes) -> str:
    """24 lower-case hex digits: 4 bytes of UNIX time, then 8 random bytes."""
    return f"{seconds & 0xFFFFFFFF:08x}{noise[:8].hex()}"
