"""Where images are kept: Docker's API over TLS, or to this machine; or ECR."""

import pytest
from tests.spec.files import SMALL
from tests.spec.test_read import problems

from headgate.model.images import RegistryRules
from headgate.spec.compile import application
from headgate.spec.read import read


def rules(written: str) -> RegistryRules | None:
    return application(read(SMALL + f"registry: {written}\n"), "repository", "headgate.yaml").registry


def test_without_one_there_is_none() -> None:
    assert application(read(SMALL), "repository", "headgate.yaml").registry is None


def test_docker() -> None:
    assert rules("{docker: {url: 'https://r.example.org'}}") == RegistryRules("docker", {"url": "https://r.example.org"})
    settings = {"url": "http://127.0.0.1:5000", "prefix": "a/b-c", "login_from": "REGISTRY_LOGIN", "ca": "/ca.pem"}
    written = ", ".join(f"{name}: '{value}'" for name, value in settings.items())
    assert rules(f"{{docker: {{{written}}}}}") == RegistryRules("docker", settings)


def test_ecr() -> None:
    assert rules("{ecr: {region: eu-west-1, account: '000000000000'}}") == RegistryRules(
        "ecr", {"region": "eu-west-1", "account": "000000000000"}
    )


BAD = {
    "docker: {url: http://registry.example.org}": ("registry.docker.url", "https://, or http:// to this machine"),
    "docker: {url: https://r.example.org/v2}": ("registry.docker", "an address without a path"),
    "docker: {url: https://ada:secret@r.example.org}": ("registry.docker.url", "an address that begins"),
    "docker: {url: https://r.example.org, login_from: HOME}": ("registry.docker.login_from", "begins with REGISTRY_"),
    "docker: {url: https://r.example.org, ca: ca.pem}": ("registry.docker.ca", "the absolute path of a file"),
    "docker: {url: https://r.example.org, prefix: A/b}": ("registry.docker.prefix", "lower-case names"),
    "docker: {url: https://r.example.org, prefix: ../b}": ("registry.docker.prefix", "lower-case names"),
    "docker: {url: https://r.example.org, password: x}": ("registry.docker.password", "url, prefix, login_from, ca"),
    "ecr: {region: nowhere}": ("registry.ecr.region", "an AWS region"),
    "ecr: {region: eu-west-1, account: abc}": ("registry.ecr.account", "twelve digits"),
    "docker: {url: https://r.example.org}, ecr: {region: eu-west-1}": ("registry", "exactly one of docker, ecr"),
}


@pytest.mark.parametrize("written", BAD)
def test_bad_ones(written: str) -> None:
    field, allowed = BAD[written]
    (problem,) = problems(SMALL + f"registry: {{{written}}}\n")
    assert f" {field}: " in problem
    assert allowed in problem.partition("; allowed: ")[2]
