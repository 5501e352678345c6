"""Where a cluster is and what lets us in: a context of a kubeconfig, or the pod's own service account."""

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from headgate.adapters.kubernetes.connections import UNBOUNDED
from headgate.adapters.kubernetes.errors import ClusterAway
from headgate.adapters.loopback import is_loopback
from headgate.adapters.quoted import short
from headgate.ports import AdapterError

if TYPE_CHECKING:
    from kubernetes_asyncio.client import ApiClient

PLUGIN = 30.0  # seconds, for a login program as `aws eks get-token`
LOGIN = "BearerToken"


@dataclass(frozen=True, slots=True)
class Access:
    """What the file says of a cluster. Equal ones share one client."""

    kubeconfig: str = ""  # a path; empty: $KUBECONFIG, ~/.kube/config, and in a pod its service account
    context: str = ""  # empty: the kubeconfig's current one

    def __str__(self) -> str:
        return f"Kubernetes ({self.context})" if self.context else "Kubernetes"

    @property
    def in_cluster(self) -> bool:
        """A pod that has a kubeconfig, or whose file names a context, speaks to that."""
        if self.kubeconfig or self.context or os.environ.get("KUBECONFIG"):
            return False
        return "KUBERNETES_SERVICE_HOST" in os.environ and not Path("~/.kube/config").expanduser().exists()


def installed() -> bool:
    """Asked when a file is applied; importing the client itself costs half a second and 60 MB."""
    from importlib.util import find_spec

    return find_spec("kubernetes_asyncio") is not None


async def log_in(access: Access) -> "ApiClient":
    """Raises AdapterError with the file, the context and the remedy."""
    if not installed():
        raise AdapterError(f"{access}: its client is not installed; pip install 'headgate[kubernetes]'")
    # Here, because only those who have a cluster pay for it.
    from kubernetes_asyncio.client import ApiClient

    configuration = await configured(access)
    plain = urlsplit(configuration.host)
    if plain.scheme != "https" and not is_loopback(plain.hostname or ""):
        raise AdapterError(f"{access}: {short(configuration.host)} is no https: a token would be sent in the clear")
    try:
        return ApiClient(configuration=configuration)
    except (OSError, ValueError) as error:
        raise AdapterError(f"{access}: its certificates cannot be used ({short(error)})") from error


async def log_in_again(access: Access, client: "ApiClient") -> None:
    """After a 401: login programs and token files are asked anew. Connections that are open stay so."""
    fresh = await configured(access)
    client.configuration.api_key = fresh.api_key


async def configured(access: Access) -> Any:
    from kubernetes_asyncio.client import Configuration
    from kubernetes_asyncio.config import ConfigException, load_incluster_config, load_kube_config

    configuration = cast(Any, Configuration)()
    configuration.connection_pool_maxsize = UNBOUNDED
    try:
        if access.in_cluster:
            load_incluster_config(configuration)
        else:
            files = _files(access)
            async with asyncio.timeout(PLUGIN):
                await load_kube_config(files, access.context or None, configuration, persist_config=False)
    except TimeoutError as error:
        what = f"{access}: its login program did not end within {PLUGIN:g} s"
        raise ClusterAway(f"{what}; run `kubectl get namespaces` as this user to see why") from error
    except ConfigException as error:
        raise AdapterError(f"{access}: {short(error, 400)}; look at {_named(access)}") from error
    except FileNotFoundError as error:
        missing = short(error.filename or error)
        raise AdapterError(f"{access}: {missing} is not there, and {_named(access)} needs it") from error
    except Exception as error: # of a file that somebody wrote: YAML, base64, keys that are missing
        raise AdapterError(f"{access}: {_named(access)} cannot be used ({short(error)})") from error
    return configuration


def _files(access: Access) -> str:
    named = access.kubeconfig or os.environ.get("KUBECONFIG") or "~/.kube/config"
    files = [str(Path(one).expanduser()) for one in named.split(os.pathsep) if one]
    there = [one for one in files if Path(one).is_file()]
    if not there:
        remedy = "write `platform: {kubernetes: {kubeconfig: PATH, context: NAME}}`, or run Headgate in the cluster"
        raise AdapterError(f"{access}: there is no kubeconfig at {', '.join(files)}; {remedy}")
    return os.pathsep.join(there)


def _named(access: Access) -> str:
    return "the pod's service account" if access.in_cluster else f"the kubeconfig {_files(access)}"
