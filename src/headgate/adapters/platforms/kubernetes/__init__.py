"""Platform `kubernetes`: revisions as Deployments, in a namespace for each environment, of one cluster or several."""

from functools import partial

from headgate.adapters.kubernetes.login import installed
from headgate.adapters.machine.secrets import known_secrets
from headgate.adapters.platforms.kubernetes.platform import KubernetesPlatform
from headgate.adapters.platforms.kubernetes.settings import KubernetesSettings
from headgate.ports import Host, hands_files, installed_with, routed_by, runs_images, takes_manifests, takes_references

__all__ = ["KubernetesPlatform", "KubernetesSettings", "create"]


@runs_images
@hands_files
@takes_manifests
@takes_references("kubernetes")
@routed_by("gateway_api", "ingress_nginx")
@installed_with(installed)
def create(host: Host) -> KubernetesPlatform:
    settings = KubernetesSettings(data=host.folder, releases=host.releases)
    known = (host.changed, host.rules, host.secrets, host.references, partial(known_secrets, host))
    return KubernetesPlatform(settings, *known)
