"""What a commit may not bring by itself: kinds, namespaces, powers of pods."""

import pytest
from tests.adapters.platforms.kubernetes.manifests.written import manifests

from headgate.adapters.platforms.kubernetes.manifests.allowed import check
from headgate.adapters.platforms.kubernetes.manifests.manifest import Refused


def kind(name: str, api: str) -> str:
    return f"apiVersion: {api}\nkind: {name}\nmetadata: {{name: x}}\n"


def pod(text: str) -> str:
    return f"{kind('Deployment', 'apps/v1')}spec: {{template: {{spec: {text}}}}}"


RBAC = "rbac.authorization.k8s.io/v1"


@pytest.mark.parametrize(
    ("text", "allowance"),
    [
        (kind("Role", RBAC), "Role"),
        (kind("ClusterRoleBinding", RBAC), "ClusterRoleBinding"),
        (kind("Namespace", "v1"), "Namespace"),
        (kind("CustomResourceDefinition", "apiextensions.k8s.io/v1"), "CustomResourceDefinition"),
        (kind("ValidatingWebhookConfiguration", "admissionregistration.k8s.io/v1"), "ValidatingWebhookConfiguration"),
        (kind("Certificate", "cert-manager.io/v1"), "Certificate.cert-manager.io"),
        (kind("Deployment", "evil.example.org/v1"), "Deployment.evil.example.org"),
        (kind("Pod", "v1"), "Pod"),
        (kind("HTTPRoute", "gateway.networking.k8s.io/v1"), "HTTPRoute.gateway.networking.k8s.io"),
        (f"{kind('Secret', 'v1')}type: kubernetes.io/service-account-token", "service-account-token"),
        (pod("{hostNetwork: true}"), "hostNetwork"),
        (pod("{hostPID: true}"), "hostPID"),
        (pod("{volumes: [{name: x, hostPath: {path: /}}]}"), "hostPath"),
        (pod("{containers: [{securityContext: {privileged: true}}]}"), "privileged"),
        (pod("{initContainers: [{securityContext: {privileged: true}}]}"), "privileged"),
        (pod("{containers: [{securityContext: {capabilities: {add: [NET_ADMIN]}}}]}"), "capability NET_ADMIN"),
        (pod("{containers: [{ports: [{hostPort: 80}]}]}"), "hostPort"),
    ],
    ids=lambda value: value.split("\n")[-1][:30] if "\n" in value else value,
)
def test_is_refused_until_the_applied_file_allows_it(text: str, allowance: str) -> None:
    with pytest.raises(Refused) as refused:
        check(manifests(text), "shop-qa", ())
    assert f"allow: [{allowance}]" in str(refused.value)
    assert str(refused.value).startswith("shop.yaml:1, document 1")
    check(manifests(text), "shop-qa", (allowance,))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (kind("Job", "batch/v1"), "A Job runs once"),
        ("apiVersion: v1\nkind: Service\nmetadata: {name: x, namespace: other}", "metadata.namespace: found other"),
        (f"{kind('Secret', 'v1')}type: headgate.dev/manifests", "type: found headgate.dev/manifests. Remove it"),
        (
            "apiVersion: v1\nkind: Secret\nmetadata: {name: x, labels: {headgate.dev/revision: rev_1}}",
            "metadata.labels.headgate.dev/revision: found",
        ),
        (
            kind("Deployment", "apps/v1") + "spec: {template: {metadata: {labels: {headgate.dev/service: web}}}}",
            "spec.template.metadata.labels.headgate.dev/service: found",
        ),
        (f"{kind('Service', 'v1')}---\n{kind('Service', 'v1')}", "stands in shop.yaml:1, document 1"),
    ],
    ids=["a job", "another's namespace", "a record of ours", "a mark of ours", "one of pods", "twice"],
)
def test_is_refused_whatever_is_allowed(text: str, said: str) -> None:
    with pytest.raises(Refused) as refused:
        check(manifests(text), "shop-qa", ("Job", "Service", "other"))
    assert said in str(refused.value)


def test_what_an_application_is_made_of_is_allowed() -> None:
    check(manifests(), "shop-qa", ())
    policy = "spec: {podSelector: {matchLabels: {headgate.dev/service: web}}}"
    check(manifests(f"{kind('NetworkPolicy', 'networking.k8s.io/v1')}{policy}"), "shop-qa", ())


@pytest.mark.parametrize("text", ["5", "[1]", "{containers: 3}", "{containers: [1]}", "{volumes: {a: b}}"])
def test_a_pod_of_another_form_is_refused_by_its_place(text: str) -> None:
    with pytest.raises(Refused, match=r"document 1 \(Deployment/x\), spec.template.spec.*: found"):
        check(manifests(pod(text)), "shop-qa", ())
