"""Several hosts of platform docker: what is written, and what cannot work is refused with its line."""

import pytest
from tests.spec.files import SMALL
from tests.spec.test_read import problems

from headgate.model.rules import ContainerHost, Environment
from headgate.spec.compile import application
from headgate.spec.read import read

FIVE = "{engine: 'ssh://deploy@10.0.0.5', address: 10.0.0.5}"
SIX = "{engine: 'ssh://10.0.0.6:2222', address: 10.0.0.6}"
HERE = "{engine: 'unix:///var/run/docker.sock'}"
TWO_SERVICES = SMALL.replace("\nenvironments", '\n  api: {command: [serve, "$PORT"], port: 8001}\nenvironments')


def file(written: str, base: str = SMALL, more: str = "") -> str:
    return base.replace("platform: process", f"platform: {{docker: {{{written}}}}}") + more


def rules(written: str, base: str = SMALL) -> Environment:
    (environment,) = application(read(file(written, base)), "repository", "headgate.yaml").environments
    return environment


def test_the_short_form_names_no_hosts() -> None:
    (made,) = application(read(SMALL.replace("process", "docker")), "repository", "headgate.yaml").environments
    assert (made.platform, made.hosts, made.server) == ("docker", (), "")


def test_hosts() -> None:
    made = rules(f"hosts: [{FIVE}, {SIX}, {HERE}], server: 10.0.0.2", TWO_SERVICES)
    assert (made.platform, made.server) == ("docker", "10.0.0.2")
    assert made.hosts == (
        ContainerHost("ssh://deploy@10.0.0.5", "10.0.0.5"),
        ContainerHost("ssh://10.0.0.6:2222", "10.0.0.6"),
        ContainerHost("unix:///var/run/docker.sock", "127.0.0.1"),
    )


HOSTS = "environments.production.platform.docker.hosts"
BAD = {
    "hosts: [{engine: 'ssh://deploy@10.0.0.5'}]": (f"{HOSTS}[0]", "a host by ssh with its address"),
    "hosts: [{engine: 'unix:///d.sock', address: 10.0.0.5}]": (f"{HOSTS}[0]", "no address for the server's own engine"),
    "hosts: [{engine: 'tcp://10.0.0.5:2375', address: 10.0.0.5}]": (f"{HOSTS}[0].engine", "ssh://USER@HOST"),
    "hosts: [{engine: 'ssh://-oProxyCommand=x', address: 10.0.0.5}]": (f"{HOSTS}[0].engine", "ssh://USER@HOST"),
    "hosts: [{engine: 'ssh://-lx@h', address: 10.0.0.5}]": (f"{HOSTS}[0].engine", "ssh://USER@HOST"),
    "hosts: [{engine: 'ssh://a b@h', address: 10.0.0.5}]": (f"{HOSTS}[0].engine", "ssh://USER@HOST"),
    "hosts: [{engine: 'ssh://h/;id', address: 10.0.0.5}]": (f"{HOSTS}[0].engine", "ssh://USER@HOST"),
    "hosts: [{engine: 'ssh://u:secret@h', address: 10.0.0.5}]": (f"{HOSTS}[0].engine", "ssh://USER@HOST"),
    "hosts: [{engine: 'ssh://h', address: 127.0.0.1}]": (f"{HOSTS}[0].address", "of a network interface"),
    "hosts: [{engine: 'ssh://h', address: 0.0.0.0}]": (f"{HOSTS}[0].address", "of a network interface"),
    "hosts: [{engine: 'ssh://h', address: h}]": (f"{HOSTS}[0].address", "of a network interface"),
    "hosts: []": (HOSTS, ""),
    f"hosts: [{FIVE}, {FIVE}]": (f"{HOSTS}[1]", "each host once"),
    f"hosts: [{FIVE}], server: localhost": ("environments.production.platform.docker.server", "of a network interface"),
}


@pytest.mark.parametrize("written", BAD)
def test_bad_ones(written: str) -> None:
    field, allowed = BAD[written]
    (problem,) = problems(file(written))
    assert f" {field}: " in problem
    assert allowed in problem.partition("; allowed: ")[2]


def test_several_services_need_an_address_of_the_server() -> None:
    (problem,) = problems(file(f"hosts: [{FIVE}]", TWO_SERVICES))
    assert "several services on other hosts only with `server`" in problem
    read(file(f"hosts: [{HERE}]", TWO_SERVICES))


def test_other_hosts_do_not_reach_a_registry_on_loopback() -> None:
    registry = "registry: {docker: {url: 'http://127.0.0.1:5000'}}\n"
    (problem,) = problems(file(f"hosts: [{FIVE}]", more=registry))
    assert "hosts that reach the registry" in problem
    read(file(f"hosts: [{HERE}]", more=registry))
