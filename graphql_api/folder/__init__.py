"""Flows as YAML files in a folder: planned, applied, and written back, with versions that guard everybody's edits."""

from graphql_api.folder.applying import Applied, apply
from graphql_api.folder.exporting import Exported, export
from graphql_api.folder.planning import Plan, PlanOptions, plan

__all__ = ["Applied", "Exported", "Plan", "PlanOptions", "apply", "export", "plan"]
