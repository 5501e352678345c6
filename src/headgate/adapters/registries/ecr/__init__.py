"""Registry `ecr`: AWS's, with repositories made on demand whose tags cannot be moved."""

from headgate.adapters.registries.ecr.registry import EcrRegistry
from headgate.ports import Host


def create(host: Host) -> EcrRegistry:
    return EcrRegistry()
