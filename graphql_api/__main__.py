"""`message-flows`, which `python -m graphql_api` is as well."""

import gc
import os

NEVER_WHILE_STARTING = 1_000_000
"""New objects between two looks for cycles. A start makes some 160,000, which live on; each look at them is wasted."""

INTERRUPTED = 130


def main() -> None:
    gc.set_threshold(NEVER_WHILE_STARTING)
    # pydantic would look for plugins in the metadata of every package that is installed.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    try:
        from graphql_api import cli  # only now: its imports are what the above is about, and workers need none of them

        cli.main()
    except KeyboardInterrupt:  # before the command has begun, which sees to it from then on
        raise SystemExit(INTERRUPTED) from None


if __name__ == "__main__":
    main()
