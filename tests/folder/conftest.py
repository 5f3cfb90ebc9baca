"""A folder of flows beside a database, and what plan, apply and export make of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from graphql_api import edits, folder, reads, transfer
from graphql_api.domain.caller import Caller
from graphql_api.domain.example import EXAMPLE
from graphql_api.domain.flow import COLUMNS, Values
from graphql_api.domain.patch import Sent
from graphql_api.edits import Desk
from graphql_api.folder import Applied, Exported, Plan, PlanOptions, reading
from graphql_api.folder.planning import StepKind

BY_FILE = Caller(None, source="CLI")
SOMEBODY = Caller("ws1")


@dataclass
class Work:
    """One workspace, `ws1`, and its folder."""

    desk: Desk
    dir: Path

    async def flow(self, id: str, **members: Any) -> None:
        document = {**EXAMPLE, "_id": id, "workspaceId": "ws1", **members}
        await edits.import_flows(self.desk, BY_FILE, [transfer.read(document, self.desk.now())])

    async def edited(self, id: str, **columns: Any) -> None:
        """Somebody else changes leaves over the API."""
        await edits.update_flow(self.desk, SOMEBODY, id, Sent(columns))

    async def now(self, id: str) -> Values | None:
        return await reads.flow(self.desk.store, SOMEBODY, id, COLUMNS)

    async def export(self, **how: Any) -> Exported:
        return await folder.export(self.desk, BY_FILE, self.dir, None, **how)

    async def plan(self, **terms: Any) -> Plan:
        return await folder.plan(self.desk, BY_FILE, self.dir, PlanOptions(**terms))

    async def apply(self, **terms: Any) -> Applied:
        plan = await self.plan(**terms)
        assert plan.wrong == []
        return await folder.apply(self.desk, BY_FILE, plan)

    def path(self, id: str) -> Path:
        return self.dir / "ws1" / f"{id}.yaml"

    def text(self, id: str) -> str:
        return self.path(id).read_bytes().decode()

    def write(self, id: str, text: str) -> None:
        self.path(id).parent.mkdir(parents=True, exist_ok=True)
        self.path(id).write_bytes(text.encode())

    def replace(self, id: str, old: str, new: str) -> None:
        text = self.text(id)
        assert text.count(old) == 1
        self.write(id, text.replace(old, new))

    def files(self) -> dict[str, bytes]:
        return {path.relative_to(self.dir).as_posix(): path.read_bytes() for path in self.dir.rglob("*.y*ml")}


@pytest.fixture
def work(desk: Desk, tmp_path: Path) -> Work:
    return Work(desk, tmp_path / "flows")


@pytest.fixture(params=["as C", "as Python"])
def either_reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """PyYAML with libyaml and without."""
    monkeypatch.setattr(reading, "LOADER", yaml.CSafeLoader if request.param == "as C" else yaml.SafeLoader)


def told(plan: Plan) -> list[tuple[StepKind, str, dict[str, tuple[Any, Any]]]]:
    return [(step.kind, step.file.place, dict(step.changes)) for step in plan.steps]
