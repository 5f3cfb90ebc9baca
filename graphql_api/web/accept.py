"""What Accept asks for: media ranges, how much each is wanted, and which of two types comes first."""

from collections.abc import Iterable, Mapping


def prefers(accept: Iterable[str], wanted: str, usual: str) -> bool:
    """Whether Accept names `wanted` with a higher weight than `usual`, or before it with the same."""
    weights = weights_of(accept)
    return wanted in weights and weights[wanted] > weights.get(usual, (0.0, 0))


def weights_of(accept: Iterable[str]) -> dict[str, tuple[float, int]]:
    """Media range -> its weight, and a rank that is higher the earlier it stands."""
    ranges = [part.strip() for line in accept for part in line.split(",") if part.strip()]
    weights: dict[str, tuple[float, int]] = {}
    for place, one in enumerate(ranges):
        media, *parameters = (piece.strip().lower() for piece in one.split(";"))
        weights.setdefault(media, (_weight(parameters), -place))
    return weights


def favour(ranges: Mapping[str, tuple[float, int]], media: str) -> tuple[float, int, int]:
    """How much Accept wants a type: by its most specific range the weight, then how specific, then how early it is."""
    for vagueness, name in enumerate((media, f"{media.partition('/')[0]}/*", "*/*")):
        if name in ranges:
            weight, place = ranges[name]
            return weight, -vagueness, place
    return 0.0, 0, 0


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return min(1.0, max(0.0, float(value)))
            except ValueError:
                return 0.0
    return 1.0
