"""Raw bytes to and from a server: requests, answers, and what is in its database."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

WORKSPACE = "exampleWorkspaceId1"


class Case(NamedTuple):
    """A request and what is answered; `message` is a part of the error's."""

    name: str
    raw: bytes
    status: int
    code: str = ""
    message: str = ""


class Told(NamedTuple):
    """An answer as it came over the wire."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Server:
    port: int
    log: Path

    def tell(self, raw: bytes, *, patience: float = 10.0) -> Told:
        """The final answer to these bytes, sent over a connection of their own."""
        with socket.create_connection(("127.0.0.1", self.port), patience) as connection:
            connection.sendall(raw)
            return heard(connection.makefile("rb"), has_body=not raw.startswith(b"HEAD "))

    def odd_lines(self, *words: str) -> list[str]:
        """Lines of the log that tell more than that the server began or a request was answered, or hold one of these
        words."""
        lines = self.log.read_text("utf-8").splitlines()
        return [line for line in lines if not _is_plain(line) or any(word in line for word in words)]


@contextmanager
def reserved(host: str = "127.0.0.1") -> Iterator[int]:
    """A port that nobody listens on, and that the system gives to nobody; who names it may listen."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind((host, 0))
        yield int(holder.getsockname()[1])


def _is_plain(line: str) -> bool:
    entry = json.loads(line) if line.startswith("{") else {}
    if entry.get("event") == "start":
        return True
    is_request = entry.get("event") == "request" and entry["level"] in ("info", "warning")
    return is_request and (entry["status"] < 500 or entry["status"] in (501, 505))


def heard(stream: BinaryIO, *, has_body: bool = True) -> Told:
    """The next final answer of a connection; ConnectionError when there is none. To HEAD it has no body."""
    status = 100
    while status == 100:
        line = stream.readline()
        if not line:
            raise ConnectionError("closed without an answer")
        status = int(line.split()[1])
        headers = {}
        while field := stream.readline().strip():
            name, _, value = field.decode("latin-1").partition(":")
            assert name.lower() not in headers or name.lower() == "vary", f"{name} is there twice"
            headers[name.lower()] = value.strip()
    length = int(headers.get("content-length", 0)) if has_body else 0
    return Told(status, headers, stream.read(length))


def request(method: str, target: str, body: bytes | None = None, **headers: str | None) -> bytes:
    """A well-formed request of the example's workspace; headers replace its own, None leaves one out."""
    usual: dict[str, str | None] = {"host": "localhost", "x_workspace_id": WORKSPACE}
    if body is not None:
        usual |= {"content_type": "application/json", "content_length": str(len(body))}
    fields = {name.replace("_", "-"): value for name, value in (usual | headers).items() if value is not None}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + (body or b"")
