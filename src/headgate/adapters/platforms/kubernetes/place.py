"""Where one environment is: its cluster, its namespace, and what the file says of them."""

from dataclasses import dataclass

from pydantic import TypeAdapter

from headgate.adapters.kubernetes.login import Access
from headgate.adapters.kubernetes.names import namespace_of
from headgate.adapters.machine.folders import Folder, read, write_atomically
from headgate.model.clusters import ClusterRules
from headgate.model.ids import EnvironmentId
from headgate.model.rules import Environment


@dataclass(frozen=True, slots=True)
class Place:
    environment: EnvironmentId
    namespace: str
    access: Access

    def __str__(self) -> str:
        return f"namespace {self.namespace} of {self.access}"


def rules_of(rules: Environment | None) -> ClusterRules:
    return rules.cluster if rules is not None else ClusterRules()


def place_of(environment: EnvironmentId, rules: ClusterRules) -> Place:
    access = Access(rules.kubeconfig, rules.context)
    return Place(environment, rules.namespace or namespace_of(environment), access)


PLACE = TypeAdapter(Place)


def remembered(folder: Folder) -> Place | None:
    """Where it ran last: an environment that is in the file no more is still somewhere, until it is closed."""
    return read(PLACE, folder.path / "place.json")


def remember(place: Place, folder: Folder) -> None:
    if remembered(folder) != place:
        write_atomically(folder.path / "place.json", PLACE.dump_json(place).decode())
