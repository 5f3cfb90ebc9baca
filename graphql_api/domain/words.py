"""Words of sentences: how many there are of something, names that a caller made up, and which was meant."""

import difflib
from collections.abc import Iterable


def counted(count: float, noun: str) -> str:
    """As in "1 flow" and "1,200 flows"."""
    return f"{count:,.12g} {noun}{'' if count == 1 else 's'}"


def printable(name: str) -> str:
    """A name that a caller sent, fit to be told in a sentence."""
    shown = name if len(name) <= 64 else f"{name[:64]}…"
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in shown)


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of a sentence that refuses a name: the one that was probably meant, else all."""
    choices = list(known)
    near = difflib.get_close_matches(name[:64], choices, 1, 0.5)
    return f"; did you mean {near[0]}?" if near else f"; known are {', '.join(choices)}"
