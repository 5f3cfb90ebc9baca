"""How many there are of something, said as people say it."""


def counted(count: float, noun: str) -> str:
    """As in "1 flow" and "1,200 flows"."""
    return f"{count:,.12g} {noun}{'' if count == 1 else 's'}"
