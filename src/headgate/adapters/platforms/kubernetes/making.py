"""From a revision to objects: what pods are told, secrets read only where they are needed."""

from collections.abc import Mapping

from headgate.adapters.kubernetes.cluster import Cluster, Objects
from headgate.adapters.kubernetes.kinds import SECRET
from headgate.adapters.kubernetes.names import split
from headgate.adapters.machine.variables import expand, for_command_lines, service_variables
from headgate.adapters.platforms.kubernetes.drift import rewritten
from headgate.adapters.platforms.kubernetes.objects import workload
from headgate.adapters.platforms.kubernetes.place import Place
from headgate.adapters.platforms.kubernetes.pods import DATA, FILES
from headgate.adapters.platforms.kubernetes.snapshots import Snapshot, secret_name, snapshot
from headgate.model.clusters import ClusterRules
from headgate.model.releases import Revision
from headgate.model.services import Service
from headgate.ports import ReferencesOf, SecretsOf


def given(revision: Revision, service: Service) -> dict[str, str]:
    """What cannot be replaced. All addresses of the pod, which is its own network."""
    application, environment = split(revision.environment)
    return {
        "HOST": "0.0.0.0",  # noqa: S104
        "PORT": str(service.port),
        "APPLICATION": application,
        "ENVIRONMENT": environment,
        "SERVICE": service.name,
        "RELEASE": revision.release,
        "REVISION": revision.id,
        "DATA_DIR": DATA,
    }


class Making:
    """With what the server knows. Raises AdapterError where a secret cannot be had."""

    def __init__(self, secrets: SecretsOf, references: ReferencesOf) -> None:
        self._secrets, self._references = secrets, references

    async def objects(
        self, cluster: Cluster, place: Place, revision: Revision, service: Service, rules: ClusterRules
    ) -> Objects:
        """Of one service of a revision, in the order in which they are applied."""
        found, command = await self.configured(cluster, place, revision, service, {})
        return workload(revision, service, place.namespace, command, found, rules)

    async def configured(
        self, cluster: Cluster, place: Place, revision: Revision, service: Service, more: Mapping[str, str]
    ) -> tuple[Snapshot, tuple[str, ...]]:
        """Its configuration and its command. `more` is told besides."""
        references = self._references(revision, service.name)
        values = await self._values(cluster, place, revision, service, references.keys())
        told = {**{name: f"{FILES}/{name}" for name, value in service.env.items() if value.as_file}}
        hidden = {name: told.get(name, "") for name, value in service.env.items() if value.kind == "secret"}
        where = f"{revision.environment}, service {service.name}"
        # Output is seen when it is written, not at the end.
        inherited = {"PYTHONUNBUFFERED": "1"}
        every = service_variables(service, inherited, {**given(revision, service), **more}, where, hidden)
        plain = {name: value for name, value in every.items() if name not in hidden or name in told}
        seen = for_command_lines(service, plain, f"{where}, command")
        command = tuple(expand(part, seen, f"{where}, command") for part in service.command)
        return snapshot(revision, service, place.namespace, plain, values, references), command

    async def _values(
        self, cluster: Cluster, place: Place, revision: Revision, service: Service, referred: object
    ) -> Mapping[str, str | None]:
        """Read from their stores where the snapshot is not there yet: its name says their versions. None: not read."""
        secret = {name for name, value in service.env.items() if value.kind == "secret"}
        here = secret - set(referred)  # type: ignore[call-overload]
        if not here:
            return {}
        found = await cluster.get(SECRET, place.namespace, secret_name(revision, service))
        if found is not None and not rewritten(found):
            return dict.fromkeys(here)  # never applied again: see applying.IMMUTABLE
        return await self._secrets(revision, service.name)
