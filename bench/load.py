"""Runs a load bench on this server with keys required: `python bench/load.py FOLDER [the bench's own options]`.

FOLDER holds the bench (`bench.py`, `servers.py`, …). The reads by which it tells that a server is up show a key too;
request scripts find `lua/keyed.lua`.
"""

import importlib
import sys
from functools import partial
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


def lua_path(folder: Path, requests: Path) -> str:
    return f"{requests}/?.lua;{HERE}/lua/?.lua;{folder}/lua/?.lua;;"


def main(folder: Path, options: list[str]) -> None:
    sys.dont_write_bytecode = True
    sys.path[:0] = [str(folder), str(HERE)]
    sys.argv = [str(folder / "bench.py"), "--ours", str(HERE / "servers.toml"), *options]
    import keys
    import servers

    bench: Any = importlib.import_module("bench")  # that of the folder, as is the next one
    load: Any = importlib.import_module("load")
    load.lua_path = partial(lua_path, folder)

    asked = servers.Server.ask

    def with_key(self: Any, method: str, path: str, body: Any = None, headers: Any = None) -> Any:
        given = headers or {}
        workspace = int(given.get("x-workspace-id", "ws000")[2:])
        return asked(self, method, path, body, {**given, "x-api-key": keys.secret(workspace)})

    servers.Server.ask = with_key
    bench.main()


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), sys.argv[2:])
