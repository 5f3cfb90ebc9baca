"""Word of what has happened, to the metrics; their library is imported with the first one that is rare."""

from graphql_api.web.gathered import GATHERED


def hear(name: str, amount: float) -> None:
    """Something that has happened; all but batches is rare."""
    if name == "batch":
        GATHERED.note_batch(amount)
        return
    try:
        from graphql_api.web import metrics  # mostly there by now
    except (OSError, ImportError):  # clients have taken the descriptors that its files are opened with: not counted
        return
    metrics.HEARD_OF[name](amount)
