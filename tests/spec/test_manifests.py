"""The fields `manifests` and `workload`: whose they are, who takes them, and what they make of a revision."""

from dataclasses import replace

import pytest
from tests.spec.test_compose import PRODUCTION, composed

from headgate.model.manifests import Manifests
from headgate.spec.compile import application, services
from headgate.spec.missing import missing
from headgate.spec.problems import SpecificationError
from headgate.spec.read import read

FILE = """application: shop
services: {web: {port: 8000, command: [x]WORKLOAD}}
TOP
environments: {qa: {platform: OTHER}, production: {platform: PLATFORM, HERE}}
"""
PRESENT = {"platforms": {"cluster", "process"}, "traffic": {"envoy"}, "metrics": {"envoy"}, "manifests": {"cluster"}}


def file(top: str = "", here: str = "", platform: str = "cluster", other: str = "process", workload: str = "") -> str:
    text = FILE.replace("TOP", top).replace("HERE", here).replace("PLATFORM", platform).replace("OTHER", other)
    return text.replace("WORKLOAD", f", workload: {workload}" if workload else "")


LONG = "manifests: {path: deploy/chart, values: [a.yaml, b.yaml], allow: [Role, hostPath, capability NET_RAW, X.a.io]}"


@pytest.mark.parametrize(
    ("text", "qa", "production"),
    [
        (file(), None, None),
        (file(top="manifests: deploy"), Manifests("deploy"), Manifests("deploy")),
        (file(top="manifests: deploy", here="manifests: k8s/p"), Manifests("deploy"), Manifests("k8s/p")),
        (
            file(here=LONG),
            None,
            Manifests(
                "deploy/chart", ("a.yaml", "b.yaml"), ("Role", "hostPath", "capability NET_RAW", "X.a.io")
            ),
        ),
    ],
    ids=["none", "of the file", "of an environment", "with all"],
)
def test_an_environments_manifests(text: str, qa: Manifests | None, production: Manifests | None) -> None:
    rules = application(read(text), "/source", "headgate.yaml")
    assert [one.manifests for one in rules.environments] == [qa, production]


def test_paths_are_below_the_folder_of_the_file() -> None:
    rules = application(read(file(here=LONG)), "/source", "shops/one/headgate.yaml")
    found = rules.environments[1].manifests
    assert found is not None
    assert (found.path, found.values) == ("shops/one/deploy/chart", ("shops/one/a.yaml", "shops/one/b.yaml"))


def test_a_services_workload() -> None:
    spec = read(file(top="manifests: deploy", workload="Deployment/front/app"))
    assert services(spec)[0].workload == "Deployment/front/app"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (file(top="manifests: ../other"), "f.yaml:3:12: manifests: found ../other; allowed: a folder below"),
        (file(here="manifests: /etc"), "environments.production.manifests: found /etc"),
        (file(here="manifests: {path: a, allow: ['*']}"), 'manifests.allow[0]: found "*"'.replace('"', "")),
        (file(workload="Deployment/web"), "services.web.workload: found no manifests; allowed: a workload of `manif"),
        (file(top="manifests: a", workload="Deployment/"), "services.web.workload: found Deployment/; allowed: NAME"),
    ],
    ids=["out", "absolute", "everything allowed", "no manifests", "no name"],
)
def test_is_refused(text: str, said: str) -> None:
    with pytest.raises(SpecificationError) as refused:
        read(text, "f.yaml")
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (file(here="manifests: a", platform="process"), "environments.production.manifests: found process; allowed"),
        (file(top="manifests: a", platform="process"), "manifests: found platforms that take none; allowed: cluster"),
    ],
    ids=["an environment's", "the file's"],
)
def test_platforms_that_take_none(text: str, said: str) -> None:
    (problem,) = missing(read(text, "f.yaml"), PRESENT)
    assert said in str(problem)


def test_those_of_the_file_are_for_the_environments_that_take_some() -> None:
    assert missing(read(file(top="manifests: a"), "f.yaml"), PRESENT) == []


def test_other_manifests_are_another_revision_and_what_is_allowed_is_not() -> None:
    def of(manifests: Manifests | None) -> tuple[str, str]:
        revision = composed(environment=replace(PRODUCTION, manifests=manifests))
        assert revision.manifests is None or not revision.manifests.allow
        return revision.id, revision.configuration

    ways = [of(None), of(Manifests("a")), of(Manifests("b")), of(Manifests("a", ("v.yaml",)))]
    assert len(set(ways)) == len({id for id, _ in ways}) == len({own for _, own in ways}) == 4
    assert of(Manifests("a", (), ("Role",))) == of(Manifests("a"))
