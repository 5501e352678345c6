"""Where users come in: a Gateway or an ingress class, and what neither can do."""

import pytest
from tests.spec.files import PRESENT, SMALL
from tests.spec.test_compile import compiled
from tests.spec.test_read import problems

from headgate.model.entrances import Entrance
from headgate.spec.missing import missing
from headgate.spec.read import read

HOSTNAMES = "hostnames: {web: [a.example.org]}"
GATEWAY = f"gateway_api: {{gateway: infra/public, section: tls, {HOSTNAMES}, previews: {{web: b.org}}}}"
INGRESS = f"ingress_nginx: {{{HOSTNAMES}}}"
TWO = "audience: {header: {A: '1', B: '2'}}"
PROMETHEUS = 'metrics: {prometheus: {url: "http://127.0.0.1:9090", preset: istio}}'


def file(traffic: str, strategy: str = "blue-green", platform: str = "kubernetes", metrics: str = PROMETHEUS) -> str:
    fields = f"platform: {platform}, traffic: {{{traffic}}}, strategy: {strategy}, {metrics}"
    return SMALL.replace("production: {platform: process}", f"production: {{{fields}}}")


def test_a_gateway() -> None:
    made = compiled(file(GATEWAY, "canary"))
    assert made.traffic == "gateway_api"
    assert made.entrance == Entrance("infra/public", "tls", "", {"web": ("a.example.org",)}, {"web": "b.org"})


def test_an_ingress_class() -> None:
    made = compiled(file(INGRESS))
    assert (made.traffic, made.entrance) == ("ingress_nginx", Entrance("", "", "nginx", {"web": ("a.example.org",)}))


def test_a_name_alone_is_any_router() -> None:
    made = compiled(SMALL.replace("platform: process", "platform: process, traffic: mine"))
    assert (made.traffic, made.entrance) == ("mine", None)


def test_one_that_is_not_installed_is_named() -> None:
    found = missing(read(file(GATEWAY)), {**PRESENT, "platforms": {"kubernetes"}, "metrics": {"prometheus"}})
    assert [(one.field, one.found) for one in found][:1] == [("environments.production.traffic", "gateway_api")]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (file("gateway_api: {hostnames: {web: [a.org]}}"), "allowed: gateway, which is required"),
        (file("gateway_api: {gateway: public, hostnames: {web: [a.org]}}"), "Write one as infra/public."),
        (file("gateway_api: {gateway: a/b, hostnames: {}}"), "hostnames"),
        (file("gateway_api: {gateway: a/b, hostnames: {wob: [a.org]}}"), "allowed: services of this file: web"),
        (file("gateway_api: {gateway: a/b, hostnames: {web: ['a.org:80']}}"), "Write one as shop.example.org."),
        (file("gateway_api: {gateway: a/b, hostnames: {web: [a.org, a.org]}}"), "Give a.org to one service"),
        (file("gateway_api: {gateway: a/b, hostnames: {web: [a.org]}, previews: {web: a.org}}"), "each hostname once"),
        (file(GATEWAY, platform="process"), "allowed: a router for platform process. Use `traffic: envoy`"),
        (file(GATEWAY, metrics=f"listen: {{web: 8123}}, {PROMETHEUS}"), "allowed: no port here. Remove it: gateway"),
        (file(GATEWAY, "canary", metrics="metrics: envoy"), "allowed: metrics of what carries the traffic"),
        (file(INGRESS, "{canary: {sticky: cookie}}"), "allowed: no sticky with ingress_nginx"),
        (file(INGRESS, "{canary: {baseline: true}}"), "allowed: no baseline with ingress_nginx"),
        (file(INGRESS, f"{{canary: {{{TWO}}}}}"), "allowed: one header with ingress_nginx"),
        (file(INGRESS, f"{{blue-green: {{{TWO}}}}}"), "allowed: one header with ingress_nginx"),
    ],
    ids=lambda value: value[-40:],
)
def test_what_cannot_be(content: str, told: str) -> None:
    (problem,) = problems(content)
    assert told in problem


def test_a_canary_shifts_only_what_comes_by_the_entrance() -> None:
    several = file(GATEWAY, "canary").replace("services:\n", "services:\n  api: {command: [a], port: 1}\n")
    (problem,) = problems(several)
    assert "allowed: a hostname for each service of a canary. Add `api: [HOSTNAME]`" in problem
