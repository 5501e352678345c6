"""What the rules of an environment say of the cluster that it is in, on platforms that are clusters."""

from dataclasses import dataclass, field
from typing import Literal

Security = Literal["restricted", "baseline"]  # as the Pod Security Standards name them


@dataclass(frozen=True, slots=True)
class Autoscale:
    """Between the service's replicas and `most`, so that they use `cpu` percent of what they asked for."""

    most: int
    cpu: int = 70


@dataclass(frozen=True, slots=True)
class ClusterRules:
    kubeconfig: str = ""  # a path; empty: the usual ones, and in a pod its own service account
    context: str = ""  # empty: the kubeconfig's current one
    namespace: str = ""  # empty: APPLICATION-ENVIRONMENT
    create_namespace: bool = False
    heal: bool = True  # what somebody changed by hand is put back; False: it is only told
    security: Security = "restricted"
    service_account: str = ""  # of the pods; empty: the namespace's default one
    token: bool = False  # whether pods are given its token
    pull_secrets: tuple[str, ...] = ()
    autoscale: dict[str, Autoscale] = field(default_factory=dict)  # by service


@dataclass(frozen=True, slots=True)
class Drift:
    """What runs is not what was made, and nobody decided so."""

    revision: str
    what: str  # one sentence: "Deployment pcw-production/web-1: replicas are 0, made as 2"
    heal: bool = True  # False: it is told, and left as it is
    by_hand: bool = True  # False: what it is to be has changed, as with the load on others
