"""`message-flows`, which `python -m graphql_api` is as well."""

import gc
import os

WHILE_STARTING = 100_000
"""New objects between two looks for cycles: to look at all that is being imported takes a tenth of a start."""


def main() -> None:
    gc.set_threshold(WHILE_STARTING)
    # pydantic would look for plugins in the metadata of every package that is installed.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from graphql_api import cli  # only now: these imports are what the above is about, and workers need none of them

    cli.main()


if __name__ == "__main__":
    main()
