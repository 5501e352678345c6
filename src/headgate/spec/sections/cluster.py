"""The section `environments.NAME.platform.kubernetes`: which cluster, which namespace, and what pods get there."""

from typing import Annotated, Literal

from pydantic import Field

from headgate.model.clusters import Autoscale, ClusterRules
from headgate.spec.sections.section import Section, defaults_to
from headgate.spec.sections.texts import Flag, Instances, Name, Percentage, matching, one_word_of

LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
Namespace = Annotated[
    str, matching(LABEL, "a name of lower-case letters, digits and -, at most 63", "Write one such as shop-production.")
]
ObjectName = Annotated[
    str, matching(rf"{LABEL}(\.{LABEL}){{0,3}}", "the name of an object of Kubernetes", "Write one such as my-login.")
]
Context = Annotated[
    str, matching("[!-~]{1,200}", "the name of a context", "`kubectl config get-contexts -o name` lists them.")
]
File = Annotated[
    str, matching("(/|~/)[^\x00-\x1f]{1,200}", "an absolute path on the server", "Write one such as ~/.kube/config.")
]


class AutoscaleSection(Section):
    most: Instances = Field(description="Instances at most; the service's `replicas` are the least.", examples=[10])
    cpu: Percentage = defaults_to("70%", "Of what they asked for, that instances are to use.")

    def rules(self) -> Autoscale:
        return Autoscale(self.most, round(self.cpu * 100))


class KubernetesSection(Section):
    context: Context | None = Field(None, description="Default: the kubeconfig's current one; in a pod its own.")
    kubeconfig: File | None = Field(None, description="Default: $KUBECONFIG, then ~/.kube/config.")
    namespace: Namespace | None = Field(None, description="Default: APPLICATION-ENVIRONMENT.")
    create_namespace: Flag = defaults_to(False, "Whether Headgate makes the namespace where it is missing.")
    heal: Flag = defaults_to(True, "Whether what people change by hand is put back; false: it is only told.")
    security: Annotated[Literal["restricted", "baseline"], one_word_of("restricted", "baseline")] = defaults_to(
        "restricted", "Pod Security Standard: restricted runs no root; baseline lets an image run as root."
    )
    service_account: ObjectName | None = Field(None, description="Of the pods. Default: the namespace's default one.")
    token: Flag = defaults_to(False, "Whether pods are given their service account's token.")
    pull_secrets: list[ObjectName] = Field(
        default_factory=list, description="Secrets of the namespace with logins of registries.", examples=[["my-login"]]
    )
    autoscale: dict[Name, AutoscaleSection] = Field(
        default_factory=dict, description="Services whose number of instances a HorizontalPodAutoscaler decides."
    )

    def rules(self) -> ClusterRules:
        return ClusterRules(
            kubeconfig=self.kubeconfig or "",
            context=self.context or "",
            namespace=self.namespace or "",
            create_namespace=self.create_namespace,
            heal=self.heal,
            security=self.security,
            service_account=self.service_account or "",
            token=self.token,
            pull_secrets=tuple(self.pull_secrets),
            autoscale={name: one.rules() for name, one in self.autoscale.items()},
        )
