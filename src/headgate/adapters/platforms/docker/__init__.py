"""Platform `docker`: revisions as containers of the Docker Engine on this machine, or on several."""

from functools import partial

from headgate.adapters.machine.secrets import known_secrets
from headgate.adapters.platforms.docker.platform import DockerPlatform
from headgate.adapters.platforms.docker.settings import DockerSettings
from headgate.ports import Host, runs_images

__all__ = ["DockerPlatform", "DockerSettings", "create"]


@runs_images
def create(host: Host) -> DockerPlatform:
    settings = DockerSettings(data=host.folder, releases=host.releases, envoy=host.envoy)
    return DockerPlatform(settings, host.changed, host.login, host.rules, host.secrets, partial(known_secrets, host))
