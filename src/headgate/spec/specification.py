"""A specification: one file that was read and holds together."""

from dataclasses import dataclass

from headgate.spec.problems import Path, Problem
from headgate.spec.sections.environment import EnvironmentSection
from headgate.spec.sections.file import File
from headgate.spec.sections.service import ServiceSection
from headgate.spec.tree import Tree


@dataclass(frozen=True, slots=True)
class Specification:
    content: File
    tree: Tree  # where everything stands

    @property
    def application(self) -> str:
        return self.content.application

    @property
    def services(self) -> dict[str, ServiceSection]:
        return self.content.services

    @property
    def environments(self) -> dict[str, EnvironmentSection]:
        return self.content.environments

    def problem(self, path: Path, allowed: str, remedy: str, found: str | None = None) -> Problem:
        return self.tree.problem(path, found or self.tree.found(path), allowed, remedy)

    def key_problem(self, path: Path, allowed: str, remedy: str) -> Problem:
        """A problem with the name before the colon."""
        return self.tree.problem(path, self.tree.key(path), allowed, remedy, key=True)
