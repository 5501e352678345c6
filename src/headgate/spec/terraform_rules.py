"""Which infrastructure an environment has, and which values need one."""

from collections.abc import Iterator

from headgate.model.infrastructure import Infrastructure
from headgate.spec.problems import Path, Problem, dotted
from headgate.spec.specification import Specification
from headgate.spec.variables import counting


def infrastructure(spec: Specification, environment: str, repository: str) -> Infrastructure | None:
    path: Path = ("environments", environment, "terraform")
    section = spec.environments[environment].terraform
    origin = f"{dotted(path)} ({spec.tree.file}:{spec.tree.line(path)})" if section else ""
    return section.rules(repository, origin) if section else None


def outputs(spec: Specification) -> Iterator[Problem]:
    """A value that is an output needs a configuration that has it, in every environment where it counts."""
    seen: set[Path] = set()
    for environment, section in spec.environments.items():
        for path, value in counting(spec, environment, "terraform") if section.terraform is None else ():
            if path not in seen:
                remedy = f"Add `terraform: {{folder: FOLDER}}` to {environment}, or write the value there."
                allowed = f"an output of the Terraform configuration of {environment}, which has none"
                yield spec.problem((*path, "terraform"), allowed, remedy, value.text)
            seen.add(path)


def destroying(spec: Specification) -> Iterator[Problem]:
    """What may be destroyed once it is approved needs somebody who approves."""
    for name, environment in spec.environments.items():
        section = environment.terraform
        if section and section.destroy == "approved" and not any(gate.approval for gate in environment.gates):
            remedy = f"Add `gates: [{{approval: {{from: [PERSON]}}}}]` to {name}, or leave it at never."
            path: Path = ("environments", name, "terraform", "destroy")
            yield spec.problem(path, "never, where no gate asks for an approval", remedy)


def unrooted(spec: Specification) -> Iterator[tuple[Path, str]]:
    """Folders that lie below the repository."""
    for name, environment in spec.environments.items():
        if environment.terraform and not environment.terraform.folder.startswith("/"):
            yield ("environments", name, "terraform", "folder"), environment.terraform.folder
