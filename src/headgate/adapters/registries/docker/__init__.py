"""Registry `docker`: every registry that speaks the Docker Registry API, version 2 (OCI distribution)."""

from headgate.adapters.registries.docker.registry import DockerRegistry
from headgate.ports import Host


def create(host: Host) -> DockerRegistry:
    return DockerRegistry()
