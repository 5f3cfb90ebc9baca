"""What is in the way of a SQLite file, in a sentence that names its path: for operators, not for callers."""

import os
from contextlib import suppress

BEGINNING = b"SQLite format 3\0"


def obstacle(path: str, *, making: bool) -> str | None:
    """Tells what would be right as well; None when nothing can be seen from here. `making`: it need not be there."""
    file = os.path.realpath(path)
    folder = os.path.dirname(file)
    if not os.path.isdir(folder):
        return f"No folder {folder} can be reached for the database: make it, or name another file."
    is_writable = _allows(folder, os.W_OK | os.X_OK)
    is_there = os.path.exists(file)
    if is_there and not os.path.isfile(file):
        return f"{file} is no file: name one."
    if not is_there and is_writable and making:
        return f"The file {file} cannot be made: name one in another folder."
    if not is_there and is_writable:
        return f"There is no file {file} yet; run message-flows migrate."
    for one in (file, f"{file}-wal", f"{file}-shm"):
        if os.path.exists(one) and not _allows(one, os.R_OK | os.W_OK):
            return f"The file {one} may not be read and written by this user: allow it, or name another file."
    if not is_writable:
        return f"Files may not be made by this user in {folder}: allow it, or name a file in another folder."
    return None if _begins_as_it_must(file) else f"The file {file} is not a SQLite database: name another one."


def _allows(path: str, mode: int) -> bool:
    return os.access(path, mode, effective_ids=True)


def _begins_as_it_must(file: str) -> bool:
    """As far as can be seen: its disk may be what is wrong."""
    with suppress(OSError), open(file, "rb") as opened:
        return opened.read(len(BEGINNING)) in (b"", BEGINNING)
    return True
