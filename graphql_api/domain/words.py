"""Words of sentences: how many there are of something, names that a caller made up, and which was meant."""

import difflib
from collections.abc import Collection


def counted(count: float, noun: str) -> str:
    """As in "1 flow" and "1,200 flows"."""
    return f"{count:,.12g} {noun}{'' if count == 1 else 's'}"


def printable(name: str) -> str:
    """A name that a caller sent, fit to be told in a sentence."""
    return legible(name if len(name) <= 64 else f"{name[:64]}…")


def legible(text: str) -> str:
    """Without what would do something to a terminal instead of being read."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def nearest(name: str, known: Collection[str]) -> str | None:
    """The known name that was meant, in another case or cut short too; None when none is near."""
    wanted, choices = name[:64].lower(), {one.lower(): one for one in known}
    near = difflib.get_close_matches(wanted, choices, 1, 0.7)
    if not near and len(wanted) > 3:
        near = sorted((one for one in choices if wanted in one), key=lambda one: not one.startswith(wanted))
    return choices[near[0]] if near else None


def offer(name: str, known: Collection[str]) -> str:
    """The end of a sentence that refuses a name: the one that was meant, else all."""
    near = nearest(name, known)
    return f"; did you mean {near}?" if near else f"; known are {', '.join(known)}"
