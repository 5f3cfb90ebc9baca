"""The wheel, built of a clean tree and installed elsewhere, serves its pages: nothing of the checkout is needed."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.commands import ROOT, environment

PACKAGES = "playground/node_modules"
BROWSER = {"accept": "text/html"}
CONSTRAINTS = str(ROOT / "constraints.txt")
LINKED = re.compile(r'(?:src|href)="(\.{1,2}/(?:\.\./)*assets/[^"]+)"')


def run(*words: str | Path, cwd: Path) -> None:
    """In the environment of whoever installs: the interpreter's own programs, node among them, come first."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    variables = {**os.environ, "PATH": path, "PIP_BUILD_CONSTRAINT": CONSTRAINTS}
    done = subprocess.run(words, cwd=cwd, env=variables, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr


def clean_tree(target: Path) -> None:
    """What is committed or about to be, nothing that was built, and the npm packages that the lock file names."""
    listed = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    (target / PACKAGES).symlink_to(ROOT / PACKAGES)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment that the wheel is installed into; the packages that it needs are those of the tests."""
    tree, wheels, fresh = (tmp_path_factory.mktemp(name) for name in ("tree", "wheels", "fresh"))
    clean_tree(tree)
    assert not (tree / "graphql_api/web/assets").exists()
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")
    run(*pip, "wheel", "--no-deps", "--wheel-dir", wheels, ".", cwd=tree)
    venv.create(fresh, with_pip=False)
    site = next(fresh.glob("lib/python*/site-packages"))
    (site / "beside.pth").write_text(sysconfig.get_path("purelib"), "utf-8")
    run(*pip, "--python", fresh / "bin/python", "install", "--no-deps", "--no-index", *wheels.glob("*.whl"), cwd=fresh)
    return fresh


@pytest.fixture(scope="module")
def address(installed: Path) -> Iterator[str]:
    """Of the server that the installed program starts, in a folder of its own, on its own database file."""
    program = [str(installed / "bin/message-flows"), "serve", "--migrate", "--demo"]
    settings = environment(PYTHONPATH="", MESSAGE_FLOWS_PORT="0")
    with (installed / "log").open("w") as log:
        server = subprocess.Popen(program, cwd=installed, env=settings, stdout=subprocess.PIPE, stderr=log, text=True)
        assert server.stdout is not None
        with server:
            try:
                greeting = server.stdout.readline()
                assert greeting, (installed / "log").read_text("utf-8")
                yield greeting.split()[1].removesuffix("/graphql")
            finally:
                server.terminate()


def test_it_is_the_installed_package_that_runs(installed: Path) -> None:
    said = subprocess.run(
        [installed / "bin/python", "-c", "import graphql_api; print(graphql_api.__file__)"],
        cwd=installed,
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(said.stdout.strip()).is_relative_to(installed)


@pytest.mark.parametrize("path", ["/", "/docs", "/docs/schema", "/flows"])
def test_a_page_comes_with_all_that_it_loads(address: str, path: str) -> None:
    page = httpx2.get(address + path, headers=BROWSER)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assets = LINKED.findall(page.text)
    assert {Path(asset).suffix for asset in assets} == {".js", ".css"}
    for asset in assets:
        loaded = httpx2.get(str(page.url.join(asset)))
        assert (loaded.status_code, len(loaded.content) > 500) == (200, True)


def test_the_example_is_there(address: str) -> None:
    """The migrations are in the wheel as well."""
    url = f"{address}/v1/api/message-flows/exampleId1"
    assert httpx2.get(url, headers={"x-workspace-id": "exampleWorkspaceId1"}).json()["name"] == "New Years Sale"
